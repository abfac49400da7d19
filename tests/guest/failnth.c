/* SPDX-License-Identifier: MIT */
/*
 * tests/guest/failnth.c - every allocation of the kernel may fail
 *
 * Idea        A sweep: a child sets n and does its work; n = 1, 2, 3, ... until a child came to the end of its work
 *             with the failure still to come. So each allocation of that work has failed once. Each call in it must
 *             have succeeded or given an errno that has to do with memory, or the child was killed; the runner's ledger
 *             sees what was lost. /proc/<pid>/fail-nth makes the n-th allocation from now on fail, once. A kernel that
 *             has no such file (most builds of Linux) passes by not being asked.
 * Invariants  see guest.h
 * Follow      to mm/fail_inject.c
 * See         Linux Documentation/fault-injection/fault-injection.rst
 */
#include "guest.h"
#include "procfile.h"
#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>

enum {
	SURE = 40,          /* each of so many, */
	STEP = 5,           /* then every so many-th; failnth_step=n in the environment: another one */
	LONGEST = 20000,    /* more allocations than any work makes */
	STATUS_SPARED = 42, /* of a child: its work was done before the failure came */
	FUTEX_WAIT = 0,
	FUTEX_WAKE = 1
};

#define FAR ((char *)(1UL << 44)) /* where there are no tables yet */
#define PLACE "/tmp/nth"

/* This process's file, open before anything shall fail; -1: there is none. */
static int
nth_open(void)
{
	return open("/proc/self/fail-nth", O_RDWR);
}

static bool
nth_set(int fd, const char *text)
{
	return pwrite(fd, text, strlen(text), 0) == (ssize_t)strlen(text);
}

static long
nth_left(int fd)
{
	char text[16] = "";

	return pread(fd, text, sizeof(text) - 1, 0) > 0 ? atol(text) : -1;
}

static void
fails_once(void)
{
	int fd = nth_open();
	int ends[2];

	if (fd < 0)
		return;
	check(nth_left(fd) == 0);
	check(nth_set(fd, "1"));
	check_errno(pipe(ends), ENOMEM);
	check(nth_left(fd) == 0);
	check(pipe(ends) == 0);
	check(nth_set(fd, "1000000"));
	long left = nth_left(fd);
	check(left > 999000 && left <= 1000000);
	check(pipe(ends) == 0);
	check(nth_left(fd) < left);
	check(nth_set(fd, "0"));
	check(nth_left(fd) == 0);
}

static void
child_begins_without(void *arg)
{
	check(proc_value("/proc/self/status", "PPid:") == *(pid_t *)arg);
	check(atol(proc_text("/proc/self/fail-nth")) == 0);
}

static void
is_of_one_task(void)
{
	int fd = nth_open();
	pid_t self = getpid();

	if (fd < 0)
		return;
	check(nth_set(fd, "1000000"));
	child_must_live(child_begins_without, &self);
	check(nth_left(fd) > 0);
}

static void
takes_numbers_only(void)
{
	int fd = nth_open();

	if (fd < 0)
		return;
	check_errno(pwrite(fd, "x", 1, 0), EINVAL);
	check_errno(pwrite(fd, "-1", 2, 0), EINVAL);
	check_errno(pwrite(fd, "4294967296", 10, 0), ERANGE);
	check(nth_set(fd, "0x7fffffff\n"));
	check(nth_left(fd) > 0x7ffff000);
}

/* ---- a sweep ---- */

/* May a call end so because memory was short? EFAULT: the kernel could not bring a page of the program in. */
static bool
errno_is_memory(void)
{
	return errno == ENOMEM || errno == EAGAIN || errno == EFAULT || errno == ENOSPC || errno == ENOLCK;
}

/* True if the call succeeded. One that failed must have done so for want of memory. */
#define may_fail(call) result_judge((errno = 0, (long)(call)), #call, __LINE__)

