/* SPDX-License-Identifier: MIT */
/*
 * tests/guest/random.c - random numbers: every byte of a request, different for everyone
 *
 * Idea        That bytes cannot be foretold, no test can show; but a generator that repeats itself, skips the end of a
 *             buffer or is copied by fork is caught here. What chance could break is out of reach of chance: 2^-64.
 * Invariants  see guest.h
 * Locks       none
 * Follow      to kernel/random.c, kernel/fs/devfs.c
 * Tests       none
 */
#include "guest.h"
#include <fcntl.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/random.h>

enum {
	BYTES = 65536,
	MOST = 300
};

/* Every byte of a request of any size changes sooner or later, and none behind it. */
static void
every_byte(void)
{
	unsigned char bytes[MOST + 1];
	unsigned char seen[MOST];

	for (int n = 0; n <= MOST; n += n < 70 ? 1 : 23) {
		memset(seen, 0, sizeof(seen));
		for (int round = 0; round < 16; round++) {
			memset(bytes, 0, sizeof(bytes));
			check(getrandom(bytes, n, 0) == n);
			for (int i = 0; i < n; i++)
				seen[i] |= bytes[i];
			check(bytes[n] == 0);
		}
		for (int i = 0; i < n; i++)
			check(seen[i] != 0);
	}
}

static void
balanced(void)
{
	static unsigned char bytes[BYTES];
	long ones = 0;

	check(getrandom(bytes, BYTES, 0) == BYTES);
	for (int i = 0; i < BYTES; i++)
		ones += __builtin_popcount(bytes[i]);
	note("%ld of %d bits are set", ones, BYTES * 8);
	/* Half of them, give or take 10 standard deviations. */
	check(ones > BYTES * 4 - 3620 && ones < BYTES * 4 + 3620);
}

static void
child_draws(void *arg)
{
	check(getrandom(arg, 16, 0) == 16);
}

static void
forked(void)
{
	unsigned char *drawn = (unsigned char *)map_shared(PAGE);
	unsigned char own[16];

	child_must_live(child_draws, drawn);
	child_must_live(child_draws, drawn + 16);
	check(getrandom(own, 16, 0) == 16);
	check(memcmp(drawn, drawn + 16, 16) != 0);
	check(memcmp(drawn, own, 16) != 0 && memcmp(drawn + 16, own, 16) != 0);
}

static void
flags(void)
{
	unsigned char bytes[16];

	check(getrandom(bytes, 16, GRND_NONBLOCK) == 16);
	check(getrandom(bytes, 16, GRND_RANDOM) == 16);
	check(getrandom(bytes, 16, GRND_INSECURE) == 16);
	check(getrandom(NULL, 0, 0) == 0);
	check_errno(getrandom(bytes, 16, GRND_RANDOM | GRND_INSECURE), EINVAL);
	check_errno(getrandom(bytes, 16, 8), EINVAL);
}

static void
wild_pointers(void)
{
	volatile unsigned char *p = map_private(2 * PAGE);

	check(munmap((void *)(p + PAGE), PAGE) == 0);
	check_errno(getrandom((void *)(p + PAGE), 16, 0), EFAULT);
	check_errno(getrandom((void *)0xffff800000000000, 16, 0), EFAULT);
	/* What lies before the hole is filled. */
	long n = getrandom((void *)p, 2 * PAGE, 0);
	check(n > 0 && n <= PAGE);
}

static void
devices(void)
{
	static const char *const names[] = {"/dev/random", "/dev/urandom"};
	unsigned char bytes[2][64];

	for (int i = 0; i < 2; i++) {
		int fd = open(names[i], O_RDWR);
		check(fd >= 0);
		check(read(fd, bytes[i], 64) == 64);
		check(write(fd, bytes[i], 64) == 64);
		check(close(fd) == 0);
	}
	check(memcmp(bytes[0], bytes[1], 64) != 0);
}

static void
for_programs(void)
{
	const unsigned char *given = (const unsigned char *)getauxval(AT_RANDOM);
	int set = 0;

	check(given != NULL);
	for (int i = 0; i < 16; i++)
		set |= given[i];
	check(set != 0);
}

const struct test_case random_cases[] = {
	{"getrandom fills every byte of a request and none behind it", every_byte, 0, 0},
	{"as many bits are ones as zeros", balanced, 0, 0},
	{"parent and children draw different numbers", forked, 0, 0},
	{"getrandom knows its flags", flags, 0, 0},
	{"getrandom survives wild pointers", wild_pointers, 0, 0},
	{"/dev/random and /dev/urandom can be read and written", devices, 0, 0},
	{"a program finds random bytes beside its arguments", for_programs, 0, 0},
	{0},
};
