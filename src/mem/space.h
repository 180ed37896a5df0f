/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef MEM_SPACE_H
#define MEM_SPACE_H
/*
 * The guest's address space, as the NT memory manager keeps it.
 *
 * Two levels. RAM is one large sparse window of host memory, numbered in 4 KiB frames: a memfd, so
 * that other processes can map it, with parts of host files mapped over it where a section shows a
 * file. A SPACE maps guest pages to frames: regions (what one reservation or one view made), and in
 * each committed page its protection and its frame. Committed private pages get a frame when first
 * touched; copy-on-write pages get their own frame when first written.
 *
 * Engines never decide: on a miss they ask mem_fault(), which makes the page present or says which
 * NTSTATUS the guest gets. Mappings only become visible to an engine through mem_fault and are
 * taken away from it through the observer.
 *
 * Addresses and sizes are guest bytes. Page protections are the PAGE_* values of winnt.h. Not
 * thread-safe: callers hold the kernel lock.
 */
#include "base/err.h"
#include "base/ntstatus.h"
#include "base/ser.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MEM_PAGE        0x1000u
#define MEM_GRANULARITY 0x10000u

enum { /* as in winnt.h */
       PAGE_NOACCESS = 0x01,
       PAGE_READONLY = 0x02,
       PAGE_READWRITE = 0x04,
       PAGE_WRITECOPY = 0x08,
       PAGE_EXECUTE = 0x10,
       PAGE_EXECUTE_READ = 0x20,
       PAGE_EXECUTE_READWRITE = 0x40,
       PAGE_EXECUTE_WRITECOPY = 0x80,
       PAGE_GUARD = 0x100,
       PAGE_NOCACHE = 0x200,
       PAGE_WRITECOMBINE = 0x400,
       MEM_COMMIT = 0x1000,
       MEM_RESERVE = 0x2000,
       MEM_DECOMMIT = 0x4000,
       MEM_RELEASE = 0x8000,
       MEM_FREE = 0x10000,
       MEM_PRIVATE = 0x20000,
       MEM_MAPPED = 0x40000,
       MEM_RESET = 0x80000,
       MEM_TOP_DOWN = 0x100000,
       MEM_WRITE_WATCH = 0x200000,
       MEM_RESET_UNDO = 0x1000000,
       MEM_IMAGE = 0x1000000,
};

struct mem_ram;
struct mem_space;

/* ---- RAM ---------------------------------------------------------------------------------- */

/* `limit` bounds the window in bytes (a multiple of 1 GiB, at most 8 TiB); memory is only used when
 * touched. Half of it can be committed, objects included: STATUS_COMMITMENT_LIMIT beyond. */
pgr_status mem_ram_create(struct mem_ram **out, uint64_t limit, struct pgr_error *e);
/* Spaces and objects go next, then the RAM: what they free need not be prepared for another use.
 * Nothing may be made in it any more. */
void mem_ram_retire(struct mem_ram *ram);
/* After all spaces, and after all references to objects were given back. */
void mem_ram_destroy(struct mem_ram *ram);
/* Host address of frame 0; frames follow each other without gaps. Stable for the RAM's life. */
uint8_t *mem_ram_base(const struct mem_ram *ram);
uint64_t mem_ram_limit(const struct mem_ram *ram);
int mem_ram_fd(const struct mem_ram *ram);
/* Zeroed memory that ends where the window begins, for an engine that shows both to its processor
 * as one piece. One taker at a time, NULL: taken; to be given back before the RAM goes. */
#define MEM_RAM_MARGIN (64ull << 20)
uint8_t *mem_ram_take_margin(struct mem_ram *ram);
void mem_ram_give_margin(struct mem_ram *ram);
/* Opens a host file that a loaded snapshot names; a descriptor that the RAM then owns, or -1. A
 * snapshot is hostile: the opener decides what may be opened. Without one no file is. */
typedef int mem_open_fn(void *ctx, const char *host_path, bool writable);
void mem_ram_set_opener(struct mem_ram *ram, mem_open_fn *open_file, void *ctx);

/* ---- Objects: pages that views share ------------------------------------------------------- */

struct mem_object; /* reference counted; a section holds one reference, each view another */

