/* SPDX-License-Identifier: MIT */
/*
 * kernel/rlimit.h - resource limits of a process
 *
 * Idea        Linux's sixteen pairs. Those that Tidemark enforces: STACK, AS, DATA and MEMLOCK (through the address
 *             space), CPU (itimer.c), NPROC (fork, of users but root), NOFILE (the descriptor table), FSIZE (tmpfs),
 *             NICE (setpriority), SIGPENDING. The others are stored only: they limit what does not exist here.
 * Invariants  I1  soft <= hard in every pair.
 * Locks       process_lock for changes; single words are read without it
 * Follow      from fork.c, exec.c, kernel/fs   to mm/mm.h (stack_limit, as_limit)
 * Tests       tests/guest/stack.c, tests/guest/brk.c, tests/guest/proc.c
 */
#pragma once

#include <kernel/lib/types.h>

#define RLIMIT_CPU 0
#define RLIMIT_FSIZE 1
#define RLIMIT_DATA 2
#define RLIMIT_STACK 3
#define RLIMIT_CORE 4
#define RLIMIT_RSS 5
#define RLIMIT_NPROC 6
#define RLIMIT_NOFILE 7
#define RLIMIT_MEMLOCK 8
#define RLIMIT_AS 9
#define RLIMIT_LOCKS 10
#define RLIMIT_SIGPENDING 11
#define RLIMIT_MSGQUEUE 12
#define RLIMIT_NICE 13
#define RLIMIT_RTPRIO 14
#define RLIMIT_RTTIME 15
#define RLIMIT_COUNT 16

#define RLIMIT_INFINITY (~0UL)

/* The ABI's struct rlimit64. */
struct rlimit {
	u64 soft;
	u64 hard;
};

/* Fills the limits of the first process. Context: boot. */
void rlimit_init(struct rlimit limits[RLIMIT_COUNT]);

struct mm;
struct process;

/* rlimit_get - the soft limit of @process now. Context: any. */
u64 rlimit_get(const struct process *process, u32 resource);

/* rlimit_apply_mm - tell an address space the limits of @process. Context: any. */
void rlimit_apply_mm(const struct process *process, struct mm *mm);
