// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Import tables that are bound already. Modules whose calls nobody wants to see got addresses of
 * thunks from the rewritten export tables as everybody did, and get the functions' own instead. Or
 * the reverse, for functions that were hooked after they were imported.
 */
#include "hook/internal.h"
#include "nt/mm/mm.h"
#include "pe/pe.h"

enum { SLOTS_MAX = 1 << 16, AT_ONCE = 512 };

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
    struct hook_symbol *s = hook_thunk_at(c->h, c->p, v + 1);
    return s ? hook_target(c->h, c->p, s) : 0;
}

/* [va, va + n) are slots with addresses of functions. */
static void patch_slots(const struct patching *c, uint64_t va, size_t n)
{
    uint8_t old[AT_ONCE * 8];
    const unsigned size = c->p->ptr_size;
    for (size_t done = 0; done < n;) {
        size_t now = MIN(n - done, (size_t)AT_ONCE);
        uint64_t at = va + done * size;
        bool changed = false;
        if (!mem_peek(c->p->mem, at, old, now * size))
            return;
        for (size_t i = 0; i < now; i++) {
            uint64_t v = 0, other;
            memcpy(&v, old + i * size, size);
            if (!v || !(other = other_address(c, v)))
                continue;
            memcpy(old + i * size, &other, size);
            changed = true;
        }
        if (changed)
            mem_poke(c->p->mem, at, old, now * size);
        done += now;
    }
}

static size_t slots_until_zero(const struct patching *c, uint64_t va)
{
    uint64_t v;
    size_t n = 0;
    while (n < SLOTS_MAX && hook_peek_ptr(c->p, va + n * c->p->ptr_size, &v) && v)
        n++;
    return n;
}

/* One table for each DLL that is imported from: by the descriptors of either kind. */
static void by_descriptors(const struct patching *c, const struct hook_module *m,
                           unsigned dir_index, uint32_t size, uint32_t slots_at)
{
    struct pe_image img;
    if (!hook_open_image(c->h, c->p, m->base, &img, dir_index))
        return;
    struct pe_directory dir = pe_directory(&img, dir_index);
    for (uint32_t at = dir.rva; dir.size && at - dir.rva < dir.size; at += size) {
        const uint8_t *d = pe_bytes(&img, at, size);
        uint32_t rva = d ? pe_u32(d + slots_at) : 0;
        if (!rva)
            return;
        patch_slots(c, m->base + rva, slots_until_zero(c, m->base + rva));
    }
}

static void patch(struct hooks *h, struct nt_process *p, const struct hook_module *m,
                  bool to_thunks)
{
    const struct patching c = {h, p, to_thunks};
    by_descriptors(&c, m, IMAGE_DIRECTORY_ENTRY_IMPORT, 20, 16);
    by_descriptors(&c, m, IMAGE_DIRECTORY_ENTRY_DELAY_IMPORT, 32, 12);
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
