/* SPDX-License-Identifier: MIT */
/*
 * kernel/panic.c - what the kernel does when it has caught itself being wrong
 *
 * Idea        see panic.h
 * Invariants  see panic.h
 * Locks       panic_cpu: whoever sets it first reports
 * Follow      from everywhere   to printk.c, ksyms.c, trace.c, arch backtrace_walk
 * Tests       selftest=panic
 */
#include <arch/cpu.h>
#include <kernel/cmdline.h>
#include <kernel/ksyms.h>
#include <kernel/lib/format.h>
#include <kernel/lib/string.h>
#include <kernel/panic.h>
#include <kernel/percpu.h>
#include <kernel/printk.h>
#include <kernel/task.h>
#include <kernel/trace.h>
#include <kernel/trace_port.h>

#define PANIC_EVENTS 24 /* trace events in a report: a fault from trap to end, with some room */

/* The last line of the backtrace. */
struct repeat {
	u64 rip;
	u32 times; /* it came again */
};

static u32 panic_cpu;      /* atomic: number of the CPU that reports + 1 */
static char sentence[512]; /* the reporting CPU */

static void panic_begin(void);
static void panic_report(const struct trap_frame *f, u64 rbp) __noreturn;
static void print_place(void);
static void print_return(u64 rip, void *arg);
static void panic_end(void) __noreturn;

/* The sentence is built in one place, by whoever won panic_begin(). */
#define PANIC_SENTENCE(fmt)                                                                              \
	do {                                                                                             \
		va_list args_;                                                                           \
		va_start(args_, fmt);                                                                    \
		format_va(sentence + strlen(sentence), sizeof(sentence) - strlen(sentence), fmt, args_); \
		va_end(args_);                                                                           \
	} while (0)

s32 panic_seconds; /* READ_ONCE */

void
panic_init(void)
{
	panic_seconds = (s32)cmdline_s64("panic", 0);
}

void
panic(const char *fmt, ...)
{
	panic_begin();
	PANIC_SENTENCE(fmt);
	panic_report(NULL, (u64)__builtin_frame_address(0));
}

void
panic_frame(const struct trap_frame *f, const char *fmt, ...)
{
	panic_begin();
	PANIC_SENTENCE(fmt);
	panic_report(f, f->rbp);
}

void
panic_assert(const char *cond, const char *file, int line, const char *func)
{
	panic_begin();
	format(sentence, sizeof(sentence), "%s (%s:%d) relies on this, which is false: %s", func, file, line, cond);
	panic_report(NULL, (u64)__builtin_frame_address(0));
}

void
panic_assertf(const char *cond, const char *file, int line, const char *func, const char *fmt, ...)
{
	panic_begin();
	format(sentence, sizeof(sentence), "%s (%s:%d) relies on this, which is false: %s; ", func, file, line, cond);
	PANIC_SENTENCE(fmt);
	panic_report(NULL, (u64)__builtin_frame_address(0));
}

bool
panic_in_progress(void)
{
	return __atomic_load_n(&panic_cpu, __ATOMIC_RELAXED) != 0;
}

/* Returns on the one CPU that may report; on the others, and for a panic within the report, this is the end. */
static void
panic_begin(void)
{
	static const char again[] = "\nPanic while reporting a panic.\n";
	u32 self = this_cpu_id() + 1;
	u32 nobody = 0;

	irq_disable();
	if (__atomic_compare_exchange_n(&panic_cpu, &nobody, self, false, __ATOMIC_SEQ_CST, __ATOMIC_RELAXED)) {
		cpu_stop_others();
		printk_break_lock();
		return;
	}
	if (nobody == self) {
		serial_write(again, sizeof(again) - 1);
		serial_write(sentence, strnlen(sentence, sizeof(sentence)));
		panic_end();
	}
	machine_halt();
}

/* @rbp: the innermost stack frame to show; @f: the trap it happened in, or NULL. */
static void
panic_report(const struct trap_frame *f, u64 rbp)
{
	struct repeat repeat = {0};

	trace(panic, this_cpu_id(), 0, 0);
	pr_emerg("Kernel panic: %s", sentence);
	print_place();
	if (f) {
		frame_print(f);
		pr_emerg("it happened in:");
		print_return(f->rip, &repeat);
	} else {
		pr_emerg("called from:");
	}
	backtrace_walk(rbp, print_return, &repeat);
	if (repeat.times)
		pr_emerg("    and %u more from there, at least", repeat.times);
	trace_dump_last(PANIC_EVENTS);
	trace_port_panic();
	pr_emerg("end of the report");
	panic_end();
}

/* Who was running where, and when. */
static void
print_place(void)
{
	const struct task *t = current;
	u64 ns = clock_ns();

	if (t->process)
		pr_emerg("on CPU %u, in task %d (%s), %lu.%03lu s after boot", this_cpu_id(), t->tid, t->comm,
			 ns / NS_PER_SEC, ns / NS_PER_MS % 1000);
	else
		pr_emerg("on CPU %u, in kernel thread %s, %lu.%03lu s after boot", this_cpu_id(),
			 t->comm[0] ? t->comm : "boot", ns / NS_PER_SEC, ns / NS_PER_MS % 1000);
}

/* Counts repetitions of one return address, so that a recursion does not fill the screen. */
static void
print_return(u64 rip, void *arg)
{
	struct repeat *repeat = arg;
	char name[96];

	if (rip == repeat->rip) {
		repeat->times++;
		return;
	}
	if (repeat->times)
		pr_emerg("    and %u more from there", repeat->times);
	*repeat = (struct repeat){.rip = rip};
	pr_emerg("    %s", ksym_format(rip, name, sizeof(name)));
}

/* The verdict for whoever runs us, then what panic= says. */
static void
panic_end(void)
{
	s64 seconds = READ_ONCE(panic_seconds);
	u64 end = clock_ns() + (u64)seconds * NS_PER_SEC;

	debug_exit(PANIC_EXIT_CODE);
	if (!seconds)
		machine_halt();
	while (seconds > 0 && clock_ns() < end)
		cpu_relax();
	machine_reset();
}
