/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PE_BUILD_H
#define PE_BUILD_H
/*
 * Building PE32 and PE32+ images in memory. The same calls give the same bytes: no time, no chance.
 *
 *     struct pe_builder *b = pe_build_new(&(struct pe_build_options){
 *         .machine = IMAGE_FILE_MACHINE_AMD64, .dll = true, .name = "demo.dll"});
 *     int text = pe_build_section(b, ".text", PE_BUILD_CODE);
 *     uint32_t f = pe_build_append(b, text, code, sizeof code, 16);
 *     pe_build_export(b, "Demo", 0, text, f);
 *     uint8_t *image = pe_build_finish(b, &size);
 *
 * Sections get their addresses in the order of creation, at the end: code refers to other places
 * through fixups. The builder adds .edata, .idata, .tls, .rsrc and .reloc when they are needed.
 * Wrong use (a section that does not exist, a name too long) is a bug of the caller and asserts;
 * names and data are copied.
 */
#include "pe/pe.h"

#define PE_BUILD_CODE  (IMAGE_SCN_CNT_CODE | IMAGE_SCN_MEM_EXECUTE | IMAGE_SCN_MEM_READ)
#define PE_BUILD_DATA  (IMAGE_SCN_CNT_INITIALIZED_DATA | IMAGE_SCN_MEM_READ | IMAGE_SCN_MEM_WRITE)
#define PE_BUILD_CONST (IMAGE_SCN_CNT_INITIALIZED_DATA | IMAGE_SCN_MEM_READ)

/* Zero means the usual value: bases 0x180000000, 0x140000000, 0x10000000, 0x400000; alignments 4096
 * and 512; console subsystem; Windows 6.0; 1 MiB of stack and of heap. */
struct pe_build_options {
    uint16_t machine; /* IMAGE_FILE_MACHINE_I386 or _AMD64 */
    bool dll;
    bool fixed_base;  /* no relocations, RELOCS_STRIPPED */
    const char *name; /* in the export directory */
    uint64_t image_base;
    uint16_t subsystem;
    uint16_t dll_characteristics; /* 0: DYNAMIC_BASE (unless fixed_base) and NX_COMPAT */
    uint32_t section_align, file_align, timestamp;
    uint64_t stack_reserve, stack_commit, heap_reserve, heap_commit;
};

struct pe_builder;
struct pe_builder *pe_build_new(const struct pe_build_options *o);

int pe_build_section(struct pe_builder *b, const char *name, uint32_t characteristics);
/* Appends bytes (`data` NULL: zeroes) at the next multiple of `align` and returns their offset. */
uint32_t pe_build_append(struct pe_builder *b, int section, const void *data, uint32_t size,
                         uint32_t align);
/* Zeroes behind the section's bytes that take no room in the file; nothing can be appended then. */
uint32_t pe_build_reserve(struct pe_builder *b, int section, uint32_t size);
void pe_build_entry(struct pe_builder *b, int section, uint32_t offset);

/* `name` NULL exports by ordinal only; `ordinal` 0 takes the next free one. */
void pe_build_export(struct pe_builder *b, const char *name, uint16_t ordinal, int section,
                     uint32_t offset);
void pe_build_forward(struct pe_builder *b, const char *name, uint16_t ordinal, const char *target);

/* `name` NULL imports by ordinal. Returns an id for fixups that lead to the IAT slot. */
int pe_build_import(struct pe_builder *b, const char *dll, const char *name, uint16_t ordinal);

enum pe_fixup_kind {
    PE_FIXUP_RVA32,  /* 4 bytes */
    PE_FIXUP_REL32,  /* 4 bytes, relative to what follows them */
    PE_FIXUP_ADDRESS /* 4 or 8 bytes by the machine, with a base relocation */
};
/* The field at section+offset is to refer to target_section+target_offset, or to an IAT slot. */
void pe_build_fixup(struct pe_builder *b, int section, uint32_t offset, enum pe_fixup_kind kind,
                    int target_section, uint32_t target_offset);
void pe_build_fixup_import(struct pe_builder *b, int section, uint32_t offset,
                           enum pe_fixup_kind kind, int import);

/* The template is section+offset; further calls are mistakes. The index variable is the builder's
 * own; its place is returned for fixups. */
struct pe_place {
    int section;
    uint32_t offset;
};
struct pe_place pe_build_tls(struct pe_builder *b, int section, uint32_t offset, uint32_t size,
                             uint32_t zero_fill);
void pe_build_tls_callback(struct pe_builder *b, int section, uint32_t offset);

/* Numeric ids; language 0x409 is en-US. */
void pe_build_resource(struct pe_builder *b, uint16_t type, uint16_t name, uint16_t language,
                       const void *data, uint32_t size);
/* Any other directory, made by the caller. */
void pe_build_directory(struct pe_builder *b, unsigned index, int section, uint32_t offset,
                        uint32_t size);

/* The image, from malloc; frees the builder. */
uint8_t *pe_build_finish(struct pe_builder *b, size_t *size);
#endif
