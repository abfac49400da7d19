/* SPDX-License-Identifier: MIT */
/*
 * tests/host/inflate_test.c - the gzip decoder against the gzip program, and against corruption
 *
 * Idea        Texts of several kinds, chosen so that every kind of block, long codes, far matches and overlapping ones
 *             occur, are compressed by gzip and decoded here, in blocks of exactly their size. Then every
 *             truncation and many bit flips: the verdict is an error, or the bytes are right, because the checksum
 *             says so. What gzip never writes is put together from bits by hand.
 */
/* sources: kernel/lib/inflate.c kernel/lib/huffman.c */
#include "host.h"

#include <kernel/lib/errno.h>
#include <kernel/lib/inflate.h>

#define TEXT_MAX 400000
#define FLIPS 25000

struct bytes {
	u8 *data;
	size_t len;
};

static u8 text[TEXT_MAX];

/* ---- texts ---- */

static size_t
text_zeros(size_t len)
{
	memset(text, 0, len);
	return len;
}

static size_t
text_noise(size_t len)
{
	for (size_t i = 0; i < len; i++)
		text[i] = host_random();
	return len;
}

static size_t
text_words(size_t len)
{
	static const char *const words[] = {"page ", "frame ", "fault ", "slot ", "the ", "of ", "reclaim\n", "swap, "};

	for (size_t at = 0; at < len;) {
		const char *word = words[host_below(ARRAY_SIZE(words))];

		for (; *word && at < len; word++)
			text[at++] = *word;
	}
	return len;
}

/* Each byte value half as frequent as the one before: codes of every length up to 15. */
static size_t
text_skewed(size_t len)
{
	for (size_t i = 0; i < len; i++)
		text[i] = 7 * __builtin_ctzl(host_random() | 1UL << 20);
	return len;
}

/* Pieces repeated from every distance up to 32 KiB and beyond. */
static size_t
text_echoes(size_t len)
{
	size_t at = text_noise(300);

	while (at < len) {
		size_t distance = 1 + host_below(at < 40000 ? at : 40000);
		size_t n = 1 + host_below(300);

		for (; n && at < len; n--, at++)
			text[at] = text[at - distance];
		if (at < len)
			text[at++] = host_random();
	}
	return len;
}

static size_t (*const texts[])(size_t) = {text_zeros, text_noise, text_words, text_skewed, text_echoes};

/* ---- gzip ---- */

/* The first @len bytes of text, as gzip with @options compresses them. Gives: data (free). */
static struct bytes
gzip_make(size_t len, const char *options)
{
	char path[] = "/tmp/inflate_test.XXXXXX";
	struct bytes out = {malloc(len + len / 8 + 1000), 0};
	char command[200];
	int fd = mkstemp(path);
	FILE *pipe;

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, len), len);
	close(fd);
	snprintf(command, sizeof(command), "gzip -c %s %s", options, path);
	pipe = popen(command, "r");
	assert_non_null(pipe);
	out.len = fread(out.data, 1, len + len / 8 + 1000, pipe);
	assert_int_equal(pclose(pipe), 0);
	unlink(path);
	out.data = realloc(out.data, out.len);
	return out;
}

/* Decodes into a block of exactly @cap bytes; *err the verdict. */
static struct bytes
decode(const u8 *src, size_t len, size_t cap, int *err, size_t *consumed)
{
	u8 *copy = host_copy(src, len);
	struct bytes out = {malloc(cap), 0};

	*err = gunzip(copy, len, out.data, cap, &out.len, consumed);
	if (*err)
		assert_true(out.len == 0 && *consumed == 0);
	else
		assert_true(out.len <= cap && *consumed <= len);
	free(copy);
	return out;
}

/* What @gz decodes to is the first @len bytes of text, and all of @gz is used. */
static void
decodes_to_text(const struct bytes *gz, size_t len, size_t cap)
{
	size_t consumed;
	int err;
	struct bytes out = decode(gz->data, gz->len, cap, &err, &consumed);

	assert_int_equal(err, 0);
	assert_int_equal(out.len, len);
	assert_int_equal(consumed, gz->len);
	assert_memory_equal(out.data, text, len);
	free(out.data);
}

static void
verdict_check(const u8 *src, size_t len, size_t cap, int want)
{
	size_t consumed;
	int err;
	struct bytes out = decode(src, len, cap, &err, &consumed);

	assert_int_equal(err, want);
	free(out.data);
}

