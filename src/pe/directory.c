// SPDX-License-Identifier: GPL-2.0-or-later
/* TLS, debug, load configuration, exception, bound import and CLR directories. */
#include "pe/internal.h"
#include "base/bits.h"

/* ---- TLS */

static bool tls_address(const struct pe_image *img, uint64_t va, uint32_t *rva)
{
    *rva = 0;
    return !va || pe_va_to_rva(img, va, rva);
}

bool pe_tls(const struct pe_image *img, struct pe_tls *out, struct pe_damage *damage)
{
    uint32_t at = pe_directory(img, IMAGE_DIRECTORY_ENTRY_TLS).rva;
    uint32_t width = img->h.is64 ? 8 : 4;
    uint64_t va[4];
    *out = (struct pe_tls){0};
    if (!at)
        return false;
    for (uint32_t i = 0; i < 4; i++)
        if (!pe_read_ptr(img, at + i * width, &va[i]))
            return pe_damaged(damage, "the TLS directory is outside the image", at);
    if (!pe_read_u32(img, at + 4 * width, &out->zero_fill) ||
        !pe_read_u32(img, at + 4 * width + 4, &out->characteristics))
        return pe_damaged(damage, "the TLS directory is outside the image", at);
    if (!tls_address(img, va[0], &out->data) || !tls_address(img, va[2], &out->index) ||
        !tls_address(img, va[3], &out->callbacks))
        return pe_damaged(damage, "the TLS directory holds an address outside the image", at);
    if (va[1] < va[0] || !pe_rva_inside(img, out->data, va[1] - va[0]))
        return pe_damaged(damage, "the TLS template ends outside the image", at);
    out->data_size = (uint32_t)(va[1] - va[0]);
    return true;
}

bool pe_tls_callback(const struct pe_image *img, const struct pe_tls *tls, uint32_t i,
                     uint32_t *rva)
{
    uint64_t va, off = (uint64_t)i * (img->h.is64 ? 8 : 4);
    if (!tls->callbacks || off > UINT32_MAX - tls->callbacks)
        return false;
    return pe_read_ptr(img, tls->callbacks + (uint32_t)off, &va) && va &&
           pe_va_to_rva(img, va, rva);
}

/* ---- debug */

/* "RSDS", GUID, age, path; or the older "NB10", offset, timestamp, age, path. */
static void read_codeview(const struct pe_image *img, struct pe_debug *d)
{
    const uint8_t *p = d->rva ? pe_bytes(img, d->rva, d->size) : NULL;
    if (!p && !img->mapped && range_inside(d->offset, d->size, img->size))
        p = img->data + d->offset;
    if (!p)
        return;
    uint32_t name = 0;
    if (d->size > 24 && !memcmp(p, "RSDS", 4)) {
        memcpy(d->guid, p + 4, 16);
        d->age = pe_u32(p + 20);
        name = 24;
    } else if (d->size > 16 && !memcmp(p, "NB10", 4)) {
        memcpy(d->guid, p + 8, 4);
        d->age = pe_u32(p + 12);
        name = 16;
    }
    if (name && memchr(p + name, 0, d->size - name))
        d->pdb = (const char *)p + name;
}

bool pe_debug_at(const struct pe_image *img, uint32_t i, struct pe_debug *out)
{
    struct pe_directory dir = pe_directory(img, IMAGE_DIRECTORY_ENTRY_DEBUG);
    uint8_t p[PE_DEBUG_ENTRY_SIZE];
    *out = (struct pe_debug){0};
    if (!dir.rva || i >= dir.size / PE_DEBUG_ENTRY_SIZE ||
        i * PE_DEBUG_ENTRY_SIZE > UINT32_MAX - dir.rva ||
        !pe_bytes(img, dir.rva + i * PE_DEBUG_ENTRY_SIZE, PE_DEBUG_ENTRY_SIZE) ||
        !pe_read(img, dir.rva + i * PE_DEBUG_ENTRY_SIZE, p, sizeof p))
        return false;
    out->timestamp = pe_u32(p + 4);
    out->major = pe_u16(p + 8);
    out->minor = pe_u16(p + 10);
    out->type = pe_u32(p + 12);
    out->size = pe_u32(p + 16);
    out->rva = pe_u32(p + 20);
    out->offset = pe_u32(p + 24);
    if (out->type == IMAGE_DEBUG_TYPE_CODEVIEW)
        read_codeview(img, out);
    return true;
}

/* ---- load configuration */

