/* SPDX-License-Identifier: MIT */
/*
 * arch/x86_64/mmu.c - the kernel's own page tables
 *
 * Idea        One set of tables serves all CPUs and, by copied level-4 entries, all address spaces. The direct map is
 *             built from the largest leaves that fit and the CPU has (1 GiB, 2 MiB, 4 KiB); the image page by page,
 *             each section with its own protection. The direct map's view of text and read-only data is read-only
 *             too, so that no second way leads to them.
 * Invariants  as in arch/mmu.h
 *             I4  Tables of levels 4 and 3 change only in mmu_init().
 * Locks       kernel_table_lock: entries of level 2, and the making of tables. Leaves belong to who maps them.
 * Follow      from kernel/main.c, mm/vmalloc.c, mm/pageinit.c   to memblock.c, page_alloc.c
 * Tests       selftest=wx, selftest=null
 * See         Intel SDM volume 3, 4.5
 */
#include <arch/cpu.h>
#include <arch/features.h>
#include <arch/image.h>
#include <arch/mmu.h>
#include <arch/smp.h>
#include <arch/x86.h>
#include <kernel/boot_info.h>
#include <kernel/lib/errno.h>
#include <kernel/panic.h>
#include <kernel/spinlock.h>
#include <mm/memblock.h>
#include <mm/page.h>
#include <mm/page_alloc.h>

/* The first MiB is mapped whole: BIOS data, the screen, ROMs with firmware tables. */
#define LOW_END (1UL << 20)

static struct spinlock kernel_table_lock = SPINLOCK_INIT(RANK_KERNEL_TABLE);
static u64 kernel_root_pa;        /* const after mmu_init */
static u64 mmio_next = MMIO_BASE; /* boot only */

static void mmu_level3_make(u64 start, u64 end);
static void mmu_direct_map(u64 start, u64 end);
static void mmu_direct_map_part(u64 start, u64 end, u64 bits);
static u32 mmu_leaf_level(u64 pa, u64 end);
static void mmu_image_map(void);
static void mmu_image_part(const u8 *start, const u8 *end, u64 bits);
static void mmu_map_boot(u64 va, pte_t leaf, u32 level);
static pte_t *mmu_slot(u64 va, u32 level, u32 *found);
static bool mmu_map_locked(u64 va, pte_t leaf, u32 level, u64 *spare_pa);
static u64 mmu_table_alloc(void);
static u64 mmu_detach_locked(pte_t *slot);
static void mmu_flush_call(void *unused);

void __init
mmu_init(const struct boot_info *info)
{
	kernel_root_pa = memblock_alloc(PAGE_SIZE, PAGE_SIZE);
	mmu_level3_make(DIRECT_BASE, DIRECT_BASE + max_u64(memblock_ram_end(), 4UL << 30));
	mmu_level3_make(VMALLOC_BASE, VMALLOC_END);
	mmu_level3_make(VMEMMAP_BASE, VMEMMAP_BASE + (memblock_ram_end() >> PAGE_SHIFT) * 64 + 1);
	mmu_level3_make(KERNEL_BASE, MMIO_END);
	mmu_direct_map(0, LOW_END);
	for (u32 i = 0; i < memblock_ram.count; i++)
		mmu_direct_map(max_u64(memblock_ram.range[i].base, LOW_END), memblock_ram.range[i].end);
	/* mem= may have cut the initial RAM disk off: it is read through the direct map all the same. */
	mmu_direct_map(round_down(info->initrd_pa, PAGE_SIZE),
		       round_up(info->initrd_pa + info->initrd_size, PAGE_SIZE));
	mmu_image_map();
	mmu_root_switch(kernel_root_pa);
	mmu_flush_local_global();
	memblock_reach_set(memblock_ram_end());
	smp_trampoline_reserve(info);
}

/* Every level-3 table between two addresses of the kernel half. */
static void __init
mmu_level3_make(u64 start, u64 end)
{
	pte_t *root = pa_to_va(kernel_root_pa);
	u32 last = level_index(end - 1, 4);

	assert(start >= DIRECT_BASE && end - 1 > start);
	for (u32 i = level_index(start, 4); i <= last; i++)
		pte_write(&root[i], pte_make(memblock_alloc(PAGE_SIZE, PAGE_SIZE) >> PAGE_SHIFT, PTE_TABLE));
}

/* [@start, @end) of physical memory; text and read-only data of the image within it stay read-only. */
static void __init
mmu_direct_map(u64 start, u64 end)
{
	u64 ro_start = kernel_to_pa(__text_start);
	u64 ro_end = kernel_to_pa(__rodata_end);

	mmu_direct_map_part(start, min_u64(end, ro_start), PTE_KERNEL_DATA);
	mmu_direct_map_part(max_u64(start, ro_start), min_u64(end, ro_end), PTE_KERNEL_RODATA);
	mmu_direct_map_part(max_u64(start, ro_end), end, PTE_KERNEL_DATA);
}

