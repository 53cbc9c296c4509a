// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (C) The Paravane developers
 *
 * pvn-netd: serves one network interface of one guest. Started, and restarted, by
 * pvn-worker, with every descriptor that it needs; opens nothing but the store's
 * socket.
 *
 *	pvn-netd <arguments of libpvn/backend.h>
 *		 --tap NAME [--tap-fd FD]... | --user [--forward RULE]... [--no-host]
 *		 [--mtu N] [--poll-us N]
 *	pvn-netd --domid N --device K --backend-path B --user ... --stream FD
 *
 * The second form serves an emulated card: FD is a socket of packets to the worker.
 *
 * The loop: send what the guest has queued, bring it what has come, of all queues
 * in turns, announce; when there was nothing, look for a short learned time, then
 * arm the doorbells, look once more, and sleep. While much is sent, pace.h says when to
 * let others have the processor.
 *
 * The toolstack holds the tap open: the link lives on when this process does not.
 */
#include <errno.h>
#include <inttypes.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <sys/resource.h>

#include "libpvn/clock.h"
#include "libpvn/sandbox.h"
#include "libpvn/tap.h"
#include "netd/pace.h"
#include "netd/settings.h"
#include "netd/stream.h"
#include "netd/wire_user.h"

enum {
	BUSY_TURNS = 32,	/* turns before store and doorbells are looked at all the same */
	POLL_US_DEFAULT = 50,
	STORE_RETRY_MS = 1000,
	FORWARDS_MAX = 64,
	NICE = -5,
	GONE_WAIT_MS = 2000,	/* before another process may find the interface again */
};

struct netd {
	struct pvn_backend backend;
	struct net_interface interface;
	struct net_queue queue[PVN_BACKEND_QUEUES_MAX];
	const char *tap;
	int tap_fd[PVN_TAP_QUEUES_MAX];
	unsigned int tap_count;
	bool user, no_host;
	int stream;			/* of an emulated card, or -1: there are rings */
	const char *forward[FORWARDS_MAX];
	unsigned int forward_count;
	unsigned int mtu;
	unsigned int poll_us;
	struct pvn_poll look;
	struct net_pace pace;
	struct wire_poll sleep;
	bool store_lost;
	uint64_t gone_since_ns;
};

static const struct net_turn one_turn = { .frames = 64, .bytes = 128 << 10 };

static struct netd netd = {
	.mtu = 1500,
	.poll_us = POLL_US_DEFAULT,
	.stream = -1,
};

/* --- start --- */

static int number_argument(const char *name, const char *value, unsigned int least,
			   unsigned int most, unsigned int *number)
{
	unsigned long parsed;
	char *end;

	errno = 0;
	parsed = strtoul(value, &end, 10);
	if (*value < '0' || *value > '9' || *end || errno || parsed < least || parsed > most) {
		fprintf(stderr, "pvn-netd: %s %s: expected a number from %u to %u\n", name, value,
			least, most);
		return -1;
	}
	*number = (unsigned int)parsed;
	return 2;
}

static int take_flag(bool *flag)
{
	*flag = true;
	return 1;
}

static int argument(struct pvn_backend *backend, const char *name, const char *value)
{
	unsigned int number;

	if (!strcmp(name, "--user"))
		return take_flag(&netd.user);
	if (!strcmp(name, "--no-host"))
		return take_flag(&netd.no_host);
	if (!value)
		return 0;
	if (!strcmp(name, "--forward") && netd.forward_count < FORWARDS_MAX) {
		netd.forward[netd.forward_count++] = value;
		return 2;
	}
	if (!strcmp(name, "--tap")) {
		netd.tap = value;
		return 2;
	}
	if (!strcmp(name, "--tap-fd")) {
		if (netd.tap_count == PVN_TAP_QUEUES_MAX ||
		    number_argument(name, value, 0, 1u << 20, &number) < 0)
			return -1;
		netd.tap_fd[netd.tap_count++] = (int)number;
		return 2;
	}
	if (!strcmp(name, "--stream")) {
		if (number_argument(name, value, 0, 1u << 20, &number) < 0)
			return -1;
		netd.stream = (int)number;
		backend->without_rings = true;
		return 2;
	}
	if (!strcmp(name, "--mtu"))
		return number_argument(name, value, PVN_NET_MTU_MIN, PVN_NET_MTU_MAX, &netd.mtu);
	if (!strcmp(name, "--poll-us"))
		return number_argument(name, value, 0, 10000, &netd.poll_us);
	return 0;
}

