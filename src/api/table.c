// SPDX-License-Identifier: GPL-2.0-or-later
#include "api/table.h"
#include "base/bits.h"

#include <string.h>

extern const uint8_t pgr_prototypes[], pgr_prototypes_end[];

void api_builtin(struct api_table *t)
{
    struct pgr_error e;
    if (api_open(t, pgr_prototypes, (size_t)(pgr_prototypes_end - pgr_prototypes), &e))
        BUG("the built-in table of prototypes: %s", e.text);
}

pgr_status api_open(struct api_table *t, const void *data, size_t size, struct pgr_error *e)
{
    const struct table_head *h = data;
    if (size < sizeof *h || memcmp(h->magic, "PGRAPI2", 8) || h->size != size)
        return err_set(e, PGR_E_FORMAT, "this is no table of prototypes, or not all of one");
    *t = (struct api_table){.at = data, .size = size};
    for (int i = 0; i < API_PART_COUNT; i++) {
        uint32_t at = h->part[i].at, count = h->part[i].count;
        if (at % 8 || !range_inside(at, (uint64_t)count * api_row_sizes[i], size))
            return err_set(e, PGR_E_FORMAT, "part %d of the prototypes lies outside of them", i);
        t->part[i].at = t->at + at;
        t->part[i].count = count;
    }
    const uint8_t *strings = t->part[API_STRINGS].at;
    uint32_t len = t->part[API_STRINGS].count;
    if (!len || strings[0] || strings[len - 1] || !t->part[API_TYPES].count ||
        !t->part[API_GROUPS].count)
        return err_set(e, PGR_E_FORMAT, "the prototypes lack their first strings, types or groups");
    if (h->categories >= t->part[API_GROUPS].count)
        return err_set(e, PGR_E_FORMAT, "the prototypes lack the names of categories");
    return PGR_OK;
}

static const struct table_head *head(const struct api_table *t)
{
    return (const void *)t->at;
}

const char *api_source(const struct api_table *t)
{
    return api_string(t, head(t)->source);
}

const char *api_category_name(const struct api_table *t, unsigned category)
{
    struct api_group g = api_group(t, (api_group_id)head(t)->categories);
    uint64_t value;
    return category < g.count ? api_constant(t, &g, category, &value) : NULL;
}

/* ---- Rows as values
 * ------------------------------------------------------------------------------ */

size_t api_function_count(const struct api_table *t)
{
    return t->part[API_FUNCTIONS].count;
}

struct api_function api_function_at(const struct api_table *t, size_t i)
{
    const struct table_function *f = api_row(t, API_FUNCTIONS, i);
    return (struct api_function){
        .name = api_string(t, f->name),
        .header = api_string(t, f->header),
        .first = f->first,
        .result = f->result,
        .result_group = f->result_group,
        .stack = f->stack,
        .count = f->count,
        .flags = f->flags,
        .convention = f->convention,
        .category = f->category,
        .outcome = f->outcome,
    };
}

struct api_arg api_arg(const struct api_table *t, const struct api_function *f, unsigned i)
{
    BUG_ON(i >= f->count);
    const struct table_arg *a = api_row(t, API_ARGS, (size_t)f->first + i);
    return (struct api_arg){
        .name = api_string(t, a->name),
        .type = a->type,
        .group = a->group,
        .direction = a->direction,
        .size_kind = a->size_kind,
        .size_arg = a->size_arg,
        .filled_arg = a->filled_arg,
    };
}

int api_arg_index(const struct api_table *t, const struct api_function *f, const char *name)
{
    for (unsigned i = 0; i < f->count; i++) {
        if (!strcmp(api_arg(t, f, i).name, name))
            return (int)i;
    }
    return -1;
}

struct api_type api_type(const struct api_table *t, api_type_id id)
{
    const struct table_type *y = api_row(t, API_TYPES, id);
    return (struct api_type){
        .name = api_string(t, y->name),
        .size32 = y->size32,
        .size64 = y->size64,
        .kind = y->kind,
        .is_const = y->flags & 1,
        .target = y->target,
        .group = y->group,
        .first = y->first,
        .count = y->count,
    };
}

struct api_field api_field(const struct api_table *t, const struct api_type *type, unsigned i)
{
    BUG_ON(i >= type->count);
    const struct table_field *f = api_row(t, API_FIELDS, (size_t)type->first + i);
    return (struct api_field){
        .name = api_string(t, f->name),
        .at32 = f->at32,
        .at64 = f->at64,
        .type = f->type,
        .group = f->group,
        .bit = f->bit,
        .bits = f->bits,
        .overlaps = f->flags & 1,
    };
}

struct api_group api_group(const struct api_table *t, api_group_id id)
{
    const struct table_group *g = api_row(t, API_GROUPS, id);
    return (struct api_group){
        .name = api_string(t, g->name),
        .first = g->first,
        .count = g->count,
        .is_flags = g->is_flags,
    };
}

api_group_id api_group_by_name(const struct api_table *t, const char *name)
{
    for (uint32_t i = 1; i < t->part[API_GROUPS].count; i++) {
        if (!strcmp(api_group(t, (api_group_id)i).name, name))
            return (api_group_id)i;
    }
    return 0;
}

const char *api_constant(const struct api_table *t, const struct api_group *g, unsigned i,
                         uint64_t *value)
{
    BUG_ON(i >= g->count);
    const struct table_constant *c = api_row(t, API_CONSTANTS, (size_t)g->first + i);
    *value = c->value;
    return api_string(t, c->name);
}

const char *api_kind_name(enum api_kind kind)
{
    static const char *const names[API_KIND_COUNT] = {
        "void",   "bool",      "integer", "unsigned",    "char",    "wide char",        "float",
        "handle", "NTSTATUS",  "HRESULT", "Win32 error", "pointer", "function",         "structure",
        "union",  "interface", "GUID",    "enumeration", "array",   "opaque structure",
    };
    BUG_ON(kind >= API_KIND_COUNT);
    return names[kind];
}
