/* SPDX-License-Identifier: MIT */
/*
 * user/sysfuzz/args.c - arguments that are nearly right
 *
 * Idea        a call with nonsense in every argument ends at its first check. So each argument is of its kind: an
 *             address of a mapping of one's own or next to one, a size on or beside a page's edge, flags of the real
 *             set; and one in some twenty is wild.
 * Invariants  pids are one's own, a child's or nobody's; paths lie in the playground or are files to read
 * Locks       none
 * Follow      from worker.c
 * Tests       tests/guest/test_guest.py (test_sysfuzz)
 */
#include "sysfuzz.h"
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define PICK(p, set) ((set)[random_below(p, sizeof(set) / sizeof((set)[0]))])

static const uint64_t wild[] = {0,
				1,
				8,
				4095,
				4096,
				0x7ffffffff000,
				0x7fffffffffff,
				0x800000000000,
				0x7fffffffffffffff,
				0x8000000000000000,
				0xffff800000000000,
				0xffffffff80000000,
				0xfffffffffffff000,
				0xffffffffffffffff};
static const uint64_t sizes[] = {0,         1,          PAGE - 1,   PAGE,       PAGE + 1,    2 * PAGE,   8 * PAGE,
				 64 * PAGE, 511 * PAGE, 512 * PAGE, 513 * PAGE, 1024 * PAGE, 2048 * PAGE};
static const uint64_t prots[] = {
	PROT_NONE, PROT_READ, PROT_READ | PROT_WRITE, PROT_READ | PROT_WRITE, PROT_WRITE, PROT_READ | PROT_EXEC};
static const uint64_t map_flags[] = {MAP_FIXED,    MAP_FIXED,     0x100000 /* FIXED_NOREPLACE */,
				     MAP_POPULATE, MAP_NORESERVE, MAP_GROWSDOWN,
				     MAP_LOCKED,   MAP_STACK,     MAP_HUGETLB};
static const uint64_t advices[] = {0,  1,  2,  3,  4,  4,  4,  8,  8,  9,  10, 11,
				   14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 12, 77};
static const uint64_t open_flags[] = {O_RDONLY,
				      O_RDWR,
				      O_RDWR | O_CREAT,
				      O_RDWR | O_CREAT | O_TRUNC,
				      O_WRONLY | O_APPEND | O_CREAT,
				      O_DIRECTORY,
				      O_CREAT | O_EXCL | O_RDWR,
				      O_PATH,
				      O_RDWR | O_TMPFILE,
				      O_RDONLY | O_CLOEXEC};
static const uint64_t modes[] = {0600, 0644, 0755, 0, 07777, S_IFREG | 0600, S_IFIFO | 0600, S_IFDIR | 0700};
static const uint64_t futex_ops[] = {0,   1,   3,   4,   5,   6,   7,   8,   9,  10, 128,
				     129, 131, 132, 133, 137, 138, 256, 265, 12, 99};
static const uint64_t ioctls[] = {0x5401, 0x5402, 0x5413, 0x5414, 0x541b, 0x540f, 0x5410, 0x5450, 0x5451, 0x5421};
static const uint64_t clone_flags[] = {SIGCHLD,
				       CLONE_FILES | SIGCHLD,
				       CLONE_FS | SIGCHLD,
				       CLONE_SIGHAND | SIGCHLD,
				       CLONE_THREAD,
				       CLONE_PARENT_SETTID | SIGCHLD,
				       CLONE_CHILD_SETTID | SIGCHLD,
				       CLONE_CHILD_CLEARTID,
				       CLONE_NEWNS,
				       0xffffffffffffffff};
static const char *const toys[] = {"a", "b", "c", "d", "d/a", "d/b", "d/d", "d/d/a", "link", "fifo", ".", "", "a/b"};
/* clang-format off */
static const char *const paths[] = {
	"/dev/zero", "/dev/null", "/dev/full", "/dev/urandom", "/proc/self/maps", "/proc/self/smaps",
	"/proc/self/pagemap", "/proc/self/stat", "/proc/self/status", "/proc/self/mem", "/proc/self/fd",
	"/proc/self/environ", "/proc/self/exe", "/proc/meminfo", "/proc/vmstat", "/proc/slabinfo", "/proc",
	"/proc/self/task", "/proc/self/clear_refs",
};
/* clang-format on */

static uint64_t flag_make(struct player *p, char kind);
static uint64_t address_make(struct player *p);
static uint64_t size_make(struct player *p);
static uint64_t fd_make(struct player *p);
static uint64_t pid_make(struct player *p);
static uint64_t buffer_make(struct player *p);
static uint64_t vector_make(struct player *p);
static uint64_t time_make(struct player *p);
static uint64_t path_make(struct player *p, bool own);
static bool rarely(struct player *p, int one_in);

/* See: Sebastiano Vigna, splitmix64 */
uint64_t
random_next(struct player *p)
{
	uint64_t z = p->random += 0x9e3779b97f4a7c15;

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
	z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
	return z ^ (z >> 31);
}

uint64_t
random_below(struct player *p, uint64_t n)
{
	return random_next(p) % n;
}

static bool
rarely(struct player *p, int one_in)
{
	return random_below(p, one_in) == 0;
}

