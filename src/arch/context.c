// SPDX-License-Identifier: GPL-2.0-or-later
#include "arch/context.h"

#include <string.h>

enum { /* offsets in the amd64 CONTEXT */
       C64_FLAGS = 0x30,
       C64_MXCSR = 0x34,
       C64_CS = 0x38,
       C64_DS = 0x3a,
       C64_ES = 0x3c,
       C64_FS = 0x3e,
       C64_GS = 0x40,
       C64_SS = 0x42,
       C64_EFLAGS = 0x44,
       C64_DR = 0x48,
       C64_RAX = 0x78,
       C64_RIP = 0xf8,
       C64_FLTSAVE = 0x100,
       /* i386 */
       C32_FLAGS = 0x00,
       C32_DR = 0x04,
       C32_FLOAT = 0x1c,
       C32_GS = 0x8c,
       C32_FS = 0x90,
       C32_ES = 0x94,
       C32_DS = 0x98,
       C32_EBP = 0xb4,
       C32_EIP = 0xb8,
       C32_CS = 0xbc,
       C32_EFLAGS = 0xc0,
       C32_ESP = 0xc4,
       C32_SS = 0xc8,
       C32_EXTENDED = 0xcc
};

static const uint8_t gpr32[][2] = {
    {0x9c, X86_RDI}, {0xa0, X86_RSI}, {0xa4, X86_RBX},
    {0xa8, X86_RDX}, {0xac, X86_RCX}, {0xb0, X86_RAX},
};
static const uint8_t dr_index[] = {0, 1, 2, 3, 6, 7};

static void put16(uint8_t *p, uint16_t v)
{
    memcpy(p, &v, sizeof v);
}
static void put32(uint8_t *p, uint64_t v)
{
    uint32_t w = (uint32_t)v;
    memcpy(p, &w, sizeof w);
}
static void put64(uint8_t *p, uint64_t v)
{
    memcpy(p, &v, sizeof v);
}
static uint16_t get16(const uint8_t *p)
{
    uint16_t v;
    memcpy(&v, p, sizeof v);
    return v;
}
static uint32_t get32(const uint8_t *p)
{
    uint32_t v;
    memcpy(&v, p, sizeof v);
    return v;
}
static uint64_t get64(const uint8_t *p)
{
    uint64_t v;
    memcpy(&v, p, sizeof v);
    return v;
}

uint32_t x86_context_flags(const uint8_t *ctx, unsigned ptr_size)
{
    return get32(ctx + (ptr_size == 4 ? C32_FLAGS : C64_FLAGS));
}

static void get_segments64(const struct x86_state *st, uint8_t *c)
{
    put16(c + C64_DS, st->ds);
    put16(c + C64_ES, st->es);
    put16(c + C64_FS, st->fs);
    put16(c + C64_GS, st->gs);
}

/* Of the status and control registers only the bits that mean breakpoints show. */
static uint64_t debug_register(const struct x86_state *st, int i)
{
    enum { DR6_SHOWN = 0xe00f };
    const uint64_t dr7_shown = 0xffff0355;
    return i == 6 ? st->dr[6] & DR6_SHOWN : i == 7 ? st->dr[7] & dr7_shown : st->dr[i];
}

static void get64_parts(const struct x86_state *st, uint32_t parts, uint8_t *c)
{
    put32(c + C64_FLAGS, parts | X86_CTX_AMD64);
    if (parts & X86_CTX_CONTROL) {
        put16(c + C64_CS, st->cs);
        put16(c + C64_SS, st->ss);
        put64(c + C64_RAX + 8 * X86_RSP, st->gpr[X86_RSP]);
        put64(c + C64_RIP, st->rip);
        put32(c + C64_EFLAGS, st->rflags);
    }
    if (parts & X86_CTX_INTEGER)
        for (int i = 0; i < X86_GPR_COUNT; i++)
            if (i != X86_RSP)
                put64(c + C64_RAX + 8 * i, st->gpr[i]);
    if (parts & X86_CTX_SEGMENTS)
        get_segments64(st, c);
    if (parts & X86_CTX_FLOAT) {
        memcpy(c + C64_FLTSAVE, st->fx, X86_FX_SIZE);
        memcpy(c + C64_MXCSR, st->fx + X86_FX_MXCSR, 4);
    }
    if (parts & X86_CTX_DEBUG)
        for (int i = 0; i < 6; i++)
            put64(c + C64_DR + 8 * i, debug_register(st, dr_index[i]));
}

