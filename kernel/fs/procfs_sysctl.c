/* SPDX-License-Identifier: MIT */
/*
 * kernel/fs/procfs_sysctl.c - /proc/sys: what can be set while the kernel runs
 *
 * Idea        A number has a function that tells it, one that sets it, and bounds; the rest are texts. Only what has an
 *             effect is here: a number that Linux lets one change and that is fixed here can be read only, which is
 *             enforced for root too, as Linux does below /proc/sys. (vm.swappiness is asked each time, but weighs
 *             nothing until there are files on a disk, whose pages could go instead: mm/balance.h.)
 * Invariants  none
 * Locks       those of the setters; several writers of one number: the last wins
 * Follow      from procfs.c   to the variables' files
 * Tests       tests/guest/sysctl.c
 * See         Linux Documentation/admin-guide/sysctl
 */
#include <kernel/fs/procfs.h>

#include <kernel/exec_layout.h>
#include <kernel/fs/abi.h>
#include <kernel/fs/file.h>
#include <kernel/fs/files.h>
#include <kernel/fs/seq.h>
#include <kernel/lib/errno.h>
#include <kernel/lib/string.h>
#include <kernel/panic.h>
#include <kernel/pid.h>
#include <kernel/printk.h>
#include <kernel/process.h>
#include <kernel/random.h>
#include <kernel/task.h>
#include <kernel/uts.h>
#include <mm/balance.h>
#include <mm/commit.h>
#include <mm/fail_inject.h>
#include <mm/lru.h>
#include <mm/mmap.h>
#include <mm/oom.h>
#include <mm/reclaim.h>
#include <mm/shrinker.h>
#include <mm/slab.h>
#include <mm/swap_io.h>
#include <mm/torture.h>
#include <mm/vmstat.h>
#include <mm/watermark.h>

#define FILE_MAX 0x7fffffffffffffffUL /* open files of all processes: no limit but memory */
#define ENTROPY_BITS 256              /* of the generator's key, which is never used up */
#define CAP_LAST_CAP 40
#define NGROUPS_MAX 65536

/* A number, and how it is set; without @set it can be read only. */
struct sysctl {
	s64 (*get)(void);
	void (*set)(s64 value);
	s64 min, max;
	bool once; /* it is an order: nobody reads it */
};

static int sysctl_show(struct seq *s, const struct proc_who *who);
static int sysctl_store(const struct proc_who *who, char *text, u64 len);
static int text_show(struct seq *s, const struct proc_who *who);
static int uts_show(struct seq *s, const struct proc_who *who);
static int uts_store(const struct proc_who *who, char *text, u64 len);
static int lowmem_show(struct seq *s, const struct proc_who *who);
static int lowmem_store(const struct proc_who *who, char *text, u64 len);
static int evict_show(struct seq *s, const struct proc_who *who);
static int evict_store(const struct proc_who *who, char *text, u64 len);
static int printk_show(struct seq *s, const struct proc_who *who);
static int printk_store(const struct proc_who *who, char *text, u64 len);
static int uuid_show(struct seq *s, const struct proc_who *who);
static int boot_id_show(struct seq *s, const struct proc_who *who);
static int file_nr_show(struct seq *s, const struct proc_who *who);
static void uuid_print(struct seq *s, const u8 *id);
static void drop_caches(u32 what);

#define GETTER(name, expression)          \
	static s64 get_##name(void)       \
	{                                 \
		return (s64)(expression); \
	}
#define SETTER(name, statement)           \
	static void set_##name(s64 value) \
	{                                 \
		statement;                \
	}

