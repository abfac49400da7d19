/* SPDX-License-Identifier: MIT */
/*
 * kernel/fs/names.c - the other way round: from an inode, an open file or a mapped object to its path
 *
 * Idea        see names.h. A path grows from its end to its beginning.
 * Invariants  none
 * Locks       name_lock while a path grows
 * Follow      from fs/procfs.c, sys_path.c   to inode_ops->name_of in tmpfs.c
 * Tests       tests/guest/names.c
 */
#include <kernel/fs/names.h>

#include <kernel/fs/file.h>
#include <kernel/fs/fs_context.h>
#include <kernel/fs/vfs.h>
#include <kernel/lib/format.h>
#include <kernel/lib/string.h>
#include <kernel/panic.h>
#include <kernel/process.h>
#include <kernel/task.h>

#define DELETED " (deleted)"
#define LABEL_MAX 64 /* bytes of "pipe:[number]" */

/* A path on its way: from start to the end of the buffer. */
struct growth {
	char *buf;
	char *start;
	struct inode *root;
	bool reached; /* the root of the process, so that the path is one that the process can walk */
	bool cut;     /* it does not fit */
};

static char *label_build(const char *label, u64 number, char *buf, u32 size);
static char *path_build(struct inode *inode, struct growth *g);
static void grow_path_locked(struct inode *inode, struct growth *g);
static void grow_name_locked(struct inode *inode, struct growth *g);
static void grow(struct growth *g, const char *text, u32 len);
static struct inode *own_root(void);

char *
path_of_inode(struct inode *inode, char *buf, u32 size)
{
	struct growth g = {.buf = buf, .start = buf + size};

	if (inode->ops->label)
		return label_build(inode->ops->label, inode->ino, buf, size);
	grow(&g, "", 1);
	if (!READ_ONCE(inode->nlink))
		grow(&g, DELETED, strlen(DELETED));
	return path_build(inode, &g);
}

char *
path_of_file(struct file *f, char *buf, u32 size)
{
	if (f->inode)
		return path_of_inode(f->inode, buf, size);
	return label_build(f->ops->label, f->ino, buf, size);
}

char *
path_of_object(struct pagecache *object, char *buf, u32 size)
{
	struct inode *inode = inode_of_object(object);

	if (inode)
		return path_of_inode(inode, buf, size);
	return strlcpy(buf, "/dev/zero" DELETED, size) < size ? buf : NULL;
}

char *
path_of_cwd(struct inode *dir, char *buf, u32 size)
{
	const char *outside = "(unreachable)";
	struct growth g = {.buf = buf, .start = buf + size};

	grow(&g, "", 1);
	if (path_build(dir, &g) && !g.reached)
		grow(&g, outside, strlen(outside));
	return g.cut ? NULL : g.start;
}

void
object_identity(const struct pagecache *object, u64 *dev, u64 *ino)
{
	const struct inode *inode = inode_of_object(object);

	*dev = inode ? inode->sb->dev : ANON_DEV;
	*ino = inode ? inode->ino : object->serial;
}

static char *
label_build(const char *label, u64 number, char *buf, u32 size)
{
	char text[LABEL_MAX];

	format(text, sizeof(text), "%s:[%lu]", label, number);
	return strlcpy(buf, text, size) < size ? buf : NULL;
}

/* Puts the path of @inode before what has grown. NULL: too long. */
static char *
path_build(struct inode *inode, struct growth *g)
{
	char *end = g->start;

	g->root = own_root();
	spin_lock(&name_lock);
	grow_path_locked(inode, g);
	spin_unlock(&name_lock);
	inode_put(g->root);
	if (g->start == end)
		grow(g, "/", 1);
	return g->cut ? NULL : g->start;
}

static void
grow_path_locked(struct inode *inode, struct growth *g)
{
	must_hold(&name_lock);
	for (; !g->cut; inode = inode->parent) {
		while (inode != g->root && inode == inode->sb->root && inode->sb->covers)
			inode = inode->sb->covers;
		g->reached = inode == g->root;
		if (g->reached || !inode->parent)
			return;
		grow_name_locked(inode, g);
	}
}

static void
grow_name_locked(struct inode *inode, struct growth *g)
{
	const struct inode_ops *ops = inode->parent->ops;
	char name[NAME_MAX + 1];

	if (!ops->name_of || ops->name_of(inode->parent, inode, name))
		strlcpy(name, "?", sizeof(name));
	grow(g, name, strlen(name));
	grow(g, "/", 1);
}

static void
grow(struct growth *g, const char *text, u32 len)
{
	g->cut |= len > g->start - g->buf;
	if (g->cut)
		return;
	g->start -= len;
	memcpy(g->start, text, len);
}

/* Gives it pinned. */
static struct inode *
own_root(void)
{
	return fs_root(current->process ? current->process->fs : NULL);
}
