/* SPDX-License-Identifier: MIT */
/*
 * tests/guest/tmpswap.c - files in memory, and shared memory, that leave memory and come back
 *
 * Idea        The machine and its disks are those of swap.c. Pages are evicted for certain by MADV_PAGEOUT through a
 *             mapping that nobody else has, and under pressure by more data than there is RAM. After each case every
 *             slot is free (the ledger).
 * Invariants  see guest.h
 * Locks       none
 * Follow      from test_guest.py   to mm/shmem.c, mm/pagecache.c, mm/swapoff.c, kernel/fs/tmpfs_file.c
 * Tests       none
 */
#include "guest.h"
#include "procfile.h"
#include "swapping.h"
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/swap.h>
#include <sys/syscall.h>
#include <sys/uio.h>

enum {
	RAM = 64 * MIB,
	PAGES = 64,
	SMALL = PAGES * PAGE,
	PUNCH = 3, /* FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE */
	WORKERS = 3
};

typedef volatile unsigned char bytes_t;

static int
file_new(void)
{
	int fd = syscall(SYS_memfd_create, "pages", 0);

	check(fd >= 0);
	return fd;
}

static bytes_t *
map_file(int fd, size_t bytes, int prot, int flags)
{
	bytes_t *p = mmap(NULL, bytes, prot, flags, fd, 0);

	check(p != MAP_FAILED);
	return p;
}

/* Maps @bytes of the file, which nobody else has mapped, and has them evicted. */
static void
file_page_out(int fd, size_t bytes)
{
	bytes_t *p = map_file(fd, bytes, PROT_READ, MAP_SHARED);

	for (size_t i = 0; i < bytes; i += PAGE)
		(void)p[i];
	page_out(p, bytes);
	must_be_out(p, bytes);
	check(munmap((void *)p, bytes) == 0);
}

/* A stamped file of SMALL bytes, all of it out. */
static int
file_out(uint64_t who)
{
	int fd = file_new();
	bytes_t *p;

	check(ftruncate(fd, SMALL) == 0);
	p = map_file(fd, SMALL, PROT_READ | PROT_WRITE, MAP_SHARED);
	pages_stamp(p, SMALL, who);
	check(munmap((void *)p, SMALL) == 0);
	file_page_out(fd, SMALL);
	return fd;
}

static long
swap_free(void)
{
	return proc_value("/proc/meminfo", "SwapFree:");
}

/* Linux keeps freed slots on each processor, and tells of them later. */
static void
slots_are_back(long kib)
{
	check(!on_tidemark() || swap_free() >= kib);
}

static void
page_read(int fd, size_t i, uint64_t who)
{
	static unsigned char buf[PAGE];

	check(pread(fd, buf, PAGE, (off_t)i * PAGE) == PAGE);
	check(page_stamped(buf, who));
}

/* Takes more than there is of RAM, so that all else leaves. */
static void
press(void)
{
	bytes_t *p = map_private(RAM * 5 / 4);

	pages_stamp(p, RAM * 5 / 4, 1000);
	check(munmap((void *)p, RAM * 5 / 4) == 0);
}

/* ---- files ---- */

static void
larger_than_ram(void)
{
	static unsigned char buf[16 * PAGE];
	struct statfs fs;
	struct stat st;
	int fd;

	swap_on("/dev/vda");
	check(mkdir("/tmp/big", 0700) == 0 && mount("none", "/tmp/big", "tmpfs", 0, "size=160m") == 0);
	fd = open("/tmp/big/file", O_CREAT | O_RDWR, 0600);
	check(fd >= 0);
	for (size_t at = 0; at < RAM * 3 / 2; at += sizeof(buf)) {
		pages_stamp(buf, sizeof(buf), at / PAGE);
		check(write(fd, buf, sizeof(buf)) == sizeof(buf));
	}
	check(fstat(fd, &st) == 0 && st.st_blocks == RAM * 3 / 2 / 512);
	check(statfs("/tmp/big", &fs) == 0 && fs.f_blocks - fs.f_bfree == RAM * 3 / 2 / PAGE);
	for (size_t at = 0; at < RAM * 3 / 2; at += sizeof(buf)) {
		check(pread(fd, buf, sizeof(buf), (off_t)at) == sizeof(buf));
		must_be_stamped(buf, sizeof(buf), at / PAGE);
	}
	close(fd);
	check(umount("/tmp/big") == 0 && rmdir("/tmp/big") == 0);
	swap_off("/dev/vda");
}

