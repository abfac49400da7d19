/* SPDX-License-Identifier: MIT */
/*
 * arch/x86_64/mmu_check.c - proves that nothing in the kernel's tables is both writable and executable
 *
 * Idea        Walks the tables from address 0 to the end, each step over one leaf or over one empty entry of whatever
 *             level.
 * Invariants  proves I1 and I3 of arch/mmu.h for the kernel's own root, and that its user half is empty
 * Locks       none: leaves may change meanwhile, their kind does not
 * Follow      from kernel/main.c (arch_init_free)   to mmu.c (mmu_walk)
 * Tests       every boot
 * See         docs/mm.md
 */
#include <arch/mmu.h>
#include <kernel/printk.h>

static bool mmu_leaf_bad(u64 va, pte_t leaf);
static u64 mmu_next_va(u64 va, u32 level);

u64
mmu_wx_leaves(void)
{
	u64 bad = 0;
	u64 va = 0;

	do {
		u32 level;
		const pte_t *slot = mmu_walk(mmu_kernel_root(), va, &level);

		if (slot && mmu_leaf_bad(va, pte_read(slot))) {
			pr_err("%#lx, %s: entry %#lx of level %u is not allowed", va, mmu_region_name(va),
			       pte_read(slot).value, level);
			bad++;
		}
		va = mmu_next_va(va, level);
	} while (va);
	return bad;
}

static bool
mmu_leaf_bad(u64 va, pte_t leaf)
{
	bool write_and_execute = pte_has(leaf, PTE_WRITE) && !pte_has(leaf, PTE_NX);

	return write_and_execute || pte_has(leaf, PTE_USER) || va < DIRECT_BASE;
}

/*
 * The address after the entry of @level that translates @va; from the end of the user half to the kernel half; 0 at
 * the end.
 */
static u64
mmu_next_va(u64 va, u32 level)
{
	u64 size = 1UL << level_shift(level);
	u64 next = round_down(va, size) + size;

	return next == 1UL << 47 ? ~0UL << 47 : next;
}
