// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (C) The Paravane developers
 *
 * The life of a guest across its runs; see monitor.h.
 *
 *	starting -> running -> ended
 *	   ^           |  `--> crashed (preserved) -> ended
 *	   `-----------'  reboot, or crash with "restart"
 */
#include "worker/monitor.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <event2/event.h>
#include <uuid/uuid.h>

#include "libpvn/guest_store.h"
#include "libpvn/guests.h"
#include "libpvn/sandbox.h"
#include "worker/control.h"
#include "worker/hotplug.h"
#include "worker/intercepts.h"
#include "worker/log.h"
#include "worker/net.h"
#include "worker/runner.h"
#include "worker/store_keys.h"

enum {
	ORPHAN_WAIT_MS = 3000,
	HASTY_SECONDS = 2,	/* a run shorter than this ... */
	REPLY_WAIT_MS = 10000,
	HASTY_RUNS_MAX = 5,	/* ... this often in a row is no use */
};

struct monitor {
	struct config *config;
	struct admission *admission;
	struct event_base *base;
	char uuid[37];
	int ready_fd;		/* -1: told already */
	json_t *state;
	pid_t runner;
	int socket;		/* to the runner */
	bool destroyed;		/* by pvn, or by a signal */
	bool did_start;
	char reason[32];	/* of this run's end; empty: not told yet */
	char detail[400];
	unsigned int hasty_runs;
	struct pvn_problem problem;
	json_t *reply;		/* of the runner, to a request */
};

static void tell_ready(struct monitor *monitor, json_t *packet)
{
	char *text = monitor->ready_fd >= 0 ? json_dumps(packet, JSON_COMPACT) : NULL;

	if (text && write(monitor->ready_fd, text, strlen(text)) < 0)
		log_line("nobody waits for the start: %s", strerror(errno));
	free(text);
	json_decref(packet);
	if (monitor->ready_fd >= 0)
		close(monitor->ready_fd);
	monitor->ready_fd = -1;
}

static void set_state(struct monitor *monitor, const char *word)
{
	json_object_set_new(monitor->state, "state", json_string(word));
	json_object_set_new(monitor->state, "reason",
			    *monitor->reason ? json_string(monitor->reason) : json_null());
	json_object_set_new(monitor->state, "detail",
			    *monitor->detail ? json_string(monitor->detail) : json_null());
	if (pvn_guest_write_state(monitor->config->name, monitor->state))
		log_line("the state cannot be written: %s", strerror(errno));
}

static json_t *list_disks(const struct config *config)
{
	json_t *disks = json_array();
	unsigned int i;

	for (i = 0; i < CONFIG_DISKS_MAX; i++) {
		const struct config_disk *disk = &config->disk[i];
		char *image = disk->kind == CONFIG_IMAGE ? realpath(disk->image, NULL) : NULL;

		if (disk->kind != CONFIG_NO_DISK)
			json_array_append_new(disks, json_pack("{s:s, s:b, s:s}",
							       "image", image ? image : disk->image,
							       "read_only", disk->read_only,
							       "device", config_disk_name(i)));
		free(image);
	}
	return disks;
}

static json_t *list_nets(const struct monitor *monitor)
{
	const struct config *config = monitor->config;
	json_t *nets = json_array();
	unsigned int i;

	for (i = 0; i < CONFIG_NETS_MAX; i++) {
		const struct config_net *net = &config->net[i];
		char mac[NET_MAC_BYTES], tap[PVN_TAP_NAME_BYTES];

		if (!net->there)
			continue;
		net_mac(net, monitor->uuid, i, mac);
		net_tap_name(net, monitor->admission->domid, i, tap);
		json_array_append_new(nets, json_pack("{s:s, s:s, s:s, s:s, s:s?, s:s?, s:i}",
						      "device", config_net_name(i),
						      "type", net->user ? "user" : "tap",
						      "model", net->e1000 ? "e1000" : "pv",
						      "mac", mac, "tap", net->user ? NULL : tap,
						      "bridge", net->bridge,
						      "mtu", (int)net->mtu));
	}
	return nets;
}

