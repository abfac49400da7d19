/* SPDX-License-Identifier: MIT */
/*
 * mm/pagecache_object.c - objects from creation to the last put, and a look at all of them
 *
 * Idea        An object knows its owner (a file's inode), its quota and what was promised for it. All objects are on
 *             one list: mm_check proves them one by one, and swapoff visits those with pages outside memory, one at a
 *             time, with no lock held meanwhile; an object that is visited waits with its end.
 * Invariants  I1, I2 of pagecache.h
 * Locks       all_lock for the list of objects; object->lock
 * Follow      from kernel/fs/tmpfs.c, swapoff.c   to pagecache_drop.c
 * Tests       tests/host/pagecache_test.c, tests/guest/tmpswap.c
 * See         docs/mm.md section 6
 */
#include <kernel/panic.h>
#include <kernel/printk.h>
#include <kernel/wait.h>
#include <mm/commit.h>
#include <mm/page_alloc.h>
#include <mm/pagecache_item.h>
#include <mm/slab.h>
#include <mm/swap_check.h>
#include <mm/vmstat.h>

static struct kmem_cache *object_cache; /* const after init */
static struct spinlock all_lock = SPINLOCK_INIT(RANK_PAGECACHE_LIST);
static struct list all_objects = LIST_INIT(all_objects); /* all_lock */
static struct pagecache *visited;                        /* all_lock: must not go */
static struct wait_queue visit_over = WAIT_QUEUE_INIT(visit_over);
static atomic64_t next_serial;

static void forget(struct pagecache *object);
static bool forget_unless_visited(struct pagecache *object);
static int check_object(struct pagecache *object);
static int check_item(const struct pagecache *object, u64 index, const void *item);

void
pagecache_object_init(void)
{
	object_cache = kmem_cache_create("pagecache", sizeof(struct pagecache), 8);
	assert(object_cache);
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
	pagecache_drop(object, 0, ~0UL);
	commit_uncharge(object->promised);
	assert(!object->count && !object->swapped);
	forget(object);
	kmem_cache_free(object_cache, object);
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
