/* SPDX-License-Identifier: MIT */
/*
 * arch/x86_64/clock.c - nanoseconds from the TSC, and one-shot alarms from the local APIC
 *
 * Idea        At boot two counters of unknown rate, TSC and APIC timer, are compared with one of known rate: the ACPI
 *             timer or channel 2 of the PIT. A sample reads all three together; of several tries the one counts in
 *             which the least time passed, so that an emulator that is held up meanwhile does no harm. Rates are kept
 *             as 32.32 fixed-point factors.
 *             Simple: the TSCs of all CPUs are taken to run alike and to have started together, as every machine of the
 *             last 15 years and QEMU keep them.
 * Invariants  I1  An alarm never fires before clock_ns() has reached its deadline.
 * Locks       none; the alarm belongs to its CPU, interrupts off
 * Follow      from kernel/timer.c   to apic.c
 * Tests       tests/guest/time.c, selftest=timers
 * See         Intel SDM volume 3, 10.5.4 and 17.17; ACPI specification 4.8.3.3
 */
#include <arch/acpi.h>
#include <arch/apic.h>
#include <arch/clock.h>
#include <arch/cpu.h>
#include <arch/features.h>
#include <arch/trap.h>
#include <arch/vdso.h>
#include <arch/x86.h>
#include <kernel/percpu.h>
#include <kernel/printk.h>
#include <kernel/timer.h>

#define PM_TIMER_HZ 3579545
#define PM_TIMER_MASK 0xffffff /* some count 24 bits, the others more */
#define PIT_HZ 1193182
#define PIT_CHANNEL2 0x42
#define PIT_COMMAND 0x43
#define PIT_GATE 0x61
#define CALIBRATE_MS 10
#define SAMPLE_TRIES 5
/* A reference that stands still is given up after this many reads. */
#define READS_MAX 10000000

/* All three counters at, as nearly as possible, one moment. */
struct clock_sample {
	u64 tsc;
	u32 apic; /* counts down */
	u32 reference;
};

static u64 clock_base_tsc;    /* const after clock_init */
static u64 clock_ns_per_tsc;  /* 32.32; const after clock_init; 0 before */
static u64 clock_tsc_per_ns;  /* likewise */
static u64 clock_apic_per_ns; /* 32.32, APIC timer ticks; likewise */

/* When this CPU's alarm is due. Owner only, interrupts off. */
static DEFINE_PER_CPU(u64, timer_deadline) = TIMER_NEVER;

static u32 reference_read(void);
static u32 reference_hz(void);
static void reference_start(void);
static void clock_sample_take(struct clock_sample *best);
static void clock_rates_set(u64 tsc, u64 apic, u64 reference);
static u64 clock_scale(u64 value, u64 factor);
static void timer_program(u64 deadline_ns);

void
clock_init(void)
{
	struct clock_sample from;
	struct clock_sample to;
	u32 wanted = reference_hz() / (1000 / CALIBRATE_MS);
	u32 reads = 0;

	reference_start();
	apic_timer_mode(false);
	apic_timer_set(~0U);
	clock_sample_take(&from);
	do
		clock_sample_take(&to);
	while (((to.reference - from.reference) & PM_TIMER_MASK) < wanted && ++reads < READS_MAX);
	apic_timer_set(0);
	clock_base_tsc = from.tsc;
	clock_rates_set(to.tsc - from.tsc, from.apic - to.apic, (to.reference - from.reference) & PM_TIMER_MASK);
	clock_init_cpu();
}

u64
clock_tsc_khz(void)
{
	return (u64)(((unsigned __int128)clock_tsc_per_ns * NS_PER_MS) >> 32);
}

void
clock_init_cpu(void)
{
	this_cpu(timer_deadline) = TIMER_NEVER;
	apic_timer_mode(cpu_features.tsc_deadline);
}

