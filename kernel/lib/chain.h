/* SPDX-License-Identifier: MIT */
/*
 * kernel/lib/chain.h - a set of words in one word, made for the case of a single member
 *
 * Idea        Members are 8-byte-aligned, non-zero u64 (addresses of page-table slots, of address spaces). Nearly every
 *             set has one member, and that one costs no memory beyond the head and a handful of instructions.
 *             Blocks come from and go to a pool that the caller fills beforehand, so that nothing here can fail.
 *
 *               head = 0                      empty
 *               head = word                   one member, the word itself
 *               head = block | 1              two or more:
 *
 *                      block            block            block
 *                 [w w -  next]--> [w w w  next]--> [w w w  0]
 *                  only the head block may have room
 *
 * Invariants  I1  Bit 0 of head is set if and only if there are two members or more.
 *             I2  The head block holds 1 to 3 words, packed from word[0], the rest 0; every other block holds 3.
 *             I3  No word is 0, none has any of its low three bits set, none occurs twice.
 *             Removing takes the last word of the head block into the hole: I2 needs no more.
 * Locks       none here; the owner's (for a page: its map lock). A pool belongs to one caller at a time.
 * Follow      from mm/rmap.c, mm/pagetable.c
 * Tests       tests/host/chain_test.c
 */
#pragma once

#include <kernel/lib/compiler.h>
#include <kernel/lib/types.h>

#define CHAIN_BLOCK_WORDS 3
#define CHAIN_ADD_MAX 1 /* blocks that one chain_add can take: a promotion, or a new head block */
#define CHAIN_MANY 1UL  /* bit 0 of head: it is the address of a block */

struct chain_block {
	u64 word[CHAIN_BLOCK_WORDS];
	struct chain_block *next;
};

struct chain {
	u64 head;
};

struct chain_pool {
	struct chain_block *free; /* linked by next */
	u32 count;                /* blocks on it */
};

struct chain_iter {
	const struct chain_block *block; /* NULL for the single form */
	u32 index;                       /* the word that was returned last */
};

void chain_add_slow(struct chain *c, u64 word, struct chain_pool *pool);
void chain_del_slow(struct chain *c, u64 word, struct chain_pool *pool);
void chain_replace_slow(struct chain *c, u64 word, u64 new);

/* Gives @block, whose contents do not matter, to @pool. */
static inline void
chain_pool_put(struct chain_pool *pool, struct chain_block *block)
{
	block->next = pool->free;
	pool->free = block;
	pool->count++;
}

/* Takes a block with undefined contents from @pool; NULL when it is empty. */
static inline struct chain_block *
chain_pool_get(struct chain_pool *pool)
{
	struct chain_block *block = pool->free;

	if (block) {
		pool->free = block->next;
		pool->count--;
	}
	return block;
}

static inline bool
chain_empty(const struct chain *c)
{
	return !c->head;
}

/*
 * chain_single - has @c exactly one member?
 *
 * Returns   true and the member in *word; else false, *word unchanged
 * Context   any; the owner's lock
 */
static inline bool
chain_single(const struct chain *c, u64 *word)
{
	if (!c->head || (c->head & CHAIN_MANY))
		return false;
	*word = c->head;
	return true;
}

/*
 * chain_add - make @word, which is no member, a member; O(1)
 *
 * Returns   nothing; cannot fail while @pool holds CHAIN_ADD_MAX blocks (asserted when one is needed)
 * Context   any; the owner's lock
 * Takes     at most CHAIN_ADD_MAX blocks out of @pool
 */
static inline void
chain_add(struct chain *c, u64 word, struct chain_pool *pool)
{
	if (likely(!c->head))
		c->head = word;
	else
		chain_add_slow(c, word, pool);
}

/*
 * chain_del - remove the member @word (asserted); O(members), O(1) for what chain_first returns
 *
 * Returns   nothing; cannot fail
 * Context   any; the owner's lock
 * Gives     at most two blocks to @pool
 */
static inline void
chain_del(struct chain *c, u64 word, struct chain_pool *pool)
{
	if (likely(c->head == word))
		c->head = 0;
	else
		chain_del_slow(c, word, pool);
}

/*
 * chain_replace - let @new, which is no member, stand where the member @word (asserted) stood; O(members)
 *
 * Returns   nothing; cannot fail, and needs no block
 * Context   any; the owner's lock
 */
static inline void
chain_replace(struct chain *c, u64 word, u64 new)
{
	if (likely(c->head == word))
		c->head = new;
	else
		chain_replace_slow(c, word, new);
}

/*
 * chain_has - is @word a member?      chain_count - how many members; both O(members)
 *
 * Context   any; the owner's lock
 */
bool chain_has(const struct chain *c, u64 word);
u32 chain_count(const struct chain *c);

/*
 * chain_first, chain_next - every member once, in no particular order:
 *
 *     for (u64 word = chain_first(c, &it); word; word = chain_next(&it))
 *
 * Adding or removing makes @it void: a loop that removes asks chain_first again each time.
 *
 * Returns   a member; 0 after the last
 * Context   any; the owner's lock
 */
static inline u64
chain_first(const struct chain *c, struct chain_iter *it)
{
	it->index = 0;
	it->block = NULL;
	if (!(c->head & CHAIN_MANY))
		return c->head;
	it->block = (const struct chain_block *)(c->head & ~CHAIN_MANY);
	return it->block->word[0];
}

static inline u64
chain_next(struct chain_iter *it)
{
	if (!it->block)
		return 0;
	if (++it->index < CHAIN_BLOCK_WORDS && it->block->word[it->index])
		return it->block->word[it->index];
	it->block = it->block->next;
	it->index = 0;
	return it->block ? it->block->word[0] : 0;
}
