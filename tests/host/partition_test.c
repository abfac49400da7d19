/* SPDX-License-Identifier: MIT */
/*
 * tests/host/partition_test.c - partition tables: good ones, damaged ones, and noise
 *
 * Idea        A disk of 4096 sectors in memory. Tables are written as the standards have them, then spoiled one field
 *             at a time. Whatever comes out must lie on the disk.
 */
/* sources: kernel/dev/partition.c kernel/lib/crc32.c */
#include "host.h"

#include <kernel/dev/partition.h>
#include <kernel/lib/crc32.h>

#define SECTORS 4096UL
#define ENTRIES 128
#define ENTRY_SECTORS (ENTRIES * 128 / 512)
#define NOISE_ROUNDS 20000

static uint8_t disk[SECTORS * 512];
static uint64_t bad_sector; /* cannot be read; ~0: all can */

static bool
disk_read(void *arg, u64 sector, void *buf)
{
	assert_true(sector < SECTORS);
	if (sector == bad_sector)
		return false;
	memcpy(buf, disk + sector * 512, 512);
	return true;
}

/* Reads, and checks the promise of partition.h on the way. */
static enum partition_kind
read_all(struct partition out[PARTITIONS_MAX])
{
	const struct partition_source source = {.read = disk_read, .sectors = SECTORS};
	enum partition_kind kind = partitions_read(&source, out);

	for (int i = 0; i < PARTITIONS_MAX; i++) {
		if (!out[i].sectors)
			continue;
		assert_true(kind != PARTITION_NONE);
		assert_true(out[i].start > 0 && out[i].start < SECTORS);
		assert_true(out[i].sectors <= SECTORS - out[i].start);
	}
	return kind;
}

static void
put32(uint64_t at, uint32_t value)
{
	memcpy(disk + at, &value, 4);
}

static void
put64(uint64_t at, uint64_t value)
{
	memcpy(disk + at, &value, 8);
}

static void
mbr_entry(uint64_t table, int i, uint8_t type, uint32_t start, uint32_t sectors)
{
	uint64_t at = table * 512 + 446 + 16 * i;

	disk[at + 4] = type;
	put32(at + 8, start);
	put32(at + 12, sectors);
	disk[table * 512 + 510] = 0x55;
	disk[table * 512 + 511] = 0xaa;
}

static void
gpt_header(uint64_t self, uint64_t other, uint64_t entries)
{
	uint64_t at = self * 512;

	memset(disk + at, 0, 512);
	memcpy(disk + at, "EFI PART", 8);
	put32(at + 8, 0x10000);
	put32(at + 12, 92);
	put64(at + 24, self);
	put64(at + 32, other);
	put64(at + 72, entries);
	put32(at + 80, ENTRIES);
	put32(at + 84, 128);
	put32(at + 88, crc32(0, disk + entries * 512, ENTRIES * 128));
	put32(at + 16, crc32(0, disk + at, 92));
}

/* Two partitions, number 1 and number 3, and the copy at the end. */
static void
gpt_write(void)
{
	uint64_t copy = SECTORS - 1 - ENTRY_SECTORS;

	memset(disk, 0, sizeof(disk));
	mbr_entry(0, 0, 0xee, 1, SECTORS - 1);
	memset(disk + 2 * 512, 0x77, 16);
	put64(2 * 512 + 32, 64);
	put64(2 * 512 + 40, 163);
	memset(disk + 2 * 512 + 2 * 128, 0x77, 16);
	put64(2 * 512 + 2 * 128 + 32, 200);
	put64(2 * 512 + 2 * 128 + 40, 200);
	memcpy(disk + copy * 512, disk + 2 * 512, ENTRIES * 128);
	gpt_header(1, SECTORS - 1, 2);
	gpt_header(SECTORS - 1, 1, copy);
	bad_sector = ~0UL;
}

static void
must_be_the_gpt(void)
{
	struct partition out[PARTITIONS_MAX];

	assert_int_equal(read_all(out), PARTITION_GPT);
	assert_int_equal(out[0].start, 64);
	assert_int_equal(out[0].sectors, 100);
	assert_int_equal(out[1].sectors, 0);
	assert_int_equal(out[2].start, 200);
	assert_int_equal(out[2].sectors, 1);
}

static void
crc_known(void **state)
{
	assert_int_equal(crc32(0, "123456789", 9), 0xcbf43926);
	assert_int_equal(crc32(crc32(0, "1234", 4), "56789", 5), 0xcbf43926);
}

static void
empty(void **state)
{
	struct partition out[PARTITIONS_MAX];

	memset(disk, 0, sizeof(disk));
	bad_sector = ~0UL;
	assert_int_equal(read_all(out), PARTITION_NONE);
	bad_sector = 0;
	assert_int_equal(read_all(out), PARTITION_NONE);
}

static void
gpt(void **state)
{
	gpt_write();
	must_be_the_gpt();
}

