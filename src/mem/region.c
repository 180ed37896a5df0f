// SPDX-License-Identifier: GPL-2.0-or-later
/* The sorted table of regions, and where new ones may lie. */
#include "mem/internal.h"

size_t region_index(const struct mem_space *s, uint64_t vpn)
{
    size_t lo = 0, hi = s->slots.len;
    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;
        if (s->slots.data[mid].end > vpn)
            hi = mid;
        else
            lo = mid + 1;
    }
    return lo;
}

struct region *region_find(struct mem_space *s, uint64_t vpn)
{
    struct region *r = s->last;
    if (r && vpn >= r->start && vpn < r->end)
        return r;
    size_t i = region_index(s, vpn);
    if (i == s->slots.len || s->slots.data[i].start > vpn)
        return NULL;
    return s->last = s->slots.data[i].region;
}

bool region_range(const struct mem_space *s, uint64_t base, uint64_t size, uint64_t *start,
                  uint64_t *end)
{
    if (!size || base > s->highest || size - 1 > s->highest - base)
        return false;
    *start = base >> PAGE_SHIFT;
    *end = ((base + size - 1) >> PAGE_SHIFT) + 1;
    return true;
}

/* Lowest multiple of `align` from `lo` on with `size` free bytes up to `hi`; 0 when there is none.
 */
static uint64_t hole_up(const struct mem_space *s, uint64_t size, uint64_t lo, uint64_t hi,
                        uint64_t align)
{
    uint64_t at = align_up(lo, align);
    for (size_t i = region_index(s, at >> PAGE_SHIFT); at >= lo; i++) {
        if (at > hi || size - 1 > hi - at)
            return 0;
        if (i == s->slots.len || at + size <= s->slots.data[i].start << PAGE_SHIFT)
            return at;
        at = align_up(s->slots.data[i].end << PAGE_SHIFT, align);
    }
    return 0;
}

static uint64_t hole_down(const struct mem_space *s, uint64_t size, uint64_t lo, uint64_t hi,
                          uint64_t align)
{
    uint64_t top = hi + 1; /* hi is far from the end of the 64-bit range: see mem_create */
    for (size_t i = region_index(s, hi >> PAGE_SHIFT);; i--) {
        if (i < s->slots.len)
            top = MIN(top, s->slots.data[i].start << PAGE_SHIFT);
        if (top < size)
            return 0;
        uint64_t at = align_down(top - size, align);
        if (at < lo)
            return 0;
        if (!i || at >= s->slots.data[i - 1].end << PAGE_SHIFT)
            return at;
    }
}

static ntstatus place_free(struct mem_space *s, uint64_t *base, uint64_t size,
                           const struct mem_place *pl, uint64_t align)
{
    uint64_t lo = MAX(s->lowest, pl->lowest);
    uint64_t hi = pl->highest ? MIN(s->highest, pl->highest) : s->highest;
    if (lo > hi)
        return STATUS_NO_MEMORY;
    uint64_t at =
        pl->top_down ? hole_down(s, size, lo, hi, align) : hole_up(s, size, lo, hi, align);
    if (!at)
        return STATUS_NO_MEMORY;
    *base = at;
    return STATUS_SUCCESS;
}

ntstatus region_place(struct mem_space *s, uint64_t *base, uint64_t *size,
                      const struct mem_place *place)
{
    static const struct mem_place anywhere;
    const struct mem_place *pl = place ? place : &anywhere;
    uint64_t align = pl->align ? pl->align : MEM_GRANULARITY;
    if (align < MEM_PAGE || (align & (align - 1)) || align > s->highest)
        return STATUS_INVALID_PARAMETER;
    if (!*size || *size > s->highest)
        return STATUS_INVALID_PARAMETER;
    if (!*base) {
        *size = align_up(*size, MEM_PAGE);
        return place_free(s, base, *size, pl, align);
    }
    uint64_t start, end, at = align_down(*base, align);
    if (at < s->lowest || *base - at > s->highest - *size)
        return STATUS_INVALID_PARAMETER;
    if (!region_range(s, at, *size + (*base - at), &start, &end))
        return STATUS_INVALID_PARAMETER;
    size_t i = region_index(s, start);
    if (i < s->slots.len && s->slots.data[i].start < end)
        return STATUS_CONFLICTING_ADDRESSES;
    *base = at;
    *size = (end - start) << PAGE_SHIFT;
    return STATUS_SUCCESS;
}

static void slot_insert(struct mem_space *s, struct region *r)
{
    size_t i = region_index(s, r->start);
    vec_insert(&s->slots, i, (struct slot){r->start, r->end, r});
}

struct region *region_add(struct mem_space *s, uint64_t base, uint64_t size)
{
    struct region *r = xcalloc(1, sizeof *r);
    r->start = base >> PAGE_SHIFT;
    r->end = r->start + (size >> PAGE_SHIFT);
    slot_insert(s, r);
    return r;
}

static void region_free(struct mem_space *s, size_t i)
{
    struct region *r = s->slots.data[i].region;
    if (s->last == r)
        s->last = NULL;
    mem_object_unref(r->object);
    free(r);
    vec_remove(&s->slots, i);
}

void region_cut(struct mem_space *s, struct region *r, uint64_t start, uint64_t end)
{
    if (!r->object)
        ram_uncharge(s->ram, pages_committed(s, r, start, end));
    pages_forget(s, start, end);
    size_t i = region_index(s, r->start);
    if (start == r->start && end == r->end) {
        region_free(s, i);
        return;
    }
    BUG_ON(r->object != NULL); /* views go as a whole */
    struct region tail = *r;
    if (start > r->start)
        s->slots.data[i].end = r->end = start;
    else /* the front went away: what stays begins later */
        s->slots.data[i].start = r->start = end;
    if (start > tail.start && end < tail.end) {
        struct region *t = xmemdup(&tail, sizeof tail);
        t->start = end;
        slot_insert(s, t);
    }
}

uint32_t region_object_frame(const struct region *r, uint64_t vpn)
{
    uint64_t page = r->object_page + (vpn - r->start);
    object_look(r->object, page);
    return r->object->frame + (uint32_t)page;
}
