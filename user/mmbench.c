/* SPDX-License-Identifier: MIT */
/*
 * user/mmbench.c - micro-benchmarks of a kernel's memory, in instructions
 *
 * Idea        one static program, ordinary Linux calls only; runs as init or as any other process, on Tidemark and on
 *             Linux. /proc and /sys are used when present, never needed. A benchmark whose system calls are missing
 *             prints "name skip why". Every result is one line, "name value unit". The unit "tsc" is time stamp
 *             counter ticks: guest instructions under QEMU "-icount shift=0", host ticks otherwise (divide by
 *             tsc_khz). Results are means over the whole repetition, so deferred and amortised work is charged.
 *
 *             mmbench [option...] [benchmark|group ...]
 *
 *             groups   base fault proc mm ipc file   (run when nothing is named)
 *                      press oom smp                 (only when named)
 *             options  ram=MiB    machine RAM, sizes the press group (default: sysinfo)
 *                      cpus=N     workers in the smp group (default: online CPUs)
 *                      acc=N      accesses in the random and hot-cold tests (default 20000)
 *                      self=PATH  path of this executable, for exec (default: argv[0])
 *                      mark       emit marker instructions around timed regions
 *                      list       list the benchmarks and stop
 * Invariants  none
 * Locks       none
 * Follow      from tests/bench/bench.py, which makes the table
 * Tests       none
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysinfo.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define PG 4096UL
#define KiB 1024UL
#define MiB (1024UL * 1024UL)
#define RW (PROT_READ | PROT_WRITE)
#define ANON (MAP_PRIVATE | MAP_ANONYMOUS)
#define SHANON (MAP_SHARED | MAP_ANONYMOUS)

#define FUTEX_WAIT_PRIVATE 128 /* <linux/futex.h>, which musl does not bring */
#define FUTEX_WAKE_PRIVATE 129

typedef uint64_t u64;
typedef volatile unsigned char vbyte;

static u64 opt_ram;
static int opt_cpus;
static u64 opt_acc = 20000;
static int opt_mark;
static const char *self = "/init";
static u64 boot_tsc;

/* ---- helpers ---------------------------------------------------------- */

static inline u64
tsc(void)
{
	uint32_t a, d;

	__asm__ volatile("rdtsc" : "=a"(a), "=d"(d) : : "memory");
	return a | (u64)d << 32;
}

/* Marker for an instruction-counting emulator plug-in; a long no-op. */
#define MARK(id)                                                                                   \
	do {                                                                                       \
		if (opt_mark)                                                                      \
			__asm__ volatile("nopl %c0(%%rax)" : : "i"(0x4d420000 + (id)) : "memory"); \
	} while (0)

static void
say(const char *fmt, ...)
{
	char b[256];
	va_list ap;
	int n, off = 0;

	va_start(ap, fmt);
	n = vsnprintf(b, sizeof b, fmt, ap);
	va_end(ap);
	if (n > (int)sizeof b - 1)
		n = sizeof b - 1;
	while (off < n) {
		ssize_t w = write(1, b + off, n - off);

		if (w <= 0)
			break;
		off += w;
	}
	ioctl(1, 0x5409 /* TCSBRK */, 1L); /* let the console drain, if it can */
}

/* value = total/n with one decimal, without floating point */
static void
report(const char *name, u64 total, u64 n, const char *unit)
{
	u64 t;

	if (!n)
		n = 1;
	t = (total / n) * 10 + (total % n) * 10 / n;
	say("%s %llu.%llu %s\n", name, (unsigned long long)(t / 10), (unsigned long long)(t % 10), unit);
}

static void
skip(const char *name, const char *why)
{
	say("%s skip %s: %s\n", name, why, strerror(errno));
}

/* Anonymous private memory, in 4 KiB pages unless huge. */
static unsigned char *
map(size_t n, int huge)
{
	void *p = mmap(NULL, n, RW, ANON, -1, 0);

	if (p == MAP_FAILED)
		return NULL;
	if (!huge)
		madvise(p, n, MADV_NOHUGEPAGE);
	return p;
}

static inline void
touch(void *p, size_t n)
{
	size_t i;

	for (i = 0; i < n; i += PG)
		((vbyte *)p)[i] = 1;
}

static inline unsigned
look(const void *p, size_t n)
{
	unsigned s = 0;
	size_t i;

	for (i = 0; i < n; i += PG)
		s += ((vbyte *)p)[i];
	return s;
}

/* A bijection on [0, 2^bits): pseudo-random order without a table. */
static inline u64
scramble(u64 x, int bits)
{
	u64 m = (1UL << bits) - 1;

	x = (x * 0x9E3779B1UL + 0x7F4A7C15UL) & m;
	x ^= x >> (bits / 2);
	x = (x * 0x85EBCA6BUL) & m;
	x ^= x >> (bits / 2);
	return (x * 0xC2B2AE35UL) & m;
}

static u64 rng_state = 88172645463325252ULL;

static inline u64
rnd(void)
{
	rng_state ^= rng_state << 13;
	rng_state ^= rng_state >> 7;
	rng_state ^= rng_state << 17;
	return rng_state;
}

static u64 *
shared_words(void)
{
	u64 *s = mmap(NULL, PG, RW, SHANON, -1, 0);

	if (s == MAP_FAILED)
		return NULL;
	memset(s, 0, PG);
	return s;
}

static u64
ram_bytes(void)
{
	struct sysinfo si;

	if (opt_ram)
		return opt_ram * MiB;
	if (sysinfo(&si) == 0)
		return (u64)si.totalram * si.mem_unit;
	return 0;
}

static u64
swap_bytes(void)
{
	struct sysinfo si;

	if (sysinfo(&si) == 0)
		return (u64)si.totalswap * si.mem_unit;
	return 0;
}

static void
nap_us(long us)
{
	struct timespec ts = {us / 1000000, us % 1000000 * 1000};

	nanosleep(&ts, NULL);
}

/*
 * Time the CPU was busy with tasks, in ns, from Linux's /proc/schedstat; 0 if
 * there is none.  Under icount an idle wait for a disk moves the TSC without
 * executing anything, so the press group reports this as well.
 */
static u64
busy_ns(void)
{
	char b[4096], *p;
	u64 sum = 0;
	ssize_t n;
	int fd = open("/proc/schedstat", O_RDONLY);

	if (fd < 0)
		return 0;
	nap_us(100); /* be switched out: the account is then current */
	n = pread(fd, b, sizeof b - 1, 0);
	close(fd);
	if (n <= 0)
		return 0;
	b[n] = 0;
	for (p = strstr(b, "\ncpu"); p; p = strstr(p, "\ncpu")) {
		int k;

		p += 4;
		for (k = 0; k < 7 && p; k++)
			if ((p = strchr(p, ' ')))
				p++;
		if (!p)
			break;
		sum += strtoull(p, NULL, 10);
	}
	return sum;
}

