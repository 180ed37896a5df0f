// SPDX-License-Identifier: GPL-2.0-or-later
#include "pe/internal.h"
#include "base/bits.h"

#include <stdarg.h>
#include <stdio.h>

struct report {
    const struct pe_image *img;
    pe_anomaly_fn fn;
    void *ctx;
};

static void say(const struct report *r, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static void say(const struct report *r, const char *fmt, ...)
{
    char text[512];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    r->fn(r->ctx, text);
}

uint32_t pe_checksum(const struct pe_image *img)
{
    uint64_t sum = 0;
    size_t field = (size_t)img->h.lfanew + 24 + 64;
    for (size_t i = 0; i + 1 < img->size; i += 2)
        sum += pe_u16(img->data + i);
    if (img->size & 1)
        sum += img->data[img->size - 1];
    /* The field itself counts as zero. lfanew is even, so it fills two whole words. */
    sum -= pe_u16(img->data + field);
    sum -= pe_u16(img->data + field + 2);
    while (sum >> 16)
        sum = (sum & 0xffff) + (sum >> 16);
    return (uint32_t)(sum + img->size);
}

size_t pe_overlay(const struct pe_image *img)
{
    size_t end = MIN((size_t)img->h.headers_size, img->size);
    if (img->mapped)
        return img->size;
    for (unsigned i = 0; i < img->h.nsections; i++) {
        struct pe_section s = pe_section(img, i);
        if (s.raw_size && s.raw_offset)
            end = MAX(end, (size_t)s.raw_offset + s.raw_size);
    }
    return MIN(end, img->size);
}

static void check_entry(const struct report *r)
{
    const struct pe_header *h = &r->img->h;
    int i = pe_section_at(r->img, h->entry);
    if (!h->entry) {
        if (!(h->characteristics & IMAGE_FILE_DLL))
            say(r, "a program without an entry point (AddressOfEntryPoint is 0)");
        return;
    }
    if (i < 0) {
        say(r, "the entry point 0x%x is in no section", h->entry);
        return;
    }
    struct pe_section s = pe_section(r->img, (unsigned)i);
    if (!(s.characteristics & IMAGE_SCN_MEM_EXECUTE))
        say(r, "the entry point 0x%x is in section '%s', which is not executable", h->entry,
            s.name);
    if (i && (unsigned)i + 1 == h->nsections)
        say(r, "the entry point 0x%x is in the last section '%s', as packers and viruses have it",
            h->entry, s.name);
}

static void check_headers(const struct report *r)
{
    const struct pe_header *h = &r->img->h;
    uint32_t fixed = h->is64 ? PE_OPTIONAL64_FIXED : PE_OPTIONAL32_FIXED;
    uint32_t n = MIN(h->ndirectories, (uint32_t)IMAGE_NUMBEROF_DIRECTORY_ENTRIES);
    if (h->lfanew < PE_DOS_HEADER_SIZE)
        say(r, "the PE header overlaps the DOS header (e_lfanew is 0x%x)", h->lfanew);
    if (h->optional_size < fixed + n * PE_DIRECTORY_SIZE)
        say(r, "SizeOfOptionalHeader is 0x%x, the header needs 0x%x", h->optional_size,
            fixed + n * PE_DIRECTORY_SIZE);
    if (h->ndirectories != IMAGE_NUMBEROF_DIRECTORY_ENTRIES)
        say(r, "NumberOfRvaAndSizes is 0x%x, usually 16", h->ndirectories);
    if (h->image_size & (h->section_align - 1))
        say(r, "SizeOfImage 0x%x is not a multiple of SectionAlignment", h->image_size);
    if (h->nsections > 96)
        say(r, "%u sections: Windows XP takes at most 96", h->nsections);
    if ((uint64_t)h->section_table + (uint64_t)h->nsections * PE_SECTION_HEADER_SIZE >
        h->headers_size)
        say(r, "the section table lies beyond SizeOfHeaders (0x%x)", h->headers_size);
    if (r->img->flat)
        say(r, "SectionAlignment 0x%x is below a page: the file is mapped as one piece",
            h->section_align);
    if (!h->image_base && (h->characteristics & IMAGE_FILE_RELOCS_STRIPPED))
        say(r, "ImageBase is 0 and there are no relocations: it cannot be loaded anywhere");
}

static void check_section(const struct report *r, unsigned i)
{
    struct pe_section s = pe_section(r->img, i);
    const uint32_t wx = IMAGE_SCN_MEM_WRITE | IMAGE_SCN_MEM_EXECUTE;
    if ((s.characteristics & wx) == wx)
        say(r, "section '%s' is writable and executable", s.name);
    if ((s.characteristics & IMAGE_SCN_MEM_SHARED) && (s.characteristics & IMAGE_SCN_MEM_WRITE))
        say(r, "section '%s' is shared between processes and writable", s.name);
    if (!s.virtual_size)
        say(r, "section '%s' has VirtualSize 0, so SizeOfRawData counts", s.name);
    if (s.raw_size && !s.raw_offset)
        say(r, "section '%s' has SizeOfRawData 0x%x but no PointerToRawData: it starts as zeroes",
            s.name, s.raw_size);
    if (!r->img->flat && (s.raw_offset & 511))
        say(r, "section '%s' has PointerToRawData 0x%x, which is rounded down to 0x%x", s.name,
            s.raw_offset, s.file_offset);
    else if (s.raw_offset & (r->img->h.file_align - 1))
        say(r, "section '%s' has PointerToRawData 0x%x, not a multiple of FileAlignment", s.name,
            s.raw_offset);
    if (!r->img->mapped && !range_inside(s.raw_offset, s.raw_size, r->img->size))
        say(r,
            "section '%s' claims 0x%x bytes at 0x%x, partly beyond the end of the file; what is "
            "needed is there",
            s.name, s.raw_size, s.raw_offset);
    for (unsigned k = 0; k < 8 && s.name[k]; k++)
        if ((uint8_t)s.name[k] < 0x20 || (uint8_t)s.name[k] > 0x7e) {
            say(r, "section %u has a name that is not text", i + 1);
            break;
        }
}

static void check_directories(const struct report *r)
{
    const struct pe_image *img = r->img;
    for (unsigned i = 0; i < IMAGE_NUMBEROF_DIRECTORY_ENTRIES; i++) {
        struct pe_directory d = pe_directory(img, i);
        if (!d.rva)
            continue;
        if (i == IMAGE_DIRECTORY_ENTRY_SECURITY) { /* a file offset, unlike the others */
            if (!img->mapped && !range_inside(d.rva, d.size, img->size))
                say(r,
                    "the certificate table (offset 0x%x, size 0x%x) is beyond the end of the "
                    "file",
                    d.rva, d.size);
        } else if (!pe_rva_inside(img, d.rva, d.size)) {
            say(r, "the %s directory (0x%x, size 0x%x) is outside the image", pe_directory_name(i),
                d.rva, d.size);
        }
    }
}

static void say_damage(const struct report *r, const char *where, struct pe_damage d)
{
    if (d.what)
        say(r, "%s: %s (0x%x)", where, d.what, d.rva);
}

static bool forwarder_is_sane(const struct pe_export *x)
{
    const char *dot = strrchr(x->forwarder, '.');
    return dot && dot != x->forwarder && dot[1];
}

struct export_check {
    const struct report *r;
    unsigned odd;
};

static bool check_export(void *ctx, const struct pe_export *x)
{
    struct export_check *c = ctx;
    if (x->forwarder ? !forwarder_is_sane(x) : !pe_rva_inside(c->r->img, x->rva, 1))
        c->odd++;
    return true;
}

static void check_exports(const struct report *r)
{
    struct pe_exports ex;
    struct export_check c = {.r = r};
    const char *before = "";
    unsigned disorder = 0;
    bool have = pe_exports_open(&ex, r->img);
    say_damage(r, "exports", ex.damage);
    if (!have)
        return;
    pe_exports_visit(&ex, check_export, &c);
    if (c.odd)
        say(r, "exports: %u lead outside the image or forward to nothing", c.odd);
    for (uint32_t i = 0; i < ex.nnames; i++) {
        struct pe_export x;
        if (!pe_export_name_at(&ex, i, &x))
            continue;
        disorder += strcmp(before, x.name) > 0;
        before = x.name;
    }
    if (disorder)
        say(r, "exports: the names are not sorted, so Windows does not find all of them");
}

static void check_imports(const struct report *r, enum pe_import_kind kind, const char *where)
{
    struct pe_imports it;
    pe_imports_begin(&it, r->img, kind);
    while (pe_imports_dll(&it))
        while (pe_imports_function(&it))
            continue;
    say_damage(r, where, it.damage);
}

static void check_relocs(const struct report *r)
{
    struct pe_relocs it;
    unsigned unknown = 0, outside = 0;
    pe_relocs_begin(&it, r->img);
    while (pe_relocs_block(&it))
        while (pe_relocs_entry(&it)) {
            unsigned width = pe_reloc_width(it.type);
            unknown += !width;
            outside += width && !pe_rva_inside(r->img, it.rva, width);
        }
    say_damage(r, "relocations", it.damage);
    if (unknown)
        say(r, "relocations: %u of a type that x86 does not have", unknown);
    if (outside)
        say(r, "relocations: %u outside the image", outside);
    if (pe_directory(r->img, IMAGE_DIRECTORY_ENTRY_BASERELOC).rva &&
        (r->img->h.characteristics & IMAGE_FILE_RELOCS_STRIPPED))
        say(r, "relocations are present, but the header says they are stripped");
}

static bool ignore_resource(void *ctx, const struct pe_resource *res)
{
    const struct report *r = ctx;
    if (res->leaf && !pe_rva_inside(r->img, res->rva, res->size))
        say(r, "resources: data outside the image (0x%x, size 0x%x)", res->rva, res->size);
    return true;
}

static void check_rest(const struct report *r)
{
    const struct pe_image *img = r->img;
    struct pe_damage d = {0};
    struct pe_tls tls;
    pe_tls(img, &tls, &d);
    say_damage(r, "TLS", d);
    d = (struct pe_damage){0};
    pe_resources_visit(img, ignore_resource, (void *)r, &d);
    say_damage(r, "resources", d);
    if (img->mapped)
        return;
    size_t overlay = pe_overlay(img);
    struct pe_directory sign = pe_directory(img, IMAGE_DIRECTORY_ENTRY_SECURITY);
    if (overlay < img->size && !(sign.rva && sign.rva <= align_up(overlay, 8)) &&
        !(img->h.symbol_table && img->h.nsymbols))
        say(r, "%zu bytes follow the last section (overlay at 0x%zx)", img->size - overlay,
            overlay);
    if (img->h.checksum && img->h.checksum != pe_checksum(img))
        say(r, "CheckSum is 0x%08x, the file's is 0x%08x", img->h.checksum, pe_checksum(img));
}

void pe_anomalies(const struct pe_image *img, pe_anomaly_fn fn, void *ctx)
{
    struct report r = {img, fn, ctx};
    check_headers(&r);
    check_entry(&r);
    for (unsigned i = 0; i < img->h.nsections; i++)
        check_section(&r, i);
    check_directories(&r);
    check_exports(&r);
    check_imports(&r, PE_IMPORTS, "imports");
    check_imports(&r, PE_IMPORTS_DELAY, "delay imports");
    check_relocs(&r);
    check_rest(&r);
}
