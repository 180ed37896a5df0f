// SPDX-License-Identifier: GPL-2.0-or-later
#include "trace/nest.h"

enum {
    THREADS_KEPT = 64,  /* before those without calls are let go */
    CALLS_MAX = 1 << 17 /* of one thread */
};

/* FNV-1a: names are not kept, since they may go with their module. */
static uint64_t add_text(uint64_t hash, const char *text)
{
    for (; text && *text; text++)
        hash = (hash ^ (unsigned char)*text) * 0x100000001b3ull;
    return (hash ^ 0xff) * 0x100000001b3ull;
}

static uint64_t function_of(const struct trace_event *ev)
{
    uint64_t hash = add_text(0xcbf29ce484222325ull, ev->module);
    return add_text(hash, ev->function) + (ev->function ? 0 : ev->ordinal);
}

static struct trace_nest_thread *find(struct trace_nest *n, const struct trace_event *ev)
{
    for (size_t i = 0; i <= n->threads.len; i++) {
        size_t at = i ? i - 1 : n->last; /* mostly the same one again */
        if (at < n->threads.len && n->threads.data[at].tid == ev->tid &&
            n->threads.data[at].pid == ev->pid) {
            n->last = at;
            return &n->threads.data[at];
        }
    }
    return NULL;
}

static void let_go(struct trace_nest *n)
{
    for (size_t i = n->threads.len; i-- > 0;) {
        if (n->threads.data[i].calls.len)
            continue;
        vec_free(&n->threads.data[i].calls);
        vec_remove(&n->threads, i);
    }
}

struct trace_nest_thread *trace_nest_thread(struct trace_nest *n, const struct trace_event *ev)
{
    struct trace_nest_thread *t = find(n, ev);
    if (t)
        return t;
    if (n->threads.len >= THREADS_KEPT)
        let_go(n);
    vec_push(&n->threads, (struct trace_nest_thread){.pid = ev->pid, .tid = ev->tid});
    n->last = n->threads.len - 1;
    return &n->threads.data[n->last];
}

static void close_down_to(struct trace_nest *n, struct trace_nest_thread *t, size_t depth,
                          const struct trace_event *ev)
{
    while (t->calls.len > depth) {
        struct trace_open_call c = t->calls.data[--t->calls.len];
        n->over(n->ctx, t, &c, ev, false);
    }
}

struct trace_open_call *trace_nest_add(struct trace_nest *n, const struct trace_event *ev)
{
    struct trace_nest_thread *t = trace_nest_thread(n, ev);
    if (t->calls.len == CALLS_MAX)
        close_down_to(n, t, CALLS_MAX / 2, ev);
    vec_push(&t->calls, (struct trace_open_call){.what = function_of(ev),
                                                 .began = ev->time,
                                                 .frame = ev->frame,
                                                 .depth = ev->depth});
    return &t->calls.data[t->calls.len - 1];
}

bool trace_nest_leave(struct trace_nest *n, const struct trace_event *ev)
{
    struct trace_nest_thread *t = find(n, ev);
    uint64_t what = function_of(ev);
    for (size_t i = t ? t->calls.len : 0; i-- > 0;) {
        struct trace_open_call c = t->calls.data[i];
        if (c.what != what || c.frame != ev->frame || c.depth != ev->depth)
            continue;
        if (n->strict)
            close_down_to(n, t, i + 1, ev);
        vec_remove(&t->calls, i);
        n->over(n->ctx, t, &c, ev, ev->kind == TRACE_RETURN);
        return true;
    }
    return false;
}

void trace_nest_end(struct trace_nest *n, const struct trace_event *ev)
{
    struct trace_nest_thread *t = find(n, ev);
    if (t)
        close_down_to(n, t, 0, ev);
}

void trace_nest_free(struct trace_nest *n)
{
    vec_foreach (t, &n->threads) {
        close_down_to(n, t, 0, NULL);
        vec_free(&t->calls);
    }
    vec_free(&n->threads);
}
