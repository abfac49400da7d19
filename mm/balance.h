/* SPDX-License-Identifier: MIT */
/*
 * mm/balance.h - whose turn is it to leave: pages of files, or the others?
 *
 * Idea        A page of a file that leaves in vain costs a read, any other a write and a read. What reclaim of a kind
 *             has cost lately (pages that came back, pages that had to be written) lowers its share, and
 *             vm.swappiness weighs the two: 0 to 200, 100 where both cost the same.
 *
 *                 swap    swappiness   free and files   nearly desperate   parts: anonymous : files
 *                 none    .            .                .                        0 : 1
 *                 some    0            .                .                        0 : 1    but see the next line
 *                 some    .            below high       .                        1 : 0
 *                 some    not 0        above            yes                      1 : 1    all of both
 *                 some    not 0        above            no         swappiness / cost : (200 - swappiness) / cost
 *
 * Invariants  none
 * Locks       none
 * Follow      from reclaim.c   to nothing
 * Tests       tests/host/policy_test.c
 * See         docs/mm.md section 10; Linux mm/vmscan.c, get_scan_count
 */
#pragma once

#include <kernel/lib/types.h>

#define SWAPPINESS_MOST 200
#define SWAPPINESS_DEFAULT 60

struct balance {
	bool swap;       /* there is room to write to */
	bool files_tiny; /* free frames and pages of files are fewer than the high marks */
	bool desperate;  /* the last priority */
	u32 swappiness;
	u64 cost_anon; /* of late */
	u64 cost_file;
};

struct shares {
	u64 anon, file; /* parts of anon + file */
};

/* balance_decide - the table above. Context: pure. */
static inline struct shares
balance_decide(const struct balance *b)
{
	u64 total = b->cost_anon + b->cost_file;
	u64 anon = total + b->cost_anon; /* Why not the costs alone: a kind that cost nothing is not free for ever */
	u64 file = total + b->cost_file;

	if (!b->swap)
		return (struct shares){0, 1};
	if (b->files_tiny)
		return (struct shares){1, 0};
	if (!b->swappiness)
		return (struct shares){0, 1};
	if (b->desperate)
		return (struct shares){1, 1};
	return (struct shares){
		b->swappiness * (anon + file + 1) / (anon + 1),
		(SWAPPINESS_MOST - b->swappiness) * (anon + file + 1) / (file + 1),
	};
}
