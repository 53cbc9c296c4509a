/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Copyright (C) The Paravane developers
 *
 * Publish, arm and sleep of pvn/abi/ring.h, one direction of a queue: a producer that
 * waits for room, a consumer that waits for entries. Functions are named as there.
 *
 * Memory is x86's: each side's stores go through a buffer, first in first out, and reach
 * memory at any later time; a fence waits until the buffer is empty; loads see memory.
 * Counters are 3 bits wide, so that they wrap; the ring has 2 entries.
 *
 * Shown: whatever the interleaving, everything produced is consumed, once and in order,
 * and nobody sleeps for ever. A lost wake-up is an invalid end state.
 *
 * Each line of the algorithm that must be there can be left out, and spin must then find
 * an error (check.py): NO_PUBLISH_FENCE, NO_ARM_FENCE, NO_LOOK_AGAIN, NO_SPACE_FENCE,
 * NO_SPACE_LOOK_AGAIN, TAIL_BEFORE_ENTRY, ARM_OFF_BY_ONE.
 */
#define ENTRIES	2
#define TOTAL	5
#define BITS(x)	((x) & 7)
#define PASSED(arm, before, after) (BITS((after) - (arm) - 1) < BITS((after) - (before)))

/* Words of the shared pages. */
#define STAMP0		0	/* and STAMP0 + 1 */
#define SQ_TAIL		2
#define SPACE_ARM	3
#define SQ_HEAD		4
#define SQ_ARM		5

byte mem[6];
chan stores[2] = [4] of { byte, byte };	/* of the producer, of the consumer */
bool bell[2];				/* the event flag of the producer, of the consumer */
byte consumed;

#define STORE(who, word, value)	stores[who] ! word, value
#define FENCE(who)		empty(stores[who])
#define RING(who)		bell[who] = true
#define SLEEP(who)		bell[who] -> bell[who] = false

/* What a processor does with its store buffer. */
proctype drain(byte who)
{
	byte word, value;

end:	do
	:: atomic { stores[who] ? word, value -> mem[word] = value }
	od
}

proctype producer()
{
	byte tail = 0, head, arm, made = 0;

	do
	:: made == TOTAL -> break
	:: else ->
		/* pvn_front_untaken(), pvn_front_arm_space() */
		do
		:: head = mem[SQ_HEAD];
		   assert(BITS(tail - head) <= ENTRIES);
		   if
		   :: BITS(tail - head) < ENTRIES -> break
		   :: else ->
			STORE(0, SPACE_ARM, BITS(tail - ENTRIES));
#ifndef NO_SPACE_FENCE
			FENCE(0);
#endif
#ifndef NO_SPACE_LOOK_AGAIN
			head = mem[SQ_HEAD];
#endif
			if
			:: BITS(tail - head) < ENTRIES -> break
			:: else -> SLEEP(0)
			fi
		   fi
		od;
		/* pvn_front_push(), pvn_front_publish() */
#ifdef TAIL_BEFORE_ENTRY
		STORE(0, SQ_TAIL, BITS(tail + 1));
		STORE(0, STAMP0 + tail % ENTRIES, BITS(tail + 1));
#else
		STORE(0, STAMP0 + tail % ENTRIES, BITS(tail + 1));
		STORE(0, SQ_TAIL, BITS(tail + 1));
#endif
#ifndef NO_PUBLISH_FENCE
		FENCE(0);
#endif
		arm = mem[SQ_ARM];
		if
		:: PASSED(arm, tail, tail + 1) -> RING(1)
		:: else
		fi;
		tail = BITS(tail + 1);
		made++
	od
}

proctype consumer()
{
	byte head = 0, published = 0, seen, arm;

	do
	:: consumed == TOTAL -> break
	:: else ->
		/* pvn_back_available(), pvn_back_next() */
		seen = mem[SQ_TAIL];
		assert(BITS(seen - head) <= ENTRIES);
		do
		:: head == seen -> break
		:: else ->
			assert(mem[STAMP0 + head % ENTRIES] == BITS(head + 1));
			head = BITS(head + 1);
			consumed++
		od;
		/* pvn_back_publish() */
		if
		:: published != head ->
			STORE(1, SQ_HEAD, head);
			FENCE(1);
			arm = mem[SPACE_ARM];
			if
			:: PASSED(arm, published, head) -> RING(0)
			:: else
			fi;
			published = head
		:: else
		fi;
		/* pvn_back_arm() */
#ifdef ARM_OFF_BY_ONE
		STORE(1, SQ_ARM, BITS(head + 1));
#else
		STORE(1, SQ_ARM, head);
#endif
#ifndef NO_ARM_FENCE
		FENCE(1);
#endif
#ifndef NO_LOOK_AGAIN
		seen = mem[SQ_TAIL];
#endif
		if
		:: seen != head -> skip
		:: seen == head && consumed < TOTAL -> SLEEP(1)
		:: else
		fi
	od
}

init
{
	/* pvn_front_init(): nobody waits for room yet */
	mem[SPACE_ARM] = 7;
	atomic { run drain(0); run drain(1); run producer(); run consumer() }
}
