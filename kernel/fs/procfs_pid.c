/* SPDX-License-Identifier: MIT */
/*
 * kernel/fs/procfs_pid.c - one process: stat, statm, status, maps, cmdline, oom_score, oom_score_adj
 *
 * Idea        What process_lock guards is copied in one go (struct snapshot), then written at leisure; the address
 *             space is walked with its lock held for reading. Simple: user and system time are not told apart: all of
 *             it stands under user time.
 * Invariants  none
 * Locks       process_lock; mm->lock; a table lock to copy the command line out of another address space
 * Follow      from procfs.c   to process.h, mm/vma.h
 * Tests       tests/guest/mmap.c, user/story.c
 * See         proc(5)
 */
#include <kernel/fs/procfs.h>

#include <kernel/fs/file.h>
#include <kernel/fs/fs_context.h>
#include <kernel/fs/names.h>
#include <kernel/fs/path.h>
#include <kernel/fs/seq.h>
#include <kernel/fs/vfs.h>
#include <kernel/lib/errno.h>
#include <kernel/lib/format.h>
#include <kernel/lib/string.h>
#include <kernel/process.h>
#include <kernel/signal.h>
#include <kernel/task.h>
#include <mm/mm.h>
#include <mm/oom.h>
#include <mm/page_alloc.h>
#include <mm/pagetable.h>
#include <mm/slab.h>

#define TICK_NS 10000000UL  /* of the clock that /proc counts in: 100 Hz */
#define MAPS_NAME_COLUMN 73 /* where Linux starts the name */
#define CMDLINE_MAX_BYTES (32 * PAGE_SIZE)

/* A process at one moment. */
struct snapshot {
	s32 pid, ppid, pgid, sid;
	s32 exit_signal, exit_status;
	u32 threads;
	u64 start_ns;
	u64 pending, pending_thread, blocked, ignored, caught;
	u32 umask;
	u32 cpu;
	char comm[16];
	char state;
	struct usage usage, children;
};

/* Its memory; all zero for one that has none. Pages. */
struct memory {
	u64 total, peak_rss, anon, file, shmem;
	u64 data, stack, code, tables;
	u64 start_code, end_code, start_stack, start_data, end_data, start_brk;
	u64 arg_start, arg_end, env_start, env_end;
};

static int stat_show(struct seq *s, struct process *process);
static int statm_show(struct seq *s, struct process *process);
static int status_show(struct seq *s, struct process *process);
static int maps_show(struct seq *s, struct process *process);
static int exe_link(struct process *process, struct inode **out);
static int cwd_link(struct process *process, struct inode **out);
static int root_link(struct process *process, struct inode **out);
static int cmdline_show(struct seq *s, struct process *process);
static int oom_score_show(struct seq *s, struct process *process);
static int oom_score_adj_show(struct seq *s, struct process *process);
static int oom_score_adj_store(struct process *process, const char *text);

static int snapshot_take(struct process *process, struct snapshot *out);
static void snapshot_locked(struct process *process, struct snapshot *out);
static void memory_take(struct process *process, struct memory *out);
static void memory_locked(struct mm *mm, struct memory *out);
static void status_memory(struct seq *s, const struct memory *m);
static const char *state_word(char letter);
static void maps_line(struct seq *s, const struct mm *mm, const struct vma *vma, char *buf);
static void maps_path(struct seq *s, const char *path);
static void memory_copy(struct mm *mm, u64 va, char *buf, u64 n);
static struct page *user_page_get(struct mm *mm, u64 va);

const struct proc_entry procfs_pid_entries[] = {
	{.name = "stat", .show_pid = stat_show},
	{.name = "statm", .show_pid = statm_show},
	{.name = "status", .show_pid = status_show},
	{.name = "maps", .show_pid = maps_show},
	{.name = "cmdline", .show_pid = cmdline_show},
	{.name = "exe", .link_pid = exe_link},
	{.name = "cwd", .link_pid = cwd_link},
	{.name = "root", .link_pid = root_link},
	{.name = "oom_score", .show_pid = oom_score_show},
	{.name = "oom_score_adj", .show_pid = oom_score_adj_show, .store_pid = oom_score_adj_store, .mode = 0644},
	{},
};

