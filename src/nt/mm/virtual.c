// SPDX-License-Identifier: GPL-2.0-or-later
/* Private memory: allocate, free, protect, lock, flush. */
#include "nt/mm/internal.h"

/* ---- Allocating
 * --------------------------------------------------------------------------------------- */

struct alloc {
    uint64_t base, size;
    uint32_t type, protect;
    struct mem_place place;
};

static ntstatus check_alloc(struct nt_process *p, struct alloc *a)
{
    uint64_t last = mem_highest(p->mem);
    if (!(a->type & (MEM_COMMIT | MEM_RESERVE | MEM_RESET | MEM_RESET_UNDO)))
        return STATUS_INVALID_PARAMETER;
    if (a->size > last)
        return STATUS_WORKING_SET_LIMIT_RANGE;
    if (a->base && (a->base < MEM_GRANULARITY || a->base > last || a->size - 1 > last - a->base))
        return STATUS_INVALID_PARAMETER;
    return STATUS_SUCCESS;
}

static ntstatus reserve(struct nt_kernel *k, struct nt_process *p, struct alloc *a)
{
    a->place.top_down = a->type & MEM_TOP_DOWN;
    ntstatus s =
        mem_reserve(p->mem, &a->base, &a->size, a->protect, a->type & MEM_COMMIT, &a->place);
    if (!s && a->type & MEM_WRITE_WATCH)
        mm_mark_add(k, p, MM_WRITE_WATCH, a->base, a->size);
    return s;
}

/* MEM_RESET and its undoing only advise, whether or not there are pages; all must be of one
 * allocation. */
static ntstatus reset(struct nt_process *p, struct alloc *a)
{
    struct mem_info mi;
    uint64_t allocation = 0;
    bool committed = true;
    uint64_t end = align_up(a->base + a->size, MEM_PAGE);
    a->base = align_down(a->base, MEM_PAGE);
    a->size = end - a->base;
    for (uint64_t va = a->base; va < end; va = mi.base + mi.size) {
        if (mem_query(p->mem, va, &mi) || mi.state == MEM_FREE ||
            (allocation && allocation != mi.allocation_base))
            return STATUS_CONFLICTING_ADDRESSES;
        allocation = mi.allocation_base;
        committed &= mi.state == MEM_COMMIT;
    }
    return committed && a->type & MEM_RESET ? mem_reset(p->mem, a->base, a->size) : STATUS_SUCCESS;
}

static ntstatus allocate(struct nt_kernel *k, struct nt_process *p, struct alloc *a)
{
    ntstatus s = check_alloc(p, a);
    if (s)
        return s;
    if (mm_placeholder_type(a->type))
        return mm_placeholder_allocate(k, p, &a->base, &a->size, a->type, a->protect, &a->place);
    if (a->type & MEM_RESERVE || !a->base)
        return reserve(k, p, a);
    if (a->type & (MEM_RESET | MEM_RESET_UNDO))
        return reset(p, a);
    if (mm_mark_find(k, p, MM_PLACEHOLDER, a->base))
        return STATUS_CONFLICTING_ADDRESSES;
    return mem_commit(p->mem, &a->base, &a->size, a->protect);
}

static ntstatus allocate_for_guest(struct nt_call *c, uint64_t process, uint64_t base_ptr,
                                   uint64_t size_ptr, struct alloc *a)
{
    struct nt_process *p;
    uint64_t size = 0;
    if (!a->size)
        return STATUS_INVALID_PARAMETER;
    ntstatus s = mm_target(c, process, PROCESS_VM_OPERATION, &p);
    if (!s)
        s = allocate(c->k, p, a);
    if (s)
        return s;
    s = mm_put_range(c, base_ptr, size_ptr, a->base, a->size);
    if (s && a->type & MEM_RESERVE)
        mem_release(p->mem, &a->base, &size);
    return s;
}

ntstatus nt_allocate_virtual_memory(struct nt_call *c)
{
    const struct NtAllocateVirtualMemory_args *a = nt_args(c);
    const uint32_t known =
        MEM_COMMIT | MEM_RESERVE | MEM_TOP_DOWN | MEM_WRITE_WATCH | MEM_RESET | MEM_RESET_UNDO;
    struct alloc al = {.type = (uint32_t)a->AllocationType, .protect = (uint32_t)a->PageProtection};
    uint64_t highest;
    ntstatus s = mm_get_range(c, a->BaseAddress, a->RegionSize, &al.base, &al.size);
    if (s)
        return s;
    if (!al.size)
        return STATUS_INVALID_PARAMETER;
    s = mm_zero_bits(c->p, a->ZeroBits, STATUS_INVALID_PARAMETER_3, &highest);
    if (s)
        return s;
    if (al.type & MEM_LARGE_PAGES) /* nobody here holds the privilege */
        return STATUS_PRIVILEGE_NOT_HELD;
    if (al.type & ~known)
        return STATUS_INVALID_PARAMETER;
    al.place.highest = al.base ? 0 : highest;
    return allocate_for_guest(c, a->ProcessHandle, a->BaseAddress, a->RegionSize, &al);
}

