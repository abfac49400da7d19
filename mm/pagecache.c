/* SPDX-License-Identifier: MIT */
/*
 * mm/pagecache.c - pages by content: (object, index) finds a frame
 *
 * Idea        see pagecache.h. Adding is three beats: allocate page and tree nodes; lock and look again; insert. Where
 *             a look finds no page, and the object has pages outside memory, shmem.c looks again and brings it back.
 * Invariants  I1, I2 of pagecache.h
 * Locks       object->lock; page map lock when a page leaves its object; all_lock for the list of objects
 * Follow      from fault.c, kernel/fs/tmpfs.c   to kernel/lib/radix.c, rmap.c, shmem.c
 * Tests       tests/host/pagecache_test.c, tests/guest/mmap.c
 * See         docs/mm.md section 6
 */
#include <kernel/lib/errno.h>
#include <kernel/lib/string.h>
#include <kernel/panic.h>
#include <kernel/printk.h>
#include <kernel/task.h>
#include <kernel/wait.h>
#include <mm/commit.h>
#include <mm/lru.h>
#include <mm/page_alloc.h>
#include <mm/pagecache_item.h>
#include <mm/rmap.h>
#include <mm/shmem.h>
#include <mm/slab.h>
#include <mm/swap_cache.h>
#include <mm/swap_check.h>
#include <mm/truncate.h>
#include <mm/vmstat.h>

static struct kmem_cache *object_cache; /* const after init */
static struct kmem_cache *node_cache;   /* const after init */
static struct spinlock all_lock = SPINLOCK_INIT(RANK_PAGECACHE_LIST);
static struct list all_objects = LIST_INIT(all_objects); /* all_lock */
static struct pagecache *visited;                        /* all_lock: must not go */
static struct wait_queue visit_over = WAIT_QUEUE_INIT(visit_over);
static atomic64_t next_serial;

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
static void uncharge_page(const struct pagecache *object);
static void count_item(struct pagecache *object, s32 n);
static void forget(struct pagecache *object);
static bool forget_unless_visited(struct pagecache *object);
static void drop_pages(struct pagecache *object, u64 first, u64 last);
static void drop_item(void *item, struct tlb_batch *batch);
static void *take_item(struct pagecache *object, u64 *first, u64 last, struct radix_pool *pool);
static void clear_part(struct pagecache *object, u64 start, u64 end);
static int check_object(struct pagecache *object);
static int check_item(const struct pagecache *object, u64 index, const void *item);

void
pagecache_init(void)
{
	object_cache = kmem_cache_create("pagecache", sizeof(struct pagecache), 8);
	node_cache = kmem_cache_create("radix_node", sizeof(struct radix_node), 8);
	assert(object_cache && node_cache);
}

struct pagecache *
pagecache_create(u8 kind)
{
	struct pagecache *object = kmem_cache_alloc(object_cache, ALLOC_KERNEL);

	may_sleep();
	assert(kind >= PAGE_ANON && kind < PAGE_KINDS);
	if (!object)
		return NULL;
	spin_init(&object->lock, RANK_PAGECACHE);
	object->kind = kind;
	atomic_set(&object->refs, 1);
	object->size = 0;
	object->count = 0;
	object->swapped = 0;
	object->went_out = false;
	object->copied = false;
	object->quota = NULL;
	object->promised = 0;
	object->pays_by_page = false;
	object->ops = NULL;
	object->owner = NULL;
	object->serial = atomic64_add_return(&next_serial, 1);
	radix_init(&object->tree);
	spin_lock(&all_lock);
	list_add(&object->all, &all_objects);
	spin_unlock(&all_lock);
	return object;
}

void
pagecache_own(struct pagecache *object, const struct pagecache_owner_ops *ops, void *owner)
{
	assert(atomic_read(&object->refs) == 1 && !object->ops);
	object->ops = ops;
	object->owner = owner;
}

void
pagecache_count_in(struct pagecache *object, struct pagecache_quota *quota)
{
	assert(!object->count && !object->quota);
	object->quota = quota;
}

void
pagecache_count_out(struct pagecache *object)
{
	spin_lock(&object->lock);
	if (object->quota)
		atomic64_add(&object->quota->pages, -(s64)object->count);
	object->quota = NULL;
	spin_unlock(&object->lock);
}

void
pagecache_pay_by_page(struct pagecache *object)
{
	assert(!object->count && !object->promised);
	object->pays_by_page = true;
}

void
pagecache_get(struct pagecache *object)
{
	s32 refs = atomic_add_return(&object->refs, 1);

	assert(refs > 1);
	if (refs == 2 && object->ops)
		object->ops->pin(object);
}

