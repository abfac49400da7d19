/* SPDX-License-Identifier: MIT */
/*
 * user/tide/events.c - the last events, in words
 *
 * Idea        /dev/trace, and the texts of kernel/trace_events.def. Under pressure a second has thousands of events,
 *             most of one or two kinds: shown is the last one of each kind.
 * Invariants  none
 * Locks       none
 * Follow      from user/tide.c   to kernel/trace_file.c
 * Tests       tests/guest/test_tide.py
 */
#include "../trace_record.h"
#include "tide.h"
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static const struct {
	const char *name, *format;
} events[] = {
#define TRACE_EVENT(name, group, depth, format) {#name, format},
#include "../../kernel/trace_events.def"
#undef TRACE_EVENT
};

enum {
	EVENTS = sizeof(events) / sizeof(events[0])
};

static int fd = -1;
static struct record last[EVENTS]; /* of each kind; ns is 0 when there was none */

static const struct record *newest(int n);
static int values_print(char *out, int room, const char *format, const uint64_t *value);

int
events_open(void)
{
	static const char wanted[] = "reclaim,swap,oom";

	fd = open("/dev/trace", O_RDWR | O_NONBLOCK | O_CLOEXEC);
	if (fd >= 0 && write(fd, wanted, sizeof(wanted) - 1) < 0)
		return -1;
	return fd;
}

bool
events_read(void)
{
	static struct record r[256];
	bool some = false;
	ssize_t n;

	while (fd >= 0 && (n = read(fd, r, sizeof(r))) > 0)
		for (size_t i = 0; i < n / sizeof(r[0]); i++)
			if (r[i].event < EVENTS && r[i].ns >= last[r[i].event].ns) {
				last[r[i].event] = r[i];
				some = true;
			}
	return some;
}

const char *
events_last(int n)
{
	static char words[EVENT_TEXT];
	const struct record *r = newest(n);
	int length;

	if (!r)
		return "";
	length = snprintf(words, sizeof(words), "%6" PRIu64 ".%03" PRIu64 " %s: ", r->ns / 1000000000,
			  r->ns / 1000000 % 1000, events[r->event].name);
	values_print(words + length, sizeof(words) - length, events[r->event].format, r->value);
	return words;
}

/* The @n-th of last[], by time; NULL when there are fewer. */
static const struct record *
newest(int n)
{
	const struct record *found = NULL;

	for (int turn = 0; turn <= n; turn++) {
		const struct record *next = NULL;

		for (int i = 0; i < EVENTS; i++)
			if (last[i].ns && (!next || last[i].ns > next->ns) && (!turn || last[i].ns < found->ns))
				next = &last[i];
		if (!next)
			return NULL;
		found = next;
	}
	return found;
}

/* The kernel's %#llx, %llu, %lld, and %s and %.8s, of which both are eight characters here. */
static int
values_print(char *out, int room, const char *format, const uint64_t *value)
{
	int n = 0;

	while (*format && n < room - 1) {
		if (*format != '%') {
			out[n++] = *format++;
			continue;
		}
		size_t len = strcspn(format, "usdx") + 1;
		char kind = format[len - 1];

		if (kind == 's')
			n += snprintf(out + n, room - n, "%.8s", (const char *)value);
		else if (kind == 'd')
			n += snprintf(out + n, room - n, "%" PRId64, (int64_t)*value);
		else
			n += snprintf(out + n, room - n, kind == 'x' ? "0x%" PRIx64 : "%" PRIu64, *value);
		value++;
		format += len;
	}
	n = n < room - 1 ? n : room - 1;
	out[n] = 0;
	return n;
}
