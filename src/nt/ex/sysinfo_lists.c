// SPDX-License-Identifier: GPL-2.0-or-later
/* Lists of processes with their threads, of handles, and of kernel modules. */
#include "mem/space.h"
#include "nt/ex/sysinfo.h"
#include "nt/structs.h"

#include <stdio.h>

#define FIELDS_SYSTEM_PROCESS_INFORMATION(F, S)                                                    \
    F(S, U32, NextEntryOffset, 1)                                                                  \
    F(S, U32, NumberOfThreads, 1)                                                                  \
    F(S, U64, WorkingSetPrivateSize, 1)                                                            \
    F(S, U32, HardFaultCount, 1)                                                                   \
    F(S, U32, NumberOfThreadsHighWatermark, 1)                                                     \
    F(S, U64, CycleTime, 1)                                                                        \
    F(S, U64, CreateTime, 1)                                                                       \
    F(S, U64, UserTime, 1)                                                                         \
    F(S, U64, KernelTime, 1)                                                                       \
    F(S, U16, NameLength, 1)                                                                       \
    F(S, U16, NameMaximumLength, 1)                                                                \
    F(S, PTR, NameBuffer, 1)                                                                       \
    F(S, U32, BasePriority, 1)                                                                     \
    F(S, PTR, UniqueProcessId, 1)                                                                  \
    F(S, PTR, InheritedFromUniqueProcessId, 1)                                                     \
    F(S, U32, HandleCount, 1)                                                                      \
    F(S, U32, SessionId, 1)                                                                        \
    F(S, PTR, UniqueProcessKey, 1)                                                                 \
    F(S, PTR, PeakVirtualSize, 1)                                                                  \
    F(S, PTR, VirtualSize, 1)                                                                      \
    F(S, U32, PageFaultCount, 1)                                                                   \
    F(S, PTR, PeakWorkingSetSize, 1)                                                               \
    F(S, PTR, WorkingSetSize, 1)                                                                   \
    F(S, PTR, QuotaPeakPagedPoolUsage, 1)                                                          \
    F(S, PTR, QuotaPagedPoolUsage, 1)                                                              \
    F(S, PTR, QuotaPeakNonPagedPoolUsage, 1)                                                       \
    F(S, PTR, QuotaNonPagedPoolUsage, 1)                                                           \
    F(S, PTR, PagefileUsage, 1)                                                                    \
    F(S, PTR, PeakPagefileUsage, 1) F(S, PTR, PrivatePageCount, 1) F(S, U64, IoCounters, 6)
LAYOUT_STRUCT(SYSTEM_PROCESS_INFORMATION);
LAYOUT_DEFINE(SYSTEM_PROCESS_INFORMATION);

#define FIELDS_SYSTEM_THREAD_INFORMATION(F, S)                                                     \
    F(S, U64, KernelTime, 1)                                                                       \
    F(S, U64, UserTime, 1)                                                                         \
    F(S, U64, CreateTime, 1)                                                                       \
    F(S, U32, WaitTime, 1)                                                                         \
    F(S, PTR, StartAddress, 1)                                                                     \
    F(S, PTR, UniqueProcess, 1)                                                                    \
    F(S, PTR, UniqueThread, 1)                                                                     \
    F(S, U32, Priority, 1)                                                                         \
    F(S, U32, BasePriority, 1)                                                                     \
    F(S, U32, ContextSwitches, 1) F(S, U32, ThreadState, 1) F(S, U32, WaitReason, 1)
LAYOUT_STRUCT(SYSTEM_THREAD_INFORMATION);
LAYOUT_DEFINE(SYSTEM_THREAD_INFORMATION);

/* What SystemExtendedProcessInformation adds to a thread. */
#define FIELDS_SYSTEM_THREAD_EXTENSION(F, S)                                                       \
    F(S, PTR, StackBase, 1)                                                                        \
    F(S, PTR, StackLimit, 1)                                                                       \
    F(S, PTR, Win32StartAddress, 1)                                                                \
    F(S, PTR, TebBase, 1)                                                                          \
    F(S, PTR, Reserved2, 1) F(S, PTR, Reserved3, 1) F(S, PTR, Reserved4, 1)
