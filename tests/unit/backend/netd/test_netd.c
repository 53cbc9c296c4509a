// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (C) The Paravane developers
 *
 * pvn-netd, whole, against a front-end in this program that uses the same
 * netfront_ring.c and ring.h as the guest's module: over a tap interface of a
 * network namespace of its own, and over the user network.
 *
 * usage: test_netd PVN_STORED PVN_NETD
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <linux/ethtool.h>
#include <linux/if_tun.h>
#include <linux/sockios.h>

#include <cmocka.h>

#include "frontend/net/netfront_ring.h"
#include "frames.h"
#include "harness.h"
#include "libpvn/tap.h"

enum {
	ENTRIES = 64,
	PAGE = 4096,
	FRAME_BYTES = 65600,
};

#define RING_AREA	0
#define TABLE_AREA	(1u << 20)
#define BUFFER_AREA	(2u << 20)
#define FRAME_AREA	(8u << 20)

static const char *stored_program, *netd_program;
static struct harness h;
static struct pvn_tap tap;
static bool may_use_taps;

static struct queue {
	struct netfront_ring tx, rx;
	struct netfront_slot tx_slots[ENTRIES], rx_slots[ENTRIES];
	void *tx_base, *rx_base;
} queue;

static uint32_t epoch;

/* Guest and root on the wire: 10.7.0.2 at 02:..:02, 10.7.0.1 at whatever Linux chose. */
static uint8_t root_mac[6];

/* --- front-end --- */

static void make_queue(void)
{
	unsigned int i;

	memset(&queue, 0, sizeof(queue));
	netfront_ring_init(&queue.tx, queue.tx_slots, ENTRIES);
	netfront_ring_init(&queue.rx, queue.rx_slots, ENTRIES);
	queue.tx_base = h.memory + RING_AREA;
	queue.rx_base = h.memory + RING_AREA + (256 << 10);
	for (i = 0; i < ENTRIES; i++) {
		queue.tx_slots[i].indirect = (struct pvn_net_segment *)
			(h.memory + TABLE_AREA + i * 512);
		queue.tx_slots[i].indirect_gpa = harness_gpa(&h, queue.tx_slots[i].indirect);
	}
}

static void ring_doorbell(bool needed)
{
	if (needed)
		harness_ring(&h, 0);
}

static void offer(uint8_t *page)
{
	struct netfront_slot *slot = netfront_begin(&queue.rx, PVN_NET_BUFFER);

	assert_non_null(slot);
	assert_true(netfront_add(slot, harness_gpa(&h, page), PAGE));
	assert_true(netfront_submit(&queue.rx, slot, page));
}

static void announce(void)
{
	unsigned int i;

	epoch++;
	while (netfront_abandon(&queue.tx) || netfront_abandon(&queue.rx))
		;
	memset(queue.tx_base, 0, pvn_ring_bytes(ENTRIES));
	memset(queue.rx_base, 0, pvn_ring_bytes(ENTRIES));
	netfront_ring_connect(&queue.tx, queue.tx_base, epoch);
	netfront_ring_connect(&queue.rx, queue.rx_base, epoch);
	for (i = 0; i < ENTRIES; i++)
		offer(h.memory + BUFFER_AREA + i * PAGE);
	pvn_front_publish(&queue.rx.queue);
	harness_write(&h, "queue-0/tx-ring-gpa", "0x%llx",
		      (unsigned long long)harness_gpa(&h, queue.tx_base));
	harness_write(&h, "queue-0/rx-ring-gpa", "0x%llx",
		      (unsigned long long)harness_gpa(&h, queue.rx_base));
	harness_write(&h, "queue-0/tx-ring-entries", "%d", ENTRIES);
	harness_write(&h, "queue-0/rx-ring-entries", "%d", ENTRIES);
	harness_write(&h, "protocol", "1");
	harness_write(&h, "queue-count", "1");
	harness_write(&h, "feature-csum", "1");
	harness_write(&h, "feature-tso4", "1");
	harness_write(&h, "feature-tso6", "1");
	harness_write(&h, "epoch", "%u", epoch);
	harness_write(&h, "state", "3");
}

static void connect_front(void)
{
	harness_wait_state(&h, 2);
	announce();
	harness_wait_state(&h, 4);
	harness_write(&h, "state", "4");
}