/* Empty when @start >= @end. What is mapped already, by an overlapping range, stays. */
static void __init
mmu_direct_map_part(u64 start, u64 end, u64 bits)
{
	u64 pa = start;

	while (pa < end) {
		u32 level = mmu_leaf_level(pa, end);
		u64 size = 1UL << level_shift(level);
		u32 found;

		if (!mmu_walk(kernel_root_pa, DIRECT_BASE + pa, &found))
			mmu_map_boot(DIRECT_BASE + pa, pte_make(pa >> PAGE_SHIFT, bits | (level > 1 ? PTE_HUGE : 0)),
				     level);
		pa += size;
	}
}

/* The level of the largest leaf that begins at @pa and does not reach beyond @end. */
static u32 __init
mmu_leaf_level(u64 pa, u64 end)
{
	u32 level = cpu_features.gib_pages ? 3 : 2;

	while (level > 1) {
		u64 size = 1UL << level_shift(level);

		if (pa % size == 0 && end - pa >= size)
			break;
		level--;
	}
	return level;
}

static void __init
mmu_image_map(void)
{
	mmu_image_part(__text_start, __text_end, PTE_KERNEL_TEXT);
	mmu_image_part(__rodata_start, __rodata_end, PTE_KERNEL_RODATA);
	mmu_image_part(__data_start, __data_end, PTE_KERNEL_DATA);
	mmu_image_part(__init_start, __init_text_end, PTE_KERNEL_TEXT);
	mmu_image_part(__init_text_end, __init_end, PTE_KERNEL_DATA);
	/* The boot CPU's idle task runs on the boot stack: the page below it stays unmapped, as below every stack. */
	mmu_image_part(__bss_start, boot_stack_guard, PTE_KERNEL_DATA);
	mmu_image_part(boot_stack_guard + PAGE_SIZE, __bss_end, PTE_KERNEL_DATA);
}

static void __init
mmu_image_part(const u8 *start, const u8 *end, u64 bits)
{
	assert((u64)start % PAGE_SIZE == 0 && (u64)end % PAGE_SIZE == 0);
	for (; start < end; start += PAGE_SIZE)
		mmu_map_boot((u64)start, pte_make(kernel_to_pa(start) >> PAGE_SHIFT, bits), 1);
}

/* With tables from memblock, which never fails. */
static void __init
mmu_map_boot(u64 va, pte_t leaf, u32 level)
{
	u64 spare_pa = 0;

	while (!mmu_map_locked(va, leaf, level, &spare_pa))
		spare_pa = memblock_alloc(PAGE_SIZE, PAGE_SIZE);
	assert(!spare_pa);
}

int
mmu_map_kernel(u64 va, u64 pa, u64 bits)
{
	pte_t leaf = pte_make(pa >> PAGE_SHIFT, bits);
	u32 level = bits & PTE_HUGE ? 2 : 1;
	u64 spare_pa = 0;
	bool done;

	assertf(va >= VMALLOC_BASE && (va | pa) % (1UL << level_shift(level)) == 0, "va %#lx pa %#lx level %u", va, pa,
		level);
	for (;;) {
		spin_lock(&kernel_table_lock);
		done = mmu_map_locked(va, leaf, level, &spare_pa);
		spin_unlock(&kernel_table_lock);
		if (done)
			break;
		spare_pa = mmu_table_alloc();
		if (!spare_pa)
			return -ENOMEM;
	}
	/* Race: another CPU made the table between our look and our allocation. */
	if (spare_pa)
		page_free(va_to_page(pa_to_va(spare_pa)), 0);
	return 0;
}

/* Installs @leaf. Returns false when a table is missing and *@spare_pa is 0; uses *@spare_pa up when it is not. */
static bool
mmu_map_locked(u64 va, pte_t leaf, u32 level, u64 *spare_pa)
{
	for (;;) {
		u32 found;
		pte_t *slot = mmu_slot(va, level, &found);

		assertf(pte_none(pte_read(slot)), "%#lx is mapped already, entry %#lx of level %u", va,
			pte_read(slot).value, found);
		if (found == level) {
			pte_write(slot, leaf);
			return true;
		}
		if (!*spare_pa)
			return false;
		pte_write(slot, pte_make(*spare_pa >> PAGE_SHIFT, PTE_TABLE));
		*spare_pa = 0;
	}
}

/* The slot for @va of @level, or the first empty slot (or leaf) on the way to it; *@found is its level. */
static pte_t *
mmu_slot(u64 va, u32 level, u32 *found)
{
	u64 table_pa = kernel_root_pa;

	for (u32 at = LEVELS;; at--) {
		pte_t *slot = (pte_t *)pa_to_va(table_pa) + level_index(va, at);
		pte_t e = pte_read(slot);

		*found = at;
		if (at == level || !pte_present(e) || pte_has(e, PTE_HUGE))
			return slot;
		table_pa = pte_pfn(e) << PAGE_SHIFT;
	}
}

static u64
mmu_table_alloc(void)
{
	struct page *page;

	if (!total_pages())
		return memblock_alloc(PAGE_SIZE, PAGE_SIZE);
	page = page_alloc(0, ALLOC_KERNEL | ALLOC_ZERO);
	return page ? page_to_pa(page) : 0;
}

