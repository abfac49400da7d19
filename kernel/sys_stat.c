/* SPDX-License-Identifier: MIT */
/*
 * kernel/sys_stat.c - system calls that show or change what an inode says of itself: stat, mode, owner, times, size
 *
 * Idea        Find the inode, by path or by descriptor, then one function a fact.
 * Invariants  none
 * Locks       tree_lock for changes of mode and owner; inode->lock (in inode_truncate) for the size
 * Follow      from syscall.c   to sys_path.c, fs/vfs.c
 * Tests       tests/guest/file.c, tests/guest/wild.c
 * See         section 2 of the manual
 */
#include <kernel/sys_fs.h>

#include <kernel/fs/file.h>
#include <kernel/fs/vfs.h>
#include <kernel/lib/errno.h>
#include <kernel/syscall.h>
#include <kernel/uaccess.h>
#include <mm/page_alloc.h>

#define ACCESS_EXEC 1
#define ACCESS_ALL 7
#define ID_KEEP 0xffffffffU

static s64 stat_at(u64 dirfd, u64 path, u64 st, u32 walk_flags);
static s64 stat_put(struct inode *inode, u64 st);
static s64 access_at(u64 dirfd, u64 path, u64 mode, u64 flags);
static s64 statfs_put(struct inode *inode, u64 buf);
static s64 chmod_do(struct inode *inode, u64 mode);
static s64 chown_at(u64 dirfd, u64 path, u64 uid, u64 gid, u32 walk_flags);
static s64 chown_do(struct inode *inode, u32 uid, u32 gid);
static s64 change_begin(struct inode *inode);
static void change_end(struct inode *inode);
static s64 times_set(struct inode *inode, const u64 times[4]);
static s64 fd_inode_change(u64 fd, struct inode **out);

s64
sys_stat(u64 path, u64 st)
{
	return stat_at(AT_FDCWD, path, st, WALK_FOLLOW);
}

s64
sys_lstat(u64 path, u64 st)
{
	return stat_at(AT_FDCWD, path, st, 0);
}

s64
sys_fstat(u64 fd, u64 st)
{
	struct stat pipe = {.st_dev = ANON_DEV, .st_mode = S_IFIFO | 0600, .st_nlink = 1, .st_blksize = PAGE_SIZE};
	struct file *f = file_get(fd);
	s64 err;

	if (!f)
		return -EBADF;
	pipe.st_ino = f->ino;
	err = f->inode ? stat_put(f->inode, st) : copy_to_user((void *)st, &pipe, sizeof(pipe));
	file_put(f);
	return err;
}

/* Why the look at the path: an empty one means the descriptor itself, which may be a pipe, without an inode. */
s64
sys_newfstatat(u64 dirfd, u64 path, u64 st, u64 flags)
{
	u8 first;

	if (flags & ~(u64)(AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT | AT_EMPTY_PATH))
		return -EINVAL;
	if ((flags & AT_EMPTY_PATH) && (s32)dirfd != AT_FDCWD) {
		if (get_user_u8(&first, (u8 *)path))
			return -EFAULT;
		if (!first)
			return sys_fstat(dirfd, st);
	}
	return stat_at(dirfd, path, st,
		       follow_unless(flags, AT_SYMLINK_NOFOLLOW) | (flags & AT_EMPTY_PATH ? WALK_EMPTY : 0));
}

s64
sys_access(u64 path, u64 mode)
{
	return access_at(AT_FDCWD, path, mode, 0);
}

s64
sys_faccessat(u64 dirfd, u64 path, u64 mode)
{
	return access_at(dirfd, path, mode, 0);
}

s64
sys_faccessat2(u64 dirfd, u64 path, u64 mode, u64 flags)
{
	return access_at(dirfd, path, mode, flags);
}

s64
sys_statfs(u64 path, u64 buf)
{
	struct inode *inode;
	s64 err = at_inode(AT_FDCWD, path, WALK_FOLLOW, &inode);

	if (err)
		return err;
	err = statfs_put(inode, buf);
	inode_put(inode);
	return err;
}

