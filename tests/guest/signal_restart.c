/* SPDX-License-Identifier: MIT */
/*
 * tests/guest/signal_restart.c - what becomes of a system call that a signal interrupts
 *
 * Idea        the case sleeps in a call; a child sends the signal when the case is asleep (its state in /proc says so),
 *             and then, where the call is to go on, does what ends it
 * Invariants  see guest.h
 * Follow      to kernel/restart.h
 */
#include "guest.h"
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>

enum {
	FUTEX_WAIT = 0,
	FUTEX_WAKE = 1
};

static volatile int runs;

static void
count(int sig)
{
	(void)sig;
	runs++;
}

static void
handle(int sig, int flags)
{
	struct sigaction action = {.sa_handler = count, .sa_flags = flags};

	check(sigaction(sig, &action, NULL) == 0);
}

static char
state_of(pid_t pid)
{
	char text[256] = "";
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	int fd = open(path, O_RDONLY);
	if (fd < 0)
		return 0;
	ssize_t n = read(fd, text, sizeof(text) - 1);
	close(fd);
	char *end = n > 0 ? strrchr(text, ')') : NULL;
	return end ? end[2] : 0;
}

/* Until the parent sleeps, for some looks in a row. */
static void
await_sleep(pid_t pid)
{
	for (int asleep = 0; asleep < 3; usleep(500))
		asleep = state_of(pid) == 'S' ? asleep + 1 : 0;
}

static int pipe_ends[2];
static volatile int *word; /* shared */

enum after {
	NOTHING,
	WRITE_BYTE,
	WAKE_FUTEX,
	STOP_AND_GO,
};

static void
signals_parent(void *arg)
{
	pid_t parent = getppid();

	await_sleep(parent);
	kill(parent, (intptr_t)arg == STOP_AND_GO ? SIGSTOP : SIGUSR1);
	if ((intptr_t)arg == STOP_AND_GO) {
		while (state_of(parent) != 'T')
			usleep(500);
		kill(parent, SIGCONT);
	}
	if ((intptr_t)arg == WRITE_BYTE) {
		await_sleep(parent);
		check(write(pipe_ends[1], "x", 1) == 1);
	}
	if ((intptr_t)arg == WAKE_FUTEX) {
		await_sleep(parent);
		*word = 1;
		syscall(SYS_futex, word, FUTEX_WAKE, 1);
	}
}

static void
read_restarts(void)
{
	char c;

	handle(SIGUSR1, SA_RESTART);
	check(pipe(pipe_ends) == 0);
	pid_t pid = child_start(signals_parent, (void *)WRITE_BYTE);
	check(read(pipe_ends[0], &c, 1) == 1 && c == 'x' && runs == 1);
	check(child_wait(pid) == 0);
}

static void
read_eintr(void)
{
	char c;

	handle(SIGUSR1, 0);
	check(pipe(pipe_ends) == 0);
	pid_t pid = child_start(signals_parent, (void *)NOTHING);
	check_errno(read(pipe_ends[0], &c, 1), EINTR);
	check(runs == 1 && child_wait(pid) == 0);
}

static void
write_eintr_after_part(void)
{
	static char block[65536 + 4096];

	handle(SIGUSR1, SA_RESTART);
	check(pipe(pipe_ends) == 0);
	pid_t pid = child_start(signals_parent, (void *)NOTHING);
	/* A part was written: that is the result, restart or not. */
	check(write(pipe_ends[1], block, sizeof(block)) == 65536 && runs == 1);
	check(child_wait(pid) == 0);
}

static void
exits_after_signal(void *arg)
{
	(void)arg;
	signals_parent((void *)NOTHING);
	await_sleep(getppid());
	_exit(5);
}

static void
wait_restarts(void)
{
	int status;

	handle(SIGUSR1, SA_RESTART);
	pid_t pid = child_start(exits_after_signal, NULL);
	check(waitpid(pid, &status, 0) == pid && WEXITSTATUS(status) == 5 && runs == 1);
}

static void
wait_eintr(void)
{
	int status;

	handle(SIGUSR1, 0);
	pid_t pid = child_start(exits_after_signal, NULL);
	check_errno(waitpid(pid, &status, 0), EINTR);
	check(runs == 1 && child_wait(pid) == 5 << 8);
}

static long
futex_wait(const struct timespec *timeout)
{
	return syscall(SYS_futex, word, FUTEX_WAIT, 0, timeout, NULL, 0);
}

static void
futex_restarts(void)
{
	word = (volatile int *)map_shared(PAGE);
	handle(SIGUSR1, SA_RESTART);
	pid_t pid = child_start(signals_parent, (void *)WAKE_FUTEX);
	check(futex_wait(NULL) == 0 && runs == 1 && *word == 1);
	check(child_wait(pid) == 0);
}

static void
futex_eintr(void)
{
	struct timespec long_time = {.tv_sec = 1000};

	word = (volatile int *)map_shared(PAGE);
	handle(SIGUSR1, 0);
	pid_t pid = child_start(signals_parent, (void *)NOTHING);
	check_errno(futex_wait(NULL), EINTR);
	check(child_wait(pid) == 0);
	/* With a time it never restarts. */
	handle(SIGUSR1, SA_RESTART);
	pid = child_start(signals_parent, (void *)NOTHING);
	check_errno(futex_wait(&long_time), EINTR);
	check(runs == 2 && child_wait(pid) == 0);
}

static long
ns_between(const struct timespec *a, const struct timespec *b)
{
	return (b->tv_sec - a->tv_sec) * 1000000000L + b->tv_nsec - a->tv_nsec;
}

