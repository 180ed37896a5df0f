/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef BASE_MATCH_H
#define BASE_MATCH_H
#include <stdbool.h>
#include <stddef.h>

/* True when text matches pattern; `*` is any run, `?` any one byte; ASCII case is ignored.
 * Linear in practice and never exponential. */
bool match_wildcard(const char *pattern, const char *text);

/* The name nearest to `word` among n names by edit distance, for "did you mean", where the
 * beginning of a name counts as one error; NULL when none is near enough to be a typing error. */
const char *match_nearest(const char *word, const char *const *names, size_t n);
#endif
