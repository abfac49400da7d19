/* SPDX-License-Identifier: MIT */
/*
 * tests/guest/jobs.c - sessions, process groups, and who may use the terminal
 *
 * Idea        Each case leads a session of its own and has the terminal to itself.
 * Invariants  see guest.h
 * Follow      to kernel/dev/tty_job.c, kernel/job.c, kernel/sys_id.c
 */
#include "guest.h"
#include "terminal.h"
#include <fcntl.h>
#include <stdio.h>
#include <sys/syscall.h>

static int fd;
static volatile sig_atomic_t hups;

static void
hup(int sig)
{
	(void)sig;
	hups++;
}

static void
acquired(void *arg)
{
	(void)arg;
	check_errno(open("/dev/tty", O_RDWR), ENXIO);
	fd = terminal_open(0);
	check(tcgetpgrp(fd) == getpgrp() && tcgetsid(fd) == getpid());
	int tty = open("/dev/tty", O_RDWR);
	check(tty >= 0 && tcgetpgrp(tty) == getpgrp() && isatty(tty));
}

static void
not_acquired(void *arg)
{
	(void)arg;
	fd = terminal_open(O_NOCTTY);
	check_errno(tcgetpgrp(fd), ENOTTY);
	check_errno(tcgetsid(fd), ENOTTY);
	check_errno(ioctl(fd, TIOCNOTTY), ENOTTY);
	int console = open("/dev/console", O_RDWR);
	check(console >= 0);
	check_errno(open("/dev/tty", O_RDWR), ENXIO);
	check(ioctl(console, TIOCSCTTY, 0) == 0);
	check(tcgetpgrp(console) == getpid() && tcgetpgrp(fd) == getpid());
	check(ioctl(console, TIOCSCTTY, 0) == 0); /* once more does no harm */
}

static void
no_leader(void *arg)
{
	(void)arg;
	check_errno(ioctl(fd, TIOCSCTTY, 0), EPERM);
	close(terminal_open(0));
	check_errno(open("/dev/tty", O_RDWR), ENXIO);
}

static void
other_leader(void *arg)
{
	(void)arg;
	check(setsid() == getpid());
	check_errno(ioctl(fd, TIOCSCTTY, 0), EPERM);
	close(terminal_open(0));
	check_errno(open("/dev/tty", O_RDWR), ENXIO);
	check(ioctl(fd, TIOCSCTTY, 1) == 0);
	check(tcgetsid(fd) == getpid());
}

static void
not_for_everybody(void *arg)
{
	(void)arg;
	fd = terminal_open(O_NOCTTY);
	child_must_live(no_leader, NULL);
	check(ioctl(fd, TIOCSCTTY, 0) == 0);
	child_must_live(other_leader, NULL);
	check_errno(open("/dev/tty", O_RDWR), ENXIO); /* it was taken by force */
}

static void
leaves_by_setsid(void *arg)
{
	int tty = open("/dev/tty", O_RDWR);

	(void)arg;
	check(tty >= 0 && close(tty) == 0);
	check(setsid() == getpid());
	check_errno(open("/dev/tty", O_RDWR), ENXIO);
}

static void
inherited(void *arg)
{
	(void)arg;
	fd = terminal_open(0);
	check_errno(setsid(), EPERM);
	child_must_live(leaves_by_setsid, NULL);
	check(tcgetsid(fd) == getpid());
}

static void
waits(void *arg)
{
	(void)arg;
	pause();
}

static void
leads_and_waits(void *ready)
{
	check(setsid() == getpid());
	announce(ready);
	pause();
}

