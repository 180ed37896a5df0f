// SPDX-License-Identifier: GPL-2.0-or-later
#include "base/vec.h"
#include "base/err.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>

void *xmalloc(size_t size)
{
    void *p = malloc(size ? size : 1);
    if (!p)
        BUG("out of memory (%zu bytes)", size);
    return p;
}

void *xcalloc(size_t n, size_t size)
{
    void *p = calloc(n ? n : 1, size ? size : 1);
    if (!p)
        BUG("out of memory (%zu x %zu bytes)", n, size);
    return p;
}

void *xrealloc(void *p, size_t size)
{
    void *q = realloc(p, size ? size : 1);
    if (!q)
        BUG("out of memory (%zu bytes)", size);
    return q;
}

char *xstrdup(const char *s)
{
    return xmemdup(s, strlen(s) + 1);
}

void *xmemdup(const void *p, size_t size)
{
    void *q = xmalloc(size);
    if (size)
        memcpy(q, p, size);
    return q;
}

char *xasprintf(const char *fmt, ...)
{
    char *s = NULL;
    va_list ap;
    va_start(ap, fmt);
    if (vasprintf(&s, fmt, ap) < 0)
        BUG("out of memory");
    va_end(ap);
    return s;
}

void *vec_grow(void *data, size_t *cap, size_t want, size_t elem_size)
{
    size_t n = *cap ? *cap * 2 : 8;
    if (n < want)
        n = want;
    if (n > SIZE_MAX / elem_size)
        BUG("array of %zu elements", n);
    data = xrealloc(data, n * elem_size);
    *cap = n;
    return data;
}
