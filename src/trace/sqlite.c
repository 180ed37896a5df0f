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
    [ADD_CALL] = "INSERT INTO calls VALUES(?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)",
    [END_CALL] = "UPDATE calls SET duration_ns=?4, result=?12, failed=?13, error=?14,"
                 " error_name=?15, outs=?17 WHERE id=?1",
    [ADD_IMAGE] = "INSERT INTO images VALUES(NULL,?,?,?,?,?,?,?,?,?,?,?)",
    [ADD_THREAD] = "INSERT OR REPLACE INTO threads(pid, tid, started_ns, address, place)"
                   " VALUES(?,?,?,?,?)",
    [END_THREAD] = "UPDATE threads SET ended_ns=?3, exit_code=?4 WHERE pid=?1 AND tid=?2",
    [ADD_EXCEPTION] = "INSERT INTO exceptions VALUES(NULL,?,?,?,?,?,?,?,?,?,?)",
    [ADD_PROCESS] = "INSERT OR REPLACE INTO processes VALUES(?,?,?)",
    [BEGIN] = "BEGIN",
    [COMMIT] = "COMMIT",
};

/* The columns of `calls`, as parameters of both statements about them. */
enum column {
    ID = 1,
    PARENT,
    TIME,
    DURATION,
    PID,
    TID,
    CATEGORY,
    MODULE,
    FUNCTION,
    DEPTH,
    CALLER,
    RESULT,
    FAILED,
    ERROR,
    ERROR_NAME,
    ARGS,
    OUTS
};

/*
 * A call that is not in the database yet. Most return before their batch ends and are written once,
 * whole: half of the cost of writing them twice.
 */
struct pending {
    uint64_t parent;                                          /* 0: none */
    const char *category, *module, *function, *caller, *args; /* into `text`; NULL: none */
    char text[];
};

