/* SPDX-License-Identifier: MIT */
/*
 * kernel/fs/pipe.c - pipes: a ring of pages between two open files
 *
 * Idea        A ring of slots (page, first byte, length). A write fills up the last page before it begins a new one;
 *             a read takes from the first page and gives it back when it is empty. One page stays with the pipe as a
 *             spare, so that a byte sent to and fro allocates nothing.
 *
 *                 head                              head + used
 *                  v                                 v
 *                 [..####][########][########][####..]          #  bytes to read
 *
 * Invariants  I1  bytes is the sum of the slots' lengths; no used slot is empty; slots outside of the ring have no
 *                 page.
 *             I2  The pipe lives until both of its files are closed.
 * Locks       lock (sleeping: user memory is copied under it) guards all fields; bytes, readers and writers are also
 *             read without it, to decide about sleeping. Pages are taken before the lock.
 * Follow      from kernel/sys_fs.c, kernel/sys_rw.c   to io.c, kernel/wait.h
 * Tests       tests/guest/pipe.c
 * See         pipe(7)
 */
#include <kernel/fs/pipe.h>

#include <kernel/fs/file.h>
#include <kernel/fs/io.h>
#include <kernel/fs/poll.h>
#include <kernel/fs/tmpfs.h>
#include <kernel/panic.h>
#include <kernel/process.h>
#include <kernel/signal.h>
#include <kernel/uaccess.h>
#include <mm/page_alloc.h>
#include <mm/slab.h>

#define SPARE_GONE (-1000) /* no errno: inside this file only */

static s64 pipe_read(struct file *f, struct io *io);
static s64 pipe_write(struct file *f, struct io *io);
static s64 pipe_ioctl(struct file *f, u32 cmd, u64 arg);
static u32 pipe_poll(struct file *f, struct poll_item *item);
static s64 read_some(struct pipe *p, struct io *io);
static u64 drain_locked(struct pipe *p, struct io *io);
static s64 write_some(struct pipe *p, struct io *io, u64 whole);
static s64 write_locked(struct pipe *p, struct io *io, u64 whole);
static u64 fill_locked(struct pipe *p, struct io *io);
static struct pipe_slot *tail_locked(struct pipe *p);
static u64 pipe_room(const struct pipe *p);
static void send_sigpipe(void);

/* Of a pipe without a name. Its inode is what /proc/<pid>/fd opens anew, as if it were a FIFO. */
static const struct inode_ops pipe_inode_ops = {.label = "pipe"};

const struct file_ops fifo_file_ops = {
	.open = fifo_open,
	.read = pipe_read,
	.write = pipe_write,
	.release = fifo_release,
	.ioctl = pipe_ioctl,
	.poll = pipe_poll,
	.stream = true,
};

static struct kmem_cache *pipe_cache; /* const after init */

void
pipe_init(void)
{
	pipe_cache = kmem_cache_create("pipe", sizeof(struct pipe), 0);
}

int
pipe_create(struct file *ends[2], u32 flags)
{
	struct inode *inode = inode_anonymous(S_IFIFO | 0600, &pipe_inode_ops);
	struct pipe *p = inode ? pipe_alloc() : NULL;

	ends[0] = p ? file_alloc(inode, &fifo_file_ops, O_RDONLY | flags) : NULL;
	ends[1] = ends[0] ? file_alloc(inode, &fifo_file_ops, O_WRONLY | flags) : NULL;
	if (!ends[1]) {
		if (ends[0])
			file_discard(ends[0]);
		if (p)
			pipe_free(p);
		if (inode)
			inode_put(inode);
		return -ENOMEM;
	}
	inode_get(inode); /* one for each end */
	inode->fifo = p;
	p->readers = p->writers = 1;
	p->reader_opens = p->writer_opens = 1;
	atomic_set(&p->ends, 2);
	ends[0]->private = ends[1]->private = p;
	return 0;
}

struct pipe *
pipe_alloc(void)
{
	struct pipe *p = kmem_cache_alloc(pipe_cache, ALLOC_KERNEL | ALLOC_ZERO);

	if (!p)
		return NULL;
	p->slots = PIPE_SLOTS;
	mutex_init(&p->lock, RANK_PIPE);
	wait_init(&p->filled);
	wait_init(&p->emptied);
	return p;
}

