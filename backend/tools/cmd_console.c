// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (C) The Paravane developers
 *
 * pvn console: this terminal becomes the guest's console.
 */
#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#include "libpvn/guests.h"
#include "libpvn/unix_socket.h"
#include "tools/pvn.h"

#define DETACH 0x1d	/* Ctrl-] */
#define CONNECT_TRIES 100

/* The back-end may not have made its socket yet. */
static int connect_console(const char *name, unsigned int number)
{
	const struct timespec pause = { .tv_nsec = 20000000 };
	struct sockaddr_un address;
	char path[PATH_MAX], file[24] = "console";
	unsigned int i;
	int fd;

	if (number)
		snprintf(file, sizeof(file), "console%u", number);
	pvn_guest_path(path, sizeof(path), name, file);
	if (pvn_unix_address(&address, path))
		return -1;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	for (i = 0; fd >= 0 && i < CONNECT_TRIES; i++) {
		if (!connect(fd, (struct sockaddr *)&address, sizeof(address)))
			return fd;
		if ((errno != ENOENT && errno != ECONNREFUSED) || !pvn_guest_is_alive(name))
			break;
		nanosleep(&pause, NULL);
	}
	if (fd >= 0)
		close(fd);
	return -1;
}

static bool write_all(int fd, const char *data, size_t bytes)
{
	while (bytes) {
		ssize_t put = write(fd, data, bytes);

		if (put < 0 && errno == EINTR)
			continue;
		if (put <= 0)
			return false;
		data += put;
		bytes -= put;
	}
	return true;
}

/* What was typed, up to Ctrl-]; false: detach. At the end of input, *input becomes -1. */
static bool pass_input(int *input, int console, bool is_terminal)
{
	char data[1024], *detach = NULL;
	ssize_t got = read(*input, data, sizeof(data));

	if (got <= 0) {
		*input = -1;
		return true;
	}
	if (is_terminal)
		detach = memchr(data, DETACH, got);
	return write_all(console, data, detach ? detach - data : got) && !detach;
}

static void pass_bytes(int console, bool is_terminal)
{
	int input = STDIN_FILENO;
	char data[4096];

	for (;;) {
		struct pollfd fds[] = { { .fd = console, .events = POLLIN },
					{ .fd = input, .events = POLLIN } };
		ssize_t got;

		if (poll(fds, 2, -1) < 0 && errno != EINTR)
			return;
		if (fds[0].revents) {
			got = read(console, data, sizeof(data));
			if (got <= 0 || !write_all(STDOUT_FILENO, data, got))
				return;
		}
		if (fds[1].revents && !pass_input(&input, console, is_terminal))
			return;
	}
}

int attach_console(struct call *call, const char *name, unsigned int number)
{
	struct termios before, raw;
	bool is_terminal = isatty(STDIN_FILENO) && !tcgetattr(STDIN_FILENO, &before);
	int fd = connect_console(name, number);

	if (fd < 0)
		return pvn_fail(&call->problem, PVN_EXIT_FAILED, NULL,
				"pvn info tells where its console is logged",
				"the console of \"%s\" cannot be reached: %s", name,
				strerror(errno));
	if (is_terminal) {
		fprintf(stderr, "pvn console: attached to %s, Ctrl-] detaches\n", name);
		raw = before;
		cfmakeraw(&raw);
		tcsetattr(STDIN_FILENO, TCSANOW, &raw);
	}
	pass_bytes(fd, is_terminal);
	if (is_terminal) {
		tcsetattr(STDIN_FILENO, TCSANOW, &before);
		fprintf(stderr, "\npvn console: detached\n");
	}
	close(fd);
	return 0;
}

/* One of the consoles that the guest has. */
static int take_number(struct call *call, const json_t *state, const char *text,
		       unsigned int *number)
{
	long long consoles = number_of(state, "consoles");
	char *end;
	unsigned long value = strtoul(text, &end, 10);

	if (*text < '0' || *text > '9' || *end || value >= (unsigned long)consoles)
		return pvn_fail(&call->problem, PVN_EXIT_USAGE, NULL,
				"\"console\": {\"count\": N} in a configuration makes more",
				"there is no console \"%.20s\": the guest has %lld, from 0", text,
				consoles);
	*number = (unsigned int)value;
	return 0;
}

static int run(struct call *call, int argc, char **argv)
{
	const char *name, *which = NULL;
	const struct option_spec options[] = {
		{ .name = "--number", .value = &which },
		{ 0 },
	};
	int count = take_arguments(call, argc, argv, options, &name, 1, 1);
	unsigned int number = 0;
	json_t *state;
	bool ended;

	if (count < 0)
		return count == -2 ? PVN_EXIT_OK : -1;
	state = find_guest(call, name);
	if (!state)
		return -1;
	if (which && take_number(call, state, which, &number)) {
		json_decref(state);
		return -1;
	}
	ended = !strcmp(text_of(state, "state"), "ended");
	if (ended)
		pvn_fail(&call->problem, PVN_EXIT_FAILED, text_of(state, "console_log"),
			 "what it printed is in the log", "\"%s\" has ended", name);
	json_decref(state);
	return ended ? -1 : attach_console(call, name, number);
}

const struct subcommand cmd_console = {
	.name = "console",
	.arguments = "NAME [--number N]",
	.summary = "Attaches this terminal to a guest's console",
	.help = "  --number N   which of its consoles, from 0 (hvc0)\n\n"
		"Ctrl-] detaches. Without a terminal, bytes pass both ways until the console ends.\n",
	.run = run,
};
