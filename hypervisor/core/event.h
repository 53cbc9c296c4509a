/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Copyright (C) The Paravane developers
 *
 * Ports and connections [TLFS 2.0 14.9 "Ports and Connections"].
 */
#ifndef CORE_EVENT_H
#define CORE_EVENT_H

#include "core/partition.h"

/* Hot path of the doorbell. */
enum pvn_status event_signal(struct partition *sender, uint32_t connection_id, uint16_t flag);
/* Finalize: every port and connection of the partition, and the peers' ends. */
void event_release_all(struct partition *partition);

#endif
