/* SPDX-License-Identifier: MIT */
/*
 * kernel/sys_path.c - from a program's path to an inode; open, readlink, and the working directory
 *
 * Idea        at_prepare, a walk under tree_lock, at_free: every call with a path is built around these three.
 *             Everyone is root: permission bits are kept and shown, but only execution looks at them.
 * Invariants  none
 * Locks       tree_lock for the walk
 * Follow      from syscall.c   to fs/path.c, fs/vfs.c
 * Tests       tests/guest/file.c, tests/guest/wild.c
 * See         section 2 of the manual
 */
#include <kernel/sys_fs.h>

#include <kernel/fs/file.h>
#include <kernel/fs/fs_context.h>
#include <kernel/fs/names.h>
#include <kernel/fs/vfs.h>
#include <kernel/lib/string.h>
#include <kernel/process.h>
#include <kernel/syscall.h>
#include <kernel/task.h>
#include <kernel/uaccess.h>

#define OPEN_ONCE (O_CREAT | O_TRUNC | O_CLOEXEC) /* not kept in the open file; nor is O_EXCL, which ops->open sees */

static s64 open_at(u64 dirfd, u64 path, u32 flags, u64 mode);
static int open_check(u32 flags);
static int open_find(struct at *a, u32 flags, u64 mode, struct inode **out);
static int open_create_locked(struct walk *w, u32 flags, u64 mode, struct inode **out);
static int open_tmpfile_locked(struct walk *w, u32 flags, u64 mode, struct inode **out);
static s64 open_finish(struct inode *inode, u32 flags);
static int start_find(struct at *a, u64 dirfd);
static int start_at_fd(struct at *a, u64 dirfd);
static struct fs_context *own_fs(void);

s64
sys_open(u64 path, u64 flags, u64 mode)
{
	return open_at(AT_FDCWD, path, flags, mode);
}

s64
sys_openat(u64 dirfd, u64 path, u64 flags, u64 mode)
{
	return open_at(dirfd, path, flags, mode);
}

s64
sys_creat(u64 path, u64 mode)
{
	return open_at(AT_FDCWD, path, O_CREAT | O_WRONLY | O_TRUNC, mode);
}

s64
sys_readlink(u64 path, u64 buf, u64 size)
{
	return sys_readlinkat(AT_FDCWD, path, buf, size);
}

s64
sys_readlinkat(u64 dirfd, u64 path, u64 buf, u64 size)
{
	struct inode *inode;
	char *target;
	s64 len;

	if ((s32)size <= 0)
		return -EINVAL;
	len = at_inode(dirfd, path, WALK_EMPTY, &inode);
	if (len)
		return len;
	target = path_buf_alloc();
	if (!target)
		len = -ENOMEM;
	else
		len = inode_is_link(inode) ? inode->ops->read_link(inode, target, min_u64((u32)size, PATH_MAX))
					   : -EINVAL;
	if (len > 0 && copy_to_user((void *)buf, target, len))
		len = -EFAULT;
	path_buf_free(target);
	inode_put(inode);
	return len;
}

s64
sys_getcwd(u64 buf, u64 size)
{
	char *text = path_buf_alloc();
	struct inode *cwd = fs_cwd(own_fs());
	s64 len = -ENOMEM;
	char *path;

	if (text && !READ_ONCE(cwd->nlink)) {
		len = -ENOENT;
	} else if (text) {
		path = path_of_cwd(cwd, text, PATH_MAX);
		len = path ? (s64)strlen(path) + 1 : -ENAMETOOLONG;
		if (len > (s64)size)
			len = -ERANGE;
		else if (path && copy_to_user((void *)buf, path, len))
			len = -EFAULT;
	}
	inode_put(cwd);
	path_buf_free(text);
	return len;
}

