// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (C) The Paravane developers
 *
 * A guest's devices; see devices.h. What a back-end is started with is described
 * in libpvn/backend.h.
 */
#include "worker/devices.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "libpvn/guests.h"
#include "libpvn/ids.h"
#include "worker/device_command.h"
#include "worker/log.h"
#include "worker/store_keys.h"

enum {
	RESTART_MIN_MS = 100,
	RESTART_MAX_MS = 5000,
	CALM_SECONDS = 1,	/* a life longer than that was no failed start */
};

_Static_assert(PVN_ID_DEVICES + sizeof(((struct devices *)0)->device) / sizeof(struct device) <=
	       PVN_IDS_OF_GUEST, "each device has a user");

/*
 * In the new process. It must not outlive the worker: without it the guest is gone. (Of a
 * worker that died before this the monitor inherits its children, and ends them.)
 */
static void __attribute__((noreturn)) run(const struct device *device)
{
	struct device_command command = { 0 };
	int null = open("/dev/null", O_RDONLY);
	sigset_t none;

	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	dup2(null, STDIN_FILENO);
	dup2(log_fd(), STDOUT_FILENO);
	dup2(log_fd(), STDERR_FILENO);
	device_command_build(&command, device);
	execv(command.word[0], command.word);
	log_line("%s %u: %s does not start: %s", device->kind, device->index, command.word[0],
		 strerror(errno));
	_exit(127);
}

/*
 * The process gets the writing end of a pipe. The kernel closes it only after the
 * process is gone and its last transfer to or from the guest's memory has ended
 * (blkd/engine.h): not before that may a successor repeat them.
 */
static void make_alive_pipe(struct device *device)
{
	int ends[2];

	if (!device->disk || pipe2(ends, O_CLOEXEC))
		return;
	device->alive_in = ends[0];
	device->alive_out = ends[1];
}

/* A tap that somebody removed may be made again; if not, its back-end says so to the guest. */
static void renew_tap(struct device *device)
{
	struct pvn_tap *tap = device->tap;
	struct pvn_problem problem = { 0 };
	struct pvn_tap fresh;

	if (!tap || pvn_tap_is_there(tap->fd[0]))
		return;
	if (net_open_tap(device->net, device->devices->guest->admission->domid, device->index,
			 device->queue_count, &fresh, &problem)) {
		log_line("net %u: %s: %s", device->index, problem.where, problem.text);
		return;
	}
	pvn_tap_close(tap);
	*tap = fresh;
	log_line("net %u: the tap %s is there again", device->index, tap->name);
}

/* The first process of a namespace of its own: there are no others to see or to signal. */
static pid_t fork_apart(void)
{
	return (pid_t)syscall(SYS_clone, CLONE_NEWPID | SIGCHLD, NULL, NULL, NULL, 0);
}

static void spawn(struct device *device)
{
	pid_t pid;

	make_alive_pipe(device);
	renew_tap(device);
	pid = fork_apart();
	if (!pid)
		run(device);
	if (device->alive_out >= 0)
		close(device->alive_out);
	device->alive_out = -1;
	device->started = time(NULL);
	if (pid > 0)
		device->pid = pid;
	else
		log_line("%s %u: no process: %s", device->kind, device->index, strerror(errno));
}

static void set_timer(struct device *device, unsigned int ms)
{
	struct timeval pause = { .tv_sec = ms / 1000, .tv_usec = ms % 1000 * 1000 };

	evtimer_add(device->restart, &pause);
}

/* Does the predecessor still have transfers under way? */
static bool is_in_use(struct device *device)
{
	struct pollfd end = { .fd = device->alive_in, .events = POLLIN };

	if (device->alive_in < 0)
		return false;
	if (!poll(&end, 1, 0)) {
		if (!device->waits)
			log_line("%s %u: transfers of the last back-end are not over yet",
				 device->kind, device->index);
		device->waits = true;
		return true;
	}
	close(device->alive_in);
	device->alive_in = -1;
	device->waits = false;
	return false;
}

static void restart(evutil_socket_t fd, short what, void *context)
{
	struct device *device = context;

	(void)fd;
	(void)what;
	if (device->devices->ending || device->pid || !device->used)
		return;
	if (is_in_use(device))
		set_timer(device, RESTART_MIN_MS);
	else
		spawn(device);
}

/*
 * The first time soon, then more and more slowly; one that had served for a while
 * starts over.
 */
static void schedule_restart(struct device *device)
{
	unsigned int ms;

	if (time(NULL) - device->started >= CALM_SECONDS)
		device->deaths = 0;
	ms = RESTART_MIN_MS << (device->deaths < 6 ? device->deaths : 6);
	device->deaths++;
	set_timer(device, ms < RESTART_MAX_MS ? ms : RESTART_MAX_MS);
}

/* What the device holds; its place is free then. */
static void let_go(struct device *device)
{
	if (device->image_fd >= 0)
		close(device->image_fd);
	if (device->alive_in >= 0)
		close(device->alive_in);
	device->image_fd = device->alive_in = -1;
	if (device->tap)
		pvn_tap_close(device->tap);
	free(device->tap);
	device->tap = NULL;
	device->used = false;
}

