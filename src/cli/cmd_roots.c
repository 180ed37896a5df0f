// SPDX-License-Identifier: GPL-2.0-or-later
#include "base/hostio.h"
#include "cli/cli.h"
#include "win/roots.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

struct roots_values {
    const char *root;
    bool json;
};

static const char *bitness(const struct win_root *r)
{
    return r->system32 && r->syswow64 ? "x86_64 i386" : r->system32 ? "x86_64" : "i386";
}

static bool is_used(const struct win_root *r, const struct win_root *used)
{
    return used->path && !strcmp(r->path, used->path);
}

static json_t *describe(const struct win_root *r, const struct win_root *used)
{
    json_t *architectures = json_array();
    if (r->system32)
        json_array_append_new(architectures, json_string("x86_64"));
    if (r->syswow64)
        json_array_append_new(architectures, json_string("i386"));
    return json_pack("{s:s s:s s:s s:s s:s? s:o s:b s:s?}", "name", r->name, "path", r->path,
                     "windows", r->windows, "kind", r->kind, "version", r->version, "architectures",
                     architectures, "used", is_used(r, used), "why",
                     is_used(r, used) ? used->why : NULL);
}

static void print_json(const struct win_root_list *l, const struct win_root *used)
{
    json_t *all = json_array();
    vec_foreach (r, l)
        json_array_append_new(all, describe(r, used));
    json_dumpf(all, stdout, JSON_INDENT(2));
    putchar('\n');
    json_decref(all);
}

static void print_text(const struct win_root_list *l, const struct win_root *used)
{
    vec_foreach (r, l) {
        bool chosen = is_used(r, used);
        printf("%s%c %-12s%s  %-7s %-6s %-11s  %s\n",
               cli_style(stdout, chosen ? CLI_BOLD : CLI_PLAIN), chosen ? '*' : ' ', r->name,
               cli_style(stdout, CLI_PLAIN), r->kind, r->version ? r->version : "-", bitness(r),
               r->path);
    }
    if (used->path)
        printf("\n* is used: %s\n", used->why);
}

/* Adds the used root to the list when it lies elsewhere than the installed ones. */
static void add_used(struct win_root_list *l, const struct win_root *used)
{
    vec_foreach (r, l) {
        if (is_used(r, used))
            return;
    }
    struct win_root copy = {
        .name = xstrdup(used->name),
        .path = xstrdup(used->path),
        .windows = xstrdup(used->windows),
        .system32 = used->system32 ? xstrdup(used->system32) : NULL,
        .syswow64 = used->syswow64 ? xstrdup(used->syswow64) : NULL,
        .kind = xstrdup(used->kind),
        .version = used->version ? xstrdup(used->version) : NULL,
    };
    vec_push(l, copy);
}

static int roots(const void *values, int argc, char **argv)
{
    const struct roots_values *v = values;
    struct win_root_list list;
    struct win_root used;
    struct pgr_error e;
    int status = EXIT_SUCCESS;
    win_root_list(&list);
    bool found = win_root_find(v->root, &used, &e) == PGR_OK;
    if (found)
        add_used(&list, &used);
    if (v->json)
        print_json(&list, &used);
    else
        print_text(&list, &used);
    if (!found) {
        cli_error("%s", e.text);
        status = EXIT_FAILURE;
    }
    win_root_list_free(&list);
    win_root_free(&used);
    return status ? status : cli_finish_output();
}

static const struct cli_option options[] = {
    {"root", 0, "NAME|DIR", "guest", "say what would be used with this --root",
     CLI_INTO(TEXT, struct roots_values, root)},
    {"json", 0, NULL, "output", "print a JSON array", CLI_INTO(FLAG, struct roots_values, json)},
    {NULL},
};

const struct cli_command cmd_roots = {
    .name = "roots",
    .group = "Set up",
    .summary = "list the sets of guest DLLs, and which one is used",
    .usage = "[--json] [--root NAME|DIR]",
    .description =
        "A guest root is a directory with the Windows DLLs that guests run on: one installed by "
        "scripts/guest-dlls, or a Windows directory of your own. --root decides which is used; "
        "without it PEREGRINE_ROOT in the environment; without that, the installed root with the "
        "highest version of Wine.",
    .examples = "peregrine roots\tWhat is installed, and which one is used.\n"
                "PEREGRINE_ROOT=/mnt/c/Windows peregrine roots\tUse a Windows of your own.\n",
    .options = options,
    .values_size = sizeof(struct roots_values),
    .run = roots,
};
