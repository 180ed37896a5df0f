// SPDX-License-Identifier: GPL-2.0-or-later
/* Where two traces part. */
#include "base/bits.h"
#include "cli/cli.h"
#include "cli/trace_file.h"
#include "trace/out.h"

#include <ctype.h>
#include <inttypes.h>
#include <string.h>

enum { SAME, DIFFERENT, TROUBLE, CONTEXT_MAX = 1000 };

struct before {
    char *line;
    uint64_t number;
};

struct diff {
    struct trace_file side[2];
    const struct trace_diff_options *o;
    struct before *before; /* a ring of `context` lines */
    uint64_t lines;
    struct trace_threads threads[2];
    char name[64]; /* of the thread that is compared; "": all of them */
    struct trace_out *shown;
};

/* ---- Lines
 * -------------------------------------------------------------------------------------------- */

/* Others may have written the keys in another order. */
static bool same_objects(const struct diff *d)
{
    struct pgr_error e;
    json_t *a = trace_file_object(&d->side[0], &e), *b = trace_file_object(&d->side[1], &e);
    for (unsigned i = 0; a && b && i < 2; i++) {
        if (!d->o->times)
            json_object_del(i ? a : b, "timestamp");
        if (d->o->by_thread)
            json_object_del(i ? a : b, "thread_id");
    }
    bool same = a && b && json_equal(a, b);
    json_decref(a);
    json_decref(b);
    return same;
}

/* What of a line must be the same begins here. */
static size_t beginning(const struct diff *d, const struct trace_file *f)
{
    uint64_t id;
    if (d->o->by_thread)
        return trace_file_thread(f, &id);
    return d->o->times ? 0 : trace_file_time(f);
}

static bool same_times(const struct trace_file *a, const struct trace_file *b)
{
    size_t i = trace_file_time(a);
    return i == trace_file_time(b) && !memcmp(a->line, b->line, i);
}

static bool same_lines(const struct diff *d)
{
    const struct trace_file *a = &d->side[0], *b = &d->side[1];
    size_t i = beginning(d, a), j = beginning(d, b);
    if (d->o->times && d->o->by_thread && i && j && !same_times(a, b))
        return false;
    if (a->len - i == b->len - j && !memcmp(a->line + i, b->line + j, a->len - i))
        return true;
    return a->format == TRACE_FORMAT_JSON && same_objects(d);
}

/* ---- What is shown
 * --------------------------------------------------------------------------------------- */

static void show(struct diff *d, const char *mark, enum cli_style style, uint64_t number,
                 const char *line, size_t len)
{
    size_t n;
    trace_out_escaped(d->shown, line, len, TRACE_ESCAPE_BARE);
    line = trace_out_take(d->shown, &n);
    printf("%s%s%8" PRIu64 "  %s%s\n", cli_style(stdout, style), mark, number, line,
           cli_style(stdout, CLI_PLAIN));
}

static void remember(struct diff *d)
{
    const struct trace_file *f = &d->side[0];
    d->lines++;
    if (!d->o->context)
        return;
    struct before *slot = &d->before[d->lines % d->o->context];
    free(slot->line);
    *slot = (struct before){xstrdup(f->line), f->number};
}

static void show_before(struct diff *d)
{
    uint64_t n = MIN(d->lines, d->o->context);
    for (uint64_t i = d->lines - n + 1; i <= d->lines; i++) {
        const struct before *b = &d->before[i % d->o->context];
        show(d, "  ", CLI_PLAIN, b->number, b->line, strlen(b->line));
    }
}

/* The line that differs, and what follows. */
static pgr_status show_rest(struct diff *d, unsigned side, struct pgr_error *e)
{
    struct trace_file *f = &d->side[side];
    pgr_status s = PGR_OK;
    for (uint64_t i = 0; i <= d->o->context && f->line && !s; i++) {
        show(d, side ? "> " : "< ", side ? CLI_GREEN : CLI_RED, f->number, f->line, f->len);
        s = trace_file_next(f, e);
    }
    return s;
}

static pgr_status show_difference(struct diff *d, struct pgr_error *e)
{
    const struct trace_file *a = &d->side[0], *b = &d->side[1];
    printf("%s%s", d->name, d->name[0] ? ": " : "");
    if (a->line && b->line && d->name[0])
        printf("line %" PRIu64 " of its own is the first that differs\n", d->lines + 1);
    else if (a->line && b->line)
        printf("line %" PRIu64 " is the first that differs\n", d->lines + 1);
    else
        printf("%s ends after line %" PRIu64 ", %s goes on\n", a->line ? b->path : a->path,
               d->lines, a->line ? a->path : b->path);
    show_before(d);
    pgr_status s = show_rest(d, 0, e);
    return s ? s : show_rest(d, 1, e);
}

/* ---- The whole
 * --------------------------------------------------------------------------------------------- */

