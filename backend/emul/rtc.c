// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (C) The Paravane developers
 *
 * Clock of a PC; see rtc.h. [MC146818] is Motorola's data sheet.
 */
#include "emul/rtc.h"

#include <string.h>
#include <time.h>

enum {
	CELL_SECONDS, CELL_SECONDS_ALARM, CELL_MINUTES, CELL_MINUTES_ALARM, CELL_HOURS,
	CELL_HOURS_ALARM, CELL_WEEKDAY, CELL_DAY, CELL_MONTH, CELL_YEAR, CELL_A, CELL_B, CELL_C,
	CELL_D, CELL_CENTURY = 0x32,
};

#define NS_PER_SECOND	1000000000ull
/* Control registers [MC146818 "Registers"]. */
#define A_RATE		0x0f
#define A_DIVIDER	0x70
#define A_RUNS		0x20	/* of the divider: 32,768 Hz, the only way to run */
#define B_SET		0x80
#define B_PERIODIC	0x40
#define B_ALARM		0x20
#define B_UPDATE	0x10
#define B_BINARY	0x04
#define B_24_HOURS	0x02
#define C_REQUEST	0x80
#define D_VALID		0x80
#define HOUR_PM		0x80
#define ALARM_ANY	0xc0	/* both bits: any value of this field matches */
#define UPDATE_NS	244000	/* "in progress" comes so long before the second */
/* Faster ones would keep the worker busy with nothing else. */
#define PERIOD_MIN_NS	(NS_PER_SECOND / 1024)

static bool runs(const struct rtc *rtc)
{
	return !(rtc->cell[CELL_B] & B_SET) && (rtc->cell[CELL_A] & A_DIVIDER) == A_RUNS;
}

static uint64_t now_ns(const struct rtc *rtc)
{
	return rtc->now(rtc->context);
}

static uint64_t our_second(const struct rtc *rtc)
{
	return now_ns(rtc) / NS_PER_SECOND + rtc->offset;
}

/* Numbers are binary or decimal, hours run to 12 or 24, as register B says. */
static uint8_t to_cell(const struct rtc *rtc, unsigned int value)
{
	return rtc->cell[CELL_B] & B_BINARY ? value : value / 10 << 4 | value % 10;
}

static unsigned int from_cell(const struct rtc *rtc, uint8_t cell)
{
	return rtc->cell[CELL_B] & B_BINARY ? cell : (cell >> 4) * 10u + (cell & 15);
}

static uint8_t hours_to_cell(const struct rtc *rtc, unsigned int hours)
{
	if (rtc->cell[CELL_B] & B_24_HOURS)
		return to_cell(rtc, hours);
	return to_cell(rtc, (hours + 11) % 12 + 1) | (hours >= 12 ? HOUR_PM : 0);
}

static unsigned int hours_from_cell(const struct rtc *rtc, uint8_t cell)
{
	if (rtc->cell[CELL_B] & B_24_HOURS)
		return from_cell(rtc, cell);
	return from_cell(rtc, cell & ~HOUR_PM) % 12 + (cell & HOUR_PM ? 12 : 0);
}

static void write_time(struct rtc *rtc, uint64_t second)
{
	time_t at = second;
	struct tm t;

	if (!gmtime_r(&at, &t))
		return;
	rtc->cell[CELL_SECONDS] = to_cell(rtc, t.tm_sec);
	rtc->cell[CELL_MINUTES] = to_cell(rtc, t.tm_min);
	rtc->cell[CELL_HOURS] = hours_to_cell(rtc, t.tm_hour);
	rtc->cell[CELL_WEEKDAY] = to_cell(rtc, t.tm_wday + 1);
	rtc->cell[CELL_DAY] = to_cell(rtc, t.tm_mday);
	rtc->cell[CELL_MONTH] = to_cell(rtc, t.tm_mon + 1);
	rtc->cell[CELL_YEAR] = to_cell(rtc, t.tm_year % 100);
	rtc->cell[CELL_CENTURY] = to_cell(rtc, (t.tm_year + 1900) / 100);
}

/* What was set becomes the time; nonsense becomes some time, as in the chip. */
static void read_time(struct rtc *rtc)
{
	struct tm t = {
		.tm_sec = from_cell(rtc, rtc->cell[CELL_SECONDS]),
		.tm_min = from_cell(rtc, rtc->cell[CELL_MINUTES]),
		.tm_hour = hours_from_cell(rtc, rtc->cell[CELL_HOURS]),
		.tm_mday = from_cell(rtc, rtc->cell[CELL_DAY]),
		.tm_mon = (int)from_cell(rtc, rtc->cell[CELL_MONTH]) - 1,
		.tm_year = (int)(from_cell(rtc, rtc->cell[CELL_CENTURY]) * 100 +
				 from_cell(rtc, rtc->cell[CELL_YEAR])) - 1900,
	};
	time_t at = timegm(&t);

	rtc->offset = (int64_t)at - (int64_t)(now_ns(rtc) / NS_PER_SECOND);
	rtc->last_second = our_second(rtc);
}

static bool matches(uint8_t alarm, uint8_t value)
{
	return (alarm & ALARM_ANY) == ALARM_ANY || alarm == value;
}

static bool is_alarm(struct rtc *rtc, uint64_t second)
{
	write_time(rtc, second);
	return matches(rtc->cell[CELL_SECONDS_ALARM], rtc->cell[CELL_SECONDS]) &&
	       matches(rtc->cell[CELL_MINUTES_ALARM], rtc->cell[CELL_MINUTES]) &&
	       matches(rtc->cell[CELL_HOURS_ALARM], rtc->cell[CELL_HOURS]);
}

