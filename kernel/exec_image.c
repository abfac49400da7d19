/* SPDX-License-Identifier: MIT */
/*
 * kernel/exec_image.c - mapping a program and its loader
 *
 * Idea        see exec_image.h. One segment:
 *
 *                 vaddr        vaddr + filesz       page end            vaddr + memsz
 *                 | from the file      | cleared by us  | anonymous zeroes      |
 *
 * Invariants  I1  Nothing is mapped over something else: not over the stack, not over another segment.
 * Locks       none of its own
 * Follow      from exec.c   to do_mmap, exec_zero
 * Tests       tests/guest/elf.c
 * See         Linux fs/binfmt_elf.c: elf_map, padzero, set_brk
 */
#include <kernel/exec_image.h>
#include <kernel/exec_layout.h>
#include <kernel/exec_stack.h>
#include <kernel/fs/file.h>
#include <kernel/lib/errno.h>
#include <mm/mm.h>
#include <mm/mmap.h>
#include <mm/pagecache.h>

/* Two thirds of user space, page-aligned: where Linux puts a PIE that is not randomised. */
#define PIE_BASE 0x555555554000UL

static int map_image(struct mm *mm, const struct exec_image *image);
static u32 segment_prot(const struct elf_segment *s);
static int map_segment(struct mm *mm, const struct elf_segment *s, u64 base, struct pagecache *object);
static int map_zeroes(struct mm *mm, const struct elf_segment *s, u64 base);
static void note_segment(struct mm *mm, const struct elf_segment *s, u64 base);

int
image_map_program(struct mm *mm, struct exec_image *image, const struct exec_layout *layout)
{
	int error;

	image->base = image->plan.pie ? round_up(PIE_BASE + layout->pie_random, image->plan.align) : 0;
	error = map_image(mm, image);
	mm->start_code = ~0UL;
	for (u32 i = 0; i < image->plan.count; i++)
		note_segment(mm, &image->plan.segment[i], image->base);
	mm->start_brk = image->base + image->plan.end;
	if (layout->brk_random)
		mm->start_brk = round_up(mm->start_brk, PAGE_SIZE) + layout->brk_random;
	mm->brk = mm->start_brk;
	/* Segments that lie over the stack are a malformed file. */
	return error == -EEXIST ? -ENOEXEC : error;
}

/* A loader goes where mmap would put it: its whole span is found first, then covered. */
int
image_map_loader(struct mm *mm, struct exec_image *image)
{
	struct mmap_request span = {.prot = 0, .flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE};
	s64 at;

	if (!image->plan.pie)
		return map_image(mm, image);
	span.len = image->plan.end - image->plan.start + image->plan.align;
	at = do_mmap(mm, &span);
	if (at < 0)
		return (int)at;
	image->base = round_up((u64)at, image->plan.align) - image->plan.start;
	return do_munmap(mm, (u64)at, span.len) ? -ENOMEM : map_image(mm, image);
}

static int
map_image(struct mm *mm, const struct exec_image *image)
{
	struct pagecache *object = file_object(image->file);
	int error = 0;

	for (u32 i = 0; i < image->plan.count && !error; i++) {
		const struct elf_segment *s = &image->plan.segment[i];

		if (s->filesz)
			error = map_segment(mm, s, image->base, object);
		if (!error)
			error = map_zeroes(mm, s, image->base);
	}
	return error;
}

static u32
segment_prot(const struct elf_segment *s)
{
	return (s->flags & ELF_R ? PROT_READ : 0) | (s->flags & ELF_W ? PROT_WRITE : 0) |
	       (s->flags & ELF_X ? PROT_EXEC : 0);
}

static int
map_segment(struct mm *mm, const struct elf_segment *s, u64 base, struct pagecache *object)
{
	u64 start = round_down(base + s->vaddr, PAGE_SIZE);
	struct mmap_request request = {
		.addr = start,
		.len = base + s->vaddr + s->filesz - start,
		.prot = segment_prot(s),
		.flags = MAP_PRIVATE | MAP_FIXED_NOREPLACE,
		.object = object,
		.pgoff = s->offset >> PAGE_SHIFT,
	};
	s64 at = do_mmap(mm, &request);

	return at < 0 ? (int)at : 0;
}

/*
 * What a segment has in memory beyond the file: the tail of the last page from the file is cleared by a write of our
 * own, pages after it are anonymous. A segment that may not be written keeps the tail, as in Linux.
 */
static int
map_zeroes(struct mm *mm, const struct elf_segment *s, u64 base)
{
	u64 file_end = base + s->vaddr + s->filesz;
	u64 zero_start = s->filesz ? round_up(file_end, PAGE_SIZE) : round_down(file_end, PAGE_SIZE);
	u64 end = round_up(base + s->vaddr + s->memsz, PAGE_SIZE);
	struct mmap_request request = {.prot = segment_prot(s),
				       .flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE};
	int error = 0;

	if (s->memsz > s->filesz && zero_start > file_end && (s->flags & ELF_W))
		error = exec_zero(mm, file_end, zero_start - file_end);
	if (error == -EFAULT)
		error = -ENOEXEC; /* the file is shorter than it claims */
	if (!error && end > zero_start) {
		s64 at;

		request.addr = zero_start;
		request.len = end - zero_start;
		at = do_mmap(mm, &request);
		error = at < 0 ? (int)at : 0;
	}
	return error;
}

/* The figures that /proc/<pid>/stat shows. */
static void
note_segment(struct mm *mm, const struct elf_segment *s, u64 base)
{
	u64 start = base + s->vaddr;
	u64 end = start + s->filesz;

	mm->start_code = min_u64(mm->start_code, start);
	if (s->flags & ELF_X)
		mm->end_code = max_u64(mm->end_code, end);
	mm->start_data = max_u64(mm->start_data, start);
	mm->end_data = max_u64(mm->end_data, end);
}
