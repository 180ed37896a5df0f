// SPDX-License-Identifier: GPL-2.0-or-later
#include "base/bits.h"
#include "cli/cli.h"
#include "cli/inspect.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

struct page {
    FILE *f;
    const struct inspect *in;
    unsigned count; /* of what a visitor shows */
};

static void heading(struct page *p, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static void heading(struct page *p, const char *fmt, ...)
{
    va_list ap;
    fprintf(p->f, "\n%s", cli_style(p->f, CLI_BOLD));
    va_start(ap, fmt);
    vfprintf(p->f, fmt, ap);
    va_end(ap);
    fprintf(p->f, "%s\n", cli_style(p->f, CLI_PLAIN));
}

/* Prints text of the file; whatever could steer the terminal is escaped. */
static void put_escaped(struct page *p, const char *s)
{
    char *text = inspect_escape(s);
    fputs(text, p->f);
    free(text);
}

static void damage(struct page *p, struct pe_damage d)
{
    if (d.what)
        fprintf(p->f, "  %sdamaged:%s %s (0x%x)\n", cli_style(p->f, CLI_RED),
                cli_style(p->f, CLI_PLAIN), d.what, d.rva);
}

static void put_title(struct page *p)
{
    const struct pe_header *h = &p->in->img->h;
    const char *machine = pe_machine_name(h->machine), *sub = pe_subsystem_name(h->subsystem);
    struct pe_clr clr;
    fprintf(p->f, "%s", cli_style(p->f, CLI_BOLD));
    put_escaped(p, p->in->img->name);
    fprintf(p->f, "%s: %s %s for %s, %s%s, %zu bytes\n", cli_style(p->f, CLI_PLAIN),
            h->is64 ? "PE32+" : "PE32", h->characteristics & IMAGE_FILE_DLL ? "DLL" : "program",
            machine ? machine : "an unknown processor", sub ? sub : "unknown subsystem",
            pe_clr(p->in->img, &clr) ? (clr.il_only ? ", .NET only" : ", with .NET") : "",
            p->in->img->size);
}

static void put_date(struct page *p, uint32_t stamp)
{
    time_t t = stamp;
    struct tm tm;
    char text[64];
    if (stamp && gmtime_r(&t, &tm) && strftime(text, sizeof text, "%Y-%m-%d %H:%M:%S UTC", &tm))
        fprintf(p->f, "  %s", text);
}

static void put_header(struct page *p)
{
    struct inspect_field fields[INSPECT_FIELDS];
    size_t n = inspect_fields(&p->in->img->h, fields);
    heading(p, "Headers");
    for (size_t i = 0; i < n; i++) {
        if (fields[i].digits)
            fprintf(p->f, "  %-28s 0x%0*llx", fields[i].key, fields[i].digits,
                    (unsigned long long)fields[i].value);
        else
            fprintf(p->f, "  %-28s %llu", fields[i].key, (unsigned long long)fields[i].value);
        if (!strcmp(fields[i].key, "TimeDateStamp"))
            put_date(p, (uint32_t)fields[i].value);
        fputc('\n', p->f);
    }
}

static void put_directories(struct page *p)
{
    heading(p, "Directories");
    for (unsigned i = 0; i < IMAGE_NUMBEROF_DIRECTORY_ENTRIES; i++) {
        struct pe_directory d = pe_directory(p->in->img, i);
        if (d.rva)
            fprintf(p->f, "  %2u %-16s 0x%08x  0x%x bytes\n", i, pe_directory_name(i), d.rva,
                    d.size);
    }
}

static void put_sections(struct page *p)
{
    const struct pe_image *img = p->in->img;
    heading(p, "Sections (%u)", img->h.nsections);
    fprintf(p->f, "  %-16s %-10s %-10s %-10s %-10s %-4s entropy\n", "name", "address", "size",
            "in file", "bytes", "");
    for (unsigned i = 0; i < img->h.nsections; i++) {
        struct pe_section s = pe_section(img, i);
        char access[5], *name = inspect_escape(pe_section_name(img, &s));
        inspect_access(s.characteristics, access);
        fprintf(p->f, "  %-16s 0x%08x 0x%08x 0x%08x 0x%08x %-4s", name, s.rva, s.virtual_size,
                s.raw_offset, s.raw_size, access);
        if (s.file_size)
            fprintf(p->f, " %.2f", inspect_entropy(img->data + s.file_offset, s.file_size));
        fputc('\n', p->f);
        free(name);
    }
}

static void put_dll(struct page *p, const char *dll)
{
    char buf[PE_APISET_HOST_MAX];
    const char *host = inspect_host(p->in, dll, buf);
    fputs("  ", p->f);
    put_escaped(p, dll);
    if (host && *host)
        fprintf(p->f, " -> %s", host);
    else if (host)
        fprintf(p->f, " -> no such API set in %s", p->in->apiset_root);
    fputc('\n', p->f);
}

static void put_function(struct page *p, const struct pe_import *fn)
{
    fprintf(p->f, "    0x%08x ", fn->slot);
    if (fn->name)
        put_escaped(p, fn->name);
    else
        fprintf(p->f, "#%u", fn->ordinal);
    fputc('\n', p->f);
}

static void put_imports(struct page *p, enum pe_import_kind kind, const char *title)
{
    struct pe_imports it;
    bool any = false;
    pe_imports_begin(&it, p->in->img, kind);
    while (pe_imports_dll(&it)) {
        if (!any)
            heading(p, "%s", title);
        any = true;
        put_dll(p, it.dll.name);
        while (pe_imports_function(&it))
            put_function(p, &it.fn);
    }
    if (it.damage.what && !any)
        heading(p, "%s", title);
    damage(p, it.damage);
}

static bool put_export(void *ctx, const struct pe_export *x)
{
    struct page *p = ctx;
    fprintf(p->f, "  %5u 0x%08x ", x->ordinal, x->rva);
    put_escaped(p, x->name ? x->name : "(no name)");
    if (x->forwarder) {
        fputs(" -> ", p->f);
        put_escaped(p, x->forwarder);
    }
    fputc('\n', p->f);
    return true;
}

static void put_exports(struct page *p)
{
    struct pe_exports ex;
    bool have = pe_exports_open(&ex, p->in->img);
    if (!have && !ex.damage.what)
        return;
    heading(p, "Exports (%u names, %u functions)", ex.nnames, ex.nfunctions);
    if (ex.dll_name) {
        fputs("  of ", p->f);
        put_escaped(p, ex.dll_name);
        fputc('\n', p->f);
    }
    if (have)
        pe_exports_visit(&ex, put_export, p);
    damage(p, ex.damage);
}

static void put_relocs(struct page *p)
{
    struct inspect_relocs r;
    inspect_count_relocs(p->in, &r);
    if (!r.total)
        return;
    heading(p, "Relocations (%u on %u pages)", r.total, r.pages);
    for (unsigned i = 0; i < ARRAY_LEN(r.by_type); i++) {
        const char *name = pe_reloc_type_name(i);
        if (r.by_type[i])
            fprintf(p->f, "  %-8s %u\n", name ? name : "unknown", r.by_type[i]);
    }
}

static void put_tls(struct page *p)
{
    struct pe_tls tls;
    struct pe_damage d = {0};
    uint32_t rva;
    bool have = pe_tls(p->in->img, &tls, &d);
    if (!have && !d.what)
        return;
    heading(p, "Thread-local storage");
    damage(p, d);
    if (!have)
        return;
    fprintf(p->f, "  template 0x%08x, %u bytes and %u zeroes, index at 0x%08x\n", tls.data,
            tls.data_size, tls.zero_fill, tls.index);
    for (uint32_t i = 0; i < 1000 && pe_tls_callback(p->in->img, &tls, i, &rva); i++)
        fprintf(p->f, "  callback 0x%08x\n", rva);
}

static bool put_resource(void *ctx, const struct pe_resource *r)
{
    struct page *p = ctx;
    if (!p->count++)
        heading(p, "Resources");
    char *name = inspect_resource_name(r, r->depth);
    fprintf(p->f, "  %*s%s", (int)r->depth * 2, "", name);
    free(name);
    if (r->leaf)
        fprintf(p->f, "  0x%08x, %u bytes", r->rva, r->size);
    fputc('\n', p->f);
    return true;
}

static void put_resources(struct page *p)
{
    struct pe_damage d = {0};
    p->count = 0;
    pe_resources_visit(p->in->img, put_resource, p, &d);
    if (d.what && !p->count)
        heading(p, "Resources");
    damage(p, d);
}

static void put_version(struct page *p)
{
    static const char *const keys[] = {"FileDescription", "ProductName", "CompanyName"};
    struct pe_version v;
    if (!pe_version(p->in->img, &v))
        return;
    heading(p, "Version %u.%u.%u.%u", v.file[0], v.file[1], v.file[2], v.file[3]);
    for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
        char *text = pe_version_string(p->in->img, keys[i]);
        if (text && *text) {
            fprintf(p->f, "  %-15s ", keys[i]);
            put_escaped(p, text);
            fputc('\n', p->f);
        }
        free(text);
    }
}

