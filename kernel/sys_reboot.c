/* SPDX-License-Identifier: MIT */
/*
 * kernel/sys_reboot.c - the system call that restarts, halts or turns off the machine
 *
 * Idea        For root alone. Ctrl-Alt-Del is accepted, but no keyboard has it.
 * Invariants  none
 * Locks       none
 * Follow      from syscall.c   to arch machine_power_off
 * Tests       tests/guest/uname.c
 * See         reboot(2)
 */
#include <arch/cpu.h>
#include <kernel/cred.h>
#include <kernel/dev/console.h>
#include <kernel/lib/errno.h>
#include <kernel/printk.h>
#include <kernel/syscall.h>
#include <kernel/trace_port.h>

#define REBOOT_MAGIC1 0xfee1deadU
#define REBOOT_RESTART 0x01234567U
#define REBOOT_RESTART2 0xa1b2c3d4U
#define REBOOT_HALT 0xcdef0123U
#define REBOOT_POWER_OFF 0x4321fedcU
#define REBOOT_CAD_ON 0x89abcdefU
#define REBOOT_CAD_OFF 0U

/* Linux's second magic numbers are birthdays. */
s64
sys_reboot(u64 magic1, u64 magic2, u64 command, u64 arg)
{
	static const u32 magics[] = {672274793, 85072278, 369367448, 537993216};
	bool known = false;

	if (!cred_is_root())
		return -EPERM;
	for (u32 i = 0; i < ARRAY_SIZE(magics); i++)
		known |= (u32)magic2 == magics[i];
	if ((u32)magic1 != REBOOT_MAGIC1 || !known)
		return -EINVAL;
	console_settle();
	trace_port_settle();
	switch ((u32)command) {
	case REBOOT_CAD_ON:
	case REBOOT_CAD_OFF:
		return 0;
	case REBOOT_RESTART:
	case REBOOT_RESTART2:
		pr_notice("reboot: restarting system\n");
		machine_reset();
	case REBOOT_HALT:
		pr_notice("reboot: system halted\n");
		machine_halt();
	case REBOOT_POWER_OFF:
		pr_notice("reboot: power down\n");
		machine_power_off();
	default:
		return -EINVAL;
	}
}
