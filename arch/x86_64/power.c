/* SPDX-License-Identifier: MIT */
/*
 * arch/x86_64/power.c - off, again, or never again
 *
 * Idea        Off: the ACPI control register takes the sleep type that the firmware's \_S5 object names. Without one,
 *             the ports at which QEMU and Bochs listen are tried. Again: the ACPI reset register, the chipset's, the
 *             keyboard controller, and at last an interrupt that cannot be delivered.
 * Invariants  none
 * Locks       none: the machine ends here
 * Follow      from kernel/sys_proc.c (reboot), kernel/panic.c
 * Tests       every guest test ends so
 * See         ACPI specification 4.8.3.2.1 and 4.8.3.6
 */
#include <arch/acpi.h>
#include <arch/cpu.h>
#include <arch/x86.h>
#include <kernel/printk.h>

#define PM1_SCI_ENABLE BIT(0)
#define PM1_SLEEP_TYPE(type) ((u32)(type) << 10)
#define PM1_SLEEP_ENABLE BIT(13)
#define QEMU_PM1A_PORT 0x604   /* q35, and pc since 2.0 */
#define BOCHS_PM1A_PORT 0xb004 /* Bochs, and QEMU's pc before */
#define DEBUG_EXIT_PORT 0xf4
#define RESET_CONTROL_PORT 0xcf9
#define KEYBOARD_PORT 0x64
#define KEYBOARD_RESET 0xfe
#define SPINS 1000000

static void power_acpi_mode_enter(const struct acpi_machine *m);
static void power_wait(void);

void
machine_power_off(void)
{
	const struct acpi_machine *m = &acpi_machine;

	irq_disable();
	if (m->pm1a_port && m->s5_known) {
		power_acpi_mode_enter(m);
		outw(m->pm1a_port, PM1_SLEEP_TYPE(m->s5_type_a) | PM1_SLEEP_ENABLE);
		if (m->pm1b_port)
			outw(m->pm1b_port, PM1_SLEEP_TYPE(m->s5_type_b) | PM1_SLEEP_ENABLE);
		power_wait();
	}
	outw(QEMU_PM1A_PORT, PM1_SLEEP_ENABLE);
	outw(BOCHS_PM1A_PORT, PM1_SLEEP_ENABLE);
	power_wait();
	pr_emerg("the machine does not switch itself off; it is safe to do so now");
	machine_halt();
}

/* Until it is switched to ACPI mode, the firmware owns the control register. */
static void
power_acpi_mode_enter(const struct acpi_machine *m)
{
	if (!m->smi_port || !m->acpi_enable || inw(m->pm1a_port) & PM1_SCI_ENABLE)
		return;
	outb(m->smi_port, m->acpi_enable);
	for (u32 i = 0; i < SPINS && !(inw(m->pm1a_port) & PM1_SCI_ENABLE); i++)
		cpu_relax();
}

static void
power_wait(void)
{
	for (u32 i = 0; i < SPINS; i++)
		cpu_relax();
}

void
machine_reset(void)
{
	const struct acpi_machine *m = &acpi_machine;
	const struct {
		u16 limit;
		u64 base;
	} __packed no_idt = {0, 0};

	irq_disable();
	/* A reset register in memory is left out: to map it, an allocation would be needed in a panic. */
	if (m->reset_address && !m->reset_in_memory) {
		outb(m->reset_address, m->reset_value);
		power_wait();
	}
	outb(RESET_CONTROL_PORT, 0x02);
	outb(RESET_CONTROL_PORT, 0x06);
	power_wait();
	outb(KEYBOARD_PORT, KEYBOARD_RESET);
	power_wait();
	__asm__ volatile("lidt %0; int3" : : "m"(no_idt));
	machine_halt();
}

void
machine_halt(void)
{
	for (;;)
		__asm__ volatile("cli; hlt" : : : "memory");
}

void
debug_exit(u32 code)
{
	outl(DEBUG_EXIT_PORT, code);
}
