/* SPDX-License-Identifier: MIT */
/*
 * arch/x86_64/include/arch/cpu.h - traps, switch, clock, power, early consoles: what kernel/ needs from the machine
 *
 * Idea        The kernel is not preemptible: a task in it runs until it sleeps. One frame layout serves interrupts,
 *             exceptions and system calls, and a task in user mode has exactly one, at the top of its stack:
 *
 *                 stack_top  -> +--------------------------+
 *                               | ss rsp rflags cs rip     |  pushed by the CPU (or by syscall_entry)
 *                               | orig_rax or error+vector |
 *             task_frame(t)  -> | rdi ... r15              |
 *                               +--------------------------+
 *                               | the kernel's C frames    |  down to the guard page
 *
 * Invariants  I1  struct arch_task is the first member of struct task (asserted in switch.c).
 *             I2  A task without an FPU area never enters user mode.
 *             I3  What arch_task says of the user's FS and GS bases changes only through arch_prctl, clone and exec
 *                 (CR4.FSGSBASE stays off): a switch writes them and never reads them back.
 * Locks       none; what is per CPU belongs to that CPU
 * Follow      from kernel/   to arch/x86_64/{trap,entry,switch,fpu,clock,apic,smp,power,serial,vga}
 * Tests       every guest test; kernel/selftest.c
 * See         System V ABI for x86-64, Intel SDM volume 3
 */
#pragma once

#include <arch/irq.h>
#include <arch/uaccess.h>
#include <kernel/lib/compiler.h>
#include <kernel/lib/types.h>

struct task;
struct boot_info;

/* Selectors have Linux's values: a program can see its own. */
#define KERNEL_CS 0x10
#define KERNEL_DS 0x18
#define USER_DS 0x2b
#define USER_CS 0x33

/*
 * The registers of what was interrupted, in the order of Linux's struct pt_regs. orig_rax is the number of a system
 * call (never negative); for a trap or an interrupt it is negative: TRAP_MARK | vector above, the error code below.
 */
struct trap_frame {
	u64 r15, r14, r13, r12, rbp, rbx;
	u64 r11, r10, r9, r8;
	u64 rax, rcx, rdx, rsi, rdi;
	union {
		s64 orig_rax;
		struct {
			u32 error;
			u32 vector; /* TRAP_MARK | vector */
		};
	};
	u64 rip, cs, rflags, rsp, ss;
};

#define TRAP_MARK 0x80000000U

static inline bool
frame_is_user(const struct trap_frame *f)
{
	return f->cs & 3;
}

static inline bool
frame_is_syscall(const struct trap_frame *f)
{
	return f->orig_rax >= 0;
}

/* The part of struct task that the switch needs; owner only, but for the time between creation and first run. */
struct arch_task {
	u64 ksp;       /* stack pointer while switched out */
	u64 stack_top; /* where traps from user mode start */
	u64 fs_base;
	u64 gs_base;
	void *fpu; /* XSAVE area; NULL for a kernel thread */
	/* Of the last exception that became a signal: for the handler's context. */
	u64 fault_va;
	u32 fault_error;
	u32 fault_vector;
};

/* The frame of @t in user mode; garbage for a kernel thread. */
static inline struct trap_frame *
task_frame(const struct task *t)
{
	const struct arch_task *a = (const struct arch_task *)t;

	return (struct trap_frame *)a->stack_top - 1;
}

/* Makes @offset this CPU's: %gs:symbol means the byte at &symbol + @offset. */
static inline void
cpu_percpu_set(u64 offset)
{
	__asm__ volatile("wrmsr" : : "c"(0xc0000101), "a"((u32)offset), "d"((u32)(offset >> 32)) : "memory");
}

/* ---- Boot, in the order in which main.c calls them. All but smp_start() on the boot CPU alone. ---- */

/* Consoles, descriptor tables, CPU features. Needs nothing. */
void arch_early_init(const struct boot_info *info);

/*
 * mmu_init - the final kernel page tables: direct map of all RAM, W^X for the image, nothing below the kernel half
 *
 * Returns   nothing; panics when memblock is empty
 * Context   boot; memblock holds all RAM, and its allocations still lie below 4 GiB
 */
void mmu_init(const struct boot_info *info);

/* Finds and checks the firmware's tables. Without any, one CPU and the legacy ports are assumed. */
void acpi_init(const struct boot_info *info);

/* Local and I/O interrupt controllers; the old PICs are masked. Interrupts may be enabled afterwards. */
void apic_init(void);

/* Calibrates the TSC and the local timer: takes about 10 ms, interrupts off. */
void clock_init(void);

/* Lets the serial line's interrupts through, receiving first: from now on console_interrupt() is called. */
void serial_irq_init(void);

/*
 * What console_interrupt() does to the port. Context: interrupts off; console.c's lock keeps others out
 *
 * serial_receive - take a byte; false: none is there
 * serial_can_send - is the transmitter empty?
 * serial_interrupts - which interrupts may come; one whose cause is there already comes at once
 * serial_interrupt_pending - is one of those still due? The interrupt controller sees edges: all must be served
 */
bool serial_receive(u8 *byte);
bool serial_can_send(void);
void serial_interrupts(bool receive, bool transmit);
bool serial_interrupt_pending(void);

/*
 * smp_start - bring up the other CPUs, each into sched_cpu_start()
 *
 * Returns   nothing; a CPU that does not come up within 1 s is reported and left alone
 * Context   boot CPU, may sleep, interrupts on; @max limits the CPUs including this one (maxcpus=)
 */
