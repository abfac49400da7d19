/* SPDX-License-Identifier: MIT */
/*
 * kernel/fork.h - new processes and new threads
 *
 * Idea        One function behind fork, vfork and clone: prepare everything that may fail, then link it in under
 *             process_lock, where a dying parent is noticed, then start it.
 * Invariants  see fork.c
 * Locks       process_lock for the commit
 * Follow      from sys_clone.c   to mm_fork, task_alloc, files_fork, process_link
 * Tests       tests/guest/proc.c, tests/guest/thread.c
 */
#pragma once

#include <kernel/lib/types.h>

#define CLONE_VM 0x00000100UL
#define CLONE_FS 0x00000200UL
#define CLONE_FILES 0x00000400UL
#define CLONE_SIGHAND 0x00000800UL
#define CLONE_PIDFD 0x00001000UL
#define CLONE_VFORK 0x00004000UL
#define CLONE_PARENT 0x00008000UL
#define CLONE_THREAD 0x00010000UL
#define CLONE_NEWNS 0x00020000UL
#define CLONE_SYSVSEM 0x00040000UL
#define CLONE_SETTLS 0x00080000UL
#define CLONE_PARENT_SETTID 0x00100000UL
#define CLONE_CHILD_CLEARTID 0x00200000UL
#define CLONE_DETACHED 0x00400000UL
#define CLONE_CHILD_SETTID 0x01000000UL
#define CLONE_SIGNAL_MASK 0xffUL /* low byte: the exit signal */

/* What clone() was asked for. */
struct fork_request {
	u64 flags; /* CLONE_* without the exit signal */
	s32 exit_signal;
	u64 stack;      /* the child's stack pointer; 0: the parent's */
	u64 parent_tid; /* user addresses */
	u64 child_tid;
	u64 tls;
};

/*
 * fork_process - create what @request asks for, and start it
 *
 * Returns   the new number; -EINVAL combination not offered; -EAGAIN RLIMIT_NPROC or no number; -ENOMEM; -EINTR the
 *           caller is being killed
 * Context   may sleep; from a system call. With CLONE_VFORK sleeps until the child has left the address space
 */
s64 fork_process(const struct fork_request *request);
