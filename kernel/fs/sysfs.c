/* SPDX-License-Identifier: MIT */
/*
 * kernel/fs/sysfs.c - /sys: inodes and files made on demand
 *
 * Idea        As in /proc nothing stays in memory: a lookup makes an inode, and the last reference frees it. A file's
 *             text is written anew at each read, and is what was asked for of it. Inode numbers follow from the place
 *             of an entry in its table and the number of the directory.
 * Invariants  none
 * Locks       none: tables are constant
 * Follow      from mount.c, path.c, kernel/sys_rw.c   to sysfs_entries.c
 * Tests       tests/guest/sysfs.c
 */
#include <kernel/fs/sysfs.h>

#include <kernel/fs/file.h>
#include <kernel/fs/io.h>
#include <kernel/fs/seq.h>
#include <kernel/fs/vfs.h>
#include <kernel/lib/errno.h>
#include <kernel/lib/string.h>
#include <kernel/panic.h>

#define SYSFS_MAGIC 0x62656572
#define INO_ROOT 1
#define INO_FANOUT 64 /* entries of a table, at most: the i-th entry of directory n has number n * 64 + i + 1 */
#define POS_FIRST 2   /* of the first entry: 0 and 1 are "." and ".." */

static int sysfs_fill(struct superblock *sb);
static void sysfs_drop(struct superblock *sb);
static int sysfs_lookup(struct inode *dir, const char *name, u32 len, struct inode **out);
static int sysfs_create(struct inode *dir, const char *name, u32 len, const struct inode_kind *kind,
			struct inode **out);
static int sysfs_iterate(struct inode *dir, u64 pos, struct dir_emit *emit);
static int sysfs_name_of(struct inode *dir, struct inode *child, char *name);
static int sysfs_open(struct file *f);
static s64 sysfs_read(struct file *f, struct io *io);

static const struct sysfs_entry *table_of(const struct inode *dir);
static u32 mode_of(const struct sysfs_entry *e);
static void furnish(struct inode *inode, const struct sysfs_entry *e);

static const struct inode_ops dir_ops = {
	.lookup = sysfs_lookup,
	.create = sysfs_create,
	.iterate = sysfs_iterate,
	.name_of = sysfs_name_of,
};
static const struct inode_ops file_inode_ops = {};
static const struct file_ops sysfs_file_ops = {.open = sysfs_open, .read = sysfs_read};

static const struct sysfs_entry root_entry = {"", sysfs_root_entries, NULL};

const struct fs_type sysfs_type = {
	.name = "sysfs",
	.single = true,
	.magic = SYSFS_MAGIC,
	.fill = sysfs_fill,
	.drop = sysfs_drop,
};

static int
sysfs_fill(struct superblock *sb)
{
	struct inode_kind kind = {.mode = mode_of(&root_entry)};

	sb->root = inode_alloc(sb, &kind);
	if (!sb->root)
		return -ENOMEM;
	sb->root->ino = INO_ROOT;
	furnish(sb->root, &root_entry);
	return 0;
}

static void
sysfs_drop(struct superblock *sb)
{
	assertf(atomic_read(&sb->root->refs) == 1, "%d references to the root", atomic_read(&sb->root->refs));
	inode_drop(sb->root);
}

static int
sysfs_lookup(struct inode *dir, const char *name, u32 len, struct inode **out)
{
	const struct sysfs_entry *table = table_of(dir);
	const struct sysfs_entry *e = table;
	struct inode_kind kind = {0};
	struct inode *inode;

	while (e->name && (strlen(e->name) != len || memcmp(e->name, name, len)))
		e++;
	if (!e->name)
		return -ENOENT;
	kind.mode = mode_of(e);
	inode = inode_alloc(dir->sb, &kind);
	if (!inode)
		return -ENOMEM;
	assert(e - table < INO_FANOUT);
	inode->ino = dir->ino * INO_FANOUT + (e - table) + 1;
	inode->parent = dir;
	inode_hold(dir);
	furnish(inode, e);
	*out = inode_get(inode);
	inode_drop(inode); /* only the caller knows it */
	return 0;
}

/* Nothing is made here; Linux says so in two ways. */
static int
sysfs_create(struct inode *dir, const char *name, u32 len, const struct inode_kind *kind, struct inode **out)
{
	return (kind->mode & S_IFMT) == S_IFREG ? -EACCES : -EPERM;
}

static int
sysfs_iterate(struct inode *dir, u64 pos, struct dir_emit *emit)
{
	const struct sysfs_entry *table = table_of(dir);
	u64 i = 0;

	while (i < pos - POS_FIRST && table[i].name)
		i++;
	for (; table[i].name; i++) {
		if (!emit->add(emit, table[i].name, strlen(table[i].name), dir->ino * INO_FANOUT + i + 1,
			       mode_of(&table[i]), POS_FIRST + i + 1))
			break;
	}
	return 0;
}

static int
sysfs_name_of(struct inode *dir, struct inode *child, char *name)
{
	const struct sysfs_entry *e = child->entry;

	strlcpy(name, e->name, NAME_MAX + 1);
	return 0;
}

/* Root may do everything, but write where nobody may. */
static int
sysfs_open(struct file *f)
{
	return file_can_write(f) ? -EACCES : 0;
}

static s64
sysfs_read(struct file *f, struct io *io)
{
	const struct sysfs_entry *e = f->inode->entry;
	struct seq text = {0};
	s64 result = 0;

	e->show(&text);
	if (text.failed)
		result = -ENOMEM;
	else if (io->pos < text.len)
		result = io_result(io, io_put(io, text.buf + io->pos, text.len - io->pos));
	seq_free(&text);
	return result;
}

static const struct sysfs_entry *
table_of(const struct inode *dir)
{
	const struct sysfs_entry *e = dir->entry;

	assert(e->dir);
	return e->dir;
}

static u32
mode_of(const struct sysfs_entry *e)
{
	return e->dir ? S_IFDIR | 0755 : S_IFREG | 0444;
}

/* Links: a directory has one of itself, one in its parent, and one of each directory in it. */
static void
furnish(struct inode *inode, const struct sysfs_entry *e)
{
	inode->entry = e;
	inode->ops = e->dir ? &dir_ops : &file_inode_ops;
	inode->fops = e->dir ? NULL : &sysfs_file_ops;
	if (!e->dir)
		return;
	inode->nlink = 2;
	for (const struct sysfs_entry *child = e->dir; child->name; child++)
		inode->nlink += child->dir != NULL;
}
