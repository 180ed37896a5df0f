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

enum trace_format {
    TRACE_FORMAT_TEXT,
    TRACE_FORMAT_JSON,
    TRACE_FORMAT_SQLITE,
    TRACE_FORMAT_PERFETTO,
    TRACE_FORMAT_DRCOV, /* takes no calls but trace_block's blocks */
    TRACE_FORMATS
};
/* "text", "json" ... */
const char *trace_format_name(enum trace_format f);

struct trace_output {
    enum trace_format format;
    const char *path; /* NULL: standard error, "-": standard output, else a file. The last two
                         formats write to files only, and sqlite */
};

enum { TRACE_SINKS_MAX = 8 };

struct trace_config {
    bool services;   /* calls of NT services are traced */
    bool api;        /* calls of API functions are; the machine must intercept */
    bool see_system; /* calls of API functions by system modules are, too */
    bool events;     /* what is no call is: images, threads, exceptions, the process's end */
    const struct trace_output *outputs; /* with paths copied */
    size_t output_count;                /* up to TRACE_SINKS_MAX */
    struct trace_filter_config filter;
};

struct trace;

/* A trace with these sinks. PGR_E_ARGUMENT for a filter that selects nothing known, PGR_E_IO when
 * an output cannot be opened, or is a file of another kind that would be lost; PGR_E_ARGUMENT too
 * when two outputs turn out to be one file. */
pgr_status trace_create(const struct trace_config *cfg, struct trace **out, struct pgr_error *e);
/* Writes what is buffered and closes. PGR_E_IO with a sentence when some of the trace was lost, for
 * each sink where that is so. The kernel that it is attached to must be gone or detached. */
pgr_status trace_destroy(struct trace *t, struct pgr_error *e);

/*
 * From now on k's services, and API calls that h intercepts, are reported to t. One trace per
 * kernel, one kernel per trace. `h` may be NULL. For API calls attach before the program has run;
 * the trace must then live until the machine is gone, or as long as it does not run. Images and
 * threads that are there already are told of at once.
 */
struct hooks;
void trace_attach(struct trace *t, struct nt_kernel *k, struct hooks *h);
void trace_detach(struct trace *t);

/* Whether a sink wants to hear of blocks of code; and one that was executed, any number of times.
 * For the machine's block observer, `trace` being its context. */
bool trace_wants_blocks(const struct trace *t);
void trace_block(void *trace, uint64_t address, uint32_t size);

/* Another consumer of the same events, copied; t destroys it. False when there are too many. */
bool trace_add_sink(struct trace *t, const struct trace_sink *sink);
/* Gives an event of another layer (images, exceptions, API calls) to the sinks. */
void trace_emit(struct trace *t, const struct trace_event *ev);
/* Whether there was any event. */
bool trace_told_anything(const struct trace *t);
/* Has watchers of the outputs see all there is. Done by itself four times a second. */
void trace_flush(struct trace *t);
#endif
