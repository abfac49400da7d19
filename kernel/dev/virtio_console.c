/* SPDX-License-Identifier: MIT */
/*
 * kernel/dev/virtio_console.c - a second port to the host: bytes out, none in
 *
 * Idea        The device's queue 1 takes what port 0 sends; queue 0, for what it receives, is never set up. A buffer is
 *             handed over and waited for. Simple: no interrupt. QEMU takes a buffer while the doorbell rings, unless
 *             the host's side is slow; then we look again every millisecond.
 * Invariants  I1  At most one buffer is with the device.
 * Locks       none: one task sends
 * Follow      from kernel/trace_port.c   to virtq.c, virtio_pci.c
 * Tests       tests/report/test_stream.py
 * See         VIRTIO 1.1, section 5.3
 */
#include <kernel/dev/virtio_console.h>

#include <arch/clock.h>
#include <arch/cpu.h>
#include <kernel/dev/virtio_pci.h>
#include <kernel/lib/errno.h>
#include <kernel/lib/string.h>
#include <kernel/printk.h>
#include <kernel/timer.h>
#include <mm/page_alloc.h>

#define DEVICE_LEGACY 0x1003 /* a transitional one, which has the modern interface too */
#define DEVICE_MODERN 0x1043
#define QUEUE_SEND 1
#define LOOK_NS NS_PER_MS
#define FLUSH_NS (2 * NS_PER_SEC) /* a busy host may need that; one that does not read must not keep a machine on */

static void hand_over(const struct virtq_buf *buf);
static void probe(struct pci_device *dev);
static int set_up(struct pci_device *dev);

static const u16 device_ids[] = {DEVICE_LEGACY, DEVICE_MODERN, 0};
static const struct pci_driver driver = {.vendor = VIRTIO_VENDOR, .devices = device_ids, .probe = probe};

/* Const after probe, but the queue: the sender's. */
static struct virtio_device device;
static struct virtq queue;
static bool exists;
static bool flying; /* the sender's: a buffer is with the device */

void
virtio_console_probe(void)
{
	pci_scan(&driver);
}

bool
virtio_console_exists(void)
{
	return exists;
}

void
virtio_console_send(const void *bytes, u32 n)
{
	struct virtq_buf buf = {.pa = va_to_pa(bytes), .len = n};

	hand_over(&buf);
	while (!virtq_take(&queue))
		sleep_until(clock_ns() + LOOK_NS);
	WRITE_ONCE(flying, false);
}

/* Simple: who was stopped within hand_over, some 100 instructions, has left the queue in pieces. Then none is taken. */
bool
virtio_console_flush(const void *bytes, u32 n)
{
	struct virtq_buf buf = {.pa = n ? va_to_pa(bytes) : 0, .len = n};
	u64 end = clock_ns() + FLUSH_NS;

	if (n)
		hand_over(&buf);
	else if (READ_ONCE(flying))
		virtio_kick(&device); /* it may have been stopped right before */
	while (READ_ONCE(flying)) {
		if (virtq_take(&queue))
			WRITE_ONCE(flying, false);
		else if (clock_ns() > end)
			return false;
		cpu_relax();
	}
	return true;
}

/* I1. */
static void
hand_over(const struct virtq_buf *buf)
{
	bool added;

	WRITE_ONCE(flying, true);
	added = virtq_add(&queue, buf, 1, 0, NULL, 0, &queue);
	assert(exists && added);
	if (virtq_show(&queue))
		virtio_kick(&device);
}

static void
probe(struct pci_device *dev)
{
	int err = exists ? -EBUSY : set_up(dev);

	if (err)
		pr_err("a virtio console cannot be used: error %d\n", -err);
	else
		exists = true;
}

static int
set_up(struct pci_device *dev)
{
	int err = virtio_find(&device, dev);
	struct page *page;
	u32 order = 0;
	u16 size;

	if (err)
		return err;
	device.queue = QUEUE_SEND;
	err = virtio_start(&device, 0);
	if (err)
		return err;
	size = (u16)min_u64(virtio_queue_size(&device), VIRTQ_SIZE_MAX);
	if (!is_pow2(size))
		return -ENODEV;
	while ((PAGE_SIZE << order) < virtq_bytes(size))
		order++;
	page = page_alloc(order, ALLOC_KERNEL | ALLOC_ZERO);
	if (!page)
		return -ENOMEM;
	virtq_init(&queue, size, page_to_va(page), false, false);
	err = virtio_queue_attach(&device, &queue, va_to_pa(page_to_va(page)), VIRTIO_NO_MESSAGE);
	if (!err)
		virtio_run(&device);
	return err;
}
