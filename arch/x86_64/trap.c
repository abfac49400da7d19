/* SPDX-License-Identifier: MIT */
/*
 * arch/x86_64/trap.c - exceptions and interrupts become calls into mm and kernel, signals, or a panic that explains
 *
 * Idea        A page fault is (address, access); whose it is decides what failure means:
 *
 *               from                      address        fault_handle says no
 *               user mode                 any            signal
 *               kernel, .text.uaccess     below 2^47     fix-up: the copy ends early
 *               kernel, anywhere else     any            panic, fault_handle is not even asked
 *
 *             Any other exception is a signal when it came from user mode, else a panic. A double fault arrives on
 *             its own stack: nearly always the kernel stack ran into its guard page.
 * Invariants  I1  Handlers run with interrupts as they were at the fault; they are off at return to entry.S.
 *             I2  A signal is recorded by the handler and acted upon in user_return_work().
 * Locks       none; faults from user mode and user copies may sleep
 * Follow      from entry.S   to mm/fault.c, kernel/signal.h, kernel/panic.h
 * Tests       tests/guest/trap.c, tests/guest/fault.c; selftest=null, stack_overflow
 * See         docs/tour.md; Intel SDM volume 3, 6.15
 */
#include <arch/apic.h>
#include <arch/cpu.h>
#include <arch/fpu.h>
#include <arch/mmu.h>
#include <arch/pci.h>
#include <arch/trap.h>
#include <arch/x86.h>
#include <kernel/dev/console.h>
#include <kernel/kmsg.h>
#include <kernel/panic.h>
#include <kernel/printk.h>
#include <kernel/sched.h>
#include <kernel/signal.h>
#include <kernel/trace.h>
#include <kernel/trace_stream.h>
#include <mm/fault.h>
#include <mm/vmalloc.h>

/* Error code of a page fault. */
#define PF_PROTECTION BIT(0)
#define PF_WRITE BIT(1)
#define PF_USER BIT(2)
#define PF_RESERVED BIT(3)
#define PF_FETCH BIT(4)

/* Two addresses of the text: a fault at `from` that cannot be mended continues at `to`. */
struct extable_entry {
	u64 from;
	u64 to;
};

/* What an exception is called, and what it is to a program. */
struct trap_kind {
	const char *name;
	u8 sig;
	u8 code;
	bool at_rip; /* the address that the signal reports */
};

static const struct trap_kind trap_kinds[VECTOR_EXCEPTIONS] = {
	[0] = {"divide error", SIGFPE, FPE_INTDIV, true},
	[1] = {"debug exception", SIGTRAP, TRAP_TRACE, true},
	[2] = {"non-maskable interrupt"},
	[3] = {"breakpoint", SIGTRAP, SI_KERNEL},
	[4] = {"overflow", SIGSEGV, SI_KERNEL},
	[5] = {"bound range exceeded", SIGSEGV, SI_KERNEL},
	[6] = {"invalid opcode", SIGILL, ILL_ILLOPN, true},
	[7] = {"device not available", SIGILL, ILL_ILLOPN, true},
	[8] = {"double fault"},
	[9] = {"coprocessor segment overrun", SIGFPE, SI_KERNEL},
	[10] = {"invalid task state segment", SIGSEGV, SI_KERNEL},
	[11] = {"segment not present", SIGBUS, SI_KERNEL},
	[12] = {"stack segment fault", SIGBUS, SI_KERNEL},
	[13] = {"general protection fault", SIGSEGV, SI_KERNEL},
	[14] = {"page fault", SIGSEGV, SEGV_MAPERR},
	[15] = {"reserved exception 15", SIGSEGV, SI_KERNEL},
	[16] = {"x87 floating-point error", SIGFPE, FPE_FLTINV, true},
	[17] = {"alignment check", SIGBUS, BUS_ADRALN},
	[18] = {"machine check"},
	[19] = {"SIMD floating-point error", SIGFPE, FPE_FLTINV, true},
	[20] = {"virtualization exception", SIGSEGV, SI_KERNEL},
	[21] = {"control protection exception", SIGSEGV, SI_KERNEL},
	[22] = {"reserved exception 22", SIGSEGV, SI_KERNEL},
	[23] = {"reserved exception 23", SIGSEGV, SI_KERNEL},
	[24] = {"reserved exception 24", SIGSEGV, SI_KERNEL},
	[25] = {"reserved exception 25", SIGSEGV, SI_KERNEL},
	[26] = {"reserved exception 26", SIGSEGV, SI_KERNEL},
	[27] = {"reserved exception 27", SIGSEGV, SI_KERNEL},
	[28] = {"hypervisor injection exception", SIGSEGV, SI_KERNEL},
	[29] = {"VMM communication exception", SIGSEGV, SI_KERNEL},
	[30] = {"security exception", SIGSEGV, SI_KERNEL},
	[31] = {"reserved exception 31", SIGSEGV, SI_KERNEL},
};

