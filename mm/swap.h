/* SPDX-License-Identifier: MIT */
/*
 * mm/swap.h - pages of programs on disks
 *
 *                 leaf --frame-->  page                     in memory
 *                 leaf --entry-->  slot  --cache--> page    on its way: the slot and a page in memory hold the same
 *                 leaf --entry-->  slot                     on the disk only
 *
 * Idea        A swap area is a row of slots on a disk (swap_map.h). A leaf whose page has left memory holds a swap
 *             entry, (area, slot), instead of a frame. The swap cache of an area is a page-cache object whose index is
 *             the slot: whoever finds an entry looks there first, and two who want the same slot meet at the same page.
 * Invariants  I1  count(slot) is the number of leaves of all tables, and of places in objects (shmem.h), that hold its
 *                 entry.                                                                            (mm_check)
 *             I2  cached(slot) if and only if the area's object has a page at that index; that page is PAGE_ANON.
 *             I3  A page in the cache with neither PG_DIRTY nor PG_WRITEBACK, and no dirty leaf, is what the disk
 *             holds.
 * Locks       area->lock (RANK_SWAP): map, state. The page lock: entering and leaving the cache.
 * Follow      from fault.c, rmap.c, reclaim_batch.c, kernel/sys_swap.c   to swap_map.c, swap_cache.c, swap_io.c
 * Tests       tests/host/swap_map_test.c, tests/guest/swap.c
 * See         docs/mm.md
 */
#pragma once

#include <kernel/lib/list.h>
#include <kernel/spinlock.h>
#include <kernel/wait.h>
#include <mm/pagetable.h>
#include <mm/swap_map.h>

struct pagecache;
struct tlb_batch;

#define SWAP_AREAS_MAX 8
#define SWAP_AREA_BITS 5
#define SWAP_TYPE_SAME 31 /* in the place of an area: the slot is the number of a word (swap_same.h) */
#define SWAP_TYPE_LOST 30 /* in the place of an area: the contents were on a disk that could not be read */
#define SWAP_NAME_MAX 32
#define SWAP_PTE_AREA_SHIFT 2

typedef struct {
	u64 value; /* slot << SWAP_AREA_BITS | area, or SWAP_TYPE_SAME; never 0, for slot 0 is the header's */
} swap_entry_t;

static inline swap_entry_t
swap_entry(u32 area, u32 slot)
{
	return (swap_entry_t){(u64)slot << SWAP_AREA_BITS | area};
}

static inline u32
swap_entry_area(swap_entry_t e)
{
	return e.value & (BIT(SWAP_AREA_BITS) - 1);
}

static inline u32
swap_entry_slot(swap_entry_t e)
{
	return (u32)(e.value >> SWAP_AREA_BITS);
}

/* Does the entry name a word, and no slot? */
static inline bool
swap_entry_is_same(swap_entry_t e)
{
	return swap_entry_area(e) == SWAP_TYPE_SAME;
}

/* What swapoff leaves where a slot could not be read: who touches it gets SIGBUS. It names no slot. */
static inline swap_entry_t
swap_entry_lost(void)
{
	return swap_entry(SWAP_TYPE_LOST, 1);
}

static inline bool
swap_entry_is_lost(swap_entry_t e)
{
	return swap_entry_area(e) == SWAP_TYPE_LOST;
}

/* A leaf that is neither empty nor has a frame: bits 0 and PTE_HELD are clear, and so are the other soft bits. */
static inline bool
leaf_is_swap(pte_t leaf)
{
	return !pte_none(leaf) && !leaf_has_frame(leaf);
}

static inline pte_t
leaf_from_swap(swap_entry_t e)
{
	return (pte_t){(u64)swap_entry_slot(e) << PAGE_SHIFT | (u64)swap_entry_area(e) << SWAP_PTE_AREA_SHIFT};
}

static inline swap_entry_t
leaf_to_swap(pte_t leaf)
{
	dassert(leaf_is_swap(leaf));
	return swap_entry((leaf.value >> SWAP_PTE_AREA_SHIFT) & (BIT(SWAP_AREA_BITS) - 1),
			  (u32)(leaf.value >> PAGE_SHIFT));
}

/* One transfer between consecutive slots and pages. */
struct swap_io {
	struct swap_area *area;
	bool write;
	u32 slot; /* of pages[0] */
	u32 count;
	s32 error;    /* when it is done */
	u64 start_ns; /* of submission; only while the trace wants to know */
	struct page *pages[SWAP_CLUSTER];
	void (*done)(struct swap_io *io); /* interrupt context */
	struct list link;                 /* of whoever has it */
};

/* What stands behind an area. */
struct swap_device_ops {
	struct swap_io *(*io_get)(void *device); /* NULL: all are in flight. Context: any but interrupts */
	void (*io_put)(void *device, struct swap_io *io);
	void (*submit)(void *device, struct swap_io *io);       /* consumes the io until io->done */
	void (*report)(void *device, const struct swap_io *io); /* a line in the log: it failed. Context: any */
	/* Slots whose contents are of no use. 0, or the disk's error. NULL: no device of this kind can. May sleep. */
	int (*discard)(void *device, u32 slot, u32 count);
	void (*close)(void *device); /* the area is gone */
};

enum swap_state {
	SWAP_OFF,
	SWAP_ON,
	SWAP_LEAVING, /* swapoff brings its pages back: nothing new goes there */
};

