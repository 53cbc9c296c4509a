// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (C) The Paravane developers
 *
 * Both ends of ring.h: one after the other where the state counts, in two
 * threads with doorbells for lost wake-ups, and against a peer that lies.
 */
#include <pthread.h>
#include <semaphore.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include <pvn/abi/ring.h>

enum { ENTRIES = 8, EPOCH = 3 };

struct pair {
	void *base;
	struct pvn_queue_front front;
	struct pvn_queue_back back;
};

static void open_pair(struct pair *pair, pvn_u32 entries)
{
	memset(pair, 0, sizeof(*pair));
	pair->base = aligned_alloc(PVN_PAGE_SIZE, pvn_ring_bytes(entries));
	assert_non_null(pair->base);
	memset(pair->base, 0, pvn_ring_bytes(entries));
	pvn_front_init(&pair->front, pair->base, entries, EPOCH);
	assert_true(pvn_back_attach(&pair->back, pair->base, entries, EPOCH));
}

/* Both ends as if they had been in use for `position` entries. */
static void move_to(struct pair *pair, pvn_u32 position)
{
	struct pvn_ring_front *front = pair->front.mine;
	struct pvn_ring_back *back = pair->back.mine;

	pair->front.sq_tail = pair->front.sq_published = pair->front.cq_head = position;
	pair->back.sq_head = pair->back.sq_head_published = pair->back.sq_seen = position;
	pair->back.cq_tail = pair->back.cq_published = pair->back.cq_rung = position;
	front->sq_tail = front->cq_arm = position;
	front->space_arm = position - 1;
	back->cq_tail = back->sq_head = back->sq_arm = position;
}

static bool push(struct pair *pair, pvn_u32 id)
{
	struct pvn_sqe entry = { .op = 1, .id = id, .offset = id * 3ull, .body = { id } };

	return pvn_front_push(&pair->front, &entry);
}

static void serve_one(struct pair *pair, pvn_u32 id)
{
	struct pvn_sqe entry;

	assert_true(pvn_back_next(&pair->back, &entry));
	assert_int_equal(entry.id, id);
	assert_int_equal(entry.offset, id * 3ull);
	assert_int_equal(entry.body[0], id);
	pvn_back_complete(&pair->back, entry.id, 0, id + 1);
}

static void take_one(struct pair *pair, pvn_u32 id)
{
	struct pvn_cqe answer;

	assert_true(pvn_front_next(&pair->front, &answer));
	assert_int_equal(answer.id, id);
	assert_int_equal(answer.value, id + 1);
}

static void sizes_are_whole_pages_of_one_writer(void **state)
{
	(void)state;
	assert_int_equal(pvn_ring_front_bytes(4), 4096);
	assert_int_equal(pvn_ring_front_bytes(64), 8192);
	assert_int_equal(pvn_ring_front_bytes(256), 20480);
	assert_int_equal(pvn_ring_back_bytes(256), 8192);
	assert_true(pvn_ring_entries_ok(4));
	assert_true(pvn_ring_entries_ok(256));
	assert_false(pvn_ring_entries_ok(0));
	assert_false(pvn_ring_entries_ok(2));
	assert_false(pvn_ring_entries_ok(96));
	assert_false(pvn_ring_entries_ok(512));
	assert_false(pvn_ring_entries_ok(1ull << 40));
}

static void entries_go_round_in_order_across_the_wrap_of_counters(void **state)
{
	struct pair pair;
	pvn_u32 id;

	(void)state;
	open_pair(&pair, ENTRIES);
	move_to(&pair, 0xfffffff0u);
	for (id = 0; id < 100; id++) {
		assert_true(push(&pair, id));
		pvn_front_publish(&pair.front);
		assert_int_equal(pvn_back_available(&pair.back), 1);
		serve_one(&pair, id);
		pvn_back_publish(&pair.back);
		take_one(&pair, id);
	}
	assert_int_equal(pair.front.counters.completed, 100);
	free(pair.base);
}

static void a_full_ring_takes_no_more_until_something_is_completed(void **state)
{
	struct pair pair;
	pvn_u32 id;

	(void)state;
	open_pair(&pair, ENTRIES);
	for (id = 0; id < ENTRIES; id++)
		assert_true(push(&pair, id));
	assert_false(push(&pair, 99));
	assert_int_equal(pair.front.counters.full, 1);
	pvn_front_publish(&pair.front);
	assert_int_equal(pvn_back_available(&pair.back), ENTRIES);
	serve_one(&pair, 0);
	pvn_back_publish(&pair.back);
	assert_false(push(&pair, 99));	/* taken by the peer is not yet done */
	take_one(&pair, 0);
	assert_true(push(&pair, 99));
	free(pair.base);
}

