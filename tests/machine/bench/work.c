// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (C) The Paravane developers
 *
 * Workloads of ./run bench: what a processor does; work_io.c has what devices do, work_xen.c
 * counts for Xen. Prints what it measured, and where it is not clear how many times. Static
 * and without vector instructions of its own, so that it does the same on every processor
 * model.
 */
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "marker.h"
#include "work.h"

#define HASH_BYTES 100000000u
#define HASH_RESULT 0x290d03bbu
#define SPAWNS 300
#define SPAWNS_WARM 10

double work_now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec + t.tv_nsec / 1e9;
}

void fail(const char *what)
{
	fprintf(stderr, "bench-work: %s: %s\n", what, strerror(errno));
	exit(1);
}

static uint32_t rotate(uint32_t x, unsigned int by)
{
	return x >> by | x << (32 - by);
}

/* One block of SHA-256 [FIPS 180-4 6.2.2]. */
static void hash_block(uint32_t state[8], const uint8_t *data)
{
	static const uint32_t k[64] = {
		0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4,
		0xab1c5ed5, 0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe,
		0x9bdc06a7, 0xc19bf174, 0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f,
		0x4a7484aa, 0x5cb0a9dc, 0x76f988da, 0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7,
		0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967, 0x27b70a85, 0x2e1b2138, 0x4d2c6dfc,
		0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85, 0xa2bfe8a1, 0xa81a664b,
		0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070, 0x19a4c116,
		0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
		0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7,
		0xc67178f2,
	};
	uint32_t a = state[0], b = state[1], c = state[2], d = state[3];
	uint32_t e = state[4], f = state[5], g = state[6], h = state[7];
	uint32_t w[64];
	unsigned int i;

	for (i = 0; i < 16; i++)
		w[i] = (uint32_t)data[4 * i] << 24 | data[4 * i + 1] << 16 | data[4 * i + 2] << 8 |
		       data[4 * i + 3];
	for (; i < 64; i++)
		w[i] = w[i - 16] + w[i - 7] +
		       (rotate(w[i - 15], 7) ^ rotate(w[i - 15], 18) ^ w[i - 15] >> 3) +
		       (rotate(w[i - 2], 17) ^ rotate(w[i - 2], 19) ^ w[i - 2] >> 10);
	for (i = 0; i < 64; i++) {
		uint32_t t1 = h + (rotate(e, 6) ^ rotate(e, 11) ^ rotate(e, 25)) +
			      ((e & f) ^ (~e & g)) + k[i] + w[i];
		uint32_t t2 = (rotate(a, 2) ^ rotate(a, 13) ^ rotate(a, 22)) +
			      ((a & b) ^ (a & c) ^ (b & c));

		h = g, g = f, f = e, e = d + t1;
		d = c, c = b, b = a, a = t1 + t2;
	}
	state[0] += a, state[1] += b, state[2] += c, state[3] += d;
	state[4] += e, state[5] += f, state[6] += g, state[7] += h;
}

