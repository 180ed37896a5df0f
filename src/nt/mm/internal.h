/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NT_MM_INTERNAL_H
#define NT_MM_INTERNAL_H
/* Shared between the files of mm/ only. */
#include "base/bits.h"
#include "base/vec.h"
#include "nt/call.h"
#include "nt/mm/mm.h"

enum {
    SEC_FILE = 0x800000,
    SEC_IMAGE = 0x1000000,
    SEC_RESERVE = 0x4000000,
    SEC_COMMIT = 0x8000000,
    SEC_NOCACHE = 0x10000000,
    SEC_WRITECOMBINE = 0x40000000,
};
#define SEC_LARGE_PAGES 0x80000000u

enum {
    SECTION_QUERY = 1,
    SECTION_MAP_WRITE = 2,
    SECTION_MAP_READ = 4,
    SECTION_MAP_EXECUTE = 8,
    SECTION_EXTEND_SIZE = 16,
    PROCESS_VM_OPERATION = 8,
    PROCESS_VM_READ = 0x10,
    PROCESS_VM_WRITE = 0x20,
    PROCESS_QUERY_INFORMATION = 0x400,
    AT_ROUND_TO_PAGE = 0x40000000,
    MEM_LARGE_PAGES = 0x20000000,
    MEM_RESERVE_PLACEHOLDER = 0x40000, /* these three only in the Ex services */
    MEM_REPLACE_PLACEHOLDER = 0x4000,
    MEM_COALESCE_PLACEHOLDERS = 1,
    MEM_PRESERVE_PLACEHOLDER = 2,
    MEM_UNMAP_WITH_TRANSIENT_BOOST = 1,
};

/* ---- Images (image.c) ------------------------------------------------------------------------ */

struct mm_file_id { /* a version of a host file */
    uint64_t device, inode, size;
    int64_t mtime_ns;
};

struct mm_part { /* pages that have one protection from the start */
    uint32_t rva, size, protect;
};

/* What stays of an image file once its headers are read. Sections share it by reference. */
struct mm_image {
    uint32_t refs; /* sections; with none it is kept for a while, in case it is wanted again */
    uint64_t used; /* order of last use */
    struct mm_file_id id;
    struct mem_object *object; /* laid out for info.section_base; NULL until first mapped */
    uint64_t filled; /* base of the view that the room's contents are for; 0: it is empty */
    struct nt_image_info info; /* view and section fields are 0 */
    uint32_t checksum, file_size;
    uint8_t flags; /* SECTION_IMAGE_INFORMATION.ImageFlags */
    bool contains_code, clr, relocatable, dynamic;
    VEC(struct mm_part) parts;
};
enum { /* ImageFlags */
       IMAGE_COMPLUS_NATIVE_READY = 1,
       IMAGE_COMPLUS_IL_ONLY = 2,
       IMAGE_DYNAMICALLY_RELOCATED = 4,
       IMAGE_MAPPED_FLAT = 8,
};

/* The image in this file, from those known or read now; a reference for the caller. The status is
 * NtCreateSection's. */
ntstatus mm_image_open(struct nt_kernel *k, int fd, const char *name, struct mm_image **out,
                       struct pgr_error *e);
void mm_image_unref(struct nt_kernel *k, struct mm_image *img);
/* Lays the image out, for a place that is free in p when its own is not. must_move: relocate
 * whatever the image's flags say of moving. A no-op when it is laid out already. */
ntstatus mm_image_layout(struct nt_kernel *k, struct nt_process *p, struct mm_image *img, int fd,
                         const struct mem_place *limits, bool must_move, struct pgr_error *e);
/* The range that NT would search for an image that cannot be at its base. */
struct mem_place mm_image_place(struct nt_process *p, const struct mm_image *img,
                                const struct mem_place *limits);
/* All images; then, in each section, which one. */
void mm_images_transfer(struct nt_kernel *k, struct ser *s);
void mm_image_transfer(struct nt_kernel *k, struct ser *s, struct mm_image **img);

/* ---- The kernel's part (state.c) ---------------------------------------------------------------
 */

enum mm_mark_kind { MM_PLACEHOLDER, MM_WRITE_WATCH, MM_REPLACED };

/* What mem/ does not keep about a private region. */
struct mm_mark {
    uint8_t kind;
    nt_id process;
    uint64_t base, size;
    uint64_t *hashes; /* MM_WRITE_WATCH: of each page when last reset; 0: untouched */
};

struct nt_mm {
    VEC(struct mm_image *) images;
    VEC(struct mm_mark) marks; /* few: searched in order */
    uint64_t uses;
};
struct nt_mm *mm_state(struct nt_kernel *k);
void mm_images_destroy(struct nt_mm *mm); /* image.c */
/* The mark that holds va; NULL. */
struct mm_mark *mm_mark_find(struct nt_kernel *k, struct nt_process *p, uint8_t kind, uint64_t va);
struct mm_mark *mm_mark_add(struct nt_kernel *k, struct nt_process *p, uint8_t kind, uint64_t base,
                            uint64_t size);
