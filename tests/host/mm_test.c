/* SPDX-License-Identifier: MIT */
/*
 * tests/host/mm_test.c - the whole memory core against a model, on several CPUs at once
 *
 * Idea        Processes of a fake machine map, unmap, protect, advise, fork, exit, truncate, read and write the same
 *             few pages around the borders of leaf tables. Each CPU owns one word of every page and writes growing
 *             numbers there. The model knows for each word of each page of each process a range that must hold what is
 *             read: one number, unless a write or a fork is under way. A lost write, a copy taken too late, a page of
 *             somebody else, a stale translation all give a number outside.
 *             Each page has a generation, odd while its mapping changes: who saw it change during an access judges
 *             nothing but what the machine judges by itself (freed frames and tables).
 * Locks       `changing` of a process: one change of mappings, fork or exit at a time
 * Follow      from machine.h
 */
/* sources: tests/host/machine.c tests/host/machine_mm.c kernel/lib/rbtree.c kernel/lib/chain.c kernel/lib/radix.c */
/* sources: mm/evict.c mm/evict_two.c mm/evict_fifo.c mm/evict_clock.c mm/evict_random.c mm/evict_gen.c */
#include "host.h"

#include <kernel/lib/errno.h>
#include <mm/check.h>
#include <mm/madvise.h>
#include <mm/mlock.h>
#include <mm/mm.h>
#include <mm/mmap.h>
#include <mm/pagecache.h>
#include <mm/vmstat.h>

#include "machine.h"

#undef assert

#define BORDERS 4
#define AROUND 24 /* pages around each border: half of them below it */
#define PAGES (BORDERS * AROUND)
#define FIRST_BORDER (0x40000000UL - 0x200000) /* the second is one between level-2 tables, too */
#define PROCS 6
#define FILES 2
#define ADVICE_FLAGS (VM_DONTCOPY | VM_WIPEONFORK | VM_RAND_READ | VM_LOCK_FLAGS)
#define FILE_WORD 7 /* what every word of a file holds that is only mapped privately */

#define must(cond, ...)                                         \
	do {                                                    \
		if (!(cond)) {                                  \
			fprintf(stderr, "model: " __VA_ARGS__); \
			fputc('\n', stderr);                    \
			abort();                                \
		}                                               \
	} while (0)

/* What the words of one page may hold. */
struct words {
	u64 low[MACHINE_CPUS];
	u64 high[MACHINE_CPUS];
};

/* An object that is mapped shared. */
struct shared {
	struct pagecache *object; /* NULL: anonymous */
	u64 pages;                /* of its size */
	u32 generation;           /* odd while its size changes */
	u32 refs;                 /* pages that map it, and the test */
	struct words words[PAGES];
	struct words late[PAGES]; /* written while its size changed */
};

enum kind {
	NOTHING,
	PRIVATE,
	SHARED
};
static const char *const kind_names[] = {"nothing", "private", "shared"};

struct model_page {
	enum kind kind;
	u32 rights;   /* VM_READ, VM_WRITE, VM_EXEC */
	u32 advice;   /* ADVICE_FLAGS */
	bool of_file; /* PRIVATE: of the constant file */
	u32 generation;
	struct shared *shared;
	u32 index;
	struct words words; /* PRIVATE */
	struct words late;  /* written while the mapping changed */
};

struct proc {
	struct mm *mm;
	bool alive;
	bool changing;
	u32 inside; /* CPUs in an operation on it */
	struct model_page page[PAGES];
};

/* The write that a CPU is about to do. */
struct pending {
	struct proc *proc;
	u32 page;
	u64 value;
};

static struct proc procs[PROCS];
static struct mm *active[MACHINE_CPUS];
static struct pending pending[MACHINE_CPUS];
static struct shared *files[FILES]; /* mapped shared, and truncated */
static struct pagecache *constant;  /* mapped privately */
static u64 next_value[MACHINE_CPUS];
static bool swapping; /* pages go to the disk meanwhile */
static bool failing;  /* allocations may fail */
static u32 steps, reads, writes, forks, denials, remaps;

