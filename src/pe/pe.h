/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PE_PE_H
#define PE_PE_H
/*
 * Reading PE images (PE32 and PE32+) out of hostile bytes.
 *
 * struct pe_image is a plain value that borrows the bytes and the name given to pe_open(): both
 * must outlive it and everything obtained from it; there is nothing to close. No function here
 * allocates unless its comment says so, and none writes to the image; several threads may read.
 *
 * Two levels of strictness, as in Windows:
 *   pe_open()           what NtCreateSection(SEC_IMAGE) refuses, with its NTSTATUS;
 *   pe_check_program()  what CreateProcess or the loader refuses later for a program;
 *   pe_anomalies()      what works but no ordinary linker makes: for reports only.
 *
 * Addresses are RVAs (offsets from the image base) unless a name says otherwise. Every iterator
 * stops at the first thing that cannot be right and then says so in its `damage`.
 */
#include "base/err.h"
#include "base/ntstatus.h"
#include "pe/format.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum pe_open_flags {
    PE_FILE = 0,            /* bytes are a file: sections lie at their file offsets */
    PE_MAPPED = 1 << 0,     /* bytes are a mapped image: offset equals RVA */
    PE_ANY_MACHINE = 1 << 1 /* accept ARM64 and other processors: for inspection, not for running */
};

struct pe_directory {
    uint32_t rva, size;
};

/* Both bitnesses of the headers. */
struct pe_header {
    uint16_t machine, nsections, characteristics, optional_size;
    uint16_t magic, subsystem, dll_characteristics;
    bool is64;
    uint8_t linker_major, linker_minor;
    uint16_t os_major, os_minor, image_major, image_minor, subsystem_major, subsystem_minor;
    uint32_t lfanew, section_table; /* file offsets */
    uint32_t timestamp, symbol_table, nsymbols;
    uint32_t code_size, data_size, bss_size;
    uint32_t entry, code_base;
    uint64_t image_base;
    uint32_t section_align, file_align, image_size, headers_size, checksum;
    uint64_t stack_reserve, stack_commit, heap_reserve, heap_commit;
    uint32_t ndirectories; /* as stored; entries beyond it in directories[] are zero */
    struct pe_directory directories[IMAGE_NUMBEROF_DIRECTORY_ENTRIES];
};

struct pe_image {
    const uint8_t *data;
    size_t size;
    const char *name; /* for sentences */
    bool mapped;
    bool flat;        /* one segment, offset equals RVA: SectionAlignment below a page */
    uint64_t va_base; /* what absolute addresses inside the image refer to */
    ntstatus status;  /* why pe_open or pe_check_program refused; STATUS_SUCCESS otherwise */
    struct pe_header h;
};

/* Reads and validates the headers. `name` is only used in sentences. On failure img->status holds
 * what NtCreateSection returns and nothing else of img may be used. PGR_E_FORMAT: damaged or no PE
 * at all; PGR_E_UNSUPPORTED: sound, but of a kind that cannot run here (NE, ARM64...). */
pgr_status pe_open(struct pe_image *img, const void *data, size_t size, unsigned flags,
                   const char *name, struct pgr_error *e);

/* For the program itself, after pe_open: refuses DLLs, drivers and other subsystems, IL-only .NET,
 * and directories or an entry point outside the image. */
pgr_status pe_check_program(struct pe_image *img, struct pgr_error *e);

/* "x86-64", "ARM64"..., or NULL; the same for subsystems, directories and relocation types. */
const char *pe_machine_name(uint16_t machine);
const char *pe_subsystem_name(uint16_t subsystem);
const char *pe_directory_name(unsigned index);
const char *pe_reloc_type_name(unsigned type);

typedef void (*pe_anomaly_fn)(void *ctx, const char *text);
void pe_anomalies(const struct pe_image *img, pe_anomaly_fn fn, void *ctx);

/* ---- sections and bytes ------------------------------------------------------------------- */

struct pe_section {
    char name[9];
    uint32_t virtual_size, rva, raw_size, raw_offset, characteristics; /* as stored */
    uint32_t mem_size;               /* what it occupies, a multiple of the page size */
    uint32_t file_offset, file_size; /* what the loader takes from the file; size 0 when nothing */
};

/* i < h.nsections. */
struct pe_section pe_section(const struct pe_image *img, unsigned i);
/* The section that holds rva, by binary search; -1 for headers and what is outside. */
int pe_section_at(const struct pe_image *img, uint32_t rva);
/* Long names ("/123", offsets into the COFF string table, as mingw writes them) resolved. Points
 * into the image or to s->name. */
const char *pe_section_name(const struct pe_image *img, const struct pe_section *s);

/* The bytes at rva as far as they lie together in `data`; NULL when there are none (outside the
 * image, or in a part that starts as zeroes). *avail is at least 1 otherwise. */