static void
read_write_out(void)
{
	const off_t at = 5 * PAGE + 100;
	static unsigned char like[PAGE];
	unsigned char byte;
	struct stat before, st;
	bytes_t *p;
	int fd;

	page_stamp(like, 105);
	byte = like[100] ^ 77;
	swap_on("/dev/vda");
	fd = file_out(100);
	check(fstat(fd, &before) == 0 && before.st_blocks == SMALL / 512);
	page_read(fd, 3, 103);
	check(pwrite(fd, &byte, 1, at) == 1);
	check(fstat(fd, &st) == 0 && st.st_blocks == before.st_blocks);
	p = map_file(fd, SMALL, PROT_READ, MAP_SHARED);
	check(resident(p, SMALL) >= 2 && (resident(p + 3 * PAGE, PAGE) && resident(p + 5 * PAGE, PAGE)));
	check(p[at] == byte && pwrite(fd, &like[100], 1, at) == 1); /* and as it was again */
	must_be_stamped(p, SMALL, 100);
	check(resident(p, SMALL) == PAGES);
	close(fd);
	check(munmap((void *)p, SMALL) == 0);
	swap_off("/dev/vda");
}

static void
truncate_out(void)
{
	long free_before;
	bytes_t *p;
	int fd;

	swap_on("/dev/vda");
	free_before = swap_free();
	fd = file_out(200);
	check(swap_free() <= free_before - SMALL / 1024);
	check(ftruncate(fd, 10 * PAGE + 2000) == 0);
	slots_are_back(free_before - 11 * PAGE / 1024);
	check(ftruncate(fd, SMALL) == 0);
	p = map_file(fd, SMALL, PROT_READ | PROT_WRITE, MAP_SHARED);
	must_be_stamped(p, 10 * PAGE, 200);
	check(*(uint64_t *)(p + 10 * PAGE) != 0);
	for (size_t i = 10 * PAGE + 2000; i < 12 * PAGE; i++)
		check(p[i] == 0);
	check(munmap((void *)p, SMALL) == 0);
	check(ftruncate(fd, 0) == 0);
	slots_are_back(free_before);
	close(fd);
	swap_off("/dev/vda");
}

static void
punch_out(void)
{
	long free_before;
	struct stat st;
	bytes_t *p;
	int fd;

	swap_on("/dev/vda");
	free_before = swap_free();
	fd = file_out(300);
	check(fallocate(fd, PUNCH, 4 * PAGE - 1000, 8 * PAGE + 1000) == 0);
	check(fstat(fd, &st) == 0 && st.st_blocks == (PAGES - 8) * PAGE / 512);
	check(fallocate(fd, 0, 0, SMALL) == 0); /* makes the holes pages again, and leaves the others */
	check(fstat(fd, &st) == 0 && st.st_blocks == SMALL / 512);
	p = map_file(fd, SMALL, PROT_READ, MAP_SHARED);
	must_be_stamped(p, 3 * PAGE, 300);
	must_be_stamped(p + 13 * PAGE, SMALL - 13 * PAGE, 313);
	check(*(uint64_t *)(p + 3 * PAGE) != 0 && *(uint64_t *)(p + 13 * PAGE - 8) != 0);
	for (size_t i = 4 * PAGE - 1000; i < 12 * PAGE; i++)
		check(p[i] == 0);
	check(munmap((void *)p, SMALL) == 0);
	close(fd);
	slots_are_back(free_before);
	swap_off("/dev/vda");
}

static void
unlink_out(void)
{
	long free_before;
	bytes_t *p;
	int fd;

	swap_on("/dev/vda");
	free_before = swap_free();
	fd = file_out(400);
	p = map_file(fd, SMALL, PROT_READ, MAP_SHARED);
	close(fd);
	must_be_stamped(p, 5 * PAGE, 400);
	check(munmap((void *)p, SMALL) == 0);
	slots_are_back(free_before);
	swap_off("/dev/vda");
}

static void
sendfile_out(void)
{
	off_t at = 0;
	int to, fd;

	swap_on("/dev/vda");
	fd = file_out(500);
	to = file_new();
	while (at < SMALL)
		check(sendfile(to, fd, &at, SMALL) > 0);
	for (size_t i = 0; i < PAGES; i++)
		page_read(to, i, 500 + i);
	close(to);
	close(fd);
	swap_off("/dev/vda");
}

