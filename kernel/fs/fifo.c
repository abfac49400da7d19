/* SPDX-License-Identifier: MIT */
/*
 * kernel/fs/fifo.c - named pipes: how both sides find each other
 *
 * Idea        The inode of a FIFO has a pipe while anybody has it open. Opening one side waits for the other:
 *
 *                 O_RDONLY               until a writer opens          O_NONBLOCK: at once
 *                 O_WRONLY               until a reader opens          O_NONBLOCK: ENXIO without reader
 *                 O_RDWR                 at once
 *
 *             "Opens", not "is there": a writer that has come and gone again meanwhile counts. So the pipe counts the
 *             opens of each side, and who waits compares. A file remembers in pos, which a stream has no other use for,
 *             the writers' count for which it must not report a hang-up: those from before its own open.
 * Invariants  I1  inode->fifo is NULL if and only if no file of the inode is open; pipe->ends counts these files.
 * Locks       inode->lock: inode->fifo; then pipe->lock
 * Follow      from file.c   to pipe.c
 * Tests       tests/guest/fifo.c
 * See         fifo(7)
 */
#include <kernel/fs/file.h>
#include <kernel/fs/pipe.h>
#include <kernel/fs/vfs.h>
#include <kernel/lib/errno.h>

static int pipe_get(struct file *f);
static int meet(struct file *f);
static bool has_no_name(const struct file *f);
static int end_opened_locked(struct pipe *p, struct file *f);

int
fifo_open(struct file *f)
{
	int err = pipe_get(f);

	if (err)
		return err;
	err = meet(f);
	if (err)
		fifo_release(f);
	return err;
}

/* The inode's pipe, made if this is the first open. */
static int
pipe_get(struct file *f)
{
	struct inode *inode = f->inode;
	int err = mutex_lock_killable(&inode->lock);

	if (err)
		return err;
	if (!inode->fifo)
		inode->fifo = pipe_alloc();
	if (inode->fifo)
		atomic_inc(&inode->fifo->ends);
	else
		err = -ENOMEM;
	f->private = inode->fifo;
	mutex_unlock(&inode->lock);
	return err;
}

/* Counts this end and waits for the other. */
static int
meet(struct file *f)
{
	struct pipe *p = f->private;
	bool reads = file_can_read(f);
	bool writes = file_can_write(f);
	u32 opens;
	int err;

	mutex_lock(&p->lock);
	err = end_opened_locked(p, f);
	opens = reads ? p->writer_opens : p->reader_opens;
	if ((reads && writes) || (reads && p->writers) || (writes && p->readers) || (f->flags & O_NONBLOCK) ||
	    has_no_name(f))
		opens--; /* do not wait */
	mutex_unlock(&p->lock);
	if (err)
		return err;
	if (reads)
		return wait_event_interruptible(&p->filled, READ_ONCE(p->writer_opens) != opens);
	return wait_event_interruptible(&p->emptied, READ_ONCE(p->reader_opens) != opens);
}

static int
end_opened_locked(struct pipe *p, struct file *f)
{
	bool reads = file_can_read(f);
	bool writes = file_can_write(f);

	WRITE_ONCE(p->readers, p->readers + reads);
	WRITE_ONCE(p->writers, p->writers + writes);
	if (writes && !reads && (f->flags & O_NONBLOCK) && !p->readers && !has_no_name(f))
		return -ENXIO;
	WRITE_ONCE(p->reader_opens, p->reader_opens + reads);
	WRITE_ONCE(p->writer_opens, p->writer_opens + writes);
	/* Why: who reads without waiting shall see no hang-up before the first writer. */
	f->pos = reads && !p->writers && (f->flags & O_NONBLOCK) && !has_no_name(f) ? p->writer_opens
										    : p->writer_opens - 1;
	wake_all(&p->filled);
	wake_all(&p->emptied);
	return 0;
}

/* A pipe that pipe(2) made had both its ends from the start: to open one anew waits for nobody. */
static bool
has_no_name(const struct file *f)
{
	return f->inode->ops->label;
}

void
fifo_release(struct file *f)
{
	struct inode *inode = f->inode;
	struct pipe *p = f->private;
	bool last;

	pipe_end_closed(p, f);
	mutex_lock(&inode->lock);
	last = atomic_dec_and_test(&p->ends);
	if (last)
		inode->fifo = NULL;
	mutex_unlock(&inode->lock);
	if (last)
		pipe_free(p);
}
