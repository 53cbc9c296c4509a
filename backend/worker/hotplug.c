// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (C) The Paravane developers
 *
 * See hotplug.h.
 */
#include "worker/hotplug.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "libpvn/store_client.h"
#include "worker/log.h"

#define MEASURE_WAIT_MS 5000

/* --- packets --- */

static int send_packet(int socket, json_t *packet, int fd)
{
	char buffer[CMSG_SPACE(sizeof(int))] = { 0 };
	char *text = json_dumps(packet, JSON_COMPACT);
	struct iovec part = { text, text ? strlen(text) : 0 };
	struct msghdr message = { .msg_iov = &part, .msg_iovlen = 1 };
	ssize_t sent = -1;

	json_decref(packet);
	if (fd >= 0) {
		struct cmsghdr *header;

		message.msg_control = buffer;
		message.msg_controllen = sizeof(buffer);
		header = CMSG_FIRSTHDR(&message);
		header->cmsg_level = SOL_SOCKET;
		header->cmsg_type = SCM_RIGHTS;
		header->cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(header), &fd, sizeof(fd));
	}
	errno = EMSGSIZE;
	if (text && part.iov_len <= HOTPLUG_PACKET_BYTES)
		sent = sendmsg(socket, &message, MSG_NOSIGNAL);
	free(text);
	return sent < 0 ? -1 : 0;
}

ssize_t hotplug_receive(int socket, void *to, size_t bytes, int *fd)
{
	char buffer[CMSG_SPACE(sizeof(int))];
	struct iovec part = { to, bytes };
	struct msghdr message = {
		.msg_iov = &part, .msg_iovlen = 1,
		.msg_control = buffer, .msg_controllen = sizeof(buffer),
	};
	struct cmsghdr *header;
	ssize_t got = recvmsg(socket, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);

	*fd = -1;
	header = got > 0 ? CMSG_FIRSTHDR(&message) : NULL;
	if (header && header->cmsg_level == SOL_SOCKET && header->cmsg_type == SCM_RIGHTS)
		memcpy(fd, CMSG_DATA(header), sizeof(*fd));
	return got;
}

static int ask_runner(struct hotplug *hotplug, json_t *packet, int fd,
		      struct pvn_problem *problem)
{
	if (send_packet(hotplug->socket, packet, fd))
		return pvn_fail(problem, PVN_EXIT_FAILED, NULL, NULL,
				"the guest's worker does not hear: %s", strerror(errno));
	return hotplug->wait(hotplug->context, problem);
}

/* --- which device --- */

/* A device of the guest's: `disk` or not, and its number. */
struct place {
	bool disk;
	unsigned int index;
};

static const char *name_of(struct place place)
{
	return place.disk ? config_disk_name(place.index) : config_net_name(place.index);
}

static const char *kind_of(struct place place)
{
	return place.disk ? "blk" : "net";
}

static bool is_free(const struct config *config, struct place place)
{
	return place.disk ? config->disk[place.index].kind == CONFIG_NO_DISK :
			    !config->net[place.index].there;
}

static unsigned int most_of(struct place place)
{
	return place.disk ? CONFIG_DISKS_MAX : CONFIG_NETS_MAX;
}

static int find_free(const struct config *config, struct place *place,
		     struct pvn_problem *problem)
{
	for (place->index = 0; place->index < most_of(*place); place->index++)
		if (is_free(config, *place))
			return 0;
	return pvn_fail(problem, PVN_EXIT_REFUSED, NULL, "detach one first",
			"the guest has %u %s, which is the most", most_of(*place),
			place->disk ? "disks" : "network interfaces");
}

static bool find_name(const struct config *config, struct place *place, const char *name)
{
	for (place->index = 0; place->index < most_of(*place); place->index++)
		if (!is_free(config, *place) && !strcmp(name_of(*place), name))
			return true;
	return false;
}

static int find_device(const struct config *config, const json_t *request, struct place *place,
		       struct pvn_problem *problem)
{
	const char *name = json_string_value(json_object_get(request, "device"));

	place->disk = true;
	if (name && find_name(config, place, name))
		return 0;
	place->disk = false;
	if (name && find_name(config, place, name))
		return 0;
	return pvn_fail(problem, PVN_EXIT_NOT_FOUND, NULL, "pvn info lists its devices",
			"the guest has no device \"%.40s\"", name ? name : "");
}

