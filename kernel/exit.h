/* SPDX-License-Identifier: MIT */
/*
 * kernel/exit.h - the end of threads and processes, and the parent that waits for it
 *
 * Idea        Memory first, news later: whoever learns that a process is gone finds its memory back in the allocator.
 * Invariants  see exit.c
 * Locks       process_lock
 * Follow      from sys_proc.c, signal.c, exec.c   to mm_put, files_put, signal_send_process
 * Tests       tests/guest/proc.c, tests/guest/wait.c, tests/guest/thread.c
 */
#pragma once

#include <kernel/lib/compiler.h>
#include <kernel/lib/types.h>

struct process;

/* wait4's form of a status. */
static inline s32
exit_status_code(u32 code)
{
	return (s32)((code & 0xff) << 8);
}

static inline s32
exit_status_signal(u32 sig)
{
	return (s32)(sig & 0x7f);
}

/*
 * exit_thread - the current thread ends, and with the last one its process
 *
 * The process's status is @status of its first thread, unless group_exit has set one.
 *
 * Context   no lock; does not return
 */
__noreturn void exit_thread(s32 status);

/* exit_group - the current thread's whole process ends with @status. Context: no lock; does not return. */
__noreturn void exit_group(s32 status);

/*
 * exit_release_vfork - the current process no longer uses its parent's memory: a vfork parent goes on
 *
 * Context   takes process_lock
 */
void exit_release_vfork(void);

/* exit_clear_child_tid - pthread_join's bell: zero what set_tid_address named, and wake. Context: may sleep. */
void exit_clear_child_tid(void);

/*
 * exit_notify_parent_stop - @process stopped or went on (CLD_*, by the signal @status): its parent is told
 *
 * Context   holds process_lock
 */
void exit_notify_parent_stop(struct process *process, int code, int status);
