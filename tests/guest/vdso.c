/* SPDX-License-Identifier: MIT */
/*
 * tests/guest/vdso.c - the object in every program that tells time and CPU without a system call
 *
 * Idea        It is read as a C library reads it: ELF header, dynamic section, symbols of version LINUX_2.6. What its
 *             functions say is held against the system calls.
 * Invariants  see guest.h
 * Follow      to arch/x86_64/vdso/vdso.c, kernel/vdso.c
 */
#include "guest.h"
#include <elf.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>

#define SECOND 1000000000L
#define HOUR (3600 * SECOND)

static long (*v_clock_gettime)(long clock, struct timespec *to);
static long (*v_clock_getres)(long clock, struct timespec *to);
static long (*v_gettimeofday)(struct timeval *to, void *zone);
static long (*v_time)(long *to);
static long (*v_getcpu)(unsigned *cpu, unsigned *node, void *unused);

struct object {
	uintptr_t base;
	const Elf64_Sym *symbols;
	const char *strings;
	const uint32_t *hash;
	const uint16_t *versions;
	const Elf64_Verdef *definitions;
};

static void
object_read(struct object *o)
{
	uintptr_t at = getauxval(AT_SYSINFO_EHDR);
	const Elf64_Ehdr *header = (const Elf64_Ehdr *)at;
	const Elf64_Dyn *dynamic = NULL;

	check(at && memcmp(header->e_ident, ELFMAG, SELFMAG) == 0 && header->e_type == ET_DYN);
	const Elf64_Phdr *segment = (const Elf64_Phdr *)(at + header->e_phoff);
	for (int i = 0; i < header->e_phnum; i++) {
		if (segment[i].p_type == PT_LOAD)
			o->base = at + segment[i].p_offset - segment[i].p_vaddr;
		else if (segment[i].p_type == PT_DYNAMIC)
			dynamic = (const Elf64_Dyn *)(at + segment[i].p_offset);
	}
	check(dynamic);
	for (; dynamic->d_tag; dynamic++) {
		uintptr_t value = o->base + dynamic->d_un.d_ptr;
		if (dynamic->d_tag == DT_SYMTAB)
			o->symbols = (const Elf64_Sym *)value;
		else if (dynamic->d_tag == DT_STRTAB)
			o->strings = (const char *)value;
		else if (dynamic->d_tag == DT_HASH)
			o->hash = (const uint32_t *)value;
		else if (dynamic->d_tag == DT_VERSYM)
			o->versions = (const uint16_t *)value;
		else if (dynamic->d_tag == DT_VERDEF)
			o->definitions = (const Elf64_Verdef *)value;
	}
	check(o->symbols && o->strings && o->versions && o->definitions);
}

static const char *
version_name(const struct object *o, int number)
{
	const Elf64_Verdef *d = o->definitions;

	while ((d->vd_ndx & 0x7fff) != number) {
		if (!d->vd_next)
			return "";
		d = (const Elf64_Verdef *)((const char *)d + d->vd_next);
	}
	return o->strings + ((const Elf64_Verdaux *)((const char *)d + d->vd_aux))->vda_name;
}

/* Symbols end where their strings begin, as linkers lay them out; newer ones leave out DT_HASH, which has the count. */
static void *
function_find(const struct object *o, const char *name)
{
	size_t count = o->hash ? o->hash[1] : ((uintptr_t)o->strings - (uintptr_t)o->symbols) / sizeof(Elf64_Sym);

	for (size_t i = 0; i < count; i++) {
		const Elf64_Sym *s = &o->symbols[i];
		if (!s->st_shndx || strcmp(o->strings + s->st_name, name) != 0)
			continue;
		check(ELF64_ST_TYPE(s->st_info) == STT_FUNC);
		check(strcmp(version_name(o, o->versions[i] & 0x7fff), "LINUX_2.6") == 0);
		return (void *)(o->base + s->st_value);
	}
	fail("there is no %s", name);
	return NULL;
}

static void
functions_find(void)
{
	struct object o = {0};

	object_read(&o);
	v_clock_gettime = function_find(&o, "__vdso_clock_gettime");
	v_clock_getres = function_find(&o, "__vdso_clock_getres");
	v_gettimeofday = function_find(&o, "__vdso_gettimeofday");
	v_time = function_find(&o, "__vdso_time");
	v_getcpu = function_find(&o, "__vdso_getcpu");
	check(function_find(&o, "clock_gettime") == (void *)v_clock_gettime);
}

