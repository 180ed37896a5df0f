// SPDX-License-Identifier: GPL-2.0-or-later
#include "base/err.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *pgr_status_name(pgr_status status)
{
    static const char *const names[] = {
        [PGR_OK] = "ok",
        [PGR_E_NOMEM] = "out of memory",
        [PGR_E_ARGUMENT] = "bad argument",
        [PGR_E_IO] = "input/output error",
        [PGR_E_NOT_FOUND] = "not found",
        [PGR_E_FORMAT] = "bad format",
        [PGR_E_UNSUPPORTED] = "unsupported",
        [PGR_E_ENGINE] = "engine cannot",
        [PGR_E_LIMIT] = "limit reached",
        [PGR_E_STATE] = "wrong state",
    };
    if ((unsigned)status >= sizeof names / sizeof *names)
        return "unknown status";
    return names[status];
}

pgr_status err_set(struct pgr_error *e, pgr_status status, const char *fmt, ...)
{
    if (e) {
        va_list ap;
        va_start(ap, fmt);
        vsnprintf(e->text, sizeof e->text, fmt, ap);
        va_end(ap);
        e->status = status;
    }
    return status;
}

pgr_status err_errno(struct pgr_error *e, pgr_status status, const char *fmt, ...)
{
    int saved = errno;
    if (e) {
        va_list ap;
        va_start(ap, fmt);
        int n = vsnprintf(e->text, sizeof e->text, fmt, ap);
        va_end(ap);
        if (n >= 0 && (size_t)n < sizeof e->text)
            snprintf(e->text + n, sizeof e->text - (size_t)n, ": %s", strerror(saved));
        e->status = status;
    }
    errno = saved;
    return status;
}

_Noreturn void err_bug(const char *file, int line, const char *fmt, ...)
{
    va_list ap;
    fprintf(stderr, "peregrine: internal error at %s:%d: ", file, line);
    va_start(ap, fmt);
    vfprintf(stderr, fmt, ap);
    va_end(ap);
    fputc('\n', stderr);
    abort();
}