static u64
majflt(void)
{
	struct rusage ru;

	return getrusage(RUSAGE_SELF, &ru) ? 0 : (u64)ru.ru_majflt;
}

static int
reap(pid_t c)
{
	int st = -1;

	while (waitpid(c, &st, 0) < 0 && errno == EINTR)
		;
	return st;
}

/* ---- base ------------------------------------------------------------- */

static void
b_boot(void)
{
	say("boot %llu tsc\n", (unsigned long long)boot_tsc);
}

static void
b_tsc_khz(void)
{
	struct timespec a, b;
	u64 t0, t1, ns;

	if (clock_gettime(CLOCK_MONOTONIC, &a)) {
		skip("tsc_khz", "clock_gettime");
		return;
	}
	t0 = tsc();
	do {
		t1 = tsc();
		clock_gettime(CLOCK_MONOTONIC, &b);
		ns = (b.tv_sec - a.tv_sec) * 1000000000ULL + b.tv_nsec - a.tv_nsec;
	} while (ns < 50000000 && t1 - t0 < 2000000000ULL);
	if (ns < 1000000)
		say("tsc_khz skip clock too coarse\n");
	else
		say("tsc_khz %llu kHz\n", (unsigned long long)((t1 - t0) * 1000000 / ns));
}

static void
b_ram(void)
{
	struct sysinfo si;

	if (sysinfo(&si)) {
		skip("ram_total", "sysinfo");
		return;
	}
	report("ram_total", (u64)si.totalram * si.mem_unit, KiB, "KiB");
	report("ram_free", (u64)si.freeram * si.mem_unit, KiB, "KiB");
	report("swap_total", (u64)si.totalswap * si.mem_unit, KiB, "KiB");
}

static void
b_rdtsc(void)
{
	u64 t = tsc();
	int i;

	for (i = 0; i < 1000; i++)
		tsc();
	report("rdtsc", tsc() - t, 1000, "tsc/op");
}

/* What clearing, and below copying, a resident page costs by each method. */
static void
b_page_zero(void)
{
	enum {
		N = 2048
	};
	unsigned char *p = map(2 * PG, 0);
	u64 t;
	int i;

	if (!p) {
		skip("zero_stosq", "mmap");
		return;
	}
	touch(p, 2 * PG);
	t = tsc();
	for (i = 0; i < N; i++) {
		void *d = p;
		long n = PG;
		__asm__ volatile("rep stosb" : "+D"(d), "+c"(n) : "a"(0) : "memory");
	}
	report("zero_stosb", tsc() - t, N, "tsc/page");
	t = tsc();
	for (i = 0; i < N; i++) {
		void *d = p;
		long n = PG / 8;
		__asm__ volatile("rep stosq" : "+D"(d), "+c"(n) : "a"(0) : "memory");
	}
	report("zero_stosq", tsc() - t, N, "tsc/page");
	t = tsc();
	for (i = 0; i < N; i++) {
		char *d = (char *)p, *e = d + PG;
		__asm__ volatile("1: movq %2,(%0); movq %2,8(%0); movq %2,16(%0);"
				 "movq %2,24(%0); movq %2,32(%0); movq %2,40(%0);"
				 "movq %2,48(%0); movq %2,56(%0);"
				 "add $64,%0; cmp %1,%0; jne 1b"
				 : "+&r"(d)
				 : "r"(e), "r"(0L)
				 : "memory");
	}
	report("zero_movq", tsc() - t, N, "tsc/page");
	t = tsc();
	for (i = 0; i < N; i++) {
		char *d = (char *)p, *e = d + PG;
		__asm__ volatile("pxor %%xmm0,%%xmm0;"
				 "1: movaps %%xmm0,(%0); movaps %%xmm0,16(%0);"
				 "movaps %%xmm0,32(%0); movaps %%xmm0,48(%0);"
				 "movaps %%xmm0,64(%0); movaps %%xmm0,80(%0);"
				 "movaps %%xmm0,96(%0); movaps %%xmm0,112(%0);"
				 "add $128,%0; cmp %1,%0; jne 1b"
				 : "+&r"(d)
				 : "r"(e)
				 : "memory", "xmm0");
	}
	report("zero_sse", tsc() - t, N, "tsc/page");
	munmap(p, 2 * PG);
}

static void
b_page_copy(void)
{
	enum {
		N = 2048
	};
	unsigned char *p = map(2 * PG, 0);
	u64 t;
	int i;

	if (!p) {
		skip("copy_movsq", "mmap");
		return;
	}
	touch(p, 2 * PG);
	t = tsc();
	for (i = 0; i < N; i++) {
		void *d = p, *s = p + PG;
		long n = PG / 8;
		__asm__ volatile("rep movsq" : "+D"(d), "+S"(s), "+c"(n) : : "memory");
	}
	report("copy_movsq", tsc() - t, N, "tsc/page");
	t = tsc();
	for (i = 0; i < N; i++) {
		char *d = (char *)p, *e = d + PG, *s = (char *)p + PG;
		__asm__ volatile("1: movaps (%1),%%xmm0; movaps 16(%1),%%xmm1;"
				 "movaps 32(%1),%%xmm2; movaps 48(%1),%%xmm3;"
				 "movaps %%xmm0,(%0); movaps %%xmm1,16(%0);"
				 "movaps %%xmm2,32(%0); movaps %%xmm3,48(%0);"
				 "add $64,%1; add $64,%0; cmp %2,%0; jne 1b"
				 : "+&r"(d), "+&r"(s)
				 : "r"(e)
				 : "memory", "xmm0", "xmm1", "xmm2", "xmm3");
	}
	report("copy_sse", tsc() - t, N, "tsc/page");
	munmap(p, 2 * PG);
}

static void
b_getppid(void)
{
	u64 t = tsc();
	int i;

	for (i = 0; i < 10000; i++)
		getppid();
	report("getppid", tsc() - t, 10000, "tsc/call");
}

/* Through the C library: with a vDSO there is no system call in it. */
static void
b_clock_gettime(void)
{
	struct timespec now;
	u64 t;
	int i;

	clock_gettime(CLOCK_MONOTONIC, &now);
	t = tsc();
	for (i = 0; i < 10000; i++)
		clock_gettime(CLOCK_MONOTONIC, &now);
	report("clock_gettime", tsc() - t, 10000, "tsc/call");
}

/* ---- fault ------------------------------------------------------------ */

enum how {
	SEQ,
	RANDOM,
	READ,
	POPULATE
};

