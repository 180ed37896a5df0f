// SPDX-License-Identifier: GPL-2.0-or-later
/* The two gates, and the calls between them. */
#include "base/ser.h"
#include "hook/internal.h"
#include "nt/mm/mm.h"
#include "win/win.h"

enum {
    CALLS_MAX = 1 << 16,  /* of one thread; deeper ones go on unseen */
    THREADS_KEPT = 64,    /* before those that ended are looked for */
    STACK_LIMIT_SLOT = 2, /* pointers from the beginning of a TEB */
};

struct gate {
    struct hooks *h;
    struct nt_process *p;
    struct nt_thread *t;
    struct hook_thread *ht;
    uint64_t sp;
    const struct cpu_record *record; /* of what is told of late; NULL: it is now */
};

/* ---- Threads
 * --------------------------------------------------------------------------------------------- */

void hook_thread_free(struct hook_thread *ht)
{
    vec_free(&ht->calls);
    free(ht);
}

static void forget_ended(struct hooks *h)
{
    for (size_t i = h->threads.len; i-- > 0;) {
        const struct nt_thread *t = nt_thread_get(h->k, h->threads.data[i]->thread);
        if (t && t->state != NT_THREAD_ENDED)
            continue;
        hook_thread_free(h->threads.data[i]);
        vec_remove(&h->threads, i);
    }
}

static struct hook_thread *find_thread(struct hooks *h, nt_id id)
{
    vec_foreach (ht, &h->threads)
        if ((*ht)->thread == id)
            return *ht;
    return NULL;
}

static void add_call(struct hook_thread *ht, const struct hook_call *c)
{
    ht->silent += !c->told;
    ht->touched = true;
    vec_reserve(&ht->calls, ht->calls.len + 1);
    hook_call_copy(&ht->calls.data[ht->calls.len++], c);
}

static void remove_call(struct hook_thread *ht, size_t i)
{
    ht->silent -= !ht->calls.data[i].told;
    ht->touched = true;
    vec_remove(&ht->calls, i);
}

static uint32_t depth_of(const struct hook_thread *ht)
{
    return (uint32_t)(ht->calls.len - ht->silent);
}

static struct hook_thread *thread_of(struct hooks *h, const struct nt_thread *t)
{
    struct hook_thread *ht = find_thread(h, t->o.id);
    if (ht)
        return ht;
    if (h->threads.len >= THREADS_KEPT)
        forget_ended(h);
    ht = xcalloc(1, sizeof *ht);
    ht->thread = t->o.id;
    vec_push(&h->threads, ht);
    return ht;
}

static uint64_t stack_pointer(const struct nt_process *p, const struct nt_thread *t)
{
    uint64_t sp = t->cpu.gpr[X86_RSP];
    return p->ptr_size == 4 ? (uint32_t)sp : sp;
}

/* ---- Slots
 * -----------------------------------------------------------------------------------------------
 */

/* What the guest's own code put into the slot: calls that a jump made share one. */
static uint64_t true_return(const struct hook_thread *ht, size_t i)
{
    const struct hook_call *c = &ht->calls.data[i];
    for (size_t j = i; j-- > 0 && c->back == hook_gate_address(GATE_RETURN);)
        if (ht->calls.data[j].slot == c->slot)
            c = &ht->calls.data[j];
    return c->back;
}

static bool write_slot(struct nt_process *p, uint64_t slot, uint64_t value)
{
    return !mem_write(p->mem, slot, &value, p->ptr_size);
}

/* The guest may look at its stack from here down. */
static void put_back(const struct gate *g)
{
    g->ht->touched = true;
    for (size_t i = 0; i < g->ht->calls.len; i++) {
        struct hook_call *c = &g->ht->calls.data[i];
        uint64_t now;
        if (c->armed && hook_peek_ptr(g->p, c->slot, &now) && now == hook_gate_address(GATE_RETURN))
            write_slot(g->p, c->slot, true_return(g->ht, i));
        c->armed = false;
    }
    if (g->sp > g->ht->calm)
        g->ht->calm = g->sp;
}

static void take_again(const struct gate *g)
{
    g->ht->touched = true;
    for (size_t i = 0; i < g->ht->calls.len; i++) {
        struct hook_call *c = &g->ht->calls.data[i];
        uint64_t now;
        if (!c->armed && hook_peek_ptr(g->p, c->slot, &now) && now == true_return(g->ht, i))
            c->armed = write_slot(g->p, c->slot, hook_gate_address(GATE_RETURN));
    }
    g->ht->calm = 0;
}

