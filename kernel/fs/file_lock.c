/* SPDX-License-Identifier: MIT */
/*
 * kernel/fs/file_lock.c - advisory locks on files: flock, and on ranges of bytes by fcntl
 *
 * Idea        see file_lock.h. Memory for all that a change can need is taken first: one lock more for what is asked,
 *             one more for what is cut in two.
 * Invariants  see file_lock.h
 * Locks       locks_lock: inode->locks, waiters, file_locks_total
 * Follow      from kernel/sys_lock.c, files.c, file.c   to kernel/wait.h
 * Tests       tests/guest/locks.c
 */
#include <kernel/fs/file_lock.h>

#include <kernel/fs/file.h>
#include <kernel/fs/vfs.h>
#include <kernel/lib/errno.h>
#include <kernel/panic.h>
#include <kernel/wait.h>
#include <mm/page_alloc.h>
#include <mm/slab.h>

#define WAIT_CHAIN_MOST 10 /* owners that wait for each other, as far as a circle is looked for */

struct file_lock {
	struct list link;           /* in inode->locks */
	struct file_lock_request r; /* inode is not used */
};

/* Who waits for whom, on the waiter's stack. */
struct waiter {
	struct list link;
	const void *owner;
	const void *blocker;
};

/* The memory for a change, and what it leaves over. */
struct spares {
	struct file_lock *lock[2];
};

u32 file_locks_total;

static struct kmem_cache *lock_cache; /* const after init */
static struct spinlock locks_lock = SPINLOCK_INIT(RANK_FILE_LOCKS);
static struct list waiters = LIST_INIT(waiters); /* locks_lock; of fcntl only */
static struct wait_queue changed = WAIT_QUEUE_INIT(changed);

static int set_now(const struct file_lock_request *r);
static int set_locked(const struct file_lock_request *r, struct spares *spares);
static void replace_locked(const struct file_lock_request *r, struct spares *spares);
static bool join_locked(struct file_lock *l, struct file_lock_request *r);
static void cut_locked(struct file_lock *l, const struct file_lock_request *r, struct spares *spares);
static void add_locked(const struct file_lock_request *r, struct spares *spares);
static void remove_locked(struct file_lock *l);
static struct file_lock *conflict_locked(const struct file_lock_request *r);
static bool same_owner(const struct file_lock *l, const struct file_lock_request *r);
static int wait_for(const struct file_lock_request *r);
static int waiter_add(const struct file_lock_request *r, struct waiter *w);
static bool circle_locked(const void *me, const void *blocker);
static bool is_blocked(const struct file_lock_request *r);
static void remove_all(struct inode *inode, const void *owner);

void
file_lock_init(void)
{
	lock_cache = kmem_cache_create("file_lock", sizeof(struct file_lock), 0);
}

int
file_lock_set(const struct file_lock_request *r, bool wait)
{
	int err;

	may_sleep();
	while ((err = set_now(r)) == -EAGAIN && wait) {
		err = wait_for(r);
		if (err)
			break;
	}
	return err;
}

bool
file_lock_test(const struct file_lock_request *r, struct file_lock_request *out)
{
	struct file_lock *l;

	spin_lock(&locks_lock);
	l = conflict_locked(r);
	if (l)
		*out = l->r;
	spin_unlock(&locks_lock);
	return l;
}

void
file_locks_close(struct file *f, const struct files *files)
{
	if (f->inode && !(f->flags & O_PATH))
		remove_all(f->inode, files);
}

void
file_locks_release(struct file *f)
{
	if (f->inode)
		remove_all(f->inode, f);
}

static int
set_now(const struct file_lock_request *r)
{
	struct spares spares = {
		{kmem_cache_alloc(lock_cache, ALLOC_KERNEL), kmem_cache_alloc(lock_cache, ALLOC_KERNEL)}};
	int err = -ENOLCK;

	if (spares.lock[0] && spares.lock[1]) {
		spin_lock(&locks_lock);
		err = set_locked(r, &spares);
		spin_unlock(&locks_lock);
		wake_all(&changed);
	}
	for (u32 i = 0; i < 2; i++) {
		if (spares.lock[i])
			kmem_cache_free(lock_cache, spares.lock[i]);
	}
	return err;
}

/* flock lets go of what it had before it asks for another kind: two that both want more would wait for ever. */
static int
set_locked(const struct file_lock_request *r, struct spares *spares)
{
	struct file_lock_request none = *r;

	must_hold(&locks_lock);
	if (r->kind == LOCK_WHOLE) {
		none.type = LOCK_NONE;
		replace_locked(&none, spares);
	}
	if (r->type != LOCK_NONE && conflict_locked(r))
		return -EAGAIN;
	replace_locked(r, spares);
	return 0;
}

