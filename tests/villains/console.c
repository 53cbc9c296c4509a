// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (C) The Paravane developers
 *
 * A hostile console front-end: counters of the byte streams, sizes, keys and states.
 * A broken stream is reported and left alone; the next connection is served.
 */
#include "device.h"

#define OUT_BYTES	4096u
#define PAGES		3u
#define STORM		20000u

static uint8_t block[PAGES * PVN_PAGE_SIZE] PAGE_ALIGNED;
static struct device console;
static struct pvn_bytes_out out;
static struct pvn_bytes_in in;

static struct pvn_console_front *mine(void)
{
	return (struct pvn_console_front *)block;
}

static struct pvn_console_back *peer(void)
{
	return (struct pvn_console_back *)(block + PVN_PAGE_SIZE + OUT_BYTES);
}

static void find(void)
{
	device_find(&console, "console", 0);
	expect(store_wait_number(back_key(&console, "protocol"), PVN_CONSOLE_PROTOCOL),
	       "the console has no back-end");
}

static void announce(void)
{
	memset(block, 0, sizeof(block));
	pvn_console_front_init(block, OUT_BYTES, &out, &in);
	pvn_ring_store(&mine()->epoch, ++console.epoch);
	device_put(&console, "protocol", PVN_CONSOLE_PROTOCOL);
	device_put(&console, "queue-count", 1);
	device_put(&console, "queue-0/ring-gpa", (uint64_t)block);
	device_put(&console, "queue-0/ring-bytes", OUT_BYTES);
	device_put(&console, "epoch", console.epoch);
}

static void connect(void)
{
	find();
	device_close(&console);
	announce();
	device_put(&console, "state", STATE_INITIALISED);
	expect(wait_until(pvn_ring_load(&peer()->epoch) == console.epoch, DEVICE_TIME),
	       "the console is not served");
	device_put(&console, "state", STATE_CONNECTED);
}

/* Text through the ring; all of it is taken in time. */
static bool say(const char *text, uint32_t bytes)
{
	bool notify = false;

	while (bytes) {
		uint32_t done = pvn_bytes_write(&out, text, bytes, &notify);

		text += done;
		bytes -= done;
		ring_doorbell(console.channel);
		if (!wait_until(pvn_ring_load(&peer()->out_head) == out.written, DEVICE_TIME))
			return false;
	}
	return true;
}

static void expect_service(void)
{
	connect();
	expect(say("the console goes on\n", 20), "the console does not take text");
	expect_equal("the back-end's error", peer()->error, PVN_RING_OK);
}

static void expect_broken(void)
{
	ring_doorbell(console.channel);
	expect(wait_until(pvn_ring_load(&peer()->error), DEVICE_TIME), "the back-end accepts it");
	expect_equal("the back-end's error", peer()->error, PVN_RING_BAD_INDEX);
	expect_service();
}

static void move_out_tail(uint32_t by)
{
	connect();
	pvn_ring_store(&mine()->out_tail, by);
	expect_broken();
}

CASE(output_beyond_the_ring)
{
	move_out_tail(OUT_BYTES + 1);
}

CASE(output_goes_backwards)
{
	connect();
	expect(say("text\n", 5), "the console does not take text");
	pvn_ring_store(&mine()->out_tail, 0);
	expect_broken();
}

CASE(output_at_the_sign_bit)
{
	move_out_tail(0x80000000);
}

CASE(output_of_all_ones)
{
	move_out_tail(~0u);
}

/* The head of the input: more taken than was ever typed. Breaks when something is typed. */
static void move_in_head(uint32_t to)
{
	connect();
	pvn_ring_store(&mine()->in_head, to);
	pvn_ring_store(&mine()->in_arm, to);
	ring_doorbell(console.channel);
	expect(say("input has a wild head\n", 22), "the console does not take text");
	expect_service();
}

CASE(input_head_ahead)
{
	move_in_head(1);
}

CASE(input_head_of_all_ones)
{
	move_in_head(~0u - 5000);
}

static void scribble_back(uint32_t value)
{
	connect();
	peer()->out_head = value;
	peer()->out_arm = value;
	peer()->in_tail = value;
	peer()->space_arm = value;
	ring_doorbell(console.channel);
	wait_for(20 * MSECS);
	expect_service();
}

CASE(console_back_ends_counters_of_ones)
{
	scribble_back(~0u);
}

CASE(console_back_ends_counters_of_zero)
{
	scribble_back(0);
}

CASE(output_without_end)
{
	static char text[OUT_BYTES];

	connect();
	memset(text, '.', sizeof(text));
	text[sizeof(text) - 1] = '\n';
	for (unsigned int i = 0; i < 64; i++)
		expect(say(text, sizeof(text)), "the console does not take text");
	expect_service();
}

CASE(output_of_every_byte)
{
	static char text[512];

	connect();
	for (unsigned int i = 0; i < sizeof(text) - 1; i++)
		text[i] = (char)i;
	text[sizeof(text) - 1] = '\n';
	expect(say(text, sizeof(text)), "the console does not take text");
	expect_service();
}

CASE(console_event_storm)
{
	connect();
	for (unsigned int i = 0; i < STORM; i++)
		ring_doorbell(console.channel);
	expect_service();
}

static void announce_with(const char *key, const char *value)
{
	connect();
	/* Connected before: that it looked and said no is seen in its state. */
	expect(store_wait_number(back_key(&console, "state"), STATE_CONNECTED),
	       "the console does not become connected");
	announce();
	device_put_text(&console, key, value);
	device_put(&console, "state", STATE_INITIALISED);
	expect(store_wait_number(back_key(&console, "state"), STATE_INIT_WAIT),
	       "the back-end's state is %ld, not 2",
	       (int64_t)store_number(back_key(&console, "state")));
	expect_equal("epoch that is served", peer()->epoch, 0);
	expect_service();
}

CASE(output_size_of_zero)
{
	announce_with("queue-0/ring-bytes", "0");
}

CASE(output_size_odd)
{
	announce_with("queue-0/ring-bytes", "5000");
}

CASE(output_size_too_large)
{
	announce_with("queue-0/ring-bytes", "131072");
}

CASE(console_ring_beyond_memory)
{
	announce_with("queue-0/ring-gpa", "0x2000000");
}

CASE(console_ring_across_the_end_of_memory)
{
	announce_with("queue-0/ring-gpa", "0x1ffe000");
}

CASE(console_ring_unaligned)
{
	announce_with("queue-0/ring-gpa", "0x200800");
}

CASE(console_epoch_of_another_ring)
{
	announce_with("epoch", "99");
}

CASE(console_protocol_of_the_future)
{
	announce_with("protocol", "2");
}

CASE(console_states_at_random)
{
	struct random random = { 0xda942042e4dd58b5ull };

	connect();
	for (unsigned int i = 0; i < 200; i++)
		device_put(&console, "state", random_next(&random) % 9);
	expect_service();
}
