/* SPDX-License-Identifier: MIT */
/*
 * tests/host/machine.c - a machine in a program: RAM, CPUs that take turns, and TLBs that remember too much
 *
 * Idea        see machine.h
 * Invariants  see machine.h
 * Locks       none; one CPU runs at a time
 * Follow      from the tests and machine_mm.c
 */
#include "host.h"

#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>
#include <sys/mman.h>

#include <kernel/mutex.h>
#include <kernel/panic.h>
#include <kernel/rwsem.h>
#include <kernel/spinlock.h>
#include <kernel/task.h>
#include <mm/commit.h>
#include <mm/kswapd.h>
#include <mm/lru.h>
#include <mm/memblock.h>
#include <mm/mm.h>
#include <mm/oom.h>
#include <mm/page_alloc.h>
#include <mm/pagetable.h>
#include <mm/reclaim.h>
#include <mm/slab.h>
#include <mm/swap.h>
#include <mm/swap_io.h>
#include <mm/torture.h>
#include <mm/vmalloc.h>

#include "machine.h"

#undef assert
#undef fail

#define STACK_BYTES (512UL << 10)
#define POISON 0xf4eef4eef4eef4eeUL
#define HELD_MAX 64
#define TLB_LEAVES 64
#define TLB_TABLES 16
#define BLOCKED_MAX 2000000 /* turns without progress that mean a deadlock */
#define FAULTS_MAX 20000    /* faults for one access that mean it never succeeds */

#define fail(...)                                              \
	do {                                                   \
		fprintf(stderr, "machine: CPU %u: ", cpu_now); \
		fprintf(stderr, __VA_ARGS__);                  \
		fputc('\n', stderr);                           \
		abort();                                       \
	} while (0)
#define check(cond, ...)                   \
	do {                               \
		if (!(cond))               \
			fail(__VA_ARGS__); \
	} while (0)

struct task host_task;                   /* no signal ever comes */
struct task machine_tasks[MACHINE_CPUS]; /* what the core calls current */
struct node nodes[MAX_NODES];
u32 node_count = 1;

struct fiber {
	void *sp;    /* while it does not run */
	char *stack; /* mapped once */
	size_t size;
	void *fake; /* ASan's */
	void (*fn)(u32 cpu);
	bool runs;
};

/* A cached translation: rights are those of all levels down to its own together. */
struct translation {
	bool valid;
	bool write;
	bool exec;
	bool dirty;
	u64 va;
	u64 pfn; /* of the frame, or of the next table */
};

struct cpu {
	u64 root;    /* physical address; 0: the kernel's own */
	u64 flushed; /* how often it forgot something */
	struct translation leaf[TLB_LEAVES];
	struct translation table[LEVELS - 1][TLB_TABLES]; /* entries of levels 2 to 4 */
	u8 held[HELD_MAX];                                /* ranks of held locks, oldest first */
	u32 depth;
};

struct kmem_cache_host {
	struct kmem_cache cache;
	s64 used;
};

static struct kmem_cache_host caches[16];

u32 cpu_online = MACHINE_CPUS;
void (*machine_alloc_hook)(void);

static struct cpu cpus[MAX_CPUS];
static struct fiber fibers[MAX_CPUS + 1]; /* the last is the program itself */
static u32 fiber_now = MAX_CPUS;
static u32 switched_from;
static u32 cpu_now;
static bool no_turns;   /* inside an interrupt, or a speculation */
static u32 disk_flying; /* transfers */
static u64 blocked;     /* turns since somebody got what he waited for */
static u64 random_state;
static u32 fail_every, fail_count;
static u64 ram_frames, kernel_root_pa;
static struct page **free_list;
static u64 free_count, free_at_start;
static s64 objects, objects_at_start;
static u64 speculate_start, speculate_end;
struct memblock_list memblock_ram;

static void turn(void);
static void disk_step(void);
static void fiber_arrived(void *fake);
static void fiber_switch(u32 to);
static void speculate(void);
static bool walk(struct cpu *cpu, u64 va, u32 access, struct translation *out);
static bool walk_table(struct cpu *cpu, u64 va, struct translation *out);

