/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CLI_SCRIPT_OPTIONS_H
#define CLI_SCRIPT_OPTIONS_H
/* The options by which scripts take part in a run. */
#include "cli/cli.h"
#include "script/plugin.h"
#include "script/script.h"

/* A member of the command's values. */
struct script_values {
    const char *output;
    struct cli_list files, args, plugins;
    uint64_t memory_mib, budget;
};

/* Rows of the options table of a command whose values are struct S, with struct script_values in
 * `field`. */
#define SCRIPT_OPTIONS(S, field)                                                                   \
    {.name = "script",                                                                             \
     .metavar = "FILE",                                                                            \
     .topic = "script",                                                                            \
     .help = "run a Lua script before the program begins; its hooks see, change and answer the "   \
             "program's calls (docs/scripting.md); repeatable",                                    \
     CLI_INTO(LIST, S, field.files)},                                                              \
        {.name = "plugin",                                                                         \
         .metavar = "FILE",                                                                        \
         .topic = "script",                                                                        \
         .help = "load a shared library that does what scripts do, in C (peregrine/plugin.h); "    \
                 "repeatable. It has all rights of yours",                                         \
         CLI_INTO(LIST, S, field.plugins)},                                                        \
        {.name = "script-arg",                                                                     \
         .metavar = "NAME=VALUE",                                                                  \
         .topic = "script",                                                                        \
         .help = "an entry of pgr.args in the scripts; repeatable",                                \
         CLI_INTO(LIST, S, field.args)},                                                           \
        {.name = "script-output",                                                                  \
         .metavar = "FILE",                                                                        \
         .topic = "script",                                                                        \
         .help = "write what scripts print to FILE. Without it standard error",                    \
         CLI_INTO(TEXT, S, field.output)},                                                         \
        {.name = "script-memory",                                                                  \
         .metavar = "MIB",                                                                         \
         .topic = "script",                                                                        \
         .help = "memory of each script at most, in MiB; 256 without saying",                      \
         CLI_INTO(INTEGER, S, field.memory_mib),                                                   \
         .min = 1,                                                                                 \
         .max = 1 << 20,                                                                           \
         .rare = true},                                                                            \
    {                                                                                              \
        .name = "script-budget", .metavar = "N", .topic = "script",                                \
        .help = "end each handler with an error after N instructions of Lua, so that no loop is "  \
                "endless. Counting slows scripts down",                                            \
        CLI_INTO(INTEGER, S, field.budget), .min = 1, .max = 1ull << 53, .rare = true              \
    }

/* Scripts and plugins of a run; members are NULL without them. */
struct script_guests {
    struct scripts *scripts;
    struct plugins *plugins;
};
/* Whether there are any: the machine must intercept calls. */
bool script_options_wanted(const struct script_values *v);
/* When it fails, *out has to be destroyed as well. */
pgr_status script_options_start(const struct script_values *v, bool strict, struct pgr_machine *m,
                                struct script_guests *out, struct pgr_error *e);
/* After the run. True: --strict, and an error of a script has ended it. */
bool script_options_finish(struct script_guests *g, const struct pgr_exit *why);
/* After the machine is gone. */
void script_options_destroy(struct script_guests *g);
#endif
