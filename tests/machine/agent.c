// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (C) The Paravane developers
 *
 * The job agent of the root partition on the development machine.
 *
 * Runs shell commands that the host sends over a virtio-serial port and sends
 * back their output and exit status, several at a time. The host's half and
 * the description of the frames are in channel.py. Single-threaded: one poll
 * loop over the port, a signalfd for SIGCHLD and the pipes of each job.
 *
 * A job has ended when its shell has: what its pipes hold by then is sent, and
 * daemons it leaves behind, still holding the pipes, do not delay it.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

enum kind {
	/* host to root */
	FRAME_RUN = 1, /* text of a shell command: starts the job */
	FRAME_INPUT = 2, /* bytes for its stdin; none means end of file */
	FRAME_KILL = 3, /* SIGKILL to the job's session */
	/* root to host */
	FRAME_HELLO = 16, /* once, when the agent is there */
	FRAME_OUTPUT = 17, /* bytes from stdout */
	FRAME_ERRORS = 18, /* bytes from stderr */
	FRAME_EXIT = 19, /* 32-bit status as the shell has it: 128 + signal */
};

/* All fields little-endian; payload_bytes of payload follow. */
struct frame_header {
	uint32_t payload_bytes;
	uint32_t job_id;
	uint32_t kind;
};

#define JOB_COUNT_MAX 64
#define FRAME_BYTES_MAX (16u << 20)
#define CHUNK_BYTES 65536

struct job {
	bool used;
	uint32_t id;
	pid_t pid;
	int input, output, errors; /* our ends of the pipes, -1 when closed */
	char *pending; /* input that the pipe did not take yet */
	size_t pending_bytes;
	bool input_ended; /* close input once pending is written */
};

static struct job jobs[JOB_COUNT_MAX];
static int port;

static __attribute__((format(printf, 1, 2), noreturn)) void die(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	fputs("agent: ", stderr);
	vfprintf(stderr, format, args);
	fputc('\n', stderr);
	va_end(args);
	exit(1);
}

static void *must_allocate(size_t bytes)
{
	void *memory = malloc(bytes ? bytes : 1);

	if (!memory)
		die("no memory for %zu bytes", bytes);
	return memory;
}

static void write_port(const void *data, size_t bytes)
{
	while (bytes) {
		ssize_t done = write(port, data, bytes);

		if (done < 0 && (errno == EINTR || errno == EAGAIN))
			continue;
		if (done < 0)
			return; /* the host hung up: nobody wants to know */
		data = (const char *)data + done;
		bytes -= (size_t)done;
	}
}

static void send_frame(enum kind kind, uint32_t job_id, const void *payload, size_t bytes)
{
	const struct frame_header header = {
		.payload_bytes = (uint32_t)bytes,
		.job_id = job_id,
		.kind = kind,
	};

	write_port(&header, sizeof(header));
	write_port(payload, bytes);
}

/* Wait for data; while no host is connected the port reports a hang-up. */
static void read_port(void *data, size_t bytes)
{
	while (bytes) {
		ssize_t done = read(port, data, bytes);

		if (done < 0 && errno != EINTR && errno != EAGAIN)
			die("the port: %s", strerror(errno));
		if (done <= 0) {
			usleep(20000);
			continue;
		}
		data = (char *)data + done;
		bytes -= (size_t)done;
	}
}

static void close_end(int *end)
{
	if (*end >= 0)
		close(*end);
	*end = -1;
}

static struct job *job_find(uint32_t id)
{
	for (struct job *job = jobs; job < jobs + JOB_COUNT_MAX; job++)
		if (job->used && job->id == id)
			return job;
	return NULL;
}

static void job_send_exit(uint32_t id, uint32_t status)
{
	send_frame(FRAME_EXIT, id, &status, sizeof(status));
}

static void job_refuse(uint32_t id, const char *why)
{
	send_frame(FRAME_ERRORS, id, why, strlen(why));
	job_send_exit(id, 126);
}

