/* SPDX-License-Identifier: MIT */
/*
 * arch/x86_64/rtc.c - the date, from the battery-backed clock
 *
 * Idea        Read once, by wall_clock_init(): calendar fields, binary or decimal-coded, 12 or 24
 *             hours. The chip changes them once a second and shows when; two readings that agree cannot have been torn.
 * Invariants  none
 * Locks       none: asked at boot
 * Follow      from kernel/wall_clock.c
 * Tests       tests/guest/time.c
 * See         Motorola MC146818 data sheet
 */
#include <arch/cpu.h>
#include <arch/x86.h>
#include <kernel/lib/string.h>
#include <kernel/timer.h>

#define CMOS_INDEX 0x70
#define CMOS_DATA 0x71
#define CMOS_STATUS_A 0x0a
#define CMOS_STATUS_B 0x0b
#define CMOS_CENTURY 0x32
#define STATUS_A_UPDATING 0x80
#define STATUS_B_24_HOURS 0x02
#define STATUS_B_BINARY 0x04
#define HOUR_PM 0x80
#define TRIES_MAX 100000

enum rtc_field {
	RTC_SECOND,
	RTC_MINUTE,
	RTC_HOUR,
	RTC_DAY,
	RTC_MONTH,
	RTC_YEAR,
	RTC_CENTURY,
	RTC_FIELDS
};

static const u8 rtc_registers[RTC_FIELDS] = {0x00, 0x02, 0x04, 0x07, 0x08, 0x09, CMOS_CENTURY};

static u8 cmos_read(u8 reg);
static void rtc_read(u8 *field);
static void rtc_decode(u8 *field);
static u64 rtc_epoch_seconds(const u8 *field);

u64
wall_clock_ns_at_boot(void)
{
	u8 field[RTC_FIELDS];
	u8 again[RTC_FIELDS];
	u64 ns;

	rtc_read(field);
	for (u32 i = 0; i < TRIES_MAX; i++) {
		rtc_read(again);
		if (!memcmp(field, again, sizeof(field)))
			break;
		memcpy(field, again, sizeof(field));
	}
	rtc_decode(field);
	ns = rtc_epoch_seconds(field) * NS_PER_SEC;
	return ns > clock_ns() ? ns - clock_ns() : 0;
}

static void
rtc_read(u8 *field)
{
	for (u32 i = 0; i < TRIES_MAX && cmos_read(CMOS_STATUS_A) & STATUS_A_UPDATING; i++)
		cpu_relax();
	for (u32 i = 0; i < RTC_FIELDS; i++)
		field[i] = cmos_read(rtc_registers[i]);
}

static u8
cmos_read(u8 reg)
{
	outb(CMOS_INDEX, reg);
	return inb(CMOS_DATA);
}

static void
rtc_decode(u8 *field)
{
	u8 mode = cmos_read(CMOS_STATUS_B);
	bool pm = !(mode & STATUS_B_24_HOURS) && field[RTC_HOUR] & HOUR_PM;

	if (!(mode & STATUS_B_24_HOURS))
		field[RTC_HOUR] &= ~HOUR_PM;
	for (u32 i = 0; i < RTC_FIELDS && !(mode & STATUS_B_BINARY); i++)
		field[i] = (field[i] >> 4) * 10 + (field[i] & 15);
	if (!(mode & STATUS_B_24_HOURS))
		field[RTC_HOUR] = field[RTC_HOUR] % 12 + (pm ? 12 : 0);
}

/* Days by counting years from March, so that the leap day is the last of its year: 153 days every five months. */
static u64
rtc_epoch_seconds(const u8 *field)
{
	u32 century = field[RTC_CENTURY] >= 19 && field[RTC_CENTURY] <= 21 ? field[RTC_CENTURY] : 20;
	u64 year = century * 100 + field[RTC_YEAR];
	u64 month = field[RTC_MONTH];
	u64 days;

	if (month < 1 || month > 12)
		return 0;
	year -= month <= 2;
	month = month <= 2 ? month + 9 : month - 3;
	days = year * 365 + year / 4 - year / 100 + year / 400 + (month * 153 + 2) / 5 + field[RTC_DAY] - 1;
	days -= 719468; /* from 1 March of year 0 to 1 January 1970 */
	return ((days * 24 + field[RTC_HOUR]) * 60 + field[RTC_MINUTE]) * 60 + field[RTC_SECOND];
}
