/* SPDX-License-Identifier: MIT */
/*
 * kernel/sys_name.c - system calls that change names: mkdir, unlink, link, rename and their kin
 *
 * Idea        Prepare the paths; then, under tree_lock for writing, walk, check what the manual page lists, and let
 *             the file system do it.
 * Invariants  none
 * Locks       tree_lock
 * Follow      from syscall.c   to fs/path.c, inode_ops in fs/tmpfs.c
 * Tests       tests/guest/file.c, tests/guest/wild.c
 * See         section 2 of the manual
 */
#include <kernel/sys_fs.h>

#include <kernel/fs/vfs.h>
#include <kernel/lib/errno.h>
#include <kernel/syscall.h>

static s64 create_at(u64 dirfd, u64 path, const struct inode_kind *kind);
static s64 create_locked(struct at *a, const struct inode_kind *kind);
static s64 remove_at(u64 dirfd, u64 path, bool dir);
static s64 remove_locked(struct at *a, bool dir);
static int remove_check(const struct walk *w, struct inode *child, bool dir);
static s64 link_do(struct at *a, struct inode *target);
static s64 link_locked(struct at *a, struct inode *target);
static s64 rename_paths(struct at *from, struct at *to, u64 flags);
static s64 rename_locked(struct at *from, struct at *to, u64 flags);
static int rename_do(struct walk *from, struct walk *to, struct inode *child, struct inode *victim, u64 flags);
static int rename_check(const struct walk *from, const struct walk *to, struct inode *child, struct inode *victim);
static bool is_below(struct inode *dir, const struct inode *ancestor);
static int entry_lookup(struct inode *dir, const struct walk *w, struct inode **out);

s64
sys_mkdir(u64 path, u64 mode)
{
	return sys_mkdirat(AT_FDCWD, path, mode);
}

s64
sys_mkdirat(u64 dirfd, u64 path, u64 mode)
{
	struct inode_kind kind = {.mode = S_IFDIR | umask_apply(mode & 01777)};

	return create_at(dirfd, path, &kind);
}

s64
sys_mknod(u64 path, u64 mode, u64 dev)
{
	return sys_mknodat(AT_FDCWD, path, mode, dev);
}

s64
sys_mknodat(u64 dirfd, u64 path, u64 mode, u64 dev)
{
	u32 type = mode & S_IFMT ? mode & S_IFMT : S_IFREG;
	struct inode_kind kind = {.mode = type | umask_apply(mode)};

	switch (type) {
	case S_IFREG:
	case S_IFIFO:
	case S_IFSOCK: /* a name only: there are no sockets behind it */
		return create_at(dirfd, path, &kind);
	case S_IFCHR:
	case S_IFBLK:
		kind.rdev = (u32)dev;
		return create_at(dirfd, path, &kind);
	case S_IFDIR:
		return -EPERM;
	default:
		return -EINVAL;
	}
}

s64
sys_symlink(u64 target, u64 path)
{
	return sys_symlinkat(target, AT_FDCWD, path);
}

s64
sys_symlinkat(u64 target, u64 dirfd, u64 path)
{
	struct inode_kind kind = {.mode = S_IFLNK | 0777};
	char *text;
	s64 err = string_get(target, &text);

	if (err)
		return err;
	kind.target = text;
	err = text[0] ? create_at(dirfd, path, &kind) : -ENOENT;
	path_buf_free(text);
	return err;
}

s64
sys_rmdir(u64 path)
{
	return remove_at(AT_FDCWD, path, true);
}

s64
sys_unlink(u64 path)
{
	return remove_at(AT_FDCWD, path, false);
}

s64
sys_unlinkat(u64 dirfd, u64 path, u64 flags)
{
	if (flags & ~(u64)AT_REMOVEDIR)
		return -EINVAL;
	return remove_at(dirfd, path, flags & AT_REMOVEDIR);
}

s64
sys_link(u64 from, u64 to)
{
	return sys_linkat(AT_FDCWD, from, AT_FDCWD, to, 0);
}

