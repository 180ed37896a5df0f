// SPDX-License-Identifier: GPL-2.0-or-later
/* What a trace spent its time on. */
#include "base/bits.h"
#include "cli/cli.h"
#include "cli/inspect.h"
#include "cli/trace_file.h"
#include "trace/nest.h"
#include "trace/out.h"
#include "trace/sqlite_library.h"
#include "trace/trace_db.h"

#include <inttypes.h>
#include <string.h>

enum { TROUBLE = 2 };

struct row {
    char *module, *function; /* module: NULL for services */
    uint64_t calls, returned, failures, ns;
};

struct top {
    const struct trace_top_options *o;
    VEC(struct row) rows;
    uint32_t *slots; /* index + 1 of a row, by hash of its names */
    size_t slot_count;
    struct trace_nest nest;
    struct sqlite_library lib;
};

/* ---- Rows
 * ------------------------------------------------------------------------------------------------
 */

static bool same_text(const char *a, const char *b)
{
    return a && b ? !strcmp(a, b) : a == b;
}

static size_t slot_of(const struct top *t, const char *module, const char *function)
{
    uint64_t hash = 0xcbf29ce484222325ull;
    for (const char *c = module ? module : ""; *c; c++)
        hash = (hash ^ (unsigned char)*c) * 0x100000001b3ull;
    for (const char *c = function; *c; c++)
        hash = (hash ^ (unsigned char)*c) * 0x100000001b3ull;
    size_t i = hash & (t->slot_count - 1);
    while (t->slots[i] && !(same_text(t->rows.data[t->slots[i] - 1].function, function) &&
                            same_text(t->rows.data[t->slots[i] - 1].module, module)))
        i = (i + 1) & (t->slot_count - 1);
    return i;
}

static void grow(struct top *t)
{
    free(t->slots);
    t->slot_count = t->slot_count ? t->slot_count * 2 : 1024;
    t->slots = xcalloc(t->slot_count, sizeof *t->slots);
    for (size_t i = 0; i < t->rows.len; i++)
        t->slots[slot_of(t, t->rows.data[i].module, t->rows.data[i].function)] = (uint32_t)i + 1;
}

static size_t row_index(struct top *t, const char *module, const char *function)
{
    if (t->rows.len * 2 >= t->slot_count)
        grow(t);
    size_t i = slot_of(t, module, function);
    if (!t->slots[i]) {
        vec_push(&t->rows, (struct row){.module = module ? xstrdup(module) : NULL,
                                        .function = xstrdup(function)});
        t->slots[i] = (uint32_t)t->rows.len;
    }
    return t->slots[i] - 1;
}

/* Borrowed until the next one. */
static struct row *row_of(struct top *t, const char *module, const char *function)
{
    size_t i = row_index(t, module, function); /* which may move the rows */
    return &t->rows.data[i];
}

/* ---- From JSON lines
 * ------------------------------------------------------------------------------------- */

static void over(void *ctx, const struct trace_nest_thread *thread, struct trace_open_call *c,
                 const struct trace_event *ev, bool returned)
{
    struct top *t = ctx;
    struct row *r = &t->rows.data[c->id];
    if (!returned)
        return;
    r->returned++;
    r->failures += ev->failed;
    r->ns += ev->time > c->began ? (ev->time - c->began) * 100 : 0;
}

static bool read_event(json_t *o, struct trace_event *ev)
{
    const json_t *time = json_object_get(o, "timestamp"), *tid = json_object_get(o, "thread_id");
    const char *kind = json_string_value(json_object_get(o, "event"));
    ev->function = json_string_value(json_object_get(o, "function"));
    ev->module = json_string_value(json_object_get(o, "module"));
    ev->depth = (uint32_t)json_integer_value(json_object_get(o, "depth"));
    ev->tid = (uint32_t)json_integer_value(tid);
    double seconds = json_number_value(time);
    if (!json_is_number(time) || !json_is_integer(tid) || !kind || seconds < 0 || seconds > 1e10)
        return false;
    ev->time = (uint64_t)(seconds * 1e7 + 0.5);
    ev->kind = !strcmp(kind, "call")     ? TRACE_CALL
               : !strcmp(kind, "return") ? TRACE_RETURN
                                         : TRACE_IMAGE;
    uint64_t status = (uint64_t)json_integer_value(json_object_get(o, "status"));
    ev->failed = status >> 30 == 3 || json_is_true(json_object_get(o, "failed"));
    return ev->kind == TRACE_IMAGE || ev->function;
}

static void count(struct top *t, const struct trace_event *ev)
{
    if (ev->kind == TRACE_CALL) {
        size_t row = row_index(t, ev->module, ev->function);
        t->rows.data[row].calls++;
        trace_nest_add(&t->nest, ev)->id = row;
    } else if (ev->kind == TRACE_RETURN && !trace_nest_leave(&t->nest, ev)) {
        struct row *r = row_of(t, ev->module, ev->function);
        r->calls++;
        r->failures += ev->failed;
    }
}

