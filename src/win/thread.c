// SPDX-License-Identifier: GPL-2.0-or-later
/* TEB, stack and first registers of a thread. */
#include "arch/context.h"
#include "base/bits.h"
#include "mem/space.h"
#include "nt/mm/mm.h"
#include "win/internal.h"

enum {
    GUARD = MEM_PAGE,
    /* Left below the last guard page: room for the dispatcher of a stack overflow. The lowest page
     * stays inaccessible for ever. */
    OVERFLOW_ROOM = 6 * MEM_PAGE,
    FOREIGN_ROOM = 2 * MEM_PAGE, /* in stacks of which all the rest was promised to the guest */
    STACK_MIN = 0x20000,
    STACK_DEFAULT = 0x100000,
    GROW_BY = 16 * MEM_PAGE,
    STATIC_BUFFER_UNITS = 261,
    TEB32_WOW32_RESERVED = 0xc0
};

static uint64_t stack_size(struct nt_kernel *k, const struct nt_process *p, uint64_t asked)
{
    struct nt_view view;
    struct nt_image_info info;
    if (asked)
        return asked;
    if (nt_image_at(k, (struct nt_process *)p, p->image_base, &view) &&
        nt_section_image_info(k, view.section, &info) && info.stack_reserve)
        return info.stack_reserve;
    return STACK_DEFAULT;
}

static ntstatus make_stack(struct nt_kernel *k, struct nt_process *p, struct nt_thread *t,
                           uint64_t reserve, uint64_t commit)
{
    uint64_t least = win_wine_stack_commit(k, p);
    reserve = stack_size(k, p, reserve);
    reserve = MAX(reserve, (uint64_t)STACK_MIN);
    reserve = align_up(MAX(reserve, least + OVERFLOW_ROOM + 2 * GUARD), MEM_GRANULARITY);
    commit = align_up(MAX(MAX(commit, least), 2ull * MEM_PAGE), MEM_PAGE);
    commit = MIN(commit, reserve - OVERFLOW_ROOM - GUARD);
    ntstatus s = mem_reserve(p->mem, &t->stack_region, &reserve, PAGE_READWRITE, false, NULL);
    if (s)
        return s;
    t->stack_base = t->stack_region + reserve;
    t->stack_limit = t->stack_base - commit;
    uint64_t base = t->stack_limit, size = commit;
    s = mem_commit(p->mem, &base, &size, PAGE_READWRITE);
    base = t->stack_limit - GUARD;
    size = GUARD;
    return s ? s : mem_commit(p->mem, &base, &size, PAGE_READWRITE | PAGE_GUARD);
}

void win_stack_current(struct nt_kernel *k, struct nt_thread *t)
{
    struct nt_process *p = nt_process_get(k, t->process);
    const struct win_offsets *o = win_offsets_of(p->ptr_size);
    uint64_t base = 0, limit = 0, region = 0;
    if (!mem_peek(p->mem, t->teb + o->teb.stack_base, &base, p->ptr_size) ||
        !mem_peek(p->mem, t->teb + o->teb.stack_limit, &limit, p->ptr_size) ||
        !mem_peek(p->mem, t->teb + o->teb.deallocation_stack, &region, p->ptr_size))
        return;
    if (base == t->stack_base || region >= limit || limit > base ||
        (region | limit | base) & (MEM_PAGE - 1) || limit - region < GUARD + FOREIGN_ROOM)
        return;
    t->stack_base = base;
    t->stack_limit = limit;
    t->stack_region = region;
    t->foreign_stack = true;
}

bool win_stack_grow(struct nt_kernel *k, struct nt_thread *t, uint64_t va)
{
    struct nt_process *p = nt_process_get(k, t->process);
    const struct win_offsets *o = win_offsets_of(p->ptr_size);
    uint64_t room = t->foreign_stack ? FOREIGN_ROOM : OVERFLOW_ROOM;
    uint64_t page = align_down(va, MEM_PAGE), lowest = t->stack_region + room + GUARD;
    bool last = page <= lowest;
    uint64_t limit =
        last ? t->stack_region + MEM_PAGE : MAX(page - MIN(page, (uint64_t)GROW_BY), lowest);
    uint64_t base = limit, size = page - limit;
    if (size)
        mem_commit(p->mem, &base, &size, PAGE_READWRITE);
    t->stack_limit = limit;
    if (!last) {
        base = limit - GUARD;
        size = GUARD;
        mem_commit(p->mem, &base, &size, PAGE_READWRITE | PAGE_GUARD);
    }
    win_put_ptr(p, t->teb + o->teb.stack_limit, limit);
    return !last;
}

bool win_stack_touch(struct nt_kernel *k, struct nt_thread *t, uint64_t va, size_t len)
{
    win_stack_current(k, t);
    uint64_t guard = t->stack_limit - GUARD;
    /* The guest may have put the guard elsewhere in its stack, as _resetstkoflw does. */
    if (va >= t->stack_limit && va < t->stack_base)
        guard = align_down(va, MEM_PAGE);
    else if (va >= t->stack_limit || va + len <= guard || guard < t->stack_region)
        return false;
    win_stack_grow(k, t, guard);
    return true;
}

