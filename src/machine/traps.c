// SPDX-License-Identifier: GPL-2.0-or-later
/* Hooks on what ends in the kernel: faults, exceptions, instructions that user mode may not do. */
#include "machine/breaks.h"
#include "machine/events_internal.h"
#include "base/bits.h"
#include "mem/space.h"
#include "nt/call.h"
#include "win/win.h"

#include <string.h>

static struct pgr_event event_of(const struct nt_thread *t, enum pgr_hook_kind kind, uint64_t ip)
{
    return (struct pgr_event){.kind = kind, .thread = t->tid, .ip = ip, .address = ip};
}

/* ---- Memory
 * ---------------------------------------------------------------------------------------------- */

static bool is_mapped(const struct pgr_machine *m, uint64_t va)
{
    struct mem_info info;
    return !mem_query(m->p->mem, va, &info) && info.state == MEM_COMMIT;
}

/* Whether memory has it now; guards go off once. */
static bool allows(const struct pgr_machine *m, uint64_t va, enum cpu_access access)
{
    static const uint32_t readable = PAGE_READONLY | PAGE_READWRITE | PAGE_WRITECOPY |
                                     PAGE_EXECUTE_READ | PAGE_EXECUTE_READWRITE |
                                     PAGE_EXECUTE_WRITECOPY | PAGE_EXECUTE;
    static const uint32_t writable =
        PAGE_READWRITE | PAGE_WRITECOPY | PAGE_EXECUTE_READWRITE | PAGE_EXECUTE_WRITECOPY;
    static const uint32_t executable =
        PAGE_EXECUTE | PAGE_EXECUTE_READ | PAGE_EXECUTE_READWRITE | PAGE_EXECUTE_WRITECOPY;
    struct mem_info info;
    if (mem_query(m->p->mem, va, &info) || info.state != MEM_COMMIT || (info.protect & PAGE_GUARD))
        return false;
    uint32_t wanted = access == CPU_EXECUTE ? executable
                      : access == CPU_WRITE ? writable
                                            : readable;
    return info.protect & wanted;
}

static enum pgr_hook_kind fault_kind(enum cpu_access access, bool mapped)
{
    switch (access) {
    case CPU_EXECUTE:
        return mapped ? PGR_HOOK_FETCH_PROTECTED : PGR_HOOK_FETCH_UNMAPPED;
    case CPU_WRITE:
        return mapped ? PGR_HOOK_WRITE_PROTECTED : PGR_HOOK_WRITE_UNMAPPED;
    default:
        return mapped ? PGR_HOOK_READ_PROTECTED : PGR_HOOK_READ_UNMAPPED;
    }
}

/* What a handler has done about it must show, in memory or in registers: else the guest would be
 * here again for ever. */
static bool fault(struct pgr_machine *m, struct nt_thread *t, const struct cpu_exit *x)
{
    enum pgr_hook_kind kind = fault_kind(x->access, is_mapped(m, x->address));
    if (!events_any(m, kind) ||
        (x->status == STATUS_GUARD_PAGE_VIOLATION && win_is_stack(m->k, t, x->address)))
        return false;
    struct pgr_event e = event_of(t, kind, t->cpu.rip);
    uint64_t before[X86_GPR_COUNT + 1];
    memcpy(before, t->cpu.gpr, sizeof t->cpu.gpr);
    before[X86_GPR_COUNT] = t->cpu.rip;
    e.address = x->address;
    e.access = (unsigned)x->access;
    e.code = x->status;
    if (!events_ask(m, &e))
        return false;
    return allows(m, x->address, x->access) || t->cpu.rip != before[X86_GPR_COUNT] ||
           memcmp(before, t->cpu.gpr, sizeof t->cpu.gpr) != 0;
}

/* ---- Instructions
 * ------------------------------------------------------------------------------------------------
 */

/* True: done; the program goes on behind it, unless a handler has moved rip. */
static bool instruction(struct pgr_machine *m, struct nt_thread *t, struct pgr_event *e)
{
    uint64_t rip = t->cpu.rip;
    if (!events_any(m, e->kind) || !events_ask(m, e))
        return false;
    if (t->cpu.rip == rip)
        t->cpu.rip += e->size;
    return true;
}