u64
machine_random(void)
{
	u64 x = random_state += 0x9e3779b97f4a7c15;

	x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9;
	x = (x ^ x >> 27) * 0x94d049bb133111eb;
	return x ^ x >> 31;
}

/* ---- a disk ---- */

#define DISK_TRANSFERS 3

static struct disk_transfer {
	struct swap_io io; /* first */
	bool taken, flying;
} transfers[DISK_TRANSFERS];
static u8 *disk_bytes;

static struct swap_io *
disk_io_get(void *device)
{
	for (u32 i = 0; i < DISK_TRANSFERS; i++)
		if (!transfers[i].taken) {
			transfers[i].taken = true;
			return &transfers[i].io;
		}
	return NULL;
}

static void
disk_io_put(void *device, struct swap_io *io)
{
	((struct disk_transfer *)io)->taken = false;
}

static void
disk_submit(void *device, struct swap_io *io)
{
	((struct disk_transfer *)io)->flying = true;
	disk_flying++;
}

/* One transfer in flight, if there is any, happens: in an interrupt, which nobody else's turn interrupts. */
static void
disk_step(void)
{
	u32 first = machine_random() % DISK_TRANSFERS;

	for (u32 n = 0; n < DISK_TRANSFERS && disk_flying; n++) {
		struct disk_transfer *t = &transfers[(first + n) % DISK_TRANSFERS];

		if (!t->flying)
			continue;
		for (u32 i = 0; i < t->io.count; i++) {
			u8 *bytes = disk_bytes + (u64)(t->io.slot + i) * PAGE_SIZE;

			memcpy(t->io.write ? bytes : page_to_va(t->io.pages[i]),
			       t->io.write ? page_to_va(t->io.pages[i]) : bytes, PAGE_SIZE);
		}
		t->flying = false;
		disk_flying--;
		no_turns = true;
		t->io.done(&t->io);
		no_turns = false;
		blocked = 0;
		return;
	}
}

static void
disk_close(void *device)
{
	free(disk_bytes);
	disk_bytes = NULL;
}

/* Nothing fails here. */
static void
disk_report(void *device, const struct swap_io *io)
{
	abort();
}

static const struct swap_device_ops disk_ops = {.io_get = disk_io_get,
						.io_put = disk_io_put,
						.submit = disk_submit,
						.report = disk_report,
						.close = disk_close};

void
machine_swap(u32 slots)
{
	const struct swap_setup setup = {.ops = &disk_ops, .name = "disk", .priority = -1, .slots = slots};

	if (!slots) {
		check(!swap_area_remove(&swap_areas[0]), "swapoff fails");
		return;
	}
	disk_bytes = calloc(slots, PAGE_SIZE);
	check(!swap_area_add(&setup), "swapon fails");
}

void
machine_reclaim(u32 pages)
{
	reclaim_pages(&nodes[0], pages, false);
}

void *
vmalloc_named(u64 size, const char *name)
{
	return malloc(size);
}

void
vfree(void *va)
{
	free(va);
}

u64
clock_ns(void)
{
	static u64 now;

	return now += 1000;
}

/* ---- RAM ---- */

static void
window(u64 base, u64 len)
{
	void *at = mmap((void *)base, len, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);

	check(at == (void *)base, "no memory for the arena");
}

void
machine_start(u32 frames, u64 seed)
{
	random_state = seed;
	memset(cpus, 0, sizeof(cpus));
	window(DIRECT_BASE, (u64)frames << PAGE_SHIFT);
	window(VMEMMAP_BASE, round_up(frames * sizeof(struct page), PAGE_SIZE));
	free(free_list);
	free_list = calloc(frames, sizeof(*free_list));
	ram_frames = frames;
	free_count = 0;
	fail_every = 0;
	for (u64 pfn = frames - 1; pfn > 0; pfn--) {
		struct page *page = pfn_to_page(pfn);

		page->kind = PAGE_KERNEL;
		atomic_set(&page->refs, 1);
		page_free(page, 0);
	}
	kernel_root_pa = 0; /* frame 0: an empty table */
	memblock_ram.count = 1;
	memblock_ram.range[0].base = PAGE_SIZE;
	memblock_ram.range[0].end = (u64)frames << PAGE_SHIFT;
	lru_init(&nodes[0].lru);
	swap_init();
	mm_init();
	sysctl_overcommit_memory = OVERCOMMIT_ALWAYS; /* smaller than what programs of these tests map */
	free_at_start = free_count;
	objects_at_start = objects;
}

