// SPDX-License-Identifier: GPL-2.0-or-later
/* Which number stands for which service: read from the stubs of the guest's own DLLs. */
#include "base/hostio.h"
#include "base/vec.h"
#include "nt/call.h"
#include "nt/io/io.h"
#include "pe/scan.h"
#include "win/internal.h"

#include <unistd.h>

enum { NUMBER_MAX = 0x4000 };

static void take(struct nt_kernel *k, const struct pe_services *found)
{
    uint32_t count = k->service_count;
    vec_foreach (row, &found->rows)
        if (row->number < NUMBER_MAX && row->number >= count)
            count = row->number + 1;
    k->service_table = xrealloc(k->service_table, count * sizeof *k->service_table);
    for (uint32_t i = k->service_count; i < count; i++)
        k->service_table[i] = NULL;
    k->service_count = count;
    vec_foreach (row, &found->rows) {
        if (row->number < NUMBER_MAX && !k->service_table[row->number]) /* most have two names */
            k->service_table[row->number] = nt_service_find(row->name);
    }
}

static pgr_status scan_fd(struct nt_kernel *k, int fd, const char *name, struct pgr_error *e)
{
    struct host_map map;
    struct pe_image img;
    struct pe_services found = {0};
    pgr_status s = host_map_fd(&map, fd, name, e);
    if (s)
        return s;
    s = pe_open(&img, map.data, map.size, PE_FILE, name, e);
    if (!s)
        pe_scan_services(&found, &img);
    if (!s && !found.rows.len)
        s = err_set(e, PGR_E_FORMAT, "%s: no system-call stubs found in it; is it a real ntdll?",
                    name);
    if (!s)
        take(k, &found);
    pe_services_free(&found);
    host_map_close(&map);
    return s;
}

static pgr_status scan_system_dll(struct nt_kernel *k, const uint16_t *path, size_t len,
                                  const char *name, struct pgr_error *e)
{
    int fd;
    ntstatus s = nt_io_open_host(k, path, len, &fd, NULL, NULL);
    if (s)
        return err_set(e, PGR_E_NOT_FOUND, "the root has no %s", name);
    return scan_fd(k, fd, name, e);
}

pgr_status win_scan_services(struct nt_kernel *k, const struct nt_process *p, struct pgr_error *e)
{
    static const uint16_t path[] = u"C:\\windows\\system32\\ntdll.dll";
    return scan_system_dll(k, path, sizeof path / 2 - 1, "ntdll.dll", e);
}

bool win_scan_win32u(struct nt_kernel *k, const struct nt_process *p)
{
    static const uint16_t path[] = u"C:\\windows\\system32\\win32u.dll";
    return !scan_system_dll(k, path, sizeof path / 2 - 1, "win32u.dll", NULL);
}
