/* SPDX-License-Identifier: MIT */
/*
 * tests/host/seq_test.c - growing text: random pieces against the C library, and memory that runs out
 *
 * Idea        The model is one large buffer filled with snprintf. Allocation fails when the test says so.
 */
/* sources: kernel/fs/seq.c kernel/lib/format.c kernel/lib/string.c */
#include "host.h"

#include <kernel/fs/seq.h>
#include <mm/slab.h>

#define STEPS 300
#define MODEL (1 << 20)

static bool no_memory;
static int allocated;

void *
kmalloc(size_t size, u32 flags)
{
	if (no_memory)
		return NULL;
	allocated++;
	return malloc(size);
}

void
kfree(void *p)
{
	allocated -= p != NULL;
	free(p);
}

static void
text_grows(void **state)
{
	char *model = malloc(MODEL);
	char piece[3000];
	struct seq s;
	u64 len;

	for (u32 i = 0; i < STEPS; i++) {
		s = (struct seq){0};
		len = 0;
		for (u32 k = host_below(60); k; k--) {
			u64 n = host_below(k % 5 ? 50 : sizeof(piece) - 1);

			memset(piece, 'a' + k % 26, n);
			piece[n] = 0;
			switch (k % 3) {
			case 0:
				seq_puts(&s, piece);
				len += sprintf(model + len, "%s", piece);
				break;
			case 1:
				seq_printf(&s, "%-8s%lu\n", piece, n);
				len += sprintf(model + len, "%-8s%lu\n", piece, (unsigned long)n);
				break;
			default:
				seq_write(&s, piece, n / 2);
				len += sprintf(model + len, "%.*s", (int)(n / 2), piece);
			}
			assert_int_equal(s.len, len);
			assert_false(s.failed);
		}
		if (s.buf)
			assert_string_equal(s.buf, len ? model : "");
		seq_free(&s);
		assert_int_equal(allocated, 0);
	}
	free(model);
}

static void
padding_reaches_its_column(void **state)
{
	struct seq s = {0};

	seq_puts(&s, "first line\nab");
	seq_pad(&s, 6);
	seq_puts(&s, "c");
	seq_pad(&s, 3);
	seq_puts(&s, "d");
	assert_string_equal(s.buf, "first line\nab    c d");
	seq_free(&s);
}

static void
without_memory_the_text_is_cut(void **state)
{
	struct seq s = {0};

	seq_puts(&s, "kept");
	no_memory = true;
	for (u32 i = 0; i < 100; i++)
		seq_printf(&s, "%100s", "long");
	no_memory = false;
	assert_true(s.failed);
	assert_int_equal(s.len, strlen(s.buf));
	assert_memory_equal(s.buf, "kept", 4);
	seq_pad(&s, 10000);
	seq_free(&s);
	assert_int_equal(allocated, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(text_grows),
		cmocka_unit_test(padding_reaches_its_column),
		cmocka_unit_test(without_memory_the_text_is_cut),
	};

	host_start();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
