// SPDX-License-Identifier: GPL-2.0-or-later
#include "pe/internal.h"
#include "base/bits.h"
#include "base/utf.h"

enum { DIRECTORY_HEADER = 16, ENTRY = 8, DATA_ENTRY = 16, MAX_NODES = 65536 };
#define HIGH_BIT 0x80000000u

struct walk {
    const struct pe_image *img;
    uint32_t root; /* RVA that all offsets count from */
    pe_resource_fn fn;
    void *ctx;
    struct pe_damage *damage;
    struct pe_resource r;
    uint32_t budget;
    bool stopped;
};

static bool read_name(struct walk *w, uint32_t field, struct pe_resource_name *out)
{
    *out = (struct pe_resource_name){.id = field};
    if (!(field & HIGH_BIT))
        return true;
    uint32_t at = w->root + (field & ~HIGH_BIT);
    const uint8_t *p = pe_bytes(w->img, at, 2);
    if (!p || !pe_bytes(w->img, at, 2 + 2u * pe_u16(p)))
        return pe_damaged(w->damage, "the name of a resource is outside the image", at);
    *out = (struct pe_resource_name){.utf16 = p + 2, .len = pe_u16(p)};
    return true;
}

static bool read_leaf(struct walk *w, uint32_t at)
{
    const uint8_t *p = pe_bytes(w->img, at, DATA_ENTRY);
    if (!p)
        return pe_damaged(w->damage, "a resource data entry is outside the image", at);
    w->r.leaf = true;
    w->r.rva = pe_u32(p);
    w->r.size = pe_u32(p + 4);
    w->r.codepage = pe_u32(p + 8);
    return true;
}

static void walk_directory(struct walk *w, uint32_t at, unsigned depth);

static void walk_entry(struct walk *w, const uint8_t *entry, unsigned depth)
{
    uint32_t to = pe_u32(entry + 4), at = w->root + (to & ~HIGH_BIT);
    w->r.depth = depth;
    w->r.leaf = false;
    if (!w->budget--) {
        w->budget = 0;
        w->stopped = true;
        pe_damaged(w->damage, "the resource tree is larger than any real one", w->root);
        return;
    }
    if (!read_name(w, pe_u32(entry), &w->r.path[depth]))
        return;
    if (!(to & HIGH_BIT) && !read_leaf(w, at))
        return;
    w->stopped = !w->fn(w->ctx, &w->r);
    if (w->stopped || !(to & HIGH_BIT))
        return;
    if (depth + 1 < PE_RESOURCE_DEPTH)
        walk_directory(w, at, depth + 1);
    else
        pe_damaged(w->damage, "the resource tree is deeper than three levels", at);
}

static void walk_directory(struct walk *w, uint32_t at, unsigned depth)
{
    const uint8_t *p = pe_bytes(w->img, at, DIRECTORY_HEADER);
    if (!p) {
        pe_damaged(w->damage, "a resource directory is outside the image", at);
        return;
    }
    uint32_t n = (uint32_t)pe_u16(p + 12) + pe_u16(p + 14);
    const uint8_t *entries = pe_bytes(w->img, at, DIRECTORY_HEADER + n * ENTRY);
    if (!entries) {
        pe_damaged(w->damage, "a resource directory runs out of the image", at);
        return;
    }
    for (size_t i = 0; i < n && !w->stopped; i++)
        walk_entry(w, entries + DIRECTORY_HEADER + i * ENTRY, depth);
}

void pe_resources_visit(const struct pe_image *img, pe_resource_fn fn, void *ctx,
                        struct pe_damage *damage)
{
    struct pe_damage ignored = {0};
    struct walk w = {.img = img,
                     .root = pe_directory(img, IMAGE_DIRECTORY_ENTRY_RESOURCE).rva,
                     .fn = fn,
                     .ctx = ctx,
                     .damage = damage ? damage : &ignored,
                     .budget = MAX_NODES};
    if (w.root)
        walk_directory(&w, w.root, 0);
}

struct find {
    uint32_t type, name;
    struct pe_resource *out;
    bool found;
};

