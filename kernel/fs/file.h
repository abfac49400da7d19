/* SPDX-License-Identifier: MIT */
/*
 * kernel/fs/file.h - open files
 *
 * Idea        struct file is what open(2) makes and what fork and dup share: a position, status flags, and the
 *             operations of its kind.
 * Invariants  I1  inode is pinned while the file lives; NULL only for a pipe, which has no name.
 * Locks       pos_lock (sleeping): pos, of files that have one. flags: one word, written whole.
 * Follow      from kernel/sys_rw.c, sys_fs.c, sys_mm.c, exec.c   to tmpfs_file.c, pipe.c, devfs.c, procfs.c,
 *             dev/tty.c
 * Tests       tests/guest/file.c
 */
#pragma once

#include <kernel/fs/abi.h>
#include <kernel/fs/file_lock.h>
#include <kernel/lib/atomic.h>
#include <kernel/lib/compiler.h>
#include <kernel/mutex.h>

struct file;
struct inode;
struct io;
struct pagecache;
struct poll_item;

struct file_ops {
	/* Move bytes and advance @io. Return how many were moved, or -errno when none was. Absent: -EINVAL. */
	s64 (*read)(struct file *f, struct io *io);
	s64 (*write)(struct file *f, struct io *io);
	int (*open)(struct file *f);                    /* absent: nothing to do */
	void (*release)(struct file *f);                /* the last reference is gone, the inode still pinned */
	s64 (*ioctl)(struct file *f, u32 cmd, u64 arg); /* absent: -ENOTTY */
	int (*fsync)(struct file *f);                   /* absent: nothing to do for files in memory, else -EINVAL */
	s64 (*fallocate)(struct file *f, u32 mode, u64 from, u64 to); /* bytes [from, to); absent: -EOPNOTSUPP */
	/*
	 * What of POLLIN ... holds now; with @item first joins the queues that are woken when that changes (poll_join).
	 * Does not sleep. Absent: always readable and writable.
	 */
	u32 (*poll)(struct file *f, struct poll_item *item);
	u64 (*size)(struct file *f); /* what SEEK_END counts from; absent: inode_size() */
	const char *label;           /* of files without inode: "pipe" makes /proc/<pid>/fd show pipe:[number] */
	bool stream;                 /* no position: seeking, pread and pwrite give ESPIPE */
	bool maps_zeroes;            /* mapped, it is anonymous memory: /dev/zero */
};

struct file {
	atomic_t refs;
	s32 claim;                  /* const after open: what this file holds of inode->writers: 1, -1 or 0 */
	u32 flags;                  /* O_ACCMODE, O_APPEND, O_NONBLOCK ...: one word (fcntl F_SETFL) */
	const struct file_ops *ops; /* const after init */
	struct inode *inode;        /* const after init */
	struct pagecache *object;   /* const after init: the inode's; NULL: no pages, so no mmap */
	void *private;              /* of ops */
	u64 ino;                    /* const after init: of a file without inode */
	bool writes;                /* const after init: counts in inode->writers */
	bool runs;                  /* const after init: a program's file, which nobody may write meanwhile */
	u64 pos;                    /* pos_lock */
	struct mutex pos_lock;      /* rank FILE */
};

/* Makes the slab cache. Context: boot. */
void file_init(void);

/* Files that are open, by descriptors or otherwise. Context: takes slab locks; a moment old. */
u64 file_count(void);

/* A fresh number for a file without inode. Context: any. */
u64 file_next_ino(void);

/*
 * file_alloc - a new open file
 *
 * Returns   the file, refs == 1; NULL: no memory
 * Context   may sleep
 * Takes     the caller's pinned reference to @inode (NULL: none), when it succeeds
 * Gives     one reference (file_put)
 */
struct file *file_alloc(struct inode *inode, const struct file_ops *ops, u32 flags);

/* Frees a file that was not opened yet; its inode stays the caller's. Context: any. */
void file_discard(struct file *f);

/* Frees a file whose last reference is gone; called by file_put. Context: may sleep. */
void file_release(struct file *f);

static inline struct file *
file_hold(struct file *f)
{
	atomic_inc(&f->refs);
	return f;
}

/* Takes one reference: that of a descriptor of @files, whose locks on the file end. Context: may sleep. */
static inline void
file_close(struct file *f, const struct files *files)
{
	if (unlikely(READ_ONCE(file_locks_total)))
		file_locks_close(f, files);
	if (atomic_dec_and_test(&f->refs))
		file_release(f);
}

/* Takes one reference. Context: may sleep when it is the last. */
static inline void
file_put(struct file *f)
{
	if (atomic_dec_and_test(&f->refs))
		file_release(f);
}

/*
 * file_get - the open file behind a descriptor of the current process
 *
 * Returns   the file; NULL: -EBADF
 * Context   does not sleep; takes files->lock
 * Gives     one reference (file_put)
 */
struct file *file_get(u64 fd);

/* The page cache object behind a file, for mmap; NULL: -ENODEV. No reference: valid while the file is held. */
static inline struct pagecache *
file_object(struct file *f)
{
	return f->object;
}

static inline bool
file_can_read(const struct file *f)
{
	return (f->flags & (O_ACCMODE | O_PATH)) == O_RDONLY || (f->flags & (O_ACCMODE | O_PATH)) == O_RDWR;
}

static inline bool
file_can_write(const struct file *f)
{
	return (f->flags & (O_ACCMODE | O_PATH)) == O_WRONLY || (f->flags & (O_ACCMODE | O_PATH)) == O_RDWR;
}

/*
 * file_open - open what @inode is
 *
 * Returns   0; -ENOMEM, -ENXIO (no driver), -EISDIR (a directory, for writing), -ELOOP (a symbolic link),
 *           -ETXTBSY (a running program, for writing), and what the kind's open gives
 * Context   may sleep
 * Takes     the caller's pinned reference to @inode, whatever the result
 * Gives     *out, one reference
 */
int file_open(struct inode *inode, u32 flags, struct file **out);

/*
 * vfs_open - open a path for the kernel itself, from the current working directory (at boot, the root)
 *
 * Returns   0; as open(2) without O_CREAT
 * Context   may sleep; takes tree_lock
 * Gives     *out, one reference
 */
int vfs_open(const char *path, u32 flags, struct file **out);

/*
 * vfs_open_exec - open a program by path, likewise
 *
 * Returns   0; -ENOENT -ENOTDIR -ELOOP -ENAMETOOLONG -ENOMEM -EACCES (no regular file, or no execute bit)
 *           -ETXTBSY (somebody has it open for writing)
 * Context   may sleep; takes tree_lock
 * Gives     *out, one reference
 */
int vfs_open_exec(const char *path, struct file **out);

/*
 * file_read_kernel - read @len bytes at @off of a regular file into kernel memory
 *
 * Returns   bytes read (less at the end of the file); -EINVAL: a file without pages
 * Context   may sleep
 */
s64 file_read_kernel(struct file *f, void *buf, u64 len, u64 off);
