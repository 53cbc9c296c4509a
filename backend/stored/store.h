/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Copyright (C) The Paravane developers
 *
 * The whole state of the daemon: tree, domains, connections, watches,
 * transactions, queued output. Everything hangs off one struct store, so that
 * dumping it is a walk from here. No descriptor and no shared memory in it: the
 * transport keeps those and knows a connection by its struct conn.
 *
 * Single-threaded; there are no locks. Functions beginning with `conn_` are what
 * the transport calls.
 */
#ifndef STORED_STORE_H
#define STORED_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>
#include <sys/uio.h>

#include "path.h"
#include "perms.h"
#include "pvn/abi/store.h"
#include "quota.h"
#include "tree.h"

struct store;
struct conn;
struct watch;
struct watch_point;

enum {
	STORE_DOMAIN_BUCKETS = 1024,
	STORE_HASH_BUCKETS = 32768,	/* of a store that is to serve many guests */
	STORE_CONN_BUCKETS = 1024,
};

/* The depth of a watch that hears of everything below. */
#define WATCH_DEPTH_ANY UINT32_MAX

/* Somebody who may own nodes. Exists while introduced, and while anything is charged to it. */
struct domain {
	LIST_ENTRY(domain) link;	/* of all domains */
	LIST_ENTRY(domain) hash_link;
	LIST_ENTRY(domain) targeting_link; /* of those that act for another */
	uint16_t domid;
	uint16_t target;		/* acts for this domain too; == domid for none */
	bool introduced;
	uint32_t features;		/* what its ring page will announce */
	struct conn *conn;		/* its ring, or NULL */
	struct quota_use use;
	struct quota_limits limits;	/* what differs from the global ones */
	int64_t counted_nodes, counted_bytes;	/* by CONTROL check, to compare with `use` */
};

/* One change of the tree that watchers have to hear of. */
struct change {
	STAILQ_ENTRY(change) link;
	struct node *removed;		/* the subtree that went away, or NULL */
	struct perms *old_perms;	/* before SET_PERMS, or NULL */
	size_t len;
	char path[];
};

STAILQ_HEAD(change_list, change);

/* What a transaction will add to a domain's use when it commits. */
struct delta {
	uint16_t domid;
	int64_t nodes;
	int64_t bytes;
};

/*
 * A tree being changed: the store's own one for the length of a request
 * (deltas go straight to the domains), or a transaction's.
 */
struct view {
	struct store *store;
	struct node *top;
	struct change_list changes;
	bool direct;
	struct delta *deltas;
	unsigned int delta_count, delta_room;
};

/* A request inside a transaction, kept to be repeated at commit; see txn.c. */
struct txn_entry {
	STAILQ_ENTRY(txn_entry) link;
	uint64_t reply_hash;
	int error;
	uint32_t type;
	uint32_t len;
	uint8_t payload[];
};

struct txn {
	LIST_ENTRY(txn) link;		/* of the connection */
	uint32_t id;
	struct node *base;		/* the store's top when it began */
	struct view view;
	STAILQ_HEAD(, txn_entry) log;
	unsigned int log_count;
	size_t charged_bytes;
	uint64_t release_count;		/* the store's when it began */
	bool sets_perms;
};

/* A message to send. Events are also in the store's hash table while nothing of them is sent. */
struct message {
	STAILQ_ENTRY(message) link;
	LIST_ENTRY(message) hash_link;
	struct conn *conn;		/* of an event */
	bool event, hashed;
	uint32_t len;			/* header included */
	uint8_t data[];
};

struct conn {
	LIST_ENTRY(conn) link;
	LIST_ENTRY(conn) hash_link;
	TAILQ_ENTRY(conn) dirty_link;
	bool dirty;
	uint64_t id;
	struct store *store;
	struct domain *domain;
	struct cred cred;
	void *transport;		/* the transport's own record */
	LIST_HEAD(, watch) watches;
	LIST_HEAD(, txn) txns;
	uint32_t last_tx_id;
	unsigned int txn_count;

	/* Output, in order. out_done bytes of the first message are sent. */
	STAILQ_HEAD(, message) out;
	size_t out_done, out_bytes;
	unsigned int out_replies, out_events;

	/* Input: at most one message of the largest size. */
	size_t in_len;
	uint8_t in[sizeof(struct pvn_store_header) + PVN_STORE_PAYLOAD_MAX];
};

