// SPDX-License-Identifier: GPL-2.0-or-later
/* Sinks with events made by hand: what they write, and what becomes of it when that fails. */
#include "test.h"

#include "base/hostio.h"
#include "trace/sinks.h"
#include "trace/trace.h"

#include <fcntl.h>
#include <jansson.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

/* A terminal's escape, a quote, a lone surrogate, a stray byte, a mark that reorders the line. */
#define HOSTILE "a\x1b[2J\"\\\xed\xa0\x80\xff\xe2\x80\xae\n,b"

struct place {
    char dir[64], path[96];
};

static int make_place(void **state)
{
    struct place *p = xcalloc(1, sizeof *p);
    snprintf(p->dir, sizeof p->dir, "/tmp/pgr-sinks-XXXXXX");
    if (!mkdtemp(p->dir))
        return -1;
    snprintf(p->path, sizeof p->path, "%s/out", p->dir);
    *state = p;
    return 0;
}

static int remove_place(void **state)
{
    static const char *const suffixes[] = {"", "-wal", "-shm", "-journal", ".2"};
    struct place *p = *state;
    for (size_t i = 0; i < ARRAY_LEN(suffixes); i++) {
        char *name = xasprintf("%s%s", p->path, suffixes[i]);
        unlink(name);
        free(name);
    }
    rmdir(p->dir);
    free(p);
    return 0;
}

/* ---- Events
 * -------------------------------------------------------------------------------------------- */

static struct trace_event event_of(enum trace_event_kind kind, uint64_t time, const char *module,
                                   const char *function)
{
    return (struct trace_event){.kind = (uint8_t)kind,
                                .pid = 32,
                                .tid = 36,
                                .main_thread = true,
                                .time = time,
                                .category = "unknown",
                                .module = module,
                                .function = function,
                                .result = {.kind = TRACE_NUMBER, .number = 7}};
}

static void send(const struct trace_sink *s, struct trace_event ev)
{
    s->event(s->ctx, &ev);
}

static void call(const struct trace_sink *s, uint64_t time, const char *module,
                 const char *function, uint32_t depth)
{
    struct trace_event ev = event_of(TRACE_CALL, time, module, function);
    ev.depth = depth;
    ev.caller = module ? "a.exe+0x10" : NULL;
    send(s, ev);
}

static void ret(const struct trace_sink *s, uint64_t time, const char *module, const char *function,
                uint32_t depth)
{
    struct trace_event ev = event_of(TRACE_RETURN, time, module, function);
    ev.depth = depth;
    send(s, ev);
}

static void image(const struct trace_sink *s, const char *path, uint64_t base, uint64_t size,
                  bool begins)
{
    struct trace_event ev = event_of(TRACE_IMAGE, 5, "x.dll", NULL);
    ev.path = path;
    ev.base = base;
    ev.size = size;
    ev.begins = begins;
    send(s, ev);
}

static void end(const struct trace_sink *s)
{
    struct pgr_error e = {0};
    if (s->destroy(s->ctx, &e))
        fail_msg("%s", e.text);
}

/* ---- Perfetto
 * ------------------------------------------------------------------------------------------ */

static json_t *load_events(const struct place *p)
{
    json_error_t why;
    json_t *all = json_load_file(p->path, 0, &why);
    if (!all)
        fail_msg("%s at %d", why.text, why.position);
    return all;
}

/* "B A B E E" with M left out, names for B. */
static void assert_slices(const struct place *p, const char *expected)
{
    json_t *all = load_events(p), *ev;
    char text[256] = "";
    size_t i, n = 0;
    json_array_foreach(json_object_get(all, "traceEvents"), i, ev)
    {
        const char *ph = json_string_value(json_object_get(ev, "ph"));
        const char *name = json_string_value(json_object_get(ev, "name"));
        if (*ph != 'M')
            n += (size_t)snprintf(text + n, sizeof text - n, "%s%s ", ph, *ph == 'B' ? name : "");
    }
    json_decref(all);
    assert_string_equal(text, expected);
}