static void
quota_counts_out(void)
{
	unsigned char byte = 1;
	struct statfs fs;
	bytes_t *p;
	int fd;

	swap_on("/dev/vda");
	check(mkdir("/tmp/few", 0700) == 0 && mount("none", "/tmp/few", "tmpfs", 0, "size=256k") == 0);
	fd = open("/tmp/few/file", O_CREAT | O_RDWR, 0600);
	check(fd >= 0 && ftruncate(fd, SMALL) == 0);
	p = map_file(fd, SMALL, PROT_READ | PROT_WRITE, MAP_SHARED);
	pages_stamp(p, SMALL, 600);
	check(munmap((void *)p, SMALL) == 0);
	file_page_out(fd, SMALL);
	check(statfs("/tmp/few", &fs) == 0 && fs.f_bfree == 0);
	check_errno(pwrite(fd, &byte, 1, SMALL), ENOSPC);
	check(ftruncate(fd, SMALL + PAGE) == 0);
	p = map_file(fd, SMALL + PAGE, PROT_READ | PROT_WRITE, MAP_SHARED);
	check(!can_read(p + SMALL));
	must_be_stamped(p, SMALL, 600);
	check(munmap((void *)p, SMALL + PAGE) == 0);
	close(fd);
	check(umount("/tmp/few") == 0 && rmdir("/tmp/few") == 0);
	swap_off("/dev/vda");
}

/* ---- mappings ---- */

struct family {
	bytes_t *p;
	bool grandchild;
};

static void
relative(void *arg)
{
	struct family *f = arg;
	size_t half = f->grandchild ? SMALL / 2 : 0;

	must_be_stamped(f->p, SMALL, 700);
	if (!f->grandchild) {
		struct family next = {f->p, true};

		child_must_live(relative, &next);
	}
	pages_stamp(f->p + half, SMALL / 4, 5000);
}

static void
family_shares(void)
{
	swap_on("/dev/vda");
	bytes_t *p = map_shared(SMALL);
	pages_stamp(p, SMALL, 700);
	check(madvise((void *)p, SMALL, MADV_PAGEOUT) == 0);
	mm_settle();
	must_be_out(p, SMALL);
	struct family first = {p, false};
	child_must_live(relative, &first);
	must_be_stamped(p, SMALL / 4, 5000);
	must_be_stamped(p + SMALL / 4, SMALL / 4, 700 + PAGES / 4);
	must_be_stamped(p + SMALL / 2, SMALL / 4, 5000);
	must_be_stamped(p + SMALL / 4 * 3, SMALL / 4, 700 + PAGES / 4 * 3);
	check(munmap((void *)p, SMALL) == 0);
	swap_off("/dev/vda");
}

struct pressed {
	bytes_t *p;
	volatile int *turn;
};

static void
pressed_child(void *arg)
{
	struct pressed *s = arg;

	must_be_stamped(s->p, MIB, 800);
	announce(s->turn);
	await(s->turn, 2); /* the parent presses meanwhile; our table is its table */
	must_be_stamped(s->p, MIB, 800);
	pages_stamp(s->p, MIB, 900);
}

/* Pages that several map leave for all of them, through tables that fork shares. */
static void
pressure_on_shared(void)
{
	swap_on("/dev/vda");
	struct pressed s = {map_shared(MIB), (volatile int *)map_shared(PAGE)};
	pages_stamp(s.p, MIB, 800);
	pid_t pid = child_start(pressed_child, &s);
	await(s.turn, 1);
	press();
	check(!on_tidemark() || resident(s.p, MIB) < MIB / PAGE);
	announce(s.turn);
	check(child_wait(pid) == 0);
	must_be_stamped(s.p, MIB, 900);
	check(munmap((void *)s.p, MIB) == 0 && munmap((void *)s.turn, PAGE) == 0);
	swap_off("/dev/vda");
}

static void
private_of_out(void)
{
	bytes_t *p;
	int fd;

	swap_on("/dev/vda");
	fd = file_out(1000);
	p = map_file(fd, SMALL, PROT_READ | PROT_WRITE, MAP_PRIVATE);
	page_stamp(p, 1); /* written at once */
	check(page_stamped(p + PAGE, 1001));
	page_stamp(p + PAGE, 2); /* read, then written */
	check(madvise((void *)p, SMALL, MADV_PAGEOUT) == 0);
	check(page_stamped(p, 1) && page_stamped(p + PAGE, 2));
	must_be_stamped(p + 2 * PAGE, SMALL - 2 * PAGE, 1002);
	check(munmap((void *)p, SMALL) == 0);
	for (size_t i = 0; i < PAGES; i++)
		page_read(fd, i, 1000 + i);
	close(fd);
	swap_off("/dev/vda");
}

