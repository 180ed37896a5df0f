/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef BASE_ERR_H
#define BASE_ERR_H
#include <peregrine/error.h>

/* Fills *e (may be NULL) and returns status, so that callers can write `return err_set(...)`. */
pgr_status err_set(struct pgr_error *e, pgr_status status, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* Like err_set, and adds ": " and the text of errno. */
pgr_status err_errno(struct pgr_error *e, pgr_status status, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* Ends the process with a message; for violated invariants of our own only. */
#define BUG(...) err_bug(__FILE__, __LINE__, __VA_ARGS__)
#define BUG_ON(cond)                                                                               \
    do {                                                                                           \
        if (__builtin_expect(!!(cond), 0))                                                         \
            BUG("%s", #cond);                                                                      \
    } while (0)
_Noreturn void err_bug(const char *file, int line, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
#endif
