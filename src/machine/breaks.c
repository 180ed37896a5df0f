// SPDX-License-Identifier: GPL-2.0-or-later
#include "machine/breaks.h"
#include "arch/displace.h"
#include "arch/opcode.h"
#include "base/bits.h"
#include "mem/space.h"
#include "nt/call.h"

#include <stdlib.h>
#include <string.h>

enum { INT3 = 0xcc, SLOT = 64, NEAR = 1 << 30 };

struct brk {
    uint64_t at;
    unsigned users;
    bool set;
    uint8_t code[X86_INSN_MAX]; /* that stands there, but for the int3 */
    uint64_t slot;              /* where it runs; 0: not made yet */
    struct x86_displaced moved;
};

struct slots { /* a page of places */
    uint64_t base;
    unsigned used;
};

struct breaks {
    VEC(struct brk) all; /* without users too, while threads may be in their slots */
    VEC(struct slots) pages;
    bool hidden;
};

static struct brk *find(const struct pgr_machine *m, uint64_t at)
{
    if (m->breaks)
        vec_foreach (b, &m->breaks->all)
            if (b->at == at)
                return b;
    return NULL;
}

static bool is_wide(const struct pgr_machine *m)
{
    return m->p->ptr_size == 8;
}

/* ---- Places
 * -----------------------------------------------------------------------------------------------
 */

static bool is_near(uint64_t a, uint64_t b)
{
    return (a > b ? a - b : b - a) < NEAR;
}

/* Near enough that 32 bits lead from there to wherever the instruction does. */
static uint64_t new_slot(struct pgr_machine *m, uint64_t at)
{
    vec_foreach (s, &m->breaks->pages)
        if (is_near(s->base, at) && s->used < MEM_PAGE / SLOT)
            return s->base + SLOT * s->used++;
    struct mem_place place = {.lowest = at > NEAR ? at - NEAR / 2 : 0, .highest = at + NEAR / 2};
    uint64_t base = 0, size = MEM_PAGE;
    place.lowest = MAX(place.lowest, MEM_GRANULARITY);
    place.highest = MIN(place.highest, mem_highest(m->p->mem));
    if (mem_reserve(m->p->mem, &base, &size, PAGE_EXECUTE_READ, true, &place))
        return 0;
    vec_push(&m->breaks->pages, (struct slots){base, 1});
    return base;
}

static bool make_slot(struct pgr_machine *m, struct brk *b)
{
    uint8_t code[X86_INSN_MAX] = {0};
    size_t n = sizeof code;
    while (n && !mem_peek(m->p->mem, b->at, code, n))
        n--;
    if (b->slot && !memcmp(code, b->code, sizeof code))
        return true;
    uint64_t slot = n ? new_slot(m, b->at) : 0;
    if (!slot || !x86_displace(code, n, is_wide(m), b->at, slot, &b->moved) ||
        mem_poke(m->p->mem, slot, b->moved.code, b->moved.size))
        return false;
    b->slot = slot; /* threads may be in the one before, which stays */
    memcpy(b->code, code, sizeof code);
    return true;
}

/* ---- Setting
 * --------------------------------------------------------------------------------------------- */

static bool is_code(const struct pgr_machine *m, uint64_t at)
{
    uint8_t byte;
    return m->p && mem_peek(m->p->mem, at, &byte, 1);
}

static bool set(struct pgr_machine *m, struct brk *b)
{
    static const uint8_t int3 = INT3;
    if (b->set || !b->users || m->breaks->hidden || !is_code(m, b->at))
        return true;
    if (!make_slot(m, b))
        return false;
    b->set = !mem_poke(m->p->mem, b->at, &int3, 1);
    return b->set;
}

static void clear(struct pgr_machine *m, struct brk *b)
{
    uint8_t now;
    if (b->set && mem_peek(m->p->mem, b->at, &now, 1) && now == INT3)
        mem_poke(m->p->mem, b->at, b->code, 1);
    b->set = false;
}

