/* SPDX-License-Identifier: MIT */
/*
 * kernel/random.c - numbers that cannot be foretold
 *
 * Idea        All secrecy is in a key of 256 bits. Each request takes one ChaCha20 block of it: half of the block is
 *             the next key, the other half the key of a stream that serves this request alone. So nobody can compute
 *             from today's memory what was handed out yesterday.
 *
 *                 key --block--> next key
 *                           `--> key of the request --blocks--> bytes
 *
 *             What is stirred in is added to the key before another block is taken. The seed: the processor's own
 *             source (RDSEED, else RDRAND) where it has one, the date, and how long reading the clock chip takes, to
 *             the tick of the TSC. Each request adds the time, and a number of the processor's.
 *             Simple: nobody estimates how much of that is a secret, so getrandom never waits. On a CPU without RDRAND
 *             the seed is as good as the jitter of one boot. A bigger kernel gathers interrupts' times until it has
 *             enough.
 * Invariants  I1  No key is used for two requests.
 * Locks       random_lock: the key. Copies to programs are made without it.
 * Follow      from exec_stack.c, fs/devfs.c   to lib/chacha20.c, arch cpu_random
 * Tests       tests/host/chacha20_test.c, tests/guest/random.c
 * See         RFC 8439; Bernstein, "Fast-key-erasure random-number generators", 2017
 */
#include <arch/cpu.h>
#include <kernel/fs/io.h>
#include <kernel/lib/chacha20.h>
#include <kernel/lib/errno.h>
#include <kernel/lib/string.h>
#include <kernel/random.h>
#include <kernel/sched.h>
#include <kernel/spinlock.h>
#include <kernel/syscall.h>
#include <kernel/task.h>

#define KEY_BYTES (CHACHA20_KEY_WORDS * sizeof(u32))
#define JITTER_SAMPLES 16
#define CHUNK 256 /* bytes on their way to or from a program */
#define GETRANDOM_MOST 0x7ffff000UL

/* getrandom's flags. */
#define GRND_NONBLOCK 1UL
#define GRND_RANDOM 2UL
#define GRND_INSECURE 4UL

static struct spinlock random_lock = SPINLOCK_INIT(RANK_NONE);
static u32 random_key[CHACHA20_KEY_WORDS]; /* random_lock */
static bool seeded;                        /* random_lock */

static void seed(void);
static void request_key(u32 key[CHACHA20_KEY_WORDS]);
static void stir(const void *bytes, u64 n);
static void step(u32 request[CHACHA20_KEY_WORDS]);
static void stream(u32 key[CHACHA20_KEY_WORDS], u8 *to, u64 n);
static bool interrupted(u64 moved);

void
random_fill(void *buf, u64 n)
{
	u32 key[CHACHA20_KEY_WORDS];

	request_key(key);
	stream(key, buf, n);
	memset(key, 0, sizeof(key));
}

void
random_add(const void *bytes, u64 n)
{
	spin_lock(&random_lock);
	stir(bytes, n);
	spin_unlock(&random_lock);
}

s64
random_read(struct io *io)
{
	u8 chunk[CHUNK];
	u64 moved = 0;

	while (io->left && !io->faulted && !interrupted(moved)) {
		u64 n = min_u64(io->left, CHUNK);

		random_fill(chunk, n);
		moved += io_put(io, chunk, n);
		cond_resched();
	}
	memset(chunk, 0, sizeof(chunk));
	return !moved && io->left && !io->faulted ? -EINTR : io_result(io, moved);
}

s64
random_write(struct io *io)
{
	u8 chunk[CHUNK];
	u64 moved = 0;

	while (io->left && !io->faulted && !interrupted(moved)) {
		u64 n = io_take(io, chunk, min_u64(io->left, CHUNK));

		random_add(chunk, n);
		moved += n;
		cond_resched();
	}
	return !moved && io->left && !io->faulted ? -EINTR : io_result(io, moved);
}

s64
sys_getrandom(u64 buf, u64 len, u64 flags)
{
	struct io io;

	len = min_u64(len, GETRANDOM_MOST);
	if (flags & ~(GRND_NONBLOCK | GRND_RANDOM | GRND_INSECURE))
		return -EINVAL;
	if ((flags & (GRND_RANDOM | GRND_INSECURE)) == (GRND_RANDOM | GRND_INSECURE))
		return -EINVAL;
	if (!va_is_user_range(buf, len))
		return -EFAULT;
	io_init(&io, buf, len, 0);
	return random_read(&io);
}

/* Needs random_lock. Why not at boot: by the first request the boot itself has taken a time that varies. */
static void
seed(void)
{
	u64 samples[JITTER_SAMPLES];
	u64 word;

	for (u32 i = 0; i < JITTER_SAMPLES; i++) {
		word = wall_clock_ns_at_boot();
		samples[i] = word ^ cpu_ticks();
	}
	stir(samples, sizeof(samples));
	for (u32 i = 0; i < CHACHA20_KEY_WORDS && cpu_random(&word); i++)
		stir(&word, sizeof(word));
	seeded = true;
}

/* A key for one request. */
static void
request_key(u32 key[CHACHA20_KEY_WORDS])
{
	u64 fresh[2] = {cpu_ticks()};

	(void)cpu_random(&fresh[1]);
	spin_lock(&random_lock);
	if (!seeded)
		seed();
	stir(fresh, sizeof(fresh));
	step(key);
	spin_unlock(&random_lock);
}

/* Adds @n bytes to the key, a key's length at a time. */
static void
stir(const void *bytes, u64 n)
{
	u32 unused[CHACHA20_KEY_WORDS];

	must_hold(&random_lock);
	while (n) {
		u64 some = min_u64(n, KEY_BYTES);

		for (u64 i = 0; i < some; i++)
			((u8 *)random_key)[i] ^= ((const u8 *)bytes)[i];
		step(unused);
		bytes = (const u8 *)bytes + some;
		n -= some;
	}
	memset(unused, 0, sizeof(unused));
}

/* Replaces the key; @request is a key that nobody else gets. Needs random_lock. */
static void
step(u32 request[CHACHA20_KEY_WORDS])
{
	static const u32 nonce[CHACHA20_NONCE_WORDS];
	u8 block[CHACHA20_BLOCK];

	chacha20_block(random_key, 0, nonce, block);
	memcpy(random_key, block, KEY_BYTES);
	memcpy(request, block + KEY_BYTES, KEY_BYTES);
	memset(block, 0, sizeof(block));
}

/* The first @n bytes of the stream that @key makes. */
static void
stream(u32 key[CHACHA20_KEY_WORDS], u8 *to, u64 n)
{
	static const u32 nonce[CHACHA20_NONCE_WORDS];
	u8 block[CHACHA20_BLOCK];

	for (u32 counter = 0; n; counter++) {
		u64 some = min_u64(n, CHACHA20_BLOCK);

		chacha20_block(key, counter, nonce, block);
		memcpy(to, block, some);
		to += some;
		n -= some;
	}
	memset(block, 0, sizeof(block));
}

/* A short read, up to a page, is never interrupted: programs rely on it. */
static bool
interrupted(u64 moved)
{
	return moved >= PAGE_SIZE && READ_ONCE(current->signal_pending);
}
