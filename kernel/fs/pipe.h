/* SPDX-License-Identifier: MIT */
/*
 * kernel/fs/pipe.h - pipes: a ring of pages between two open files
 *
 * Idea        see pipe.c
 * Invariants  see pipe.c
 * Locks       pipe->lock
 * Follow      from kernel/sys_fs.c
 * Tests       tests/guest/pipe.c
 */
#pragma once

#include <kernel/lib/types.h>

struct file;

#define PIPE_SLOTS 16 /* pages in a pipe: 64 KiB, as on Linux */

/* Makes the slab cache. Context: boot. */
void pipe_init(void);

/*
 * pipe_create - a pipe with its two ends; @flags: O_NONBLOCK or 0
 *
 * Returns   0; -ENOMEM
 * Context   may sleep
 * Gives     ends[0] for reading and ends[1] for writing, one reference each
 */
int pipe_create(struct file *ends[2], u32 flags);

/* Is @f an end of a pipe? Context: any. */
bool file_is_pipe(const struct file *f);
