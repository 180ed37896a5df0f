// SPDX-License-Identifier: GPL-2.0-or-later
/* Registry texts as regedit writes them; what regfile.c reads back. */
#include "base/utf.h"
#include "nt/cm/key.h"

#include <stdio.h>

static void put(struct reg_text *t, const char *s, size_t n)
{
    vec_reserve(t, t->len + n);
    memcpy(t->data + t->len, s, n);
    t->len += n;
}

static void put_string(struct reg_text *t, const char *s)
{
    put(t, s, strlen(s));
}

static void put_quoted(struct reg_text *t, const uint16_t *s, size_t units)
{
    size_t n;
    char *utf8 = utf16_to_utf8(s, units, &n);
    put(t, "\"", 1);
    for (size_t i = 0; i < n; i++) {
        if (utf8[i] == '"' || utf8[i] == '\\')
            put(t, "\\", 1);
        put(t, utf8 + i, 1);
    }
    put(t, "\"", 1);
    free(utf8);
}

/* Text that a quoted string can hold: one terminator, at the end, and nothing else of that kind. */
static bool is_plain_text(const struct reg_value *v)
{
    const uint16_t *s = (const uint16_t *)(const void *)v->data;
    size_t n = v->len / 2;
    if (v->type != REG_SZ || v->len % 2 || !n || s[n - 1])
        return false;
    for (size_t i = 0; i + 1 < n; i++)
        if (s[i] < ' ')
            return false;
    return true;
}

static void put_hex(struct reg_text *t, const struct reg_value *v)
{
    enum { PER_LINE = 25 };
    char part[24];
    if (v->type == REG_BINARY)
        put_string(t, "hex:");
    else
        put(t, part, (size_t)snprintf(part, sizeof part, "hex(%x):", v->type));
    for (uint32_t i = 0; i < v->len; i++) {
        if (i && i % PER_LINE == 0)
            put_string(t, "\\\r\n  ");
        put(t, part,
            (size_t)snprintf(part, sizeof part, "%02x%s", v->data[i], i + 1 < v->len ? "," : ""));
    }
}

static void put_value(struct reg_text *t, const struct reg_value *v)
{
    char number[24];
    if (v->name_len)
        put_quoted(t, v->name, v->name_len);
    else
        put(t, "@", 1);
    put(t, "=", 1);
    if (is_plain_text(v)) {
        put_quoted(t, (const uint16_t *)(const void *)v->data, v->len / 2 - 1);
    } else if (v->type == REG_DWORD && v->len == 4) {
        uint32_t d;
        memcpy(&d, v->data, 4);
        put(t, number, (size_t)snprintf(number, sizeof number, "dword:%08x", d));
    } else {
        put_hex(t, v);
    }
    put_string(t, "\r\n");
}

static void put_key(struct reg_text *t, const struct reg_key *key, const char *path)
{
    put_string(t, "\r\n[");
    put_string(t, path);
    put_string(t, "]\r\n");
    reg_whole(key);
    for (size_t i = 0; i < key->values.len; i++)
        put_value(t, &key->values.data[i]);
    for (size_t i = 0; i < key->children.len; i++) {
        const struct reg_key *child = key->children.data[i];
        if (child->is_volatile)
            continue;
        char *name = utf16_to_utf8(child->name, child->name_len, NULL);
        char *below = xasprintf("%s\\%s", path, name);
        put_key(t, child, below);
        free(below);
        free(name);
    }
}

void reg_write(struct reg_text *out, const struct reg_key *key, const char *path)
{
    put_string(out, "Windows Registry Editor Version 5.00\r\n");
    put_key(out, key, path);
}
