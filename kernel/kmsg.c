/* SPDX-License-Identifier: MIT */
/*
 * kernel/kmsg.c - what the kernel has said, for programs: syslog(2), /dev/kmsg, /proc/kmsg
 *
 * Idea        see kmsg.h. printk may be called with any lock held and cannot wake: it sends its own CPU an interrupt,
 *             whose handler comes here.
 * Invariants  I1  stream_done < bytes of the line of message stream_seq, while that is in the ring.
 * Locks       stream_lock: stream_seq, stream_done, clear_seq
 * Follow      from devfs.c, trap.c   to printk.c
 * Tests       tests/guest/kmsg.c
 * See         syslog(2)
 */
#include <kernel/kmsg.h>

#include <kernel/fs/file.h>
#include <kernel/fs/io.h>
#include <kernel/fs/poll.h>
#include <kernel/lib/errno.h>
#include <kernel/lib/format.h>
#include <kernel/lib/string.h>
#include <kernel/printk.h>
#include <kernel/syscall.h>
#include <kernel/task.h>
#include <kernel/wait.h>
#include <mm/page_alloc.h>
#include <mm/slab.h>

#define LINE_MAX (PRINTK_MAX + 64)
#define RECORD_MAX (4 * PRINTK_MAX + 64) /* each byte of text may become four */

/* syslog(2)'s first argument. */
enum syslog_action {
	SYSLOG_CLOSE,
	SYSLOG_OPEN,
	SYSLOG_READ,
	SYSLOG_READ_ALL,
	SYSLOG_READ_CLEAR,
	SYSLOG_CLEAR,
	SYSLOG_CONSOLE_OFF,
	SYSLOG_CONSOLE_ON,
	SYSLOG_CONSOLE_LEVEL,
	SYSLOG_SIZE_UNREAD,
	SYSLOG_SIZE_BUFFER,
};

/* Room to work in: too much for a stack. */
struct scratch {
	struct printk_record record;
	char text[RECORD_MAX];
};

static s64 device_read(struct file *f, struct io *io);
static s64 device_write(struct file *f, struct io *io);
static u64 device_size(struct file *f);
static s64 proc_read(struct file *f, struct io *io);
static u32 device_poll(struct file *f, struct poll_item *item);
static u32 proc_poll(struct file *f, struct poll_item *item);
static void say(enum printk_level level, const char *fmt, ...) __printf(2, 3);
static s64 device_read_record(struct file *f, struct io *io, struct scratch *s);
static u32 record_text(struct scratch *s);
static int wait_beyond(u64 seq);
static s64 stream_read(struct io *io, bool wait);
static s64 stream_copy(struct io *io, struct scratch *s);
static s64 read_all(struct io *io, bool clear);
static s64 read_all_locked(struct io *io, struct scratch *s);
static u64 size_unread(void);
static u32 line_text(const struct printk_record *record, char *out);
static s64 console_action(enum syslog_action action, s64 level);

const struct file_ops kmsg_device_ops = {
	.read = device_read, .write = device_write, .size = device_size, .poll = device_poll};
const struct file_ops kmsg_proc_ops = {.read = proc_read, .poll = proc_poll};

static struct wait_queue wait = WAIT_QUEUE_INIT(wait);
static struct mutex stream_lock = MUTEX_INIT(stream_lock, RANK_PIPE); /* copies to programs, as a pipe does */
static u64 stream_seq;                                                /* stream_lock: the message that is read next */
static u32 stream_done; /* stream_lock: bytes of its line that were read */
static u64 clear_seq;   /* stream_lock: "all" begins here */
static u32 level_saved; /* stream_lock: the console's level before it was turned off; 0: it is on */

/* Race: a reader that joins meanwhile looks at the ring again after it has joined. */
bool
kmsg_is_awaited(void)
{
	return READ_ONCE(wait.waiters.next) != &wait.waiters;
}

void
kmsg_wake(void)
{
	wake_all(&wait);
}