/* Nobody serves it any more: its keys go, and with them the guest's device. */
static void release(struct device *device)
{
	struct devices *devices = device->devices;
	struct pvn_problem problem;
	struct pvn_store *store = store_keys_open(&problem);

	evtimer_del(device->restart);
	if (!store || store_keys_remove_device(store, devices->guest->admission->domid,
					       device->kind, device->index))
		log_line("%s %u: its keys stay in the store: %s", device->kind, device->index,
			 strerror(errno));
	pvn_store_close(store);
	let_go(device);
	log_line("%s %u: detached", device->kind, device->index);
	if (devices->gone)
		devices->gone(devices->context, device->kind, device->index);
}

static void child_ended(struct device *device, int status)
{
	pid_t pid = device->pid;

	device->pid = 0;
	if (device->devices->ending)
		return;
	if (device->leaving && WIFEXITED(status) && !WEXITSTATUS(status)) {
		release(device);
		return;
	}
	if (WIFSIGNALED(status))
		log_line("%s %u: back-end %d killed by signal %d, starting another", device->kind,
			 device->index, pid, WTERMSIG(status));
	else
		log_line("%s %u: back-end %d ended with %d, starting another", device->kind,
			 device->index, pid, WEXITSTATUS(status));
	schedule_restart(device);
}

bool devices_child_ended(struct devices *devices, pid_t pid, int status)
{
	unsigned int i;

	for (i = 0; i < devices->count; i++)
		if (devices->device[i].pid == pid) {
			child_ended(&devices->device[i], status);
			return true;
		}
	return false;
}

/* What the back-end serves, for people. */
static const char *describe_device(const struct device *device)
{
	if (device->disk)
		return device->disk->image;
	if (device->net)
		return device->tap ? device->tap->name : "user";
	return "";
}

static int register_device(struct device *device, struct pvn_store *store,
			   struct pvn_problem *problem)
{
	const struct store_device keys = {
		.kind = device->kind,
		.index = device->index,
		.queue_count = device->queue_count,
		.queue = device->queue,
		.params = describe_device(device),
		.net = device->net,
		.mac = device->mac,
		.read_only = device->disk && device->disk->read_only,
	};

	/* An emulated device is nothing that the guest looks for in the store. */
	if (!device->queue_count)
		return 0;
	return store_keys_device(store, device->devices->guest->admission->domid, &keys, problem);
}

static int create_net(struct device *device, struct guest *guest, struct pvn_problem *problem)
{
	net_mac(device->net, guest->uuid, device->index, device->mac);
	if (device->net->user)
		return 0;
	device->tap = calloc(1, sizeof(*device->tap));
	if (!device->tap)
		return pvn_fail(problem, PVN_EXIT_FAILED, NULL, NULL, "out of memory");
	return net_open_tap(device->net, guest->admission->domid, device->index,
			    device->queue_count, device->tap, problem);
}

static int create_device(struct device *device, struct guest *guest, struct event_base *base,
			 struct pvn_problem *problem)
{
	char path[PATH_MAX];
	unsigned int i;

	snprintf(path, sizeof(path), "%s/%s", pvn_libexecdir(), device->program);
	if (access(path, X_OK))
		return pvn_fail(problem, PVN_EXIT_FAILED, path, "install Paravane completely",
				"a back-end is missing: %s", strerror(errno));
	if (!device->restart)
		device->restart = evtimer_new(base, restart, device);
	if (!device->restart)
		return pvn_fail(problem, PVN_EXIT_FAILED, NULL, NULL, "out of memory");
	for (i = 0; i < device->queue_count; i++)
		if (!device->queue[i].channel &&
		    guest_add_channel(guest, &device->queue[i], i % guest->config->vps, problem))
			return -1;
	return device->net ? create_net(device, guest, problem) : 0;
}

static struct device *find_device(struct devices *devices, const char *kind, unsigned int index)
{
	unsigned int i;

	for (i = 0; i < devices->count; i++)
		if (devices->device[i].index == index && !strcmp(devices->device[i].kind, kind))
			return &devices->device[i];
	return NULL;
}

/* A place that was of the same device before has its channels already. */
static struct device *new_device(struct devices *devices, const char *kind, const char *program,
				 unsigned int index)
{
	struct device *device = find_device(devices, kind, index);

	if (!device)
		device = &devices->device[devices->count++];
	device->devices = devices;
	device->used = true;
	device->leaving = false;
	device->kind = kind;
	device->program = program;
	device->index = index;
	device->queue_count = 1;
	device->image_fd = device->alive_in = device->alive_out = -1;
	return device;
}

static struct device *new_disk(struct devices *devices, unsigned int index)
{
	const struct config *config = devices->guest->config;
	struct device *device = new_device(devices, "blk", "pvn-blkd", index);

	device->disk = &config->disk[index];
	device->image_fd = devices->guest->admission->image_fd[index];
	device->queue_count = config->vps < DEVICE_QUEUES_MAX ? config->vps : DEVICE_QUEUES_MAX;
	return device;
}

