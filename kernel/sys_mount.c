/* SPDX-License-Identifier: MIT */
/*
 * kernel/sys_mount.c - system calls that mount and unmount file systems, and change the root of a process
 *
 * Idea        Copy the strings, find the directory, check the flags as Linux does; mount.c does it. No second view of a
 *             tree (bind, move, shared subtrees): -EINVAL, as with a file system that does not know them.
 * Invariants  none
 * Locks       none here
 * Follow      from syscall.c   to fs/mount.h, fs/fs_context.h
 * Tests       tests/guest/mount.c, tests/guest/fs.c
 * See         mount(2), umount2(2), chroot(2)
 */
#include <kernel/sys_fs.h>

#include <kernel/fs/fs_context.h>
#include <kernel/fs/mount.h>
#include <kernel/lib/errno.h>
#include <kernel/process.h>
#include <kernel/syscall.h>
#include <kernel/task.h>
#include <kernel/uaccess.h>
#include <mm/page_alloc.h>
#include <mm/slab.h>

#define MNT_FORCE 1 /* means something to network file systems only */
#define MNT_DETACH 2
#define UMOUNT_NOFOLLOW 8

/* The strings of mount(2), in the kernel's memory; NULL: none was given. */
struct strings {
	char *source, *type, *options;
};

static int strings_get(struct strings *s, u64 source, u64 type, u64 options);
static void strings_free(struct strings *s);
static int options_get(u64 user, char **out);
static s64 mount_do(const struct strings *s, struct inode *dir, u64 flags);

s64
sys_mount(u64 source, u64 target, u64 type, u64 flags, u64 options)
{
	struct strings s = {0};
	struct inode *dir;
	s64 err = strings_get(&s, source, type, options);

	if (!err)
		err = at_inode(AT_FDCWD, target, WALK_FOLLOW, &dir);
	if (!err) {
		err = mount_do(&s, dir, flags);
		inode_put(dir);
	}
	strings_free(&s);
	return err;
}

s64
sys_umount2(u64 target, u64 flags)
{
	struct inode *root;
	s64 err;

	if (flags & ~(u64)(MNT_FORCE | MNT_DETACH | UMOUNT_NOFOLLOW))
		return -EINVAL;
	err = at_inode(AT_FDCWD, target, flags & UMOUNT_NOFOLLOW ? 0 : WALK_FOLLOW, &root);
	return err ? err : vfs_umount(root, flags & MNT_DETACH); /* consumes the reference */
}

s64
sys_chroot(u64 path)
{
	struct inode *dir;
	s64 err = at_inode(AT_FDCWD, path, WALK_FOLLOW, &dir);

	if (err)
		return err;
	if (!inode_is_dir(dir)) {
		inode_put(dir);
		return -ENOTDIR;
	}
	fs_chroot(current->process->fs, dir); /* consumes the reference */
	return 0;
}

static int
strings_get(struct strings *s, u64 source, u64 type, u64 options)
{
	int err = type ? string_get(type, &s->type) : 0;

	if (!err && source)
		err = string_get(source, &s->source);
	if (!err && options)
		err = options_get(options, &s->options);
	return err;
}

static void
strings_free(struct strings *s)
{
	path_buf_free(s->type);
	path_buf_free(s->source);
	kfree(s->options);
}

/* At most a page, cut without a word if it is longer. */
static int
options_get(u64 user, char **out)
{
	char *text = kmalloc(PAGE_SIZE, ALLOC_KERNEL);
	s64 len;

	if (!text)
		return -ENOMEM;
	len = strncpy_from_user(text, (const char *)user, PAGE_SIZE - 1);
	if (len < 0) {
		kfree(text);
		return -EFAULT;
	}
	text[len] = 0;
	*out = text;
	return 0;
}

static s64
mount_do(const struct strings *s, struct inode *dir, u64 flags)
{
	const char *options = s->options ? s->options : "";

	if ((flags & 0xffff0000) == MS_MAGIC)
		flags &= 0xffff;
	if ((flags & (MS_REMOUNT | MS_BIND)) == (MS_REMOUNT | MS_BIND))
		return vfs_remount(dir, (u32)flags, "");
	if (flags & (MS_BIND | MS_MOVE | MS_PROPAGATION))
		return -EINVAL;
	if (flags & MS_REMOUNT)
		return vfs_remount(dir, (u32)flags, options);
	if (!s->type)
		return -EINVAL;
	return vfs_mount(s->source ? s->source : "none", s->type, dir, (u32)flags, options);
}
