// SPDX-License-Identifier: GPL-2.0-or-later
/* struct x86_state from and to the processor. */
#include "base/bits.h"
#include "cpu/kvm/internal.h"
#include <string.h>
#include <sys/ioctl.h>

#ifndef KVM_GET_XSAVE2
#define KVM_GET_XSAVE2 _IOR(KVMIO, 0xcf, struct kvm_xsave)
#endif

enum { TYPE_CODE = 11, TYPE_DATA = 3, RPL = 3 };

/* A flag image that a thread may have: what user mode can set, and the fixed bits. */
uint64_t kvm_user_flags(uint64_t rflags)
{
    const uint64_t id = 0x200000;
    return (rflags & (X86_FLAGS_USER | id) & ~(uint64_t)X86_FLAG_RF) | X86_FLAG_IF | 2;
}

/* ---- General registers ----------------------------------------------------------------------- */

void kvm_put_gprs(struct kvm_engine *k)
{
    const uint64_t *g = k->st->gpr;
    struct kvm_sync_regs *s = &k->shared->s.regs;

    s->regs = (struct kvm_regs){
        .rax = g[X86_RAX],
        .rcx = g[X86_RCX],
        .rdx = g[X86_RDX],
        .rbx = g[X86_RBX],
        .rsp = g[X86_RSP],
        .rbp = g[X86_RBP],
        .rsi = g[X86_RSI],
        .rdi = g[X86_RDI],
        .r8 = g[X86_R8],
        .r9 = g[X86_R9],
        .r10 = g[X86_R10],
        .r11 = g[X86_R11],
        .r12 = g[X86_R12],
        .r13 = g[X86_R13],
        .r14 = g[X86_R14],
        .r15 = g[X86_R15],
        .rip = k->st->rip,
        .rflags = kvm_user_flags(k->st->rflags),
    };
    s->sregs = k->user;
    k->shared->kvm_dirty_regs = KVM_SYNC_X86_REGS | KVM_SYNC_X86_SREGS;
}

void kvm_get_gprs(struct kvm_engine *k, const struct trap_frame *f)
{
    const struct kvm_regs *r = &k->shared->s.regs.regs;
    const uint64_t gpr[X86_GPR_COUNT] = {
        [X86_RAX] = r->rax, [X86_RCX] = r->rcx, [X86_RDX] = r->rdx, [X86_RBX] = r->rbx,
        [X86_RSP] = f->rsp, [X86_RBP] = r->rbp, [X86_RSI] = r->rsi, [X86_RDI] = r->rdi,
        [X86_R8] = r->r8,   [X86_R9] = r->r9,   [X86_R10] = r->r10, [X86_R11] = r->r11,
        [X86_R12] = r->r12, [X86_R13] = r->r13, [X86_R14] = r->r14, [X86_R15] = r->r15,
    };
    memcpy(k->st->gpr, gpr, sizeof gpr);
    k->st->rip = f->rip;
    k->st->rflags = kvm_user_flags(f->rflags);
}

/* ---- Segments -------------------------------------------------------------------------------- */

/* No other selectors than those with descriptors, whatever a thread's context says. */
static struct kvm_segment code_segment(uint16_t selector)
{
    bool wide = selector != X86_SEL_CODE32;
    return (struct kvm_segment){.selector = wide ? X86_SEL_CODE64 : X86_SEL_CODE32,
                                .limit = UINT32_MAX,
                                .type = TYPE_CODE,
                                .present = 1,
                                .dpl = 3,
                                .s = 1,
                                .l = wide,
                                .db = !wide,
                                .g = 1};
}

static bool has_descriptor(uint16_t selector)
{
    static const uint16_t all[] = {X86_SEL_CODE32, X86_SEL_DATA, X86_SEL_CODE64, X86_SEL_TEB32};
    for (size_t i = 0; i < ARRAY_LEN(all); i++)
        if ((selector | RPL) == all[i])
            return true;
    return false;
}

static struct kvm_segment data_segment(uint16_t selector, uint64_t base)
{
    if (!has_descriptor(selector))
        selector = 0;
    return (struct kvm_segment){.selector = selector,
                                .base = kvm_canonical(base),
                                .limit = UINT32_MAX,
                                .type = TYPE_DATA,
                                .present = 1,
                                .dpl = 3,
                                .s = 1,
                                .db = 1,
                                .g = 1,
                                .unusable = !selector};
}

/* What else user mode can load into a data segment register makes no difference in 64-bit mode; in
 * 32-bit code nobody does. */
static void put_segments(struct kvm_engine *k, const struct x86_state *st)
{
    struct kvm_sregs *s = &k->user;
    uint64_t teb = x86_is_32bit(st) ? st->fs_base : 0;

    if (k->gdt_base != teb)
        kvm_set_teb32(k, teb);
    s->cs = code_segment(st->cs);
    s->ss = data_segment(X86_SEL_DATA, 0);
    s->ds = data_segment(st->ds, 0);
    s->es = data_segment(st->es, 0);
    s->fs = data_segment(st->fs, st->fs_base);
    s->gs = data_segment(st->gs, st->gs_base);
}

void kvm_init_segments(struct kvm_engine *k)
{
    struct x86_state st;
    x86_state_init(&st, 8);
    put_segments(k, &st);
}

/* ---- Everything but the general registers ---------------------------------------------------- */

static bool same_fpu(const struct x86_state *a, const struct x86_state *b)
{
    return memcmp(a->fx, b->fx, sizeof a->fx) == 0 && memcmp(&a->ext, &b->ext, sizeof a->ext) == 0;
}

static void note_fpu(struct kvm_engine *k, const struct x86_state *st)
{
    memcpy(k->loaded.fx, st->fx, sizeof st->fx);
    k->loaded.ext = st->ext;
    k->fpu_loaded = true;
}

bool kvm_put_rest(struct kvm_engine *k)
{
    put_segments(k, k->st);
    if (k->fpu_loaded && same_fpu(&k->loaded, k->st))
        return true;
    memset(k->area, 0, k->area_size);
    x86_xsave_put(&k->xsave, k->area, k->st);
    if (ioctl(k->vcpu, KVM_SET_XSAVE, k->area))
        return false;
    note_fpu(k, k->st);
    return true;
}

bool kvm_get_rest(struct kvm_engine *k)
{
    const struct kvm_sregs *s = &k->user;
    struct x86_state *st = k->st;

    st->cs = s->cs.selector;
    st->ss = s->ss.selector;
    st->ds = s->ds.selector;
    st->es = s->es.selector;
    st->fs = s->fs.selector;
    st->gs = s->gs.selector;
    st->fs_base = s->fs.base;
    st->gs_base = s->gs.base;
    /* The debug registers stay with the thread: the guest cannot touch them. */
    if (ioctl(k->vcpu, k->area_size > sizeof(struct kvm_xsave) ? KVM_GET_XSAVE2 : KVM_GET_XSAVE,
              k->area))
        return false;
    x86_xsave_get(&k->xsave, k->area, st);
    note_fpu(k, st);
    return true;
}
