// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What a mapped image exports, read where it lies. A row is an index in the export address table:
 * the system's DLLs have ten thousand, of which a program calls a hundred, so there are symbols of
 * those only.
 */
#include "hook/internal.h"
#include "nt/mm/mm.h"

enum { HEADERS = 0x1000 /* enough for what is said of all headers */, BLOCK = HOOK_BLOCK };

/* ---- Images
 * ------------------------------------------------------------------------------------------- */

static bool headers_there(struct mem_object *o, uint64_t size)
{
    const uint8_t *b = size >= HEADERS ? mem_object_range(o, 0, HEADERS) : NULL;
    uint32_t at = b ? pe_u32(b + 0x3c) : 0;
    if (!b || !range_inside(at, 0x200, size))
        return false;
    uint32_t headers = pe_u32(mem_object_range(o, at, 0x200) + 24 + 60); /* SizeOfHeaders */
    if (headers)
        mem_object_range(o, 0, MIN(headers, size));
    return headers;
}

/* What an export directory leads to mostly lies inside of it: tables, and texts that end there. */
static bool exports_inside(const struct pe_image *img, const struct pe_directory *dir)
{
    struct pe_exports ex;
    const uint8_t *d = pe_bytes(img, dir->rva, dir->size);
    if (!d || dir->size < PE_EXPORT_DIRECTORY_SIZE || d[dir->size - 1] ||
        !pe_exports_open(&ex, img) || ex.damage.what)
        return false;
    const struct {
        uint32_t rva;
        uint64_t size;
    } tables[] = {{pe_u32(d + 28), ex.nfunctions * 4ull},
                  {pe_u32(d + 32), ex.nnames * 4ull},
                  {pe_u32(d + 36), ex.nnames * 2ull}};
    for (size_t i = 0; i < ARRAY_LEN(tables); i++)
        if (tables[i].size && !range_inside(tables[i].rva - dir->rva, tables[i].size, dir->size))
            return false;
    for (uint32_t i = 0; i < ex.nnames; i++)
        if (pe_u32(ex.names + (size_t)i * 4) - dir->rva >= dir->size)
            return false;
    return true;
}

/* *inside: so is all that the directory leads to, when it is that of exports. */
static bool open_image(struct hooks *h, struct nt_process *p, uint64_t base, struct pe_image *img,
                       unsigned directory, bool *inside)
{
    struct mem_object *o = nt_image_object(h->k, p, base);
    uint64_t size = o ? mem_object_size(o) : 0;
    *inside = false;
    if (!o || !size)
        return false;
    const uint8_t *bytes = headers_there(o, size) ? mem_object_range(o, 0, 1) : mem_object_bytes(o);
    if (pe_open(img, bytes, size, PE_MAPPED, "image", NULL))
        return false;
    struct pe_directory dir = pe_directory(img, directory);
    if (!dir.rva || !dir.size)
        return true;
    bool there = range_inside(dir.rva, dir.size, size);
    if (there)
        mem_object_range(o, dir.rva, dir.size);
    if (there && directory == IMAGE_DIRECTORY_ENTRY_EXPORT)
        there = *inside = exports_inside(img, &dir);
    if (!there)
        mem_object_bytes(o);
    return true;
}

bool hook_open_image(struct hooks *h, struct nt_process *p, uint64_t base, struct pe_image *img,
                     unsigned directory)
{
    bool inside;
    return open_image(h, p, base, img, directory, &inside);
}

/* ---- Tables
 * ------------------------------------------------------------------------------------------- */

static bool open_exports(struct hooks *h, const struct hook_module *m, struct hook_exports *x)
{
    bool inside;
    struct nt_process *p = nt_process_get(h->k, m->process);
    if (!p || !open_image(h, p, m->base, &x->img, IMAGE_DIRECTORY_ENTRY_EXPORT, &inside) ||
        !pe_exports_open(&x->ex, &x->img) || x->ex.nfunctions > HOOK_EXPORTS_MAX)
        return false;
    if (inside)
        x->texts = (const char *)pe_bytes(&x->img, x->ex.dir.rva, x->ex.dir.size);
    return !m->count || m->count == x->ex.nfunctions;
}

