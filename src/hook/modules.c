// SPDX-License-Identifier: GPL-2.0-or-later
/* Images that come and go, their exports, and the thunks that stand for those. */
#include "base/ser.h"
#include "base/utf.h"
#include "hook/internal.h"
#include "nt/mm/mm.h"
#include "pe/pe.h"
#include "win/win.h"

#include <ctype.h>

enum { THUNK = NT_IMAGE_THUNK, FORWARDS_MAX = 8, EXPORTS_MAX = 0x10000 };

/* ---- Finding
 * ------------------------------------------------------------------------------------------ */

static bool holds(const struct hook_module *m, nt_id process, uint64_t address)
{
    return m->process == process && address - m->base < m->size;
}

/* Index in `mapped` of the first one behind the address. */
static size_t behind(const struct hooks *h, nt_id process, uint64_t address)
{
    size_t low = 0, high = h->mapped.len;
    while (low < high) {
        size_t mid = (low + high) / 2;
        const struct hook_module *m = h->mapped.data[mid];
        if (m->process < process || (m->process == process && m->base <= address))
            low = mid + 1;
        else
            high = mid;
    }
    return low;
}

struct hook_module *hooks_module_at(struct hooks *h, const struct nt_process *p, uint64_t address)
{
    if (h->last && holds(h->last, p->o.id, address))
        return h->last;
    size_t i = behind(h, p->o.id, address);
    if (!i || !holds(h->mapped.data[i - 1], p->o.id, address))
        return NULL;
    return h->last = h->mapped.data[i - 1];
}

struct hook_symbol *hook_thunk_at(struct hooks *h, const struct nt_process *p, uint64_t back)
{
    struct hook_module *m = hooks_module_at(h, p, back - 1);
    if (!m || back <= m->thunks)
        return NULL;
    uint64_t i = (back - 1 - m->thunks) / THUNK;
    return i < m->symbols.len && m->symbols.data[i].wanted ? &m->symbols.data[i] : NULL;
}

static struct hook_module *module_named(struct hooks *h, const struct nt_process *p,
                                        const char *name, size_t len)
{
    vec_foreach (it, &h->mapped) {
        struct hook_module *m = *it;
        size_t have = strlen(m->name);
        bool same = have == len || (have == len + 4 && !strcmp(m->name + len, ".dll"));
        if (m->process == p->o.id && same && !strncasecmp(m->name, name, len))
            return m;
    }
    return NULL;
}

static int by_name(const void *a, const void *b)
{
    const struct hook_symbol *x = *(struct hook_symbol *const *)a;
    const struct hook_symbol *y = *(struct hook_symbol *const *)b;
    int order = strcmp(x->name, y->name);
    return order ? order : x < y ? -1 : 1;
}

static void sort_names(struct hook_module *m)
{
    vec_foreach (s, &m->symbols)
        if (s->name)
            vec_push(&m->by_name, s);
    qsort(m->by_name.data, m->by_name.len, sizeof *m->by_name.data, by_name);
}

static struct hook_symbol *symbol_named(struct hook_module *m, const char *name)
{
    uint32_t ordinal = name[0] == '#' ? (uint32_t)strtoul(name + 1, NULL, 10) : 0;
    if (name[0] == '#') {
        vec_foreach (s, &m->symbols)
            if (s->ordinal == ordinal)
                return s;
        return NULL;
    }
    if (!m->by_name.len && m->symbols.len)
        sort_names(m);
    size_t low = 0, high = m->by_name.len;
    while (low < high) {
        size_t mid = (low + high) / 2;
        if (strcmp(m->by_name.data[mid]->name, name) < 0)
            low = mid + 1;
        else
            high = mid;
    }
    bool found = low < m->by_name.len && !strcmp(m->by_name.data[low]->name, name);
    return found ? m->by_name.data[low] : NULL;
}

