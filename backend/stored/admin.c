// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (C) The Paravane developers
 *
 * Requests of administrators: CONTROL commands, features, quotas.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "number.h"
#include "store.h"

enum { CONTROL_ARGS_MAX = 5 };

struct control {
	struct request *request;
	const char *args[CONTROL_ARGS_MAX];	/* [0]: the command */
	int count;
};

static int arg_u32(const char *text, uint32_t *number)
{
	return number_parse_u32(text, strlen(text), number);
}

/* What the tree says a domain uses, to compare with what was counted. */
static void count_node(void *arg, const struct node *node, const char *path, size_t len)
{
	struct domain *owner = domain_get(arg, node->perms->list[0].domid);

	(void)path;
	/* A wrong mask shows as one node too many. */
	owner->counted_nodes += !node_names_all(node);
	if (!len)
		return;
	owner->counted_nodes++;
	owner->counted_bytes += node_cost(node);
}

static int control_check(struct control *control)
{
	struct store *store = control->request->conn->store;
	struct domain *domain;
	unsigned int wrong = 0;

	LIST_FOREACH(domain, &store->domains, link) {
		domain->counted_nodes = 0;
		domain->counted_bytes = 0;
	}
	tree_walk(store->top, "", 0, count_node, store);
	LIST_FOREACH(domain, &store->domains, link)
		wrong += domain->counted_nodes != domain->use.nodes ||
			 domain->counted_bytes != domain->use.node_bytes;
	if (wrong)
		request_reply(control->request, "%u domains are accounted wrongly", wrong);
	else
		request_reply(control->request, "OK");
	return 0;
}

static int control_print(struct control *control)
{
	struct store *store = control->request->conn->store;

	if (control->count != 2)
		return EINVAL;
	if (store->log)
		store->log(control->args[1]);
	request_reply(control->request, "OK");
	return 0;
}

/* Appends a line to a reply that is one string. */
static void reply_line(struct request *request, const char *name, long long number)
{
	if (request->reply_len)
		request->reply_len--;	/* over the last NUL */
	request_reply(request, "%-20s %10lld\n", name, number);
}

static int control_stats(struct control *control)
{
	struct request *request = control->request;
	const struct store *store = request->conn->store;

	reply_line(request, "requests", store->request_count);
	reply_line(request, "events", store->event_count);
	reply_line(request, "events-coalesced", store->coalesced_count);
	reply_line(request, "conflicts", store->conflict_count);
	reply_line(request, "watches", store->watch_count);
	reply_line(request, "transactions", store->txn_count);
	return 0;
}

static void quota_show_limits(struct request *request, const struct quota_limits *own)
{
	const struct quota_limits *global = &request->conn->store->limits;

	for (int i = 0; i < QUOTA_COUNT; i++)
		reply_line(request, quota_names[i],
			   (own->set & 1u << i ? own : global)->value[i]);
}

static int quota_show_use(struct request *request, const char *text)
{
	struct domain *domain;
	uint16_t domid;

	if (number_parse_domid(text, strlen(text), &domid))
		return EINVAL;
	domain = domain_find(request->conn->store, domid);
	if (!domain)
		return ENOENT;
	reply_line(request, "nodes", domain->use.nodes);
	reply_line(request, "watches", domain->use.watches);
	reply_line(request, "transactions", domain->use.transactions);
	reply_line(request, "memory", domain->use.node_bytes + domain->use.other_bytes);
	return 0;
}

static int limits_set(struct quota_limits *limits, const char *name, const char *value)
{
	int quota = quota_by_name(name, strlen(name));
	uint32_t number;

	if (quota < 0 || arg_u32(value, &number))
		return EINVAL;
	limits->value[quota] = number;
	limits->set |= 1u << quota;
	return 0;
}

static int control_quota(struct control *control)
{
	struct request *request = control->request;
	struct quota_limits *global = &request->conn->store->limits;
	int error;

	if (control->count == 1) {
		quota_show_limits(request, global);
		return 0;
	}
	if (control->count == 2)
		return quota_show_use(request, control->args[1]);
	if (control->count != 4 || strcmp(control->args[1], "set"))
		return EINVAL;
	error = limits_set(global, control->args[2], control->args[3]);
	if (!error)
		request_reply(request, "OK");
	return error;
}

/*
 * live-update: -f FILE names the program to become, -s does it (with -t SECONDS
 * and -F, which mean nothing here: nothing has to be waited for), -a forgets the name.
 */
static int control_live_update(struct control *control)
{
	struct store *store = control->request->conn->store;
	const char *option = control->count > 1 ? control->args[1] : "-s";

	if (!strcmp(option, "-f") && control->count == 3) {
		if (strlen(control->args[2]) >= sizeof(store->upgrade_program) ||
		    control->args[2][0] != '/')
			return EINVAL;
		if (access(control->args[2], X_OK))
			return errno == ENOENT ? ENOENT : EACCES;
		strcpy(store->upgrade_program, control->args[2]);
	} else if (!strcmp(option, "-a")) {
		store->upgrade_program[0] = '\0';
	} else if (!strcmp(option, "-s")) {
		store->upgrade_wanted = true;
	} else {
		return EINVAL;
	}
	request_reply(control->request, "OK");
	return 0;
}

static void reply_memory(struct request *request, const char *name, long long number)
{
	if (number)
		reply_line(request, name, number);
}

