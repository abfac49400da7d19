/* SPDX-License-Identifier: MIT */
/*
 * tests/guest/main.c - runs the cases one after another and keeps the ledger
 *
 * Idea        guest-tests [WORD...]: each word is the name of a group, "smp" for the cases that say more on several
 *             processors, "from=N" to go on at case N, "torture" to turn /dev/vda on as swap during each case, or
 *             "list". Without words all run. Every case runs in a process
 *             of its own, and the verdict is its end. Then, on Tidemark, /proc/mm_check makes the kernel prove its
 *             invariants and count what it has handed out: each number must be what it was before the case.
 * Invariants  a case's number depends on nothing but the list
 * Follow      from test_guest.py, which reads the lines   to guest.h, the files of cases
 */
#include "guest.h"
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/stat.h>
#include <sys/swap.h>
#include <sys/sysmacros.h>
#include <time.h>

enum {
	LEDGER_SIZE = 2048,
	LEDGER_TRIES = 100,
	REASON_SIZE = 512,
	STACK_ROOM = 128 * 1024 /* more than this process ever needs */
};

struct selection {
	const char *group[32]; /* none: all groups */
	int groups;
	int from;
	bool smp;
	bool torture;
	bool list;
};

struct tally {
	int number;
	int passed;
	int failed;
};

/* terminal, jobs, waiting for several files */
extern const struct test_case tty_cases[], jobs_cases[], poll_cases[], fifo_cases[];

extern const struct test_case basics_cases[], fault_cases[], cow_cases[], unshare_cases[], mmap_cases[],
	protect_cases[], brk_cases[], stack_cases[], proc_cases[], wait_cases[], thread_cases[], futex_cases[],
	exec_cases[], elf_cases[], cpu_cases[], trap_cases[], file_cases[], pipe_cases[], time_cases[], wild_cases[],
	fs_cases[], random_cases[], exhaust_cases[];
/* out of memory */
extern const struct test_case oom_cases[], oom_report_cases[], oom_gone_cases[], oom_stuck_cases[];
extern const struct test_case oom_panic_cases[], oom_compulsory_cases[], oom_nobody_cases[];
/* mappings that move, merge and end at limits */
extern const struct test_case mremap_cases[], vma_merge_cases[], limits_cases[], aslr_cases[], mmap_errno_cases[],
	overcommit_cases[];

/* files */
extern const struct test_case names_cases[], statx_cases[], sendfile_cases[], fallocate_cases[], memfd_cases[],
	trace_cases[], mount_cases[], sysfs_cases[], openflags_cases[], locks_cases[];

extern const struct test_case cputime_cases[], clone_cases[], futex_more_cases[], robust_cases[], membarrier_cases[],
	affinity_cases[], nice_cases[], ids_cases[], prctl_cases[], rlimits_cases[], uname_cases[], clocks_cases[],
	vdso_cases[];

/* advice about memory, and memory that stays */
extern const struct test_case madvise_cases[], mincore_cases[], mlock_cases[], procvm_cases[], truncate_cases[];

/* machines with disks */
extern const struct test_case disk_cases[], disk_error_cases[], disk_lost_cases[], swap_cases[], swapcache_cases[],
	tmpswap_cases[];
extern const struct test_case vmscan_cases[], evict_cases[], lazyfree_cases[];
extern const struct test_case swapfail_cases[], swapsmaps_cases[], interrupts_cases[];
extern const struct test_case failswap_cases[], swappart_cases[], swapslow_cases[], swaprace_cases[];
extern const struct test_case failnth_cases[];
/* signals */
extern const struct test_case signal_cases[], signal_frame_cases[], signal_rt_cases[], signal_restart_cases[],
	signal_stop_cases[], itimer_cases[];

/* what the kernel tells */
extern const struct test_case proc_pid_cases[], proc_maps_cases[], proc_smaps_cases[], proc_pagemap_cases[],
	proc_sys_cases[], proc_mem_cases[], sysctl_cases[], kmsg_cases[], proc_tools_cases[];

/* programs as they come, and what they may see */
extern const struct test_case programs_cases[], isolation_cases[], calls_cases[];

