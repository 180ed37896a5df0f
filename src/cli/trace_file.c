// SPDX-License-Identifier: GPL-2.0-or-later
#include "cli/trace_file.h"
#include "base/vec.h"
#include "trace/trace_db.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <unistd.h>

enum { CHUNK = 1 << 16, LINE_MAX_BYTES = 4 << 20 };

static pgr_status fill(struct trace_file *f, struct pgr_error *e)
{
    if (f->at) {
        f->gone += f->at;
        memmove(f->buf, f->buf + f->at, f->used - f->at);
        f->used -= f->at;
        f->at = 0;
    }
    if (f->room < f->used + CHUNK + 1) {
        f->room = f->room * 2 + CHUNK + 1;
        f->buf = xrealloc(f->buf, f->room);
    }
    ssize_t n;
    do
        n = read(f->fd, f->buf + f->used, f->room - f->used - 1);
    while (n < 0 && errno == EINTR);
    if (n < 0)
        return err_errno(e, PGR_E_IO, "cannot read %s", f->path);
    f->used += (size_t)n;
    f->ended = n == 0;
    return PGR_OK;
}

/* "[0.0012345] [TID:" */
static bool is_text(const char *s, size_t len)
{
    size_t i = 1;
    while (i < len && (isdigit((unsigned char)s[i]) || s[i] == '.'))
        i++;
    return len > 1 && s[0] == '[' && i > 1 && len - i > 7 && !memcmp(s + i, "] [TID:", 7);
}

static pgr_status find_format(struct trace_file *f, struct pgr_error *e)
{
    if (f->used >= sizeof TRACE_DB_MAGIC && !memcmp(f->buf, TRACE_DB_MAGIC, sizeof TRACE_DB_MAGIC))
        f->format = TRACE_FORMAT_SQLITE;
    else if (is_text(f->buf, f->used))
        f->format = TRACE_FORMAT_TEXT;
    else if (f->used && f->buf[0] == '{')
        f->format = TRACE_FORMAT_JSON;
    else
        return err_set(e, PGR_E_FORMAT,
                       f->used ? "%s is no trace: it begins neither as text nor as JSON lines, and "
                                 "is no database"
                               : "%s is empty",
                       f->path);
    return PGR_OK;
}

pgr_status trace_file_open(struct trace_file *f, const char *path, struct pgr_error *e)
{
    *f = (struct trace_file){.path = path};
    f->fd = open(path, O_RDONLY | O_CLOEXEC);
    if (f->fd < 0)
        return err_errno(e, PGR_E_NOT_FOUND, "cannot open %s", path);
    pgr_status s = PGR_OK;
    while (!s && f->used < 128 && !f->ended)
        s = fill(f, e);
    if (!s)
        s = find_format(f, e);
    if (s)
        trace_file_close(f);
    return s;
}

void trace_file_close(struct trace_file *f)
{
    if (f->fd >= 0)
        close(f->fd);
    free(f->buf);
    f->fd = -1;
    f->buf = f->line = NULL;
}

static pgr_status next_chosen(struct trace_file *f, struct pgr_error *e)
{
    f->line = NULL;
    if (f->next == f->only->lines.len)
        return PGR_OK;
    const struct trace_line *l = &f->only->lines.data[f->next];
    if (f->room < (size_t)l->len + 1) {
        f->room = (size_t)l->len + 1;
        f->buf = xrealloc(f->buf, f->room);
    }
    for (size_t have = 0; have < l->len;) {
        ssize_t n = pread(f->fd, f->buf + have, l->len - have, (off_t)(l->at + have));
        if (n <= 0 && (!n || errno != EINTR))
            return err_set(e, PGR_E_IO, "%s changes while it is read", f->path);
        have += n > 0 ? (size_t)n : 0;
    }
    f->next++;
    f->buf[l->len] = 0;
    f->line = f->buf;
    f->len = l->len;
    f->number = l->number;
    return PGR_OK;
}

pgr_status trace_file_next(struct trace_file *f, struct pgr_error *e)
{
    if (f->only)
        return next_chosen(f, e);
    size_t seen = 0;
    char *end = NULL;
    f->line = NULL;
    while (!(end = memchr(f->buf + f->at + seen, '\n', f->used - f->at - seen)) && !f->ended) {
        seen = f->used - f->at;
        if (seen > LINE_MAX_BYTES)
            return err_set(e, PGR_E_FORMAT, "%s: line %" PRIu64 " is too long for a trace's",
                           f->path, f->number + 1);
        pgr_status s = fill(f, e);
        if (s)
            return s;
    }
    if (!end && f->at == f->used)
        return PGR_OK;
    end = end ? end : f->buf + f->used;
    f->line = f->buf + f->at;
    f->len = (size_t)(end - f->line);
    *end = 0;
    f->at += f->len + (f->at + f->len < f->used);
    f->number++;
    return PGR_OK;
}

