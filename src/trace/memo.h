/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef TRACE_MEMO_H
#define TRACE_MEMO_H
/* Short texts that are wanted again and again, by two numbers: names of constants, callers. One
 * that is put where another one is takes its place. */
#include <stddef.h>
#include <stdint.h>
#include <string.h>

enum { TRACE_MEMO_ROWS = 64, TRACE_MEMO_TEXT = 47 };

struct trace_memo {
    struct trace_memo_row {
        uint64_t a, b;
        uint8_t length; /* 0: the row is free */
        char text[TRACE_MEMO_TEXT];
    } rows[TRACE_MEMO_ROWS];
};

static inline struct trace_memo_row *trace_memo_place(struct trace_memo *m, uint64_t a, uint64_t b)
{
    return &m->rows[(a ^ b << 7) * 0x9e3779b97f4a7c15 >> 58];
}

/* The row of these numbers; NULL: none has them. Borrowed until the next trace_memo_keep. */
static inline const struct trace_memo_row *trace_memo_find(struct trace_memo *m, uint64_t a,
                                                           uint64_t b)
{
    const struct trace_memo_row *r = trace_memo_place(m, a, b);
    return r->length && r->a == a && r->b == b ? r : NULL;
}

/* Text that is longer than a row, or empty, is not kept. A NUL is put behind it. */
static inline void trace_memo_keep(struct trace_memo *m, uint64_t a, uint64_t b, const char *text,
                                   size_t length)
{
    struct trace_memo_row *r = trace_memo_place(m, a, b);
    if (length >= sizeof r->text)
        return;
    *r = (struct trace_memo_row){.a = a, .b = b, .length = (uint8_t)length};
    memcpy(r->text, text, length);
}
#endif
