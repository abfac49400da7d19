/* SPDX-License-Identifier: MIT */
/*
 * tests/host/trace_text_test.c - trace events as text, and trace= as a set of events
 *
 * Idea        a few lines to the letter; for every event, that its format asks for at most three values of known kinds
 */
/* sources: kernel/trace_text.c kernel/lib/format.c kernel/lib/string.c */
#include "host.h"

#include <kernel/trace_text.h>

static void
a_line_of_the_drawing_is_indented(void **state)
{
	struct trace_record r = {
		.ns = 1500, .cpu = 1, .tid = 7, .event = TRACE_trap_page_fault, .value = {0x1000, 6, 0x40}};
	char line[128];

	assert_string_equal(trace_format(&r, 1200, line, sizeof(line)),
			    "     300 ns trap_page_fault: touched 0x1000, error code 0x6, instruction at 0x40");
	r.event = TRACE_mm_page_alloc;
	assert_non_null(
		strstr(trace_format(&r, 1500, line, sizeof(line)), "       0 ns         mm_page_alloc: order 4096,"));
	assert_non_null(
		strstr(trace_format(&r, TRACE_ABSOLUTE, line, sizeof(line)), "cpu 1 task 7 mm_page_alloc: order"));
}

static void
strings_are_followed_and_lines_are_cut(void **state)
{
	struct trace_record r = {.event = TRACE_fault_classify, .value = {0, 2, (u64) "ZERO"}};
	char line[128];

	assert_string_equal(strrchr(trace_format(&r, 0, line, sizeof(line)), ' '), " ZERO");
	for (size_t size = 1; size < 80; size++) {
		char *small = malloc(size);

		trace_format(&r, 0, small, size);
		assert_true(strlen(small) < size);
		assert_memory_equal(small, line, strlen(small));
		free(small);
	}
}

/* Every conversion is %#llx, %llu, %lld or %s, and there are at most three. */
static void
formats_ask_for_what_a_record_has(void **state)
{
	static const char *const formats[] = {
#define TRACE_EVENT(name, group, depth, format) format,
#include <kernel/trace_events.def>
#undef TRACE_EVENT
	};

	for (u32 e = 0; e < TRACE_EVENTS; e++) {
		u32 n = 0;

		for (const char *p = strchr(formats[e], '%'); p; p = strchr(p + 1, '%'), n++) {
			bool string = !strncmp(p, "%s", 2);
			bool text = !strncmp(p, "%.8s", 4);

			assert_true(n < 3);
			assert_true(string || text || !strncmp(p, "%#llx", 5) || !strncmp(p, "%llu", 4) ||
				    !strncmp(p, "%lld", 4));
			assert_int_equal(trace_value_is_string(e, n), string);
		}
		assert_false(trace_value_is_string(e, n));
	}
}

static void
words_name_events_and_groups(void **state)
{
	const char *unknown;

	assert_int_equal(trace_words_mask("", &unknown), 0);
	assert_null(unknown);
	assert_int_equal(trace_words_mask("fork", &unknown), 1UL << TRACE_fork);
	assert_int_equal(trace_words_mask("fork,exec,fork", &unknown), 1UL << TRACE_fork | 1UL << TRACE_exec);
	assert_int_equal(trace_words_mask("proc", &unknown),
			 1UL << TRACE_fork | 1UL << TRACE_exec | 1UL << TRACE_exit | 1UL << TRACE_panic);
	assert_int_equal(trace_words_mask("all", &unknown) | trace_words_mask("sample", &unknown),
			 (1UL << TRACE_EVENTS) - 1);
	assert_int_equal(trace_words_mask("all", &unknown) & trace_words_mask("sample", &unknown), 0);
	assert_null(unknown);
	assert_int_equal(trace_words_mask("for,exec,,forks", &unknown), 1UL << TRACE_exec);
	assert_string_equal(unknown, "for,exec,,forks");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_line_of_the_drawing_is_indented),
		cmocka_unit_test(strings_are_followed_and_lines_are_cut),
		cmocka_unit_test(formats_ask_for_what_a_record_has),
		cmocka_unit_test(words_name_events_and_groups),
	};

	host_start();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
