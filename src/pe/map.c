// SPDX-License-Identifier: GPL-2.0-or-later
#include "pe/map.h"
#include "pe/internal.h"
#include "base/bits.h"

/* The widest relocation: an entry this far before a page still reaches into it. */
enum { WIDEST = 8, BLOCK_SPAN = 4096 };

/* ---- segments */

static uint8_t protection(uint32_t characteristics)
{
    uint8_t p = 0;
    if (characteristics & IMAGE_SCN_MEM_READ)
        p |= PE_PROT_R;
    if (characteristics & IMAGE_SCN_MEM_WRITE)
        p |= PE_PROT_R | PE_PROT_W; /* NT has no write-only pages */
    if (characteristics & IMAGE_SCN_MEM_EXECUTE)
        p |= PE_PROT_X;
    return p;
}

static void add(struct pe_map *map, struct pe_segment s)
{
    const struct pe_image *img = map->img;
    if (!s.mem_size)
        return;
    if (img->mapped) /* the bytes are there already, at their RVA */
        s.file_offset = s.rva;
    if (s.file_offset >= img->size)
        s.file_size = 0;
    s.file_size = (uint32_t)MIN((uint64_t)MIN(s.file_size, s.mem_size),
                                (uint64_t)(img->size - MIN(s.file_offset, img->size)));
    s.mappable = s.file_size && !(s.file_offset & (PE_PAGE - 1));
    vec_push(&map->segments, s);
}

static void pad_to(struct pe_map *map, uint32_t *at, uint32_t rva)
{
    if (rva > *at)
        add(map, (struct pe_segment){.rva = *at, .mem_size = rva - *at, .section = -1});
    *at = rva;
}

static void build_flat(struct pe_map *map)
{
    add(map, (struct pe_segment){.mem_size = map->size,
                                 .file_size = map->img->h.image_size,
                                 .prot = PE_PROT_R | PE_PROT_W | PE_PROT_X,
                                 .section = -1});
}

static void build_segments(struct pe_map *map)
{
    const struct pe_image *img = map->img;
    uint32_t at = 0, headers = (uint32_t)align_up((uint64_t)img->h.headers_size, PE_PAGE);
    if (img->flat) {
        build_flat(map);
        return;
    }
    vec_reserve(&map->segments, (size_t)img->h.nsections + 2);
    add(map, (struct pe_segment){.mem_size = headers,
                                 .file_size = img->h.headers_size,
                                 .prot = PE_PROT_R,
                                 .section = -1});
    at = headers;
    for (unsigned i = 0; i < img->h.nsections; i++) {
        struct pe_section s = pe_section(img, i);
        pad_to(map, &at, s.rva);
        add(map, (struct pe_segment){.rva = s.rva,
                                     .mem_size = s.mem_size,
                                     .file_offset = s.file_offset,
                                     .file_size = img->mapped ? s.mem_size : s.file_size,
                                     .prot = protection(s.characteristics),
                                     .shared = s.characteristics & IMAGE_SCN_MEM_SHARED,
                                     .section = (int)i});
        at = s.rva + s.mem_size;
    }
    pad_to(map, &at, map->size);
}

/* ---- relocations */

static int by_page(const void *a, const void *b)
{
    const struct pe_reloc_block *x = a, *y = b;
    if (x->page != y->page)
        return x->page < y->page ? -1 : 1;
    return x->at < y->at ? -1 : x->at > y->at; /* keeps the file's order: qsort is not stable */
}

static void mark(struct pe_map *map, uint32_t rva, unsigned width)
{
    for (uint32_t page = rva / PE_PAGE; page <= (rva + width - 1) / PE_PAGE; page++)
        map->reloc_pages[page / 64] |= 1ull << (page % 64);
}

static bool index_block(struct pe_map *map, struct pe_relocs *it)
{
    struct pe_reloc_block b = {it->page, it->at, it->block_end};
    uint32_t block_rva = it->dir_rva + it->block;
    bool any = false;
    while (pe_relocs_entry(it)) {
        unsigned width = pe_reloc_width(it->type);
        if (!width)
            return pe_damaged(&map->damage, "a relocation of unknown type", block_rva);
        if (!range_inside(it->rva, width, map->size) || it->rva < it->page)
            return pe_damaged(&map->damage, "a relocation outside the image", block_rva);
        mark(map, it->rva, width);
        any = true;
    }
    if (any)
        vec_push(&map->blocks, b);
    return true;
}

