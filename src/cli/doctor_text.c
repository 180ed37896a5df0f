// SPDX-License-Identifier: GPL-2.0-or-later
#include "base/bits.h"
#include "cli/cli.h"
#include "cli/doctor.h"
#include "cli/inspect.h"

#include <stdarg.h>
#include <string.h>

enum { SERVICES_SHOWN = 8, IMPORTS_SHOWN = 4 };

struct page {
    FILE *f;
    const struct doctor *d;
    bool all;
};

static void heading(const struct page *p, const char *text)
{
    fprintf(p->f, "\n%s%s%s\n", cli_style(p->f, CLI_BOLD), text, cli_style(p->f, CLI_PLAIN));
}

static void mark(const struct page *p, enum cli_style style, const char *word)
{
    fprintf(p->f, "  %s%-8s%s", cli_style(p->f, style), word, cli_style(p->f, CLI_PLAIN));
}

/* Text of a file, made harmless. */
static void put(const struct page *p, int width, const char *s)
{
    char *text = inspect_escape(s);
    fprintf(p->f, "%-*s", width, text);
    free(text);
}

static const struct win_module *module(const struct page *p, uint32_t i)
{
    return p->d->res.modules.data[i];
}

static void put_title(const struct page *p)
{
    const struct pe_image *img = &module(p, WIN_MODULE_PROGRAM)->img;
    fputs(cli_style(p->f, CLI_BOLD), p->f);
    put(p, 0, p->d->path);
    fprintf(p->f, "%s: an %s %s program\n", cli_style(p->f, CLI_PLAIN),
            pe_machine_name(img->h.machine),
            img->h.subsystem == IMAGE_SUBSYSTEM_WINDOWS_GUI ? "window" : "console");
    fprintf(p->f, "Root %s, %s: %s\n", p->d->root->name, p->d->root->why, p->d->root->path);
}

/* ---- DLLs
 * ------------------------------------------------------------------------------------------ */

static void put_function(const struct page *p, const struct win_import *i)
{
    char number[8];
    const struct win_module *at = module(p, i->module);
    fputs("             ", p->f);
    put(p, 0, win_import_name(i, number));
    if (i->hops && i->last) {
        fputs(" -> ", p->f);
        put(p, 0, i->last);
    }
    if (i->state == WIN_IMPORT_FOUND) {
        const char *name = i->name ? NULL : win_export_name_of(at, i->rva);
        fprintf(p->f, "  %s%s%s+0x%x\n", name ? name : "", name ? ", " : "", at->name, i->rva);
    } else {
        fputs("  missing\n", p->f);
    }
}

static bool lacks_any(const struct win_module *m, const struct win_dependency *dep)
{
    for (size_t i = 0; i < dep->count; i++)
        if (m->imports.data[dep->first + i].state != WIN_IMPORT_FOUND)
            return true;
    return false;
}

static void put_dependency(const struct page *p, const struct win_module *m,
                           const struct win_dependency *dep)
{
    const struct win_module *target = module(p, dep->module);
    bool found = target->state == WIN_MODULE_FOUND;
    if (!found)
        mark(p, dep->delayed ? CLI_YELLOW : CLI_RED, "missing");
    else if (lacks_any(m, dep))
        mark(p, CLI_YELLOW, "warn");
    else
        mark(p, CLI_GREEN, "ok");
    put(p, 22, dep->dll);
    fprintf(p->f, " %4zu function%s%s", dep->count, dep->count == 1 ? " " : "s",
            dep->delayed ? ", when called" : "");
    if (found) {
        fputs("  ", p->f);
        put(p, 0, target->path);
    }
    fputc('\n', p->f);
    for (size_t i = 0; p->all && i < dep->count; i++)
        put_function(p, &m->imports.data[dep->first + i]);
}

/* What the program does not name itself. */
static void put_indirect(const struct page *p)
{
    size_t n = 0, later = 0;
    for (size_t i = WIN_MODULE_NTDLL; i < p->d->res.modules.len; i++) {
        const struct win_module *m = module(p, (uint32_t)i);
        n += m->state == WIN_MODULE_FOUND && !m->delayed;
        later += m->state == WIN_MODULE_FOUND && m->delayed;
    }
    fprintf(p->f, "  %zu DLLs are loaded at the start, with what those need", n);
    if (later)
        fprintf(p->f, "; up to %zu more when something calls them", later);
    fputc('\n', p->f);
    for (size_t i = WIN_MODULE_NTDLL; p->all && i < p->d->res.modules.len; i++) {
        const struct win_module *m = module(p, (uint32_t)i);
        if (m->state != WIN_MODULE_FOUND)
            continue;
        fprintf(p->f, "             %-24s %s  ", m->name, m->delayed ? "later" : "start");
        put(p, 0, m->path);
        fputc('\n', p->f);
    }
}

