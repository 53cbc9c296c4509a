// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (C) The Paravane developers
 *
 * pvn-entropyd as a process: good requests, bad ones, a broken ring, its end.
 *
 *	test_entropyd STORED ENTROPYD
 */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <sys/wait.h>

#include <cmocka.h>

#include <pvn/abi/io/entropy.h>

#include "harness.h"

static const char *stored, *entropyd;

struct source {
	struct harness harness;
	struct pvn_queue_front ring;
	uint8_t *ring_pages, *buffer;
	uint32_t epoch, id;
};

static void connect_source(struct source *source)
{
	struct harness *harness = &source->harness;

	memset(source->ring_pages, 0, pvn_ring_bytes(PVN_ENTROPY_ENTRIES));
	pvn_front_init(&source->ring, source->ring_pages, PVN_ENTROPY_ENTRIES, ++source->epoch);
	harness_write(harness, "protocol", "1");
	harness_write(harness, "queue-count", "1");
	harness_write(harness, "queue-0/ring-gpa", "0x%llx",
		      (unsigned long long)harness_gpa(harness, source->ring_pages));
	harness_write(harness, "queue-0/ring-entries", "%u", PVN_ENTROPY_ENTRIES);
	harness_write(harness, "epoch", "%u", source->epoch);
	harness_write(harness, "state", "3");
	harness_wait_state(harness, 4);
	harness_write(harness, "state", "4");
}

static void start(struct source *source)
{
	static const char *const nothing[] = { NULL };

	memset(source, 0, sizeof(*source));
	harness_start(&source->harness, stored, "entropy");
	source->ring_pages = source->harness.memory;
	source->buffer = source->harness.memory + (1 << 20);
	harness_spawn(&source->harness, entropyd, nothing);
	harness_wait_state(&source->harness, 2);
	connect_source(source);
}

static struct pvn_cqe ask(struct source *source, uint64_t gpa, uint32_t bytes)
{
	const struct pvn_entropy_request request = {
		.id = ++source->id, .gpa = gpa, .bytes = bytes,
	};
	struct pvn_cqe answer = { 0 };
	bool ready;

	assert_true(pvn_front_push(&source->ring, &request));
	ready = pvn_front_arm(&source->ring, 1);
	if (pvn_front_publish(&source->ring))
		harness_ring(&source->harness, 0);
	assert_true(ready || harness_hear(&source->harness, 0, 5000));
	assert_true(pvn_front_next(&source->ring, &answer));
	assert_int_equal(answer.id, source->id);
	return answer;
}

static unsigned int zeroes(const uint8_t *bytes, unsigned int count)
{
	unsigned int found = 0;

	while (count--)
		found += !bytes[count];
	return found;
}

static void random_bytes_come_and_no_more_than_asked_for(void **state)
{
	struct source source;
	struct pvn_cqe answer;

	(void)state;
	start(&source);
	answer = ask(&source, harness_gpa(&source.harness, source.buffer), PVN_ENTROPY_BYTES_MAX);
	assert_int_equal(answer.status, PVN_ENTROPY_OK);
	assert_in_range(answer.value, 1, PVN_ENTROPY_BYTES_MAX);
	assert_true(zeroes(source.buffer, answer.value) < answer.value / 32 + 8);
	memset(source.buffer, 0, 2 * PVN_PAGE_SIZE);
	answer = ask(&source, harness_gpa(&source.harness, source.buffer) + 100, 1);
	assert_int_equal(answer.value, 1);
	assert_int_equal(zeroes(source.buffer, 100), 100);
	assert_int_equal(zeroes(source.buffer + 101, 3000), 3000);
	harness_stop(&source.harness);
}

static void requests_that_make_no_sense_are_refused(void **state)
{
	const uint64_t end = HARNESS_GPA + HARNESS_BYTES;
	const struct {
		uint64_t gpa;
		uint32_t bytes;
	} bad[] = {
		{ HARNESS_GPA, 0 }, { HARNESS_GPA, 4097 }, { HARNESS_GPA, ~0u }, { HARNESS_GPA + 1, 4096 },
		{ HARNESS_GPA - 4096, 64 }, { end, 1 }, { end - 1, 2 }, { ~0ull, 1 }, { ~0ull, 4096 },
		{ 0, 1 },
	};
	struct source source;
	unsigned int i;

	(void)state;
	start(&source);
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct pvn_cqe answer = ask(&source, bad[i].gpa, bad[i].bytes);

		assert_int_equal(answer.status, PVN_ENTROPY_INVALID);
		assert_int_equal(answer.value, 0);
	}
	assert_true(harness_alive(&source.harness));
	harness_stop(&source.harness);
}

static void a_broken_ring_is_left_alone_until_the_next(void **state)
{
	struct source source;

	(void)state;
	start(&source);
	pvn_ring_store(&source.ring.mine->sq_tail, 77);
	harness_ring(&source.harness, 0);
	while (!pvn_ring_load(&source.ring.peer->error))
		assert_true(harness_alive(&source.harness));
	assert_int_equal(source.ring.peer->error, PVN_RING_BAD_INDEX);
	harness_write(&source.harness, "state", "6");
	harness_wait_state(&source.harness, 2);
	connect_source(&source);
	assert_int_equal(ask(&source, harness_gpa(&source.harness, source.buffer), 64).status,
			 PVN_ENTROPY_OK);
	harness_stop(&source.harness);
}

static void a_successor_serves_the_next_epoch(void **state)
{
	static const char *const nothing[] = { NULL };
	struct source source;

	(void)state;
	start(&source);
	harness_kill(&source.harness);
	harness_spawn(&source.harness, entropyd, nothing);
	harness_wait_state(&source.harness, 2);
	connect_source(&source);
	assert_int_equal(ask(&source, harness_gpa(&source.harness, source.buffer), 64).status,
			 PVN_ENTROPY_OK);
	harness_stop(&source.harness);
}

static void a_second_back_end_of_a_device_ends_and_the_first_serves_on(void **state)
{
	static const char *const nothing[] = { NULL };
	struct source source;
	struct harness second;
	int status;

	(void)state;
	start(&source);
	second = source.harness;
	harness_spawn(&second, entropyd, nothing);
	assert_int_equal(waitpid(second.backend, &status, 0), second.backend);
	assert_true(WIFEXITED(status) && WEXITSTATUS(status));
	assert_true(harness_alive(&source.harness));
	assert_int_equal(ask(&source, harness_gpa(&source.harness, source.buffer), 64).status,
			 PVN_ENTROPY_OK);
	harness_stop(&source.harness);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(random_bytes_come_and_no_more_than_asked_for),
		cmocka_unit_test(requests_that_make_no_sense_are_refused),
		cmocka_unit_test(a_broken_ring_is_left_alone_until_the_next),
		cmocka_unit_test(a_successor_serves_the_next_epoch),
		cmocka_unit_test(a_second_back_end_of_a_device_ends_and_the_first_serves_on),
	};

	if (argc != 3)
		return 2;
	stored = argv[1];
	entropyd = argv[2];
	return cmocka_run_group_tests(tests, NULL, NULL);
}
