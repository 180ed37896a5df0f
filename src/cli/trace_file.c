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

pgr_status trace_file_next(struct trace_file *f, struct pgr_error *e)
{
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