struct database {
    struct sqlite_library lib;
    char *path;
    sqlite3 *db;
    sqlite3_stmt *stmt[STATEMENTS];
    struct trace_nest nest; /* open calls; `user` is a struct pending, or NULL: it is written */
    uint64_t calls;         /* ids given */
    unsigned rows;          /* in the transaction that is open; 0: none is */
    unsigned pending;
    uint64_t kept; /* rows in those that are done */
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

static void write_pending(struct database *d);

static void commit(struct database *d)
{
    write_pending(d);
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
    d->rows++;
    step(d, which);
}

static void end_batch(struct database *d)
{
    if (d->rows + d->pending >= BATCH_ROWS)
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

static char *append(char **at, const char *text, size_t len)
{
    char *start = *at;
    memcpy(start, text, len);
    start[len] = 0;
    *at += len + 1;
    return start;
}

static struct pending *make_pending(struct database *d, const struct trace_event *ev,
                                    uint64_t parent)
{
    char ordinal[16];
    size_t args;
    const char *function = trace_function_name(ev, ordinal);
    const char *module = ev->module ? ev->module : "", *caller = ev->caller ? ev->caller : "";
    trace_json_values(&d->text, ev->values, ev->value_count);
    const char *json = trace_out_take(&d->text, &args);
    size_t lens[] = {strlen(ev->category), strlen(module), strlen(function), strlen(caller), args};
    size_t size = 0;
    for (size_t i = 0; i < ARRAY_LEN(lens); i++)
        size += lens[i] + 1;
    struct pending *p = xmalloc(sizeof *p + size);
    char *at = p->text;
    p->parent = parent;
    p->category = append(&at, ev->category, lens[0]);
    p->module = append(&at, module, lens[1]);
    p->function = append(&at, function, lens[2]);
    p->caller = append(&at, caller, lens[3]);
    p->args = append(&at, json, args);
    p->module = ev->module ? p->module : NULL;
    p->caller = ev->caller ? p->caller : NULL;
    return p;
}

static void add_call(struct database *d, const struct trace_event *ev)
{
    const struct trace_nest_thread *t = trace_nest_thread(&d->nest, ev);
    const struct trace_open_call *parent = t->calls.len ? &t->calls.data[t->calls.len - 1] : NULL;
    uint32_t level = parent ? parent->level + 1 : 0;
    struct pending *p = make_pending(d, ev, parent ? parent->id : 0);
    struct trace_open_call *c = trace_nest_add(&d->nest, ev);
    c->id = ++d->calls;
    c->level = level;
    c->user = p;
    d->pending++;
    end_batch(d);
}

static void bind_or_null(struct database *d, enum statement which, int at, bool is, uint64_t v)
{
    if (is)
        bind_number(d, which, at, v);
    else
        d->lib.bind_null(d->stmt[which], at);
}

static void bind_entry(struct database *d, const struct trace_nest_thread *t,
                       const struct trace_open_call *c)
{
    const struct pending *p = c->user;
    bind_or_null(d, ADD_CALL, PARENT, p->parent, p->parent);
    bind_number(d, ADD_CALL, TIME, c->began * 100);
    bind_number(d, ADD_CALL, PID, t->pid);
    bind_number(d, ADD_CALL, TID, t->tid);
    bind_text(d, ADD_CALL, CATEGORY, p->category);
    bind_text(d, ADD_CALL, MODULE, p->module);
    bind_text(d, ADD_CALL, FUNCTION, p->function);
    bind_number(d, ADD_CALL, DEPTH, c->level);
    bind_text(d, ADD_CALL, CALLER, p->caller);
    d->lib.bind_text(d->stmt[ADD_CALL], ARGS, p->args, -1, SQLITE_STATIC);
}

/* `ev` NULL: not yet, or never. */
static void bind_return(struct database *d, enum statement which, const struct trace_open_call *c,
                        const struct trace_event *ev)
{
    static const int columns[] = {DURATION, RESULT, FAILED, ERROR, ERROR_NAME, OUTS};
    for (size_t i = 0; i < ARRAY_LEN(columns) && !ev; i++)
        d->lib.bind_null(d->stmt[which], columns[i]);
    if (!ev)
        return;
    bind_number(d, which, DURATION, (ev->time - c->began) * 100);
    bind_result(d, which, RESULT, &ev->result);
    bind_number(d, which, FAILED, ev->failed);
    bind_or_null(d, which, ERROR, ev->has_error, ev->last_error);
    bind_text(d, which, ERROR_NAME, ev->has_error ? ev->last_error_name : NULL);
    trace_json_values(&d->text, ev->values, ev->value_count);
    bind_taken(d, which, OUTS);
}

static void write_call(struct database *d, const struct trace_nest_thread *t,
                       struct trace_open_call *c, const struct trace_event *ev)
{
    enum statement which = c->user ? ADD_CALL : END_CALL;
    bind_number(d, which, ID, c->id);
    if (c->user)
        bind_entry(d, t, c);
    bind_return(d, which, c, ev);
    run(d, which);
    d->pending -= c->user != NULL;
    free(c->user);
    c->user = NULL;
}

static void write_pending(struct database *d)
{
    vec_foreach (t, &d->nest.threads)
        for (size_t i = t->calls.len; i-- > 0 && d->pending;)
            if (t->calls.data[i].user)
                write_call(d, t, &t->calls.data[i], NULL);
}

static void over(void *ctx, const struct trace_nest_thread *t, struct trace_open_call *c,
                 const struct trace_event *ev, bool returned)
{
    if (c->user || returned)
        write_call(ctx, t, c, returned ? ev : NULL);
}

/* The filter passed, or the trace began, between call and return: a row of what is known. */
static void lost_return(struct database *d, const struct trace_event *ev)
{
    struct trace_event entry = *ev;
    entry.value_count = 0;
    add_call(d, &entry);
    trace_nest_leave(&d->nest, ev);
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
    bind_or_null(d, ADD_EXCEPTION, 10, ev->access, ev->accessed);
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
    end_batch(d);
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
    trace_nest_free(&d->nest);
    commit(d);
    if (!d->failed &&
        d->lib.exec(d->db, "UPDATE meta SET value=1 WHERE key='complete'", NULL, NULL, NULL))
        note_error(d);
    d->lib.exec(d->db, "PRAGMA journal_mode=DELETE", NULL, NULL, NULL);
}

static void release(struct database *d)
{
    trace_nest_free(&d->nest);
    for (size_t i = 0; i < STATEMENTS && d->db; i++)
        d->lib.finalize(d->stmt[i]);
    if (d->db)
        d->lib.close(d->db);
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
