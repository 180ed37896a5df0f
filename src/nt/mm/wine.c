// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What Wine's modules ask of the memory manager and Windows' never do.
 *
 * Many of Wine's DLLs come in two halves: the PE file, and a Unix library that it reaches through
 * __wine_unix_call(handle, code, args). The PE half gets the handle at DLL_PROCESS_ATTACH with
 * NtQueryVirtualMemory(its own base, MemoryWineUnixFuncs); some (ws2_32) fail to load without one.
 * There is no Unix half here: every image gets its base address as the handle, and what is called
 * through it is answered where the call arrives.
 */
#include "base/utf.h"
#include "nt/mm/internal.h"

ntstatus mm_wine_query(struct nt_call *c, struct nt_process *p, uint64_t module, uint64_t buffer,
                       uint64_t length)
{
    struct nt_view v;
    if (length != sizeof(uint64_t))
        return STATUS_INFO_LENGTH_MISMATCH;
    if (p != c->p)
        return STATUS_INVALID_HANDLE;
    if (!nt_image_at(c->k, p, module, &v) || v.base != module)
        return STATUS_DLL_NOT_FOUND;
    return nt_put_u64(c, buffer, v.base);
}

size_t nt_wine_unixlib_name(struct nt_kernel *k, struct nt_process *p, uint64_t handle, char *out,
                            size_t size)
{
    struct nt_view v;
    if (!size || !nt_image_at(k, p, handle, &v) || v.base != handle)
        return 0;
    size_t from = v.path_len, len = 0;
    while (from && v.path[from - 1] != '\\')
        from--;
    char *name = utf16_to_utf8(v.path + from, v.path_len - from, NULL);
    char *dot = strrchr(name, '.');
    if (dot)
        *dot = 0;
    for (; name[len] && len < size - 1; len++)
        out[len] = name[len] >= 'A' && name[len] <= 'Z' ? (char)(name[len] + 32) : name[len];
    out[len] = 0;
    free(name);
    return len;
}
