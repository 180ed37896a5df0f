// SPDX-License-Identifier: GPL-2.0-or-later
/* The tables of an image, written as bytes and fixups. */
#include "pe/build_internal.h"
#include "base/bits.h"

static void use_directory(struct pe_builder *b, unsigned index, int section, uint32_t offset,
                          uint32_t size)
{
    b->directories[index] = (struct build_directory){{section, offset}, size, true};
}

/* ---- exports */

static int by_name(const void *a, const void *b)
{
    const struct build_export *x = *(struct build_export *const *)a;
    const struct build_export *y = *(struct build_export *const *)b;
    return strcmp(x->name, y->name);
}

static void put_function(struct pe_builder *b, int s, uint32_t at, const struct build_export *x)
{
    if (x->forward) {
        uint32_t text = build_put_text(b, s, x->forward);
        pe_build_fixup(b, s, at, PE_FIXUP_RVA32, s, text);
    } else {
        pe_build_fixup(b, s, at, PE_FIXUP_RVA32, x->at.section, x->at.offset);
    }
}

static void export_range(const struct pe_builder *b, uint32_t *low, uint32_t *high)
{
    *low = UINT32_MAX;
    *high = 0;
    vec_foreach (x, &b->exports) {
        *low = MIN(*low, x->ordinal);
        *high = MAX(*high, x->ordinal);
    }
}

void build_exports(struct pe_builder *b)
{
    uint32_t low, high;
    if (!b->exports.len)
        return;
    VEC(struct build_export *) named = {0};
    vec_foreach (x, &b->exports)
        if (x->name)
            vec_push(&named, x);
    if (named.len)
        qsort(named.data, named.len, sizeof *named.data, by_name);
    export_range(b, &low, &high);
    uint32_t count = high - low + 1, nnames = (uint32_t)named.len;

    int s = pe_build_section(b, ".edata", PE_BUILD_CONST);
    pe_build_append(b, s, NULL, PE_EXPORT_DIRECTORY_SIZE, 4);
    uint32_t functions = pe_build_append(b, s, NULL, 4 * count, 4);
    uint32_t names = pe_build_append(b, s, NULL, 4 * nnames, 4);
    uint32_t ordinals = pe_build_append(b, s, NULL, 2 * nnames, 2);
    uint32_t dll = build_put_text(b, s, b->name);
    vec_foreach (x, &b->exports)
        put_function(b, s, functions + 4 * (x->ordinal - low), x);
    for (size_t i = 0; i < nnames; i++) {
        uint32_t text = build_put_text(b, s, named.data[i]->name);
        pe_build_fixup(b, s, names + 4 * (uint32_t)i, PE_FIXUP_RVA32, s, text);
        pe_put16(b->sections.data[s].bytes.data + ordinals + 2 * i,
                 (uint16_t)(named.data[i]->ordinal - low));
    }
    uint8_t *d = b->sections.data[s].bytes.data;
    pe_put32(d + 4, b->o.timestamp);
    pe_put32(d + 16, low);
    pe_put32(d + 20, count);
    pe_put32(d + 24, nnames);
    pe_build_fixup(b, s, 12, PE_FIXUP_RVA32, s, dll);
    pe_build_fixup(b, s, 28, PE_FIXUP_RVA32, s, functions);
    pe_build_fixup(b, s, 32, PE_FIXUP_RVA32, s, names);
    pe_build_fixup(b, s, 36, PE_FIXUP_RVA32, s, ordinals);
    use_directory(b, IMAGE_DIRECTORY_ENTRY_EXPORT, s, 0, (uint32_t)b->sections.data[s].bytes.len);
    vec_free(&named);
}

/* ---- imports */

static uint32_t count_of_dll(const struct pe_builder *b, int dll)
{
    uint32_t n = 0;
    vec_foreach (im, &b->imports)
        n += im->dll == dll;
    return n;
}

/* Room for a thunk table of one DLL, filled with ordinals; names follow as fixups. */
static uint32_t put_thunks(struct pe_builder *b, int s, int dll, bool is_iat)
{
    uint32_t width = b->is64 ? 8 : 4, i = 0;
    uint32_t at = pe_build_append(b, s, NULL, (count_of_dll(b, dll) + 1) * width, width);
    vec_foreach (im, &b->imports) {
        if (im->dll != dll)
            continue;
        uint32_t slot = at + width * i++;
        uint8_t *p = b->sections.data[s].bytes.data + slot;
        if (is_iat)
            im->slot = (struct pe_place){s, slot};
        if (im->name)
            continue;
        if (b->is64)
            pe_put64(p, 1ull << 63 | im->ordinal);
        else
            pe_put32(p, 1u << 31 | im->ordinal);
    }
    return at;
}

