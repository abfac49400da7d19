/* SPDX-License-Identifier: MIT */
/*
 * kernel/fs/io.c - one transfer between a file and a program's buffers
 *
 * Idea        see io.h
 * Invariants  see io.h
 * Locks       none
 * Follow      from tmpfs_file.c, pipe.c, procfs.c, dev/tty.c   to arch/x86_64/uaccess.S
 * Tests       tests/guest/file.c, tests/guest/wild.c
 */
#include <kernel/fs/io.h>

#include <arch/cpu.h>
#include <kernel/lib/errno.h>
#include <kernel/lib/string.h>
#include <kernel/panic.h>

enum direction {
	PUT,
	PUT_ZERO,
	TAKE,
};

static u64 io_move(struct io *io, void *mem, u64 n, enum direction way);
static u64 move_segments(struct io *io, void *mem, u64 n, enum direction way);
static u64 move_chunk(struct io *io, void *mem, u64 n, enum direction way);
static u64 move_bytes(struct io *io, void *mem, u64 n, enum direction way);

u64
io_put(struct io *io, const void *src, u64 n)
{
	return io_move(io, (void *)src, n, PUT);
}

u64
io_put_zero(struct io *io, u64 n)
{
	return io_move(io, NULL, n, PUT_ZERO);
}

u64
io_take(struct io *io, void *dst, u64 n)
{
	return io_move(io, dst, n, TAKE);
}

s64
io_result(const struct io *io, u64 moved)
{
	return !moved && io->faulted ? -EFAULT : (s64)moved;
}

/* Almost always one segment holds it all. */
static inline __attribute__((always_inline)) u64
io_move(struct io *io, void *mem, u64 n, enum direction way)
{
	n = min_u64(n, io->left);
	if (likely(io->vec->len - io->done_in_vec >= n))
		return move_chunk(io, mem, n, way);
	return move_segments(io, mem, n, way);
}

static __noinline u64
move_segments(struct io *io, void *mem, u64 n, enum direction way)
{
	u64 done = 0;
	u64 want;

	while (done < n && !io->faulted) {
		while (io->done_in_vec == io->vec->len) {
			io->vec++;
			io->done_in_vec = 0;
		}
		want = min_u64(n - done, io->vec->len - io->done_in_vec);
		done += move_chunk(io, (char *)mem + done, want, way);
	}
	return done;
}

/* Moves within one segment; returns the bytes moved. */
static inline __attribute__((always_inline)) u64
move_chunk(struct io *io, void *mem, u64 n, enum direction way)
{
	u64 missed = move_bytes(io, mem, n, way);
	u64 got = n - missed;

	if (unlikely(missed))
		io->faulted = true;
	io->done_in_vec += got;
	io->left -= got;
	io->pos += got;
	return got;
}

/* Returns the bytes that were not moved. */
static inline __attribute__((always_inline)) u64
move_bytes(struct io *io, void *mem, u64 n, enum direction way)
{
	void *buf = (void *)(io->vec->base + io->done_in_vec);

	if (likely(!io->kernel)) {
		if (way == PUT)
			return uaccess_copy(buf, mem, n);
		return way == TAKE ? uaccess_copy(mem, buf, n) : uaccess_clear(buf, n);
	}
	if (way == PUT)
		memcpy(buf, mem, n);
	else if (way == TAKE)
		memcpy(mem, buf, n);
	else
		memset(buf, 0, n);
	return 0;
}
