/* SPDX-License-Identifier: MIT */
/*
 * mm/pagecache.h - pages by content: (object, index) finds a frame
 *
 * Idea        An object is whatever has pages with numbers: a file, a shared memory segment, a swap area. A radix tree
 *             per object; the cache itself holds one reference to each of its pages. What stands in the tree is an
 *             item: a page in memory or, where a page of shared memory has left it, the swap entry (shmem.h).
 * Invariants  I1  page->object == o and page->index == i  if and only if  radix(o, i) == page; any other item of o is
 *                 a swap entry, whose slot counts it, and o is PAGE_SHMEM.                           (mm_check)
 *             I2  size bounds what may be mapped: an index at or past it faults with SIGBUS.
 *             I3  An object with an owner (a file's inode) lives as long as that, and pins it while refs > 1: whoever
 *                 maps a file keeps its name and its file system.
 * Locks       object->lock: tree, count, size. Taken after the page lock, before the page map lock.
 * Follow      from fault.c, kernel/fs/tmpfs.c   to kernel/lib/radix.c
 * Tests       tests/host/pagecache_test.c, tests/guest/mmap.c
 * See         docs/mm.md section 6
 */
#pragma once

#include <kernel/lib/list.h>
#include <kernel/lib/radix.h>
#include <mm/page.h>

/* How many pages the objects of one file system may have together. */
struct pagecache_quota {
	u64 most;         /* const */
	atomic64_t pages; /* in objects that count here; each adds and takes under its own lock */
};

struct pagecache;

/* What an object asks of its owner, of which mm/ knows nothing else. Both may be called under mm->lock. */
struct pagecache_owner_ops {
	void (*pin)(struct pagecache *object); /* somebody beside the owner uses the object; its caller has a pin too */
	void (*unpin)(struct pagecache *object); /* nobody does any more; may sleep, and may end owner and object */
};

struct pagecache {
	struct spinlock lock;
	u8 kind;                               /* PAGE_FILE, PAGE_SHMEM; PAGE_ANON: swap cache; const after init */
	atomic_t refs;                         /* the inode, each vma, each open user */
	const struct pagecache_owner_ops *ops; /* const after init; NULL: anonymous shared memory */
	void *owner;                           /* const after init; of ops */
	u64 serial;                            /* const after init: tells objects without an owner apart */
	u64 size;                              /* bytes; lock to change, read with READ_ONCE */
	u64 count;                             /* items in the tree; lock */
	u64 swapped;                           /* those of them that are swap entries; lock */
	struct radix_tree tree;                /* lock */
	bool went_out;                         /* some page has left memory: READ_ONCE, never taken back */
	bool copied;                           /* programs have made private copies: READ_ONCE, never taken back */
	struct pagecache_quota *quota;         /* lock; NULL: as many as there is memory for */
	u64 promised; /* pages that were charged as a whole (commit.h), given back with the object; const after mmap */
	bool pays_by_page; /* each page is charged when it comes, and given back when it goes; const after init */
	struct list all;   /* on the list that mm_check walks; its own lock */
};

void pagecache_init(void);

/*
 * pagecache_create - an empty object whose pages will be of @kind
 *
 * Returns   the object with size 0, or NULL when memory ran out
 * Context   may sleep
 * Gives     one reference (pagecache_put)
 */
struct pagecache *pagecache_create(u8 kind);

/*
 * pagecache_own - the creator's reference to @object, which nobody else has, becomes that of @owner
 *
 * From then on @ops hears of the first and the last reference beside it.
 *
 * Context   any
 */
void pagecache_own(struct pagecache *object, const struct pagecache_owner_ops *ops, void *owner);

/*
 * pagecache_count_in - from now on the pages of @object, which has none yet, count in @quota
 * pagecache_count_out - they do no longer, which the owner of the quota must say before that goes away
 *
 * Simple: on several CPUs the quota may be passed by a page each.
 *
 * Context   any but interrupts; out: takes object->lock
 */
void pagecache_count_in(struct pagecache *object, struct pagecache_quota *quota);
void pagecache_count_out(struct pagecache *object);

/*
 * pagecache_pay_by_page - from now on each page of @object, which has none yet, is a promise of its own (commit.h)
 * pagecache_pays_whole - must a mapping of the whole of @object, anonymous shared memory, be promised at once?
 *
 * Context   any
 */
void pagecache_pay_by_page(struct pagecache *object);

