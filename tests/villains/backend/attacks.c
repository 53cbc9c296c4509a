// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (C) The Paravane developers
 *
 * The table of attacks, and those that are the same for every kind of device: states.
 */
#include <stdio.h>

#include "attacks.h"

#define BACK(kind_, stage_, name_, outcome, log, sentence) \
	{ .name = #name_, .kind = VILLAIN_##kind_, .stage = stage_, .run = attack_##name_ },

const struct attack attacks[] = {
#include "../backends.def"
};

const unsigned int attack_count = sizeof(attacks) / sizeof(attacks[0]);

void states_at_random(struct villain *v, unsigned int count)
{
	char text[16];

	while (count--) {
		snprintf(text, sizeof(text), "%u", noise(v) % (PVN_XENBUS_CLOSED + 1));
		put_state(v, text);
		wait_ms(2);
	}
	put_state(v, "2");
	v->backend.state = PVN_XENBUS_INIT_WAIT;
}
