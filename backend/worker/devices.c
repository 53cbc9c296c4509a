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
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "libpvn/guests.h"
#include "worker/log.h"
#include "worker/store_keys.h"

enum {
	ARGUMENTS_MAX = 64,
	ARGUMENT_BYTES = PATH_MAX,
	END_WAIT_MS = 3000,
	RESTART_MIN_MS = 100,
	RESTART_MAX_MS = 5000,
};

/* Command line being built; strings are freed with the process that execs. */
struct command {
	char *word[ARGUMENTS_MAX + 1];
	unsigned int count;
};

static void add(struct command *command, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

static void add(struct command *command, const char *format, ...)
{
	va_list arguments;
	char *word;

	va_start(arguments, format);
	if (vasprintf(&word, format, arguments) >= 0 && command->count < ARGUMENTS_MAX)
		command->word[command->count++] = word;
	va_end(arguments);
}

static void keep_open(int fd)
{
	fcntl(fd, F_SETFD, 0);
}

static void add_memory(struct command *command, const struct guest *guest)
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

static void add_console(struct command *command, const struct config *config)
{
	char path[PATH_MAX];

	pvn_guest_path(path, sizeof(path), config->name, "console");
	add(command, "--listen");
	add(command, "%s", path);
	add(command, "--log");
	if (config->console_log)
		add(command, "%s", config->console_log);
	else
		add(command, "%s/%s.console.log", pvn_logdir(), config->name);
}

static void add_disk(struct command *command, const struct device *device)
{
	keep_open(device->image_fd);
	add(command, "--image");
	add(command, "%s", device->disk->image);
	add(command, "--image-fd");
	add(command, "%d", device->image_fd);
	if (device->disk->read_only)
		add(command, "--read-only");
}

static void build_command(struct command *command, const struct device *device)
{
	const struct guest *guest = device->devices->guest;
	unsigned int domid = guest->admission->domid, i;

	add(command, "%s/%s", pvn_libexecdir(), device->program);
	add(command, "--domid");
	add(command, "%u", domid);
	add(command, "--device");
	add(command, "%u", device->index);
	add(command, "--backend-path");
	add(command, "/local/domain/0/backend/%s/%u/%u", device->kind, domid, device->index);
	add_memory(command, guest);
	for (i = 0; i < device->queue_count; i++) {
		keep_open(device->queue[i].in_fd);
		keep_open(device->queue[i].out_fd);
		add(command, "--queue");
		add(command, "%d:%d", device->queue[i].in_fd, device->queue[i].out_fd);
	}
	if (device->disk)
		add_disk(command, device);
	else
		add_console(command, guest->config);
}

/* In the new process. It must not outlive the worker: without it the guest is gone. */
static void __attribute__((noreturn)) run(const struct device *device, pid_t worker)
{
	struct command command = { 0 };
	int null = open("/dev/null", O_RDONLY);
	sigset_t none;

	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	prctl(PR_SET_PDEATHSIG, SIGTERM);
	if (getppid() != worker)
		_exit(1);
	dup2(null, STDIN_FILENO);
	dup2(log_fd(), STDOUT_FILENO);
	dup2(log_fd(), STDERR_FILENO);
	build_command(&command, device);
	execv(command.word[0], command.word);
	log_line("%s %u: %s does not start: %s", device->kind, device->index, command.word[0],
		 strerror(errno));
	_exit(127);
}

static void spawn(struct device *device)
{
	pid_t worker = getpid(), pid = fork();

	if (!pid)
		run(device, worker);
	if (pid > 0)
		device->pid = pid;
	else
		log_line("%s %u: no process: %s", device->kind, device->index, strerror(errno));
}

static void restart(evutil_socket_t fd, short what, void *context)
{
	struct device *device = context;

	(void)fd;
	(void)what;
	if (!device->devices->ending && !device->pid)
		spawn(device);
}

/* The first time soon, then more and more slowly. */
static void schedule_restart(struct device *device)
{
	unsigned int ms = RESTART_MIN_MS << (device->deaths < 6 ? device->deaths : 6);
	struct timeval pause;

	if (ms > RESTART_MAX_MS)
		ms = RESTART_MAX_MS;
	pause.tv_sec = ms / 1000;
	pause.tv_usec = ms % 1000 * 1000;
	device->deaths++;
	evtimer_add(device->restart, &pause);
}

bool devices_child_ended(struct devices *devices, pid_t pid, int status)
{
	unsigned int i;

	for (i = 0; i < devices->count; i++) {
		struct device *device = &devices->device[i];

		if (device->pid != pid)
			continue;
		device->pid = 0;
		if (devices->ending)
			return true;
		if (WIFSIGNALED(status))
			log_line("%s %u: back-end %d killed by signal %d, starting another",
				 device->kind, device->index, pid, WTERMSIG(status));
		else
			log_line("%s %u: back-end %d ended with %d, starting another",
				 device->kind, device->index, pid, WEXITSTATUS(status));
		schedule_restart(device);
		return true;
	}
	return false;
}

static int register_device(struct device *device, struct pvn_store *store,
			   struct pvn_problem *problem)
{
	const struct store_device keys = {
		.kind = device->kind,
		.index = device->index,
		.queue_count = device->queue_count,
		.queue = device->queue,
		.params = device->disk ? device->disk->image : "",
		.read_only = device->disk && device->disk->read_only,
	};

	return store_keys_device(store, device->devices->guest->admission->domid, &keys, problem);
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
	device->restart = evtimer_new(base, restart, device);
	if (!device->restart)
		return pvn_fail(problem, PVN_EXIT_FAILED, NULL, NULL, "out of memory");
	for (i = 0; i < device->queue_count; i++)
		if (guest_add_channel(guest, &device->queue[i], i % guest->config->vps, problem))
			return -1;
	return 0;
}

static struct device *new_device(struct devices *devices, const char *kind, const char *program,
				 unsigned int index)
{
	struct device *device = &devices->device[devices->count++];

	device->devices = devices;
	device->kind = kind;
	device->program = program;
	device->index = index;
	device->queue_count = 1;
	return device;
}

static void list_devices(struct devices *devices)
{
	const struct config *config = devices->guest->config;
	unsigned int i;

	new_device(devices, "console", "pvn-consoled", 0);
	for (i = 0; i < config->disk_count; i++) {
		struct device *device = new_device(devices, "blk", "pvn-blkd", i);

		device->disk = &config->disk[i];
		device->image_fd = devices->guest->admission->image_fd[i];
		device->queue_count = config->vps < DEVICE_QUEUES_MAX ? config->vps :
									DEVICE_QUEUES_MAX;
	}
}

int devices_create(struct devices *devices, struct guest *guest, struct pvn_store *store,
		   struct event_base *base, struct pvn_problem *problem)
{
	unsigned int i;

	*devices = (struct devices) { .guest = guest };
	list_devices(devices);
	for (i = 0; i < devices->count; i++)
		if (create_device(&devices->device[i], guest, base, problem) ||
		    register_device(&devices->device[i], store, problem))
			return -1;
	for (i = 0; i < devices->count; i++)
		spawn(&devices->device[i]);
	return 0;
}

static void signal_all(const struct devices *devices, int number)
{
	unsigned int i;

	for (i = 0; i < devices->count; i++)
		if (devices->device[i].pid)
			kill(devices->device[i].pid, number);
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

void devices_end(struct devices *devices)
{
	const struct timespec pause = { .tv_nsec = 5000000 };
	unsigned int ms;

	devices->ending = true;
	signal_all(devices, SIGTERM);
	for (ms = 0; !reap_all(devices); ms += 5) {
		if (ms == END_WAIT_MS) {
			log_line("a back-end does not end and is killed");
			signal_all(devices, SIGKILL);
		}
		nanosleep(&pause, NULL);
	}
}
