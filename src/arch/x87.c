// SPDX-License-Identifier: GPL-2.0-or-later
#include "arch/x87.h"

#include <string.h>

enum { REGISTER = 10, TOP = 7, TOP_SHIFT = 11, TOP_MASK = 7 << TOP_SHIFT };

uint64_t x86_st0_get(const struct x86_state *st, unsigned size)
{
    long double value = 0;
    uint64_t bits = 0;
    memcpy(&value, st->fx + X86_FX_ST0, REGISTER);
    const float f = (float)value;
    const double d = (double)value;
    if (size == 4)
        memcpy(&bits, &f, sizeof f);
    else
        memcpy(&bits, &d, sizeof d);
    return bits;
}

void x86_st0_set(struct x86_state *st, uint64_t bits, unsigned size)
{
    float f;
    double d;
    uint16_t status;
    memcpy(&f, &bits, sizeof f);
    memcpy(&d, &bits, sizeof d);
    const long double value = size == 4 ? (long double)f : (long double)d;
    memcpy(st->fx + X86_FX_ST0, &value, REGISTER);
    memcpy(&status, st->fx + X86_FX_FSW, sizeof status);
    status = (uint16_t)((status & ~TOP_MASK) | TOP << TOP_SHIFT);
    memcpy(st->fx + X86_FX_FSW, &status, sizeof status);
    st->fx[X86_FX_FTW] = 1 << TOP;
}
