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
 *             The tree of areas is ordered by address, and each node sums up its subtree: its ends, and the largest gap
 *             between two areas in it. The lowest gap that fits is found on one way down. Low addresses first keep the
 *             areas together and the page tables few.
 *             Freeing unmaps and returns the frames at once, but other CPUs may still hold translations, and telling
 *             them costs an interrupt each. So the area stays in the tree, dead, and its addresses are not used; when
 *             DEAD_MOST pages have gathered, one flush on all CPUs serves all of them.
 *             Race: CPU A frees a stack, CPU B still translates its address. Nobody uses that address any more, except
 *             by mistake, so the frames need not wait for the flush; the addresses must.
 * Invariants  I1  Areas do not overlap; behind each is at least one page that belongs to none.
 *             I2  A live area has a frame of kind PAGE_STACK behind each page; a dead one has no mapping.
 *             I3  Each node's summary is what summary_update() computes.
 *             I4  A level-1 table of the window exists only where areas are, live or dead.
 * Locks       vmalloc_lock: the tree and the dead list. A purge holds it across the flush, so that no address in it is
 *             handed out before.
 * Follow      from kernel/task.c   to page_alloc.c, arch/x86_64/mmu.c
 * Tests       tests/host/vmalloc_test.c, selftest=stack_overflow
 * See         docs/mm.md
 */
#include <kernel/lib/errno.h>
#include <kernel/lib/list.h>
#include <kernel/lib/rbtree.h>
#include <kernel/panic.h>
#include <kernel/printk.h>
#include <kernel/spinlock.h>
#include <mm/page_alloc.h>
#include <mm/shrinker.h>
#include <mm/slab.h>
#include <mm/vmalloc.h>
#include <mm/vmstat.h>

#define FIRST_VA (VMALLOC_BASE + PAGE_SIZE) /* the page before is the first guard */
#define DEAD_MOST 1024                      /* pages: 4 MiB of addresses, about 200 kernel stacks */
#define TABLE_BYTES (1UL << 21)             /* what one level-1 table maps */
#define DEPTH_MOST 64                       /* no balanced tree is deeper */

struct area {
	struct rb_node node;    /* vmalloc_lock */
	u64 va;                 /* const while in the tree */
	u64 end;                /* const while in the tree; behind the guard page */
	u64 mapped;             /* owner of the area; bytes that have frames */
	const char *name;       /* const */
	bool live;              /* vmalloc_lock */
	struct area *next_dead; /* vmalloc_lock */
	u64 first;              /* vmalloc_lock; summary of the subtree: lowest va, */
	u64 last;               /* highest end, */
	u64 gap;                /* most bytes between two neighbours in it */
};

static struct kmem_cache *area_cache;
static struct spinlock vmalloc_lock = SPINLOCK_INIT(RANK_VMALLOC);
static struct rb_tree areas; /* vmalloc_lock */
static struct area *dead;    /* vmalloc_lock; newest first */
static u64 dead_pages;       /* vmalloc_lock, read racily; with guards */

static struct area *area_reserve(u64 size, const char *name);
static u64 gap_find(u64 need);
static void area_insert(struct area *area);
static int area_map(struct area *area);
static void area_kill(struct area *area);
static void area_unmap(struct area *area);
static struct area *area_find(u64 addr);
static u64 purge(void);
static struct area *purge_locked(struct list *tables);
static void tables_detach(const struct area *area, struct list *tables);
static bool stretch_in_use(u64 va);
static void flush_all(void *unused);
static bool summary_update(struct rb_node *node);

static u64 shrinker_count(void);
static void shrinker_scan(struct shrink_control *sc);

/* What is kept are addresses and the tables that lead there; the frames go with vfree. */
static struct shrinker vmalloc_shrinker = {
	.name = "vmalloc", .count = shrinker_count, .scan = shrinker_scan, .seeks = SHRINK_SEEKS};

static inline struct area *
area_of(struct rb_node *node)
{
	return container_of(node, struct area, node);
}