LAYOUT_STRUCT(SYSTEM_THREAD_EXTENSION);
LAYOUT_DEFINE(SYSTEM_THREAD_EXTENSION);

struct listing {
    struct nt_call *c;
    struct blob *b;
    bool extended;
    size_t last; /* where the process before began */
    bool any;
    struct nt_process *p;
    uint32_t threads;
};

static void put_thread(struct nt_kernel *k, struct nt_object *o, void *ctx)
{
    struct listing *l = ctx;
    struct nt_thread *t = (struct nt_thread *)o;
    if (t->process != l->p->o.id || t->state == NT_THREAD_ENDED)
        return;
    enum { StateReady = 1, StateRunning = 2, StateWait = 5, WrUserRequest = 6 };
    struct SYSTEM_THREAD_INFORMATION info = {
        .CreateTime = t->created,
        .StartAddress = t->start_address,
        .UniqueProcess = l->p->pid,
        .UniqueThread = t->tid,
        .Priority = (uint32_t)t->priority,
        .BasePriority = (uint32_t)t->base_priority,
        .ThreadState = t->state == NT_THREAD_READY     ? StateReady
                       : t->state == NT_THREAD_RUNNING ? StateRunning
                                                       : StateWait,
        .WaitReason = WrUserRequest,
    };
    blob_layout(l->b, &layout_SYSTEM_THREAD_INFORMATION, &info);
    if (l->extended) {
        struct SYSTEM_THREAD_EXTENSION more = {.StackBase = t->stack_base,
                                               .StackLimit = t->stack_limit,
                                               .Win32StartAddress = t->start_address,
                                               .TebBase = t->teb};
        blob_layout(l->b, &layout_SYSTEM_THREAD_EXTENSION, &more);
    }
    l->threads++;
}

/* The last component of the image's path. */
static const uint16_t *base_name(const struct nt_process *p, size_t *len)
{
    size_t from = p->image_path_len;
    while (from && p->image_path[from - 1] != '\\')
        from--;
    *len = p->image_path_len - from;
    return p->image_path + from;
}

static uint32_t count_handles(const struct nt_process *p)
{
    uint32_t n = 0;
    for (size_t i = 0; i < p->handles.len; i++)
        n += p->handles.data[i].object != 0;
    return n;
}

static void put_process(struct nt_kernel *k, struct nt_object *o, void *ctx)
{
    static const uint16_t nul = 0;
    struct listing *l = ctx;
    struct nt_process *p = (struct nt_process *)o;
    struct blob *b = l->b;
    struct mem_stats stats = {0};
    size_t name_len;
    if (p->ended)
        return;
    if (p->mem)
        mem_get_stats(p->mem, &stats);
    const uint16_t *name = base_name(p, &name_len);
    struct SYSTEM_PROCESS_INFORMATION info = {
        .WorkingSetPrivateSize = stats.resident,
        .CreateTime = p->created,
        .NameLength = (uint16_t)(name_len * 2),
        .NameMaximumLength = (uint16_t)(name_len * 2 + 2),
        .BasePriority = 8,
        .UniqueProcessId = p->pid,
        .InheritedFromUniqueProcessId = p->parent_pid,
        .HandleCount = count_handles(p),
        .SessionId = 1,
        .PeakVirtualSize = stats.reserved,
        .VirtualSize = stats.reserved,
        .PeakWorkingSetSize = stats.resident,
        .WorkingSetSize = stats.resident,
        .PagefileUsage = stats.committed,
        .PeakPagefileUsage = stats.committed,
        .PrivatePageCount = stats.committed,
    };
    blob_align(b, 8);
    size_t at = blob_put(b, NULL, layout_size(&layout_SYSTEM_PROCESS_INFORMATION, b->ptr_size));
    if (l->any)
        blob_patch_u32(b, l->last, (uint32_t)(at - l->last));
    l->any = true;
    l->last = at;
    l->p = p;
    l->threads = 0;
    nt_object_each(k, NT_TYPE_THREAD, put_thread, l);
    info.NumberOfThreads = info.NumberOfThreadsHighWatermark = l->threads;
    info.NameBuffer = b->va + blob_put(b, name, name_len * 2);
    blob_put(b, &nul, sizeof nul);
    layout_put(&layout_SYSTEM_PROCESS_INFORMATION, b->ptr_size, &info, b->b.data + at);
}