const uint8_t *pe_at(const struct pe_image *img, uint32_t rva, uint32_t *avail);
/* The same when `size` bytes lie together, else NULL. */
const uint8_t *pe_bytes(const struct pe_image *img, uint32_t rva, uint32_t size);
/* Copies what the mapped image would show (zeroes where the file has nothing); false when any of it
 * is outside SizeOfImage, and then dst is all zeroes. */
bool pe_read(const struct pe_image *img, uint32_t rva, void *dst, uint32_t size);
bool pe_read_u32(const struct pe_image *img, uint32_t rva, uint32_t *v);
bool pe_read_ptr(const struct pe_image *img, uint32_t rva, uint64_t *v); /* 4 or 8 bytes */
/* A NUL-terminated string in the image, shorter than PE_NAME_MAX; NULL otherwise. */
#define PE_NAME_MAX 16384
const char *pe_string(const struct pe_image *img, uint32_t rva);
/* Absolute address to RVA; false when it is outside the image. */
bool pe_va_to_rva(const struct pe_image *img, uint64_t va, uint32_t *rva);
/* RVA to file offset; false when the file does not hold it. */
bool pe_rva_to_offset(const struct pe_image *img, uint32_t rva, uint32_t *offset);
/* {0, 0} when the directory is absent. */
struct pe_directory pe_directory(const struct pe_image *img, unsigned index);

struct pe_damage {
    const char *what; /* static text, NULL while all is well */
    uint32_t rva;
}; /* where a pointer to one is asked for, NULL will do */

/* ---- imports -------------------------------------------------------------------------------
 *
 *     struct pe_imports it;
 *     pe_imports_begin(&it, img, PE_IMPORTS);
 *     while (pe_imports_dll(&it))
 *         while (pe_imports_function(&it))
 *             ... it.dll, it.fn ...
 *
 * Functions not read are skipped by the next pe_imports_dll. Directory sizes are ignored, as the
 * loader does; the terminators count. */

enum pe_import_kind { PE_IMPORTS, PE_IMPORTS_DELAY };

struct pe_import_dll {
    const char *name;
    uint32_t rva; /* of the descriptor */
    uint32_t name_rva, lookup_rva, iat_rva, timestamp;
    uint32_t bound_rva, unload_rva, module_rva; /* delay imports only */
};
struct pe_import {
    const char *name; /* NULL: by ordinal */
    uint16_t ordinal, hint;
    uint32_t slot; /* RVA of the IAT entry */
};
struct pe_imports {
    const struct pe_image *img;
    enum pe_import_kind kind;
    uint32_t next, index;
    uint32_t budget; /* hostile tables may share one huge list among many DLLs */
    struct pe_import_dll dll;
    struct pe_import fn;
    struct pe_damage damage;
};
void pe_imports_begin(struct pe_imports *it, const struct pe_image *img, enum pe_import_kind kind);
bool pe_imports_dll(struct pe_imports *it);
bool pe_imports_function(struct pe_imports *it);

/* ---- exports ------------------------------------------------------------------------------- */

struct pe_exports {
    const struct pe_image *img;
    struct pe_directory dir;
    const char *dll_name; /* NULL when unreadable */
    uint32_t timestamp, base, nfunctions, nnames;
    const uint8_t *functions, *names, *ordinals; /* the three tables, as far as the counts say */
    struct pe_damage damage;                     /* counts were clamped to what the file holds */
};
struct pe_export {
    const char *name;      /* NULL: by ordinal only */
    const char *forwarder; /* "DLL.Function" or "DLL.#7", NULL for ordinary ones */
    uint32_t ordinal;      /* with the base added */
    uint32_t rva;
};
/* False when there is no usable export directory. */
bool pe_exports_open(struct pe_exports *ex, const struct pe_image *img);
/* Binary search; when the table turns out not to be sorted, linear as well. */
bool pe_export_by_name(const struct pe_exports *ex, const char *name, struct pe_export *out);
bool pe_export_by_ordinal(const struct pe_exports *ex, uint32_t ordinal, struct pe_export *out);
/* i < nnames, in the order of the name table; false when the row is damaged. */
bool pe_export_name_at(const struct pe_exports *ex, uint32_t i, struct pe_export *out);
/* Every export: the named ones in table order, then those without a name. fn returns false to stop.
 * Allocates a bitmap while it runs. */
typedef bool (*pe_export_fn)(void *ctx, const struct pe_export *x);
void pe_exports_visit(const struct pe_exports *ex, pe_export_fn fn, void *ctx);

/* ---- base relocations ---------------------------------------------------------------------- */