static bool
result_judge(long result, const char *call, int line)
{
	if (result == -1 && !errno_is_memory())
		fail("line %d: %s gave errno %d (%s)", line, call, errno, strerror(errno));
	return result != -1;
}

struct work {
	void (*run)(void);
	char **program; /* instead: what to execute; it must end with STATUS_SPARED if fail-nth is not 0 at its end */
	bool any_status;
	int n;
};

static void
work_begin(void *arg)
{
	const struct work *w = arg;
	int fd = nth_open();
	char text[16];

	check(fd >= 0);
	setpgid(0, 0);
	snprintf(text, sizeof(text), "%d", w->n);
	if (w->program) {
		int null = open("/dev/null", O_RDWR);

		check(null >= 0 && dup2(null, 1) == 1 && dup2(null, 2) == 2);
		fcntl(fd, F_SETFD, FD_CLOEXEC);
		check(nth_set(fd, text));
		execv(w->program[0], w->program);
		check(errno_is_memory());
		_exit(0);
	}
	check(nth_set(fd, text));
	w->run();
	_exit(nth_left(fd) > 0 ? STATUS_SPARED : 0);
}

static void
remove_tree(const char *path)
{
	DIR *dir = opendir(path);
	char name[300];

	for (struct dirent *e; dir && (e = readdir(dir));) {
		if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0)
			continue;
		snprintf(name, sizeof(name), "%s/%s", path, e->d_name);
		while (umount2(name, MNT_DETACH) == 0)
			;
		if (unlink(name) < 0)
			remove_tree(name);
	}
	if (dir)
		closedir(dir);
	rmdir(path);
}

/* Whoever the child left behind has become ours: see sweep(). */
static void
children_end(pid_t group)
{
	int status;

	kill(-group, SIGKILL);
	while (waitpid(-1, &status, 0) > 0 || errno == EINTR)
		;
}

/* What the end of a child with @n says: true if it was spared. */
static bool
was_spared(const struct work *w, int status)
{
	int signal = WIFSIGNALED(status) ? WTERMSIG(status) : 0;

	if (WIFEXITED(status) && WEXITSTATUS(status) == STATUS_SPARED)
		return true;
	if (signal == SIGKILL || signal == SIGSEGV || signal == SIGBUS || (w->any_status && signal == SIGABRT))
		return false;
	if (signal || (WEXITSTATUS(status) && !w->any_status))
		fail("with n = %d it ended with status 0x%x", w->n, status);
	return false;
}

static void
sweep(struct work *w)
{
	int fd = nth_open();
	const char *word = getenv("failnth_step");
	int step = word ? atoi(word) : STEP;
	bool spared = false;

	if (fd < 0)
		return;
	close(fd);
	check(prctl(PR_SET_CHILD_SUBREAPER, 1) == 0);
	for (w->n = 1; !spared; w->n += w->n < SURE ? 1 : step) {
		check(w->n < LONGEST);
		if (step == 1 || w->n % 8 == 1)
			proc_write("/proc/sys/vm/drop_caches", "7"); /* what is at hand cannot fail so deep */
		pid_t pid = child_start(work_begin, w);
		spared = was_spared(w, child_wait(pid));
		children_end(pid);
		remove_tree(PLACE);
	}
	note("some %d allocations, tried in steps of %d", w->n, step);
}

static void
sweep_work(void (*run)(void))
{
	sweep(&(struct work){.run = run});
}

/* ---- works ---- */

static const int rw = PROT_READ | PROT_WRITE;

static void
touch(volatile char *p, size_t bytes)
{
	for (size_t i = 0; i < bytes; i += PAGE)
		p[i] = 1;
}

