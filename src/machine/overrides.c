// SPDX-License-Identifier: GPL-2.0-or-later
/* Handlers of the user's around calls of API functions and services. */
#include "machine/overrides.h"
#include "base/bits.h"
#include "base/match.h"
#include "nt/call.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LISTENER = 1 };

struct override {
    uint32_t id;
    struct pgr_call_hook hook;
    char *module, *function; /* patterns; module NULL: any */
    struct point *point;     /* instead of these; NULL: they count */
    bool service, removed;
};

struct overrides {
    struct pgr_machine *m;
    struct api_table table;
    VEC(struct override *) all; /* in order; removed ones too: sets point to them */
    VEC(struct override_set *) sets;
    struct override_set **services; /* by index in nt_services */
    unsigned generation;
    uint32_t last_id;
};

const struct api_table *call_table(const struct pgr_call *c)
{
    return &c->m->overrides->table;
}

/* ---- Which handlers a function has
 * ------------------------------------------------------------------------ */

/* Modules are named without ".dll", functions without a name as "#17". */
static bool fits(const struct override *o, const char *module, const char *function)
{
    char bare[256];
    size_t len = strlen(module);
    if (o->removed || !match_wildcard(o->function, function))
        return false;
    if (!o->module || match_wildcard(o->module, module))
        return true;
    if (len < 5 || len >= sizeof bare || strcmp(module + len - 4, ".dll"))
        return false;
    memcpy(bare, module, len - 4);
    bare[len - 4] = 0;
    return match_wildcard(o->module, bare);
}

static const char *symbol_text(const struct hook_symbol *s, char out[16])
{
    if (s->name)
        return s->name;
    snprintf(out, 16, "#%u", s->ordinal);
    return out;
}

/* Functions are hooked by name or by address; what has an address only is in a module of its own.
 */
static bool acts_on(const struct override *o, const struct hook_symbol *s)
{
    char text[16];
    if (o->service || o->removed)
        return false;
    if (o->point || s->module->point)
        return o->point && s->module->point && point_address(o->point) == s->address;
    bool any = fits(o, s->module->name, symbol_text(s, text));
    for (const char *n = s->also; !any && n && *n; n += strlen(n) + 1)
        any = fits(o, s->module->name, n);
    return any;
}

/* Of a function, or of a service. */
static struct override_set *make_set(struct overrides *o, const struct hook_symbol *s,
                                     const struct nt_service *service)
{
    struct override_set *set = xcalloc(1, sizeof *set);
    char text[16];
    const char *function = s ? symbol_text(s, text) : service->name;
    enum api_found how;
    set->generation = o->generation;
    vec_foreach (it, &o->all)
        if (s ? acts_on(*it, s) : (*it)->service && fits(*it, "nt", function))
            vec_push(&set->list, *it);
    if (set->list.len && o->m->p)
        set->known = api_find(&o->table, function, o->m->p->ptr_size, &set->f, &how);
    vec_push(&o->sets, set);
    return set;
}

static const struct override_set *symbol_set(struct overrides *o, struct hook_symbol *s)
{
    struct override_set *set = s->user[LISTENER];
    if (set && set->generation == o->generation)
        return set;
    set = make_set(o, s, NULL);
    if (!s->name)
        symbol_text(s, set->ordinal_text);
    s->user[LISTENER] = set;
    return set;
}

static const struct override_set *service_set(struct overrides *o, const struct nt_service *service)
{
    struct override_set **set = &o->services[service - nt_services];
    if (!*set || (*set)->generation != o->generation)
        *set = make_set(o, NULL, service);
    return *set;
}

/* ---- API functions
 * -------------------------------------------------------------------------------------------- */

static bool wants(void *ctx, struct hook_symbol *s)
{
    struct overrides *o = ctx;
    vec_foreach (it, &o->all)
        if (acts_on(*it, s))
            return true;
    return false;
}

/* Whether it is to hear of this call. */
static bool hears(const struct override *o, const struct hook_call *c)
{
    return !o->removed && (!c || !c->by_system || o->hook.system_callers);
}

