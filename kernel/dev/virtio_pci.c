/* SPDX-License-Identifier: MIT */
/*
 * kernel/dev/virtio_pci.c - a virtio device on PCI
 *
 * Idea        see virtio_pci.h
 * Invariants  none
 * Locks       the driver's
 * Follow      from virtio_blk.c   to pci.c
 * Tests       tests/guest/disk.c
 * See         VIRTIO 1.1, sections 3.1, 4.1.4
 */
#include <kernel/dev/virtio_pci.h>

#include <arch/cpu.h>
#include <arch/mmio.h>
#include <kernel/lib/errno.h>

#define CAP_VENDOR 0x09
#define CAP_TYPE 3
#define CAP_BAR 4
#define CAP_OFFSET 8
#define CAP_MULTIPLIER 16
#define TYPE_COMMON 1
#define TYPE_DOORBELLS 2
#define TYPE_DEVICE 4

/* The common registers. */
#define DEVICE_FEATURE_SELECT 0x00
#define DEVICE_FEATURE 0x04
#define DRIVER_FEATURE_SELECT 0x08
#define DRIVER_FEATURE 0x0c
#define STATUS 0x14
#define CONFIG_GENERATION 0x15
#define QUEUE_SELECT 0x16
#define QUEUE_SIZE 0x18
#define QUEUE_MESSAGE 0x1a
#define QUEUE_ENABLE 0x1c
#define QUEUE_DOORBELL 0x1e
#define QUEUE_DESC 0x20
#define QUEUE_AVAIL 0x28
#define QUEUE_USED 0x30

#define STATUS_ACKNOWLEDGE 1
#define STATUS_DRIVER 2
#define STATUS_DRIVER_OK 4
#define STATUS_FEATURES_OK 8
#define STATUS_FAILED 128

#define RESET_TRIES 1000000

static volatile u8 *find_registers(struct pci_device *dev, u8 type, u32 *cap);
static void status_raise(struct virtio_device *v, u8 bits);
static u64 features_offered(struct virtio_device *v);
static void write64(volatile u8 *reg, u64 value);

int
virtio_find(struct virtio_device *v, struct pci_device *dev)
{
	u32 cap;

	*v = (struct virtio_device){0};
	v->common = find_registers(dev, TYPE_COMMON, &cap);
	v->config = find_registers(dev, TYPE_DEVICE, &cap);
	v->doorbells = find_registers(dev, TYPE_DOORBELLS, &cap);
	if (!v->common || !v->config || !v->doorbells)
		return -ENODEV;
	v->doorbell_unit = pci_read32(dev, cap + CAP_MULTIPLIER);
	pci_enable(dev);
	return 0;
}

int
virtio_start(struct virtio_device *v, u64 wanted)
{
	if (!virtio_reset(v))
		return -ENODEV;
	status_raise(v, STATUS_ACKNOWLEDGE | STATUS_DRIVER);
	v->features = features_offered(v) & (wanted | VIRTIO_F_VERSION_1);
	for (u32 half = 0; half < 2; half++) {
		mmio_write32(v->common + DRIVER_FEATURE_SELECT, half);
		mmio_write32(v->common + DRIVER_FEATURE, (u32)(v->features >> 32 * half));
	}
	status_raise(v, STATUS_FEATURES_OK);
	if ((v->features & VIRTIO_F_VERSION_1) && (mmio_read8(v->common + STATUS) & STATUS_FEATURES_OK))
		return 0;
	virtio_give_up(v);
	return -ENODEV;
}

bool
virtio_reset(struct virtio_device *v)
{
	mmio_write8(v->common + STATUS, 0);
	for (u32 i = 0; i < RESET_TRIES; i++) {
		if (!mmio_read8(v->common + STATUS))
			return true;
		cpu_relax();
	}
	return false;
}

u16
virtio_queue_size(struct virtio_device *v)
{
	mmio_write16(v->common + QUEUE_SELECT, v->queue);
	return mmio_read16(v->common + QUEUE_SIZE);
}

int
virtio_queue_attach(struct virtio_device *v, const struct virtq *q, u64 pa, u16 message)
{
	mmio_write16(v->common + QUEUE_SELECT, v->queue);
	mmio_write16(v->common + QUEUE_SIZE, q->size);
	write64(v->common + QUEUE_DESC, pa);
	write64(v->common + QUEUE_AVAIL, pa + (u64)((u8 *)q->avail - (u8 *)q->desc));
	write64(v->common + QUEUE_USED, pa + (u64)((volatile u8 *)q->used - (u8 *)q->desc));
	mmio_write16(v->common + QUEUE_MESSAGE, message);
	if (mmio_read16(v->common + QUEUE_MESSAGE) != message)
		return -EIO;
	v->doorbell = (volatile u16 *)(v->doorbells + mmio_read16(v->common + QUEUE_DOORBELL) * v->doorbell_unit);
	mmio_write16(v->common + QUEUE_ENABLE, 1);
	return 0;
}

void
virtio_run(struct virtio_device *v)
{
	status_raise(v, STATUS_DRIVER_OK);
}

void
virtio_give_up(struct virtio_device *v)
{
	status_raise(v, STATUS_FAILED);
}

void
virtio_kick(struct virtio_device *v)
{
	mmio_write16(v->doorbell, v->queue);
}

void
virtio_config_read(struct virtio_device *v, u32 at, void *out, u32 n)
{
	u8 *bytes = out;
	u8 generation;

	do {
		generation = mmio_read8(v->common + CONFIG_GENERATION);
		for (u32 i = 0; i < n; i++)
			bytes[i] = mmio_read8(v->config + at + i);
	} while (generation != mmio_read8(v->common + CONFIG_GENERATION));
}

/* The registers of @type; the first of several places is the device's favourite. *cap: where they are described. */
static volatile u8 *
find_registers(struct pci_device *dev, u8 type, u32 *cap)
{
	for (*cap = pci_capability(dev, CAP_VENDOR, 0); *cap; *cap = pci_capability(dev, CAP_VENDOR, *cap)) {
		volatile u8 *bar;

		if (pci_read8(dev, *cap + CAP_TYPE) != type)
			continue;
		bar = pci_map(dev, pci_read8(dev, *cap + CAP_BAR));
		if (bar)
			return bar + pci_read32(dev, *cap + CAP_OFFSET);
	}
	return NULL;
}

static void
status_raise(struct virtio_device *v, u8 bits)
{
	mmio_write8(v->common + STATUS, mmio_read8(v->common + STATUS) | bits);
}

static u64
features_offered(struct virtio_device *v)
{
	u64 features = 0;

	for (u32 half = 0; half < 2; half++) {
		mmio_write32(v->common + DEVICE_FEATURE_SELECT, half);
		features |= (u64)mmio_read32(v->common + DEVICE_FEATURE) << 32 * half;
	}
	return features;
}

/* Why two halves: a device need not take eight bytes at once. */
static void
write64(volatile u8 *reg, u64 value)
{
	mmio_write32(reg, (u32)value);
	mmio_write32(reg + 4, (u32)(value >> 32));
}
