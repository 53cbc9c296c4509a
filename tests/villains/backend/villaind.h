/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Copyright (C) The Paravane developers
 *
 * pvn-villaind: a back-end that attacks its guest's front-end. pvn-worker starts it in
 * place of pvn-blkd, pvn-netd or pvn-consoled and does not know the difference; the name
 * that it is started by says which device it serves.
 *
 * Until it is told otherwise it is honest: a disk of known contents, a network in which
 * one neighbour answers, a console that answers a question mark. The guest says what
 * comes next: disk 0 (honest at all times) takes a read of sector VILLAIN_SELECT + 8 N as
 * the choice of row N of backends.def and puts it into the store for the others. The row's
 * function then runs once, at its stage. What it writes goes into the device's own rings
 * and keys, as with any back-end: it attacks what a front-end believes.
 *
 * One thread, no locks.
 */
#ifndef PVN_VILLAIND_H
#define PVN_VILLAIND_H

#include <pvn/abi/io/blk.h>
#include <pvn/abi/io/console.h>
#include <pvn/abi/io/net.h>

#include "libpvn/backend.h"

enum villain_kind { VILLAIN_blk, VILLAIN_net, VILLAIN_console };

/* When a row's function is called. */
enum villain_stage {
	STAGE_KEYS,		/* the front-end is away; it will read the keys when it comes */
	STAGE_CONNECT,		/* it has announced rings; the function returns -1 to refuse them */
	STAGE_CONNECTED,	/* both are at state 4 */
	STAGE_DATA,		/* disk: several reads wait; network: a ping; console: output */
};

enum {
	VILLAIN_SECTORS = 8192,
	VILLAIN_TRIGGER = 2048,		/* reads from here on are held for STAGE_DATA */
	VILLAIN_SELECT = 4096,		/* of disk 0: each block of 4 KiB chooses a row */
	VILLAIN_BLOCK = 8,		/* sectors */
	VILLAIN_HELD_MAX = 4,
	VILLAIN_STORM = 3000,
};

struct villain;

struct attack {
	const char *name;
	enum villain_kind kind;
	enum villain_stage stage;
	int (*run)(struct villain *villain);
};

extern const struct attack attacks[];
extern const unsigned int attack_count;

struct villain {
	struct pvn_backend backend;
	enum villain_kind kind;
	const struct attack *attack;	/* chosen and not run yet, or NULL */
	bool away;			/* the store shows keys or states that are not honest */
	char *channel, *mac;		/* what the toolstack wrote, for mending it */
	bool attached;
	bool silent;			/* until the next connection nothing is answered */

	struct pvn_queue_back ring;	/* disk, or what a network sends */
	uint8_t *image;			/* disk */
	struct pvn_blk_request held[VILLAIN_HELD_MAX];
	unsigned int held_count;
	uint64_t held_since_ms;

	struct pvn_queue_back rx;	/* network: buffers */
	struct pvn_net_request frame;	/* that made STAGE_DATA */
	unsigned int seed;

	struct pvn_console_front *front_page;
	struct pvn_console_back *page;
	struct pvn_bytes_in output;
	struct pvn_bytes_out input;
};

/* --- main.c --- */

/* Writes F/key or B/key, as text. What is not honest is mended before the next row. */
void put_front(struct villain *villain, const char *key, const char *value);
void put_back(struct villain *villain, const char *key, const char *value);
void remove_back(struct villain *villain, const char *key);

/* Writes B/state, whatever the real one is. */
void put_state(struct villain *villain, const char *value);

/* Ends the process; its successor is honest. */
void __attribute__((noreturn)) die(struct villain *villain);

void ring(struct villain *villain);
void storm(struct villain *villain, unsigned int count);
void wait_ms(unsigned int ms);
uint64_t now_ms(void);

/* Lets the front-end come to rest: its events are handled honestly for so long. */
void serve_for(struct villain *villain, unsigned int ms);

/* Puts a number of noise into a counter's place; the same row after every start. */
uint32_t noise(struct villain *villain);

/* --- disk.c, net.c, console.c: the honest half --- */

int disk_create(struct villain *villain);
int disk_publish(struct villain *villain);
int disk_connect(struct villain *villain, uint32_t epoch);
/* One round over the ring; `hold`: reads from VILLAIN_TRIGGER on are kept. */
void disk_turn(struct villain *villain, bool hold);
/*
 * Moves the data of what is held, without an answer: a row that lies about answers is not
 * to be taken for one that lies about data, which a disk always can.
 */
void disk_move_all(struct villain *villain);
/* Answers held[index] as it should be. */
void disk_answer(struct villain *villain, unsigned int index);
void disk_answer_all(struct villain *villain);

int net_publish(struct villain *villain);
int net_connect(struct villain *villain, uint32_t epoch);
/* One round; true: a ping came and was kept in villain->frame instead of answered. */
bool net_turn(struct villain *villain, bool hold);
/* The neighbour's answer to villain->frame. */
void net_answer(struct villain *villain);
/* Puts `bytes` of frame, behind `head`, into the next buffer and completes it with `value`. */
void net_deliver(struct villain *villain, const struct pvn_net_received *head, const void *frame,
		 uint32_t bytes, uint32_t value);

int console_publish(struct villain *villain);
int console_connect(struct villain *villain, uint32_t epoch);
/* One round; true: output waits and was left alone. */
bool console_turn(struct villain *villain, bool hold);

#endif