s64
sys_linkat(u64 from_dirfd, u64 from, u64 to_dirfd, u64 to, u64 flags)
{
	struct inode *target;
	struct at a;
	s64 err;

	if (flags & ~(u64)(AT_SYMLINK_FOLLOW | AT_EMPTY_PATH))
		return -EINVAL;
	err = at_inode(from_dirfd, from,
		       (flags & AT_SYMLINK_FOLLOW ? WALK_FOLLOW : 0) | (flags & AT_EMPTY_PATH ? WALK_EMPTY : 0),
		       &target);
	if (err)
		return err;
	err = at_prepare(&a, to_dirfd, to, WALK_PARENT);
	if (!err) {
		err = link_do(&a, target);
		at_free(&a);
	}
	inode_put(target);
	return err;
}

s64
sys_rename(u64 from, u64 to)
{
	return sys_renameat2(AT_FDCWD, from, AT_FDCWD, to, 0);
}

s64
sys_renameat(u64 from_dirfd, u64 from, u64 to_dirfd, u64 to)
{
	return sys_renameat2(from_dirfd, from, to_dirfd, to, 0);
}

s64
sys_renameat2(u64 from_dirfd, u64 from, u64 to_dirfd, u64 to, u64 flags)
{
	struct at old;
	struct at new;
	s64 err;

	if (flags & ~(u64)RENAME_NOREPLACE)
		return -EINVAL;
	err = at_prepare(&old, from_dirfd, from, WALK_PARENT);
	if (err)
		return err;
	err = at_prepare(&new, to_dirfd, to, WALK_PARENT);
	if (!err) {
		err = rename_paths(&old, &new, flags);
		at_free(&new);
	}
	at_free(&old);
	return err;
}

static s64
create_at(u64 dirfd, u64 path, const struct inode_kind *kind)
{
	struct at a;
	s64 err = at_prepare(&a, dirfd, path, WALK_PARENT);

	if (err)
		return err;
	err = rwsem_write_lock_killable(&tree_lock);
	if (!err) {
		err = create_locked(&a, kind);
		rwsem_write_unlock(&tree_lock);
	}
	at_free(&a);
	return err;
}

static s64
create_locked(struct at *a, const struct inode_kind *kind)
{
	struct walk *w = &a->w;
	struct inode *inode;
	int err = path_walk(w);

	if (err)
		return err;
	if (w->last != LAST_NAME)
		return -EEXIST;
	err = entry_lookup(w->dir, w, &inode);
	if (!err) {
		inode_put(inode);
		return -EEXIST;
	}
	if (err != -ENOENT)
		return err;
	if (w->slash && (kind->mode & S_IFMT) != S_IFDIR)
		return -ENOENT;
	if (inode_is_read_only(w->dir))
		return -EROFS;
	if (!w->dir->ops->create)
		return -ENOENT;
	err = w->dir->ops->create(w->dir, w->name, w->len, kind, &inode);
	if (!err)
		inode_put(inode);
	return err;
}

static s64
remove_at(u64 dirfd, u64 path, bool dir)
{
	struct at a;
	s64 err = at_prepare(&a, dirfd, path, WALK_PARENT);

	if (err)
		return err;
	err = rwsem_write_lock_killable(&tree_lock);
	if (!err) {
		err = remove_locked(&a, dir);
		rwsem_write_unlock(&tree_lock);
	}
	at_free(&a);
	return err;
}

static s64
remove_locked(struct at *a, bool dir)
{
	struct walk *w = &a->w;
	struct inode *child;
	int err = path_walk(w);

	if (err)
		return err;
	if (w->last == LAST_UP)
		return dir ? -ENOTEMPTY : -EISDIR;
	if (w->last == LAST_DOT)
		return dir ? -EINVAL : -EISDIR;
	if (w->last == LAST_ROOT)
		return dir ? -EBUSY : -EISDIR;
	if (inode_is_read_only(w->dir))
		return -EROFS;
	err = entry_lookup(w->dir, w, &child);
	if (err)
		return err;
	err = remove_check(w, child, dir);
	if (!err)
		err = w->dir->ops->remove ? w->dir->ops->remove(w->dir, w->name, w->len, child) : -EPERM;
	inode_put(child);
	return err;
}