static void one_doorbell_wakes_a_sleeper_and_none_a_busy_peer(void **state)
{
	struct pair pair;
	pvn_u32 id;

	(void)state;
	open_pair(&pair, ENTRIES);
	push(&pair, 0);
	assert_true(pvn_front_publish(&pair.front));	/* armed from the start */
	push(&pair, 1);
	assert_false(pvn_front_publish(&pair.front));	/* it is awake */
	assert_int_equal(pvn_back_available(&pair.back), 2);
	serve_one(&pair, 0);
	serve_one(&pair, 1);
	assert_true(pvn_back_publish(&pair.back));	/* one for both */
	take_one(&pair, 0);
	take_one(&pair, 1);
	assert_false(pvn_back_arm(&pair.back));
	for (id = 2; id < 6; id++)
		push(&pair, id);
	assert_true(pvn_front_publish(&pair.front));
	assert_false(pvn_front_publish(&pair.front));	/* nothing new */
	assert_int_equal(pair.front.counters.notified, 2);
	free(pair.base);
}

/* A caller that arms until nothing is there would go round for ever. */
static void a_stamp_behind_a_gap_breaks_the_queue(void **state)
{
	struct pvn_cqe *cq;
	struct pvn_cqe copy;
	struct pair pair;
	pvn_u32 i;

	(void)state;
	open_pair(&pair, ENTRIES);
	for (i = 0; i < ENTRIES; i++)
		assert_true(push(&pair, i));
	pvn_front_publish(&pair.front);
	cq = (struct pvn_cqe *)pair.front.cq;
	cq[3].stamp = 4;
	assert_false(pvn_front_next(&pair.front, &copy));
	assert_false(pvn_front_arm(&pair.front, 3));	/* of this one nobody speaks */
	assert_int_equal(pair.front.broken, PVN_RING_OK);
	assert_false(pvn_front_arm(&pair.front, 4));
	assert_int_equal(pair.front.broken, PVN_RING_BAD_STAMP);
	free(pair.base);
}

/* As that, with a peer that is quick. */
static void a_stamp_that_is_taken_back_breaks_the_queue(void **state)
{
	struct pvn_cqe *cq;
	struct pvn_cqe copy;
	struct pair pair;

	(void)state;
	open_pair(&pair, ENTRIES);
	assert_true(push(&pair, 1));
	pvn_front_publish(&pair.front);
	cq = (struct pvn_cqe *)pair.front.cq;
	cq[0].stamp = 1;
	assert_true(pvn_front_arm(&pair.front, 1));
	cq[0].stamp = 0;
	assert_false(pvn_front_next(&pair.front, &copy));
	assert_int_equal(pair.front.broken, PVN_RING_BAD_STAMP);
	free(pair.base);
}

static void arming_too_late_says_that_there_is_work(void **state)
{
	struct pair pair;

	(void)state;
	open_pair(&pair, ENTRIES);
	push(&pair, 0);
	pvn_front_publish(&pair.front);
	assert_true(pvn_back_arm(&pair.back));
	assert_int_equal(pvn_back_available(&pair.back), 1);
	serve_one(&pair, 0);
	pvn_back_publish(&pair.back);
	assert_true(pvn_front_arm(&pair.front, 1));
	take_one(&pair, 0);
	assert_false(pvn_front_arm(&pair.front, 1));
	free(pair.base);
}

static void completions_can_be_asked_for_in_groups(void **state)
{
	struct pair pair;
	pvn_u32 id;

	(void)state;
	open_pair(&pair, ENTRIES);
	for (id = 0; id < 4; id++)
		push(&pair, id);
	pvn_front_publish(&pair.front);
	assert_false(pvn_front_arm(&pair.front, 3));
	assert_int_equal(pvn_back_available(&pair.back), 4);
	for (id = 0; id < 4; id++) {
		serve_one(&pair, id);
		assert_int_equal(pvn_back_publish(&pair.back), id == 2);
	}
	free(pair.base);
}

