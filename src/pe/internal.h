/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PE_INTERNAL_H
#define PE_INTERNAL_H
/* Shared between the files of pe/ only. */
#include "pe/pe.h"

/* Records the NTSTATUS, writes "name: sentence" and returns `status`. */
pgr_status pe_refuse(struct pe_image *img, struct pgr_error *e, ntstatus st, pgr_status status,
                     const char *fmt, ...) __attribute__((format(printf, 5, 6)));

/* foreign.c: what the file is when it is not MZ, or MZ without PE. */
pgr_status pe_refuse_not_mz(struct pe_image *img, struct pgr_error *e);
/* At least 4 bytes at `at` are readable. */
pgr_status pe_refuse_signature(struct pe_image *img, struct pgr_error *e, uint32_t at);

/* sections.c */
pgr_status pe_check_sections(struct pe_image *img, struct pgr_error *e);

/* True when n elements of `each` bytes starting at rva lie inside SizeOfImage. */
bool pe_rva_inside(const struct pe_image *img, uint32_t rva, uint64_t bytes);

static inline bool pe_damaged(struct pe_damage *d, const char *what, uint32_t rva)
{
    if (what && d && !d->what)
        *d = (struct pe_damage){what, rva};
    return false;
}
#endif
