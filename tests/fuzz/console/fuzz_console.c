// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (C) The Paravane developers
 *
 * Fuzzer for both ends of a console's byte streams, each against a peer that writes what
 * it likes into the whole block, at any step.
 *
 * The input is a list of steps of 7 bytes: what to do, where, and a word.
 */
#include <stdlib.h>
#include <string.h>

#include <pvn/abi/io/console.h>

enum {
	OUT_BYTES = PVN_CONSOLE_OUT_MIN,
	STEP = 7,
	CHUNK = 256,
};

static uint8_t *blocks[2];		/* the back-end's peer, the front-end's peer */
static struct pvn_bytes_out back_out, front_out;
static struct pvn_bytes_in back_in, front_in;

static void begin(void)
{
	unsigned int i;

	for (i = 0; i < 2; i++) {
		if (!blocks[i])
			blocks[i] = aligned_alloc(PVN_PAGE_SIZE, pvn_console_bytes(OUT_BYTES));
		memset(blocks[i], 0, pvn_console_bytes(OUT_BYTES));
	}
	pvn_console_back_init(blocks[0], OUT_BYTES, &back_out, &back_in);
	pvn_console_front_init(blocks[1], OUT_BYTES, &front_out, &front_in);
}

static void write_some(struct pvn_bytes_out *out, uint32_t word)
{
	static uint8_t bytes[CHUNK];
	uint32_t want = word % CHUNK, before = out->written;
	enum pvn_ring_error broken = out->broken;
	bool notify = false;
	uint32_t done = pvn_bytes_write(out, bytes, want, &notify);

	/* A broken stream stays so and moves no byte. */
	if (done > want || out->written - before != done || (broken && done) ||
	    (broken && out->broken != broken) || (notify && !done))
		abort();
	pvn_bytes_arm_space(out);
}

static void read_some(struct pvn_bytes_in *in, uint32_t word)
{
	uint32_t want = word % CHUNK, before = in->taken;
	enum pvn_ring_error broken = in->broken;
	uint8_t *bytes = malloc(want ? want : 1);
	bool notify = false;
	uint32_t done;

	if (!bytes)
		abort();
	done = pvn_bytes_read(in, bytes, want, &notify);
	if (done > want || in->taken - before != done || (broken && done) ||
	    (broken && in->broken != broken) || (notify && !done))
		abort();
	pvn_bytes_arm(in);
	free(bytes);
}

/* Mostly the words that matter, else anywhere. */
static void scribble(uint8_t *block, uint16_t where, uint32_t word)
{
	size_t bytes = pvn_console_bytes(OUT_BYTES);
	size_t page = where & 1 ? (size_t)PVN_PAGE_SIZE + OUT_BYTES : 0;
	size_t at = where & 0x8000 ? where * 4u % bytes : page + (where >> 1) % 8 * 4;

	memcpy(block + at, &word, sizeof(word));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint16_t where;
	uint32_t word;

	begin();
	for (; size >= STEP; data += STEP, size -= STEP) {
		memcpy(&where, data + 1, sizeof(where));
		memcpy(&word, data + 3, sizeof(word));
		switch (data[0] % 8) {
		case 0:
		case 1:
			scribble(blocks[data[0] & 1], where, word);
			break;
		case 2:
			write_some(&back_out, word);
			break;
		case 3:
			read_some(&back_in, word);
			break;
		case 4:
			write_some(&front_out, word);
			break;
		case 5:
			read_some(&front_in, word);
			break;
		case 6:		/* as a restarted back-end: it goes on where the pages stand */
			pvn_console_back_init(blocks[0], OUT_BYTES, &back_out, &back_in);
			break;
		case 7:
			pvn_console_front_init(blocks[1], OUT_BYTES, &front_out, &front_in);
			break;
		}
	}
	return 0;
}