/* Before: true when one of them has answered. */
static bool run_before(struct pgr_call *c)
{
    for (size_t i = 0; i < c->set->list.len; i++) {
        struct override *o = c->set->list.data[i];
        if (o->hook.enter && hears(o, c->call))
            o->hook.enter(c, o->hook.ctx);
    }
    for (size_t i = 0; i < c->set->list.len; i++) {
        struct override *o = c->set->list.data[i];
        if (o->hook.call && hears(o, c->call) && o->hook.call(c, o->hook.ctx))
            return true;
    }
    return false;
}

static void run_after(struct pgr_call *c)
{
    c->over = true;
    for (size_t i = c->set->list.len; i-- > 0;) {
        struct override *o = c->set->list.data[i];
        if (o->hook.exit && hears(o, c->call))
            o->hook.exit(c, o->hook.ctx);
    }
}

/* The registers as the function would have left them. */
static void return_from(struct pgr_call *c)
{
    const struct nt_process *p = c->m->p;
    const struct overrides *o = c->m->overrides;
    uint64_t pops = c->set->known ? api_pops(&o->table, &c->set->f, p->ptr_size) : 0;
    c->t->cpu.rip = c->call->back;
    c->t->cpu.gpr[X86_RSP] = c->call->slot + p->ptr_size + pops;
}

static enum hook_answer enter(void *ctx, struct nt_thread *t, struct hook_call *call)
{
    struct overrides *o = ctx;
    struct pgr_call c = {.m = o->m, .t = t, .set = symbol_set(o, call->symbol), .call = call};
    if (!c.set->list.len)
        return HOOK_IGNORE;
    call->user = (void *)c.set;
    bool answered = run_before(&c);
    call_keep_args(&c);
    if (!answered)
        return HOOK_GO_ON;
    return_from(&c);
    call_store_result(&c);
    call->told |= 1u << LISTENER;
    return HOOK_ANSWERED;
}

static void leave(void *ctx, struct nt_thread *t, struct hook_call *call, bool unwound)
{
    struct overrides *o = ctx;
    struct pgr_call c = {.m = o->m, .t = t, .set = call->user, .call = call};
    if (!c.set || unwound) /* a call of before a snapshot was loaded; or there is no result */
        return;
    call_fetch_result(&c);
    run_after(&c);
}

static void forget(void *ctx, struct hook_symbol *s)
{
    struct overrides *o = ctx;
    for (size_t i = 0; i < o->sets.len; i++)
        if (o->sets.data[i] == s->user[LISTENER]) {
            vec_free(&o->sets.data[i]->list);
            free(o->sets.data[i]);
            o->sets.data[i] = o->sets.data[--o->sets.len];
            break;
        }
    s->user[LISTENER] = NULL;
}

/* ---- Services
 * ------------------------------------------------------------------------------------------------
 */

static bool before_service(void *ctx, struct nt_call *call, ntstatus *answer)
{
    struct overrides *o = ctx;
    struct pgr_call c = {
        .m = o->m, .t = call->t, .set = service_set(o, call->service), .service = call};
    if (!c.set->list.len || !run_before(&c))
        return false;
    *answer = (ntstatus)c.result;
    return true;
}

static void after_service(void *ctx, struct nt_call *call, ntstatus *status)
{
    struct overrides *o = ctx;
    struct pgr_call c = {.m = o->m,
                         .t = call->t,
                         .set = service_set(o, call->service),
                         .service = call,
                         .waits = call->t->state != NT_THREAD_RUNNING,
                         .result = *status};
    if (!c.set->list.len)
        return;
    run_after(&c);
    *status = (ntstatus)c.result;
}

/* ---- Hooking
 * ------------------------------------------------------------------------------------------------
 */

static struct overrides *overrides_of(struct pgr_machine *m)
{
    if (m->overrides)
        return m->overrides;
    struct overrides *o = xcalloc(1, sizeof *o);
    o->m = m;
    o->services = xcalloc(nt_service_total, sizeof(struct override_set *));
    api_builtin(&o->table);
    return m->overrides = o;
}