/* By the names that they have in the guest: numbered among those of their kind. */
static json_t *list_others(const struct config *config)
{
	json_t *others = json_array();
	unsigned int i, j, number;

	for (i = 0; i < config->device_count; i++) {
		const struct config_device *other = &config->device[i];

		for (number = 0, j = 0; j < i; j++)
			number += !strcmp(config->device[j].kind, other->kind);
		json_array_append_new(others, json_pack("{s:o, s:s, s:s, s:O*}",
							"device", json_sprintf("%s-%u", other->kind,
									       number),
							"kind", other->kind,
							"backend", other->backend,
							"arguments", other->arguments));
	}
	return others;
}

static json_t *first_state(const struct monitor *monitor)
{
	const struct config *config = monitor->config;
	char console[PATH_MAX], log[PATH_MAX], console_log[PATH_MAX];

	pvn_guest_path(console, sizeof(console), config->name, "console");
	snprintf(log, sizeof(log), "%s/%s.log", pvn_logdir(), config->name);
	config_console_log(config, 0, console_log, sizeof(console_log));
	return json_pack("{s:s, s:i, s:s, s:s, s:n, s:n, s:i, s:n, s:i, s:I, s:s, s:s?, s:s, s:o, s:o, "
			 "s:o, s:s, s:s, s:s, s:s, s:i, s:I, s:n, s:n, s:i}",
			 "name", config->name, "id", (int)monitor->admission->domid,
			 "uuid", monitor->uuid, "state", "starting", "reason", "detail",
			 "pid", (int)getpid(), "partition",
			 "vps", (int)config->vps, "memory", (json_int_t)config->memory_bytes,
			 "kernel", config->kernel, "initrd", config->initrd,
			 "cmdline", config->cmdline, "disks", list_disks(config),
			 "nets", list_nets(monitor), "devices", list_others(config),
			 "config", config->path, "console", console, "log", log,
			 "console_log", console_log,
			 "consoles", (int)config->console_count,
			 "created", (json_int_t)time(NULL), "started", "ended", "boots", 0);
}

static void take_text(char *to, size_t bytes, const json_t *packet, const char *key)
{
	const char *text = json_string_value(json_object_get(packet, key));

	snprintf(to, bytes, "%s", text ? text : "");
}

static void run_started(struct monitor *monitor, json_t *packet)
{
	monitor->did_start = true;
	json_object_set(monitor->state, "partition", json_object_get(packet, "partition"));
	json_object_set_new(monitor->state, "started", json_integer(time(NULL)));
	json_object_set_new(monitor->state, "boots",
			    json_integer(json_integer_value(json_object_get(monitor->state,
									    "boots")) + 1));
	set_state(monitor, "running");
	log_line("running: partition %lld, number %u",
		 json_integer_value(json_object_get(packet, "partition")),
		 monitor->admission->domid);
	tell_ready(monitor, json_pack("{s:O}", "started", monitor->state));
}

/* People see the devices as they are. */
static void devices_changed(struct monitor *monitor)
{
	json_object_set_new(monitor->state, "disks", list_disks(monitor->config));
	json_object_set_new(monitor->state, "nets", list_nets(monitor));
	if (pvn_guest_write_state(monitor->config->name, monitor->state))
		log_line("the state cannot be written: %s", strerror(errno));
}

static void handle_packet(struct monitor *monitor, json_t *packet)
{
	json_t *reply = json_object_get(packet, "reply");

	if (reply) {
		json_decref(monitor->reply);
		monitor->reply = json_incref(reply);
		return;
	}
	if (json_object_get(packet, "gone")) {
		hotplug_gone(monitor->config, monitor->admission, packet);
		devices_changed(monitor);
		return;
	}
	if (json_object_get(packet, "started")) {
		run_started(monitor, packet);
	} else if (json_object_get(packet, "problem")) {
		pvn_problem_from_json(&monitor->problem, json_object_get(packet, "problem"));
	} else if (json_object_get(packet, "stopped")) {
		take_text(monitor->reason, sizeof(monitor->reason), packet, "stopped");
		take_text(monitor->detail, sizeof(monitor->detail), packet, "detail");
		set_state(monitor, "crashed");
	} else if (json_object_get(packet, "ended")) {
		take_text(monitor->reason, sizeof(monitor->reason), packet, "ended");
		take_text(monitor->detail, sizeof(monitor->detail), packet, "detail");
	}
}

