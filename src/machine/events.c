// SPDX-License-Identifier: GPL-2.0-or-later
/* Hooks on what is no call: who is there, and who is asked. What is told is here for what
 * the kernel does, in sights.c while code runs, in traps.c where it ends in the kernel. */
#include "machine/breaks.h"
#include "machine/events_internal.h"
#include "base/bits.h"
#include "nt/mm/mm.h"

#include <stdlib.h>
#include <string.h>

static const char *const names[PGR_HOOK_KINDS] = {
    [PGR_HOOK_CODE] = "code",
    [PGR_HOOK_BLOCK] = "block",
    [PGR_HOOK_FETCH] = "fetch",
    [PGR_HOOK_READ] = "read",
    [PGR_HOOK_WRITE] = "write",
    [PGR_HOOK_READ_AFTER] = "read-after",
    [PGR_HOOK_CPUID] = "cpuid",
    [PGR_HOOK_RDTSC] = "rdtsc",
    [PGR_HOOK_IN] = "in",
    [PGR_HOOK_OUT] = "out",
    [PGR_HOOK_SYSCALL] = "syscall",
    [PGR_HOOK_INTERRUPT] = "interrupt",
    [PGR_HOOK_INVALID_INSTRUCTION] = "invalid-instruction",
    [PGR_HOOK_READ_UNMAPPED] = "read-unmapped",
    [PGR_HOOK_WRITE_UNMAPPED] = "write-unmapped",
    [PGR_HOOK_FETCH_UNMAPPED] = "fetch-unmapped",
    [PGR_HOOK_READ_PROTECTED] = "read-protected",
    [PGR_HOOK_WRITE_PROTECTED] = "write-protected",
    [PGR_HOOK_FETCH_PROTECTED] = "fetch-protected",
    [PGR_HOOK_EXCEPTION] = "exception",
    [PGR_HOOK_SERVICE] = "service",
    [PGR_HOOK_MODULE_LOAD] = "module-load",
    [PGR_HOOK_MODULE_UNLOAD] = "module-unload",
    [PGR_HOOK_THREAD_START] = "thread-start",
    [PGR_HOOK_THREAD_END] = "thread-end",
    [PGR_HOOK_PROCESS_START] = "process-start",
    [PGR_HOOK_PROCESS_END] = "process-end",
};

const char *pgr_hook_kind_name(enum pgr_hook_kind kind)
{
    return (unsigned)kind < PGR_HOOK_KINDS ? names[kind] : NULL;
}

/* ---- Asking
 * ---------------------------------------------------------------------------------------------- */

static void enter_in_order(struct events *ev, struct event_hook *h)
{
    size_t at = ev->all.len;
    while (at && ev->all.data[at - 1]->hook.order > h->hook.order)
        at--;
    vec_insert(&ev->all, at, h);
}

/* What came and went while somebody went through the list. */
static void settle(struct events *ev)
{
    for (size_t i = ev->all.len; ev->swept && i-- > 0;)
        if (ev->all.data[i]->removed) {
            free(ev->all.data[i]);
            vec_remove(&ev->all, i);
        }
    ev->swept = false;
    vec_foreach (h, &ev->added)
        enter_in_order(ev, *h);
    ev->added.len = 0;
}

bool events_ask(struct pgr_machine *m, struct pgr_event *e)
{
    struct events *ev = m->events;
    bool done = false;
    ev->depth++;
    for (size_t i = 0; i < ev->all.len && !done; i++) {
        const struct event_hook *h = ev->all.data[i];
        if (h->hook.kind == e->kind && !h->removed && e->address >= h->hook.first &&
            e->address <= h->hook.last)
            done = h->hook.handler(m, e, h->hook.ctx);
    }
    if (!--ev->depth && (ev->swept || ev->added.len))
        settle(ev);
    return done;
}

bool events_any(const struct pgr_machine *m, enum pgr_hook_kind kind)
{
    return m->events->count[kind] != 0;
}

/* ---- What the kernel does
 * --------------------------------------------------------------------------------------------- */

