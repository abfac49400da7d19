/* SPDX-License-Identifier: MIT */
/*
 * user/sysfuzz.c - calls the kernel with arguments that are nearly right, until it has done so N times
 *
 * Idea        sysfuzz [CALLS] [seed=S] [jobs=J] [only=CALL,CALL] [batch=B] [trace]
 *             This process is the supervisor: it keeps J batches running (two for each processor), each a process
 *             with threads of its own and a directory to play in. A batch that dies is replaced by the next; one that
 *             makes no call for a while waits for something that will not come, and is killed. One that does not even
 *             die of SIGKILL is a kernel that hangs: status 1. What the kernel has left when all is over is for init's
 *             account to say. `seed` with `batch` and `trace` plays one batch again and shows its calls.
 * Invariants  I1  No batch reaches outside: limits, a process group and a directory of its own (worker.c has the rest).
 * Locks       none
 * Follow      from init.c   to sysfuzz/worker.c
 * Tests       tests/guest/test_guest.py (test_sysfuzz)
 */
#include "sysfuzz/sysfuzz.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum {
	JOBS_MAX = 32,
	QUIET_MS = 300,    /* a batch that makes no call for so long is stuck in one, */
	DEATH_MS = 120000, /* and a kernel that cannot kill it within this is as well */
	DIRECTORY_DEPTH = 40
};

#define PLAYGROUND "/tmp/sysfuzz"

struct slot {
	volatile uint64_t *made; /* calls of the batch so far; in memory shared with it, and so a hint */
	pid_t pid;               /* 0: none runs */
	uint64_t batch;
	uint64_t seen;     /* *made when it last moved */
	int64_t moved_ms;  /* when that was */
	int64_t killed_ms; /* 0: not killed */
};

static uint64_t calls_wanted = 100000;
static uint64_t seed;
static int jobs;
static int64_t only_batch = -1;
static bool trace;
static struct slot slots[JOBS_MAX];

static uint64_t calls_made, batches, killed, died;

static void arguments_read(int argc, char **argv);
static void slot_start(struct slot *slot);
static void slot_watch(struct slot *slot);
static void slot_end(struct slot *slot, const siginfo_t *info);
static void directory_enter(const struct slot *slot);
static void directory_clear(int at, const char *name, int depth);
static void orphans_reap(void);
static int64_t now_ms(void);

int
main(int argc, char **argv)
{
	arguments_read(argc, argv);
	uint64_t *made = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	for (int i = 0; i < JOBS_MAX; i++)
		slots[i].made = made + i;
	if (made == MAP_FAILED) {
		perror("sysfuzz");
		return 1;
	}
	/* Why an end: a batch may execute this very program. */
	if (mkdir(PLAYGROUND, 0755) < 0) {
		perror("sysfuzz: " PLAYGROUND);
		return 1;
	}
	printf("sysfuzz: seed=%llu, %llu calls, %d batches at a time\n", (unsigned long long)seed,
	       (unsigned long long)calls_wanted, jobs);
	fflush(stdout);
	for (int running = 1; running || calls_made < calls_wanted;) {
		running = 0;
		for (int i = 0; i < jobs; i++) {
			if (!slots[i].pid && calls_made < calls_wanted)
				slot_start(&slots[i]);
			if (slots[i].pid)
				slot_watch(&slots[i]);
			running += slots[i].pid != 0;
		}
		if (running)
			nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
		orphans_reap();
	}
	directory_clear(AT_FDCWD, PLAYGROUND, 0);
	printf("sysfuzz: %llu calls in %llu batches, %llu were killed, %llu died; done\n",
	       (unsigned long long)calls_made, (unsigned long long)batches, (unsigned long long)killed,
	       (unsigned long long)died);
	return 0;
}

