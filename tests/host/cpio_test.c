/* SPDX-License-Identifier: MIT */
/*
 * tests/host/cpio_test.c - the cpio reader: honest archives, each kind of corruption, and noise
 *
 * Idea        Archives are written here, entry by entry. Every buffer that is read is a heap block of exactly its
 *             size. What a corrupt archive must never do is counted as well: entries that point outside, or an
 *             endless loop.
 */
/* sources: kernel/lib/cpio.c */
#include "host.h"

#include <kernel/lib/cpio.h>
#include <kernel/lib/errno.h>

#define SPACE 65536
#define FLIPS 200000

struct archive {
	u8 data[SPACE];
	u64 len;
};

static void
bytes_add(struct archive *a, const void *bytes, u64 len)
{
	assert_true(a->len + len <= SPACE);
	memcpy(a->data + a->len, bytes, len);
	a->len += len;
}

static void
zeros_add(struct archive *a, u64 len)
{
	assert_true(a->len + len <= SPACE);
	memset(a->data + a->len, 0, len);
	a->len += len;
}

static void
align(struct archive *a)
{
	zeros_add(a, -a->len % 4);
}

/* All fields from the entry but the name size, which is @namesize; @magic 1 or 2. */
static void
raw_add(struct archive *a, const struct cpio_entry *e, u32 namesize, int magic)
{
	char header[128];
	u32 sum = 0;

	for (u64 i = 0; i < e->size && magic == 2; i++)
		sum += e->data[i];
	sprintf(header, "07070%d%08x%08x%08x%08x%08X%08x%08x%08x%08x%08x%08x%08x%08x", magic, e->ino, e->mode, e->uid,
		e->gid, e->nlink, e->mtime, (u32)e->size, e->devmajor, e->devminor, e->rdevmajor, e->rdevminor,
		namesize, sum);
	assert_int_equal(strlen(header), 110);
	bytes_add(a, header, 110);
	bytes_add(a, e->name, strlen(e->name) + 1);
	align(a);
	bytes_add(a, e->data, e->size);
	align(a);
}

static void
entry_add(struct archive *a, const struct cpio_entry *e)
{
	raw_add(a, e, strlen(e->name) + 1, 1);
}

static void
file_add(struct archive *a, const char *name, const char *text)
{
	entry_add(a,
		  &(struct cpio_entry){
			  .name = name, .mode = 0100644, .nlink = 1, .data = (const u8 *)text, .size = strlen(text)});
}

static void
trailer_add(struct archive *a)
{
	entry_add(a, &(struct cpio_entry){.name = "TRAILER!!!", .nlink = 1, .data = (const u8 *)""});
}

static struct archive *
archive_make(void)
{
	struct archive *a = calloc(1, sizeof(*a));

	file_add(a, "init", "#!/bin/sh\n");
	entry_add(a, &(struct cpio_entry){.name = "bin", .mode = 040755, .nlink = 2, .data = (const u8 *)""});
	file_add(a, "bin/empty", "");
	file_add(a, "bin/x", "abcde");
	trailer_add(a);
	return a;
}

/* Reads all of @len bytes; checks that each entry lies inside. Returns the last verdict, and the entries in *count. */
static int
all_read(const void *bytes, u64 len, u32 *count)
{
	u8 *data = host_copy(bytes, len);
	struct cpio_reader r;
	struct cpio_entry e;
	int more;

	cpio_init(&r, data, len);
	for (*count = 0; (more = cpio_next(&r, &e)) > 0; ++*count) {
		const u8 *name = (const u8 *)e.name;

		assert_true(*count <= len / 112);
		assert_true(name > data && name < data + len);
		assert_true(name + strlen(e.name) < data + len);
		assert_true(e.data >= data && e.data <= data + len && e.size <= (u64)(data + len - e.data));
	}
	assert_int_equal(more == 0, r.reason == NULL);
	assert_true(r.offset <= len);
	if (more)
		assert_int_equal(cpio_next(&r, &e), -EINVAL);
	free(data);
	return more;
}

