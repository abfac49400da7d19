/* SPDX-License-Identifier: MIT */
/*
 * kernel/futex_queue.h - buckets, keys and sleepers: what futex.c and futex_two.c share
 *
 * Idea        see futex.h
 * Invariants  I1  A record is on the list of the bucket it names, or woken is set.
 * Locks       bucket->lock
 * Follow      from futex.c, futex_two.c; nobody else
 * Tests       tests/guest/futex.c, tests/guest/futex_more.c
 */
#pragma once

#include <kernel/lib/list.h>
#include <kernel/spinlock.h>
#include <kernel/wait.h>

struct pagecache;

/* The same for every user of one word. */
struct futex_key {
	void *owner; /* the mm, or the object of a shared mapping */
	u64 offset;  /* address in the mm, or byte in the object */
};

struct futex_bucket {
	struct spinlock lock;
	struct list sleepers; /* longest first; lock */
};

struct futex_sleeper {
	struct list link;            /* lock of bucket */
	struct futex_bucket *bucket; /* changed under the locks of the old and the new one */
	struct futex_key key;        /* lock of bucket */
	u32 bitset;                  /* const */
	bool wall;                   /* const: its deadline is one of the wall clock */
	bool woken;                  /* lock of bucket; read by the sleeper without it */
	struct wait_queue queue;     /* this one sleeper */
};

/*
 * futex_key_make - the key of the word at @va in the current address space
 *
 * Gives a reference to *object, if there is one: while somebody sleeps, its address names nothing else.
 *
 * Returns   0; -EINVAL alignment; -EFAULT
 * Context   may sleep
 * Gives     one reference to *object, which may be NULL (futex_key_drop)
 */
int futex_key_make(u64 va, bool private, struct futex_key *key, struct pagecache **object);
void futex_key_drop(struct pagecache *object);

struct futex_bucket *futex_bucket_of(const struct futex_key *key);

static inline bool
futex_key_is(const struct futex_key *a, const struct futex_key *b)
{
	return a->owner == b->owner && a->offset == b->offset;
}

/* Wakes the first @count sleepers on @key whose bits meet @bitset. Returns how many. Context: takes the bucket. */
u32 futex_wake_key(const struct futex_key *key, u32 count, u32 bitset);

/* Takes @s off its list and wakes it. Context: holds its bucket's lock, so that @s cannot leave meanwhile. */
void futex_sleeper_wake(struct futex_sleeper *s);
