/* SPDX-License-Identifier: MIT */
/*
 * kernel/fs/seq.h - text that grows as it is written, for the files of /proc
 *
 * Idea        A buffer that doubles when something does not fit. A generator writes as if room were endless; when
 *             memory is short the text is cut and `failed` is set, so that no generator has an error path.
 * Invariants  I1  buf is NULL and size 0, or len < size and buf[len] is 0.
 * Locks       owner only. Growing may sleep: no spinlock is held while a generator writes.
 * Follow      from procfs*.c   to lib/format.h
 * Tests       tests/host/seq_test.c
 */
#pragma once

#include <kernel/lib/compiler.h>
#include <kernel/lib/types.h>

struct seq {
	char *buf;
	u64 len;     /* bytes written, without the final 0 */
	u64 size;    /* bytes of buf */
	bool failed; /* memory ran out: the text is cut */
	bool more;   /* of a text that is written in parts: this was not the last */
	u64 cursor;  /* likewise: where its generator goes on; 0 at first */
};

/* seq_printf, seq_puts, seq_write - append. Returns nothing, see `failed`. Context: may sleep. */
void seq_printf(struct seq *s, const char *fmt, ...) __printf(2, 3);
void seq_puts(struct seq *s, const char *text);
void seq_write(struct seq *s, const char *bytes, u64 n);

/* seq_escape - append @text; each byte of @which in it becomes a backslash and three octal digits. May sleep. */
void seq_escape(struct seq *s, const char *text, const char *which);

/* seq_pad - append blanks up to column @column of the present line, at least one. Context: may sleep. */
void seq_pad(struct seq *s, u32 column);

/* seq_free - free the buffer; the text is empty again. Context: any. */
void seq_free(struct seq *s);
