/* SPDX-License-Identifier: MIT */
/*
 * kernel/uts.c - what the system is called: uname, sethostname, setdomainname
 *
 * Idea        see uts.h
 * Invariants  see uts.h
 * Locks       uts_lock
 * Follow      from syscall.c, fs/procfs_sysctl.c
 * Tests       tests/guest/sysctl.c
 */
#include <kernel/uts.h>

#include <kernel/cred.h>
#include <kernel/lib/errno.h>
#include <kernel/lib/string.h>
#include <kernel/spinlock.h>
#include <kernel/syscall.h>
#include <kernel/uaccess.h>

struct utsname {
	char sysname[UTS_NAME_MAX + 1];
	char nodename[UTS_NAME_MAX + 1];
	char release[UTS_NAME_MAX + 1];
	char version[UTS_NAME_MAX + 1];
	char machine[UTS_NAME_MAX + 1];
	char domainname[UTS_NAME_MAX + 1];
};

static s64 set_from_user(enum uts_name which, u64 from, u64 len);

static struct spinlock uts_lock = SPINLOCK_INIT(RANK_NONE);
static char names[UTS_NAMES][UTS_NAME_MAX + 1] = {"tidemark", "(none)"}; /* uts_lock */

void
uts_get(enum uts_name which, char out[UTS_NAME_MAX + 1])
{
	spin_lock(&uts_lock);
	memcpy(out, names[which], UTS_NAME_MAX + 1);
	spin_unlock(&uts_lock);
}

void
uts_set(enum uts_name which, const char *name, u64 len)
{
	len = strnlen(name, min_u64(len, UTS_NAME_MAX));
	spin_lock(&uts_lock);
	memset(names[which], 0, UTS_NAME_MAX + 1);
	memcpy(names[which], name, len);
	spin_unlock(&uts_lock);
}

s64
sys_uname(u64 to)
{
	struct utsname name = {
		.sysname = UTS_SYSNAME,
		.release = UTS_RELEASE,
		.version = UTS_VERSION,
		.machine = UTS_MACHINE,
	};

	uts_get(UTS_HOST, name.nodename);
	uts_get(UTS_DOMAIN, name.domainname);
	return copy_to_user((void __user *)to, &name, sizeof(name));
}

s64
sys_sethostname(u64 from, u64 len)
{
	return set_from_user(UTS_HOST, from, len);
}

s64
sys_setdomainname(u64 from, u64 len)
{
	return set_from_user(UTS_DOMAIN, from, len);
}

static s64
set_from_user(enum uts_name which, u64 from, u64 len)
{
	char name[UTS_NAME_MAX];

	if (!cred_is_root())
		return -EPERM;
	if ((s32)len < 0 || (s32)len > UTS_NAME_MAX)
		return -EINVAL;
	if (copy_from_user(name, (const void __user *)from, (u32)len))
		return -EFAULT;
	uts_set(which, name, (u32)len);
	return 0;
}