/* Fault in 64 MiB some way; also the cost of unmapping it again. */
static void
fault_run(const char *name, const char *unname, enum how how, int huge)
{
	enum {
		ROUNDS = 4,
		BITS = 14
	};
	size_t n = PG << BITS, i;
	u64 tf = 0, tu = 0, t;
	int r;

	for (r = 0; r < ROUNDS; r++) {
		unsigned char *p;

		t = tsc();
		p = how == POPULATE ? mmap(NULL, n, RW, ANON | MAP_POPULATE, -1, 0) : map(n, huge);
		if (!p || p == MAP_FAILED) {
			skip(name, "mmap");
			return;
		}
		if (how != POPULATE)
			t = tsc();
		switch (how) {
		case SEQ:
			touch(p, n);
			break;
		case RANDOM:
			for (i = 0; i < n / PG; i++)
				((vbyte *)p)[scramble(i, BITS) * PG] = 1;
			break;
		case READ:
			look(p, n);
			break;
		case POPULATE:
			break;
		}
		tf += tsc() - t;
		t = tsc();
		munmap(p, n);
		tu += tsc() - t;
	}
	report(name, tf, ROUNDS * (n / PG), "tsc/page");
	if (unname)
		report(unname, tu, ROUNDS * (n / PG), "tsc/page");
}

static void
b_fault_seq(void)
{
	fault_run("fault_seq", "munmap_64m", SEQ, 0);
}
static void
b_fault_thp(void)
{
	fault_run("fault_seq_thp", "munmap_64m_thp", SEQ, 1);
}
static void
b_fault_rand(void)
{
	fault_run("fault_rand", NULL, RANDOM, 0);
}
static void
b_fault_read(void)
{
	fault_run("fault_read", "munmap_64m_zero", READ, 0);
}
static void
b_fault_populate(void)
{
	fault_run("fault_populate", NULL, POPULATE, 0);
}

/* Write to pages that a read has already mapped to the zero page. */
static void
b_fault_upgrade(void)
{
	size_t n = 16 * MiB;
	unsigned char *p = map(n, 0);
	u64 t;

	if (!p) {
		skip("fault_upgrade", "mmap");
		return;
	}
	look(p, n);
	t = tsc();
	touch(p, n);
	report("fault_upgrade", tsc() - t, n / PG, "tsc/page");
	munmap(p, n);
}

/* One page in every 2 MiB: the page-table pages are the cost. */
static void
b_fault_sparse(void)
{
	size_t n = 1024 * MiB, step = 2 * MiB, i;
	unsigned char *p = mmap(NULL, n, RW, ANON | MAP_NORESERVE, -1, 0);
	u64 t;

	if (p == MAP_FAILED) {
		skip("fault_sparse", "mmap");
		return;
	}
	madvise(p, n, MADV_NOHUGEPAGE);
	t = tsc();
	for (i = 0; i < n; i += step)
		((vbyte *)p)[i] = 1;
	report("fault_sparse", tsc() - t, n / step, "tsc/page");
	t = tsc();
	munmap(p, n);
	report("munmap_sparse", tsc() - t, n / step, "tsc/page");
}

static void
b_fault_shared(void)
{
	size_t n = 16 * MiB;
	unsigned char *p = mmap(NULL, n, RW, SHANON, -1, 0);
	u64 t;

	if (p == MAP_FAILED) {
		skip("fault_shared", "mmap");
		return;
	}
	t = tsc();
	touch(p, n);
	report("fault_shared", tsc() - t, n / PG, "tsc/page");
	munmap(p, n);
}

enum {
	COW_ROUNDS = 4
};

static void cow_pages(void);
static void cow_sparse(void);

/*
 * Copy-on-write after fork.  child: the child copies each page; parent: the
 * parent then writes each page as its sole owner; sparse: whole cost of
 * fork + a child writing one page per 2 MiB of 64 MiB + exit + wait, the worst
 * case for a kernel that shares page tables at fork.
 */
static void
b_cow(void)
{
	cow_pages();
	cow_sparse();
}

static void
cow_pages(void)
{
	size_t n = 16 * MiB;
	unsigned char *p = map(n, 0);
	u64 *sh = shared_words(), tp = 0, t;
	int r;

	if (!p || !sh) {
		skip("cow_child", "mmap");
		return;
	}
	touch(p, n);
	for (r = 0; r < COW_ROUNDS; r++) {
		pid_t c = fork();

		if (c < 0) {
			skip("cow_child", "fork");
			return;
		}
		if (!c) {
			t = tsc();
			touch(p, n);
			sh[0] += tsc() - t;
			_exit(0);
		}
		reap(c);
		t = tsc();
		touch(p, n);
		tp += tsc() - t;
	}
	report("cow_child", sh[0], COW_ROUNDS * (n / PG), "tsc/page");
	report("cow_reuse", tp, COW_ROUNDS * (n / PG), "tsc/page");
	munmap(p, n);
	munmap(sh, PG);
}

static void
cow_sparse(void)
{
	size_t n = 64 * MiB, i;
	unsigned char *p = map(n, 0);
	u64 t;
	int r;

	if (!p) {
		skip("cow_sparse_64m", "mmap");
		return;
	}
	touch(p, n);
	t = tsc();
	for (r = 0; r < COW_ROUNDS; r++) {
		pid_t c = fork();

		if (c < 0) {
			skip("cow_sparse_64m", "fork");
			return;
		}
		if (!c) {
			for (i = 0; i < n; i += 2 * MiB)
				((vbyte *)p)[i] = 2;
			_exit(0);
		}
		reap(c);
	}
	report("cow_sparse_64m", tsc() - t, COW_ROUNDS, "tsc/op");
	munmap(p, n);
}

/* ---- proc ------------------------------------------------------------- */

static void
fork_run(const char *name, size_t mib, int rounds, int huge)
{
	size_t n = mib * MiB;
	u64 ram = ram_bytes(), t, t1, tr = 0;
	unsigned char *p;
	char b[64];
	int r;

	if (ram && n + n / 4 > ram) {
		say("%s skip not enough RAM\n", name);
		return;
	}
	p = map(n, huge);
	if (!p) {
		skip(name, "mmap");
		return;
	}
	touch(p, n);
	t = tsc();
	for (r = 0; r < rounds; r++) {
		pid_t c;

		t1 = tsc();
		c = fork();
		if (!c)
			_exit(0);
		tr += tsc() - t1;
		if (c < 0) {
			skip(name, "fork");
			munmap(p, n);
			return;
		}
		reap(c);
	}
	report(name, tsc() - t, rounds, "tsc/op");
	snprintf(b, sizeof b, "%s_ret", name);
	report(b, tr, rounds, "tsc/op");
	munmap(p, n);
}

static void
b_fork1(void)
{
	fork_run("fork_1m", 1, 100, 0);
}
static void
b_fork16(void)
{
	fork_run("fork_16m", 16, 40, 0);
}
static void
b_fork64(void)
{
	fork_run("fork_64m", 64, 20, 0);
}
static void
b_fork64h(void)
{
	fork_run("fork_64m_thp", 64, 20, 1);
}
static void
b_fork256(void)
{
	fork_run("fork_256m", 256, 10, 0);
}

static void
exec_self(void)
{
	char *av[] = {(char *)self, (char *)"-x", NULL};
	char *ev[] = {NULL};

	execve(self, av, ev);
	_exit(127);
}

enum launch {
	BY_FORK,
	BY_VFORK,
	BY_SPAWN
};