static void build_relocs(struct pe_map *map)
{
    struct pe_relocs it;
    bool sorted = true, sound = true;
    pe_relocs_begin(&it, map->img);
    while (sound && pe_relocs_block(&it)) {
        sound = index_block(map, &it);
        size_t n = map->blocks.len;
        if (n > 1 && map->blocks.data[n - 1].page < map->blocks.data[n - 2].page)
            sorted = false;
    }
    if (it.damage.what)
        sound = pe_damaged(&map->damage, it.damage.what, it.damage.rva);
    if (!sorted)
        qsort(map->blocks.data, map->blocks.len, sizeof *map->blocks.data, by_page);
    /* A DLL without any absolute address has an empty directory and may still move. */
    map->relocatable = sound && !(map->img->h.characteristics & IMAGE_FILE_RELOCS_STRIPPED);
}

void pe_map_build(struct pe_map *map, const struct pe_image *img)
{
    uint32_t size = (uint32_t)align_up((uint64_t)img->h.image_size, PE_PAGE);
    *map = (struct pe_map){.img = img, .size = size};
    map->reloc_pages = xcalloc(size / PE_PAGE / 64 + 1, sizeof *map->reloc_pages);
    build_segments(map);
    build_relocs(map);
}

void pe_map_free(struct pe_map *map)
{
    vec_free(&map->segments);
    vec_free(&map->blocks);
    free(map->reloc_pages);
    map->reloc_pages = NULL;
}

/* The value's bytes as the file has them: from the page while inside, from the image beside it. */
static void load_value(const struct pe_map *map, uint32_t page, const uint8_t *bytes, uint32_t rva,
                       unsigned width, uint8_t value[WIDEST])
{
    if (rva >= page && rva - page <= PE_PAGE - width)
        memcpy(value, bytes + (rva - page), width);
    else
        pe_read(map->img, rva, value, width);
}

static void store_value(uint32_t page, uint8_t *bytes, uint32_t rva, unsigned width,
                        const uint8_t value[WIDEST])
{
    for (unsigned i = 0; i < width; i++)
        if (rva + i >= page && rva + i - page < PE_PAGE)
            bytes[rva + i - page] = value[i];
}

static void relocate_value(const struct pe_relocs *it, uint64_t delta, uint8_t value[WIDEST])
{
    uint32_t high;
    switch (it->type) {
    case IMAGE_REL_BASED_HIGH:
        high = ((uint32_t)pe_u16(value) << 16) + (uint32_t)delta;
        pe_put16(value, (uint16_t)(high >> 16));
        break;
    case IMAGE_REL_BASED_LOW:
        pe_put16(value, (uint16_t)(pe_u16(value) + (uint32_t)delta));
        break;
    case IMAGE_REL_BASED_HIGHLOW:
        pe_put32(value, pe_u32(value) + (uint32_t)delta);
        break;
    case IMAGE_REL_BASED_HIGHADJ: /* the low half is signed and rounds the high one */
        high = ((uint32_t)pe_u16(value) << 16) + (uint32_t)(int16_t)it->low + (uint32_t)delta;
        pe_put16(value, (uint16_t)((high + 0x8000) >> 16));
        break;
    case IMAGE_REL_BASED_DIR64:
        pe_put64(value, pe_u64(value) + delta);
        break;
    default:
        BUG("relocation type %u was let in", it->type);
    }
}

static void relocate_block(const struct pe_map *map, const struct pe_reloc_block *b, uint64_t delta,
                           uint32_t page, uint8_t *bytes)
{
    struct pe_relocs it;
    pe_relocs_begin(&it, map->img);
    it.page = b->page;
    it.at = b->at;
    it.block_end = b->end;
    while (pe_relocs_entry(&it)) {
        uint8_t value[WIDEST];
        unsigned width = pe_reloc_width(it.type);
        if (it.rva + width <= page || it.rva >= page + PE_PAGE)
            continue;
        load_value(map, page, bytes, it.rva, width, value);
        relocate_value(&it, delta, value);
        store_value(page, bytes, it.rva, width, value);
    }
}

void pe_relocate_page(const struct pe_map *map, uint64_t delta, uint32_t rva, uint8_t *bytes)
{
    uint32_t lo = 0, hi = (uint32_t)map->blocks.len;
    uint32_t reach = BLOCK_SPAN + WIDEST;
    BUG_ON(rva & (PE_PAGE - 1) || rva >= map->size);
    if (!delta || !pe_map_page_has_relocs(map, rva))
        return;
    /* The first block that can still reach this page. */
    while (lo < hi) {
        uint32_t mid = (lo + hi) / 2;
        if ((uint64_t)map->blocks.data[mid].page + reach <= rva)
            lo = mid + 1;
        else
            hi = mid;
    }
    for (; lo < map->blocks.len && map->blocks.data[lo].page < rva + PE_PAGE; lo++)
        relocate_block(map, &map->blocks.data[lo], delta, rva, bytes);
}