/* ---- The end of calls
 * ------------------------------------------------------------------------------------ */

static void tell_end(const struct gate *g, struct hook_call *c, bool unwound)
{
    c->process = g->p;
    for (unsigned i = HOOK_LISTENERS; i-- > 0;) {
        const struct hook_listener *l = &g->h->listeners[i];
        if (c->told & 1u << i && l->leave) /* a snapshot may have had a listener */
            l->leave(l->ctx, g->t, c, unwound);
    }
}

/* Calls whose slot lies below `sp` are over, if it is on the same stack: fibers and threads have
 * others. The TEB names the bounds of the one that is in use. */
static void drop_below(const struct gate *g, uint64_t sp)
{
    uint64_t limit = g->record ? g->record->stack : 0;
    struct hook_thread *ht = g->ht;
    for (size_t i = ht->calls.len; i-- > 0;) {
        struct hook_call c;
        if (ht->calls.data[i].slot >= sp)
            continue;
        if (!limit && !hook_peek_ptr(g->p, g->t->teb + STACK_LIMIT_SLOT * g->p->ptr_size, &limit))
            return;
        if (ht->calls.data[i].slot < limit)
            continue;
        hook_call_copy(&c, &ht->calls.data[i]);
        remove_call(ht, i);
        tell_end(g, &c, true);
    }
}

/* Another call has its return address where that of the last one was: it was left by a jump to the
 * function that made it, which makes this one. */
static bool replaced(const struct gate *g)
{
    const size_t n = g->ht->calls.len;
    const struct hook_call *c = &g->ht->calls.data[n - 1];
    uint64_t now, gate = hook_gate_address(GATE_RETURN);
    if (c->slot != g->sp || !hook_peek_ptr(g->p, c->slot, &now))
        return false;
    if (g->record) /* what stood there then */
        now = g->record->back;
    return now != (c->armed ? gate : true_return(g->ht, n - 1));
}

static void settle(const struct gate *g)
{
    if (g->ht->calls.len && g->ht->calls.data[g->ht->calls.len - 1].slot < g->sp)
        drop_below(g, g->sp);
    while (g->ht->calls.len && replaced(g)) {
        struct hook_call c = g->ht->calls.data[g->ht->calls.len - 1];
        remove_call(g->ht, g->ht->calls.len - 1);
        tell_end(g, &c, true);
    }
    if (g->ht->calm && g->sp > g->ht->calm)
        take_again(g);
}

/* ---- Entry
 * -----------------------------------------------------------------------------------------------
 */

static bool fail(struct nt_kernel *k, struct nt_thread *t, uint64_t address)
{
    struct nt_exception e = {.code = STATUS_ACCESS_VIOLATION,
                             .address = address,
                             .count = 2,
                             .info = {8, address},
                             .first_chance = true};
    if (!k->up.raise(k, t, &e))
        nt_process_end(k, nt_process_get(k, t->process), STATUS_ACCESS_VIOLATION);
    return !k->need_resched && t->state == NT_THREAD_RUNNING;
}

static void set_ip(const struct gate *g, uint64_t ip, uint64_t sp)
{
    g->t->cpu.rip = ip;
    g->t->cpu.gpr[X86_RSP] = sp;
}

/* The return address that code of the guest made: behind those that are gates of calls around. */
static uint64_t caller_of(const struct gate *g, uint64_t back)
{
    if (back != hook_gate_address(GATE_RETURN) || !g->ht->calls.len)
        return back;
    return true_return(g->ht, g->ht->calls.len - 1);
}

/* Who made the call. A function that ends in a jump to another one left its caller's return address
 * for that, which is a gate when the function was seen: then it is the function's module. */
static struct hook_module *calling_module(const struct gate *g, const struct hook_call *c)
{
    size_t n = g->ht->calls.len;
    const struct hook_call *last = n ? &g->ht->calls.data[n - 1] : NULL;
    if (last && c->back == hook_gate_address(GATE_RETURN) && last->slot == c->slot)
        return (struct hook_module *)last->symbol->module;
    return hooks_module_at(g->h, g->p, c->caller);
}

/* Whether somebody may want to hear of a call from there. */
static bool is_seen(const struct gate *g, struct hook_call *c)
{
    struct hook_module *m = calling_module(g, c);
    c->by_system = m && m->system;
    if (g->h->see_all || !c->by_system)
        return true;
    if (!m->unhooked)
        m->unhook = g->h->unhook = true;
    return false;
}

