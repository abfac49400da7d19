/* SPDX-License-Identifier: MIT */
/*
 * user/init.c - process 1: runs one program, keeps the account of free memory, and turns the machine off
 *
 * Idea        the program is the story, or the one that the kernel's command line names behind `--`: init PROGRAM ARGS.
 *             Process 1 only waits meanwhile, so that its account before and after is that of everything in between.
 * Invariants  process 1 reaps every child, its own and orphans
 * Locks       none
 * Follow      from kernel/main.c   to user/story.c
 * Tests       tests/guest/test_guest.py (test_story) reads what it prints
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/stat.h>
#include <sys/sysinfo.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
	PAGE = 4096,
	STATUS_NO_PROGRAM = 127
};

static int program_run(const char *path, char **argv);
static void end_describe(const char *path, int status);
static void account_describe(long before, long after);
static void next_describe(void);
static int children_reap(pid_t pid);
static long pages_free(void);
static long ledger_pages(void);
static void files_mount(void);
static void say(const char *format, ...) __attribute__((format(printf, 1, 2)));

int
main(int argc, char **argv)
{
	char *story[] = {"story", NULL};
	char **words = argc > 1 ? argv + 1 : story;
	char path[256];

	files_mount();
	snprintf(path, sizeof(path), "%s%s", strchr(words[0], '/') ? "" : "/bin/", words[0]);

	/* Why: a first round that runs nothing pays for what process 1 itself touches; the account would show it. */
	children_reap(-1);
	pages_free();
	program_run(NULL, words);
	long before = pages_free();
	int status = program_run(path, words);
	long after = pages_free();

	end_describe(path, status);
	account_describe(before, after);
	if (argc == 1)
		next_describe();
	if (getpid() != 1)
		return status != 0;
	reboot(RB_POWER_OFF);
	say("init: this kernel cannot turn the machine off (%s); end QEMU with Ctrl-A X\n", strerror(errno));
	for (;;)
		pause();
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
account_describe(long before, long after)
{
	say("init: %ld pages were free before, %ld are free now: ", before, after);
	if (before == after)
		say("not one page is missing.\n");
	else if (ledger_pages() < 0)
		say("this kernel keeps no exact account.\n");
	else
		say("!! %ld pages are missing.\n", before - after);
}

static void
next_describe(void)
{
	say("\nNow you. Words behind -- choose another program:\n"
	    "   make run APPEND=\"-- hog\"               the hog alone; \"-- hog 32\" stops at 32 MiB\n"
	    "   make run APPEND=\"-- forkstorm press\"   2000 processes while memory runs out\n"
	    "   make run APPEND=\"-- cowstorm\"          generations of processes that write to the same pages\n"
	    "   make run APPEND=\"trace=fault -- hog 1\" the first fault of each kind, step by step\n"
	    "   make run MEM=64 CPUS=4                 a smaller machine, more processors\n"
	    "   make gdb                               the same, one instruction at a time\n");
}

/* Waits for @pid and buries on the way whoever else has died: orphans come to process 1. Returns @pid's wait status. */
static int
children_reap(pid_t pid)
{
	int status = 0;
	int found = 0;
	pid_t dead;

	while (pid > 0 && (dead = waitpid(-1, &status, 0)) != pid && dead > 0)
		;
	found = status;
	while (waitpid(-1, &status, WNOHANG) > 0)
		;
	return found;
}

/* Free pages: exactly where the kernel offers its ledger, else what sysinfo says. */
static long
pages_free(void)
{
	struct sysinfo info = {0};
	long exact = ledger_pages();

	if (exact >= 0)
		return exact;
	sysinfo(&info);
	return info.freeram * info.mem_unit / PAGE;
}

/* free_pages of /proc/mm_check, for which the kernel empties its caches and checks itself; -1 on Linux. */
static long
ledger_pages(void)
{
	char text[2048];
	int fd = open("/proc/mm_check", O_RDONLY);

	if (fd < 0)
		return -1;
	long n = read(fd, text, sizeof(text) - 1);
	close(fd);
	text[n > 0 ? n : 0] = 0;
	if (!strstr(text, "mm_check clean"))
		say("!! the kernel finds its memory out of order: see its messages.\n");
	char *line = strstr(text, "free_pages ");
	return line ? atol(line + strlen("free_pages ")) : -1;
}

/* Linux shows /proc only when it is mounted; where it is there already nothing happens. */
static void
files_mount(void)
{
	int fd = open("/proc/self/statm", O_RDONLY);

	if (fd >= 0) {
		close(fd);
		return;
	}
	mkdir("/proc", 0755);
	mount("proc", "/proc", "proc", 0, NULL);
}

static void
say(const char *format, ...)
{
	char text[1024];
	va_list args;

	va_start(args, format);
	int n = vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	for (int done = 0; done < n;) {
		long w = write(1, text + done, n - done);
		if (w <= 0)
			return;
		done += w;
	}
}
