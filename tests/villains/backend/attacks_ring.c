// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (C) The Paravane developers
 *
 * A hostile disk: what it writes into the completion ring, when it rings, when it dies.
 */
#include <string.h>

#include "attacks.h"

/* --- raw completions --- */

static struct pvn_cqe *slot(struct villain *v, uint32_t ahead)
{
	return &v->ring.cq[(v->ring.cq_tail + ahead) & (v->ring.entries - 1)];
}

static void write_raw(struct villain *v, uint32_t ahead, uint32_t id, uint16_t status,
		      uint32_t stamp)
{
	struct pvn_cqe *at = slot(v, ahead);

	at->id = id;
	at->status = status;
	pvn_ring_store(&at->stamp, stamp);
}

/* One answer with this id where the next one belongs; after it nothing more. */
static void answer_with_id(struct villain *v, uint32_t id)
{
	write_raw(v, 0, id, PVN_BLK_OK, v->ring.cq_tail + 1);
	v->silent = true;
	ring(v);
}

ATTACK(answers_in_reverse)
{
	while (v->held_count)
		disk_answer(v, --v->held_count);
	disk_answer_all(v);
	ring(v);
	return 0;
}

ATTACK(answer_beyond_what_was_asked)
{
	disk_answer_all(v);
	answer_with_id(v, 7);
	return 0;
}

ATTACK(id_beyond_the_table)
{
	answer_with_id(v, (v->held[0].id & 0xffff0000) | 0x1234);
	return 0;
}

ATTACK(id_of_all_ones)
{
	answer_with_id(v, ~0u);
	return 0;
}

ATTACK(id_of_a_free_slot)
{
	uint32_t used[8] = { 0 }, index = 0;
	unsigned int i;

	for (i = 0; i < v->held_count; i++)
		used[(v->held[i].id & 0xff) / 32] |= 1u << (v->held[i].id & 31);
	while (used[index / 32] & 1u << (index & 31))
		index++;
	answer_with_id(v, index | 1 << 16);
	return 0;
}

ATTACK(id_of_the_last_generation)
{
	answer_with_id(v, v->held[0].id - (1 << 16));
	return 0;
}

ATTACK(id_answered_twice)
{
	uint32_t id = v->held[0].id;

	disk_answer(v, 0);
	pvn_back_publish(&v->ring);
	answer_with_id(v, id);
	return 0;
}

ATTACK(all_answers_of_one_id)
{
	uint32_t i, first = v->ring.cq_tail;

	disk_move_all(v);
	for (i = 0; i < v->held_count; i++)
		write_raw(v, i, v->held[0].id, PVN_BLK_OK, first + i + 1);
	v->silent = true;
	ring(v);
	return 0;
}

static void answer_with_status(struct villain *v, uint16_t first, uint16_t step)
{
	unsigned int i;

	for (i = 0; i < v->held_count; i++)
		pvn_back_complete(&v->ring, v->held[i].id, (uint16_t)(first + i * step), 0);
	v->held_count = 0;
	pvn_back_publish(&v->ring);
	ring(v);
}

ATTACK(status_of_every_kind)
{
	answer_with_status(v, 1, 2);
	return 0;
}

ATTACK(status_unknown)
{
	answer_with_status(v, 77, 0);
	return 0;
}

ATTACK(status_of_all_ones)
{
	answer_with_status(v, 0xffff, 0);
	return 0;
}

ATTACK(value_and_flags_of_all_ones)
{
	uint32_t i, first = v->ring.cq_tail;

	for (i = 0; i < v->held_count; i++)
		disk_answer(v, i);
	for (i = 0; i < v->held_count; i++) {
		v->ring.cq[(first + i) & (v->ring.entries - 1)].value = ~0u;
		v->ring.cq[(first + i) & (v->ring.entries - 1)].flags = 0xffff;
	}
	v->held_count = 0;
	pvn_back_publish(&v->ring);
	ring(v);
	return 0;
}

ATTACK(answer_changes_after_publishing)
{
	uint64_t end = now_ms() + 300;
	struct pvn_cqe *at = slot(v, 0);

	disk_move_all(v);
	write_raw(v, 0, v->held[0].id, PVN_BLK_OK, v->ring.cq_tail + 1);
	ring(v);
	while (now_ms() < end) {
		at->id ^= 0x00050000;
		at->status ^= 3;
		ring(v);
	}
	v->silent = true;
	put_state(v, "2");		/* whatever came of it: start over */
	v->backend.state = PVN_XENBUS_INIT_WAIT;
	return 0;
}

ATTACK(stamp_behind_a_gap)
{
	/* It armed for half of what is in flight: make that one look answered. */
	uint32_t group = v->held_count > 3 ? v->held_count / 2 : 2;

	disk_move_all(v);
	write_raw(v, group - 1, v->held[0].id, PVN_BLK_OK, v->ring.cq_tail + group);
	v->silent = true;
	ring(v);
	return 0;
}

ATTACK(stamp_at_the_end_of_the_group)
{
	uint32_t i;

	disk_move_all(v);
	for (i = 1; i < v->ring.entries; i++)
		write_raw(v, i, v->held[0].id, PVN_BLK_OK, v->ring.cq_tail + i + 1);
	v->silent = true;
	ring(v);
	return 0;
}