/* The verdict on @a, and the reason. */
static void
verdict_check(struct archive *a, const char *reason, u64 offset)
{
	u8 *data = host_copy(a->data, a->len);
	struct cpio_reader r;
	struct cpio_entry e;
	int more;

	cpio_init(&r, data, a->len);
	while ((more = cpio_next(&r, &e)) > 0)
		;
	if (!reason)
		assert_int_equal(more, 0);
	else if (more != -EINVAL || !strstr(r.reason, reason))
		fail_msg("verdict %d \"%s\", not \"%s\"", more, r.reason ? r.reason : "", reason);
	assert_int_equal(r.offset, offset);
	free(data);
	free(a);
}

static void
fields_arrive(void **state)
{
	struct archive *a = calloc(1, sizeof(*a));
	struct cpio_entry in = {.name = "dev/null",
				.mode = 020666,
				.uid = 1,
				.gid = 2,
				.nlink = 3,
				.ino = 0xffffffff,
				.mtime = 1700000000,
				.devmajor = 8,
				.devminor = 9,
				.rdevmajor = 1,
				.rdevminor = 3,
				.data = (const u8 *)"xyz",
				.size = 3};
	struct cpio_reader r;
	struct cpio_entry e;

	entry_add(a, &in);
	trailer_add(a);
	cpio_init(&r, a->data, a->len);
	assert_int_equal(cpio_next(&r, &e), 1);
	assert_string_equal(e.name, in.name);
	assert_memory_equal(e.data, "xyz", 3);
	assert_int_equal(e.offset, 0);
	in.name = e.name;
	in.data = e.data;
	assert_int_equal(e.size, in.size);
	assert_true(e.mode == in.mode && e.uid == in.uid && e.gid == in.gid && e.nlink == in.nlink);
	assert_true(e.ino == in.ino && e.mtime == in.mtime && e.devmajor == in.devmajor && e.devminor == in.devminor);
	assert_true(e.rdevmajor == in.rdevmajor && e.rdevminor == in.rdevminor);
	assert_int_equal(cpio_next(&r, &e), 0);
	assert_int_equal(cpio_next(&r, &e), 0);
	free(a);
}

static void
archives_may_follow_one_another(void **state)
{
	for (u32 gap = 0; gap < 1030; gap += gap < 16 ? 4 : 508) {
		struct archive *a = archive_make();
		struct archive *b = archive_make();
		u32 count;

		zeros_add(a, gap);
		bytes_add(a, b->data, b->len);
		zeros_add(a, gap / 2 + 1);
		assert_int_equal(all_read(a->data, a->len, &count), 0);
		assert_int_equal(count, 8);
		free(a);
		free(b);
	}
}

static void
nothing_is_an_archive_of_nothing(void **state)
{
	u8 zeros[600] = {0};
	u32 count;

	for (u32 len = 0; len <= sizeof(zeros); len += 100) {
		assert_int_equal(all_read(zeros, len, &count), 0);
		assert_int_equal(count, 0);
	}
}

static void
programs_make_what_we_read(void **state)
{
	static u8 data[SPACE];
	struct cpio_reader r;
	struct cpio_entry e;
	FILE *f = popen(
		"command -v cpio >/dev/null && cd tests/host && printf 'host.h\\nstub\\n' | cpio -o -H newc --quiet",
		"r");
	size_t len = fread(data, 1, sizeof(data), f);

	pclose(f);
	if (!len)
		skip();
	cpio_init(&r, data, len);
	assert_int_equal(cpio_next(&r, &e), 1);
	assert_string_equal(e.name, "host.h");
	assert_memory_equal(e.data, "/* SPDX", 7);
	assert_int_equal(cpio_next(&r, &e), 1);
	assert_int_equal(e.mode & 0170000, 040000);
	assert_int_equal(cpio_next(&r, &e), 0);
}

static void
checksums_are_verified(void **state)
{
	struct cpio_entry e = {.name = "f", .mode = 0100644, .data = (const u8 *)"\xff\xfe\x01", .size = 3};
	struct archive *a = calloc(1, sizeof(*a));
	struct archive *b = calloc(1, sizeof(*b));

	raw_add(a, &e, 2, 2);
	memcpy(b, a, sizeof(*b));
	trailer_add(a);
	verdict_check(a, NULL, 240);
	b->data[112]++;
	trailer_add(b);
	verdict_check(b, "checksum", 0);
}

