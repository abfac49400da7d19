/* SPDX-License-Identifier: MIT */
/*
 * arch/x86_64/switch.c - tasks: first steps, switch, fork and exec as registers see them
 *
 * Idea        A task that is switched out has its C registers on its own stack and one number, ksp, to find them. A new
 *             task gets a stack that looks as if it had been switched out just before task_first_run (entry.S):
 *
 *                 stack_top - 168   trap frame: filled by fork (a copy) or by arch_exec()
 *                            - 8    0: end of the frame chain
 *                            - 8    task_first_run: where switch_stacks() returns to
 *                 ksp ->     - 48   rbx (function or 0), rbp 0, r12 (argument), r13 r14 r15
 * Invariants  as in arch/cpu.h
 * Locks       none; a task that does not run belongs to whoever creates or switches
 * Follow      from kernel/sched.c, fork.c, exec.c   to entry.S, fpu.c
 * Tests       tests/guest/cpu.c; selftest=threads
 * See         System V ABI for x86-64, 3.2.1
 */
#include <arch/asm.h>
#include <arch/cpu.h>
#include <arch/desc.h>
#include <arch/fpu.h>
#include <arch/mmu.h>
#include <arch/x86.h>
#include <kernel/lib/errno.h>
#include <kernel/panic.h>
#include <kernel/percpu.h>
#include <kernel/task.h>
#include <kernel/uaccess.h>

#define ARCH_SET_GS 0x1001
#define ARCH_SET_FS 0x1002
#define ARCH_GET_FS 0x1003
#define ARCH_GET_GS 0x1004

_Static_assert(offsetof(struct task, arch) == 0, "task_frame() relies on it");
_Static_assert(offsetof(struct task, need_resched) == TASK_WORK, "entry.S tests this word");
_Static_assert(offsetof(struct task, signal_pending) == TASK_WORK + 1, "entry.S tests both at once");
_Static_assert(sizeof(struct trap_frame) == 168, "entry.S builds it");

/* What switch_stacks() pops, and where it returns to. */
struct first_stack {
	u64 r15, r14, r13, r12, rbp, rbx;
	u64 return_to;
	u64 end;
};

void switch_stacks(u64 *save_sp, u64 load_sp);
extern const u8 task_first_run[];

static void task_stack_init(struct arch_task *a, u64 stack_top, u64 fn, u64 arg);
static void user_segments_load(const struct arch_task *a);
static bool user_segments_touched(void);
static void user_segments_clear(void);

void
cpu_switch(struct task *prev, struct task *next)
{
	dassert(!irq_enabled());
	if (prev->arch.fpu)
		fpu_save(prev->arch.fpu);
	if (next->arch.fpu) {
		fpu_load(next->arch.fpu);
		desc_stack_set(next->arch.stack_top);
		user_segments_load(&next->arch);
	}
	this_cpu(percpu_header).task = next;
	switch_stacks(&prev->arch.ksp, next->arch.ksp);
}

/*
 * Why always: a program that loads FS or GS with a selector changes the base behind our back, and a task that runs
 * after it on this CPU must not inherit that, nor the selectors themselves.
 */
static void
user_segments_load(const struct arch_task *a)
{
	if (unlikely(user_segments_touched()))
		user_segments_clear();
	wrmsr(MSR_FS_BASE, a->fs_base);
	wrmsr(MSR_USER_GS_BASE, a->gs_base);
}

/* The kernel leaves all four selectors 0, and so does every ordinary program. */
static bool
user_segments_touched(void)
{
	u32 ds;
	u32 es;
	u32 fs;
	u32 gs;

	__asm__ volatile("mov %%ds, %0; mov %%es, %1; mov %%fs, %2; mov %%gs, %3"
			 : "=r"(ds), "=r"(es), "=r"(fs), "=r"(gs));
	return ds | es | fs | gs;
}

/* Interrupts are off. Loading GS clears the base that is active: make it the user's meanwhile. */
static void
user_segments_clear(void)
{
	__asm__ volatile("mov %0, %%ds; mov %0, %%es; mov %0, %%fs; swapgs; mov %0, %%gs; swapgs"
			 :
			 : "r"(0)
			 : "memory");
}

int
arch_task_init(struct task *t, u64 stack_top, void (*fn)(void *), void *arg)
{
	assert(fn);
	task_stack_init(&t->arch, stack_top, (u64)fn, (u64)arg);
	return 0;
}

static void
task_stack_init(struct arch_task *a, u64 stack_top, u64 fn, u64 arg)
{
	struct trap_frame *frame = (struct trap_frame *)stack_top - 1;
	struct first_stack *first = (struct first_stack *)frame - 1;

	assert(stack_top % 16 == 0);
	*first = (struct first_stack){.r12 = arg, .rbx = fn, .return_to = (u64)task_first_run};
	a->stack_top = stack_top;
	a->ksp = (u64)first;
}

int
arch_task_fork(struct task *child, u64 stack_top, const struct task *parent, u64 user_sp, u64 tls, bool set_tls)
{
	struct trap_frame *frame;

	assert(parent == current && parent->arch.fpu);
	child->arch.fpu = fpu_alloc();
	if (!child->arch.fpu)
		return -ENOMEM;
	/* The parent's registers still are in the CPU. */
	fpu_save_copy(child->arch.fpu);
	task_stack_init(&child->arch, stack_top, 0, 0);
	child->arch.fs_base = set_tls ? tls : parent->arch.fs_base;
	child->arch.gs_base = parent->arch.gs_base;
	frame = task_frame(child);
	*frame = *task_frame(parent);
	frame->rax = 0;
	if (user_sp)
		frame->rsp = user_sp;
	return 0;
}

void
arch_task_free(struct task *t)
{
	assert(t != current);
	fpu_free(t->arch.fpu);
	t->arch.fpu = NULL;
}

int
arch_exec(struct trap_frame *f, u64 entry, u64 sp)
{
	struct arch_task *a = &current->arch;
	u64 flags;

	assert(f == task_frame(current));
	if (!a->fpu)
		a->fpu = fpu_alloc();
	if (!a->fpu)
		return -ENOMEM;
	*f = (struct trap_frame){.rip = entry < USER_TOP ? entry : USER_TOP,
				 .cs = USER_CS,
				 .rflags = RFLAGS_IF | RFLAGS_FIXED,
				 .rsp = sp,
				 .ss = USER_DS};
	flags = irq_save();
	desc_stack_set(a->stack_top);
	fpu_load_initial();
	a->fs_base = 0;
	a->gs_base = 0;
	user_segments_load(a);
	irq_restore(flags);
	return 0;
}

s64
arch_prctl(int code, u64 arg)
{
	struct arch_task *a = &current->arch;
	u64 flags;

	switch (code) {
	case ARCH_GET_FS:
		return put_user_u64(a->fs_base, (u64 *)arg);
	case ARCH_GET_GS:
		return put_user_u64(a->gs_base, (u64 *)arg);
	case ARCH_SET_FS:
	case ARCH_SET_GS:
		break;
	default:
		return -EINVAL;
	}
	if (arg >= USER_TOP)
		return -EPERM;
	flags = irq_save();
	*(code == ARCH_SET_FS ? &a->fs_base : &a->gs_base) = arg;
	user_segments_load(a);
	irq_restore(flags);
	return 0;
}
