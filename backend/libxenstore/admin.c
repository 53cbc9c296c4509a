// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Copyright (C) The Paravane developers
 *
 * Requests of toolstacks: domains, CONTROL, features, quotas.
 */
#include "handle.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool tell_domid(struct xs_handle *h, uint32_t type, unsigned int domid)
{
	char text[MAX_STRLEN(domid)];

	snprintf(text, sizeof(text), "%u", domid);
	return handle_tell_string(h, type, XBT_NULL, text);
}

static char *ask_domid(struct xs_handle *h, uint32_t type, unsigned int domid)
{
	char text[MAX_STRLEN(domid)];

	snprintf(text, sizeof(text), "%u", domid);
	return handle_ask(h, type, XBT_NULL, text, NULL);
}

bool xs_introduce_domain(struct xs_handle *h, unsigned int domid, unsigned long mfn,
			 unsigned int eventchn)
{
	char text[3][MAX_STRLEN(mfn)];
	struct iovec pieces[3];

	snprintf(text[0], sizeof(text[0]), "%u", domid);
	snprintf(text[1], sizeof(text[1]), "%lu", mfn);
	snprintf(text[2], sizeof(text[2]), "%u", eventchn);
	for (int i = 0; i < 3; i++)
		pieces[i] = string_piece(text[i]);
	return handle_tell(h, XS_INTRODUCE, XBT_NULL, pieces, 3);
}

/* Two numbers. */
static bool tell_domid_number(struct xs_handle *h, uint32_t type, unsigned int domid,
			      unsigned int number)
{
	char text[2][MAX_STRLEN(domid)];
	struct iovec pieces[2];

	snprintf(text[0], sizeof(text[0]), "%u", domid);
	snprintf(text[1], sizeof(text[1]), "%u", number);
	pieces[0] = string_piece(text[0]);
	pieces[1] = string_piece(text[1]);
	return handle_tell(h, type, XBT_NULL, pieces, 2);
}

bool xs_set_target(struct xs_handle *h, unsigned int domid, unsigned int target)
{
	return tell_domid_number(h, XS_SET_TARGET, domid, target);
}

bool xs_resume_domain(struct xs_handle *h, unsigned int domid)
{
	return tell_domid(h, XS_RESUME, domid);
}

bool xs_release_domain(struct xs_handle *h, unsigned int domid)
{
	return tell_domid(h, XS_RELEASE, domid);
}

bool xs_is_domain_introduced(struct xs_handle *h, unsigned int domid)
{
	char *reply = ask_domid(h, XS_IS_DOMAIN_INTRODUCED, domid);
	bool introduced = reply && !strcmp(reply, "T");

	free(reply);
	return introduced;
}

char *xs_get_domain_path(struct xs_handle *h, unsigned int domid)
{
	return ask_domid(h, XS_GET_DOMAIN_PATH, domid);
}

int xs_suspend_evtchn_port(int domid)
{
	struct xs_handle *h = xs_open(0);
	char path[64], *text, *end;
	int port = -1;

	if (!h)
		return -1;
	snprintf(path, sizeof(path), "/local/domain/%d/device/suspend/event-channel", domid);
	text = xs_read(h, XBT_NULL, path, NULL);
	if (text && *text) {
		long number = strtol(text, &end, 10);

		if (!*end && number >= 0 && number <= INT_MAX)
			port = (int)number;
	}
	free(text);
	xs_close(h);
	return port;
}

char *xs_control_command(struct xs_handle *h, const char *cmd, void *data, unsigned int len)
{
	const struct iovec pieces[] = { string_piece(cmd), { data, len } };

	return handle_talk(h, XS_CONTROL, XBT_NULL, pieces, 2, NULL);
}

char *xs_debug_command(struct xs_handle *h, const char *cmd, void *data, unsigned int len)
{
	return xs_control_command(h, cmd, data, len);
}

