/* SPDX-License-Identifier: MIT */
/*
 * kernel/exec.c - execve: the new program is built beside the old one, then takes its place
 *
 * Idea        Up to the step everything may fail and the old program goes on as if nothing had been:
 *
 *                 open      the file, or the interpreter that its first line names (#!), one level deep
 *                 plan      elf_check() on the first page; the same for a PT_INTERP loader
 *                 build     a new address space: stack reserved, segments mapped, strings written
 *                 alone     the other threads are killed and have left (the last thing to fail is a kill of ourselves)
 *                 step      registers, address space, number, files; then the old memory is dropped
 *
 *             Linux steps before it maps, and must kill a program whose mapping fails then; here that is an errno.
 * Invariants  I1  Between the step and user mode nothing can fail.
 *             I2  After the step the thread has the number of its process, whichever thread it was.
 * Locks       process_lock for alone and step
 * Follow      from sys_proc.c, main.c   to exec_image.c, exec_stack.c, kernel/lib/elf.c
 * Tests       tests/guest/exec.c, tests/guest/elf.c
 * See         execve(2); Linux fs/exec.c and fs/binfmt_elf.c for errno and odd files
 */
#include <kernel/exec.h>
#include <kernel/exec_image.h>
#include <kernel/exec_layout.h>
#include <kernel/exec_script.h>
#include <kernel/exec_stack.h>
#include <kernel/exit.h>
#include <kernel/fs/file.h>
#include <kernel/fs/files.h>
#include <kernel/fs/vfs.h>
#include <kernel/lib/string.h>
#include <kernel/panic.h>
#include <kernel/pid.h>
#include <kernel/process.h>
#include <kernel/robust_list.h>
#include <kernel/signal_action.h>
#include <kernel/signal_stack.h>
#include <kernel/trace.h>
#include <kernel/uaccess.h>
#include <kernel/vdso.h>
#include <mm/mm.h>
#include <mm/page_alloc.h>
#include <mm/slab.h>

#define ARGS_MIN (128UL << 10) /* always allowed: Linux's ARG_MAX */
#define LOADER_PATH_MAX 256    /* bytes of a PT_INTERP path, with its NUL (Simple: Linux allows PATH_MAX) */
#define ARGS_MAX (6UL << 20)   /* never more: three quarters of the default stack */

/* One execve on its way. */
struct exec {
	struct exec_args args;
	struct exec_image program;
	struct exec_image loader; /* file NULL: none */
	u8 *head;                 /* a page: the first bytes of the file being looked at */
	char *path;               /* PATH_MAX bytes */
	struct script script;
	struct mm *mm;
	struct files *files;            /* NULL: the process's table is its own and stays */
	struct signal_actions *actions; /* if there may be handlers, which become defaults */
	u64 sp;
	u64 vdso;
	struct cred cred; /* the new program's; the group list is the process's */
	bool secure;
};

static struct exec *exec_alloc(void);
static void exec_free(struct exec *e);
static int exec_run(struct exec *e);
static int exec_open(struct exec *e);
static int open_script(struct exec *e, s64 len);
static int argv_skip(struct exec *e);
static int open_image(struct exec *e, const char *path, struct exec_image *image, s64 *len);
static int open_loader(struct exec *e);
static int exec_build(struct exec *e);
static int build_stack(struct exec *e);
static int own_files(struct exec *e);
static int become_alone(void);
static int kill_siblings(struct process *process);
static void take_process_number(struct process *process);
static void exec_step(struct exec *e);
static void step_files(struct exec *e);
static const char *base_name(const char *path);

s64
exec_user(u64 path, u64 argv, u64 envp)
{
	struct exec *e = exec_alloc();
	s64 len;
	int error = -ENAMETOOLONG;

	if (!e)
		return -ENOMEM;
	e->args.argv = argv;
	e->args.envp = envp;
	len = strncpy_from_user(e->path, (const char __user *)path, PATH_MAX);
	if (len < 0)
		error = (int)len;
	else if (len < PATH_MAX)
		error = exec_run(e);
	exec_free(e);
	return error;
}

int
exec_kernel(const char *path, const char *const argv[], const char *const envp[])
{
	struct exec *e = exec_alloc();
	int error = -ENAMETOOLONG;

	if (!e)
		return -ENOMEM;
	e->args.kernel = true;
	e->args.argv = (u64)argv;
	e->args.envp = (u64)envp;
	if (strlcpy(e->path, path, PATH_MAX) < PATH_MAX)
		error = exec_run(e);
	exec_free(e);
	return error;
}

