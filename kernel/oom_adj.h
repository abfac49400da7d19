/* SPDX-License-Identifier: MIT */
/*
 * kernel/oom_adj.h - who may tell the OOM killer what of whom
 *
 * Idea        oom_score_adj belongs to a process; processes that share their memory die together and so are told the
 *             same. Anybody may make a process more likely to be chosen; less likely than the last value that root gave
 *             (0 at first; fork hands both on) only root.
 * Invariants  none
 * Locks       process_lock
 * Follow      from fs/procfs_oom.c, oom_hooks.c   to process.h, cred.h
 * Tests       tests/guest/oom.c
 * See         Linux fs/proc/base.c, __set_oom_adj()
 */
#pragma once

#include <kernel/lib/types.h>

struct process;

/*
 * oom_adj_set - give @process, and all but vfork children that share its memory, the adjustment @adj
 *
 * @legacy   through oom_adj: only root may lower at all, and no floor is set
 *
 * Returns   0, -EACCES
 * Context   takes process_lock
 */
int oom_adj_set(struct process *process, s32 adj, bool legacy);

/* oom_adj_is_borrowed - a vfork child that still runs in its parent's memory. Context: holds process_lock. */
bool oom_adj_is_borrowed(const struct process *process);