/* A reply that is one number. Takes the reply, which may be NULL. */
static bool take_number(char *reply, unsigned int *number)
{
	unsigned long value;
	char *end;
	bool good;

	if (!reply)
		return false;
	errno = 0;
	value = strtoul(reply, &end, 10);
	good = *reply && !*end && !errno && value <= UINT_MAX;
	if (good)
		*number = (unsigned int)value;
	free(reply);
	if (!good)
		errno = EINVAL;
	return good;
}

bool xs_get_features_supported(struct xs_handle *h, unsigned int *features)
{
	/* All handles of a process talk to the same daemon. */
	static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
	static unsigned int known;
	static bool is_known;
	bool good;

	pthread_mutex_lock(&lock);
	good = is_known ||
	       take_number(handle_ask(h, XS_GET_FEATURE, XBT_NULL, "", NULL), &known);
	is_known = good;
	if (good)
		*features = known;
	pthread_mutex_unlock(&lock);
	return good;
}

bool xs_get_features_domain(struct xs_handle *h, unsigned int domid, unsigned int *features)
{
	return take_number(ask_domid(h, XS_GET_FEATURE, domid), features);
}

bool xs_set_features_domain(struct xs_handle *h, unsigned int domid, unsigned int features)
{
	return tell_domid_number(h, XS_SET_FEATURE, domid, features);
}

/* Names come separated by blanks; the vector's pointers go in front of them. */
const char **xs_get_quota_names(struct xs_handle *h, unsigned int *num)
{
	unsigned int len, count = 1;
	char *text = handle_ask(h, XS_GET_QUOTA, XBT_NULL, "", &len), *at;
	const char **vector;

	if (!text)
		return NULL;
	for (at = text; *at; at++)
		count += *at == ' ';
	vector = malloc(count * sizeof(*vector) + len + 1);
	if (vector) {
		char *rest = memcpy(vector + count, text, len + 1), *name;

		for (*num = 0; *num < count && (name = strtok_r(rest, " ", &rest)); ++*num)
			vector[*num] = name;
	}
	free(text);
	return vector;
}

/* domid_text is NULL for the global quota. */
static char *ask_quota(struct xs_handle *h, uint32_t type, const char *domid_text,
		       const char *quota, const char *value)
{
	struct iovec pieces[3];
	unsigned int count = 0;

	if (domid_text)
		pieces[count++] = string_piece(domid_text);
	pieces[count++] = string_piece(quota);
	if (value)
		pieces[count++] = string_piece(value);
	return handle_talk(h, type, XBT_NULL, pieces, count, NULL);
}

bool xs_get_global_quota(struct xs_handle *h, const char *quota, unsigned int *val)
{
	return take_number(ask_quota(h, XS_GET_QUOTA, NULL, quota, NULL), val);
}

bool xs_get_domain_quota(struct xs_handle *h, unsigned int domid, const char *quota,
			 unsigned int *val)
{
	char text[MAX_STRLEN(domid)];

	snprintf(text, sizeof(text), "%u", domid);
	return take_number(ask_quota(h, XS_GET_QUOTA, text, quota, NULL), val);
}

static bool set_quota(struct xs_handle *h, const char *domid_text, const char *quota,
		      unsigned int val)
{
	char text[MAX_STRLEN(val)], *reply;

	snprintf(text, sizeof(text), "%u", val);
	reply = ask_quota(h, XS_SET_QUOTA, domid_text, quota, text);
	free(reply);
	return reply;
}

bool xs_set_global_quota(struct xs_handle *h, const char *quota, unsigned int val)
{
	return set_quota(h, NULL, quota, val);
}

bool xs_set_domain_quota(struct xs_handle *h, unsigned int domid, const char *quota,
			 unsigned int val)
{
	char text[MAX_STRLEN(domid)];

	snprintf(text, sizeof(text), "%u", domid);
	return set_quota(h, text, quota, val);
}
