/* SPDX-License-Identifier: MIT */
/*
 * tests/guest/prog/pie.c - a program that relocates itself
 *
 * Idea        a table of pointers needs relocation, by the start code, to wherever the kernel put the program. Ends
 *             with 77 when every pointer leads home and the program does not lie where ordinary ones do.
 * Follow      from tests/guest/exec.c (static_pie)
 */
#include <stdint.h>
#include <stdlib.h>

static int seven(void);
static int eleven(void);

static int (*const volatile table[])(void) = {seven, eleven};
static int value = 59;
static int *volatile pointer = &value;

int
main(int argc, char **argv)
{
	if (argc != 2 || atoi(argv[1]) != 7 || (uintptr_t)main < 0x10000000)
		return 1;
	return table[0]() + table[1]() + *pointer;
}

static int
seven(void)
{
	return 7;
}

static int
eleven(void)
{
	return 11;
}
