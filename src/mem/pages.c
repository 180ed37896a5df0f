// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Page entries: a table of leafs (1 GiB) of chunks (2 MiB) of pages, shared by all regions of the
 * space. What nobody set is the chunk's default, and without one the region's.
 */
#include "mem/internal.h"

/* How many neighbours of a view's page get frames when it is copied. */
#define COPY_GROUP 16u

static struct chunk *chunk_at(const struct mem_space *s, uint64_t vpn)
{
    struct leaf *l = s->leafs[vpn / LEAF_PAGES];
    return l ? &l->chunk[vpn / CHUNK_PAGES % (LEAF_PAGES / CHUNK_PAGES)] : NULL;
}

static void leaf_make(struct mem_space *s, uint32_t index)
{
    size_t at = s->made_leafs.len;
    while (at && s->made_leafs.data[at - 1] > index)
        at--;
    vec_insert(&s->made_leafs, at, index);
    s->leafs[index] = xcalloc(1, sizeof **s->leafs);
}

static struct chunk *chunk_make(struct mem_space *s, uint64_t vpn)
{
    if (!s->leafs[vpn / LEAF_PAGES])
        leaf_make(s, (uint32_t)(vpn / LEAF_PAGES));
    return chunk_at(s, vpn);
}

static uint64_t chunk_end(uint64_t vpn, uint64_t limit)
{
    return MIN((vpn | (CHUNK_PAGES - 1)) + 1, limit);
}

static uint64_t leaf_end(uint64_t vpn, uint64_t limit)
{
    return MIN((vpn | (LEAF_PAGES - 1)) + 1, limit);
}

static bool whole_chunk(uint64_t start, uint64_t end)
{
    return start % CHUNK_PAGES == 0 && end - start == CHUNK_PAGES;
}

static struct page default_state(const struct chunk *c, const struct region *r)
{
    if (c && c->flags & PG_SET)
        return (struct page){0, c->protect, c->flags};
    return (struct page){0, r->protect, r->flags | PG_SET};
}

struct page page_state(const struct mem_space *s, const struct region *r, uint64_t vpn)
{
    const struct chunk *c = chunk_at(s, vpn);
    const struct page *p = c && c->pages ? &c->pages[vpn % CHUNK_PAGES] : NULL;
    struct page st;
    if (p && p->flags & PG_SET) {
        st = *p;
    } else {
        st = default_state(c, r);
        st.frame = p ? p->frame : 0;
    }
    if (r->object && r->object->committed) {
        bool on = object_committed(r->object, r->object_page + (vpn - r->start));
        st.flags = (uint16_t)(on ? st.flags | PG_COMMIT : st.flags & ~PG_COMMIT);
    }
    return st;
}

struct page *page_entry(struct mem_space *s, const struct region *r, uint64_t vpn)
{
    struct chunk *c = chunk_make(s, vpn);
    if (!c->pages)
        c->pages = xcalloc(CHUNK_PAGES, sizeof *c->pages);
    struct page *p = &c->pages[vpn % CHUNK_PAGES];
    if (!(p->flags & PG_SET)) {
        struct page st = default_state(c, r);
        st.frame = p->frame;
        *p = st;
    }
    return p;
}

void pages_edit(struct mem_space *s, const struct region *r, uint64_t start, uint64_t end,
                page_edit_fn *fn, uint32_t arg)
{
    for (uint64_t v = start, next; v < end; v = next) {
        next = chunk_end(v, end);
        struct chunk *c = chunk_make(s, v);
        if (whole_chunk(v, next) && !c->pages) {
            struct page d = default_state(c, r);
            fn(r, &d, arg);
            c->protect = d.protect;
            c->flags = d.flags | PG_SET;
            continue;
        }
        for (; v < next; v++)
            fn(r, page_entry(s, r, v), arg);
    }
}

static bool alike(const struct page *a, const struct page *b, uint16_t mask)
{
    if ((a->flags ^ b->flags) & mask)
        return false;
    return !(a->flags & PG_COMMIT) || a->protect == b->protect;
}

/* The first of the chunk's pages from v to end that is not like *first. */
static uint64_t entries_run(const struct chunk *c, const struct page *unset,
                            const struct page *first, uint16_t mask, uint64_t v, uint64_t end)
{
    for (; v < end; v++) {
        const struct page *p = &c->pages[v % CHUNK_PAGES];
        if (!alike(p->flags & PG_SET ? p : unset, first, mask))
            break;
    }
    return v;
}

