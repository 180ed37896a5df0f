// SPDX-License-Identifier: GPL-2.0-or-later
/* Images that come and go, and what is found by name or address. */
#include "base/ser.h"
#include "base/utf.h"
#include "hook/internal.h"
#include "nt/mm/mm.h"
#include "win/win.h"

#include <ctype.h>

enum { MODULE_STEP = 0x10000 }; /* what their addresses are multiples of */

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
    struct hook_module **found = &h->found[address / MODULE_STEP % HOOK_FOUND];
    if (*found && holds(*found, p->o.id, address))
        return *found;
    size_t i = behind(h, p->o.id, address);
    if (!i || !holds(h->mapped.data[i - 1], p->o.id, address))
        return NULL;
    return *found = h->mapped.data[i - 1];
}

uint64_t hooks_modules_changed(const struct hooks *h)
{
    return h->changes;
}

struct hook_module *hook_module_named(struct hooks *h, const struct nt_process *p, const char *name,
                                      size_t len)
{
    vec_foreach (it, &h->mapped) {
        struct hook_module *m = *it;
        if ((m->name[0] ^ name[0]) & ~0x20)
            continue;
        size_t have = strlen(m->name);
        bool same = have == len || (have == len + 4 && !strcmp(m->name + len, ".dll"));
        if (m->process == p->o.id && same && !strncasecmp(m->name, name, len))
            return m;
    }
    return NULL;
}

/* The first row of the highest function at or below the address; -1: none. */
static int64_t row_near(struct hook_exports *x, uint64_t rva)
{
    const struct pe_exports *ex = &x->ex;
    int64_t best = -1;
    uint32_t best_rva = 0;
    for (uint32_t i = 0; i < ex->nnames; i++) {
        uint32_t row = pe_u16(ex->ordinals + (size_t)i * 2);
        uint32_t at = row < ex->nfunctions ? pe_u32(ex->functions + (size_t)row * 4) : 0;
        if (!at || at > rva || at - ex->dir.rva < ex->dir.size ||
            (best >= 0 && (at < best_rva || (at == best_rva && row >= best))) ||
            !hook_is_code(x, at) || !hook_name_at(x, i))
            continue;
        best = row;
        best_rva = at;
    }
    return best;
}

const char *hooks_symbol_near(struct hooks *h, struct hook_module *m, uint64_t address,
                              uint64_t *offset)
{
    struct hook_exports *x = hook_exports_of(h, m);
    int64_t row = x ? row_near(x, address - m->base) : -1;
    const struct hook_symbol *s = row < 0 ? NULL : hook_symbol(h, m, (uint32_t)row);
    *offset = address - (s ? s->address : m->base);
    return s && s->name ? s->name : "";
}

uint64_t hooks_address_of(struct hooks *h, const struct nt_process *p, const char *name)
{
    const char *bang = strchr(name, '!');
    vec_foreach (it, &h->mapped) {
        struct pe_export e;
        struct hook_module *m = *it;
        if (m->process != p->o.id ||
            (bang && m != hook_module_named(h, p, name, (size_t)(bang - name))) ||
            !hook_row_named(h, m, bang ? bang + 1 : name, &e))
            continue;
        uint64_t address = hook_row_target(h, p, m, e.ordinal - m->exports->ex.base);
        if (address)
            return address;
    }
    return 0;
}

/* ---- Coming and going
 * --------------------------------------------------------------------------------- */

void hook_module_insert(struct hooks *h, struct hook_module *m)
{
    vec_insert(&h->mapped, behind(h, m->process, m->base), m);
    h->changes++;
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
        hook_exports_close(m);
        vec_remove(&h->mapped, i);
        memset(h->found, 0, sizeof h->found);
        h->changes++;
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

void hooks_image(struct hooks *h, struct nt_process *p, uint64_t base, uint64_t size,
                 const uint16_t *path, size_t path_len, bool mapped)
{
    if (!mapped) {
        leave(h, p, base);
        return;
    }
    if (!path)
        return;
    struct hook_module *m = xcalloc(1, sizeof *m);
    m->name = base_name(path, path_len);
    m->process = p->o.id;
    m->base = base;
    m->size = size;
    m->system = base != p->image_base && in_windows(path, path_len);
    m->thunks = base + size - nt_image_room(h->k, p, base);
    vec_push(&h->modules, m);
    hook_module_insert(h, m);
    hook_module_refresh(h, m);
    hook_follow_forwards(h, p);
}

void hook_module_free(struct hooks *h, struct hook_module *m)
{
    hook_symbols_free(h, m);
    hook_exports_close(m);
    free(m->name);
    free(m->wanted);
    vec_free(&m->waiting);
    free(m);
}

/* ---- Snapshots
 * ------------------------------------------------------------------------------------------ */

static void transfer_names(struct ser *s, struct hook_symbol *f)
{
    size_t n = 0;
    while (!s->loading && f->also && f->also[n])
        n += strlen(f->also + n) + 1;
    ser_count(s, &n, HOOK_NAMES_SIZE);
    if (!n || s->failed)
        return;
    char *names = s->loading ? xcalloc(n + 2, 1) : (char *)f->also;
    ser_raw(s, names, n);
    f->also = names;
}

static void transfer_symbol(struct hooks *h, struct ser *s, struct hook_symbol *f)
{
    char *name = (char *)f->name, *forward = (char *)f->forward;
    ser_text(s, &name);
    ser_text(s, &forward);
    f->name = name;
    f->forward = forward;
    transfer_names(s, f);
    SER(s, f->ordinal);
    SER(s, f->rva);
    SER(s, f->address);
    SER(s, f->kind);
    if (!s->loading || s->failed)
        return;
    if (f->forward && !strchr(f->forward, '.'))
        ser_fail(s, "snapshot: a forwarder without a module");
    else if (hook_is_wanted(f->module, f->row))
        hook_ask_listeners(h, f);
}

/* Those that were made, by their rows; then the number of rows. */
static void transfer_symbols(struct hooks *h, struct ser *s, struct hook_module *m)
{
    uint32_t row = 0;
    do {
        const struct hook_symbol *next = s->loading ? NULL : hook_symbol_next(m, row);
        if (!s->loading)
            row = next ? next->row : m->count;
        SER(s, row);
        if (s->failed || row >= m->count)
            break;
        if (s->loading && hook_symbol_made(m, row)) {
            ser_fail(s, "snapshot: a function is there twice");
            break;
        }
        transfer_symbol(h, s, s->loading ? hook_symbol_new(m, row) : hook_symbol_made(m, row));
        row++;
    } while (!s->failed);
}

static void transfer_wanted(struct ser *s, struct hook_module *m)
{
    size_t words = m->count / 64 + 1;
    if (s->failed || !m->count)
        return;
    if (!m->wanted)
        m->wanted = xcalloc(words, sizeof *m->wanted);
    ser_raw(s, m->wanted, words * sizeof *m->wanted);
}

void hook_module_transfer(struct hooks *h, struct ser *s, struct hook_module *m)
{
    ser_text(s, &m->name);
    SER(s, m->process);
    SER(s, m->base);
    SER(s, m->size);
    SER(s, m->system);
    SER(s, m->gone);
    SER(s, m->unhooked);
    SER(s, m->thunks);
    SER(s, m->table);
    SER(s, m->count);
    if (s->loading && !s->failed && (!m->name || m->count > HOOK_EXPORTS_MAX))
        ser_fail(s, "snapshot: a module without a name, or with %u functions", m->count);
    if (s->failed)
        m->count = 0;
    transfer_wanted(s, m);
    transfer_symbols(h, s, m);
}
