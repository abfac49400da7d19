/* SPDX-License-Identifier: MIT */
/*
 * user/sysfuzz/worker.c - plays one batch of calls
 *
 * Idea        a process, some threads in it, and an arena of mappings; each thread draws calls until the batch has made
 *             its number. Between calls it touches its mappings, so that there is something to share, to copy and to
 *             throw away. Whatever kills the process, is fine: the supervisor starts another.
 *             The last check before the kernel looks at registers alone: a program that has destroyed its own memory
 *             may call with anything, but not turn off the machine or kill its neighbours.
 * Invariants  I1  Every call goes through call_make(). (the C library makes its own in pthread_create and fork)
 * Locks       none
 * Follow      from user/sysfuzz.c   to calls.c, args.c
 * Tests       tests/guest/test_guest.py (test_sysfuzz)
 */
#include "sysfuzz.h"
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

enum {
	RLIMIT_AS_BYTES = 128 << 20,
	RLIMIT_DATA_BYTES = 24 << 20,
	CALLS_OF_A_CHILD = 8
};

static void limits_set(void);
static void player_make(struct player *p, const struct player *draw, volatile uint64_t *made, uint64_t random,
			bool trace);
static void arena_make(struct player *p);
static void *thread_play(void *player);
static void one_call(struct player *p);
static void fork_play(struct player *p);
static int64_t call_make(int number, const uint64_t *a) __attribute__((noinline));
static void touch(struct player *p);
static void on_fault(int signal);

static __thread sigjmp_buf fault_return;
static __thread volatile bool fault_expected;
static bool handlers; /* faults can be caught: touch() may be bold */