static void on_image(void *ctx, struct nt_process *p, uint64_t base, uint64_t size,
                     const uint16_t *path, size_t path_len, bool mapped)
{
    struct pgr_machine *m = ctx;
    enum pgr_hook_kind kind = mapped ? PGR_HOOK_MODULE_LOAD : PGR_HOOK_MODULE_UNLOAD;
    if (!events_any(m, kind))
        return;
    char *dos = path ? nt_image_path(path, path_len) : xstrdup("");
    char *name = nt_image_name(dos);
    struct pgr_event e = {.kind = kind,
                          .thread = m->k->calling_tid,
                          .address = base,
                          .size = size - nt_image_room(m->k, p, base),
                          .name = name[0] ? name : NULL,
                          .path = dos[0] ? dos : NULL};
    events_ask(m, &e);
    free(name);
    free(dos);
}

static void on_thread(void *ctx, struct nt_thread *t, bool starts)
{
    struct pgr_machine *m = ctx;
    enum pgr_hook_kind kind = starts ? PGR_HOOK_THREAD_START : PGR_HOOK_THREAD_END;
    if (!events_any(m, kind))
        return;
    struct pgr_event e = {.kind = kind,
                          .thread = t->tid,
                          .ip = t->cpu.rip,
                          .address = t->start_address,
                          .code = starts ? 0 : (uint32_t)t->exit_status};
    events_ask(m, &e);
}

static void on_process_end(void *ctx, struct nt_process *p)
{
    struct pgr_machine *m = ctx;
    struct pgr_event e = {
        .kind = PGR_HOOK_PROCESS_END, .address = p->image_base, .code = (uint32_t)p->exit_status};
    events_ask(m, &e);
}

static void smallest_id(struct nt_kernel *k, struct nt_object *o, void *ctx)
{
    const struct nt_thread *t = (const struct nt_thread *)o;
    uint32_t *id = ctx;
    if (t->state != NT_THREAD_ENDED && (!*id || t->tid < *id))
        *id = t->tid;
}

static uint32_t first_thread(struct pgr_machine *m)
{
    uint32_t id = 0;
    nt_object_each(m->k, NT_TYPE_THREAD, smallest_id, &id);
    return id;
}

void events_begin(struct pgr_machine *m)
{
    if (!m->events || m->begun)
        return;
    struct pgr_event e = {
        .kind = PGR_HOOK_PROCESS_START, .thread = first_thread(m), .address = m->p->image_base};
    events_ask(m, &e);
}

static bool on_exception(void *ctx, struct nt_thread *t, const struct nt_exception *x)
{
    struct pgr_machine *m = ctx;
    struct pgr_event e = {.kind = PGR_HOOK_EXCEPTION,
                          .thread = t->tid,
                          .ip = t->cpu.rip,
                          .address = x->address,
                          .code = x->code,
                          .second_chance = !x->first_chance};
    return events_any(m, e.kind) && events_ask(m, &e);
}

/* ---- Hooking
 * ------------------------------------------------------------------------------------------------
 */

static struct events *events_of(struct pgr_machine *m)
{
    if (m->events)
        return m->events;
    struct events *ev = xcalloc(1, sizeof *ev);
    ev->watcher = (struct nt_watcher){
        .ctx = m, .image = on_image, .thread = on_thread, .process_end = on_process_end};
    nt_watch(m->k, &ev->watcher);
    m->k->on_exception = on_exception;
    m->k->on_exception_ctx = m;
    return m->events = ev;
}

static bool while_code_runs(enum pgr_hook_kind kind)
{
    return kind <= PGR_HOOK_CPUID;
}

/* What every engine can, one way or another. */
static bool is_break(const struct pgr_hook *h)
{
    return h->kind == PGR_HOOK_CODE && h->first == h->last;
}

