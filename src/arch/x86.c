// SPDX-License-Identifier: GPL-2.0-or-later
#include "arch/x86.h"
#include <string.h>

static void set_segments(struct x86_state *st, unsigned ptr_size)
{
    st->cs = ptr_size == 4 ? X86_SEL_CODE32 : X86_SEL_CODE64;
    st->ss = st->ds = st->es = st->gs = X86_SEL_DATA;
    st->fs = X86_SEL_TEB32;
}

void x86_state_init(struct x86_state *st, unsigned ptr_size)
{
    const uint16_t fcw = 0x27f;
    const uint32_t mxcsr[2] = {0x1f80, 0xffff}; /* MXCSR and its mask */

    memset(st, 0, sizeof *st);
    st->rflags = X86_FLAG_IF | 2;
    st->dr[6] = 0xffff0ff0;
    st->dr[7] = 0x400;
    memcpy(st->fx + X86_FX_FCW, &fcw, sizeof fcw);
    memcpy(st->fx + X86_FX_MXCSR, mxcsr, sizeof mxcsr);
    set_segments(st, ptr_size);
}