uint64_t
argument_make(struct player *p, char kind)
{
	if (kind != 'i' && kind != 'p' && kind != 'h' && kind != 'C' && rarely(p, 40))
		return rarely(p, 2) ? PICK(p, wild) : random_next(p);
	switch (kind) {
	case 'A':
		return address_make(p);
	case 'Z':
		return size_make(p);
	case 'F':
		return (rarely(p, 3) ? MAP_SHARED : MAP_PRIVATE) | (rarely(p, 3) ? 0 : MAP_ANONYMOUS) |
		       (rarely(p, 2) ? PICK(p, map_flags) : 0);
	case 'O':
		return rarely(p, 4) ? size_make(p) : random_below(p, 600) * PAGE;
	case 'B':
		return (uint64_t)sbrk(0) + random_below(p, 64) * PAGE - 32 * PAGE + random_below(p, 2);
	case 'f':
		return fd_make(p);
	case 'D':
		return rarely(p, 4) ? fd_make(p) : (uint64_t)AT_FDCWD;
	case 'p':
		return path_make(p, true);
	case 'h':
		return path_make(p, false);
	case 'n':
		return rarely(p, 3) ? size_make(p) : random_below(p, 40);
	case 'b':
		return buffer_make(p);
	case 'v':
		return vector_make(p);
	case 't':
		return time_make(p);
	case 'k':
		return address_make(p) & ~3ul;
	case 'i':
		return pid_make(p);
	case 'q':
		return WNOHANG | (rarely(p, 3) ? random_below(p, 8) : 0) | (rarely(p, 2) ? WEXITED : 0);
	case '8':
		return 8;
	case 'r':
		return rarely(p, 2) ? 0 : 1ul << random_below(p, 32);
	default:
		return flag_make(p, kind);
	}
}

/* What is drawn from a set, or is a small number. */
static uint64_t
flag_make(struct player *p, char kind)
{
	switch (kind) {
	case 'P':
		return PICK(p, prots);
	case 'M':
		return PICK(p, advices);
	case 'o':
		return PICK(p, open_flags);
	case 'm':
		return PICK(p, modes);
	case 'U':
		return PICK(p, futex_ops);
	case 'I':
		return PICK(p, ioctls);
	case 'C':
		return PICK(p, clone_flags);
	case 'R':
	case 'S':
	case 'L':
	case 'w':
		return random_below(p, 8);
	case 's':
		return random_below(p, 66);
	case 'l':
		return random_below(p, 17);
	case 'x':
		return random_below(p, 5);
	default:
		return 0;
	}
}

/* In a mapping, at its edges, or one page beside it. */
static uint64_t
address_make(struct player *p)
{
	const struct region *r = &PICK(p, p->region);
	uint64_t pages = r->bytes / PAGE;
	uint64_t at = r->start + random_below(p, pages + 1) * PAGE;

	if (rarely(p, 4))
		at = rarely(p, 2) ? r->start : r->start + r->bytes;
	if (rarely(p, 10))
		at += rarely(p, 2) ? PAGE : -PAGE;
	if (rarely(p, 12))
		at += random_below(p, PAGE);
	return at;
}

static uint64_t
size_make(struct player *p)
{
	if (rarely(p, 2))
		return PICK(p, sizes);
	return (random_below(p, 24) + 1) * PAGE;
}

static uint64_t
fd_make(struct player *p)
{
	return rarely(p, 15) ? (uint64_t)-1 : 3 + random_below(p, 16);
}

/* Why not 0 or less: to kill() these are others. */
static uint64_t
pid_make(struct player *p)
{
	uint64_t which = random_below(p, 6);

	if (which == 0)
		return 4194303;
	return which < 3 && p->child > 0 ? (uint64_t)p->child : (uint64_t)getpid();
}

/* Room for what a call writes, with what earlier calls have written as input. */
static uint64_t
buffer_make(struct player *p)
{
	if (rarely(p, 6))
		return rarely(p, 2) ? 0 : address_make(p);
	return (uint64_t)p->scratch + random_below(p, 64) * 8;
}

static uint64_t
vector_make(struct player *p)
{
	struct iovec *v = (struct iovec *)(p->scratch + PAGE);

	for (int i = 0; i < 8; i++) {
		v[i].iov_base = (void *)address_make(p);
		v[i].iov_len = size_make(p);
	}
	return (uint64_t)v;
}

/* Never long: a wait is not what is tried here. */
static uint64_t
time_make(struct player *p)
{
	struct timespec *t = (struct timespec *)(p->scratch + 2 * PAGE);

	t->tv_sec = 0;
	t->tv_nsec = random_below(p, 200000);
	return (uint64_t)t;
}

/* What is changed lies in the playground; what is opened to read may be anything. */
static uint64_t
path_make(struct player *p, bool own)
{
	if (rarely(p, 30))
		return rarely(p, 2) ? PICK(p, wild) : address_make(p);
	if (own || rarely(p, 2))
		return (uint64_t)PICK(p, toys);
	return (uint64_t)PICK(p, paths);
}

void
region_learn(struct player *p, const struct call *call, const uint64_t *a, int64_t result)
{
	struct region *r = &PICK(p, p->region);

	if (result < 0 && result > -PAGE)
		return;
	if (call->number == SYS_mmap)
		*r = (struct region){result, a[1] < ARENA ? a[1] : ARENA};
	else if (call->number == SYS_mremap)
		*r = (struct region){result, a[2] < ARENA ? a[2] : ARENA};
}
