// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (C) The Paravane developers
 *
 * The protocol: takes complete requests out of a connection's input, has them
 * carried out, queues the replies. Knows who may ask what; the work is done in
 * ops.c (nodes), txn.c, watch.c, store.c (domains) and admin.c.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "number.h"
#include "store.h"

/* Unread bytes of output at which a local program's requests have to wait. */
enum { SOCKET_OUT_BYTES_MAX = 256 * 1024 };

static const struct {
	int number;
	const char *name;
} error_names[] = {
#define ROW(name) { name, #name },
	PVN_STORE_ERRORS(ROW)
#undef ROW
};

static const char *error_name(int number)
{
	for (size_t i = 0; i < sizeof(error_names) / sizeof(error_names[0]); i++)
		if (error_names[i].number == number)
			return error_names[i].name;
	return "EIO";
}

void request_reply(struct request *request, const char *format, ...)
{
	size_t room = PVN_STORE_PAYLOAD_MAX - request->reply_len;
	va_list args;
	int len;

	if (!room)
		return;
	va_start(args, format);
	len = vsnprintf(request->reply + request->reply_len, room, format, args);
	va_end(args);
	request->reply_len += (size_t)len < room ? (size_t)len + 1 : room;
}

int request_args(const struct request *request, const char **args, int max)
{
	const char *end = request->payload + request->len;
	int count = 0;

	for (const char *at = request->payload; at < end; count++) {
		const char *nul = memchr(at, '\0', end - at);

		if (!nul || count == max)
			return -1;
		args[count] = at;
		at = nul + 1;
	}
	return count;
}

static int arg_domid(const char *text, uint16_t *domid)
{
	return number_parse_domid(text, strlen(text), domid);
}

/* For requests whose only argument is a domain. */
static int request_domid(const struct request *request, uint16_t *domid)
{
	const char *arg;

	return request_args(request, &arg, 1) == 1 ? arg_domid(arg, domid) : EINVAL;
}

/* The third argument is for those to whom the feature was announced. */
static bool conn_may_give_depth(const struct conn *conn)
{
	return conn->cred.privileged ||
	       (conn->domain->features & PVN_STORE_FEATURE_WATCH_DEPTH);
}

/* `depth` is NULL where no depth may be given. */
static int request_watch_args(const struct request *request, struct path *path,
			      const char **token, uint32_t *depth)
{
	const struct conn *conn = request->conn;
	const char *args[3];
	int count = request_args(request, args, depth && conn_may_give_depth(conn) ? 3 : 2);

	if (count < 2)
		return EINVAL;
	if (count == 3 && number_parse_u32(args[2], strlen(args[2]), depth))
		return EINVAL;
	*token = args[1];
	return path_resolve(path, args[0], strlen(args[0]), conn->cred.domid,
			    quota_limit(&conn->store->limits, &conn->domain->limits,
					QUOTA_PATH_MAX));
}

static int do_watch(struct request *request)
{
	uint32_t depth = WATCH_DEPTH_ANY;
	const char *token;
	struct path path;
	int error;

	error = request_watch_args(request, &path, &token, &depth);
	if (!error && request->conn->cred.serves &&
	    !path_is_served(&path, request->conn->cred.serves, false))
		error = EACCES;
	if (!error)
		error = watch_add(request->conn, &path, token, strlen(token), depth,
				  &request->watched);
	if (!error)
		request_reply(request, "OK");
	return error;
}

static int do_unwatch(struct request *request)
{
	const char *token;
	struct path path;
	int error;

	error = request_watch_args(request, &path, &token, NULL);
	if (!error)
		error = watch_remove(request->conn, &path, token, strlen(token));
	if (!error)
		request_reply(request, "OK");
	return error;
}

static int do_reset_watches(struct request *request)
{
	conn_drop_watches(request->conn);
	request_reply(request, "OK");
	return 0;
}

static int do_transaction_start(struct request *request)
{
	uint32_t id;
	int error;

	if (request->header.tx_id)
		return EBUSY;
	error = txn_start(request->conn, &id);
	if (!error)
		request_reply(request, "%u", id);
	return error;
}

/* An unprivileged change while others have transactions open may make those fail. */
static void conn_pay_change(struct conn *conn)
{
	if (!conn->cred.privileged && conn->store->txn_count > conn->txn_count)
		quota_pay_change(&conn->domain->use, conn->store->now_us);
}

