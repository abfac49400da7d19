/* SPDX-License-Identifier: MIT */
/*
 * kernel/oom_adj.c - who may tell the OOM killer what of whom
 *
 * Idea        see oom_adj.h
 * Invariants  none
 * Locks       process_lock
 * Follow      from fs/procfs_oom.c, oom_hooks.c   to process.h, cred.h
 * Tests       tests/guest/oom.c
 */
#include <kernel/oom_adj.h>

#include <kernel/cred.h>
#include <kernel/lib/errno.h>
#include <kernel/panic.h>
#include <kernel/process.h>
#include <mm/oom.h>

static int set_locked(struct process *process, s32 adj, bool legacy);
static void give(struct process *process, s32 adj, bool floor);

int
oom_adj_set(struct process *process, s32 adj, bool legacy)
{
	int err;

	spin_lock(&process_lock);
	err = set_locked(process, adj, legacy);
	spin_unlock(&process_lock);
	return err;
}

static int
set_locked(struct process *process, s32 adj, bool legacy)
{
	bool root = cred_is_root();
	struct process *other;

	must_hold(&process_lock);
	dassert(adj >= OOM_ADJ_MIN && adj <= OOM_ADJ_MAX);
	if (adj < (legacy ? process->oom_score_adj : process->oom_score_adj_min) && !root)
		return -EACCES;
	give(process, adj, root && !legacy);
	if (!process->mm || process->vfork_busy)
		return 0;
	list_for_each (other, &process_list, all)
		if (other != process && other->mm == process->mm && !other->init && !other->vfork_busy)
			give(other, adj, root && !legacy);
	return 0;
}

static void
give(struct process *process, s32 adj, bool floor)
{
	WRITE_ONCE(process->oom_score_adj, adj);
	if (floor)
		process->oom_score_adj_min = adj;
}

bool
oom_adj_is_borrowed(const struct process *process)
{
	must_hold(&process_lock);
	return process->vfork_busy && process->parent && process->parent->mm == process->mm;
}
