// SPDX-License-Identifier: GPL-2.0-or-later
#include "cli/cli.h"

#include <string.h>

/* One line per command. */
#define COMMANDS(C)                                                                                \
    C(run)                                                                                         \
    C(call)                                                                                        \
    C(inspect)                                                                                     \
    C(doctor)                                                                                      \
    C(roots)                                                                                       \
    C(services)                                                                                    \
    C(api)                                                                                         \
    C(trace)                                                                                       \
    C(help)

#define DECLARE(name) extern const struct cli_command cmd_##name;
COMMANDS(DECLARE)

#define ADDRESS(name) &cmd_##name,
const struct cli_command *const cli_commands[] = {COMMANDS(ADDRESS) NULL};

const struct cli_topic cli_topics[] = {
    {"guest", "What the guest is given"}, /* root, program, environment, entry point */
    {"host", "What the guest may touch"}, /* mounts, network */
    {"limits", "When to stop"},
    {"trace", "Tracing"},
    {"script", "Scripts"},
    {"machine", "Time, chance and engine"},
    {"output", "Output"},
    {NULL, NULL},
};

const struct cli_command *cli_find_command(const char *name)
{
    for (const struct cli_command *const *c = cli_commands; *c; c++) {
        if (!strcmp((*c)->name, name))
            return *c;
    }
    return NULL;
}
