/* SPDX-License-Identifier: MIT */
/*
 * kernel/sys_stat.c - system calls that show or change what an inode says of itself: stat, mode, owner
 *
 * Idea        Find the inode, by path or by descriptor, then one function a fact.
 * Invariants  none
 * Locks       tree_lock for changes of mode and owner
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
#define ACCESS_WRITE 2
#define ACCESS_ALL 7
#define STATFS_VALID 0x20
#define STATFS_NOATIME 0x400
#define ID_KEEP 0xffffffffU

static int stat_fd(u64 fd, struct stat *out);
static s64 stat_at(u64 path, u64 st, u64 flags);
static s64 access_at(u64 dirfd, u64 path, u64 mode, u64 flags);
static s64 statfs_put(struct inode *inode, u64 buf);
static s64 chmod_do(struct inode *inode, u64 mode);
static s64 chown_at(u64 dirfd, u64 path, u64 uid, u64 gid, u32 walk_flags);
static s64 chown_do(struct inode *inode, u32 uid, u32 gid);
static u32 set_ids(const struct inode *inode);
static s64 change_begin(struct inode *inode);
static void change_end(struct inode *inode);

s64
sys_stat(u64 path, u64 st)
{
	return stat_at(path, st, 0);
}

s64
sys_lstat(u64 path, u64 st)
{
	return stat_at(path, st, AT_SYMLINK_NOFOLLOW);
}

s64
sys_fstat(u64 fd, u64 st)
{
	struct stat kernel;
	s64 err = stat_fd(fd, &kernel);

	return err ? err : copy_to_user((void *)st, &kernel, sizeof(kernel));
}

s64
sys_newfstatat(u64 dirfd, u64 path, u64 st, u64 flags)
{
	struct stat kernel;
	s64 err;

	if (flags & ~(u64)(AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT | AT_EMPTY_PATH))
		return -EINVAL;
	err = stat_get(dirfd, path, flags, &kernel);
	return err ? err : copy_to_user((void *)st, &kernel, sizeof(kernel));
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

/* Why the look at the path: an empty one means the descriptor itself, which may be a pipe, without an inode. */
int
stat_get(u64 dirfd, u64 path, u64 flags, struct stat *out)
{
	struct inode *inode;
	u8 first;
	int err;

	if ((flags & AT_EMPTY_PATH) && (s32)dirfd != AT_FDCWD) {
		if (get_user_u8(&first, (u8 *)path))
			return -EFAULT;
		if (!first)
			return stat_fd(dirfd, out);
	}
	err = at_inode(dirfd, path,
		       follow_unless(flags, AT_SYMLINK_NOFOLLOW) | (flags & AT_EMPTY_PATH ? WALK_EMPTY : 0), &inode);
	if (err)
		return err;
	inode_stat(inode, out);
	inode_put(inode);
	return 0;
}

static int
stat_fd(u64 fd, struct stat *out)
{
	struct file *f = file_get(fd);

	if (!f)
		return -EBADF;
	*out = (struct stat){.st_dev = ANON_DEV,
			     .st_ino = f->ino,
			     .st_mode = S_IFIFO | 0600,
			     .st_nlink = 1,
			     .st_blksize = PAGE_SIZE};
	if (f->inode)
		inode_stat(f->inode, out);
	file_put(f);
	return 0;
}

static s64
stat_at(u64 path, u64 st, u64 flags)
{
	struct stat kernel;
	s64 err = stat_get(AT_FDCWD, path, flags, &kernel);

	return err ? err : copy_to_user((void *)st, &kernel, sizeof(kernel));
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
	if ((mode & ACCESS_WRITE) && inode_is_read_only(inode) && !inode_is_special(inode))
		err = -EROFS;
	if (!err && (mode & ACCESS_EXEC) && inode_is_regular(inode) && !(inode->mode & 0111))
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
	s.f_flags = STATFS_VALID | STATFS_NOATIME |
		    (sb->flags & (MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC | MS_SYNCHRONOUS));
	if (s.f_blocks == (s64)~0UL)
		s.f_blocks = s.f_bfree = s.f_bavail = 0; /* no limit */
	if (s.f_files == (s64)~0UL)
		s.f_files = s.f_ffree = 0;
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
		inode->mode &= ~set_ids(inode);
		change_end(inode);
	}
	inode_put(inode);
	return err;
}

/* What a change of the owner takes away, even from root: set-uid, and set-gid of what the group may execute. */
static u32
set_ids(const struct inode *inode)
{
	if (inode_is_dir(inode))
		return 0;
	return S_ISUID | ((inode->mode & 0010) ? S_ISGID : 0);
}

/* Takes tree_lock, unless the inode forgets everything with its last user: a file of /proc. */
static s64
change_begin(struct inode *inode)
{
	s64 err = inode->sb->type->single ? -EPERM : rwsem_write_lock_killable(&tree_lock);

	if (!err && inode_is_read_only(inode)) {
		rwsem_write_unlock(&tree_lock);
		err = -EROFS;
	}
	return err;
}

static void
change_end(struct inode *inode)
{
	inode->ctime_ns = inode_now_ns();
	rwsem_write_unlock(&tree_lock);
}

int
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