/* Start a small static program (this one, leaving main at once) and reap it. */
static void
exec_run(const char *name, enum launch how, size_t mib)
{
	enum {
		ROUNDS = 50
	};
	size_t n = mib * MiB;
	unsigned char *p = map(n, 0);
	u64 t;
	int r;

	if (!p) {
		skip(name, "mmap");
		return;
	}
	touch(p, n);
	t = tsc();
	for (r = 0; r < ROUNDS; r++) {
		pid_t c = -1;
		int st;

		if (how == BY_FORK) {
			c = fork();
			if (!c)
				exec_self();
		} else if (how == BY_VFORK) {
			c = vfork();
			if (!c)
				exec_self();
		} else {
			char *av[] = {(char *)self, (char *)"-x", NULL};
			char *ev[] = {NULL};

			errno = posix_spawn(&c, self, NULL, NULL, av, ev);
			if (errno)
				c = -1;
		}
		if (c < 0) {
			skip(name, "launch");
			goto out;
		}
		st = reap(c);
		if (!WIFEXITED(st) || WEXITSTATUS(st) != 0) {
			say("%s skip child status %d\n", name, st);
			goto out;
		}
	}
	report(name, tsc() - t, ROUNDS, "tsc/op");
out:
	munmap(p, n);
}

static void
b_fork_exec(void)
{
	exec_run("fork_exec", BY_FORK, 1);
}
static void
b_fork_exec64(void)
{
	exec_run("fork_exec_64m", BY_FORK, 64);
}
static void
b_vfork_exec(void)
{
	exec_run("vfork_exec_64m", BY_VFORK, 64);
}
static void
b_spawn(void)
{
	exec_run("spawn_64m", BY_SPAWN, 64);
}

/* ---- mm --------------------------------------------------------------- */

static void
mmap_run(const char *name, size_t n, int rounds, int touched)
{
	u64 t = tsc();
	int r;

	for (r = 0; r < rounds; r++) {
		void *p = mmap(NULL, n, RW, ANON, -1, 0);

		if (p == MAP_FAILED) {
			skip(name, "mmap");
			return;
		}
		if (touched)
			touch(p, n);
		munmap(p, n);
	}
	report(name, tsc() - t, rounds, "tsc/op");
}

static void
b_mmap4k(void)
{
	mmap_run("mmap_munmap_4k", PG, 2000, 0);
}
static void
b_mmap1m(void)
{
	mmap_run("mmap_munmap_1m", MiB, 2000, 0);
}
static void
b_mmap4kt(void)
{
	mmap_run("mmap_touch_munmap_4k", PG, 2000, 1);
}
static void
b_mmap1mt(void)
{
	mmap_run("mmap_touch_munmap_1m", MiB, 40, 1);
}

/* Many small neighbours with alternating protection: 1000 separate areas. */
static void
b_vmas(void)
{
	enum {
		N = 1000
	};
	unsigned char *base = mmap(NULL, N * PG, PROT_NONE, ANON, -1, 0);
	u64 t, tm = 0, tf = 0, tu = 0;
	int i;

	if (base == MAP_FAILED) {
		skip("vma1000_map", "mmap");
		return;
	}
	t = tsc();
	for (i = 0; i < N; i += 2)
		if (mmap(base + i * PG, PG, RW, ANON | MAP_FIXED, -1, 0) == MAP_FAILED) {
			skip("vma1000_map", "mmap");
			return;
		}
	tm = tsc() - t;
	t = tsc();
	for (i = 0; i < N; i += 2)
		((vbyte *)base)[(u64)i * PG] = 1;
	tf = tsc() - t;
	t = tsc();
	for (i = 0; i < N; i += 2)
		munmap(base + i * PG, PG);
	tu = tsc() - t;
	report("vma1000_map", tm, N / 2, "tsc/op");
	report("vma1000_fault", tf, N / 2, "tsc/page");
	report("vma1000_unmap", tu, N / 2, "tsc/op");
	munmap(base, N * PG);
}

static void
b_dontneed(void)
{
	enum {
		ROUNDS = 4
	};
	size_t n = 16 * MiB;
	unsigned char *p = map(n, 0);
	u64 t, sum = 0;
	int r;

	if (!p) {
		skip("dontneed_16m", "mmap");
		return;
	}
	for (r = 0; r < ROUNDS; r++) {
		touch(p, n);
		t = tsc();
		if (madvise(p, n, MADV_DONTNEED)) {
			skip("dontneed_16m", "madvise");
			munmap(p, n);
			return;
		}
		sum += tsc() - t;
		if (p[0] || p[n - PG])
			say("dontneed_16m WRONG contents survive\n");
	}
	report("dontneed_16m", sum, ROUNDS * (n / PG), "tsc/page");
	munmap(p, n);
}

static void
b_mprotect(void)
{
	enum {
		ROUNDS = 4
	};
	size_t n = 16 * MiB;
	unsigned char *p = map(n, 0);
	u64 t, tp = 0, tw = 0;
	int r;

	if (!p) {
		skip("mprotect_16m", "mmap");
		return;
	}
	touch(p, n);
	for (r = 0; r < ROUNDS; r++) {
		t = tsc();
		if (mprotect(p, n, PROT_READ) || mprotect(p, n, RW)) {
			skip("mprotect_16m", "mprotect");
			munmap(p, n);
			return;
		}
		tp += tsc() - t;
		t = tsc();
		touch(p, n);
		tw += tsc() - t;
	}
	report("mprotect_16m", tp, 2 * ROUNDS * (n / PG), "tsc/page");
	report("mprotect_retouch", tw, ROUNDS * (n / PG), "tsc/page");
	t = tsc();
	for (r = 0; r < 500; r++) { /* one page inside: split and merge */
		mprotect(p + MiB, PG, PROT_READ);
		mprotect(p + MiB, PG, RW);
	}
	report("mprotect_4k", tsc() - t, 1000, "tsc/call");
	munmap(p, n);
}

static void
b_mremap(void)
{
	enum {
		ROUNDS = 4
	};
	size_t n = 16 * MiB;
	u64 t, sum = 0;
	int r;

	for (r = 0; r < ROUNDS; r++) {
		/* the second half stays reserved, so growing has to move */
		unsigned char *a = mmap(NULL, 2 * n, PROT_NONE, ANON, -1, 0), *q;

		if (a == MAP_FAILED || mprotect(a, n, RW)) {
			skip("mremap_16m", "reserve");
			return;
		}
		madvise(a, n, MADV_NOHUGEPAGE);
		touch(a, n);
		a[n - PG] = 77;
		t = tsc();
		q = mremap(a, n, 2 * n, MREMAP_MAYMOVE);
		sum += tsc() - t;
		if (q == MAP_FAILED) {
			skip("mremap_16m", "mremap");
			munmap(a, 2 * n);
			return;
		}
		if (q == a || q[0] != 1 || q[n - PG] != 77)
			say("mremap_16m WRONG result\n");
		munmap(q, 2 * n);
		if (q != a)
			munmap(a + n, n);
	}
	report("mremap_16m", sum, ROUNDS * (n / PG), "tsc/page");
}