static void
foreground_errno(void *arg)
{
	volatile int *ready = (volatile int *)map_shared(PAGE);

	(void)arg;
	fd = terminal_open(0);
	pid_t job = job_start(waits, NULL);
	pid_t other = child_start(leads_and_waits, (void *)ready);
	await(ready, 1);
	check_errno(tcsetpgrp(fd, 32766), ESRCH);
	check_errno(tcsetpgrp(fd, -5), EINVAL);
	check_errno(tcsetpgrp(fd, other), EPERM);
	check_errno(ioctl(fd, TIOCSPGRP, 16), EFAULT);
	check(tcsetpgrp(fd, job) == 0 && tcgetpgrp(fd) == job);
	signal(SIGTTOU, SIG_IGN);
	check(tcsetpgrp(fd, getpgrp()) == 0);
	job_end(job);
	job_end(other);
}

static void
groups_errno(void *arg)
{
	volatile int *ready = (volatile int *)map_shared(PAGE);

	(void)arg;
	pid_t other = child_start(leads_and_waits, (void *)ready);
	await(ready, 1);
	check_errno(setpgid(0, 0), EPERM); /* a session leader */
	check_errno(setpgid(other, 0), EPERM);
	check_errno(setpgid(getppid(), 0), ESRCH);
	check_errno(setpgid(0, -1), EINVAL);
	pid_t job = job_start(waits, NULL);
	check_errno(setpgid(job, other), EPERM);
	check_errno(setpgid(job, 32766), EPERM);
	check(getpgid(job) == job && getsid(job) == getpid());
	job_end(job);
	job_end(other);
}

static void
reads(void *arg)
{
	char byte;

	(void)arg;
	(void)!read(fd, &byte, 1);
}

static void
background_read(void *arg)
{
	(void)arg;
	fd = terminal_open(0);
	pid_t job = job_start(reads, NULL);
	check(job_stop_signal(job) == SIGTTIN);
	check(tcsetpgrp(fd, job) == 0 && kill(-job, SIGCONT) == 0);
	usleep(20000);
	check(waitpid(job, NULL, WNOHANG | WUNTRACED) == 0); /* it reads now, and nobody types */
	job_end(job);
}

static void
reads_in_vain(void *blocked)
{
	sigset_t set;
	char byte;

	sigemptyset(&set);
	sigaddset(&set, SIGTTIN);
	if (blocked)
		sigprocmask(SIG_BLOCK, &set, NULL);
	else
		signal(SIGTTIN, SIG_IGN);
	check_errno(read(fd, &byte, 1), EIO);
}

static void
background_read_deaf(void *arg)
{
	(void)arg;
	fd = terminal_open(0);
	check(child_wait(job_start(reads_in_vain, NULL)) == 0);
	check(child_wait(job_start(reads_in_vain, &fd)) == 0);
}

/* The handler runs, and whether the read begins anew is SA_RESTART's matter. */
static void
reads_with_handler(void *arg)
{
	struct sigaction action = {.sa_handler = hup};
	char byte;

	(void)arg;
	check(sigaction(SIGTTIN, &action, NULL) == 0);
	check_errno(read(fd, &byte, 1), EINTR);
	check(hups == 1);
}

static void
background_read_handled(void *arg)
{
	(void)arg;
	fd = terminal_open(0);
	check(child_wait(job_start(reads_with_handler, NULL)) == 0);
}

static void
sets(void *deaf)
{
	struct termios t;

	if (deaf)
		signal(SIGTTOU, SIG_IGN);
	check(tcgetattr(fd, &t) == 0);
	check(tcsetattr(fd, TCSANOW, &t) == 0);
}

static void
takes_foreground(void *arg)
{
	(void)arg;
	check(tcsetpgrp(fd, getpgrp()) == 0);
}

static void
background_change(void *arg)
{
	(void)arg;
	fd = terminal_open(0);
	pid_t job = job_start(sets, NULL);
	check(job_stop_signal(job) == SIGTTOU);
	job_end(job);
	check(child_wait(job_start(sets, &fd)) == 0);
	job = job_start(takes_foreground, NULL);
	check(job_stop_signal(job) == SIGTTOU);
	job_end(job);
}

