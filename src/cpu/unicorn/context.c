// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The processor state that Unicorn's register interface does not reach: the error code of an
 * exception, whether it came from `int n`, and QEMU's record of an exception in flight, which
 * Unicorn never clears (so that the second fault arrives as a double fault and the third ends the
 * run silently). A saved context is a copy of the processor's structure; where its fields are is
 * found by writing values that the interface does reach, and checked with a fault.
 */
#include "cpu/unicorn/internal.h"
#include "base/bits.h"
#include <string.h>

static const int gpr_ids[X86_GPR_COUNT] = {
    UC_X86_REG_RAX, UC_X86_REG_RCX, UC_X86_REG_RDX, UC_X86_REG_RBX, UC_X86_REG_RSP, UC_X86_REG_RBP,
    UC_X86_REG_RSI, UC_X86_REG_RDI, UC_X86_REG_R8,  UC_X86_REG_R9,  UC_X86_REG_R10, UC_X86_REG_R11,
    UC_X86_REG_R12, UC_X86_REG_R13, UC_X86_REG_R14, UC_X86_REG_R15,
};

static uint64_t marker(unsigned i)
{
    return 0x5a17c0de9e370000ull + i * 0x100000001ull;
}

static bool find_markers(const struct unicorn_engine *u, unsigned first, unsigned count, size_t *at)
{
    uint64_t want[X86_GPR_COUNT];
    for (unsigned i = 0; i < count; i++)
        want[i] = marker(first + i);
    const void *hit = memmem(u->context, u->context_size, want, count * sizeof *want);
    if (!hit)
        return false;
    *at = (size_t)((const char *)hit - (const char *)u->context);
    return true;
}

enum { MARK_GPR = 0, MARK_RIP = 20, MARK_CR2 = 30, MARK_DR = 40, DR_COUNT = 4 };

static void write_markers(struct unicorn_engine *u, bool clear)
{
    uint64_t v;
#define PUT(reg, mark) (v = clear ? 0 : marker(mark), u->lib.uc_reg_write(u->uc, reg, &v))
    for (int i = 0; i < X86_GPR_COUNT; i++)
        PUT(gpr_ids[i], MARK_GPR + i);
    PUT(UC_X86_REG_RIP, MARK_RIP);
    PUT(UC_X86_REG_CR2, MARK_CR2);
    for (int i = 0; i < DR_COUNT; i++)
        PUT(UC_X86_REG_DR0 + i, MARK_DR + i);
#undef PUT
}

static bool find_layout(struct unicorn_engine *u)
{
    struct context_layout *at = &u->at;
    size_t dr;

    write_markers(u, false);
    u->lib.uc_context_save(u->uc, u->context);
    write_markers(u, true);
    if (!find_markers(u, MARK_GPR, X86_GPR_COUNT, &at->gpr) ||
        !find_markers(u, MARK_RIP, 1, &at->rip) || !find_markers(u, MARK_CR2, 1, &at->cr2) ||
        !find_markers(u, MARK_DR, DR_COUNT, &dr))
        return false;
    /* int error_code, exception_is_int; u64 next_eip, dr[8]; void *breakpoint[4]; int old_exc. */
    at->error_code = dr - 16;
    at->is_int = dr - 12;
    at->old_exception = dr + 8 * 8 + 4 * 8;
    return dr >= 16 && at->old_exception + 4 <= u->context_size;
}

static int32_t context_int(const struct unicorn_engine *u, size_t offset)
{
    int32_t v;
    memcpy(&v, (const char *)u->context + offset, sizeof v);
    return v;
}

/*
 * u->general: to save and restore it copies the general registers and rip, a fortieth of the whole.
 * A context begins with the number of bytes that are copied, and the general registers come first:
 * where both are found to be so, the number is changed, and what that does is tried. Else such a
 * context is as slow as any other.
 */
static void set_copied(uc_context *c, size_t n)
{
    memcpy(c, &n, sizeof n);
}

static bool copies_general(struct unicorn_engine *u)
{
    enum { FILL = 0x5a };
    uint64_t mark = marker(MARK_RIP);
    uint8_t *general = unicorn_context_at(u->general, u->at.gpr),
            *whole = unicorn_context_at(u->context, u->at.gpr),
            *after = unicorn_context_at(u->undo, u->at.gpr);
    const size_t size = u->context_size - u->at.gpr, head = u->at.rip + sizeof mark - u->at.gpr;

    u->lib.uc_context_save(u->uc, u->context);
    memset(general, FILL, size);
    u->lib.uc_context_save(u->uc, u->general);
    bool same = memcmp(general, whole, head) == 0;
    for (size_t i = head; i < size; i++)
        same &= general[i] == FILL;
    memcpy(general, &mark, sizeof mark);
    u->lib.uc_context_restore(u->uc, u->general);
    u->lib.uc_context_save(u->uc, u->undo);
    u->lib.uc_context_restore(u->uc, u->context);
    return same && memcmp(after, &mark, sizeof mark) == 0 &&
           memcmp(after + sizeof mark, whole + sizeof mark, size - sizeof mark) == 0;
}