static int64_t
asked(clockid_t clock)
{
	struct timespec t;

	check(syscall(SYS_clock_gettime, clock, &t) == 0);
	return t.tv_sec * SECOND + t.tv_nsec;
}

static int64_t
seen(clockid_t clock)
{
	struct timespec t;

	check(v_clock_gettime(clock, &t) == 0 && t.tv_nsec >= 0 && t.tv_nsec < SECOND);
	return t.tv_sec * SECOND + t.tv_nsec;
}

static void
agrees(void)
{
	static const clockid_t clock[] = {CLOCK_REALTIME, CLOCK_MONOTONIC, CLOCK_MONOTONIC_RAW, CLOCK_BOOTTIME,
					  CLOCK_TAI};

	functions_find();
	for (int round = 0; round < 200; round++) {
		for (int i = 0; i < 5; i++) {
			int64_t before = asked(clock[i]);
			int64_t now = seen(clock[i]);
			int64_t after = asked(clock[i]);
			if (now < before || now > after)
				fail("clock %d: %ld before, %ld after, but %ld", clock[i], before, after, now);
		}
	}
	for (clockid_t c = CLOCK_REALTIME_COARSE; c <= CLOCK_MONOTONIC_COARSE; c++)
		check(seen(c) <= asked(c == CLOCK_REALTIME_COARSE ? CLOCK_REALTIME : CLOCK_MONOTONIC));
}

static void
asks_the_kernel(void)
{
	struct timespec t;

	functions_find();
	check(v_clock_gettime(99, &t) == -EINVAL && v_clock_gettime(-1, &t) == -EINVAL);
	check(v_clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t) == 0);
	check(v_clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t) == 0);
	check(v_clock_getres(CLOCK_MONOTONIC, &t) == 0 && t.tv_sec == 0 && t.tv_nsec > 0);
	check(v_clock_getres(CLOCK_MONOTONIC, NULL) == 0);
	check(v_clock_getres(99, &t) == -EINVAL);
}

static void
other_forms(void)
{
	struct timeval tv;
	struct {
		int west, dst;
	} zone = {77, 77};
	long seconds;

	functions_find();
	int64_t before = asked(CLOCK_REALTIME);
	check(v_gettimeofday(&tv, NULL) == 0);
	long now = v_time(&seconds);
	int64_t after = asked(CLOCK_REALTIME);
	int64_t ns = tv.tv_sec * SECOND + tv.tv_usec * 1000;
	check(ns >= before - 1000 && ns <= after);
	check(now == seconds && now >= before / SECOND - 1 && now <= after / SECOND);
	check(v_time(NULL) >= now);
	check(v_gettimeofday(&tv, &zone) == 0 && zone.west != 77);
	check(v_gettimeofday(NULL, NULL) == 0);
}

static void
knows_the_cpu(void)
{
	unsigned long all = 0;
	unsigned cpu, node;

	functions_find();
	check(syscall(SYS_sched_getaffinity, 0, 8, &all) == 8);
	for (int round = 0; round < 20; round++) {
		for (unsigned i = 0; i < 64; i++) {
			unsigned long one = 1UL << i;
			if (!(all & one))
				continue;
			check(syscall(SYS_sched_setaffinity, 0, 8, &one) == 0);
			cpu = node = 99;
			check(v_getcpu(&cpu, &node, NULL) == 0 && cpu == i && node == 0);
		}
	}
	check(v_getcpu(NULL, NULL, NULL) == 0);
}

static volatile int64_t latest;

static void *
looks_at_clock(void *arg)
{
	for (int i = 0; i < 20000; i++) {
		int64_t last = __atomic_load_n(&latest, __ATOMIC_SEQ_CST);
		int64_t now = seen(CLOCK_MONOTONIC);
		if (now < last)
			fail("a processor's clock is %ld ns behind another's", last - now);
		while (now > last &&
		       !__atomic_compare_exchange_n(&latest, &last, now, 0, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST))
			;
	}
	return arg;
}

