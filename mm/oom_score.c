/* SPDX-License-Identifier: MIT */
/*
 * mm/oom_score.c - whom to choose: arithmetic alone
 *
 * Idea        The score is the memory that a death would free, so that one death is likely to be enough; a program or
 *             its owner may shift it.
 *
 *                 score = resident + swapped + page tables - what others keep + adjustment * (all memory / 1000)
 *
 *             "What others keep": fork shares leaf tables. What lies in a table that another address space uses as
 *             well stays when one of the two ends. (A bigger kernel counts it: it has no such tables.)
 *             One look at all processes fills a table of two: the worst, and who would be next.
 * Invariants  I1  next_score <= worst_score
 * Locks       none
 * Follow      from oom.c, kernel/fs/procfs_oom.c
 * Tests       tests/host/oom_test.c
 * See         docs/mm.md section 7
 */
#include <kernel/panic.h>
#include <mm/oom.h>

s64
oom_score(const struct oom_candidate *c, u64 total_pages)
{
	u64 has = c->anon + c->file + c->shmem + c->swap + c->tables;

	dassert(c->adj >= OOM_ADJ_MIN && c->adj <= OOM_ADJ_MAX);
	if (c->unkillable || c->spent || !c->mm || c->adj == OOM_ADJ_MIN)
		return OOM_NEVER;
	/* Why the comparison: figures are read while others change them. */
	has -= c->kept < has ? c->kept : has;
	return (s64)has + (s64)c->adj * ((s64)total_pages / OOM_ADJ_MAX);
}

u64
oom_points(s64 score, u64 total_pages)
{
	s64 points;

	if (score == OOM_NEVER || !total_pages)
		return 0;
	points = (1000 + score * 1000 / (s64)total_pages) * 2 / 3;
	return points > 0 ? (u64)points : 0;
}

void
oom_choose(struct oom_choice *choice, const struct oom_candidate *c)
{
	s64 score = oom_score(c, choice->total_pages);

	dassert(choice->next_score <= choice->worst_score);
	if (score == OOM_NEVER || score < choice->next_score)
		return;
	if (score < choice->worst_score) {
		choice->next = *c;
		choice->next_score = score;
		return;
	}
	choice->next = choice->worst;
	choice->next_score = choice->worst_score;
	choice->worst = *c;
	choice->worst_score = score;
	assert(c->mm && !c->unkillable);
}
