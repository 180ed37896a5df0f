// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Saving and loading. Layout of the space's part, for each region: its fields, the runs of pages
 * that differ from the region's default, the contents of its own pages that are not zero. What is
 * loaded may have been made by an enemy: every number is checked against what it must fit into.
 */
#include "mem/internal.h"
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#define SAVED_FLAGS (PG_COMMIT | PG_RESIDENT | PG_COPIED | PG_SHARED)

static bool all_zero(const uint8_t *p)
{
    uint64_t first;
    memcpy(&first, p, sizeof first);
    return !first && !memcmp(p, p + sizeof first, MEM_PAGE - sizeof first);
}

/* The number of the next page whose contents follow, plus 1; 0 ends the list. Must ascend from
 * `from` and stay below `end`. */
static bool next_index(struct ser *s, uint64_t from, uint64_t end, uint64_t *index)
{
    uint64_t mark = 0;
    SER(s, mark);
    if (s->failed || !mark)
        return false;
    *index = mark - 1;
    if (*index >= from && *index < end)
        return true;
    ser_fail(s, "snapshot: memory page %llu is out of order or outside its region",
             (unsigned long long)*index);
    return false;
}

static void put_page(struct ser *s, uint64_t index, uint8_t *bytes)
{
    uint64_t mark = index + 1;
    SER(s, mark);
    ser_raw(s, bytes, MEM_PAGE);
}

static void put_end(struct ser *s)
{
    uint64_t mark = 0;
    SER(s, mark);
}

/* ---- Objects ------------------------------------------------------------------------------- */

/* The host path of the file, from malloc; NULL when it has none any more. */
static char *file_path(const struct mem_object *o)
{
    struct stat st;
    char link[64], path[4096];
    if (o->fd < 0)
        return o->path ? xstrdup(o->path) : NULL;
    if (fstat(o->fd, &st) || !st.st_nlink)
        return NULL;
    snprintf(link, sizeof link, "/proc/self/fd/%d", o->fd);
    ssize_t n = readlink(link, path, sizeof path - 1);
    if (n <= 0 || path[0] != '/')
        return NULL;
    path[n] = 0;
    return xstrdup(path);
}

/* The first page from i on that may hold data. Reading a hole would give it memory. */
static uint64_t next_data(const struct mem_object *o, uint64_t i)
{
    uint64_t stop = o->pages;
    vec_foreach (m, &o->mapped) {
        if (i >= m->start && i < m->start + m->count)
            return i;
        if (m->start > i)
            stop = MIN(stop, m->start);
    }
    off_t at = lseek(o->ram->fd, (off_t)((o->frame + i) << PAGE_SHIFT), SEEK_DATA);
    if (at < 0)
        return stop;
    return MIN(stop, ((uint64_t)at >> PAGE_SHIFT) - o->frame);
}

static void save_contents(struct ser *s, struct mem_object *o)
{
    object_read(o, 0, o->pages);
    for (uint64_t i = next_data(o, 0); i < o->pages; i = next_data(o, i + 1)) {
        uint8_t *p = frame_bytes(o->ram, o->frame + (uint32_t)i);
        if (!all_zero(p))
            put_page(s, i, p);
        if (i + 1 == o->pages)
            break;
    }
    put_end(s);
}

static void load_contents(struct ser *s, struct mem_object *o)
{
    uint64_t index;
    for (uint64_t from = 0; next_index(s, from, o->pages, &index); from = index + 1)
        ser_raw(s, frame_bytes(o->ram, o->frame + (uint32_t)index), MEM_PAGE);
}

/* Reopens what a section showed. A file that could be written through must be there again; of one
 * that was only read the contents are in the snapshot. */
static void load_file(struct ser *s, struct mem_object *o)
{
    struct mem_ram *ram = o->ram;
    if (o->path && ram->open_file)
        o->fd = ram->open_file(ram->open_ctx, o->path, o->writable);
    if (o->fd >= 0 && object_map_file(o))
        ser_fail(s, "snapshot: cannot map %s, which a section of the guest shows", o->path);
    else if (o->path && o->fd < 0 && o->writable)
        ser_fail(s, "snapshot: cannot open %s, which a section of the guest writes to", o->path);
}