static void
b_brk(void)
{
	enum {
		ROUNDS = 20
	};
	unsigned long cur = syscall(SYS_brk, 0), p;
	u64 t;
	int r;

	p = (cur + PG - 1) & ~(PG - 1);
	t = tsc();
	for (r = 0; r < ROUNDS; r++) {
		if ((unsigned long)syscall(SYS_brk, p + MiB) != p + MiB) {
			skip("brk_1m", "brk");
			return;
		}
		touch((void *)p, MiB);
		syscall(SYS_brk, cur);
	}
	report("brk_1m", tsc() - t, ROUNDS * (MiB / PG), "tsc/page");
}

/* ---- ipc -------------------------------------------------------------- */

static volatile int signals_seen;

static void
signal_seen(int sig)
{
	(void)sig;
	signals_seen++;
}

/* kill(), the handler, and the way back: a round. */
static void
b_signal(void)
{
	enum {
		N = 10000
	};
	struct sigaction action = {.sa_handler = signal_seen};
	pid_t self = getpid();
	u64 t;
	int i;

	if (sigaction(SIGUSR1, &action, NULL)) {
		skip("signal_deliver", "sigaction");
		return;
	}
	kill(self, SIGUSR1);
	t = tsc();
	for (i = 0; i < N; i++)
		kill(self, SIGUSR1);
	t = tsc() - t;
	if (signals_seen != N + 1)
		skip("signal_deliver", "a signal was lost");
	else
		report("signal_deliver", t, N, "tsc/round");
	signal(SIGUSR1, SIG_DFL);
}

static void
b_pingpong(void)
{
	enum {
		N = 2000
	};
	int a[2], b[2], i;
	char ch = 'x';
	pid_t c;
	u64 t;

	if (pipe(a) || pipe(b)) {
		skip("pipe_switch", "pipe");
		return;
	}
	t = tsc();
	for (i = 0; i < N; i++)
		if (write(a[1], &ch, 1) != 1 || read(a[0], &ch, 1) != 1)
			break;
	report("pipe_self", tsc() - t, N, "tsc/op");
	c = fork();
	if (!c) {
		close(a[1]);
		close(b[0]);
		while (read(a[0], &ch, 1) == 1)
			if (write(b[1], &ch, 1) != 1)
				break;
		_exit(0);
	}
	if (c < 0) {
		skip("pipe_switch", "fork");
		return;
	}
	close(a[0]);
	close(b[1]);
	t = tsc();
	for (i = 0; i < N; i++)
		if (write(a[1], &ch, 1) != 1 || read(b[0], &ch, 1) != 1)
			break;
	t = tsc() - t;
	if (i < N)
		say("pipe_switch skip pipe broke after %d\n", i);
	else
		report("pipe_switch", t, 2 * N, "tsc/switch");
	close(a[1]);
	close(b[0]);
	reap(c);
}

/* One word that two threads hand to each other: even is the first one's turn, odd the second one's. */
static int futex_turn;

static void
futex_pass(int parity, int rounds)
{
	for (int i = 0; i < rounds; i++) {
		int now;

		while (((now = __atomic_load_n(&futex_turn, __ATOMIC_SEQ_CST)) & 1) != parity)
			syscall(SYS_futex, &futex_turn, FUTEX_WAIT_PRIVATE, now, NULL);
		__atomic_store_n(&futex_turn, now + 1, __ATOMIC_SEQ_CST);
		syscall(SYS_futex, &futex_turn, FUTEX_WAKE_PRIVATE, 1);
	}
}

enum {
	FUTEX_ROUNDS = 2000,
	THREAD_ROUNDS = 200
};

static void *
futex_other(void *arg)
{
	futex_pass(1, FUTEX_ROUNDS);
	return arg;
}

static void
b_futex(void)
{
	pthread_t other;
	u64 t;

	futex_turn = 0;
	if ((errno = pthread_create(&other, NULL, futex_other, NULL))) {
		skip("futex_switch", "pthread_create");
		return;
	}
	t = tsc();
	futex_pass(0, FUTEX_ROUNDS);
	pthread_join(other, NULL);
	report("futex_switch", tsc() - t, 2 * FUTEX_ROUNDS, "tsc/switch");
}

static void *
thread_nothing(void *arg)
{
	return arg;
}

static void
b_thread(void)
{
	u64 t = tsc();

	for (int i = 0; i < THREAD_ROUNDS; i++) {
		pthread_t th;

		if ((errno = pthread_create(&th, NULL, thread_nothing, NULL))) {
			skip("thread_create", "pthread_create");
			return;
		}
		pthread_join(th, NULL);
	}
	report("thread_create", tsc() - t, THREAD_ROUNDS, "tsc/op");
}

/* ---- file ------------------------------------------------------------- */

/* A cached file of up to 1 MiB: a fresh one if possible, else this program. */
static int
data_file(size_t *len)
{
	static const char *const names[] = {"/tmp/mmbench.dat", "/mmbench.dat", NULL};
	static unsigned char buf[4096];
	struct stat st;
	int i, fd;

	for (i = 0; names[i]; i++) {
		size_t k;

		fd = open(names[i], O_RDWR | O_CREAT | O_TRUNC, 0600);
		if (fd < 0)
			continue;
		memset(buf, 0x5a, sizeof buf);
		for (k = 0; k < MiB / PG; k++)
			if (write(fd, buf, PG) != (ssize_t)PG)
				break;
		if (k == MiB / PG) {
			*len = MiB;
			return fd;
		}
		close(fd);
	}
	fd = open(self, O_RDONLY);
	if (fd >= 0 && fstat(fd, &st) == 0 && st.st_size >= (off_t)PG) {
		*len = st.st_size & ~(PG - 1);
		say("# file tests use %s, %lu KiB\n", self, (unsigned long)(*len / KiB));
		return fd;
	}
	return -1;
}