/* The tag of one x87 register that is in use: valid 0, zero 1, special 2. */
static unsigned x87_tag(const uint8_t *reg)
{
    uint64_t mantissa = get64(reg);
    unsigned exponent = get16(reg + 8) & 0x7fff;
    if (exponent == 0x7fff)
        return 2;
    if (!exponent)
        return mantissa ? 2 : 1;
    return mantissa >> 63 ? 0 : 2;
}

/* FXSAVE to the old FNSAVE form: full tag word, registers without padding. */
static void fx_to_fsave(const uint8_t *fx, uint8_t *f)
{
    unsigned top = get16(fx + X86_FX_FSW) >> 11 & 7, tags = 0;
    put32(f + 0x00, 0xffff0000u | get16(fx + X86_FX_FCW));
    put32(f + 0x04, 0xffff0000u | get16(fx + X86_FX_FSW));
    for (unsigned i = 0; i < 8; i++) {
        const uint8_t *reg = fx + X86_FX_ST0 + 16 * ((i - top) & 7);
        unsigned tag = fx[X86_FX_FTW] >> i & 1 ? x87_tag(reg) : 3;
        tags |= tag << (2 * i);
    }
    put32(f + 0x08, 0xffff0000u | tags);
    put32(f + 0x0c, get32(fx + 8));
    put32(f + 0x10, (uint32_t)get16(fx + 12) | (uint32_t)(get16(fx + 6) & 0x7ff) << 16);
    put32(f + 0x14, get32(fx + 16));
    put32(f + 0x18, 0xffff0000u | get16(fx + 20));
    for (int i = 0; i < 8; i++)
        memcpy(f + 0x1c + 10 * i, fx + X86_FX_ST0 + 16 * i, 10);
    put32(f + 0x6c, 0);
}

static void fsave_to_fx(const uint8_t *f, uint8_t *fx)
{
    unsigned tags = get32(f + 0x08), used = 0;
    for (int i = 0; i < 8; i++)
        if ((tags >> (2 * i) & 3) != 3)
            used |= 1u << i;
    put16(fx + X86_FX_FCW, get16(f));
    put16(fx + X86_FX_FSW, get16(f + 4));
    fx[X86_FX_FTW] = (uint8_t)used;
    for (int i = 0; i < 8; i++)
        memcpy(fx + X86_FX_ST0 + 16 * i, f + 0x1c + 10 * i, 10);
}

static void get32_parts(const struct x86_state *st, uint32_t parts, uint8_t *c)
{
    put32(c + C32_FLAGS, parts | X86_CTX_I386);
    if (parts & X86_CTX_CONTROL) {
        put32(c + C32_EBP, st->gpr[X86_RBP]);
        put32(c + C32_EIP, st->rip);
        put32(c + C32_CS, st->cs);
        put32(c + C32_EFLAGS, st->rflags);
        put32(c + C32_ESP, st->gpr[X86_RSP]);
        put32(c + C32_SS, st->ss);
    }
    if (parts & X86_CTX_INTEGER)
        for (size_t i = 0; i < sizeof gpr32 / sizeof *gpr32; i++)
            put32(c + gpr32[i][0], st->gpr[gpr32[i][1]]);
    if (parts & X86_CTX_SEGMENTS) {
        put32(c + C32_GS, st->gs);
        put32(c + C32_FS, st->fs);
        put32(c + C32_ES, st->es);
        put32(c + C32_DS, st->ds);
    }
    if (parts & X86_CTX_FLOAT)
        fx_to_fsave(st->fx, c + C32_FLOAT);
    if (parts & X86_CTX_EXTENDED)
        memcpy(c + C32_EXTENDED, st->fx, X86_FX_SIZE);
    if (parts & X86_CTX_DEBUG)
        for (int i = 0; i < 6; i++)
            put32(c + C32_DR + 4 * i, debug_register(st, dr_index[i]));
}