bool
file_is_pipe(const struct file *f)
{
	return f->ops == &fifo_file_ops;
}

s64
pipe_size(struct file *f)
{
	struct pipe *p = f->private;

	return file_is_pipe(f) ? (s64)(READ_ONCE(p->slots) * PAGE_SIZE) : -EBADF;
}

s64
pipe_resize(struct file *f, u64 bytes)
{
	struct pipe *p = f->private;
	u32 slots = 1;
	s64 result;

	if (!file_is_pipe(f))
		return -EBADF;
	if ((u32)bytes > 1U << 31)
		return -EINVAL;
	while (slots * PAGE_SIZE < (u32)bytes)
		slots *= 2;
	if (slots > PIPE_SLOTS)
		return -EPERM;
	mutex_lock(&p->lock);
	if (p->used > slots) {
		result = -EBUSY;
	} else {
		WRITE_ONCE(p->slots, slots);
		wake_all(&p->emptied);
		result = (s64)(slots * PAGE_SIZE);
	}
	mutex_unlock(&p->lock);
	return result;
}

static s64
pipe_read(struct file *f, struct io *io)
{
	struct pipe *p = f->private;
	s64 got;
	int err;

	while (io->left) {
		got = read_some(p, io);
		if (got < 0)
			return got;
		if (got || io->faulted)
			return io_result(io, got);
		if (!READ_ONCE(p->writers) && !READ_ONCE(p->bytes))
			return 0;
		if (f->flags & O_NONBLOCK)
			return -EAGAIN;
		err = wait_event_interruptible(&p->filled, READ_ONCE(p->bytes) || !READ_ONCE(p->writers));
		if (err)
			return err;
	}
	return 0;
}

/* Up to PIPE_BUF bytes go in one piece: @whole is how much room a round needs. */
static s64
pipe_write(struct file *f, struct io *io)
{
	struct pipe *p = f->private;
	u64 whole = io->left <= PIPE_BUF ? io->left : 1;
	u64 moved = 0;
	s64 got = 0;

	while (io->left && !io->faulted) {
		got = write_some(p, io, whole);
		if (got == SPARE_GONE)
			continue;
		if (got == -EPIPE)
			send_sigpipe();
		if (got < 0)
			break;
		moved += got;
		if (got || io->faulted)
			continue;
		got = -EAGAIN;
		if (f->flags & O_NONBLOCK)
			break;
		got = wait_event_interruptible(&p->emptied, pipe_room(p) >= whole || !READ_ONCE(p->readers));
		if (got)
			break;
	}
	if (moved || io->faulted)
		return io_result(io, moved);
	return got;
}

void
pipe_end_closed(struct pipe *p, const struct file *f)
{
	mutex_lock(&p->lock);
	WRITE_ONCE(p->writers, p->writers - file_can_write(f));
	WRITE_ONCE(p->readers, p->readers - file_can_read(f));
	wake_all(&p->filled);
	wake_all(&p->emptied);
	mutex_unlock(&p->lock);
}

void
pipe_free(struct pipe *p)
{
	for (u32 i = 0; i < p->used; i++)
		page_put(p->slot[(p->head + i) % PIPE_SLOTS].page);
	if (p->spare)
		page_put(p->spare);
	kmem_cache_free(pipe_cache, p);
}

static s64
pipe_ioctl(struct file *f, u32 cmd, u64 arg)
{
	struct pipe *p = f->private;

	if (cmd != FIONREAD)
		return -ENOTTY;
	return put_user_u32(READ_ONCE(p->bytes), (u32 *)arg);
}

/* POLLHUP: there were writers since this end was opened, and there are none any more. See fifo.c for pos. */
static u32
pipe_poll(struct file *f, struct poll_item *item)
{
	struct pipe *p = f->private;
	u32 mask = 0;

	if (file_can_read(f)) {
		poll_join(item, &p->filled);
		if (READ_ONCE(p->bytes))
			mask |= POLL_READABLE;
		if (!READ_ONCE(p->writers) && READ_ONCE(p->writer_opens) != f->pos)
			mask |= POLLHUP;
	}
	if (file_can_write(f)) {
		poll_join(item, &p->emptied);
		if (READ_ONCE(p->used) < READ_ONCE(p->slots))
			mask |= POLL_WRITABLE;
		if (!READ_ONCE(p->readers))
			mask |= POLLERR;
	}
	return mask;
}