static void
b_file(void)
{
	enum {
		N = 2560,
		ROUNDS = 10
	};
	static unsigned char buf[4096];
	size_t len = 0, i, off;
	int r, fd = data_file(&len);
	u64 t, ts = 0, tp = 0;
	unsigned char *p;

	if (fd < 0) {
		skip("file_read_4k", "no file");
		return;
	}
	for (off = 0; off < len; off += PG)
		pread(fd, buf, PG, off);
	off = 0;
	t = tsc();
	for (i = 0; i < N; i++) {
		if (pread(fd, buf, PG, off) != (ssize_t)PG) {
			skip("file_read_4k", "pread");
			close(fd);
			return;
		}
		off = off + PG < len ? off + PG : 0;
	}
	report("file_read_4k", tsc() - t, N, "tsc/page");

	for (r = 0; r < ROUNDS; r++) {
		p = mmap(NULL, len, PROT_READ, MAP_SHARED, fd, 0);
		if (p == MAP_FAILED) {
			skip("file_map_fault", "mmap");
			break;
		}
		t = tsc();
		look(p, len);
		ts += tsc() - t;
		munmap(p, len);
	}
	if (r == ROUNDS)
		report("file_map_fault", ts, ROUNDS * (len / PG), "tsc/page");
	for (r = 0; r < ROUNDS; r++) {
		p = mmap(NULL, len, RW, MAP_PRIVATE, fd, 0);
		if (p == MAP_FAILED) {
			skip("file_cow_fault", "mmap");
			break;
		}
		t = tsc();
		touch(p, len);
		tp += tsc() - t;
		munmap(p, len);
	}
	if (r == ROUNDS)
		report("file_cow_fault", tp, ROUNDS * (len / PG), "tsc/page");
	close(fd);
	unlink("/tmp/mmbench.dat");
	unlink("/mmbench.dat");
}

/* ---- press: more memory than RAM; needs swap --------------------------- */

static inline void
stamp(unsigned char *p, u64 page, u64 gen)
{
	((volatile u64 *)(p + page * PG))[0] = page * 0x9E3779B97F4A7C15ULL + gen;
	((volatile u64 *)(p + page * PG))[511] = ~page;
}

static inline int
stamped(unsigned char *p, u64 page, u64 gen)
{
	return ((volatile u64 *)(p + page * PG))[0] == page * 0x9E3779B97F4A7C15ULL + gen &&
	       ((volatile u64 *)(p + page * PG))[511] == ~page;
}

/* A line of /proc/vmstat; 0 where there is none. */
static u64
vmstat(const char *name)
{
	static char b[16384];
	char line[64];
	ssize_t n;
	char *p;
	int fd = open("/proc/vmstat", O_RDONLY);

	if (fd < 0)
		return 0;
	n = read(fd, b, sizeof b - 1);
	close(fd);
	if (n <= 0)
		return 0;
	b[n] = 0;
	snprintf(line, sizeof line, "\n%s ", name);
	p = strstr(b, line);
	return p ? strtoull(p + strlen(line), NULL, 10) : 0;
}

struct phase {
	u64 t, busy, maj, in, out;
};

static struct phase
phase_begin(void)
{
	struct phase s;

	s.busy = busy_ns();
	s.in = vmstat("pswpin");
	s.out = vmstat("pswpout");
	s.maj = majflt();
	s.t = tsc();
	return s;
}

static void
phase_end(struct phase s, const char *name, u64 n, const char *unit)
{
	u64 t = tsc() - s.t, maj = majflt() - s.maj, busy = busy_ns();
	char b[64];

	report(name, t, n, unit);
	if (busy) {
		snprintf(b, sizeof b, "%s_busy", name);
		report(b, busy - s.busy, n, "ns");
	}
	snprintf(b, sizeof b, "%s_majflt", name);
	report(b, maj * 1000, n, "per-1000");
	snprintf(b, sizeof b, "%s_pswpin", name);
	report(b, vmstat("pswpin") - s.in, 1, "pages");
	snprintf(b, sizeof b, "%s_pswpout", name);
	report(b, vmstat("pswpout") - s.out, 1, "pages");
}

static unsigned char *
press_map(const char *name, u64 n)
{
	unsigned char *p;

	if (!n || n > ram_bytes() + swap_bytes() - ram_bytes() / 4) {
		say("%s skip needs more RAM or swap\n", name);
		return NULL;
	}
	p = map(n, 0);
	if (!p)
		skip(name, "mmap");
	return p;
}

/* Write twice the RAM in order, then read it all back, twice. */
static void
b_swap_seq(void)
{
	u64 n = 2 * ram_bytes(), pages = n / PG, i, bad = 0;
	unsigned char *p = press_map("swap_seq_write", n);
	struct phase s;

	if (!p)
		return;
	report("swap_seq_pages", pages, 1, "pages");
	s = phase_begin();
	MARK(1);
	for (i = 0; i < pages; i++)
		stamp(p, i, 1);
	MARK(2);
	phase_end(s, "swap_seq_write", pages, "tsc/page");
	s = phase_begin();
	MARK(3);
	for (i = 0; i < pages; i++)
		bad += !stamped(p, i, 1);
	MARK(4);
	phase_end(s, "swap_seq_read", pages, "tsc/page");
	s = phase_begin();
	MARK(5);
	for (i = 0; i < pages; i++) /* clean pages: no new write-out needed */
		bad += !stamped(p, i, 1);
	MARK(6);
	phase_end(s, "swap_seq_reread", pages, "tsc/page");
	if (bad)
		say("swap_seq WRONG %llu pages\n", (unsigned long long)bad);
	munmap(p, n);
}

/*
 * Ticks above which an access must have faulted: 4 times a resident random
 * one, TLB misses included.  Measured before the working set is built.
 */
static u64
slow_limit(void)
{
	enum {
		BITS = 12,
		N = 2 << BITS
	};
	unsigned char *p = map(PG << BITS, 0);
	u64 t0, t, sum = 0;
	int i;

	if (!p)
		return 1000;
	touch(p, PG << BITS);
	for (i = 0; i < N; i++) {
		u64 page = scramble(i & ((1 << BITS) - 1), BITS);

		t0 = tsc();
		stamp(p, page, 1);
		t = tsc() - t0;
		sum += t;
	}
	munmap(p, PG << BITS);
	return 4 * sum / N > 1000 ? 4 * sum / N : 1000;
}

/* One access in a hot/cold or uniform mix; tells whether the page was hot. */
static inline int
access_page(unsigned char *p, u64 pages, u64 hot_pages, unsigned hot_pct, u64 *bad)
{
	u64 r = rnd(), page;
	int hot = hot_pct && r % 100 < hot_pct;

	r >>= 20;
	page = hot ? r % hot_pages : hot_pages + r % (pages - hot_pages);
	if (r >> 40 & 3)
		*bad += !stamped(p, page, 1);
	else
		stamp(p, page, 1); /* one access in four writes */
	return hot;
}

/* acc accesses unmeasured when there is a hot set to learn, then acc measured */
static void
access_run(const char *name, unsigned char *p, u64 pages, u64 hot_pages, unsigned hot_pct, u64 limit)
{
	u64 i, bad = 0, slow = 0, hot_n = 0, hot_slow = 0, worst = 0, n = opt_acc;
	struct phase s;
	char b[64];

	rng_state = 88172645463325252ULL;
	if (hot_pct)
		for (i = 0; i < n; i++)
			access_page(p, pages, hot_pages, hot_pct, &bad);
	s = phase_begin();
	if (hot_pct)
		MARK(17);
	else
		MARK(7);
	for (i = 0; i < n; i++) {
		u64 t = tsc();
		int hot;

		MARK(1000);
		hot = access_page(p, pages, hot_pages, hot_pct, &bad);
		MARK(1001);
		t = tsc() - t;
		hot_n += hot;
		if (t > limit) {
			slow++;
			hot_slow += hot;
		}
		if (t > worst)
			worst = t;
	}
	if (hot_pct)
		MARK(18);
	else
		MARK(8);
	phase_end(s, name, n, "tsc/access");
	snprintf(b, sizeof b, "%s_slow", name);
	report(b, slow * 1000, n, "per-1000");
	if (hot_pct) {
		snprintf(b, sizeof b, "%s_hot_slow", name);
		report(b, hot_slow * 1000, hot_n, "per-1000");
	}
	snprintf(b, sizeof b, "%s_worst", name);
	report(b, worst, 1, "tsc");
	if (bad)
		say("%s WRONG %llu pages\n", name, (unsigned long long)bad);
}

