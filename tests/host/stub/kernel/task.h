/* SPDX-License-Identifier: MIT */
/*
 * tests/host/stub/kernel/task.h - the running task, for host tests: one, which the test owns
 *
 * Idea        The fields that code under test looks at. The test defines host_task.
 * Follow      in place of <kernel/task.h>
 */
#pragma once

#include <kernel/lib/types.h>
#include <kernel/signal_state.h>

struct mm;

enum task_state {
	TASK_RUNNING,
	TASK_INTERRUPTIBLE,
	TASK_KILLABLE,
	TASK_UNINTERRUPTIBLE,
	TASK_DEAD,
};

struct task {
	struct mm *mm;
	struct signal_state signal;
	bool need_resched;
	bool signal_pending;
	bool reclaims;
	bool swaps_in;
	bool oom_victim;
	u32 fail_nth;
	char comm[16];
};

extern struct task host_task;
#define current (&host_task)