static uint64_t low_bytes(uint64_t v, unsigned size)
{
    return size >= 8 ? v : v & ((1ull << size * 8) - 1);
}

static bool privileged(struct pgr_machine *m, struct nt_thread *t)
{
    struct x86_opcode op = win_opcode_at(m->k, t, t->cpu.rip);
    struct pgr_event e = event_of(t, PGR_HOOK_IN, t->cpu.rip);
    e.size = op.length;
    e.code = op.immediate ? op.port : (uint16_t)t->cpu.gpr[X86_RDX];
    switch (op.kind) {
    case X86_OP_RDTSC:
    case X86_OP_RDTSCP:
        e.kind = PGR_HOOK_RDTSC;
        e.code = 0;
        return instruction(m, t, &e);
    case X86_OP_OUT:
        e.value = low_bytes(t->cpu.gpr[X86_RAX], op.size);
        /* fallthrough */
    case X86_OP_OUTS:
        e.kind = PGR_HOOK_OUT;
        /* fallthrough */
    case X86_OP_IN:
    case X86_OP_INS:
        e.width = op.size;
        return instruction(m, t, &e);
    default:
        return false;
    }
}

void events_code(struct pgr_machine *m, struct nt_thread *t)
{
    struct pgr_event e = event_of(t, PGR_HOOK_CODE, t->cpu.rip);
    e.size = breaks_length(m, t->cpu.rip);
    e.access = PGR_X;
    events_ask(m, &e);
}

/* int n, int3, into: rip is behind it. */
static bool interrupt(struct pgr_machine *m, struct nt_thread *t, uint8_t vector)
{
    enum { INT3 = 0xcc, INTO = 0xce, SYSTEM_SERVICE = 0x2e };
    uint8_t last = 0;
    mem_peek(m->p->mem, t->cpu.rip - 1, &last, 1);
    unsigned length =
        (vector == X86_VEC_BP && last == INT3) || (vector == X86_VEC_OF && last == INTO) ? 1 : 2;
    struct pgr_event e = event_of(t, PGR_HOOK_INTERRUPT, t->cpu.rip - length);
    e.size = length;
    e.code = vector;
    if (events_any(m, e.kind) && events_ask(m, &e))
        return true;
    return vector == SYSTEM_SERVICE &&
           events_service(m, t, (uint32_t)t->cpu.gpr[X86_RAX], t->cpu.rip - length);
}

static bool exception(struct pgr_machine *m, struct nt_thread *t, uint8_t vector)
{
    struct pgr_event e = event_of(t, PGR_HOOK_INVALID_INSTRUCTION, t->cpu.rip);
    switch (vector) {
    case X86_VEC_BP:
    case X86_VEC_OF:
        return interrupt(m, t, vector);
    case X86_VEC_UD:
        return instruction(m, t, &e);
    case X86_VEC_GP:
        return privileged(m, t);
    default:
        return false;
    }
}

bool events_exit(struct pgr_machine *m, struct nt_thread *t, const struct cpu_exit *x)
{
    switch (x->kind) {
    case CPU_EXIT_FAULT:
        return fault(m, t, x);
    case CPU_EXIT_INTERRUPT:
        return interrupt(m, t, x->vector);
    case CPU_EXIT_EXCEPTION:
        return exception(m, t, x->vector);
    default:
        return false;
    }
}

/* ---- Services
 * ------------------------------------------------------------------------------------------------
 */

bool events_service(struct pgr_machine *m, struct nt_thread *t, uint32_t number, uint64_t ip)
{
    const struct nt_kernel *k = m->k;
    const struct nt_service *s = number < k->service_count ? k->service_table[number] : NULL;
    struct pgr_event e = event_of(t, PGR_HOOK_SYSCALL, ip);
    e.code = number;
    e.name = s ? s->name : NULL;
    if (events_any(m, e.kind) && events_ask(m, &e))
        return true;
    e.kind = PGR_HOOK_SERVICE;
    return events_any(m, e.kind) && events_ask(m, &e);
}