void x86_context_get(const struct x86_state *st, unsigned ptr_size, uint32_t parts, uint8_t *ctx)
{
    if (ptr_size == 4)
        get32_parts(st, parts & X86_CTX_ALL, ctx);
    else
        get64_parts(st, parts & (X86_CTX_ALL & ~X86_CTX_EXTENDED), ctx);
}

static void set_flags(struct x86_state *st, uint32_t eflags)
{
    st->rflags = (eflags & X86_FLAGS_USER) | X86_FLAG_IF | 2;
}

static void set_fx(struct x86_state *st, const uint8_t *fx)
{
    memcpy(st->fx, fx, X86_FX_SIZE);
    /* Reserved MXCSR bits would fault when the engine loads the state. */
    put32(st->fx + X86_FX_MXCSR, get32(st->fx + X86_FX_MXCSR) & 0xffff);
}

static void set64_parts(struct x86_state *st, uint32_t parts, const uint8_t *c)
{
    if (parts & X86_CTX_CONTROL) {
        st->gpr[X86_RSP] = get64(c + C64_RAX + 8 * X86_RSP);
        st->rip = get64(c + C64_RIP);
        set_flags(st, get32(c + C64_EFLAGS));
        st->cs = get16(c + C64_CS) == X86_SEL_CODE32 ? X86_SEL_CODE32 : X86_SEL_CODE64;
        st->ss = X86_SEL_DATA;
    }
    if (parts & X86_CTX_INTEGER)
        for (int i = 0; i < X86_GPR_COUNT; i++)
            if (i != X86_RSP)
                st->gpr[i] = get64(c + C64_RAX + 8 * i);
    if (parts & X86_CTX_FLOAT) {
        set_fx(st, c + C64_FLTSAVE);
        put32(st->fx + X86_FX_MXCSR, get32(c + C64_MXCSR) & 0xffff);
    }
    if (parts & X86_CTX_DEBUG)
        for (int i = 0; i < 6; i++)
            st->dr[dr_index[i]] = get64(c + C64_DR + 8 * i);
}

static void set32_parts(struct x86_state *st, uint32_t parts, const uint8_t *c)
{
    if (parts & X86_CTX_CONTROL) {
        st->gpr[X86_RBP] = get32(c + C32_EBP);
        st->rip = get32(c + C32_EIP);
        set_flags(st, get32(c + C32_EFLAGS));
        st->gpr[X86_RSP] = get32(c + C32_ESP);
        st->cs = X86_SEL_CODE32;
        st->ss = X86_SEL_DATA;
    }
    if (parts & X86_CTX_INTEGER)
        for (size_t i = 0; i < sizeof gpr32 / sizeof *gpr32; i++)
            st->gpr[gpr32[i][1]] = get32(c + gpr32[i][0]);
    if (parts & X86_CTX_EXTENDED)
        set_fx(st, c + C32_EXTENDED);
    else if (parts & X86_CTX_FLOAT)
        fsave_to_fx(c + C32_FLOAT, st->fx);
    if (parts & X86_CTX_DEBUG)
        for (int i = 0; i < 6; i++)
            st->dr[dr_index[i]] = get32(c + C32_DR + 4 * i);
}

void x86_context_set(struct x86_state *st, unsigned ptr_size, const uint8_t *ctx)
{
    uint32_t flags = x86_context_flags(ctx, ptr_size);
    if (ptr_size == 4)
        set32_parts(st, flags & X86_CTX_ALL, ctx);
    else
        set64_parts(st, flags & X86_CTX_ALL, ctx);
}
