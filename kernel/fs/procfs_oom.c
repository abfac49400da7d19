/* SPDX-License-Identifier: MIT */
/*
 * kernel/fs/procfs_oom.c - /proc/<pid>/oom_score, oom_score_adj, oom_adj
 *
 * Idea        What the OOM killer thinks of a process, and what it is told of it, on today's scale and the old one.
 * Invariants  none
 * Locks       process_lock; mm->lock for reading
 * Follow      from procfs_pid.c   to kernel/oom_adj.h, mm/oom.h
 * Tests       tests/guest/oom.c, tests/guest/proc_pid.c
 * See         proc(5); Linux Documentation/filesystems/proc.rst section 3.1
 */
#include <kernel/fs/procfs.h>

#include <kernel/fs/seq.h>
#include <kernel/lib/errno.h>
#include <kernel/oom_adj.h>
#include <kernel/printk.h>
#include <kernel/process.h>
#include <kernel/task.h>
#include <mm/mm.h>
#include <mm/oom.h>

/* The scale of oom_adj, which oom_score_adj replaced: -17 is never. */
#define OLD_ADJ_MIN (-16)
#define OLD_ADJ_MAX 15
#define OLD_ADJ_NEVER (-17)

static s64 score_of(struct process *process, u64 total);

int
proc_oom_score_show(struct seq *s, const struct proc_who *who)
{
	u64 total = oom_total_pages();

	seq_printf(s, "%lu\n", oom_points(score_of(who->process, total), total));
	return 0;
}

static s64
score_of(struct process *process, u64 total)
{
	struct mm *mm = process_mm_get(process);
	struct oom_candidate c = {.mm = mm, .adj = READ_ONCE(process->oom_score_adj), .unkillable = process->init};
	s64 score;

	if (!mm)
		return OOM_NEVER;
	spin_lock(&process_lock);
	c.unkillable |= oom_adj_is_borrowed(process) || mm == init_process->mm;
	spin_unlock(&process_lock);
	oom_measure(&c);
	oom_measure_kept(&c);
	score = oom_score(&c, total);
	mm_put(mm);
	return score;
}

int
proc_oom_score_adj_show(struct seq *s, const struct proc_who *who)
{
	seq_printf(s, "%d\n", READ_ONCE(who->process->oom_score_adj));
	return 0;
}

int
proc_oom_score_adj_store(const struct proc_who *who, char *text, u64 len)
{
	s64 value;
	int err = proc_parse_s64(text, &value);

	if (err)
		return err;
	if (value < OOM_ADJ_MIN || value > OOM_ADJ_MAX)
		return -EINVAL;
	return oom_adj_set(who->process, (s32)value, false);
}

/* The old scale is the new one divided; its ends are the new one's ends. */
int
proc_oom_adj_show(struct seq *s, const struct proc_who *who)
{
	s32 adj = READ_ONCE(who->process->oom_score_adj);
	s32 old = adj == OOM_ADJ_MAX ? OLD_ADJ_MAX : adj * -OLD_ADJ_NEVER / OOM_ADJ_MAX;

	seq_printf(s, "%d\n", old > OLD_ADJ_MAX ? OLD_ADJ_MAX : old);
	return 0;
}

int
proc_oom_adj_store(const struct proc_who *who, char *text, u64 len)
{
	s64 value;
	int err = proc_parse_s64(text, &value);

	if (err)
		return err;
	if ((value < OLD_ADJ_MIN || value > OLD_ADJ_MAX) && value != OLD_ADJ_NEVER)
		return -EINVAL;
	value = value == OLD_ADJ_MAX ? OOM_ADJ_MAX : value * OOM_ADJ_MAX / -OLD_ADJ_NEVER;
	err = oom_adj_set(who->process, (s32)value, true);
	if (!err)
		warn_once("%s (%d): /proc/%d/oom_adj is deprecated, please use /proc/%d/oom_score_adj instead.\n",
			  current->comm, current->tid, who->process->pid, who->process->pid);
	return err;
}
