/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CLI_TRACE_FILE_H
#define CLI_TRACE_FILE_H
/* Traces as files, for the commands that read them. Their content is not trusted. */
#include "base/err.h"
#include "trace/trace.h"
#include <jansson.h>

struct trace_file {
    const char *path; /* borrowed */
    enum trace_format format;
    int fd;
    uint64_t number; /* of the line that was read last, from 1 */
    char *line;      /* ended by a NUL; its newline is gone */
    size_t len;
    /* the rest is the reader's */
    char *buf;
    size_t at, used, room;
    bool ended;
};

/* PGR_E_FORMAT when it is neither a text nor a JSON trace nor a database of traces; of the last
 * only the format is found out. */
pgr_status trace_file_open(struct trace_file *f, const char *path, struct pgr_error *e);
void trace_file_close(struct trace_file *f);
/* PGR_OK and f->line NULL: the end. */
pgr_status trace_file_next(struct trace_file *f, struct pgr_error *e);
/* The line as an object; NULL when it is none, whose reason is in *e. */
json_t *trace_file_object(const struct trace_file *f, struct pgr_error *e);

/* cmd_trace.c's subcommands: exit status. */
struct trace_diff_options {
    uint64_t context;
    bool times;
};
int trace_diff(const char *a, const char *b, const struct trace_diff_options *o);
enum trace_top_order { TOP_TIME, TOP_MEAN, TOP_CALLS, TOP_FAILURES, TOP_NAME };
struct trace_top_options {
    uint64_t most; /* rows, 0: all */
    enum trace_top_order order;
    bool json;
};
int trace_top(const char *path, const struct trace_top_options *o);
/* What it prints with --json. */
pgr_status trace_top_json(const char *path, const struct trace_top_options *o, json_t **out,
                          struct pgr_error *e);
#endif
