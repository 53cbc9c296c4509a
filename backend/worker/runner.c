// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (C) The Paravane developers
 *
 * One run of a guest; see runner.h. Answers intercept messages of its virtual
 * processors, watches its back-ends, and finds out how it ended.
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

#include <pvn/abi/msr.h>

#include "libpvn/guests.h"
#include "libpvn/root_dev.h"
#include "worker/devices.h"
#include "worker/emulated.h"
#include "worker/hotplug.h"
#include "worker/log.h"
#include "worker/ports.h"
#include "worker/store_keys.h"

#define PANIC_MARK "Kernel panic"
/* Then other events have their turn: a guest can send the next one before it is asked for. */
#define MESSAGES_AT_A_TIME 32

struct runner {
	struct config *config;
	struct admission *admission;
	int socket;
	struct event_base *base;
	struct guest guest;
	struct devices devices;
	struct ports ports;
	struct emulated *emulated;	/* NULL: no such devices */
	int debug_fd;		/* of the debug port's text */
	const char *reason;	/* NULL: it runs */
	char detail[400];
};

/* Context of a virtual processor's event. */
struct runner_vp {
	struct runner *runner;
	unsigned int index;
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

static struct pvn_root_register value(uint32_t name, uint64_t low)
{
	return (struct pvn_root_register) { .name = name, .low = low };
}

/* The instruction is done: step over it and go on, in one call. */
static void finish_io(struct runner *runner, unsigned int vp, const struct pvn_io_intercept *io,
		      bool write, uint32_t data, unsigned int bytes)
{
	const struct pvn_root_register registers[] = {
		value(PVN_REG_RIP, io->header.rip + io->header.instruction_bytes),
		value(PVN_REG_RAX, write ? io->rax : ports_merge(io->rax, data, bytes)),
		value(PVN_REG_INTERCEPT_SUSPEND, 0),
	};

	if (!io->header.instruction_bytes) {
		end(runner, REASON_ERROR, "I/O port 0x%x: instruction of unknown length", io->port);
		return;
	}
	if (pvn_vp_set_registers(runner->guest.vp[vp], registers, 3))
		end(runner, REASON_ERROR, "virtual processor %u does not go on: %s", vp,
		    strerror(errno));
}

/* Text of a guest without a console driver: 1 to 4 characters at a time, zeros left out. */
static void write_debug_port(struct runner *runner, uint32_t data, unsigned int bytes)
{
	char text[4];
	size_t used = 0;

	for (; bytes; bytes--, data >>= 8)
		if (data & 0xff)
			text[used++] = data & 0xff;
	if (used && write(runner->debug_fd, text, used) < 0)
		log_line("debug port: %s", strerror(errno));
}

/* False: no emulated device has to do with it. */
static bool is_answered(struct runner *runner, const struct emulated_answer *answer,
			unsigned int vp, uint64_t rip)
{
	if (answer->outcome == EMULATED_RESET)
		end(runner, REASON_REBOOT, "by the guest, through the keyboard controller");
	else if (answer->outcome == EMULATED_FAILED)
		end(runner, REASON_ERROR, "virtual processor %u at 0x%llx: %s", vp,
		    (unsigned long long)rip, answer->why);
	return answer->outcome != EMULATED_NOT_MINE;
}

static bool is_emulated_port(struct runner *runner, unsigned int vp,
			     const struct pvn_io_intercept *io)
{
	struct emulated_answer answer;

	if (!runner->emulated)
		return false;
	emulated_port(runner->emulated, vp, io, &answer);
	return is_answered(runner, &answer, vp, io->header.rip);
}

static bool is_emulated_memory(struct runner *runner, unsigned int vp,
			       const struct pvn_memory_intercept *memory)
{
	struct emulated_answer answer;

	if (!runner->emulated)
		return false;
	emulated_memory(runner->emulated, vp, memory, &answer);
	return is_answered(runner, &answer, vp, memory->header.rip);
}

static void handle_io(struct runner *runner, unsigned int vp, const struct pvn_io_intercept *io)
{
	unsigned int bytes = io->access_info & PVN_IO_BYTES_MASK;
	bool write = io->header.access_type == 1;
	uint32_t data = io->rax;

	if (is_emulated_port(runner, vp, io))
		return;
	if (io->access_info & (PVN_IO_STRING | PVN_IO_REP)) {
		end(runner, REASON_ERROR, "string access to I/O port 0x%x", io->port);
		return;
	}
	if (io->port == PORT_DEBUG && runner->config->debug_port) {
		write_debug_port(runner, data, bytes);
		finish_io(runner, vp, io, write, data, bytes);
		return;
	}
	switch (ports_access(&runner->ports, io->port, bytes, write, &data, time(NULL))) {
	case PORT_POWER_OFF:
		end(runner, REASON_SHUTDOWN, "by the guest");
		return;
	case PORT_REBOOT:
		end(runner, REASON_REBOOT, "by the guest");
		return;
	case PORT_DONE:
		finish_io(runner, vp, io, write, data, bytes);
	}
}

/* The line that says why, out of the end of the guest's log. */
static void find_panic_line(const char *text, size_t bytes, char *to, size_t room)
{
	const char *mark = memmem(text, bytes, PANIC_MARK, strlen(PANIC_MARK));
	size_t i;

	if (!mark) {
		snprintf(to, room, "the guest's kernel");
		return;
	}
	for (i = 0; i + 1 < room && mark + i < text + bytes && mark[i] >= ' ' && mark[i] < 127; i++)
		to[i] = mark[i];
	to[i] = 0;
}

/* The guest chose these bytes: only printable ones go into the log. */
static void log_text(const char *text, size_t bytes)
{
	char line[256];
	size_t used = 0, i;

	for (i = 0; i < bytes; i++) {
		bool is_end = text[i] == '\n' || used == sizeof(line) - 1;

		if (text[i] >= ' ' && text[i] < 127 && !is_end)
			line[used++] = text[i];
		if (!is_end || !used)
			continue;
		line[used] = 0;
		log_line("guest: %s", line);
		used = 0;
	}
}

static void handle_crash(struct runner *runner, const struct pvn_crash_message *crash)
{
	uint64_t bytes = crash->p[4];
	const char *text = NULL;
	char line[200];

	if (crash->control & PVN_CRASH_CTL_MESSAGE && bytes && bytes <= PVN_PAGE_SIZE)
		text = guest_memory_at(&runner->guest, crash->p[3], bytes);
	if (!text) {
		end(runner, REASON_PANIC, "parameters %llx %llx %llx %llx %llx",
		    (unsigned long long)crash->p[0], (unsigned long long)crash->p[1],
		    (unsigned long long)crash->p[2], (unsigned long long)crash->p[3],
		    (unsigned long long)crash->p[4]);
		return;
	}
	log_text(text, bytes);
	find_panic_line(text, bytes, line, sizeof(line));
	end(runner, REASON_PANIC, "%s", line);
}

static void handle_message(struct runner *runner, unsigned int vp,
			   const struct pvn_message *message)
{
	const struct pvn_intercept_header *header = (const void *)message->payload;
	const struct pvn_memory_intercept *memory = (const void *)message->payload;
	unsigned long long rip = header->rip;

	switch (message->type) {
	case PVN_MESSAGE_IO_PORT_INTERCEPT:
		handle_io(runner, vp, (const void *)message->payload);
		return;
	case PVN_MESSAGE_CRASH:
		handle_crash(runner, (const void *)message->payload);
		return;
	case PVN_MESSAGE_RESET:
		end(runner, REASON_REBOOT, "by the guest, through the reset register");
		return;
	case PVN_MESSAGE_UNRECOVERABLE_EXCEPTION:
		end(runner, REASON_TRIPLE_FAULT, "virtual processor %u at 0x%llx", vp, rip);
		return;
	case PVN_MESSAGE_HALT:
		end(runner, REASON_HALTED, "every virtual processor halted, with interrupts off");
		return;
	case PVN_MESSAGE_UNMAPPED_GPA:
	case PVN_MESSAGE_GPA_INTERCEPT:
		if (is_emulated_memory(runner, vp, memory))
			return;
		end(runner, REASON_ERROR, "virtual processor %u at 0x%llx touched 0x%llx, where "
		    "nothing is", vp, rip, (unsigned long long)memory->gpa);
		return;
	default:
		end(runner, REASON_ERROR, "virtual processor %u at 0x%llx: message 0x%x", vp, rip,
		    message->type);
	}
}

static void vp_is_readable(evutil_socket_t fd, short what, void *context)
{
	struct runner_vp *vp = context;
	struct pvn_message message;
	unsigned int i;

	(void)what;
	for (i = 0; i < MESSAGES_AT_A_TIME && !vp->runner->reason; i++) {
		int got = pvn_vp_read(fd, &message);

		if (!got)
			return;
		if (got < 0) {
			end(vp->runner, REASON_ERROR, "virtual processor %u is gone: %s",
			    vp->index, strerror(errno));
			return;
		}
		handle_message(vp->runner, vp->index, &message);
	}
}

static void child_ended(evutil_socket_t fd, short what, void *context)
{
	struct runner *runner = context;
	int status;
	pid_t pid;

	(void)fd;
	(void)what;
	while ((pid = waitpid(-1, &status, WNOHANG)) > 0)
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

static int attach_disk(struct runner *runner, const json_t *request, int fd,
		       struct pvn_problem *problem)
{
	unsigned int index = (unsigned int)json_integer_value(json_object_get(request, "index"));
	/* Its texts are used for as long as the disk is there: until this process ends. */
	json_t *config = json_deep_copy(json_object_get(request, "config"));

	if (index >= CONFIG_DISKS_MAX ||
	    config_parse_disk(&runner->config->disk[index], config, "pvn attach", problem))
		return problem->code ? -1 : pvn_fail(problem, PVN_EXIT_FAILED, NULL, NULL,
						     "there is no disk %u", index);
	runner->admission->image_fd[index] = fd;
	if (!devices_attach_disk(&runner->devices, index, problem))
		return 0;
	runner->config->disk[index].kind = CONFIG_NO_DISK;
	return -1;
}

/* One request of the monitor. Takes `fd`. */
static void obey(struct runner *runner, const json_t *request, int fd)
{
	const char *detach = json_string_value(json_object_get(request, "detach"));
	unsigned int index = (unsigned int)json_integer_value(json_object_get(request, "index"));
	struct pvn_problem problem = { 0 };
	int error;

	if (detach)
		error = devices_detach(&runner->devices, detach, index,
				       json_is_true(json_object_get(request, "force")), &problem);
	else
		error = attach_disk(runner, request, fd, &problem);
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

	if (!strcmp(kind, "blk"))
		runner->config->disk[index].kind = CONFIG_NO_DISK;
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
	static struct runner_vp vps[CONFIG_VPS_MAX];
	unsigned int i;

	for (i = 0; i < runner->config->vps; i++) {
		vps[i] = (struct runner_vp) { runner, i };
		if (add_event(runner, runner->guest.vp[i], EV_READ, vp_is_readable, &vps[i],
			      problem))
			return -1;
	}
	if (add_event(runner, SIGCHLD, EV_SIGNAL, child_ended, runner, problem) ||
	    add_event(runner, SIGTERM, EV_SIGNAL, told_to_end, runner, problem))
		return -1;
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

	runner->base = event_base_new();
	if (!runner->base)
		return pvn_fail(problem, PVN_EXIT_FAILED, NULL, NULL, "no event loop");
	if (open_debug_port(runner, problem) ||
	    guest_create(&runner->guest, runner->config, admission, uuid, problem))
		return -1;
	store = store_keys_open(problem);
	if (!store)
		return -1;
	runner->emulated = emulated_create(&runner->guest, runner->base, problem);
	error = problem->code || store_keys_home(store, &runner->guest, uuid, problem) ||
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
		tell(&runner, json_pack("{s:o}", "problem", pvn_problem_to_json(&problem)));
		return 1;
	}
	run(&runner);
	devices_end(&runner.devices);
	/* The partition goes away here, not at exit, so that "ended" is true when it is told. */
	close(runner.guest.partition);
	tell(&runner, json_pack("{s:s, s:s}", "ended", runner.reason, "detail", runner.detail));
	return 0;
}
