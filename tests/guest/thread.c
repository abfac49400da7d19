/* SPDX-License-Identifier: MIT */
/*
 * tests/guest/thread.c - threads as musl makes them: one address space, many stacks
 *
 * Idea        pthreads from creation to join, and what they have in common with their process and its end
 * Invariants  see guest.h
 * Follow      to kernel/fork.c, kernel/futex.c, kernel/exit.c
 */
#include "guest.h"
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <sys/syscall.h>

enum {
	THREADS = 8,
	ROUNDS = 2000
};

static __thread int own = 5;
static int counter;
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t cond = PTHREAD_COND_INITIALIZER;

static void *
returns_double(void *arg)
{
	own = (intptr_t)arg;
	sched_yield();
	return (void *)(intptr_t)(own * 2);
}

static void
create_and_join(void)
{
	pthread_t thread[THREADS];
	void *result;

	for (intptr_t i = 0; i < THREADS; i++)
		check(pthread_create(&thread[i], NULL, returns_double, (void *)i) == 0);
	for (intptr_t i = 0; i < THREADS; i++) {
		check(pthread_join(thread[i], &result) == 0);
		check((intptr_t)result == i * 2);
	}
	check(own == 5);
}

static void
three_hundred(void)
{
	pthread_t thread;

	for (intptr_t i = 0; i < 300; i++) {
		check(pthread_create(&thread, NULL, returns_double, (void *)i) == 0);
		check(pthread_join(thread, NULL) == 0);
	}
}

static void *
adds_locked(void *arg)
{
	for (int i = 0; i < ROUNDS; i++) {
		pthread_mutex_lock(&mutex);
		int now = counter;
		if (i % 64 == 0)
			sched_yield();
		counter = now + 1;
		pthread_mutex_unlock(&mutex);
	}
	return arg;
}

static void
mutual_exclusion(void)
{
	pthread_t thread[THREADS];

	for (int i = 0; i < THREADS; i++)
		check(pthread_create(&thread[i], NULL, adds_locked, NULL) == 0);
	for (int i = 0; i < THREADS; i++)
		check(pthread_join(thread[i], NULL) == 0);
	check(counter == THREADS * ROUNDS);
}

static int turn;

static void *
takes_turns(void *arg)
{
	int me = (intptr_t)arg;

	for (int i = 0; i < 200; i++) {
		pthread_mutex_lock(&mutex);
		while (turn % THREADS != me)
			pthread_cond_wait(&cond, &mutex);
		turn++;
		pthread_cond_broadcast(&cond);
		pthread_mutex_unlock(&mutex);
	}
	return NULL;
}

static void
condition(void)
{
	pthread_t thread[THREADS];

	for (intptr_t i = 0; i < THREADS; i++)
		check(pthread_create(&thread[i], NULL, takes_turns, (void *)i) == 0);
	for (int i = 0; i < THREADS; i++)
		check(pthread_join(thread[i], NULL) == 0);
	check(turn == THREADS * 200);
}

static pid_t thread_tid, thread_pid;

static void *
tells_ids(void *arg)
{
	thread_tid = syscall(SYS_gettid);
	thread_pid = getpid();
	return arg;
}

static void
ids(void)
{
	pthread_t thread;

	check(pthread_create(&thread, NULL, tells_ids, NULL) == 0);
	check(pthread_join(thread, NULL) == 0);
	check(thread_pid == getpid() && thread_tid != getpid() && thread_tid > 0);
	/* It has gone for good once joined, or a moment later. */
	for (int i = 0; i < 10000 && syscall(SYS_tkill, thread_tid, 0) == 0; i++)
		sched_yield();
	check_errno(syscall(SYS_tkill, thread_tid, 0), ESRCH);
}

static void *
exits_all(void *arg)
{
	sched_yield();
	_exit((intptr_t)arg);
}

static void
process_of_threads(void *arg)
{
	pthread_t thread;

	for (int i = 0; i < 3; i++)
		check(pthread_create(&thread, NULL, adds_locked, NULL) == 0);
	check(pthread_create(&thread, NULL, exits_all, arg) == 0);
	for (;;)
		sched_yield();
}

static void
exit_group_from_thread(void)
{
	for (intptr_t i = 1; i < 20; i++)
		check(child_run(process_of_threads, (void *)i) == i << 8);
}

static void *
sleeps(void *arg)
{
	for (;;)
		pause();
	return arg;
}

static void
sleepers_and_exit(void *arg)
{
	pthread_t thread;

	for (int i = 0; i < 4; i++)
		check(pthread_create(&thread, NULL, sleeps, NULL) == 0);
	sched_yield();
	_exit((intptr_t)arg);
}

static void
exit_with_sleeping_threads(void)
{
	for (intptr_t i = 1; i < 10; i++)
		check(child_run(sleepers_and_exit, (void *)i) == i << 8);
}

static void *
outlives_main(void *arg)
{
	for (int i = 0; i < 50; i++)
		sched_yield();
	_exit((intptr_t)arg);
}

static void
main_thread_leaves(void *arg)
{
	pthread_t thread;

	check(pthread_create(&thread, NULL, outlives_main, arg) == 0);
	syscall(SYS_exit, 1);
}

