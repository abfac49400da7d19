/* SPDX-License-Identifier: MIT */
/*
 * kernel/dev/virtq.h - a virtqueue: the ring through which a driver and a virtual device hand buffers to each other
 *
 *                 driver                                     device
 *                 descriptors: where the bytes are, which way they go, what follows
 *                 available ring --- heads of chains -------> takes, works
 *                 used ring     <--- heads, bytes written --- done
 *
 * Idea        Split ring of virtio 1.0. A chain of more than one buffer goes as one descriptor that points to a table
 *             (indirect), so that the ring holds as many requests as it has descriptors. Each side tells the other
 *             how far it may get before it is worth an interrupt or a doorbell (event index), so that a busy queue
 *             needs few of either.
 * Invariants  I1  A descriptor is on the free chain, or belongs to the chain of exactly one token.
 *             I2  Nothing that the device writes is believed: a head that is not in flight is an error, not an index.
 * Locks       the owner's, for every call
 * Follow      from virtio_blk.c   to virtio_pci.c
 * Tests       tests/host/virtq_test.c, tests/guest/disk.c
 * See         Virtual I/O Device (VIRTIO) 1.1, section 2.6
 */
#pragma once

#include <kernel/lib/types.h>

#define VIRTQ_SIZE_MAX 256 /* descriptors */

struct virtq_desc {
	u64 pa;
	u32 len;
	u16 flags;
	u16 next;
};

struct virtq_avail {
	u16 flags;
	u16 idx;
	u16 ring[];
};

struct virtq_used_elem {
	u32 id;
	u32 len;
};

struct virtq_used {
	u16 flags;
	u16 idx;
	struct virtq_used_elem ring[];
};

/* One piece of a request. The device reads the first ones and writes the rest. */
struct virtq_buf {
	u64 pa;
	u32 len;
};

struct virtq {
	u16 size;                         /* descriptors, a power of two; const after init */
	bool indirect;                    /* const after init: tables may be used */
	bool event_idx;                   /* const after init */
	struct virtq_desc *desc;          /* const after init, as the next two: shared with the device */
	struct virtq_avail *avail;        /* behind the ring: used_event, the used index that deserves an interrupt */
	volatile struct virtq_used *used; /* behind the ring: avail_event, the same for doorbells */
	u16 free_head;                    /* free descriptors, linked by next */
	u16 free_count;
	u16 added;                   /* heads put into the available ring, counted without wrapping off */
	u16 shown;                   /* of these, as many as the device has been told of */
	u16 seen;                    /* entries of the used ring that were taken */
	u32 written;                 /* bytes of the last of them that the device says it has written */
	void *token[VIRTQ_SIZE_MAX]; /* by head: whose chain; NULL: not in flight */
};

/* Bytes of memory that virtq_init needs for @size descriptors. Context: pure. */
u64 virtq_bytes(u16 size);

/*
 * virtq_init - an empty queue in @mem, zeroed, of virtq_bytes(@size), aligned to 16
 *
 * Context   the device does not know the memory yet
 */
void virtq_init(struct virtq *q, u16 size, void *mem, bool indirect, bool event_idx);

/*
 * virtq_add - put a chain of @reads buffers that the device reads and @writes that it writes into the queue
 *
 * @table  memory of as many descriptors as there are buffers, at physical address @table_pa; unused without indirect
 * @token  not NULL; virtq_take returns it
 *
 * Returns   true; false: no descriptors left, nothing was changed
 * Context   the owner's lock. The device is told by virtq_show
 */
bool virtq_add(struct virtq *q, const struct virtq_buf *bufs, u32 reads, u32 writes, struct virtq_desc *table,
	       u64 table_pa, void *token);

/*
 * virtq_show - let the device see what was added
 *
 * Returns   true: the doorbell must be rung
 * Context   the owner's lock
 */
bool virtq_show(struct virtq *q);

/*
 * virtq_take - the next chain that the device is done with
 *
 * Returns   its token, and how much was written in @q->written; NULL: none so far, and the device will interrupt for
 *           the next one
 * Context   the owner's lock
 */
void *virtq_take(struct virtq *q);
