/* SPDX-License-Identifier: MIT */
/*
 * kernel/sys_dir.c - system calls that list a directory
 *
 * Idea        getdents64 gathers entries in a buffer of the kernel under tree_lock, and copies them to the program
 *             when it has let go.
 * Invariants  none
 * Locks       tree_lock
 * Follow      from syscall.c   to inode_ops->iterate
 * Tests       tests/guest/wild.c
 * See         getdents(2)
 */
#include <kernel/sys_fs.h>

#include <kernel/fs/file.h>
#include <kernel/fs/vfs.h>
#include <kernel/lib/errno.h>
#include <kernel/lib/string.h>
#include <kernel/syscall.h>
#include <kernel/uaccess.h>
#include <mm/page_alloc.h>
#include <mm/slab.h>

#define DIRENT_BUF PAGE_SIZE /* listed at a time, however large the program's buffer is */

/* getdents64 in progress: entries gather in a buffer of the kernel. */
struct listing {
	struct dir_emit emit; /* first: dir_add gets its address */
	char *buf;
	u32 size;
	u32 used;
	u64 next;  /* position behind the last entry that fitted */
	bool full; /* an entry did not fit */
};

static s64 list_dir(struct file *f, struct listing *l);
static bool dir_add(struct dir_emit *emit, const char *name, u32 len, u64 ino, u32 mode, u64 next_pos);

s64
sys_getdents64(u64 fd, u64 buf, u64 size)
{
	struct listing l = {.emit.add = dir_add, .size = min_u64((u32)size, DIRENT_BUF)};
	struct file *f = file_get(fd);
	s64 result = -ENOTDIR;

	if (!f)
		return -EBADF;
	l.buf = kzalloc(DIRENT_BUF, ALLOC_KERNEL);
	if (!l.buf)
		result = -ENOMEM;
	else if (!file_can_read(f))
		result = -EBADF;
	else if (f->inode && inode_is_dir(f->inode))
		result = list_dir(f, &l);
	if (result > 0 && copy_to_user((void *)buf, l.buf, result))
		result = -EFAULT;
	if (result >= 0 && l.used)
		f->pos = l.next;
	kfree(l.buf);
	file_put(f);
	return result;
}

/* Returns the bytes in l->buf; -EINVAL: not even one entry fits. */
static s64
list_dir(struct file *f, struct listing *l)
{
	struct inode *dir = f->inode;
	struct inode *parent;
	u64 pos = READ_ONCE(f->pos);
	int err = 0;

	if (rwsem_read_lock_killable(&tree_lock))
		return -EINTR;
	l->next = pos;
	if (l->next == 0)
		dir_add(&l->emit, ".", 1, dir->ino, S_IFDIR, 1);
	if (l->next == 1) {
		parent = path_parent(dir, root_inode);
		dir_add(&l->emit, "..", 2, parent->ino, S_IFDIR, 2);
		inode_put(parent);
	}
	if (l->next >= 2)
		err = dir->ops->iterate ? dir->ops->iterate(dir, l->next, &l->emit) : -ENOTDIR;
	rwsem_read_unlock(&tree_lock);
	if (err)
		return err;
	return l->full && !l->used ? -EINVAL : (s64)l->used;
}

static bool
dir_add(struct dir_emit *emit, const char *name, u32 len, u64 ino, u32 mode, u64 next_pos)
{
	struct listing *l = (struct listing *)emit;
	u32 size = round_up(DIRENT64_HEADER + len + 1, 8);
	struct dirent64 *d = (struct dirent64 *)(l->buf + l->used);

	l->full = l->used + size > l->size;
	if (l->full)
		return false;
	d->d_ino = ino;
	d->d_off = next_pos;
	d->d_reclen = size;
	d->d_type = (mode & S_IFMT) >> 12;
	memcpy(d->d_name, name, len);
	d->d_name[len] = 0;
	l->used += size;
	l->next = next_pos;
	return true;
}
