// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (C) The Paravane developers
 *
 * A tap behind an emulated network card; see emulated_net.h. Frames stay in the tap's
 * queue while the card has no buffer for them.
 */
#include "worker/emulated_net.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "libpvn/clock.h"

enum { FRAMES_AT_A_TIME = 64 };		/* then others have their turn */

struct emulated_net {
	struct e1000 card;
	int tap;
	struct event *readable, *timer;
	bool is_listening;
};

static uint64_t now(void *context)
{
	(void)context;
	return pvn_now_ns();
}

/* A tap whose queue is full drops, as a wire does. */
static void send_frame(void *context, const uint8_t *frame, unsigned int bytes)
{
	struct emulated_net *net = context;
	ssize_t done;

	do
		done = write(net->tap, frame, bytes);
	while (done < 0 && errno == EINTR);
}

static void set_timer(struct emulated_net *net)
{
	uint64_t next = e1000_next(&net->card), at, rest;
	struct timeval pause;

	if (next == E1000_NEVER) {
		event_del(net->timer);
		return;
	}
	at = now(NULL);
	rest = (next > at ? next - at : 0) / 1000 + 1;
	pause.tv_sec = rest / 1000000;
	pause.tv_usec = rest % 1000000;
	event_add(net->timer, &pause);
}

static void listen_if_it_can(struct emulated_net *net)
{
	bool can = e1000_can_receive(&net->card);

	if (can == net->is_listening)
		return;
	net->is_listening = can;
	if (can)
		event_add(net->readable, NULL);
	else
		event_del(net->readable);
}

static void changed(void *context)
{
	struct emulated_net *net = context;

	set_timer(net);
	listen_if_it_can(net);
}

static void frame_is_there(evutil_socket_t fd, short what, void *context)
{
	static uint8_t frame[65536];
	struct emulated_net *net = context;
	unsigned int count;

	(void)what;
	for (count = 0; count < FRAMES_AT_A_TIME && e1000_can_receive(&net->card); count++) {
		ssize_t bytes = read(fd, frame, sizeof(frame));

		if (bytes <= 0)
			break;
		e1000_receive(&net->card, frame, bytes);
	}
	changed(net);
}

static void time_came(evutil_socket_t fd, short what, void *context)
{
	struct emulated_net *net = context;

	(void)fd;
	(void)what;
	e1000_expire(&net->card);
	changed(net);
}

struct emulated_net *emulated_net_create(struct pci *pci, struct event_base *base, int tap,
					 const uint8_t mac[6])
{
	struct emulated_net *net = calloc(1, sizeof(*net));

	if (!net)
		return NULL;
	net->tap = tap;
	net->readable = event_new(base, tap, EV_READ | EV_PERSIST, frame_is_there, net);
	net->timer = evtimer_new(base, time_came, net);
	/* Events live as long as the process, which ends when this fails. */
	if (!net->readable || !net->timer ||
	    !e1000_init(&net->card, pci, mac, send_frame, now, changed, net)) {
		errno = ENOSPC;
		return NULL;
	}
	changed(net);
	return net;
}
