/* SPDX-License-Identifier: MIT */
/*
 * tests/guest/poll.c - waiting for several files at once: poll, ppoll, select, pselect
 *
 * Idea        pipes are what becomes ready and not ready at will
 * Invariants  see guest.h
 * Follow      to kernel/fs/poll.c, kernel/sys_poll.c
 */
#include "guest.h"
#include "terminal.h"
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/select.h>
#include <sys/syscall.h>
#include <time.h>

static int ends[2];

/* What poll says of one descriptor at this moment. */
static int
now(int fd)
{
	struct pollfd p = {.fd = fd, .events = POLLIN | POLLOUT | POLLRDNORM | POLLWRNORM | POLLPRI};
	int n = poll(&p, 1, 0);

	check(n == (p.revents != 0));
	return p.revents;
}

static long
milliseconds(void)
{
	struct timespec time;

	check(clock_gettime(CLOCK_MONOTONIC, &time) == 0);
	return time.tv_sec * 1000 + time.tv_nsec / 1000000;
}

static void
pipe_states(void)
{
	char byte;

	check(pipe(ends) == 0);
	check(now(ends[0]) == 0 && now(ends[1]) == (POLLOUT | POLLWRNORM));
	check(write(ends[1], "x", 1) == 1);
	check(now(ends[0]) == (POLLIN | POLLRDNORM));
	check(close(ends[1]) == 0);
	check(now(ends[0]) == (POLLIN | POLLRDNORM | POLLHUP));
	check(read(ends[0], &byte, 1) == 1);
	check(now(ends[0]) == POLLHUP);
	check(pipe(ends) == 0 && close(ends[0]) == 0);
	check(now(ends[1]) == (POLLOUT | POLLWRNORM | POLLERR));
}

static void
full_pipe(void)
{
	static char block[PAGE];

	check(pipe2(ends, O_NONBLOCK) == 0);
	while (write(ends[1], block, PAGE) == PAGE)
		;
	check(now(ends[1]) == 0);
	check(read(ends[0], block, PAGE) == PAGE);
	check(now(ends[1]) == (POLLOUT | POLLWRNORM));
	check(write(ends[1], block, PAGE) == PAGE);
}

static void
always_ready(void)
{
	int all = POLLIN | POLLOUT | POLLRDNORM | POLLWRNORM;

	check(now(file_make("/tmp/polled", 1)) == all && unlink("/tmp/polled") == 0);
	check(now(open("/dev/null", O_RDWR)) == all);
	check(now(open("/proc/meminfo", O_RDONLY)) == all);
	check(now(open("/", O_RDONLY)) == all);
}

static void
invalid(void)
{
	struct pollfd p[3] = {{.fd = 999, .events = POLLIN}, {.fd = -1, .events = POLLIN}, {.fd = -2}};

	p[1].revents = p[2].revents = 0x7f;
	check(poll(p, 3, -1) == 1);
	check(p[0].revents == POLLNVAL && p[1].revents == 0 && p[2].revents == 0);
	check_errno(poll((struct pollfd *)16, 1, 0), EFAULT);
	check_errno(poll(p, 1U << 30, 0), EINVAL);
	check_errno(ppoll(p, 1, &(struct timespec){.tv_nsec = 1000000000}, NULL), EINVAL);
	check_errno(ppoll(p, 1, &(struct timespec){.tv_sec = -1}, NULL), EINVAL);
	int path = open("/", O_PATH);
	check(now(path) == POLLNVAL);
	check(poll(NULL, 0, 0) == 0);
}

static void
time_passes(void)
{
	struct pollfd p = {.events = POLLIN};

	check(pipe(ends) == 0);
	p.fd = ends[0];
	long start = milliseconds();
	check(poll(&p, 1, 60) == 0 && p.revents == 0);
	check(milliseconds() - start >= 59);
	start = milliseconds();
	check(poll(NULL, 0, 30) == 0);
	check(milliseconds() - start >= 29);
}

static void
writes_late(void *fd)
{
	usleep(10000);
	check(write((intptr_t)fd, "x", 1) == 1);
}

