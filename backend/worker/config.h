/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Copyright (C) The Paravane developers
 *
 * A guest's configuration: JSON as config.schema.json describes it. Pure, but for
 * the reading of the file. Strings belong to the JSON tree that the struct keeps.
 */
#ifndef WORKER_CONFIG_H
#define WORKER_CONFIG_H

#include <stdbool.h>
#include <stdint.h>

#include <jansson.h>

#include "libpvn/problem.h"

enum {
	CONFIG_DISKS_MAX = 15,
	CONFIG_VPS_MAX = 64,
};

struct config_disk {
	const char *image;
	bool read_only;
};

enum config_action {
	ACTION_RESTART,
	ACTION_DESTROY,
	ACTION_PRESERVE,	/* keep it as it stopped, until `pvn destroy` */
};

struct config {
	json_t *tree;
	const char *path;	/* for messages */
	const char *name, *uuid, *kernel, *initrd, *cmdline, *console_log;	/* NULL: not given */
	uint64_t memory_bytes;
	unsigned int vps;
	unsigned int weight;	/* 0: not given */
	bool debug_port;	/* bytes written to port 0xe9 go to the console's log */
	unsigned int disk_count;
	struct config_disk disk[CONFIG_DISKS_MAX];
	enum config_action on_reboot, on_crash;
};

/* Takes the tree over, also on failure. `path` must live as long. */
int config_parse(struct config *config, json_t *tree, const char *path,
		 struct pvn_problem *problem);
int config_load(struct config *config, const char *path, struct pvn_problem *problem);
void config_free(struct config *config);

/* "256M", "1G", "1536MiB", or a number of bytes. False: it is no size. */
bool config_size(const char *text, uint64_t *bytes);

#endif
