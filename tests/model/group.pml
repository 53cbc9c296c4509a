/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Copyright (C) The Paravane developers
 *
 * Doorbells for groups (pvn/abi/ring.h): a front-end asks for one when several more
 * completions are there (pvn_front_arm_group()), and the back-end rings for fewer when it has
 * no more for now (pvn_back_owes()), which may be at any time. The memory is as in ring.pml.
 *
 * Shown: everything completed is taken, and the front-end does not sleep for ever. Without
 * one of the steps spin must find an error (check.py): NO_DRY, NO_PUBLISH_FENCE,
 * NO_ARM_FENCE, NO_LOOK_AGAIN, LOOK_AT_LAST.
 */
#define ENTRIES	4
#define TOTAL	4
#define BITS(x)	((x) & 15)
#define PASSED(arm, before, after) (BITS((after) - (arm) - 1) < BITS((after) - (before)))

/* Words of the shared pages; a stamp for each of ENTRIES. */
#define CQ_ARM		4
#define CQ_HEAD		5

byte mem[6];
chan stores[2] = [6] of { byte, byte };	/* of the back-end, of the front-end */
bool bell;
byte taken;

#define STORE(who, word, value)	stores[who] ! word, value
#define FENCE(who)		empty(stores[who])

/* What a processor does with its store buffer. */
proctype drain(byte who)
{
	byte word, value;

end:	do
	:: atomic { stores[who] ? word, value -> mem[word] = value }
	od
}

/* pvn_back_owes(), with pvn_back_unheard() in it */
inline owes()
{
	if
	:: rung == published -> skip
	:: else ->
		arm = mem[CQ_ARM];
		if
		:: BITS(arm - published) >= ENTRIES -> skip
		:: else ->
			head = mem[CQ_HEAD];
			rung = published;
			if
			:: head == published -> skip
			:: else -> bell = true
			fi
		fi
	fi
}

proctype back_end()
{
	byte tail = 0, published = 0, rung = 0, arm, head;

	do
	:: tail < TOTAL ->	/* pvn_back_complete() */
		STORE(0, tail, tail + 1);
		tail++
	:: published != tail ->	/* pvn_back_publish() */
#ifndef NO_PUBLISH_FENCE
		FENCE(0);
#endif
		arm = mem[CQ_ARM];
		if
		:: PASSED(arm, published, tail) -> bell = true; rung = tail
		:: else
		fi;
		published = tail
#ifndef NO_DRY
	:: published == tail -> owes()
#endif
	:: published == TOTAL -> break
	od;
#ifndef NO_DRY
	owes()
#endif
}

proctype front_end()
{
	byte cq_head = 0, group;
	bool ready;

	do
	:: /* pvn_front_disarm(), then pvn_front_next() until there is none */
		STORE(1, CQ_ARM, BITS(cq_head - ENTRIES - 1));
		do
		:: cq_head < TOTAL && mem[cq_head] == cq_head + 1 -> cq_head++; taken++
		:: else -> break
		od;
		if
		:: cq_head == TOTAL -> break
		:: else
		fi;
		/* pvn_front_arm_group() */
		if
		:: group = 1
		:: group = 2
		:: group = 3
		fi;
		STORE(1, CQ_HEAD, cq_head);
		STORE(1, CQ_ARM, BITS(cq_head + group - 1));
#ifndef NO_ARM_FENCE
		FENCE(1);
#endif
		ready = false;
#ifdef LOOK_AT_LAST
		if
		:: cq_head + group <= TOTAL ->
			ready = (mem[cq_head + group - 1] == cq_head + group)
		:: else
		fi;
#else
#ifndef NO_LOOK_AGAIN
		ready = (mem[cq_head] == cq_head + 1);
#endif
#endif
		if
		:: ready -> skip
		:: else -> bell -> bell = false
		fi
	od;
	assert(taken == TOTAL)
}

init
{
	atomic {
		run drain(0);
		run drain(1);
		run back_end();
		run front_end()
	}
}