static void
locked_stays(void)
{
	bytes_t *p;

	swap_on("/dev/vda");
	p = map_shared(SMALL);
	pages_stamp(p, SMALL, 1100);
	check(mlock((void *)p, SMALL) == 0);
	check_errno(madvise((void *)p, SMALL, MADV_PAGEOUT), EINVAL);
	press();
	check(resident(p, SMALL) == PAGES);
	check(munlock((void *)p, SMALL) == 0);
	check(madvise((void *)p, SMALL, MADV_PAGEOUT) == 0);
	mm_settle();
	must_be_out(p, SMALL);
	/* Locking brings back. */
	check(mlock((void *)p, SMALL) == 0 && resident(p, SMALL) == PAGES);
	must_be_stamped(p, SMALL, 1100);
	check(munmap((void *)p, SMALL) == 0);
	swap_off("/dev/vda");
}

static void
advice(void)
{
	struct rusage before, after;
	bytes_t *p;
	int fd;

	swap_on("/dev/vda");
	fd = file_out(1200);
	p = map_file(fd, SMALL, PROT_READ | PROT_WRITE, MAP_SHARED);
	getrusage(RUSAGE_SELF, &before);
	check(page_stamped(p + 20 * PAGE, 1220));
	getrusage(RUSAGE_SELF, &after);
	check(!on_tidemark() || after.ru_majflt == before.ru_majflt + 1);
	check(madvise((void *)p, SMALL, MADV_WILLNEED) == 0);
	if (on_tidemark()) /* Linux reads in the background */
		check(resident(p, SMALL) == PAGES);
	check(madvise((void *)p, SMALL, MADV_COLD) == 0);
	must_be_stamped(p, SMALL, 1200);
	check(madvise((void *)p, SMALL, MADV_PAGEOUT) == 0);
	check(madvise((void *)p, 8 * PAGE, MADV_REMOVE) == 0);
	check(p[0] == 0 && p[8 * PAGE - 1] == 0);
	must_be_stamped(p + 8 * PAGE, SMALL - 8 * PAGE, 1208);
	check(munmap((void *)p, SMALL) == 0);
	close(fd);
	swap_off("/dev/vda");
}

static void
figures(void)
{
	bytes_t *p;
	char *text;
	int fd;

	swap_on("/dev/vda");
	fd = file_out(1300);
	p = map_file(fd, SMALL, PROT_READ | PROT_WRITE, MAP_SHARED);
	text = smaps_find(0, p);
	check(proc_field(text, "Swap:") == SMALL / 1024 && proc_field(text, "SwapPss:") == 0);
	check(proc_field(text, "Rss:") == 0);
	check(proc_value("/proc/self/status", "VmSwap:") < SMALL / 1024);
	check(pagemap_word(0, p) == 0);
	long shmem = proc_value("/proc/meminfo", "Shmem:");
	must_be_stamped(p, SMALL, 1300);
	check(!on_tidemark() || proc_value("/proc/meminfo", "Shmem:") >= shmem + SMALL / 1024);
	text = smaps_find(0, p);
	check(proc_field(text, "Swap:") == 0 && proc_field(text, "Rss:") == SMALL / 1024);
	check(munmap((void *)p, SMALL) == 0);
	file_page_out(fd, SMALL);
	p = map_file(fd, SMALL, PROT_READ | PROT_WRITE, MAP_PRIVATE);
	page_stamp(p, 1); /* the private copy hides a page; reading the original brought neighbours to the cache only */
	text = smaps_find(0, p);
	check(proc_field(text, "Swap:") == (SMALL - PAGE) / 1024);
	check(munmap((void *)p, SMALL) == 0);
	close(fd);
	swap_off("/dev/vda");
}

static void
calls_on_out(void)
{
	static unsigned char buf[SMALL];
	bytes_t *p;
	int fd, ends[2];

	swap_on("/dev/vda");
	fd = file_out(1400);
	p = map_file(fd, SMALL, PROT_READ | PROT_WRITE, MAP_SHARED);
	struct iovec here = {buf, 4 * PAGE}, there = {(void *)p, 4 * PAGE};
	check(process_vm_readv(getpid(), &here, 1, &there, 1, 0) == 4 * PAGE);
	must_be_stamped(buf, 4 * PAGE, 1400);
	check(pipe(ends) == 0);
	check(write(ends[1], (void *)(p + 5 * PAGE), PAGE) == PAGE);
	check(read(ends[0], (void *)(p + 40 * PAGE), PAGE) == PAGE && page_stamped(p + 40 * PAGE, 1405));
	check(syscall(SYS_futex, p + 50 * PAGE, 1, 1, NULL, NULL, 0) == 0); /* FUTEX_WAKE */
	check_errno(syscall(SYS_futex, p + 51 * PAGE, 0, 0, NULL, NULL, 0), EAGAIN);
	check(msync((void *)p, SMALL, MS_SYNC) == 0);
	close(ends[0]);
	close(ends[1]);
	check(munmap((void *)p, SMALL) == 0);
	close(fd);
	swap_off("/dev/vda");
}

