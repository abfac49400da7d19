/* SPDX-License-Identifier: MIT */
/*
 * kernel/fs/files.c - the table of file descriptors of a process
 *
 * Idea        see files.h
 * Invariants  see files.h
 * Locks       files->lock; files are put, and memory is taken and freed, outside of it
 * Follow      from kernel/sys_fs.c, fork.c, exec.c, exit.c   to file.c
 * Tests       tests/host/files_test.c
 */
#include <kernel/fs/files.h>

#include <kernel/fs/file.h>
#include <kernel/lib/errno.h>
#include <kernel/lib/string.h>
#include <kernel/panic.h>
#include <mm/page_alloc.h>
#include <mm/slab.h>

static s64 try_install(struct files *files, struct file *file, u32 min, u32 limit, bool cloexec);
static s64 install_locked(struct files *files, struct file *file, u32 min, u32 limit, bool cloexec);
static int table_grow(struct files *files, u32 need);
static void table_replace_locked(struct files *files, struct file **table, u64 *cloexec, u32 size);
static bool copy_locked(struct files *to, struct files *from);
static struct file *slot_swap_locked(struct files *files, u32 fd, struct file *file, bool cloexec);
static void mark_locked(struct files *files, u32 fd, bool cloexec);
static struct file *take_marked(struct files *files, u32 fd);

static struct kmem_cache *files_cache; /* const after init */

void
files_init(void)
{
	files_cache = kmem_cache_create("files", sizeof(struct files), 0);
}

struct files *
files_create(void)
{
	struct files *files = kmem_cache_alloc(files_cache, ALLOC_KERNEL | ALLOC_ZERO);

	if (!files)
		return NULL;
	atomic_set(&files->refs, 1);
	spin_init(&files->lock, RANK_FILES);
	files->size = FILES_INLINE;
	files->table = files->inline_table;
	files->cloexec = files->inline_cloexec;
	return files;
}

/* Race: another thread may open files while the copy grows; then look again. */
struct files *
files_fork(struct files *from)
{
	struct files *to = files_create();
	bool copied = false;

	while (to && !copied) {
		if (table_grow(to, READ_ONCE(from->size))) {
			files_put(to);
			return NULL;
		}
		spin_lock(&from->lock);
		copied = copy_locked(to, from);
		spin_unlock(&from->lock);
	}
	return to;
}

struct files *
files_get(struct files *files)
{
	atomic_inc(&files->refs);
	return files;
}

void
files_put(struct files *files)
{
	if (!atomic_dec_and_test(&files->refs))
		return;
	for (u32 fd = 0; fd < files->size; fd++) {
		if (files->table[fd])
			file_close(files->table[fd], files);
	}
	if (files->table != files->inline_table)
		kfree(files->table);
	kmem_cache_free(files_cache, files);
}

void
files_close_on_exec(struct files *files)
{
	struct file *file;

	for (u32 fd = 0; fd < READ_ONCE(files->size); fd++) {
		file = take_marked(files, fd);
		if (file)
			file_close(file, files);
	}
}

s64
files_install(struct files *files, struct file *file, u32 min, u64 limit, bool cloexec)
{
	u32 end = min_u64(limit, FILES_MAX);
	s64 fd;
	int err;

	if (min >= end)
		return min ? -EINVAL : -EMFILE;
	while ((fd = try_install(files, file, min, end, cloexec)) == -EAGAIN) {
		err = table_grow(files, max_u64(READ_ONCE(files->size), min) + 1);
		if (err)
			return err;
	}
	return fd;
}

s64
files_replace(struct files *files, struct file *file, u32 fd, u64 limit, bool cloexec)
{
	struct file *old;
	int err;

	if (fd >= min_u64(limit, FILES_MAX))
		return -EBADF;
	err = table_grow(files, fd + 1);
	if (err)
		return err;
	spin_lock(&files->lock);
	old = slot_swap_locked(files, fd, file, cloexec);
	spin_unlock(&files->lock);
	if (old)
		file_close(old, files);
	return fd;
}

struct file *
files_remove(struct files *files, u64 fd)
{
	struct file *file = NULL;

	spin_lock(&files->lock);
	if (fd < files->size)
		file = slot_swap_locked(files, fd, NULL, false);
	spin_unlock(&files->lock);
	return file;
}

struct file *
files_lookup(struct files *files, u64 fd)
{
	struct file *file = NULL;

	spin_lock(&files->lock);
	if (likely(fd < files->size)) {
		file = files->table[fd];
		if (file)
			file_hold(file);
	}
	spin_unlock(&files->lock);
	return file;
}

