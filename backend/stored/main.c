// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (C) The Paravane developers
 *
 * pvn-stored: the store daemon. Command line, run directory, sockets, signals,
 * readiness. The pid file is locked for as long as the daemon lives, so a
 * second one for the same directory is refused, and sockets left behind by one
 * that was killed can be replaced without asking.
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <syslog.h>
#include <unistd.h>

#include "alloc.h"
#include "hash.h"
#include "transport.h"

#ifndef PVN_VERSION
#define PVN_VERSION "unversioned"
#endif

static const char default_rundir[] = "/run/paravane";

enum exit_code {
	EXIT_OK = 0,
	EXIT_FAILED = 1,
	EXIT_USAGE = 2,
	EXIT_REFUSED = 4,
};

struct options {
	const char *rundir;
	bool foreground;
	bool verbose;
};

struct daemon {
	struct server server;
	char dir[128];
	char socket_path[160], control_path[160], pid_path[160];
	int pid_fd;
};

static bool log_to_syslog;

void server_log(const char *text)
{
	if (log_to_syslog)
		syslog(LOG_ERR, "%s", text);
	else
		fprintf(stderr, "pvn-stored: %s\n", text);
}

void server_note(const struct server *server, const char *format, ...)
{
	char text[256];
	va_list args;

	if (!server->verbose)
		return;
	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	server_log(text);
}

/* What failed, where, why, and what to do about it. */
static int complain(const char *what, const char *where, const char *hint)
{
	int error = errno;

	fprintf(stderr, "pvn-stored: cannot %s %s: %s\n", what, where, strerror(error));
	if (hint)
		fprintf(stderr, "  hint: %s\n", hint);
	return EXIT_FAILED;
}

static void print_usage(FILE *out)
{
	fputs("usage: pvn-stored [--rundir DIR] [--foreground] [--verbose]\n"
	      "Serves the store to programs of the root partition and to guests.\n"
	      "\n"
	      "  --rundir DIR   where store/socket and store/control are made\n"
	      "                 (default $PVN_RUNDIR or /run/paravane)\n"
	      "  --foreground   stay attached to the terminal and log there\n"
	      "  --verbose      log connections and guests\n"
	      "  --help         this text\n"
	      "  --version      version\n"
	      "\n"
	      "A byte is written to the descriptor named by $PVN_READY_FD when ready.\n"
	      "Exit codes: 0 ok, 1 failed, 2 usage, 4 refused (already running).\n", out);
}

static int parse_options(int argc, char **argv, struct options *options)
{
	static const struct option names[] = {
		{ "rundir", required_argument, NULL, 'r' },
		{ "foreground", no_argument, NULL, 'f' },
		{ "verbose", no_argument, NULL, 'v' },
		{ "help", no_argument, NULL, 'h' },
		{ "version", no_argument, NULL, 'V' },
		{ 0 },
	};
	int option;

	while ((option = getopt_long(argc, argv, "r:fvhV", names, NULL)) >= 0) {
		switch (option) {
		case 'r':
			options->rundir = optarg;
			break;
		case 'f':
			options->foreground = true;
			break;
		case 'v':
			options->verbose = true;
			break;
		case 'h':
			print_usage(stdout);
			exit(EXIT_OK);
		case 'V':
			puts("pvn-stored " PVN_VERSION);
			exit(EXIT_OK);
		default:
			return -1;
		}
	}
	return optind == argc ? 0 : -1;
}

static const char *default_or_env_rundir(void)
{
	const char *rundir = getenv("PVN_RUNDIR");

	return rundir && *rundir ? rundir : default_rundir;
}

static int daemon_set_paths(struct daemon *daemon, const char *rundir)
{
	struct sockaddr_un address;
	int len = snprintf(daemon->dir, sizeof(daemon->dir), "%s/store", rundir);

	if ((size_t)len + sizeof("/control") > sizeof(address.sun_path)) {
		errno = ENAMETOOLONG;
		return complain("use run directory", rundir,
				"the path of a socket is limited to 107 bytes; use a shorter one");
	}
	sprintf(daemon->socket_path, "%s/socket", daemon->dir);
	sprintf(daemon->control_path, "%s/control", daemon->dir);
	sprintf(daemon->pid_path, "%s/pvn-stored.pid", daemon->dir);
	return EXIT_OK;
}

static int make_directories(const struct daemon *daemon, const char *rundir)
{
	if (mkdir(rundir, 0755) && errno != EEXIST)
		return complain("make the run directory", rundir,
				"run as root, or choose another one with --rundir");
	if (mkdir(daemon->dir, 0755) && errno != EEXIST)
		return complain("make the directory", daemon->dir,
				"run as root, or choose another place with --rundir");
	return EXIT_OK;
}

static int refuse_second(const struct daemon *daemon)
{
	char pid[16] = "";

	if (read(daemon->pid_fd, pid, sizeof(pid) - 1) < 0)
		pid[0] = '\0';
	pid[strcspn(pid, "\n")] = '\0';
	fprintf(stderr, "pvn-stored: already running for %s (pid %s)\n"
		"  hint: stop that one first, or use another --rundir\n", daemon->dir, pid);
	return EXIT_REFUSED;
}

/* Is the locked file still the one that others would open? One that ended removed its own. */
static bool pid_file_is_current(const struct daemon *daemon)
{
	struct stat ours, current;

	return !fstat(daemon->pid_fd, &ours) && !stat(daemon->pid_path, &current) &&
	       ours.st_ino == current.st_ino;
}

