/* SPDX-License-Identifier: MIT */
/*
 * kernel/sys_swap.h - what sys_swap.c offers beside its system calls
 *
 * Idea        see sys_swap.c
 * Invariants  none
 * Locks       none
 * Follow      from fs/procfs_mm.c   to sys_swap.c
 * Tests       tests/guest/swap.c
 */
#pragma once

struct seq;

/* /proc/swaps. Context: may sleep. */
void swaps_show(struct seq *s);