GETTER(min_free_kbytes, min_free_kbytes())
SETTER(min_free_kbytes, min_free_kbytes_set((u64)value))
GETTER(watermark_scale, watermark_scale())
SETTER(watermark_scale, watermark_scale_set((u32)value))
GETTER(max_map_count, READ_ONCE(sysctl_max_map_count))
SETTER(max_map_count, WRITE_ONCE(sysctl_max_map_count, (u32)value))
GETTER(mmap_min_addr, READ_ONCE(sysctl_mmap_min_addr))
SETTER(mmap_min_addr, WRITE_ONCE(sysctl_mmap_min_addr, round_up((u64)value, PAGE_SIZE)))
GETTER(evict_every, READ_ONCE(torture_every))
SETTER(evict_every, WRITE_ONCE(torture_every, (u32)value))
GETTER(fail_interval, fail_inject_reclaim_interval_now())
SETTER(fail_interval, fail_inject_reclaim_interval((u32)value))
GETTER(fail_times, fail_inject_reclaim_times_left())
SETTER(fail_times, fail_inject_reclaim_times((s32)value))
GETTER(page_cluster, READ_ONCE(swap_page_cluster))
SETTER(page_cluster, WRITE_ONCE(swap_page_cluster, (u32)value))
GETTER(swappiness, READ_ONCE(sysctl_swappiness))
SETTER(swappiness, WRITE_ONCE(sysctl_swappiness, (u32)value))
GETTER(oom_kill_allocating_task, READ_ONCE(sysctl_oom_kill_allocating_task))
SETTER(oom_kill_allocating_task, WRITE_ONCE(sysctl_oom_kill_allocating_task, (s32)value))
GETTER(panic_on_oom, READ_ONCE(sysctl_panic_on_oom))
SETTER(panic_on_oom, WRITE_ONCE(sysctl_panic_on_oom, (s32)value))
GETTER(oom_dump_tasks, READ_ONCE(sysctl_oom_dump_tasks))
SETTER(oom_dump_tasks, WRITE_ONCE(sysctl_oom_dump_tasks, (s32)value))
SETTER(drop_caches, drop_caches((u32)value))
GETTER(panic, READ_ONCE(panic_seconds))
SETTER(panic, WRITE_ONCE(panic_seconds, (s32)value))
GETTER(randomize, READ_ONCE(sysctl_randomize_va_space))
SETTER(randomize, WRITE_ONCE(sysctl_randomize_va_space, (u32)value))
GETTER(pid_max, PID_MAX)
GETTER(cap_last_cap, CAP_LAST_CAP)
GETTER(ngroups_max, NGROUPS_MAX)
GETTER(entropy, ENTROPY_BITS)
GETTER(file_max, FILE_MAX)
GETTER(nr_open, FILES_MAX)

static const struct sysctl min_free = {get_min_free_kbytes, set_min_free_kbytes, 0, 0x7fffffff};
static const struct sysctl mark_scale = {get_watermark_scale, set_watermark_scale, 1, WATERMARK_SCALE_MOST};
GETTER(overcommit_memory, READ_ONCE(sysctl_overcommit_memory))
SETTER(overcommit_memory, WRITE_ONCE(sysctl_overcommit_memory, (s32)value))
GETTER(overcommit_ratio, READ_ONCE(sysctl_overcommit_ratio))
SETTER(overcommit_ratio, commit_set_ratio((s32)value))
GETTER(overcommit_kbytes, READ_ONCE(sysctl_overcommit_kbytes))
SETTER(overcommit_kbytes, commit_set_kbytes((u64)value))
GETTER(user_reserve, READ_ONCE(sysctl_user_reserve_kbytes))
SETTER(user_reserve, WRITE_ONCE(sysctl_user_reserve_kbytes, (u64)value))
GETTER(admin_reserve, READ_ONCE(sysctl_admin_reserve_kbytes))
SETTER(admin_reserve, WRITE_ONCE(sysctl_admin_reserve_kbytes, (u64)value))