static bool prepare_general(struct unicorn_engine *u)
{
    size_t copied;

    if (u->lib.uc_context_alloc(u->uc, &u->general) != UC_ERR_OK)
        return false;
    memcpy(&copied, u->general, sizeof copied);
    if (u->at.gpr < sizeof copied || copied != u->context_size - u->at.gpr || u->at.rip < u->at.gpr)
        return true;
    set_copied(u->general, u->at.rip + sizeof(uint64_t) - u->at.gpr);
    if (!copies_general(u))
        set_copied(u->general, copied);
    return true;
}

/* mov ds,eax; mov es,eax; mov gs,eax; mov fs,ecx; iretq */
static const uint8_t enter_ring3[] = {0x8e, 0xd8, 0x8e, 0xc0, 0x8e, 0xe8, 0x8e, 0xe1, 0x48, 0xcf};

struct probe {
    struct unicorn_engine *u;
    unsigned faults;
    uint32_t vector;
};

static void on_probe_fault(uc_engine *uc, uint32_t vector, void *ctx)
{
    struct probe *p = ctx;
    p->faults++;
    p->vector = vector;
    p->u->lib.uc_context_save(uc, p->u->context);
    p->u->lib.uc_emu_stop(uc);
}

/* Enters ring 3 at an address where nothing is, and checks that what this leaves behind is where
 * find_layout() says. The context it leaves in u->context is the one to start threads from. */
static bool enter_and_fault(struct unicorn_engine *u, uint16_t cs)
{
    enum { PF = 14, USER_FETCH = 0x14, TARGET = 0x7000, STACK = 0x8000 };
    struct probe p = {u};
    uint64_t frame[5] = {TARGET, cs, X86_FLAG_IF | 2, STACK, X86_SEL_DATA};
    uint64_t rsp = SYSTEM_VA + SYSTEM_STACK - sizeof frame, data = X86_SEL_DATA,
             teb = X86_SEL_TEB32;
    uc_hook hook;

    memcpy(u->system + SYSTEM_STACK - sizeof frame, frame, sizeof frame);
    u->lib.uc_reg_write(u->uc, UC_X86_REG_RSP, &rsp);
    u->lib.uc_reg_write(u->uc, UC_X86_REG_RAX, &data);
    u->lib.uc_reg_write(u->uc, UC_X86_REG_RCX, &teb);
    if (u->lib.uc_hook_add(u->uc, &hook, UC_HOOK_INTR, (void *)on_probe_fault, &p, 1, 0) !=
        UC_ERR_OK)
        return false;
    u->lib.uc_emu_start(u->uc, SYSTEM_VA + SYSTEM_STUB, 0, 0, 0);
    u->lib.uc_hook_del(u->uc, hook);

    uint64_t cr2, rip, stack;
    memcpy(&cr2, unicorn_context_at(u->context, u->at.cr2), sizeof cr2);
    memcpy(&rip, unicorn_context_at(u->context, u->at.rip), sizeof rip);
    memcpy(&stack, unicorn_context_at(u->context, u->at.gpr + X86_RSP * 8), sizeof stack);
    if (p.faults != 1 || p.vector != PF || cr2 != TARGET || rip != TARGET || stack != STACK ||
        context_int(u, u->at.error_code) != USER_FETCH || context_int(u, u->at.is_int) != 0 ||
        context_int(u, u->at.old_exception) != PF)
        return false;
    memset(unicorn_context_at(u->context, u->at.old_exception), 0xff, sizeof(int32_t));
    return true;
}

static bool make_context(struct unicorn_engine *u, uc_context *ring0, uint16_t cs, uc_context **out)
{
    if (u->lib.uc_context_restore(u->uc, ring0) != UC_ERR_OK || !enter_and_fault(u, cs) ||
        u->lib.uc_context_alloc(u->uc, out) != UC_ERR_OK)
        return false;
    memcpy(*out, u->context, u->context_size);
    return true;
}

pgr_status unicorn_prepare_contexts(struct unicorn_engine *u, struct pgr_error *e)
{
    uc_context *ring0 = NULL;
    bool ok;

    u->context_size = u->lib.uc_context_size(u->uc);
    if (u->lib.uc_context_alloc(u->uc, &u->context) != UC_ERR_OK ||
        u->lib.uc_context_alloc(u->uc, &u->undo) != UC_ERR_OK ||
        u->lib.uc_context_alloc(u->uc, &ring0) != UC_ERR_OK)
        return err_set(e, PGR_E_NOMEM, "unicorn: no memory for processor contexts");
    memcpy(u->system + SYSTEM_STUB, enter_ring3, sizeof enter_ring3);
    ok = find_layout(u) && prepare_general(u) &&
         u->lib.uc_context_save(u->uc, ring0) == UC_ERR_OK &&
         make_context(u, ring0, X86_SEL_CODE32, &u->mode32) &&
         make_context(u, ring0, X86_SEL_CODE64, &u->mode64) &&
         u->lib.uc_context_restore(u->uc, u->mode64) == UC_ERR_OK;
    u->lib.uc_context_free(ring0);
    u->mode_cs = X86_SEL_CODE64;
    if (!ok)
        return err_set(
            e, PGR_E_UNSUPPORTED,
            "unicorn: this build of the library keeps its processor state in a form that "
            "is not known here; version 2.1.4 is");
    return PGR_OK;
}