static struct exec *
exec_alloc(void)
{
	struct exec *e = kzalloc(sizeof(*e), ALLOC_KERNEL);

	if (!e)
		return NULL;
	e->path = kmalloc(PATH_MAX, ALLOC_KERNEL);
	e->head = kmalloc(PAGE_SIZE, ALLOC_KERNEL);
	e->args.path = e->path;
	if (e->path && e->head)
		return e;
	exec_free(e);
	return NULL;
}

static void
exec_free(struct exec *e)
{
	if (e->program.file)
		file_put(e->program.file);
	if (e->loader.file)
		file_put(e->loader.file);
	if (e->mm)
		mm_put(e->mm);
	if (e->files)
		files_put(e->files);
	signal_exec_undo(e->actions);
	kfree(e->path);
	kfree(e->head);
	kfree(e);
}

static int
exec_run(struct exec *e)
{
	int error = exec_open(e);

	if (!error)
		error = exec_build(e);
	if (!error)
		error = own_files(e);
	if (!error)
		error = signal_exec_prepare(&e->actions);
	if (!error)
		error = become_alone();
	if (!error)
		error = arch_exec(task_frame(current),
				  e->loader.file ? e->loader.base + e->loader.plan.entry
						 : e->program.base + e->program.plan.entry,
				  e->sp);
	if (!error)
		exec_step(e);
	return error;
}

/* ---- open and plan ---- */

static int
exec_open(struct exec *e)
{
	s64 len;
	int error = open_image(e, e->path, &e->program, &len);

	if (!error && script_is(e->head, (size_t)len)) {
		error = open_script(e, len);
		if (!error)
			error = open_image(e, e->script.interpreter, &e->program, &len);
		if (!error && script_is(e->head, (size_t)len))
			error = -ELOOP; /* Simple: Linux follows five */
	}
	if (!error)
		error = elf_check(e->head, (size_t)len, &e->program.plan);
	if (!error && e->program.plan.has_interp)
		error = open_loader(e);
	return error;
}

/* The new arguments: interpreter, the rest of the line as one word, the script's path, then argv without its first. */
static int
open_script(struct exec *e, s64 len)
{
	struct exec_args *args = &e->args;
	int error = script_parse(e->head, (size_t)len, &e->script);

	if (error)
		return error;
	file_put(e->program.file);
	e->program.file = NULL;
	args->head[args->heads++] = e->script.interpreter;
	if (e->script.argument)
		args->head[args->heads++] = e->script.argument;
	args->head[args->heads++] = e->path;
	return argv_skip(e);
}

/* An empty argv has no first element to leave out. */
static int
argv_skip(struct exec *e)
{
	struct exec_args *args = &e->args;
	u64 first = 0;

	if (!args->argv)
		return 0;
	if (args->kernel)
		first = *(const u64 *)args->argv;
	else if (get_user_u64(&first, (const u64 __user *)args->argv))
		return -EFAULT;
	args->skip = first != 0;
	return 0;
}

/* Opens @path and reads its first *len bytes into e->head. */
static int
open_image(struct exec *e, const char *path, struct exec_image *image, s64 *len)
{
	int error = vfs_open_exec(path, &image->file);

	*len = 0;
	if (error) {
		image->file = NULL;
		return error;
	}
	if (!file_object(image->file))
		return -EACCES;
	*len = file_read_kernel(image->file, e->head, PAGE_SIZE, 0);
	return *len < 0 ? (int)*len : 0;
}

/* PT_INTERP: the program asks for a loader, which is mapped beside it and starts in its place. */
static int
open_loader(struct exec *e)
{
	const struct elf_plan *plan = &e->program.plan;
	s64 len = file_read_kernel(e->program.file, e->head, plan->interp_size, plan->interp_offset);
	char path[LOADER_PATH_MAX];
	int error;

	if (len < 0)
		return (int)len;
	if ((u64)len != plan->interp_size || e->head[len - 1] || (u64)len > sizeof(path))
		return -ENOEXEC;
	memcpy(path, e->head, (size_t)len);
	error = open_image(e, path, &e->loader, &len);
	if (!error && (elf_check(e->head, (size_t)len, &e->loader.plan) || e->loader.plan.has_interp))
		error = -ELIBBAD;
	return error;
}

/* ---- build ---- */

