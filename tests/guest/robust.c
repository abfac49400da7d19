/* SPDX-License-Identifier: MIT */
/*
 * tests/guest/robust.c - locks that outlive their owner
 *
 * Idea        Lists built by hand, for what a C library would never do; and musl's robust mutexes, for what it does.
 *             Memory is shared with the child that dies, so that its parent sees what was left.
 * Invariants  see guest.h
 * Follow      to kernel/robust_list.c
 */
#include "guest.h"
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <string.h>
#include <sys/syscall.h>

#define WAITERS 0x80000000u
#define OWNER_DIED 0x40000000u

struct entry {
	struct entry *next;
	volatile uint32_t word;
	uint32_t pad;
};

struct head {
	struct entry *next;
	long offset;
	struct entry *pending;
};

enum {
	ENTRIES = 8,
	OFFSET = offsetof(struct entry, word)
};

struct shared {
	struct head head;
	struct entry entry[ENTRIES];
	volatile int step;
	pthread_mutex_t mutex;
	pthread_cond_t cond;
};

static struct shared *shared;

static void
shared_make(void)
{
	shared = (struct shared *)map_shared(PAGE);
	shared->head = (struct head){(struct entry *)&shared->head, OFFSET, NULL};
}

static uint32_t
tid(void)
{
	return syscall(SYS_gettid);
}

static long
set_list(void *head)
{
	return syscall(SYS_set_robust_list, head, sizeof(struct head));
}

/* The first @n entries, all held by the caller. */
static void
chain(int n)
{
	shared->head.next = n ? &shared->entry[0] : (void *)&shared->head;
	for (int i = 0; i < n; i++) {
		shared->entry[i].next = i + 1 < n ? &shared->entry[i + 1] : (void *)&shared->head;
		shared->entry[i].word = tid();
	}
}

static void
dies_holding_three(void *how)
{
	chain(3);
	shared->entry[1].word |= WAITERS;
	shared->entry[3].word = tid();
	check(set_list(&shared->head) == 0);
	if (how)
		kill(getpid(), SIGKILL);
}

static void
three_marked(void)
{
	check(shared->entry[0].word == OWNER_DIED);
	check(shared->entry[1].word == (OWNER_DIED | WAITERS));
	check(shared->entry[2].word == OWNER_DIED);
	check(!(shared->entry[3].word & OWNER_DIED));
}

static void
marked_at_exit(void)
{
	shared_make();
	child_must_live(dies_holding_three, NULL);
	three_marked();
}

static void
marked_at_kill(void)
{
	shared_make();
	child_must_die(dies_holding_three, (void *)1, SIGKILL);
	three_marked();
}

static void
holds_and_execs(void *arg)
{
	char *argv[] = {(char *)self_path, "list", "basics", NULL};

	(void)arg;
	dies_holding_three(NULL);
	int null = open("/dev/null", 1);
	dup2(null, 1);
	execv(self_path, argv);
	_exit(9);
}

static void
marked_at_exec(void)
{
	shared_make();
	child_must_live(holds_and_execs, NULL);
	three_marked();
}

static void
holds_others(void *arg)
{
	(void)arg;
	chain(4);
	shared->entry[0].word = tid() + 1;
	shared->entry[1].word = 0;
	shared->entry[2].word = OWNER_DIED;
	check(set_list(&shared->head) == 0);
}

static void
others_left_alone(void)
{
	shared_make();
	child_must_live(holds_others, NULL);
	check(!(shared->entry[0].word & OWNER_DIED) && shared->entry[0].word != 0);
	check(shared->entry[1].word == 0 && shared->entry[2].word == OWNER_DIED);
	check(shared->entry[3].word == OWNER_DIED);
}

static void
has_pending(void *arg)
{
	chain(1);
	shared->entry[5].word = (uintptr_t)arg ? tid() : 0;
	shared->head.pending = &shared->entry[5];
	check(set_list(&shared->head) == 0);
}

static void
pending_marked(void)
{
	shared_make();
	child_must_live(has_pending, (void *)1);
	check(shared->entry[0].word == OWNER_DIED && shared->entry[5].word == OWNER_DIED);
	child_must_live(has_pending, NULL);
	check(shared->entry[5].word == 0);
}

static void
sleeps_on_entry(void *arg)
{
	volatile uint32_t *word = &shared->entry[(intptr_t)arg].word;
	uint32_t now = *word;

	while (syscall(SYS_futex, word, 0, now, NULL, NULL, 0) == -1 && errno == EINTR)
		;
}

/* Nobody but the kernel wakes the sleeper. */
static void
sleeper_woken_by_death(void)
{
	shared_make();
	shared->entry[0].word = 0;
	pid_t owner = fork();
	if (owner == 0) {
		chain(1);
		shared->entry[0].word |= WAITERS;
		check(set_list(&shared->head) == 0);
		announce(&shared->step);
		await(&shared->step, 2);
		_exit(0);
	}
	await(&shared->step, 1);
	pid_t sleeper = child_start(sleeps_on_entry, (void *)0);
	while (syscall(SYS_futex, &shared->entry[0].word, 3, 0, (void *)1L, &shared->entry[0].word, 0) != 1)
		sched_yield();
	announce(&shared->step);
	check(child_wait(owner) == 0 && child_wait(sleeper) == 0);
	check(shared->entry[0].word == (OWNER_DIED | WAITERS));
}

