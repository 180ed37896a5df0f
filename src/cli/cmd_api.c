// SPDX-License-Identifier: GPL-2.0-or-later
#include "base/match.h"
#include "cli/api_show.h"
#include "cli/cli.h"

#include <stdlib.h>
#include <string.h>

struct api_values {
    bool json, everything;
    int arch;
};

static const char *const archs[] = {"x64", "x86", NULL};

static bool is_pattern(const char *name)
{
    return strpbrk(name, "*?") != NULL;
}

static const char *nearest(const struct api_table *t, const char *name)
{
    size_t n = api_function_count(t);
    const char **names = xmalloc(n * sizeof *names);
    for (size_t i = 0; i < n; i++)
        names[i] = api_function_at(t, i).name;
    const char *near = match_nearest(name, names, n);
    free(names);
    return near;
}

static bool show_name(struct api_shown *s, json_t *all)
{
    if (!api_find(s->table, s->asked, s->bitness, &s->function, &s->found)) {
        const char *near = nearest(s->table, s->asked);
        cli_error(near ? "there is no prototype of '%s': did you mean '%s'?"
                       : "there is no prototype of '%s'",
                  s->asked, near);
        return false;
    }
    if (all)
        json_array_append_new(all, api_show_json(s));
    else
        api_show_text(s);
    return true;
}

static bool show_pattern(struct api_shown *s, json_t *all)
{
    unsigned wanted = s->bitness == 8 ? API_ON_64 : API_ON_32;
    bool any = false;
    s->found = API_EXACT;
    for (size_t i = 0; i < api_function_count(s->table); i++) {
        s->function = api_function_at(s->table, i);
        if (!(s->function.flags & wanted) || !match_wildcard(s->asked, s->function.name))
            continue;
        any = true;
        if (all)
            json_array_append_new(all, api_show_json(s));
        else if (s->everything)
            api_show_text(s);
        else
            api_show_line(s);
    }
    if (!any)
        cli_error("no prototype matches '%s'", s->asked);
    return any;
}

static int api(const void *values, int argc, char **argv)
{
    const struct api_values *v = values;
    struct api_table table;
    json_t *all = v->json ? json_array() : NULL;
    bool good = true;
    api_builtin(&table);
    for (int i = 0; i < argc; i++) {
        struct api_shown s = {.table = &table,
                              .asked = argv[i],
                              .bitness = v->arch ? 4 : 8,
                              .everything = v->everything};
        if (i && !all)
            putchar('\n');
        good &= is_pattern(argv[i]) ? show_pattern(&s, all) : show_name(&s, all);
    }
    if (all) {
        json_dumpf(all, stdout, JSON_INDENT(2) | JSON_PRESERVE_ORDER);
        putchar('\n');
        json_decref(all);
    }
    int status = cli_finish_output();
    return good ? status : EXIT_FAILURE;
}

static const struct cli_option options[] = {
    {"json", 0, NULL, "output",
     "print a JSON array, with structures, constants and where each argument lies",
     CLI_INTO(FLAG, struct api_values, json)},
    {"long", 'l', NULL, "output", "print structures and constants too",
     CLI_INTO(FLAG, struct api_values, everything)},
    {"arch", 'a', "ARCH", "output", "sizes and offsets of ARCH, which is x64 unless you say x86",
     CLI_INTO(CHOICE, struct api_values, arch), .choices = archs},
    {NULL},
};

const struct cli_command cmd_api = {
    .name = "api",
    .group = "Examine",
    .summary = "show the prototypes of API functions",
    .usage = "[options] NAME...",
    .description =
        "Prints what is known of functions of Windows, its C library and its kernel: arguments "
        "with types, whether they are read or written, which other argument tells a buffer's size, "
        "which constants belong to them, what the function is about, and how its result tells of "
        "failure. API traces print arguments by this knowledge.\n\n"
        "NAME is a function, or a pattern with * and ? for a list. A line of the list has the "
        "name, the calling convention on i386 with the bytes of all arguments (and + where more "
        "may follow), the category and the header. When there is no prototype by a name, that of "
        "another name of the same function is shown, and a line says so. The exit status is 1 when "
        "a name is unknown.",
    .examples = "peregrine api CreateFileW\tIts prototype.\n"
                "peregrine api --long GetSystemTime\tWith its structure.\n"
                "peregrine api 'Reg*Value*'\tA list.\n",
    .options = options,
    .values_size = sizeof(struct api_values),
    .min_operands = 1,
    .max_operands = -1,
    .run = api,
};