/* One frame from guest memory, in `pieces` pieces that lie apart; its status. */
static enum pvn_net_status send_frame(const uint8_t *data, uint32_t bytes, unsigned int pieces,
				      const struct pvn_net_offload *offload)
{
	struct netfront_slot *slot = netfront_begin(&queue.tx, PVN_NET_SEND);
	uint8_t *place = h.memory + FRAME_AREA;
	struct netfront_done done;
	uint32_t at = 0, here;
	unsigned int i;

	for (i = 0; i < pieces; i++) {
		here = i + 1 == pieces ? bytes - at : i ? (bytes - 54) / pieces : 54;
		memcpy(place, data + at, here);
		assert_true(netfront_add(slot, harness_gpa(&h, place), here));
		at += here;
		place += here + 100;
	}
	if (offload) {
		slot->request.flags |= PVN_NET_FLAG_CSUM;
		slot->request.offload = *offload;
	}
	assert_true(netfront_submit(&queue.tx, slot, &queue));
	ring_doorbell(pvn_front_publish(&queue.tx.queue));
	while (!netfront_next(&queue.tx, &done)) {
		assert_int_equal(queue.tx.queue.broken, PVN_RING_OK);
		if (!pvn_front_arm(&queue.tx.queue, 1))
			assert_true(harness_hear(&h, 0, 10000));
	}
	return done.status;
}

/* The next frame to the guest, or 0 after `ms` without one. */
static uint32_t receive_frame(uint8_t *frame, struct pvn_net_received *head, int ms)
{
	struct netfront_done done;
	uint32_t bytes = 0, skip;
	bool first = true, more = true;

	while (more) {
		if (!netfront_next(&queue.rx, &done)) {
			assert_int_equal(queue.rx.queue.broken, PVN_RING_OK);
			if (!pvn_front_arm(&queue.rx.queue, 1) && !harness_hear(&h, 0, ms))
				return 0;
			continue;
		}
		skip = first ? sizeof(*head) : 0;
		if (first)
			memcpy(head, done.cookie, sizeof(*head));
		more = done.value & PVN_NET_VALUE_MORE;
		memcpy(frame + bytes, (uint8_t *)done.cookie + skip,
		       (done.value & PVN_NET_VALUE_BYTES) - skip);
		bytes += (done.value & PVN_NET_VALUE_BYTES) - skip;
		first = false;
		offer(done.cookie);
	}
	ring_doorbell(pvn_front_publish(&queue.rx.queue));
	assert_int_equal(bytes, head->frame_bytes);
	return bytes;
}

/* --- the wire's other side --- */

static void set_address(const char *name, int control)
{
	struct ifreq request = { 0 };
	struct sockaddr_in *address = (struct sockaddr_in *)&request.ifr_addr;

	snprintf(request.ifr_name, sizeof(request.ifr_name), "%s", name);
	address->sin_family = AF_INET;
	inet_pton(AF_INET, "10.7.0.1", &address->sin_addr);
	assert_int_equal(ioctl(control, SIOCSIFADDR, &request), 0);
	inet_pton(AF_INET, "255.255.255.0", &address->sin_addr);
	assert_int_equal(ioctl(control, SIOCSIFNETMASK, &request), 0);
	assert_int_equal(ioctl(control, SIOCGIFHWADDR, &request), 0);
	memcpy(root_mac, request.ifr_hwaddr.sa_data, 6);
}

static int open_tap(void)
{
	struct pvn_problem problem = { 0 };
	int control = socket(AF_INET, SOCK_DGRAM, 0);

	tap = (struct pvn_tap){ .name = "pvntest", .queue_count = 2, .offloads = true };
	if (pvn_tap_open(&tap, &problem)) {
		print_message("# %s: %s\n", problem.where, problem.text);
		close(control);
		return -1;
	}
	set_address(tap.name, control);
	close(control);
	return 0;
}

static void spawn_on_tap(void)
{
	char fd[2][16];
	const char *more[] = {
		"--tap", tap.name, "--tap-fd", fd[0], "--tap-fd", fd[1], "--mtu", "1500", NULL,
	};
	unsigned int i;

	for (i = 0; i < 2; i++) {
		fcntl(tap.fd[i], F_SETFD, 0);
		snprintf(fd[i], sizeof(fd[i]), "%d", tap.fd[i]);
	}
	harness_spawn(&h, netd_program, more);
}

