/* SPDX-License-Identifier: MIT */
/*
 * tests/guest/signal_stop.c - stop and continue
 *
 * Idea        a child counts in shared memory; while it is stopped the count stands still
 * Invariants  see guest.h
 * Follow      to kernel/signal_stop.c
 */
#include "guest.h"
#include <pthread.h>
#include <sched.h>
#include <string.h>
#include <sys/syscall.h>

static volatile int *count; /* shared: [0], [1] of two threads; [2] handlers run; [3] ready */
static volatile int runs;
static siginfo_t last_info;

static void
note_info(int sig, siginfo_t *info, void *context)
{
	(void)sig;
	(void)context;
	last_info = *info;
	runs++;
}

static void
handle_child(int flags)
{
	struct sigaction action = {.sa_sigaction = note_info, .sa_flags = SA_SIGINFO | SA_RESTART | flags};

	check(sigaction(SIGCHLD, &action, NULL) == 0);
}

static void *
counts_too(void *arg)
{
	for (;;)
		count[1]++;
	return arg;
}

static void
counts(void *arg)
{
	pthread_t thread;

	if (arg)
		check(pthread_create(&thread, NULL, counts_too, NULL) == 0);
	announce(&count[3]);
	for (;;)
		count[0]++;
}

static pid_t
counter_start(void *threads)
{
	count = (volatile int *)map_shared(PAGE);
	pid_t pid = child_start(counts, threads);
	await(&count[3], 1);
	return pid;
}