static void unhook(const struct gate *g)
{
    g->h->unhook = false;
    vec_foreach (m, &g->h->mapped) {
        if ((*m)->unhook && (*m)->process == g->p->o.id)
            hook_unhook_imports(g->h, g->p, *m);
        (*m)->unhook = false;
    }
}

static enum hook_answer tell_entry(const struct gate *g, struct hook_call *c)
{
    c->process = g->p;
    for (unsigned i = 0; i < HOOK_LISTENERS; i++) {
        const struct hook_listener *l = &g->h->listeners[i];
        if (!l->enter)
            continue;
        enum hook_answer a = l->enter(l->ctx, g->t, c);
        if (a == HOOK_GO_ON)
            c->told |= (uint8_t)(1u << i);
        if (a == HOOK_ANSWERED)
            return a;
    }
    return HOOK_GO_ON;
}

/* Whether all who want to hear of the function can do with records. */
static bool all_brief(const struct gate *g, struct hook_symbol *s, struct cpu_noted *f)
{
    bool any = false;
    for (unsigned i = 0; i < HOOK_LISTENERS; i++) {
        const struct hook_listener *l = &g->h->listeners[i];
        if (!l->enter || !l->wants(l->ctx, s))
            continue;
        if (!l->brief || !l->brief(l->ctx, s, f))
            return false;
        any = true;
    }
    return any;
}

/* From its second call on. */
static void note(const struct gate *g, struct hook_symbol *s, uint64_t thunk, uint64_t target)
{
    struct cpu_noted f = {.key = thunk, .target = target};
    if (!g->h->note || s->brief == HOOK_BRIEF_NO || s->kind != HOOK_PLAIN)
        return;
    s->brief = all_brief(g, s, &f) ? HOOK_BRIEF_YES : HOOK_BRIEF_NO;
    if (s->brief != HOOK_BRIEF_YES)
        return;
    g->h->noted = true;
    g->h->note(g->h->note_ctx, &f);
}

static void watch(const struct gate *g, struct hook_call *c)
{
    if (!c->told || g->ht->calls.len >= CALLS_MAX)
        return;
    c->armed = write_slot(g->p, c->slot, hook_gate_address(GATE_RETURN));
    add_call(g->ht, c);
}

static bool enter(struct gate *g, struct hook_symbol *s, uint64_t target)
{
    struct hook_call c;
    hook_call_clear(&c);
    c.symbol = s;
    c.slot = g->sp;
    c.began = nt_now(g->h->k);
    settle(g);
    if (!hook_peek_ptr(g->p, g->sp, &c.back))
        return fail(g->h->k, g->t, g->t->cpu.rip);
    c.caller = caller_of(g, c.back);
    c.depth = depth_of(g->ht);
    if (!s->module->point && !is_seen(g, &c))
        return true;
    if (s->kind == HOOK_WALKS)
        put_back(g);
    if (tell_entry(g, &c) == HOOK_ANSWERED)
        tell_end(g, &c, false); /* the function was not run: others hear of its end at once */
    else if (s->kind == HOOK_PLAIN && g->t->cpu.rip == target)
        watch(g, &c);
    return !g->h->k->need_resched;
}

/* A thunk called: what it pushed tells which one. */
static bool on_call(struct gate *g)
{
    uint64_t back;
    if (!hook_peek_ptr(g->p, g->sp, &back))
        return fail(g->h->k, g->t, g->t->cpu.rip);
    struct hook_symbol *s = hook_thunk_at(g->h, g->p, back);
    uint64_t target = s ? hook_target(g->h, g->p, s) : 0;
    g->sp += g->p->ptr_size;
    set_ip(g, target, g->sp);
    if (!target) /* nobody's thunk: as jumping into the gates without a reason would end */
        return fail(g->h->k, g->t, hook_gate_address(GATE_CALL));
    bool go_on = enter(g, s, target);
    note(g, s, back, target);
    return go_on;
}

/* ---- Records
 * --------------------------------------------------------------------------------------------- */

/* It returns by way of the gate, so it is kept even if nobody wants to hear of its end. */
static void enter_recorded(const struct gate *g, struct hook_symbol *s, uint64_t time)
{
    const struct cpu_record *r = g->record;
    struct hook_call c;
    hook_call_clear(&c);
    c.symbol = s;
    c.slot = r->slot;
    c.back = r->back;
    c.armed = true;
    c.began = c.recorded = time;
    c.record = r;
    settle(g);
    if (g->ht->calls.len >= CALLS_MAX) /* only a guest that writes records itself gets there */
        return;
    c.caller = caller_of(g, c.back);
    c.depth = depth_of(g->ht);
    if (is_seen(g, &c))
        tell_entry(g, &c);
    c.record = NULL;
    add_call(g->ht, &c);
}

