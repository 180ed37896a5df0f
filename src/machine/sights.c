// SPDX-License-Identifier: GPL-2.0-or-later
/* Hooks on code and memory as they are used: what engines are asked to watch, and what of it is
 * told. */
#include "machine/breaks.h"
#include "machine/events_internal.h"
#include "base/bits.h"
#include "nt/call.h"

#include <stdlib.h>

/* ---- What is watched
 * --------------------------------------------------------------------------------------------------
 */

static enum cpu_watch_kind watch_kind(enum pgr_hook_kind kind)
{
    switch (kind) {
    case PGR_HOOK_BLOCK:
        return CPU_WATCH_BLOCK;
    case PGR_HOOK_READ:
        return CPU_WATCH_READ;
    case PGR_HOOK_WRITE:
        return CPU_WATCH_WRITE;
    case PGR_HOOK_READ_AFTER:
        return CPU_WATCH_READ_AFTER;
    case PGR_HOOK_CPUID:
        return CPU_WATCH_CPUID;
    default:
        return CPU_WATCH_CODE;
    }
}

static int compare(const void *a, const void *b)
{
    const struct cpu_watch *x = a, *y = b;
    if (x->kind != y->kind)
        return x->kind < y->kind ? -1 : 1;
    return (x->first > y->first) - (x->first < y->first);
}

typedef VEC(struct cpu_watch) watch_list;

static void add(watch_list *list, const struct event_hook *h, bool breaks)
{
    bool is_break = breaks && h->hook.kind == PGR_HOOK_CODE && h->hook.first == h->hook.last;
    if (h->hook.kind <= PGR_HOOK_CPUID && !h->removed && !is_break)
        vec_push(list, (struct cpu_watch){watch_kind(h->hook.kind), h->hook.first, h->hook.last});
}

/* Ranges that overlap become one: each sight is told of once. */
static void merge(watch_list *list)
{
    size_t n = 0;
    if (list->len)
        qsort(list->data, list->len, sizeof *list->data, compare);
    vec_foreach (w, list) {
        struct cpu_watch *last = n ? &list->data[n - 1] : NULL;
        if (last && last->kind == w->kind && w->first <= last->last)
            last->last = MAX(last->last, w->last);
        else
            list->data[n++] = *w;
    }
    list->len = n;
}

pgr_status events_watch(struct pgr_machine *m, struct pgr_error *e)
{
    watch_list list = {0};
    bool breaks = !(m->ops->caps & CPU_CAP_OBSERVE);
    if (m->events) {
        vec_foreach (h, &m->events->all)
            add(&list, *h, breaks);
        vec_foreach (h, &m->events->added)
            add(&list, *h, breaks);
    }
    pgr_status shown = breaks_show(m, breaks, e);
    merge(&list);
    pgr_status s = cpu_watch(m->engine, list.data, list.len);
    vec_free(&list);
    if (shown)
        return shown;
    if (s == PGR_E_UNSUPPORTED)
        return err_set(e, PGR_E_ENGINE,
                       "engine %s cannot tell what code and memory are used; %s can", m->ops->name,
                       machine_engines_with(CPU_CAP_OBSERVE));
    return s ? err_set(e, s, "engine %s cannot watch so much", m->ops->name) : PGR_OK;
}

/* ---- What is told
 * --------------------------------------------------------------------------------------------------
 */

static bool is_data(enum cpu_watch_kind kind)
{
    return kind == CPU_WATCH_READ || kind == CPU_WATCH_WRITE || kind == CPU_WATCH_READ_AFTER;
}

static uint64_t stack_pointer(const struct nt_thread *t)
{
    return t->cpu.gpr[X86_RSP];
}

