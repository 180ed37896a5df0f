// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * From one engine to the next in a running machine. Engines own nothing, so this is: everybody out,
 * the old one tells which pages were written, and a new one begins with what the machine has.
 */
#include "base/utf.h"
#include "machine/breaks.h"
#include "machine/machine.h"
#include "mem/space.h"
#include "nt/call.h"

#include <sched.h>
#include <strings.h>

static const struct plan_step *next_step(const struct pgr_machine *m)
{
    return m->step + 1 < m->plan.steps.len ? &m->plan.steps.data[m->step + 1] : NULL;
}

/* What the next point is; PLAN_START: there is none, or it was reached already. */
static enum plan_point waiting_for(const struct pgr_machine *m)
{
    const struct plan_step *next = next_step(m);
    return next && !m->handover ? next->point : PLAN_START;
}

static void reached(struct pgr_machine *m)
{
    m->handover = true;
    machine_call_workers(m);
}

/* ---- Points ------------------------------------------------------------------------------------
 */

void machine_point_service(struct pgr_machine *m, uint32_t number)
{
    if (waiting_for(m) != PLAN_SERVICE || number >= m->k->service_count)
        return;
    const struct nt_service *s = m->k->service_table[number];
    if (s && !strcmp(s->name, next_step(m)->name))
        reached(m);
}

/* An int3 stands at the address, as soon as something is mapped there. */
static void arm(struct pgr_machine *m)
{
    static const uint8_t int3 = 0xcc;
    if (waiting_for(m) != PLAN_ADDRESS || m->point_armed)
        return;
    uint64_t at = next_step(m)->value;
    m->point_armed =
        mem_peek(m->p->mem, at, &m->point_byte, 1) && !mem_poke(m->p->mem, at, &int3, 1);
}

bool machine_point_address(struct pgr_machine *m, struct x86_state *st, const struct cpu_exit *x)
{
    if (waiting_for(m) != PLAN_ADDRESS || !m->point_armed || x->kind != CPU_EXIT_EXCEPTION ||
        x->vector != X86_VEC_BP || st->rip != next_step(m)->value + 1)
        return false;
    st->rip--;
    mem_poke(m->p->mem, st->rip, &m->point_byte, 1);
    m->point_armed = false;
    reached(m);
    return true;
}

bool machine_point_count(struct pgr_machine *m, uint64_t *left)
{
    if (waiting_for(m) != PLAN_COUNT)
        return false;
    uint64_t done = pgr_machine_instructions(m) - m->step_began, at = next_step(m)->value;
    *left = at > done ? at - done : 0;
    if (!*left)
        reached(m);
    return true;
}

static void on_image(void *ctx, struct nt_process *p, uint64_t base, uint64_t size,
                     const uint16_t *path, size_t path_len, bool mapped)
{
    struct pgr_machine *m = ctx;
    if (m->hooks)
        hooks_image(m->hooks, p, base, size, path, path_len, mapped);
    if (!m->p)
        return;
    breaks_look(m);
    if (!mapped)
        return;
    arm(m);
    if (waiting_for(m) != PLAN_MODULE || !path)
        return;
    size_t at = path_len;
    while (at && path[at - 1] != '\\')
        at--;
    char *name = utf16_to_utf8(path + at, path_len - at, NULL);
    if (!strcasecmp(name, next_step(m)->name))
        reached(m);
    free(name);
}

void machine_points_begin(struct pgr_machine *m)
{
    m->k->on_image = on_image;
    m->k->on_image_ctx = m;
    m->step_began = pgr_machine_instructions(m);
    arm(m);
}

/* ---- The change --------------------------------------------------------------------------------
 */

/* pgr_machine_stop may be looking at the engine, in another host thread. */
void machine_retire_engine(struct pgr_machine *m)
{
    struct cpu_engine *old = m->engine;
    cpu_collect_dirty(old);
    m->instructions += cpu_instructions(old);
    m->engine = NULL;
    while (m->stoppers)
        sched_yield();
    cpu_destroy(old);
}

static pgr_status change(struct pgr_machine *m, const struct cpu_engine_ops *ops,
                         struct pgr_error *e)
{
    machine_retire_engine(m);
    m->ops = ops;
    pgr_status s = machine_make_engine(m, e);
    return s == PGR_E_UNSUPPORTED ? e->status = PGR_E_ENGINE : s;
}

pgr_status machine_hand_over(struct pgr_machine *m, struct pgr_error *e)
{
    m->handover = false;
    m->step++;
    pgr_status s = change(m, m->plan.steps.data[m->step].ops, e);
    if (!s)
        machine_points_begin(m);
    return s;
}

pgr_status pgr_machine_hand_over(struct pgr_machine *m, const char *engine, struct pgr_error *err)
{
    struct pgr_error own;
    err = err ? err : &own;
    const struct cpu_engine_ops *ops;
    pgr_status s = machine_plan_find(&m->plan, engine, !m->k->clock.host, &ops, err);
    if (s)
        return s;
    if (m->engine)
        return change(m, ops, err);
    m->ops = ops;
    return PGR_OK;
}
