/* SPDX-License-Identifier: MIT */
/*
 * kernel/fs/procfs.c - /proc: inodes and files made on demand
 *
 * Idea        Nothing of /proc stays in memory: a lookup makes an inode, and the last reference frees it. A file's
 *             text is written whole when it is read from position 0; later reads serve that text, so that a reader
 *             sees one moment.
 *
 *                 /proc            entry NULL                process NULL
 *                 /proc/meminfo    entry in a table          process NULL
 *                 /proc/7          entry NULL                process 7
 *                 /proc/7/status   entry in a table          process 7
 *
 * Invariants  I1  An inode with a process holds one reference to it.
 * Locks       inode->lock of the file: its text (file->private). Nothing is held but that while a text is written.
 * Follow      from path.c, kernel/sys_rw.c   to procfs_sys.c, procfs_mm.c, procfs_pid.c
 * Tests       tests/guest/main.c
 * See         proc(5)
 */
#include <kernel/fs/procfs.h>

#include <kernel/fs/file.h>
#include <kernel/fs/io.h>
#include <kernel/fs/names.h>
#include <kernel/fs/path.h>
#include <kernel/fs/seq.h>
#include <kernel/fs/vfs.h>
#include <kernel/lib/errno.h>
#include <kernel/lib/format.h>
#include <kernel/lib/string.h>
#include <kernel/panic.h>
#include <kernel/pid.h>
#include <kernel/process.h>
#include <kernel/task.h>
#include <mm/page_alloc.h>
#include <mm/slab.h>

#define PROC_MAGIC 0x9fa0
#define INO_ROOT 1
#define INO_SELF 2
#define INO_FILE 16   /* of the i-th file of the system: INO_FILE + i */
#define INO_PID 65536 /* of /proc/<pid>: INO_PID + pid * INO_STRIDE; its files follow */
#define INO_STRIDE 64
#define POS_FIRST 2   /* of the first entry: 0 and 1 are "." and ".." */
#define POS_PID 65536 /* of /proc/<pid>: POS_PID + pid */
#define STORE_MAX 256 /* bytes taken of one write */

static int proc_fill(struct superblock *sb);
static void proc_drop(struct superblock *sb);
static int root_lookup(struct inode *dir, const char *name, u32 len, struct inode **out);
static int root_iterate(struct inode *dir, u64 pos, struct dir_emit *emit);
static int root_name_of(struct inode *dir, struct inode *child, char *name);
static int pid_lookup(struct inode *dir, const char *name, u32 len, struct inode **out);
static int pid_iterate(struct inode *dir, u64 pos, struct dir_emit *emit);
static int pid_name_of(struct inode *dir, struct inode *child, char *name);
static s64 place_read_link(struct inode *inode, char *buf, u32 size);
static int place_jump(struct inode *link, struct inode **out);
static s64 self_read_link(struct inode *inode, char *buf, u32 size);
static void proc_evict(struct inode *inode);
static s64 proc_read(struct file *f, struct io *io);
static s64 proc_write(struct file *f, struct io *io);
static void proc_release(struct file *f);

static const struct proc_entry *entry_at(const struct proc_entry *const tables[2], u64 i);
static const struct proc_entry *entry_find(const struct proc_entry *const tables[2], const char *name, u32 len, u64 *i);
static u32 entry_mode(const struct proc_entry *e);
static int make_file(struct inode *dir, const struct proc_entry *e, u64 ino, struct inode **out);
static int make_pid_dir(struct inode *root, s32 pid, struct inode **out);
static int make_inode(struct inode *dir, u32 mode, u64 ino, const struct inode_ops *ops, struct inode **out);
static bool list_entries(const struct proc_entry *const tables[2], u64 *pos, u64 ino, struct dir_emit *emit);
static s32 pid_parse(const char *name, u32 len);
static s64 read_locked(struct file *f, struct io *io);
static int text_write(struct seq *s, struct inode *inode);

static const struct inode_ops root_ops = {.lookup = root_lookup, .iterate = root_iterate, .name_of = root_name_of};
static const struct inode_ops pid_ops = {
	.lookup = pid_lookup, .iterate = pid_iterate, .name_of = pid_name_of, .evict = proc_evict};
static const struct inode_ops place_ops = {.read_link = place_read_link, .jump = place_jump, .evict = proc_evict};
static const struct inode_ops file_inode_ops = {.evict = proc_evict};
static const struct inode_ops self_ops = {.read_link = self_read_link};
static const struct file_ops proc_file_ops = {.read = proc_read, .write = proc_write, .release = proc_release};

static const struct proc_entry *const root_tables[2] = {procfs_mm_entries, procfs_sys_entries};
static const struct proc_entry *const pid_tables[2] = {procfs_pid_entries, NULL};

