/* SPDX-License-Identifier: MIT */
/*
 * tests/guest/cputime.c - where CPU time goes: user, system, children, threads, each CPU
 *
 * Idea        Work is measured out by the CPU-time clocks themselves, never by the time of day; so a slow or busy host
 *             changes nothing. Shares have wide margins: Linux and Tidemark sample them.
 * Invariants  see guest.h
 * Follow      to kernel/cputime.c, kernel/sys_info.c, kernel/sys_time.c
 */
#include "guest.h"
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/times.h>
#include <time.h>

enum {
	MS = 1000000,
	WORK_MS = 400, /* a hundred samples */
	SLACK_NS = 100 * MS
};

static int64_t
clock_now(clockid_t clock)
{
	struct timespec t;

	check(clock_gettime(clock, &t) == 0);
	return t.tv_sec * 1000000000L + t.tv_nsec;
}

static int64_t
ns_of(struct timeval t)
{
	return (t.tv_sec * 1000000L + t.tv_usec) * 1000;
}

static void
spin(clockid_t clock, int64_t ns)
{
	int64_t end = clock_now(clock) + ns;

	while (clock_now(clock) < end)
		for (volatile int i = 0; i < 100000; i++)
			;
}

/* Nearly all of it in the kernel: 256 KiB of zeroes at a time. */
static void
call(clockid_t clock, int64_t ns)
{
	static char buffer[256 << 10];
	int64_t end = clock_now(clock) + ns;
	int fd = open("/dev/zero", O_RDONLY);

	check(fd >= 0);
	while (clock_now(clock) < end)
		for (int i = 0; i < 20; i++)
			check(read(fd, buffer, sizeof(buffer)) == sizeof(buffer));
	close(fd);
}

static void
spins(void *arg)
{
	spin(CLOCK_PROCESS_CPUTIME_ID, (intptr_t)arg * MS);
}

static void
calls(void *arg)
{
	call(CLOCK_PROCESS_CPUTIME_ID, (intptr_t)arg * MS);
}

static struct rusage
usage_of(int whom)
{
	struct rusage usage;

	check(getrusage(whom, &usage) == 0);
	return usage;
}

static void
user_time(void)
{
	spin(CLOCK_PROCESS_CPUTIME_ID, WORK_MS * MS);
	struct rusage u = usage_of(RUSAGE_SELF);
	if (ns_of(u.ru_utime) < 3 * ns_of(u.ru_stime))
		fail("%ld ms user and %ld ms system", ns_of(u.ru_utime) / MS, ns_of(u.ru_stime) / MS);
}

static void
system_time(void)
{
	call(CLOCK_PROCESS_CPUTIME_ID, WORK_MS * MS);
	struct rusage u = usage_of(RUSAGE_SELF);
	if (ns_of(u.ru_stime) < ns_of(u.ru_utime))
		fail("%ld ms user and %ld ms system", ns_of(u.ru_utime) / MS, ns_of(u.ru_stime) / MS);
}

static void
adds_up(void)
{
	call(CLOCK_PROCESS_CPUTIME_ID, 50 * MS);
	spin(CLOCK_PROCESS_CPUTIME_ID, 50 * MS);
	int64_t before = clock_now(CLOCK_PROCESS_CPUTIME_ID);
	struct rusage u = usage_of(RUSAGE_SELF);
	int64_t after = clock_now(CLOCK_PROCESS_CPUTIME_ID);
	int64_t sum = ns_of(u.ru_utime) + ns_of(u.ru_stime);
	if (sum < before - SLACK_NS || sum > after + SLACK_NS)
		fail("user and system are %ld us, the clock says %ld to %ld us", sum / 1000, before / 1000,
		     after / 1000);
}

static void
never_back(void)
{
	struct rusage last = usage_of(RUSAGE_SELF);

	for (int i = 0; i < 400; i++) {
		if (i % 2)
			spin(CLOCK_PROCESS_CPUTIME_ID, MS / 2);
		else
			call(CLOCK_PROCESS_CPUTIME_ID, MS / 2);
		struct rusage now = usage_of(RUSAGE_SELF);
		check(ns_of(now.ru_utime) >= ns_of(last.ru_utime) && ns_of(now.ru_stime) >= ns_of(last.ru_stime));
		last = now;
	}
}

static void
children_counted_when_waited_for(void)
{
	struct rusage none = usage_of(RUSAGE_CHILDREN);
	struct rusage own;
	int status;

	check(ns_of(none.ru_utime) + ns_of(none.ru_stime) == 0);
	pid_t pid = child_start(spins, (void *)WORK_MS);
	siginfo_t info;
	check(waitid(P_PID, pid, &info, WEXITED | WNOWAIT) == 0);
	none = usage_of(RUSAGE_CHILDREN);
	check(ns_of(none.ru_utime) + ns_of(none.ru_stime) == 0);
	check(wait4(pid, &status, 0, &own) == pid && status == 0);
	struct rusage children = usage_of(RUSAGE_CHILDREN);
	check(ns_of(own.ru_utime) + ns_of(own.ru_stime) >= (WORK_MS - 20) * MS);
	check(ns_of(children.ru_utime) == ns_of(own.ru_utime) && ns_of(children.ru_stime) == ns_of(own.ru_stime));
	check(ns_of(own.ru_utime) > ns_of(own.ru_stime));
}