static void
b_swap_rand(void)
{
	u64 n = (ram_bytes() + ram_bytes() / 4) & ~(PG - 1), i, limit = slow_limit();
	unsigned char *p = press_map("swap_rand", n);

	if (!p)
		return;
	for (i = 0; i < n / PG; i++)
		stamp(p, i, 1);
	report("swap_accesses", opt_acc, 1, "accesses");
	access_run("swap_rand", p, n / PG, 0, 0, limit);
	munmap(p, n);
}

static void
b_swap_hotcold(void)
{
	u64 n = (ram_bytes() + ram_bytes() / 4) & ~(PG - 1), i, limit = slow_limit();
	unsigned char *p = press_map("swap_hotcold", n);

	if (!p)
		return;
	for (i = 0; i < n / PG; i++)
		stamp(p, i, 1);
	access_run("swap_hotcold", p, n / PG, n / PG / 10, 90, limit);
	munmap(p, n);
}

/* With memory above every mark again, the thread that reclaims in the background has nothing to do at all. */
static void
b_kswapd_idle(void)
{
	u64 runs, scanned;

	nap_us(500000); /* what was freed has come back */
	runs = vmstat("pageoutrun");
	scanned = vmstat("pgscan_kswapd");
	MARK(9);
	nap_us(2000000);
	MARK(10);
	report("idle_seconds", 2, 1, "s");
	report("kswapd_idle_runs", vmstat("pageoutrun") - runs + vmstat("pgscan_kswapd") - scanned, 1, "runs");
}

/* ---- oom -------------------------------------------------------------- */

enum {
	BEAT,
	PAGES,
	START,
	LONGEST,
	NAP_WORST,
	NAP_LAST,
	ASK,
	ANSWER
};

static void
oom_bystander(volatile u64 *sh)
{
	unsigned char *p = map(2 * MiB, 0);
	u64 k, bad = 0, now, last;

	for (k = 0; k < 2 * MiB / PG; k++)
		stamp(p, k, 9);
	last = tsc();
	while (!sh[ASK]) {
		nap_us(1000);
		now = tsc();
		if (now - last > sh[NAP_WORST])
			sh[NAP_WORST] = now - last;
		last = now;
	}
	for (k = 0; k < 2 * MiB / PG; k++)
		bad += !stamped(p, k, 9);
	sh[ANSWER] = bad + 1;
	_exit(0);
}

static void
oom_hog(volatile u64 *sh)
{
	sh[START] = sh[BEAT] = tsc();
	for (;;) {
		unsigned char *p = map(MiB, 0);
		size_t k;

		if (!p)
			_exit(3);
		for (k = 0; k < MiB; k += PG) {
			u64 now = tsc();

			if (now - sh[BEAT] > sh[LONGEST])
				sh[LONGEST] = now - sh[BEAT];
			sh[BEAT] = now;
			((vbyte *)p)[k] = 1;
			sh[PAGES]++;
		}
	}
}

/*
 * A hog touches memory until it is killed, noting the time before each page.
 * A bystander holding 2 MiB naps 1 ms at a time and notes its longest gap; it
 * must survive with its memory intact.
 */
static void
b_oom(void)
{
	volatile u64 *sh = shared_words();
	pid_t by, hog;
	u64 t, t2;
	int st, i;

	if (!sh) {
		skip("oom_latency", "mmap");
		return;
	}
	by = fork();
	if (!by)
		oom_bystander(sh);
	if (by < 0) {
		skip("oom_latency", "fork");
		return;
	}
	nap_us(5000);
	sh[NAP_WORST] = 0;
	hog = fork();
	if (!hog)
		oom_hog(sh);
	if (hog < 0) {
		skip("oom_latency", "fork");
		sh[ASK] = 1;
		reap(by);
		return;
	}
	st = reap(hog);
	t = tsc();
	report("oom_memory", sh[PAGES] * PG, KiB, "KiB");
	report("oom_fill", sh[BEAT] - sh[START], sh[PAGES], "tsc/page");
	report("oom_latency", t - sh[BEAT], 1, "tsc");
	report("oom_hog_stall", sh[LONGEST], 1, "tsc");
	report("oom_bystander_stall", sh[NAP_WORST], 1, "tsc");
	if (WIFSIGNALED(st))
		say("oom_status %d signal\n", WTERMSIG(st));
	else
		say("oom_status %d %s\n", st, WIFEXITED(st) && WEXITSTATUS(st) == 3 ? "mmap-refused" : "exit");
	t2 = tsc();
	sh[ASK] = 1;
	for (i = 0; i < 5000 && !sh[ANSWER]; i++)
		nap_us(1000);
	report("oom_survivor", tsc() - t2, 1, "tsc");
	if (sh[ANSWER] != 1)
		say("oom_survivor WRONG answer %llu\n", (unsigned long long)sh[ANSWER]);
	kill(by, SIGKILL);
	reap(by);
	munmap((void *)sh, PG);
}

/* ---- smp -------------------------------------------------------------- */

enum {
	WORK = 32
}; /* MiB each worker faults in, per round */

static volatile u64 *gate; /* [0] ready, [1] go, [2] done, [3] end time */

static void
worker(void)
{
	unsigned char *p;
	u64 t, old;
	int r;

	__atomic_add_fetch(&gate[0], 1, __ATOMIC_SEQ_CST);
	while (!gate[1])
		__asm__ volatile("pause");
	for (r = 0; r < 4; r++) {
		p = map(WORK * MiB, 0);
		if (!p)
			break;
		touch(p, WORK * MiB);
		munmap(p, WORK * MiB);
	}
	t = tsc();
	for (old = gate[3]; old < t;)
		if (__atomic_compare_exchange_n(&gate[3], &old, t, 0, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST))
			break;
	__atomic_add_fetch(&gate[2], 1, __ATOMIC_SEQ_CST);
}

static void *
worker_thread(void *arg)
{
	worker();
	return arg;
}