static void put_import_names(struct pe_builder *b, int s, int dll, uint32_t lookup)
{
    uint32_t width = b->is64 ? 8 : 4, i = 0;
    vec_foreach (im, &b->imports) {
        if (im->dll != dll)
            continue;
        uint32_t at = lookup + width * i++;
        if (!im->name)
            continue;
        uint32_t text = pe_build_append(b, s, NULL, 2, 2); /* the hint, 0 */
        build_put_text(b, s, im->name);
        pe_build_fixup(b, s, at, PE_FIXUP_RVA32, s, text);
        pe_build_fixup(b, s, im->slot.offset, PE_FIXUP_RVA32, s, text);
    }
}

void build_imports(struct pe_builder *b)
{
    uint32_t n = (uint32_t)b->dlls.len;
    if (!n)
        return;
    int s = pe_build_section(b, ".idata", PE_BUILD_DATA);
    uint32_t size = (n + 1) * PE_IMPORT_DESCRIPTOR_SIZE, iat_start = 0, iat_end = 0;
    pe_build_append(b, s, NULL, size, 4);
    uint32_t *lookups = xcalloc(n, sizeof *lookups);
    for (uint32_t i = 0; i < n; i++) {
        lookups[i] = put_thunks(b, s, (int)i, false);
        pe_build_fixup(b, s, i * PE_IMPORT_DESCRIPTOR_SIZE, PE_FIXUP_RVA32, s, lookups[i]);
    }
    for (uint32_t i = 0; i < n; i++) {
        uint32_t iat = put_thunks(b, s, (int)i, true);
        iat_start = i ? iat_start : iat;
        iat_end = (uint32_t)b->sections.data[s].bytes.len;
        pe_build_fixup(b, s, i * PE_IMPORT_DESCRIPTOR_SIZE + 16, PE_FIXUP_RVA32, s, iat);
    }
    for (uint32_t i = 0; i < n; i++) {
        put_import_names(b, s, (int)i, lookups[i]);
        uint32_t text = build_put_text(b, s, b->dlls.data[i]);
        pe_build_fixup(b, s, i * PE_IMPORT_DESCRIPTOR_SIZE + 12, PE_FIXUP_RVA32, s, text);
    }
    free(lookups);
    use_directory(b, IMAGE_DIRECTORY_ENTRY_IMPORT, s, 0, size);
    use_directory(b, IMAGE_DIRECTORY_ENTRY_IAT, s, iat_start, iat_end - iat_start);
}

/* ---- TLS */

/* The section was made by pe_build_tls, with the index variable at its start. */
void build_tls(struct pe_builder *b)
{
    int s = b->tls_index.section;
    uint32_t width = b->is64 ? 8 : 4, n = (uint32_t)b->tls_callbacks.len;
    if (!b->has_tls)
        return;
    uint32_t callbacks = pe_build_append(b, s, NULL, (n + 1) * width, width);
    for (uint32_t i = 0; i < n; i++)
        pe_build_fixup(b, s, callbacks + i * width, PE_FIXUP_ADDRESS,
                       b->tls_callbacks.data[i].section, b->tls_callbacks.data[i].offset);
    uint32_t at = pe_build_append(b, s, NULL, 4 * width + 8, width);
    struct pe_place data = b->tls_data;
    pe_build_fixup(b, s, at, PE_FIXUP_ADDRESS, data.section, data.offset);
    pe_build_fixup(b, s, at + width, PE_FIXUP_ADDRESS, data.section, data.offset + b->tls_size);
    pe_build_fixup(b, s, at + 2 * width, PE_FIXUP_ADDRESS, s, b->tls_index.offset);
    pe_build_fixup(b, s, at + 3 * width, PE_FIXUP_ADDRESS, s, callbacks);
    pe_put32(b->sections.data[s].bytes.data + at + 4 * width, b->tls_zero_fill);
    use_directory(b, IMAGE_DIRECTORY_ENTRY_TLS, s, at, 4 * width + 8);
}

/* ---- resources */

enum { RESOURCE_DIRECTORY = 16, RESOURCE_ENTRY = 8, RESOURCE_DATA = 16 };

static uint16_t key_at(const struct build_resource *r, unsigned depth)
{
    return depth == 0 ? r->type : depth == 1 ? r->name : r->language;
}

static int by_path(const void *a, const void *b)
{
    for (unsigned d = 0; d < PE_RESOURCE_DEPTH; d++) {
        int c = (int)key_at(a, d) - (int)key_at(b, d);
        if (c)
            return c;
    }
    return 0;
}

