/* SPDX-License-Identifier: MIT */
/*
 * kernel/job.h - process groups as a whole: signalled, orphaned
 *
 * Idea        A group is the unit that a shell starts, stops and continues. It is orphaned when nobody is left who
 *             could continue it: no member has a parent outside of the group and inside of the session. Then stopping
 *             it by the terminal's signals makes no sense, and if it is stopped already when that happens, it is told.
 * Invariants  none
 * Locks       process_lock, held by every caller
 * Follow      from exit.c, signal_stop.c, dev/tty_job.c   to pid.h
 * Tests       tests/guest/jobs.c
 * See         POSIX 1003.1, "Orphaned Process Group"; Linux kernel/exit.c for init's children
 */
#pragma once

#include <kernel/lib/types.h>

struct process;

/* job_signal - @sig to every process of the group @pgid. Returns false: it has none. Context: holds process_lock. */
bool job_signal(s32 pgid, int sig);

/* job_orphaned - is the group orphaned, not counting its member @except (NULL: counting all)? Holds process_lock. */
bool job_orphaned(s32 pgid, const struct process *except);

/*
 * job_parent_leaves - @process, a zombie, may have been the last who could continue the group of its child @child,
 * which has a new parent now
 * job_member_leaves - @process, a zombie, may have been the last whose parent could continue its own group
 *
 * A group that is orphaned by this and has stopped members gets SIGHUP and SIGCONT.
 *
 * Context   holds process_lock
 */
void job_parent_leaves(const struct process *process, const struct process *child);
void job_member_leaves(const struct process *process);
