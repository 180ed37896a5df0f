// SPDX-License-Identifier: GPL-2.0-or-later
/* Views of objects, and what is known about pages of the whole space. */
#include "mem/internal.h"

static ntstatus view_size(const struct mem_object *o, uint64_t offset, uint64_t *size)
{
    uint64_t all = (uint64_t)o->pages << PAGE_SHIFT;
    if (offset % MEM_PAGE)
        return STATUS_MAPPED_ALIGNMENT;
    if (offset >= all || *size > all - offset)
        return STATUS_INVALID_VIEW_SIZE;
    if (!*size)
        *size = align_up(o->size, MEM_PAGE) - offset;
    return STATUS_SUCCESS;
}

static ntstatus view_protect(const struct mem_object *o, uint32_t type, uint32_t protect)
{
    if (!protect_valid(protect, true))
        return STATUS_INVALID_PAGE_PROTECTION;
    bool writes = protect_access(protect) & MEM_W && !protect_copies(protect);
    if (type == MEM_MAPPED && o->kind == OBJECT_FILE && !o->writable && writes)
        return STATUS_SECTION_PROTECTION;
    return STATUS_SUCCESS;
}

ntstatus mem_map_view(struct mem_space *s, struct mem_object *o, uint64_t object_offset,
                      uint64_t *base, uint64_t *size, uint32_t type, uint32_t protect, uint32_t tag,
                      const struct mem_place *place)
{
    uint64_t at = *base, len = *size;
    if ((type != MEM_MAPPED && type != MEM_IMAGE) || o->ram != s->ram)
        return STATUS_INVALID_PARAMETER;
    ntstatus st = view_protect(o, type, protect);
    if (!st)
        st = view_size(o, object_offset, &len);
    uint64_t align = place && place->align ? place->align : MEM_GRANULARITY;
    if (!st && at & (align - 1))
        st = STATUS_MAPPED_ALIGNMENT;
    if (!st)
        st = region_place(s, &at, &len, place);
    if (st)
        return st;
    struct region *r = region_add(s, at, len);
    r->type = type;
    r->tag = tag;
    r->object = mem_object_ref(o);
    r->object_page = object_offset >> PAGE_SHIFT;
    r->alloc_protect = protect_kept(protect);
    r->protect = protect_for_page(r, 0, protect);
    r->flags = PG_COMMIT;
    if (protect_access(protect) & MEM_X)
        o->executed = true;
    *base = at;
    *size = len;
    return STATUS_SUCCESS;
}

static void edit_first_protect(const struct region *r, struct page *p, uint32_t protect)
{
    bool shared = protect_access(protect) & MEM_W && !protect_copies(protect);
    p->flags = (uint16_t)(shared ? p->flags | PG_SHARED : p->flags & ~PG_SHARED);
    p->protect = protect_for_page(r, p->flags, protect);
}

ntstatus mem_set_view_protect(struct mem_space *s, uint64_t va, uint64_t size, uint32_t protect)
{
    uint64_t start, end;
    if (!protect_valid(protect, true))
        return STATUS_INVALID_PAGE_PROTECTION;
    if (!region_range(s, va, size, &start, &end))
        return STATUS_INVALID_PARAMETER;
    struct region *r = region_find(s, start);
    if (!r || !r->object || end > r->end)
        return STATUS_NOT_MAPPED_VIEW;
    ntstatus st = view_protect(r->object, r->type, protect);
    if (st)
        return st;
    pages_edit(s, r, start, end, edit_first_protect, protect);
    if (protect_access(protect) & MEM_X)
        r->object->executed = true;
    space_note_invalid(s, start, end);
    space_tell(s);
    return STATUS_SUCCESS;
}

ntstatus mem_unmap_view(struct mem_space *s, uint64_t va_inside)
{
    struct region *r = va_inside > s->highest ? NULL : region_find(s, va_inside >> PAGE_SHIFT);
    if (!r || !r->object)
        return STATUS_NOT_MAPPED_VIEW;
    uint64_t start = r->start, end = r->end;
    /* Engines let go first: the object's pages may vanish with its last view. */
    space_note_invalid(s, start, end);
    space_tell(s);
    region_cut(s, r, start, end);
    return STATUS_SUCCESS;
}

static void query_free(const struct mem_space *s, uint64_t vpn, struct mem_info *out)
{
    size_t i = region_index(s, vpn);
    uint64_t end = i < s->slots.len ? s->slots.data[i].start : (s->highest >> PAGE_SHIFT) + 1;
    *out = (struct mem_info){.base = vpn << PAGE_SHIFT,
                             .size = (end - vpn) << PAGE_SHIFT,
                             .state = MEM_FREE,
                             .protect = PAGE_NOACCESS};
}

ntstatus mem_query(struct mem_space *s, uint64_t va, struct mem_info *out)
{
    if (va > s->highest)
        return STATUS_INVALID_PARAMETER;
    uint64_t vpn = va >> PAGE_SHIFT;
    struct region *r = region_find(s, vpn);
    if (!r) {
        query_free(s, vpn, out);
        return STATUS_SUCCESS;
    }
    struct page st;
    uint64_t end = pages_run(s, r, vpn, r->end, PG_COMMIT, &st);
    bool commit = st.flags & PG_COMMIT;
    *out = (struct mem_info){.base = vpn << PAGE_SHIFT,
                             .allocation_base = r->start << PAGE_SHIFT,
                             .size = (end - vpn) << PAGE_SHIFT,
                             .allocation_protect = r->alloc_protect,
                             .state = commit ? MEM_COMMIT : MEM_RESERVE,
                             .protect = commit ? st.protect : 0,
                             .type = r->type,
                             .tag = r->tag,
                             .region_size = (r->end - r->start) << PAGE_SHIFT};
    return STATUS_SUCCESS;
}

void mem_query_page(struct mem_space *s, uint64_t va, struct mem_page_info *out)
{
    *out = (struct mem_page_info){0};
    uint64_t vpn = va >> PAGE_SHIFT;
    struct region *r = va > s->highest ? NULL : region_find(s, vpn);
    if (!r)
        return;
    struct page st = page_state(s, r, vpn);
    if (!(st.flags & PG_COMMIT))
        return;
    out->protect = st.protect;
    out->copied = st.flags & PG_COPIED;
    out->shared = r->object && !out->copied;
    out->valid = out->shared || st.flags & PG_RESIDENT;
}