/* Demand-zero pages, shared by all views. */
ntstatus mem_object_anonymous(struct mem_ram *ram, uint64_t size, struct mem_object **out);
/* The same for a section with SEC_RESERVE: mem_commit through any view commits pages for all. */
ntstatus mem_object_reserved(struct mem_ram *ram, uint64_t size, struct mem_object **out);
/* `size` bytes of an open host file from `offset` (a multiple of the page size). writable: views
 * and the file see each other's writes (MAP_SHARED); else the pages are read-only, and
 * copy-on-write. The descriptor is duplicated; STATUS_INVALID_FILE_FOR_SECTION,
 * STATUS_ACCESS_DENIED. Beyond the end of the file zeroes, which do not reach it: extend the file
 * first. It must not be truncated while it is mapped. */
ntstatus mem_object_file(struct mem_ram *ram, int fd, uint64_t offset, uint64_t size, bool writable,
                         struct mem_object **out);
/* An image being laid out: `size` bytes of zeroes, into which pieces of a file are put before the
 * first view exists. mappable pieces (page-aligned in file and memory) are mapped, not read. */
ntstatus mem_object_image(struct mem_ram *ram, uint64_t size, struct mem_object **out);
/* STATUS_END_OF_FILE when the file is shorter, STATUS_INVALID_PARAMETER outside the object. All
 * pieces come from the same file. */
ntstatus mem_object_put_file(struct mem_object *o, uint64_t at, int fd, uint64_t offset,
                             uint64_t len);
ntstatus mem_object_put_bytes(struct mem_object *o, uint64_t at, const void *data, uint64_t len);
/* Host view of the object's bytes, contiguous, size bytes; for the host's own reading (an image's
 * headers) and, before the first view exists, writing (relocations). */
uint8_t *mem_object_bytes(struct mem_object *o);
/* The same, for a part of it: large images are read from their file as far as they are looked at.
 */
uint8_t *mem_object_range(struct mem_object *o, uint64_t at, uint64_t len);
uint64_t mem_object_size(const struct mem_object *o);
struct mem_object *mem_object_ref(struct mem_object *o);
void mem_object_unref(struct mem_object *o);

/* ---- The space ------------------------------------------------------------------------------ */

struct mem_config {
    struct mem_ram *ram;      /* outlives the space */
    uint64_t lowest, highest; /* first and last usable address, e.g. 0x10000, 0x7ffffffeffff */
    unsigned ptr_size;        /* 4 or 8 */
};
pgr_status mem_create(const struct mem_config *cfg, struct mem_space **out, struct pgr_error *e);
void mem_destroy(struct mem_space *s);

/* An engine that mirrors the space. */
struct mem_observer {
    void *ctx;
    /* Pages in the range went away, moved to other frames or lost rights. Called before frames
     * that go away are used for something else. */
    void (*invalidate)(void *ctx, uint64_t va, uint64_t len);
    /* The host wrote, or (mem_window) is about to write, over pages that the guest may execute:
     * through this address or through another view of the same pages in this space. */
    void (*code_written)(void *ctx, uint64_t va, uint64_t len);
};
void mem_observe(struct mem_space *s, const struct mem_observer *o); /* copied */
void mem_unobserve(struct mem_space *s, void *ctx);                  /* all with this ctx */

/* Where a new region may lie. Zeroed: anywhere. */
struct mem_place {
    uint64_t lowest, highest; /* inclusive, 0: the space's own */
    uint64_t align;           /* 0: MEM_GRANULARITY */
    bool top_down;
};

/* Reserves, and commits when `commit`. *base 0: chosen; else rounded down to the granularity; size
 * up to pages, so that the end stays. STATUS_CONFLICTING_ADDRESSES, STATUS_NO_MEMORY,
 * STATUS_INVALID_PAGE_PROTECTION, STATUS_INVALID_PARAMETER as NT gives them. */
ntstatus mem_reserve(struct mem_space *s, uint64_t *base, uint64_t *size, uint32_t protect,
                     bool commit, const struct mem_place *place);
/* Commits pages of an existing private (or reserved pagefile-section) region; pages committed
 * already get the new protection. *base, *size come back rounded to pages. No or more than one
 * region: STATUS_CONFLICTING_ADDRESSES; files and images: STATUS_ALREADY_COMMITTED. */
