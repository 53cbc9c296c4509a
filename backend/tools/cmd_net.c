// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (C) The Paravane developers
 *
 * pvn net: shows a network interface of a running guest, or changes what may be
 * changed while it runs. Keys and their meaning: pvn/abi/io/net.h.
 */
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "libpvn/store_client.h"
#include "tools/pvn.h"

enum { WORDS_MAX = 16, ANSWER_WAIT_MS = 5000 };

/* Word on the command line, key of the back-end's directory. */
static const struct setting {
	const char *word, *key;
} settings[] = {
	{ "tx-bytes", "limit/tx-bytes" },   { "tx-packets", "limit/tx-packets" },
	{ "tx-burst", "limit/tx-burst" },   { "rx-bytes", "limit/rx-bytes" },
	{ "rx-packets", "limit/rx-packets" }, { "rx-burst", "limit/rx-burst" },
	{ "link", "link-wanted" },	    { "guard", "guard" },
};

enum { SETTINGS = sizeof(settings) / sizeof(settings[0]) };

struct change {
	const struct setting *setting;
	unsigned long long value;
};

/* "10M", "up", "off". */
static bool parse_value(const char *text, unsigned long long *value)
{
	static const char units[] = "KMGT";
	const char *unit;
	char *end;

	*value = !strcmp(text, "up") || !strcmp(text, "on");
	if (*value || !strcmp(text, "down") || !strcmp(text, "off"))
		return true;
	errno = 0;
	*value = strtoull(text, &end, 10);
	if (!isdigit((unsigned char)*text) || errno)
		return false;
	unit = *end ? strchr(units, toupper((unsigned char)*end)) : NULL;
	if (*end && (!unit || end[1] || *value >> 40))
		return false;
	if (unit)
		*value <<= 10 * (unit - units + 1);
	return true;
}

static int parse_change(struct call *call, const char *word, struct change *change)
{
	const char *equals = strchr(word, '=');
	size_t length = equals ? (size_t)(equals - word) : 0, i;

	for (i = 0; i < SETTINGS; i++)
		if (strlen(settings[i].word) == length && !strncmp(settings[i].word, word, length))
			break;
	if (i == SETTINGS)
		return pvn_fail(&call->problem, PVN_EXIT_USAGE, NULL, "pvn net --help lists them",
				"\"%.60s\" is no setting", word);
	change->setting = &settings[i];
	if (!parse_value(equals + 1, &change->value) ||
	    (i >= SETTINGS - 2 && change->value > 1))
		return pvn_fail(&call->problem, PVN_EXIT_USAGE, NULL,
				"numbers such as 1000 or 10M; up, down; on, off",
				"\"%.60s\" has no such value", word);
	return 0;
}

static unsigned long long read_number(struct pvn_store *store, const char *base, const char *key)
{
	char path[192];
	uint64_t value = 0;

	snprintf(path, sizeof(path), "%s/%s", base, key);
	return pvn_store_read_u64(store, 0, path, &value) ? 0 : value;
}

static void show(struct call *call, struct pvn_store *store, const char *base)
{
	char *mac = pvn_store_readf(store, 0, "%s/mac", base);
	char *params = pvn_store_readf(store, 0, "%s/params", base);
	json_t *all = json_pack("{s:s?, s:s?, s:b, s:I, s:I}", "mac", mac, "serves", params,
				"link", (int)read_number(store, base, "link"), "mtu",
				(json_int_t)read_number(store, base, "mtu"), "state",
				(json_int_t)read_number(store, base, "state"));
	size_t i;

	for (i = 0; i < SETTINGS; i++)
		if (strcmp(settings[i].word, "link"))
			json_object_set_new(all, settings[i].word,
					    json_integer((json_int_t)read_number(
						    store, base, settings[i].key)));
	if (call->json) {
		print_json(all);
	} else {
		printf("%s %s, link %s, MTU %lld\n", text_of(all, "mac"), text_of(all, "serves"),
		       json_is_true(json_object_get(all, "link")) ? "up" : "down",
		       number_of(all, "mtu"));
		for (i = 0; i < SETTINGS; i++)
			if (number_of(all, settings[i].word))
				printf("%s %lld\n", settings[i].word,
				       number_of(all, settings[i].word));
		json_decref(all);
	}
	free(mac);
	free(params);
}

