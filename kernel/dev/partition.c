/* SPDX-License-Identifier: MIT */
/*
 * kernel/dev/partition.c - partition tables
 *
 * Idea        see partition.h
 * Invariants  see partition.h
 * Locks       none
 * Follow      from disk.c   to lib/crc32.c
 * Tests       tests/host/partition_test.c
 * See         UEFI Specification 2.10, 5.2 (MBR), 5.3 (GPT)
 */
#include <kernel/dev/partition.h>

#include <kernel/lib/compiler.h>
#include <kernel/lib/crc32.h>
#include <kernel/lib/string.h>

#define SECTOR 512
#define MBR_MAGIC 0xaa55
#define MBR_ENTRIES 4
#define TYPE_EXTENDED 0x05
#define TYPE_EXTENDED_LBA 0x0f
#define TYPE_EXTENDED_LINUX 0x85
#define TYPE_GPT 0xee
#define BOOTABLE 0x80

#define GPT_HEADER_MIN 92
#define GPT_ENTRY_MIN 128
#define GPT_ENTRIES_MOST 1024 /* looked at for the checksum; the usual number is 128 */

struct mbr_entry {
	u8 boot;
	u8 chs_first[3];
	u8 type;
	u8 chs_last[3];
	u32 start;
	u32 sectors;
} __packed;

struct mbr {
	u8 code[446];
	struct mbr_entry entry[MBR_ENTRIES];
	u16 magic;
} __packed;

struct gpt_header {
	char signature[8];
	u32 revision;
	u32 size;
	u32 crc; /* of the header's size bytes, with this field 0 */
	u32 reserved;
	u64 self;
	u64 other;
	u64 first_usable, last_usable;
	u8 disk[16];
	u64 entries_at;
	u32 entries;
	u32 entry_size;
	u32 entries_crc;
} __packed;

struct gpt_entry {
	u8 type[16]; /* all zero: unused */
	u8 unique[16];
	u64 first, last;
} __packed;

_Static_assert(sizeof(struct mbr) == SECTOR, "the MBR is one sector");
_Static_assert(sizeof(struct gpt_header) == GPT_HEADER_MIN, "the GPT header as the standard has it");

static bool mbr_valid(const struct mbr *mbr);
static void mbr_read(const struct partition_source *source, const struct mbr *mbr, struct partition *out);
static void logical_read(const struct partition_source *source, u64 base, struct partition *out);
static bool is_extended(u8 type);
static bool gpt_read(const struct partition_source *source, u64 at, struct partition *out);
static bool gpt_header_valid(const struct partition_source *source, u64 at, u8 *sector);
static bool gpt_entries_read(const struct partition_source *source, const struct gpt_header *h, struct partition *out);
static void gpt_entry_take(const struct partition_source *source, const u8 *bytes, u32 i, struct partition *out);
static struct partition clip(const struct partition_source *source, u64 start, u64 sectors);

enum partition_kind
partitions_read(const struct partition_source *source, struct partition out[PARTITIONS_MAX])
{
	struct mbr mbr;

	memset(out, 0, PARTITIONS_MAX * sizeof(*out));
	if (!source->sectors || !source->read(source->arg, 0, &mbr) || !mbr_valid(&mbr))
		return PARTITION_NONE;
	for (u32 i = 0; i < MBR_ENTRIES; i++) {
		if (mbr.entry[i].type != TYPE_GPT)
			continue;
		if (gpt_read(source, 1, out) || gpt_read(source, source->sectors - 1, out))
			return PARTITION_GPT;
		memset(out, 0, PARTITIONS_MAX * sizeof(*out));
		return PARTITION_NONE;
	}
	mbr_read(source, &mbr, out);
	return PARTITION_MBR;
}

/* ---- MBR ---- */

/* Why the look at `boot`: the boot sector of a file system ends with the same magic number. */
static bool
mbr_valid(const struct mbr *mbr)
{
	if (mbr->magic != MBR_MAGIC)
		return false;
	for (u32 i = 0; i < MBR_ENTRIES; i++)
		if (mbr->entry[i].boot & ~BOOTABLE)
			return false;
	return true;
}

