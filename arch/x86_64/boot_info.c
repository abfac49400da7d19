/* SPDX-License-Identifier: MIT */
/*
 * arch/x86_64/boot_info.c - multiboot2's tags or PVH's start_info become struct boot_info
 *
 * Idea        Each format is walked once, front to back, and copied out of. What a loader may omit stays zero; sizes
 *             are believed only as far as the enclosing structure reaches.
 * Invariants  none
 * Locks       none: one CPU, interrupts off
 * Follow      from boot.S   to kernel/main.c
 * Tests       every boot; BOOT=iso and BOOT=pvh
 * See         Multiboot2 specification 3.6; Xen's start_info.h (a format description)
 */
#include <arch/mmu.h>
#include <arch/x86.h>
#include <kernel/boot_info.h>
#include <kernel/lib/string.h>

#define MB2_LOADER_MAGIC 0x36d76289
#define PVH_LOADER_MAGIC 0x336ec578
#define PVH_NAME "PVH"
#define EARLY_REACH (4UL << 30) /* what boot.S maps */
#define MB2_INFO_MAX (1U << 20) /* more is taken for garbage */

enum mb2_type {
	MB2_END = 0,
	MB2_CMDLINE = 1,
	MB2_LOADER = 2,
	MB2_MODULE = 3,
	MB2_MMAP = 6,
	MB2_FRAMEBUFFER = 8,
	MB2_ACPI_OLD = 14,
	MB2_ACPI_NEW = 15,
};

struct mb2_tag {
	u32 type;
	u32 size;
};

struct mb2_module {
	struct mb2_tag tag;
	u32 start;
	u32 end;
};

struct mb2_mmap {
	struct mb2_tag tag;
	u32 entry_size;
	u32 entry_version;
};

struct mb2_mmap_entry {
	u64 base;
	u64 len;
	u32 type;
	u32 zero;
};

struct mb2_framebuffer {
	struct mb2_tag tag;
	u64 addr;
	u32 pitch, width, height;
	u8 bpp;
	u8 type; /* 2: text */
};

struct pvh_start_info {
	u32 magic;
	u32 version;
	u32 flags;
	u32 nr_modules;
	u64 modlist_pa;
	u64 cmdline_pa;
	u64 rsdp_pa;
	u64 memmap_pa; /* from version 1 on, as is the count */
	u32 memmap_entries;
	u32 reserved;
};

struct pvh_module {
	u64 pa;
	u64 size;
	u64 cmdline_pa;
	u64 reserved;
};

struct pvh_memmap_entry {
	u64 base;
	u64 len;
	u32 type;
	u32 reserved;
};

#define RSDP_MAX 36 /* bytes of the root pointer in its newer form */

static struct boot_info boot_info;
static u8 boot_rsdp[RSDP_MAX]; /* GRUB hands out a copy that lies in memory which will be used otherwise */

__noreturn void boot_main(u32 magic, u32 info_pa);
static void boot_mb2_read(struct boot_info *info, const u8 *mb2);
static void boot_mb2_tag(struct boot_info *info, const struct mb2_tag *tag);
static void boot_mb2_mmap(struct boot_info *info, const struct mb2_mmap *mmap);
static void boot_pvh_read(struct boot_info *info, const struct pvh_start_info *start);
static void boot_pvh_module(struct boot_info *info, const struct pvh_start_info *start);
static void boot_range_add(struct boot_info *info, u64 base, u64 len, u32 firmware_type);
static void boot_text_copy(char *to, u32 size, const char *from, u32 max);
static bool boot_screen_is_text(void);

/* The first C code. An unknown loader leaves everything empty: kernel_main() will miss its memory and say so. */
void __init
boot_main(u32 magic, u32 info_pa)
{
	struct boot_info *info = &boot_info;

	if (magic == MB2_LOADER_MAGIC)
		boot_mb2_read(info, pa_to_va(info_pa));
	else if (magic == PVH_LOADER_MAGIC)
		boot_pvh_read(info, pa_to_va(info_pa));
	kernel_main(info);
}

static void __init
boot_mb2_read(struct boot_info *info, const u8 *mb2)
{
	u32 total = *(const u32 *)mb2;
	u32 at = 8;

	if (total > MB2_INFO_MAX)
		return;
	boot_text_copy(info->loader, sizeof(info->loader), "multiboot2", 64);
	while (at + sizeof(struct mb2_tag) <= total) {
		const struct mb2_tag *tag = (const struct mb2_tag *)(mb2 + at);

		if (tag->type == MB2_END || tag->size < sizeof(*tag) || tag->size > total - at)
			return;
		boot_mb2_tag(info, tag);
		at = round_up(at + tag->size, 8);
	}
}

