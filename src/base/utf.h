/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef BASE_UTF_H
#define BASE_UTF_H
/*
 * UTF-16LE (what the guest speaks) and UTF-8 (what the host speaks).
 * Windows names may hold unpaired surrogates: they travel as WTF-8, so that every UTF-16 string
 * survives the round trip. Lengths are in code units (uint16_t), never bytes.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Both return a NUL-terminated string from malloc; *out_len may be NULL. Invalid UTF-8 bytes become
 * U+DC80 + byte - 0x80 (so that host file names survive as well) and come back as that byte. */
char *utf16_to_utf8(const uint16_t *s, size_t len, size_t *out_len);
uint16_t *utf8_to_utf16(const char *s, size_t len, size_t *out_len);

/* Simple upcase of one code unit: ASCII, Latin-1, Greek, Cyrillic and the other one-to-one pairs
 * of the C locale data of the host; good for names, not for collation. */
uint16_t utf16_upcase(uint16_t c);
bool utf16_equal_nocase(const uint16_t *a, size_t a_len, const uint16_t *b, size_t b_len);
int utf16_compare_nocase(const uint16_t *a, size_t a_len, const uint16_t *b, size_t b_len);
/* The same over UTF-8 text: byte-exact for ASCII, by code point beyond. */
int utf8_compare_nocase(const char *a, const char *b);
size_t utf16_len(const uint16_t *s); /* units before the NUL */
#endif
