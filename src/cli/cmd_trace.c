// SPDX-License-Identifier: GPL-2.0-or-later
#include "base/match.h"
#include "cli/cli.h"
#include "cli/trace_file.h"

#include <string.h>

struct trace_command_values {
    uint64_t context, most;
    int order;
    bool times, by_thread, json;
};

static const char *const orders[] = {"time", "mean", "calls", "failures", "name", NULL};

static int wrong(const char *text)
{
    fprintf(stderr, "peregrine trace: %s\nTry 'peregrine trace --help'.\n", text);
    return 2;
}

static int unknown(const char *name)
{
    static const char *const names[] = {"diff", "top"};
    struct pgr_error e;
    const char *near = match_nearest(name, names, 2);
    err_set(&e, PGR_E_ARGUMENT, "there is no '%s'%s%s%s", name,
            near ? "; did you mean '" : "; it is diff or top", near ? near : "", near ? "'?" : "");
    return wrong(e.text);
}

static int trace(const void *values, int argc, char **argv)
{
    const struct trace_command_values *v = values;
    if (!strcmp(argv[0], "diff")) {
        struct trace_diff_options o = {v->context, v->times, v->by_thread};
        return argc == 3 ? trace_diff(argv[1], argv[2], &o) : wrong("diff wants two files");
    }
    if (!strcmp(argv[0], "top")) {
        struct trace_top_options o = {v->most, (enum trace_top_order)v->order, v->json};
        return argc == 2 ? trace_top(argv[1], &o) : wrong("top wants one file");
    }
    return unknown(argv[0]);
}

static const struct trace_command_values defaults = {.context = 3};

#define V struct trace_command_values
static const struct cli_option options[] = {
    {"context", 'C', "N", "output",
     "diff: show N lines before and after the first difference, 3 if not given",
     CLI_INTO(INTEGER, V, context), .max = 1000},
    {"times", 0, NULL, "output", "diff: time stamps must be the same, too",
     CLI_INTO(FLAG, V, times)},
    {"by-thread", 't', NULL, "output", "diff: compare each thread's own lines",
     CLI_INTO(FLAG, V, by_thread)},
    {"sort", 's', "BY", "output", "top: by time (without saying), mean, calls, failures or name",
     CLI_INTO(CHOICE, V, order), .choices = orders},
    {"lines", 'n', "N", "output", "top: the first N only", CLI_INTO(INTEGER, V, most)},
    {"json", 0, NULL, "output", "top: print a JSON array", CLI_INTO(FLAG, V, json)},
    {NULL},
};

const struct cli_command cmd_trace = {
    .name = "trace",
    .group = "Examine",
    .summary = "compare and sum up traces",
    .usage = "[options] diff A B | top FILE",
    .description =
        "Reads traces that 'peregrine run --trace' has written.\n\n"
        "diff finds the first difference between two text or two JSON traces, time stamps aside. "
        "The exit status is 0 when there is none, 1 when there is one, and 2 in trouble. Two runs "
        "of the same program with --clock virtual give the same trace. With the host's clock "
        "threads "
        "overtake each other: --by-thread compares what each of them did, and shows the first "
        "difference of each. The first thread of one run is compared with the first of the other, "
        "the second that was made with the second, whatever their ids are.\n\n"
        "top lists the functions of a JSON or sqlite trace: how often they were called, how long "
        "that took, calls inside of them included, and how often they failed. Calls that did not "
        "return count without time.",
    .examples =
        "peregrine run --trace api,json=a.jsonl -- ./a.exe\tMake a trace.\n"
        "peregrine trace top -n 20 a.jsonl\tWhere the time went.\n"
        "peregrine trace top --sort failures a.jsonl\tWhat failed.\n"
        "peregrine trace diff a.jsonl b.jsonl\tWhere two runs part.\n"
        "peregrine trace diff --by-thread native.txt kvm.txt\tThe same, thread by thread.\n",
    .options = options,
    .defaults = &defaults,
    .values_size = sizeof(struct trace_command_values),
    .min_operands = 1,
    .max_operands = 3,
    .run = trace,
};
