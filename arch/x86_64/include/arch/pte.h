/* SPDX-License-Identifier: MIT */
/*
 * arch/x86_64/include/arch/pte.h - page-table entries: one type for the tables of all four levels; part of arch/mmu.h
 *
 * Idea        An entry is a frame number and bits. Whether it leads to a table or maps memory is told by its level and
 *             PTE_HUGE. What runs at every page fault is inline.
 * Invariants  none
 * Locks       An entry is guarded by who owns its table. Each operation on a slot is atomic against the CPU, which sets
 *             ACCESSED and DIRTY by itself.
 * Follow      from mm/ and mmu.c
 * Tests       tests/host/fault_test.c, tests/host/rmap_test.c
 * See         Intel SDM volume 3, 4.5
 */
#pragma once

#include <kernel/lib/compiler.h>
#include <kernel/lib/types.h>

#define PAGE_SHIFT 12
#define PAGE_SIZE (1UL << PAGE_SHIFT)
#define PAGE_MASK (~(PAGE_SIZE - 1))
#define TABLE_ENTRIES 512
#define LEVELS 4

#define PTE_PRESENT BIT(0)
#define PTE_WRITE BIT(1)
#define PTE_USER BIT(2)
#define PTE_PWT BIT(3)
#define PTE_PCD BIT(4)
#define PTE_ACCESSED BIT(5)
#define PTE_DIRTY BIT(6)
#define PTE_HUGE BIT(7) /* a leaf in a table of level 2 or 3 */
#define PTE_GLOBAL BIT(8)
#define PTE_SOFT0 BIT(9) /* 9 to 11: ignored by the CPU, mm decides */
#define PTE_SOFT1 BIT(10)
#define PTE_SOFT2 BIT(11)
#define PTE_NX BIT(63)
#define PTE_PFN_MASK 0x000ffffffffff000UL

/* What kernel data, read-only data and device registers are mapped with. */
#define PTE_KERNEL_DATA (PTE_PRESENT | PTE_WRITE | PTE_ACCESSED | PTE_DIRTY | PTE_GLOBAL | PTE_NX)
#define PTE_KERNEL_RODATA (PTE_PRESENT | PTE_ACCESSED | PTE_GLOBAL | PTE_NX)
#define PTE_KERNEL_TEXT (PTE_PRESENT | PTE_ACCESSED | PTE_GLOBAL)
#define PTE_KERNEL_MMIO (PTE_KERNEL_DATA | PTE_PCD | PTE_PWT)
/* An entry that leads to a table: the leaf decides. */
#define PTE_TABLE (PTE_PRESENT | PTE_WRITE | PTE_ACCESSED)
#define PTE_USER_TABLE (PTE_TABLE | PTE_USER)

typedef struct {
	u64 value;
} pte_t;

/* First bit of the address that an entry of @level decides: 12, 21, 30, 39 for levels 1 to 4. */
static inline u32
level_shift(u32 level)
{
	return PAGE_SHIFT + 9 * (level - 1);
}

/* Index of the entry for @va in its table of @level. */
static inline u32
level_index(u64 va, u32 level)
{
	return va >> level_shift(level) & (TABLE_ENTRIES - 1);
}

static inline pte_t
pte_make(u64 pfn, u64 bits)
{
	return (pte_t){pfn << PAGE_SHIFT | bits};
}

/* One load; the entry may change right after it. */
static inline pte_t
pte_read(const pte_t *slot)
{
	return (pte_t){READ_ONCE(slot->value)};
}

/* One store. Loses what the CPU sets meanwhile: only for entries that are not present, or whose bits do not matter. */
static inline void
pte_write(pte_t *slot, pte_t e)
{
	WRITE_ONCE(slot->value, e.value);
}

/* Returns the old entry with all ACCESSED and DIRTY bits the CPU set before the exchange. */
static inline pte_t
pte_xchg(pte_t *slot, pte_t e)
{
	return (pte_t){__atomic_exchange_n(&slot->value, e.value, __ATOMIC_SEQ_CST)};
}

/* Stores @new if the entry still is @old, all bits of it; true if it was. */
static inline bool
pte_cas(pte_t *slot, pte_t old, pte_t new)
{
	return __atomic_compare_exchange_n(&slot->value, &old.value, new.value, false, __ATOMIC_SEQ_CST,
					   __ATOMIC_RELAXED);
}

/* Takes @bits out of the entry; what the CPU sets meanwhile stays. */
static inline void
pte_clear_bits(pte_t *slot, u64 bits)
{
	__atomic_fetch_and(&slot->value, ~bits, __ATOMIC_SEQ_CST);
}

static inline bool
pte_none(pte_t e)
{
	return e.value == 0;
}

static inline bool
pte_present(pte_t e)
{
	return e.value & PTE_PRESENT;
}

static inline u64
pte_pfn(pte_t e)
{
	return (e.value & PTE_PFN_MASK) >> PAGE_SHIFT;
}

static inline u64
pte_bits(pte_t e)
{
	return e.value & ~PTE_PFN_MASK;
}

/* All of @bits are set. */
static inline bool
pte_has(pte_t e, u64 bits)
{
	return (e.value & bits) == bits;
}

static inline pte_t
pte_add(pte_t e, u64 bits)
{
	return (pte_t){e.value | bits};
}

static inline pte_t
pte_del(pte_t e, u64 bits)
{
	return (pte_t){e.value & ~bits};
}
