/* SPDX-License-Identifier: MIT */
/*
 * mm/word_table.h - words that have a number and a count of users
 *
 *                 word --hash--> bucket --> place --> place       number = place in order of chunks, from 1 on
 *                 number ------------------^                      chunk: one frame, 255 places
 *
 * Idea        A page whose 512 words are all the same need not be written anywhere: its word, kept here, is enough, and
 *             the word's number fits where a slot's would. The table grows by a frame at a time and gives a frame back
 *             when none of its places is used; whoever calls brings and takes the frames.
 * Invariants  I1  A place is on the chain of its word's bucket if its count is not 0, else on its chunk's free chain.
 *             I2  users is the sum of all counts; a chunk's used is the number of its places with a count.
 *             I3  A word has one place at most.                                         (all: word_table_check)
 * Locks       the owner's, for all of it
 * Follow      from swap_same.c
 * Tests       tests/host/word_table_test.c
 * See         docs/mm.md section 10
 */
#pragma once

#include <kernel/lib/types.h>

#define WORD_CHUNKS 1024
#define WORD_BUCKETS 1024 /* a power of two */
#define WORD_PLACES 255

struct word_place {
	u64 word;
	u32 count; /* users; 0: free */
	u32 next;  /* number of the next in its bucket, or in its chunk's free chain; 0: none */
};

struct word_chunk {
	u32 used;
	u32 free; /* number of the first free place; 0: none */
	struct word_place place[WORD_PLACES];
};

struct word_table {
	u64 users;
	u32 words;
	u32 hint; /* a chunk with a free place, or any */
	u32 bucket[WORD_BUCKETS];
	struct word_chunk *chunk[WORD_CHUNKS];
};

/*
 * word_table_get - one more user of @word
 *
 * Returns   its number; 0: it has none, and no place is free
 * Context   pure
 */
u32 word_table_get(struct word_table *t, u64 word);

/* word_table_grow - room for further words in @mem, of PAGE_SIZE bytes. False: there are WORD_CHUNKS already. */
bool word_table_grow(struct word_table *t, void *mem);

/* word_table_add - one more user of the word @number, which has some. */
void word_table_add(struct word_table *t, u32 number);

/* word_table_put - one fewer. Returns a chunk's memory that is not needed any more, or NULL. */
void *word_table_put(struct word_table *t, u32 number);

/* The word @number, and its users. */
u64 word_table_word(const struct word_table *t, u32 number);
u32 word_table_count(const struct word_table *t, u32 number);

/* Proves I1 to I3. Returns the number of violations. */
u32 word_table_check(const struct word_table *t);
