// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * 8.3 names. A long name's comes from the name alone (four letters, "~", three of a hash), so that
 * it is the same in every run and needs no place to keep it. Opening by it searches the directory.
 */
#include "nt/io/internal.h"

static bool plain(uint16_t c)
{
    return (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           (c > 0x20 && c < 0x80 && strchr("!#$%&'()-@^_`{}~", c));
}

/* Fits 8.3 already: length of the base and the extension, plain characters. */
static bool is_short(const uint16_t *name, size_t len)
{
    size_t dot = len;
    for (size_t i = 0; i < len; i++) {
        if (name[i] == '.') {
            if (dot < len || !i)
                return false;
            dot = i;
        } else if (!plain(utf16_upcase(name[i]))) {
            return false;
        }
    }
    return dot <= 8 && (dot == len || (len - dot - 1 <= 3 && len - dot > 1));
}

static size_t put_part(uint16_t *out, const uint16_t *name, size_t len, size_t room)
{
    size_t n = 0;
    for (size_t i = 0; i < len && n < room; i++) {
        uint16_t c = utf16_upcase(name[i]);
        if (c != '.' && c != ' ')
            out[n++] = plain(c) ? c : '_';
    }
    return n;
}

size_t nt_short_name(const uint16_t *name, size_t len, uint16_t out[12])
{
    static const char digits[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ";
    uint32_t hash = 0x811c9dc5u;
    size_t dot = len, n;
    if (!len || is_short(name, len) || (len == 2 && name[0] == '.' && name[1] == '.') ||
        (len == 1 && name[0] == '.'))
        return 0;
    for (size_t i = 0; i < len; i++) {
        hash = (hash ^ utf16_upcase(name[i])) * 0x01000193u;
        if (name[i] == '.' && i)
            dot = i;
    }
    n = put_part(out, name, dot, 4);
    out[n++] = '~';
    for (int i = 0; i < 3; i++, hash /= 36)
        out[n++] = (uint8_t)digits[hash % 36];
    if (dot + 1 < len) {
        out[n++] = '.';
        n += put_part(out + n, name + dot + 1, len - dot - 1, 3);
    }
    return n;
}
