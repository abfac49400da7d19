/* SPDX-License-Identifier: MIT */
/*
 * arch/x86_64/vga.c - 80 x 25 characters of text
 *
 * Idea        Two bytes a cell: character and colour. What we show is kept in ordinary memory as well and copied row
 *             by row, since reading the card's memory is slow. The firmware's text is kept on the screen: we go on
 *             below it.
 * Invariants  I1  vga_row < ROWS and vga_column <= COLUMNS between calls.
 * Locks       none: printk's lock orders writers
 * Follow      from kernel/printk.c
 * Tests       make run GUI=1
 * See         IBM VGA Technical Reference
 */
#include <arch/cpu.h>
#include <arch/mmu.h>
#include <arch/vga.h>
#include <arch/x86.h>
#include <kernel/lib/string.h>

#define ROWS 25
#define COLUMNS 80
#define VGA_PA 0xb8000
#define BLANK 0x0720 /* light grey on black */
#define CRTC_INDEX 0x3d4
#define CRTC_DATA 0x3d5
#define CRTC_CURSOR_HIGH 0x0e
#define CRTC_CURSOR_LOW 0x0f
#define TAB_STOP 8

static u16 *vga_screen;              /* const after vga_init; NULL: no text screen */
static u16 vga_copy[ROWS * COLUMNS]; /* what the screen shows */
static u32 vga_row;
static u32 vga_column;

static void vga_put(u8 c);
static void vga_scroll(void);
static void vga_cursor_set(void);

void
vga_init(void)
{
	u32 at;

	vga_screen = pa_to_va(VGA_PA);
	outb(CRTC_INDEX, CRTC_CURSOR_HIGH);
	at = inb(CRTC_DATA) << 8;
	outb(CRTC_INDEX, CRTC_CURSOR_LOW);
	at |= inb(CRTC_DATA);
	if (at >= ROWS * COLUMNS)
		at = 0;
	memcpy(vga_copy, vga_screen, sizeof(vga_copy));
	vga_row = at / COLUMNS;
	vga_column = at % COLUMNS;
}

void
vga_write(const char *s, size_t n)
{
	if (!vga_screen)
		return;
	for (size_t i = 0; i < n; i++)
		vga_put(s[i]);
	vga_cursor_set();
}

static void
vga_put(u8 c)
{
	u32 at;

	if (c == '\n') {
		vga_column = 0;
		vga_row++;
	} else if (c == '\r') {
		vga_column = 0;
	} else if (c == '\b') {
		vga_column -= vga_column > 0;
	} else if (c == '\t') {
		vga_column = min_u64(round_up(vga_column + 1, TAB_STOP), COLUMNS);
	} else if (c >= ' ') {
		if (vga_column == COLUMNS) {
			vga_column = 0;
			vga_row++;
			vga_scroll();
		}
		at = vga_row * COLUMNS + vga_column++;
		vga_copy[at] = (BLANK & 0xff00) | c;
		vga_screen[at] = vga_copy[at];
	}
	vga_scroll();
}

/* Brings the row back onto the screen. */
static void
vga_scroll(void)
{
	if (vga_row < ROWS)
		return;
	vga_row = ROWS - 1;
	memmove(vga_copy, vga_copy + COLUMNS, sizeof(vga_copy) - COLUMNS * 2);
	for (u32 i = 0; i < COLUMNS; i++)
		vga_copy[(ROWS - 1) * COLUMNS + i] = BLANK;
	memcpy(vga_screen, vga_copy, sizeof(vga_copy));
}

static void
vga_cursor_set(void)
{
	u32 at = vga_row * COLUMNS + min_u64(vga_column, COLUMNS - 1);

	outb(CRTC_INDEX, CRTC_CURSOR_HIGH);
	outb(CRTC_DATA, at >> 8);
	outb(CRTC_INDEX, CRTC_CURSOR_LOW);
	outb(CRTC_DATA, at);
}