static void
arguments_read(int argc, char **argv)
{
	struct timespec now;
	unsigned long long number;

	calls_choose(NULL);
	clock_gettime(CLOCK_REALTIME, &now);
	seed = now.tv_sec ^ now.tv_nsec;
	jobs = 2 * sysconf(_SC_NPROCESSORS_ONLN);
	for (int i = 1; i < argc; i++) {
		if (sscanf(argv[i], "seed=%llu", &number) == 1)
			seed = number;
		else if (sscanf(argv[i], "jobs=%llu", &number) == 1)
			jobs = number;
		else if (sscanf(argv[i], "batch=%llu", &number) == 1)
			only_batch = number;
		else if (strncmp(argv[i], "only=", 5) == 0)
			calls_choose(argv[i] + 5);
		else if (strcmp(argv[i], "trace") == 0)
			trace = true;
		else if (sscanf(argv[i], "%llu", &number) == 1)
			calls_wanted = number;
		else
			exit(1);
	}
	if (only_batch >= 0)
		calls_wanted = jobs = 1;
	if (jobs < 1 || jobs > JOBS_MAX)
		jobs = JOBS_MAX;
}

static void
slot_start(struct slot *slot)
{
	slot->batch = only_batch >= 0 ? (uint64_t)only_batch : batches;
	*slot->made = slot->seen = 0;
	slot->killed_ms = 0;
	slot->moved_ms = now_ms();
	fflush(stdout);
	pid_t pid = fork();
	if (pid > 0) {
		slot->pid = pid;
		batches++;
	} else if (pid == 0) {
		setpgid(0, 0);
		directory_enter(slot);
		batch_play(slot->made, seed, slot->batch, trace);
	}
}

/* Why WNOWAIT: as long as its leader is a zombie the group's number belongs to nobody else. */
static void
slot_watch(struct slot *slot)
{
	siginfo_t info = {0};
	int64_t now = now_ms();

	if (waitid(P_PID, slot->pid, &info, WEXITED | WNOHANG | WNOWAIT) == 0 && info.si_pid) {
		slot_end(slot, &info);
		return;
	}
	if (slot->seen != *slot->made) {
		slot->seen = *slot->made;
		slot->moved_ms = now;
	}
	if (!slot->killed_ms && now - slot->moved_ms > QUIET_MS) {
		slot->killed_ms = now;
		killed++;
		kill(-slot->pid, SIGKILL);
		kill(slot->pid, SIGKILL);
	}
	if (slot->killed_ms && now - slot->killed_ms > DEATH_MS) {
		printf("sysfuzz: !! batch %llu (process %d) does not die of SIGKILL\n", (unsigned long long)slot->batch,
		       slot->pid);
		exit(1);
	}
}

static void
slot_end(struct slot *slot, const siginfo_t *info)
{
	char name[64];

	kill(-slot->pid, SIGKILL);
	died += !slot->killed_ms && (info->si_code != CLD_EXITED || info->si_status != 0);
	waitpid(slot->pid, NULL, 0);
	calls_made += *slot->made < BATCH_CALLS ? *slot->made : BATCH_CALLS;
	slot->pid = 0;
	snprintf(name, sizeof(name), PLAYGROUND "/%d", (int)(slot - slots));
	directory_clear(AT_FDCWD, name, 0);
}

/* Standard output belongs to the supervisor, and so does the terminal. */
static void
directory_enter(const struct slot *slot)
{
	char name[64];
	int null = open("/dev/null", O_RDWR);

	snprintf(name, sizeof(name), PLAYGROUND "/%d", (int)(slot - slots));
	mkdir(name, 0755);
	if (chdir(name) < 0)
		_exit(0);
	for (int fd = 0; fd < (trace ? 2 : 3) && null >= 0; fd++)
		dup2(null, fd);
}

static void
directory_clear(int at, const char *name, int depth)
{
	int fd = openat(at, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
	DIR *dir = fd >= 0 && depth < DIRECTORY_DEPTH ? fdopendir(fd) : NULL;
	struct dirent *entry;

	if (!dir) {
		if (fd >= 0)
			close(fd);
		unlinkat(at, name, 0);
		return;
	}
	while ((entry = readdir(dir))) {
		if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
			continue;
		directory_clear(dirfd(dir), entry->d_name, depth + 1);
	}
	closedir(dir);
	unlinkat(at, name, AT_REMOVEDIR);
}

/* Processes whose batch has ended come to process 1; to this one when CLONE_PARENT made them. */
static void
orphans_reap(void)
{
	siginfo_t info;

	for (;;) {
		memset(&info, 0, sizeof(info));
		if (waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) < 0 || !info.si_pid)
			return;
		for (int i = 0; i < jobs; i++)
			if (slots[i].pid == info.si_pid)
				return;
		waitpid(info.si_pid, NULL, WNOHANG);
	}
}

static int64_t
now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}