/* All packets that are there. False: the runner has ended. */
static bool take_packets(struct monitor *monitor)
{
	char text[HOTPLUG_PACKET_BYTES];
	ssize_t got;

	while ((got = recv(monitor->socket, text, sizeof(text), MSG_DONTWAIT)) > 0) {
		json_t *packet = json_loadb(text, got, 0, NULL);

		if (packet)
			handle_packet(monitor, packet);
		json_decref(packet);
	}
	return got != 0;
}

static void runner_speaks(evutil_socket_t fd, short what, void *context)
{
	struct monitor *monitor = context;

	(void)fd;
	(void)what;
	if (!take_packets(monitor))	/* it has ended: child_ended() does the rest */
		event_base_loopbreak(monitor->base);
}

static void end_runner(struct monitor *monitor)
{
	monitor->destroyed = true;
	if (monitor->runner)
		kill(monitor->runner, SIGTERM);
}

static void told_to_end(evutil_socket_t fd, short what, void *context)
{
	(void)fd;
	(void)what;
	end_runner(context);
}

static json_t *refusal(const char *text)
{
	struct pvn_problem problem;

	pvn_fail(&problem, PVN_EXIT_FAILED, NULL, NULL, "%s", text);
	return json_pack("{s:o}", "problem", pvn_problem_to_json(&problem));
}

/* The runner's word on a request that was sent; it answers at once. 0 or -1: *problem. */
static int wait_for_reply(void *context, struct pvn_problem *problem)
{
	struct monitor *monitor = context;
	struct pollfd runner = { .fd = monitor->socket, .events = POLLIN };
	json_t *reply = NULL;

	while (!reply && poll(&runner, 1, REPLY_WAIT_MS) > 0 && take_packets(monitor)) {
		reply = monitor->reply;
		monitor->reply = NULL;
	}
	if (!reply)
		return pvn_fail(problem, PVN_EXIT_FAILED, NULL, "pvn list tells its state",
				"the guest's worker does not answer");
	if (json_object_get(reply, "problem"))
		pvn_problem_from_json(problem, json_object_get(reply, "problem"));
	json_decref(reply);
	return problem->code ? -1 : 0;
}

static json_t *answer_hotplug(struct monitor *monitor, const char *word, const json_t *request)
{
	struct hotplug hotplug = {
		.config = monitor->config, .admission = monitor->admission,
		.socket = monitor->socket, .wait = wait_for_reply, .context = monitor,
	};
	struct pvn_problem problem = { 0 };
	json_t *answer = NULL;

	if (!monitor->did_start)
		return refusal("the guest has not started yet");
	if (!strcmp(word, "attach"))
		answer = hotplug_attach(&hotplug, request, &problem);
	else if (!strcmp(word, "detach"))
		answer = hotplug_detach(&hotplug, request, &problem);
	else
		answer = hotplug_resize(&hotplug, request, &problem);
	devices_changed(monitor);
	return answer ? answer : json_pack("{s:o}", "problem", pvn_problem_to_json(&problem));
}

static json_t *answer_to(struct monitor *monitor, const json_t *request)
{
	const char *word = json_string_value(json_object_get(request, "request"));
	const char *how = json_string_value(json_object_get(request, "how"));

	if (word && !strcmp(word, "destroy")) {
		log_line("pvn destroy");
		end_runner(monitor);
		return json_pack("{s:b}", "ok", 1);
	}
	if (word && !strcmp(word, "shutdown") && how) {
		log_line("pvn shutdown: the guest is asked to %s", how);
		if (store_keys_shutdown(monitor->admission->domid, how))
			return refusal("the store does not take the request");
		return json_pack("{s:b}", "ok", 1);
	}
	if (word && (!strcmp(word, "attach") || !strcmp(word, "detach") || !strcmp(word, "resize")))
		return answer_hotplug(monitor, word, request);
	return refusal("the worker does not know this request");
}

static void pvn_speaks(evutil_socket_t listener, short what, void *context)
{
	json_t *request;
	int fd;

	(void)what;
	request = control_accept(listener, &fd);
	if (!request)
		return;
	control_answer(fd, answer_to(context, request));
	json_decref(request);
}