struct pe_relocs {
    const uint8_t *data; /* the directory, as far as the file holds it */
    uint32_t size, dir_rva;
    uint32_t block, at, block_end; /* offsets in data: the present block, next entry, its end */
    uint32_t next;                 /* the next block */
    uint32_t page;                 /* RVA the present block is relative to */
    uint32_t rva;                  /* the present entry */
    uint8_t type;
    uint16_t low; /* HIGHADJ: the second half of the value */
    struct pe_damage damage;
};
void pe_relocs_begin(struct pe_relocs *it, const struct pe_image *img);
/* Block by block: sets page, block, block_end. */
bool pe_relocs_block(struct pe_relocs *it);
/* Entry by entry inside the present block; padding (ABSOLUTE) is skipped. */
bool pe_relocs_entry(struct pe_relocs *it);
/* Width in bytes of what a relocation changes: 2, 4 or 8; 0 for unknown types. */
unsigned pe_reloc_width(unsigned type);

/* ---- the smaller directories ---------------------------------------------------------------- */

struct pe_tls {
    uint32_t data, data_size; /* template; RVA and length */
    uint32_t index;           /* RVA of the index variable */
    uint32_t callbacks;       /* RVA of the array, 0 when none */
    uint32_t zero_fill, characteristics;
};
bool pe_tls(const struct pe_image *img, struct pe_tls *out, struct pe_damage *damage);
/* The i-th callback; false at the end of the list. */
bool pe_tls_callback(const struct pe_image *img, const struct pe_tls *tls, uint32_t i,
                     uint32_t *rva);

struct pe_debug {
    uint32_t type, timestamp, size, rva, offset;
    uint16_t major, minor;
    const char *pdb; /* CodeView only, NULL otherwise */
    uint8_t guid[16];
    uint32_t age;
};
bool pe_debug_at(const struct pe_image *img, uint32_t i, struct pe_debug *out);

struct pe_load_config {
    uint32_t size;
    uint64_t security_cookie, seh_table, seh_count; /* absolute, as stored */
    uint64_t guard_check, guard_table, guard_count;
    uint32_t guard_flags;
};
bool pe_load_config(const struct pe_image *img, struct pe_load_config *out);

struct pe_runtime_function {
    uint32_t begin, end, unwind;
};
uint32_t pe_runtime_functions(const struct pe_image *img); /* count; x86-64 only */
bool pe_runtime_function(const struct pe_image *img, uint32_t i, struct pe_runtime_function *out);

struct pe_bound {
    const char *dll;
    uint32_t timestamp, offset; /* offset inside the directory, of this row */
    bool forwarder;             /* belongs to the row before */
};
struct pe_bounds {
    const struct pe_image *img;
    uint32_t next, forwarders;
    struct pe_bound row;
    struct pe_damage damage;
};
void pe_bounds_begin(struct pe_bounds *it, const struct pe_image *img);
bool pe_bounds_next(struct pe_bounds *it);

struct pe_clr {
    uint16_t major, minor;
    uint32_t flags;
    bool il_only;
};
bool pe_clr(const struct pe_image *img, struct pe_clr *out);

/* ---- resources ----------------------------------------------------------------------------- */

#define PE_RESOURCE_DEPTH 3
struct pe_resource_name {
    const uint8_t *utf16; /* unaligned, little-endian; NULL when a number */
    uint16_t len;         /* code units */
    uint32_t id;
};
struct pe_resource {
    unsigned depth;                                  /* 0 type, 1 name, 2 language */
    struct pe_resource_name path[PE_RESOURCE_DEPTH]; /* path[0..depth] */
    bool leaf;
    uint32_t rva, size, codepage; /* leaves */
};
typedef bool (*pe_resource_fn)(void *ctx, const struct pe_resource *r); /* false stops */
/* Depth first. At most 65,536 nodes and three levels: trees that refer to themselves end there. */
void pe_resources_visit(const struct pe_image *img, pe_resource_fn fn, void *ctx,
                        struct pe_damage *damage);
/* The first language of a resource with numeric type and name; `name` 0 takes the first. */
bool pe_resource_find(const struct pe_image *img, uint32_t type, uint32_t name,
                      struct pe_resource *out);
const char *pe_resource_type_name(uint32_t id); /* "RT_ICON" or NULL */

struct pe_version {
    uint16_t file[4], product[4];
};
bool pe_version(const struct pe_image *img, struct pe_version *out);
/* A string of the version resource ("ProductName") as UTF-8 from malloc; NULL when absent. */
char *pe_version_string(const struct pe_image *img, const char *key);

/* ---- checks that cost time ------------------------------------------------------------------ */

/* The checksum that the header should hold. */
uint32_t pe_checksum(const struct pe_image *img);
/* Where the last section's bytes end in the file: what follows is an overlay. */
size_t pe_overlay(const struct pe_image *img);
#endif
