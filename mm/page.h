/* SPDX-License-Identifier: MIT */
/*
 * mm/page.h - struct page: one 64-byte record for every frame of memory
 *
 * Idea        Everything the kernel knows of a frame stands here, and the frame's number finds it by one
 *             multiplication. Which union member holds is told by `kind`:
 *
 *                 kind          cache word pair        rmap word          mapcount
 *                 FREE, PCP     -                      -                  -          (link: free list)
 *                 ANON          swap cache, slot, or 0 slots              slots      (link: LRU list)
 *                 FILE, SHMEM   object, index          slots              slots
 *                 TABLE         base, counts           address spaces     level
 *                 SLAB          cache, free list       objects in use     -          (link: slab list)
 *
 * Invariants  I1  refs == 0 if and only if kind is FREE or PCP.
 *             I2  A mapped page holds one reference for each slot that maps it.   (mm_check)
 *             I3  kind changes only while exactly one reference exists, by its holder.
 *             I4  lock is a lock at all times, of a free frame too: a new owner changes its rank only. So who has but a
 *                 frame's number may take it, and then see whether the frame is mapped (rmap_users).
 * Locks       named at each field
 * Follow      from buddy.c, page_alloc.c, rmap.c, pagecache.c, pagetable.c, slab.c
 * Tests       tests/host/buddy_test.c, tests/host/rmap_test.c
 * See         docs/mm.md section 1
 */
#pragma once

#include <arch/mmu.h>
#include <kernel/lib/atomic.h>
#include <kernel/lib/chain.h>
#include <kernel/lib/list.h>
#include <kernel/panic.h>
#include <kernel/spinlock.h>

struct kmem_cache;
struct pagecache;

/* Who has the frame. A frame map colours its cells by this. 0 is what no one ever claimed. */
enum page_kind {
	PAGE_RESERVED, /* firmware, kernel image, struct pages: never allocated */
	PAGE_FREE,     /* on a buddy free list, or inside a free block (only the head's order counts) */
	PAGE_PCP,      /* free, on a per-CPU list */
	PAGE_KERNEL,   /* allocated by the kernel, no more precise owner */
	PAGE_STACK,    /* vmalloc: kernel stacks and large buffers */
	PAGE_SLAB,
	PAGE_TABLE, /* page-table page of a user address space */
	PAGE_ANON,  /* private memory of programs */
	PAGE_FILE,  /* page cache of a file on a device */
	PAGE_SHMEM, /* tmpfs and shared anonymous memory */
	PAGE_KINDS,
};

enum page_flag {
	PG_LOCKED,      /* the page lock: see page_lock() */
	PG_WAITERS,     /* somebody sleeps for PG_LOCKED */
	PG_LRU,         /* on a list of lru.h; its lock, as the next two and the list's number above all flags */
	PG_WORKINGSET,  /* was active, and went inactive: atomic */
	PG_UNEVICTABLE, /* on the one of pages that are locked in memory */
	PG_REFERENCED,  /* was found used once, while inactive; the policy's (evict.h) */
	PG_DIRTY,       /* in the swap cache, and its slot does not hold the same: page lock */
	PG_WRITEBACK,   /* being written to its slot */
	PG_RECLAIM,     /* written for reclaim, not on advice: a steal when it is freed; atomic */
	PG_ERROR,       /* could not be read: page lock */
	PG_ISOLATED,    /* taken off its list: link is the taker's. As PG_LRU */
	PG_LAZY,        /* its program has given it up: lazyfree.h; page lock and LRU lock */
	PG_READAHEAD,   /* was read because a neighbour was wanted */
	PG_TOUCHED,     /* a call copied from it or to it, which no leaf's accessed bit tells: see page_touch() */
};

/* Above the flags: the list that the page is on, and a mark of the policy (evict.h). */
#define PAGE_MARK_SHIFT 24
#define PAGE_MARK_MASK (7U << PAGE_MARK_SHIFT)
#define PAGE_LIST_SHIFT 28
#define PAGE_LIST_MASK (15U << PAGE_LIST_SHIFT)

/* Present leaves of a level-1 table by what they map: what the table adds to the RSS of each address space using it. */
enum rss_kind {
	RSS_ANON,
	RSS_FILE,
	RSS_SHMEM,
	RSS_SWAP, /* not resident: leaves with a swap entry; last, so that the kinds below it are */
	RSS_KINDS,
};

struct page {
	u32 flags;            /* atomic, bits of enum page_flag */
	atomic_t refs;        /* see I1, I2 */
	u8 kind;              /* enum page_kind; I3 */
	u8 order;             /* of the block this page heads; zone lock while free, else its owner */
	u8 zone;              /* const after init: index into zones[] */
	u8 node;              /* const after init */
	struct spinlock lock; /* mapped page: the map lock. Table page: the table lock. I4 */
	union {
		struct {                          /* ANON, FILE, SHMEM: guarded by the page cache lock of object */
			struct pagecache *object; /* NULL when in no cache */
			u64 index;                /* in pages from the start of object */
		};
		struct {          /* TABLE: guarded by lock (the table lock) */
			u64 base; /* va of the first byte the table maps */
			union {
				u16 counts[RSS_KINDS]; /* leaves by kind; level 1 only */
				u64 all_counts;        /* 0: there are none */
			};
		};
		struct { /* SLAB: guarded by the cache's lock */
			struct kmem_cache *cache;
			void *freelist;
		};
	};
	union {
		struct chain rmap; /* slots that map the page; map lock */
		struct chain mms;  /* TABLE, level 1: the address spaces that use it; table lock */
		pte_t *parent;     /* TABLE, levels 2 and 3: the entry that points to it; mm->lock */
		u64 inuse;         /* SLAB: objects handed out; the cache's lock */
	};
	union {
		u32 mapcount; /* number of slots on rmap; map lock, read racily */
		u32 level;    /* TABLE: 1 is the leaf level; const */
	};
	union {
		u32 private; /* free for the owner of the frame (debug: last owner) */
		u32 other;   /* TABLE: further entries: level 1 the zero frame, above tables; as counts */
		u32 locks; /* ANON, FILE, SHMEM: slots on rmap with PTE_LOCKED; atomic (mlock.h). Not 0: unevictable */
	};
	struct list link; /* free list: zone lock; per-CPU list: its CPU; slab list: the cache's lock */
};

