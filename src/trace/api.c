// SPDX-License-Identifier: GPL-2.0-or-later
#include "trace/api.h"
#include "arch/x87.h"
#include "base/bits.h"
#include "trace/internal.h"
#include "trace/sinks.h"

#include <string.h>

enum { LISTENER = 0, UNNAMED_KEPT = 4, PLACE_MAX = 64 };

struct trace_api {
    struct trace *t;
    struct hooks *h;
    struct api_table table;
    api_group_id errors;              /* names of Win32 error codes */
    struct trace_function not_called; /* stands for any that nothing was looked up of */
    struct trace_scratch scratch;
    struct trace_out *out;    /* to memory, for labels */
    struct trace_event event; /* that is going on; what calls and returns do not have is 0 */
    struct trace_memo names;  /* of constants */
    struct trace_memo places; /* that need no escapes, while the modules are those of `modules` */
    uint64_t modules;
    char place[PLACE_MAX + 32]; /* of the event */
    char error[64];
};

/* ---- Functions
 * -------------------------------------------------------------------------------------------- */

static struct trace_function *function_of(struct trace_api *a, const struct hook_symbol *s,
                                          unsigned bits)
{
    struct trace_function *fn = xcalloc(1, sizeof *fn);
    enum api_found how = API_EXACT;
    fn->known = s->name && api_find(&a->table, s->name, bits, &fn->f, &how);
    fn->strings = how == API_A_BY_W ? 1 : how == API_W_BY_A ? 2 : 0;
    fn->count = fn->known ? (uint8_t)MIN(fn->f.count, (unsigned)HOOK_SAVED) : UNNAMED_KEPT;
    fn->category = fn->known ? api_category_name(&a->table, fn->f.category) : "unknown";
    trace_plan_function(&a->table, fn, bits);
    return fn;
}

static void make_label(struct trace_api *a, struct trace_function *fn, const struct hook_symbol *s)
{
    size_t len;
    trace_text_label(a->out, &(struct trace_event){.module = s->module->name,
                                                   .function = s->name,
                                                   .ordinal = s->ordinal});
    const char *text = trace_out_take(a->out, &len);
    fn->label = xstrdup(text);
    fn->label_length = (uint32_t)len;
}

static void free_function(const struct trace_api *a, struct trace_function *fn)
{
    if (!fn || fn == &a->not_called)
        return;
    free(fn->label);
    free(fn);
}

static bool wants(void *ctx, struct hook_symbol *s)
{
    struct trace_api *a = ctx;
    const char *name = s->name ? s->name : "";
    if (s->user[LISTENER])
        return true;
    if (!trace_asks_category(a->t)) {
        if (trace_wants_function(a->t, s->module->name, name, NULL))
            s->user[LISTENER] = &a->not_called;
        return s->user[LISTENER] != NULL;
    }
    const struct nt_process *p = nt_process_get(trace_kernel(a->t), s->module->process);
    struct trace_function *fn = function_of(a, s, p->ptr_size);
    if (trace_wants_function(a->t, s->module->name, name, fn->category))
        s->user[LISTENER] = fn;
    else
        free_function(a, fn);
    return s->user[LISTENER] != NULL;
}

static enum hook_share share(void *ctx, const struct hook_module *m)
{
    const struct trace_api *a = ctx;
    switch (trace_share_of(a->t, m->name)) {
    case TRACE_NONE:
        return HOOK_NONE;
    case TRACE_ALL:
        return HOOK_ALL;
    default:
        return HOOK_SOME;
    }
}

/* What is known of the function, looked up when it is called first. */
static const struct trace_function *known_function(struct trace_api *a, struct hook_symbol *s,
                                                   const struct nt_process *p)
{
    if (s->user[LISTENER] == &a->not_called)
        s->user[LISTENER] = function_of(a, s, p->ptr_size);
    struct trace_function *fn = s->user[LISTENER];
    if (fn && !fn->label)
        make_label(a, fn, s);
    return fn;
}

/* ---- Arguments
 * -------------------------------------------------------------------------------------------- */

