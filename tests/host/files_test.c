/* SPDX-License-Identifier: MIT */
/*
 * tests/host/files_test.c - the descriptor table: random operations against an array
 *
 * Idea        The model holds for each descriptor which file it is and whether exec closes it. Every file's count of
 *             references must be the number of slots that name it, and the one the test holds.
 */
/* sources: kernel/fs/files.c */
#include "host.h"

#include <kernel/fs/file.h>
#include <kernel/fs/files.h>
#include <kernel/lib/errno.h>
#include <mm/slab.h>

#define STEPS 30000
#define LIMIT 300
#define FILES 8

static struct file file[FILES];
static u64 allocated;
static bool no_memory;

struct model {
	int file[LIMIT]; /* -1: free */
	bool cloexec[LIMIT];
};

struct kmem_cache *
kmem_cache_create(const char *name, u32 size, u32 align)
{
	return (struct kmem_cache *)(uintptr_t)size;
}

void *
kzalloc(size_t size, u32 flags)
{
	if (no_memory)
		return NULL;
	allocated++;
	return calloc(1, size);
}

void *
kmem_cache_alloc(struct kmem_cache *cache, u32 flags)
{
	return kzalloc((uintptr_t)cache, flags);
}

void
kfree(void *p)
{
	allocated -= p != NULL;
	free(p);
}

void
kmem_cache_free(struct kmem_cache *cache, void *object)
{
	kfree(object);
}

u32 file_locks_total; /* none: nobody looks for any */

void
file_locks_close(struct file *f, const struct files *files)
{
	fail();
}

void
file_release(struct file *f)
{
	fail_msg("a file lost a reference that nobody had");
}

static void
model_clear(struct model *m)
{
	for (u32 i = 0; i < LIMIT; i++)
		m->file[i] = -1;
	memset(m->cloexec, 0, sizeof(m->cloexec));
}

static void
check(struct files *files, const struct model *m, u32 copies)
{
	u32 count[FILES] = {0};
	struct file *f;
	s64 next = -1;

	for (int fd = LIMIT - 1; fd >= 0; fd--) {
		f = files_lookup(files, fd);
		assert_ptr_equal(f, m->file[fd] < 0 ? NULL : &file[m->file[fd]]);
		assert_int_equal(files_get_cloexec(files, fd), f ? m->cloexec[fd] : -EBADF);
		if (f) {
			count[f - file]++;
			file_put(f);
			next = fd;
		}
		if (fd % 16 == 0)
			assert_int_equal(files_next(files, fd), next);
	}
	for (u32 i = 0; i < FILES; i++)
		assert_int_equal(atomic_read(&file[i].refs), 1 + count[i] * copies);
	assert_null(files_lookup(files, 1UL << 40));
}

static void
install(struct files *files, struct model *m)
{
	u32 i = host_below(FILES);
	bool cloexec = host_below(2);
	u32 min = host_below(4) ? 0 : host_below(LIMIT + 5);
	s64 want = min >= LIMIT ? -EINVAL : -EMFILE;
	s64 fd;

	for (u32 k = min; k < LIMIT && want < 0; k++) {
		if (m->file[k] < 0)
			want = k;
	}
	fd = files_install(files, file_hold(&file[i]), min, LIMIT, cloexec);
	assert_int_equal(fd, want);
	if (fd < 0) {
		file_put(&file[i]);
		return;
	}
	m->file[fd] = i;
	m->cloexec[fd] = cloexec;
}

static void
replace(struct files *files, struct model *m)
{
	u32 i = host_below(FILES);
	u32 fd = host_below(LIMIT + 10);
	s64 got = files_replace(files, file_hold(&file[i]), fd, LIMIT, fd & 1);

	assert_int_equal(got, fd < LIMIT ? (s64)fd : -EBADF);
	if (got < 0) {
		file_put(&file[i]);
		return;
	}
	m->file[fd] = i;
	m->cloexec[fd] = fd & 1;
}

static void
close_one(struct files *files, struct model *m)
{
	u64 fd = host_below(LIMIT + 10);
	struct file *f = files_remove(files, fd);

	assert_ptr_equal(f, fd < LIMIT && m->file[fd] >= 0 ? &file[m->file[fd]] : NULL);
	if (!f)
		return;
	file_put(f);
	m->file[fd] = -1;
}

static void
exec_closes(struct files *files, struct model *m)
{
	files_close_on_exec(files);
	for (u32 fd = 0; fd < LIMIT; fd++) {
		if (m->file[fd] >= 0 && m->cloexec[fd])
			m->file[fd] = -1;
	}
}

static void
fork_and_exec(struct files *files, struct model *m)
{
	struct files *copy = files_fork(files);

	check(copy, m, 2);
	exec_closes(copy, &(struct model){0});
	files_put(copy);
}

static void
random_operations(void **state)
{
	struct files *files = files_create();
	struct model m;

	model_clear(&m);
	for (u32 i = 0; i < STEPS; i++) {
		switch (host_below(16)) {
		case 0:
			if (!host_below(20))
				exec_closes(files, &m);
			break;
		case 1:
			if (!host_below(10))
				fork_and_exec(files, &m);
			break;
		case 2:
		case 3:
			replace(files, &m);
			break;
		case 4:
		case 5:
		case 6:
		case 7:
			close_one(files, &m);
			break;
		default:
			install(files, &m);
		}
		if (i % 32 == 0)
			check(files, &m, 1);
	}
	assert_ptr_equal(files_get(files), files);
	files_put(files);
	files_put(files);
	for (u32 i = 0; i < FILES; i++)
		assert_int_equal(atomic_read(&file[i].refs), 1);
	assert_int_equal(allocated, 0);
}

static void
without_memory_nothing_changes(void **state)
{
	struct files *files = files_create();
	struct model m;

	model_clear(&m);
	for (u32 i = 0; i < FILES_INLINE; i++) {
		assert_int_equal(files_install(files, file_hold(&file[0]), 0, LIMIT, false), i);
		m.file[i] = 0;
	}
	no_memory = true;
	assert_int_equal(files_install(files, &file[1], 0, LIMIT, false), -ENOMEM);
	assert_int_equal(files_replace(files, &file[1], 100, LIMIT, false), -ENOMEM);
	assert_null(files_fork(files));
	no_memory = false;
	check(files, &m, 1);
	files_put(files);
	assert_int_equal(allocated, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(random_operations),
		cmocka_unit_test(without_memory_nothing_changes),
	};

	host_start();
	files_init();
	for (u32 i = 0; i < FILES; i++)
		atomic_set(&file[i].refs, 1);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
