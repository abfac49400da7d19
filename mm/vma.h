/* SPDX-License-Identifier: MIT */
/*
 * mm/vma.h - the mappings of an address space, by address
 *
 * Idea        A red-black tree ordered by address. Every node also knows the widest free gap in its subtree, so that a
 *             place for a new mapping is found in one descent.
 *
 *                 [ gap ][ vma A ][ gap ][ vma B ]        vma->gap: free bytes between the previous vma's end and start
 *
 * Invariants  I1  start < end, both page aligned, end <= USER_TOP; neighbours do not overlap.
 *             I2  max_gap >= gap, and >= max_gap of both children: what the subtree promises. It grows at once, and
 *                 shrinks when a search has found less than was promised.
 *             I3  Two neighbours that could be one vma are one vma, where Linux merges too.         (mm_check: I1, I2)
 * Locks       mm->lock of the owner: reading to look, writing to change
 * Follow      from fault.c, mmap.c   to kernel/lib/rbtree.c
 * Tests       tests/host/vma_test.c
 * See         docs/mm.md section 3
 */
#pragma once

#include <arch/mmu.h>
#include <kernel/lib/rbtree.h>
#include <kernel/lib/types.h>
#include <kernel/panic.h>

struct pagecache;

/* Linux's bits, so that dumps and tools agree. */
#define VM_READ 0x1u
#define VM_WRITE 0x2u
#define VM_EXEC 0x4u
#define VM_SHARED 0x8u
#define VM_MAYREAD 0x10u
#define VM_MAYWRITE 0x20u
#define VM_MAYEXEC 0x40u
#define VM_MAY_SHIFT 4 /* each MAY bit is four places above its right */
#define VM_GROWSDOWN 0x100u
#define VM_LOCKED 0x2000u       /* mlock: pages stay in memory */
#define VM_SEQ_READ 0x8000u     /* madvise: recorded */
#define VM_RAND_READ 0x10000u   /* likewise */
#define VM_DONTCOPY 0x20000u    /* fork leaves it out */
#define VM_LOCKONFAULT 0x80000u /* VM_LOCKED, but only what is touched */
#define VM_ACCOUNT 0x100000u /* private, and writable now or once: counts as promised. Keeps vmas apart, as in Linux */
#define VM_NORESERVE 0x200000u
#define VM_WIPEONFORK 0x2000000u  /* the child finds it empty */
#define VM_DONTDUMP 0x4000000u    /* madvise: recorded */
#define VM_HUGEPAGE 0x20000000u   /* likewise */
#define VM_NOHUGEPAGE 0x40000000u /* likewise */
#define VM_LOCK_FLAGS (VM_LOCKED | VM_LOCKONFAULT)
#define VM_MAYACCESS (VM_MAYREAD | VM_MAYWRITE | VM_MAYEXEC)
#define VM_HEAP (VM_READ | VM_WRITE | VM_MAYACCESS | VM_ACCOUNT)
#define VM_STACK (VM_HEAP | VM_GROWSDOWN)
#define VM_ACCESS (VM_READ | VM_WRITE | VM_EXEC)

struct vma {
	struct rb_node node;
	u64 start;
	u64 end;                  /* first byte past the mapping */
	u32 flags;                /* VM_* */
	u64 pgoff;                /* index in object of the first page; without object see below */
	struct pagecache *object; /* NULL: private anonymous memory; else holds one reference */
	bool has_anon;            /* private pages were put here; set by faults too: READ_ONCE, WRITE_ONCE */
	u64 gap;                  /* usable free bytes between the previous vma, or 0, and vma_low() */
	u64 max_gap;              /* I2 */
};

/*
 * Without an object, pgoff is the number of the page at which the mapping was made (vma_home). mremap lets one that has
 * private pages keep it: Linux finds those pages by it, so what was moved does not merge with what was made in place.
 */
static inline u64
vma_home(u64 start)
{
	return start >> PAGE_SHIFT;
}

struct vma_tree {
	struct rb_tree rb;
	u32 count;          /* vmas in the tree */
	struct vma *recent; /* last hit of vma_find: any vma of the tree, or NULL. READ_ONCE, WRITE_ONCE */
};

/* Bytes that stay free below a mapping that grows down, so that it cannot run into its neighbour unnoticed. */
#define STACK_GUARD_GAP 0x100000UL /* Linux's stack_guard_gap: 256 pages */

/* The lowest address that @vma claims: its start, or the guard gap below a stack. */
static inline u64
vma_low(const struct vma *vma)
{
	if (!(vma->flags & VM_GROWSDOWN))
		return vma->start;
	return vma->start > STACK_GUARD_GAP ? vma->start - STACK_GUARD_GAP : 0;
}

static inline u64
vma_pages(const struct vma *vma)
{
	dassert(vma->start < vma->end);
	return (vma->end - vma->start) >> PAGE_SHIFT;
}

void vma_tree_init(struct vma_tree *tree);

/* vma_find - the first vma whose end is above @va, or NULL: it contains @va if its start is not above it. */
struct vma *vma_find(struct vma_tree *tree, u64 va);

/* vma_find_neighbour - the same for @va near what was found, or looked for a place, last. */
struct vma *vma_find_neighbour(struct vma_tree *tree, u64 va);

struct vma *vma_first(struct vma_tree *tree);
struct vma *vma_next(struct vma *vma);
struct vma *vma_prev(struct vma *vma);

/* vma_insert - add @vma, whose start, end, flags, object and pgoff are set and whose range is free. */
void vma_insert(struct vma_tree *tree, struct vma *vma);

/* vma_insert_between - the same without a search: directly behind @prev, and before @next, which may be NULL. */
void vma_insert_between(struct vma_tree *tree, struct vma *vma, struct vma *prev, struct vma *next);

/* vma_split - @low ends at @at, and @high, whose flags, object and pgoff are set, has the rest of its range. */
void vma_split(struct vma_tree *tree, struct vma *low, struct vma *high, u64 at);

/* vma_absorb - @left gets the range of @right, which starts where it ends; @right is out, its memory the caller's. */
void vma_absorb(struct vma_tree *tree, struct vma *left, struct vma *right);

/* vma_move_border - @left ends and @right starts at @at instead of where they met until now. */
void vma_move_border(struct vma *left, struct vma *right, u64 at);

/* vma_remove - take @vma out; the memory stays the caller's. Returns the vma after it, or NULL. */
struct vma *vma_remove(struct vma_tree *tree, struct vma *vma);

/* vma_resize - move the ends of a vma inside the free space around it; pgoff is the caller's business. */
void vma_resize(struct vma_tree *tree, struct vma *vma, u64 start, u64 end);

/*
 * vma_find_gap - the highest free range of @len bytes within [low, high)
 *
 * Returns   its first byte, or 0 when there is none
 */
u64 vma_find_gap(struct vma_tree *tree, u64 len, u64 low, u64 high);

/* Whether @left, which ends where @right starts, could be one vma with it. */
bool vma_can_merge(const struct vma *left, const struct vma *right);

/* Proves I1 and I2. Returns the number of violations printed. */
int vma_tree_check(struct vma_tree *tree);
