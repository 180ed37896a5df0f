// SPDX-License-Identifier: GPL-2.0-or-later
#include "win/resolve.h"
#include "base/bits.h"
#include "win/resolve_internal.h"

#include <ctype.h>

enum { NAME_LONGEST = 255 };

/* Lower case, with ".dll" when it has no extension. False for what is no plain file name: such a
 * name would lead out of the directories that are searched. */
static bool plain_name(const char *dll, char out[NAME_LONGEST + 5])
{
    size_t n = strlen(dll);
    if (!n || n > NAME_LONGEST || dll[0] == '.' || strpbrk(dll, "/\\:"))
        return false;
    for (size_t i = 0; i <= n; i++)
        out[i] = (char)(dll[i] >= 'A' && dll[i] <= 'Z' ? dll[i] + 32 : dll[i]);
    if (!strchr(out, '.'))
        memcpy(out + n, ".dll", 5);
    else if (out[n - 1] == '.')
        out[n - 1] = 0;
    return true;
}

static struct win_module *add_module(struct win_resolution *r, const char *name, uint32_t needed_by,
                                     bool delayed)
{
    struct win_module *m = xcalloc(1, sizeof *m);
    *m = (struct win_module){.name = xstrdup(name),
                             .number = (uint32_t)r->modules.len,
                             .needed_by = needed_by,
                             .delayed = delayed,
                             .file.fd = -1};
    vec_push(&r->modules, m);
    return m;
}

static void close_file(struct win_resolution *r, struct win_dll_file *f)
{
    r->src->close(r->src->ctx, f);
    free(f->path);
    f->path = NULL;
}

/* True when the file is one for this process; else m says what is wrong with it. */
static bool take_file(struct win_resolution *r, struct win_module *m, struct win_dll_file *f)
{
    const struct pe_image *program = &r->modules.data[WIN_MODULE_PROGRAM]->img;
    struct pgr_error e = {PGR_OK, ""};
    if (pe_open(&m->img, f->data, f->size, PE_FILE | PE_ANY_MACHINE, f->path, &e)) {
        m->state = WIN_MODULE_REFUSED;
        m->why = xstrdup(e.text);
        m->path = xstrdup(f->path);
        m->place = f->place;
        return true;
    }
    if (m->img.h.machine != program->h.machine) {
        if (!m->skipped)
            m->skipped = xstrdup(f->path);
        return false;
    }
    m->state = WIN_MODULE_FOUND;
    m->path = xstrdup(f->path);
    m->place = f->place;
    m->img.name = m->path;
    pe_exports_open(&m->ex, &m->img);
    return true;
}

/* A file for another processor does not end the search. The kernel maps ntdll, from the one place.
 */
static void search(struct win_resolution *r, struct win_module *m)
{
    unsigned first = m->number == WIN_MODULE_NTDLL ? r->src->system_dir : 0;
    for (unsigned dir = first; dir < r->src->ndirs; dir++) {
        struct win_dll_file f = {.fd = -1};
        if (!r->src->open(r->src->ctx, dir, m->name, &f))
            continue;
        bool taken = take_file(r, m, &f);
        if (taken && m->state == WIN_MODULE_FOUND) {
            m->file = f;
            return;
        }
        close_file(r, &f);
        if (taken)
            return;
    }
    m->state = m->skipped ? WIN_MODULE_REFUSED : WIN_MODULE_MISSING;
    if (m->skipped)
        m->why = xasprintf("the only file of that name, %s, is for another processor", m->skipped);
}

static uint32_t add_missing(struct win_resolution *r, const char *name, const char *why,
                            uint32_t needed_by, bool delayed)
{
    struct win_module *m = add_module(r, name, needed_by, delayed);
    m->state = WIN_MODULE_MISSING;
    m->why = xstrdup(why);
    return m->number;
}

static uint32_t load(struct win_resolution *r, const char *name, enum pe_apiset_result set,
                     uint32_t needed_by, bool delayed)
{
    struct win_module *m = add_module(r, name, needed_by, delayed);
    search(r, m);
    if (m->state == WIN_MODULE_MISSING)
        m->why = xstrdup(set == PE_APISET_ABSENT ? "the root's API-set map has no such set"
                                                 : "no such file where the guest searches");
    return m->number;
}

static uint32_t find_module(const struct win_resolution *r, const char *name)
{
    for (size_t i = 0; i < r->modules.len; i++)
        if (!strcmp(r->modules.data[i]->name, name))
            return (uint32_t)i;
    return WIN_NO_MODULE;
}

/* A file name without extension, as the API-set map spells importers. */
static enum pe_apiset_result ask_map(const struct win_resolution *r, const char *name,
                                     uint32_t importer, char host[PE_APISET_HOST_MAX])
{
    if (!r->apiset)
        return PE_APISET_NONE;
    return pe_apiset_resolve(r->apiset, name, r->modules.data[importer]->name, host);
}

