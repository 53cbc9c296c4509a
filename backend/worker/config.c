// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (C) The Paravane developers
 *
 * A guest's configuration; see config.h. Unknown keys are refused: a misspelt key
 * that is ignored is found much later.
 */
#include "worker/config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "libpvn/guests.h"
#include "worker/config_value.h"

#define MIB (1ull << 20)
#define MEMORY_MIN (32 * MIB)
#define MEMORY_MAX (1ull << 40)
#define CMDLINE_DEFAULT "console=hvc0"
#define CMDLINE_SERIAL "console=ttyS0"
#define LOG_FILES_DEFAULT 4
#define LOG_FILES_MAX 99

static const char *const top_keys[] = {
	"$schema", "name", "uuid", "kernel", "initrd", "cmdline", "memory", "vps", "weight", "cap", "reserve",
	"disks", "nets", "devices", "console", "debug_port", "test_devices", "on_reboot", "on_crash",
	NULL,
};

static const char *const console_keys[] = {
	"log", "model", "count", "log_bytes", "log_files", NULL,
};


static int wrong(const struct config *config, struct pvn_problem *problem, const char *key,
		 const char *what)
{
	return config_wrong(config->path, problem, key, what);
}

static int check_keys(const struct config *config, json_t *object, const char *const *known,
		      const char *inside, struct pvn_problem *problem)
{
	return config_check_keys(config->path, object, known, inside, problem);
}

static int take_string(struct config *config, json_t *object, const char *key, const char **to,
		       struct pvn_problem *problem)
{
	return config_take_string(config->path, object, key, to, problem);
}

static int take_number(struct config *config, const char *key, unsigned int low, unsigned int high,
		       unsigned int otherwise, unsigned int *to, struct pvn_problem *problem)
{
	json_t *value = json_object_get(config->tree, key);
	json_int_t number = json_integer_value(value);
	char text[80];

	*to = otherwise;
	if (!value)
		return 0;
	if (!json_is_integer(value) || number < low || number > high) {
		snprintf(text, sizeof(text), "must be a number from %u to %u", low, high);
		return wrong(config, problem, key, text);
	}
	*to = number;
	return 0;
}

static int take_memory(struct config *config, struct pvn_problem *problem)
{
	json_t *value = json_object_get(config->tree, "memory");
	const char *text = json_string_value(value);

	if (!value)
		return wrong(config, problem, "memory", "is missing");
	if (json_is_integer(value) && json_integer_value(value) > 0)
		config->memory_bytes = json_integer_value(value);
	else if (!text || !config_size(text, &config->memory_bytes))
		return wrong(config, problem, "memory", "must be a size such as \"256M\" or \"1G\"");
	if (config->memory_bytes % MIB)
		return wrong(config, problem, "memory", "must be a whole number of MiB");
	if (config->memory_bytes < MEMORY_MIN || config->memory_bytes > MEMORY_MAX)
		return wrong(config, problem, "memory", "must be from 32M to 1T");
	return 0;
}

static int check_ide(struct config *config, struct pvn_problem *problem)
{
	unsigned int i, count = 0;

	for (i = 0; i < CONFIG_DISKS_MAX; i++)
		count += config->disk[i].ide;
	if (count > CONFIG_IDE_MAX)
		return wrong(config, problem, "disks", "has more than 4 of model \"ide\"");
	return 0;
}

static int take_disks(struct config *config, struct pvn_problem *problem)
{
	json_t *disks = json_object_get(config->tree, "disks"), *disk;
	size_t i;

	if (disks && !json_is_array(disks))
		return wrong(config, problem, "disks", "must be a list");
	if (json_array_size(disks) > CONFIG_DISKS_MAX)
		return wrong(config, problem, "disks", "has more than 15 entries");
	json_array_foreach(disks, i, disk)
		if (config_parse_disk(&config->disk[i], disk, config->path, problem))
			return -1;
	return check_ide(config, problem);
}

