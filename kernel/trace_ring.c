/* SPDX-License-Identifier: MIT */
/*
 * kernel/trace_ring.c - reading a ring of trace records that is being written
 *
 * Idea        see trace_ring.h
 * Invariants  see trace_ring.h
 * Locks       none
 * Follow      from trace_stream.c   to trace_text.c
 * Tests       tests/host/trace_ring_test.c
 */
#include <kernel/lib/compiler.h>
#include <kernel/lib/string.h>
#include <kernel/trace_ring.h>

static void lost_record(struct trace_reader *reader, u32 cpu, const struct trace_ring *ring, struct trace_record *out);

/*
 * Race: the writer laps us while we copy. next then says so, and the copy is thrown away. A reader that fell behind
 * goes on in the middle of what is left, so that it is not overtaken again at once.
 */
bool
trace_ring_read(struct trace_reader *reader, u32 cpu, const struct trace_ring *ring, struct trace_record *out)
{
	u64 *cursor = &reader->cursor[cpu];
	u64 next = __atomic_load_n(&ring->next, __ATOMIC_ACQUIRE);

	while (*cursor < next) {
		*out = ring->record[*cursor & (ring->size - 1)];
		__atomic_thread_fence(__ATOMIC_ACQUIRE);
		next = __atomic_load_n(&ring->next, __ATOMIC_ACQUIRE);
		if (next - *cursor >= ring->size) {
			u64 onward = next - ring->size / 2;

			reader->lost[cpu] += onward - *cursor;
			*cursor = onward;
			continue;
		}
		if (reader->lost[cpu] != reader->lost_told[cpu]) {
			lost_record(reader, cpu, ring, out); /* the record itself comes next time */
			return true;
		}
		(*cursor)++;
		if (out->event < TRACE_EVENTS && reader->mask & BIT(out->event))
			return true;
	}
	return false;
}

void
trace_record_pack(struct trace_record *r)
{
	for (u32 i = 0; i < ARRAY_SIZE(r->value); i++) {
		const char *s = (const char *)r->value[i];

		if (!trace_value_is_string(r->event, i))
			continue;
		r->value[i] = 0;
		memcpy(&r->value[i], s, strnlen(s, sizeof(r->value[i])));
	}
}

/* At the time of the first record that is left. */
static void
lost_record(struct trace_reader *reader, u32 cpu, const struct trace_ring *ring, struct trace_record *out)
{
	u64 now = reader->lost[cpu] - reader->lost_told[cpu];

	reader->lost_told[cpu] = reader->lost[cpu];
	*out = (struct trace_record){
		.ns = out->ns, .cpu = (u16)cpu, .event = TRACE_lost, .value = {cpu, now, reader->lost[cpu]}};
}