s64
sys_syslog(u64 action, u64 buf, u64 len)
{
	struct io io;

	switch ((u32)action) {
	case SYSLOG_CLOSE:
	case SYSLOG_OPEN:
		return 0;
	case SYSLOG_READ:
	case SYSLOG_READ_ALL:
	case SYSLOG_READ_CLEAR:
		if (!buf || (s32)len < 0)
			return -EINVAL;
		if (!(u32)len)
			return 0;
		if (!va_is_user_range(buf, (u32)len))
			return -EFAULT;
		io_init(&io, buf, (u32)len, 0);
		return (u32)action == SYSLOG_READ ? stream_read(&io, true)
						  : read_all(&io, (u32)action == SYSLOG_READ_CLEAR);
	case SYSLOG_SIZE_UNREAD:
		return (s64)size_unread();
	case SYSLOG_SIZE_BUFFER:
		return PRINTK_RING_SIZE;
	default:
		return console_action((enum syslog_action)(u32)action, (s32)len);
	}
}

static s64
console_action(enum syslog_action action, s64 level)
{
	s64 result = 0;

	mutex_lock(&stream_lock);
	switch (action) {
	case SYSLOG_CLEAR:
		clear_seq = printk_next();
		break;
	case SYSLOG_CONSOLE_OFF:
		if (!level_saved)
			level_saved = printk_console_level_get();
		printk_console_level(1);
		break;
	case SYSLOG_CONSOLE_ON:
		if (level_saved)
			printk_console_level(level_saved);
		level_saved = 0;
		break;
	case SYSLOG_CONSOLE_LEVEL:
		if (level < 1 || level > 8) {
			result = -EINVAL;
			break;
		}
		printk_console_level((u32)level);
		level_saved = 0;
		break;
	default:
		result = -EINVAL;
	}
	mutex_unlock(&stream_lock);
	return result;
}

/* The position of the file is the number of the message to read. */
static s64
device_read(struct file *f, struct io *io)
{
	struct scratch *s = kmalloc(sizeof(*s), ALLOC_KERNEL);
	s64 result = s ? device_read_record(f, io, s) : -ENOMEM;

	kfree(s);
	return result;
}

/* Like Linux's: ready when there is something to read, in error for who cannot read. */
static u32
device_poll(struct file *f, struct poll_item *item)
{
	if (!file_can_read(f))
		return POLLERR;
	poll_join(item, &wait);
	return printk_next() > READ_ONCE(f->pos) ? POLL_READABLE : 0;
}

static u32
proc_poll(struct file *f, struct poll_item *item)
{
	poll_join(item, &wait);
	return printk_next() > READ_ONCE(stream_seq) ? POLL_READABLE : 0;
}

static s64
device_read_record(struct file *f, struct io *io, struct scratch *s)
{
	u64 wanted = io->pos;
	u64 seq = wanted;
	u32 len;
	s64 moved;
	int err;

	while (!printk_read(&seq, &s->record)) {
		if (f->flags & O_NONBLOCK)
			return -EAGAIN;
		err = wait_beyond(seq);
		if (err)
			return err;
	}
	if (wanted && s->record.seq != wanted) {
		f->pos = s->record.seq; /* what was to be read is forgotten: the next read goes on with the oldest */
		return -EPIPE;
	}
	len = record_text(s);
	if (len > io->left) {
		f->pos = seq; /* as on Linux, what does not fit is lost to this reader */
		return -EINVAL;
	}
	moved = io_put(io, s->text, len);
	io->pos = seq;
	return io_result(io, moved);
}

/* "level,number,microseconds,-;text": what would break a line is spelled \xNN. Returns its length. */
static u32
record_text(struct scratch *s)
{
	const struct printk_record *r = &s->record;
	u32 len = format(s->text, sizeof(s->text), "%u,%lu,%lu,-;", r->level, r->seq, r->ns / 1000);

	for (u32 i = 0; i < r->len; i++) {
		u8 c = (u8)r->text[i];

		if (c < ' ' || c >= 127 || c == '\\')
			len += format(s->text + len, sizeof(s->text) - len, "\\x%02x", c);
		else
			s->text[len++] = c;
	}
	s->text[len++] = '\n';
	return len;
}

static u64
device_size(struct file *f)
{
	return printk_next();
}

