// SPDX-License-Identifier: GPL-2.0-or-later
#include "pe/internal.h"
#include "base/bits.h"

#define DAMAGED(...) pe_refuse(img, e, STATUS_INVALID_IMAGE_FORMAT, PGR_E_FORMAT, __VA_ARGS__)

static void effective_extent(const struct pe_image *img, struct pe_section *s)
{
    uint32_t size = s->virtual_size ? s->virtual_size : s->raw_size;
    uint64_t mem = align_up((uint64_t)size, PE_PAGE);
    s->mem_size = mem > UINT32_MAX ? 0 : (uint32_t)mem;
    if (img->flat) {
        s->file_offset = s->rva;
        s->file_size = s->raw_size ? MIN(s->raw_size, size) : 0;
        return;
    }
    /* Windows counts file positions in 512-byte sectors, whatever FileAlignment says. */
    s->file_offset = s->raw_offset & ~511u;
    s->file_size = s->raw_offset ? MIN(s->raw_size, s->mem_size) : 0;
}

struct pe_section pe_section(const struct pe_image *img, unsigned i)
{
    const uint8_t *p = img->data + img->h.section_table + (size_t)i * PE_SECTION_HEADER_SIZE;
    struct pe_section s = {
        .virtual_size = pe_u32(p + 8),
        .rva = pe_u32(p + 12),
        .raw_size = pe_u32(p + 16),
        .raw_offset = pe_u32(p + 20),
        .characteristics = pe_u32(p + 36),
    };
    memcpy(s.name, p, 8);
    effective_extent(img, &s);
    return s;
}

struct section_check {
    struct pe_section s;
    unsigned i;
    uint32_t at;   /* file offset of the header */
    uint64_t next; /* where the section must start */
};

static pgr_status check_placement(struct pe_image *img, const struct section_check *c,
                                  struct pgr_error *e)
{
    const struct pe_section *s = &c->s;
    uint32_t size = s->virtual_size ? s->virtual_size : s->raw_size;
    if (!size)
        return DAMAGED("section %u '%s' is empty (VirtualSize, offset 0x%x, and SizeOfRawData, "
                       "offset 0x%x, are both 0)",
                       c->i + 1, s->name, c->at + 8, c->at + 16);
    if (!img->flat && s->rva < c->next)
        return DAMAGED("section %u '%s' overlaps what is before it (VirtualAddress, offset 0x%x: "
                       "0x%x, expected 0x%llx)",
                       c->i + 1, s->name, c->at + 12, s->rva, (unsigned long long)c->next);
    if (!img->flat && s->rva > c->next)
        return DAMAGED("there is a hole before section %u '%s' (VirtualAddress, offset 0x%x: 0x%x, "
                       "expected 0x%llx); Windows wants sections without gaps",
                       c->i + 1, s->name, c->at + 12, s->rva, (unsigned long long)c->next);
    uint64_t end = img->flat ? (uint64_t)s->rva + size : s->rva + align_up((uint64_t)size, PE_PAGE);
    if (end > align_up((uint64_t)img->h.image_size, PE_PAGE))
        return DAMAGED("section %u '%s' ends at 0x%llx (VirtualAddress and VirtualSize, offset "
                       "0x%x), beyond SizeOfImage (0x%x)",
                       c->i + 1, s->name, (unsigned long long)end, c->at + 8, img->h.image_size);
    return PGR_OK;
}

static pgr_status check_raw(struct pe_image *img, const struct section_check *c,
                            struct pgr_error *e)
{
    const struct pe_section *s = &c->s;
    if (img->mapped || !s->file_size)
        return PGR_OK;
    if (img->flat && s->raw_offset != s->rva)
        return DAMAGED("section %u '%s' has PointerToRawData 0x%x (offset 0x%x), expected 0x%x: "
                       "with SectionAlignment below 0x1000 it must equal VirtualAddress",
                       c->i + 1, s->name, s->raw_offset, c->at + 20, s->rva);
    if (!range_inside(s->file_offset, s->file_size, img->size))
        return DAMAGED("section %u '%s' lies beyond the end of the file (PointerToRawData, offset "
                       "0x%x: 0x%x, with SizeOfRawData 0x%x; the file has 0x%zx bytes); it is "
                       "truncated, fetch it again",
                       c->i + 1, s->name, c->at + 20, s->raw_offset, s->raw_size, img->size);
    return PGR_OK;
}

