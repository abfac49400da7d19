/* SPDX-License-Identifier: MIT */
/*
 * tests/guest/elf.c - programs with something wrong in their headers
 *
 * Idea        each case writes a small ELF file, spoils one thing, and runs it. Where Linux refuses before it has
 *             given the old program up, the errno must be the same; where Linux notices later and kills, either is
 *             right. In no case may the spoiled program run to its end, or the kernel fall.
 * Invariants  see guest.h
 * Follow      to kernel/lib/elf.c, kernel/exec.c
 * Tests       tests/host/elf_test.c
 */
#include "guest.h"
#include <elf.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

enum {
	BASE = 0x400000,
	STATUS = 42,
	FUZZ_ROUNDS = 400
};

static const char *const path = "/tmp/elf";

struct image {
	Elf64_Ehdr header;
	Elf64_Phdr segment[4];
	unsigned char code[64];
};

struct outcome {
	int error;  /* errno of execve; 0 when it did not return */
	int status; /* wait status */
};

/* exit(42) */
static const unsigned char code_exit[] = {0xbf, STATUS, 0, 0, 0, 0xb8, 60, 0, 0, 0, 0x0f, 0x05};
/* exit(argc) */
static const unsigned char code_argc[] = {0x8b, 0x3c, 0x24, 0xb8, 60, 0, 0, 0, 0x0f, 0x05};

static struct image
image_make(void)
{
	struct image image = {0};

	memcpy(image.header.e_ident, ELFMAG, SELFMAG);
	image.header.e_ident[EI_CLASS] = ELFCLASS64;
	image.header.e_ident[EI_DATA] = ELFDATA2LSB;
	image.header.e_ident[EI_VERSION] = EV_CURRENT;
	image.header.e_type = ET_EXEC;
	image.header.e_machine = EM_X86_64;
	image.header.e_version = EV_CURRENT;
	image.header.e_entry = BASE + offsetof(struct image, code);
	image.header.e_phoff = offsetof(struct image, segment);
	image.header.e_ehsize = sizeof(Elf64_Ehdr);
	image.header.e_phentsize = sizeof(Elf64_Phdr);
	image.header.e_phnum = 1;
	image.segment[0] = (Elf64_Phdr){.p_type = PT_LOAD,
					.p_flags = PF_R | PF_X,
					.p_vaddr = BASE,
					.p_filesz = sizeof(image),
					.p_memsz = sizeof(image),
					.p_align = PAGE};
	memcpy(image.code, code_exit, sizeof(code_exit));
	return image;
}

static struct outcome
image_run(const void *image, size_t size, char **argv)
{
	static volatile struct outcome *shared;
	char *envp[] = {NULL};

	if (!shared)
		shared = (volatile struct outcome *)map_shared(PAGE);
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0755);
	check(fd >= 0 && write(fd, image, size) == (ssize_t)size && close(fd) == 0);
	shared->error = 0;
	pid_t pid = fork();
	if (pid == 0) {
		execve(path, argv, envp);
		shared->error = errno;
		_exit(1);
	}
	shared->status = child_wait(pid);
	check(unlink(path) == 0);
	return *shared;
}

static struct outcome
image_outcome(const struct image *image)
{
	char *argv[] = {"elf", NULL};

	return image_run(image, sizeof(*image), argv);
}

static void
must_refuse(const struct image *image, int error)
{
	struct outcome o = image_outcome(image);

	if (o.error != error)
		fail("errno %d, status 0x%x; ought to be errno %d (%s)", o.error, o.status, error, strerror(error));
}

/* Refused with some errno, or killed. */
static void
must_not_run(const struct image *image)
{
	struct outcome o = image_outcome(image);

	if (!o.error && !WIFSIGNALED(o.status))
		fail("it ran, with status 0x%x", o.status);
}

static void
good(void)
{
	struct image image = image_make();
	struct outcome o = image_outcome(&image);

	if (o.error || o.status != STATUS << 8)
		fail("errno %d, status 0x%x", o.error, o.status);
}

static void
no_words(void)
{
	struct image image = image_make();

	memcpy(image.code, code_argc, sizeof(code_argc));
	struct outcome o = image_run(&image, sizeof(image), NULL);
	check(o.error == 0 && o.status == 1 << 8);
}

static void
not_this_machine(void)
{
	struct image image = image_make();

	image.header.e_ident[0] = 'X';
	must_refuse(&image, ENOEXEC);
	image = image_make();
	image.header.e_machine = EM_AARCH64;
	must_refuse(&image, ENOEXEC);
	image = image_make();
	image.header.e_type = ET_REL;
	must_refuse(&image, ENOEXEC);
	image.header.e_type = ET_CORE;
	must_refuse(&image, ENOEXEC);
}

