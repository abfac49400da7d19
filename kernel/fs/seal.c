/* SPDX-License-Identifier: MIT */
/*
 * kernel/fs/seal.c - promises about a file of memory that nobody can take back
 *
 * Idea        see seal.h
 * Invariants  see seal.h
 * Locks       inode->lock, then those of all address spaces
 * Follow      from kernel/sys_fs.c (fcntl), sys_mm.c (mmap)   to mm/mm.h
 * Tests       tests/guest/memfd.c
 */
#include <kernel/fs/seal.h>

#include <kernel/fs/file.h>
#include <kernel/fs/tmpfs.h>
#include <kernel/lib/errno.h>
#include <kernel/panic.h>
#include <mm/mm.h>
#include <mm/vma.h>

#define SEALS_WRITE (F_SEAL_WRITE | F_SEAL_FUTURE_WRITE)

static int add_locked(struct inode *inode, u32 seals);
static int maps_writable(struct mm *mm, void *object);
static bool can_be_sealed(const struct file *f);
static int check_locked(const struct inode *inode, bool write, bool *may_write);

int
seals_add(struct file *f, u64 seals)
{
	int err;

	if (seals_get(f) < 0 || (seals & ~(u64)F_SEALS_ALL))
		return -EINVAL;
	if (!file_can_write(f))
		return -EPERM;
	err = mutex_lock_killable(&f->inode->lock);
	if (err)
		return err;
	err = add_locked(f->inode, (u32)seals);
	mutex_unlock(&f->inode->lock);
	return err;
}

int
seals_get(struct file *f)
{
	return f->ops == &tmpfs_file_ops ? (int)READ_ONCE(f->inode->seals) : -EINVAL;
}

int
seals_map_begin(struct file *f, bool shared, bool write, bool *may_write)
{
	int err;

	if (!shared || seals_get(f) < 0)
		return 0;
	if (can_be_sealed(f)) {
		err = mutex_lock_killable(&f->inode->lock);
		if (err)
			return err;
		err = check_locked(f->inode, write, may_write);
		if (err)
			mutex_unlock(&f->inode->lock);
		return err;
	}
	return check_locked(f->inode, write, may_write);
}

/* Race: another thread seals against more seals in between; so it is the lock that is asked. */
void
seals_map_end(struct file *f)
{
	if (f->ops == &tmpfs_file_ops && mutex_is_mine(&f->inode->lock))
		mutex_unlock(&f->inode->lock);
}

static int
add_locked(struct inode *inode, u32 seals)
{
	assert(mutex_is_mine(&inode->lock));
	if (inode->seals & F_SEAL_SEAL)
		return -EPERM;
	/* Why the references first: nobody beside the inode has one to an object that is not mapped. */
	if ((seals & ~inode->seals & F_SEAL_WRITE) && atomic_read(&inode->object->refs) > 1 &&
	    mm_for_all_locked(maps_writable, inode->object))
		return -EBUSY;
	WRITE_ONCE(inode->seals, inode->seals | seals);
	return 0;
}

static int
maps_writable(struct mm *mm, void *object)
{
	const u32 both = VM_SHARED | VM_MAYWRITE;

	for (struct vma *vma = vma_first(&mm->vmas); vma; vma = vma_next(vma)) {
		if (vma->object == object && (vma->flags & both) == both)
			return 1;
	}
	return 0;
}

static bool
can_be_sealed(const struct file *f)
{
	return !(READ_ONCE(f->inode->seals) & F_SEAL_SEAL);
}

/* Linux of that age refuses even to read through a shared mapping of a descriptor that can write. */
static int
check_locked(const struct inode *inode, bool write, bool *may_write)
{
	u32 seals = READ_ONCE(inode->seals);

	if ((seals & F_SEAL_WRITE) && *may_write)
		return -EPERM;
	if ((seals & SEALS_WRITE) && write)
		return -EPERM;
	if (seals & SEALS_WRITE)
		*may_write = false;
	return 0;
}
