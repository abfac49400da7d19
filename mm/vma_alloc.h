/* SPDX-License-Identifier: MIT */
/*
 * mm/vma_alloc.h - vmas as objects: made, copied, freed, with the references they hold
 *
 * Idea        vma.c is about order and knows no allocator; this is the other half
 * Invariants  I1  A vma with an object holds one reference to it.
 * Locks       mm->lock of the tree's owner for writing
 * Follow      from mmap.c, fork.c, mm.c   to slab.c, pagecache.c
 * Tests       tests/guest/mmap.c
 * See         docs/mm.md section 3
 */
#pragma once

#include <mm/vma.h>

/* What was seen while a tree was copied. */
struct vma_copy_sum {
	u32 flags;    /* of any vma of the original */
	u64 promised; /* pages with VM_ACCOUNT in the copy */
	u64 largest;  /* of one vma of these */
};

void vma_cache_init(void);

/*
 * vma_alloc - a vma with undefined contents
 *
 * Returns   the vma, or NULL when memory ran out
 * Context   may sleep
 */
struct vma *vma_alloc(void);

/* vma_free - free a vma that is in no tree, and its reference to the object. Context: may sleep. */
void vma_free(struct vma *vma);

/*
 * vma_copy_all - fill the empty tree @to with copies of all vmas of @from, none of them locked
 *
 * Those that will be left out (VM_DONTCOPY) are without VM_ACCOUNT: they need no promise.
 *
 * Returns   0 and *sum; -ENOMEM; what was copied so far stays in @to
 * Context   may sleep
 */
int vma_copy_all(struct vma_tree *to, struct vma_tree *from, struct vma_copy_sum *sum);

/* vma_free_all - empty @tree. Context: may sleep; no leaf is left below any of its vmas. */
void vma_free_all(struct vma_tree *tree);
