/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Copyright (C) The Paravane developers
 *
 * User and group ids of Paravane's processes. They are numbers without names, in a
 * range that neither people, nor services, nor containers get [systemd, "Users,
 * Groups, UIDs and GIDs on systemd Systems": 1879048192 to 2147483647 is unused].
 * Each guest has a block of ids; each process that a guest talks to has one of its
 * own, so that none can signal, trace or look into another. The group's number is
 * the user's.
 */
#ifndef PVN_IDS_H
#define PVN_IDS_H

#include <stdbool.h>
#include <stdint.h>

enum {
	PVN_IDS_OF_GUEST = 64,
	PVN_IDS_GUESTS_END = 0x7ff0,	/* no guest has this number or a higher one */
	PVN_ID_WORKER = 0,		/* places in a guest's block; devices come behind it */
	PVN_ID_DEVICES = 1,
};

#define PVN_ID_FIRST		1879048192u
#define PVN_GID_STORE		PVN_ID_FIRST		/* may connect to the store's socket */
#define PVN_UID_STORED		(PVN_ID_FIRST + 1u)	/* pvn-stored */

static inline uint32_t pvn_id_of(unsigned int domid, unsigned int place)
{
	return PVN_ID_FIRST + domid * PVN_IDS_OF_GUEST + place;
}

/* True, and which guest, when the id belongs to a process of one. */
static inline bool pvn_id_is_of_guest(uint32_t id, uint16_t *domid)
{
	uint32_t number = (id - PVN_ID_FIRST) / PVN_IDS_OF_GUEST;

	if (id < PVN_ID_FIRST || !number || number >= PVN_IDS_GUESTS_END)
		return false;
	*domid = (uint16_t)number;
	return true;
}

#endif
