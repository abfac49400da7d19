/* SPDX-License-Identifier: MIT */
/*
 * kernel/main.c - the boot, as a table of contents
 *
 * Idea        Each line needs what the lines before it made: memory from the firmware's map, page structs, free lists,
 *             objects, then interrupts and time, then tasks, and in the first task other CPUs, files and process 1.
 * Invariants  none
 * Locks       none: one CPU until smp_start()
 * Follow      from arch/x86_64/boot_info.c   to everything
 * Tests       every guest test
 */
#include <arch/cpu.h>
#include <arch/mmu.h>
#include <kernel/boot_info.h>
#include <kernel/cmdline.h>
#include <kernel/dev/console.h>
#include <kernel/dev/tty.h>
#include <kernel/dev/virtio_blk.h>
#include <kernel/exec.h>
#include <kernel/exec_layout.h>
#include <kernel/fs/abi.h>
#include <kernel/fs/file.h>
#include <kernel/fs/files.h>
#include <kernel/fs/procfs.h>
#include <kernel/fs/vfs.h>
#include <kernel/futex.h>
#include <kernel/initrd.h>
#include <kernel/lib/errno.h>
#include <kernel/panic.h>
#include <kernel/printk.h>
#include <kernel/process.h>
#include <kernel/sched.h>
#include <kernel/selftest.h>
#include <kernel/task.h>
#include <kernel/timer.h>
#include <kernel/trace.h>
#include <kernel/trace_port.h>
#include <kernel/vdso.h>
#include <kernel/wall_clock.h>
#include <mm/fail_inject.h>
#include <mm/kswapd.h>
#include <mm/lru.h>
#include <mm/memblock.h>
#include <mm/mm.h>
#include <mm/oom.h>
#include <mm/page_alloc.h>
#include <mm/slab.h>
#include <mm/swap.h>
#include <mm/swap_mend.h>
#include <mm/torture.h>
#include <mm/vmalloc.h>
#include <mm/watermark.h>

#define INIT_WORDS_MAX 64
#define INIT_TRIES 3         /* to execute process 1, when memory is short for a moment */
#define BIOS_DATA_END 0x1000 /* the interrupt vectors and the BIOS's variables */

static void memory_find(const struct boot_info *info);
static void memory_start(const struct boot_info *info);
static void init_task(void *arg);
static void init_exec(void);
static void console_open(void);
static void banner(void);

void
kernel_main(const struct boot_info *info)
{
	arch_early_init(info);
	cmdline_init(info->cmdline);
	panic_init();
	printk_init();
	pr_info("Tidemark, loaded by %s\n", info->loader);
	pr_info("Command line: %s\n", info->cmdline);

	memory_find(info);
	percpu_init();
	trace_init();
	memory_start(info);

	task_init();
	timers_init();
	sched_init();
	acpi_init(info);
	apic_init();
	clock_init();
	wall_clock_init();

	vfs_init();
	procfs_init();
	futex_init();
	tty_init();
	process_init();
	exec_layout_init();
	if (process_start_init(init_task, (void *)info))
		panic("no memory for process 1");
	sched_cpu_start();
}

/* What the firmware says is RAM, less what lies in it already. */
static void
memory_find(const struct boot_info *info)
{
	for (u32 i = 0; i < info->range_count; i++)
		if (info->ranges[i].type == BOOT_RANGE_USABLE)
			memblock_add(info->ranges[i].base, info->ranges[i].len);
	memblock_cap(cmdline_u64("mem", ~0UL));
	memblock_reserve(0, BIOS_DATA_END);
	memblock_reserve(kernel_image_start_pa(), kernel_image_end_pa() - kernel_image_start_pa());
	memblock_reserve(info->initrd_pa, info->initrd_size);
}

/* From a list of ranges to address spaces. */
static void
memory_start(const struct boot_info *info)
{
	mmu_init(info);
	page_init();
	memblock_free_all();
	watermark_init(memblock_ram_bytes() >> 10);
	slab_init();
	vmalloc_init();
	mm_init();
	swap_init();
	if (cmdline_has("min_free_kbytes"))
		min_free_kbytes_set(cmdline_u64("min_free_kbytes", min_free_kbytes()));
	if (cmdline_has("evict") && lru_policy_set(cmdline_get("evict")))
		pr_warn("evict=%s: there is no such policy\n", cmdline_get("evict"));
	fail_inject_every((u32)cmdline_u64("fail_page_alloc", 0));
	torture_every = (u32)cmdline_u64("evict_every", 0);
}

/* The rest of the boot may sleep: it is what process 1 does before it has a program. */
static void
init_task(void *arg)
{
	const struct boot_info *info = arg;

	smp_start((u32)cmdline_u64("maxcpus", MAX_CPUS));
	vdso_init();
	console_start();
	kswapd_start();
	oom_reaper_start();
	swap_mend_start();
	virtio_blk_probe_all();
	vfs_disks_found();
	trace_port_start();
	initrd_unpack(info->initrd_pa, info->initrd_size);
	arch_init_free();
	watermark_update(); /* the frames of the archive and of the boot code are ours now */
	selftest_run();
	banner();
	init_exec();
}

static void
init_exec(void)
{
	const char *argv[INIT_WORDS_MAX + 2];
	const char *envp[INIT_WORDS_MAX + 1];
	const char *path = cmdline_get("rdinit");
	u32 tries = INIT_TRIES;
	int err;

	if (!path || !*path)
		path = "/init";
	argv[0] = path;
	argv[1 + cmdline_init_args(argv + 1, INIT_WORDS_MAX)] = NULL;
	envp[cmdline_init_env(envp, INIT_WORDS_MAX)] = NULL;
	console_open();
	fail_inject_nth(current, (u32)cmdline_u64("fail_nth", 0));

	/* Why: nothing would be left if this failed, and memory may come back: what it takes, exec gives back. */
	do
		err = exec_kernel(path, argv, envp);
	while (err == -ENOMEM && --tries);
	if (err == -ENOENT)
		panic("No init found: the initial RAM disk has no %s. "
		      "Give one with -initrd, or name its program with rdinit=",
		      path);
	if (err)
		panic("Cannot start %s: error %d. It must be a static x86-64 ELF program that fits in memory", path,
		      err);
}

/* Descriptors 0, 1 and 2. An archive may have put anything in the console's place; Linux goes on without, too. */
static void
console_open(void)
{
	struct process *self = current->process;
	struct file *file;

	for (u32 fd = 0; fd < 3; fd++) {
		int err = vfs_open("/dev/console", O_RDWR, &file);

		if (!err && files_install(self->files, file, 0, 3, false) < 0)
			panic("no memory for the first descriptors");
		if (!err)
			continue;
		pr_warn("the initial RAM disk's /dev/console cannot be opened (error %d): process 1 has none", -err);
		return;
	}
}

static void
banner(void)
{
	pr_info("%lu MiB RAM, %lu KiB free, %u CPUs\n", memblock_ram_bytes() >> 20, nr_free_pages() * (PAGE_SIZE >> 10),
		cpu_count());
}