s64
sys_fstatfs(u64 fd, u64 buf)
{
	struct inode *inode;
	s64 err = fd_inode(fd, &inode);

	if (err)
		return err;
	err = statfs_put(inode, buf);
	inode_put(inode);
	return err;
}

s64
sys_truncate(u64 path, u64 size)
{
	struct inode *inode;
	s64 err;

	if ((s64)size < 0)
		return -EINVAL;
	err = at_inode(AT_FDCWD, path, WALK_FOLLOW, &inode);
	if (err)
		return err;
	err = inode_truncate(inode, size);
	inode_put(inode);
	return err;
}

s64
sys_ftruncate(u64 fd, u64 size)
{
	struct file *f;
	s64 err;

	if ((s64)size < 0)
		return -EINVAL;
	f = file_get(fd);
	if (!f)
		return -EBADF;
	err = f->flags & O_PATH ? -EBADF : -EINVAL;
	if (f->inode && file_can_write(f))
		err = inode_truncate(f->inode, size);
	file_put(f);
	return err;
}

s64
sys_chmod(u64 path, u64 mode)
{
	return sys_fchmodat(AT_FDCWD, path, mode);
}

s64
sys_fchmod(u64 fd, u64 mode)
{
	struct inode *inode;
	s64 err = fd_inode_change(fd, &inode);

	return err ? err : chmod_do(inode, mode);
}

s64
sys_fchmodat(u64 dirfd, u64 path, u64 mode)
{
	struct inode *inode;
	s64 err = at_inode(dirfd, path, WALK_FOLLOW, &inode);

	return err ? err : chmod_do(inode, mode);
}

s64
sys_chown(u64 path, u64 uid, u64 gid)
{
	return chown_at(AT_FDCWD, path, uid, gid, WALK_FOLLOW);
}

s64
sys_lchown(u64 path, u64 uid, u64 gid)
{
	return chown_at(AT_FDCWD, path, uid, gid, 0);
}

s64
sys_fchown(u64 fd, u64 uid, u64 gid)
{
	struct inode *inode;
	s64 err = fd_inode_change(fd, &inode);

	return err ? err : chown_do(inode, uid, gid);
}

s64
sys_fchownat(u64 dirfd, u64 path, u64 uid, u64 gid, u64 flags)
{
	if (flags & ~(u64)(AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH))
		return -EINVAL;
	return chown_at(dirfd, path, uid, gid,
			follow_unless(flags, AT_SYMLINK_NOFOLLOW) | (flags & AT_EMPTY_PATH ? WALK_EMPTY : 0));
}

s64
sys_utimensat(u64 dirfd, u64 path, u64 times, u64 flags)
{
	u64 ts[4] = {0, UTIME_NOW, 0, UTIME_NOW};
	struct inode *inode;
	s64 err;

	if (flags & ~(u64)AT_SYMLINK_NOFOLLOW)
		return -EINVAL;
	if ((times && copy_from_user(ts, (void *)times, sizeof(ts))) || (!path && (s32)dirfd == AT_FDCWD))
		return -EFAULT;
	err = path ? at_inode(dirfd, path, follow_unless(flags, AT_SYMLINK_NOFOLLOW), &inode)
		   : fd_inode_change(dirfd, &inode);
	if (err)
		return err;
	err = times_set(inode, ts);
	inode_put(inode);
	return err;
}

static s64
stat_at(u64 dirfd, u64 path, u64 st, u32 walk_flags)
{
	struct inode *inode;
	s64 err = at_inode(dirfd, path, walk_flags, &inode);

	if (err)
		return err;
	err = stat_put(inode, st);
	inode_put(inode);
	return err;
}

static s64
stat_put(struct inode *inode, u64 st)
{
	struct stat kernel;

	inode_stat(inode, &kernel);
	return copy_to_user((void *)st, &kernel, sizeof(kernel));
}

