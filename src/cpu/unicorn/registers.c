// SPDX-License-Identifier: GPL-2.0-or-later
/* struct x86_state from and to the processor. */
#include "cpu/unicorn/internal.h"
#include "base/bits.h"
#include <string.h>

static const int gpr_ids[X86_GPR_COUNT] = {
    UC_X86_REG_RAX, UC_X86_REG_RCX, UC_X86_REG_RDX, UC_X86_REG_RBX, UC_X86_REG_RSP, UC_X86_REG_RBP,
    UC_X86_REG_RSI, UC_X86_REG_RDI, UC_X86_REG_R8,  UC_X86_REG_R9,  UC_X86_REG_R10, UC_X86_REG_R11,
    UC_X86_REG_R12, UC_X86_REG_R13, UC_X86_REG_R14, UC_X86_REG_R15,
};

static const int segment_ids[] = {
    UC_X86_REG_CS, UC_X86_REG_SS, UC_X86_REG_DS, UC_X86_REG_ES, UC_X86_REG_FS, UC_X86_REG_GS,
};
enum { SEGMENTS = ARRAY_LEN(segment_ids) };

/* A flag image that a thread may have: what user mode can set, and the fixed bits. */
uint64_t unicorn_user_flags(uint64_t rflags)
{
    const uint64_t id = 0x200000;
    return (rflags & (X86_FLAGS_USER | id)) | X86_FLAG_IF | 2;
}

void unicorn_read_gprs(struct unicorn_engine *u)
{
    struct x86_state *st = u->st;
    u->lib.uc_context_save(u->uc, u->general);
    memcpy(st->gpr, unicorn_context_at(u->general, u->at.gpr), sizeof st->gpr);
    memcpy(&st->rip, unicorn_context_at(u->general, u->at.rip), sizeof st->rip);
    u->lib.uc_reg_read(u->uc, UC_X86_REG_RFLAGS, &st->rflags);
}

static void put_rip(struct unicorn_engine *u, uint64_t rip)
{
    memcpy(unicorn_context_at(u->general, u->at.rip), &rip, sizeof rip);
    u->lib.uc_context_restore(u->uc, u->general);
}

void unicorn_go_to(struct unicorn_engine *u, uint64_t rip)
{
    u->lib.uc_context_save(u->uc, u->general);
    put_rip(u, rip);
}

void unicorn_write_gprs(struct unicorn_engine *u, uint64_t rip)
{
    memcpy(unicorn_context_at(u->general, u->at.gpr), u->st->gpr, sizeof u->st->gpr);
    put_rip(u, rip);
}

void unicorn_write_gpr(struct unicorn_engine *u, int gpr, uint64_t value)
{
    u->lib.uc_reg_write(u->uc, gpr_ids[gpr], &value);
}

/* ---- FXSAVE image ---------------------------------------------------------------------------- */

enum { ST_COUNT = 8, XMM_COUNT = 16 };

struct fx_scalars { /* in the order in which they must be written: TOP decides which ST is which */
    uint16_t fpsw, fpcw, tags, opcode;
    uint64_t fip, fdp;
    uint32_t mxcsr;
};

static const int fx_ids[] = {
    UC_X86_REG_FPSW, UC_X86_REG_FPCW, UC_X86_REG_FPTAG, UC_X86_REG_FOP,
    UC_X86_REG_FIP,  UC_X86_REG_FDP,  UC_X86_REG_MXCSR,
};

static void fx_pointers(struct fx_scalars *s, void *out[ARRAY_LEN(fx_ids)])
{
    void *all[] = {&s->fpsw, &s->fpcw, &s->tags, &s->opcode, &s->fip, &s->fdp, &s->mxcsr};
    memcpy(out, all, sizeof all);
}

static uint8_t tags_to_fxsave(uint16_t tags)
{
    uint8_t out = 0;
    for (int i = 0; i < ST_COUNT; i++)
        if ((tags >> 2 * i & 3) != 3)
            out |= (uint8_t)(1u << i);
    return out;
}

static uint16_t tags_from_fxsave(uint8_t used)
{
    uint16_t out = 0;
    for (int i = 0; i < ST_COUNT; i++)
        if (!(used & 1u << i))
            out |= (uint16_t)(3u << 2 * i);
    return out;
}

enum { FX_FOP = 6, FX_FIP = 8, FX_FDP = 16, FX_MXCSR_MASK = 28 };

