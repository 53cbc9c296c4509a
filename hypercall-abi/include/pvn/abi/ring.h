/* SPDX-License-Identifier: MIT */
/*
 * Copyright (C) The Paravane developers
 *
 * Layout of an I/O queue and the arithmetic of both of its ends: produce,
 * consume, and decide whether the other end must be woken. Pure: no hypercall,
 * no allocation, no libc; the same text runs in guests, daemons and tests.
 *
 * Neither end trusts the other. A queue lies in guest memory, contiguous from a
 * page boundary, and every page of it has one writer:
 *
 *	front-end's pages	control line (128 B), submission entries (64 B each)
 *	back-end's pages	control line (128 B), completion entries (16 B each)
 *
 * Counters are u32 and run freely; slot = counter % entries; entries is a power
 * of two. Each end keeps its own counters privately (struct pvn_queue_front,
 * struct pvn_queue_back); the shared copies are outputs that it never reads
 * back. What the peer wrote is loaded once, into private memory, and then
 * checked. A peer's counter outside of the window, or an entry with a wrong
 * stamp, breaks the queue: `broken` gets the reason once and the shared pages
 * are not read any more until the queue is set up again.
 *
 * The last word of every entry is its stamp: position + 1. It is written last,
 * so an entry can be consumed without reading any counter; the front-end takes
 * completions by stamps alone. Pages start zeroed, positions at 0.
 *
 * Waking: a consumer that wants to sleep stores an arm word ("notify me when
 * your counter passes this value"), a full fence, and looks again. A producer
 * stores entries and counter, a full fence, and loads the arm word. So either
 * the consumer sees the entry or the producer sees the arm word. A consumer
 * that never armed anew is behind its own arm word: nobody notifies it.
 *
 * The epoch (never 0) numbers connections. The front-end writes it before it
 * announces the queue; the back-end repeats it when it attaches, and stops
 * serving when the front-end's word has changed.
 */
#ifndef PVN_ABI_RING_H
#define PVN_ABI_RING_H

#include <pvn/abi/poll.h>

#define PVN_RING_ENTRIES_MIN	4u
#define PVN_RING_ENTRIES_MAX	256u

/* 128 and not 64: adjacent-line prefetch couples pairs of cache lines. */
#define PVN_RING_CONTROL_BYTES	128u

/* Written by the front-end only. */
struct pvn_ring_front {
	pvn_u32 sq_tail;	/* submissions published */
	pvn_u32 cq_arm;		/* notify me when cq_tail passes this */
	pvn_u32 space_arm;	/* notify me when sq_head passes this */
	pvn_u32 epoch;
	pvn_u32 cq_head;	/* completions taken, for those who look on */
	pvn_u32 reserved[27];
};

/* Written by the back-end only. */
struct pvn_ring_back {
	pvn_u32 cq_tail;	/* completions published */
	pvn_u32 sq_head;	/* submissions taken; lags */
	pvn_u32 sq_arm;		/* notify me when sq_tail passes this */
	pvn_u32 epoch;		/* the epoch being served, 0 none */
	pvn_u32 error;		/* enum pvn_ring_error: why it is not served any more */
	pvn_u32 reserved[27];
};

/* A submission. What lies between id and stamp is the device protocol's. */
struct pvn_sqe {
	pvn_u8 op;
	pvn_u8 flags;
	pvn_u16 count;
	pvn_u32 id;		/* [15:0] index in the submitter's table [31:16] generation */
	pvn_u64 offset;
	pvn_u32 body[11];
	pvn_u32 stamp;
};

struct pvn_cqe {
	pvn_u32 id;
	pvn_u16 status;		/* 0, or a status of the device protocol */
	pvn_u16 flags;
	pvn_u32 value;
	pvn_u32 stamp;
};

_Static_assert(sizeof(struct pvn_ring_front) == PVN_RING_CONTROL_BYTES, "front control");
_Static_assert(sizeof(struct pvn_ring_back) == PVN_RING_CONTROL_BYTES, "back control");
_Static_assert(sizeof(struct pvn_sqe) == 64, "submission entry");
_Static_assert(sizeof(struct pvn_cqe) == 16, "completion entry");
_Static_assert(offsetof(struct pvn_sqe, stamp) == 60, "submission stamp");
_Static_assert(offsetof(struct pvn_cqe, stamp) == 12, "completion stamp");