/* Forgets marks inside the range; those that reach beyond are cut. */
void mm_marks_forget(struct nt_kernel *k, struct nt_process *p, uint64_t base, uint64_t size);

/* ---- Sections (section.c) ----------------------------------------------------------------------
 */

struct nt_section {
    struct nt_object o;
    uint32_t attributes;       /* SEC_*, as NtQuerySection reports them */
    uint32_t protect;          /* PAGE_*, of the section */
    uint64_t size;             /* bytes */
    bool no_execute;           /* an image to look at only */
    nt_id file;                /* referenced; 0: pagefile, or mapped by the host */
    struct mem_object *object; /* data and pagefile; NULL until first mapped */
    struct mm_image *image;
    uint16_t *path; /* "\??\C:\…" of the file; NULL: none */
    size_t path_len;
};
static inline struct nt_section *mm_section(struct nt_kernel *k, nt_id id)
{
    return nt_object_get(k, id, NT_TYPE_SECTION);
}
/* The section's pages, made when needed. Not for images. */
ntstatus mm_section_object(struct nt_kernel *k, struct nt_section *s, struct mem_object **out);
/* The open file behind it. */
ntstatus mm_section_fd(struct nt_kernel *k, struct nt_section *s, int *fd);

/* ---- Views (view.c)
 * ------------------------------------------------------------------------------ */

struct mm_view_args {
    uint64_t base, size, offset, commit; /* base 0: chosen; size 0: to the end */
    uint32_t alloc_type, protect;
    struct mem_place place; /* limits of the caller; zeroes: none */
    uint16_t machine;       /* the image must be for it, 0: any */
    bool must_move;         /* see mm_image_layout */
    bool page_aligned;      /* base may be any page */
};
/* Maps; a->base and a->size come back. The view takes its own reference to the section. */
ntstatus mm_map(struct nt_kernel *k, struct nt_process *p, struct nt_section *s,
                struct mm_view_args *a, struct pgr_error *e);
ntstatus mm_unmap(struct nt_kernel *k, struct nt_process *p, uint64_t va);

/* ---- Arguments (place.c)
 * -------------------------------------------------------------------------- */

/* The process behind a handle; STATUS_PROCESS_IS_TERMINATING when it has no memory any more. */
ntstatus mm_target(struct nt_call *c, uint64_t handle, uint32_t access, struct nt_process **p);
/* A pair of in/out pointers: PVOID *base, SIZE_T *size. */
ntstatus mm_get_range(struct nt_call *c, uint64_t base_ptr, uint64_t size_ptr, uint64_t *base,
                      uint64_t *size);
ntstatus mm_put_range(struct nt_call *c, uint64_t base_ptr, uint64_t size_ptr, uint64_t base,
                      uint64_t size);

struct mm_extended {
    struct mem_place place;
    uint64_t attributes;
    uint16_t machine;
};
/* MEM_EXTENDED_PARAMETER arrays. */
ntstatus mm_extended_read(struct nt_call *c, uint64_t parameters, uint32_t count,
                          struct mm_extended *out);

/* ---- Placeholders (placeholder.c)
 * -------------------------------------------------------------------- */

bool mm_placeholder_type(uint32_t type);
ntstatus mm_placeholder_allocate(struct nt_kernel *k, struct nt_process *p, uint64_t *base,
                                 uint64_t *size, uint32_t type, uint32_t protect,
                                 struct mem_place *place);
/* MEM_RELEASE with one of the two flags. */
ntstatus mm_placeholder_preserve(struct nt_kernel *k, struct nt_process *p, uint64_t base,
                                 uint64_t size);
ntstatus mm_placeholder_coalesce(struct nt_kernel *k, struct nt_process *p, uint64_t base,
                                 uint64_t size);

/* ---- Copying (copy.c)
 * ------------------------------------------------------------------------------- */

/* Between spaces, or within one; *done counts what arrived. */
enum mm_copy_fault { MM_COPY_OK, MM_COPY_BAD_SOURCE, MM_COPY_BAD_TARGET };
enum mm_copy_fault mm_copy(struct mem_space *to, uint64_t dst, struct mem_space *from, uint64_t src,
                           uint64_t len, uint64_t *done);

/* ---- Wine (wine.c)
 * ------------------------------------------------------------------------------------ */

enum { MM_WINE_UNIX_FUNCS = 1000, MM_WINE_UNIX_WOW64_FUNCS = 1001 };
/* NtQueryVirtualMemory with one of the classes above. */
ntstatus mm_wine_query(struct nt_call *c, struct nt_process *p, uint64_t module, uint64_t buffer,
                       uint64_t length);
#endif
