/* SPDX-License-Identifier: MIT */
/*
 * kernel/exec_stack.h - the first stack of a program: strings, pointers, auxiliary vector
 *
 * Idea        Measure first, then every address is known and one ascending pass writes strings and pointers at once,
 *             straight from the old program's memory into frames of the new address space, which no CPU uses yet.
 *
 *                 stack top -> +--------------------------------+
 *                              | 8 bytes of zero                |
 *                              | path of the program (EXECFN)   |
 *                              | environment strings            |
 *                              | argument strings               |  arg_start
 *                              | 16 bytes for AT_RANDOM, platform name; padding
 *                              | auxiliary vector, ends AT_NULL |
 *                              | pointers to environment, NULL  |
 *                              | pointers to arguments, NULL    |
 *              sp, 16-aligned  | argc                           |
 *                              +--------------------------------+
 *
 * Invariants  see exec_stack.c
 * Locks       none; the new address space is known to its maker only
 * Follow      from exec.c   to mm/fault.h, mm/pagetable.h
 * Tests       tests/guest/exec.c
 * See         System V ABI AMD64 section 3.4.1
 */
#pragma once

#include <kernel/exec_layout.h>

struct cred;
struct mm;

#define EXEC_HEADS_MAX 4

/* Where a program's strings come from. */
struct exec_args {
	bool kernel;                      /* argv and envp are arrays of the kernel, else of the current program */
	u64 argv;                         /* NULL-terminated array of addresses, or 0: empty */
	u64 envp;                         /* likewise */
	const char *head[EXEC_HEADS_MAX]; /* kernel strings that stand before argv (a script's interpreter) */
	u32 heads;
	u32 skip;         /* leading elements of argv that the head replaces */
	const char *path; /* what the program was called by; AT_EXECFN */
	struct exec_layout layout;

	u32 argc; /* the rest is filled by exec_args_measure */
	u32 envc;
	u64 bytes; /* of all strings with their NULs, path excepted */
};

/* What the auxiliary vector tells of the program. */
struct exec_aux {
	u64 phdr;
	u64 phent;
	u64 phnum;
	u64 base; /* of the loader; 0 without */
	u64 entry;
	u64 vdso;                /* ELF header of the object that tells the time */
	const struct cred *cred; /* who the program will be */
	bool secure;             /* and that this is not who started it */
};

/*
 * exec_args_measure - count and size everything
 *
 * Returns   0; -E2BIG more than @limit bytes with pointers, or a string above EXEC_STRING_MAX; -EFAULT; -EINTR a kill
 * Context   may sleep
 */
int exec_args_measure(struct exec_args *args, u64 limit);

/*
 * exec_stack_reserve - the stack's mapping in @mm, with room for what was measured
 *
 * Returns   0 and the first stack pointer in *sp; -ENOMEM
 * Context   may sleep; takes mm->lock
 */
int exec_stack_reserve(struct mm *mm, const struct exec_args *args, u64 *sp);

/*
 * exec_stack_write - fill it, and note the places in @mm
 *
 * Returns   0; -EFAULT the strings went away or grew since they were measured; -ENOMEM
 * Context   may sleep; @mm is no CPU's and nobody else's
 */
int exec_stack_write(struct mm *mm, const struct exec_args *args, const struct exec_aux *aux, u64 sp);

/*
 * exec_zero - zero @n bytes at @va of @mm, which the program may write, within one page
 *
 * Returns   0, -EFAULT (not mapped writable, or past the end of the file), -ENOMEM
 * Context   as exec_stack_write
 */
int exec_zero(struct mm *mm, u64 va, u64 n);