enum pvn_ring_error {
	PVN_RING_OK = 0,
	PVN_RING_BAD_INDEX = 1,	/* the peer's counter is outside of the window */
	PVN_RING_BAD_STAMP = 2,	/* an entry below the published counter was not written */
	PVN_RING_BAD_ID = 3,	/* a completion names nothing that is in flight */
	PVN_RING_BAD_EPOCH = 4,	/* the other end belongs to another connection */
	PVN_RING_BAD_SETUP = 5,	/* place or size of the queue cannot be */
};

/* Readable by the owner of the end; the peer cannot reach them. Counted when published. */
struct pvn_queue_counters {
	pvn_u64 submitted;
	pvn_u64 completed;
	pvn_u64 failed;			/* completed with a status other than 0 */
	pvn_u64 notified;		/* doorbells that this end rang */
	pvn_u64 notifications_saved;	/* publications that needed none */
	pvn_u64 events;			/* doorbells that this end heard */
	pvn_u64 events_idle;		/* of these, with nothing to do */
	pvn_u64 full;			/* submissions that found no room */
};

/* --- sizes --- */

static inline bool pvn_ring_entries_ok(pvn_u64 entries)
{
	return entries >= PVN_RING_ENTRIES_MIN && entries <= PVN_RING_ENTRIES_MAX &&
	       (entries & (entries - 1)) == 0;
}

static inline pvn_u32 pvn_ring_round_page(pvn_u32 bytes)
{
	return (bytes + PVN_PAGE_SIZE - 1) & ~(pvn_u32)(PVN_PAGE_SIZE - 1);
}

static inline pvn_u32 pvn_ring_front_bytes(pvn_u32 entries)
{
	return pvn_ring_round_page(PVN_RING_CONTROL_BYTES +
				   entries * (pvn_u32)sizeof(struct pvn_sqe));
}

static inline pvn_u32 pvn_ring_back_bytes(pvn_u32 entries)
{
	return pvn_ring_round_page(PVN_RING_CONTROL_BYTES +
				   entries * (pvn_u32)sizeof(struct pvn_cqe));
}

/* Bytes of the whole queue: the front-end's pages, then the back-end's. */
static inline pvn_u32 pvn_ring_bytes(pvn_u32 entries)
{
	return pvn_ring_front_bytes(entries) + pvn_ring_back_bytes(entries);
}

/* --- shared memory --- */

/* What is copied by words, whatever its fields are. */
typedef pvn_u32 __attribute__((__may_alias__)) pvn_ring_word;

static inline pvn_u32 pvn_ring_load(const pvn_u32 *word)
{
	return __atomic_load_n(word, __ATOMIC_ACQUIRE);
}

static inline void pvn_ring_store(pvn_u32 *word, pvn_u32 value)
{
	__atomic_store_n(word, value, __ATOMIC_RELEASE);
}

/* Orders my stores before my next loads; pairs with the same in the other end. */
static inline void pvn_ring_fence(void)
{
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
}

/*
 * The same by twos: an entry of a ring lies on a multiple of its size, and half as many
 * accesses are what a busy ring's time goes to.
 */
typedef pvn_u64 __attribute__((__may_alias__)) pvn_ring_pair;

static inline pvn_u64 pvn_ring_pair_of(pvn_u32 low, pvn_u32 high)
{
	return low | (pvn_u64)high << 32;
}

/*
 * An entry so far ahead will be written soon: fetches its line for writing while there is
 * other work. The peer has read it last, so without this each entry waits for its line, and
 * the stores behind it, in order, with it. (__builtin_prefetch() would fetch it for reading.)
 */
#define PVN_RING_FETCH_AHEAD 16u

static inline void pvn_ring_will_write(const void *entry)
{
	__asm__("prefetchw %0" : : "m"(*(const char *)entry));
}

/* Each word exactly once: the peer may change them while this runs. */
static inline void pvn_ring_copy(void *to, const void *from, unsigned int bytes)
{
	pvn_ring_word *into = to;
	const pvn_ring_word *words = from;
	unsigned int i;

	for (i = 0; i < bytes / sizeof(pvn_u32); i++)
		into[i] = __atomic_load_n(&words[i], __ATOMIC_RELAXED);
}

/* The counter went from `before` to `after`: did it pass the arm word? */
static inline bool pvn_ring_passed(pvn_u32 arm, pvn_u32 before, pvn_u32 after)
{
	return (pvn_u32)(after - arm - 1) < (pvn_u32)(after - before);
}

/* --- the front-end's end --- */

