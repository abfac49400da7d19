/* SPDX-License-Identifier: MIT */
/*
 * kernel/lib/atomic.h - integers that several CPUs change
 *
 * Idea        thin names over the compiler's __atomic built-ins. An operation that returns a value orders all memory
 *             accesses around it (sequentially consistent); read and set order nothing.
 * Invariants  none
 * Locks       none needed: that is the point
 * Follow      page refs and flags, mm counters, cpu masks
 * Tests       used by every host test that has threads
 */
#pragma once

#include <kernel/lib/types.h>

typedef struct {
	s32 value;
} atomic_t;

typedef struct {
	s64 value;
} atomic64_t;

static inline s32
atomic_read(const atomic_t *a)
{
	return __atomic_load_n(&a->value, __ATOMIC_RELAXED);
}

static inline void
atomic_set(atomic_t *a, s32 v)
{
	__atomic_store_n(&a->value, v, __ATOMIC_RELAXED);
}

static inline void
atomic_add(atomic_t *a, s32 v)
{
	__atomic_fetch_add(&a->value, v, __ATOMIC_SEQ_CST);
}

static inline void
atomic_inc(atomic_t *a)
{
	atomic_add(a, 1);
}

static inline void
atomic_dec(atomic_t *a)
{
	atomic_add(a, -1);
}

/* Returns the new value. */
static inline s32
atomic_add_return(atomic_t *a, s32 v)
{
	return __atomic_add_fetch(&a->value, v, __ATOMIC_SEQ_CST);
}

/* True when this call took the count to zero. */
static inline bool
atomic_dec_and_test(atomic_t *a)
{
	return __atomic_sub_fetch(&a->value, 1, __ATOMIC_SEQ_CST) == 0;
}

/* Takes a reference unless the count is already zero. */
static inline bool
atomic_inc_not_zero(atomic_t *a)
{
	s32 old = atomic_read(a);

	do {
		if (old == 0)
			return false;
	} while (!__atomic_compare_exchange_n(&a->value, &old, old + 1, false, __ATOMIC_SEQ_CST, __ATOMIC_RELAXED));
	return true;
}

/* Stores @new if the value is @old; true if it was. */
static inline bool
atomic_cmpxchg(atomic_t *a, s32 old, s32 new)
{
	return __atomic_compare_exchange_n(&a->value, &old, new, false, __ATOMIC_SEQ_CST, __ATOMIC_RELAXED);
}

static inline s64
atomic64_read(const atomic64_t *a)
{
	return __atomic_load_n(&a->value, __ATOMIC_RELAXED);
}

static inline void
atomic64_set(atomic64_t *a, s64 v)
{
	__atomic_store_n(&a->value, v, __ATOMIC_RELAXED);
}

static inline void
atomic64_add(atomic64_t *a, s64 v)
{
	__atomic_fetch_add(&a->value, v, __ATOMIC_SEQ_CST);
}

static inline s64
atomic64_xchg(atomic64_t *a, s64 v)
{
	return __atomic_exchange_n(&a->value, v, __ATOMIC_SEQ_CST);
}

static inline s64
atomic64_add_return(atomic64_t *a, s64 v)
{
	return __atomic_add_fetch(&a->value, v, __ATOMIC_SEQ_CST);
}

/* Bits of a word; each returns whether the bit was set before. */
static inline bool
bit_test_and_set(u32 *word, u32 bit)
{
	u32 mask = 1U << bit;

	return __atomic_fetch_or(word, mask, __ATOMIC_SEQ_CST) & mask;
}

static inline bool
bit_test_and_clear(u32 *word, u32 bit)
{
	u32 mask = 1U << bit;

	return __atomic_fetch_and(word, ~mask, __ATOMIC_SEQ_CST) & mask;
}