static int check_e1000(struct config *config, struct pvn_problem *problem)
{
	unsigned int i, count = 0;

	for (i = 0; i < CONFIG_NETS_MAX; i++)
		count += config->net[i].e1000;
	if (count > CONFIG_E1000_MAX)
		return wrong(config, problem, "nets", "has more than 4 of model \"e1000\"");
	return 0;
}

static int take_nets(struct config *config, struct pvn_problem *problem)
{
	json_t *nets = json_object_get(config->tree, "nets"), *net;
	size_t i;

	if (nets && !json_is_array(nets))
		return wrong(config, problem, "nets", "must be a list");
	if (json_array_size(nets) > CONFIG_NETS_MAX)
		return wrong(config, problem, "nets", "has more than 8 entries");
	json_array_foreach(nets, i, net)
		if (config_parse_net(&config->net[i], net, config->path, problem))
			return -1;
	return check_e1000(config, problem);
}

static int take_console(struct config *config, struct pvn_problem *problem)
{
	json_t *console = json_object_get(config->tree, "console");
	uint64_t count = 1, files = LOG_FILES_DEFAULT;

	if (console && !json_is_object(console))
		return wrong(config, problem, "console", "must be an object");
	if (check_keys(config, console, console_keys, "\"console\"", problem) ||
	    config_take_model(config->path, console, "serial", &config->serial, problem) ||
	    take_string(config, console, "log", &config->console_log, problem) ||
	    config_take_integer(config->path, console, "count", 1, CONFIG_CONSOLES_MAX, &count,
				problem) ||
	    config_take_integer(config->path, console, "log_files", 0, LOG_FILES_MAX, &files,
				problem) ||
	    config_take_size(config->path, console, "log_bytes", &config->console_log_bytes,
			     problem))
		return -1;
	if (config->serial && count > 1)
		return wrong(config, problem, "count", "must be 1 with a serial console");
	config->console_count = (unsigned int)count;
	config->console_log_files = (unsigned int)files;
	return 0;
}

void config_console_log(const struct config *config, unsigned int number, char *to, size_t bytes)
{
	char suffix[16] = "";

	/* ".1" would be the first one's old log. */
	if (number)
		snprintf(suffix, sizeof(suffix), ".hvc%u", number);
	if (config->console_log)
		snprintf(to, bytes, "%s%s", config->console_log, suffix);
	else
		snprintf(to, bytes, "%s/%s.console%s.log", pvn_logdir(), config->name, suffix);
}

void config_console_socket(unsigned int number, char *to, size_t bytes)
{
	if (number)
		snprintf(to, bytes, "console%u", number);
	else
		snprintf(to, bytes, "console");
}

static int take_action(struct config *config, const char *key, bool may_preserve,
		       enum config_action otherwise, enum config_action *to,
		       struct pvn_problem *problem)
{
	const char *word;

	*to = otherwise;
	if (take_string(config, config->tree, key, &word, problem))
		return -1;
	if (!word)
		return 0;
	if (!strcmp(word, "restart"))
		*to = ACTION_RESTART;
	else if (!strcmp(word, "destroy"))
		*to = ACTION_DESTROY;
	else if (may_preserve && !strcmp(word, "preserve"))
		*to = ACTION_PRESERVE;
	else
		return wrong(config, problem, key,
			     may_preserve ? "must be \"destroy\", \"preserve\" or \"restart\"" :
					    "must be \"restart\" or \"destroy\"");
	return 0;
}

static int check_texts(const struct config *config, struct pvn_problem *problem)
{
	if (!config->name)
		return wrong(config, problem, "name", "is missing");
	if (!pvn_name_is_good(config->name))
		return wrong(config, problem, "name",
			     "must be letters, digits, \"-\", \"_\" or \".\", up to 63, starting "
			     "with a letter or digit");
	if (!config->kernel || !*config->kernel)
		return wrong(config, problem, "kernel", "is missing");
	if (config->uuid && !config_is_uuid(config->uuid))
		return wrong(config, problem, "uuid", "is no UUID");
	return 0;
}

