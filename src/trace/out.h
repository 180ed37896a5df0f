/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef TRACE_OUT_H
#define TRACE_OUT_H
/*
 * Buffered lines to a host descriptor. The descriptor only ever sees whole lines (but for lines
 * longer than the buffer), so that what others write to it does not land inside one. The first
 * write error ends all writing and is kept; nothing here fails or waits because of it.
 */
#include "base/err.h"
#include "base/vec.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

enum {
    TRACE_OUT_FULL = 1 << 16, /* so many bytes are written at the latest */
    TRACE_OUT_SPARE = 512     /* behind them: short pieces are put there before anybody looks */
};

struct trace_out {
    int fd;
    bool owned;        /* close fd at the end */
    bool line;         /* write each line at once: somebody may be watching */
    bool well_formed;  /* JSON without lone surrogates: U+FFFD instead */
    bool in_memory;    /* there is no descriptor: see trace_out_take */
    int error;         /* errno of the first failed write */
    uint64_t written;  /* bytes that arrived */
    const char *path;  /* for the sentence; borrowed */
    size_t len;        /* bytes in buf, up to TRACE_OUT_FULL */
    size_t lines;      /* how many of them are whole lines */
    VEC(char) spilled; /* in_memory: what did not fit into buf */
    /* The time that was put last, but for its last four digits. */
    uint64_t milliseconds;
    uint8_t second_length; /* 0: there was none */
    char second[32];
    char buf[TRACE_OUT_FULL + TRACE_OUT_SPARE];
};

/* path: NULL for standard error, "-" for standard output, else a file that is created or emptied;
 * it must outlive *o. */
pgr_status trace_out_open(struct trace_out *o, const char *path, struct pgr_error *e);
void trace_out_flush(struct trace_out *o);
/* Writes the rest and closes. PGR_E_IO, with how much of the trace there is, when writing failed at
 * any time. */
pgr_status trace_out_close(struct trace_out *o, struct pgr_error *e);

/* in_memory: all that was written since the last call, borrowed until the next one; ended by a NUL.
 */
const char *trace_out_take(struct trace_out *o, size_t *len);

/* memcpy, out of line: where gcc knows how long the text can be at most, as it often does of a
 * name, it makes one instruction of the copying, which is slower than all else in a line. */
void trace_out_copy(char *to, const char *text, size_t len);

/* trace_out_bytes where it does not fit. */
void trace_out_more(struct trace_out *o, const char *text, size_t len);
static inline void trace_out_bytes(struct trace_out *o, const char *text, size_t len)
{
    if (len > TRACE_OUT_FULL - o->len) {
        trace_out_more(o, text, len);
        return;
    }
    if (__builtin_constant_p(len))
        memcpy(o->buf + o->len, text, len);
    else
        trace_out_copy(o->buf + o->len, text, len);
    o->len += len;
}
static inline void trace_out_text(struct trace_out *o, const char *text)
{
    trace_out_bytes(o, text, strlen(text));
}
static inline void trace_out_char(struct trace_out *o, char c)
{
    trace_out_bytes(o, &c, 1);
}

/*
 * Several short pieces at a stroke: up to TRACE_OUT_SPARE bytes may be put at trace_out_at(), then
 * trace_out_up_to() says where they end. Each trace_at_ function puts one and returns its end.
 */
static inline char *trace_out_at(struct trace_out *o)
{
    return o->buf + o->len;
}
void trace_out_full(struct trace_out *o);
static inline void trace_out_up_to(struct trace_out *o, const char *end)
{
    o->len = (size_t)(end - o->buf);
    if (o->len > TRACE_OUT_FULL)
        trace_out_full(o);
}
static inline char *trace_at_bytes(char *at, const char *text, size_t len)
{
    if (__builtin_constant_p(len))
        memcpy(at, text, len);
    else
        trace_out_copy(at, text, len);
    return at + len;
}
static inline char *trace_at_text(char *at, const char *text)
{
    return trace_at_bytes(at, text, strlen(text));
}
/* These may touch 32 bytes. */
char *trace_at_decimal(char *at, uint64_t v);
char *trace_at_hex(char *at, uint64_t v, unsigned digits);
char *trace_at_time(struct trace_out *o, char *at, uint64_t t);

void trace_out_decimal(struct trace_out *o, uint64_t v);
/* Lower-case digits, at least `digits` (1 to 16) of them, without "0x". */
void trace_out_hex(struct trace_out *o, uint64_t v, unsigned digits);
/* Seconds with 7 decimals from units of 100 ns. */
void trace_out_time(struct trace_out *o, uint64_t t);
void trace_out_newline(struct trace_out *o);

enum trace_escape {
    TRACE_ESCAPE_C,    /* inside quotes of the text format: \" \\ \n \x1b \u202e */
    TRACE_ESCAPE_BARE, /* outside quotes: the same, but for backslash and quote */
    TRACE_ESCAPE_JSON
};
/* Guest text. What could move a terminal's cursor or reorder its line is escaped; so is what is not
 * UTF-8. The result is well-formed UTF-8. */
void trace_out_escaped(struct trace_out *o, const char *text, size_t len, enum trace_escape how);
/* Whether none of the three changes anything. */
bool trace_out_is_plain(const char *text, size_t len);
#endif