pgr_status pe_check_sections(struct pe_image *img, struct pgr_error *e)
{
    const struct pe_header *h = &img->h;
    uint64_t bytes = (uint64_t)h->nsections * PE_SECTION_HEADER_SIZE;
    if (!range_inside(h->section_table, bytes, img->size))
        return DAMAGED("the file ends inside the section table (NumberOfSections, offset 0x%x: %u, "
                       "which needs %llu bytes at 0x%x; the file has %zu)",
                       h->lfanew + 6, h->nsections, (unsigned long long)bytes, h->section_table,
                       img->size);
    if (!img->mapped && h->headers_size > img->size)
        return DAMAGED("the file ends inside the headers (SizeOfHeaders, offset 0x%x: 0x%x; the "
                       "file has 0x%zx bytes); it is truncated, fetch it again",
                       h->lfanew + 84, h->headers_size, img->size);
    struct section_check c = {.next = align_up((uint64_t)h->headers_size, h->section_align)};
    for (c.i = 0; c.i < h->nsections; c.i++) {
        pgr_status status;
        c.s = pe_section(img, c.i);
        c.at = h->section_table + c.i * PE_SECTION_HEADER_SIZE;
        if ((status = check_placement(img, &c, e)) || (status = check_raw(img, &c, e)))
            return status;
        uint32_t size = c.s.virtual_size ? c.s.virtual_size : c.s.raw_size;
        c.next = c.s.rva + align_up((uint64_t)size, h->section_align);
    }
    return PGR_OK;
}

static int section_at_flat(const struct pe_image *img, uint32_t rva)
{
    for (unsigned i = 0; i < img->h.nsections; i++) {
        struct pe_section s = pe_section(img, i);
        uint32_t size = s.virtual_size ? s.virtual_size : s.raw_size;
        if (rva >= s.rva && rva - s.rva < size)
            return (int)i;
    }
    return -1;
}

int pe_section_at(const struct pe_image *img, uint32_t rva)
{
    if (img->flat) /* nothing orders the sections of a flat image */
        return section_at_flat(img, rva);
    /* The last one that does not begin behind rva; looked for often, so without the other fields.
     */
    const uint8_t *table = img->data + img->h.section_table;
    unsigned lo = 0, hi = img->h.nsections;
    while (lo < hi) {
        unsigned mid = (lo + hi) / 2;
        if (rva < pe_u32(table + (size_t)mid * PE_SECTION_HEADER_SIZE + 12))
            hi = mid;
        else
            lo = mid + 1;
    }
    if (!lo)
        return -1;
    struct pe_section s = pe_section(img, lo - 1);
    return rva - s.rva < s.mem_size ? (int)lo - 1 : -1;
}

const char *pe_section_name(const struct pe_image *img, const struct pe_section *s)
{
    const struct pe_header *h = &img->h;
    if (s->name[0] != '/' || !h->symbol_table || img->mapped)
        return s->name;
    uint64_t at = 0;
    for (const char *p = s->name + 1; *p; p++) {
        if (*p < '0' || *p > '9')
            return s->name;
        at = at * 10 + (uint64_t)(*p - '0');
    }
    at += h->symbol_table + (uint64_t)h->nsymbols * 18;
    if (at >= img->size || !memchr(img->data + at, 0, img->size - at))
        return s->name;
    return (const char *)img->data + at;
}

/* A stretch of the mapped image that comes from one place: bytes, or NULL for zeroes. */
struct extent {
    const uint8_t *bytes;
    uint64_t len;
};

static struct extent from_data(const struct pe_image *img, uint64_t at, uint64_t stored,
                               uint64_t whole)
{
    /* `at` counts from the start of a run whose first `stored` bytes are in the file. */
    if (at < stored)
        return (struct extent){img->data, stored - at};
    return (struct extent){NULL, whole - at};
}