static const struct test_group groups[] = {
	/* terminal, jobs, waiting for several files */
	{"tty", tty_cases},
	{"jobs", jobs_cases},
	{"poll", poll_cases},
	{"fifo", fifo_cases},
	/* processes and their memory */
	{"basics", basics_cases},
	{"fault", fault_cases},
	{"cow", cow_cases},
	{"unshare", unshare_cases},
	{"mmap", mmap_cases},
	{"protect", protect_cases},
	{"brk", brk_cases},
	{"stack", stack_cases},
	{"proc", proc_cases},
	{"wait", wait_cases},
	{"thread", thread_cases},
	{"futex", futex_cases},
	{"exec", exec_cases},
	{"elf", elf_cases},
	{"cpu", cpu_cases},
	{"trap", trap_cases},
	{"file", file_cases},
	{"pipe", pipe_cases},
	{"time", time_cases},
	{"wild", wild_cases},
	{"fs", fs_cases},
	{"random", random_cases},
	/* mappings that move, merge and end at limits */
	{"mremap", mremap_cases},
	{"vma_merge", vma_merge_cases},
	{"limits", limits_cases},
	{"aslr", aslr_cases},
	{"mmap_errno", mmap_errno_cases},
	{"overcommit", overcommit_cases},
	/* files */
	{"names", names_cases},
	{"statx", statx_cases},
	{"sendfile", sendfile_cases},
	{"fallocate", fallocate_cases},
	{"memfd", memfd_cases},
	{"trace", trace_cases},
	{"mount", mount_cases},
	{"sysfs", sysfs_cases},
	{"openflags", openflags_cases},
	{"locks", locks_cases},
	/* threads and time */
	{"cputime", cputime_cases},
	{"clone", clone_cases},
	{"futex_more", futex_more_cases},
	{"robust", robust_cases},
	{"membarrier", membarrier_cases},
	{"affinity", affinity_cases},
	{"nice", nice_cases},
	{"ids", ids_cases},
	{"prctl", prctl_cases},
	{"rlimits", rlimits_cases},
	{"uname", uname_cases},
	{"clocks", clocks_cases},
	{"vdso", vdso_cases},
	/* advice about memory, and memory that stays */
	{"madvise", madvise_cases},
	{"mincore", mincore_cases},
	{"mlock", mlock_cases},
	{"procvm", procvm_cases},
	{"truncate", truncate_cases},
	/* machines with disks */
	{"disk", disk_cases},
	{"interrupts", interrupts_cases},
	{"disk_error", disk_error_cases},
	{"disk_lost", disk_lost_cases},
	{"swap", swap_cases},
	{"swaprace", swaprace_cases},
	{"swapcache", swapcache_cases},
	{"swapsmaps", swapsmaps_cases},
	{"tmpswap", tmpswap_cases},
	{"vmscan", vmscan_cases},
	{"evict", evict_cases},
	{"swapfail", swapfail_cases},
	{"failswap", failswap_cases},
	{"swappart", swappart_cases},
	{"swapslow", swapslow_cases},
	{"lazyfree", lazyfree_cases},
	/* signals */
	{"signal", signal_cases},
	{"signal_frame", signal_frame_cases},
	{"signal_rt", signal_rt_cases},
	{"signal_restart", signal_restart_cases},
	{"signal_stop", signal_stop_cases},
	{"itimer", itimer_cases},
	/* what the kernel tells */
	{"proc_pid", proc_pid_cases},
	{"proc_maps", proc_maps_cases},
	{"proc_smaps", proc_smaps_cases},
	{"proc_pagemap", proc_pagemap_cases},
	/* programs as they come, and what they may see */
	{"programs", programs_cases},
	{"isolation", isolation_cases},
	{"calls", calls_cases},
	{"proc_sys", proc_sys_cases},
	{"proc_mem", proc_mem_cases},
	{"sysctl", sysctl_cases},
	{"kmsg", kmsg_cases},
	{"proc_tools", proc_tools_cases},
	/* each allocation may fail */
	{"failnth", failnth_cases},
	/* last: takes all memory */
	{"oom", oom_cases},
	{"oom_report", oom_report_cases},
	{"oom_gone", oom_gone_cases},
	{"oom_panic", oom_panic_cases},
	{"oom_compulsory", oom_compulsory_cases},
	{"oom_nobody", oom_nobody_cases},
	{"oom_stuck", oom_stuck_cases},
	{"exhaust", exhaust_cases},
};

