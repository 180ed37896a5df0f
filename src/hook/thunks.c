// SPDX-License-Identifier: GPL-2.0-or-later
/* Which exports are wanted, the thunks that stand for them, and the tables that name those. */
#include "hook/internal.h"
#include "nt/mm/mm.h"

enum { THUNK = NT_IMAGE_THUNK, FORWARDS_MAX = 8 };

/* ---- What is wanted
 * -------------------------------------------------------------------------------------------- */

static bool wants_any_name(const struct hook_listener *l, struct hook_symbol *s)
{
    const char *name = s->name, *other = s->also;
    bool any = l->enter && l->wants(l->ctx, s);
    while (l->enter && !any && other && *other) {
        s->name = other;
        any = l->wants(l->ctx, s);
        other += strlen(other) + 1;
    }
    s->name = name;
    return any;
}

bool hook_ask_listeners(struct hooks *h, struct hook_symbol *s)
{
    bool any = false;
    enum hook_kind kind;
    if (!hook_classify(s->module->name, s->name, &kind))
        return false;
    s->kind = kind;
    for (unsigned i = 0; i < HOOK_LISTENERS; i++)
        any |= wants_any_name(&h->listeners[i], s);
    return any;
}

void hook_forget(struct hooks *h, struct hook_symbol *s)
{
    for (unsigned i = 0; i < HOOK_LISTENERS; i++)
        if (s->user[i] && h->listeners[i].forget)
            h->listeners[i].forget(h->listeners[i].ctx, s);
}

static enum hook_share share_of(const struct hooks *h, const struct hook_module *m)
{
    enum hook_share most = HOOK_NONE;
    for (unsigned i = 0; i < HOOK_LISTENERS; i++) {
        const struct hook_listener *l = &h->listeners[i];
        enum hook_share share = !l->enter ? HOOK_NONE : l->share ? l->share(l->ctx, m) : HOOK_SOME;
        most = MAX(most, share);
    }
    return most;
}

struct choice {
    struct hooks *h;
    struct hook_module *m;
    struct hook_exports *x;
    uint64_t *asked; /* a bit for each row; NULL: nobody is asked */
};

static void set_bit(uint64_t *bits, uint32_t i, bool on)
{
    uint64_t bit = 1ull << (i % 64);
    bits[i / 64] = on ? bits[i / 64] | bit : bits[i / 64] & ~bit;
}

/* Few names among thousands are special, and their first letters tell. */
static bool may_be_special(const struct choice *c, uint32_t i)
{
    const struct pe_exports *ex = &c->x->ex;
    uint32_t at = pe_u32(ex->names + (size_t)i * 4) - ex->dir.rva;
    if (!c->x->texts || !range_inside(at, HOOK_MARK, ex->dir.size))
        return true;
    return hook_is_marked(&c->h->marks, c->x->texts + at);
}

static void drop_special(const struct choice *c)
{
    const struct pe_exports *ex = &c->x->ex;
    for (uint32_t i = 0; i < ex->nnames; i++) {
        enum hook_kind kind;
        const char *name = may_be_special(c, i) ? hook_name_at(c->x, i) : NULL;
        uint32_t row = pe_u16(ex->ordinals + (size_t)i * 2);
        if (name && row < c->m->count && !hook_classify(c->m->name, name, &kind) &&
            hook_name_of(c->x, row) == name)
            set_bit(c->m->wanted, row, false);
    }
}

static void choose_all(const struct choice *c)
{
    const struct pe_exports *ex = &c->x->ex;
    uint32_t code = 0, code_size = 0; /* nearly all lie in one section */
    for (uint32_t row = 0; row < ex->nfunctions; row++) {
        struct pe_export e;
        uint32_t rva = pe_u32(ex->functions + (size_t)row * 4);
        bool inside = rva - code < code_size && rva - ex->dir.rva >= ex->dir.size;
        if (!inside && (!rva || !hook_row(c->x, row, &e)))
            continue;
        c->m->wanted[row / 64] |= 1ull << (row % 64);
        if (!inside && !e.forwarder) {
            code = c->x->section.rva;
            code_size = c->x->section.virtual_size;
        }
    }
    drop_special(c);
}

