// SPDX-License-Identifier: GPL-2.0-or-later
/* Reserve, commit, decommit, release, protect: what NtAllocateVirtualMemory and its kin do. */
#include "mem/internal.h"

ntstatus mem_reserve(struct mem_space *s, uint64_t *base, uint64_t *size, uint32_t protect,
                     bool commit, const struct mem_place *place)
{
    if (!protect_valid(protect, false))
        return STATUS_INVALID_PAGE_PROTECTION;
    uint64_t at = *base, len = *size;
    ntstatus st = region_place(s, &at, &len, place);
    if (st)
        return st;
    if (commit && !ram_charge(s->ram, len >> PAGE_SHIFT))
        return STATUS_COMMITMENT_LIMIT;
    struct region *r = region_add(s, at, len);
    r->type = MEM_PRIVATE;
    r->protect = protect_kept(protect);
    r->alloc_protect = r->protect;
    r->flags = commit ? PG_COMMIT : 0;
    *base = at;
    *size = len;
    return STATUS_SUCCESS;
}

static void edit_protect(const struct region *r, struct page *p, uint32_t protect)
{
    p->protect = protect_for_page(r, p->flags, protect);
}

static void edit_commit(const struct region *r, struct page *p, uint32_t protect)
{
    p->flags |= PG_COMMIT;
    p->protect = protect_for_page(r, p->flags, protect);
}

static void object_commit(struct mem_object *o, uint64_t first, uint64_t end)
{
    for (uint64_t i = first; i < end; i++)
        o->committed[i / 64] |= 1ull << (i % 64);
}

/* Changes what is committed already, and tells the engines. */
static void change_protect(struct mem_space *s, struct region *r, uint64_t start, uint64_t end,
                           uint32_t protect, page_edit_fn *fn)
{
    pages_edit(s, r, start, end, fn, protect);
    if (r->object && protect_access(protect) & MEM_X)
        r->object->executed = true;
    space_note_invalid(s, start, end);
    space_tell(s);
}

static ntstatus commit_view(struct mem_space *s, struct region *r, uint64_t start, uint64_t end,
                            uint32_t protect)
{
    struct mem_object *o = r->object;
    if (o->kind != OBJECT_ANONYMOUS)
        return STATUS_ALREADY_COMMITTED;
    ntstatus st = protect_allowed(r, protect);
    if (st)
        return st;
    if (o->committed)
        object_commit(o, r->object_page + (start - r->start), r->object_page + (end - r->start));
    change_protect(s, r, start, end, protect, edit_protect);
    return STATUS_SUCCESS;
}

static ntstatus commit_private(struct mem_space *s, struct region *r, uint64_t start, uint64_t end,
                               uint32_t protect)
{
    if (!protect_valid(protect, false))
        return STATUS_INVALID_PAGE_PROTECTION;
    uint64_t had = pages_committed(s, r, start, end);
    if (!ram_charge(s->ram, end - start - had))
        return STATUS_COMMITMENT_LIMIT;
    if (had)
        change_protect(s, r, start, end, protect, edit_commit);
    else
        pages_edit(s, r, start, end, edit_commit, protect);
    return STATUS_SUCCESS;
}

ntstatus mem_commit(struct mem_space *s, uint64_t *base, uint64_t *size, uint32_t protect)
{
    uint64_t start, end;
    if (!protect_valid(protect, true))
        return STATUS_INVALID_PAGE_PROTECTION;
    if (!region_range(s, *base, *size, &start, &end))
        return STATUS_INVALID_PARAMETER;
    struct region *r = region_find(s, start);
    if (!r || end > r->end)
        return STATUS_CONFLICTING_ADDRESSES;
    ntstatus st = r->object ? commit_view(s, r, start, end, protect)
                            : commit_private(s, r, start, end, protect);
    if (st)
        return st;
    *base = start << PAGE_SHIFT;
    *size = (end - start) << PAGE_SHIFT;
    return STATUS_SUCCESS;
}

/* The private region and pages that a free is about. Size 0: all of it, from its base only. */
static ntstatus free_range(struct mem_space *s, uint64_t base, uint64_t size, struct region **out,
                           uint64_t *start, uint64_t *end)
{
    struct region *r = base > s->highest ? NULL : region_find(s, base >> PAGE_SHIFT);
    if (!r)
        return STATUS_MEMORY_NOT_ALLOCATED;
    if (r->object)
        return STATUS_UNABLE_TO_DELETE_SECTION;
    *out = r;
    if (!size) {
        *start = r->start;
        *end = r->end;
        return base >> PAGE_SHIFT == r->start ? STATUS_SUCCESS : STATUS_FREE_VM_NOT_AT_BASE;
    }
    if (!region_range(s, base, size, start, end) || *end > r->end)
        return STATUS_UNABLE_TO_FREE_VM;
    return STATUS_SUCCESS;
}

/* Engines let go before the frames find other uses. */
static void tell_gone(struct mem_space *s, uint64_t start, uint64_t end)
{
    space_note_invalid(s, start, end);
    space_tell(s);
}

ntstatus mem_decommit(struct mem_space *s, uint64_t *base, uint64_t *size)
{
    struct region *r;
    uint64_t start, end;
    ntstatus st = free_range(s, *base, *size, &r, &start, &end);
    if (st)
        return st;
    uint64_t had = pages_committed(s, r, start, end);
    if (had) {
        tell_gone(s, start, end);
        ram_uncharge(s->ram, had);
        pages_decommit(s, r, start, end);
    }
    *base = start << PAGE_SHIFT;
    if (*size) /* stays 0 when all of the region was meant, as newer Windows has it */
        *size = (end - start) << PAGE_SHIFT;
    return STATUS_SUCCESS;
}

ntstatus mem_release(struct mem_space *s, uint64_t *base, uint64_t *size)
{
    struct region *r;
    uint64_t start, end;
    ntstatus st = free_range(s, *base, *size, &r, &start, &end);
    if (st)
        return st;
    tell_gone(s, start, end);
    region_cut(s, r, start, end);
    *base = start << PAGE_SHIFT;
    *size = (end - start) << PAGE_SHIFT;
    return STATUS_SUCCESS;
}

ntstatus mem_reset(struct mem_space *s, uint64_t base, uint64_t size)
{
    uint64_t start, end;
    if (!region_range(s, base, size, &start, &end))
        return STATUS_INVALID_PARAMETER;
    struct region *r = region_find(s, start);
    if (!r || end > r->end || pages_committed(s, r, start, end) != end - start)
        return STATUS_CONFLICTING_ADDRESSES;
    return STATUS_SUCCESS; /* keeping the contents is allowed, and deterministic */
}

ntstatus mem_protect(struct mem_space *s, uint64_t *base, uint64_t *size, uint32_t protect,
                     uint32_t *old)
{
    uint64_t start, end;
    if (!protect_valid(protect, true))
        return STATUS_INVALID_PAGE_PROTECTION;
    if (!region_range(s, *base, *size, &start, &end))
        return STATUS_INVALID_PARAMETER;
    struct region *r = region_find(s, start);
    if (!r || end > r->end)
        return STATUS_CONFLICTING_ADDRESSES;
    ntstatus st = protect_allowed(r, protect);
    if (st)
        return st;
    if (pages_committed(s, r, start, end) != end - start)
        return STATUS_NOT_COMMITTED;
    *old = page_state(s, r, start).protect;
    change_protect(s, r, start, end, protect, edit_protect);
    *base = start << PAGE_SHIFT;
    *size = (end - start) << PAGE_SHIFT;
    return STATUS_SUCCESS;
}
