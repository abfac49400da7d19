/* SPDX-License-Identifier: MIT */
/*
 * kernel/lib/string.h - memory and string primitives under their C names
 *
 * Idea        The names and meanings are C's, because the compiler itself emits calls to memcpy, memmove, memset and
 *             memcmp. Bulk moves go eight bytes an instruction (`rep movsq`, `rep stosq`): no vector registers in
 *             the kernel, and an emulator counts each repetition as one instruction.
 * Invariants  none
 * Locks       none
 * Follow      everywhere
 * Tests       tests/host/string_test.c
 */
#pragma once

#include <kernel/lib/types.h>

/*
 * memcpy, memmove, memset, memcmp - as C defines them; @n bytes, 0 is allowed
 *
 * memcpy's areas do not overlap, memmove's may. A copy whose small size is a constant is cheaper as an assignment
 * of a struct, which the compiler expands in place.
 *
 * Returns   @dst; memcmp: below, at or above 0, as the first differing byte of @a, unsigned, is to that of @b
 * Context   any
 */
void *memcpy(void *dst, const void *src, size_t n);
void *memmove(void *dst, const void *src, size_t n);
void *memset(void *dst, int value, size_t n);
int memcmp(const void *a, const void *b, size_t n);

/*
 * strlen, strnlen - bytes before the NUL; strnlen looks at @max bytes at most and returns @max when none of them is NUL
 *
 * Returns   the length
 * Context   any
 */
size_t strlen(const char *s);
size_t strnlen(const char *s, size_t max);

/*
 * strcmp, strncmp - compare strings byte by byte, unsigned; strncmp at most @n bytes
 *
 * Returns   below, at or above 0
 * Context   any
 */
int strcmp(const char *a, const char *b);
int strncmp(const char *a, const char *b, size_t n);

/*
 * strchr, strrchr - the first and the last place of the byte @c in @s; the NUL is part of @s
 *
 * Returns   a pointer into @s; NULL when @c is not there
 * Context   any
 */
char *strchr(const char *s, int c);
char *strrchr(const char *s, int c);

/*
 * strlcpy - copy as much of the string @src as fits into @size bytes, and terminate it unless @size is 0
 *
 * Returns   strlen(@src): a value >= @size says that the copy was cut
 * Context   any; @src is read to its end
 */
size_t strlcpy(char *dst, const char *src, size_t size);

/*
 * str_starts - does @s begin with @prefix?
 *
 * Returns   the place in @s after the prefix; NULL when it begins otherwise
 * Context   any
 */
const char *str_starts(const char *s, const char *prefix);