static pgr_status read_lines(struct top *t, struct trace_file *f, struct pgr_error *e)
{
    pgr_status s;
    while (!(s = trace_file_next(f, e)) && f->line) {
        struct trace_event ev = {0};
        json_t *o = trace_file_object(f, e);
        if (!o)
            return PGR_E_FORMAT;
        if (read_event(o, &ev))
            count(t, &ev);
        else
            s = err_set(e, PGR_E_FORMAT, "%s: line %" PRIu64 " is no event of a trace", f->path,
                        f->number);
        json_decref(o);
        if (s)
            break;
    }
    return s;
}

/* ---- From a database
 * ------------------------------------------------------------------------------------- */

static void add_counts(struct top *t, sqlite3_stmt *q)
{
    const char *module = (const char *)t->lib.column_text(q, 0);
    const char *function = (const char *)t->lib.column_text(q, 1);
    if (!function)
        return;
    struct row *r = row_of(t, module, function);
    r->calls += (uint64_t)t->lib.column_int64(q, 2);
    r->returned += (uint64_t)t->lib.column_int64(q, 3);
    r->ns += (uint64_t)MAX(t->lib.column_int64(q, 4), 0);
    r->failures += (uint64_t)MAX(t->lib.column_int64(q, 5), 0);
}

static int query(struct top *t, sqlite3 *db)
{
    /* A table with pages of its own: no view and no virtual table, which would run code. */
    static const char real[] =
        "SELECT 1 FROM sqlite_master WHERE name='calls' AND type='table' AND rootpage > 0";
    static const char sums[] = "SELECT module, function, count(*), count(duration_ns),"
                               " sum(duration_ns), sum(failed) FROM calls GROUP BY 1, 2";
    sqlite3_stmt *q;
    int rc = t->lib.prepare_v3(db, real, -1, 0, &q, NULL);
    rc = rc ? rc : t->lib.step(q);
    t->lib.finalize(q);
    if (rc != SQLITE_ROW)
        return rc == SQLITE_DONE ? SQLITE_NOTADB : rc;
    rc = t->lib.prepare_v3(db, sums, -1, 0, &q, NULL);
    if (rc)
        return rc;
    while ((rc = t->lib.step(q)) == SQLITE_ROW)
        add_counts(t, q);
    t->lib.finalize(q);
    return rc == SQLITE_DONE ? SQLITE_OK : rc;
}

