/* SPDX-License-Identifier: MIT */
/*
 * kernel/exec_stack.c - measuring and writing a program's first stack
 *
 * Idea        see exec_stack.h. A sibling thread may change the strings between measuring and writing: writing never
 *             goes past what was measured, and every string is terminated whatever it has become.
 * Invariants  I1  The table ends where the auxiliary data begin; the strings end where the path begins.
 *             I2  No frame of the new program is held: what is written lies in a page of our own until a frame's worth
 *                 is there. Reclaim may take any frame of the program at any time.
 * Locks       none
 * Follow      from exec.c   to mm/fault_page.c
 * Tests       tests/guest/exec.c
 */
#include <kernel/cred.h>
#include <kernel/exec.h>
#include <kernel/exec_stack.h>
#include <kernel/lib/string.h>
#include <kernel/panic.h>
#include <kernel/random.h>
#include <kernel/sched.h>
#include <kernel/signal_stack.h>
#include <kernel/task.h>
#include <kernel/timer.h>
#include <kernel/uaccess.h>
#include <mm/fault.h>
#include <mm/mm.h>
#include <mm/mmap.h>
#include <mm/page_alloc.h>

#define STACK_SLACK (128UL << 10) /* mapped beyond what is written, as in Linux: the first frames need no growing */
#define RANDOM_BYTES 16
#define PLATFORM "x86_64"

enum aux_type {
	AT_NULL = 0,
	AT_PHDR = 3,
	AT_PHENT = 4,
	AT_PHNUM = 5,
	AT_PAGESZ = 6,
	AT_BASE = 7,
	AT_FLAGS = 8,
	AT_ENTRY = 9,
	AT_UID = 11,
	AT_EUID = 12,
	AT_GID = 13,
	AT_EGID = 14,
	AT_PLATFORM = 15,
	AT_HWCAP = 16,
	AT_CLKTCK = 17,
	AT_SECURE = 23,
	AT_RANDOM = 25,
	AT_HWCAP2 = 26,
	AT_EXECFN = 31,
	AT_SYSINFO_EHDR = 33,
	AT_MINSIGSTKSZ = 51,
};

#define AUX_WORDS 42 /* 21 entries of two words */
#define CLOCK_TICKS 100

/* Where everything goes. */
struct stack_layout {
	u64 path;    /* address of the path string */
	u64 strings; /* of the first argument string */
	u64 random;  /* of the random bytes; the platform name follows */
	u64 sp;
};

/* I2: bytes for the new address space, in ascending order. */
struct stack_writer {
	struct mm *mm;
	struct page *copy; /* of the frame of va: what lies between start and va */
	u64 start;         /* all before this is in the address space */
	u64 va;            /* the next byte */
};

/* Everything that is being written. */
struct stack_build {
	const struct exec_args *args;
	struct stack_layout layout;
	struct stack_writer table;
	struct stack_writer strings;
};

static int measure_array(struct exec_args *args, bool env, u64 limit, u32 *count);
static int string_at(const struct exec_args *args, bool env, u32 i, u64 *string, bool *kernel);
static s64 string_length(u64 string, bool kernel);
static void layout_make(const struct exec_args *args, struct stack_layout *out);
static int write_all(struct stack_build *b, const struct exec_aux *aux);
static int write_array(struct stack_build *b, bool env);
static int write_string(struct stack_build *b, u64 string, bool kernel);
static int write_aux(struct stack_build *b, const struct exec_aux *aux);
static int write_extras(struct stack_build *b);
static int writer_word(struct stack_writer *w, u64 word);
static int writer_put(struct stack_writer *w, u64 src, u64 n, bool kernel);
static int writer_move(struct stack_writer *w, u64 va);
static int writer_flush(struct stack_writer *w);

/* ---- measure ---- */

int
exec_args_measure(struct exec_args *args, u64 limit)
{
	int error;

	args->bytes = 0;
	error = measure_array(args, false, limit, &args->argc);
	if (!error && !args->argc) {
		/* Why: programs take argv[0] for granted; Linux gives them an empty one too. */
		args->head[args->heads++] = "";
		error = measure_array(args, false, limit, &args->argc);
	}
	if (!error)
		error = measure_array(args, true, limit, &args->envc);
	if (!error && args->bytes + (args->argc + args->envc) * sizeof(u64) > limit)
		error = -E2BIG;
	return error;
}

