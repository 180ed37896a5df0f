// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The gate page: addresses that the guest calls like functions and the host answers. Engines stop
 * there; the bytes are int3, for whoever looks.
 */
#include "cpu/engine.h"
#include "mem/space.h"
#include "nt/call.h"
#include "win/internal.h"

#include <string.h>

/* Below the shared user data in both address spaces, where no image wants to be. */
#define GATE_BASE 0x7ffd0000u

/* Virtual time that a Unix call takes, as a service does: loops that ask for the time must end. */
enum { UNIX_CALL_TICKS = 10 };

uint64_t win_gate_base(unsigned ptr_size)
{
    return GATE_BASE;
}

ntstatus win_gates_map(struct nt_process *p)
{
    uint8_t int3[MEM_PAGE];
    uint64_t base = win_gate_base(p->ptr_size), size = WIN_GATE_SIZE;
    ntstatus s = mem_reserve(p->mem, &base, &size, PAGE_EXECUTE_READ, true, NULL);
    memset(int3, 0xcc, sizeof int3);
    for (uint64_t at = 0; at < size && !s; at += sizeof int3)
        s = mem_poke(p->mem, base + at, int3, sizeof int3);
    base = CPU_AREA;
    size = CPU_AREA_SIZE;
    if (!s && p->ptr_size == 8)
        s = mem_reserve(p->mem, &base, &size, PAGE_NOACCESS, false, NULL);
    return s;
}

/* Takes the return address off the stack, as `ret n` does. */
static bool pop_return(struct nt_kernel *k, struct nt_thread *t, unsigned bytes)
{
    struct nt_process *p = nt_process_get(k, t->process);
    uint64_t ra = 0, sp = t->cpu.gpr[X86_RSP];
    if (p->ptr_size == 4)
        sp = (uint32_t)sp;
    if (mem_read(p->mem, sp, &ra, p->ptr_size)) {
        nt_process_end(k, p, STATUS_ACCESS_VIOLATION);
        return false;
    }
    t->cpu.rip = ra;
    t->cpu.gpr[X86_RSP] = sp + p->ptr_size + bytes;
    if (p->ptr_size == 4)
        t->cpu.gpr[X86_RSP] &= 0xffffffff;
    return true;
}

bool win_gate_leave(struct nt_kernel *k, struct nt_thread *t)
{
    return pop_return(k, t, 0) && !k->need_resched;
}

static bool service(struct nt_kernel *k, struct nt_thread *t)
{
    return pop_return(k, t, 0) && nt_dispatch(k, t, (uint32_t)t->cpu.gpr[X86_RAX]);
}

/* (unixlib handle of 64 bits, code, args): in registers on x64, stdcall on i386. */
static bool unix_call(struct nt_kernel *k, struct nt_thread *t)
{
    struct nt_process *p = nt_process_get(k, t->process);
    uint64_t *r = t->cpu.gpr, handle = r[X86_RCX], args = r[X86_R8];
    uint32_t code = (uint32_t)r[X86_RDX];
    if (p->ptr_size == 4) {
        uint32_t stack[4] = {0};
        mem_read(p->mem, (uint32_t)r[X86_RSP] + 4, stack, sizeof stack);
        handle = stack[0] | (uint64_t)stack[1] << 32;
        code = stack[2];
        args = stack[3];
    }
    if (!pop_return(k, t, p->ptr_size == 4 ? 16 : 0))
        return false;
    nt_clock_advance(k, UNIX_CALL_TICKS);
    r[X86_RAX] = win_wine_unix_call(k, t, handle, code, args);
    return !k->need_resched;
}

bool win_is_service_gate(const struct nt_process *p, uint64_t address)
{
    return address == win_gate_base(p->ptr_size) + WIN_GATE_SERVICE * WIN_GATE_STEP;
}

/* Nobody has business here: the guest jumped somewhere. */
static bool refuse(struct nt_kernel *k, struct nt_thread *t, uint64_t address)
{
    const struct nt_exception e = {
        .code = STATUS_ILLEGAL_INSTRUCTION, .address = address, .first_chance = true};
    if (!k->up.raise(k, t, &e))
        nt_process_end(k, nt_process_get(k, t->process), STATUS_ILLEGAL_INSTRUCTION);
    return t->state == NT_THREAD_RUNNING && !k->need_resched;
}

bool win_gate(struct nt_kernel *k, struct nt_thread *t, uint64_t address)
{
    struct nt_process *p = nt_process_get(k, t->process);
    uint64_t number = (address - win_gate_base(p->ptr_size)) / WIN_GATE_STEP;
    switch (number) {
    case WIN_GATE_SERVICE:
        return service(k, t);
    case WIN_GATE_UNIX_CALL:
        return unix_call(k, t);
    default:
        if (win_synthetic_call(k, t, number - WIN_GATE_SYNTHETIC))
            return pop_return(k, t, win_synthetic_pops(p, number - WIN_GATE_SYNTHETIC)) &&
                   !k->need_resched;
        return refuse(k, t, address);
    }
}
