// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A database, one table for each kind of event. Rows are visible to other programs while the guest
 * runs, in batches: a transaction for each row would cost a hundred times as much.
 */
#include "base/bits.h"
#include "base/vec.h"
#include "trace/nest.h"
#include "trace/sinks.h"
#include "trace/sqlite_library.h"
#include "trace/trace_db.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { BATCH_ROWS = 1000 };

static const char schema[] =
    "CREATE TABLE meta(key TEXT PRIMARY KEY, value) WITHOUT ROWID;"
    "CREATE TABLE calls(id INTEGER PRIMARY KEY, parent INTEGER, time_ns INTEGER NOT NULL,"
    " duration_ns INTEGER, pid INTEGER, tid INTEGER, category TEXT, module TEXT,"
    " function TEXT NOT NULL, depth INTEGER, caller TEXT, result, failed INTEGER,"
    " error INTEGER, error_name TEXT, args TEXT, outs TEXT);"
    "CREATE TABLE images(id INTEGER PRIMARY KEY, time_ns INTEGER, pid INTEGER, tid INTEGER,"
    " action TEXT, module TEXT, base INTEGER, size INTEGER, path TEXT, entry INTEGER,"
    " checksum INTEGER, timestamp INTEGER);"
    "CREATE TABLE threads(pid INTEGER, tid INTEGER, started_ns INTEGER, ended_ns INTEGER,"
    " address INTEGER, place TEXT, exit_code INTEGER, PRIMARY KEY(pid, tid)) WITHOUT ROWID;"
    "CREATE TABLE exceptions(id INTEGER PRIMARY KEY, time_ns INTEGER, pid INTEGER, tid INTEGER,"
    " code INTEGER, name TEXT, address INTEGER, place TEXT, first_chance INTEGER, access TEXT,"
    " accessed INTEGER);"
    "CREATE TABLE processes(pid INTEGER PRIMARY KEY, ended_ns INTEGER, exit_code INTEGER);"
    "INSERT INTO meta VALUES('format', 'peregrine trace'), ('version', 1), ('complete', 0);";

enum statement {
    ADD_CALL,
    END_CALL,
    LOST_RETURN,
    ADD_IMAGE,
    ADD_THREAD,
    END_THREAD,
    ADD_EXCEPTION,
    ADD_PROCESS,
    BEGIN,
    COMMIT,
    STATEMENTS
};
static const char *const statements[STATEMENTS] = {
    [ADD_CALL] = "INSERT INTO calls(id, parent, time_ns, pid, tid, category, module, function,"
                 " depth, caller, args) VALUES(?,?,?,?,?,?,?,?,?,?,?)",
    [END_CALL] = "UPDATE calls SET duration_ns=?2, result=?3, failed=?4, error=?5, error_name=?6,"
                 " outs=?7 WHERE id=?1",
    [LOST_RETURN] = "INSERT INTO calls(id, time_ns, pid, tid, category, module, function, depth,"
                    " result, failed, outs) VALUES(?,?,?,?,?,?,?,?,?,?,?)",
    [ADD_IMAGE] = "INSERT INTO images VALUES(NULL,?,?,?,?,?,?,?,?,?,?,?)",
    [ADD_THREAD] = "INSERT OR REPLACE INTO threads(pid, tid, started_ns, address, place)"
                   " VALUES(?,?,?,?,?)",
    [END_THREAD] = "UPDATE threads SET ended_ns=?3, exit_code=?4 WHERE pid=?1 AND tid=?2",
    [ADD_EXCEPTION] = "INSERT INTO exceptions VALUES(NULL,?,?,?,?,?,?,?,?,?,?)",
    [ADD_PROCESS] = "INSERT OR REPLACE INTO processes VALUES(?,?,?)",
    [BEGIN] = "BEGIN",
    [COMMIT] = "COMMIT",
};

struct database {
    struct sqlite_library lib;
    char *path;
    sqlite3 *db;
    sqlite3_stmt *stmt[STATEMENTS];
    struct trace_nest nest;
    uint64_t calls; /* ids given */
    unsigned rows;  /* in the transaction that is open; 0: none is */
    uint64_t kept;  /* rows in those that are done */
    bool failed;
    char error[256]; /* why */
    struct trace_out text;
};

/* ---- Statements
 * ----------------------------------------------------------------------------------------- */

static void note_error(struct database *d)
{
    if (d->failed)
        return;
    d->failed = true;
    snprintf(d->error, sizeof d->error, "%s", d->lib.errmsg(d->db));
}

static void step(struct database *d, enum statement which)
{
    sqlite3_stmt *s = d->stmt[which];
    if (!d->failed && d->lib.step(s) != SQLITE_DONE)
        note_error(d);
    d->lib.reset(s);
}

