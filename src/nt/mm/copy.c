// SPDX-License-Identifier: GPL-2.0-or-later
/* NtReadVirtualMemory and NtWriteVirtualMemory. */
#include "nt/mm/internal.h"

enum mm_copy_fault mm_copy(struct mem_space *to, uint64_t dst, struct mem_space *from, uint64_t src,
                           uint64_t len, uint64_t *done)
{
    uint8_t page[MEM_PAGE];
    *done = 0;
    while (*done < len) {
        /* No further than a page on either side, so that what was copied before a fault counts. */
        uint64_t s = src + *done, d = dst + *done, n = len - *done;
        n = MIN(n, MEM_PAGE - s % MEM_PAGE);
        n = MIN(n, MEM_PAGE - d % MEM_PAGE);
        if (mem_read(from, s, page, n))
            return MM_COPY_BAD_SOURCE;
        if (mem_write(to, d, page, n))
            return MM_COPY_BAD_TARGET;
        *done += n;
    }
    return MM_COPY_OK;
}

static ntstatus put_done(struct nt_call *c, uint64_t va, uint64_t done, ntstatus s)
{
    ntstatus put = va ? nt_put_ptr(c, va, done) : STATUS_SUCCESS;
    return put ? put : s;
}

static ntstatus read_memory(struct nt_call *c, uint64_t process, uint64_t base, uint64_t buffer,
                            uint64_t size, uint64_t *done)
{
    struct nt_process *p;
    *done = 0;
    if (size > mem_highest(c->mem) || nt_probe_write(c, buffer, size))
        return STATUS_ACCESS_VIOLATION;
    ntstatus s = mm_target(c, process, PROCESS_VM_READ, &p);
    if (s)
        return s;
    if (mm_copy(c->mem, buffer, p->mem, base, size, done) != MM_COPY_OK)
        return STATUS_PARTIAL_COPY;
    return STATUS_SUCCESS;
}

static ntstatus write_memory(struct nt_call *c, uint64_t process, uint64_t base, uint64_t buffer,
                             uint64_t size, uint64_t *done)
{
    struct nt_process *p;
    *done = 0;
    ntstatus s = mm_target(c, process, PROCESS_VM_WRITE, &p);
    if (s)
        return s;
    if (mm_copy(p->mem, base, c->mem, buffer, size, done) != MM_COPY_OK)
        return STATUS_PARTIAL_COPY;
    return STATUS_SUCCESS;
}

ntstatus nt_read_virtual_memory(struct nt_call *c)
{
    const struct NtReadVirtualMemory_args *a = nt_args(c);
    uint64_t done;
    ntstatus s =
        read_memory(c, a->ProcessHandle, a->BaseAddress, a->Buffer, a->NumberOfBytesToRead, &done);
    return put_done(c, a->NumberOfBytesRead, done, s);
}

ntstatus nt_read_virtual_memory_ex(struct nt_call *c)
{
    const struct NtReadVirtualMemoryEx_args *a = nt_args(c);
    uint64_t done;
    ntstatus s =
        read_memory(c, a->ProcessHandle, a->BaseAddress, a->Buffer, a->NumberOfBytesToRead, &done);
    return put_done(c, a->NumberOfBytesRead, done, s);
}

ntstatus nt_write_virtual_memory(struct nt_call *c)
{
    const struct NtWriteVirtualMemory_args *a = nt_args(c);
    uint64_t done;
    ntstatus s = write_memory(c, a->ProcessHandle, a->BaseAddress, a->Buffer,
                              a->NumberOfBytesToWrite, &done);
    return put_done(c, a->NumberOfBytesWritten, done, s);
}

ntstatus nt_wow64_read_virtual_memory64(struct nt_call *c)
{
    const struct NtWow64ReadVirtualMemory64_args *a = nt_args(c);
    uint64_t done;
    ntstatus s = read_memory(c, a->ProcessHandle, a->BaseAddress, a->Buffer,
                             MIN(a->NumberOfBytesToRead, INT32_MAX), &done);
    ntstatus put = a->NumberOfBytesRead ? nt_put_u64(c, a->NumberOfBytesRead, done) : 0;
    return put ? put : s;
}

ntstatus nt_wow64_write_virtual_memory64(struct nt_call *c)
{
    const struct NtWow64WriteVirtualMemory64_args *a = nt_args(c);
    uint64_t done;
    ntstatus s = write_memory(c, a->ProcessHandle, a->BaseAddress, a->Buffer,
                              MIN(a->NumberOfBytesToWrite, INT32_MAX), &done);
    ntstatus put = a->NumberOfBytesWritten ? nt_put_u64(c, a->NumberOfBytesWritten, done) : 0;
    return put ? put : s;
}