struct frame {
    const struct nt_process *p;
    const struct nt_thread *t;
    uint64_t sp;
};

static uint64_t stack_value(const struct frame *f, uint32_t at, uint32_t size)
{
    uint64_t v = 0;
    if (size > 8)
        return f->sp + at; /* where it lies */
    mem_peek(f->p->mem, f->sp + at, &v, MAX(size, f->p->ptr_size));
    return v;
}

static uint64_t argument(const struct frame *f, const struct api_place *place)
{
    static const uint8_t general64[] = {X86_RCX, X86_RDX, X86_R8, X86_R9};
    static const uint8_t general32[] = {X86_RCX, X86_RDX};
    uint64_t v = 0;
    switch ((enum api_where)place->where) {
    case API_GENERAL:
        return f->t->cpu
            .gpr[f->p->ptr_size == 8 ? general64[place->at & 3] : general32[place->at & 1]];
    case API_VECTOR:
        memcpy(&v, f->t->cpu.fx + X86_FX_XMM0 + (place->at & 3) * 16, sizeof v);
        return v;
    default:
        return stack_value(f, place->at, place->by_reference ? 8 : place->size);
    }
}

static void keep_arguments(const struct trace_function *fn, const struct frame *f,
                           struct hook_call *c)
{
    if (c->record) {
        memcpy(c->saved, c->record->arg, sizeof c->record->arg);
        return;
    }
    for (unsigned i = 0; i < fn->count; i++) {
        struct api_place place = {.where = f->p->ptr_size == 8 ? API_GENERAL : API_STACK,
                                  .at = (uint16_t)(f->p->ptr_size == 8 ? i : (i + 1) * 4),
                                  .size = 4};
        if (fn->known)
            place = fn->plan[i].place;
        c->saved[i] = argument(f, &place);
    }
}

/* ---- Events
 * ------------------------------------------------------------------------------------------------
 */

struct guest_view {
    struct nt_kernel *k;
    struct nt_process *p;
    const struct cpu_record *record; /* which has what there was to see; NULL: what there is now */
};

static bool peek(void *ctx, uint64_t va, void *out, size_t len)
{
    const struct guest_view *g = ctx;
    if (g->record)
        return trace_peek_record(g->record, va, out, len) == len;
    return mem_peek(g->p->mem, va, out, len);
}

static size_t peek_some(void *ctx, uint64_t va, void *out, size_t len)
{
    return trace_peek_record(((struct guest_view *)ctx)->record, va, out, len);
}

static size_t describe(void *ctx, uint64_t handle, char *out, size_t size)
{
    struct guest_view *g = ctx;
    return nt_handle_describe(g->k, g->p, handle, out, size);
}

static struct trace_guest guest_of(struct guest_view *view)
{
    return (struct trace_guest){.ctx = view,
                                .ptr_size = view->p->ptr_size,
                                .peek = peek,
                                .peek_some = view->record ? peek_some : NULL,
                                .describe = describe};
}

/* "a.exe+0x1234", or the address where no module is. Return: its length. */
static size_t make_place(struct trace_api *a, const struct nt_process *p, uint64_t address)
{
    const struct hook_module *m = hooks_module_at(a->h, p, address);
    uint64_t v = m ? address - m->base : address;
    size_t n = m ? strnlen(m->name, PLACE_MAX) : 0;
    memcpy(a->place, m ? m->name : "", n);
    if (m)
        a->place[n++] = '+';
    a->place[n++] = '0';
    a->place[n++] = 'x';
    int digits = v ? (67 - __builtin_clzll(v)) / 4 : 1;
    for (int i = digits; i-- > 0; v >>= 4)
        a->place[n + (size_t)i] = "0123456789abcdef"[v & 15];
    n += (size_t)digits;
    a->place[n] = 0;
    return n;
}

