// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (C) The Paravane developers
 *
 * pvn detach: takes a device away from a running guest.
 */
#include <string.h>
#include <time.h>

#include "libpvn/guests.h"
#include "tools/pvn.h"

#define PATIENCE_SECONDS 10

static bool has_device(const char *guest, const char *device)
{
	static const char *const lists[] = { "disks", "nets" };
	json_t *state = pvn_guest_state(guest), *entry;
	bool has = false;
	size_t i, list;

	for (list = 0; list < sizeof(lists) / sizeof(lists[0]); list++)
		json_array_foreach(json_object_get(state, lists[list]), i, entry)
			has |= !strcmp(text_of(entry, "device"), device);
	json_decref(state);
	return has;
}

static int wait_until_gone(struct call *call, const char *guest, const char *device,
			   unsigned int seconds)
{
	const struct timespec pause = { .tv_nsec = 50000000 };
	time_t end = time(NULL) + seconds;

	while (has_device(guest, device)) {
		if (seconds && time(NULL) > end)
			return pvn_fail(&call->problem, PVN_EXIT_TIMED_OUT, NULL,
					"it goes when the guest closes it; --force takes it away "
					"at once", "the guest has not let go of \"%.40s\" within %u "
					"seconds", device, seconds);
		nanosleep(&pause, NULL);
	}
	return 0;
}

static int run(struct call *call, int argc, char **argv)
{
	bool force = false;
	const char *words[2], *timeout = NULL;
	const struct option_spec options[] = {
		{ .name = "--force", .flag = &force },
		{ .name = "--timeout", .value = &timeout },
		{ 0 },
	};
	unsigned int seconds = PATIENCE_SECONDS;
	int count = take_arguments(call, argc, argv, options, words, 2, 2);
	json_t *answer;

	if (count < 0)
		return count == -2 ? PVN_EXIT_OK : -1;
	if ((timeout && take_seconds(call, timeout, &seconds)) ||
	    !is_guest_running(call, words[0]))
		return -1;
	answer = ask_worker_for(call, words[0], json_pack("{s:s, s:s, s:b}", "request", "detach",
							  "device", words[1], "force", force));
	if (!answer)
		return -1;
	if (wait_until_gone(call, words[0], words[1], seconds)) {
		json_decref(answer);
		return -1;
	}
	if (call->json)
		print_json(answer);
	else
		json_decref(answer);
	return PVN_EXIT_OK;
}

const struct subcommand cmd_detach = {
	.name = "detach",
	.arguments = "NAME DEVICE [--force] [--timeout SECONDS]",
	.summary = "Takes a device away from a running guest",
	.help =
	"DEVICE is pvdb for a disk, net1 for a network interface; pvn info lists them. Asks the\n"
	"guest, which lets go of a disk when nobody has it open, and of an interface at once.\n"
	"\n"
	"  --force             do not ask: requests in flight fail, frames are lost\n"
	"  --timeout SECONDS   how long to wait (default 10, 0: for ever); exit code 5 after it\n",
	.run = run,
};