static u64
page_va(u32 page)
{
	u64 border = FIRST_BORDER + page / AROUND * 0x200000UL;

	return border + ((s64)(page % AROUND) - AROUND / 2) * (s64)PAGE_SIZE;
}

static u32
below(u32 n)
{
	return machine_random() % n;
}

static struct words *
page_words(struct model_page *page)
{
	return page->kind == SHARED ? &page->shared->words[page->index] : &page->words;
}

static void
shared_put(struct shared *s)
{
	if (--s->refs)
		return;
	if (s->object)
		pagecache_put(s->object);
	free(s);
}

static struct shared *
shared_create(struct pagecache *object, u64 pages)
{
	struct shared *s = calloc(1, sizeof(*s));

	s->object = object;
	s->pages = pages;
	s->refs = 1;
	return s;
}

/* ---- which process ---- */

static void
activate(u32 cpu, struct mm *mm)
{
	struct mm *old = active[cpu];

	if (old == mm)
		return;
	if (mm)
		mm_get(mm);
	active[cpu] = mm;
	mm_activate(mm);
	if (old)
		mm_put(old);
}

/* Enters some living process, most often the one that is active; NULL: none found. */
static struct proc *
enter(u32 cpu)
{
	struct proc *p = NULL;

	if (below(4))
		for (u32 i = 0; i < PROCS; i++)
			if (procs[i].alive && procs[i].mm == active[cpu])
				p = &procs[i];
	for (u32 tries = 0; tries < 20 && !p; tries++) {
		struct proc *some = &procs[below(PROCS)];

		if (some->alive)
			p = some;
	}
	if (!p)
		return NULL;
	p->inside++;
	activate(cpu, p->mm);
	return p;
}

static bool
change_begin(struct proc *p)
{
	if (p->changing)
		return false;
	p->changing = true;
	return true;
}

/* ---- reading and writing ---- */

static enum fault_result
expected(const struct model_page *page, u32 access)
{
	u32 need = access == FAULT_WRITE ? VM_WRITE : access == FAULT_EXEC ? VM_EXEC : VM_ACCESS;

	if (page->kind == NOTHING)
		return FAULT_SEGV_MAP;
	if (!(page->rights & need))
		return FAULT_SEGV_ACC;
	if (page->kind == SHARED && page->index >= page->shared->pages)
		return FAULT_BUS;
	return FAULT_OK;
}

static bool
stable(const struct model_page *page, u32 generation, u32 shared_generation)
{
	return page->generation == generation && !(generation & 1) &&
	       (page->kind != SHARED || (page->shared->generation == shared_generation && !(shared_generation & 1)));
}

static void
judge(struct proc *p, u32 i, u32 access, enum fault_result want, enum fault_result got)
{
	if (got == FAULT_OOM && failing)
		return;
	if (want != FAULT_OK)
		denials++;
	must(want == got, "access %x to page %u (%lx) of process %d: %d, not %d", access, i, page_va(i),
	     (int)(p - procs), got, want);
}

static void
do_read(u32 cpu, struct proc *p, u32 i, u32 access)
{
	struct model_page *page = &p->page[i];
	u32 word = below(MACHINE_CPUS);
	u32 generation = page->generation;
	u32 shared_generation = page->kind == SHARED ? page->shared->generation : 0;
	enum fault_result want = expected(page, access);
	u64 low = page_words(page)->low[word];
	u64 value = 0;
	enum fault_result got = machine_access(p->mm, page_va(i) + word * 8, access, &value);

	if (!stable(page, generation, shared_generation))
		return;
	judge(p, i, access, want, got);
	if (got == FAULT_OK)
		must(low <= value && value <= page_words(page)->high[word],
		     "CPU %u reads %lu in word %u of page %u (%lx, %s) of process %d, not %lu to %lu", cpu, value, word,
		     i, page_va(i), kind_names[page->kind], (int)(p - procs), low, page_words(page)->high[word]);
	reads++;
}

/* The write ended before the change that it met was known to have ended. */
static void
note_late(struct model_page *page, u32 cpu, u64 value)
{
	if (page->generation & 1)
		page->late.high[cpu] = value;
	if (page->kind == SHARED && (page->shared->generation & 1))
		page->shared->late[page->index].high[cpu] = value;
}