static int take_devices(struct config *config, struct pvn_problem *problem)
{
	json_t *devices = json_object_get(config->tree, "devices"), *device;
	size_t i;

	if (devices && !json_is_array(devices))
		return wrong(config, problem, "devices", "must be a list");
	if (json_array_size(devices) > CONFIG_DEVICES_MAX)
		return wrong(config, problem, "devices", "has more than 8 entries");
	json_array_foreach(devices, i, device)
		if (config_parse_device(&config->device[i], device, config->path, problem))
			return -1;
	config->device_count = (unsigned int)json_array_size(devices);
	return 0;
}

static int take_all(struct config *config, struct pvn_problem *problem)
{
	json_t *tree = config->tree;

	if (!json_is_object(tree))
		return pvn_fail(problem, PVN_EXIT_FAILED, config->path, NULL,
				"the configuration must be a JSON object");
	if (check_keys(config, tree, top_keys, "", problem) ||
	    take_string(config, tree, "name", &config->name, problem) ||
	    take_string(config, tree, "uuid", &config->uuid, problem) ||
	    take_string(config, tree, "kernel", &config->kernel, problem) ||
	    take_string(config, tree, "initrd", &config->initrd, problem) ||
	    take_string(config, tree, "cmdline", &config->cmdline, problem) ||
	    check_texts(config, problem) || take_memory(config, problem) ||
	    take_number(config, "vps", 1, CONFIG_VPS_MAX, 1, &config->vps, problem) ||
	    take_number(config, "weight", 1, 10000, 0, &config->weight, problem) ||
	    take_number(config, "cap", 1, 100, 0, &config->cap, problem) ||
	    take_number(config, "reserve", 1, config->cap ? config->cap : 100, 0, &config->reserve,
			problem) ||
	    take_disks(config, problem) || take_nets(config, problem) ||
	    take_devices(config, problem) ||
	    take_console(config, problem) ||
	    config_take_bool(config->path, tree, "debug_port", &config->debug_port, problem) ||
	    config_take_bool(config->path, tree, "test_devices", &config->test_devices,
			     problem) ||
	    take_action(config, "on_reboot", false, ACTION_RESTART, &config->on_reboot, problem) ||
	    take_action(config, "on_crash", true, ACTION_DESTROY, &config->on_crash, problem))
		return -1;
	config->has_cmdline = config->cmdline;
	if (!config->cmdline)
		config->cmdline = config->serial ? CMDLINE_SERIAL : CMDLINE_DEFAULT;
	return 0;
}

bool config_has_pci(const struct config *config)
{
	unsigned int i;

	for (i = 0; i < CONFIG_NETS_MAX; i++)
		if (config->net[i].e1000)
			return true;

	for (i = 0; i < CONFIG_DISKS_MAX; i++)
		if (config->disk[i].kind != CONFIG_NO_DISK && config->disk[i].ide)
			return true;
	return false;
}

bool config_is_emulated(const struct config *config)
{
	return config->serial || config->test_devices || config_has_pci(config);
}

int config_parse(struct config *config, json_t *tree, const char *path,
		 struct pvn_problem *problem)
{
	*config = (struct config) { .tree = tree, .path = path };
	if (!take_all(config, problem))
		return 0;
	config_free(config);
	return -1;
}

int config_load(struct config *config, const char *path, struct pvn_problem *problem)
{
	json_error_t error;
	json_t *tree;
	FILE *file = fopen(path, "re");

	if (!file)
		return pvn_fail(problem, PVN_EXIT_FAILED, path, NULL,
				"the configuration cannot be read: %s", strerror(errno));
	tree = json_loadf(file, JSON_REJECT_DUPLICATES, &error);
	fclose(file);
	if (!tree)
		return pvn_fail(problem, PVN_EXIT_FAILED, path, NULL,
				"the configuration is no JSON: line %d: %s", error.line,
				error.text);
	return config_parse(config, tree, path, problem);
}

void config_free(struct config *config)
{
	json_decref(config->tree);
	config->tree = NULL;
}
