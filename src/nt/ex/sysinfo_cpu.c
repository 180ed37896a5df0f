// SPDX-License-Identifier: GPL-2.0-or-later
#include "nt/ex/sysinfo.h"

enum { MACHINE_I386 = 0x14c, MACHINE_AMD64 = 0x8664 };
enum { ARCHITECTURE_INTEL = 0, ARCHITECTURE_AMD64 = 9 };
enum {
    RelationProcessorCore,
    RelationNumaNode,
    RelationCache,
    RelationProcessorPackage,
    RelationGroup,
    RelationAll = 0xffff
};

static uint64_t affinity(const struct nt_call *c)
{
    uint32_t n = c->k->ex->cpu_count;
    return n >= 64 ? UINT64_MAX : (1ull << n) - 1;
}

static const struct cache {
    uint8_t level, associativity;
    uint16_t line;
    uint32_t size, type; /* 0: unified, 1: instructions, 2: data */
} caches[] = {{1, 8, 64, 32 << 10, 2},
              {1, 8, 64, 32 << 10, 1},
              {2, 4, 64, 256 << 10, 0},
              {3, 12, 64, 6 << 20, 0}};

ntstatus sysinfo_processor(struct nt_call *c, struct blob *b)
{
    uint16_t head[4] = {b->ptr_size == 8 ? ARCHITECTURE_AMD64 : ARCHITECTURE_INTEL, NT_CPU_FAMILY,
                        NT_CPU_REVISION, (uint16_t)c->k->ex->cpu_count};
    blob_put(b, head, sizeof head);
    blob_u32(b, 0x21193ffe); /* the feature bits of a processor with SSE2, NX and CMPXCHG16B */
    return STATUS_SUCCESS;
}

/* On 64-bit Windows this is about the processor that 32-bit programs see. */
ntstatus sysinfo_emulated_processor(struct nt_call *c, struct blob *b)
{
    uint16_t intel = ARCHITECTURE_INTEL;
    ntstatus s = sysinfo_processor(c, b);
    memcpy(b->b.data, &intel, sizeof intel);
    return s;
}

/* Idle, kernel, user, DPC and interrupt time, and a count, for each processor. All time that passes
 * is the guest's. */
ntstatus sysinfo_processor_performance(struct nt_call *c, struct blob *b)
{
    for (uint32_t i = 0; i < c->k->ex->cpu_count; i++) {
        blob_u64(b, 0);
        blob_u64(b, 0);
        blob_u64(b, nt_now(c->k));
        blob_u64(b, 0);
        blob_u64(b, 0);
        blob_u64(b, 0);
    }
    return STATUS_SUCCESS;
}

ntstatus sysinfo_idle(struct nt_call *c, struct blob *b)
{
    blob_put(b, NULL, 8u * c->k->ex->cpu_count);
    return STATUS_SUCCESS;
}

/* Libraries seed their random numbers with these counters. */
ntstatus sysinfo_interrupts(struct nt_call *c, struct blob *b)
{
    for (uint32_t i = 0; i < c->k->ex->cpu_count; i++) {
        uint8_t noise[24];
        nt_random_bytes(c->k, noise, sizeof noise);
        blob_put(b, noise, sizeof noise);
    }
    return STATUS_SUCCESS;
}

ntstatus sysinfo_features(struct nt_call *c, struct blob *b)
{
    blob_u64(b, 0x21193ffe);
    blob_put(b, NULL, 24);
    return STATUS_SUCCESS;
}

ntstatus sysinfo_brand(struct nt_call *c, struct blob *b)
{
    static const char brand[] = "Intel(R) Core(TM) processor";
    blob_put(b, brand, sizeof brand);
    return STATUS_SUCCESS;
}

/* ---- SYSTEM_LOGICAL_PROCESSOR_INFORMATION: mask, relation, 16 bytes of detail
 * --------------------- */

static size_t logical(struct blob *b, uint64_t mask, uint32_t relation)
{
    blob_ptr(b, mask);
    blob_u32(b, relation);
    blob_align(b, 8);
    return blob_put(b, NULL, 16);
}

static void put_cache(struct blob *b, size_t at, const struct cache *cache)
{
    b->b.data[at] = cache->level;
    b->b.data[at + 1] = cache->associativity;
    memcpy(b->b.data + at + 2, &cache->line, 2);
    blob_patch_u32(b, at + 4, cache->size);
    blob_patch_u32(b, at + 8, cache->type);
}

ntstatus sysinfo_logical(struct nt_call *c, struct blob *b)
{
    logical(b, affinity(c), RelationProcessorPackage);
    for (uint32_t i = 0; i < c->k->ex->cpu_count; i++) {
        logical(b, 1ull << i, RelationProcessorCore);
        for (size_t n = 0; n < ARRAY_LEN(caches); n++)
            put_cache(b, logical(b, 1ull << i, RelationCache), &caches[n]);
    }
    logical(b, affinity(c), RelationNumaNode);
    return STATUS_SUCCESS;
}

/* ---- The Ex form: relation, size, details of varying size
 * ------------------------------------------ */

static void group_affinity(struct blob *b, uint64_t mask)
{
    blob_ptr(b, mask);
    blob_put(b, NULL, 8); /* group and padding */
}

static size_t begin_ex(struct blob *b, uint32_t relation)
{
    size_t at = blob_u32(b, relation);
    blob_u32(b, 0);
    return at;
}

static void end_ex(struct blob *b, size_t at)
{
    blob_align(b, b->ptr_size);
    blob_patch_u32(b, at + 4, (uint32_t)(b->b.len - at));
}

