/* SPDX-License-Identifier: MIT */
/*
 * kernel/fs/seq.c - text that grows as it is written, for the files of /proc
 *
 * Idea        see seq.h
 * Invariants  see seq.h
 * Locks       owner only
 * Follow      from procfs*.c   to lib/format.h
 * Tests       tests/host/seq_test.c
 */
#include <kernel/fs/seq.h>

#include <kernel/lib/format.h>
#include <kernel/lib/string.h>
#include <kernel/panic.h>
#include <mm/page_alloc.h>
#include <mm/slab.h>

#define SEQ_FIRST 1024 /* bytes of the first buffer: most files fit */

static bool seq_room(struct seq *s, u64 n);

/* Tried once; when it does not fit, once more with room for all. */
void
seq_printf(struct seq *s, const char *fmt, ...)
{
	u64 room = s->size - s->len;
	va_list args;
	u64 n;

	if (s->failed)
		return;
	va_start(args, fmt);
	n = format_va(room ? s->buf + s->len : NULL, room, fmt, args);
	va_end(args);
	if (n >= room) {
		if (!seq_room(s, n))
			return;
		va_start(args, fmt);
		n = format_va(s->buf + s->len, s->size - s->len, fmt, args);
		va_end(args);
	}
	s->len += n;
	assert(s->len < s->size && !s->buf[s->len]);
}

void
seq_puts(struct seq *s, const char *text)
{
	seq_write(s, text, strlen(text));
}

void
seq_write(struct seq *s, const char *bytes, u64 n)
{
	if (!seq_room(s, n))
		return;
	memcpy(s->buf + s->len, bytes, n);
	s->len += n;
	s->buf[s->len] = 0;
}

void
seq_escape(struct seq *s, const char *text, const char *which)
{
	u32 n;

	for (; *text; text += n) {
		for (n = 0; text[n] && !strchr(which, text[n]); n++)
			;
		seq_write(s, text, n);
		if (text[n])
			seq_printf(s, "\\%03o", (u8)text[n++]);
	}
}

void
seq_pad(struct seq *s, u32 column)
{
	u64 start = s->len;

	while (start && s->buf[start - 1] != '\n')
		start--;
	do
		seq_puts(s, " ");
	while (!s->failed && s->len - start < column);
}

void
seq_free(struct seq *s)
{
	kfree(s->buf);
	*s = (struct seq){0};
}

/* Room for @n more bytes and the 0. False: no memory; what is there stays, and ends in 0. */
static bool
seq_room(struct seq *s, u64 n)
{
	u64 size = s->size ? s->size : SEQ_FIRST;
	char *buf;

	if (s->failed)
		return false;
	if (s->len + n < s->size)
		return true;
	while (size <= s->len + n)
		size *= 2;
	buf = kmalloc(size, ALLOC_KERNEL);
	s->failed = !buf;
	if (!buf) {
		if (s->buf)
			s->buf[s->len] = 0;
		return false;
	}
	if (s->buf)
		memcpy(buf, s->buf, s->len);
	buf[s->len] = 0;
	kfree(s->buf);
	s->buf = buf;
	s->size = size;
	return true;
}
