// SPDX-License-Identifier: GPL-2.0-or-later
#include "trace/out.h"
#include "base/bits.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

pgr_status trace_out_open(struct trace_out *o, const char *path, struct pgr_error *e)
{
    memset(o, 0, offsetof(struct trace_out, buf)); /* whose pages cost more to touch than to fill */
    o->fd = STDERR_FILENO;
    o->line = true;
    o->path = "standard error";
    if (!path)
        return PGR_OK;
    if (!strcmp(path, "-")) {
        o->fd = STDOUT_FILENO;
        o->path = "standard output";
        return PGR_OK;
    }
    o->path = path;
    o->line = false;
    o->owned = true;
    o->fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    if (o->fd < 0)
        return err_errno(e, PGR_E_IO, "cannot write the trace to %s", path);
    return PGR_OK;
}

/* A reader that went away is an error to report at the end, not a reason to die: a program that
 * embeds the library need not have SIGPIPE ignored. */
static ssize_t write_without_sigpipe(int fd, const char *data, size_t len)
{
    sigset_t pipe_only, before, pending;
    sigemptyset(&pipe_only);
    sigaddset(&pipe_only, SIGPIPE);
    sigpending(&pending);
    pthread_sigmask(SIG_BLOCK, &pipe_only, &before);
    ssize_t n = write(fd, data, len);
    int error = errno;
    if (n < 0 && error == EPIPE && !sigismember(&pending, SIGPIPE))
        sigtimedwait(&pipe_only, NULL, &(struct timespec){0});
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    errno = error;
    return n;
}

static void write_some(struct trace_out *o, size_t len)
{
    const char *at = o->buf;
    if (o->in_memory) {
        vec_reserve(&o->spilled, o->spilled.len + len + 1);
        memcpy(o->spilled.data + o->spilled.len, at, len);
        o->spilled.len += len;
        return;
    }
    while (len && !o->error) {
        ssize_t n = write_without_sigpipe(o->fd, at, len);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0) {
            o->error = errno;
            break;
        }
        o->written += (uint64_t)n;
        at += n;
        len -= (size_t)n;
    }
}

static void drop(struct trace_out *o, size_t len)
{
    memmove(o->buf, o->buf + len, o->len - len);
    o->len -= len;
    o->lines -= MIN(o->lines, len);
}

void trace_out_flush(struct trace_out *o)
{
    if (o->lines) {
        write_some(o, o->lines);
        drop(o, o->lines);
    }
}

const char *trace_out_take(struct trace_out *o, size_t *len)
{
    const char *text = o->buf;
    if (o->spilled.len) {
        write_some(o, o->len);
        text = o->spilled.data;
    }
    *len = text == o->buf ? o->len : o->spilled.len;
    ((char *)text)[*len] = 0;
    o->len = o->lines = o->spilled.len = 0;
    return text;
}

void trace_out_full(struct trace_out *o)
{
    trace_out_flush(o);
    if (o->len >= TRACE_OUT_FULL) {
        write_some(o, o->len);
        drop(o, o->len);
    }
}

pgr_status trace_out_close(struct trace_out *o, struct pgr_error *e)
{
    trace_out_flush(o);
    if (o->owned && o->fd >= 0 && close(o->fd) && !o->error)
        o->error = errno;
    o->fd = -1;
    vec_free(&o->spilled);
    if (!o->error)
        return PGR_OK;
    errno = o->error;
    return err_errno(e, PGR_E_IO, "the trace in %s is incomplete, it ends after %" PRIu64 " bytes",
                     o->path, o->written);
}

void trace_out_copy(char *to, const char *text, size_t len)
{
    memcpy(to, text, len);
}

void trace_out_more(struct trace_out *o, const char *text, size_t len)
{
    while (len) {
        if (o->len == TRACE_OUT_FULL)
            trace_out_full(o);
        size_t n = MIN(len, TRACE_OUT_FULL - o->len);
        memcpy(o->buf + o->len, text, n);
        o->len += n;
        text += n;
        len -= n;
    }
}

void trace_out_newline(struct trace_out *o)
{
    trace_out_char(o, '\n');
    o->lines = o->len;
    if (o->line)
        trace_out_flush(o);
}