static pgr_status check(struct pgr_machine *m, const struct pgr_hook *h, struct pgr_error *e)
{
    if (!pgr_hook_kind_name(h->kind))
        return err_set(e, PGR_E_ARGUMENT, "there is no kind of hook %u", (unsigned)h->kind);
    if (!h->handler)
        return err_set(e, PGR_E_ARGUMENT, "a hook of kind %s without a handler", names[h->kind]);
    if (h->first > h->last)
        return err_set(e, PGR_E_ARGUMENT,
                       "a hook of kind %s for 0x%llx to 0x%llx, which is no range", names[h->kind],
                       (unsigned long long)h->first, (unsigned long long)h->last);
    unsigned cap = while_code_runs(h->kind)    ? CPU_CAP_OBSERVE
                   : h->kind == PGR_HOOK_RDTSC ? CPU_CAP_RDTSC
                                               : 0;
    if (!cap || (m->ops->caps & cap) || is_break(h))
        return PGR_OK;
    struct pgr_error own;
    e = e ? e : &own;
    pgr_status s = err_set(e, PGR_E_ENGINE,
                           "engine %s cannot tell of %s; %s can: ask for it by name, or for "
                           "pgr_config.instrument",
                           m->ops->name, names[h->kind], machine_engines_with(cap));
    return machine_choose_engine(m, cap, e) ? PGR_OK : s;
}

static pgr_status removed(struct pgr_machine *m, const struct pgr_hook *h, struct pgr_error *e)
{
    if (is_break(h))
        breaks_remove(m, h->first);
    m->events->count[h->kind]--;
    return while_code_runs(h->kind) && m->engine ? events_watch(m, e) : PGR_OK;
}

static pgr_status added(struct pgr_machine *m, struct event_hook *h, struct pgr_error *e)
{
    const struct pgr_hook *k = &h->hook;
    pgr_status s = is_break(k) ? breaks_add(m, k->first, e) : PGR_OK;
    h->removed = s;
    if (s)
        return s;
    m->events->count[k->kind]++;
    s = while_code_runs(k->kind) && m->engine ? events_watch(m, e) : PGR_OK;
    h->removed = s;
    if (s)
        removed(m, k, NULL);
    return s;
}

pgr_status pgr_hook(struct pgr_machine *m, const struct pgr_hook *hook, uint32_t *id,
                    struct pgr_error *err)
{
    struct pgr_hook wanted = *hook;
    if (!wanted.first && !wanted.last)
        wanted.last = UINT64_MAX;
    pgr_status s = check(m, &wanted, err);
    if (s)
        return s;
    struct events *ev = events_of(m);
    struct event_hook *h = xcalloc(1, sizeof *h);
    h->hook = wanted;
    h->id = ++ev->last_id;
    if (ev->depth)
        vec_push(&ev->added, h);
    else
        enter_in_order(ev, h);
    s = added(m, h, err);
    ev->swept |= h->removed;
    if (!s && id)
        *id = h->id;
    return s;
}

static struct event_hook *find(struct events *ev, uint32_t id)
{
    for (size_t i = 0; i < ev->all.len + ev->added.len; i++) {
        struct event_hook *h = i < ev->all.len ? ev->all.data[i] : ev->added.data[i - ev->all.len];
        if (h->id == id && !h->removed)
            return h;
    }
    return NULL;
}

pgr_status pgr_unhook(struct pgr_machine *m, uint32_t id, struct pgr_error *err)
{
    struct events *ev = m->events;
    struct event_hook *h = ev ? find(ev, id) : NULL;
    if (!h)
        return err_set(err, PGR_E_NOT_FOUND, "there is no hook %u", id);
    struct pgr_hook was = h->hook;
    h->removed = ev->swept = true;
    if (!ev->depth)
        settle(ev);
    return removed(m, &was, err);
}

void events_destroy(struct pgr_machine *m)
{
    struct events *ev = m->events;
    if (!ev)
        return;
    nt_unwatch(m->k, &ev->watcher);
    m->k->on_exception = NULL;
    m->events = NULL;
    vec_foreach (h, &ev->all)
        free(*h);
    vec_free(&ev->all);
    vec_free(&ev->added);
    vec_free(&ev->again);
    free(ev);
}