static int open_wire(void)
{
	struct wire *wire = &netd.interface.wire;
	unsigned int i;

	if (netd.user) {
		if (wire_open_user(wire, netd.mtu, !netd.no_host))
			return -1;
		for (i = 0; i < netd.forward_count; i++)
			if (wire_user_forward(wire, netd.forward[i]))
				return -1;
		return 0;
	}
	if (netd.stream >= 0 || !netd.tap || !netd.tap_count || netd.tap_count < netd.backend.queue_count) {
		fprintf(stderr, "pvn-netd: --user, or --tap and a --tap-fd for each queue are needed\n");
		return -1;
	}
	return wire_open_tap(wire, netd.tap_fd, netd.tap_count);
}

/* --- conversation in the store --- */

static void update_link(void)
{
	netd.interface.link = netd.interface.plugged && !netd.interface.wire.gone;
}

static int publish_keys(struct pvn_backend *backend)
{
	const struct net_interface *interface = &netd.interface;
	const struct net_limits *offers = &interface->offers;
	const struct pvn_backend_key keys[] = {
		{ "protocol", PVN_NET_PROTOCOL },
		{ "mtu", offers->mtu },
		{ "link", interface->link },
		{ "feature-csum", offers->csum },
		{ "feature-tso4", offers->tso4 },
		{ "feature-tso6", offers->tso6 },
		{ "feature-rx-group", 1 },
		{ "max-segments", PVN_NET_SEGMENTS_MAX },
		{ "queue-entries-max", PVN_RING_ENTRIES_MAX },
	};

	return pvn_backend_publish_numbers(backend, keys, sizeof(keys) / sizeof(keys[0]));
}

static int publish(struct pvn_backend *backend)
{
	net_settings_read(backend, &netd.interface);
	update_link();
	return publish_keys(backend);
}

static void count(unsigned int index, char *text, size_t bytes)
{
	const struct net_queue *queue = &netd.queue[index];
	const struct pvn_queue_counters *tx = &queue->tx.counters;
	const struct pvn_queue_counters *rx = &queue->rx.counters;
	const struct net_counts *counts = &queue->counts;

	snprintf(text, bytes,
		 "sent=%" PRIu64 " bytes_sent=%" PRIu64 " received=%" PRIu64
		 " bytes_received=%" PRIu64 " dropped=%" PRIu64 " refused=%" PRIu64
		 " guarded=%" PRIu64 " events=%" PRIu64 " notified=%" PRIu64
		 " notifications_saved=%" PRIu64,
		 counts->sent, counts->sent_bytes, counts->received,
		 counts->received_bytes, counts->dropped, counts->refused,
		 counts->guarded, (uint64_t)tx->events,
		 (uint64_t)(tx->notified + rx->notified),
		 (uint64_t)(tx->notifications_saved + rx->notifications_saved));
}

/* From the toolstack: the settings have changed. */
static void command(struct pvn_backend *backend, const char *word)
{
	bool link = netd.interface.link;

	if (strcmp(word, "look")) {
		pvn_backend_log(backend, "command \"%s\" is not known", word);
		return;
	}
	net_settings_read(backend, &netd.interface);
	update_link();
	if (netd.interface.link != link)
		pvn_backend_announce(backend, "link", netd.interface.link);
}

static void disconnect(struct pvn_backend *backend)
{
	unsigned int i;

	for (i = 0; i < backend->queue_count; i++)
		net_queue_detach(&netd.queue[i]);
}

static int attach_queue(struct pvn_backend *backend, unsigned int index, uint32_t epoch)
{
	uint32_t tx_entries, rx_entries;
	void *tx = pvn_backend_ring_memory(backend, index, "tx-", epoch, &tx_entries);
	void *rx = pvn_backend_ring_memory(backend, index, "rx-", epoch, &rx_entries);

	if (!tx || !rx)
		return -1;
	if (!net_queue_attach(&netd.queue[index], tx, tx_entries, rx, rx_entries, epoch)) {
		pvn_backend_log(backend, "queue %u: the rings are of another epoch", index);
		return -1;
	}
	return 0;
}

static bool front_takes(struct pvn_backend *backend, const char *key)
{
	uint64_t value;

	return pvn_backend_front_number(backend, key, 0, 1, &value) && value;
}