static void
header_table(void)
{
	struct image image = image_make();

	image.header.e_phentsize = 55;
	must_refuse(&image, ENOEXEC);
	image = image_make();
	image.header.e_phnum = 0;
	must_refuse(&image, ENOEXEC);
	image.header.e_phnum = 0xffff;
	must_refuse(&image, ENOEXEC);
	image = image_make();
	image.header.e_phoff = 1UL << 40;
	must_refuse(&image, ENOEXEC);
	image.header.e_phoff = -8UL;
	must_refuse(&image, ENOEXEC);
}

static void
truncated(void)
{
	struct image image = image_make();
	char *argv[] = {"elf", NULL};

	for (size_t size = 0; size < offsetof(struct image, segment) + sizeof(Elf64_Phdr); size++) {
		struct outcome o = image_run(&image, size, argv);
		if (o.error != ENOEXEC)
			fail("%zu bytes: errno %d, status 0x%x", size, o.error, o.status);
	}
}

static void
no_segment(void)
{
	struct image image = image_make();

	image.segment[0].p_type = PT_NOTE;
	must_not_run(&image);
}

static void
overlap(void)
{
	struct image image = image_make();

	image.header.e_phnum = 2;
	image.segment[1] = image.segment[0];
	image.segment[1].p_vaddr = BASE - 3 * PAGE;
	image.segment[1].p_memsz = 8 * PAGE;
	/* Linux may map one over the other; what then runs is its own affair. */
	image_outcome(&image);
	image.segment[1] = image.segment[0];
	image_outcome(&image);
}

static void
kernel_space(void)
{
	struct image image = image_make();

	image.segment[0].p_vaddr = 0xffffffff80000000;
	image.header.e_entry = 0xffffffff80000000 + offsetof(struct image, code);
	must_not_run(&image);
	image.segment[0].p_vaddr = 0xffff800000000000;
	must_not_run(&image);
	image.segment[0].p_vaddr = 0x7ffffffff000;
	must_not_run(&image);
	image.segment[0].p_vaddr = 0x7fffffffe000;
	image.segment[0].p_memsz = 2 * PAGE;
	image.header.e_entry = 0x7fffffffe000 + offsetof(struct image, code);
	must_not_run(&image);
	image.segment[0].p_vaddr = -(uint64_t)PAGE;
	must_not_run(&image);
}

static void
huge(void)
{
	struct image image = image_make();

	image.segment[0].p_memsz = 1UL << 47;
	must_not_run(&image);
	image.segment[0].p_memsz = -1UL;
	must_not_run(&image);
	image.segment[0].p_memsz = -(uint64_t)BASE;
	must_not_run(&image);
}

static void
file_larger_than_memory(void)
{
	struct image image = image_make();

	image.segment[0].p_memsz = 8;
	must_not_run(&image);
	image = image_make();
	image.segment[0].p_filesz = image.segment[0].p_memsz = 1UL << 46;
	image_outcome(&image);
}

static void
unaligned(void)
{
	struct image image = image_make();

	/* Address and offset must agree modulo the page size. */
	image.segment[0].p_offset = 8;
	must_not_run(&image);
	image = image_make();
	image.segment[0].p_vaddr += 4;
	must_not_run(&image);
}

static void
past_the_file(void)
{
	struct image image = image_make();

	image.segment[0].p_offset = 16 * PAGE;
	must_not_run(&image);
	image.segment[0].p_offset = -(uint64_t)PAGE;
	must_not_run(&image);
}

static void
bad_entry(void)
{
	static const uint64_t entries[] = {
		0, 8, 0x10000000, 0x7ffffffff000, 0x0001000000000000, 0xffff800000000000, BASE - 1, -1UL};
	struct image image = image_make();

	for (size_t i = 0; i < sizeof(entries) / sizeof(entries[0]); i++) {
		image.header.e_entry = entries[i];
		must_not_run(&image);
	}
}

static void
entry_not_executable(void)
{
	struct image image = image_make();

	image.segment[0].p_flags = PF_R;
	must_not_run(&image);
}

static void
text_read_only(void)
{
	/* movb $0, 0x400000 */
	static const unsigned char code[] = {0xc6, 0x04, 0x25, 0x00, 0x00, 0x40, 0x00, 0x00};
	struct image image = image_make();

	memcpy(image.code, code, sizeof(code));
	struct outcome o = image_outcome(&image);
	if (o.error || o.status != SIGSEGV)
		fail("errno %d, status 0x%x", o.error, o.status);
}

