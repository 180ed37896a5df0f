/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CLI_TRACE_FILE_H
#define CLI_TRACE_FILE_H
/* Traces as files, for the commands that read them. Their content is not trusted. */
#include "base/err.h"
#include "base/vec.h"
#include "trace/trace.h"
#include <jansson.h>

/* Where a line is. */
struct trace_line {
    uint64_t at; /* bytes from the file's beginning */
    uint32_t len, number;
};

/* Lines of one guest thread. */
struct trace_thread {
    uint64_t id; /* TRACE_NO_THREAD, TRACE_MAIN_THREAD (in text), or as the guest has it */
    VEC(struct trace_line) lines;
};
enum { TRACE_NO_THREAD = 0, TRACE_MAIN_THREAD = 1 };

/* In ascending order of ids: as they were made, since ids are given in that order. */
struct trace_threads {
    VEC(struct trace_thread) list;
};

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
    uint64_t gone; /* bytes of the file before buf */
    bool ended;
    const struct trace_thread *only; /* lines of this thread; NULL: all */
    size_t next;                     /* of those */
};

/* PGR_E_FORMAT when it is neither a text nor a JSON trace nor a database of traces; of the last
 * only the format is found out. */
pgr_status trace_file_open(struct trace_file *f, const char *path, struct pgr_error *e);
void trace_file_close(struct trace_file *f);
/* PGR_OK and f->line NULL: the end. */
pgr_status trace_file_next(struct trace_file *f, struct pgr_error *e);
/* The line as an object; NULL when it is none, whose reason is in *e. */
json_t *trace_file_object(const struct trace_file *f, struct pgr_error *e);

/*
 * Reads the whole file and tells which lines each thread has; *t, zeroed before, is the caller's
 * even when it fails. After trace_file_choose the file's lines are those of a thread in *t, from
 * its first. PGR_E_UNSUPPORTED: it is a pipe, and cannot be read twice. PGR_E_FORMAT: a line that
 * names no thread, or too many threads.
 */
pgr_status trace_file_threads(struct trace_file *f, struct trace_threads *t, struct pgr_error *e);
void trace_threads_free(struct trace_threads *t);
void trace_file_choose(struct trace_file *f, const struct trace_thread *thread);
/* How many bytes at the beginning of a line of ours only say when; and up to where it says which
 * thread, behind that. 0: the line is not of that form. */
size_t trace_file_time(const struct trace_file *f);
size_t trace_file_thread(const struct trace_file *f, uint64_t *id);

/* cmd_trace.c's subcommands: exit status. */
struct trace_diff_options {
    uint64_t context;
    bool times, by_thread;
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
