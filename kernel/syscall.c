/* SPDX-License-Identifier: MIT */
/*
 * kernel/syscall.c - the table, and the answer to numbers that are not in it
 *
 * Idea        The entry code calls through the table with up to six register arguments; a function that takes fewer
 *             ignores the rest, as the calling convention allows. So no wrapper costs an instruction.
 *             The debug kernel does have wrappers: they count how often each call was made and how often it succeeded,
 *             so that a test can prove that every call was tried (/proc/syscalls).
 * Invariants  syscall.h I1
 * Locks       none
 * Follow      from arch/x86_64/entry.S   to sys_*.c
 * Tests       tests/guest/basics.c, tests/guest/wild.c, tests/guest/abi.c
 */
#include <kernel/lib/atomic.h>
#include <kernel/lib/errno.h>
#include <kernel/printk.h>
#include <kernel/syscall.h>
#include <kernel/task.h>

#define SLOT(fn) ((syscall_fn)(void *)(fn))
#define ARGS_DECLARE u64 a, u64 b, u64 c, u64 d, u64 e, u64 f

struct syscall_count syscall_counts[SYSCALL_TABLE_SIZE];

static s64 counted(u32 nr, syscall_fn fn, ARGS_DECLARE);

/* A wrapper for each call; the release kernel uses none of them. */
#define SYSCALL(nr, name, nargs, status)                                \
	static __unused s64 counted_##name(ARGS_DECLARE)                \
	{                                                               \
		return counted(nr, SLOT(sys_##name), a, b, c, d, e, f); \
	}
#include <kernel/syscalls.def>
#undef SYSCALL

/* Every slot is filled first, then those that are built are filled again: that is what the warning is about. */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Woverride-init"
const syscall_fn syscall_table[SYSCALL_TABLE_SIZE] = {
	[0 ... SYSCALL_TABLE_SIZE - 1] = SLOT(sys_unknown),
#define SYSCALL(nr, name, nargs, status) [nr] = CONFIG_DEBUG ? counted_##name : SLOT(sys_##name),
#include <kernel/syscalls.def>
#undef SYSCALL
};
#pragma GCC diagnostic pop

static u32 logged[SYSCALL_TABLE_SIZE / 32]; /* atomic: a bit for each number that was logged */

s64
sys_unknown(void)
{
	u64 nr = (u64)task_frame(current)->orig_rax;
	u32 bit = nr < SYSCALL_TABLE_SIZE ? (u32)nr : SYSCALL_TABLE_SIZE - 1;

	if (!bit_test_and_set(&logged[bit / 32], bit % 32))
		pr_info("%s[%d]: system call %lu is not built (ENOSYS; said once)\n", current->comm, current->tid, nr);
	return -ENOSYS;
}

/* Why before the call as well: some never come back. */
static s64
counted(u32 nr, syscall_fn fn, ARGS_DECLARE)
{
	s64 result;

	atomic64_add(&syscall_counts[nr].made, 1);
	result = fn(a, b, c, d, e, f);
	if (result >= 0)
		atomic64_add(&syscall_counts[nr].good, 1);
	return result;
}
