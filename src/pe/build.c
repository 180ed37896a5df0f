// SPDX-License-Identifier: GPL-2.0-or-later
#include "pe/build_internal.h"
#include "base/bits.h"

/* Real-mode code that prints the text behind it and ends with code 1. */
static const uint8_t dos_stub[] = {0x0e, 0x1f, 0xba, 0x0e, 0x00, 0xb4, 0x09,
                                   0xcd, 0x21, 0xb8, 0x01, 0x4c, 0xcd, 0x21};
static const char dos_text[] = "This is a Windows program.\r\n$";
enum { LFANEW = 0x80 };

static void set_defaults(struct pe_build_options *o, bool is64)
{
#define DEFAULT(field, value) (o->field = o->field ? o->field : (value))
    DEFAULT(image_base,
            is64 ? (o->dll ? 0x180000000 : 0x140000000) : (o->dll ? 0x10000000 : 0x400000));
    DEFAULT(section_align, PE_PAGE);
    DEFAULT(file_align, o->section_align < PE_PAGE ? o->section_align : 512);
    DEFAULT(subsystem, IMAGE_SUBSYSTEM_WINDOWS_CUI);
    DEFAULT(dll_characteristics, IMAGE_DLLCHARACTERISTICS_NX_COMPAT |
                                     (o->fixed_base ? 0 : IMAGE_DLLCHARACTERISTICS_DYNAMIC_BASE));
    DEFAULT(stack_reserve, 0x100000);
    DEFAULT(stack_commit, 0x1000);
    DEFAULT(heap_reserve, 0x100000);
    DEFAULT(heap_commit, 0x1000);
#undef DEFAULT
}

struct pe_builder *pe_build_new(const struct pe_build_options *o)
{
    BUG_ON(o->machine != IMAGE_FILE_MACHINE_I386 && o->machine != IMAGE_FILE_MACHINE_AMD64);
    struct pe_builder *b = xcalloc(1, sizeof *b);
    b->o = *o;
    b->is64 = o->machine == IMAGE_FILE_MACHINE_AMD64;
    b->name = xstrdup(o->name ? o->name : "");
    b->o.name = NULL;
    set_defaults(&b->o, b->is64);
    return b;
}

static struct build_section *section_of(struct pe_builder *b, int section)
{
    BUG_ON(section < 0 || (size_t)section >= b->sections.len);
    return &b->sections.data[section];
}

int pe_build_section(struct pe_builder *b, const char *name, uint32_t characteristics)
{
    struct build_section s = {.characteristics = characteristics};
    size_t len = strlen(name);
    BUG_ON(len > 8);
    memcpy(s.name, name, len);
    vec_push(&b->sections, s);
    return (int)b->sections.len - 1;
}

uint32_t pe_build_append(struct pe_builder *b, int section, const void *data, uint32_t size,
                         uint32_t align)
{
    struct build_section *s = section_of(b, section);
    size_t at = (size_t)align_up(s->bytes.len, align);
    BUG_ON(s->reserve || at + size > INT32_MAX);
    if (!(at + size))
        return 0;
    vec_reserve(&s->bytes, at + size);
    memset(s->bytes.data + s->bytes.len, 0, at + size - s->bytes.len);
    if (data && size)
        memcpy(s->bytes.data + at, data, size);
    s->bytes.len = at + size;
    return (uint32_t)at;
}

uint32_t pe_build_reserve(struct pe_builder *b, int section, uint32_t size)
{
    struct build_section *s = section_of(b, section);
    uint32_t at = (uint32_t)s->bytes.len + s->reserve;
    BUG_ON((uint64_t)at + size > INT32_MAX);
    s->reserve += size;
    return at;
}

void pe_build_entry(struct pe_builder *b, int section, uint32_t offset)
{
    section_of(b, section);
    b->entry = (struct pe_place){section, offset};
    b->has_entry = true;
}

static uint32_t free_ordinal(const struct pe_builder *b)
{
    uint32_t next = 1;
    vec_foreach (x, &b->exports)
        next = MAX(next, x->ordinal + 1);
    return next;
}

static void add_export(struct pe_builder *b, const char *name, uint16_t ordinal,
                       const char *forward, struct pe_place at)
{
    struct build_export x = {.name = name ? xstrdup(name) : NULL,
                             .forward = forward ? xstrdup(forward) : NULL,
                             .ordinal = ordinal ? ordinal : free_ordinal(b),
                             .at = at};
    BUG_ON(x.ordinal > 65535);
    vec_push(&b->exports, x);
}