static void
work_memory(void)
{
	unsigned char here[64];
	char *p;

	if (may_fail(p = mmap(NULL, 64 * PAGE, rw, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0))) {
		touch(p, 64 * PAGE);
		may_fail(mprotect(p + 8 * PAGE, 8 * PAGE, PROT_READ));
		may_fail(madvise(p, 4 * PAGE, MADV_DONTNEED));
		may_fail(mincore(p, 64 * PAGE, here));
		may_fail(mlock(p + 20 * PAGE, 4 * PAGE));
		if (may_fail(munmap(p + 30 * PAGE, PAGE)))
			may_fail(mremap(p + 31 * PAGE, 33 * PAGE, 90 * PAGE, MREMAP_MAYMOVE));
	}
	if (may_fail(p = mmap(FAR, TABLE, rw, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0))) {
		touch(p, TABLE / 8);
		may_fail(mremap(p, TABLE, TABLE, MREMAP_MAYMOVE | MREMAP_FIXED, FAR + (1UL << 42)));
	}
	if (may_fail(p = mmap(NULL, 8 * PAGE, rw, MAP_SHARED | MAP_ANONYMOUS, -1, 0)))
		touch(p, 8 * PAGE);
	may_fail(sbrk(40 * PAGE));
	may_fail(mmap(NULL, 20 * PAGE, rw, MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0));
}

static void
look_around(void)
{
	char text[2048];
	int fd;

	if (!may_fail(fd = open(PLACE, O_RDONLY | O_DIRECTORY)))
		return;
	while (syscall(SYS_getdents64, fd, text, sizeof(text)) > 0)
		;
	close(fd);
}

static void
work_files(void)
{
	char text[3 * PAGE] = "text";
	int fd;

	if (!may_fail(mkdir(PLACE, 0755)) || !may_fail(fd = open(PLACE "/a", O_RDWR | O_CREAT, 0644)))
		return;
	may_fail(write(fd, text, sizeof(text)));
	may_fail(pwrite(fd, text, 10, 5000 * PAGE));
	may_fail(pread(fd, text, PAGE, 0));
	may_fail(fallocate(fd, 0, 100 * PAGE, 10 * PAGE));
	may_fail(fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 102 * PAGE, 2 * PAGE));
	char *p;
	if (may_fail(p = mmap(NULL, 8 * PAGE, rw, MAP_SHARED, fd, 0)))
		p[PAGE] = 2; /* inside the file, if it could be written at all */
	if (may_fail(p = mmap(NULL, 8 * PAGE, rw, MAP_PRIVATE, fd, 0)))
		p[0] = 2;
	may_fail(ftruncate(fd, 2 * PAGE));
	may_fail(fcntl(fd, F_SETLK, &(struct flock){.l_type = F_WRLCK, .l_start = 1, .l_len = 5}));
	may_fail(fcntl(fd, F_SETLK, &(struct flock){.l_type = F_UNLCK, .l_start = 2, .l_len = 1}));
	may_fail(link(PLACE "/a", PLACE "/b"));
	may_fail(symlink("a", PLACE "/c"));
	may_fail(mknod(PLACE "/d", S_IFIFO | 0600, 0));
	if (may_fail(rename(PLACE "/a", PLACE "/e")))
		may_fail(unlink(PLACE "/e"));
	look_around();
	int other;
	if (may_fail(other = memfd_create("other", 0)))
		may_fail(sendfile(other, fd, &(off_t){0}, 2 * PAGE));
}

static void *
thread_works(void *arg)
{
	volatile char room[8 * PAGE];

	touch(room, sizeof(room));
	return arg;
}

static void
on_signal(int number)
{
	(void)number;
}

static void
work_threads(void)
{
	pthread_t thread[3];

	for (int i = 0; i < 3; i++) {
		int error = pthread_create(&thread[i], NULL, thread_works, NULL);

		check(!error || error == EAGAIN || error == ENOMEM);
		if (!error)
			pthread_join(thread[i], NULL);
	}
}

