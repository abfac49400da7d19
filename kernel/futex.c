/* SPDX-License-Identifier: MIT */
/*
 * kernel/futex.c - the buckets, and who sleeps in them
 *
 * Idea        see futex.h. A sleeper's record lies on its own stack. It leaves only after it has held its bucket's lock
 *             once more, so that a waker under that lock may still touch it.
 *
 *                 sleeper: join bucket | read word: differs -> leave, EAGAIN | sleep until woken
 *                 waker:   change word | take bucket, first sleepers off, wake each
 *
 *             Race: the sleeper joins, the waker changes the word and spends its one wake-up on the sleeper, the
 *             sleeper reads the new value and leaves with EAGAIN: the wake-up would be lost to another that sleeps
 *             already. So who leaves with EAGAIN although woken wakes the next one.
 *             A deadline of the wall clock is turned into one of clock_ns() anew whenever somebody sets that clock.
 * Invariants  see futex_queue.h
 * Locks       bucket->lock
 * Follow      from sys_futex.c, exit.c, robust_list.c   to wait.h, mm/vma.h
 * Tests       tests/guest/futex.c, tests/guest/futex_more.c
 */
#include <kernel/futex.h>
#include <kernel/futex_queue.h>
#include <kernel/lib/errno.h>
#include <kernel/panic.h>
#include <kernel/signal.h>
#include <kernel/spinlock.h>
#include <kernel/task.h>
#include <kernel/uaccess.h>
#include <kernel/wait.h>
#include <kernel/wall_clock.h>
#include <mm/mm.h>
#include <mm/pagecache.h>

#define FUTEX_BUCKETS 64

static struct futex_bucket buckets[FUTEX_BUCKETS];

static int key_shared(u64 va, struct futex_key *key, struct pagecache **object);
static s64 wait_again(const u64 arg[RESTART_ARGS]);
static s64 sleep_on(struct futex_sleeper *s, const struct futex_request *request);
static int sleep_until_woken(struct futex_sleeper *s, u64 deadline_ns);
static int sleep_on_wall_clock(struct futex_sleeper *s, u64 deadline_ns);
static bool sleeper_leave(struct futex_sleeper *s);
static struct futex_bucket *sleeper_lock_bucket(struct futex_sleeper *s);

void
futex_init(void)
{
	for (u32 i = 0; i < FUTEX_BUCKETS; i++) {
		spin_init(&buckets[i].lock, RANK_FUTEX);
		list_init(&buckets[i].sleepers);
	}
}

/* ---- keys ---- */

int
futex_key_make(u64 va, bool private, struct futex_key *key, struct pagecache **object)
{
	*object = NULL;
	*key = (struct futex_key){current->mm, va};
	if (va % sizeof(u32))
		return -EINVAL;
	if (!va_is_user_range(va, sizeof(u32)))
		return -EFAULT;
	return private ? 0 : key_shared(va, key, object);
}

static int
key_shared(u64 va, struct futex_key *key, struct pagecache **object)
{
	struct mm *mm = current->mm;
	struct vma *vma;
	int error = 0;

	rwsem_read_lock(&mm->lock);
	vma = vma_find(&mm->vmas, va);
	if (!vma || vma->start > va) {
		error = -EFAULT;
	} else if (vma->flags & VM_SHARED) {
		assertf(vma->object, "the shared vma at %lx has no object", vma->start);
		*object = vma->object;
		pagecache_get(*object);
		*key = (struct futex_key){*object, (vma->pgoff << PAGE_SHIFT) + (va - vma->start)};
	}
	rwsem_read_unlock(&mm->lock);
	return error;
}

void
futex_key_drop(struct pagecache *object)
{
	if (object)
		pagecache_put(object);
}

struct futex_bucket *
futex_bucket_of(const struct futex_key *key)
{
	u64 hash = ((u64)key->owner >> 6 ^ key->offset >> 2) * 0x9e3779b97f4a7c15UL;

	return &buckets[hash >> 58];
}

_Static_assert(FUTEX_BUCKETS == 1 << (64 - 58), "six bits of the hash choose the bucket");

/* ---- wait ---- */

s64
futex_wait_op(const struct futex_request *request)
{
	struct futex_sleeper s = {.bitset = request->bitset, .wall = request->wall};
	struct pagecache *object;
	s64 result;

	if (!request->bitset)
		return -EINVAL;
	result = futex_key_make(request->va, request->private, &s.key, &object);
	if (result)
		return result;
	result = sleep_on(&s, request);
	futex_key_drop(object);
	if (result == -ERESTARTSYS && request->deadline_ns != TIMER_NEVER)
		return restart_later(wait_again, 5, request->va, (u64)request->private | (u64)request->wall << 1,
				     (u64)request->value, (u64)request->bitset, request->deadline_ns);
	return result;
}

