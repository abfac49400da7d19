/* SPDX-License-Identifier: MIT */
/*
 * tests/guest/aslr.c - address spaces that lie elsewhere each time
 *
 * Idea        this program runs itself and is told where its stack, a fresh mapping and its heap lie. The setting in
 *             /proc/sys/kernel/randomize_va_space says what must differ.
 * Invariants  see guest.h
 * Follow      to kernel/exec_layout.c
 */
#include "guest.h"
#include <fcntl.h>
#include <stdlib.h>
#include <sys/personality.h>
#include <sys/syscall.h>

struct places {
	uintptr_t stack, map, heap, code;
};

extern char end[]; /* the end of the program's data, from the linker */

void role_places(int argc, char **argv);

/* Answers on descriptor argv[2]. */
void
role_places(int argc, char **argv)
{
	struct places here = {
		.stack = (uintptr_t)argv,
		.map = (uintptr_t)map_private(PAGE),
		.heap = syscall(SYS_brk, 0),
		.code = (uintptr_t)end,
	};

	check(argc == 3 && write(atoi(argv[2]), &here, sizeof(here)) == sizeof(here));
	_exit(0);
}

static void
run_places(void *arg)
{
	char number[12] = {'0' + *(int *)arg / 10, '0' + *(int *)arg % 10, 0};
	char *words[] = {"places", "--role=places", number, NULL};
	char *none[] = {NULL};

	execve(self_path, words, none);
}

static struct places
places_of_a_run(void)
{
	struct places there;
	int pipe_of[2];

	check(pipe(pipe_of) == 0);
	child_must_live(run_places, &pipe_of[1]);
	check(read(pipe_of[0], &there, sizeof(there)) == sizeof(there));
	close(pipe_of[0]);
	close(pipe_of[1]);
	return there;
}

/* The setting; a kernel without the file has what it was built with. */
static int
setting(void)
{
	char digit = '2';
	int fd = open("/proc/sys/kernel/randomize_va_space", O_RDONLY);

	if (fd >= 0)
		check(read(fd, &digit, 1) == 1);
	close(fd);
	return digit - '0';
}

/* Of eight runs, how many places differ from the first: with 22 bits of chance, all do. */
static void
differs_each_time(void)
{
	struct places first = places_of_a_run();
	int stack = 0, map = 0, heap = 0;

	for (int i = 0; i < 8; i++) {
		struct places next = places_of_a_run();
		stack += next.stack != first.stack;
		map += next.map != first.map;
		heap += next.heap - next.code != first.heap - first.code;
		check(next.stack < 0x7ffffffff000 && next.stack > 0x7ffffffff000 - (17UL << 30));
		check(next.map < next.stack && next.map > 0x7ffffffff000 - (17UL << 30) - (1UL << 40));
		check(next.heap >= next.code && next.heap < next.code + (1025UL << 20));
		check(next.stack % 16 == 8 || next.stack % 16 == 0);
	}
	check(setting() ? stack == 8 && map == 8 : stack == 0 && map == 0);
	check(setting() > 1 ? heap >= 7 : heap == 0);
}

static void
setting_write(char digit)
{
	int fd = open("/proc/sys/kernel/randomize_va_space", O_WRONLY);

	check(fd >= 0 && write(fd, &digit, 1) == 1);
	close(fd);
}

/* Turned off, every run is like the other; the setting is put back. */
static void
can_be_turned_off(void)
{
	int before = setting();
	struct places a, b;

	setting_write('0');
	a = places_of_a_run();
	b = places_of_a_run();
	setting_write('0' + before);
	check(a.stack == b.stack && a.map == b.map && a.heap == b.heap);
}

/* The stack has room to grow whatever chance did to it. */
static void
room_for_the_stack(void)
{
	for (int i = 0; i < 4; i++) {
		struct places there = places_of_a_run();
		check(there.stack - there.map > 128UL << 20);
	}
}

static void
fork_keeps(void *arg)
{
	struct places *mine = arg;

	check(mine->heap == (uintptr_t)syscall(SYS_brk, 0));
	check(mine->stack == (uintptr_t)&mine->stack);
}

static void
child_is_alike(void)
{
	struct places here;

	here.stack = (uintptr_t)&here.stack;
	here.heap = syscall(SYS_brk, 0);
	child_must_live(fork_keeps, &here);
}

/* Inherited over execve: the same places each time. */
static void
personality_fixes(void)
{
	struct places a, b;

	check(personality(ADDR_NO_RANDOMIZE) != -1);
	a = places_of_a_run();
	b = places_of_a_run();
	check(a.stack == b.stack && a.map == b.map && a.heap == b.heap);
	check((personality(0xffffffff) & ADDR_NO_RANDOMIZE) != 0);
}

const struct test_case aslr_cases[] = {
	{"stack, mappings and heap lie elsewhere each time", differs_each_time, 0, 0},
	{"kernel.randomize_va_space turns it off", can_be_turned_off, 0, 0},
	{"the stack keeps its room", room_for_the_stack, 0, 0},
	{"fork changes no place", child_is_alike, 0, 0},
	{"ADDR_NO_RANDOMIZE fixes the places over execve", personality_fixes, 0, 0},
	{0},
};
