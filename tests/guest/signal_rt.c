/* SPDX-License-Identifier: MIT */
/*
 * tests/guest/signal_rt.c - signals that queue, and calls that wait for them
 *
 * Idea        order, values, limits; which thread gets what
 * Invariants  see guest.h
 * Follow      to kernel/signal_queue.c, kernel/sys_sigwait.c
 */
#include "guest.h"
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <time.h>

static volatile int runs;
static siginfo_t seen[64];
static volatile pid_t ran_in;

static void
note_info(int sig, siginfo_t *info, void *context)
{
	(void)sig;
	(void)context;
	seen[runs % 64] = *info;
	ran_in = syscall(SYS_gettid);
	runs++;
}

static void
handle(int sig, int flags)
{
	struct sigaction action = {.sa_sigaction = note_info, .sa_flags = flags | SA_SIGINFO};

	sigfillset(&action.sa_mask);
	check(sigaction(sig, &action, NULL) == 0);
}

static sigset_t
set_of(int a, int b)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, a);
	if (b)
		sigaddset(&set, b);
	return set;
}

static void
block(int a, int b)
{
	sigset_t set = set_of(a, b);

	check(sigprocmask(SIG_BLOCK, &set, NULL) == 0);
}

static void
unblock(int a, int b)
{
	sigset_t set = set_of(a, b);

	check(sigprocmask(SIG_UNBLOCK, &set, NULL) == 0);
}

static int
queue(int sig, long value)
{
	return sigqueue(getpid(), sig, (union sigval){.sival_ptr = (void *)value});
}

static void
queue_order(void)
{
	handle(SIGRTMIN, 0);
	handle(SIGRTMIN + 1, 0);
	block(SIGRTMIN, SIGRTMIN + 1);
	for (int i = 0; i < 5; i++) {
		check(queue(SIGRTMIN + 1, 100 + i) == 0);
		check(queue(SIGRTMIN, i) == 0);
	}
	unblock(SIGRTMIN, SIGRTMIN + 1);
	check(runs == 10);
	for (int i = 0; i < 5; i++) {
		check(seen[i].si_signo == SIGRTMIN && (long)seen[i].si_value.sival_ptr == i);
		check(seen[i + 5].si_signo == SIGRTMIN + 1 && (long)seen[i + 5].si_value.sival_ptr == 100 + i);
	}
	check(seen[0].si_code == SI_QUEUE && seen[0].si_pid == getpid() && seen[0].si_uid == getuid());
}

static void
standard_once(void)
{
	handle(SIGUSR1, 0);
	block(SIGUSR1, 0);
	for (int i = 1; i <= 5; i++)
		check(queue(SIGUSR1, i) == 0);
	unblock(SIGUSR1, 0);
	check(runs == 1 && (long)seen[0].si_value.sival_ptr == 1 && seen[0].si_code == SI_QUEUE);
}

static void
limit(void)
{
	struct rlimit none = {0, 0};
	int sent = 0;

	handle(SIGRTMIN, 0);
	handle(SIGUSR1, 0);
	block(SIGRTMIN, SIGUSR1);
	struct rlimit some = {20, 20};
	check(setrlimit(RLIMIT_SIGPENDING, &some) == 0);
	while (sent < 100 && queue(SIGRTMIN, sent) == 0)
		sent++;
	check(sent <= 20 && errno == EAGAIN);
	/* What kill() sends of the standard signals is never refused. */
	check(kill(getpid(), SIGUSR1) == 0);
	unblock(SIGRTMIN, SIGUSR1);
	check(runs == sent + 1);
	runs = 0;
	check(setrlimit(RLIMIT_SIGPENDING, &none) == 0);
	check_errno(queue(SIGRTMIN, 1), EAGAIN);
	check(queue(SIGUSR1, 77) == 0 && runs == 1);
	check(seen[0].si_code == SI_USER && seen[0].si_pid == 0);
	check(kill(getpid(), SIGUSR1) == 0 && runs == 2 && seen[1].si_pid == getpid());
}

static unsigned long
status_word(const char *name, int base)
{
	char line[256];
	unsigned long word = ~0UL;
	FILE *f = fopen("/proc/self/status", "r");

	check(f != NULL);
	while (fgets(line, sizeof(line), f))
		if (strncmp(line, name, strlen(name)) == 0)
			word = strtoul(line + strlen(name), NULL, base);
	fclose(f);
	return word;
}

