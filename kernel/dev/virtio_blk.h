/* SPDX-License-Identifier: MIT */
/*
 * kernel/dev/virtio_blk.h - virtio disks
 *
 * Idea        see virtio_blk.c
 * Invariants  see virtio_blk.c
 * Locks       see virtio_blk.c
 * Follow      from kernel/main.c
 * Tests       tests/guest/disk.c
 */
#pragma once

/* virtio_blk_probe_all - find all virtio disks and make them known. Context: boot, may sleep. */
void virtio_blk_probe_all(void);
