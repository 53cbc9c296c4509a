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

/* --- disks --- */

static int free_index(const struct config *config, struct pvn_problem *problem)
{
	int i;

	for (i = 0; i < CONFIG_DISKS_MAX; i++)
		if (config->disk[i].kind == CONFIG_NO_DISK)
			return i;
	return pvn_fail(problem, PVN_EXIT_REFUSED, NULL, "detach one first",
			"the guest has %d disks, which is the most", CONFIG_DISKS_MAX);
}

static int find_disk(const struct config *config, const json_t *request,
		     struct pvn_problem *problem)
{
	const char *name = json_string_value(json_object_get(request, "device"));
	int i;

	for (i = 0; name && i < CONFIG_DISKS_MAX; i++)
		if (config->disk[i].kind != CONFIG_NO_DISK &&
		    !strcmp(config_disk_name((unsigned int)i), name))
			return i;
	return pvn_fail(problem, PVN_EXIT_NOT_FOUND, NULL, "pvn info lists its devices",
			"the guest has no device \"%.40s\"", name ? name : "");
}

/* The texts of a disk's configuration live as long as the guest's. */
static void keep(struct config *config, int index, json_t *object)
{
	char key[32];

	snprintf(key, sizeof(key), "attached %d", index);
	json_object_set(config->tree, key, object);
}

/* The slots of an emulated machine are counted when it is switched on. */
static int refuse_emulated(const struct config_disk *disk, struct pvn_problem *problem)
{
	if (!disk->ide)
		return 0;
	return pvn_fail(problem, PVN_EXIT_REFUSED, "pvn attach", "leave \"model\" out",
			"a disk of model \"ide\" cannot come while the guest runs");
}

static json_t *attach_disk(struct hotplug *hotplug, json_t *object, struct pvn_problem *problem)
{
	struct config *config = hotplug->config;
	int index = free_index(config, problem), fd;
	struct config_disk disk;
	json_t *packet;

	if (index < 0 || config_parse_disk(&disk, object, "pvn attach", problem) ||
	    refuse_emulated(&disk, problem) || admission_disk(&fd, config, &disk, problem))
		return NULL;
	packet = json_pack("{s:s, s:i, s:O}", "attach", "disk", "index", index, "config", object);
	if (ask_runner(hotplug, packet, fd, problem)) {
		if (fd >= 0)
			close(fd);
		return NULL;
	}
	config->disk[index] = disk;
	hotplug->admission->image_fd[index] = fd;
	keep(config, index, object);
	log_line("%s: attached: %s", config_disk_name((unsigned int)index), disk.image);
	return json_pack("{s:s}", "device", config_disk_name((unsigned int)index));
}

json_t *hotplug_attach(struct hotplug *hotplug, const json_t *request,
		       struct pvn_problem *problem)
{
	const char *kind = json_string_value(json_object_get(request, "kind"));
	json_t *object, *answer;

	if (!kind || strcmp(kind, "disk")) {
		pvn_fail(problem, PVN_EXIT_REFUSED, NULL, "kinds of devices: disk",
			 "there are no devices of kind \"%.40s\" to attach", kind ? kind : "");
		return NULL;
	}
	object = json_deep_copy(json_object_get(request, "config"));
	answer = attach_disk(hotplug, object, problem);
	json_decref(object);
	return answer;
}

json_t *hotplug_detach(struct hotplug *hotplug, const json_t *request,
		       struct pvn_problem *problem)
{
	int index = find_disk(hotplug->config, request, problem);
	bool force = json_is_true(json_object_get(request, "force"));

	if (index < 0 || ask_runner(hotplug, json_pack("{s:s, s:i, s:b}", "detach", "blk", "index",
						       index, "force", force), -1, problem))
		return NULL;
	hotplug->config->disk[index].leaving = true;
	return json_pack("{s:s}", "device", config_disk_name((unsigned int)index));
}

static void drop(struct config *config, struct admission *admission, unsigned int index)
{
	if (admission->image_fd[index] >= 0)
		close(admission->image_fd[index]);
	admission->image_fd[index] = -1;
	config->disk[index].kind = CONFIG_NO_DISK;
}

void hotplug_gone(struct config *config, struct admission *admission, const json_t *packet)
{
	json_int_t index = json_integer_value(json_object_get(packet, "index"));

	if (index >= 0 && index < CONFIG_DISKS_MAX)
		drop(config, admission, (unsigned int)index);
}

void hotplug_drop_leaving(struct config *config, struct admission *admission)
{
	unsigned int i;

	for (i = 0; i < CONFIG_DISKS_MAX; i++)
		if (config->disk[i].kind != CONFIG_NO_DISK && config->disk[i].leaving)
			drop(config, admission, i);
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
	int index = find_disk(hotplug->config, request, problem);
	json_t *bytes = json_object_get(request, "bytes");
	bool shrink = json_is_true(json_object_get(request, "shrink"));
	uint64_t sectors;

	if (index < 0)
		return NULL;
	if (bytes && set_file_size(hotplug->admission->image_fd[index],
				   &hotplug->config->disk[index],
				   (uint64_t)json_integer_value(bytes), shrink, problem))
		return NULL;
	if (measure(hotplug->admission->domid, (unsigned int)index, &sectors, problem))
		return NULL;
	log_line("%s: has %" PRIu64 " sectors now", config_disk_name((unsigned int)index), sectors);
	return json_pack("{s:s, s:I}", "device", config_disk_name((unsigned int)index),
			 "bytes", (json_int_t)(sectors * 512));
}