static void a_timeline_nests_calls_and_services(void **state)
{
    const struct place *p = *state;
    struct trace_sink s;
    assert_int_equal(trace_perfetto_open(p->path, &s, NULL), PGR_OK);
    call(&s, 1, "a.dll", "A", 0);
    call(&s, 2, NULL, "NtX", 0);
    ret(&s, 3, NULL, "NtX", 0);
    call(&s, 4, "b.dll", "B", 1);
    ret(&s, 5, "b.dll", "B", 1);
    ret(&s, 6, "a.dll", "A", 0);
    end(&s);
    assert_slices(p, "BA BNtX E BB E E ");
}

static void calls_that_never_return_end_with_those_around_them(void **state)
{
    const struct place *p = *state;
    struct trace_sink s;
    assert_int_equal(trace_perfetto_open(p->path, &s, NULL), PGR_OK);
    call(&s, 1, "a.dll", "A", 0);
    call(&s, 2, "a.dll", "Jumps", 1);
    call(&s, 3, NULL, "NtContinue", 0);
    send(&s, event_of(TRACE_AWAY, 4, NULL, "NtContinue"));
    call(&s, 5, "a.dll", "B", 2);
    ret(&s, 6, "a.dll", "A", 0); /* so the others are gone */
    ret(&s, 7, "a.dll", "A", 0); /* of no call */
    call(&s, 8, "a.dll", "Open", 0);
    end(&s);
    assert_slices(p, "BA BJumps BNtContinue E BB E E E BOpen E ");
}

static void threads_have_slices_of_their_own(void **state)
{
    const struct place *p = *state;
    struct trace_sink s;
    struct trace_event other = event_of(TRACE_CALL, 2, "a.dll", "Other");
    other.tid = 40;
    other.main_thread = false;
    assert_int_equal(trace_perfetto_open(p->path, &s, NULL), PGR_OK);
    call(&s, 1, "a.dll", "A", 0);
    send(&s, other);
    ret(&s, 3, "a.dll", "A", 0);
    other.kind = TRACE_THREAD;
    other.function = NULL;
    send(&s, other);
    end(&s);
    assert_slices(p, "BA BOther E E i ");
}

static void hostile_names_stay_inside_the_json(void **state)
{
    const struct place *p = *state;
    struct trace_value v = {
        .kind = TRACE_STRING, .name = "s", .text = HOSTILE, .length = sizeof HOSTILE - 1};
    struct trace_event ev = event_of(TRACE_CALL, 1, HOSTILE, HOSTILE);
    struct trace_sink s;
    ev.caller = HOSTILE;
    ev.values = &v;
    ev.value_count = 1;
    assert_int_equal(trace_perfetto_open(p->path, &s, NULL), PGR_OK);
    send(&s, ev);
    ev = event_of(TRACE_EXCEPTION, 2, NULL, NULL);
    ev.code_name = ev.place = HOSTILE;
    send(&s, ev);
    image(&s, HOSTILE, 0x10000, 0x1000, true);
    end(&s);
    json_decref(load_events(p)); /* jansson takes no lone surrogates */
}

static void an_empty_timeline_is_json_too(void **state)
{
    const struct place *p = *state;
    struct trace_sink s;
    assert_int_equal(trace_perfetto_open(p->path, &s, NULL), PGR_OK);
    end(&s);
    assert_slices(p, "");
}

/* ---- Databases
 * ----------------------------------------------------------------------------------------- */

/* The first column of the first row, as text. */
static char *ask(const struct place *p, const char *sql)
{
    sqlite3 *db;
    sqlite3_stmt *q;
    assert_int_equal(sqlite3_open_v2(p->path, &db, SQLITE_OPEN_READONLY, NULL), SQLITE_OK);
    if (sqlite3_prepare_v2(db, sql, -1, &q, NULL))
        fail_msg("%s", sqlite3_errmsg(db));
    assert_int_equal(sqlite3_step(q), SQLITE_ROW);
    const unsigned char *text = sqlite3_column_text(q, 0);
    char *copy = xstrdup(text ? (const char *)text : "NULL");
    sqlite3_finalize(q);
    sqlite3_close(db);
    return copy;
}

