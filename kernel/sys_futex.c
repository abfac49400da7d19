/* SPDX-License-Identifier: MIT */
/*
 * kernel/sys_futex.c - the system calls about futexes and robust lists
 *
 * Idea        decode the seven arguments, which mean something else in each operation, into one request
 *             Simple: futexes that lend priority (PI) are ENOSYS, as on Linux built without them.
 * Invariants  none
 * Locks       process_lock for another thread's robust list
 * Follow      from syscall.c   to futex.c, robust_list.c
 * Tests       tests/guest/futex.c, tests/guest/futex_more.c, tests/guest/robust.c
 * See         futex(2), get_robust_list(2)
 */
#include <kernel/futex.h>
#include <kernel/lib/errno.h>
#include <kernel/process.h>
#include <kernel/robust_list.h>
#include <kernel/sys_abi.h>
#include <kernel/syscall.h>
#include <kernel/task.h>
#include <kernel/uaccess.h>

#define FUTEX_FLAGS (FUTEX_PRIVATE_FLAG | FUTEX_CLOCK_REALTIME)

static s64 futex_run(struct futex_request *r, u32 command, u64 timeout, u32 value3);
static s64 time_decode(struct futex_request *r, bool absolute, u64 timeout);

s64
sys_futex(u64 va, u64 op, u64 value, u64 timeout, u64 va2, u64 value3)
{
	u32 command = (u32)op & ~FUTEX_FLAGS;
	struct futex_request r = {
		.va = va,
		.va2 = va2,
		.value = (u32)value,
		.wake = (u32)value,
		.private = op & FUTEX_PRIVATE_FLAG,
		.wall = op & FUTEX_CLOCK_REALTIME,
		.bitset = FUTEX_BITSET_ANY,
	};
	s64 error = 0;

	if (command == FUTEX_WAIT || command == FUTEX_WAIT_BITSET)
		error = time_decode(&r, command == FUTEX_WAIT_BITSET, timeout);
	if (error)
		return error;
	/* Only a wait for a moment may name its clock. */
	if (r.wall && command != FUTEX_WAIT_BITSET)
		return -ENOSYS;
	return futex_run(&r, command, timeout, (u32)value3);
}

static s64
futex_run(struct futex_request *r, u32 command, u64 timeout, u32 value3)
{
	switch (command) {
	case FUTEX_WAIT_BITSET:
		r->bitset = value3;
		return futex_wait_op(r);
	case FUTEX_WAIT:
		return futex_wait_op(r);
	case FUTEX_WAKE_BITSET:
		r->bitset = value3;
		return futex_wake_bits(r);
	case FUTEX_WAKE:
		return futex_wake_bits(r);
	case FUTEX_WAKE_OP:
		r->requeue = (u32)timeout;
		return futex_wake_op(r, value3);
	case FUTEX_CMP_REQUEUE:
		r->compare = true;
		r->value = value3;
		/* falls through */
	case FUTEX_REQUEUE:
		r->requeue = (u32)timeout;
		if ((s32)r->requeue < 0 || (s32)r->wake < 0)
			return -EINVAL;
		return futex_requeue_op(r);
	default:
		return -ENOSYS;
	}
}

/* FUTEX_WAIT counts from now, FUTEX_WAIT_BITSET names a moment. */
static s64
time_decode(struct futex_request *r, bool absolute, u64 timeout)
{
	struct timespec time;

	r->deadline_ns = TIMER_NEVER;
	if (!timeout)
		return 0;
	if (copy_from_user(&time, (const void __user *)timeout, sizeof(time)))
		return -EFAULT;
	if (!timespec_valid(&time))
		return -EINVAL;
	r->deadline_ns = timespec_to_ns(&time);
	if (!absolute)
		r->deadline_ns = ns_add(clock_ns(), r->deadline_ns);
	return 0;
}

/* ---- robust lists ---- */

s64
sys_set_robust_list(u64 head, u64 size)
{
	if (size != ROBUST_LIST_HEAD_SIZE)
		return -EINVAL;
	WRITE_ONCE(current->robust_list, head);
	return 0;
}

s64
sys_get_robust_list(u64 tid, u64 head_to, u64 size_to)
{
	struct task *task = current;
	u64 head = 0;

	spin_lock(&process_lock);
	if ((s32)tid)
		task = process_find_thread((s32)tid);
	if (task)
		head = READ_ONCE(task->robust_list);
	spin_unlock(&process_lock);
	if (!task)
		return -ESRCH;
	if (put_user_u64(ROBUST_LIST_HEAD_SIZE, (u64 __user *)size_to))
		return -EFAULT;
	return put_user_u64(head, (u64 __user *)head_to);
}