/* All children of this process that are left. */
static void kill_children(void)
{
	char path[64];
	FILE *list;
	int pid;

	snprintf(path, sizeof(path), "/proc/self/task/%d/children", getpid());
	list = fopen(path, "re");
	if (!list)
		return;
	while (fscanf(list, "%d", &pid) == 1)
		kill(pid, SIGKILL);
	fclose(list);
}

/*
 * Whoever a dead runner left behind became our child (we are their reaper), and has
 * been told to end by the kernel. Waits for them; the stubborn are killed.
 */
static void reap_orphans(void)
{
	const struct timespec pause = { .tv_nsec = 5000000 };
	unsigned int ms;

	for (ms = 0; ms < ORPHAN_WAIT_MS; ms += 5) {
		pid_t pid = waitpid(-1, NULL, WNOHANG);

		if (pid < 0 && errno == ECHILD)
			return;
		if (!pid)
			nanosleep(&pause, NULL);
	}
	log_line("a back-end did not end with its runner and is killed");
	kill_children();
	while (waitpid(-1, NULL, 0) > 0 || errno == EINTR)
		;
}

static void note_end(struct monitor *monitor, int status)
{
	if (*monitor->reason)
		return;
	if (monitor->problem.code) {
		snprintf(monitor->reason, sizeof(monitor->reason), "%s", REASON_ERROR);
		snprintf(monitor->detail, sizeof(monitor->detail), "%.390s", monitor->problem.text);
	} else if (monitor->destroyed) {
		snprintf(monitor->reason, sizeof(monitor->reason), "%s", REASON_KILLED);
		snprintf(monitor->detail, sizeof(monitor->detail), "by pvn destroy");
	} else if (WIFSIGNALED(status)) {
		snprintf(monitor->reason, sizeof(monitor->reason), "%s", REASON_KILLED);
		snprintf(monitor->detail, sizeof(monitor->detail), "its worker died of signal %d",
			 WTERMSIG(status));
	} else {
		snprintf(monitor->reason, sizeof(monitor->reason), "%s", REASON_ERROR);
		snprintf(monitor->detail, sizeof(monitor->detail), "its worker ended with %d",
			 WEXITSTATUS(status));
	}
}

static pid_t fork_runner(struct monitor *monitor)
{
	pid_t monitor_pid = getpid(), pid;
	int sockets[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sockets))
		return -1;
	pid = fork();
	if (!pid) {
		close(sockets[0]);
		if (monitor->ready_fd >= 0)
			close(monitor->ready_fd);
		/* Its own copy first: freeing would otherwise empty the monitor's as well. */
		event_reinit(monitor->base);
		event_base_free(monitor->base);
		if (getppid() != monitor_pid)
			_exit(1);
		_exit(runner_main(monitor->config, monitor->admission, monitor->uuid, sockets[1]));
	}
	close(sockets[1]);
	monitor->socket = sockets[0];
	return pid;
}

/* One run, from start to end; fills in the reason. */
static void run_once(struct monitor *monitor)
{
	struct event *event;
	int status = 0;

	monitor->reason[0] = monitor->detail[0] = 0;
	monitor->problem.code = 0;
	monitor->did_start = false;
	hotplug_drop_leaving(monitor->config, monitor->admission);
	devices_changed(monitor);
	set_state(monitor, "starting");
	monitor->runner = fork_runner(monitor);
	if (monitor->runner < 0) {
		monitor->runner = 0;
		pvn_fail(&monitor->problem, PVN_EXIT_FAILED, NULL, NULL,
			 "no process for the guest: %s", strerror(errno));
		note_end(monitor, 0);
		return;
	}
	event = event_new(monitor->base, monitor->socket, EV_READ | EV_PERSIST, runner_speaks,
			  monitor);
	event_add(event, NULL);
	event_base_dispatch(monitor->base);
	event_free(event);
	close(monitor->socket);
	while (waitpid(monitor->runner, &status, 0) < 0 && errno == EINTR)
		;
	monitor->runner = 0;
	reap_orphans();
	note_end(monitor, status);
	pvn_guest_forget(monitor->admission->domid);
}

