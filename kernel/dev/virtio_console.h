/* SPDX-License-Identifier: MIT */
/*
 * kernel/dev/virtio_console.h - a second port to the host: bytes out, none in
 *
 * Idea        QEMU: -device virtio-serial-pci -chardev file,id=stream,path=F -device virtconsole,chardev=stream.
 *             Why not a UART or the debug port: these take a byte for each exit of the virtual machine, this one a
 *             whole buffer.
 * Invariants  none
 * Locks       none: one task sends
 * Follow      from kernel/trace_port.c   to virtio_pci.h, virtq.h
 * Tests       tests/report/test_stream.py
 */
#pragma once

#include <kernel/lib/types.h>

/* Finds the first such device. Context: boot, may sleep. */
void virtio_console_probe(void);

/* Is there one? Const after virtio_console_probe. */
bool virtio_console_exists(void);

/*
 * virtio_console_send - @n bytes at @bytes, in the direct map, to the host
 *
 * Returns   after the device has taken them, however long the host lets it wait
 * Context   may sleep; one caller at a time
 */
void virtio_console_send(const void *bytes, u32 n);

/*
 * virtio_console_flush - the same without sleep, for a panic: first what is on its way, then @n bytes more, if any
 *
 * Returns   false: the device has not taken them within two seconds
 * Context   a panic: nobody else runs, perhaps stopped in virtio_console_send
 */
bool virtio_console_flush(const void *bytes, u32 n);
