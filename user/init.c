/* SPDX-License-Identifier: MIT */
/*
 * user/init.c - process 1: makes a machine that a person can use, and turns it off
 *
 * Idea        init                 mounts what programs expect, swaps to /dev/vda if that is a swap area, and runs a
 *                                  login shell on the console; when it exits, the machine is turned off. A shell that
 *                                  is killed (it may be the OOM killer's choice) is replaced.
 *             init PROGRAM ARGS    runs this one program: the words behind `--` on the kernel's command line. Process
 *                                  1 only waits meanwhile, so that its account of free memory before and after is
 *                                  that of everything in between. Swap is on only while the program runs. What
 *                                  the program leaves running is killed.
 * Invariants  process 1 reaps every child, its own and orphans
 * Locks       none
 * Follow      from kernel/main.c   to iso/root/etc/profile, user/story.c
 * Tests       tests/guest/test_terminal.py; tests/guest/test_guest.py reads the account
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/klog.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/stat.h>
#include <sys/swap.h>
#include <sys/sysinfo.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum {
	PAGE = 4096,
	LEDGER_MAX = 2048,
	ACCOUNT_TRIES = 100,
	READS_MOST = 4,
	STATUS_NO_PROGRAM = 127,
	SYSLOG_CONSOLE_LEVEL = 8, /* syslog(2) */
	LEVEL_WARNINGS = 5        /* and what is more urgent: out of memory, but not who had a segfault */
};

struct account {
	long pages; /* free; exactly, where the kernel offers its ledger */
	char ledger
		[LEDGER_MAX]; /* /proc/mm_check, for which the kernel empties its caches and checks itself; or empty */
};

static void session_run(void);
static int shell_run(void);
static void console_take(void);
static int program_account(char **words);
static int round_account(const char *path, char **words, struct account *before, struct account *after);
static int program_run(const char *path, char **argv);
static void end_describe(const char *path, int status);
static void account_describe(const struct account *before, const struct account *after);
static void ledger_describe(const char *before, const char *after);
static void account_settle(struct account *account);
static void account_take(struct account *account);
static int children_reap(pid_t pid);
static void rest_end(void);
static void file_systems_mount(void);
static void swap_turn_on(void);
static void swap_turn_off(void);
static void signals_take(void);
static void power_signal(int signal);
static void power_off(int how) __attribute__((noreturn));
static void say(const char *format, ...) __attribute__((format(printf, 1, 2)));

int
main(int argc, char **argv)
{
	if (getpid() == 1) {
		file_systems_mount();
		signals_take();
	}
	if (argc > 1) {
		int status = program_account(argv + 1);
		if (getpid() != 1)
			return status != 0;
	} else {
		swap_turn_on();
		session_run();
		if (getpid() != 1)
			return 0;
	}
	power_off(RB_POWER_OFF);
}

/* ---- a shell for a person ---- */

static void
session_run(void)
{
	struct sysinfo info = {0};
	int status;

	sysinfo(&info);
	say("\nTidemark: %ld MiB of RAM, %ld of them free, %ld processors. Linux programs run here, and memory runs "
	    "out.\n"
	    "`demo` shows it in half a minute; `demo cow`, overcommit, protect, leak, forkbomb, thrash or mlock, a "
	    "side of it.\n"
	    "`help` says what else to try; `exit` turns the machine off.\n\n",
	    (long)(info.totalram * info.mem_unit >> 20), (long)(info.freeram * info.mem_unit >> 20),
	    sysconf(_SC_NPROCESSORS_ONLN));
	klogctl(SYSLOG_CONSOLE_LEVEL, NULL, LEVEL_WARNINGS);
	do {
		status = shell_run();
		if (WIFSIGNALED(status))
			say("\ninit: the shell was killed by signal %d (%s); here is another\n", WTERMSIG(status),
			    strsignal(WTERMSIG(status)));
	} while (WIFSIGNALED(status));
}

/* Returns the wait status. The dash in front of the name makes it a login shell. */
static int
shell_run(void)
{
	static char *const words[] = {"-sh", NULL};
	pid_t pid = fork();

	if (pid == 0) {
		console_take();
		setenv("PATH", "/bin:/sbin:/usr/bin:/usr/sbin", 1);
		setenv("HOME", "/root", 1);
		setenv("USER", "root", 1);
		setenv("LOGNAME", "root", 1);
		setenv("SHELL", "/bin/sh", 1);
		setenv("TERM", "linux", 0);
		if (chdir("/root") < 0)
			say("init: /root: %s\n", strerror(errno));
		execv("/bin/sh", words);
		say("init: /bin/sh: %s. The initial RAM disk has no shell; words behind -- name another program.\n",
		    strerror(errno));
		_exit(STATUS_NO_PROGRAM);
	}
	if (pid < 0) {
		say("init: fork: %s\n", strerror(errno));
		return STATUS_NO_PROGRAM << 8;
	}
	return children_reap(pid);
}

