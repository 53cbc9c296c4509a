// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (C) The Paravane developers
 *
 * One disk of a configuration; see config.h. Pure.
 */
#include "worker/config.h"

#include <ctype.h>
#include <string.h>

#include "worker/config_value.h"

enum {
	SERIAL_MAX = 36,
	RETRY_SECONDS_DEFAULT = 30,
	RETRY_SECONDS_MAX = 86400,
};

#define RATE_MAX (1ull << 40)
#define SECTOR 512

static const char *const disk_keys[] = {
	"image", "nbd", "null", "model", "read_only", "direct", "sector_size", "serial", "uuid",
	"secure_erase", "retry_seconds", "limits", NULL,
};

static const char *const limit_keys[] = {
	"iops", "iops_burst", "bytes_per_second", "bytes_burst", NULL,
};

static bool is_nbd_uri(const char *uri)
{
	static const char *const schemes[] = { "nbd://", "nbds://", "nbd+unix://", "nbds+unix://" };
	size_t i;

	for (i = 0; i < sizeof(schemes) / sizeof(schemes[0]); i++)
		if (!strncmp(uri, schemes[i], strlen(schemes[i])))
			return true;
	return false;
}

/* Exactly one of "image", "nbd" and "null". */
static int take_place(struct config_disk *to, json_t *object, const char *path,
		      struct pvn_problem *problem)
{
	unsigned int places = !!json_object_get(object, "image") +
			      !!json_object_get(object, "nbd") + !!json_object_get(object, "null");
	const char *image, *nbd;

	if (config_take_string(path, object, "image", &image, problem) ||
	    config_take_string(path, object, "nbd", &nbd, problem) ||
	    config_take_size(path, object, "null", &to->null_bytes, problem))
		return -1;
	if (places != 1 || (image && !*image))
		return pvn_fail(problem, PVN_EXIT_REFUSED, path,
				"a disk says \"image\" (a file or block device), \"nbd\" (a URI) or "
				"\"null\" (a size)", "\"image\" is missing in a disk");
	if (nbd && !is_nbd_uri(nbd))
		return config_wrong(path, problem, "nbd",
				    "must be an NBD URI, such as nbd://host/export or "
				    "nbd+unix:///?socket=PATH");
	if (to->null_bytes % SECTOR)
		return config_wrong(path, problem, "null", "must be a multiple of 512");
	to->kind = image ? CONFIG_IMAGE : nbd ? CONFIG_NBD : CONFIG_NULL;
	to->image = image ? image : nbd ? nbd : "null";
	return 0;
}

/* Visible characters: the serial number ends up in guests' /sys and in their logs. */
static bool is_serial(const char *text)
{
	size_t i;

	for (i = 0; text[i]; i++)
		if (i == SERIAL_MAX || !isgraph((unsigned char)text[i]))
			return false;
	return i > 0;
}

static int take_names(struct config_disk *to, json_t *object, const char *path,
		      struct pvn_problem *problem)
{
	if (config_take_string(path, object, "serial", &to->serial, problem) ||
	    config_take_string(path, object, "uuid", &to->uuid, problem))
		return -1;
	if (to->serial && !is_serial(to->serial))
		return config_wrong(path, problem, "serial",
				    "must be 1 to 36 letters, digits or signs, without blanks");
	if (to->uuid && !config_is_uuid(to->uuid))
		return config_wrong(path, problem, "uuid", "is no UUID");
	return 0;
}

static int take_choice(const char *path, json_t *object, const char *key, enum config_choice *to,
		       struct pvn_problem *problem)
{
	bool yes = false;

	if (config_take_bool(path, object, key, &yes, problem))
		return -1;
	if (json_object_get(object, key))
		*to = yes ? CHOICE_YES : CHOICE_NO;
	return 0;
}

static int take_limits(struct config_disk *to, json_t *object, const char *path,
		       struct pvn_problem *problem)
{
	json_t *limits = json_object_get(object, "limits");

