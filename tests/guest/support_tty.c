/* SPDX-License-Identifier: MIT */
/*
 * tests/guest/support_tty.c - what the cases about the terminal share
 *
 * Idea        see terminal.h
 * Follow      from tty.c, jobs.c
 */
#include "guest.h"
#include "terminal.h"
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

static const char path[] = "/dev/ttyS0";

static void leads_session(void *body);
static void nodes_make(void);

void
terminal_case(void (*body)(void *))
{
	struct termios before;
	struct winsize size;

	nodes_make();
	int fd = terminal_open(O_NOCTTY);
	check(tcgetattr(fd, &before) == 0 && ioctl(fd, TIOCGWINSZ, &size) == 0);
	close(fd);
	int status = child_run(leads_session, (void *)body);
	/* The case may have hung the old descriptor up. */
	fd = terminal_open(O_NOCTTY);
	tcflow(fd, TCOON);
	check(tcsetattr(fd, TCSANOW, &before) == 0 && ioctl(fd, TIOCSWINSZ, &size) == 0);
	close(fd);
	check(status == 0);
}

static void
leads_session(void *body)
{
	check(setsid() == getpid());
	((void (*)(void *))body)(NULL);
}

/* A bare Linux has them only when devtmpfs is mounted. */
static void
nodes_make(void)
{
	if (access(path, F_OK) < 0)
		check(mknod(path, S_IFCHR | 0600, makedev(4, 64)) == 0);
	if (access("/dev/tty", F_OK) < 0)
		check(mknod("/dev/tty", S_IFCHR | 0666, makedev(5, 0)) == 0);
}

int
terminal_open(int flags)
{
	int fd = open(path, O_RDWR | flags);

	check(fd >= 0);
	return fd;
}

pid_t
job_start(void (*run)(void *), void *arg)
{
	int gate[2];
	char byte;

	check(pipe(gate) == 0);
	pid_t pid = fork();
	if (pid == 0) {
		close(gate[1]);
		(void)!read(gate[0], &byte, 1);
		close(gate[0]);
		run(arg);
		_exit(0);
	}
	check(pid > 0 && setpgid(pid, pid) == 0);
	close(gate[0]);
	close(gate[1]);
	return pid;
}

int
job_stop_signal(pid_t pid)
{
	int status;

	check(waitpid(pid, &status, WUNTRACED) == pid);
	return WIFSTOPPED(status) ? WSTOPSIG(status) : 0;
}

void
job_end(pid_t pid)
{
	check(kill(pid, SIGKILL) == 0);
	check(child_wait(pid) == SIGKILL);
}
