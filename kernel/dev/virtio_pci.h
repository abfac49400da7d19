/* SPDX-License-Identifier: MIT */
/*
 * kernel/dev/virtio_pci.h - a virtio device on PCI, as version 1 has it
 *
 * Idea        Capabilities in configuration space say where its registers lie: common, doorbells, device-specific.
 *             The life of a device is a status word that the driver raises step by step:
 *
 *                 reset -> acknowledged, driver -> features agreed -> queues set up -> running
 *
 *             Simple: no legacy interface (ports); every virtio disk of QEMU has the modern one unless told not to.
 * Invariants  none
 * Locks       the driver's
 * Follow      from virtio_blk.c   to pci.c, virtq.c
 * Tests       tests/guest/disk.c
 * See         VIRTIO 1.1, sections 3.1, 4.1.4
 */
#pragma once

#include <kernel/dev/pci.h>
#include <kernel/dev/virtq.h>

#define VIRTIO_VENDOR 0x1af4

#define VIRTIO_F_INDIRECT_DESC BIT(28)
#define VIRTIO_F_EVENT_IDX BIT(29)
#define VIRTIO_F_VERSION_1 BIT(32)

struct virtio_device {
	volatile u8 *common; /* const after virtio_find, as the rest */
	volatile u8 *doorbells;
	volatile u8 *config;    /* device-specific registers */
	u32 doorbell_unit;      /* bytes between doorbells */
	u64 features;           /* agreed on */
	u16 queue;              /* the one that the driver uses: 0, unless it says otherwise after virtio_find */
	volatile u16 *doorbell; /* of that queue */
};

/*
 * virtio_find - find the registers of @dev
 *
 * Returns   0; -ENODEV: it has no modern interface
 * Context   boot, may sleep
 */
int virtio_find(struct virtio_device *v, struct pci_device *dev);

/*
 * virtio_start - reset the device and agree on features: those of @wanted that it offers, with VERSION_1 always
 *
 * Returns   0; -ENODEV: it does not accept them
 * Context   any
 */
int virtio_start(struct virtio_device *v, u64 wanted);

/* virtio_reset - the device forgets everything, and touches no memory any more. False: it does not answer. */
bool virtio_reset(struct virtio_device *v);

/* Descriptors that the queue may have at most. Context: after virtio_start. */
u16 virtio_queue_size(struct virtio_device *v);

/*
 * virtio_queue_attach - give the queue its memory, and MSI-X message @message (VIRTIO_NO_MESSAGE: none)
 *
 * Returns   0; -EIO: the device has no room for the message
 * Context   after virtio_start, before virtio_run
 */
int virtio_queue_attach(struct virtio_device *v, const struct virtq *q, u64 pa, u16 message);

#define VIRTIO_NO_MESSAGE 0xffff

/* virtio_run - from now on the device works. virtio_give_up - tell it that we do not. */
void virtio_run(struct virtio_device *v);
void virtio_give_up(struct virtio_device *v);

/* virtio_kick - ring the doorbell of the queue. Context: any; the driver's lock. */
void virtio_kick(struct virtio_device *v);

/* virtio_config_read - @n bytes at @at of the device's own registers, all of one moment. Context: any. */
void virtio_config_read(struct virtio_device *v, u32 at, void *out, u32 n);
