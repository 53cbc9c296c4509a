/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Copyright (C) The Paravane developers
 *
 * Ports and connections [TLFS 2.0 14.9 "Ports and Connections"].
 */
#pragma once

#include "core/partition.h"

#define PORT_ID_MAX		0xffffffu	/* ids have 24 bits */
#define PORT_MESSAGES		16		/* [TLFS 2.0 14.3 "Message Buffers"] */

/* A buffer of a message port, and where it was queued last. */
struct port_message {
	struct queued_message message;
	struct vp *target;
};

#define PORT_MESSAGES_A_PAGE 8

struct port_messages {
	struct port_message message[PORT_MESSAGES_A_PAGE];
};

_Static_assert(sizeof(struct port_messages) <= PAGE_SIZE, "half of a port's messages");

/* (c) constant  [e] events lock  [a] atomic */
struct port {
	struct list node;		/* [e] in its partition's ports */
	struct partition *partition;	/* (c) */
	uint64_t connection_partition;	/* (c) id of who may connect */
	struct connection *connection;	/* [e] NULL: not connected */
	union {
		struct port_messages *messages[PORT_MESSAGES / PORT_MESSAGES_A_PAGE];	/* (c) */
		uint64_t monitor_at[2];	/* [e] where its own end and the other see it, 0: nowhere */
	};
	struct pvn_monitor_page *monitor;	/* (c) */
	struct list watched;		/* [e] a monitor port that is connected */
	uint64_t next_look;		/* [e] TSC */
	uint64_t posts;			/* [a] */
	uint32_t id;			/* (c) */
	uint32_t type;			/* (c) */
	uint32_t sint;			/* (c) */
	uint32_t target_vp;		/* [e] index, or PVN_VP_ANY */
	struct vp *target;		/* [a] of an event port: who that is */
	uint16_t base_flag, flag_count;	/* (c) */
	uint32_t first_event;		/* (c) EVENT() of the SINT and its first flag */
};

struct connection {
	struct list node;		/* [e] in its partition's connections */
	struct partition *partition;	/* (c) */
	struct port *port;		/* [a] NULL: the port has gone */
	uint32_t id;			/* (c) */
};

_Static_assert(sizeof(struct port) <= SLAB_RECORD_BYTES, "port record");
_Static_assert(sizeof(struct connection) <= SLAB_RECORD_BYTES, "connection record");

/* At the creation of a partition. */
void event_init(struct partition *partition);

/* The event ports of connections with lower ids: light exits find them in partition->doorbells. */
#define DOORBELLS (PAGE_SIZE / sizeof(struct port *))

/* The long way: by any connection, with a status for each refusal. */
enum pvn_status event_signal(struct partition *sender, uint32_t connection_id, uint16_t flag);
/* The same, with the events lock. */
enum pvn_status event_signal_locked(struct partition *sender, uint32_t connection_id, uint16_t flag);

extern struct spinlock events_lock;	/* LOCK_EVENTS */

/* The calls; fields have been checked, partitions not to be active. */
enum pvn_status event_create_port(struct partition *partition, const struct port *wanted);
enum pvn_status event_delete_port(struct partition *partition, uint32_t id);
enum pvn_status event_connect(struct partition *partition, uint32_t connection_id,
			      struct partition *port_partition, uint32_t port_id, uint32_t type,
			      uint64_t monitor_gpa);
enum pvn_status event_disconnect(struct partition *partition, uint32_t connection_id);
enum pvn_status event_get_property(struct partition *partition, uint32_t port_id,
				   uint32_t property, uint64_t *value);
enum pvn_status event_set_property(struct partition *partition, uint32_t port_id,
				   uint32_t property, uint64_t value);

/* Finalize: every port and connection of the partition, and the peers' ends. */
void event_release_all(struct partition *partition);
/* How many there are. */
void event_census(uint64_t *ports, uint64_t *connections);

/* For message.c: the port behind a connection. With the events lock. */
enum pvn_status event_find_port(struct partition *sender, uint32_t connection_id, struct port **out);

/*
 * monitor.c: with the events lock. The page comes, and lies over pages of both ends; what ends
 * may be asked of any port, or none. The page is freed by the caller.
 */
enum pvn_status monitor_create(struct port *port);
enum pvn_status monitor_connect(struct port *port, struct partition *partition, uint64_t at);
void monitor_disconnect(struct port *port);
void monitor_end(struct port *port);

/* message.c */
enum pvn_status message_post(struct partition *sender, const struct pvn_post_message_in *in);
bool message_create_buffers(struct port *port);
/* Takes back what is queued, and the memory. */
void message_release_buffers(struct port *port);
