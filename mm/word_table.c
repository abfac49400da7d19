/* SPDX-License-Identifier: MIT */
/*
 * mm/word_table.c - words that have a number and a count of users
 *
 * Idea        see word_table.h
 * Invariants  see word_table.h
 * Locks       the owner's
 * Follow      from swap_same.c
 * Tests       tests/host/word_table_test.c
 * See         word_table.h
 */
#include <kernel/lib/compiler.h>
#include <kernel/panic.h>
#include <mm/word_table.h>

static u32 bucket_of(u64 word);
static struct word_place *place_of(const struct word_table *t, u32 number);
static u32 find_word(const struct word_table *t, u64 word);
static u32 insert_word(struct word_table *t, u64 word);
static bool find_chunk(struct word_table *t);
static void unchain(struct word_table *t, u32 number);
static u32 chunk_check(const struct word_table *t, u32 c, u64 *users, u32 *words);

_Static_assert(sizeof(struct word_chunk) <= 4096, "a chunk is a frame");

u32
word_table_get(struct word_table *t, u64 word)
{
	u32 number = find_word(t, word);

	if (!number)
		return insert_word(t, word);
	word_table_add(t, number);
	return number;
}

bool
word_table_grow(struct word_table *t, void *mem)
{
	struct word_chunk *chunk = mem;
	u32 c = 0;

	while (c < WORD_CHUNKS && t->chunk[c])
		c++;
	if (c == WORD_CHUNKS)
		return false;
	chunk->used = 0;
	chunk->free = c * WORD_PLACES + 1;
	for (u32 i = 0; i < WORD_PLACES; i++)
		chunk->place[i] = (struct word_place){.next = i + 1 < WORD_PLACES ? chunk->free + i + 1 : 0};
	t->chunk[c] = chunk;
	t->hint = c;
	return true;
}

void
word_table_add(struct word_table *t, u32 number)
{
	struct word_place *place = place_of(t, number);

	assertf(place->count && place->count < UINT32_MAX, "word %u has %u users", number, place->count);
	place->count++;
	t->users++;
}

void *
word_table_put(struct word_table *t, u32 number)
{
	struct word_place *place = place_of(t, number);
	u32 c = (number - 1) / WORD_PLACES;
	struct word_chunk *chunk = t->chunk[c];

	assertf(place->count, "word %u has no user", number);
	t->users--;
	if (--place->count)
		return NULL;
	unchain(t, number);
	place->next = chunk->free;
	chunk->free = number;
	t->words--;
	if (--chunk->used)
		return NULL;
	t->chunk[c] = NULL;
	return chunk;
}

u64
word_table_word(const struct word_table *t, u32 number)
{
	return place_of(t, number)->word;
}

u32
word_table_count(const struct word_table *t, u32 number)
{
	return place_of(t, number)->count;
}

u32
word_table_check(const struct word_table *t)
{
	u64 users = 0;
	u32 words = 0;
	u32 bad = 0;

	for (u32 c = 0; c < WORD_CHUNKS; c++)
		if (t->chunk[c])
			bad += chunk_check(t, c, &users, &words);
	return bad + (users != t->users) + (words != t->words);
}

static u32
bucket_of(u64 word)
{
	return (u32)(word * 0x9e3779b97f4a7c15UL >> 54) % WORD_BUCKETS;
}

static struct word_place *
place_of(const struct word_table *t, u32 number)
{
	u32 c = (number - 1) / WORD_PLACES;

	assertf(number && c < WORD_CHUNKS && t->chunk[c], "there is no word %u", number);
	return &t->chunk[c]->place[(number - 1) % WORD_PLACES];
}

static u32
find_word(const struct word_table *t, u64 word)
{
	u32 number = t->bucket[bucket_of(word)];

	while (number && place_of(t, number)->word != word)
		number = place_of(t, number)->next;
	return number;
}

static u32
insert_word(struct word_table *t, u64 word)
{
	u32 *bucket = &t->bucket[bucket_of(word)];
	struct word_chunk *chunk;
	struct word_place *place;
	u32 number;

	if (!find_chunk(t))
		return 0;
	chunk = t->chunk[t->hint];
	number = chunk->free;
	place = place_of(t, number);
	dassert(!place->count);
	chunk->free = place->next;
	chunk->used++;
	*place = (struct word_place){.word = word, .count = 1, .next = *bucket};
	*bucket = number;
	t->words++;
	t->users++;
	return number;
}

/* Lets hint be a chunk with a free place. */
static bool
find_chunk(struct word_table *t)
{
	for (u32 i = 0; i < WORD_CHUNKS; i++) {
		u32 c = (t->hint + i) % WORD_CHUNKS;

		if (t->chunk[c] && t->chunk[c]->free) {
			t->hint = c;
			return true;
		}
	}
	return false;
}

static void
unchain(struct word_table *t, u32 number)
{
	u32 *link = &t->bucket[bucket_of(place_of(t, number)->word)];

	while (*link != number) {
		assertf(*link, "word %u is in no bucket", number);
		link = &place_of(t, *link)->next;
	}
	*link = place_of(t, number)->next;
}

static u32
chunk_check(const struct word_table *t, u32 c, u64 *users, u32 *words)
{
	u32 used = 0;
	u32 bad = 0;

	for (u32 i = 0; i < WORD_PLACES; i++) {
		const struct word_place *place = &t->chunk[c]->place[i];

		if (!place->count)
			continue;
		used++;
		*users += place->count;
		bad += find_word(t, place->word) != c * WORD_PLACES + i + 1; /* I1, I3 */
	}
	*words += used;
	return bad + (used != t->chunk[c]->used);
}
