// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (C) The Paravane developers
 *
 * pvn attach: gives a running guest another device.
 */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "tools/pvn.h"

enum { WORDS_MAX = 24 };

/* Keys whose values are texts whatever they look like. */
static bool is_text_key(const char *key)
{
	static const char *const keys[] = {
		"image", "nbd", "serial", "uuid", "mac", "bridge", "tap",
	};
	size_t i;

	for (i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
		if (!strcmp(key, keys[i]))
			return true;
	return false;
}

/* true, false and numbers are such; everything else is a text. */
static json_t *value_of(const char *key, const char *text)
{
	size_t digits = strspn(text, "0123456789");

	if (is_text_key(key))
		return json_string(text);
	if (!strcmp(text, "true") || !strcmp(text, "false"))
		return json_boolean(!strcmp(text, "true"));
	if (digits && !text[digits] && digits < 19)
		return json_integer(strtoll(text, NULL, 10));
	return json_string(text);
}

/* KEY=VALUE, or OBJECT.KEY=VALUE. */
static int take_pair(struct call *call, json_t *config, const char *word)
{
	char key[64], *dot;
	const char *equals = strchr(word, '=');

	if (!equals || equals == word || (size_t)(equals - word) >= sizeof(key))
		return pvn_fail(&call->problem, PVN_EXIT_USAGE, NULL, "pvn attach --help",
				"\"%.60s\" is not KEY=VALUE", word);
	snprintf(key, sizeof(key), "%.*s", (int)(equals - word), word);
	dot = strchr(key, '.');
	if (!dot) {
		json_object_set_new(config, key, value_of(key, equals + 1));
		return 0;
	}
	*dot = 0;
	if (!json_object_get(config, key))
		json_object_set_new(config, key, json_object());
	json_object_set_new(json_object_get(config, key), dot + 1,
			    value_of(dot + 1, equals + 1));
	return 0;
}

static json_t *take_config(struct call *call, const char *const *words, int count)
{
	json_t *config;
	int i;

	if (count == 1 && words[0][0] == '{') {
		config = json_loads(words[0], JSON_REJECT_DUPLICATES, NULL);
		if (!config)
			pvn_fail(&call->problem, PVN_EXIT_USAGE, NULL, "pvn attach --help",
				 "the device's configuration is no JSON");
		return config;
	}
	config = json_object();
	for (i = 0; i < count; i++)
		if (take_pair(call, config, words[i])) {
			json_decref(config);
			return NULL;
		}
	return config;
}

static int run(struct call *call, int argc, char **argv)
{
	const char *words[WORDS_MAX];
	int count = take_arguments(call, argc, argv, NULL, words, 3, WORDS_MAX);
	json_t *config, *answer;

	if (count < 0)
		return count == -2 ? PVN_EXIT_OK : -1;
	if (!is_guest_running(call, words[0]))
		return -1;
	config = take_config(call, words + 2, count - 2);
	if (!config)
		return -1;
	answer = ask_worker_for(call, words[0], json_pack("{s:s, s:s, s:o}", "request", "attach",
							  "kind", words[1], "config", config));
	if (!answer)
		return -1;
	if (call->json) {
		print_json(answer);
		return PVN_EXIT_OK;
	}
	printf("%s\n", text_of(answer, "device"));
	json_decref(answer);
	return PVN_EXIT_OK;
}

const struct subcommand cmd_attach = {
	.name = "attach",
	.arguments = "NAME KIND KEY=VALUE...",
	.summary = "Gives a running guest another device",
	.help =
	"KIND is disk or net. Keys are those of the guest's configuration, a key inside another\n"
	"is written with a dot; or all of it as one JSON object.\n"
	"Prints the device's name, that of pvn detach and pvn info. It stays until it is detached or the guest\n"
	"ends; reboots do not matter.\n"
	"\n"
	"  pvn attach web disk image=/srv/more.img\n"
	"  pvn attach web disk nbd=nbd://store/web read_only=true limits.iops=500\n"
	"  pvn attach web disk '{\"null\": \"1G\"}'\n"
	"  pvn attach web net bridge=br0 mtu=9000\n"
	"  pvn attach web net '{\"forward\": [\"tcp:8080:80\"]}'\n",
	.run = run,
};
