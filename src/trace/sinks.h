/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef TRACE_SINKS_H
#define TRACE_SINKS_H
/* The sinks; docs/trace-format.md is their contract with the world. */
#include "trace/event.h"
#include "trace/out.h"

/* One line each, written to *o. */
void trace_text_event(struct trace_out *o, const struct trace_event *ev);
void trace_json_event(struct trace_out *o, const struct trace_event *ev);
/* Module and function as the text format has them. */
void trace_text_label(struct trace_out *o, const struct trace_event *ev);
/* A value as the text format has it. */
void trace_text_value(struct trace_out *o, const struct trace_value *v);
/* The values of an event as a JSON object; one of them. */
void trace_json_values(struct trace_out *o, const struct trace_value *v, size_t n);
void trace_json_value(struct trace_out *o, const struct trace_value *v);
/* "CreateFileW", or "#12" for a function that has but an ordinal. Return: what it was copied to, or
 * the event's own text. */
const char *trace_function_name(const struct trace_event *ev, char buf[16]);

/*
 * Each opens its output, path as in struct trace_output, and makes a sink. PGR_E_IO when that
 * cannot be written.
 */
pgr_status trace_text_open(const char *path, struct trace_sink *out, struct pgr_error *e);
pgr_status trace_json_open(const char *path, struct trace_sink *out, struct pgr_error *e);
/* A database, made anew: an older trace at `path` is replaced, any other file is refused. */
pgr_status trace_sqlite_open(const char *path, struct trace_sink *out, struct pgr_error *e);
pgr_status trace_perfetto_open(const char *path, struct trace_sink *out, struct pgr_error *e);
pgr_status trace_drcov_open(const char *path, struct trace_sink *out, struct pgr_error *e);
/* For drcov's ctx: a block of code was executed. */
void trace_drcov_block(void *ctx, uint64_t address, uint32_t size);
#endif
