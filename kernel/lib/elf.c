/* SPDX-License-Identifier: MIT */
/*
 * kernel/lib/elf.c - the check that turns a file's first page into a plan for its mapping
 *
 * Idea        One pass over the program headers. Everything that fails a rule is -ENOEXEC, before exec has touched
 *             the old address space; Linux finds some of these later and kills the process instead.
 *
 *     E1   the first bytes hold a whole ELF header: magic, 64-bit, little-endian, version 1
 *     E2   the machine is x86-64; the type is ET_EXEC or ET_DYN
 *     E3   a program header has 56 bytes, there is at least one, and all lie inside the given bytes
 *          Simple: Linux reads the table from anywhere in the file; every linker puts it behind the ELF header
 *     E4   at least one, at most 16 PT_LOADs that occupy memory (memsz 0 with filesz 0 occupies none and is skipped)
 *     E5   filesz <= memsz; offset + filesz does not wrap
 *     E6   vaddr + memsz does not wrap, and lies in [0, 0x7ffffffff000)
 *     E7   vaddr and offset agree modulo the page, unless no byte comes from the file
 *     E8   PT_LOADs ascend by vaddr, and no page belongs to two of them
 *          Simple: Linux lets a later one overwrite the shared page; no linker makes such a file by default
 *     E9   the entry lies in an executable PT_LOAD
 *     E10  a PT_INTERP (the first counts) names 2 to 4096 bytes, and its offset does not wrap
 *
 *     As in Linux, an alignment of a PT_LOAD that is no power of two is ignored, and the last PT_GNU_STACK counts.
 *
 * Invariants  a plan that elf_check() accepts is what struct elf_plan promises
 * Locks       none
 * Follow      from kernel/exec.c
 * Tests       tests/host/elf_test.c: a case for each rule
 * See         elf.h
 */
#include <kernel/lib/elf.h>
#include <kernel/lib/errno.h>
#include <kernel/lib/string.h>
#include <kernel/panic.h>

static bool header_ok(const struct elf_header *h, size_t len);
static bool phdr_take(struct elf_plan *plan, const struct elf_phdr *p, u64 phoff);
static bool load_take(struct elf_plan *plan, const struct elf_phdr *p);
static bool interp_take(struct elf_plan *plan, const struct elf_phdr *p);
static bool entry_ok(const struct elf_plan *plan);

int
elf_check(const void *bytes, size_t len, struct elf_plan *plan)
{
	struct elf_header header;
	struct elf_phdr phdr;

	if (len < sizeof(header))
		return -ENOEXEC;
	memcpy(&header, bytes, sizeof(header));
	if (!header_ok(&header, len))
		return -ENOEXEC;
	*plan = (struct elf_plan){
		.pie = header.type == ELF_TYPE_DYN,
		.align = ELF_PAGE,
		.entry = header.entry,
		.phnum = header.phnum,
		.phentsize = header.phentsize,
		.stack_flags = ELF_R | ELF_W,
	};
	for (u32 i = 0; i < header.phnum; i++) {
		memcpy(&phdr, (const u8 *)bytes + header.phoff + i * sizeof(phdr), sizeof(phdr));
		if (!phdr_take(plan, &phdr, header.phoff))
			return -ENOEXEC;
	}
	if (!plan->count || !entry_ok(plan))
		return -ENOEXEC;
	assert(plan->start < plan->end && plan->end <= ELF_USER_END);
	return 0;
}

/* E1, E2, E3. */
static bool
header_ok(const struct elf_header *h, size_t len)
{
	if (memcmp(h->ident, "\177ELF", 4) || h->ident[ELF_IDENT_CLASS] != ELF_CLASS_64)
		return false;
	if (h->ident[ELF_IDENT_DATA] != ELF_DATA_LITTLE || h->ident[ELF_IDENT_VERSION] != ELF_VERSION_CURRENT)
		return false;
	if (h->machine != ELF_MACHINE_X86_64 || (h->type != ELF_TYPE_EXEC && h->type != ELF_TYPE_DYN))
		return false;
	if (h->phentsize != sizeof(struct elf_phdr) || !h->phnum || h->phoff > len)
		return false;
	return h->phnum <= (len - h->phoff) / sizeof(struct elf_phdr);
}

/* @phoff: where in the file the program headers are. */
static bool
phdr_take(struct elf_plan *plan, const struct elf_phdr *p, u64 phoff)
{
	switch (p->type) {
	case ELF_PT_LOAD:
		if (!load_take(plan, p))
			return false;
		if (phoff >= p->offset && phoff - p->offset < p->filesz)
			plan->phdr = p->vaddr + (phoff - p->offset);
		return true;
	case ELF_PT_INTERP:
		return plan->has_interp || interp_take(plan, p);
	case ELF_PT_GNU_STACK:
		plan->stack_flags = p->flags & (ELF_R | ELF_W | ELF_X);
		return true;
	default:
		return true;
	}
}

/* E4 to E8. */
static bool
load_take(struct elf_plan *plan, const struct elf_phdr *p)
{
	u64 start = round_down(p->vaddr, ELF_PAGE);
	u64 end;

	if (p->filesz > p->memsz || p->offset + p->filesz < p->offset)
		return false;
	if (!p->memsz)
		return true;
	if (p->vaddr >= ELF_USER_END || p->memsz > ELF_USER_END - p->vaddr)
		return false;
	if (p->filesz && (p->vaddr ^ p->offset) % ELF_PAGE)
		return false;
	if (plan->count == ELF_SEGMENTS_MAX || (plan->count && start < plan->end))
		return false;
	end = round_up(p->vaddr + p->memsz, ELF_PAGE);
	if (!plan->count)
		plan->start = start;
	plan->end = end;
	if (is_pow2(p->align))
		plan->align = max_u64(plan->align, p->align);
	plan->segment[plan->count++] = (struct elf_segment){
		.vaddr = p->vaddr,
		.memsz = p->memsz,
		.filesz = p->filesz,
		.offset = p->offset,
		.flags = p->flags & (ELF_R | ELF_W | ELF_X),
	};
	return true;
}

/* E10. */
static bool
interp_take(struct elf_plan *plan, const struct elf_phdr *p)
{
	if (p->filesz < 2 || p->filesz > ELF_INTERP_MAX || p->offset + p->filesz < p->offset)
		return false;
	plan->has_interp = true;
	plan->interp_offset = p->offset;
	plan->interp_size = p->filesz;
	return true;
}

/* E9. */
static bool
entry_ok(const struct elf_plan *plan)
{
	for (u32 i = 0; i < plan->count; i++) {
		const struct elf_segment *s = &plan->segment[i];

		if ((s->flags & ELF_X) && plan->entry >= s->vaddr && plan->entry - s->vaddr < s->memsz)
			return true;
	}
	return false;
}
