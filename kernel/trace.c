/* SPDX-License-Identifier: MIT */
/*
 * kernel/trace.c - recording trace events, and drawing a fault
 *
 * Idea        A ring of records per CPU, allocated only when trace= asks for events. A fault is drawn when it is done:
 *             its events are the ones of its task, on this CPU, from the last trap or fault_handle on.
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
#include <kernel/trace_text.h>
#include <mm/memblock.h>

#define RING_RECORDS 128 /* per CPU, a power of two: a fault that ends in the OOM killer has about 60 events */
#define DRAWN_MAX 32     /* kinds of fault that are told apart */
#define LINE_MAX 192     /* bytes of an event's text */

struct ring {
	u64 next;                    /* number of the next record; own CPU, read racily */
	struct trace_record *record; /* RING_RECORDS of them; const after init; NULL: tracing is off */
};

u64 trace_mask;

static DEFINE_PER_CPU(struct ring, trace_ring);
static bool drawing;                 /* trace=fault: draw faults; else print each event */
static const char *drawn[DRAWN_MAX]; /* kinds of fault seen so far */

static void rings_alloc(void);
static void record_fill(struct trace_record *r, enum trace_event event, u64 a, u64 b, u64 c);
static u64 string_or_mark(u64 value);
static void draw_fault(const struct ring *ring);
static u64 fault_first(const struct ring *ring);
static const char *fault_kind(const struct ring *ring, u64 first);
static bool draw_wanted(const char *kind);
static u64 ring_oldest(const struct ring *ring);
static u32 ring_latest(const u64 *cursor);
static u32 ring_earliest(const u64 *cursor);
static const struct trace_record *ring_at(u32 cpu, u64 number);

void __init
trace_init(void)
{
	const char *words = cmdline_get("trace");
	const char *unknown;
	u64 mask;

	if (!words)
		return;
	drawing = !strcmp(words, "fault");
	mask = trace_words_mask(drawing ? "fault,alloc,rmap" : words, &unknown);
	if (unknown)
		pr_warn("trace=%s: nothing is called \"%s\"", words, unknown);
	if (!mask)
		return;
	rings_alloc();
	trace_mask = mask;
}

void
trace_record(enum trace_event event, u64 a, u64 b, u64 c)
{
	struct ring *ring = this_cpu_ptr(trace_ring);
	struct trace_record *r;
	char line[LINE_MAX];
	u64 flags = irq_save();

	r = &ring->record[ring->next & (RING_RECORDS - 1)];
	record_fill(r, event, a, b, c);
	r->number = ring->next;
	WRITE_ONCE(ring->next, ring->next + 1);
	if (!drawing)
		printk("trace: %s", trace_format(r, TRACE_ABSOLUTE, line, sizeof(line)));
	else if (event == TRACE_fault_done)
		draw_fault(ring);
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
		per_cpu(trace_ring, cpu).record = (struct trace_record *)(records + cpu * size);
}

static void
record_fill(struct trace_record *r, enum trace_event event, u64 a, u64 b, u64 c)
{
	*r = (struct trace_record){
		.ns = clock_ns(),
		.cpu = this_cpu_id(),
		.tid = current->tid,
		.event = event,
		.value = {a, b, c},
	};
	for (u32 i = 0; i < ARRAY_SIZE(r->value); i++)
		if (trace_value_is_string(event, i))
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
draw_fault(const struct ring *ring)
{
	char line[LINE_MAX];
	u64 number = fault_first(ring);
	const struct trace_record *first = &ring->record[number & (RING_RECORDS - 1)];
	const char *kind = fault_kind(ring, number);

	if (!draw_wanted(kind))
		return;
	printk("trace: the first fault of kind %s, by task %d (%s)%s", kind, current->tid, current->comm,
	       first->event == TRACE_trap_page_fault || first->event == TRACE_fault_handle ? ""
											   : "; its start is lost");
	for (; number < ring->next; number++) {
		const struct trace_record *r = &ring->record[number & (RING_RECORDS - 1)];

		if (r->tid == current->tid)
			printk("trace: %s", trace_format(r, first->ns, line, sizeof(line)));
	}
}

/* What fault_classify said last; the result, when it did not come to that. */
static const char *
fault_kind(const struct ring *ring, u64 first)
{
	for (u64 number = ring->next; number > first; number--) {
		const struct trace_record *r = &ring->record[(number - 1) & (RING_RECORDS - 1)];

		if (r->tid == current->tid && r->event == TRACE_fault_classify)
			return (const char *)r->value[2];
	}
	return (const char *)ring->record[(ring->next - 1) & (RING_RECORDS - 1)].value[2];
}

/*
 * The number of the event with which the current task's fault began: its fault_handle, or the trap right before that if
 * there was one (the kernel also touches a program's memory on its behalf); the oldest one left when it is gone.
 */
static u64
fault_first(const struct ring *ring)
{
	u64 first = ring_oldest(ring);
	bool handled = false;

	for (u64 number = ring->next; number > ring_oldest(ring) && !handled; number--) {
		const struct trace_record *r = &ring->record[(number - 1) & (RING_RECORDS - 1)];

		if (r->tid != current->tid || r->event != TRACE_fault_handle)
			continue;
		handled = true;
		first = number - 1;
	}
	for (u64 number = first; handled && number > ring_oldest(ring); number--) {
		const struct trace_record *r = &ring->record[(number - 1) & (RING_RECORDS - 1)];

		if (r->tid == current->tid)
			return r->event == TRACE_trap_page_fault ? number - 1 : first;
	}
	return first;
}

static u64
ring_oldest(const struct ring *ring)
{
	return ring->next > RING_RECORDS ? ring->next - RING_RECORDS : 0;
}

/* The CPU whose record before its cursor is the latest; MAX_CPUS when all cursors are at the oldest record. */
static u32
ring_latest(const u64 *cursor)
{
	u32 latest = MAX_CPUS;

	for (u32 cpu = 0; cpu < MAX_CPUS; cpu++) {
		if (cursor[cpu] == ring_oldest(&per_cpu(trace_ring, cpu)))
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
	return &per_cpu(trace_ring, cpu).record[number & (RING_RECORDS - 1)];
}