struct hook_exports *hook_exports_of(struct hooks *h, struct hook_module *m)
{
    if (m->exports || m->gone || m->closed)
        return m->exports;
    struct hook_exports *x = xcalloc(1, sizeof *x);
    if (open_exports(h, m, x)) {
        m->exports = x;
        m->count = x->ex.nfunctions;
    } else {
        m->closed = true;
        free(x);
    }
    return m->exports;
}

void hook_exports_close(struct hook_module *m)
{
    free(m->exports);
    m->exports = NULL;
}

const char *hook_name_at(const struct hook_exports *x, uint32_t i)
{
    uint32_t rva = pe_u32(x->ex.names + (size_t)i * 4);
    if (x->texts && rva - x->ex.dir.rva < x->ex.dir.size)
        return x->texts + (rva - x->ex.dir.rva);
    return pe_string(&x->img, rva);
}

/* The first from `i` on of which the row may be this one, four at a time. */
static uint32_t skip_others(const struct pe_exports *ex, uint32_t i, uint32_t row)
{
    for (; i + 4 <= ex->nnames; i += 4) {
        uint64_t v = pe_u64(ex->ordinals + (size_t)i * 2) ^ row * 0x0001000100010001u;
        if ((v - 0x0001000100010001u) & ~v & 0x8000800080008000u)
            break;
    }
    return i;
}

/* A second name of one row changes nothing. */
const char *hook_name_of(const struct hook_exports *x, uint32_t row)
{
    for (uint32_t i = skip_others(&x->ex, 0, row); i < x->ex.nnames; i++) {
        const char *name;
        if (pe_u16(x->ex.ordinals + (size_t)i * 2) == row && (name = hook_name_at(x, i)))
            return name;
        if (i % 4 == 3)
            i = skip_others(&x->ex, i + 1, row) - 1;
    }
    return NULL;
}

bool hook_is_code(struct hook_exports *x, uint32_t rva)
{
    if (rva - x->section.rva >= x->section.virtual_size) {
        int i = pe_section_at(&x->img, rva);
        if (i < 0)
            return false;
        x->section = pe_section(&x->img, (unsigned)i);
    }
    return x->section.characteristics & IMAGE_SCN_MEM_EXECUTE;
}

bool hook_is_function(struct hook_exports *x, const struct pe_export *e)
{
    return e->forwarder ? strchr(e->forwarder, '.') != NULL : hook_is_code(x, e->rva);
}

bool hook_row(struct hook_exports *x, uint32_t row, struct pe_export *out)
{
    return pe_export_by_ordinal(&x->ex, x->ex.base + row, out) && hook_is_function(x, out);
}

/* As linkers sort them; a table that is not so is left to pe_export_by_name. */
static bool find_sorted(const struct hook_exports *x, const char *name, uint32_t *row)
{
    uint32_t low = 0, high = x->texts ? x->ex.nnames : 0;
    while (low < high) {
        uint32_t mid = (low + high) / 2;
        const char *at = hook_name_at(x, mid);
        int order = at ? strcmp(at, name) : 0;
        if (!order) {
            *row = pe_u16(x->ex.ordinals + (size_t)mid * 2);
            return at;
        }
        if (order < 0)
            low = mid + 1;
        else
            high = mid;
    }
    return false;
}

bool hook_row_named(struct hooks *h, struct hook_module *m, const char *name, struct pe_export *out)
{
    struct hook_exports *x = hook_exports_of(h, m);
    if (!x)
        return false;
    uint32_t row;
    bool found;
    if (name[0] == '#')
        found = pe_export_by_ordinal(&x->ex, (uint32_t)strtoul(name + 1, NULL, 10), out);
    else if (find_sorted(x, name, &row))
        found = pe_export_by_ordinal(&x->ex, x->ex.base + row, out);
    else
        found = pe_export_by_name(&x->ex, name, out);
    return found && hook_is_function(x, out);
}

/* ---- Symbols
 * ------------------------------------------------------------------------------------------- */

