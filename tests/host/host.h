/* SPDX-License-Identifier: MIT */
/*
 * tests/host/host.h - what every host test starts with: cmocka, reproducible randomness, expected panics
 *
 * Idea        Kernel files are compiled as they are, with ASan and UBSan, and linked with a test. The head of a
 *             test names them, and build.mk reads these lines:
 *
 *                 sources: kernel/lib/rbtree.c mm/vma.c       (each line in a comment of its own)
 *                 flags: -lpthread                            (optional: more for compiling and linking the test)
 *
 *             Random operations run against a simple model. They are the same each time; SEED=n in the environment
 *             gives others, and the log of a failure names the seed.
 *             Bytes that code under test reads or writes lie in blocks of exactly their size (host_copy), so that ASan
 *             sees one byte too many.
 *             Include this header before any of the kernel's.
 * Locks       none; one thread
 * Follow      from every *_test.c
 */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

static uint64_t host_random_state = 1;

/* The next of a fixed sequence of 64-bit values that look random. */
__attribute__((unused)) static uint64_t
host_random(void)
{
	uint64_t x = host_random_state += 0x9e3779b97f4a7c15;

	x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9;
	x = (x ^ x >> 27) * 0x94d049bb133111eb;
	return x ^ x >> 31;
}

/* A random number below @n, which is not 0. */
__attribute__((unused)) static uint64_t
host_below(uint64_t n)
{
	return host_random() % n;
}

/* A random number of a random size: small ones are as frequent as large ones. */
__attribute__((unused)) static uint64_t
host_random_size(void)
{
	return host_random() >> host_below(64);
}

/* A copy in a heap block of exactly @len bytes. Gives: the block (free). */
__attribute__((unused)) static void *
host_copy(const void *bytes, size_t len)
{
	void *copy = malloc(len);

	assert_non_null(copy);
	if (len)
		memcpy(copy, bytes, len);
	return copy;
}

/* Does @call(@arg) end in a panic? It runs in a child process. */
__attribute__((unused)) static bool
host_dies(void (*call)(void *arg), void *arg)
{
	int status;
	pid_t child;

	fflush(NULL);
	child = fork();
	assert_true(child >= 0);
	if (!child) {
		fclose(stderr);
		call(arg);
		_exit(0);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	return WIFSIGNALED(status) && WTERMSIG(status) == 6;
}

/* First thing in main(). */
__attribute__((unused)) static void
host_start(void)
{
	const char *seed = getenv("SEED");

	if (seed && *seed)
		host_random_state = strtoull(seed, NULL, 0);
	printf("SEED=%llu\n", (unsigned long long)host_random_state);
	fflush(stdout);
}
