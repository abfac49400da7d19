/* SPDX-License-Identifier: MIT */
/*
 * kernel/fs/io.h - one transfer between a file and a program's buffers
 *
 * Idea        A list of buffers and how much of it is done, so that read, readv and pread are one operation of a
 *             file. The kernel's own buffers take the same way (kernel), so that each kind of file has one read and
 *             one write.
 * Invariants  I1  left is the sum of what is left of *vec and of the segments behind it.
 *             I2  user buffers lie below USER_TOP: io_init's callers have checked that.
 * Locks       none; a transfer belongs to one task
 * Follow      from kernel/sys_rw.c   to kernel/uaccess.h
 * Tests       tests/guest/file.c, tests/guest/wild.c
 */
#pragma once

#include <kernel/fs/abi.h>

struct io {
	struct iovec *vec; /* the segment in use */
	u64 done_in_vec;   /* bytes of it that are done */
	u64 left;          /* bytes to go */
	u64 pos;           /* file position of the next byte; streams ignore it */
	bool kernel;       /* the buffers are the kernel's own */
	bool append;       /* a write goes to the end of the file, as with O_APPEND */
	bool faulted;      /* a copy met a bad address: the transfer ends here */
	struct iovec one;  /* room for the ordinary case: one segment */
};

/* Begins a transfer of @len bytes at @base. I2. */
static inline void
io_init(struct io *io, u64 base, u64 len, u64 pos)
{
	io->one.base = base;
	io->one.len = len;
	io->vec = &io->one;
	io->done_in_vec = 0;
	io->left = len;
	io->pos = pos;
	io->kernel = false;
	io->append = false;
	io->faulted = false;
}

/*
 * io_put, io_put_zero, io_take - copy @n bytes, at most io->left: @src or zeroes to the buffers, or the buffers to @dst
 *
 * Returns   bytes copied: less only at a bad address, then io->faulted is set
 * Context   may sleep (page faults)
 */
u64 io_put(struct io *io, const void *src, u64 n);
u64 io_put_zero(struct io *io, u64 n);
u64 io_take(struct io *io, void *dst, u64 n);

/* What a transfer that moved @moved bytes returns: -EFAULT when there were none because of a bad address. */
s64 io_result(const struct io *io, u64 moved);