ntstatus sysinfo_processes(struct nt_call *c, struct blob *b)
{
    struct listing l = {.c = c, .b = b};
    nt_object_each(c->k, NT_TYPE_PROCESS, put_process, &l);
    return STATUS_SUCCESS;
}

ntstatus sysinfo_processes_extended(struct nt_call *c, struct blob *b)
{
    struct listing l = {.c = c, .b = b, .extended = true};
    nt_object_each(c->k, NT_TYPE_PROCESS, put_process, &l);
    return STATUS_SUCCESS;
}

/* ---- Handles
 * ------------------------------------------------------------------------------------------ */

struct handle_listing {
    struct blob *b;
    bool extended;
    uint32_t count;
};

/* Where the object would be in kernel memory: an address that tells objects apart. */
static uint64_t object_address(nt_id id, unsigned ptr_size)
{
    return ptr_size == 8 ? 0xffffa00000000000 + (uint64_t)id * 16 : 0x80000000u | id << 4;
}

static void put_handles(struct nt_kernel *k, struct nt_object *o, void *ctx)
{
    struct handle_listing *l = ctx;
    struct nt_process *p = (struct nt_process *)o;
    struct blob *b = l->b;
    for (size_t i = 0; i < p->handles.len; i++) {
        const struct nt_handle *h = &p->handles.data[i];
        struct nt_object *what = h->object ? nt_object_get(k, h->object, NT_TYPE_NONE) : NULL;
        if (!what)
            continue;
        uint64_t value = 4 * (i + 1), address = object_address(h->object, b->ptr_size);
        uint32_t attributes =
            (h->flags & NT_HANDLE_INHERIT ? 2 : 0) | (h->flags & NT_HANDLE_PROTECT ? 1 : 0);
        l->count++;
        if (l->extended) {
            uint16_t indexes[2] = {0, what->type};
            blob_ptr(b, address);
            blob_ptr(b, p->pid);
            blob_ptr(b, value);
            blob_u32(b, h->access);
            blob_put(b, indexes, sizeof indexes);
            blob_u32(b, attributes);
            blob_u32(b, 0);
        } else {
            uint8_t type[2] = {what->type, (uint8_t)attributes};
            uint16_t small = (uint16_t)value;
            blob_u32(b, p->pid);
            blob_put(b, type, sizeof type);
            blob_put(b, &small, sizeof small);
            blob_ptr(b, address);
            blob_u32(b, h->access);
            blob_align(b, b->ptr_size);
        }
    }
}

ntstatus sysinfo_handles(struct nt_call *c, struct blob *b)
{
    struct handle_listing l = {.b = b};
    size_t at = blob_u32(b, 0);
    blob_align(b, b->ptr_size);
    nt_object_each(c->k, NT_TYPE_PROCESS, put_handles, &l);
    blob_patch_u32(b, at, l.count);
    return STATUS_SUCCESS;
}

ntstatus sysinfo_handles_ex(struct nt_call *c, struct blob *b)
{
    struct handle_listing l = {.b = b, .extended = true};
    size_t at = blob_ptr(b, 0);
    blob_ptr(b, 0);
    nt_object_each(c->k, NT_TYPE_PROCESS, put_handles, &l);
    blob_patch_u32(b, at, l.count);
    return STATUS_SUCCESS;
}

/* ---- Kernel modules
 * ------------------------------------------------------------------------------------ */

#define FIELDS_RTL_PROCESS_MODULE_INFORMATION(F, S)                                                \
    F(S, PTR, Section, 1)                                                                          \
    F(S, PTR, MappedBase, 1)                                                                       \
    F(S, PTR, ImageBase, 1)                                                                        \
    F(S, U32, ImageSize, 1)                                                                        \
    F(S, U32, Flags, 1)                                                                            \
    F(S, U16, LoadOrderIndex, 1)                                                                   \
    F(S, U16, InitOrderIndex, 1)                                                                   \
    F(S, U16, LoadCount, 1)                                                                        \
    F(S, U16, OffsetToFileName, 1) F(S, U8, FullPathName, 128) F(S, U8, FullPathName2, 128)
