/* SPDX-License-Identifier: MIT */
/*
 * tests/host/stub/kernel/panic.h - the kernel's assertions, for code that is compiled into a host test
 *
 * Idea        A panic says where and ends the program by abort(): the test run sees it, and host_dies() of host.h can
 *             expect it. Debug checks are on.
 * Follow      in place of <kernel/panic.h>: tests/host/stub comes first on the include path
 */
#pragma once

#include <kernel/lock_check.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

__attribute__((noreturn, format(printf, 3, 4))) static inline void
host_panic(const char *file, int line, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	fprintf(stderr, "%s:%d: ", file, line);
	vfprintf(stderr, fmt, args);
	fputc('\n', stderr);
	va_end(args);
	abort();
}

#define panic(...) host_panic(__FILE__, __LINE__, __VA_ARGS__)
#define assert(cond) ((cond) ? (void)0 : host_panic(__FILE__, __LINE__, "assertion failed: %s", #cond))
#define assertf(cond, ...) ((cond) ? (void)0 : host_panic(__FILE__, __LINE__, __VA_ARGS__))
#define dassert(cond) ((cond) ? (void)0 : host_panic(__FILE__, __LINE__, "assertion failed: %s", #cond))
#define pr_warn(...) fprintf(stderr, __VA_ARGS__)
#define warn_once(...) pr_warn(__VA_ARGS__)
