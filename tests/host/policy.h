/* SPDX-License-Identifier: MIT */
/*
 * tests/host/policy.h - a memory of some frames, and a string of accesses: which accesses are faults?
 *
 * Idea        The kernel's policy files run as they are. What the kernel does around them is here in its simplest form:
 *             a page is taken from the list that evict_next names, evict_judge is told whether it was used since the
 *             last look, and a refault is judged by its shadow as in mm/workingset.c. LRU and OPT (Belady: out goes
 *             what is needed last) are computed beside them; they know more than a kernel can.
 *             Strings are arrays of page numbers, standard ones or read from a file.
 * Follow      from policy.c, policy_test.c   to mm/evict.h, mm/workingset.h
 */
#pragma once

#include <mm/evict.h>
#include <mm/workingset.h>

#define SIM_PAGES 8192 /* numbers of pages are below */

struct sim {
	u32 frames;
	u32 resident;
	u64 faults;
	u64 age;
	struct evict_set set;
	struct page pages[SIM_PAGES]; /* those not in memory have no PG_LRU */
	bool used[SIM_PAGES];
	u32 shadow[SIM_PAGES];
};

/* The evicted page comes back sooner than the active ones are many: as workingset_judge. */
__attribute__((unused)) static bool
sim_is_hot(struct sim *sim, u32 shadow)
{
	u64 active = 0;

	for (u32 n = 0; n < EVICT_LISTS; n++)
		active += evict_is_active(&sim->set, n) ? sim->set.count[n] : 0;
	return shadow && refault_decide(shadow, sim->age, active) != REFAULT_FAR;
}

__attribute__((unused)) static void
sim_start(struct sim *sim, enum evict_policy policy, u32 frames)
{
	memset(sim, 0, sizeof(*sim));
	sim->frames = frames;
	evict_start(&sim->set, policy);
}

/* What the kernel does by evict_walk. */
__attribute__((unused)) static void
sim_mark(struct sim *sim)
{
	for (u32 i = 0; i < SIM_PAGES; i++) {
		if (!sim->used[i] || !(sim->pages[i].flags & BIT(PG_LRU)))
			continue;
		sim->used[i] = false;
		evict_mark(&sim->set, &sim->pages[i]);
	}
}

__attribute__((unused)) static void
sim_evict(struct sim *sim)
{
	for (;;) {
		u32 from = evict_next(&sim->set);
		struct page *page;
		u32 i, to;
		bool used;

		if (from == EVICT_AGE) {
			sim_mark(sim);
			continue;
		}
		page = list_last(&sim->set.lists[from], struct page, link);
		i = (u32)(page - sim->pages);
		used = sim->set.asks && sim->used[i];
		sim->used[i] = false;
		evict_del(&sim->set, page);
		page->flags &= ~(PAGE_LIST_MASK | (u32)BIT(PG_LRU));
		to = evict_judge(&sim->set, page, from, used);
		if (to == EVICT_OUT) {
			sim->shadow[i] = shadow_make(sim->age++, page->flags & BIT(PG_WORKINGSET));
			page->flags = 0;
			sim->resident--;
			return;
		}
		if (evict_is_active(&sim->set, to) && !evict_is_active(&sim->set, from))
			sim->age++;
		evict_add(&sim->set, page, to);
		page->flags |= BIT(PG_LRU);
	}
}

/* sim_access - page @i is touched. Returns whether that was a fault. */
__attribute__((unused)) static bool
sim_access(struct sim *sim, u32 i)
{
	struct page *page = &sim->pages[i];
	bool hot;

	if (page->flags & BIT(PG_LRU)) {
		sim->used[i] = true;
		return false;
	}
	if (sim->resident == sim->frames)
		sim_evict(sim);
	hot = sim_is_hot(sim, sim->shadow[i]);
	sim->age += hot;
	sim->shadow[i] = 0;
	page->flags = BIT(PG_LRU);
	evict_add(&sim->set, page, hot ? sim->set.hot : sim->set.young);
	sim->used[i] = true;
	sim->resident++;
	sim->faults++;
	return true;
}

/* Faults of @n accesses to @string when the page goes that is needed last. */
__attribute__((unused)) static u64
sim_opt(const u32 *string, u32 n, u32 frames)
{
	u32 *next = calloc(n, sizeof(*next)); /* by access: when the page is needed again */
	u32 *seen = malloc(SIM_PAGES * sizeof(*seen));
	u32 *needed = calloc(SIM_PAGES, sizeof(*needed)); /* by page: likewise; 0: not in memory */
	u32 resident = 0;
	u64 faults = 0;

	memset(seen, 0xff, SIM_PAGES * sizeof(*seen));
	for (u32 t = n; t--; seen[string[t]] = t)
		next[t] = seen[string[t]];
	for (u32 t = 0; t < n; t++) {
		if (!needed[string[t]]) {
			faults++;
			if (resident == frames) {
				u32 last = 0;

				for (u32 i = 1; i < SIM_PAGES; i++)
					last = needed[i] > needed[last] ? i : last;
				needed[last] = 0;
			} else {
				resident++;
			}
		}
		needed[string[t]] = next[t];
	}
	free(next);
	free(seen);
	free(needed);
	return faults;
}

/* Likewise when the page goes that was used the longest time ago. */
__attribute__((unused)) static u64
sim_lru(const u32 *string, u32 n, u32 frames)
{
	u32 *used = calloc(SIM_PAGES, sizeof(*used)); /* 1 + time; 0: not in memory */
	u32 resident = 0;
	u64 faults = 0;

	for (u32 t = 0; t < n; t++) {
		if (!used[string[t]]) {
			faults++;
			if (resident == frames) {
				u32 oldest = SIM_PAGES;

				for (u32 i = 0; i < SIM_PAGES; i++)
					if (used[i] && (oldest == SIM_PAGES || used[i] < used[oldest]))
						oldest = i;
				used[oldest] = 0;
			} else {
				resident++;
			}
		}
		used[string[t]] = t + 1;
	}
	free(used);
	return faults;
}

/* The state of the lists after an access, the youngest first: "5 *: 5+ 4 1 | 2+": + used since the last look. */
__attribute__((unused)) static void
sim_print(struct sim *sim, FILE *out, u32 access, bool fault)
{
	fprintf(out, "%u %c:", access, fault ? '*' : '.');
	for (u32 n = 0; n < EVICT_LISTS; n++) {
		struct page *page;

		if (!(sim->set.lists_used & BIT(n)))
			continue;
		fprintf(out, n ? " |" : "");
		list_for_each (page, &sim->set.lists[n], link)
			fprintf(out, " %u%s", (u32)(page - sim->pages), sim->used[page - sim->pages] ? "+" : "");
	}
	fprintf(out, "\n");
}
