// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (C) The Paravane developers
 *
 * A network inside of this process as wire, by libslirp: the guest gets an address
 * by DHCP (10.0.2.15), a router that is the root (10.0.2.2) and a name server
 * (10.0.2.3); its connections become sockets of this process. Needs no right and
 * no configuration.
 *
 * libslirp wants frames in one piece: those of the guest are copied into one,
 * those to the guest wait in a short queue, and what does not fit there is lost.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <slirp/libslirp.h>

#include "libpvn/clock.h"
#include "netd/wire.h"
#include "netd/wire_user.h"

enum {
	WAITING_MAX = 256,
	FRAME_BYTES = PVN_NET_MTU_MAX + PVN_NET_HEADER_BYTES + PVN_NET_VLAN_BYTES,
	TIMERS_MAX = SLIRP_TIMER_NUM,
};

struct waiting {
	uint32_t bytes;
	uint8_t data[FRAME_BYTES];
};

struct timer {
	SlirpTimerCb fire;
	void *context;
	int64_t due_ms;		/* INT64_MAX: not set */
};

struct user {
	Slirp *slirp;
	struct wire_poll *poll;	/* while one is made, or looked at */
	uint32_t first, count;	/* waiting[first % WAITING_MAX] ... */
	struct waiting waiting[WAITING_MAX];
	struct timer timer[TIMERS_MAX];
	unsigned int timer_count;
	uint8_t scratch[FRAME_BYTES];
};

/* --- what libslirp asks --- */

static int64_t clock_ns(void *opaque)
{
	(void)opaque;
	return (int64_t)pvn_now_ns();
}

/* To the guest. */
static ssize_t send_packet(const void *data, size_t bytes, void *opaque)
{
	struct user *user = opaque;
	struct waiting *waiting;

	if (bytes > FRAME_BYTES || user->count == WAITING_MAX)
		return (ssize_t)bytes;		/* lost; TCP sends it again */
	waiting = &user->waiting[(user->first + user->count++) % WAITING_MAX];
	waiting->bytes = (uint32_t)bytes;
	memcpy(waiting->data, data, bytes);
	return (ssize_t)bytes;
}

static void guest_error(const char *text, void *opaque)
{
	(void)text;
	(void)opaque;
}

static void *new_timer(SlirpTimerCb fire, void *context, void *opaque)
{
	struct user *user = opaque;
	struct timer *timer;

	if (user->timer_count == TIMERS_MAX)
		return NULL;
	timer = &user->timer[user->timer_count++];
	*timer = (struct timer){ .fire = fire, .context = context, .due_ms = INT64_MAX };
	return timer;
}

static void free_timer(void *timer, void *opaque)
{
	(void)opaque;
	if (timer)
		((struct timer *)timer)->due_ms = INT64_MAX;
}

static void set_timer(void *timer, int64_t due_ms, void *opaque)
{
	(void)opaque;
	if (timer)
		((struct timer *)timer)->due_ms = due_ms;
}

static void note_fd(int fd, void *opaque)
{
	(void)fd;
	(void)opaque;
}

static void notify(void *opaque)
{
	(void)opaque;		/* one thread: it looks again before it sleeps */
}

static const SlirpCb callbacks = {
	.send_packet = send_packet,
	.guest_error = guest_error,
	.clock_get_ns = clock_ns,
	.timer_new = new_timer,
	.timer_free = free_timer,
	.timer_mod = set_timer,
	.register_poll_fd = note_fd,
	.unregister_poll_fd = note_fd,
	.notify = notify,
};

/* --- what the loop asks --- */

static void describe(struct wire *wire, struct net_limits *limits)
{
	(void)wire;
	limits->csum = false;
	limits->tso4 = false;
	limits->tso6 = false;
}

/* Whatever the guest takes: it gets whole frames with checksums. */
static void accept_offloads(struct wire *wire, const struct net_limits *takes, unsigned int queues)
{
	(void)queues;
	(void)wire;
	(void)takes;
}

static bool send_frame(struct wire *wire, unsigned int queue, const struct net_frame *frame)
{
	struct user *user = wire->own;
	uint32_t bytes = 0;
	unsigned int i;

	(void)queue;
	if (frame->bytes > sizeof(user->scratch))
		return false;
	for (i = 1; i < frame->part_count; i++) {
		memcpy(user->scratch + bytes, frame->part[i].iov_base, frame->part[i].iov_len);
		bytes += (uint32_t)frame->part[i].iov_len;
	}
	slirp_input(user->slirp, user->scratch, (int)bytes);
	return true;
}

static size_t receive(struct wire *wire, unsigned int queue, const struct iovec *part,
		      unsigned int part_count)
{
	struct user *user = wire->own;
	const struct waiting *waiting = &user->waiting[user->first % WAITING_MAX];
	uint32_t done = 0, here;
	unsigned int i;

	if (queue || !user->count)
		return 0;
	for (i = 1; i < part_count && done < waiting->bytes; i++) {
		here = waiting->bytes - done;
		if (here > part[i].iov_len)
			here = (uint32_t)part[i].iov_len;
		memcpy(part[i].iov_base, waiting->data + done, here);
		done += here;
	}
	user->first++;
	user->count--;
	return part[0].iov_len + done;
}

