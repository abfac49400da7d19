/* SPDX-License-Identifier: MIT */
/*
 * kernel/initrd.c - the first files: an archive in memory becomes the root file system
 *
 * Idea        One or more archives, each plain or packed with gzip, one behind the other, as Linux takes them. A
 *             packed one is unpacked into vmalloc'ed memory first. What cannot be made is reported and left out; what
 *             is corrupt ends the work. Entries with more than one link come with their contents on the last of them
 *             (newc), so contents are appended to whatever file the first of the names made.
 * Invariants  none
 * Locks       none of its own: boot, one task
 * Follow      from main.c   to lib/inflate.c, lib/cpio.c, fs/tmpfs.c
 * Tests       tests/guest/test_guest.py (broken archives), tests/host/cpio_test.c, tests/host/inflate_test.c
 * See         Linux Documentation/driver-api/early-userspace/buffer-format.rst
 */
#include <kernel/initrd.h>

#include <kernel/fs/path.h>
#include <kernel/fs/tmpfs.h>
#include <kernel/lib/cpio.h>
#include <kernel/lib/errno.h>
#include <kernel/lib/inflate.h>
#include <kernel/lib/string.h>
#include <kernel/panic.h>
#include <kernel/printk.h>
#include <mm/page_alloc.h>
#include <mm/slab.h>
#include <mm/vmalloc.h>

#define GZIP_MAGIC_0 0x1f
#define GZIP_MAGIC_1 0x8b
#define GROWTH \
	4 /* a packed archive without a believable size is unpacked into this many times its size, then twice that */

/* A file with several names whose other names are still to come. */
struct link_seen {
	struct list list;
	struct inode *inode; /* pinned */
	u32 ino, devmajor, devminor;
};

struct unpack {
	struct list links; /* struct link_seen */
	char *path;        /* PATH_MAX bytes for walks */
	u64 files;
	u64 bytes; /* of contents */
};

static void unpack_all(struct unpack *u, const u8 *data, u64 size);
static u64 unpack_packed(struct unpack *u, const u8 *data, u64 size, u64 offset);
static int gunzip_grow(const u8 *data, u64 size, u8 **out, size_t *out_len, size_t *used);
static u64 unpack_plain(struct unpack *u, const u8 *data, u64 size, u64 offset, bool packed);
static void make_entry(struct unpack *u, const struct cpio_entry *e);
static int make_at(struct unpack *u, struct walk *w, const struct cpio_entry *e, struct inode **out);
static int make_new(struct unpack *u, struct walk *w, const struct cpio_entry *e, struct inode **out);
static int replace(struct walk *w, const struct cpio_entry *e, struct inode **out);
static struct link_seen *link_find(struct unpack *u, const struct cpio_entry *e);
static void link_remember(struct unpack *u, const struct cpio_entry *e, struct inode *inode);
static void links_forget(struct unpack *u);

void
initrd_unpack(u64 pa, u64 size)
{
	struct unpack u = {.path = path_buf_alloc()};

	if (!size)
		return;
	if (!u.path)
		panic("No memory to unpack the initial RAM disk.");
	list_init(&u.links);
	unpack_all(&u, pa_to_va(pa), size);
	links_forget(&u);
	path_buf_free(u.path);
	page_give(round_down(pa, PAGE_SIZE), round_up(pa + size, PAGE_SIZE) - round_down(pa, PAGE_SIZE));
	pr_info("initrd: %llu files, %llu KiB, from %llu KiB\n", (unsigned long long)u.files,
		(unsigned long long)u.bytes / 1024, (unsigned long long)size / 1024);
}

/* Archives and zero bytes between them. Each step says how far it came; 0: stop. */
static void
unpack_all(struct unpack *u, const u8 *data, u64 size)
{
	u64 at = 0;
	u64 used = 1;

	while (used && at < size) {
		if (!data[at])
			used = 1;
		else if (size - at > 2 && data[at] == GZIP_MAGIC_0 && data[at + 1] == GZIP_MAGIC_1)
			used = unpack_packed(u, data + at, size - at, at);
		else
			used = unpack_plain(u, data + at, size - at, at, false);
		at += used;
	}
}

static u64
unpack_packed(struct unpack *u, const u8 *data, u64 size, u64 offset)
{
	u8 *out = NULL;
	size_t len = 0;
	size_t used = 0;
	int err = gunzip_grow(data, size, &out, &len, &used);

	if (err == -ENOMEM)
		pr_err("initrd: no memory to unpack the gzip archive at offset %llu; make it smaller or give more "
		       "RAM\n",
		       (unsigned long long)offset);
	else if (err)
		pr_err("initrd: the gzip archive at offset %llu is corrupt or cut off (%llu bytes are there)\n",
		       (unsigned long long)offset, (unsigned long long)size);
	else
		unpack_plain(u, out, len, offset, true);
	vfree(out);
	return used;
}

/* The size in the trailer is true when nothing follows the archive; otherwise try larger and larger. */
static int
gunzip_grow(const u8 *data, u64 size, u8 **out, size_t *out_len, size_t *used)
{
	u64 cap = gunzip_size_hint(data, size);
	int err = -ENOSPC;

	if (cap < size || cap > total_pages() * PAGE_SIZE)
		cap = size * GROWTH;
	for (; err == -ENOSPC; cap *= 2) {
		vfree(*out);
		*out = cap / PAGE_SIZE < nr_free_pages() ? vmalloc(cap) : NULL;
		if (!*out)
			return -ENOMEM;
		err = gunzip(data, size, *out, cap, out_len, used);
	}
	return err;
}

