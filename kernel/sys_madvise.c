/* SPDX-License-Identifier: MIT */
/*
 * kernel/sys_madvise.c - madvise: what a program says of its memory
 *
 * Idea        The work is mm's.
 * Invariants  none
 * Locks       none held on entry
 * Follow      from syscalls.def   to mm/madvise.c
 * Tests       tests/guest/madvise.c
 * See         madvise(2)
 */
#include <kernel/syscall.h>
#include <kernel/task.h>
#include <mm/madvise.h>

s64
sys_madvise(u64 addr, u64 len, u64 advice)
{
	return do_madvise(current->mm, addr, len, (s32)advice);
}