struct watch {
	LIST_ENTRY(watch) conn_link;
	TAILQ_ENTRY(watch) point_link;
	struct conn *conn;
	struct watch_point *point;
	size_t home_len;		/* to report relative paths for a relative watch */
	size_t charged_bytes;
	uint32_t depth;			/* levels below that it hears of, or WATCH_DEPTH_ANY */
	char *path;			/* absolute */
	size_t path_len;
	size_t token_len;
	char token[];
};

/*
 * A watched path or an ancestor of one. Both lists are in order of age: it is
 * the order in which events are sent, and a successor has to send the same.
 */
struct watch_point {
	LIST_ENTRY(watch_point) hash_link;
	TAILQ_ENTRY(watch_point) sibling_link;
	TAILQ_HEAD(, watch_point) children;
	TAILQ_HEAD(, watch) watches;
	struct watch_point *parent;
	size_t name_len;
	char name[];
};

LIST_HEAD(message_bucket, message);
LIST_HEAD(point_bucket, watch_point);
LIST_HEAD(domain_bucket, domain);
LIST_HEAD(conn_bucket, conn);

struct store {
	struct node *top;
	uint64_t generation;		/* counts changes */
	uint64_t release_count;		/* domains released so far */
	uint64_t now_us;		/* monotonic, set by the transport before each turn */
	struct quota_limits limits;
	LIST_HEAD(, domain) domains;
	LIST_HEAD(, domain) targeting;	/* those that act for another */
	struct domain_bucket domain_hash[STORE_DOMAIN_BUCKETS];
	LIST_HEAD(, conn) conns;
	struct conn_bucket conn_hash[STORE_CONN_BUCKETS];
	uint64_t last_conn_id;
	unsigned int txn_count;		/* open, of all connections */
	TAILQ_HEAD(, conn) dirty;	/* connections that got output since the last flush */
	struct watch_point *points;	/* the root point */
	unsigned int watch_count;
	unsigned int bucket_count;	/* of both tables */
	struct point_bucket *point_hash;
	struct message_bucket *event_hash;
	uint64_t request_count, event_count, coalesced_count, conflict_count;
	bool verbose;			/* the daemon logs connections and guests */
	bool upgrade_wanted;		/* by CONTROL live-update; the daemon looks after a turn */
	char upgrade_program[256];	/* what to become then; "": the same file */
	void (*log)(const char *text);	/* NULL: silent */
	void (*conn_gone)(struct conn *conn);	/* a connection with a transport ends */
};

/* store.c: creation and domains */
struct store *store_new(unsigned int bucket_count);	/* of its hash tables */
void store_free(struct store *store);
void store_clear(struct store *store);		/* of what a new one has in it */
struct domain *domain_find(struct store *store, uint16_t domid);	/* or NULL */
struct domain *domain_get(struct store *store, uint16_t domid);	/* made if need be */
void domain_set_target(struct store *store, struct domain *domain, uint16_t target);
bool domain_is_known(struct store *store, uint16_t domid);

/* Makes the domain known and fires @introduceDomain the first time. */
struct domain *domain_introduce(struct store *store, uint16_t domid, uint16_t target);

/*
 * Ends a domain: connection, watches, transactions, owned nodes, entries in
 * permission lists; fires @releaseDomain. Purges also what names a domain that
 * was never introduced, and then returns ENOENT. Never depends on the guest.
 */
int domain_release(struct store *store, uint16_t domid);

/* conn.c */
struct conn *conn_new(struct store *store, struct domain *domain, bool privileged);
struct conn *conn_find(struct store *store, uint64_t id);	/* or NULL */
void conn_link(struct conn *conn);		/* into the lists of its store */
void conn_append(struct conn *conn, struct message *message);	/* to the queue */
void conn_hash_event(struct conn *conn, struct message *event);
void conn_free(struct conn *conn);
void conn_reset(struct conn *conn);	/* as if just connected */
void conn_drop_watches(struct conn *conn);
void conn_queue_reply(struct conn *conn, const struct pvn_store_header *header,
		      const void *payload);
void conn_queue_event(struct conn *conn, const struct watch *watch, const char *path,
		      size_t len);

/* Gathers what is to be sent next, in at most `max` pieces; after sending, say how much. */
unsigned int conn_output(const struct conn *conn, struct iovec *pieces, unsigned int max);
void conn_output_done(struct conn *conn, size_t bytes);