uint64_t hook_target(struct hooks *h, const struct nt_process *p, struct hook_symbol *s)
{
    struct hook_symbol *at = s;
    for (int steps = 0; !s->address && at && at->forward && steps < FORWARDS_MAX; steps++) {
        const char *dot = strrchr(at->forward, '.');
        struct hook_module *m = module_named(h, p, at->forward, (size_t)(dot - at->forward));
        at = m ? symbol_named(m, dot + 1) : NULL;
        if (at && at->address)
            s->address = at->address;
    }
    return s->address;
}

const char *hooks_symbol_near(const struct hook_module *m, uint64_t address, uint64_t *offset)
{
    const struct hook_symbol *best = NULL;
    vec_foreach (s, &m->symbols)
        if (s->name && !s->forward && s->address && s->address <= address &&
            (!best || s->address > best->address))
            best = s;
    *offset = address - (best ? best->address : m->base);
    return best ? best->name : "";
}

uint64_t hooks_address_of(struct hooks *h, const struct nt_process *p, const char *name)
{
    const char *bang = strchr(name, '!');
    vec_foreach (it, &h->mapped) {
        struct hook_module *m = *it;
        if (m->process != p->o.id || (bang && m != module_named(h, p, name, (size_t)(bang - name))))
            continue;
        struct hook_symbol *s = symbol_named(m, bang ? bang + 1 : name);
        if (s && hook_target(h, p, s))
            return s->address;
    }
    return 0;
}

/* ---- Images
 * ------------------------------------------------------------------------------------------- */

enum { HEADERS = 0x1000 }; /* enough for what is said of all headers */

static bool headers_there(struct hooks *h, struct nt_process *p, uint64_t base)
{
    size_t size;
    const uint8_t *b = nt_image_part(h->k, p, base, 0, HEADERS, &size);
    uint32_t at = b ? pe_u32(b + 0x3c) : 0, headers;
    if (!b || !nt_image_part(h->k, p, base, at, 0x200, &size))
        return false;
    headers = pe_u32(b + at + 24 + 60); /* SizeOfHeaders */
    return headers && nt_image_part(h->k, p, base, 0, MIN((size_t)headers, size), &size);
}

