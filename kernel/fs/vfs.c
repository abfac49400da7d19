/* SPDX-License-Identifier: MIT */
/*
 * kernel/fs/vfs.c - inodes, and the tree at boot
 *
 * Idea        see vfs.h
 * Invariants  see vfs.h
 * Locks       see vfs.h
 * Follow      from main.c, kernel/sys_path.c   to mount.c, tmpfs.c, procfs.c, devfs.c
 * Tests       tests/guest/file.c
 */
#include <kernel/fs/vfs.h>

#include <arch/cpu.h>
#include <kernel/fs/devfs.h>
#include <kernel/fs/file.h>
#include <kernel/fs/files.h>
#include <kernel/fs/mount.h>
#include <kernel/fs/pipe.h>
#include <kernel/fs/procfs.h>
#include <kernel/fs/tmpfs.h>
#include <kernel/lib/errno.h>
#include <kernel/lib/string.h>
#include <kernel/panic.h>
#include <kernel/process.h>
#include <kernel/signal.h>
#include <kernel/task.h>
#include <kernel/wall_clock.h>
#include <mm/page_alloc.h>
#include <mm/pagecache.h>
#include <mm/slab.h>

#define SIZE_MAX_BYTES 0x7fffffffffffffffUL /* of a file: positions are signed */

struct rwsem tree_lock = RWSEM_INIT(tree_lock, RANK_TREE);
struct spinlock name_lock = SPINLOCK_INIT(RANK_NAMES);
struct inode *root_inode;

static struct kmem_cache *inode_cache; /* const after init */

static int truncate_locked(struct inode *inode, u64 size);
static void object_pin(struct pagecache *object);
static void object_unpin(struct pagecache *object);
static struct inode *make_dir(struct inode *dir, const char *name, u32 mode);

static const struct pagecache_owner_ops object_ops = {.pin = object_pin, .unpin = object_unpin};

void
vfs_init(void)
{
	struct inode *dev;

	inode_cache = kmem_cache_create("inode", sizeof(struct inode), 0);
	file_init();
	files_init();
	file_lock_init();
	pipe_init();
	tmpfs_init();
	root_inode = vfs_mount_root();

	rwsem_write_lock(&tree_lock);
	dev = make_dir(root_inode, "dev", 0755);
	inode_put(make_dir(root_inode, "proc", 0555));
	inode_put(make_dir(root_inode, "sys", 0555));
	inode_put(make_dir(root_inode, "tmp", 01777));
	inode_put(make_dir(root_inode, "run", 0755));
	devfs_populate(dev);
	rwsem_write_unlock(&tree_lock);
	inode_put(dev);
}

void __init
vfs_disks_found(void)
{
	struct inode *dev;
	int err;

	rwsem_write_lock(&tree_lock);
	err = root_inode->ops->lookup(root_inode, "dev", 3, &dev);
	if (!err)
		err = devfs_add_disks(dev);
	rwsem_write_unlock(&tree_lock);
	if (err)
		panic("no memory for the nodes of disks in /dev");
	inode_put(dev);
}

struct inode *
inode_alloc(struct superblock *sb, const struct inode_kind *kind)
{
	struct inode *inode = kmem_cache_alloc(inode_cache, ALLOC_KERNEL | ALLOC_ZERO);

	if (!inode)
		return NULL;
	atomic_set(&inode->refs, 1);
	mutex_init(&inode->lock, RANK_INODE);
	inode->sb = sb;
	inode->mode = kind->mode;
	inode->rdev = kind->rdev;
	inode->nlink = 1;
	list_init(&inode->names);
	list_init(&inode->locks);
	inode->ino = atomic64_add_return(&sb->next_ino, 1);
	inode->atime_ns = inode->mtime_ns = inode->ctime_ns = inode_now_ns();
	return inode;
}

void
inode_hold(struct inode *inode)
{
	atomic_inc(&inode->refs);
}

void
inode_own_object(struct inode *inode, struct pagecache *object)
{
	inode->object = object;
	pagecache_own(object, &object_ops, inode);
}

struct inode *
inode_of_object(const struct pagecache *object)
{
	return object->ops == &object_ops ? object->owner : NULL;
}

/* The last reference to an inode also ends its reference to its parent, and so on upwards. */
void
inode_drop(struct inode *inode)
{
	struct inode *parent;

	while (inode && atomic_dec_and_test(&inode->refs)) {
		assertf(!inode->mounted, "inode %llu freed below a mount", (unsigned long long)inode->ino);
		assert(list_empty(&inode->locks));
		parent = inode->parent;
		if (inode->ops->evict)
			inode->ops->evict(inode);
		kmem_cache_free(inode_cache, inode);
		inode = parent;
	}
}

