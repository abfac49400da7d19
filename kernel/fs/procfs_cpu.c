/* SPDX-License-Identifier: MIT */
/*
 * kernel/fs/procfs_cpu.c - what the processors do: stat, uptime, loadavg, interrupts, cpuinfo
 *
 * Idea        see procfs.h. What a line of Linux would say of a thing that does not exist here is 0.
 * Invariants  none
 * Locks       none held; process_lock to count who sleeps
 * Follow      from procfs.c   to cputime.h, loadavg.h, arch/cpu.h
 * Tests       tests/guest/proc_sys.c, tests/guest/interrupts.c
 * See         proc(5)
 */
#include <kernel/fs/procfs.h>

#include <arch/cpu.h>
#include <arch/mmu.h>
#include <kernel/cputime.h>
#include <kernel/fs/seq.h>
#include <kernel/loadavg.h>
#include <kernel/pid.h>
#include <kernel/process.h>
#include <kernel/sched.h>
#include <kernel/wall_clock.h>

#define TICK_NS 10000000UL /* of the clock that /proc counts in: 100 Hz */
#define LINES_LEAST 24     /* an I/O APIC's: told of even where nothing is wired */

static void stat_show(struct seq *s);
static void uptime_show(struct seq *s);
static void loadavg_show(struct seq *s);
static void interrupts_show(struct seq *s);
static void cpuinfo_show(struct seq *s);
static void stat_cpu(struct seq *s, const char *name, const struct cpu_times *t);
static void stat_interrupts(struct seq *s);
static u64 irq_count_all(const struct irq_source *source);
static u64 blocked_count(void);
static void cpuinfo_put(const char *label, const char *text, void *arg);

const struct proc_entry procfs_cpu_entries[] = {
	{.name = "stat", .show = stat_show},       {.name = "uptime", .show = uptime_show},
	{.name = "loadavg", .show = loadavg_show}, {.name = "interrupts", .show = interrupts_show},
	{.name = "cpuinfo", .show = cpuinfo_show}, {},
};

static void
stat_show(struct seq *s)
{
	struct cpu_times sum = {0};
	struct cpu_times t[MAX_CPUS];
	char name[8] = "cpu";

	for (u32 cpu = 0; cpu < cpu_count(); cpu++) {
		cputime_of_cpu(cpu, &t[cpu]);
		sum.user_ns += t[cpu].user_ns;
		sum.nice_ns += t[cpu].nice_ns;
		sum.system_ns += t[cpu].system_ns;
		sum.idle_ns += t[cpu].idle_ns;
	}
	stat_cpu(s, "cpu ", &sum);
	for (u32 cpu = 0; cpu < cpu_count(); cpu++) {
		name[3] = cpu < 10 ? '0' + cpu : '1';
		name[4] = cpu < 10 ? 0 : '0' + cpu - 10;
		stat_cpu(s, name, &t[cpu]);
	}
	stat_interrupts(s);
	seq_printf(s, "ctxt %lu\n", sched_switch_count());
	seq_printf(s, "btime %lu\n", wall_clock_ahead_ns() / NS_PER_SEC);
	seq_printf(s, "processes %lu\n", process_fork_count());
	seq_printf(s, "procs_running %lu\n", sched_runnable_count());
	seq_printf(s, "procs_blocked %lu\n", blocked_count());
}

static void
stat_cpu(struct seq *s, const char *name, const struct cpu_times *t)
{
	seq_printf(s, "%s %lu %lu %lu %lu 0 0 0 0 0 0\n", name, t->user_ns / TICK_NS, t->nice_ns / TICK_NS,
		   t->system_ns / TICK_NS, t->idle_ns / TICK_NS);
}

/* The sum of all; then each by its number, 0 where there is none. */
static void
stat_interrupts(struct seq *s)
{
	struct irq_source source;
	u32 next = 0;
	u64 sum = 0;

	for (u32 i = 0; irq_source_at(i, &source); i++)
		sum += irq_count_all(&source);
	seq_printf(s, "intr %lu", sum);
	for (u32 i = 0; irq_source_at(i, &source) && !source.label; i++) {
		for (; next < source.number; next++)
			seq_puts(s, " 0");
		seq_printf(s, " %lu", irq_count_all(&source));
		next++;
	}
	for (; next < LINES_LEAST; next++)
		seq_puts(s, " 0");
	seq_puts(s, "\n");
}

static u64
irq_count_all(const struct irq_source *source)
{
	u64 sum = 0;

	for (u32 cpu = 0; cpu < cpu_count(); cpu++)
		sum += irq_count(source, cpu);
	return sum;
}

/* Threads that sleep so that only a kill, or nothing, wakes them. */
static u64
blocked_count(void)
{
	struct process *process;
	struct task *task;
	u64 count = 0;

	spin_lock(&process_lock);
	list_for_each (process, &process_list, all) {
		list_for_each (task, &process->threads, thread_link) {
			u8 state = READ_ONCE(task->state);

			count += state == TASK_KILLABLE || state == TASK_UNINTERRUPTIBLE;
		}
	}
	spin_unlock(&process_lock);
	return count;
}

static void
uptime_show(struct seq *s)
{
	u64 up = clock_ns() / TICK_NS;
	u64 idle = 0;

	for (u32 cpu = 0; cpu < cpu_count(); cpu++)
		idle += sched_idle_ns(cpu);
	idle /= TICK_NS;
	seq_printf(s, "%lu.%02lu %lu.%02lu\n", up / 100, up % 100, idle / 100, idle % 100);
}

static void
loadavg_show(struct seq *s)
{
	u64 loads[LOADS];
	u64 load;

	loadavg_get(loads);
	for (u32 i = 0; i < LOADS; i++) {
		load = loads[i] + LOAD_ONE / 200; /* rounds to hundredths */
		seq_printf(s, "%lu.%02lu ", load >> LOAD_SHIFT, (load & (LOAD_ONE - 1)) * 100 >> LOAD_SHIFT);
	}
	seq_printf(s, "%lu/%u %d\n", sched_runnable_count(), process_thread_count(), pid_last_given());
}

static void
interrupts_show(struct seq *s)
{
	struct irq_source source;

	seq_puts(s, "           ");
	for (u32 cpu = 0; cpu < cpu_count(); cpu++)
		seq_printf(s, "CPU%-8u", cpu);
	seq_puts(s, "\n");
	for (u32 i = 0; irq_source_at(i, &source); i++) {
		if (source.label)
			seq_printf(s, "%3s: ", source.label);
		else
			seq_printf(s, "%3u: ", source.number);
		for (u32 cpu = 0; cpu < cpu_count(); cpu++)
			seq_printf(s, "%10lu ", irq_count(&source, cpu));
		if (source.label)
			seq_printf(s, "  %s\n", source.name);
		else
			seq_printf(s, " %8s %3u-edge      %s\n", source.chip, source.line, source.name);
	}
}

static void
cpuinfo_show(struct seq *s)
{
	for (u32 cpu = 0; cpu < cpu_count(); cpu++) {
		seq_printf(s, "processor\t: %u\n", cpu);
		cpu_info_each(cpu, cpuinfo_put, s);
		seq_puts(s, "\n");
	}
}

/* A line's beginning has a label, filled up with tabs as Linux does it. */
static void
cpuinfo_put(const char *label, const char *text, void *arg)
{
	struct seq *s = arg;

	if (label)
		seq_printf(s, "%s: %s", label, text);
	else
		seq_puts(s, text);
}
