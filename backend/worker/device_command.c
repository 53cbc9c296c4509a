// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (C) The Paravane developers
 *
 * What a back-end is started with; see device_command.h and libpvn/backend.h.
 */
#include "worker/device_command.h"

#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "libpvn/guests.h"
#include "libpvn/ids.h"

static void add(struct device_command *command, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

static void add(struct device_command *command, const char *format, ...)
{
	va_list arguments;
	char *word;

	va_start(arguments, format);
	if (vasprintf(&word, format, arguments) >= 0 && command->count < DEVICE_ARGUMENTS_MAX)
		command->word[command->count++] = word;
	va_end(arguments);
}

static void keep_open(int fd)
{
	fcntl(fd, F_SETFD, 0);
}

static void add_memory(struct device_command *command, const struct guest *guest)
{
	const struct layout *layout = &guest->admission->layout;

	keep_open(guest->memory_fd);
	add(command, "--memory");
	add(command, "%d:0:%llu:0", guest->memory_fd, (unsigned long long)layout->low_bytes);
	if (!layout->high_bytes)
		return;
	add(command, "--memory");
	add(command, "%d:%llu:%llu:%llu", guest->memory_fd, LAYOUT_HIGH,
	    (unsigned long long)layout->high_bytes, (unsigned long long)layout->low_bytes);
}

static void add_text(struct device_command *command, const char *name, const char *value)
{
	if (!value)
		return;
	add(command, "%s", name);
	add(command, "%s", value);
}

static void add_number(struct device_command *command, const char *name, uint64_t value)
{
	if (!value)
		return;
	add(command, "%s", name);
	add(command, "%llu", (unsigned long long)value);
}

static void add_stream(struct device_command *command, const struct device *device)
{
	if (!device->stream_fd)
		return;
	keep_open(device->stream_fd);
	add(command, "--stream");
	add(command, "%d", device->stream_fd);
}

static void add_console(struct device_command *command, const struct device *device)
{
	const struct config *config = device->devices->guest->config;
	char path[PATH_MAX], name[16];

	config_console_socket(device->index, name, sizeof(name));
	pvn_guest_path(path, sizeof(path), config->name, name);
	add_text(command, "--listen", path);
	config_console_log(config, device->index, path, sizeof(path));
	add_text(command, "--log", path);
	if (!config->console_log_bytes)
		return;
	add_number(command, "--log-bytes", config->console_log_bytes);
	add(command, "--log-files");
	add(command, "%u", config->console_log_files);
}

static void add_flag(struct device_command *command, const char *name, bool wanted)
{
	if (wanted)
		add(command, "%s", name);
}

static void add_place(struct device_command *command, const struct device *device)
{
	const struct config_disk *disk = device->disk;

	switch (disk->kind) {
	case CONFIG_IMAGE:
		keep_open(device->image_fd);
		add_text(command, "--image", disk->image);
		add(command, "--image-fd");
		add(command, "%d", device->image_fd);
		break;
	case CONFIG_NBD:
		add_text(command, "--nbd", disk->image);
		add(command, "--retry-seconds");
		add(command, "%u", disk->retry_seconds);
		break;
	default:
		add_number(command, "--null", disk->null_bytes);
	}
}

static void add_disk(struct device_command *command, const struct device *device)
{
	const struct config_disk *disk = device->disk;

	add_place(command, device);
	add_flag(command, "--read-only", disk->read_only);
	add_flag(command, "--direct", disk->direct == CHOICE_YES);
	add_flag(command, "--buffered", disk->direct == CHOICE_NO);
	add_flag(command, "--erase-by-writing", disk->secure_erase);
	add_number(command, "--sector-size", disk->sector_bytes);
	add_text(command, "--serial", disk->serial);
	add_text(command, "--uuid", disk->uuid);
	add_number(command, "--iops", disk->iops);
	add_number(command, "--iops-burst", disk->iops_burst);
	add_number(command, "--bytes-per-second", disk->bytes_per_second);
	add_number(command, "--bytes-burst", disk->bytes_burst);
	if (device->alive_out < 0)
		return;
	keep_open(device->alive_out);
	add(command, "--alive-fd");
	add(command, "%d", device->alive_out);
}

static void add_user_net(struct device_command *command, const struct config_net *net)
{
	json_t *rule;
	size_t i;

	add(command, "--user");
	if (net->no_host)
		add(command, "--no-host");
	json_array_foreach(net->forward, i, rule) {
		add(command, "--forward");
		add(command, "%s", json_string_value(rule));
	}
}

static void add_net(struct device_command *command, const struct device *device)
{
	unsigned int i;

	add(command, "--mtu");
	add(command, "%u", device->net->mtu);
	if (device->net->user) {
		add_user_net(command, device->net);
		return;
	}
	add(command, "--tap");
	add(command, "%s", device->tap->name);
	for (i = 0; i < device->tap->queue_count; i++) {
		keep_open(device->tap->fd[i]);
		add(command, "--tap-fd");
		add(command, "%d", device->tap->fd[i]);
	}
}

/* What the back-end of somebody's own device wants to know. */
static void add_other(struct device_command *command, const struct device *device)
{
	json_t *word;
	size_t i;

	json_array_foreach(device->other->arguments, i, word)
		add(command, "%s", json_string_value(word));
}

void device_command_build(struct device_command *command, const struct device *device)
{
	const struct guest *guest = device->devices->guest;
	unsigned int domid = guest->admission->domid, i;

	add(command, "%s/%s", pvn_libexecdir(), device->program);
	add(command, "--domid");
	add(command, "%u", domid);
	add(command, "--device");
	add(command, "%u", device->index);
	add(command, "--uid");
	add(command, "%u", pvn_id_of(domid, PVN_ID_DEVICES +
				     (unsigned int)(device - device->devices->device)));
	add(command, "--backend-path");
	add(command, "/local/domain/0/backend/%s/%u/%u", device->kind, domid, device->index);
	if (device->queue_count)
		add_memory(command, guest);
	for (i = 0; i < device->queue_count; i++) {
		keep_open(device->queue[i].in_fd);
		keep_open(device->queue[i].out_fd);
		add(command, "--queue");
		add(command, "%d:%d", device->queue[i].in_fd, device->queue[i].out_fd);
	}
	if (device->disk)
		add_disk(command, device);
	else if (device->net)
		add_net(command, device);
	else if (device->other)
		add_other(command, device);
	else
		add_console(command, device);
	add_stream(command, device);
}
