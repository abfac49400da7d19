/* SPDX-License-Identifier: MIT */
/*
 * kernel/sys_proc.c - the system calls about processes and threads
 *
 * Idea        decode the registers as Linux does (int, pid_t and flags are 32 bits), then call the file that knows
 * Invariants  none
 * Locks       process_lock where the family is read
 * Follow      from syscall.c   to exec.c, exit.c, wait_child.c
 * Tests       tests/guest/proc.c, tests/guest/wait.c, tests/guest/exec.c
 */
#include <kernel/exec.h>
#include <kernel/exit.h>
#include <kernel/lib/errno.h>
#include <kernel/panic.h>
#include <kernel/process.h>
#include <kernel/sched.h>
#include <kernel/signal.h>
#include <kernel/sys_abi.h>
#include <kernel/syscall.h>
#include <kernel/uaccess.h>
#include <kernel/wait_child.h>

/* waitid's idtype. */
enum wait_idtype {
	P_ALL,
	P_PID,
	P_PGID,
};

static int waitid_decode(struct wait_request *request, u32 type, s32 id);
static int waitid_report(const struct wait_request *request, u64 info);

/* ---- another program, and the end ---- */

s64
sys_execve(u64 path, u64 argv, u64 envp)
{
	return exec_user(path, argv, envp);
}

s64
sys_exit(u64 code)
{
	exit_thread(exit_status_code((u32)code));
}

s64
sys_exit_group(u64 code)
{
	exit_group(exit_status_code((u32)code));
}

s64
sys_set_tid_address(u64 address)
{
	current->clear_child_tid = (u32 *)address;
	return current->tid;
}

s64
sys_arch_prctl(u64 code, u64 arg)
{
	return arch_prctl((int)code, arg);
}

/* ---- waiting for children ---- */

s64
sys_wait4(u64 pid_arg, u64 status, u64 options_arg, u64 usage)
{
	struct wait_request request = {.options = (u32)options_arg | WEXITED};
	s32 pid = (s32)pid_arg;
	s64 result;

	if ((u32)options_arg & ~(WNOHANG | WUNTRACED | WCONTINUED | WNOTHREAD | WALL | WCLONE))
		return -EINVAL;
	if (pid == INT32_MIN)
		return -ESRCH;
	request.whom = pid > 0 ? WAIT_PID : pid == -1 ? WAIT_ANY : WAIT_GROUP;
	request.id = pid > 0 ? pid : pid ? -pid : current->process->pgid;
	result = wait_child(&request);
	if (result > 0 && status && put_user_u32((u32)request.status, (u32 __user *)status))
		return -EFAULT;
	if (result > 0 && usage && usage_to_user(&request.usage, usage))
		return -EFAULT;
	return result;
}

s64
sys_waitid(u64 type, u64 id, u64 info, u64 options_arg, u64 usage)
{
	struct wait_request request = {.options = (u32)options_arg};
	s64 result;

	if (request.options & ~(WNOHANG | WNOWAIT | WEXITED | WSTOPPED | WCONTINUED | WNOTHREAD | WALL | WCLONE))
		return -EINVAL;
	if (!(request.options & (WEXITED | WSTOPPED | WCONTINUED)) || waitid_decode(&request, (u32)type, (s32)id))
		return -EINVAL;
	result = wait_child(&request);
	if (result > 0 && usage && usage_to_user(&request.usage, usage))
		return -EFAULT;
	if (result >= 0 && info && waitid_report(&request, info))
		return -EFAULT;
	return result > 0 ? 0 : result;
}

static int
waitid_decode(struct wait_request *request, u32 type, s32 id)
{
	request->id = id;
	switch (type) {
	case P_ALL:
		request->whom = WAIT_ANY;
		return 0;
	case P_PID:
		request->whom = WAIT_PID;
		return id > 0 ? 0 : -EINVAL;
	case P_PGID:
		request->whom = WAIT_GROUP;
		if (!id)
			request->id = current->process->pgid;
		return id >= 0 ? 0 : -EINVAL;
	default:
		return -EINVAL;
	}
}

/* Without an event all fields are 0, as in Linux. */
static int
waitid_report(const struct wait_request *request, u64 info)
{
	struct siginfo_child si = {0};
	s32 status = request->status;

	if (request->pid) {
		si.signo = SIGCHLD;
		si.pid = request->pid;
		if (status == 0xffff) {
			si.code = CLD_CONTINUED;
			si.status = SIGCONT;
		} else if ((status & 0xff) == 0x7f) {
			si.code = CLD_STOPPED;
			si.status = status >> 8;
		} else {
			si.code = status & 0x7f ? CLD_KILLED : CLD_EXITED;
			si.status = status & 0x7f ? status & 0x7f : status >> 8 & 0xff;
		}
	}
	/* Why not the whole 128 bytes: Linux leaves the rest of the program's structure alone too. */
	return copy_to_user((void __user *)info, &si, sizeof(si));
}
