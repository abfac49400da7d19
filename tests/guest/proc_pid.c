/* SPDX-License-Identifier: MIT */
/*
 * tests/guest/proc_pid.c - the files of a process and of its threads
 *
 * Idea        each number is moved by what it names, and read back
 * Follow      to kernel/fs/procfs_pid.c, kernel/fs/procfs_task.c, kernel/fs/procfs_args.c
 */
#include "guest.h"
#include "procfile.h"
#include <dirent.h>
#include <elf.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>

extern char **environ;

static volatile int *word; /* shared */

/* Field @n (from 1) of /proc/<pid>/stat; the name may hold blanks. */
static long
stat_field(const char *text, int n)
{
	const char *at = strrchr(text, ')') + 2;

	for (int i = 3; i < n; i++)
		at = strchr(at, ' ') + 1;
	return strtol(at, NULL, 10);
}

static void
sleeps(void *arg)
{
	(void)arg;
	announce(word);
	await(word, 100);
}

static void
stat_and_status(void)
{
	char path[64];

	word = (volatile int *)map_shared(PAGE);
	pid_t pid = child_start(sleeps, NULL);
	await(word, 1);
	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	char *text = proc_text(path);
	check(atoi(text) == pid);
	check(stat_field(text, 4) == getpid());
	check(stat_field(text, 5) == getpgrp() && stat_field(text, 6) == getsid(0));
	check(stat_field(text, 17 + 3) == 1); /* threads */
	check(stat_field(text, 38) == SIGCHLD);
	snprintf(path, sizeof(path), "/proc/%d/status", pid);
	text = proc_text(path);
	check(proc_field(text, "Tgid") == pid && proc_field(text, "Pid") == pid);
	check(proc_field(text, "PPid") == getpid());
	check(proc_field(text, "Threads") == 1 && proc_field(text, "FDSize") >= 1);
	*word = 100;
	check(child_wait(pid) == 0);
}

static void
zombie(void)
{
	char path[64];
	siginfo_t info;

	pid_t pid = fork();
	if (pid == 0)
		_exit(3);
	check(waitid(P_PID, pid, &info, WEXITED | WNOWAIT) == 0);
	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	char *text = proc_text(path);
	check(strrchr(text, ')')[2] == 'Z');
	check(stat_field(text, 23) == 0); /* bytes of address space */
	check(*proc_pid_text(pid, "maps") == 0);
	check(*proc_pid_text(pid, "cmdline") == 0);
	check(strstr(proc_pid_text(pid, "status"), "Z (zombie)"));
	check(child_wait(pid) == 3 << 8);
	check_errno(open(path, O_RDONLY), ENOENT);
}

static void
dies_at_once(void *arg)
{
	(void)arg;
	_exit(0);
}

static void
file_outlives_process(void)
{
	char path[64];
	char buf[100];

	word = (volatile int *)map_shared(PAGE);
	pid_t pid = child_start(sleeps, NULL);
	await(word, 1);
	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	int fd = open(path, O_RDONLY);
	check(fd >= 0);
	*word = 100;
	child_wait(pid);
	check_errno(read(fd, buf, sizeof(buf)), ESRCH);
	close(fd);
}