static void
times_agree(void)
{
	long hz = sysconf(_SC_CLK_TCK);
	struct tms t;

	child_must_live(calls, (void *)WORK_MS);
	spin(CLOCK_PROCESS_CPUTIME_ID, WORK_MS * MS);
	check(times(&t) != -1);
	struct rusage self = usage_of(RUSAGE_SELF);
	struct rusage children = usage_of(RUSAGE_CHILDREN);
	int64_t tick = 1000000000 / hz;
	check(t.tms_utime <= ns_of(self.ru_utime) / tick && t.tms_utime + 20 >= ns_of(self.ru_utime) / tick);
	check(t.tms_cutime == ns_of(children.ru_utime) / tick);
	check(t.tms_cstime == ns_of(children.ru_stime) / tick);
	check(t.tms_cstime > t.tms_cutime);
	check(t.tms_utime > t.tms_stime);
}

static volatile int thread_done;
static struct rusage thread_usage;

static void *
spins_as_thread(void *arg)
{
	spin(CLOCK_THREAD_CPUTIME_ID, WORK_MS * MS);
	thread_usage = usage_of(RUSAGE_THREAD);
	announce(&thread_done);
	return arg;
}

static void
threads_apart(void)
{
	pthread_t thread;

	check(pthread_create(&thread, NULL, spins_as_thread, NULL) == 0);
	check(pthread_join(thread, NULL) == 0);
	struct rusage own = usage_of(RUSAGE_THREAD);
	struct rusage all = usage_of(RUSAGE_SELF);
	int64_t own_ns = ns_of(own.ru_utime) + ns_of(own.ru_stime);
	int64_t all_ns = ns_of(all.ru_utime) + ns_of(all.ru_stime);
	check(thread_done && ns_of(thread_usage.ru_utime) > ns_of(thread_usage.ru_stime));
	check(all_ns >= (WORK_MS - 20) * MS);
	if (own_ns > all_ns / 2)
		fail("the thread that waits has used %ld of %ld ms", own_ns / MS, all_ns / MS);
}

static void
sleep_costs_nothing(void)
{
	int64_t thread = clock_now(CLOCK_THREAD_CPUTIME_ID);
	int64_t process = clock_now(CLOCK_PROCESS_CPUTIME_ID);

	check(nanosleep(&(struct timespec){.tv_nsec = 300 * MS}, NULL) == 0);
	check(clock_now(CLOCK_THREAD_CPUTIME_ID) - thread < 200 * MS);
	check(clock_now(CLOCK_PROCESS_CPUTIME_ID) - process < 200 * MS);
}

/*
 * A sleep may be over before it has begun, on a slow machine: it is no switch then. But no sleep is more than one or
 * two.
 */
static void
switches_counted(void)
{
	long first = usage_of(RUSAGE_SELF).ru_nvcsw;
	long asleep = 0;
	int sleeps = 0;

	while (asleep < 30) {
		check(nanosleep(&(struct timespec){.tv_nsec = MS}, NULL) == 0);
		sleeps++;
		asleep = usage_of(RUSAGE_SELF).ru_nvcsw - first;
		if (asleep > 2 * sleeps)
			fail("%d sleeps are %ld voluntary switches", sleeps, asleep);
	}
}

static void
usage_errors(void)
{
	struct rusage u;

	check_errno(getrusage(2, &u), EINVAL);
	check_errno(getrusage(-2, &u), EINVAL);
	check_errno(syscall(SYS_getrusage, RUSAGE_SELF, 16), EFAULT);
	check_errno(syscall(SYS_times, 16), EFAULT);
	check(syscall(SYS_times, 0) > 0);
}

/* A structure full of ones must come back without any: no field is left as it was. */
static void
every_field_is_written(void)
{
	struct rusage u;

	memset(&u, 0xff, sizeof(u));
	check(syscall(SYS_getrusage, RUSAGE_SELF, &u) == 0);
	check(u.ru_ixrss == 0 && u.ru_idrss == 0 && u.ru_isrss == 0 && u.ru_nswap == 0);
	check(u.ru_msgsnd == 0 && u.ru_msgrcv == 0 && u.ru_nsignals == 0);
	check(u.ru_maxrss > 0 && u.ru_minflt > 0);
}

static unsigned long
machine_ticks(int field)
{
	unsigned long v[4];
	FILE *f = fopen("/proc/stat", "r");

	check(f && fscanf(f, "cpu %lu %lu %lu %lu", &v[0], &v[1], &v[2], &v[3]) == 4);
	fclose(f);
	return v[field];
}

static void
machine_total(void)
{
	unsigned long user = machine_ticks(0);

	spin(CLOCK_PROCESS_CPUTIME_ID, WORK_MS * MS);
	unsigned long grown = machine_ticks(0) - user;
	if (grown < WORK_MS / 10 / 2)
		fail("%d ms of work are %lu ticks of user time in /proc/stat", WORK_MS, grown);
}

const struct test_case cputime_cases[] = {
	{"a loop in a program is user time", user_time, 0, 0},
	{"reading zeroes is system time", system_time, 0, 0},
	{"user and system time add up to what the clock of CPU time says", adds_up, 0, 0},
	{"neither user nor system time ever goes back", never_back, 0, 0},
	{"a child's time counts when it has been waited for", children_counted_when_waited_for, 0, 0},
	{"times tells what getrusage tells, in ticks", times_agree, 0, 0},
	{"threads have times of their own", threads_apart, 0, CASE_SMP},
	{"sleeping uses no CPU time", sleep_costs_nothing, 0, 0},
	{"sleeps are voluntary switches", switches_counted, 0, 0},
	{"getrusage and times give Linux's errno for each misuse", usage_errors, 0, 0},
	{"getrusage writes every field", every_field_is_written, 0, 0},
	{"the machine's user time in /proc/stat grows by the work done", machine_total, 0, 0},
	{0},
};
