// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Placeholders (VirtualAlloc2): reservations that hold an address range for something to be put
 * there later. A mark says that a reserved region is one; MM_REPLACED marks what took the place of
 * one and may become it again.
 */
#include "nt/mm/internal.h"

bool mm_placeholder_type(uint32_t type)
{
    return type & (MEM_RESERVE_PLACEHOLDER | MEM_REPLACE_PLACEHOLDER);
}

static ntstatus make_placeholder(struct nt_kernel *k, struct nt_process *p, uint64_t base,
                                 uint64_t size)
{
    struct mem_place place = {.align = MEM_PAGE};
    uint64_t at = base, len = size;
    ntstatus s = mem_reserve(p->mem, &at, &len, PAGE_NOACCESS, false, &place);
    if (!s)
        mm_mark_add(k, p, MM_PLACEHOLDER, base, size);
    return s;
}

static bool exactly(const struct mm_mark *m, uint64_t base, uint64_t size)
{
    return m && m->base == base && m->size == size;
}

/* Frees all of the range, which holds private regions only. */
static void clear_range(struct nt_kernel *k, struct nt_process *p, uint64_t base, uint64_t size)
{
    struct mem_info mi;
    uint64_t end = base + size;
    for (uint64_t va = base; va < end; va = mi.base + mi.size) {
        if (mem_query(p->mem, va, &mi))
            break;
        if (mi.state == MEM_FREE)
            continue;
        uint64_t at = va, len = MIN(mi.allocation_base + mi.region_size, end) - va;
        BUG_ON(mem_release(p->mem, &at, &len));
        mi.base = va;
        mi.size = len;
    }
    mm_marks_forget(k, p, base, size);
}

ntstatus mm_placeholder_allocate(struct nt_kernel *k, struct nt_process *p, uint64_t *base,
                                 uint64_t *size, uint32_t type, uint32_t protect,
                                 struct mem_place *place)
{
    if (!(type & MEM_RESERVE))
        return STATUS_INVALID_PARAMETER;
    if (type & MEM_RESERVE_PLACEHOLDER) {
        if (protect != PAGE_NOACCESS || type & (MEM_COMMIT | MEM_REPLACE_PLACEHOLDER))
            return STATUS_INVALID_PARAMETER;
        ntstatus s = mem_reserve(p->mem, base, size, protect, false, place);
        if (!s)
            mm_mark_add(k, p, MM_PLACEHOLDER, *base, *size);
        return s;
    }
    *size = align_up(*size + *base % MEM_PAGE, MEM_PAGE);
    *base = align_down(*base, MEM_PAGE);
    if (!exactly(mm_mark_find(k, p, MM_PLACEHOLDER, *base), *base, *size))
        return STATUS_CONFLICTING_ADDRESSES;
    clear_range(k, p, *base, *size);
    struct mem_place here = {.align = MEM_PAGE};
    ntstatus s = mem_reserve(p->mem, base, size, protect, type & MEM_COMMIT, &here);
    if (s) {
        make_placeholder(k, p, *base, *size);
        return s;
    }
    mm_mark_add(k, p, MM_REPLACED, *base, *size);
    if (type & MEM_WRITE_WATCH)
        mm_mark_add(k, p, MM_WRITE_WATCH, *base, *size);
    return STATUS_SUCCESS;
}

ntstatus mm_placeholder_preserve(struct nt_kernel *k, struct nt_process *p, uint64_t base,
                                 uint64_t size)
{
    struct mm_mark *replaced = mm_mark_find(k, p, MM_REPLACED, base);
    struct mm_mark *m = mm_mark_find(k, p, MM_PLACEHOLDER, base);
    if (!size)
        return STATUS_INVALID_PARAMETER_3;
    if (replaced) {
        if (!exactly(replaced, base, size))
            return STATUS_CONFLICTING_ADDRESSES;
        clear_range(k, p, base, size);
        return make_placeholder(k, p, base, size);
    }
    if (!m || exactly(m, base, size)) /* there is nothing to split off */
        return STATUS_CONFLICTING_ADDRESSES;
    uint64_t first = m->base, end = m->base + m->size;
    clear_range(k, p, first, end - first);
    ntstatus s = first < base ? make_placeholder(k, p, first, base - first) : STATUS_SUCCESS;
    if (!s)
        s = make_placeholder(k, p, base, size);
    if (!s && base + size < end)
        s = make_placeholder(k, p, base + size, end - base - size);
    return s;
}

ntstatus mm_placeholder_coalesce(struct nt_kernel *k, struct nt_process *p, uint64_t base,
                                 uint64_t size)
{
    uint64_t va = base, end = base + size;
    unsigned count = 0;
    if (!size)
        return STATUS_INVALID_PARAMETER_3;
    for (; va < end; count++) {
        const struct mm_mark *m = mm_mark_find(k, p, MM_PLACEHOLDER, va);
        if (!m || m->base != va)
            return STATUS_CONFLICTING_ADDRESSES;
        va += m->size;
    }
    if (va != end || count < 2)
        return STATUS_CONFLICTING_ADDRESSES;
    clear_range(k, p, base, size);
    return make_placeholder(k, p, base, size);
}
