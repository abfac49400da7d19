/* SPDX-License-Identifier: MIT */
/*
 * arch/x86_64/include/arch/mmu.h - page-table entries, address layout, TLB: all that mm/ needs from the machine
 *
 * Idea        One entry type for the tables of all four levels. What runs at every page fault is inline. All kernel
 *             addresses of one kind lie together, so that a pa and a va of the direct map differ by a constant:
 *
 *             0000000000000000  user          up to USER_TOP; the page above stays empty, so that the address after
 *                                             a system call is always one that sysret may return to
 *             ffff888000000000  direct map    every frame of RAM, never executable
 *             ffffc90000000000  vmalloc       512 GiB: kernel stacks, large tables; guard pages between areas
 *             ffffea0000000000  vmemmap       struct page of frame n at VMEMMAP_BASE + 64 n
 *             ffffffff80000000  kernel image  link address = this + physical address
 *             ffffffffc0000000  mmio          device registers and firmware tables (mmio_map)
 *
 * Invariants  I1  Nothing is writable and executable at the same time once mmu_init() returns.
 *             I2  Every level-3 table of the kernel half exists from mmu_init() on and never goes away: the copies of
 *                 entries 256..511 in the level-4 tables of all address spaces are always right.
 *             I3  Kernel leaves are global and lack PTE_USER; user leaves are the opposite.
 * Locks       Entries are guarded by whoever owns the table (mm: table lock; kernel half: the lock in mmu.c). The
 *             single-entry operations are atomic against the CPU, which sets ACCESSED and DIRTY by itself.
 * Follow      from mm/   to arch/x86_64/mmu.c, smp.c
 * Tests       kernel/selftest.c: wx, null
 * See         Intel SDM volume 3, chapter 4
 */
#pragma once

#include <arch/mmu_const.h>
#include <arch/pte.h>
#include <kernel/lib/compiler.h>
#include <kernel/lib/types.h>

#define MAX_CPUS 16

/* Entries of a level-4 table from here on belong to the kernel. */
#define KERNEL_FIRST_ENTRY 256

#define USER_TOP 0x00007ffffffff000UL
#define DIRECT_BASE 0xffff888000000000UL
#define VMALLOC_BASE 0xffffc90000000000UL
#define VMALLOC_END 0xffffc98000000000UL
#define VMEMMAP_BASE 0xffffea0000000000UL
#define MMIO_BASE 0xffffffffc0000000UL
#define MMIO_END 0xffffffffe0000000UL

/* Address in the direct map. Before mmu_init() only the first 4 GiB answer; after it, RAM alone does. */
static inline void *
pa_to_va(u64 pa)
{
	return (void *)(DIRECT_BASE + pa);
}

/* @va lies in the direct map: no kernel symbol, no vmalloc address. */
static inline u64
va_to_pa(const void *va)
{
	return (u64)va - DIRECT_BASE;
}

/* Physical address of a symbol of the kernel image. */
static inline u64
kernel_to_pa(const void *symbol)
{
	return (u64)symbol - KERNEL_BASE;
}

/* All of @len bytes at @va lie below USER_TOP; no sum wraps. */
static inline bool
va_is_user_range(u64 va, u64 len)
{
	return len <= USER_TOP && va <= USER_TOP - len;
}

/* Fills the frame at @va (page aligned, mapped writable) with zeroes: 3 + 512 counted instructions. */
static inline void
frame_zero(void *va)
{
	u64 words = PAGE_SIZE / 8;

	__asm__ volatile("rep stosq" : "+D"(va), "+c"(words) : "a"(0UL) : "memory");
}

static inline void
frame_copy(void *dst, const void *src)
{
	u64 words = PAGE_SIZE / 8;

	__asm__ volatile("rep movsq" : "+D"(dst), "+S"(src), "+c"(words) : : "memory");
}

/* Physical extent of the kernel image, page aligned; the end excludes nothing that was ever loaded. */
u64 kernel_image_start_pa(void);
u64 kernel_image_end_pa(void);

/*
 * mmu_flush_local_page, _all, _global - drop translations from this CPU's TLB
 *
 * _page drops the one of @va, global or not; _all those that are not global, which is every user page;
 * _global everything.
 *
 * Returns   nothing
 * Context   any
 */