static void
do_write(u32 cpu, struct proc *p, u32 i)
{
	struct model_page *page = &p->page[i];
	u32 generation = page->generation;
	u32 shared_generation = page->kind == SHARED ? page->shared->generation : 0;
	enum fault_result want = expected(page, FAULT_WRITE);
	struct words *words = page_words(page);
	u64 before = words->high[cpu];
	u64 value = ++next_value[cpu];
	enum fault_result got;

	if ((generation | shared_generation) & 1)
		return;
	pending[cpu] = (struct pending){p, i, value};
	if (want == FAULT_OK)
		words->high[cpu] = value;
	got = machine_access(p->mm, page_va(i) + cpu * 8, FAULT_WRITE, &value);
	pending[cpu].proc = NULL;
	if (got == FAULT_OK)
		note_late(page, cpu, value);
	if (!stable(page, generation, shared_generation))
		return;
	judge(p, i, FAULT_WRITE, want, got);
	if (got == FAULT_OK)
		words->low[cpu] = value;
	else if (words->high[cpu] == value)
		words->high[cpu] = before;
	writes++;
}

/* ---- changing mappings ---- */

/*
 * What was not allowed when it began may be by the time it happens: writes under way to page @i may yet land in @words.
 */
static void
expect_pending(struct proc *p, u32 i, struct words *words)
{
	for (u32 cpu = 0; cpu < MACHINE_CPUS; cpu++) {
		bool now = pending[cpu].proc == p && pending[cpu].page == i;

		words->high[cpu] =
			max_u64(words->high[cpu], max_u64(p->page[i].late.high[cpu], now ? pending[cpu].value : 0));
	}
}

static void
change_start(struct proc *p, u32 first, u32 last)
{
	for (u32 i = first; i < last; i++) {
		p->page[i].generation++;
		memset(&p->page[i].late, 0, sizeof(p->page[i].late));
	}
}

static void
page_clear(struct proc *p, u32 i)
{
	struct model_page *page = &p->page[i];

	if (page->kind == SHARED)
		shared_put(page->shared);
	page->kind = NOTHING;
	page->shared = NULL;
	page->advice = 0;
	page->of_file = false;
	memset(&page->words, 0, sizeof(page->words));
}

/*
 * What the kernel says of every page, after an operation that may have failed half way; and a proof where it did not.
 */
static void
compare(struct proc *p, u32 first, u32 last, bool adopt)
{
	rwsem_read_lock(&p->mm->lock);
	for (u32 i = first; i < last; i++) {
		struct vma *vma = vma_find(&p->mm->vmas, page_va(i));
		bool mapped = vma && vma->start <= page_va(i);
		struct model_page *page = &p->page[i];

		if (adopt && mapped)
			page->rights = vma->flags & VM_ACCESS, page->advice = vma->flags & ADVICE_FLAGS;
		must(mapped == (page->kind != NOTHING), "page %u (%lx) is %smapped", i, page_va(i),
		     mapped ? "" : "not ");
		must(!mapped || (page->rights | page->advice) == (vma->flags & (VM_ACCESS | ADVICE_FLAGS)),
		     "page %u has flags %x, not %x", i, vma->flags, page->rights | page->advice);
	}
	rwsem_read_unlock(&p->mm->lock);
}

static void
change_end(struct proc *p, u32 first, u32 last, bool adopt)
{
	compare(p, first, last, adopt);
	for (u32 i = first; i < last; i++)
		p->page[i].generation++;
}

/* A range of pages around one border, or now and then of all. */
static void
some_range(u32 *first, u32 *last)
{
	u32 border = below(BORDERS) * AROUND;

	*first = border + below(AROUND);
	*last = *first + 1 + below(below(3) ? 6 : AROUND);
	if (*last > border + AROUND)
		*last = border + AROUND;
}

static u32
some_prot(void)
{
	static const u32 prots[] = {PROT_READ | PROT_WRITE,
				    PROT_READ | PROT_WRITE,
				    PROT_READ | PROT_WRITE,
				    PROT_READ,
				    PROT_READ | PROT_EXEC,
				    0,
				    PROT_WRITE};

	return prots[below(ARRAY_SIZE(prots))];
}

