// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copyright (C) The Paravane developers
 *
 * pvn top: who uses the machine, again and again. What is shown is made of two readings
 * of the counters; how it is shown, by ncurses or line by line, comes last.
 */
#include <errno.h>
#include <ncurses.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "libpvn/clock.h"
#include "libpvn/root_dev.h"
#include "tools/counters.h"
#include "tools/pvn.h"

#define UNITS_A_SECOND	1e7	/* of 100 ns */
#define PARTITIONS_MAX	256

/* One line of the list: per second, and percents of one processor. */
struct line {
	char name[64];
	long long id, vps, pages;
	double run, hypervisor, exits, calls, events, interrupts;
};

struct frame {
	unsigned int processors, parked;
	double busy;		/* percents of a processor, of all together */
	unsigned int count;
	struct line line[PARTITIONS_MAX];
};

struct view {
	bool batch;
	unsigned int delay, frames;	/* frames 0: for ever */
};

static double per_second(const json_t *object, const char *key, double seconds)
{
	return (double)number_of(object, key) / seconds;
}

static double percent(const json_t *object, const char *key, double seconds)
{
	return 100 * per_second(object, key, seconds) / UNITS_A_SECOND;
}

static void fill_line(struct line *line, const json_t *partition, double seconds)
{
	const char *name = text_of(partition, "name"), *key;
	json_t *vp, *value;
	size_t i;

	*line = (struct line){ .id = number_of(partition, "id"),
			       .pages = number_of(partition, "gpa_pages") };
	snprintf(line->name, sizeof(line->name), "%s", *name ? name : "unnamed");
	json_array_foreach(json_object_get(partition, "vps"), i, vp) {
		line->vps++;
		line->run += percent(vp, "run_time", seconds);
		line->hypervisor += percent(vp, "hypervisor_time", seconds);
		line->exits += per_second(json_object_get(vp, "exits"), "total", seconds);
		line->interrupts += per_second(vp, "interrupts_injected", seconds);
		line->events += per_second(json_object_get(vp, "calls"), "signal_event", seconds);
		json_object_foreach(json_object_get(vp, "calls"), key, value)
			line->calls += (double)json_integer_value(value) / seconds;
	}
}

static int by_run(const void *a, const void *b)
{
	double left = ((const struct line *)a)->run, right = ((const struct line *)b)->run;

	return left < right ? 1 : left > right ? -1 : 0;
}

static void fill_frame(struct frame *frame, const json_t *cost, double seconds)
{
	json_t *one;
	size_t i;

	*frame = (struct frame){ 0 };
	json_array_foreach(json_object_get(cost, "processors"), i, one) {
		frame->processors++;
		frame->parked += number_of(one, "parked") != 0;
		frame->busy += percent(one, "run_time", seconds);
	}
	json_array_foreach(json_object_get(cost, "partitions"), i, one)
		if (frame->count < PARTITIONS_MAX)
			fill_line(&frame->line[frame->count++], one, seconds);
	qsort(frame->line, frame->count, sizeof(frame->line[0]), by_run);
}

/* Row `row` of the screen as text; false: there are no more. */
static bool row_text(const struct frame *frame, unsigned int row, char *to, size_t bytes)
{
	const struct line *line = &frame->line[row - 2];

	if (!row) {
		snprintf(to, bytes, "%u processors, %u parked, %.0f%% busy; %u partitions", frame->processors,
			 frame->parked, frame->processors ? frame->busy / frame->processors : 0,
			 frame->count);
		return true;
	}
	if (row == 1) {
		snprintf(to, bytes, "%-20s %5s %4s %7s %6s %6s %9s %9s %9s %9s", "NAME", "ID", "VPS",
			 "MEMORY", "CPU%", "HYP%", "EXITS/S", "CALLS/S", "EVENTS/S", "INTR/S");
		return true;
	}
	if (row - 2 >= frame->count)
		return false;
	snprintf(to, bytes, "%-20.20s %5lld %4lld %6lldM %6.1f %6.1f %9.0f %9.0f %9.0f %9.0f", line->name,
		 line->id, line->vps, line->pages >> 8, line->run, line->hypervisor, line->exits,
		 line->calls, line->events, line->interrupts);
	return true;
}

static void print_frame(const struct frame *frame)
{
	char text[160];

	for (unsigned int row = 0; row_text(frame, row, text, sizeof(text)); row++)
		printf("%s\n", text);
	printf("\n");
	fflush(stdout);
}