/* In the child: become the leader of a session that FRAME_KILL can end. */
static __attribute__((noreturn)) void job_exec(const char *command, int in, int out, int err)
{
	sigset_t none;

	setsid();
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	signal(SIGPIPE, SIG_DFL);
	/* The shell that started us ignores these for whatever it puts in the background. */
	signal(SIGINT, SIG_DFL);
	signal(SIGQUIT, SIG_DFL);
	dup2(in, 0);
	dup2(out, 1);
	dup2(err, 2);
	if (chdir("/root"))
		_exit(126);
	execl("/bin/sh", "sh", "-c", command, (char *)NULL);
	_exit(127);
}

static void set_nonblocking(int end)
{
	fcntl(end, F_SETFL, fcntl(end, F_GETFL) | O_NONBLOCK);
}

static void job_start(uint32_t id, const char *command)
{
	int in[2], out[2], err[2];
	struct job *job = jobs;

	while (job < jobs + JOB_COUNT_MAX && job->used)
		job++;
	if (job == jobs + JOB_COUNT_MAX) {
		job_refuse(id, "agent: too many jobs at once\n");
		return;
	}
	if (pipe2(in, O_CLOEXEC) || pipe2(out, O_CLOEXEC) || pipe2(err, O_CLOEXEC))
		die("no pipes: %s", strerror(errno));
	*job = (struct job){ .used = true,
			     .id = id,
			     .input = in[1],
			     .output = out[0],
			     .errors = err[0],
			     .pid = fork() };
	if (job->pid < 0)
		die("no process: %s", strerror(errno));
	if (!job->pid)
		job_exec(command, in[0], out[1], err[1]);
	close(in[0]);
	close(out[1]);
	close(err[1]);
	set_nonblocking(job->input);
	set_nonblocking(job->output);
	set_nonblocking(job->errors);
}

static void job_queue_input(struct job *job, const char *data, size_t bytes)
{
	char *joined;

	if (!bytes) {
		job->input_ended = true;
		return;
	}
	joined = must_allocate(job->pending_bytes + bytes);
	if (job->pending_bytes)
		memcpy(joined, job->pending, job->pending_bytes);
	memcpy(joined + job->pending_bytes, data, bytes);
	free(job->pending);
	job->pending = joined;
	job->pending_bytes += bytes;
}

/* Give the job's stdin what it takes now. */
static void job_push_input(struct job *job)
{
	ssize_t done = 0;

	if (job->input >= 0 && job->pending_bytes)
		done = write(job->input, job->pending, job->pending_bytes);
	if (done < 0 && errno != EAGAIN) {
		job->pending_bytes = 0;
		close_end(&job->input);
	}
	if (done > 0) {
		job->pending_bytes -= (size_t)done;
		memmove(job->pending, job->pending + done, job->pending_bytes);
	}
	if (job->input_ended && !job->pending_bytes)
		close_end(&job->input);
}

/* Send one chunk from a pipe; false when there is nothing more now. */
static bool job_pull(struct job *job, int *end, enum kind kind)
{
	static char chunk[CHUNK_BYTES];
	ssize_t done;

	if (*end < 0)
		return false;
	done = read(*end, chunk, sizeof(chunk));
	if (done > 0)
		send_frame(kind, job->id, chunk, (size_t)done);
	else if (!done || errno != EAGAIN)
		close_end(end);
	return done > 0;
}

static void job_end(struct job *job, int status)
{
	/* A daemon left behind may write for ever: take what a pipe can hold. */
	for (int i = 0; i < 64 && job_pull(job, &job->output, FRAME_OUTPUT); i++)
		;
	for (int i = 0; i < 64 && job_pull(job, &job->errors, FRAME_ERRORS); i++)
		;
	job_send_exit(job->id, WIFSIGNALED(status) ? 128u + (uint32_t)WTERMSIG(status) :
						     (uint32_t)WEXITSTATUS(status));
	close_end(&job->input);
	close_end(&job->output);
	close_end(&job->errors);
	free(job->pending);
	job->pending = NULL;
	job->used = false;
}

static void reap(int signals)
{
	struct signalfd_siginfo ignored;
	int status;
	pid_t pid;

	if (read(signals, &ignored, sizeof(ignored)) < 0)
		return;
	while ((pid = waitpid(-1, &status, WNOHANG)) > 0)
		for (struct job *job = jobs; job < jobs + JOB_COUNT_MAX; job++)
			if (job->used && job->pid == pid)
				job_end(job, status);
}