static void put_caller(struct trace_api *a, const struct nt_process *p, uint64_t address)
{
    if (a->modules != hooks_modules_changed(a->h)) {
        a->modules = hooks_modules_changed(a->h);
        memset(&a->places, 0, sizeof a->places);
    }
    const struct trace_memo_row *known = trace_memo_find(&a->places, address, p->o.id);
    size_t n = known ? known->length : make_place(a, p, address);
    if (!known && trace_out_is_plain(a->place, n))
        trace_memo_keep(&a->places, address, p->o.id, a->place, n);
    a->event.caller = known ? known->text : a->place;
    a->event.caller_length = known ? known->length : 0;
}

static struct trace_event *event_of(struct trace_api *a, enum trace_event_kind kind,
                                    const struct nt_process *p, const struct nt_thread *t,
                                    const struct hook_call *c)
{
    const struct trace_function *fn = c->symbol->user[LISTENER];
    struct trace_event *ev = &a->event;
    ev->kind = (uint8_t)kind;
    ev->main_thread = trace_is_main(a->t, t);
    ev->failed = ev->has_error = false;
    ev->pid = p->pid;
    ev->tid = t->tid;
    ev->time = c->record ? c->recorded : nt_now(trace_kernel(a->t));
    ev->category = fn->category;
    ev->label = fn->label;
    ev->label_length = fn->label_length;
    ev->module = c->symbol->module->name;
    ev->function = c->symbol->name;
    ev->ordinal = c->symbol->ordinal;
    ev->depth = c->depth;
    ev->frame = c->slot;
    ev->caller = NULL;
    ev->caller_length = 0;
    ev->values = a->scratch.values;
    return ev;
}

static enum hook_answer enter(void *ctx, struct nt_thread *t, struct hook_call *c)
{
    struct trace_api *a = ctx;
    struct nt_kernel *k = trace_kernel(a->t);
    struct nt_process *p = c->process;
    const struct trace_function *fn = known_function(a, c->symbol, p);
    struct guest_view view = {k, p, c->record};
    const struct trace_guest guest = guest_of(&view);
    const struct frame f = {p, t, c->slot};
    if (!fn || (c->by_system && !trace_sees_system(a->t)))
        return HOOK_IGNORE;
    if (fn->vectors && p->ptr_size == 8)
        k->up.sync(k, t);
    keep_arguments(fn, &f, c);
    struct trace_event *ev = event_of(a, TRACE_CALL, p, t, c);
    const struct trace_arguments args = {&a->table, fn, &guest, c->saved, &a->names};
    ev->value_count = trace_decode_api_inputs(&args, &a->scratch);
    put_caller(a, p, c->caller);
    trace_emit(a->t, ev);
    if (c->symbol->kind != HOOK_PLAIN) { /* nobody will see it return */
        ev->kind = TRACE_AWAY;
        trace_emit(a->t, ev);
    }
    return HOOK_GO_ON;
}

static uint32_t last_error(const struct nt_process *p, const struct nt_thread *t)
{
    uint32_t code = 0;
    mem_peek(p->mem, t->teb + (p->ptr_size == 8 ? 0x68 : 0x34), &code, sizeof code);
    return code;
}

/* XMM0; 32-bit code returns them on the x87 stack. */
static uint64_t float_result(struct nt_kernel *k, struct nt_thread *t, unsigned bits, uint32_t size)
{
    uint64_t v;
    k->up.sync(k, t);
    memcpy(&v, t->cpu.fx + X86_FX_XMM0, sizeof v);
    return bits == 8 ? v : x86_st0_get(&t->cpu, size);
}

static uint64_t raw_result(struct trace_api *a, const struct trace_function *fn,
                           const struct nt_process *p, struct nt_thread *t,
                           const struct cpu_record *r)
{
    uint64_t v = r ? r->result[0] : t->cpu.gpr[X86_RAX];
    const struct api_type *type = &fn->result;
    if (type->kind == API_FLOAT)
        return float_result(trace_kernel(a->t), t, p->ptr_size, type->size32);
    if (p->ptr_size == 4 && api_size(type, 4) == 8)
        v = (uint32_t)v | (r ? r->result[1] : t->cpu.gpr[X86_RDX]) << 32;
    return p->ptr_size == 4 && api_size(type, 4) < 8 ? (uint32_t)v : v;
}