static long recorded_call(const struct hook_thread *ht, uint64_t slot)
{
    for (size_t i = ht->calls.len; i-- > 0;)
        if (ht->calls.data[i].slot == slot && ht->calls.data[i].armed)
            return (long)i;
    return -1;
}

static void leave_recorded(struct gate *g, uint64_t time)
{
    long i = recorded_call(g->ht, g->sp);
    for (size_t n = 0; i < 0 && n < g->h->threads.len; n++) { /* a fiber's */
        g->ht = g->h->threads.data[n];
        i = recorded_call(g->ht, g->sp);
    }
    if (i < 0) /* the guest writes records itself */
        return;
    struct hook_call c;
    hook_call_copy(&c, &g->ht->calls.data[i]);
    remove_call(g->ht, (size_t)i);
    drop_below(g, c.slot); /* inner ones were left by a jump */
    c.record = g->record;
    c.recorded = time;
    tell_end(g, &c, false);
}

/* The functions that are noted most are few. */
static struct hook_symbol *noted_symbol(struct hooks *h, const struct nt_process *p, uint64_t key)
{
    struct hook_recent *r = &h->recent[key / NT_IMAGE_THUNK % HOOK_RECENT];
    if (r->key != key || r->changes != h->changes || r->process != p->o.id)
        *r = (struct hook_recent){key, h->changes, p->o.id, hook_thunk_at(h, p, key)};
    return r->symbol;
}

void hooks_record(struct hooks *h, struct nt_thread *t, const struct cpu_record *r, uint64_t time)
{
    struct nt_process *p = nt_process_get(h->k, t->process);
    struct gate g = {h, p, t, thread_of(h, t), r->slot, r};
    struct hook_symbol *s = r->returned ? NULL : noted_symbol(h, p, r->key);
    struct hook_thread *ht = g.ht;
    const bool touched = ht->touched;
    h->busy++;
    if (r->returned)
        leave_recorded(&g, time);
    else if (s && s->brief == HOOK_BRIEF_YES && s->kind == HOOK_PLAIN)
        enter_recorded(&g, s, time); /* else the guest writes records itself */
    h->busy--;
    ht->touched = touched; /* the engine knows of this */
}

bool hooks_touched(struct hooks *h, const struct nt_thread *t)
{
    struct hook_thread *ht = find_thread(h, t->o.id);
    bool touched = ht && ht->touched;
    if (ht)
        ht->touched = false;
    return touched;
}

bool hooks_can_note(struct hooks *h, const struct nt_thread *t)
{
    enum { NOTED_AT_ONCE = 64 }; /* more than engines let go on without telling */
    const struct hook_thread *ht = find_thread(h, t->o.id);
    bool all = !ht || ht->calls.len + NOTED_AT_ONCE < CALLS_MAX;
    if (ht && ht->calm)
        vec_foreach (c, &ht->calls)
            all &= c->armed;
    return all;
}

/* ---- Return
 * --------------------------------------------------------------------------------------------- */

/* The call whose slot was just popped: 64-bit functions leave the stack pointer right behind it,
 * others may have taken their arguments off as well. -1: none. */
static long returning(const struct gate *g, const struct hook_thread *ht)
{
    long best = -1;
    for (size_t i = ht->calls.len; i-- > 0;) {
        const struct hook_call *c = &ht->calls.data[i];
        bool fits = g->p->ptr_size == 8 ? c->slot + 8 == g->sp
                                        : c->slot < g->sp && g->sp - c->slot <= 4 + 0x10000;
        if (fits && c->armed && (best < 0 || c->slot > ht->calls.data[best].slot))
            best = (long)i;
    }
    return best;
}

/* A fiber may return on another thread than the one it was called on. */
static long returning_elsewhere(struct gate *g)
{
    vec_foreach (ht, &g->h->threads) {
        long i = returning(g, *ht);
        if (i >= 0) {
            g->ht = *ht;
            return i;
        }
    }
    return -1;
}