static void
woken(void)
{
	int other[2];
	struct pollfd p[2] = {{.events = POLLIN}, {.events = POLLIN}};

	check(pipe(ends) == 0 && pipe(other) == 0);
	p[0].fd = ends[0];
	p[1].fd = other[0];
	pid_t pid = child_start(writes_late, (void *)(intptr_t)other[1]);
	check(poll(p, 2, -1) == 1);
	check(p[0].revents == 0 && p[1].revents == POLLIN);
	check(child_wait(pid) == 0);
}

static void
closes_late(void *fd)
{
	(void)fd;
	usleep(10000);
}

static void
woken_by_close(void)
{
	struct pollfd p = {.events = POLLIN};

	check(pipe(ends) == 0);
	p.fd = ends[0];
	pid_t pid = child_start(closes_late, NULL);
	close(ends[1]);
	check(poll(&p, 1, -1) == 1 && p.revents == POLLHUP);
	check(child_wait(pid) == 0);
}

enum {
	ROUNDS = 2000,
	PIPES = 3
};

static int there[PIPES][2], back[2];

static void
answers(void *arg)
{
	struct pollfd p[PIPES];
	char byte;

	(void)arg;
	for (int round = 0; round < ROUNDS; round++) {
		for (int i = 0; i < PIPES; i++)
			p[i] = (struct pollfd){.fd = there[i][0], .events = POLLIN};
		check(poll(p, PIPES, -1) == 1);
		for (int i = 0; i < PIPES; i++)
			if (p[i].revents)
				check(i == round % PIPES && read(p[i].fd, &byte, 1) == 1);
		check(write(back[1], "y", 1) == 1);
	}
}

/* No wake-up may be lost, whatever falls together. */
static void
ping_pong(void)
{
	struct pollfd p = {.events = POLLIN};
	char byte;

	check(pipe(back) == 0);
	for (int i = 0; i < PIPES; i++)
		check(pipe(there[i]) == 0);
	pid_t pid = child_start(answers, NULL);
	p.fd = back[0];
	for (int round = 0; round < ROUNDS; round++) {
		check(write(there[round % PIPES][1], "x", 1) == 1);
		check(poll(&p, 1, -1) == 1 && p.revents == POLLIN);
		check(read(back[0], &byte, 1) == 1);
	}
	check(child_wait(pid) == 0);
}

static void
many(void)
{
	enum {
		COUNT = 200
	};
	static int pipes[COUNT][2];
	static struct pollfd p[COUNT];

	for (int i = 0; i < COUNT; i++) {
		check(pipe(pipes[i]) == 0);
		p[i] = (struct pollfd){.fd = pipes[i][0], .events = POLLIN};
	}
	pid_t pid = child_start(writes_late, (void *)(intptr_t)pipes[COUNT - 1][1]);
	check(poll(p, COUNT, -1) == 1 && p[COUNT - 1].revents == POLLIN);
	check(child_wait(pid) == 0);
}

static volatile int handled;

static void
handler(int sig)
{
	handled = sig;
}

static void catch (int sig, int flags)
{
	struct sigaction action = {.sa_handler = handler, .sa_flags = flags};

	check(sigaction(sig, &action, NULL) == 0);
}

static void
signals_parent(void *arg)
{
	(void)arg;
	usleep(10000);
	check(kill(getppid(), SIGUSR1) == 0);
}

/* Even SA_RESTART does not begin poll and select anew. */
static void
interrupted(void)
{
	struct pollfd p = {.events = POLLIN};
	fd_set in;

	check(pipe(ends) == 0);
	p.fd = ends[0];
	catch (SIGUSR1, SA_RESTART);
	pid_t pid = child_start(signals_parent, NULL);
	check_errno(poll(&p, 1, -1), EINTR);
	check(handled == SIGUSR1 && child_wait(pid) == 0);
	handled = 0;
	FD_ZERO(&in);
	FD_SET(ends[0], &in);
	pid = child_start(signals_parent, NULL);
	check_errno(select(ends[0] + 1, &in, NULL, NULL, NULL), EINTR);
	check(handled == SIGUSR1 && child_wait(pid) == 0);
}

