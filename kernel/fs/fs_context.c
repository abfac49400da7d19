/* SPDX-License-Identifier: MIT */
/*
 * kernel/fs/fs_context.c - what a process carries about the tree: root, working directory, umask
 *
 * Idea        see fs_context.h
 * Invariants  see fs_context.h
 * Locks       fs->lock; directories are put outside of it
 * Follow      from fork.c, exit.c, kernel/sys_path.c   to vfs.h
 * Tests       tests/guest/file.c
 */
#include <kernel/fs/fs_context.h>

#include <kernel/fs/vfs.h>
#include <kernel/panic.h>
#include <mm/page_alloc.h>
#include <mm/slab.h>

#define DEFAULT_UMASK 022

static struct fs_context *context_new(struct inode *root, struct inode *cwd, u32 umask);
static void inode_swap(struct fs_context *fs, struct inode **field, struct inode *dir);

struct fs_context *
fs_context_create(void)
{
	return context_new(inode_get(root_inode), inode_get(root_inode), DEFAULT_UMASK);
}

struct fs_context *
fs_context_fork(struct fs_context *from)
{
	return context_new(fs_root(from), fs_cwd(from), READ_ONCE(from->umask));
}

struct fs_context *
fs_context_get(struct fs_context *fs)
{
	atomic_inc(&fs->refs);
	return fs;
}

void
fs_context_put(struct fs_context *fs)
{
	if (!atomic_dec_and_test(&fs->refs))
		return;
	inode_put(fs->cwd);
	inode_put(fs->root);
	kfree(fs);
}

struct inode *
fs_cwd(struct fs_context *fs)
{
	struct inode *cwd;

	if (!fs)
		return inode_get(root_inode);
	spin_lock(&fs->lock);
	cwd = inode_get(fs->cwd);
	spin_unlock(&fs->lock);
	return cwd;
}

struct inode *
fs_root(struct fs_context *fs)
{
	struct inode *root;

	if (!fs)
		return inode_get(root_inode);
	spin_lock(&fs->lock);
	root = inode_get(fs->root);
	spin_unlock(&fs->lock);
	return root;
}

void
fs_chdir(struct fs_context *fs, struct inode *dir)
{
	inode_swap(fs, &fs->cwd, dir);
}

void
fs_chroot(struct fs_context *fs, struct inode *dir)
{
	inode_swap(fs, &fs->root, dir);
}

/* Takes @dir, pinned. */
static void
inode_swap(struct fs_context *fs, struct inode **field, struct inode *dir)
{
	struct inode *old;

	assert(inode_is_dir(dir));
	spin_lock(&fs->lock);
	old = *field;
	*field = dir;
	spin_unlock(&fs->lock);
	inode_put(old);
}

/* Takes @root and @cwd, pinned, whatever the result. */
static struct fs_context *
context_new(struct inode *root, struct inode *cwd, u32 umask)
{
	struct fs_context *fs = kmalloc(sizeof(*fs), ALLOC_KERNEL);

	if (!fs) {
		inode_put(cwd);
		inode_put(root);
		return NULL;
	}
	atomic_set(&fs->refs, 1);
	spin_init(&fs->lock, RANK_FILES);
	fs->umask = umask;
	fs->cwd = cwd;
	fs->root = root;
	return fs;
}