ntstatus nt_allocate_virtual_memory_ex(struct nt_call *c)
{
    const struct NtAllocateVirtualMemoryEx_args *a = nt_args(c);
    const uint32_t known = MEM_COMMIT | MEM_RESERVE | MEM_TOP_DOWN | MEM_WRITE_WATCH | MEM_RESET |
                           MEM_RESERVE_PLACEHOLDER | MEM_REPLACE_PLACEHOLDER;
    struct alloc al = {.type = (uint32_t)a->AllocationType, .protect = (uint32_t)a->PageProtection};
    struct mm_extended ex;
    ntstatus s = mm_get_range(c, a->BaseAddress, a->RegionSize, &al.base, &al.size);
    if (!s)
        s = mm_extended_read(c, a->ExtendedParameters, (uint32_t)a->ExtendedParameterCount, &ex);
    if (s)
        return s;
    if (al.type & ~known || ex.attributes)
        return STATUS_INVALID_PARAMETER;
    if (al.base && (ex.place.align || ex.place.lowest || ex.place.highest))
        return STATUS_INVALID_PARAMETER;
    al.place = ex.place;
    return allocate_for_guest(c, a->ProcessHandle, a->BaseAddress, a->RegionSize, &al);
}

ntstatus nt_wow64_allocate_virtual_memory64(struct nt_call *c)
{
    const struct NtWow64AllocateVirtualMemory64_args *a = nt_args(c);
    struct alloc al = {.type = (uint32_t)a->AllocationType, .protect = (uint32_t)a->PageProtection};
    struct nt_process *p;
    ntstatus s = nt_get_u64(c, a->BaseAddress, &al.base);
    if (!s)
        s = nt_get_u64(c, a->RegionSize, &al.size);
    if (!s && !al.size)
        s = STATUS_INVALID_PARAMETER_4;
    if (!s)
        s = mm_zero_bits(c->p, a->ZeroBits, STATUS_INVALID_PARAMETER_3, &al.place.highest);
    if (!s)
        s = mm_target(c, a->ProcessHandle, PROCESS_VM_OPERATION, &p);
    if (s)
        return s;
    if (al.base > mem_highest(p->mem))
        return STATUS_CONFLICTING_ADDRESSES;
    if (al.base)
        al.place.highest = 0;
    s = allocate(c->k, p, &al);
    if (!s)
        s = nt_put_u64(c, a->BaseAddress, al.base);
    return s ? s : nt_put_u64(c, a->RegionSize, al.size);
}

/* ---- Freeing
 * -------------------------------------------------------------------------------------------- */

/* Wants of the region at base that hold for every way of freeing. */
static ntstatus check_free(struct nt_process *p, uint64_t base, uint64_t size, bool coalesce)
{
    struct mem_info mi;
    if (!base)
        return STATUS_INVALID_PARAMETER;
    if (mem_query(p->mem, base, &mi) || mi.state == MEM_FREE)
        return STATUS_MEMORY_NOT_ALLOCATED;
    if (mi.type != MEM_PRIVATE)
        return STATUS_INVALID_PARAMETER;
    if (!size && base != mi.allocation_base)
        return STATUS_FREE_VM_NOT_AT_BASE;
    if (size > mi.allocation_base + mi.region_size - base && !coalesce)
        return STATUS_UNABLE_TO_FREE_VM;
    return STATUS_SUCCESS;
}

static ntstatus release(struct nt_kernel *k, struct nt_process *p, uint64_t *base, uint64_t *size)
{
    ntstatus s = mem_release(p->mem, base, size);
    if (!s)
        mm_marks_forget(k, p, *base, *size);
    return s;
}

static ntstatus free_memory(struct nt_kernel *k, struct nt_process *p, uint64_t *base,
                            uint64_t *size, uint32_t type)
{
    bool whole = !*size;
    ntstatus s;
    if (*size > mem_highest(p->mem))
        return STATUS_INVALID_PARAMETER;
    if (*size)
        *size = align_up(*size + *base % MEM_PAGE, MEM_PAGE);
    *base = align_down(*base, MEM_PAGE);
    s = check_free(p, *base, *size, type & MEM_COALESCE_PLACEHOLDERS);
    if (s)
        return s;
    switch (type) {
    case MEM_DECOMMIT:
        s = mem_decommit(p->mem, base, size);
        if (whole) /* as Windows has it since 1709 */
            *size = 0;
        return s;
    case MEM_RELEASE:
        return release(k, p, base, size);
    case MEM_RELEASE | MEM_PRESERVE_PLACEHOLDER:
        return mm_placeholder_preserve(k, p, *base, *size);
    case MEM_RELEASE | MEM_COALESCE_PLACEHOLDERS:
        return mm_placeholder_coalesce(k, p, *base, *size);
    default:
        return STATUS_INVALID_PARAMETER_4;
    }
}