struct swap_area {
	struct spinlock lock;              /* RANK_SWAP */
	u8 state;                          /* enum swap_state; lock */
	u8 type;                           /* const: index in swap_areas */
	s16 priority;                      /* written by one caller at a time (swapon, swapoff); racy */
	struct swap_map map;               /* lock */
	struct pagecache *cache;           /* const while on */
	const struct swap_device_ops *ops; /* const while on, as device and name */
	void *device;
	char name[SWAP_NAME_MAX];
	u8 discard;        /* const while on: SWAP_DISCARD_* */
	bool discard_ends; /* an order to the thread, as the next its answer; atomic */
	bool discard_runs;
	struct wait_queue discard_wait;
	struct wait_queue io_free; /* tasks that wait for a swap_io, or for users to end */
	atomic_t users;            /* tasks that look into the cache for an entry that may have gone */
};

extern struct swap_area swap_areas[SWAP_AREAS_MAX];

void swap_init(void);

#define SWAP_DISCARD_AREA 1  /* all of it, when it is switched on */
#define SWAP_DISCARD_FREED 2 /* clusters, when their last slot is free */

/* What swapon has found out about an area. */
struct swap_setup {
	const struct swap_device_ops *ops;
	void *device;
	const char *name;
	s32 priority;   /* -1: lower than all that are on */
	u32 slots;      /* the header's included */
	const u32 *bad; /* slots that must not be used */
	u32 bad_count;
	u8 discard; /* SWAP_DISCARD_*: only where ops can */
};

/*
 * swap_area_add - let pages go to a further area
 *
 * Returns   0; -EPERM: SWAP_AREAS_MAX are on; -EINVAL: a bad slot that is none, twice the same, no good one; -ENOMEM
 * Context   may sleep; one caller at a time
 */
int swap_area_add(const struct swap_setup *setup);

/*
 * swap_area_remove - bring back every page of @area, and forget it
 *
 * A page that cannot be read is lost: the leaves that name it say so from then on (swap_entry_lost), as Linux has it.
 *
 * Returns   0; -ENOMEM, -EINTR, -EIO (a page of an object): the area is on as before
 * Context   may sleep; takes every mm->lock in turn; one caller at a time
 */
int swap_area_remove(struct swap_area *area);

/* swap_area_forget - map, cache and priority of an area that is off. Context: may sleep; one caller at a time. */
void swap_area_forget(struct swap_area *area);

/*
 * swap_area_get, swap_area_put - the area of @entry is not closed in between
 *
 * Race: who has read an entry, and holds no lock that keeps it there, may be overtaken by swapoff, which brings the
 * page back and closes the area.
 *
 * Returns   (get) false: it is off; whoever named the slot has its page back
 * Context   any but interrupts
 */
bool swap_area_get(swap_entry_t entry);
void swap_area_put(swap_entry_t entry);

/*
 * swap_area_mend - leaves that name slots of @area which could not be written get their pages back
 *
 * Simple: all address spaces are searched, as by swapoff. Disks that fail are rare.
 *
 * Returns   nothing: some are left where memory is short, an mm->lock is busy, or swapoff is at work
 * Context   may sleep; tries every mm->lock in turn, and waits for none: reclaim waits for the caller. @area may be off
 */
void swap_area_mend(struct swap_area *area);

/* swap_entry_leaves - is the slot of @entry one that the search is about? Context: the search. */
bool swap_entry_leaves(const struct swap_area *area, swap_entry_t entry);

/* swap_slot_fail - the slot of @entry, which is in use, could not be written. Context: takes area->lock. */
void swap_slot_fail(swap_entry_t entry);

/* Pages that all areas can hold, and those of them that are free. Context: any; a moment old. */
u64 swap_total_pages(void);

/* Of these, those of areas that nobody is about to remove: what can be promised. Context: any. */
u64 swap_steady_pages(void);
u64 swap_free_pages(void);

/*
 * swap_slot_alloc - a slot for a page, from the area with the highest priority that has one; equals take turns
 *
 * Returns   false: there is none
 * Context   takes area->lock
 * Gives     the slot, cached (swap_cache_add or swap_slot_return)
 */
bool swap_slot_alloc(swap_entry_t *out);
void swap_slot_return(swap_entry_t entry);

/*
 * swap_slot_leave - swap_slot_return, for a page that leaves memory: its slot keeps @shadow (workingset.h)
 * swap_shadow - what the slot of @entry keeps; 0: nothing. A guess until a page is in the cache for it
 *
 * Context   leave: takes area->lock
 */
void swap_slot_leave(swap_entry_t entry, u32 shadow);
u32 swap_shadow(swap_entry_t entry);

/*
 * swap_get, swap_put - a leaf more, or a leaf fewer holds @entry
 *
 * Returns   (put) true: no leaf holds it any more, but a page in memory stands for it: swap_cache_drop soon
 * Context   the table lock of the leaf; takes area->lock
 */
void swap_get(swap_entry_t entry);
bool swap_put(swap_entry_t entry);

/*
 * swap_put_batched - swap_put, and the page that may stand for the slot is freed with @batch
 *
 * Returns   false: the batch has no room, and nothing was done: flush it, and again
 * Context   as swap_put
 */
bool swap_put_batched(swap_entry_t entry, struct tlb_batch *batch);

/* The leaves that hold @entry. Context: any; true only while nobody changes it. */
u32 swap_count(swap_entry_t entry);

/* Proves the maps. Returns the number of violations printed. */
int swap_check(void);