/* Judges what all others have done: runs after them. */
extern const struct test_case abi_cases[];
static const struct test_group last_group = {"abi", abi_cases};

static void selection_read(struct selection *s, int argc, char **argv);
static bool group_exists(const char *name);
static bool selection_has(const struct selection *s, const struct test_group *g, const struct test_case *c, int number);
static void group_run(const struct test_group *g, const struct selection *s, struct tally *tally);
static void case_skip(const struct test_group *g, const struct test_case *c, const struct selection *s, int number);
static void case_run(const struct test_group *g, const struct test_case *c, bool torture, struct tally *tally);
static void areas_off(void);
static const char *swap_turn(bool on);
static long vmstat(const char *name);
static const char *case_verdict(const struct test_case *c, int status);
static void orphans_end(void);
static void ledger_take(void);
static const char *ledger_compare(void);
static bool ledger_read(char *text);
static const char *ledger_difference(const char *before, const char *after);
static void machine_prepare(void);
static void stack_touch(void);

static char *reason;             /* shared: why the case failed */
static char ledger[LEDGER_SIZE]; /* before the case */
const char *self_path = "/init";

static const struct test_case warm_up[] = {{"warm-up", orphans_end, 0, 0}, {0}};

int
main(int argc, char **argv)
{
	struct selection selection = {0};
	struct tally tally = {0};
	const struct test_group first = {"warm-up", warm_up};

	if (role_run(argc, argv))
		return 0;
	selection_read(&selection, argc, argv);
	machine_prepare();
	stack_touch();
	calls_note("", false, false);
	reason = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	/* Why: the first rounds pay for what this process touches in every round; then the ledger means something. */
	for (int i = 0; i < 2 && !selection.list; i++)
		case_verdict(warm_up, child_wait(child_start((void (*)(void *))first.cases->run, NULL)));
	ledger_take();

	for (size_t i = 0; i < sizeof(groups) / sizeof(groups[0]); i++)
		group_run(&groups[i], &selection, &tally);
	group_run(&last_group, &selection, &tally);
	if (selection.torture && !selection.list)
		printf("# torture: %ld pages written, %ld read\n", vmstat("pswpout"), vmstat("pswpin"));
	printf("# done %d passed %d failed\n", tally.passed, tally.failed);
	fflush(stdout);
	if (getpid() == 1)
		reboot(RB_POWER_OFF);
	return tally.failed != 0;
}

/* Why: where the stack begins is chance, and with it how many of its pages a deep call is the first to touch. */
static void
stack_touch(void)
{
	volatile char room[STACK_ROOM];

	for (size_t i = 0; i < sizeof(room); i += PAGE)
		room[i] = 0;
}

static void
selection_read(struct selection *s, int argc, char **argv)
{
	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "smp") == 0)
			s->smp = true;
		else if (strcmp(argv[i], "torture") == 0)
			s->torture = true;
		else if (strcmp(argv[i], "list") == 0)
			s->list = true;
		else if (sscanf(argv[i], "from=%d", &s->from) != 1 && s->groups < 32 && group_exists(argv[i]))
			s->group[s->groups++] = argv[i];
	}
}

/* Other words are none of ours: a kernel hands on what it does not know itself. */
static bool
group_exists(const char *name)
{
	for (size_t i = 0; i < sizeof(groups) / sizeof(groups[0]); i++)
		if (strcmp(name, groups[i].name) == 0)
			return true;
	return strcmp(name, last_group.name) == 0;
}

static bool
selection_has(const struct selection *s, const struct test_group *g, const struct test_case *c, int number)
{
	if (number < s->from || (s->smp && !(c->flags & CASE_SMP)))
		return false;
	for (int i = 0; i < s->groups; i++)
		if (strcmp(s->group[i], g->name) == 0)
			return true;
	return s->groups == 0 && !(c->flags & CASE_NAMED);
}

