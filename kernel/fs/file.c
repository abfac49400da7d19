/* SPDX-License-Identifier: MIT */
/*
 * kernel/fs/file.c - open files: made, found, freed
 *
 * Idea        see file.h
 * Invariants  see file.h
 * Locks       tree_lock for walks; see file.h
 * Follow      from kernel/sys_fs.c, sys_path.c, exec.c   to path.c, files.c, devfs.c
 * Tests       tests/guest/file.c
 */
#include <kernel/fs/file.h>

#include <kernel/fs/block_file.h>
#include <kernel/fs/devfs.h>
#include <kernel/fs/files.h>
#include <kernel/fs/fs_context.h>
#include <kernel/fs/io.h>
#include <kernel/fs/path.h>
#include <kernel/fs/pipe.h>
#include <kernel/fs/vfs.h>
#include <kernel/lib/errno.h>
#include <kernel/lib/string.h>
#include <kernel/panic.h>
#include <kernel/process.h>
#include <kernel/task.h>
#include <mm/page_alloc.h>
#include <mm/slab.h>

static const struct file_ops *ops_of(struct inode *inode, u32 flags);
static int open_claimed(struct inode *inode, u32 flags, s32 claim, struct file **out);
static int check_open(struct inode *inode, u32 flags);
static int walk_kernel(const char *path, struct inode **out);
static s64 dir_read(struct file *f, struct io *io);

/* Directories: getdents64 does the reading. */
static const struct file_ops dir_file_ops = {.read = dir_read};
/* O_PATH: a name for a place, nothing to do with it. */
static const struct file_ops path_file_ops = {};

static struct kmem_cache *file_cache; /* const after init */
static atomic64_t last_ino;

void
file_init(void)
{
	file_cache = kmem_cache_create("file", sizeof(struct file), 0);
}

u64
file_next_ino(void)
{
	return atomic64_add_return(&last_ino, 1);
}

u64
file_count(void)
{
	struct kmem_cache *cache = NULL;
	struct slab_info info;

	while ((cache = slab_info_next(cache, &info)) && cache != file_cache)
		;
	return cache ? info.objects_used : 0;
}

struct file *
file_alloc(struct inode *inode, const struct file_ops *ops, u32 flags)
{
	struct file *f = kmem_cache_alloc(file_cache, ALLOC_KERNEL | ALLOC_ZERO);

	if (!f)
		return NULL;
	atomic_set(&f->refs, 1);
	mutex_init(&f->pos_lock, RANK_FILE);
	f->flags = flags;
	f->ops = ops;
	f->inode = inode;
	f->object = inode && !(flags & O_PATH) ? inode->object : NULL;
	return f;
}

void
file_discard(struct file *f)
{
	kmem_cache_free(file_cache, f);
}

void
file_release(struct file *f)
{
	assert(atomic_read(&f->refs) == 0);
	if (unlikely(READ_ONCE(file_locks_total)))
		file_locks_release(f);
	if (f->ops->release)
		f->ops->release(f);
	if (f->claim)
		inode_unclaim(f->inode, f->claim);
	if (f->inode)
		inode_put(f->inode);
	kmem_cache_free(file_cache, f);
}

struct file *
file_get(u64 fd)
{
	return files_lookup(current->process->files, (u32)fd);
}

int
file_open(struct inode *inode, u32 flags, struct file **out)
{
	bool writes = !(flags & O_PATH) && (flags & O_ACCMODE) != O_RDONLY;

	return open_claimed(inode, flags, writes && inode_is_regular(inode) ? 1 : 0, out);
}

int
vfs_open(const char *path, u32 flags, struct file **out)
{
	struct inode *inode;
	int err = walk_kernel(path, &inode);

	return err ? err : file_open(inode, flags, out);
}

int
vfs_open_exec(const char *path, struct file **out)
{
	struct inode *inode;
	int err = walk_kernel(path, &inode);

	if (err)
		return err;
	if (!inode_is_regular(inode) || !(inode->mode & 0111) || (inode->sb->flags & MS_NOEXEC)) {
		inode_put(inode);
		return -EACCES;
	}
	return open_claimed(inode, O_RDONLY, -1, out);
}

s64
file_read_kernel(struct file *f, void *buf, u64 len, u64 off)
{
	struct io io;

	if (!f->object)
		return -EINVAL;
	io_init(&io, (u64)buf, len, off);
	io.kernel = true;
	return f->ops->read(f, &io);
}

/* As file_open; the file holds @claim of inode->writers. */
static int
open_claimed(struct inode *inode, u32 flags, s32 claim, struct file **out)
{
	int err = check_open(inode, flags);
	struct file *f;

	if (!err && claim)
		err = inode_claim(inode, claim);
	f = err ? NULL : file_alloc(inode, ops_of(inode, flags), flags);
	if (!f) {
		if (!err && claim)
			inode_unclaim(inode, claim);
		inode_put(inode);
		return err ? err : -ENOMEM;
	}
	f->claim = claim;
	err = f->ops->open ? f->ops->open(f) : 0;
	if (err) {
		if (claim)
			inode_unclaim(inode, claim);
		inode_put(inode);
		kmem_cache_free(file_cache, f);
		return err;
	}
	f->flags &= ~O_EXCL; /* for ops->open only */
	*out = f;
	return 0;
}

static int
check_open(struct inode *inode, u32 flags)
{
	if (flags & O_PATH)
		return 0;
	if (inode_is_link(inode))
		return -ELOOP;
	if (inode_is_dir(inode) && (flags & O_ACCMODE) != O_RDONLY)
		return -EISDIR;
	if ((inode->sb->flags & MS_NODEV) && inode_is_device(inode))
		return -EACCES;
	return ops_of(inode, flags) ? 0 : -ENXIO;
}

static const struct file_ops *
ops_of(struct inode *inode, u32 flags)
{
	if (flags & O_PATH)
		return &path_file_ops;
	switch (inode->mode & S_IFMT) {
	case S_IFDIR:
		return &dir_file_ops;
	case S_IFIFO:
		return &fifo_file_ops;
	case S_IFCHR:
		return devfs_ops(inode->rdev);
	case S_IFBLK:
		return block_file_ops(inode->rdev);
	default:
		return inode->fops;
	}
}

/* Finds what @path names, for the kernel. Gives *out, pinned. */
static int
walk_kernel(const char *path, struct inode **out)
{
	struct walk w = {.buf = path_buf_alloc(), .flags = WALK_FOLLOW};
	struct fs_context *fs = current->process ? current->process->fs : NULL;
	int err = -ENAMETOOLONG;

	if (!w.buf)
		return -ENOMEM;
	w.start = fs_cwd(fs);
	w.root = fs_root(fs);
	if (strlcpy(w.buf, path, PATH_MAX) < PATH_MAX) {
		err = rwsem_read_lock_killable(&tree_lock);
		if (!err) {
			err = path_walk(&w);
			rwsem_read_unlock(&tree_lock);
		}
	}
	inode_put(w.start);
	inode_put(w.root);
	path_buf_free(w.buf);
	*out = w.inode;
	return err;
}

static s64
dir_read(struct file *f, struct io *io)
{
	return -EISDIR;
}