ntstatus nt_free_virtual_memory(struct nt_call *c)
{
    const struct NtFreeVirtualMemory_args *a = nt_args(c);
    struct nt_process *p;
    uint64_t base, size;
    ntstatus s = mm_get_range(c, a->BaseAddress, a->RegionSize, &base, &size);
    if (!s)
        s = mm_target(c, a->ProcessHandle, PROCESS_VM_OPERATION, &p);
    if (!s)
        s = free_memory(c->k, p, &base, &size, (uint32_t)a->FreeType);
    return s ? s : mm_put_range(c, a->BaseAddress, a->RegionSize, base, size);
}

/* ---- Protecting
 * ------------------------------------------------------------------------------------------ */

ntstatus nt_protect_virtual_memory(struct nt_call *c)
{
    const struct NtProtectVirtualMemory_args *a = nt_args(c);
    struct nt_process *p;
    uint64_t base, size;
    uint32_t old;
    ntstatus s = mm_get_range(c, a->BaseAddress, a->RegionSize, &base, &size);
    if (!s)
        s = nt_probe_write(c, a->OldProtection, sizeof old);
    if (!s)
        s = mm_target(c, a->ProcessHandle, PROCESS_VM_OPERATION, &p);
    if (!s)
        s = mem_protect(p->mem, &base, &size, (uint32_t)a->NewProtection, &old);
    if (s)
        return s;
    s = mm_put_range(c, a->BaseAddress, a->RegionSize, base, size);
    return s ? s : nt_put_u32(c, a->OldProtection, old);
}

/* ---- Locking and flushing
 * ---------------------------------------------------------------------------------- */

/* Nothing is ever paged out, so only the arguments can be wrong. */
static ntstatus check_committed(struct nt_call *c, uint64_t process, uint64_t base_ptr,
                                uint64_t size_ptr)
{
    struct nt_process *p;
    struct mem_info mi;
    uint64_t base, size;
    ntstatus s = mm_get_range(c, base_ptr, size_ptr, &base, &size);
    if (!s)
        s = mm_target(c, process, PROCESS_VM_OPERATION, &p);
    if (s)
        return s;
    uint64_t last = mem_highest(p->mem);
    if (!size || base > last || size - 1 > last - base)
        return STATUS_INVALID_PARAMETER;
    uint64_t end = align_up(base + size, MEM_PAGE);
    base = align_down(base, MEM_PAGE);
    for (uint64_t va = base; va < end; va = mi.base + mi.size)
        if (mem_query(p->mem, va, &mi) || mi.state != MEM_COMMIT ||
            mi.protect & (PAGE_NOACCESS | PAGE_GUARD))
            return STATUS_ACCESS_VIOLATION;
    return mm_put_range(c, base_ptr, size_ptr, base, end - base);
}

ntstatus nt_lock_virtual_memory(struct nt_call *c)
{
    const struct NtLockVirtualMemory_args *a = nt_args(c);
    return check_committed(c, a->ProcessHandle, a->BaseAddress, a->RegionSize);
}

ntstatus nt_unlock_virtual_memory(struct nt_call *c)
{
    const struct NtUnlockVirtualMemory_args *a = nt_args(c);
    return check_committed(c, a->ProcessHandle, a->BaseAddress, a->RegionSize);
}

ntstatus nt_flush_virtual_memory(struct nt_call *c)
{
    const struct NtFlushVirtualMemory_args *a = nt_args(c);
    struct nt_process *p;
    struct mem_info mi;
    uint64_t base, size;
    ntstatus s = mm_get_range(c, a->BaseAddress, a->RegionSize, &base, &size);
    if (!s)
        s = mm_target(c, a->ProcessHandle, PROCESS_VM_OPERATION, &p);
    if (s)
        return s;
    base = align_down(base, MEM_PAGE);
    if (mem_query(p->mem, base, &mi) || mi.state == MEM_FREE)
        return STATUS_NOT_MAPPED_VIEW;
    if (mi.type == MEM_PRIVATE)
        return STATUS_NOT_MAPPED_DATA;
    uint64_t rest = mi.allocation_base + mi.region_size - base;
    if (size > rest)
        return STATUS_INVALID_PARAMETER;
    /* A writable view's pages are the host file's own: others see them already. */
    s = mm_put_range(c, a->BaseAddress, a->RegionSize, base, size ? size : rest);
    return s || !a->IoStatus ? s : nt_put_iosb(c, a->IoStatus, STATUS_SUCCESS, 0);
}