static void
group_run(const struct test_group *g, const struct selection *s, struct tally *tally)
{
	bool whole = !s->groups && !s->smp && !s->torture && !s->list && s->from <= 1;

	calls_note(g->name, false, whole);
	if (whole)
		ledger_take(); /* what this process itself took for its notes is no case's loss */
	for (const struct test_case *c = g->cases; c->sentence; c++) {
		tally->number++;
		if (!selection_has(s, g, c, tally->number))
			continue;
		if (s->torture && (c->flags & (CASE_STILL | CASE_NO_SWAP)))
			case_skip(g, c, s, tally->number);
		else if (s->list)
			printf("case %d %s - %s\n", tally->number, g->name, c->sentence);
		else
			case_run(g, c, s->torture, tally);
	}
	calls_note(g->name, true, whole);
}

/* Under torture, and says why. */
static void
case_skip(const struct test_group *g, const struct test_case *c, const struct selection *s, int number)
{
	const char *why = c->flags & CASE_STILL ? "it counts faults, or pages in memory, which chance changes"
						: "it is about a border that swap moves away";

	if (!s->list)
		printf("skip %d %s - %s # %s\n", number, g->name, c->sentence, why);
}

static void
case_run(const struct test_group *g, const struct test_case *c, bool torture, struct tally *tally)
{
	char why[REASON_SIZE] = "";

	/* The driver needs this line only when the case ends the machine. */
	printf("run %d %s - %s\n", tally->number, g->name, c->sentence);
	fflush(stdout);
	reason[0] = 0;
	bool swaps = torture && !(c->flags & CASE_NAMED); /* those turn it on themselves */
	const char *loss = swaps ? swap_turn(true) : NULL;
	pid_t pid = fork();
	if (pid == 0) {
		c->run();
		_exit(0);
	}
	const char *verdict = pid < 0 ? "the runner could not fork" : case_verdict(c, child_wait(pid));
	if (verdict)
		snprintf(why, sizeof(why), "%s", verdict);
	orphans_end();
	if (swaps && !loss)
		loss = swap_turn(false);
	if (verdict && c->flags & CASE_NAMED)
		areas_off();
	if (!loss)
		loss = ledger_compare();
	if (loss && !verdict)
		snprintf(why, sizeof(why), "%s", loss);
	if (verdict || loss)
		tally->failed++;
	else
		tally->passed++;
	printf("%s %d %s - %s%s%s\n", verdict || loss ? "not ok" : "ok", tally->number, g->name, c->sentence,
	       verdict || loss ? " # " : "", why);
	fflush(stdout);
}

/* What a case that failed has left on would fail the next ones. */
static void
areas_off(void)
{
	for (char path[] = "/dev/vda"; path[7] <= 'f'; path[7]++)
		swapoff(path);
}

/* Why off before the ledger is read: the pages of this process come back, and all is as it was. */
static const char *
swap_turn(bool on)
{
	if ((on ? swapon("/dev/vda", 0) : swapoff("/dev/vda")) == 0)
		return NULL;
	return on ? "swapon of /dev/vda failed" : "swapoff of /dev/vda failed";
}

/* One number of /proc/vmstat, -1: there is none. */
static long
vmstat(const char *name)
{
	char key[64];
	long value = -1;
	FILE *f = fopen("/proc/vmstat", "r");

	if (!f)
		return -1;
	while (fscanf(f, "%63s %ld", key, &value) == 2 && strcmp(key, name) != 0)
		value = -1;
	fclose(f);
	return value;
}

/* Returns why the case failed, NULL when it passed. */
static const char *
case_verdict(const struct test_case *c, int status)
{
	static char text[REASON_SIZE];
	int signal = WIFSIGNALED(status) ? WTERMSIG(status) : 0;

	if (reason[0])
		return reason;
	if (WIFEXITED(status) && WEXITSTATUS(status) != 0)
		snprintf(text, sizeof(text), "it exited with status %d and gave no reason", WEXITSTATUS(status));
	else if (c->signal && !signal)
		snprintf(text, sizeof(text), "it came to its end and was not killed by signal %d", c->signal);
	else if (signal != c->signal)
		snprintf(text, sizeof(text), "it was killed by signal %d", signal);
	else
		return NULL;
	return text;
}

/* Whatever a case left behind dies; as process 1 this one inherits and buries it. */
static void
orphans_end(void)
{
	int status;

	if (getpid() != 1)
		return;
	kill(-1, SIGKILL);
	while (waitpid(-1, &status, 0) > 0 || errno == EINTR)
		;
}