/*
 * A session of its own, with the serial line as its terminal: then ^C reaches what runs in front, and nothing else. Why
 * not /dev/console: that one is for who must be heard, and asks nobody whether he is in front.
 */
static void
console_take(void)
{
	setsid();
	int fd = open("/dev/ttyS0", O_RDWR);
	if (fd < 0)
		fd = open("/dev/console", O_RDWR);
	if (fd < 0)
		return;
	ioctl(fd, TIOCSCTTY, 1);
	for (int i = 0; i < 3; i++)
		dup2(fd, i);
	if (fd > 2)
		close(fd);
}

/* ---- one program, and the account ---- */

static int
program_account(char **words)
{
	static struct account before, after;
	char path[256];

	snprintf(path, sizeof(path), "%s%s", strchr(words[0], '/') ? "" : "/bin/", words[0]);
	/* Why: a first round that runs nothing pays for what process 1 itself touches; the account would show it. */
	children_reap(-1);
	round_account(NULL, words, &before, &after);
	int status = round_account(path, words, &before, &after);

	end_describe(path, status);
	account_describe(&before, &after);
	return status;
}

/*
 * Returns the wait status of the program. What the account misses may still be on its way: the OOM reaper lets go of a
 * victim when the victim's parent has long heard of its end. So there are some tries.
 */
static int
round_account(const char *path, char **words, struct account *before, struct account *after)
{
	account_settle(before);
	swap_turn_on();
	int status = program_run(path, words);
	rest_end();
	swap_turn_off();
	for (int i = 0; i < ACCOUNT_TRIES; i++) {
		account_take(after);
		if (strcmp(before->ledger, after->ledger) == 0)
			break;
		nanosleep(&(struct timespec){.tv_nsec = 2000000}, NULL);
	}
	return status;
}

/* Returns the wait status. Without @path the child only exits. */
static int
program_run(const char *path, char **argv)
{
	pid_t pid = fork();

	if (pid == 0) {
		if (!path)
			_exit(0);
		execv(path, argv);
		say("init: %s: %s\n", path, strerror(errno));
		_exit(STATUS_NO_PROGRAM);
	}
	if (pid < 0) {
		say("init: fork: %s\n", strerror(errno));
		return STATUS_NO_PROGRAM << 8;
	}
	return children_reap(pid);
}

static void
end_describe(const char *path, int status)
{
	if (WIFSIGNALED(status))
		say("\ninit: %s was killed by signal %d (%s)\n", path, WTERMSIG(status), strsignal(WTERMSIG(status)));
	else
		say("\ninit: %s exited with status %d\n", path, WEXITSTATUS(status));
}

static void
account_describe(const struct account *before, const struct account *after)
{
	say("init: %ld pages were free before, %ld are free now: ", before->pages, after->pages);
	/* More than before: a page of process 1 that left memory came back without the block that named its sharers. */
	if (before->pages <= after->pages) {
		say("not one page is missing.\n");
		return;
	}
	if (!after->ledger[0]) {
		say("this kernel keeps no exact account.\n");
		return;
	}
	say("!! %ld pages are missing.\n", before->pages - after->pages);
	ledger_describe(before->ledger, after->ledger);
}

/* Both are lines "name number" in the same order: those that differ. */
static void
ledger_describe(const char *before, const char *after)
{
	while (*before && *after) {
		int b = strcspn(before, "\n");
		int a = strcspn(after, "\n");
		if (a != b || memcmp(before, after, a) != 0)
			say("init: %.*s, was %.*s\n", a, after, b, before);
		before += b + (before[b] == '\n');
		after += a + (after[a] == '\n');
	}
}

/* Until two agree: a look itself allocates, and fail_nth= may make just that fail once. */
static void
account_settle(struct account *account)
{
	static struct account last;

	account_take(account);
	for (int i = 1; i < READS_MOST; i++) {
		last = *account;
		account_take(account);
		if (strcmp(last.ledger, account->ledger) == 0)
			return;
	}
}