/* ---- programs ---- */

static int
copy_program(const char *path)
{
	static char buf[16 * PAGE];
	int from = open("/proc/self/exe", O_RDONLY);
	int to = open(path, O_CREAT | O_RDWR | O_TRUNC, 0700);
	ssize_t n;

	check(from >= 0 && to >= 0);
	while ((n = read(from, buf, sizeof(buf))) > 0)
		check(write(to, buf, n) == n);
	close(from);
	return to;
}

/* In the role "status" the next word is its exit status. */
static void
run_out(void *path)
{
	execl(path, "guest-tests", "--role=status", "7", NULL);
	fail("execl gave errno %d", errno);
}

static void
exec_out(void)
{
	const char *path = "/tmp/program";
	struct stat st;
	int fd;

	swap_on("/dev/vda");
	fd = copy_program(path);
	check(fstat(fd, &st) == 0);
	size_t bytes = (st.st_size + PAGE - 1) / PAGE * PAGE;
	for (int i = 0; i < 3; i++) {
		file_page_out(fd, bytes);
		if (i == 0)
			close(fd); /* a file that is open for writing is not run */
		int status = child_run(run_out, (void *)path);
		check(WIFEXITED(status) && WEXITSTATUS(status) == 7);
		fd = open(path, O_RDONLY);
		check(fd >= 0);
	}
	close(fd);
	/* And this program itself, from the initrd: whatever of it is out comes back by itself. */
	press();
	check(unlink(path) == 0);
	swap_off("/dev/vda");
}

/* ---- the end of swap ---- */

static void
off_brings_back(void)
{
	bytes_t *p;
	int fd;

	swap_on("/dev/vda");
	fd = file_out(1500);
	p = map_shared(SMALL);
	pages_stamp(p, SMALL, 1600);
	check(madvise((void *)p, SMALL, MADV_PAGEOUT) == 0);
	swap_off("/dev/vda");
	check(resident(p, SMALL) == PAGES);
	must_be_stamped(p, SMALL, 1600);
	for (size_t i = 0; i < PAGES; i++)
		page_read(fd, i, 1500 + i);
	check(munmap((void *)p, SMALL) == 0);
	close(fd);
}

static void
off_without_room(void)
{
	static unsigned char buf[16 * PAGE];
	int fd = file_new();

	if (!on_tidemark())
		return; /* there the OOM killer takes who asks for swapoff */
	swap_on("/dev/vda");
	for (size_t at = 0; at < RAM * 3 / 2; at += sizeof(buf)) {
		pages_stamp(buf, sizeof(buf), at / PAGE);
		check(write(fd, buf, sizeof(buf)) == sizeof(buf));
	}
	check_errno(swapoff("/dev/vda"), ENOMEM);
	for (size_t i = 0; i < RAM * 3 / 2 / PAGE; i += 97)
		page_read(fd, i, i);
	close(fd);
	swap_off("/dev/vda");
}

static void
write_for_ever(void *arg)
{
	static unsigned char buf[16 * PAGE];
	int fd = file_new();

	(void)arg;
	for (uint64_t n = 0;; n++) {
		pages_stamp(buf, sizeof(buf), n * 16 + 1);
		check(write(fd, buf, sizeof(buf)) > 0);
	}
}

static void
full(void)
{
	swap_on("/dev/vdb");
	child_must_die(write_for_ever, NULL, SIGKILL);
	bytes_t *p = map_shared(RAM / 2);
	pages_stamp(p, RAM / 2, 1700);
	must_be_stamped(p, RAM / 2, 1700);
	check(munmap((void *)p, RAM / 2) == 0);
	swap_off("/dev/vdb");
}