/* Runs again? Crashing again and again within seconds does not. */
static bool is_to_restart(struct monitor *monitor, time_t began)
{
	bool reboot = !strcmp(monitor->reason, REASON_REBOOT);
	enum config_action action = reboot ? monitor->config->on_reboot :
					     monitor->config->on_crash;

	if (monitor->destroyed || !monitor->did_start || action != ACTION_RESTART ||
	    !strcmp(monitor->reason, REASON_SHUTDOWN) || !strcmp(monitor->reason, REASON_KILLED))
		return false;
	if (time(NULL) - began >= HASTY_SECONDS)
		monitor->hasty_runs = 0;
	else if (++monitor->hasty_runs >= HASTY_RUNS_MAX) {
		log_line("ended %u times within seconds: not started again", HASTY_RUNS_MAX);
		return false;
	}
	return true;
}

static void run_to_the_end(struct monitor *monitor)
{
	time_t began;

	do {
		began = time(NULL);
		run_once(monitor);
		log_line("run ended: %s: %s", monitor->reason, monitor->detail);
	} while (is_to_restart(monitor, began));
}

static int set_up(struct monitor *monitor, struct pvn_problem *problem)
{
	const char *name = monitor->config->name;
	struct event *event;
	int listener;

	prctl(PR_SET_CHILD_SUBREAPER, 1);
	signal(SIGPIPE, SIG_IGN);
	if (pvn_sandbox_supervise())
		return pvn_fail(problem, PVN_EXIT_FAILED, NULL, NULL,
				"the worker cannot give up its rights: %s", strerror(errno));
	monitor->base = event_base_new();
	listener = control_listen(name);
	if (!monitor->base || listener < 0)
		return pvn_fail(problem, PVN_EXIT_FAILED, pvn_rundir(), NULL,
				"the control socket cannot be made: %s", strerror(errno));
	event = event_new(monitor->base, listener, EV_READ | EV_PERSIST, pvn_speaks, monitor);
	event_add(event, NULL);
	event = event_new(monitor->base, SIGTERM, EV_SIGNAL | EV_PERSIST, told_to_end, monitor);
	event_add(event, NULL);
	return 0;
}

static void choose_uuid(struct monitor *monitor)
{
	uuid_t uuid;

	if (monitor->config->uuid) {
		memcpy(monitor->uuid, monitor->config->uuid, sizeof(monitor->uuid));
		return;
	}
	uuid_generate(uuid);
	uuid_unparse_lower(uuid, monitor->uuid);
}

/* Only what people may still want to see stays. */
static void remove_sockets(const char *name)
{
	char path[PATH_MAX], console[16];
	unsigned int i;

	pvn_guest_path(path, sizeof(path), name, "control");
	unlink(path);
	for (i = 0; i < CONFIG_CONSOLES_MAX; i++) {
		config_console_socket(i, console, sizeof(console));
		pvn_guest_path(path, sizeof(path), name, console);
		unlink(path);
	}
}

int monitor_main(struct config *config, struct admission *admission, int ready_fd)
{
	struct monitor monitor = {
		.config = config,
		.admission = admission,
		.ready_fd = ready_fd,
	};
	int code = PVN_EXIT_OK;

	choose_uuid(&monitor);
	monitor.state = first_state(&monitor);
	if (!set_up(&monitor, &monitor.problem))
		run_to_the_end(&monitor);
	if (monitor.ready_fd >= 0) {
		code = monitor.problem.code ? monitor.problem.code : PVN_EXIT_FAILED;
		if (!monitor.problem.code)
			pvn_fail(&monitor.problem, code, NULL, NULL, "the guest did not start: %s",
				 monitor.detail);
		remove_sockets(config->name);
		pvn_guest_remove(config->name);
		tell_ready(&monitor, json_pack("{s:o}", "problem",
					       pvn_problem_to_json(&monitor.problem)));
		return code;
	}
	json_object_set_new(monitor.state, "ended", json_integer(time(NULL)));
	json_object_set_new(monitor.state, "pid", json_null());
	set_state(&monitor, "ended");
	log_line("ended: %s", monitor.reason);
	remove_sockets(config->name);
	json_decref(monitor.state);
	return PVN_EXIT_OK;
}
