// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (C) The Paravane developers
 *
 * pvnfs: command line and mounting. libfuse does the rest: it goes to the
 * background, serves until it is unmounted or gets SIGTERM, and unmounts.
 */
#include "pvnfs/fs.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#ifndef PVN_VERSION
#define PVN_VERSION "unversioned"
#endif

enum exit_code { EXIT_OK = 0, EXIT_FAILED = 1, EXIT_USAGE = 2 };

struct pvnfs_options pvnfs_options;

enum { KEY_HELP, KEY_VERSION };

static const struct fuse_opt options[] = {
	{ "--socket=%s", offsetof(struct pvnfs_options, socket), 0 },
	{ "raw", offsetof(struct pvnfs_options, raw), 1 },
	FUSE_OPT_KEY("-h", KEY_HELP),
	FUSE_OPT_KEY("--help", KEY_HELP),
	FUSE_OPT_KEY("-V", KEY_VERSION),
	FUSE_OPT_KEY("--version", KEY_VERSION),
	FUSE_OPT_END,
};

static void print_usage(FILE *out)
{
	fputs("usage: pvnfs [-f] [-o OPTIONS] [--socket=PATH] MOUNTPOINT\n"
	      "Mounts the store, the hypervisor's counters and the guests as files:\n"
	      "  store/       nodes; .value of a directory, .watch for events below it\n"
	      "  hypervisor/  what pvn counters and pvn census print\n"
	      "  guests/      what pvn info prints, by guest\n"
	      "\n"
	      "  -f             stay in the foreground\n"
	      "  -o raw         keep the newline at the end of what is written\n"
	      "  -o OPTIONS     others are libfuse's, e.g. allow_other\n"
	      "  --socket=PATH  of the store daemon (default $PVN_RUNDIR/store/socket)\n"
	      "  --help         this text\n"
	      "  --version      version\n"
	      "\n"
	      "Unmount with umount or fusermount3 -u. Exit codes: 0 ok, 1 failed, 2 usage.\n",
	      out);
}

static int on_option(void *data, const char *arg, int key, struct fuse_args *args)
{
	(void)data;
	(void)arg;
	(void)args;
	if (key == KEY_HELP) {
		print_usage(stdout);
		exit(EXIT_OK);
	}
	if (key == KEY_VERSION) {
		puts("pvnfs " PVN_VERSION);
		exit(EXIT_OK);
	}
	return 1;
}

/* Said before going to the background: a mount without its daemon is not what was meant. */
static int check_daemon(void)
{
	struct pvn_store *store = pvn_store_open(pvnfs_options.socket);

	if (store) {
		pvn_store_close(store);
		return 0;
	}
	fprintf(stderr, "pvnfs: cannot reach the store: %s\n"
		"  hint: is pvn-stored running? --socket says where\n", strerror(errno));
	return EXIT_FAILED;
}

/* Where nothing makes devices on demand, the module has to be asked for. */
static void load_fuse(void)
{
	if (access("/dev/fuse", F_OK) && system("modprobe -q fuse"))
		fputs("pvnfs: there is no /dev/fuse, and modprobe does not help\n", stderr);
}

int main(int argc, char **argv)
{
	struct fuse_args args = FUSE_ARGS_INIT(argc, argv);
	int code;

	if (argc < 2 || fuse_opt_parse(&args, &pvnfs_options, options, on_option)) {
		print_usage(stderr);
		return EXIT_USAGE;
	}
	code = check_daemon();
	load_fuse();
	/* One thread for requests: they share a connection to the store. */
	if (!code) {
		fuse_opt_add_arg(&args, "-s");
		fuse_opt_add_arg(&args, "-ofsname=pvnfs,subtype=pvnfs,default_permissions");
		code = fuse_main(args.argc, args.argv, &fs_operations, NULL);
	}
	fuse_opt_free_args(&args);
	return code == EXIT_OK || code == EXIT_USAGE ? code : EXIT_FAILED;
}
