// SPDX-License-Identifier: GPL-2.0-or-later
#include "base/vec.h"
#include "win/win.h"

struct text {
    VEC(char) b;
};

static void add(struct text *t, char c)
{
    vec_push(&t->b, c);
}

static void add_many(struct text *t, char c, size_t n)
{
    while (n--)
        add(t, c);
}

/* The program's own name follows another rule than the arguments: it ends at the second quote, and
 * backslashes mean nothing. A quote in it cannot be expressed and is dropped. */
static void add_program(struct text *t, const char *name)
{
    bool quote = !*name || strpbrk(name, " \t");
    if (quote)
        add(t, '"');
    for (; *name; name++)
        if (*name != '"')
            add(t, *name);
    if (quote)
        add(t, '"');
}

/* Backslashes are literal unless they stand before a quote: there 2n+1 give n and a quote, 2n give
 * n and end the quoted part. */
static void add_argument(struct text *t, const char *arg)
{
    bool quote = !*arg || strpbrk(arg, " \t\n\v\"");
    size_t slashes = 0;
    if (!quote) {
        for (; *arg; arg++)
            add(t, *arg);
        return;
    }
    add(t, '"');
    for (; *arg; arg++) {
        if (*arg == '\\') {
            slashes++;
            continue;
        }
        add_many(t, '\\', *arg == '"' ? 2 * slashes + 1 : slashes);
        slashes = 0;
        add(t, *arg);
    }
    add_many(t, '\\', 2 * slashes);
    add(t, '"');
}

char *win_quote_arguments(const char *argv0, const char *const *args)
{
    struct text t = {0};
    add_program(&t, argv0);
    for (; args && *args; args++) {
        add(&t, ' ');
        add_argument(&t, *args);
    }
    add(&t, 0);
    return t.b.data;
}
