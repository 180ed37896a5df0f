// SPDX-License-Identifier: GPL-2.0-or-later
#include "base/match.h"
#include "cli/cli.h"
#include "cli/version.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>

enum { USAGE = 2 };

static int usage_error(const struct cli_command *c, const char *text)
{
    fprintf(stderr, "peregrine %s: %s\n", c->name, text);
    fprintf(stderr, "Try 'peregrine %s --help'.\n", c->name);
    return c->usage_status ? c->usage_status : USAGE;
}

static int unknown_topic(const struct cli_command *c, const char *topic)
{
    VEC(const char *) ids = {0};
    struct pgr_error e;
    vec_push(&ids, "all");
    for (const struct cli_topic *t = cli_topics; t->id; t++)
        vec_push(&ids, t->id);
    const char *near = match_nearest(topic, ids.data, ids.len);
    vec_free(&ids);
    err_set(&e, PGR_E_ARGUMENT, "there is no help on '%s'%s%s%s", topic,
            near ? "; did you mean '" : "", near ? near : "", near ? "'?" : "");
    return usage_error(c, e.text);
}

int cli_run_command(const struct cli_command *c, int argc, char **argv)
{
    struct pgr_error e = {0};
    void *values = xcalloc(1, c->values_size);
    char **operands = NULL;
    int n, status = EXIT_SUCCESS;
    switch (cli_parse(c, argc, argv, values, &operands, &n, &e)) {
    case CLI_PARSED:
        status = c->run(values, n, operands);
        cli_values_free(c, values);
        break;
    case CLI_WRONG:
        status = usage_error(c, e.text);
        break;
    case CLI_WANTS_HELP:
        if (cli_help_command(stdout, c, operands[0]))
            status = cli_finish_output();
        else
            status = unknown_topic(c, operands[0]);
        cli_values_free(c, values);
        break;
    }
    free(operands);
    free(values);
    return status;
}

static int unknown_command(const char *name)
{
    VEC(const char *) names = {0};
    for (const struct cli_command *const *c = cli_commands; *c; c++)
        vec_push(&names, (*c)->name);
    const char *near = match_nearest(name, names.data, names.len);
    vec_free(&names);
    fprintf(stderr, "peregrine: there is no command '%s'", name);
    if (near)
        fprintf(stderr, "; did you mean '%s'?\n", near);
    else if (strchr(name, '.') || strchr(name, '/'))
        fprintf(stderr, "; to run a program: peregrine run %s\n", name);
    else
        fprintf(stderr, "; 'peregrine help' lists them\n");
    return USAGE;
}

static int print_version(void)
{
    puts("peregrine " PGR_VERSION);
    return cli_finish_output();
}

int cli_main(int argc, char **argv)
{
    /* A reader that goes away is an ordinary write error, not death without a word. */
    signal(SIGPIPE, SIG_IGN);
    if (argc < 2) {
        cli_help_overview(stderr);
        return USAGE;
    }
    if (!strcmp(argv[1], "--version") || !strcmp(argv[1], "-V"))
        return print_version();
    if (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h"))
        return cli_run_command(cli_find_command("help"), argc - 1, argv + 1);
    if (argv[1][0] == '-') {
        fprintf(stderr, "peregrine: unknown option %s; a command comes first, such as 'run'\n",
                argv[1]);
        return USAGE;
    }
    const struct cli_command *c = cli_find_command(argv[1]);
    return c ? cli_run_command(c, argc - 1, argv + 1) : unknown_command(argv[1]);
}
