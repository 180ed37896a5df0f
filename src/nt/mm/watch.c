// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Write watches: which pages of a MEM_WRITE_WATCH region were written since the last reset.
 *
 * Found out by comparing each page with a hash taken then, so that nothing is paid while the guest
 * runs. A write that leaves a page as it was is not seen.
 */
#include "nt/mm/internal.h"

enum { WRITE_WATCH_FLAG_RESET = 1 };

/* 0 for pages of zeroes, as they come; never 0 otherwise. */
static uint64_t hash_page(struct mem_space *m, uint64_t va)
{
    struct mem_page_info info;
    uint64_t words[MEM_PAGE / sizeof(uint64_t)], h = 0x9e3779b97f4a7c15u, any = 0;
    mem_query_page(m, va, &info);
    if (!info.valid || !mem_peek(m, va, words, sizeof words))
        return 0;
    for (size_t i = 0; i < ARRAY_LEN(words); i++) {
        any |= words[i];
        h = (h ^ words[i]) * 0xff51afd7ed558ccdu;
        h ^= h >> 32;
    }
    return any ? h | 1 : 0;
}

/* The watched region that holds all of the range, rounded to pages. */
static ntstatus find_watch(struct nt_call *c, uint64_t process, uint64_t *base, uint64_t *size,
                           struct nt_process **p, struct mm_mark **m)
{
    ntstatus s = mm_target(c, process, PROCESS_VM_OPERATION, p);
    if (s)
        return s;
    uint64_t last = mem_highest((*p)->mem);
    if (!*size || *base > last || *size - 1 > last - *base)
        return STATUS_INVALID_PARAMETER;
    uint64_t end = align_up(*base + *size, MEM_PAGE);
    *base = align_down(*base, MEM_PAGE);
    *size = end - *base;
    *m = mm_mark_find(c->k, *p, MM_WRITE_WATCH, *base);
    return *m && range_inside(*base - (*m)->base, *size, (*m)->size) ? STATUS_SUCCESS
                                                                     : STATUS_INVALID_PARAMETER;
}

ntstatus nt_get_write_watch(struct nt_call *c)
{
    const struct NtGetWriteWatch_args *a = nt_args(c);
    struct nt_process *p;
    struct mm_mark *m;
    uint64_t base = a->BaseAddress, size = a->RegionSize, max, found = 0;
    if (!a->EntriesInUserAddressArray || !a->Granularity)
        return STATUS_ACCESS_VIOLATION;
    ntstatus s = nt_get_ptr(c, a->EntriesInUserAddressArray, &max);
    if (s)
        return s;
    if (!max || !size || a->Flags & ~(uint64_t)WRITE_WATCH_FLAG_RESET)
        return STATUS_INVALID_PARAMETER;
    if (!a->UserAddressArray)
        return STATUS_ACCESS_VIOLATION;
    s = find_watch(c, a->ProcessHandle, &base, &size, &p, &m);
    for (uint64_t va = base; !s && va < base + size && found < max; va += MEM_PAGE) {
        uint64_t *then = &m->hashes[(va - m->base) / MEM_PAGE], now = hash_page(p->mem, va);
        if (now == *then)
            continue;
        s = nt_put_ptr(c, a->UserAddressArray + found++ * nt_ptr_size(c), va);
        if (a->Flags & WRITE_WATCH_FLAG_RESET)
            *then = now;
    }
    if (!s)
        s = nt_put_ptr(c, a->EntriesInUserAddressArray, found);
    return s ? s : nt_put_u32(c, a->Granularity, MEM_PAGE);
}

ntstatus nt_reset_write_watch(struct nt_call *c)
{
    const struct NtResetWriteWatch_args *a = nt_args(c);
    struct nt_process *p;
    struct mm_mark *m;
    uint64_t base = a->BaseAddress, size = a->RegionSize;
    ntstatus s = find_watch(c, a->ProcessHandle, &base, &size, &p, &m);
    for (uint64_t va = base; !s && va < base + size; va += MEM_PAGE)
        m->hashes[(va - m->base) / MEM_PAGE] = hash_page(p->mem, va);
    return s;
}