/* A file that is read again and again by calls alone, beside one that nobody reads, while memory gets short. */
static void
read_ones_stay(void)
{
	enum {
		FILE_BYTES = 8 * MIB,
		ROUNDS = 30
	};
	static unsigned char buf[16 * PAGE];
	int used = file_new(), unused = file_new();
	bytes_t *hog = map_private(ROUNDS * 2 * MIB);
	bytes_t *p, *q;

	swap_on("/dev/vda");
	for (size_t at = 0; at < FILE_BYTES; at += sizeof(buf)) {
		pages_stamp(buf, sizeof(buf), at / PAGE);
		check(write(unused, buf, sizeof(buf)) == sizeof(buf) && write(used, buf, sizeof(buf)) == sizeof(buf));
	}
	for (int round = 0; round < ROUNDS; round++) {
		pages_stamp(hog + round * 2 * MIB, 2 * MIB, 100000 + round);
		for (size_t at = 0; at < FILE_BYTES; at += sizeof(buf)) {
			check(pread(used, buf, sizeof(buf), at) == sizeof(buf));
			must_be_stamped(buf, sizeof(buf), at / PAGE);
		}
	}
	p = map_file(used, FILE_BYTES, PROT_READ, MAP_SHARED);
	q = map_file(unused, FILE_BYTES, PROT_READ, MAP_SHARED);
	note("%ld and %ld of %d pages are in memory", resident(p, FILE_BYTES), resident(q, FILE_BYTES),
	     (int)(FILE_BYTES / PAGE));
	check(resident(p, FILE_BYTES) > 3 * resident(q, FILE_BYTES) && resident(p, FILE_BYTES) > FILE_BYTES / PAGE / 2);
	check(munmap((void *)p, FILE_BYTES) == 0 && munmap((void *)q, FILE_BYTES) == 0);
	check(munmap((void *)hog, ROUNDS * 2 * MIB) == 0 && close(used) == 0 && close(unused) == 0);
	swap_off("/dev/vda");
}

struct race {
	int fd;
	volatile int stop;
};

static void *
evictor(void *arg)
{
	struct race *r = arg;
	bytes_t *p = map_file(r->fd, SMALL, PROT_READ, MAP_SHARED);

	while (!r->stop) {
		check(madvise((void *)p, SMALL, MADV_PAGEOUT) == 0);
		sched_yield();
	}
	check(munmap((void *)p, SMALL) == 0);
	return NULL;
}

/* ---- pages of one word ---- */

static void
fill(bytes_t *page, uint64_t word)
{
	for (size_t i = 0; i < PAGE / sizeof(word); i++)
		((volatile uint64_t *)page)[i] = word;
}

static bool
filled(bytes_t *page, uint64_t word)
{
	for (size_t i = 0; i < PAGE / sizeof(word); i++)
		if (((volatile uint64_t *)page)[i] != word)
			return false;
	return true;
}

static uint64_t
word_of(size_t i)
{
	return i % 3 ? 0x0101010101010101 * (i % 3) : 0;
}

static long
slots_of_words(void)
{
	return proc_value("/proc/vmstat", "swpout_same");
}

/* All of them out and back: by reading, by mapping, and after a change of one byte. */
static void
words_of_a_file(void)
{
	static unsigned char buf[PAGE];
	int fd = file_new();
	long before, same;
	bytes_t *p;

	swap_on("/dev/vda");
	check(ftruncate(fd, SMALL) == 0);
	p = map_file(fd, SMALL, PROT_READ | PROT_WRITE, MAP_SHARED);
	for (size_t i = 0; i < PAGES; i++)
		fill(p + i * PAGE, word_of(i));
	check(munmap((void *)p, SMALL) == 0);
	before = swap_free();
	same = slots_of_words();
	file_page_out(fd, SMALL);
	if (on_tidemark())
		check(swap_free() == before && slots_of_words() == same + PAGES);
	for (size_t i = 0; i < PAGES; i += 2)
		check(pread(fd, buf, PAGE, i * PAGE) == PAGE && filled(buf, word_of(i)));
	check(pwrite(fd, "x", 1, 5 * PAGE + 9) == 1); /* that one is out still */
	p = map_file(fd, SMALL, PROT_READ | PROT_WRITE, MAP_SHARED);
	check(p[5 * PAGE + 9] == 'x' && p[5 * PAGE + 8] == 2);
	p[5 * PAGE + 9] = 2;
	for (size_t i = 0; i < PAGES; i++)
		check(filled(p + i * PAGE, word_of(i)));
	check(munmap((void *)p, SMALL) == 0);
	file_page_out(fd, SMALL);
	swap_off("/dev/vda");
	check(pread(fd, buf, PAGE, 5 * PAGE) == PAGE && filled(buf, 0x0202020202020202));
	close(fd);
}

static void
words_that_go(void)
{
	static unsigned char buf[PAGE];
	int fd = file_new();
	struct stat st;
	bytes_t *p;

	swap_on("/dev/vda");
	check(ftruncate(fd, SMALL) == 0);
	p = map_file(fd, SMALL, PROT_READ | PROT_WRITE, MAP_SHARED);
	for (size_t i = 0; i < PAGES; i++)
		fill(p + i * PAGE, 7);
	check(munmap((void *)p, SMALL) == 0);
	file_page_out(fd, SMALL);
	check(fallocate(fd, PUNCH, 4 * PAGE, 8 * PAGE) == 0);
	check(ftruncate(fd, 40 * PAGE + 100) == 0 && ftruncate(fd, SMALL) == 0);
	check(fstat(fd, &st) == 0 && st.st_blocks == (41 - 8) * PAGE / 512);
	check(pread(fd, buf, PAGE, 4 * PAGE) == PAGE && filled(buf, 0));
	check(pread(fd, buf, PAGE, 3 * PAGE) == PAGE && filled(buf, 7));
	check(pread(fd, buf, PAGE, 40 * PAGE) == PAGE && buf[99] == 0 && buf[96] == 7 && buf[100] == 0);
	close(fd);
	swap_off("/dev/vda");
}

