/* SPDX-License-Identifier: MIT */
/*
 * Copyright (C) The Paravane developers
 *
 * Console protocol, version 1: two byte streams through guest memory.
 *
 * The shared block starts on a page boundary; every page has one writer:
 *
 *	page 0			front-end: struct pvn_console_front
 *	output pages		front-end: out_bytes of what the guest prints
 *	last page		back-end: struct pvn_console_back, and from byte 2048
 *				PVN_CONSOLE_IN_BYTES of what was typed
 *
 * Counters are u32 and run freely; sizes are powers of two. tail - head must
 * not exceed the size, otherwise the stream is broken and not looked at again
 * until the next connection. Arm words as in pvn/abi/ring.h.
 *
 * The back-end always drains the output, whether anybody looks at it or not, so
 * a guest waits for a moment at most. A front-end that sees no progress drops
 * output and goes on.
 *
 * Store keys. F = device/console/N in the guest's home, B =
 * /local/domain/0/backend/console/DOMID/N. By the toolstack: F/backend, F/backend-id,
 * B/frontend, B/frontend-id, F/queue-max = 1, F/queue-0/channel,
 * F/queue-0/target-vp, F/state = B/state = 1. By the back-end, before state 2:
 * B/protocol. By the front-end, before state 3: F/protocol, F/epoch (not 0; also
 * in page 0), F/queue-count = 1, F/queue-0/ring-gpa, F/queue-0/ring-bytes (out_bytes).
 *
 * States as in pvn/abi/io/blk.h. The front-end may write output before the
 * back-end is there: it is in the ring and shown when the back-end attaches. A
 * back-end that attaches to a used ring (it was restarted) continues from the
 * heads that stand in the pages; nothing of the ring is set up anew.
 */
#ifndef PVN_ABI_IO_CONSOLE_H
#define PVN_ABI_IO_CONSOLE_H

#include <pvn/abi/ring.h>

#define PVN_CONSOLE_PROTOCOL	1u
#define PVN_CONSOLE_OUT_MIN	4096u
#define PVN_CONSOLE_OUT_MAX	65536u
#define PVN_CONSOLE_IN_OFFSET	2048u
#define PVN_CONSOLE_IN_BYTES	2048u

/* Written by the front-end only. */
struct pvn_console_front {
	pvn_u32 out_tail;	/* bytes written */
	pvn_u32 in_head;	/* bytes taken */
	pvn_u32 in_arm;		/* notify me when in_tail passes this */
	pvn_u32 space_arm;	/* notify me when out_head passes this */
	pvn_u32 epoch;
	pvn_u32 dropped;	/* bytes that found no room for too long */
	pvn_u32 reserved[26];
};

/* Written by the back-end only. */
struct pvn_console_back {
	pvn_u32 in_tail;	/* bytes written */
	pvn_u32 out_head;	/* bytes taken */
	pvn_u32 out_arm;	/* notify me when out_tail passes this */
	pvn_u32 space_arm;	/* notify me when in_head passes this */
	pvn_u32 epoch;		/* the epoch being served */
	pvn_u32 error;		/* enum pvn_ring_error */
	pvn_u32 reserved[26];
};

_Static_assert(sizeof(struct pvn_console_front) == PVN_RING_CONTROL_BYTES, "console front");
_Static_assert(sizeof(struct pvn_console_back) == PVN_RING_CONTROL_BYTES, "console back");

static inline bool pvn_console_out_ok(pvn_u64 out_bytes)
{
	return out_bytes >= PVN_CONSOLE_OUT_MIN && out_bytes <= PVN_CONSOLE_OUT_MAX &&
	       (out_bytes & (out_bytes - 1)) == 0;
}

/* Bytes of the whole shared block. */
static inline pvn_u32 pvn_console_bytes(pvn_u32 out_bytes)
{
	return PVN_PAGE_SIZE + out_bytes + PVN_PAGE_SIZE;
}

/* One direction as its producer sees it. */
struct pvn_bytes_out {
	pvn_u32 *tail;			/* mine */
	const pvn_u32 *head;		/* the peer's */
	const pvn_u32 *peer_arm;	/* the consumer's arm word */
	pvn_u32 *space_arm;		/* mine */
	pvn_u8 *data;
	pvn_u32 size;
	pvn_u32 written;
	pvn_u32 seen;			/* the peer's head when it was looked at last */
	enum pvn_ring_error broken;
};

/* One direction as its consumer sees it. */
struct pvn_bytes_in {
	pvn_u32 *head;			/* mine */
	const pvn_u32 *tail;		/* the peer's */
	const pvn_u32 *peer_space_arm;	/* the producer's */
	pvn_u32 *arm;			/* mine */
	const pvn_u8 *data;
	pvn_u32 size;
	pvn_u32 taken;
	enum pvn_ring_error broken;
};

/*
 * Writes up to `bytes`; returns how many fitted. `*notify` becomes true when the
 * consumer sleeps and must be rung, and is otherwise left alone.
 */