static void
status_tells(void)
{
	handle(SIGRTMIN, 0);
	block(SIGRTMIN, SIGUSR1);
	unsigned long before = status_word("SigQ:\t", 10);
	for (int i = 0; i < 7; i++)
		check(queue(SIGRTMIN, i) == 0);
	check(kill(getpid(), SIGUSR1) == 0);
	check(status_word("SigQ:\t", 10) == before + 8);
	check(status_word("SigCgt:\t", 16) == 1UL << (SIGRTMIN - 1));
	unsigned long both = 1UL << (SIGRTMIN - 1) | 1UL << (SIGUSR1 - 1);
	check(status_word("SigBlk:\t", 16) == both && status_word("ShdPnd:\t", 16) == both);
	unblock(SIGRTMIN, 0);
	check(runs == 7 && status_word("SigQ:\t", 10) == before + 1);
}

static void
limit_is_given_back(void)
{
	struct rlimit some = {50, 50};

	handle(SIGRTMIN, 0);
	check(setrlimit(RLIMIT_SIGPENDING, &some) == 0);
	for (int i = 0; i < 2000; i++)
		check(queue(SIGRTMIN, i) == 0);
	check(runs == 2000);
}

/* A process that ends with signals pending gives them back; the ledger would show it. */
static void
dies_with_pending(void)
{
	sigset_t set;

	sigfillset(&set);
	check(sigprocmask(SIG_BLOCK, &set, NULL) == 0);
	for (int i = 0; i < 30; i++) {
		check(queue(SIGRTMIN + i % 5, i) == 0);
		check(syscall(SYS_tgkill, getpid(), syscall(SYS_gettid), SIGRTMIN + 10) == 0);
	}
}

static void
queue_permission(void)
{
	siginfo_t info = {.si_code = SI_USER};
	pid_t parent = getpid();
	int status;

	pid_t pid = fork();
	if (pid == 0) {
		if (syscall(SYS_rt_sigqueueinfo, parent, SIGCONT, &info) != -1 || errno != EPERM)
			_exit(1);
		info.si_code = SI_TKILL;
		if (syscall(SYS_rt_sigqueueinfo, parent, SIGCONT, &info) != -1 || errno != EPERM)
			_exit(2);
		info.si_code = SI_QUEUE;
		if (syscall(SYS_rt_sigqueueinfo, parent, 0, &info) != 0)
			_exit(3);
		if (syscall(SYS_rt_sigqueueinfo, 999999, SIGCONT, &info) != -1 || errno != ESRCH)
			_exit(4);
		if (syscall(SYS_rt_sigqueueinfo, parent, 65, &info) != -1 || errno != EINVAL)
			_exit(5);
		if (syscall(SYS_rt_sigqueueinfo, parent, SIGCONT, (void *)8) != -1 || errno != EFAULT)
			_exit(6);
		if (syscall(SYS_rt_tgsigqueueinfo, parent, 0, SIGCONT, &info) != -1 || errno != EINVAL)
			_exit(7);
		_exit(0);
	}
	check(waitpid(pid, &status, 0) == pid && status == 0);
	handle(SIGUSR1, 0);
	info.si_code = SI_USER;
	info.si_pid = 4711;
	check(syscall(SYS_rt_sigqueueinfo, getpid(), SIGUSR1, &info) == 0);
	check(runs == 1 && seen[0].si_pid == 4711 && seen[0].si_signo == SIGUSR1);
}

/* ---- sigtimedwait ---- */

static void
wait_takes(void)
{
	sigset_t set = set_of(SIGRTMIN, SIGUSR1);
	siginfo_t info;
	struct timespec zero = {0};

	block(SIGRTMIN, SIGUSR1);
	check_errno(sigtimedwait(&set, &info, &zero), EAGAIN);
	check(queue(SIGRTMIN, 5) == 0 && queue(SIGRTMIN, 6) == 0 && kill(getpid(), SIGUSR1) == 0);
	check(sigwaitinfo(&set, &info) == SIGUSR1 && info.si_code == SI_USER && info.si_pid == getpid());
	check(sigwaitinfo(&set, &info) == SIGRTMIN && (long)info.si_value.sival_ptr == 5);
	check(sigtimedwait(&set, &info, &zero) == SIGRTMIN && (long)info.si_value.sival_ptr == 6);
	check_errno(sigtimedwait(&set, NULL, &zero), EAGAIN);
}

