/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef TRACE_NEST_H
#define TRACE_NEST_H
/*
 * Calls that have not returned, by thread, for sinks that pair returns with calls. Returns need not
 * come in the opposite order: fibers share a thread. Calls whose end nobody sees stay open for a
 * while.
 */
#include "base/vec.h"
#include "trace/event.h"

struct trace_open_call {
    uint64_t what;  /* which function, for comparison */
    uint64_t id;    /* of the owner's */
    void *user;     /* of the owner's */
    uint32_t level; /* of the owner's: how deep it is nested */
    uint64_t began; /* the event's time */
    uint64_t frame; /* the event's; and its depth */
    uint32_t depth;
};

struct trace_nest_thread {
    uint32_t pid, tid;
    VEC(struct trace_open_call) calls; /* outermost first */
};

struct trace_nest {
    VEC(struct trace_nest_thread) threads;
    size_t last; /* that was looked for */
    bool strict; /* calls inside of one that returns are over */
    void *ctx;
    /* A call is over. `ev` is its RETURN (`returned`), or whatever showed that it does not return;
     * NULL when the trace ends. */
    void (*over)(void *ctx, const struct trace_nest_thread *t, struct trace_open_call *c,
                 const struct trace_event *ev, bool returned);
};

/* The event's thread, borrowed until the next call. */
struct trace_nest_thread *trace_nest_thread(struct trace_nest *n, const struct trace_event *ev);
/* CALL: one more, borrowed like the thread. */
struct trace_open_call *trace_nest_add(struct trace_nest *n, const struct trace_event *ev);
/* RETURN, AWAY: false when no such call is open. */
bool trace_nest_leave(struct trace_nest *n, const struct trace_event *ev);
/* THREAD: it has ended. */
void trace_nest_end(struct trace_nest *n, const struct trace_event *ev);
/* The trace ends: all calls are over. */
void trace_nest_free(struct trace_nest *n);
#endif