static void
writes(void *arg)
{
	(void)arg;
	check(write(fd, "\r", 1) == 1);
}

static void
background_write(void *arg)
{
	struct termios t;

	(void)arg;
	fd = terminal_open(0);
	check(child_wait(job_start(writes, NULL)) == 0);
	check(tcgetattr(fd, &t) == 0);
	t.c_lflag |= TOSTOP;
	check(tcsetattr(fd, TCSANOW, &t) == 0);
	pid_t job = job_start(writes, NULL);
	check(job_stop_signal(job) == SIGTTOU);
	job_end(job);
	writes(NULL);
}

/* The parent of the orphan has gone, and with it the one who could continue it. */
static void
orphan_reads(void *arg)
{
	int *ends = arg;
	char byte;

	if (fork())
		_exit(0);
	while (getppid() != 1)
		usleep(1000);
	char verdict = read(fd, &byte, 1) == -1 && errno == EIO ? 'y' : 'n';
	(void)!write(ends[1], &verdict, 1);
	_exit(0);
}

static void
orphan(void *arg)
{
	int ends[2];
	char verdict = 0;

	(void)arg;
	fd = terminal_open(0);
	check(pipe(ends) == 0);
	check(child_wait(job_start(orphan_reads, ends)) == 0);
	check(read(ends[0], &verdict, 1) == 1 && verdict == 'y');
}

static void
stops(void *arg)
{
	(void)arg;
	raise(SIGSTOP);
	pause();
}

static void
leaves_a_stopped_job(void *arg)
{
	(void)arg;
	check(job_stop_signal(job_start(stops, NULL)) == SIGSTOP);
}

/* The job holds the writing end of the pipe until it dies. */
static void
stopped_orphan(void *arg)
{
	int ends[2];
	char byte;

	(void)arg;
	check(pipe(ends) == 0);
	child_must_live(leaves_a_stopped_job, NULL);
	close(ends[1]);
	check(read(ends[0], &byte, 1) == 0);
}

static void
leads_with_terminal(void *arg)
{
	int *ends = arg;

	check(setsid() == getpid());
	fd = terminal_open(0);
	pid_t job = job_start(waits, NULL);
	check(tcsetpgrp(fd, job) == 0);
	check(write(ends[1], &job, sizeof(job)) == sizeof(job));
	char byte;
	(void)!read(ends[0], &byte, 1); /* until it is told to go */
}

static void
leader_leaves(void *arg)
{
	int up[2];
	int both[2];
	pid_t job;
	char byte;

	(void)arg;
	check(pipe(up) == 0 && pipe(both) == 0);
	int ends[2] = {both[0], up[1]};
	pid_t leader = child_start(leads_with_terminal, ends);
	close(up[1]);
	check(read(up[0], &job, sizeof(job)) == sizeof(job));
	int stale = terminal_open(O_NOCTTY);
	check_errno(ioctl(stale, TIOCSCTTY, 0), EPERM); /* taken */
	check(write(both[1], "x", 1) == 1);
	check(child_wait(leader) == 0);
	check(read(up[0], &byte, 1) == 0); /* the job has died of SIGHUP */
	check(read(stale, &byte, 1) == 0);
	check_errno(write(stale, "\r", 1), EIO);
	check_errno(ioctl(stale, TIOCGWINSZ, &byte), EIO);
	fd = terminal_open(0);
	check(tcgetsid(fd) == getpid());
}

static void
given_back(void *arg)
{
	(void)arg;
	fd = terminal_open(0);
	pid_t job = job_start(waits, NULL);
	check(tcsetpgrp(fd, job) == 0);
	check(ioctl(fd, TIOCNOTTY) == 0);
	check(child_wait(job) == SIGHUP);
	check_errno(open("/dev/tty", O_RDWR), ENXIO);
	check_errno(tcgetpgrp(fd), ENOTTY);
	check(ioctl(fd, TIOCSCTTY, 0) == 0);
}

