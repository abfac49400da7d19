/* SPDX-License-Identifier: MIT */
/*
 * arch/x86_64/sigframe.c - a handler's frame on the program's stack, and the way back
 *
 * Idea        Exactly Linux's layout, since C libraries, debuggers and unwinders read and write it:
 *
 *                 user rsp, less the 128 bytes of the red zone; or the top of the alternate stack
 *                 +-----------------------------------+
 *                 | FPU state (XSAVE image, magic2)   |  64-byte aligned
 *                 | siginfo             128           |
 *                 | ucontext            304           |  stack, registers (sigcontext), mask
 *         rsp ->  | pretcode: sa_restorer             |  16-byte aligned plus 8, as behind a call
 *                 +-----------------------------------+
 *
 *             The handler returns to pretcode, which calls rt_sigreturn with rsp behind it. Whatever is in the frame
 *             by then is the program's wish: all of it is either checked here or harmless in user mode.
 * Invariants  I1  What leaves arch_signal_return() in the frame has user mode's segments and only flags that a
 *                 program could set itself. rip and rsp are arbitrary: iretq copes (trap_iretq_failed).
 *             I2  Every byte written to the program is its own, or a constant.
 * Locks       none; user memory may fault
 * Follow      from kernel/signal_return.c   to fpu.c (fpu_to_user, fpu_from_user), uaccess.S
 * Tests       tests/guest/signal.c, signal_frame.c
 * See         System V ABI for x86-64, 3.4.1; Linux arch/x86/include/uapi/asm/sigcontext.h
 */
#include <arch/cpu.h>
#include <arch/features.h>
#include <arch/fpu.h>
#include <arch/mmu.h>
#include <kernel/lib/errno.h>
#include <kernel/signal_action.h>
#include <kernel/signal_stack.h>
#include <kernel/task.h>
#include <kernel/uaccess.h>

#define RED_ZONE 128
#define FPU_ALIGN 64
#define FRAME_ALIGN 16

#define UC_FP_XSTATE 1
#define UC_SIGCONTEXT_SS 2
#define UC_STRICT_RESTORE_SS 4

/* AC OF DF TF SF ZF AF PF CF RF: what a handler may change of the flags. */
#define RFLAGS_PROGRAM 0x50dd5UL

struct sigcontext {
	u64 r8, r9, r10, r11, r12, r13, r14, r15;
	u64 rdi, rsi, rbp, rbx, rdx, rax, rcx, rsp, rip;
	u64 rflags;
	u16 cs, gs, fs, ss;
	u64 error, vector, old_mask, cr2;
	u64 fpstate; /* user address, or 0 */
	u64 reserved[8];
};

struct ucontext {
	u64 flags; /* UC_* */
	u64 link;
	struct signal_stack_abi stack;
	struct sigcontext mc;
	u64 mask;
};

struct sigframe {
	u64 pretcode;
	struct ucontext uc;
	u8 siginfo[SIGINFO_SIZE];
};

_Static_assert(sizeof(struct sigcontext) == 256, "as programs know it");
_Static_assert(sizeof(struct ucontext) == 304, "as programs know it");
_Static_assert(sizeof(struct sigframe) == 440, "as programs know it");

/* Where the parts of a frame go. */
struct placement {
	u64 frame;
	u64 fpu;
	u64 end;
};

static int frame_place(const struct trap_frame *f, u64 action_flags, struct placement *p);
static void frame_fill(struct sigframe *frame, const struct trap_frame *f, u64 mask, u64 restorer, u64 fpu);
static void context_fill(struct sigcontext *mc, const struct trap_frame *f, u64 mask, u64 fpu);
static void handler_enter(struct trap_frame *f, u64 handler, int sig, u64 frame);
static int context_restore(struct trap_frame *f, const struct sigcontext *mc);

int
arch_signal_frame(struct trap_frame *f, const struct signal_action *action, const struct siginfo *info, u64 mask)
{
	struct placement p;
	struct sigframe frame;

	if (!(action->flags & SA_RESTORER) || frame_place(f, action->flags, &p))
		return -EFAULT;
	frame_fill(&frame, f, mask, action->restorer, p.fpu);
	if (fpu_to_user(p.fpu) || uaccess_copy((void *)p.frame, &frame, offsetof(struct sigframe, siginfo)))
		return -EFAULT;
	if (action->flags & SA_SIGINFO && siginfo_to_user(info, p.frame + offsetof(struct sigframe, siginfo)))
		return -EFAULT;
	handler_enter(f, action->handler, info->signo, p.frame);
	return 0;
}

u64
arch_signal_frame_size(void)
{
	return round_up(sizeof(struct sigframe) + fpu_user_size() + FPU_ALIGN + FRAME_ALIGN, FRAME_ALIGN);
}

