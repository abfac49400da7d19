/* SPDX-License-Identifier: MIT */
/*
 * kernel/fs/mount_options.c - the words of mount -o that tmpfs knows
 *
 * Idea        see mount_options.h
 * Invariants  none
 * Locks       none: pure
 * Follow      from mount.c   to tmpfs.c
 * Tests       tests/host/mount_options_test.c
 */
#include <kernel/fs/mount_options.h>

#include <arch/mmu.h>
#include <kernel/lib/errno.h>
#include <kernel/lib/format.h>
#include <kernel/lib/string.h>

#define WORD_MAX 64 /* no word that is known is longer */

static int parse_word(const char *word, u64 ram_pages, struct mount_options *out);
static int set_pages(const char *value, u64 ram_pages, struct mount_options *out);
static int parse_count(const char *value, u64 *out);
static int parse_id(const char *value, u32 base, u32 *out);

int
mount_options_parse(const char *text, u64 ram_pages, struct mount_options *out)
{
	char word[WORD_MAX];
	int err = 0;
	u32 len;

	*out = (struct mount_options){0};
	while (!err && *text) {
		for (len = 0; text[len] && text[len] != ','; len++)
			;
		if (len >= sizeof(word))
			return -EINVAL;
		memcpy(word, text, len);
		word[len] = 0;
		if (len)
			err = parse_word(word, ram_pages, out);
		text += len + (text[len] == ',');
	}
	return err;
}

static int
parse_word(const char *word, u64 ram_pages, struct mount_options *out)
{
	if (!strncmp(word, "size=", 5))
		return set_pages(word + 5, ram_pages, out);
	if (!strncmp(word, "nr_blocks=", 10)) {
		out->said |= OPTION_SIZE;
		return parse_count(word + 10, &out->pages);
	}
	if (!strncmp(word, "nr_inodes=", 10)) {
		out->said |= OPTION_INODES;
		return parse_count(word + 10, &out->inodes);
	}
	if (!strncmp(word, "mode=", 5)) {
		out->said |= OPTION_MODE;
		return parse_id(word + 5, 8, &out->mode) || (out->mode & ~07777U) ? -EINVAL : 0;
	}
	if (!strncmp(word, "uid=", 4)) {
		out->said |= OPTION_UID;
		return parse_id(word + 4, 10, &out->uid);
	}
	if (!strncmp(word, "gid=", 4)) {
		out->said |= OPTION_GID;
		return parse_id(word + 4, 10, &out->gid);
	}
	return -EINVAL;
}

static int
set_pages(const char *value, u64 ram_pages, struct mount_options *out)
{
	u32 len = strlen(value);
	const char *end;
	u64 n;

	out->said |= OPTION_SIZE;
	if (len && value[len - 1] == '%') {
		if (parse_u64(value, &end, 10, &n) || end != value + len - 1 || n > 1000000)
			return -EINVAL;
		out->pages = ram_pages * n / 100;
		return 0;
	}
	if (parse_count(value, &n))
		return -EINVAL;
	out->pages = n / PAGE_SIZE + (n % PAGE_SIZE != 0);
	return 0;
}

/* A number, perhaps with k, m, g, t ... behind it. */
static int
parse_count(const char *value, u64 *out)
{
	const char *end;

	return parse_size(value, &end, out) || *end ? -EINVAL : 0;
}

static int
parse_id(const char *value, u32 base, u32 *out)
{
	const char *end;
	u64 n;

	if (parse_u64(value, &end, base, &n) || *end || n > ~0U)
		return -EINVAL;
	*out = n;
	return 0;
}