static void
counter_end(pid_t pid)
{
	check(kill(pid, SIGKILL) == 0);
	int status = child_wait(pid);
	check(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
}

static bool
stands_still(void)
{
	int a = count[0];
	int b = count[1];

	for (int i = 0; i < 200; i++)
		sched_yield();
	return count[0] == a && count[1] == b;
}

/* The parent hears of the stop only when no thread runs any more. */
static void
stop_is_complete(void)
{
	pid_t pid = counter_start((void *)1);
	int status;

	for (int i = 0; i < 20; i++) {
		check(kill(pid, SIGSTOP) == 0);
		check(waitpid(pid, &status, WUNTRACED) == pid && WIFSTOPPED(status) && WSTOPSIG(status) == SIGSTOP);
		check(stands_still());
		int before = count[0];
		check(kill(pid, SIGCONT) == 0);
		check(waitpid(pid, &status, WCONTINUED) == pid && WIFCONTINUED(status));
		await(&count[0], before + 1);
	}
	counter_end(pid);
}

static void
child_news(void)
{
	int status;

	handle_child(0);
	pid_t pid = counter_start(NULL);
	/* In a group of its own, and its parent in another: else the group may be an orphaned one. */
	check(setpgid(pid, pid) == 0);
	check(kill(pid, SIGTSTP) == 0);
	check(waitpid(pid, &status, WUNTRACED) == pid && WSTOPSIG(status) == SIGTSTP);
	await(&runs, 1);
	check(last_info.si_code == CLD_STOPPED && last_info.si_status == SIGTSTP && last_info.si_pid == pid);
	check(kill(pid, SIGCONT) == 0);
	await(&runs, 2);
	check(last_info.si_code == CLD_CONTINUED && last_info.si_status == SIGCONT);
	counter_end(pid);
}

static void
nocldstop(void)
{
	int status;

	handle_child(SA_NOCLDSTOP);
	pid_t pid = counter_start(NULL);
	check(kill(pid, SIGSTOP) == 0);
	check(waitpid(pid, &status, WUNTRACED) == pid && WIFSTOPPED(status));
	check(kill(pid, SIGCONT) == 0);
	check(waitpid(pid, &status, WCONTINUED) == pid && WIFCONTINUED(status) && runs == 0);
	counter_end(pid);
	check(runs == 1 && last_info.si_code == CLD_KILLED);
}

/* SIGTERM waits until the process goes on; SIGKILL does not. */
static void
signals_wait_while_stopped(void)
{
	pid_t pid = counter_start(NULL);
	int status;

	check(kill(pid, SIGSTOP) == 0);
	check(waitpid(pid, &status, WUNTRACED) == pid && WIFSTOPPED(status));
	check(kill(pid, SIGTERM) == 0);
	check(stands_still() && waitpid(pid, &status, WNOHANG) == 0);
	check(kill(pid, SIGCONT) == 0);
	status = child_wait(pid);
	check(WIFSIGNALED(status) && WTERMSIG(status) == SIGTERM);
}

static void
kill_while_stopped(void)
{
	pid_t pid = counter_start((void *)1);
	int status;

	check(kill(pid, SIGSTOP) == 0);
	check(waitpid(pid, &status, WUNTRACED) == pid && WIFSTOPPED(status));
	counter_end(pid);
}

static void
handler_counts(int sig)
{
	(void)sig;
	announce(&count[2]);
}

static void
handles(void *arg)
{
	struct sigaction action = {.sa_handler = handler_counts};

	check(sigaction((intptr_t)arg, &action, NULL) == 0);
	announce(&count[3]);
	for (;;)
		count[0]++;
}

static void
tstp_handler(void)
{
	count = (volatile int *)map_shared(PAGE);
	pid_t pid = child_start(handles, (void *)SIGTSTP);
	int status;

	await(&count[3], 1);
	check(kill(pid, SIGTSTP) == 0);
	await(&count[2], 1);
	check(waitpid(pid, &status, WUNTRACED | WNOHANG) == 0);
	counter_end(pid);
}

static void
cont_handler(void)
{
	count = (volatile int *)map_shared(PAGE);
	pid_t pid = child_start(handles, (void *)SIGCONT);
	int status;

	await(&count[3], 1);
	check(kill(pid, SIGSTOP) == 0);
	check(waitpid(pid, &status, WUNTRACED) == pid && WIFSTOPPED(status));
	check(count[2] == 0);
	check(kill(pid, SIGCONT) == 0);
	await(&count[2], 1);
	counter_end(pid);
}

static void
cancel_each_other(void)
{
	sigset_t set;
	sigset_t pending;

	sigfillset(&set);
	check(sigprocmask(SIG_BLOCK, &set, NULL) == 0);
	check(raise(SIGTSTP) == 0 && raise(SIGTTIN) == 0);
	check(sigpending(&pending) == 0 && sigismember(&pending, SIGTSTP) && sigismember(&pending, SIGTTIN));
	check(raise(SIGCONT) == 0);
	check(sigpending(&pending) == 0 && !sigismember(&pending, SIGTSTP) && !sigismember(&pending, SIGTTIN));
	check(sigismember(&pending, SIGCONT));
	check(raise(SIGTSTP) == 0);
	check(sigpending(&pending) == 0 && !sigismember(&pending, SIGCONT) && sigismember(&pending, SIGTSTP));
}

/* Its parent is not of its session: nobody could let it go on, so the terminal's stops are no stops. */
static void
orphaned(void *arg)
{
	(void)arg;
	check(setsid() > 0);
	check(raise(SIGTSTP) == 0 && raise(SIGTTIN) == 0 && raise(SIGTTOU) == 0);
}

static void
orphans_ignore(void)
{
	int status;
	pid_t pid = child_start(orphaned, NULL);

	check(waitpid(pid, &status, WUNTRACED) == pid && WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

static void
group_stops(void)
{
	pid_t pid = counter_start(NULL);
	int status;

	check(setpgid(pid, pid) == 0);
	check(kill(-pid, SIGTTIN) == 0);
	check(waitpid(-pid, &status, WUNTRACED) == pid && WSTOPSIG(status) == SIGTTIN);
	check(kill(-pid, SIGCONT) == 0);
	check(waitpid(-pid, &status, WCONTINUED) == pid && WIFCONTINUED(status));
	counter_end(pid);
}

static void
forks_on(void *arg)
{
	(void)arg;
	for (;;) {
		pid_t pid = fork();

		if (pid == 0)
			for (;;)
				count[0]++;
		announce(&count[3]);
		kill(pid, SIGKILL);
		waitpid(pid, NULL, 0);
	}
}

/* A group that is stopped as a whole has no member that was made meanwhile and runs on. */
static void
group_stop_and_fork(void)
{
	int status;

	count = (volatile int *)map_shared(PAGE);
	pid_t pid = child_start(forks_on, NULL);
	check(setpgid(pid, pid) == 0);
	for (int i = 1; i <= 50; i++) {
		await(&count[3], i * 3);
		check(kill(-pid, SIGSTOP) == 0);
		check(waitpid(pid, &status, WUNTRACED) == pid && WIFSTOPPED(status));
		/* Its child may be on its way to the stop: it arrives, or it would count for ever. */
		while (!stands_still())
			;
		check(kill(-pid, SIGCONT) == 0);
	}
	check(kill(-pid, SIGKILL) == 0);
	check(child_wait(pid) == SIGKILL);
}

static void
stop_storm(void)
{
	pid_t pid = counter_start((void *)1);
	int status;

	for (int i = 0; i < 500; i++) {
		check(kill(pid, SIGSTOP) == 0);
		check(kill(pid, SIGCONT) == 0);
	}
	int before = count[0];
	await(&count[0], before + 1);
	check(kill(pid, SIGSTOP) == 0);
	do
		check(waitpid(pid, &status, WUNTRACED | WCONTINUED) == pid);
	while (!WIFSTOPPED(status));
	counter_end(pid);
}

const struct test_case signal_stop_cases[] = {
	{"a parent that hears of a stop finds no thread running", stop_is_complete, 0, CASE_SMP},
	{"SIGCHLD tells of stop and continue", child_news, 0, CASE_SMP},
	{"with SA_NOCLDSTOP it does not", nocldstop, 0, CASE_SMP},
	{"a stopped process takes SIGTERM when it goes on", signals_wait_while_stopped, 0, CASE_SMP},
	{"a stopped process dies of SIGKILL", kill_while_stopped, 0, CASE_SMP},
	{"a handler for SIGTSTP runs, and nothing stops", tstp_handler, 0, CASE_SMP},
	{"a handler for SIGCONT runs when the process goes on", cont_handler, 0, CASE_SMP},
	{"stop signals and SIGCONT take each other back", cancel_each_other, 0, 0},
	{"an orphaned group does not stop for its terminal", orphans_ignore, 0, 0},
	{"a group stops and goes on", group_stops, 0, CASE_SMP},
	{"a group stops whole, though a member forks meanwhile", group_stop_and_fork, 0, CASE_SMP},
	{"five hundred stops and continues", stop_storm, 0, CASE_SMP},
	{0},
};