/* The 52 fields of proc(5), five to a line here; 0 where the kernel has no such thing. */
static int
stat_show(struct seq *s, struct process *process)
{
	struct snapshot p;
	struct memory m;
	int err = snapshot_take(process, &p);

	if (err)
		return err;
	memory_take(process, &m);
	seq_printf(s, "%d (%s) %c %d %d %d 0 -1 0 ", p.pid, p.comm, p.state, p.ppid, p.pgid, p.sid);
	seq_printf(s, "%lu %lu %lu %lu ", p.usage.minflt, p.children.minflt, p.usage.majflt, p.children.majflt);
	seq_printf(s, "%lu 0 %lu 0 ", p.usage.runtime_ns / TICK_NS, p.children.runtime_ns / TICK_NS);
	seq_printf(s, "20 0 %u 0 %lu %lu %lu %lu ", p.threads, p.start_ns / TICK_NS, m.total * PAGE_SIZE,
		   m.anon + m.file + m.shmem, rlimit_get(process, RLIMIT_RSS));
	seq_printf(s, "%lu %lu %lu 0 0 ", m.start_code, m.end_code, m.start_stack);
	seq_printf(s, "%lu %lu %lu %lu 0 0 0 ", p.pending | p.pending_thread, p.blocked, p.ignored, p.caught);
	seq_printf(s, "%d %u 0 0 0 0 0 ", p.exit_signal, p.cpu);
	seq_printf(s, "%lu %lu %lu %lu %lu %lu %lu %d\n", m.start_data, m.end_data, m.start_brk, m.arg_start, m.arg_end,
		   m.env_start, m.env_end, p.exit_status);
	return 0;
}

static int
statm_show(struct seq *s, struct process *process)
{
	struct memory m;

	memory_take(process, &m);
	seq_printf(s, "%lu %lu %lu %lu 0 %lu 0\n", m.total, m.anon + m.file + m.shmem, m.file + m.shmem, m.code,
		   m.data + m.stack);
	return 0;
}

static int
status_show(struct seq *s, struct process *process)
{
	struct snapshot p;
	struct memory m;
	int err = snapshot_take(process, &p);

	if (err)
		return err;
	memory_take(process, &m);
	seq_printf(s, "Name:\t%s\n", p.comm);
	seq_printf(s, "Umask:\t%04o\n", p.umask);
	seq_printf(s, "State:\t%c (%s)\n", p.state, state_word(p.state));
	seq_printf(s, "Tgid:\t%d\nNgid:\t0\nPid:\t%d\nPPid:\t%d\nTracerPid:\t0\n", p.pid, p.pid, p.ppid);
	seq_puts(s, "Uid:\t0\t0\t0\t0\nGid:\t0\t0\t0\t0\n");
	if (m.total)
		status_memory(s, &m);
	seq_printf(s, "Threads:\t%u\n", p.threads);
	seq_printf(s, "SigPnd:\t%016lx\nShdPnd:\t%016lx\n", p.pending_thread, p.pending);
	seq_printf(s, "SigBlk:\t%016lx\nSigIgn:\t%016lx\nSigCgt:\t%016lx\n", p.blocked, p.ignored, p.caught);
	return 0;
}

static int
maps_show(struct seq *s, struct process *process)
{
	struct mm *mm = process_mm_get(process);
	char *buf = path_buf_alloc();
	int err = buf ? 0 : -ENOMEM;

	if (mm && !err)
		err = rwsem_read_lock_killable(&mm->lock);
	if (mm && !err) {
		for (struct vma *vma = vma_first(&mm->vmas); vma; vma = vma_next(vma))
			maps_line(s, mm, vma, buf);
		rwsem_read_unlock(&mm->lock);
	}
	if (mm)
		mm_put(mm);
	path_buf_free(buf);
	return err;
}

static int
cmdline_show(struct seq *s, struct process *process)
{
	struct mm *mm = process_mm_get(process);
	u64 start;
	u64 len;
	char *buf;

	if (!mm)
		return 0;
	start = READ_ONCE(mm->arg_start);
	len = READ_ONCE(mm->arg_end) - start;
	len = len <= CMDLINE_MAX_BYTES ? len : 0;
	buf = len ? kmalloc(len, ALLOC_KERNEL) : NULL;
	if (buf) {
		memory_copy(mm, start, buf, len);
		seq_write(s, buf, len);
	}
	kfree(buf);
	mm_put(mm);
	return len && !buf ? -ENOMEM : 0;
}

static int
exe_link(struct process *process, struct inode **out)
{
	struct file *exe = process_exe_get(process);

	if (!exe)
		return -ENOENT;
	*out = inode_get(exe->inode);
	file_put(exe);
	return 0;
}

static int
cwd_link(struct process *process, struct inode **out)
{
	struct fs_context *fs = process_fs_get(process);

	if (!fs)
		return -ENOENT;
	*out = fs_cwd(fs);
	fs_context_put(fs);
	return 0;
}

