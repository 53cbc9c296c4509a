/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Copyright (C) The Paravane developers
 *
 * A split virtqueue, written from the specification (virtio 1.2, 2.7 "Split Virtqueues",
 * with VIRTIO_F_EVENT_IDX) for comparison. A request is a chain of two descriptors, one
 * for 64 bytes that the device reads and one for the answer that it writes.
 */
#ifndef PVN_BENCH_TRANSPORT_VIRTIO_H
#define PVN_BENCH_TRANSPORT_VIRTIO_H

#include "transport.h"

enum {
	VIRTIO_DESCRIPTORS = 2 * BENCH_ENTRIES,
	VIRTIO_NEXT = 1,
	VIRTIO_WRITE = 2,
};

struct virtio_descriptor {
	uint64_t address;
	uint32_t bytes;
	uint16_t flags, next;
};

struct virtio_available {
	uint16_t flags, index, ring[VIRTIO_DESCRIPTORS], used_event;
};

struct virtio_used {
	uint16_t flags, index;
	struct {
		uint32_t id, bytes;
	} ring[VIRTIO_DESCRIPTORS];
	uint16_t available_event;
};

struct virtio_buffer {
	struct bench_request request;
	struct bench_answer answer;
	uint8_t pad[48];		/* nobody shares a line */
};

struct virtio {
	struct virtio_descriptor *descriptor;
	struct virtio_available *available;
	struct virtio_used *used;
	struct virtio_buffer *buffer;
	uint16_t next, published, reaped;				/* the driver's own */
	uint16_t free[BENCH_ENTRIES], free_count;
	uint16_t taken __attribute__((aligned(128))), done, announced;	/* the device's own */
	struct bench_answer *place[BENCH_ENTRIES];
};

static inline void virtio_open(struct virtio *t)
{
	unsigned int i;

	*t = (struct virtio) {
		.descriptor = bench_pages(VIRTIO_DESCRIPTORS * sizeof(*t->descriptor)),
		.available = bench_pages(sizeof(*t->available)),
		.used = bench_pages(sizeof(*t->used)),
		.buffer = bench_pages(BENCH_ENTRIES * sizeof(*t->buffer)),
		.free_count = BENCH_ENTRIES,
	};
	for (i = 0; i < BENCH_ENTRIES; i++)
		t->free[i] = (uint16_t)(BENCH_ENTRIES - 1 - i);
}

static inline void virtio_close(struct virtio *t)
{
	free(t->descriptor);
	free(t->available);
	free(t->used);
	free(t->buffer);
}

static inline void virtio_submit(struct virtio *t, uint32_t id, struct bench_request *request)
{
	uint16_t slot = t->free[--t->free_count], head = (uint16_t)(2 * slot);
	struct virtio_buffer *buffer = &t->buffer[slot];

	request->word[0] = id;
	buffer->request = *request;
	t->descriptor[head] = (struct virtio_descriptor) {
		.address = (uintptr_t)&buffer->request, .bytes = sizeof(buffer->request),
		.flags = VIRTIO_NEXT, .next = (uint16_t)(head + 1),
	};
	t->descriptor[head + 1] = (struct virtio_descriptor) {
		.address = (uintptr_t)&buffer->answer, .bytes = sizeof(buffer->answer),
		.flags = VIRTIO_WRITE,
	};
	t->available->ring[t->next++ % VIRTIO_DESCRIPTORS] = head;
}

static inline bool virtio_notify(const uint16_t *event, uint16_t before, uint16_t after)
{
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	return (uint16_t)(after - __atomic_load_n(event, __ATOMIC_RELAXED) - 1) <
	       (uint16_t)(after - before);
}

static inline bool virtio_publish(struct virtio *t)
{
	uint16_t before = t->published;

	__atomic_store_n(&t->available->index, t->next, __ATOMIC_RELEASE);
	t->published = t->next;
	return virtio_notify(&t->used->available_event, before, t->next);
}

static inline bool virtio_reap(struct virtio *t, struct bench_answer *answer)
{
	uint16_t slot;

	if (__atomic_load_n(&t->used->index, __ATOMIC_ACQUIRE) == t->reaped)
		return false;
	slot = (uint16_t)(t->used->ring[t->reaped++ % VIRTIO_DESCRIPTORS].id / 2);
	*answer = t->buffer[slot].answer;
	t->free[t->free_count++] = slot;
	return true;
}

static inline int virtio_available(struct virtio *t)
{
	uint16_t index = __atomic_load_n(&t->available->index, __ATOMIC_ACQUIRE);

	return (uint16_t)(index - t->taken);
}

static inline uint32_t virtio_take(struct virtio *t, struct bench_request *request)
{
	uint16_t head = t->available->ring[t->taken++ % VIRTIO_DESCRIPTORS];
	struct virtio_descriptor out, in;

	if (head >= VIRTIO_DESCRIPTORS)
		abort();
	out = t->descriptor[head];
	if (out.flags != VIRTIO_NEXT || out.bytes != sizeof(*request) ||
	    out.next >= VIRTIO_DESCRIPTORS)
		abort();
	in = t->descriptor[out.next];
	if (in.flags != VIRTIO_WRITE || in.bytes != sizeof(struct bench_answer))
		abort();
	*request = *(const struct bench_request *)(uintptr_t)out.address;
	t->place[head / 2] = (struct bench_answer *)(uintptr_t)in.address;
	return (uint32_t)head << 16 | (uint32_t)request->word[0];
}

static inline void virtio_answer(struct virtio *t, uint32_t handle, uint64_t value)
{
	uint16_t head = (uint16_t)(handle >> 16);

	*t->place[head / 2] = (struct bench_answer) { .id = handle & 0xffff, .value = value };
	t->used->ring[t->done % VIRTIO_DESCRIPTORS].id = head;
	t->used->ring[t->done++ % VIRTIO_DESCRIPTORS].bytes = sizeof(struct bench_answer);
}

static inline bool virtio_announce(struct virtio *t)
{
	uint16_t before = t->announced;

	if (before == t->done)
		return false;
	__atomic_store_n(&t->used->index, t->done, __ATOMIC_RELEASE);
	t->announced = t->done;
	return virtio_notify(&t->available->used_event, before, t->done);
}

#endif
