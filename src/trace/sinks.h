/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef TRACE_SINKS_H
#define TRACE_SINKS_H
/* The sinks that write lines; docs/trace-format.md is their contract with the world. */
#include "trace/event.h"
#include "trace/out.h"

/* One line each, written to *o. */
void trace_text_event(struct trace_out *o, const struct trace_event *ev);
void trace_json_event(struct trace_out *o, const struct trace_event *ev);
#endif