/* Of fixed data, so that the result is known: another one is a broken machine. */
static double sha256(void)
{
	static const uint8_t tail[64] = {
		/* the length is a multiple of 64 bytes */
		0x80,
		[60] = HASH_BYTES * 8u >> 24,
		HASH_BYTES * 8u >> 16 & 0xff,
		HASH_BYTES * 8u >> 8 & 0xff,
		HASH_BYTES * 8u & 0xff,
	};
	uint32_t state[8] = { 0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
			      0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19 };
	uint8_t *data =
		mmap(NULL, HASH_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	double began, seconds;
	size_t at;

	if (data == MAP_FAILED)
		fail("mmap");
	for (at = 0; at < HASH_BYTES; at += 8)
		*(uint64_t *)(data + at) = at * 0x9e3779b97f4a7c15ull;
	began = work_now();
	for (at = 0; at < HASH_BYTES; at += 64)
		hash_block(state, data + at);
	hash_block(state, tail);
	seconds = work_now() - began;
	if (state[0] != HASH_RESULT) {
		fprintf(stderr, "bench-work: the checksum begins with %08x, not %08x\n", state[0],
			HASH_RESULT);
		exit(1);
	}
	return seconds;
}

static void spawn_one(const char *program)
{
	pid_t pid = fork();
	int status;

	if (!pid) {
		execl(program, program, "nothing", (char *)NULL);
		_exit(127);
	}
	if (pid < 0 || waitpid(pid, &status, 0) != pid || status)
		fail("fork and exec");
}

static double spawn(const char *program)
{
	double began;
	unsigned int i;

	for (i = 0; i < SPAWNS_WARM; i++)
		spawn_one(program);
	began = work_now();
	WINDOW_BEGIN(WINDOW_SPAWN);
	for (i = 0; i < SPAWNS; i++)
		spawn_one(program);
	WINDOW_END(WINDOW_SPAWN);
	return work_now() - began;
}

/* Two processes and a byte through two pipes; microseconds for there and back. */
static double context_switch(unsigned int times)
{
	int there[2], back[2];
	char byte = 0;
	double began;
	unsigned int i;
	pid_t pid;

	if (pipe(there) || pipe(back))
		fail("pipe");
	pid = fork();
	if (!pid) {
		close(there[1]);
		while (read(there[0], &byte, 1) == 1)
			if (write(back[1], &byte, 1) != 1)
				break;
		_exit(0);
	}
	for (i = 0; i < 100; i++)
		if (write(there[1], &byte, 1) != 1 || read(back[0], &byte, 1) != 1)
			fail("pipe");
	began = work_now();
	WINDOW_BEGIN(WINDOW_SWITCH);
	for (i = 0; i < times; i++)
		if (write(there[1], &byte, 1) != 1 || read(back[0], &byte, 1) != 1)
			fail("pipe");
	WINDOW_END(WINDOW_SWITCH);
	return (work_now() - began) * 1e6 / times;
}

static double one_cpuid(unsigned int times)
{
	uint32_t a, b, c, d;
	double began = work_now();
	unsigned int i;

	for (i = 0; i < times; i++)
		__asm__ volatile("cpuid" : "=a"(a), "=b"(b), "=c"(c), "=d"(d) : "a"(0), "c"(0));
	return (work_now() - began) * 1e6 / times;
}

/* How much later than asked a short sleep ends. */
static void timer(unsigned int times)
{
	const struct timespec sleep = { .tv_nsec = 200000 };
	double *late = calloc(times, sizeof(*late));
	unsigned int i;

	if (!late)
		fail("memory");
	for (i = 0; i < times; i++) {
		double began = work_now();

		nanosleep(&sleep, NULL);
		late[i] = (work_now() - began) * 1e6 - sleep.tv_nsec / 1e3;
	}
	work_print_latencies(late, times);
	free(late);
}

static int number_of(const char *text)
{
	int number = atoi(text);

	if (number < 1)
		exit(2);
	return number;
}

int main(int argc, char **argv)
{
	const char *what = argc > 1 ? argv[1] : "";

	if (!strcmp(what, "nothing"))
		return 0;
	if (!strcmp(what, "sha256"))
		printf("%.6f\n", sha256());
	else if (!strcmp(what, "spawn"))
		printf("%.6f\n", spawn(argc > 2 ? argv[2] : "/proc/self/exe"));
	else if (!strcmp(what, "switch") && argc == 3)
		printf("%.3f %d\n", context_switch(number_of(argv[2])), number_of(argv[2]));
	else if (!strcmp(what, "cpuid") && argc == 3)
		printf("%.4f %d\n", one_cpuid(number_of(argv[2])), number_of(argv[2]));
	else if (!strcmp(what, "timer") && argc == 3)
		timer(number_of(argv[2]));
	else if (!strcmp(what, "console") && argc == 4)
		work_console(argv[2], number_of(argv[3]));
	else if (!strcmp(what, "disk") && argc == 6)
		work_disk(argv[2], !strcmp(argv[3], "write"), number_of(argv[4]),
			  number_of(argv[5]));
	else if (!strcmp(what, "serve"))
		work_serve();
	else if (!strcmp(what, "ask") && argc == 4)
		work_ask(argv[2], number_of(argv[3]));
	else if (!strcmp(what, "xen-exits") && argc == 3)
		work_xen_exits(argv[2]);
	else
		return 2;
	return 0;
}
