// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (C) The Paravane developers
 *
 * Permission lists: parse, print, share, decide. Pure.
 */
#include "perms.h"

#include <errno.h>
#include <stdio.h>

#include "alloc.h"
#include "number.h"
#include "pvn/abi/store.h"

/* Far more than anybody needs and still small; the quota is lower for guests. */
enum { PERMS_COUNT_MAX = 512 };

static struct perms *perms_alloc(unsigned int count)
{
	struct perms *perms = xmalloc(sizeof(*perms) + count * sizeof(perms->list[0]));

	perms->refs = 1;
	perms->count = count;
	return perms;
}

struct perms *perms_new(const struct perm *list, unsigned int count)
{
	struct perms *perms = perms_alloc(count);

	memcpy(perms->list, list, count * sizeof(*list));
	return perms;
}

uint64_t domid_mask(uint16_t domid)
{
	uint64_t hash = domid * 0x9e3779b97f4a7c15ull;

	return domid ? 1ull << (hash >> 58) | 1ull << (hash >> 52 & 63) : 0;
}

uint64_t perms_mask(const struct perms *perms)
{
	uint64_t mask = 0;

	for (unsigned int i = 0; i < perms->count; i++)
		mask |= domid_mask(perms->list[i].domid);
	return mask;
}

struct perms *perms_get(struct perms *perms)
{
	perms->refs++;
	return perms;
}

void perms_put(struct perms *perms)
{
	if (perms && --perms->refs == 0)
		free(perms);
}

struct perms *perms_with_owner(struct perms *perms, uint16_t domid)
{
	struct perms *changed;

	if (perms->list[0].domid == domid)
		return perms_get(perms);
	changed = perms_new(perms->list, perms->count);
	changed->list[0].domid = domid;
	changed->list[0].stale = false;
	return changed;
}

struct perms *perms_without(const struct perms *perms, uint16_t domid)
{
	struct perms *changed = perms_new(perms->list, perms->count);
	unsigned int kept = 1;

	for (unsigned int i = 1; i < perms->count; i++)
		if (perms->list[i].domid != domid)
			changed->list[kept++] = perms->list[i];
	changed->count = kept;
	return changed;
}

bool perms_mention(const struct perms *perms, uint16_t domid)
{
	for (unsigned int i = 1; i < perms->count; i++)
		if (perms->list[i].domid == domid)
			return true;
	return false;
}

bool perms_owned_by(const struct perms *perms, const struct cred *cred)
{
	uint16_t owner = perms->list[0].domid;

	return cred->privileged || owner == cred->domid || owner == cred->target;
}

static bool perm_matches(const struct perm *perm, const struct cred *cred)
{
	if (perm->stale)
		return false;
	return perm->domid == cred->domid || perm->domid == cred->target ||
	       perm->domid == PVN_STORE_DOMID_ANY;
}

bool perms_allow(const struct perms *perms, const struct cred *cred, unsigned int want)
{
	if (perms_owned_by(perms, cred))
		return true;
	for (unsigned int i = 1; i < perms->count; i++)
		if (perm_matches(&perms->list[i], cred))
			return (perms->list[i].access & want) == want;
	return (perms->list[0].access & want) == want;
}

static const char perm_letters[] = "nrwb";	/* index: PERM_* bits */

static int perm_parse(const char *text, size_t len, struct perm *perm)
{
	const char *letter;

	if (len < 2)
		return EINVAL;
	letter = memchr(perm_letters, text[0], 4);
	if (!letter)
		return EINVAL;
	perm->access = letter - perm_letters;
	perm->stale = false;
	return number_parse_domid(text + 1, len - 1, &perm->domid);
}

struct perms *perms_parse(const char *text, size_t len, unsigned int max, int *error)
{
	struct perm list[PERMS_COUNT_MAX];
	unsigned int count = 0;

	if (!max || max > PERMS_COUNT_MAX)
		max = PERMS_COUNT_MAX;
	*error = EINVAL;
	while (len) {
		const char *end = memchr(text, '\0', len);

		if (!end)
			return NULL;
		if (count == max) {
			*error = ENOSPC;
			return NULL;
		}
		if (perm_parse(text, end - text, &list[count++]))
			return NULL;
		len -= end + 1 - text;
		text = end + 1;
	}
	return count ? perms_new(list, count) : NULL;
}

size_t perms_print(const struct perms *perms, char *text, size_t size)
{
	size_t used = 0;

	for (unsigned int i = 0; i < perms->count; i++) {
		const struct perm *perm = &perms->list[i];
		int len = snprintf(text + used, size - used, "%c%u", perm_letters[perm->access],
				   perm->domid);

		if ((size_t)len >= size - used)
			return 0;
		used += len + 1;
	}
	return used;
}