static s64
wait_again(const u64 arg[RESTART_ARGS])
{
	struct futex_request request = {.va = arg[0],
					.private = arg[1] & 1,
					.wall = arg[1] & 2,
					.value = (u32)arg[2],
					.bitset = (u32)arg[3],
					.deadline_ns = arg[4]};

	return futex_wait_op(&request);
}

static s64
sleep_on(struct futex_sleeper *s, const struct futex_request *request)
{
	struct futex_key key = s->key;
	bool woken;
	u32 value;
	int error;

	wait_init(&s->queue);
	s->bucket = futex_bucket_of(&s->key);
	spin_lock(&s->bucket->lock);
	list_add_tail(&s->link, &s->bucket->sleepers);
	spin_unlock(&s->bucket->lock);

	error = get_user_u32(&value, (const u32 __user *)request->va);
	if (!error && value != request->value)
		error = -EAGAIN;
	if (!error) {
		error = sleep_until_woken(s, request->deadline_ns);
		return sleeper_leave(s) ? 0 : error;
	}
	woken = sleeper_leave(s);
	if (woken)
		(void)futex_wake_key(&key, 1, request->bitset); /* the race at the head of this file */
	return error;
}

static int
sleep_until_woken(struct futex_sleeper *s, u64 deadline_ns)
{
	if (deadline_ns == TIMER_NEVER)
		return wait_event_interruptible(&s->queue, READ_ONCE(s->woken));
	if (s->wall)
		return sleep_on_wall_clock(s, deadline_ns);
	return wait_event_timeout_interruptible(&s->queue, READ_ONCE(s->woken), deadline_ns);
}

static int
sleep_on_wall_clock(struct futex_sleeper *s, u64 deadline_ns)
{
	u32 changes;
	int error;

	do {
		changes = wall_clock_changes();
		error = wait_event_timeout_interruptible(&s->queue,
							 READ_ONCE(s->woken) || changes != wall_clock_changes(),
							 wall_clock_moment(deadline_ns));
	} while (!error && !READ_ONCE(s->woken));
	return error;
}

/* They look at the clock and sleep on. */
void
futex_wall_clock_changed(void)
{
	for (u32 i = 0; i < FUTEX_BUCKETS; i++) {
		struct futex_sleeper *s;

		spin_lock(&buckets[i].lock);
		list_for_each (s, &buckets[i].sleepers, link)
			if (s->wall)
				wake_all(&s->queue);
		spin_unlock(&buckets[i].lock);
	}
}

/* Off the bucket in any case; was it woken? After this no waker knows of @s. */
static bool
sleeper_leave(struct futex_sleeper *s)
{
	struct futex_bucket *bucket = sleeper_lock_bucket(s);
	bool woken = s->woken;

	if (!woken)
		list_del(&s->link);
	spin_unlock(&bucket->lock);
	return woken;
}

/* Race: the sleeper is moved to another bucket between reading which one it is in and locking that. Look again then. */
static struct futex_bucket *
sleeper_lock_bucket(struct futex_sleeper *s)
{
	for (;;) {
		struct futex_bucket *bucket = READ_ONCE(s->bucket);

		spin_lock(&bucket->lock);
		if (bucket == READ_ONCE(s->bucket))
			return bucket;
		spin_unlock(&bucket->lock);
	}
}

/* ---- wake ---- */

s64
futex_wake(u64 va, u32 count)
{
	struct futex_request request = {.va = va, .wake = count, .bitset = FUTEX_BITSET_ANY};

	return futex_wake_bits(&request);
}

s64
futex_wake_bits(const struct futex_request *request)
{
	struct pagecache *object;
	struct futex_key key;
	s64 result;

	if (!request->bitset)
		return -EINVAL;
	result = futex_key_make(request->va, request->private, &key, &object);
	if (result)
		return result;
	result = futex_wake_key(&key, futex_wake_count(request->wake), request->bitset);
	futex_key_drop(object);
	return result;
}

u32
futex_wake_key(const struct futex_key *key, u32 count, u32 bitset)
{
	struct futex_bucket *bucket = futex_bucket_of(key);
	struct futex_sleeper *s;
	struct futex_sleeper *next;
	u32 woken = 0;

	spin_lock(&bucket->lock);
	list_for_each_safe (s, next, &bucket->sleepers, link) {
		if (woken == count)
			break;
		if (!futex_key_is(&s->key, key) || !(s->bitset & bitset))
			continue;
		futex_sleeper_wake(s);
		woken++;
	}
	spin_unlock(&bucket->lock);
	return woken;
}

void
futex_sleeper_wake(struct futex_sleeper *s)
{
	list_del(&s->link);
	WRITE_ONCE(s->woken, true);
	wake_all(&s->queue);
}
