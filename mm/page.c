/* SPDX-License-Identifier: MIT */
/*
 * mm/page.c - the page lock, and the names of kinds
 *
 * Idea        The page lock is one bit, so that struct page stays one cache line. Sleepers wait on one of a few queues
 *             that pages share by address; a wake-up of a stranger costs a look.
 * Invariants  PG_WAITERS is set while somebody may sleep for PG_LOCKED.
 * Locks       the queue's own
 * Follow      from share.c   to kernel/wait.h
 * Tests       tests/guest/unshare.c
 * See         docs/mm.md section 1
 */
#include <kernel/panic.h>
#include <kernel/wait.h>
#include <mm/page.h>

#define PAGE_QUEUES 16

struct page *zero_frame;

static struct wait_queue queues[PAGE_QUEUES]; /* each has its own lock */

static struct wait_queue *page_queue(struct page *page);
static bool try_or_announce(struct page *page);

void
page_queues_init(void)
{
	for (u32 i = 0; i < PAGE_QUEUES; i++)
		wait_init(&queues[i]);
}

void
page_lock(struct page *page)
{
	dassert(atomic_read(&page->refs) > 0); /* the caller's: the page cannot be freed while we sleep */
	may_sleep();
	if (!page_trylock(page))
		wait_event(page_queue(page), try_or_announce(page));
	dassert(READ_ONCE(page->flags) & BIT(PG_LOCKED));
}

bool
page_trylock(struct page *page)
{
	dassert(atomic_read(&page->refs) > 0);
	return !bit_test_and_set(&page->flags, PG_LOCKED);
}

void
page_unlock(struct page *page)
{
	bool was_locked = bit_test_and_clear(&page->flags, PG_LOCKED);

	assert(was_locked);
	dassert(atomic_read(&page->refs) > 0);
	if (bit_test_and_clear(&page->flags, PG_WAITERS))
		wake_all(page_queue(page));
}

const char *
page_kind_name(enum page_kind kind)
{
	static const char *const names[PAGE_KINDS] = {
		[PAGE_RESERVED] = "reserved", [PAGE_FREE] = "free",      [PAGE_PCP] = "free (per CPU)",
		[PAGE_KERNEL] = "kernel",     [PAGE_STACK] = "vmalloc",  [PAGE_SLAB] = "slab",
		[PAGE_TABLE] = "page table",  [PAGE_ANON] = "anonymous", [PAGE_FILE] = "file",
		[PAGE_SHMEM] = "shmem",
	};

	return kind < PAGE_KINDS ? names[kind] : "no kind at all";
}

static struct wait_queue *
page_queue(struct page *page)
{
	return &queues[page_to_pfn(page) % PAGE_QUEUES];
}

/* Race: the holder unlocks between a failed try and the announcement; so announce first, then try. */
static bool
try_or_announce(struct page *page)
{
	bit_test_and_set(&page->flags, PG_WAITERS);
	return page_trylock(page);
}
