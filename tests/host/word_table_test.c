/* SPDX-License-Identifier: MIT */
/*
 * tests/host/word_table_test.c - words with numbers against a model
 *
 * Idea        A million random operations beside a plain array of (word, users); frames are counted.
 * Follow      from build.mk   to mm/word_table.c
 */
/* sources: mm/word_table.c */
#include "host.h"

#include <mm/word_table.h>

#define WORDS 2000
#define STEPS 1000000

static struct word_table table;
static struct {
	u64 word;
	u32 number;
	u32 users;
} model[WORDS];
static u32 frames;

/* One more user of model[i], with a frame when the table has no room. */
static void
get(u32 i)
{
	u32 number = word_table_get(&table, model[i].word);

	if (!number) {
		assert_true(word_table_grow(&table, malloc(4096)));
		frames++;
		number = word_table_get(&table, model[i].word);
	}
	assert_true(number);
	if (model[i].users)
		assert_int_equal(number, model[i].number);
	model[i].number = number;
	model[i].users++;
}

static void
put(u32 i)
{
	void *mem = word_table_put(&table, model[i].number);

	model[i].users--;
	if (mem) {
		free(mem);
		frames--;
	}
}

static void
against_model(void **state)
{
	for (u32 i = 0; i < WORDS; i++)
		model[i].word = i % 3 ? host_random() : i * 0x0101010101010101UL;
	for (u32 step = 0; step < STEPS; step++) {
		u32 i = (u32)(host_below(WORDS));

		if (model[i].users && host_random() % 16 < (step / 100000 % 2 ? 10 : 6))
			put(i);
		else if (model[i].users && host_random() % 2)
			word_table_add(&table, model[i].number), model[i].users++;
		else
			get(i);
		if (model[i].users) {
			assert_int_equal(word_table_word(&table, model[i].number), model[i].word);
			assert_int_equal(word_table_count(&table, model[i].number), model[i].users);
		}
		if (step % 50000 == 0)
			assert_int_equal(word_table_check(&table), 0);
	}
	for (u32 i = 0; i < WORDS; i++)
		while (model[i].users)
			put(i);
	assert_int_equal(word_table_check(&table), 0);
	assert_int_equal(table.users + table.words + frames, 0);
}

static void
full(void **state)
{
	u32 n = 0;

	for (;; n++) {
		u32 number = word_table_get(&table, n);

		if (number)
			continue;
		void *mem = malloc(4096);
		if (!word_table_grow(&table, mem)) {
			free(mem);
			break;
		}
		assert_int_equal(word_table_get(&table, n), n + 1);
	}
	assert_int_equal(n, WORD_CHUNKS * WORD_PLACES);
	assert_int_equal(word_table_get(&table, 17), 18); /* what is known needs no place */
	assert_null(word_table_put(&table, 18));
	for (u32 i = 0; i < n; i++)
		free(word_table_put(&table, i + 1));
	assert_int_equal(table.users + table.words, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(against_model), cmocka_unit_test(full)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
