/* SPDX-License-Identifier: MIT */
/*
 * arch/x86_64/apic.c - the local APIC: this CPU's interrupts, its timer, messages to other CPUs
 *
 * Idea        The same registers are reached through memory (xAPIC), or through MSRs if the firmware left the APIC in
 *             x2APIC mode; MSR number and memory offset differ by a shift. The old PICs are moved away from
 *             the exceptions' vectors and masked for good.
 * Invariants  none
 * Locks       none: each CPU sees its own APIC. Sending takes two writes in xAPIC mode, with interrupts off.
 * Follow      from kernel/main.c, trap.c, smp.c, clock.c
 * Tests       every boot
 * See         Intel SDM volume 3, chapter 10
 */
#include <arch/acpi.h>
#include <arch/apic.h>
#include <arch/cpu.h>
#include <arch/trap.h>
#include <arch/x86.h>
#include <kernel/panic.h>

#define REG_ID 0x20
#define REG_TASK_PRIORITY 0x80
#define REG_EOI 0xb0
#define REG_SPURIOUS 0xf0
#define REG_COMMAND 0x300
#define REG_COMMAND_HIGH 0x310
#define REG_LVT_TIMER 0x320
#define REG_LVT_LINT0 0x350
#define REG_LVT_LINT1 0x360
#define REG_LVT_ERROR 0x370
#define REG_TIMER_INITIAL 0x380
#define REG_TIMER_CURRENT 0x390
#define REG_TIMER_DIVIDE 0x3e0

#define APIC_BASE_X2APIC BIT(10)
#define APIC_BASE_ENABLE BIT(11)
#define SPURIOUS_ENABLE 0x100
#define COMMAND_PENDING 0x1000
#define LVT_MASKED 0x10000
#define LVT_NMI 0x400
#define LVT_TSC_DEADLINE 0x40000
#define DIVIDE_BY_1 0xb

#define PIC1 0x20
#define PIC2 0xa0

DEFINE_PER_CPU(u32, apic_id);

static volatile u8 *apic_registers; /* const after apic_init; NULL: x2APIC */

static u32 apic_read(u32 reg);
static void apic_write(u32 reg, u32 value);
static void pic_mask(void);

void
apic_init(void)
{
	pic_mask();
	if (!(rdmsr(MSR_APIC_BASE) & APIC_BASE_X2APIC)) {
		apic_registers = mmio_map(acpi_machine.lapic_pa, PAGE_SIZE, PTE_KERNEL_MMIO);
		if (!apic_registers)
			panic("the local APIC at %#lx cannot be mapped", acpi_machine.lapic_pa);
	}
	apic_init_cpu();
	ioapic_init();
}

void
apic_init_cpu(void)
{
	u64 base = rdmsr(MSR_APIC_BASE);

	/* All CPUs speak the boot CPU's mode. */
	wrmsr(MSR_APIC_BASE, base | APIC_BASE_ENABLE | (apic_registers ? 0 : APIC_BASE_X2APIC));
	apic_write(REG_SPURIOUS, SPURIOUS_ENABLE | VECTOR_SPURIOUS);
	apic_write(REG_TASK_PRIORITY, 0);
	apic_write(REG_LVT_TIMER, LVT_MASKED | VECTOR_TIMER);
	apic_write(REG_LVT_LINT0, LVT_MASKED);
	apic_write(REG_LVT_LINT1, LVT_NMI);
	apic_write(REG_LVT_ERROR, LVT_MASKED);
	apic_write(REG_TIMER_DIVIDE, DIVIDE_BY_1);
	apic_eoi();
	this_cpu(apic_id) = apic_id_read();
}

u32
apic_id_read(void)
{
	u32 id = apic_read(REG_ID);

	return apic_registers ? id >> 24 : id;
}

void
apic_eoi(void)
{
	apic_write(REG_EOI, 0);
}

void
apic_ipi(u32 id, u32 command)
{
	u64 flags;

	if (!apic_registers) {
		/* Why: an MSR write does not order earlier stores, which the other CPU is to see. */
		__asm__ volatile("mfence; lfence" ::: "memory");
		wrmsr(MSR_X2APIC + (REG_COMMAND >> 4), (u64)id << 32 | command);
		return;
	}
	flags = irq_save();
	while (apic_read(REG_COMMAND) & COMMAND_PENDING)
		cpu_relax();
	apic_write(REG_COMMAND_HIGH, id << 24);
	apic_write(REG_COMMAND, command);
	irq_restore(flags);
}

void
apic_timer_mode(bool tsc_deadline)
{
	apic_write(REG_LVT_TIMER, VECTOR_TIMER | (tsc_deadline ? LVT_TSC_DEADLINE : 0));
	/*
	 * Why: the deadline register may be written only after the mode is set, and memory writes are not ordered
	 * with it.
	 */
	__asm__ volatile("mfence" ::: "memory");
}

void
apic_timer_set(u32 count)
{
	apic_write(REG_TIMER_INITIAL, count);
}

u32
apic_timer_read(void)
{
	return apic_read(REG_TIMER_CURRENT);
}

static u32
apic_read(u32 reg)
{
	if (likely(apic_registers))
		return mmio_read32(apic_registers + reg);
	return rdmsr(MSR_X2APIC + (reg >> 4));
}

static void
apic_write(u32 reg, u32 value)
{
	if (likely(apic_registers))
		mmio_write32(apic_registers + reg, value);
	else
		wrmsr(MSR_X2APIC + (reg >> 4), value);
}

/* Initialization takes four words: begin, vector, wiring, mode. Then all inputs are masked. */
static void
pic_mask(void)
{
	outb(PIC1, 0x11);
	outb(PIC2, 0x11);
	outb(PIC1 + 1, VECTOR_PIC);
	outb(PIC2 + 1, VECTOR_PIC + 8);
	outb(PIC1 + 1, 4);
	outb(PIC2 + 1, 2);
	outb(PIC1 + 1, 1);
	outb(PIC2 + 1, 1);
	outb(PIC1 + 1, 0xff);
	outb(PIC2 + 1, 0xff);
}
