/* SPDX-License-Identifier: MIT */
/*
 * kernel/signal_stack.c - the stack that a thread sets aside for its handlers
 *
 * Idea        see signal_stack.h
 * Invariants  none
 * Locks       none; a thread's stack is its own
 * Follow      from sys_signal.c, signal_return.c
 * Tests       tests/guest/signal_frame.c
 */
#include <kernel/lib/errno.h>
#include <kernel/signal_stack.h>
#include <kernel/task.h>

int
signal_stack_set(const struct signal_stack_abi *stack, u64 sp)
{
	struct signal_stack *own = &current->signal.stack;
	u32 mode = stack->flags & ~SS_AUTODISARM;

	if (signal_stack_in_use(own, sp))
		return -EPERM;
	if (mode != SS_DISABLE && mode != SS_ONSTACK && mode)
		return -EINVAL;
	if (mode == SS_DISABLE) {
		*own = (struct signal_stack){.flags = stack->flags};
		return 0;
	}
	if (stack->size < MINSIGSTKSZ)
		return -ENOMEM;
	*own = (struct signal_stack){stack->start, stack->size, stack->flags};
	return 0;
}

void
signal_stack_get(struct signal_stack_abi *out, u64 sp)
{
	const struct signal_stack *own = &current->signal.stack;

	*out = (struct signal_stack_abi){.start = own->start, .size = own->size, .flags = own->flags & SS_AUTODISARM};
	if (!own->size)
		out->flags |= SS_DISABLE;
	else if (signal_stack_in_use(own, sp))
		out->flags |= SS_ONSTACK;
}
