/* SPDX-License-Identifier: MIT */
/*
 * kernel/fs/procfs_file.c - the files of /proc that are text: written when they are read
 *
 * Idea        A text is written when it is read from position 0; later reads serve that text, so that a reader sees one
 *             moment. A text that can be long is written in parts of about a page, of which one is kept:
 *
 *                 base         base + len
 *                  |--- part ---|.... written when somebody reads on ....
 *
 *             What reads on needs the next part only; who goes back starts over. Between two parts the world may
 *             change: the generator goes on at its cursor (an address), as Linux's does.
 * Invariants  I1  seq.buf holds the bytes [base, base + seq.len) of the text.
 * Locks       inode->lock of the file: its text (file->private). Nothing else is held while bytes go to a program.
 * Follow      from kernel/sys_rw.c   to the tables' functions, seq.c
 * Tests       tests/guest/proc_pid.c, tests/guest/proc_maps.c
 * See         proc(5)
 */
#include <kernel/fs/procfs.h>

#include <kernel/fs/file.h>
#include <kernel/fs/io.h>
#include <kernel/fs/seq.h>
#include <kernel/fs/vfs.h>
#include <kernel/lib/errno.h>
#include <kernel/lib/format.h>
#include <kernel/lib/string.h>
#include <kernel/panic.h>
#include <kernel/sched.h>
#include <kernel/task.h>
#include <mm/page_alloc.h>
#include <mm/slab.h>

#define STORE_MAX 256 /* bytes taken of one write */

struct proc_text {
	struct seq seq; /* I1 */
	u64 base;
};

static int proc_open(struct file *f);
static s64 proc_read(struct file *f, struct io *io);
static s64 proc_write(struct file *f, struct io *io);
static void proc_release(struct file *f);
static s64 read_locked(struct file *f, struct io *io);
static int text_start(struct proc_text *t, struct inode *inode);
static int text_part(struct proc_text *t, struct inode *inode);

const struct file_ops procfs_file_ops = {
	.read = proc_read, .write = proc_write, .open = proc_open, .release = proc_release};

static struct kmem_cache *text_cache; /* const after init: of struct proc_text */

void
procfs_file_init(void)
{
	text_cache = kmem_cache_create("proc_text", sizeof(struct proc_text), 0);
}

int
proc_parse_s64(char *text, s64 *out)
{
	u64 value;
	bool minus;
	u64 len;
	int err;

	while (*text == ' ' || *text == '\t' || *text == '\n')
		text++;
	len = strlen(text);
	while (len && (text[len - 1] == ' ' || text[len - 1] == '\t' || text[len - 1] == '\n'))
		text[--len] = 0;
	minus = *text == '-';
	err = parse_u64(text + (minus || *text == '+'), NULL, 0, &value);
	if (err)
		return err;
	if (value > 0x7fffffffffffffffUL + minus)
		return -ERANGE;
	*out = minus ? -(s64)value : (s64)value;
	return 0;
}

static int
proc_open(struct file *f)
{
	const struct proc_entry *e = f->inode->entry;

	if (!e->strict)
		return 0;
	if ((file_can_read(f) && !(e->mode & 0444)) || (file_can_write(f) && !(e->mode & 0222)))
		return -EACCES;
	return 0;
}

static s64
proc_read(struct file *f, struct io *io)
{
	const struct proc_entry *e = f->inode->entry;
	s64 result;

	if (!e->show && !e->show_who)
		return -EINVAL;
	result = mutex_lock_killable(&f->inode->lock);
	if (result)
		return result;
	result = read_locked(f, io);
	mutex_unlock(&f->inode->lock);
	return result;
}

static s64
proc_write(struct file *f, struct io *io)
{
	const struct proc_who who = proc_who_of(f->inode);
	char text[STORE_MAX];
	u64 len;
	int err;

	if (!who.entry->store)
		return who.process ? -EINVAL : -EIO;
	if (io->left >= STORE_MAX)
		return -EINVAL;
	len = io_take(io, text, io->left);
	if (io->faulted)
		return -EFAULT;
	text[len] = 0;
	err = who.entry->store(&who, text, len);
	return err ? err : (s64)len;
}

static void
proc_release(struct file *f)
{
	struct proc_text *t = f->private;

	if (!t)
		return;
	seq_free(&t->seq);
	kmem_cache_free(text_cache, t);
}

static s64
read_locked(struct file *f, struct io *io)
{
	struct proc_text *t = f->private;
	u64 moved = 0;
	int err = 0;

	assert(mutex_is_mine(&f->inode->lock));
	if (!t)
		t = f->private = kmem_cache_alloc(text_cache, ALLOC_KERNEL | ALLOC_ZERO);
	if (!t)
		return -ENOMEM;
	if (!t->seq.buf || io->pos == 0 || io->pos < t->base)
		err = text_start(t, f->inode);
	while (!err && io->left && !io->faulted && !signal_state_fatal(&current->signal)) {
		if (io->pos < t->base + t->seq.len)
			moved += io_put(io, t->seq.buf + (io->pos - t->base), t->base + t->seq.len - io->pos);
		else if (t->seq.more)
			err = text_part(t, f->inode);
		else
			break;
		cond_resched();
	}
	return moved || !err ? io_result(io, moved) : err;
}

static int
text_start(struct proc_text *t, struct inode *inode)
{
	seq_free(&t->seq);
	t->base = 0;
	return text_part(t, inode);
}

/* Writes the next part in place of the one that is there. After an error the next read starts over. */
static int
text_part(struct proc_text *t, struct inode *inode)
{
	const struct proc_who who = proc_who_of(inode);
	int err = 0;

	t->base += t->seq.len;
	t->seq.len = 0;
	t->seq.more = false;
	if (who.entry->show)
		who.entry->show(&t->seq);
	else
		err = who.entry->show_who(&t->seq, &who);
	if (!err && t->seq.failed)
		err = -ENOMEM;
	if (err)
		seq_free(&t->seq);
	return err;
}