static void spawn_user(void)
{
	static const char *const more[] = { "--user", NULL };

	harness_spawn(&h, netd_program, more);
}

static int setup(void **state)
{
	(void)state;
	harness_start(&h, stored_program, "net");
	make_queue();
	return 0;
}

static int setup_tap(void **state)
{
	if (!may_use_taps)
		return setup(state);
	return setup(state) || open_tap();
}

static int teardown(void **state)
{
	(void)state;
	harness_stop(&h);
	if (tap.queue_count)
		pvn_tap_close(&tap);
	tap.queue_count = 0;
	return 0;
}

/* --- frames --- */

static void answer_arp(const uint8_t *question)
{
	uint8_t frame[60];

	frames_arp_request(frame, "10.7.0.2", "10.7.0.1");
	frame[21] = 2;
	memcpy(frame, question + 6, 6);
	memcpy(frame + 32, question + 22, 10);
	assert_int_equal(send_frame(frame, 60, 1, NULL), PVN_NET_OK);
}

/* Waits for the answer with this sequence; answers what Linux asks meanwhile. */
static uint32_t wait_echo(uint8_t *frame, uint16_t sequence)
{
	struct pvn_net_received head;
	uint32_t bytes;

	while ((bytes = receive_frame(frame, &head, 10000))) {
		if (frame[12] == 8 && frame[13] == 6 && frame[21] == 1)
			answer_arp(frame);
		if (bytes > 42 && frame[12] == 8 && !frame[13] && frame[23] == 1 && !frame[34] &&
		    (frame[40] << 8 | frame[41]) == sequence)
			return bytes;
	}
	return 0;
}

static void check_echo(uint16_t payload, uint16_t sequence, unsigned int pieces)
{
	static uint8_t out[FRAME_BYTES], in[FRAME_BYTES];
	uint32_t bytes = frames_echo_request(out, root_mac, payload, sequence);

	assert_int_equal(send_frame(out, bytes, pieces, NULL), PVN_NET_OK);
	assert_int_equal(wait_echo(in, sequence), bytes);
	assert_memory_equal(in + 42, out + 42, payload);
}

/* --- tests --- */

static void skip_without_taps(void)
{
	if (!may_use_taps)
		skip();
}

static void features_are_published(void **state)
{
	uint64_t value;
	char path[128];

	(void)state;
	skip_without_taps();
	spawn_on_tap();
	harness_wait_state(&h, 2);
	snprintf(path, sizeof(path), "%s/mtu", h.back);
	assert_int_equal(pvn_store_read_u64(h.store, 0, path, &value), 0);
	assert_int_equal(value, 1500);
	snprintf(path, sizeof(path), "%s/feature-tso4", h.back);
	assert_int_equal(pvn_store_read_u64(h.store, 0, path, &value), 0);
	assert_int_equal(value, 1);
	snprintf(path, sizeof(path), "%s/link", h.back);
	assert_int_equal(pvn_store_read_u64(h.store, 0, path, &value), 0);
	assert_int_equal(value, 1);
}

static void frames_reach_the_root_and_come_back_whole(void **state)
{
	uint16_t i;

	(void)state;
	skip_without_taps();
	spawn_on_tap();
	connect_front();
	for (i = 1; i <= 100; i++)
		check_echo((uint16_t)(i * 14), i, 1 + i % 8);
}