static void assert_answer(const struct place *p, const char *sql, const char *expected)
{
    char *got = ask(p, sql);
    assert_string_equal(got, expected);
    free(got);
}

static void open_database(const struct place *p, struct trace_sink *s)
{
    struct pgr_error e = {0};
    if (trace_sqlite_open(p->path, s, &e))
        fail_msg("%s", e.text);
}

static void a_call_and_its_return_are_one_row(void **state)
{
    const struct place *p = *state;
    struct trace_sink s;
    open_database(p, &s);
    call(&s, 10, "a.dll", "A", 0);
    call(&s, 11, NULL, "NtX", 0);
    ret(&s, 13, NULL, "NtX", 0);
    ret(&s, 20, "a.dll", "A", 0);
    end(&s);
    assert_answer(p,
                  "SELECT group_concat(id || ' ' || coalesce(parent, '-') || ' ' || time_ns || "
                  "' ' || duration_ns || ' ' || function || ' ' || depth || ' ' || result, ', ')"
                  " FROM calls",
                  "1 - 1000 1000 A 0 7, 2 1 1100 200 NtX 1 7");
    assert_answer(p, "SELECT value FROM meta WHERE key='complete'", "1");
    assert_answer(p, "PRAGMA integrity_check", "ok");
    assert_answer(p, "PRAGMA journal_mode", "delete");
}

static void a_call_that_does_not_return_has_no_duration(void **state)
{
    const struct place *p = *state;
    struct trace_sink s;
    open_database(p, &s);
    call(&s, 10, "a.dll", "ExitThread", 0);
    call(&s, 11, NULL, "NtTerminateThread", 0);
    struct trace_event ev = event_of(TRACE_THREAD, 12, NULL, NULL);
    send(&s, ev);
    call(&s, 20, "a.dll", "A", 0);
    ret(&s, 30, "b.dll", "B", 0); /* nobody called it */
    end(&s);
    assert_answer(p,
                  "SELECT group_concat(function || ' ' || depth) FROM calls WHERE duration_ns IS "
                  "NULL AND result IS NULL",
                  "ExitThread 0,NtTerminateThread 1,A 0");
    assert_answer(p, "SELECT result FROM calls WHERE function='B'", "7");
}

static void calls_of_fibers_return_in_any_order(void **state)
{
    const struct place *p = *state;
    struct trace_event first = event_of(TRACE_CALL, 1, "a.dll", "SwitchToFiber");
    struct trace_event second = event_of(TRACE_CALL, 2, "a.dll", "SwitchToFiber");
    struct trace_sink s;
    first.frame = 0x1000;
    second.frame = 0x2000;
    open_database(p, &s);
    send(&s, first);
    send(&s, second);
    first.kind = second.kind = TRACE_RETURN;
    first.time = 11;
    second.time = 22;
    send(&s, first);
    send(&s, second);
    end(&s);
    assert_answer(p, "SELECT group_concat(duration_ns) FROM calls", "1000,2000");
}

static void rows_are_there_while_the_trace_goes_on(void **state)
{
    const struct place *p = *state;
    struct trace_sink s;
    open_database(p, &s);
    call(&s, 10, "a.dll", "A", 0);
    s.flush(s.ctx);
    assert_answer(p, "SELECT count(*) FROM calls", "1");
    for (int i = 0; i < 1500; i++)
        call(&s, 11, NULL, "NtX", 0); /* more than a batch */
    assert_answer(p, "SELECT count(*) >= 1000 FROM calls", "1");
    assert_answer(p, "SELECT value FROM meta WHERE key='complete'", "0");
    end(&s);
    assert_answer(p, "SELECT count(*) FROM calls", "1501");
}

