/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NT_MM_MM_H
#define NT_MM_MM_H
/*
 * The memory manager's services: sections, views and virtual memory, above mem/space.h.
 *
 * A section is a kernel object that describes what a view shows: a file's bytes, pages of its own
 * (pagefile), or an image laid out by its headers. Every view holds a reference to its section and
 * carries the section's id as its tag, so any address leads back to the file behind it.
 *
 * An image file is laid out once in a kernel, whichever section asks: the pages are found again by
 * the identity of the host file. As on Windows it is laid out for one base address, its preferred
 * one, or another chosen at the first mapping when that is taken and the image may move; the header
 * in memory names that base. A view elsewhere returns STATUS_IMAGE_NOT_AT_BASE and is left to the
 * guest's loader to relocate.
 *
 * All calls need the kernel lock.
 */
#include "nt/kernel.h"

struct nt_mm; /* images that are laid out, and what is known of some private regions */
struct nt_section;
extern const struct nt_type nt_type_section;

/* Frees k->mm, after all objects and before the RAM. NULL is fine. */
void nt_mm_destroy(struct nt_kernel *k);
/* Before the object table. Loading goes into a kernel whose RAM is loaded. */
void nt_mm_transfer(struct nt_kernel *k, struct ser *s);
/* After a load: files learn again of the sections over them, views claim theirs. */
void nt_mm_settle(struct nt_kernel *k, struct ser *s);
/* Unmaps every view of an ending process, and forgets what was noted about it. p->mem stays. */
void nt_mm_release_process(struct nt_kernel *k, struct nt_process *p);

/* With nt_config.intercept a mapped DLL has so many bytes more for each export, and once again: out
 * of reach until somebody fills them. */
enum { NT_IMAGE_THUNK = 8 };

struct nt_image_info {
    uint64_t base, size;   /* of this view; base is 0 when not mapped */
    uint64_t room;         /* that `size` has behind the image's own pages, for thunks */
    uint64_t section_base; /* where the image is laid out for: the ImageBase in its mapped header */
    uint64_t preferred;    /* the ImageBase in the file */
    uint32_t entry;        /* RVA, 0: none */
    uint16_t machine, characteristics, dll_characteristics, subsystem;
    uint16_t subsystem_major, subsystem_minor, os_major, os_minor;
    bool is64;
    uint64_t stack_reserve, stack_commit, heap_reserve, heap_commit;
    nt_id section;
};

/*
 * Maps an image into p before any guest code runs (ntdll, the program): at its preferred base, else
 * relocated. nt_path is "\??\C:\…" of len units, copied. The descriptor is borrowed for the call.
 * `info` may be NULL. STATUS_IMAGE_NOT_AT_BASE is success: moved, but without relocations.
 * On refusal of the file *e has the sentence.
 */
ntstatus nt_map_image_file(struct nt_kernel *k, struct nt_process *p, int fd,
                           const uint16_t *nt_path, size_t len, struct nt_image_info *info,
                           struct pgr_error *e);

/* Maps a read-only view of a guest file ("C:\windows\system32\l_intl.nls", UTF-8) into the caller's
 * process. *size is the file's. Unmapped like any view. */
ntstatus nt_map_system_file(struct nt_call *c, const char *guest_path, uint64_t *base,
                            uint64_t *size);

struct nt_view {
    uint64_t base, size; /* of the whole view */
    bool image;
    nt_id section;
    const uint16_t *path; /* "\??\C:\…", owned by the section; NULL: no file */
    size_t path_len;
};
/* The view that holds va; false when there is none. */
bool nt_view_at(struct nt_kernel *k, struct nt_process *p, uint64_t va, struct nt_view *out);
/* The same for images only. */
bool nt_image_at(struct nt_kernel *k, struct nt_process *p, uint64_t va, struct nt_view *out);
/* The image at va as it was laid out, before any guest wrote to its own copy: contiguous, borrowed
 * from the section. NULL when va is in no image. */
const uint8_t *nt_image_bytes(struct nt_kernel *k, struct nt_process *p, uint64_t va, size_t *size);
/* Its pages, borrowed, to look at: mem_object_range. */
struct mem_object *nt_image_object(struct nt_kernel *k, struct nt_process *p, uint64_t va);
/* How much room for thunks the image at va has at its end. */
uint64_t nt_image_room(struct nt_kernel *k, struct nt_process *p, uint64_t va);
/* What the room begins with, which depends on the view's base alone: what is there is not written
 * again. From now on it can be executed. False: there is no such room. */
bool nt_image_fill_room(struct nt_kernel *k, struct nt_process *p, uint64_t va, const void *data,
                        size_t len);
/* What an image's file is called: "C:\windows\system32\ntdll.dll" of a path as views have it, and
 * "ntdll.dll", in lower case, of that. From malloc. */
char *nt_image_path(const uint16_t *path, size_t len);
char *nt_image_name(const char *path);
/* Calls fn for each view in order of address. */
void nt_views_each(struct nt_kernel *k, struct nt_process *p,
                   void (*fn)(void *ctx, const struct nt_view *v), void *ctx);
/* What is known of a section that is an image; base is the section's. False for other sections. */
bool nt_section_image_info(struct nt_kernel *k, nt_id section, struct nt_image_info *out);

/* Wine's PE modules ask for a handle to their Unix half and pass it to __wine_unix_call: the module
 * behind such a handle, its file name in lower case without extension ("ws2_32"). Length; 0 when
 * the handle is no module's. */
size_t nt_wine_unixlib_name(struct nt_kernel *k, struct nt_process *p, uint64_t handle, char *out,
                            size_t size);

/* The highest address that zero_bits allows (0: no limit). `bad` is returned for values that are
 * neither a count nor a mask. */
ntstatus mm_zero_bits(struct nt_process *p, uint64_t zero_bits, ntstatus bad, uint64_t *highest);
#endif