static void
polls_for_ever(void *arg)
{
	struct pollfd p = {.fd = ends[0], .events = POLLIN};

	(void)arg;
	close(ends[1]);
	check(poll(&p, 1, 1000000) == 1 && p.revents == POLLIN);
}

static void
stopped(void)
{
	int status;

	check(pipe(ends) == 0);
	pid_t pid = child_start(polls_for_ever, NULL);
	for (int i = 0; i < 3; i++) {
		usleep(5000);
		check(kill(pid, SIGSTOP) == 0);
		check(waitpid(pid, &status, WUNTRACED) == pid && WIFSTOPPED(status));
		check(kill(pid, SIGCONT) == 0);
	}
	check(write(ends[1], "x", 1) == 1);
	check(child_wait(pid) == 0);
}

/* The signal waits until ppoll lets it through, and is blocked again afterwards. */
static void
masks(void)
{
	sigset_t blocked;
	sigset_t empty;
	sigset_t pending;

	sigemptyset(&empty);
	sigemptyset(&blocked);
	sigaddset(&blocked, SIGUSR1);
	check(sigprocmask(SIG_BLOCK, &blocked, NULL) == 0);
	catch (SIGUSR1, 0);
	check(raise(SIGUSR1) == 0 && handled == 0);
	check_errno(ppoll(NULL, 0, NULL, &empty), EINTR);
	check(handled == SIGUSR1);
	handled = 0;
	check(raise(SIGUSR1) == 0);
	check_errno(pselect(0, NULL, NULL, NULL, NULL, &empty), EINTR);
	check(handled == SIGUSR1);
	handled = 0;
	check(raise(SIGUSR1) == 0 && handled == 0);
	check(sigpending(&pending) == 0 && sigismember(&pending, SIGUSR1) == 1);
	check_errno(syscall(SYS_ppoll, 0, 0, 0, &empty, 4), EINVAL);
}

static void
time_left(void)
{
	struct timespec spec = {.tv_sec = 100};
	struct timeval val = {.tv_sec = 100};

	check(pipe(ends) == 0);
	struct pollfd p = {.fd = ends[1], .events = POLLOUT};
	check(syscall(SYS_ppoll, &p, 1, &spec, NULL, 8) == 1);
	check(spec.tv_sec >= 90 && spec.tv_sec <= 100 && (spec.tv_sec < 100 || !spec.tv_nsec));
	fd_set out;
	FD_ZERO(&out);
	FD_SET(ends[1], &out);
	check(syscall(SYS_select, ends[1] + 1, NULL, &out, NULL, &val) == 1);
	check(val.tv_sec >= 90 && val.tv_sec <= 100 && val.tv_usec < 1000000);
	spec = (struct timespec){.tv_nsec = 20000000};
	check(syscall(SYS_ppoll, NULL, 0, &spec, NULL, 8) == 0);
	check(spec.tv_sec == 0 && spec.tv_nsec == 0);
}

static void
sets(void)
{
	fd_set in;
	fd_set out;
	fd_set except;

	check(pipe(ends) == 0);
	FD_ZERO(&in);
	FD_ZERO(&out);
	FD_ZERO(&except);
	FD_SET(ends[0], &in);
	FD_SET(ends[1], &out);
	FD_SET(ends[0], &except);
	check(select(ends[1] + 1, &in, &out, &except, NULL) == 1);
	check(!FD_ISSET(ends[0], &in) && FD_ISSET(ends[1], &out) && !FD_ISSET(ends[0], &except));
	check(write(ends[1], "x", 1) == 1);
	FD_SET(ends[0], &in);
	check(select(ends[1] + 1, &in, &out, NULL, NULL) == 2);
	check(FD_ISSET(ends[0], &in) && FD_ISSET(ends[1], &out));
	check(close(ends[1]) == 0);
	FD_ZERO(&in);
	FD_SET(ends[0], &in);
	char byte;
	check(read(ends[0], &byte, 1) == 1);
	check(select(ends[0] + 1, &in, NULL, NULL, NULL) == 1); /* the end of the file can be read */
	FD_SET(ends[1], &in);
	check_errno(select(ends[1] + 1, &in, NULL, NULL, NULL), EBADF);
	check_errno(select(-1, NULL, NULL, NULL, NULL), EINVAL);
	check_errno(select(1, (fd_set *)16, NULL, NULL, NULL), EFAULT);
	check_errno(syscall(SYS_select, 0, NULL, NULL, NULL, &(struct timeval){.tv_sec = -1}), EINVAL);
	check(select(0, NULL, NULL, NULL, &(struct timeval){.tv_usec = 1000}) == 0);
}

