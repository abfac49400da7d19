/* SPDX-License-Identifier: MIT */
/*
 * kernel/sys_madvise.c - madvise, mincore, msync: what a program says of its memory, and asks
 *
 * Idea        The work is mm's; here are the copies to the program.
 * Invariants  none
 * Locks       none held on entry
 * Follow      from syscalls.def   to mm/madvise.c, mm/mincore.c
 * Tests       tests/guest/madvise.c, tests/guest/mincore.c
 * See         madvise(2), mincore(2), msync(2)
 */
#include <kernel/lib/errno.h>
#include <kernel/panic.h>
#include <kernel/syscall.h>
#include <kernel/task.h>
#include <kernel/uaccess.h>
#include <mm/madvise.h>
#include <mm/mincore.h>

#define MINCORE_CHUNK 256UL /* pages told at once: bytes on the stack */

s64
sys_madvise(u64 addr, u64 len, u64 advice)
{
	return do_madvise(current->mm, addr, len, (s32)advice);
}

s64
sys_mincore(u64 addr, u64 len, u64 vec)
{
	u64 pages = (len >> PAGE_SHIFT) + !!(len & ~PAGE_MASK);
	u8 chunk[MINCORE_CHUNK];

	if (addr & ~PAGE_MASK)
		return -EINVAL;
	if (!va_is_user_range(addr, len))
		return -ENOMEM;
	if (!va_is_user_range(vec, pages))
		return -EFAULT;
	while (pages) {
		s64 n = mincore_some(current->mm, addr, min_u64(pages, MINCORE_CHUNK), chunk);

		if (n < 0)
			return n;
		dassert(n > 0 && (u64)n <= pages);
		if (copy_to_user((void __user *)vec, chunk, n))
			return -EFAULT;
		addr += (u64)n << PAGE_SHIFT;
		vec += n;
		pages -= n;
	}
	return 0;
}

s64
sys_msync(u64 addr, u64 len, u64 flags)
{
	return do_msync(current->mm, addr, len, (u32)flags);
}
