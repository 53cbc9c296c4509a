// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Copyright (C) The Paravane developers
 *
 * Requests on nodes, and transactions.
 */
#include "handle.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void *xs_read(struct xs_handle *h, xs_transaction_t t, const char *path, unsigned int *len)
{
	return handle_ask(h, XS_READ, t, path, len);
}

bool xs_write(struct xs_handle *h, xs_transaction_t t, const char *path, const void *data,
	      unsigned int len)
{
	const struct iovec pieces[] = { string_piece(path), { (void *)(uintptr_t)data, len } };

	return handle_tell(h, XS_WRITE, t, pieces, 2);
}

bool xs_mkdir(struct xs_handle *h, xs_transaction_t t, const char *path)
{
	return handle_tell_string(h, XS_MKDIR, t, path);
}

bool xs_rm(struct xs_handle *h, xs_transaction_t t, const char *path)
{
	return handle_tell_string(h, XS_RM, t, path);
}

bool xs_restrict(struct xs_handle *h, unsigned int domid)
{
	(void)h;
	(void)domid;
	errno = ENOSYS;
	return false;
}

/* A list of names that grows: each with its NUL. */
struct names {
	char *text;
	size_t len;
};

static bool names_append(struct names *names, const char *text, size_t len)
{
	char *grown = realloc(names->text, names->len + len + 1);

	if (!grown)
		return false;
	memcpy(grown + names->len, text, len);
	names->text = grown;
	names->len += len;
	return true;
}

/* Pointers in front of the strings, in one block. */
static char **names_to_vector(const struct names *names, unsigned int *num)
{
	unsigned int count = 0;
	char **vector, *at;

	for (size_t i = 0; i < names->len; i++)
		count += !names->text[i];
	vector = malloc(count * sizeof(*vector) + names->len + 1);
	if (!vector)
		return NULL;
	at = (char *)(vector + count);
	if (names->len)
		memcpy(at, names->text, names->len);
	for (unsigned int i = 0; i < count; i++) {
		vector[i] = at;
		at += strlen(at) + 1;
	}
	*num = count;
	return vector;
}

/* One part of a long list. An empty name at the end says that it was the last. */
static char *ask_part(struct xs_handle *h, xs_transaction_t t, const char *path, size_t offset,
		      unsigned int *len)
{
	char number[MAX_STRLEN(offset)];
	const struct iovec pieces[] = { string_piece(path), { number, 0 } };
	struct iovec filled[] = { pieces[0], pieces[1] };

	filled[1].iov_len = 1 + (size_t)snprintf(number, sizeof(number), "%zu", offset);
	return handle_talk(h, XS_DIRECTORY_PART, t, filled, 2, len);
}

/* 1: complete; 0: more to come; -1: error or EAGAIN when the list changed meanwhile. */
static int take_part(struct names *names, const char *part, size_t len, char *generation,
		     size_t generation_size)
{
	size_t first = strnlen(part, len) + 1;
	bool last;

	if (first > len || first > generation_size) {
		errno = EIO;
		return -1;
	}
	if (names->len && strcmp(generation, part)) {
		errno = EAGAIN;
		return -1;
	}
	memcpy(generation, part, first);
	last = len == first || !part[len - 1];
	last = last && (len == first || len == first + 1 || !part[len - 2]);
	if (last && len > first)
		len--;
	if (len > first && !names_append(names, part + first, len - first))
		return -1;
	return last;
}

static int ask_parts(struct xs_handle *h, xs_transaction_t t, const char *path,
		     struct names *names)
{
	char generation[MAX_STRLEN(uint64_t)];
	unsigned int len;
	int done = 0;

	names->len = 0;
	while (!done) {
		char *part = ask_part(h, t, path, names->len, &len);

		if (!part) {
			/* A daemon that cannot do parts: the list is too long for it. */
			errno = errno == ENOSYS ? E2BIG : errno;
			return -1;
		}
		done = take_part(names, part, len, generation, sizeof(generation));
		free(part);
	}
	return done < 0 ? -1 : 0;
}

char **xs_directory(struct xs_handle *h, xs_transaction_t t, const char *path,
		    unsigned int *num)
{
	struct names names = { 0 };
	char **vector = NULL;
	unsigned int len;
	int error;

	names.text = handle_ask(h, XS_DIRECTORY, t, path, &len);
	names.len = names.text ? len : 0;
	if (!names.text) {
		if (errno != E2BIG)
			return NULL;
		do {
			error = ask_parts(h, t, path, &names);
		} while (error && errno == EAGAIN);
		if (error)
			goto out;
	}
	vector = names_to_vector(&names, num);
out:
	error = errno;
	free(names.text);
	errno = error;
	return vector;
}

struct xs_permissions *xs_get_permissions(struct xs_handle *h, xs_transaction_t t,
					  const char *path, unsigned int *num)
{
	struct xs_permissions *perms;
	unsigned int len, count = 0;
	char *strings = handle_ask(h, XS_GET_PERMS, t, path, &len);
	int error;

	if (!strings)
		return NULL;
	for (unsigned int i = 0; i < len; i++)
		count += !strings[i];
	perms = malloc((count + 1) * sizeof(*perms));
	if (perms && !xs_strings_to_perms(perms, count, strings)) {
		error = errno;
		free(perms);
		perms = NULL;
		errno = error;
	}
	free(strings);
	*num = count;
	return perms;
}

static int perm_print(char *text, size_t size, const struct xs_permissions *perm)
{
	static const char letters[] = "nrwb";

	if (perm->perms & ~(unsigned int)(XS_PERM_READ | XS_PERM_WRITE))
		return -1;
	return 1 + snprintf(text, size, "%c%u", letters[perm->perms], perm->id);
}

bool xs_set_permissions(struct xs_handle *h, xs_transaction_t t, const char *path,
			struct xs_permissions *perms, unsigned int num_perms)
{
	/* A longer list than fits would be refused with E2BIG anyway. */
	char text[XENSTORE_PAYLOAD_MAX + 1 + MAX_STRLEN(unsigned int)];
	struct iovec pieces[] = { string_piece(path), { text, 0 } };

	for (unsigned int i = 0; i < num_perms; i++) {
		size_t used = pieces[1].iov_len;
		int len;

		if (used > XENSTORE_PAYLOAD_MAX) {
			errno = E2BIG;
			return false;
		}
		len = perm_print(text + used, sizeof(text) - used, &perms[i]);
		if (len < 0) {
			errno = EINVAL;
			return false;
		}
		pieces[1].iov_len += len;
	}
	return handle_tell(h, XS_SET_PERMS, t, pieces, 2);
}

xs_transaction_t xs_transaction_start(struct xs_handle *h)
{
	char *id = handle_ask(h, XS_TRANSACTION_START, XBT_NULL, "", NULL);
	xs_transaction_t t;

	if (!id)
		return XBT_NULL;
	t = strtoul(id, NULL, 0);
	free(id);
	return t;
}

bool xs_transaction_end(struct xs_handle *h, xs_transaction_t t, bool abort)
{
	return handle_tell_string(h, XS_TRANSACTION_END, t, abort ? "F" : "T");
}
