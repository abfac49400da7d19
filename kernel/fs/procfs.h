/* SPDX-License-Identifier: MIT */
/*
 * kernel/fs/procfs.h - the kernel's figures as files, in Linux's formats
 *
 * Idea        Each file is a function that writes its text. The tables of these functions stand in procfs_sys.c (the
 *             system), procfs_mm.c (memory) and procfs_pid.c (one process); procfs.c makes files of them.
 * Invariants  none
 * Locks       see procfs.c
 * Follow      from vfs.c   to procfs.c and the three above
 * Tests       tests/guest/main.c
 * See         proc(5)
 */
#pragma once

#include <kernel/lib/types.h>

struct fs_type;
struct inode;
struct process;
struct seq;

extern const struct fs_type procfs_type;

/* Makes the slab cache. Context: boot, before the first mount of proc. */
void procfs_init(void);

/* One file. Of the functions, `show` is for files of the system, `show_pid` for those of a process. */
struct proc_entry {
	const char *name;
	u32 mode; /* 0: 0444 */
	void (*show)(struct seq *s);
	/* Returns 0; -ESRCH and the like end the read. The process is referenced, perhaps dead. */
	int (*show_pid)(struct seq *s, struct process *process);
	/* A link: gives the inode that it leads to, pinned. -ENOENT: it leads nowhere. */
	int (*link_pid)(struct process *process, struct inode **out);
	/* Called before a lookup makes anything for the file. Absent: nothing to do. */
	void (*prepare)(void);
	/* Takes what was written, a text of less than a page. Returns 0 or -errno. Absent: -EIO. */
	int (*store_pid)(struct process *process, const char *text);
};

/* Each ends with a NULL name. */
extern const struct proc_entry procfs_sys_entries[];
extern const struct proc_entry procfs_mm_entries[];
extern const struct proc_entry procfs_pid_entries[];

/* procfs_syscalls_show - writes /proc/syscalls. Context: as every `show`. */
void procfs_syscalls_show(struct seq *s);
