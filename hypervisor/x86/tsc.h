/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Copyright (C) The Paravane developers
 *
 * Rates of the TSC and of the physical APIC timer.
 */
#pragma once

#include <stdint.h>

/* Measures both against the PIT, once, on the boot processor. */
void tsc_calibrate(void);
void tsc_delay_us(uint64_t microseconds);
