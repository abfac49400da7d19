/* SPDX-License-Identifier: MIT */
/*
 * kernel/exec_layout.c - where the parts of a new address space lie
 *
 * Idea        see exec_layout.h. A run that is to repeat itself, as of the benchmarks, is started with `norandmaps`.
 * Invariants  none
 * Locks       none
 * Follow      from exec.c   to random.c
 * Tests       tests/guest/aslr.c
 */
#include <arch/mmu.h>
#include <kernel/cmdline.h>
#include <kernel/exec_layout.h>
#include <kernel/random.h>

#define STACK_RANDOM_PAGES (1UL << 22)
#define STACK_SKEW 8192UL
#define VDSO_ROOM (16 * PAGE_SIZE)    /* behind the stack, in its 2 MiB */
#define MMAP_RANDOM_PAGES (1UL << 28) /* vm.mmap_rnd_bits */
#define BRK_RANDOM (32UL << 20)

u32 sysctl_randomize_va_space = 2;

static u64 below(u64 n);

void
exec_layout_init(void)
{
	if (cmdline_has("norandmaps"))
		sysctl_randomize_va_space = 0;
}

void
exec_layout_choose(struct exec_layout *layout, bool fixed)
{
	u32 setting = READ_ONCE(sysctl_randomize_va_space);

	*layout = (struct exec_layout){.stack_top = USER_TOP - VDSO_ROOM};
	if (fixed || !setting)
		return;
	layout->stack_top -= below(STACK_RANDOM_PAGES) << PAGE_SHIFT;
	layout->stack_room = STACK_RANDOM_PAGES << PAGE_SHIFT;
	layout->stack_skew = round_down(below(STACK_SKEW), 16);
	layout->base_random = below(MMAP_RANDOM_PAGES) << PAGE_SHIFT;
	layout->pie_random = below(MMAP_RANDOM_PAGES) << PAGE_SHIFT;
	if (setting > 1)
		layout->brk_random = below(BRK_RANDOM >> PAGE_SHIFT) << PAGE_SHIFT;
}

/* Behind the stack, and in the same 2 MiB: no page table more. */
u64
exec_layout_vdso(const struct exec_layout *layout, u64 bytes)
{
	u64 start = layout->stack_top;
	u64 end = min_u64(round_up(start + 1, 2UL << 20), USER_TOP);

	if (!layout->stack_room || end < start + bytes)
		return start;
	return start + (below(((end - bytes - start) >> PAGE_SHIFT) + 1) << PAGE_SHIFT);
}

/* A number in [0, n). Simple: for powers of two exact; for others as even as 64 bits allow. */
static u64
below(u64 n)
{
	u64 word;

	random_fill(&word, sizeof(word));
	return word % n;
}
