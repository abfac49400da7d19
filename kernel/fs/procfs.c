/* SPDX-License-Identifier: MIT */
/*
 * kernel/fs/procfs.c - /proc: inodes made on demand
 *
 * Idea        Nothing of /proc stays in memory: a lookup makes an inode, and the last reference frees it. What an inode
 *             is, its entry says; of which process and thread it tells, it knows itself.
 *
 *                 /proc                 root_entry       members: processes
 *                 /proc/meminfo         in a table
 *                 /proc/7               process_entry    process 7
 *                 /proc/7/status        in a table       process 7
 *                 /proc/7/task          in a table       process 7, members: threads
 *                 /proc/7/task/9        thread_entry     process 7, number 9
 *
 * Invariants  I1  An inode with a process holds one reference to it.
 * Locks       tree_lock is held by whoever looks up
 * Follow      from path.c   to procfs_file.c, procfs_task.c
 * Tests       tests/guest/proc_pid.c
 * See         proc(5)
 */
#include <kernel/fs/procfs.h>

#include <kernel/fs/vfs.h>
#include <kernel/lib/errno.h>
#include <kernel/lib/format.h>
#include <kernel/lib/string.h>
#include <kernel/panic.h>
#include <kernel/process.h>
#include <kernel/task.h>

#define PROC_MAGIC 0x9fa0
#define INO_ROOT 1
#define POS_FIRST 2        /* of the first entry: 0 and 1 are "." and ".." */
#define POS_MEMBERS 65536  /* of member n: POS_MEMBERS + n */
#define MEMBER_MAX 1000000 /* numbers of members are below */

static int proc_fill(struct superblock *sb);
static void proc_drop(struct superblock *sb);
static int proc_lookup(struct inode *dir, const char *name, u32 len, struct inode **out);
static int proc_iterate(struct inode *dir, u64 pos, struct dir_emit *emit);
static int proc_name_of(struct inode *dir, struct inode *child, char *name);
static s64 proc_read_link(struct inode *inode, char *buf, u32 size);
static int proc_jump(struct inode *link, struct inode **out);
static void proc_evict(struct inode *inode);
static s64 self_read_link(const struct proc_who *who, char *buf, u32 size);
static s64 thread_self_read_link(const struct proc_who *who, char *buf, u32 size);

static bool proc_is_gone(const struct inode *dir);
static const struct proc_entry *entry_at(const struct inode *dir, u64 i);
static const struct proc_entry *entry_find(const struct inode *dir, const char *name, u32 len, u64 *i);
static int make_entry(struct inode *dir, const struct proc_entry *e, u64 i, struct inode **out);
static int make_member(struct inode *dir, u64 n, struct inode **out);
static struct inode *make_inode(struct inode *dir, const struct proc_entry *e, u64 ino);
static int give_inode(struct inode *inode, int err, struct inode **out);
static bool list_entries(struct inode *dir, u64 *pos, struct dir_emit *emit);
static void list_members(struct inode *dir, u64 pos, struct dir_emit *emit);
static u64 ino_entry(const struct inode *dir, u64 i);
static u64 ino_member(const struct inode *dir, u64 n);
static s64 number_parse(const char *name, u32 len);

static const struct inode_ops dir_ops = {
	.lookup = proc_lookup, .iterate = proc_iterate, .name_of = proc_name_of, .evict = proc_evict};
static const struct inode_ops file_inode_ops = {.evict = proc_evict};
static const struct inode_ops link_ops = {.read_link = proc_read_link, .evict = proc_evict};
static const struct inode_ops place_ops = {.read_link = proc_read_link, .jump = proc_jump, .evict = proc_evict};

static const struct proc_entry link_entries[] = {
	{.name = "self", .mode = S_IFLNK | 0777, .read_link = self_read_link},
	{.name = "thread-self", .mode = S_IFLNK | 0777, .read_link = thread_self_read_link},
	{},
};

static const struct proc_entry *const root_tables[] = {procfs_mm_entries,
						       procfs_sys_entries,
						       procfs_cpu_entries,
						       procfs_zone_entries,
						       sysctl_root_entries,
						       link_entries,
						       NULL};
static const struct proc_entry root_entry = {.mode = S_IFDIR | 0555, .members = &procfs_processes};