/* More than a C library's fd_set holds. */
static void
large_sets(void)
{
	unsigned long in[64] = {0};
	struct rlimit limit = {.rlim_cur = 4096, .rlim_max = 4096};

	check(setrlimit(RLIMIT_NOFILE, &limit) == 0 && pipe(ends) == 0);
	check(dup2(ends[0], 3000) == 3000 && write(ends[1], "x", 1) == 1);
	in[3000 / 64] |= 1UL << 3000 % 64;
	check(syscall(SYS_select, 3001, in, NULL, NULL, NULL) == 1);
	check(in[3000 / 64] == 1UL << 3000 % 64);
}

/* Two entries of the same task on one queue. */
static void
duplicate(void)
{
	struct pollfd p[2] = {{.events = POLLIN}, {.events = POLLIN}};

	check(pipe(ends) == 0);
	p[0].fd = ends[0];
	p[1].fd = dup(ends[0]);
	pid_t pid = child_start(writes_late, (void *)(intptr_t)ends[1]);
	check(poll(p, 2, -1) == 2 && p[0].revents == POLLIN && p[1].revents == POLLIN);
	check(child_wait(pid) == 0);
}

static void
terminal(void *arg)
{
	int fd = terminal_open(O_NOCTTY | O_NONBLOCK);
	struct pollfd p = {.fd = fd, .events = POLLIN};
	static char block[1024];

	(void)arg;
	check(now(fd) == (POLLOUT | POLLWRNORM));
	check(poll(&p, 1, 20) == 0);
	check(tcflow(fd, TCOOFF) == 0);
	memset(block, '\r', sizeof(block));
	while (write(fd, block, sizeof(block)) > 0)
		;
	check(now(fd) == 0);
	check(tcflush(fd, TCOFLUSH) == 0 && tcflow(fd, TCOON) == 0);
	p.events = POLLOUT;
	check(poll(&p, 1, -1) == 1 && p.revents == POLLOUT);
}

static void
terminal_polled(void)
{
	terminal_case(terminal);
}

const struct test_case poll_cases[] = {
	{"poll sees each state of a pipe", pipe_states, 0, 0},
	{"a full pipe is writable again when a page is free", full_pipe, 0, 0},
	{"files, directories and devices without waiting are always ready", always_ready, 0, 0},
	{"poll tells what is no descriptor, and gives Linux's errno", invalid, 0, 0},
	{"poll waits as long as it is told", time_passes, 0, 0},
	{"poll wakes when one of two pipes is written to", woken, 0, 0},
	{"poll wakes when the last writer closes", woken_by_close, 0, 0},
	{"no wake-up of poll is lost", ping_pong, 0, CASE_SMP},
	{"poll waits for 200 files", many, 0, 0},
	{"one file may be waited for twice", duplicate, 0, 0},
	{"a handler ends poll and select, SA_RESTART or not", interrupted, 0, 0},
	{"a stopped poll goes on where it was", stopped, 0, CASE_SMP},
	{"ppoll and pselect let a signal through while they wait", masks, 0, 0},
	{"the time that is left comes back", time_left, 0, 0},
	{"select fills its sets, counts bits, and gives Linux's errno", sets, 0, 0},
	{"select takes descriptors beyond 1023", large_sets, 0, 0},
	{"poll sees the terminal's room, and no input", terminal_polled, 0, 0},
	{0},
};
