// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (C) The Paravane developers
 *
 * Path checking and splitting. Pure.
 */
#include "path.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "number.h"

static const char home_prefix[] = "/local/domain/";

static bool char_is_legal(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	       c == '-' || c == '/' || c == '_' || c == '@';
}

static bool text_is_canonical(const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		if (!char_is_legal(text[i]))
			return false;
		if (text[i] == '/' && i + 1 < len && text[i + 1] == '/')
			return false;
	}
	return len == 1 || text[len - 1] != '/';
}

static bool text_equals(const char *text, size_t len, const char *literal)
{
	return len == strlen(literal) && !memcmp(text, literal, len);
}

/* "@introduceDomain" or "@releaseDomain", and of one domain: "@releaseDomain/3". */
static bool text_is_special(const char *text, size_t len)
{
	const char *slash = memchr(text, '/', len);
	uint16_t domid;

	if (slash && number_parse_domid(slash + 1, text + len - slash - 1, &domid))
		return false;
	if (slash)
		len = slash - text;
	return text_equals(text, len, "@introduceDomain") ||
	       text_equals(text, len, "@releaseDomain");
}

/* What the path-length quota counts: the part behind "/local/domain/<number>/". */
static size_t text_counted_len(const char *text, size_t len)
{
	size_t pos = sizeof(home_prefix) - 1;

	if (len < pos || memcmp(text, home_prefix, pos))
		return len;
	while (pos < len && text[pos] >= '0' && text[pos] <= '9')
		pos++;
	if (pos == sizeof(home_prefix) - 1 || pos >= len || text[pos] != '/')
		return len;
	return len - pos - 1;
}

int path_resolve(struct path *path, const char *text, size_t len, uint16_t domid, size_t max)
{
	path->home_len = 0;
	path->special = false;
	if (!len || len >= PVN_STORE_ABS_PATH_MAX || !text_is_canonical(text, len))
		return EINVAL;
	if (text[0] == '@') {
		if (!text_is_special(text, len))
			return EINVAL;
		path->special = true;
	} else if (text[0] != '/') {
		if (len > PVN_STORE_REL_PATH_MAX)
			return EINVAL;
		path->home_len = snprintf(path->text, sizeof(path->text), "%s%u/", home_prefix,
					  domid);
	}
	if (path->home_len + len >= sizeof(path->text))
		return EINVAL;
	memcpy(path->text + path->home_len, text, len);
	path->len = path->home_len + len;
	path->text[path->len] = '\0';
	if (max && text_counted_len(path->text, path->len) > max)
		return EINVAL;
	return 0;
}

/* Is `path` the same as `top`, or below it? */
static bool path_is_within(const struct path *path, const char *top, size_t len)
{
	return path->len >= len && !memcmp(path->text, top, len) &&
	       (path->len == len || path->text[len] == '/');
}

/* Below "/local/domain/0/backend/KIND/<domid>"; `more`: truly below. */
static bool path_is_of_backend(const struct path *path, const char *number, bool more)
{
	static const char top[] = "/local/domain/0/backend/";
	const char *kind = path->text + sizeof(top) - 1, *at;

	if (path->len < sizeof(top) || memcmp(path->text, top, sizeof(top) - 1))
		return false;
	at = strchr(kind, '/');
	if (!at || at == kind || strncmp(at + 1, number, strlen(number)))
		return false;
	at += 1 + strlen(number);
	return *at == '/' || (!*at && !more);
}

bool path_is_served(const struct path *path, uint16_t domid, bool change)
{
	char number[8], home[sizeof(home_prefix) + sizeof(number)];
	int len;

	if (path->special)
		return false;
	snprintf(number, sizeof(number), "%u", domid);
	if (path_is_of_backend(path, number, change))
		return true;
	len = snprintf(home, sizeof(home), "%s%s", home_prefix, number);
	return !change && path_is_within(path, home, (size_t)len);
}

bool path_next_name(const char *path, size_t len, size_t *pos, const char **name,
		    size_t *name_len)
{
	const char *slash;

	if (*pos >= len)
		return false;
	slash = memchr(path + *pos, '/', len - *pos);
	*name = path + *pos;
	*name_len = (slash ? slash : path + len) - *name;
	*pos += *name_len + 1;
	return true;
}

size_t path_parent_len(const char *path, size_t len)
{
	if (len <= 1 || path[0] != '/')
		return 0;
	while (path[len - 1] != '/')
		len--;
	return len > 1 ? len - 1 : 1;
}
