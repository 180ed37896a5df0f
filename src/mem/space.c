// SPDX-License-Identifier: GPL-2.0-or-later
/* The space itself: its life, its observers, its figures. */
#include "mem/internal.h"

pgr_status mem_create(const struct mem_config *cfg, struct mem_space **out, struct pgr_error *e)
{
    *out = NULL;
    if (cfg->ptr_size != 4 && cfg->ptr_size != 8)
        return err_set(e, PGR_E_ARGUMENT, "an address space with pointers of %u bytes: want 4 or 8",
                       cfg->ptr_size);
    uint64_t most = cfg->ptr_size == 4 ? UINT32_MAX : MAX_ADDRESS;
    if (cfg->lowest < MEM_PAGE || cfg->lowest % MEM_PAGE || cfg->highest > most ||
        cfg->highest <= cfg->lowest || (cfg->highest + 1) % MEM_PAGE)
        return err_set(
            e, PGR_E_ARGUMENT,
            "an address space from %#llx to %#llx: want whole pages above 0, up to %#llx",
            (unsigned long long)cfg->lowest, (unsigned long long)cfg->highest,
            (unsigned long long)most);
    struct mem_space *s = xcalloc(1, sizeof *s);
    s->ram = cfg->ram;
    s->lowest = cfg->lowest;
    s->highest = cfg->highest;
    s->ptr_size = cfg->ptr_size;
    s->leafs = xcalloc((size_t)(cfg->highest >> PAGE_SHIFT) / LEAF_PAGES + 1, sizeof *s->leafs);
    *out = s;
    return PGR_OK;
}

void mem_destroy(struct mem_space *s)
{
    if (!s)
        return;
    while (s->slots.len) {
        struct region *r = s->slots.data[s->slots.len - 1].region;
        region_cut(s, r, r->start, r->end);
    }
    pages_destroy(s);
    vec_free(&s->slots);
    vec_free(&s->observers);
    free(s);
}

unsigned mem_ptr_size(const struct mem_space *s)
{
    return s->ptr_size;
}

struct mem_ram *mem_space_ram(const struct mem_space *s)
{
    return s->ram;
}

uint64_t mem_highest(const struct mem_space *s)
{
    return s->highest;
}

void mem_observe(struct mem_space *s, const struct mem_observer *o)
{
    vec_push(&s->observers, *o);
}

void mem_unobserve(struct mem_space *s, void *ctx)
{
    for (size_t i = s->observers.len; i-- > 0;)
        if (s->observers.data[i].ctx == ctx)
            vec_remove(&s->observers, i);
}

static void tell_invalid(struct mem_space *s)
{
    struct notes n = s->invalid;
    s->invalid = (struct notes){0};
    if (n.start == n.end)
        return;
    vec_foreach (o, &s->observers)
        if (o->invalidate)
            o->invalidate(o->ctx, n.start << PAGE_SHIFT, (n.end - n.start) << PAGE_SHIFT);
}

static void tell_code(struct mem_space *s)
{
    struct notes n = s->code;
    s->code = (struct notes){0};
    if (n.start == n.end)
        return;
    vec_foreach (o, &s->observers)
        if (o->code_written)
            o->code_written(o->ctx, n.start, n.end - n.start);
}

static bool note_join(struct notes *n, uint64_t start, uint64_t end)
{
    if (n->start == n->end)
        *n = (struct notes){start, end};
    else if (start <= n->end && end >= n->start)
        *n = (struct notes){MIN(n->start, start), MAX(n->end, end)};
    else
        return false;
    return true;
}

void space_note_invalid(struct mem_space *s, uint64_t start, uint64_t end)
{
    if (note_join(&s->invalid, start, end))
        return;
    tell_invalid(s);
    s->invalid = (struct notes){start, end};
}

/* Bytes, unlike the above. */
void space_note_code(struct mem_space *s, uint64_t start, uint64_t end)
{
    if (note_join(&s->code, start, end))
        return;
    tell_code(s);
    s->code = (struct notes){start, end};
}

void space_tell(struct mem_space *s)
{
    tell_invalid(s);
    tell_code(s);
}

static void count_resident(void *ctx, struct chunk *c, struct page *p, uint64_t vpn)
{
    (void)c;
    (void)vpn;
    if (p->flags & PG_RESIDENT)
        *(uint64_t *)ctx += MEM_PAGE;
}

void mem_get_stats(const struct mem_space *s, struct mem_stats *out)
{
    *out = (struct mem_stats){.regions = s->slots.len};
    vec_foreach (slot, &s->slots) {
        out->reserved += (slot->end - slot->start) << PAGE_SHIFT;
        out->committed += pages_committed(s, slot->region, slot->start, slot->end) << PAGE_SHIFT;
        pages_visit(s, slot->start, slot->end, count_resident, &out->resident);
    }
}

void mem_mark_dirty(struct mem_space *s, uint64_t va)
{
    uint64_t vpn = va >> PAGE_SHIFT;
    struct region *r = region_find(s, vpn);
    if (r && page_state(s, r, vpn).flags & PG_COMMIT)
        page_set_dirty(s, vpn, page_entry(s, r, vpn));
}

struct dirty_visit {
    void (*fn)(void *ctx, uint64_t va); /* NULL: clear */
    void *ctx;
};

static void visit_dirty(void *ctx, struct chunk *c, struct page *p, uint64_t vpn)
{
    struct dirty_visit *d = ctx;
    if (!(p->flags & PG_DIRTY))
        return;
    if (d->fn) {
        d->fn(d->ctx, vpn << PAGE_SHIFT);
        return;
    }
    p->flags &= (uint16_t)~PG_DIRTY;
    c->dirty = false;
}

static void dirty_walk(struct mem_space *s, struct dirty_visit *d)
{
    const uint64_t chunks = LEAF_PAGES / CHUNK_PAGES;
    vec_foreach (i, &s->made_leafs)
        for (uint64_t k = 0; k < chunks; k++)
            if (s->leafs[*i]->chunk[k].dirty) {
                uint64_t first = (uint64_t)*i * LEAF_PAGES + k * CHUNK_PAGES;
                pages_visit(s, first, first + CHUNK_PAGES, visit_dirty, d);
            }
}

void mem_dirty_each(struct mem_space *s, void (*fn)(void *ctx, uint64_t va), void *ctx_arg)
{
    dirty_walk(s, &(struct dirty_visit){fn, ctx_arg});
}

void mem_dirty_clear(struct mem_space *s)
{
    dirty_walk(s, &(struct dirty_visit){0});
}