static int add_poll(int fd, int events, void *opaque)
{
	struct wire_poll *poll = ((struct user *)opaque)->poll;
	short wanted = 0;

	if (poll->count == WIRE_POLL_MAX)
		return -1;	/* looked at when there are fewer */
	if (events & SLIRP_POLL_IN)
		wanted |= POLLIN;
	if (events & SLIRP_POLL_OUT)
		wanted |= POLLOUT;
	if (events & SLIRP_POLL_PRI)
		wanted |= POLLPRI;
	poll->fd[poll->count] = (struct pollfd){ .fd = fd, .events = wanted };
	return (int)poll->count++;
}

static int get_events(int index, void *opaque)
{
	const struct wire_poll *poll = ((struct user *)opaque)->poll;
	short events;
	int found = 0;

	if (index < 0 || (unsigned int)index >= poll->count)
		return 0;
	events = poll->fd[index].revents;
	found |= events & POLLIN ? SLIRP_POLL_IN : 0;
	found |= events & POLLOUT ? SLIRP_POLL_OUT : 0;
	found |= events & POLLPRI ? SLIRP_POLL_PRI : 0;
	found |= events & POLLERR ? SLIRP_POLL_ERR : 0;
	found |= events & POLLHUP ? SLIRP_POLL_HUP : 0;
	return found;
}

static void prepare_poll(struct wire *wire, struct wire_poll *poll, uint64_t wanted)
{
	struct user *user = wire->own;
	uint32_t ms = poll->timeout_ms < 0 ? UINT32_MAX : (uint32_t)poll->timeout_ms;
	unsigned int i;

	user->poll = poll;
	slirp_pollfds_fill(user->slirp, &ms, add_poll, user);
	for (i = 0; i < user->timer_count; i++) {
		int64_t left = user->timer[i].due_ms - clock_ns(NULL) / 1000000;

		if (user->timer[i].due_ms != INT64_MAX && left < (int64_t)ms)
			ms = left > 0 ? (uint32_t)left : 0;
	}
	if (user->count && wanted)
		ms = 0;
	poll->timeout_ms = ms > INT32_MAX ? -1 : (int)ms;
}

static void end_poll(struct wire *wire, const struct wire_poll *poll)
{
	struct user *user = wire->own;
	int64_t now = clock_ns(NULL) / 1000000;
	unsigned int i;

	(void)poll;
	slirp_pollfds_poll(user->slirp, 0, get_events, user);
	for (i = 0; i < user->timer_count; i++) {
		struct timer *timer = &user->timer[i];

		if (timer->due_ms > now)
			continue;
		timer->due_ms = INT64_MAX;
		timer->fire(timer->context);
	}
}

static const struct wire_ops user_ops = {
	.describe = describe,
	.accept = accept_offloads,
	.send = send_frame,
	.receive = receive,
	.prepare_poll = prepare_poll,
	.end_poll = end_poll,
};

/* --- start --- */

static struct in_addr address(const char *text)
{
	struct in_addr parsed = { 0 };

	inet_pton(AF_INET, text, &parsed);
	return parsed;
}

int wire_open_user(struct wire *wire, unsigned int mtu, bool host_loopback)
{
	struct user *user = calloc(1, sizeof(*user));
	SlirpConfig config = {
		.version = 4,
		.in_enabled = true,
		.vnetwork = address("10.0.2.0"),
		.vnetmask = address("255.255.255.0"),
		.vhost = address("10.0.2.2"),
		.vdhcp_start = address("10.0.2.15"),
		.vnameserver = address("10.0.2.3"),
		.in6_enabled = true,
		.vprefix_len = 64,
		.if_mtu = mtu,
		.if_mru = mtu,
		.disable_host_loopback = !host_loopback,
	};

	inet_pton(AF_INET6, "fec0::", &config.vprefix_addr6);
	inet_pton(AF_INET6, "fec0::2", &config.vhost6);
	inet_pton(AF_INET6, "fec0::3", &config.vnameserver6);
	if (user)
		user->slirp = slirp_new(&config, &callbacks, user);
	if (!user || !user->slirp) {
		fprintf(stderr, "pvn-netd: the network cannot be made: %s\n", strerror(errno));
		free(user);
		return -1;
	}
	*wire = (struct wire){ .ops = &user_ops, .kind = "user", .queue_count = 1, .own = user };
	return 0;
}

/* "tcp:8080:80". */
int wire_user_forward(struct wire *wire, const char *text)
{
	struct user *user = wire->own;
	unsigned int host, guest;
	bool udp = !strncmp(text, "udp:", 4);
	int end = 0;

	if ((!udp && strncmp(text, "tcp:", 4)) ||
	    sscanf(text + 4, "%5u:%5u%n", &host, &guest, &end) < 2 || text[4 + end] || !host ||
	    host > UINT16_MAX || !guest || guest > UINT16_MAX) {
		fprintf(stderr, "pvn-netd: --forward %s: expected tcp:HOST_PORT:GUEST_PORT, or udp\n",
			text);
		return -1;
	}
	if (!slirp_add_hostfwd(user->slirp, udp, address("127.0.0.1"), (int)host,
			       address("10.0.2.15"), (int)guest))
		return 0;
	fprintf(stderr, "pvn-netd: --forward %s: port %u of the root: %s\n", text, host,
		strerror(errno));
	return -1;
}
