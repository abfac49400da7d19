/* SPDX-License-Identifier: MIT */
/*
 * kernel/lib/format.c - numbers and strings to text, and back
 *
 * Idea        A conversion is read into a struct spec, its argument is turned into pieces, and the pieces go out:
 *
 *               blanks | sign or 0x | zeros | digits or text | blanks
 *
 *             Output that does not fit is counted, not written.
 * Invariants  out.len is the length of the whole text so far; out.buf[0..size-1) holds as much of it as fits.
 * Locks       none
 * Follow      from printk, procfs, the command line
 * Tests       tests/host/format_test.c
 * See         ISO C99 7.19.6.1
 */
#include <kernel/lib/errno.h>
#include <kernel/lib/format.h>
#include <kernel/lib/string.h>

#define DIGITS_MAX 22 /* 2^64 - 1 in octal */

struct out {
	char *buf;
	size_t size;
	size_t len;
	va_list args;
};

/* One conversion: %[flags][width][.precision][length]conversion */
struct spec {
	bool left;      /* - */
	bool zero;      /* 0 */
	bool plus;      /* + */
	bool space;     /* blank */
	bool alternate; /* # */
	int width;
	int precision; /* -1: none given */
	int bytes;     /* of the argument */
	char conversion;
};

static const char *spec_read(struct spec *spec, const char *fmt, struct out *out);
static const char *flags_read(struct spec *spec, const char *fmt);
static const char *count_read(int *count, const char *fmt, struct out *out);
static const char *length_read(struct spec *spec, const char *fmt);
static bool spec_put(struct out *out, struct spec *spec);
static void put_signed(struct out *out, const struct spec *spec);
static void put_unsigned(struct out *out, const struct spec *spec);
static void put_string(struct out *out, const struct spec *spec, const char *s);
static void put_number(struct out *out, const struct spec *spec, const char *prefix, u64 value);
static u64 arg_unsigned(struct out *out, const struct spec *spec);
static int base_of(const char **s, int base);
static int digit_value(char c);

static inline void
put_char(struct out *out, char c)
{
	if (out->len + 1 < out->size)
		out->buf[out->len] = c;
	out->len++;
}

static inline void
put_repeated(struct out *out, char c, int count)
{
	while (count-- > 0)
		put_char(out, c);
}

static inline void
put_bytes(struct out *out, const char *s, size_t count)
{
	while (count--)
		put_char(out, *s++);
}

int
format_va(char *buf, size_t size, const char *fmt, va_list args)
{
	struct out out = {.buf = buf, .size = size};

	va_copy(out.args, args);
	while (*fmt) {
		struct spec spec;
		const char *after;

		if (*fmt != '%') {
			put_char(&out, *fmt++);
			continue;
		}
		after = spec_read(&spec, fmt + 1, &out);
		if (!spec_put(&out, &spec))
			put_bytes(&out, fmt, after - fmt);
		fmt = after;
	}
	va_end(out.args);
	if (size)
		buf[min_u64(out.len, size - 1)] = '\0';
	return out.len;
}

int
format(char *buf, size_t size, const char *fmt, ...)
{
	va_list args;
	int len;

	va_start(args, fmt);
	len = format_va(buf, size, fmt, args);
	va_end(args);
	return len;
}

int
parse_u64(const char *s, const char **end, int base, u64 *out)
{
	bool overflow = false;
	const char *first;
	u64 value = 0;

	base = base_of(&s, base);
	for (first = s; digit_value(*s) < base; s++) {
		overflow |= __builtin_mul_overflow(value, (u64)base, &value);
		overflow |= __builtin_add_overflow(value, (u64)digit_value(*s), &value);
	}
	if (s == first || (!end && *s))
		return -EINVAL;
	if (end)
		*end = s;
	if (overflow)
		return -ERANGE;
	*out = value;
	return 0;
}

int
parse_size(const char *s, const char **end, u64 *out)
{
	static const char units[] = "kmgtpe";
	const char *unit;
	u32 shift = 0;
	u64 value;
	int err = parse_u64(s, &s, 0, &value);

	if (err == -EINVAL)
		return err;
	unit = *s ? strchr(units, *s | 0x20) : NULL;
	if (unit) {
		shift = 10 * (unit - units + 1);
		s++;
	}
	if (!end && *s)
		return -EINVAL;
	if (end)
		*end = s;
	if (err || value << shift >> shift != value)
		return -ERANGE;
	*out = value << shift;
	return 0;
}

/* @fmt is behind the %. Returns what is behind the conversion. */
static const char *
spec_read(struct spec *spec, const char *fmt, struct out *out)
{
	*spec = (struct spec){.precision = -1};
	fmt = flags_read(spec, fmt);
	fmt = count_read(&spec->width, fmt, out);
	if (spec->width < 0) {
		spec->left = true;
		spec->width = -spec->width;
	}
	if (*fmt == '.') {
		spec->precision = 0;
		fmt = count_read(&spec->precision, fmt + 1, out);
	}
	fmt = length_read(spec, fmt);
	spec->conversion = *fmt;
	return *fmt ? fmt + 1 : fmt;
}

static const char *
flags_read(struct spec *spec, const char *fmt)
{
	for (;; fmt++) {
		switch (*fmt) {
		case '-':
			spec->left = true;
			break;
		case '0':
			spec->zero = true;
			break;
		case '+':
			spec->plus = true;
			break;
		case ' ':
			spec->space = true;
			break;
		case '#':
			spec->alternate = true;
			break;
		default:
			return fmt;
		}
	}
}