static void __init
boot_mb2_tag(struct boot_info *info, const struct mb2_tag *tag)
{
	const struct mb2_module *module = (const struct mb2_module *)tag;
	u32 payload = tag->size - sizeof(*tag);

	switch (tag->type) {
	case MB2_CMDLINE:
		boot_text_copy(info->cmdline, sizeof(info->cmdline), (const char *)(tag + 1), payload);
		break;
	case MB2_LOADER:
		boot_text_copy(info->loader, sizeof(info->loader), (const char *)(tag + 1), payload);
		break;
	case MB2_MODULE:
		if (info->initrd_size || module->end < module->start)
			break;
		info->initrd_pa = module->start;
		info->initrd_size = module->end - module->start;
		break;
	case MB2_MMAP:
		boot_mb2_mmap(info, (const struct mb2_mmap *)tag);
		break;
	case MB2_FRAMEBUFFER:
		if (((const struct mb2_framebuffer *)tag)->type == 2)
			info->screen = BOOT_SCREEN_TEXT;
		break;
	case MB2_ACPI_OLD:
		if (info->rsdp_pa)
			break;
		/* falls through */
	case MB2_ACPI_NEW:
		memcpy(boot_rsdp, tag + 1, min_u64(payload, RSDP_MAX));
		info->rsdp_pa = kernel_to_pa(boot_rsdp);
		break;
	}
}

static void __init
boot_mb2_mmap(struct boot_info *info, const struct mb2_mmap *mmap)
{
	const u8 *at = (const u8 *)(mmap + 1);
	const u8 *end = (const u8 *)mmap + mmap->tag.size;

	if (mmap->entry_size < sizeof(struct mb2_mmap_entry))
		return;
	for (; at + mmap->entry_size <= end; at += mmap->entry_size) {
		const struct mb2_mmap_entry *e = (const struct mb2_mmap_entry *)at;

		boot_range_add(info, e->base, e->len, e->type);
	}
}

static void __init
boot_pvh_read(struct boot_info *info, const struct pvh_start_info *start)
{
	const struct pvh_memmap_entry *map = pa_to_va(start->memmap_pa);

	if (start->magic != PVH_LOADER_MAGIC)
		return;
	boot_text_copy(info->loader, sizeof(info->loader), PVH_NAME, sizeof(PVH_NAME));
	if (start->cmdline_pa && start->cmdline_pa < EARLY_REACH)
		boot_text_copy(info->cmdline, sizeof(info->cmdline), pa_to_va(start->cmdline_pa), BOOT_CMDLINE_MAX);
	boot_pvh_module(info, start);
	info->rsdp_pa = start->rsdp_pa;
	if (boot_screen_is_text())
		info->screen = BOOT_SCREEN_TEXT;
	if (start->version < 1 || start->memmap_pa >= EARLY_REACH)
		return;
	for (u32 i = 0; i < start->memmap_entries; i++)
		boot_range_add(info, map[i].base, map[i].len, map[i].type);
}

static void __init
boot_pvh_module(struct boot_info *info, const struct pvh_start_info *start)
{
	const struct pvh_module *module = pa_to_va(start->modlist_pa);

	if (!start->nr_modules || start->modlist_pa >= EARLY_REACH)
		return;
	info->initrd_pa = module->pa;
	info->initrd_size = module->size;
}

/* Both formats number types as the BIOS does: 1 RAM, 3 ACPI tables. What does not fit is left out: memory unused. */
static void __init
boot_range_add(struct boot_info *info, u64 base, u64 len, u32 firmware_type)
{
	struct boot_range *r = &info->ranges[info->range_count];

	if (info->range_count == BOOT_RANGES_MAX || !len || base + len < base)
		return;
	info->range_count++;
	r->base = base;
	r->len = len;
	r->type = BOOT_RANGE_RESERVED;
	if (firmware_type == 1)
		r->type = BOOT_RANGE_USABLE;
	if (firmware_type == 3)
		r->type = BOOT_RANGE_ACPI;
}

/* At most @max bytes of @from, cut to @size, always terminated. */
static void __init
boot_text_copy(char *to, u32 size, const char *from, u32 max)
{
	u32 i;

	for (i = 0; i < size - 1 && i < max && from[i]; i++)
		to[i] = from[i];
	to[i] = '\0';
}

/*
 * PVH says nothing of a screen. A VGA card answers at its index port (an absent one reads all ones), and bit 0 of the
 * miscellaneous graphics register tells graphics from text.
 */
static bool __init
boot_screen_is_text(void)
{
	u8 misc;

	outb(0x3ce, 6);
	if (inb(0x3ce) != 6)
		return false;
	misc = inb(0x3cf);
	return !(misc & 1) && (misc & 0x0c) == 0x0c;
}