static int do_transaction_end(struct request *request)
{
	struct conn *conn = request->conn;
	struct txn *txn;
	const char *arg;
	int error = 0;

	if (request_args(request, &arg, 1) != 1 || (strcmp(arg, "T") && strcmp(arg, "F")))
		return EINVAL;
	txn = request->header.tx_id ? txn_find(conn, request->header.tx_id) : NULL;
	if (!txn)
		return ENOENT;
	if (arg[0] == 'T') {
		bool changes = !STAILQ_EMPTY(&txn->view.changes);

		error = txn_commit(conn, txn);
		if (changes && !error)
			conn_pay_change(conn);
	} else {
		txn_free(conn, txn);
	}
	if (!error)
		request_reply(request, "OK");
	return error;
}

/*
 * Guests come over the control socket, which carries their page. Introducing a
 * known one again is harmless and has nothing to do; others cannot be mapped.
 */
static int do_introduce(struct request *request)
{
	const char *args[3];
	uint64_t frame;
	uint32_t port;
	uint16_t domid;

	if (request_args(request, args, 3) != 3 || arg_domid(args[0], &domid) ||
	    number_parse(args[1], strlen(args[1]), UINT64_MAX, &frame) ||
	    number_parse_u32(args[2], strlen(args[2]), &port))
		return EINVAL;
	if (!domain_is_known(request->conn->store, domid))
		return ENOENT;
	request_reply(request, "OK");
	return 0;
}

static int do_release(struct request *request)
{
	uint16_t domid;
	int error;

	error = request_domid(request, &domid);
	if (!error)
		error = domain_release(request->conn->store, domid);
	if (!error)
		request_reply(request, "OK");
	return error;
}

static int do_resume(struct request *request)
{
	uint16_t domid;

	if (request_domid(request, &domid))
		return EINVAL;
	if (!domain_is_known(request->conn->store, domid))
		return ENOENT;
	request_reply(request, "OK");
	return 0;
}

static int do_set_target(struct request *request)
{
	struct store *store = request->conn->store;
	uint16_t domid, target;
	struct domain *domain;
	const char *args[2];

	if (request_args(request, args, 2) != 2 || arg_domid(args[0], &domid) ||
	    arg_domid(args[1], &target) || !domid)
		return EINVAL;
	if (!domain_is_known(store, domid) || !domain_is_known(store, target))
		return ENOENT;
	domain = domain_find(store, domid);
	domain_set_target(store, domain, target);
	request_reply(request, "OK");
	return 0;
}

static int do_get_domain_path(struct request *request)
{
	uint16_t domid;

	if (request_domid(request, &domid))
		return EINVAL;
	request_reply(request, "/local/domain/%u", domid);
	return 0;
}

static int do_is_domain_introduced(struct request *request)
{
	uint16_t domid;

	if (request_domid(request, &domid))
		return EINVAL;
	request_reply(request, "%s",
		      domain_is_known(request->conn->store, domid) ? "T" : "F");
	return 0;
}

static const struct {
	int (*run)(struct request *request);
	bool privileged;
} handlers[PVN_STORE_TYPE_COUNT] = {
	[PVN_STORE_CONTROL] = { admin_control, true },
	[PVN_STORE_WATCH] = { do_watch, false },
	[PVN_STORE_UNWATCH] = { do_unwatch, false },
	[PVN_STORE_TRANSACTION_START] = { do_transaction_start, false },
	[PVN_STORE_TRANSACTION_END] = { do_transaction_end, false },
	[PVN_STORE_INTRODUCE] = { do_introduce, true },
	[PVN_STORE_RELEASE] = { do_release, true },
	[PVN_STORE_GET_DOMAIN_PATH] = { do_get_domain_path, false },
	[PVN_STORE_IS_DOMAIN_INTRODUCED] = { do_is_domain_introduced, true },
	[PVN_STORE_RESUME] = { do_resume, true },
	[PVN_STORE_SET_TARGET] = { do_set_target, true },
	[PVN_STORE_RESET_WATCHES] = { do_reset_watches, false },
	[PVN_STORE_GET_FEATURE] = { admin_get_feature, false },
	[PVN_STORE_SET_FEATURE] = { admin_set_feature, true },
	[PVN_STORE_GET_QUOTA] = { admin_get_quota, true },
	[PVN_STORE_SET_QUOTA] = { admin_set_quota, true },
};

static int request_run_direct(struct request *request, struct op *op)
{
	struct conn *conn = request->conn;
	struct view view;
	bool changed;
	int error;

	view_begin(conn->store, &view);
	op->view = &view;
	error = op_run(op);
	changed = !STAILQ_EMPTY(&view.changes);
	view_end(conn->store, &view);
	if (changed)
		conn_pay_change(conn);
	return error;
}