static void transfer_committed(struct ser *s, struct mem_object *o)
{
    bool reserved = o->committed != NULL;
    SER(s, reserved);
    if (!reserved || s->failed)
        return;
    size_t words = o->pages / 64u + 1;
    if (s->loading)
        o->committed = xcalloc(words, sizeof *o->committed);
    ser_raw(s, o->committed, words * sizeof *o->committed);
}

static void save_file(struct ser *s, struct mem_object *o)
{
    char *path = file_path(o);
    ser_text(s, &path);
    /* A file that writes go to is its own store, as long as it has a name. */
    if (path && o->writable)
        put_end(s);
    else
        save_contents(s, o);
    free(path);
}

static void transfer_object_body(struct ser *s, struct mem_object *o)
{
    SER(s, o->writable);
    SER(s, o->executed);
    SER(s, o->offset);
    transfer_committed(s, o);
    if (o->kind == OBJECT_FILE && !s->loading) {
        save_file(s, o);
        return;
    }
    if (o->kind == OBJECT_FILE) {
        ser_text(s, &o->path);
        if (o->offset % MEM_PAGE || o->offset > INT64_MAX)
            ser_fail(s, "snapshot: a section begins at %#llx in its file",
                     (unsigned long long)o->offset);
        if (!s->failed)
            load_file(s, o);
    }
    if (!s->loading)
        save_contents(s, o);
    else if (o->fd < 0)
        load_contents(s, o);
    else /* the file has them */
        for (uint64_t i, from = 0; next_index(s, from, o->pages, &i); from = i + 1) {
            uint8_t skipped[MEM_PAGE];
            ser_raw(s, skipped, sizeof skipped);
        }
}

static void load_object(struct ser *s, struct mem_ram *ram)
{
    uint32_t id = 0, kind = 0;
    uint64_t size = 0;
    SER(s, id);
    SER(s, kind);
    SER(s, size);
    if (s->failed)
        return;
    if (id < ram->next_id || id == UINT32_MAX || kind >= OBJECT_KINDS) {
        ser_fail(s, "snapshot: memory object %u of kind %u makes no sense", id, kind);
        return;
    }
    struct mem_object *o;
    ram->next_id = id;
    if (object_new(ram, (enum object_kind)kind, size, &o)) {
        ser_fail(s, "snapshot: no room for a memory object of %llu bytes",
                 (unsigned long long)size);
        return;
    }
    transfer_object_body(s, o);
}

static void save_object(struct ser *s, struct mem_object *o)
{
    uint32_t kind = o->kind;
    SER(s, o->id);
    SER(s, kind);
    SER(s, o->size);
    transfer_object_body(s, o);
}

void mem_ram_transfer(struct ser *s, struct mem_ram *ram)
{
    ser_tag(s, "MRAM");
    size_t n = ram->objects.len;
    uint32_t next_id = ram->next_id;
    if (s->loading && n)
        ser_fail(s, "snapshot: loading into memory that is in use already");
    ser_count(s, &n, UINT32_MAX);
    SER(s, next_id);
    for (size_t i = 0; i < n && !s->failed; i++) {
        if (s->loading)
            load_object(s, ram);
        else
            save_object(s, ram->objects.data[i]);
    }
    if (s->loading && !s->failed)
        ram->next_id = MAX(ram->next_id, next_id);
}

/* ---- The space ----------------------------------------------------------------------------- */

struct saved_run {        /* of pages that differ from the region's default */
    uint64_t page, count; /* from the region's start; count 0 ends the list */
    uint16_t protect, flags;
};

static void transfer_run(struct ser *s, struct saved_run *run)
{
    SER(s, run->count);
    if (!run->count)
        return;
    SER(s, run->page);
    SER(s, run->protect);
    SER(s, run->flags);
}

