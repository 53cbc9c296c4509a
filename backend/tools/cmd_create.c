// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (C) The Paravane developers
 *
 * pvn create: starts a worker and says whether its guest runs.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "libpvn/guests.h"
#include "tools/pvn.h"

#define ANSWER_BYTES 65536

/* The worker: a session of its own, nothing of this terminal. */
static void __attribute__((noreturn)) run_worker(const char *config, int ready)
{
	char path[PATH_MAX], number[16];
	int null = open("/dev/null", O_RDWR);

	setsid();
	dup2(null, STDIN_FILENO);
	dup2(null, STDOUT_FILENO);
	dup2(null, STDERR_FILENO);
	snprintf(path, sizeof(path), "%s/pvn-worker", pvn_libexecdir());
	snprintf(number, sizeof(number), "%d", ready);
	fcntl(ready, F_SETFD, 0);
	execl(path, path, "--config", config, "--ready-fd", number, (char *)NULL);
	dprintf(ready, "{\"problem\": {\"code\": 1, \"text\": \"pvn-worker does not start: %s\", "
		"\"where\": \"%s\"}}", strerror(errno), path);
	_exit(1);
}

static json_t *read_answer(int fd)
{
	char *text = malloc(ANSWER_BYTES);
	size_t used = 0;
	json_t *answer;
	ssize_t got;

	if (!text)
		return NULL;
	while (used < ANSWER_BYTES && (got = read(fd, text + used, ANSWER_BYTES - used)) != 0) {
		if (got > 0)
			used += got;
		else if (errno != EINTR)
			break;
	}
	answer = json_loadb(text, used, 0, NULL);
	free(text);
	return answer;
}

/* {"started": STATE} or {"problem": ...}; NULL: *problem filled. */
static json_t *start(struct call *call, const char *config)
{
	json_t *answer, *problem;
	int ends[2];
	pid_t pid;

	if (pipe2(ends, O_CLOEXEC))
		goto failed;
	pid = fork();
	if (!pid)
		run_worker(config, ends[1]);
	close(ends[1]);
	if (pid < 0)
		goto failed;
	answer = read_answer(ends[0]);
	close(ends[0]);
	problem = json_object_get(answer, "problem");
	if (!answer)
		pvn_fail(&call->problem, PVN_EXIT_FAILED, pvn_logdir(), NULL,
			 "the worker ended without a word");
	else if (problem)
		pvn_problem_from_json(&call->problem, problem);
	if (answer && !problem)
		return answer;
	json_decref(answer);
	waitpid(pid, NULL, 0);
	return NULL;
failed:
	pvn_fail(&call->problem, PVN_EXIT_FAILED, NULL, NULL, "no worker can be started: %s",
		 strerror(errno));
	return NULL;
}

/* 0 when the guest ended as it should. */
static int wait_and_tell(struct call *call, const char *name)
{
	json_t *state;
	int code;

	if (wait_for_end(call, name, 0))
		return -1;
	state = find_guest(call, name);
	if (!state)
		return -1;
	code = strcmp(text_of(state, "reason"), "shutdown") ? PVN_EXIT_FAILED : PVN_EXIT_OK;
	if (call->json)
		print_json(state);
	else
		printf("%s: %s\n", name, describe_state(state));
	if (!call->json)
		json_decref(state);
	return code;
}

static int run(struct call *call, int argc, char **argv)
{
	bool wait = false, console = false;
	const struct option_spec options[] = {
		{ .name = "--wait", .flag = &wait },
		{ .name = "--console", .flag = &console },
		{ 0 },
	};
	const char *config;
	char name[PVN_NAME_MAX + 1];
	json_t *answer, *state;
	int count = take_arguments(call, argc, argv, options, &config, 1, 1);

	if (count < 0)
		return count == -2 ? PVN_EXIT_OK : -1;
	answer = start(call, config);
	if (!answer)
		return -1;
	state = json_object_get(answer, "started");
	snprintf(name, sizeof(name), "%s", text_of(state, "name"));
	if (call->json && !wait)
		print_json(json_incref(state));
	else if (!call->json)
		printf("%s: running as number %lld\n", name, number_of(state, "id"));
	fflush(stdout);
	json_decref(answer);
	if (console && attach_console(call, name, 0))
		return -1;
	return wait ? wait_and_tell(call, name) : PVN_EXIT_OK;
}

const struct subcommand cmd_create = {
	.name = "create",
	.arguments = "CONFIG.json [--wait] [--console]",
	.summary = "Starts a guest",
	.help =
	"  --wait      wait until it ends; exit code 0 if it shut itself down, else 1\n"
	"  --console   attach to its console (Ctrl-] detaches)\n"
	"\n"
	"CONFIG.json is an object with the keys\n"
	"  name        of the guest (letters, digits, - _ .)\n"
	"  kernel      a bzImage\n"
	"  memory      \"256M\", \"1G\"\n"
	"  initrd, cmdline (default \"console=hvc0\"), uuid\n"
	"  vps         virtual processors, 1 to 64 (default 1)\n"
	"  weight      share of processor time, 1 to 10000 (100 is usual)\n"
	"  cap         percent of a processor that each VP gets at most, 1 to 100\n"
	"  reserve     percent of a processor that each VP gets in any case, up to cap\n"
	"  disks       list of disks pvda, pvdb ...: objects with \"image\" (a file or block device),\n"
	"              \"nbd\" (a URI) or \"null\" (a size), and read_only, direct, sector_size,\n"
	"              serial, uuid, secure_erase, retry_seconds, limits {iops, iops_burst,\n"
	"              bytes_per_second, bytes_burst}\n"
	"  nets        list of interfaces eth0, eth1 ...: objects with \"bridge\" or \"tap\", or empty\n"
	"              for a private network; more keys are in pvn(1)\n"
	"  console     {\"log\": FILE, \"log_bytes\": SIZE, \"log_files\": 4, \"count\": 1}\n"
	"  debug_port  true: bytes written to I/O port 0xe9 go to the console's log\n"
	"  on_reboot   \"restart\" (default) or \"destroy\"\n"
	"  on_crash    \"destroy\" (default), \"preserve\" or \"restart\"\n",
	.run = run,
};
