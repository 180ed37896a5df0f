// SPDX-License-Identifier: GPL-2.0-or-later
/* From the resolved import graph to sentences. */
#include "cli/doctor.h"
#include "base/bits.h"
#include "cli/inspect.h"

#include <string.h>
#include <unistd.h>

enum { NAMED_MAX = 8 }; /* functions named in one sentence */

static const struct win_module *module(const struct doctor *d, uint32_t i)
{
    return d->res.modules.data[i];
}

bool doctor_is_missing(const struct nt_service *s)
{
    return !s || s->state == NT_SERVICE_MISSING;
}

static void add(struct doctor *d, enum doctor_severity severity, char *text, char *advice)
{
    vec_push(&d->findings, (struct doctor_finding){severity, text, advice});
    d->counts[severity]++;
}

/* What goes wrong in a DLL of the root at some later call is no finding about the program. */
static enum doctor_severity later(const struct win_module *m)
{
    bool own = !m->number || !m->place || strcmp(m->place, "the root") != 0;
    return own ? DOCTOR_WARNS : DOCTOR_NOTES;
}

static const char *processor(const struct doctor *d)
{
    return pe_machine_name(module(d, WIN_MODULE_PROGRAM)->img.h.machine);
}

/* An installed root that has the file, other than the one in use. */
static const struct win_root *root_with(const struct doctor *d, const struct win_root_list *roots,
                                        const char *name)
{
    bool is64 = module(d, WIN_MODULE_PROGRAM)->img.h.is64;
    vec_foreach (r, roots) {
        const char *dir = is64 ? r->system32 : r->syswow64;
        if (!dir || !strcmp(r->path, d->root->path))
            continue;
        char *path = xasprintf("%s/%s", dir, name);
        bool there = !access(path, R_OK);
        free(path);
        if (there)
            return r;
    }
    return NULL;
}

static char *advise_dll(const struct doctor *d, const struct win_root_list *roots,
                        const struct win_module *m)
{
    const struct win_root *other = strchr(m->name, '/') ? NULL : root_with(d, roots, m->name);
    char *name = inspect_escape(m->name), *advice;
    if (!strncmp(m->name, "api-", 4) || !strncmp(m->name, "ext-", 4))
        advice = xasprintf("use a root of a newer Windows or Wine (--root; peregrine roots lists "
                           "the installed ones)");
    else if (other)
        advice = xasprintf("the root %s has it: --root %s", other->name, other->name);
    else
        advice = xasprintf("put a %s for %s beside the program; it belongs to the program's own "
                           "installation or to a runtime that it needs",
                           name, processor(d));
    free(name);
    return advice;
}

/* ---- DLLs
 * ------------------------------------------------------------------------------------------ */

static void diagnose_dll(struct doctor *d, const struct win_root_list *roots,
                         const struct win_module *m, const struct win_dependency *dep)
{
    const struct win_module *target = module(d, dep->module);
    bool delayed = m->delayed || dep->delayed;
    char *dll = inspect_escape(dep->dll), *who = inspect_escape(m->name);
    char *why = inspect_escape(target->why ? target->why : "it cannot be loaded");
    char *text = xasprintf(
        "%s, which %s %s, %s: %s", dll, who, delayed ? "loads when it first calls it" : "needs",
        target->state == WIN_MODULE_MISSING ? "is missing" : "cannot be loaded", why);
    add(d, delayed ? later(m) : DOCTOR_BLOCKS, text, advise_dll(d, roots, target));
    free(dll);
    free(who);
    free(why);
}

static void diagnose_base(struct doctor *d)
{
    static const uint32_t base[] = {WIN_MODULE_NTDLL, WIN_MODULE_KERNEL32};
    for (size_t i = 0; i < ARRAY_LEN(base); i++) {
        const struct win_module *m = module(d, base[i]);
        if (m->state != WIN_MODULE_FOUND)
            add(d, DOCTOR_BLOCKS,
                xasprintf("the root has no usable %s for %s programs", m->name, processor(d)),
                xstrdup("scripts/guest-dlls installs a complete root"));
    }
}

/* A file passed over for its processor explains much when the other one is wrong. */
static void diagnose_skipped(struct doctor *d, const struct win_module *m)
{
    if (m->state != WIN_MODULE_FOUND || !m->skipped)
        return;
    char *skipped = inspect_escape(m->skipped), *path = inspect_escape(m->path);
    add(d, DOCTOR_WARNS,
        xasprintf("%s is for another processor and passed over; %s is used", skipped, path), NULL);
    free(skipped);
    free(path);
}

/* ---- Functions
 * ------------------------------------------------------------------------------------- */

static bool is_lost(const struct win_import *i)
{
    return i->state != WIN_IMPORT_FOUND && (i->state != WIN_IMPORT_NO_DLL || i->hops);
}

/* The names of a dependency's lost imports that are fatal or not. NULL when there are none. */
static char *lost_names(const struct doctor *d, const struct win_module *m,
                        const struct win_dependency *dep, enum win_import_state state, size_t *n)
{
    char *names = NULL, number[8];
    *n = 0;
    for (size_t k = 0; k < dep->count; k++) {
        const struct win_import *i = &m->imports.data[dep->first + k];
        if (!is_lost(i) || i->state != state || ++*n > NAMED_MAX)
            continue;
        char *name = inspect_escape(win_import_name(i, number)), *old = names;
        char *forwarder = i->last ? inspect_escape(i->last) : NULL;
        names = xasprintf("%s%s%s%s%s%s", old ? old : "", old ? ", " : "", name,
                          forwarder ? " (forwarded to " : "", forwarder ? forwarder : "",
                          forwarder ? ")" : "");
        free(old);
        free(name);
        free(forwarder);
    }
    if (*n > NAMED_MAX) {
        char *old = names;
        names = xasprintf("%s and %zu more", old, *n - NAMED_MAX);
        free(old);
    }
    return names;
}