static const struct sysctl overcommit_memory = {get_overcommit_memory, set_overcommit_memory, 0, 2};
static const struct sysctl overcommit_ratio = {get_overcommit_ratio, set_overcommit_ratio, -0x80000000L, 0x7fffffff};
static const struct sysctl overcommit_kbytes = {get_overcommit_kbytes, set_overcommit_kbytes, 0, FILE_MAX};
static const struct sysctl user_reserve = {get_user_reserve, set_user_reserve, 0, FILE_MAX};
static const struct sysctl admin_reserve = {get_admin_reserve, set_admin_reserve, 0, FILE_MAX};
static const struct sysctl map_count = {get_max_map_count, set_max_map_count, 0, 0x7fffffff};
static const struct sysctl min_addr = {get_mmap_min_addr, set_mmap_min_addr, 0, 1L << 30};
static const struct sysctl evict = {get_evict_every, set_evict_every, 0, 0x7fffffff};
static const struct sysctl fail_interval = {get_fail_interval, set_fail_interval, 0, 0x7fffffff};
static const struct sysctl fail_times = {get_fail_times, set_fail_times, -1, 0x7fffffff};
static const struct sysctl cluster = {get_page_cluster, set_page_cluster, 0, 31};
static const struct sysctl swappiness = {get_swappiness, set_swappiness, 0, SWAPPINESS_MOST};
static const struct sysctl drop = {NULL, set_drop_caches, 1, 4};
static const struct sysctl oom_allocating = {get_oom_kill_allocating_task, set_oom_kill_allocating_task, -0x80000000L,
					     0x7fffffff};
static const struct sysctl oom_panic = {get_panic_on_oom, set_panic_on_oom, 0, 2};
static const struct sysctl oom_dump = {get_oom_dump_tasks, set_oom_dump_tasks, -0x80000000L, 0x7fffffff};
static const struct sysctl panic_after = {get_panic, set_panic, -0x7fffffff, 0x7fffffff};
static const struct sysctl randomize = {get_randomize, set_randomize, 0, 2};
static const struct sysctl pid_most = {.get = get_pid_max};
static const struct sysctl last_cap = {.get = get_cap_last_cap};
static const struct sysctl groups_most = {.get = get_ngroups_max};
static const struct sysctl entropy = {.get = get_entropy};
static const struct sysctl files_most = {.get = get_file_max};
static const struct sysctl open_most = {.get = get_nr_open};

#define NUMBER(file_name, rights, sysctl)                                                           \
	{                                                                                           \
		.name = (file_name), .mode = S_IFREG | (rights), .strict = true, .data = &(sysctl), \
		.show_who = (rights)&0444 ? sysctl_show : NULL, .store = sysctl_store               \
	}
#define TEXT(file_name, text)                                                                                      \
	{                                                                                                          \
		.name = (file_name), .mode = S_IFREG | 0444, .strict = true, .data = (text), .show_who = text_show \
	}
#define NAME(file_name, which)                                                                                   \
	{                                                                                                        \
		.name = (file_name), .mode = S_IFREG | 0644, .strict = true, .data = (const void *)(u64)(which), \
		.show_who = uts_show, .store = uts_store                                                         \
	}
#define SPECIAL(file_name, function)                                                                \
	{                                                                                           \
		.name = (file_name), .mode = S_IFREG | 0444, .strict = true, .show_who = (function) \
	}
#define DIRECTORY(dir_name, entries)                                         \
	{                                                                    \
		.name = (dir_name), .mode = S_IFDIR | 0555, .dir = (entries) \
	}

static const struct proc_entry vm_entries[] = {
	NUMBER("min_free_kbytes", 0644, min_free),
	NUMBER("watermark_scale_factor", 0644, mark_scale),
	{.name = "lowmem_reserve_ratio",
	 .mode = S_IFREG | 0644,
	 .strict = true,
	 .show_who = lowmem_show,
	 .store = lowmem_store},
	NUMBER("overcommit_memory", 0644, overcommit_memory),
	NUMBER("overcommit_ratio", 0644, overcommit_ratio),
	NUMBER("overcommit_kbytes", 0644, overcommit_kbytes),
	NUMBER("user_reserve_kbytes", 0644, user_reserve),
	NUMBER("admin_reserve_kbytes", 0644, admin_reserve),
	NUMBER("max_map_count", 0644, map_count),
	NUMBER("mmap_min_addr", 0644, min_addr),
	NUMBER("drop_caches", 0200, drop),
	NUMBER("evict_every", 0644, evict),
	NUMBER("fail_reclaim_interval", 0644, fail_interval),
	NUMBER("fail_reclaim_times", 0644, fail_times),
	NUMBER("page-cluster", 0644, cluster),
	NUMBER("oom_kill_allocating_task", 0644, oom_allocating),
	NUMBER("panic_on_oom", 0644, oom_panic),
	NUMBER("oom_dump_tasks", 0644, oom_dump),
	NUMBER("swappiness", 0644, swappiness),
	{.name = "evict_policy", .mode = S_IFREG | 0644, .strict = true, .show_who = evict_show, .store = evict_store},
	{},
};