/* Fields 7 and 8 of /proc/<pid>/stat: the terminal, and its foreground group. */
static void
stat_terminal(int *nr, int *foreground)
{
	FILE *f = fopen("/proc/self/stat", "r");

	check(f && fscanf(f, "%*d %*s %*c %*d %*d %*d %d %d", nr, foreground) == 2);
	fclose(f);
}

static void
told_by_proc(void *arg)
{
	int nr;
	int foreground;

	(void)arg;
	stat_terminal(&nr, &foreground);
	check(nr == 0 && foreground == -1);
	fd = terminal_open(0);
	pid_t job = job_start(waits, NULL);
	check(tcsetpgrp(fd, job) == 0);
	stat_terminal(&nr, &foreground);
	check(nr == (4 << 8 | 64) && foreground == job);
	job_end(job);
}

static void
hung_up(void *arg)
{
	char byte;

	(void)arg;
	check(syscall(SYS_vhangup) == 0); /* nothing to hang up yet */
	fd = terminal_open(0);
	signal(SIGHUP, hup);
	check(syscall(SYS_vhangup) == 0 && hups == 1);
	check(read(fd, &byte, 1) == 0);
	check_errno(write(fd, "\r", 1), EIO);
	check_errno(tcsetpgrp(fd, getpid()), ENOTTY);
	check_errno(open("/dev/tty", O_RDWR), ENXIO);
}

#define TERMINAL_CASE(name)           \
	static void name##_case(void) \
	{                             \
		terminal_case(name);  \
	}

TERMINAL_CASE(acquired)
TERMINAL_CASE(not_acquired)
TERMINAL_CASE(not_for_everybody)
TERMINAL_CASE(inherited)
TERMINAL_CASE(foreground_errno)
TERMINAL_CASE(groups_errno)
TERMINAL_CASE(background_read)
TERMINAL_CASE(background_read_deaf)
TERMINAL_CASE(background_read_handled)
TERMINAL_CASE(background_change)
TERMINAL_CASE(background_write)
TERMINAL_CASE(orphan)
TERMINAL_CASE(stopped_orphan)
TERMINAL_CASE(leader_leaves)
TERMINAL_CASE(given_back)
TERMINAL_CASE(told_by_proc)
TERMINAL_CASE(hung_up)

const struct test_case jobs_cases[] = {
	{"a session leader that opens a terminal has it for its own", acquired_case, 0, 0},
	{"O_NOCTTY and /dev/console do not give a terminal, TIOCSCTTY does", not_acquired_case, 0, 0},
	{"only a leader gets a terminal, and only by force another session's", not_for_everybody_case, 0, 0},
	{"children inherit the terminal, setsid leaves it behind", inherited_case, 0, 0},
	{"the foreground can only go to a group of the session", foreground_errno_case, 0, 0},
	{"setpgid gives Linux's errno for each misuse", groups_errno_case, 0, 0},
	{"a read from the background stops until it is the foreground", background_read_case, 0, CASE_SMP},
	{"a read from the background that no signal can stop is EIO", background_read_deaf_case, 0, 0},
	{"a read from the background that a handler answers is EINTR", background_read_handled_case, 0, 0},
	{"settings changed from the background stop the job", background_change_case, 0, 0},
	{"a write from the background stops the job only under TOSTOP", background_write_case, 0, 0},
	{"an orphaned job that reads gets EIO", orphan_case, 0, 0},
	{"a stopped job that is orphaned gets SIGHUP and SIGCONT", stopped_orphan_case, 0, CASE_SMP},
	{"the leader's end hangs up the terminal and the foreground", leader_leaves_case, 0, CASE_SMP},
	{"a leader that gives the terminal up hangs up the foreground", given_back_case, 0, 0},
	{"/proc tells the terminal and its foreground group", told_by_proc_case, 0, 0},
	{"vhangup takes the terminal from its session", hung_up_case, 0, 0},
	{0},
};