/* Private page @i is as new; writes under way may or may not have come first. */
static void
page_renew(struct proc *p, u32 i)
{
	struct model_page *page = &p->page[i];
	u64 fresh = page->of_file ? FILE_WORD : 0;

	for (u32 w = 0; w < MACHINE_CPUS; w++)
		page->words.high[w] = fresh;
	expect_pending(p, i, &page->words);
	for (u32 w = 0; w < MACHINE_CPUS; w++)
		page->words.low[w] = fresh;
}

/* In the model: page @i, cleared, is page @index of @shared, or a private one; @of_file: of the constant file. */
static void
page_map(struct proc *p, u32 i, struct shared *shared, u32 index, bool of_file)
{
	struct model_page *page = &p->page[i];

	page->kind = shared ? SHARED : PRIVATE;
	page->shared = shared;
	page->index = index;
	page->of_file = of_file;
	if (shared) {
		shared->refs++;
		expect_pending(p, i, page_words(page));
	} else {
		page_renew(p, i);
	}
}

static void
do_map(struct proc *p)
{
	struct mmap_request r = {.prot = some_prot(), .may_write = true};
	struct shared *shared = NULL;
	u32 first, last, kind = below(6);
	u32 index = 0;
	s64 got;

	some_range(&first, &last);
	r.addr = page_va(first);
	r.len = (u64)(last - first) << PAGE_SHIFT;
	r.flags = MAP_FIXED | (kind >= 4 ? MAP_SHARED : MAP_PRIVATE);
	if (kind == 3)
		r.object = constant;
	if (kind == 4) {
		shared = files[below(FILES)];
		shared->refs++;
		r.object = shared->object;
		index = below(8);
	} else if (kind == 5) {
		shared = shared_create(NULL, last - first);
	}
	r.pgoff = kind == 3 ? first : index;
	change_start(p, first, last);
	for (u32 i = first; i < last && shared; i++)
		expect_pending(p, i, &shared->words[index + i - first]);
	got = do_mmap(p->mm, &r);
	must(got == (s64)r.addr || (got == -ENOMEM && failing), "mmap gives %ld", got);
	for (u32 i = first; i < last && got > 0; i++) {
		page_clear(p, i);
		p->page[i].rights = vma_prot_flags(r.prot);
		page_map(p, i, shared, index + i - first, kind == 3);
	}
	/* Simple: mmap over something that fails for want of a vma has unmapped it. */
	for (u32 i = first; i < last && got < 0; i++) {
		struct vma *vma = vma_find(&p->mm->vmas, page_va(i));

		if (!vma || vma->start > page_va(i))
			page_clear(p, i);
	}
	change_end(p, first, last, false);
	if (shared)
		shared_put(shared);
}

static void
do_unmap(struct proc *p)
{
	u32 first, last;
	int err;

	some_range(&first, &last);
	if (!below(8)) {
		first = 0;
		last = PAGES;
	}
	change_start(p, first, last);
	err = do_munmap(p->mm, page_va(first), page_va(last - 1) + PAGE_SIZE - page_va(first));
	must(!err || (err == -ENOMEM && failing), "munmap gives %d", err);
	for (u32 i = first; i < last && !err; i++)
		page_clear(p, i);
	change_end(p, first, last, false);
}

static void
do_protect(struct proc *p)
{
	u32 prot = some_prot();
	u32 first, last;
	bool hole = false;
	int err;

	some_range(&first, &last);
	change_start(p, first, last);
	for (u32 i = first; i < last; i++) {
		hole |= p->page[i].kind == NOTHING;
		expect_pending(p, i, page_words(&p->page[i]));
	}
	err = do_mprotect(p->mm, page_va(first), (u64)(last - first) << PAGE_SHIFT, prot);
	must(err == (hole ? -ENOMEM : 0) || (err == -ENOMEM && failing), "mprotect gives %d", err);
	for (u32 i = first; i < last && !err; i++)
		p->page[i].rights = vma_prot_flags(prot);
	change_end(p, first, last, err);
}

static void advise_doubt(struct model_page *page);