/* Each of these would be the end of a kernel that believes a program. */
static void
has_wild_list(void *arg)
{
	switch ((intptr_t)arg) {
	case 0:
		set_list((void *)16);
		break;
	case 1:
		set_list((void *)0xffff800000000000);
		break;
	case 2: /* a ring that never comes back to the head */
		chain(3);
		shared->entry[2].next = &shared->entry[1];
		set_list(&shared->head);
		break;
	case 3:
		chain(2);
		shared->entry[0].next = (void *)0xdead000000000000;
		set_list(&shared->head);
		break;
	case 4:
		chain(2);
		shared->head.offset = 0x7fffffffffff0000;
		set_list(&shared->head);
		break;
	case 5:
		chain(2);
		shared->head.offset = OFFSET + 1;
		set_list(&shared->head);
		break;
	case 6:
		shared->head.pending = (void *)0xffffffffffffffff;
		set_list(&shared->head);
		break;
	case 7:
		shared->head.next = NULL;
		set_list(&shared->head);
		break;
	case 8: /* the word lies in memory that is only readable */
		chain(1);
		set_list(&shared->head);
		check(mprotect(shared, PAGE, PROT_READ) == 0);
		break;
	}
}

static void
wild_lists(void)
{
	for (intptr_t i = 0; i <= 8; i++) {
		shared_make();
		child_must_live(has_wild_list, (void *)i);
		if (i == 2)
			check(shared->entry[0].word == OWNER_DIED && shared->entry[2].word == OWNER_DIED);
		if (i == 3)
			check(shared->entry[0].word == OWNER_DIED);
		munmap(shared, PAGE);
	}
}

static void
inherits_nothing(void *arg)
{
	struct head *head = arg;
	size_t size;

	check(syscall(SYS_get_robust_list, 0, &head, &size) == 0);
	/* musl tells the kernel of its own list when it first makes a robust lock; a fresh child has none. */
	check(head == NULL && size == sizeof(struct head));
}

static void
told_and_asked(void)
{
	struct head *head = NULL;
	size_t size = 0;

	shared_make();
	check(set_list(&shared->head) == 0);
	check(syscall(SYS_get_robust_list, 0, &head, &size) == 0 && head == &shared->head && size == 24);
	check(syscall(SYS_get_robust_list, tid(), &head, &size) == 0 && head == &shared->head);
	child_must_live(inherits_nothing, NULL);
	check_errno(syscall(SYS_set_robust_list, &shared->head, 23), EINVAL);
	check_errno(syscall(SYS_set_robust_list, &shared->head, 0), EINVAL);
	check_errno(syscall(SYS_get_robust_list, 0, 16, &size), EFAULT);
	check_errno(syscall(SYS_get_robust_list, 0, &head, 16), EFAULT);
	pid_t gone = child_start((void (*)(void *))shared_make, NULL);
	check(child_wait(gone) == 0);
	check_errno(syscall(SYS_get_robust_list, gone, &head, &size), ESRCH);
	check(set_list(NULL) == 0);
}

static void
mutex_make(void)
{
	pthread_mutexattr_t attr;

	shared_make();
	pthread_mutexattr_init(&attr);
	check(pthread_mutexattr_setrobust(&attr, PTHREAD_MUTEX_ROBUST) == 0);
	check(pthread_mutexattr_setpshared(&attr, PTHREAD_PROCESS_SHARED) == 0);
	check(pthread_mutex_init(&shared->mutex, &attr) == 0);
}

static void
dies_with_mutex(void *how)
{
	check(pthread_mutex_lock(&shared->mutex) == 0);
	announce(&shared->step);
	await(&shared->step, 2);
	if (how)
		kill(getpid(), SIGKILL);
}

static void
mutex_inherited(void)
{
	for (intptr_t how = 0; how < 2; how++) {
		mutex_make();
		pid_t pid = child_start(dies_with_mutex, (void *)how);
		await(&shared->step, 1);
		check(pthread_mutex_trylock(&shared->mutex) == EBUSY);
		announce(&shared->step);
		check(pthread_mutex_lock(&shared->mutex) == EOWNERDEAD);
		check(pthread_mutex_consistent(&shared->mutex) == 0);
		check(pthread_mutex_unlock(&shared->mutex) == 0);
		check(pthread_mutex_lock(&shared->mutex) == 0);
		child_wait(pid);
	}
}

static void *
ends_with_mutex(void *arg)
{
	check(pthread_mutex_lock(&shared->mutex) == 0);
	return arg;
}

static void
thread_leaves_mutex(void)
{
	pthread_t thread;

	for (int i = 0; i < 20; i++) {
		mutex_make();
		check(pthread_create(&thread, NULL, ends_with_mutex, NULL) == 0);
		int error = 0;
		while (!shared->mutex.__u.__vi[1])
			sched_yield();
		error = pthread_mutex_lock(&shared->mutex);
		check(error == EOWNERDEAD);
		check(pthread_join(thread, NULL) == 0);
		munmap(shared, PAGE);
	}
}

const struct test_case robust_cases[] = {
	{"a process that exits leaves its locks marked", marked_at_exit, 0, 0},
	{"a process that is killed leaves its locks marked", marked_at_kill, 0, 0},
	{"execve gives up locks like an end", marked_at_exec, 0, 0},
	{"words that name another owner are left alone", others_left_alone, 0, 0},
	{"the lock that was being taken is marked too", pending_marked, 0, 0},
	{"the death of the owner wakes who sleeps on the lock", sleeper_woken_by_death, 0, CASE_SMP},
	{"lists that loop or point nowhere do no harm", wild_lists, 0, 0},
	{"set_robust_list and get_robust_list agree, and give Linux's errno", told_and_asked, 0, 0},
	{"a robust mutex of a dead process is inherited", mutex_inherited, 0, CASE_SMP},
	{"a robust mutex of a thread that ended is inherited", thread_leaves_mutex, 0, CASE_SMP},
	{0},
};
