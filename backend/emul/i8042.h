/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Copyright (C) The Paravane developers
 *
 * Keyboard controller without a keyboard: what is left of it is the line that
 * resets the processor [8042 "Output Port", "Command FEh: Pulse Output Port"]. Pure.
 */
#ifndef EMUL_I8042_H
#define EMUL_I8042_H

#include "emul/bus.h"

struct i8042 {
	struct bus_range data, control;
	void (*reset)(void *context);
	void *context;
	uint8_t command;	/* that waits for its data byte, 0: none */
	uint8_t config;
	uint8_t answer;		/* for the data port */
	bool has_answer;
};

void i8042_init(struct i8042 *i8042, struct bus *bus, void (*reset)(void *context),
		void *context);

#endif
