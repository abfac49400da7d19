/* SPDX-License-Identifier: MIT */
/*
 * tests/guest/overcommit.c - what may be promised, to the page
 *
 * Idea        With vm.overcommit_memory=2 the border is wherever overcommit_kbytes puts it: room(n) leaves room for n
 *             pages more than are promised now. At each border one page too many is refused and costs nothing, and what
 *             fits is given and counted. The work is done in a child; whatever becomes of it, the settings are put
 *             back. Linux adds up a counter per CPU and decides by a sum that lags: setting the policy makes it exact,
 *             requests of CHUNK pages keep it so, and where pages are charged one by one it is given some slack.
 * Invariants  see guest.h
 * Follow      to mm/commit.c
 */
#include "maps.h"
#include "procfile.h"
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#define VM "/proc/sys/vm/"

enum {
	CHUNK = 1024, /* pages: more than Linux collects before it adds up, on the machines of these tests */
	SLACK = 600,  /* pages that it may be wrong by, page by page */
	RESERVE = 300
};

enum policy {
	GUESS,
	ALWAYS,
	NEVER
};

static const int rw = PROT_READ | PROT_WRITE;
static const int anon = MAP_PRIVATE | MAP_ANONYMOUS;

static void
set(const char *name, long value)
{
	char path[80], text[32];
	int n = snprintf(text, sizeof(text), "%ld\n", value);

	snprintf(path, sizeof(path), VM "%s", name);
	check(proc_write(path, text) == n);
}

static long
get(const char *name)
{
	char path[80];

	snprintf(path, sizeof(path), VM "%s", name);
	return strtol(proc_text(path), NULL, 10);
}

static long
mem_pages(const char *field)
{
	return proc_value("/proc/meminfo", field) / 4;
}

/* The first look pays for what looking takes. */
static long
committed(void)
{
	mem_pages("Committed_AS:");
	return mem_pages("Committed_AS:");
}

static long
slack(void)
{
	return on_tidemark() ? 0 : SLACK;
}

/* From now on @pages more may be promised, and not one beyond them. */
static void
room(long pages)
{
	set("overcommit_memory", NEVER);
	long limit = committed() + pages + 1;
	set("overcommit_kbytes", (limit - mem_pages("SwapTotal:")) * 4);
	check(mem_pages("CommitLimit:") == limit);
}

/* Runs @run in a child, without reserves, and puts back every setting. */
static void
guarded(void (*run)(void))
{
	long policy = get("overcommit_memory");
	long ratio = get("overcommit_ratio");
	long kbytes = get("overcommit_kbytes");
	long user = get("user_reserve_kbytes");
	long admin = get("admin_reserve_kbytes");

	set("user_reserve_kbytes", 0);
	set("admin_reserve_kbytes", 0);
	pid_t pid = fork();
	if (pid == 0) {
		run();
		_exit(0);
	}
	int status = child_wait(pid);
	set("overcommit_memory", policy);
	if (kbytes)
		set("overcommit_kbytes", kbytes);
	else
		set("overcommit_ratio", ratio);
	set("user_reserve_kbytes", user);
	set("admin_reserve_kbytes", admin);
	if (status)
		fail("the work ended with status 0x%x", status);
}