static void
never_back(void)
{
	pthread_t thread[4];

	functions_find();
	for (int i = 0; i < 4; i++)
		check(pthread_create(&thread[i], NULL, looks_at_clock, NULL) == 0);
	for (int i = 0; i < 4; i++)
		check(pthread_join(thread[i], NULL) == 0);
}

static int64_t ahead;
static volatile int stop;

/* Either the one time or the other, nothing in between. */
static void *
sees_two_times(void *arg)
{
	while (!stop) {
		int64_t before = seen(CLOCK_MONOTONIC);
		int64_t off = seen(CLOCK_REALTIME) - before - ahead;
		int64_t took = seen(CLOCK_MONOTONIC) - before;
		if (off >= -SECOND && off <= took + SECOND)
			continue;
		if (off >= 50 * HOUR - SECOND && off <= 50 * HOUR + took + SECOND)
			continue;
		stop = 2;
	}
	return arg;
}

static void
set_under_readers(void)
{
	pthread_t thread[3];
	long failed = 0;

	functions_find();
	ahead = asked(CLOCK_REALTIME) - asked(CLOCK_MONOTONIC);
	for (int i = 0; i < 3; i++)
		check(pthread_create(&thread[i], NULL, sees_two_times, NULL) == 0);
	for (int i = 1; i <= 400 && !stop; i++) {
		int64_t ns = asked(CLOCK_MONOTONIC) + ahead + i % 2 * 50 * HOUR;
		struct timespec t = {ns / SECOND, ns % SECOND};
		failed |= syscall(SYS_clock_settime, CLOCK_REALTIME, &t);
		/* What was set is what the next look sees, on any CPU. */
		int64_t off = seen(CLOCK_REALTIME) - seen(CLOCK_MONOTONIC) - ahead;
		failed |= i % 2 ? off < 49 * HOUR : off > HOUR;
	}
	int seen_wrong = stop == 2;
	stop = 1;
	for (int i = 0; i < 3; i++)
		pthread_join(thread[i], NULL);
	int64_t ns = asked(CLOCK_MONOTONIC) + ahead;
	struct timespec t = {ns / SECOND, ns % SECOND};
	check(syscall(SYS_clock_settime, CLOCK_REALTIME, &t) == 0);
	check(!failed && !seen_wrong);
}

static void
named_in_maps(void)
{
	uintptr_t at = getauxval(AT_SYSINFO_EHDR);
	unsigned long start, end;
	char line[256], rights[8];
	int found = 0;
	FILE *f = fopen("/proc/self/maps", "r");

	check(f);
	while (fgets(line, sizeof(line), f)) {
		check(sscanf(line, "%lx-%lx %7s", &start, &end, rights) == 3);
		if (strstr(line, "[vdso]"))
			found |= 1, check(start == at && strcmp(rights, "r-xp") == 0);
		if (strstr(line, "[vvar]"))
			found |= 2, check(end <= at && strcmp(rights, "r--p") == 0);
	}
	fclose(f);
	check(found == 3);
	check(can_read((void *)at) && !can_write((void *)at));
	check(can_read((void *)(at + 8)) && !can_write((void *)(at - PAGE)));
}

static void
child_sees_time(void *arg)
{
	(void)arg;
	check(seen(CLOCK_MONOTONIC) <= asked(CLOCK_MONOTONIC));
}

static void
inherited(void)
{
	functions_find();
	child_must_live(child_sees_time, NULL);
	pid_t pid = vfork();
	if (pid == 0)
		_exit(seen(CLOCK_MONOTONIC) > asked(CLOCK_MONOTONIC));
	check(child_wait(pid) == 0);
}

const struct test_case vdso_cases[] = {
	{"the vDSO is an ELF object with symbols of version LINUX_2.6", functions_find, 0, 0},
	{"its clocks agree with the kernel's", agrees, 0, 0},
	{"what it does not know it asks the kernel", asks_the_kernel, 0, 0},
	{"gettimeofday and time agree too", other_forms, 0, 0},
	{"it knows the CPU it runs on", knows_the_cpu, 0, CASE_SMP},
	{"its clock never goes back, on no processor", never_back, 0, CASE_SMP},
	{"a clock that is set under its readers is the old one or the new one", set_under_readers, 0, CASE_SMP},
	{"maps shows it and its data, which nobody may write", named_in_maps, 0, 0},
	{"children have it", inherited, 0, 0},
	{0},
};
