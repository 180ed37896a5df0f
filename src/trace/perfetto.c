// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A timeline in the JSON of Chrome's trace viewer, which Perfetto reads: slices that begin and end
 * on a thread, instants for what is no call. The format wants each slice ended by the same thread,
 * innermost first; calls that never return end when one around them does.
 */
#include "base/vec.h"
#include "trace/nest.h"
#include "trace/sinks.h"

#include <string.h>

struct perfetto {
    char *path;
    struct trace_out out;
    struct trace_nest nest;
    VEC(uint32_t) named; /* threads */
    bool any;
    uint64_t time; /* of the last event */
    uint32_t pid;
};

static void put_string(struct trace_out *o, const char *text)
{
    trace_out_char(o, '"');
    trace_out_escaped(o, text, strlen(text), TRACE_ESCAPE_JSON);
    trace_out_char(o, '"');
}

/* Microseconds, of which the clock has tenths. */
static void put_head(struct perfetto *p, char phase, uint32_t pid, uint32_t tid, uint64_t time)
{
    struct trace_out *o = &p->out;
    trace_out_text(o, p->any ? ",\n{\"ph\":\"" : "{\"ph\":\"");
    p->any = true;
    trace_out_char(o, phase);
    trace_out_text(o, "\",\"pid\":");
    trace_out_decimal(o, pid);
    trace_out_text(o, ",\"tid\":");
    trace_out_decimal(o, tid);
    trace_out_text(o, ",\"ts\":");
    trace_out_decimal(o, time / 10);
    trace_out_char(o, '.');
    trace_out_decimal(o, time % 10);
}

/* Whole lines are what the output counts by; this one's comma comes with the next event. */
static void put_tail(struct perfetto *p)
{
    trace_out_char(&p->out, '}');
    p->out.lines = p->out.len;
    if (p->out.line)
        trace_out_flush(&p->out);
}

static void name_it(struct perfetto *p, const char *what, const struct trace_event *ev,
                    const char *name, uint32_t number)
{
    struct trace_out *o = &p->out;
    put_head(p, 'M', ev->pid, ev->tid, 0);
    trace_out_text(o, ",\"name\":\"");
    trace_out_text(o, what);
    trace_out_text(o, "\",\"args\":{\"name\":\"");
    trace_out_text(o, name);
    if (number) {
        trace_out_char(o, ' ');
        trace_out_decimal(o, number);
    }
    trace_out_text(o, "\"}");
    put_tail(p);
}

/* Thread ids only grow, and are multiples of 4: one bit for each. */
static bool is_new(struct perfetto *p, uint32_t tid)
{
    enum { TIDS_MAX = 1 << 24 };
    uint32_t at = tid / 4, word = at / 32;
    if (at >= TIDS_MAX)
        return false;
    while (p->named.len <= word)
        vec_push(&p->named, 0);
    uint32_t old = p->named.data[word];
    p->named.data[word] |= 1u << at % 32;
    return old != p->named.data[word];
}

static void introduce(struct perfetto *p, const struct trace_event *ev)
{
    if (p->pid != ev->pid)
        name_it(p, "process_name", ev, "process", ev->pid);
    p->pid = ev->pid;
    if (ev->tid && is_new(p, ev->tid))
        name_it(p, "thread_name", ev, ev->main_thread ? "main" : "thread",
                ev->main_thread ? 0 : ev->tid);
}

/* ---- Calls
 * -------------------------------------------------------------------------------------------- */

static void put_call(struct perfetto *p, const struct trace_event *ev)
{
    struct trace_out *o = &p->out;
    char ordinal[16];
    put_head(p, 'B', ev->pid, ev->tid, ev->time);
    trace_out_text(o, ",\"cat\":\"");
    trace_out_text(o, ev->module ? "api," : "nt,");
    trace_out_text(o, ev->category);
    trace_out_text(o, "\",\"name\":");
    put_string(o, trace_function_name(ev, ordinal));
    trace_out_text(o, ",\"args\":{");
    if (ev->module) {
        trace_out_text(o, "\"module\":");
        put_string(o, ev->module);
        trace_out_char(o, ',');
    }
    if (ev->caller) {
        trace_out_text(o, "\"caller\":");
        put_string(o, ev->caller);
        trace_out_char(o, ',');
    }
    trace_out_text(o, "\"in\":");
    trace_json_values(o, ev->values, ev->value_count);
    trace_out_char(o, '}');
    put_tail(p);
    trace_nest_add(&p->nest, ev);
}