static int
root_link(struct process *process, struct inode **out)
{
	struct fs_context *fs = process_fs_get(process);

	if (!fs)
		return -ENOENT;
	*out = fs_root(fs);
	fs_context_put(fs);
	return 0;
}

/* Linux's scale: thousandths of memory, and the adjustment on top, at least 0. */
static int
oom_score_show(struct seq *s, struct process *process)
{
	struct memory m;
	s64 pages;

	memory_take(process, &m);
	pages = m.anon + m.file + m.shmem + m.tables;
	pages = pages * 1000 / (s64)total_pages() + READ_ONCE(process->oom_score_adj);
	seq_printf(s, "%ld\n", pages > 0 ? pages : 0);
	return 0;
}

static int
oom_score_adj_show(struct seq *s, struct process *process)
{
	seq_printf(s, "%d\n", READ_ONCE(process->oom_score_adj));
	return 0;
}

static int
oom_score_adj_store(struct process *process, const char *text)
{
	bool minus = *text == '-';
	const char *end;
	u64 value;

	if (parse_u64(text + minus, &end, 0, &value) || (*end && strcmp(end, "\n")) || value > OOM_ADJ_MAX)
		return -EINVAL;
	WRITE_ONCE(process->oom_score_adj, minus ? -(s32)value : (s32)value);
	return 0;
}

static int
snapshot_take(struct process *process, struct snapshot *out)
{
	*out = (struct snapshot){.state = process_state_letter(process)};
	spin_lock(&process_lock);
	if (process->state != PROCESS_REAPED)
		snapshot_locked(process, out);
	spin_unlock(&process_lock);
	return out->pid ? 0 : -ESRCH;
}

static void
snapshot_locked(struct process *process, struct snapshot *out)
{
	struct task *first = NULL;

	out->pid = process->pid;
	out->ppid = process->parent ? process->parent->pid : 0;
	out->pgid = process->pgid;
	out->sid = process->sid;
	out->exit_signal = process->exit_signal;
	out->exit_status = process->exit_status;
	out->threads = process->nr_threads;
	out->start_ns = process->start_ns;
	out->pending = process->queue.set;
	out->ignored = signal_ignored_set(process);
	out->caught = signal_caught_set(process);
	out->umask = process->fs ? READ_ONCE(process->fs->umask) : 0;
	memcpy(out->comm, process->comm, sizeof(out->comm));
	process_usage(process, &out->usage);
	out->children = process->dead_children;
	if (list_empty(&process->threads))
		return;
	first = list_first(&process->threads, struct task, thread_link);
	out->pending_thread = first->signal.queue.set;
	out->blocked = first->signal.blocked;
	out->cpu = first->cpu;
}

static void
memory_take(struct process *process, struct memory *out)
{
	struct mm *mm = process_mm_get(process);

	*out = (struct memory){0};
	if (!mm)
		return;
	if (!rwsem_read_lock_killable(&mm->lock)) {
		memory_locked(mm, out);
		rwsem_read_unlock(&mm->lock);
	}
	mm_put(mm);
}

static void
memory_locked(struct mm *mm, struct memory *out)
{
	s64 rss[RSS_KINDS];
	u64 pages;

	for (u32 k = 0; k < RSS_KINDS; k++)
		rss[k] = max_u64(atomic64_read(&mm->rss[k]), 0);
	*out = (struct memory){
		.total = mm->total_vm,
		.peak_rss = max_u64(mm_rss_peak(mm), mm_rss(mm)),
		.anon = rss[RSS_ANON],
		.file = rss[RSS_FILE],
		.shmem = rss[RSS_SHMEM],
		.tables = atomic64_read(&mm->tables),
		.code = (round_up(mm->end_code, PAGE_SIZE) - round_down(mm->start_code, PAGE_SIZE)) / PAGE_SIZE,
		.start_code = mm->start_code,
		.end_code = mm->end_code,
		.start_stack = mm->start_stack,
		.start_data = mm->start_data,
		.end_data = mm->end_data,
		.start_brk = mm->start_brk,
		.arg_start = mm->arg_start,
		.arg_end = mm->arg_end,
		.env_start = mm->env_start,
		.env_end = mm->env_end,
	};
	for (struct vma *vma = vma_first(&mm->vmas); vma; vma = vma_next(vma)) {
		pages = (vma->end - vma->start) / PAGE_SIZE;
		if (vma->flags & VM_GROWSDOWN)
			out->stack += pages;
		else if ((vma->flags & VM_WRITE) && !(vma->flags & VM_SHARED))
			out->data += pages;
	}
}