/* Reads the ledger until two readings agree: nothing is on its way any more. */
static void
ledger_take(void)
{
	static char now[LEDGER_SIZE];
	bool same = false;

	for (int i = 0; i < LEDGER_TRIES && !same; i++) {
		if (i > 0)
			nanosleep(&(struct timespec){.tv_nsec = 2000000}, NULL);
		if (!ledger_read(now))
			return;
		same = strcmp(ledger, now) == 0;
		strcpy(ledger, now);
	}
}

/*
 * Reads the ledger and compares it with that from before the case. What differs may still be on its way: the kernel
 * frees a task's stack only after its last switch, so there are some tries. Returns why it is wrong, else NULL.
 */
static const char *
ledger_compare(void)
{
	static char now[LEDGER_SIZE];
	static char wrong[REASON_SIZE];
	const char *difference = NULL;

	for (int i = 0; i < LEDGER_TRIES; i++) {
		if (!ledger_read(now))
			return NULL;
		if (strstr(now, "FAILED")) {
			snprintf(wrong, sizeof(wrong), "%.*s", (int)strcspn(now, "\n"), now);
			return wrong;
		}
		difference = ledger[0] ? ledger_difference(ledger, now) : NULL;
		if (!difference)
			break;
		nanosleep(&(struct timespec){.tv_nsec = 2000000}, NULL);
	}
	strcpy(ledger, now);
	return difference;
}

/* False on Linux, where there is no such file. */
static bool
ledger_read(char *text)
{
	int fd = open("/proc/mm_check", O_RDONLY);

	if (fd < 0)
		return false;
	ssize_t length = 0;
	ssize_t n;
	while (length < LEDGER_SIZE - 1 && (n = read(fd, text + length, LEDGER_SIZE - 1 - length)) > 0)
		length += n;
	text[length] = 0;
	close(fd);
	return length > 0;
}

/* Both are lines "name number" in the same order. Returns those that differ, NULL when none does. */
static const char *
ledger_difference(const char *before, const char *after)
{
	static char text[REASON_SIZE];
	size_t length = 0;

	while (*before && *after) {
		int b = strcspn(before, "\n");
		int a = strcspn(after, "\n");
		if ((a != b || memcmp(before, after, a) != 0) && length < sizeof(text) - 160)
			length += snprintf(text + length, 160, "%s%.*s, was %.*s", length ? "; " : "ledger: ", a, after,
					   b, before);
		before += b + (before[b] == '\n');
		after += a + (after[a] == '\n');
	}
	return length ? text : NULL;
}

/* On Linux a bare initrd has nothing mounted; on Tidemark all of it is there. */
static void
machine_prepare(void)
{
	if (access("/proc/self", F_OK) < 0) {
		mkdir("/proc", 0755);
		mount("proc", "/proc", "proc", 0, NULL);
	}
	/* Linux's root file system cannot be told from tmpfs by a program; only its device nodes may be missing. */
	if (access("/dev/null", F_OK) < 0)
		mknod("/dev/null", S_IFCHR | 0666, makedev(1, 3));
	if (access("/dev/zero", F_OK) < 0)
		mknod("/dev/zero", S_IFCHR | 0666, makedev(1, 5));
}

void
check_that(bool holds, const char *condition, const char *file, int line)
{
	int error = errno;

	if (!holds)
		fail("%s:%d: %s (errno %d, %s)", file, line, condition, error, strerror(error));
}

void
check_failure(long result, int error, const char *call, const char *file, int line)
{
	if (result == -1 && errno == error)
		return;
	if (result == -1)
		fail("%s:%d: %s gave errno %d (%s), not %d (%s)", file, line, call, errno, strerror(errno), error,
		     strerror(error));
	fail("%s:%d: %s gave %ld, not errno %d (%s)", file, line, call, result, error, strerror(error));
}

/* The first reason counts, from whichever process it comes. */
void
fail(const char *format, ...)
{
	va_list args;

	if (!reason[0]) {
		va_start(args, format);
		vsnprintf(reason, REASON_SIZE, format, args);
		va_end(args);
	}
	_exit(1);
}

void
note(const char *format, ...)
{
	char line[256] = "# ";
	va_list args;

	va_start(args, format);
	int n = 2 + vsnprintf(line + 2, sizeof(line) - 3, format, args);
	va_end(args);
	line[n++] = '\n';
	if (write(1, line, n) != n)
		_exit(1);
}
