/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef BASE_SER_H
#define BASE_SER_H
/*
 * One function saves and loads a structure, so that the two cannot drift apart:
 *
 *     static void event_transfer(struct ser *s, struct nt_event *ev)
 *     {
 *         SER(s, ev->manual);
 *         SER(s, ev->set);
 *     }
 *
 * When saving, values are appended (little-endian, fixed widths). When loading, the same calls fill
 * the fields from hostile input: the first thing that does not fit sets s->failed with a sentence,
 * after which every call is a no-op that leaves zeroes.
 */
#include "base/err.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct ser {
    bool loading, failed;
    uint8_t *data; /* saving: owned, grows; loading: borrowed */
    size_t len, cap, at;
    struct pgr_error error;
};

void ser_begin_save(struct ser *s);
void ser_begin_load(struct ser *s, const void *data, size_t len);
void ser_end(struct ser *s); /* frees what saving built */
void ser_fail(struct ser *s, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

void ser_raw(struct ser *s, void *p, size_t n);  /* n bytes as they are */
void ser_bool(struct ser *s, void *p, size_t n); /* on load accepts 0 and 1 only */
/* A scalar of 1, 2, 4 or 8 bytes, or bool. */
#define SER(s, lvalue)                                                                             \
    _Generic((lvalue), bool : ser_bool, default : ser_raw)((s), &(lvalue), sizeof(lvalue))

/* A count before a list; on load rejects more than `max`. */
void ser_count(struct ser *s, size_t *n, size_t max);
/* malloc'd text or bytes; NULL survives as NULL. On load the old value is not freed. */
void ser_text(struct ser *s, char **text);
void ser_bytes(struct ser *s, uint8_t **p, size_t *n, size_t max);
/* UTF-16 with its length in units. */
void ser_utf16(struct ser *s, uint16_t **p, size_t *n, size_t max);
/* Writes the tag, or checks that it is there: catches a load that lost its place. */
void ser_tag(struct ser *s, const char tag[4]);
#endif
