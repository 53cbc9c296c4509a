/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Copyright (C) The Paravane developers
 *
 * Clock and memory of a PC, as the MC146818 has them: time that can be set, alarm,
 * update and periodic interrupts, 114 bytes of memory and the century. Pure: what
 * time it is comes from the caller.
 */
#ifndef EMUL_RTC_H
#define EMUL_RTC_H

#include "emul/ioapic.h"

enum {
	RTC_BASE = 0x70,	/* ssdt_clock.asl says it too */
	RTC_PIN = 8,
	RTC_BYTES = 128,
};

#define RTC_NEVER UINT64_MAX

struct rtc {
	struct ioapic *ioapic;
	struct bus_range range;
	uint64_t (*now)(void *context);	/* ns since 1970 */
	void (*changed)(void *context);	/* rtc_next() may be another now; NULL: nobody asks */
	void *context;
	uint8_t index;
	uint8_t cell[RTC_BYTES];	/* memory, control registers, alarm; time while it is set */
	int64_t offset;			/* s, from the caller's clock to ours */
	uint64_t last_second;		/* of ours that was looked at for updates and alarms */
	uint64_t last_tick;		/* ns, of the periodic interrupt */
};

void rtc_init(struct rtc *rtc, struct bus *bus, struct ioapic *ioapic,
	      uint64_t (*now)(void *context), void (*changed)(void *context), void *context);
/* When rtc_expire() should be called next, ns since 1970; RTC_NEVER. */
uint64_t rtc_next(const struct rtc *rtc);
void rtc_expire(struct rtc *rtc);

#endif