uint64_t pages_run(const struct mem_space *s, const struct region *r, uint64_t vpn, uint64_t limit,
                   uint16_t mask, struct page *first)
{
    *first = page_state(s, r, vpn);
    uint64_t v = vpn + 1;
    for (uint64_t next; v < limit; v = next) {
        const struct chunk *c = chunk_at(s, v);
        struct page st = default_state(c, r);
        next = c ? chunk_end(v, limit) : leaf_end(v, limit);
        if (r->object && r->object->committed) {
            next = v + 1;
            st = page_state(s, r, v);
        } else if (c && c->pages) {
            uint64_t end = entries_run(c, &st, first, mask, v, next);
            if (end < next)
                return end;
            continue;
        }
        if (!alike(&st, first, mask))
            break;
    }
    return v;
}

uint64_t pages_committed(const struct mem_space *s, const struct region *r, uint64_t start,
                         uint64_t end)
{
    uint64_t n = 0;
    for (uint64_t v = start, next; v < end; v = next) {
        struct page st;
        next = pages_run(s, r, v, end, PG_COMMIT, &st);
        if (st.flags & PG_COMMIT)
            n += next - v;
    }
    return n;
}

/* A run of consecutive frames being given up, and which of them may hold data. */
struct give {
    struct mem_ram *ram;
    uint32_t start, count, data_start, data_end;
};

static void give_flush(struct give *g)
{
    if (g->count && g->data_end) {
        ram_free(g->ram, g->start, g->data_start - g->start, true);
        ram_free(g->ram, g->data_start, g->data_end - g->data_start, false);
        ram_free(g->ram, g->data_end, g->start + g->count - g->data_end, true);
    } else {
        ram_free(g->ram, g->start, g->count, true);
    }
    g->count = g->data_end = 0;
}

static void give_add(struct give *g, const struct page *p)
{
    if (!p->frame)
        return;
    if (!g->count || g->start + g->count != p->frame) {
        give_flush(g);
        g->start = p->frame;
    }
    g->count++;
    if (p->flags & PG_RESIDENT) {
        if (!g->data_end)
            g->data_start = p->frame;
        g->data_end = p->frame + 1;
    }
}

/* Turns the chunk's default into entries, because part of the chunk changes hands. */
static void chunk_spread(struct chunk *c)
{
    if (!(c->flags & PG_SET))
        return;
    if (!c->pages)
        c->pages = xcalloc(CHUNK_PAGES, sizeof *c->pages);
    for (unsigned i = 0; i < CHUNK_PAGES; i++)
        if (!(c->pages[i].flags & PG_SET))
            c->pages[i] = (struct page){c->pages[i].frame, c->protect, c->flags};
    c->flags = 0;
}

static void chunk_forget(struct chunk *c, uint64_t start, uint64_t end, struct give *g)
{
    bool whole = whole_chunk(start, end);
    if (!whole)
        chunk_spread(c);
    for (uint64_t v = start; c->pages && v < end; v++) {
        give_add(g, &c->pages[v % CHUNK_PAGES]);
        c->pages[v % CHUNK_PAGES] = (struct page){0};
    }
    if (whole) {
        free(c->pages);
        *c = (struct chunk){0};
    }
}

void pages_forget(struct mem_space *s, uint64_t start, uint64_t end)
{
    struct give g = {.ram = s->ram};
    for (uint64_t v = start, next; v < end; v = next) {
        struct chunk *c = chunk_at(s, v);
        next = c ? chunk_end(v, end) : leaf_end(v, end);
        if (c)
            chunk_forget(c, v, next, &g);
    }
    give_flush(&g);
}

/* Zeroes what the entries' frames hold. The frames stay with their pages, for the next commit. */
static void discard(struct mem_space *s, struct chunk *c, uint64_t start, uint64_t end)
{
    uint32_t frame = 0, count = 0;
    for (uint64_t v = start; v < end; v++) {
        struct page *p = &c->pages[v % CHUNK_PAGES];
        if (!(p->flags & PG_RESIDENT))
            continue;
        p->flags = (uint16_t)((p->flags & ~PG_RESIDENT) | PG_DIRTY);
        c->dirty = true;
        if (count && frame + count == p->frame) {
            count++;
            continue;
        }
        if (count)
            ram_zero(s->ram, frame, count);
        frame = p->frame;
        count = 1;
    }
    if (count)
        ram_zero(s->ram, frame, count);
}