void
machine_stop(void)
{
	for (cpu_now = 0; cpu_now < MACHINE_CPUS; cpu_now++)
		check(!cpus[cpu_now].depth, "holds a lock at the end");
	cpu_now = 0;
	check(objects == objects_at_start, "%ld objects are not back", (long)(objects - objects_at_start));
	if (free_count != free_at_start)
		for (u64 pfn = 1; pfn < ram_frames; pfn++)
			if (pfn_to_page(pfn)->kind != PAGE_FREE)
				fprintf(stderr, "frame %lx: %s, refs %d, mapcount %u\n", pfn,
					page_kind_name(pfn_to_page(pfn)->kind), atomic_read(&pfn_to_page(pfn)->refs),
					pfn_to_page(pfn)->mapcount);
	check(free_count == free_at_start, "%ld frames are not back", (long)(free_at_start - free_count));
}

static bool
injected(void)
{
	return fail_every && ++fail_count % fail_every == 0;
}

void
machine_fail_every(u32 n)
{
	fail_every = n;
	fail_count = n ? machine_random() % n : 0;
}

u64
machine_free_frames(void)
{
	return free_count;
}

s64
machine_objects(void)
{
	return objects;
}

u64
machine_flushes(void)
{
	u64 sum = 0;

	for (u32 i = 0; i < MACHINE_CPUS; i++)
		sum += cpus[i].flushed;
	return sum;
}

struct page *
page_alloc(u32 order, u32 flags)
{
	struct page *page;
	u64 *word;
	u64 at;

	check(!order, "blocks are not for the memory core");
	if (flags & ALLOC_WAIT) {
		machine_may_sleep();
		machine_point();
	}
	if (machine_alloc_hook)
		machine_alloc_hook();
	if (!free_count || injected())
		return NULL;
	/* Mostly the frame that was freed last: it meets what still remembers it. */
	at = machine_random() % 4 ? free_count - 1 : machine_random() % free_count;
	page = free_list[at];
	free_list[at] = free_list[--free_count];
	word = page_to_va(page);
	for (u32 i = 0; i < PAGE_SIZE / 8; i++)
		check(word[i] == POISON, "frame %lx was written after it was freed (as %s)", page_to_pfn(page),
		      page_kind_name(page->private));
	check(page->kind == PAGE_FREE && !atomic_read(&page->refs), "frame %lx is free and not free",
	      page_to_pfn(page));
	memset(word, flags & ALLOC_ZERO ? 0 : 0x5a, PAGE_SIZE);
	page->kind = PAGE_KERNEL;
	page->flags = 0;
	page->order = 0;
	atomic_set(&page->refs, 1);
	return page;
}

void
page_free(struct page *page, u32 order)
{
	u64 *word = page_to_va(page);

	check(!order && page->kind > PAGE_PCP && atomic_read(&page->refs) <= 1,
	      "frame %lx (%s, %d references) is freed", page_to_pfn(page), page_kind_name(page->kind),
	      atomic_read(&page->refs));
	check(!page_is_user(page) || (!page->mapcount && !page->rmap.head && !page->object),
	      "frame %lx is freed with %u mappings", page_to_pfn(page), page->mapcount);
	check(!(page->flags & (BIT(PG_LOCKED) | BIT(PG_LRU) | BIT(PG_WRITEBACK))), "frame %lx is freed with flags %x",
	      page_to_pfn(page), page->flags);
	page->private = page->kind;
	page->kind = PAGE_FREE;
	atomic_set(&page->refs, 0);
	for (u32 i = 0; i < PAGE_SIZE / 8; i++)
		word[i] = POISON;
	free_list[free_count++] = page;
}

void
page_free_batch(struct page **pages, u64 n)
{
	for (u64 i = 0; i < n; i++)
		page_free(pages[i], 0);
}

