/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef BASE_LAYOUT_H
#define BASE_LAYOUT_H
/*
 * Guest structures for both pointer sizes, from one description.
 *
 *     #define FIELDS_UNICODE_STRING(F, S) \
 *         F(S, U16, Length, 1) F(S, U16, MaximumLength, 1) F(S, PTR, Buffer, 1)
 *     LAYOUT_STRUCT(UNICODE_STRING);       // header: struct UNICODE_STRING, pointers as uint64_t
 *     LAYOUT_DEFINE(UNICODE_STRING);       // one .c file: layout_UNICODE_STRING
 *
 * Host code works with struct UNICODE_STRING, whose pointer-sized fields are always 64 bits wide.
 * layout_get/layout_put convert from and to the guest's bytes, with the alignment that Windows
 * uses for each pointer size. A field is (S, KIND, name, count); KIND is U8 U16 U32 U64 or PTR
 * (also for SIZE_T and HANDLE).
 */
#include <stddef.h>
#include <stdint.h>

enum layout_kind { LAYOUT_U8, LAYOUT_U16, LAYOUT_U32, LAYOUT_U64, LAYOUT_PTR };

struct layout_field {
    const char *name;
    uint16_t host, guest32, guest64; /* offsets */
    uint16_t count;
    uint8_t kind;
};
struct layout {
    const char *name;
    const struct layout_field *fields;
    uint16_t nfields;
    uint16_t host_size, size32, size64;
};

static inline size_t layout_size(const struct layout *l, unsigned ptr_size)
{
    return ptr_size == 4 ? l->size32 : l->size64;
}
/* `guest` holds layout_size() bytes; `host` is the struct of the layout's name. */
void layout_get(const struct layout *l, unsigned ptr_size, const void *guest, void *host);
void layout_put(const struct layout *l, unsigned ptr_size, const void *host, void *guest);

#define LAYOUT_TYPE_HOST_U8  uint8_t
#define LAYOUT_TYPE_HOST_U16 uint16_t
#define LAYOUT_TYPE_HOST_U32 uint32_t
#define LAYOUT_TYPE_HOST_U64 uint64_t
#define LAYOUT_TYPE_HOST_PTR uint64_t

#define LAYOUT_MEMBER64(S, kind, name, count) LAYOUT_TYPE_HOST_##kind name LAYOUT_DIM_##count;
#define LAYOUT_MEMBER32(S, kind, name, count) LAYOUT_TYPE_32_##kind name LAYOUT_DIM_##count;
#define LAYOUT_TYPE_32_U8                     uint8_t
#define LAYOUT_TYPE_32_U16                    uint16_t
#define LAYOUT_TYPE_32_U32                    uint32_t
#define LAYOUT_TYPE_32_U64                    uint64_t
#define LAYOUT_TYPE_32_PTR                    uint32_t
/* A single field is a scalar, so that `oa.Length` needs no index. */
#define LAYOUT_DIM_1
#define LAYOUT_DIM_2   [2]
#define LAYOUT_DIM_3   [3]
#define LAYOUT_DIM_4   [4]
#define LAYOUT_DIM_6   [6]
#define LAYOUT_DIM_8   [8]
#define LAYOUT_DIM_15  [15]
#define LAYOUT_DIM_16  [16]
#define LAYOUT_DIM_32  [32]
#define LAYOUT_DIM_64  [64]
#define LAYOUT_DIM_128 [128]

#define LAYOUT_STRUCT(NAME)                                                                        \
    struct NAME {                                                                                  \
        FIELDS_##NAME(LAYOUT_MEMBER64, NAME)                                                       \
    };                                                                                             \
    struct NAME##_guest32 {                                                                        \
        FIELDS_##NAME(LAYOUT_MEMBER32, NAME)                                                       \
    };                                                                                             \
    extern const struct layout layout_##NAME

#define LAYOUT_ONE(S, kind_, field, n) +1
#define LAYOUT_ROW(S, kind_, field, n)                                                             \
    {#field,                                                                                       \
     offsetof(struct S, field),                                                                    \
     offsetof(struct S##_guest32, field),                                                          \
     offsetof(struct S, field),                                                                    \
     n,                                                                                            \
     LAYOUT_##kind_},

#define LAYOUT_DEFINE(NAME)                                                                        \
    static const struct layout_field layout_fields_##NAME[] = {FIELDS_##NAME(LAYOUT_ROW, NAME)};   \
    const struct layout layout_##NAME = {#NAME,                                                    \
                                         layout_fields_##NAME,                                     \
                                         0 FIELDS_##NAME(LAYOUT_ONE, NAME),                        \
                                         sizeof(struct NAME),                                      \
                                         sizeof(struct NAME##_guest32),                            \
                                         sizeof(struct NAME)}
#endif
