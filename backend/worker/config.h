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
	CONFIG_IDE_MAX = 4,	/* of them */
	CONFIG_E1000_MAX = 4,	/* of the networks: each takes a slot and eight ports */
	CONFIG_CONSOLES_MAX = 8,
	CONFIG_NETS_MAX = 8,
	CONFIG_DEVICES_MAX = 8,
	CONFIG_FORWARDS_MAX = 16,
	CONFIG_ADDRESSES_MAX = 16,
	CONFIG_VPS_MAX = 64,
};

/* Where a disk is; CONFIG_NO_DISK: there is none in this place. */
enum config_disk_kind {
	CONFIG_NO_DISK,
	CONFIG_IMAGE,	/* a raw image or a block device */
	CONFIG_NBD,
	CONFIG_NULL,
};

enum config_choice {
	CHOICE_DEFAULT,
	CHOICE_YES,
	CHOICE_NO,
};

struct config_disk {
	enum config_disk_kind kind;
	bool leaving;			/* to be unplugged: not there after a reboot */
	const char *image;		/* path, or URI; "null" */
	uint64_t null_bytes;
	bool read_only;
	bool ide;		/* emulated */
	bool secure_erase;		/* a file: by overwriting */
	enum config_choice direct;
	unsigned int sector_bytes;	/* 0: as the image has it */
	const char *serial, *uuid;	/* NULL: none */
	uint64_t iops, iops_burst, bytes_per_second, bytes_burst;	/* 0: no limit */
	unsigned int retry_seconds;	/* nbd */
};

/* A network interface: a tap of the root, or (user) a network inside of its back-end. */
struct config_net {
	bool there;			/* false: a free place */
	bool leaving;			/* to be unplugged: not there after a reboot */
	bool user;
	const char *tap;		/* NULL: a name of its own */
	const char *bridge;		/* NULL: none */
	const char *mac;		/* NULL: made of the guest's UUID */
	unsigned int mtu;
	json_t *forward;		/* user: list of "tcp:8080:80"; NULL: none */
	bool no_host;			/* user: servers of the root's 127.0.0.1 are out of reach */
	bool unplugged;
	bool spoof_guard;
	json_t *addresses;		/* that the guard lets through; NULL: any */
	uint64_t tx_bytes, tx_packets, tx_burst;	/* from the guest; 0: no limit */
	uint64_t rx_bytes, rx_packets, rx_burst;	/* to the guest */
	unsigned int queues;		/* 0: one for each virtual processor */
	bool e1000;			/* emulated */
};

/* A device that is served by a program which Paravane knows nothing else about. */
struct config_device {
	const char *kind;		/* the front-end's, "entropy" */
	const char *backend;		/* program below libexec */
	json_t *arguments;		/* list of words; NULL: none */
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
	unsigned int console_count;	/* hvc0 and so on */
	uint64_t console_log_bytes;	/* size at which a log becomes an old one; 0: never */
	unsigned int console_log_files;	/* old ones kept */
	bool serial;		/* the console is a serial port, emulated */
	unsigned int cap, reserve;	/* percents of a processor per VP; 0: not given */
	bool has_cmdline;	/* given, not the usual one */
	bool test_devices;	/* emul/testdev.h */
	bool debug_port;	/* bytes written to port 0xe9 go to the console's log */
	struct config_disk disk[CONFIG_DISKS_MAX];	/* by number; may have holes later */
	struct config_net net[CONFIG_NETS_MAX];		/* likewise */
	unsigned int device_count;
	struct config_device device[CONFIG_DEVICES_MAX];
	enum config_action on_reboot, on_crash;
};

/* Takes the tree over, also on failure. `path` must live as long. */
int config_parse(struct config *config, json_t *tree, const char *path,
		 struct pvn_problem *problem);
int config_load(struct config *config, const char *path, struct pvn_problem *problem);
void config_free(struct config *config);

/*
 * One disk, as an object of "disks" says it. Strings belong to `object`. 0, or -1
 * with *problem filled; `path` is for its words.
 */
int config_parse_disk(struct config_disk *to, json_t *object, const char *path,
		      struct pvn_problem *problem);

/*
 * Where console `number` of the guest is logged, and its socket's name in the guest's
 * folder: those of the first carry no number.
 */
void config_console_log(const struct config *config, unsigned int number, char *to, size_t bytes);
void config_console_socket(unsigned int number, char *to, size_t bytes);

/* What a guest calls its disk of this number: "pvda". Static storage. */
const char *config_disk_name(unsigned int index);

/* What pvn calls the guest's network interface of this number: "net0". Static storage. */
const char *config_net_name(unsigned int index);

/* Does it ask for any emulated device; for one on the PCI bus? */
bool config_is_emulated(const struct config *config);
bool config_has_pci(const struct config *config);

/*
 * One network interface, as an object of "nets" says it. Strings belong to
 * `object`. 0, or -1 with *problem filled; `path` is for its words.
 */
int config_parse_net(struct config_net *to, json_t *object, const char *path,
		     struct pvn_problem *problem);

/* The same for an object of "devices". */
int config_parse_device(struct config_device *to, json_t *object, const char *path,
			struct pvn_problem *problem);

/* "256M", "1G", "1536MiB", or a number of bytes. False: it is no size. */
bool config_size(const char *text, uint64_t *bytes);

#endif