/* --- coming --- */

/* The texts of a device's configuration live as long as the guest's. */
static void keep(struct config *config, struct place place, json_t *object)
{
	char key[32];

	snprintf(key, sizeof(key), "attached %s", name_of(place));
	json_object_set(config->tree, key, object);
}

/* The slots of an emulated machine are counted when it is switched on. */
static int refuse_emulated(bool emulated, struct pvn_problem *problem)
{
	if (!emulated)
		return 0;
	return pvn_fail(problem, PVN_EXIT_REFUSED, NULL, "leave \"model\" out",
			"an emulated device cannot come or go while the guest runs");
}

static int attach(struct hotplug *hotplug, struct place place, json_t *object, int fd,
		  struct pvn_problem *problem)
{
	if (ask_runner(hotplug, json_pack("{s:s, s:i, s:O}", "attach", kind_of(place), "index",
					  (int)place.index, "config", object), fd, problem))
		return -1;
	keep(hotplug->config, place, object);
	return 0;
}

static int attach_disk(struct hotplug *hotplug, struct place place, json_t *object,
		       struct pvn_problem *problem)
{
	struct config *config = hotplug->config;
	struct config_disk disk;
	int fd;

	if (config_parse_disk(&disk, object, "pvn attach", problem) ||
	    refuse_emulated(disk.ide, problem) || admission_disk(&fd, config, &disk, problem))
		return -1;
	if (attach(hotplug, place, object, fd, problem)) {
		if (fd >= 0)
			close(fd);
		return -1;
	}
	config->disk[place.index] = disk;
	hotplug->admission->image_fd[place.index] = fd;
	log_line("%s: attached: %s", name_of(place), disk.image);
	return 0;
}

/* The runner opens the tap, as it does for the others. */
static int attach_net(struct hotplug *hotplug, struct place place, json_t *object,
		      struct pvn_problem *problem)
{
	struct config_net net;

	if (config_parse_net(&net, object, "pvn attach", problem) ||
	    refuse_emulated(net.e1000, problem) ||
	    attach(hotplug, place, object, -1, problem))
		return -1;
	hotplug->config->net[place.index] = net;
	log_line("%s: attached", name_of(place));
	return 0;
}

json_t *hotplug_attach(struct hotplug *hotplug, const json_t *request,
		       struct pvn_problem *problem)
{
	const char *kind = json_string_value(json_object_get(request, "kind"));
	struct place place = { .disk = kind && !strcmp(kind, "disk") };
	json_t *object;
	int error;

	if (!kind || (!place.disk && strcmp(kind, "net"))) {
		pvn_fail(problem, PVN_EXIT_REFUSED, NULL, "kinds of devices: disk, net",
			 "there are no devices of kind \"%.40s\" to attach", kind ? kind : "");
		return NULL;
	}
	if (find_free(hotplug->config, &place, problem))
		return NULL;
	object = json_deep_copy(json_object_get(request, "config"));
	error = place.disk ? attach_disk(hotplug, place, object, problem) :
			     attach_net(hotplug, place, object, problem);
	json_decref(object);
	return error ? NULL : json_pack("{s:s}", "device", name_of(place));
}

/* --- going --- */

json_t *hotplug_detach(struct hotplug *hotplug, const json_t *request,
		       struct pvn_problem *problem)
{
	bool force = json_is_true(json_object_get(request, "force"));
	struct config *config = hotplug->config;
	struct place place;

	if (find_device(config, request, &place, problem) ||
	    refuse_emulated(place.disk ? config->disk[place.index].ide :
					 config->net[place.index].e1000, problem) ||
	    ask_runner(hotplug, json_pack("{s:s, s:i, s:b}", "detach", kind_of(place), "index",
					  (int)place.index, "force", force), -1, problem))
		return NULL;
	if (place.disk)
		config->disk[place.index].leaving = true;
	else
		config->net[place.index].leaving = true;
	return json_pack("{s:s}", "device", name_of(place));
}

static void drop_disk(struct config *config, struct admission *admission, unsigned int index)
{
	if (admission->image_fd[index] >= 0)
		close(admission->image_fd[index]);
	admission->image_fd[index] = -1;
	config->disk[index].kind = CONFIG_NO_DISK;
}