static void
process_outlives_main_thread(void)
{
	check(child_run(main_thread_leaves, (void *)21) == 21 << 8);
}

static void *
faults(void *arg)
{
	volatile int *volatile nowhere = (volatile int *)8;

	*nowhere = 1;
	return arg;
}

static void
thread_dies_of_fault(void *arg)
{
	pthread_t thread;

	(void)arg;
	for (int i = 0; i < 3; i++)
		check(pthread_create(&thread, NULL, sleeps, NULL) == 0);
	check(pthread_create(&thread, NULL, faults, NULL) == 0);
	for (;;)
		pause();
}

static void
fault_kills_all_threads(void)
{
	for (int i = 0; i < 10; i++)
		child_must_die(thread_dies_of_fault, NULL, SIGSEGV);
}

static void
kill_threads(void)
{
	volatile int *word = (volatile int *)map_shared(PAGE);
	pid_t pid = fork();

	if (pid == 0) {
		pthread_t thread;
		for (int i = 0; i < 6; i++)
			check(pthread_create(&thread, NULL, i % 2 ? sleeps : adds_locked, NULL) == 0);
		announce(word);
		for (;;)
			;
	}
	await(word, 1);
	check(kill(pid, SIGKILL) == 0);
	check(child_wait(pid) == SIGKILL);
}

static void *
forks(void *arg)
{
	pid_t pid = fork();

	if (pid == 0)
		_exit(own == 5 && syscall(SYS_gettid) == getpid() ? 17 : 1);
	*(int *)arg = child_wait(pid);
	return NULL;
}

static void
fork_from_thread(void)
{
	pthread_t thread;
	int status = 0;

	check(pthread_create(&thread, NULL, forks, &status) == 0);
	check(pthread_join(thread, NULL) == 0);
	check(status == 17 << 8);
}

static pid_t child_of_main;
static int status_seen;

static void *
waits_for_child_of_main(void *arg)
{
	status_seen = child_wait(child_of_main);
	return arg;
}

static void
exits_with_6(void *arg)
{
	(void)arg;
	_exit(6);
}

static void
any_thread_may_wait(void)
{
	pthread_t thread;

	child_of_main = child_start(exits_with_6, NULL);
	check(pthread_create(&thread, NULL, waits_for_child_of_main, NULL) == 0);
	check(pthread_join(thread, NULL) == 0);
	check(status_seen == 6 << 8);
}

static void *
execs(void *arg)
{
	char *argv[] = {"guest-tests", "--role=single", NULL};

	(void)arg;
	execve(self_path, argv, NULL);
	_exit(99);
}

static void
process_execs_in_thread(void *arg)
{
	pthread_t thread;

	(void)arg;
	for (int i = 0; i < 4; i++)
		check(pthread_create(&thread, NULL, i % 2 ? sleeps : adds_locked, NULL) == 0);
	check(pthread_create(&thread, NULL, execs, NULL) == 0);
	for (;;)
		pause();
}

static void
exec_from_thread(void)
{
	for (int i = 0; i < 5; i++)
		check(child_run(process_execs_in_thread, NULL) == 33 << 8);
}

static void *
uses_stack(void *arg)
{
	volatile unsigned char big[100 * 1024];

	for (size_t i = 0; i < sizeof(big); i += 512)
		big[i] = (intptr_t)arg;
	sched_yield();
	for (size_t i = 0; i < sizeof(big); i += 512)
		if (big[i] != (unsigned char)(intptr_t)arg)
			fail("a thread's stack is not its own");
	return NULL;
}

static void
own_stacks(void)
{
	pthread_t thread[THREADS];

	for (int round = 0; round < 10; round++) {
		for (intptr_t i = 0; i < THREADS; i++)
			check(pthread_create(&thread[i], NULL, uses_stack, (void *)(i + 1)) == 0);
		for (int i = 0; i < THREADS; i++)
			check(pthread_join(thread[i], NULL) == 0);
	}
}

const struct test_case thread_cases[] = {
	{"threads start, have memory of their own, and are joined", create_and_join, 0, CASE_SMP},
	{"three hundred threads one after another", three_hundred, 0, 0},
	{"a mutex lets one thread in at a time", mutual_exclusion, 0, CASE_SMP},
	{"a condition variable wakes those who wait", condition, 0, CASE_SMP},
	{"a thread has a number of its own and its process's", ids, 0, 0},
	{"exit_group from a thread ends all, with its status", exit_group_from_thread, 0, CASE_SMP},
	{"exit ends threads that sleep", exit_with_sleeping_threads, 0, CASE_SMP},
	{"a process lives on when its first thread leaves", process_outlives_main_thread, 0, 0},
	{"a fault in one thread kills its process", fault_kills_all_threads, 0, CASE_SMP},
	{"SIGKILL ends all threads, running and asleep", kill_threads, 0, CASE_SMP},
	{"fork from a thread copies that thread alone", fork_from_thread, 0, 0},
	{"any thread may wait for a child of its process", any_thread_may_wait, 0, 0},
	{"exec from a thread ends all others", exec_from_thread, 0, CASE_SMP},
	{"each thread has a stack of its own", own_stacks, 0, CASE_SMP},
	{0},
};