struct hook_symbol *hook_symbol_made(const struct hook_module *m, uint32_t row)
{
    struct hook_symbol *block = m->blocks && row < m->count ? m->blocks[row / BLOCK] : NULL;
    return block && block[row % BLOCK].module ? &block[row % BLOCK] : NULL;
}

struct hook_symbol *hook_symbol_new(struct hook_module *m, uint32_t row)
{
    BUG_ON(row >= m->count);
    if (!m->blocks)
        m->blocks = xcalloc(m->count / BLOCK + 1, sizeof *m->blocks);
    struct hook_symbol **block = &m->blocks[row / BLOCK];
    if (!*block)
        *block = xcalloc(BLOCK, sizeof **block);
    struct hook_symbol *s = &(*block)[row % BLOCK];
    s->module = m;
    s->row = row;
    return s;
}

void hook_symbol_describe(struct hook_symbol *s, const struct hook_module *m,
                          const struct pe_export *e)
{
    s->module = m;
    s->name = e->name;
    s->forward = e->forwarder;
    s->ordinal = e->ordinal;
    s->rva = e->forwarder ? 0 : e->rva;
    s->address = e->forwarder ? 0 : m->base + e->rva;
}

/* kernel32 has lstrcpy beside lstrcpyA, and headers know the latter. */
static bool tells_more(const char *name, const char *than)
{
    size_t n = than ? strlen(than) : 0;
    return !than || (!strncmp(name, than, n) && !strcmp(name + n, "A"));
}

/* Rows with one address are one function, which has the thunk of one of them. */
static void gather_names(const struct hook_exports *x, struct hook_symbol *s)
{
    const char *names[HOOK_NAMES], *best = hook_name_of(x, s->row);
    size_t count = 0, size = 1, used = 0;
    for (uint32_t row = 0; s->rva && row < x->ex.nfunctions && count < HOOK_NAMES; row++) {
        const char *name = NULL;
        if (row == s->row || pe_u32(x->ex.functions + (size_t)row * 4) != s->rva ||
            !(name = hook_name_of(x, row)))
            continue;
        bool more = tells_more(name, best);
        names[count] = more ? best : name;
        best = more ? name : best;
        count += names[count] != NULL;
    }
    for (size_t i = 0; i < count; i++)
        size += strlen(names[i]) + 1;
    char *also = count && size < HOOK_NAMES_SIZE ? xcalloc(size, 1) : NULL;
    for (size_t i = 0; also && i < count; i++, used += strlen(also + used) + 1)
        memcpy(also + used, names[i], strlen(names[i]));
    s->name = best ? xstrdup(best) : NULL;
    s->also = also;
}

struct hook_symbol *hook_symbol(struct hooks *h, struct hook_module *m, uint32_t row)
{
    struct pe_export e;
    struct hook_symbol *s = hook_symbol_made(m, row);
    if (s)
        return s;
    struct hook_exports *x = hook_exports_of(h, m);
    if (!x || row >= m->count || !hook_row(x, row, &e))
        return NULL;
    s = hook_symbol_new(m, row);
    hook_symbol_describe(s, m, &e);
    gather_names(x, s);
    s->forward = e.forwarder ? xstrdup(e.forwarder) : NULL;
    if (hook_is_wanted(m, row))
        hook_ask_listeners(h, s);
    return s;
}

struct hook_symbol *hook_symbol_next(const struct hook_module *m, uint32_t row)
{
    while (m->blocks && row < m->count) {
        struct hook_symbol *s = hook_symbol_made(m, row);
        if (s)
            return s;
        row = m->blocks[row / BLOCK] ? row + 1 : (row / BLOCK + 1) * BLOCK;
    }
    return NULL;
}

void hook_symbols_free(struct hooks *h, struct hook_module *m)
{
    for (struct hook_symbol *s = hook_symbol_next(m, 0); s; s = hook_symbol_next(m, s->row + 1)) {
        hook_forget(h, s);
        free((char *)s->name);
        free((char *)s->also);
        free((char *)s->forward);
    }
    for (uint32_t i = 0; m->blocks && i <= m->count / BLOCK; i++)
        free(m->blocks[i]);
    free(m->blocks);
    m->blocks = NULL;
}