/* Returns the bytes read, perhaps none; -EINTR. */
static s64
read_some(struct pipe *p, struct io *io)
{
	s64 got = mutex_lock_killable(&p->lock);

	if (got)
		return got;
	got = drain_locked(p, io);
	if (got)
		wake_all(&p->emptied);
	mutex_unlock(&p->lock);
	return got;
}

static u64
drain_locked(struct pipe *p, struct io *io)
{
	u64 done = 0;
	struct pipe_slot *s;
	u64 got;

	while (io->left && p->used && !io->faulted) {
		s = &p->slot[p->head];
		got = io_put(io, (char *)page_to_va(s->page) + s->off, s->len);
		s->off += got;
		s->len -= got;
		done += got;
		if (s->len)
			break;
		if (p->spare)
			page_put(s->page);
		else
			p->spare = s->page;
		s->page = NULL;
		p->head = (p->head + 1) % PIPE_SLOTS;
		p->used--;
	}
	WRITE_ONCE(p->bytes, p->bytes - done);
	assert(!p->used == !p->bytes);
	return done;
}

/*
 * One round: what fits into the last page and one more. Returns the bytes written, 0 if there is less room than @whole;
 * -EPIPE, -ENOMEM, -EINTR; SPARE_GONE: come again. Race: we see a spare page and bring none, another writer uses it up.
 */
static s64
write_some(struct pipe *p, struct io *io, u64 whole)
{
	bool asked = !READ_ONCE(p->spare);
	struct page *page = asked ? page_alloc(0, ALLOC_KERNEL) : NULL;
	s64 got = mutex_lock_killable(&p->lock);

	if (!got) {
		if (page && !p->spare) {
			p->spare = page;
			page = NULL;
		}
		got = write_locked(p, io, whole);
		mutex_unlock(&p->lock);
	}
	if (page)
		page_put(page);
	return asked && got == SPARE_GONE ? -ENOMEM : got;
}

static s64
write_locked(struct pipe *p, struct io *io, u64 whole)
{
	u64 got;

	if (!p->readers)
		return -EPIPE;
	if (pipe_room(p) < whole)
		return 0;
	if (!p->spare)
		return SPARE_GONE;
	got = fill_locked(p, io);
	if (got)
		wake_all(&p->filled);
	return got;
}

/*
 * Fills the last page, then the spare one if a slot is free. Why the look at @io first: a slot that is taken and then
 * gets no byte would stay in the ring, empty.
 */
static u64
fill_locked(struct pipe *p, struct io *io)
{
	u64 done = 0;
	struct pipe_slot *s;
	u32 end;
	u64 got;

	assert(mutex_is_mine(&p->lock));
	while (io->left && !io->faulted && (s = tail_locked(p))) {
		end = s->off + s->len;
		got = io_take(io, (char *)page_to_va(s->page) + end, PAGE_SIZE - end);
		s->len += got;
		done += got;
		if (!s->len) { /* the copy failed at once: the page was the spare one */
			assert(!p->spare);
			p->spare = s->page;
			s->page = NULL;
			p->used--;
		}
	}
	WRITE_ONCE(p->bytes, p->bytes + done);
	return done;
}

/* The slot to write into, with room in its page; NULL: the ring or the spare is used up. */
static struct pipe_slot *
tail_locked(struct pipe *p)
{
	struct pipe_slot *s = &p->slot[(p->head + p->used - 1) % PIPE_SLOTS];

	if (p->used && s->off + s->len < PAGE_SIZE)
		return s;
	if (p->used == p->slots || !p->spare)
		return NULL;
	s = &p->slot[(p->head + p->used++) % PIPE_SLOTS];
	*s = (struct pipe_slot){.page = p->spare};
	p->spare = NULL;
	return s;
}

/* Bytes that can be written now; racy without the lock, then only a reason to look again. */
static u64
pipe_room(const struct pipe *p)
{
	const struct pipe_slot *s = &p->slot[(p->head + p->used - 1) % PIPE_SLOTS];
	u64 room = (u64)(READ_ONCE(p->slots) - READ_ONCE(p->used)) * PAGE_SIZE;

	return p->used ? room + PAGE_SIZE - s->off - s->len : room;
}

static void
send_sigpipe(void)
{
	signal_send_current(SIGPIPE);
}