struct pvn_queue_front {
	struct pvn_ring_front *mine;
	const struct pvn_ring_back *peer;
	struct pvn_sqe *sq;
	const struct pvn_cqe *cq;
	pvn_u32 entries;
	pvn_u32 epoch;
	pvn_u32 sq_tail;		/* written */
	pvn_u32 sq_published;		/* of these, announced */
	pvn_u32 cq_head;		/* completions taken */
	bool promised;			/* pvn_front_arm() saw the next one: it must be there */
	enum pvn_ring_error broken;
	struct pvn_queue_counters counters;
};

/*
 * Takes a queue into use. `base` is pvn_ring_bytes(entries) of zeroed memory on
 * a page boundary that no back-end looks at yet; counters of statistics go on.
 */
static inline void pvn_front_init(struct pvn_queue_front *q, void *base, pvn_u32 entries,
				  pvn_u32 epoch)
{
	char *front = base;
	char *back = front + pvn_ring_front_bytes(entries);

	q->mine = (struct pvn_ring_front *)front;
	q->sq = (struct pvn_sqe *)(front + PVN_RING_CONTROL_BYTES);
	q->peer = (const struct pvn_ring_back *)back;
	q->cq = (const struct pvn_cqe *)(back + PVN_RING_CONTROL_BYTES);
	q->entries = entries;
	q->epoch = epoch;
	q->sq_tail = 0;
	q->sq_published = 0;
	q->cq_head = 0;
	q->promised = false;
	q->broken = PVN_RING_OK;
	pvn_ring_store(&q->mine->space_arm, ~0u);	/* never */
	pvn_ring_store(&q->mine->epoch, epoch);
}

/* Marks the queue broken; the first reason stays. */
static inline void pvn_front_break(struct pvn_queue_front *q, enum pvn_ring_error why)
{
	if (!q->broken)
		q->broken = why;
}

/*
 * Submissions that fit. Counts what is not completed yet, by own counters, so
 * nothing that the peer writes can make the ring overflow.
 */
static inline pvn_u32 pvn_front_room(const struct pvn_queue_front *q)
{
	return q->entries - (q->sq_tail - q->cq_head);
}

/*
 * Writes one submission: the whole slot, with the stamp last. `entry` is a
 * struct pvn_sqe or a protocol's struct of the same shape. False when there is
 * no room or the queue is broken. On a multiple of 8, as such structs are.
 */
static inline bool pvn_front_push(struct pvn_queue_front *q, const void *entry)
{
	pvn_ring_pair *slot = (pvn_ring_pair *)&q->sq[q->sq_tail & (q->entries - 1)];
	const pvn_ring_pair *from = entry;

	if (q->broken || !pvn_front_room(q)) {
		q->counters.full++;
		return false;
	}
	pvn_ring_will_write(&q->sq[(q->sq_tail + PVN_RING_FETCH_AHEAD) & (q->entries - 1)]);
	__atomic_store_n(&slot[0], from[0], __ATOMIC_RELAXED);
	__atomic_store_n(&slot[1], from[1], __ATOMIC_RELAXED);
	__atomic_store_n(&slot[2], from[2], __ATOMIC_RELAXED);
	__atomic_store_n(&slot[3], from[3], __ATOMIC_RELAXED);
	__atomic_store_n(&slot[4], from[4], __ATOMIC_RELAXED);
	__atomic_store_n(&slot[5], from[5], __ATOMIC_RELAXED);
	__atomic_store_n(&slot[6], from[6], __ATOMIC_RELAXED);
	q->sq_tail++;
	__atomic_store_n(&slot[7], pvn_ring_pair_of((pvn_u32)from[7], q->sq_tail), __ATOMIC_RELEASE);
	return true;
}

/* Announces what was pushed. True: the back-end sleeps, ring its doorbell. */
static inline bool pvn_front_publish(struct pvn_queue_front *q)
{
	pvn_u32 before = q->sq_published;

	if (q->broken || before == q->sq_tail)
		return false;
	q->sq_published = q->sq_tail;
	q->counters.submitted += q->sq_tail - before;
	pvn_ring_store(&q->mine->sq_tail, q->sq_tail);
	pvn_ring_fence();	/* pairs with pvn_back_arm() */
	if (!pvn_ring_passed(pvn_ring_load(&q->peer->sq_arm), before, q->sq_tail)) {
		q->counters.notifications_saved++;
		return false;
	}
	q->counters.notified++;
	return true;
}

