/* SPDX-License-Identifier: MIT */
/*
 * kernel/dev/termios.h - the numbers and layouts of Linux's terminal interface on x86-64
 *
 * Idea        what programs were compiled with; values in octal where Linux's header prints them so
 * Invariants  sizes of the structures, asserted below
 * Locks       none
 * Follow      from dev/ldisc.c, dev/tty.c, dev/tty_ioctl.c
 * Tests       tests/guest/tty.c, tests/host/ldisc_test.c
 * See         termios(3), ioctl_tty(2)
 */
#pragma once

#include <kernel/fs/abi.h> /* FIONREAD */

/* Requests of ioctl. */
#define TCGETS 0x5401
#define TCSETS 0x5402
#define TCSETSW 0x5403
#define TCSETSF 0x5404
#define TCGETA 0x5405
#define TCSETA 0x5406
#define TCSETAW 0x5407
#define TCSETAF 0x5408
#define TCSBRK 0x5409
#define TCXONC 0x540a
#define TCFLSH 0x540b
#define TIOCSCTTY 0x540e
#define TIOCGPGRP 0x540f
#define TIOCSPGRP 0x5410
#define TIOCOUTQ 0x5411
#define TIOCSTI 0x5412
#define TIOCGWINSZ 0x5413
#define TIOCSWINSZ 0x5414
#define TIOCGSERIAL 0x541e
#define TIOCNOTTY 0x5422
#define TIOCSETD 0x5423
#define TIOCGETD 0x5424
#define TCSBRKP 0x5425
#define TIOCGSID 0x5429
#define TIOCVHANGUP 0x5437
#define TCGETS2 0x802c542aU
#define TCSETS2 0x402c542bU
#define TCSETSW2 0x402c542cU
#define TCSETSF2 0x402c542dU

/* Arguments of TCXONC and TCFLSH. */
#define TCOOFF 0
#define TCOON 1
#define TCIOFF 2
#define TCION 3
#define TCIFLUSH 0
#define TCOFLUSH 1
#define TCIOFLUSH 2

/* c_iflag */
#define ISTRIP 0000040
#define INLCR 0000100
#define IGNCR 0000200
#define ICRNL 0000400
#define IUCLC 0001000
#define IXON 0002000
#define IXANY 0004000
#define IUTF8 0040000

/* c_oflag */
#define OPOST 0000001
#define OLCUC 0000002
#define ONLCR 0000004
#define OCRNL 0000010
#define ONOCR 0000020
#define ONLRET 0000040
#define TABDLY 0014000
#define XTABS 0014000

/* c_cflag */
#define CBAUD 0010017
#define CBAUDEX 0010000
#define BOTHER 0010000
#define B115200 0010002
#define CS8 0000060
#define CREAD 0000200
#define HUPCL 0002000
#define CLOCAL 0004000

/* c_lflag */
#define ISIG 0000001
#define ICANON 0000002
#define ECHO 0000010
#define ECHOE 0000020
#define ECHOK 0000040
#define ECHONL 0000100
#define NOFLSH 0000200
#define TOSTOP 0000400
#define ECHOCTL 0001000
#define ECHOKE 0004000
#define IEXTEN 0100000

/* c_cc; a byte of 0 there means: no such character */
#define VINTR 0
#define VQUIT 1
#define VERASE 2
#define VKILL 3
#define VEOF 4
#define VTIME 5
#define VMIN 6
#define VSTART 8
#define VSTOP 9
#define VSUSP 10
#define VEOL 11
#define VREPRINT 12
#define VDISCARD 13
#define VWERASE 14
#define VLNEXT 15
#define VEOL2 16

#define TERMIOS_CHARS 19
#define TERMIO_CHARS 8

struct termios2 {
	u32 c_iflag, c_oflag, c_cflag, c_lflag;
	u8 c_line;
	u8 c_cc[TERMIOS_CHARS];
	/* up to here struct termios */
	u32 c_ispeed, c_ospeed; /* bits per second */
};

#define TERMIOS_SIZE 36

_Static_assert(offsetof(struct termios2, c_ispeed) == TERMIOS_SIZE, "the kernel's struct termios, not the C library's");
_Static_assert(sizeof(struct termios2) == 44, "struct termios2 as programs know it");

/* System V's. */
struct termio {
	u16 c_iflag, c_oflag, c_cflag, c_lflag;
	u8 c_line;
	u8 c_cc[TERMIO_CHARS];
	u8 pad;
};

_Static_assert(sizeof(struct termio) == 18, "struct termio as programs know it");

struct winsize {
	u16 ws_row, ws_col, ws_xpixel, ws_ypixel;
};

/* What TIOCGSERIAL tells. */
struct serial_struct {
	s32 type, line;
	u32 port;
	s32 irq, flags, xmit_fifo_size, custom_divisor, baud_base;
	u16 close_delay;
	u8 io_type, reserved_char;
	s32 hub6;
	u16 closing_wait, closing_wait2;
	u64 iomem_base;
	u16 iomem_reg_shift;
	u16 pad;
	u32 port_high;
	u64 iomap_base;
};

_Static_assert(sizeof(struct serial_struct) == 72, "struct serial_struct as programs know it");