void
page_free_final(struct page *page)
{
	if (page->flags & BIT(PG_LRU))
		lru_del_dead(page);
	page_free(page, 0);
}

u64
nr_free_pages(void)
{
	return free_count;
}

u64
total_pages(void)
{
	return ram_frames;
}

u32 torture_every; /* the tests choose themselves what leaves */

void
torture_fault(void)
{
	abort();
}

int
page_alloc_check(void)
{
	return 0;
}

int
slab_check(void)
{
	return 0;
}

int
vmalloc_check(void)
{
	return 0;
}

struct kmem_cache *
kmem_cache_create(const char *name, u32 size, u32 align)
{
	struct kmem_cache_host *c = caches;

	while (c->cache.name && strcmp(c->cache.name, name)) /* of the machine before this one */
		c++;
	c->cache.name = name;
	c->cache.size = size;
	c->cache.stride = align ? align : 8;
	return &c->cache;
}

void *
kmem_cache_alloc(struct kmem_cache *cache, u32 flags)
{
	void *object = NULL;

	if (flags & ALLOC_WAIT) {
		machine_may_sleep();
		machine_point();
	}
	if (machine_alloc_hook)
		machine_alloc_hook();
	if (injected())
		return NULL;
	check(!posix_memalign(&object, cache->stride < 8 ? 8 : cache->stride, cache->size), "malloc");
	memset(object, 0xa5, cache->size);
	((struct kmem_cache_host *)cache)->used++;
	objects++;
	return object;
}

void
kmem_cache_free(struct kmem_cache *cache, void *object)
{
	check(((struct kmem_cache_host *)cache)->used-- > 0, "%s: freed more often than allocated", cache->name);
	objects--;
	free(object);
}

/* A test of the OOM killer has its own of some of these. */
__attribute__((weak)) bool
page_alloc_possible(u32 order, u32 flags)
{
	return free_count > 0;
}

__attribute__((weak)) void
page_alloc_wake(void)
{
}

__attribute__((weak)) void
oom_process_each(void (*visit)(struct oom_candidate *c, void *arg), void *arg)
{
}

__attribute__((weak)) bool
oom_process_kill(s32 pid, void (*certain)(void *arg), void *arg)
{
	return false;
}

__attribute__((weak)) bool
oom_process_self(struct oom_candidate *out)
{
	return false;
}

__attribute__((weak)) void
oom_report_kill(const char *message, const struct oom_candidate *victim)
{
}

bool
oom_report_wanted(void)
{
	return false;
}

void
oom_report_asker(u32 order, u32 flags)
{
}

void
oom_report_choice(const struct oom_choice *choice)
{
}

void
kswapd_encourage(const struct node *node)
{
}

void
oom_reaper_wake(void)
{
}

void
oom_done_await(void)
{
}

void
oom_done_wake(void)
{
}

void
oom_reaper_take(struct mm *mm)
{
}

/* ---- CPUs ---- */

/* Pushes what a call preserves, leaves the stack pointer in *from, and goes on where @to was left. */
void machine_switch(void **from, void *to);
__asm__(".text\n"
	".globl machine_switch\n"
	"machine_switch:\n"
	"	push %rbp; push %rbx; push %r12; push %r13; push %r14; push %r15\n"
	"	mov %rsp, (%rdi)\n"
	"	mov %rsi, %rsp\n"
	"	pop %r15; pop %r14; pop %r13; pop %r12; pop %rbx; pop %rbp\n"
	"	ret\n");

static void
fiber_main(void)
{
	struct fiber *f = &fibers[fiber_now];

	fiber_arrived(NULL);
	f->fn(fiber_now);
	f->runs = false;
	blocked = 0;
	turn();
	abort();
}

