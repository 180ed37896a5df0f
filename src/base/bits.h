/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef BASE_BITS_H
#define BASE_BITS_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ARRAY_LEN(a) (sizeof(a) / sizeof *(a))
#define MIN(a, b)    ((a) < (b) ? (a) : (b))
#define MAX(a, b)    ((a) > (b) ? (a) : (b))

#define CONTAINER_OF(ptr, type, member) ((type *)(void *)((char *)(ptr)-offsetof(type, member)))

/* `to` is a power of two. align_up wraps to 0 at the top of the range: check first. */
static inline uint64_t align_down(uint64_t v, uint64_t to)
{
    return v & ~(to - 1);
}
static inline uint64_t align_up(uint64_t v, uint64_t to)
{
    return (v + to - 1) & ~(to - 1);
}
/* True when [at, at+len) lies inside [0, size), with no overflow on hostile values. */
static inline bool range_inside(uint64_t at, uint64_t len, uint64_t size)
{
    return at <= size && len <= size - at;
}
#endif
