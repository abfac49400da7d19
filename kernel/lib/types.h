/* SPDX-License-Identifier: MIT */
/*
 * kernel/lib/types.h - the integer types, and arithmetic that every file uses
 *
 * Idea        C's own fixed-width types under the short names kernels use; helpers are inline functions, so
 *             that an argument is evaluated once. container_of and ARRAY_SIZE cannot be functions.
 * Invariants  none
 * Locks       none
 * Follow      everywhere
 * Tests       every host test
 */
#pragma once

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef uint8_t u8;
typedef uint16_t u16;
typedef uint32_t u32;
typedef uint64_t u64;
typedef int8_t s8;
typedef int16_t s16;
typedef int32_t s32;
typedef int64_t s64;

#define container_of(ptr, type, member) ((type *)((char *)(ptr)-offsetof(type, member)))
#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))
#define BIT(n) (1UL << (n))

static inline u64
min_u64(u64 a, u64 b)
{
	return a < b ? a : b;
}

static inline u64
max_u64(u64 a, u64 b)
{
	return a > b ? a : b;
}

static inline s64
max_s64(s64 a, s64 b)
{
	return a > b ? a : b;
}

/* @unit is a power of two. */
static inline u64
round_down(u64 x, u64 unit)
{
	return x & ~(unit - 1);
}

/* @unit is a power of two; wraps to 0 when @x is within @unit of 2^64. */
static inline u64
round_up(u64 x, u64 unit)
{
	return (x + unit - 1) & ~(unit - 1);
}

static inline u64
div_round_up(u64 x, u64 unit)
{
	return x / unit + (x % unit != 0);
}

static inline bool
is_pow2(u64 x)
{
	return x && !(x & (x - 1));
}