/* One writes a page of a word, by turns through the call and through a mapping, and always finds it again. */
static void
writers_of_words(void)
{
	static unsigned char buf[PAGE];
	struct race r = {.fd = file_new()};
	pthread_t thread;
	bytes_t *p;

	swap_on("/dev/vda");
	check(ftruncate(r.fd, SMALL) == 0);
	p = map_file(r.fd, SMALL, PROT_READ | PROT_WRITE, MAP_SHARED);
	check(pthread_create(&thread, NULL, evictor, &r) == 0);
	for (uint64_t n = 0; n < 4000; n++) {
		size_t i = n * 5 % PAGES;

		if (n % 2) {
			fill(p + i * PAGE, n / 8);
		} else {
			fill(buf, n / 8);
			check(pwrite(r.fd, buf, PAGE, i * PAGE) == PAGE);
		}
		if (n % 7 == 0)
			sched_yield();
		check(filled(p + i * PAGE, n / 8));
	}
	r.stop = 1;
	check(pthread_join(thread, NULL) == 0);
	check(munmap((void *)p, SMALL) == 0 && close(r.fd) == 0);
	swap_off("/dev/vda");
}

/* ---- races ---- */

/* Reads pages of the first half by read(2): each is a hole, or stamped. */
static void *
reader(void *arg)
{
	static __thread unsigned char buf[PAGE];
	struct race *r = arg;

	for (unsigned n = 0; !r->stop; n++) {
		size_t i = n * 7 % PAGES;
		ssize_t got = pread(r->fd, buf, PAGE, (off_t)i * PAGE);

		check(got >= 0);
		if (got == PAGE && i < PAGES / 2)
			check(page_stamped(buf, 1800 + i));
		if (n % 16 == 0)
			sched_yield();
	}
	return NULL;
}

/* The first half stays, and is read through a mapping; the second is cut off and written again and again. */
static void
race(void)
{
	static unsigned char buf[PAGE];
	struct race r = {file_new(), 0};
	pthread_t threads[2];

	swap_on("/dev/vda");
	for (size_t i = 0; i < PAGES; i++) {
		page_stamp(buf, 1800 + i);
		check(pwrite(r.fd, buf, PAGE, (off_t)i * PAGE) == PAGE);
	}
	bytes_t *p = map_file(r.fd, SMALL, PROT_READ | PROT_WRITE, MAP_SHARED);
	check(pthread_create(&threads[0], NULL, evictor, &r) == 0);
	check(pthread_create(&threads[1], NULL, reader, &r) == 0);
	for (int n = 0; n < 40; n++) {
		must_be_stamped(p, SMALL / 2, 1800);
		check(ftruncate(r.fd, SMALL / 2 + PAGE * (n % 8)) == 0);
		for (size_t i = PAGES / 2; i < PAGES; i++) {
			page_stamp(buf, 1800 + i + n);
			check(pwrite(r.fd, buf, PAGE, (off_t)i * PAGE) == PAGE);
		}
		check(madvise((void *)p, SMALL, MADV_PAGEOUT) == 0);
		must_be_stamped(p + SMALL / 2, SMALL / 2, 1800 + PAGES / 2 + n);
		check(fallocate(r.fd, PUNCH, SMALL / 4 * 3, SMALL / 4) == 0);
		for (size_t i = SMALL / 4 * 3; i < SMALL; i += PAGE)
			check(p[i] == 0);
	}
	r.stop = 1;
	check(pthread_join(threads[0], NULL) == 0 && pthread_join(threads[1], NULL) == 0);
	check(munmap((void *)p, SMALL) == 0);
	close(r.fd);
	swap_off("/dev/vda");
}

/* Writes a file of its own, larger than its part of RAM, and reads it again. */
static void
worker(void *arg)
{
	static unsigned char buf[16 * PAGE];
	uint64_t who = (uint64_t)getpid() * 100000;
	int fd = file_new();

	(void)arg;
	for (size_t at = 0; at < RAM / 2; at += sizeof(buf)) {
		pages_stamp(buf, sizeof(buf), who + at / PAGE);
		check(write(fd, buf, sizeof(buf)) == sizeof(buf));
	}
	bytes_t *p = map_file(fd, RAM / 2, PROT_READ, MAP_SHARED);
	must_be_stamped(p, RAM / 2, who);
	_exit(0);
}