static void
what_gzip_makes_is_decoded(void **state)
{
	static const size_t sizes[] = {0, 1, 2, 10, 257, 1000, 32768, 33000, 70000, TEXT_MAX};
	static const char *const options[] = {"-n -1", "-n -6", "-n -9", "-N -9"};

	for (u32 t = 0; t < ARRAY_SIZE(texts); t++) {
		for (u32 s = 0; s < ARRAY_SIZE(sizes); s++) {
			size_t len = texts[t](sizes[s]) < sizes[s] ? 0 : sizes[s];
			struct bytes gz = gzip_make(len, options[host_below(ARRAY_SIZE(options))]);

			decodes_to_text(&gz, len, len);
			decodes_to_text(&gz, len, len + 1 + host_below(20));
			assert_int_equal(gunzip_size_hint(gz.data, gz.len), len);
			if (len)
				verdict_check(gz.data, gz.len, len - 1, -ENOSPC);
			if (len)
				verdict_check(gz.data, gz.len, host_below(len), -ENOSPC);
			free(gz.data);
		}
	}
}

static void
what_follows_a_member_is_left_alone(void **state)
{
	struct bytes gz = gzip_make(text_words(5000), "-n");
	size_t len = gz.len, consumed;
	struct bytes out;
	int err;

	for (u32 extra = 0; extra < 20; extra++) {
		gz.data = realloc(gz.data, len + extra);
		memset(gz.data + len, 0x1f, extra);
		out = decode(gz.data, len + extra, 5000, &err, &consumed);
		assert_int_equal(err, 0);
		assert_int_equal(consumed, len);
		free(out.data);
	}
	free(gz.data);
}

static void
every_truncation_is_told(void **state)
{
	for (u32 t = 0; t < ARRAY_SIZE(texts); t++) {
		size_t len = texts[t](1500);
		struct bytes gz = gzip_make(len, "-N");

		for (size_t cut = 0; cut < gz.len; cut++)
			verdict_check(gz.data, cut, len, -EINVAL);
		free(gz.data);
	}
}

static void
flipped_bits_are_found(void **state)
{
	for (u32 t = 0; t < ARRAY_SIZE(texts); t++) {
		size_t len = texts[t](2000);
		struct bytes gz = gzip_make(len, "-n -9");

		for (u32 i = 0; i < FLIPS; i++) {
			u8 *bad = host_copy(gz.data, gz.len);
			size_t consumed, cap = host_below(4) ? len : host_below(2 * len);
			struct bytes out;
			int err;

			for (u32 n = 1 + host_below(3); n; n--)
				bad[host_below(gz.len)] ^= 1 << host_below(8);
			out = decode(bad, gz.len, cap, &err, &consumed);
			assert_true(err == 0 || err == -EINVAL || err == -ENOSPC);
			/* Time, operating system and the like in the header may be anything. */
			if (!err)
				assert_true(out.len == len && memcmp(out.data, text, len) == 0);
			free(out.data);
			free(bad);
		}
		free(gz.data);
	}
}

static void
noise_behind_a_header_does_no_harm(void **state)
{
	static const u8 header[10] = {0x1f, 0x8b, 8};
	u8 noise[600];

	for (u32 i = 0; i < FLIPS; i++) {
		size_t len = 10 + host_below(sizeof(noise) - 10), consumed;
		struct bytes out;
		int err;

		for (size_t k = 0; k < len; k++)
			noise[k] = host_random();
		memcpy(noise, header, sizeof(header));
		/* Dynamic blocks are where the traps are. */
		if (host_below(2))
			noise[10] = (noise[10] & ~7) | 5;
		if (host_below(4) == 0)
			noise[3] = host_random() & 0x1f;
		out = decode(noise, len, host_below(3000), &err, &consumed);
		assert_true(err == -EINVAL || err == -ENOSPC);
		free(out.data);
	}
}

/* ---- streams by hand ---- */

static struct bytes made;
static u32 made_bits;

static void
bits_put(u32 value, u32 count)
{
	while (count--) {
		if (made_bits++ % 8 == 0)
			made.data[made.len++] = 0;
		made.data[made.len - 1] |= (value & 1) << ((made_bits - 1) % 8);
		value >>= 1;
	}
}

/* Huffman codes go first bit first. */
static void
code_put(u32 code, u32 length)
{
	while (length--)
		bits_put(code >> length & 1, 1);
}

static void
stream_begin(u8 flags)
{
	static u8 space[65536];

	memset(space, 0, sizeof(space));
	made = (struct bytes){space, 10};
	made_bits = 0;
	memcpy(space, "\x1f\x8b\x08", 3);
	space[3] = flags;
}

static u32
crc_of(const u8 *data, size_t len)
{
	u32 crc = ~0U;

	while (len--) {
		crc ^= *data++;
		for (u32 bit = 0; bit < 8; bit++)
			crc = crc & 1 ? crc >> 1 ^ 0xedb88320 : crc >> 1;
	}
	return ~crc;
}

