// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (C) The Paravane developers
 *
 * See villaind.h: which row is to be run, when, and what is put right after it.
 */
#include "villaind.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define KEY_BYTES (PVN_BACKEND_PATH_MAX + 64)

static struct villain villain;
static long chosen = -1;	/* row that was looked at last */

/* --- what rows use --- */

static void put(struct villain *v, const char *directory, const char *key, const char *value)
{
	v->away = true;
	if (v->backend.store && pvn_store_writef(v->backend.store, 0, value, "%s/%s", directory, key))
		pvn_backend_log(&v->backend, "%s/%s: %s", directory, key, strerror(errno));
}

void put_front(struct villain *v, const char *key, const char *value)
{
	put(v, v->backend.frontend, key, value);
}

void put_back(struct villain *v, const char *key, const char *value)
{
	put(v, v->backend.path, key, value);
}

void remove_back(struct villain *v, const char *key)
{
	char path[KEY_BYTES];

	v->away = true;
	snprintf(path, sizeof(path), "%s/%s", v->backend.path, key);
	pvn_store_rm(v->backend.store, 0, path);
}

void put_state(struct villain *v, const char *value)
{
	put_back(v, "state", value);
	/* Whatever it would have written next is new. */
	v->backend.state = PVN_XENBUS_UNKNOWN;
}

void ring(struct villain *v)
{
	pvn_backend_ring(&v->backend, 0);
}

void storm(struct villain *v, unsigned int count)
{
	while (count--)
		ring(v);
}

void wait_ms(unsigned int ms)
{
	const struct timespec pause = { .tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000l };

	nanosleep(&pause, NULL);
}

uint64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

uint32_t noise(struct villain *v)
{
	v->seed = v->seed * 1103515245u + 12345u;
	return v->seed ^ v->seed >> 15;
}

/* --- the choice --- */

/* Disk 0, which is honest at all times. */
static bool is_control(const struct villain *v)
{
	return v->kind == VILLAIN_blk && !v->backend.device;
}

static void choice_path(const struct villain *v, char *path, const char *key)
{
	snprintf(path, KEY_BYTES, "/local/domain/0/backend/blk/%u/0/%s", v->backend.domid, key);
}

static void write_choice(struct villain *v, const char *key, long row)
{
	char path[KEY_BYTES];

	choice_path(v, path, key);
	pvn_store_printf(v->backend.store, 0, path, "%ld", row);
}

static long read_choice(struct villain *v, const char *key)
{
	char path[KEY_BYTES], *text;
	long row;

	choice_path(v, path, key);
	text = pvn_store_readf(v->backend.store, 0, "%s", path);
	row = text ? strtol(text, NULL, 10) : -1;
	free(text);
	return row;
}

void die(struct villain *v)
{
	write_choice(v, "row", -1);
	pvn_backend_log(&v->backend, "dies");
	_exit(EXIT_FAILURE);
}

static int publish(struct pvn_backend *backend)
{
	struct villain *v = backend->own;
	char path[KEY_BYTES];

	choice_path(v, path, "row");
	if (!is_control(v) && pvn_store_watch(v->backend.store, path, "row"))
		return -1;
	if (!v->channel) {
		v->channel = pvn_store_readf(v->backend.store, 0, "%s/queue-0/channel",
					     v->backend.frontend);
		v->mac = pvn_store_readf(v->backend.store, 0, "%s/mac", v->backend.path);
	}
	switch (v->kind) {
	case VILLAIN_blk:
		return disk_publish(v);
	case VILLAIN_net:
		return net_publish(v);
	default:
		return console_publish(v);
	}
}

/* Between rows: what the store shows is honest again. */
static void mend(struct villain *v)
{
	char text[16];

	if (!v->away)
		return;
	snprintf(text, sizeof(text), "%u", v->backend.queue_count);
	put_front(v, "queue-max", text);
	if (v->channel)
		put_front(v, "queue-0/channel", v->channel);
	if (v->mac)
		put_front(v, "mac", v->mac);
	if (v->kind == VILLAIN_blk)
		disk_publish(v);
	else if (v->kind == VILLAIN_net)
		net_publish(v);
	put_state(v, "2");
	v->backend.state = PVN_XENBUS_INIT_WAIT;
	v->away = false;
}

static int run_attack(struct villain *v)
{
	const struct attack *attack = v->attack;

	v->attack = NULL;
	/* Not limited as other words are: the test looks for it. */
	fprintf(stderr, "pvn-villaind: guest %u: attack %s\n", v->backend.domid, attack->name);
	return attack->run(v);
}

static bool is_due(const struct villain *v, enum villain_stage stage)
{
	return v->attack && v->attack->stage == stage;
}

static void look_for_choice(struct villain *v)
{
	long row = is_control(v) ? -1 : read_choice(v, "row");

	if (row == chosen)
		return;
	chosen = row;
	v->attack = NULL;
	if (row < 0 || row >= (long)attack_count || attacks[row].kind != v->kind)
		return;
	mend(v);
	v->attack = &attacks[row];
	v->seed = (unsigned int)row + 1;
	write_choice(v, "ready", row);
	if (is_due(v, STAGE_KEYS))
		run_attack(v);
}

/* Disk 0: a read of sector VILLAIN_SELECT + row; answered when the other is prepared. */
static void choose(struct villain *v)
{
	uint64_t end = now_ms() + 15000;
	long row = (long)(v->held[0].sector - VILLAIN_SELECT) / VILLAIN_BLOCK;

	write_choice(v, "row", row);
	while (read_choice(v, "ready") != row && now_ms() < end)
		wait_ms(2);
	disk_answer_all(v);
}