static void other_events_have_tables(void **state)
{
    const struct place *p = *state;
    struct trace_sink s;
    struct trace_event ev = event_of(TRACE_THREAD, 1, NULL, NULL);
    open_database(p, &s);
    ev.begins = true;
    ev.address = 0x1000;
    ev.place = "a.exe+0x10";
    send(&s, ev);
    ev.begins = false;
    ev.time = 9;
    ev.code = 0xc0000005;
    send(&s, ev);
    image(&s, HOSTILE, 0x10000, 0x1000, true);
    ev = event_of(TRACE_EXCEPTION, 2, NULL, NULL);
    ev.code = 0xc0000005;
    ev.place = "a.exe+0x10";
    ev.access = "write";
    ev.accessed = 0x10;
    send(&s, ev);
    ev = event_of(TRACE_PROCESS, 3, NULL, NULL);
    ev.code = 3;
    send(&s, ev);
    end(&s);
    assert_answer(p, "SELECT started_ns || ' ' || ended_ns || ' ' || exit_code FROM threads",
                  "100 900 3221225477");
    assert_answer(p, "SELECT path FROM images", "a\\x1b[2J\"\\\\ud800\\xff\\u202e\\n,b");
    assert_answer(p, "SELECT access || accessed FROM exceptions", "write16");
    assert_answer(p, "SELECT exit_code FROM processes", "3");
}

static void hostile_values_are_json_in_a_database(void **state)
{
    const struct place *p = *state;
    struct trace_value v = {
        .kind = TRACE_STRING, .name = "s", .text = HOSTILE, .length = sizeof HOSTILE - 1};
    struct trace_event ev = event_of(TRACE_CALL, 1, HOSTILE, HOSTILE);
    struct trace_sink s;
    ev.values = &v;
    ev.value_count = 1;
    open_database(p, &s);
    send(&s, ev);
    end(&s);
    assert_answer(p, "SELECT json_valid(args) FROM calls", "1");
    assert_answer(p, "SELECT function FROM calls", "a\\x1b[2J\"\\\\ud800\\xff\\u202e\\n,b");
}

static void write_file(const struct place *p, const void *data, size_t size)
{
    struct pgr_error e = {0};
    if (host_write_file(p->path, data, size, &e))
        fail_msg("%s", e.text);
}