/* The case @name does name_work with the settings guarded. */
#define GUARDED(name)                 \
	static void name(void)        \
	{                             \
		guarded(name##_work); \
	}

/* @ask takes CHUNK pages or fails with ENOMEM: at the border, and one page before. */
static void
border(bool (*ask)(void))
{
	room(CHUNK - 1);
	long before = committed();
	errno = 0;
	check(!ask() && errno == ENOMEM);
	check(committed() == before);
	room(CHUNK);
	check(ask());
	check(committed() == before + CHUNK);
}

static char *
map(long pages, int prot, int flags)
{
	return mmap(NULL, pages * PAGE, prot, flags, -1, 0);
}

/* ---- guess ---- */

static bool
may_map(long pages, int flags)
{
	char *p = map(pages, rw, flags);

	if (p == MAP_FAILED) {
		check(errno == ENOMEM);
		return false;
	}
	check(munmap(p, pages * PAGE) == 0);
	return true;
}

static void
guess_work(void)
{
	set("overcommit_memory", GUESS);
	long all = mem_pages("MemTotal:") + mem_pages("SwapTotal:");
	check(may_map(all, anon));
	check(!may_map(all + 1, anon));
	check(may_map(all, MAP_SHARED | MAP_ANONYMOUS));
	check(!may_map(all + 1, MAP_SHARED | MAP_ANONYMOUS));
	check(may_map(4 * all, anon | MAP_NORESERVE));
	check(may_map(4 * all, MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE));
	check(map(4 * all, PROT_READ, anon) != MAP_FAILED); /* nothing to write, nothing to promise */
	/* Each alone: together they may be more than there is. */
	char *p = map(all, rw, anon);
	char *q = map(all, rw, anon);
	check(p != MAP_FAILED && q != MAP_FAILED && committed() >= 2 * all);
}
GUARDED(guess)

static void
guess_grows_work(void)
{
	set("overcommit_memory", GUESS);
	long all = mem_pages("MemTotal:") + mem_pages("SwapTotal:");
	char *p = map(16, rw, anon);
	char *q = map(all + 1, PROT_READ, anon);
	check(p != MAP_FAILED && q != MAP_FAILED);
	check(mremap(p, 16 * PAGE, (all + 17) * PAGE, MREMAP_MAYMOVE) == MAP_FAILED && errno == ENOMEM);
	check_errno(mprotect(q, (all + 1) * PAGE, rw), ENOMEM);
	check(mprotect(q, all * PAGE, rw) == 0);
	/* What grows is looked at, not what was there. */
	p = mremap(p, 16 * PAGE, (all + 16) * PAGE, MREMAP_MAYMOVE);
	check(p != MAP_FAILED);
}
GUARDED(guess_grows)

/* ---- always ---- */

static void
always_work(void)
{
	const long pages = 1L << 28; /* 1 TiB */

	set("overcommit_memory", ALWAYS);
	set("overcommit_kbytes", 4);
	long before = committed();
	char *p = map(pages, rw, anon);
	check(p != MAP_FAILED && committed() == before + pages);
	p[0] = p[(pages - 1) * PAGE] = 1;
	check(munmap(p + PAGE, (pages - 2) * PAGE) == 0 && committed() == before + 2);
	check(munmap(p, pages * PAGE) == 0 && committed() == before);
}
GUARDED(always)

/* ---- never, call by call ---- */

static bool
ask_mmap(void)
{
	return map(CHUNK, rw, anon) != MAP_FAILED;
}

static int file;

static bool
ask_mmap_file(void)
{
	return mmap(NULL, CHUNK * PAGE, rw, MAP_PRIVATE, file, 0) != MAP_FAILED;
}

static bool
ask_shared(void)
{
	return map(CHUNK, PROT_NONE, MAP_SHARED | MAP_ANONYMOUS) != MAP_FAILED;
}

static bool
ask_noreserve(void)
{
	return map(CHUNK, rw, anon | MAP_NORESERVE) != MAP_FAILED;
}

static bool
ask_brk(void)
{
	uintptr_t end = (uintptr_t)syscall(SYS_brk, 0);

	errno = ENOMEM; /* this call only tells where the end is */
	return (uintptr_t)syscall(SYS_brk, end + CHUNK * PAGE) == end + CHUNK * PAGE;
}

static char *small;

static bool
ask_mremap(void)
{
	return mremap(small, 16 * PAGE, (16 + CHUNK) * PAGE, 0) != MAP_FAILED;
}

static bool
ask_mremap_move(void)
{
	return mremap(small, 16 * PAGE, (16 + CHUNK) * PAGE, MREMAP_MAYMOVE) != MAP_FAILED;
}

static bool
ask_mremap_twice(void)
{
	return mremap(small, CHUNK * PAGE, CHUNK * PAGE, MREMAP_MAYMOVE | 4 /* DONTUNMAP */, NULL) != MAP_FAILED;
}

static bool
ask_mprotect(void)
{
	return mprotect(small, CHUNK * PAGE, rw) == 0;
}

static void
mmap_border_work(void)
{
	border(ask_mmap);
}
GUARDED(mmap_border)

static void
file_border_work(void)
{
	file = file_make("/overcommit", PAGE);
	border(ask_mmap_file);
	unlink("/overcommit");
}
GUARDED(file_border)

static void
shared_border_work(void)
{
	border(ask_shared);
}
GUARDED(shared_border)

static void
noreserve_border_work(void)
{
	border(ask_noreserve);
}
GUARDED(noreserve_border)

static void
brk_border_work(void)
{
	border(ask_brk);
}
GUARDED(brk_border)

static void
mremap_border_work(void)
{
	small = (char *)free_range(2 * CHUNK);
	check(mmap(small, 16 * PAGE, rw, anon | MAP_FIXED, -1, 0) == small);
	border(ask_mremap);
}
GUARDED(mremap_border)

static void
mremap_move_border_work(void)
{
	small = (char *)free_range(2 * CHUNK);
	check(mmap(small, 16 * PAGE, rw, anon | MAP_FIXED, -1, 0) == small);
	check(mmap(small + 16 * PAGE, PAGE, PROT_NONE, anon | MAP_FIXED, -1, 0) != MAP_FAILED);
	border(ask_mremap_move);
}
GUARDED(mremap_move_border)

static void
mremap_twice_border_work(void)
{
	small = map(CHUNK, rw, anon);
	check(small != MAP_FAILED);
	border(ask_mremap_twice);
}
GUARDED(mremap_twice_border)

static void
mprotect_border_work(void)
{
	int fd = file_make("/overcommit", PAGE);

	small = mmap(NULL, CHUNK * PAGE, PROT_READ, MAP_PRIVATE, fd, 0);
	check(small != MAP_FAILED);
	border(ask_mprotect);
	/* What was promised once stays so, and is not promised twice. */
	long now = committed();
	room(0);
	check(mprotect(small, CHUNK * PAGE, PROT_READ) == 0 && committed() == now);
	check(ask_mprotect() && committed() == now);
	check(munmap(small, CHUNK * PAGE) == 0 && committed() == now - CHUNK);
	unlink("/overcommit");
}
GUARDED(mprotect_border)

/* ---- fork and exec ---- */

static void
waits_for_end(void *gate)
{
	char c;

	close(((int *)gate)[1]);
	check(read(((int *)gate)[0], &c, 1) == 0);
}

static void
looks(void *arg)
{
	(void)arg;
	committed();
}

/* What a child costs, in pages. */
static long
fork_cost(void)
{
	int gate[2];
	long before = committed();

	check(pipe(gate) == 0);
	pid_t pid = child_start(waits_for_end, gate);
	long cost = committed() - before;
	close(gate[0]);
	close(gate[1]);
	check(child_wait(pid) == 0);
	return cost;
}

static void
fork_border_work(void)
{
	char *p = map(CHUNK, rw, anon);
	char *kept = map(CHUNK, rw, anon | MAP_NORESERVE);

	check(p != MAP_FAILED && kept != MAP_FAILED);
	long cost = fork_cost();
	check(cost >= CHUNK);
	room(cost - 1 - slack());
	long before = committed();
	check_errno(fork(), ENOMEM);
	check(committed() == before);
	room(cost);
	child_must_live(looks, NULL);
	check(committed() == before);
	/* What the child does not get is not promised to it. */
	check(madvise(p, CHUNK * PAGE, MADV_DONTFORK) == 0);
	room(cost - CHUNK);
	child_must_live(looks, NULL);
	check(fork_cost() == cost - CHUNK);
}
GUARDED(fork_border)

static void
exec_refused_work(void)
{
	char *const words[] = {(char *)self_path, NULL};

	room(-10);
	long before = committed();
	check_errno(execv(self_path, words), ENOMEM);
	check_errno(fork(), ENOMEM);
	check(committed() == before);
}
GUARDED(exec_refused)

/* ---- the stack ---- */

static volatile char *
below_stack(long pages)
{
	struct map_line line = {0};

	check(map_find(0, &line, &line));
	return (char *)(uintptr_t)line.start - pages * PAGE;
}

static void
stack_too_deep(void *arg)
{
	volatile char *p = below_stack(CHUNK);

	(void)arg;
	room(CHUNK - 1);
	*p = 1;
	fail("the stack grew beyond what may be promised");
}

static void
stack_border_work(void)
{
	volatile char *p = below_stack(CHUNK);

	child_must_die(stack_too_deep, NULL, SIGSEGV);
	room(CHUNK);
	long before = committed();
	*p = 1;
	check(committed() == before + CHUNK);
}
GUARDED(stack_border)

/* ---- files in memory ---- */

static int
memfd(void)
{
	int fd = (int)syscall(SYS_memfd_create, "promise", 0);

	check(fd >= 0);
	return fd;
}

/* Writes page after page until one is refused; returns how many were not. */
static long
fill(int fd, long most)
{
	static char page[PAGE];
	long n = 0;

	while (n < most && write(fd, page, PAGE) == PAGE)
		n++;
	return n;
}

static void
tmpfs_border_work(void)
{
	/* A file system of its own: a bare initrd of Linux may be one that does not count. */
	check(mkdir("/overcommit.d", 0755) == 0 && mount("tmpfs", "/overcommit.d", "tmpfs", 0, NULL) == 0);
	int fd = file_make("/overcommit.d/file", 0);

	fill(fd, 1); /* and whatever the buffer costs */
	room(64);
	long before = committed();
	errno = 0;
	long n = fill(fd, 64 + SLACK + 64);
	check(errno == ENOSPC && n >= 64 && n <= 64 + slack());
	check(committed() == before + n);
	check(ftruncate(fd, 2 * PAGE) == 0 && committed() == before + 1);
	close(fd);
	check(unlink("/overcommit.d/file") == 0 && committed() == before - 1);
	check(umount("/overcommit.d") == 0 && rmdir("/overcommit.d") == 0);
}
GUARDED(tmpfs_border)

static void
truncate_costs_nothing_work(void)
{
	int fd = memfd();

	room(0);
	long before = committed();
	check(ftruncate(fd, 1L << 30) == 0);
	char *p = mmap(NULL, 1L << 30, rw, MAP_SHARED, fd, 0);
	check(p != MAP_FAILED && committed() == before);
	room(8);
	p[0] = p[PAGE] = 1;
	check(committed() == before + 2);
	check(munmap(p, 1L << 30) == 0 && committed() == before + 2);
	close(fd);
	check(committed() == before);
}
GUARDED(truncate_costs_nothing)

static void
touches_memfd(void *arg)
{
	int fd = memfd();
	const long pages = 16 + SLACK + 64;

	(void)arg;
	check(ftruncate(fd, pages * PAGE) == 0);
	volatile char *p = mmap(NULL, pages * PAGE, rw, MAP_SHARED, fd, 0);
	check(p != MAP_FAILED);
	room(16);
	long before = committed();
	for (long i = 0; i < 16; i++)
		p[i * PAGE] = 1;
	check(committed() == before + 16);
	for (long i = 0; i < pages; i++)
		p[i * PAGE] = 1;
}

static void
memfd_fault_work(void)
{
	child_must_die(touches_memfd, NULL, SIGBUS);
}
GUARDED(memfd_fault)

/* ---- what counts ---- */

static void
noreserve_modes_work(void)
{
	for (int policy = GUESS; policy <= NEVER; policy++) {
		set("overcommit_memory", ALWAYS);
		set("overcommit_kbytes", 1L << 30);
		set("overcommit_memory", policy);
		long counts = policy == NEVER ? CHUNK : 0;
		long before = committed();
		char *p = map(CHUNK, rw, anon | MAP_NORESERVE);
		check(p != MAP_FAILED && committed() == before + counts);
		check(mprotect(p, CHUNK * PAGE, PROT_READ) == 0 && mprotect(p, CHUNK * PAGE, rw) == 0);
		check(committed() == before + counts);
		check(munmap(p, CHUNK * PAGE) == 0 && committed() == before);
		/* Shared memory then pays page by page. */
		p = map(CHUNK, rw, MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE);
		check(p != MAP_FAILED && committed() == before + counts);
		p[0] = p[5 * PAGE] = 1;
		check(committed() == before + (counts ? counts : 2));
		check(munmap(p, CHUNK * PAGE) == 0 && committed() == before);
	}
}
GUARDED(noreserve_modes)

static void
shared_as_a_whole_work(void)
{
	long before = committed();
	char *p = map(CHUNK, PROT_READ, MAP_SHARED | MAP_ANONYMOUS);

	check(p != MAP_FAILED && committed() == before + CHUNK);
	check(mprotect(p, CHUNK * PAGE, rw) == 0 && committed() == before + CHUNK);
	p[0] = 1;
	char *q = mremap(p, 0, CHUNK * PAGE, MREMAP_MAYMOVE); /* the same memory once more */
	check(q != MAP_FAILED && committed() == before + CHUNK);
	check(munmap(p, CHUNK * PAGE) == 0 && committed() == before + CHUNK);
	check(munmap(q + PAGE, (CHUNK - 1) * PAGE) == 0 && committed() == before + CHUNK);
	check(munmap(q, PAGE) == 0 && committed() == before);
}
GUARDED(shared_as_a_whole)

/* Cut, replaced and joined again, each page counts once. */
static void
parts_work(void)
{
	long before = committed();
	char *p = map(64, rw, anon);

	check(p != MAP_FAILED && committed() == before + 64);
	check(munmap(p + 10 * PAGE, 20 * PAGE) == 0 && committed() == before + 44);
	check(mmap(p + 5 * PAGE, 30 * PAGE, PROT_READ, anon | MAP_FIXED, -1, 0) != MAP_FAILED);
	check(committed() == before + 34);
	check(mmap(p, 64 * PAGE, rw, anon | MAP_FIXED, -1, 0) == p && committed() == before + 64);
	check(mprotect(p + 8 * PAGE, 8 * PAGE, PROT_NONE) == 0 && committed() == before + 64);
	char *q = mremap(p + 32 * PAGE, 32 * PAGE, 8 * PAGE, MREMAP_MAYMOVE);
	check(q == p + 32 * PAGE && committed() == before + 40);
	q = map(64, rw, anon);
	check(q != MAP_FAILED && committed() == before + 104);
	check(mremap(p, 8 * PAGE, 8 * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, q) == q && committed() == before + 96);
	check(munmap(p, 64 * PAGE) == 0 && munmap(q, 64 * PAGE) == 0 && committed() == before);
}
GUARDED(parts)

/* What is replaced is given back: where nothing more is needed, nothing more is asked. */
static void
replace_at_border_work(void)
{
	char *p = map(CHUNK, rw, anon);
	char *q = map(CHUNK, rw, anon);

	check(p != MAP_FAILED && q != MAP_FAILED);
	room(0);
	long before = committed();
	check(mmap(p, CHUNK * PAGE, rw, anon | MAP_FIXED, -1, 0) == p && committed() == before);
	check(mremap(p, CHUNK * PAGE, CHUNK * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, q) == q);
	check(committed() == before - CHUNK);
}
GUARDED(replace_at_border)

static void
switch_modes_work(void)
{
	set("overcommit_memory", ALWAYS);
	char *p = map(2 * CHUNK, rw, anon);
	char *free_of_charge = map(CHUNK, rw, anon | MAP_NORESERVE);
	check(p != MAP_FAILED && free_of_charge != MAP_FAILED);
	room(-CHUNK);
	/* A promise is kept, whatever the policy has become. */
	long before = committed();
	p[0] = p[(2 * CHUNK - 1) * PAGE] = free_of_charge[0] = 1;
	check(map(1, rw, anon) == MAP_FAILED && errno == ENOMEM);
	check(munmap(free_of_charge, CHUNK * PAGE) == 0 && committed() == before);
	check(munmap(p, CHUNK * PAGE) == 0);
	check(map(CHUNK, rw, anon) == MAP_FAILED && errno == ENOMEM);
	check(munmap(p + CHUNK * PAGE, CHUNK * PAGE) == 0);
	check(map(CHUNK, rw, anon) != MAP_FAILED);
	set("overcommit_memory", GUESS);
	check(map(2 * CHUNK, rw, anon) != MAP_FAILED);
}
GUARDED(switch_modes)

/* ---- reserves ---- */

static void
admin_reserve_work(void)
{
	room(CHUNK + RESERVE);
	set("admin_reserve_kbytes", RESERVE * 4);
	check(syscall(SYS_setresuid, -1, 1000, -1) == 0);
	check(map(CHUNK + 1, rw, anon) == MAP_FAILED && errno == ENOMEM);
	check(map(CHUNK, rw, anon) != MAP_FAILED);
	check(map(CHUNK, rw, anon) == MAP_FAILED && errno == ENOMEM);
	check(syscall(SYS_setresuid, -1, 0, -1) == 0);
	check(map(RESERVE, rw, anon) != MAP_FAILED);
	room(0);
	check(map(CHUNK, rw, anon) == MAP_FAILED && errno == ENOMEM);
}
GUARDED(admin_reserve)

static void
user_reserve_work(void)
{
	check(map(32 * 100, PROT_READ, anon) != MAP_FAILED); /* size, not promise */
	proc_value("/proc/self/status", "VmSize:");
	long part = proc_value("/proc/self/status", "VmSize:") / 4 / 32;
	check(part >= 100);
	set("user_reserve_kbytes", 1L << 20); /* so the 32nd part of the program is what counts */
	room(CHUNK + part);
	check(map(CHUNK + 1, rw, anon) == MAP_FAILED && errno == ENOMEM);
	char *p = map(CHUNK, rw, anon);
	check(p != MAP_FAILED && munmap(p, CHUNK * PAGE) == 0);
	set("user_reserve_kbytes", 40); /* 10 pages are less */
	room(CHUNK + 10);
	check(map(CHUNK + 1, rw, anon) == MAP_FAILED && errno == ENOMEM);
	check(map(CHUNK, rw, anon) != MAP_FAILED);
}
GUARDED(user_reserve)

/* ---- settings ---- */

static void
settings_work(void)
{
	long total = mem_pages("MemTotal:");
	long swap = mem_pages("SwapTotal:");

	set("overcommit_ratio", 30);
	check(get("overcommit_kbytes") == 0 && mem_pages("CommitLimit:") == total * 30 / 100 + swap);
	set("overcommit_kbytes", 12346);
	check(get("overcommit_ratio") == 0 && mem_pages("CommitLimit:") == 12346 / 4 + swap);
	set("overcommit_ratio", 250);
	check(get("overcommit_kbytes") == 0 && mem_pages("CommitLimit:") == total * 250 / 100 + swap);
	check_errno(proc_write(VM "overcommit_memory", "3"), EINVAL);
	check_errno(proc_write(VM "overcommit_memory", "-1"), EINVAL);
	check_errno(proc_write(VM "overcommit_ratio", "many"), EINVAL);
	check_errno(proc_write(VM "overcommit_kbytes", "-1"), EINVAL);
	check_errno(proc_write(VM "user_reserve_kbytes", "-1"), EINVAL);
	check_errno(proc_write(VM "admin_reserve_kbytes", "x"), EINVAL);
	check(get("overcommit_ratio") == 250 && get("user_reserve_kbytes") == 0);
	set("user_reserve_kbytes", 123);
	set("admin_reserve_kbytes", 456);
	check(get("user_reserve_kbytes") == 123 && get("admin_reserve_kbytes") == 456);
}
GUARDED(settings)

/* ---- RLIMIT_AS ---- */

static void
stack_beyond_space(void *arg)
{
	volatile char *p = below_stack(CHUNK);
	rlim_t used = (rlim_t)status_kib("VmSize") * 1024;
	struct rlimit limit = {used + CHUNK * PAGE / 2, RLIM_INFINITY};

	(void)arg;
	check(setrlimit(RLIMIT_AS, &limit) == 0);
	*p = 1;
}

static void
stack_in_space(void)
{
	child_must_die(stack_beyond_space, NULL, SIGSEGV);
}

const struct test_case overcommit_cases[] = {
	{"guess: a mapping alone is not more than RAM and swap, to the page", guess, 0, 0},
	{"guess: mremap and mprotect are asked for what grows", guess_grows, 0, 0},
	{"always: a TiB, and every page of it counted", always, 0, 0},
	{"never: mmap at its border", mmap_border, 0, CASE_NO_SWAP},
	{"never: a private writable file mapping at its border", file_border, 0, CASE_NO_SWAP},
	{"never: shared anonymous memory at its border, whatever it may be used for", shared_border, 0, CASE_NO_SWAP},
	{"never: MAP_NORESERVE is not heard", noreserve_border, 0, CASE_NO_SWAP},
	{"never: brk at its border", brk_border, 0, CASE_NO_SWAP},
	{"never: mremap that grows in place at its border", mremap_border, 0, CASE_NO_SWAP},
	{"never: mremap that grows and moves at its border", mremap_move_border, 0, CASE_NO_SWAP},
	{"never: MREMAP_DONTUNMAP promises twice", mremap_twice_border, 0, CASE_NO_SWAP},
	{"never: mprotect makes a promise, once", mprotect_border, 0, CASE_NO_SWAP},
	{"never: fork promises the child as much, but for what it leaves out", fork_border, 0, CASE_NO_SWAP},
	{"never: exec and fork beyond the limit are ENOMEM and leave nothing", exec_refused, 0, CASE_NO_SWAP},
	{"never: a stack that may not grow is SIGSEGV", stack_border, 0, CASE_NO_SWAP},
	{"never: a file in memory is promised page by page, then ENOSPC", tmpfs_border, 0, CASE_NO_SWAP},
	{"never: truncate promises nothing, the first touch does", truncate_costs_nothing, 0, CASE_NO_SWAP},
	{"never: a page of a memfd that may not be promised is SIGBUS", memfd_fault, 0, CASE_NO_SWAP},
	{"MAP_NORESERVE counts in no mode but never", noreserve_modes, 0, 0},
	{"shared memory counts as a whole, until its last mapping goes", shared_as_a_whole, 0, 0},
	{"parts that are cut, replaced and moved count once", parts, 0, 0},
	{"what is replaced counts for who replaces it", replace_at_border, 0, CASE_NO_SWAP},
	{"a change of policy keeps promises and refuses new ones", switch_modes, 0, CASE_NO_SWAP},
	{"admin_reserve_kbytes is root's", admin_reserve, 0, CASE_NO_SWAP},
	{"user_reserve_kbytes, or the 32nd part of a small program", user_reserve, 0, CASE_NO_SWAP},
	{"ratio and kbytes replace each other; what no setting takes is EINVAL", settings, 0, 0},
	{"RLIMIT_AS holds for the stack", stack_in_space, 0, 0},
	{0},
};
