/* SPDX-License-Identifier: MIT */
/*
 * kernel/lib/cpio.h - reads cpio archives of the "newc" kind from memory
 *
 * Idea        An iterator over a buffer that nobody trusts. Names and contents are not copied: entries point into
 *             the buffer. Several archives may follow one another with zero bytes between, as Linux takes an initrd.
 * Invariants  none
 * Locks       none; a reader belongs to one caller
 * Follow      from the unpacking of the initrd
 * Tests       tests/host/cpio_test.c
 * See         Linux Documentation/driver-api/early-userspace/buffer-format.rst
 *
 *     6 bytes   "070701", or "070702" with a checksum
 *     13 x 8    hexadecimal digits: ino mode uid gid nlink mtime filesize devmajor devminor rdevmajor rdevminor
 *               namesize check
 *     namesize  the name with its NUL, padded so that what follows starts at a multiple of 4
 *     filesize  contents, padded likewise
 */
#pragma once

#include <kernel/lib/types.h>

#define CPIO_NAME_MAX 4096 /* Linux's PATH_MAX, with the NUL */

struct cpio_reader {
	const u8 *data;     /* const after init */
	u64 len;            /* const after init: bytes in data */
	u64 offset;         /* of the next header; after an error, of the header that is wrong */
	const char *reason; /* after an error: what is wrong, a static text */
	bool inside;        /* an archive has begun, and its trailer has not been seen */
};

struct cpio_entry {
	const char *name; /* ends in NUL, is not empty; no leading / is added or removed */
	const u8 *data;   /* contents; the target of a symbolic link, without a NUL */
	u64 size;         /* bytes at data */
	u64 offset;       /* of its header, for messages */
	u32 ino;
	u32 mode; /* type and permissions, as st_mode */
	u32 uid;
	u32 gid;
	u32 nlink;
	u32 mtime; /* seconds since 1970 */
	u32 devmajor;
	u32 devminor;
	u32 rdevmajor; /* of a device node */
	u32 rdevminor;
};

/* Begins at the start of @data, @len bytes that stay where they are while entries are in use. */
static inline void
cpio_init(struct cpio_reader *r, const void *data, u64 len)
{
	*r = (struct cpio_reader){.data = data, .len = len};
}

/*
 * cpio_next - the next entry of this archive, or of one after it
 *
 * Trailers and zero padding between archives are skipped. A buffer that is empty or all zero has no entry.
 *
 * Returns   1 and *entry; 0 the last archive has ended; -EINVAL corrupt or cut off, then r->offset and r->reason
 *           say where and why, and each later call says so again. (Something else, such as a compressed archive,
 *           may begin at that r->offset when r->inside is false.)
 * Context   any
 */
int cpio_next(struct cpio_reader *r, struct cpio_entry *entry);
