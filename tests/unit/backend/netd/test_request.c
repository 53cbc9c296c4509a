// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (C) The Paravane developers
 *
 * What pvn-netd accepts from a guest (backend/netd/request.c).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "netd/request.h"

#define GPA	0x100000ull
#define BYTES	(1ull << 20)

static struct pvn_guest_memory memory;
static uint8_t *ram;
static struct net_limits limits;
static struct net_frame frame;
static struct net_buffer buffer;

static int setup(void **state)
{
	(void)state;
	memset(&memory, 0, sizeof(memory));
	ram = aligned_alloc(PVN_PAGE_SIZE, BYTES);
	memset(ram, 0, BYTES);
	limits = (struct net_limits){ .mtu = 1500, .csum = true, .tso4 = true, .tso6 = true };
	return pvn_memory_add(&memory, GPA, BYTES, ram);
}

static int teardown(void **state)
{
	(void)state;
	free(ram);
	return 0;
}

static struct pvn_net_request a_frame(void)
{
	return (struct pvn_net_request){
		.op = PVN_NET_SEND, .segment_count = 2, .id = 7,
		.gpa = { GPA + 2, GPA + 4096 }, .bytes = { 54, 1000 },
	};
}

static struct pvn_net_request a_tcp_frame(void)
{
	struct pvn_net_request request = a_frame();

	request.flags = PVN_NET_FLAG_CSUM;
	request.offload = (struct pvn_net_offload){
		.gso = PVN_NET_GSO_TCP4, .header_bytes = 54, .gso_size = 1460,
		.csum_start = 34, .csum_offset = 16,
	};
	request.bytes[1] = 60000;
	return request;
}

static enum pvn_net_status check(struct pvn_net_request request)
{
	return net_frame_check(&request, &limits, &memory, &frame);
}

static enum pvn_net_status check_buffer(struct pvn_net_request request)
{
	return net_buffer_check(&request, &memory, &buffer);
}

static void a_good_frame_names_guest_memory(void **state)
{
	(void)state;
	assert_int_equal(check(a_frame()), PVN_NET_OK);
	assert_int_equal(frame.id, 7);
	assert_int_equal(frame.bytes, 1054);
	assert_int_equal(frame.part_count, 3);
	assert_ptr_equal(frame.part[0].iov_base, &frame.header);
	assert_int_equal(frame.part[0].iov_len, 12);
	assert_ptr_equal(frame.part[1].iov_base, ram + 2);
	assert_ptr_equal(frame.part[2].iov_base, ram + 4096);
	assert_int_equal(frame.header.hdr.flags | frame.header.hdr.gso_type, 0);
}

static void unknown_operations_and_flags_are_unsupported(void **state)
{
	struct pvn_net_request request = a_frame();

	(void)state;
	request.op = PVN_NET_BUFFER;
	assert_int_equal(check(request), PVN_NET_UNSUPPORTED);
	request.op = 255;
	assert_int_equal(check(request), PVN_NET_UNSUPPORTED);
	request = a_frame();
	request.flags = 0x80;
	assert_int_equal(check(request), PVN_NET_UNSUPPORTED);
	request = a_frame();
	request.reserved[1] = 1;
	assert_int_equal(check(request), PVN_NET_INVALID);
}

static void memory_that_is_not_the_guests_is_refused(void **state)
{
	static const uint64_t places[] = { 0, GPA - 1, GPA + BYTES, GPA + BYTES - 999, UINT64_MAX };
	struct pvn_net_request request;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		request = a_frame();
		request.gpa[1] = places[i];
		assert_int_equal(check(request), PVN_NET_INVALID);
	}
	request = a_frame();
	request.bytes[1] = UINT32_MAX;
	assert_int_equal(check(request), PVN_NET_INVALID);
}

static void empty_and_short_and_long_frames_are_refused(void **state)
{
	struct pvn_net_request request = a_frame();

	(void)state;
	request.segment_count = 0;
	assert_int_equal(check(request), PVN_NET_INVALID);
	request.segment_count = 4;
	assert_int_equal(check(request), PVN_NET_INVALID);
	request = a_frame();
	request.bytes[1] = 0;
	assert_int_equal(check(request), PVN_NET_INVALID);
	request = a_frame();
	request.bytes[0] = 13;		/* no room for the Ethernet header */
	assert_int_equal(check(request), PVN_NET_INVALID);
	request = a_frame();
	request.bytes[1] = 1500 + 14 + 8 - 54;
	assert_int_equal(check(request), PVN_NET_OK);
	request.bytes[1]++;
	assert_int_equal(check(request), PVN_NET_INVALID);
}