static inline bool
pagecache_pays_whole(const struct pagecache *object)
{
	return object && !object->pays_by_page && !object->owner && object->kind == PAGE_SHMEM;
}

void pagecache_get(struct pagecache *object);

/*
 * pagecache_put - give up a reference; the last one frees the object and its pages
 *
 * Context   may sleep; no page of the object is mapped when the last reference goes, since each vma holds one
 * Takes     one reference
 */
void pagecache_put(struct pagecache *object);

/*
 * pagecache_find - the page at @index, if the object has one there in memory
 *
 * Returns   the page; NULL: there is none, or it has left memory, which is possible once object->went_out is set
 * Context   any but interrupts; takes object->lock
 * Gives     a reference to the page
 */
struct page *pagecache_find(struct pagecache *object, u64 index);

/*
 * pagecache_get_page - the page at @index, made of zeroes when there was none
 *
 * Does not look at object->size: a write past the end gets its page first and moves the size afterwards.
 *
 * Returns   0 and the page in *out; -ENOMEM; -ENOSPC: it would be one more than the quota allows; -EIO: it has left
 *           memory and cannot be read
 * Context   may sleep
 * Gives     a reference to the page
 */
int pagecache_get_page(struct pagecache *object, u64 index, struct page **out);

/*
 * pagecache_fault_page - the same for a page that is to be mapped, which must lie within object->size
 *
 * @major  set when a disk was read
 *
 * Returns   0 and the page in *out; -ERANGE past the end; -ENOMEM; -ENOSPC; -EIO
 * Context   may sleep
 * Gives     a reference to the page
 */
int pagecache_fault_page(struct pagecache *object, u64 index, bool *major, struct page **out);

/*
 * pagecache_set_size - change the size in bytes; pages past the new end are unmapped everywhere and freed, and private
 * copies that programs made of them are taken away
 *
 * The tail of the last page is cleared, so that growing again shows zeroes. Simple: as in Linux it is not when that
 * page has left memory and cannot be brought back.
 *
 * Context   may sleep; the caller serialises size changes of one object (the inode's lock), and holds no mm->lock when
 *           the size shrinks
 */
void pagecache_set_size(struct pagecache *object, u64 size);

/* pagecache_count_range - pages that the object has, in memory or not, in [first, end). Context: takes object->lock. */
u64 pagecache_count_range(struct pagecache *object, u64 first, u64 end);

/*
 * pagecache_punch - make a hole of the bytes [start, end): whole pages are unmapped everywhere and freed, the parts of
 * pages at its ends are cleared; the size stays, and private copies that programs have made stay
 *
 * Context   may sleep; takes object->lock, map and table locks
 */
void pagecache_punch(struct pagecache *object, u64 start, u64 end);

/*
 * pagecache_note_copy - a program is about to make a private copy of a page of @object: called before it looks for the
 * page, or while its leaf maps the page
 *
 * Context   any
 */
static inline void
pagecache_note_copy(struct pagecache *object)
{
	if (!READ_ONCE(object->copied))
		WRITE_ONCE(object->copied, true);
}

/*
 * pagecache_insert - let @page, which is in no object, be (@object, @index)
 *
 * @flags  for the tree's nodes: of kmem_cache_alloc
 *
 * Returns   0; -EEXIST: there is one; -ENOMEM
 * Context   as @flags say; takes object->lock
 * Gives     the object a reference
 */
int pagecache_insert(struct pagecache *object, u64 index, struct page *page, u32 flags);

/* pagecache_remove - @page leaves its object, whose reference goes. Context: the page lock; may free, not sleep. */
void pagecache_remove(struct page *page);

/* Pages that all objects hold together: the tmpfs part of "Cached" and "Shmem". Context: any. */
u64 pagecache_total_pages(void);

/* What all objects have been promised, in pages: their part of Committed_AS. Context: any. */
u64 pagecache_promised(void);

/*
 * pagecache_visit - the object behind @prev of the list of all that has pages outside memory; NULL begins at the front
 *
 * What is visited is not freed, though its last reference may go. One visitor at a time; who does not come to the end
 * says pagecache_visit_end.
 *
 * Returns   the object; NULL: that was the last
 * Context   any but interrupts
 */
struct pagecache *pagecache_visit(struct pagecache *prev);
void pagecache_visit_end(void);

/* Walks every object and proves I1. Returns the number of violations printed. Context: may sleep. */
int pagecache_check(void);
