/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef WIN_REACH_INTERNAL_H
#define WIN_REACH_INTERNAL_H
#include "pe/pe.h"

/* What the instructions of one function refer to. */
struct reach_sink {
    void *ctx;
    void (*call)(void *ctx, uint32_t rva);   /* code of the same image */
    void (*memory)(void *ctx, uint32_t rva); /* data: perhaps an IAT slot */
    /* True when another function is known to begin there, so that a jump to it leaves this one. */
    bool (*is_function)(void *ctx, uint32_t rva);
};

/*
 * Decodes the function at `rva`: on x86-64 what its unwind data covers, otherwise along its jumps.
 * Takes what it decodes off *budget and stops at 0.
 */
void reach_scan_function(const struct pe_image *img, uint32_t rva, const struct reach_sink *sink,
                         uint64_t *budget);
#endif
