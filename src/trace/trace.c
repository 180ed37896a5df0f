// SPDX-License-Identifier: GPL-2.0-or-later
#include "trace/trace.h"
#include "base/bits.h"
#include "base/hostio.h"
#include "base/vec.h"
#include "trace/api.h"
#include "trace/decode.h"
#include "trace/internal.h"
#include "trace/sinks.h"

#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

enum { FLUSH_NS = 250000000 };

struct trace {
    struct nt_kernel *k; /* that it is attached to */
    struct trace_filter *filter;
    bool services, wants_api, wants_events, see_system;
    bool told; /* a sink of anything */
    struct trace_api *api;
    struct trace_events *events;
    struct trace_sink sinks[TRACE_SINKS_MAX];
    size_t sink_count;
    const struct trace_sink *drcov; /* of `sinks`; NULL: none */
    uint32_t kinds;                 /* that some sink takes */
    uint32_t main_tid;              /* 0: not known yet */
    uint64_t flush_at;              /* host_monotonic_ns */
    struct trace_scratch scratch;
};

const char *trace_event_kind_name(enum trace_event_kind kind)
{
    static const char *const names[] = {
        [TRACE_CALL] = "call",           [TRACE_RETURN] = "return", [TRACE_IMAGE] = "image",
        [TRACE_EXCEPTION] = "exception", [TRACE_THREAD] = "thread", [TRACE_PROCESS] = "process",
        [TRACE_AWAY] = "away",
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

bool trace_sees_system(const struct trace *t)
{
    return t->see_system;
}

bool trace_wants_kind(const struct trace *t, enum trace_event_kind kind)
{
    return t->kinds >> kind & 1;
}

bool trace_asks_category(const struct trace *t)
{
    return trace_filter_asks_category(t->filter);
}

bool trace_wants_function(const struct trace *t, const char *module, const char *name,
                          const char *category)
{
    return trace_filter_wants_api(t->filter, module, name, category);
}

enum trace_share trace_share_of(const struct trace *t, const char *module)
{
    return trace_filter_share(t->filter, module);
}

/* win32k's services give handles and numbers back. */
static void set_result(struct trace_event *ev, const struct nt_service *s, ntstatus result)
{
    const char *name = s->category == NT_CAT_ui ? NULL : ntstatus_name(result);
    ev->result_code = result;
    ev->is_status = s->category != NT_CAT_ui;
    ev->failed = ev->is_status && result >> 30 == 3 /* NT_ERROR */;
    ev->result = (struct trace_value){.kind = TRACE_NUMBER, .number = result};
    if (name) {
        ev->result.kind = TRACE_SYMBOL;
        ev->result.text = name;
        ev->result.length = (uint32_t)strlen(name);
    }
}

/* NtContinue and its like go on elsewhere: they do not return. */
static enum trace_event_kind kind_of(const struct nt_call *c, bool entry, ntstatus result)
{
    if (entry)
        return TRACE_CALL;
    return c->keep_registers && result == STATUS_SUCCESS ? TRACE_AWAY : TRACE_RETURN;
}

static void on_service(void *ctx, struct nt_call *c, bool entry, ntstatus result)
{
    struct trace *t = ctx;
    if (!trace_filter_wants(t->filter, c->service))
        return;
    const struct trace_guest guest = {c, c->p->ptr_size, peek, describe};
    struct trace_event ev = {
        .kind = (uint8_t)kind_of(c, entry, result),
        .main_thread = trace_is_main(t, c->t),
        .pid = c->p->pid,
        .tid = c->t->tid,
        .time = nt_now(c->k),
        .category = nt_category_name(c->service->category),
        .function = c->service->name,
        .values = t->scratch.values,
    };
    if (ev.kind == TRACE_CALL) {
        ev.value_count = trace_decode_inputs(&guest, c->service, c->arg, &t->scratch);
    } else if (ev.kind == TRACE_RETURN) {
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
    t->events = trace_events_create(t);
}

void trace_detach(struct trace *t)
{
    trace_events_destroy(t->events);
    t->events = NULL;
    if (t->services) {
        BUG_ON(t->k->on_service_ctx != t);
        t->k->on_service = NULL;
        t->k->on_service_ctx = NULL;
    }
    t->k = NULL;
}

/* ---- Sinks
 * --------------------------------------------------------------------------------------------- */

typedef pgr_status open_fn(const char *path, struct trace_sink *out, struct pgr_error *e);
static const struct {
    const char *name;
    open_fn *open;
} formats[TRACE_FORMATS] = {
    [TRACE_FORMAT_TEXT] = {"text", trace_text_open},
    [TRACE_FORMAT_JSON] = {"json", trace_json_open},
    [TRACE_FORMAT_SQLITE] = {"sqlite", trace_sqlite_open},
    [TRACE_FORMAT_PERFETTO] = {"perfetto", trace_perfetto_open},
    [TRACE_FORMAT_DRCOV] = {"drcov", trace_drcov_open},
};

const char *trace_format_name(enum trace_format f)
{
    return formats[f].name;
}

bool trace_add_sink(struct trace *t, const struct trace_sink *sink)
{
    if (t->sink_count == ARRAY_LEN(t->sinks))
        return false;
    struct trace_sink *s = &t->sinks[t->sink_count++];
    *s = *sink;
    if (!s->kinds)
        s->kinds = TRACE_KINDS_ALL;
    t->kinds |= s->kinds;
    return true;
}

bool trace_wants_blocks(const struct trace *t)
{
    return t->drcov != NULL;
}

void trace_block(void *trace, uint64_t address, uint32_t size)
{
    const struct trace *t = trace;
    trace_drcov_block(t->drcov->ctx, address, size);
}

void trace_emit(struct trace *t, const struct trace_event *ev)
{
    t->told = true;
    for (size_t i = 0; i < t->sink_count; i++)
        if (t->sinks[i].kinds >> ev->kind & 1)
            t->sinks[i].event(t->sinks[i].ctx, ev);
}

bool trace_told_anything(const struct trace *t)
{
    return t->told;
}

void trace_flush(struct trace *t)
{
    for (size_t i = 0; i < t->sink_count; i++) {
        if (t->sinks[i].flush)
            t->sinks[i].flush(t->sinks[i].ctx);
    }
}

void trace_tick(struct trace *t)
{
    uint64_t now = host_monotonic_ns();
    if (now < t->flush_at)
        return;
    t->flush_at = now + FLUSH_NS;
    trace_flush(t);
}

/* All sentences, as far as there is room. */
static void add_error(struct pgr_error *all, const struct pgr_error *one)
{
    size_t n = all->status ? strlen(all->text) : 0;
    size_t room = sizeof all->text - n;
    if (!n)
        *all = *one;
    else if (room > 3)
        snprintf(all->text + n, room, "; %.*s", (int)(room - 3), one->text);
}

pgr_status trace_destroy(struct trace *t, struct pgr_error *e)
{
    struct pgr_error all = {0}, one;
    for (size_t i = 0; i < t->sink_count; i++)
        if (t->sinks[i].destroy && t->sinks[i].destroy(t->sinks[i].ctx, &one))
            add_error(&all, &one);
    trace_api_destroy(t->api);
    trace_filter_destroy(t->filter);
    free(t);
    if (e && all.status)
        *e = all;
    return all.status;
}

/* Of the events that are no calls those that are wanted; what cannot do without some says so
 * itself. */
static uint32_t wanted_kinds(const struct trace *t)
{
    static const struct {
        enum trace_event_kind kind;
        const char *category;
    } others[] = {{TRACE_IMAGE, "dll"},
                  {TRACE_EXCEPTION, "exception"},
                  {TRACE_THREAD, "threading"},
                  {TRACE_PROCESS, "process"}};
    uint32_t kinds = 1u << TRACE_CALL | 1u << TRACE_RETURN | 1u << TRACE_AWAY;
    for (size_t i = 0; t->wants_events && i < ARRAY_LEN(others); i++)
        if (trace_filter_wants_category(t->filter, others[i].category))
            kinds |= 1u << others[i].kind;
    return kinds;
}

static pgr_status open_output(struct trace *t, const struct trace_output *o, struct pgr_error *e)
{
    struct trace_sink sink;
    pgr_status s = formats[o->format].open(o->path, &sink, e);
    if (s)
        return s;
    if (!sink.kinds)
        sink.kinds = wanted_kinds(t);
    trace_add_sink(t, &sink);
    if (o->format == TRACE_FORMAT_DRCOV)
        t->drcov = &t->sinks[t->sink_count - 1];
    return PGR_OK;
}

static const char *name_of(const char *path)
{
    return !path ? "standard error" : strcmp(path, "-") ? path : "standard output";
}

static bool identify(const char *path, struct stat *st)
{
    bool named = path && strcmp(path, "-");
    return !(named ? stat(path, st) : fstat(path ? STDOUT_FILENO : STDERR_FILENO, st)) &&
           S_ISREG(st->st_mode); /* devices and pipes can be shared */
}

/* Under whatever names. */
static bool same_file(const char *a, const char *b)
{
    struct stat x, y;
    return identify(a, &x) && identify(b, &y) && x.st_dev == y.st_dev && x.st_ino == y.st_ino;
}

/* When all are there. */
static pgr_status check_outputs(const struct trace_config *cfg, struct pgr_error *e)
{
    for (size_t i = 0; i < cfg->output_count; i++)
        for (size_t j = 0; j < i; j++) {
            const struct trace_output *a = &cfg->outputs[j], *b = &cfg->outputs[i];
            if (same_file(a->path, b->path))
                return err_set(e, PGR_E_ARGUMENT,
                               "the trace as %s and that as %s cannot both be written to one file, "
                               "which %s and %s are",
                               trace_format_name(a->format), trace_format_name(b->format),
                               name_of(a->path), name_of(b->path));
        }
    return PGR_OK;
}

pgr_status trace_create(const struct trace_config *cfg, struct trace **out, struct pgr_error *e)
{
    struct trace *t = xcalloc(1, sizeof *t);
    t->services = cfg->services;
    t->wants_api = cfg->api;
    t->wants_events = cfg->events;
    t->see_system = cfg->see_system;
    pgr_status status = trace_filter_create(&cfg->filter, cfg->api, &t->filter, e);
    BUG_ON(cfg->output_count > TRACE_SINKS_MAX);
    for (size_t i = 0; i < cfg->output_count && !status; i++)
        status = open_output(t, &cfg->outputs[i], e);
    if (!status)
        status = check_outputs(cfg, e);
    if (status) {
        trace_destroy(t, NULL);
        return status;
    }
    *out = t;
    return PGR_OK;
}
