/* SPDX-License-Identifier: MIT */
/*
 * kernel/printk_ring.c - the memory of what was said
 *
 * Idea        see printk_ring.h
 * Invariants  see printk_ring.h
 * Locks       the caller's
 * Follow      from printk.c
 * Tests       tests/host/printk_ring_test.c
 */
#include <kernel/lib/string.h>
#include <kernel/panic.h>
#include <kernel/printk_ring.h>

/* In front of each message's text. */
struct header {
	u64 ns;
	u32 level;
	u32 len; /* bytes of text; the padding to 8 is not counted */
};

static u64 message_size(u64 len);
static void copy_in(struct printk_ring *ring, u64 position, const void *from, u64 len);
static void copy_out(const struct printk_ring *ring, u64 position, void *to, u64 len);
static struct header header_at(const struct printk_ring *ring, u64 position);

void
printk_ring_put(struct printk_ring *ring, u64 ns, u32 level, const char *text, u64 len)
{
	struct header h = {.ns = ns, .level = level, .len = (u32)min_u64(len, PRINTK_MAX)};
	u64 need = message_size(h.len);

	while (ring->head + need - ring->tail > ring->size) {
		ring->tail += message_size(header_at(ring, ring->tail).len);
		ring->oldest++;
	}
	copy_in(ring, ring->head, &h, sizeof(h));
	copy_in(ring, ring->head + sizeof(h), text, h.len);
	ring->head += need;
	ring->next++;
}

bool
printk_ring_get(struct printk_ring *ring, u64 seq, struct printk_record *out)
{
	struct header h;

	if (seq >= ring->next)
		return false;
	if (seq < ring->oldest)
		seq = ring->oldest;
	if (ring->cursor_seq < ring->oldest || ring->cursor_seq > seq) {
		ring->cursor_seq = ring->oldest;
		ring->cursor = ring->tail;
	}
	for (; ring->cursor_seq < seq; ring->cursor_seq++)
		ring->cursor += message_size(header_at(ring, ring->cursor).len);
	h = header_at(ring, ring->cursor);
	*out = (struct printk_record){.seq = seq, .ns = h.ns, .level = h.level, .len = h.len};
	copy_out(ring, ring->cursor + sizeof(h), out->text, h.len);
	return true;
}

/* Bytes that a message with @len bytes of text takes. */
static u64
message_size(u64 len)
{
	return sizeof(struct header) + round_up(len, 8);
}

static void
copy_in(struct printk_ring *ring, u64 position, const void *from, u64 len)
{
	u64 offset = position & (ring->size - 1);
	u64 first = min_u64(len, ring->size - offset);

	memcpy(ring->buffer + offset, from, first);
	memcpy(ring->buffer, (const char *)from + first, len - first);
}

static void
copy_out(const struct printk_ring *ring, u64 position, void *to, u64 len)
{
	u64 offset = position & (ring->size - 1);
	u64 first = min_u64(len, ring->size - offset);

	memcpy(to, ring->buffer + offset, first);
	memcpy((char *)to + first, ring->buffer, len - first);
}

static struct header
header_at(const struct printk_ring *ring, u64 position)
{
	struct header h;

	copy_out(ring, position, &h, sizeof(h));
	return h;
}
