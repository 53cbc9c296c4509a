// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (C) The Paravane developers
 *
 * A hostile disk: what it writes into the store.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "attacks.h"

/* --- states --- */

static void start_over(struct villain *v)
{
	put_state(v, "2");
	v->backend.state = PVN_XENBUS_INIT_WAIT;
}

ATTACK(state_2_with_requests_in_flight)
{
	v->silent = true;
	start_over(v);
	return 0;
}

ATTACK(states_2_and_4_in_turns)
{
	unsigned int i;

	v->silent = true;
	for (i = 0; i < 50; i++) {
		put_state(v, i & 1 ? "4" : "2");
		wait_ms(1);
	}
	start_over(v);
	return 0;
}

ATTACK(state_4_without_an_epoch)
{
	put_state(v, "4");
	v->backend.state = PVN_XENBUS_INIT_WAIT;	/* which is not written then */
	return -1;
}

ATTACK(state_4_with_another_epoch)
{
	uint64_t epoch = 0;
	uint32_t entries;
	void *base;

	pvn_backend_front_number(&v->backend, "epoch", 1, UINT32_MAX, &epoch);
	base = pvn_backend_ring_memory(&v->backend, 0, "", (uint32_t)epoch, &entries);
	if (base)
		((struct pvn_ring_back *)((char *)base + pvn_ring_front_bytes(entries)))->epoch =
			(uint32_t)epoch - 1;
	put_state(v, "4");
	v->backend.state = PVN_XENBUS_INIT_WAIT;
	return -1;
}

static char kilobyte[1025];

ATTACK(state_4_at_once)
{
	put_state(v, "4");
	v->backend.state = PVN_XENBUS_INIT_WAIT;
	return 0;
}

/* What the store then shows stays, because the honest half believes to have written 2. */
static int hold_state(struct villain *v, const char *value)
{
	put_state(v, value);
	v->backend.state = PVN_XENBUS_INIT_WAIT;
	return 0;
}

ATTACK(state_of_99)
{
	return hold_state(v, "99");
}

ATTACK(state_of_words)
{
	return hold_state(v, "connected");
}

ATTACK(state_of_64_bits_and_more)
{
	return hold_state(v, "18446744073709551620");
}

ATTACK(state_of_a_kilobyte)
{
	memset(kilobyte, '4', sizeof(kilobyte) - 1);
	return hold_state(v, kilobyte);
}

ATTACK(state_removed)
{
	remove_back(v, "state");
	v->backend.state = PVN_XENBUS_INIT_WAIT;
	return 0;
}

ATTACK(state_6_with_requests_in_flight)
{
	v->silent = true;
	put_state(v, "6");
	return 0;
}

ATTACK(state_5_while_in_use)
{
	put_state(v, "5");
	wait_ms(100);
	disk_answer_all(v);
	ring(v);
	return 0;
}

ATTACK(state_5_while_it_is_added)
{
	v->silent = true;	/* partitions are being read now */
	wait_ms(50);
	put_state(v, "5");
	return 0;
}

ATTACK(states_at_random)
{
	states_at_random(v, 200);
	return 0;
}

ATTACK(states_flood)
{
	unsigned int i;

	for (i = 0; i < 300; i++)
		put_state(v, "4");
	v->backend.state = PVN_XENBUS_CONNECTED;
	return 0;
}

ATTACK(no_answer_to_the_scan)
{
	v->silent = true;
	return 0;
}

/* --- keys --- */

ATTACK_KEY(sectors_of_zero, "sectors", "0")
ATTACK_KEY(sectors_of_2_to_55, "sectors", "36028797018963968")
ATTACK_KEY(sectors_of_2_to_63, "sectors", "9223372036854775808")
ATTACK_KEY(sectors_of_all_ones, "sectors", "18446744073709551615")
ATTACK_KEY(sectors_negative, "sectors", "-8")
ATTACK_KEY(sectors_of_words, "sectors", "many")
ATTACK_KEY(sector_size_of_zero, "sector-size", "0")
ATTACK_KEY(sector_size_of_three, "sector-size", "3")
ATTACK_KEY(sector_size_of_2_to_63, "sector-size", "9223372036854775808")
ATTACK_KEY(sector_size_of_1000, "sector-size", "1000")
ATTACK_KEY(physical_sector_size_odd, "physical-sector-size", "3000")
ATTACK_KEY(segments_of_zero, "max-segments", "0")
ATTACK_KEY(segments_of_2_to_32, "max-segments", "4294967296")
ATTACK_KEY(transfer_of_zero, "max-sectors", "0")
ATTACK_KEY(transfer_of_2_to_63, "max-sectors", "9223372036854775808")
ATTACK_KEY(buffer_alignment_odd, "buffer-alignment", "513")

