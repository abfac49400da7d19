/* SPDX-License-Identifier: MIT */
/*
 * tests/guest/fifo.c - pipes with a name
 *
 * Idea        who waits for whom when one is opened; then it is a pipe
 * Invariants  see guest.h
 * Follow      to kernel/fs/fifo.c
 */
#include "guest.h"
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

static const char path[] = "/tmp/fifo";

static void
make(void)
{
	unlink(path);
	check(mkfifo(path, 0600) == 0);
}

static void
writes(void *text)
{
	int fd = open(path, O_WRONLY);

	check(fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text));
}

static void
meets(void)
{
	char text[16] = {0};
	struct stat st;

	make();
	check(stat(path, &st) == 0 && S_ISFIFO(st.st_mode) && (st.st_mode & 0777) == 0600);
	pid_t pid = child_start(writes, "hello");
	int fd = open(path, O_RDONLY);
	check(fd >= 0);
	check(read(fd, text, sizeof(text)) == 5 && strcmp(text, "hello") == 0);
	check(child_wait(pid) == 0);
	check(read(fd, text, 1) == 0);
	check_errno(lseek(fd, 0, SEEK_SET), ESPIPE);
	check(fstat(fd, &st) == 0 && S_ISFIFO(st.st_mode));
	check(unlink(path) == 0);
}

static void
not_blocking(void)
{
	char byte;

	make();
	check_errno(open(path, O_WRONLY | O_NONBLOCK), ENXIO);
	int in = open(path, O_RDONLY | O_NONBLOCK);
	check(in >= 0 && read(in, &byte, 1) == 0);
	int out = open(path, O_WRONLY | O_NONBLOCK);
	check(out >= 0);
	check_errno(read(in, &byte, 1), EAGAIN);
	check(write(out, "x", 1) == 1 && read(in, &byte, 1) == 1 && byte == 'x');
	check(close(in) == 0);
	signal(SIGPIPE, SIG_IGN);
	check_errno(write(out, "x", 1), EPIPE);
	check(unlink(path) == 0);
}

static void
both_ways(void)
{
	char byte;

	make();
	int fd = open(path, O_RDWR);
	check(fd >= 0 && write(fd, "ab", 2) == 2 && read(fd, &byte, 1) == 1 && byte == 'a');
	int in = open(path, O_RDONLY);
	check(in >= 0 && read(in, &byte, 1) == 1 && byte == 'b');
	check(write(fd, "c", 1) == 1 && close(fd) == 0 && close(in) == 0);
	/* Nobody had it open: what was in it is gone. */
	in = open(path, O_RDONLY | O_NONBLOCK);
	check(in >= 0 && read(in, &byte, 1) == 0);
	check(unlink(path) == 0);
}

static int
now(int fd)
{
	struct pollfd p = {.fd = fd, .events = POLLIN | POLLOUT};

	check(poll(&p, 1, 0) >= 0);
	return p.revents;
}

static void
hang_ups(void)
{
	char byte;

	make();
	int in = open(path, O_RDONLY | O_NONBLOCK);
	check(in >= 0 && now(in) == 0); /* no writer has been there yet */
	int out = open(path, O_WRONLY);
	check(out >= 0 && now(in) == 0 && now(out) == POLLOUT);
	check(write(out, "x", 1) == 1 && close(out) == 0);
	check(now(in) == (POLLIN | POLLHUP));
	check(read(in, &byte, 1) == 1 && now(in) == POLLHUP);
	out = open(path, O_WRONLY);
	check(out >= 0 && now(in) == 0);
	check(close(in) == 0 && now(out) == (POLLOUT | POLLERR));
	check(unlink(path) == 0);
}

static void
opens(void *flags)
{
	(void)open(path, (intptr_t)flags);
	_exit(7);
}

static void
opener_killed(void)
{
	make();
	for (intptr_t flags = O_RDONLY; flags <= O_WRONLY; flags++) {
		pid_t pid = child_start(opens, (void *)flags);
		usleep(10000);
		check(kill(pid, SIGKILL) == 0 && child_wait(pid) == SIGKILL);
	}
	check_errno(open(path, O_WRONLY | O_NONBLOCK), ENXIO); /* the reader that gave up does not count */
	check(unlink(path) == 0);
}

static void
handler(int sig)
{
	(void)sig;
}

static void
signals_parent(void *arg)
{
	(void)arg;
	usleep(10000);
	check(kill(getppid(), SIGUSR1) == 0);
}

static void
opener_interrupted(void)
{
	struct sigaction action = {.sa_handler = handler};

	make();
	check(sigaction(SIGUSR1, &action, NULL) == 0);
	pid_t pid = child_start(signals_parent, NULL);
	check_errno(open(path, O_RDONLY), EINTR);
	check(child_wait(pid) == 0 && unlink(path) == 0);
}

enum {
	MEETINGS = 300
};

static void
comes_and_goes(void *flags)
{
	char byte = 'x';

	for (int i = 0; i < MEETINGS; i++) {
		int fd = open(path, (intptr_t)flags);
		check(fd >= 0);
		if ((intptr_t)flags == O_WRONLY)
			check(write(fd, &byte, 1) == 1 || errno == EPIPE);
		else
			check(read(fd, &byte, 1) >= 0);
		check(close(fd) == 0);
	}
}

/* Openings and closings of both sides fall together in every order; the last one frees the pipe, once. */
static void
crowd(void)
{
	pid_t writer;
	pid_t reader;

	make();
	signal(SIGPIPE, SIG_IGN);
	int keep = open(path, O_RDWR);
	check(keep >= 0);
	writer = child_start(comes_and_goes, (void *)O_WRONLY);
	reader = child_start(comes_and_goes, (void *)O_RDONLY);
	check(child_wait(writer) == 0);
	check(child_wait(reader) == 0);
	check(unlink(path) == 0);
}

static void
names_only(void)
{
	check(mknod("/tmp/socket", S_IFSOCK | 0600, 0) == 0);
	check_errno(open("/tmp/socket", O_RDWR), ENXIO);
	check(unlink("/tmp/socket") == 0);
	check_errno(mknod("/tmp/no_dir", S_IFDIR | 0700, 0), EPERM);
	make();
	check_errno(mkfifo(path, 0600), EEXIST);
	check_errno(open(path, O_RDONLY | O_DIRECTORY), ENOTDIR);
	check_errno(truncate(path, 0), EINVAL);
	check(rename(path, "/tmp/fifo2") == 0 && unlink("/tmp/fifo2") == 0);
}

const struct test_case fifo_cases[] = {
	{"reader and writer of a named pipe wait for each other", meets, 0, CASE_SMP},
	{"O_NONBLOCK: a reader opens at once, a writer without reader is ENXIO", not_blocking, 0, 0},
	{"a named pipe opened for both waits for nobody, and forgets when closed", both_ways, 0, 0},
	{"poll tells of a hang-up only after a writer was there", hang_ups, 0, 0},
	{"who waits to open a named pipe can be killed, and counts no more", opener_killed, 0, 0},
	{"who waits to open a named pipe is interrupted by a handler", opener_interrupted, 0, 0},
	{"openings and closings of a named pipe fall together", crowd, 0, CASE_SMP},
	{"names of pipes and sockets, and their errno", names_only, 0, 0},
	{0},
};
