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
 * Invariants  I1  A record is on the list of the bucket it names, or woken is set.
 * Locks       bucket->lock
 * Follow      from sys_proc.c, exit.c   to wait.h, mm/vma.h
 * Tests       tests/guest/futex.c
 */
#include <kernel/futex.h>
#include <kernel/lib/errno.h>
#include <kernel/panic.h>
#include <kernel/signal.h>
#include <kernel/spinlock.h>
#include <kernel/task.h>
#include <kernel/uaccess.h>
#include <kernel/wait.h>
#include <mm/mm.h>
#include <mm/pagecache.h>

#define FUTEX_BUCKETS 64

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
	bool woken;                  /* lock of bucket; read by the sleeper without it */
	struct wait_queue queue;     /* this one sleeper */
};

static struct futex_bucket buckets[FUTEX_BUCKETS];

static int key_make(u64 va, bool private, struct futex_key *key, struct pagecache **object);
static int key_shared(u64 va, struct futex_key *key, struct pagecache **object);
static void key_drop(struct pagecache *object);
static struct futex_bucket *bucket_of(const struct futex_key *key);
static s64 wait_again(const u64 arg[RESTART_ARGS]);
static s64 sleep_on(struct futex_sleeper *s, const struct futex_request *request);
static int sleep_until_woken(struct futex_sleeper *s, u64 deadline_ns);
static bool sleeper_leave(struct futex_sleeper *s);
static struct futex_bucket *sleeper_lock_bucket(struct futex_sleeper *s);
static u32 wake_key(const struct futex_key *key, u32 count, u32 bitset);
static bool key_is(const struct futex_key *a, const struct futex_key *b);
static void sleeper_wake(struct futex_sleeper *s);
static s64 requeue_keys(const struct futex_request *request, const struct futex_key *from, const struct futex_key *to);
static u32 requeue_locked(struct futex_bucket *from_bucket, struct futex_bucket *to_bucket,
			  const struct futex_key *from, const struct futex_key *to, const struct futex_request *request,
			  u32 *woken);
static void lock_two(struct futex_bucket *a, struct futex_bucket *b);
static void unlock_two(struct futex_bucket *a, struct futex_bucket *b);

void
futex_init(void)
{
	for (u32 i = 0; i < FUTEX_BUCKETS; i++) {
		spin_init(&buckets[i].lock, RANK_FUTEX);
		list_init(&buckets[i].sleepers);
	}
}

/* ---- keys ---- */

/* Gives a reference to *object, if there is one: while somebody sleeps, its address names nothing else. */
static int
key_make(u64 va, bool private, struct futex_key *key, struct pagecache **object)
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

static void
key_drop(struct pagecache *object)
{
	if (object)
		pagecache_put(object);
}

static struct futex_bucket *
bucket_of(const struct futex_key *key)
{
	u64 hash = ((u64)key->owner >> 6 ^ key->offset >> 2) * 0x9e3779b97f4a7c15UL;

	return &buckets[hash >> 58];
}

_Static_assert(FUTEX_BUCKETS == 1 << (64 - 58), "six bits of the hash choose the bucket");

static bool
key_is(const struct futex_key *a, const struct futex_key *b)
{
	return a->owner == b->owner && a->offset == b->offset;
}

/* ---- wait ---- */

s64
futex_wait_op(const struct futex_request *request)
{
	struct futex_sleeper s = {.bitset = request->bitset};
	struct pagecache *object;
	s64 result;

	if (!request->bitset)
		return -EINVAL;
	result = key_make(request->va, request->private, &s.key, &object);
	if (result)
		return result;
	result = sleep_on(&s, request);
	key_drop(object);
	if (result == -ERESTARTSYS && request->deadline_ns != TIMER_NEVER)
		return restart_later(wait_again, 5, request->va, (u64)request->private, (u64)request->value,
				     (u64)request->bitset, request->deadline_ns);
	return result;
}

