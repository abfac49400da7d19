/* SPDX-License-Identifier: MIT */
/*
 * kernel/lib/inflate.c - from gzip back to bytes
 *
 * Idea        Bits are taken from a 64-bit reservoir, least significant first, which is refilled once for a whole
 *             symbol: length, its extra bits, distance and its extra bits are 15 + 5 + 15 + 13 = 48 bits at most.
 *             Codes are looked up in tables (huffman.h).
 * Invariants  I1  count is the number of valid bits in the reservoir; once the input is overdrawn it stays below 0.
 *             I2  start <= out <= end of the output: checked before each write.
 * Locks       none; the tables are static (7 KiB are much for a kernel stack): one caller at a time
 * Follow      from the unpacking of the initrd
 * Tests       tests/host/inflate_test.c
 * See         RFC 1951, RFC 1952
 */
#include <kernel/lib/compiler.h>
#include <kernel/lib/errno.h>
#include <kernel/lib/huffman.h>
#include <kernel/lib/inflate.h>
#include <kernel/lib/string.h>
#include <kernel/panic.h>

#define REFILL_BITS 48 /* what one length and distance can take */
#define LITERALS HUFFMAN_SYMBOLS
#define DISTANCES 32
#define LITERALS_USED 286 /* the last two, and distances 30 and 31, never occur */
#define DISTANCES_USED 30
#define LENGTH_CODES 19
#define END_OF_BLOCK 256
#define FIRST_LENGTH 257
#define TRAILER_SIZE 8
#define HEADER_SIZE 10

enum gzip_flag {
	GZIP_HEADER_CRC = 2,
	GZIP_EXTRA = 4,
	GZIP_NAME = 8,
	GZIP_COMMENT = 16,
	GZIP_RESERVED = 0xe0,
};

struct bits {
	const u8 *next; /* first byte that is not in the reservoir */
	const u8 *end;
	u64 hold;  /* the reservoir: bit 0 is the next bit */
	s32 count; /* of valid bits in it */
};

static struct inflate {
	struct bits bits;
	u8 *start; /* of the output, which is the window too */
	u8 *out;
	u8 *end;
	struct huffman literal; /* literals and lengths; before that, the code of the code lengths */
	struct huffman distance;
	u8 length[LITERALS + DISTANCES];
	u32 crc_table[256];
} inflate_state;

/* Lengths and distances: the first value of each code, and how many bits are added to it. */
static const u16 length_base[] = {3,  4,  5,  6,  7,  8,  9,  10, 11,  13,  15,  17,  19,  23, 27,
				  31, 35, 43, 51, 59, 67, 83, 99, 115, 131, 163, 195, 227, 258};
static const u8 length_extra[] = {0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2,
				  2, 3, 3, 3, 3, 4, 4, 4, 4, 5, 5, 5, 5, 0};
static const u16 distance_base[] = {1,    2,    3,    4,    5,    7,    9,    13,    17,    25,
				    33,   49,   65,   97,   129,  193,  257,  385,   513,   769,
				    1025, 1537, 2049, 3073, 4097, 6145, 8193, 12289, 16385, 24577};
static const u8 distance_extra[] = {0, 0, 0, 0, 1, 1, 2, 2,  3,  3,  4,  4,  5,  5,  6,
				    6, 7, 7, 8, 8, 9, 9, 10, 10, 11, 11, 12, 12, 13, 13};
/* In which order the lengths of the code of the code lengths are sent. */
static const u8 length_order[LENGTH_CODES] = {16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15};

static size_t gzip_header_size(const struct inflate *s, const u8 *src, size_t len);
static size_t field_end(const u8 *src, size_t len, size_t at);
static void crc_table_make(struct inflate *s);
static u32 crc32(const struct inflate *s, const u8 *data, size_t len);
static int inflate(struct inflate *s);
static int block_stored(struct inflate *s);
static int block_fixed(struct inflate *s);
static int block_dynamic(struct inflate *s);
static int lengths_read(struct inflate *s, u32 total);
static u32 repeat_read(struct inflate *s, u32 symbol, u8 *value);
static int block_decode(struct inflate *s);
static bool match_copy(u8 *out, u32 distance, u32 length, const u8 *end);

static inline u32
le32(const u8 *p)
{
	u32 value;

	__builtin_memcpy(&value, p, sizeof(value));
	return value;
}

/* At least REFILL_BITS bits, or all that are left. Bits of @hold above @count are either 0 or what comes next there. */
static inline void
bits_refill(struct bits *b)
{
	u64 more;

	if ((u32)b->count >= REFILL_BITS)
		return;
	if (likely(b->end - b->next >= 8)) {
		__builtin_memcpy(&more, b->next, sizeof(more));
		b->hold |= more << b->count;
		b->next += (63 - b->count) >> 3;
		b->count |= 56;
		return;
	}
	while (b->count <= 56 && b->next < b->end) {
		b->hold |= (u64)*b->next++ << b->count;
		b->count += 8;
	}
}

