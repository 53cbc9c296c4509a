// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (C) The Paravane developers
 *
 * A hostile back-end against the rings of the disk's and the network's front-end: each row
 * of the table writes what it likes into the pages of the back-end while four requests are
 * in flight. Whatever it is: the loop that an interrupt handler runs ends, no request is
 * answered twice, a broken queue says why, and the next connection works.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "frontend/blk/blkfront_ring.h"
#include "frontend/net/netfront_ring.h"

enum { ENTRIES = 8, HELD = 4, ROUNDS_MAX = 2 * ENTRIES };

/* What an attack has: the back-end's end, and the ids of what it took. */
struct prey {
	struct pvn_queue_back back;
	uint32_t id[HELD];
};

struct attack {
	const char *sentence;
	void (*run)(struct prey *prey);
	enum pvn_ring_error reason;	/* that the queue is broken for; OK: it is not */
	unsigned int answered;		/* requests that come back */
	unsigned int failed;		/* of these, with an error */
};

static void raw(struct prey *prey, uint32_t ahead, uint32_t id, uint16_t status, uint32_t stamp)
{
	struct pvn_cqe *at = &prey->back.cq[(prey->back.cq_tail + ahead) & (ENTRIES - 1)];

	*at = (struct pvn_cqe) { .id = id, .status = status, .flags = 0xffff, .value = ~0u,
				 .stamp = stamp };
}

static void good(struct prey *prey, uint32_t ahead, unsigned int index)
{
	raw(prey, ahead, prey->id[index], 0, prey->back.cq_tail + ahead + 1);
}

static void one_id(struct prey *prey, uint32_t id)
{
	raw(prey, 0, id, 0, 1);
}

static void nothing(struct prey *prey) { (void)prey; }
static void id_beyond(struct prey *prey) { one_id(prey, prey->id[0] | 0x1234); }
static void id_at_the_end(struct prey *prey) { one_id(prey, (prey->id[0] & 0xffff0000) | ENTRIES); }
static void id_of_ones(struct prey *prey) { one_id(prey, ~0u); }
static void id_of_zero(struct prey *prey) { one_id(prey, 0); }
static void id_free(struct prey *prey) { one_id(prey, (prey->id[0] & 0xffff0000) | (ENTRIES - 1)); }
static void id_old(struct prey *prey) { one_id(prey, prey->id[0] - (1 << 16)); }
static void id_next(struct prey *prey) { one_id(prey, prey->id[0] + (1 << 16)); }

static void id_swapped(struct prey *prey) { one_id(prey, prey->id[0] << 16 | prey->id[0] >> 16); }

/* Everything but the stamp. */
static void half(struct prey *prey)
{
	prey->back.cq[0].id = prey->id[0];
	prey->back.mine->cq_tail = 1;
}

static void all(struct prey *prey)
{
	for (unsigned int i = 0; i < HELD; i++)
		good(prey, i, i);
}

static void reverse(struct prey *prey)
{
	for (unsigned int i = 0; i < HELD; i++)
		good(prey, i, HELD - 1 - i);
}

static void twice(struct prey *prey)
{
	good(prey, 0, 0);
	good(prey, 1, 0);
}

static void twice_later(struct prey *prey)
{
	all(prey);
	good(prey, 3, 1);
}

static void beyond(struct prey *prey)
{
	all(prey);
	raw(prey, HELD, 77, 0, HELD + 1);
}

static void full_ring(struct prey *prey)
{
	for (unsigned int i = 0; i < ENTRIES; i++)
		good(prey, i, i % HELD);
}

static void status_77(struct prey *prey) { raw(prey, 0, prey->id[0], 77, 1); }
static void status_ones(struct prey *prey) { raw(prey, 0, prey->id[0], 0xffff, 1); }

static void status_each(struct prey *prey)
{
	for (uint16_t i = 0; i < HELD; i++)
		raw(prey, i, prey->id[i], i + 1, i + 1u);
}

/* Armed for half of four: the second. */
static void gap(struct prey *prey) { good(prey, 1, 1); }

static void gap_of_all(struct prey *prey)
{
	for (unsigned int i = 1; i < ENTRIES; i++)
		raw(prey, i, prey->id[0], 0, i + 1);
}

static void gap_behind_good(struct prey *prey)
{
	good(prey, 0, 0);
	good(prey, 2, 1);	/* three are left: armed for the next */
}

static void stamp_next_round(struct prey *prey) { raw(prey, 0, prey->id[0], 0, 1 + ENTRIES); }
static void stamp_zero(struct prey *prey) { raw(prey, 0, prey->id[0], 0, 0); }
static void stamp_ones(struct prey *prey) { raw(prey, 0, prey->id[0], 0, ~0u); }

static void counters(struct prey *prey, uint32_t value)
{
	prey->back.mine->cq_tail = value;
	prey->back.mine->sq_head = value;
	prey->back.mine->sq_arm = value;
	prey->back.mine->epoch = value;
	prey->back.mine->error = value;
	memset(prey->back.mine->reserved, (int)value, sizeof(prey->back.mine->reserved));
	all(prey);
}