/* The lock outlives a fork but not the last process that holds the descriptor. */
static int lock_pid_file(struct daemon *daemon)
{
	for (;;) {
		daemon->pid_fd = open(daemon->pid_path, O_RDWR | O_CREAT | O_CLOEXEC, 0644);
		if (daemon->pid_fd < 0)
			return complain("open the pid file", daemon->pid_path, NULL);
		if (flock(daemon->pid_fd, LOCK_EX | LOCK_NB))
			return refuse_second(daemon);
		if (pid_file_is_current(daemon))
			return EXIT_OK;
		close(daemon->pid_fd);
	}
}

static int write_pid_file(const struct daemon *daemon)
{
	if (ftruncate(daemon->pid_fd, 0) || dprintf(daemon->pid_fd, "%d\n", getpid()) < 0)
		return complain("write the pid file", daemon->pid_path, NULL);
	return EXIT_OK;
}

/* Nobody but the owner may connect: the mode is right from the moment the name exists. */
static int socket_bind(const char *path, int type)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	mode_t mask;
	int error;

	if (fd < 0)
		return -1;
	memcpy(address.sun_path, path, strlen(path) + 1);
	unlink(path);
	mask = umask(0177);
	error = bind(fd, (struct sockaddr *)&address, sizeof(address));
	umask(mask);
	if (error) {
		close(fd);
		return -1;
	}
	return fd;
}

static int daemon_listen(struct daemon *daemon)
{
	int fd = socket_bind(daemon->socket_path, SOCK_STREAM);

	if (fd < 0 || sockets_listen(&daemon->server, fd))
		return complain("listen on", daemon->socket_path, NULL);
	fd = socket_bind(daemon->control_path, SOCK_SEQPACKET);
	if (fd < 0 || control_listen(&daemon->server, fd))
		return complain("listen on", daemon->control_path, NULL);
	return EXIT_OK;
}

static void on_end_signal(evutil_socket_t signal, short what, void *arg)
{
	(void)signal;
	(void)what;
	event_base_loopbreak(arg);
}

static void tell_ready(void)
{
	const char *text = getenv("PVN_READY_FD");
	int fd;

	if (!text)
		return;
	fd = atoi(text);
	if (fd > 2) {
		if (write(fd, "", 1) != 1)
			server_log("nobody reads the descriptor in PVN_READY_FD");
		close(fd);
	}
}

/*
 * Goes to the background: the parent waits until the child is ready (a byte
 * through the pipe) or has ended. Returns in the child only.
 */
static int detach(int *ready_fd)
{
	int pipe_fds[2], null_fd;
	char byte;
	pid_t pid;

	if (pipe2(pipe_fds, O_CLOEXEC) || (pid = fork()) < 0)
		return complain("go to the background", "", "use --foreground");
	if (pid) {
		close(pipe_fds[1]);
		_exit(read(pipe_fds[0], &byte, 1) == 1 ? EXIT_OK : EXIT_FAILED);
	}
	close(pipe_fds[0]);
	setsid();
	null_fd = open("/dev/null", O_RDWR | O_CLOEXEC);
	if (null_fd >= 0) {
		dup2(null_fd, 0);
		dup2(null_fd, 1);
		close(null_fd);
	}
	*ready_fd = pipe_fds[1];
	return EXIT_OK;
}

static void detach_finish(int ready_fd)
{
	if (ready_fd < 0)
		return;
	if (write(ready_fd, "", 1) != 1)
		server_log("the starting process is gone");
	close(ready_fd);
	dup2(1, 2);
	openlog("pvn-stored", LOG_PID, LOG_DAEMON);
	log_to_syslog = true;
}

static void raise_descriptor_limit(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit))
		return;
	limit.rlim_cur = limit.rlim_max;
	setrlimit(RLIMIT_NOFILE, &limit);
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

static int daemon_serve(struct daemon *daemon, int ready_fd)
{
	struct server *server = &daemon->server;
	struct event *term, *interrupt;
	int code;

	server->base = make_event_base();
	LIST_INIT(&server->control_peers);
	server->store = store_new();
	server->store->conn_gone = on_conn_gone;
	server->store->log = server_log;
	term = alloc_checked(evsignal_new(server->base, SIGTERM, on_end_signal, server->base));
	interrupt = alloc_checked(evsignal_new(server->base, SIGINT, on_end_signal,
					       server->base));
	event_add(term, NULL);
	event_add(interrupt, NULL);
	code = daemon_listen(daemon);
	if (!code)
		code = write_pid_file(daemon);
	if (!code) {
		tell_ready();
		detach_finish(ready_fd);
		event_base_dispatch(server->base);
	}
	control_stop(server);
	sockets_stop(server);
	store_free(server->store);
	event_free(term);
	event_free(interrupt);
	event_base_free(server->base);
	unlink(daemon->socket_path);
	unlink(daemon->control_path);
	unlink(daemon->pid_path);
	return code;
}

int main(int argc, char **argv)
{
	struct options options = { .rundir = default_or_env_rundir() };
	struct daemon daemon = { 0 };
	int ready_fd = -1;
	int code;

	if (parse_options(argc, argv, &options)) {
		print_usage(stderr);
		return EXIT_USAGE;
	}
	signal(SIGPIPE, SIG_IGN);
	raise_descriptor_limit();
	hash_seed();
	daemon.server.verbose = options.verbose;
	code = daemon_set_paths(&daemon, options.rundir);
	if (!code)
		code = make_directories(&daemon, options.rundir);
	if (!code)
		code = lock_pid_file(&daemon);
	if (!code && !options.foreground)
		code = detach(&ready_fd);
	if (!code)
		code = daemon_serve(&daemon, ready_fd);
	return code;
}