static void
bad_names_are_refused(void **state)
{
	struct cpio_entry e = {.name = "name", .data = (const u8 *)""};
	u32 sizes[] = {0, 1, 4, 4097, 0x7fffffff, 0xffffffff};
	const char *reasons[] = {"empty", "empty", "NUL", "longer", "longer", "longer"};

	for (u32 i = 0; i < ARRAY_SIZE(sizes); i++) {
		struct archive *a = archive_make();
		u64 offset = a->len;

		raw_add(a, &e, sizes[i], 1);
		zeros_add(a, 8192);
		verdict_check(a, reasons[i], offset);
	}
}

static void
name_without_bytes_is_refused(void **state)
{
	struct archive *a = calloc(1, sizeof(*a));

	raw_add(a, &(struct cpio_entry){.name = "", .data = (const u8 *)""}, 2, 1);
	verdict_check(a, "empty", 0);
}

static void
name_past_the_end_is_refused(void **state)
{
	struct archive *a = calloc(1, sizeof(*a));

	raw_add(a, &(struct cpio_entry){.name = "name", .data = (const u8 *)""}, 4000, 1);
	verdict_check(a, "inside a name", 0);
}

static void
size_past_the_end_is_refused(void **state)
{
	u64 sizes[] = {9, 1 << 20, 0x7fffffff, 0xfffffffc, 0xffffffff};

	for (u32 i = 0; i < ARRAY_SIZE(sizes); i++) {
		struct archive *a = calloc(1, sizeof(*a));
		char digits[16];

		file_add(a, "f", "12345678");
		sprintf(digits, "%08x", (u32)sizes[i]);
		memcpy(a->data + 6 + 6 * 8, digits, 8);
		verdict_check(a, "contents", 0);
	}
}

static void
foreign_bytes_are_refused(void **state)
{
	struct archive *a = archive_make();
	struct archive *b = archive_make();
	struct archive *c = archive_make();
	struct archive *d = archive_make();
	u64 end = a->len;

	bytes_add(a,
		  "\x1f\x8b is how gzip begins, and long enough to be a header of the cpio kind, if it were one."
		  "..........................",
		  110);
	verdict_check(a, "no cpio header", end);
	memcpy(b->data, "070707", 6);
	verdict_check(b, "no cpio header", 0);
	c->data[20] = 'g';
	verdict_check(c, "hexadecimal", 0);
	zeros_add(d, 2);
	file_add(d, "odd", "");
	verdict_check(d, "multiple of 4", end + 2);
}

static void
every_truncation_is_told(void **state)
{
	struct archive *a = archive_make();
	u32 count;

	/* The last 3 bytes are padding behind the trailer's name. */
	for (u64 len = 0; len <= a->len; len++)
		assert_int_equal(all_read(a->data, len, &count), len == 0 || len >= a->len - 3 ? 0 : -EINVAL);
	assert_int_equal(count, 4);
	free(a);
}

static void
noise_does_no_harm(void **state)
{
	struct archive *good = archive_make();
	u32 count;

	for (u32 i = 0; i < FLIPS; i++) {
		struct archive a;

		a.len = host_below(4) ? good->len : host_below(good->len);
		memcpy(a.data, good->data, good->len);
		for (u32 n = 1 + host_below(4); n; n--) {
			u64 at = host_below(good->len);

			if (host_below(2))
				a.data[at] ^= 1 << host_below(8);
			else
				a.data[at] = "0123456789abcdefF\0"[host_below(18)];
		}
		all_read(a.data, a.len, &count);
	}
	free(good);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(fields_arrive),
		cmocka_unit_test(archives_may_follow_one_another),
		cmocka_unit_test(nothing_is_an_archive_of_nothing),
		cmocka_unit_test(programs_make_what_we_read),
		cmocka_unit_test(checksums_are_verified),
		cmocka_unit_test(bad_names_are_refused),
		cmocka_unit_test(name_without_bytes_is_refused),
		cmocka_unit_test(name_past_the_end_is_refused),
		cmocka_unit_test(size_past_the_end_is_refused),
		cmocka_unit_test(foreign_bytes_are_refused),
		cmocka_unit_test(every_truncation_is_told),
		cmocka_unit_test(noise_does_no_harm),
	};

	host_start();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
