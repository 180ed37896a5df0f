/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CLI_TRACE_OPTIONS_H
#define CLI_TRACE_OPTIONS_H
/* The options by which a command traces what it runs. */
#include "cli/cli.h"
#include "trace/trace.h"

/* A member of the command's values. */
struct trace_values {
    const char *output;
    struct cli_list what, patterns, categories, functions;
    int depth; /* index into trace_depth_choices */
};
extern const char *const trace_depth_choices[];

/* Rows of the options table of a command whose values are struct S, with struct trace_values in
 * `field`. */
#define TRACE_OPTIONS(S, field)                                                                    \
    {.name = "trace",                                                                              \
     .metavar = "WHAT",                                                                            \
     .topic = "trace",                                                                             \
     .help =                                                                                       \
         "trace nt (services, without saying), api (calls between modules and events), all "       \
         "of them, or just events (modules, threads, exceptions); as text (without saying), "      \
         "json lines, sqlite, perfetto (a timeline) or drcov (which code ran). Several words, "    \
         "and several outputs with a file each: api,text,json=a.jsonl,sqlite=a.db. off: not. "     \
         "Without it the other options of this group imply nt,text",                               \
     CLI_INTO(LIST, S, field.what)},                                                               \
        {.name = "trace-output",                                                                   \
         .metavar = "FILE",                                                                        \
         .topic = "trace",                                                                         \
         .help = "write the output that has no file of its own to FILE, - for standard output. "   \
                 "Without it standard error",                                                      \
         CLI_INTO(TEXT, S, field.output)},                                                         \
        {.name = "trace-filter",                                                                   \
         .metavar = "PATTERN",                                                                     \
         .topic = "trace",                                                                         \
         .help = "trace functions whose name matches, such as 'Nt*File'. * is any text, ? any "    \
                 "character; repeatable",                                                          \
         CLI_INTO(LIST, S, field.patterns)},                                                       \
        {.name = "trace-category",                                                                 \
         .metavar = "NAME",                                                                        \
         .topic = "trace",                                                                         \
         .help = "trace functions of a category, such as file_io,registry. `peregrine services` "  \
                 "names them; repeatable",                                                         \
         CLI_INTO(LIST, S, field.categories)},                                                     \
        {.name = "trace-depth",                                                                    \
         .metavar = "DEPTH",                                                                       \
         .topic = "trace",                                                                         \
         .help = "user: API calls that the program and its own DLLs make (without saying); all: "  \
                 "those of system DLLs as well",                                                   \
         CLI_INTO(CHOICE, S, field.depth),                                                         \
         .choices = trace_depth_choices},                                                          \
    {                                                                                              \
        .name = "trace-function", .metavar = "NAME", .topic = "trace",                             \
        .help = "trace this function; repeatable", CLI_INTO(LIST, S, field.functions)              \
    }

/* *out is NULL when nothing is to be traced. */
pgr_status trace_options_open(const struct trace_values *v, struct trace **out,
                              struct pgr_error *e);
/* Whether the machine must intercept API calls for it. */
bool trace_options_intercept(const struct trace_values *v);
#endif