static bool find_one(void *ctx, const struct pe_resource *r)
{
    struct find *f = ctx;
    if (!r->leaf || r->path[0].utf16 || r->path[0].id != f->type)
        return true;
    if (f->name && (r->depth < 1 || r->path[1].utf16 || r->path[1].id != f->name))
        return true;
    *f->out = *r;
    f->found = true;
    return false;
}

bool pe_resource_find(const struct pe_image *img, uint32_t type, uint32_t name,
                      struct pe_resource *out)
{
    struct find f = {type, name, out, false};
    pe_resources_visit(img, find_one, &f, NULL);
    return f.found;
}

/* ---- version information: nested blocks of {length, value length, type, UTF-16 key, value} */

enum { RT_VERSION = 16, BLOCK_HEADER = 6 };

struct block {
    const uint8_t *start, *key, *value, *end;
    size_t key_len; /* code units */
    uint32_t value_len;
    bool text;
};

/* Everything in a block is aligned to four bytes from the start of the resource. */
static const uint8_t *aligned(const uint8_t *origin, const uint8_t *p)
{
    return origin + align_up((uint64_t)(p - origin), 4);
}

static bool read_block(const uint8_t *origin, const uint8_t *p, const uint8_t *end, struct block *b)
{
    if (p > end || end - p < BLOCK_HEADER)
        return false;
    uint32_t len = pe_u16(p), value_len = pe_u16(p + 2);
    if (len < BLOCK_HEADER || len > (size_t)(end - p))
        return false;
    *b = (struct block){.start = p, .key = p + BLOCK_HEADER, .end = p + len};
    b->text = pe_u16(p + 4) == 1;
    while (b->end - (b->key + 2 * b->key_len) >= 2 && pe_u16(b->key + 2 * b->key_len))
        b->key_len++;
    b->value = aligned(origin, b->key + 2 * b->key_len + 2);
    if (b->value > b->end)
        b->value = b->end;
    b->value_len = MIN(b->text ? 2 * value_len : value_len, (uint32_t)(b->end - b->value));
    return true;
}

static bool key_is(const struct block *b, const char *key)
{
    size_t n = strlen(key);
    if (b->key_len != n)
        return false;
    for (size_t i = 0; i < n; i++)
        if (pe_u16(b->key + 2 * i) != (uint8_t)key[i])
            return false;
    return true;
}

static bool version_root(const struct pe_image *img, const uint8_t **origin, struct block *b)
{
    struct pe_resource r;
    if (!pe_resource_find(img, RT_VERSION, 0, &r))
        return false;
    *origin = pe_bytes(img, r.rva, r.size);
    return *origin && read_block(*origin, *origin, *origin + r.size, b) &&
           key_is(b, "VS_VERSION_INFO");
}

bool pe_version(const struct pe_image *img, struct pe_version *out)
{
    const uint8_t *origin;
    struct block b;
    if (!version_root(img, &origin, &b) || b.value_len < 24 || pe_u32(b.value) != 0xfeef04bd)
        return false;
    for (size_t i = 0; i < 4; i++) { /* two words of each dword, the high one first */
        out->file[i] = pe_u16(b.value + 8 + 4 * (i / 2) + 2 * (1 - i % 2));
        out->product[i] = pe_u16(b.value + 16 + 4 * (i / 2) + 2 * (1 - i % 2));
    }
    return true;
}

/* The first child of `parent` with this key, or any when NULL. */
static bool child(const uint8_t *origin, const struct block *parent, const char *key,
                  struct block *out)
{
    const uint8_t *p = aligned(origin, parent->value + parent->value_len);
    while (read_block(origin, p, parent->end, out)) {
        if (!key || key_is(out, key))
            return true;
        p = aligned(origin, out->end);
    }
    return false;
}

char *pe_version_string(const struct pe_image *img, const char *key)
{
    const uint8_t *origin;
    struct block root, info, table, text;
    uint16_t units[1024];
    if (!version_root(img, &origin, &root) || !child(origin, &root, "StringFileInfo", &info) ||
        !child(origin, &info, NULL, &table) || !child(origin, &table, key, &text))
        return NULL;
    size_t n = 0;
    while (n < ARRAY_LEN(units) && 2 * n + 2 <= text.value_len && pe_u16(text.value + 2 * n)) {
        units[n] = pe_u16(text.value + 2 * n);
        n++;
    }
    return utf16_to_utf8(units, n, NULL);
}
