/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Copyright (C) The Paravane developers
 *
 * The end: registers, symbolized backtrace, state of every processor, stop.
 */
#pragma once

struct irq_frame;

_Noreturn void panic_exception(const struct irq_frame *frame);
/* NMI: when another processor panics, this one shows itself and stops. */
void panic_on_nmi(const struct irq_frame *frame);