static ntstatus make_teb(struct nt_process *p, struct nt_thread *t)
{
    const struct win_offsets *o = win_offsets_of(p->ptr_size);
    uint64_t size = o->teb.size, teb = 0;
    struct mem_place place = {.top_down = true, .highest = 0x7ffcffff};
    ntstatus s = mem_reserve(p->mem, &teb, &size, PAGE_READWRITE, true, &place);
    if (s && p->ptr_size == 8) /* many threads: their stacks have filled what is below */
        s = mem_reserve(p->mem, &teb, &size, PAGE_READWRITE, true, NULL);
    if (s)
        return s;
    t->teb = teb;
    uint64_t none = p->ptr_size == 4 ? 0xffffffff : 0;
    struct {
        uint64_t at, value;
    } fields[] = {
        {o->teb.exception_list, none},
        {o->teb.stack_base, t->stack_base},
        {o->teb.stack_limit, t->stack_limit},
        {o->teb.self, teb},
        {o->teb.process_id, p->pid},
        {o->teb.thread_id, t->tid},
        {o->teb.real_process_id, p->pid},
        {o->teb.real_thread_id, t->tid},
        {o->teb.peb, p->peb},
        {o->teb.activation_stack_pointer, teb + o->teb.activation_stack},
        {o->teb.frame_list, teb + o->teb.frame_list},
        {o->teb.frame_list + p->ptr_size, teb + o->teb.frame_list},
        {o->teb.static_string + p->ptr_size, teb + o->teb.static_buffer},
        {o->teb.deallocation_stack, t->stack_region},
    };
    for (size_t i = 0; i < ARRAY_LEN(fields) && !s; i++)
        s = win_put_ptr(p, teb + fields[i].at, fields[i].value);
    if (!s && p->ptr_size == 4) /* WOW32Reserved: some stubs go through it */
        s = win_put_ptr(p, teb + TEB32_WOW32_RESERVED,
                        win_gate_base(4) + WIN_GATE_SERVICE * WIN_GATE_STEP);
    if (!s)
        s = win_put(p, teb + o->teb.static_string + 2, STATIC_BUFFER_UNITS * 2, 2);
    return s ? s : win_put(p, teb + o->teb.locale, 0x409, 4);
}

/* The loader is entered with a CONTEXT of how the thread goes on afterwards. */
static ntstatus enter64(struct nt_process *p, struct nt_thread *t)
{
    uint8_t ctx[X86_CTX_SIZE64] = {0};
    struct x86_state after;
    uint64_t at = align_down(t->stack_base - 0x28, 16) - X86_CTX_SIZE64;
    x86_state_init(&after, 8);
    after.rip = p->rtl_user_thread_start ? p->rtl_user_thread_start : t->start_address;
    after.gpr[X86_RCX] = t->start_address;
    after.gpr[X86_RDX] = t->start_parameter;
    after.gpr[X86_RSP] = t->stack_base - 0x28;
    x86_context_get(&after, 8, X86_CTX_FULL64 | X86_CTX_SEGMENTS, ctx);
    x86_state_init(&t->cpu, 8);
    t->cpu.gs_base = t->teb;
    t->cpu.rip = p->ldr_init_thunk;
    t->cpu.gpr[X86_RCX] = at;
    t->cpu.gpr[X86_RDX] = p->ntdll_base;
    t->cpu.gpr[X86_RSP] = at - 8;
    return mem_write(p->mem, at, ctx, sizeof ctx);
}

static ntstatus enter32(struct nt_process *p, struct nt_thread *t)
{
    uint8_t ctx[X86_CTX_SIZE32] = {0};
    struct x86_state after;
    uint32_t at = (uint32_t)align_down(t->stack_base - 0x10 - X86_CTX_SIZE32, 16);
    x86_state_init(&after, 4);
    after.rip = p->rtl_user_thread_start ? p->rtl_user_thread_start : t->start_address;
    after.gpr[X86_RAX] = t->start_address;
    after.gpr[X86_RBX] = t->start_parameter;
    after.gpr[X86_RSP] = t->stack_base - 0x10;
    x86_context_get(&after, 4,
                    X86_CTX_CONTROL | X86_CTX_INTEGER | X86_CTX_SEGMENTS | X86_CTX_FLOAT |
                        X86_CTX_EXTENDED,
                    ctx);
    x86_state_init(&t->cpu, 4);
    t->cpu.fs_base = t->teb;
    t->cpu.rip = p->ldr_init_thunk;
    t->cpu.gpr[X86_RSP] = at - 12;
    uint32_t frame[3] = {0, at, (uint32_t)p->ntdll_base};
    ntstatus s = mem_write(p->mem, at - 12, frame, sizeof frame);
    return s ? s : mem_write(p->mem, at, ctx, sizeof ctx);
}

ntstatus win_thread_start(struct nt_kernel *k, struct nt_thread *t, uint64_t stack_reserve,
                          uint64_t stack_commit)
{
    struct nt_process *p = nt_process_get(k, t->process);
    ntstatus s = make_stack(k, p, t, stack_reserve, stack_commit);
    if (!s)
        s = make_teb(p, t);
    if (!s)
        s = p->ptr_size == 4 ? enter32(p, t) : enter64(p, t);
    if (s)
        win_thread_stop(k, t);
    return s;
}

/* Whether the loader still has the TEB in a list. It has when the thread ended from outside, where
 * Wine's ntdll counts on the TEB staying readable. */
static bool teb_is_listed(const struct nt_process *p, uint64_t teb)
{
    uint64_t at = teb + win_offsets_of(p->ptr_size)->teb.tls_links, next = 0, back = 0;
    return mem_peek(p->mem, at, &next, p->ptr_size) && next &&
           mem_peek(p->mem, next + p->ptr_size, &back, p->ptr_size) && back == at;
}

void win_thread_stop(struct nt_kernel *k, struct nt_thread *t)
{
    struct nt_process *p = nt_process_get(k, t->process);
    uint64_t base = t->stack_region, size = 0;
    if (p->ending)
        return; /* the whole space goes */
    if (t->stack_region)
        mem_release(p->mem, &base, &size);
    base = t->teb;
    size = 0;
    if (t->teb && !teb_is_listed(p, t->teb))
        mem_release(p->mem, &base, &size);
    t->stack_region = t->teb = 0;
}