/* proto.c: where to put input, and how much fits */
static inline uint8_t *conn_input_space(struct conn *conn, size_t *room)
{
	*room = sizeof(conn->in) - conn->in_len;
	return conn->in + conn->in_len;
}

/* What conn_process() found; negative is fatal to the connection. */
enum conn_state {
	CONN_BROKEN = -1,	/* the peer broke the framing: drop it */
	CONN_WANTS_INPUT = 0,	/* no complete request left */
	CONN_WANTS_TURN,	/* used up its turn, has more */
	CONN_WANTS_DRAIN,	/* too much unread output: come back when it is sent */
	CONN_PAUSED,		/* must wait for conn_pause_us() */
};

/* Carries out at most `budget` complete requests of the input, budget counted down. */
enum conn_state conn_process(struct conn *conn, unsigned int *budget);
uint64_t conn_pause_us(const struct conn *conn);

/* Carries out exactly `count` requests, as another process did. False: they are not there. */
bool conn_repeat(struct conn *conn, unsigned int count);

/* watch.c */
int watch_add(struct conn *conn, const struct path *path, const char *token, size_t token_len,
	      uint32_t depth, struct watch **added);
int watch_remove(struct conn *conn, const struct path *path, const char *token,
		 size_t token_len);
void watch_free(struct watch *watch);
void watch_fire(struct store *store, const struct change *change);
/* "@introduceDomain" or "@releaseDomain", because of a domain. */
void watch_fire_special(struct store *store, const char *name, uint16_t domid);
struct watch_point *watch_point_next(struct watch_point *point);	/* all, parents first */
struct watch_point *watch_point_make(struct store *store, const char *path, size_t len);
void watch_link(struct watch *watch);		/* behind all others of its point and conn */
void watch_points_init(struct store *store);
void watch_points_free(struct store *store);

/* txn.c */
void view_begin(struct store *store, struct view *view);	/* on the store's own tree */
void view_end(struct store *store, struct view *view);		/* puts it back and fires */
void view_charge(struct view *view, uint16_t domid, int64_t nodes, int64_t bytes);
struct quota_use view_use(const struct view *view, uint16_t domid);
void view_changed(struct view *view, const struct path *path, struct node *removed,
		  struct perms *old_perms);
int txn_start(struct conn *conn, uint32_t *id);
struct txn *txn_find(struct conn *conn, uint32_t id);
int txn_commit(struct conn *conn, struct txn *txn);	/* 0 or EAGAIN; the txn is gone */
void txn_free(struct conn *conn, struct txn *txn);
struct txn *txn_restore(struct conn *conn, uint32_t id);	/* empty, and charged to nobody */

/* ops.c: requests on nodes */
struct op {
	struct view *view;
	const struct cred *cred;
	uint32_t type;			/* enum pvn_store_type */
	const uint8_t *payload;
	size_t len;
	uint8_t *reply;			/* room for PVN_STORE_PAYLOAD_MAX */
	size_t reply_len;
};

bool op_is_node_op(uint32_t type);
int op_run(struct op *op);		/* 0 or an errno; nothing is changed then */
int op_run_in_txn(struct conn *conn, struct txn *txn, struct op *op);
void op_remove(struct view *view, const struct path *path);	/* no checks; must exist */
void op_replace_perms(struct view *view, const struct path *path, struct perms *perms);

/* A request being answered. Handlers fill the reply and return 0, or an errno. */
struct request {
	struct conn *conn;
	struct pvn_store_header header;
	const char *payload;
	size_t len;
	char *reply;			/* room for PVN_STORE_PAYLOAD_MAX */
	size_t reply_len;
	struct watch *watched;		/* WATCH: fires once behind the reply */
};

/* Appends text and its NUL to a reply, cut where the room ends. */
void request_reply(struct request *request, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* Splits the payload into at most `max` NUL-terminated strings; -1 when it is not just that. */
int request_args(const struct request *request, const char **args, int max);

/* admin.c: CONTROL, features, quotas */
int admin_control(struct request *request);
int admin_get_feature(struct request *request);
int admin_set_feature(struct request *request);
int admin_get_quota(struct request *request);
int admin_set_quota(struct request *request);

#define STORE_FEATURES (PVN_STORE_FEATURE_RECONNECTION | PVN_STORE_FEATURE_ERROR | \
			PVN_STORE_FEATURE_WATCH_DEPTH | PVN_STORE_FEATURE_DOMID_ANY)

#endif