static const struct proc_entry random_entries[] = {
	SPECIAL("uuid", uuid_show),
	SPECIAL("boot_id", boot_id_show),
	NUMBER("entropy_avail", 0444, entropy),
	NUMBER("poolsize", 0444, entropy),
	{},
};

static const struct proc_entry kernel_entries[] = {
	TEXT("ostype", UTS_SYSNAME),
	TEXT("osrelease", UTS_RELEASE),
	TEXT("version", UTS_VERSION),
	NAME("hostname", UTS_HOST),
	NAME("domainname", UTS_DOMAIN),
	{.name = "printk", .mode = S_IFREG | 0644, .strict = true, .show_who = printk_show, .store = printk_store},
	NUMBER("panic", 0644, panic_after),
	NUMBER("randomize_va_space", 0644, randomize),
	NUMBER("pid_max", 0444, pid_most),
	NUMBER("cap_last_cap", 0444, last_cap),
	NUMBER("ngroups_max", 0444, groups_most),
	DIRECTORY("random", random_entries),
	{},
};

static const struct proc_entry fs_entries[] = {
	NUMBER("file-max", 0444, files_most),
	NUMBER("nr_open", 0444, open_most),
	SPECIAL("file-nr", file_nr_show),
	{},
};

static const struct proc_entry sys_entries[] = {
	DIRECTORY("vm", vm_entries),
	DIRECTORY("kernel", kernel_entries),
	DIRECTORY("fs", fs_entries),
	{},
};

const struct proc_entry sysctl_root_entries[] = {
	DIRECTORY("sys", sys_entries),
	{},
};

static int
sysctl_show(struct seq *s, const struct proc_who *who)
{
	const struct sysctl *sysctl = who->entry->data;

	seq_printf(s, "%ld\n", sysctl->get());
	return 0;
}

static int
sysctl_store(const struct proc_who *who, char *text, u64 len)
{
	const struct sysctl *sysctl = who->entry->data;
	s64 value;

	if (proc_parse_s64(text, &value) || value < sysctl->min || value > sysctl->max)
		return -EINVAL;
	sysctl->set(value);
	return 0;
}

static int
text_show(struct seq *s, const struct proc_who *who)
{
	seq_printf(s, "%s\n", (const char *)who->entry->data);
	return 0;
}

static int
uts_show(struct seq *s, const struct proc_who *who)
{
	char name[UTS_NAME_MAX + 1];

	uts_get((enum uts_name)(u64)who->entry->data, name);
	seq_printf(s, "%s\n", name);
	return 0;
}

/* A name ends where the line does. */
static int
uts_store(const struct proc_who *who, char *text, u64 len)
{
	const char *end = strchr(text, '\n');

	uts_set((enum uts_name)(u64)who->entry->data, text, end ? (u64)(end - text) : len);
	return 0;
}

/* A number for each zone, the lowest first. */
static int
lowmem_show(struct seq *s, const struct proc_who *who)
{
	for (u32 kind = 0; kind < NR_ZONES; kind++)
		seq_printf(s, "%s%u", kind ? "\t" : "", lowmem_ratio(kind));
	seq_puts(s, "\n");
	return 0;
}

