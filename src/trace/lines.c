// SPDX-License-Identifier: GPL-2.0-or-later
/* The two sinks that write a line for each event. */
#include "base/vec.h"
#include "trace/sinks.h"

#include <stdio.h>

struct lines {
    char *path;
    struct trace_out out;
};

const char *trace_function_name(const struct trace_event *ev, char buf[16])
{
    if (ev->function)
        return ev->function;
    snprintf(buf, 16, "#%u", (unsigned)ev->ordinal);
    return buf;
}

static void text_event(void *ctx, const struct trace_event *ev)
{
    trace_text_event(&((struct lines *)ctx)->out, ev);
}

static void json_event(void *ctx, const struct trace_event *ev)
{
    trace_json_event(&((struct lines *)ctx)->out, ev);
}

static void flush(void *ctx)
{
    trace_out_flush(&((struct lines *)ctx)->out);
}

static pgr_status destroy(void *ctx, struct pgr_error *e)
{
    struct lines *l = ctx;
    pgr_status s = trace_out_close(&l->out, e);
    free(l->path);
    free(l);
    return s;
}

static pgr_status open_lines(const char *path, void (*event)(void *, const struct trace_event *),
                             struct trace_sink *out, struct pgr_error *e)
{
    struct lines *l = xmalloc(sizeof *l);
    l->path = path ? xstrdup(path) : NULL;
    pgr_status s = trace_out_open(&l->out, l->path, e);
    if (s) {
        free(l->path);
        free(l);
        return s;
    }
    *out = (struct trace_sink){.ctx = l, .event = event, .flush = flush, .destroy = destroy};
    return PGR_OK;
}

pgr_status trace_text_open(const char *path, struct trace_sink *out, struct pgr_error *e)
{
    return open_lines(path, text_event, out, e);
}

pgr_status trace_json_open(const char *path, struct trace_sink *out, struct pgr_error *e)
{
    return open_lines(path, json_event, out, e);
}