static void save_runs(struct ser *s, struct mem_space *space, struct region *r)
{
    for (uint64_t v = r->start, next; v < r->end; v = next) {
        struct page st;
        next = pages_run(space, r, v, r->end, SAVED_FLAGS, &st);
        uint16_t flags = st.flags & SAVED_FLAGS;
        if (flags == r->flags && (!(flags & PG_COMMIT) || st.protect == r->protect))
            continue;
        struct saved_run run = {v - r->start, next - v, st.protect, flags};
        transfer_run(s, &run);
    }
    transfer_run(s, &(struct saved_run){0});
}

static bool run_valid(const struct region *r, const struct saved_run *run)
{
    bool commit = run->flags & PG_COMMIT, resident = run->flags & PG_RESIDENT;
    if (!range_inside(run->page, run->count, r->end - r->start) || run->flags & ~SAVED_FLAGS)
        return false;
    if (commit && !protect_valid(run->protect, r->object != NULL))
        return false;
    if (!commit && (resident || !(r->flags & PG_COMMIT)))
        return false;
    if (r->object)
        return resident == !!(run->flags & PG_COPIED);
    return !(run->flags & (PG_COPIED | PG_SHARED));
}

/* A private region's promise follows the pages as they are loaded. */
static bool charge_run(struct mem_space *space, const struct region *r, const struct saved_run *run)
{
    bool was = r->flags & PG_COMMIT, is = run->flags & PG_COMMIT;
    if (r->object || was == is)
        return true;
    if (is)
        return ram_charge(space->ram, run->count);
    ram_uncharge(space->ram, run->count);
    return true;
}

static void edit_loaded(const struct region *r, struct page *p, uint32_t arg)
{
    p->flags = (uint16_t)(PG_SET | arg >> 16);
    p->protect = p->flags & PG_COMMIT ? (uint16_t)arg : r->protect;
}

static bool load_run(struct mem_space *space, struct region *r, const struct saved_run *run)
{
    uint64_t start = r->start + run->page, end = start + run->count;
    if (!charge_run(space, r, run))
        return false;
    uint16_t flags = run->flags & (uint16_t)~PG_RESIDENT;
    pages_edit(space, r, start, end, edit_loaded, run->protect | (uint32_t)flags << 16);
    for (uint64_t v = start; run->flags & PG_RESIDENT && v < end; v++) {
        struct page *p = page_entry(space, r, v);
        if (!page_back(space, r, v, p))
            return false;
        p->flags |= PG_RESIDENT;
    }
    return true;
}

static void load_runs(struct ser *s, struct mem_space *space, struct region *r)
{
    uint64_t from = 0;
    for (;;) {
        struct saved_run run = {0};
        transfer_run(s, &run);
        if (s->failed || !run.count)
            return;
        if (run.page < from || !run_valid(r, &run)) {
            ser_fail(s, "snapshot: pages %#llx to %#llx of the region at %#llx are not valid",
                     (unsigned long long)run.page, (unsigned long long)(run.page + run.count),
                     (unsigned long long)r->start << PAGE_SHIFT);
            return;
        }
        if (!load_run(space, r, &run)) {
            ser_fail(s, "snapshot: no room for the memory of the region at %#llx",
                     (unsigned long long)r->start << PAGE_SHIFT);
            return;
        }
        from = run.page + run.count;
    }
}

struct save_visit {
    struct ser *s;
    struct mem_space *space;
    const struct region *r;
};

static void visit_save(void *ctx, struct chunk *c, struct page *p, uint64_t vpn)
{
    const struct save_visit *v = ctx;
    (void)c;
    if (!(p->flags & PG_RESIDENT))
        return;
    uint8_t *bytes = frame_bytes(v->space->ram, p->frame);
    if (!all_zero(bytes))
        put_page(v->s, vpn - v->r->start, bytes);
}

