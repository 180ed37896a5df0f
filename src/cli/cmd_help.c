// SPDX-License-Identifier: GPL-2.0-or-later
#include "cli/cli.h"

#include <stdlib.h>
#include <string.h>

struct help_values {
    bool man;
};

static int no_such_help(const char *word)
{
    cli_error("there is neither a command nor a subject '%s'; 'peregrine help' lists the commands",
              word);
    return 2;
}

static int help(const void *values, int argc, char **argv)
{
    const struct help_values *v = values;
    const struct cli_command *c = argc ? cli_find_command(argv[0]) : NULL;
    if (v->man)
        cli_man_page(stdout);
    else if (!argc)
        cli_help_overview(stdout);
    else if (c ? !cli_help_command(stdout, c, argv[1]) : !cli_help_topic(stdout, argv[0]))
        return no_such_help(c ? argv[1] : argv[0]);
    return cli_finish_output();
}

static const struct cli_option options[] = {
    {"man", 0, NULL, "output", "print the manual page's mdoc source",
     CLI_INTO(FLAG, struct help_values, man), .rare = true},
    {NULL},
};

const struct cli_command cmd_help = {
    .name = "help",
    .group = "Help",
    .summary = "explain a command or its options",
    .usage = "[COMMAND] [SUBJECT|all]",
    .description =
        "Without argument, lists the commands. With a command, explains it and shows its usual "
        "options; with a subject as well, the options on that subject, and with 'all' every one.",
    .options = options,
    .values_size = sizeof(struct help_values),
    .max_operands = 2,
    .run = help,
};