void pe_build_export(struct pe_builder *b, const char *name, uint16_t ordinal, int section,
                     uint32_t offset)
{
    section_of(b, section);
    add_export(b, name, ordinal, NULL, (struct pe_place){section, offset});
}

void pe_build_forward(struct pe_builder *b, const char *name, uint16_t ordinal, const char *target)
{
    add_export(b, name, ordinal, target, (struct pe_place){-1, 0});
}

static int dll_index(struct pe_builder *b, const char *dll)
{
    for (size_t i = 0; i < b->dlls.len; i++)
        if (!strcmp(b->dlls.data[i], dll))
            return (int)i;
    vec_push(&b->dlls, xstrdup(dll));
    return (int)b->dlls.len - 1;
}

int pe_build_import(struct pe_builder *b, const char *dll, const char *name, uint16_t ordinal)
{
    struct build_import im = {
        .dll = dll_index(b, dll), .name = name ? xstrdup(name) : NULL, .ordinal = ordinal};
    vec_push(&b->imports, im);
    return (int)b->imports.len - 1;
}

void pe_build_fixup(struct pe_builder *b, int section, uint32_t offset, enum pe_fixup_kind kind,
                    int target_section, uint32_t target_offset)
{
    section_of(b, section);
    section_of(b, target_section);
    vec_push(&b->fixups,
             (struct build_fixup){{section, offset}, {target_section, target_offset}, -1, kind});
}

void pe_build_fixup_import(struct pe_builder *b, int section, uint32_t offset,
                           enum pe_fixup_kind kind, int import)
{
    section_of(b, section);
    BUG_ON(import < 0 || (size_t)import >= b->imports.len);
    vec_push(&b->fixups, (struct build_fixup){{section, offset}, {-1, 0}, import, kind});
}

struct pe_place pe_build_tls(struct pe_builder *b, int section, uint32_t offset, uint32_t size,
                             uint32_t zero_fill)
{
    BUG_ON(b->has_tls);
    section_of(b, section);
    b->has_tls = true;
    b->tls_data = (struct pe_place){section, offset};
    b->tls_size = size;
    b->tls_zero_fill = zero_fill;
    int s = pe_build_section(b, ".tls", PE_BUILD_DATA);
    b->tls_index = (struct pe_place){s, pe_build_append(b, s, NULL, 4, 4)};
    return b->tls_index;
}

void pe_build_tls_callback(struct pe_builder *b, int section, uint32_t offset)
{
    section_of(b, section);
    vec_push(&b->tls_callbacks, (struct pe_place){section, offset});
}

void pe_build_resource(struct pe_builder *b, uint16_t type, uint16_t name, uint16_t language,
                       const void *data, uint32_t size)
{
    struct build_resource r = {.type = type,
                               .name = name,
                               .language = language,
                               .bytes = xmemdup(data, size),
                               .size = size};
    vec_push(&b->resources, r);
}

void pe_build_directory(struct pe_builder *b, unsigned index, int section, uint32_t offset,
                        uint32_t size)
{
    BUG_ON(index >= IMAGE_NUMBEROF_DIRECTORY_ENTRIES);
    section_of(b, section);
    b->directories[index] = (struct build_directory){{section, offset}, size, true};
}

/* ---- layout and output */

static uint32_t headers_size(const struct pe_builder *b, size_t nsections)
{
    size_t n = LFANEW + 24u + (b->is64 ? PE_OPTIONAL64_FIXED : PE_OPTIONAL32_FIXED) +
               IMAGE_NUMBEROF_DIRECTORY_ENTRIES * PE_DIRECTORY_SIZE +
               nsections * PE_SECTION_HEADER_SIZE;
    return (uint32_t)align_up(n, b->o.file_align);
}

