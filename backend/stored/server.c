// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (C) The Paravane developers
 *
 * The process that serves: takes up what was before, then runs the event loop.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

#include "alloc.h"
#include "daemon.h"
#include "hash.h"
#include "transport.h"

enum end { END_NONE, END_ORDERLY, END_UPGRADE, END_ORPHANED };

struct running {
	struct server server;
	struct daemon *daemon;
	enum end end;
	struct event *term, *interrupt, *hangup, *orphaned;
};

static void end_loop(struct running *running, enum end end)
{
	running->end = end;
	event_base_loopbreak(running->server.base);
}

static void on_end_signal(evutil_socket_t signal, short what, void *arg)
{
	(void)signal;
	(void)what;
	end_loop(arg, END_ORDERLY);
}

static void on_upgrade_signal(evutil_socket_t signal, short what, void *arg)
{
	(void)signal;
	(void)what;
	end_loop(arg, END_UPGRADE);
}

static void on_orphaned_signal(evutil_socket_t signal, short what, void *arg)
{
	(void)signal;
	(void)what;
	end_loop(arg, END_ORPHANED);
}

static void on_conn_gone(struct conn *conn)
{
	peer_free(conn->transport);
	conn->transport = NULL;
}

/*
 * A connection that used up its turn activates itself again (peer_again()).
 * Without a limit libevent would run such ones for ever without asking the
 * kernel whether somebody else has something to say.
 */
static struct event_base *make_event_base(void)
{
	enum { CALLBACKS_BETWEEN_POLLS = 16 };
	struct event_config *config = alloc_checked(event_config_new());
	struct event_base *base;

	event_config_set_max_dispatch_interval(config, NULL, CALLBACKS_BETWEEN_POLLS, 0);
	base = alloc_checked(event_base_new_with_config(config));
	event_config_free(config);
	return base;
}

static struct event *add_signal(struct running *running, int signal, event_callback_fn callback)
{
	struct event *event = alloc_checked(evsignal_new(running->server.base, signal, callback,
							 running));

	event_add(event, NULL);
	return event;
}

static void add_signals(struct running *running)
{
	sigset_t none;

	running->term = add_signal(running, SIGTERM, on_end_signal);
	running->interrupt = add_signal(running, SIGINT, on_end_signal);
	running->hangup = add_signal(running, SIGHUP, on_upgrade_signal);
	running->orphaned = add_signal(running, SIGUSR1, on_orphaned_signal);
	/* The keeper waits for signals with all of them blocked. */
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

static void free_signals(struct running *running)
{
	sigset_t all;

	/* What comes now is too late for this process, and must not kill it in between. */
	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, NULL);
	event_free(running->term);
	event_free(running->interrupt);
	event_free(running->hangup);
	event_free(running->orphaned);
}

static void save_server(void *arg, struct image_writer *writer)
{
	server_save(arg, writer);
}

/* The state that the process before left, as far as it can be relied on. */
static int take_over(struct server *server, const struct daemon *daemon, enum start start)
{
	int error;

	if (start == START_NEW)
		return 0;
	error = server_resume(server);
	if (error)
		return error;
	server->owns_fds = daemon->fds_are_valid;
	if (start == START_SUSPECT)
		server_drop_suspect(server);
	if (start == START_COLD || journal_is_incomplete(server->journal))
		server_drop_conns(server);
	return 0;
}

static void adopt_clients(struct server *server, int *clients, int count)
{
	for (int i = 0; i < count; i++)
		if (!socket_adopt(server, clients[i]))
			close(clients[i]);
	free(clients);
}

static int start_listening(struct server *server)
{
	const struct journal_owner *owner = journal_owner(server->journal);

	if (!sockets_listen(server, owner->socket_fd) &&
	    !control_listen(server, owner->control_fd))
		return 0;
	fprintf(stderr, "pvn-stored: cannot listen in %s\n", owner->dir);
	return EXIT_FAILED;
}

/* From here on nothing of the process before is needed any more. */
static int make_first_image(struct server *server)
{
	if (journal_new_image(server->journal, 0, save_server, server))
		return 0;
	fprintf(stderr, "pvn-stored: cannot write the state file in %s: %s\n"
		"  hint: it takes a few MiB; make room there, or use another --rundir\n",
		journal_owner(server->journal)->dir, strerror(errno));
	return EXIT_FAILED;
}

static int prepare(struct running *running, enum start start)
{
	struct server *server = &running->server;
	int *clients = NULL, client_count = 0, code;
	enum start kept = journal_is_incomplete(server->journal) ? START_COLD : start;

	if (take_over(server, running->daemon, start))
		return EXIT_UNUSABLE;
	server->owns_fds = true;
	if (running->daemon->is_ready)
		server_close_strays(server, kept == START_WARM, &clients, &client_count);
	server->base = make_event_base();
	add_signals(running);
	code = make_first_image(server);
	if (!code)
		code = start_listening(server);
	if (!code) {
		server_turn_begin(server);
		server_resume_peers(server);
		adopt_clients(server, clients, client_count);
	}
	return code;
}

/* Everything freed, so that a sanitizer sees what was not. */
static void finish(struct running *running)
{
	static const char *const names[] = { "socket", "control", "pvn-stored.pid" };
	const struct journal_owner *owner = journal_owner(running->daemon->journal);
	struct server *server = &running->server;
	char path[160];

	if (running->end == END_ORDERLY)
		for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
			daemon_path(path, sizeof(path), owner, names[i]);
			unlink(path);
		}
	if (running->end == END_ORDERLY)
		journal_remove(owner->dir);
	/* The descriptors are the successor's, unless this is the end. */
	server->owns_fds = running->end == END_ORDERLY;
	control_stop(server);
	sockets_stop(server);
	store_free(server->store);
	server_close_now(server);
	free(server->closing_fds);
	free_signals(running);
	event_base_free(server->base);
}

static void take_program(struct server *server)
{
	struct journal_owner *owner = journal_owner(server->journal);

	if (server->store->upgrade_program[0])
		snprintf(owner->program, sizeof(owner->program), "%s",
			 server->store->upgrade_program);
	/* The image carries the name; if there is no room for it, the old program goes on. */
	journal_new_image(server->journal, 0, save_server, server);
}

static int serve(struct running *running)
{
	struct server *server = &running->server;

	daemon_tell_ready(running->daemon);
	do {
		event_base_dispatch(server->base);
		if (server->store->upgrade_wanted)
			running->end = END_UPGRADE;
	} while (running->end == END_NONE);
	if (running->end == END_UPGRADE)
		take_program(server);
	if (running->end == END_ORPHANED) {
		/* The file may be another one by now; this is the program that runs. */
		keeper_exec(running->daemon, "/proc/self/exe");
		server_log("the keeper is gone and cannot be replaced; a crash would end the store");
		running->end = END_ORDERLY;
	}
	finish(running);
	return running->end == END_UPGRADE ? EXIT_UPGRADE : EXIT_OK;
}

int server_main(struct daemon *daemon, enum start start)
{
	struct running running = { .daemon = daemon };
	int code;

	hash_seed();
	running.server.journal = daemon->journal;
	LIST_INIT(&running.server.control_peers);
	running.server.store = store_new(STORE_HASH_BUCKETS);
	running.server.store->conn_gone = on_conn_gone;
	running.server.store->log = server_log;
	running.server.store->verbose = journal_owner(daemon->journal)->verbose;
	code = prepare(&running, start);
	return code ? code : serve(&running);
}
