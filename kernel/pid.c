/* SPDX-License-Identifier: MIT */
/*
 * kernel/pid.c - the map of used numbers and the table of their carriers
 *
 * Idea        see pid.h. The bucket of a number is its low bits: numbers are given out in sequence, so that buckets
 *             fill evenly without a hash function.
 * Invariants  as in pid.h
 * Locks       process_lock, by the callers
 * Follow      from process.c, fork.c, exec.c   to kernel/lib/bitmap.c
 * Tests       tests/host/pid_test.c
 */
#include <kernel/lib/bitmap.h>
#include <kernel/lib/errno.h>
#include <kernel/panic.h>
#include <kernel/pid.h>

#define PID_BUCKETS 512

static struct list pid_bucket[PID_BUCKETS];
static u64 pid_map[BITMAP_WORDS(PID_MAX)];
static s32 pid_last; /* most recent answer of pid_alloc */

static struct list *bucket_of(s32 nr);
static struct pid_node *bucket_scan(struct list *from, s32 nr, s32 kind);

#define KIND_ANY (-1)

void
pid_init(void)
{
	for (u32 i = 0; i < PID_BUCKETS; i++)
		list_init(&pid_bucket[i]);
	bitmap_set(pid_map, 0);
	pid_last = 0;
}

s32
pid_alloc(void)
{
	u64 nr = bitmap_find_zero(pid_map, PID_MAX, (u64)pid_last + 1);

	if (nr == PID_MAX)
		nr = bitmap_find_zero(pid_map, PID_MAX, PID_RESERVED);
	if (nr == PID_MAX)
		return -EAGAIN;
	bitmap_set(pid_map, nr);
	pid_last = (s32)nr;
	return pid_last;
}

s32
pid_last_given(void)
{
	return READ_ONCE(pid_last);
}

void
pid_free(s32 nr)
{
	assertf(bitmap_test(pid_map, (u64)nr), "process number %d is given back but was not in use", nr);
	dassert(!bucket_scan(bucket_of(nr), nr, KIND_ANY));
	bitmap_clear(pid_map, (u64)nr);
}

void
pid_attach(struct pid_node *node, enum pid_kind kind, s32 nr)
{
	assertf(nr >= 0 && nr < PID_MAX, "%d is no process number", nr);
	assertf(bitmap_test(pid_map, (u64)nr), "process number %d gets a carrier but was not in use", nr);
	node->nr = nr;
	node->kind = kind;
	list_add(&node->link, bucket_of(nr));
}

void
pid_detach(struct pid_node *node)
{
	list_del(&node->link);
	if (node->nr && !bucket_scan(bucket_of(node->nr), node->nr, KIND_ANY))
		bitmap_clear(pid_map, (u64)node->nr);
}

struct pid_node *
pid_find(enum pid_kind kind, s32 nr)
{
	if (nr < 0 || nr >= PID_MAX)
		return NULL;
	return bucket_scan(bucket_of(nr), nr, (s32)kind);
}

struct pid_node *
pid_next(struct pid_node *node)
{
	return bucket_scan(&node->link, node->nr, (s32)node->kind);
}

s32
pid_next_used(s32 nr)
{
	u64 next = bitmap_find_set(pid_map, PID_MAX, (u64)nr + 1);

	return next == PID_MAX ? 0 : (s32)next;
}

static struct list *
bucket_of(s32 nr)
{
	return &pid_bucket[(u32)nr % PID_BUCKETS];
}

/* The first node behind @from, in the bucket of @nr, that carries @nr as @kind. */
static struct pid_node *
bucket_scan(struct list *from, s32 nr, s32 kind)
{
	struct list *head = bucket_of(nr);

	for (struct list *link = from->next; link != head; link = link->next) {
		struct pid_node *node = list_entry(link, struct pid_node, link);

		if (node->nr == nr && (kind == KIND_ANY || node->kind == (u32)kind))
			return node;
	}
	return NULL;
}
