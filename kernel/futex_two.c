/* SPDX-License-Identifier: MIT */
/*
 * kernel/futex_two.c - futex operations on two words: requeue, and wake after an operation
 *
 * Idea        Requeue lets sleepers on one word wait on another without waking them: the mutex behind a condition.
 *             Wake-op changes the second word, wakes on the first, and on the second too if its old value says so.
 * Invariants  see futex_queue.h
 * Locks       bucket->lock, two at once in the order of their addresses
 * Follow      from sys_futex.c   to futex.c
 * Tests       tests/guest/futex_more.c, tests/guest/thread.c
 */
#include <kernel/futex.h>
#include <kernel/futex_queue.h>
#include <kernel/lib/errno.h>
#include <kernel/uaccess.h>

/* What FUTEX_WAKE_OP does to the second word, and asks of its old value. */
enum wake_operation {
	WORD_SET,
	WORD_ADD,
	WORD_OR,
	WORD_ANDN,
	WORD_XOR,
	WORD_SHIFT = 8, /* flag: the operand is the number of a bit */
};

enum wake_comparison {
	WORD_EQ,
	WORD_NE,
	WORD_LT,
	WORD_LE,
	WORD_GT,
	WORD_GE,
};

/* An encoded operation, taken apart. */
struct word_change {
	u32 operation;
	u32 comparison;
	s32 operand;
	s32 compared;
};

static s64 requeue_keys(const struct futex_request *request, const struct futex_key *from, const struct futex_key *to);
static u32 requeue_locked(struct futex_bucket *from_bucket, struct futex_bucket *to_bucket,
			  const struct futex_key *from, const struct futex_key *to,
			  const struct futex_request *request);
static void lock_two(struct futex_bucket *a, struct futex_bucket *b);
static void unlock_two(struct futex_bucket *a, struct futex_bucket *b);
static s64 wake_both(const struct futex_request *request, const struct word_change *change,
		     const struct futex_key *first, const struct futex_key *second);
static struct word_change change_decode(u32 code);
static int word_change(u64 va, const struct word_change *change, u32 *old);
static u32 word_changed(u32 old, const struct word_change *change);
static bool word_compares(s32 old, const struct word_change *change);

/* ---- requeue ---- */

s64
futex_requeue_op(const struct futex_request *request)
{
	struct pagecache *from_object;
	struct pagecache *to_object = NULL;
	struct futex_key from;
	struct futex_key to;
	s64 result = futex_key_make(request->va, request->private, &from, &from_object);

	if (result)
		return result;
	result = futex_key_make(request->va2, request->private, &to, &to_object);
	if (!result)
		result = requeue_keys(request, &from, &to);
	futex_key_drop(to_object);
	futex_key_drop(from_object);
	return result;
}

/*
 * Why the word is read without the buckets' locks: user memory may fault. The comparison therefore speaks of a moment
 * just before; callers of CMP_REQUEUE hold their own lock over the word.
 */
static s64
requeue_keys(const struct futex_request *request, const struct futex_key *from, const struct futex_key *to)
{
	struct futex_bucket *a = futex_bucket_of(from);
	struct futex_bucket *b = futex_bucket_of(to);
	u32 count;
	u32 value;

	if (request->compare && get_user_u32(&value, (const u32 __user *)request->va))
		return -EFAULT;
	if (request->compare && value != request->value)
		return -EAGAIN;
	lock_two(a, b);
	count = requeue_locked(a, b, from, to, request);
	unlock_two(a, b);
	return count;
}

/* How many were woken or moved. */
static u32
requeue_locked(struct futex_bucket *from_bucket, struct futex_bucket *to_bucket, const struct futex_key *from,
	       const struct futex_key *to, const struct futex_request *request)
{
	struct futex_sleeper *s;
	struct futex_sleeper *next;
	u32 woken = 0;
	u32 moved = 0;

	must_hold(&from_bucket->lock);
	must_hold(&to_bucket->lock);
	list_for_each_safe (s, next, &from_bucket->sleepers, link) {
		if (!futex_key_is(&s->key, from))
			continue;
		if (woken < request->wake) {
			futex_sleeper_wake(s);
			woken++;
			continue;
		}
		if (moved == request->requeue)
			break;
		s->key = *to;
		moved++;
		/* In one bucket a moved sleeper stays where it is: behind the end the loop would meet it again. */
		if (from_bucket == to_bucket)
			continue;
		list_del(&s->link);
		list_add_tail(&s->link, &to_bucket->sleepers);
		WRITE_ONCE(s->bucket, to_bucket);
	}
	return woken + moved;
}

