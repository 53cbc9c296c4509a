// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (C) The Paravane developers
 *
 * The process that answers a guest's intercepts; see intercepts.h. It is the part of the
 * worker that acts on what a guest says, with the emulated devices, and so it has a
 * sandbox: of the guest it has the partition, the virtual processors, the memory and
 * what the emulated devices are connected to, and of everything else nothing.
 */
#include "worker/intercepts.h"

#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <event2/event.h>

#include <pvn/abi/msr.h>

#include "libpvn/ids.h"
#include "libpvn/root_dev.h"
#include "libpvn/sandbox.h"
#include "worker/emulated.h"
#include "worker/log.h"
#include "worker/ports.h"

#define PANIC_MARK "Kernel panic"
/* Then other events have their turn: a guest can send the next one before it is asked for. */
#define MESSAGES_AT_A_TIME 32

enum report_kind { REPORT_READY, REPORT_PROBLEM, REPORT_END };

/* To the runner, which believes none of it without a look. */
struct report {
	uint32_t kind;		/* enum report_kind */
	uint32_t reason;	/* index of reasons */
	struct pvn_problem problem;
	char detail[INTERCEPTS_DETAIL_BYTES];
};

static const char *const reasons[] = {
	REASON_ERROR, REASON_SHUTDOWN, REASON_REBOOT, REASON_PANIC, REASON_TRIPLE_FAULT,
	REASON_HALTED,
};

enum { REASONS = sizeof(reasons) / sizeof(reasons[0]) };

struct answerer {
	const struct config *config;
	struct guest *guest;
	struct event_base *base;
	struct ports ports;
	struct emulated *emulated;	/* NULL: no such devices */
	int debug_fd;			/* of the debug port's text */
	const char *reason;		/* NULL: it runs */
	char detail[INTERCEPTS_DETAIL_BYTES];
};

/* Context of a virtual processor's event. */
struct answerer_vp {
	struct answerer *answerer;
	unsigned int index;
};