static void receive_frame(void)
{
	struct frame_header header;
	struct job *job;
	char *payload;

	read_port(&header, sizeof(header));
	if (header.payload_bytes > FRAME_BYTES_MAX)
		die("a frame of %u bytes: the host and I disagree", header.payload_bytes);
	payload = must_allocate(header.payload_bytes + 1);
	read_port(payload, header.payload_bytes);
	payload[header.payload_bytes] = '\0';

	job = job_find(header.job_id);
	if (header.kind == FRAME_RUN && !job) {
		job_start(header.job_id, payload);
	} else if (header.kind == FRAME_INPUT && job) {
		job_queue_input(job, payload, header.payload_bytes);
		/* The end of the input may come when nothing is left that poll() waits for. */
		job_push_input(job);
	} else if (header.kind == FRAME_KILL && job) {
		kill(-job->pid, SIGKILL);
	}
	/* Anything else concerns a job that has ended meanwhile. */
	free(payload);
}

/* Open the virtio-serial port of this name; it may still be appearing. */
static int open_port(const char *wanted)
{
	char path[300], name[64];
	struct dirent *entry;
	FILE *file;
	DIR *class;

	for (int tries = 0; tries < 200; tries++, usleep(50000)) {
		class = opendir("/sys/class/virtio-ports");
		while (class && (entry = readdir(class))) {
			snprintf(path, sizeof(path), "/sys/class/virtio-ports/%s/name",
				 entry->d_name);
			file = fopen(path, "re");
			if (!file)
				continue;
			if (!fgets(name, sizeof(name), file))
				name[0] = '\0';
			fclose(file);
			name[strcspn(name, "\n")] = '\0';
			snprintf(path, sizeof(path), "/dev/%s", entry->d_name);
			if (!strcmp(name, wanted)) {
				closedir(class);
				return open(path, O_RDWR | O_CLOEXEC);
			}
		}
		if (class)
			closedir(class);
	}
	die("there is no virtio-serial port named %s", wanted);
}

static int watch_children(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	sigprocmask(SIG_BLOCK, &set, NULL);
	return signalfd(-1, &set, SFD_CLOEXEC);
}

/* One round: wait for anything, then serve everything that is ready. */
static void serve(int signals)
{
	struct pollfd polls[2 + 3 * JOB_COUNT_MAX] = { { .fd = port, .events = POLLIN },
						       { .fd = signals, .events = POLLIN } };

	for (int i = 0; i < JOB_COUNT_MAX; i++) {
		struct job *job = &jobs[i];
		struct pollfd *ends = &polls[2 + 3 * i];
		/* A pipe takes its end of file at any time. */
		bool waits = job->used && (job->pending_bytes || job->input_ended);

		ends[0] = (struct pollfd){ .fd = waits ? job->input : -1, .events = POLLOUT };
		ends[1] = (struct pollfd){ .fd = job->used ? job->output : -1, .events = POLLIN };
		ends[2] = (struct pollfd){ .fd = job->used ? job->errors : -1, .events = POLLIN };
	}
	if (poll(polls, 2 + 3 * JOB_COUNT_MAX, -1) < 0 && errno != EINTR)
		die("poll: %s", strerror(errno));
	for (int i = 0; i < JOB_COUNT_MAX; i++) {
		struct job *job = &jobs[i];

		if (!job->used)
			continue;
		if (polls[2 + 3 * i + 1].revents)
			job_pull(job, &job->output, FRAME_OUTPUT);
		if (polls[2 + 3 * i + 2].revents)
			job_pull(job, &job->errors, FRAME_ERRORS);
		job_push_input(job);
	}
	if (polls[1].revents)
		reap(signals);
	if (polls[0].revents & POLLIN)
		receive_frame();
	else if (polls[0].revents)
		usleep(20000); /* no host connected */
}

int main(int argc, char **argv)
{
	static const char hello[] = "paravane job agent 1";
	int signals = watch_children();

	if (argc != 2)
		die("usage: agent PORT-NAME");
	signal(SIGPIPE, SIG_IGN);
	port = open_port(argv[1]);
	if (port < 0)
		die("port %s: %s", argv[1], strerror(errno));
	send_frame(FRAME_HELLO, 0, hello, strlen(hello));
	for (;;)
		serve(signals);
}
