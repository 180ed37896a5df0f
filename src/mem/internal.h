/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef MEM_INTERNAL_H
#define MEM_INTERNAL_H
/* What the files of this folder share. See space.h for the model. */
#include "base/bits.h"
#include "base/vec.h"
#include "mem/space.h"

#define PAGE_SHIFT  12
#define CHUNK_PAGES 512u       /* 2 MiB: the unit in which page entries are allocated */
#define LEAF_PAGES  (1u << 18) /* 1 GiB: the unit in which chunks are allocated */
#define MAX_ADDRESS ((1ull << 48) - 1)

/* ---- Frames (ram.c) ------------------------------------------------------------------------ */

struct frame_run {
    uint32_t start, count;
};
typedef VEC(struct frame_run) frame_list;

struct mem_ram {
    int fd;
    uint8_t *base;
    uint64_t limit;
    uint32_t frames;         /* in the window; number 0 is never given out and means "none" */
    uint32_t bump;           /* frames from here on were never used */
    frame_list clean, dirty; /* sorted, merged; the contents of dirty ones are still there */
    uint64_t dirty_count;
    uint64_t used;                    /* frames given out */
    uint64_t charged;                 /* pages promised: committed private pages and objects */
    VEC(struct mem_object *) objects; /* sorted by id */
    uint32_t next_id;
    bool retired; /* see mem_ram_retire */
    bool margin_taken;
    int pagemap; /* of this process: see extent.c. 0: not opened, -1: there is none */
    mem_open_fn *open_file;
    void *open_ctx;
};

/* A run of `count` zeroed frames, at `hint` when that is free; 0 when there is none. */
uint32_t ram_alloc(struct mem_ram *ram, uint32_t count, uint32_t hint);
/* clean: the frames are known to hold zeroes. */
void ram_free(struct mem_ram *ram, uint32_t start, uint32_t count, bool clean);
/* Zeroes frames that stay allocated, giving memory back where that pays. */
void ram_zero(struct mem_ram *ram, uint32_t start, uint32_t count);
/* Puts the RAM's own pages back where host files were mapped over them. */
bool ram_restore(struct mem_ram *ram, uint32_t start, uint32_t count);
/* Window numbers are plentiful: neighbours may be given frames in advance. */
bool ram_plenty(const struct mem_ram *ram);
/* Promises pages; half of the window can be promised, so that a promise can always be kept. */
bool ram_charge(struct mem_ram *ram, uint64_t pages);
void ram_uncharge(struct mem_ram *ram, uint64_t pages);

static inline uint8_t *frame_bytes(const struct mem_ram *ram, uint32_t frame)
{
    return ram->base + ((uint64_t)frame << PAGE_SHIFT);
}

/* ---- Objects (object.c) -------------------------------------------------------------------- */

enum object_kind { OBJECT_ANONYMOUS, OBJECT_FILE, OBJECT_IMAGE, OBJECT_KINDS };

struct mapped { /* pages of an object where a host file lies over the RAM's own */
    uint32_t start, count;
    uint64_t offset; /* in the file */
};

struct unread { /* pages of an image that are read from the file when they are first looked at */
    uint32_t start, count;
    uint64_t offset, len; /* in the file; the last page need not be whole */
};

struct mem_object {
    struct mem_ram *ram;
    uint32_t id;
    uint32_t refs; /* 0: loaded, not yet asked for; the RAM owns it */
    enum object_kind kind;
    bool writable;  /* OBJECT_FILE: the host file sees writes */
    bool executed;  /* some view could execute its pages at some time */
    uint32_t frame; /* first of `pages` */
    uint32_t pages;
    uint64_t size;
    int fd;              /* OBJECT_FILE, or -1 */
    uint64_t offset;     /* in fd */
    char *path;          /* OBJECT_FILE loaded without its file */
    uint64_t *committed; /* one bit for each page of a reserved section; NULL: all are */
    VEC(struct mapped) mapped;
    int image_fd; /* OBJECT_IMAGE: of the file that pieces of it come from, or -1 */
    VEC(struct unread) later;
    uint64_t *unread;  /* one bit for each page of these still to be read; NULL: there is none */
    uint64_t *in_ram;  /* one bit for each page of these that the RAM's file has too; NULL: none */
    uint64_t *changed; /* one bit for each page that is not the file's; NULL: not yet known */
};

static inline bool object_committed(const struct mem_object *o, uint64_t page)
{
    return !o->committed || (o->committed[page / 64] >> (page % 64) & 1);
}
/* Makes the empty object of `pages` frames, charged, without any reference. */
ntstatus object_new(struct mem_ram *ram, enum object_kind kind, uint64_t size,
                    struct mem_object **out);
void object_destroy(struct mem_object *o);
/* Reads what is still to be read of the pages [page, page + count). */
void object_read(struct mem_object *o, uint64_t page, uint64_t count);
static inline bool object_unread(const struct mem_object *o, uint64_t page)
{
    return o->unread && o->unread[page / 64] >> (page % 64) & 1;
}
static inline void object_look(struct mem_object *o, uint64_t page)
{
    if (object_unread(o, page))
        object_read(o, page, 1);
}
/* Maps the object's file over its frames. */
ntstatus object_map_file(struct mem_object *o);

/* ---- Regions and pages --------------------------------------------------------------------- */

enum {
    PG_SET = 1, /* the entry counts; else the chunk's or the region's default */
    PG_COMMIT = 2,
    PG_RESIDENT = 4, /* the page's own frame may hold other than zeroes */
    PG_COPIED = 8,   /* of a view: replaced by a private copy */
    PG_SHARED = 16,  /* of an image view: writes go to all views */
    PG_DIRTY = 32,
};

