/* SPDX-License-Identifier: MIT */
/*
 * kernel/futex.h - sleep until a word of the program's memory changes
 *
 * Idea        User mode counts, the kernel only sleeps and wakes. Sleepers wait in the bucket of their word's key:
 *
 *                 private (flag, or a private mapping)    (address space, address)
 *                 shared  (MAP_SHARED memory)             (object, byte offset in it): the same for every process
 *
 *             A sleeper joins its bucket first and reads the word then: a waker that changed the word before is seen by
 *             the reading, one that changes it later finds the sleeper. So no user memory is read under a lock.
 * Invariants  I1  A sleeper is in the bucket of its key, or has been woken.
 * Locks       bucket->lock, rank RANK_FUTEX; two at once in the order of their addresses. sched_wake happens under it,
 *             so that the sleeper, which takes it before it leaves, cannot be gone.
 * Follow      from sys_futex.c, exit.c (clear_child_tid), robust_list.c   to sched.h, mm/vma.h
 * Tests       tests/guest/futex.c
 * See         U. Drepper, Futexes Are Tricky; futex(2)
 */
#pragma once

#include <kernel/lib/types.h>

void futex_init(void);

/*
 * futex_wake - wake up to @count sleepers on the word at @va of the current address space, private or shared
 *
 * Returns   how many, or -EFAULT
 * Context   may sleep
 */
s64 futex_wake(u64 va, u32 count);

/* futex_wall_clock_changed - it was set: who sleeps until a moment of it looks again. Context: takes buckets. */
void futex_wall_clock_changed(void);

/* What futex(2) may be asked, beside the operation. */
#define FUTEX_WAIT 0
#define FUTEX_WAKE 1
#define FUTEX_REQUEUE 3
#define FUTEX_CMP_REQUEUE 4
#define FUTEX_WAKE_OP 5
#define FUTEX_WAIT_BITSET 9
#define FUTEX_WAKE_BITSET 10
#define FUTEX_PRIVATE_FLAG 128
#define FUTEX_CLOCK_REALTIME 256
#define FUTEX_BITSET_ANY 0xffffffffu

/* One call, decoded. */
struct futex_request {
	u64 va;          /* the word */
	bool private;    /* no other address space uses it */
	bool wall;       /* WAIT: the deadline is one of the wall clock */
	u32 value;       /* what the word must hold: WAIT, CMP_REQUEUE */
	u32 bitset;      /* WAIT, WAKE: not 0 */
	u64 deadline_ns; /* WAIT: clock_ns(), or the wall clock, or TIMER_NEVER */
	u32 wake;        /* how many to wake: WAKE, REQUEUE, WAKE_OP */
	u32 requeue;     /* how many to move to va2: REQUEUE; to wake there: WAKE_OP */
	u64 va2;
	bool compare; /* REQUEUE: only if the word holds value */
};

/* Linux wakes one where none or less is asked for. */
static inline u32
futex_wake_count(u32 count)
{
	return (s32)count < 1 ? 1 : count;
}

/*
 * futex_wait_op - sleep on the word while it holds @value
 *
 * Returns   0 woken; -EAGAIN it holds something else; -ETIMEDOUT; -EFAULT; -EINVAL (alignment, no bits); -ERESTARTSYS,
 *           with a deadline -ERESTART_RESTARTBLOCK: a signal
 * Context   may sleep
 */
s64 futex_wait_op(const struct futex_request *request);

/* futex_wake_bits - wake sleepers whose bits meet. Returns how many; -EFAULT, -EINVAL. Context: may sleep. */
s64 futex_wake_bits(const struct futex_request *request);

/*
 * futex_requeue_op - wake some sleepers, let others wait on another word
 *
 * Returns   how many were woken or moved; -EAGAIN, -EFAULT, -EINVAL
 * Context   may sleep
 */
s64 futex_requeue_op(const struct futex_request *request);

/*
 * futex_wake_op - change the word at va2 as @code says, wake on va, and on va2 if its old value compares
 *
 * Returns   how many were woken; -EFAULT, -EINVAL, -ENOSYS an operation or comparison that does not exist
 * Context   may sleep
 */
s64 futex_wake_op(const struct futex_request *request, u32 code);
