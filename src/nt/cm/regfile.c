// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * regedit's text format. One extension, since the format can spell expandable and multiple strings
 * only in bytes: str(TYPE):"text", where \0 separates the strings of a REG_MULTI_SZ.
 */
#include "base/bits.h"
#include "base/utf.h"
#include "nt/cm/key.h"

#include <stdarg.h>
#include <stdio.h>

struct parser {
    struct nt_registry *r;
    const char *name; /* of the file, for messages */
    const char *at, *end;
    size_t line;
    struct reg_key *key; /* NULL: values are skipped (below a deleted key, or before any) */
    bool skip;
    VEC(uint16_t) text;
    VEC(uint16_t) value_name;
    VEC(uint8_t) bytes;
    struct pgr_error *e;
};

static pgr_status fail(struct parser *p, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

static pgr_status fail(struct parser *p, const char *fmt, ...)
{
    char what[256];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(what, sizeof what, fmt, ap);
    va_end(ap);
    return err_set(p->e, PGR_E_FORMAT, "%s, line %zu: %s", p->name, p->line, what);
}

static int peek(const struct parser *p)
{
    return p->at < p->end ? (unsigned char)*p->at : -1;
}

static void blanks(struct parser *p)
{
    while (peek(p) == ' ' || peek(p) == '\t')
        p->at++;
}

static bool take(struct parser *p, const char *word)
{
    size_t n = strlen(word);
    if ((size_t)(p->end - p->at) < n || strncasecmp(p->at, word, n))
        return false;
    p->at += n;
    return true;
}

/* Nothing but blanks or a comment up to the end of the line. */
static pgr_status end_of_line(struct parser *p)
{
    blanks(p);
    if (peek(p) == ';')
        while (p->at < p->end && *p->at != '\n')
            p->at++;
    if (peek(p) == '\r')
        p->at++;
    if (p->at < p->end && *p->at != '\n')
        return fail(p, "unexpected character '%c' after the value", *p->at);
    if (p->at < p->end)
        p->at++;
    p->line++;
    return PGR_OK;
}

static void skip_line(struct parser *p)
{
    while (p->at < p->end && *p->at != '\n')
        p->at++;
    if (p->at < p->end)
        p->at++;
    p->line++;
}

static void append_utf8(struct parser *p, const char *s, size_t n)
{
    size_t units;
    uint16_t *wide = utf8_to_utf16(s, n, &units);
    for (size_t i = 0; i < units; i++)
        vec_push(&p->text, wide[i]);
    free(wide);
}

/* A quoted string into p->text; the opening quote is taken already. */
static pgr_status quoted(struct parser *p)
{
    p->text.len = 0;
    while (p->at < p->end) {
        unsigned char c = (unsigned char)*p->at++;
        if (c == '"')
            return PGR_OK;
        if (c == '\n') {
            p->line++;
        } else if (c == '\\') {
            int next = peek(p);
            if (next < 0)
                break;
            p->at++;
            c = next == '0' ? 0 : next == 'n' ? '\n' : next == 'r' ? '\r' : (unsigned char)next;
        } else if (c >= 0x80) {
            const char *from = p->at - 1;
            while (peek(p) >= 0x80)
                p->at++;
            append_utf8(p, from, (size_t)(p->at - from));
            continue;
        }
        vec_push(&p->text, c);
    }
    return fail(p, "a string has no closing quote");
}

static int hex_digit(int c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Up to eight hexadecimal digits. */
static bool hex_number(struct parser *p, uint32_t *out)
{
    int n = 0;
    for (*out = 0; n < 8 && hex_digit(peek(p)) >= 0; n++)
        *out = *out << 4 | (uint32_t)hex_digit((unsigned char)*p->at++);
    return n > 0 && hex_digit(peek(p)) < 0;
}

/* Most bytes are just "xx,": a short way for them, since time zones have tens of thousands. */
static void plain_bytes(struct parser *p)
{
    const char *at = p->at;
    vec_reserve(&p->bytes, p->bytes.len + (size_t)MIN(p->end - at, 128) / 3);
    while (p->end - at >= 3 && at[2] == ',' && p->bytes.len < p->bytes.cap) {
        int high = hex_digit((unsigned char)at[0]), low = hex_digit((unsigned char)at[1]);
        if ((high | low) < 0)
            break;
        p->bytes.data[p->bytes.len++] = (uint8_t)(high << 4 | low);
        at += 3;
    }
    p->at = at;
}

/* "01,02,\" newline "03" into p->bytes. */
static pgr_status hex_bytes(struct parser *p)
{
    p->bytes.len = 0;
    for (;;) {
        plain_bytes(p);
        blanks(p);
        if (peek(p) == '\\') {
            p->at++;
            pgr_status s = end_of_line(p);
            if (s)
                return s;
            continue;
        }
        if (hex_digit(peek(p)) < 0)
            return PGR_OK;
        uint32_t v;
        if (!hex_number(p, &v) || v > 0xff)
            return fail(p, "a byte must be two hexadecimal digits");
        vec_push(&p->bytes, (uint8_t)v);
        blanks(p);
        if (peek(p) != ',')
            return PGR_OK;
        p->at++;
    }
}

static void set(struct parser *p, uint32_t type, const void *data, size_t len)
{
    static const uint16_t link[] = u"SymbolicLinkValue";
    if (!p->key)
        return;
    reg_value_set(p->key, p->value_name.data, p->value_name.len, type, data, len);
    if (type == REG_LINK && utf16_equal_nocase(p->value_name.data, p->value_name.len, link, 17))
        p->key->is_link = true;
}

static pgr_status set_text(struct parser *p, uint32_t type)
{
    p->at++;
    pgr_status s = quoted(p);
    if (s)
        return s;
    size_t n = p->text.len;
    if (type != REG_LINK)
        vec_push(&p->text, 0);
    if (type == REG_MULTI_SZ && n && p->text.data[n - 1])
        vec_push(&p->text, 0);
    set(p, type, p->text.data, p->text.len * 2);
    return PGR_OK;
}

/* "(7):" behind hex or str. */
static pgr_status typed(struct parser *p, uint32_t *type)
{
    if (peek(p) == '(') {
        p->at++;
        if (!hex_number(p, type) || !take(p, ")"))
            return fail(p, "the type of a value must be a hexadecimal number in parentheses");
    }
    return take(p, ":") ? PGR_OK : fail(p, "\":\" expected before the value's data");
}

static pgr_status data(struct parser *p)
{
    uint32_t type = REG_SZ, v;
    pgr_status s;
    blanks(p);
    if (peek(p) == '"')
        return set_text(p, REG_SZ);
    if (peek(p) == '-') {
        p->at++;
        struct reg_value *old =
            p->key ? reg_value(p->key, p->value_name.data, p->value_name.len) : NULL;
        if (old)
            reg_value_remove(p->key, old);
        return PGR_OK;
    }
    if (take(p, "dword:")) {
        blanks(p);
        if (!hex_number(p, &v))
            return fail(p, "dword: wants one to eight hexadecimal digits");
        set(p, REG_DWORD, &v, 4);
        return PGR_OK;
    }
    if (take(p, "str")) {
        s = typed(p, &type);
        if (s)
            return s;
        return peek(p) == '"' ? set_text(p, type) : fail(p, "a quoted string expected");
    }
    if (!take(p, "hex"))
        return fail(p,
                    "a value must be a quoted string, dword:, hex:, hex(TYPE):, str(TYPE): or -");
    type = REG_BINARY;
    s = typed(p, &type);
    if (!s)
        s = hex_bytes(p);
    if (!s)
        set(p, type, p->bytes.data, p->bytes.len);
    return s;
}

static pgr_status value(struct parser *p)
{
    p->value_name.len = 0;
    if (*p->at++ == '"') {
        pgr_status s = quoted(p);
        if (s)
            return s;
        for (size_t i = 0; i < p->text.len; i++)
            vec_push(&p->value_name, p->text.data[i]);
    }
    if (!p->key && !p->skip)
        return fail(p, "a value stands before the first [key]");
    if (p->value_name.len > REG_VALUE_NAME_MAX)
        return fail(p, "a value's name is longer than %d characters", REG_VALUE_NAME_MAX);
    blanks(p);
    if (peek(p) != '=')
        return fail(p, "\"=\" expected after the value's name");
    p->at++;
    pgr_status s = data(p);
    return s ? s : end_of_line(p);
}

static void remove_key(struct parser *p, const uint16_t *path, size_t len)
{
    struct reg_place place;
    if (!reg_walk(p->r, p->r->root, path, len, true, &place) && !place.missing_len &&
        place.key->parent)
        reg_key_unlink_tree(p->r, place.key);
    p->key = NULL;
    p->skip = true;
}

static pgr_status key(struct parser *p)
{
    const char *from = ++p->at, *close = NULL;
    for (; p->at < p->end && *p->at != '\n'; p->at++)
        if (*p->at == ']')
            close = p->at;
    if (!close)
        return fail(p, "a key's name has no closing bracket");
    bool remove = from < close && *from == '-';
    from += remove;
    if (memchr(from, 0, (size_t)(close - from)))
        return fail(p, "a key's name has a zero byte");
    char *text = xmalloc((size_t)(close - from) + 1);
    memcpy(text, from, (size_t)(close - from));
    text[close - from] = 0;
    size_t len;
    uint16_t *path = reg_host_path(text, &len);
    pgr_status s = PGR_OK;
    if (!path) {
        s = fail(p, "\"%.60s\" begins with no root such as HKEY_LOCAL_MACHINE", text);
    } else if (remove) {
        remove_key(p, path, len);
    } else {
        p->key = reg_make(p->r, p->r->root, path, len);
        if (!p->key)
            s = fail(p,
                     "the key \"%.60s\" cannot be made (a part is longer than %d characters, or a "
                     "link on the way leads nowhere)",
                     text, REG_KEY_NAME_MAX);
    }
    free(path);
    free(text);
    p->at = close + 1;
    return s ? s : end_of_line(p);
}

static pgr_status header(struct parser *p)
{
    if (!take(p, "Windows Registry Editor Version 5.00") && !take(p, "REGEDIT4"))
        return fail(p, "this is not a registry text: the first line must be "
                       "\"Windows Registry Editor Version 5.00\" or \"REGEDIT4\"");
    return end_of_line(p);
}

static pgr_status parse(struct parser *p)
{
    pgr_status s = header(p);
    while (!s && p->at < p->end) {
        blanks(p);
        int c = peek(p);
        if (c == '[')
            s = key(p);
        else if (c == '"' || c == '@')
            s = value(p);
        else if (c == ';' || c == '#')
            skip_line(p);
        else
            s = end_of_line(p);
    }
    return s;
}

static void stamp(struct nt_registry *r, uint64_t now)
{
    for (size_t i = 1; i < r->keys.len; i++)
        if (r->keys.data[i] && !r->keys.data[i]->written)
            r->keys.data[i]->written = now;
}

pgr_status reg_import(struct nt_registry *r, uint64_t now, const char *name, const void *text,
                      size_t len, struct pgr_error *e)
{
    struct parser p = {
        .r = r, .name = name, .at = text, .end = (const char *)text + len, .line = 1};
    char *converted = NULL;
    p.e = e;
    if (len >= 2 && !memcmp(text, "\xff\xfe", 2)) {
        uint16_t *units = xmemdup(text, len);
        size_t n;
        converted = utf16_to_utf8(units + 1, len / 2 - 1, &n);
        free(units);
        p.at = converted;
        p.end = converted + n;
    } else if (len >= 3 && !memcmp(text, "\xef\xbb\xbf", 3)) {
        p.at += 3;
    }
    pgr_status s = parse(&p);
    stamp(r, now);
    vec_free(&p.text);
    vec_free(&p.value_name);
    vec_free(&p.bytes);
    free(converted);
    return s;
}
