// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (C) The Paravane developers
 *
 * pvn/abi/ring.h beside Xen's ring and a split virtqueue: two threads on two processors,
 * up to `depth` requests in flight, both ends polling, no real doorbell. Every fence and
 * every decision about a doorbell is made as in earnest.
 *
 *	bench_ring [--samples N] [--json]
 *
 * A sample is a short run of one transport at one depth. Samples of all transports follow
 * one another and start over, N times, so that whatever else the machine does meets all of
 * them; the table has medians, and the ratio of ring.h to the better of the others. It is
 * called slower when the ratio is above 1 + TOLERANCE in every third of the samples too:
 * what is noise does not repeat. Status 1: slower at some depth. 2: it could not run.
 */
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "transport_pvn.h"
#include "transport_virtio.h"
#include "transport_xen.h"

enum {
	SAMPLES_DEFAULT = 300,
	SAMPLES_MAX = 10000,
	DEPTHS = 9,			/* 1 to 256 */
	THIRDS = 3,
	REQUESTS_MIN = 2000,		/* of a sample */
	REQUESTS_DEEP = 8000,
};

#define TOLERANCE 0.03

static int processors[2];

static uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static void pin(int processor)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(processor, &set);
	sched_setaffinity(0, sizeof(set), &set);
}

/* One sample's orders, and how the two threads meet. */
struct sample {
	void *transport;
	uint32_t requests, depth;
	bool ready;			/* the back end polls */
	uint64_t doorbells;
};

static uint64_t expected(uint32_t id, uint32_t number)
{
	return (uint32_t)(id * 3 + number);
}

/*
 * The harness, once for each transport. The front end fills the queue up to the depth,
 * publishes once, and takes what has been answered; the back end takes what there is, and
 * announces once. A burst of answers is worth waiting for, so the front end looks at the
 * ring again only after a moment: chasing every single one makes any ring slow.
 */
#define BENCH_RING(T)								\
static void *T##_back_end(void *context)					\
{										\
	struct sample *sample = context;					\
	struct T *t = sample->transport;					\
	uint32_t left = sample->requests, id;					\
	struct bench_request request;						\
	int count;								\
										\
	pin(processors[1]);							\
	__atomic_store_n(&sample->ready, true, __ATOMIC_RELEASE);		\
	while (left) {								\
		count = T##_available(t);					\
		if (count <= 0) {						\
			__builtin_ia32_pause();					\
			continue;						\
		}								\
		left -= (uint32_t)count;					\
		while (count--) {						\
			id = T##_take(t, &request);				\
			T##_answer(t, id, expected((uint32_t)request.word[2],	\
						   (uint32_t)request.word[3]));	\
		}								\
		T##_announce(t);						\
	}									\
	return NULL;								\
}										\
										\
static uint64_t T##_front_end(struct sample *sample)				\
{										\
	struct T *t = sample->transport;					\
	uint32_t sent = 0, got = 0, number[BENCH_ENTRIES];			\
	struct bench_request request = { { 0 } };				\
	uint32_t free_ids[BENCH_ENTRIES], free_count = BENCH_ENTRIES;		\
	struct bench_answer answer;						\
	uint64_t began = now_ns();						\
										\
	for (uint32_t i = 0; i < BENCH_ENTRIES; i++)				\
		free_ids[i] = i;						\
	while (got < sample->requests) {					\
		if (sent < sample->requests && sent - got < sample->depth) {	\
			while (sent < sample->requests && sent - got < sample->depth) { \
				uint32_t id = free_ids[--free_count];		\
										\
				number[id] = sent;				\
				request.word[2] = id;				\
				request.word[3] = sent++;			\
				T##_submit(t, id, &request);			\
			}							\
			sample->doorbells += T##_publish(t);			\
		}								\
		while (T##_reap(t, &answer)) {					\
			if (answer.value != expected((uint32_t)answer.id, number[answer.id])) \
				abort();					\
			free_ids[free_count++] = (uint32_t)answer.id;		\
			got++;							\
		}								\
	}									\
	return now_ns() - began;						\
}										\
										\