static void only_a_trace_is_replaced(void **state)
{
    const struct place *p = *state;
    struct pgr_error e = {0};
    struct trace_sink s;
    write_file(p, "my letters", 10);
    assert_int_equal(trace_sqlite_open(p->path, &s, &e), PGR_E_IO);
    assert_non_null(strstr(e.text, "is no SQLite database"));
    unlink(p->path);
    sqlite3 *db;
    assert_int_equal(sqlite3_open(p->path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, "CREATE TABLE mine(x)", NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(db);
    assert_int_equal(trace_sqlite_open(p->path, &s, &e), PGR_E_IO);
    assert_non_null(strstr(e.text, "no trace of Peregrine's"));
    unlink(p->path);
    write_file(p, "", 0);
    for (int i = 0; i < 2; i++) { /* an empty file, then a trace */
        open_database(p, &s);
        call(&s, 10, "a.dll", "A", 0);
        end(&s);
        assert_answer(p, "SELECT count(*) FROM calls", "1");
    }
}

/* ---- Coverage
 * ------------------------------------------------------------------------------------------ */

static void assert_coverage(const struct place *p, const char *table, const void *blocks,
                            size_t size)
{
    struct host_map m;
    struct pgr_error e = {0};
    if (host_map_open(&m, p->path, &e))
        fail_msg("%s", e.text);
    size_t head = strlen(table);
    assert_int_equal(m.size, head + size);
    assert_memory_equal(m.data, table, head);
    assert_memory_equal(m.data + head, blocks, size);
    host_map_close(&m);
}

static void blocks_belong_to_the_module_that_was_there(void **state)
{
    static const char table[] =
        "DRCOV VERSION: 2\nDRCOV FLAVOR: drcov\nModule Table: version 2, count 2\n"
        "Columns: id, base, end, entry, checksum, timestamp, path\n"
        "  0, 0x0000000000010000, 0x0000000000012000, 0x0000000000000000, 0x00000000, 0x00000000,"
        " C:\\a.dll\n"
        "  1, 0x0000000000010000, 0x0000000000011000, 0x0000000000000000, 0x00000000, 0x00000000,"
        " C:\\b\\n1, 2.dll\n"
        "BB Table: 3 bbs\n";
    static const uint8_t blocks[] = {0x10, 0, 0, 0, 5,    0, 0, 0, 0x20, 0, 0, 0,
                                     9,    0, 0, 0, 0x10, 0, 0, 0, 6,    0, 1, 0};
    const struct place *p = *state;
    struct trace_sink s;
    assert_int_equal(trace_drcov_open(p->path, &s, NULL), PGR_OK);
    trace_drcov_block(s.ctx, 0x10040, 3); /* before the module came */
    image(&s, "C:\\a.dll", 0x10000, 0x2000, true);
    trace_drcov_block(s.ctx, 0x10020, 4);
    trace_drcov_block(s.ctx, 0x10010, 5);
    trace_drcov_block(s.ctx, 0x10020, 9); /* was cut short the first time */
    trace_drcov_block(s.ctx, 0x50000, 5); /* in no module */
    image(&s, "C:\\a.dll", 0x10000, 0x2000, false);
    image(&s, "C:\\b\n1, 2.dll", 0x10000, 0x1000, true);
    trace_drcov_block(s.ctx, 0x10010, 6);
    end(&s);
    assert_coverage(p, table, blocks, sizeof blocks);
}

static void a_module_that_comes_again_is_the_same_one(void **state)
{
    const struct place *p = *state;
    struct trace_sink s;
    struct host_map m;
    assert_int_equal(trace_drcov_open(p->path, &s, NULL), PGR_OK);
    for (uint32_t i = 0; i < 3; i++) {
        image(&s, "C:\\a.dll", 0x10000, 0x2000, true);
        trace_drcov_block(s.ctx, 0x10010, 5);
        trace_drcov_block(s.ctx, 0x10020 + i * 0x10, 5);
        image(&s, "C:\\a.dll", 0x10000, 0x2000, false);
    }
    end(&s);
    assert_int_equal(host_map_open(&m, p->path, NULL), PGR_OK);
    assert_non_null(memmem(m.data, m.size, "version 2, count 1\n", 19));
    assert_non_null(memmem(m.data, m.size, "BB Table: 4 bbs\n", 16));
    host_map_close(&m);
}

static void many_blocks_are_kept_once_each(void **state)
{
    enum { COUNT = 200000 };
    const struct place *p = *state;
    struct trace_sink s;
    struct host_map m;
    assert_int_equal(trace_drcov_open(p->path, &s, NULL), PGR_OK);
    image(&s, "C:\\a.dll", 0x10000, COUNT * 16, true);
    for (int round = 0; round < 2; round++)
        for (uint64_t i = 0; i < COUNT; i++)
            trace_drcov_block(s.ctx, 0x10000 + i * 16, 7);
    end(&s);
    assert_int_equal(host_map_open(&m, p->path, NULL), PGR_OK);
    assert_non_null(memmem(m.data, m.size, "BB Table: 200000 bbs\n", 21));
    for (uint32_t i = 0; i < COUNT; i++) {
        uint32_t start;
        memcpy(&start, m.data + m.size - (COUNT - i) * 8, sizeof start);
        assert_int_equal(start, i * 16);
    }
    host_map_close(&m);
}

/* ---- Lines
 * ------------------------------------------------------------------------------------------------
 */

static void assert_line(const struct place *p, struct trace_event ev, const char *text,
                        const char *json)
{
    static pgr_status (*const opens[])(const char *, struct trace_sink *,
                                       struct pgr_error *) = {trace_text_open, trace_json_open};
    const char *expected[] = {text, json};
    for (size_t i = 0; i < ARRAY_LEN(opens); i++) {
        struct trace_sink s;
        struct host_map m;
        assert_int_equal(opens[i](p->path, &s, NULL), PGR_OK);
        send(&s, ev);
        end(&s);
        assert_int_equal(host_map_open(&m, p->path, NULL), PGR_OK);
        char *got = xasprintf("%.*s", (int)m.size, (const char *)m.data);
        assert_string_equal(got, expected[i]);
        free(got);
        host_map_close(&m);
    }
}

static void events_that_are_no_calls_have_lines(void **state)
{
    const struct place *p = *state;
    struct trace_event ev = event_of(TRACE_IMAGE, 12345, "x.dll", NULL);
    ev.begins = true;
    ev.category = "dll";
    ev.path = "C:\\x.dll";
    ev.base = 0x10000;
    ev.size = 4096;
    assert_line(
        p, ev, "[0.0012345] [TID:main] IMAGE  x.dll mapped at 0x10000 (4096 bytes) C:\\x.dll\n",
        "{\"timestamp\":0.0012345,\"thread_id\":36,\"event\":\"image\",\"category\":\"dll\","
        "\"action\":\"map\",\"module\":\"x.dll\",\"base\":\"0x10000\",\"size\":4096,"
        "\"path\":\"C:\\\\x.dll\"}\n");
    ev = event_of(TRACE_EXCEPTION, 1, NULL, NULL);
    ev.category = "exception";
    ev.code = 0xc0000005;
    ev.code_name = "STATUS_ACCESS_VIOLATION";
    ev.address = 0x1234;
    ev.place = "a.exe+0x34";
    ev.access = "write";
    ev.accessed = 0;
    assert_line(p, ev,
                "[0.0000001] [TID:main] EXCEPT STATUS_ACCESS_VIOLATION at a.exe+0x34, write "
                "of NULL, not handled\n",
                "{\"timestamp\":0.0000001,\"thread_id\":36,\"event\":\"exception\",\"category\":"
                "\"exception\",\"code\":3221225477,\"name\":\"STATUS_ACCESS_VIOLATION\","
                "\"address\":\"0x1234\",\"place\":\"a.exe+0x34\",\"first_chance\":false,"
                "\"access\":\"write\",\"accessed\":null}\n");
    ev = event_of(TRACE_PROCESS, 1, NULL, NULL);
    ev.category = "process";
    ev.tid = 0;
    ev.main_thread = false;
    ev.code = 3;
    assert_line(p, ev, "[0.0000001] [TID:-] END    process 32 ends with 3\n",
                "{\"timestamp\":0.0000001,\"thread_id\":0,\"event\":\"process\",\"category\":"
                "\"process\",\"action\":\"end\",\"exit_code\":3}\n");
    assert_line(p, event_of(TRACE_AWAY, 1, NULL, "NtContinue"), "", "");
}

static void a_cut_structure_is_json(void **state)
{
    const struct place *p = *state;
    struct trace_value v[] = {{.kind = TRACE_FIELDS, .name = "s", .children = 1, .cut = true},
                              {.kind = TRACE_NUMBER, .name = "a", .number = 1},
                              {.kind = TRACE_FIELDS, .name = "t", .cut = true}};
    struct trace_event ev = event_of(TRACE_CALL, 1, NULL, "NtX");
    ev.values = v;
    ev.value_count = 2;
    assert_line(p, ev, "[0.0000001] [TID:main] CALL   NtX(s={a=1, ...}, t={...})\n",
                "{\"timestamp\":0.0000001,\"thread_id\":36,\"event\":\"call\",\"category\":"
                "\"unknown\",\"function\":\"NtX\",\"args\":{\"s\":{\"a\":1,\"...\":null},"
                "\"t\":{\"...\":null}}}\n");
}

/* ---- Errors
 * ---------------------------------------------------------------------------------------------- */

/* A file may not grow beyond this: like a full disk. */
static void limit_files(rlim_t size)
{
    struct rlimit r;
    signal(SIGXFSZ, SIG_IGN);
    getrlimit(RLIMIT_FSIZE, &r);
    r.rlim_cur = size == RLIM_INFINITY ? r.rlim_max : size;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &r), 0);
}