int
files_get_cloexec(struct files *files, u64 fd)
{
	int on = -EBADF;

	spin_lock(&files->lock);
	if (fd < files->size && files->table[fd])
		on = files->cloexec[fd / 64] >> fd % 64 & 1;
	spin_unlock(&files->lock);
	return on;
}

int
files_set_cloexec(struct files *files, u64 fd, bool on)
{
	int err = -EBADF;

	spin_lock(&files->lock);
	if (fd < files->size && files->table[fd]) {
		mark_locked(files, fd, on);
		err = 0;
	}
	spin_unlock(&files->lock);
	return err;
}

s64
files_next(struct files *files, u64 fd)
{
	s64 found = -1;

	spin_lock(&files->lock);
	for (; found < 0 && fd < files->size; fd++) {
		if (files->table[fd])
			found = fd;
	}
	spin_unlock(&files->lock);
	return found;
}

/* -EAGAIN: the table is full but may grow. */
static s64
try_install(struct files *files, struct file *file, u32 min, u32 limit, bool cloexec)
{
	s64 fd;

	spin_lock(&files->lock);
	fd = install_locked(files, file, min, limit, cloexec);
	spin_unlock(&files->lock);
	return fd;
}

static s64
install_locked(struct files *files, struct file *file, u32 min, u32 limit, bool cloexec)
{
	u32 fd = max_u64(min, files->first_free);

	while (fd < files->size && files->table[fd])
		fd++;
	if (min <= files->first_free)
		files->first_free = fd;
	if (fd >= limit)
		return -EMFILE;
	if (fd >= files->size)
		return -EAGAIN;
	slot_swap_locked(files, fd, file, cloexec);
	return fd;
}

/* Makes room for @need descriptors: one block with the pointers, then the bits. */
static int
table_grow(struct files *files, u32 need)
{
	u32 size = FILES_INLINE;
	struct file **table;
	struct file **old;

	while (size < need)
		size *= 2;
	if (size <= READ_ONCE(files->size))
		return 0;
	table = kzalloc(size * sizeof(*table) + div_round_up(size, 64) * sizeof(u64), ALLOC_KERNEL);
	if (!table)
		return -ENOMEM;
	spin_lock(&files->lock);
	old = table;
	if (size > files->size) {
		old = files->table == files->inline_table ? NULL : files->table;
		table_replace_locked(files, table, (u64 *)(table + size), size);
	}
	spin_unlock(&files->lock);
	kfree(old);
	return 0;
}

static void
table_replace_locked(struct files *files, struct file **table, u64 *cloexec, u32 size)
{
	must_hold(&files->lock);
	memcpy(table, files->table, files->size * sizeof(*table));
	memcpy(cloexec, files->cloexec, div_round_up(files->size, 64) * sizeof(u64));
	files->table = table;
	files->cloexec = cloexec;
	files->size = size;
}

/* False: @from has grown past @to. */
static bool
copy_locked(struct files *to, struct files *from)
{
	must_hold(&from->lock);
	if (to->size < from->size)
		return false;
	for (u32 fd = 0; fd < from->size; fd++) {
		if (from->table[fd])
			to->table[fd] = file_hold(from->table[fd]);
	}
	memcpy(to->cloexec, from->cloexec, div_round_up(from->size, 64) * sizeof(u64));
	to->first_free = from->first_free;
	return true;
}

/* Returns what was in the slot, with its reference. */
static struct file *
slot_swap_locked(struct files *files, u32 fd, struct file *file, bool cloexec)
{
	struct file *old = files->table[fd];

	must_hold(&files->lock);
	assert(fd < files->size);
	files->table[fd] = file;
	mark_locked(files, fd, cloexec);
	if (!file && fd < files->first_free)
		files->first_free = fd;
	return old;
}

static void
mark_locked(struct files *files, u32 fd, bool cloexec)
{
	u64 bit = 1UL << fd % 64;

	if (cloexec)
		files->cloexec[fd / 64] |= bit;
	else
		files->cloexec[fd / 64] &= ~bit;
}

/* Empties slot @fd if exec closes it; gives its file. */
static struct file *
take_marked(struct files *files, u32 fd)
{
	struct file *file = NULL;

	spin_lock(&files->lock);
	if (files->cloexec[fd / 64] >> fd % 64 & 1)
		file = slot_swap_locked(files, fd, NULL, false);
	spin_unlock(&files->lock);
	return file;
}
