/* SPDX-License-Identifier: MIT */
/*
 * kernel/trace.c - recording trace events, and drawing a fault
 *
 * Idea        A ring of records per CPU, allocated only when somebody asks for events. A fault is drawn when it is
 *             done: its events are the ones of its task, on this CPU, from the last trap or fault_handle on.
 *             Simple: a fault that slept and went on elsewhere is drawn from where it arrived here; the line says so.
 * Invariants  see trace.h
 * Locks       none: see trace.h. `drawn` may be updated by two CPUs at once: a kind is then drawn twice.
 * Follow      from trace.h   to trace_text.c, printk.c
 * Tests       tests/host/trace_text_test.c
 */
#include <arch/cpu.h>
#include <kernel/cmdline.h>
#include <kernel/lib/string.h>
#include <kernel/percpu.h>
#include <kernel/printk.h>
#include <kernel/task.h>
#include <kernel/trace.h>
#include <kernel/trace_ring.h>
#include <kernel/trace_stream.h>
#include <kernel/trace_text.h>
#include <mm/memblock.h>

#define RING_RECORDS 128 /* of trace=, a power of two: a fault that ends in the OOM killer has about 60 events */
#define DRAWN_MAX 32     /* kinds of fault that are told apart */
#define LINE_MAX 192     /* bytes of an event's text */

u64 trace_mask;
u64 trace_text_mask;
DEFINE_PER_CPU(struct trace_ring, trace_ring);

static u64 events_with_strings;      /* const after trace_init */
static bool drawing;                 /* trace=fault: draw faults; else print each event */
static const char *drawn[DRAWN_MAX]; /* kinds of fault seen so far */

static void rings_alloc(void);
static void text(struct trace_ring *ring, const struct trace_record *r);
static void strings_check(struct trace_record *r);
static u64 string_or_mark(u64 value);
static void draw_fault(const struct trace_ring *ring);
static u64 fault_first(const struct trace_ring *ring);
static const char *fault_kind(const struct trace_ring *ring, u64 first);
static bool draw_wanted(const char *kind);
static u32 ring_latest(const u64 *cursor);
static u32 ring_earliest(const u64 *cursor);
static const struct trace_record *ring_at(u32 cpu, u64 number);

void __init
trace_init(void)
{
	const char *words = cmdline_get("trace");
	const char *unknown, *ignored;
	u64 mask;

	for (u32 event = 0; event < TRACE_EVENTS; event++)
		for (u32 i = 0; i < 3; i++)
			events_with_strings |= trace_value_is_string(event, i) ? BIT(event) : 0;
	if (!words)
		return;
	drawing = !strcmp(words, "fault");
	mask = trace_words_mask(drawing ? "fault,alloc,rmap,reclaim,swap,oom" : words, &unknown);
	mask &= ~trace_words_mask("sample", &ignored);
	if (unknown)
		pr_warn("trace=%s: nothing is called \"%s\"", words, unknown);
	if (!mask)
		return;
	rings_alloc();
	trace_text_mask = mask;
	trace_mask = mask;
}

/* Race: whoever has just turned the last event off takes the ring away; then there is none here any more. */
void
trace_record(enum trace_event event, u64 a, u64 b, u64 c)
{
	u64 flags = irq_save();
	struct trace_ring *ring = this_cpu_ptr(trace_ring);

	if (likely(ring->record)) {
		struct trace_record *r = trace_ring_slot(ring);

		r->ns = clock_ns();
		r->event = (u16)event;
		r->cpu = (u16)this_cpu_id();
		r->tid = current->tid;
		r->value[0] = a;
		r->value[1] = b;
		r->value[2] = c;
		if (unlikely(events_with_strings & BIT(event)))
			strings_check(r);
		trace_ring_done(ring);
		if (unlikely(trace_text_mask & BIT(event)))
			text(ring, r);
		trace_stream_wrote(ring);
	}
	irq_restore(flags);
}

/* From the newest event @n steps back in time over all rings, then forward again, printing. */
void
trace_dump_last(u32 n)
{
	u64 cursor[MAX_CPUS];
	char line[LINE_MAX];
	u32 steps = 0;

	if (!trace_mask)
		return;
	for (u32 cpu = 0; cpu < MAX_CPUS; cpu++)
		cursor[cpu] = READ_ONCE(per_cpu(trace_ring, cpu).next);
	for (u32 cpu; steps < n && (cpu = ring_latest(cursor)) < MAX_CPUS; steps++)
		cursor[cpu]--;
	pr_emerg("the last %u events, oldest first:", steps);
	for (u32 cpu; steps && (cpu = ring_earliest(cursor)) < MAX_CPUS; steps--)
		pr_emerg("    %s", trace_format(ring_at(cpu, cursor[cpu]++), TRACE_ABSOLUTE, line, sizeof(line)));
}

static void __init
rings_alloc(void)
{
	u64 size = RING_RECORDS * sizeof(struct trace_record);
	char *records = pa_to_va(memblock_alloc(size * MAX_CPUS, PAGE_SIZE));

	for (u32 cpu = 0; cpu < MAX_CPUS; cpu++)
		per_cpu(trace_ring, cpu) =
			(struct trace_ring){.size = RING_RECORDS, .record = (void *)(records + cpu * size)};
}