static int
measure_array(struct exec_args *args, bool env, u64 limit, u32 *count)
{
	for (u32 i = 0;; i++) {
		u64 string;
		bool kernel;
		s64 len;
		int error = string_at(args, env, i, &string, &kernel);

		*count = i;
		if (error || !string)
			return error;
		len = string_length(string, kernel);
		if (len < 0)
			return (int)len;
		args->bytes += (u64)len + 1;
		if (len + 1 > (s64)EXEC_STRING_MAX || args->bytes + i * sizeof(u64) > limit)
			return -E2BIG;
		cond_resched();
		if (signal_state_fatal(&current->signal))
			return -EINTR;
	}
}

/* String number @i of arguments or environment: 0 in *string behind the last. */
static int
string_at(const struct exec_args *args, bool env, u32 i, u64 *string, bool *kernel)
{
	u64 array = env ? args->envp : args->argv;

	*string = 0;
	*kernel = true;
	if (!env && i < args->heads) {
		*string = (u64)args->head[i];
		return 0;
	}
	if (!env)
		i += args->skip - args->heads;
	if (!array)
		return 0;
	*kernel = args->kernel;
	if (!args->kernel)
		return get_user_u64(string, (const u64 __user *)array + i);
	*string = ((const u64 *)array)[i];
	return 0;
}

static s64
string_length(u64 string, bool kernel)
{
	return kernel ? (s64)strlen((const char *)string) : strnlen_user((const char __user *)string, EXEC_STRING_MAX);
}

/* ---- reserve ---- */

int
exec_stack_reserve(struct mm *mm, const struct exec_args *args, u64 *sp)
{
	u64 top = args->layout.stack_top;
	struct stack_layout layout;

	layout_make(args, &layout);
	*sp = layout.sp;
	mmap_set_base(mm, args->layout.stack_room, args->layout.base_random);
	return mmap_stack(mm, top, round_up(top - layout.sp + STACK_SLACK, PAGE_SIZE));
}

static void
layout_make(const struct exec_args *args, struct stack_layout *out)
{
	u64 words = 1 + args->argc + 1 + args->envc + 1 + AUX_WORDS;

	out->path = args->layout.stack_top - sizeof(u64) - (strlen(args->path) + 1);
	out->strings = out->path - args->bytes;
	out->random = round_down(out->strings - args->layout.stack_skew - RANDOM_BYTES - sizeof(PLATFORM), 16);
	out->sp = round_down(out->random - words * sizeof(u64), 16);
}

/* ---- write ---- */

int
exec_stack_write(struct mm *mm, const struct exec_args *args, const struct exec_aux *aux, u64 sp)
{
	struct stack_build b = {.args = args};
	int error = -ENOMEM;

	layout_make(args, &b.layout);
	assertf(b.layout.sp == sp, "the stack pointer moved from %lx to %lx", sp, b.layout.sp);
	b.table = (struct stack_writer){mm, page_alloc(0, ALLOC_KERNEL), sp, sp};
	b.strings = (struct stack_writer){mm, page_alloc(0, ALLOC_KERNEL), b.layout.strings, b.layout.strings};
	mm->start_stack = sp;
	mm->arg_start = b.layout.strings;
	if (b.table.copy && b.strings.copy)
		error = write_all(&b, aux);
	mm->env_end = b.layout.path;
	if (b.table.copy)
		page_put(b.table.copy);
	if (b.strings.copy)
		page_put(b.strings.copy);
	return error;
}

static int
write_all(struct stack_build *b, const struct exec_aux *aux)
{
	int error = writer_word(&b->table, b->args->argc);

	if (!error)
		error = write_array(b, false);
	b->table.mm->arg_end = b->strings.va;
	b->table.mm->env_start = b->strings.va;
	if (!error)
		error = write_array(b, true);
	if (!error)
		error = write_aux(b, aux);
	if (!error)
		error = write_extras(b);
	if (!error)
		error = writer_flush(&b->table);
	return error ? error : writer_flush(&b->strings);
}

static int
write_array(struct stack_build *b, bool env)
{
	u32 count = env ? b->args->envc : b->args->argc;
	int error = 0;

	for (u32 i = 0; i < count && !error; i++) {
		u64 string;
		bool kernel;

		error = string_at(b->args, env, i, &string, &kernel);
		if (!error)
			error = string ? write_string(b, string, kernel) : -EFAULT;
	}
	return error ? error : writer_word(&b->table, 0);
}

