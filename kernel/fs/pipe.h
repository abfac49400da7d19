/* SPDX-License-Identifier: MIT */
/*
 * kernel/fs/pipe.h - pipes, with and without a name
 *
 * Idea        see pipe.c for the ring, fifo.c for how named ones are opened
 * Invariants  see pipe.c
 * Locks       pipe->lock (sleeping, rank PIPE)
 * Follow      from kernel/sys_fs.c, file.c   to pipe.c, fifo.c
 * Tests       tests/guest/pipe.c, tests/guest/fifo.c, tests/guest/poll.c
 */
#pragma once

#include <kernel/lib/atomic.h>
#include <kernel/mutex.h>
#include <kernel/wait.h>

struct file;
struct file_ops;
struct page;

#define PIPE_SLOTS 16 /* most pages in a pipe, and what it begins with: 64 KiB, as on Linux */

struct pipe_slot {
	struct page *page;
	u32 off; /* first byte to read */
	u32 len;
};

struct pipe {
	struct mutex lock;
	atomic_t ends;                     /* files that are not closed: who takes the last one frees */
	u32 head;                          /* lock: first used slot */
	u32 used;                          /* lock to change */
	u32 slots;                         /* lock to change: so many may be used; a power of two */
	u64 bytes;                         /* lock to change */
	u32 readers;                       /* lock to change: files open for reading */
	u32 writers;                       /* lock to change */
	u32 reader_opens;                  /* lock to change: how often it was opened for reading so far */
	u32 writer_opens;                  /* lock to change */
	struct page *spare;                /* lock to change: NULL, or a page without bytes */
	struct wait_queue filled;          /* readers wait for bytes, or for writers to come or go */
	struct wait_queue emptied;         /* writers wait for room, or for readers */
	struct pipe_slot slot[PIPE_SLOTS]; /* lock */
};

extern const struct file_ops fifo_file_ops; /* of inodes of type S_IFIFO */

/* Makes the slab cache. Context: boot. */
void pipe_init(void);

/*
 * pipe_create - a pipe with its two ends; @flags: O_NONBLOCK or 0
 *
 * Returns   0; -ENOMEM
 * Context   may sleep
 * Gives     ends[0] for reading and ends[1] for writing, one reference each
 */
int pipe_create(struct file *ends[2], u32 flags);

/* Is @f an end of a pipe? Context: any. */
bool file_is_pipe(const struct file *f);

/*
 * pipe_size, pipe_resize - the bytes that the pipe behind @f may hold
 *
 * Simple: Linux goes up to 1 MiB, and further for root.
 *
 * Returns   the size; -EBADF: no pipe; resize: -EBUSY: it holds more; -EPERM: beyond what is possible; -EINVAL
 * Context   may sleep
 */
s64 pipe_size(struct file *f);
s64 pipe_resize(struct file *f, u64 bytes);

/* ---- between pipe.c and fifo.c ---- */

/* An empty pipe that nobody has open; NULL: no memory. May sleep. pipe_free also gives its pages back. */
struct pipe *pipe_alloc(void);
void pipe_free(struct pipe *p);

/* pipe_end_closed - @f is no longer a reader or writer; the others are told. Context: may sleep. */
void pipe_end_closed(struct pipe *p, const struct file *f);

/* The operations of a named pipe that differ. */
int fifo_open(struct file *f);
void fifo_release(struct file *f);
