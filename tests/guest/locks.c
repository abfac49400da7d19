/* SPDX-License-Identifier: MIT */
/*
 * tests/guest/locks.c - advisory locks: flock, and ranges of bytes by fcntl, of processes and of open files
 *
 * Idea        another process asks what is locked; what one process does with its own locks it cannot see itself
 * Invariants  see guest.h
 * Follow      to kernel/sys_lock.c, kernel/fs/file_lock.c
 */
#include "guest.h"
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>

static const char *const path = "/tmp/locks";

enum {
	OFD_GET = 36,
	OFD_SET = 37,
	OFD_WAIT = 38
};

static int
set(int fd, int cmd, int type, off_t start, off_t len)
{
	struct flock l = {.l_type = type, .l_whence = SEEK_SET, .l_start = start, .l_len = len};

	return fcntl(fd, cmd, &l);
}

/* What another process finds in the way of a lock: "" or "r3-7" (last byte; "end" for none). */
static char *seen;

struct question {
	int fd;
	int type;
	off_t start, len;
};

static void
ask(void *arg)
{
	struct question *q = arg;
	struct flock l = {.l_type = q->type, .l_whence = SEEK_SET, .l_start = q->start, .l_len = q->len};

	check(fcntl(q->fd, F_GETLK, &l) == 0);
	seen[0] = 0;
	if (l.l_type == F_UNLCK)
		return;
	check(l.l_whence == SEEK_SET);
	if (l.l_len)
		sprintf(seen, "%c%ld-%ld", l.l_type == F_RDLCK ? 'r' : 'w', (long)l.l_start,
			(long)(l.l_start + l.l_len - 1));
	else
		sprintf(seen, "%c%ld-end", l.l_type == F_RDLCK ? 'r' : 'w', (long)l.l_start);
}

static void
other_sees(int fd, int type, off_t start, off_t len, const char *want)
{
	struct question q = {fd, type, start, len};

	if (!seen)
		seen = (char *)map_shared(PAGE);
	child_must_live(ask, &q);
	if (strcmp(seen, want) != 0)
		fail("bytes %ld, %ld: another process sees '%s', not '%s'", (long)start, (long)len, seen, want);
}

static void
ranges(void)
{
	int fd = file_make(path, 100);

	check(set(fd, F_SETLK, F_WRLCK, 10, 20) == 0);
	other_sees(fd, F_RDLCK, 0, 10, "");
	other_sees(fd, F_RDLCK, 0, 11, "w10-29");
	other_sees(fd, F_RDLCK, 29, 0, "w10-29");
	other_sees(fd, F_RDLCK, 30, 0, "");
	/* Neighbours of one kind are one lock; a hole makes two; another kind stays apart. */
	check(set(fd, F_SETLK, F_WRLCK, 30, 10) == 0);
	other_sees(fd, F_RDLCK, 35, 1, "w10-39");
	check(set(fd, F_SETLK, F_UNLCK, 20, 5) == 0);
	other_sees(fd, F_RDLCK, 0, 0, "w10-19");
	other_sees(fd, F_RDLCK, 20, 5, "");
	other_sees(fd, F_RDLCK, 22, 10, "w25-39");
	check(set(fd, F_SETLK, F_RDLCK, 28, 4) == 0);
	other_sees(fd, F_RDLCK, 28, 4, "");
	other_sees(fd, F_WRLCK, 28, 4, "r28-31");
	other_sees(fd, F_RDLCK, 27, 1, "w25-27");
	other_sees(fd, F_RDLCK, 32, 1, "w32-39");
	check(set(fd, F_SETLK, F_WRLCK, 0, 0) == 0);
	other_sees(fd, F_RDLCK, 1000, 1, "w0-end");
	check(set(fd, F_SETLK, F_UNLCK, 0, 0) == 0);
	other_sees(fd, F_WRLCK, 0, 0, "");
	close(fd), unlink(path);
}

