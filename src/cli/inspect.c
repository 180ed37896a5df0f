// SPDX-License-Identifier: GPL-2.0-or-later
#include "cli/inspect.h"
#include "base/bits.h"
#include "base/utf.h"

#include <string.h>

size_t inspect_fields(const struct pe_header *h, struct inspect_field out[INSPECT_FIELDS])
{
    uint8_t wide = h->is64 ? 16 : 8;
    const struct inspect_field all[] = {
        {"e_lfanew", h->lfanew, 8},
        {"Machine", h->machine, 4},
        {"NumberOfSections", h->nsections, 0},
        {"TimeDateStamp", h->timestamp, 8},
        {"SizeOfOptionalHeader", h->optional_size, 4},
        {"Characteristics", h->characteristics, 4},
        {"Magic", h->magic, 4},
        {"AddressOfEntryPoint", h->entry, 8},
        {"ImageBase", h->image_base, wide},
        {"SectionAlignment", h->section_align, 8},
        {"FileAlignment", h->file_align, 8},
        {"MajorLinkerVersion", h->linker_major, 0},
        {"MinorLinkerVersion", h->linker_minor, 0},
        {"MajorOperatingSystemVersion", h->os_major, 0},
        {"MinorOperatingSystemVersion", h->os_minor, 0},
        {"MajorImageVersion", h->image_major, 0},
        {"MinorImageVersion", h->image_minor, 0},
        {"MajorSubsystemVersion", h->subsystem_major, 0},
        {"MinorSubsystemVersion", h->subsystem_minor, 0},
        {"SizeOfImage", h->image_size, 8},
        {"SizeOfHeaders", h->headers_size, 8},
        {"CheckSum", h->checksum, 8},
        {"Subsystem", h->subsystem, 0},
        {"DllCharacteristics", h->dll_characteristics, 4},
        {"SizeOfStackReserve", h->stack_reserve, wide},
        {"SizeOfStackCommit", h->stack_commit, wide},
        {"SizeOfHeapReserve", h->heap_reserve, wide},
        {"SizeOfHeapCommit", h->heap_commit, wide},
        {"NumberOfRvaAndSizes", h->ndirectories, 0},
    };
    _Static_assert(ARRAY_LEN(all) <= INSPECT_FIELDS, "make INSPECT_FIELDS larger");
    memcpy(out, all, sizeof all);
    return ARRAY_LEN(all);
}

void inspect_count_relocs(const struct inspect *in, struct inspect_relocs *out)
{
    struct pe_relocs it;
    struct pe_map map;
    *out = (struct inspect_relocs){0};
    pe_relocs_begin(&it, in->img);
    while (pe_relocs_block(&it))
        while (pe_relocs_entry(&it)) {
            out->total++;
            out->by_type[it.type & 15]++;
        }
    pe_map_build(&map, in->img);
    for (uint32_t i = 0; i < map.size / PE_PAGE / 64 + 1; i++)
        out->pages += (uint32_t)__builtin_popcountll(map.reloc_pages[i]);
    pe_map_free(&map);
}

/* log2 for x >= 1, good to seven digits; saves the dependency on libm. */
static double log2_of(double x)
{
    enum { DIGITS = 24 };
    double result = 0, bit = 0.5;
    while (x >= 2) {
        x /= 2;
        result++;
    }
    for (int i = 0; i < DIGITS; i++, bit /= 2) {
        x *= x;
        if (x >= 2) {
            x /= 2;
            result += bit;
        }
    }
    return result;
}

double inspect_entropy(const uint8_t *p, size_t n)
{
    size_t count[256] = {0};
    double sum = 0;
    for (size_t i = 0; i < n; i++)
        count[p[i]]++;
    for (unsigned i = 0; i < 256; i++)
        if (count[i])
            sum += (double)count[i] * log2_of((double)n / (double)count[i]);
    return n ? sum / (double)n : 0;
}

const char *inspect_host(const struct inspect *in, const char *dll, char buf[PE_APISET_HOST_MAX])
{
    if (!in->apiset)
        return NULL;
    switch (pe_apiset_resolve(in->apiset, dll, NULL, buf)) {
    case PE_APISET_HOST:
        return buf;
    case PE_APISET_ABSENT:
    case PE_APISET_EMPTY:
        return "";
    default:
        return NULL;
    }
}

void inspect_access(uint32_t characteristics, char out[5])
{
    out[0] = characteristics & IMAGE_SCN_MEM_READ ? 'r' : '-';
    out[1] = characteristics & IMAGE_SCN_MEM_WRITE ? 'w' : '-';
    out[2] = characteristics & IMAGE_SCN_MEM_EXECUTE ? 'x' : '-';
    out[3] = characteristics & IMAGE_SCN_MEM_SHARED ? 's' : 0;
    out[4] = 0;
}

char *inspect_escape(const char *s)
{
    char *out = xmalloc(strlen(s) * 4 + 1), *p = out;
    for (; *s; s++) {
        uint8_t c = (uint8_t)*s;
        if (c < 0x20 || c > 0x7e)
            p += snprintf(p, 5, "\\x%02x", c);
        else
            *p++ = (char)c;
    }
    *p = 0;
    return out;
}

static char *escape_utf16(const struct pe_resource_name *name)
{
    uint16_t *units = xmalloc((size_t)name->len * 2);
    for (size_t i = 0; i < name->len; i++)
        units[i] = pe_u16(name->utf16 + 2 * i);
    char *utf8 = utf16_to_utf8(units, name->len, NULL), *text = inspect_escape(utf8);
    free(utf8);
    free(units);
    return text;
}

char *inspect_resource_name(const struct pe_resource *r, unsigned depth)
{
    const struct pe_resource_name *name = &r->path[depth];
    if (name->utf16) {
        char *text = escape_utf16(name), *quoted = xasprintf("\"%s\"", text);
        free(text);
        return quoted;
    }
    const char *type = depth ? NULL : pe_resource_type_name(name->id);
    return type ? xstrdup(type) : xasprintf("%u", name->id);
}

void inspect_guid(const uint8_t g[16], char out[40])
{
    snprintf(out, 40, "%08x-%04x-%04x-%02x%02x-%02x%02x%02x%02x%02x%02x", pe_u32(g), pe_u16(g + 4),
             pe_u16(g + 6), g[8], g[9], g[10], g[11], g[12], g[13], g[14], g[15]);
}