/* ---- Numbers
 * -------------------------------------------------------------------------------------------- */

static char *put_pair(char *at, unsigned v)
{
    static const char pairs[200] = "0001020304050607080910111213141516171819"
                                   "2021222324252627282930313233343536373839"
                                   "4041424344454647484950515253545556575859"
                                   "6061626364656667686970717273747576777879"
                                   "8081828384858687888990919293949596979899";
    memcpy(at, pairs + 2 * v, 2);
    return at + 2;
}

char *trace_at_decimal(char *at, uint64_t v)
{
    size_t n = 1;
    for (uint64_t least = 10; n < 20 && v >= least; least *= 10)
        n++;
    char *p = at + n;
    for (; v >= 100; v /= 100)
        put_pair(p -= 2, (unsigned)(v % 100));
    if (v >= 10)
        put_pair(at, (unsigned)v);
    else
        *at = (char)('0' + v);
    return at + n;
}

void trace_out_decimal(struct trace_out *o, uint64_t v)
{
    trace_out_up_to(o, trace_at_decimal(trace_out_at(o), v));
}

/* Eight digits, the first of them lowest: all at once, a byte for each. */
static uint64_t hex_digits(uint32_t v)
{
    const uint64_t ones = 0x0101010101010101;
    uint64_t x = (uint64_t)(v & 0xffff0000) << 16 | (v & 0xffff);
    x = (x << 8 | x) & 0x00ff00ff00ff00ff;
    x = (x << 4 | x) & 0x0f0f0f0f0f0f0f0f;
    const uint64_t letters = (x + 6 * ones) >> 4 & ones;
    return __builtin_bswap64(x + '0' * ones + ('a' - '0' - 10) * letters);
}

/* The lowest so many, up to eight; more bytes are written. */
static char *put_hex_digits(char *at, uint32_t v, unsigned digits)
{
    const uint64_t text = hex_digits(v) >> 8 * (8 - digits);
    memcpy(at, &text, sizeof text);
    return at + digits;
}

char *trace_at_hex(char *at, uint64_t v, unsigned digits)
{
    const unsigned needed = (67 - (unsigned)__builtin_clzll(v | 1)) / 4;
    digits = MAX(digits, needed);
    if (digits > 8) {
        at = put_hex_digits(at, (uint32_t)(v >> 32), digits - 8);
        digits = 8;
    }
    return put_hex_digits(at, (uint32_t)v, digits);
}

void trace_out_hex(struct trace_out *o, uint64_t v, unsigned digits)
{
    trace_out_up_to(o, trace_at_hex(trace_out_at(o), v, digits));
}

enum { MILLISECOND = 10000, SECOND = 1000 };

static void put_milliseconds(struct trace_out *o, uint64_t ms)
{
    const unsigned rest = (unsigned)(ms % SECOND);
    char *at = trace_at_decimal(o->second, ms / SECOND);
    *at++ = '.';
    *at++ = (char)('0' + rest / 100);
    o->second_length = (uint8_t)(put_pair(at, rest % 100) - o->second);
    o->milliseconds = ms;
}

char *trace_at_time(struct trace_out *o, char *at, uint64_t t)
{
    const uint64_t ms = t / MILLISECOND;
    const unsigned rest = (unsigned)(t % MILLISECOND);
    if (ms != o->milliseconds || !o->second_length)
        put_milliseconds(o, ms);
    memcpy(at, o->second, sizeof o->second);
    at = put_pair(at + o->second_length, rest / 100);
    return put_pair(at, rest % 100);
}

void trace_out_time(struct trace_out *o, uint64_t t)
{
    trace_out_up_to(o, trace_at_time(o, trace_out_at(o), t));
}

/* ---- Escapes -----------------------------------------------------------------------------------
 */

/* Length of the sequence at s, 0 when it is malformed. Surrogates pass: the caller escapes them. */
static size_t decode_utf8(const unsigned char *s, size_t left, uint32_t *cp)
{
    static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    size_t n = s[0] < 0x80 ? 1 : s[0] < 0xc2 ? 0 : s[0] < 0xe0 ? 2 : s[0] < 0xf0 ? 3 : 4;
    if (!n || n > left || s[0] > 0xf4)
        return 0;
    *cp = n == 1 ? s[0] : s[0] & (0xffu >> (n + 1));
    for (size_t i = 1; i < n; i++) {
        if ((s[i] & 0xc0) != 0x80)
            return 0;
        *cp = *cp << 6 | (s[i] & 0x3f);
    }
    return *cp >= least[n] && *cp <= 0x10ffff ? n : 0;
}

