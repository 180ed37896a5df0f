// SPDX-License-Identifier: GPL-2.0-or-later
#include "cli/api_show.h"
#include "base/bits.h"
#include "cli/cli.h"

#include <inttypes.h>
#include <string.h>

const char *api_direction_name(unsigned direction)
{
    return direction == API_IN ? "in" : direction == API_OUT ? "out" : "inout";
}

const char *api_convention_name(enum api_convention c)
{
    static const char *const names[] = {"cdecl", "stdcall", "fastcall", "thiscall"};
    return names[c];
}

/* ---- What a function leads to
 * -------------------------------------------------------------------- */

static void mention_group(struct api_mentions *m, api_group_id id)
{
    for (size_t i = 0; i < m->group_count; i++) {
        if (m->groups[i] == id)
            return;
    }
    if (id && m->group_count < ARRAY_LEN(m->groups))
        m->groups[m->group_count++] = id;
}

/* Several types may be names of one structure: LPRECT leads to what RECT does. */
static void mention_type(const struct api_table *t, struct api_mentions *m, api_type_id id)
{
    struct api_type y = api_type(t, id);
    for (int depth = 0; (y.kind == API_POINTER || y.kind == API_ARRAY) && depth < 4; depth++) {
        id = y.target;
        y = api_type(t, id);
    }
    mention_group(m, y.group);
    for (size_t i = 0; i < m->type_count; i++) {
        if (api_type(t, m->types[i]).first == y.first)
            return;
    }
    if (y.count && m->type_count < ARRAY_LEN(m->types))
        m->types[m->type_count++] = id;
}

void api_mentions(const struct api_table *t, const struct api_function *f, struct api_mentions *m)
{
    m->type_count = m->group_count = 0;
    for (unsigned i = 0; i < f->count; i++) {
        struct api_arg a = api_arg(t, f, i);
        mention_group(m, a.group);
        mention_type(t, m, a.type);
    }
    mention_group(m, f->result_group);
    mention_type(t, m, f->result);
    for (size_t k = 0; k < m->type_count; k++) {
        struct api_type y = api_type(t, m->types[k]);
        for (unsigned i = 0; i < y.count; i++) {
            struct api_field field = api_field(t, &y, i);
            struct api_type inner = api_type(t, field.type);
            mention_group(m, field.group);
            mention_group(m, inner.group);
            if (inner.kind == API_STRUCT || inner.kind == API_UNION || inner.kind == API_ARRAY)
                mention_type(t, m, field.type);
        }
    }
}

/* ---- Text
 * ---------------------------------------------------------------------------------------- */

/* `char *` wants no space before the name. */
static int print_declared(const char *type, const char *name)
{
    size_t len = strlen(type);
    bool tight = type[len - 1] == '*';
    const char *bracket = strchr(type, '[');
    if (bracket)
        return printf("%.*s %s%s", (int)(bracket - type), type, name, bracket);
    return printf("%s%s%s", type, tight ? "" : " ", name);
}

static void print_note(const struct api_shown *s, const struct api_arg *a)
{
    const struct api_function *f = &s->function;
    printf("    [%s", api_direction_name(a->direction));
    if (a->size_kind != API_SIZE_UNKNOWN)
        printf(", %s: %s", a->size_kind == API_SIZE_BYTES ? "bytes" : "elements",
               api_arg(s->table, f, a->size_arg).name);
    if (a->filled_arg != API_NO_ARG)
        printf(", filled: %s", api_arg(s->table, f, a->filled_arg).name);
    printf("] ");
}

static void print_group_name(const struct api_shown *s, api_group_id id, const char *separator)
{
    if (id) {
        struct api_group g = api_group(s->table, id);
        printf("%s%s// %s%s", separator, cli_style(stdout, CLI_DIM), g.name,
               cli_style(stdout, CLI_PLAIN));
    }
}

static void print_arguments(const struct api_shown *s)
{
    const struct api_function *f = &s->function;
    bool variadic = f->flags & API_VARIADIC;
    printf("(");
    for (unsigned i = 0; i < f->count; i++) {
        struct api_arg a = api_arg(s->table, f, i);
        printf("\n");
        print_note(s, &a);
        print_declared(api_type(s->table, a.type).name, a.name);
        printf("%s", i + 1 < f->count || variadic ? "," : ");");
        print_group_name(s, a.group, " ");
    }
    if (variadic)
        printf("\n    ...);");
    else if (!f->count)
        printf("void);");
    printf("\n");
}

