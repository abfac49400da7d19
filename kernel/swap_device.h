/* SPDX-License-Identifier: MIT */
/*
 * kernel/swap_device.h - a disk or partition as the back of a swap area
 *
 * Idea        see swap_device.c
 * Invariants  see swap_device.c
 * Locks       see swap_device.c
 * Follow      from sys_swap.c   to mm/swap.h, dev/block.h
 * Tests       tests/guest/swap.c
 */
#pragma once

#include <mm/swap.h>

struct block_device;

#define SWAP_LOST_MOST 5 /* tries of a transfer that is lost each time: two and a half minutes */

extern const struct swap_device_ops swap_disk_ops;

/*
 * swap_disk_open - transfers for an area on @dev
 *
 * Returns   what swap_disk_ops takes as device; NULL: no memory
 * Context   may sleep
 * Gives     the device (swap_disk_ops.close)
 */
void *swap_disk_open(struct block_device *dev);
