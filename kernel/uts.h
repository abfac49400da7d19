/* SPDX-License-Identifier: MIT */
/*
 * kernel/uts.h - what the system is called
 *
 * Idea        Two names can be given: the machine's and its domain's. The rest is what was built.
 * Invariants  the names end in NUL
 * Locks       a spinlock of its own
 * Follow      from sys_info.c, fs/procfs_sysctl.c   to uts.c
 * Tests       tests/guest/sysctl.c
 * See         uname(2), sethostname(2)
 */
#pragma once

#include <kernel/lib/types.h>

#define UTS_NAME_MAX 64
#define UTS_SYSNAME "Linux"
#define UTS_RELEASE "6.1.0-tidemark"
#define UTS_VERSION "#1 SMP Tidemark"
#define UTS_MACHINE "x86_64"

enum uts_name {
	UTS_HOST,
	UTS_DOMAIN,
	UTS_NAMES,
};

/* Copies the name. Context: any. */
void uts_get(enum uts_name which, char out[UTS_NAME_MAX + 1]);

/* Gives the name: the @len bytes at @name, cut at a NUL or at UTS_NAME_MAX. Context: any. */
void uts_set(enum uts_name which, const char *name, u64 len);