static void split(struct override *o, const char *name)
{
    const char *bang = strchr(name, '!');
    o->function = xstrdup(bang ? bang + 1 : name);
    if (bang) {
        o->module = xstrdup(name);
        o->module[bang - name] = 0;
    }
    o->service = o->module && !strcasecmp(o->module, "nt");
}

static pgr_status check_service(const struct override *o, struct pgr_error *e)
{
    const char **names = xmalloc(nt_service_total * sizeof *names);
    bool any = false;
    for (size_t i = 0; i < nt_service_total; i++) {
        names[i] = nt_services[i].name;
        any |= match_wildcard(o->function, names[i]);
    }
    const char *near = any ? NULL : match_nearest(o->function, names, nt_service_total);
    free(names);
    if (any)
        return PGR_OK;
    return err_set(e, PGR_E_ARGUMENT, "there is no service '%s'%s%s", o->function,
                   near ? ": did you mean nt!" : "", near ? near : "");
}

static pgr_status check(const struct pgr_machine *m, const struct override *o, struct pgr_error *e)
{
    const struct pgr_call_hook *h = &o->hook;
    if (!o->function[0] || (o->module && !o->module[0]))
        return err_set(e, PGR_E_ARGUMENT, "'%s' names no function: say kernel32!CreateFileW",
                       h->function);
    if (!h->enter && !h->call && !h->exit)
        return err_set(e, PGR_E_ARGUMENT, "a hook of %s without a handler", h->function);
    if (o->service)
        return check_service(o, e);
    if (!m->hooks)
        return err_set(e, PGR_E_STATE,
                       "API functions cannot be hooked: the machine was not made with "
                       "pgr_config.intercept");
    return PGR_OK;
}

static void free_override(struct override *o)
{
    point_destroy(o->point);
    free(o->module);
    free(o->function);
    free(o);
}

static void enter_in_order(struct overrides *all, struct override *o)
{
    size_t at = all->all.len;
    while (at && all->all.data[at - 1]->hook.order > o->hook.order)
        at--;
    vec_insert(&all->all, at, o);
    all->generation++;
}

static void listen(struct overrides *o, const struct override *added)
{
    struct nt_kernel *k = o->m->k;
    if (added->service) {
        k->on_service_enter = before_service;
        k->on_service_leave = after_service;
        k->override_ctx = o;
        return;
    }
    if (added->hook.system_callers)
        hooks_see_all(o->m->hooks);
    hooks_listen(o->m->hooks, LISTENER, &(struct hook_listener){o, wants, enter, leave, forget});
    if (!added->point)
        hooks_ask_again(o->m->hooks);
}

pgr_status pgr_hook_call(struct pgr_machine *m, const struct pgr_call_hook *hook, uint32_t *id,
                         struct pgr_error *err)
{
    struct override *o = xcalloc(1, sizeof *o);
    o->hook = *hook;
    split(o, hook->function ? hook->function : "");
    pgr_status s = check(m, o, err);
    if (!s && !o->service && point_is_named(hook->function))
        s = point_create(m, hook->function, &o->point, err);
    if (s) {
        free_override(o);
        return s;
    }
    struct overrides *all = overrides_of(m);
    o->hook.function = NULL;
    o->id = ++all->last_id;
    if (id)
        *id = o->id;
    enter_in_order(all, o);
    listen(all, o);
    return PGR_OK;
}

pgr_status pgr_unhook_call(struct pgr_machine *m, uint32_t id, struct pgr_error *err)
{
    for (size_t i = 0; m->overrides && i < m->overrides->all.len; i++) {
        struct override *o = m->overrides->all.data[i];
        if (o->id != id || o->removed)
            continue;
        o->removed = true;
        point_destroy(o->point);
        o->point = NULL;
        m->overrides->generation++;
        return PGR_OK;
    }
    return err_set(err, PGR_E_NOT_FOUND, "there is no hook %u", id);
}

void overrides_destroy(struct overrides *o)
{
    if (!o)
        return;
    vec_foreach (it, &o->all)
        free_override(*it);
    vec_foreach (set, &o->sets) {
        vec_free(&(*set)->list);
        free(*set);
    }
    vec_free(&o->all);
    vec_free(&o->sets);
    free(o->services);
    free(o);
}