static double T##_sample(uint32_t depth, uint32_t requests)			\
{										\
	static struct T transport;						\
	struct sample sample = {						\
		.transport = &transport, .requests = requests, .depth = depth,	\
	};									\
	pthread_t thread;							\
	uint64_t took;								\
										\
	memset(&transport, 0, sizeof(transport));				\
	T##_open(&transport);							\
	if (pthread_create(&thread, NULL, T##_back_end, &sample))		\
		abort();							\
	while (!__atomic_load_n(&sample.ready, __ATOMIC_ACQUIRE))		\
		sched_yield();							\
	took = T##_front_end(&sample);						\
	pthread_join(thread, NULL);						\
	T##_close(&transport);							\
	return (double)took / requests;						\
}

BENCH_RING(pvn)
BENCH_RING(xenlike)
BENCH_RING(virtio)

static const struct {
	const char *name;
	double (*sample)(uint32_t depth, uint32_t requests);
} transports[] = {
	{ "ring.h", pvn_sample }, { "Xen", xenlike_sample }, { "virtio", virtio_sample },
};

enum { TRANSPORTS = sizeof(transports) / sizeof(transports[0]) };

static double samples[TRANSPORTS][DEPTHS][SAMPLES_MAX];

static int compare(const void *a, const void *b)
{
	double first = *(const double *)a, second = *(const double *)b;

	return (first > second) - (first < second);
}

static double median(const double *values, unsigned int count)
{
	double sorted[SAMPLES_MAX];

	memcpy(sorted, values, count * sizeof(*values));
	qsort(sorted, count, sizeof(*sorted), compare);
	return sorted[count / 2];
}

/* ring.h to the better of the others, over samples first to first + count. */
static double ratio(unsigned int depth, unsigned int first, unsigned int count)
{
	double best = 0, other;
	unsigned int i;

	for (i = 1; i < TRANSPORTS; i++) {
		other = median(&samples[i][depth][first], count);
		if (i == 1 || other < best)
			best = other;
	}
	return median(&samples[0][depth][first], count) / best;
}

static bool is_slower(unsigned int depth, unsigned int count)
{
	unsigned int third = count / THIRDS, i;

	if (ratio(depth, 0, count) <= 1 + TOLERANCE)
		return false;
	for (i = 0; i < THIRDS; i++)
		if (third && ratio(depth, i * third, third) <= 1 + TOLERANCE)
			return false;
	return true;
}

static void measure(unsigned int count)
{
	unsigned int round, depth, i;

	for (round = 0; round < count; round++)
		for (depth = 0; depth < DEPTHS; depth++)
			for (i = 0; i < TRANSPORTS; i++) {
				unsigned int which = (i + round) % TRANSPORTS;

				samples[which][depth][round] = transports[which].sample(
					1u << depth, depth < 3 ? REQUESTS_MIN : REQUESTS_DEEP);
			}
}

static unsigned int print_table(unsigned int count)
{
	unsigned int depth, i, slower = 0;

	printf("nanoseconds a request, medians of %u samples, two processors\n\n%8s", count, "depth");
	for (i = 0; i < TRANSPORTS; i++)
		printf("%10s", transports[i].name);
	printf("%10s\n", "ratio");
	for (depth = 0; depth < DEPTHS; depth++) {
		bool slow = is_slower(depth, count);

		printf("%8u", 1u << depth);
		for (i = 0; i < TRANSPORTS; i++)
			printf("%10.1f", median(samples[i][depth], count));
		printf("%10.2f%s\n", ratio(depth, 0, count), slow ? "  slower" : "");
		slower += slow;
	}
	return slower;
}

static unsigned int print_json(unsigned int count)
{
	unsigned int depth, i, slower = 0;

	printf("{ \"samples\": %u, \"depths\": [", count);
	for (depth = 0; depth < DEPTHS; depth++) {
		slower += is_slower(depth, count);
		printf("%s\n  { \"depth\": %u", depth ? "," : "", 1u << depth);
		for (i = 0; i < TRANSPORTS; i++)
			printf(", \"%s\": %.1f", transports[i].name, median(samples[i][depth], count));
		printf(", \"ratio\": %.3f, \"slower\": %s }", ratio(depth, 0, count),
		       is_slower(depth, count) ? "true" : "false");
	}
	puts("\n] }");
	return slower;
}

/* The first two processors that this process may use. */
static bool choose_processors(void)
{
	cpu_set_t set;
	int i, found = 0;

	if (sched_getaffinity(0, sizeof(set), &set))
		return false;
	for (i = 0; i < CPU_SETSIZE && found < 2; i++)
		if (CPU_ISSET(i, &set))
			processors[found++] = i;
	return found == 2;
}

int main(int argc, char **argv)
{
	unsigned int count = SAMPLES_DEFAULT, slower;
	bool json = false;
	int i;

	for (i = 1; i < argc; i++) {
		if (!strcmp(argv[i], "--json"))
			json = true;
		else if (!strcmp(argv[i], "--samples") && i + 1 < argc)
			count = (unsigned int)atoi(argv[++i]);
		else
			count = 0;
	}
	if (!count || count > SAMPLES_MAX) {
		fprintf(stderr, "usage: %s [--samples N] [--json]\n", argv[0]);
		return 2;
	}
	if (!choose_processors()) {
		fprintf(stderr, "%s: two processors are needed\n", argv[0]);
		return 2;
	}
	pin(processors[0]);
	measure(count);
	slower = json ? print_json(count) : print_table(count);
	if (!json && slower)
		printf("\nring.h is slower at %u depths\n", slower);
	else if (!json)
		puts("\nring.h is not slower at any depth");
	return slower ? 1 : 0;
}