static void
nanosleep_eintr(void)
{
	struct timespec t = {.tv_sec = 1000};
	struct timespec left = {0};

	handle(SIGUSR1, SA_RESTART);
	pid_t pid = child_start(signals_parent, (void *)NOTHING);
	check_errno(nanosleep(&t, &left), EINTR);
	check(runs == 1 && left.tv_sec < 1000 && left.tv_sec > 900 && left.tv_nsec < 1000000000);
	check(child_wait(pid) == 0);
	left = (struct timespec){0};
	pid = child_start(signals_parent, (void *)NOTHING);
	check(clock_nanosleep(CLOCK_MONOTONIC, 0, &t, &left) == EINTR);
	check(left.tv_sec < 1000 && left.tv_sec > 900);
	check(child_wait(pid) == 0);
	/* An absolute sleep tells no rest. */
	clock_gettime(CLOCK_MONOTONIC, &t);
	t.tv_sec += 1000;
	left.tv_sec = 77;
	pid = child_start(signals_parent, (void *)NOTHING);
	check(clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, &left) == EINTR && left.tv_sec == 77);
	check(runs == 3 && child_wait(pid) == 0);
}

/* A stop does not end a sleep, and does not make it longer. */
static void
nanosleep_stopped(void)
{
	struct timespec t = {.tv_nsec = 300000000};
	struct timespec before, after;

	pid_t pid = child_start(signals_parent, (void *)STOP_AND_GO);
	clock_gettime(CLOCK_MONOTONIC, &before);
	check(nanosleep(&t, NULL) == 0);
	clock_gettime(CLOCK_MONOTONIC, &after);
	check(ns_between(&before, &after) >= 300000000);
	check(child_wait(pid) == 0);
}

static void
read_stopped(void *arg)
{
	char c;

	(void)arg;
	check(read(pipe_ends[0], &c, 1) == 1);
}

static void
stop_restarts_read(void)
{
	int status;

	check(pipe(pipe_ends) == 0);
	pid_t pid = child_start(read_stopped, NULL);
	await_sleep(pid);
	check(kill(pid, SIGSTOP) == 0);
	check(waitpid(pid, &status, WUNTRACED) == pid && WIFSTOPPED(status));
	check(kill(pid, SIGCONT) == 0);
	await_sleep(pid);
	check(write(pipe_ends[1], "x", 1) == 1);
	check(child_wait(pid) == 0);
}

static void
pause_eintr(void)
{
	handle(SIGUSR1, SA_RESTART);
	pid_t pid = child_start(signals_parent, (void *)NOTHING);
	check_errno(pause(), EINTR);
	check(runs == 1 && child_wait(pid) == 0);
}

/* An ignored signal, or one with a default that does nothing, interrupts nothing. */
static void
ignored_is_not_felt(void)
{
	char c;

	signal(SIGUSR1, SIG_IGN);
	check(pipe(pipe_ends) == 0);
	pid_t pid = child_start(signals_parent, (void *)WRITE_BYTE);
	check(read(pipe_ends[0], &c, 1) == 1 && c == 'x');
	check(child_wait(pid) == 0);
}

/* The call that is made again is the same call: its number and arguments are intact. */
static void
restart_keeps_arguments(void)
{
	char c = 0;
	int64_t rax = SYS_read;
	uint64_t rdi, rsi, rdx;

	handle(SIGUSR1, SA_RESTART);
	check(pipe(pipe_ends) == 0);
	pid_t pid = child_start(signals_parent, (void *)WRITE_BYTE);
	rdi = pipe_ends[0];
	rsi = (uintptr_t)&c;
	rdx = 1;
	__asm__ volatile("syscall" : "+a"(rax), "+D"(rdi), "+S"(rsi), "+d"(rdx) : : "rcx", "r11", "memory");
	check(rax == 1 && c == 'x' && runs == 1);
	check(rdi == (uint64_t)pipe_ends[0] && rsi == (uintptr_t)&c && rdx == 1);
	check(child_wait(pid) == 0);
}

static void
restart_without_reason(void)
{
	check_errno(syscall(SYS_restart_syscall), EINTR);
}

const struct test_case signal_restart_cases[] = {
	{"read from a pipe begins again after a handler with SA_RESTART", read_restarts, 0, CASE_SMP},
	{"read from a pipe ends with EINTR after a handler without", read_eintr, 0, CASE_SMP},
	{"write returns the part that was written", write_eintr_after_part, 0, 0},
	{"waitpid begins again after a handler with SA_RESTART", wait_restarts, 0, CASE_SMP},
	{"waitpid ends with EINTR after a handler without", wait_eintr, 0, CASE_SMP},
	{"futex without a time begins again after a handler with SA_RESTART", futex_restarts, 0, CASE_SMP},
	{"futex ends with EINTR: without SA_RESTART, and with a time in any case", futex_eintr, 0, CASE_SMP},
	{"nanosleep ends with EINTR and tells the rest", nanosleep_eintr, 0, 0},
	{"a stop neither ends a sleep nor makes it longer", nanosleep_stopped, 0, CASE_SMP},
	{"a stop does not end a read", stop_restarts_read, 0, CASE_SMP},
	{"pause ends with EINTR, SA_RESTART or not", pause_eintr, 0, 0},
	{"a signal that is ignored interrupts nothing", ignored_is_not_felt, 0, 0},
	{"a call made again has its number and arguments", restart_keeps_arguments, 0, 0},
	{"restart_syscall without anything to go on with is EINTR", restart_without_reason, 0, 0},
	{0},
};