static bool on_return(struct gate *g)
{
    uint64_t back;
    do {
        long i = returning(g, g->ht);
        if (i < 0)
            i = returning_elsewhere(g);
        if (i < 0)
            return fail(g->h->k, g->t, hook_gate_address(GATE_RETURN));
        struct hook_call c;
        hook_call_copy(&c, &g->ht->calls.data[i]);
        remove_call(g->ht, (size_t)i);
        drop_below(g, c.slot); /* inner ones were left by a jump */
        back = c.back;
        g->t->cpu.rip = c.caller;
        tell_end(g, &c, false);
    } while (back == hook_gate_address(GATE_RETURN));
    if (g->ht->calm && g->sp > g->ht->calm)
        take_again(g);
    return !g->h->k->need_resched;
}

bool hooks_gate(struct hooks *h, struct nt_thread *t, uint64_t address)
{
    struct nt_process *p = nt_process_get(h->k, t->process);
    struct gate g = {h, p, t, thread_of(h, t), stack_pointer(p, t)};
    h->busy++;
    bool go_on = address == hook_gate_address(GATE_CALL) ? on_call(&g) : on_return(&g);
    if (h->unhook)
        unhook(&g);
    h->busy--;
    return go_on;
}

bool hooks_enter(struct hooks *h, struct nt_thread *t, struct hook_symbol *s)
{
    struct nt_process *p = nt_process_get(h->k, t->process);
    struct gate g = {h, p, t, thread_of(h, t), stack_pointer(p, t)};
    h->busy++;
    bool go_on = enter(&g, s, s->address);
    h->busy--;
    return go_on;
}

bool hook_is_called(const struct hooks *h, const struct hook_module *m)
{
    vec_foreach (ht, &h->threads)
        vec_foreach (c, &(*ht)->calls)
            if (c->symbol->module == m)
                return true;
    return false;
}

/* ---- Exceptions
 * ------------------------------------------------------------------------------------------ */

void hook_dispatch(void *ctx, struct nt_thread *t)
{
    struct hooks *h = ctx;
    struct nt_process *p = nt_process_get(h->k, t->process);
    struct hook_thread *ht = find_thread(h, t->o.id);
    struct gate g = {h, p, t, ht, stack_pointer(p, t)};
    if (!ht || !ht->calls.len)
        return;
    drop_below(&g, g.sp);
    put_back(&g);
}

/* The registers are those that it goes on with. */
void hook_continue(void *ctx, struct nt_thread *t)
{
    struct hooks *h = ctx;
    struct nt_process *p = nt_process_get(h->k, t->process);
    struct hook_thread *ht = find_thread(h, t->o.id);
    struct gate g = {h, p, t, ht, stack_pointer(p, t)};
    if (!ht || !ht->calm)
        return;
    drop_below(&g, g.sp);
    if (g.sp >= ht->calm)
        take_again(&g);
}

/* ---- Snapshots
 * ------------------------------------------------------------------------------------------ */

static void transfer_symbol(struct hooks *h, struct ser *s, struct hook_call *c)
{
    uint32_t module = 0, symbol = 0;
    if (!s->loading) {
        while (h->modules.data[module] != c->symbol->module)
            module++;
        symbol = c->symbol->row;
    }
    SER(s, module);
    SER(s, symbol);
    if (!s->loading || s->failed)
        return;
    c->symbol = module < h->modules.len ? hook_symbol_made(h->modules.data[module], symbol) : NULL;
    if (!c->symbol)
        ser_fail(s, "snapshot: a call names a function that no module has");
}

static void transfer_call(struct hooks *h, struct ser *s, struct hook_call *c)
{
    transfer_symbol(h, s, c);
    SER(s, c->slot);
    SER(s, c->back);
    SER(s, c->caller);
    SER(s, c->depth);
    SER(s, c->told);
    SER(s, c->armed);
    SER(s, c->by_system);
    SER(s, c->began);
    for (size_t i = 0; i < HOOK_SAVED; i++)
        SER(s, c->saved[i]);
    for (size_t i = 0; i < HOOK_SAVED; i++)
        SER(s, c->kept[i]);
}

void hook_thread_transfer(struct hooks *h, struct ser *s, struct hook_thread *ht)
{
    size_t n = ht->calls.len;
    SER(s, ht->thread);
    SER(s, ht->calm);
    ser_count(s, &n, CALLS_MAX);
    for (size_t i = 0; i < n && !s->failed; i++) {
        if (s->loading)
            vec_push(&ht->calls, (struct hook_call){0});
        transfer_call(h, s, &ht->calls.data[i]);
        ht->silent += s->loading && !ht->calls.data[i].told;
    }
}
