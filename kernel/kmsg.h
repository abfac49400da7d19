/* SPDX-License-Identifier: MIT */
/*
 * kernel/kmsg.h - what the kernel has said, for programs: syslog(2), /dev/kmsg, /proc/kmsg
 *
 * Idea        The ring of printk_ring.h numbers its messages. A reader of /dev/kmsg has a number of its own (the file's
 *             position) and gets one record a read; /proc/kmsg and syslog(2) consume one common stream of lines.
 *             Simple: what a program writes to /dev/kmsg is of the kernel's facility, too.
 * Invariants  none
 * Locks       a mutex for the common stream; printk's own lock inside
 * Follow      from devfs.c, procfs_mm.c, syscall.c   to printk.h
 * Tests       tests/guest/kmsg.c
 * See         syslog(2), Linux Documentation/ABI/testing/dev-kmsg
 */
#pragma once

#include <kernel/lib/types.h>

struct file_ops;

extern const struct file_ops kmsg_device_ops; /* /dev/kmsg */
extern const struct file_ops kmsg_proc_ops;   /* /proc/kmsg */

/* Does somebody wait for the next message? Then this CPU is to kick itself. Context: any; racy. */
bool kmsg_is_awaited(void);

/* Somebody may wait for what was said: wakes them. Context: the interrupt that printk sends this CPU. */
void kmsg_wake(void);