static void counters_ones(struct prey *prey) { counters(prey, ~0u); }
static void counters_zero(struct prey *prey) { counters(prey, 0); }
static void counters_sign(struct prey *prey) { counters(prey, 0x80000000); }

/* The front-end's own pages are the guest's memory: it must not read them back. */
static void front_page(struct prey *prey)
{
	memset((void *)prey->back.peer, 0xff, sizeof(*prey->back.peer));
	memset((void *)prey->back.sq, 0x5a, ENTRIES * sizeof(struct pvn_sqe));
	all(prey);
}

static void noise(struct prey *prey)
{
	uint32_t *words = (uint32_t *)prey->back.mine, state = 1;

	for (unsigned int i = 0; i < pvn_ring_back_bytes(ENTRIES) / 4; i++)
		words[i] = state = state * 1664525u + 1013904223u;
}

static void ones(struct prey *prey)
{
	memset(prey->back.mine, 0xff, pvn_ring_back_bytes(ENTRIES));
}

#define OK	PVN_RING_OK
#define INDEX	PVN_RING_BAD_INDEX
#define STAMP	PVN_RING_BAD_STAMP
#define ID	PVN_RING_BAD_ID

static const struct attack attacks[] = {
	{ "no answer at all is waited for", nothing, OK, 0, 0 },
	{ "good answers are taken", all, OK, 4, 0 },
	{ "answers in reverse are taken", reverse, OK, 4, 0 },
	{ "an id beyond the table breaks the queue", id_beyond, ID, 0, 0 },
	{ "an id just behind the table breaks the queue", id_at_the_end, ID, 0, 0 },
	{ "an id of all ones breaks the queue", id_of_ones, ID, 0, 0 },
	{ "an id of zero breaks the queue", id_of_zero, ID, 0, 0 },
	{ "the id of a free slot breaks the queue", id_free, ID, 0, 0 },
	{ "an id of the last generation breaks the queue", id_old, ID, 0, 0 },
	{ "an id of the next generation breaks the queue", id_next, ID, 0, 0 },
	{ "an id with its halves swapped breaks the queue", id_swapped, ID, 0, 0 },
	{ "half of an answer is none", half, OK, 0, 0 },
	{ "an id answered twice breaks the queue", twice, ID, 1, 0 },
	{ "an id answered again after others breaks the queue", twice_later, ID, 3, 0 },
	{ "an answer beyond what was asked breaks the queue", beyond, INDEX, 4, 0 },
	{ "a ring full of answers to four requests breaks the queue", full_ring, INDEX, 4, 0 },
	{ "an unknown status fails its request", status_77, OK, 1, 1 },
	{ "a status of all ones fails its request", status_ones, OK, 1, 1 },
	{ "each status fails its request", status_each, OK, 4, 4 },
	{ "an answer behind a gap breaks the queue", gap, STAMP, 0, 0 },
	{ "all answers but the next one break the queue", gap_of_all, STAMP, 0, 0 },
	{ "a gap behind a good answer is waited for", gap_behind_good, OK, 1, 0 },
	{ "the next round's stamp is no answer", stamp_next_round, OK, 0, 0 },
	{ "a stamp of zero is no answer", stamp_zero, OK, 0, 0 },
	{ "a stamp of all ones is no answer", stamp_ones, OK, 0, 0 },
	{ "counters of all ones change nothing", counters_ones, OK, 4, 0 },
	{ "counters of zero change nothing", counters_zero, OK, 4, 0 },
	{ "counters at the sign bit change nothing", counters_sign, OK, 4, 0 },
	{ "the front-end's own pages are not read back", front_page, OK, 4, 0 },
	{ "noise in the back-end's pages is no answer", noise, OK, 0, 0 },
	{ "all ones in the back-end's pages are no answer", ones, OK, 0, 0 },
};

/* --- the two front-ends --- */

struct front {
	struct blkfront_ring blk;
	struct netfront_ring net;
	struct blkfront_slot blk_slot[ENTRIES];
	struct netfront_slot net_slot[ENTRIES];
	bool is_net, seen[HELD];
	uint8_t cookie[HELD];
	void *base;
	uint32_t epoch;
};

static struct pvn_queue_front *queue_of(struct front *front)
{
	return front->is_net ? &front->net.queue : &front->blk.queue;
}

static void connect_rings(struct front *front)
{
	memset(front->base, 0, pvn_ring_bytes(ENTRIES));
	front->epoch++;
	if (front->is_net)
		netfront_ring_connect(&front->net, front->base, front->epoch);
	else
		blkfront_ring_connect(&front->blk, front->base, front->epoch);
}

static void create(struct front *front, bool is_net)
{
	memset(front, 0, sizeof(*front));
	front->is_net = is_net;
	front->base = aligned_alloc(PVN_PAGE_SIZE, pvn_ring_bytes(ENTRIES));
	assert_non_null(front->base);
	blkfront_ring_init(&front->blk, front->blk_slot, ENTRIES);
	netfront_ring_init(&front->net, front->net_slot, ENTRIES);
	connect_rings(front);
}

