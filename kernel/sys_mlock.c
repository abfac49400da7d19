/* SPDX-License-Identifier: MIT */
/*
 * kernel/sys_mlock.c - mlock and its family: memory that stays
 *
 * Idea        The work is mm's.
 * Invariants  none
 * Locks       none held on entry
 * Follow      from syscalls.def   to mm/mlock.c
 * Tests       tests/guest/mlock.c
 * See         mlock(2)
 */
#include <kernel/lib/errno.h>
#include <kernel/syscall.h>
#include <kernel/task.h>
#include <mm/mlock.h>

s64
sys_mlock(u64 addr, u64 len)
{
	return do_mlock(current->mm, addr, len, false);
}

s64
sys_mlock2(u64 addr, u64 len, u64 flags)
{
	if ((u32)flags & ~MLOCK_ONFAULT)
		return -EINVAL;
	return do_mlock(current->mm, addr, len, flags & MLOCK_ONFAULT);
}

s64
sys_munlock(u64 addr, u64 len)
{
	return do_munlock(current->mm, addr, len);
}

s64
sys_mlockall(u64 flags)
{
	return do_mlockall(current->mm, (u32)flags);
}

s64
sys_munlockall(void)
{
	return do_munlockall(current->mm);
}
