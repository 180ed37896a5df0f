/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef ARCH_X87_H
#define ARCH_X87_H
#include "arch/x86.h"

/* ST(0), where 32-bit functions return floating-point values, as the bits of a float (size 4) or
 * double. Setting makes it the only value on the x87 stack, as after a call. */
uint64_t x86_st0_get(const struct x86_state *st, unsigned size);
void x86_st0_set(struct x86_state *st, uint64_t bits, unsigned size);
#endif