/*
 * Race: A gives up the second reference, and before it unpins, B takes one and pins. Each of the two steps has its own
 * pin, so the owner has one throughout, and B's caller had another when it began.
 */
void
pagecache_put(struct pagecache *object)
{
	s32 refs = atomic_add_return(&object->refs, -1);

	may_sleep();
	assert(refs >= 0);
	if (refs == 1 && object->ops)
		object->ops->unpin(object); /* consumes the pin: the object may be gone */
	if (refs)
		return;
	/* Race: swapoff may bring a page back meanwhile, in the place of an entry: the next round here drops it. */
	drop_pages(object, 0, ~0UL);
	commit_uncharge(object->promised);
	assert(!object->count && !object->swapped);
	forget(object);
	kmem_cache_free(object_cache, object);
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

void
pagecache_set_size(struct pagecache *object, u64 size)
{
	u64 old = READ_ONCE(object->size);

	may_sleep();
	dassert(atomic_read(&object->refs) > 0);
	/* Why: the size first. A fault that still finds a page past it maps nothing: see take_page(), rmap_map(). */
	spin_lock(&object->lock);
	WRITE_ONCE(object->size, size);
	spin_unlock(&object->lock);
	if (size >= old)
		return;
	drop_pages(object, div_round_up(size, PAGE_SIZE), ~0UL);
	clear_part(object, size, round_up(size, PAGE_SIZE));
	/*
	 * Race: a program notes that it copies before it finds the page under object->lock, or while its leaf maps the
	 * page. Either comes before drop_pages has taken that page, or the copy is never made.
	 */
	if (READ_ONCE(object->copied))
		truncate_copies(object, div_round_up(size, PAGE_SIZE));
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

void
pagecache_punch(struct pagecache *object, u64 start, u64 end)
{
	u64 first = div_round_up(start, PAGE_SIZE);
	u64 last = end >> PAGE_SHIFT;

	may_sleep();
	dassert(atomic_read(&object->refs) > 0 && start <= end);
	if (first > last) { /* within one page */
		clear_part(object, start, end);
		return;
	}
	drop_pages(object, first, last);
	clear_part(object, start, first << PAGE_SHIFT);
	clear_part(object, last << PAGE_SHIFT, end);
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

void
pagecache_remove(struct page *page)
{
	struct pagecache *object = page->object;
	struct radix_pool pool = {NULL, 0};
	u64 index = page->index;

	dassert(READ_ONCE(page->flags) & BIT(PG_LOCKED)); /* else it might have left already */
	take_item(object, &index, index + 1, &pool);
	dassert(!page->object);
	pagecache_pool_release(&pool);
	page_put(page);
}

u64
pagecache_total_pages(void)
{
	s64 pages = vmstat_sum(VM_NR_FILE_PAGES);

	return pages > 0 ? (u64)pages : 0;
}

u64
pagecache_promised(void)
{
	struct pagecache *object;
	u64 pages = 0;

	spin_lock(&all_lock);
	list_for_each (object, &all_objects, all)
		pages += object->promised + (object->pays_by_page ? READ_ONCE(object->count) : 0);
	spin_unlock(&all_lock);
	return pages;
}

int
pagecache_check(void)
{
	struct pagecache *object;
	int bad = 0;

	spin_lock(&all_lock);
	list_for_each (object, &all_objects, all)
		bad += check_object(object);
	spin_unlock(&all_lock);
	return bad;
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
			uncharge_page(object);
			return err;
		}
		in->found = in->new;
		in->new->object = object;
		in->new->index = in->index;
		count_item(object, 1);
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

static void
uncharge_page(const struct pagecache *object)
{
	if (object->pays_by_page)
		commit_uncharge(1);
}

/* An item more or less in the tree: what quota and file know of, whether it is in memory or not. */
static void
count_item(struct pagecache *object, s32 n)
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

/* Off the list of all objects, once nobody visits it. */
static void
forget(struct pagecache *object)
{
	while (!forget_unless_visited(object))
		wait_event(&visit_over, READ_ONCE(visited) != object);
}

static bool
forget_unless_visited(struct pagecache *object)
{
	bool free;

	spin_lock(&all_lock);
	free = visited != object;
	if (free)
		list_del(&object->all);
	spin_unlock(&all_lock);
	return free;
}

struct pagecache *
pagecache_visit(struct pagecache *prev)
{
	struct pagecache *object;

	spin_lock(&all_lock);
	assert(visited == prev);
	object = list_first(prev ? &prev->all : &all_objects, struct pagecache, all);
	while (&object->all != &all_objects && !READ_ONCE(object->swapped))
		object = list_first(&object->all, struct pagecache, all);
	visited = &object->all != &all_objects ? object : NULL;
	object = visited;
	spin_unlock(&all_lock);
	wake_all(&visit_over);
	return object;
}

void
pagecache_visit_end(void)
{
	spin_lock(&all_lock);
	visited = NULL;
	spin_unlock(&all_lock);
	wake_all(&visit_over);
}

/* Takes every page in [first, last) out of the object, and out of every address space. */
static void
drop_pages(struct pagecache *object, u64 first, u64 last)
{
	struct radix_pool pool = {NULL, 0};
	struct tlb_batch batch;
	void *item;

	tlb_batch_init(&batch);
	while ((item = take_item(object, &first, last, &pool))) {
		drop_item(item, &batch);
		pagecache_pool_release(&pool);
	}
	tlb_batch_flush(&batch);
}

/* An entry's slot goes, and a page that stands for it: nobody maps that. */
static void
drop_item(void *item, struct tlb_batch *batch)
{
	struct page *page = item;

	if (unlikely(!item_is_page(item))) {
		if (swap_put(item_to_entry(item)))
			swap_cache_drop(item_to_entry(item));
		return;
	}
	if (READ_ONCE(page->mapcount))
		rmap_unmap_all(page, batch);
	dassert(!page->mapcount && atomic_read(&page->refs) > 0);
	tlb_batch_retire(batch, page);
}

/* The lowest item in [*first, last), no longer in the object; a page's cache reference is the caller's now. */
static void *
take_item(struct pagecache *object, u64 *first, u64 last, struct radix_pool *pool)
{
	u64 index = *first;
	struct page *page;

	spin_lock(&object->lock);
	page = radix_next(&object->tree, &index);
	if (page && index >= last)
		page = NULL;
	if (page) {
		radix_delete(&object->tree, index, pool);
		count_item(object, -1);
		uncharge_page(object);
		*first = index;
	}
	if (unlikely(item_is_entry(page))) {
		object->swapped--;
	} else if (page) {
		dassert(page->object == object && page->index == index); /* I1 */
		pagecache_count_cached(object, -1);
		/* Why: under the map lock, so that a fault which found the page before either maps it first, and it is
		 * unmapped next, or sees that it has left. */
		spin_lock(&page->lock);
		page->object = NULL;
		spin_unlock(&page->lock);
	}
	spin_unlock(&object->lock);
	return page;
}

/* Zeroes in the bytes [start, end) of one page, if the object has that page. */
static void
clear_part(struct pagecache *object, u64 start, u64 end)
{
	struct page *page = start < end ? pagecache_find(object, start >> PAGE_SHIFT) : NULL;
	bool major;

	dassert(end - start <= PAGE_SIZE);
	if (start < end && !page && READ_ONCE(object->went_out) &&
	    shmem_find(object, start >> PAGE_SHIFT, ALLOC_USER, &major, &page))
		return;
	if (!page)
		return;
	memset((u8 *)page_to_va(page) + (start & ~PAGE_MASK), 0, end - start);
	page_put(page);
}

static int
check_object(struct pagecache *object)
{
	u64 count = 0, swapped = 0;
	void *item;
	int bad = 0;

	spin_lock(&object->lock);
	for (u64 i = 0; (item = radix_next(&object->tree, &i)); i++, count++) {
		bad += check_item(object, i, item);
		swapped += item_is_entry(item);
	}
	if (count != object->count || swapped != object->swapped) {
		pr_err("mm_check: an object counts %lu pages, %lu of them in swap, and has %lu and %lu\n",
		       object->count, object->swapped, count, swapped);
		bad++;
	}
	spin_unlock(&object->lock);
	return bad;
}

static int
check_item(const struct pagecache *object, u64 index, const void *item)
{
	const struct page *page = item;

	if (item_is_entry(item)) {
		if (object->kind == PAGE_SHMEM && object->went_out)
			return swap_check_seen(item_to_entry(item));
		pr_err("mm_check: index %lu of an object whose pages do not leave holds entry %lx\n", index,
		       item_to_entry(item).value);
		return 1;
	}
	if (page->object == object && page->index == index && page->kind == object->kind)
		return 0;
	pr_err("mm_check: index %lu of an object holds frame %lx, which is %s with index %lu\n", index,
	       page_to_pfn(page), page_kind_name(page->kind), page->index);
	return 1;
}