/* Each byte of header and entries that the checksums cover: then the copy counts. */
static void
gpt_copy(void **state)
{
	for (uint64_t at = 512; at < 512 + 92; at++) {
		gpt_write();
		disk[at] ^= 0x10;
		must_be_the_gpt();
	}
	gpt_write();
	disk[2 * 512 + 127 * 128 + 5] ^= 1;
	must_be_the_gpt();
	gpt_write();
	bad_sector = 1;
	must_be_the_gpt();
	bad_sector = 20;
	must_be_the_gpt();
}

static void
gpt_gone(void **state)
{
	struct partition out[PARTITIONS_MAX];

	gpt_write();
	disk[512] = 0;
	disk[(SECTORS - 1) * 512] = 0;
	assert_int_equal(read_all(out), PARTITION_NONE);
}

static void
gpt_too_long(void **state)
{
	struct partition out[PARTITIONS_MAX];

	gpt_write();
	put64(2 * 512 + 40, ~0UL >> 1);
	put64(2 * 512 + 2 * 128 + 32, SECTORS);
	put64(2 * 512 + 2 * 128 + 40, SECTORS + 5);
	gpt_header(1, SECTORS - 1, 2);
	assert_int_equal(read_all(out), PARTITION_GPT);
	assert_int_equal(out[0].sectors, SECTORS - 64);
	assert_int_equal(out[2].sectors, 0);
}

static void
mbr(void **state)
{
	struct partition out[PARTITIONS_MAX];

	memset(disk, 0, sizeof(disk));
	bad_sector = ~0UL;
	mbr_entry(0, 0, 0x83, 8, 92);
	mbr_entry(0, 1, 0x82, 100, SECTORS);
	mbr_entry(0, 3, 0x83, SECTORS + 9, 7);
	assert_int_equal(read_all(out), PARTITION_MBR);
	assert_int_equal(out[0].start, 8);
	assert_int_equal(out[0].sectors, 92);
	assert_int_equal(out[1].sectors, SECTORS - 100);
	assert_int_equal(out[2].sectors, 0);
	assert_int_equal(out[3].sectors, 0);
}

static void
logical(void **state)
{
	struct partition out[PARTITIONS_MAX];

	memset(disk, 0, sizeof(disk));
	bad_sector = ~0UL;
	mbr_entry(0, 0, 0x83, 8, 92);
	mbr_entry(0, 1, 0x05, 1000, 2000);
	mbr_entry(1000, 0, 0x83, 10, 40);
	mbr_entry(1000, 1, 0x05, 100, 100);
	mbr_entry(1100, 0, 0x82, 10, 50);
	assert_int_equal(read_all(out), PARTITION_MBR);
	assert_int_equal(out[1].sectors, 0);
	assert_int_equal(out[4].start, 1010);
	assert_int_equal(out[4].sectors, 40);
	assert_int_equal(out[5].start, 1110);
	assert_int_equal(out[5].sectors, 50);
	assert_int_equal(out[6].sectors, 0);
}

static void
circle(void **state)
{
	struct partition out[PARTITIONS_MAX];

	memset(disk, 0, sizeof(disk));
	bad_sector = ~0UL;
	mbr_entry(0, 0, 0x0f, 1000, 2000);
	mbr_entry(1000, 0, 0x83, 10, 40);
	mbr_entry(1000, 1, 0x05, 0, 100);
	assert_int_equal(read_all(out), PARTITION_MBR);
	assert_int_equal(out[4].start, 1010);
	assert_int_equal(out[14].start, 1010);
}

/* The boot sector of a FAT file system has the magic number, and code where entries would be. */
static void
boot_sector(void **state)
{
	struct partition out[PARTITIONS_MAX];

	memset(disk, 0xeb, 512);
	disk[510] = 0x55;
	disk[511] = 0xaa;
	bad_sector = ~0UL;
	assert_int_equal(read_all(out), PARTITION_NONE);
}

static void
noise(void **state)
{
	struct partition out[PARTITIONS_MAX];

	for (int round = 0; round < NOISE_ROUNDS; round++) {
		if (round % 64 == 0)
			gpt_write();
		for (int i = 0; i < 8; i++)
			disk[host_below(4) ? host_below(3 * 512) : host_below(sizeof(disk))] = (uint8_t)host_random();
		disk[446] = disk[462] = disk[478] = disk[494] = 0;
		disk[450] = host_below(2) ? 0xee : 0x05;
		disk[510] = 0x55;
		disk[511] = 0xaa;
		read_all(out);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(crc_known),   cmocka_unit_test(empty),    cmocka_unit_test(gpt),
		cmocka_unit_test(gpt_copy),    cmocka_unit_test(gpt_gone), cmocka_unit_test(gpt_too_long),
		cmocka_unit_test(mbr),         cmocka_unit_test(logical),  cmocka_unit_test(circle),
		cmocka_unit_test(boot_sector), cmocka_unit_test(noise),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