static void completions_that_nobody_heard_of_are_rung_for_once(void **state)
{
	struct pair pair;
	pvn_u32 i;

	(void)state;
	open_pair(&pair, ENTRIES);
	for (i = 0; i < 4; i++)
		assert_true(push(&pair, i));
	pvn_front_publish(&pair.front);
	assert_false(pvn_front_arm(&pair.front, 4));
	assert_false(pvn_back_unheard(&pair.back));
	assert_int_equal(pvn_back_available(&pair.back), 4);
	serve_one(&pair, 0);
	serve_one(&pair, 1);
	assert_false(pvn_back_publish(&pair.back));	/* it asked for four */
	assert_true(pvn_back_unheard(&pair.back));
	assert_false(pvn_back_unheard(&pair.back));
	take_one(&pair, 0);
	take_one(&pair, 1);
	assert_false(pvn_front_arm(&pair.front, 2));
	serve_one(&pair, 2);
	serve_one(&pair, 3);
	assert_true(pvn_back_publish(&pair.back));
	assert_false(pvn_back_unheard(&pair.back));
	free(pair.base);
}

static void serve_and_publish(struct pair *pair, pvn_u32 first, pvn_u32 count, bool ring)
{
	while (count--)
		serve_one(pair, first++);
	assert_int_equal(pvn_back_publish(&pair->back), ring);
}

static void a_group_is_rung_for_once_and_its_rest_when_the_back_end_is_dry(void **state)
{
	struct pair pair;
	pvn_u32 id;

	(void)state;
	open_pair(&pair, ENTRIES);
	for (id = 0; id < 6; id++)
		assert_true(push(&pair, id));
	pvn_front_publish(&pair.front);
	assert_int_equal(pvn_back_available(&pair.back), 6);
	assert_false(pvn_front_arm_group(&pair.front, 3));
	assert_false(pvn_back_owes(&pair.back));	/* there was nothing */
	serve_and_publish(&pair, 0, 2, false);
	serve_and_publish(&pair, 2, 2, true);
	assert_false(pvn_back_owes(&pair.back));	/* it was told, of all four */
	for (id = 0; id < 4; id++)
		take_one(&pair, id);
	assert_false(pvn_front_arm_group(&pair.front, 3));
	serve_and_publish(&pair, 4, 1, false);
	assert_true(pvn_back_owes(&pair.back));
	assert_false(pvn_back_owes(&pair.back));
	free(pair.base);
}

static void a_front_end_that_is_awake_is_owed_no_doorbell(void **state)
{
	struct pair pair;
	pvn_u32 id;

	(void)state;
	open_pair(&pair, ENTRIES);
	for (id = 0; id < 4; id++)
		assert_true(push(&pair, id));
	pvn_front_publish(&pair.front);
	assert_int_equal(pvn_back_available(&pair.back), 4);
	assert_false(pvn_front_arm_group(&pair.front, 3));
	pvn_front_disarm(&pair.front);
	serve_and_publish(&pair, 0, 1, false);
	assert_false(pvn_back_owes(&pair.back));
	/* Not the third, but the first is looked for: and then it is awake. */
	assert_true(pvn_front_arm_group(&pair.front, 3));
	serve_and_publish(&pair, 1, 2, false);
	assert_false(pvn_back_owes(&pair.back));
	for (id = 0; id < 3; id++)
		take_one(&pair, id);
	assert_false(pvn_front_arm_group(&pair.front, 1));
	serve_and_publish(&pair, 3, 1, true);
	free(pair.base);
}

static void space_is_announced_when_it_was_asked_for(void **state)
{
	struct pair pair;
	pvn_u32 id;

	(void)state;
	open_pair(&pair, ENTRIES);
	for (id = 0; id < ENTRIES; id++)
		push(&pair, id);
	pvn_front_publish(&pair.front);
	pvn_front_arm(&pair.front, ENTRIES);	/* completions alone would not ring */
	assert_int_equal(pvn_front_untaken(&pair.front), ENTRIES);
	assert_false(pvn_front_arm_space(&pair.front, 2));
	pvn_back_available(&pair.back);
	serve_one(&pair, 0);
	assert_false(pvn_back_publish(&pair.back));
	serve_one(&pair, 1);
	assert_true(pvn_back_publish(&pair.back));
	assert_true(pvn_front_arm_space(&pair.front, 2));
	free(pair.base);
}