static void ex_processor(struct blob *b, uint32_t relation, uint64_t mask)
{
    size_t at = begin_ex(b, relation);
    uint16_t groups = 1;
    blob_put(b, NULL, 22); /* flags, efficiency class, reserved */
    blob_put(b, &groups, sizeof groups);
    group_affinity(b, mask);
    end_ex(b, at);
}

static void ex_cache(struct blob *b, uint64_t mask, const struct cache *cache)
{
    size_t at = begin_ex(b, RelationCache);
    uint16_t groups = 1;
    size_t body = blob_put(b, NULL, 12);
    put_cache(b, body, cache);
    blob_put(b, NULL, 18);
    blob_put(b, &groups, sizeof groups);
    group_affinity(b, mask);
    end_ex(b, at);
}

static void ex_numa(struct blob *b, uint64_t mask)
{
    size_t at = begin_ex(b, RelationNumaNode);
    uint16_t groups = 1;
    blob_u32(b, 0);
    blob_put(b, NULL, 18);
    blob_put(b, &groups, sizeof groups);
    group_affinity(b, mask);
    end_ex(b, at);
}

static void ex_group(struct blob *b, uint64_t mask, uint32_t cpus)
{
    size_t at = begin_ex(b, RelationGroup);
    uint16_t counts[2] = {1, 1};
    blob_put(b, counts, sizeof counts);
    blob_put(b, NULL, 20);
    uint8_t processors[2] = {(uint8_t)cpus, (uint8_t)cpus};
    blob_put(b, processors, sizeof processors);
    blob_put(b, NULL, 38);
    blob_ptr(b, mask);
    end_ex(b, at);
}

ntstatus sysinfo_logical_ex(struct nt_call *c, const struct sysinfo_input *in, struct blob *b)
{
    uint32_t relation, n = c->k->ex->cpu_count;
    if (in->len < 4)
        return STATUS_INVALID_PARAMETER;
    ntstatus s = nt_get_u32(c, in->va, &relation);
    if (s)
        return s;
    if (relation > RelationGroup && relation != RelationAll)
        return STATUS_INVALID_PARAMETER;
    bool all = relation == RelationAll;
    for (uint32_t i = 0; i < n; i++) {
        if (all || relation == RelationProcessorCore)
            ex_processor(b, RelationProcessorCore, 1ull << i);
        for (size_t j = 0; j < ARRAY_LEN(caches) && (all || relation == RelationCache); j++)
            ex_cache(b, 1ull << i, &caches[j]);
    }
    if (all || relation == RelationNumaNode)
        ex_numa(b, affinity(c));
    if (all || relation == RelationProcessorPackage)
        ex_processor(b, RelationProcessorPackage, affinity(c));
    if (all || relation == RelationGroup)
        ex_group(b, affinity(c), n);
    return STATUS_SUCCESS;
}

/* The input's process handle, or 0. */
static ntstatus input_process(struct nt_call *c, const struct sysinfo_input *in,
                              struct nt_process **p)
{
    uint64_t handle;
    *p = NULL;
    if (in->len != nt_ptr_size(c))
        return STATUS_INVALID_PARAMETER;
    ntstatus s = nt_get_ptr(c, in->va, &handle);
    return s || !handle ? s : nt_handle_get(c, handle, NT_TYPE_PROCESS, 0, p);
}

/* SYSTEM_CPU_SET_INFORMATION, 32 bytes for each processor. */
ntstatus sysinfo_cpu_sets(struct nt_call *c, const struct sysinfo_input *in, struct blob *b)
{
    struct nt_process *p;
    ntstatus s = input_process(c, in, &p);
    if (s)
        return s;
    for (uint32_t i = 0; i < c->k->ex->cpu_count; i++) {
        blob_u32(b, 32);
        blob_u32(b, 0);         /* CpuSetInformation */
        blob_u32(b, 0x100 + i); /* id */
        uint8_t detail[8] = {0, 0, (uint8_t)i, (uint8_t)i};
        blob_put(b, detail, sizeof detail);
        blob_put(b, NULL, 12);
    }
    return STATUS_SUCCESS;
}

/* Machines that programs may be of, and how: bit 16 kernel mode, 17 user mode, 18 native, 19 the
 * asked process is one. Ends with nought. */
ntstatus sysinfo_architectures(struct nt_call *c, const struct sysinfo_input *in, struct blob *b)
{
    enum { KERNEL = 1 << 16, USER = 1 << 17, NATIVE = 1 << 18, PROCESS = 1 << 19 };
    struct nt_process *p;
    ntstatus s = input_process(c, in, &p);
    if (s)
        return s;
    uint32_t native = nt_ptr_size(c) == 8 ? MACHINE_AMD64 : MACHINE_I386;
    uint32_t mine = p ? p->ptr_size == 8 ? MACHINE_AMD64 : MACHINE_I386 : 0;
    blob_u32(b, native | KERNEL | USER | NATIVE | (mine == native ? PROCESS : 0));
    if (native == MACHINE_AMD64)
        blob_u32(b, MACHINE_I386 | USER | (mine == MACHINE_I386 ? PROCESS : 0));
    blob_u32(b, 0);
    return STATUS_SUCCESS;
}

ntstatus nt_get_current_processor_number(struct nt_call *c)
{
    return 0; /* the number is the status: every thread runs on the first */
}

ntstatus nt_get_current_processor_number_ex(struct nt_call *c)
{
    const struct NtGetCurrentProcessorNumberEx_args *a = nt_args(c);
    ntstatus s = a->ProcessorNumber ? nt_put_u32(c, a->ProcessorNumber, 0) : STATUS_SUCCESS;
    return s;
}