void
batch_play(volatile uint64_t *made, uint64_t seed, uint64_t batch, bool trace)
{
	struct player *players =
		mmap(NULL, THREADS_MAX * sizeof(*players), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct player draw = {.random = seed * 0x2545f4914f6cdd1d + batch};
	struct sigaction action = {.sa_handler = on_fault, .sa_flags = SA_NODEFER};
	int threads = 1 + random_below(&draw, THREADS_MAX);
	pthread_t thread[THREADS_MAX];

	if (players == MAP_FAILED)
		_exit(0);
	limits_set();
	handlers = sigaction(SIGSEGV, &action, NULL) == 0 && sigaction(SIGBUS, &action, NULL) == 0;
	arena_make(&draw);
	for (int i = 0; i < threads; i++)
		player_make(&players[i], &draw, made, random_next(&draw), trace);
	for (int i = 1; i < threads; i++)
		if (pthread_create(&thread[i], NULL, thread_play, &players[i]))
			threads = i;
	thread_play(&players[0]);
	/* The others see the same count and end as well; whoever waits in a call forever is the supervisor's. */
	for (int i = 1; i < threads; i++)
		pthread_join(thread[i], NULL);
	_exit(0);
}

static void
limits_set(void)
{
	struct rlimit as = {RLIMIT_AS_BYTES, RLIMIT_AS_BYTES};
	struct rlimit data = {RLIMIT_DATA_BYTES, RLIMIT_DATA_BYTES};
	struct rlimit processes = {64, 64};

	setrlimit(RLIMIT_AS, &as);
	setrlimit(RLIMIT_DATA, &data);
	setrlimit(RLIMIT_NPROC, &processes);
}

static void
player_make(struct player *p, const struct player *draw, volatile uint64_t *made, uint64_t random, bool trace)
{
	memcpy(p->region, draw->region, sizeof(p->region));
	p->random = random;
	p->made = made;
	p->trace = trace;
	for (int i = 0; i < 4; i++)
		open(i & 1 ? "a" : "b", O_RDWR | O_CREAT, 0600);
}

/*
 * Mappings with gaps between them, of anonymous memory, private and shared, for all threads of the batch. Around it
 * lies as much again of nothing: who aims beside a mapping shall rarely hit the program itself.
 */
static void
arena_make(struct player *p)
{
	char *all = mmap(NULL, 3 * ARENA, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	char *arena = all + ARENA;
	uint64_t each = ARENA / REGIONS;

	for (int i = 0; i < REGIONS && all != MAP_FAILED; i++) {
		int flags = MAP_ANONYMOUS | MAP_FIXED | (i % 3 ? MAP_PRIVATE : MAP_SHARED);
		uint64_t bytes = (1 + random_below(p, each / PAGE - 1)) * PAGE;
		mmap(arena + i * each, bytes, PROT_READ | PROT_WRITE, flags, -1, 0);
		p->region[i] = (struct region){(uint64_t)arena + i * each, bytes};
	}
	if (all != MAP_FAILED)
		munmap(all, ARENA), munmap(arena + ARENA, ARENA);
}

static void *
thread_play(void *player)
{
	struct player *p = player;

	while (__atomic_fetch_add(p->made, 1, __ATOMIC_RELAXED) < BATCH_CALLS) {
		if (random_below(p, 3) == 0)
			touch(p);
		one_call(p);
	}
	return NULL;
}

static void
one_call(struct player *p)
{
	const struct call *call = call_pick(p);
	uint64_t a[CALL_ARGS] = {0};

	for (int i = 0; i < CALL_ARGS && call->args[i]; i++)
		a[i] = argument_make(p, call->args[i]);
	if (p->trace)
		dprintf(2, "%d: %s(%lx, %lx, %lx, %lx, %lx, %lx)", gettid(), call->name, a[0], a[1], a[2], a[3], a[4],
			a[5]);
	if (call->number == SYS_fork || call->number == SYS_clone) {
		if (p->depth == 0)
			fork_play(p);
		return;
	}
	int64_t result = call_make(call->number, a);
	if (p->trace)
		dprintf(2, " = %ld\n", result);
	region_learn(p, call, a, result);
}

/* A process that shares all by copy-on-write, makes some calls and ends. */
static void
fork_play(struct player *p)
{
	uint64_t random = random_next(p);
	pid_t pid = fork();

	if (pid == 0) {
		p->random = random;
		p->depth = 1;
		for (int i = 0; i < CALLS_OF_A_CHILD; i++) {
			touch(p);
			one_call(p);
		}
		_exit(0);
	}
	if (pid > 0)
		p->child = pid;
}

/* Registers only between the checks and the kernel. */
static int64_t
call_make(int number, const uint64_t *a)
{
	register int64_t rax __asm__("rax") = number;
	register uint64_t rdi __asm__("rdi") = a[0];
	register uint64_t rsi __asm__("rsi") = a[1];
	register uint64_t rdx __asm__("rdx") = a[2];
	register uint64_t r10 __asm__("r10") = a[3];
	register uint64_t r8 __asm__("r8") = a[4];
	register uint64_t r9 __asm__("r9") = a[5];

	if (rax == SYS_reboot || rax == SYS_mount || rax == SYS_umount2)
		return -1;
	if ((rax == SYS_kill || rax == SYS_tgkill || rax == SYS_tkill) && ((int)rdi <= 1 || rdi != (uint32_t)rdi))
		return -1;
	__asm__ volatile("syscall"
			 : "+r"(rax)
			 : "r"(rdi), "r"(rsi), "r"(rdx), "r"(r10), "r"(r8), "r"(r9)
			 : "rcx", "r11", "memory");
	return rax;
}

/* Reads or writes some pages of a mapping. */
static void
touch(struct player *p)
{
	const struct region *r = &p->region[random_below(p, REGIONS)];
	volatile uint8_t *at = (uint8_t *)r->start;
	uint64_t step = (1 + random_below(p, 4)) * PAGE;
	bool write = random_below(p, 2);

	if (!handlers)
		return;
	fault_expected = true;
	if (sigsetjmp(fault_return, 0) == 0) {
		for (uint64_t i = 0; i < r->bytes && i < 32 * PAGE; i += step) {
			if (write)
				at[i] = i;
			else
				(void)at[i];
		}
	}
	fault_expected = false;
}

static void
on_fault(int signal)
{
	if (fault_expected)
		siglongjmp(fault_return, 1);
	_exit(signal);
}