/* Ends the stream, which should decode to @want. */
static void
stream_end(const char *want, size_t len)
{
	made_bits = 0;
	bits_put(crc_of((const u8 *)want, len), 32);
	bits_put(len, 32);
}

static void
stream_decodes_to(const char *want, size_t len)
{
	size_t consumed;
	int err;
	struct bytes out;

	stream_end(want, len);
	out = decode(made.data, made.len, len, &err, &consumed);
	assert_int_equal(err, 0);
	assert_int_equal(out.len, len);
	assert_memory_equal(out.data, want, len);
	free(out.data);
}

/* @lenient is what a decoder would make of it that did not look: the checksum is not to be the reason. */
static void
stream_is_refused(const char *lenient)
{
	stream_end(lenient, strlen(lenient));
	verdict_check(made.data, made.len, 1000, -EINVAL);
}

/* A literal, or the end of the block, in the fixed code. */
static void
fixed_put(u32 symbol)
{
	if (symbol < 144)
		code_put(0x30 + symbol, 8);
	else if (symbol < 256)
		code_put(0x190 + symbol - 144, 9);
	else if (symbol < 280)
		code_put(symbol - 256, 7);
	else
		code_put(0xc0 + symbol - 280, 8);
}

static void
stored_and_fixed_blocks_mix(void **state)
{
	stream_begin(0);
	bits_put(0, 3);
	made_bits = 0;
	bits_put(3, 16);
	bits_put(~3, 16);
	bits_put('a' | 'b' << 8 | 'c' << 16, 24);
	bits_put(0 | 1 << 1, 3);
	fixed_put('d');
	fixed_put(0xff);
	fixed_put(256);
	bits_put(0, 3);
	made_bits = 0;
	bits_put(0, 16);
	bits_put(~0, 16);
	bits_put(1 | 1 << 1, 3);
	/* 3 bytes from 4 back, then 258 from 1 back by the code that has no extra bits. */
	fixed_put(257);
	code_put(3, 5);
	fixed_put(285);
	code_put(0, 5);
	fixed_put(256);
	{
		char want[5 + 3 + 258] = "abcd\xff"
					 "bcd";

		memset(want + 8, 'd', 258);
		stream_decodes_to(want, sizeof(want));
	}
}

static void
matches_before_the_start_are_refused(void **state)
{
	stream_begin(0);
	bits_put(1 | 1 << 1, 3);
	fixed_put('x');
	fixed_put(257);
	code_put(1, 5); /* distance 2 */
	fixed_put(256);
	stream_is_refused("");
}

static void
symbols_that_never_occur_are_refused(void **state)
{
	for (u32 symbol = 286; symbol < 288; symbol++) {
		stream_begin(0);
		bits_put(1 | 1 << 1, 3);
		fixed_put(symbol);
		fixed_put(256);
		stream_is_refused("");
	}
	for (u32 symbol = 30; symbol < 32; symbol++) {
		stream_begin(0);
		bits_put(1 | 1 << 1, 3);
		fixed_put('x');
		fixed_put(257);
		code_put(symbol, 5);
		fixed_put(256);
		stream_is_refused("");
	}
}

static void
bad_blocks_are_refused(void **state)
{
	stream_begin(0);
	bits_put(1 | 3 << 1, 3);
	stream_is_refused("");
	stream_begin(0);
	bits_put(1, 3);
	made_bits = 0;
	bits_put(3, 16);
	bits_put(3, 16);
	bits_put(0, 24);
	stream_is_refused("");
}

/*
 * A dynamic block whose code of code lengths gives 0, 1, 2 and 18 two bits each (their codes: 00 01 10 11), and the
 * lengths @literal of 'a', @end of the end of block, and @distances[0..1] of the first two distances. LENGTHS_18 there
 * stands for the code 18: eleven zeros.
 */
#define LENGTHS_18 3
static void
dynamic_begin(u32 literal, u32 end, const u8 distances[2])
{
	/* The order is 16 17 18 0 8 7 9 6 10 5 11 4 12 3 13 2 14 1. */
	static const u8 order[18] = {0, 0, 2, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2, 0, 2};

	stream_begin(0);
	bits_put(1 | 2 << 1, 3);
	bits_put(0, 5);
	bits_put(1, 5);
	bits_put(18 - 4, 4);
	for (u32 i = 0; i < 18; i++)
		bits_put(order[i], 3);
	code_put(3, 2);
	bits_put('a' - 11, 7);
	code_put(literal, 2);
	code_put(3, 2);
	bits_put(138 - 11, 7);
	code_put(3, 2);
	bits_put(256 - 138 - 'a' - 1 - 11, 7);
	code_put(end, 2);
	code_put(distances[0], 2);
	code_put(distances[1], 2);
	if (distances[1] == LENGTHS_18)
		bits_put(0, 7);
}