/* What trace= asks for: the line of an event, or the drawing of a fault that is done. */
static void
text(struct trace_ring *ring, const struct trace_record *r)
{
	char line[LINE_MAX];

	if (!drawing)
		printk("trace: %s", trace_format(r, TRACE_ABSOLUTE, line, sizeof(line)));
	else if (r->event == TRACE_fault_done)
		draw_fault(ring);
}

static void
strings_check(struct trace_record *r)
{
	for (u32 i = 0; i < ARRAY_SIZE(r->value); i++)
		if (trace_value_is_string(r->event, i))
			r->value[i] = string_or_mark(r->value[i]);
}

/* A string lies in the kernel image; anything else is a mistake at the trace() and must not be followed. */
static u64
string_or_mark(u64 value)
{
	extern const char __text_start[];
	extern const char __image_end[];

	return value >= (u64)__text_start && value < (u64)__image_end ? value : (u64) "?";
}

/* Is this the first fault of its kind? */
static bool
draw_wanted(const char *kind)
{
	for (u32 i = 0; i < DRAWN_MAX; i++) {
		if (!drawn[i]) {
			drawn[i] = kind;
			return true;
		}
		if (!strcmp(drawn[i], kind))
			return false;
	}
	return false;
}

/* The current task's fault is done: if it is the first of its kind, print its events. */
static void
draw_fault(const struct trace_ring *ring)
{
	char line[LINE_MAX];
	u64 number = fault_first(ring);
	const struct trace_record *first = &ring->record[number & (ring->size - 1)];
	const char *kind = fault_kind(ring, number);

	if (!draw_wanted(kind))
		return;
	printk("trace: the first fault of kind %s, by task %d (%s)%s", kind, current->tid, current->comm,
	       first->event == TRACE_trap_page_fault || first->event == TRACE_fault_handle ? ""
											   : "; its start is lost");
	for (; number < ring->next; number++) {
		const struct trace_record *r = &ring->record[number & (ring->size - 1)];

		if (r->tid == current->tid)
			printk("trace: %s", trace_format(r, first->ns, line, sizeof(line)));
	}
}

/* What fault_classify said last; the result, when it did not come to that. */
static const char *
fault_kind(const struct trace_ring *ring, u64 first)
{
	for (u64 number = ring->next; number > first; number--) {
		const struct trace_record *r = &ring->record[(number - 1) & (ring->size - 1)];

		if (r->tid == current->tid && r->event == TRACE_fault_classify)
			return (const char *)r->value[2];
	}
	return (const char *)ring->record[(ring->next - 1) & (ring->size - 1)].value[2];
}

/*
 * The number of the event with which the current task's fault began: its fault_handle, or the trap right before that if
 * there was one (the kernel also touches a program's memory on its behalf); the oldest one left when it is gone.
 */
static u64
fault_first(const struct trace_ring *ring)
{
	u64 first = trace_ring_oldest(ring);
	bool handled = false;

	for (u64 number = ring->next; number > trace_ring_oldest(ring) && !handled; number--) {
		const struct trace_record *r = &ring->record[(number - 1) & (ring->size - 1)];

		if (r->tid != current->tid || r->event != TRACE_fault_handle)
			continue;
		handled = true;
		first = number - 1;
	}
	for (u64 number = first; handled && number > trace_ring_oldest(ring); number--) {
		const struct trace_record *r = &ring->record[(number - 1) & (ring->size - 1)];

		if (r->tid == current->tid)
			return r->event == TRACE_trap_page_fault ? number - 1 : first;
	}
	return first;
}

/* The CPU whose record before its cursor is the latest; MAX_CPUS when all cursors are at the oldest record. */
static u32
ring_latest(const u64 *cursor)
{
	u32 latest = MAX_CPUS;

	for (u32 cpu = 0; cpu < MAX_CPUS; cpu++) {
		if (!per_cpu(trace_ring, cpu).record || cursor[cpu] == trace_ring_oldest(&per_cpu(trace_ring, cpu)))
			continue;
		if (latest == MAX_CPUS || ring_at(cpu, cursor[cpu] - 1)->ns > ring_at(latest, cursor[latest] - 1)->ns)
			latest = cpu;
	}
	return latest;
}

/* The CPU whose record at its cursor is the earliest; MAX_CPUS when all cursors are at the end. */
static u32
ring_earliest(const u64 *cursor)
{
	u32 earliest = MAX_CPUS;

	for (u32 cpu = 0; cpu < MAX_CPUS; cpu++) {
		if (cursor[cpu] >= per_cpu(trace_ring, cpu).next)
			continue;
		if (earliest == MAX_CPUS || ring_at(cpu, cursor[cpu])->ns < ring_at(earliest, cursor[earliest])->ns)
			earliest = cpu;
	}
	return earliest;
}

static const struct trace_record *
ring_at(u32 cpu, u64 number)
{
	const struct trace_ring *ring = &per_cpu(trace_ring, cpu);

	return &ring->record[number & (ring->size - 1)];
}
