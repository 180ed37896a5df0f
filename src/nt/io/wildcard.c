// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * FsRtlIsNameInExpression: besides * and ? there are the wildcards into which Win32 turns the
 * peculiar ones of DOS. '<' (DOS_STAR) runs up to the last dot, '>' (DOS_QM) is one character or
 * nothing at a dot or the end, '"' (DOS_DOT) is a dot or nothing at the end.
 */
#include "nt/io/internal.h"

enum { SHORT_PATTERN = 256 };

bool nt_wildcard_has(const uint16_t *p, size_t len)
{
    for (size_t i = 0; i < len; i++)
        if (p[i] < 0x80 && p[i] && strchr("*?<>\"", p[i]))
            return true;
    return false;
}

/* set[i]: pattern[0..i) can match what was read so far. What may match nothing is crossed at once:
 * at_end: the name is used up; next: the character to come. */
static void close_over(bool *set, const uint16_t *p, size_t n, bool at_end, uint16_t next)
{
    for (size_t i = 0; i < n; i++) {
        if (!set[i])
            continue;
        if (p[i] == '*' || p[i] == '<' || (p[i] == '"' && at_end) ||
            (p[i] == '>' && (at_end || next == '.')))
            set[i + 1] = true;
    }
}

static bool run(bool *now, bool *then, const uint16_t *p, size_t n, const uint16_t *name,
                size_t len)
{
    size_t last_dot = len;
    for (size_t i = 0; i < len; i++)
        if (name[i] == '.')
            last_dot = i;
    memset(now, 0, n + 1);
    now[0] = true;
    for (size_t at = 0; at < len; at++) {
        uint16_t c = utf16_upcase(name[at]);
        close_over(now, p, n, false, name[at]);
        memset(then, 0, n + 1);
        for (size_t i = 0; i < n; i++) {
            if (!now[i])
                continue;
            if (p[i] == '*' || (p[i] == '<' && at != last_dot))
                then[i] = true;
            else if (p[i] == '?' || (p[i] == '>' && c != '.') || (p[i] == '"' && c == '.') ||
                     utf16_upcase(p[i]) == c)
                then[i + 1] = true;
        }
        bool *swap = now;
        now = then;
        then = swap;
    }
    close_over(now, p, n, true, 0);
    return now[n];
}

bool nt_wildcard_match(const uint16_t *pattern, size_t n, const uint16_t *name, size_t len)
{
    bool small[2][SHORT_PATTERN + 1];
    if (n == 1 && pattern[0] == '*')
        return true;
    if (n <= SHORT_PATTERN)
        return run(small[0], small[1], pattern, n, name, len);
    bool *big = xmalloc(2 * (n + 1));
    bool ok = run(big, big + n + 1, pattern, n, name, len);
    free(big);
    return ok;
}