ntstatus mem_commit(struct mem_space *s, uint64_t *base, uint64_t *size, uint32_t protect);
/* *size 0 with base at the region's start: all of the region, and *size stays 0.
 * STATUS_MEMORY_NOT_ALLOCATED, STATUS_FREE_VM_NOT_AT_BASE, STATUS_UNABLE_TO_FREE_VM (beyond the
 * region), STATUS_UNABLE_TO_DELETE_SECTION (a view); mem_release the same. */
ntstatus mem_decommit(struct mem_space *s, uint64_t *base, uint64_t *size);
/* MEM_RELEASE: all of a private region, or a part of it, which splits it. */
ntstatus mem_release(struct mem_space *s, uint64_t *base, uint64_t *size);
/* MEM_RESET: contents may be dropped; they are kept, so that runs stay the same. */
ntstatus mem_reset(struct mem_space *s, uint64_t base, uint64_t size);
/* *old: protection of the first page before. The range lies in one region, all of it committed:
 * STATUS_CONFLICTING_ADDRESSES, STATUS_NOT_COMMITTED. STATUS_SECTION_PROTECTION where the view does
 * not include the right. Writable pages of image views become copy-on-write ones. */
ntstatus mem_protect(struct mem_space *s, uint64_t *base, uint64_t *size, uint32_t protect,
                     uint32_t *old);

/* A view of an object. type: MEM_MAPPED or MEM_IMAGE. tag: the caller's name for what is mapped (a
 * section object's id), handed back by mem_query. protect: of all pages, as a view of the section
 * gets it; image views then set each section's with mem_set_view_protect. *size 0: to the object's
 * end. *base 0: chosen, else on the granularity (or place->align): STATUS_MAPPED_ALIGNMENT.
 * STATUS_INVALID_VIEW_SIZE, STATUS_SECTION_PROTECTION, and those of mem_reserve. */
ntstatus mem_map_view(struct mem_space *s, struct mem_object *o, uint64_t object_offset,
                      uint64_t *base, uint64_t *size, uint32_t type, uint32_t protect, uint32_t tag,
                      const struct mem_place *place);
/* Sets the protection that the pages have from the start (AllocationProtect stays). In an image
 * view PAGE_READWRITE means a shared section; PAGE_WRITECOPY one that each view has for itself. */
ntstatus mem_set_view_protect(struct mem_space *s, uint64_t va, uint64_t size, uint32_t protect);
ntstatus mem_unmap_view(struct mem_space *s, uint64_t va_inside);
/* Replaces frames of a copy-on-write view with private copies now, and gives host access to patch
 * them whatever their protection (relocations, import of our own making). Image pages and pages of
 * read-only files are copied too; pages of other views are written for all. STATUS_ACCESS_VIOLATION
 * where nothing is committed. */
ntstatus mem_poke(struct mem_space *s, uint64_t va, const void *data, size_t len);
/* Reads whatever the protection; false when not committed. */
bool mem_peek(struct mem_space *s, uint64_t va, void *out, size_t len);

struct mem_info { /* one run of pages with equal attributes, as MEMORY_BASIC_INFORMATION */
    uint64_t base, allocation_base, size;
    uint32_t allocation_protect, state, protect, type;
    uint32_t tag;         /* of mem_map_view */
    uint64_t region_size; /* of the whole region, for MemoryRegionInformation */
};
/* From va's page to the end of the run. STATUS_INVALID_PARAMETER above the highest user address. */
ntstatus mem_query(struct mem_space *s, uint64_t va, struct mem_info *out);
/* Working-set facts about one page: frame present, shared, private copy made. */
struct mem_page_info {
    bool valid, shared, copied;
    uint32_t protect;
};
void mem_query_page(struct mem_space *s, uint64_t va, struct mem_page_info *out);

/* ---- Access --------------------------------------------------------------------------------- */

enum { MEM_R = 1, MEM_W = 2, MEM_X = 4 }; /* the values of enum cpu_access */

