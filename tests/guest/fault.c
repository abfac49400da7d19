/* SPDX-License-Identifier: MIT */
/*
 * tests/guest/fault.c - every row of the fault table at the head of mm/fault.c
 *
 * Idea        each row is brought about by a program, and seen by what the program reads back, by the faults it is
 *             charged for, and by the signal it dies of
 * Invariants  see guest.h
 * Follow      to mm/fault.c
 * Tests       tests/host/fault_test.c has the decision alone
 */
#include "guest.h"
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

enum {
	PAGES = 64,
	ROUNDS = 200,
	THREADS = 4
};

static const int rw = PROT_READ | PROT_WRITE;
static const char *const path = "/tmp/fault";

static void
zero_read(void)
{
	volatile unsigned char *p = map_private(PAGES * PAGE);
	long before = faults_minor();

	for (int i = 0; i < PAGES * PAGE; i++)
		if (p[i] != 0)
			fail("byte %d of untouched memory is %d", i, p[i]);
	check(faults_minor() - before == PAGES);
}

static void
zero_read_is_free(void)
{
	enum {
		MANY = 4096
	};
	volatile unsigned char *p = map_private(MANY * PAGE);
	long before = free_pages();

	for (int i = 0; i < MANY; i++)
		check(p[i * PAGE] == 0);
	check(before - free_pages() < MANY / 8);
}

static void
zero_write(void)
{
	volatile unsigned char *p = map_private(PAGES * PAGE);
	long before = faults_minor();

	for (int i = 0; i < PAGES; i++)
		p[i * PAGE + i] = i + 1;
	check(faults_minor() - before == PAGES);
	/* Twice: the first time, the code of the loop itself may have to be mapped. */
	for (int round = 0; round < 2; round++) {
		before = faults_minor();
		for (int i = 0; i < PAGES * PAGE; i++)
			check(p[i] == (i % PAGE == i / PAGE ? i / PAGE + 1 : 0));
	}
	check(faults_minor() == before);
}

/* A read maps the zero frame; the write that follows must get a frame of its own and leave the zero frame zero. */
static void
upgrade_after_read(void)
{
	volatile unsigned char *p = map_private(PAGES * PAGE);
	volatile unsigned char *other = map_private(PAGES * PAGE);

	for (int i = 0; i < PAGES; i++)
		check(p[i * PAGE] == 0 && other[i * PAGE] == 0);
	long before = faults_minor();
	for (int i = 0; i < PAGES; i++)
		p[i * PAGE] = 0xaa;
	check(faults_minor() - before == PAGES);
	for (int i = 0; i < PAGES * PAGE; i++) {
		check(other[i] == 0);
		check(p[i] == (i % PAGE ? 0 : 0xaa));
	}
}

static void
write_memory_again(void)
{
	volatile unsigned char *p = map_private(PAGE);

	p[0] = 1;
	long before = faults_minor();
	for (int i = 0; i < PAGE; i++)
		p[i] = i;
	check(faults_minor() == before);
}

static void
zero_across_tables(void)
{
	volatile unsigned char *p = map_aligned(4 * TABLE, TABLE);

	for (int i = 0; i < 4; i++) {
		p[i * TABLE] = i + 1;
		p[(i + 1) * TABLE - 1] = i + 11;
	}
	for (int i = 0; i < 4; i++)
		check(p[i * TABLE] == i + 1 && p[(i + 1) * TABLE - 1] == i + 11 && p[i * TABLE + TABLE / 2] == 0);
}

static void
shared_read_then_write(void)
{
	volatile unsigned char *p = map_shared(PAGES * PAGE);

	for (int i = 0; i < PAGES; i++)
		check(p[i * PAGE] == 0);
	for (int i = 0; i < PAGES; i++)
		p[i * PAGE + 1] = i + 1;
	for (int i = 0; i < PAGES; i++)
		check(p[i * PAGE] == 0 && p[i * PAGE + 1] == i + 1);
}

static volatile unsigned char *
file_map(int fd, size_t bytes, int prot, int flags)
{
	void *p = mmap(NULL, bytes, prot, flags, fd, 0);

	check(p != MAP_FAILED);
	return p;
}