/* Linux cuts what it was sent, and joins nothing: the count of packets tells. */
static void a_frame_larger_than_the_wire_is_cut_by_the_root(void **state)
{
	static uint8_t frame[FRAME_BYTES];
	const struct pvn_net_offload offload = {
		.gso = PVN_NET_GSO_TCP4, .header_bytes = 54, .gso_size = 1000,
		.csum_start = 34, .csum_offset = 16,
	};
	struct pvn_net_received head;
	static uint8_t in[FRAME_BYTES];
	uint32_t bytes;

	(void)state;
	skip_without_taps();
	spawn_on_tap();
	connect_front();
	check_echo(10, 1, 1);
	/* Data for a connection that does not exist: the answer is one reset, for its end. */
	memset(frame, 0, 54);
	frames_ethernet(frame, root_mac, 0x0800);
	frame[14] = 0x45;
	frames_put16(frame + 16, 40 + 20000);
	frame[22] = 64;
	frame[23] = 6;
	inet_pton(AF_INET, "10.7.0.2", frame + 26);
	inet_pton(AF_INET, "10.7.0.1", frame + 30);
	frames_put16(frame + 24, frames_sum(frame + 14, 20, 0));
	frames_put16(frame + 34, 1234);
	frames_put16(frame + 36, 4321);
	frame[46] = 0x50;
	frame[47] = 0x10;	/* ACK */
	frames_put16(frame + 42 + 2, 7);
	/* The pseudo header's sum, as for any checksum that is to be completed. */
	frames_put16(frame + 50, (uint16_t)~frames_sum(frame + 26, 8, 6 + 20 + 20000));
	assert_int_equal(send_frame(frame, 20054, 6, &offload), PVN_NET_OK);
	do {
		bytes = receive_frame(in, &head, 10000);
		assert_int_not_equal(bytes, 0);
	} while (in[23] != 6);
	assert_int_equal(in[47] & 4, 4);
	assert_int_equal(in[36] << 8 | in[37], 1234);
}

static void bad_requests_are_answered_and_the_queue_lives_on(void **state)
{
	static uint8_t frame[FRAME_BYTES];
	struct pvn_net_offload bad = { .gso = 77, .gso_size = 1 };
	struct netfront_slot *slot;
	struct netfront_done done;

	(void)state;
	skip_without_taps();
	spawn_on_tap();
	connect_front();
	assert_int_equal(send_frame(frame, 100, 1, &bad), PVN_NET_INVALID);
	assert_int_equal(send_frame(frame, 5000, 2, NULL), PVN_NET_INVALID);
	slot = netfront_begin(&queue.tx, PVN_NET_SEND);
	netfront_add(slot, UINT64_MAX - 100, 100);
	assert_true(netfront_submit(&queue.tx, slot, &queue));
	ring_doorbell(pvn_front_publish(&queue.tx.queue));
	while (!netfront_next(&queue.tx, &done))
		if (!pvn_front_arm(&queue.tx.queue, 1))
			assert_true(harness_hear(&h, 0, 10000));
	assert_int_equal(done.status, PVN_NET_INVALID);
	check_echo(100, 1, 1);
}

static void a_hostile_index_breaks_the_queue_until_reset(void **state)
{
	struct pvn_ring_front *front = queue.tx_base;
	unsigned int tries = 5000;

	(void)state;
	skip_without_taps();
	spawn_on_tap();
	connect_front();
	check_echo(100, 1, 1);
	pvn_ring_store(&front->sq_tail, 0x7fffffff);
	harness_ring(&h, 0);
	while (!pvn_ring_load(&queue.tx.queue.peer->error) && tries--)
		usleep(1000);
	assert_int_equal(pvn_ring_load(&queue.tx.queue.peer->error), PVN_RING_BAD_INDEX);
	assert_true(harness_alive(&h));
	harness_write(&h, "state", "6");
	harness_wait_state(&h, 2);
	harness_write(&h, "state", "1");
	connect_front();
	check_echo(100, 2, 1);
}

static void a_killed_back_end_is_followed_by_another(void **state)
{
	uint16_t i;

	(void)state;
	skip_without_taps();
	spawn_on_tap();
	connect_front();
	for (i = 1; i <= 10; i++) {
		check_echo(1400, i, 3);
		harness_kill(&h);
		spawn_on_tap();
		connect_front();
	}
	check_echo(1400, 99, 3);
}