static void an_index_outside_of_the_window_breaks_the_queue_for_good(void **state)
{
	struct pair pair;
	struct pvn_sqe entry;

	(void)state;
	open_pair(&pair, ENTRIES);
	pair.front.mine->sq_tail = ENTRIES + 1;
	assert_int_equal(pvn_back_available(&pair.back), -1);
	assert_int_equal(pair.back.broken, PVN_RING_BAD_INDEX);
	assert_int_equal(pair.back.mine->error, PVN_RING_BAD_INDEX);
	pair.front.mine->sq_tail = 0;
	assert_int_equal(pvn_back_available(&pair.back), -1);
	assert_false(pvn_back_next(&pair.back, &entry));
	assert_false(pvn_back_arm(&pair.back));
	assert_false(pvn_back_publish(&pair.back));
	free(pair.base);
}

static void an_index_that_goes_back_breaks_the_queue(void **state)
{
	struct pair pair;

	(void)state;
	open_pair(&pair, ENTRIES);
	push(&pair, 0);
	pvn_front_publish(&pair.front);
	pvn_back_available(&pair.back);
	serve_one(&pair, 0);
	pair.front.mine->sq_tail = 0;
	assert_int_equal(pvn_back_available(&pair.back), -1);
	free(pair.base);
}

static void a_published_entry_that_was_not_written_breaks_the_queue(void **state)
{
	struct pair pair;
	struct pvn_sqe entry;

	(void)state;
	open_pair(&pair, ENTRIES);
	pair.front.mine->sq_tail = 1;
	assert_int_equal(pvn_back_available(&pair.back), 1);
	assert_false(pvn_back_next(&pair.back, &entry));
	assert_int_equal(pair.back.broken, PVN_RING_BAD_STAMP);
	free(pair.base);
}

static void a_frontend_that_does_not_wait_gets_no_more_than_a_ring_full_served(void **state)
{
	struct pair pair;
	struct pvn_sqe entry;
	pvn_u32 i;

	(void)state;
	open_pair(&pair, ENTRIES);
	for (i = 0; i < ENTRIES; i++)
		push(&pair, i);
	pvn_front_publish(&pair.front);
	assert_int_equal(pvn_back_available(&pair.back), ENTRIES);
	for (i = 0; i < ENTRIES; i++)
		assert_true(pvn_back_next(&pair.back, &entry));
	/* It pretends that everything had been completed. */
	pair.front.cq_head = ENTRIES;
	for (i = 0; i < ENTRIES; i++)
		push(&pair, i);
	pvn_front_publish(&pair.front);
	assert_int_equal(pvn_back_available(&pair.back), 0);
	assert_false(pvn_back_arm(&pair.back));	/* a completion wakes us, no doorbell */
	pvn_back_complete(&pair.back, 0, 0, 0);
	assert_int_equal(pvn_back_available(&pair.back), 1);
	free(pair.base);
}

static void completions_of_nothing_break_the_frontend(void **state)
{
	struct pair pair;
	struct pvn_cqe answer, *forged;

	(void)state;
	open_pair(&pair, ENTRIES);
	forged = pair.back.cq;
	forged[0].stamp = 1;
	assert_false(pvn_front_next(&pair.front, &answer));
	assert_int_equal(pair.front.broken, PVN_RING_BAD_INDEX);
	assert_false(push(&pair, 0));
	assert_false(pvn_front_publish(&pair.front));
	free(pair.base);
}

static void a_lying_head_breaks_the_frontend(void **state)
{
	struct pair pair;

	(void)state;
	open_pair(&pair, ENTRIES);
	pair.back.mine->sq_head = 5;
	assert_int_equal(pvn_front_untaken(&pair.front), -1);
	assert_int_equal(pair.front.broken, PVN_RING_BAD_INDEX);
	free(pair.base);
}

static void another_epoch_is_not_served(void **state)
{
	struct pair pair;

	(void)state;
	open_pair(&pair, ENTRIES);
	assert_false(pvn_back_attach(&pair.back, pair.base, ENTRIES, EPOCH + 1));
	assert_false(pvn_back_attach(&pair.back, pair.base, ENTRIES, 0));
	assert_true(pvn_back_attach(&pair.back, pair.base, ENTRIES, EPOCH));
	pair.front.mine->epoch = EPOCH + 1;
	assert_int_equal(pvn_back_available(&pair.back), -1);
	assert_int_equal(pair.back.broken, PVN_RING_BAD_EPOCH);
	free(pair.base);
}

