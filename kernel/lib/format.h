/* SPDX-License-Identifier: MIT */
/*
 * kernel/lib/format.h - numbers and strings to text, and back
 *
 * Idea        format() is C99's snprintf without floating point; parse_*() are strict: they say what was wrong.
 * Invariants  none
 * Locks       none
 * Follow      from printk, procfs, the command line
 * Tests       tests/host/format_test.c
 * See         ISO C99 7.19.6.1
 */
#pragma once

#include <kernel/lib/compiler.h>
#include <kernel/lib/types.h>

/*
 * format, format_va - write text as @fmt says into @buf, at most @size bytes with the NUL
 *
 * Conversions  %d %i %u %x %X %o %c %s %p %%
 * Flags        - 0 + space #      Width and precision: a number or *
 * Lengths      hh h l ll z t j
 * %p prints 0x and the address in hexadecimal; %s prints (null) for NULL. An unknown conversion is printed as it stands
 * and takes no argument.
 *
 * Returns   the length the whole text needs, without the NUL: a value >= @size says that it was cut. @buf always
 *           ends in NUL when @size > 0; with @size 0 it may be NULL
 * Context   any
 */
int format(char *buf, size_t size, const char *fmt, ...) __printf(3, 4);
int format_va(char *buf, size_t size, const char *fmt, va_list args) __printf(3, 0);

/*
 * parse_u64 - the unsigned number at the start of @s
 *
 * @base     2 to 36; 0 takes 0x for 16, a leading 0 for 8, else 10. A base of 16 also takes 0x. No sign, no blanks.
 * @end      where the number ended; when @end is NULL, anything after the number is an error.
 *
 * Returns   0 and *out; -EINVAL no digit, or more than a number and @end is NULL; -ERANGE does not fit in 64 bits
 *           (*end is then past all its digits). *out is unchanged by an error
 * Context   any
 */
int parse_u64(const char *s, const char **end, int base, u64 *out);

/*
 * parse_size - a number as parse_u64 with base 0, then perhaps one of K M G T P E (either case), in powers of 1,024
 *
 * Returns   0 and *out in bytes; -EINVAL, -ERANGE as parse_u64
 * Context   any
 */
int parse_size(const char *s, const char **end, u64 *out);