static void put_dlls(const struct page *p)
{
    const struct win_module *program = module(p, WIN_MODULE_PROGRAM);
    heading(p, "DLLs");
    vec_foreach (dep, &program->deps)
        put_dependency(p, program, dep);
    if (!program->deps.len)
        fputs("  It imports nothing.\n", p->f);
    put_indirect(p);
}

/* ---- Findings
 * --------------------------------------------------------------------------------------- */

static void put_findings(const struct page *p)
{
    static const struct {
        enum cli_style style;
        const char *word;
    } marks[] = {{CLI_RED, "missing"}, {CLI_YELLOW, "warn"}, {CLI_DIM, "note"}};
    bool first = true;
    vec_foreach (f, &p->d->findings) {
        if (f->severity == DOCTOR_NOTES && !p->all)
            continue;
        if (first)
            heading(p, "Problems");
        first = false;
        mark(p, marks[f->severity].style, marks[f->severity].word);
        cli_wrap(p->f, f->text, 10, 10);
        if (f->advice) {
            fputs("          What to do: ", p->f);
            cli_wrap(p->f, f->advice, 12, 22);
        }
    }
}

/* ---- Services
 * --------------------------------------------------------------------------------------- */

static void put_service(const struct page *p, const struct win_reach_service *s)
{
    const struct win_module *program = module(p, WIN_MODULE_PROGRAM);
    char number[8], *path = doctor_path(p->d, s);
    size_t shown = p->all ? s->imports.len : MIN(s->imports.len, (size_t)IMPORTS_SHOWN);
    mark(p, CLI_YELLOW, "warn");
    fprintf(p->f, "%s, by ", s->name);
    for (size_t i = 0; i < shown; i++) {
        fputs(i ? ", " : "", p->f);
        put(p, 0, win_import_name(&program->imports.data[s->imports.data[i]], number));
    }
    if (shown < s->imports.len)
        fprintf(p->f, " and %zu more", s->imports.len - shown);
    fprintf(p->f, "\n          %s\n", path);
    free(path);
}

static void put_services(const struct page *p)
{
    const struct win_reach *a = &p->d->reach;
    size_t missing = 0, shown = 0;
    vec_foreach (s, &a->services)
        missing += doctor_is_missing(s->service);
    heading(p, "Services that its imports can reach");
    fprintf(
        p->f,
        "  An approximation from %u functions of the DLLs: conditions and calls through pointers "
        "are not\n  seen, so some of these are never called, and others may be.%s\n",
        a->functions, a->truncated ? " The search was cut short." : "");
    mark(p, CLI_GREEN, "ok");
    fprintf(p->f, "%zu of %zu are there\n", a->services.len - missing, a->services.len);
    vec_foreach (s, &a->services) {
        if (!doctor_is_missing(s->service) || (!p->all && shown == SERVICES_SHOWN))
            continue;
        put_service(p, s);
        shown++;
    }
    if (shown < missing)
        fprintf(p->f, "          and %zu that lie farther away: --all shows them\n",
                missing - shown);
    if (missing)
        fputs("          What to do: run it. A call to such a service answers "
              "STATUS_NOT_IMPLEMENTED and is\n            reported; --strict stops there.\n",
              p->f);
}

static void put_verdict(const struct page *p)
{
    const struct doctor *d = p->d;
    bool good = doctor_should_run(d);
    fprintf(p->f, "\n%s%s%s", cli_style(p->f, good ? CLI_GREEN : CLI_RED),
            good ? "It should run." : "It cannot start.", cli_style(p->f, CLI_PLAIN));
    if (!good)
        fprintf(p->f, " %zu thing%s missing, see above.", d->counts[DOCTOR_BLOCKS],
                d->counts[DOCTOR_BLOCKS] == 1 ? " is" : "s are");
    else if (module(p, WIN_MODULE_PROGRAM)->img.h.subsystem == IMAGE_SUBSYSTEM_WINDOWS_GUI)
        fputs(" Its windows will not be shown: there is no drawing yet.", p->f);
    else if (d->counts[DOCTOR_WARNS])
        fputs(" The warnings above tell what may stop it later.", p->f);
    fputc('\n', p->f);
}

void doctor_text(FILE *f, const struct doctor *d, bool all)
{
    struct page p = {f, d, all};
    put_title(&p);
    put_dlls(&p);
    put_findings(&p);
    put_services(&p);
    put_verdict(&p);
}