static void
wait_errors(void)
{
	sigset_t set = set_of(SIGRTMIN, 0);
	struct timespec bad = {.tv_nsec = 1000000000};

	check_errno(sigtimedwait(&set, NULL, &bad), EINVAL);
	check_errno(syscall(SYS_rt_sigtimedwait, &set, NULL, NULL, 16), EINVAL);
	check_errno(syscall(SYS_rt_sigtimedwait, (void *)8, NULL, NULL, 8), EFAULT);
	check_errno(syscall(SYS_rt_sigtimedwait, &set, NULL, (void *)8, 8), EFAULT);
	check_errno(syscall(SYS_rt_sigsuspend, &set, 16), EINVAL);
	check_errno(syscall(SYS_rt_sigsuspend, (void *)8, 8), EFAULT);
	check_errno(syscall(SYS_rt_sigpending, &set, 16), EINVAL);
	check_errno(syscall(SYS_rt_sigpending, (void *)8, 8), EFAULT);
	block(SIGRTMIN, 0);
	check(queue(SIGRTMIN, 1) == 0);
	check_errno(syscall(SYS_rt_sigtimedwait, &set, (void *)8, NULL, 8), EFAULT);
}

static void
wait_times_out(void)
{
	sigset_t set = set_of(SIGRTMIN, 0);
	struct timespec t = {.tv_nsec = 20000000};
	struct timespec before, after;

	block(SIGRTMIN, 0);
	clock_gettime(CLOCK_MONOTONIC, &before);
	check_errno(sigtimedwait(&set, NULL, &t), EAGAIN);
	clock_gettime(CLOCK_MONOTONIC, &after);
	check((after.tv_sec - before.tv_sec) * 1000000000L + after.tv_nsec - before.tv_nsec >= 20000000);
}

static void
sends_later(void *arg)
{
	usleep(5000);
	kill(getppid(), (intptr_t)arg);
}

static void
wait_is_woken(void)
{
	sigset_t set = set_of(SIGUSR1, 0);
	siginfo_t info;

	block(SIGUSR1, 0);
	pid_t pid = child_start(sends_later, (void *)SIGUSR1);
	check(sigwaitinfo(&set, &info) == SIGUSR1 && info.si_pid == pid);
	check(child_wait(pid) == 0);
}

/* SIGCHLD is ignored by default; who waits for it gets it all the same. */
static void
wait_for_ignored(void)
{
	sigset_t set = set_of(SIGCHLD, 0);
	siginfo_t info;

	block(SIGCHLD, 0);
	pid_t pid = child_start(sends_later, (void *)0);
	check(sigwaitinfo(&set, &info) == SIGCHLD && info.si_pid == pid && info.si_code == CLD_EXITED);
	check(child_wait(pid) == 0);
}

static void
wait_interrupted(void)
{
	sigset_t set = set_of(SIGUSR2, 0);

	handle(SIGUSR1, SA_RESTART);
	block(SIGUSR2, 0);
	pid_t pid = child_start(sends_later, (void *)SIGUSR1);
	/* Why not sigwaitinfo(): musl calls again after EINTR. */
	check_errno(syscall(SYS_rt_sigtimedwait, &set, NULL, NULL, 8), EINTR);
	check(runs == 1 && child_wait(pid) == 0);
}

static void
suspend(void)
{
	sigset_t none;
	sigset_t now;

	sigemptyset(&none);
	handle(SIGUSR1, SA_RESTART);
	block(SIGUSR1, SIGUSR2);
	pid_t pid = child_start(sends_later, (void *)SIGUSR1);
	check_errno(sigsuspend(&none), EINTR);
	check(runs == 1 && child_wait(pid) == 0);
	check(sigprocmask(SIG_BLOCK, NULL, &now) == 0 && sigismember(&now, SIGUSR1) && sigismember(&now, SIGUSR2));
	/* One that waits already ends it at once, and the other stays. */
	check(raise(SIGUSR1) == 0 && raise(SIGUSR2) == 0);
	sigset_t but_two = set_of(SIGUSR2, 0);
	check_errno(sigsuspend(&but_two), EINTR);
	check(runs == 2);
	check(sigpending(&now) == 0 && sigismember(&now, SIGUSR2) == 1);
}

/* ---- threads ---- */

static volatile int ready, done;
static volatile pid_t other_tid;
static pthread_t thread;