/* From the error code to what fault_handle() wants: a write, a fetch, or a read; from user mode or not. */
#define FAULT_ACCESS_ROW(user, fetch) (user) | (fetch), (user) | (fetch), (user) | FAULT_WRITE, (user) | FAULT_WRITE
static const u8 fault_access[32] = {
	FAULT_ACCESS_ROW(0, FAULT_READ), FAULT_ACCESS_ROW(FAULT_USER, FAULT_READ),
	FAULT_ACCESS_ROW(0, FAULT_READ), FAULT_ACCESS_ROW(FAULT_USER, FAULT_READ),
	FAULT_ACCESS_ROW(0, FAULT_EXEC), FAULT_ACCESS_ROW(FAULT_USER, FAULT_EXEC),
	FAULT_ACCESS_ROW(0, FAULT_EXEC), FAULT_ACCESS_ROW(FAULT_USER, FAULT_EXEC),
};

extern const struct extable_entry __extable_start[], __extable_end[];
extern const u8 __uaccess_start[], __uaccess_end[], user_iretq[], uaccess_probe_insn[];

static void trap_fault_signal(const struct trap_frame *f, enum fault_result result, u64 va);
static void trap_implicit_fault(const struct trap_frame *f, u64 va);
static __noinline void trap_kernel_fault(struct trap_frame *f, u64 va);
static bool trap_is_user_copy(const struct trap_frame *f, u64 va);
static bool trap_in_uaccess(const struct trap_frame *f);
static bool trap_fixup(struct trap_frame *f);
static __noreturn void trap_fault_panic(const struct trap_frame *f, u64 va);
static struct trap_frame *trap_iretq_failed(const struct trap_frame *f);
static void trap_user_signal(const struct trap_frame *f, u32 vector);
static void trap_remember(const struct trap_frame *f, u32 vector, u64 va);
static u8 trap_code(const struct trap_kind *kind, u32 vector);
static u8 fpu_fault_code(u32 faults);
static __noreturn void trap_double_fault(const struct trap_frame *f);
static void trap_nmi(const struct trap_frame *f);
static void trap_stray(u32 vector);
static bool trap_hits_guard(u64 va);
static void trap_describe(u64 va);

void
trap_page_fault(struct trap_frame *f)
{
	struct task *self = current;
	u64 va = cr2_read();
	u32 error = f->error;
	enum fault_result result;

	trace(trap_page_fault, va, error, f->rip);
	if (unlikely((error & (PF_USER | PF_RESERVED)) != PF_USER)) {
		if (frame_is_user(f))
			trap_implicit_fault(f, va);
		else
			trap_kernel_fault(f, va);
		return;
	}
	irq_enable();
	result = likely(va < USER_TOP) ? fault_handle(self->mm, va, fault_access[error & 31]) : FAULT_SEGV_MAP;
	if (likely(result == FAULT_OK))
		self->minflt++;
	else
		trap_fault_signal(f, result, va);
	irq_disable();
}

static void
trap_fault_signal(const struct trap_frame *f, enum fault_result result, u64 va)
{
	trap_remember(f, VECTOR_PAGE_FAULT, va);
	switch (result) {
	case FAULT_MAJOR:
		current->majflt++;
		break;
	case FAULT_SEGV_MAP:
		signal_fault(SIGSEGV, SEGV_MAPERR, va);
		break;
	case FAULT_SEGV_ACC:
		signal_fault(SIGSEGV, SEGV_ACCERR, va);
		break;
	case FAULT_BUS:
		signal_fault(SIGBUS, BUS_ADRERR, va);
		break;
	default:
		/* FAULT_OOM: a pending kill ends the task on its way out; without one the access is tried again. */
		break;
	}
}

/*
 * A program's instruction made the CPU itself access memory. Descriptor tables are always mapped, so it is an
 * emulator that takes an access of the program, such as a far return's, for one of the kernel: the program pays, not
 * the machine.
 */
static void
trap_implicit_fault(const struct trap_frame *f, u64 va)
{
	if (f->error & PF_RESERVED)
		trap_fault_panic(f, va);
	irq_enable();
	trap_remember(f, VECTOR_PAGE_FAULT, va);
	signal_fault(SIGSEGV, SEGV_ACCERR, va);
	irq_disable();
}

