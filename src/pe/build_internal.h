/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PE_BUILD_INTERNAL_H
#define PE_BUILD_INTERNAL_H
/* Shared between build.c and build_tables.c only. */
#include "pe/build.h"
#include "base/vec.h"

struct build_section {
    char name[9];
    uint32_t characteristics;
    VEC(uint8_t) bytes;
    uint32_t reserve; /* zeroes behind them */
    uint32_t rva, raw_offset, raw_size;
};
struct build_fixup {
    struct pe_place at, to;
    int import; /* -1: `to` counts */
    enum pe_fixup_kind kind;
};
struct build_export {
    char *name, *forward;
    uint32_t ordinal;
    struct pe_place at;
};
struct build_import {
    int dll; /* index */
    char *name;
    uint16_t ordinal;
    struct pe_place slot;
};
struct build_resource {
    uint16_t type, name, language;
    struct pe_place data; /* set when laid out */
    uint8_t *bytes;
    uint32_t size;
};
struct build_directory {
    struct pe_place at;
    uint32_t size;
    bool used;
};

struct pe_builder {
    struct pe_build_options o;
    char *name;
    bool is64;
    uint32_t image_size, headers_size; /* set by the layout */
    VEC(struct build_section) sections;
    VEC(struct build_fixup) fixups;
    VEC(struct build_export) exports;
    VEC(char *) dlls;
    VEC(struct build_import) imports;
    VEC(struct build_resource) resources;
    VEC(struct pe_place) tls_callbacks;
    struct pe_place entry;
    bool has_entry, has_tls;
    struct pe_place tls_data, tls_index;
    uint32_t tls_size, tls_zero_fill;
    struct build_directory directories[IMAGE_NUMBEROF_DIRECTORY_ENTRIES];
};

/* build_tables.c: each adds a section when there is something to put into it. */
void build_exports(struct pe_builder *b);
void build_imports(struct pe_builder *b);
void build_tls(struct pe_builder *b);
void build_resources(struct pe_builder *b);
/* After all other sections have their addresses. */
void build_relocs(struct pe_builder *b);

static inline uint32_t build_put32(struct pe_builder *b, int section, uint32_t v)
{
    uint8_t p[4];
    pe_put32(p, v);
    return pe_build_append(b, section, p, sizeof p, 1);
}
static inline uint32_t build_put16(struct pe_builder *b, int section, uint16_t v)
{
    uint8_t p[2];
    pe_put16(p, v);
    return pe_build_append(b, section, p, sizeof p, 1);
}
/* A field that will hold the RVA of a place. */
static inline void build_put_rva(struct pe_builder *b, int section, int to, uint32_t offset)
{
    pe_build_fixup(b, section, build_put32(b, section, 0), PE_FIXUP_RVA32, to, offset);
}
static inline uint32_t build_put_text(struct pe_builder *b, int section, const char *s)
{
    return pe_build_append(b, section, s, (uint32_t)strlen(s) + 1, 1);
}
#endif
