/* SPDX-License-Identifier: MIT */
/*
 * kernel/dev/virtq.c - a virtqueue
 *
 * Idea        see virtq.h
 * Invariants  see virtq.h
 * Locks       see virtq.h. The device runs beside us: a full barrier stands between what we write and what we read
 *             next, where one side's look decides whether the other is woken.
 * Follow      from virtio_blk.c
 * Tests       tests/host/virtq_test.c
 * See         VIRTIO 1.1, sections 2.6.5 to 2.6.13
 */
#include <kernel/dev/virtq.h>

#include <kernel/lib/compiler.h>
#include <kernel/panic.h>
#include <kernel/printk.h>

#define DESC_NEXT 1
#define DESC_WRITE 2
#define DESC_INDIRECT 4
#define USED_NO_NOTIFY 1

static u64 avail_offset(u16 size);
static u64 used_offset(u16 size);
static u16 *used_event(struct virtq *q);
static volatile u16 *avail_event(struct virtq *q);
static void fill(struct virtq_desc *d, const struct virtq_buf *buf, bool write);
static u16 add_indirect(struct virtq *q, const struct virtq_buf *bufs, u32 reads, u32 writes, struct virtq_desc *table,
			u64 table_pa);
static u16 add_direct(struct virtq *q, const struct virtq_buf *bufs, u32 reads, u32 writes);
static void *release(struct virtq *q, u32 head);

u64
virtq_bytes(u16 size)
{
	return used_offset(size) + sizeof(struct virtq_used) + size * sizeof(struct virtq_used_elem) + sizeof(u16);
}

void
virtq_init(struct virtq *q, u16 size, void *mem, bool indirect, bool event_idx)
{
	assertf(is_pow2(size) && size <= VIRTQ_SIZE_MAX, "a virtqueue of %u descriptors", size);
	*q = (struct virtq){.size = size, .indirect = indirect, .event_idx = event_idx};
	q->desc = mem;
	q->avail = (void *)((u8 *)mem + avail_offset(size));
	q->used = (void *)((u8 *)mem + used_offset(size));
	q->free_count = size;
	for (u16 i = 0; i < size; i++)
		q->desc[i].next = i + 1;
}

bool
virtq_add(struct virtq *q, const struct virtq_buf *bufs, u32 reads, u32 writes, struct virtq_desc *table, u64 table_pa,
	  void *token)
{
	u16 head;

	assert(reads + writes && token);
	if (q->free_count < (q->indirect ? 1 : reads + writes))
		return false;
	head = q->indirect ? add_indirect(q, bufs, reads, writes, table, table_pa) : add_direct(q, bufs, reads, writes);
	assertf(!q->token[head], "descriptor %u is in flight already", head);
	q->token[head] = token;
	q->avail->ring[q->added++ % q->size] = head;
	return true;
}

/*
 * Race: the device goes to sleep after it has set avail_event and looked at idx once more; we set idx and look at
 * avail_event. With a full barrier on both sides one of us sees the other.
 */
bool
virtq_show(struct virtq *q)
{
	u16 before = q->shown;

	if (before == q->added)
		return false;
	__atomic_store_n(&q->avail->idx, q->added, __ATOMIC_RELEASE);
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	q->shown = q->added;
	if (!q->event_idx)
		return !(q->used->flags & USED_NO_NOTIFY);
	/* Did idx pass the event on its way from before to now? In numbers that wrap. */
	return (u16)(q->shown - *avail_event(q) - 1) < (u16)(q->shown - before);
}

/* Race: as above, with the parts exchanged: ask for an interrupt, then look once more. */
void *
virtq_take(struct virtq *q)
{
	for (;;) {
		if (q->seen == __atomic_load_n(&q->used->idx, __ATOMIC_ACQUIRE)) {
			if (!q->event_idx || *used_event(q) == q->seen)
				return NULL;
			*used_event(q) = q->seen;
			__atomic_thread_fence(__ATOMIC_SEQ_CST);
			continue;
		}
		const volatile struct virtq_used_elem *used = &q->used->ring[q->seen++ % q->size];
		u32 head = used->id;

		q->written = used->len;
		if (head < q->size && q->token[head])
			return release(q, head);
		warn_once("a virtual device returned buffer %u, which it does not have", head);
	}
}

/* The two rings follow the descriptors; each ends with an event index. */
static u64
avail_offset(u16 size)
{
	return size * sizeof(struct virtq_desc);
}

static u64
used_offset(u16 size)
{
	return round_up(avail_offset(size) + sizeof(struct virtq_avail) + (size + 1) * sizeof(u16), 4);
}

static u16 *
used_event(struct virtq *q)
{
	return &q->avail->ring[q->size];
}

static volatile u16 *
avail_event(struct virtq *q)
{
	return (volatile u16 *)&q->used->ring[q->size];
}

static void
fill(struct virtq_desc *d, const struct virtq_buf *buf, bool write)
{
	d->pa = buf->pa;
	d->len = buf->len;
	d->flags = write ? DESC_WRITE : 0;
}

/* Returns the head. */
static u16
add_indirect(struct virtq *q, const struct virtq_buf *bufs, u32 reads, u32 writes, struct virtq_desc *table,
	     u64 table_pa)
{
	u32 n = reads + writes;
	u16 head = q->free_head;
	struct virtq_buf whole = {.pa = table_pa, .len = n * sizeof(*table)};

	for (u32 i = 0; i < n; i++) {
		fill(&table[i], &bufs[i], i >= reads);
		table[i].next = i + 1;
		table[i].flags |= i + 1 < n ? DESC_NEXT : 0;
	}
	q->free_head = q->desc[head].next;
	q->free_count--;
	fill(&q->desc[head], &whole, false);
	q->desc[head].flags = DESC_INDIRECT;
	return head;
}

static u16
add_direct(struct virtq *q, const struct virtq_buf *bufs, u32 reads, u32 writes)
{
	u32 n = reads + writes;
	u16 head = q->free_head;

	for (u32 i = 0; i < n; i++) {
		struct virtq_desc *d = &q->desc[q->free_head];

		fill(d, &bufs[i], i >= reads);
		d->flags |= i + 1 < n ? DESC_NEXT : 0;
		q->free_head = d->next;
	}
	q->free_count -= n;
	return head;
}

/* Puts the chain of @head back on the free chain; returns its token. */
static void *
release(struct virtq *q, u32 head)
{
	void *token = q->token[head];
	u16 last = head;
	u16 n = 1;

	while (q->desc[last].flags & DESC_NEXT) {
		last = q->desc[last].next;
		n++;
	}
	q->desc[last].next = q->free_head;
	q->free_head = head;
	q->free_count += n;
	q->token[head] = NULL;
	assertf(q->free_count <= q->size, "%u of %u descriptors are free", q->free_count, q->size);
	return token;
}