static void load_pages(struct ser *s, struct mem_space *space, struct region *r)
{
    uint64_t index;
    for (uint64_t from = 0; next_index(s, from, r->end - r->start, &index); from = index + 1) {
        struct page st = page_state(space, r, r->start + index);
        if (!(st.flags & PG_RESIDENT)) {
            ser_fail(s, "snapshot: contents for page %#llx, which has none",
                     (unsigned long long)(r->start + index) << PAGE_SHIFT);
            return;
        }
        ser_raw(s, frame_bytes(space->ram, st.frame), MEM_PAGE);
    }
}

static void transfer_fields(struct ser *s, struct region *r, uint32_t *object_id)
{
    SER(s, r->start);
    SER(s, r->end);
    SER(s, r->type);
    SER(s, r->alloc_protect);
    SER(s, r->tag);
    SER(s, r->protect);
    SER(s, r->flags);
    SER(s, *object_id);
    SER(s, r->object_page);
}

static void save_region(struct ser *s, struct mem_space *space, struct region *r)
{
    uint32_t id = r->object ? r->object->id : 0;
    transfer_fields(s, r, &id);
    save_runs(s, space, r);
    struct save_visit v = {s, space, r};
    pages_visit(space, r->start, r->end, visit_save, &v);
    put_end(s);
}

static bool fields_valid(const struct mem_space *space, const struct region *r, uint64_t from)
{
    bool view = r->type == MEM_MAPPED || r->type == MEM_IMAGE;
    if (r->start < from || r->start >= r->end || r->end > (space->highest >> PAGE_SHIFT) + 1)
        return false;
    if ((view ? r->object == NULL : r->object || r->type != MEM_PRIVATE) ||
        (r->flags != PG_COMMIT && (view || r->flags)))
        return false;
    if (view && !range_inside(r->object_page, r->end - r->start, r->object->pages))
        return false;
    return protect_valid(r->protect, view) && protect_valid(r->alloc_protect, view);
}

static void load_region(struct ser *s, struct mem_space *space, uint64_t *from)
{
    struct region f = {0};
    uint32_t id = 0;
    transfer_fields(s, &f, &id);
    if (s->failed)
        return;
    f.object = id ? mem_object_find(space->ram, id) : NULL;
    bool ok = (!id || f.object) && fields_valid(space, &f, *from);
    if (ok && !f.object && f.flags & PG_COMMIT)
        ok = ram_charge(space->ram, f.end - f.start);
    if (!ok) {
        ser_fail(s, "snapshot: the memory region at %#llx is not valid",
                 (unsigned long long)f.start << PAGE_SHIFT);
        mem_object_unref(f.object);
        return;
    }
    *from = f.end;
    struct region *r = region_add(space, f.start << PAGE_SHIFT, (f.end - f.start) << PAGE_SHIFT);
    *r = f;
    load_runs(s, space, r);
    load_pages(s, space, r);
}

static void transfer_limits(struct ser *s, const struct mem_space *space)
{
    uint64_t lowest = space->lowest, highest = space->highest;
    uint32_t ptr_size = space->ptr_size;
    SER(s, lowest);
    SER(s, highest);
    SER(s, ptr_size);
    if (lowest != space->lowest || highest != space->highest || ptr_size != space->ptr_size)
        ser_fail(s,
                 "snapshot: an address space of %u-byte pointers up to %#llx, but %u and %#llx "
                 "are wanted here",
                 ptr_size, (unsigned long long)highest, space->ptr_size,
                 (unsigned long long)space->highest);
}

void mem_transfer(struct ser *s, struct mem_space *space)
{
    ser_tag(s, "MSPC");
    transfer_limits(s, space);
    size_t n = space->slots.len;
    if (s->loading && n)
        ser_fail(s, "snapshot: loading into an address space that is in use already");
    ser_count(s, &n, 1u << 24);
    uint64_t from = space->lowest >> PAGE_SHIFT;
    for (size_t i = 0; i < n && !s->failed; i++) {
        if (s->loading)
            load_region(s, space, &from);
        else
            save_region(s, space, space->slots.data[i].region);
    }
}