/* A decimal number, or the argument that * stands for; leaves *count as it is when there is neither. */
static const char *
count_read(int *count, const char *fmt, struct out *out)
{
	if (*fmt == '*') {
		*count = va_arg(out->args, int);
		return fmt + 1;
	}
	while (*fmt >= '0' && *fmt <= '9') {
		/* Simple: beyond any width that makes sense, digits are dropped. */
		if (*count < 1000000)
			*count = *count * 10 + (*fmt - '0');
		fmt++;
	}
	return fmt;
}

static const char *
length_read(struct spec *spec, const char *fmt)
{
	spec->bytes = sizeof(int);
	if (*fmt == 'h') {
		spec->bytes = fmt[1] == 'h' ? 1 : 2;
		return fmt + (fmt[1] == 'h' ? 2 : 1);
	}
	if (*fmt && strchr("lztj", *fmt)) {
		spec->bytes = 8;
		return fmt + (fmt[0] == 'l' && fmt[1] == 'l' ? 2 : 1);
	}
	return fmt;
}

/* False: unknown, nothing was written. */
static bool
spec_put(struct out *out, struct spec *spec)
{
	char c;

	switch (spec->conversion) {
	case 'd':
	case 'i':
		put_signed(out, spec);
		return true;
	case 'u':
	case 'x':
	case 'X':
	case 'o':
		put_unsigned(out, spec);
		return true;
	case 'p':
		spec->conversion = 'x';
		put_number(out, spec, "0x", va_arg(out->args, u64));
		return true;
	case 's':
		put_string(out, spec, va_arg(out->args, const char *));
		return true;
	case 'c':
		c = va_arg(out->args, int);
		spec->precision = 1;
		put_string(out, spec, &c);
		return true;
	case '%':
		put_char(out, '%');
		return true;
	default:
		return false;
	}
}

static void
put_signed(struct out *out, const struct spec *spec)
{
	s64 value;

	if (spec->bytes == 8)
		value = va_arg(out->args, s64);
	else
		value = va_arg(out->args, int);
	if (spec->bytes == 2)
		value = (s16)value;
	if (spec->bytes == 1)
		value = (s8)value;
	if (value < 0)
		put_number(out, spec, "-", -(u64)value);
	else
		put_number(out, spec, spec->plus ? "+" : spec->space ? " " : "", value);
}

static void
put_unsigned(struct out *out, const struct spec *spec)
{
	u64 value = arg_unsigned(out, spec);
	const char *prefix = "";

	if (spec->alternate && value && spec->conversion == 'x')
		prefix = "0x";
	if (spec->alternate && value && spec->conversion == 'X')
		prefix = "0X";
	put_number(out, spec, prefix, value);
}

/* At most precision bytes of @s, which may lack its NUL if it has that many. */
static void
put_string(struct out *out, const struct spec *spec, const char *s)
{
	size_t len;
	int blanks;

	if (!s)
		s = "(null)";
	len = strnlen(s, spec->precision < 0 ? SIZE_MAX : spec->precision);
	if (spec->conversion == 'c')
		len = 1;
	blanks = len < spec->width ? spec->width - len : 0;
	if (!spec->left)
		put_repeated(out, ' ', blanks);
	put_bytes(out, s, len);
	if (spec->left)
		put_repeated(out, ' ', blanks);
}

static void
put_number(struct out *out, const struct spec *spec, const char *prefix, u64 value)
{
	const char *digits = spec->conversion == 'X' ? "0123456789ABCDEF" : "0123456789abcdef";
	u32 base = spec->conversion == 'o' ? 8 : (spec->conversion | 0x20) == 'x' ? 16 : 10;
	char text[DIGITS_MAX];
	char *first = text + DIGITS_MAX;
	int len, zeros, blanks;

	for (; value; value /= base)
		*--first = digits[value % base];
	len = text + DIGITS_MAX - first;
	zeros = (spec->precision < 0 ? 1 : spec->precision) - len;
	if (zeros <= 0)
		zeros = spec->conversion == 'o' && spec->alternate;
	blanks = spec->width - len - zeros - (int)strlen(prefix);
	if (zeros < 0 || (spec->zero && !spec->left && spec->precision < 0 && blanks > 0)) {
		zeros += blanks;
		blanks = 0;
	}
	if (!spec->left)
		put_repeated(out, ' ', blanks);
	put_bytes(out, prefix, strlen(prefix));
	put_repeated(out, '0', zeros);
	put_bytes(out, first, len);
	if (spec->left)
		put_repeated(out, ' ', blanks);
}

static u64
arg_unsigned(struct out *out, const struct spec *spec)
{
	u32 value;

	if (spec->bytes == 8)
		return va_arg(out->args, u64);
	value = va_arg(out->args, u32);
	if (spec->bytes == 2)
		return (u16)value;
	if (spec->bytes == 1)
		return (u8)value;
	return value;
}

/* Skips the prefix that @base, or 0 for "the number says", allows at *s. */
static int
base_of(const char **s, int base)
{
	const char *p = *s;

	if ((base == 0 || base == 16) && p[0] == '0' && (p[1] | 0x20) == 'x' && digit_value(p[2]) < 16) {
		*s += 2;
		return 16;
	}
	if (base)
		return base;
	return p[0] == '0' ? 8 : 10;
}

/* 0 to 35; for anything else a value that no base reaches. */
static int
digit_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 10;
	return 99;
}