/* What advice @nr does to page @i. Returns 0, or what the kernel says of it: what comes later is left alone. */
static int
advise_page(struct proc *p, u32 i, s32 nr)
{
	struct model_page *page = &p->page[i];
	bool anon = page->kind == PRIVATE && !page->of_file;

	if (page->kind == NOTHING)
		return 0;
	if ((page->advice & VM_LOCKED) && (nr == MADV_FREE || nr == MADV_DONTNEED))
		return -EINVAL;
	if (!anon && (nr == MADV_FREE || nr == MADV_WIPEONFORK))
		return -EINVAL;
	if (page->kind == PRIVATE && nr == MADV_DONTNEED)
		page_renew(p, i);
	else if (nr == MADV_FREE)
		advise_doubt(page);
	else if (nr == MADV_DONTFORK)
		page->advice |= VM_DONTCOPY;
	else if (nr == MADV_DOFORK)
		page->advice &= ~VM_DONTCOPY;
	else if (nr == MADV_WIPEONFORK)
		page->advice |= VM_WIPEONFORK;
	else if (nr == MADV_KEEPONFORK)
		page->advice &= ~VM_WIPEONFORK;
	else if (nr == MADV_RANDOM)
		page->advice |= VM_RAND_READ;
	else if (nr == MADV_NORMAL)
		page->advice &= ~VM_RAND_READ;
	return 0;
}

/* Advice that failed half way, or MADV_FREE: what it would have dropped may be there or not. */
static void
advise_doubt(struct model_page *page)
{
	memset(page->words.low, 0, sizeof(page->words.low));
	for (u32 w = 0; w < MACHINE_CPUS && page->of_file; w++)
		page->words.high[w] = max_u64(page->words.high[w], FILE_WORD);
}

static void
do_advise(struct proc *p)
{
	static const s32 advices[] = {MADV_DONTNEED, MADV_DONTNEED, MADV_DONTNEED,   MADV_FREE,
				      MADV_DONTFORK, MADV_DOFORK,   MADV_WIPEONFORK, MADV_KEEPONFORK,
				      MADV_RANDOM,   MADV_NORMAL,   MADV_WILLNEED,   MADV_DOFORK};
	s32 nr = advices[below(ARRAY_SIZE(advices))];
	u32 first, last;
	bool hole = false;
	int want = 0;
	int err;

	some_range(&first, &last);
	if (!below(8)) {
		first = 0;
		last = PAGES;
	}
	change_start(p, first, last);
	err = do_madvise(p->mm, page_va(first), page_va(last - 1) + PAGE_SIZE - page_va(first), nr);
	for (u32 i = first; i < last && !want; i++) {
		hole |= p->page[i].kind == NOTHING || (i && page_va(i) != page_va(i - 1) + PAGE_SIZE && i > first);
		if (err == -EAGAIN)
			advise_doubt(&p->page[i]);
		else
			want = advise_page(p, i, nr);
	}
	want = want ? want : hole ? -ENOMEM : 0;
	must(err == want || (err == -EAGAIN && failing), "advice %d gives %d, not %d", nr, err, want);
	change_end(p, first, last, err == -EAGAIN);
}

/* In the model: page @to becomes what page @from is. */
static void
page_copy(struct proc *p, u32 from, u32 to)
{
	struct model_page *source = &p->page[from];
	struct model_page *page = &p->page[to];

	page_clear(p, to);
	page->kind = source->kind;
	page->rights = source->rights;
	page->shared = source->shared;
	page->index = source->index;
	page->words = source->words;
	page->of_file = source->of_file;
	page->advice = source->advice;
	if (page->kind == SHARED)
		page->shared->refs++;
	expect_pending(p, to, page_words(page));
}

/* Somewhere else for [first, last): half of the time where whole tables can move. */
static u32
some_target(u32 first, u32 last)
{
	u32 border = below(BORDERS) * AROUND;
	u32 n = last - first;

	return border + (below(2) ? first % AROUND : below(AROUND - n + 1));
}

