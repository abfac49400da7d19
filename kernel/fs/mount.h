/* SPDX-License-Identifier: MIT */
/*
 * kernel/fs/mount.h - file systems: made, put over a directory, changed, taken away
 *
 * Idea        A file system is mounted at one place only. Being mounted is one pin of it; whoever uses something in it
 *             has others, and the last to let go ends it. So a file system that is taken away while it is in use
 *             (MNT_DETACH) needs no more than that its mount lets go.
 * Invariants  see vfs.h
 * Locks       tree_lock: mount_list, covers, mounted, flags
 * Follow      from kernel/sys_mount.c, vfs.c   to fs_type in tmpfs.c, procfs.c, sysfs.c
 * Tests       tests/guest/mount.c
 */
#pragma once

#include <kernel/fs/vfs.h>

extern struct list mount_list; /* tree_lock: superblocks, oldest first */

/* The flags of mount(2) that a mount keeps and shows. */
#define MOUNT_FLAGS (MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC | MS_SYNCHRONOUS | MS_DIRSYNC | MS_NOSYMFOLLOW)

/* Mounts the root file system. Returns its root, pinned for ever; panics without memory. Context: boot. */
struct inode *vfs_mount_root(void);

/*
 * vfs_mount - put a new file system of @type over @dir
 *
 * @flags: of MOUNT_FLAGS. @options: what was said with mount -o
 *
 * Returns   0; -ENODEV (no such type), -ENOTDIR, -EINVAL (an option), -EBUSY (already a mount point), -ENOENT
 *           (removed), -ENOMEM
 * Context   may sleep; takes tree_lock
 */
int vfs_mount(const char *source, const char *type, struct inode *dir, u32 flags, const char *options);

/*
 * vfs_remount - other flags and options for the file system whose root is @root
 *
 * Returns   0; -EINVAL (not a root, an option), -EBUSY (to become read-only, with files open for writing)
 * Context   may sleep; takes tree_lock
 */
int vfs_remount(struct inode *root, u32 flags, const char *options);

/*
 * vfs_umount - take away the file system with the root @root; @detach: though it is in use, and all mounted in it
 *
 * Returns   0; -EINVAL (not a root, or that of all), -EBUSY (something in it is in use)
 * Context   may sleep; takes tree_lock
 * Takes     the caller's reference to @root, whatever the result
 */
int vfs_umount(struct inode *root, bool detach);

/* sb_destroy - the end of a file system whose last pin is gone; called by inode_put. Context: may sleep. */
void sb_destroy(struct superblock *sb);

/*
 * fs_type_at - the i-th known type, for /proc/filesystems
 *
 * Returns   the type; NULL past the last
 */
const struct fs_type *fs_type_at(u32 i);