/* The PIT's 16 bits count down and last 55 ms: enough for one calibration. */
static u32
reference_read(void)
{
	u32 count;

	if (acpi_machine.pm_timer_port)
		return inl(acpi_machine.pm_timer_port) & PM_TIMER_MASK;
	outb(PIT_COMMAND, 0x80); /* latch channel 2 */
	count = inb(PIT_CHANNEL2);
	count |= (u32)inb(PIT_CHANNEL2) << 8;
	return 0xffff - count;
}

static u32
reference_hz(void)
{
	return acpi_machine.pm_timer_port ? PM_TIMER_HZ : PIT_HZ;
}

static void
reference_start(void)
{
	if (acpi_machine.pm_timer_port)
		return;
	outb(PIT_GATE, (inb(PIT_GATE) & ~2) | 1); /* counting, loudspeaker off */
	outb(PIT_COMMAND, 0xb0);                  /* channel 2, both bytes, mode 0 */
	outb(PIT_CHANNEL2, 0xff);
	outb(PIT_CHANNEL2, 0xff);
}

static void
clock_sample_take(struct clock_sample *best)
{
	u64 shortest = ~0UL;

	for (u32 i = 0; i < SAMPLE_TRIES; i++) {
		u64 before = rdtsc();
		u32 apic = apic_timer_read();
		u32 reference = reference_read();
		u64 took = rdtsc() - before;

		if (took >= shortest)
			continue;
		shortest = took;
		*best = (struct clock_sample){.tsc = before, .apic = apic, .reference = reference};
	}
}

static void
clock_rates_set(u64 tsc, u64 apic, u64 reference)
{
	u64 ns = reference * NS_PER_SEC / reference_hz();

	if (!ns || !tsc) {
		pr_warn("the timer that should tell the clock's rate stands still; 1 GHz is assumed");
		ns = tsc = apic = 1;
	}
	clock_ns_per_tsc = (ns << 32) / tsc;
	clock_tsc_per_ns = (tsc << 32) / ns;
	clock_apic_per_ns = (apic << 32) / ns;
	pr_info("clock: TSC %lu kHz, local timer %lu kHz%s", (tsc * 1000000 / ns), (apic * 1000000 / ns),
		cpu_features.tsc_deadline ? ", TSC deadlines" : "");
}

void
clock_vdso_fill(struct vdso_data *data)
{
	data->base_tsc = clock_base_tsc;
	data->ns_per_tsc = clock_ns_per_tsc;
}

static u64
clock_scale(u64 value, u64 factor)
{
	return (unsigned __int128)value * factor >> 32;
}

u64
clock_ns(void)
{
	return clock_scale(rdtsc() - clock_base_tsc, clock_ns_per_tsc);
}

/* Context: interrupts off. */
void
timer_arm(u64 deadline_ns)
{
	this_cpu(timer_deadline) = deadline_ns;
	if (deadline_ns != TIMER_NEVER)
		timer_program(deadline_ns);
	else if (cpu_features.tsc_deadline)
		wrmsr(MSR_TSC_DEADLINE, 0);
	else
		apic_timer_set(0);
}

/* The APIC counts 32 bits: an alarm further away fires early, and clock_interrupt() arms it again. */
static void
timer_program(u64 deadline_ns)
{
	u64 now = clock_ns();
	u64 left = deadline_ns > now ? deadline_ns - now : 0;
	u64 ticks;

	if (cpu_features.tsc_deadline) {
		wrmsr(MSR_TSC_DEADLINE, rdtsc() + clock_scale(min_u64(left, 1UL << 62), clock_tsc_per_ns) + 1);
		return;
	}
	ticks = clock_scale(min_u64(left, 4 * NS_PER_SEC), clock_apic_per_ns) + 1;
	apic_timer_set(min_u64(ticks, ~0U));
}

void
clock_interrupt(bool user)
{
	u64 deadline = this_cpu(timer_deadline);

	if (clock_ns() < deadline) {
		if (deadline != TIMER_NEVER)
			timer_program(deadline);
		return;
	}
	this_cpu(timer_deadline) = TIMER_NEVER;
	timer_interrupt(user);
}