static void commit(struct database *d)
{
    if (!d->rows)
        return;
    step(d, COMMIT);
    if (!d->failed)
        d->kept += d->rows;
    d->rows = 0;
}

static void run(struct database *d, enum statement which)
{
    if (!d->rows)
        step(d, BEGIN);
    step(d, which);
    if (++d->rows >= BATCH_ROWS)
        commit(d);
}

static bool is_plain(const char *text)
{
    for (; *text; text++)
        if (*text < 0x20 || *text > 0x7e)
            return false;
    return true;
}

static void bind_text(struct database *d, enum statement which, int at, const char *text)
{
    size_t len;
    if (!text) {
        d->lib.bind_null(d->stmt[which], at);
        return;
    }
    if (is_plain(text)) {
        d->lib.bind_text(d->stmt[which], at, text, -1, SQLITE_STATIC);
        return;
    }
    trace_out_escaped(&d->text, text, strlen(text), TRACE_ESCAPE_BARE);
    text = trace_out_take(&d->text, &len);
    d->lib.bind_text(d->stmt[which], at, text, (int)len, SQLITE_TRANSIENT);
}

static void bind_number(struct database *d, enum statement which, int at, uint64_t v)
{
    d->lib.bind_int64(d->stmt[which], at, (sqlite3_int64)v);
}

static void bind_taken(struct database *d, enum statement which, int at)
{
    size_t len;
    const char *text = trace_out_take(&d->text, &len);
    d->lib.bind_text(d->stmt[which], at, text, (int)len, SQLITE_TRANSIENT);
}

static void bind_values(struct database *d, enum statement which, int at,
                        const struct trace_event *ev)
{
    trace_json_values(&d->text, ev->values, ev->value_count);
    bind_taken(d, which, at);
}

/* Numbers as such, all else as the text format has it. */
static void bind_result(struct database *d, enum statement which, int at,
                        const struct trace_value *v)
{
    bool number = v->kind == TRACE_SIGNED || v->kind == TRACE_BOOL ||
                  (v->kind == TRACE_NUMBER && v->number <= INT64_MAX);
    if (number) {
        bind_number(d, which, at, v->number);
        return;
    }
    trace_text_value(&d->text, v);
    bind_taken(d, which, at);
}

/* ---- Calls
 * -------------------------------------------------------------------------------------------- */

static void add_call(struct database *d, const struct trace_event *ev)
{
    char ordinal[16];
    const struct trace_nest_thread *t = trace_nest_thread(&d->nest, ev);
    const struct trace_open_call *parent = t->calls.len ? &t->calls.data[t->calls.len - 1] : NULL;
    uint32_t level = parent ? parent->level + 1 : 0;
    bind_number(d, ADD_CALL, 1, ++d->calls);
    if (parent)
        bind_number(d, ADD_CALL, 2, parent->id);
    else
        d->lib.bind_null(d->stmt[ADD_CALL], 2);
    bind_number(d, ADD_CALL, 3, ev->time * 100);
    bind_number(d, ADD_CALL, 4, ev->pid);
    bind_number(d, ADD_CALL, 5, ev->tid);
    bind_text(d, ADD_CALL, 6, ev->category);
    bind_text(d, ADD_CALL, 7, ev->module);
    bind_text(d, ADD_CALL, 8, trace_function_name(ev, ordinal));
    bind_number(d, ADD_CALL, 9, level);
    bind_text(d, ADD_CALL, 10, ev->caller);
    bind_values(d, ADD_CALL, 11, ev);
    run(d, ADD_CALL);
    struct trace_open_call *c = trace_nest_add(&d->nest, ev);
    c->id = d->calls;
    c->level = level;
}

static void over(void *ctx, const struct trace_nest_thread *t, struct trace_open_call *c,
                 const struct trace_event *ev, bool returned)
{
    struct database *d = ctx;
    if (!returned) /* no duration, no result */
        return;
    bind_number(d, END_CALL, 1, c->id);
    bind_number(d, END_CALL, 2, (ev->time - c->began) * 100);
    bind_result(d, END_CALL, 3, &ev->result);
    bind_number(d, END_CALL, 4, ev->failed);
    if (ev->has_error)
        bind_number(d, END_CALL, 5, ev->last_error);
    else
        d->lib.bind_null(d->stmt[END_CALL], 5);
    bind_text(d, END_CALL, 6, ev->has_error ? ev->last_error_name : NULL);
    bind_values(d, END_CALL, 7, ev);
    run(d, END_CALL);
}

