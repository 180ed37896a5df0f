// SPDX-License-Identifier: GPL-2.0-or-later
/* Exports by name and ordinal, and the forwarders behind them. */
#include "base/bits.h"
#include "win/resolve_internal.h"

#include <stdio.h>

enum {
    HOPS_MAX = 32,    /* no real chain has more than four */
    HASHED_MAX = 256, /* of a name: hostile tables may point 65,536 times to one long text */
    FORWARD_DLL_MAX = 256
};

static uint32_t hash(const char *name)
{
    uint32_t h = 2166136261u;
    for (size_t i = 0; i < HASHED_MAX && name[i]; i++)
        h = (h ^ (uint8_t)name[i]) * 16777619u;
    return h ^ h >> 15;
}

/* A name table need not be sorted, and a search that ends in a miss is linear in the reader: with
 * as many misses as a file likes, that is too slow. */
static void make_index(struct win_module *m)
{
    uint32_t size = 16;
    while (size < m->ex.nnames * 2)
        size *= 2;
    m->index = xcalloc(size, sizeof *m->index);
    m->index_mask = size - 1;
    for (uint32_t i = 0; i < m->ex.nnames; i++) {
        struct pe_export x;
        if (!pe_export_name_at(&m->ex, i, &x))
            continue;
        uint32_t at = hash(x.name) & m->index_mask;
        unsigned probes = 0;
        while (m->index[at] && probes++ < 64)
            at = (at + 1) & m->index_mask;
        if (!m->index[at])
            m->index[at] = i + 1;
    }
}

static bool by_name(struct win_module *m, const char *name, struct pe_export *out)
{
    if (!m->index)
        make_index(m);
    uint32_t at = hash(name) & m->index_mask;
    for (unsigned probes = 0; m->index[at] && probes <= 64; probes++) {
        if (pe_export_name_at(&m->ex, m->index[at] - 1, out) && !strcmp(out->name, name))
            return true;
        at = (at + 1) & m->index_mask;
    }
    return false;
}

static bool find(struct win_module *m, const char *name, uint32_t ordinal, struct pe_export *out)
{
    return name ? by_name(m, name, out) : pe_export_by_ordinal(&m->ex, ordinal, out);
}

/* "DLL.Function" or "DLL.#7" at the last dot. */
static bool split_forwarder(const char *text, char dll[FORWARD_DLL_MAX], const char **name,
                            uint32_t *ordinal)
{
    const char *dot = strrchr(text, '.');
    if (!dot || dot == text || dot - text >= FORWARD_DLL_MAX || !dot[1])
        return false;
    memcpy(dll, text, (size_t)(dot - text));
    dll[dot - text] = 0;
    *name = dot[1] == '#' ? NULL : dot + 1;
    *ordinal = *name ? 0 : (uint32_t)strtoul(dot + 2, NULL, 10) & 0xffff;
    return true;
}

struct win_import win_resolve_export(struct win_resolution *r, uint32_t module, const char *name,
                                     uint16_t ordinal)
{
    struct win_import out = {.name = name, .ordinal = ordinal, .module = module};
    const char *wanted = name;
    uint32_t number = ordinal;
    for (out.hops = 0; out.hops <= HOPS_MAX; out.hops++) {
        char dll[FORWARD_DLL_MAX];
        struct pe_export x;
        bool by_api_set;
        struct win_module *m = r->modules.data[out.module];
        out.state = WIN_IMPORT_NO_DLL;
        if (m->state != WIN_MODULE_FOUND)
            return out;
        out.state = WIN_IMPORT_NO_EXPORT;
        if (!find(m, wanted, number, &x))
            return out;
        out.rva = x.rva;
        if (!x.forwarder) {
            out.state = WIN_IMPORT_FOUND;
            return out;
        }
        out.last = x.forwarder;
        if (!split_forwarder(x.forwarder, dll, &wanted, &number))
            return out;
        uint32_t next = win_resolve_dll(r, dll, out.module, r->binding_delayed, &by_api_set);
        if (next == WIN_NO_MODULE)
            return out;
        out.module = next;
    }
    out.state = WIN_IMPORT_CYCLE;
    return out;
}

const char *win_import_name(const struct win_import *i, char buf[8])
{
    if (i->name)
        return i->name;
    snprintf(buf, 8, "#%u", i->ordinal);
    return buf;
}

struct search {
    uint32_t rva;
    const char *name;
};

static bool is_at(void *ctx, const struct pe_export *x)
{
    struct search *s = ctx;
    if (x->name && !x->forwarder && x->rva == s->rva)
        s->name = x->name;
    return !s->name;
}

const char *win_export_name_of(const struct win_module *m, uint32_t rva)
{
    struct search s = {rva, NULL};
    if (m->state == WIN_MODULE_FOUND)
        pe_exports_visit(&m->ex, is_at, &s);
    return s.name;
}

bool win_import_is_fatal(const struct win_resolution *r, const struct win_import *i)
{
    switch (i->state) {
    case WIN_IMPORT_FOUND:
        return false;
    case WIN_IMPORT_CYCLE:
        return true;
    case WIN_IMPORT_NO_DLL:
        /* Behind a forwarder it is an export like any that is missing. */
        return !i->hops || !r->wine;
    default:
        return !r->wine;
    }
}