struct page {
    uint32_t frame; /* the page's own, 0: none yet. Also set in entries that are not PG_SET */
    uint16_t protect;
    uint16_t flags;
};

struct chunk {          /* with PG_SET in flags: the default for entries that are not set */
    struct page *pages; /* CHUNK_PAGES, or NULL */
    uint16_t protect, flags;
    bool dirty; /* an entry may be PG_DIRTY */
};

struct leaf {
    struct chunk chunk[LEAF_PAGES / CHUNK_PAGES];
};

struct region {
    uint64_t start, end; /* page numbers, end exclusive */
    uint32_t type, alloc_protect, tag;
    uint16_t protect, flags;   /* default of its pages: flags is PG_COMMIT or 0 */
    struct mem_object *object; /* NULL: private */
    uint64_t object_page;      /* of `start` */
};

struct slot { /* beside the region pointer, so that searches stay in one array */
    uint64_t start, end;
    struct region *region;
};

struct notes { /* of one kind, not yet told to the observers */
    uint64_t start, end;
};

struct mem_space {
    struct mem_ram *ram;
    uint64_t lowest, highest;
    unsigned ptr_size;
    VEC(struct slot) slots;   /* sorted by start */
    struct region *last;      /* found last */
    struct leaf **leafs;      /* one for each GiB; most are NULL, and their pages untouched */
    VEC(uint32_t) made_leafs; /* those that are not, ascending */
    VEC(struct mem_observer) observers;
    struct notes invalid, code;
};

/* region.c */
struct region *region_find(struct mem_space *s, uint64_t vpn);
/* Index of the first slot that ends above vpn. */
size_t region_index(const struct mem_space *s, uint64_t vpn);
/* STATUS_CONFLICTING_ADDRESSES and so on; *base chosen when 0. Pages are bytes here. */
ntstatus region_place(struct mem_space *s, uint64_t *base, uint64_t *size,
                      const struct mem_place *place);
struct region *region_add(struct mem_space *s, uint64_t base, uint64_t size);
/* Forgets the pages of [start, end) inside r: frees r, or shortens or splits it when private. */
void region_cut(struct mem_space *s, struct region *r, uint64_t start, uint64_t end);
/* The frame of a view's page, with the page's bytes in it. */
uint32_t region_object_frame(const struct region *r, uint64_t vpn);
/* Rounds to pages: *start, *end are page numbers. False on size 0, overflow, above the highest. */
bool region_range(const struct mem_space *s, uint64_t base, uint64_t size, uint64_t *start,
                  uint64_t *end);

/* pages.c */
struct page page_state(const struct mem_space *s, const struct region *r, uint64_t vpn);
/* The entry itself, made when needed, PG_SET. */
struct page *page_entry(struct mem_space *s, const struct region *r, uint64_t vpn);
typedef void page_edit_fn(const struct region *r, struct page *p, uint32_t arg);
/* Applies fn to the states of all pages; where a whole chunk is alike, once. */
void pages_edit(struct mem_space *s, const struct region *r, uint64_t start, uint64_t end,
                page_edit_fn *fn, uint32_t arg);
/* End of the run of pages at vpn alike in the flags of `mask` (PG_COMMIT among them) and, when
 * committed, in protection; at most `limit`. */
uint64_t pages_run(const struct mem_space *s, const struct region *r, uint64_t vpn, uint64_t limit,
                   uint16_t mask, struct page *first);
uint64_t pages_committed(const struct mem_space *s, const struct region *r, uint64_t start,
                         uint64_t end);
void pages_decommit(struct mem_space *s, const struct region *r, uint64_t start, uint64_t end);
/* Frees the frames and the entries. */
void pages_forget(struct mem_space *s, uint64_t start, uint64_t end);
/* Gives *p, the entry of vpn, a frame of its own. */
bool page_back(struct mem_space *s, const struct region *r, uint64_t vpn, struct page *p);
/* Calls fn for each entry that is PG_SET, or has a frame, in [start, end), in order. */
typedef void page_visit_fn(void *ctx, struct chunk *c, struct page *p, uint64_t vpn);
void pages_visit(const struct mem_space *s, uint64_t start, uint64_t end, page_visit_fn *fn,
                 void *ctx);
void page_set_dirty(struct mem_space *s, uint64_t vpn, struct page *p);
void pages_destroy(struct mem_space *s);

/* access.c: replaces a view's page by a private copy */
bool page_copy(struct mem_space *s, const struct region *r, uint64_t vpn, struct page *p);

/* space.c: telling the observers. Adjacent ranges are put together until space_tell(). */
void space_note_invalid(struct mem_space *s, uint64_t start, uint64_t end);
void space_note_code(struct mem_space *s, uint64_t start, uint64_t end);
void space_tell(struct mem_space *s);

/* protect.c */
/* One valid protection with valid modifiers; view: copy-on-write ones too. */
bool protect_valid(uint32_t protect, bool view);
unsigned protect_access(uint32_t protect); /* MEM_W also for copy-on-write */
unsigned protect_rights(uint32_t protect); /* MEM_W without a copy only; 0 for guard pages */
static inline bool protect_copies(uint32_t protect)
{
    return protect & (PAGE_WRITECOPY | PAGE_EXECUTE_WRITECOPY);
}
uint32_t protect_after_copy(uint32_t protect);
/* Bits that are only advice, or only steer the call, are not kept. */
uint16_t protect_kept(uint32_t protect);
/* Whether pages of the region may get the protection. */
ntstatus protect_allowed(const struct region *r, uint32_t protect);
/* What a page really gets when `protect` is asked for. */
uint16_t protect_for_page(const struct region *r, uint16_t flags, uint32_t protect);

#endif
