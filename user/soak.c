/* SPDX-License-Identifier: MIT */
/*
 * user/soak.c - memory is short for a long time, in every way at once, and afterwards all of it is there
 *
 * Idea        soak [seconds=N] [seed=S] [from=R]: rounds. In each, some workers (user/soak/) fill memory, fork, share,
 *             map, lock, write files, run programs, turn swap areas on and off; meanwhile this supervisor kills some,
 *             tells the OOM killer other preferences, drops caches. What a round does is drawn from (S, R), so `seed`
 *             with `from` begins where another run found something; only who runs when is not repeated. A round ends
 *             when all its workers have ended. Then nothing may be left of it: the kernel proves its invariants
 *             (/proc/mm_check) and its ledger must be that of the beginning, to the unit. The last lines count what
 *             has happened, so that a run in which nothing did can be told.
 *             Of a page that cannot be read one worker dies by SIGBUS, and for each such read the kernel's log has a
 *             line: these are counted as they come, and there must be no SIGBUS without one.
 *             As process 1 (rdinit=/bin/soak) it turns the machine off at the end. Its memory is locked, and
 *             all files of the RAM disk with it: disks that lose pages then take them from workers only.
 * Invariants  none
 * Locks       none
 * Follow      from init.c   to soak/work.c, soak/churn.c
 * Tests       tests/guest/test_soak.py, make soak
 */
#include "soak/soak.h"
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/klog.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/reboot.h>
#include <sys/stat.h>
#include <sys/swap.h>
#include <sys/sysinfo.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum {
	WORKERS_MOST = 10,
	LEDGER_SIZE = 2048,
	LEDGER_TRIES = 200, /* of 10 ms: what differs may still be on its way */
	TELL_SECONDS = 10,
	SYSLOG_CONSOLE_LEVEL = 8, /* syslog(2) */
	LEVEL_URGENT = 2
};

struct worker {
	pid_t pid; /* 0: it has ended */
	const struct work *work;
};

static struct {
	uint64_t rounds, workers, done, gave_up, killed, faults, wrong;
	uint64_t bus, unread; /* deaths by SIGBUS that need a reason; reads of a swap slot that failed */
} tally;

uint64_t *swapoffs;

static int log_fd = -1; /* the kernel's log, from the start of this program on */

static uint64_t seed;
static long seconds = 120;
static uint64_t first_round = 1;
static struct worker worker[WORKERS_MOST];
static char ledger[LEDGER_SIZE];

static void arguments_read(int argc, char **argv);
static void machine_prepare(void);
static int file_keep(const char *path, const struct stat *st, int what, struct FTW *at);
static void rounds_run(void);
static void round_run(uint64_t number);
static void worker_start(struct worker *w, struct chance *c, size_t pages);
static int workers_alive(void);
static void workers_reap(void);
static void worker_judge(const struct worker *w, int status);
static void disturb(struct chance *c);
static void log_follow(void);
static void round_clean(void);
static bool files_leave(void);
static bool area_leaves(const char *path);
static bool ledger_holds(uint64_t number);
static void ledger_read(char *text);
static const char *ledger_difference(const char *now);
static void tell(uint64_t number);
static void tell_totals(void);
static uint64_t vmstat(const char *name);
static long now_seconds(void);
static bool file_write(const char *path, const char *text);

int
main(int argc, char **argv)
{
	if (argc > 1 && strcmp(argv[1], "done") == 0)
		return 0;
	arguments_read(argc, argv);
	machine_prepare();
	rounds_run();
	printf("soak: %s\n", tally.wrong ? "something was WRONG" : "all is as it was at the start, to the unit");
	fflush(stdout);
	if (getpid() == 1)
		reboot(RB_POWER_OFF);
	return tally.wrong != 0;
}

static void
arguments_read(int argc, char **argv)
{
	seed = (uint64_t)time(NULL);
	for (int i = 1; i < argc; i++)
		if (sscanf(argv[i], "seconds=%ld", &seconds) != 1 && sscanf(argv[i], "seed=%lu", &seed) != 1)
			sscanf(argv[i], "from=%lu", &first_round);
	printf("soak: %ld seconds, seed=%lu from=%lu, %d processors\n", seconds, seed, first_round, get_nprocs());
	fflush(stdout);
}

