// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Whether 32-bit code runs on the processor. Where KVM has no hardware to enter a guest with, it
 * may run 64-bit code only and interpret the rest: a thousand times slower, and without x87 and
 * most of SSE. So one instruction of that kind is tried, for guests that are of 32 bits.
 */
#include "cpu/kvm/internal.h"
#include "mem/space.h"
#include <string.h>
#include <sys/ioctl.h>

#define TRIAL_VA 0x10000ull

static bool runs(struct kvm_engine *k)
{
    static const uint8_t code[] = {0xd9, 0xe8 /* fld1 */, 0xdd, 0xd8 /* fstp st */, 0xcc};
    struct x86_state st;

    memcpy(k->system + SYSTEM_REWRITES, code, sizeof code);
    x86_state_init(&st, 4);
    st.rip = TRIAL_VA;
    k->st = &st;
    bool ok = kvm_put_rest(k);
    kvm_put_gprs(k);
    ok = ok && ioctl(k->vcpu, KVM_RUN, 0) == 0 && k->shared->exit_reason == KVM_EXIT_HLT;
    k->st = NULL;
    uint64_t at = k->shared->s.regs.regs.rip - SYSTEM_VA - SYSTEM_STUBS;
    return ok && at / STUB_SIZE == X86_VEC_BP;
}

pgr_status kvm_check_compat(struct kvm_engine *k, struct pgr_error *e)
{
    uint64_t *entry = cpu_pt_entry(&k->pt, TRIAL_VA, true);

    *entry = SYSTEM_REWRITES | CPU_PTE_PRESENT | CPU_PTE_USER | CPU_PTE_ACCESSED;
    bool ok = runs(k);
    kvm_take_away(k, entry);
    if (ok)
        return PGR_OK;
    return err_set(e, PGR_E_UNSUPPORTED,
                   "kvm: this host's KVM does not run 32-bit code on the processor; another engine "
                   "has to");
}