ATTACK(stamp_that_comes_and_goes)
{
	uint64_t end = now_ms() + 500;
	uint32_t i;

	disk_move_all(v);
	while (now_ms() < end) {
		for (i = 0; i < 2 * VILLAIN_HELD_MAX; i++)
			write_raw(v, i, v->held[0].id, PVN_BLK_OK, v->ring.cq_tail + i + 1);
		ring(v);
		for (i = 0; i < 2 * VILLAIN_HELD_MAX; i++)
			pvn_ring_store(&slot(v, i)->stamp, 0);
	}
	v->silent = true;
	put_state(v, "2");
	v->backend.state = PVN_XENBUS_INIT_WAIT;
	return 0;
}

ATTACK(stamp_of_the_next_round)
{
	write_raw(v, 0, v->held[0].id, PVN_BLK_OK, v->ring.cq_tail + 1 + v->ring.entries);
	v->silent = true;
	ring(v);
	return 0;
}

ATTACK(stamp_of_zero)
{
	write_raw(v, 0, v->held[0].id, PVN_BLK_OK, 0);
	v->silent = true;
	ring(v);
	return 0;
}

ATTACK(noise_in_the_completion_ring)
{
	uint64_t end = now_ms() + 300;
	uint32_t *words = (uint32_t *)v->ring.mine;
	uint32_t count = pvn_ring_back_bytes(v->ring.entries) / 4;

	disk_move_all(v);
	while (now_ms() < end) {
		words[noise(v) % count] = noise(v) % 3 ? noise(v) % 32 : noise(v);
		ring(v);
	}
	memset(v->ring.mine, 0, pvn_ring_back_bytes(v->ring.entries));
	v->silent = true;
	put_state(v, "2");
	v->backend.state = PVN_XENBUS_INIT_WAIT;
	return 0;
}

/* --- counters --- */

static void set_counters(struct villain *v, uint32_t value)
{
	v->ring.mine->cq_tail = value;
	v->ring.mine->sq_head = value;
	ring(v);
	disk_answer_all(v);
	ring(v);
}

ATTACK(counters_of_all_ones)
{
	set_counters(v, ~0u);
	return 0;
}

ATTACK(counters_of_zero)
{
	set_counters(v, 0);
	return 0;
}

ATTACK(arm_word_far_ahead)
{
	v->ring.mine->sq_arm = v->ring.sq_head + 0x7fffffff;
	disk_answer_all(v);
	ring(v);
	return 0;
}

ATTACK(reserved_words)
{
	memset(v->ring.mine->reserved, 0xff, sizeof(v->ring.mine->reserved));
	disk_answer_all(v);
	ring(v);
	return 0;
}

ATTACK(epoch_changes_while_serving)
{
	v->ring.mine->epoch = ~v->ring.epoch;
	disk_answer_all(v);
	ring(v);
	return 0;
}

ATTACK(error_word_and_silence)
{
	v->ring.mine->error = PVN_RING_BAD_INDEX;
	v->silent = true;
	ring(v);
	return 0;
}

ATTACK(error_word_and_answers)
{
	v->ring.mine->error = ~0u;
	disk_answer_all(v);
	ring(v);
	return 0;
}

ATTACK(front_ends_page_overwritten)
{
	struct pvn_ring_front *front = (struct pvn_ring_front *)v->ring.peer;
	struct pvn_ring_front before = *front;

	front->sq_tail = ~0u;
	front->cq_head = ~0u;
	disk_answer_all(v);
	ring(v);
	wait_ms(50);
	/* So that this end, which is honest again, goes on. */
	front->sq_tail = before.sq_tail;
	return 0;
}

ATTACK(submissions_overwritten)
{
	memset((void *)v->ring.sq, 0x5a, v->ring.entries * sizeof(struct pvn_sqe));
	disk_answer_all(v);
	ring(v);
	return 0;
}

/* --- time and events --- */

ATTACK(answers_late)
{
	wait_ms(1000);
	disk_answer_all(v);
	ring(v);
	return 0;
}

ATTACK(no_answers)
{
	v->silent = true;
	return 0;
}

ATTACK(half_of_the_answers)
{
	unsigned int i;

	for (i = 0; i < v->held_count / 2; i++)
		disk_answer(v, i);
	pvn_back_publish(&v->ring);
	ring(v);
	v->silent = true;
	return 0;
}

ATTACK(storm_without_work)
{
	storm(v, VILLAIN_STORM);
	disk_answer_all(v);
	ring(v);
	return 0;
}

ATTACK(storm_between_answers)
{
	unsigned int i;

	for (i = 0; i < v->held_count; i++) {
		disk_answer(v, i);
		pvn_back_publish(&v->ring);
		storm(v, VILLAIN_STORM / 4);
	}
	v->held_count = 0;
	return 0;
}

ATTACK(storm_after_breaking)
{
	answer_with_id(v, ~0u);
	storm(v, VILLAIN_STORM);
	return 0;
}

ATTACK(storm_before_connecting)
{
	storm(v, VILLAIN_STORM);
	return 0;
}

/* --- death --- */

ATTACK(death_before_the_front_end_comes)
{
	die(v);
}

ATTACK(death_at_state_3)
{
	die(v);
}

ATTACK(death_at_state_4)
{
	die(v);
}

ATTACK(death_with_requests_taken)
{
	die(v);
}

ATTACK(death_with_half_of_the_answers)
{
	unsigned int i;

	for (i = 0; i < v->held_count / 2; i++)
		disk_answer(v, i);
	pvn_back_publish(&v->ring);
	ring(v);
	die(v);
}

ATTACK(death_in_an_answer)
{
	slot(v, 0)->id = v->held[0].id;
	v->ring.mine->cq_tail = v->ring.cq_tail + 1;
	ring(v);
	die(v);
}

ATTACK(death_in_a_storm)
{
	storm(v, VILLAIN_STORM);
	die(v);
}