s64
sys_chdir(u64 path)
{
	struct inode *inode;
	s64 err = at_inode(AT_FDCWD, path, WALK_FOLLOW, &inode);

	if (err)
		return err;
	if (!inode_is_dir(inode)) {
		inode_put(inode);
		return -ENOTDIR;
	}
	fs_chdir(own_fs(), inode); /* consumes the reference */
	return 0;
}

s64
sys_fchdir(u64 fd)
{
	struct inode *inode;
	s64 err = fd_inode(fd, &inode);

	if (err)
		return err;
	if (!inode_is_dir(inode)) {
		inode_put(inode);
		return -ENOTDIR;
	}
	fs_chdir(own_fs(), inode); /* consumes the reference */
	return 0;
}

s64
sys_umask(u64 mask)
{
	struct fs_context *fs = own_fs();
	u32 old;

	spin_lock(&fs->lock);
	old = fs->umask;
	fs->umask = mask & 0777;
	spin_unlock(&fs->lock);
	return old;
}

int
string_get(u64 user, char **out)
{
	char *text = path_buf_alloc();
	s64 len;

	if (!text)
		return -ENOMEM;
	len = strncpy_from_user(text, (const char *)user, PATH_MAX);
	if (len < 0 || len >= PATH_MAX) {
		path_buf_free(text);
		return len < 0 ? -EFAULT : -ENAMETOOLONG;
	}
	*out = text;
	return 0;
}

int
at_prepare(struct at *a, u64 dirfd, u64 path, u32 walk_flags)
{
	int err;

	*a = (struct at){.w = {.flags = walk_flags}};
	err = string_get(path, &a->w.buf);
	if (err)
		return err;
	err = start_find(a, dirfd);
	if (err)
		path_buf_free(a->w.buf);
	return err;
}

void
at_free(struct at *a)
{
	path_walk_end(&a->w);
	inode_put(a->w.start);
	inode_put(a->w.root);
	path_buf_free(a->w.buf);
}

int
at_inode(u64 dirfd, u64 path, u32 walk_flags, struct inode **out)
{
	struct at a;
	int err = at_prepare(&a, dirfd, path, walk_flags);

	if (err)
		return err;
	err = rwsem_read_lock_killable(&tree_lock);
	if (!err) {
		err = path_walk(&a.w);
		rwsem_read_unlock(&tree_lock);
	}
	*out = a.w.inode;
	a.w.inode = NULL;
	at_free(&a);
	return err;
}

u32
umask_apply(u64 mode)
{
	return mode & 07777 & ~READ_ONCE(own_fs()->umask);
}

static s64
open_at(u64 dirfd, u64 path, u32 flags, u64 mode)
{
	struct inode *inode;
	struct at a;
	u32 walk;
	s64 err;

	if (flags & O_PATH)
		flags &= O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
	err = open_check(flags);
	if (err)
		return err;
	walk = follow_unless(flags, O_NOFOLLOW);
	if (flags & O_CREAT)
		walk = WALK_CREATE | (flags & O_EXCL ? 0 : walk);
	err = at_prepare(&a, dirfd, path, walk);
	if (err)
		return err;
	err = open_find(&a, flags, mode, &inode);
	at_free(&a);
	return err ? err : open_finish(inode, flags);
}

static int
open_check(u32 flags)
{
	if ((flags & O_CREAT) && (flags & O_DIRECTORY))
		return -EINVAL;
	if ((flags & O_TMPFILE_BIT) && (!(flags & O_DIRECTORY) || (flags & O_ACCMODE) == O_RDONLY))
		return -EINVAL;
	return (flags & O_ACCMODE) == O_ACCMODE ? -EINVAL : 0;
}

