// SPDX-License-Identifier: GPL-2.0-or-later
/* NtQueryVirtualMemory and NtSetInformationVirtualMemory. */
#include "nt/io/io.h"
#include "nt/mm/internal.h"
#include "nt/mm/structs.h"
#include "nt/structs.h"

enum memory_class { /* MEMORY_INFORMATION_CLASS */
                    MEMORY_BASIC,
                    MEMORY_WORKING_SET,
                    MEMORY_MAPPED_FILENAME,
                    MEMORY_REGION,
                    MEMORY_WORKING_SET_EX,
                    MEMORY_SHARED_COMMIT,
                    MEMORY_IMAGE,
                    MEMORY_REGION_EX
};

struct query {
    struct nt_process *p;
    uint64_t va, buffer, length, return_length;
};

static ntstatus returned(struct nt_call *c, const struct query *q, uint64_t size)
{
    return q->return_length ? nt_put_ptr(c, q->return_length, size) : STATUS_SUCCESS;
}

static ntstatus answer(struct nt_call *c, const struct query *q, const struct layout *l,
                       const void *host)
{
    ntstatus s = nt_put(c, l, q->buffer, host);
    return s ? s : returned(c, q, layout_size(l, nt_ptr_size(c)));
}

static ntstatus query_basic(struct nt_call *c, const struct query *q)
{
    struct mem_info mi;
    if (q->length < layout_size(&layout_MEMORY_BASIC_INFORMATION, nt_ptr_size(c)))
        return STATUS_INFO_LENGTH_MISMATCH;
    ntstatus s = mem_query(q->p->mem, q->va, &mi);
    if (s)
        return s;
    struct MEMORY_BASIC_INFORMATION b = {.BaseAddress = mi.base,
                                         .AllocationBase = mi.allocation_base,
                                         .AllocationProtect = mi.allocation_protect,
                                         .RegionSize = mi.size,
                                         .State = mi.state,
                                         .Protect = mi.protect,
                                         .Type = mi.type};
    return answer(c, q, &layout_MEMORY_BASIC_INFORMATION, &b);
}

static uint64_t committed_in(struct nt_process *p, const struct mem_info *of)
{
    struct mem_info mi;
    uint64_t sum = 0, end = of->allocation_base + of->region_size;
    for (uint64_t va = of->allocation_base; va < end && !mem_query(p->mem, va, &mi);
         va = mi.base + mi.size)
        sum += mi.state == MEM_COMMIT ? mi.size : 0;
    return sum;
}

static uint32_t region_type(struct nt_kernel *k, const struct mem_info *mi)
{
    enum { REGION_PRIVATE = 1, REGION_DATA_FILE = 2, REGION_IMAGE = 4, REGION_PAGEFILE = 8 };
    const struct nt_section *s = mm_section(k, mi->tag);
    if (mi->type == MEM_PRIVATE)
        return REGION_PRIVATE;
    if (mi->type == MEM_IMAGE)
        return REGION_IMAGE;
    return s && s->attributes & SEC_FILE ? REGION_DATA_FILE : REGION_PAGEFILE;
}

/* Callers may leave out the fields from CommitSize on. Only the newer class says what is there. */
static ntstatus query_region(struct nt_call *c, const struct query *q, bool with_type)
{
    struct mem_info mi;
    uint8_t guest[sizeof(struct MEMORY_REGION_INFORMATION)];
    uint64_t full = layout_size(&layout_MEMORY_REGION_INFORMATION, nt_ptr_size(c));
    if (q->length < full - 3ull * nt_ptr_size(c))
        return STATUS_INFO_LENGTH_MISMATCH;
    ntstatus s = mem_query(q->p->mem, q->va, &mi);
    if (s)
        return s;
    if (mi.state == MEM_FREE)
        return STATUS_INVALID_ADDRESS;
    struct MEMORY_REGION_INFORMATION r = {.AllocationBase = mi.allocation_base,
                                          .AllocationProtect = mi.allocation_protect,
                                          .RegionType = with_type ? region_type(c->k, &mi) : 0,
                                          .RegionSize = mi.region_size,
                                          .CommitSize = committed_in(q->p, &mi)};
    layout_put(&layout_MEMORY_REGION_INFORMATION, nt_ptr_size(c), &r, guest);
    uint64_t size = MIN(q->length, full);
    s = nt_write(c, q->buffer, guest, size);
    return s ? s : returned(c, q, size);
}