/* With a symbol that is thrown away: most are never called. */
static bool ask_about(void *ctx, const struct pe_export *e)
{
    const struct choice *c = ctx;
    uint32_t row = e->ordinal - c->x->ex.base;
    struct hook_symbol s = {.row = row};
    if (row >= c->m->count || c->asked[row / 64] >> (row % 64) & 1 || hook_is_wanted(c->m, row) ||
        !hook_is_function(c->x, e))
        return true;
    set_bit(c->asked, row, true);
    hook_symbol_describe(&s, c->m, e);
    if (hook_ask_listeners(c->h, &s))
        set_bit(c->m->wanted, row, true);
    hook_forget(c->h, &s);
    return true;
}

static size_t count_wanted(const struct hook_module *m)
{
    size_t n = 0;
    for (uint32_t i = 0; i < m->count / 64 + 1; i++)
        n += (size_t)__builtin_popcountll(m->wanted[i]);
    return n;
}

/* True: some are wanted that were not before. */
static bool choose(struct hooks *h, struct hook_module *m, struct hook_exports *x,
                   enum hook_share share)
{
    struct choice c = {h, m, x, NULL};
    if (!hook_takes_part(m->name))
        return false;
    if (!m->wanted)
        m->wanted = xcalloc(m->count / 64 + 1, sizeof *m->wanted);
    size_t before = count_wanted(m);
    if (share == HOOK_ALL) {
        choose_all(&c);
    } else {
        c.asked = xcalloc(m->count / 64 + 1, sizeof *c.asked);
        pe_exports_visit(&c.x->ex, ask_about, &c);
        free(c.asked);
    }
    return count_wanted(m) > before;
}

/* ---- Where functions are
 * ------------------------------------------------------------------------------------------ */

enum lead { LEADS_NOWHERE, LEADS_TO_NOBODY_YET, LEADS_TO_CODE };

/* From forwarder to forwarder. */
static enum lead follow(struct hooks *h, const struct nt_process *p, const char *forward,
                        uint64_t *address)
{
    for (int steps = 0; steps < FORWARDS_MAX; steps++) {
        struct pe_export e;
        const char *dot = strrchr(forward, '.');
        struct hook_module *m = hook_module_named(h, p, forward, (size_t)(dot - forward));
        if (!m)
            return LEADS_TO_NOBODY_YET;
        if (!hook_row_named(h, m, dot + 1, &e))
            return LEADS_NOWHERE;
        if (!e.forwarder) {
            *address = m->base + e.rva;
            return LEADS_TO_CODE;
        }
        forward = e.forwarder;
    }
    return LEADS_NOWHERE;
}

uint64_t hook_target(struct hooks *h, const struct nt_process *p, struct hook_symbol *s)
{
    if (!s->address && s->forward)
        follow(h, p, s->forward, &s->address);
    return s->address;
}

uint64_t hook_row_target(struct hooks *h, const struct nt_process *p, struct hook_module *m,
                         uint32_t row)
{
    struct pe_export e;
    uint64_t address = 0;
    struct hook_symbol *s = hook_symbol_made(m, row);
    struct hook_exports *x = s ? NULL : hook_exports_of(h, m);
    if (s)
        return hook_target(h, p, s);
    if (!x || row >= m->count || !hook_row(x, row, &e))
        return 0;
    if (!e.forwarder)
        return m->base + e.rva;
    follow(h, p, e.forwarder, &address);
    return address;
}

/* ---- Thunks
 * ------------------------------------------------------------------------------------------ */

/* `call [gate]` with the last slot as the pointer, or `call gate`. */
static void make_thunk(const struct nt_process *p, const struct hook_module *m, uint32_t row,
                       uint8_t out[THUNK])
{
    uint64_t at = m->thunks + (uint64_t)row * THUNK;
    uint64_t pointer = m->thunks + (uint64_t)m->count * THUNK;
    if (p->ptr_size == 8)
        pe_put64(out, 0xcccc0000000015ff | (uint64_t)(uint32_t)(pointer - (at + 6)) << 16);
    else
        pe_put64(out, 0xcccccc00000000e8 |
                          (uint64_t)(uint32_t)(hook_gate_address(GATE_CALL) - (at + 5)) << 8);
}