/* Interrupts are off. A user copy is served like the program's own access; all else is a mistake of the kernel. */
static void
trap_kernel_fault(struct trap_frame *f, u64 va)
{
	if (trap_is_user_copy(f, va)) {
		enum fault_result result;

		irq_enable();
		result = fault_handle(current->mm, va, fault_access[f->error & 31]);
		irq_disable();
		if (likely(fault_is_ok(result))) {
			current->minflt += result == FAULT_OK;
			current->majflt += result == FAULT_MAJOR;
			return;
		}
		/* Why: a copy that retried for ever with no memory left would hang the task that is to die. */
		if (trap_fixup(f))
			return;
	}
	if (f->rip == (u64)uaccess_probe_insn && trap_fixup(f))
		return;
	trap_fault_panic(f, va);
}

static bool
trap_is_user_copy(const struct trap_frame *f, u64 va)
{
	return trap_in_uaccess(f) && va < USER_TOP && f->rflags & RFLAGS_IF && current && current->mm &&
	       !(f->error & PF_RESERVED);
}

static bool
trap_in_uaccess(const struct trap_frame *f)
{
	return f->rip - (u64)__uaccess_start < (u64)(__uaccess_end - __uaccess_start);
}

static bool
trap_fixup(struct trap_frame *f)
{
	for (const struct extable_entry *e = __extable_start; e < __extable_end; e++) {
		if (e->from != f->rip)
			continue;
		f->rip = e->to;
		return true;
	}
	return false;
}

/* The sentence says what kind of mistake it looks like; the lines before it say what lies at the address. */
static __noreturn void
trap_fault_panic(const struct trap_frame *f, u64 va)
{
	const char *what = f->error & PF_FETCH ? "executed" : f->error & PF_WRITE ? "wrote" : "read";

	printk_break_lock();
	trap_describe(va);
	if (f->error & PF_RESERVED)
		panic_frame(f, "the page table entry for %#lx has a reserved bit set", va);
	if (trap_hits_guard(va))
		panic_frame(f, "kernel stack overflow of task %s: it %s %#lx, in the guard page", current->comm, what,
			    va);
	if (va < PAGE_SIZE)
		panic_frame(f, "the kernel %s through a NULL pointer, at %#lx", what, va);
	if (va < USER_TOP && trap_in_uaccess(f))
		panic_frame(f, "a user copy at %#lx by a kernel thread, or with interrupts off", va);
	if (va < USER_TOP)
		panic_frame(f, "the kernel %s user memory at %#lx outside a user copy", what, va);
	panic_frame(f, "the kernel %s %#lx, %s", what, va,
		    f->error & PF_PROTECTION ? "which is not allowed there" : "where nothing is mapped");
}

/* Exceptions but page faults, double faults, NMI and machine checks. */
struct trap_frame *
trap_exception(struct trap_frame *f)
{
	u32 vector = f->vector & 0xff;

	if (unlikely(!frame_is_user(f) && f->rip == (u64)user_iretq))
		f = trap_iretq_failed(f);
	if (frame_is_user(f)) {
		trap_user_signal(f, vector);
		return f;
	}
	/* An FPU image of the program's that the CPU refuses. */
	if (vector == VECTOR_GENERAL_PROTECTION && trap_in_uaccess(f) && trap_fixup(f))
		return f;
	printk_break_lock();
	if (vector == VECTOR_INVALID_OPCODE)
		panic_frame(f, "invalid opcode in the kernel: undefined behaviour that a check caught, or a wild jump");
	panic_frame(f, "%s in the kernel (vector %u, error code %#x)", trap_kinds[vector].name, vector, f->error);
}

/*
 * The iretq to user mode found its frame unusable. It had restored all registers already: put them back into the task's
 * frame, below the five words that iretq read, and let the program have the fault.
 */
static struct trap_frame *
trap_iretq_failed(const struct trap_frame *f)
{
	struct trap_frame regs = *f;
	struct trap_frame *user = task_frame(current);

	assertf(f->rsp == (u64)&user->rip, "iretq failed at stack %#lx, not %p", f->rsp, user);
	regs.rip = user->rip;
	regs.cs = USER_CS;
	regs.rflags = RFLAGS_IF | RFLAGS_FIXED;
	regs.rsp = user->rsp;
	regs.ss = USER_DS;
	*user = regs;
	return user;
}

static void
trap_user_signal(const struct trap_frame *f, u32 vector)
{
	const struct trap_kind *kind = &trap_kinds[vector];

	irq_enable();
	trap_remember(f, vector, current->arch.fault_va);
	signal_fault(kind->sig, trap_code(kind, vector), kind->at_rip ? f->rip : 0);
	irq_disable();
}