/* Is there a completion to take? */
static inline bool pvn_front_ready(const struct pvn_queue_front *q)
{
	const struct pvn_cqe *slot = &q->cq[q->cq_head & (q->entries - 1)];

	return !q->broken && pvn_ring_load(&slot->stamp) == q->cq_head + 1;
}

/*
 * Takes a private copy of the next completion; false when there is none. A
 * completion beyond what was published breaks the queue.
 */
static inline bool pvn_front_next(struct pvn_queue_front *q, struct pvn_cqe *copy)
{
	const pvn_ring_pair *slot = (const pvn_ring_pair *)&q->cq[q->cq_head & (q->entries - 1)];
	pvn_u64 first, second;

	if (q->broken)
		return false;
	second = __atomic_load_n(&slot[1], __ATOMIC_ACQUIRE);
	if ((pvn_u32)(second >> 32) != q->cq_head + 1) {
		if (q->promised)
			pvn_front_break(q, PVN_RING_BAD_STAMP);
		return false;
	}
	q->promised = false;
	if (q->cq_head == q->sq_published) {
		pvn_front_break(q, PVN_RING_BAD_INDEX);
		return false;
	}
	first = __atomic_load_n(&slot[0], __ATOMIC_RELAXED);
	copy->id = (pvn_u32)first;
	copy->status = (pvn_u16)(first >> 32);
	copy->flags = (pvn_u16)(first >> 48);
	copy->value = (pvn_u32)second;
	copy->stamp = (pvn_u32)(second >> 32);
	q->cq_head++;
	q->counters.completed++;
	if (copy->status)
		q->counters.failed++;
	return true;
}

/*
 * Asks for a doorbell once `count` (1: the next) more completions are there,
 * and looks again: true when that has happened already, so that there is one to
 * take. Completions are written in order and stay: the last of them without the
 * first, or one that is not there any more, breaks the queue. So a caller that
 * takes all until this is false comes to an end, whatever the peer does.
 */
static inline bool pvn_front_arm(struct pvn_queue_front *q, pvn_u32 count)
{
	const struct pvn_cqe *slot = &q->cq[(q->cq_head + count - 1) & (q->entries - 1)];

	pvn_ring_store(&q->mine->cq_head, q->cq_head);
	pvn_ring_store(&q->mine->cq_arm, q->cq_head + count - 1);
	pvn_ring_fence();	/* pairs with pvn_back_publish() */
	if (q->broken || pvn_ring_load(&slot->stamp) != q->cq_head + count)
		return false;
	q->promised = pvn_front_ready(q);
	if (!q->promised)
		pvn_front_break(q, PVN_RING_BAD_STAMP);
	return q->promised;
}

/*
 * Asks for no doorbell at all, until the next arm: the caller is awake and looks. A word so
 * far back that no publication passes it, nor is it ahead of one.
 */
static inline void pvn_front_disarm(struct pvn_queue_front *q)
{
	pvn_ring_store(&q->mine->cq_arm, q->cq_head - q->entries - 1);
}

/*
 * Asks for a doorbell once `count` more completions are there, or fewer and the back-end
 * has no more for now (pvn_back_owes()). True: there is one already, take all and ask again.
 */
static inline bool pvn_front_arm_group(struct pvn_queue_front *q, pvn_u32 count)
{
	pvn_ring_store(&q->mine->cq_head, q->cq_head);
	pvn_ring_store(&q->mine->cq_arm, q->cq_head + count - 1);
	pvn_ring_fence();	/* pairs with pvn_back_publish() */
	q->promised = pvn_front_ready(q);
	if (q->promised)
		pvn_front_disarm(q);
	return q->promised;
}

/*
 * Puts the doorbell that was asked for off, without a look, to when `count` completions
 * are there. 0: to none; the caller looks by itself, then arms. What was passed before is
 * rung for, so nothing is lost; the rest is rung for when the back-end runs dry.
 */
static inline void pvn_front_rearm(struct pvn_queue_front *q, pvn_u32 count)
{
	pvn_ring_store(&q->mine->cq_arm, q->cq_head + count - 1);
}

/*
 * Submission slots that the back-end has not taken yet; for protocols whose
 * submissions are not completed one by one. -1: nonsense, the queue is broken.
 */
static inline int pvn_front_untaken(struct pvn_queue_front *q)
{
	pvn_u32 untaken;

	if (q->broken)
		return -1;
	untaken = q->sq_published - pvn_ring_load(&q->peer->sq_head);
	if (untaken > q->entries) {
		pvn_front_break(q, PVN_RING_BAD_INDEX);
		return -1;
	}
	return (int)untaken;
}