static pgr_status read_database(struct top *t, const char *path, struct pgr_error *e)
{
    sqlite3 *db = NULL;
    pgr_status s = sqlite_load_library(&t->lib, e);
    if (s)
        return s;
    char *name = xasprintf("%s%s", path[0] == '/' ? "" : "./", path);
    int rc = t->lib.open_v2(name, &db, SQLITE_OPEN_READONLY | SQLITE_OPEN_NOMUTEX, NULL);
    if (!rc) {
        t->lib.db_config(db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
        t->lib.db_config(db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
        rc = query(t, db);
    }
    if (rc == SQLITE_NOTADB)
        s = err_set(e, PGR_E_FORMAT, "%s is a database, but no trace of Peregrine's", path);
    else if (rc)
        s = err_set(e, PGR_E_FORMAT, "cannot read the trace in %s: %s", path, t->lib.errmsg(db));
    t->lib.close(db);
    free(name);
    return s;
}

/* ---- The list
 * ----------------------------------------------------------------------------------------- */

static double mean(const struct row *r)
{
    return r->returned ? (double)r->ns / (double)r->returned : 0;
}

static double weight(const struct row *r, enum trace_top_order order)
{
    switch (order) {
    case TOP_TIME:
        return (double)r->ns;
    case TOP_MEAN:
        return mean(r);
    case TOP_CALLS:
        return (double)r->calls;
    case TOP_FAILURES:
        return (double)r->failures;
    default:
        return 0;
    }
}

/* Equal ones by calls, then by name. */
static int compare(const void *a, const void *b, void *ctx)
{
    const struct row *x = a, *y = b;
    const struct trace_top_options *o = ctx;
    double wx = weight(x, o->order), wy = weight(y, o->order);
    if (wx != wy)
        return wx < wy ? 1 : -1;
    if (o->order != TOP_NAME && x->calls != y->calls)
        return x->calls < y->calls ? 1 : -1;
    int by_module = strcmp(x->module ? x->module : "", y->module ? y->module : "");
    return by_module ? by_module : strcmp(x->function, y->function);
}

static void print_ns(double ns)
{
    static const struct {
        double from, unit;
        const char *name;
    } units[] = {{1e9, 1e9, "s "}, {1e6, 1e6, "ms"}, {1e3, 1e3, "us"}, {0, 1, "ns"}};
    size_t i = 0;
    while (ns < units[i].from)
        i++;
    printf("%9.*f %s", units[i].unit > 1 ? 3 : 0, ns / units[i].unit, units[i].name);
}

static void print_rows(const struct top *t, size_t n)
{
    struct trace_out *o = xcalloc(1, sizeof *o);
    size_t len;
    o->in_memory = true;
    printf("%s%10s %12s %12s %9s  %s%s\n", cli_style(stdout, CLI_BOLD), "calls", "time", "mean",
           "failed", "function", cli_style(stdout, CLI_PLAIN));
    for (size_t i = 0; i < n; i++) {
        const struct row *r = &t->rows.data[i];
        if (r->module) {
            size_t whole = strlen(r->module);
            bool dll = whole > 4 && !strcmp(r->module + whole - 4, ".dll");
            trace_out_escaped(o, r->module, whole - (dll ? 4 : 0), TRACE_ESCAPE_BARE);
            trace_out_char(o, '!');
        }
        trace_out_escaped(o, r->function, strlen(r->function), TRACE_ESCAPE_BARE);
        printf("%10" PRIu64 " ", r->calls);
        print_ns((double)r->ns);
        putchar(' ');
        print_ns(mean(r));
        printf(" %9" PRIu64 "  %s\n", r->failures, trace_out_take(o, &len));
    }
    vec_free(&o->spilled);
    free(o);
}

/* jansson takes Unicode only; names in databases may be anything. */
static json_t *text_of(const char *s)
{
    if (!s)
        return json_null();
    char *safe = inspect_escape(s);
    json_t *j = json_string(safe);
    free(safe);
    return j;
}

static json_t *rows_as_json(const struct top *t, size_t n)
{
    json_t *all = json_array();
    for (size_t i = 0; i < n; i++) {
        const struct row *r = &t->rows.data[i];
        json_array_append_new(
            all, json_pack("{s:o s:o s:I s:I s:f s:f s:I}", "module", text_of(r->module),
                           "function", text_of(r->function), "calls", (json_int_t)r->calls,
                           "returned", (json_int_t)r->returned, "seconds", (double)r->ns / 1e9,
                           "mean_seconds", mean(r) / 1e9, "failures", (json_int_t)r->failures));
    }
    return all;
}

static void print_json(json_t *all)
{
    json_dumpf(all, stdout, JSON_INDENT(2) | JSON_PRESERVE_ORDER);
    putchar('\n');
    json_decref(all);
}

static pgr_status read_trace(struct top *t, const char *path, struct pgr_error *e)
{
    struct trace_file f;
    pgr_status s = trace_file_open(&f, path, e);
    if (s)
        return s;
    if (f.format == TRACE_FORMAT_TEXT)
        s = err_set(e, PGR_E_UNSUPPORTED,
                    "%s is a trace as text: this command reads JSON lines and databases", path);
    else if (f.format == TRACE_FORMAT_SQLITE)
        s = read_database(t, path, e);
    else
        s = read_lines(t, &f, e);
    trace_file_close(&f);
    return s;
}

static void begin(struct top *t, const struct trace_top_options *o)
{
    *t = (struct top){.o = o};
    t->nest.ctx = t;
    t->nest.over = over;
}

/* Reads all and sorts it; how many rows are wanted. */
static pgr_status sum_up(struct top *t, const char *path, size_t *n, struct pgr_error *e)
{
    pgr_status s = read_trace(t, path, e);
    trace_nest_free(&t->nest);
    if (t->rows.len)
        qsort_r(t->rows.data, t->rows.len, sizeof *t->rows.data, compare, (void *)t->o);
    *n = t->o->most ? MIN(t->o->most, t->rows.len) : t->rows.len;
    return s;
}

static void release(struct top *t)
{
    vec_foreach (r, &t->rows) {
        free(r->module);
        free(r->function);
    }
    vec_free(&t->rows);
    free(t->slots);
}

pgr_status trace_top_json(const char *path, const struct trace_top_options *o, json_t **out,
                          struct pgr_error *e)
{
    struct top t;
    size_t n;
    begin(&t, o);
    pgr_status s = sum_up(&t, path, &n, e);
    *out = s ? NULL : rows_as_json(&t, n);
    release(&t);
    return s;
}

int trace_top(const char *path, const struct trace_top_options *o)
{
    struct top t;
    struct pgr_error e;
    size_t n;
    begin(&t, o);
    pgr_status s = sum_up(&t, path, &n, &e);
    if (s)
        cli_error("%s", e.text);
    else if (o->json)
        print_json(rows_as_json(&t, n));
    else
        print_rows(&t, n);
    release(&t);
    return s || cli_finish_output() ? TROUBLE : EXIT_SUCCESS;
}
