/* SPDX-License-Identifier: MIT */
/*
 * mm/shrinker.c - caches of the kernel that can give memory back
 *
 * Idea        Linux's arithmetic. A cache of n objects owes 4n / seeks >> priority of them; it is asked for them in
 *             batches, and what does not fill a batch is remembered and added the next time, so that a small cache is
 *             not spared for ever.
 *             Simple: caches belong to no node and no group of processes.
 * Invariants  I1  slabs_scanned is the sum of what scan() said that it looked at.
 * Locks       see shrinker.h
 * Follow      see shrinker.h
 * Tests       tests/host/shrinker_test.c, tests/guest/vmscan.c
 * See         shrinker.h
 */
#include <kernel/panic.h>
#include <kernel/wait.h>
#include <mm/shrinker.h>
#include <mm/vmstat.h>

static struct shrinker *shrinkers; /* const after boot */

static u64 shrink_one(struct shrinker *shrinker, u32 priority);

void
shrinker_register(struct shrinker *shrinker)
{
	assert(shrinker->count && shrinker->scan && !shrinker->next);
	shrinker->next = shrinkers;
	shrinkers = shrinker;
}

u64
shrink_caches(u32 priority)
{
	u64 frames = 0;

	may_sleep();
	for (struct shrinker *s = shrinkers; s; s = s->next) {
		frames += shrink_one(s, priority);
		cond_resched();
	}
	return frames;
}

u64
shrink_due(u64 freeable, u32 seeks, u32 priority)
{
	return seeks ? (freeable >> priority) * 4 / seeks : freeable / 2;
}

/* Takes what is owed from earlier times, adds what is due now, and leaves what is left to the next time. */
static u64
shrink_one(struct shrinker *shrinker, u32 priority)
{
	u64 freeable = shrinker->count();
	u64 owed, due, left, frames = 0;

	if (!freeable)
		return 0;
	owed = (u64)atomic64_xchg(&shrinker->deferred, 0);
	due = shrink_due(freeable, shrinker->seeks, priority);
	left = min_u64((owed >> priority) + due, 2 * freeable);
	owed += due;
	while (left >= SHRINK_BATCH || left >= freeable) {
		struct shrink_control sc = {.want = min_u64(left, SHRINK_BATCH)};

		shrinker->scan(&sc);
		frames += sc.frames;
		if (!sc.scanned)
			break;
		count_events(VM_SLABS_SCANNED, (s64)sc.scanned); /* I1 */
		left -= min_u64(left, sc.scanned);
		owed -= min_u64(owed, sc.scanned);
		if (!left)
			break;
		cond_resched();
	}
	atomic64_add(&shrinker->deferred, (s64)min_u64(owed, 2 * freeable));
	return frames;
}