void hotplug_gone(struct config *config, struct admission *admission, const json_t *packet)
{
	json_int_t index = json_integer_value(json_object_get(packet, "index"));
	const char *kind = json_string_value(json_object_get(packet, "gone"));

	if (kind && !strcmp(kind, "blk") && index >= 0 && index < CONFIG_DISKS_MAX)
		drop_disk(config, admission, (unsigned int)index);
	if (kind && !strcmp(kind, "net") && index >= 0 && index < CONFIG_NETS_MAX)
		config->net[index] = (struct config_net){ 0 };
}

void hotplug_drop_leaving(struct config *config, struct admission *admission)
{
	unsigned int i;

	for (i = 0; i < CONFIG_DISKS_MAX; i++)
		if (config->disk[i].kind != CONFIG_NO_DISK && config->disk[i].leaving)
			drop_disk(config, admission, i);
	for (i = 0; i < CONFIG_NETS_MAX; i++)
		if (config->net[i].leaving)
			config->net[i] = (struct config_net){ 0 };
}

/* --- sizes --- */

static int set_file_size(int fd, const struct config_disk *disk, uint64_t bytes, bool shrink,
			 struct pvn_problem *problem)
{
	struct stat status;

	if (fd < 0 || fstat(fd, &status) || !S_ISREG(status.st_mode))
		return pvn_fail(problem, PVN_EXIT_REFUSED, disk->image,
				"change its size where it is, then leave the size out here",
				"only image files can be given a size");
	if (disk->read_only)
		return pvn_fail(problem, PVN_EXIT_REFUSED, disk->image, NULL,
				"the disk is read-only");
	if (bytes % 4096)
		return pvn_fail(problem, PVN_EXIT_REFUSED, disk->image, NULL,
				"the size must be a multiple of 4096");
	if (bytes < (uint64_t)status.st_size && !shrink)
		return pvn_fail(problem, PVN_EXIT_REFUSED, disk->image,
				"--shrink does it all the same, and what lies beyond is lost",
				"the disk is larger than that: %lld bytes",
				(long long)status.st_size);
	if (ftruncate(fd, (off_t)bytes))
		return pvn_fail(problem, PVN_EXIT_FAILED, disk->image, NULL,
				"the image cannot be resized: %s", strerror(errno));
	return 0;
}

/* Has the back-end look again. Its answer is that it empties the key. */
static int measure(unsigned int domid, unsigned int index, uint64_t *sectors,
		   struct pvn_problem *problem)
{
	struct pvn_store *store = pvn_store_open(NULL);
	char key[128], sizes[128];
	int done = -1;

	snprintf(key, sizeof(key), "/local/domain/0/backend/blk/%u/%u/command", domid, index);
	snprintf(sizes, sizeof(sizes), "/local/domain/0/backend/blk/%u/%u/sectors", domid, index);
	if (store && !pvn_store_writef(store, 0, "measure", "%s", key))
		done = pvn_store_wait_value(store, key, "", MEASURE_WAIT_MS);
	if (done == 1 && pvn_store_read_u64(store, 0, sizes, sectors))
		done = -1;
	pvn_store_close(store);
	if (done == 1)
		return 0;
	return pvn_fail(problem, done ? PVN_EXIT_FAILED : PVN_EXIT_TIMED_OUT, NULL,
			"the guest's log says how its back-end is",
			"the disk's back-end does not answer");
}

json_t *hotplug_resize(struct hotplug *hotplug, const json_t *request,
		       struct pvn_problem *problem)
{
	json_t *bytes = json_object_get(request, "bytes");
	bool shrink = json_is_true(json_object_get(request, "shrink"));
	struct place place;
	uint64_t sectors;

	if (find_device(hotplug->config, request, &place, problem))
		return NULL;
	if (!place.disk) {
		pvn_fail(problem, PVN_EXIT_REFUSED, NULL, NULL,
			 "\"%s\" is no disk and has no size", name_of(place));
		return NULL;
	}
	if (bytes && set_file_size(hotplug->admission->image_fd[place.index],
				   &hotplug->config->disk[place.index],
				   (uint64_t)json_integer_value(bytes), shrink, problem))
		return NULL;
	if (measure(hotplug->admission->domid, place.index, &sectors, problem))
		return NULL;
	log_line("%s: has %" PRIu64 " sectors now", name_of(place), sectors);
	return json_pack("{s:s, s:I}", "device", name_of(place),
			 "bytes", (json_int_t)(sectors * 512));
}
