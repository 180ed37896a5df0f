// SPDX-License-Identifier: GPL-2.0-or-later
/* The PE reader, the map plan, relocation, the API-set map and the stub scanner. */
#include "pe/apiset.h"
#include "pe/map.h"
#include "pe/scan.h"
#include "base/bits.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Makes the sanitizers look at a string or at bytes. */
static volatile uint64_t sink;

static void touch(const void *p, size_t n)
{
    const uint8_t *b = p;
    for (size_t i = 0; i < n; i++)
        sink += b[i];
}

static void touch_text(const char *s)
{
    if (s)
        touch(s, strlen(s));
}

static void read_imports(const struct pe_image *img, enum pe_import_kind kind)
{
    struct pe_imports it;
    pe_imports_begin(&it, img, kind);
    while (pe_imports_dll(&it)) {
        touch_text(it.dll.name);
        for (unsigned i = 0; i < 200 && pe_imports_function(&it); i++)
            touch_text(it.fn.name);
    }
}

static bool touch_export(void *ctx, const struct pe_export *x)
{
    unsigned *left = ctx;
    touch_text(x->name);
    touch_text(x->forwarder);
    return --*left > 0;
}

static void read_exports(const struct pe_image *img)
{
    struct pe_exports ex;
    struct pe_export x, y;
    unsigned left = 500;
    if (!pe_exports_open(&ex, img))
        return;
    touch_text(ex.dll_name);
    pe_exports_visit(&ex, touch_export, &left);
    pe_export_by_name(&ex, "NtClose", &x);
    if (pe_export_name_at(&ex, ex.nnames / 2, &x)) {
        BUG_ON(!pe_export_by_ordinal(&ex, x.ordinal, &y) || y.rva != x.rva);
    }
}

static bool touch_resource(void *ctx, const struct pe_resource *r)
{
    const struct pe_image *img = ctx;
    for (unsigned i = 0; i <= r->depth; i++)
        touch(r->path[i].utf16, r->path[i].utf16 ? 2u * r->path[i].len : 0);
    if (r->leaf && pe_bytes(img, r->rva, r->size))
        touch(pe_bytes(img, r->rva, r->size), MIN(r->size, 64u));
    return true;
}

static void read_directories(const struct pe_image *img)
{
    struct pe_tls tls;
    struct pe_debug debug;
    struct pe_load_config lc;
    struct pe_runtime_function rf;
    struct pe_bounds bounds;
    struct pe_version version;
    struct pe_damage damage = {0};
    struct pe_clr clr;
    uint32_t rva;
    if (pe_tls(img, &tls, &damage))
        for (uint32_t i = 0; i < 100 && pe_tls_callback(img, &tls, i, &rva); i++)
            sink += rva;
    for (uint32_t i = 0; i < 100 && pe_debug_at(img, i, &debug); i++)
        touch_text(debug.pdb);
    for (uint32_t i = 0; i < 100 && pe_runtime_function(img, i, &rf); i++)
        sink += rf.begin;
    pe_bounds_begin(&bounds, img);
    while (pe_bounds_next(&bounds))
        touch_text(bounds.row.dll);
    pe_load_config(img, &lc);
    pe_clr(img, &clr);
    pe_resources_visit(img, touch_resource, (void *)img, NULL);
    pe_version(img, &version);
    free(pe_version_string(img, "ProductName"));
}

/* The plan must tile the image, whatever the file says. */
static void check_segments(const struct pe_map *map)
{
    uint32_t at = 0;
    vec_foreach (s, &map->segments) {
        BUG_ON(s->rva != at || !s->mem_size || s->mem_size % PE_PAGE);
        BUG_ON(s->file_size > s->mem_size ||
               (s->file_size && !range_inside(s->file_offset, s->file_size, map->img->size)));
        at += s->mem_size;
    }
    BUG_ON(at != map->size);
}

static void relocate_some(const struct pe_map *map)
{
    uint8_t page[PE_PAGE];
    unsigned left = 16;
    for (uint32_t rva = 0; left && rva < map->size && rva < (1u << 24); rva += PE_PAGE) {
        if (!pe_map_page_has_relocs(map, rva))
            continue;
        pe_read(map->img, rva, page, sizeof page);
        if (!map->damage.what)
            pe_relocate_page(map, 0x12340000, rva, page);
        touch(page, sizeof page);
        left--;
    }
}

static void count_anomaly(void *ctx, const char *text)
{
    touch_text(text);
}

static void read_image(const uint8_t *data, size_t size, unsigned flags)
{
    struct pe_image img;
    struct pgr_error e = {PGR_OK, ""};
    if (pe_open(&img, data, size, flags, "input", &e)) {
        BUG_ON(!e.text[0] || nt_success(img.status));
        return;
    }
    read_imports(&img, PE_IMPORTS);
    read_imports(&img, PE_IMPORTS_DELAY);
    read_exports(&img);
    read_directories(&img);
    struct pe_map map;
    pe_map_build(&map, &img);
    check_segments(&map);
    relocate_some(&map);
    pe_map_free(&map);
    struct pe_services services;
    pe_scan_services(&services, &img);
    pe_services_free(&services);
    pe_anomalies(&img, count_anomaly, NULL);
    struct pe_apiset as;
    pe_apiset_open(&as, &img, NULL);
    pe_check_program(&img, NULL);
}

static void read_apiset(const uint8_t *data, size_t size)
{
    struct pe_apiset as;
    char name[PE_APISET_HOST_MAX], host[PE_APISET_HOST_MAX];
    if (pe_apiset_parse(&as, data, size, "input", NULL))
        return;
    pe_apiset_resolve(&as, "api-ms-win-core-file-l1-1-0.dll", "kernel32.dll", host);
    pe_apiset_resolve(&as, "ext-", NULL, host);
    for (uint32_t i = 0; i < as.count && i < 64; i++)
        if (pe_apiset_row(&as, i, name, host))
            pe_apiset_resolve(&as, name, host, host);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    read_image(data, size, PE_FILE);
    read_image(data, size, PE_MAPPED | PE_ANY_MACHINE);
    read_apiset(data, size);
    return 0;
}
