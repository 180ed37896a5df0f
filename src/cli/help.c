// SPDX-License-Identifier: GPL-2.0-or-later
#include "cli/cli.h"

#include <string.h>

enum { HELP_COLUMN = 28 };

static void heading(FILE *f, const char *text)
{
    fprintf(f, "%s%s%s\n", cli_style(f, CLI_BOLD), text, cli_style(f, CLI_PLAIN));
}

/* Pads from column `used` to HELP_COLUMN, on the next line when there is no room. */
static void align(FILE *f, int used)
{
    if (used + 2 > HELP_COLUMN) {
        fputc('\n', f);
        used = 0;
    }
    fprintf(f, "%*s", HELP_COLUMN - used, "");
}

static void print_option(FILE *f, const struct cli_option *o)
{
    int used = o->letter ? fprintf(f, "  -%c, ", o->letter) : fprintf(f, "      ");
    fprintf(f, "%s--%s%s", cli_style(f, CLI_CYAN), o->name, cli_style(f, CLI_PLAIN));
    used += 2 + (int)strlen(o->name);
    if (o->metavar)
        used += fprintf(f, " %s", o->metavar);
    align(f, used);
    cli_wrap(f, o->help, HELP_COLUMN, HELP_COLUMN);
}

static bool selected(const struct cli_option *o, const struct cli_topic *t, const char *topic)
{
    if (strcmp(o->topic, t->id))
        return false;
    return topic ? !strcmp(topic, "all") || !strcmp(topic, t->id) : !o->rare;
}

/* The chosen options of one command under their topics; how many there were. */
static int print_options(FILE *f, const struct cli_command *c, const char *topic)
{
    int printed = 0;
    for (const struct cli_topic *t = cli_topics; t->id; t++) {
        bool headed = false;
        for (const struct cli_option *o = c->options; o && o->name; o++) {
            if (!selected(o, t, topic))
                continue;
            if (!headed) {
                fputc('\n', f);
                heading(f, t->title);
            }
            headed = true;
            print_option(f, o);
            printed++;
        }
    }
    return printed;
}

static bool is_topic(const char *topic)
{
    if (!topic || !strcmp(topic, "all"))
        return true;
    for (const struct cli_topic *t = cli_topics; t->id; t++) {
        if (!strcmp(t->id, topic))
            return true;
    }
    return false;
}

static int count_options(const struct cli_command *c)
{
    int n = 0;
    while (c->options && c->options[n].name)
        n++;
    return n;
}

static void print_examples(FILE *f, const char *examples)
{
    fputc('\n', f);
    heading(f, "Examples");
    for (const char *line = examples; *line;) {
        int command = (int)strcspn(line, "\t\n"), rest = (int)strcspn(line, "\n");
        fprintf(f, "  %.*s\n", command, line);
        if (rest > command)
            fprintf(f, "      %s%.*s%s\n", cli_style(f, CLI_DIM), rest - command - 1,
                    line + command + 1, cli_style(f, CLI_PLAIN));
        line += rest + (line[rest] == '\n');
    }
}

/* How to see the options that the short help leaves out. */
static void print_topics(FILE *f, const struct cli_command *c)
{
    fprintf(f, "\n'peregrine help %s all' shows all %d options; by subject:", c->name,
            count_options(c));
    for (const struct cli_topic *t = cli_topics; t->id; t++) {
        bool used = false;
        for (const struct cli_option *o = c->options; o->name && !used; o++)
            used = !strcmp(o->topic, t->id);
        if (used)
            fprintf(f, " %s", t->id);
    }
    fputc('\n', f);
}

bool cli_help_command(FILE *f, const struct cli_command *c, const char *topic)
{
    if (!is_topic(topic))
        return false;
    fprintf(f, "%sUsage:%s peregrine %s %s\n", cli_style(f, CLI_BOLD), cli_style(f, CLI_PLAIN),
            c->name, c->usage);
    if (!topic || !strcmp(topic, "all")) {
        fputc('\n', f);
        cli_wrap(f, c->description, 0, 0);
    }
    int printed = print_options(f, c, topic);
    if (topic && !printed)
        fprintf(f, "\nThis command has no options on '%s'.\n", topic);
    if (c->examples && (!topic || !strcmp(topic, "all")))
        print_examples(f, c->examples);
    if (!topic && printed < count_options(c))
        print_topics(f, c);
    return true;
}

bool cli_help_topic(FILE *f, const char *topic)
{
    if (!is_topic(topic))
        return false;
    for (const struct cli_command *const *c = cli_commands; *c; c++) {
        bool any = false;
        for (const struct cli_option *o = (*c)->options; o && o->name && !any; o++)
            any = !strcmp(topic, "all") || !strcmp(o->topic, topic);
        if (!any || !(*c)->group)
            continue;
        fprintf(f, "%speregrine %s%s %s\n", cli_style(f, CLI_BOLD), (*c)->name,
                cli_style(f, CLI_PLAIN), (*c)->usage);
        print_options(f, *c, topic);
        fputc('\n', f);
    }
    return true;
}

/* Commands of the group that c is the first of, with those that follow. */
static void print_group(FILE *f, const struct cli_command *const *c)
{
    const char *group = (*c)->group;
    fputc('\n', f);
    heading(f, group);
    for (; *c; c++) {
        if (!(*c)->group || strcmp((*c)->group, group))
            continue;
        fprintf(f, "  %s%s%s%*s%s\n", cli_style(f, CLI_CYAN), (*c)->name, cli_style(f, CLI_PLAIN),
                12 - (int)strlen((*c)->name), "", (*c)->summary);
    }
}

static bool is_first_of_group(const struct cli_command *const *c)
{
    for (const struct cli_command *const *b = cli_commands; b < c; b++) {
        if ((*b)->group && !strcmp((*b)->group, (*c)->group))
            return false;
    }
    return true;
}

void cli_help_overview(FILE *f)
{
    fprintf(f, "%sUsage:%s peregrine COMMAND [options] [arguments]\n", cli_style(f, CLI_BOLD),
            cli_style(f, CLI_PLAIN));
    fputs("Runs Windows programs on Linux, and shows what they do.\n", f);
    for (const struct cli_command *const *c = cli_commands; *c; c++) {
        if ((*c)->group && is_first_of_group(c))
            print_group(f, c);
    }
    fputs("\n'peregrine help COMMAND' explains one; 'peregrine help all' lists all options;\n"
          "'man peregrine' has it all.\n",
          f);
}
