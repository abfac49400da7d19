/* SPDX-License-Identifier: MIT */
/*
 * tests/host/chain_test.c - sets of words against arrays
 *
 * Idea        Random additions, removals and replacements; after each, members, form and blocks are compared. Every
 *             block is in the pool or in the chain: none is lost.
 */
/* sources: kernel/lib/chain.c */
#include "host.h"

#include <kernel/lib/chain.h>

#define WORDS 24
#define STEPS 400000
#define BLOCKS (WORDS / CHAIN_BLOCK_WORDS + 2)

static bool in[WORDS];
static u32 members;

static u64
word_of(u32 i)
{
	return 0xffff888000000000UL + 8UL * i;
}

static struct chain_pool
pool_make(void)
{
	struct chain_pool pool = {NULL, 0};

	for (u32 i = 0; i < BLOCKS; i++)
		chain_pool_put(&pool, calloc(1, sizeof(struct chain_block)));
	assert_int_equal(pool.count, BLOCKS);
	return pool;
}

static void
pool_end(struct chain_pool *pool)
{
	struct chain_block *block;

	assert_int_equal(pool->count, BLOCKS);
	while ((block = chain_pool_get(pool)))
		free(block);
	assert_int_equal(pool->count, 0);
}

static u32
blocks_of(const struct chain *c)
{
	u32 count = 0;

	if (!(c->head & CHAIN_MANY))
		return 0;
	for (struct chain_block *b = (struct chain_block *)(c->head & ~CHAIN_MANY); b; b = b->next) {
		/* Packed, and full behind the head. */
		for (u32 i = 1; i < CHAIN_BLOCK_WORDS; i++)
			assert_true(b->word[i - 1] || !b->word[i]);
		assert_true(b->word[count ? CHAIN_BLOCK_WORDS - 1 : 0]);
		count++;
	}
	return count;
}

static void
chain_check(const struct chain *c, const struct chain_pool *pool)
{
	struct chain_iter it;
	u64 single = 0;
	u32 seen = 0, mask = 0;

	for (u64 word = chain_first(c, &it); word; word = chain_next(&it)) {
		u32 i = (word - word_of(0)) / 8;

		assert_true(i < WORDS && in[i] && !(mask & 1U << i));
		mask |= 1U << i;
		seen++;
	}
	assert_int_equal(seen, members);
	assert_int_equal(chain_count(c), members);
	assert_int_equal(chain_empty(c), members == 0);
	assert_int_equal(chain_single(c, &single), members == 1);
	if (members == 1)
		assert_true(in[(single - word_of(0)) / 8]);
	assert_int_equal(!!(c->head & CHAIN_MANY), members > 1);
	assert_int_equal(pool->count + blocks_of(c), BLOCKS);
	assert_int_equal(blocks_of(c), members > 1 ? (members + 2) / 3 : 0);
}

static void
word_toggle(struct chain *c, u32 i, struct chain_pool *pool)
{
	assert_int_equal(chain_has(c, word_of(i)), in[i]);
	if (in[i]) {
		chain_del(c, word_of(i), pool);
		members--;
	} else {
		u32 before = pool->count;

		chain_add(c, word_of(i), pool);
		assert_true(before - pool->count <= CHAIN_ADD_MAX);
		members++;
	}
	in[i] = !in[i];
}

/* Member @i, if it is one, becomes @other, if that is none. */
static void
word_change(struct chain *c, u32 i, u32 other)
{
	if (!in[i] || in[other])
		return;
	chain_replace(c, word_of(i), word_of(other));
	in[i] = false;
	in[other] = true;
}

static void
chain_agrees_with_an_array(void **state)
{
	struct chain_pool pool = pool_make();
	struct chain c = {0};

	for (u32 i = 0; i < STEPS; i++) {
		/* The range widens and narrows, so that every size is met often. */
		word_toggle(&c, host_below(1 + (i / 1000) % WORDS), &pool);
		chain_check(&c, &pool);
		word_change(&c, host_below(WORDS), host_below(WORDS));
		chain_check(&c, &pool);
	}
	for (u32 i = 0; i < WORDS; i++) {
		if (in[i])
			word_toggle(&c, i, &pool);
		chain_check(&c, &pool);
	}
	pool_end(&pool);
}

static void
chain_is_emptied_from_its_first_member(void **state)
{
	struct chain_pool pool = pool_make();
	struct chain_iter it;
	struct chain c = {0};

	for (u32 i = 0; i < WORDS; i++)
		word_toggle(&c, i, &pool);
	while (!chain_empty(&c)) {
		word_toggle(&c, (chain_first(&c, &it) - word_of(0)) / 8, &pool);
		chain_check(&c, &pool);
	}
	pool_end(&pool);
}

static void
add_without_blocks(void *arg)
{
	struct chain_pool none = {NULL, 0};
	struct chain c = {word_of(1)};

	chain_add(&c, word_of(2), &none);
}

static void
add_twice(void *arg)
{
	struct chain_pool pool = pool_make();
	struct chain c = {word_of(1)};

	chain_add(&c, word_of(1), &pool);
}

static void
add_unaligned(void *arg)
{
	struct chain_pool pool = pool_make();
	struct chain c = {word_of(1)};

	chain_add(&c, word_of(2) + 1, &pool);
}

static void
delete_a_stranger(void *arg)
{
	struct chain_pool pool = pool_make();
	struct chain c = {word_of(1)};

	if (arg)
		chain_add(&c, word_of(2), &pool);
	chain_del(&c, word_of(3), &pool);
}

static void
misuse_is_caught(void **state)
{
	assert_true(host_dies(add_without_blocks, NULL));
	assert_true(host_dies(add_twice, NULL));
	assert_true(host_dies(add_unaligned, NULL));
	assert_true(host_dies(delete_a_stranger, NULL));
	assert_true(host_dies(delete_a_stranger, "of many"));
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(chain_agrees_with_an_array),
		cmocka_unit_test(chain_is_emptied_from_its_first_member),
		cmocka_unit_test(misuse_is_caught),
	};

	host_start();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
