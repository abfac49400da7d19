/* SPDX-License-Identifier: MIT */
/*
 * kernel/cputime_split.c - an exact time divided as samples are
 *
 * Idea        see cputime.h
 * Invariants  I2 of cputime.h
 * Locks       none
 * Follow      from process.c
 * Tests       tests/host/cputime_test.c
 */
#include <kernel/cputime.h>

static u64 scale(u64 value, u64 part, u64 whole);

/* Samples grow, so their proportion may shift: what was told before is the least that is told now. */
void
cputime_split(u64 runtime_ns, const struct cputime *samples, struct cputime *seen)
{
	u64 stime;

	if (runtime_ns <= seen->utime_ns + seen->stime_ns)
		return;
	stime = scale(runtime_ns, samples->stime_ns, samples->utime_ns + samples->stime_ns);
	stime = max_u64(stime, seen->stime_ns);
	stime = min_u64(stime, runtime_ns - seen->utime_ns);
	seen->stime_ns = stime;
	seen->utime_ns = runtime_ns - stime;
}

/* @value * @part / @whole, with 32 bits of @whole; 0 of nothing is 0. */
static u64
scale(u64 value, u64 part, u64 whole)
{
	for (; whole >> 32; whole >>= 1)
		part >>= 1;
	return whole ? (u64)((unsigned __int128)value * ((part << 32) / whole) >> 32) : 0;
}