void
vmalloc_init(void)
{
	assert(!area_cache); /* once */
	area_cache = kmem_cache_create("vmalloc_area", sizeof(struct area), 0);
	rb_tree_init(&areas, summary_update);
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

bool
vmalloc_next(u64 addr, struct vmalloc_info *out)
{
	struct area *found = NULL;
	struct rb_node *n;

	spin_lock(&vmalloc_lock);
	for (n = areas.root; n;) {
		struct area *area = area_of(n);

		if (area->va >= addr)
			found = area;
		n = area->va >= addr ? n->left : n->right;
	}
	for (n = found ? &found->node : NULL; n && !area_of(n)->live;)
		n = rb_next(n);
	if (n)
		*out = (struct vmalloc_info){area_of(n)->va, area_of(n)->end - PAGE_SIZE - area_of(n)->va,
					     area_of(n)->name, true};
	spin_unlock(&vmalloc_lock);
	return n;
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

int
vmalloc_check(void)
{
	u64 end = FIRST_VA;
	int bad = 0;

	spin_lock(&vmalloc_lock);
	for (struct rb_node *n = rb_first(&areas); n; n = rb_next(n)) {
		struct area *area = area_of(n);

		if (area->va < end || area->end <= area->va + PAGE_SIZE || summary_update(n)) {
			pr_err("vmalloc: area %s at %lx-%lx overlaps its neighbour, or its summary is stale\n",
			       area->name, area->va, area->end);
			bad++;
		}
		end = area->end;
	}
	spin_unlock(&vmalloc_lock);
	return bad;
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
	*area = (struct area){.va = gap_find(size + PAGE_SIZE), .name = name, .live = true};
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

/*
 * Returns the lowest address with @need free bytes behind it, or 0. A gap is looked for where it would be lowest:
 * left of the node, between left and the node, between the node and right, right of the node.
 */
static u64
gap_find(u64 need)
{
	struct rb_node *n = areas.root;

	must_hold(&vmalloc_lock);
	dassert(need >= 2 * PAGE_SIZE);
	if (!n)
		return FIRST_VA;
	if (area_of(n)->first - FIRST_VA >= need)
		return FIRST_VA;
	if (area_of(n)->gap < need)
		return VMALLOC_END - area_of(n)->last >= need ? area_of(n)->last : 0;
	for (;;) {
		struct area *area = area_of(n);

		if (n->left && area_of(n->left)->gap >= need)
			n = n->left;
		else if (n->left && area->va - area_of(n->left)->last >= need)
			return area_of(n->left)->last;
		else if (n->right && area_of(n->right)->first - area->end >= need)
			return area->end;
		else
			n = n->right; /* the summary promised a gap, and it is nowhere else */
		assert(n && area_of(n)->gap >= need);
	}
}

/* Needs vmalloc_lock. */
static void
area_insert(struct area *area)
{
	struct rb_node **link = &areas.root;
	struct rb_node *parent = NULL;

	must_hold(&vmalloc_lock);
	while (*link) {
		parent = *link;
		dassert(area->end <= area_of(parent)->va || area->va >= area_of(parent)->end); /* I1 */
		link = area->va < area_of(parent)->va ? &parent->left : &parent->right;
	}
	rb_insert_at(&areas, &area->node, parent, link);
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
 * Returns the area that holds @addr, its guard page behind included, or NULL. Without vmalloc_lock the answer may be
 * wrong, but the walk ends and follows only pointers to areas.
 */
static struct area *
area_find(u64 addr)
{
	struct rb_node *n = READ_ONCE(areas.root);

	for (u32 depth = 0; n && depth < DEPTH_MOST; depth++) {
		struct area *area = area_of(n);

		if (addr >= area->va && addr < area->end)
			return area;
		n = addr < area->va ? READ_ONCE(n->left) : READ_ONCE(n->right);
	}
	return NULL;
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
		rb_erase(&areas, &area->node);
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
		u64 pa = stretch_in_use(va) ? 0 : mmu_detach_kernel_table(va);

		if (pa)
			list_add(&pfn_to_page(pa >> PAGE_SHIFT)->link, tables);
	}
}

/* Does an area of the tree reach into the stretch of one table at @va? */
static bool
stretch_in_use(u64 va)
{
	struct rb_node *n = areas.root;

	must_hold(&vmalloc_lock);
	dassert(!(va & (TABLE_BYTES - 1)));
	while (n) {
		struct area *area = area_of(n);

		if (area->va < va + TABLE_BYTES && va < area->end)
			return true;
		n = va < area->va ? n->left : n->right;
	}
	return false;
}

static void
flush_all(void *unused)
{
	mmu_flush_local_global();
}

/* See struct rb_tree: recomputes the summary of @node; true when it changed. */
static bool
summary_update(struct rb_node *node)
{
	struct area *area = area_of(node);
	struct area *left = node->left ? area_of(node->left) : NULL;
	struct area *right = node->right ? area_of(node->right) : NULL;
	u64 first = left ? left->first : area->va;
	u64 last = right ? right->last : area->end;
	u64 gap = 0;
	bool changed;

	must_hold(&vmalloc_lock);
	dassert(!left || left->last <= area->va);
	dassert(!right || right->first >= area->end);
	if (left)
		gap = max_u64(left->gap, area->va - left->last);
	if (right)
		gap = max_u64(gap, max_u64(right->gap, right->first - area->end));
	changed = first != area->first || last != area->last || gap != area->gap;
	area->first = first;
	area->last = last;
	area->gap = gap;
	return changed;
}