static int
exec_build(struct exec *e)
{
	u64 limit = rlimit_get(current->process, RLIMIT_STACK) / 4;
	const struct inode *inode = e->program.file->inode;
	int error = exec_args_measure(&e->args, max_u64(min_u64(limit, ARGS_MAX), ARGS_MIN));

	if (error)
		return error;
	e->mm = mm_create();
	if (!e->mm)
		return -ENOMEM;
	rlimit_apply_mm(current->process, e->mm);
	exec_layout_choose(&e->args.layout, current->process->traits.personality & PERSONALITY_FIXED_ADDRESSES);
	e->secure = cred_exec(inode->mode, inode->uid, inode->gid, &e->cred);
	error = exec_stack_reserve(e->mm, &e->args, &e->sp);
	if (!error)
		error = image_map_program(e->mm, &e->program, &e->args.layout);
	if (!error && e->loader.file)
		error = image_map_loader(e->mm, &e->loader);
	if (!error)
		error = vdso_map(e->mm, &e->args.layout, &e->vdso);
	if (!error)
		error = build_stack(e);
	return error;
}

static int
build_stack(struct exec *e)
{
	const struct exec_image *p = &e->program;
	struct exec_aux aux = {
		.phdr = p->plan.phdr ? p->base + p->plan.phdr : 0,
		.phent = p->plan.phentsize,
		.phnum = p->plan.phnum,
		.base = e->loader.file ? e->loader.base : 0,
		.entry = p->base + p->plan.entry,
		.vdso = e->vdso,
		.cred = &e->cred,
		.secure = e->secure,
	};

	return exec_stack_write(e->mm, &e->args, &aux, e->sp);
}

/* The new program shares its descriptors with nobody. */
static int
own_files(struct exec *e)
{
	struct files *files = current->process->files;

	if (atomic_read(&files->refs) == 1)
		return 0;
	e->files = files_fork(files);
	return e->files ? 0 : -ENOMEM;
}

/* ---- alone ---- */

static int
become_alone(void)
{
	struct process *process = current->process;
	int error;

	spin_lock(&process_lock);
	error = kill_siblings(process);
	spin_unlock(&process_lock);
	if (error)
		return error;
	error = wait_event_killable(&process->wait_children, READ_ONCE(process->nr_threads) == 1);
	spin_lock(&process_lock);
	process->exec_task = NULL;
	if (!error)
		take_process_number(process);
	spin_unlock(&process_lock);
	return error;
}

/* Race: two threads call execve. The first to come here kills the second, which sees it here or on its way out. */
static int
kill_siblings(struct process *process)
{
	struct task *task;

	must_hold(&process_lock);
	if (process->group_exit || process->exec_task || signal_state_fatal(&current->signal))
		return -EINTR;
	process->exec_task = current;
	list_for_each (task, &process->threads, thread_link)
		if (task != current)
			signal_kill_thread(task);
	return 0;
}

static void
take_process_number(struct process *process)
{
	struct task *task = current;

	must_hold(&process_lock);
	if (task->tid == process->pid)
		return;
	pid_detach(&task->signal.tid);
	task->tid = process->pid;
	pid_attach(&task->signal.tid, PID_THREAD, process->pid);
}

/* ---- step ---- */

static void
exec_step(struct exec *e)
{
	struct process *process = current->process;
	struct mm *old = process->mm;
	struct file *exe;

	robust_list_exit();
	exit_clear_child_tid();
	spin_lock(&process_lock);
	if (old)
		process->dead_threads.maxrss = max_u64(process->dead_threads.maxrss, mm_rss_peak(old));
	process->mm = e->mm;
	exe = process->exe;
	process->exe = e->program.file;
	process->exec_done = true;
	process->cred.user = e->cred.user;
	process->cred.group = e->cred.group;
	rlimit_apply_mm(process, e->mm); /* once more: what a new user may lock */
	process->traits.dumpable = !e->secure;
	process->traits.death_signal = e->secure ? 0 : process->traits.death_signal;
	process->exit_signal = SIGCHLD;
	signal_exec(process, &e->actions);
	strlcpy(process->comm, base_name(e->path), sizeof(process->comm));
	spin_unlock(&process_lock);
	task_set_comm(current, process->comm);
	restart_forget();
	signal_stack_reset(&current->signal);
	current->mm = e->mm;
	mm_activate(e->mm);
	e->mm = old; /* exec_free gives back both */
	e->program.file = exe;
	step_files(e);
	exit_release_vfork();
	trace(exec, process->pid, e->program.base + e->program.plan.entry, e->sp);
}

static void
step_files(struct exec *e)
{
	struct process *process = current->process;
	struct files *old = process->files;

	if (e->files) {
		spin_lock(&process_lock);
		process->files = e->files;
		spin_unlock(&process_lock);
		e->files = old;
	}
	files_close_on_exec(process->files);
}

static const char *
base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}