static void a_full_disk_is_one_sentence_at_the_end(void **state)
{
    static pgr_status (*const opens[])(const char *, struct trace_sink *, struct pgr_error *) = {
        trace_text_open, trace_json_open, trace_sqlite_open, trace_perfetto_open, trace_drcov_open};
    const struct place *p = *state;
    for (size_t i = 0; i < ARRAY_LEN(opens); i++) {
        struct pgr_error e = {0};
        struct trace_sink s;
        expect_row(i, !opens[i](p->path, &s, &e));
        limit_files(100000);
        image(&s, "C:\\a.dll", 0x10000, 1 << 24, true);
        for (uint64_t n = 0; n < 20000; n++) {
            if (s.kinds) {
                trace_drcov_block(s.ctx, 0x10000 + n * 16, 7);
                continue;
            }
            call(&s, n, "a.dll", "SomeFunction", 0);
            ret(&s, n, "a.dll", "SomeFunction", 0);
        }
        pgr_status status = s.destroy(s.ctx, &e);
        limit_files(RLIM_INFINITY);
        expect_row(i, status == PGR_E_IO);
        expect_row(i, strstr(e.text, p->path) && strstr(e.text, "incomplete"));
        unlink(p->path);
    }
}

static void an_output_that_cannot_be_made_is_refused_at_once(void **state)
{
    for (int f = 0; f < TRACE_FORMATS; f++) {
        struct trace_output o = {(enum trace_format)f, "/nonexistent/x"};
        struct trace_config cfg = {.services = true, .outputs = &o, .output_count = 1};
        struct pgr_error e = {0};
        struct trace *t;
        expect_row(f, trace_create(&cfg, &t, &e) == PGR_E_IO);
        expect_row(f, strstr(e.text, "/nonexistent/x"));
    }
}