/* Where the run of resources that share path[0..depth] with `from` ends. */
static size_t run_end(const struct pe_builder *b, size_t from, size_t end, unsigned depth)
{
    size_t i = from + 1;
    while (i < end &&
           key_at(&b->resources.data[i], depth) == key_at(&b->resources.data[from], depth))
        i++;
    return i;
}

/* One directory for resources [from, end), which agree above `depth`; returns its offset. */
static uint32_t put_directory(struct pe_builder *b, int s, size_t from, size_t end, unsigned depth)
{
    uint32_t n = 0;
    for (size_t i = from; i < end; i = run_end(b, i, end, depth))
        n++;
    uint32_t at = pe_build_append(b, s, NULL, RESOURCE_DIRECTORY + n * RESOURCE_ENTRY, 4);
    pe_put16(b->sections.data[s].bytes.data + at + 14, (uint16_t)n);
    uint32_t entry = at + RESOURCE_DIRECTORY;
    for (size_t i = from, next; i < end; i = next, entry += RESOURCE_ENTRY) {
        struct build_resource *r = &b->resources.data[i];
        uint32_t to;
        next = run_end(b, i, end, depth);
        if (depth + 1 < PE_RESOURCE_DEPTH) {
            to = put_directory(b, s, i, next, depth + 1) | 1u << 31;
        } else {
            to = pe_build_append(b, s, NULL, RESOURCE_DATA, 4);
            pe_put32(b->sections.data[s].bytes.data + to + 4, r->size);
            pe_build_fixup(b, s, to, PE_FIXUP_RVA32, s, r->data.offset);
        }
        pe_put32(b->sections.data[s].bytes.data + entry, key_at(r, depth));
        pe_put32(b->sections.data[s].bytes.data + entry + 4, to);
    }
    return at;
}

/* Every offset in the tree counts from the root directory, so that comes first in the section and
 * the data must be placed before their entries are written: twice over the list. */
void build_resources(struct pe_builder *b)
{
    size_t n = b->resources.len;
    if (!n)
        return;
    qsort(b->resources.data, n, sizeof *b->resources.data, by_path);
    for (size_t i = 1; i < n; i++)
        BUG_ON(!by_path(&b->resources.data[i - 1], &b->resources.data[i]));
    int s = pe_build_section(b, ".rsrc", PE_BUILD_CONST);
    put_directory(b, s, 0, n, 0);
    size_t first_fixup = b->fixups.len - n;
    for (size_t i = 0; i < n; i++) {
        struct build_resource *r = &b->resources.data[i];
        b->fixups.data[first_fixup + i].to.offset = pe_build_append(b, s, r->bytes, r->size, 8);
    }
    use_directory(b, IMAGE_DIRECTORY_ENTRY_RESOURCE, s, 0, (uint32_t)b->sections.data[s].bytes.len);
}

/* ---- base relocations */

static int by_value(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return x < y ? -1 : x > y;
}

static void put_block(struct pe_builder *b, int s, const uint32_t *rvas, size_t n)
{
    uint16_t type = b->is64 ? IMAGE_REL_BASED_DIR64 : IMAGE_REL_BASED_HIGHLOW;
    size_t padded = (n + 1) & ~(size_t)1;
    build_put32(b, s, rvas[0] & ~0xfffu);
    build_put32(b, s, (uint32_t)(8 + 2 * padded));
    for (size_t i = 0; i < n; i++)
        build_put16(b, s, (uint16_t)(type << 12 | (rvas[i] & 0xfff)));
    if (padded != n)
        build_put16(b, s, 0);
}

void build_relocs(struct pe_builder *b)
{
    VEC(uint32_t) rvas = {0};
    vec_foreach (f, &b->fixups)
        if (f->kind == PE_FIXUP_ADDRESS)
            vec_push(&rvas, b->sections.data[f->at.section].rva + f->at.offset);
    if (rvas.len && !b->o.fixed_base) {
        qsort(rvas.data, rvas.len, sizeof *rvas.data, by_value);
        int s = pe_build_section(b, ".reloc", PE_BUILD_CONST | IMAGE_SCN_MEM_DISCARDABLE);
        for (size_t i = 0, next; i < rvas.len; i = next) {
            for (next = i; next < rvas.len && rvas.data[next] >> 12 == rvas.data[i] >> 12; next++)
                continue;
            put_block(b, s, rvas.data + i, next - i);
        }
        use_directory(b, IMAGE_DIRECTORY_ENTRY_BASERELOC, s, 0,
                      (uint32_t)b->sections.data[s].bytes.len);
    }
    vec_free(&rvas);
}
