// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (C) The Paravane developers
 *
 * Monitor ports [TLFS 2.0 14.8.10 "Monitored Notifications"]: a page that lies over pages of
 * both partitions, and that a timer looks at while the port is connected. Both may write
 * anything into it at any time: each word is read once, and what it says is checked as
 * the sender's own call would be.
 */
#include "core/event.h"
#include "core/platform.h"

/* Of what a page says, in 100 ns: more often would cost too much; when it says nothing. */
#define LATENCY_MIN 1000u
#define LATENCY_MAX 65536u

static void look_at_all(struct timer *timer);

static struct list watched = { &watched, &watched };		/* [events_lock] */
static struct timer look_timer = { .expired = look_at_all };	/* [events_lock] */

/* Over the page at of that end's partition, which is not 0, or away from where it is. */
static enum pvn_status place(struct port *port, unsigned int end, struct partition *partition, uint64_t at)
{
	enum pvn_status status = PVN_STATUS_SUCCESS;

	if (at == port->monitor_at[end])
		return status;
	if (at)
		status = gpa_map_overlay_add(&partition->map, gpa(at), plat_hpa(port->monitor),
					     GPA_READ | GPA_WRITE);
	else
		gpa_map_overlay_remove(&partition->map, gpa(port->monitor_at[end]));
	if (status == PVN_STATUS_SUCCESS)
		port->monitor_at[end] = at;
	gpa_map_flush(&partition->map);
	return status;
}

enum pvn_status monitor_create(struct port *port)
{
	uint64_t at = port->monitor_at[0];
	enum pvn_status status;

	port->monitor = page_pool_alloc(&port->partition->pool);
	if (!port->monitor)
		return PVN_STATUS_INSUFFICIENT_MEMORY;
	port->monitor_at[0] = 0;
	status = place(port, 0, port->partition, at);
	if (status != PVN_STATUS_SUCCESS)
		page_pool_free(&port->partition->pool, port->monitor);
	return status;
}

enum pvn_status monitor_connect(struct port *port, struct partition *partition, uint64_t at)
{
	enum pvn_status status = place(port, 1, partition, at);

	if (status != PVN_STATUS_SUCCESS)
		return status;
	list_append(&watched, &port->watched);
	stats_total(PVN_STAT_hypervisor_monitored_notifications, 1);
	port->next_look = 0;
	timer_arm(&look_timer, plat_tsc());
	return status;
}

void monitor_disconnect(struct port *port)
{
	if (!port || !port->monitor || !port->connection)
		return;
	list_remove(&port->watched);
	stats_total(PVN_STAT_hypervisor_monitored_notifications, -1ull);
	place(port, 1, port->connection->partition, 0);
}

void monitor_end(struct port *port)
{
	monitor_disconnect(port);
	if (port->monitor)
		place(port, 0, port->partition, 0);
}

/* Triggers that were armed at the last look are due; the others that are pending are armed. */
static uint32_t take_due(uint64_t *group)
{
	uint64_t old = __atomic_load_n(group, __ATOMIC_ACQUIRE), left;
	uint32_t due;

	do {
		due = old & old >> 32;
		left = (uint32_t)old & ~due;
	} while (!atomic_swap_if(group, &old, left | left << 32));
	return due;
}

/* The result is nobody's [TLFS 2.0 14.8.10]. */
static void notify(struct port *port, const uint64_t *where)
{
	struct partition *sender = port->connection->partition;
	uint64_t parameter = __atomic_load_n(where, __ATOMIC_RELAXED);

	if (parameter >> 48 || !partition_may(sender, PVN_PRIVILEGE_SIGNAL_EVENTS))
		return;
	__atomic_fetch_add(&port->posts, 1, __ATOMIC_RELAXED);
	event_signal_locked(sender, (uint32_t)parameter, parameter >> 32);
}

static void look(struct port *port, uint64_t now)
{
	struct pvn_monitor_page *page = port->monitor;
	uint32_t state = __atomic_load_n(&page->state, __ATOMIC_RELAXED);
	uint64_t latency = LATENCY_MAX;

	for (unsigned int g = 0; g < PVN_MONITOR_GROUPS && !(state & PVN_MONITOR_DISABLED); g++) {
		if (!(state >> g & 1))
			continue;
		for (uint32_t due = take_due(&page->group[g]); due; due &= due - 1)
			notify(port, &page->parameter[g][__builtin_ctz(due)]);
		for (unsigned int i = 0; i < PVN_MONITOR_TRIGGERS; i++) {
			uint16_t wanted = __atomic_load_n(&page->latency[g][i], __ATOMIC_RELAXED);

			if (wanted && wanted < latency)
				latency = wanted;
		}
	}
	latency = latency < LATENCY_MIN ? LATENCY_MIN : latency;
	port->next_look = now + latency * plat_tsc_hz() / 10000000;
}

static void look_at_all(struct timer *timer)
{
	SPIN_HOLD(&events_lock);
	uint64_t now = plat_tsc(), next = ~0ull;

	list_for_each_entry(port, &watched, struct port, watched) {
		if (port->next_look <= now)
			look(port, now);
		if (port->next_look < next)
			next = port->next_look;
	}
	if (!list_is_empty(&watched))
		timer_arm(timer, next);
}
