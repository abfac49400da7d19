/* SPDX-License-Identifier: MIT */
/*
 * kernel/lib/compiler.h - what gcc and clang understand beyond C17, under readable names
 *
 * Idea        one place for attributes and for accesses that the compiler may neither merge nor split
 * Invariants  none
 * Locks       none
 * Follow      everywhere
 * Tests       none
 */
#pragma once

#define likely(x) __builtin_expect(!!(x), 1)
#define unlikely(x) __builtin_expect(!!(x), 0)

#define __packed __attribute__((packed))
#define __aligned(n) __attribute__((aligned(n)))
#define __section(s) __attribute__((section(s)))
#define __noreturn __attribute__((noreturn))
#define __noinline __attribute__((noinline))
#define __used __attribute__((used))
#define __unused __attribute__((unused))
#define __must_check __attribute__((warn_unused_result))
#define __printf(fmt, args) __attribute__((format(printf, fmt, args)))

/* Code and data that only the boot uses; freed before the first user program runs. */
#define __init __section(".init.text") __attribute__((cold))
#define __initdata __section(".init.data")

/* A pointer that belongs to a user program: only kernel/uaccess.h may follow it. */
#define __user

/* One access, of the size written: for fields that another CPU changes meanwhile. */
#define READ_ONCE(x) (*(const volatile __typeof__(x) *)&(x))
#define WRITE_ONCE(x, v) (*(volatile __typeof__(x) *)&(x) = (v))

/* The compiler moves no memory access across this line. */
static inline void
barrier(void)
{
	__asm__ volatile("" ::: "memory");
}