static void
work_processes(void)
{
	static char mine[16 * PAGE];
	int status;
	pid_t pid;

	touch(mine, sizeof(mine));
	for (int i = 0; i < 2; i++) {
		if (!may_fail(pid = fork()))
			continue;
		if (pid == 0)
			_exit(0);
		touch(mine, sizeof(mine));
		check(waitpid(pid, &status, 0) == pid || errno_is_memory());
	}
	char *argv[] = {(char *)self_path, "--role=status", "0", NULL};
	int error = posix_spawn(&pid, self_path, NULL, NULL, argv, NULL);
	check(!error || error == EAGAIN || error == ENOMEM || error == EFAULT);
	waitpid(-1, &status, 0);
}

static void
work_signals(void)
{
	struct timespec soon = {.tv_nsec = 1000000};
	sigset_t set;

	if (may_fail(signal(SIGUSR1, on_signal)))
		may_fail(kill(getpid(), SIGUSR1));
	sigemptyset(&set);
	sigaddset(&set, SIGRTMIN);
	may_fail(sigprocmask(SIG_BLOCK, &set, NULL));
	for (int i = 0; i < 3; i++)
		may_fail(sigqueue(getpid(), SIGRTMIN, (union sigval){.sival_int = i}));
	may_fail(sigtimedwait(&set, NULL, &soon));
	may_fail(signal(SIGALRM, on_signal));
	may_fail(setitimer(ITIMER_REAL, &(struct itimerval){.it_value.tv_sec = 5}, NULL));
	may_fail(nanosleep(&soon, NULL));
	may_fail(setitimer(ITIMER_REAL, &(struct itimerval){0}, NULL));
}

static void
work_pipes(void)
{
	static int word;
	char text[5 * PAGE] = "";
	int ends[2] = {-1, -1};
	fd_set set;

	if (may_fail(pipe(ends))) {
		may_fail(write(ends[1], text, sizeof(text)));
		may_fail(poll(&(struct pollfd){.fd = ends[0], .events = POLLIN}, 1, 0));
		may_fail(fcntl(ends[1], F_SETPIPE_SZ, 16 * PAGE));
		fcntl(ends[0], F_SETFL, O_NONBLOCK);
		may_fail(read(ends[0], text, sizeof(text)));
		FD_ZERO(&set);
		FD_SET(ends[1], &set);
		may_fail(select(ends[1] + 1, NULL, &set, NULL, &(struct timeval){0}));
		may_fail(fcntl(ends[0], F_DUPFD, 200));
	}
	if (may_fail(mkdir(PLACE, 0755)) && may_fail(mkfifo(PLACE "/fifo", 0600)))
		may_fail(open(PLACE "/fifo", O_RDWR));
	syscall(SYS_futex, &word, FUTEX_WAIT, 0, &(struct timespec){.tv_nsec = 1000000});
	check(errno == ETIMEDOUT || errno_is_memory());
	may_fail(syscall(SYS_futex, &word, FUTEX_WAKE, 1, NULL));
}

/* Reads a file to its end. */
static void
slurp(const char *path)
{
	char text[1000];
	int fd;

	if (!may_fail(fd = open(path, O_RDONLY | O_NONBLOCK)))
		return;
	for (int i = 0; i < 20 && read(fd, text, sizeof(text)) > 0; i++)
		;
	close(fd);
}

static void
work_proc(void)
{
	static const char *const files[] = {
		"stat",    "status", "statm",  "maps",      "smaps",         "smaps_rollup", "pagemap", "cmdline",
		"environ", "auxv",   "limits", "oom_score", "oom_score_adj", "comm",         "mounts",
	};
	static const char *const of_all[] = {
		"/proc/meminfo",
		"/proc/vmstat",
		"/proc/zoneinfo",
		"/proc/buddyinfo",
		"/proc/slabinfo",
		"/proc/stat",
		"/proc/loadavg",
		"/proc/uptime",
		"/proc/swaps",
		"/proc/cpuinfo",
		"/proc/kpagecount",
		"/proc/kpageflags",
		"/proc/sys/vm/overcommit_memory",
		"/dev/zero",
	};
	char path[64], link[200];

	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		snprintf(path, sizeof(path), "/proc/self/%s", files[i]);
		slurp(path);
	}
	for (size_t i = 0; i < sizeof(of_all) / sizeof(of_all[0]); i++)
		slurp(of_all[i]);
	may_fail(readlink("/proc/self/exe", link, sizeof(link)));
	DIR *dir = opendir("/proc/self/fd");
	while (dir && readdir(dir))
		;
	may_fail(proc_write("/proc/self/oom_score_adj", "10"));
	may_fail(proc_write("/proc/self/clear_refs", "1"));
}