static void diagnose_functions(struct doctor *d, const struct win_module *m,
                               const struct win_dependency *dep, enum win_import_state state)
{
    size_t n;
    char *names = lost_names(d, m, dep, state, &n);
    if (!names)
        return;
    bool cycle = state == WIN_IMPORT_CYCLE, delayed = m->delayed || dep->delayed;
    bool fatal = !delayed && (cycle || !d->res.wine);
    char *dll = inspect_escape(dep->dll), *who = inspect_escape(m->name);
    char *text = cycle ? xasprintf("%s forwards what %s imports in a circle: %s", dll, who, names)
                       : xasprintf("%s lacks %zu function%s that %s imports: %s%s", dll, n,
                                   n == 1 ? "" : "s", who, names,
                                   fatal ? "" : "; a call to such a function ends the program");
    add(d, fatal ? DOCTOR_BLOCKS : later(m), text,
        cycle ? xstrdup("the DLL is damaged or made to mislead; replace it")
              : xasprintf("put a version of %s that has it beside the program, or use another root",
                          dll));
    free(names);
    free(dll);
    free(who);
}

static void diagnose_module(struct doctor *d, const struct win_root_list *roots,
                            const struct win_module *m)
{
    diagnose_skipped(d, m);
    vec_foreach (dep, &m->deps) {
        if (module(d, dep->module)->state != WIN_MODULE_FOUND) {
            diagnose_dll(d, roots, m, dep);
            continue;
        }
        diagnose_functions(d, m, dep, WIN_IMPORT_CYCLE);
        diagnose_functions(d, m, dep, WIN_IMPORT_NO_EXPORT);
        diagnose_functions(d, m, dep, WIN_IMPORT_NO_DLL);
    }
    if (m->damage.what) {
        char *who = inspect_escape(m->name);
        add(d, m->delayed ? DOCTOR_NOTES : DOCTOR_WARNS,
            xasprintf("the imports of %s are damaged: %s (address 0x%x)", who, m->damage.what,
                      m->damage.rva),
            NULL);
        free(who);
    }
}

/* A guess, but the only sign of what a program loads by itself: Go's runtime ends without
 * bcryptprimitives.dll, and imports next to nothing. */
static void diagnose_names(struct doctor *d)
{
    struct win_dll_names names;
    char *list = NULL;
    win_missing_names(&d->res, &names);
    for (size_t i = 0; i < names.len && i < NAMED_MAX; i++) {
        char *old = list;
        list = xasprintf("%s%s%s", old ? old : "", old ? ", " : "", names.data[i]);
        free(old);
    }
    if (list) {
        char *rest =
            names.len > NAMED_MAX ? xasprintf(" and %zu more", names.len - NAMED_MAX) : xstrdup("");
        add(d, DOCTOR_WARNS,
            xasprintf("it names DLLs that are not there, and may load them by itself: %s%s", list,
                      rest),
            xstrdup("if it fails, put them beside the program or use a root that has them"));
        free(rest);
    }
    free(list);
    win_dll_names_free(&names);
}

/* Keeps the order of discovery among equals. */
static void worst_first(struct doctor *d)
{
    VEC(struct doctor_finding) sorted = {0};
    for (int severity = DOCTOR_BLOCKS; severity <= DOCTOR_NOTES; severity++)
        vec_foreach (f, &d->findings)
            if ((int)f->severity == severity)
                vec_push(&sorted, *f);
    vec_free(&d->findings);
    d->findings.data = sorted.data;
    d->findings.len = sorted.len;
    d->findings.cap = sorted.cap;
}

void doctor_diagnose(struct doctor *d, const struct win_root_list *roots)
{
    if (!d->res.apiset)
        add(d, DOCTOR_WARNS,
            xstrdup("the root has no usable apisetschema.dll, so names such as api-ms-win-… lead "
                    "nowhere"),
            xstrdup("scripts/guest-dlls installs a complete root"));
    diagnose_base(d);
    vec_foreach (m, &d->res.modules)
        if ((*m)->state == WIN_MODULE_FOUND)
            diagnose_module(d, roots, *m);
    diagnose_names(d);
    if (d->res.truncated)
        add(d, DOCTOR_WARNS,
            xasprintf("it leads to more than %u DLLs or %u imports; what lies beyond was not "
                      "examined",
                      WIN_RESOLVE_MODULES, WIN_RESOLVE_IMPORTS),
            NULL);
    worst_first(d);
}

void doctor_free(struct doctor *d)
{
    vec_foreach (f, &d->findings) {
        free(f->text);
        free(f->advice);
    }
    vec_free(&d->findings);
    win_reach_free(&d->reach);
    win_resolution_free(&d->res);
}

/* The name of a module without ".dll". */
static int stem(const char *name)
{
    const char *dot = strrchr(name, '.');
    return (int)(dot ? (size_t)(dot - name) : strlen(name));
}

char *doctor_path(const struct doctor *d, const struct win_reach_service *s)
{
    char *text = xstrdup("");
    for (size_t i = 0; i < s->path.len; i++) {
        const struct win_reach_step *step = &s->path.data[i];
        const char *dll = module(d, step->module)->name;
        char *old = text;
        if (!step->name && i)
            continue;
        char *name = step->name ? inspect_escape(step->name) : xasprintf("0x%x", step->rva);
        char *where = inspect_escape(dll);
        text = xasprintf("%s%s%.*s!%s", old, i ? " → " : "", stem(where), where, name);
        free(old);
        free(name);
        free(where);
    }
    return text;
}