static void put_result(struct trace_out *o, const struct trace_event *ev)
{
    trace_out_text(o, ",\"args\":{\"result\":");
    trace_json_value(o, &ev->result);
    if (ev->has_error && ev->last_error_name) {
        trace_out_text(o, ",\"error\":");
        put_string(o, ev->last_error_name);
    } else if (ev->has_error) {
        trace_out_text(o, ",\"error\":");
        trace_out_decimal(o, ev->last_error);
    }
    trace_out_text(o, ",\"out\":");
    trace_json_values(o, ev->values, ev->value_count);
    trace_out_char(o, '}');
}

static void over(void *ctx, const struct trace_nest_thread *t, struct trace_open_call *c,
                 const struct trace_event *ev, bool returned)
{
    struct perfetto *p = ctx;
    put_head(p, 'E', t->pid, t->tid, ev ? ev->time : p->time);
    if (returned)
        put_result(&p->out, ev);
    put_tail(p);
}

/* ---- The others
 * ------------------------------------------------------------------------------------------ */

static void put_instant(struct perfetto *p, const struct trace_event *ev)
{
    struct trace_out *o = &p->out;
    const char *what = ev->kind == TRACE_IMAGE       ? ev->begins ? "map " : "unmap "
                       : ev->kind == TRACE_EXCEPTION ? "exception "
                       : ev->kind == TRACE_THREAD    ? ev->begins ? "thread starts" : "thread ends"
                                                     : "process ends";
    const char *name = ev->kind == TRACE_IMAGE       ? ev->module
                       : ev->kind == TRACE_EXCEPTION ? ev->code_name
                                                     : "";
    put_head(p, 'i', ev->pid, ev->tid, ev->time);
    trace_out_text(o, ev->tid ? ",\"s\":\"t\",\"cat\":\"" : ",\"s\":\"p\",\"cat\":\"");
    trace_out_text(o, ev->category);
    trace_out_text(o, "\",\"name\":\"");
    trace_out_text(o, what);
    trace_out_escaped(o, name ? name : "", name ? strlen(name) : 0, TRACE_ESCAPE_JSON);
    trace_out_text(o, "\",\"args\":{\"code\":");
    trace_out_decimal(o, ev->code);
    if (ev->place) {
        trace_out_text(o, ",\"place\":");
        put_string(o, ev->place);
    }
    if (ev->kind == TRACE_IMAGE) {
        trace_out_text(o, ",\"base\":\"0x");
        trace_out_hex(o, ev->base, 1);
        trace_out_char(o, '"');
    }
    trace_out_char(o, '}');
    put_tail(p);
}

static void event(void *ctx, const struct trace_event *ev)
{
    struct perfetto *p = ctx;
    introduce(p, ev);
    p->time = ev->time;
    if (ev->kind == TRACE_CALL) {
        put_call(p, ev);
    } else if (ev->kind == TRACE_RETURN || ev->kind == TRACE_AWAY) {
        trace_nest_leave(&p->nest, ev);
    } else {
        if (ev->kind == TRACE_THREAD && !ev->begins)
            trace_nest_end(&p->nest, ev);
        put_instant(p, ev);
    }
}

static void flush(void *ctx)
{
    trace_out_flush(&((struct perfetto *)ctx)->out);
}

static pgr_status destroy(void *ctx, struct pgr_error *e)
{
    struct perfetto *p = ctx;
    trace_nest_free(&p->nest);
    trace_out_text(&p->out, "\n]}");
    trace_out_newline(&p->out);
    pgr_status s = trace_out_close(&p->out, e);
    vec_free(&p->named);
    free(p->path);
    free(p);
    return s;
}

pgr_status trace_perfetto_open(const char *path, struct trace_sink *out, struct pgr_error *e)
{
    struct perfetto *p = xcalloc(1, sizeof *p);
    p->path = path ? xstrdup(path) : NULL;
    pgr_status s = trace_out_open(&p->out, p->path, e);
    if (s) {
        free(p->path);
        free(p);
        return s;
    }
    p->out.well_formed = true;
    p->nest.ctx = p;
    p->nest.over = over;
    p->nest.strict = true;
    trace_out_text(&p->out, "{\"displayTimeUnit\":\"ns\",\"traceEvents\":[");
    trace_out_newline(&p->out);
    *out = (struct trace_sink){.ctx = p, .event = event, .flush = flush, .destroy = destroy};
    return PGR_OK;
}