	if (!limits)
		return 0;
	if (!json_is_object(limits))
		return config_wrong(path, problem, "limits", "must be an object");
	if (config_check_keys(path, limits, limit_keys, "\"limits\"", problem) ||
	    config_take_integer(path, limits, "iops", 1, RATE_MAX, &to->iops, problem) ||
	    config_take_integer(path, limits, "iops_burst", 1, RATE_MAX, &to->iops_burst,
				problem) ||
	    config_take_size(path, limits, "bytes_per_second", &to->bytes_per_second, problem) ||
	    config_take_size(path, limits, "bytes_burst", &to->bytes_burst, problem))
		return -1;
	if (to->bytes_per_second > RATE_MAX || to->bytes_burst > RATE_MAX)
		return config_wrong(path, problem, "limits", "has a number of bytes above 1T");
	if ((to->iops_burst && !to->iops) || (to->bytes_burst && !to->bytes_per_second))
		return config_wrong(path, problem, "limits", "has a burst without its rate");
	return 0;
}

/* Emulated disks have what a disk of their time had. */
static int check_emulated(const struct config_disk *disk, json_t *object, const char *path,
			  struct pvn_problem *problem)
{
	static const char *const keys[] = { "image", "model", "read_only", "serial", NULL };

	if (disk->kind != CONFIG_IMAGE)
		return config_wrong(path, problem, "model", "\"ide\" is for disks with an \"image\"");
	return config_check_keys(path, object, keys, "a disk of model \"ide\"", problem);
}

/* Keys that mean nothing for this kind of disk are mistakes. */
static int check_fit(const struct config_disk *disk, json_t *object, const char *path,
		     struct pvn_problem *problem)
{
	if (disk->ide)
		return check_emulated(disk, object, path, problem);
	if (disk->kind != CONFIG_IMAGE && disk->direct != CHOICE_DEFAULT)
		return config_wrong(path, problem, "direct", "is for disks with an \"image\"");
	if (disk->kind != CONFIG_IMAGE && disk->secure_erase)
		return config_wrong(path, problem, "secure_erase", "is for disks with an \"image\"");
	if (disk->kind != CONFIG_NBD && json_object_get(object, "retry_seconds"))
		return config_wrong(path, problem, "retry_seconds", "is for disks with \"nbd\"");
	return 0;
}

int config_parse_disk(struct config_disk *to, json_t *object, const char *path,
		      struct pvn_problem *problem)
{
	uint64_t sector = 0, retry = RETRY_SECONDS_DEFAULT;

	*to = (struct config_disk) { 0 };
	if (!json_is_object(object))
		return config_wrong(path, problem, "disks", "must hold objects");
	if (config_check_keys(path, object, disk_keys, "a disk", problem) ||
	    take_place(to, object, path, problem) ||
	    config_take_model(path, object, "ide", &to->ide, problem) ||
	    config_take_bool(path, object, "read_only", &to->read_only, problem) ||
	    config_take_bool(path, object, "secure_erase", &to->secure_erase, problem) ||
	    take_choice(path, object, "direct", &to->direct, problem) ||
	    config_take_integer(path, object, "sector_size", 512, 4096, &sector, problem) ||
	    config_take_integer(path, object, "retry_seconds", 0, RETRY_SECONDS_MAX, &retry,
				problem) ||
	    take_names(to, object, path, problem) || take_limits(to, object, path, problem))
		return -1;
	if (sector && sector != 512 && sector != 4096)
		return config_wrong(path, problem, "sector_size", "must be 512 or 4096");
	to->sector_bytes = (unsigned int)sector;
	to->retry_seconds = (unsigned int)retry;
	return check_fit(to, object, path, problem);
}

/* As blkfront_disk.c names them. */
const char *config_disk_name(unsigned int index)
{
	static char name[] = "pvd?";

	name[3] = (char)('a' + index);
	return name;
}