static void more_completions_than_submissions_are_not_written(void **state)
{
	struct pair pair;

	(void)state;
	open_pair(&pair, ENTRIES);
	pvn_back_complete(&pair.back, 0, 0, 0);
	assert_int_equal(pair.back.cq_tail, 0);
	assert_int_equal(pair.back.cq[0].stamp, 0);
	free(pair.base);
}

static void polling_learns_from_what_waits_took(void **state)
{
	struct pvn_poll poll = { .floor_ns = 10, .ceiling_ns = 1000 };
	unsigned int i, tries = 0;

	(void)state;
	for (i = 0; i < 100; i++)
		pvn_poll_waited(&poll, 200);
	assert_int_equal(poll.budget_ns, 1000);	/* as long as sleeping would cost */
	pvn_poll_waited(&poll, 1ull << 40);	/* one pause is no habit */
	assert_true(poll.budget_ns > 0);
	for (i = 0; i < 100; i++)
		pvn_poll_waited(&poll, 1ull << 40);
	for (i = 0; i < 10 * (PVN_POLL_PROBE + PVN_POLL_TRIES); i++) {
		pvn_poll_waited(&poll, 1ull << 40);
		tries += poll.budget_ns != 0;
		assert_true(poll.budget_ns == 0 || poll.budget_ns == 1000);
	}
	assert_int_equal(tries, 10 * PVN_POLL_TRIES);
	for (i = 0; i < 100; i++)
		pvn_poll_waited(&poll, 5);
	assert_int_equal(poll.budget_ns, 1000);
	poll = (struct pvn_poll){ 0 };
	pvn_poll_waited(&poll, 100);
	assert_int_equal(poll.budget_ns, 0);
}

static void the_ceiling_goes_by_what_an_exit_costs(void **state)
{
	(void)state;
	assert_int_equal(pvn_poll_ceiling(0), 50000);
	assert_int_equal(pvn_poll_ceiling(600), 50000);
	assert_int_equal(pvn_poll_ceiling(2000), 100000);
	assert_int_equal(pvn_poll_ceiling(8000), 400000);
	assert_int_equal(pvn_poll_ceiling(~0ull), 1000000);
}

static void polling_learns_between_floor_and_ceiling(void **state)
{
	struct pvn_poll poll = { .floor_ns = 10, .ceiling_ns = 100 };
	unsigned int i;

	(void)state;
	pvn_poll_hit(&poll);
	assert_int_equal(poll.budget_ns, 10);
	for (i = 0; i < 8; i++)
		pvn_poll_hit(&poll);
	assert_int_equal(poll.budget_ns, 100);
	for (i = 0; i < 8; i++)
		pvn_poll_miss(&poll);
	assert_int_equal(poll.budget_ns, 10);
	poll.ceiling_ns = 0;
	pvn_poll_miss(&poll);
	assert_int_equal(poll.budget_ns, 0);
	pvn_poll_hit(&poll);
	assert_int_equal(poll.budget_ns, 0);
}

/* --- two threads that really sleep: a lost wake-up is a time-out --- */

enum { MESSAGES = 200000 };

static struct pair threads;
static sem_t to_back, to_front;

static bool sleep_on(sem_t *doorbell)
{
	struct timespec end;

	clock_gettime(CLOCK_REALTIME, &end);
	end.tv_sec += 10;
	return sem_timedwait(doorbell, &end) == 0;
}

static void *back_thread(void *context)
{
	struct pvn_queue_back *back = &threads.back;
	unsigned int served = 0;
	struct pvn_sqe entry;
	int available;

	while (served < MESSAGES) {
		available = pvn_back_available(back);
		if (available < 0)
			return NULL;
		while (available-- > 0 && pvn_back_next(back, &entry)) {
			pvn_back_complete(back, entry.id, 0, entry.id + 1);
			served++;
		}
		if (pvn_back_publish(back))
			sem_post(&to_front);
		if (served < MESSAGES && !pvn_back_arm(back) && !sleep_on(&to_back))
			return NULL;
	}
	return context;
}