static void
size_moves(void)
{
	enum {
		PAGES = 1000
	};
	long size = proc_value("/proc/self/status", "VmSize");
	long data = proc_value("/proc/self/status", "VmData");
	long rss = proc_value("/proc/self/status", "VmRSS");
	long anon = proc_value("/proc/self/status", "RssAnon");
	volatile unsigned char *p =
		mmap(NULL, PAGES * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	check(p != MAP_FAILED);
	madvise((void *)p, PAGES * PAGE, MADV_NOHUGEPAGE);
	check(proc_value("/proc/self/status", "VmSize") == size + PAGES * 4);
	check(proc_value("/proc/self/status", "VmData") == data + PAGES * 4);
	check(proc_value("/proc/self/status", "RssAnon") <= anon + 16);
	for (int i = 0; i < PAGES; i++)
		p[(size_t)i * PAGE] = 1;
	/* Linux keeps up to 64 pages of a thread's count back. */
	check(labs(proc_value("/proc/self/status", "VmRSS") - rss - PAGES * 4) <= 200 * 4);
	check(labs(proc_value("/proc/self/status", "RssAnon") - anon - PAGES * 4) <= 200 * 4);
	long peak = proc_value("/proc/self/status", "VmPeak");
	long high = proc_value("/proc/self/status", "VmHWM");
	check(peak >= size + PAGES * 4 && high >= PAGES * 4);
	munmap((void *)p, PAGES * PAGE);
	check(proc_value("/proc/self/status", "VmSize") == size);
	check(proc_value("/proc/self/status", "VmPeak") == peak);
	check(proc_value("/proc/self/status", "VmHWM") >= high - 64 * 4);
}

static void
statm_moves(void)
{
	long size, rss, shared, text, lib, data, dirty;
	long before;

	check(sscanf(proc_text("/proc/self/statm"), "%ld %ld %ld %ld %ld %ld %ld", &size, &rss, &shared, &text, &lib,
		     &data, &dirty) == 7);
	check(size > 0 && rss > 0 && text > 0 && data > 0 && lib == 0 && dirty == 0);
	before = shared;
	volatile unsigned char *p = map_shared(200 * PAGE);
	for (int i = 0; i < 200; i++)
		p[(size_t)i * PAGE] = 1;
	sscanf(proc_text("/proc/self/statm"), "%ld %ld %ld", &size, &rss, &shared);
	check(labs(shared - before - 200) <= (on_tidemark() ? 2 : 150));
}

static void
tables_are_counted(void)
{
	long before = proc_value("/proc/self/status", "VmPTE");
	volatile unsigned char *p = map_aligned(16 * TABLE, TABLE);

	for (int i = 0; i < 16; i++)
		p[(size_t)i * TABLE] = 1;
	long grown = proc_value("/proc/self/status", "VmPTE") - before;
	check(grown >= 16 * 4 && grown <= 18 * 4);
}

static void
comm_is_written(void)
{
	check(proc_write("/proc/self/comm", "a name that is too long") > 0);
	check(strcmp(proc_text("/proc/self/comm"), "a name that is \n") == 0);
	check(strstr(proc_text("/proc/self/stat"), "(a name that is )"));
	check(proc_field(proc_text("/proc/self/status"), "Name") == 0);
	check(proc_write("/proc/self/comm", "odd\n\\") == 5);
	check(strncmp(proc_text("/proc/self/status"), "Name:\todd\\n\\\\\n", 14) == 0);
	check_errno(proc_write("/proc/1/comm", "other") < 0 ? -1 : 0, getpid() == 1 ? 0 : EINVAL);
}

static void *
named_thread(void *arg)
{
	(void)arg;
	char path[64];

	snprintf(path, sizeof(path), "/proc/self/task/%ld/comm", syscall(SYS_gettid));
	if (proc_write(path, "worker") != 6)
		fail("a thread cannot name itself");
	announce(word);
	await(word, 100);
	return NULL;
}

static void
threads_are_listed(void)
{
	pthread_t thread[3];
	int found = 0, named = 0;
	struct dirent *e;
	char path[280];

	word = (volatile int *)map_shared(PAGE);
	check(proc_write("/proc/self/comm", "main") == 4);
	for (int i = 0; i < 3; i++)
		check(pthread_create(&thread[i], NULL, named_thread, NULL) == 0);
	await(word, 3);
	check(proc_value("/proc/self/status", "Threads") == 4);
	DIR *dir = opendir("/proc/self/task");
	check(dir);
	while ((e = readdir(dir))) {
		if (e->d_name[0] == '.')
			continue;
		found++;
		snprintf(path, sizeof(path), "/proc/self/task/%s/comm", e->d_name);
		named += strcmp(proc_text(path), "worker\n") == 0;
		snprintf(path, sizeof(path), "/proc/self/task/%s/status", e->d_name);
		char *text = proc_text(path);
		check(proc_field(text, "Pid") == atoi(e->d_name) && proc_field(text, "Tgid") == getpid());
	}
	closedir(dir);
	check(found == 4 && named == 3);
	check(strcmp(proc_text("/proc/self/comm"), "main\n") == 0);
	check_errno(open("/proc/self/task/1/comm", O_RDONLY) < 0 || getpid() == 1 ? -1 : 0, ENOENT);
	*word = 100;
	for (int i = 0; i < 3; i++)
		pthread_join(thread[i], NULL);
}

static void
self_links(void)
{
	char text[64], want[64];
	ssize_t n = readlink("/proc/self", text, sizeof(text));

	snprintf(want, sizeof(want), "%d", getpid());
	check(n == (ssize_t)strlen(want) && memcmp(text, want, n) == 0);
	n = readlink("/proc/thread-self", text, sizeof(text));
	snprintf(want, sizeof(want), "%d/task/%ld", getpid(), syscall(SYS_gettid));
	check(n == (ssize_t)strlen(want) && memcmp(text, want, n) == 0);
	check(proc_field(proc_text("/proc/thread-self/status"), "Pid") == getpid());
}

static void
limits_show(void)
{
	struct rlimit limit = {123 * 4096, 456 * 4096};
	char want[100];

	check(setrlimit(RLIMIT_CORE, &limit) == 0);
	char *text = proc_text("/proc/self/limits");
	snprintf(want, sizeof(want), "%-25s %-20s %-20s %-10s\n", "Limit", "Soft Limit", "Hard Limit", "Units");
	check(strncmp(text, want, strlen(want)) == 0);
	snprintf(want, sizeof(want), "%-25s %-20lu %-20lu %-10s\n", "Max core file size", (long)limit.rlim_cur,
		 (long)limit.rlim_max, "bytes");
	check(strstr(text, want));
	snprintf(want, sizeof(want), "%-25s %-20s ", "Max cpu time", "unlimited");
	check(strstr(text, want));
	int lines = 0;
	for (char *at = text; *at; at++)
		lines += *at == '\n';
	check(lines == 17);
}

/* A shell that waits for input, with arguments and an environment that are known. */
static void
shell_waits(void *arg)
{
	char *argv[] = {"/bin/busybox", "sh", "-c", "read x", NULL};
	char *envp[] = {"A=1", "LONG=0123456789", NULL};
	int ends[2];

	(void)arg;
	if (pipe(ends) < 0 || dup2(ends[0], 0) < 0)
		_exit(1);
	execve(argv[0], argv, envp);
	_exit(99);
}

/* Reads until the file is of @program: before its execve the child has this program's strings. */
static void
read_when_ready(const char *path, char *buf, const char *program)
{
	ssize_t n = 0;

	while (n <= 0 || strncmp(buf, program, n) != 0) {
		int fd = open(path, O_RDONLY);
		check(fd >= 0);
		n = read(fd, buf, strlen(program));
		check(n >= 0);
		close(fd);
		sched_yield();
	}
}

static void
cmdline_and_environ(void)
{
	static const char args[] = "/bin/busybox\0sh\0-c\0read x";
	static const char env[] = "A=1\0LONG=0123456789";
	char path[64];
	char buf[200];

	if (!proc_exists("/bin/busybox")) {
		note("there is no busybox to run");
		return;
	}
	pid_t pid = child_start(shell_waits, NULL);
	snprintf(path, sizeof(path), "/proc/%d/cmdline", pid);
	read_when_ready(path, buf, args);
	int fd = open(path, O_RDONLY);
	check(read(fd, buf, sizeof(buf)) == sizeof(args) && memcmp(buf, args, sizeof(args)) == 0);
	check(pread(fd, buf, 3, 13) == 3 && memcmp(buf, "sh", 3) == 0);
	check(pread(fd, buf, 3, sizeof(args)) == 0);
	close(fd);
	snprintf(path, sizeof(path), "/proc/%d/environ", pid);
	fd = open(path, O_RDONLY);
	check(fd >= 0);
	check(read(fd, buf, sizeof(buf)) == sizeof(env) && memcmp(buf, env, sizeof(env)) == 0);
	check(pread(fd, buf, 4, 4) == 4 && memcmp(buf, "LONG", 4) == 0);
	check(pread(fd, buf, 4, sizeof(env)) == 0);
	close(fd);
	kill(pid, SIGKILL);
	child_wait(pid);
}

static void
auxv_is_right(void)
{
	uint64_t pair[80];
	int fd = open("/proc/self/auxv", O_RDONLY);
	ssize_t n = read(fd, pair, sizeof(pair));
	int i;

	check(n > 0 && n % 16 == 0);
	for (i = 0; i < n / 8 && pair[i] != AT_NULL; i += 2) {
		if (pair[i] == AT_PAGESZ || pair[i] == AT_RANDOM || pair[i] == AT_PHDR)
			check(pair[i + 1] == getauxval(pair[i]));
	}
	check(i >= 20 && i + 2 <= n / 8);
	close(fd);
}

static void
oom_adjustment(void)
{
	if (proc_write("/proc/self/oom_score_adj", "-1000") < 0 && errno == EACCES) {
		note("only a real root may protect itself");
		return;
	}
	check(strcmp(proc_text("/proc/self/oom_score_adj"), "-1000\n") == 0);
	check(atoi(proc_text("/proc/self/oom_score")) == 0);
	check(atoi(proc_text("/proc/self/oom_adj")) == -17);
	check(proc_write("/proc/self/oom_score_adj", " 1000\n") == 6);
	check(strcmp(proc_text("/proc/self/oom_score_adj"), "1000\n") == 0);
	check(atoi(proc_text("/proc/self/oom_adj")) == 15);
	check(atoi(proc_text("/proc/self/oom_score")) >= 1300);
	check(proc_write("/proc/self/oom_adj", "8") == 1);
	check(atoi(proc_text("/proc/self/oom_score_adj")) == 8 * 1000 / 17);
	check(proc_write("/proc/self/oom_adj", "-17") == 3);
	check(atoi(proc_text("/proc/self/oom_score_adj")) == -1000);
	check_errno(proc_write("/proc/self/oom_score_adj", "1001"), EINVAL);
	check_errno(proc_write("/proc/self/oom_score_adj", "-1001"), EINVAL);
	check_errno(proc_write("/proc/self/oom_score_adj", "ten"), EINVAL);
	check_errno(proc_write("/proc/self/oom_adj", "16"), EINVAL);
	check_errno(proc_write("/proc/self/oom_adj", "-18"), EINVAL);
	check(proc_write("/proc/self/oom_score_adj", "500") == 3);
	child_must_live(dies_at_once, NULL);
	pid_t pid = fork();
	if (pid == 0)
		_exit(atoi(proc_text("/proc/self/oom_score_adj")) != 500);
	check(child_wait(pid) == 0);
}

static void
faults_are_counted(void)
{
	long before = stat_field(proc_text("/proc/self/stat"), 10);
	volatile unsigned char *p = map_private(300 * PAGE);

	for (int i = 0; i < 300; i++)
		p[(size_t)i * PAGE] = 1;
	long grown = stat_field(proc_text("/proc/self/stat"), 10) - before;
	check(grown >= 300 && grown < 400);
}

static void
directory_is_of_process(void)
{
	struct stat st;
	char cwd[100];
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d", getpid());
	check(stat(path, &st) == 0 && S_ISDIR(st.st_mode) && (st.st_mode & 0777) == 0555);
	check(chdir(path) == 0 && getcwd(cwd, sizeof(cwd)) && strcmp(cwd, path) == 0);
	check(chdir("task") == 0 && getcwd(cwd, sizeof(cwd)));
	strcat(path, "/task");
	check(strcmp(cwd, path) == 0);
	check(chdir("/") == 0);
	check_errno(open("/proc/self/nonsense", O_RDONLY), ENOENT);
	check_errno(open("/proc/0", O_RDONLY), ENOENT);
	check_errno(open("/proc/00001", O_RDONLY), ENOENT);
	check_errno(mkdir("/proc/self/new", 0777), ENOENT);
	check_errno(unlink("/proc/self/stat"), EPERM);
}

static void
descriptors_are_links(void)
{
	char text[200], path[64];
	struct stat a, b;
	int ends[2];
	int fd = file_make("/tmp/proc_fd", 2 * PAGE);

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	ssize_t n = readlink(path, text, sizeof(text));
	check(n == 12 && memcmp(text, "/tmp/proc_fd", 12) == 0);
	check(lstat(path, &a) == 0 && S_ISLNK(a.st_mode) && (a.st_mode & 0700) == 0700);
	check(unlink("/tmp/proc_fd") == 0);
	n = readlink(path, text, sizeof(text));
	check(n == 22 && memcmp(text, "/tmp/proc_fd (deleted)", 22) == 0);
	/* The link still leads to the file. */
	check(stat(path, &a) == 0 && fstat(fd, &b) == 0 && a.st_ino == b.st_ino && a.st_size == 2 * PAGE);
	int again = open(path, O_RDONLY);
	check(again >= 0 && read(again, text, 1) == 1 && text[0] == 1);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", again);
	check(lstat(path, &a) == 0 && (a.st_mode & 0700) == 0500);
	close(again);
	check_errno(readlink(path, text, sizeof(text)), ENOENT);
	check(pipe(ends) == 0);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", ends[0]);
	n = readlink(path, text, sizeof(text));
	check(n > 7 && memcmp(text, "pipe:[", 6) == 0);
	close(fd);
}

static void
descriptors_are_listed(void)
{
	struct dirent *e;
	int seen = 0, others = 0;
	int fd = dup2(1, 77);

	check(fd == 77);
	DIR *dir = opendir("/proc/self/fd");
	check(dir);
	while ((e = readdir(dir))) {
		seen += strcmp(e->d_name, "77") == 0 && e->d_type == DT_LNK;
		others += atoi(e->d_name) == dirfd(dir);
	}
	closedir(dir);
	check(seen == 1 && others >= 1);
}

static void
processes_listed(void)
{
	DIR *dir = opendir("/proc");
	struct dirent *entry;
	int found = 0;

	check(dir != NULL);
	while ((entry = readdir(dir)))
		found += atoi(entry->d_name) == 1 || atoi(entry->d_name) == getpid();
	closedir(dir);
	check(found == 2);
}

const struct test_case proc_pid_cases[] = {
	{"/proc lists processes", processes_listed, 0, 0},
	{"stat and status name the process and its family", stat_and_status, 0, 0},
	{"a zombie is Z and has no memory; reaped, its directory is gone", zombie, 0, 0},
	{"a file of a process that is gone gives ESRCH", file_outlives_process, 0, 0},
	{"VmSize, VmData, VmRSS, VmPeak and VmHWM move by what is mapped and touched", size_moves, 0, CASE_STILL},
	{"statm counts shared pages", statm_moves, 0, CASE_STILL},
	{"VmPTE counts page tables", tables_are_counted, 0, 0},
	{"comm is written, cut to 15 bytes, and spelled in status", comm_is_written, 0, 0},
	{"threads are listed below task, each with its name", threads_are_listed, 0, CASE_SMP},
	{"/proc/self and /proc/thread-self lead to who looks", self_links, 0, 0},
	{"limits shows what setrlimit set", limits_show, 0, 0},
	{"cmdline and environ are the strings of execve, at any offset", cmdline_and_environ, 0, 0},
	{"an open file is a link to its name and to itself", descriptors_are_links, 0, 0},
	{"open files are listed below fd", descriptors_are_listed, 0, 0},
	{"auxv is the vector that the program was given", auxv_is_right, 0, 0},
	{"oom_score_adj reads back, oom_adj is its old scale, children inherit", oom_adjustment, 0, 0},
	{"minor faults are counted in stat", faults_are_counted, 0, 0},
	{"a process is a directory that nobody can change", directory_is_of_process, 0, 0},
	{0},
};