/* What an export directory leads to mostly lies inside of it: tables, and texts that end there. */
static bool exports_inside(const struct pe_image *img, const struct pe_directory *dir)
{
    struct pe_exports ex;
    const uint8_t *d = pe_bytes(img, dir->rva, dir->size);
    if (!d || d[dir->size - 1] || dir->size < PE_EXPORT_DIRECTORY_SIZE ||
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

static bool all_there(struct hooks *h, struct nt_process *p, uint64_t base)
{
    size_t size;
    return nt_image_bytes(h->k, p, base, &size) != NULL;
}

bool hook_open_image(struct hooks *h, struct nt_process *p, uint64_t base, struct pe_image *img,
                     unsigned directory)
{
    size_t size;
    const uint8_t *bytes = nt_image_part(h->k, p, base, 0, 1, &size);
    if (!bytes || (!headers_there(h, p, base) && !all_there(h, p, base)) ||
        pe_open(img, bytes, size, PE_MAPPED, "image", NULL))
        return false;
    struct pe_directory dir = pe_directory(img, directory);
    if (!dir.rva || !dir.size)
        return true;
    bool there = nt_image_part(h->k, p, base, dir.rva, dir.size, &size) != NULL;
    if (there && directory == IMAGE_DIRECTORY_ENTRY_EXPORT)
        there = exports_inside(img, &dir);
    return there || all_there(h, p, base);
}

/* ---- Exports
 * ------------------------------------------------------------------------------------------ */

struct reading {
    struct hook_module *m;
    const struct pe_image *img;
    uint32_t base;          /* lowest ordinal */
    size_t texts;           /* bytes */
    bool measuring;         /* first pass: how long are the names */
    struct pe_section last; /* that was looked at */
};

static char *keep(struct reading *r, const char *text)
{
    size_t len = strlen(text) + 1;
    char *at = (char *)r->m->texts + r->texts;
    if (!r->measuring)
        memcpy(at, text, len);
    r->texts += len;
    return at;
}

static bool is_code(struct reading *r, uint32_t rva)
{
    if (rva - r->last.rva >= r->last.virtual_size) {
        int i = pe_section_at(r->img, rva);
        if (i < 0)
            return false;
        r->last = pe_section(r->img, (unsigned)i);
    }
    return r->last.characteristics & IMAGE_SCN_MEM_EXECUTE;
}

static bool on_export(void *ctx, const struct pe_export *x)
{
    struct reading *r = ctx;
    size_t i = x->ordinal - r->base;
    if (r->measuring) {
        r->texts += x->name ? strlen(x->name) + 1 : 0;
        r->texts += x->forwarder ? strlen(x->forwarder) + 1 : 0;
        return true;
    }
    struct hook_symbol *s = i < r->m->symbols.len ? &r->m->symbols.data[i] : NULL;
    /* A second name of one function changes nothing: the table has one address for both. */
    if (!s || s->rva || s->forward)
        return true;
    if (x->forwarder && !strchr(x->forwarder, '.'))
        return true;
    if (!x->forwarder && !is_code(r, x->rva))
        return true;
    s->name = x->name ? keep(r, x->name) : NULL;
    s->forward = x->forwarder ? keep(r, x->forwarder) : NULL;
    s->ordinal = x->ordinal;
    s->rva = x->forwarder ? 0 : x->rva;
    s->address = x->forwarder ? 0 : r->m->base + x->rva;
    return true;
}

static void read_exports(struct hook_module *m, const struct pe_image *img)
{
    struct pe_exports ex;
    struct reading r = {.m = m, .img = img, .measuring = true};
    if (!pe_exports_open(&ex, img) || ex.nfunctions > EXPORTS_MAX)
        return;
    r.base = ex.base;
    vec_reserve(&m->symbols, ex.nfunctions);
    m->symbols.len = ex.nfunctions;
    memset(m->symbols.data, 0, ex.nfunctions * sizeof *m->symbols.data);
    vec_foreach (s, &m->symbols)
        s->module = m;
    pe_exports_visit(&ex, on_export, &r);
    m->text_len = r.texts;
    m->texts = xcalloc(r.texts + 1, 1);
    r.measuring = false;
    r.texts = 0;
    pe_exports_visit(&ex, on_export, &r);
}

/* ---- Thunks
 * ------------------------------------------------------------------------------------------ */

void hook_ask_listeners(struct hooks *h, struct hook_symbol *s)
{
    enum hook_kind kind;
    if ((!s->rva && !s->forward) || !hook_classify(s->module->name, s->name, &kind))
        return;
    s->kind = kind;
    for (unsigned i = 0; i < HOOK_LISTENERS; i++) {
        const struct hook_listener *l = &h->listeners[i];
        s->wanted |= l->enter && l->wants(l->ctx, s);
    }
}

/* `call [gate]` with the last slot as the pointer, or `call gate`. */
static void make_thunk(const struct nt_process *p, const struct hook_module *m, size_t i,
                       uint8_t out[THUNK])
{
    uint64_t at = m->thunks + i * THUNK, pointer = m->thunks + m->symbols.len * THUNK;
    memset(out, 0xcc, THUNK);
    if (p->ptr_size == 8) {
        uint32_t distance = (uint32_t)(pointer - (at + 6));
        out[0] = 0xff;
        out[1] = 0x15;
        memcpy(out + 2, &distance, 4);
    } else {
        uint32_t distance = (uint32_t)(hook_gate_address(GATE_CALL) - (at + 5));
        out[0] = 0xe8;
        memcpy(out + 1, &distance, 4);
    }
}

/*
 * Whether the function itself may stand where a forwarder was. The loader counts users of the DLL
 * that a forwarder leads to; these stay as long as the process.
 */
static bool may_be_moved(const struct hook_symbol *s)
{
    static const char *const always[] = {"ntdll.", "kernelbase.", "kernel32."};
    for (size_t i = 0; i < ARRAY_LEN(always); i++)
        if (!strncasecmp(s->forward, always[i], strlen(always[i])))
            return true;
    return false;
}

/* Where the guest's copy of the export address table is; false: not where it should be. */
static bool address_table(const struct pe_image *img, const struct hook_module *m, uint64_t *va)
{
    struct pe_directory dir = pe_directory(img, IMAGE_DIRECTORY_ENTRY_EXPORT);
    const uint8_t *d = dir.size >= 40 ? pe_bytes(img, dir.rva, 40) : NULL;
    if (!d)
        return false;
    uint32_t rva = pe_u32(d + 28);
    *va = m->base + rva;
    return range_inside(rva, m->symbols.len * 4, m->size);
}

/* Where the table of rows below has, or would have, this one. */
static size_t row_of(const uint32_t *rows, size_t mask, const struct hook_module *m, uint32_t rva)
{
    size_t at = (rva * 0x9e3779b1u >> 8) & mask;
    while (rows[at] && m->symbols.data[rows[at] - 1].rva != rva)
        at = (at + 1) & mask;
    return at;
}

/* Exports of one function have one address: they share the thunk of the first that is wanted. */
static void name_own_thunks(const struct hook_module *m, uint32_t *entries)
{
    size_t mask = 15;
    while (mask < 2 * m->symbols.len)
        mask = 2 * mask + 1;
    uint32_t *rows = xcalloc(mask + 1, sizeof *rows); /* index and 1 of who has the thunk, by rva */
    for (uint32_t i = 0; i < m->symbols.len; i++) {
        const struct hook_symbol *s = &m->symbols.data[i];
        size_t at = row_of(rows, mask, m, s->rva);
        if (s->rva && s->wanted && !rows[at])
            rows[at] = i + 1;
    }
    for (size_t i = 0; i < m->symbols.len; i++) {
        uint32_t rva = m->symbols.data[i].rva;
        uint32_t first = rva ? rows[row_of(rows, mask, m, rva)] : 0;
        if (first)
            entries[i] = (uint32_t)(m->thunks + (first - 1) * (uint64_t)THUNK - m->base);
    }
    free(rows);
}

static bool name_forward_thunks(struct hooks *h, const struct nt_process *p, struct hook_module *m,
                                uint32_t *entries)
{
    bool changed = false;
    m->settled = true;
    for (size_t i = 0; i < m->symbols.len; i++) {
        struct hook_symbol *s = &m->symbols.data[i];
        if (!s->wanted || !s->forward || s->address || !may_be_moved(s))
            continue;
        if (!hook_target(h, p, s)) {
            m->settled = false;
            continue;
        }
        entries[i] = (uint32_t)(m->thunks + i * THUNK - m->base);
        changed = true;
    }
    return changed;
}

/* Points table entries at thunks. `forwards`: those that lead elsewhere, else the module's own. */
static void rewrite(struct hooks *h, struct nt_process *p, struct hook_module *m, uint64_t table,
                    bool forwards)
{
    size_t size = m->symbols.len * 4;
    uint32_t *entries = xmalloc(size + 4);
    bool changed = mem_peek(p->mem, table, entries, size);
    if (changed && forwards)
        changed = name_forward_thunks(h, p, m, entries);
    else if (changed)
        name_own_thunks(m, entries);
    if (changed)
        mem_poke(p->mem, table, entries, size);
    free(entries);
}

/* Thunks for what is wanted, and a table that names them. */
static void write_thunks(struct hooks *h, struct nt_process *p, struct hook_module *m,
                         const struct pe_image *img)
{
    size_t n = m->symbols.len;
    uint64_t gate = hook_gate_address(GATE_CALL), table;
    if (!address_table(img, m, &table))
        return;
    uint8_t *code = xcalloc(n + 1, THUNK);
    for (size_t i = 0; i < n; i++)
        if (m->symbols.data[i].wanted)
            make_thunk(p, m, i, code + i * THUNK);
    memcpy(code + n * THUNK, &gate, 8);
    if (!mem_poke(p->mem, m->thunks, code, (n + 1) * THUNK)) {
        m->table = table;
        rewrite(h, p, m, table, false);
    }
    free(code);
}

/* True: some are wanted that were not before. */
static bool ask(struct hooks *h, struct hook_module *m)
{
    bool any = false;
    vec_foreach (s, &m->symbols) {
        s->brief = HOOK_BRIEF_UNKNOWN;
        if (s->wanted)
            continue;
        hook_ask_listeners(h, s);
        any |= s->wanted;
    }
    return any;
}

void hook_module_refresh(struct hooks *h, struct hook_module *m)
{
    struct nt_process *p = nt_process_get(h->k, m->process);
    struct pe_image img;
    uint64_t room = nt_image_room(h->k, p, m->base);
    if ((m->symbols.len + 1) * THUNK > room || !ask(h, m) ||
        !hook_open_image(h, p, m->base, &img, IMAGE_DIRECTORY_ENTRY_EXPORT))
        return;
    write_thunks(h, p, m, &img);
    if (m->system && m->table)
        rewrite(h, p, m, m->table, true);
}

uint64_t hook_thunk_of(struct hooks *h, const struct nt_process *p, uint64_t address)
{
    struct hook_module *m = hooks_module_at(h, p, address);
    if (!m || address >= m->thunks)
        return 0;
    for (size_t i = 0; i < m->symbols.len; i++)
        if (m->symbols.data[i].address == address && m->symbols.data[i].wanted)
            return m->thunks + i * THUNK;
    return 0;
}

/* ---- Coming and going
 * --------------------------------------------------------------------------------- */

void hook_module_insert(struct hooks *h, struct hook_module *m)
{
    vec_insert(&h->mapped, behind(h, m->process, m->base), m);
}

/* What nobody points to any more. */
static void sweep(struct hooks *h)
{
    for (size_t i = h->modules.len; i-- > 0 && !h->busy;) {
        struct hook_module *m = h->modules.data[i];
        if (!m->gone || m->point || hook_is_called(h, m))
            continue;
        vec_remove(&h->modules, i);
        hook_module_free(h, m);
    }
}

static void leave(struct hooks *h, const struct nt_process *p, uint64_t base)
{
    for (size_t i = 0; i < h->mapped.len; i++) {
        struct hook_module *m = h->mapped.data[i];
        if (m->process != p->o.id || m->base != base)
            continue;
        m->gone = true;
        vec_remove(&h->mapped, i);
        h->last = NULL;
        hook_forget_noted(h);
        break;
    }
    sweep(h);
}

static char *base_name(const uint16_t *path, size_t len)
{
    size_t at = len;
    while (at && path[at - 1] != '\\')
        at--;
    char *name = utf16_to_utf8(path + at, len - at, NULL);
    for (char *c = name; *c; c++)
        *c = (char)tolower((unsigned char)*c);
    return name;
}

static bool in_windows(const uint16_t *path, size_t len)
{
    char *text = utf16_to_utf8(path, len, NULL);
    bool yes = !strncasecmp(text, "\\??\\C:\\windows\\", 15);
    free(text);
    return yes;
}

/* Forwarders of modules that came earlier may have found where they lead. Those of the program's
 * own DLLs stay: GetProcAddress of either name gives the same address. */
static void follow_forwards(struct hooks *h, struct nt_process *p)
{
    vec_foreach (it, &h->mapped)
        if ((*it)->process == p->o.id && (*it)->table && (*it)->system && !(*it)->settled)
            rewrite(h, p, *it, (*it)->table, true);
}

void hooks_image(struct hooks *h, struct nt_process *p, uint64_t base, uint64_t size,
                 const uint16_t *path, size_t path_len, bool mapped)
{
    struct pe_image img;
    if (!mapped) {
        leave(h, p, base);
        return;
    }
    if (!path || !hook_open_image(h, p, base, &img, IMAGE_DIRECTORY_ENTRY_EXPORT))
        return;
    struct hook_module *m = xcalloc(1, sizeof *m);
    uint64_t room = nt_image_room(h->k, p, base);
    m->name = base_name(path, path_len);
    m->process = p->o.id;
    m->base = base;
    m->size = size;
    m->system = base != p->image_base && in_windows(path, path_len);
    m->thunks = base + size - room;
    vec_push(&h->modules, m);
    hook_module_insert(h, m);
    read_exports(m, &img);
    if ((m->symbols.len + 1) * THUNK <= room && ask(h, m))
        write_thunks(h, p, m, &img);
    follow_forwards(h, p);
}

void hook_module_free(struct hooks *h, struct hook_module *m)
{
    vec_foreach (s, &m->symbols)
        for (unsigned i = 0; i < HOOK_LISTENERS; i++)
            if (s->user[i] && h->listeners[i].forget)
                h->listeners[i].forget(h->listeners[i].ctx, s);
    free(m->name);
    free(m->texts);
    vec_free(&m->symbols);
    vec_free(&m->by_name);
    free(m);
}

/* ---- Snapshots
 * ------------------------------------------------------------------------------------------ */

/* Offset in the texts and one more; 0: NULL. */
static void transfer_text(struct ser *s, const struct hook_module *m, const char **text)
{
    uint32_t at = *text && !s->loading ? (uint32_t)((const uint8_t *)*text - m->texts) + 1 : 0;
    SER(s, at);
    if (!s->loading)
        return;
    if (at > m->text_len)
        ser_fail(s, "snapshot: the name of a function lies outside of its module's");
    *text = at && !s->failed ? (const char *)m->texts + at - 1 : NULL;
}

static void transfer_function(struct hooks *h, struct ser *s, struct hook_symbol *f)
{
    const struct hook_module *m = f->module;
    transfer_text(s, m, &f->name);
    transfer_text(s, m, &f->forward);
    SER(s, f->ordinal);
    SER(s, f->rva);
    SER(s, f->address);
    SER(s, f->kind);
    SER(s, f->wanted);
    if (!s->loading || s->failed)
        return;
    if (f->forward && !strchr(f->forward, '.'))
        ser_fail(s, "snapshot: a forwarder without a module");
    for (unsigned i = 0; f->wanted && i < HOOK_LISTENERS; i++)
        if (h->listeners[i].enter)
            h->listeners[i].wants(h->listeners[i].ctx, f);
}

void hook_module_transfer(struct hooks *h, struct ser *s, struct hook_module *m)
{
    size_t n = m->symbols.len;
    ser_text(s, &m->name);
    SER(s, m->process);
    SER(s, m->base);
    SER(s, m->size);
    SER(s, m->system);
    SER(s, m->gone);
    SER(s, m->unhooked);
    SER(s, m->thunks);
    SER(s, m->table);
    ser_bytes(s, &m->texts, &m->text_len, EXPORTS_MAX * 512);
    ser_count(s, &n, EXPORTS_MAX);
    if (s->failed)
        return;
    if (s->loading && (!m->name || (m->text_len && m->texts[m->text_len - 1]))) {
        ser_fail(s, "snapshot: the names of a module's functions do not end");
        return;
    }
    for (size_t i = 0; i < n && !s->failed; i++) {
        if (s->loading)
            vec_push(&m->symbols, (struct hook_symbol){.module = m});
        transfer_function(h, s, &m->symbols.data[i]);
    }
}