/* Root may do everything, but execute a file that nobody may. */
static s64
access_at(u64 dirfd, u64 path, u64 mode, u64 flags)
{
	const u64 known = AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH | AT_EACCESS;
	struct inode *inode;
	s64 err;

	if ((mode & ~(u64)ACCESS_ALL) || (flags & ~known))
		return -EINVAL;
	err = at_inode(dirfd, path,
		       follow_unless(flags, AT_SYMLINK_NOFOLLOW) | (flags & AT_EMPTY_PATH ? WALK_EMPTY : 0), &inode);
	if (err)
		return err;
	if ((mode & ACCESS_EXEC) && inode_is_regular(inode) && !(inode->mode & 0111))
		err = -EACCES;
	inode_put(inode);
	return err;
}

static s64
statfs_put(struct inode *inode, u64 buf)
{
	const struct superblock *sb = inode->sb;
	struct statfs s = {.f_type = sb->type->magic,
			   .f_bsize = PAGE_SIZE,
			   .f_frsize = PAGE_SIZE,
			   .f_namelen = NAME_MAX,
			   .f_fsid = {sb->dev}};

	if (!sb->type->single) {
		s.f_blocks = sb->quota.most;
		s.f_bfree = s.f_bavail = sb->quota.most - min_u64(atomic64_read(&sb->quota.pages), sb->quota.most);
		s.f_files = sb->names_most;
		s.f_ffree = sb->names_most - READ_ONCE(sb->names);
	}
	return copy_to_user((void *)buf, &s, sizeof(s));
}

/* Takes @inode, pinned. */
static s64
chmod_do(struct inode *inode, u64 mode)
{
	s64 err = change_begin(inode);

	if (!err) {
		inode->mode = (inode->mode & S_IFMT) | (mode & 07777);
		change_end(inode);
	}
	inode_put(inode);
	return err;
}

static s64
chown_at(u64 dirfd, u64 path, u64 uid, u64 gid, u32 walk_flags)
{
	struct inode *inode;
	s64 err = at_inode(dirfd, path, walk_flags, &inode);

	return err ? err : chown_do(inode, uid, gid);
}

/* Takes @inode, pinned. */
static s64
chown_do(struct inode *inode, u32 uid, u32 gid)
{
	s64 err = change_begin(inode);

	if (!err) {
		inode->uid = uid != ID_KEEP ? uid : inode->uid;
		inode->gid = gid != ID_KEEP ? gid : inode->gid;
		change_end(inode);
	}
	inode_put(inode);
	return err;
}

/* Takes tree_lock, unless the inode forgets everything with its last user: a file of /proc. */
static s64
change_begin(struct inode *inode)
{
	return inode->sb->type->single ? -EPERM : rwsem_write_lock_killable(&tree_lock);
}

static void
change_end(struct inode *inode)
{
	inode->ctime_ns = inode_now_ns();
	rwsem_write_unlock(&tree_lock);
}

/* @times: seconds and nanoseconds of access, then of modification. */
static s64
times_set(struct inode *inode, const u64 times[4])
{
	u64 *const field[2] = {&inode->atime_ns, &inode->mtime_ns};

	if (inode->sb->type->single)
		return -EPERM;
	for (u32 i = 0; i < 2; i++) {
		if (times[2 * i + 1] >= 1000000000 && times[2 * i + 1] != UTIME_NOW && times[2 * i + 1] != UTIME_OMIT)
			return -EINVAL;
	}
	for (u32 i = 0; i < 2; i++) {
		if (times[2 * i + 1] == UTIME_NOW)
			*field[i] = inode_now_ns();
		else if (times[2 * i + 1] != UTIME_OMIT)
			*field[i] = times[2 * i] * 1000000000 + times[2 * i + 1];
	}
	inode->ctime_ns = inode_now_ns();
	return 0;
}

/* As fd_inode; -EBADF also for a descriptor of O_PATH, through which nothing may be changed. */
static s64
fd_inode_change(u64 fd, struct inode **out)
{
	struct file *f = file_get(fd);
	s64 err = -EBADF;

	if (!f)
		return err;
	if (!(f->flags & O_PATH))
		err = f->inode ? 0 : -EINVAL;
	if (!err)
		*out = inode_get(f->inode);
	file_put(f);
	return err;
}