static int
remove_check(const struct walk *w, struct inode *child, bool dir)
{
	if (dir && !inode_is_dir(child))
		return -ENOTDIR;
	if (!dir && inode_is_dir(child))
		return -EISDIR;
	if (!dir && w->slash)
		return -ENOTDIR;
	return child->mounted ? -EBUSY : 0;
}

static s64
link_do(struct at *a, struct inode *target)
{
	s64 err = rwsem_write_lock_killable(&tree_lock);

	if (!err) {
		err = link_locked(a, target);
		rwsem_write_unlock(&tree_lock);
	}
	return err;
}

static s64
link_locked(struct at *a, struct inode *target)
{
	struct walk *w = &a->w;
	struct inode *there;
	int err = path_walk(w);

	if (err)
		return err;
	if (w->last != LAST_NAME)
		return -EEXIST;
	err = entry_lookup(w->dir, w, &there);
	if (!err) {
		inode_put(there);
		return -EEXIST;
	}
	if (err != -ENOENT || w->slash)
		return err;
	if (inode_is_read_only(w->dir))
		return -EROFS;
	if (w->dir->sb != target->sb)
		return -EXDEV;
	if (inode_is_dir(target) || !w->dir->ops->link)
		return -EPERM;
	return w->dir->ops->link(w->dir, w->name, w->len, target);
}

static s64
rename_paths(struct at *from, struct at *to, u64 flags)
{
	s64 err = rwsem_write_lock_killable(&tree_lock);

	if (!err) {
		err = rename_locked(from, to, flags);
		rwsem_write_unlock(&tree_lock);
	}
	return err;
}

static s64
rename_locked(struct at *from, struct at *to, u64 flags)
{
	struct inode *victim = NULL;
	struct inode *child;
	int err = path_walk(&from->w);

	if (!err)
		err = path_walk(&to->w);
	if (err)
		return err;
	if (from->w.dir->sb != to->w.dir->sb)
		return -EXDEV;
	if (from->w.last != LAST_NAME || to->w.last != LAST_NAME)
		return -EBUSY;
	if (inode_is_read_only(from->w.dir))
		return -EROFS;
	err = entry_lookup(from->w.dir, &from->w, &child);
	if (err)
		return err;
	err = entry_lookup(to->w.dir, &to->w, &victim);
	if (!err || err == -ENOENT)
		err = rename_do(&from->w, &to->w, child, victim, flags);
	if (victim)
		inode_put(victim);
	inode_put(child);
	return err;
}

static int
rename_do(struct walk *from, struct walk *to, struct inode *child, struct inode *victim, u64 flags)
{
	int err;

	if (victim && (flags & RENAME_NOREPLACE))
		return -EEXIST;
	err = rename_check(from, to, child, victim);
	if (err || child == victim)
		return err;
	if (!from->dir->ops->rename)
		return -EPERM;
	return from->dir->ops->rename(from->dir, from->name, from->len, child, to->dir, to->name, to->len, victim);
}

static int
rename_check(const struct walk *from, const struct walk *to, struct inode *child, struct inode *victim)
{
	if (!inode_is_dir(child) && (from->slash || to->slash))
		return -ENOTDIR;
	if (inode_is_dir(child) && is_below(to->dir, child))
		return -EINVAL;
	if (victim && is_below(from->dir, victim))
		return -ENOTEMPTY;
	if (victim && child != victim) {
		if (inode_is_dir(child) && !inode_is_dir(victim))
			return -ENOTDIR;
		if (!inode_is_dir(child) && inode_is_dir(victim))
			return -EISDIR;
	}
	return child->mounted || (victim && victim->mounted) ? -EBUSY : 0;
}

/* Is @dir the directory @ancestor, or inside of it? Within one file system. */
static bool
is_below(struct inode *dir, const struct inode *ancestor)
{
	while (dir && dir != ancestor)
		dir = dir->parent;
	return dir;
}

/* The entry itself, not what is mounted on it. Gives *out, pinned; NULL after an error. */
static int
entry_lookup(struct inode *dir, const struct walk *w, struct inode **out)
{
	*out = NULL;
	return dir->ops->lookup ? dir->ops->lookup(dir, w->name, w->len, out) : -ENOTDIR;
}
