/* SPDX-License-Identifier: MIT */
/*
 * mm/vmalloc.c - memory that is contiguous in addresses only, with a guard page on either side
 *
 * Idea        Areas lie in one window of kernel addresses, each followed by a page that is never mapped; that page is
 *             the guard before the next area as well. Running off either end faults, and vmalloc_area_of() names the
 *             area.
 *
 *                 |guard| area 1 (live) |guard| area 2 (dead) |guard|      free      |guard| area 3 ...
 *                       ^ BASE + 1 page
 *
 *             Which addresses are free, the tree of areas says (vmalloc_area.h).
 *             Freeing unmaps and returns the frames at once, but other CPUs may still hold translations, and telling
 *             them costs an interrupt each. So the area stays in the tree, dead, and its addresses are not used; when
 *             DEAD_MOST pages have gathered, one flush on all CPUs serves all of them.
 *             Race: CPU A frees a stack, CPU B still translates its address. Nobody uses that address any more, except
 *             by mistake, so the frames need not wait for the flush; the addresses must.
 * Invariants  I1  see vmalloc_area.h, as I3
 *             I2  A live area has a frame of kind PAGE_STACK behind each page; a dead one has no mapping.
 *             I4  A level-1 table of the window exists only where areas are, live or dead.
 * Locks       vmalloc_lock: the tree and the dead list. A purge holds it across the flush, so that no address in it is
 *             handed out before.
 * Follow      from kernel/task.c   to vmalloc_area.c, page_alloc.c, arch/x86_64/mmu.c
 * Tests       tests/host/vmalloc_test.c, selftest=stack_overflow
 * See         docs/mm.md
 */
#include <kernel/lib/errno.h>
#include <kernel/lib/list.h>
#include <kernel/panic.h>
#include <mm/page_alloc.h>
#include <mm/shrinker.h>
#include <mm/slab.h>
#include <mm/vmalloc.h>
#include <mm/vmalloc_area.h>
#include <mm/vmstat.h>

#define DEAD_MOST 1024 /* pages: 4 MiB of addresses, about 200 kernel stacks */

static struct kmem_cache *area_cache;
static struct area *dead; /* vmalloc_lock; newest first */
static u64 dead_pages;    /* vmalloc_lock, read racily; with guards */

static struct area *area_reserve(u64 size, const char *name);
static int area_map(struct area *area);
static void area_kill(struct area *area);
static void area_unmap(struct area *area);
static u64 purge(void);
static struct area *purge_locked(struct list *tables);
static void tables_detach(const struct area *area, struct list *tables);
static void flush_all(void *unused);

static u64 shrinker_count(void);
static void shrinker_scan(struct shrink_control *sc);

/* What is kept are addresses and the tables that lead there; the frames go with vfree. */
static struct shrinker vmalloc_shrinker = {
	.name = "vmalloc", .count = shrinker_count, .scan = shrinker_scan, .seeks = SHRINK_SEEKS};

void
vmalloc_init(void)
{
	assert(!area_cache); /* once */
	area_cache = kmem_cache_create("vmalloc_area", sizeof(struct area), 0);
	area_tree_init();
	assert(area_cache);
	shrinker_register(&vmalloc_shrinker);
}

void *
vmalloc(u64 size)
{
	return vmalloc_named(size, "vmalloc");
}

void *
vmalloc_named(u64 size, const char *name)
{
	struct area *area;

	assert(size && name);
	may_sleep();

	/* Why: what can never fit must not kill everything else on the way to find out. */
	if (size >> PAGE_SHIFT >= total_pages())
		return NULL;
	area = area_reserve(round_up(size, PAGE_SIZE), name);
	if (!area)
		return NULL;
	if (area_map(area)) {
		area_kill(area);
		return NULL;
	}
	dassert(area->va + area->mapped + PAGE_SIZE == area->end); /* I2 */
	return (void *)area->va;
}

void
vfree(void *va)
{
	struct area *area;

	may_sleep(); /* a purge waits for the other CPUs */
	if (!va)
		return;
	spin_lock(&vmalloc_lock);
	area = area_find((u64)va);
	spin_unlock(&vmalloc_lock);
	assertf(area && area->va == (u64)va && area->live, "vfree: %p does not begin a live area", va);
	area_kill(area);
	if (READ_ONCE(dead_pages) > DEAD_MOST)
		vmalloc_purge();
}

bool
vmalloc_area_of(u64 addr, struct vmalloc_info *out)
{
	/* Why: a guard page lies between two areas. It is reported as the upper one's, since stacks grow down. */
	struct area *area = area_find(addr + PAGE_SIZE);

	if (!area)
		area = area_find(addr);
	if (!area)
		return false;
	*out = (struct vmalloc_info){area->va, area->end - PAGE_SIZE - area->va, area->name, area->live};
	return true;
}

void
vmalloc_purge(void)
{
	(void)purge();
}

static u64
shrinker_count(void)
{
	return READ_ONCE(dead_pages);
}