static void
lock_two(struct futex_bucket *a, struct futex_bucket *b)
{
	struct futex_bucket *first = a < b ? a : b;
	struct futex_bucket *second = a < b ? b : a;

	spin_lock(&first->lock);
	if (first != second)
		spin_lock_nested(&second->lock);
}

static void
unlock_two(struct futex_bucket *a, struct futex_bucket *b)
{
	spin_unlock(&a->lock);
	if (a != b)
		spin_unlock(&b->lock);
}

/* ---- wake after an operation ---- */

/* Both keys are made before the word is changed: a bad address changes nothing. */
s64
futex_wake_op(const struct futex_request *request, u32 code)
{
	struct word_change change = change_decode(code);
	struct pagecache *first_object;
	struct pagecache *second_object = NULL;
	struct futex_key first;
	struct futex_key second;
	s64 result = futex_key_make(request->va, request->private, &first, &first_object);

	if (result)
		return result;
	result = futex_key_make(request->va2, request->private, &second, &second_object);
	if (!result)
		result = wake_both(request, &change, &first, &second);
	futex_key_drop(second_object);
	futex_key_drop(first_object);
	return result;
}

static s64
wake_both(const struct futex_request *request, const struct word_change *change, const struct futex_key *first,
	  const struct futex_key *second)
{
	u32 old;
	s64 woken = word_change(request->va2, change, &old);

	if (woken)
		return woken;
	if (change->comparison > WORD_GE)
		return -ENOSYS;
	woken = futex_wake_key(first, futex_wake_count(request->wake), FUTEX_BITSET_ANY);
	if (word_compares((s32)old, change))
		woken += futex_wake_key(second, futex_wake_count(request->requeue), FUTEX_BITSET_ANY);
	return woken;
}

/* 4 bits of operation, 4 of comparison, 12 of signed operand, 12 to compare with. */
static struct word_change
change_decode(u32 code)
{
	struct word_change change = {
		.operation = code >> 28 & ~WORD_SHIFT,
		.comparison = code >> 24 & 15,
		.operand = (s32)(code << 8) >> 20,
		.compared = (s32)(code << 20) >> 20,
	};

	if (code >> 28 & WORD_SHIFT)
		change.operand = (s32)(1U << (change.operand & 31));
	return change;
}

static int
word_change(u64 va, const struct word_change *change, u32 *old)
{
	u32 seen;

	if (change->operation > WORD_XOR)
		return -ENOSYS;
	if (get_user_u32(&seen, (const u32 __user *)va))
		return -EFAULT;
	do {
		*old = seen;
		if (uaccess_cas32((u32 *)va, *old, word_changed(*old, change), &seen))
			return -EFAULT;
	} while (seen != *old);
	return 0;
}

static u32
word_changed(u32 old, const struct word_change *change)
{
	u32 operand = (u32)change->operand;

	switch (change->operation) {
	case WORD_SET:
		return operand;
	case WORD_ADD:
		return old + operand;
	case WORD_OR:
		return old | operand;
	case WORD_ANDN:
		return old & ~operand;
	default:
		return old ^ operand;
	}
}

static bool
word_compares(s32 old, const struct word_change *change)
{
	switch (change->comparison) {
	case WORD_EQ:
		return old == change->compared;
	case WORD_NE:
		return old != change->compared;
	case WORD_LT:
		return old < change->compared;
	case WORD_LE:
		return old <= change->compared;
	case WORD_GT:
		return old > change->compared;
	default:
		return old >= change->compared;
	}
}
