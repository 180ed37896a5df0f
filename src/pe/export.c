// SPDX-License-Identifier: GPL-2.0-or-later
#include "pe/internal.h"
#include "base/bits.h"
#include "base/vec.h"

/* Ordinals have 16 bits, so no linker makes more. */
#define MAX_EXPORTS 65536u

/* Finds a table of n elements and clamps n to what the file holds of it. */
static const uint8_t *table(struct pe_exports *ex, uint32_t rva, uint32_t each, uint32_t *n)
{
    uint32_t avail;
    const uint8_t *p = pe_at(ex->img, rva, &avail);
    uint32_t fits = MIN(avail / each, MAX_EXPORTS);
    if (*n > fits)
        pe_damaged(&ex->damage, "an export table is not wholly in the image", rva);
    *n = MIN(*n, fits);
    return p;
}

bool pe_exports_open(struct pe_exports *ex, const struct pe_image *img)
{
    uint8_t raw[PE_EXPORT_DIRECTORY_SIZE];
    *ex = (struct pe_exports){.img = img, .dir = pe_directory(img, IMAGE_DIRECTORY_ENTRY_EXPORT)};
    if (!ex->dir.rva)
        return false;
    if (!pe_read(img, ex->dir.rva, raw, sizeof raw))
        return pe_damaged(&ex->damage, "the export directory is outside the image", ex->dir.rva);
    ex->timestamp = pe_u32(raw + 4);
    ex->dll_name = pe_string(img, pe_u32(raw + 12));
    ex->base = pe_u32(raw + 16);
    ex->nfunctions = pe_u32(raw + 20);
    ex->nnames = pe_u32(raw + 24);
    ex->functions = table(ex, pe_u32(raw + 28), 4, &ex->nfunctions);
    ex->names = table(ex, pe_u32(raw + 32), 4, &ex->nnames);
    ex->ordinals = table(ex, pe_u32(raw + 36), 2, &ex->nnames);
    return true;
}

/* `index` counts from 0 in the function table. */
static bool export_at(const struct pe_exports *ex, uint32_t index, struct pe_export *out)
{
    uint32_t rva = index < ex->nfunctions ? pe_u32(ex->functions + (size_t)index * 4) : 0;
    if (!rva)
        return false;
    *out = (struct pe_export){.ordinal = ex->base + index, .rva = rva};
    /* What points back into the directory is text, not code. */
    if (rva >= ex->dir.rva && rva - ex->dir.rva < ex->dir.size) {
        out->forwarder = pe_string(ex->img, rva);
        return out->forwarder != NULL;
    }
    return true;
}

static const char *name_at(const struct pe_exports *ex, uint32_t i)
{
    return pe_string(ex->img, pe_u32(ex->names + (size_t)i * 4));
}

bool pe_export_name_at(const struct pe_exports *ex, uint32_t i, struct pe_export *out)
{
    const char *name = i < ex->nnames ? name_at(ex, i) : NULL;
    if (!name || !export_at(ex, pe_u16(ex->ordinals + (size_t)i * 2), out))
        return false;
    out->name = name;
    return true;
}

bool pe_export_by_ordinal(const struct pe_exports *ex, uint32_t ordinal, struct pe_export *out)
{
    /* Below the base this is huge, and with a huge base it wraps as the loader's sum does. */
    return export_at(ex, ordinal - ex->base, out);
}

static bool find_linear(const struct pe_exports *ex, const char *name, struct pe_export *out)
{
    for (uint32_t i = 0; i < ex->nnames; i++) {
        const char *s = name_at(ex, i);
        if (s && !strcmp(s, name))
            return pe_export_name_at(ex, i, out);
    }
    return false;
}

bool pe_export_by_name(const struct pe_exports *ex, const char *name, struct pe_export *out)
{
    uint32_t lo = 0, hi = ex->nnames;
    while (lo < hi) {
        uint32_t mid = lo + (hi - lo) / 2;
        const char *s = name_at(ex, mid);
        if (!s)
            return find_linear(ex, name, out);
        int c = strcmp(name, s);
        if (!c)
            return pe_export_name_at(ex, mid, out);
        if (c < 0)
            hi = mid;
        else
            lo = mid + 1;
    }
    /* A miss in a table that is not sorted proves nothing. */
    return find_linear(ex, name, out);
}

static bool visit_names(const struct pe_exports *ex, uint8_t *seen, pe_export_fn fn, void *ctx)
{
    for (uint32_t i = 0; i < ex->nnames; i++) {
        struct pe_export x;
        if (!pe_export_name_at(ex, i, &x))
            continue;
        uint32_t index = x.ordinal - ex->base;
        seen[index / 8] |= (uint8_t)(1u << (index % 8));
        if (!fn(ctx, &x))
            return false;
    }
    return true;
}

void pe_exports_visit(const struct pe_exports *ex, pe_export_fn fn, void *ctx)
{
    uint8_t *seen = xcalloc(ex->nfunctions / 8 + 1, 1);
    bool more = visit_names(ex, seen, fn, ctx);
    for (uint32_t i = 0; more && i < ex->nfunctions; i++) {
        struct pe_export x;
        if (!(seen[i / 8] & (1u << (i % 8))) && export_at(ex, i, &x))
            more = fn(ctx, &x);
    }
    free(seen);
}