static void
thread_is(void *(*run)(void *))
{
	check(pthread_create(&thread, NULL, run, NULL) == 0);
	await(&ready, 1);
}

static void *
stays_open(void *arg)
{
	unblock(SIGUSR1, SIGRTMIN);
	other_tid = syscall(SYS_gettid);
	announce(&ready);
	await(&done, 1);
	return arg;
}

static void
open_thread_gets_it(void)
{
	handle(SIGUSR1, 0);
	block(SIGUSR1, SIGRTMIN);
	thread_is(stays_open);
	for (int i = 1; i <= 100; i++) {
		check(kill(getpid(), SIGUSR1) == 0);
		await(&runs, i);
		check(ran_in == other_tid);
	}
	announce(&done);
	check(pthread_join(thread, NULL) == 0);
}

static void
directed_stays(void)
{
	sigset_t pending;

	handle(SIGUSR1, 0);
	block(SIGUSR1, SIGRTMIN);
	thread_is(stays_open);
	/* To this thread, which blocks it: the other one must not take it. */
	check(syscall(SYS_tgkill, getpid(), syscall(SYS_gettid), SIGUSR1) == 0);
	for (int i = 0; i < 100; i++)
		sched_yield();
	check(runs == 0 && sigpending(&pending) == 0 && sigismember(&pending, SIGUSR1));
	check(syscall(SYS_tgkill, getpid(), other_tid, SIGUSR1) == 0);
	await(&runs, 1);
	check(ran_in == other_tid);
	unblock(SIGUSR1, 0);
	check(runs == 2 && ran_in == syscall(SYS_gettid));
	announce(&done);
	check(pthread_join(thread, NULL) == 0);
}

static void *
blocks_and_leaves(void *arg)
{
	other_tid = syscall(SYS_gettid);
	announce(&ready);
	await(&done, 1);
	return arg;
}

/* What waits for the process is taken by whoever opens up. */
static void
whoever_unblocks(void)
{
	sigset_t pending;

	handle(SIGUSR1, 0);
	block(SIGUSR1, 0);
	thread_is(blocks_and_leaves);
	check(kill(getpid(), SIGUSR1) == 0);
	check(sigpending(&pending) == 0 && sigismember(&pending, SIGUSR1) && runs == 0);
	unblock(SIGUSR1, 0);
	check(runs == 1 && ran_in == syscall(SYS_gettid));
	announce(&done);
	check(pthread_join(thread, NULL) == 0);
}

static void *
waits_for_usr1(void *arg)
{
	sigset_t set = set_of(SIGUSR1, 0);
	siginfo_t info;

	announce(&ready);
	for (int i = 0; i < 100; i++) {
		check(sigwaitinfo(&set, &info) == SIGUSR1);
		announce(&done);
	}
	return arg;
}

static void
waiting_thread_gets_it(void)
{
	block(SIGUSR1, 0);
	thread_is(waits_for_usr1);
	for (int i = 1; i <= 100; i++) {
		check(kill(getpid(), SIGUSR1) == 0);
		await(&done, i);
	}
	check(pthread_join(thread, NULL) == 0);
}

static void *
sigqueues_to_thread(void *arg)
{
	for (int i = 0; i < 200; i++) {
		siginfo_t info = {.si_code = SI_QUEUE, .si_value.sival_int = i};

		while (syscall(SYS_rt_tgsigqueueinfo, getpid(), getpid(), SIGRTMIN, &info) < 0 && errno == EAGAIN)
			sched_yield();
	}
	return arg;
}

static void
queued_across_threads(void)
{
	sigset_t set = set_of(SIGRTMIN, 0);
	siginfo_t info;

	block(SIGRTMIN, 0);
	check(pthread_create(&thread, NULL, sigqueues_to_thread, NULL) == 0);
	for (int i = 0; i < 200; i++)
		check(sigwaitinfo(&set, &info) == SIGRTMIN && info.si_value.sival_int == i);
	check(pthread_join(thread, NULL) == 0);
}

/* ---- storms ---- */

static void *
shoots(void *arg)
{
	int target = (intptr_t)arg;

	while (!done)
		kill(target, SIGUSR1);
	return NULL;
}

static void
target_forks(void *arg)
{
	(void)arg;
	handle(SIGUSR1, SA_RESTART);
	announce(&((volatile int *)arg)[0]);
	for (int i = 0; i < 60; i++) {
		pid_t pid = fork();
		if (pid == 0)
			_exit(3);
		int status;
		check(pid > 0);
		check(waitpid(pid, &status, 0) == pid && WIFEXITED(status) && WEXITSTATUS(status) == 3);
	}
}

