/* SPDX-License-Identifier: MIT */
/*
 * kernel/signal_stack.h - the stack that a thread sets aside for its handlers
 *
 * Idea        A handler with SA_ONSTACK runs there, unless its thread does already. SS_AUTODISARM takes the stack away
 *             for as long as a handler runs on it, so that the handler may switch to other stacks (coroutines).
 *             What arch does for signals is declared here, too: it needs these types.
 * Invariants  none
 * Locks       none; a thread's stack is its own
 * Follow      from signal_return.c, sys_signal.c   to arch/x86_64/sigframe.c
 * Tests       tests/guest/signal_frame.c
 * See         sigaltstack(2)
 */
#pragma once

#include <kernel/lib/compiler.h>
#include <kernel/signal_state.h>

struct siginfo;
struct signal_action;
struct trap_frame;

#define SS_ONSTACK 1u
#define SS_DISABLE 2u
#define SS_AUTODISARM (1u << 31)
#define MINSIGSTKSZ 2048u

/* The ABI's stack_t. */
struct signal_stack_abi {
	u64 start;
	u32 flags;
	u32 pad;
	u64 size;
};

/* Does a stack pointer @sp lie on it? Never of one with SS_AUTODISARM: that is taken away while it is used. */
static inline bool
signal_stack_contains(const struct signal_stack *stack, u64 sp)
{
	return sp > stack->start && sp - stack->start <= stack->size;
}

static inline bool
signal_stack_in_use(const struct signal_stack *stack, u64 sp)
{
	return !(stack->flags & SS_AUTODISARM) && signal_stack_contains(stack, sp);
}

static inline void
signal_stack_reset(struct signal_state *s)
{
	s->stack = (struct signal_stack){.flags = SS_DISABLE};
}

/*
 * signal_stack_set - give the current thread this stack; its user stack pointer is @sp
 * signal_stack_get - what sigaltstack() tells
 *
 * Returns   set: 0; -EPERM the thread is on its present one; -EINVAL flags; -ENOMEM too small
 * Context   current
 */
int signal_stack_set(const struct signal_stack_abi *stack, u64 sp);
void signal_stack_get(struct signal_stack_abi *out, u64 sp);

/*
 * arch_signal_frame - save the program's registers in a frame on its stack, and let it go on in the handler
 *
 * Returns   0; -EFAULT no room, or no restorer: @f is unchanged
 * Context   may sleep; @f is task_frame(current)
 */
int arch_signal_frame(struct trap_frame *f, const struct signal_action *action, const struct siginfo *info, u64 mask);

/*
 * arch_signal_return - registers, FPU state, mask and stack from the frame that the program stands on
 *
 * Returns   0; -EFAULT the frame is none: @f may be changed, but is fit for user mode
 * Context   may sleep; @f is task_frame(current)
 */
int arch_signal_return(struct trap_frame *f, u64 *mask, struct signal_stack_abi *stack);

/* arch_signal_frame_size - the most that arch_signal_frame() takes of a stack: AT_MINSIGSTKSZ. */
u64 arch_signal_frame_size(void);