static int request_run_node_op(struct request *request)
{
	struct conn *conn = request->conn;
	struct op op = {
		.cred = &conn->cred,
		.type = request->header.type,
		.payload = (const uint8_t *)request->payload,
		.len = request->len,
		.reply = (uint8_t *)request->reply,
	};
	struct txn *txn;
	int error;

	if (request->header.tx_id) {
		txn = txn_find(conn, request->header.tx_id);
		error = txn ? op_run_in_txn(conn, txn, &op) : ENOENT;
	} else {
		error = request_run_direct(request, &op);
	}
	request->reply_len = op.reply_len;
	return error;
}

static int request_run(struct request *request)
{
	uint32_t type = request->header.type;

	if (op_is_node_op(type))
		return request_run_node_op(request);
	if (type >= PVN_STORE_TYPE_COUNT || !handlers[type].run)
		return ENOSYS;
	if (handlers[type].privileged && (!request->conn->cred.privileged ||
					  request->conn->cred.serves))
		return EACCES;
	return handlers[type].run(request);
}

static void conn_answer(struct conn *conn, const struct pvn_store_header *header,
			const uint8_t *payload)
{
	char reply[PVN_STORE_PAYLOAD_MAX];
	struct request request = {
		.conn = conn,
		.header = *header,
		.payload = (const char *)payload,
		.len = header->len,
		.reply = reply,
	};
	struct pvn_store_header answer = *header;
	int error = request_run(&request);

	conn->store->request_count++;
	if (error) {
		answer.type = PVN_STORE_ERROR;
		request.reply_len = 0;
		request_reply(&request, "%s", error_name(error));
	}
	answer.len = request.reply_len;
	conn_queue_reply(conn, &answer, reply);
	if (request.watched)
		conn_queue_event(conn, request.watched, request.watched->path,
				 request.watched->path_len);
}

uint64_t conn_pause_us(const struct conn *conn)
{
	if (conn->cred.privileged)
		return 0;
	return quota_pause_us(&conn->domain->use, conn->store->now_us);
}

static bool conn_output_is_full(const struct conn *conn)
{
	if (conn->cred.privileged)
		return conn->out_bytes >= SOCKET_OUT_BYTES_MAX;
	return conn->out_replies >= quota_limit(&conn->store->limits, &conn->domain->limits,
						QUOTA_OUTSTANDING);
}

enum input { INPUT_NONE, INPUT_MESSAGE, INPUT_BROKEN };

/* Is there a complete message at `pos` of the input? */
static enum input conn_peek(const struct conn *conn, size_t pos, struct pvn_store_header *header)
{
	if (conn->in_len - pos < sizeof(*header))
		return INPUT_NONE;
	memcpy(header, conn->in + pos, sizeof(*header));
	if (header->len > PVN_STORE_PAYLOAD_MAX)
		return INPUT_BROKEN;
	return conn->in_len - pos < sizeof(*header) + header->len ? INPUT_NONE : INPUT_MESSAGE;
}

static size_t conn_take(struct conn *conn, size_t pos, const struct pvn_store_header *header)
{
	conn_answer(conn, header, conn->in + pos + sizeof(*header));
	return pos + sizeof(*header) + header->len;
}

static void conn_consume(struct conn *conn, size_t bytes)
{
	if (bytes)
		memmove(conn->in, conn->in + bytes, conn->in_len - bytes);
	conn->in_len -= bytes;
}

enum conn_state conn_process(struct conn *conn, unsigned int *budget)
{
	enum conn_state state = CONN_WANTS_INPUT;
	struct pvn_store_header header;
	enum input input;
	size_t pos = 0;

	while ((input = conn_peek(conn, pos, &header)) == INPUT_MESSAGE) {
		if (!*budget)
			state = CONN_WANTS_TURN;
		else if (conn_output_is_full(conn))
			state = CONN_WANTS_DRAIN;
		else if (conn_pause_us(conn))
			state = CONN_PAUSED;
		if (state != CONN_WANTS_INPUT)
			break;
		pos = conn_take(conn, pos, &header);
		--*budget;
	}
	conn_consume(conn, pos);
	return input == INPUT_BROKEN ? CONN_BROKEN : state;
}

bool conn_repeat(struct conn *conn, unsigned int count)
{
	struct pvn_store_header header;
	size_t pos = 0;

	while (count && conn_peek(conn, pos, &header) == INPUT_MESSAGE) {
		pos = conn_take(conn, pos, &header);
		count--;
	}
	conn_consume(conn, pos);
	return !count;
}