/* One flush of all CPUs serves all dead areas: all or none. */
static void
shrinker_scan(struct shrink_control *sc)
{
	sc->scanned = READ_ONCE(dead_pages);
	sc->frames = purge();
}

/* Returns the frames of tables that went. */
static u64
purge(void)
{
	u64 frames = 0;

	struct list tables = LIST_INIT(tables);
	struct area *gone;
	struct area *next;
	struct page *table;
	struct page *tmp;

	dassert(irq_enabled());
	spin_lock(&vmalloc_lock);
	gone = dead ? purge_locked(&tables) : NULL;
	spin_unlock(&vmalloc_lock);
	for (; gone; gone = next) {
		next = gone->next_dead;
		dassert(!gone->live);
		kmem_cache_free(area_cache, gone);
	}
	list_for_each_safe (table, tmp, &tables, link) {
		page_free(table, 0);
		frames++;
	}
	return frames;
}

/*
 * Puts an area for @size bytes into the tree, at the lowest addresses that are free; NULL without memory or
 * addresses.
 */
static struct area *
area_reserve(u64 size, const char *name)
{
	struct area *area = kmem_cache_alloc(area_cache, ALLOC_KERNEL);

	dassert(size && !(size & ~PAGE_MASK));
	if (!area)
		return NULL;
	spin_lock(&vmalloc_lock);
	*area = (struct area){.va = area_gap(size + PAGE_SIZE), .name = name, .live = true};
	area->end = area->va + size + PAGE_SIZE;
	dassert(!area->va || (area->va >= FIRST_VA && area->end <= VMALLOC_END));
	if (area->va)
		area_insert(area);
	spin_unlock(&vmalloc_lock);
	if (area->va)
		return area;
	kmem_cache_free(area_cache, area);
	return NULL;
}

/* Puts a frame behind each page of @area. Returns 0 or -ENOMEM; area->mapped says how far it got. */
static int
area_map(struct area *area)
{
	u64 end = area->end - PAGE_SIZE;

	dassert(area->live && !area->mapped);
	for (u64 va = area->va; va < end; va += PAGE_SIZE) {
		struct page *page = page_alloc(0, ALLOC_KERNEL);

		if (!page)
			return -ENOMEM;
		page->kind = PAGE_STACK;
		if (mmu_map_kernel(va, page_to_pa(page), PTE_KERNEL_DATA)) {
			page_free(page, 0);
			return -ENOMEM;
		}
		area->mapped += PAGE_SIZE;
	}
	count_events(VM_NR_VMALLOC, (s64)(area->mapped >> PAGE_SHIFT));
	return 0;
}

/* Takes the frames from @area and leaves its addresses for the next purge. */
static void
area_kill(struct area *area)
{
	if (area->va + area->mapped + PAGE_SIZE == area->end)
		count_events(VM_NR_VMALLOC, -(s64)(area->mapped >> PAGE_SHIFT));
	dassert(area->va + area->mapped < area->end);
	area_unmap(area);
	spin_lock(&vmalloc_lock);
	assert(area->live);
	area->live = false;
	area->next_dead = dead;
	dead = area;
	dead_pages += (area->end - area->va) >> PAGE_SHIFT;
	spin_unlock(&vmalloc_lock);
}

static void
area_unmap(struct area *area)
{
	for (u64 va = area->va; va < area->va + area->mapped; va += PAGE_SIZE) {
		pte_t e = mmu_unmap_kernel(va);
		struct page *page = pfn_to_page(pte_pfn(e));

		assertf(pte_present(e) && page->kind == PAGE_STACK,
			"vfree: %lx of area %s is not mapped as it should be", va, area->name);
		dassert(atomic_read(&page->refs) == 1);
		mmu_flush_local_page(va);
		page_free(page, 0);
	}
}

/*
 * Takes all dead areas out of the tree and flushes. Returns them; level-1 tables that they leave empty go to @tables.
 */
static struct area *
purge_locked(struct list *tables)
{
	struct area *gone = dead;

	must_hold(&vmalloc_lock);
	dead = NULL;
	dead_pages = 0;
	for (struct area *area = gone; area; area = area->next_dead) {
		assert(!area->live);
		area_remove(area);
	}
	for (struct area *area = gone; area; area = area->next_dead)
		tables_detach(area, tables);

	/* Why: before the lock is released, since then the addresses, and soon the tables' frames, are used again. */
	cpu_call_many(BIT(cpu_count()) - 1, flush_all, NULL);
	return gone;
}

/* Takes the level-1 tables that only @area and others like it used out of the kernel's tables. */
static void
tables_detach(const struct area *area, struct list *tables)
{
	must_hold(&vmalloc_lock);
	for (u64 va = round_down(area->va, TABLE_BYTES); va < area->end; va += TABLE_BYTES) {
		u64 pa = area_in_table(va) ? 0 : mmu_detach_kernel_table(va);

		if (pa)
			list_add(&pfn_to_page(pa >> PAGE_SHIFT)->link, tables);
	}
}

static void
flush_all(void *unused)
{
	mmu_flush_local_global();
}
