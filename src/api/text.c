// SPDX-License-Identifier: GPL-2.0-or-later
#include "api/table.h"

#include <string.h>

struct line {
    char *out;
    size_t size, len;
};

/* Appends `|name` when it fits whole. */
static bool append(struct line *l, const char *name)
{
    size_t n = strlen(name), bar = l->len != 0;
    if (l->len + bar + n + 1 > l->size)
        return false;
    if (bar)
        l->out[l->len++] = '|';
    memcpy(l->out + l->len, name, n + 1);
    l->len += n;
    return true;
}

/* A value of 32 bits may come with zeroes above it or with copies of its sign. */
static uint64_t narrowed(uint64_t v)
{
    uint64_t high = v >> 32;
    return high == 0 || high == UINT32_MAX ? (uint32_t)v : v;
}

/* Decimal, or hexadecimal with "0x"; whole, as far as there is room for all of it. */
static void append_digits(struct line *l, uint64_t v, bool hex)
{
    char digits[24], *p = digits + sizeof digits;
    *--p = 0;
    do {
        *--p = "0123456789abcdef"[hex ? v & 15 : v % 10];
        v = hex ? v >> 4 : v / 10;
    } while (v);
    if (hex) {
        *--p = 'x';
        *--p = '0';
    }
    append(l, p);
}

static void put_number(struct line *l, uint64_t v)
{
    append_digits(l, v, v >= 0x10000);
}

/* Those of a group: what is looked through for each value is not to be unpacked first. */
static const struct table_constant *constants(const struct api_table *t, const struct api_group *g)
{
    if (!g->count)
        return NULL;
    const struct table_constant *last = api_row(t, API_CONSTANTS, (size_t)g->first + g->count - 1);
    return last - (g->count - 1);
}

static void put_enum(struct line *l, const struct api_table *t, const struct api_group *g,
                     uint64_t value)
{
    const struct table_constant *c = constants(t, g);
    for (unsigned i = 0; i < g->count; i++)
        if (narrowed(c[i].value) == value && append(l, api_string(t, c[i].name)))
            return;
    put_number(l, value);
}

/* The table has names for several bits before those for single ones. */
static void put_flags(struct line *l, const struct api_table *t, const struct api_group *g,
                      uint64_t value)
{
    const struct table_constant *c = constants(t, g);
    struct line names = *l;
    uint64_t left = value;
    names.size -= 20; /* so that what has no name is not lost: "|0x" and 16 digits */
    for (unsigned i = 0; i < g->count && (left || !value); i++) {
        uint64_t v = narrowed(c[i].value);
        bool shows = value ? (value & v) == v && (left & v) : !v;
        if (shows && append(&names, api_string(t, c[i].name))) {
            left &= ~v;
            if (!value)
                break;
        }
    }
    l->len = names.len;
    if (left || !l->len)
        append_digits(l, left, left != 0);
}

size_t api_value_text(const struct api_table *t, api_group_id id, uint64_t value, char *out,
                      size_t size)
{
    BUG_ON(size < 24);
    struct api_group g = api_group(t, id);
    struct line l = {out, size, 0};
    out[0] = 0;
    if (g.is_flags)
        put_flags(&l, t, &g, narrowed(value));
    else
        put_enum(&l, t, &g, narrowed(value));
    return l.len;
}

/* ---- Failure
 * ------------------------------------------------------------------------------------- */

bool api_failed(const struct api_table *t, const struct api_function *f, uint64_t result,
                unsigned bitness)
{
    const struct table_type *y = api_row(t, API_TYPES, f->result);
    uint32_t size = bitness == 8 ? y->size64 : y->size32;
    uint64_t all = size >= 8 ? UINT64_MAX : (1ull << 8 * size) - 1;
    switch ((enum api_outcome)f->outcome) {
    case API_ZERO_FAILS:
    case API_ZERO_FAILS_ERRNO:
        return !(result & all);
    case API_MINUS_ONE_FAILS:
    case API_MINUS_ONE_FAILS_ERRNO:
        return (result & all) == all;
    case API_IS_NTSTATUS:
    case API_IS_HRESULT:
        return (int32_t)result < 0;
    case API_IS_WINERROR:
    case API_IS_ERRNO:
        return (uint32_t)result != 0;
    case API_TELLS_NOTHING:
    case API_OUTCOME_COUNT:
        break;
    }
    return false;
}