static void
lock_errors(void)
{
	int fd = file_make(path, 100), read_only = open(path, O_RDONLY), write_only = open(path, O_WRONLY);
	struct flock l = {.l_type = F_RDLCK, .l_whence = 9};

	check_errno(fcntl(fd, F_SETLK, &l), EINVAL);
	check_errno(set(fd, F_SETLK, 7, 0, 1), EINVAL);
	check_errno(set(fd, F_SETLK, F_RDLCK, -1, 1), EINVAL);
	check_errno(set(fd, F_SETLK, F_RDLCK, 5, -6), EINVAL);
	check_errno(set(read_only, F_SETLK, F_WRLCK, 0, 1), EBADF);
	check_errno(set(write_only, F_SETLK, F_RDLCK, 0, 1), EBADF);
	check_errno(set(99, F_SETLK, F_RDLCK, 0, 1), EBADF);
	check_errno(fcntl(fd, F_SETLK, (struct flock *)16), EFAULT);
	l = (struct flock){.l_type = F_RDLCK, .l_pid = 1};
	check_errno(fcntl(fd, OFD_SET, &l), EINVAL);
	check_errno(flock(fd, 0), EINVAL);
	check_errno(flock(99, LOCK_SH), EBADF);
	/* Backwards from the end, and from the position. */
	l = (struct flock){.l_type = F_WRLCK, .l_whence = SEEK_END, .l_start = -10, .l_len = -5};
	check(fcntl(fd, F_SETLK, &l) == 0);
	other_sees(fd, F_RDLCK, 0, 0, "w85-89");
	close(fd), close(read_only), close(write_only), unlink(path);
}

/* A descriptor of the file that is closed takes all locks of the process away, whichever it was. */
static void
close_unlocks(void)
{
	int fd = file_make(path, 100), other = open(path, O_RDWR);

	check(set(fd, F_SETLK, F_WRLCK, 0, 10) == 0);
	close(other);
	other_sees(fd, F_WRLCK, 0, 0, "");
	check(set(fd, F_SETLK, F_WRLCK, 0, 10) == 0);
	check(dup2(open("/dev/null", O_RDONLY), fd) == fd);
	other = open(path, O_RDWR);
	other_sees(other, F_WRLCK, 0, 0, "");
	close(fd), close(other), unlink(path);
}

static void
lock_and_end(void *arg)
{
	int fd = *(int *)arg;

	check(set(fd, F_SETLK, F_WRLCK, 0, 10) == 0);
}

static void
lock_fails(void *arg)
{
	int fd = *(int *)arg;

	check_errno(set(fd, F_SETLK, F_RDLCK, 5, 1), EAGAIN);
	check(set(fd, F_SETLK, F_RDLCK, 10, 1) == 0);
}

static void
processes(void)
{
	int fd = file_make(path, 100);

	child_must_live(lock_and_end, &fd);
	other_sees(fd, F_WRLCK, 0, 0, "");
	check(set(fd, F_SETLK, F_WRLCK, 0, 10) == 0);
	child_must_live(lock_fails, &fd); /* what fork hands on are descriptors, not locks */
	other_sees(fd, F_RDLCK, 0, 0, "w0-9");
	close(fd), unlink(path);
}

static volatile int *words;

static void
waits_for_lock(void *arg)
{
	int fd = *(int *)arg;

	announce(&words[0]);
	check(set(fd, F_SETLKW, F_WRLCK, 0, 10) == 0);
	check(words[1] == 1);
	announce(&words[2]);
}

static void
waiting(void)
{
	words = (volatile int *)map_shared(PAGE);
	int fd = file_make(path, 100);

	check(set(fd, F_SETLK, F_WRLCK, 5, 1) == 0);
	pid_t pid = child_start(waits_for_lock, &fd);
	await(&words[0], 1);
	usleep(20000);
	check(words[2] == 0);
	announce(&words[1]);
	check(set(fd, F_SETLK, F_UNLCK, 5, 1) == 0);
	check(child_wait(pid) == 0 && words[2] == 1);
	close(fd), unlink(path);
}

static void
alarmed(int number)
{
	(void)number;
}

static void
wait_is_interrupted(void *arg)
{
	int fd = *(int *)arg;
	struct sigaction action = {.sa_handler = alarmed};

	check(sigaction(SIGUSR1, &action, NULL) == 0);
	announce(&words[0]);
	check_errno(set(fd, F_SETLKW, F_WRLCK, 0, 10), EINTR);
	announce(&words[1]);
}

static void
interrupted(void)
{
	words = (volatile int *)map_shared(PAGE);
	int fd = file_make(path, 100);

	check(set(fd, F_SETLK, F_WRLCK, 0, 0) == 0);
	pid_t pid = child_start(wait_is_interrupted, &fd);
	await(&words[0], 1);
	while (words[1] == 0) {
		kill(pid, SIGUSR1);
		usleep(1000);
	}
	check(child_wait(pid) == 0);
	close(fd), unlink(path);
}

static void
takes_two(void *arg)
{
	int fd = *(int *)arg;

	check(set(fd, F_SETLKW, F_WRLCK, 1, 1) == 0);
	announce(&words[0]);
	check(set(fd, F_SETLKW, F_WRLCK, 0, 1) == 0); /* waits for the parent, until that gives up */
}