static pgr_status open_sides(struct diff *d, const char *a, const char *b, struct pgr_error *e)
{
    pgr_status s = trace_file_open(&d->side[0], a, e);
    if (!s)
        s = trace_file_open(&d->side[1], b, e);
    for (unsigned i = 0; i < 2 && !s; i++)
        if (d->side[i].format == TRACE_FORMAT_SQLITE)
            s = err_set(e, PGR_E_UNSUPPORTED,
                        "%s is a database: traces are compared as text or JSON lines",
                        d->side[i].path);
    if (!s && d->side[0].format != d->side[1].format)
        s = err_set(e, PGR_E_ARGUMENT, "%s is a trace as %s, %s one as %s: compare like with like",
                    a, trace_format_name(d->side[0].format), b,
                    trace_format_name(d->side[1].format));
    return s;
}

static pgr_status compare(struct diff *d, bool *different, struct pgr_error *e)
{
    for (;;) {
        pgr_status s = trace_file_next(&d->side[0], e);
        if (!s)
            s = trace_file_next(&d->side[1], e);
        if (s || (!d->side[0].line && !d->side[1].line))
            return s;
        *different = !d->side[0].line || !d->side[1].line || !same_lines(d);
        if (*different)
            return show_difference(d, e);
        remember(d);
    }
}

/* ---- By thread
 * ------------------------------------------------------------------------------------------ */

static void put_id(char *out, size_t size, const struct trace_thread *t)
{
    if (t->id == TRACE_NO_THREAD)
        snprintf(out, size, "no thread");
    else if (t->id == TRACE_MAIN_THREAD)
        snprintf(out, size, "main");
    else
        snprintf(out, size, "%" PRIu64, t->id);
}

static void name_pair(struct diff *d, const struct trace_thread *a, const struct trace_thread *b)
{
    char left[24], right[24];
    put_id(left, sizeof left, a);
    put_id(right, sizeof right, b);
    bool same = a->id == b->id;
    snprintf(d->name, sizeof d->name, "%s%s%s%s", a->id == TRACE_NO_THREAD ? "" : "thread ", left,
             same ? "" : " / ", same ? "" : right);
}

/* What has no counterpart in the other trace. */
static void show_alone(const struct diff *d, unsigned side, const struct trace_thread *t)
{
    char id[24];
    put_id(id, sizeof id, t);
    printf("thread %s is only in %s, with %zu lines\n", id, d->side[side].path, t->lines.len);
}

static pgr_status compare_threads(struct diff *d, bool *different, struct pgr_error *e)
{
    const struct trace_threads *a = &d->threads[0], *b = &d->threads[1];
    size_t i = 0, j = 0;
    while (i < a->list.len || j < b->list.len) {
        const struct trace_thread *x = i < a->list.len ? &a->list.data[i] : NULL;
        const struct trace_thread *y = j < b->list.len ? &b->list.data[j] : NULL;
        /* Events of no thread have no counterpart but themselves. */
        bool left = !y || (x && x->id == TRACE_NO_THREAD && y->id != TRACE_NO_THREAD);
        bool right = !x || (y && y->id == TRACE_NO_THREAD && x->id != TRACE_NO_THREAD);
        bool one = false;
        i += !right;
        j += !left;
        if (left || right) {
            *different = true;
            show_alone(d, right, right ? y : x);
            continue;
        }
        name_pair(d, x, y);
        trace_file_choose(&d->side[0], x);
        trace_file_choose(&d->side[1], y);
        d->lines = 0;
        pgr_status s = compare(d, &one, e);
        if (s)
            return s;
        *different |= one;
    }
    return PGR_OK;
}

static pgr_status compare_by_thread(struct diff *d, bool *different, struct pgr_error *e)
{
    pgr_status s = trace_file_threads(&d->side[0], &d->threads[0], e);
    if (!s)
        s = trace_file_threads(&d->side[1], &d->threads[1], e);
    return s ? s : compare_threads(d, different, e);
}

int trace_diff(const char *a, const char *b, const struct trace_diff_options *o)
{
    struct diff d = {.o = o, .side = {{.fd = -1}, {.fd = -1}}};
    struct pgr_error e;
    bool different = false;
    BUG_ON(o->context > CONTEXT_MAX);
    d.before = xcalloc(o->context + 1, sizeof *d.before);
    d.shown = xcalloc(1, sizeof *d.shown);
    d.shown->in_memory = true;
    pgr_status s = open_sides(&d, a, b, &e);
    if (!s)
        s = (o->by_thread ? compare_by_thread : compare)(&d, &different, &e);
    if (s)
        cli_error("%s", e.text);
    for (uint64_t i = 0; i < o->context; i++)
        free(d.before[i].line);
    free(d.before);
    vec_free(&d.shown->spilled);
    free(d.shown);
    trace_threads_free(&d.threads[0]);
    trace_threads_free(&d.threads[1]);
    trace_file_close(&d.side[0]);
    trace_file_close(&d.side[1]);
    return s || cli_finish_output() ? TROUBLE : different ? DIFFERENT : SAME;
}