static inline u32
bits_take(struct bits *b, u32 n)
{
	u32 value = b->hold & ((1U << n) - 1);

	b->hold >>= n;
	b->count -= n;
	return value;
}

/* The next symbol; HUFFMAN_SYMBOLS when no code begins so. */
static inline u32
symbol_take(struct bits *b, const struct huffman *h)
{
	u32 entry = huffman_entry(h, b->hold);

	b->hold >>= entry & HUFFMAN_LENGTH_MASK;
	b->count -= entry & HUFFMAN_LENGTH_MASK;
	return entry >> HUFFMAN_LENGTH_BITS;
}

int
gunzip(const u8 *src, size_t len, u8 *dst, size_t cap, size_t *out_len, size_t *consumed)
{
	struct inflate *s = &inflate_state;
	const u8 *trailer;
	size_t header;
	int err;

	*out_len = 0;
	*consumed = 0;
	crc_table_make(s);
	header = gzip_header_size(s, src, len);
	if (!header)
		return -EINVAL;
	s->bits = (struct bits){.next = src + header, .end = src + len};
	s->start = dst;
	s->out = dst;
	s->end = dst + cap;
	err = inflate(s);
	if (err)
		return err;
	trailer = s->bits.next - s->bits.count / 8;
	if (src + len - trailer < TRAILER_SIZE)
		return -EINVAL;
	if (le32(trailer + 4) != (u32)(s->out - dst) || le32(trailer) != crc32(s, dst, s->out - dst))
		return -EINVAL;
	assert(s->out <= s->end);
	*out_len = s->out - dst;
	*consumed = trailer + TRAILER_SIZE - src;
	return 0;
}

size_t
gunzip_size_hint(const u8 *src, size_t len)
{
	if (len < HEADER_SIZE + TRAILER_SIZE || src[0] != 0x1f || src[1] != 0x8b)
		return 0;
	return le32(src + len - 4);
}

/* Bytes before the deflate stream; 0 when this is no gzip header. */
static size_t
gzip_header_size(const struct inflate *s, const u8 *src, size_t len)
{
	size_t at = HEADER_SIZE;
	u8 flags;

	if (len < HEADER_SIZE || src[0] != 0x1f || src[1] != 0x8b || src[2] != 8 || (src[3] & GZIP_RESERVED))
		return 0;
	flags = src[3];
	if (flags & GZIP_EXTRA) {
		if (len - at < 2)
			return 0;
		at += 2 + src[at] + src[at + 1] * 256;
	}
	if (flags & GZIP_NAME)
		at = field_end(src, len, at);
	if (flags & GZIP_COMMENT)
		at = field_end(src, len, at);
	if (flags & GZIP_HEADER_CRC) {
		if (at > len || len - at < 2 || (crc32(s, src, at) & 0xffff) != src[at] + src[at + 1] * 256)
			return 0;
		at += 2;
	}
	return at <= len ? at : 0;
}

/* Behind the NUL of the text at @at; past @len when there is none. */
static size_t
field_end(const u8 *src, size_t len, size_t at)
{
	while (at < len && src[at])
		at++;
	return at + 1;
}

static void
crc_table_make(struct inflate *s)
{
	for (u32 i = 0; i < 256; i++) {
		u32 crc = i;

		for (u32 bit = 0; bit < 8; bit++)
			crc = crc >> 1 ^ (crc & 1 ? 0xedb88320 : 0);
		s->crc_table[i] = crc;
	}
}

static u32
crc32(const struct inflate *s, const u8 *data, size_t len)
{
	u32 crc = ~0U;

	while (len--)
		crc = s->crc_table[(u8)(crc ^ *data++)] ^ crc >> 8;
	return ~crc;
}

/* The blocks of one stream. Whole bytes that were not used are still in the reservoir afterwards. */
static int
inflate(struct inflate *s)
{
	bool last;
	int err;

	do {
		bits_refill(&s->bits);
		last = bits_take(&s->bits, 1);
		switch (bits_take(&s->bits, 2)) {
		case 0:
			err = block_stored(s);
			break;
		case 1:
			err = block_fixed(s);
			break;
		case 2:
			err = block_dynamic(s);
			break;
		default:
			err = -EINVAL;
		}
		if (!err && s->bits.count < 0)
			err = -EINVAL;
	} while (!err && !last);
	return err;
}

static int
block_stored(struct inflate *s)
{
	struct bits *b = &s->bits;
	u32 len;

	if (b->count < 0)
		return -EINVAL;
	/* The rest of the byte is skipped, and whole bytes go back from the reservoir. */
	b->next -= b->count / 8;
	b->hold = 0;
	b->count = 0;
	if (b->end - b->next < 4)
		return -EINVAL;
	len = le32(b->next) & 0xffff;
	if (len != (~le32(b->next) >> 16))
		return -EINVAL;
	b->next += 4;
	if (b->end - b->next < len)
		return -EINVAL;
	if (s->end - s->out < len)
		return -ENOSPC;
	memcpy(s->out, b->next, len);
	s->out += len;
	b->next += len;
	return 0;
}

