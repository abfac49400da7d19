/* SPDX-License-Identifier: MIT */
/*
 * kernel/process_traits.h - what prctl and personality set for a process
 *
 * Idea        small words, asked for where they matter
 * Invariants  none
 * Locks       process_lock for changes; single words are read without it
 * Follow      from process.h   to sys_prctl.c, exit.c, exec.c
 * Tests       tests/guest/prctl.c
 */
#pragma once

#include <kernel/lib/types.h>

#define PERSONALITY_FIXED_ADDRESSES 0x0040000U /* Linux's ADDR_NO_RANDOMIZE */

struct process_traits {
	u32 personality; /* inherited, kept by execve */
	u8 death_signal; /* sent to it when its parent ends; 0: none; not inherited, lost with a set-user-id program */
	bool dumpable;   /* inherited, set by execve */
	bool reaper;     /* orphans among its descendants become its children; not inherited */
};