/* One for each row, so that none has to be added later. */
static bool put_thunks(struct hooks *h, struct nt_process *p, const struct hook_module *m)
{
    size_t size = ((size_t)m->count + 1) * THUNK;
    uint64_t gate = hook_gate_address(GATE_CALL);
    uint8_t *code = xmalloc(size);
    for (uint32_t row = 0; row < m->count; row++)
        make_thunk(p, m, row, code + (size_t)row * THUNK);
    memcpy(code + size - THUNK, &gate, 8);
    bool done = nt_image_fill_room(h->k, p, m->base, code, size);
    free(code);
    return done;
}

static uint32_t thunk_rva(const struct hook_module *m, uint32_t row)
{
    return (uint32_t)(m->thunks + (uint64_t)row * THUNK - m->base);
}

/* ---- Tables
 * ------------------------------------------------------------------------------------------- */

/* Where the guest's copy of the export address table is; false: not where it should be. */
static bool address_table(const struct hook_exports *x, const struct hook_module *m, uint64_t *va)
{
    const uint8_t *d = x->ex.dir.size >= PE_EXPORT_DIRECTORY_SIZE
                           ? pe_bytes(&x->img, x->ex.dir.rva, PE_EXPORT_DIRECTORY_SIZE)
                           : NULL;
    if (!d)
        return false;
    uint32_t rva = pe_u32(d + 28);
    *va = m->base + rva;
    return range_inside(rva, m->count * 4ull, m->size);
}

struct owners { /* who has the thunk of a function: by its address, row and 1 */
    const uint8_t *functions;
    uint32_t *rows;
    size_t mask;
};

static uint32_t rva_of(const struct hook_exports *x, uint32_t row)
{
    return pe_u32(x->ex.functions + (size_t)row * 4);
}

/* Where the table has, or would have, this one. */
static uint32_t *owner_of(const struct owners *o, uint32_t rva)
{
    size_t at = (rva * 0x9e3779b1u >> 8) & o->mask;
    while (o->rows[at] && pe_u32(o->functions + (size_t)(o->rows[at] - 1) * 4) != rva)
        at = (at + 1) & o->mask;
    return &o->rows[at];
}

/* Exports of one function have one address: they share the thunk of the first that is wanted. */
static void name_own_thunks(const struct hook_module *m, const struct hook_exports *x,
                            uint32_t *entries)
{
    const struct pe_directory *dir = &x->ex.dir;
    struct owners o = {.functions = x->ex.functions, .mask = 255};
    while (o.mask < m->count + m->count / 2)
        o.mask = 2 * o.mask + 1;
    o.rows = xcalloc(o.mask + 1, sizeof *o.rows);
    for (uint32_t row = 0; row < m->count; row++) {
        uint32_t rva = rva_of(x, row);
        if (!hook_is_wanted(m, row) || rva - dir->rva < dir->size)
            continue;
        uint32_t *owner = owner_of(&o, rva);
        if (!*owner)
            *owner = row + 1;
        entries[row] = thunk_rva(m, *owner - 1);
    }
    for (uint32_t row = 0; row < m->count; row += m->wanted[row / 64] + 1 ? 1 : 64) {
        uint32_t rva = rva_of(x, row), owner;
        if (!hook_is_wanted(m, row) && rva && (owner = *owner_of(&o, rva)))
            entries[row] = thunk_rva(m, owner - 1);
    }
    free(o.rows);
}

/*
 * Whether the function itself may stand where a forwarder was. The loader counts users of the DLL
 * that a forwarder leads to; these stay as long as the process.
 */
static bool may_be_moved(const char *forward)
{
    static const struct {
        const char *dll;
        size_t length;
    } always[] = {{"ntdll.", 6}, {"kernelbase.", 11}, {"kernel32.", 9}};
    for (size_t i = 0; i < ARRAY_LEN(always); i++)
        if (!strncasecmp(forward, always[i].dll, always[i].length))
            return true;
    return false;
}

static void list_forwards(struct hook_module *m, struct hook_exports *x)
{
    const struct pe_directory *dir = &x->ex.dir;
    m->listed = true;
    m->waiting.len = 0;
    for (uint32_t row = 0; row < m->count; row++) {
        struct pe_export e;
        if (rva_of(x, row) - dir->rva < dir->size && hook_is_wanted(m, row) &&
            hook_row(x, row, &e) && e.forwarder && may_be_moved(e.forwarder))
            vec_push(&m->waiting, row);
    }
}

