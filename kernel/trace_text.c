/* SPDX-License-Identifier: MIT */
/*
 * kernel/trace_text.c - trace events as text
 *
 * Idea        trace_events.def becomes a table here
 * Invariants  none
 * Locks       none: const
 * Follow      from trace.c   to trace_events.def
 * Tests       tests/host/trace_text_test.c
 */
#include <kernel/lib/format.h>
#include <kernel/lib/string.h>
#include <kernel/trace_text.h>

static const struct {
	const char *name;
	const char *group;
	u32 depth;
	const char *format; /* of up to three values */
} events[TRACE_EVENTS] = {
#define TRACE_EVENT(name, group, depth, format) {#name, #group, depth, format},
#include <kernel/trace_events.def>
#undef TRACE_EVENT
};

static u64 word_mask(const char *word, u64 len);
static bool word_is(const char *word, u64 len, const char *name);

bool
trace_value_is_string(enum trace_event event, u32 i)
{
	const char *s = events[event].format;

	/* To the conversion of value i: no event has %% in its format. */
	for (s = strchr(s, '%'); s && i; i--)
		s = strchr(s + 1, '%');
	return s && s[1] == 's';
}

u64
trace_words_mask(const char *words, const char **unknown)
{
	u64 mask = 0;

	*unknown = NULL;
	while (*words) {
		const char *comma = strchr(words, ',');
		u64 len = comma ? (u64)(comma - words) : strlen(words);
		u64 found = word_mask(words, len);

		if (!found && !*unknown)
			*unknown = words;
		mask |= found;
		words += comma ? len + 1 : len;
	}
	return mask;
}

const char *
trace_format(const struct trace_record *r, u64 start_ns, char *buf, size_t size)
{
	int n;

	if (start_ns == TRACE_ABSOLUTE)
		n = format(buf, size, "cpu %u task %d ", r->cpu, r->tid);
	else
		n = format(buf, size, "%8lu ns %*s", r->ns - start_ns, (int)(2 * events[r->event].depth), "");
	if (n >= 0 && (size_t)n < size)
		n += format(buf + n, size - (size_t)n, "%s: ", events[r->event].name);
	if (n >= 0 && (size_t)n < size)
		format(buf + n, size - (size_t)n, events[r->event].format, r->value[0], r->value[1], r->value[2]);
	return buf;
}

/* The events that one word names: 0 when none. */
static u64
word_mask(const char *word, u64 len)
{
	u64 mask = 0;

	for (u32 i = 0; i < TRACE_EVENTS; i++)
		if (word_is(word, len, "all") || word_is(word, len, events[i].name) ||
		    word_is(word, len, events[i].group))
			mask |= BIT(i);
	return mask;
}

static bool
word_is(const char *word, u64 len, const char *name)
{
	return strlen(name) == len && !strncmp(word, name, len);
}
