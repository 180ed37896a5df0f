/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef API_TABLE_H
#define API_TABLE_H
/*
 * The bytes of the table, which tools/prototypes/pack.py writes: a head, then seven parts, each on
 * 8 bytes, all numbers little-endian. Strings are offsets into the last part, where each ends in
 * NUL and offset 0 is "". Fields, constants and arguments lie together for each owner.
 */
#include "api/api.h"
#include "base/bits.h"

enum api_part {
    API_FUNCTIONS,
    API_ARGS,
    API_TYPES,
    API_FIELDS,
    API_GROUPS,
    API_CONSTANTS,
    API_STRINGS,
    API_PART_COUNT
};

struct table_head {
    char magic[8]; /* "PGRAPI2" */
    uint32_t size; /* of all */
    uint32_t source;
    uint32_t categories; /* the group whose constants are their names, in order */
    uint32_t unused;
    struct {
        uint32_t at, count;
    } part[API_PART_COUNT];
};

struct table_function { /* in order of name, then of bitness */
    uint32_t name, header, first;
    uint16_t result, result_group, stack;
    uint8_t count, convention, flags, category, outcome, unused;
};

struct table_arg {
    uint32_t name;
    uint16_t type, group;
    uint8_t direction, size_kind, size_arg, filled_arg;
};

struct table_type {
    uint32_t name, size32, size64, first;
    uint16_t count, target;
    uint8_t kind, flags; /* 1: const */
    uint16_t group;
};

struct table_field {
    uint32_t name, at32, at64;
    uint16_t type, group;
    uint8_t bit, bits, flags, unused; /* 1: overlaps */
};

struct table_group {
    uint32_t name, first, count, is_flags;
};

struct table_constant {
    uint64_t value;
    uint32_t name, unused;
};

static const uint8_t api_row_sizes[API_PART_COUNT] = {
    [API_FUNCTIONS] = sizeof(struct table_function),
    [API_ARGS] = sizeof(struct table_arg),
    [API_TYPES] = sizeof(struct table_type),
    [API_FIELDS] = sizeof(struct table_field),
    [API_GROUPS] = sizeof(struct table_group),
    [API_CONSTANTS] = sizeof(struct table_constant),
    [API_STRINGS] = 1,
};

/* Row i of a part; a BUG beyond its end. */
static inline const void *api_row(const struct api_table *t, enum api_part part, size_t i)
{
    BUG_ON(i >= t->part[part].count);
    return t->part[part].at + i * api_row_sizes[part];
}

/* The last byte of the strings is NUL, so whatever begins inside them ends there. */
static inline const char *api_string(const struct api_table *t, uint32_t at)
{
    return api_row(t, API_STRINGS, at);
}
#endif
