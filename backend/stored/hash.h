/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Copyright (C) The Paravane developers
 *
 * Keyed hash (SipHash-2-4) and random priorities. The key is random per
 * process, so a guest cannot choose names that collide or unbalance a tree.
 */
#ifndef STORED_HASH_H
#define STORED_HASH_H

#include <stddef.h>
#include <stdint.h>

/* Draws the key; call once at start. Without it the key is zero (tests, fuzzing). */
void hash_seed(void);

/* Hash of `len` bytes, different for every `salt`. */
uint64_t hash_bytes(uint64_t salt, const void *data, size_t len);

/* The next number of a keyed sequence: unpredictable to guests, cheap. */
uint32_t hash_random(void);

/* Key and counter, for a process that takes over from this one. */
struct hash_state {
	uint64_t key[2];
	uint64_t counter;
};

struct hash_state hash_save(void);
void hash_restore(const struct hash_state *state);

#endif
