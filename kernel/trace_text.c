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

static bool value_is_text(enum trace_event event, u32 i);
static const char *conversion(enum trace_event event, u32 i);
static u64 word_mask(const char *word, u64 len);
static bool word_is(const char *word, u64 len, const char *name);

const char *
trace_event_name(enum trace_event event)
{
	return events[event].name;
}

bool
trace_value_is_string(enum trace_event event, u32 i)
{
	const char *s = conversion(event, i);

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
	u64 v[3];
	int n;

	for (u32 i = 0; i < ARRAY_SIZE(v); i++)
		v[i] = value_is_text(r->event, i) ? (u64)&r->value[i] : r->value[i];
	if (start_ns == TRACE_ABSOLUTE)
		n = format(buf, size, "cpu %u task %d ", r->cpu, r->tid);
	else
		n = format(buf, size, "%8lu ns %*s", r->ns - start_ns, (int)(2 * events[r->event].depth), "");
	if (n >= 0 && (size_t)n < size)
		n += format(buf + n, size - (size_t)n, "%s: ", events[r->event].name);
	if (n >= 0 && (size_t)n < size)
		format(buf + n, size - (size_t)n, events[r->event].format, v[0], v[1], v[2]);
	return buf;
}

/* %.8s: the value is the characters. */
static bool
value_is_text(enum trace_event event, u32 i)
{
	const char *s = conversion(event, i);

	return s && s[1] == '.';
}

/* The conversion of value @i in the event's format: no event has %% there. NULL: it has fewer. */
static const char *
conversion(enum trace_event event, u32 i)
{
	const char *s = strchr(events[event].format, '%');

	for (; s && i; i--)
		s = strchr(s + 1, '%');
	return s;
}

/* The events that one word names: 0 when none. */
static u64
word_mask(const char *word, u64 len)
{
	u64 mask = 0;

	for (u32 i = 0; i < TRACE_EVENTS; i++)
		if ((word_is(word, len, "all") && strcmp(events[i].group, "sample")) ||
		    word_is(word, len, events[i].name) || word_is(word, len, events[i].group))
			mask |= BIT(i);
	return mask;
}

static bool
word_is(const char *word, u64 len, const char *name)
{
	return strlen(name) == len && !strncmp(word, name, len);
}
