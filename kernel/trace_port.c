/* SPDX-License-Identifier: MIT */
/*
 * kernel/trace_port.c - the stream of trace records to the host
 *
 * Idea        see trace_port.h
 * Invariants  none
 * Locks       none of its own: one thread owns follower and buffer
 * Follow      from main.c, sys_reboot.c   to trace_stream.c, trace_sample.c, dev/virtio_console.c
 * Tests       tests/report/test_stream.py
 */
#include <kernel/trace_port.h>

#include <kernel/cmdline.h>
#include <kernel/dev/virtio_console.h>
#include <kernel/kthread.h>
#include <kernel/lib/string.h>
#include <kernel/printk.h>
#include <kernel/timer.h>
#include <kernel/trace.h>
#include <kernel/trace_sample.h>
#include <kernel/trace_stream.h>
#include <mm/page_alloc.h>

#define VERSION 1
#define PERIOD_MS 20
#define BUFFER_RECORDS (PAGE_SIZE / sizeof(struct trace_record))
#define SETTLE_NS (2 * NS_PER_SEC) /* a host that does not read must not keep a machine on */

static struct trace_follower follower; /* the thread's */
static struct trace_record *buffer;    /* likewise: a page */
static u64 period_ns;                  /* const after trace_port_start, as the next */
static u64 events;
static struct trace_reader before; /* the thread's: where it stood before it took what is in the buffer */
static u32 filled;                 /* likewise: records in the buffer that the device has not been given */
static bool taking;                /* likewise: the buffer is being filled */
static bool running;               /* const after trace_port_start */
static bool settle_wanted;         /* atomic: somebody waits for the rings to be empty */
static struct wait_queue settled = WAIT_QUEUE_INIT(settled);

static void port_thread(void *unused);
static void send_pending(void);
static u32 take(void);

void
trace_port_start(void)
{
	const char *words = cmdline_get("stream");
	const char *unknown = NULL;
	struct page *page;

	if (!words)
		return;
	virtio_console_probe();
	if (!virtio_console_exists()) {
		pr_warn("stream: there is no virtio console to send it to\n");
		return;
	}
	events = *words ? trace_words_mask(words, &unknown) : trace_events_default();
	if (unknown)
		pr_warn("stream=%s: nothing is called \"%s\"\n", words, unknown);
	events |= 1UL << TRACE_stream_begin | 1UL << TRACE_lost;
	period_ns = max_u64(cmdline_u64("stream_ms", PERIOD_MS), 1) * NS_PER_MS;
	page = page_alloc(0, ALLOC_KERNEL);
	if (!page || trace_follow(&follower, events)) {
		pr_err("stream: no memory\n");
		return;
	}
	buffer = page_to_va(page);
	running = kthread_create(port_thread, NULL, "ktraced") != NULL;
}

/* Race: the thread empties the rings after it has seen settle_wanted, and clears it then. */
void
trace_port_settle(void)
{
	if (!running)
		return;
	__atomic_store_n(&settle_wanted, true, __ATOMIC_SEQ_CST);
	wake_all(&trace_wait);
	wait_event_timeout(&settled, !READ_ONCE(settle_wanted), clock_ns() + SETTLE_NS);
}

static void
port_thread(void *unused)
{
	u64 due = clock_ns();

	trace(stream_begin, VERSION, events, trace_checksum());
	for (u64 samples = 0;; samples++) {
		u64 start = clock_ns();

		trace_sample_all(!samples);
		trace(sample_done, samples, clock_ns() - start, 0);
		send_pending();
		due = max_u64(due + period_ns, clock_ns());
		while (clock_ns() < due) {
			u32 seen = READ_ONCE(trace_wakes);

			wait_event_timeout(&trace_wait, READ_ONCE(trace_wakes) != seen || READ_ONCE(settle_wanted),
					   due);
			send_pending();
		}
	}
}

static void
send_pending(void)
{
	bool settle = READ_ONCE(settle_wanted);
	u32 n;

	if (settle)
		trace_sample_all(false);
	while ((n = take())) {
		WRITE_ONCE(filled, 0); /* the device's from here on: see virtio_console_flush */
		virtio_console_send(buffer, n * sizeof(struct trace_record));
	}
	if (settle) {
		__atomic_store_n(&settle_wanted, false, __ATOMIC_SEQ_CST);
		wake_all(&settled);
	}
}

/* Fills the buffer. In such steps that trace_port_panic can tell what is in it, wherever we were stopped. */
static u32
take(void)
{
	u32 n;

	before = follower.reader;
	barrier();
	WRITE_ONCE(taking, true);
	n = trace_take(&follower, buffer, BUFFER_RECORDS);
	WRITE_ONCE(filled, n);
	barrier();
	WRITE_ONCE(taking, false);
	return n;
}

/* Race: the thread was stopped anywhere in send_pending, or it is the one that panics. */
void
trace_port_panic(void)
{
	u32 n = READ_ONCE(filled);
	bool answers;

	if (!running)
		return;
	if (READ_ONCE(taking)) {
		follower.reader = before;
		n = 0;
	}
	answers = virtio_console_flush(NULL, 0);
	while (answers && (n || (n = trace_take(&follower, buffer, BUFFER_RECORDS)))) {
		answers = virtio_console_flush(buffer, n * sizeof(struct trace_record));
		n = 0;
	}
	if (!answers)
		pr_emerg("stream: the port does not answer; the last records are lost");
}
