/* SPDX-License-Identifier: MIT */
/*
 * mm/evict.h - which page leaves memory next: five calls, behind which eviction is a policy
 *
 *                 evict_start                 an empty set of pages
 *                 evict_add, evict_del        a page comes, a page goes: inline, the same for all policies
 *                 evict_next                  from the tail of which list are candidates to be taken now?
 *                 evict_judge                 here is one, and whether it was used: out, or back to which list?
 *
 * Idea        A set has a few lists, and a policy says what they mean. What costs is left to the caller: to take
 *             pages from a list, to find out whether one was used since the last look, to unmap and to write. So a
 *             policy is a file of a hundred lines that needs no lock, no leaf and no disk, and the same file runs in
 *             the kernel and on the reference strings of tests/host/policy.
 *             A policy may ask for the pages that were used to be told all at once (EVICT_AGE): the caller then walks
 *             the page tables and calls evict_mark for each.
 * Invariants  I1  A page of the set is on exactly one list, and its flags bear the number of that list.
 *             I2  count[n] is the length of lists[n].                                                   (lru_check)
 *             I3  young, hot and cold are lists of the policy, whatever the others hold.
 * Locks       the caller's around the set: lruvec->lock. evict_judge needs none: it reads numbers, and changes flags
 *             of the page atomically
 * Follow      from lru.c, reclaim_batch.c   to evict_two.c, evict_fifo.c, evict_clock.c, evict_random.c, evict_gen.c
 * Tests       tests/host/policy_test.c, tests/guest/evict.c
 * See         DESIGN decision 8; docs/mm.md section 10
 */
#pragma once

#include <kernel/lib/list.h>
#include <mm/page.h>

#define EVICT_LISTS 4
#define EVICT_OUT 16  /* a verdict: leave memory */
#define EVICT_NONE 17 /* of evict_next: the set is empty */
#define EVICT_AGE 18  /* of evict_next: mark what was used since the last time, and ask again */

/* X(constant, prefix of its functions, name). The first is the default. */
#define EVICT_POLICIES(X)                        \
	X(EVICT_TWO_LIST, evict_two, "two-list") \
	X(EVICT_FIFO, evict_fifo, "fifo")        \
	X(EVICT_CLOCK, evict_clock, "clock")     \
	X(EVICT_RANDOM, evict_random, "random")  \
	X(EVICT_GEN, evict_gen, "gen")

#define EVICT_CONSTANT(constant, prefix, name) constant,
enum evict_policy {
	EVICT_POLICIES(EVICT_CONSTANT) EVICT_POLICY_COUNT
};
#undef EVICT_CONSTANT

/* Pages of one kind that may leave memory. */
struct evict_set {
	struct list lists[EVICT_LISTS]; /* youngest first */
	u64 count[EVICT_LISTS];
	u8 policy;     /* enum evict_policy */
	u8 young;      /* where fresh pages go */
	u8 hot;        /* where pages go that are known to be used */
	u8 cold;       /* at whose tail the next to leave stands */
	u8 lists_used; /* bit by list: the policy looks there */
	u8 active;     /* bit by list: what /proc calls active */
	bool asks;     /* evict_judge wants to know whether the page was used */
	bool turn;     /* two-list: the active list has had its turn */
	u32 oldest;    /* gen: the number of the oldest generation, */
	u32 newest;    /* and of the youngest */
	u32 chance;    /* random: state of the generator */
};

/* evict_start - @set is empty, and ordered by @policy from now on. Context: pure. */
void evict_start(struct evict_set *set, enum evict_policy policy);

/*
 * evict_next - where to take the next candidates from
 *
 * Returns   a list that is not empty, EVICT_NONE, or EVICT_AGE
 * Context   pure
 */
u32 evict_next(struct evict_set *set);

/*
 * evict_judge - what becomes of @page, which was taken from the tail of list @from
 *
 * @used  it was used since the last look; false where set->asks is
 *
 * Returns   EVICT_OUT, or the list to whose head it goes
 * Context   pure, but for flags of @page
 */
u32 evict_judge(struct evict_set *set, struct page *page, u32 from, bool used);

/* evict_mark - @page was found used while the set's pages were walked for EVICT_AGE. Context: as evict_judge. */
void evict_mark(struct evict_set *set, struct page *page);

/* evict_switch - every page of @set goes over to @policy, used ones as such, in the order in which they stand. */
void evict_switch(struct evict_set *set, enum evict_policy policy);

/* evict_policy_find - the policy that is called @name. Returns EVICT_POLICY_COUNT: there is none. */
enum evict_policy evict_policy_find(const char *name);
const char *evict_policy_name(enum evict_policy policy);

/* The list that @page is on, by the number in its flags. */
static inline u32
evict_list_of(const struct page *page)
{
	return page->flags >> PAGE_LIST_SHIFT;
}

/* evict_add - @page, which is in no set, goes to the head of list @n, or to where the policy looks. */
static inline void
evict_add(struct evict_set *set, struct page *page, u32 n)
{
	if (unlikely(!(set->lists_used & BIT(n))))
		n = set->young; /* a verdict of the policy before */
	list_add(&page->link, &set->lists[n]);
	set->count[n]++;
	if (n)
		__atomic_fetch_or(&page->flags, n << PAGE_LIST_SHIFT, __ATOMIC_RELAXED);
}

/* evict_del - @page leaves the set; the number of its list stays in its flags for the caller to clear. */
static inline void
evict_del(struct evict_set *set, struct page *page)
{
	list_del(&page->link);
	set->count[evict_list_of(page)]--;
}

/* Does /proc call list @n active? */
static inline bool
evict_is_active(const struct evict_set *set, u32 n)
{
	return READ_ONCE(set->active) & BIT(n);
}

/* What each policy has; called by evict.c alone. */
#define EVICT_FUNCTIONS(constant, prefix, name)     \
	void prefix##_start(struct evict_set *set); \
	u32 prefix##_next(struct evict_set *set);   \
	u32 prefix##_judge(struct evict_set *set, struct page *page, u32 from, bool used);
EVICT_POLICIES(EVICT_FUNCTIONS)
#undef EVICT_FUNCTIONS