static void put_debug(struct page *p)
{
    struct pe_debug d;
    for (uint32_t i = 0; i < 64 && pe_debug_at(p->in->img, i, &d); i++) {
        if (!i)
            heading(p, "Debug");
        fprintf(p->f, "  type %u, %u bytes at 0x%x", d.type, d.size, d.offset);
        if (d.pdb) {
            char guid[40];
            inspect_guid(d.guid, guid);
            fprintf(p->f, ", %s age %u, ", guid, d.age);
            put_escaped(p, d.pdb);
        }
        fputc('\n', p->f);
    }
}

static void put_security(struct page *p)
{
    struct pe_load_config lc;
    uint32_t n = pe_runtime_functions(p->in->img);
    if (pe_load_config(p->in->img, &lc)) {
        heading(p, "Load configuration");
        fprintf(p->f,
                "  security cookie 0x%llx, handlers %llu, guard flags 0x%x with %llu "
                "functions\n",
                (unsigned long long)lc.security_cookie, (unsigned long long)lc.seh_count,
                lc.guard_flags, (unsigned long long)lc.guard_count);
    }
    if (n)
        heading(p, "Unwind data for %u functions", n);
}

static void put_anomaly(void *ctx, const char *text)
{
    struct page *p = ctx;
    if (!p->count++)
        heading(p, "Anomalies");
    fputs("  ", p->f);
    put_escaped(p, text);
    fputc('\n', p->f);
}

void inspect_text(FILE *f, const struct inspect *in)
{
    struct page p = {f, in, 0};
    put_title(&p);
    put_header(&p);
    put_directories(&p);
    put_sections(&p);
    put_imports(&p, PE_IMPORTS, "Imports");
    put_imports(&p, PE_IMPORTS_DELAY, "Delay imports");
    put_exports(&p);
    put_relocs(&p);
    put_tls(&p);
    put_resources(&p);
    put_version(&p);
    put_debug(&p);
    put_security(&p);
    p.count = 0;
    pe_anomalies(in->img, put_anomaly, &p);
}