/* Who uses how much, largest numbers being what to look for. */
static int control_memreport(struct control *control)
{
	struct request *request = control->request;
	const struct domain *domain;
	char name[32];

	LIST_FOREACH(domain, &request->conn->store->domains, link) {
		snprintf(name, sizeof(name), "domain-%u-nodes", domain->domid);
		reply_memory(request, name, domain->use.node_bytes);
		snprintf(name, sizeof(name), "domain-%u-other", domain->domid);
		reply_memory(request, name, domain->use.other_bytes);
	}
	return 0;
}

static int control_log(struct control *control)
{
	if (control->count != 2 || (strcmp(control->args[1], "on") &&
				    strcmp(control->args[1], "off")))
		return EINVAL;
	control->request->conn->store->verbose = !strcmp(control->args[1], "on");
	request_reply(control->request, "OK");
	return 0;
}

static int control_help(struct control *control);

static const struct {
	const char *name;
	int (*run)(struct control *control);
	const char *help;
} commands[] = {
	{ "check", control_check, "check                    compare accounting and tree" },
	{ "help", control_help, "help                     this text" },
	{ "live-update", control_live_update,
	  "live-update [-f <program>|-s|-a]  go on as the program of that name" },
	{ "log", control_log, "log on|off               log connections and guests" },
	{ "memreport", control_memreport, "memreport                bytes by domain" },
	{ "print", control_print, "print <text>             write a line to the log" },
	{ "quota", control_quota, "quota [set <name> <n>|<domid>]  limits, or a domain's use" },
	{ "stats", control_stats, "stats                    counters" },
};

enum { COMMAND_COUNT = sizeof(commands) / sizeof(commands[0]) };

static int control_help(struct control *control)
{
	struct request *request = control->request;

	for (int i = 0; i < COMMAND_COUNT; i++) {
		if (request->reply_len)
			request->reply_len--;
		request_reply(request, "%s\n", commands[i].help);
	}
	return 0;
}

int admin_control(struct request *request)
{
	struct control control = { .request = request };

	control.count = request_args(request, control.args, CONTROL_ARGS_MAX);
	if (control.count < 1)
		return EINVAL;
	for (int i = 0; i < COMMAND_COUNT; i++)
		if (!strcmp(commands[i].name, control.args[0]))
			return commands[i].run(&control);
	return EINVAL;
}

int admin_get_feature(struct request *request)
{
	const struct domain *domain;
	const char *arg;
	uint16_t domid;
	int count = request_args(request, &arg, 1);

	if (count < 0)
		return EINVAL;
	if (count == 0 || !arg[0]) {
		request_reply(request, "%u", STORE_FEATURES);
		return 0;
	}
	if (!request->conn->cred.privileged)
		return EACCES;
	if (number_parse_domid(arg, strlen(arg), &domid))
		return EINVAL;
	domain = domain_find(request->conn->store, domid);
	if (!domain)
		return ENOENT;
	request_reply(request, "%u", domain->features);
	return 0;
}

int admin_set_feature(struct request *request)
{
	struct store *store = request->conn->store;
	const char *args[2];
	uint32_t features;
	uint16_t domid;

	if (request_args(request, args, 2) != 2 ||
	    number_parse_domid(args[0], strlen(args[0]), &domid) ||
	    arg_u32(args[1], &features) || features & ~STORE_FEATURES)
		return EINVAL;
	if (domain_is_known(store, domid))
		return EBUSY;
	domain_get(store, domid)->features = features;
	request_reply(request, "OK");
	return 0;
}

static void quota_reply_names(struct request *request)
{
	for (int i = 0; i < QUOTA_COUNT; i++) {
		if (request->reply_len)
			request->reply[request->reply_len - 1] = ' ';
		request_reply(request, "%s", quota_names[i]);
	}
}

/* Finds the limits a request means: of a domain when it names one, else the global ones. */
static int quota_request_limits(struct request *request, const char *domid_text,
				struct quota_limits **limits)
{
	struct store *store = request->conn->store;
	uint16_t domid;

	*limits = &store->limits;
	if (!domid_text)
		return 0;
	if (number_parse_domid(domid_text, strlen(domid_text), &domid))
		return EINVAL;
	if (!domain_find(store, domid))
		return ENOENT;
	*limits = &domain_find(store, domid)->limits;
	return 0;
}

int admin_get_quota(struct request *request)
{
	struct quota_limits *limits;
	const char *args[2];
	int count = request_args(request, args, 2);
	int quota, error;

	if (count < 0)
		return EINVAL;
	if (count == 0 || (count == 1 && !args[0][0])) {
		quota_reply_names(request);
		return 0;
	}
	quota = quota_by_name(args[count - 1], strlen(args[count - 1]));
	if (quota < 0)
		return EINVAL;
	error = quota_request_limits(request, count == 2 ? args[0] : NULL, &limits);
	if (error)
		return error;
	if (!(limits->set & 1u << quota))
		limits = &request->conn->store->limits;
	request_reply(request, "%u", limits->value[quota]);
	return 0;
}

int admin_set_quota(struct request *request)
{
	struct quota_limits *limits;
	const char *args[3];
	int count = request_args(request, args, 3);
	int error;

	if (count < 2)
		return EINVAL;
	error = quota_request_limits(request, count == 3 ? args[0] : NULL, &limits);
	if (!error)
		error = limits_set(limits, args[count - 2], args[count - 1]);
	if (!error)
		request_reply(request, "OK");
	return error;
}