/* What the owner has on these bytes goes, is cut, or becomes part of the new lock. */
static void
replace_locked(const struct file_lock_request *r, struct spares *spares)
{
	struct file_lock_request wanted = *r;
	struct file_lock *l;
	struct file_lock *next;

	list_for_each_safe (l, next, &r->inode->locks, link) {
		if (!same_owner(l, &wanted))
			continue;
		if (join_locked(l, &wanted))
			remove_locked(l);
		else if (l->r.first <= wanted.last && wanted.first <= l->r.last)
			cut_locked(l, &wanted, spares);
	}
	if (wanted.type != LOCK_NONE)
		add_locked(&wanted, spares);
}

/* Do both make one lock of one kind? Then @r becomes it. */
static bool
join_locked(struct file_lock *l, struct file_lock_request *r)
{
	if (l->r.type != r->type)
		return false;
	if ((l->r.first && l->r.first - 1 > r->last) || (r->first && r->first - 1 > l->r.last))
		return false;
	r->first = min_u64(r->first, l->r.first);
	r->last = max_u64(r->last, l->r.last);
	return true;
}

static void
cut_locked(struct file_lock *l, const struct file_lock_request *r, struct spares *spares)
{
	struct file_lock_request right = l->r;

	right.inode = r->inode;
	right.first = r->last + 1;
	if (l->r.last > r->last)
		add_locked(&right, spares);
	if (l->r.first < r->first)
		l->r.last = r->first - 1;
	else
		remove_locked(l);
}

static void
add_locked(const struct file_lock_request *r, struct spares *spares)
{
	u32 i = spares->lock[0] ? 0 : 1;
	struct file_lock *l = spares->lock[i];

	assert(l);
	spares->lock[i] = NULL;
	l->r = *r;
	list_add(&l->link, &r->inode->locks); /* first: not met again by who walks on */
	file_locks_total++;
}

static void
remove_locked(struct file_lock *l)
{
	list_del(&l->link);
	kmem_cache_free(lock_cache, l);
	file_locks_total--;
}

/* The first by position. */
static struct file_lock *
conflict_locked(const struct file_lock_request *r)
{
	struct file_lock *found = NULL;
	struct file_lock *l;

	must_hold(&locks_lock);
	list_for_each (l, &r->inode->locks, link) {
		if (l->r.kind != r->kind || l->r.owner == r->owner)
			continue;
		if (l->r.first > r->last || r->first > l->r.last)
			continue;
		if (l->r.type != LOCK_EXCLUSIVE && r->type != LOCK_EXCLUSIVE)
			continue;
		if (!found || l->r.first < found->r.first)
			found = l;
	}
	return found;
}

static bool
same_owner(const struct file_lock *l, const struct file_lock_request *r)
{
	return l->r.kind == r->kind && l->r.owner == r->owner;
}

static int
wait_for(const struct file_lock_request *r)
{
	struct waiter w = {.owner = r->owner};
	int err = waiter_add(r, &w);

	if (err)
		return err;
	err = wait_event_interruptible(&changed, !is_blocked(r));
	spin_lock(&locks_lock);
	list_del(&w.link);
	spin_unlock(&locks_lock);
	return err;
}

/* Only owners that are processes are looked at for circles, as on Linux. */
static int
waiter_add(const struct file_lock_request *r, struct waiter *w)
{
	struct file_lock *l;
	int err = 0;

	spin_lock(&locks_lock);
	l = conflict_locked(r);
	w->blocker = l ? l->r.owner : NULL;
	if (l && r->kind == LOCK_RECORD && r->pid > 0 && circle_locked(r->owner, w->blocker))
		err = -EDEADLK;
	else
		list_add(&w->link, &waiters);
	spin_unlock(&locks_lock);
	return err;
}

/* Does @blocker wait, over however many others, for @me? */
static bool
circle_locked(const void *me, const void *blocker)
{
	struct waiter *w;
	const void *next;

	for (u32 i = 0; i < WAIT_CHAIN_MOST && blocker; i++, blocker = next) {
		if (blocker == me)
			return true;
		next = NULL;
		list_for_each (w, &waiters, link) {
			if (w->owner == blocker)
				next = w->blocker;
		}
	}
	return false;
}

static bool
is_blocked(const struct file_lock_request *r)
{
	struct file_lock_request other;

	return file_lock_test(r, &other);
}

static void
remove_all(struct inode *inode, const void *owner)
{
	struct file_lock *l;
	struct file_lock *next;

	spin_lock(&locks_lock);
	list_for_each_safe (l, next, &inode->locks, link) {
		if (l->r.owner == owner)
			remove_locked(l);
	}
	spin_unlock(&locks_lock);
	wake_all(&changed);
}