static void sinks_work_side_by_side_and_each_says_what_went_wrong(void **state)
{
    const struct place *p = *state;
    struct trace_output o[] = {{TRACE_FORMAT_TEXT, "/dev/full"},
                               {TRACE_FORMAT_SQLITE, p->path},
                               {TRACE_FORMAT_JSON, "/dev/full"}};
    struct trace_config cfg = {.services = true, .outputs = o, .output_count = ARRAY_LEN(o)};
    struct pgr_error e = {0};
    struct trace *t;
    assert_int_equal(trace_create(&cfg, &t, &e), PGR_OK);
    struct trace_event ev = event_of(TRACE_CALL, 1, NULL, "NtX");
    trace_emit(t, &ev);
    ev = event_of(TRACE_IMAGE, 1, "x.dll", NULL); /* not asked for */
    trace_emit(t, &ev);
    assert_int_equal(trace_destroy(t, &e), PGR_E_IO);
    const char *first = strstr(e.text, "/dev/full");
    assert_non_null(first);
    assert_non_null(strstr(first + 1, "/dev/full"));
    assert_answer(p, "SELECT count(*) FROM calls", "1");
    assert_answer(p, "SELECT count(*) FROM images", "0");
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, make_place, remove_place)
    const struct CMUnitTest tests[] = {
        T(a_timeline_nests_calls_and_services),
        T(calls_that_never_return_end_with_those_around_them),
        T(threads_have_slices_of_their_own),
        T(hostile_names_stay_inside_the_json),
        T(an_empty_timeline_is_json_too),
        T(a_call_and_its_return_are_one_row),
        T(a_call_that_does_not_return_has_no_duration),
        T(calls_of_fibers_return_in_any_order),
        T(rows_are_there_while_the_trace_goes_on),
        T(other_events_have_tables),
        T(hostile_values_are_json_in_a_database),
        T(only_a_trace_is_replaced),
        T(blocks_belong_to_the_module_that_was_there),
        T(a_module_that_comes_again_is_the_same_one),
        T(many_blocks_are_kept_once_each),
        T(events_that_are_no_calls_have_lines),
        T(a_cut_structure_is_json),
        T(a_full_disk_is_one_sentence_at_the_end),
        T(an_output_that_cannot_be_made_is_refused_at_once),
        T(sinks_work_side_by_side_and_each_says_what_went_wrong),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