static void
do_remap(struct proc *p)
{
	struct mremap_request r = {.flags = MREMAP_MAYMOVE | MREMAP_FIXED};
	struct vma *vma;
	bool whole;
	u32 first, last, to;
	u64 from, until;
	s64 got;

	some_range(&first, &last);
	vma = vma_find(&p->mm->vmas, page_va(first));
	while (vma && below(8) && last > first + 1 && page_va(last - 1) >= vma->end)
		last--; /* most often a range that can move */
	to = some_target(first, last);
	if (to < last && first < to + last - first)
		return;
	if (!below(4))
		r.flags |= MREMAP_DONTUNMAP;
	r.addr = page_va(first);
	r.new_addr = page_va(to);
	r.old_len = r.new_len = (u64)(last - first) << PAGE_SHIFT;
	change_start(p, first, last);
	change_start(p, to, to + last - first);
	vma = vma_find(&p->mm->vmas, r.addr);
	whole = vma && vma->start <= r.addr && r.addr + r.old_len <= vma->end;
	from = !vma ? 0 : r.new_addr < r.addr ? max_u64(vma->start, r.new_addr + r.new_len) : vma->start;
	until = !vma ? 0 : r.new_addr > r.addr ? min_u64(vma->end, r.new_addr) : vma->end;
	for (u32 i = first; i < last && whole; i++)
		if (p->page[i].kind == SHARED)
			expect_pending(p, to + i - first, page_words(&p->page[i]));
	got = do_mremap(p->mm, &r);
	must(got == (whole ? (s64)r.new_addr : -EFAULT) || (got == -ENOMEM && failing), "mremap gives %ld", got);
	for (u32 i = first; i < last && got > 0; i++) {
		page_copy(p, i, to + i - first);
		if (r.flags & MREMAP_DONTUNMAP && p->page[i].kind == PRIVATE)
			page_renew(p, i);
		else if (!(r.flags & MREMAP_DONTUNMAP))
			page_clear(p, i);
	}
	for (u32 i = 0; i < PAGES && got > 0 && (r.flags & MREMAP_DONTUNMAP); i++)
		if (from <= page_va(i) && page_va(i) < until)
			p->page[i].advice &= ~VM_LOCK_FLAGS; /* as Linux: the old mapping, all of it */
	remaps += got > 0;
	change_end(p, first, last, false);
	change_end(p, to, to + last - first, false);
}

/* Locks or unlocks a range: contents stay. What is refused half way is what the kernel says. */
static void
do_lock(struct proc *p)
{
	bool on_fault = below(2);
	bool lock = below(3);
	bool hole = false, refused = false;
	u32 first, last;
	int err;

	some_range(&first, &last);
	for (u32 i = first; i < last; i++) {
		hole |= p->page[i].kind == NOTHING;
		refused |= expected(&p->page[i], FAULT_READ) != FAULT_OK;
		refused |= p->page[i].kind == SHARED && p->page[i].shared->object; /* its size may change meanwhile */
	}
	refused = refused && lock && !on_fault;
	if (lock)
		err = do_mlock(p->mm, page_va(first), (u64)(last - first) << PAGE_SHIFT, on_fault);
	else
		err = do_munlock(p->mm, page_va(first), (u64)(last - first) << PAGE_SHIFT);
	must(err == 0 || (err == -ENOMEM && (hole || refused || failing)) || (err == -EAGAIN && failing),
	     "mlock gives %d", err);
	must(err || !hole, "mlock over a hole succeeds");
	compare(p, first, last, true);
	for (u32 i = first; i < last && !err; i++)
		must((p->page[i].advice & VM_LOCK_FLAGS) == (lock ? VM_LOCKED | (on_fault ? VM_LOCKONFAULT : 0) : 0),
		     "page %u has %x", i, p->page[i].advice);
}

