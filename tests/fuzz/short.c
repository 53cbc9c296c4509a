// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (C) The Paravane developers
 *
 * A short run of a fuzzer without libFuzzer, the same every time, for ./test: inputs
 * of pseudo-random bytes, of small numbers, and of both, through the same function.
 *
 *	short INPUTS LONGEST
 */
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static uint64_t state = 0x9e3779b97f4a7c15ull;

static uint64_t next(void)
{
	state ^= state >> 12;
	state ^= state << 25;
	state ^= state >> 27;
	return state * 0x2545f4914f6cdd1dull;
}

/* Small numbers come close to what is valid; wild ones do not. */
static uint8_t byte_of(unsigned int kind)
{
	uint64_t noise = next();

	if (kind == 0 || (kind == 2 && noise & 0x100))
		return (uint8_t)noise;
	return (uint8_t)(noise >> 32) & 7;
}

int main(int argc, char **argv)
{
	unsigned long inputs, longest, i, j;
	uint8_t *data;

	if (argc != 3) {
		fprintf(stderr, "usage: %s INPUTS LONGEST\n", argv[0]);
		return 2;
	}
	inputs = strtoul(argv[1], NULL, 10);
	longest = strtoul(argv[2], NULL, 10);
	for (i = 0; i < inputs; i++) {
		size_t size = next() % (longest + 1);

		/* Of the exact size: one byte too far is found. */
		data = malloc(size ? size : 1);
		if (!data)
			return 1;
		for (j = 0; j < size; j++)
			data[j] = byte_of(i % 3);
		LLVMFuzzerTestOneInput(data, size);
		free(data);
	}
	printf("%lu inputs\n", inputs);
	return 0;
}
