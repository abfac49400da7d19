/* SPDX-License-Identifier: MIT */
/*
 * kernel/syscall.c - the table, and the answer to numbers that are not in it
 *
 * Idea        The entry code calls through the table with up to six register arguments; a function that takes fewer
 *             ignores the rest, as the calling convention allows. So no wrapper costs an instruction.
 * Invariants  syscall.h I1
 * Locks       none
 * Follow      from arch/x86_64/entry.S   to sys_*.c
 * Tests       tests/guest/basics.c, tests/guest/wild.c
 */
#include <kernel/lib/atomic.h>
#include <kernel/lib/errno.h>
#include <kernel/printk.h>
#include <kernel/syscall.h>
#include <kernel/task.h>

#define SLOT(fn) ((syscall_fn)(void *)(fn))

/* Every slot is filled first, then those that are built are filled again: that is what the warning is about. */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Woverride-init"
const syscall_fn syscall_table[SYSCALL_TABLE_SIZE] = {
	[0 ... SYSCALL_TABLE_SIZE - 1] = SLOT(sys_unknown),
#define SYSCALL(nr, name, nargs, status) [nr] = SLOT(sys_##name),
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
