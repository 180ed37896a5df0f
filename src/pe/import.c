// SPDX-License-Identifier: GPL-2.0-or-later
#include "pe/internal.h"
#include "base/bits.h"

/* The largest real programs have some ten thousand imports. */
#define IMPORT_BUDGET (1u << 20)

void pe_imports_begin(struct pe_imports *it, const struct pe_image *img, enum pe_import_kind kind)
{
    *it = (struct pe_imports){.img = img, .kind = kind, .budget = IMPORT_BUDGET};
    it->next = pe_directory(img, kind == PE_IMPORTS ? IMAGE_DIRECTORY_ENTRY_IMPORT
                                                    : IMAGE_DIRECTORY_ENTRY_DELAY_IMPORT)
                   .rva;
}

static bool stop(struct pe_imports *it, const char *what, uint32_t rva)
{
    it->next = 0;
    it->dll.iat_rva = 0;
    return what ? pe_damaged(&it->damage, what, rva) : false;
}

static void parse_descriptor(struct pe_import_dll *d, const uint8_t *p)
{
    d->lookup_rva = pe_u32(p);
    d->timestamp = pe_u32(p + 4);
    d->name_rva = pe_u32(p + 12);
    d->iat_rva = pe_u32(p + 16);
    if (!d->lookup_rva) /* Borland's linker: the IAT holds the names until it is bound */
        d->lookup_rva = d->iat_rva;
}

/* Without bit 0 of the attributes the fields are addresses: Visual C++ 6 on x86. */
static bool parse_delay(const struct pe_image *img, struct pe_import_dll *d, const uint8_t *p)
{
    uint32_t *const out[] = {&d->name_rva,   &d->module_rva, &d->iat_rva,
                             &d->lookup_rva, &d->bound_rva,  &d->unload_rva};
    bool is_rva = pe_u32(p) & 1;
    for (size_t i = 0; i < ARRAY_LEN(out); i++) {
        *out[i] = pe_u32(p + 4 + 4 * i);
        if (!is_rva && *out[i] && !pe_va_to_rva(img, *out[i], out[i]))
            return false;
    }
    d->timestamp = pe_u32(p + 28);
    return true;
}

bool pe_imports_dll(struct pe_imports *it)
{
    uint8_t raw[PE_DELAY_DESCRIPTOR_SIZE];
    uint32_t size = it->kind == PE_IMPORTS ? PE_IMPORT_DESCRIPTOR_SIZE : PE_DELAY_DESCRIPTOR_SIZE;
    uint32_t at = it->next;
    if (!at)
        return false;
    if (!it->budget)
        return stop(it, "more imports than any real program has", at);
    if (!pe_read(it->img, at, raw, size))
        return stop(it, "the import descriptor is outside the image", at);
    it->dll = (struct pe_import_dll){.rva = at};
    it->index = 0;
    it->budget--;
    if (it->kind == PE_IMPORTS)
        parse_descriptor(&it->dll, raw);
    else if (!parse_delay(it->img, &it->dll, raw))
        return stop(it, "the delay import descriptor holds an address outside the image", at);
    if (!it->dll.name_rva || !it->dll.iat_rva)
        return stop(it, NULL, 0);
    it->dll.name = pe_string(it->img, it->dll.name_rva);
    if (!it->dll.name)
        return stop(it, "the name of an imported DLL is outside the image", at);
    it->next = at + size;
    return true;
}

static bool read_by_name(struct pe_imports *it, uint64_t entry)
{
    const struct pe_image *img = it->img;
    uint8_t hint[2];
    if (entry > UINT32_MAX || !pe_read(img, (uint32_t)entry, hint, 2))
        return pe_damaged(&it->damage, "the name of an imported function is outside the image",
                          it->fn.slot);
    it->fn.hint = pe_u16(hint);
    it->fn.name = pe_string(img, (uint32_t)entry + 2);
    if (!it->fn.name)
        return pe_damaged(&it->damage, "the name of an imported function is outside the image",
                          it->fn.slot);
    return true;
}

bool pe_imports_function(struct pe_imports *it)
{
    unsigned width = it->img->h.is64 ? 8 : 4;
    uint64_t entry, by_ordinal = it->img->h.is64 ? 1ull << 63 : 1u << 31;
    if (!it->dll.iat_rva)
        return false;
    uint64_t off = (uint64_t)it->index * width;
    if (!it->budget || off > UINT32_MAX / 2)
        return stop(it, "more imports than any real program has", it->dll.rva);
    it->fn = (struct pe_import){.slot = it->dll.iat_rva + (uint32_t)off};
    if (!pe_read_ptr(it->img, it->dll.lookup_rva + (uint32_t)off, &entry) ||
        !pe_rva_inside(it->img, it->fn.slot, width)) {
        it->dll.iat_rva = 0;
        return pe_damaged(&it->damage, "the import lookup table runs out of the image",
                          it->dll.rva);
    }
    if (!entry || (!(entry & by_ordinal) && !read_by_name(it, entry))) {
        it->dll.iat_rva = 0;
        return false;
    }
    if (entry & by_ordinal)
        it->fn.ordinal = (uint16_t)entry;
    it->index++;
    it->budget--;
    return true;
}
