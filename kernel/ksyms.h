/* SPDX-License-Identifier: MIT */
/*
 * kernel/ksyms.h - from an address in the kernel's text to the name of its function
 *
 * Idea        the build puts a sorted table of functions behind the kernel's read-only data (iso/ksyms.py)
 * Invariants  ksym_addrs ascends
 * Locks       none: const
 * Follow      from panic.c   to ksyms.c
 * Tests       tests/host/ksyms_test.c
 */
#pragma once

#include <kernel/lib/types.h>

/*
 * ksym_lookup - the function that @addr lies in
 *
 * Returns   its name, and in *@offset the bytes from its start; NULL when @addr is outside the kernel's text or the
 *           build has no table
 * Context   any
 */
const char *ksym_lookup(u64 addr, u64 *offset);

/* Prints the address as `name+0xoffset`, or bare, into @buf. Returns @buf. Context: any. */
const char *ksym_format(u64 addr, char *buf, size_t size);