uint32_t win_resolve_dll(struct win_resolution *r, const char *dll, uint32_t importer, bool delayed,
                         bool *by_api_set)
{
    char plain[NAME_LONGEST + 5], host[PE_APISET_HOST_MAX], behind[NAME_LONGEST + 5];
    *by_api_set = false;
    bool good = plain_name(dll, plain);
    uint32_t at = find_module(r, good ? plain : dll);
    if (at != WIN_NO_MODULE)
        return at;
    if (r->modules.len >= WIN_RESOLVE_MODULES) {
        r->truncated = true;
        return WIN_NO_MODULE;
    }
    if (!good)
        return add_missing(r, dll, "this is no plain file name", importer, delayed);
    enum pe_apiset_result set = ask_map(r, plain, importer, host);
    if (set == PE_APISET_EMPTY || (set == PE_APISET_HOST && !plain_name(host, behind)))
        return add_missing(r, plain, "no DLL of the root implements this API set", importer,
                           delayed);
    if (set != PE_APISET_HOST)
        return load(r, plain, set, importer, delayed);
    *by_api_set = true;
    at = find_module(r, behind);
    return at != WIN_NO_MODULE ? at : load(r, behind, set, importer, delayed);
}

/* ---- The graph
 * ------------------------------------------------------------------------------------ */

static void bind_functions(struct win_resolution *r, struct win_module *m, struct pe_imports *it,
                           uint32_t target)
{
    while (pe_imports_function(it)) {
        if (r->imports >= WIN_RESOLVE_IMPORTS) {
            r->truncated = true;
            return;
        }
        struct win_import found = win_resolve_export(r, target, it->fn.name, it->fn.ordinal);
        found.slot = it->fn.slot;
        vec_push(&m->imports, found);
        r->imports++;
    }
}

static void bind(struct win_resolution *r, struct win_module *m, enum pe_import_kind kind)
{
    struct pe_imports it;
    bool delayed = kind == PE_IMPORTS_DELAY || m->delayed;
    pe_imports_begin(&it, &m->img, kind);
    while (!r->truncated && pe_imports_dll(&it)) {
        struct win_dependency d = {
            .dll = it.dll.name, .delayed = kind == PE_IMPORTS_DELAY, .first = m->imports.len};
        struct pe_imports peek = it;
        /* What has no functions is not loaded. */
        if (!pe_imports_function(&peek))
            continue;
        d.module = win_resolve_dll(r, d.dll, m->number, delayed, &d.by_api_set);
        if (d.module == WIN_NO_MODULE)
            break;
        r->binding_delayed = delayed;
        bind_functions(r, m, &it, d.module);
        d.count = m->imports.len - d.first;
        vec_push(&m->deps, d);
    }
    if (it.damage.what)
        m->damage = it.damage;
}

/* First all that is needed at the start, then what delayed imports add, so that a module counts as
 * delayed only when nothing else needs it. */
static void close_over(struct win_resolution *r)
{
    size_t i, start;
    for (i = 0; i < r->modules.len; i++)
        if (r->modules.data[i]->state == WIN_MODULE_FOUND)
            bind(r, r->modules.data[i], PE_IMPORTS);
    start = i;
    for (i = 0; i < r->modules.len; i++) {
        if (r->modules.data[i]->state != WIN_MODULE_FOUND)
            continue;
        if (i >= start)
            bind(r, r->modules.data[i], PE_IMPORTS);
        bind(r, r->modules.data[i], PE_IMPORTS_DELAY);
    }
}

/* Nothing of the program's own can take the place of these two. */
static void load_base(struct win_resolution *r, const char *name)
{
    load(r, name, PE_APISET_NONE, WIN_MODULE_PROGRAM, false);
}

void win_resolve(struct win_resolution *out, const struct pe_image *program, const char *name,
                 const struct win_dll_source *src, const struct pe_apiset *apiset)
{
    char plain[NAME_LONGEST + 5];
    *out = (struct win_resolution){.src = src, .apiset = apiset};
    struct win_module *m = add_module(out, plain_name(name, plain) ? plain : "program", 0, false);
    m->path = xstrdup(program->name);
    m->place = "the program";
    m->img = *program;
    pe_exports_open(&m->ex, &m->img);
    load_base(out, "ntdll.dll");
    load_base(out, "kernel32.dll");
    struct win_module *ntdll = out->modules.data[WIN_MODULE_NTDLL];
    struct pe_export x;
    out->wine = ntdll->state == WIN_MODULE_FOUND &&
                pe_export_by_name(&ntdll->ex, "__wine_unix_call_dispatcher", &x);
    close_over(out);
}

void win_resolution_free(struct win_resolution *r)
{
    vec_foreach (at, &r->modules) {
        struct win_module *m = *at;
        if (m->file.path)
            close_file(r, &m->file);
        free(m->name);
        free(m->path);
        free(m->why);
        free(m->skipped);
        free(m->index);
        vec_free(&m->deps);
        vec_free(&m->imports);
        free(m);
    }
    vec_free(&r->modules);
}
