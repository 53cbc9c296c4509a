// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (C) The Paravane developers
 *
 * The server's end of a guest's page, with a guest that does what it likes.
 */
#include "fixture.h"

#include <stdlib.h>
#include <string.h>

#include "ring.h"

static struct pvn_store_page page;
static struct ring ring;

static int setup(void **state)
{
	(void)state;
	memset(&page, 0, sizeof(page));
	/* Close to the end of the number range: indices run over. */
	page.req_cons = page.req_prod = 0xfffffff0u;
	page.rsp_cons = page.rsp_prod = 0xffffff00u;
	ring_attach(&ring, &page, STORE_FEATURES);
	return 0;
}

static void guest_puts(const char *data, size_t len)
{
	for (size_t i = 0; i < len; i++)
		page.req[page.req_prod++ % PVN_STORE_RING_BYTES] = data[i];
}

static void bytes_come_and_go_across_both_ends(void **state)
{
	struct iovec piece = { "reply", 5 };
	char data[64];
	char got[5];

	(void)state;
	for (int round = 0; round < 1000; round++) {
		guest_puts("request", 7);
		assert_int_equal(ring_receive(&ring, data, sizeof(data)), 7);
		assert_memory_equal(data, "request", 7);
		assert_int_not_equal(page.req_cons, page.req_prod);
		ring_publish(&ring);
		assert_int_equal(page.req_cons, page.req_prod);
		assert_int_equal(ring_send(&ring, &piece, 1), 5);
		ring_publish(&ring);
		for (int i = 0; i < 5; i++)
			got[i] = page.rsp[page.rsp_cons++ % PVN_STORE_RING_BYTES];
		assert_memory_equal(got, "reply", 5);
		assert_int_equal(page.rsp_cons, page.rsp_prod);
	}
}

static void a_full_ring_takes_what_fits(void **state)
{
	static char big[3000];
	struct iovec pieces[2] = { { big, 1000 }, { big, 1000 } };

	(void)state;
	assert_int_equal(ring_send(&ring, pieces, 2), 1024);
	assert_int_equal(ring_send(&ring, pieces, 2), 0);
	page.rsp_cons += 10;
	assert_int_equal(ring_send(&ring, pieces, 2), 10);
	guest_puts(big, 1024);
	assert_int_equal(ring_receive(&ring, big, 100), 100);
	assert_int_equal(ring_receive(&ring, big, 3000), 924);
	assert_int_equal(ring_receive(&ring, big, 3000), 0);
}

/* XSA-38, XSA-86: impossible indices are refused, and nothing is copied. */
static void xsa_38_impossible_indices_are_refused(void **state)
{
	struct iovec piece = { "x", 1 };
	char data[2048];

	(void)state;
	page.req_prod = ring.req_cons + 1025;
	assert_int_equal(ring_receive(&ring, data, sizeof(data)), -1);
	page.req_prod = ring.req_cons - 1;
	assert_int_equal(ring_receive(&ring, data, sizeof(data)), -1);
	page.rsp_cons = ring.rsp_prod + 1;
	assert_int_equal(ring_send(&ring, &piece, 1), -1);
	page.rsp_cons = ring.rsp_prod - 1025;
	assert_int_equal(ring_send(&ring, &piece, 1), -1);
}

static void our_own_indices_in_the_page_are_not_believed(void **state)
{
	struct iovec piece = { "x", 1 };
	char data[16];

	(void)state;
	guest_puts("abc", 3);
	page.req_cons = 12345;
	page.rsp_prod = 54321;
	assert_int_equal(ring_receive(&ring, data, sizeof(data)), 3);
	assert_memory_equal(data, "abc", 3);
	assert_int_equal(ring_send(&ring, &piece, 1), 1);
	ring_publish(&ring);
	assert_int_equal(page.req_cons, page.req_prod);
	assert_int_equal(page.rsp_prod, page.rsp_cons + 1);
}

static void reconnecting_empties_both_directions(void **state)
{
	char data[16];

	(void)state;
	guest_puts("stale", 5);
	page.rsp_cons += 77;
	page.connection = PVN_STORE_RECONNECT;
	ring_fail(&ring, PVN_STORE_RING_INDEX);
	assert_int_equal(page.error, PVN_STORE_RING_INDEX);
	assert_true(ring_reconnect_requested(&ring));
	ring_empty(&ring);
	ring_connect(&ring);
	assert_false(ring_reconnect_requested(&ring));
	assert_int_equal(page.error, PVN_STORE_RING_OK);
	assert_int_equal(page.req_cons, page.req_prod);
	assert_int_equal(page.rsp_cons, page.rsp_prod);
	assert_int_equal(ring_receive(&ring, data, sizeof(data)), 0);
}

static void a_page_of_noise_does_no_harm(void **state)
{
	uint8_t data[5000];
	struct iovec piece = { data, 700 };

	(void)state;
	srand(3);
	memset(data, 0, sizeof(data));
	for (int round = 0; round < 100000; round++) {
		ssize_t got;

		page.req_prod = ring.req_cons + (uint32_t)rand() % 2000;
		page.rsp_cons = ring.rsp_prod - (uint32_t)rand() % 2000;
		page.req_cons = rand();
		page.rsp_prod = rand();
		got = ring_receive(&ring, data, rand() % sizeof(data));
		assert_in_range(got + 1, 0, 1025);
		got = ring_send(&ring, &piece, 1);
		assert_in_range(got + 1, 0, 701);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(bytes_come_and_go_across_both_ends, setup),
		cmocka_unit_test_setup(a_full_ring_takes_what_fits, setup),
		cmocka_unit_test_setup(xsa_38_impossible_indices_are_refused, setup),
		cmocka_unit_test_setup(our_own_indices_in_the_page_are_not_believed, setup),
		cmocka_unit_test_setup(reconnecting_empties_both_directions, setup),
		cmocka_unit_test_setup(a_page_of_noise_does_no_harm, setup),
	};

	return cmocka_run_group_tests_name("stored ring", tests, NULL, NULL);
}
