/* SPDX-License-Identifier: MIT */
/*
 * kernel/restart.c - where restart_syscall() goes on
 *
 * Idea        see restart.h. A program may call restart_syscall() itself: it then repeats what it last left unfinished,
 *             which is nothing that it could not do anyway.
 * Invariants  none
 * Locks       none; a task's restart is its own
 * Follow      from signal_return.c, through user mode   to sys_time.c, futex.c
 * Tests       tests/guest/signal_restart.c
 */
#include <kernel/lib/errno.h>
#include <kernel/panic.h>
#include <kernel/restart.h>
#include <kernel/syscall.h>
#include <kernel/task.h>

#include <stdarg.h>

s64
restart_later(s64 (*fn)(const u64 arg[RESTART_ARGS]), u32 count, ...)
{
	struct restart *restart = &current->restart;
	va_list args;

	assertf(count <= RESTART_ARGS, "%u words to restart with", count);
	restart->fn = fn;
	va_start(args, count);
	for (u32 i = 0; i < count; i++)
		restart->arg[i] = va_arg(args, u64);
	va_end(args);
	return -ERESTART_RESTARTBLOCK;
}

void
restart_forget(void)
{
	current->restart.fn = NULL;
}

s64
sys_restart_syscall(void)
{
	struct restart restart = current->restart;

	return restart.fn ? restart.fn(restart.arg) : -EINTR;
}
