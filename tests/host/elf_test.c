/* SPDX-License-Identifier: MIT */
/*
 * tests/host/elf_test.c - the ELF checker: a case for each rule E1 to E10, real programs, and noise
 *
 * Idea        A small good file is made, one thing in it is spoiled, and the verdict compared. Whatever passes
 *             after random changes must keep the promises of struct elf_plan, which are checked here one by one.
 */
/* sources: kernel/lib/elf.c */
#include "host.h"

#include <kernel/lib/elf.h>
#include <kernel/lib/errno.h>

#define PHDRS 24
#define FLIPS 400000

struct file {
	struct elf_header header;
	struct elf_phdr phdr[PHDRS];
};

_Static_assert(sizeof(struct elf_header) == 64, "as the ABI has it");
_Static_assert(sizeof(struct elf_phdr) == 56, "as the ABI has it");

static const struct elf_phdr text = {.type = ELF_PT_LOAD,
				     .flags = ELF_R | ELF_X,
				     .vaddr = 0x400000,
				     .filesz = 0x1234,
				     .memsz = 0x1234,
				     .align = 0x1000};
static const struct elf_phdr data = {.type = ELF_PT_LOAD,
				     .flags = ELF_R | ELF_W,
				     .offset = 0x1800,
				     .vaddr = 0x402800,
				     .filesz = 0x100,
				     .memsz = 0x5000,
				     .align = 0x1000};

/* Two segments, an entry in the first. */
static struct file
file_make(u16 type)
{
	struct file f = {
		.header = {.ident = {0x7f, 'E', 'L', 'F', 2, 1, 1},
			   .type = type,
			   .machine = 62,
			   .version = 1,
			   .entry = 0x400800,
			   .phoff = sizeof(struct elf_header),
			   .ehsize = 64,
			   .phentsize = 56,
			   .phnum = 2},
	};

	f.phdr[0] = text;
	f.phdr[1] = data;
	return f;
}

static int
check(const struct file *f, size_t len, struct elf_plan *plan)
{
	u8 *bytes = host_copy(f, len);
	int err = elf_check(bytes, len, plan);

	free(bytes);
	return err;
}

static void
refused(const struct file *f)
{
	struct elf_plan plan;

	assert_int_equal(check(f, sizeof(*f), &plan), -ENOEXEC);
}

static struct elf_plan
accepted(const struct file *f)
{
	struct elf_plan plan;

	assert_int_equal(check(f, sizeof(*f), &plan), 0);
	return plan;
}

/* The promises of struct elf_plan. */
static void
plan_check(const struct elf_plan *p)
{
	bool entry_ok = false;
	u64 end = 0;

	assert_true(p->count >= 1 && p->count <= ELF_SEGMENTS_MAX);
	for (u32 i = 0; i < p->count; i++) {
		const struct elf_segment *s = &p->segment[i];

		assert_true(s->memsz && s->filesz <= s->memsz);
		assert_true(s->vaddr < ELF_USER_END && s->memsz <= ELF_USER_END - s->vaddr);
		assert_true(round_down(s->vaddr, ELF_PAGE) >= end);
		assert_true(!s->filesz || s->vaddr % ELF_PAGE == s->offset % ELF_PAGE);
		assert_true(s->offset + s->filesz >= s->offset);
		assert_false(s->flags & ~7U);
		if (!i)
			assert_int_equal(p->start, round_down(s->vaddr, ELF_PAGE));
		end = round_up(s->vaddr + s->memsz, ELF_PAGE);
		entry_ok |= (s->flags & ELF_X) && p->entry >= s->vaddr && p->entry - s->vaddr < s->memsz;
	}
	assert_int_equal(p->end, end);
	assert_true(end <= ELF_USER_END && entry_ok);
	assert_true(is_pow2(p->align) && p->align >= ELF_PAGE);
	assert_int_equal(p->phentsize, 56);
	if (p->has_interp)
		assert_true(p->interp_size >= 2 && p->interp_size <= ELF_INTERP_MAX);
}