/* Offsets for 32 and 64 bits; the structure has grown over the years and `Size` says how far. */
static const struct {
    uint16_t at32, at64;
    uint16_t member;
} load_config_fields[] = {
    {60, 88, offsetof(struct pe_load_config, security_cookie)},
    {64, 96, offsetof(struct pe_load_config, seh_table)},
    {68, 104, offsetof(struct pe_load_config, seh_count)},
    {72, 112, offsetof(struct pe_load_config, guard_check)},
    {80, 128, offsetof(struct pe_load_config, guard_table)},
    {84, 136, offsetof(struct pe_load_config, guard_count)},
};

bool pe_load_config(const struct pe_image *img, struct pe_load_config *out)
{
    uint32_t at = pe_directory(img, IMAGE_DIRECTORY_ENTRY_LOAD_CONFIG).rva;
    uint32_t width = img->h.is64 ? 8 : 4, flags_at = img->h.is64 ? 144 : 88;
    *out = (struct pe_load_config){0};
    if (!at || !pe_read_u32(img, at, &out->size))
        return false;
    for (size_t i = 0; i < ARRAY_LEN(load_config_fields); i++) {
        uint32_t off = img->h.is64 ? load_config_fields[i].at64 : load_config_fields[i].at32;
        uint64_t *member = (uint64_t *)(void *)((char *)out + load_config_fields[i].member);
        if (off + width <= out->size)
            pe_read_ptr(img, at + off, member);
    }
    if (flags_at + 4 <= out->size)
        pe_read_u32(img, at + flags_at, &out->guard_flags);
    return true;
}

/* ---- exceptions */

uint32_t pe_runtime_functions(const struct pe_image *img)
{
    struct pe_directory d = pe_directory(img, IMAGE_DIRECTORY_ENTRY_EXCEPTION);
    uint32_t avail;
    if (img->h.machine != IMAGE_FILE_MACHINE_AMD64 || !d.rva || !pe_at(img, d.rva, &avail))
        return 0;
    return MIN(d.size, avail) / PE_RUNTIME_FUNCTION_SIZE;
}

bool pe_runtime_function(const struct pe_image *img, uint32_t i, struct pe_runtime_function *out)
{
    struct pe_directory d = pe_directory(img, IMAGE_DIRECTORY_ENTRY_EXCEPTION);
    if (i >= pe_runtime_functions(img))
        return false;
    const uint8_t *p =
        pe_bytes(img, d.rva + i * PE_RUNTIME_FUNCTION_SIZE, PE_RUNTIME_FUNCTION_SIZE);
    if (!p)
        return false;
    *out = (struct pe_runtime_function){pe_u32(p), pe_u32(p + 4), pe_u32(p + 8)};
    return true;
}

/* ---- bound imports */

void pe_bounds_begin(struct pe_bounds *it, const struct pe_image *img)
{
    *it = (struct pe_bounds){.img = img};
}

bool pe_bounds_next(struct pe_bounds *it)
{
    struct pe_directory d = pe_directory(it->img, IMAGE_DIRECTORY_ENTRY_BOUND_IMPORT);
    uint32_t avail;
    const uint8_t *p = d.rva ? pe_at(it->img, d.rva, &avail) : NULL;
    if (!p || it->damage.what)
        return false;
    uint32_t size = MIN(d.size, avail);
    if (!range_inside(it->next, 8, size))
        return false;
    uint32_t stamp = pe_u32(p + it->next), name = pe_u16(p + it->next + 4);
    if (!stamp && !name)
        return false;
    if (name >= size || !memchr(p + name, 0, size - name))
        return pe_damaged(&it->damage, "the name of a bound import is outside its directory",
                          d.rva + it->next);
    it->row = (struct pe_bound){(const char *)p + name, stamp, it->next, it->forwarders > 0};
    if (it->forwarders)
        it->forwarders--;
    else
        it->forwarders = pe_u16(p + it->next + 6);
    it->next += 8;
    return true;
}

/* ---- CLR header */

bool pe_clr(const struct pe_image *img, struct pe_clr *out)
{
    enum { ILONLY = 1 };
    uint32_t at = pe_directory(img, IMAGE_DIRECTORY_ENTRY_COM_DESCRIPTOR).rva;
    uint8_t p[20];
    *out = (struct pe_clr){0};
    if (!at || !pe_read(img, at, p, sizeof p))
        return false;
    out->major = pe_u16(p + 4);
    out->minor = pe_u16(p + 6);
    out->flags = pe_u32(p + 16);
    out->il_only = out->flags & ILONLY;
    return true;
}
