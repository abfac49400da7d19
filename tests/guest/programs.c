/* SPDX-License-Identifier: MIT */
/*
 * tests/guest/programs.c - programs as compilers on Linux make them, unmodified
 *
 * Idea        tests/guest/prog/libc.c in each form in which a program comes: against glibc and musl, static, static and
 *             position-independent, and with a dynamic loader and a shared library (PT_INTERP). Then one in C++, and
 *             Debian's busybox. An exit status other than 0 is the number of the part that failed.
 * Invariants  see guest.h
 * Follow      from Makefile (PROGRAMS)   to tests/guest/prog/libc.c, kernel/exec.c
 */
#include "guest.h"
#include <stdio.h>
#include <string.h>

static void
run(char *path, char *word, int status_wanted)
{
	char *words[] = {path, word, NULL};
	char *none[] = {NULL};

	if (access(path, X_OK) < 0) {
		note("%s is not in this archive: its compiler was missing when it was made", path);
		return;
	}
	pid_t pid = fork();
	if (pid == 0) {
		execve(path, words, none);
		_exit(126);
	}
	int status = child_wait(pid);
	if (!WIFEXITED(status) || WEXITSTATUS(status) != status_wanted)
		fail("%s ended with status 0x%x", path, status);
}

static void
glibc_static(void)
{
	run("/bin/libc-glibc-static", NULL, 0);
}

static void
glibc_static_pie(void)
{
	run("/bin/libc-glibc-static-pie", NULL, 0);
}

static void
glibc_dynamic(void)
{
	run("/bin/libc-glibc", NULL, 0);
}

static void
musl_static(void)
{
	run("/bin/libc-musl-static", NULL, 0);
}

static void
musl_dynamic(void)
{
	run("/bin/libc-musl", NULL, 0);
}

static void
cxx(void)
{
	run("/bin/cxx", NULL, 0);
}

static void
busybox(void)
{
	run("/bin/busybox", "true", 0);
	run("/bin/busybox", "false", 1);
}

const struct test_case programs_cases[] = {
	{"a static program of glibc runs: stdio, malloc, threads, regex, signals, spawn", glibc_static, 0, CASE_SMP},
	{"a static, position-independent program of glibc runs", glibc_static_pie, 0, 0},
	{"a program of glibc runs with its dynamic loader", glibc_dynamic, 0, CASE_SMP},
	{"a static program of musl runs", musl_static, 0, 0},
	{"a program of musl runs with its dynamic loader", musl_dynamic, 0, 0},
	{"a C++ program runs: exceptions, threads", cxx, 0, CASE_SMP},
	{"Debian's busybox runs", busybox, 0, 0},
	{0},
};
