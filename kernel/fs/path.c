/* SPDX-License-Identifier: MIT */
/*
 * kernel/fs/path.c - from a path to an inode
 *
 * Idea        see path.h
 * Invariants  I1  w->at is pinned from the first component to the end of the walk.
 * Locks       the caller holds tree_lock
 * Follow      from kernel/sys_path.c, file.c   to inode_ops->lookup in tmpfs.c, procfs.c
 * Tests       tests/guest/file.c
 * See         path_resolution(7)
 */
#include <kernel/fs/path.h>

#include <kernel/fs/vfs.h>
#include <kernel/lib/errno.h>
#include <kernel/lib/string.h>
#include <kernel/panic.h>
#include <mm/page_alloc.h>
#include <mm/slab.h>

static int walk_step(struct walk *w, bool *done);
static int walk_last(struct walk *w, bool *done);
static int walk_lookup(struct walk *w, struct inode **out);
static int walk_arrive(struct walk *w, struct inode *next, bool last, bool *done);
static int walk_follow(struct walk *w, struct inode **next);
static int walk_target(struct walk *w, struct inode *link);
static void walk_move(struct walk *w, struct inode *to);
static struct inode *mount_cross(struct inode *inode);

int
path_walk(struct walk *w)
{
	bool done = false;
	int err = 0;

	w->inode = w->dir = NULL;
	w->pos = w->links = 0;
	if (!w->buf[0] && !(w->flags & WALK_EMPTY))
		return -ENOENT;
	if (!w->root)
		w->root = root_inode;
	w->at = w->buf[0] == '/' ? mount_cross(inode_get(w->root)) : inode_get(w->start);
	while (!err && !done)
		err = walk_step(w, &done);
	inode_put(w->at);
	w->at = NULL;
	assert(err || !w->inode != !w->dir);
	return err;
}

void
path_walk_end(struct walk *w)
{
	if (w->inode)
		inode_put(w->inode);
	if (w->dir)
		inode_put(w->dir);
	w->inode = w->dir = NULL;
}

int
path_child(struct inode *dir, const char *name, u32 len, struct inode **out)
{
	int err;

	if (!dir->ops->lookup)
		return -ENOTDIR;
	err = dir->ops->lookup(dir, name, len, out);
	if (!err)
		*out = mount_cross(*out);
	return err;
}

struct inode *
path_parent(struct inode *dir, struct inode *root)
{
	struct inode *at = dir;

	while (at != root && at == at->sb->root && at->sb->covers)
		at = at->sb->covers;
	if (at == root)
		return inode_get(dir);
	return inode_get(at->parent ? at->parent : at);
}

char *
path_buf_alloc(void)
{
	return kmalloc(PATH_MAX, ALLOC_KERNEL);
}

void
path_buf_free(char *buf)
{
	kfree(buf);
}

/* One component. */
static int
walk_step(struct walk *w, bool *done)
{
	struct inode *next;
	int err;

	w->len = pathname_next(w->buf, &w->pos, &w->name, &w->slash);
	w->last = pathname_kind(w->name, w->len);
	if (w->len > NAME_MAX)
		return -ENAMETOOLONG;
	if (w->len && !inode_is_dir(w->at))
		return -ENOTDIR;
	if (!w->buf[w->pos])
		return walk_last(w, done);
	err = walk_lookup(w, &next);
	return err ? err : walk_arrive(w, next, false, done);
}

/* The last component, or none at all: what is done with it depends on what the caller wants. */
static int
walk_last(struct walk *w, bool *done)
{
	struct inode *next;
	int err;

	if (w->flags & WALK_PARENT) {
		w->dir = inode_get(w->at);
		*done = true;
		return 0;
	}
	err = walk_lookup(w, &next);
	if (err == -ENOENT && (w->flags & WALK_CREATE) && w->last == LAST_NAME) {
		w->dir = inode_get(w->at);
		*done = true;
		return 0;
	}
	return err ? err : walk_arrive(w, next, true, done);
}

/* Gives *out, pinned. */
static int
walk_lookup(struct walk *w, struct inode **out)
{
	switch (w->last) {
	case LAST_ROOT:
	case LAST_DOT:
		*out = inode_get(w->at);
		return 0;
	case LAST_UP:
		*out = path_parent(w->at, w->root);
		return 0;
	case LAST_NAME:
		break;
	}
	return path_child(w->at, w->name, w->len, out);
}

/* Takes @next: follows it, ends with it, or goes on from it. */
static int
walk_arrive(struct walk *w, struct inode *next, bool last, bool *done)
{
	int err = 0;

	if (inode_is_link(next) && (!last || w->slash || (w->flags & WALK_FOLLOW))) {
		err = walk_follow(w, &next);
		if (err || !next)
			return err;
	}
	if (!last) {
		walk_move(w, next);
		return 0;
	}
	if (w->slash && !inode_is_dir(next))
		err = -ENOTDIR;
	*done = true;
	if (err)
		inode_put(next);
	else
		w->inode = next;
	return err;
}

/* Takes the link *next. Gives where it leads, pinned, if that is a place; NULL: a path, which is to be walked now. */
static int
walk_follow(struct walk *w, struct inode **next)
{
	struct inode *link = *next;
	int err;

	*next = NULL;
	if (++w->links > LINKS_MAX || (link->sb->flags & MS_NOSYMFOLLOW))
		err = -ELOOP;
	else
		err = link->ops->jump ? link->ops->jump(link, next) : walk_target(w, link);
	inode_put(link);
	return err;
}

/* Puts the target of @link before the rest of the path, whose '/' stays: it separates, or asks for a directory. */
static int
walk_target(struct walk *w, struct inode *link)
{
	u32 rest = w->slash ? w->pos - 1 : w->pos;
	s64 len;

	pathname_open(w->buf, &rest);
	len = link->ops->read_link(link, w->buf, rest);
	if (len == 0)
		return -ENOENT;
	if (len < 0)
		return len;
	if (len >= rest)
		return -ENAMETOOLONG;
	pathname_close(w->buf, len, rest);
	w->pos = 0;
	if (w->buf[0] == '/')
		walk_move(w, mount_cross(inode_get(w->root)));
	return 0;
}

/* Takes @to. */
static void
walk_move(struct walk *w, struct inode *to)
{
	inode_put(w->at);
	w->at = to;
}

/* Takes a pinned inode, gives what is mounted on it, pinned. */
static struct inode *
mount_cross(struct inode *inode)
{
	struct inode *top;

	while (inode->mounted) {
		top = inode_get(inode->mounted->root);
		inode_put(inode);
		inode = top;
	}
	return inode;
}