static int
block_fixed(struct inflate *s)
{
	int err;

	memset(s->length, 8, LITERALS);
	memset(s->length + 144, 9, 256 - 144);
	memset(s->length + 256, 7, 280 - 256);
	memset(s->length + LITERALS, 5, DISTANCES);
	err = huffman_make(&s->literal, s->length, LITERALS, false);
	assert(!err);
	err = huffman_make(&s->distance, s->length + LITERALS, DISTANCES, false);
	assert(!err);
	return block_decode(s);
}

static int
block_dynamic(struct inflate *s)
{
	struct bits *b = &s->bits;
	u32 literals = bits_take(b, 5) + 257;
	u32 distances = bits_take(b, 5) + 1;
	u32 codes = bits_take(b, 4) + 4;

	if (literals > LITERALS_USED || distances > DISTANCES_USED)
		return -EINVAL;
	memset(s->length, 0, LENGTH_CODES);
	for (u32 i = 0; i < codes; i++) {
		bits_refill(b);
		s->length[length_order[i]] = bits_take(b, 3);
	}
	if (huffman_make(&s->literal, s->length, LENGTH_CODES, false))
		return -EINVAL;
	if (lengths_read(s, literals + distances) || !s->length[END_OF_BLOCK])
		return -EINVAL;
	if (huffman_make(&s->literal, s->length, literals, true))
		return -EINVAL;
	if (huffman_make(&s->distance, s->length + literals, distances, true))
		return -EINVAL;
	return block_decode(s);
}

/* The code lengths of both codes, which s->literal decodes. */
static int
lengths_read(struct inflate *s, u32 total)
{
	u32 n = 0;

	while (n < total) {
		u32 symbol, repeat = 1;
		u8 value;

		bits_refill(&s->bits);
		symbol = symbol_take(&s->bits, &s->literal);
		value = symbol;
		if (symbol == 16 && n)
			value = s->length[n - 1];
		else if (symbol == 16 || symbol >= LENGTH_CODES)
			return -EINVAL;
		if (symbol >= 16)
			repeat = repeat_read(s, symbol, &value);
		if (repeat > total - n || s->bits.count < 0)
			return -EINVAL;
		memset(s->length + n, value, repeat);
		n += repeat;
	}
	return 0;
}

/* 16: the length before, 3 to 6 times; 17: 0, 3 to 10 times; 18: 0, 11 to 138 times. */
static u32
repeat_read(struct inflate *s, u32 symbol, u8 *value)
{
	if (symbol == 16)
		return 3 + bits_take(&s->bits, 2);
	*value = 0;
	return symbol == 17 ? 3 + bits_take(&s->bits, 3) : 11 + bits_take(&s->bits, 7);
}

/* Literals and matches up to the end of the block. Why: bits and out are locals, to be kept in registers. */
static int
block_decode(struct inflate *s)
{
	struct bits b = s->bits;
	u8 *out = s->out;
	int err = -EINVAL;

	for (;;) {
		u32 symbol, length, distance;

		bits_refill(&b);
		symbol = symbol_take(&b, &s->literal);
		if (b.count < 0)
			break;
		if (symbol < END_OF_BLOCK) {
			err = -ENOSPC;
			if (out == s->end)
				break;
			*out++ = symbol;
			err = -EINVAL;
			continue;
		}
		if (symbol == END_OF_BLOCK)
			err = 0;
		if (symbol == END_OF_BLOCK || symbol >= LITERALS_USED)
			break;
		symbol -= FIRST_LENGTH;
		length = length_base[symbol] + bits_take(&b, length_extra[symbol]);
		symbol = symbol_take(&b, &s->distance);
		if (symbol >= DISTANCES_USED)
			break;
		distance = distance_base[symbol] + bits_take(&b, distance_extra[symbol]);
		if (b.count < 0 || distance > out - s->start)
			break;
		if (!match_copy(out, distance, length, s->end)) {
			err = -ENOSPC;
			break;
		}
		out += length;
	}
	s->bits = b;
	s->out = out;
	return err;
}

/* Repeats @length bytes that began @distance ago; the areas may overlap. False when they do not fit. */
static inline bool
match_copy(u8 *out, u32 distance, u32 length, const u8 *end)
{
	const u8 *from = out - distance;
	u64 word;

	if (end - out < length)
		return false;
	if (distance < 8 || end - out < length + 7) {
		while (length--)
			*out++ = *from++;
		return true;
	}
	/* Up to 7 bytes too many are written: there is room, and what comes next overwrites them. */
	for (u8 *stop = out + length; out < stop; out += 8, from += 8) {
		__builtin_memcpy(&word, from, sizeof(word));
		__builtin_memcpy(out, &word, sizeof(word));
	}
	return true;
}
