// SPDX-License-Identifier: GPL-2.0-or-later
#include "cli/cli.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { WIDTH = 79 };

static bool wants_colour(FILE *f)
{
    const char *no = getenv("NO_COLOR"), *term = getenv("TERM");
    return isatty(fileno(f)) && !(no && *no) && term && strcmp(term, "dumb");
}

const char *cli_style(FILE *f, enum cli_style style)
{
    static const char *const codes[] = {
        [CLI_PLAIN] = "\033[0m", [CLI_BOLD] = "\033[1m",   [CLI_DIM] = "\033[2m",
        [CLI_RED] = "\033[31m",  [CLI_GREEN] = "\033[32m", [CLI_YELLOW] = "\033[33m",
        [CLI_CYAN] = "\033[36m",
    };
    return wants_colour(f) ? codes[style] : "";
}

void cli_wrap(FILE *f, const char *text, int indent, int column)
{
    bool first = true;
    for (const char *p = text; *p;) {
        if (*p == '\n') {
            fputc('\n', f);
            p++;
            fprintf(f, "%*s", *p && *p != '\n' ? indent : 0, "");
            column = indent;
            first = true;
            continue;
        }
        p += strspn(p, " ");
        int word = (int)strcspn(p, " \n");
        if (!first && column + 1 + word > WIDTH) {
            fprintf(f, "\n%*s", indent, "");
            column = indent;
            first = true;
        }
        column += fprintf(f, "%s%.*s", first ? "" : " ", word, p);
        first = false;
        p += word;
    }
    fputc('\n', f);
}

void cli_error(const char *fmt, ...)
{
    va_list ap;
    fflush(stdout);
    fprintf(stderr, "peregrine: %serror:%s ", cli_style(stderr, CLI_RED),
            cli_style(stderr, CLI_PLAIN));
    va_start(ap, fmt);
    vfprintf(stderr, fmt, ap);
    va_end(ap);
    fputc('\n', stderr);
}

int cli_finish_output(void)
{
    if (fflush(stdout) || ferror(stdout)) {
        cli_error("cannot write to standard output: %s", strerror(errno));
        return EXIT_FAILURE;
    }
    return EXIT_SUCCESS;
}
