// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A plugin that tells which libraries a program asks for at run time, and hides one of them:
 *
 *     cc -shared -fPIC plugin.c $(pkg-config --cflags peregrine) -o plugin.so
 *     peregrine run --plugin ./plugin.so program.exe
 */
#include <peregrine/plugin.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

enum { NAME_MAX_UNITS = 260, MODULE_NOT_FOUND = 126 };

PGR_PLUGIN_DECLARE

static const struct pgr_plugin_host *host;
static unsigned asked;

static bool load(struct pgr_call *c, bool wide)
{
    char *name = host->call_text(c, host->call_arg(c, 0), wide, NAME_MAX_UNITS);
    bool hidden = name && !strcasecmp(name, "hidden.dll");
    fprintf(stderr, "plugin: %s(%s)%s\n", host->call_function(c), name ? name : "NULL",
            hidden ? ": hidden" : "");
    free(name);
    asked++;
    if (hidden)
        host->call_set_last_error(c, MODULE_NOT_FOUND);
    return hidden; /* answered, with 0 */
}

static bool load_narrow(struct pgr_call *c, void *ctx)
{
    return load(c, false);
}

static bool load_wide(struct pgr_call *c, void *ctx)
{
    return load(c, true);
}

int pgr_plugin_start(struct pgr_machine *m, const struct pgr_plugin_host *h)
{
    static const struct pgr_call_hook hooks[] = {
        {.function = "*!LoadLibraryA", .call = load_narrow},
        {.function = "*!LoadLibraryW", .call = load_wide},
    };
    host = h;
    for (unsigned i = 0; i < sizeof hooks / sizeof hooks[0]; i++) {
        struct pgr_error e;
        if (h->hook_call(m, &hooks[i], NULL, &e)) {
            fprintf(stderr, "plugin: %s\n", e.text);
            return 1;
        }
    }
    return 0;
}

void pgr_plugin_end(struct pgr_machine *m, const struct pgr_exit *why)
{
    fprintf(stderr, "plugin: %u libraries, exit code %u\n", asked, why->code);
}