static void ask(struct front *front, unsigned int index)
{
	struct netfront_slot *slot;

	front->seen[index] = false;
	if (front->is_net) {
		slot = netfront_begin(&front->net, PVN_NET_SEND);
		assert_non_null(slot);
		assert_true(netfront_add(slot, 0x1000, 64));
		assert_true(netfront_submit(&front->net, slot, &front->cookie[index]));
	} else {
		blkfront_begin(&front->blk, index, PVN_BLK_READ, false, 8 * index);
		assert_true(blkfront_add(&front->blk, index, 0x1000, 4096));
		assert_true(blkfront_submit(&front->blk, index, &front->cookie[index]));
	}
}

static bool next(struct front *front, void **cookie, bool *failed)
{
	enum pvn_blk_status status;
	struct netfront_done done;
	bool got = front->is_net ? netfront_next(&front->net, &done) :
				   blkfront_next(&front->blk, cookie, &status);

	if (!got)
		return false;
	if (front->is_net)
		*cookie = done.cookie;
	*failed = front->is_net ? done.status != PVN_NET_OK : status != PVN_BLK_OK;
	return true;
}

/* As an interrupt handler does. */
static void take_all(struct front *front, unsigned int *answered, unsigned int *failed)
{
	unsigned int rounds = 0, in_flight;
	bool bad = false;
	void *cookie;

	*answered = *failed = 0;
	do {
		assert_true(rounds++ < ROUNDS_MAX);
		while (next(front, &cookie, &bad)) {
			uint8_t *mine = cookie;

			assert_in_range((uintptr_t)mine, (uintptr_t)front->cookie,
					(uintptr_t)(front->cookie + HELD - 1));
			assert_false(front->seen[mine - front->cookie]);
			front->seen[mine - front->cookie] = true;
			++*answered;
			*failed += bad;
		}
		in_flight = front->is_net ? front->net.in_flight : front->blk.in_flight;
	} while (pvn_front_arm(queue_of(front), in_flight > 3 ? in_flight / 2 : 1));
}

static void attach(struct front *front, struct prey *prey)
{
	struct pvn_sqe entry;
	unsigned int i;

	memset(prey, 0, sizeof(*prey));
	assert_true(pvn_back_attach(&prey->back, front->base, ENTRIES, front->epoch));
	for (i = 0; pvn_back_available(&prey->back) > 0 && i < HELD; i++) {
		assert_true(pvn_back_next(&prey->back, &entry));
		prey->id[i] = entry.id;
	}
}

static void attack(struct front *front, const struct attack *row)
{
	unsigned int answered, failed, i;
	struct prey prey;

	for (i = 0; i < HELD; i++)
		ask(front, i);
	pvn_front_publish(queue_of(front));
	attach(front, &prey);
	row->run(&prey);
	take_all(front, &answered, &failed);
	if (queue_of(front)->broken != row->reason || answered != row->answered ||
	    failed != row->failed)
		fail_msg("%s: reason %d, %u answers, %u failed", row->sentence,
			 queue_of(front)->broken, answered, failed);
	/* Once broken, the peer's pages are not looked at any more. */
	if (row->reason) {
		all(&prey);
		take_all(front, &answered, &failed);
		assert_int_equal(answered, 0);
	}
}

/* What is left goes back to its owner, and a new connection works. */
static void next_connection_works(struct front *front)
{
	unsigned int answered, failed, i;
	struct prey prey;

	while (front->is_net ? netfront_abandon(&front->net) : blkfront_abandon(&front->blk))
		;
	connect_rings(front);
	for (i = 0; i < HELD; i++)
		ask(front, i);
	pvn_front_publish(queue_of(front));
	attach(front, &prey);
	all(&prey);
	take_all(front, &answered, &failed);
	assert_int_equal(answered, HELD);
	assert_int_equal(failed, 0);
}

static void hostile(const struct attack *row, bool is_net)
{
	struct front front;

	create(&front, is_net);
	attack(&front, row);
	next_connection_works(&front);
	free(front.base);
}

static void of_a_disk(void **state)
{
	hostile(*state, false);
}

static void of_an_interface(void **state)
{
	hostile(*state, true);
}

enum { ROWS = sizeof(attacks) / sizeof(attacks[0]) };

int main(void)
{
	static char names[2 * ROWS][96];
	struct CMUnitTest tests[2 * ROWS];
	size_t i;

	memset(tests, 0, sizeof(tests));
	for (i = 0; i < 2 * ROWS; i++) {
		bool is_net = i >= ROWS;

		snprintf(names[i], sizeof(names[i]), "%s: %s", is_net ? "network" : "disk",
			 attacks[i % ROWS].sentence);
		tests[i].name = names[i];
		tests[i].test_func = is_net ? of_an_interface : of_a_disk;
		tests[i].initial_state = (void *)&attacks[i % ROWS];
	}
	return _cmocka_run_group_tests("a hostile back-end", tests, 2 * ROWS, NULL, NULL);
}