/* Asks for a doorbell once `slots` submission slots are free; true: they are. */
static inline bool pvn_front_arm_space(struct pvn_queue_front *q, pvn_u32 slots)
{
	int untaken;

	pvn_ring_store(&q->mine->space_arm, q->sq_published - q->entries + slots - 1);
	pvn_ring_fence();	/* pairs with pvn_back_publish() */
	untaken = pvn_front_untaken(q);
	return untaken >= 0 && q->entries - (pvn_u32)untaken >= slots;
}

/* --- the back-end's end --- */

struct pvn_queue_back {
	const struct pvn_ring_front *peer;
	struct pvn_ring_back *mine;
	const struct pvn_sqe *sq;
	struct pvn_cqe *cq;
	pvn_u32 entries;
	pvn_u32 epoch;
	pvn_u32 sq_head;		/* taken */
	pvn_u32 sq_head_published;
	pvn_u32 sq_seen;		/* the peer's tail as last checked */
	pvn_u32 cq_tail;		/* completions written */
	pvn_u32 cq_published;
	pvn_u32 cq_rung;		/* of these, the front-end was rung for */
	enum pvn_ring_error broken;
	struct pvn_queue_counters counters;
};

/* Marks the queue broken and says so to the peer; the first reason stays. */
static inline void pvn_back_break(struct pvn_queue_back *q, enum pvn_ring_error why)
{
	if (q->broken)
		return;
	q->broken = why;
	if (q->mine)
		pvn_ring_store(&q->mine->error, why);
}

/*
 * Begins to serve a queue whose memory (pvn_ring_bytes(entries) at `base`, a
 * page boundary) is known to be the guest's. False: the front-end's epoch is
 * not the expected one; nothing was changed.
 */
static inline bool pvn_back_attach(struct pvn_queue_back *q, void *base, pvn_u32 entries,
				   pvn_u32 epoch)
{
	char *front = base;
	char *back = front + pvn_ring_front_bytes(entries);

	q->peer = (const struct pvn_ring_front *)front;
	if (epoch == 0 || pvn_ring_load(&q->peer->epoch) != epoch)
		return false;
	q->sq = (const struct pvn_sqe *)(front + PVN_RING_CONTROL_BYTES);
	q->mine = (struct pvn_ring_back *)back;
	q->cq = (struct pvn_cqe *)(back + PVN_RING_CONTROL_BYTES);
	q->entries = entries;
	q->epoch = epoch;
	q->sq_head = 0;
	q->sq_head_published = 0;
	q->sq_seen = 0;
	q->cq_tail = 0;
	q->cq_published = 0;
	q->cq_rung = 0;
	q->broken = PVN_RING_OK;
	pvn_ring_store(&q->mine->error, PVN_RING_OK);
	pvn_ring_store(&q->mine->epoch, epoch);
	return true;
}

/* Submissions taken and not completed. */
static inline pvn_u32 pvn_back_in_flight(const struct pvn_queue_back *q)
{
	return q->sq_head - q->cq_tail;
}

/*
 * How many submissions wait and may be taken; -1 when the queue is, or now
 * becomes, broken. In flight there is never more than a ring full, whatever the
 * front-end does: an honest one waits for completions itself.
 */
static inline int pvn_back_available(struct pvn_queue_back *q)
{
	pvn_u32 waiting, room;

	if (q->broken)
		return -1;
	if (pvn_ring_load(&q->peer->epoch) != q->epoch) {
		pvn_back_break(q, PVN_RING_BAD_EPOCH);
		return -1;
	}
	q->sq_seen = pvn_ring_load(&q->peer->sq_tail);
	waiting = q->sq_seen - q->sq_head;
	if (waiting > q->entries) {
		pvn_back_break(q, PVN_RING_BAD_INDEX);
		return -1;
	}
	room = q->entries - pvn_back_in_flight(q);
	return (int)(waiting < room ? waiting : room);
}

/*
 * Takes a private copy of the next submission. Only after pvn_back_available()
 * said how many there are; false when the entry was never written (broken).
 */