static s64
wait_again(const u64 arg[RESTART_ARGS])
{
	struct futex_request request = {
		.va = arg[0], .private = arg[1], .value = arg[2], .bitset = arg[3], .deadline_ns = arg[4]};

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
	s->bucket = bucket_of(&s->key);
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
		(void)wake_key(&key, 1, request->bitset); /* the race at the head of this file */
	return error;
}

static int
sleep_until_woken(struct futex_sleeper *s, u64 deadline_ns)
{
	if (deadline_ns == TIMER_NEVER)
		return wait_event_interruptible(&s->queue, READ_ONCE(s->woken));
	return wait_event_timeout_interruptible(&s->queue, READ_ONCE(s->woken), deadline_ns);
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

	return futex_wake_op(&request);
}

s64
futex_wake_op(const struct futex_request *request)
{
	struct pagecache *object;
	struct futex_key key;
	s64 result;

	if (!request->bitset)
		return -EINVAL;
	result = key_make(request->va, request->private, &key, &object);
	if (result)
		return result;
	result = wake_key(&key, request->wake, request->bitset);
	key_drop(object);
	return result;
}

static u32
wake_key(const struct futex_key *key, u32 count, u32 bitset)
{
	struct futex_bucket *bucket = bucket_of(key);
	struct futex_sleeper *s;
	struct futex_sleeper *next;
	u32 woken = 0;

	spin_lock(&bucket->lock);
	list_for_each_safe (s, next, &bucket->sleepers, link) {
		if (woken == count)
			break;
		if (!key_is(&s->key, key) || !(s->bitset & bitset))
			continue;
		sleeper_wake(s);
		woken++;
	}
	spin_unlock(&bucket->lock);
	return woken;
}

/* The bucket's lock is held: @s cannot leave, so its queue still exists when it is woken. */
static void
sleeper_wake(struct futex_sleeper *s)
{
	list_del(&s->link);
	WRITE_ONCE(s->woken, true);
	wake_all(&s->queue);
}

/* ---- requeue ---- */

s64
futex_requeue_op(const struct futex_request *request)
{
	struct pagecache *from_object;
	struct pagecache *to_object = NULL;
	struct futex_key from;
	struct futex_key to;
	s64 result = key_make(request->va, request->private, &from, &from_object);

	if (result)
		return result;
	result = key_make(request->va2, request->private, &to, &to_object);
	if (!result)
		result = requeue_keys(request, &from, &to);
	key_drop(to_object);
	key_drop(from_object);
	return result;
}

/*
 * Why the word is read without the buckets' locks: user memory may fault. The comparison therefore speaks of a moment
 * just before; callers of CMP_REQUEUE hold their own lock over the word.
 */
static s64
requeue_keys(const struct futex_request *request, const struct futex_key *from, const struct futex_key *to)
{
	struct futex_bucket *a = bucket_of(from);
	struct futex_bucket *b = bucket_of(to);
	u32 woken;
	u32 moved;
	u32 value;

	if (request->compare && get_user_u32(&value, (const u32 __user *)request->va))
		return -EFAULT;
	if (request->compare && value != request->value)
		return -EAGAIN;
	lock_two(a, b);
	moved = requeue_locked(a, b, from, to, request, &woken);
	unlock_two(a, b);
	return request->compare ? woken + moved : woken;
}

static u32
requeue_locked(struct futex_bucket *from_bucket, struct futex_bucket *to_bucket, const struct futex_key *from,
	       const struct futex_key *to, const struct futex_request *request, u32 *woken)
{
	struct futex_sleeper *s;
	struct futex_sleeper *next;
	u32 moved = 0;

	must_hold(&from_bucket->lock);
	must_hold(&to_bucket->lock);
	*woken = 0;
	list_for_each_safe (s, next, &from_bucket->sleepers, link) {
		if (!key_is(&s->key, from))
			continue;
		if (*woken < request->wake) {
			sleeper_wake(s);
			++*woken;
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
	return moved;
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
