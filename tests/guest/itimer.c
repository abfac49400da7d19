/* SPDX-License-Identifier: MIT */
/*
 * tests/guest/itimer.c - alarm, the three interval timers, and RLIMIT_CPU
 *
 * Idea        a case waits for the signal, never for a time; times are compared only where the clock itself proves them
 * Invariants  see guest.h
 * Follow      to kernel/itimer.c
 */
#include "guest.h"
#include <pthread.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>

static volatile int runs;
static volatile siginfo_t last_info;

static void
note_info(int sig, siginfo_t *info, void *context)
{
	(void)sig;
	(void)context;
	last_info = *info;
	runs++;
}

static void
handle(int sig)
{
	struct sigaction action = {.sa_sigaction = note_info, .sa_flags = SA_SIGINFO | SA_RESTART};

	check(sigaction(sig, &action, NULL) == 0);
}

static long
us(const struct timeval *t)
{
	return t->tv_sec * 1000000 + t->tv_usec;
}

static long
now_us(clockid_t clock)
{
	struct timespec t;

	check(clock_gettime(clock, &t) == 0);
	return t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

static void
set(int which, long value, long interval)
{
	struct itimerval new = {.it_value = {value / 1000000, value % 1000000},
				.it_interval = {interval / 1000000, interval % 1000000}};

	check(setitimer(which, &new, NULL) == 0);
}

static long
left(int which)
{
	struct itimerval now;

	check(getitimer(which, &now) == 0);
	return us(&now.it_value);
}

/* Why not alarm(): musl makes it of setitimer(). */
static unsigned int
raw_alarm(unsigned int seconds)
{
	return syscall(SYS_alarm, seconds);
}

static void
alarm_remaining(void)
{
	check(raw_alarm(100) == 0);
	unsigned int rest = raw_alarm(50);
	check(rest == 100 || rest == 99);
	check(left(ITIMER_REAL) > 40000000 && left(ITIMER_REAL) <= 50000000);
	rest = raw_alarm(0);
	check(rest == 50 || rest == 49);
	check(raw_alarm(0) == 0 && left(ITIMER_REAL) == 0);
	set(ITIMER_REAL, 400000, 0);
	check(raw_alarm(0) == 1);
}

static void
alarm_kills(void)
{
	set(ITIMER_REAL, 1000, 0);
	for (;;)
		pause();
}

static void
real_fires(void)
{
	sigset_t none;
	sigset_t alarm_only;

	sigemptyset(&none);
	sigemptyset(&alarm_only);
	sigaddset(&alarm_only, SIGALRM);
	check(sigprocmask(SIG_BLOCK, &alarm_only, NULL) == 0);
	handle(SIGALRM);
	long before = now_us(CLOCK_MONOTONIC);
	set(ITIMER_REAL, 20000, 0);
	check(left(ITIMER_REAL) > 0 && left(ITIMER_REAL) <= 20000);
	check_errno(sigsuspend(&none), EINTR);
	check(now_us(CLOCK_MONOTONIC) - before >= 20000);
	check(runs == 1 && last_info.si_signo == SIGALRM && last_info.si_code == SI_KERNEL);
	check(left(ITIMER_REAL) == 0);
}

/* It also finds a program that never enters the kernel. */
static void
real_interrupts_loop(void)
{
	handle(SIGALRM);
	set(ITIMER_REAL, 5000, 0);
	while (!runs)
		;
	check(runs == 1);
}

static void
real_periodic(void)
{
	struct itimerval now;

	handle(SIGALRM);
	long before = now_us(CLOCK_MONOTONIC);
	set(ITIMER_REAL, 3000, 2000);
	check(getitimer(ITIMER_REAL, &now) == 0 && us(&now.it_interval) == 2000);
	while (runs < 10)
		;
	check(now_us(CLOCK_MONOTONIC) - before >= 3000 + 9 * 2000);
	set(ITIMER_REAL, 0, 0);
	int after = runs;
	usleep(10000);
	check(runs == after);
	check(getitimer(ITIMER_REAL, &now) == 0 && us(&now.it_interval) == 0 && us(&now.it_value) == 0);
}

/* An interval of a microsecond with the signal blocked costs nothing: the next round begins when it is taken. */
static void
real_shortest(void)
{
	sigset_t set_alarm;
	sigset_t pending;

	handle(SIGALRM);
	sigemptyset(&set_alarm);
	sigaddset(&set_alarm, SIGALRM);
	check(sigprocmask(SIG_BLOCK, &set_alarm, NULL) == 0);
	set(ITIMER_REAL, 1, 1);
	do
		check(sigpending(&pending) == 0);
	while (!sigismember(&pending, SIGALRM));
	usleep(2000);
	check(sigprocmask(SIG_UNBLOCK, &set_alarm, NULL) == 0);
	while (runs < 200)
		;
	set(ITIMER_REAL, 0, 0);
}

static void
waits_with_sigwait(void)
{
	sigset_t set_alarm;
	siginfo_t info;

	sigemptyset(&set_alarm);
	sigaddset(&set_alarm, SIGALRM);
	check(sigprocmask(SIG_BLOCK, &set_alarm, NULL) == 0);
	set(ITIMER_REAL, 1000, 1000);
	for (int i = 0; i < 10; i++)
		check(sigwaitinfo(&set_alarm, &info) == SIGALRM);
	set(ITIMER_REAL, 0, 0);
}

static void
fork_resets(void)
{
	int status;

	set(ITIMER_REAL, 500000000, 1000);
	set(ITIMER_PROF, 500000000, 0);
	pid_t pid = fork();
	if (pid == 0)
		_exit(left(ITIMER_REAL) != 0 || left(ITIMER_PROF) != 0);
	check(waitpid(pid, &status, 0) == pid && status == 0);
	check(left(ITIMER_REAL) > 0 && left(ITIMER_PROF) > 0);
}

static void
exec_keeps(void)
{
	set(ITIMER_REAL, 1000, 0);
	sigset_t set_alarm;
	sigemptyset(&set_alarm);
	sigaddset(&set_alarm, SIGALRM);
	check(sigprocmask(SIG_BLOCK, &set_alarm, NULL) == 0);
	execl(self_path, self_path, "--role=await_alarm", NULL);
}

void role_await_alarm(int argc, char **argv);

void
role_await_alarm(int argc, char **argv)
{
	sigset_t none;

	(void)argc;
	(void)argv;
	sigemptyset(&none);
	sigsuspend(&none);
}

static void
bad_arguments(void)
{
	struct itimerval v = {.it_value.tv_usec = 1000000};

	check_errno(setitimer(ITIMER_REAL, &v, NULL), EINVAL);
	v.it_value.tv_usec = -1;
	check_errno(setitimer(ITIMER_REAL, &v, NULL), EINVAL);
	v.it_value.tv_usec = 0;
	v.it_value.tv_sec = -1;
	check_errno(setitimer(ITIMER_REAL, &v, NULL), EINVAL);
	v.it_value.tv_sec = 0;
	check_errno(setitimer(3, &v, NULL), EINVAL);
	check_errno(getitimer(-1, &v), EINVAL);
	check_errno(syscall(SYS_setitimer, ITIMER_REAL, (void *)8, NULL), EFAULT);
	check_errno(syscall(SYS_getitimer, ITIMER_REAL, (void *)8), EFAULT);
	v.it_value.tv_sec = 0x7fffffffffffffff;
	check(setitimer(ITIMER_REAL, &v, NULL) == 0 && left(ITIMER_REAL) > 1000000000L);
	check(syscall(SYS_setitimer, ITIMER_REAL, NULL, &v) == 0 && left(ITIMER_REAL) == 0);
}

static void *
burns(void *arg)
{
	while (!*(volatile int *)arg)
		;
	return arg;
}

static void
prof_counts_all(void)
{
	pthread_t thread;

	handle(SIGPROF);
	check(pthread_create(&thread, NULL, burns, (void *)&runs) == 0);
	set(ITIMER_PROF, 50000, 0);
	burns((void *)&runs);
	check(pthread_join(thread, NULL) == 0);
	check(runs == 1 && last_info.si_signo == SIGPROF && now_us(CLOCK_PROCESS_CPUTIME_ID) >= 50000);
	check(left(ITIMER_PROF) == 0);
}

static void
virtual_fires(void)
{
	struct rusage usage;

	handle(SIGVTALRM);
	set(ITIMER_VIRTUAL, 20000, 10000);
	long first = left(ITIMER_VIRTUAL);
	check(first > 0 && first <= 30000); /* Linux adds a tick */
	while (runs < 3)
		;
	set(ITIMER_VIRTUAL, 0, 0);
	check(getrusage(RUSAGE_SELF, &usage) == 0 && us(&usage.ru_utime) >= 20000);
}

/* Whoever sleeps uses no CPU time. */
static void
sleep_is_free(void)
{
	handle(SIGPROF);
	set(ITIMER_PROF, 400000, 0);
	long before = left(ITIMER_PROF);
	usleep(500000);
	check(runs == 0 && left(ITIMER_PROF) > 0 && left(ITIMER_PROF) <= before);
}

static void
cpu_limit(void)
{
	struct rlimit limit = {1, 2};

	handle(SIGXCPU);
	check(setrlimit(RLIMIT_CPU, &limit) == 0);
	while (!runs)
		;
	check(now_us(CLOCK_PROCESS_CPUTIME_ID) >= 1000000);
	for (;;)
		;
}

static void
cpu_limit_kills(void)
{
	struct rlimit limit = {1, RLIM_INFINITY};

	check(setrlimit(RLIMIT_CPU, &limit) == 0);
	for (;;)
		;
}

static void
file_limit(void)
{
	struct rlimit limit = {PAGE, PAGE};
	static char bytes[2 * PAGE];

	handle(SIGXFSZ);
	int fd = file_make("/tmp/itimer-limit", 0);
	check(unlink("/tmp/itimer-limit") == 0);
	check(setrlimit(RLIMIT_FSIZE, &limit) == 0);
	check(write(fd, bytes, sizeof(bytes)) == PAGE && runs == 0);
	check_errno(write(fd, bytes, 1), EFBIG);
	check(runs == 1 && last_info.si_signo == SIGXFSZ);
	check_errno(ftruncate(fd, PAGE + 1), EFBIG);
	check(runs == 2);
}

/* A timer that fires while its process ends. */
static void
ends_while_armed(void *arg)
{
	handle(SIGALRM);
	set(ITIMER_REAL, (intptr_t)arg, 1);
	if ((intptr_t)arg % 3 == 0)
		burns((void *)&runs);
}

static void
race_with_exit(void)
{
	for (intptr_t i = 1; i <= 300; i++)
		check(child_run(ends_while_armed, (void *)i) == 0);
}

const struct test_case itimer_cases[] = {
	{"alarm returns what was left of the old one", alarm_remaining, 0, 0},
	{"SIGALRM without a handler kills", alarm_kills, SIGALRM, 0},
	{"ITIMER_REAL fires once, not early, and comes from the kernel", real_fires, 0, 0},
	{"it interrupts a loop that never calls the kernel", real_interrupts_loop, 0, CASE_SMP},
	{"a periodic one fires again and again until it is turned off", real_periodic, 0, CASE_SMP},
	{"an interval of a microsecond harms nobody", real_shortest, 0, CASE_SMP},
	{"sigwaitinfo takes a periodic one", waits_with_sigwait, 0, 0},
	{"a child has no timers", fork_resets, 0, 0},
	{"a new program keeps them", exec_keeps, SIGALRM, 0},
	{"bad arguments have their errno", bad_arguments, 0, 0},
	{"ITIMER_PROF counts the CPU time of all threads", prof_counts_all, 0, CASE_SMP},
	{"ITIMER_VIRTUAL counts user time", virtual_fires, 0, 0},
	{"a process that sleeps comes no nearer to ITIMER_PROF", sleep_is_free, 0, 0},
	{"RLIMIT_CPU: SIGXCPU at the soft limit, SIGKILL at the hard one", cpu_limit, SIGKILL, 0},
	{"SIGXCPU without a handler kills", cpu_limit_kills, SIGXCPU, 0},
	{"RLIMIT_FSIZE: SIGXFSZ and EFBIG", file_limit, 0, 0},
	{"three hundred processes end while a timer fires", race_with_exit, 0, CASE_SMP},
	{0},
};
