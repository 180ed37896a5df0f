/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef BASE_VEC_H
#define BASE_VEC_H
/*
 * A growable array of T: struct { T *data; size_t len, cap; }, zero-initialised.
 * Pointers into it die at the next push. Running out of host memory ends the process.
 */
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#define VEC(T)                                                                                     \
    struct {                                                                                       \
        T *data;                                                                                   \
        size_t len, cap;                                                                           \
    }

/* Makes room for `want` elements and returns the (moved) storage. */
void *vec_grow(void *data, size_t *cap, size_t want, size_t elem_size);

#define vec_reserve(v, n)                                                                          \
    ((v)->cap >= (n) ? (void)0                                                                     \
                     : (void)((v)->data = vec_grow((v)->data, &(v)->cap, (n), sizeof *(v)->data)))
#define vec_push(v, ...)                                                                           \
    do {                                                                                           \
        vec_reserve((v), (v)->len + 1);                                                            \
        (v)->data[(v)->len++] = (__VA_ARGS__);                                                     \
    } while (0)
/* Removes element i and keeps the order. */
#define vec_remove(v, i)                                                                           \
    do {                                                                                           \
        size_t vec_i_ = (i);                                                                       \
        memmove((v)->data + vec_i_, (v)->data + vec_i_ + 1,                                        \
                ((v)->len - vec_i_ - 1) * sizeof *(v)->data);                                      \
        (v)->len--;                                                                                \
    } while (0)
#define vec_insert(v, i, ...)                                                                      \
    do {                                                                                           \
        size_t vec_i_ = (i);                                                                       \
        vec_reserve((v), (v)->len + 1);                                                            \
        memmove((v)->data + vec_i_ + 1, (v)->data + vec_i_,                                        \
                ((v)->len - vec_i_) * sizeof *(v)->data);                                          \
        (v)->data[vec_i_] = (__VA_ARGS__);                                                         \
        (v)->len++;                                                                                \
    } while (0)
#define vec_free(v)                                                                                \
    do {                                                                                           \
        free((v)->data);                                                                           \
        memset((v), 0, sizeof *(v));                                                               \
    } while (0)
/* Not `it < data + len`: an empty array has no data, and adding to NULL is undefined. */
#define vec_foreach(it, v)                                                                         \
    for (__typeof__(&*(v)->data) it = (v)->data; (size_t)(it - (v)->data) < (v)->len; it++)

/* malloc family that never returns NULL. */
void *xmalloc(size_t size) __attribute__((malloc, returns_nonnull));
void *xcalloc(size_t n, size_t size) __attribute__((malloc, returns_nonnull));
void *xrealloc(void *p, size_t size) __attribute__((returns_nonnull));
char *xstrdup(const char *s) __attribute__((malloc, returns_nonnull));
void *xmemdup(const void *p, size_t size) __attribute__((malloc, returns_nonnull));
char *xasprintf(const char *fmt, ...) __attribute__((format(printf, 1, 2), returns_nonnull));
#endif
