// SPDX-License-Identifier: GPL-2.0-or-later
#include "base/bits.h"
#include "base/match.h"
#include "cli/cli.h"
#include "nt/call.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

struct services_values {
    bool json, missing;
    const char *category;
};

static const char *const state_names[] = {
    [NT_SERVICE_IMPLEMENTED] = "implemented",
    [NT_SERVICE_CONSTANT] = "constant",
    [NT_SERVICE_MISSING] = "missing",
};

/* Names and wildcards of the command line; none means all. */
static bool is_named(const struct nt_service *s, int argc, char **argv)
{
    bool found = argc == 0;
    for (int i = 0; i < argc && !found; i++)
        found = nt_service_find(argv[i]) == s || match_wildcard(argv[i], s->name);
    return found;
}

static bool is_listed(const struct nt_service *s, const struct services_values *v, int argc,
                      char **argv)
{
    return (!v->missing || s->state == NT_SERVICE_MISSING) &&
           (!v->category || !strcmp(v->category, nt_category_name(s->category))) &&
           is_named(s, argc, argv);
}

/* An operand that names nothing is a mistake worth telling. */
static bool check_names(int argc, char **argv)
{
    for (int i = 0; i < argc; i++) {
        size_t n = 0;
        while (n < nt_service_total && !is_named(&nt_services[n], 1, argv + i))
            n++;
        if (n < nt_service_total)
            continue;
        const char **names = xmalloc(nt_service_total * sizeof *names);
        for (size_t k = 0; k < nt_service_total; k++)
            names[k] = nt_services[k].name;
        const char *near = match_nearest(argv[i], names, nt_service_total);
        free(names);
        cli_error(near ? "there is no service '%s': did you mean '%s'?"
                       : "there is no service '%s'",
                  argv[i], near);
        return false;
    }
    return true;
}

static bool check_category(const char *category)
{
    const char *names[NT_CAT_COUNT];
    for (unsigned i = 0; i < NT_CAT_COUNT; i++) {
        names[i] = nt_category_name(i);
        if (!category || !strcmp(category, names[i]))
            return true;
    }
    const char *near = match_nearest(category, names, NT_CAT_COUNT);
    cli_error(near ? "there is no category '%s': did you mean '%s'?" : "there is no category '%s'",
              category, near);
    return false;
}

static const char *direction_name(uint8_t direction)
{
    return direction == NT_IN ? "in" : direction == NT_OUT ? "out" : "inout";
}

static const char *type_name(uint8_t type)
{
    static const char *const names[] = {
#define ARGTYPE(name, width) [NT_ARG_##name] = #name,
#include "nt/types.def"
#undef ARGTYPE
    };
    return names[type];
}

static json_t *describe(const struct nt_service *s)
{
    json_t *args = json_array();
    for (size_t i = 0; i < s->arg_count; i++) {
        const struct nt_arg *a = &s->args[i];
        json_array_append_new(args, json_pack("{s:s s:s s:s}", "name", a->name, "type",
                                              type_name(a->type), "direction",
                                              direction_name(a->direction)));
    }
    json_t *row = json_pack("{s:s s:s s:s}", "name", s->name, "state", state_names[s->state],
                            "category", nt_category_name(s->category));
    if (s->state == NT_SERVICE_CONSTANT)
        json_object_set_new(row, "status", json_string(ntstatus_name(s->constant)));
    json_object_set_new(row, "arguments", args);
    return row;
}

static void print_row(const struct nt_service *s)
{
    static const enum cli_style styles[] = {CLI_GREEN, CLI_YELLOW, CLI_DIM};
    printf("%-46s %-16s %s%s%s", s->name, nt_category_name(s->category),
           cli_style(stdout, styles[s->state]), state_names[s->state],
           cli_style(stdout, CLI_PLAIN));
    if (s->state == NT_SERVICE_CONSTANT)
        printf(" (%s)", ntstatus_name(s->constant));
    putchar('\n');
}

static int services(const void *values, int argc, char **argv)
{
    const struct services_values *v = values;
    size_t counts[ARRAY_LEN(state_names)] = {0}, total = 0;
    json_t *all = v->json ? json_array() : NULL;
    if (!check_category(v->category) || !check_names(argc, argv)) {
        json_decref(all);
        return 2;
    }
    for (const struct nt_service *s = nt_services; s < nt_services + nt_service_total; s++) {
        if (!is_listed(s, v, argc, argv))
            continue;
        counts[s->state]++;
        total++;
        if (all)
            json_array_append_new(all, describe(s));
        else
            print_row(s);
    }
    if (all) {
        json_dumpf(all, stdout, JSON_INDENT(2) | JSON_PRESERVE_ORDER);
        putchar('\n');
        json_decref(all);
    } else {
        printf("\n%zu %s: %zu implemented, %zu constant, %zu missing\n", total,
               total == 1 ? "service" : "services", counts[NT_SERVICE_IMPLEMENTED],
               counts[NT_SERVICE_CONSTANT], counts[NT_SERVICE_MISSING]);
    }
    return cli_finish_output();
}

static const struct cli_option options[] = {
    {"json", 0, NULL, "output", "print a JSON array, with the arguments of each service",
     CLI_INTO(FLAG, struct services_values, json)},
    {"category", 'c', "NAME", "output", "only services of a category, such as file_io",
     CLI_INTO(TEXT, struct services_values, category)},
    {"missing", 'm', NULL, "output", "only services that are not there yet",
     CLI_INTO(FLAG, struct services_values, missing)},
    {NULL},
};

const struct cli_command cmd_services = {
    .name = "services",
    .group = "Examine",
    .summary = "list the NT services, and which of them work",
    .usage = "[options] [NAME...]",
    .description =
        "Lists the system services that guest DLLs call, with the category by which traces are "
        "filtered and a state: implemented, constant (always answers the same), or missing "
        "(answers "
        "STATUS_NOT_IMPLEMENTED and is reported after the run).\n\n"
        "NAME is a service (NtClose or ZwClose) or a pattern with * and ?.",
    .examples = "peregrine services 'Nt*File'\tServices about files.\n"
                "peregrine services --missing -c registry\tWhat the registry lacks.\n",
    .options = options,
    .values_size = sizeof(struct services_values),
    .max_operands = -1,
    .run = services,
};