static void
workers(void)
{
	pid_t pids[WORKERS];

	swap_on("/dev/vda");
	for (int i = 0; i < WORKERS; i++)
		pids[i] = child_start(worker, NULL);
	for (int i = 0; i < WORKERS; i++)
		check(child_wait(pids[i]) == 0);
	swap_off("/dev/vda");
}

static void *
off_and_on(void *arg)
{
	struct race *r = arg;

	while (!r->stop) {
		swap_off("/dev/vda");
		swap_on("/dev/vda");
	}
	return NULL;
}

/* swapoff meets faults, new evictions and truncations. */
static void
race_with_off(void)
{
	struct race r = {file_new(), 0};
	pthread_t threads[2];

	swap_on("/dev/vda");
	check(ftruncate(r.fd, SMALL) == 0);
	bytes_t *p = map_file(r.fd, SMALL, PROT_READ | PROT_WRITE, MAP_SHARED);
	check(pthread_create(&threads[0], NULL, evictor, &r) == 0);
	check(pthread_create(&threads[1], NULL, off_and_on, &r) == 0);
	for (int n = 0; n < 30; n++) {
		pages_stamp(p, SMALL, 2000 + n);
		check(madvise((void *)p, SMALL, MADV_PAGEOUT) == 0);
		if (n % 3 == 0)
			check(ftruncate(r.fd, SMALL / 2) == 0 && ftruncate(r.fd, SMALL) == 0);
		must_be_stamped(p, SMALL / 2, 2000 + n);
	}
	r.stop = 1;
	check(pthread_join(threads[0], NULL) == 0 && pthread_join(threads[1], NULL) == 0);
	check(munmap((void *)p, SMALL) == 0);
	close(r.fd);
	swap_off("/dev/vda");
}

#define SWAP CASE_NAMED
#define SWAP_SMP (CASE_NAMED | CASE_SMP)

const struct test_case tmpswap_cases[] = {
	{"a file half as large again as RAM, every byte as it was written", larger_than_ram, 0, SWAP},
	{"read and write of a file that is out", read_write_out, 0, SWAP | CASE_STILL},
	{"truncation of a file that is out frees its slots, and the tail is zero", truncate_out, 0, SWAP | CASE_STILL},
	{"holes in a file that is out, and pages for them again", punch_out, 0, SWAP | CASE_STILL},
	{"a file without a name and its slots go with the last mapping", unlink_out, 0, SWAP | CASE_STILL},
	{"sendfile from a file that is out", sendfile_out, 0, SWAP},
	{"what is out counts for the size of a tmpfs: ENOSPC, SIGBUS", quota_counts_out, 0, SWAP},
	{"parent, child and grandchild find shared memory that was out", family_shares, 0, SWAP_SMP},
	{"memory that several share leaves for all of them", pressure_on_shared, 0, SWAP_SMP},
	{"a private mapping of a file that is out, and copies of its pages", private_of_out, 0, SWAP},
	{"shared memory that is locked stays, and locking brings it back", locked_stays, 0, SWAP},
	{"WILLNEED, COLD, PAGEOUT and REMOVE of shared memory", advice, 0, SWAP},
	{"smaps, VmSwap, pagemap and meminfo of shared memory that is out", figures, 0, SWAP | CASE_STILL},
	{"calls on buffers in shared memory that is out", calls_on_out, 0, SWAP},
	{"a program runs whose file is out", exec_out, 0, SWAP_SMP},
	{"swapoff brings files and shared memory back", off_brings_back, 0, SWAP},
	{"swapoff without room for a file is ENOMEM and loses nothing", off_without_room, 0, SWAP},
	{"when swap is full of files, who writes on is killed", full, 0, SWAP},
	{"a file that is read by calls stays rather than one that is not", read_ones_stay, 0, SWAP},
	{"pages of a file that are all of one word need no slot", words_of_a_file, 0, SWAP | CASE_STILL},
	{"holes and truncation in a file of one word that is out", words_that_go, 0, SWAP},
	{"writers of pages of one word meet eviction", writers_of_words, 0, SWAP_SMP},
	{"eviction meets faults, reads, writes, truncation and holes", race, 0, SWAP_SMP},
	{"several who write files that together are larger than RAM", workers, 0, SWAP_SMP},
	{"swapoff meets faults, evictions and truncation", race_with_off, 0, SWAP_SMP},
	{0},
};