static struct kmem_cache *text_cache; /* const after init: of struct seq */

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
	text_cache = kmem_cache_create("proc_text", sizeof(struct seq), 0);
}

static int
proc_fill(struct superblock *sb)
{
	struct inode_kind kind = {.mode = S_IFDIR | 0555};

	sb->root = inode_alloc(sb, &kind);
	if (!sb->root)
		return -ENOMEM;
	sb->root->ops = &root_ops;
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
root_lookup(struct inode *dir, const char *name, u32 len, struct inode **out)
{
	const struct proc_entry *e;
	s32 pid = pid_parse(name, len);
	u64 i;

	if (pid)
		return make_pid_dir(dir, pid, out);
	if (len == 4 && !memcmp(name, "self", 4))
		return make_inode(dir, S_IFLNK | 0777, INO_SELF, &self_ops, out);
	e = entry_find(root_tables, name, len, &i);
	if (e && e->prepare)
		e->prepare();
	return e ? make_file(dir, e, INO_FILE + i, out) : -ENOENT;
}

static int
root_iterate(struct inode *dir, u64 pos, struct dir_emit *emit)
{
	struct process *p;
	char name[16];
	s32 pid;
	bool more;

	if (pos < POS_PID && list_entries(root_tables, &pos, INO_FILE, emit))
		return 0;
	if (pos < POS_PID) {
		if (!emit->add(emit, "self", 4, INO_SELF, S_IFLNK, POS_PID))
			return 0;
		pos = POS_PID;
	}
	do {
		p = process_next_get(pos - POS_PID);
		if (!p)
			return 0;
		pid = p->pid;
		process_put(p);
		pos = POS_PID + pid;
		more = emit->add(emit, name, format(name, sizeof(name), "%d", pid), INO_PID + (u64)pid * INO_STRIDE,
				 S_IFDIR, pos);
	} while (more);
	return 0;
}

static int
root_name_of(struct inode *dir, struct inode *child, char *name)
{
	const struct proc_entry *e = child->entry;

	if (child->process)
		format(name, NAME_MAX + 1, "%d", child->process->pid);
	else
		strlcpy(name, e ? e->name : "self", NAME_MAX + 1);
	return 0;
}

/* A process that has been waited for has no files any more. */
static int
pid_lookup(struct inode *dir, const char *name, u32 len, struct inode **out)
{
	const struct proc_entry *e;
	u64 i;

	if (READ_ONCE(dir->process->state) == PROCESS_REAPED)
		return -ENOENT;
	e = entry_find(pid_tables, name, len, &i);
	return e ? make_file(dir, e, dir->ino + 1 + i, out) : -ENOENT;
}

static int
pid_iterate(struct inode *dir, u64 pos, struct dir_emit *emit)
{
	if (READ_ONCE(dir->process->state) == PROCESS_REAPED)
		return -ENOENT;
	list_entries(pid_tables, &pos, dir->ino + 1, emit);
	return 0;
}

static int
pid_name_of(struct inode *dir, struct inode *child, char *name)
{
	const struct proc_entry *e = child->entry;

	strlcpy(name, e->name, NAME_MAX + 1);
	return 0;
}

/* What the link says is the path of the place it leads to, at this moment. */
static s64
place_read_link(struct inode *inode, char *buf, u32 size)
{
	char *text = path_buf_alloc();
	struct inode *place;
	s64 len = text ? place_jump(inode, &place) : -ENOMEM;
	char *path;

	if (!len) {
		path = path_of_inode(place, text, PATH_MAX);
		inode_put(place);
		len = path ? (s64)min_u64(size, strlen(path)) : -ENAMETOOLONG;
		if (path)
			memcpy(buf, path, len);
	}
	path_buf_free(text);
	return len;
}

static int
place_jump(struct inode *link, struct inode **out)
{
	const struct proc_entry *e = link->entry;

	return e->link_pid(link->process, out);
}

static s64
self_read_link(struct inode *inode, char *buf, u32 size)
{
	char text[16];
	u32 len;

	if (!current->process)
		return -ENOENT;
	len = min_u64(size, format(text, sizeof(text), "%d", current->process->pid));
	memcpy(buf, text, len);
	return len;
}

static void
proc_evict(struct inode *inode)
{
	if (inode->process)
		process_put(inode->process);
}

static s64
proc_read(struct file *f, struct io *io)
{
	s64 result = mutex_lock_killable(&f->inode->lock);

	if (result)
		return result;
	result = read_locked(f, io);
	mutex_unlock(&f->inode->lock);
	return result;
}

static s64
proc_write(struct file *f, struct io *io)
{
	const struct proc_entry *e = f->inode->entry;
	char text[STORE_MAX];
	u64 len;
	int err;

	if (!e->store_pid)
		return -EIO;
	if (io->left >= STORE_MAX)
		return -EINVAL;
	len = io_take(io, text, io->left);
	if (io->faulted)
		return -EFAULT;
	text[len] = 0;
	err = e->store_pid(f->inode->process, text);
	return err ? err : (s64)len;
}

static void
proc_release(struct file *f)
{
	struct seq *s = f->private;

	if (!s)
		return;
	seq_free(s);
	kmem_cache_free(text_cache, s);
}

/* Makes the text when there is none or the reader begins anew, then copies from it. */
static s64
read_locked(struct file *f, struct io *io)
{
	struct seq *s = f->private;
	u64 moved;
	int err;

	assert(mutex_is_mine(&f->inode->lock));
	if (!s)
		s = f->private = kmem_cache_alloc(text_cache, ALLOC_KERNEL | ALLOC_ZERO);
	if (!s)
		return -ENOMEM;
	if (!s->buf || io->pos == 0) {
		seq_free(s);
		err = text_write(s, f->inode);
		if (err || s->failed) {
			seq_free(s);
			return err ? err : -ENOMEM;
		}
	}
	if (io->pos >= s->len)
		return 0;
	moved = io_put(io, s->buf + io->pos, s->len - io->pos);
	return io_result(io, moved);
}

static int
text_write(struct seq *s, struct inode *inode)
{
	const struct proc_entry *e = inode->entry;

	if (e->show_pid)
		return e->show_pid(s, inode->process);
	e->show(s);
	return 0;
}

/* The @i-th entry of both tables; NULL past the last. */
static const struct proc_entry *
entry_at(const struct proc_entry *const tables[2], u64 i)
{
	const struct proc_entry *e;

	for (u32 t = 0; t < 2 && tables[t]; t++) {
		for (e = tables[t]; e->name; e++) {
			if (!i--)
				return e;
		}
	}
	return NULL;
}

static const struct proc_entry *
entry_find(const struct proc_entry *const tables[2], const char *name, u32 len, u64 *i)
{
	const struct proc_entry *e;

	for (*i = 0; (e = entry_at(tables, *i)); ++*i) {
		if (strlen(e->name) == len && !memcmp(e->name, name, len))
			return e;
	}
	return NULL;
}

static u32
entry_mode(const struct proc_entry *e)
{
	return e->link_pid ? S_IFLNK | 0777 : S_IFREG | (e->mode ? e->mode : 0444);
}

static int
make_file(struct inode *dir, const struct proc_entry *e, u64 ino, struct inode **out)
{
	int err = make_inode(dir, entry_mode(e), ino, e->link_pid ? &place_ops : &file_inode_ops, out);

	if (err)
		return err;
	(*out)->fops = e->link_pid ? NULL : &proc_file_ops;
	(*out)->entry = e;
	(*out)->process = dir->process;
	if (dir->process)
		process_get(dir->process);
	return 0;
}

static int
make_pid_dir(struct inode *root, s32 pid, struct inode **out)
{
	struct process *p = process_find_get(pid);
	int err;

	if (!p)
		return -ENOENT;
	err = make_inode(root, S_IFDIR | 0555, INO_PID + (u64)pid * INO_STRIDE, &pid_ops, out);
	if (err) {
		process_put(p);
		return err;
	}
	(*out)->nlink = 2;
	(*out)->process = p;
	return 0;
}

/* Gives *out, pinned. It knows @dir as its parent. */
static int
make_inode(struct inode *dir, u32 mode, u64 ino, const struct inode_ops *ops, struct inode **out)
{
	struct inode_kind kind = {.mode = mode};
	struct inode *inode = inode_alloc(dir->sb, &kind);

	if (!inode)
		return -ENOMEM;
	inode->ino = ino;
	inode->ops = ops;
	inode_hold(dir);
	inode->parent = dir;
	*out = inode_get(inode);
	inode_drop(inode); /* only the caller knows it */
	return 0;
}

/* Hands entries from *pos on to @emit. True: no room for the next. Otherwise *pos is behind the last. */
static bool
list_entries(const struct proc_entry *const tables[2], u64 *pos, u64 ino, struct dir_emit *emit)
{
	const struct proc_entry *e;

	for (; (e = entry_at(tables, *pos - POS_FIRST)); ++*pos) {
		if (!emit->add(emit, e->name, strlen(e->name), ino + *pos - POS_FIRST, entry_mode(e), *pos + 1))
			return true;
	}
	return false;
}

/* 0: not a number as /proc names processes. */
static s32
pid_parse(const char *name, u32 len)
{
	s32 pid = 0;

	if (!len || len > 5 || name[0] == '0')
		return 0;
	for (u32 i = 0; i < len; i++) {
		if (name[i] < '0' || name[i] > '9')
			return 0;
		pid = pid * 10 + name[i] - '0';
	}
	return pid < PID_MAX ? pid : 0;
}
