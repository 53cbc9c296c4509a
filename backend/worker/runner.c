// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (C) The Paravane developers
 *
 * One run of a guest; see runner.h. Makes it, watches who answers it and its back-ends,
 * and finds out how it ended.
 */
#include "worker/runner.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "libpvn/guests.h"
#include "worker/devices.h"
#include "worker/hotplug.h"
#include "worker/intercepts.h"
#include "worker/log.h"
#include "worker/store_keys.h"

struct runner {
	struct config *config;
	struct admission *admission;
	int socket;
	struct event_base *base;
	struct guest guest;
	struct devices devices;
	struct intercepts intercepts;
	int debug_fd;		/* of the debug port's text */
	const char *reason;	/* NULL: it runs */
	char detail[INTERCEPTS_DETAIL_BYTES];
};

static void tell(const struct runner *runner, json_t *packet)
{
	char *text = json_dumps(packet, JSON_COMPACT);

	if (text && send(runner->socket, text, strlen(text), MSG_NOSIGNAL) < 0)
		log_line("the monitor is gone: %s", strerror(errno));
	free(text);
	json_decref(packet);
}

/* It is over; the event loop ends. The first reason counts. */
static void end(struct runner *runner, const char *reason, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

static void end(struct runner *runner, const char *reason, const char *format, ...)
{
	va_list arguments;

	if (runner->reason)
		return;
	runner->reason = reason;
	va_start(arguments, format);
	vsnprintf(runner->detail, sizeof(runner->detail), format, arguments);
	va_end(arguments);
	event_base_loopbreak(runner->base);
}

/* The guest has ended, says who answers it. */
static void look_for_end(struct runner *runner)
{
	char detail[INTERCEPTS_DETAIL_BYTES];
	const char *reason = intercepts_end(&runner->intercepts, detail);

	if (reason)
		end(runner, reason, "%s", detail);
}

static void intercepts_ended(struct runner *runner, int status)
{
	runner->intercepts.pid = 0;
	look_for_end(runner);
	if (WIFSIGNALED(status))
		end(runner, REASON_ERROR, "the process that answers the guest died of signal %d",
		    WTERMSIG(status));
	else
		end(runner, REASON_ERROR, "the process that answers the guest ended with %d",
		    WEXITSTATUS(status));
}

/* Once: it has one thing to say, and one that says something else is ended. */
static void intercepts_speak(evutil_socket_t fd, short what, void *context)
{
	struct runner *runner = context;

	(void)fd;
	(void)what;
	look_for_end(runner);
	if (!runner->reason)
		intercepts_ended(runner, intercepts_stop(&runner->intercepts));
}

static void child_ended(evutil_socket_t fd, short what, void *context)
{
	struct runner *runner = context;
	int status;
	pid_t pid;

	(void)fd;
	(void)what;
	while ((pid = waitpid(-1, &status, WNOHANG)) > 0)
		if (pid == runner->intercepts.pid)
			intercepts_ended(runner, status);
		else
			devices_child_ended(&runner->devices, pid, status);
}

static void told_to_end(evutil_socket_t fd, short what, void *context)
{
	struct runner *runner = context;

	(void)fd;
	(void)what;
	end(runner, REASON_KILLED, "by pvn destroy");
	event_base_loopbreak(runner->base);
}

/* The place is free again: its device has gone, or never came. */
static void forget_device(struct config *config, const char *kind, unsigned int index)
{
	if (!strcmp(kind, "blk"))
		config->disk[index].kind = CONFIG_NO_DISK;
	if (!strcmp(kind, "net"))
		config->net[index] = (struct config_net){ 0 };
}

/* The monitor has checked all of it, and takes `fd` back when this fails. */
static int attach(struct runner *runner, const char *kind, const json_t *request, int fd,
		  struct pvn_problem *problem)
{
	unsigned int index = (unsigned int)json_integer_value(json_object_get(request, "index"));
	bool disk = !strcmp(kind, "blk");
	/* Its texts are used for as long as the device is there: until this process ends. */
	json_t *config = json_deep_copy(json_object_get(request, "config"));
	int error;

	if (index >= (disk ? (unsigned int)CONFIG_DISKS_MAX : (unsigned int)CONFIG_NETS_MAX))
		return pvn_fail(problem, PVN_EXIT_FAILED, NULL, NULL, "there is no %s %u", kind,
				index);
	if (disk)
		error = config_parse_disk(&runner->config->disk[index], config, "pvn attach",
					  problem);
	else
		error = config_parse_net(&runner->config->net[index], config, "pvn attach",
					 problem);
	if (disk)
		runner->admission->image_fd[index] = error ? -1 : fd;
	if (!error && !devices_attach(&runner->devices, kind, index, problem))
		return 0;
	forget_device(runner->config, kind, index);
	return -1;
}

/* One request of the monitor. Takes `fd`. */
static void obey(struct runner *runner, const json_t *request, int fd)
{
	const char *detach = json_string_value(json_object_get(request, "detach"));
	const char *kind = json_string_value(json_object_get(request, "attach"));
	unsigned int index = (unsigned int)json_integer_value(json_object_get(request, "index"));
	struct pvn_problem problem = { 0 };
	int error;

	if (detach)
		error = devices_detach(&runner->devices, detach, index,
				       json_is_true(json_object_get(request, "force")), &problem);
	else
		error = attach(runner, kind ? kind : "", request, fd, &problem);
	if (error && fd >= 0)
		close(fd);
	if (error)
		tell(runner, json_pack("{s:{s:o}}", "reply", "problem",
				       pvn_problem_to_json(&problem)));
	else
		tell(runner, json_pack("{s:b}", "reply", 1));
}

static void device_gone(void *context, const char *kind, unsigned int index)
{
	struct runner *runner = context;

	forget_device(runner->config, kind, index);
	tell(runner, json_pack("{s:s, s:i}", "gone", kind, "index", (int)index));
}

static void monitor_speaks(evutil_socket_t socket, short what, void *context)
{
	struct runner *runner = context;
	char text[HOTPLUG_PACKET_BYTES];
	json_t *request;
	int fd;
	ssize_t got = hotplug_receive(socket, text, sizeof(text), &fd);

	if (got < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (got <= 0) {
		told_to_end(socket, what, context);	/* the monitor is gone */
		return;
	}
	request = json_loadb(text, (size_t)got, 0, NULL);
	obey(runner, request, fd);
	json_decref(request);
}

static int add_event(struct runner *runner, int fd, short what, event_callback_fn handler,
		     void *context, struct pvn_problem *problem)
{
	struct event *event = event_new(runner->base, fd, what | EV_PERSIST, handler, context);

	if (event && !event_add(event, NULL))
		return 0;
	return pvn_fail(problem, PVN_EXIT_FAILED, NULL, NULL, "the event loop takes no more");
}

static int watch_all(struct runner *runner, struct pvn_problem *problem)
{
	if (add_event(runner, SIGCHLD, EV_SIGNAL, child_ended, runner, problem) ||
	    add_event(runner, SIGTERM, EV_SIGNAL, told_to_end, runner, problem))
		return -1;
	if (event_base_once(runner->base, runner->intercepts.socket, EV_READ, intercepts_speak,
			    runner, NULL))
		return pvn_fail(problem, PVN_EXIT_FAILED, NULL, NULL, "the event loop takes no more");
	return add_event(runner, runner->socket, EV_READ, monitor_speaks, runner, problem);
}

static int open_debug_port(struct runner *runner, struct pvn_problem *problem)
{
	const struct config *config = runner->config;
	char path[PATH_MAX];

	if (!config->debug_port)
		return 0;
	config_console_log(config, 0, path, sizeof(path));
	runner->debug_fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	if (runner->debug_fd >= 0)
		return 0;
	return pvn_fail(problem, PVN_EXIT_FAILED, path, NULL, "the log cannot be opened: %s",
			strerror(errno));
}

static int set_up(struct runner *runner, const struct admission *admission, const char *uuid,
		  struct pvn_problem *problem)
{
	struct pvn_store *store;
	int error;

	/* Who answers the guest gets a copy of what is open now: neither store nor back-ends. */
	if (open_debug_port(runner, problem) ||
	    guest_create(&runner->guest, runner->config, admission, uuid, problem) ||
	    intercepts_start(&runner->intercepts, &runner->guest, runner->debug_fd, problem))
		return -1;
	runner->base = event_base_new();
	if (!runner->base)
		return pvn_fail(problem, PVN_EXIT_FAILED, NULL, NULL, "no event loop");
	store = store_keys_open(problem);
	if (!store)
		return -1;
	error = store_keys_home(store, &runner->guest, uuid, problem) ||
		store_keys_introduce(&runner->guest, problem) || watch_all(runner, problem) ||
		devices_create(&runner->devices, &runner->guest, store, runner->base, problem) ||
		guest_start(&runner->guest, problem);
	pvn_store_close(store);
	return error ? -1 : 0;
}

static bool is_crash(const char *reason)
{
	return !strcmp(reason, REASON_PANIC) || !strcmp(reason, REASON_TRIPLE_FAULT) ||
	       !strcmp(reason, REASON_HALTED) || !strcmp(reason, REASON_ERROR);
}

/* Stays as it is, with console and disks, for whoever wants to look at it. */
static void preserve(struct runner *runner)
{
	tell(runner, json_pack("{s:s, s:s}", "stopped", runner->reason, "detail", runner->detail));
	log_line("preserved; pvn destroy %s ends it", runner->config->name);
	event_base_dispatch(runner->base);
}

static void run(struct runner *runner)
{
	tell(runner, json_pack("{s:b, s:I}", "started", 1, "partition",
			       (json_int_t)runner->guest.partition_id));
	event_base_dispatch(runner->base);
	if (!runner->reason)
		end(runner, REASON_ERROR, "the event loop ended");
	guest_stop(&runner->guest);
	log_line("stopped: %s: %s", runner->reason, runner->detail);
	if (is_crash(runner->reason) && runner->config->on_crash == ACTION_PRESERVE)
		preserve(runner);
}

int runner_main(struct config *config, struct admission *admission, const char *uuid, int socket)
{
	struct runner runner = {
		.config = config, .admission = admission, .socket = socket,
		.devices = { .gone = device_gone, .context = &runner },
	};
	struct pvn_problem problem = { 0 };

	prctl(PR_SET_NAME, "pvn-worker-run");
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	signal(SIGPIPE, SIG_IGN);
	if (set_up(&runner, admission, uuid, &problem)) {
		devices_end(&runner.devices);
		intercepts_stop(&runner.intercepts);
		tell(&runner, json_pack("{s:o}", "problem", pvn_problem_to_json(&problem)));
		return 1;
	}
	run(&runner);
	devices_end(&runner.devices);
	intercepts_stop(&runner.intercepts);
	/* The partition goes away here, not at exit, so that "ended" is true when it is told. */
	close(runner.guest.partition);
	tell(&runner, json_pack("{s:s, s:s}", "ended", runner.reason, "detail", runner.detail));
	return 0;
}