struct mem_page {
    uint64_t frame;  /* the page's bytes: mem_ram_base() + frame * MEM_PAGE */
    unsigned rights; /* MEM_R | MEM_W | MEM_X that need no further fault */
};
/*
 * The guest (an engine) touched va. STATUS_SUCCESS: *out can be mirrored, rights include `access`.
 * Else what the guest gets: STATUS_ACCESS_VIOLATION, STATUS_GUARD_PAGE_VIOLATION (the guard is gone
 * now), STATUS_IN_PAGE_ERROR (no host memory window left). Guard pages that are the calling
 * thread's stack guard are handled by the kernel, above: mem only reports. Execution needs an
 * executable page (DEP is on). A fault with MEM_W marks the page dirty.
 */
ntstatus mem_fault(struct mem_space *s, uint64_t va, unsigned access, struct mem_page *out);
/* The same without side effects: true and *out when the page is present now, with whatever rights
 * (never 0). For fault-around. Private pages never touched are not present. */
bool mem_present(struct mem_space *s, uint64_t va, struct mem_page *out);
/* Pages that lie behind each other in the space and in a file, with equal rights. */
struct mem_extent {
    uint64_t va, pages;
    unsigned rights; /* MEM_R | MEM_W | MEM_X that need no further fault; never 0 */
    int fd;          /* mem_ram_fd, or a host file's, borrowed until its view goes */
    uint64_t offset; /* in fd */
    bool image;      /* of an image view */
};
/*
 * For engines that map the guest's pages into another process: the pages of [first, last] that are
 * present, as many as fit into max extents, by ascending address. With `populate` private committed
 * pages that were never touched become present, except guard pages. Nothing else changes for the
 * guest. The file shows the page's bytes now and later: where relocations changed what this process
 * has mapped, the bytes are copied into the RAM's file first.
 */
size_t mem_extents(struct mem_space *s, uint64_t first, uint64_t last, bool populate,
                   struct mem_extent *out, size_t max);

/* As the guest in user mode would: STATUS_SUCCESS, or what mem_fault() says, with nothing beyond
 * the fault touched (whole pages before it may have been written). Reading private pages never
 * touched gives zeroes, and no memory to them. */
ntstatus mem_read(struct mem_space *s, uint64_t va, void *out, size_t len);
ntstatus mem_write(struct mem_space *s, uint64_t va, const void *data, size_t len);
/* A host pointer to as many of the bytes at va as are contiguous on the host; *len comes back
 * shortened. Checked and made present for `access`; valid until the next call that takes a space.
 * Writing through it counts as a host write: pass MEM_W. NULL with *status set when the first byte
 * faults; later bytes that would fault only end the window. */
uint8_t *mem_window(struct mem_space *s, uint64_t va, size_t *len, unsigned access,
                    ntstatus *status);

unsigned mem_ptr_size(const struct mem_space *s);
struct mem_ram *mem_space_ram(const struct mem_space *s);
uint64_t mem_highest(const struct mem_space *s);

/* ---- Dirty pages and snapshots --------------------------------------------------------------- */

/* Engines report guest writes that they noticed (PTE dirty bits); host writes are noted here. */
void mem_mark_dirty(struct mem_space *s, uint64_t va);
/* Calls fn for every page written, or decommitted, since the last mem_dirty_clear, by ascending
 * address; regions that came and went are not reported. Engines are asked to hand over
 * first by mem_observer users: the machine does that. */
void mem_dirty_each(struct mem_space *s, void (*fn)(void *ctx, uint64_t va), void *ctx_arg);
void mem_dirty_clear(struct mem_space *s);

/*
 * Saving: first every object of the RAM (its pages, and the host path of a file that it maps), then
 * the space's regions, which name objects by id. Loading goes into a newly created RAM and space of
 * the same limits. Loaded objects belong to the RAM until mem_object_find asks for them. After a
 * failed load (ser->failed) destroy both. Dirty marks are not saved.
 */
void mem_ram_transfer(struct ser *s, struct mem_ram *ram);
void mem_transfer(struct ser *s, struct mem_space *space);
uint32_t mem_object_id(const struct mem_object *o);                   /* never 0 */
struct mem_object *mem_object_find(struct mem_ram *ram, uint32_t id); /* adds a reference; NULL */
struct mem_stats {
    uint64_t reserved, committed, resident; /* bytes */
    size_t regions;
};
void mem_get_stats(const struct mem_space *s, struct mem_stats *out);
#endif
