// SPDX-License-Identifier: GPL-2.0-or-later
#include "trace/trace.h"
#include "base/bits.h"
#include "base/vec.h"
#include "trace/api.h"
#include "trace/decode.h"
#include "trace/internal.h"
#include "trace/sinks.h"

struct trace {
    struct nt_kernel *k; /* that it is attached to */
    struct trace_filter *filter;
    bool services, wants_api;
    struct trace_api *api;
    struct trace_sink sinks[TRACE_SINKS_MAX];
    size_t sink_count;
    uint32_t main_tid; /* 0: not known yet */
    char *path;
    struct trace_out out;
    struct trace_scratch scratch;
};

const char *trace_event_kind_name(enum trace_event_kind kind)
{
    static const char *const names[] = {
        [TRACE_CALL] = "call",           [TRACE_RETURN] = "return", [TRACE_IMAGE] = "image",
        [TRACE_EXCEPTION] = "exception", [TRACE_THREAD] = "thread",
    };
    return names[kind];
}

/* ---- What the decoder asks
 * ------------------------------------------------------------------------ */

static bool peek(void *ctx, uint64_t va, void *out, size_t len)
{
    return mem_peek(((struct nt_call *)ctx)->mem, va, out, len);
}

static size_t describe(void *ctx, uint64_t handle, char *out, size_t size)
{
    struct nt_call *c = ctx;
    return nt_handle_describe(c->k, c->p, handle, out, size);
}

/* ---- Services
 * ---------------------------------------------------------------------------------------- */

static void note_lowest_tid(struct nt_kernel *k, struct nt_object *o, void *ctx)
{
    struct nt_thread *thread = (struct nt_thread *)o;
    uint32_t *lowest = ctx;
    if (thread->process == k->first_process && (!*lowest || thread->tid < *lowest))
        *lowest = thread->tid;
}

/* Thread ids only grow, so the first process's lowest is its first thread. */
bool trace_is_main(struct trace *t, const struct nt_thread *thread)
{
    if (!t->main_tid)
        nt_object_each(t->k, NT_TYPE_THREAD, note_lowest_tid, &t->main_tid);
    return thread->tid == t->main_tid;
}

struct nt_kernel *trace_kernel(const struct trace *t)
{
    return t->k;
}

bool trace_wants_function(const struct trace *t, const char *module, const char *name,
                          const char *category)
{
    return trace_filter_wants_api(t->filter, module, name, category);
}

/* win32k's services give handles and numbers back. */
static void set_result(struct trace_event *ev, const struct nt_service *s, ntstatus result)
{
    const char *name = s->category == NT_CAT_ui ? NULL : ntstatus_name(result);
    ev->result_code = result;
    ev->is_status = s->category != NT_CAT_ui;
    ev->result = (struct trace_value){.kind = TRACE_NUMBER, .number = result};
    if (name) {
        ev->result.kind = TRACE_SYMBOL;
        ev->result.text = name;
        ev->result.length = (uint32_t)strlen(name);
    }
}

static void on_service(void *ctx, struct nt_call *c, bool entry, ntstatus result)
{
    struct trace *t = ctx;
    if (!trace_filter_wants(t->filter, c->service))
        return;
    /* NtContinue and its like go on elsewhere: they do not return. */
    if (!entry && c->keep_registers && result == STATUS_SUCCESS)
        return;
    const struct trace_guest guest = {c, c->p->ptr_size, peek, describe};
    struct trace_event ev = {
        .kind = entry ? TRACE_CALL : TRACE_RETURN,
        .main_thread = trace_is_main(t, c->t),
        .pid = c->p->pid,
        .tid = c->t->tid,
        .time = nt_now(c->k),
        .category = nt_category_name(c->service->category),
        .function = c->service->name,
        .values = t->scratch.values,
    };
    if (entry) {
        ev.value_count = trace_decode_inputs(&guest, c->service, c->arg, &t->scratch);
    } else {
        set_result(&ev, c->service, result);
        ev.value_count = trace_decode_outputs(&guest, c->service, c->arg, result, &t->scratch);
    }
    trace_emit(t, &ev);
}

void trace_attach(struct trace *t, struct nt_kernel *k, struct hooks *h)
{
    BUG_ON(t->k || k->on_service);
    t->k = k;
    if (t->services) {
        k->on_service = on_service;
        k->on_service_ctx = t;
    }
    if (t->wants_api && h)
        t->api = trace_api_create(t, h);
}

void trace_detach(struct trace *t)
{
    if (t->services) {
        BUG_ON(t->k->on_service_ctx != t);
        t->k->on_service = NULL;
        t->k->on_service_ctx = NULL;
    }
    t->k = NULL;
}

/* ---- Sinks
 * --------------------------------------------------------------------------------------------- */

static void text_event(void *ctx, const struct trace_event *ev)
{
    trace_text_event(ctx, ev);
}

static void json_event(void *ctx, const struct trace_event *ev)
{
    trace_json_event(ctx, ev);
}

static void lines_flush(void *ctx)
{
    trace_out_flush(ctx);
}

bool trace_add_sink(struct trace *t, const struct trace_sink *sink)
{
    if (t->sink_count == ARRAY_LEN(t->sinks))
        return false;
    t->sinks[t->sink_count++] = *sink;
    return true;
}

void trace_emit(struct trace *t, const struct trace_event *ev)
{
    for (size_t i = 0; i < t->sink_count; i++)
        t->sinks[i].event(t->sinks[i].ctx, ev);
}

void trace_flush(struct trace *t)
{
    for (size_t i = 0; i < t->sink_count; i++) {
        if (t->sinks[i].flush)
            t->sinks[i].flush(t->sinks[i].ctx);
    }
}

static void release(struct trace *t)
{
    trace_api_destroy(t->api);
    trace_filter_destroy(t->filter);
    free(t->path);
    free(t);
}

pgr_status trace_create(const struct trace_config *cfg, struct trace **out, struct pgr_error *e)
{
    struct trace *t = xcalloc(1, sizeof *t);
    t->path = cfg->output ? xstrdup(cfg->output) : NULL;
    t->services = !cfg->no_services;
    t->wants_api = cfg->api;
    pgr_status status = trace_filter_create(&cfg->filter, cfg->api, &t->filter, e);
    if (!status)
        status = trace_out_open(&t->out, t->path, e);
    if (status) {
        release(t);
        return status;
    }
    bool json = cfg->format == TRACE_FORMAT_JSON;
    trace_add_sink(t, &(struct trace_sink){&t->out, json ? json_event : text_event, lines_flush});
    *out = t;
    return PGR_OK;
}

pgr_status trace_destroy(struct trace *t, struct pgr_error *e)
{
    trace_flush(t);
    pgr_status status = trace_out_close(&t->out, e);
    release(t);
    return status;
}
