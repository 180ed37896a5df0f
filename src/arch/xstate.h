/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef ARCH_XSTATE_H
#define ARCH_XSTATE_H
/*
 * The guest's XSTATE area: what follows a CONTEXT with CONTEXT_XSTATE, for AVX and AVX-512. It is
 * the XSAVE area without its legacy part: a header of 64 bytes (which components hold something),
 * then components at the places that the shared user data names. They are the same on every host.
 */
#include "arch/x86.h"
#include <stddef.h>

enum {
    X86_CTX_XSTATE = 0x40, /* in ContextFlags */
    /* CONTEXT_EX: three pairs of offset and length, All, Legacy and XState; after CONTEXT */
    X86_CTX_EX_SIZE32 = 24,
    X86_CTX_EX_SIZE64 = 32,
    X86_CTX_EX_XSTATE = 16, /* where the third pair is */
    X86_XSTATE_LEGACY = 512,
    X86_XSTATE_HEADER = 64,
    X86_XSTATE_MAX = 2176
};

/* Where component n (0..7) lies in the XSAVE area, and its size; 0 and 0 for unknown ones. */
void x86_xstate_component(unsigned n, uint32_t *offset, uint32_t *size);
/* Bytes of an XSTATE area that holds these components; 0 when there is nothing but x87 and SSE. */
size_t x86_xstate_size(uint64_t features);
/* Fills all x86_xstate_size(features) bytes. */
void x86_xstate_get(const struct x86_state *st, uint64_t features, uint8_t *area);
/* Takes over the components that lie inside `len` bytes; what the header leaves out becomes zero.
 */
void x86_xstate_set(struct x86_state *st, uint64_t features, const uint8_t *area, size_t len);
#endif
