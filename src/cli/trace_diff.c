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

struct diff {
    struct trace_file side[2];
    const struct trace_diff_options *o;
    char **before; /* a ring of `context` lines */
    uint64_t lines;
    struct trace_out *shown;
};

/* ---- Lines
 * -------------------------------------------------------------------------------------------- */

/* How many bytes at the beginning of a line of ours only say when. */
static size_t time_length(const struct trace_file *f)
{
    static const char key[] = "{\"timestamp\":";
    size_t i = f->format == TRACE_FORMAT_JSON ? sizeof key - 1 : 1;
    if (f->len < i || (f->format == TRACE_FORMAT_JSON && memcmp(f->line, key, i)) ||
        (f->format == TRACE_FORMAT_TEXT && f->line[0] != '['))
        return 0;
    while (i < f->len && (isdigit((unsigned char)f->line[i]) || f->line[i] == '.'))
        i++;
    return i;
}

/* Others may have written the keys in another order. */
static bool same_objects(const struct diff *d)
{
    struct pgr_error e;
    json_t *a = trace_file_object(&d->side[0], &e), *b = trace_file_object(&d->side[1], &e);
    if (a && b && !d->o->times) {
        json_object_del(a, "timestamp");
        json_object_del(b, "timestamp");
    }
    bool same = a && b && json_equal(a, b);
    json_decref(a);
    json_decref(b);
    return same;
}

static bool same_lines(const struct diff *d)
{
    const struct trace_file *a = &d->side[0], *b = &d->side[1];
    size_t i = d->o->times ? 0 : time_length(a), j = d->o->times ? 0 : time_length(b);
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
    char **slot = &d->before[d->lines % d->o->context];
    free(*slot);
    *slot = xstrdup(f->line);
}

static void show_before(struct diff *d)
{
    uint64_t n = MIN(d->lines, d->o->context);
    for (uint64_t i = d->lines - n + 1; i <= d->lines; i++) {
        const char *line = d->before[i % d->o->context];
        show(d, "  ", CLI_PLAIN, i, line, strlen(line));
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
    if (a->line && b->line)
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
        s = compare(&d, &different, &e);
    if (s)
        cli_error("%s", e.text);
    for (uint64_t i = 0; i < o->context; i++)
        free(d.before[i]);
    free(d.before);
    vec_free(&d.shown->spilled);
    free(d.shown);
    trace_file_close(&d.side[0]);
    trace_file_close(&d.side[1]);
    return s || cli_finish_output() ? TROUBLE : different ? DIFFERENT : SAME;
}