/* True: some lead to code now. Those that never will are not looked at again. */
static bool name_forward_thunks(struct hooks *h, const struct nt_process *p, struct hook_module *m,
                                struct hook_exports *x, uint32_t *entries)
{
    bool changed = false;
    size_t left = 0;
    vec_foreach (row, &m->waiting) {
        struct pe_export e;
        uint64_t address;
        enum lead lead = LEADS_NOWHERE;
        if (hook_row(x, *row, &e) && e.forwarder)
            lead = follow(h, p, e.forwarder, &address);
        if (lead == LEADS_TO_NOBODY_YET)
            m->waiting.data[left++] = *row;
        if (lead != LEADS_TO_CODE)
            continue;
        entries[*row] = thunk_rva(m, *row);
        changed = true;
    }
    m->waiting.len = left;
    return changed;
}

/* Points table entries at thunks: those of the module's own functions when `own`, and those of
 * forwarders whose ends are there. */
static void rewrite(struct hooks *h, struct nt_process *p, struct hook_module *m, bool own)
{
    struct hook_exports *x = hook_exports_of(h, m);
    size_t size = m->count * sizeof(uint32_t);
    bool changed = own;
    if (!x)
        return;
    uint32_t *entries = xmalloc(size + sizeof *entries);
    if (mem_peek(p->mem, m->table, entries, size)) {
        if (own || !m->listed)
            list_forwards(m, x);
        if (own)
            name_own_thunks(m, x, entries);
        /* Of the program's own DLLs they stay: GetProcAddress of either name is the same. */
        if (m->system)
            changed |= name_forward_thunks(h, p, m, x, entries);
        if (changed)
            mem_poke(p->mem, m->table, entries, size);
    }
    free(entries);
}

static void add_thunks(struct hooks *h, struct hook_module *m)
{
    struct nt_process *p = nt_process_get(h->k, m->process);
    enum hook_share share = share_of(h, m);
    struct hook_exports *x = share == HOOK_NONE ? NULL : hook_exports_of(h, m);
    uint64_t table;
    if (!x || (m->count + 1ull) * THUNK > nt_image_room(h->k, p, m->base) ||
        !choose(h, m, x, share) || !address_table(x, m, &table) || !put_thunks(h, p, m))
        return;
    m->table = table;
    rewrite(h, p, m, true);
}

static void ask_about_made(struct hooks *h, struct hook_module *m)
{
    for (struct hook_symbol *s = hook_symbol_next(m, 0); s; s = hook_symbol_next(m, s->row + 1)) {
        s->brief = HOOK_BRIEF_UNKNOWN;
        if (hook_is_wanted(m, s->row))
            hook_ask_listeners(h, s);
    }
}

void hook_module_refresh(struct hooks *h, struct hook_module *m)
{
    add_thunks(h, m);
    ask_about_made(h, m);
}

void hook_follow_forwards(struct hooks *h, struct nt_process *p)
{
    vec_foreach (it, &h->mapped) {
        struct hook_module *m = *it;
        if (m->process == p->o.id && m->table && m->system && (!m->listed || m->waiting.len))
            rewrite(h, p, m, false);
    }
}

/* ---- From addresses
 * -------------------------------------------------------------------------------------------- */

struct hook_module *hook_thunk_row(struct hooks *h, const struct nt_process *p, uint64_t back,
                                   uint32_t *row)
{
    struct hook_module *m = hooks_module_at(h, p, back - 1);
    if (!m || back <= m->thunks || (back - 1 - m->thunks) / THUNK >= m->count)
        return NULL;
    *row = (uint32_t)((back - 1 - m->thunks) / THUNK);
    return hook_is_wanted(m, *row) ? m : NULL;
}

struct hook_symbol *hook_thunk_at(struct hooks *h, const struct nt_process *p, uint64_t back)
{
    uint32_t row;
    struct hook_module *m = hook_thunk_row(h, p, back, &row);
    return m ? hook_symbol(h, m, row) : NULL;
}

uint64_t hook_thunk_of(struct hooks *h, const struct nt_process *p, uint64_t address)
{
    struct hook_module *m = hooks_module_at(h, p, address);
    struct hook_exports *x = m && m->table ? hook_exports_of(h, m) : NULL;
    if (!x || address >= m->thunks)
        return 0;
    for (uint32_t row = 0; row < m->count; row++)
        if (rva_of(x, row) == address - m->base && hook_is_wanted(m, row))
            return m->thunks + (uint64_t)row * THUNK;
    return 0;
}