static uint64_t working_set_bits(const struct mem_page_info *pi)
{
    if (!pi->valid || pi->protect & (PAGE_GUARD | PAGE_NOACCESS))
        return pi->shared ? 1ull << 15 : 0;
    uint64_t bits = 1 | (uint64_t)(pi->protect & 0x7ff) << 4;
    return pi->shared ? bits | 1u << 1 | 1u << 15 : bits;
}

static ntstatus query_working_set(struct nt_call *c, const struct query *q)
{
    const struct layout *l = &layout_MEMORY_WORKING_SET_EX_INFORMATION;
    size_t each = layout_size(l, nt_ptr_size(c));
    if (q->length < each)
        return STATUS_INFO_LENGTH_MISMATCH;
    for (uint64_t at = 0; q->length - at >= each; at += each) {
        struct MEMORY_WORKING_SET_EX_INFORMATION w;
        struct mem_page_info pi;
        ntstatus s = nt_get(c, l, q->buffer + at, &w);
        if (s)
            return s;
        mem_query_page(q->p->mem, w.VirtualAddress, &pi);
        w.VirtualAttributes = working_set_bits(&pi);
        s = nt_put(c, l, q->buffer + at, &w);
        if (s)
            return s;
    }
    return returned(c, q, q->length);
}

/* "\??\C:\a" to "\Device\HarddiskVolume1\a". From malloc; *len in units. */
static uint16_t *device_path(const uint16_t *path, size_t path_len, size_t *len)
{
    static const char volume[] = "\\Device\\HarddiskVolume";
    uint16_t *out = xcalloc(path_len + sizeof volume + 3, sizeof *out);
    size_t n = 0, skip = 0;
    if (path_len >= 6 && path[5] == ':' && path[0] == '\\') {
        unsigned number = nt_io_volume_number((char)path[4]);
        for (const char *v = volume; *v; v++)
            out[n++] = (uint16_t)*v;
        if (number >= 10)
            out[n++] = (uint16_t)('0' + number / 10);
        out[n++] = (uint16_t)('0' + number % 10);
        skip = 6;
    }
    memcpy(out + n, path + skip, (path_len - skip) * sizeof *out);
    *len = n + path_len - skip;
    return out;
}

static ntstatus put_name(struct nt_call *c, const struct query *q, const uint16_t *name, size_t len)
{
    size_t head = layout_size(&layout_UNICODE_STRING, nt_ptr_size(c));
    uint64_t need = head + (len + 1) * sizeof *name;
    struct UNICODE_STRING us = {.Length = (uint16_t)(len * 2),
                                .MaximumLength = (uint16_t)(len * 2 + 2),
                                .Buffer = q->buffer + head};
    ntstatus s = returned(c, q, need);
    if (s)
        return s;
    if (q->length < head)
        return STATUS_INFO_LENGTH_MISMATCH;
    if (q->length < need)
        return STATUS_BUFFER_OVERFLOW;
    s = nt_put(c, &layout_UNICODE_STRING, q->buffer, &us);
    return s ? s : nt_write(c, us.Buffer, name, (len + 1) * sizeof *name);
}

static ntstatus query_filename(struct nt_call *c, const struct query *q)
{
    struct mem_info mi;
    size_t len;
    if (!q->buffer)
        return STATUS_ACCESS_VIOLATION;
    ntstatus s = mem_query(q->p->mem, q->va, &mi);
    if (s)
        return s;
    if (mi.state == MEM_FREE || mi.type == MEM_PRIVATE)
        return STATUS_INVALID_ADDRESS;
    const struct nt_section *sec = mm_section(c->k, mi.tag);
    if (!sec || !sec->path)
        return STATUS_FILE_INVALID;
    uint16_t *name = device_path(sec->path, sec->path_len, &len);
    s = len < 0x7fff ? put_name(c, q, name, len) : STATUS_NAME_TOO_LONG;
    free(name);
    return s;
}

