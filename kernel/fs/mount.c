/* SPDX-License-Identifier: MIT */
/*
 * kernel/fs/mount.c - file systems: made, put over a directory, changed, taken away
 *
 * Idea        see mount.h
 * Invariants  see vfs.h
 * Locks       tree_lock: the list of mounts, covers, mounted, flags; name_lock: covers
 * Follow      from kernel/sys_mount.c, vfs.c   to fs_type in tmpfs.c, procfs.c, sysfs.c
 * Tests       tests/guest/mount.c
 */
#include <kernel/fs/mount.h>

#include <kernel/fs/mount_options.h>
#include <kernel/fs/procfs.h>
#include <kernel/fs/sysfs.h>
#include <kernel/fs/tmpfs.h>
#include <kernel/lib/errno.h>
#include <kernel/lib/string.h>
#include <kernel/panic.h>
#include <mm/page_alloc.h>
#include <mm/slab.h>

struct list mount_list = LIST_INIT(mount_list);

static const struct fs_type *const fs_types[] = {&sysfs_type, &tmpfs_type, &procfs_type, &devtmpfs_type};

static atomic_t next_dev;

static struct superblock *sb_create(const char *source, const struct fs_type *type);
static void sb_put(struct superblock *sb);
static int configure(struct superblock *sb, const char *text, bool again);
static int mount_locked(struct superblock *sb, struct inode *dir);
static int remount_locked(struct inode *root, u32 flags, const char *options);
static int umount_locked(struct inode *root, bool detach, struct list *gone);
static void detach_locked(struct superblock *sb, struct list *gone);
static struct superblock *mounted_inside_locked(const struct list *gone);
static const struct fs_type *fs_type_find(const char *name);

struct inode *
vfs_mount_root(void)
{
	struct superblock *sb = sb_create("rootfs", &tmpfs_type);

	if (!sb)
		panic("No memory for the root file system.");
	sb->root->mode = S_IFDIR | 0755;
	list_add_tail(&sb->link, &mount_list);
	return inode_get(sb->root);
}

int
vfs_mount(const char *source, const char *type, struct inode *dir, u32 flags, const char *options)
{
	const struct fs_type *found = fs_type_find(type);
	struct superblock *sb;
	int err;

	if (!found)
		return -ENODEV;
	if (!inode_is_dir(dir))
		return -ENOTDIR;
	sb = sb_create(source, found);
	if (!sb)
		return -ENOMEM;
	sb->flags = flags & MOUNT_FLAGS;
	err = configure(sb, options, false);
	if (!err) {
		rwsem_write_lock(&tree_lock);
		err = mount_locked(sb, dir);
		rwsem_write_unlock(&tree_lock);
	}
	if (err)
		sb_put(sb);
	return err;
}

int
vfs_remount(struct inode *root, u32 flags, const char *options)
{
	int err;

	rwsem_write_lock(&tree_lock);
	err = remount_locked(root, flags & MOUNT_FLAGS, options);
	rwsem_write_unlock(&tree_lock);
	return err;
}

int
vfs_umount(struct inode *root, bool detach)
{
	struct list gone = LIST_INIT(gone);
	struct superblock *sb;
	struct inode *covers;
	int err;

	rwsem_write_lock(&tree_lock);
	err = umount_locked(root, detach, &gone);
	rwsem_write_unlock(&tree_lock);
	inode_put(root);
	while (!list_empty(&gone)) {
		sb = list_first(&gone, struct superblock, link);
		list_del(&sb->link);
		covers = sb->was_on;
		sb_put(sb);
		inode_put(covers);
	}
	return err;
}

void
sb_destroy(struct superblock *sb)
{
	assertf(!sb->covers && atomic_read(&sb->pins) == 0, "%s ends with %d pins", sb->source, atomic_read(&sb->pins));
	sb->type->drop(sb);
	kfree(sb);
}

const struct fs_type *
fs_type_at(u32 i)
{
	return i < ARRAY_SIZE(fs_types) ? fs_types[i] : NULL;
}