/* The back-end empties the command when it has looked. */
static int apply(struct call *call, struct pvn_store *store, const char *base,
		 const struct change *changes, int count)
{
	char path[192];
	int i;

	for (i = 0; i < count; i++) {
		snprintf(path, sizeof(path), "%s/%s", base, changes[i].setting->key);
		if (pvn_store_printf(store, 0, path, "%llu", changes[i].value))
			return pvn_fail(&call->problem, PVN_EXIT_FAILED, path, NULL,
					"the store does not take it: %s", strerror(errno));
	}
	snprintf(path, sizeof(path), "%s/command", base);
	if (pvn_store_printf(store, 0, path, "look") ||
	    pvn_store_wait_value(store, path, "", ANSWER_WAIT_MS) != 1)
		return pvn_fail(&call->problem, PVN_EXIT_TIMED_OUT, path,
				"it will look when it is back; the guest's log says how it is",
				"the interface's back-end does not answer");
	return 0;
}

static int change_and_show(struct call *call, long long domid, const char *index,
			   const struct change *changes, int count)
{
	struct pvn_store *store = pvn_store_open(NULL);
	char base[128];
	int error = 0;

	snprintf(base, sizeof(base), "/local/domain/0/backend/net/%lld/%.8s", domid, index);
	if (!store)
		return pvn_fail(&call->problem, PVN_EXIT_FAILED, NULL, NULL,
				"the store cannot be reached: %s", strerror(errno));
	if (pvn_store_exists(store, 0, base) != 1)
		error = pvn_fail(&call->problem, PVN_EXIT_NOT_FOUND, NULL,
				 "pvn info lists its devices",
				 "the guest has no network interface %.8s", index);
	if (!error && count)
		error = apply(call, store, base, changes, count);
	if (!error)
		show(call, store, base);
	pvn_store_close(store);
	return error ? -1 : PVN_EXIT_OK;
}

/* "net1", as pvn info calls it, or its number. */
static int take_interface(struct call *call, const char *word, const char **index)
{
	*index = strncmp(word, "net", 3) ? word : word + 3;
	if (**index && strspn(*index, "0123456789") == strlen(*index))
		return 0;
	return pvn_fail(&call->problem, PVN_EXIT_USAGE, NULL, "pvn info lists them: net0 and so on",
			"\"%.60s\" is no interface", word);
}

static int run(struct call *call, int argc, char **argv)
{
	const char *words[WORDS_MAX], *index = "0";
	struct change changes[WORDS_MAX];
	int count = take_arguments(call, argc, argv, NULL, words, 1, WORDS_MAX), i = 1, used = 0;
	long long domid;
	json_t *state;

	if (count < 0)
		return count == -2 ? PVN_EXIT_OK : -1;
	if (count > 1 && !strchr(words[1], '=') && take_interface(call, words[i++], &index))
		return -1;
	for (; i < count; i++)
		if (parse_change(call, words[i], &changes[used++]))
			return -1;
	if (!is_guest_running(call, words[0]))
		return -1;
	state = find_guest(call, words[0]);
	if (!state)
		return -1;
	domid = number_of(state, "id");
	json_decref(state);
	return change_and_show(call, domid, index, changes, used);
}

const struct subcommand cmd_net = {
	.name = "net",
	.arguments = "NAME [INTERFACE] [SETTING=VALUE...]",
	.summary = "Shows or changes a running guest's network interface",
	.help =
	"INTERFACE is its number or name (1, net1), 0 without it. Settings, which last as long as the guest runs:\n"
	"  link=up|down                       the plug\n"
	"  tx-bytes=, tx-packets=, tx-burst=  limits of what the guest sends: a second, a\n"
	"                                     second, and bytes that may be saved up; 0: none\n"
	"  rx-bytes=, rx-packets=, rx-burst=  the same for what it gets\n"
	"  guard=on|off                       frames must come from the interface's address\n"
	"Numbers may end in K, M, G, T (1024 and so on).\n",
	.run = run,
};
