/* SPDX-License-Identifier: MIT */
/*
 * tests/host/stub/kernel/kthread.h - no kernel threads on the machine of the host tests
 *
 * Idea        Nobody asks for one.
 * Follow      from mm/swap_discard.c, mm/swap_mend.c
 */
#pragma once

struct task;

static inline struct task *
kthread_create(void (*fn)(void *arg), void *arg, const char *name)
{
	(void)fn, (void)arg, (void)name;
	return NULL;
}
