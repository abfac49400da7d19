/* SPDX-License-Identifier: MIT */
/*
 * kernel/fs/procfs.h - the kernel's figures as files, in Linux's formats
 *
 * Idea        A table of entries is a directory; an entry is a file that a function writes, a directory with a table of
 *             its own, or a symbolic link. procfs.c makes inodes of them, procfs_file.c moves the text. The tables
 *             stand with their subjects:
 *
 *                 procfs_sys.c, procfs_cpu.c   version, mounts, ...; stat, interrupts, loadavg, ...
 *                 procfs_mm.c, procfs_zone.c   meminfo, vmstat, slabinfo, ...; buddyinfo, zoneinfo, ...
 *                 procfs_sysctl.c              /proc/sys
 *                 procfs_pagemap.c             pagemap of a process; kpagecount, kpageflags
 *                 procfs_swap.c                swap_slots
 *                 procfs_pid.c, procfs_task.c  one process, one thread
 *                 procfs_maps.c, procfs_args.c its mappings; its strings
 *                 procfs_link.c                exe, cwd, root, fd
 *
 * Invariants  none
 * Locks       see procfs.c
 * Follow      from vfs.c   to procfs.c and those above
 * Tests       tests/guest/proc_pid.c
 * See         proc(5)
 */
#pragma once

#include <kernel/lib/types.h>

struct file_ops;
struct fs_type;
struct inode;
struct io;
struct mm;
struct proc_entry;
struct process;
struct seq;

extern const struct fs_type procfs_type;

/* Makes the slab cache. Context: boot, before the first mount of proc. */
void procfs_init(void);

/* Of what a file tells. */
struct proc_who {
	const struct proc_entry *entry;
	struct process *process; /* referenced, perhaps dead; NULL: the system */
	s32 tid;                 /* of a thread below task/; 0: the process as a whole */
};

/* Members of a directory that no table names: processes, threads. */
struct proc_members {
	/* Finds member @n of @dir and fills in what @child knows of it, with references. Returns 0, -ENOENT. */
	int (*find)(struct inode *dir, u64 n, struct inode *child);
	/* The smallest member at or above @n; -1: none. */
	s64 (*next)(struct inode *dir, u64 n);
	const struct proc_entry *entry; /* what each member is */
};

struct proc_entry {
	const char *name;
	u32 mode; /* 0: S_IFREG | 0444 */

	/* A file, one of: a text of the system; a text of @who, which may end in -errno; or operations of its own. */
	void (*show)(struct seq *s);
	int (*show_who)(struct seq *s, const struct proc_who *who);
	const struct file_ops *fops;
	/* Takes what was written, a text of less than a page. Returns 0 or -errno. Absent: nobody can write. */
	int (*store)(const struct proc_who *who, char *text, u64 len);
	/* Called before a lookup makes anything for the file. Absent: nothing to do. */
	void (*prepare)(void);
	const void *data; /* of show_who and store */
	bool strict;      /* the mode binds root too, as below /proc/sys */

	/* A directory, either or both. */
	const struct proc_entry *dir;
	const struct proc_members *members;

	/* A symbolic link: copies its target, without a 0; returns its length or -errno. */
	s64 (*read_link)(const struct proc_who *who, char *buf, u32 size);
	/* Where it leads, whatever its text says: gives *out, pinned. Returns 0, -ENOENT. Absent: the text leads. */
	int (*jump)(const struct proc_who *who, struct inode **out);
};

/* Each ends with a NULL name. */
extern const struct proc_entry procfs_sys_entries[];
extern const struct proc_entry procfs_mm_entries[];
extern const struct proc_entry procfs_cpu_entries[];
extern const struct proc_entry procfs_zone_entries[];
extern const struct proc_entry sysctl_root_entries[];
extern const struct proc_entry procfs_pid_entries[];

/* The directories of a process and of a thread. */
extern const struct proc_entry procfs_process_entry, procfs_thread_entry;

/* procfs_mounts_show - writes /proc/mounts, which is of every process alike. Context: as every `show`. */
void procfs_mounts_show(struct seq *s);

/* procfs_syscalls_show - writes /proc/syscalls. Context: as every `show`. */
void procfs_syscalls_show(struct seq *s);

/* The members of /proc, /proc/<pid>/task, and /proc/<pid>/fd. */
extern const struct proc_members procfs_processes;
extern const struct proc_members procfs_threads;
extern const struct proc_members procfs_descriptors;

/* What a file of /proc is about. */
struct proc_who proc_who_of(const struct inode *inode);

/* ---- procfs_file.c ---- */

extern const struct file_ops procfs_file_ops;
void procfs_file_init(void);

/* A text that is written in parts ends a part when it has grown this long. */
#define PROC_PART 3500

/* ---- what several files show: procfs_{task,link,maps,args,pagemap}.c ---- */

s64 proc_exe_read_link(const struct proc_who *who, char *buf, u32 size);
int proc_exe_jump(const struct proc_who *who, struct inode **out);
s64 proc_cwd_read_link(const struct proc_who *who, char *buf, u32 size);
int proc_cwd_jump(const struct proc_who *who, struct inode **out);
s64 proc_root_read_link(const struct proc_who *who, char *buf, u32 size);
int proc_root_jump(const struct proc_who *who, struct inode **out);
/* Writes what the nodes' pages are used for, indented, under Linux's names. Context: as every `show`. */
void proc_gauges_show(struct seq *s);
/* Empties every cache of free memory. Context: may sleep; interrupts other CPUs. */
void proc_caches_drop(void);
int proc_comm_show(struct seq *s, const struct proc_who *who);
int proc_comm_store(const struct proc_who *who, char *text, u64 len);
int proc_fail_nth_show(struct seq *s, const struct proc_who *who);
int proc_fail_nth_store(const struct proc_who *who, char *text, u64 len);
int proc_limits_show(struct seq *s, const struct proc_who *who);
int proc_maps_show(struct seq *s, const struct proc_who *who);
int proc_smaps_show(struct seq *s, const struct proc_who *who);
int proc_smaps_rollup_show(struct seq *s, const struct proc_who *who);
int proc_clear_refs_store(const struct proc_who *who, char *text, u64 len);
int proc_oom_score_show(struct seq *s, const struct proc_who *who);
int proc_oom_score_adj_show(struct seq *s, const struct proc_who *who);
int proc_oom_score_adj_store(const struct proc_who *who, char *text, u64 len);
int proc_oom_adj_show(struct seq *s, const struct proc_who *who);
int proc_oom_adj_store(const struct proc_who *who, char *text, u64 len);
extern const struct file_ops proc_cmdline_ops, proc_environ_ops, proc_auxv_ops;
extern const struct file_ops proc_pagemap_ops, proc_kpagecount_ops, proc_kpageflags_ops, proc_swap_slots_ops;

/*
 * proc_parse_s64 - a signed number, as Linux's kstrtol takes it: blanks may surround it
 *
 * Returns   0; -EINVAL no number; -ERANGE too large
 * Context   pure; may cut blanks off the end of @text
 */
int proc_parse_s64(char *text, s64 *out);
