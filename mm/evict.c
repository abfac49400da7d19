/* SPDX-License-Identifier: MIT */
/*
 * mm/evict.c - from the five calls to the policy that is chosen
 *
 * Idea        A switch, and no call through a pointer. What moves pages from one policy to another is here too.
 * Invariants  see evict.h
 * Locks       see evict.h
 * Follow      from lru.c, reclaim_batch.c   to evict_two.c, evict_fifo.c, evict_clock.c, evict_random.c, evict_gen.c
 * Tests       tests/host/policy_test.c
 * See         evict.h
 */
#include <kernel/lib/string.h>
#include <kernel/panic.h>
#include <mm/evict.h>

#define NAME(constant, prefix, name) name,
static const char *const names[] = {EVICT_POLICIES(NAME)};

static void move_list(struct evict_set *set, struct list *from, u32 to);

#define START(constant, prefix, name) \
	case constant:                \
		prefix##_start(set);  \
		break;
#define NEXT(constant, prefix, name) \
	case constant:               \
		return prefix##_next(set);
#define JUDGE(constant, prefix, name) \
	case constant:                \
		return prefix##_judge(set, page, from, used);

void
evict_start(struct evict_set *set, enum evict_policy policy)
{
	assert(policy < EVICT_POLICY_COUNT);
	*set = (struct evict_set){.policy = (u8)policy, .chance = 1};
	for (u32 n = 0; n < EVICT_LISTS; n++)
		list_init(&set->lists[n]);
	switch (policy) {
		EVICT_POLICIES(START)
	default:
		break;
	}
	assert(set->lists_used & BIT(set->young) && set->lists_used & BIT(set->hot)); /* I3 */
}

u32
evict_next(struct evict_set *set)
{
	switch (set->policy) {
		EVICT_POLICIES(NEXT)
	default:
		panic("eviction policy %u", set->policy);
	}
}

u32
evict_judge(struct evict_set *set, struct page *page, u32 from, bool used)
{
	switch (READ_ONCE(set->policy)) {
		EVICT_POLICIES(JUDGE)
	default:
		panic("eviction policy %u", set->policy);
	}
}

/* Oldest first, so that the order stays: each goes to the head. */
void
evict_switch(struct evict_set *set, enum evict_policy policy)
{
	struct list old[EVICT_LISTS];
	u8 active = set->active;
	u8 cold = set->cold;

	for (u32 i = 0; i < EVICT_LISTS; i++) {
		list_init(&old[i]);
		list_splice(&set->lists[i], &old[i]);
	}
	evict_start(set, policy);
	for (u32 i = 0; i < EVICT_LISTS; i++) {
		u32 n = (cold + i) % EVICT_LISTS;

		move_list(set, &old[n], active & BIT(n) ? set->hot : set->young);
	}
}

enum evict_policy
evict_policy_find(const char *name)
{
	u32 policy = 0;

	while (policy < EVICT_POLICY_COUNT && strcmp(names[policy], name))
		policy++;
	return (enum evict_policy)policy;
}

const char *
evict_policy_name(enum evict_policy policy)
{
	assert(policy < EVICT_POLICY_COUNT);
	return names[policy];
}

/* What a policy has noted on a page means nothing to the next one. */
static void
move_list(struct evict_set *set, struct list *from, u32 to)
{
	while (!list_empty(from)) {
		struct page *page = list_last(from, struct page, link);

		list_del(&page->link);
		__atomic_fetch_and(&page->flags, ~(PAGE_LIST_MASK | PAGE_MARK_MASK | (u32)BIT(PG_REFERENCED)),
				   __ATOMIC_RELAXED);
		evict_add(set, page, to);
	}
}
