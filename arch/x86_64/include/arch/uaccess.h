/* SPDX-License-Identifier: MIT */
/*
 * arch/x86_64/include/arch/uaccess.h - the machine's part of kernel/uaccess.h
 *
 * Idea        see uaccess.S. The caller has checked that the user's addresses lie below USER_TOP.
 * Invariants  none
 * Locks       none may be held: a fault inside sleeps, or ends the access early
 * Follow      from kernel/uaccess.h, kernel/futex.c   to uaccess.S
 * Tests       tests/guest/wild.c
 */
#pragma once

#include <kernel/lib/types.h>

/* Returns the bytes that were not copied. */
u64 uaccess_copy(void *dst, const void *src, u64 n);

/* Returns the bytes that were not cleared. */
u64 uaccess_clear(void *dst, u64 n);

/* Copies up to and with the NUL, at most @max bytes. Returns the length without NUL, @max if none, -EFAULT. */
s64 uaccess_strncpy(char *dst, const char *src, u64 max);

/* Bytes before the NUL, @max if there is none among @max bytes, -EFAULT. */
s64 uaccess_strnlen(const char *src, u64 max);

/* One naturally sized access. Return 0 or -EFAULT. */
int uaccess_get8(u8 *out, const u8 *src);
int uaccess_get16(u16 *out, const u16 *src);
int uaccess_get32(u32 *out, const u32 *src);
int uaccess_get64(u64 *out, const u64 *src);
int uaccess_put8(u8 *dst, u8 value);
int uaccess_put16(u16 *dst, u16 value);
int uaccess_put32(u32 *dst, u32 value);
int uaccess_put64(u64 *dst, u64 value);

/* FPU registers to and from an image. Return 0 or -EFAULT; an image that the CPU refuses is -EFAULT, too. */
int uaccess_xsave(void *dst);
int uaccess_fxsave(void *dst);
int uaccess_xrstor(const void *src, u64 components);
int uaccess_fxrstor(const void *src);

/* Reads kernel memory that may not be mapped, for reports. Returns 0 or -EFAULT. */
int uaccess_probe64(u64 *out, u64 kernel_va);

/* Atomic compare and exchange for futexes: *@seen is what was there. Returns 0 or -EFAULT. */
int uaccess_cas32(u32 *dst, u32 old, u32 new, u32 *seen);
