/* SPDX-License-Identifier: MIT */
/*
 * kernel/lib/chain.c - sets of two and more words
 *
 * Idea        see chain.h. Simple: looking for a member is linear. A page with a thousand mappers is rare here because
 *             fork shares page tables, and taking all members off, one first member after the other, is linear in all.
 * Invariants  I1 to I3 of chain.h
 * Locks       none
 * Follow      from mm/rmap.c, mm/pagetable.c
 * Tests       tests/host/chain_test.c
 * See         none
 */
#include <kernel/lib/chain.h>
#include <kernel/panic.h>

#define CHAIN_LOW_BITS 7UL

static u64 *word_find(struct chain_block *block, u64 word);
static u64 *word_last(struct chain_block *block);
static void head_trim(struct chain *c, struct chain_pool *pool);

static inline struct chain_block *
head_block(const struct chain *c)
{
	return (struct chain_block *)(c->head & ~CHAIN_MANY);
}

/* The set is not empty: promote a single word, or use the head block, or put a new one in front. */
void
chain_add_slow(struct chain *c, u64 word, struct chain_pool *pool)
{
	struct chain_block *block = head_block(c);
	struct chain_block *fresh;
	u64 *last;

	assert(word && !(word & CHAIN_LOW_BITS));
	dassert(!chain_has(c, word));
	if (c->head & CHAIN_MANY) {
		last = word_last(block);
		if (last < &block->word[CHAIN_BLOCK_WORDS - 1]) {
			last[1] = word;
			return;
		}
	}
	fresh = chain_pool_get(pool);
	assert(fresh);
	if (c->head & CHAIN_MANY)
		*fresh = (struct chain_block){.word = {word}, .next = block};
	else
		*fresh = (struct chain_block){.word = {c->head, word}};
	c->head = (u64)fresh | CHAIN_MANY;
}

/* @word is not the single member. */
void
chain_del_slow(struct chain *c, u64 word, struct chain_pool *pool)
{
	u64 *hole, *last;

	assert(c->head & CHAIN_MANY);
	hole = word_find(head_block(c), word);
	assert(hole);
	last = word_last(head_block(c));
	*hole = *last;
	*last = 0;
	head_trim(c, pool);
}

/* @word is not the single member. */
void
chain_replace_slow(struct chain *c, u64 word, u64 new)
{
	u64 *place;

	assert(c->head & CHAIN_MANY);
	assert(new && !(new &CHAIN_LOW_BITS));
	dassert(!chain_has(c, new));
	place = word_find(head_block(c), word);
	assert(place);
	*place = new;
}

bool
chain_has(const struct chain *c, u64 word)
{
	if (c->head & CHAIN_MANY)
		return word_find(head_block(c), word);
	return word && c->head == word;
}

u32
chain_count(const struct chain *c)
{
	struct chain_block *block = head_block(c);
	u32 count;

	if (!(c->head & CHAIN_MANY))
		return c->head != 0;
	count = word_last(block) - block->word + 1;
	while ((block = block->next))
		count += CHAIN_BLOCK_WORDS;
	return count;
}

static u64 *
word_find(struct chain_block *block, u64 word)
{
	if (!word)
		return NULL;
	for (; block; block = block->next) {
		for (u32 i = 0; i < CHAIN_BLOCK_WORDS; i++) {
			if (block->word[i] == word)
				return &block->word[i];
		}
	}
	return NULL;
}

static u64 *
word_last(struct chain_block *block)
{
	u32 i = CHAIN_BLOCK_WORDS - 1;

	while (i && !block->word[i])
		i--;
	dassert(block->word[i]);
	return &block->word[i];
}

/* Restores I1 and I2 after the last word of the head block went. */
static void
head_trim(struct chain *c, struct chain_pool *pool)
{
	struct chain_block *block = head_block(c);

	if (!block->word[0]) {
		/* At least two members were there, so a full block follows. */
		assert(block->next);
		c->head = (u64)block->next | CHAIN_MANY;
		chain_pool_put(pool, block);
	} else if (!block->word[1] && !block->next) {
		c->head = block->word[0];
		chain_pool_put(pool, block);
	}
}
