/* SPDX-License-Identifier: MIT */
/*
 * tests/guest/failnth.c - every allocation of the kernel may fail
 *
 * Idea        /proc/<pid>/fail-nth makes the n-th allocation from now on fail, once. A kernel that has no such file
 *             (most builds of Linux) passes by not being asked.
 * Invariants  see guest.h
 * Follow      to mm/fail_inject.c
 * See         Linux Documentation/fault-injection/fault-injection.rst
 */
#include "guest.h"
#include "procfile.h"
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* This process's file, open before anything shall fail; -1: there is none. */
static int
nth_open(void)
{
	return open("/proc/self/fail-nth", O_RDWR);
}

static bool
nth_set(int fd, const char *text)
{
	return pwrite(fd, text, strlen(text), 0) == (ssize_t)strlen(text);
}

static long
nth_left(int fd)
{
	char text[16] = "";

	return pread(fd, text, sizeof(text) - 1, 0) > 0 ? atol(text) : -1;
}

static void
fails_once(void)
{
	int fd = nth_open();
	int ends[2];

	if (fd < 0)
		return;
	check(nth_left(fd) == 0);
	check(nth_set(fd, "1"));
	check_errno(pipe(ends), ENOMEM);
	check(nth_left(fd) == 0);
	check(pipe(ends) == 0);
	check(nth_set(fd, "1000000"));
	long left = nth_left(fd);
	check(left > 999000 && left <= 1000000);
	check(pipe(ends) == 0);
	check(nth_left(fd) < left);
	check(nth_set(fd, "0"));
	check(nth_left(fd) == 0);
}

static void
child_begins_without(void *arg)
{
	check(proc_value("/proc/self/status", "PPid:") == *(pid_t *)arg);
	check(atol(proc_text("/proc/self/fail-nth")) == 0);
}

static void
is_of_one_task(void)
{
	int fd = nth_open();
	pid_t self = getpid();

	if (fd < 0)
		return;
	check(nth_set(fd, "1000000"));
	child_must_live(child_begins_without, &self);
	check(nth_left(fd) > 0);
}

static void
takes_numbers_only(void)
{
	int fd = nth_open();

	if (fd < 0)
		return;
	check_errno(pwrite(fd, "x", 1, 0), EINVAL);
	check_errno(pwrite(fd, "-1", 2, 0), EINVAL);
	check_errno(pwrite(fd, "4294967296", 10, 0), ERANGE);
	check(nth_set(fd, "0x7fffffff\n"));
	check(nth_left(fd) > 0x7ffff000);
}

const struct test_case failnth_cases[] = {
	{"fail-nth fails one allocation, and then reads 0", fails_once, 0, 0},
	{"fail-nth is of one task: a child begins without", is_of_one_task, 0, 0},
	{"fail-nth takes numbers only", takes_numbers_only, 0, 0},
	{0},
};