static pgr_status refuse(const struct pgr_machine *m, const struct brk *b, struct pgr_error *e)
{
    return err_set(e, PGR_E_ENGINE,
                   "engine %s cannot hook 0x%llx, since the instruction there does not work "
                   "elsewhere; %s can",
                   m->ops->name, (unsigned long long)b->at, machine_engines_with(CPU_CAP_OBSERVE));
}

pgr_status breaks_add(struct pgr_machine *m, uint64_t at, struct pgr_error *e)
{
    if (!m->breaks) {
        m->breaks = xcalloc(1, sizeof *m->breaks);
        m->breaks->hidden = m->ops->caps & CPU_CAP_OBSERVE;
    }
    if (!find(m, at))
        vec_push(&m->breaks->all, (struct brk){.at = at});
    struct brk *b = find(m, at);
    b->users++;
    if (set(m, b))
        return PGR_OK;
    b->users--;
    return refuse(m, b, e);
}

void breaks_remove(struct pgr_machine *m, uint64_t at)
{
    struct brk *b = find(m, at);
    if (b && b->users && !--b->users)
        clear(m, b);
}

pgr_status breaks_show(struct pgr_machine *m, bool on, struct pgr_error *e)
{
    pgr_status s = PGR_OK;
    if (!m->breaks)
        return s;
    m->breaks->hidden = !on;
    vec_foreach (b, &m->breaks->all)
        if (!on)
            clear(m, b);
        else if (!set(m, b))
            s = refuse(m, b, e);
    return s;
}

void breaks_look(struct pgr_machine *m)
{
    if (!m->breaks)
        return;
    vec_foreach (b, &m->breaks->all) {
        b->set = b->set && is_code(m, b->at);
        set(m, b);
    }
}

void breaks_destroy(struct breaks *b)
{
    if (!b)
        return;
    vec_free(&b->all);
    vec_free(&b->pages);
    free(b);
}

/* ---- Running
 * ---------------------------------------------------------------------------------------------- */

bool breaks_hit(struct pgr_machine *m, struct nt_thread *t, const struct cpu_exit *x)
{
    if (x->kind != CPU_EXIT_EXCEPTION || x->vector != X86_VEC_BP)
        return false;
    const struct brk *b = find(m, t->cpu.rip - 1);
    uint8_t now = INT3;
    if (b && !b->set) /* it may have gone while t was on its way here */
        mem_peek(m->p->mem, b->at, &now, 1);
    if (!b || (!b->set && now == INT3))
        return false;
    t->cpu.rip--;
    return true;
}

unsigned breaks_length(const struct pgr_machine *m, uint64_t at)
{
    const struct brk *b = find(m, at);
    return b ? b->moved.length : 0;
}

void breaks_step_over(struct pgr_machine *m, struct nt_thread *t)
{
    const struct brk *b = find(m, t->cpu.rip);
    if (b && b->set)
        t->cpu.rip = b->slot;
}

void breaks_settle(struct pgr_machine *m, struct nt_thread *t)
{
    if (m->breaks)
        vec_foreach (b, &m->breaks->all) {
            if (b->slot && t->cpu.rip == b->slot)
                t->cpu.rip = b->at;
            else if (b->slot && b->moved.plain && t->cpu.rip == b->slot + b->moved.length)
                t->cpu.rip = b->at + b->moved.length;
        }
}

/* ---- The host's view
 * ---------------------------------------------------------------------------------------------- */

void breaks_read(const struct pgr_machine *m, uint64_t at, void *data, size_t size)
{
    if (m->breaks)
        vec_foreach (b, &m->breaks->all)
            if (b->set && b->at - at < size && ((uint8_t *)data)[b->at - at] == INT3)
                ((uint8_t *)data)[b->at - at] = b->code[0];
}

void breaks_written(struct pgr_machine *m, uint64_t at, size_t size)
{
    if (m->breaks)
        vec_foreach (b, &m->breaks->all)
            if (b->set && (b->at - at < size || at - b->at < X86_INSN_MAX)) {
                if (b->at - at >= size)
                    clear(m, b);
                b->set = false;
                set(m, b);
            }
}