static void
good_file_has_a_plan(void **state)
{
	struct file f = file_make(ELF_TYPE_EXEC);
	struct elf_plan p = accepted(&f);

	plan_check(&p);
	assert_int_equal(p.count, 2);
	assert_false(p.pie || p.has_interp);
	assert_int_equal(p.start, 0x400000);
	assert_int_equal(p.end, 0x408000);
	assert_int_equal(p.entry, 0x400800);
	assert_int_equal(p.phdr, 0x400040);
	assert_int_equal(p.phnum, 2);
	assert_int_equal(p.align, 0x1000);
	assert_int_equal(p.stack_flags, ELF_R | ELF_W);
	assert_int_equal(p.segment[1].vaddr, 0x402800);
	assert_int_equal(p.segment[1].offset, 0x1800);
	assert_int_equal(p.segment[1].filesz, 0x100);
	assert_int_equal(p.segment[1].memsz, 0x5000);
	assert_int_equal(p.segment[1].flags, ELF_R | ELF_W);
}

static void
pie_interp_stack_and_alignment_are_reported(void **state)
{
	struct file f = file_make(ELF_TYPE_DYN);
	struct elf_plan p;

	f.header.phnum = 6;
	f.header.phoff = offsetof(struct file, phdr);
	f.phdr[0].align = 3;
	f.phdr[1].align = 0x200000;
	f.phdr[2] = (struct elf_phdr){.type = ELF_PT_INTERP, .offset = 0x300, .filesz = 28};
	f.phdr[3] = (struct elf_phdr){.type = ELF_PT_GNU_STACK, .flags = ELF_R};
	f.phdr[4] = (struct elf_phdr){.type = ELF_PT_GNU_STACK, .flags = 0xff000000 | ELF_R | ELF_W | ELF_X};
	f.phdr[5] = (struct elf_phdr){.type = ELF_PT_INTERP, .offset = 0x500, .filesz = 2};
	p = accepted(&f);
	plan_check(&p);
	assert_true(p.pie && p.has_interp);
	assert_int_equal(p.interp_offset, 0x300);
	assert_int_equal(p.interp_size, 28);
	assert_int_equal(p.stack_flags, ELF_R | ELF_W | ELF_X);
	assert_int_equal(p.align, 0x200000);
	f.phdr[0].offset = f.phdr[0].vaddr = 0x1000;
	f.header.entry = 0x1000;
	assert_int_equal(accepted(&f).phdr, 0);
}

static void
e1_e2_other_headers_are_refused(void **state)
{
	static const u32 places[] = {0, 1, 2, 3, ELF_IDENT_CLASS, ELF_IDENT_DATA, ELF_IDENT_VERSION};
	struct elf_plan plan;
	struct file f;

	for (u32 i = 0; i < ARRAY_SIZE(places); i++) {
		f = file_make(ELF_TYPE_EXEC);
		f.header.ident[places[i]] ^= 3;
		refused(&f);
	}
	f = file_make(1);
	refused(&f);
	f = file_make(4);
	refused(&f);
	f = file_make(ELF_TYPE_EXEC);
	f.header.machine = 3;
	refused(&f);
	f = file_make(ELF_TYPE_EXEC);
	for (size_t len = 0; len < sizeof(f.header) + 2 * sizeof(f.phdr[0]); len++)
		assert_int_equal(check(&f, len, &plan), -ENOEXEC);
	assert_int_equal(check(&f, sizeof(f.header) + 2 * sizeof(f.phdr[0]), &plan), 0);
}

static void
e3_program_headers_outside_are_refused(void **state)
{
	static const u64 offsets[] = {sizeof(struct file) - 111, sizeof(struct file) + 1, 1UL << 63, -1UL, -112UL};
	struct file f;

	for (u32 i = 0; i < ARRAY_SIZE(offsets); i++) {
		f = file_make(ELF_TYPE_EXEC);
		f.header.phoff = offsets[i];
		refused(&f);
	}
	f = file_make(ELF_TYPE_EXEC);
	f.header.phnum = 0;
	refused(&f);
	f.header.phnum = PHDRS + 1;
	refused(&f);
	f.header.phnum = 0xffff;
	refused(&f);
	f = file_make(ELF_TYPE_EXEC);
	f.header.phentsize = 55;
	refused(&f);
	f.header.phentsize = 64;
	refused(&f);
}