static void put_error(struct trace_api *a, const struct trace_arguments *args, uint32_t code)
{
    struct trace_event *ev = &a->event;
    size_t n;
    const char *name = trace_constant_text(args, a->errors, code, a->error, sizeof a->error, &n);
    ev->has_error = true;
    ev->last_error = code;
    ev->last_error_name = name[0] >= '0' && name[0] <= '9' ? NULL : name;
}

static bool sets_last_error(const struct trace_function *fn)
{
    return fn->known && (fn->f.outcome == API_ZERO_FAILS || fn->f.outcome == API_MINUS_ONE_FAILS);
}

static void leave(void *ctx, struct nt_thread *t, struct hook_call *c, bool unwound)
{
    static const struct trace_value nothing = {
        .kind = TRACE_SYMBOL, .text = "unwound", .length = 7};
    struct trace_api *a = ctx;
    struct nt_kernel *k = trace_kernel(a->t);
    struct nt_process *p = c->process;
    const struct trace_function *fn = known_function(a, c->symbol, p);
    struct guest_view view = {k, p, c->record};
    const struct trace_guest guest = guest_of(&view);
    const struct trace_arguments args = {&a->table, fn, &guest, c->saved, &a->names};
    struct trace_event *ev = event_of(a, TRACE_RETURN, p, t, c);
    ev->result_code = unwound ? 0 : raw_result(a, fn, p, t, c->record);
    bool failed = unwound || trace_api_failed(&args, ev->result_code);
    ev->value_count = trace_decode_api_outputs(&args, failed, &a->scratch);
    if (unwound)
        ev->result = nothing;
    else /* behind the outputs, in what is left of the scratch */
        trace_decode_api_result(&args, ev->result_code, failed, &a->scratch, &ev->result);
    ev->failed = failed && !unwound;
    if (ev->failed && sets_last_error(fn))
        put_error(a, &args, c->record ? c->record->last_error : last_error(p, t));
    trace_emit(a->t, ev);
}

/* Arguments in places that records have, and no more of memory than they take. */
static bool brief(void *ctx, struct hook_symbol *s, struct cpu_noted *f)
{
    struct trace_api *a = ctx;
    const struct nt_process *p = nt_process_get(trace_kernel(a->t), s->module->process);
    const struct trace_function *fn = known_function(a, s, p);
    if (!fn || !fn->known || fn->count > CPU_NOTE_ARGS ||
        !trace_plan_captures(&a->table, fn, p->ptr_size, f))
        return false;
    for (unsigned i = 0; i < fn->count; i++) {
        const struct api_place at = fn->plan[i].place;
        bool general = p->ptr_size == 8 && i < 4;
        unsigned want = general ? i : p->ptr_size == 8 ? 8 + 8 * i : 4 + 4 * i;
        if (at.where != (general ? API_GENERAL : API_STACK) || at.at != want || at.by_reference ||
            at.size > p->ptr_size)
            return false;
    }
    f->args = fn->count;
    f->pops = (uint16_t)api_pops(&a->table, &fn->f, p->ptr_size);
    return true;
}

static void forget(void *ctx, struct hook_symbol *s)
{
    const struct trace_api *a = ctx;
    free_function(a, s->user[LISTENER]);
    s->user[LISTENER] = NULL;
}

/* ---- The whole
 * --------------------------------------------------------------------------------------------- */

struct trace_api *trace_api_create(struct trace *t, struct hooks *h)
{
    struct trace_api *a = xcalloc(1, sizeof *a);
    a->t = t;
    a->h = h;
    a->out = xmalloc(sizeof *a->out);
    memset(a->out, 0, offsetof(struct trace_out, buf));
    a->out->in_memory = true;
    api_builtin(&a->table);
    a->errors = api_group_by_name(&a->table, "ERROR");
    hooks_listen(h, LISTENER,
                 &(struct hook_listener){a, wants, enter, leave, forget, brief, share});
    return a;
}

void trace_api_destroy(struct trace_api *a)
{
    if (!a)
        return;
    vec_free(&a->out->spilled);
    free(a->out);
    free(a);
}
