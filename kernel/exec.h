/* SPDX-License-Identifier: MIT */
/*
 * kernel/exec.h - put a new program into the current process
 *
 * Idea        Build the whole new address space beside the old one; only when nothing can fail any more does the thread
 *             become alone, step over, and drop the old one.
 * Invariants  see exec.c
 * Locks       process_lock for the step
 * Follow      from sys_proc.c, main.c   to kernel/lib/elf.h, mm/mmap.h, vfs_open_exec
 * Tests       tests/guest/exec.c, tests/guest/elf.c
 * See         System V ABI AMD64 section 3.4.1 (initial stack); execve(2)
 */
#pragma once

#include <kernel/lib/types.h>

#define EXEC_STRING_MAX 131072UL /* Linux's MAX_ARG_STRLEN, with the NUL */

/*
 * exec_kernel - run the program at @path as the current process's first
 *
 * @argv, @envp: NULL-terminated arrays of kernel strings. On success the caller returns from its thread function's
 * frame into user mode with arch's help: see process_start_init().
 *
 * Returns   0: task_frame(current) now starts the program; otherwise as execve(2) fails
 * Context   may sleep; a thread of a process with or without an address space, alone in it
 */
int exec_kernel(const char *path, const char *const argv[], const char *const envp[]);

/*
 * exec_user - execve(2); the arguments are user addresses
 *
 * Returns   0 (the frame starts the new program) or -E2BIG -EACCES -EFAULT -ENAMETOOLONG -ENOENT -ENOEXEC -ENOMEM
 *           -ELIBBAD ...
 * Context   may sleep; from a system call
 */
s64 exec_user(u64 path, u64 argv, u64 envp);