/* The trace began, or the filter passed, between call and return. */
static void lost_return(struct database *d, const struct trace_event *ev)
{
    char ordinal[16];
    bind_number(d, LOST_RETURN, 1, ++d->calls);
    bind_number(d, LOST_RETURN, 2, ev->time * 100);
    bind_number(d, LOST_RETURN, 3, ev->pid);
    bind_number(d, LOST_RETURN, 4, ev->tid);
    bind_text(d, LOST_RETURN, 5, ev->category);
    bind_text(d, LOST_RETURN, 6, ev->module);
    bind_text(d, LOST_RETURN, 7, trace_function_name(ev, ordinal));
    bind_number(d, LOST_RETURN, 8, trace_nest_thread(&d->nest, ev)->calls.len);
    bind_result(d, LOST_RETURN, 9, &ev->result);
    bind_number(d, LOST_RETURN, 10, ev->failed);
    bind_values(d, LOST_RETURN, 11, ev);
    run(d, LOST_RETURN);
}

/* ---- The others
 * ------------------------------------------------------------------------------------------ */

static void bind_where(struct database *d, enum statement which, const struct trace_event *ev)
{
    bind_number(d, which, 1, ev->time * 100);
    bind_number(d, which, 2, ev->pid);
    bind_number(d, which, 3, ev->tid);
}

static void add_image(struct database *d, const struct trace_event *ev)
{
    bind_where(d, ADD_IMAGE, ev);
    bind_text(d, ADD_IMAGE, 4, ev->begins ? "map" : "unmap");
    bind_text(d, ADD_IMAGE, 5, ev->module);
    bind_number(d, ADD_IMAGE, 6, ev->base);
    bind_number(d, ADD_IMAGE, 7, ev->size);
    bind_text(d, ADD_IMAGE, 8, ev->path);
    bind_number(d, ADD_IMAGE, 9, ev->entry);
    bind_number(d, ADD_IMAGE, 10, ev->checksum);
    bind_number(d, ADD_IMAGE, 11, ev->timestamp);
    run(d, ADD_IMAGE);
}

static void add_thread(struct database *d, const struct trace_event *ev)
{
    enum statement which = ev->begins ? ADD_THREAD : END_THREAD;
    if (!ev->begins)
        trace_nest_end(&d->nest, ev);
    bind_number(d, which, 1, ev->pid);
    bind_number(d, which, 2, ev->tid);
    bind_number(d, which, 3, ev->time * 100);
    bind_number(d, which, 4, ev->begins ? ev->address : ev->code);
    if (ev->begins)
        bind_text(d, which, 5, ev->place);
    run(d, which);
}

static void add_exception(struct database *d, const struct trace_event *ev)
{
    bind_where(d, ADD_EXCEPTION, ev);
    bind_number(d, ADD_EXCEPTION, 4, ev->code);
    bind_text(d, ADD_EXCEPTION, 5, ev->code_name);
    bind_number(d, ADD_EXCEPTION, 6, ev->address);
    bind_text(d, ADD_EXCEPTION, 7, ev->place);
    bind_number(d, ADD_EXCEPTION, 8, ev->first_chance);
    bind_text(d, ADD_EXCEPTION, 9, ev->access);
    if (ev->access)
        bind_number(d, ADD_EXCEPTION, 10, ev->accessed);
    else
        d->lib.bind_null(d->stmt[ADD_EXCEPTION], 10);
    run(d, ADD_EXCEPTION);
}

static void add_process(struct database *d, const struct trace_event *ev)
{
    bind_number(d, ADD_PROCESS, 1, ev->pid);
    bind_number(d, ADD_PROCESS, 2, ev->time * 100);
    bind_number(d, ADD_PROCESS, 3, ev->code);
    run(d, ADD_PROCESS);
}

static void event(void *ctx, const struct trace_event *ev)
{
    struct database *d = ctx;
    if (d->failed)
        return;
    switch ((enum trace_event_kind)ev->kind) {
    case TRACE_CALL:
        add_call(d, ev);
        break;
    case TRACE_RETURN:
    case TRACE_AWAY:
        if (!trace_nest_leave(&d->nest, ev) && ev->kind == TRACE_RETURN)
            lost_return(d, ev);
        break;
    case TRACE_IMAGE:
        add_image(d, ev);
        break;
    case TRACE_THREAD:
        add_thread(d, ev);
        break;
    case TRACE_EXCEPTION:
        add_exception(d, ev);
        break;
    case TRACE_PROCESS:
        add_process(d, ev);
        break;
    }
}

static void flush(void *ctx)
{
    commit(ctx);
}

/* ---- Opening and closing
 * -------------------------------------------------------------------------------- */

/* The end of journalling needs that nobody else reads: then the journal stays beside the file. */
static void finish(struct database *d)
{
    commit(d);
    if (!d->failed &&
        d->lib.exec(d->db, "UPDATE meta SET value=1 WHERE key='complete'", NULL, NULL, NULL))
        note_error(d);
    d->lib.exec(d->db, "PRAGMA journal_mode=DELETE", NULL, NULL, NULL);
}