/* Controls, surrogates, line separators, direction marks: not to be shown as they are. */
static bool is_unsafe(uint32_t cp)
{
    return cp < 0x20 || (cp >= 0x7f && cp < 0xa0) || (cp >= 0xd800 && cp < 0xe000) ||
           cp == 0x061c || (cp >= 0x200e && cp <= 0x200f) || (cp >= 0x2028 && cp <= 0x202e) ||
           (cp >= 0x2066 && cp <= 0x2069) || cp == 0xfeff;
}

static void put_unsafe(struct trace_out *o, uint32_t cp, enum trace_escape how)
{
    const char *letter = cp == '\n' ? "\\n" : cp == '\r' ? "\\r" : cp == '\t' ? "\\t" : NULL;
    if (letter) {
        trace_out_bytes(o, letter, 2);
    } else if (how == TRACE_ESCAPE_JSON || cp > 0xff) {
        trace_out_bytes(o, "\\u", 2);
        trace_out_hex(o, cp, 4);
    } else {
        trace_out_bytes(o, "\\x", 2);
        trace_out_hex(o, cp, 2);
    }
}

/* A byte that is not UTF-8: JSON gets the lone surrogate that Python's surrogateescape reads. */
static void put_stray_byte(struct trace_out *o, unsigned char c, enum trace_escape how)
{
    if (o->well_formed && how == TRACE_ESCAPE_JSON)
        trace_out_text(o, "\\ufffd");
    else
        put_unsafe(o, how == TRACE_ESCAPE_JSON ? 0xdc00u + c : c, how);
}

/* Whether one of eight bytes is not plain ASCII, or is a quote or a backslash. */
static bool has_special(uint64_t v)
{
    const uint64_t ones = 0x0101010101010101, high = ones << 7;
    const uint64_t quote = v ^ ones * '"', slash = v ^ ones * '\\', rubout = v ^ ones * 0x7f;
    return ((v | (v - ones * 0x20) | (quote - ones) | (slash - ones) | (rubout - ones)) & high) !=
           0;
}

/* Length of the ASCII at s that needs no second look; most text is nothing else. */
static size_t plain_run(const unsigned char *s, size_t len)
{
    size_t n = 0;
    uint64_t v;
    for (; n + sizeof v <= len; n += sizeof v) {
        memcpy(&v, s + n, sizeof v);
        if (has_special(v))
            break;
    }
    if (n + sizeof v > len && len >= sizeof v) { /* the rest, and some of what was seen */
        memcpy(&v, s + len - sizeof v, sizeof v);
        if (!has_special(v))
            return len;
    }
    while (n < len && s[n] >= 0x20 && s[n] < 0x7f && s[n] != '"' && s[n] != '\\')
        n++;
    return n;
}

bool trace_out_is_plain(const char *text, size_t len)
{
    return plain_run((const unsigned char *)text, len) == len;
}

void trace_out_escaped(struct trace_out *o, const char *text, size_t len, enum trace_escape how)
{
    const unsigned char *s = (const unsigned char *)text;
    for (size_t i = 0; i < len;) {
        uint32_t cp = 0;
        size_t n = plain_run(s + i, len - i);
        trace_out_bytes(o, text + i, n);
        i += n;
        if (i == len)
            break;
        n = decode_utf8(s + i, len - i, &cp);
        if (!n) {
            put_stray_byte(o, s[i++], how);
            continue;
        }
        if (o->well_formed && how == TRACE_ESCAPE_JSON && cp >= 0xd800 && cp < 0xe000) {
            trace_out_text(o, "\\ufffd");
        } else if (is_unsafe(cp)) {
            put_unsafe(o, cp, how);
        } else {
            if (how != TRACE_ESCAPE_BARE && (cp == '"' || cp == '\\'))
                trace_out_char(o, '\\');
            trace_out_bytes(o, text + i, n);
        }
        i += n;
    }
}
