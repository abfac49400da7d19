/* SPDX-License-Identifier: MIT */
/*
 * tests/guest/procfile.h - reading what /proc says
 *
 * Idea        a whole file into memory; one field of "name value" lines; the line of maps for an address
 * Follow      from proc_*.c   to procfile.c
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* The whole file, with a 0 behind it, in memory that is reused by the next call. Ends the case when it is missing. */
char *proc_text(const char *path);
/* The same for a file of a process. */
char *proc_pid_text(pid_t pid, const char *name);
bool proc_exists(const char *path);
/* Waits until what leaves memory has left. On Linux nothing: there it stays until a frame is wanted. */
void mm_settle(void);

/* The number behind @field at the start of a line; -1: no such line. */
long proc_field(const char *text, const char *field);
/* Of a file: proc_field(proc_text(path), field). */
long proc_value(const char *path, const char *field);

/* A line of maps. */
struct map_line {
	uint64_t start, end, offset;
	char rights[5];
	unsigned int major, minor;
	unsigned long ino;
	char name[300]; /* empty: none */
	char raw[400];  /* the line as it stands */
};

/* The mapping of @pid (0: this process) that holds @address; false: none. */
bool map_find(pid_t pid, const volatile void *address, struct map_line *out);

/* The text of smaps for the mapping that holds @address, up to the next mapping. */
char *smaps_find(pid_t pid, const volatile void *address);

/* Word @index of a file of 64-bit words; false: there is none. */
bool word_at(const char *path, uint64_t index, uint64_t *out);
/* The word of /proc/<pid>/pagemap for @address. */
uint64_t pagemap_word(pid_t pid, const volatile void *address);

/* Whether this is Tidemark: for figures that Linux only keeps roughly, or that others change there meanwhile. */
bool on_tidemark(void);

/* Writes @text with one write; returns what write returned, errno as it left it. */
long proc_write(const char *path, const char *text);