static void
e4_the_number_of_segments_is_bounded(void **state)
{
	struct file f = file_make(ELF_TYPE_EXEC);

	f.header.phnum = PHDRS;
	for (u32 i = 1; i < PHDRS; i++) {
		f.phdr[i] = text;
		f.phdr[i].vaddr += 0x10000 * i;
		if (i >= ELF_SEGMENTS_MAX)
			f.phdr[i].memsz = f.phdr[i].filesz = 0;
	}
	assert_int_equal(accepted(&f).count, ELF_SEGMENTS_MAX);
	f.phdr[ELF_SEGMENTS_MAX] = text;
	f.phdr[ELF_SEGMENTS_MAX].vaddr += 0x10000 * ELF_SEGMENTS_MAX;
	refused(&f);
	f = file_make(ELF_TYPE_EXEC);
	f.phdr[0].type = f.phdr[1].type = 0;
	refused(&f);
	f.header.phnum = 1;
	f.phdr[0] = text;
	f.phdr[0].memsz = f.phdr[0].filesz = 0;
	refused(&f);
}

static void
e5_sizes_in_the_file_are_checked(void **state)
{
	struct file f = file_make(ELF_TYPE_EXEC);

	f.phdr[0].filesz = f.phdr[0].memsz + 1;
	refused(&f);
	f = file_make(ELF_TYPE_EXEC);
	f.phdr[1].offset = -0x800UL;
	f.phdr[1].filesz = 0x801;
	refused(&f);
	f.phdr[1].filesz = 0x7ff;
	accepted(&f);
}

static void
e6_segments_stay_in_user_space(void **state)
{
	static const u64 places[] = {ELF_USER_END - 0x4000, ELF_USER_END, 0x800000000000, 0xffffffff80000000,
				     -0x1000UL};
	struct file f;

	for (u32 i = 0; i < ARRAY_SIZE(places); i++) {
		f = file_make(ELF_TYPE_EXEC);
		f.phdr[1].vaddr = places[i] + 0x800;
		refused(&f);
	}
	f = file_make(ELF_TYPE_EXEC);
	f.phdr[1].memsz = -1UL;
	refused(&f);
	f.phdr[1].memsz = ELF_USER_END - f.phdr[1].vaddr + 1;
	refused(&f);
	f.phdr[1].memsz--;
	assert_int_equal(accepted(&f).end, ELF_USER_END);
	f = file_make(ELF_TYPE_EXEC);
	f.phdr[0].vaddr = 0;
	f.header.entry = 0;
	assert_int_equal(accepted(&f).start, 0);
}

static void
e7_offsets_agree_with_addresses(void **state)
{
	struct file f = file_make(ELF_TYPE_EXEC);

	f.phdr[1].offset++;
	refused(&f);
	f.phdr[1].filesz = 0;
	accepted(&f);
}

static void
e8_segments_ascend_and_share_no_page(void **state)
{
	struct file f = file_make(ELF_TYPE_EXEC);

	f.phdr[0] = data;
	f.phdr[1] = text;
	refused(&f);
	f = file_make(ELF_TYPE_EXEC);
	f.phdr[1].vaddr = 0x401800;
	refused(&f);
	f.phdr[1].vaddr = 0x400800;
	refused(&f);
	f.phdr[0].memsz = f.phdr[0].filesz = 0x1000;
	f.phdr[1].vaddr = 0x401800;
	accepted(&f);
}

static void
e9_the_entry_is_executable(void **state)
{
	static const u64 entries[] = {0, 0x3fffff, 0x401234, 0x402800, -1UL};
	struct file f = file_make(ELF_TYPE_EXEC);

	f.header.entry = 0x401233;
	accepted(&f);
	for (u32 i = 0; i < ARRAY_SIZE(entries); i++) {
		f.header.entry = entries[i];
		refused(&f);
	}
}

