// SPDX-License-Identifier: GPL-2.0-or-later
#include "pe/internal.h"
#include "base/bits.h"

enum { BLOCK_HEADER = 8 };

void pe_relocs_begin(struct pe_relocs *it, const struct pe_image *img)
{
    struct pe_directory d = pe_directory(img, IMAGE_DIRECTORY_ENTRY_BASERELOC);
    uint32_t avail;
    *it = (struct pe_relocs){.dir_rva = d.rva};
    if (!d.rva || !d.size)
        return;
    it->data = pe_at(img, d.rva, &avail);
    it->size = MIN(d.size, avail);
    if (it->size < d.size)
        pe_damaged(&it->damage, "the relocation directory is not wholly in the image", d.rva);
}

static bool stop(struct pe_relocs *it, const char *what)
{
    it->next = it->size;
    it->at = it->block_end = 0;
    return pe_damaged(&it->damage, what, it->dir_rva + it->block);
}

bool pe_relocs_block(struct pe_relocs *it)
{
    it->block = it->next;
    it->at = it->block_end = 0;
    if (it->size - it->block < BLOCK_HEADER)
        return false;
    uint32_t size = pe_u32(it->data + it->block + 4);
    it->page = pe_u32(it->data + it->block);
    if (!size && !it->page) /* padding up to the directory's size */
        return stop(it, NULL);
    if (size < BLOCK_HEADER)
        return stop(it, "a relocation block is smaller than its header");
    if (size > it->size - it->block)
        return stop(it, "a relocation block runs out of the directory");
    it->at = it->block + BLOCK_HEADER;
    it->block_end = it->block + size;
    /* Blocks start at multiples of four; the loader itself only adds the size. */
    it->next = it->block_end;
    return true;
}

bool pe_relocs_entry(struct pe_relocs *it)
{
    while (it->block_end - it->at >= 2) {
        uint16_t v = pe_u16(it->data + it->at);
        it->at += 2;
        it->type = (uint8_t)(v >> 12);
        it->rva = it->page + (v & 0xfff);
        if (it->type == IMAGE_REL_BASED_ABSOLUTE)
            continue;
        if (it->type == IMAGE_REL_BASED_HIGHADJ) {
            if (it->block_end - it->at < 2)
                return stop(it, "a HIGHADJ relocation lacks its second half");
            it->low = pe_u16(it->data + it->at);
            it->at += 2;
        }
        return true;
    }
    return false;
}

unsigned pe_reloc_width(unsigned type)
{
    switch (type) {
    case IMAGE_REL_BASED_HIGH:
    case IMAGE_REL_BASED_LOW:
    case IMAGE_REL_BASED_HIGHADJ:
        return 2;
    case IMAGE_REL_BASED_HIGHLOW:
        return 4;
    case IMAGE_REL_BASED_DIR64:
        return 8;
    default:
        return 0;
    }
}
