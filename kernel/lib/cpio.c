/* SPDX-License-Identifier: MIT */
/*
 * kernel/lib/cpio.c - reads cpio archives of the "newc" kind from memory
 *
 * Idea        All arithmetic is in u64 on 32-bit fields, so that no sum can wrap; each range is compared with what
 *             is left of the buffer before anything in it is read.
 *
 *                 between archives --(header)--> inside --(TRAILER!!!)--> between archives
 *                       |                           |
 *                 end of buffer: 0            end of buffer: cut off
 *
 * Invariants  0 <= offset <= len; offset is a multiple of 4 or len when a header is expected.
 * Locks       none
 * Follow      from the unpacking of the initrd
 * Tests       tests/host/cpio_test.c
 * See         Linux Documentation/driver-api/early-userspace/buffer-format.rst
 */
#include <kernel/lib/cpio.h>
#include <kernel/lib/errno.h>
#include <kernel/lib/string.h>
#include <kernel/panic.h>

#define ALIGNMENT 4
#define MAGIC_SIZE 6
#define FIELD_SIZE 8
#define MODE_TYPE 0170000
#define MODE_REGULAR 0100000

/* In the order of the header. */
enum field {
	INO,
	MODE,
	UID,
	GID,
	NLINK,
	MTIME,
	FILESIZE,
	DEVMAJOR,
	DEVMINOR,
	RDEVMAJOR,
	RDEVMINOR,
	NAMESIZE,
	CHECK,
	FIELDS,
};

#define HEADER_SIZE (MAGIC_SIZE + FIELDS * FIELD_SIZE)

static const char trailer[] = "TRAILER!!!";

static void padding_skip(struct cpio_reader *r);
static const char *entry_read(struct cpio_reader *r, struct cpio_entry *entry);
static const char *header_read(const struct cpio_reader *r, u32 field[FIELDS], bool *has_check);
static bool hex_read(const u8 *digits, u32 *value);
static u32 byte_sum(const u8 *data, u64 size);
static void entry_fill(struct cpio_entry *entry, const u32 field[FIELDS]);

int
cpio_next(struct cpio_reader *r, struct cpio_entry *entry)
{
	assert(r->offset <= r->len);
	if (r->reason)
		return -EINVAL;
	for (;;) {
		if (!r->inside)
			padding_skip(r);
		if (!r->inside && r->offset == r->len)
			return 0;
		r->reason = entry_read(r, entry);
		if (r->reason)
			return -EINVAL;
		r->inside = strcmp(entry->name, trailer) != 0;
		if (r->inside)
			return 1;
	}
}

static void
padding_skip(struct cpio_reader *r)
{
	while (r->offset < r->len && !r->data[r->offset])
		r->offset++;
}

/* Reads the entry at r->offset and moves behind it. Returns NULL, or what is wrong. */
static const char *
entry_read(struct cpio_reader *r, struct cpio_entry *entry)
{
	u32 field[FIELDS];
	bool has_check;
	const char *wrong = header_read(r, field, &has_check);
	u64 name = r->offset + HEADER_SIZE;
	u64 data;

	if (wrong)
		return wrong;
	if (field[NAMESIZE] < 2 || field[NAMESIZE] > CPIO_NAME_MAX)
		return "the name is empty or longer than 4095 bytes";
	if (field[NAMESIZE] > r->len - name)
		return "the archive ends inside a name";
	if (r->data[name + field[NAMESIZE] - 1] || !r->data[name])
		return "the name is empty or does not end in NUL";
	data = round_up(name + field[NAMESIZE], ALIGNMENT);
	if (data > r->len)
		data = r->len;
	if (field[FILESIZE] > r->len - data)
		return "the archive ends inside the contents of a file";
	if (has_check && (field[MODE] & MODE_TYPE) == MODE_REGULAR &&
	    byte_sum(r->data + data, field[FILESIZE]) != field[CHECK])
		return "the checksum of a file is wrong";
	entry_fill(entry, field);
	entry->name = (const char *)r->data + name;
	entry->data = r->data + data;
	entry->offset = r->offset;
	r->offset = min_u64(round_up(data + field[FILESIZE], ALIGNMENT), r->len);
	return NULL;
}

static const char *
header_read(const struct cpio_reader *r, u32 field[FIELDS], bool *has_check)
{
	const u8 *header = r->data + r->offset;

	if (r->offset == r->len)
		return "the archive ends without a trailer";
	if (r->len - r->offset < HEADER_SIZE)
		return "the archive ends inside a header";
	if (memcmp(header, "070701", MAGIC_SIZE) && memcmp(header, "070702", MAGIC_SIZE))
		return "no cpio header of the newc kind";
	if (r->offset % ALIGNMENT)
		return "a header that is not at a multiple of 4";
	for (u32 i = 0; i < FIELDS; i++) {
		if (!hex_read(header + MAGIC_SIZE + i * FIELD_SIZE, &field[i]))
			return "a header field that is not hexadecimal";
	}
	*has_check = header[MAGIC_SIZE - 1] == '2';
	return NULL;
}

static bool
hex_read(const u8 *digits, u32 *value)
{
	*value = 0;
	for (u32 i = 0; i < FIELD_SIZE; i++) {
		u8 c = digits[i];

		if (c >= '0' && c <= '9')
			c -= '0';
		else if ((c | 0x20) >= 'a' && (c | 0x20) <= 'f')
			c = (c | 0x20) - 'a' + 10;
		else
			return false;
		*value = *value << 4 | c;
	}
	return true;
}

static u32
byte_sum(const u8 *data, u64 size)
{
	u32 sum = 0;

	while (size--)
		sum += *data++;
	return sum;
}

static void
entry_fill(struct cpio_entry *entry, const u32 field[FIELDS])
{
	*entry = (struct cpio_entry){
		.size = field[FILESIZE],
		.ino = field[INO],
		.mode = field[MODE],
		.uid = field[UID],
		.gid = field[GID],
		.nlink = field[NLINK],
		.mtime = field[MTIME],
		.devmajor = field[DEVMAJOR],
		.devminor = field[DEVMINOR],
		.rdevmajor = field[RDEVMAJOR],
		.rdevminor = field[RDEVMINOR],
	};
}