static void new_console(struct devices *devices, unsigned int index)
{
	struct device *device = new_device(devices, "console", "pvn-consoled", index);

	if (!devices->guest->config->serial)
		return;
	device->stream_fd = devices->guest->serial_fd[1];
	device->queue_count = 0;
}

static unsigned int net_queues(const struct config *config, const struct config_net *net)
{
	unsigned int count = net->queues ? net->queues : config->vps;

	if (net->user)
		return 1;
	if (count > config->vps)
		count = config->vps;
	return count < DEVICE_QUEUES_MAX ? count : DEVICE_QUEUES_MAX;
}

/* NULL: it is a card that has its tap to itself. */
static struct device *new_net(struct devices *devices, unsigned int index)
{
	const struct config *config = devices->guest->config;
	const struct config_net *net = &config->net[index];
	struct device *device;

	if (net->e1000 && !net->user)
		return NULL;
	device = new_device(devices, "net", "pvn-netd", index);
	device->net = net;
	device->queue_count = net->e1000 ? 0 : net_queues(config, net);
	device->stream_fd = devices->guest->net_fd[index][1];
	return device;
}

/* Numbered among those of its kind. */
static void new_other(struct devices *devices, const struct config_device *other)
{
	unsigned int index = 0;

	while (find_device(devices, other->kind, index))
		index++;
	new_device(devices, other->kind, other->backend, index)->other = other;
}

static void list_devices(struct devices *devices)
{
	const struct config *config = devices->guest->config;
	unsigned int i;

	for (i = 0; i < config->console_count; i++)
		new_console(devices, i);
	for (i = 0; i < CONFIG_DISKS_MAX; i++)
		if (config->disk[i].kind != CONFIG_NO_DISK && !config->disk[i].ide)
			new_disk(devices, i);
	for (i = 0; i < CONFIG_NETS_MAX; i++)
		if (config->net[i].there)
			new_net(devices, i);
	for (i = 0; i < config->device_count; i++)
		new_other(devices, &config->device[i]);
}

int devices_create(struct devices *devices, struct guest *guest, struct pvn_store *store,
		   struct event_base *base, struct pvn_problem *problem)
{
	unsigned int i;

	devices->guest = guest;
	devices->base = base;
	list_devices(devices);
	for (i = 0; i < devices->count; i++)
		if (create_device(&devices->device[i], guest, base, problem) ||
		    register_device(&devices->device[i], store, problem))
			return -1;
	for (i = 0; i < devices->count; i++)
		spawn(&devices->device[i]);
	return 0;
}

int devices_attach(struct devices *devices, const char *kind, unsigned int index,
		   struct pvn_problem *problem)
{
	struct device *device = !strcmp(kind, "net") ? new_net(devices, index) :
						       new_disk(devices, index);
	struct pvn_store *store = store_keys_open(problem);

	if (store && !create_device(device, devices->guest, devices->base, problem) &&
	    !register_device(device, store, problem)) {
		pvn_store_close(store);
		spawn(device);
		log_line("%s %u: attached", kind, index);
		return 0;
	}
	pvn_store_close(store);
	device->image_fd = -1;		/* the caller's still */
	let_go(device);
	return -1;
}

int devices_detach(struct devices *devices, const char *kind, unsigned int index, bool force,
		   struct pvn_problem *problem)
{
	struct device *device = find_device(devices, kind, index);
	struct pvn_store *store;

	if (!device || !device->used)
		return pvn_fail(problem, PVN_EXIT_NOT_FOUND, NULL, NULL, "there is no %s %u", kind,
				index);
	device->leaving = true;
	if (force && device->pid) {
		kill(device->pid, SIGKILL);
		while (waitpid(device->pid, NULL, 0) < 0 && errno == EINTR)
			;
		device->pid = 0;
	}
	if (force) {
		release(device);
		return 0;
	}
	store = store_keys_open(problem);
	if (!store)
		return -1;
	if (store_keys_offline(store, devices->guest->admission->domid, kind, index))
		pvn_fail(problem, PVN_EXIT_FAILED, NULL, NULL,
			 "the store does not take the request: %s", strerror(errno));
	pvn_store_close(store);
	return problem->code ? -1 : 0;
}

static void kill_all(const struct devices *devices)
{
	unsigned int i;

	for (i = 0; i < devices->count; i++)
		if (devices->device[i].pid)
			kill(devices->device[i].pid, SIGKILL);
}

static bool reap_all(struct devices *devices)
{
	bool left = false;
	unsigned int i;

	for (i = 0; i < devices->count; i++) {
		struct device *device = &devices->device[i];

		if (device->pid && waitpid(device->pid, NULL, WNOHANG) != 0)
			device->pid = 0;
		left |= device->pid != 0;
	}
	return !left;
}

/* Nothing of theirs is unfinished but transfers, and for those the kernel waits. */
void devices_end(struct devices *devices)
{
	const struct timespec pause = { .tv_nsec = 5000000 };

	devices->ending = true;
	kill_all(devices);
	while (!reap_all(devices))
		nanosleep(&pause, NULL);
}
