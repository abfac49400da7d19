/* SPDX-License-Identifier: MIT */
/*
 * kernel/exec_image.h - the segments of an ELF file become mappings of a new address space
 *
 * Idea        The plan of kernel/lib/elf.h is followed: each segment is a private mapping of the file's pages, and what
 *             it has beyond the file is zero.
 * Invariants  see exec_image.c
 * Locks       mm->lock, by the calls made
 * Follow      from exec.c   to mm/mmap.h
 * Tests       tests/guest/elf.c
 */
#pragma once

#include <kernel/lib/elf.h>

struct file;
struct mm;

/* One ELF file to map: the program, and perhaps its loader. */
struct exec_image {
	struct file *file;
	struct elf_plan plan;
	u64 base;
};

struct exec_layout;

/*
 * image_map_program - map the program itself; sets image->base and the addresses that @mm remembers
 * image_map_loader - map the loader it asks for, where mmap would put it; sets image->base
 *
 * Returns   0; -ENOEXEC segments where none may be, or a file shorter than they claim; -EPERM below MMAP_MIN_ADDR;
 *           -ENOMEM
 * Context   may sleep; no task runs in @mm yet, its stack is mapped
 */
int image_map_program(struct mm *mm, struct exec_image *image, const struct exec_layout *layout);
int image_map_loader(struct mm *mm, struct exec_image *image);