struct inode *
inode_get(struct inode *inode)
{
	atomic_inc(&inode->sb->pins);
	atomic_inc(&inode->refs);
	return inode;
}

/* Why: pins goes last. As long as it counts us, umount leaves the superblock alone. */
void
inode_put(struct inode *inode)
{
	struct superblock *sb = inode->sb;

	inode_drop(inode);
	if (unlikely(atomic_dec_and_test(&sb->pins)))
		sb_destroy(sb);
}

u64
inode_now_ns(void)
{
	return wall_clock_ns();
}

u64
inode_size(struct inode *inode)
{
	if (inode->object)
		return READ_ONCE(inode->object->size);
	return inode_is_link(inode) && inode->ops->link_size ? inode->ops->link_size(inode) : 0;
}

void
inode_stat(struct inode *inode, struct stat *st)
{
	const u64 ns = 1000000000;

	*st = (struct stat){
		.st_dev = inode->sb->dev,
		.st_ino = inode->ino,
		.st_nlink = inode->nlink,
		.st_mode = inode->mode,
		.st_uid = inode->uid,
		.st_gid = inode->gid,
		.st_rdev = inode->rdev,
		.st_size = inode_size(inode),
		.st_blksize = PAGE_SIZE,
		.st_blocks = inode->object ? READ_ONCE(inode->object->count) * (PAGE_SIZE / 512) : 0,
		.st_atime_sec = inode->atime_ns / ns,
		.st_atime_nsec = inode->atime_ns % ns,
		.st_mtime_sec = inode->mtime_ns / ns,
		.st_mtime_nsec = inode->mtime_ns % ns,
		.st_ctime_sec = inode->ctime_ns / ns,
		.st_ctime_nsec = inode->ctime_ns % ns,
	};
}

/*
 * Race: A opens a file for writing, B makes the file system read-only. A counts, then looks at the flag; B sets the
 * flag, then looks at the count. At least one of them sees the other.
 */
int
inode_claim(struct inode *inode, s32 step)
{
	s32 now;

	assert(step == 1 || step == -1);
	do {
		now = atomic_read(&inode->writers);
		if (step > 0 ? now < 0 : now > 0)
			return -ETXTBSY;
	} while (!atomic_cmpxchg(&inode->writers, now, now + step));
	if (step < 0)
		return 0;
	atomic_inc(&inode->sb->writers);
	if (!inode_is_read_only(inode))
		return 0;
	inode_unclaim(inode, 1);
	return -EROFS;
}

void
inode_unclaim(struct inode *inode, s32 step)
{
	if (step > 0)
		atomic_dec(&inode->sb->writers);
	atomic_add(&inode->writers, -step);
}

int
inode_truncate(struct inode *inode, u64 size)
{
	int err;

	if (inode_is_dir(inode))
		return -EISDIR;
	if (!inode->object)
		return -EINVAL;
	if (size > SIZE_MAX_BYTES)
		return -EFBIG;
	err = inode_claim(inode, 1);
	if (err)
		return err;
	err = mutex_lock_killable(&inode->lock) ? -EINTR : 0;
	if (!err) {
		err = truncate_locked(inode, size);
		mutex_unlock(&inode->lock);
	}
	inode_unclaim(inode, 1);
	return err;
}

static int
truncate_locked(struct inode *inode, u64 size)
{
	u64 old = inode->object->size;

	if (inode->seals & (size < old ? F_SEAL_SHRINK : size > old ? F_SEAL_GROW : 0))
		return -EPERM;
	if (size > old && size > rlimit_get(current->process, RLIMIT_FSIZE)) {
		signal_send_current(SIGXFSZ);
		return -EFBIG;
	}
	pagecache_set_size(inode->object, size);
	inode->mtime_ns = inode->ctime_ns = inode_now_ns();
	return 0;
}

static void
object_pin(struct pagecache *object)
{
	inode_get(object->owner);
}

static void
object_unpin(struct pagecache *object)
{
	inode_put(object->owner);
}

/* Gives the directory, pinned. */
static struct inode *
make_dir(struct inode *dir, const char *name, u32 mode)
{
	struct inode_kind kind = {.mode = S_IFDIR | mode};
	struct inode *inode;

	if (dir->ops->create(dir, name, strlen(name), &kind, &inode))
		panic("No memory for /%s.", name);
	return inode;
}