static ntstatus query_image(struct nt_call *c, const struct query *q)
{
    struct mem_info mi;
    struct MEMORY_IMAGE_INFORMATION i = {0};
    if (q->length < layout_size(&layout_MEMORY_IMAGE_INFORMATION, nt_ptr_size(c)))
        return STATUS_INFO_LENGTH_MISMATCH;
    if (mem_query(q->p->mem, q->va, &mi) || mi.state == MEM_FREE)
        return STATUS_INVALID_ADDRESS;
    if (mi.type == MEM_IMAGE) {
        i.ImageBase = mi.allocation_base;
        i.SizeOfImage = mi.region_size;
        i.ImageFlags = 12 << 2; /* ImageSigningLevel: Windows */
    }
    return answer(c, q, &layout_MEMORY_IMAGE_INFORMATION, &i);
}

ntstatus nt_query_virtual_memory(struct nt_call *c)
{
    const struct NtQueryVirtualMemory_args *a = nt_args(c);
    struct query q = {.va = a->BaseAddress,
                      .buffer = a->MemoryInformation,
                      .length = a->MemoryInformationLength,
                      .return_length = a->ReturnLength};
    uint32_t class = (uint32_t)a->MemoryInformationClass;
    ntstatus s = mm_target(c, a->ProcessHandle, PROCESS_QUERY_INFORMATION, &q.p);
    if (s)
        return s;
    switch (class) {
    case MEMORY_BASIC:
        return query_basic(c, &q);
    case MEMORY_MAPPED_FILENAME:
        return query_filename(c, &q);
    case MEMORY_REGION:
    case MEMORY_REGION_EX:
        return query_region(c, &q, class == MEMORY_REGION_EX);
    case MEMORY_WORKING_SET_EX:
        return query_working_set(c, &q);
    case MEMORY_IMAGE:
        return query_image(c, &q);
    case MM_WINE_UNIX_FUNCS:
    case MM_WINE_UNIX_WOW64_FUNCS:
        return mm_wine_query(c, q.p, q.va, q.buffer, q.length);
    default:
        return nt_unknown_class(c, class);
    }
}

/* ---- Setting
 * ---------------------------------------------------------------------------------------------- */

static ntstatus check_ranges(struct nt_call *c, uint64_t va, uint64_t count)
{
    const struct layout *l = &layout_MEMORY_RANGE_ENTRY;
    for (uint64_t i = 0; i < count; i++) {
        struct MEMORY_RANGE_ENTRY r;
        ntstatus s = nt_get(c, l, va + i * layout_size(l, nt_ptr_size(c)), &r);
        if (s)
            return s;
        if (!r.NumberOfBytes)
            return STATUS_INVALID_PARAMETER_4;
    }
    return STATUS_SUCCESS;
}

/* All of them are advice: what may be wrong is what the arguments say. */
ntstatus nt_set_information_virtual_memory(struct nt_call *c)
{
    enum { VM_PREFETCH, VM_PAGE_PRIORITY, VM_CFG_CALL_TARGET };
    const struct NtSetInformationVirtualMemory_args *a = nt_args(c);
    struct nt_process *p;
    ntstatus s;
    switch (a->VmInformationClass) {
    case VM_PREFETCH:
    case VM_PAGE_PRIORITY:
        if (!a->VmInformation)
            return STATUS_INVALID_PARAMETER_5;
        if (a->VmInformationLength != sizeof(uint32_t))
            return STATUS_INVALID_PARAMETER_6;
        if (!a->NumberOfEntries)
            return STATUS_INVALID_PARAMETER_3;
        s = mm_target(c, a->ProcessHandle, 0, &p);
        return s ? s : check_ranges(c, a->VirtualAddresses, a->NumberOfEntries);
    case VM_CFG_CALL_TARGET: /* control-flow guard is not enforced: every target is valid */
        return STATUS_SUCCESS;
    default:
        return STATUS_INVALID_PARAMETER_2;
    }
}