/* It is over; the event loop ends. The first reason counts. */
static void end(struct answerer *answerer, const char *reason, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

static void end(struct answerer *answerer, const char *reason, const char *format, ...)
{
	va_list arguments;

	if (answerer->reason)
		return;
	answerer->reason = reason;
	va_start(arguments, format);
	vsnprintf(answerer->detail, sizeof(answerer->detail), format, arguments);
	va_end(arguments);
	event_base_loopbreak(answerer->base);
}

static struct pvn_root_register value(uint32_t name, uint64_t low)
{
	return (struct pvn_root_register) { .name = name, .low = low };
}

/* The instruction is done: step over it and go on, in one call. */
static void finish_io(struct answerer *answerer, unsigned int vp, const struct pvn_io_intercept *io,
		      bool write, uint32_t data, unsigned int bytes)
{
	const struct pvn_root_register registers[] = {
		value(PVN_REG_RIP, io->header.rip + io->header.instruction_bytes),
		value(PVN_REG_RAX, write ? io->rax : ports_merge(io->rax, data, bytes)),
		value(PVN_REG_INTERCEPT_SUSPEND, 0),
	};

	if (!io->header.instruction_bytes) {
		end(answerer, REASON_ERROR, "I/O port 0x%x: instruction of unknown length", io->port);
		return;
	}
	if (pvn_vp_set_registers(answerer->guest->vp[vp], registers, 3))
		end(answerer, REASON_ERROR, "virtual processor %u does not go on: %s", vp,
		    strerror(errno));
}

/* Text of a guest without a console driver: 1 to 4 characters at a time, zeros left out. */
static void write_debug_port(struct answerer *answerer, uint32_t data, unsigned int bytes)
{
	char text[4];
	size_t used = 0;

	for (; bytes; bytes--, data >>= 8)
		if (data & 0xff)
			text[used++] = data & 0xff;
	if (used && write(answerer->debug_fd, text, used) < 0)
		log_line("debug port: %s", strerror(errno));
}

/* False: no emulated device has to do with it. */
static bool is_answered(struct answerer *answerer, const struct emulated_answer *answer,
			unsigned int vp, uint64_t rip)
{
	if (answer->outcome == EMULATED_RESET)
		end(answerer, REASON_REBOOT, "by the guest, through the keyboard controller");
	else if (answer->outcome == EMULATED_ENDED)
		end(answerer, REASON_SHUTDOWN, "by the guest, with exit code %u", answer->code);
	else if (answer->outcome == EMULATED_FAILED)
		end(answerer, REASON_ERROR, "virtual processor %u at 0x%llx: %s", vp,
		    (unsigned long long)rip, answer->why);
	return answer->outcome != EMULATED_NOT_MINE;
}

static bool is_emulated_port(struct answerer *answerer, unsigned int vp,
			     const struct pvn_io_intercept *io)
{
	struct emulated_answer answer;

	if (!answerer->emulated)
		return false;
	emulated_port(answerer->emulated, vp, io, &answer);
	return is_answered(answerer, &answer, vp, io->header.rip);
}

static bool is_emulated_memory(struct answerer *answerer, unsigned int vp,
			       const struct pvn_memory_intercept *memory)
{
	struct emulated_answer answer;

	if (!answerer->emulated)
		return false;
	emulated_memory(answerer->emulated, vp, memory, &answer);
	return is_answered(answerer, &answer, vp, memory->header.rip);
}

static bool is_emulated_msr(struct answerer *answerer, unsigned int vp,
			    const struct pvn_msr_intercept *msr)
{
	struct emulated_answer answer;

	if (!answerer->emulated)
		return false;
	emulated_msr(answerer->emulated, vp, msr, &answer);
	return is_answered(answerer, &answer, vp, msr->header.rip);
}

static void handle_io(struct answerer *answerer, unsigned int vp, const struct pvn_io_intercept *io)
{
	unsigned int bytes = io->access_info & PVN_IO_BYTES_MASK;
	bool write = io->header.access_type == 1;
	uint32_t data = io->rax;

	if (is_emulated_port(answerer, vp, io))
		return;
	if (io->access_info & (PVN_IO_STRING | PVN_IO_REP)) {
		end(answerer, REASON_ERROR, "string access to I/O port 0x%x", io->port);
		return;
	}
	if (io->port == PORT_DEBUG && answerer->config->debug_port) {
		write_debug_port(answerer, data, bytes);
		finish_io(answerer, vp, io, write, data, bytes);
		return;
	}
	switch (ports_access(&answerer->ports, io->port, bytes, write, &data, time(NULL))) {
	case PORT_POWER_OFF:
		end(answerer, REASON_SHUTDOWN, "by the guest");
		return;
	case PORT_REBOOT:
		end(answerer, REASON_REBOOT, "by the guest");
		return;
	case PORT_DONE:
		finish_io(answerer, vp, io, write, data, bytes);
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

static void handle_crash(struct answerer *answerer, const struct pvn_crash_message *crash)
{
	uint64_t bytes = crash->p[4];
	const char *text = NULL;
	char line[200];

	if (crash->control & PVN_CRASH_CTL_MESSAGE && bytes && bytes <= PVN_PAGE_SIZE)
		text = guest_memory_at(answerer->guest, crash->p[3], bytes);
	if (!text) {
		end(answerer, REASON_PANIC, "parameters %llx %llx %llx %llx %llx",
		    (unsigned long long)crash->p[0], (unsigned long long)crash->p[1],
		    (unsigned long long)crash->p[2], (unsigned long long)crash->p[3],
		    (unsigned long long)crash->p[4]);
		return;
	}
	log_text(text, bytes);
	find_panic_line(text, bytes, line, sizeof(line));
	end(answerer, REASON_PANIC, "%s", line);
}

static void handle_message(struct answerer *answerer, unsigned int vp,
			   const struct pvn_message *message)
{
	const struct pvn_intercept_header *header = (const void *)message->payload;
	const struct pvn_memory_intercept *memory = (const void *)message->payload;
	unsigned long long rip = header->rip;

	switch (message->type) {
	case PVN_MESSAGE_IO_PORT_INTERCEPT:
		handle_io(answerer, vp, (const void *)message->payload);
		return;
	case PVN_MESSAGE_MSR_INTERCEPT:
		if (is_emulated_msr(answerer, vp, (const void *)message->payload))
			return;
		break;
	case PVN_MESSAGE_CRASH:
		handle_crash(answerer, (const void *)message->payload);
		return;
	case PVN_MESSAGE_RESET:
		end(answerer, REASON_REBOOT, "by the guest, through the reset register");
		return;
	case PVN_MESSAGE_UNRECOVERABLE_EXCEPTION:
		end(answerer, REASON_TRIPLE_FAULT, "virtual processor %u at 0x%llx", vp, rip);
		return;
	case PVN_MESSAGE_HALT:
		end(answerer, REASON_HALTED, "every virtual processor halted, with interrupts off");
		return;
	case PVN_MESSAGE_UNMAPPED_GPA:
	case PVN_MESSAGE_GPA_INTERCEPT:
		if (is_emulated_memory(answerer, vp, memory))
			return;
		end(answerer, REASON_ERROR, "virtual processor %u at 0x%llx touched 0x%llx, where "
		    "nothing is", vp, rip, (unsigned long long)memory->gpa);
		return;
	}
	end(answerer, REASON_ERROR, "virtual processor %u at 0x%llx: message 0x%x", vp, rip,
	    message->type);
}

static void vp_is_readable(evutil_socket_t fd, short what, void *context)
{
	struct answerer_vp *vp = context;
	struct pvn_message message;
	unsigned int i;

	(void)what;
	for (i = 0; i < MESSAGES_AT_A_TIME && !vp->answerer->reason; i++) {
		int got = pvn_vp_read(fd, &message);

		if (!got)
			return;
		if (got < 0) {
			end(vp->answerer, REASON_ERROR, "virtual processor %u is gone: %s",
			    vp->index, strerror(errno));
			return;
		}
		handle_message(vp->answerer, vp->index, &message);
	}
}

/* --- the process --- */

static int watch_vps(struct answerer *answerer, struct pvn_problem *problem)
{
	static struct answerer_vp vps[CONFIG_VPS_MAX];
	unsigned int i;

	for (i = 0; i < answerer->config->vps; i++) {
		struct event *event;

		vps[i] = (struct answerer_vp) { answerer, i };
		event = event_new(answerer->base, answerer->guest->vp[i], EV_READ | EV_PERSIST,
				  vp_is_readable, &vps[i]);
		if (!event || event_add(event, NULL))
			return pvn_fail(problem, PVN_EXIT_FAILED, NULL, NULL,
					"the event loop takes no more");
	}
	return 0;
}

static int by_number(const void *a, const void *b)
{
	return *(const int *)a - *(const int *)b;
}

/* Of all that the worker has open this process keeps what it uses. */
static void close_others(const struct answerer *answerer, int socket)
{
	const struct guest *guest = answerer->guest;
	int keep[CONFIG_VPS_MAX + CONFIG_DISKS_MAX + CONFIG_NETS_MAX + 8];
	int next = STDERR_FILENO + 1;
	unsigned int count = 0, i;

	keep[count++] = socket;
	keep[count++] = log_fd();
	keep[count++] = answerer->debug_fd;
	keep[count++] = guest->partition;
	keep[count++] = guest->serial_fd[0];
	for (i = 0; i < CONFIG_NETS_MAX; i++)
		keep[count++] = guest->net_fd[i][0];
	for (i = 0; i < answerer->config->vps; i++)
		keep[count++] = guest->vp[i];
	for (i = 0; i < CONFIG_DISKS_MAX; i++)
		if (answerer->config->disk[i].kind != CONFIG_NO_DISK && answerer->config->disk[i].ide)
			keep[count++] = guest->admission->image_fd[i];
	qsort(keep, count, sizeof(keep[0]), by_number);
	for (i = 0; i < count; i++) {
		if (keep[i] > next)
			close_range((unsigned int)next, (unsigned int)keep[i] - 1, 0);
		if (keep[i] >= next)
			next = keep[i] + 1;
	}
	close_range((unsigned int)next, ~0u, 0);
}

static int prepare(struct answerer *answerer, int socket, struct pvn_problem *problem)
{
	const struct pvn_sandbox sandbox = {
		.needs = PVN_SANDBOX_GUEST | PVN_SANDBOX_RINGS | PVN_SANDBOX_TAPS,
		.uid = pvn_id_of(answerer->guest->admission->domid, PVN_ID_WORKER),
	};

	close_others(answerer, socket);
	answerer->base = event_base_new();
	if (!answerer->base)
		return pvn_fail(problem, PVN_EXIT_FAILED, NULL, NULL, "no event loop");
	answerer->emulated = emulated_create(answerer->guest, answerer->base, problem);
	if (problem->code || watch_vps(answerer, problem))
		return -1;
	if (pvn_sandbox_enter(&sandbox))
		return pvn_fail(problem, PVN_EXIT_FAILED, NULL, NULL,
				"the worker cannot enter its sandbox: %s", strerror(errno));
	return 0;
}

static void tell(int socket, const struct report *report)
{
	if (send(socket, report, sizeof(*report), MSG_NOSIGNAL) < 0)
		log_line("the worker is gone: %s", strerror(errno));
}

static void __attribute__((noreturn)) answer(struct answerer *answerer, int socket, pid_t runner)
{
	struct report report = { .kind = REPORT_PROBLEM };

	prctl(PR_SET_NAME, "pvn-worker-vps");
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != runner)
		_exit(EXIT_FAILURE);
	if (prepare(answerer, socket, &report.problem)) {
		tell(socket, &report);
		_exit(EXIT_FAILURE);
	}
	report.kind = REPORT_READY;
	tell(socket, &report);
	event_base_dispatch(answerer->base);
	if (!answerer->reason)
		end(answerer, REASON_ERROR, "the event loop ended");
	report.kind = REPORT_END;
	while (report.reason < REASONS - 1 && reasons[report.reason] != answerer->reason)
		report.reason++;
	snprintf(report.detail, sizeof(report.detail), "%s", answerer->detail);
	tell(socket, &report);
	_exit(EXIT_SUCCESS);
}

/* --- in the runner --- */

/* A packet of the right size, texts ended. False: there is none. */
static bool take_report(const struct intercepts *intercepts, struct report *report, int flags)
{
	if (recv(intercepts->socket, report, sizeof(*report), flags) != sizeof(*report))
		return false;
	report->detail[sizeof(report->detail) - 1] = 0;
	report->problem.text[sizeof(report->problem.text) - 1] = 0;
	report->problem.where[sizeof(report->problem.where) - 1] = 0;
	report->problem.hint[sizeof(report->problem.hint) - 1] = 0;
	return true;
}

int intercepts_start(struct intercepts *intercepts, struct guest *guest, int debug_fd,
		     struct pvn_problem *problem)
{
	struct answerer answerer = {
		.config = guest->config, .guest = guest, .debug_fd = debug_fd,
	};
	struct report report;
	pid_t runner = getpid();
	int sockets[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sockets))
		return pvn_fail(problem, PVN_EXIT_FAILED, NULL, NULL, "no socket: %s", strerror(errno));
	intercepts->socket = sockets[0];
	intercepts->pid = fork();
	if (!intercepts->pid) {
		close(sockets[0]);
		answer(&answerer, sockets[1], runner);
	}
	close(sockets[1]);
	if (!take_report(intercepts, &report, 0))
		return pvn_fail(problem, PVN_EXIT_FAILED, NULL, NULL,
				"the process that answers the guest died");
	if (report.kind == REPORT_READY)
		return 0;
	*problem = report.problem;
	if (!problem->code)
		problem->code = PVN_EXIT_FAILED;
	return -1;
}

const char *intercepts_end(const struct intercepts *intercepts,
			   char detail[INTERCEPTS_DETAIL_BYTES])
{
	struct report report;

	if (!take_report(intercepts, &report, MSG_DONTWAIT) || report.kind != REPORT_END)
		return NULL;
	snprintf(detail, INTERCEPTS_DETAIL_BYTES, "%s", report.detail);
	return reasons[report.reason < REASONS ? report.reason : 0];
}

int intercepts_stop(struct intercepts *intercepts)
{
	int status = 0;

	if (intercepts->pid <= 0)
		return 0;
	kill(intercepts->pid, SIGKILL);
	while (waitpid(intercepts->pid, &status, 0) < 0 && errno == EINTR)
		;
	intercepts->pid = 0;
	return status;
}