static void read_fx(struct unicorn_engine *u, uint8_t *fx)
{
    struct fx_scalars s = {0};
    void *p[ARRAY_LEN(fx_ids)];
    const uint32_t mxcsr_mask = 0xffff;

    fx_pointers(&s, p);
    u->lib.uc_reg_read_batch(u->uc, fx_ids, p, ARRAY_LEN(fx_ids));
    memset(fx, 0, X86_FX_SIZE);
    memcpy(fx + X86_FX_FCW, &s.fpcw, 2);
    memcpy(fx + X86_FX_FSW, &s.fpsw, 2);
    fx[X86_FX_FTW] = tags_to_fxsave(s.tags);
    memcpy(fx + FX_FOP, &s.opcode, 2);
    memcpy(fx + FX_FIP, &s.fip, 8);
    memcpy(fx + FX_FDP, &s.fdp, 8);
    memcpy(fx + X86_FX_MXCSR, &s.mxcsr, 4);
    memcpy(fx + FX_MXCSR_MASK, &mxcsr_mask, 4);
    for (int i = 0; i < ST_COUNT; i++)
        u->lib.uc_reg_read(u->uc, UC_X86_REG_ST0 + i, fx + X86_FX_ST0 + 16 * i);
    for (int i = 0; i < XMM_COUNT; i++)
        u->lib.uc_reg_read(u->uc, UC_X86_REG_XMM0 + i, fx + X86_FX_XMM0 + 16 * i);
}

static void write_fx(struct unicorn_engine *u, const uint8_t *fx)
{
    struct fx_scalars s = {0};
    void *p[ARRAY_LEN(fx_ids)];

    memcpy(&s.fpcw, fx + X86_FX_FCW, 2);
    memcpy(&s.fpsw, fx + X86_FX_FSW, 2);
    s.tags = tags_from_fxsave(fx[X86_FX_FTW]);
    memcpy(&s.opcode, fx + FX_FOP, 2);
    memcpy(&s.fip, fx + FX_FIP, 8);
    memcpy(&s.fdp, fx + FX_FDP, 8);
    memcpy(&s.mxcsr, fx + X86_FX_MXCSR, 4);
    s.mxcsr &= 0xffff;
    fx_pointers(&s, p);
    u->lib.uc_reg_write_batch(u->uc, fx_ids, p, ARRAY_LEN(fx_ids));
    for (int i = 0; i < ST_COUNT; i++)
        u->lib.uc_reg_write(u->uc, UC_X86_REG_ST0 + i, fx + X86_FX_ST0 + 16 * i);
    for (int i = 0; i < XMM_COUNT; i++)
        u->lib.uc_reg_write(u->uc, UC_X86_REG_XMM0 + i, fx + X86_FX_XMM0 + 16 * i);
}

/* ---- Everything ------------------------------------------------------------------------------ */

void unicorn_read_rest(struct unicorn_engine *u, struct x86_state *st)
{
    void *seg[SEGMENTS] = {&st->cs, &st->ss, &st->ds, &st->es, &st->fs, &st->gs};

    u->lib.uc_reg_read_batch(u->uc, segment_ids, seg, SEGMENTS);
    u->lib.uc_reg_read(u->uc, UC_X86_REG_FS_BASE, &st->fs_base);
    u->lib.uc_reg_read(u->uc, UC_X86_REG_GS_BASE, &st->gs_base);
    read_fx(u, st->fx);
    memcpy(u->fx, st->fx, sizeof u->fx);
    u->fx_valid = true;
    u->mode_cs = st->cs;
    /* The debug registers stay with the thread: the guest cannot touch them. */
}

static void set_gdt_base(struct unicorn_engine *u, uint64_t base)
{
    uint8_t *d = u->system + SYSTEM_GDT + (X86_SEL_TEB32 & ~7);
    memcpy(d + 2, &base, 3);
    d[7] = (uint8_t)(base >> 24);
    u->gdt_base = base;
}

/* Hidden parts come from the ring-3 context of the bitness. What else user mode can load into a
 * data segment register makes no difference in 64-bit mode; in 32-bit code nobody does. */
static void load_segments(struct unicorn_engine *u, const struct x86_state *st)
{
    void *seg[SEGMENTS] = {(void *)&st->cs, (void *)&st->ss, (void *)&st->ds,
                           (void *)&st->es, (void *)&st->fs, (void *)&st->gs};
    uint64_t teb = x86_is_32bit(st) ? st->fs_base : 0;

    if (u->gdt_base != teb)
        set_gdt_base(u, teb);
    if (u->mode_cs != st->cs || u->fx_valid == false) {
        u->lib.uc_context_restore(u->uc, x86_is_32bit(st) ? u->mode32 : u->mode64);
        u->fx_valid = false;
        u->mode_cs = st->cs;
    }
    u->lib.uc_reg_write_batch(u->uc, segment_ids + 1, seg + 1, SEGMENTS - 1);
    u->lib.uc_reg_write(u->uc, UC_X86_REG_FS_BASE, &st->fs_base);
    u->lib.uc_reg_write(u->uc, UC_X86_REG_GS_BASE, &st->gs_base);
}

/* The entry goes to rip. */
void unicorn_load(struct unicorn_engine *u)
{
    const struct x86_state *st = u->st;
    uint64_t flags = unicorn_user_flags(st->rflags);

    load_segments(u, st);
    if (!u->fx_valid || memcmp(u->fx, st->fx, sizeof u->fx) != 0) {
        write_fx(u, st->fx);
        memcpy(u->fx, st->fx, sizeof u->fx);
    }
    u->fx_valid = true;
    u->lib.uc_context_save(u->uc, u->general);
    unicorn_write_gprs(u, st->rip);
    u->lib.uc_reg_write(u->uc, UC_X86_REG_RFLAGS, &flags);
}