/* --- the conversation --- */

static void disconnect(struct pvn_backend *backend)
{
	struct villain *v = backend->own;

	v->attached = false;
	v->held_count = 0;
	v->silent = false;
}

static int connect_rings(struct pvn_backend *backend, uint32_t epoch)
{
	struct villain *v = backend->own;
	int error;

	if (is_due(v, STAGE_CONNECT) && run_attack(v))
		return -1;
	if (v->kind == VILLAIN_blk)
		error = disk_connect(v, epoch);
	else if (v->kind == VILLAIN_net)
		error = net_connect(v, epoch);
	else
		error = console_connect(v, epoch);
	v->attached = !error;
	return error;
}

/* Arguments of all three programs; what they say does not matter here. */
static int argument(struct pvn_backend *backend, const char *name, const char *value)
{
	static const char *const flags[] = { "--read-only", "--direct", "--buffered", "--user",
					     "--no-host", "--erase-by-writing" };
	unsigned int i;

	(void)backend;
	for (i = 0; i < sizeof(flags) / sizeof(flags[0]); i++)
		if (!strcmp(name, flags[i]))
			return 1;
	return value ? 2 : 0;
}

static const struct {
	const char *program;
	struct pvn_backend_ops ops;
} roles[] = {
#define ROLE(kind_, name) [VILLAIN_##kind_] = { name, { \
	.program = "pvn-villaind", .kind = #kind_, .argument = argument, .publish = publish, \
	.connect = connect_rings, .disconnect = disconnect } }
	ROLE(blk, "pvn-blkd"), ROLE(net, "pvn-netd"), ROLE(console, "pvn-consoled"),
};

/* Data; true: there is more. */
static void data_turn(struct villain *v)
{
	bool hold = is_due(v, STAGE_DATA);
	bool due = false;

	if (!v->attached || v->silent)
		return;
	if (v->kind == VILLAIN_blk) {
		disk_turn(v, hold || is_control(v));
		due = v->held_count == VILLAIN_HELD_MAX ||
		      (v->held_count && now_ms() - v->held_since_ms > (hold ? 400 : 0));
		if (due && !hold)
			choose(v);
	} else if (v->kind == VILLAIN_net) {
		due = net_turn(v, hold);
	} else {
		due = console_turn(v, hold);
	}
	if (hold && due)
		run_attack(v);
}

static void handle_store(struct villain *v)
{
	enum pvn_xenbus_state before = v->backend.state;

	if (!v->backend.store) {
		if (pvn_backend_open(&v->backend))
			return;
	}
	if (pvn_backend_events(&v->backend))
		return;
	look_for_choice(v);
	if (v->backend.state == PVN_XENBUS_CONNECTED && before != PVN_XENBUS_CONNECTED &&
	    is_due(v, STAGE_CONNECTED))
		run_attack(v);
}

static void one_round(struct villain *v, int timeout)
{
	struct pollfd fds[2] = {
		{ .fd = v->backend.queue[0].in, .events = POLLIN },
		{ .fd = v->backend.store ? pvn_store_fd(v->backend.store) : -1, .events = POLLIN },
	};
	uint64_t count;

	data_turn(v);
	poll(fds, 2, v->held_count ? 1 : timeout);
	if (fds[0].revents && read(fds[0].fd, &count, sizeof(count)) < 0 && errno != EAGAIN)
		exit(EXIT_FAILURE);
	if (fds[1].revents || !v->backend.store || pvn_store_events_pending(v->backend.store))
		handle_store(v);
}

void serve_for(struct villain *v, unsigned int ms)
{
	uint64_t end = now_ms() + ms;

	while (now_ms() < end)
		one_round(v, 5);
}

/* Console 0 is where the guest reports: its back-end is the real one, in the folder "real". */
static bool is_device_0(int argc, char **argv)
{
	int i;

	for (i = 1; i + 1 < argc; i++)
		if (!strcmp(argv[i], "--device"))
			return !strcmp(argv[i + 1], "0");
	return false;
}

static void run_real(char **argv, const char *name)
{
	char path[PVN_BACKEND_PATH_MAX];

	snprintf(path, sizeof(path), "%.*sreal/%s", (int)(name - argv[0]), argv[0], name);
	execv(path, argv);
	perror(path);
	exit(EXIT_FAILURE);
}

int main(int argc, char **argv)
{
	const char *name = strrchr(argv[0], '/');
	unsigned int i;

	name = name ? name + 1 : argv[0];
	for (i = 0; i < sizeof(roles) / sizeof(roles[0]); i++)
		if (!strcmp(name, roles[i].program))
			break;
	if (i == sizeof(roles) / sizeof(roles[0])) {
		fprintf(stderr, "%s: started by the name of no back-end\n", name);
		return EXIT_FAILURE;
	}
	villain.kind = i;
	if (villain.kind == VILLAIN_console && is_device_0(argc, argv))
		run_real(argv, name);
	villain.backend.own = &villain;
	if (pvn_backend_parse(&villain.backend, &roles[i].ops, argc, argv) ||
	    pvn_backend_claim(&villain.backend) ||
	    (villain.kind == VILLAIN_blk && disk_create(&villain)))
		return EXIT_FAILURE;
	handle_store(&villain);
	while (!villain.backend.finished)
		one_round(&villain, 20);
	return EXIT_SUCCESS;
}