/* Returns the bytes used; 0 after an error that was reported. */
static u64
unpack_plain(struct unpack *u, const u8 *data, u64 size, u64 offset, bool packed)
{
	struct cpio_reader r;
	struct cpio_entry e;
	int got;

	cpio_init(&r, data, size);
	while ((got = cpio_next(&r, &e)) > 0)
		make_entry(u, &e);
	if (!got)
		return size;
	/* Something else begins where an archive has ended: the caller looks at what it is. */
	if (!r.inside && r.offset && !packed)
		return r.offset;
	pr_err("initrd: corrupt at offset %llu of the %sarchive at %llu: %s; the %llu files before it are kept\n",
	       (unsigned long long)r.offset, packed ? "unpacked " : "", (unsigned long long)offset, r.reason,
	       (unsigned long long)u->files);
	return 0;
}

static void
make_entry(struct unpack *u, const struct cpio_entry *e)
{
	struct walk w = {.buf = u->path, .start = root_inode, .flags = WALK_PARENT};
	struct inode *inode = NULL;
	int err = -ENAMETOOLONG;

	if (strlcpy(u->path, e->name, PATH_MAX) < PATH_MAX) {
		rwsem_write_lock(&tree_lock);
		err = path_walk(&w);
		if (!err)
			err = make_at(u, &w, e, &inode);
		rwsem_write_unlock(&tree_lock);
		path_walk_end(&w);
	}
	if (!err && e->size && (e->mode & S_IFMT) == S_IFREG)
		err = tmpfs_append_kernel(inode, e->data, e->size);
	if (inode)
		inode_put(inode);
	if (err) {
		pr_err("initrd: %s at offset %llu: error %d, left out\n", e->name, (unsigned long long)e->offset, -err);
		return;
	}
	u->files++;
	u->bytes += (e->mode & S_IFMT) == S_IFREG ? e->size : 0;
}

/* Gives *out, pinned. "." and the like name what is there already. */
static int
make_at(struct unpack *u, struct walk *w, const struct cpio_entry *e, struct inode **out)
{
	struct link_seen *seen = link_find(u, e);
	int err;

	if (w->last == LAST_ROOT || w->last == LAST_DOT) {
		*out = inode_get(w->dir);
		return inode_is_dir(*out) && (e->mode & S_IFMT) == S_IFDIR ? 0 : -EEXIST;
	}
	if (w->last == LAST_UP)
		return -EINVAL;
	if (!w->dir->ops->create)
		return -ENOTDIR;
	err = replace(w, e, out);
	if (err || *out)
		return err;
	if (!seen)
		return make_new(u, w, e, out);
	err = w->dir->ops->link(w->dir, w->name, w->len, seen->inode);
	if (!err)
		*out = inode_get(seen->inode);
	return err;
}

static int
make_new(struct unpack *u, struct walk *w, const struct cpio_entry *e, struct inode **out)
{
	struct inode_kind kind = {.mode = e->mode, .rdev = dev_make(e->rdevmajor, e->rdevminor)};
	char *target = NULL;
	int err = -ENOMEM;

	if (!(e->mode & S_IFMT))
		return -EINVAL;
	if ((e->mode & S_IFMT) == S_IFLNK) {
		if (!e->size || e->size >= PATH_MAX)
			return -EINVAL;
		target = kzalloc(e->size + 1, ALLOC_KERNEL);
		if (!target)
			return -ENOMEM;
		memcpy(target, e->data, e->size);
		kind.target = target;
	}
	err = w->dir->ops->create(w->dir, w->name, w->len, &kind, out);
	kfree(target);
	if (err)
		return err;
	(*out)->uid = e->uid;
	(*out)->gid = e->gid;
	(*out)->mtime_ns = e->mtime * 1000000000UL;
	link_remember(u, e, *out);
	return 0;
}

/* What is there already: a directory gets the entry's mode, anything else gives way. *out NULL: make it new. */
static int
replace(struct walk *w, const struct cpio_entry *e, struct inode **out)
{
	struct inode *old;
	int err = path_child(w->dir, w->name, w->len, &old);

	*out = NULL;
	if (err)
		return err == -ENOENT ? 0 : err;
	if (inode_is_dir(old) && (e->mode & S_IFMT) == S_IFDIR) {
		old->mode = e->mode;
		*out = old;
		return 0;
	}
	err = inode_is_dir(old) ? -EISDIR : w->dir->ops->remove(w->dir, w->name, w->len, old);
	inode_put(old);
	return err;
}

static struct link_seen *
link_find(struct unpack *u, const struct cpio_entry *e)
{
	struct link_seen *l;

	if (e->nlink < 2 || (e->mode & S_IFMT) == S_IFDIR)
		return NULL;
	list_for_each (l, &u->links, list) {
		if (l->ino == e->ino && l->devmajor == e->devmajor && l->devminor == e->devminor)
			return l;
	}
	return NULL;
}

static void
link_remember(struct unpack *u, const struct cpio_entry *e, struct inode *inode)
{
	struct link_seen *l;

	if (e->nlink < 2 || inode_is_dir(inode))
		return;
	l = kmalloc(sizeof(*l), ALLOC_KERNEL);
	if (!l) {
		pr_err("initrd: no memory to remember the links of %s\n", e->name);
		return;
	}
	*l = (struct link_seen){
		.inode = inode_get(inode), .ino = e->ino, .devmajor = e->devmajor, .devminor = e->devminor};
	list_add_tail(&l->list, &u->links);
}

static void
links_forget(struct unpack *u)
{
	struct link_seen *l;
	struct link_seen *next;

	list_for_each_safe (l, next, &u->links, list) {
		inode_put(l->inode);
		kfree(l);
	}
}
