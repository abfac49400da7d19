/* SPDX-License-Identifier: MIT */
/*
 * kernel/initrd.h - the first files: an archive in memory becomes the root file system
 *
 * Idea        The boot loader leaves a cpio archive (newc), plain or packed with gzip, in RAM. Its entries become
 *             tmpfs files; then its frames join the free memory.
 * Invariants  none
 * Locks       none: boot, one task
 * Follow      from main.c   to lib/inflate.c, lib/cpio.c, fs/tmpfs.c
 * Tests       tests/guest/test_guest.py (broken archives), tests/host/cpio_test.c, tests/host/inflate_test.c
 */
#pragma once

#include <kernel/lib/types.h>

/*
 * initrd_unpack - make the files of the archive at @pa, then free its frames
 *
 * Returns   nothing: a corrupt archive is reported with offset and reason, and what came before it is kept
 * Context   boot, after vfs_init; may sleep
 * Takes     the frames of [pa, pa + size), which memblock had reserved; @size 0: no archive, nothing to do
 */
void initrd_unpack(u64 pa, u64 size);