_Static_assert(sizeof(struct page) == 64, "struct page is one cache line");

/* page_flag_set, page_flag_clear, page_flag_take - one flag of @page; take: whether it was set. Context: any. */
static inline void
page_flag_set(struct page *page, enum page_flag flag)
{
	__atomic_fetch_or(&page->flags, BIT(flag), __ATOMIC_SEQ_CST);
}

static inline void
page_flag_clear(struct page *page, enum page_flag flag)
{
	__atomic_fetch_and(&page->flags, ~(u32)BIT(flag), __ATOMIC_SEQ_CST);
}

static inline bool
page_flag_take(struct page *page, enum page_flag flag)
{
	return READ_ONCE(page->flags) & BIT(flag) && bit_test_and_clear(&page->flags, flag);
}

/* page_touch - what reads or writes @page by its address in the kernel says so to reclaim. Context: any. */
static inline void
page_touch(struct page *page)
{
	if (unlikely(!(READ_ONCE(page->flags) & BIT(PG_TOUCHED))))
		page_flag_set(page, PG_TOUCHED);
}

/* The frame that every read of untouched memory sees; never written, not counted, on no chain. */
extern struct page *zero_frame;

static inline struct page *
pfn_to_page(u64 pfn)
{
	return (struct page *)VMEMMAP_BASE + pfn;
}

static inline u64
page_to_pfn(const struct page *page)
{
	return (u64)(page - (struct page *)VMEMMAP_BASE);
}

static inline u64
page_to_pa(const struct page *page)
{
	return page_to_pfn(page) << PAGE_SHIFT;
}

/* The frame's bytes in the direct map. */
static inline void *
page_to_va(const struct page *page)
{
	return pa_to_va(page_to_pa(page));
}

/* @va lies in the direct map. */
static inline struct page *
va_to_page(const void *va)
{
	dassert((u64)va >= DIRECT_BASE && (u64)va < VMALLOC_BASE);
	return pfn_to_page(va_to_pa(va) >> PAGE_SHIFT);
}

/*
 * page_become_user - hand a frame that was just allocated to programs: ANON, FILE or SHMEM, unmapped
 *
 * Context   the caller holds the only reference
 */
static inline void
page_become_user(struct page *page, enum page_kind kind, struct pagecache *object, u64 index)
{
	dassert(kind >= PAGE_ANON && kind < PAGE_KINDS);
	dassert(kind != PAGE_ANON || (!object && !index));
	dassert(page->kind == PAGE_KERNEL && page->order == 0);
	dassert(atomic_read(&page->refs) == 1); /* I3 */
	spin_set_rank(&page->lock, RANK_MAP);   /* I4 */
	page->flags = 0;
	page->object = object;
	page->index = index;
	page->rmap.head = 0;
	page->mapcount = 0;
	page->locks = 0;
	barrier(); /* I4: who finds this kind finds an empty chain */
	page->kind = kind;
}

static inline bool
page_is_user(const struct page *page)
{
	return page->kind >= PAGE_ANON;
}

static inline enum rss_kind
page_rss_kind(const struct page *page)
{
	dassert(page_is_user(page));
	return (enum rss_kind)(page->kind - PAGE_ANON);
}

/*
 * page_get - take one more reference to a page that is known to have one
 *
 * Context   any
 * Gives     one reference
 */
static inline void
page_get(struct page *page)
{
	dassert(atomic_read(&page->refs) > 0);
	atomic_inc(&page->refs);
}

/* page_free_final - the last reference is gone: back to the allocator (page_alloc.c). Use page_put. */
void page_free_final(struct page *page);

/*
 * page_put - give up a reference; the last one frees the frame
 *
 * Context   any; the page must be unmapped and in no cache when the last reference goes
 * Takes     one reference
 */
static inline void
page_put(struct page *page)
{
	dassert(atomic_read(&page->refs) > 0);
	if (atomic_dec_and_test(&page->refs))
		page_free_final(page);
}

/*
 * page_lock - sleep until this task holds the page lock
 *
 * The page lock is held across I/O and, for a table page, while it is being unshared.
 *
 * Context   may sleep; rank RANK_PAGE; the caller holds a reference
 */
void page_lock(struct page *page);
bool page_trylock(struct page *page);
void page_unlock(struct page *page);

/* Sets up what sleepers on page locks wait on. Context: boot, once. */
void page_queues_init(void);

/* The kind's name as reports print it: "free", "anon", "table", ... */
const char *page_kind_name(enum page_kind kind);