const struct fs_type procfs_type = {
	.name = "proc",
	.single = true,
	.magic = PROC_MAGIC,
	.fill = proc_fill,
	.drop = proc_drop,
};

void
procfs_init(void)
{
	procfs_file_init();
}

struct proc_who
proc_who_of(const struct inode *inode)
{
	return (struct proc_who){.entry = inode->entry, .process = inode->process, .tid = (s32)inode->number};
}

static int
proc_fill(struct superblock *sb)
{
	struct inode_kind kind = {.mode = root_entry.mode};

	sb->root = inode_alloc(sb, &kind);
	if (!sb->root)
		return -ENOMEM;
	sb->root->ops = &dir_ops;
	sb->root->entry = &root_entry;
	sb->root->ino = INO_ROOT;
	sb->root->nlink = 2;
	return 0;
}

static void
proc_drop(struct superblock *sb)
{
	assertf(atomic_read(&sb->root->refs) == 1, "%d references to the root", atomic_read(&sb->root->refs));
	inode_drop(sb->root);
}

static int
proc_lookup(struct inode *dir, const char *name, u32 len, struct inode **out)
{
	const struct proc_entry *self = dir->entry;
	const struct proc_entry *e;
	s64 n = self->members ? number_parse(name, len) : -1;
	u64 i;

	if (proc_is_gone(dir))
		return -ENOENT;
	if (n >= 0)
		return make_member(dir, n, out);
	e = entry_find(dir, name, len, &i);
	if (e && e->prepare)
		e->prepare();
	return e ? make_entry(dir, e, i, out) : -ENOENT;
}

static int
proc_iterate(struct inode *dir, u64 pos, struct dir_emit *emit)
{
	const struct proc_entry *self = dir->entry;

	if (proc_is_gone(dir))
		return -ENOENT;
	if (pos < POS_MEMBERS && list_entries(dir, &pos, emit))
		return 0;
	if (self->members)
		list_members(dir, max_u64(pos, POS_MEMBERS), emit);
	return 0;
}

/* A member is called by its number. */
static int
proc_name_of(struct inode *dir, struct inode *child, char *name)
{
	const struct proc_entry *e = child->entry;

	if (e->name)
		strlcpy(name, e->name, NAME_MAX + 1);
	else
		format(name, NAME_MAX + 1, "%lu",
		       e == &procfs_process_entry ? (u64)child->process->pid : child->number);
	return 0;
}

static s64
proc_read_link(struct inode *inode, char *buf, u32 size)
{
	const struct proc_who who = proc_who_of(inode);

	return who.entry->read_link(&who, buf, size);
}

static int
proc_jump(struct inode *link, struct inode **out)
{
	const struct proc_who who = proc_who_of(link);

	return who.entry->jump(&who, out);
}

static void
proc_evict(struct inode *inode)
{
	if (inode->process)
		process_put(inode->process);
}

static s64
self_read_link(const struct proc_who *who, char *buf, u32 size)
{
	char text[16];
	u32 len;

	if (!current->process)
		return -ENOENT;
	len = min_u64(size, format(text, sizeof(text), "%d", current->process->pid));
	memcpy(buf, text, len);
	return len;
}

static s64
thread_self_read_link(const struct proc_who *who, char *buf, u32 size)
{
	char text[32];
	u32 len;

	if (!current->process)
		return -ENOENT;
	len = min_u64(size, format(text, sizeof(text), "%d/task/%d", current->process->pid, current->tid));
	memcpy(buf, text, len);
	return len;
}

/* A process that has been waited for has no files any more. */
static bool
proc_is_gone(const struct inode *dir)
{
	return dir->process && READ_ONCE(dir->process->state) == PROCESS_REAPED;
}

/* The @i-th entry of a directory's tables; NULL past the last. */
static const struct proc_entry *
entry_at(const struct inode *dir, u64 i)
{
	const struct proc_entry *self = dir->entry;
	const struct proc_entry *const one[] = {self->dir, NULL};
	const struct proc_entry *const *tables = self == &root_entry ? root_tables : one;
	const struct proc_entry *e;

	for (; *tables; tables++) {
		for (e = *tables; e->name; e++) {
			if (!i--)
				return e;
		}
	}
	return NULL;
}

