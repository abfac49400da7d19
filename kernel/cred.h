/* SPDX-License-Identifier: MIT */
/*
 * kernel/cred.h - who a process is: users, groups, and what it may do to others
 *
 * Idea        Linux's numbers and its rules for changing them. Effective user 0 may do everything. Everybody else may
 *             not: signal, renice, bind or limit processes of other users, raise hard limits, set clocks and names, or
 *             restart the machine.
 *             Simple: credentials belong to the process, not to the thread (C libraries keep threads alike anyway);
 *             there are no capabilities beside "effective user 0"; the file tree is as root sees it, for everybody.
 * Invariants  I1  A group list is never changed once it is shared; a new one takes its place.
 * Locks       process_lock for changes; single words are read without it
 * Follow      from sys_cred.c, fork.c, exec.c, sys_signal.c
 * Tests       tests/guest/ids.c
 * See         credentials(7)
 */
#pragma once

#include <kernel/lib/atomic.h>
#include <kernel/lib/types.h>

struct process;

#define ID_NONE 0xffffffffU /* no user, no group */
#define GROUPS_MAX 65536

/* Of users or of groups: real, effective, saved, and for files. */
struct ids {
	u32 real;
	u32 effective;
	u32 saved;
	u32 file;
};

/* Supplementary groups, ascending. */
struct group_list {
	atomic_t refs;
	u32 count;
	u32 gid[];
};

struct cred {
	struct ids user;
	struct ids group;
	struct group_list *groups; /* one reference; NULL: none */
	bool no_new_privs;         /* set-user-id files are ordinary ones; never cleared */
};

/* cred_is_root - may the current process do everything? Context: any. */
bool cred_is_root(void);

/* cred_may_signal - may the current process send @sig to @target? Context: holds process_lock. */
bool cred_may_signal(const struct process *target, int sig);

/* cred_may_nice - may it change how @target is scheduled? Context: holds process_lock. */
bool cred_may_nice(const struct process *target);

/* cred_may_look - may it read and write the memory of @target? Context: holds process_lock. */
bool cred_may_look(const struct process *target);

/* cred_fork - @child's are @parent's (NULL: root's, without groups). Context: holds process_lock. */
void cred_fork(struct process *child, const struct process *parent);

/* cred_drop - for a process that is freed. Context: any. */
void cred_drop(struct process *process);

/*
 * cred_exec - what the current process's become when it executes a file of this mode and owner
 *
 * Returns   true: it gains or changes rights (AT_SECURE)
 * Context   any; *out borrows the group list
 */
bool cred_exec(u32 mode, u32 uid, u32 gid, struct cred *out);
