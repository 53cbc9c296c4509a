// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (C) The Paravane developers
 *
 * See tap.h. Interfaces of Linux: netdevice(7), tun's ioctls, the bridge's
 * SIOCBRADDIF.
 */
#include "libpvn/tap.h"

#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <linux/if_tun.h>
#include <linux/sockios.h>

#define TUN_DEVICE "/dev/net/tun"

_Static_assert(IFNAMSIZ == PVN_TAP_NAME_BYTES, "interface names");

void pvn_tap_load_driver(void)
{
	pid_t pid;

	if (!access(TUN_DEVICE, F_OK))
		return;
	pid = fork();
	if (!pid) {
		execlp("modprobe", "modprobe", "-q", "tun", (char *)NULL);
		_exit(127);
	}
	if (pid > 0)
		while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
			;
}

static int refused(struct pvn_problem *problem, const char *name, const char *hint,
		   const char *what)
{
	return pvn_fail(problem, PVN_EXIT_FAILED, name, hint, "%s: %s", what, strerror(errno));
}

static int open_queue(struct pvn_tap *tap, unsigned int index, struct pvn_problem *problem)
{
	struct ifreq request = { .ifr_flags = IFF_TAP | IFF_NO_PI };
	int header = PVN_TAP_HEADER_BYTES, fd = open(TUN_DEVICE, O_RDWR | O_CLOEXEC | O_NONBLOCK);

	if (fd < 0)
		return refused(problem, TUN_DEVICE, "modprobe tun",
			       "no tap interface can be opened");
	tap->fd[index] = fd;
	if (tap->offloads)
		request.ifr_flags |= IFF_VNET_HDR;
	if (tap->queue_count > 1)
		request.ifr_flags |= IFF_MULTI_QUEUE;
	memcpy(request.ifr_name, tap->name, sizeof(tap->name));
	if (ioctl(fd, TUNSETIFF, &request)) {
		const char *hint = NULL;

		if (errno == EBUSY)
			hint = "another program or guest uses it: choose another name";
		else if (errno == EINVAL)
			hint = "an interface of that name is no tap, or was made with other flags";
		return refused(problem, tap->name, hint, "the tap interface cannot be opened");
	}
	if (tap->offloads && ioctl(fd, TUNSETVNETHDRSZ, &header))
		return refused(problem, tap->name, NULL, "the tap interface takes no header");
	/* An interface that stays keeps what it offered to whoever had it before. */
	if (!tap->offloads && ioctl(fd, TUNSETOFFLOAD, 0ul))
		return refused(problem, tap->name, NULL, "the tap interface keeps its offloads");
	memcpy(tap->name, request.ifr_name, sizeof(tap->name));
	return 0;
}

static int set_mtu(const struct pvn_tap *tap, int control)
{
	struct ifreq request = { .ifr_mtu = (int)tap->mtu };

	memcpy(request.ifr_name, tap->name, sizeof(tap->name));
	return ioctl(control, SIOCSIFMTU, &request);
}

static int set_up(const struct pvn_tap *tap, int control)
{
	struct ifreq request = { 0 };

	memcpy(request.ifr_name, tap->name, sizeof(tap->name));
	if (ioctl(control, SIOCGIFFLAGS, &request))
		return -1;
	request.ifr_flags |= IFF_UP;
	return ioctl(control, SIOCSIFFLAGS, &request);
}

static bool is_in_bridge(const struct pvn_tap *tap)
{
	char path[64], target[256];
	ssize_t length;

	snprintf(path, sizeof(path), "/sys/class/net/%s/brport/bridge", tap->name);
	length = readlink(path, target, sizeof(target) - 1);
	if (length < 0)
		return false;
	target[length] = '\0';
	return strrchr(target, '/') && !strcmp(strrchr(target, '/') + 1, tap->bridge);
}

static int join_bridge(const struct pvn_tap *tap, int control, struct pvn_problem *problem)
{
	struct ifreq request = { .ifr_ifindex = (int)if_nametoindex(tap->name) };

	snprintf(request.ifr_name, sizeof(request.ifr_name), "%s", tap->bridge);
	if (!ioctl(control, SIOCBRADDIF, &request) || (errno == EBUSY && is_in_bridge(tap)))
		return 0;
	if (errno == EOPNOTSUPP || errno == ENODEV)
		return pvn_fail(problem, PVN_EXIT_FAILED, tap->bridge,
				"make one with ip link add NAME type bridge",
				"there is no bridge of that name");
	return refused(problem, tap->bridge, NULL, "the bridge does not take the tap interface");
}

static int configure(const struct pvn_tap *tap, struct pvn_problem *problem)
{
	int control = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), error = -1;

	if (control < 0)
		return refused(problem, tap->name, NULL, "no socket");
	if (tap->mtu && set_mtu(tap, control))
		refused(problem, tap->name, NULL, "the MTU cannot be set");
	else if (tap->bridge && join_bridge(tap, control, problem))
		error = -1;
	else if (set_up(tap, control))
		refused(problem, tap->name, NULL, "the tap interface cannot be set up");
	else
		error = 0;
	close(control);
	return error;
}

int pvn_tap_open(struct pvn_tap *tap, struct pvn_problem *problem)
{
	unsigned int i;
	int error = 0;

	for (i = 0; i < PVN_TAP_QUEUES_MAX; i++)
		tap->fd[i] = -1;
	if (!tap->queue_count || tap->queue_count > PVN_TAP_QUEUES_MAX)
		return pvn_fail(problem, PVN_EXIT_REFUSED, tap->name, NULL,
				"a tap interface has 1 to %d queues, not %u", PVN_TAP_QUEUES_MAX,
				tap->queue_count);
	for (i = 0; i < tap->queue_count && !error; i++)
		error = open_queue(tap, i, problem);
	if (!error)
		error = configure(tap, problem);
	if (error)
		pvn_tap_close(tap);
	return error;
}

void pvn_tap_close(struct pvn_tap *tap)
{
	unsigned int i;

	for (i = 0; i < PVN_TAP_QUEUES_MAX; i++) {
		if (tap->fd[i] >= 0)
			close(tap->fd[i]);
		tap->fd[i] = -1;
	}
}

int pvn_tap_set_offloads(int fd, const struct pvn_tap_offloads *offloads)
{
	unsigned long flags = 0;

	if (offloads->checksum)
		flags |= TUN_F_CSUM;
	if (offloads->checksum && offloads->tso4)
		flags |= TUN_F_TSO4 | TUN_F_TSO_ECN;
	if (offloads->checksum && offloads->tso6)
		flags |= TUN_F_TSO6 | TUN_F_TSO_ECN;
	return ioctl(fd, TUNSETOFFLOAD, flags);
}

/* EINVAL says that it is so already, or that there is but one queue. */
void pvn_tap_use_queue(int fd, bool use)
{
	struct ifreq request = { .ifr_flags = use ? IFF_ATTACH_QUEUE : IFF_DETACH_QUEUE };

	(void)ioctl(fd, TUNSETQUEUE, &request);
}

bool pvn_tap_is_there(int fd)
{
	struct ifreq request = { 0 };

	return !ioctl(fd, TUNGETIFF, &request);
}

bool pvn_interface_exists(const char *name)
{
	return if_nametoindex(name) != 0;
}

bool pvn_interface_name_is_good(const char *name)
{
	size_t length = strlen(name);

	return length && length < PVN_TAP_NAME_BYTES && strcmp(name, ".") && strcmp(name, "..") &&
	       strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
			    "_-.") == length;
}