/* On an alternate stack a frame that would not fit is not written below it. */
static int
frame_place(const struct trap_frame *f, u64 action_flags, struct placement *p)
{
	const struct signal_stack *alt = &current->signal.stack;
	bool on_alt = signal_stack_in_use(alt, f->rsp);
	u64 sp = f->rsp - RED_ZONE;

	if ((action_flags & SA_ONSTACK) && alt->size && !signal_stack_in_use(alt, sp)) {
		sp = alt->start + alt->size;
		on_alt = true;
	}
	p->end = sp;
	p->fpu = round_down(sp - fpu_user_size(), FPU_ALIGN);
	p->frame = round_down(p->fpu - sizeof(struct sigframe), FRAME_ALIGN) - 8;
	if (on_alt && !signal_stack_contains(alt, p->frame))
		return -EFAULT;
	return p->frame < sp && va_is_user_range(p->frame, sp - p->frame) ? 0 : -EFAULT;
}

static void
frame_fill(struct sigframe *frame, const struct trap_frame *f, u64 mask, u64 restorer, u64 fpu)
{
	const struct signal_stack *alt = &current->signal.stack;

	frame->pretcode = restorer;
	frame->uc = (struct ucontext){
		.flags = UC_SIGCONTEXT_SS | UC_STRICT_RESTORE_SS | (cpu_features.xsave ? UC_FP_XSTATE : 0),
		.stack = {.start = alt->start, .flags = (u32)alt->flags, .size = alt->size},
		.mask = mask,
	};
	context_fill(&frame->uc.mc, f, mask, fpu);
}

static void
context_fill(struct sigcontext *mc, const struct trap_frame *f, u64 mask, u64 fpu)
{
	const struct arch_task *a = &current->arch;

	*mc = (struct sigcontext){
		.r8 = f->r8,
		.r9 = f->r9,
		.r10 = f->r10,
		.r11 = f->r11,
		.r12 = f->r12,
		.r13 = f->r13,
		.r14 = f->r14,
		.r15 = f->r15,
		.rdi = f->rdi,
		.rsi = f->rsi,
		.rbp = f->rbp,
		.rbx = f->rbx,
		.rdx = f->rdx,
		.rax = f->rax,
		.rcx = f->rcx,
		.rsp = f->rsp,
		.rip = f->rip,
		.rflags = f->rflags,
		.cs = (u16)f->cs,
		.ss = (u16)f->ss,
		.error = a->fault_error,
		.vector = a->fault_vector,
		.old_mask = mask,
		.cr2 = a->fault_va,
		.fpstate = fpu,
	};
}

static void
handler_enter(struct trap_frame *f, u64 handler, int sig, u64 frame)
{
	f->rdi = (u64)sig;
	f->rsi = frame + offsetof(struct sigframe, siginfo);
	f->rdx = frame + offsetof(struct sigframe, uc);
	f->rax = 0;
	f->rip = handler;
	f->rsp = frame;
	f->cs = USER_CS;
	f->ss = USER_DS;
	f->rflags &= ~(RFLAGS_DF | RFLAGS_RF | RFLAGS_TF);
}

/* The handler's return has popped pretcode. */
int
arch_signal_return(struct trap_frame *f, u64 *mask, struct signal_stack_abi *stack)
{
	u64 uc_va = f->rsp - sizeof(u64) + offsetof(struct sigframe, uc);
	struct ucontext uc;

	if (copy_from_user(&uc, (const void __user *)uc_va, sizeof(uc)))
		return -EFAULT;
	if (context_restore(f, &uc.mc))
		return -EFAULT;
	*mask = uc.mask;
	*stack = uc.stack;
	return fpu_from_user(uc.mc.fpstate);
}

/* I1. Why only these two selectors: there are no others in the descriptor table that user mode can load. */
static int
context_restore(struct trap_frame *f, const struct sigcontext *mc)
{
	if ((mc->cs | 3) != USER_CS || (mc->ss | 3) != USER_DS)
		return -EFAULT;
	*f = (struct trap_frame){
		.r15 = mc->r15,
		.r14 = mc->r14,
		.r13 = mc->r13,
		.r12 = mc->r12,
		.rbp = mc->rbp,
		.rbx = mc->rbx,
		.r11 = mc->r11,
		.r10 = mc->r10,
		.r9 = mc->r9,
		.r8 = mc->r8,
		.rax = mc->rax,
		.rcx = mc->rcx,
		.rdx = mc->rdx,
		.rsi = mc->rsi,
		.rdi = mc->rdi,
		.orig_rax = -1,
		.rip = mc->rip,
		.cs = USER_CS,
		.rflags = (f->rflags & ~RFLAGS_PROGRAM) | (mc->rflags & RFLAGS_PROGRAM),
		.rsp = mc->rsp,
		.ss = USER_DS,
	};
	return 0;
}
