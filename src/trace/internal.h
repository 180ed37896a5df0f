/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef TRACE_INTERNAL_H
#define TRACE_INTERNAL_H
/* What the sources of events (services, API calls) share; nobody else includes it. */
#include "trace/trace.h"

/* That the trace is attached to. */
struct nt_kernel *trace_kernel(const struct trace *t);
/* Whether it is the first thread of the program. */
bool trace_is_main(struct trace *t, const struct nt_thread *thread);
/* Whether the filters let an API function through, and whether they ask for its category: else that
 * may be NULL. */
bool trace_asks_category(const struct trace *t);
bool trace_wants_function(const struct trace *t, const char *module, const char *name,
                          const char *category);
enum trace_share trace_share_of(const struct trace *t, const char *module);
/* Whether any sink takes such events. */
bool trace_wants_kind(const struct trace *t, enum trace_event_kind kind);
/* Time goes on: flushes now and then. */
void trace_tick(struct trace *t);

/* events.c: what is no call, from now on, and what is there already. */
struct trace_events;
struct trace_events *trace_events_create(struct trace *t);
void trace_events_destroy(struct trace_events *e);
/* Whether calls by system modules are wanted. */
bool trace_sees_system(const struct trace *t);
#endif