static void
fiber_prepare(u32 n, void (*fn)(u32 cpu))
{
	struct fiber *f = &fibers[n];
	u64 *top;

	if (!f->stack)
		f->stack = mmap(NULL, STACK_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	/* Why: who ran here before left for good from the middle of a function, whose red zones are still marked. */
	__asan_unpoison_memory_region(f->stack, STACK_BYTES);
	top = (u64 *)(f->stack + STACK_BYTES);
	*--top = 0; /* as if called: the stack is 8 bytes off a multiple of 16 */
	*--top = (u64)fiber_main;
	top -= 6;
	f->sp = top;
	f->size = STACK_BYTES;
	f->fn = fn;
	f->runs = true;
}

void
machine_run(u32 cpu_n, void (*fn)(u32 cpu))
{
	for (u32 i = 0; i < cpu_n; i++)
		fiber_prepare(i, fn);
	blocked = 0;
	turn();
	cpu_now = 0;
}

/* Lets some CPU that has work go on; the program itself when none has. */
static void
turn(void)
{
	u32 ready[MAX_CPUS];
	u32 n = 0;

	for (u32 i = 0; i < MAX_CPUS; i++)
		if (fibers[i].runs)
			ready[n++] = i;
	fiber_switch(n ? ready[machine_random() % n] : MAX_CPUS);
}

static void
fiber_switch(u32 to)
{
	u32 from = fiber_now;
	struct fiber *f = &fibers[to];

	if (to == from)
		return;
	switched_from = from;
	__sanitizer_start_switch_fiber(from == MAX_CPUS || fibers[from].runs ? &fibers[from].fake : NULL, f->stack,
				       f->size);
	fiber_now = to;
	if (to < MAX_CPUS)
		cpu_now = to;
	machine_switch(&fibers[from].sp, f->sp);
	fiber_arrived(fibers[from].fake);
}

/* Tells ASan which stack this is, and learns where the program's own lies. */
static void
fiber_arrived(void *fake)
{
	const void *stack;
	size_t size;

	__sanitizer_finish_switch_fiber(fake, &stack, &size);
	if (switched_from == MAX_CPUS) {
		fibers[MAX_CPUS].stack = (char *)stack;
		fibers[MAX_CPUS].size = size;
	}
}

void
machine_on(u32 cpu)
{
	check(fiber_now == MAX_CPUS, "a CPU cannot become another one");
	cpu_now = cpu;
}

u32
machine_cpu(void)
{
	return cpu_now;
}

void
machine_point(void)
{
	u64 dice;

	if (no_turns)
		return;
	dice = machine_random();
	if (!(dice & 31))
		speculate();
	if (!(dice >> 16 & 15))
		disk_step();
	if (fiber_now != MAX_CPUS && !(dice >> 8 & 7))
		turn();
}

void
machine_block(void)
{
	check(!no_turns, "an interrupt waits");
	check(fiber_now != MAX_CPUS || disk_flying, "waits, and there is nobody to wait for");
	check(++blocked < BLOCKED_MAX, "all CPUs wait for one another");
	disk_step();
	if (fiber_now != MAX_CPUS)
		turn();
}

void
cpu_call_many(u64 mask, void (*fn)(void *), void *arg)
{
	u32 self = cpu_now;

	check(!no_turns, "an interrupt calls other CPUs");
	for (u32 cpu = 0; cpu < MACHINE_CPUS; cpu++) {
		if (!(mask & BIT(cpu)))
			continue;
		machine_point();
		no_turns = true;
		cpu_now = cpu;
		fn(arg);
		cpu_now = self;
		no_turns = false;
	}
	machine_point();
}

/* ---- locks ---- */

static void
rank_take(u8 rank, bool nested, bool tried)
{
	struct cpu *cpu = &cpus[cpu_now];

	check(!no_turns, "an interrupt takes a lock of rank %u", rank);
	for (u32 i = 0; i < cpu->depth && !tried; i++)
		check(cpu->held[i] < rank || (nested && cpu->held[i] == rank), "takes rank %u while it holds rank %u",
		      rank, cpu->held[i]);
	check(cpu->depth < HELD_MAX, "too many locks");
	cpu->held[cpu->depth++] = rank;
	blocked = 0;
}

static void
rank_drop(u8 rank)
{
	struct cpu *cpu = &cpus[cpu_now];
	u32 i = cpu->depth;

	while (i && cpu->held[i - 1] != rank)
		i--;
	check(i, "releases a lock of rank %u that it does not hold", rank);
	for (; i < cpu->depth; i++)
		cpu->held[i - 1] = cpu->held[i];
	cpu->depth--;
	blocked = 0;
}

void
machine_may_sleep(void)
{
	struct cpu *cpu = &cpus[cpu_now];

	for (u32 i = 0; i < cpu->depth; i++)
		check(cpu->held[i] < RANK_PROCESS, "may sleep while it holds a spinlock of rank %u", cpu->held[i]);
}

void
machine_spin_lock(struct spinlock *l, bool nested)
{
	machine_point();
	check(l->rank, "lock without rank, or not initialised");
	check(!l->held || l->holder != cpu_now + 1, "takes a lock of rank %u twice", l->rank);
	while (l->held)
		machine_block();
	l->held = 1;
	l->holder = cpu_now + 1;
	rank_take(l->rank, nested, false);
	machine_point();
}

bool
machine_spin_trylock(struct spinlock *l)
{
	machine_point();
	if (l->held || machine_random() % 16 == 0)
		return false;
	l->held = 1;
	l->holder = cpu_now + 1;
	rank_take(l->rank, false, true);
	return true;
}

void
machine_spin_unlock(struct spinlock *l)
{
	check(l->held && l->holder == cpu_now + 1, "releases a lock of rank %u that it does not hold", l->rank);
	l->held = 0;
	rank_drop(l->rank);
	machine_point();
}

void
rwsem_init(struct rwsem *s, enum lock_rank rank)
{
	*s = (struct rwsem){.rank = (u8)rank};
}

void
rwsem_read_lock(struct rwsem *s)
{
	machine_may_sleep();
	machine_point();
	while (s->writer || s->waiting)
		machine_block();
	s->readers++;
	rank_take(s->rank, false, false);
	machine_point();
}

bool
rwsem_read_trylock(struct rwsem *s)
{
	if (s->writer || s->waiting)
		return false;
	rwsem_read_lock(s);
	return true;
}

void
rwsem_read_unlock(struct rwsem *s)
{
	check(s->readers, "read-unlocks what nobody reads");
	s->readers--;
	rank_drop(s->rank);
	machine_point();
}

static void
write_lock(struct rwsem *s, bool nested)
{
	machine_may_sleep();
	machine_point();
	s->waiting++;
	while (s->writer || s->readers)
		machine_block();
	s->waiting--;
	s->writer = true;
	s->holder = cpu_now + 1;
	rank_take(s->rank, nested, false);
	machine_point();
}

void
rwsem_write_lock(struct rwsem *s)
{
	write_lock(s, false);
}

void
rwsem_write_lock_nested(struct rwsem *s)
{
	write_lock(s, true);
}

void
rwsem_write_unlock(struct rwsem *s)
{
	check(s->writer, "write-unlocks what nobody writes");
	s->writer = false;
	rank_drop(s->rank);
	machine_point();
}

bool
rwsem_is_held(const struct rwsem *s)
{
	return s->readers || s->writer || fiber_now == MAX_CPUS;
}

bool
rwsem_write_is_mine(const struct rwsem *s)
{
	return (s->writer && s->holder == cpu_now + 1) || fiber_now == MAX_CPUS;
}

void
mutex_lock(struct mutex *m)
{
	machine_may_sleep();
	while (m->held)
		machine_block();
	m->held = true;
	rank_take(m->rank, false, false);
	machine_point();
}

bool
mutex_trylock(struct mutex *m)
{
	if (m->held)
		return false;
	mutex_lock(m);
	return true;
}

void
mutex_unlock(struct mutex *m)
{
	check(m->held, "releases a mutex that is free");
	m->held = false;
	rank_drop(m->rank);
	machine_point();
}

/* ---- what the processor does ---- */

u64
mmu_kernel_root(void)
{
	return kernel_root_pa;
}

void
machine_root_switch(u64 root_pa)
{
	cpus[cpu_now].root = root_pa;
	machine_flush_all();
}

void
machine_flush_all(void)
{
	struct cpu *cpu = &cpus[cpu_now];

	cpu->flushed++;
	memset(cpu->leaf, 0, sizeof(cpu->leaf));
	memset(cpu->table, 0, sizeof(cpu->table));
}

/* The leaf of one address, and all upper levels: as INVLPG. */
void
machine_flush_page(u64 va)
{
	struct cpu *cpu = &cpus[cpu_now];

	cpu->flushed++;
	for (u32 i = 0; i < TLB_LEAVES; i++)
		if (cpu->leaf[i].va == round_down(va, PAGE_SIZE))
			cpu->leaf[i].valid = false;
	memset(cpu->table, 0, sizeof(cpu->table));
}

void
machine_frame_copy(void *to, const void *from)
{
	u64 half = PAGE_SIZE / 2;

	memcpy(to, from, half);
	machine_point();
	memcpy((char *)to + half, (const char *)from + half, half);
}

void
machine_speculate(u64 start, u64 end)
{
	speculate_start = start;
	speculate_end = end;
}

/* Some CPU fills its caches for some address, as it may at any time. */
static void
speculate(void)
{
	struct cpu *cpu = &cpus[machine_random() % MACHINE_CPUS];
	u64 span = (speculate_end - speculate_start) >> PAGE_SHIFT;
	struct translation t;
	u64 va;

	if (!span || !cpu->root)
		return;
	va = speculate_start + (machine_random() % span << PAGE_SHIFT);
	no_turns = true;
	if (machine_random() % 2)
		walk_table(cpu, va, &t);
	else
		walk(cpu, va, FAULT_READ, &t);
	no_turns = false;
}

static struct translation *
cache_find(struct translation *cache, u32 n, u64 va)
{
	for (u32 i = 0; i < n; i++)
		if (cache[i].valid && cache[i].va == va)
			return &cache[i];
	return NULL;
}

static void
cache_put(struct translation *cache, u32 n, const struct translation *t)
{
	struct translation *at = cache_find(cache, n, t->va);

	if (!at)
		at = &cache[machine_random() % n];
	*at = *t;
}

bool
machine_tlb_has(u64 va)
{
	return cache_find(cpus[cpu_now].leaf, TLB_LEAVES, round_down(va, PAGE_SIZE));
}

static pte_t *
table_at(u64 pfn, u32 level, u64 va)
{
	struct page *table = pfn_to_page(pfn);

	check(pfn < ram_frames && table->kind == PAGE_TABLE && table->level == level && atomic_read(&table->refs) > 0,
	      "the walk for %lx meets frame %lx as a table of level %u, which is %s", va, pfn, level,
	      page_kind_name(table->kind));
	/*
	 * Why not while it is locked: mremap moves it, and until the flush that follows the old way may be remembered.
	 */
	check(level > 1 || table->base == round_down(va, TABLE_SPAN) || table->lock.held,
	      "the walk for %lx meets the table of %lx", va, table->base);
	return (pte_t *)page_to_va(table) + level_index(va, level);
}

/* The level-1 table for @va: from the caches as far down as they know the way, the rest from memory. */
static bool
walk_table(struct cpu *cpu, u64 va, struct translation *out)
{
	u32 level = 2;

	for (; level <= LEVELS; level++) {
		struct translation *hit =
			cache_find(cpu->table[level - 2], TLB_TABLES, round_down(va, BIT(level_shift(level))));

		if (hit && machine_random() % 8) {
			*out = *hit;
			break;
		}
	}
	if (level > LEVELS)
		*out = (struct translation){.valid = true, .write = true, .exec = true, .pfn = cpu->root >> PAGE_SHIFT};
	while (--level > 1) {
		pte_t e = *table_at(out->pfn, level, va);

		if (!(e.value & PTE_PRESENT) || !(e.value & PTE_USER))
			return false;
		out->va = round_down(va, BIT(level_shift(level)));
		out->write &= pte_has(e, PTE_WRITE);
		out->exec &= !pte_has(e, PTE_NX);
		out->pfn = pte_pfn(e);
		cache_put(cpu->table[level - 2], TLB_TABLES, out);
	}
	return true;
}

/* Translates @va for @access and caches that; false: page fault. */
static bool
walk(struct cpu *cpu, u64 va, u32 access, struct translation *out)
{
	struct translation table;
	u64 set = PTE_ACCESSED | (access & FAULT_WRITE ? PTE_DIRTY : 0);
	pte_t *slot;
	pte_t e;

	do {
		/* Others run while it walks; but it acknowledges no flush before the walk has ended. */
		u64 flushed;

		do {
			flushed = cpu->flushed;
			if (!walk_table(cpu, va, &table))
				return false;
			machine_point();
		} while (cpu->flushed != flushed);
		slot = table_at(table.pfn, 1, va);
		e = *slot;
		*out = (struct translation){.valid = true, .va = round_down(va, PAGE_SIZE), .pfn = pte_pfn(e)};
		out->write = table.write && pte_has(e, PTE_WRITE);
		out->exec = table.exec && !pte_has(e, PTE_NX);
		if (!(e.value & PTE_PRESENT) || !(e.value & PTE_USER) || (access & FAULT_WRITE && !out->write) ||
		    (access & FAULT_EXEC && !out->exec))
			return false;
	} while (!pte_cas(slot, e, pte_add(e, set)));
	out->dirty = pte_has(e, PTE_DIRTY) || (set & PTE_DIRTY);
	cache_put(cpu->leaf, TLB_LEAVES, out);
	return true;
}

/* One attempt of the processor, without the kernel. */
static bool
translate(struct cpu *cpu, u64 va, u32 access, struct translation *out)
{
	struct translation *hit = cache_find(cpu->leaf, TLB_LEAVES, round_down(va, PAGE_SIZE));

	if (hit && (!(access & FAULT_WRITE) || (hit->write && hit->dirty)) && (!(access & FAULT_EXEC) || hit->exec)) {
		*out = *hit;
		return true;
	}
	/* A cached translation without the right may fault at once, or be looked up again. */
	if ((!hit || (hit->write && !hit->dirty) || machine_random() % 2) && walk(cpu, va, access, out))
		return true;
	/* A page fault forgets what it used. */
	if ((hit = cache_find(cpu->leaf, TLB_LEAVES, round_down(va, PAGE_SIZE))))
		hit->valid = false;
	for (u32 level = 2; level <= LEVELS; level++) {
		hit = cache_find(cpu->table[level - 2], TLB_TABLES, round_down(va, BIT(level_shift(level))));
		if (hit)
			hit->valid = false;
	}
	return false;
}

/* The data access itself: no interrupt comes between it and its translation. */
static void
touch(const struct translation *t, u64 va, u32 access, u64 *value)
{
	struct page *page = pfn_to_page(t->pfn);
	u64 *word = (u64 *)((u8 *)page_to_va(page) + (va & ~PAGE_MASK));

	check(t->pfn < ram_frames && ((page == zero_frame && !(access & FAULT_WRITE)) || page_is_user(page)),
	      "%s %lx in frame %lx, which is %s", access & FAULT_WRITE ? "writes" : "reads", va, t->pfn,
	      page_kind_name(page->kind));
	check(atomic_read(&page->refs) > 0, "uses frame %lx without references", t->pfn);
	if (access & FAULT_WRITE)
		*word = *value;
	else if (value)
		*value = *word;
}

enum fault_result
machine_access(struct mm *mm, u64 va, u32 access, u64 *value)
{
	struct translation t;

	for (u32 faults = 0; faults < FAULTS_MAX; faults++) {
		enum fault_result result;

		check(cpus[cpu_now].root == va_to_pa(mm->root), "uses an address space that is not active");
		machine_point();
		if (translate(&cpus[cpu_now], va, access, &t)) {
			touch(&t, va, access, value);
			return FAULT_OK;
		}
		machine_point();
		check(!cpus[cpu_now].depth, "faults with a lock held");
		result = fault_handle(mm, va, access | FAULT_USER);
		if (!fault_is_ok(result))
			return result;
	}
	fail("the access %x to %lx never succeeds", access, va);
}

/* kernel/lib/string.c, which the C library stands in for, has one more. */
size_t
strlcpy(char *dst, const char *src, size_t size)
{
	return (size_t)snprintf(dst, size, "%s", src);
}