static int connect_rings(struct pvn_backend *backend, uint32_t epoch)
{
	struct net_interface *interface = &netd.interface;
	unsigned int count, i;

	if (pvn_backend_front_choice(backend, PVN_NET_PROTOCOL, &count))
		return -1;
	interface->takes = (struct net_limits){
		.csum = front_takes(backend, "feature-csum"),
		.tso4 = interface->offers.tso4 && front_takes(backend, "feature-tso4"),
		.tso6 = interface->offers.tso6 && front_takes(backend, "feature-tso6"),
	};
	interface->wire.ops->accept(&interface->wire, &interface->takes, count);
	for (i = 0; i < count; i++)
		if (attach_queue(backend, i, epoch)) {
			disconnect(backend);
			return -1;
		}
	pvn_backend_log(backend, "connected, %u queues, epoch %u", count, epoch);
	return 0;
}

static const struct pvn_backend_ops ops = {
	.program = "pvn-netd",
	.kind = "net",
	.argument = argument,
	.publish = publish,
	.connect = connect_rings,
	.disconnect = disconnect,
	.command = command,
	.count = count,
};

/* The store went away, or is not there yet: rings go on, sleep() tries again. */
static void open_store(void)
{
	netd.store_lost = pvn_backend_open(&netd.backend) || pvn_backend_events(&netd.backend);
}

static void store_ready(void)
{
	if (!pvn_backend_events(&netd.backend))
		return;
	pvn_backend_log(&netd.backend, "the store is gone, waiting for it");
	netd.store_lost = true;
}

/* --- the loop --- */

static void report_broken(unsigned int index)
{
	struct net_queue *queue = &netd.queue[index];

	if (queue->reported || !net_queue_broken(queue))
		return;
	queue->reported = true;
	pvn_backend_log(&netd.backend, "queue %u is broken (reason %d), until it is set up again",
			index, net_queue_broken(queue));
}

/* Others may run on this processor, if they want to. */
static void nap(void)
{
	const struct timespec pause = { .tv_nsec = NET_PACE_NAP_NS };
	uint64_t began = pvn_now_ns();

	clock_nanosleep(CLOCK_MONOTONIC, 0, &pause, NULL);
	net_pace_napped(&netd.pace, pvn_now_ns() - began);
}

/* One round over everything; false when there was nothing to do. */
static bool turn(void)
{
	uint64_t sent = 0;
	bool any = false;
	unsigned int i;

	if (net_interface_is_limited(&netd.interface))
		netd.interface.now_ns = pvn_now_ns();
	for (i = 0; i < netd.backend.queue_count; i++) {
		struct net_queue *queue = &netd.queue[i];

		sent -= queue->counts.sent;
		any |= net_queue_send(queue, &one_turn);
		sent += queue->counts.sent;
		any |= net_queue_receive(queue, &one_turn);
		if (net_queue_publish(queue))
			pvn_backend_ring(&netd.backend, i);
		report_broken(i);
	}
	if (net_pace_sent(&netd.pace, (uint32_t)sent))
		nap();
	return any;
}

/* Looks for work for the learned time; true when some was found. */
static bool look_for_a_while(void)
{
	uint64_t end;

	if (!netd.look.ceiling_ns)
		return false;
	end = pvn_now_ns() + netd.look.budget_ns;
	do {
		if (turn()) {
			pvn_poll_hit(&netd.look);
			return true;
		}
		__builtin_ia32_pause();
	} while (pvn_now_ns() < end);
	pvn_poll_miss(&netd.look);
	return false;
}

static void limit_sleep(int ms)
{
	if (netd.sleep.timeout_ms < 0 || netd.sleep.timeout_ms > ms)
		netd.sleep.timeout_ms = ms;
}

/* Wakes up when a limit lets the next frame through. */
static void sleep_for_limit(uint64_t until_ns)
{
	uint64_t now;

	if (!until_ns)
		return;
	now = pvn_now_ns();
	limit_sleep(until_ns > now ? (int)((until_ns - now) / 1000000) + 1 : 0);
}

/* The link goes down at once; the process ends, and its successor may find the tap again. */
static void look_after_wire(void)
{
	if (!netd.interface.wire.gone)
		return;
	if (!netd.gone_since_ns) {
		netd.gone_since_ns = pvn_now_ns();
		update_link();
		pvn_backend_log(&netd.backend, "the interface %s is gone", netd.tap);
		if (netd.backend.store)
			pvn_backend_announce(&netd.backend, "link", 0);
	}
	limit_sleep(GONE_WAIT_MS);
	if (pvn_now_ns() - netd.gone_since_ns >= GONE_WAIT_MS * 1000000ull)
		netd.backend.finished = true;
}