static void release(struct database *d)
{
    for (size_t i = 0; i < STATEMENTS && d->db; i++)
        d->lib.finalize(d->stmt[i]);
    if (d->db)
        d->lib.close(d->db);
    trace_nest_free(&d->nest);
    vec_free(&d->text.spilled);
    free(d->path);
    free(d);
}

static pgr_status destroy(void *ctx, struct pgr_error *e)
{
    struct database *d = ctx;
    pgr_status s = PGR_OK;
    finish(d);
    if (d->failed)
        s = err_set(e, PGR_E_IO,
                    "the trace in %s is incomplete, it ends after %" PRIu64 " rows: %s", d->path,
                    d->kept, d->error);
    release(d);
    return s;
}

static uint32_t get_be32(const uint8_t *p)
{
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

/* The identity is in the file's header, so that nothing of a file that is not ours is executed. */
static pgr_status look_at_old(const char *path, bool *exists, struct pgr_error *e)
{
    uint8_t header[100] = {0};
    struct stat st;
    *exists = false;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0)
        return errno == ENOENT ? PGR_OK
                               : err_errno(e, PGR_E_IO, "cannot write the trace to %s", path);
    ssize_t n = fstat(fd, &st) ? -1 : S_ISREG(st.st_mode) ? read(fd, header, sizeof header) : 1;
    close(fd);
    if (n == 0) {
        *exists = true;
        return PGR_OK;
    }
    if (n != sizeof header || memcmp(header, TRACE_DB_MAGIC, sizeof TRACE_DB_MAGIC))
        return err_set(
            e, PGR_E_IO,
            "%s exists and is no SQLite database: remove it, or write the trace elsewhere", path);
    if (get_be32(header + TRACE_DB_ID_AT) != TRACE_DB_ID)
        return err_set(e, PGR_E_IO,
                       "%s is a database, but no trace of Peregrine's: only such are replaced",
                       path);
    *exists = true;
    return PGR_OK;
}

static pgr_status make_new(const char *path, struct pgr_error *e)
{
    static const char *const suffixes[] = {"", "-journal", "-wal", "-shm"};
    bool exists;
    pgr_status s = look_at_old(path, &exists, e);
    for (size_t i = 0; i < ARRAY_LEN(suffixes) && !s && exists; i++) {
        char *name = xasprintf("%s%s", path, suffixes[i]);
        if (unlink(name) && errno != ENOENT)
            s = err_errno(e, PGR_E_IO, "cannot replace %s", name);
        free(name);
    }
    return s;
}

static pgr_status prepare(struct database *d, struct pgr_error *e)
{
    char *identity = xasprintf("PRAGMA application_id=%d", TRACE_DB_ID);
    /* "./" since SQLite takes some names for other things than files. */
    char *name = xasprintf("%s%s", d->path[0] == '/' ? "" : "./", d->path);
    int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX;
    /* The identity before the journal, so that it is in the file from the beginning. Losing power
     * may cost the trace; that is no reason to wait for the disk. */
    bool good =
        !d->lib.open_v2(name, &d->db, flags, NULL) &&
        !d->lib.exec(d->db, identity, NULL, NULL, NULL) &&
        !d->lib.exec(d->db, schema, NULL, NULL, NULL) &&
        !d->lib.exec(d->db, "PRAGMA journal_mode=WAL; PRAGMA synchronous=OFF", NULL, NULL, NULL);
    free(identity);
    free(name);
    for (size_t i = 0; i < STATEMENTS && good; i++)
        good = !d->lib.prepare_v3(d->db, statements[i], -1, SQLITE_PREPARE_PERSISTENT, &d->stmt[i],
                                  NULL);
    return good ? PGR_OK
                : err_set(e, PGR_E_IO, "cannot write the trace to %s: %s", d->path,
                          d->lib.errmsg(d->db));
}

pgr_status trace_sqlite_open(const char *path, struct trace_sink *out, struct pgr_error *e)
{
    BUG_ON(!path);
    struct database *d = xcalloc(1, sizeof *d);
    d->path = xstrdup(path);
    d->text.in_memory = d->text.well_formed = true;
    d->nest.ctx = d;
    d->nest.over = over;
    pgr_status s = sqlite_load_library(&d->lib, e);
    if (!s)
        s = make_new(path, e);
    if (!s)
        s = prepare(d, e);
    if (s) {
        release(d);
        return s;
    }
    *out = (struct trace_sink){.ctx = d, .event = event, .flush = flush, .destroy = destroy};
    return PGR_OK;
}