/* Our writer has lone surrogates for what is no Unicode, which jansson refuses. */
static void replace_surrogates(char *s, size_t len)
{
    for (size_t i = 0; i + 1 < len; i++) {
        if (s[i] != '\\')
            continue;
        if (s[i + 1] == 'u' && len - i >= 6 && tolower((unsigned char)s[i + 2]) == 'd' &&
            !strchr("01234567", s[i + 3]))
            memcpy(s + i + 2, "fffd", 4);
        i++;
    }
}

json_t *trace_file_object(const struct trace_file *f, struct pgr_error *e)
{
    json_error_t why;
    replace_surrogates(f->line, f->len);
    json_t *o = json_loadb(f->line, f->len, JSON_ALLOW_NUL, &why);
    if (json_is_object(o))
        return o;
    err_set(e, PGR_E_FORMAT, "%s: line %" PRIu64 " is no JSON object%s%s", f->path, f->number,
            o ? "" : ": ", o ? "" : why.text);
    json_decref(o);
    return NULL;
}

/* ---- Threads
 * ------------------------------------------------------------------------------------------ */

enum { THREADS_MAX = 1 << 14 };

size_t trace_file_time(const struct trace_file *f)
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

size_t trace_file_thread(const struct trace_file *f, uint64_t *id)
{
    bool json = f->format == TRACE_FORMAT_JSON;
    const char *key = json ? ",\"thread_id\":" : "] [TID:";
    size_t i = trace_file_time(f), n = strlen(key);
    if (!i || strncmp(f->line + i, key, n)) /* the line ends with a NUL */
        return 0;
    const char *at = f->line + i + n;
    char *end;
    if (!json && (!strncmp(at, "-]", 2) || !strncmp(at, "main]", 5))) {
        *id = at[0] == '-' ? TRACE_NO_THREAD : TRACE_MAIN_THREAD;
        return (size_t)(strchr(at, ']') - f->line);
    }
    *id = strtoull(at, &end, 10);
    bool whole = isdigit((unsigned char)at[0]) && *end == (json ? ',' : ']');
    return whole ? (size_t)(end - f->line) : 0;
}

/* Who has written the keys in another order. */
static pgr_status find_thread(const struct trace_file *f, uint64_t *id, struct pgr_error *e)
{
    if (trace_file_thread(f, id))
        return PGR_OK;
    json_t *o = f->format == TRACE_FORMAT_JSON ? trace_file_object(f, e) : NULL;
    const json_t *value = json_object_get(o, "thread_id");
    bool known = json_is_integer(value) && json_integer_value(value) >= 0;
    *id = known ? (uint64_t)json_integer_value(value) : 0;
    bool bad_json = f->format == TRACE_FORMAT_JSON && !o;
    json_decref(o);
    if (known || bad_json)
        return known ? PGR_OK : PGR_E_FORMAT;
    return err_set(e, PGR_E_FORMAT, "%s: line %" PRIu64 " does not say which thread it is of",
                   f->path, f->number);
}

/* In order of ids. NULL: there are too many. */
static struct trace_thread *thread_of(struct trace_threads *t, uint64_t id)
{
    size_t low = 0, high = t->list.len;
    while (low < high) {
        size_t mid = (low + high) / 2;
        if (t->list.data[mid].id < id)
            low = mid + 1;
        else
            high = mid;
    }
    if (low < t->list.len && t->list.data[low].id == id)
        return &t->list.data[low];
    if (t->list.len == THREADS_MAX)
        return NULL;
    vec_insert(&t->list, low, (struct trace_thread){.id = id});
    return &t->list.data[low];
}

pgr_status trace_file_threads(struct trace_file *f, struct trace_threads *t, struct pgr_error *e)
{
    pgr_status s = PGR_OK;
    uint64_t id;
    if (lseek(f->fd, 0, SEEK_CUR) < 0)
        return err_set(e, PGR_E_UNSUPPORTED, "%s cannot be read twice, as it must be by thread",
                       f->path);
    while (!(s = trace_file_next(f, e)) && f->line) {
        uint64_t at = f->gone + (uint64_t)(f->line - f->buf);
        struct trace_line line = {at, (uint32_t)f->len, (uint32_t)f->number};
        s = find_thread(f, &id, e);
        if (s)
            return s;
        struct trace_thread *thread = thread_of(t, id);
        if (!thread)
            return err_set(e, PGR_E_FORMAT, "%s has more than %d threads", f->path, THREADS_MAX);
        vec_push(&thread->lines, line);
    }
    return s;
}

void trace_threads_free(struct trace_threads *t)
{
    vec_foreach (thread, &t->list)
        vec_free(&thread->lines);
    vec_free(&t->list);
}

void trace_file_choose(struct trace_file *f, const struct trace_thread *thread)
{
    f->only = thread;
    f->next = 0;
    f->line = NULL;
}
