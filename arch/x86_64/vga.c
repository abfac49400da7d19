/* SPDX-License-Identifier: MIT */
/*
 * arch/x86_64/vga.c - 80 x 25 characters of text
 *
 * Idea        Two bytes a cell: character and colour. The card has memory for far more rows than the screen shows, and
 *             a register that says with which one the screen begins: scrolling is a step of that register. At the end
 *             of the memory the screen moves back to its beginning, once in 180 lines.
 *
 *                 row 0      top            top + 24          203
 *                 [ ........ [ the screen ] ................. ]
 *
 *             Writing a cell of the card is slow (in a virtual machine each is an exit), so a copy in ordinary memory
 *             says which cells change. The firmware's text is kept on the screen: we go on below it. Simple: colours,
 *             the cursor's movements and whatever else a program says by an escape sequence is left out.
 * Invariants  I1  vga_row < ROWS, vga_column <= COLUMNS and vga_top <= MEMORY_ROWS - ROWS between calls.
 *             I2  A cell of the card is what vga_copy says, unless that is UNKNOWN.
 * Locks       none: printk's lock orders writers
 * Follow      from kernel/printk.c
 * Tests       make run GUI=1
 * See         IBM VGA Technical Reference
 */
#include <arch/cpu.h>
#include <arch/mmu.h>
#include <arch/vga.h>
#include <arch/x86.h>

#define ROWS 25
#define COLUMNS 80
#define MEMORY_ROWS 204 /* of 32 KiB */
#define VGA_PA 0xb8000
#define BLANK 0x0720   /* light grey on black */
#define UNKNOWN 0xffff /* no cell that we write: white on white */
#define CRTC_INDEX 0x3d4
#define CRTC_DATA 0x3d5
#define CRTC_START_HIGH 0x0c
#define CRTC_CURSOR_HIGH 0x0e
#define TAB_STOP 8
#define ESCAPE 0x1b

/* Where in an escape sequence we are: ESC [ parameters letter, or ESC and one byte. */
enum escape {
	ESCAPE_NONE,
	ESCAPE_BEGUN,
	ESCAPE_PARAMETERS,
};

static volatile u16 *vga_screen;            /* const after vga_init; NULL: no text screen */
static u16 vga_copy[MEMORY_ROWS * COLUMNS]; /* what is in the card's memory */
static u32 vga_top;                         /* the row of the memory that the screen begins with */
static u32 vga_row;                         /* on the screen */
static u32 vga_column;
static u8 vga_escape; /* enum escape */

static void vga_put(u8 c);
static bool vga_escaped(u8 c);
static void vga_put_cell(u8 c);
static void vga_newline(void);
static void vga_move_back(void);
static void vga_cell(u32 at, u16 value);
static void vga_show(void);
static u32 crtc_read(u8 high);
static void crtc_write(u8 high, u32 value);

void
vga_init(void)
{
	u32 at;

	vga_screen = pa_to_va(VGA_PA);
	crtc_write(CRTC_START_HIGH, 0);
	at = crtc_read(CRTC_CURSOR_HIGH);
	if (at >= ROWS * COLUMNS)
		at = 0;
	for (u32 i = 0; i < ROWS * COLUMNS; i++)
		vga_copy[i] = vga_screen[i];
	for (u32 i = ROWS * COLUMNS; i < MEMORY_ROWS * COLUMNS; i++)
		vga_copy[i] = UNKNOWN;
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
	vga_show();
}

static void
vga_put(u8 c)
{
	if (vga_escaped(c))
		return;
	switch (c) {
	case '\n':
		vga_column = 0;
		vga_newline();
		break;
	case '\r':
		vga_column = 0;
		break;
	case '\b':
		vga_column -= vga_column > 0;
		break;
	case '\t':
		vga_column = min_u64(round_up(vga_column + 1, TAB_STOP), COLUMNS);
		break;
	default:
		if (c >= ' ')
			vga_put_cell(c);
		break;
	}
}

/* True: @c is part of an escape sequence. */
static bool
vga_escaped(u8 c)
{
	switch (vga_escape) {
	case ESCAPE_NONE:
		if (c != ESCAPE)
			return false;
		vga_escape = ESCAPE_BEGUN;
		return true;
	case ESCAPE_BEGUN:
		vga_escape = c == '[' ? ESCAPE_PARAMETERS : ESCAPE_NONE;
		return true;
	default:
		if (c >= '@' && c <= '~')
			vga_escape = ESCAPE_NONE;
		return true;
	}
}

static void
vga_put_cell(u8 c)
{
	if (vga_column == COLUMNS) {
		vga_column = 0;
		vga_newline();
	}
	vga_cell((vga_top + vga_row) * COLUMNS + vga_column++, (BLANK & 0xff00) | c);
}

static void
vga_newline(void)
{
	if (vga_row < ROWS - 1) {
		vga_row++;
		return;
	}
	if (vga_top == MEMORY_ROWS - ROWS)
		vga_move_back();
	vga_top++;
	for (u32 i = 0; i < COLUMNS; i++)
		vga_cell((vga_top + vga_row) * COLUMNS + i, BLANK);
}

/* The same screen, at the beginning of the memory. */
static void
vga_move_back(void)
{
	for (u32 i = 0; i < ROWS * COLUMNS; i++)
		vga_cell(i, vga_copy[vga_top * COLUMNS + i]);
	vga_top = 0;
}

static void
vga_cell(u32 at, u16 value)
{
	if (vga_copy[at] == value)
		return;
	vga_copy[at] = value;
	vga_screen[at] = value;
}

/* Moves screen and cursor to where they are to be. */
static void
vga_show(void)
{
	static u32 shown_top;

	if (vga_top != shown_top)
		crtc_write(CRTC_START_HIGH, vga_top * COLUMNS);
	shown_top = vga_top;
	crtc_write(CRTC_CURSOR_HIGH, (vga_top + vga_row) * COLUMNS + min_u64(vga_column, COLUMNS - 1));
}

static u32
crtc_read(u8 high)
{
	u32 value;

	outb(CRTC_INDEX, high);
	value = inb(CRTC_DATA) << 8;
	outb(CRTC_INDEX, high + 1);
	return value | inb(CRTC_DATA);
}

static void
crtc_write(u8 high, u32 value)
{
	outb(CRTC_INDEX, high);
	outb(CRTC_DATA, value >> 8);
	outb(CRTC_INDEX, high + 1);
	outb(CRTC_DATA, value);
}