/* With room for `spare` section headers that come later. Returns the end of the file. */
static uint32_t layout(struct pe_builder *b, size_t spare)
{
    uint32_t raw = b->headers_size = headers_size(b, b->sections.len + spare);
    uint64_t rva = align_up(raw, b->o.section_align);
    bool flat = b->o.section_align < PE_PAGE;
    vec_foreach (s, &b->sections) {
        uint32_t size = (uint32_t)s->bytes.len + s->reserve;
        BUG_ON(!size);
        s->rva = (uint32_t)rva;
        s->raw_size = (uint32_t)align_up(flat ? size : s->bytes.len, b->o.file_align);
        s->raw_offset = flat ? s->rva : s->raw_size ? raw : 0;
        raw += s->raw_size;
        rva = align_up(rva + size, b->o.section_align);
        BUG_ON(rva > INT32_MAX);
    }
    b->image_size = (uint32_t)rva;
    return raw;
}

static uint32_t rva_of(const struct pe_builder *b, struct pe_place p)
{
    return b->sections.data[p.section].rva + p.offset;
}

static void apply_fixup(struct pe_builder *b, const struct build_fixup *f)
{
    struct build_section *s = &b->sections.data[f->at.section];
    uint32_t width = f->kind == PE_FIXUP_ADDRESS && b->is64 ? 8 : 4;
    uint32_t to = rva_of(b, f->import < 0 ? f->to : b->imports.data[f->import].slot);
    BUG_ON(!range_inside(f->at.offset, width, s->bytes.len));
    uint8_t *p = s->bytes.data + f->at.offset;
    if (f->kind == PE_FIXUP_REL32)
        pe_put32(p, to - (s->rva + f->at.offset + 4));
    else if (f->kind == PE_FIXUP_RVA32)
        pe_put32(p, to);
    else if (b->is64)
        pe_put64(p, b->o.image_base + to);
    else
        pe_put32(p, (uint32_t)b->o.image_base + to);
}

static void put_file_header(const struct pe_builder *b, uint8_t *p)
{
    uint16_t flags = IMAGE_FILE_EXECUTABLE_IMAGE | (b->o.dll ? IMAGE_FILE_DLL : 0) |
                     (b->o.fixed_base ? IMAGE_FILE_RELOCS_STRIPPED : 0) |
                     (b->is64 ? IMAGE_FILE_LARGE_ADDRESS_AWARE : IMAGE_FILE_32BIT_MACHINE);
    pe_put16(p, b->o.machine);
    pe_put16(p + 2, (uint16_t)b->sections.len);
    pe_put32(p + 4, b->o.timestamp);
    pe_put16(p + 16, (uint16_t)((b->is64 ? PE_OPTIONAL64_FIXED : PE_OPTIONAL32_FIXED) +
                                IMAGE_NUMBEROF_DIRECTORY_ENTRIES * PE_DIRECTORY_SIZE));
    pe_put16(p + 18, flags);
}

static void put_sizes(const struct pe_builder *b, uint8_t *p)
{
    uint32_t code = 0, data = 0, zeroes = 0, code_base = 0;
    vec_foreach (s, &b->sections) {
        if (s->characteristics & IMAGE_SCN_CNT_CODE) {
            code += s->raw_size;
            code_base = code_base ? code_base : s->rva;
        } else {
            data += s->raw_size;
            zeroes += s->reserve;
        }
    }
    pe_put32(p + 4, code);
    pe_put32(p + 8, data);
    pe_put32(p + 12, (uint32_t)align_up(zeroes, b->o.file_align));
    pe_put32(p + 20, code_base);
}

static void put_versions(const struct pe_builder *b, uint8_t *p)
{
    p[2] = 1; /* linker version 1.0 */
    pe_put16(p + 40, 6);
    pe_put16(p + 48, 6);
    pe_put16(p + 68, b->o.subsystem);
    pe_put16(p + 70, b->o.dll_characteristics);
}

