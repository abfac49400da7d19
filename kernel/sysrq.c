/* SPDX-License-Identifier: MIT */
/*
 * kernel/sysrq.c - one letter, one deed
 *
 * Idea        A table of Linux's letters. Those that speak of what does not exist here say that.
 *             Simple: no key of the keyboard comes here, only /proc/sysrq-trigger.
 * Invariants  none
 * Locks       process_lock for the lists of tasks
 * Follow      from fs/procfs_mm.c   to mm/oom.h, process.h, signal.h
 * Tests       tests/guest/kmsg.c
 * See         Linux Documentation/admin-guide/sysrq.rst
 */
#include <kernel/sysrq.h>

#include <arch/cpu.h>
#include <arch/mmu.h>
#include <kernel/lib/compiler.h>
#include <kernel/lib/format.h>
#include <kernel/panic.h>
#include <kernel/printk.h>
#include <kernel/process.h>
#include <kernel/signal.h>
#include <kernel/syscall.h>
#include <kernel/task.h>
#include <mm/mm.h>
#include <mm/oom.h>

struct deed {
	char key;
	const char *says; /* in the log, when it is done */
	const char *help;
	void (*run)(void); /* NULL: there is no such thing here */
};

static void reboot(void);
static void crash(void);
static void terminate_all(void);
static void kill_all(void);
static void oom(void);
static void sync_all(void);
static void show_registers(void);
static void show_memory(void);
static void show_tasks(void);
static void show_blocked(void);
static void help(void);
static void signal_all(int sig);
static void tasks_print(bool blocked_only);
static void task_print(const struct task *task);

static const struct deed deeds[] = {
	{'b', "Resetting", "reboot(b)", reboot},
	{'c', "Trigger a crash", "crash(c)", crash},
	{'e', "Terminate All Tasks", "terminate-all-tasks(e)", terminate_all},
	{'f', "Manual OOM execution", "memory-full-oom-kill(f)", oom},
	{'i', "Kill All Tasks", "kill-all-tasks(i)", kill_all},
	{'l', "Show backtrace of all active CPUs", NULL, NULL},
	{'m', "Show Memory", "show-memory-usage(m)", show_memory},
	{'p', "Show Regs", "show-registers(p)", show_registers},
	{'s', "Emergency Sync", "sync(s)", sync_all},
	{'t', "Show State", "show-task-states(t)", show_tasks},
	{'u', "Emergency Remount R/O", NULL, NULL},
	{'w', "Show Blocked State", "show-blocked-tasks(w)", show_blocked},
};

void
sysrq_handle(char key)
{
	for (u32 i = 0; i < ARRAY_SIZE(deeds); i++) {
		if (deeds[i].key != key)
			continue;
		pr_info("sysrq: %s%s", deeds[i].says, deeds[i].run ? "" : ": there is no such thing here");
		if (deeds[i].run)
			deeds[i].run();
		return;
	}
	help();
}

static void
help(void)
{
	char line[PRINTK_MAX];
	u32 len = 0;

	for (u32 i = 0; i < ARRAY_SIZE(deeds); i++)
		if (deeds[i].help)
			len += format(line + len, sizeof(line) - len, " %s", deeds[i].help);
	pr_info("sysrq: HELP :%s", line);
}

static void
reboot(void)
{
	machine_reset();
}

static void
crash(void)
{
	panic("sysrq triggered crash");
}

static void
terminate_all(void)
{
	signal_all(SIGTERM);
}

static void
kill_all(void)
{
	signal_all(SIGKILL);
}

static void
signal_all(int sig)
{
	struct process *process;

	spin_lock(&process_lock);
	list_for_each (process, &process_list, all)
		if (!process->init)
			signal_send_process(process, sig);
	spin_unlock(&process_lock);
}

static void
oom(void)
{
	oom_done_await();
	if (!oom_kill(OOM_BY_HAND, 0))
		pr_info("OOM request ignored. No task eligible");
}

static void
sync_all(void)
{
	sys_sync();
	pr_info("Emergency Sync complete");
}

/* Those of the program that asks. */
static void
show_registers(void)
{
	if (current->process)
		frame_print(task_frame(current));
}

static void
show_memory(void)
{
	oom_meminfo();
}

static void
show_tasks(void)
{
	tasks_print(false);
}

static void
show_blocked(void)
{
	tasks_print(true);
}

/* Why under the lock: printk never sleeps, and a report of tasks that come and go would be none. */
static void
tasks_print(bool blocked_only)
{
	struct process *process;
	struct task *task;

	spin_lock(&process_lock);
	list_for_each (process, &process_list, all) {
		list_for_each (task, &process->threads, thread_link) {
			u8 state = READ_ONCE(task->state);

			if (!blocked_only || state == TASK_KILLABLE || state == TASK_UNINTERRUPTIBLE)
				task_print(task);
		}
	}
	spin_unlock(&process_lock);
}

static void
task_print(const struct task *task)
{
	static const char letters[] = "RSDDX";
	const struct process *process = task->process;

	pr_info("task:%-15s state:%c pid:%d tgid:%d ppid:%d rss:%lukB", task->comm, letters[READ_ONCE(task->state)],
		task->tid, process->pid, process->parent ? process->parent->pid : 0,
		process->mm ? mm_rss(process->mm) * (PAGE_SIZE / 1024) : 0);
}
