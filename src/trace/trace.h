/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef TRACE_TRACE_H
#define TRACE_TRACE_H
/*
 * Watches a machine and passes what happens to sinks. The guest is never told: it executes the same
 * instructions with and without a trace, and no error of a sink reaches it.
 *
 * All functions but create and destroy are called with the kernel's lock held.
 */
#include "trace/event.h"
#include "trace/filter.h"

enum trace_format { TRACE_FORMAT_TEXT, TRACE_FORMAT_JSON };

struct trace_config {
    bool no_services; /* calls of NT services are left out */
    bool api;         /* calls of API functions are traced; the machine must intercept */
    enum trace_format format;
    const char *output; /* NULL: standard error, "-": standard output, else a file; copied */
    struct trace_filter_config filter;
};

struct trace;

/* A trace with one sink that writes lines. PGR_E_ARGUMENT for a filter that selects nothing known,
 * PGR_E_IO when the output cannot be opened. */
pgr_status trace_create(const struct trace_config *cfg, struct trace **out, struct pgr_error *e);
/* Writes what is buffered and closes. PGR_E_IO with a sentence when some of the trace was lost. The
 * kernel that it is attached to must be gone or detached. */
pgr_status trace_destroy(struct trace *t, struct pgr_error *e);

/*
 * From now on k's services, and API calls that h intercepts, are reported to t. One trace per
 * kernel, one kernel per trace. `h` may be NULL. For API calls attach before the program has run;
 * the trace must then live until the machine is gone, or as long as it does not run.
 */
struct hooks;
void trace_attach(struct trace *t, struct nt_kernel *k, struct hooks *h);
void trace_detach(struct trace *t);

enum { TRACE_SINKS_MAX = 4 };
/* Another consumer of the same events, copied; false when there are too many. */
bool trace_add_sink(struct trace *t, const struct trace_sink *sink);
/* Gives an event of another layer (images, exceptions, API calls) to the sinks. */
void trace_emit(struct trace *t, const struct trace_event *ev);
/* Call before the machine waits for the outside world, so that a watcher sees all there is. */
void trace_flush(struct trace *t);
#endif