/* One message a write; "<n>" before it is the level. */
static s64
device_write(struct file *f, struct io *io)
{
	char text[PRINTK_MAX];
	u64 len = io_take(io, text, sizeof(text) - 1);
	char *start = text;
	u32 level = PRINTK_INFO;

	text[len] = 0;
	if (io->faulted)
		return -EFAULT;
	if (text[0] == '<' && text[1] >= '0' && text[1] <= '7' && text[2] == '>') {
		level = text[1] - '0';
		start += 3;
	}
	say(level, "%s", start);
	return len + io->left;
}

static void
say(enum printk_level level, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	printk_va(level, fmt, args);
	va_end(args);
}

static s64
proc_read(struct file *f, struct io *io)
{
	return io->left ? stream_read(io, !(f->flags & O_NONBLOCK)) : 0;
}

/* Sleeps until message @seq has been said. Returns 0 or what a signal makes of it. */
static int
wait_beyond(u64 seq)
{
	return wait_event_interruptible(&wait, printk_next() > seq);
}

/* What nobody has read yet of the common stream, as much as fits; waits for the first of it. */
static s64
stream_read(struct io *io, bool may_wait)
{
	struct scratch *s = kmalloc(sizeof(*s), ALLOC_KERNEL);
	s64 result = s ? 0 : -ENOMEM;

	while (s && !result) {
		mutex_lock(&stream_lock);
		result = stream_copy(io, s);
		mutex_unlock(&stream_lock);
		if (!result)
			result = may_wait ? wait_beyond(READ_ONCE(stream_seq)) : -EAGAIN;
	}
	kfree(s);
	return result;
}

static s64
stream_copy(struct io *io, struct scratch *s)
{
	u64 moved = 0;

	assert(mutex_is_mine(&stream_lock));
	while (io->left && !io->faulted) {
		u64 seq = stream_seq;
		u32 len, n;

		if (!printk_read(&seq, &s->record))
			break;
		if (s->record.seq != stream_seq)
			stream_done = 0;
		len = line_text(&s->record, s->text);
		n = io_put(io, s->text + stream_done, len - stream_done);
		moved += n;
		stream_done += n;
		stream_seq = stream_done < len ? s->record.seq : seq;
		if (stream_done == len)
			stream_done = 0;
	}
	return io_result(io, moved);
}

/* The newest messages that fit, of those since the last time somebody cleared. */
static s64
read_all(struct io *io, bool clear)
{
	struct scratch *s = kmalloc(sizeof(*s), ALLOC_KERNEL);
	s64 result;

	if (!s)
		return -ENOMEM;
	mutex_lock(&stream_lock);
	result = read_all_locked(io, s);
	if (clear && result >= 0)
		clear_seq = printk_next();
	mutex_unlock(&stream_lock);
	kfree(s);
	return result;
}

/* Adds up first: how many of the oldest must go for the rest to fit? */
static s64
read_all_locked(struct io *io, struct scratch *s)
{
	u64 seq = clear_seq;
	u64 end = printk_next();
	u64 total = 0;
	u64 moved = 0;

	while (seq < end && printk_read(&seq, &s->record))
		total += line_text(&s->record, s->text);
	for (seq = clear_seq; seq < end && total > io->left && printk_read(&seq, &s->record);)
		total -= line_text(&s->record, s->text);
	while (seq < end && !io->faulted && printk_read(&seq, &s->record)) {
		u32 len = line_text(&s->record, s->text);

		if (len > io->left)
			break;
		moved += io_put(io, s->text, len);
	}
	return io_result(io, moved);
}

static u64
size_unread(void)
{
	struct scratch *s = kmalloc(sizeof(*s), ALLOC_KERNEL);
	u64 total = 0;
	u64 seq;

	if (!s)
		return 0;
	mutex_lock(&stream_lock);
	for (seq = stream_seq; printk_read(&seq, &s->record);)
		total += line_text(&s->record, s->text);
	total -= min_u64(total, stream_done);
	mutex_unlock(&stream_lock);
	kfree(s);
	return total;
}

/* "<level>[seconds] text". Returns its length. */
static u32
line_text(const struct printk_record *record, char *out)
{
	return format(out, LINE_MAX, "<%u>[%5lu.%06lu] %s\n", record->level, record->ns / NS_PER_SEC,
		      record->ns / NS_PER_US % 1000000, record->text);
}