static void
storm_on_fork(void)
{
	volatile int *word = (volatile int *)map_shared(PAGE);
	pid_t pid = child_start(target_forks, (void *)word);

	await(word, 1);
	check(pthread_create(&thread, NULL, shoots, (void *)(intptr_t)pid) == 0);
	int status = child_wait(pid);
	done = 1;
	check(pthread_join(thread, NULL) == 0);
	check(status == 0);
}

static void
target_execs(void *arg)
{
	handle(SIGUSR1, 0);
	announce((volatile int *)arg);
	execl(self_path, self_path, "list", NULL);
}

/* After the step to the new program the signal is deadly: so is the end, sooner or later, or it comes too late. */
static void
storm_on_exec(void)
{
	for (int i = 0; i < 8; i++) {
		volatile int *word = (volatile int *)map_shared(PAGE);
		pid_t pid = fork();

		if (pid == 0) {
			close(1);
			target_execs((void *)word);
			_exit(9);
		}
		await(word, 1);
		done = 0;
		check(pthread_create(&thread, NULL, shoots, (void *)(intptr_t)pid) == 0);
		int status = child_wait(pid);
		done = 1;
		check(pthread_join(thread, NULL) == 0);
		check((WIFSIGNALED(status) && WTERMSIG(status) == SIGUSR1) || WIFEXITED(status));
		check(munmap((void *)word, PAGE) == 0);
	}
}

static void *
comes_and_goes(void *arg)
{
	return arg;
}

static void
storm_on_threads(void)
{
	pthread_t shooter;

	handle(SIGUSR1, SA_RESTART);
	check(pthread_create(&shooter, NULL, shoots, (void *)(intptr_t)getpid()) == 0);
	for (int i = 0; i < 100; i++) {
		check(pthread_create(&thread, NULL, comes_and_goes, NULL) == 0);
		check(pthread_join(thread, NULL) == 0);
	}
	done = 1;
	check(pthread_join(shooter, NULL) == 0);
	check(runs > 0);
}

const struct test_case signal_rt_cases[] = {
	{"real-time signals come in order, each with its value", queue_order, 0, 0},
	{"a standard signal waits once, with the first value", standard_once, 0, 0},
	{"RLIMIT_SIGPENDING: sigqueue says EAGAIN, kill never", limit, 0, 0},
	{"/proc/self/status tells what waits, is blocked and is caught", status_tells, 0, 0},
	{"what was delivered no longer counts for the limit", limit_is_given_back, 0, 0},
	{"a process that ends with signals pending leaves nothing behind", dies_with_pending, 0, 0},
	{"nobody may pretend to be the kernel or kill()", queue_permission, 0, 0},
	{"sigwaitinfo takes what waits, lowest first", wait_takes, 0, 0},
	{"sigtimedwait, sigsuspend and sigpending have their errno", wait_errors, 0, 0},
	{"sigtimedwait waits as long as it was told", wait_times_out, 0, 0},
	{"sigwaitinfo is woken by the signal it waits for", wait_is_woken, 0, CASE_SMP},
	{"sigwaitinfo gets a signal that is ignored by default", wait_for_ignored, 0, CASE_SMP},
	{"rt_sigtimedwait ends with EINTR when another handler runs, SA_RESTART or not", wait_interrupted, 0, 0},
	{"sigsuspend waits with another mask and brings the old one back", suspend, 0, 0},
	{"a signal to the process goes to the thread that does not block it", open_thread_gets_it, 0, CASE_SMP},
	{"a signal to a thread stays with it", directed_stays, 0, CASE_SMP},
	{"what waits for the process goes to whoever unblocks it", whoever_unblocks, 0, CASE_SMP},
	{"a thread in sigwaitinfo gets what all block", waiting_thread_gets_it, 0, CASE_SMP},
	{"values queued by another thread arrive in order", queued_across_threads, 0, CASE_SMP},
	{"a storm of signals on a process that forks and waits", storm_on_fork, 0, CASE_SMP},
	{"a storm of signals on a process that calls execve", storm_on_exec, 0, CASE_SMP},
	{"a storm of signals while threads come and go", storm_on_threads, 0, CASE_SMP},
	{0},
};
