// SPDX-License-Identifier: GPL-2.0-or-later
/* The manual page, as mdoc, from the same tables as the help texts. */
#include "cli/cli.h"
#include "cli/version.h"

#include <string.h>

/* Text that must not be taken for a request: backslashes and a line's first dot or quote. Each
 * sentence gets a line, from which mdoc knows where sentences end. */
static void put_text(FILE *f, const char *text, size_t len)
{
    bool line_start = true;
    for (size_t i = 0; i < len; i++) {
        char c = text[i];
        if (line_start && (c == '.' || c == '\''))
            fputs("\\&", f);
        if (c == '\\')
            fputs("\\e", f);
        else if (c == '-')
            fputs("\\-", f);
        else if (c == ' ' && i && strchr(".;", text[i - 1]))
            c = (char)fputc('\n', f);
        else
            fputc(c, f);
        line_start = c == '\n';
    }
}

/* Paragraphs separated by an empty line; a single newline is a line of its own. */
static void put_paragraphs(FILE *f, const char *text)
{
    while (*text) {
        size_t len = strcspn(text, "\n");
        put_text(f, text, len);
        fputc('\n', f);
        text += len;
        if (!strncmp(text, "\n\n", 2)) {
            fputs(".Pp\n", f);
            text += 2;
        } else if (*text) {
            fputs(".br\n", f);
            text++;
        }
    }
}

/* One argument of a macro, quoted: spaces would split it, and names of macros would be called. */
static void put_argument(FILE *f, const char *text)
{
    fputs(" \"\\&", f);
    for (; *text; text++) {
        if (*text == '"')
            fputs("\\(dq", f);
        else
            put_text(f, text, 1);
    }
    fputc('"', f);
}

static void put_option(FILE *f, const struct cli_option *o)
{
    fputs(".It", f);
    if (o->letter)
        fprintf(f, " Fl %c ,", o->letter);
    fprintf(f, " Fl \\-%s", o->name);
    if (o->metavar) {
        fputs(" Ar", f);
        put_argument(f, o->metavar);
    }
    fputc('\n', f);
    put_paragraphs(f, o->help);
}

static void put_options(FILE *f, const struct cli_command *c)
{
    if (!c->options || !c->options->name)
        return;
    fputs(".Bl -tag -width indent\n", f);
    for (const struct cli_option *o = c->options; o->name; o++)
        put_option(f, o);
    fputs(".El\n", f);
}

static void put_examples(FILE *f, const char *examples)
{
    for (const char *line = examples; *line;) {
        size_t command = strcspn(line, "\t\n"), rest = strcspn(line, "\n");
        if (rest > command) {
            put_text(f, line + command + 1, rest - command - 1);
            fputc('\n', f);
        }
        fputs(".Dl ", f);
        put_text(f, line, command);
        fputc('\n', f);
        line += rest + (line[rest] == '\n');
    }
}

static void put_command(FILE *f, const struct cli_command *c)
{
    fprintf(f, ".Ss peregrine %s", c->name);
    put_argument(f, c->usage);
    fputc('\n', f);
    put_paragraphs(f, c->description);
    put_options(f, c);
    if (c->examples) {
        fputs(".Pp\nExamples:\n.Pp\n", f);
        put_examples(f, c->examples);
    }
}

static const char before[] =
    ".Dd " PGR_RELEASE_DATE "\n"
    ".Dt PEREGRINE 1\n"
    ".Os\n"
    ".Sh NAME\n"
    ".Nm peregrine\n"
    ".Nd run and trace Windows programs\n"
    ".Sh SYNOPSIS\n"
    ".Nm\n"
    ".Ar command\n"
    ".Op Ar options\n"
    ".Op Ar arguments\n"
    ".Nm\n"
    ".Fl \\-help | \\-version\n"
    ".Sh DESCRIPTION\n"
    ".Nm\n"
    "runs Windows programs on Linux without Windows, and shows what they do.\n"
    "The guest executes real user\\-mode DLLs; below them\n"
    ".Nm\n"
    "is the kernel.\n"
    "The guest sees nothing of the host but what it is given.\n"
    ".Pp\n"
    "Option arguments are given as\n"
    ".Fl \\-option Ns = Ns Ar value\n"
    "or\n"
    ".Fl \\-option Ar value .\n"
    ".Sh COMMANDS\n";

static const char after[] =
    ".Sh ENVIRONMENT\n"
    ".Bl -tag -width PEREGRINE_ROOT\n"
    ".It Ev PEREGRINE_ROOT\n"
    "The guest root to use, a name or a path, where\n"
    ".Fl \\-root\n"
    "is not given.\n"
    ".It Ev XDG_DATA_HOME\n"
    "Where the user's data lives; default\n"
    ".Pa ~/.local/share .\n"
    ".It Ev NO_COLOR\n"
    "When set and not empty, nothing is coloured.\n"
    ".El\n"
    ".Sh FILES\n"
    ".Bl -tag -width indent\n"
    ".It Pa ~/.local/share/peregrine/roots\n"
    "Installed guest roots, one directory each.\n"
    ".El\n"
    ".Sh EXIT STATUS\n"
    ".Cm run\n"
    "ends with the guest's exit status, or with 125 when the guest could not be started.\n"
    "Other commands end with 0 on success, 1 when something could not be done,\n"
    "and 2 when the command line or the file that was given is wrong.\n";

void cli_man_page(FILE *f)
{
    fputs(before, f);
    for (const struct cli_command *const *c = cli_commands; *c; c++) {
        if ((*c)->group)
            put_command(f, *c);
    }
    fputs(after, f);
}
