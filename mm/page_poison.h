/* SPDX-License-Identifier: MIT */
/*
 * mm/page_poison.h - debug builds: was a free frame written to, and who had it last?
 *
 * Idea        A frame that is freed gets filled with a pattern, and page->private remembers the kind it had. Whoever
 *             allocates it next proves that the pattern is intact: a write through a stale pointer or a stale TLB entry
 *             is caught there, with the place and the last owner.
 * Invariants  none
 * Locks       none: the frame belongs to the caller
 * Follow      from page_alloc.c
 * Tests       tests/host/page_alloc_test.c
 * See         docs/mm.md
 */
#pragma once

#include <kernel/panic.h>
#include <mm/page.h>

#define POISON_WORD 0xf4eef4eef4eef4eeUL /* "free free"; no address of any kind */
#define POISON_MARK 0xf4ee0000U          /* in page->private: the frame is filled, the low byte is its last kind */

/* Fills the frame of @page, which its owner (page->kind) frees. */
static inline void
poison_fill(struct page *page)
{
	u64 *word = page_to_va(page);

	dassert(page->kind >= PAGE_KERNEL && page->kind < PAGE_KINDS);
	for (u32 i = 0; i < PAGE_SIZE / sizeof(*word); i++)
		word[i] = POISON_WORD;
	page->private = POISON_MARK | page->kind;
}

/* The kind that the owner had given the frame before it was freed. */
static inline const char *
poison_owner(const struct page *page)
{
	if ((page->private & 0xffff0000U) != POISON_MARK)
		return "unknown";
	return page_kind_name((enum page_kind)(page->private & 0xff));
}

/* Panics when a frame that was filled has changed. Frames that were never allocated are not filled. */
static inline void
poison_check(const struct page *page)
{
	const u64 *word = page_to_va(page);

	if ((page->private & 0xffff0000U) != POISON_MARK)
		return;
	for (u32 i = 0; i < PAGE_SIZE / sizeof(*word); i++)
		assertf(word[i] == POISON_WORD,
			"frame %lx was written to after it was freed: byte %u holds %lx; its last "
			"owner had it as %s",
			page_to_pfn(page), i * 8, word[i], poison_owner(page));
}