void smp_start(u32 max);

/* CPUs the firmware names, at most MAX_CPUS; valid after acpi_init(). */
u32 cpu_possible_count(void);

/* Frees the memory of __init code and data; returns the pages that were freed. */
u64 arch_init_free(void);

/* ---- Tasks ---- */

/*
 * cpu_switch - leave @prev, continue @next; also sets `current`
 *
 * Returns   when @prev is switched to again, perhaps on another CPU
 * Context   interrupts off; the address space is already @next's
 */
void cpu_switch(struct task *prev, struct task *next);

/*
 * arch_task_init - prepare @t (with its stack) to start in sched_tail(), then @fn(@arg)
 *
 * When @fn returns, the thread enters user mode through the frame that arch_exec() has filled; a thread that has not
 * called arch_exec() must not return.
 *
 * @stack_top  end of the stack, 16-byte aligned
 *
 * Returns   0
 * Context   any
 */
int arch_task_init(struct task *t, u64 stack_top, void (*fn)(void *), void *arg);

/*
 * arch_task_fork - prepare @child to return to user mode as a copy of @parent, with rax 0
 *
 * @user_sp  the child's stack pointer; 0: the parent's
 * @tls      the child's FS base when @set_tls
 *
 * Returns   0; -ENOMEM
 * Context   may sleep; @parent is current, in a system call
 */
int arch_task_fork(struct task *child, u64 stack_top, const struct task *parent, u64 user_sp, u64 tls, bool set_tls);

/* Frees what arch_task_fork and arch_exec allocated; @t never runs again. */
void arch_task_free(struct task *t);

/*
 * arch_exec - give the current task clean registers and FPU state for a fresh program
 *
 * Returns   0; -ENOMEM, only for a kernel thread, which has no FPU area yet
 * Context   may sleep; @f is task_frame(current). @entry at or above USER_TOP makes the program fault at once.
 */
int arch_exec(struct trap_frame *f, u64 entry, u64 sp);

/* The arch_prctl system call. Returns 0; -EPERM for a kernel address; -EFAULT; -EINVAL for an unknown code. */
s64 arch_prctl(int code, u64 arg);

/* Tells programs about the CPU: AT_HWCAP is CPUID(1).EDX. */
u64 cpu_hwcap(void);

/* A random number of the processor's own. False: it has no source of them, or that is dry. Context: any. */
bool cpu_random(u64 *out);

/* ---- Time ---- */

/* The finest clock there is, of no particular rate. Context: any. */
u64 cpu_ticks(void);

/* Nanoseconds since clock_init(), from the TSC; 0 before it. Monotonic on each CPU. */
u64 clock_ns(void);

/* The local timer of this CPU fires once, at @deadline_ns or soon after, never before; ~0 turns it off. */
void timer_arm(u64 deadline_ns);

/* Nanoseconds of the Unix epoch at which clock_ns() was 0, as the CMOS clock says (UTC, one second fine). */
u64 wall_clock_ns_at_boot(void);

/* ---- What /proc tells of CPUs and interrupts ---- */

/* Where interrupts come from: a line or message with a number, or one of the CPU's own with a label. */
struct irq_source {
	u32 number;
	const char *label, *chip, *name;
	u32 line; /* what @chip calls it */
	u32 vector;
};

/* The @i-th source, those with numbers first, in order; false past the last. Context: any. */
bool irq_source_at(u32 i, struct irq_source *out);

/* irq_count - how often it interrupted @cpu. Context: any. */
u64 irq_count(const struct irq_source *source, u32 cpu);

/*
 * cpu_info_each - what @cpu is, in the lines of /proc/cpuinfo
 *
 * @put  takes a label that begins a line, and text; or NULL and more text of the same line
 *
 * Context   may sleep if @put does
 */
typedef void (*cpu_info_fn)(const char *label, const char *text, void *arg);
void cpu_info_each(u32 cpu, cpu_info_fn put, void *arg);

/* ---- Other CPUs ---- */

/* Makes @cpu call sched_kick() and kmsg_wake(); this one, as soon as its interrupts are on. */
void cpu_kick(u32 cpu);

/* Panic: the other CPUs stop for good. Returns when they have, or after 100 ms. */
void cpu_stop_others(void);

/* ---- Power ---- */

__noreturn void machine_power_off(void);
__noreturn void machine_reset(void);

/* Stops here for good, interrupts off. */
__noreturn void machine_halt(void);

/* QEMU's isa-debug-exit: its process ends with @code * 2 + 1. Returns when there is no such device. */
void debug_exit(u32 code);

/* ---- Consoles that need no driver ---- */

/* Polled COM1; a line feed becomes CR LF. Gives up on a transmitter that stays busy. */
void serial_write(const char *s, size_t n);

/*
 * serial_send - bytes as they are, without a long wait
 *
 * Returns   how many the port has taken; fewer than @n only if its transmit interrupt can tell when to go on
 * Context   any; printk's lock orders it with serial_write
 */
u32 serial_send(const u8 *s, u32 n);

/* 80 x 25 text, if the loader left such a screen; else nothing happens. */
void vga_write(const char *s, size_t n);

/* ---- Reports ---- */

/* Calls @fn for each return address of the frame chain that starts at @rbp, newest first; at most 32. */
void backtrace_walk(u64 rbp, void (*fn)(u64 rip, void *arg), void *arg);

/* printk()s the registers of @f. */
void frame_print(const struct trap_frame *f);