static const char *outcome_name(unsigned outcome)
{
    static const char *const names[API_OUTCOME_COUNT] = {
        [API_TELLS_NOTHING] = "none",
        [API_ZERO_FAILS] = "zero, last error",
        [API_MINUS_ONE_FAILS] = "minus one, last error",
        [API_IS_NTSTATUS] = "NTSTATUS",
        [API_IS_HRESULT] = "HRESULT",
        [API_IS_WINERROR] = "Win32 error",
        [API_IS_ERRNO] = "errno value",
        [API_ZERO_FAILS_ERRNO] = "zero, errno",
        [API_MINUS_ONE_FAILS_ERRNO] = "minus one, errno",
    };
    return names[outcome];
}

static void print_structure(const struct api_shown *s, api_type_id id)
{
    struct api_type y = api_type(s->table, id);
    printf("\n%s { // %" PRIu32 " bytes\n", y.name, api_size(&y, s->bitness));
    for (unsigned i = 0; i < y.count; i++) {
        struct api_field field = api_field(s->table, &y, i);
        if (api_field_at(&field, s->bitness) == API_NOWHERE)
            continue;
        printf("    /* %#6" PRIx32 " */ ", api_field_at(&field, s->bitness));
        print_declared(api_type(s->table, field.type).name, field.name);
        if (field.bits)
            printf(" : %u", field.bits);
        printf(";");
        print_group_name(s, field.group, " ");
        printf("\n");
    }
    printf("};\n");
}

static void print_constants(const struct api_shown *s, api_group_id id)
{
    struct api_group g = api_group(s->table, id);
    printf("\n// %s, %s\n", g.name, g.is_flags ? "any of" : "one of");
    for (unsigned i = 0; i < g.count; i++) {
        uint64_t v;
        const char *name = api_constant(s->table, &g, i, &v);
        printf("//     %-40s 0x%" PRIx64 "\n", name, v >> 32 == UINT32_MAX ? (uint32_t)v : v);
    }
}

void api_show_line(const struct api_shown *s)
{
    const struct api_function *f = &s->function;
    printf("%-40s %-8s %4u%c %-15s %s\n", f->name, api_convention_name(f->convention), f->stack,
           f->flags & API_VARIADIC ? '+' : ' ', api_category_name(s->table, f->category),
           f->header);
}

void api_show_text(const struct api_shown *s)
{
    const struct api_function *f = &s->function;
    const char *dim = cli_style(stdout, CLI_DIM), *plain = cli_style(stdout, CLI_PLAIN);
    if (s->found != API_EXACT)
        printf("%s// no prototype of %s, but of %s%s\n", dim, s->asked, api_found_text(s->found),
               plain);
    printf("%s// %s%s%s; %s on i386, %u bytes of arguments%s\n", dim, f->header,
           f->header[0] ? ": " : "", api_category_name(s->table, f->category),
           api_convention_name(f->convention), f->stack, plain);
    if (f->outcome != API_TELLS_NOTHING)
        printf("%s// tells of failure by: %s%s\n", dim, outcome_name(f->outcome), plain);
    const char *result = api_type(s->table, f->result).name;
    printf("%s%s%s%s%s", result, result[strlen(result) - 1] == '*' ? "" : " ",
           cli_style(stdout, CLI_BOLD), f->name, plain);
    print_arguments(s);
    if (f->result_group) {
        print_group_name(s, f->result_group, "// returns ");
        printf("\n");
    }
    if (!s->everything)
        return;
    struct api_mentions m;
    api_mentions(s->table, f, &m);
    for (size_t i = 0; i < m.type_count; i++)
        print_structure(s, m.types[i]);
    for (size_t i = 0; i < m.group_count; i++)
        print_constants(s, m.groups[i]);
}

/* ---- JSON
 * ---------------------------------------------------------------------------------------- */

static json_t *group_name(const struct api_shown *s, api_group_id id)
{
    return id ? json_string(api_group(s->table, id).name) : json_null();
}

static json_t *describe_type(const struct api_shown *s, api_type_id id)
{
    struct api_type y = api_type(s->table, id);
    return json_pack("{s:s s:s s:i}", "name", y.name, "kind", api_kind_name(y.kind), "size",
                     (int)api_size(&y, s->bitness));
}

