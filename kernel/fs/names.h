/* SPDX-License-Identifier: MIT */
/*
 * kernel/fs/names.h - the other way round: from an inode, an open file or a mapped object to its path
 *
 * Idea        An inode knows its parent and the entry that names it, so that a path can be made at any time and is
 *             exact after any rename. A file without a name left keeps its last one, and " (deleted)" follows it, as
 *             Linux has it. Simple: of several hard links the oldest that is left is shown, not the one that was
 *             opened: an open file leads to an inode, not to an entry.
 *
 *                 a file, a directory     /tmp/x, or /tmp/x (deleted)
 *                 a pipe and its like     pipe:[7], socket:[9]: label in the operations
 *                 memfd_create("m")       /memfd:m (deleted)
 *                 shared memory           /dev/zero (deleted)
 *
 *             Paths begin at the root of the current process; what lies outside of it is shown from the root of all.
 * Invariants  none
 * Locks       takes name_lock, a spinlock below mm->lock: whoever holds tree_lock, mm->lock or neither may ask.
 * Follow      from fs/procfs.c, sys_path.c   to inode_ops->name_of in tmpfs.c
 * Tests       tests/guest/names.c
 * See         Linux fs/d_path.c
 */
#pragma once

#include <kernel/lib/types.h>

struct file;
struct inode;
struct pagecache;

/*
 * path_of_inode, path_of_file, path_of_object - write the name of @... to the end of the @size bytes at @buf
 *
 * Names hold whatever bytes they were made of: who prints lines escapes '\n' (\012), and perhaps blanks, itself.
 *
 * Returns   its first byte in @buf; it ends in NUL with the buffer. NULL: longer than @size
 * Context   the caller holds a reference to what it asks about (a mapping has one to its object); takes name_lock
 */
char *path_of_inode(struct inode *inode, char *buf, u32 size);
char *path_of_file(struct file *f, char *buf, u32 size);
char *path_of_object(struct pagecache *object, char *buf, u32 size);

/* path_of_cwd - likewise of a directory that is not removed, as getcwd wants it: "(unreachable)" before one outside. */
char *path_of_cwd(struct inode *dir, char *buf, u32 size);

/* object_identity - device and inode number of what is mapped, as /proc/<pid>/maps shows them. Context: any. */
void object_identity(const struct pagecache *object, u64 *dev, u64 *ino);
