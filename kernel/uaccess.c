/* SPDX-License-Identifier: MIT */
/*
 * kernel/uaccess.c - strings and zeroes in a program's memory
 *
 * Idea        what is too long to be inline in uaccess.h
 * Invariants  none
 * Locks       none may be held
 * Follow      from exec.c, fs   to arch/x86_64/uaccess.S
 * Tests       tests/guest/wild.c
 */
#include <kernel/lib/string.h>
#include <kernel/uaccess.h>

#define STRNLEN_CHUNK 128UL

static size_t range_below_top(u64 va, size_t max);

s64
strncpy_from_user(char *dst, const char __user *src, size_t max)
{
	size_t room = range_below_top((u64)src, max);
	s64 len;

	if (!room)
		return max ? -EFAULT : 0;
	len = uaccess_strncpy(dst, src, room);
	/* A string that runs into the end of user space is a bad pointer, not a long string. */
	return len == (s64)room && room < max ? -EFAULT : len;
}

/* Reads in chunks that do not cross a page, so that a string may end right before an unmapped page. */
s64
strnlen_user(const char __user *src, size_t max)
{
	char chunk[STRNLEN_CHUNK];
	size_t done = 0;

	while (done < max) {
		u64 va = (u64)src + done;
		size_t n = min_u64(min_u64(STRNLEN_CHUNK, max - done), PAGE_SIZE - (va & (PAGE_SIZE - 1)));
		size_t len;

		if (copy_from_user(chunk, (const char __user *)va, n))
			return -EFAULT;
		len = strnlen(chunk, n);
		done += len;
		if (len < n)
			return (s64)done;
	}
	return (s64)max;
}

int
clear_user(void __user *dst, size_t n)
{
	if (!va_is_user_range((u64)dst, n))
		return -EFAULT;
	return uaccess_clear(dst, n) ? -EFAULT : 0;
}

/* How many of @max bytes from @va on lie in user space. */
static size_t
range_below_top(u64 va, size_t max)
{
	return va >= USER_TOP ? 0 : min_u64(max, USER_TOP - va);
}
