// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (C) The Paravane developers
 *
 * SipHash-2-4 and a keyed counter. No state but the key and the counter.
 */
#include "hash.h"

#include <string.h>
#include <sys/random.h>

static uint64_t hash_key[2];
static uint64_t hash_counter;

void hash_seed(void)
{
	/* Cannot fail for so few bytes once the system is up; a zero key still works. */
	if (getrandom(hash_key, sizeof(hash_key), 0) != (ssize_t)sizeof(hash_key))
		memset(hash_key, 0, sizeof(hash_key));
}

static inline uint64_t rotate_left(uint64_t word, int bits)
{
	return word << bits | word >> (64 - bits);
}

static inline void sip_round(uint64_t v[4])
{
	v[0] += v[1];
	v[2] += v[3];
	v[1] = rotate_left(v[1], 13) ^ v[0];
	v[3] = rotate_left(v[3], 16) ^ v[2];
	v[0] = rotate_left(v[0], 32);
	v[2] += v[1];
	v[0] += v[3];
	v[1] = rotate_left(v[1], 17) ^ v[2];
	v[3] = rotate_left(v[3], 21) ^ v[0];
	v[2] = rotate_left(v[2], 32);
}

static inline void sip_absorb(uint64_t v[4], uint64_t word)
{
	v[3] ^= word;
	sip_round(v);
	sip_round(v);
	v[0] ^= word;
}

uint64_t hash_bytes(uint64_t salt, const void *data, size_t len)
{
	uint64_t v[4] = {
		hash_key[0] ^ 0x736f6d6570736575ull, hash_key[1] ^ 0x646f72616e646f6dull,
		hash_key[0] ^ 0x6c7967656e657261ull, hash_key[1] ^ 0x7465646279746573ull,
	};
	const uint8_t *bytes = data;
	uint64_t word;
	size_t left;

	sip_absorb(v, salt);
	for (left = len; left >= 8; left -= 8, bytes += 8) {
		memcpy(&word, bytes, 8);
		sip_absorb(v, word);
	}
	word = (uint64_t)len << 56;
	for (size_t i = 0; i < left; i++)
		word |= (uint64_t)bytes[i] << (8 * i);
	sip_absorb(v, word);
	v[2] ^= 0xff;
	for (int i = 0; i < 4; i++)
		sip_round(v);
	return v[0] ^ v[1] ^ v[2] ^ v[3];
}

struct hash_state hash_save(void)
{
	return (struct hash_state){ { hash_key[0], hash_key[1] }, hash_counter };
}

void hash_restore(const struct hash_state *state)
{
	memcpy(hash_key, state->key, sizeof(hash_key));
	hash_counter = state->counter;
}

uint32_t hash_random(void)
{
	return (uint32_t)hash_bytes(++hash_counter, NULL, 0);
}