static void
mbr_read(const struct partition_source *source, const struct mbr *mbr, struct partition *out)
{
	u64 extended = 0;

	for (u32 i = 0; i < MBR_ENTRIES; i++) {
		const struct mbr_entry *e = &mbr->entry[i];

		if (is_extended(e->type) && !extended)
			extended = e->start;
		else if (e->type)
			out[i] = clip(source, e->start, e->sectors);
	}
	if (extended)
		logical_read(source, extended, out);
}

/*
 * Logical partitions are a chain of tables: in each, one entry for the partition, relative to the table, and one for
 * the next table, relative to the whole. They are numbered from 5. A chain that runs in a circle ends with the numbers.
 */
static void
logical_read(const struct partition_source *source, u64 base, struct partition *out)
{
	u64 table = base;
	struct mbr mbr;

	for (u32 n = MBR_ENTRIES; n < PARTITIONS_MAX && table < source->sectors; n++) {
		const struct mbr_entry *next = NULL;

		if (!source->read(source->arg, table, &mbr) || !mbr_valid(&mbr))
			return;
		for (u32 i = 0; i < MBR_ENTRIES; i++) {
			const struct mbr_entry *e = &mbr.entry[i];

			if (is_extended(e->type))
				next = next ? next : e;
			else if (e->type && !out[n].sectors)
				out[n] = clip(source, table + e->start, e->sectors);
		}
		if (!next)
			return;
		table = base + next->start;
	}
}

static bool
is_extended(u8 type)
{
	return type == TYPE_EXTENDED || type == TYPE_EXTENDED_LBA || type == TYPE_EXTENDED_LINUX;
}

/* ---- GPT ---- */

/* The table whose header is at sector @at. */
static bool
gpt_read(const struct partition_source *source, u64 at, struct partition *out)
{
	u8 sector[SECTOR];
	struct gpt_header header;

	if (at >= source->sectors || !gpt_header_valid(source, at, sector))
		return false;
	memcpy(&header, sector, sizeof(header));
	memset(out, 0, PARTITIONS_MAX * sizeof(*out));
	return gpt_entries_read(source, &header, out);
}

static bool
gpt_header_valid(const struct partition_source *source, u64 at, u8 *sector)
{
	struct gpt_header h;
	u32 crc;

	if (!source->read(source->arg, at, sector))
		return false;
	memcpy(&h, sector, sizeof(h));
	if (memcmp(h.signature, "EFI PART", 8) || h.size < GPT_HEADER_MIN || h.size > SECTOR || h.self != at)
		return false;
	crc = h.crc;
	memset(sector + offsetof(struct gpt_header, crc), 0, sizeof(crc));
	if (crc32(0, sector, h.size) != crc)
		return false;
	return h.entry_size >= GPT_ENTRY_MIN && is_pow2(h.entry_size) && h.entry_size <= SECTOR &&
	       h.entries <= GPT_ENTRIES_MOST;
}

/* Entries of up to a sector: none crosses a border. */
static bool
gpt_entries_read(const struct partition_source *source, const struct gpt_header *h, struct partition *out)
{
	u32 per_sector = SECTOR / h->entry_size;
	u8 sector[SECTOR];
	u32 crc = 0;

	for (u32 i = 0; i < h->entries; i++) {
		u64 at = h->entries_at + i / per_sector;
		const u8 *entry = sector + i % per_sector * h->entry_size;

		if (i % per_sector == 0 && (at >= source->sectors || !source->read(source->arg, at, sector)))
			return false;
		crc = crc32(crc, entry, h->entry_size);
		if (i < PARTITIONS_MAX)
			gpt_entry_take(source, entry, i, out);
	}
	return crc == h->entries_crc;
}

static void
gpt_entry_take(const struct partition_source *source, const u8 *bytes, u32 i, struct partition *out)
{
	static const u8 unused[16];
	struct gpt_entry e;

	memcpy(&e, bytes, sizeof(e));
	if (memcmp(e.type, unused, sizeof(unused)) && e.first <= e.last)
		out[i] = clip(source, e.first, e.last - e.first + 1);
}

/* What of it lies on the disk; nothing for one that begins past the end, or on the table itself. */
static struct partition
clip(const struct partition_source *source, u64 start, u64 sectors)
{
	if (!start || start >= source->sectors || !sectors)
		return (struct partition){0};
	return (struct partition){.start = start, .sectors = min_u64(sectors, source->sectors - start)};
}
