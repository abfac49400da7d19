/* SPDX-License-Identifier: MIT */
/*
 * kernel/uaccess.h - the only way to a program's memory
 *
 * Idea        First the range (no wrap, below USER_TOP), then arch's copy, whose faults take the ordinary fault path
 *             and, when that says no, return to a fix-up that counts the bytes left. A bad pointer is -EFAULT and never
 *             more.
 * Invariants  none
 * Locks       none may be held: a fault may sleep
 * Follow      from every system call   to arch/x86_64/uaccess.S
 * Tests       tests/guest/wild.c
 */
#pragma once

#include <arch/cpu.h>
#include <arch/mmu.h>
#include <kernel/lib/compiler.h>
#include <kernel/lib/errno.h>
#include <kernel/lib/types.h>

/*
 * copy_from_user, copy_to_user - @n bytes from or to the program's memory; @n == 0 succeeds with any pointer
 *
 * Returns   0, -EFAULT (part may have been copied)
 * Context   may sleep, no lock held
 */
static inline int
copy_from_user(void *dst, const void __user *src, size_t n)
{
	if (unlikely(!va_is_user_range((u64)src, n)))
		return -EFAULT;
	return uaccess_copy(dst, src, n) ? -EFAULT : 0;
}

static inline int
copy_to_user(void __user *dst, const void *src, size_t n)
{
	if (unlikely(!va_is_user_range((u64)dst, n)))
		return -EFAULT;
	return uaccess_copy(dst, src, n) ? -EFAULT : 0;
}

/* One word each, naturally aligned or not. Returns 0, -EFAULT. Context: may sleep, no lock held. */
static inline int
get_user_u8(u8 *out, const u8 __user *src)
{
	return va_is_user_range((u64)src, sizeof(*src)) ? uaccess_get8(out, src) : -EFAULT;
}

static inline int
get_user_u32(u32 *out, const u32 __user *src)
{
	return va_is_user_range((u64)src, sizeof(*src)) ? uaccess_get32(out, src) : -EFAULT;
}

static inline int
get_user_u64(u64 *out, const u64 __user *src)
{
	return va_is_user_range((u64)src, sizeof(*src)) ? uaccess_get64(out, src) : -EFAULT;
}

static inline int
put_user_u8(u8 value, u8 __user *dst)
{
	return va_is_user_range((u64)dst, sizeof(*dst)) ? uaccess_put8(dst, value) : -EFAULT;
}

static inline int
put_user_u32(u32 value, u32 __user *dst)
{
	return va_is_user_range((u64)dst, sizeof(*dst)) ? uaccess_put32(dst, value) : -EFAULT;
}

static inline int
put_user_u64(u64 value, u64 __user *dst)
{
	return va_is_user_range((u64)dst, sizeof(*dst)) ? uaccess_put64(dst, value) : -EFAULT;
}

/*
 * strncpy_from_user - a string of at most @max bytes with its NUL
 *
 * Returns   its length without the NUL; @max when no NUL was found in @max bytes (nothing is terminated then); -EFAULT
 * Context   may sleep, no lock held
 */
s64 strncpy_from_user(char *dst, const char __user *src, size_t max);

/* strnlen_user - likewise, without the copy. */
s64 strnlen_user(const char __user *src, size_t max);

/* clear_user - zero @n bytes. Returns 0, -EFAULT. Context: may sleep, no lock held. */
int clear_user(void __user *dst, size_t n);