static void
interpreter(void)
{
	struct image image = image_make();

	image.header.e_phnum = 2;
	image.segment[1] = image.segment[0];
	image.segment[0].p_type = PT_INTERP;
	image.segment[0].p_offset = offsetof(struct image, code) + 32;
	strcpy((char *)image.code + 32, "/lib/nothing.so");
	image.segment[0].p_filesz = sizeof("/lib/nothing.so");
	struct outcome o = image_outcome(&image);
	/* A kernel without interpreters at all says ENOEXEC. */
	check(o.error == ENOENT || o.error == ENOEXEC);
	image.segment[0].p_filesz = 1 << 20;
	must_refuse(&image, ENOEXEC);
	image.segment[0].p_filesz = 1;
	must_refuse(&image, ENOEXEC);
}

/* bss: memory behind the file's bytes is zero, within the last page and beyond. */
static void
bss(void)
{
	/* movzbl 0x401fff, %edi; add 0x400f00(byte), ...; exit(sum) */
	static const unsigned char code[] = {0x0f, 0xb6, 0x3c, 0x25, 0xff, 0x2f, 0x40, 0x00, /* movzbl 0x402fff, %edi */
					     0x0f, 0xb6, 0x04, 0x25, 0x00, 0x0f, 0x40, 0x00, /* movzbl 0x400f00, %eax */
					     0x01, 0xc7,                                     /* add %eax, %edi */
					     0xfe, 0x04, 0x25, 0x00, 0x20, 0x40, 0x00,       /* incb 0x402000 */
					     0xb8, 60,   0,    0,    0,    0x0f, 0x05};
	struct image image = image_make();
	char *argv[] = {"elf", NULL};

	memcpy(image.code, code, sizeof(code));
	image.segment[0].p_flags = PF_R | PF_W | PF_X;
	image.segment[0].p_memsz = 3 * PAGE;
	static unsigned char file[2 * PAGE];
	memset(file, 0xff, sizeof(file));
	memcpy(file, &image, sizeof(image));
	struct outcome o = image_run(file, sizeof(file), argv);
	check(o.error == 0 && o.status == 0);
}

static void
fuzz(void)
{
	uint64_t state = 88172645463325252;
	char *argv[] = {"elf", NULL};

	for (int round = 0; round < FUZZ_ROUNDS; round++) {
		struct image image = image_make();
		unsigned char *bytes = (unsigned char *)&image;
		int changes = round % 4 + 1;
		for (int i = 0; i < changes; i++) {
			state ^= state << 13, state ^= state >> 7, state ^= state << 17;
			size_t at = state % (offsetof(struct image, segment) + sizeof(Elf64_Phdr));
			static const unsigned char values[] = {0, 1, 0x7f, 0x80, 0xff};
			bytes[at] = state >> 40 & 8 ? (unsigned char)(state >> 32) : values[(state >> 32) % 5];
		}
		image_run(&image, sizeof(image), argv);
	}
}

const struct test_case elf_cases[] = {
	{"a program of one segment runs", good, 0, 0},
	{"a program without words gets one empty word", no_words, 0, 0},
	{"a file that is no ELF, or for another machine, gives ENOEXEC", not_this_machine, 0, 0},
	{"a table of program headers that cannot be gives ENOEXEC", header_table, 0, 0},
	{"a truncated header gives ENOEXEC at every length", truncated, 0, 0},
	{"a program without segments does not run", no_segment, 0, 0},
	{"overlapping segments harm nobody", overlap, 0, 0},
	{"segments in kernel space or at its edge do not run", kernel_space, 0, 0},
	{"a huge segment does not run", huge, 0, 0},
	{"a segment larger in the file than in memory does not run", file_larger_than_memory, 0, 0},
	{"a segment whose address and offset disagree does not run", unaligned, 0, 0},
	{"a segment past the end of the file does not run", past_the_file, 0, 0},
	{"an entry point outside the program does not run", bad_entry, 0, 0},
	{"an entry point in memory that is not executable does not run", entry_not_executable, 0, 0},
	{"a program that writes to its own text is SIGSEGV", text_read_only, 0, 0},
	{"a missing interpreter is refused", interpreter, 0, 0},
	{"memory behind the file's bytes is zero", bss, 0, 0},
	{"four hundred files with random damage harm nobody", fuzz, 0, 0},
	{0},
};