LAYOUT_STRUCT(RTL_PROCESS_MODULE_INFORMATION);
LAYOUT_DEFINE(RTL_PROCESS_MODULE_INFORMATION);

static void put_module(struct blob *b)
{
    static const char path[] = "\\SystemRoot\\system32\\ntoskrnl.exe";
    struct RTL_PROCESS_MODULE_INFORMATION m = {
        .ImageBase = b->ptr_size == 8 ? 0xfffff80000000000 : 0x80400000,
        .ImageSize = 0x1046000,
        .LoadCount = 1,
        .OffsetToFileName = 21,
    };
    memcpy(m.FullPathName, path, sizeof path);
    blob_layout(b, &layout_RTL_PROCESS_MODULE_INFORMATION, &m);
}

ntstatus sysinfo_modules(struct nt_call *c, struct blob *b)
{
    blob_u32(b, 1);
    blob_align(b, b->ptr_size);
    put_module(b);
    return STATUS_SUCCESS;
}

ntstatus sysinfo_modules_ex(struct nt_call *c, struct blob *b)
{
    uint16_t next =
        (uint16_t)(b->ptr_size + layout_size(&layout_RTL_PROCESS_MODULE_INFORMATION, b->ptr_size) +
                   8 + b->ptr_size);
    blob_put(b, &next, sizeof next);
    blob_align(b, b->ptr_size);
    put_module(b);
    blob_u32(b, 0); /* checksum */
    blob_u32(b, 0); /* time stamp */
    blob_ptr(b, 0); /* default base */
    blob_put(b, NULL, 2);
    return STATUS_SUCCESS;
}

/* ---- The path of a process by its id
 * --------------------------------------------------------------------- */

#define FIELDS_SYSTEM_PROCESS_ID_INFORMATION(F, S)                                                 \
    F(S, PTR, ProcessId, 1)                                                                        \
    F(S, U16, Length, 1) F(S, U16, MaximumLength, 1) F(S, PTR, Buffer, 1)
LAYOUT_STRUCT(SYSTEM_PROCESS_ID_INFORMATION);
LAYOUT_DEFINE(SYSTEM_PROCESS_ID_INFORMATION);

struct search {
    uint64_t pid;
    struct nt_process *p;
};

static void match_pid(struct nt_kernel *k, struct nt_object *o, void *ctx)
{
    struct search *s = ctx;
    struct nt_process *p = (struct nt_process *)o;
    if (p->pid == s->pid)
        s->p = p;
}

ntstatus sysinfo_process_id(struct nt_call *c, uint64_t buffer, uint32_t length, uint64_t returned)
{
    const struct layout *l = &layout_SYSTEM_PROCESS_ID_INFORMATION;
    struct SYSTEM_PROCESS_ID_INFORMATION info;
    size_t size = layout_size(l, nt_ptr_size(c));
    ntstatus s = returned ? nt_put_u32(c, returned, (uint32_t)size) : STATUS_SUCCESS;
    if (s)
        return s;
    if (length < size)
        return STATUS_INFO_LENGTH_MISMATCH;
    s = nt_get(c, l, buffer, &info);
    if (s)
        return s;
    struct search found = {.pid = info.ProcessId};
    if (info.Length)
        return STATUS_INVALID_PARAMETER;
    nt_object_each(c->k, NT_TYPE_PROCESS, match_pid, &found);
    if (!found.p)
        return STATUS_INVALID_CID;
    size_t bytes = found.p->image_path_len * 2;
    if (bytes + 2 > info.MaximumLength) {
        info.MaximumLength = (uint16_t)(bytes + 2);
        s = nt_put(c, l, buffer, &info);
        return s ? s : STATUS_INFO_LENGTH_MISMATCH;
    }
    info.Length = (uint16_t)bytes;
    info.MaximumLength = (uint16_t)(bytes + 2);
    s = nt_write(c, info.Buffer, found.p->image_path, bytes);
    return s ? s : nt_put(c, l, buffer, &info);
}