static int
write_string(struct stack_build *b, u64 string, bool kernel)
{
	s64 len = string_length(string, kernel);
	int error;

	if (len < 0)
		return (int)len;
	if ((u64)len + 1 > b->layout.path - b->strings.va)
		return -EFAULT;
	error = writer_word(&b->table, b->strings.va);
	if (!error)
		error = writer_put(&b->strings, string, (u64)len, kernel);
	return error ? error : writer_put(&b->strings, (u64) "", 1, true);
}

static int
write_aux(struct stack_build *b, const struct exec_aux *aux)
{
	const u64 words[AUX_WORDS] = {
		AT_HWCAP,        cpu_hwcap(),
		AT_PAGESZ,       PAGE_SIZE,
		AT_CLKTCK,       CLOCK_TICKS,
		AT_PHDR,         aux->phdr,
		AT_PHENT,        aux->phent,
		AT_PHNUM,        aux->phnum,
		AT_BASE,         aux->base,
		AT_FLAGS,        0,
		AT_ENTRY,        aux->entry,
		AT_UID,          aux->cred->user.real,
		AT_EUID,         aux->cred->user.effective,
		AT_GID,          aux->cred->group.real,
		AT_EGID,         aux->cred->group.effective,
		AT_SECURE,       aux->secure,
		AT_RANDOM,       b->layout.random,
		AT_HWCAP2,       0,
		AT_EXECFN,       b->layout.path,
		AT_PLATFORM,     b->layout.random + RANDOM_BYTES,
		AT_MINSIGSTKSZ,  arch_signal_frame_size(),
		AT_SYSINFO_EHDR, aux->vdso,
		AT_NULL,         0,
	};

	b->table.mm->auxv_start = b->table.va;
	b->table.mm->auxv_end = b->table.va + sizeof(words);
	return writer_put(&b->table, (u64)words, sizeof(words), true);
}

/* Random bytes and platform name go behind the table, the path behind the strings. */
static int
write_extras(struct stack_build *b)
{
	u8 random[RANDOM_BYTES];
	int error;

	random_fill(random, sizeof(random));
	error = writer_move(&b->table, b->layout.random);
	if (!error)
		error = writer_move(&b->strings, b->layout.path);
	if (!error)
		error = writer_put(&b->table, (u64)random, sizeof(random), true);
	if (!error)
		error = writer_put(&b->table, (u64)PLATFORM, sizeof(PLATFORM), true);
	if (!error)
		error = writer_put(&b->strings, (u64)b->args->path, strlen(b->args->path) + 1, true);
	return error;
}

/* ---- bytes of the new address space ---- */

static int
writer_word(struct stack_writer *w, u64 word)
{
	return writer_put(w, (u64)&word, sizeof(word), true);
}

static int
writer_put(struct stack_writer *w, u64 src, u64 n, bool kernel)
{
	while (n) {
		u64 off = w->va & ~PAGE_MASK;
		u64 part = min_u64(n, PAGE_SIZE - off);
		u8 *to = (u8 *)page_to_va(w->copy) + off;
		int error;

		if (kernel)
			memcpy(to, (const void *)src, part);
		else if (copy_from_user(to, (const void __user *)src, part))
			return -EFAULT;
		w->va += part;
		src += part;
		n -= part;
		error = w->va & ~PAGE_MASK ? 0 : writer_flush(w);
		if (error)
			return error;
	}
	return 0;
}

/* The next byte goes to @va. What is skipped within a frame is nobody's, and zero. */
static int
writer_move(struct stack_writer *w, u64 va)
{
	int error;

	if (w->start < w->va && va >= w->va && (va ^ w->va) < PAGE_SIZE) {
		memset((u8 *)page_to_va(w->copy) + (w->va & ~PAGE_MASK), 0, va - w->va);
		w->va = va;
		return 0;
	}
	error = writer_flush(w);
	w->start = va;
	w->va = va;
	return error;
}

static int
writer_flush(struct stack_writer *w)
{
	u64 n = w->va - w->start;
	int error = 0;

	if (n)
		error = fault_page_write(w->mm, w->start, (u8 *)page_to_va(w->copy) + (w->start & ~PAGE_MASK), n);
	w->start = w->va;
	return error;
}

int
exec_zero(struct mm *mm, u64 va, u64 n)
{
	assertf((va & ~PAGE_MASK) + n <= PAGE_SIZE, "%lu bytes at %lx cross a page", n, va);
	return fault_page_write(mm, va, page_to_va(zero_frame), n);
}
