/* SPDX-License-Identifier: MIT */
/*
 * mm/pagecache.c - pages by content: (object, index) finds a frame, or gets one
 *
 * Idea        see pagecache.h. Adding is three beats: allocate page and tree nodes; lock and look again; insert. Where
 *             a look finds no page, and the object has pages outside memory, shmem.c looks again and brings it back.
 * Invariants  I1, I2 of pagecache.h
 * Locks       object->lock
 * Follow      from fault.c, kernel/fs/tmpfs_file.c   to kernel/lib/radix.c, shmem.c; the way out is pagecache_drop.c
 * Tests       tests/host/pagecache_test.c, tests/guest/mmap.c
 * See         docs/mm.md section 6
 */
#include <kernel/lib/errno.h>
#include <kernel/panic.h>
#include <kernel/task.h>
#include <mm/commit.h>
#include <mm/lru.h>
#include <mm/page_alloc.h>
#include <mm/pagecache_item.h>
#include <mm/shmem.h>
#include <mm/slab.h>
#include <mm/vmstat.h>

static struct kmem_cache *node_cache; /* const after init */

/* A page on its way into an object: on the stack, seen by nobody else. */
struct insertion {
	struct pagecache *object;
	u64 index;
	bool bounded;           /* only within the size */
	struct page *new;       /* the page to insert when there is none */
	struct page *found;     /* the page that is there afterwards, or NULL */
	struct radix_pool pool; /* tree nodes to insert with */
};

static u64 size_pages(const struct pagecache *object);
static int add_page(struct pagecache *object, u64 index, bool bounded, bool *major, struct page **out);
static int insert_new(struct insertion *in, u32 flags);
static int insert_locked(struct insertion *in);
static bool quota_is_used_up(const struct pagecache_quota *quota);
static bool charge_page(const struct pagecache *object);

void
pagecache_init(void)
{
	node_cache = kmem_cache_create("radix_node", sizeof(struct radix_node), 8);
	assert(node_cache);
	pagecache_object_init();
}

struct page *
pagecache_find(struct pagecache *object, u64 index)
{
	struct page *page;

	spin_lock(&object->lock);
	page = radix_get(&object->tree, index);
	if (likely(item_is_page(page))) {
		dassert(page->object == object && page->index == index); /* I1 */
		page_get(page);
	} else {
		page = NULL;
	}
	spin_unlock(&object->lock);
	return page;
}

int
pagecache_get_page(struct pagecache *object, u64 index, struct page **out)
{
	bool major;

	may_sleep();
	*out = pagecache_find(object, index);
	return *out ? 0 : add_page(object, index, false, &major, out);
}

int
pagecache_fault_page(struct pagecache *object, u64 index, bool *major, struct page **out)
{
	may_sleep();
	if (index >= size_pages(object))
		return -ERANGE;
	*out = pagecache_find(object, index);
	return *out ? 0 : add_page(object, index, true, major, out);
}

int
pagecache_insert(struct pagecache *object, u64 index, struct page *page, u32 flags)
{
	struct insertion in = {.object = object, .index = index, .new = page};
	int err;

	dassert(atomic_read(&page->refs) > 0);
	err = insert_new(&in, flags);
	if (err || in.found == page)
		return err; /* the reference that was taken is the object's */
	page_put(in.found);
	return -EEXIST;
}

u64
pagecache_count_range(struct pagecache *object, u64 first, u64 end)
{
	u64 count = 0;

	spin_lock(&object->lock);
	for (u64 i = first; radix_next(&object->tree, &i) && i < end; i++)
		count++;
	spin_unlock(&object->lock);
	return count;
}

u64
pagecache_total_pages(void)
{
	s64 pages = vmstat_sum(VM_NR_FILE_PAGES);

	return pages > 0 ? (u64)pages : 0;
}

static u64
size_pages(const struct pagecache *object)
{
	return div_round_up(READ_ONCE(object->size), PAGE_SIZE);
}

/*
 * Prepares a page of zeroes and tree nodes, then inserts, unless another task was first.
 *
 * Race: another was first, and its page has left memory already. Then this begins anew, and brings that one back.
 */
