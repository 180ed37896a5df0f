// SPDX-License-Identifier: GPL-2.0-or-later
#include "base/bits.h"
#include "cli/inspect.h"

#include <stdlib.h>

/* jansson takes valid UTF-8 only; names in images may be anything. */
static json_t *text(const char *s)
{
    json_t *j = s ? json_string(s) : json_null();
    if (j)
        return j;
    char *escaped = inspect_escape(s);
    j = json_string(escaped);
    free(escaped);
    return j;
}

static json_t *number(uint64_t v)
{
    return json_integer((json_int_t)v);
}

static json_t *damage(struct pe_damage d)
{
    if (!d.what)
        return json_null();
    return json_pack("{s:s s:o}", "what", d.what, "rva", number(d.rva));
}

static json_t *headers(const struct pe_image *img)
{
    struct inspect_field fields[INSPECT_FIELDS];
    size_t n = inspect_fields(&img->h, fields);
    json_t *o = json_object();
    for (size_t i = 0; i < n; i++)
        json_object_set_new(o, fields[i].key, number(fields[i].value));
    json_t *directories = json_array();
    for (unsigned i = 0; i < IMAGE_NUMBEROF_DIRECTORY_ENTRIES; i++)
        json_array_append_new(directories, json_pack("{s:s s:o s:o}", "name", pe_directory_name(i),
                                                     "rva", number(img->h.directories[i].rva),
                                                     "size", number(img->h.directories[i].size)));
    json_object_set_new(o, "DataDirectory", directories);
    return o;
}

static json_t *sections(const struct pe_image *img)
{
    json_t *a = json_array();
    for (unsigned i = 0; i < img->h.nsections; i++) {
        struct pe_section s = pe_section(img, i);
        char access[5];
        inspect_access(s.characteristics, access);
        json_t *o =
            json_pack("{s:o s:o s:o s:o s:o s:o s:s}", "name", text(pe_section_name(img, &s)),
                      "rva", number(s.rva), "virtual_size", number(s.virtual_size), "raw_offset",
                      number(s.raw_offset), "raw_size", number(s.raw_size), "characteristics",
                      number(s.characteristics), "access", access);
        if (s.file_size)
            json_object_set_new(o, "entropy",
                                json_real(inspect_entropy(img->data + s.file_offset, s.file_size)));
        json_array_append_new(a, o);
    }
    return a;
}

static json_t *functions(struct pe_imports *it)
{
    json_t *a = json_array();
    while (pe_imports_function(it)) {
        json_t *o = json_pack("{s:o}", "slot", number(it->fn.slot));
        if (it->fn.name) {
            json_object_set_new(o, "name", text(it->fn.name));
            json_object_set_new(o, "hint", number(it->fn.hint));
        } else {
            json_object_set_new(o, "ordinal", number(it->fn.ordinal));
        }
        json_array_append_new(a, o);
    }
    return a;
}

static json_t *imports(const struct inspect *in, enum pe_import_kind kind)
{
    struct pe_imports it;
    json_t *a = json_array();
    pe_imports_begin(&it, in->img, kind);
    while (pe_imports_dll(&it)) {
        char buf[PE_APISET_HOST_MAX];
        const char *host = inspect_host(in, it.dll.name, buf);
        json_t *o = json_pack("{s:o}", "dll", text(it.dll.name));
        if (host)
            json_object_set_new(o, "host", *host ? text(host) : json_null());
        json_object_set_new(o, "functions", functions(&it));
        json_array_append_new(a, o);
    }
    return json_pack("{s:o s:o}", "dlls", a, "damage", damage(it.damage));
}

static bool add_export(void *ctx, const struct pe_export *x)
{
    json_t *o = json_pack("{s:o s:o s:o}", "ordinal", number(x->ordinal), "rva", number(x->rva),
                          "name", text(x->name));
    if (x->forwarder)
        json_object_set_new(o, "forwarder", text(x->forwarder));
    json_array_append_new(ctx, o);
    return true;
}

static json_t *exports(const struct pe_image *img)
{
    struct pe_exports ex;
    json_t *a = json_array();
    bool have = pe_exports_open(&ex, img);
    if (have)
        pe_exports_visit(&ex, add_export, a);
    return json_pack("{s:o s:o s:o}", "dll", text(ex.dll_name), "functions", a, "damage",
                     damage(ex.damage));
}

static json_t *relocations(const struct inspect *in)
{
    struct inspect_relocs r;
    json_t *types = json_object();
    inspect_count_relocs(in, &r);
    for (unsigned i = 0; i < ARRAY_LEN(r.by_type); i++) {
        char unknown[16];
        const char *name = pe_reloc_type_name(i);
        snprintf(unknown, sizeof unknown, "type%u", i);
        if (r.by_type[i])
            json_object_set_new(types, name ? name : unknown, number(r.by_type[i]));
    }
    return json_pack("{s:o s:o s:o}", "total", number(r.total), "pages", number(r.pages), "types",
                     types);
}

