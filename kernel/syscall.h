/* SPDX-License-Identifier: MIT */
/*
 * kernel/syscall.h - the table of system calls
 *
 * Idea        kernel/syscalls.def is the one list: number, name, count of arguments, how much of Linux's call it is.
 *             The table and these prototypes come from it. Arguments are u64 as the registers hold them; a narrower
 *             type is the call's own business, as is a negative errno in the s64 result.
 * Invariants  I1  No slot of the table is NULL: what is not built leads to sys_unknown().
 * Locks       none
 * Follow      from arch/x86_64 (the entry code indexes the table)   to sys_*.c
 * Tests       tests/guest/basics.c, tests/guest/wild.c, tests/guest/abi.c
 */
#pragma once

#include <kernel/lib/atomic.h>
#include <kernel/lib/types.h>

typedef s64 (*syscall_fn)(u64, u64, u64, u64, u64, u64);

#define SYSCALL_TABLE_SIZE 512 /* a number from here on uses the last slot, which belongs to no call */

extern const syscall_fn syscall_table[SYSCALL_TABLE_SIZE];

/* Counted by the debug kernel alone. */
struct syscall_count {
	atomic64_t made;
	atomic64_t good; /* of these, how many gave no error */
};

extern struct syscall_count syscall_counts[SYSCALL_TABLE_SIZE];

/* sys_unknown - -ENOSYS; each number is logged once. Context: a system call whose frame holds the number. */
s64 sys_unknown(void);

#define SYSCALL_ARGS_0 void
#define SYSCALL_ARGS_1 u64
#define SYSCALL_ARGS_2 u64, u64
#define SYSCALL_ARGS_3 u64, u64, u64
#define SYSCALL_ARGS_4 u64, u64, u64, u64
#define SYSCALL_ARGS_5 u64, u64, u64, u64, u64
#define SYSCALL_ARGS_6 u64, u64, u64, u64, u64, u64

#define SYSCALL(nr, name, nargs, status) s64 sys_##name(SYSCALL_ARGS_##nargs);
#include <kernel/syscalls.def>
#undef SYSCALL