static void
e10_the_loader_has_a_name(void **state)
{
	static const struct elf_phdr bad[] = {
		{.filesz = 0}, {.filesz = 1}, {.filesz = 4097}, {.filesz = -1UL}, {.filesz = 4096, .offset = -4095UL}};

	for (u32 i = 0; i < ARRAY_SIZE(bad); i++) {
		struct file f = file_make(ELF_TYPE_DYN);

		f.phdr[2] = bad[i];
		f.phdr[2].type = ELF_PT_INTERP;
		f.header.phnum = 3;
		refused(&f);
	}
}

static void
programs_of_this_machine_are_accepted(void **state)
{
	static const char *const paths[] = {"/proc/self/exe", "/bin/sh", "/bin/busybox", "/usr/bin/gdb"};
	struct elf_plan plan;
	u8 page[4096];

	for (u32 i = 0; i < ARRAY_SIZE(paths); i++) {
		FILE *f = fopen(paths[i], "rb");
		size_t len;
		u8 *copy;

		if (!f)
			continue;
		len = fread(page, 1, sizeof(page), f);
		fclose(f);
		copy = host_copy(page, len);
		assert_int_equal(elf_check(copy, len, &plan), 0);
		plan_check(&plan);
		free(copy);
	}
}

/* A value that is likely to sit on a border. */
static u64
value_random(u64 old)
{
	switch (host_below(5)) {
	case 0:
		return old ^ 1UL << host_below(64);
	case 1:
		return host_random_size();
	case 2:
		return -host_random_size();
	case 3:
		return old + host_below(0x3000) - 0x1800;
	default:
		return ELF_USER_END + host_below(0x2000) - 0x1000;
	}
}

static void
noise_breaks_no_promise(void **state)
{
	u32 passed = 0;

	for (u32 i = 0; i < FLIPS; i++) {
		struct file f = file_make(host_below(2) ? ELF_TYPE_EXEC : ELF_TYPE_DYN);
		struct elf_plan plan;
		size_t len = host_below(8) ? sizeof(f) : host_below(sizeof(f));

		f.phdr[2] = (struct elf_phdr){
			.type = host_below(4), .vaddr = 0x500000, .memsz = 1, .filesz = host_below(3)};
		f.phdr[3] = (struct elf_phdr){.type = ELF_PT_GNU_STACK};
		f.header.phnum = 1 + host_below(4);
		for (u32 n = host_below(4); n; n--) {
			/* The parts of a header are u64, but for type and flags, which lie in one. */
			u64 *word = (u64 *)&f + host_below(sizeof(f.header) / 8 + 4 * 7);

			*word = value_random(*word);
		}
		if (check(&f, len, &plan) == 0) {
			plan_check(&plan);
			passed++;
		}
	}
	/* Otherwise nothing was tested. */
	assert_true(passed > FLIPS / 10 && passed < FLIPS - FLIPS / 10);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(good_file_has_a_plan),
		cmocka_unit_test(pie_interp_stack_and_alignment_are_reported),
		cmocka_unit_test(e1_e2_other_headers_are_refused),
		cmocka_unit_test(e3_program_headers_outside_are_refused),
		cmocka_unit_test(e4_the_number_of_segments_is_bounded),
		cmocka_unit_test(e5_sizes_in_the_file_are_checked),
		cmocka_unit_test(e6_segments_stay_in_user_space),
		cmocka_unit_test(e7_offsets_agree_with_addresses),
		cmocka_unit_test(e8_segments_ascend_and_share_no_page),
		cmocka_unit_test(e9_the_entry_is_executable),
		cmocka_unit_test(e10_the_loader_has_a_name),
		cmocka_unit_test(programs_of_this_machine_are_accepted),
		cmocka_unit_test(noise_breaks_no_promise),
	};

	host_start();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