/* Whether t comes back to an instruction of which it was told. */
static bool comes_back(struct pgr_machine *m, struct nt_thread *t, const struct cpu_sight *sight)
{
    struct events *ev = m->events;
    unsigned bit = 1u << sight->kind;
    for (size_t i = 0; i < ev->again.len; i++) {
        struct told *a = &ev->again.data[i];
        if (a->thread != t->tid)
            continue;
        cpu_sync(m->engine, &t->cpu);
        bool same = a->ip == sight->ip && a->sp == stack_pointer(t) && (a->kinds & bit);
        a->kinds &= ~bit;
        if (!same || !a->kinds)
            vec_remove(&ev->again, i);
        return same;
    }
    return false;
}

static void note(struct told *told, const struct nt_thread *t, const struct cpu_sight *sight)
{
    unsigned bit = 1u << sight->kind;
    bool same = told->thread == t->tid && told->ip == sight->ip && !(told->kinds & bit);
    *told = (struct told){t->tid, sight->ip, 0, same ? told->kinds | bit : bit};
}

void events_skip(struct pgr_machine *m, const struct nt_thread *t)
{
    const struct told *last = &m->events->told;
    bool same = last->thread == t->tid && last->ip == t->cpu.rip;
    vec_push(&m->events->again, (struct told){t->tid, t->cpu.rip, stack_pointer(t),
                                              same ? last->kinds : 1u << CPU_WATCH_CODE});
}

static bool ask(struct pgr_machine *m, const struct nt_thread *t, const struct cpu_sight *sight,
                enum pgr_hook_kind kind, unsigned access)
{
    struct pgr_event e = {.kind = kind,
                          .thread = t->tid,
                          .ip = sight->ip,
                          .address = sight->address,
                          .size = sight->size,
                          .value = sight->value,
                          .access = access};
    return events_ask(m, &e);
}

static bool tell(struct pgr_machine *m, const struct nt_thread *t, const struct cpu_sight *sight)
{
    switch (sight->kind) {
    case CPU_WATCH_CODE:
        ask(m, t, sight, PGR_HOOK_CODE, PGR_X);
        ask(m, t, sight, PGR_HOOK_FETCH, PGR_X);
        return false;
    case CPU_WATCH_BLOCK:
        ask(m, t, sight, PGR_HOOK_BLOCK, PGR_X);
        return false;
    case CPU_WATCH_READ:
        ask(m, t, sight, PGR_HOOK_READ, PGR_R);
        return false;
    case CPU_WATCH_WRITE:
        ask(m, t, sight, PGR_HOOK_WRITE, PGR_W);
        return false;
    case CPU_WATCH_READ_AFTER:
        ask(m, t, sight, PGR_HOOK_READ_AFTER, PGR_R);
        return false;
    case CPU_WATCH_CPUID:
        return ask(m, t, sight, PGR_HOOK_CPUID, 0);
    }
    return false;
}

/* The run is over, or something has to happen outside of the engine: before the instruction. */
static enum cpu_sight_answer stop(struct pgr_machine *m, struct machine_worker *w,
                                  const struct cpu_sight *sight)
{
    if (is_data(sight->kind))
        return CPU_SIGHT_STOP;
    cpu_sync(m->engine, &w->t->cpu);
    if (!w->point && w->t->cpu.rip == sight->ip)
        events_skip(m, w->t);
    return CPU_SIGHT_STOP;
}

enum cpu_sight_answer events_sight(void *ctx, struct x86_state *st, const struct cpu_sight *sight)
{
    struct pgr_machine *m = ctx;
    struct machine_worker *w = machine_worker_self(m);
    struct events *ev = m->events;
    if (!ev || (ev->again.len && !is_data(sight->kind) && comes_back(m, w->t, sight)))
        return CPU_SIGHT_GO_ON;
    note(&ev->told, w->t, sight);
    w->in_handler = w->in_sight = true;
    bool done = tell(m, w->t, sight);
    w->in_handler = w->in_sight = false;
    if (done) /* when the run is over, the next look at the flags ends it */
        return CPU_SIGHT_DONE;
    return m->stop_requested || w->point ? stop(m, w, sight) : CPU_SIGHT_GO_ON;
}