/* Gives it with the pin that is the mount's. */
static struct superblock *
sb_create(const char *source, const struct fs_type *type)
{
	struct superblock *sb = kzalloc(sizeof(*sb), ALLOC_KERNEL);

	if (!sb)
		return NULL;
	sb->type = type;
	sb->dev = dev_make(0, ANON_DEV + atomic_add_return(&next_dev, 1));
	strlcpy(sb->source, source, sizeof(sb->source));
	atomic_set(&sb->pins, 1);
	if (type->fill(sb)) {
		kfree(sb);
		return NULL;
	}
	assert(sb->root);
	return sb;
}

/* Takes the mount's pin. */
static void
sb_put(struct superblock *sb)
{
	if (atomic_dec_and_test(&sb->pins))
		sb_destroy(sb);
}

static int
configure(struct superblock *sb, const char *text, bool again)
{
	struct mount_options options;
	int err = mount_options_parse(text, total_pages(), &options);

	if (err)
		return err;
	if (!sb->type->configure)
		return options.said ? -EINVAL : 0;
	return sb->type->configure(sb, &options, again);
}

/* Race: two mounts on one directory at once: the second finds it covered, or removed since it was looked up. */
static int
mount_locked(struct superblock *sb, struct inode *dir)
{
	assert(rwsem_write_is_mine(&tree_lock));
	if (dir->mounted || (sb->type->single && dir == dir->sb->root && dir->sb->type == sb->type))
		return -EBUSY;
	if (!dir->nlink)
		return -ENOENT;
	spin_lock(&name_lock);
	sb->covers = inode_get(dir);
	spin_unlock(&name_lock);
	dir->mounted = sb;
	list_add_tail(&sb->link, &mount_list);
	return 0;
}

/* The flag first, then the look at the writers: see inode_claim(). */
static int
remount_locked(struct inode *root, u32 flags, const char *options)
{
	struct superblock *sb = root->sb;
	u32 old = sb->flags;
	int err = 0;

	assert(rwsem_write_is_mine(&tree_lock));
	if (root != sb->root)
		return -EINVAL;
	WRITE_ONCE(sb->flags, flags);
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	if ((flags & ~old & MS_RDONLY) && atomic_read(&sb->writers))
		err = -EBUSY;
	if (!err)
		err = configure(sb, options, true);
	if (err)
		WRITE_ONCE(sb->flags, old);
	return err;
}

/* The caller has one pin, the mount another. Whoever is mounted on a directory of the file system has a third. */
static int
umount_locked(struct inode *root, bool detach, struct list *gone)
{
	struct superblock *sb = root->sb;

	assert(rwsem_write_is_mine(&tree_lock));
	if (root != sb->root)
		return -EINVAL;
	if (!sb->covers || (!detach && atomic_read(&sb->pins) != 2))
		return -EBUSY;
	detach_locked(sb, gone);
	while (detach && (sb = mounted_inside_locked(gone)))
		detach_locked(sb, gone);
	return 0;
}

/* Takes it out of the tree; its mount's pin and the one of what it covers stay to be dropped without the lock. */
static void
detach_locked(struct superblock *sb, struct list *gone)
{
	assert(sb->covers->mounted == sb);
	sb->covers->mounted = NULL;
	sb->was_on = sb->covers;
	spin_lock(&name_lock);
	sb->covers = NULL;
	spin_unlock(&name_lock);
	list_del(&sb->link);
	list_add_tail(&sb->link, gone);
}

/* A file system that is mounted in one of @gone, or NULL. */
static struct superblock *
mounted_inside_locked(const struct list *gone)
{
	struct superblock *sb;
	struct superblock *outer;

	list_for_each (sb, &mount_list, link) {
		list_for_each (outer, gone, link) {
			if (sb->covers && sb->covers->sb == outer)
				return sb;
		}
	}
	return NULL;
}

static const struct fs_type *
fs_type_find(const char *name)
{
	for (u32 i = 0; i < ARRAY_SIZE(fs_types); i++) {
		if (!strcmp(fs_types[i]->name, name))
			return fs_types[i];
	}
	return NULL;
}