static void
smp_run(const char *name, int n, int threads)
{
	pid_t c[64];
	u64 t;
	int i, ok = 0;

	if (n > 64)
		n = 64;
	gate[0] = gate[1] = gate[2] = gate[3] = 0;
	if (threads) {
		pthread_t th[64];

		for (; ok < n; ok++)
			if ((errno = pthread_create(&th[ok], NULL, worker_thread, NULL)))
				break;
		if (ok < n)
			skip(name, "pthread_create");
		while (gate[0] < (u64)ok)
			sched_yield();
		t = tsc();
		gate[1] = 1;
		for (i = 0; i < ok; i++)
			pthread_join(th[i], NULL);
		t = gate[3] - t;
	} else {
		for (; ok < n; ok++) {
			c[ok] = fork();
			if (!c[ok]) {
				worker();
				_exit(0);
			}
			if (c[ok] < 0)
				break;
		}
		if (ok < n)
			skip(name, "fork");
		while (gate[0] < (u64)ok)
			sched_yield();
		t = tsc();
		gate[1] = 1;
		for (i = 0; i < ok; i++)
			reap(c[i]);
		t = gate[3] - t;
	}
	if (ok == n)
		report(name, t, (u64)n * 4 * WORK * MiB / PG, "tsc/page");
}

/* Elapsed time per page over all workers: halves with perfect scaling. */
static void
b_smp(void)
{
	int n = opt_cpus ? opt_cpus : (int)sysconf(_SC_NPROCESSORS_ONLN);
	char b[64];
	int k;

	gate = shared_words();
	if (!gate) {
		skip("smp", "mmap");
		return;
	}
	for (k = 1; k <= n; k *= 2) {
		snprintf(b, sizeof b, "smp_fault_proc%d", k);
		smp_run(b, k, 0);
		snprintf(b, sizeof b, "smp_fault_thread%d", k);
		smp_run(b, k, 1);
	}
	munmap((void *)gate, PG);
}

/* ---- driver ----------------------------------------------------------- */

static const struct bench {
	const char *group, *name;
	void (*fn)(void);
} benches[] = {
	{"base", "boot", b_boot},
	{"base", "tsc_khz", b_tsc_khz},
	{"base", "ram", b_ram},
	{"base", "rdtsc", b_rdtsc},
	{"base", "page_zero", b_page_zero},
	{"base", "page_copy", b_page_copy},
	{"base", "getppid", b_getppid},
	{"base", "clock_gettime", b_clock_gettime},
	{"fault", "fault_seq", b_fault_seq},
	{"fault", "fault_seq_thp", b_fault_thp},
	{"fault", "fault_rand", b_fault_rand},
	{"fault", "fault_read", b_fault_read},
	{"fault", "fault_upgrade", b_fault_upgrade},
	{"fault", "fault_populate", b_fault_populate},
	{"fault", "fault_sparse", b_fault_sparse},
	{"fault", "fault_shared", b_fault_shared},
	{"fault", "cow", b_cow},
	{"proc", "fork_1m", b_fork1},
	{"proc", "fork_16m", b_fork16},
	{"proc", "fork_64m", b_fork64},
	{"proc", "fork_64m_thp", b_fork64h},
	{"proc", "fork_256m", b_fork256},
	{"proc", "fork_exec", b_fork_exec},
	{"proc", "fork_exec_64m", b_fork_exec64},
	{"proc", "vfork_exec_64m", b_vfork_exec},
	{"proc", "spawn_64m", b_spawn},
	{"mm", "mmap_munmap_4k", b_mmap4k},
	{"mm", "mmap_munmap_1m", b_mmap1m},
	{"mm", "mmap_touch_munmap_4k", b_mmap4kt},
	{"mm", "mmap_touch_munmap_1m", b_mmap1mt},
	{"mm", "vmas", b_vmas},
	{"mm", "dontneed", b_dontneed},
	{"mm", "mprotect", b_mprotect},
	{"mm", "mremap", b_mremap},
	{"mm", "brk", b_brk},
	{"ipc", "pingpong", b_pingpong},
	{"ipc", "futex_switch", b_futex},
	{"ipc", "signal_deliver", b_signal},
	{"ipc", "thread_create", b_thread},
	{"file", "file", b_file},
	{"press", "swap_seq", b_swap_seq},
	{"press", "swap_rand", b_swap_rand},
	{"press", "swap_hotcold", b_swap_hotcold},
	{"press", "kswapd_idle", b_kswapd_idle},
	{"oom", "oom", b_oom},
	{"smp", "smp", b_smp},
};
enum {
	NBENCH = sizeof benches / sizeof benches[0]
};

static int
by_default(const char *g)
{
	return strcmp(g, "press") && strcmp(g, "oom") && strcmp(g, "smp");
}

static void
mount_all(void)
{
	mkdir("/proc", 0755);
	mkdir("/sys", 0755);
	mkdir("/tmp", 01777);
	mount("proc", "/proc", "proc", 0, NULL);
	mount("sysfs", "/sys", "sysfs", 0, NULL);
	mount("tmpfs", "/tmp", "tmpfs", 0, NULL);
}

static void
list_all(void)
{
	int k;

	for (k = 0; k < NBENCH; k++)
		say("%s %s\n", benches[k].group, benches[k].name);
}

/* Marks in @sel what the name of a benchmark or group selects; 1 if anything. */
static int
select_named(const char *a, char *sel)
{
	int k, hit = 0;

	for (k = 0; k < NBENCH; k++)
		if (!strcmp(a, benches[k].name) || !strcmp(a, benches[k].group))
			sel[k] = hit = 1;
	if (!hit)
		say("# unknown argument %s\n", a);
	return hit;
}

/* Takes an option; 0: the word is none. */
static int
option(const char *a)
{
	if (!strncmp(a, "ram=", 4))
		opt_ram = strtoull(a + 4, NULL, 10);
	else if (!strncmp(a, "cpus=", 5))
		opt_cpus = atoi(a + 5);
	else if (!strncmp(a, "acc=", 4))
		opt_acc = strtoull(a + 4, NULL, 10);
	else if (!strncmp(a, "self=", 5))
		self = a + 5;
	else if (!strcmp(a, "mark"))
		opt_mark = 1;
	else
		return 0;
	return 1;
}

int
main(int argc, char **argv)
{
	char sel[NBENCH] = {0};
	int i, k, any = 0;

	boot_tsc = tsc();
	if (argc > 1 && !strcmp(argv[1], "-x"))
		return 0;
	if (argc > 0 && strchr(argv[0], '/'))
		self = argv[0];
	for (i = 1; i < argc; i++) {
		if (!strcmp(argv[i], "list")) {
			list_all();
			return 0;
		}
		if (!option(argv[i]))
			any |= select_named(argv[i], sel);
	}
	if (getpid() == 1)
		mount_all();
	say("# mmbench begin\n");
	for (k = 0; k < NBENCH; k++)
		if (any ? sel[k] : by_default(benches[k].group)) {
			MARK(101);
			benches[k].fn();
			MARK(102);
		}
	say("# mmbench end\n");
	if (getpid() == 1) {
		sync();
		reboot(RB_POWER_OFF);
		for (;;)
			pause();
	}
	return 0;
}