static void a_frame_to_be_cut_is_described_to_linux(void **state)
{
	struct pvn_net_request request = a_tcp_frame();

	(void)state;
	request.offload.gso |= PVN_NET_GSO_ECN;
	assert_int_equal(check(request), PVN_NET_OK);
	assert_int_equal(frame.header.hdr.flags, VIRTIO_NET_HDR_F_NEEDS_CSUM);
	assert_int_equal(frame.header.hdr.gso_type,
			 VIRTIO_NET_HDR_GSO_TCPV4 | VIRTIO_NET_HDR_GSO_ECN);
	assert_int_equal(frame.header.hdr.gso_size, 1460);
	assert_int_equal(frame.header.hdr.hdr_len, 54);
	assert_int_equal(frame.header.hdr.csum_start, 34);
	assert_int_equal(frame.header.hdr.csum_offset, 16);
}

static void offloads_that_were_not_offered_are_unsupported(void **state)
{
	(void)state;
	limits.tso4 = false;
	assert_int_equal(check(a_tcp_frame()), PVN_NET_UNSUPPORTED);
	limits.tso4 = true;
	limits.csum = false;
	assert_int_equal(check(a_tcp_frame()), PVN_NET_UNSUPPORTED);
}

static void offloads_that_do_not_fit_their_frame_are_refused(void **state)
{
	struct pvn_net_request request;

	(void)state;
	request = a_tcp_frame();
	request.flags = 0;		/* cut without a checksum to compute */
	assert_int_equal(check(request), PVN_NET_INVALID);
	request = a_tcp_frame();
	request.offload.gso = 3;
	assert_int_equal(check(request), PVN_NET_UNSUPPORTED);
	request = a_tcp_frame();
	request.offload.gso = PVN_NET_GSO_ECN;
	assert_int_equal(check(request), PVN_NET_UNSUPPORTED);
	request = a_tcp_frame();
	request.offload.gso_size = PVN_NET_GSO_SIZE_MIN - 1;
	assert_int_equal(check(request), PVN_NET_INVALID);
	request = a_tcp_frame();
	request.offload.gso_size = 1600;	/* segments longer than the wire takes */
	assert_int_equal(check(request), PVN_NET_INVALID);
	request = a_tcp_frame();
	request.offload.header_bytes = 55;	/* headers are not in the first segment */
	assert_int_equal(check(request), PVN_NET_INVALID);
	request = a_tcp_frame();
	request.offload.header_bytes = 20;	/* end before the checksum's start */
	assert_int_equal(check(request), PVN_NET_INVALID);
	request = a_frame();
	request.flags = PVN_NET_FLAG_CSUM;
	request.offload.csum_start = 1053;
	assert_int_equal(check(request), PVN_NET_INVALID);
	request.offload.csum_start = UINT16_MAX;
	request.offload.csum_offset = UINT16_MAX;
	assert_int_equal(check(request), PVN_NET_INVALID);
	request.offload.csum_start = 13;
	request.offload.csum_offset = 0;
	assert_int_equal(check(request), PVN_NET_INVALID);
	request = a_frame();
	request.offload.csum_start = 34;	/* said, but not asked for */
	assert_int_equal(check(request), PVN_NET_INVALID);
}

static void a_table_of_segments_is_read_within_bounds(void **state)
{
	struct pvn_net_segment *table = (struct pvn_net_segment *)(ram + 8192);
	struct pvn_net_request request = {
		.op = PVN_NET_SEND, .flags = PVN_NET_FLAG_INDIRECT, .segment_count = 20,
		.gpa = { GPA + 8192 },
	};
	unsigned int i;

	(void)state;
	for (i = 0; i < PVN_NET_SEGMENTS_MAX; i++)
		table[i] = (struct pvn_net_segment){ .gpa = GPA + 16384 + i * 100, .bytes = 50 };
	assert_int_equal(check(request), PVN_NET_OK);
	assert_int_equal(frame.bytes, 1000);
	assert_int_equal(frame.part_count, 21);
	table[3].reserved = 1;
	assert_int_equal(check(request), PVN_NET_INVALID);
	table[3].reserved = 0;
	request.segment_count = PVN_NET_SEGMENTS_MAX + 1;
	assert_int_equal(check(request), PVN_NET_INVALID);
	request.segment_count = 20;
	request.gpa[0] = GPA + 8192 + 8;	/* not on a multiple of 16 */
	assert_int_equal(check(request), PVN_NET_INVALID);
	request.gpa[0] = GPA + 8192 + 4096 - 16;	/* crosses a page */
	assert_int_equal(check(request), PVN_NET_INVALID);
	request.gpa[0] = GPA + BYTES;
	assert_int_equal(check(request), PVN_NET_INVALID);
}