static void
deadlock(void)
{
	words = (volatile int *)map_shared(PAGE);
	int fd = file_make(path, 100);

	check(set(fd, F_SETLK, F_WRLCK, 0, 1) == 0);
	pid_t pid = child_start(takes_two, &fd);
	await(&words[0], 1);
	usleep(20000);
	check_errno(set(fd, F_SETLKW, F_WRLCK, 1, 1), EDEADLK);
	check(set(fd, F_SETLK, F_UNLCK, 0, 1) == 0 && child_wait(pid) == 0);
	close(fd), unlink(path);
}

/* Locks of an open file: shared by its duplicates, foreign to another opening in the same process. */
static void
open_file_locks(void)
{
	int fd = file_make(path, 100), other = open(path, O_RDWR), copy = dup(fd);
	struct flock l = {.l_type = F_WRLCK, .l_start = 3, .l_len = 4};

	check(set(fd, OFD_SET, F_WRLCK, 0, 10) == 0);
	check_errno(set(other, OFD_SET, F_WRLCK, 5, 1), EAGAIN);
	check(set(copy, OFD_SET, F_WRLCK, 5, 1) == 0);
	check(fcntl(other, OFD_GET, &l) == 0 && l.l_type == F_WRLCK && l.l_start == 0 && l.l_len == 10 &&
	      l.l_pid == -1);
	check_errno(set(other, F_SETLK, F_WRLCK, 5, 1), EAGAIN); /* in the way of a process's lock as well */
	close(fd);
	check_errno(set(other, OFD_SET, F_WRLCK, 5, 1), EAGAIN);
	close(copy);
	check(set(other, OFD_WAIT, F_WRLCK, 5, 1) == 0);
	close(other), unlink(path);
}

static void
whole_files(void)
{
	int a = file_make(path, 10), b = open(path, O_RDONLY), copy = dup(a);

	check(flock(a, LOCK_EX) == 0);
	check_errno(flock(b, LOCK_SH | LOCK_NB), EWOULDBLOCK);
	check(flock(copy, LOCK_EX | LOCK_NB) == 0);
	check(set(b, F_SETLK, F_RDLCK, 0, 0) == 0); /* the two families do not see each other */
	check(flock(a, LOCK_SH) == 0 && flock(b, LOCK_SH | LOCK_NB) == 0);
	check_errno(flock(a, LOCK_EX | LOCK_NB), EWOULDBLOCK);
	check(flock(b, LOCK_UN) == 0 && flock(a, LOCK_EX | LOCK_NB) == 0);
	close(a);
	check_errno(flock(b, LOCK_SH | LOCK_NB), EWOULDBLOCK);
	close(copy);
	check(flock(b, LOCK_SH | LOCK_NB) == 0);
	close(b), unlink(path);
}

static void
counts_under_lock(void *arg)
{
	volatile int *counter = arg;
	int fd = open(path, O_RDWR);

	for (int i = 0; i < 200; i++) {
		check(flock(fd, LOCK_EX) == 0);
		int now = *counter;
		sched_yield();
		*counter = now + 1;
		check(flock(fd, LOCK_UN) == 0);
	}
	close(fd);
}

static void
mutual_exclusion(void)
{
	volatile int *counter = (volatile int *)map_shared(PAGE);
	pid_t pid[4];

	close(file_make(path, 10));
	for (int i = 0; i < 4; i++)
		pid[i] = child_start(counts_under_lock, (void *)counter);
	for (int i = 0; i < 4; i++)
		check(child_wait(pid[i]) == 0);
	check(*counter == 800);
	unlink(path);
}

const struct test_case locks_cases[] = {
	{"ranges are cut, joined and replaced", ranges, 0, 0},
	{"errors of fcntl's locks and of flock", lock_errors, 0, 0},
	{"a close takes the locks of the process away", close_unlocks, 0, 0},
	{"locks end with the process and are not inherited", processes, 0, 0},
	{"F_SETLKW waits until the lock is free", waiting, 0, CASE_SMP},
	{"a signal ends the wait for a lock", interrupted, 0, 0},
	{"two that would wait for each other", deadlock, 0, 0},
	{"locks of open files", open_file_locks, 0, 0},
	{"flock locks whole files, by open file", whole_files, 0, 0},
	{"four processes count under flock and lose nothing", mutual_exclusion, 0, CASE_SMP},
	{0},
};
