/* SPDX-License-Identifier: MIT */
/*
 * mm/swap_same.c - pages all of one word leave memory without a slot
 *
 * Idea        see swap_same.h
 * Invariants  see swap_same.h
 * Locks       same_lock; frames for the table are asked for, and given back, without it
 * Follow      from reclaim_batch.c, swap_leaf.c, shmem_same.c   to word_table.c, rmap.c
 * Tests       tests/host/word_table_test.c, tests/guest/swapcache.c
 * See         swap_same.h
 */
#include <kernel/lib/errno.h>
#include <kernel/panic.h>
#include <kernel/printk.h>
#include <mm/lru.h>
#include <mm/page_alloc.h>
#include <mm/rmap.h>
#include <mm/swap_same.h>
#include <mm/vmstat.h>
#include <mm/word_table.h>

#define WORDS (PAGE_SIZE / sizeof(u64))

static struct spinlock same_lock = SPINLOCK_INIT(RANK_SWAP);
static struct word_table table; /* same_lock */

static u32 hold_locked(u64 word);
static bool some_area_is_on(void);
static bool word_of(pte_t *slot, pte_t leaf, u64 *word);

bool
swap_same_freeze(struct page *page, struct tlb_batch *batch)
{
	u64 word;

	dassert(READ_ONCE(page->flags) & BIT(PG_LOCKED));
	if (page->kind != PAGE_ANON || page->object || !swap_same_look(page, &word))
		return false;
	rmap_freeze(page, batch);
	return true;
}

/* Why the references: who has one of his own may write the page through the kernel's eyes, leaf or not. */
bool
swap_same_out(struct page *page, struct tlb_batch *batch)
{
	swap_entry_t entry;
	bool gone;
	u64 word;

	dassert(READ_ONCE(page->flags) & BIT(PG_LOCKED) && !page->object);
	if (atomic_read(&page->refs) != (s32)READ_ONCE(page->mapcount) + 1 || !swap_same_look(page, &word) ||
	    !swap_same_hold(word, &entry))
		return false;
	gone = rmap_swap_out(page, leaf_from_swap(entry), batch);
	page_flag_clear(page, PG_DIRTY); /* a word is never behind */
	swap_same_put(entry);
	if (gone)
		count_event(VM_SWPOUT_SAME);
	return gone;
}

int
swap_same_in(pte_t *slot, pte_t leaf, u64 bits, u32 alloc)
{
	struct chain_pool none = {NULL, 0};
	swap_entry_t entry = leaf_to_swap(leaf);
	struct page *page;
	bool mapped;
	u64 word;

	may_sleep();
	if (!word_of(slot, leaf, &word))
		return -EAGAIN;
	page = swap_same_page(word, PAGE_ANON, alloc);
	if (!page)
		return -ENOMEM;
	page->flags = BIT(PG_LOCKED); /* nobody else knows it yet */
	lru_add(page);
	mapped = rmap_swap_in(slot, leaf, page, bits, &none); /* consumes the reference when it succeeds */
	page_unlock(page);
	if (mapped) {
		swap_same_put(entry);
		count_event(VM_SWPIN_SAME);
	} else {
		page_put(page);
	}
	return mapped ? 0 : -EAGAIN;
}

/* The ends first: most pages differ there. */
bool
swap_same_look(const struct page *page, u64 *word)
{
	const u64 *words = page_to_va(page);

	*word = READ_ONCE(words[0]);
	if (READ_ONCE(words[WORDS - 1]) != *word)
		return false;
	for (u32 i = 1; i < WORDS - 1; i++)
		if (READ_ONCE(words[i]) != *word)
			return false;
	return true;
}

bool
swap_same_hold(u64 word, swap_entry_t *out)
{
	struct page *page = NULL;
	u32 number;

	spin_lock(&same_lock);
	number = hold_locked(word);
	spin_unlock(&same_lock);
	if (!number) {
		page = page_alloc(0, ALLOC_RESERVE | ALLOC_NOWARN);
		if (!page)
			return false;
		spin_lock(&same_lock);
		number = hold_locked(word); /* Race: another made room meanwhile */
		if (!number && word_table_grow(&table, page_to_va(page))) {
			page = NULL;
			number = hold_locked(word);
		}
		spin_unlock(&same_lock);
		if (page)
			page_put(page);
	}
	*out = swap_entry(SWAP_TYPE_SAME, number);
	return number;
}

u64
swap_same_word(swap_entry_t entry)
{
	u64 word;

	spin_lock(&same_lock);
	word = word_table_word(&table, swap_entry_slot(entry));
	spin_unlock(&same_lock);
	return word;
}

struct page *
swap_same_page(u64 word, enum page_kind kind, u32 alloc)
{
	struct page *page = page_alloc(0, alloc | (word ? 0 : ALLOC_ZERO));
	u64 *words;

	if (!page)
		return NULL;
	words = page_to_va(page);
	for (u32 i = 0; word && i < WORDS; i++)
		words[i] = word;
	page_become_user(page, kind, NULL, 0);
	return page;
}

void
swap_same_get(swap_entry_t entry)
{
	spin_lock(&same_lock);
	word_table_add(&table, swap_entry_slot(entry));
	spin_unlock(&same_lock);
}

void
swap_same_put(swap_entry_t entry)
{
	void *unused;

	spin_lock(&same_lock);
	unused = word_table_put(&table, swap_entry_slot(entry));
	spin_unlock(&same_lock);
	if (unused)
		page_put(va_to_page(unused));
}

u32
swap_same_count(swap_entry_t entry)
{
	u32 count;

	spin_lock(&same_lock);
	count = word_table_count(&table, swap_entry_slot(entry));
	spin_unlock(&same_lock);
	return count;
}

u64
swap_same_users(void)
{
	u64 users;

	spin_lock(&same_lock);
	users = table.users;
	spin_unlock(&same_lock);
	return users;
}

int
swap_same_check(void)
{
	u32 wrong;

	spin_lock(&same_lock);
	wrong = word_table_check(&table);
	spin_unlock(&same_lock);
	if (wrong)
		pr_err("mm_check: the words of same-filled pages contradict themselves in %u places\n", wrong);
	return (int)wrong;
}

/* I2: swapoff forbids first and looks for users then. */
static u32
hold_locked(u64 word)
{
	must_hold(&same_lock);
	return some_area_is_on() ? word_table_get(&table, word) : 0;
}

static bool
some_area_is_on(void)
{
	for (u32 i = 0; i < SWAP_AREAS_MAX; i++)
		if (READ_ONCE(swap_areas[i].state) == SWAP_ON)
			return true;
	return false;
}

/* The word that @leaf names, which stays as long as a leaf names it: the table lock. False: the leaf changed. */
static bool
word_of(pte_t *slot, pte_t leaf, u64 *word)
{
	struct page *leaves = slot_table(slot);
	bool same;

	spin_lock(&leaves->lock);
	same = pte_read(slot).value == leaf.value;
	if (same)
		*word = swap_same_word(leaf_to_swap(leaf));
	spin_unlock(&leaves->lock);
	return same;
}