static const struct proc_entry *
entry_find(const struct inode *dir, const char *name, u32 len, u64 *i)
{
	const struct proc_entry *e;

	for (*i = 0; (e = entry_at(dir, *i)); ++*i) {
		if (strlen(e->name) == len && !memcmp(e->name, name, len))
			return e;
	}
	return NULL;
}

/* Gives *out, pinned. What lies below a process is of that process and thread. */
static int
make_entry(struct inode *dir, const struct proc_entry *e, u64 i, struct inode **out)
{
	struct inode *inode = make_inode(dir, e, ino_entry(dir, i));

	if (!inode)
		return -ENOMEM;
	inode->process = dir->process;
	inode->number = dir->number;
	if (inode->process)
		process_get(inode->process);
	return give_inode(inode, 0, out);
}

/* Likewise. */
static int
make_member(struct inode *dir, u64 n, struct inode **out)
{
	const struct proc_members *members = ((const struct proc_entry *)dir->entry)->members;
	struct inode *inode = make_inode(dir, members->entry, ino_member(dir, n));

	if (!inode)
		return -ENOMEM;
	return give_inode(inode, members->find(dir, n, inode), out);
}

/* A fresh inode that only the caller knows, refs == 1; @dir is its parent. */
static struct inode *
make_inode(struct inode *dir, const struct proc_entry *e, u64 ino)
{
	struct inode_kind kind = {.mode = e->mode & S_IFMT ? e->mode : S_IFREG | (e->mode ? e->mode : 0444)};
	struct inode *inode = inode_alloc(dir->sb, &kind);

	if (!inode)
		return NULL;
	inode->ino = ino;
	inode->entry = e;
	inode->ops = &file_inode_ops;
	inode->fops = e->fops ? e->fops : &procfs_file_ops;
	if (inode_is_link(inode)) {
		inode->ops = e->jump ? &place_ops : &link_ops;
		inode->fops = NULL;
	} else if (inode_is_dir(inode)) {
		inode->ops = &dir_ops;
		inode->fops = NULL;
		inode->nlink = 2;
	}
	inode_hold(dir);
	inode->parent = dir;
	return inode;
}

/* Pins what only we know, or lets it go. */
static int
give_inode(struct inode *inode, int err, struct inode **out)
{
	if (!err)
		*out = inode_get(inode);
	inode_drop(inode);
	return err;
}

/* Hands entries of tables from *pos on to @emit. True: no room for the next. Otherwise *pos is behind the last. */
static bool
list_entries(struct inode *dir, u64 *pos, struct dir_emit *emit)
{
	const struct proc_entry *e;
	u32 type;

	for (; (e = entry_at(dir, *pos - POS_FIRST)); ++*pos) {
		type = e->mode & S_IFMT ? e->mode & S_IFMT : S_IFREG;
		if (!emit->add(emit, e->name, strlen(e->name), ino_entry(dir, *pos - POS_FIRST), type, *pos + 1))
			return true;
	}
	return false;
}

static void
list_members(struct inode *dir, u64 pos, struct dir_emit *emit)
{
	const struct proc_members *members = ((const struct proc_entry *)dir->entry)->members;
	char name[24];
	bool more = true;
	s64 n;

	for (; more; pos = POS_MEMBERS + n + 1) {
		n = members->next(dir, pos - POS_MEMBERS);
		if (n < 0)
			return;
		more = emit->add(emit, name, format(name, sizeof(name), "%ld", n), ino_member(dir, n),
				 members->entry->mode & S_IFMT, POS_MEMBERS + n + 1);
	}
}

/* Numbers by place: the parent's number in front, so that no two places have the same. */
static u64
ino_entry(const struct inode *dir, u64 i)
{
	return dir->ino << 8 | (1 + i);
}

static u64
ino_member(const struct inode *dir, u64 n)
{
	return dir->ino << 17 | 1UL << 16 | n;
}

/* -1: not a number as /proc names members. */
static s64
number_parse(const char *name, u32 len)
{
	s64 n = 0;

	if (!len || len > 6 || (name[0] == '0' && len > 1))
		return -1;
	for (u32 i = 0; i < len; i++) {
		if (name[i] < '0' || name[i] > '9')
			return -1;
		n = n * 10 + name[i] - '0';
	}
	return n < MEMBER_MAX ? n : -1;
}