static void
machine_prepare(void)
{
	mkdir(SOAK_DIR, 0755);
	if (access("/proc/self", F_OK) < 0 && mount("proc", "/proc", "proc", 0, NULL) < 0)
		wrong("there is no /proc: %s", strerror(errno));
	swapoffs = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	log_fd = open("/dev/kmsg", O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	if (swapoffs == MAP_FAILED || log_fd < 0 || lseek(log_fd, 0, SEEK_END) < 0)
		wrong("no memory to count in, or no log: %s", strerror(errno));
	mlockall(MCL_CURRENT | MCL_FUTURE);
	nftw("/", file_keep, 8, FTW_MOUNT | FTW_PHYS);
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	file_write("/proc/self/oom_score_adj", "-1000");
	file_write("/proc/sys/vm/drop_caches", "7");
	klogctl(SYSLOG_CONSOLE_LEVEL, NULL, LEVEL_URGENT);
}

/* A program's file stays in memory: it is mapped by who locks all that it maps. */
static int
file_keep(const char *path, const struct stat *st, int what, struct FTW *at)
{
	int fd = what == FTW_F && S_ISREG(st->st_mode) && st->st_size ? open(path, O_RDONLY) : -1;

	(void)at;
	if (fd >= 0 && mmap(NULL, (size_t)st->st_size, PROT_READ, MAP_SHARED, fd, 0) == MAP_FAILED)
		wrong("mmap %s: %s", path, strerror(errno));
	if (fd >= 0)
		close(fd);
	return 0;
}

static void
rounds_run(void)
{
	long end = now_seconds() + seconds, told = now_seconds();
	uint64_t number = first_round;

	/* Why: the first round pays for what the kernel keeps from then on, such as the caches' first slabs. */
	round_run(0);
	ledger_read(ledger);
	ledger_read(ledger);
	for (; now_seconds() < end && !tally.wrong; number++) {
		round_run(number);
		if (tally.wrong || !ledger_holds(number))
			break;
		if (now_seconds() - told >= TELL_SECONDS) {
			told = now_seconds();
			tell(number);
		}
	}
	tell(number);
	log_follow();
	tell_totals();
}

static void
round_run(uint64_t number)
{
	struct chance c = {blend(seed, number)};
	struct sysinfo info;
	char path[] = "/dev/vda";
	int count = 2 + (int)draw(&c, WORKERS_MOST - 1);

	sysinfo(&info);
	size_t pages = info.totalram * info.mem_unit / PAGE;
	if (mount("soak", SOAK_DIR, "tmpfs", 0, "size=25%") < 0)
		wrong("mount: %s", strerror(errno));
	for (int i = 0; i < SWAP_AREAS; i++) {
		path[sizeof(path) - 2] = (char)('a' + i);
		if (draw(&c, 2))
			swapon(path, 0);
	}
	for (int i = 0; i < count; i++)
		worker_start(&worker[i], &c, pages / (1 + draw(&c, 6)));
	while (workers_alive()) {
		nanosleep(&(struct timespec){.tv_nsec = (long)(1 + draw(&c, 30)) * 1000000}, NULL);
		disturb(&c);
		log_follow();
		workers_reap();
	}
	round_clean();
	tally.rounds++;
}

static void
worker_start(struct worker *w, struct chance *c, size_t pages)
{
	struct chance own = {draw(c, ~0UL)};
	int adj = draw(c, 3) ? 0 : (int)draw(c, 1400) - 400;
	char text[16];

	*w = (struct worker){.work = work_draw(c)};
	snprintf(text, sizeof(text), "%d", adj);
	w->pid = fork();
	if (w->pid < 0)
		w->pid = 0; /* no memory: a smaller round */
	else if (w->pid)
		tally.workers++;
	else {
		setpgid(0, 0);
		file_write("/proc/self/oom_score_adj", text);
		w->work->run(&own, pages);
		_exit(END_DONE);
	}
}

static int
workers_alive(void)
{
	int n = 0;

	for (int i = 0; i < WORKERS_MOST; i++)
		n += worker[i].pid != 0;
	return n;
}

/* Buries who has ended, and what ended workers have left behind. */
static void
workers_reap(void)
{
	int status;

	for (pid_t pid; (pid = waitpid(-1, &status, WNOHANG)) > 0;)
		for (int i = 0; i < WORKERS_MOST; i++)
			if (worker[i].pid == pid) {
				worker[i].pid = 0;
				kill(-pid, SIGKILL);
				worker_judge(&worker[i], status);
			}
}

static void
worker_judge(const struct worker *w, int status)
{
	int signal = WIFSIGNALED(status) ? WTERMSIG(status) : 0;

	if (signal == SIGKILL)
		tally.killed++;
	else if (signal == SIGBUS || (signal && w->work->may_fault)) {
		tally.faults++;
		tally.bus += signal == SIGBUS && !w->work->may_fault;
	} else if (!signal && WEXITSTATUS(status) == END_DONE)
		tally.done++;
	else if (!signal && WEXITSTATUS(status) == END_GAVE_UP)
		tally.gave_up++;
	else {
		printf("soak: WRONG: a %s ended with status 0x%x\n", w->work->name, status);
		tally.wrong++;
	}
}

/* Something from outside happens to the workers. */
static void
disturb(struct chance *c)
{
	const struct worker *w = &worker[draw(c, WORKERS_MOST)];
	uint64_t what = draw(c, 40), value = draw(c, 1400);
	char path[64], text[16];

	if (what == 0)
		file_write("/proc/sys/vm/drop_caches", "7");
	if (what == 1)
		file_write("/proc/sysrq-trigger", "f");
	snprintf(text, sizeof(text), "%lu", value % 201);
	if (what == 2)
		file_write("/proc/sys/vm/swappiness", text);
	if (what == 3 && w->pid)
		kill(w->pid, SIGKILL);
	snprintf(path, sizeof(path), "/proc/%d/oom_score_adj", w->pid);
	snprintf(text, sizeof(text), "%d", (int)value - 400);
	if (what >= 4 && what < 10 && w->pid)
		file_write(path, text);
}

/* Counts reads of slots that failed. Of lines that come by the thousand, the next one says how many were left out. */
static void
log_follow(void)
{
	static uint64_t left_out;
	char line[1024];
	ssize_t n;

	while ((n = read(log_fd, line, sizeof(line) - 1)) > 0 || (n < 0 && errno == EPIPE)) {
		char *text;

		if (n < 0) {
			printf("soak: the log was faster than its reader\n");
			continue;
		}
		line[n] = 0;
		text = strchr(line, ';');
		if (text && strstr(text, "Read-error on swap-device"))
			tally.unread += 1 + left_out;
		left_out = 0;
		if (text && strstr(text, " lines like the next one were left out"))
			left_out = strtoul(text + 1, NULL, 10);
	}
}

/* All that a round leaves: orphans, files, swap areas. */
static void
round_clean(void)
{
	char path[] = "/dev/vda";

	while (waitpid(-1, NULL, 0) > 0 || errno == EINTR)
		;
	if (!files_leave())
		wrong("umount: %s", strerror(errno));
	for (int i = 0; i < SWAP_AREAS; i++) {
		path[sizeof(path) - 2] = (char)('a' + i);
		if (!area_leaves(path))
			wrong("swapoff %s, with nobody there: %s", path, strerror(errno));
	}
}

/* Why several times: the last victim's memory, and with it a file that it had mapped, goes after its death is told. */
static bool
files_leave(void)
{
	for (int i = 0; i < LEDGER_TRIES; i++) {
		if (umount(SOAK_DIR) == 0)
			return true;
		if (errno != EBUSY)
			return false;
		nanosleep(&(struct timespec){.tv_nsec = 10000000}, NULL);
	}
	return false;
}

/* Why several times: the kernel may still hold memory of the last victim, and a page of it that cannot be read. */
static bool
area_leaves(const char *path)
{
	for (int i = 0; i < LEDGER_TRIES; i++) {
		if (swapoff(path) == 0 || errno == EINVAL || errno == ENOENT)
			return true;
		nanosleep(&(struct timespec){.tv_nsec = 10000000}, NULL);
	}
	return false;
}

/* Does the kernel find itself sound, and has it handed out as much as at the start? Says what is not so. */
static bool
ledger_holds(uint64_t number)
{
	char now[LEDGER_SIZE];
	const char *difference = NULL;

	for (int i = 0; i < LEDGER_TRIES; i++) {
		ledger_read(now);
		difference = ledger_difference(now);
		if (!difference)
			return true;
		nanosleep(&(struct timespec){.tv_nsec = 10000000}, NULL);
	}
	printf("soak: WRONG: after round %lu the ledger has%s\n", number, difference);
	tally.wrong++;
	return false;
}

/* Without such a file nothing is proved. */
static void
ledger_read(char *text)
{
	int fd = open("/proc/mm_check", O_RDONLY);
	ssize_t length = 0, n;

	while (fd >= 0 && (n = read(fd, text + length, (size_t)(LEDGER_SIZE - 1 - length))) > 0)
		length += n;
	if (length <= 0)
		wrong("/proc/mm_check cannot be read: %s", strerror(errno));
	text[length] = 0;
	close(fd);
}

/* Both are lines "name number" in the same order: all that differ, NULL when none do. */
static const char *
ledger_difference(const char *now)
{
	static char text[LEDGER_SIZE];
	const char *was = ledger;
	int length = 0;

	while (*was && *now) {
		int w = (int)strcspn(was, "\n"), n = (int)strcspn(now, "\n");

		if ((w != n || memcmp(was, now, (size_t)n) != 0) && length < (int)sizeof(text) - 256)
			length += snprintf(text + length, 256, " %.*s, was %.*s;", n, now, w, was);
		was += w + (was[w] == '\n');
		now += n + (now[n] == '\n');
	}
	return length ? text : NULL;
}

static void
tell(uint64_t number)
{
	printf("soak: round %lu: %lu workers: %lu done, %lu gave up, %lu killed, %lu by a fault, %lu wrong\n", number,
	       tally.workers, tally.done, tally.gave_up, tally.killed, tally.faults, tally.wrong);
	fflush(stdout);
}

static void
tell_totals(void)
{
	printf("soak: in all: %lu pieces of work done, %lu kills, %lu pages swapped out, %lu areas turned off in use, "
	       "%lu ended by SIGBUS, %lu slots could not be read\n",
	       tally.done, vmstat("oom_kill"), vmstat("pswpout"), __atomic_load_n(swapoffs, __ATOMIC_RELAXED),
	       tally.bus, tally.unread);
	fflush(stdout);
}

static uint64_t
vmstat(const char *name)
{
	FILE *file = fopen("/proc/vmstat", "r");
	char line[128], found[64];
	uint64_t value, sum = 0;

	while (file && fgets(line, sizeof(line), file))
		if (sscanf(line, "%63s %lu", found, &value) == 2 && strcmp(found, name) == 0)
			sum = value;
	if (file)
		fclose(file);
	return sum;
}

static long
now_seconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec;
}

static bool
file_write(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY);
	bool good = fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text);

	if (fd >= 0)
		close(fd);
	return good;
}

void
give_up(void)
{
	_exit(END_GAVE_UP);
}

void
wrong(const char *format, ...)
{
	char text[300];
	va_list args;

	va_start(args, format);
	int length = snprintf(text, sizeof(text), "soak: WRONG: ");
	length += vsnprintf(text + length, sizeof(text) - (size_t)length - 1, format, args);
	va_end(args);
	if (length > (int)sizeof(text) - 2)
		length = sizeof(text) - 2;
	text[length++] = '\n';
	(void)!write(1, text, (size_t)length);
	tally.wrong++;
	if (getpid() == 1)
		reboot(RB_POWER_OFF);
	_exit(END_WRONG);
}
