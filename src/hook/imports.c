// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Import tables that are bound already. Modules whose calls nobody wants to see got addresses of
 * thunks from the rewritten export tables as everybody did, and get the functions' own instead. Or
 * the reverse, for functions that were hooked after they were imported.
 */
#include "hook/internal.h"
#include "nt/mm/mm.h"

enum { SLOTS_MAX = 1 << 16 };

struct patching {
    struct hooks *h;
    struct nt_process *p;
    bool to_thunks;
};

/* What stands instead of address v in a slot; 0: v may stay. */
static uint64_t other_address(const struct patching *c, uint64_t v)
{
    if (c->to_thunks)
        return hook_thunk_of(c->h, c->p, v);
    /* A thunk is known by what its call returns to; any byte behind its first will do. */
    uint32_t row;
    struct hook_module *m = hook_thunk_row(c->h, c->p, v + 1, &row);
    return m ? hook_row_target(c->h, c->p, m, row) : 0;
}

/* Slots with addresses of functions, up to one that is empty. */
static void patch_slots(const struct patching *c, uint64_t va)
{
    uint8_t old[MEM_PAGE];
    const unsigned size = c->p->ptr_size;
    for (size_t seen = 0, n; seen < SLOTS_MAX; seen += n, va += n * size) {
        size_t first = SIZE_MAX, last = 0;
        bool end = false;
        n = MAX((MEM_PAGE - va % MEM_PAGE) / size, 1u); /* the next page may not be there */
        if (!mem_peek(c->p->mem, va, old, n * size))
            return;
        for (size_t i = 0; i < n && !end; i++) {
            uint64_t v = 0, other;
            memcpy(&v, old + i * size, size);
            end = !v;
            if (end || !(other = other_address(c, v)))
                continue;
            memcpy(old + i * size, &other, size);
            first = MIN(first, i);
            last = i;
        }
        if (first <= last)
            mem_poke(c->p->mem, va + first * size, old + first * size, (last - first + 1) * size);
        if (end)
            return;
    }
}

/* One table for each DLL that is imported from: by the descriptors of either kind. */
static void by_descriptors(const struct patching *c, const struct hook_module *m,
                           const struct pe_image *img, unsigned dir_index, uint32_t size,
                           uint32_t slots_at)
{
    struct pe_directory dir = pe_directory(img, dir_index);
    for (uint32_t at = dir.rva; dir.size && at - dir.rva < dir.size; at += size) {
        const uint8_t *d = pe_bytes(img, at, size);
        uint32_t rva = d ? pe_u32(d + slots_at) : 0;
        if (!rva)
            return;
        patch_slots(c, m->base + rva);
    }
}

static void patch(struct hooks *h, struct nt_process *p, const struct hook_module *m,
                  bool to_thunks)
{
    const struct patching c = {h, p, to_thunks};
    struct pe_image img;
    if (!hook_open_image(h, p, m->base, &img, IMAGE_DIRECTORY_ENTRY_IMPORT))
        return;
    by_descriptors(&c, m, &img, IMAGE_DIRECTORY_ENTRY_IMPORT, 20, 16);
    if (!pe_directory(&img, IMAGE_DIRECTORY_ENTRY_DELAY_IMPORT).size ||
        !hook_open_image(h, p, m->base, &img, IMAGE_DIRECTORY_ENTRY_DELAY_IMPORT))
        return;
    by_descriptors(&c, m, &img, IMAGE_DIRECTORY_ENTRY_DELAY_IMPORT, 32, 12);
}

void hook_unhook_imports(struct hooks *h, struct nt_process *p, struct hook_module *m)
{
    m->unhooked = true;
    patch(h, p, m, false);
}

void hook_hook_imports(struct hooks *h, struct nt_process *p, struct hook_module *m)
{
    patch(h, p, m, true);
}
