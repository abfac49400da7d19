/* SPDX-License-Identifier: MIT */
/*
 * tests/host/mount_options_test.c - the words of mount -o: cases by hand, then random text for ASan to watch
 *
 * Idea        what is said is set, what is not said is not, and a wrong word is an error wherever it stands
 */
/* sources: kernel/fs/mount_options.c kernel/lib/format.c kernel/lib/string.c */
#include "host.h"

#include <kernel/fs/mount_options.h>
#include <kernel/lib/errno.h>

#define RAM 1000 /* pages */
#define STEPS 20000

static struct mount_options o;

static int
parse(const char *text)
{
	return mount_options_parse(text, RAM, &o);
}

static void
each_word_sets_its_figure(void **state)
{
	assert_int_equal(parse(""), 0);
	assert_int_equal(o.said, 0);
	assert_int_equal(parse("size=8k,nr_inodes=2k,mode=1750,uid=7,gid=4294967295"), 0);
	assert_int_equal(o.said, OPTION_SIZE | OPTION_INODES | OPTION_MODE | OPTION_UID | OPTION_GID);
	assert_int_equal(o.pages, 2);
	assert_int_equal(o.inodes, 2048);
	assert_int_equal(o.mode, 01750);
	assert_int_equal(o.uid, 7);
	assert_int_equal(o.gid, 0xffffffff);
}

static void
sizes_are_rounded_up_and_may_be_shares(void **state)
{
	assert_int_equal(parse("size=4097"), 0);
	assert_int_equal(o.pages, 2);
	assert_int_equal(parse("size=50%"), 0);
	assert_int_equal(o.pages, RAM / 2);
	assert_int_equal(parse("nr_blocks=3"), 0);
	assert_int_equal(o.pages, 3);
	assert_int_equal(parse("size=0"), 0);
	assert_int_equal(o.said, OPTION_SIZE);
	assert_int_equal(o.pages, 0);
	assert_int_equal(parse(",,size=4k,,"), 0);
	assert_int_equal(o.pages, 1);
}

static void
wrong_words_are_refused(void **state)
{
	static const char *const wrong[] = {"size",     "size=",    "size=x",   "size=1q",     "size=5%%",
					    "size=%",   "mode=8",   "mode=",    "mode=100000", "uid=4294967296",
					    "uid=-1",   "huge=all", "nothing",  "size=1k;x",   "nr_inodes=1x",
					    "size=1 k", "size= 1k", "mpol=bind"};

	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		assert_int_equal(parse(wrong[i]), -EINVAL);
	assert_int_equal(parse("mode=700,size=1k,what"), -EINVAL);
	assert_int_equal(parse("size=99999999999999999999999999999999999999999999999999999999999999999999999"),
			 -EINVAL);
}

static void
random_text_is_survived(void **state)
{
	static const char bytes[] = "size=nr_inodesmode,%0123456789kmg,,==";
	char text[80];

	for (int step = 0; step < STEPS; step++) {
		size_t len = host_random() % sizeof(text);
		for (size_t i = 0; i < len; i++)
			text[i] = bytes[host_random() % (sizeof(bytes) - 1)];
		text[len ? len - 1 : 0] = 0;
		char *copy = strdup(text);
		int err = parse(copy);
		assert_true(err == 0 || err == -EINVAL);
		free(copy);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_word_sets_its_figure),
		cmocka_unit_test(sizes_are_rounded_up_and_may_be_shares),
		cmocka_unit_test(wrong_words_are_refused),
		cmocka_unit_test(random_text_is_survived),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