/* A child: what is written meanwhile may or may not be in it. */
static void
do_fork(struct proc *p)
{
	struct proc *child = NULL;
	struct mm *mm;
	int err;

	for (u32 i = 0; i < PROCS; i++)
		if (!procs[i].alive && !procs[i].changing && !procs[i].mm)
			child = &procs[i];
	if (!child)
		return;
	child->changing = true;
	for (u32 i = 0; i < PAGES; i++) {
		child->page[i] = p->page[i];
		child->page[i].generation = 0;
		if (child->page[i].kind == SHARED)
			child->page[i].shared->refs++;
	}
	err = mm_fork(p->mm, &mm);
	must(!err || (err == -ENOMEM && failing), "fork gives %d", err);
	for (u32 i = 0; i < PAGES; i++) {
		if (err)
			page_clear(child, i);
		else
			memcpy(child->page[i].words.high, p->page[i].words.high, sizeof(p->page[i].words.high));
		child->page[i].advice &= ~VM_LOCK_FLAGS;
		if (child->page[i].advice & VM_DONTCOPY)
			page_clear(child, i);
		else if (child->page[i].advice & VM_WIPEONFORK)
			memset(&child->page[i].words, 0, sizeof(child->page[i].words));
	}
	if (!err) {
		child->mm = mm;
		child->alive = true;
		compare(child, 0, PAGES, false);
	}
	child->changing = false;
	forks++;
}

static void
do_exit(u32 cpu, struct proc *p)
{
	u32 living = 0;

	for (u32 i = 0; i < PROCS; i++)
		living += procs[i].alive;
	if (living < 2)
		return;
	p->alive = false;
	while (p->inside > 1)
		machine_block();
	for (u32 i = 0; i < PAGES; i++)
		page_clear(p, i);
	activate(cpu, NULL);
	mm_put(p->mm);
	p->mm = NULL;
}

static void
do_truncate(void)
{
	struct shared *s = files[below(FILES)];
	u64 pages = below(16);

	if (s->generation & 1)
		return;
	s->generation++;
	s->refs++;
	memset(s->late, 0, sizeof(s->late));
	pagecache_set_size(s->object, pages << PAGE_SHIFT);
	for (u32 i = 0; i < PAGES; i++) {
		struct words *words = &s->words[i];

		if (i < min_u64(pages, s->pages))
			continue;
		*words = s->late[i];
		for (u32 k = 0; k < PROCS * PAGES; k++) {
			struct model_page *page = &procs[k / PAGES].page[k % PAGES];

			if (page->kind == SHARED && page->shared == s && page->index == i)
				expect_pending(&procs[k / PAGES], k % PAGES, words);
		}
	}
	s->pages = pages;
	s->generation++;
	shared_put(s);
}

/* ---- all of it ---- */

static void
change(u32 cpu, struct proc *p)
{
	u32 what = below(31);

	if (!change_begin(p))
		return;
	if (what >= 27)
		do_remap(p);
	else if (what < 7)
		do_map(p);
	else if (what < 11)
		do_unmap(p);
	else if (what < 15)
		do_protect(p);
	else if (what < 19)
		do_fork(p);
	else if (what < 23)
		do_advise(p);
	else if (what < 26)
		do_lock(p);
	else
		do_exit(cpu, p);
	p->changing = false;
}

static void
run_cpu(u32 cpu)
{
	for (u32 n = 0; n < steps; n++) {
		struct proc *p = enter(cpu);
		u32 what = below(100);

		machine_point();
		if (!p)
			continue;
		if (what < 40)
			do_read(cpu, p, below(PAGES), below(8) ? FAULT_READ : FAULT_EXEC);
		else if (what < 85)
			do_write(cpu, p, below(PAGES));
		else if (what < 97)
			change(cpu, p);
		else
			do_truncate();
		p->inside--;
		if (swapping && !below(8))
			machine_reclaim(1 + below(6));
		machine_point();
	}
}

static void
world_create(void)
{
	struct mm *mm;

	memset(procs, 0, sizeof(procs));
	memset(next_value, 0, sizeof(next_value));
	for (u32 i = 0; i < MACHINE_CPUS; i++)
		next_value[i] = FILE_WORD;
	for (u32 i = 0; i < FILES; i++) {
		files[i] = shared_create(pagecache_create(PAGE_SHMEM), 12);
		pagecache_set_size(files[i]->object, 12 << PAGE_SHIFT);
	}
	constant = pagecache_create(PAGE_FILE);
	pagecache_set_size(constant, (u64)PAGES << PAGE_SHIFT);
	for (u32 i = 0; i < PAGES; i++) {
		struct page *page;

		assert_int_equal(pagecache_get_page(constant, i, &page), 0);
		for (u32 w = 0; w < MACHINE_CPUS; w++)
			((u64 *)page_to_va(page))[w] = FILE_WORD;
		page_put(page);
	}
	mm = mm_create();
	mm->as_limit = mm->data_limit = ~0UL;
	mm->lock_limit = ~0UL;
	procs[0].mm = mm;
	procs[0].alive = true;
}

