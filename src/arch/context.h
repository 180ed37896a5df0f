/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef ARCH_CONTEXT_H
#define ARCH_CONTEXT_H
/* The CONTEXT structure of winnt.h, for both bitnesses, to and from struct x86_state. */
#include "arch/x86.h"
#include <stddef.h>

enum { /* parts; in ContextFlags they come with the architecture's bit */
       X86_CTX_CONTROL = 0x01,
       X86_CTX_INTEGER = 0x02,
       X86_CTX_SEGMENTS = 0x04,
       X86_CTX_FLOAT = 0x08,
       X86_CTX_DEBUG = 0x10,
       X86_CTX_EXTENDED = 0x20, /* i386: the FXSAVE image */
       X86_CTX_FULL64 = 0x0b,
       X86_CTX_ALL = 0x3f,
       X86_CTX_I386 = 0x10000,
       X86_CTX_AMD64 = 0x100000,
       X86_CTX_SIZE32 = 0x2cc,
       X86_CTX_SIZE64 = 0x4d0
};

static inline size_t x86_context_size(unsigned ptr_size)
{
    return ptr_size == 4 ? X86_CTX_SIZE32 : X86_CTX_SIZE64;
}
/* ContextFlags of a CONTEXT image. */
uint32_t x86_context_flags(const uint8_t *ctx, unsigned ptr_size);
/* Writes the parts asked for; the rest of ctx stays. Sets ContextFlags to `parts` and the
 * architecture's bit. */
void x86_context_get(const struct x86_state *st, unsigned ptr_size, uint32_t parts, uint8_t *ctx);
/* Takes over the parts that ctx has by its ContextFlags. Values that user mode must not have are
 * put right, as NT does: flags, selectors, MXCSR. */
void x86_context_set(struct x86_state *st, unsigned ptr_size, const uint8_t *ctx);
#endif