static json_t *tls(const struct pe_image *img)
{
    struct pe_tls t;
    struct pe_damage d = {0};
    uint32_t rva;
    if (!pe_tls(img, &t, &d))
        return d.what ? json_pack("{s:o}", "damage", damage(d)) : json_null();
    json_t *callbacks = json_array();
    for (uint32_t i = 0; i < 1000 && pe_tls_callback(img, &t, i, &rva); i++)
        json_array_append_new(callbacks, number(rva));
    return json_pack("{s:o s:o s:o s:o s:o}", "data", number(t.data), "data_size",
                     number(t.data_size), "zero_fill", number(t.zero_fill), "index",
                     number(t.index), "callbacks", callbacks);
}

static bool add_resource(void *ctx, const struct pe_resource *r)
{
    if (!r->leaf)
        return true;
    json_t *path = json_array();
    for (unsigned i = 0; i <= r->depth; i++) {
        char *name = inspect_resource_name(r, i);
        json_array_append_new(path, r->path[i].utf16 || i == 0 ? json_string(name)
                                                               : number(r->path[i].id));
        free(name);
    }
    json_array_append_new(ctx, json_pack("{s:o s:o s:o s:o}", "path", path, "rva", number(r->rva),
                                         "size", number(r->size), "codepage", number(r->codepage)));
    return true;
}

static json_t *resources(const struct pe_image *img)
{
    struct pe_damage d = {0};
    json_t *a = json_array();
    pe_resources_visit(img, add_resource, a, &d);
    return json_pack("{s:o s:o}", "leaves", a, "damage", damage(d));
}

static json_t *version(const struct pe_image *img)
{
    struct pe_version v;
    char buf[64];
    if (!pe_version(img, &v))
        return json_null();
    snprintf(buf, sizeof buf, "%u.%u.%u.%u", v.file[0], v.file[1], v.file[2], v.file[3]);
    char *product = pe_version_string(img, "ProductName");
    json_t *o = json_pack("{s:s s:o}", "file", buf, "product", text(product));
    free(product);
    return o;
}

static json_t *debug(const struct pe_image *img)
{
    struct pe_debug d;
    json_t *a = json_array();
    for (uint32_t i = 0; i < 64 && pe_debug_at(img, i, &d); i++) {
        json_t *o = json_pack("{s:o s:o s:o s:o}", "type", number(d.type), "size", number(d.size),
                              "rva", number(d.rva), "offset", number(d.offset));
        if (d.pdb) {
            char guid[40];
            inspect_guid(d.guid, guid);
            json_object_set_new(o, "pdb", text(d.pdb));
            json_object_set_new(o, "guid", json_string(guid));
            json_object_set_new(o, "age", number(d.age));
        }
        json_array_append_new(a, o);
    }
    return a;
}

static void add_anomaly(void *ctx, const char *s)
{
    json_array_append_new(ctx, text(s));
}

json_t *inspect_json(const struct inspect *in)
{
    const struct pe_image *img = in->img;
    const char *machine = pe_machine_name(img->h.machine);
    const char *subsystem = pe_subsystem_name(img->h.subsystem);
    json_t *anomalies = json_array(), *o = json_object();
    json_object_set_new(o, "file", text(img->name));
    json_object_set_new(o, "size", number(img->size));
    json_object_set_new(o, "machine", machine ? json_string(machine) : json_null());
    json_object_set_new(o, "subsystem", subsystem ? json_string(subsystem) : json_null());
    json_object_set_new(o, "dll", json_boolean(img->h.characteristics & IMAGE_FILE_DLL));
    json_object_set_new(o, "headers", headers(img));
    json_object_set_new(o, "sections", sections(img));
    json_object_set_new(o, "imports", imports(in, PE_IMPORTS));
    json_object_set_new(o, "delay_imports", imports(in, PE_IMPORTS_DELAY));
    json_object_set_new(o, "exports", exports(img));
    json_object_set_new(o, "relocations", relocations(in));
    json_object_set_new(o, "tls", tls(img));
    json_object_set_new(o, "resources", resources(img));
    json_object_set_new(o, "version", version(img));
    json_object_set_new(o, "debug", debug(img));
    json_object_set_new(o, "unwind_functions", number(pe_runtime_functions(img)));
    pe_anomalies(img, add_anomaly, anomalies);
    json_object_set_new(o, "anomalies", anomalies);
    return o;
}