static void
work_mounts(void)
{
	char text[100] = "";
	int fd;

	if (!may_fail(mkdir(PLACE, 0755)) || !may_fail(mkdir(PLACE "/m", 0755)))
		return;
	if (!may_fail(mount("none", PLACE "/m", "tmpfs", 0, "size=1m")))
		return;
	if (may_fail(fd = open(PLACE "/m/file", O_RDWR | O_CREAT, 0600)))
		may_fail(write(fd, text, sizeof(text)));
	may_fail(mount(NULL, PLACE "/m", NULL, MS_REMOUNT | MS_RDONLY, "size=2m") == 0 || errno == EBUSY ? 0 : -1);
	close(fd);
	may_fail(umount(PLACE "/m") == 0 || errno == EBUSY ? 0 : -1);
}

/* ---- cases ---- */

static void
sweep_memory(void)
{
	sweep_work(work_memory);
}

static void
sweep_files(void)
{
	sweep_work(work_files);
}

static void
sweep_processes(void)
{
	sweep_work(work_processes);
}

static void
sweep_threads(void)
{
	sweep_work(work_threads);
}

static void
sweep_signals(void)
{
	sweep_work(work_signals);
}

static void
sweep_pipes(void)
{
	sweep_work(work_pipes);
}

static void
sweep_proc(void)
{
	sweep_work(work_proc);
}

static void
sweep_mounts(void)
{
	sweep_work(work_mounts);
}

void role_nth(int argc, char **argv);

/* This program anew, up to its first own step. */
void
role_nth(int argc, char **argv)
{
	(void)argc, (void)argv;
	_exit(nth_left(nth_open()) > 0 ? STATUS_SPARED : 0);
}

static void
sweep_exec(void)
{
	char *argv[] = {(char *)self_path, "--role=nth", NULL};

	sweep(&(struct work){.program = argv});
}

static void
sweep_shell(void)
{
	char *argv[] = {
		"/bin/busybox", "sh", "-c",
		"x=$(echo a | cat); echo $x >/dev/null; read l </proc/self/fail-nth; [ \"$l\" -gt 0 ] && exit 42",
		NULL};

	if (access(argv[0], X_OK) == 0)
		sweep(&(struct work){.program = argv, .any_status = true});
}

const struct test_case failnth_cases[] = {
	{"fail-nth fails one allocation, and then reads 0", fails_once, 0, 0},
	{"fail-nth is of one task: a child begins without", is_of_one_task, 0, 0},
	{"fail-nth takes numbers only", takes_numbers_only, 0, 0},
	{"each allocation fails once: memory", sweep_memory, 0, 0},
	{"each allocation fails once: files", sweep_files, 0, 0},
	{"each allocation fails once: processes", sweep_processes, 0, 0},
	{"each allocation fails once: threads", sweep_threads, 0, CASE_SMP},
	{"each allocation fails once: signals and timers", sweep_signals, 0, 0},
	{"each allocation fails once: pipes, polls and futexes", sweep_pipes, 0, 0},
	{"each allocation fails once: what /proc shows", sweep_proc, 0, 0},
	{"each allocation fails once: mounts", sweep_mounts, 0, 0},
	{"each allocation fails once: a program's start", sweep_exec, 0, 0},
	{"each allocation fails once: a shell and what it starts", sweep_shell, 0, CASE_SMP},
	{0},
};
