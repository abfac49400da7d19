/* SPDX-License-Identifier: MIT */
/*
 * kernel/rlimit.c - defaults, and who is told when a limit changes
 *
 * Idea        Linux's defaults for the first process. mm/ must not look into processes, so it keeps its own copies of
 *             the limits that it enforces, and of whether the user is root; here they are kept equal.
 * Invariants  I1  The limits in mm->stack_limit and its neighbours are those of the process that used the mm last
 *                 for exec or setrlimit.
 * Locks       none of its own
 * Follow      from process.c, exec.c, sys_info.c   to mm/mm.h
 * Tests       tests/guest/stack.c, tests/guest/brk.c, tests/guest/proc.c
 */
#include <kernel/process.h>
#include <kernel/rlimit.h>
#include <mm/mm.h>

#define STACK_DEFAULT (8UL << 20)
#define NOFILE_DEFAULT 1024UL
#define NOFILE_DEFAULT_MAX 4096UL
#define MEMLOCK_DEFAULT (8UL << 20)
#define SIGPENDING_DEFAULT 1024UL /* Simple: Linux takes half of threads-max */
#define MSGQUEUE_DEFAULT 819200UL

void
rlimit_init(struct rlimit limits[RLIMIT_COUNT])
{
	for (u32 i = 0; i < RLIMIT_COUNT; i++)
		limits[i] = (struct rlimit){RLIMIT_INFINITY, RLIMIT_INFINITY};
	limits[RLIMIT_STACK].soft = STACK_DEFAULT;
	limits[RLIMIT_CORE].soft = 0;
	limits[RLIMIT_NOFILE] = (struct rlimit){NOFILE_DEFAULT, NOFILE_DEFAULT_MAX};
	limits[RLIMIT_MEMLOCK] = (struct rlimit){MEMLOCK_DEFAULT, MEMLOCK_DEFAULT};
	limits[RLIMIT_MSGQUEUE] = (struct rlimit){MSGQUEUE_DEFAULT, MSGQUEUE_DEFAULT};
	limits[RLIMIT_SIGPENDING] = (struct rlimit){SIGPENDING_DEFAULT, SIGPENDING_DEFAULT};
	limits[RLIMIT_NICE] = (struct rlimit){0, 0};
	limits[RLIMIT_RTPRIO] = (struct rlimit){0, 0};
}

static bool may_exceed_memlock(const struct process *process);

u64
rlimit_get(const struct process *process, u32 resource)
{
	return READ_ONCE(process->limits[resource].soft);
}

void
rlimit_apply_mm(const struct process *process, struct mm *mm)
{
	WRITE_ONCE(mm->stack_limit, rlimit_get(process, RLIMIT_STACK));
	WRITE_ONCE(mm->as_limit, rlimit_get(process, RLIMIT_AS));
	/* As Linux for valgrind, which sets 0 and means its own heap: the hard limit counts then. */
	WRITE_ONCE(mm->data_limit, rlimit_get(process, RLIMIT_DATA) ? rlimit_get(process, RLIMIT_DATA)
								    : READ_ONCE(process->limits[RLIMIT_DATA].hard));
	WRITE_ONCE(mm->is_root, !READ_ONCE(process->cred.user.effective));
	WRITE_ONCE(mm->lock_limit, may_exceed_memlock(process) ? RLIMIT_INFINITY : rlimit_get(process, RLIMIT_MEMLOCK));
}

/* What is CAP_IPC_LOCK elsewhere: root's. */
static bool
may_exceed_memlock(const struct process *process)
{
	return !READ_ONCE(process->cred.user.effective);
}
