/* SPDX-License-Identifier: MIT */
/*
 * kernel/trace_stream.c - readers of trace events, and the rings that exist for them
 *
 * Idea        see trace_stream.h. A ring is put in place, and taken away, by an interrupt on its own CPU: a writer has
 *             interrupts off, so it uses the old ring to the end or sees the new one.
 * Invariants  see trace_stream.h
 * Locks       see trace_stream.h
 * Follow      from trace_port.c, trace_file.c   to trace_ring.c
 * Tests       tests/guest/trace.c, tests/report/test_stream.py
 */
#include <arch/cpu.h>
#include <arch/mmu.h>
#include <kernel/lib/errno.h>
#include <kernel/mutex.h>
#include <kernel/percpu.h>
#include <kernel/trace.h>
#include <kernel/trace_stream.h>
#include <mm/vmalloc.h>

static int rings_make(void);
static void rings_drop(void);
static void ring_install(void *rings);
static void mask_update(void);

DECLARE_PER_CPU(struct trace_ring, trace_ring);

struct wait_queue trace_wait = WAIT_QUEUE_INIT(trace_wait);
u32 trace_wakes;

static struct mutex stream_lock = MUTEX_INIT(stream_lock, RANK_TRACE);
static struct list followers = LIST_INIT(followers);
static struct trace_ring large[MAX_CPUS]; /* stream_lock: what a CPU gets */
static struct trace_ring small[MAX_CPUS]; /* stream_lock: what it had before: the ring of trace=, or none */
static void *memory;                      /* stream_lock: of all large rings; NULL: there are none */
static bool first_awaited;                /* atomic: the next record shall wake */
static bool wake_needed;                  /* atomic: an interrupt is on its way to somebody */

u64
trace_events_default(void)
{
	const char *unknown;

	return trace_words_mask("reclaim,swap,oom,proc,sample", &unknown);
}

int
trace_follow(struct trace_follower *f, u64 mask)
{
	int err = 0;

	mutex_lock(&stream_lock);
	if (!memory)
		err = rings_make();
	if (!err) {
		f->reader = (struct trace_reader){.mask = mask};
		for (u32 cpu = 0; cpu < cpu_count(); cpu++)
			f->reader.cursor[cpu] = READ_ONCE(per_cpu(trace_ring, cpu).next);
		list_add_tail(&f->link, &followers);
		mask_update();
	}
	mutex_unlock(&stream_lock);
	return err;
}

void
trace_unfollow(struct trace_follower *f)
{
	mutex_lock(&stream_lock);
	list_del(&f->link);
	mask_update();
	if (list_empty(&followers))
		rings_drop();
	mutex_unlock(&stream_lock);
}

void
trace_choose(struct trace_follower *f, u64 mask)
{
	mutex_lock(&stream_lock);
	WRITE_ONCE(f->reader.mask, mask);
	mask_update();
	mutex_unlock(&stream_lock);
}

u32
trace_take(struct trace_follower *f, struct trace_record *out, u32 most)
{
	u32 n = 0;

	for (u32 cpu = 0; cpu < cpu_count(); cpu++) {
		const struct trace_ring *ring = &per_cpu(trace_ring, cpu);

		while (n < most && trace_ring_read(&f->reader, cpu, ring, &out[n]))
			trace_record_pack(&out[n++]);
	}
	return n;
}

bool
trace_pending(const struct trace_follower *f)
{
	for (u32 cpu = 0; cpu < cpu_count(); cpu++)
		if (READ_ONCE(per_cpu(trace_ring, cpu).next) != READ_ONCE(f->reader.cursor[cpu]))
			return true;
	return false;
}

/* Race: the writer's record comes before its look at first_awaited, our look at the rings after this store. */
void
trace_wait_first(void)
{
	__atomic_store_n(&first_awaited, true, __ATOMIC_SEQ_CST);
}

void
trace_stream_wrote(const struct trace_ring *ring)
{
	bool quarter = !(ring->next & (ring->size / 4 - 1));

	if (!READ_ONCE(memory))
		return;
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	if (likely(!quarter && !READ_ONCE(first_awaited)))
		return;
	if (__atomic_exchange_n(&wake_needed, true, __ATOMIC_SEQ_CST))
		return;
	cpu_kick(this_cpu_id());
}

void
trace_wake(void)
{
	if (!READ_ONCE(wake_needed))
		return;
	__atomic_store_n(&first_awaited, false, __ATOMIC_SEQ_CST);
	__atomic_store_n(&wake_needed, false, __ATOMIC_SEQ_CST);
	__atomic_fetch_add(&trace_wakes, 1, __ATOMIC_SEQ_CST);
	wake_all(&trace_wait);
}

static int
rings_make(void)
{
	u64 size = TRACE_RING_LARGE * sizeof(struct trace_record);
	char *records = vmalloc_named(size * cpu_count(), "trace rings");

	if (!records)
		return -ENOMEM;
	for (u32 cpu = 0; cpu < cpu_count(); cpu++) {
		small[cpu] = per_cpu(trace_ring, cpu);
		large[cpu] = (struct trace_ring){.size = TRACE_RING_LARGE, .record = (void *)(records + cpu * size)};
	}
	memory = records;
	cpu_call_many(~0UL, ring_install, large);
	return 0;
}

/* I2. */
static void
rings_drop(void)
{
	for (u32 cpu = 0; cpu < cpu_count(); cpu++)
		small[cpu].next = 0;
	cpu_call_many(~0UL, ring_install, small);
	vfree(memory);
	memory = NULL;
}

static void
ring_install(void *rings)
{
	u64 flags = irq_save();

	*this_cpu_ptr(trace_ring) = ((struct trace_ring *)rings)[this_cpu_id()];
	irq_restore(flags);
}

static void
mask_update(void)
{
	struct trace_follower *f;
	u64 mask = trace_text_mask;

	list_for_each (f, &followers, link)
		mask |= f->reader.mask;
	WRITE_ONCE(trace_mask, mask);
}