pte_t
mmu_unmap_kernel(u64 va)
{
	u32 level;
	pte_t *slot = mmu_walk(kernel_root_pa, va, &level);

	if (!slot)
		return (pte_t){0};
	return pte_xchg(slot, (pte_t){0});
}

u64
mmu_detach_kernel_table(u64 va)
{
	u64 table_pa = 0;
	u32 found;
	pte_t *slot;

	assert(va >= VMALLOC_BASE && va < VMALLOC_END);
	spin_lock(&kernel_table_lock);
	slot = mmu_slot(va, 2, &found);
	if (found == 2 && pte_present(pte_read(slot)) && !pte_has(pte_read(slot), PTE_HUGE))
		table_pa = mmu_detach_locked(slot);
	spin_unlock(&kernel_table_lock);
	return table_pa;
}

static u64
mmu_detach_locked(pte_t *slot)
{
	u64 table_pa = pte_pfn(pte_read(slot)) << PAGE_SHIFT;
	const pte_t *table = pa_to_va(table_pa);

	for (u32 i = 0; i < TABLE_ENTRIES; i++) {
		if (!pte_none(pte_read(&table[i])))
			return 0;
	}
	pte_write(slot, (pte_t){0});
	return table_pa;
}

pte_t *
mmu_walk(u64 root_pa, u64 va, u32 *level)
{
	u64 table_pa = root_pa;

	for (u32 at = LEVELS;; at--) {
		pte_t *slot = (pte_t *)pa_to_va(table_pa) + level_index(va, at);
		pte_t e = pte_read(slot);

		*level = at;
		if (!pte_present(e))
			return NULL;
		if (at == 1 || pte_has(e, PTE_HUGE))
			return slot;
		table_pa = pte_pfn(e) << PAGE_SHIFT;
	}
}

void *
mmio_map(u64 pa, u64 len, u64 bits)
{
	u64 start = round_down(pa, PAGE_SIZE);
	u64 end = round_up(pa + len, PAGE_SIZE);
	u64 va = mmio_next;

	if (end <= start || end - start > MMIO_END - mmio_next)
		return NULL;
	for (u64 at = start; at < end; at += PAGE_SIZE) {
		if (mmu_map_kernel(mmio_next, at, bits))
			return NULL;
		mmio_next += PAGE_SIZE;
	}
	return (void *)(va + (pa - start));
}

void
mmu_flush_local_global(void)
{
	u64 flags = irq_save();
	u64 cr4 = cr4_read();

	/* Changing PGE flushes everything; a CPU without it has no global entries. */
	if (cr4 & CR4_PGE) {
		cr4_write(cr4 & ~CR4_PGE);
		cr4_write(cr4);
	} else {
		mmu_flush_local_all();
	}
	irq_restore(flags);
}

u64
mmu_kernel_root(void)
{
	return kernel_root_pa;
}

u64
kernel_image_start_pa(void)
{
	return kernel_to_pa(__image_start);
}

u64
kernel_image_end_pa(void)
{
	return kernel_to_pa(__image_end);
}

static void
mmu_flush_call(void *unused)
{
	mmu_flush_local_global();
}

u64
arch_init_free(void)
{
	u64 start_pa = kernel_to_pa(__init_start);
	u64 len = __init_end - __init_start;

	for (u64 at = 0; at < len; at += PAGE_SIZE)
		mmu_unmap_kernel((u64)__init_start + at);
	cpu_call_many(BIT(cpu_count()) - 1, mmu_flush_call, NULL);
	assert(mmu_wx_leaves() == 0);
	return page_give(start_pa, len);
}

void
mmu_direct_map_bytes(u64 bytes[3])
{
	u64 end = DIRECT_BASE + memblock_ram_end();
	u64 step;
	u32 level;

	bytes[0] = bytes[1] = bytes[2] = 0;
	for (u64 va = DIRECT_BASE; va < end; va = round_down(va, step) + step) {
		pte_t *leaf = mmu_walk(kernel_root_pa, va, &level);

		step = 1UL << level_shift(level);
		if (leaf)
			bytes[level - 1] += step;
	}
}

const char *
mmu_region_name(u64 va)
{
	if (va < PAGE_SIZE)
		return "the first page, where a NULL pointer leads";
	if (va < USER_TOP)
		return "user memory";
	if (va < DIRECT_BASE)
		return "no valid address";
	if (va < VMALLOC_BASE)
		return "the direct map of RAM";
	if (va < VMALLOC_END)
		return "vmalloc memory";
	if (va >= VMEMMAP_BASE && va < KERNEL_BASE)
		return "the array of struct page";
	if (va >= (u64)boot_stack_guard && va < (u64)boot_stack_guard + PAGE_SIZE)
		return "the guard page below the boot stack";
	if (va >= (u64)__image_start && va < (u64)__image_end)
		return "the kernel image";
	if (va >= MMIO_BASE && va < MMIO_END)
		return "device registers";
	return "kernel addresses without a use";
}
