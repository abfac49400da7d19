/* SPDX-License-Identifier: MIT */
/*
 * kernel/robust_list.h - locks that outlive their owner
 *
 * Idea        A thread keeps a list, in its own memory, of the futex locks that it holds, and has told the kernel
 *             where the list begins. When it ends, however it ends, the kernel walks the list and marks each word that
 *             still names the thread: the next one to lock it learns that its owner died.
 * Invariants  none: the list is the program's and may be anything
 * Locks       none may be held; user memory is touched
 * Follow      from exit.c, exec.c   to futex.c
 * Tests       tests/guest/robust.c
 * See         get_robust_list(2)
 */
#pragma once

#define ROBUST_LIST_HEAD_SIZE 24UL

/* robust_list_exit - the current thread leaves its memory: mark what it holds. Context: may sleep. */
void robust_list_exit(void);
