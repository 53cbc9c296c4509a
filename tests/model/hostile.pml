/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Copyright (C) The Paravane developers
 *
 * The back-end's end of a queue (pvn/abi/ring.h) against a front-end that may write any
 * value into any word of the shared memory between any two steps. Functions are named as
 * there. A load of a shared word therefore gives anything, and two loads of the same word
 * need not agree.
 *
 * Shown, whatever is loaded: a counter outside of the window is noticed; there are never more requests in flight than entries; at most
 * one completion is written for each request taken; once broken, the shared memory is not
 * read and nothing is taken or completed any more; the first reason stays.
 *
 * Without one of the checks spin must find an error (check.py): NO_WINDOW, NO_ROOM,
 * NO_STAMP, NO_BROKEN.
 */
#define ENTRIES	2
#define BITS(x)	((x) & 7)
#define STEPS	6

#define OK		0
#define BAD_INDEX	1
#define BAD_STAMP	2
#define BAD_EPOCH	4

byte sq_head, sq_seen, cq_tail, broken, first_reason;
byte taken, completed;		/* true numbers, that do not wrap here */

/* Any value that matters to the width of a counter. */
inline load(to)
{
	assert(!broken);
	if
	:: to = 0 :: to = 1 :: to = 2 :: to = 3 :: to = 4 :: to = 5 :: to = 6 :: to = 7
	fi
}

inline break_queue(why)
{
	if
	:: broken == OK -> broken = why; first_reason = why
	:: else
	fi
}

inline available(count)
{
	count = 0;
#ifndef NO_BROKEN
	if
	:: broken -> skip
	:: else ->
#endif
		load(word);
		if
		:: word == 7 -> break_queue(BAD_EPOCH)	/* any value but its own */
		:: else ->
			load(sq_seen);
#ifndef NO_WINDOW
			if
			:: BITS(sq_seen - sq_head) > ENTRIES -> break_queue(BAD_INDEX)
			:: else ->
#endif
				count = BITS(sq_seen - sq_head);
#ifndef NO_ROOM
				if
				:: count > ENTRIES - BITS(sq_head - cq_tail) ->
					count = ENTRIES - BITS(sq_head - cq_tail)
				:: else
				fi
#endif
#ifndef NO_WINDOW
			fi
#endif
		fi
#ifndef NO_BROKEN
	fi
#endif
}

inline next()
{
	load(word);
	if
#ifndef NO_STAMP
	:: word != BITS(sq_head + 1) -> break_queue(BAD_STAMP)
#endif
	:: else ->
		assert(word == BITS(sq_head + 1));
		sq_head = BITS(sq_head + 1);
		taken++
	fi
}

active proctype back()
{
	byte word, count, steps = 0;

	do
	:: steps == STEPS -> break
	:: steps < STEPS -> steps++;
		available(count);
		assert(count <= ENTRIES);
		assert(broken || BITS(sq_seen - sq_head) <= ENTRIES);
		do
		:: count == 0 -> break
		:: count > 0 && (broken || sq_head == sq_seen) -> break
		:: count > 0 && !broken && sq_head != sq_seen -> next(); count--
		od;
		assert(taken - completed <= ENTRIES);
		assert(broken == first_reason)
	:: steps < STEPS -> steps++;
		/* pvn_back_complete() */
		if
		:: !broken && sq_head != cq_tail ->
			cq_tail = BITS(cq_tail + 1);
			completed++
		:: else
		fi;
		assert(completed <= taken)
	od
}