/* By the store, as pvn net does it. */
static void the_guard_holds_back_what_is_not_the_interfaces(void **state)
{
	static uint8_t frame[FRAME_BYTES];
	char path[128];
	uint32_t bytes;

	(void)state;
	skip_without_taps();
	snprintf(path, sizeof(path), "%s/mac", h.back);
	assert_int_equal(pvn_store_printf(h.store, 0, path, "02:00:00:00:00:02"), 0);
	spawn_on_tap();
	connect_front();
	bytes = frames_arp_request(frame, "10.7.0.2", "10.7.0.1");
	frame[27] ^= 1;
	assert_int_equal(send_frame(frame, bytes, 1, NULL), PVN_NET_OK);
	snprintf(path, sizeof(path), "%s/guard", h.back);
	assert_int_equal(pvn_store_printf(h.store, 0, path, "1"), 0);
	snprintf(path, sizeof(path), "%s/command", h.back);
	assert_int_equal(pvn_store_printf(h.store, 0, path, "look"), 0);
	assert_int_equal(pvn_store_wait_value(h.store, path, "", 10000), 1);
	assert_int_equal(send_frame(frame, bytes, 1, NULL), PVN_NET_REFUSED);
	frame[27] ^= 1;
	assert_int_equal(send_frame(frame, bytes, 1, NULL), PVN_NET_OK);
}

static void a_second_back_end_of_the_same_interface_ends(void **state)
{
	pid_t first;
	int status;

	(void)state;
	skip_without_taps();
	spawn_on_tap();
	connect_front();
	first = h.backend;
	spawn_on_tap();
	assert_int_equal(waitpid(h.backend, &status, 0), h.backend);
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 1);
	h.backend = first;
	check_echo(100, 1, 1);
}

static void a_tap_that_disappears_takes_the_link_down(void **state)
{
	struct ifreq request = { 0 };
	char path[128];

	(void)state;
	skip_without_taps();
	spawn_on_tap();
	connect_front();
	check_echo(100, 1, 1);
	memcpy(request.ifr_name, tap.name, sizeof(tap.name));
	assert_int_equal(system("ip link del pvntest"), 0);
	snprintf(path, sizeof(path), "%s/link", h.back);
	assert_int_equal(pvn_store_wait_value(h.store, path, "0", 10000), 1);
}

static void the_user_network_answers_without_any_configuration(void **state)
{
	struct pvn_net_received head;
	uint8_t frame[2048];
	uint32_t bytes;

	(void)state;
	spawn_user();
	connect_front();
	bytes = frames_arp_request(frame, "10.0.2.15", "10.0.2.2");
	assert_int_equal(send_frame(frame, bytes, 1, NULL), PVN_NET_OK);
	do {
		bytes = receive_frame(frame, &head, 10000);
		assert_int_not_equal(bytes, 0);
	} while (!frames_is_arp_reply(frame, bytes));
	assert_int_equal(frame[28], 10);
	assert_int_equal(frame[31], 2);
}

static void counters_are_told_when_asked_for(void **state)
{
	uint8_t frame[2048];
	char path[128], *text;
	uint32_t bytes;

	(void)state;
	spawn_user();
	connect_front();
	bytes = frames_arp_request(frame, "10.0.2.15", "10.0.2.2");
	assert_int_equal(send_frame(frame, bytes, 1, NULL), PVN_NET_OK);
	snprintf(path, sizeof(path), "%s/command", h.back);
	assert_int_equal(pvn_store_printf(h.store, 0, path, "count"), 0);
	assert_int_equal(pvn_store_wait_value(h.store, path, "", 10000), 1);
	text = pvn_store_readf(h.store, 0, "%s/queue-0/counters", h.back);
	assert_non_null(text);
	assert_ptr_equal(strstr(text, "sent=1 bytes_sent="), text);
	free(text);
}

static void the_user_network_offers_no_offloads(void **state)
{
	const struct pvn_net_offload offload = { .csum_start = 34, .csum_offset = 16 };
	uint8_t frame[100] = { 0 };

	(void)state;
	spawn_user();
	connect_front();
	assert_int_equal(send_frame(frame, 100, 1, &offload), PVN_NET_UNSUPPORTED);
}

static void ask_and_hear(int line)
{
	struct pollfd readable = { .fd = line, .events = POLLIN };
	uint8_t frame[2048];
	uint32_t bytes = frames_arp_request(frame, "10.0.2.15", "10.0.2.2");

	assert_int_equal(write(line, frame, bytes), bytes);
	do {
		assert_int_equal(poll(&readable, 1, 10000), 1);
		bytes = (uint32_t)read(line, frame, sizeof(frame));
	} while (!frames_is_arp_reply(frame, bytes));
	assert_int_equal(frame[28], 10);
	assert_int_equal(frame[31], 2);
}