static int
add_page(struct pagecache *object, u64 index, bool bounded, bool *major, struct page **out)
{
	struct insertion in = {.object = object, .index = index, .bounded = bounded};
	int err;

	may_sleep();
	do {
		if (unlikely(READ_ONCE(object->went_out))) {
			err = shmem_find(object, index, ALLOC_USER, major, out);
			if (err || *out)
				return err;
		}
		in.new = page_alloc(0, ALLOC_USER | ALLOC_ZERO);
		if (!in.new)
			return -ENOMEM;
		page_become_user(in.new, object->kind, NULL, 0);
		err = insert_new(&in, ALLOC_KERNEL);
		if (in.found != in.new)
			page_put(in.new);
	} while (err == -EAGAIN);
	dassert(!err == !!in.found);
	dassert(!in.found || atomic_read(&in.found->refs) > 0);
	*out = in.found;
	return err;
}

/* The tree's nodes are made as they turn out to be needed: 63 insertions of 64 in order need none. */
static int
insert_new(struct insertion *in, u32 flags)
{
	int err;

	do {
		spin_lock(&in->object->lock);
		err = insert_locked(in);
		spin_unlock(&in->object->lock);
	} while (err == -ENOMEM && pagecache_pool_grow(&in->pool, flags));
	pagecache_pool_release(&in->pool);
	return err;
}

/*
 * The commit beat. Returns 0 and the page, with a reference, in found; -ENOMEM: the pool holds too few nodes; -ERANGE;
 * -EAGAIN: there is one outside memory.
 * Race: truncation stores the size under this lock before it drops pages, so it drops this one, or this sees the size.
 */
static int
insert_locked(struct insertion *in)
{
	struct pagecache *object = in->object;
	int err;

	must_hold(&object->lock);
	dassert(in->new->kind == object->kind && !in->new->object);
	if (in->bounded && in->index >= size_pages(object))
		return -ERANGE;
	in->found = radix_get(&object->tree, in->index);
	if (unlikely(item_is_entry(in->found))) {
		in->found = NULL;
		return -EAGAIN;
	}
	if (!in->found && (quota_is_used_up(object->quota) || !charge_page(object)))
		return -ENOSPC;
	if (!in->found) {
		err = radix_insert(&object->tree, in->index, in->new, &in->pool);
		if (err) {
			pagecache_uncharge(object);
			return err;
		}
		in->found = in->new;
		in->new->object = object;
		in->new->index = in->index;
		pagecache_count_item(object, 1);
		pagecache_count_cached(object, 1);
		if (object->kind == PAGE_SHMEM && READ_ONCE(lru_on))
			lru_add_new(in->new);
	}
	dassert(in->found->object == object && in->found->index == in->index); /* I1 */
	page_get(in->found);
	return 0;
}

static bool
quota_is_used_up(const struct pagecache_quota *quota)
{
	return quota && (u64)atomic64_read(&quota->pages) >= quota->most;
}

/* One page more is promised, where pages are charged one by one. False: it may not be. */
static bool
charge_page(const struct pagecache *object)
{
	return !object->pays_by_page || !commit_charge(current->mm, 1);
}

void
pagecache_uncharge(const struct pagecache *object)
{
	if (object->pays_by_page)
		commit_uncharge(1);
}

void
pagecache_count_item(struct pagecache *object, s32 n)
{
	must_hold(&object->lock);
	dassert(n > 0 || object->count);
	object->count += n;
	if (object->quota)
		atomic64_add(&object->quota->pages, n);
}

void
pagecache_count_cached(const struct pagecache *object, s32 n)
{
	must_hold(&object->lock);
	if (object->kind == PAGE_ANON) {
		count_events(VM_NR_SWAPCACHE, n);
		return;
	}
	count_events(VM_NR_FILE_PAGES, n);
	if (object->kind == PAGE_SHMEM)
		count_events(VM_NR_SHMEM, n);
}

bool
pagecache_pool_grow(struct radix_pool *pool, u32 flags)
{
	struct radix_node *node = kmem_cache_alloc(node_cache, flags);

	if (node)
		radix_pool_put(pool, node);
	return node;
}

void
pagecache_pool_release(struct radix_pool *pool)
{
	while (pool->count)
		kmem_cache_free(node_cache, radix_pool_get(pool));
}