/* The request is there as long as a cause is, and asked for [MC146818 "Register C"]. */
static void update_line(struct rtc *rtc)
{
	uint8_t asked = rtc->cell[CELL_B] & (B_PERIODIC | B_ALARM | B_UPDATE);

	if (rtc->cell[CELL_C] & asked)
		rtc->cell[CELL_C] |= C_REQUEST;
	else
		rtc->cell[CELL_C] &= ~C_REQUEST;
	ioapic_set(rtc->ioapic, RTC_PIN, 0, rtc->cell[CELL_C] & C_REQUEST);
}

/* [MC146818 "Periodic Interrupt Selection"]: rates 1 and 2 are those of 8 and 9. */
static uint64_t period_ns(const struct rtc *rtc)
{
	unsigned int rate = rtc->cell[CELL_A] & A_RATE;
	uint64_t period;

	if (!rate)
		return 0;
	period = (NS_PER_SECOND << ((rate <= 2 ? rate + 7 : rate) - 1)) / 32768;
	return period < PERIOD_MIN_NS ? PERIOD_MIN_NS : period;
}

/* What came due since it was last looked at. A day is enough to meet every alarm. */
static void catch_up(struct rtc *rtc)
{
	uint64_t second = our_second(rtc), from = rtc->last_second, period = period_ns(rtc);

	if (runs(rtc) && second > from) {
		if (second - from > 86400)
			from = second - 86400;
		while (from < second && !(rtc->cell[CELL_C] & B_ALARM))
			if (is_alarm(rtc, ++from))
				rtc->cell[CELL_C] |= B_ALARM;
		rtc->cell[CELL_C] |= B_UPDATE;
	}
	rtc->last_second = second;
	if (period && now_ns(rtc) - rtc->last_tick >= period) {
		rtc->cell[CELL_C] |= B_PERIODIC;
		/* Whoever looks late does not make the clock slow. */
		rtc->last_tick += (now_ns(rtc) - rtc->last_tick) / period * period;
	}
	update_line(rtc);
}

static bool is_updating(const struct rtc *rtc)
{
	return runs(rtc) && NS_PER_SECOND - now_ns(rtc) % NS_PER_SECOND <= UPDATE_NS;
}

static uint8_t read_cell(struct rtc *rtc)
{
	uint8_t value;

	catch_up(rtc);
	switch (rtc->index) {
	case CELL_A:
		return rtc->cell[CELL_A] | (is_updating(rtc) ? 0x80 : 0);
	case CELL_C:
		value = rtc->cell[CELL_C];
		rtc->cell[CELL_C] = 0;
		update_line(rtc);
		return value;
	case CELL_D:
		return D_VALID;
	}
	if (runs(rtc))
		write_time(rtc, our_second(rtc));
	return rtc->cell[rtc->index];
}

static bool is_time(unsigned int index)
{
	return index == CELL_CENTURY || (index <= CELL_YEAR && index != CELL_SECONDS_ALARM &&
					 index != CELL_MINUTES_ALARM && index != CELL_HOURS_ALARM);
}

static void write_cell(struct rtc *rtc, uint8_t value)
{
	bool ran = runs(rtc);

	catch_up(rtc);
	if (ran)
		write_time(rtc, our_second(rtc));
	switch (rtc->index) {
	case CELL_A:
		rtc->cell[CELL_A] = value & 0x7f;
		rtc->last_tick = now_ns(rtc);
		break;
	case CELL_B:
		rtc->cell[CELL_B] = value & B_SET ? value & ~B_UPDATE : value;
		break;
	case CELL_C:
	case CELL_D:
		return;
	default:
		rtc->cell[rtc->index] = value;
		if (ran && is_time(rtc->index))
			read_time(rtc);
	}
	if (!ran && runs(rtc))
		read_time(rtc);
	update_line(rtc);
	if (rtc->changed)
		rtc->changed(rtc->context);
}

static uint64_t read(void *device, unsigned int offset, unsigned int bytes)
{
	(void)bytes;
	return offset ? read_cell(device) : 0xff;
}

static void write(void *device, unsigned int offset, unsigned int bytes, uint64_t value)
{
	struct rtc *rtc = device;

	(void)bytes;
	if (offset)
		write_cell(rtc, value);
	else
		rtc->index = value & (RTC_BYTES - 1);
}

void rtc_init(struct rtc *rtc, struct bus *bus, struct ioapic *ioapic,
	      uint64_t (*now)(void *context), void (*changed)(void *context), void *context)
{
	*rtc = (struct rtc) {
		.ioapic = ioapic,
		.range = { .space = BUS_PORTS, .bytes = 2, .device = rtc, .read = read,
			   .write = write },
		.now = now,
		.changed = changed,
		.context = context,
		.cell = { [CELL_A] = A_RUNS | 6, [CELL_B] = B_24_HOURS },
	};
	rtc->last_second = our_second(rtc);
	rtc->last_tick = now_ns(rtc);
	bus_add(bus, &rtc->range);
	bus_place(bus, &rtc->range, RTC_BASE, true);
}

uint64_t rtc_next(const struct rtc *rtc)
{
	uint64_t now = now_ns(rtc), next = RTC_NEVER, period = period_ns(rtc);

	if (runs(rtc) && rtc->cell[CELL_B] & (B_ALARM | B_UPDATE))
		next = now - now % NS_PER_SECOND + NS_PER_SECOND;
	if (period && rtc->cell[CELL_B] & B_PERIODIC && rtc->last_tick + period < next)
		next = rtc->last_tick + period;
	return next;
}

void rtc_expire(struct rtc *rtc)
{
	catch_up(rtc);
}