ATTACK(sectors_missing)
{
	remove_back(v, "sectors");
	return 0;
}

static void announce_size(struct villain *v, const char *sectors)
{
	put_back(v, "sectors", sectors);
	put_state(v, "4");
	v->backend.state = PVN_XENBUS_CONNECTED;
	wait_ms(100);
}

ATTACK(size_changes_while_in_use)
{
	announce_size(v, "0");
	announce_size(v, "9223372036854775808");
	announce_size(v, "16777216");
	disk_answer_all(v);
	ring(v);
	announce_size(v, "8192");
	return 0;
}

ATTACK(one_segment_of_4_kib)
{
	put_back(v, "max-segments", "1");
	put_back(v, "max-sectors", "8");
	return 0;
}

ATTACK(discard_of_odd_sizes)
{
	put_back(v, "feature-discard", "1");
	put_back(v, "max-discard-sectors", "1");
	put_back(v, "discard-granularity", "513");
	put_back(v, "feature-write-zeroes", "1");
	put_back(v, "max-write-zeroes-sectors", "18446744073709551615");
	return 0;
}

ATTACK(preferred_sizes_wild)
{
	put_back(v, "io-min", "1073741823");
	put_back(v, "io-opt", "9223372036854775808");
	return 0;
}

ATTACK(features_of_words)
{
	put_back(v, "feature-flush", "yes");
	put_back(v, "feature-fua", "2");
	put_back(v, "feature-discard", "-1");
	return 0;
}

ATTACK(texts_of_four_kilobytes)
{
	char text[4001];
	unsigned int i;

	for (i = 0; i < sizeof(text) - 1; i++)
		text[i] = (char)(1 + i % 31);
	text[sizeof(text) - 1] = 0;
	put_back(v, "serial", text);
	put_back(v, "uuid", text);
	put_back(v, "mode", text);
	return 0;
}

ATTACK(queues_of_2_to_63)
{
	put_front(v, "queue-max", "9223372036854775808");
	return 0;
}

ATTACK(queues_of_zero)
{
	put_front(v, "queue-max", "0");
	return 0;
}

ATTACK(channel_of_2_to_40)
{
	put_front(v, "queue-0/channel", "1099511627776");
	return 0;
}

/* Disk 0's. */
ATTACK(channel_of_another_device)
{
	char *channel = pvn_store_readf(v->backend.store, 0,
					"/local/domain/%u/device/blk/0/queue-0/channel",
					v->backend.domid);

	put_front(v, "queue-0/channel", channel ? channel : "0");
	free(channel);
	return 0;
}

/* --- the device itself --- */

/* The folder goes, and comes back: another device of the same name. */
ATTACK(device_vanishes_while_open)
{
	static const char *const keys[] = { "backend", "backend-id", "handle", "queue-max",
					    "queue-0/channel", "queue-0/target-vp" };
	char *values[sizeof(keys) / sizeof(keys[0])], perms[16];
	char path[PVN_BACKEND_PATH_MAX + 16];
	unsigned int i, count = sizeof(keys) / sizeof(keys[0]);
	struct pvn_store *store = v->backend.store;

	disk_answer_all(v);
	ring(v);
	for (i = 0; i < count; i++)
		values[i] = pvn_store_readf(store, 0, "%s/%s", v->backend.frontend, keys[i]);
	pvn_store_rm(store, 0, v->backend.frontend);
	serve_for(v, 3000);
	snprintf(perms, sizeof(perms), "n%u", v->backend.domid);
	pvn_store_mkdir(store, 0, v->backend.frontend);
	pvn_store_set_perms_text(store, 0, v->backend.frontend, perms);
	snprintf(path, sizeof(path), "%s/queue-0", v->backend.frontend);
	pvn_store_mkdir(store, 0, path);
	pvn_store_set_perms_text(store, 0, path, perms);
	snprintf(perms, sizeof(perms), "n0 r%u", v->backend.domid);
	for (i = 0; i < count; i++) {
		put_front(v, keys[i], values[i] ? values[i] : "");
		snprintf(path, sizeof(path), "%s/%s", v->backend.frontend, keys[i]);
		pvn_store_set_perms_text(store, 0, path, perms);
		free(values[i]);
	}
	put_front(v, "state", "1");
	snprintf(path, sizeof(path), "%s/state", v->backend.frontend);
	snprintf(perms, sizeof(perms), "n%u", v->backend.domid);
	pvn_store_set_perms_text(store, 0, path, perms);
	return 0;
}
