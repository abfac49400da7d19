/* SPDX-License-Identifier: MIT */
/*
 * kernel/vdso.c - the object in every program that tells the time without a system call
 *
 * Idea        see vdso.h
 * Invariants  see vdso.h
 * Locks       none
 * Follow      from exec.c   to mm/pagecache.h, mm/mmap.h
 * Tests       tests/guest/vdso.c
 */
#include <arch/vdso.h>
#include <kernel/lib/string.h>
#include <kernel/panic.h>
#include <kernel/vdso.h>

#include <kernel/exec_layout.h>
#include <kernel/wall_clock.h>
#include <mm/mm.h>
#include <mm/mmap.h>
#include <mm/page.h>
#include <mm/pagecache.h>

extern const u8 vdso_image_start[], vdso_image_end[];

static struct pagecache *vdso_object; /* const after init; one reference */

static void *page_make(u64 index);

_Static_assert(VDSO_DATA_SIZE == PAGE_SIZE, "one page of data, then the image");

void __init
vdso_init(void)
{
	u64 size = (u64)(vdso_image_end - vdso_image_start);
	struct vdso_data *data;

	vdso_object = pagecache_create(PAGE_FILE);
	if (!vdso_object)
		panic("no memory for the object that tells programs the time");
	pagecache_set_size(vdso_object, PAGE_SIZE + size);
	data = page_make(0);
	clock_vdso_fill(data);
	for (u64 at = 0; at < size; at += PAGE_SIZE)
		memcpy(page_make(1 + at / PAGE_SIZE), vdso_image_start + at, min_u64(size - at, PAGE_SIZE));
	wall_clock_share(&data->wall_ahead_ns);
}

/* It stays where it is, for nobody takes pages out of this object. */
static void *
page_make(u64 index)
{
	struct page *page;

	if (pagecache_get_page(vdso_object, index, &page))
		panic("no memory for the object that tells programs the time");
	page_put(page);
	return page_to_va(page);
}

int
vdso_map(struct mm *mm, const struct exec_layout *layout, u64 *header)
{
	struct mmap_request request = {
		.len = PAGE_SIZE + round_up((u64)(vdso_image_end - vdso_image_start), PAGE_SIZE),
		.prot = PROT_READ | PROT_EXEC,
		.flags = MAP_PRIVATE,
		.object = vdso_object,
	};
	s64 at;

	request.addr = exec_layout_vdso(layout, request.len);
	at = do_mmap(mm, &request);

	if (at < 0)
		return (int)at;
	*header = (u64)at + PAGE_SIZE;
	/* The data is no code: from here on there are two mappings, as in Linux. */
	return do_mprotect(mm, (u64)at, PAGE_SIZE, PROT_READ);
}

const char *
vdso_name(const struct vma *vma)
{
	if (!vma->object || vma->object != vdso_object)
		return NULL;
	return vma->pgoff ? "[vdso]" : "[vvar]";
}