static void
codes_must_be_whole(void **state)
{
	dynamic_begin(1, 1, (u8[]){1, 1});
	code_put(0, 1);
	code_put(1, 1);
	stream_decodes_to("a", 1);
	/* No distance at all, and a single one, are fine while they are not used. */
	dynamic_begin(1, 1, (u8[]){0, 0});
	code_put(0, 1);
	code_put(1, 1);
	stream_decodes_to("a", 1);
	dynamic_begin(1, 1, (u8[]){0, 1});
	code_put(1, 1);
	stream_decodes_to("", 0);
	/* Only the end of the block. */
	dynamic_begin(0, 1, (u8[]){0, 0});
	code_put(0, 1);
	stream_decodes_to("", 0);
	/* The other half of that code is nothing. */
	dynamic_begin(0, 1, (u8[]){0, 0});
	bits_put(0xffff, 16);
	stream_is_refused("");
	/* No end of the block; codes left over; a single distance of two bits; lengths past the last distance. */
	dynamic_begin(1, 0, (u8[]){0, 0});
	code_put(0, 1);
	stream_is_refused("a");
	dynamic_begin(1, 2, (u8[]){0, 0});
	code_put(0, 1);
	code_put(2, 2);
	stream_is_refused("a");
	dynamic_begin(1, 1, (u8[]){2, 0});
	code_put(0, 1);
	code_put(1, 1);
	stream_is_refused("a");
	dynamic_begin(1, 1, (u8[]){0, LENGTHS_18});
	code_put(0, 1);
	code_put(1, 1);
	stream_is_refused("a");
}

static void
repeats_must_fit(void **state)
{
	/* Code lengths 16 and 18 get one bit each: a repeat of nothing, and one past the end. */
	for (u32 first = 0; first < 2; first++) {
		stream_begin(0);
		bits_put(1 | 2 << 1, 3);
		bits_put(0, 5 + 5 + 4);
		bits_put(1, 3);
		bits_put(0, 3);
		bits_put(1, 3);
		bits_put(0, 3);
		code_put(first, 1);
		for (u32 i = 0; i < 40; i++)
			bits_put(0xff, 8);
		stream_is_refused("");
	}
	/* More literals than there are: HLIT 30 and 31. */
	for (u32 hlit = 30; hlit < 32; hlit++) {
		stream_begin(0);
		bits_put(1 | 2 << 1, 3);
		bits_put(hlit, 5);
		stream_is_refused("");
	}
}

static void
header_fields_are_skipped_and_checked(void **state)
{
	u16 crc;

	stream_begin(2 | 4 | 8 | 16);
	bits_put(5, 16);
	for (u32 i = 0; i < 5; i++)
		bits_put(0xee, 8);
	for (const char *s = "initrd.cpio"; *s; s++)
		bits_put(*s, 8);
	bits_put(0, 8);
	bits_put('c', 8);
	bits_put(0, 8);
	crc = crc_of(made.data, made.len);
	bits_put(crc, 16);
	bits_put(1 | 1 << 1, 3);
	fixed_put('x');
	fixed_put(256);
	stream_decodes_to("x", 1);
	for (size_t len = 0; len < made.len; len++)
		verdict_check(made.data, len, 10, -EINVAL);
	made.data[14] ^= 1;
	verdict_check(made.data, made.len, 10, -EINVAL);
	made.data[14] ^= 1;
	for (u32 bit = 5; bit < 8; bit++) {
		made.data[3] |= 1 << bit;
		verdict_check(made.data, made.len, 10, -EINVAL);
		made.data[3] ^= 1 << bit;
	}
	verdict_check(made.data, made.len, 10, 0);
	verdict_check((const u8 *)"", 0, 0, -EINVAL);
	verdict_check((const u8 *)"070701000000000000000000000000000000", 36, 10, -EINVAL);
	assert_int_equal(gunzip_size_hint((const u8 *)"070701000000000000000000000000000000", 36), 0);
	assert_int_equal(gunzip_size_hint(made.data, 17), 0);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_gzip_makes_is_decoded),
		cmocka_unit_test(what_follows_a_member_is_left_alone),
		cmocka_unit_test(every_truncation_is_told),
		cmocka_unit_test(flipped_bits_are_found),
		cmocka_unit_test(noise_behind_a_header_does_no_harm),
		cmocka_unit_test(stored_and_fixed_blocks_mix),
		cmocka_unit_test(matches_before_the_start_are_refused),
		cmocka_unit_test(symbols_that_never_occur_are_refused),
		cmocka_unit_test(bad_blocks_are_refused),
		cmocka_unit_test(codes_must_be_whole),
		cmocka_unit_test(repeats_must_fit),
		cmocka_unit_test(header_fields_are_skipped_and_checked),
	};

	host_start();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
