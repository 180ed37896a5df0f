// SPDX-License-Identifier: GPL-2.0-or-later
#include "api/table.h"
#include "base/bits.h"

#include <string.h>

/* Each returns what is wrong with row i, or NULL. */
typedef const char *row_check(const struct api_table *t, size_t i);

static bool is_string(const struct api_table *t, uint32_t at)
{
    return at < t->part[API_STRINGS].count;
}

static bool is_range(const struct api_table *t, enum api_part part, uint32_t first, uint32_t count)
{
    return range_inside(first, count, t->part[part].count);
}

static bool is_valued(const struct api_table *t, uint16_t type, uint16_t group)
{
    return type < t->part[API_TYPES].count && group < t->part[API_GROUPS].count;
}

static bool is_in_order(const struct api_table *t, const struct table_function *f)
{
    const struct table_function *before = f - 1;
    int order = strcmp(api_string(t, before->name), api_string(t, f->name));
    return order < 0 || (!order && !(before->flags & f->flags & (API_ON_32 | API_ON_64)));
}

static const char *check_function(const struct api_table *t, size_t i)
{
    const struct table_function *f = api_row(t, API_FUNCTIONS, i);
    if (!is_string(t, f->name) || !is_string(t, f->header))
        return "has no name";
    if (!is_range(t, API_ARGS, f->first, f->count))
        return "has arguments that are not there";
    if (!is_valued(t, f->result, f->result_group) || f->convention > API_THISCALL)
        return "has no such result or convention";
    if (!api_category_name(t, f->category) || f->outcome >= API_OUTCOME_COUNT)
        return "has no such category or outcome";
    if (i && !is_in_order(t, f))
        return "is out of order";
    for (unsigned k = 0; k < f->count; k++) {
        const struct table_arg *a = api_row(t, API_ARGS, f->first + k);
        if ((a->size_arg != API_NO_ARG && a->size_arg >= f->count) ||
            (a->filled_arg != API_NO_ARG && a->filled_arg >= f->count))
            return "has a size that is no argument of it";
    }
    return NULL;
}

static const char *check_arg(const struct api_table *t, size_t i)
{
    const struct table_arg *a = api_row(t, API_ARGS, i);
    if (!is_string(t, a->name) || !is_valued(t, a->type, a->group))
        return "has no such name, type or group";
    return a->direction > API_INOUT || a->size_kind > API_SIZE_ELEMENTS ? "has no direction" : NULL;
}

static const char *check_type(const struct api_table *t, size_t i)
{
    const struct table_type *y = api_row(t, API_TYPES, i);
    if (!is_string(t, y->name) || y->kind >= API_KIND_COUNT || !is_valued(t, y->target, y->group))
        return "has no such name, kind, target or group";
    return is_range(t, API_FIELDS, y->first, y->count) ? NULL : "has fields that are not there";
}

static const char *check_field(const struct api_table *t, size_t i)
{
    const struct table_field *f = api_row(t, API_FIELDS, i);
    bool good = is_string(t, f->name) && is_valued(t, f->type, f->group);
    return good && f->bit < 64 && f->bits <= 64 ? NULL : "has no such name, type or group";
}

static const char *check_group(const struct api_table *t, size_t i)
{
    const struct table_group *g = api_row(t, API_GROUPS, i);
    bool good = is_string(t, g->name) && is_range(t, API_CONSTANTS, g->first, g->count);
    return good ? NULL : "has constants that are not there";
}

static const char *check_constant(const struct api_table *t, size_t i)
{
    const struct table_constant *c = api_row(t, API_CONSTANTS, i);
    return is_string(t, c->name) ? NULL : "has no name";
}

pgr_status api_check(const struct api_table *t, struct pgr_error *e)
{
    static const struct {
        const char *what;
        row_check *check;
    } parts[] = {
        [API_FUNCTIONS] = {"function", check_function},
        [API_ARGS] = {"argument", check_arg},
        [API_TYPES] = {"type", check_type},
        [API_FIELDS] = {"field", check_field},
        [API_GROUPS] = {"group", check_group},
        [API_CONSTANTS] = {"constant", check_constant},
    };
    if (!is_string(t, ((const struct table_head *)(const void *)t->at)->source))
        return err_set(e, PGR_E_FORMAT, "the prototypes do not say where they are from");
    /* Groups and constants first: functions refer to the names of categories by them. */
    for (size_t n = ARRAY_LEN(parts); n > 0; n--) {
        size_t p = n - 1;
        for (size_t i = 0; i < t->part[p].count; i++) {
            const char *wrong = parts[p].check(t, i);
            if (wrong)
                return err_set(e, PGR_E_FORMAT, "%s %zu of the prototypes %s", parts[p].what, i,
                               wrong);
        }
    }
    return PGR_OK;
}