static inline pvn_u32 pvn_bytes_write(struct pvn_bytes_out *out, const void *from,
				      pvn_u32 bytes, bool *notify)
{
	const pvn_u8 *source = from;
	pvn_u32 before = out->written, head = pvn_ring_load(out->head);
	pvn_u32 waiting = before - head, i;

	/* Nobody takes what is not there, or gives back what was taken. */
	if (waiting > out->size || head - out->seen > before - out->seen)
		out->broken = PVN_RING_BAD_INDEX;
	if (out->broken)
		return 0;
	out->seen = head;
	if (bytes > out->size - waiting)
		bytes = out->size - waiting;
	for (i = 0; i < bytes; i++)
		out->data[(before + i) & (out->size - 1)] = source[i];
	if (!bytes)
		return 0;
	out->written = before + bytes;
	pvn_ring_store(out->tail, out->written);
	pvn_ring_fence();	/* pairs with pvn_bytes_arm() */
	if (pvn_ring_passed(pvn_ring_load(out->peer_arm), before, out->written))
		*notify = true;
	return bytes;
}

/* Asks for a doorbell as soon as there is any room; true: there is. */
static inline bool pvn_bytes_arm_space(struct pvn_bytes_out *out)
{
	pvn_ring_store(out->space_arm, out->written - out->size);
	pvn_ring_fence();	/* pairs with pvn_bytes_read() */
	return !out->broken && out->written - pvn_ring_load(out->head) < out->size;
}

/* Takes up to `bytes`; as above, `*notify` asks to ring the producer. */
static inline pvn_u32 pvn_bytes_read(struct pvn_bytes_in *in, void *to, pvn_u32 bytes,
				     bool *notify)
{
	pvn_u8 *into = to;
	pvn_u32 before = in->taken, waiting, i;

	if (in->broken)
		return 0;
	waiting = pvn_ring_load(in->tail) - before;
	if (waiting > in->size) {
		in->broken = PVN_RING_BAD_INDEX;
		return 0;
	}
	if (bytes > waiting)
		bytes = waiting;
	for (i = 0; i < bytes; i++)
		into[i] = __atomic_load_n(&in->data[(before + i) & (in->size - 1)],
					  __ATOMIC_RELAXED);
	if (!bytes)
		return 0;
	in->taken = before + bytes;
	pvn_ring_store(in->head, in->taken);
	pvn_ring_fence();	/* pairs with pvn_bytes_arm_space() */
	if (pvn_ring_passed(pvn_ring_load(in->peer_space_arm), before, in->taken))
		*notify = true;
	return bytes;
}

/* Asks for a doorbell at the next byte; true: there is one, or nonsense, already. */
static inline bool pvn_bytes_arm(struct pvn_bytes_in *in)
{
	if (in->broken)
		return false;
	pvn_ring_store(in->arm, in->taken);
	pvn_ring_fence();	/* pairs with pvn_bytes_write() */
	return pvn_ring_load(in->tail) != in->taken;
}

/* The front-end's two streams in a shared block; zeroed memory, or its own from before. */
static inline void pvn_console_front_init(void *base, pvn_u32 out_bytes,
					  struct pvn_bytes_out *out, struct pvn_bytes_in *in)
{
	struct pvn_console_front *front = base;
	char *last = (char *)base + PVN_PAGE_SIZE + out_bytes;
	struct pvn_console_back *back = (struct pvn_console_back *)last;

	*out = (struct pvn_bytes_out){
		.tail = &front->out_tail, .head = &back->out_head, .peer_arm = &back->out_arm,
		.space_arm = &front->space_arm, .data = (pvn_u8 *)base + PVN_PAGE_SIZE,
		.size = out_bytes, .written = front->out_tail, .seen = back->out_head,
	};
	*in = (struct pvn_bytes_in){
		.head = &front->in_head, .tail = &back->in_tail,
		.peer_space_arm = &back->space_arm, .arm = &front->in_arm,
		.data = (pvn_u8 *)last + PVN_CONSOLE_IN_OFFSET, .size = PVN_CONSOLE_IN_BYTES,
		.taken = front->in_head,
	};
	pvn_ring_store(&front->space_arm, out->written - out_bytes - 1);	/* never */
}

/* The back-end's two streams. Continues where the pages stand. */
static inline void pvn_console_back_init(void *base, pvn_u32 out_bytes,
					 struct pvn_bytes_out *out, struct pvn_bytes_in *in)
{
	struct pvn_console_front *front = base;
	char *last = (char *)base + PVN_PAGE_SIZE + out_bytes;
	struct pvn_console_back *back = (struct pvn_console_back *)last;

	*out = (struct pvn_bytes_out){
		.tail = &back->in_tail, .head = &front->in_head, .peer_arm = &front->in_arm,
		.space_arm = &back->space_arm, .data = (pvn_u8 *)last + PVN_CONSOLE_IN_OFFSET,
		.size = PVN_CONSOLE_IN_BYTES, .written = back->in_tail, .seen = front->in_head,
	};
	*in = (struct pvn_bytes_in){
		.head = &back->out_head, .tail = &front->out_tail,
		.peer_space_arm = &front->space_arm, .arm = &back->out_arm,
		.data = (const pvn_u8 *)base + PVN_PAGE_SIZE, .size = out_bytes,
		.taken = back->out_head,
	};
	pvn_ring_store(&back->space_arm, out->written - PVN_CONSOLE_IN_BYTES - 1);
}

#endif
