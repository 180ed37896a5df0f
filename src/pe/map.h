/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PE_MAP_H
#define PE_MAP_H
/*
 * How an image goes into memory, and its relocation page by page, so that a page can be fixed when
 * it is first touched. struct pe_map borrows the image (and through it the bytes).
 */
#include "pe/pe.h"
#include "base/vec.h"

enum { PE_PROT_R = 1, PE_PROT_W = 2, PE_PROT_X = 4 };

/*
 * Segments cover [0, size) in ascending order without gaps; the first holds the headers. Padding
 * between sections (SectionAlignment above a page) is a segment of its own with prot 0.
 *
 * The memory is the file's bytes [file_offset, file_offset + file_size), then zeroes up to
 * mem_size. When `mappable`, whole pages can be mapped privately from the file; in the last one the
 * bytes from file_size on belong to something else and must be zeroed.
 */
struct pe_segment {
    uint32_t rva, mem_size; /* multiples of the page size; mem_size > 0 */
    uint32_t file_offset, file_size;
    uint8_t prot;
    bool shared;   /* writable and common to all processes: no copy on write */
    bool mappable; /* file_offset is a multiple of the page size, file_size > 0 */
    int section;   /* index, or -1 for headers, padding and flat images */
};

struct pe_reloc_block {
    uint32_t page;    /* RVA its entries count from */
    uint32_t at, end; /* entries: offsets in the relocation directory */
};

struct pe_map {
    const struct pe_image *img;
    uint32_t size; /* SizeOfImage rounded up to pages */
    VEC(struct pe_segment) segments;
    VEC(struct pe_reloc_block) blocks; /* by page */
    uint64_t *reloc_pages;             /* one bit per page: relocations touch it */
    bool relocatable;                  /* false: only the preferred base will do */
    struct pe_damage damage;           /* why not, when relocations exist but cannot be right */
};

/* Never fails: relocations that cannot be right (blocks out of bounds, unknown types, entries
 * outside the image) only matter to an image that has to move, as on Windows; packers rely on it.
 */
void pe_map_build(struct pe_map *map, const struct pe_image *img);
void pe_map_free(struct pe_map *map);

static inline bool pe_map_page_has_relocs(const struct pe_map *map, uint32_t rva)
{
    uint32_t page = rva / PE_PAGE;
    return rva < map->size && (map->reloc_pages[page / 64] >> (page % 64) & 1);
}

/* Relocates one page. `rva` is a multiple of the page size, below map->size; `bytes` is the page's
 * 4096 bytes as they are in the file (not relocated yet); delta is new base - preferred base. A
 * relocation that straddles two pages takes the missing bytes from the image, so pages can be done
 * in any order. */
void pe_relocate_page(const struct pe_map *map, uint64_t delta, uint32_t rva, uint8_t *bytes);
#endif