static json_t *frame_to_json(const struct frame *frame)
{
	json_t *all = json_array();

	for (unsigned int i = 0; i < frame->count; i++) {
		const struct line *l = &frame->line[i];

		json_array_append_new(all, json_pack("{s:s, s:I, s:I, s:I, s:f, s:f, s:f, s:f, s:f, s:f}",
						     "name", l->name, "id", (json_int_t)l->id, "vps",
						     (json_int_t)l->vps, "gpa_pages", (json_int_t)l->pages,
						     "cpu_percent", l->run, "hypervisor_percent",
						     l->hypervisor, "exits", l->exits, "calls", l->calls,
						     "events", l->events, "interrupts", l->interrupts));
	}
	return json_pack("{s:i, s:i, s:f, s:o}", "processors", frame->processors, "parked", frame->parked,
			 "busy_percent", frame->busy, "partitions", all);
}

static void draw_frame(const struct frame *frame)
{
	char text[160];

	erase();
	for (unsigned int row = 0; row < (unsigned int)LINES; row++) {
		if (!row_text(frame, row, text, sizeof(text)))
			break;
		attrset(row == 1 ? A_REVERSE : A_NORMAL);
		mvaddnstr((int)row, 0, text, COLS);
	}
	attrset(A_NORMAL);
	refresh();
}

/* Waits; true: the user wants to leave. */
static bool pause_for(const struct view *view)
{
	int key;

	if (view->batch) {
		sleep(view->delay);
		return false;
	}
	timeout((int)view->delay * 1000);
	key = getch();
	return key == 'q' || key == 'Q' || key == 27;
}

/* Frame after frame; 0, or -1 + errno. */
static int watch(int root, const struct call *call, const struct view *view)
{
	json_t *before = counters_read(root, 0), *after, *cost;
	double start = pvn_now_seconds(), end;
	struct frame frame;
	int result;

	for (unsigned int n = 0; before && (!view->frames || n < view->frames); n++) {
		if (pause_for(view))
			break;
		after = counters_read(root, 0);
		end = pvn_now_seconds();
		cost = after ? counters_since(before, after) : NULL;
		json_decref(before);
		before = after;
		if (!cost)
			break;
		fill_frame(&frame, cost, end - start);
		json_decref(cost);
		start = end;
		if (call->json)
			print_json(frame_to_json(&frame));
		else if (view->batch)
			print_frame(&frame);
		else
			draw_frame(&frame);
	}
	result = before ? 0 : -1;
	json_decref(before);
	return result;
}

static int run(struct call *call, int argc, char **argv)
{
	struct view view = { .delay = 1 };
	const char *delay = NULL, *frames = NULL;
	const struct option_spec options[] = { { "--batch", &view.batch, NULL }, { "--delay", NULL, &delay },
					       { "--count", NULL, &frames }, { 0 } };
	int count = take_arguments(call, argc, argv, options, NULL, 0, 0), root, result;

	if (count < 0)
		return count == -2 ? PVN_EXIT_OK : -1;
	if ((delay && take_seconds(call, delay, &view.delay)) ||
	    (frames && take_seconds(call, frames, &view.frames)))
		return -1;
	view.delay = view.delay ? view.delay : 1;
	view.batch |= call->json || !isatty(STDOUT_FILENO);
	root = pvn_root_open();
	if (root >= 0 && !view.batch) {
		initscr();
		noecho();
		curs_set(0);
	}
	result = root < 0 ? -1 : watch(root, call, &view);
	if (root >= 0 && !view.batch)
		endwin();
	if (result)
		pvn_fail(&call->problem, PVN_EXIT_FAILED, PVN_ROOT_DEVICE,
			 "only under Paravane, as root, with pvn_root.ko loaded",
			 "the hypervisor cannot be asked: %s", strerror(errno));
	if (root >= 0)
		close(root);
	return result;
}

const struct subcommand cmd_top = {
	.name = "top",
	.arguments = "[--batch] [--delay SECONDS] [--count FRAMES]",
	.summary = "Shows again and again who uses the machine",
	.help = "Percents are of one processor; HYP% is the hypervisor's part, estimated from samples.\n"
		"q ends it.\n\n"
		"  --batch    prints lines instead of drawing on the terminal\n"
		"  --delay    seconds between two readings (1)\n"
		"  --count    ends after so many\n",
	.run = run,
};
