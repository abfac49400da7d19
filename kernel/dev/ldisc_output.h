/* SPDX-License-Identifier: MIT */
/*
 * kernel/dev/ldisc_output.h - between the two halves of the line discipline
 *
 * Idea        the output side for the input side, which echoes; and questions that both ask
 * Invariants  see ldisc.h
 * Locks       none
 * Follow      from dev/ldisc.c   to ldisc_output.c
 * Tests       tests/host/ldisc_test.c
 */
#pragma once

#include <kernel/dev/ldisc.h>
#include <kernel/lib/compiler.h>

#define TAB_STOP 8

/* ldisc_output - show a byte as the settings say. */
void ldisc_output(struct ldisc *l, u8 byte);

/* ldisc_echo - likewise, a typed one: control characters as ^X. */
void ldisc_echo(struct ldisc *l, u8 byte);

/* ldisc_put - a byte for the line as it is; lost when the ring is full. */
void ldisc_put(struct ldisc *l, u8 byte);

static inline bool
on_input(const struct ldisc *l, u32 flag)
{
	return l->tios.c_iflag & flag;
}

static inline bool
on_output(const struct ldisc *l, u32 flag)
{
	return l->tios.c_oflag & flag;
}

static inline bool
on_local(const struct ldisc *l, u32 flag)
{
	return READ_ONCE(l->tios.c_lflag) & flag;
}

/* Is @byte the control character @which? A character that is 0 is off. */
static inline bool
is_char(const struct ldisc *l, u8 byte, u32 which)
{
	return byte && l->tios.c_cc[which] == byte;
}

static inline bool
is_control(u8 byte)
{
	return byte < ' ' || byte == 0x7f;
}

/* A byte that belongs to the character before it. */
static inline bool
is_continuation(const struct ldisc *l, u8 byte)
{
	return on_input(l, IUTF8) && (byte & 0xc0) == 0x80;
}

static inline bool
shows_as_two(const struct ldisc *l, u8 byte)
{
	return is_control(byte) && byte != '\t' && on_local(l, ECHOCTL);
}
