// SPDX-License-Identifier: GPL-2.0-or-later
/* Arguments that several services share. */
#include "nt/mm/internal.h"
#include "nt/mm/structs.h"

ntstatus mm_target(struct nt_call *c, uint64_t handle, uint32_t access, struct nt_process **p)
{
    ntstatus s = nt_handle_get(c, handle, NT_TYPE_PROCESS, access, p);
    if (!s && (!(*p)->mem || (*p)->ended))
        s = STATUS_PROCESS_IS_TERMINATING;
    return s;
}

ntstatus mm_get_range(struct nt_call *c, uint64_t base_ptr, uint64_t size_ptr, uint64_t *base,
                      uint64_t *size)
{
    ntstatus s = nt_get_ptr(c, base_ptr, base);
    return s ? s : nt_get_ptr(c, size_ptr, size);
}

ntstatus mm_put_range(struct nt_call *c, uint64_t base_ptr, uint64_t size_ptr, uint64_t base,
                      uint64_t size)
{
    ntstatus s = nt_put_ptr(c, base_ptr, base);
    return s ? s : nt_put_ptr(c, size_ptr, size);
}

/*
 * Up to 21: that many of the upper bits of a 32-bit address are zero. From 32 on: a mask of which
 * only the highest bit counts, on 64-bit Windows.
 */
ntstatus mm_zero_bits(struct nt_process *p, uint64_t zero_bits, ntstatus bad, uint64_t *highest)
{
    *highest = 0;
    if (!zero_bits)
        return STATUS_SUCCESS;
    if (zero_bits < 32) {
        *highest = UINT32_MAX >> zero_bits;
        return zero_bits > 21 ? bad : STATUS_SUCCESS;
    }
    if (p->ptr_size == 4 || (zero_bits > 32 && zero_bits < MEM_GRANULARITY - 1))
        return bad;
    *highest = UINT64_MAX >> __builtin_clzll(zero_bits);
    return STATUS_SUCCESS;
}

enum { /* MEM_EXTENDED_PARAMETER_TYPE */
       PARAMETER_ADDRESS_REQUIREMENTS = 1,
       PARAMETER_NUMA_NODE,
       PARAMETER_PARTITION_HANDLE,
       PARAMETER_USER_PHYSICAL_HANDLE,
       PARAMETER_ATTRIBUTE_FLAGS,
       PARAMETER_IMAGE_MACHINE,
       PARAMETER_TYPES_MAX = 32
};

static ntstatus read_requirements(struct nt_call *c, uint64_t va, struct mem_place *place)
{
    struct MEM_ADDRESS_REQUIREMENTS r;
    uint64_t last = mem_highest(c->mem);
    ntstatus s = nt_get(c, &layout_MEM_ADDRESS_REQUIREMENTS, va, &r);
    if (s)
        return s;
    if (r.Alignment && (r.Alignment & (r.Alignment - 1) || r.Alignment < MEM_GRANULARITY))
        return STATUS_INVALID_PARAMETER;
    if (r.LowestStartingAddress &&
        (r.LowestStartingAddress >= last || r.LowestStartingAddress % MEM_GRANULARITY))
        return STATUS_INVALID_PARAMETER;
    if (r.HighestEndingAddress &&
        (r.HighestEndingAddress > last || r.HighestEndingAddress <= r.LowestStartingAddress ||
         (r.HighestEndingAddress + 1) % MEM_PAGE))
        return STATUS_INVALID_PARAMETER;
    *place = (struct mem_place){
        .lowest = r.LowestStartingAddress, .highest = r.HighestEndingAddress, .align = r.Alignment};
    return STATUS_SUCCESS;
}

static ntstatus read_parameter(struct nt_call *c, uint64_t type, uint64_t value,
                               struct mm_extended *out)
{
    switch (type) {
    case PARAMETER_ADDRESS_REQUIREMENTS:
        return read_requirements(c, value, &out->place);
    case PARAMETER_ATTRIBUTE_FLAGS:
        out->attributes = value;
        return STATUS_SUCCESS;
    case PARAMETER_IMAGE_MACHINE:
        out->machine = (uint16_t)value;
        return STATUS_SUCCESS;
    case PARAMETER_NUMA_NODE: /* there is one node, one partition */
    case PARAMETER_PARTITION_HANDLE:
    case PARAMETER_USER_PHYSICAL_HANDLE:
        return STATUS_SUCCESS;
    default:
        return STATUS_INVALID_PARAMETER;
    }
}

ntstatus mm_extended_read(struct nt_call *c, uint64_t parameters, uint32_t count,
                          struct mm_extended *out)
{
    uint32_t present = 0;
    *out = (struct mm_extended){0};
    if (count && !parameters)
        return STATUS_INVALID_PARAMETER;
    for (uint32_t i = 0; i < count; i++) {
        uint64_t row[2]; /* the type in the low 8 bits, and its value */
        ntstatus s = nt_read(c, parameters + i * sizeof row, row, sizeof row);
        if (s)
            return s;
        uint64_t type = row[0] & 0xff;
        if (type >= PARAMETER_TYPES_MAX || present >> type & 1)
            return STATUS_INVALID_PARAMETER;
        present |= 1u << type;
        s = read_parameter(c, type, row[1], out);
        if (s)
            return s;
    }
    return STATUS_SUCCESS;
}
