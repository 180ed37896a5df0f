// SPDX-License-Identifier: GPL-2.0-or-later
#include "base/ser.h"
#include "base/vec.h"

#include <stdarg.h>
#include <stdio.h>

void ser_begin_save(struct ser *s)
{
    *s = (struct ser){0};
}

void ser_begin_load(struct ser *s, const void *data, size_t len)
{
    *s = (struct ser){.loading = true, .data = (uint8_t *)data, .len = len};
}

void ser_end(struct ser *s)
{
    if (!s->loading)
        free(s->data);
    s->data = NULL;
    s->len = s->cap = s->at = 0;
}

void ser_fail(struct ser *s, const char *fmt, ...)
{
    if (s->failed)
        return;
    s->failed = true;
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(s->error.text, sizeof s->error.text, fmt, ap);
    va_end(ap);
    s->error.status = PGR_E_FORMAT;
}

void ser_raw(struct ser *s, void *p, size_t n)
{
    if (!s->loading) {
        if (s->failed || !n)
            return;
        if (s->cap - s->len < n)
            s->data = vec_grow(s->data, &s->cap, s->len + n, 1);
        memcpy(s->data + s->len, p, n);
        s->len += n;
        return;
    }
    if (!s->failed && n > s->len - s->at)
        ser_fail(s, "snapshot: %zu bytes wanted at offset %zu, but only %zu are left", n, s->at,
                 s->len - s->at);
    if (s->failed) {
        if (n)
            memset(p, 0, n);
        return;
    }
    if (n)
        memcpy(p, s->data + s->at, n);
    s->at += n;
}

void ser_bool(struct ser *s, void *p, size_t n)
{
    uint8_t v = s->loading ? 0 : *(bool *)p;
    ser_raw(s, &v, sizeof v);
    if (s->loading && v > 1)
        ser_fail(s, "snapshot: %u at offset %zu is neither yes nor no", v, s->at - 1);
    *(bool *)p = v == 1;
}

void ser_count(struct ser *s, size_t *n, size_t max)
{
    uint64_t v = *n;
    SER(s, v);
    if (s->loading && v > max) {
        ser_fail(s, "snapshot: a count of %llu at offset %zu, at most %zu make sense",
                 (unsigned long long)v, s->at - 8, max);
        v = 0;
    }
    *n = (size_t)v;
}

void ser_bytes(struct ser *s, uint8_t **p, size_t *n, size_t max)
{
    bool present = s->loading ? false : *p != NULL;
    SER(s, present);
    if (!present) {
        *p = NULL;
        *n = 0;
        return;
    }
    ser_count(s, n, max);
    if (s->loading) {
        if (*n > s->len - s->at)
            ser_fail(s, "snapshot: %zu bytes wanted at offset %zu, but only %zu are left", *n,
                     s->at, s->len - s->at);
        if (s->failed) {
            *p = NULL;
            *n = 0;
            return;
        }
        *p = xmalloc(*n + 2);
        (*p)[*n] = (*p)[*n + 1] = 0;
    }
    ser_raw(s, *p, *n);
}

void ser_text(struct ser *s, char **text)
{
    size_t n = s->loading || !*text ? 0 : strlen(*text);
    ser_bytes(s, (uint8_t **)text, &n, 1 << 20);
}

void ser_utf16(struct ser *s, uint16_t **p, size_t *n, size_t max)
{
    size_t bytes = *n * 2;
    ser_bytes(s, (uint8_t **)p, &bytes, max * 2);
    *n = bytes / 2;
}

void ser_tag(struct ser *s, const char tag[4])
{
    char have[4] = {tag[0], tag[1], tag[2], tag[3]};
    ser_raw(s, have, sizeof have);
    if (s->loading && !s->failed && memcmp(have, tag, 4))
        ser_fail(s, "snapshot: expected the mark %.4s at offset %zu", tag, s->at - 4);
}