static void
file_private_read(void)
{
	int fd = file_make(path, 4 * PAGE + 100);
	volatile unsigned char *p = file_map(fd, 5 * PAGE, PROT_READ, MAP_PRIVATE);

	check(close(fd) == 0 && unlink(path) == 0);
	for (int i = 0; i < 4; i++)
		check(p[i * PAGE] == i + 1 && p[i * PAGE + PAGE - 1] == i + 1);
	check(p[4 * PAGE] == 5 && p[4 * PAGE + 99] == 5);
	check(p[4 * PAGE + 100] == 0 && p[5 * PAGE - 1] == 0);
}

static void
file_private_write(void)
{
	int fd = file_make(path, 4 * PAGE);
	volatile unsigned char *p = file_map(fd, 4 * PAGE, rw, MAP_PRIVATE);
	volatile unsigned char *seen = file_map(fd, 4 * PAGE, PROT_READ, MAP_SHARED);
	unsigned char byte;

	check(p[PAGE] == 2);
	p[PAGE] = 99;     /* after a read */
	p[2 * PAGE] = 98; /* at once */
	check(p[PAGE] == 99 && p[PAGE + 1] == 2 && p[2 * PAGE] == 98 && p[2 * PAGE + 1] == 3);
	check(seen[PAGE] == 2 && seen[2 * PAGE] == 3);
	check(pread(fd, &byte, 1, 2 * PAGE) == 1 && byte == 3);
	check(close(fd) == 0 && unlink(path) == 0);
}

static void
file_private_follows_until_written(void)
{
	int fd = file_make(path, 2 * PAGE);
	volatile unsigned char *p = file_map(fd, 2 * PAGE, rw, MAP_PRIVATE);

	check(p[0] == 1 && p[PAGE] == 2);
	p[PAGE + 5] = 50;
	check(pwrite(fd, "xy", 2, 0) == 2 && pwrite(fd, "xy", 2, PAGE) == 2);
	check(p[0] == 'x' && p[1] == 'y');
	check(p[PAGE] == 2 && p[PAGE + 5] == 50);
	check(close(fd) == 0 && unlink(path) == 0);
}

static void
file_shared_write(void)
{
	int fd = file_make(path, 4 * PAGE);
	volatile unsigned char *p = file_map(fd, 4 * PAGE, rw, MAP_SHARED);
	volatile unsigned char *q = file_map(fd, 4 * PAGE, rw, MAP_SHARED);
	unsigned char byte;

	check(p[0] == 1);
	p[0] = 77;
	q[PAGE] = 78;
	check(q[0] == 77 && p[PAGE] == 78);
	check(pread(fd, &byte, 1, 0) == 1 && byte == 77);
	check(pwrite(fd, "z", 1, 2 * PAGE) == 1);
	check(p[2 * PAGE] == 'z' && q[2 * PAGE] == 'z');
	check(close(fd) == 0 && unlink(path) == 0);
}

static void
file_offset(void)
{
	int fd = file_make(path, 4 * PAGE);
	volatile unsigned char *p = mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE, fd, 3 * PAGE);

	check(p != MAP_FAILED);
	check(p[0] == 4 && p[PAGE - 1] == 4);
	check_errno(mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE, fd, 100), EINVAL);
	check(close(fd) == 0 && unlink(path) == 0);
}

static void
past_the_end_read(void)
{
	int fd = file_make(path, PAGE + 1);
	volatile unsigned char *p = file_map(fd, 3 * PAGE, PROT_READ, MAP_PRIVATE);

	close(fd);
	unlink(path);
	check(p[PAGE] == 2 && p[2 * PAGE - 1] == 0);
	(void)p[2 * PAGE];
}

static void
past_the_end_write(void)
{
	int fd = file_make(path, 1);
	volatile unsigned char *p = file_map(fd, 2 * PAGE, rw, MAP_SHARED);

	close(fd);
	unlink(path);
	p[PAGE - 1] = 1;
	p[PAGE] = 1;
}

static void
past_the_end_private_write(void)
{
	int fd = file_make(path, 1);
	volatile unsigned char *p = file_map(fd, 2 * PAGE, rw, MAP_PRIVATE);

	close(fd);
	unlink(path);
	p[PAGE] = 1;
}

