/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef ARCH_XSAVE_H
#define ARCH_XSAVE_H
/*
 * The host processor's XSAVE area, in its standard (not compacted) form, to and from a guest
 * thread's registers. For engines whose guest runs on the host's own processor.
 */
#include "arch/x86.h"
#include <stddef.h>

struct x86_xsave {
    uint64_t
        mask; /* components that the host has enabled and x86_state can hold; x87 and SSE always */
    uint32_t size; /* of an area with these; at most X86_XSAVE_MAX; areas are aligned to 64 bytes */
    uint32_t at[8]; /* where each component begins, by number; 0: the host has it not */
};
enum { X86_XSAVE_MAX = 4096, X86_XSAVE_HEADER = 512 };

/* Asks the processor that runs this. */
void x86_xsave_probe(struct x86_xsave *x);
/* Fills st->fx and st->ext from an area of x->size bytes. */
void x86_xsave_get(const struct x86_xsave *x, const uint8_t *area, struct x86_state *st);
/* Fills the area (all x->size bytes); reserved bits that would make XRSTOR fault are left out. */
void x86_xsave_put(const struct x86_xsave *x, uint8_t *area, const struct x86_state *st);
#endif