static void sleeping_threads_never_miss_a_wakeup(void **state)
{
	struct pvn_queue_front *front = &threads.front;
	pvn_u32 sent = 0, got = 0;
	struct pvn_cqe answer;
	pthread_t thread;
	void *result;

	(void)state;
	open_pair(&threads, ENTRIES);
	sem_init(&to_back, 0, 0);
	sem_init(&to_front, 0, 0);
	assert_int_equal(pthread_create(&thread, NULL, back_thread, &threads), 0);
	while (got < MESSAGES) {
		unsigned int burst = sent % (ENTRIES + 1) + 1;

		while (burst-- && sent < MESSAGES && push(&threads, sent))
			sent++;
		if (pvn_front_publish(front))
			sem_post(&to_back);
		while (pvn_front_next(front, &answer)) {
			assert_int_equal(answer.id, got);
			got++;
		}
		if (pvn_front_room(front) && sent < MESSAGES)
			continue;
		if (got < MESSAGES && !pvn_front_arm(front, 1))
			assert_true(sleep_on(&to_front));
	}
	pthread_join(thread, &result);
	assert_non_null(result);
	assert_int_equal(front->broken, PVN_RING_OK);
	free(threads.base);
}

/* A peer that scribbles over its whole page at any time must not get us out of bounds. */
static void a_scribbling_frontend_never_gets_the_backend_out_of_bounds(void **state)
{
	unsigned int round, i, seed = 1;
	struct pvn_sqe entry;
	struct pair pair;
	int available;

	(void)state;
	for (round = 0; round < 20000; round++) {
		if (round % 100 == 0) {
			if (round)
				free(pair.base);
			open_pair(&pair, ENTRIES);
		}
		for (i = 0; i < 3; i++) {
			pvn_u32 *word = (pvn_u32 *)pair.base + rand_r(&seed) % 160;

			*word = rand_r(&seed) % 4 ? (pvn_u32)rand_r(&seed) % 20 :
				(pvn_u32)rand_r(&seed) << 1;
		}
		pair.front.mine->epoch = EPOCH;
		available = pvn_back_available(&pair.back);
		assert_true(available <= ENTRIES);
		while (available-- > 0 && pvn_back_next(&pair.back, &entry))
			if (rand_r(&seed) % 2)
				pvn_back_complete(&pair.back, entry.id, 0, 0);
		assert_true(pvn_back_in_flight(&pair.back) <= ENTRIES);
		pvn_back_publish(&pair.back);
		pvn_back_arm(&pair.back);
	}
	free(pair.base);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sizes_are_whole_pages_of_one_writer),
		cmocka_unit_test(entries_go_round_in_order_across_the_wrap_of_counters),
		cmocka_unit_test(a_full_ring_takes_no_more_until_something_is_completed),
		cmocka_unit_test(one_doorbell_wakes_a_sleeper_and_none_a_busy_peer),
		cmocka_unit_test(arming_too_late_says_that_there_is_work),
		cmocka_unit_test(a_stamp_behind_a_gap_breaks_the_queue),
		cmocka_unit_test(a_stamp_that_is_taken_back_breaks_the_queue),
		cmocka_unit_test(completions_can_be_asked_for_in_groups),
		cmocka_unit_test(completions_that_nobody_heard_of_are_rung_for_once),
		cmocka_unit_test(a_group_is_rung_for_once_and_its_rest_when_the_back_end_is_dry),
		cmocka_unit_test(a_front_end_that_is_awake_is_owed_no_doorbell),
		cmocka_unit_test(space_is_announced_when_it_was_asked_for),
		cmocka_unit_test(an_index_outside_of_the_window_breaks_the_queue_for_good),
		cmocka_unit_test(an_index_that_goes_back_breaks_the_queue),
		cmocka_unit_test(a_published_entry_that_was_not_written_breaks_the_queue),
		cmocka_unit_test(a_frontend_that_does_not_wait_gets_no_more_than_a_ring_full_served),
		cmocka_unit_test(completions_of_nothing_break_the_frontend),
		cmocka_unit_test(a_lying_head_breaks_the_frontend),
		cmocka_unit_test(another_epoch_is_not_served),
		cmocka_unit_test(more_completions_than_submissions_are_not_written),
		cmocka_unit_test(polling_learns_from_what_waits_took),
		cmocka_unit_test(the_ceiling_goes_by_what_an_exit_costs),
		cmocka_unit_test(polling_learns_between_floor_and_ceiling),
		cmocka_unit_test(sleeping_threads_never_miss_a_wakeup),
		cmocka_unit_test(a_scribbling_frontend_never_gets_the_backend_out_of_bounds),
	};

	return cmocka_run_group_tests_name("ring", tests, NULL, NULL);
}