static json_t *describe_place(const struct api_shown *s, unsigned i)
{
    static const char *const registers64[] = {"rcx", "rdx", "r8", "r9"};
    static const char *const registers32[] = {"ecx", "edx"};
    static const char *const vectors[] = {"xmm0", "xmm1", "xmm2", "xmm3"};
    struct api_place p = api_place(s->table, &s->function, i, s->bitness);
    json_t *j = json_object();
    if (p.where == API_STACK)
        json_object_set_new(j, "stack", json_integer(p.at));
    else
        json_object_set_new(j, "register",
                            json_string(p.where == API_VECTOR ? vectors[p.at]
                                        : s->bitness == 8     ? registers64[p.at]
                                                              : registers32[p.at]));
    if (p.by_reference)
        json_object_set_new(j, "by_reference", json_true());
    return j;
}

static json_t *describe_argument(const struct api_shown *s, unsigned i)
{
    const struct api_function *f = &s->function;
    struct api_arg a = api_arg(s->table, f, i);
    json_t *j = json_pack("{s:s s:o s:s s:o s:o}", "name", a.name, "type", describe_type(s, a.type),
                          "direction", api_direction_name(a.direction), "constants",
                          group_name(s, a.group), "place", describe_place(s, i));
    if (a.size_kind != API_SIZE_UNKNOWN)
        json_object_set_new(j, a.size_kind == API_SIZE_BYTES ? "bytes" : "elements",
                            json_string(api_arg(s->table, f, a.size_arg).name));
    if (a.filled_arg != API_NO_ARG)
        json_object_set_new(j, "filled", json_string(api_arg(s->table, f, a.filled_arg).name));
    return j;
}

static json_t *describe_structure(const struct api_shown *s, api_type_id id)
{
    struct api_type y = api_type(s->table, id);
    json_t *fields = json_array();
    for (unsigned i = 0; i < y.count; i++) {
        struct api_field f = api_field(s->table, &y, i);
        if (api_field_at(&f, s->bitness) == API_NOWHERE)
            continue;
        json_t *j = json_pack("{s:s s:o s:i s:o}", "name", f.name, "type", describe_type(s, f.type),
                              "offset", (int)api_field_at(&f, s->bitness), "constants",
                              group_name(s, f.group));
        if (f.bits)
            json_object_set_new(j, "bits", json_pack("[i, i]", f.bit, f.bits));
        json_array_append_new(fields, j);
    }
    return json_pack("{s:s s:i s:o}", "name", y.name, "size", (int)api_size(&y, s->bitness),
                     "fields", fields);
}

static json_t *describe_constants(const struct api_shown *s, api_group_id id)
{
    struct api_group g = api_group(s->table, id);
    json_t *values = json_object();
    for (unsigned i = 0; i < g.count; i++) {
        uint64_t v;
        const char *name = api_constant(s->table, &g, i, &v);
        json_object_set_new(values, name, json_integer((json_int_t)v));
    }
    return json_pack("{s:s s:s s:o}", "name", g.name, "kind", g.is_flags ? "flags" : "enum",
                     "values", values);
}

static json_t *describe_head(const struct api_shown *s)
{
    const struct api_function *f = &s->function;
    return json_pack(
        "{s:s s:s s:s s:s s:s s:i s:i s:b s:b s:o s:o s:s}", "name", f->name, "asked", s->asked,
        "header", f->header, "category", api_category_name(s->table, f->category), "convention",
        api_convention_name(f->convention), "stack", (int)f->stack, "pops",
        (int)api_pops(s->table, f, 4), "variadic", (int)(f->flags & API_VARIADIC), "hidden_result",
        (int)api_hidden_result(s->table, f, s->bitness), "result", describe_type(s, f->result),
        "result_constants", group_name(s, f->result_group), "failure", outcome_name(f->outcome));
}

json_t *api_show_json(const struct api_shown *s)
{
    const struct api_function *f = &s->function;
    json_t *arguments = json_array(), *structures = json_array(), *constants = json_array();
    struct api_mentions m;
    api_mentions(s->table, f, &m);
    for (unsigned i = 0; i < f->count; i++)
        json_array_append_new(arguments, describe_argument(s, i));
    for (size_t i = 0; i < m.type_count; i++)
        json_array_append_new(structures, describe_structure(s, m.types[i]));
    for (size_t i = 0; i < m.group_count; i++)
        json_array_append_new(constants, describe_constants(s, m.groups[i]));
    json_t *j = describe_head(s);
    json_object_set_new(j, "arguments", arguments);
    if (f->flags & API_VARIADIC)
        json_object_set_new(j, "variadic_place", describe_place(s, f->count));
    json_object_set_new(j, "structures", structures);
    json_object_set_new(j, "constants", constants);
    if (s->found != API_EXACT)
        json_object_set_new(j, "found", json_string(api_found_text(s->found)));
    return j;
}