static void segments_do_not_add_up_to_more_than_a_frame(void **state)
{
	struct pvn_net_request request = a_tcp_frame();

	(void)state;
	request.bytes[1] = PVN_NET_FRAME_MAX - 54;
	assert_int_equal(check(request), PVN_NET_OK);
	request.bytes[1]++;
	assert_int_equal(check(request), PVN_NET_INVALID);
}

static void buffers_are_whole_and_the_guests(void **state)
{
	const struct pvn_net_request good = {
		.op = PVN_NET_BUFFER, .segment_count = 1, .id = 9, .gpa = { GPA + 4096 },
		.bytes = { 4096 },
	};
	struct pvn_net_request request = good;

	(void)state;
	assert_int_equal(check_buffer(good), PVN_NET_OK);
	assert_int_equal(buffer.id, 9);
	assert_ptr_equal(buffer.base, ram + 4096);
	request.bytes[0] = PVN_NET_BUFFER_MIN - 1;
	assert_int_equal(check_buffer(request), PVN_NET_INVALID);
	request.bytes[0] = PVN_NET_BUFFER_MAX + 1;
	assert_int_equal(check_buffer(request), PVN_NET_INVALID);
	request = good;
	request.gpa[0] = GPA + BYTES - 2048;
	assert_int_equal(check_buffer(request), PVN_NET_INVALID);
	request = good;
	request.gpa[0] += 2;		/* what describes a frame must be aligned */
	assert_int_equal(check_buffer(request), PVN_NET_INVALID);
	request = good;
	request.segment_count = 2;
	assert_int_equal(check_buffer(request), PVN_NET_INVALID);
	request = good;
	request.offload.gso = 1;
	assert_int_equal(check_buffer(request), PVN_NET_INVALID);
	request = good;
	request.op = PVN_NET_SEND;
	assert_int_equal(check_buffer(request), PVN_NET_UNSUPPORTED);
}

static void what_linux_says_of_a_frame_is_told_to_the_guest(void **state)
{
	struct net_header header = { 0 };
	struct pvn_net_received received;

	(void)state;
	net_received_fill(&received, &header, 60);
	assert_int_equal(received.frame_bytes, 60);
	assert_int_equal(received.flags | received.offload.gso, 0);
	header.hdr.flags = VIRTIO_NET_HDR_F_DATA_VALID;
	net_received_fill(&received, &header, 60);
	assert_int_equal(received.flags, PVN_NET_CSUM_GOOD);
	header.hdr = (struct virtio_net_hdr){
		.flags = VIRTIO_NET_HDR_F_NEEDS_CSUM, .gso_type = VIRTIO_NET_HDR_GSO_TCPV6,
		.hdr_len = 74, .gso_size = 1440, .csum_start = 54, .csum_offset = 16,
	};
	net_received_fill(&received, &header, 65000);
	assert_int_equal(received.flags, PVN_NET_FLAG_CSUM);
	assert_int_equal(received.offload.gso, PVN_NET_GSO_TCP6);
	assert_int_equal(received.offload.gso_size, 1440);
	assert_int_equal(received.offload.header_bytes, 74);
	assert_int_equal(received.offload.csum_start, 54);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define REQUEST_TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
		REQUEST_TEST(a_good_frame_names_guest_memory),
		REQUEST_TEST(unknown_operations_and_flags_are_unsupported),
		REQUEST_TEST(memory_that_is_not_the_guests_is_refused),
		REQUEST_TEST(empty_and_short_and_long_frames_are_refused),
		REQUEST_TEST(a_frame_to_be_cut_is_described_to_linux),
		REQUEST_TEST(offloads_that_were_not_offered_are_unsupported),
		REQUEST_TEST(offloads_that_do_not_fit_their_frame_are_refused),
		REQUEST_TEST(a_table_of_segments_is_read_within_bounds),
		REQUEST_TEST(segments_do_not_add_up_to_more_than_a_frame),
		REQUEST_TEST(buffers_are_whole_and_the_guests),
		REQUEST_TEST(what_linux_says_of_a_frame_is_told_to_the_guest),
	};

	return cmocka_run_group_tests_name("netd request", tests, NULL, NULL);
}