/* Without rings: a packet of the socket is a frame, whatever its length. */
static void an_emulated_card_reaches_the_user_network(void **state)
{
	static const size_t lengths[] = { 1, 13, 14, 9018, 12000 };
	const char *more[] = { "--user", "--stream", NULL, NULL };
	uint8_t frame[12000] = { 255, 255, 255, 255, 255, 255 };
	char text[16];
	int line[2];
	size_t i;

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0, line), 0);
	snprintf(text, sizeof(text), "%d", line[1]);
	more[2] = text;
	fcntl(line[0], F_SETFD, FD_CLOEXEC);
	harness_spawn(&h, netd_program, more);
	ask_and_hear(line[0]);
	for (i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++)
		assert_int_equal(write(line[0], frame, lengths[i]), lengths[i]);
	ask_and_hear(line[0]);
	close(line[0]);
	close(line[1]);
}

static uint32_t offload_of(const char *name, uint32_t command)
{
	struct ethtool_value value = { .cmd = command };
	struct ifreq request = { .ifr_data = (void *)&value };
	int control = socket(AF_INET, SOCK_DGRAM, 0);

	snprintf(request.ifr_name, sizeof(request.ifr_name), "%s", name);
	assert_int_equal(ioctl(control, SIOCETHTOOL, &request), 0);
	close(control);
	return value.data;
}

/* An emulated card wants whole frames with checksums, whoever had the tap before. */
static void a_tap_forgets_the_offloads_of_its_last_user(void **state)
{
	const struct pvn_tap_offloads offloads = { .checksum = true, .tso4 = true };
	struct pvn_problem problem = { 0 };
	struct pvn_tap fresh = { .name = "pvntest2", .queue_count = 1, .offloads = true };

	(void)state;
	skip_without_taps();
	assert_int_equal(pvn_tap_open(&fresh, &problem), 0);
	assert_int_equal(pvn_tap_set_offloads(fresh.fd[0], &offloads), 0);
	assert_int_equal(offload_of(fresh.name, ETHTOOL_GTSO), 1);
	assert_int_equal(ioctl(fresh.fd[0], TUNSETPERSIST, 1), 0);
	pvn_tap_close(&fresh);
	fresh.offloads = false;
	assert_int_equal(pvn_tap_open(&fresh, &problem), 0);
	assert_int_equal(offload_of(fresh.name, ETHTOOL_GTSO), 0);
	assert_int_equal(offload_of(fresh.name, ETHTOOL_GTXCSUM), 0);
	assert_int_equal(ioctl(fresh.fd[0], TUNSETPERSIST, 0), 0);
	pvn_tap_close(&fresh);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
#define TAP_TEST(f) cmocka_unit_test_setup_teardown(f, setup_tap, teardown)
#define USER_TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
		TAP_TEST(features_are_published),
		TAP_TEST(frames_reach_the_root_and_come_back_whole),
		TAP_TEST(a_frame_larger_than_the_wire_is_cut_by_the_root),
		TAP_TEST(bad_requests_are_answered_and_the_queue_lives_on),
		TAP_TEST(a_hostile_index_breaks_the_queue_until_reset),
		TAP_TEST(a_killed_back_end_is_followed_by_another),
		TAP_TEST(the_guard_holds_back_what_is_not_the_interfaces),
		TAP_TEST(a_second_back_end_of_the_same_interface_ends),
		TAP_TEST(a_tap_that_disappears_takes_the_link_down),
		USER_TEST(the_user_network_answers_without_any_configuration),
		USER_TEST(counters_are_told_when_asked_for),
		USER_TEST(the_user_network_offers_no_offloads),
		USER_TEST(an_emulated_card_reaches_the_user_network),
		TAP_TEST(a_tap_forgets_the_offloads_of_its_last_user),
	};

	if (argc != 3)
		return 2;
	stored_program = argv[1];
	netd_program = argv[2];
	/* Taps need a network namespace of our own, which not everybody may make. */
	may_use_taps = (!unshare(CLONE_NEWNET) || !unshare(CLONE_NEWUSER | CLONE_NEWNET)) &&
		       !access("/dev/net/tun", F_OK);
	return cmocka_run_group_tests_name("netd", tests, NULL, NULL);
}