/* Doorbells first, by queue; then the store, if it is there; then the wire's. */
static void prepare_sleep(uint64_t wanted)
{
	struct wire_poll *sleep = &netd.sleep;
	unsigned int i;

	sleep->count = 0;
	for (i = 0; i < netd.backend.queue_count; i++)
		sleep->fd[sleep->count++] = (struct pollfd){
			.fd = netd.backend.queue[i].in, .events = POLLIN,
		};
	/* A negative descriptor is passed over. */
	sleep->fd[sleep->count++] = (struct pollfd){
		.fd = netd.backend.store ? pvn_store_fd(netd.backend.store) : -1,
		.events = POLLIN,
	};
	if (netd.store_lost)
		limit_sleep(STORE_RETRY_MS);
	netd.interface.wire.ops->prepare_poll(&netd.interface.wire, sleep, wanted);
	look_after_wire();
}

static void end_sleep(void)
{
	unsigned int queues = netd.backend.queue_count, i;
	uint64_t count;

	for (i = 0; i < queues; i++)
		if (netd.sleep.fd[i].revents & POLLIN &&
		    read(netd.sleep.fd[i].fd, &count, sizeof(count)) == sizeof(count))
			netd.queue[i].tx.counters.events += count;
	netd.interface.wire.ops->end_poll(&netd.interface.wire, &netd.sleep);
	if (netd.store_lost)
		open_store();
	else if (netd.sleep.fd[queues].revents)
		store_ready();
}

/* With `may_wait`, sleeps until there is something; else only takes notice. */
static void take_notice(bool may_wait)
{
	uint64_t wanted = 0;
	bool more = !may_wait, hungry;
	unsigned int i;

	for (i = 0; may_wait && i < netd.backend.queue_count; i++) {
		more |= net_queue_arm(&netd.queue[i], &hungry);
		wanted |= (uint64_t)hungry << i;
	}
	netd.sleep.timeout_ms = more ? 0 : -1;
	sleep_for_limit(netd.interface.tx_held_until_ns);
	sleep_for_limit(netd.interface.rx_held_until_ns);
	prepare_sleep(wanted);
	if (poll(netd.sleep.fd, netd.sleep.count, netd.sleep.timeout_ms) >= 0)
		end_sleep();
}

/*
 * Whoever is woken by a frame would otherwise run at once, on this processor, until it
 * has read that one frame: two switches for each frame. So a batch of frames goes out
 * before its receiver runs, and a sender fills its socket before we run. Without the
 * right to it, this goes as fast as it may.
 */
static void serve_in_batches(void)
{
	const struct sched_param none = { .sched_priority = 0 };

	if (sched_setscheduler(0, SCHED_BATCH, &none) || setpriority(PRIO_PROCESS, 0, NICE))
		pvn_backend_log(&netd.backend, "priority: %s", strerror(errno));
}

static int prepare(void)
{
	struct net_interface *interface = &netd.interface;
	unsigned int i;

	if (open_wire())
		return -1;
	interface->memory = &netd.backend.memory;
	interface->offers.mtu = netd.mtu;
	interface->wire.ops->describe(&interface->wire, &interface->offers);
	for (i = 0; i < netd.backend.queue_count; i++) {
		netd.queue[i].interface = interface;
		netd.queue[i].index = i;
	}
	serve_in_batches();
	/* With one processor, looking takes the guest's time away. */
	if (sysconf(_SC_NPROCESSORS_ONLN) > 1)
		netd.look.ceiling_ns = netd.poll_us * 1000;
	netd.look.floor_ns = netd.look.ceiling_ns / 8;
	return pvn_backend_confine(&netd.backend,
				   netd.user ? PVN_SANDBOX_NETWORK : PVN_SANDBOX_TAPS,
				   netd.user ? "/etc" : NULL);
}

int main(int argc, char **argv)
{
	unsigned int busy = 0;

	if (pvn_backend_parse(&netd.backend, &ops, argc, argv) ||
	    pvn_backend_claim(&netd.backend) || prepare())
		return EXIT_FAILURE;
	if (netd.stream >= 0) {
		net_stream_serve(&netd.interface.wire, netd.stream);
		return EXIT_SUCCESS;
	}
	open_store();
	while (!netd.backend.finished) {
		bool any = turn() || look_for_a_while();

		if (any && ++busy < BUSY_TURNS)
			continue;
		busy = 0;
		take_notice(!any);
	}
	return EXIT_SUCCESS;
}