static inline void
mmu_flush_local_page(u64 va)
{
	__asm__ volatile("invlpg (%0)" : : "r"(va) : "memory");
}

static inline void
mmu_flush_local_all(void)
{
	u64 root;

	__asm__ volatile("mov %%cr3, %0; mov %0, %%cr3" : "=r"(root) : : "memory");
}

void mmu_flush_local_global(void);

/*
 * mmu_root_switch - make the level-4 table at @root_pa this CPU's, which also flushes what is not global
 *
 * Returns   nothing
 * Context   any; the table must hold the kernel's entries 256..511
 */
static inline void
mmu_root_switch(u64 root_pa)
{
	__asm__ volatile("mov %0, %%cr3" : : "r"(root_pa) : "memory");
}

/* Physical address of the kernel's own level-4 table. Its user half is empty. */
u64 mmu_kernel_root(void);

/*
 * mmu_map_kernel - map one kernel page at @va to @pa with @bits (PTE_KERNEL_..., PTE_HUGE for 2 MiB)
 *
 * Tables that are missing come from memblock until the page allocator is up, then from page_alloc. They stay.
 *
 * Returns   0; -ENOMEM
 * Context   may sleep once the page allocator is up (tables come from ALLOC_KERNEL); takes the lock of the kernel
 *           half. @va is not mapped yet. No flush is needed: the CPU caches no absent entries
 */
int mmu_map_kernel(u64 va, u64 pa, u64 bits);

/*
 * mmu_unmap_kernel - remove the leaf at @va
 *
 * Returns   the old entry; its pte_none() is true when nothing was mapped
 * Context   does not sleep; the caller flushes on all CPUs before the frame or the address is used again
 */
pte_t mmu_unmap_kernel(u64 va);

/*
 * mmu_detach_kernel_table - take the level-1 table above @va out of the kernel's tables if nothing is mapped in it
 *
 * Returns   physical address of the table, which the caller frees after a flush on all CPUs; 0: absent or in use
 * Context   takes the lock of the kernel half; nobody maps in this 2 MiB meanwhile
 * Gives     the table's frame
 */
u64 mmu_detach_kernel_table(u64 va);

/* Returns the leaf slot that translates @va in the tables of @root_pa, *@level its level; NULL when none is present. */
pte_t *mmu_walk(u64 root_pa, u64 va, u32 *level);

/* Bytes of RAM that the direct map has in leaves of 4 KiB, 2 MiB, and 1 GiB. Context: any; a few thousand steps. */
void mmu_direct_map_bytes(u64 bytes[3]);

/* What @va is for, by the drawing above: "user memory", "direct map", ..., for reports. */
const char *mmu_region_name(u64 va);

/*
 * mmu_wx_leaves - count what is mapped writable and executable, for user mode, or below the kernel half in the
 * kernel's tables
 *
 * Returns   the number of such leaves, each printed; 0 is right
 * Context   any, after mmu_init()
 */
u64 mmu_wx_leaves(void);

/*
 * mmio_map - map @len bytes of device registers or firmware tables at @pa for good
 *
 * @bits     PTE_KERNEL_MMIO for registers, PTE_KERNEL_RODATA for tables
 *
 * Returns   their address; NULL when the window or memory is used up
 * Context   boot only; after mmu_init()
 */
void *mmio_map(u64 pa, u64 len, u64 bits);

/* CPUs that run; numbered from 0 without gaps. */
extern u32 cpu_online;

static inline u32
cpu_count(void)
{
	return READ_ONCE(cpu_online);
}

/*
 * cpu_call_many - run @fn(@arg) on each online CPU of @mask and wait until all have finished
 *
 * This CPU, when in @mask, calls it directly. The others call it from an interrupt: @fn takes only locks that are taken
 * with interrupts off everywhere.
 *
 * Returns   after the last call has returned
 * Context   interrupts on; no lock held that is taken with interrupts off; other spinlocks may be held, since those
 *           who wait for them spin with interrupts on
 */
void cpu_call_many(u64 mask, void (*fn)(void *), void *arg);
