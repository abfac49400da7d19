/* SPDX-License-Identifier: MIT */
/*
 * mm/vma_alloc.c - vmas as objects: made, copied, freed, with the references they hold
 *
 * Idea        see vma_alloc.h
 * Invariants  see vma_alloc.h
 * Locks       mm->lock of the tree's owner for writing
 * Follow      from mmap.c, fork.c, mm.c   to slab.c, pagecache.c
 * Tests       tests/guest/mmap.c
 * See         docs/mm.md section 3
 */
#include <kernel/lib/errno.h>
#include <kernel/panic.h>
#include <mm/page_alloc.h>
#include <mm/pagecache.h>
#include <mm/slab.h>
#include <mm/vma_alloc.h>

static struct kmem_cache *vma_cache; /* const after init */

void
vma_cache_init(void)
{
	vma_cache = kmem_cache_create("vma", sizeof(struct vma), 8);
	assert(vma_cache);
}

struct vma *
vma_alloc(void)
{
	may_sleep();
	return kmem_cache_alloc(vma_cache, ALLOC_KERNEL);
}

void
vma_free(struct vma *vma)
{
	may_sleep();
	if (vma->object)
		pagecache_put(vma->object);
	kmem_cache_free(vma_cache, vma);
}

int
vma_copy_all(struct vma_tree *to, struct vma_tree *from, struct vma_copy_sum *sum)
{
	may_sleep();
	assert(!to->count);
	*sum = (struct vma_copy_sum){0};
	for (struct vma *vma = vma_first(from); vma; vma = vma_next(vma)) {
		struct vma *copy = vma_alloc();

		if (!copy)
			return -ENOMEM;
		*copy = *vma;
		sum->flags |= vma->flags;
		copy->flags &= ~VM_LOCK_FLAGS;
		if (vma->flags & VM_DONTCOPY)
			copy->flags &= ~VM_ACCOUNT;
		if (copy->flags & VM_ACCOUNT) {
			sum->promised += vma_pages(vma);
			sum->largest = max_u64(sum->largest, vma_pages(vma));
		}
		if (copy->object)
			pagecache_get(copy->object);
		vma_insert(to, copy);
	}
	dassert(to->count == from->count);
	return 0;
}

void
vma_free_all(struct vma_tree *tree)
{
	struct vma *vma;

	while ((vma = vma_first(tree))) {
		vma_remove(tree, vma);
		vma_free(vma);
	}
	assert(!tree->count);
}
