// SPDX-License-Identifier: GPL-2.0-or-later
#include "base/utf.h"
#include "base/vec.h"

#include <locale.h>
#include <wctype.h>

static size_t put_utf8(char *out, uint32_t cp)
{
    if (cp < 0x80) {
        out[0] = (char)cp;
        return 1;
    }
    if (cp < 0x800) {
        out[0] = (char)(0xc0 | cp >> 6);
        out[1] = (char)(0x80 | (cp & 0x3f));
        return 2;
    }
    if (cp < 0x10000) {
        out[0] = (char)(0xe0 | cp >> 12);
        out[1] = (char)(0x80 | (cp >> 6 & 0x3f));
        out[2] = (char)(0x80 | (cp & 0x3f));
        return 3;
    }
    out[0] = (char)(0xf0 | cp >> 18);
    out[1] = (char)(0x80 | (cp >> 12 & 0x3f));
    out[2] = (char)(0x80 | (cp >> 6 & 0x3f));
    out[3] = (char)(0x80 | (cp & 0x3f));
    return 4;
}

char *utf16_to_utf8(const uint16_t *s, size_t len, size_t *out_len)
{
    char *out = xmalloc(len * 3 + 1);
    size_t n = 0;
    for (size_t i = 0; i < len; i++) {
        uint32_t c = s[i];
        if (c >= 0xdc80 && c <= 0xdcff && (i == 0 || s[i - 1] < 0xd800 || s[i - 1] > 0xdbff)) {
            out[n++] = (char)(c - 0xdc00); /* a byte of a host name that is not UTF-8 */
            continue;
        }
        if (c >= 0xd800 && c < 0xdc00 && i + 1 < len && s[i + 1] >= 0xdc00 && s[i + 1] < 0xe000) {
            c = 0x10000 + ((c - 0xd800) << 10) + (s[i + 1] - 0xdc00u);
            i++;
        }
        n += put_utf8(out + n, c);
    }
    out[n] = 0;
    if (out_len)
        *out_len = n;
    return out;
}

/* Length of the well-formed sequence at s, 0 when malformed. Surrogates are accepted (WTF-8). */
static size_t sequence(const unsigned char *s, size_t left, uint32_t *cp)
{
    static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    size_t n;
    uint32_t c = s[0];
    if (c < 0x80) {
        *cp = c;
        return 1;
    }
    if (c >= 0xc2 && c < 0xe0) {
        n = 2;
        c &= 0x1f;
    } else if (c >= 0xe0 && c < 0xf0) {
        n = 3;
        c &= 0x0f;
    } else if (c >= 0xf0 && c < 0xf5) {
        n = 4;
        c &= 0x07;
    } else {
        return 0;
    }
    if (n > left)
        return 0;
    for (size_t i = 1; i < n; i++) {
        if ((s[i] & 0xc0) != 0x80)
            return 0;
        c = c << 6 | (s[i] & 0x3f);
    }
    if (c < least[n] || c > 0x10ffff)
        return 0;
    *cp = c;
    return n;
}

uint16_t *utf8_to_utf16(const char *text, size_t len, size_t *out_len)
{
    const unsigned char *s = (const unsigned char *)text;
    uint16_t *out = xmalloc((len + 1) * sizeof *out);
    size_t n = 0;
    for (size_t i = 0; i < len;) {
        uint32_t cp;
        size_t used = sequence(s + i, len - i, &cp);
        if (!used) {
            out[n++] = (uint16_t)(0xdc00 + s[i++]);
            continue;
        }
        i += used;
        if (cp >= 0x10000) {
            out[n++] = (uint16_t)(0xd800 + ((cp - 0x10000) >> 10));
            out[n++] = (uint16_t)(0xdc00 + ((cp - 0x10000) & 0x3ff));
        } else {
            out[n++] = (uint16_t)cp;
        }
    }
    out[n] = 0;
    if (out_len)
        *out_len = n;
    return out;
}

/* The process's own locale is the user's business; case pairs must not depend on it. */
static locale_t utf_locale(void)
{
    static locale_t loc;
    if (!loc)
        loc = newlocale(LC_CTYPE_MASK, "C.UTF-8", (locale_t)0);
    return loc;
}

uint16_t utf16_upcase(uint16_t c)
{
    if (c < 0x80)
        return c >= 'a' && c <= 'z' ? (uint16_t)(c - 32) : c;
    if (c >= 0xd800 && c < 0xe000)
        return c;
    locale_t loc = utf_locale();
    wint_t up = loc ? towupper_l(c, loc) : c;
    return up < 0x10000 ? (uint16_t)up : c;
}

int utf16_compare_nocase(const uint16_t *a, size_t a_len, const uint16_t *b, size_t b_len)
{
    for (size_t i = 0; i < a_len && i < b_len; i++) {
        int d = a[i] == b[i] ? 0 : (int)utf16_upcase(a[i]) - (int)utf16_upcase(b[i]);
        if (d)
            return d;
    }
    return a_len < b_len ? -1 : a_len > b_len;
}

bool utf16_equal_nocase(const uint16_t *a, size_t a_len, const uint16_t *b, size_t b_len)
{
    return a_len == b_len && !utf16_compare_nocase(a, a_len, b, b_len);
}

int utf8_compare_nocase(const char *a, const char *b)
{
    size_t i = 0;
    for (; a[i] && b[i]; i++) {
        if ((unsigned char)a[i] >= 0x80 || (unsigned char)b[i] >= 0x80)
            break;
        int d = utf16_upcase((uint16_t)a[i]) - utf16_upcase((uint16_t)b[i]);
        if (d)
            return d;
    }
    if (!a[i] || !b[i])
        return (unsigned char)a[i] - (unsigned char)b[i];
    size_t an, bn;
    uint16_t *aw = utf8_to_utf16(a + i, strlen(a + i), &an);
    uint16_t *bw = utf8_to_utf16(b + i, strlen(b + i), &bn);
    int d = utf16_compare_nocase(aw, an, bw, bn);
    free(aw);
    free(bw);
    return d;
}

size_t utf16_len(const uint16_t *s)
{
    size_t n = 0;
    while (s[n])
        n++;
    return n;
}
