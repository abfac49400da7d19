/* SPDX-License-Identifier: MIT */
/*
 * kernel/lib/string.c - memory and string primitives
 *
 * Idea        Eight bytes a step. A length that is no multiple of eight ends with one more unaligned word that
 *             overlaps what is already done, instead of a loop over single bytes.
 *             Why: assembly for the bulk, where C would do: the compiler recognises a loop that copies or fills, and
 *             replaces it by a call to the very function it is in.
 * Invariants  the direction flag is clear, as the ABI has it
 * Locks       none
 * Follow      everywhere
 * Tests       tests/host/string_test.c (there under the names tm_memcpy...: the C library has its own)
 * See         Intel SDM volume 1, 7.3.9.3 (fast-string operation)
 */
#include <kernel/lib/compiler.h>
#include <kernel/lib/string.h>

#define WORD sizeof(u64)

/* A word at any address, of whatever type lies there. */
typedef u64 __attribute__((aligned(1), may_alias)) any_u64;

static void move_backward(u8 *dst, const u8 *src, size_t n);

static inline u64
word_at(const void *p)
{
	return *(const any_u64 *)p;
}

static inline void
word_put(void *p, u64 word)
{
	*(any_u64 *)p = word;
}

/* Upwards; right also for areas that overlap, if @dst is below @src. */
static inline void
move_forward(u8 *dst, const u8 *src, size_t n)
{
	size_t words = n / WORD;
	u64 tail;

	if (n < WORD) {
		__asm__ volatile("rep movsb" : "+D"(dst), "+S"(src), "+c"(n) : : "memory");
		return;
	}
	/* Read first: when the areas overlap, the moves below overwrite the end of the source. */
	tail = word_at(src + n - WORD);
	n -= words * WORD;
	__asm__ volatile("rep movsq" : "+D"(dst), "+S"(src), "+c"(words) : : "memory");
	word_put(dst + n - WORD, tail);
}

void *
memcpy(void *dst, const void *src, size_t n)
{
	move_forward(dst, src, n);
	return dst;
}

void *
memmove(void *dst, const void *src, size_t n)
{
	/* Unsigned: a @dst below @src is far above it. */
	if ((u64)dst - (u64)src >= n)
		move_forward(dst, src, n);
	else
		move_backward(dst, src, n);
	return dst;
}

void *
memset(void *dst, int value, size_t n)
{
	u64 pattern = (u8)value * 0x0101010101010101UL;
	u8 *at = dst;
	size_t words = n / WORD;

	if (n < WORD) {
		__asm__ volatile("rep stosb" : "+D"(at), "+c"(n) : "a"(pattern) : "memory");
		return dst;
	}
	word_put(at + n - WORD, pattern);
	__asm__ volatile("rep stosq" : "+D"(at), "+c"(words) : "a"(pattern) : "memory");
	return dst;
}

int
memcmp(const void *a, const void *b, size_t n)
{
	const u8 *x = a;
	const u8 *y = b;

	for (; n >= WORD && word_at(x) == word_at(y); n -= WORD) {
		x += WORD;
		y += WORD;
	}
	for (; n; n--, x++, y++) {
		if (*x != *y)
			return *x - *y;
	}
	return 0;
}

size_t
strlen(const char *s)
{
	return strnlen(s, SIZE_MAX);
}

size_t
strnlen(const char *s, size_t max)
{
	size_t n = 0;

	while (n < max && s[n])
		n++;
	return n;
}

int
strcmp(const char *a, const char *b)
{
	return strncmp(a, b, SIZE_MAX);
}

int
strncmp(const char *a, const char *b, size_t n)
{
	for (; n; n--, a++, b++) {
		if (*a != *b || !*a)
			return (u8)*a - (u8)*b;
	}
	return 0;
}

char *
strchr(const char *s, int c)
{
	for (; *s != (char)c; s++) {
		if (!*s)
			return NULL;
	}
	return (char *)s;
}

char *
strrchr(const char *s, int c)
{
	const char *last = NULL;

	do {
		if (*s == (char)c)
			last = s;
	} while (*s++);
	return (char *)last;
}

size_t
strlcpy(char *dst, const char *src, size_t size)
{
	size_t len = strlen(src);

	if (size) {
		size_t n = min_u64(len, size - 1);

		memcpy(dst, src, n);
		dst[n] = '\0';
	}
	return len;
}

const char *
str_starts(const char *s, const char *prefix)
{
	for (; *prefix; s++, prefix++) {
		if (*s != *prefix)
			return NULL;
	}
	return s;
}

/* Downwards, for a @dst that lies inside [@src, @src + @n). Why: no `std`: an interrupt may come while it is set. */
static void
move_backward(u8 *dst, const u8 *src, size_t n)
{
	u64 word;

	for (; n >= WORD; n -= WORD) {
		word = word_at(src + n - WORD);
		word_put(dst + n - WORD, word);
	}
	while (n--) {
		dst[n] = src[n];
		barrier();
	}
}