static inline bool pvn_back_next(struct pvn_queue_back *q, void *copy)
{
	const pvn_ring_pair *slot = (const pvn_ring_pair *)&q->sq[q->sq_head & (q->entries - 1)];
	pvn_ring_pair *into = copy;

	if (q->broken || q->sq_head == q->sq_seen)
		return false;
	into[0] = __atomic_load_n(&slot[0], __ATOMIC_RELAXED);
	into[1] = __atomic_load_n(&slot[1], __ATOMIC_RELAXED);
	into[2] = __atomic_load_n(&slot[2], __ATOMIC_RELAXED);
	into[3] = __atomic_load_n(&slot[3], __ATOMIC_RELAXED);
	into[4] = __atomic_load_n(&slot[4], __ATOMIC_RELAXED);
	into[5] = __atomic_load_n(&slot[5], __ATOMIC_RELAXED);
	into[6] = __atomic_load_n(&slot[6], __ATOMIC_RELAXED);
	into[7] = __atomic_load_n(&slot[7], __ATOMIC_RELAXED);
	if ((pvn_u32)(into[7] >> 32) != q->sq_head + 1) {
		pvn_back_break(q, PVN_RING_BAD_STAMP);
		return false;
	}
	q->sq_head++;
	return true;
}

/* Writes one completion; at most one for each submission taken. */
static inline void pvn_back_complete(struct pvn_queue_back *q, pvn_u32 id, pvn_u16 status,
				     pvn_u32 value)
{
	pvn_ring_pair *slot;

	if (q->broken || !pvn_back_in_flight(q))
		return;
	slot = (pvn_ring_pair *)&q->cq[q->cq_tail & (q->entries - 1)];
	pvn_ring_will_write(&q->cq[(q->cq_tail + PVN_RING_FETCH_AHEAD) & (q->entries - 1)]);
	__atomic_store_n(&slot[0], pvn_ring_pair_of(id, status), __ATOMIC_RELAXED);	/* flags 0 */
	q->cq_tail++;
	__atomic_store_n(&slot[1], pvn_ring_pair_of(value, q->cq_tail), __ATOMIC_RELEASE);
	if (status)
		q->counters.failed++;
}

/* Announces completions and slots taken. True: ring the front-end's doorbell. */
static inline bool pvn_back_publish(struct pvn_queue_back *q)
{
	pvn_u32 cq_before = q->cq_published, sq_before = q->sq_head_published;

	if (q->broken || (cq_before == q->cq_tail && sq_before == q->sq_head))
		return false;
	q->cq_published = q->cq_tail;
	q->sq_head_published = q->sq_head;
	q->counters.completed += q->cq_tail - cq_before;
	q->counters.submitted += q->sq_head - sq_before;
	pvn_ring_store(&q->mine->sq_head, q->sq_head);
	pvn_ring_store(&q->mine->cq_tail, q->cq_tail);
	pvn_ring_fence();	/* pairs with pvn_front_arm() and pvn_front_arm_space() */
	if (pvn_ring_passed(pvn_ring_load(&q->peer->cq_arm), cq_before, q->cq_tail) ||
	    pvn_ring_passed(pvn_ring_load(&q->peer->space_arm), sq_before, q->sq_head)) {
		q->counters.notified++;
		q->cq_rung = q->cq_tail;
		return true;
	}
	if (cq_before != q->cq_tail)
		q->counters.notifications_saved++;
	return false;
}

/*
 * Asks for a doorbell at the next submission and looks again. True: there is
 * something to do already (also a queue that just broke), do not sleep.
 */
static inline bool pvn_back_arm(struct pvn_queue_back *q)
{
	if (q->broken)
		return false;
	pvn_ring_store(&q->mine->sq_arm, q->sq_head);
	pvn_ring_fence();	/* pairs with pvn_front_publish() */
	return pvn_back_available(q) != 0;
}

/*
 * Completions that the front-end has asked to be told of later, while it may
 * sleep already; for a back-end that is about to sleep itself. True: ring. Each
 * completion makes it true once at most, whatever the front-end claims.
 */
static inline bool pvn_back_unheard(struct pvn_queue_back *q)
{
	pvn_u32 taken;

	if (q->broken || q->cq_rung == q->cq_published)
		return false;
	taken = pvn_ring_load(&q->peer->cq_head);
	q->cq_rung = q->cq_published;
	if (taken == q->cq_published)
		return false;
	q->counters.notified++;
	return true;
}

/*
 * The same for a front-end that asks with pvn_front_arm_group() only: one that is awake,
 * or was rung for already, looks by itself. For a back-end that has published, and has no
 * more for now.
 */
static inline bool pvn_back_owes(struct pvn_queue_back *q)
{
	if (q->broken || q->cq_rung == q->cq_published ||
	    pvn_ring_load(&q->peer->cq_arm) - q->cq_published >= q->entries)
		return false;
	return pvn_back_unheard(q);
}

#endif
