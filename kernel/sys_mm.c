/* SPDX-License-Identifier: MIT */
/*
 * kernel/sys_mm.c - the mmap family as system calls
 *
 * Idea        File descriptors become page-cache objects here; everything else is mm/mmap.h. Errors come in Linux's
 *             order.
 * Invariants  none
 * Locks       none held on entry
 * Follow      from syscalls.def   to mm/mmap.c, mm/mprotect.c, mm/mremap.c, mm/brk.c
 * Tests       tests/guest/mmap.c, tests/guest/protect.c, tests/guest/brk.c
 * See         mmap(2)
 */
#include <kernel/fs/abi.h>
#include <kernel/fs/file.h>
#include <kernel/fs/seal.h>
#include <kernel/fs/vfs.h>
#include <kernel/lib/errno.h>
#include <kernel/syscall.h>
#include <kernel/task.h>
#include <mm/fault.h>
#include <mm/mlock.h>
#include <mm/mm.h>
#include <mm/mmap.h>

#define FILE_PAGES_MAX (0x8000000000000000UL >> PAGE_SHIFT) /* a file's size is a signed 64-bit number */

/* The flags that MAP_SHARED_VALIDATE accepts: it promises to refuse what it does not know. */
#define MAP_KNOWN                                                                                            \
	(MAP_TYPE | MAP_FIXED | MAP_ANONYMOUS | MAP_32BIT | MAP_GROWSDOWN | MAP_DENYWRITE | MAP_EXECUTABLE | \
	 MAP_LOCKED | MAP_NORESERVE | MAP_POPULATE | MAP_NONBLOCK | MAP_STACK | MAP_HUGETLB | MAP_FIXED_NOREPLACE)

#define PROT_UNKNOWN 0x80000000u /* stands for bits that no mprotect knows */

static s64 mmap_file(struct mmap_request *request, u64 fd);
static s64 map_sealable(struct mmap_request *request, struct file *file);
static int check_file(const struct mmap_request *request, struct file *file);
static bool file_no_exec(const struct file *file);
static s64 map_and_populate(const struct mmap_request *request);

s64
sys_mmap(u64 addr, u64 len, u64 prot, u64 flags, u64 fd, u64 offset)
{
	struct mmap_request request = {.addr = addr, .len = len, .prot = (u32)prot, .flags = (u32)flags};

	if (offset & ~PAGE_MASK)
		return -EINVAL;
	request.pgoff = offset >> PAGE_SHIFT;
	if (flags & MAP_ANONYMOUS) {
		if (flags & MAP_HUGETLB)
			return -ENOMEM; /* as Linux with an empty pool of huge pages */
		request.pgoff = 0;
		return map_and_populate(&request);
	}
	return mmap_file(&request, fd);
}

s64
sys_munmap(u64 addr, u64 len)
{
	return do_munmap(current->mm, addr, len);
}

s64
sys_mprotect(u64 addr, u64 len, u64 prot)
{
	return do_mprotect(current->mm, addr, len, prot >> 32 ? PROT_UNKNOWN : (u32)prot);
}

/* No processor that runs us has keys, so only the call without one works: as Linux there. */
s64
sys_pkey_mprotect(u64 addr, u64 len, u64 prot, u64 key)
{
	return (s32)key == -1 ? sys_mprotect(addr, len, prot) : -EINVAL;
}

s64
sys_brk(u64 brk)
{
	return (s64)do_brk(current->mm, brk);
}

s64
sys_mremap(u64 addr, u64 old_len, u64 new_len, u64 flags, u64 new_addr)
{
	const struct mremap_request request = {addr, old_len, new_len, (u32)flags, new_addr};

	return flags >> 32 ? -EINVAL : do_mremap(current->mm, &request);
}

static s64
mmap_file(struct mmap_request *request, u64 fd)
{
	struct file *file = file_get(fd);
	s64 result;

	if (!file)
		return -EBADF;
	result = check_file(request, file);
	if (!result) {
		if ((request->flags & MAP_TYPE) == MAP_SHARED_VALIDATE)
			request->flags = (request->flags & ~MAP_TYPE) | MAP_SHARED;
		request->object = file_object(file);
		request->zeroes = file->ops->maps_zeroes;
		request->may_write = file_can_write(file);
		request->no_exec = file_no_exec(file);
		result = map_sealable(request, file);
	}
	file_put(file);
	return result;
}

static s64
map_sealable(struct mmap_request *request, struct file *file)
{
	bool shared = (request->flags & MAP_TYPE) == MAP_SHARED;
	s64 result = seals_map_begin(file, shared, request->prot & PROT_WRITE, &request->may_write);

	if (result)
		return result;
	result = map_and_populate(request);
	seals_map_end(file);
	return result;
}

static int
check_file(const struct mmap_request *request, struct file *file)
{
	u32 type = request->flags & MAP_TYPE;

	if (file->flags & O_PATH)
		return -EBADF;
	if (request->flags & MAP_HUGETLB)
		return -EINVAL; /* no file has huge pages */
	if (!request->len)
		return -EINVAL;
	if (request->pgoff + (round_up(request->len, PAGE_SIZE) >> PAGE_SHIFT) > FILE_PAGES_MAX)
		return -EOVERFLOW;
	if (type == 0 || type > MAP_SHARED_VALIDATE)
		return -EINVAL;
	if (type == MAP_SHARED_VALIDATE && (request->flags & ~MAP_KNOWN))
		return -EOPNOTSUPP;
	if (!file_can_read(file))
		return -EACCES;
	if (type != MAP_PRIVATE && (request->prot & PROT_WRITE) && !file_can_write(file))
		return -EACCES;
	if ((request->prot & PROT_EXEC) && file_no_exec(file))
		return -EPERM;
	if (!file_object(file) && !file->ops->maps_zeroes)
		return -ENODEV;
	return request->flags & MAP_GROWSDOWN ? -EINVAL : 0;
}

/* Whether the file lies on a file system that was mounted so that nothing on it can be executed. */
static bool
file_no_exec(const struct file *file)
{
	return file->inode && (file->inode->sb->flags & MS_NOEXEC);
}

/* MAP_POPULATE is a wish: that memory ran out, or a page lies past the end, is no error of mmap. */
static s64
map_and_populate(const struct mmap_request *request)
{
	struct mm *mm = current->mm;
	s64 addr = do_mmap(mm, request);

	if (addr >= 0 && unlikely((request->flags & MAP_LOCKED) || READ_ONCE(mm->def_flags)))
		mlock_populate(mm, addr, addr + round_up(request->len, PAGE_SIZE), true);
	if (addr >= 0 && (request->flags & MAP_POPULATE) && !(request->flags & MAP_NONBLOCK)) {
		bool private_write = (request->prot & PROT_WRITE) && (request->flags & MAP_TYPE) == MAP_PRIVATE;

		fault_populate(mm, addr, addr + round_up(request->len, PAGE_SIZE),
			       private_write ? FAULT_WRITE : FAULT_READ);
	}
	return addr;
}
