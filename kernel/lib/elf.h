/* SPDX-License-Identifier: MIT */
/*
 * kernel/lib/elf.h - ELF64 structures, and the check that turns a file's first page into a plan for its mapping
 *
 * Idea        Decide, then act: elf_check() looks at bytes and says what exec would have to do, or that the file is no
 *             program. exec then only follows the plan, and needs no check of its own.
 * Invariants  what a plan promises is written at struct elf_plan
 * Locks       none
 * Follow      from kernel/exec.c
 * Tests       tests/host/elf_test.c
 * See         System V ABI, chapters 4 and 5, and its AMD64 supplement; Linux fs/binfmt_elf.c for odd files
 */
#pragma once

#include <kernel/lib/types.h>

#define ELF_PAGE 4096UL
#define ELF_USER_END 0x7ffffffff000UL /* first address a program cannot have */
#define ELF_SEGMENTS_MAX 16           /* PT_LOADs of one file */
#define ELF_INTERP_MAX 4096           /* PATH_MAX, with the NUL */

enum elf_ident {
	ELF_IDENT_CLASS = 4,
	ELF_IDENT_DATA = 5,
	ELF_IDENT_VERSION = 6,
	ELF_IDENT_SIZE = 16,
	ELF_CLASS_64 = 2,
	ELF_DATA_LITTLE = 1,
	ELF_VERSION_CURRENT = 1,
};

enum elf_file_type {
	ELF_TYPE_EXEC = 2, /* ET_EXEC: fixed addresses */
	ELF_TYPE_DYN = 3,  /* ET_DYN: addresses are offsets from a base */
	ELF_MACHINE_X86_64 = 62,
};

enum elf_segment_type {
	ELF_PT_LOAD = 1,
	ELF_PT_INTERP = 3,
	ELF_PT_GNU_STACK = 0x6474e551,
};

enum elf_segment_flags {
	ELF_X = 1,
	ELF_W = 2,
	ELF_R = 4,
};

struct elf_header {
	u8 ident[ELF_IDENT_SIZE];
	u16 type;
	u16 machine;
	u32 version;
	u64 entry; /* va */
	u64 phoff; /* offset in the file of the program headers */
	u64 shoff;
	u32 flags;
	u16 ehsize;
	u16 phentsize; /* bytes of one program header */
	u16 phnum;     /* how many there are */
	u16 shentsize;
	u16 shnum;
	u16 shstrndx;
};

struct elf_phdr {
	u32 type;
	u32 flags;
	u64 offset; /* in the file */
	u64 vaddr;
	u64 paddr;
	u64 filesz; /* bytes that come from the file */
	u64 memsz;  /* bytes in memory; those past filesz are zero */
	u64 align;
};

/* One area to map. Its pages belong to no other segment. */
struct elf_segment {
	u64 vaddr;  /* not rounded; at a PIE relative to the base */
	u64 memsz;  /* > 0 */
	u64 filesz; /* <= memsz */
	u64 offset; /* same remainder modulo the page as vaddr, unless filesz is 0 */
	u32 flags;  /* ELF_R, ELF_W, ELF_X */
};

/*
 * What to do. Addresses of a PIE are relative to a base that the caller chooses: a multiple of align, such that
 * [base + start, base + end) is user space.
 */
struct elf_plan {
	struct elf_segment segment[ELF_SEGMENTS_MAX]; /* ascending; page ranges do not overlap; all in user space */
	u32 count;                                    /* of segments, >= 1 */
	bool pie;                                     /* ET_DYN */
	bool has_interp;                              /* PT_INTERP: a loader is asked for */
	u64 start;                                    /* first page of the first segment */
	u64 end;           /* after the last page of the last segment: the heap starts here */
	u64 align;         /* of the base: a power of two, at least a page */
	u64 entry;         /* in an executable segment */
	u64 phdr;          /* va of the program headers for AT_PHDR; 0 when not mapped */
	u32 phnum;         /* AT_PHNUM */
	u32 phentsize;     /* AT_PHENT */
	u64 interp_offset; /* of the loader's path in the file */
	u64 interp_size;   /* bytes there, with the NUL: 2 to ELF_INTERP_MAX */
	u32 stack_flags;   /* of PT_GNU_STACK; ELF_R | ELF_W when there is none, as Linux */
};

/*
 * elf_check - is this the beginning of an x86-64 program, and how is it mapped?
 *
 * @bytes, @len: the first bytes of the file, up to one page, or the whole file when it is smaller; no alignment needed.
 * Whether the file is as long as its segments claim is not known here. The rules are a table in elf.c.
 *
 * Returns   0 and *plan; -ENOEXEC not an ELF for this machine, or malformed, then *plan is undefined
 * Context   any
 */
int elf_check(const void *bytes, size_t len, struct elf_plan *plan);