static void put_optional_header(const struct pe_builder *b, uint8_t *p)
{
    const struct pe_build_options *o = &b->o;
    const uint64_t sizes[] = {o->stack_reserve, o->stack_commit, o->heap_reserve, o->heap_commit};
    pe_put16(p, b->is64 ? IMAGE_NT_OPTIONAL_HDR64_MAGIC : IMAGE_NT_OPTIONAL_HDR32_MAGIC);
    put_sizes(b, p);
    put_versions(b, p);
    pe_put32(p + 16, b->has_entry ? rva_of(b, b->entry) : 0);
    if (b->is64)
        pe_put64(p + 24, o->image_base);
    else
        pe_put32(p + 28, (uint32_t)o->image_base);
    pe_put32(p + 32, o->section_align);
    pe_put32(p + 36, o->file_align);
    pe_put32(p + 56, b->image_size);
    pe_put32(p + 60, b->headers_size);
    for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
        if (b->is64)
            pe_put64(p + 72 + 8 * i, sizes[i]);
        else
            pe_put32(p + 72 + 4 * i, (uint32_t)sizes[i]);
    }
    uint8_t *d = p + (b->is64 ? PE_OPTIONAL64_FIXED : PE_OPTIONAL32_FIXED);
    pe_put32(d - 4, IMAGE_NUMBEROF_DIRECTORY_ENTRIES);
    for (size_t i = 0; i < IMAGE_NUMBEROF_DIRECTORY_ENTRIES; i++) {
        if (!b->directories[i].used)
            continue;
        pe_put32(d + 8 * i, rva_of(b, b->directories[i].at));
        pe_put32(d + 8 * i + 4, b->directories[i].size);
    }
}

static void put_section(const struct build_section *s, uint8_t *header, uint8_t *image)
{
    memcpy(header, s->name, 8);
    pe_put32(header + 8, (uint32_t)s->bytes.len + s->reserve);
    pe_put32(header + 12, s->rva);
    pe_put32(header + 16, s->raw_size);
    pe_put32(header + 20, s->raw_offset);
    pe_put32(header + 36, s->characteristics);
    if (s->bytes.len)
        memcpy(image + s->raw_offset, s->bytes.data, s->bytes.len);
}

/* The DOS header's fields are those of a program of three pages with its stack behind it. */
static void put_dos_header(uint8_t *p)
{
    static const uint16_t fields[] = {0x5a4d, 0x90, 3, 0, 4, 0, 0xffff, 0, 0xb8, 0, 0, 0, 0x40};
    for (size_t i = 0; i < ARRAY_LEN(fields); i++)
        pe_put16(p + 2 * i, fields[i]);
    pe_put32(p + 0x3c, LFANEW);
    memcpy(p + PE_DOS_HEADER_SIZE, dos_stub, sizeof dos_stub);
    memcpy(p + PE_DOS_HEADER_SIZE + sizeof dos_stub, dos_text, sizeof dos_text - 1);
}

static void put_headers(const struct pe_builder *b, uint8_t *image)
{
    uint8_t *p = image + LFANEW;
    put_dos_header(image);
    pe_put32(p, 0x4550); /* "PE" and two zeroes */
    put_file_header(b, p + 4);
    put_optional_header(b, p + 24);
    p += 24 + pe_u16(p + 20);
    vec_foreach (s, &b->sections) {
        put_section(s, p, image);
        p += PE_SECTION_HEADER_SIZE;
    }
}

static void free_builder(struct pe_builder *b)
{
    vec_foreach (s, &b->sections)
        vec_free(&s->bytes);
    vec_foreach (x, &b->exports) {
        free(x->name);
        free(x->forward);
    }
    vec_foreach (d, &b->dlls)
        free(*d);
    vec_foreach (im, &b->imports)
        free(im->name);
    vec_foreach (r, &b->resources)
        free(r->bytes);
    vec_free(&b->sections);
    vec_free(&b->fixups);
    vec_free(&b->exports);
    vec_free(&b->dlls);
    vec_free(&b->imports);
    vec_free(&b->resources);
    vec_free(&b->tls_callbacks);
    free(b->name);
    free(b);
}

static void stamp_checksum(uint8_t *image, size_t size)
{
    struct pe_image img;
    struct pgr_error e;
    if (pe_open(&img, image, size, PE_FILE, "built image", &e))
        BUG("%s", e.text);
    pe_put32(image + LFANEW + 24 + 64, pe_checksum(&img));
}

uint8_t *pe_build_finish(struct pe_builder *b, size_t *size)
{
    build_exports(b);
    build_imports(b);
    build_tls(b);
    build_resources(b);
    size_t n = b->sections.len;
    /* Relocations need the addresses of all others, which need the number of sections. */
    layout(b, 1);
    build_relocs(b);
    uint32_t end = layout(b, n + 1 - b->sections.len);
    vec_foreach (f, &b->fixups)
        apply_fixup(b, f);
    uint8_t *image = xcalloc(end, 1);
    put_headers(b, image);
    stamp_checksum(image, end);
    *size = end;
    free_builder(b);
    return image;
}
