/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Copyright (C) The Paravane developers
 *
 * A front-end that takes answers until arming says that there is none (pvn/abi/ring.h;
 * with interrupts off in frontend/blk/blkfront_io.c, take_answers()), against a back-end
 * that may write any value into any stamp between any two steps. A load gives anything.
 *
 * Shown: the loop ends, after at most one round more than there were submissions; no more
 * answers are taken than were asked for; a broken queue is not read.
 *
 * Without one of the checks spin must find an error (check.py): NO_PROMISE, NO_BEYOND.
 */
#define ASKED	3
#define ROUNDS	(ASKED + 2)

byte cq_head, broken, rounds;
bool promised;

/* The stamp of one slot: the one that is waited for, or not. */
inline load(is_there)
{
	assert(!broken);
	if
	:: is_there = true
	:: is_there = false
	fi
}

/* pvn_front_next() until there is none. */
inline take_all()
{
	do
	:: broken -> break
	:: else ->
		load(there);
		if
#ifndef NO_PROMISE
		:: !there && promised -> broken = 1
		:: !there && !promised -> break
#else
		:: !there -> break
#endif
#ifndef NO_BEYOND
		:: there && cq_head == ASKED -> broken = 1
		:: there && cq_head != ASKED ->
#else
		:: there ->
#endif
			promised = false;
			cq_head++;
			assert(cq_head <= ASKED)
		fi
	od
}

/* pvn_front_arm(): the last of the group, then the next one. */
inline arm(result)
{
	result = false;
	if
	:: broken
	:: else ->
		load(there);
		if
		:: !there
		:: there ->
			load(there);
			if
			:: !there -> broken = 1
			:: there -> result = true
			fi
		fi
	fi
}

active proctype front()
{
	bool there;

	do
	:: true ->
		rounds++;
		assert(rounds <= ROUNDS);
		take_all();
		arm(promised);
		if
		:: promised
		:: !promised -> break
		fi
	od
}
