// SPDX-License-Identifier: GPL-2.0-or-later
#include "base/match.h"
#include "base/bits.h"

#include <ctype.h>
#include <string.h>

static bool same(char a, char b)
{
    return tolower((unsigned char)a) == tolower((unsigned char)b);
}

bool match_wildcard(const char *pattern, const char *text)
{
    const char *star = NULL, *resume = NULL;
    while (*text) {
        if (*pattern == '*') {
            star = ++pattern;
            resume = text;
        } else if (*pattern && (*pattern == '?' || same(*pattern, *text))) {
            pattern++;
            text++;
        } else if (star) {
            pattern = star;
            text = ++resume;
        } else {
            return false;
        }
    }
    while (*pattern == '*')
        pattern++;
    return !*pattern;
}

enum { LONGEST = 64 };

static size_t distance(const char *a, const char *b)
{
    size_t an = strlen(a), bn = strlen(b);
    size_t row[LONGEST + 1];
    if (an > LONGEST || bn > LONGEST)
        return LONGEST;
    for (size_t j = 0; j <= bn; j++)
        row[j] = j;
    for (size_t i = 1; i <= an; i++) {
        size_t diagonal = row[0];
        row[0] = i;
        for (size_t j = 1; j <= bn; j++) {
            size_t change = diagonal + !same(a[i - 1], b[j - 1]);
            diagonal = row[j];
            row[j] = MIN(change, MIN(row[j] + 1, row[j - 1] + 1));
        }
    }
    return row[bn];
}

const char *match_nearest(const char *word, const char *const *names, size_t n)
{
    const char *best = NULL;
    size_t len = strlen(word), best_distance = len / 3 + 1;
    if (!len || len > LONGEST)
        return NULL;
    for (size_t i = 0; i < n; i++) {
        /* A name cut short is as near as one wrong letter. */
        size_t d = strncmp(word, names[i], len) ? distance(word, names[i]) : names[i][len] != 0;
        if (d <= best_distance && (!best || d < best_distance)) {
            best = names[i];
            best_distance = d;
        }
    }
    return best;
}