static void
file_grows_under_a_mapping(void)
{
	int fd = file_make(path, PAGE);
	volatile unsigned char *p = file_map(fd, 2 * PAGE, PROT_READ, MAP_SHARED);

	check(!can_read(&p[PAGE]));
	check(ftruncate(fd, 2 * PAGE) == 0);
	check(p[PAGE] == 0);
	check(pwrite(fd, "g", 1, PAGE) == 1);
	check(p[PAGE] == 'g');
	check(close(fd) == 0 && unlink(path) == 0);
}

static void
deny_none(void)
{
	volatile unsigned char *p = mmap(NULL, PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	(void)*p;
}

static void
deny_none_touched(void)
{
	volatile unsigned char *p = map_private(PAGE);

	*p = 1;
	check(mprotect((void *)p, PAGE, PROT_NONE) == 0);
	(void)*p;
}

static void
deny_write_untouched(void)
{
	volatile unsigned char *p = mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	*p = 1;
}

static void
deny_write_zero_frame(void)
{
	volatile unsigned char *p = mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	check(*p == 0);
	*p = 1;
}

static void
deny_exec_touched(void)
{
	volatile unsigned char *p = map_private(PAGE);

	*p = 0xc3; /* ret */
	((void (*)(void))p)();
}

static void
deny_exec_untouched(void)
{
	((void (*)(void))map_private(PAGE))();
}

static void
exec_allowed(void)
{
	unsigned char code[] = {0xb8, 42, 0, 0, 0, 0xc3}; /* mov $42, %eax; ret */
	volatile unsigned char *p = map_private(PAGE);

	memcpy((void *)p, code, sizeof(code));
	check(mprotect((void *)p, PAGE, PROT_READ | PROT_EXEC) == 0);
	check(((int (*)(void))p)() == 42);
}

static void
deny_own_text(void)
{
	*(volatile unsigned char *)(uintptr_t)deny_own_text = 0;
}

static void
deny_null(void)
{
	*(volatile int *)NULL = 1;
}

static void
deny_kernel_read(void)
{
	(void)*(volatile int *)0xffffffff80100000;
}

static void
deny_kernel_write(void)
{
	*(volatile int *)0xffff888000100000 = 1;
}

static void
deny_non_canonical(void)
{
	(void)*(volatile int *)0x0001000000000000;
}

static void
deny_first_beyond_user(void)
{
	(void)*(volatile int *)0x00007ffffffff000;
}

static void
deny_jump_to_kernel(void)
{
	((void (*)(void))0xffffffff80100000)();
}

struct race {
	volatile unsigned char *memory;
	volatile int ready;
	volatile int round;
	volatile int done;
	bool write;
};

static void *
race_run(void *arg)
{
	struct race *r = arg;

	for (int i = 1; i <= ROUNDS; i++) {
		volatile unsigned char *page = r->memory + i % PAGES * PAGE;

		announce(&r->ready);
		await(&r->round, i);
		if (r->write)
			__atomic_fetch_add((volatile int *)page, 1, __ATOMIC_SEQ_CST);
		else if (*(volatile int *)page != 0)
			fail("a page that nobody wrote is not zero");
		announce(&r->done);
	}
	return NULL;
}

/* All threads touch the same fresh page at the same moment: one gets there first, the others must find it done. */
static void
race_on_page(bool write, int before_round)
{
	struct race race = {.memory = map_private(PAGES * PAGE), .write = write};
	pthread_t thread[THREADS];

	for (int i = 0; i < THREADS; i++)
		check(pthread_create(&thread[i], NULL, race_run, &race) == 0);
	for (int i = 1; i <= ROUNDS; i++) {
		volatile unsigned char *page = race.memory + i % PAGES * PAGE;

		await(&race.ready, i * THREADS);
		check(mmap((void *)page, PAGE, rw, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == page);
		if (before_round)
			check(*(volatile int *)page == 0);
		race.round = i;
		await(&race.done, i * THREADS);
		if (*(volatile int *)page != (write ? THREADS : 0))
			fail("round %d: %d of %d increments are there", i, *(volatile int *)page, THREADS);
	}
	for (int i = 0; i < THREADS; i++)
		check(pthread_join(thread[i], NULL) == 0);
}

static void
race_zero_write(void)
{
	race_on_page(true, 0);
}

static void
race_zero_read(void)
{
	race_on_page(false, 0);
}

static void
race_upgrade(void)
{
	race_on_page(true, 1);
}

static void
kernel_faults_for_us(void)
{
	int fd = file_make(path, 2 * PAGE);
	volatile unsigned char *p = map_private(3 * PAGE);

	/* The kernel itself touches fresh memory first: half of each of two pages. */
	check(pread(fd, (void *)(p + PAGE / 2), PAGE, 0) == PAGE);
	check(p[PAGE / 2] == 1 && p[PAGE / 2 + PAGE - 1] == 1 && p[0] == 0);
	/* It reads memory that nobody has touched yet. */
	check(pwrite(fd, (void *)(p + 2 * PAGE), 100, 0) == 100);
	check(pread(fd, (void *)p, 1, 50) == 1 && p[0] == 0);
	check(close(fd) == 0 && unlink(path) == 0);
}

const struct test_case fault_cases[] = {
	{"a read of untouched memory gives zeros, one fault a page", zero_read, 0, CASE_STILL},
	{"a read of untouched memory maps the shared zero frame and takes none", zero_read_is_free, 0, 0},
	{"a write to untouched memory gives a zeroed frame, one fault a page", zero_write, 0, CASE_STILL},
	{"a write after a read gives a frame of its own, the zero frame stays zero", upgrade_after_read, 0, CASE_STILL},
	{"a page once written faults no more", write_memory_again, 0, 0},
	{"memory across several page tables is zero and keeps what is written", zero_across_tables, 0, 0},
	{"shared anonymous memory reads as zero and keeps what is written", shared_read_then_write, 0, 0},
	{"a private file mapping shows the file, and zeros behind its last byte", file_private_read, 0, 0},
	{"a write to a private file mapping does not reach the file", file_private_write, 0, 0},
	{"a private file page follows the file until it is written", file_private_follows_until_written, 0, 0},
	{"a write to a shared file mapping reaches the file and all other mappings", file_shared_write, 0, 0},
	{"a file mapping begins at its offset, a multiple of the page size", file_offset, 0, 0},
	{"a read past the last page of a mapped file is SIGBUS", past_the_end_read, SIGBUS, 0},
	{"a write past the last page of a shared file is SIGBUS", past_the_end_write, SIGBUS, 0},
	{"a write past the last page of a private file mapping is SIGBUS", past_the_end_private_write, SIGBUS, 0},
	{"a file that grows makes its mapping longer", file_grows_under_a_mapping, 0, 0},
	{"a read of PROT_NONE memory is SIGSEGV", deny_none, SIGSEGV, 0},
	{"a read of memory made PROT_NONE after a write is SIGSEGV", deny_none_touched, SIGSEGV, 0},
	{"a write to untouched read-only memory is SIGSEGV", deny_write_untouched, SIGSEGV, 0},
	{"a write to a read-only page of the zero frame is SIGSEGV", deny_write_zero_frame, SIGSEGV, 0},
	{"a jump into written but not executable memory is SIGSEGV", deny_exec_touched, SIGSEGV, 0},
	{"a jump into untouched memory is SIGSEGV", deny_exec_untouched, SIGSEGV, 0},
	{"code written to memory runs after mprotect to PROT_EXEC", exec_allowed, 0, 0},
	{"a write to the program's own text is SIGSEGV", deny_own_text, SIGSEGV, 0},
	{"a null pointer is SIGSEGV", deny_null, SIGSEGV, 0},
	{"a read of kernel memory is SIGSEGV", deny_kernel_read, SIGSEGV, 0},
	{"a write to kernel memory is SIGSEGV", deny_kernel_write, SIGSEGV, 0},
	{"a non-canonical address is SIGSEGV", deny_non_canonical, SIGSEGV, 0},
	{"the first byte beyond user space is SIGSEGV", deny_first_beyond_user, SIGSEGV, 0},
	{"a jump into the kernel is SIGSEGV", deny_jump_to_kernel, SIGSEGV, 0},
	{"four threads write to one fresh page at once and all writes are there", race_zero_write, 0, CASE_SMP},
	{"four threads read one fresh page at once", race_zero_read, 0, CASE_SMP},
	{"four threads write to one page of the zero frame at once", race_upgrade, 0, CASE_SMP},
	{"the kernel faults pages in for its own reads and writes", kernel_faults_for_us, 0, 0},
	{0},
};
