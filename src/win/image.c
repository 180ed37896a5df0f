// SPDX-License-Identifier: GPL-2.0-or-later
/* Looking things up in images that are mapped. */
#include "nt/mm/mm.h"
#include "pe/pe.h"
#include "win/internal.h"

uint64_t win_export(struct nt_kernel *k, struct nt_process *p, uint64_t base, const char *name)
{
    struct pe_image img;
    struct pe_exports ex;
    struct pe_export x;
    size_t size;
    const uint8_t *bytes = nt_image_bytes(k, p, base, &size);
    if (!bytes || pe_open(&img, bytes, size, PE_MAPPED, "image", NULL) ||
        !pe_exports_open(&ex, &img) || !pe_export_by_name(&ex, name, &x) || x.forwarder)
        return 0;
    return base + x.rva;
}
