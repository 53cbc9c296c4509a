// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (C) The Paravane developers
 *
 * The folders of guests; see guests.h.
 */
#include "libpvn/guests.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "libpvn/unix_socket.h"

#ifndef PVN_LIBEXECDIR
#define PVN_LIBEXECDIR "/usr/libexec/paravane"
#endif

static const char *from_environment(const char *name, const char *otherwise)
{
	const char *value = getenv(name);

	return value && *value ? value : otherwise;
}

const char *pvn_rundir(void)
{
	return from_environment("PVN_RUNDIR", "/run/paravane");
}

const char *pvn_logdir(void)
{
	return from_environment("PVN_LOGDIR", "/var/log/paravane");
}

const char *pvn_libexecdir(void)
{
	return from_environment("PVN_LIBEXECDIR", PVN_LIBEXECDIR);
}

bool pvn_name_is_good(const char *name)
{
	size_t i;

	if (!isalnum((unsigned char)name[0]))
		return false;
	for (i = 0; name[i]; i++)
		if (!isalnum((unsigned char)name[i]) && !strchr("-_.", name[i]))
			return false;
	return i <= PVN_NAME_MAX;
}

void pvn_guest_path(char *to, size_t bytes, const char *name, const char *file)
{
	snprintf(to, bytes, "%s/guests/%s%s%s", pvn_rundir(), name, file ? "/" : "",
		 file ? file : "");
}

bool pvn_guest_is_alive(const char *name)
{
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
	char path[PATH_MAX];
	bool taken;
	int fd;

	pvn_guest_path(path, sizeof(path), name, "lock");
	fd = open(path, O_RDWR | O_CLOEXEC);
	if (fd < 0)
		return false;
	taken = !fcntl(fd, F_OFD_GETLK, &lock) && lock.l_type != F_UNLCK;
	close(fd);
	return taken;
}

static json_t *read_state(const char *name)
{
	char path[PATH_MAX];

	pvn_guest_path(path, sizeof(path), name, "state.json");
	return json_load_file(path, 0, NULL);
}

static bool is_ended(const json_t *state)
{
	const char *word = json_string_value(json_object_get(state, "state"));

	return word && !strcmp(word, "ended");
}

/*
 * The lock is looked at before the state: a worker writes its last state and then
 * lets go of the lock, so a state read after a free lock is the last one.
 */
json_t *pvn_guest_state(const char *name)
{
	bool alive = pvn_name_is_good(name) && pvn_guest_is_alive(name);
	json_t *state = pvn_name_is_good(name) ? read_state(name) : NULL;

	if (!state || alive || is_ended(state))
		return state;
	json_object_set_new(state, "state", json_string("ended"));
	json_object_set_new(state, "reason", json_string("killed"));
	json_object_set_new(state, "detail", json_string("its worker died"));
	json_object_set_new(state, "pid", json_null());
	return state;
}


static int is_guest(const struct dirent *entry)
{
	return pvn_name_is_good(entry->d_name);
}

static int by_name(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

json_t *pvn_guests_states(void)
{
	json_t *states = json_array();
	struct dirent **entries;
	char path[PATH_MAX];
	int count, i;

	snprintf(path, sizeof(path), "%s/guests", pvn_rundir());
	count = scandir(path, &entries, is_guest, by_name);
	for (i = 0; i < count; i++) {
		json_t *state = pvn_guest_state(entries[i]->d_name);

		if (state)
			json_array_append_new(states, state);
		free(entries[i]);
	}
	if (count >= 0)
		free(entries);
	return states;
}

int pvn_guest_write_state(const char *name, const json_t *state)
{
	char path[PATH_MAX], fresh[PATH_MAX];

	pvn_guest_path(path, sizeof(path), name, "state.json");
	pvn_guest_path(fresh, sizeof(fresh), name, "state.new");
	if (json_dump_file(state, fresh, JSON_INDENT(1)))
		return -1;
	return rename(fresh, path);
}

int pvn_guest_remove(const char *name)
{
	static const char *const files[] = { "state.json", "state.new", "control", "console",
					     "lock" };
	char path[PATH_MAX];
	size_t i;

	for (i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		pvn_guest_path(path, sizeof(path), name, files[i]);
		if (unlink(path) && errno != ENOENT)
			return -1;
	}
	pvn_guest_path(path, sizeof(path), name, NULL);
	return rmdir(path);
}

static int connect_control(const char *name)
{
	struct sockaddr_un address;
	char path[PATH_MAX];
	int fd;

	pvn_guest_path(path, sizeof(path), name, "control");
	if (pvn_unix_address(&address, path))
		return -1;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -1;
	if (!connect(fd, (struct sockaddr *)&address, sizeof(address)))
		return fd;
	close(fd);
	return -1;
}

json_t *pvn_guest_ask(const char *name, const json_t *request)
{
	int fd = connect_control(name);
	json_t *answer = NULL;
	FILE *stream;

	if (fd < 0)
		return NULL;
	stream = fdopen(fd, "r+");
	if (!stream) {
		close(fd);
		return NULL;
	}
	if (!json_dumpf(request, stream, JSON_COMPACT) && fputc('\n', stream) != EOF &&
	    !fflush(stream))
		answer = json_loadf(stream, JSON_DISABLE_EOF_CHECK, NULL);
	fclose(stream);
	if (!answer)
		errno = EPIPE;
	return answer;
}
