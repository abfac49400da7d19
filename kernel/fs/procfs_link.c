/* SPDX-License-Identifier: MIT */
/*
 * kernel/fs/procfs_link.c - links that lead to what a process uses: exe, cwd, root, and its open files below fd
 *
 * Idea        Such a link leads to the very inode, whatever has become of its name; its text is the path as it is now,
 *             perhaps " (deleted)". A pipe has no inode: its link can be read and leads nowhere.
 * Invariants  none
 * Locks       process_lock and fs->lock or files->lock, to take a reference
 * Follow      from procfs.c   to names.h
 * Tests       tests/guest/proc_pid.c, tests/guest/names.c
 * See         proc(5)
 */
#include <kernel/fs/procfs.h>

#include <kernel/fs/file.h>
#include <kernel/fs/files.h>
#include <kernel/fs/fs_context.h>
#include <kernel/fs/names.h>
#include <kernel/fs/path.h>
#include <kernel/fs/vfs.h>
#include <kernel/lib/errno.h>
#include <kernel/lib/string.h>
#include <kernel/process.h>

typedef int (*jump_fn)(const struct proc_who *who, struct inode **out);

static int fd_find(struct inode *dir, u64 n, struct inode *child);
static s64 fd_next(struct inode *dir, u64 n);
static s64 fd_read_link(const struct proc_who *who, char *buf, u32 size);
static int fd_jump(const struct proc_who *who, struct inode **out);
static s64 place_read_link(const struct proc_who *who, char *buf, u32 size, jump_fn jump);
static struct files *files_of(struct process *process);
static struct file *fd_file(struct process *process, u64 n);
static s64 text_copy(const char *path, char *buf, u32 size);

static const struct proc_entry fd_entry = {.mode = S_IFLNK | 0700, .read_link = fd_read_link, .jump = fd_jump};
const struct proc_members procfs_descriptors = {.find = fd_find, .next = fd_next, .entry = &fd_entry};

s64
proc_exe_read_link(const struct proc_who *who, char *buf, u32 size)
{
	return place_read_link(who, buf, size, proc_exe_jump);
}

int
proc_exe_jump(const struct proc_who *who, struct inode **out)
{
	struct file *exe = process_exe_get(who->process);

	if (!exe)
		return -ENOENT;
	*out = inode_get(exe->inode);
	file_put(exe);
	return 0;
}

s64
proc_cwd_read_link(const struct proc_who *who, char *buf, u32 size)
{
	return place_read_link(who, buf, size, proc_cwd_jump);
}

int
proc_cwd_jump(const struct proc_who *who, struct inode **out)
{
	struct fs_context *fs = process_fs_get(who->process);

	if (!fs)
		return -ENOENT;
	*out = fs_cwd(fs);
	fs_context_put(fs);
	return 0;
}

s64
proc_root_read_link(const struct proc_who *who, char *buf, u32 size)
{
	return place_read_link(who, buf, size, proc_root_jump);
}

int
proc_root_jump(const struct proc_who *who, struct inode **out)
{
	struct fs_context *fs = process_fs_get(who->process);

	if (!fs)
		return -ENOENT;
	*out = fs_root(fs);
	fs_context_put(fs);
	return 0;
}

/* A descriptor's link has the rights that the file was opened with. */
static int
fd_find(struct inode *dir, u64 n, struct inode *child)
{
	struct file *f = fd_file(dir->process, n);

	if (!f)
		return -ENOENT;
	child->mode = S_IFLNK | (file_can_read(f) ? 0500 : 0) | (file_can_write(f) ? 0300 : 0);
	file_put(f);
	process_get(dir->process);
	child->process = dir->process;
	child->number = n;
	return 0;
}

static s64
fd_next(struct inode *dir, u64 n)
{
	struct files *files = files_of(dir->process);
	s64 fd = files ? files_next(files, n) : -1;

	if (files)
		files_put(files);
	return fd;
}

static s64
fd_read_link(const struct proc_who *who, char *buf, u32 size)
{
	struct file *f = fd_file(who->process, who->tid);
	char *text;
	s64 len;

	if (!f)
		return -ENOENT;
	text = path_buf_alloc();
	len = text ? text_copy(path_of_file(f, text, PATH_MAX), buf, size) : -ENOMEM;
	path_buf_free(text);
	file_put(f);
	return len;
}

static int
fd_jump(const struct proc_who *who, struct inode **out)
{
	struct file *f = fd_file(who->process, who->tid);
	int err = f && f->inode ? 0 : -ENOENT;

	if (!err)
		*out = inode_get(f->inode);
	if (f)
		file_put(f);
	return err;
}

/* What the link says is the path of the place it leads to, at this moment. */
static s64
place_read_link(const struct proc_who *who, char *buf, u32 size, jump_fn jump)
{
	char *text = path_buf_alloc();
	struct inode *place;
	s64 len = text ? jump(who, &place) : -ENOMEM;

	if (!len) {
		len = text_copy(path_of_inode(place, text, PATH_MAX), buf, size);
		inode_put(place);
	}
	path_buf_free(text);
	return len;
}

/* The table, with a reference; NULL: the process has given its files back. */
static struct files *
files_of(struct process *process)
{
	struct files *files;

	spin_lock(&process_lock);
	files = process->files ? files_get(process->files) : NULL;
	spin_unlock(&process_lock);
	return files;
}

static struct file *
fd_file(struct process *process, u64 n)
{
	struct files *files = files_of(process);
	struct file *f = files ? files_lookup(files, n) : NULL;

	if (files)
		files_put(files);
	return f;
}

static s64
text_copy(const char *path, char *buf, u32 size)
{
	u64 len;

	if (!path)
		return -ENAMETOOLONG;
	len = min_u64(size, strlen(path));
	memcpy(buf, path, len);
	return len;
}