/* Only a call that may create needs the lock for writing. */
static int
open_find(struct at *a, u32 flags, u64 mode, struct inode **out)
{
	int err;

	if (flags & (O_CREAT | O_TMPFILE_BIT)) {
		err = rwsem_write_lock_killable(&tree_lock);
		if (!err) {
			err = flags & O_CREAT ? open_create_locked(&a->w, flags, mode, out)
					      : open_tmpfile_locked(&a->w, flags, mode, out);
			rwsem_write_unlock(&tree_lock);
		}
		return err;
	}
	err = rwsem_read_lock_killable(&tree_lock);
	if (!err) {
		err = path_walk(&a->w);
		rwsem_read_unlock(&tree_lock);
	}
	if (!err && (flags & O_DIRECTORY) && !inode_is_dir(a->w.inode))
		err = -ENOTDIR;
	if (!err)
		*out = inode_get(a->w.inode);
	return err;
}

/* Gives *out, pinned: what is there already, or the file made now. */
static int
open_create_locked(struct walk *w, u32 flags, u64 mode, struct inode **out)
{
	struct inode_kind kind = {.mode = S_IFREG | umask_apply(mode)};
	int err = path_walk(w);

	if (err)
		return err;
	if (w->inode) {
		if (flags & O_EXCL)
			return -EEXIST;
		if (inode_is_dir(w->inode))
			return -EISDIR;
		*out = inode_get(w->inode);
		return 0;
	}
	if (w->slash)
		return -EISDIR;
	if (inode_is_read_only(w->dir))
		return -EROFS;
	return w->dir->ops->create ? w->dir->ops->create(w->dir, w->name, w->len, &kind, out) : -ENOENT;
}

/* Gives *out, pinned: a file in the directory's file system, but in no directory. */
static int
open_tmpfile_locked(struct walk *w, u32 flags, u64 mode, struct inode **out)
{
	struct inode_kind kind = {.mode = S_IFREG | umask_apply(mode)};
	int err = path_walk(w);

	if (err)
		return err;
	if (!inode_is_dir(w->inode))
		return -ENOTDIR;
	if (inode_is_read_only(w->inode))
		return -EROFS;
	if (!w->inode->ops->tmpfile)
		return -EOPNOTSUPP;
	err = w->inode->ops->tmpfile(w->inode, &kind, out);
	if (!err)
		(*out)->linkable = !(flags & O_EXCL);
	return err;
}

/* Takes @inode, pinned. */
static s64
open_finish(struct inode *inode, u32 flags)
{
	struct file *f;
	int err = file_open(inode, (flags & ~OPEN_ONCE) | (flags & O_PATH ? 0 : O_LARGEFILE), &f);

	if (err)
		return err;
	f->flags &= ~(u32)O_NOCTTY; /* was for the terminal's open */
	if ((flags & O_TRUNC) && f->object)
		err = inode_truncate(f->inode, 0);
	if (err) {
		file_put(f);
		return err;
	}
	return fd_install(f, flags);
}

int
fd_inode(u64 fd, struct inode **out)
{
	struct file *f = file_get(fd);
	int err = 0;

	if (!f)
		return -EBADF;
	if (f->inode)
		*out = inode_get(f->inode);
	else
		err = -EINVAL;
	file_put(f);
	return err;
}

u32
follow_unless(u64 flags, u64 nofollow)
{
	return flags & nofollow ? 0 : WALK_FOLLOW;
}

/* Pins where the walk starts, and where "/" is. */
static int
start_find(struct at *a, u64 dirfd)
{
	int err = 0;

	a->w.root = fs_root(own_fs());
	if (a->w.buf[0] == '/')
		a->w.start = inode_get(a->w.root);
	else if ((s32)dirfd == AT_FDCWD)
		a->w.start = fs_cwd(own_fs());
	else
		err = start_at_fd(a, dirfd);
	if (err)
		inode_put(a->w.root);
	return err;
}

static int
start_at_fd(struct at *a, u64 dirfd)
{
	int err = fd_inode(dirfd, &a->w.start);

	if (err)
		return err == -EINVAL ? -ENOTDIR : err;
	if (a->w.buf[0] && !inode_is_dir(a->w.start)) {
		inode_put(a->w.start);
		return -ENOTDIR;
	}
	return 0;
}

static struct fs_context *
own_fs(void)
{
	return current->process->fs;
}