static struct extent extent_at(const struct pe_image *img, uint32_t rva)
{
    const struct pe_header *h = &img->h;
    uint64_t image = align_up((uint64_t)h->image_size, PE_PAGE);
    if (rva >= image)
        return (struct extent){NULL, 0};
    struct extent x;
    uint64_t from = rva;
    if (img->mapped || img->flat) {
        x = from_data(img, rva, MIN((uint64_t)img->size, image), image);
    } else if (rva < h->headers_size) {
        x = from_data(img, rva, MIN((uint64_t)h->headers_size, img->size), image);
    } else {
        int i = pe_section_at(img, rva);
        if (i < 0) /* padding after headers or between sections: a page at a time */
            return (struct extent){NULL, PE_PAGE - (rva & (PE_PAGE - 1))};
        struct pe_section s = pe_section(img, (unsigned)i);
        x = from_data(img, rva - s.rva, s.file_size, s.mem_size);
        from = (uint64_t)s.file_offset + (rva - s.rva);
    }
    if (x.bytes)
        x.bytes += from;
    return x;
}

bool pe_rva_inside(const struct pe_image *img, uint32_t rva, uint64_t bytes)
{
    return range_inside(rva, bytes, align_up((uint64_t)img->h.image_size, PE_PAGE));
}

const uint8_t *pe_at(const struct pe_image *img, uint32_t rva, uint32_t *avail)
{
    struct extent x = extent_at(img, rva);
    *avail = x.bytes ? (uint32_t)MIN(x.len, (uint64_t)UINT32_MAX) : 0;
    return x.bytes;
}

const uint8_t *pe_bytes(const struct pe_image *img, uint32_t rva, uint32_t size)
{
    uint32_t avail;
    const uint8_t *p = pe_at(img, rva, &avail);
    return p && size <= avail ? p : NULL;
}

bool pe_read(const struct pe_image *img, uint32_t rva, void *dst, uint32_t size)
{
    memset(dst, 0, size);
    if (!pe_rva_inside(img, rva, size))
        return false;
    for (uint32_t done = 0; done < size;) {
        struct extent x = extent_at(img, rva + done);
        uint32_t n = (uint32_t)MIN(x.len, (uint64_t)(size - done));
        if (x.bytes)
            memcpy((uint8_t *)dst + done, x.bytes, n);
        done += n;
    }
    return true;
}

bool pe_read_u32(const struct pe_image *img, uint32_t rva, uint32_t *v)
{
    uint8_t b[4];
    bool ok = pe_read(img, rva, b, sizeof b);
    *v = pe_u32(b);
    return ok;
}

bool pe_read_ptr(const struct pe_image *img, uint32_t rva, uint64_t *v)
{
    uint8_t b[8];
    bool ok = pe_read(img, rva, b, img->h.is64 ? 8 : 4);
    *v = img->h.is64 ? pe_u64(b) : pe_u32(b);
    return ok;
}

const char *pe_string(const struct pe_image *img, uint32_t rva)
{
    uint32_t avail;
    const uint8_t *p = pe_at(img, rva, &avail);
    if (!p || !memchr(p, 0, MIN(avail, (uint32_t)PE_NAME_MAX)))
        return NULL;
    return (const char *)p;
}

bool pe_va_to_rva(const struct pe_image *img, uint64_t va, uint32_t *rva)
{
    uint64_t off = va - img->va_base;
    if (va < img->va_base || off >= align_up((uint64_t)img->h.image_size, PE_PAGE))
        return false;
    *rva = (uint32_t)off;
    return true;
}

bool pe_rva_to_offset(const struct pe_image *img, uint32_t rva, uint32_t *offset)
{
    uint32_t avail;
    const uint8_t *p = pe_at(img, rva, &avail);
    if (!p || img->mapped)
        return false;
    *offset = (uint32_t)(p - img->data);
    return true;
}

struct pe_directory pe_directory(const struct pe_image *img, unsigned index)
{
    struct pe_directory d = {0, 0};
    if (index < IMAGE_NUMBEROF_DIRECTORY_ENTRIES && img->h.directories[index].rva)
        d = img->h.directories[index];
    return d;
}