static void
account_take(struct account *account)
{
	struct sysinfo info = {0};
	int fd = open("/proc/mm_check", O_RDONLY);
	long n = fd < 0 ? 0 : read(fd, account->ledger, LEDGER_MAX - 1);

	close(fd);
	account->ledger[n > 0 ? n : 0] = 0;
	sysinfo(&info);
	account->pages = info.freeram * info.mem_unit / PAGE;
	if (n <= 0)
		return;
	if (!strstr(account->ledger, "mm_check clean"))
		say("!! the kernel finds its memory out of order: see its messages.\n");
	char *line = strstr(account->ledger, "free_pages ");
	if (line)
		account->pages = atol(line + strlen("free_pages "));
}

/* ---- what process 1 is for ---- */

/* Waits for @pid and buries on the way whoever else has died: orphans come to process 1. Returns @pid's wait status. */
static int
children_reap(pid_t pid)
{
	int status = 0;
	int found = 0;
	pid_t dead;

	while (pid > 0 && (dead = waitpid(-1, &status, 0)) != pid && (dead > 0 || errno == EINTR))
		;
	found = status;
	while (waitpid(-1, &status, WNOHANG) > 0)
		;
	return found;
}

/*
 * Whoever the program has left behind ends now, and is waited for: orphans that were killed a moment ago may be on
 * their way still, and an account is of a machine where nothing moves. __WALL: some may not end with SIGCHLD.
 */
static void
rest_end(void)
{
	kill(-1, SIGKILL);
	while (waitpid(-1, NULL, __WALL) > 0 || errno == EINTR)
		;
}

/* What is mounted already stays as it is, and what this kernel does not have is left out. */
static void
file_systems_mount(void)
{
	static const struct {
		const char *at, *type, *sign;
	} mounts[] = {
		{"/proc", "proc", "/proc/self"}, {"/sys", "sysfs", "/sys/kernel"}, {"/dev", "devtmpfs", "/dev/null"},
		{"/tmp", "tmpfs", NULL},         {"/run", "tmpfs", NULL},          {"/dev/shm", "tmpfs", NULL},
	};

	for (size_t i = 0; i < sizeof(mounts) / sizeof(mounts[0]); i++) {
		if (mounts[i].sign && access(mounts[i].sign, F_OK) == 0)
			continue;
		mkdir(mounts[i].at, 0755);
		if (mount(mounts[i].type, mounts[i].at, mounts[i].type, 0, NULL) == 0 && !mounts[i].sign)
			chmod(mounts[i].at, i == 4 ? 0755 : 01777);
	}
}

/* A machine without a disk, or with one of another kind, has no swap: the kernel says what it thinks of the disk. */
static void
swap_turn_on(void)
{
	if (getpid() == 1 && access("/dev/vda", F_OK) == 0 && swapon("/dev/vda", 0) < 0 && errno != EBUSY)
		say("init: no swap on /dev/vda: %s\n", strerror(errno));
}

/* Brings home what process 1 itself has on the disk, or the account would be of pages that are not lost, only away. */
static void
swap_turn_off(void)
{
	if (getpid() == 1 && swapoff("/dev/vda") < 0 && errno != ENOENT && errno != ENXIO && errno != EINVAL)
		say("init: swapoff: %s\n", strerror(errno));
}

/* What busybox's halt, poweroff and reboot tell process 1. */
static void
signals_take(void)
{
	struct sigaction action = {.sa_handler = power_signal, .sa_flags = SA_RESTART};

	sigaction(SIGUSR1, &action, NULL);
	sigaction(SIGUSR2, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
}

static void
power_signal(int signal)
{
	power_off(signal == SIGTERM ? RB_AUTOBOOT : signal == SIGUSR1 ? RB_HALT_SYSTEM : RB_POWER_OFF);
}

static void
power_off(int how)
{
	kill(-1, SIGTERM);
	kill(-1, SIGKILL);
	while (waitpid(-1, NULL, 0) > 0 || errno == EINTR)
		;
	sync();
	reboot(how);
	say("init: this kernel cannot turn the machine off (%s); end QEMU with Ctrl-A X\n", strerror(errno));
	for (;;)
		pause();
}

static void
say(const char *format, ...)
{
	char text[1024];
	va_list args;

	va_start(args, format);
	int n = vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	if (n > (int)sizeof(text) - 1)
		n = sizeof(text) - 1;
	for (int done = 0; done < n;) {
		long w = write(1, text + done, n - done);
		if (w <= 0)
			return;
		done += w;
	}
}