static void
status_memory(struct seq *s, const struct memory *m)
{
	const u64 kb = PAGE_SIZE / 1024;

	seq_printf(s, "VmSize:\t%8lu kB\n", m->total * kb);
	seq_printf(s, "VmLck:\t%8u kB\nVmPin:\t%8u kB\n", 0, 0);
	seq_printf(s, "VmHWM:\t%8lu kB\n", m->peak_rss * kb);
	seq_printf(s, "VmRSS:\t%8lu kB\n", (m->anon + m->file + m->shmem) * kb);
	seq_printf(s, "RssAnon:\t%8lu kB\n", m->anon * kb);
	seq_printf(s, "RssFile:\t%8lu kB\n", m->file * kb);
	seq_printf(s, "RssShmem:\t%8lu kB\n", m->shmem * kb);
	seq_printf(s, "VmData:\t%8lu kB\n", m->data * kb);
	seq_printf(s, "VmStk:\t%8lu kB\n", m->stack * kb);
	seq_printf(s, "VmExe:\t%8lu kB\n", m->code * kb);
	seq_printf(s, "VmLib:\t%8u kB\n", 0);
	seq_printf(s, "VmPTE:\t%8lu kB\n", m->tables * kb);
	seq_printf(s, "VmSwap:\t%8u kB\n", 0);
}

static const char *
state_word(char letter)
{
	switch (letter) {
	case 'R':
		return "running";
	case 'S':
		return "sleeping";
	case 'D':
		return "disk sleep";
	case 'T':
		return "stopped";
	case 'Z':
		return "zombie";
	default:
		return "dead";
	}
}

/* @buf: PATH_MAX bytes. */
static void
maps_line(struct seq *s, const struct mm *mm, const struct vma *vma, char *buf)
{
	u64 dev = 0;
	u64 ino = 0;

	if (vma->object)
		object_identity(vma->object, &dev, &ino);
	seq_printf(s, "%08lx-%08lx %c%c%c%c %08lx %02x:%02x %lu ", vma->start, vma->end,
		   vma->flags & VM_READ ? 'r' : '-', vma->flags & VM_WRITE ? 'w' : '-',
		   vma->flags & VM_EXEC ? 'x' : '-', vma->flags & VM_SHARED ? 's' : 'p', vma->object ? vma->pgoff * PAGE_SIZE : 0,
		   dev_major(dev), dev_minor(dev), ino);
	if (vma->object) {
		seq_pad(s, MAPS_NAME_COLUMN);
		maps_path(s, path_of_object(vma->object, buf, PATH_MAX));
	} else if (vma->start <= mm->start_stack && mm->start_stack <= vma->end) {
		seq_pad(s, MAPS_NAME_COLUMN);
		seq_puts(s, "[stack]");
	} else if (vma->start <= mm->brk && vma->end >= mm->start_brk && mm->brk > mm->start_brk) {
		seq_pad(s, MAPS_NAME_COLUMN);
		seq_puts(s, "[heap]");
	}
	seq_puts(s, "\n");
}

/* A line's end in a name would end the line. */
static void
maps_path(struct seq *s, const char *path)
{
	u32 n;

	for (path = path ? path : "?"; *path; path += n) {
		for (n = 0; path[n] && path[n] != '\n'; n++)
			;
		seq_write(s, path, n);
		if (path[n]) {
			seq_puts(s, "\\012");
			n++;
		}
	}
}

/* Copies @n bytes at @va of another address space; what has no frame reads as zeroes. */
static void
memory_copy(struct mm *mm, u64 va, char *buf, u64 n)
{
	struct page *page;
	u64 chunk;

	for (; n; va += chunk, buf += chunk, n -= chunk) {
		chunk = min_u64(n, PAGE_SIZE - (va & ~PAGE_MASK));
		page = user_page_get(mm, va);
		if (!page) {
			memset(buf, 0, chunk);
			continue;
		}
		memcpy(buf, (char *)page_to_va(page) + (va & ~PAGE_MASK), chunk);
		page_put(page);
	}
}

/* The frame behind @va with a reference, or NULL. */
static struct page *
user_page_get(struct mm *mm, u64 va)
{
	struct page *page = NULL;
	struct page *table;
	pte_t *slot;
	pte_t e;

	if (rwsem_read_lock_killable(&mm->lock))
		return NULL;
	slot = va < USER_TOP ? pagetable_walk(mm, va).slot : NULL;
	if (slot) {
		table = slot_table(slot);
		spin_lock(&table->lock);
		e = pte_read(slot);
		if (leaf_has_frame(e) && leaf_page(e) != zero_frame) {
			page = leaf_page(e);
			page_get(page);
		}
		spin_unlock(&table->lock);
	}
	rwsem_read_unlock(&mm->lock);
	return page;
}