/* For the context of a handler. */
static void
trap_remember(const struct trap_frame *f, u32 vector, u64 va)
{
	current->arch.fault_vector = vector;
	current->arch.fault_error = f->error;
	/* As Linux does: a program shall not find out what is mapped in the kernel. */
	if (vector == VECTOR_PAGE_FAULT && va >= USER_TOP)
		current->arch.fault_error |= PF_PROTECTION;
	current->arch.fault_va = va;
}

/* si_code. Floating-point exceptions say in a register which of them are raised and not masked. */
static u8
trap_code(const struct trap_kind *kind, u32 vector)
{
	if (vector == VECTOR_X87)
		return fpu_fault_code(fpu_x87_faults());
	return vector == VECTOR_SIMD ? fpu_fault_code(fpu_simd_faults()) : kind->code;
}

/* @faults: bits of invalid, denormal, zero divide, overflow, underflow, precision. The order is Linux's. */
static u8
fpu_fault_code(u32 faults)
{
	if (faults & BIT(0))
		return FPE_FLTINV;
	if (faults & BIT(2))
		return FPE_FLTDIV;
	if (faults & BIT(3))
		return FPE_FLTOVF;
	if (faults & (BIT(1) | BIT(4)))
		return FPE_FLTUND;
	return faults & BIT(5) ? FPE_FLTRES : 0;
}

/* On a private stack, GS ours for the time being; neither sleeps nor enables interrupts. */
void
trap_paranoid(struct trap_frame *f)
{
	switch (f->vector & 0xff) {
	case VECTOR_NMI:
		trap_nmi(f);
		break;
	case VECTOR_DOUBLE_FAULT:
		trap_double_fault(f);
	default:
		printk_break_lock();
		panic_frame(f, "machine check: the CPU reports a hardware error");
	}
}

static __noreturn void
trap_double_fault(const struct trap_frame *f)
{
	u64 va = cr2_read();

	printk_break_lock();
	if (trap_hits_guard(f->rsp - 1) || trap_hits_guard(va)) {
		trap_describe(va);
		panic_frame(f, "kernel stack overflow of task %s: stack pointer %#lx, stack %p to %#lx", current->comm,
			    f->rsp, current->stack, task_stack_top(current));
	}
	panic_frame(f, "double fault: stack pointer %#lx, last page fault at %#lx", f->rsp, va);
}

/* Another CPU panics and stops us; or someone pressed the button, which asks what the CPU is doing. */
static void
trap_nmi(const struct trap_frame *f)
{
	this_cpu(irq_counts).vector[VECTOR_NMI]++;
	if (smp_stop_requested())
		smp_stop_self();
	pr_warn("NMI on CPU %u", this_cpu_id());
	frame_print(f);
}

void
trap_interrupt(struct trap_frame *f)
{
	u32 vector = f->vector & 0xff;

	this_cpu(irq_counts).vector[vector]++;
	switch (vector) {
	case VECTOR_TIMER:
		apic_eoi();
		clock_interrupt(frame_is_user(f));
		break;
	case VECTOR_KICK:
		apic_eoi();
		sched_kick();
		kmsg_wake();
		trace_wake();
		break;
	case VECTOR_CALL:
		apic_eoi();
		smp_call_interrupt();
		break;
	case VECTOR_SERIAL:
		apic_eoi();
		console_interrupt();
		break;
	case VECTOR_SPURIOUS:
		break;
	default:
		if (!msi_interrupt(vector))
			trap_stray(vector);
	}
}

/* Nobody asked for it: a spurious interrupt of the old controllers needs no end, any other one does. */
static void
trap_stray(u32 vector)
{
	if (vector < VECTOR_PIC || vector >= VECTOR_PIC + 16)
		apic_eoi();
	warn_once("interrupt %#x came, which no device was given", vector);
}

/* Does @va lie in the page below the current task's stack? */
static bool
trap_hits_guard(u64 va)
{
	return current && current->stack && (u64)current->stack - va - 1 < PAGE_SIZE;
}

/* One line about what lies at @va. */
static void
trap_describe(u64 va)
{
	struct vmalloc_info area;
	u32 level;
	const pte_t *slot = mmu_walk(cr3_read() & PTE_PFN_MASK, va, &level);

	if (slot)
		pr_err("%#lx: %s, entry %#lx of level %u", va, mmu_region_name(va), pte_read(slot).value, level);
	else
		pr_err("%#lx: %s, not mapped", va, mmu_region_name(va));
	if (va >= VMALLOC_BASE && va < VMALLOC_END && vmalloc_area_of(va, &area))
		pr_err("%#lx: in or beside the vmalloc area \"%s\" at %#lx, %lu bytes, %s", va, area.name, area.va,
		       area.size, area.live ? "live" : "freed");
}