static void
world_destroy(void)
{
	for (u32 cpu = 0; cpu < MACHINE_CPUS; cpu++) {
		machine_on(cpu);
		activate(cpu, NULL);
	}
	machine_on(0);
	for (u32 n = 0; n < PROCS; n++) {
		for (u32 i = 0; i < PAGES; i++)
			page_clear(&procs[n], i);
		if (procs[n].mm)
			mm_put(procs[n].mm);
	}
	for (u32 i = 0; i < FILES; i++)
		shared_put(files[i]);
	pagecache_put(constant);
}

/* @rounds rounds of @count operations on each of @cpus CPUs, everything checked after each round. */
static void
play(u32 cpus, u32 rounds, u32 count, u32 fail_every, u32 slots)
{
	s64 out = machine_event(VM_PSWPOUT);
	s64 in = machine_event(VM_PSWPIN);
	s64 same_out = machine_event(VM_SWPOUT_SAME);
	s64 same_in = machine_event(VM_SWPIN_SAME);

	machine_start(1500, host_random());
	world_create();
	swapping = slots;
	if (slots)
		machine_swap(slots);
	machine_speculate(page_va(0), page_va(PAGES - 1));
	steps = count;
	reads = writes = forks = denials = remaps = 0;
	for (u32 round = 0; round < rounds; round++) {
		failing = fail_every;
		machine_fail_every(fail_every);
		machine_run(cpus, run_cpu);
		machine_fail_every(0);
		assert_int_equal(mm_check(), 0);
	}
	failing = false;
	if (slots)
		machine_swap(0);
	world_destroy();
	assert_int_equal(mm_check(), 0);
	machine_stop();
	print_message("%u reads, %u writes, %u refused, %u forks, %u moves, %lu flushes\n", reads, writes, denials,
		      forks, remaps, machine_flushes());
	if (slots)
		print_message("%ld pages went to the disk, %ld came back; without a slot %ld, %ld\n",
			      (long)machine_event(VM_PSWPOUT) - out, (long)machine_event(VM_PSWPIN) - in,
			      (long)machine_event(VM_SWPOUT_SAME) - same_out,
			      (long)machine_event(VM_SWPIN_SAME) - same_in);
	assert_true(!slots || machine_event(VM_PSWPIN) > in + 100);
}

static void
one_cpu(void **state)
{
	play(1, 100, 400, 0, 0);
}

static void
one_cpu_without_memory(void **state)
{
	play(1, 100, 400, 5, 0);
}

static void
two_cpus(void **state)
{
	play(2, 100, 300, 0, 0);
}

static void
four_cpus(void **state)
{
	play(4, 200, 200, 0, 0);
}

static void
four_cpus_without_memory(void **state)
{
	play(4, 100, 200, 7, 0);
}

static void
swap_one_cpu(void **state)
{
	play(1, 100, 400, 0, 200);
}

static void
swap_four_cpus(void **state)
{
	play(4, 200, 200, 0, 200);
}

static void
swap_four_cpus_full(void **state)
{
	play(4, 100, 200, 0, 20);
}

static void
swap_four_cpus_without_memory(void **state)
{
	play(4, 100, 200, 7, 100);
}

int
main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_cpu),
		cmocka_unit_test(one_cpu_without_memory),
		cmocka_unit_test(two_cpus),
		cmocka_unit_test(four_cpus),
		cmocka_unit_test(four_cpus_without_memory),
		cmocka_unit_test(swap_one_cpu),
		cmocka_unit_test(swap_four_cpus),
		cmocka_unit_test(swap_four_cpus_full),
		cmocka_unit_test(swap_four_cpus_without_memory),
	};

	host_start();
	if (argc > 1)
		cmocka_set_test_filter(argv[1]);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
