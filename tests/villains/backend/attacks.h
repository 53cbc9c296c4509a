/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Copyright (C) The Paravane developers
 *
 * The rows of backends.def as functions. Each is called once with the villain whose turn
 * it is; what it returns matters at STAGE_CONNECT only.
 */
#ifndef PVN_VILLAIN_ATTACKS_H
#define PVN_VILLAIN_ATTACKS_H

#include "villaind.h"

#define BACK(kind, stage, name, outcome, log, sentence) int attack_##name(struct villain *v);
#include "../backends.def"
#undef BACK

#define ATTACK(name) int attack_##name(struct villain *v)

/* Keys that are written as they are: one line a row. */
#define ATTACK_KEY(name, key, value) \
	ATTACK(name) { put_back(v, key, value); return 0; }
#define ATTACK_STATE(name, value) \
	ATTACK(name) { put_state(v, value); return 0; }

/* Writes `count` random states, one every other millisecond, and comes to rest at 2. */
void states_at_random(struct villain *v, unsigned int count);

#endif