static void uncommit(const struct region *r, struct page *p, uint32_t arg)
{
    (void)arg;
    p->flags &= (uint16_t)~PG_COMMIT;
    p->protect = r->protect;
}

void pages_decommit(struct mem_space *s, const struct region *r, uint64_t start, uint64_t end)
{
    for (uint64_t v = start, next; v < end; v = next) {
        struct chunk *c = chunk_at(s, v);
        next = c ? chunk_end(v, end) : leaf_end(v, end);
        bool untouched = !c || (!c->pages && !(c->flags & PG_SET));
        if (untouched && !(r->flags & PG_COMMIT))
            continue;
        if (c && c->pages)
            discard(s, c, v, next);
        pages_edit(s, r, v, next, uncommit, 0);
    }
}

/* The pages around vpn of the same region and chunk that have no frame yet. */
static void frameless(const struct region *r, uint64_t vpn, const struct page *pages, uint64_t *lo,
                      uint64_t *hi)
{
    uint64_t group = r->object ? COPY_GROUP : CHUNK_PAGES;
    uint64_t first = MAX(r->start, vpn / group * group);
    uint64_t end = MIN(r->end, vpn / group * group + group);
    for (*lo = vpn; *lo > first && !pages[(*lo - 1) % CHUNK_PAGES].frame; --*lo)
        ;
    for (*hi = vpn + 1; *hi < end && !pages[*hi % CHUNK_PAGES].frame; ++*hi)
        ;
}

/* The frame after that of the page before vpn, to keep the host's bytes contiguous. */
static uint32_t frame_hint(const struct mem_space *s, const struct region *r, uint64_t vpn)
{
    if (vpn <= r->start)
        return 0;
    const struct chunk *c = chunk_at(s, vpn - 1);
    uint32_t before = c && c->pages ? c->pages[(vpn - 1) % CHUNK_PAGES].frame : 0;
    return before ? before + 1 : 0;
}

bool page_back(struct mem_space *s, const struct region *r, uint64_t vpn, struct page *p)
{
    if (p->frame)
        return true;
    struct page *pages = chunk_at(s, vpn)->pages;
    uint64_t lo = vpn, hi = vpn + 1;
    if (ram_plenty(s->ram))
        frameless(r, vpn, pages, &lo, &hi);
    uint32_t frame = ram_alloc(s->ram, (uint32_t)(hi - lo), frame_hint(s, r, lo));
    if (!frame && hi - lo > 1) {
        lo = vpn;
        hi = vpn + 1;
        frame = ram_alloc(s->ram, 1, 0);
    }
    if (!frame)
        return false;
    for (uint64_t v = lo; v < hi; v++)
        pages[v % CHUNK_PAGES].frame = frame++;
    return true;
}

void pages_visit(const struct mem_space *s, uint64_t start, uint64_t end, page_visit_fn *fn,
                 void *ctx)
{
    for (uint64_t v = start, next; v < end; v = next) {
        struct chunk *c = chunk_at(s, v);
        next = c ? chunk_end(v, end) : leaf_end(v, end);
        for (; c && c->pages && v < next; v++) {
            struct page *p = &c->pages[v % CHUNK_PAGES];
            if (p->flags & PG_SET || p->frame)
                fn(ctx, c, p, v);
        }
    }
}

void page_set_dirty(struct mem_space *s, uint64_t vpn, struct page *p)
{
    if (p->flags & PG_DIRTY)
        return;
    p->flags |= PG_DIRTY;
    chunk_at(s, vpn)->dirty = true;
}

void pages_destroy(struct mem_space *s)
{
    vec_foreach (i, &s->made_leafs) {
        for (size_t k = 0; k < LEAF_PAGES / CHUNK_PAGES; k++)
            free(s->leafs[*i]->chunk[k].pages);
        free(s->leafs[*i]);
    }
    vec_free(&s->made_leafs);
    free(s->leafs);
}