/* As many as are written, up to one that is no number, as Linux does. What is below 1 protects nothing. */
static int
lowmem_store(const struct proc_who *who, char *text, u64 len)
{
	const char *blanks = " \t\n";

	for (u32 kind = 0; kind < NR_ZONES; kind++) {
		char *end;
		s64 value;

		while (*text && strchr(blanks, *text))
			text++;
		if (!*text)
			return 0;
		for (end = text; *end && !strchr(blanks, *end);)
			end++;
		if (*end)
			*end++ = 0;
		if (proc_parse_s64(text, &value) || value != (s32)value)
			return 0;
		lowmem_ratio_set(kind, value < 1 ? 0 : (u32)value);
		text = end;
	}
	return 0;
}

/* Which pages leave memory first (mm/evict.h). Linux has no such file. */
static int
evict_show(struct seq *s, const struct proc_who *who)
{
	seq_printf(s, "%s\n", lru_policy_name());
	return 0;
}

static int
evict_store(const struct proc_who *who, char *text, u64 len)
{
	char *end = strchr(text, '\n');

	if (end)
		*end = 0;
	return lru_policy_set(text);
}

/* Levels: of the console now, of messages without one, the lowest that the console takes, and the console's default. */
static int
printk_show(struct seq *s, const struct proc_who *who)
{
	seq_printf(s, "%u\t%u\t%u\t%u\n", printk_console_level_get(), PRINTK_INFO, 1, PRINTK_DEBUG);
	return 0;
}

/* Only the first can be set. */
static int
printk_store(const struct proc_who *who, char *text, u64 len)
{
	s64 level;

	for (u64 i = 0; i < len; i++)
		if (text[i] == ' ' || text[i] == '\t' || text[i] == '\n')
			text[i] = 0;
	if (proc_parse_s64(text, &level) || level < 0 || level > 15)
		return -EINVAL;
	printk_console_level((u32)level);
	return 0;
}

/* A random one (version 4) each time it is read. */
static int
uuid_show(struct seq *s, const struct proc_who *who)
{
	u8 id[16];

	random_fill(id, sizeof(id));
	uuid_print(s, id);
	return 0;
}

/* The same until the next boot. Race: two first readers: the exchange lets one of them choose each half. */
static int
boot_id_show(struct seq *s, const struct proc_who *who)
{
	static u64 boot_id[2]; /* atomic; 0: not chosen */
	u64 fresh[2];
	u64 none;

	random_fill(fresh, sizeof(fresh));
	for (u32 i = 0; i < 2; i++) {
		none = 0;
		__atomic_compare_exchange_n(&boot_id[i], &none, fresh[i] | 1, false, __ATOMIC_SEQ_CST,
					    __ATOMIC_SEQ_CST);
	}
	uuid_print(s, (const u8 *)boot_id);
	return 0;
}

static void
uuid_print(struct seq *s, const u8 *id)
{
	for (u32 i = 0; i < 16; i++) {
		u8 byte = id[i];

		if (i == 6)
			byte = (byte & 0x0f) | 0x40;
		if (i == 8)
			byte = (byte & 0x3f) | 0x80;
		seq_printf(s, i == 4 || i == 6 || i == 8 || i == 10 ? "-%02x" : "%02x", byte);
	}
	seq_puts(s, "\n");
}

/* Open files, free ones (always 0), and as many as there may be. */
static int
file_nr_show(struct seq *s, const struct proc_who *who)
{
	seq_printf(s, "%lu\t0\t%lu\n", file_count(), FILE_MAX);
	return 0;
}

/* 1: pages of files, of which none has a copy elsewhere; 2: caches; 4: and without a word in the log from now on. */
static void
drop_caches(u32 what)
{
	static bool quiet;
	u32 shift = 0;

	if (what & 1)
		count_event(VM_DROP_PAGECACHE);
	if (what & 2) {
		while (shrink_caches(0) >> shift++ > 1)
			;
		count_event(VM_DROP_SLAB);
	}
	if (!READ_ONCE(quiet))
		pr_info("%s (%d): drop_caches: %u\n", current->comm, current->tid, what);
	if (what & 4)
		WRITE_ONCE(quiet, true);
}
