/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NT_CM_INFO_H
#define NT_CM_INFO_H
/*
 * Answers of the registry's query services: a fixed part, then names and data. A caller's buffer
 * that holds at least the fixed part gets as much as fits, with STATUS_BUFFER_OVERFLOW.
 */
#include "nt/cm/key.h"

struct reg_info {
    VEC(uint8_t) bytes;
    size_t fixed;
};

static inline void reg_info_bytes(struct reg_info *b, const void *data, size_t len)
{
    if (!len)
        return;
    vec_reserve(&b->bytes, b->bytes.len + len);
    memcpy(b->bytes.data + b->bytes.len, data, len);
    b->bytes.len += len;
}
static inline void reg_info_u32(struct reg_info *b, uint32_t v)
{
    reg_info_bytes(b, &v, sizeof v);
}
static inline void reg_info_u64(struct reg_info *b, uint64_t v)
{
    reg_info_bytes(b, &v, sizeof v);
}

/* Writes the answer and its size (to `result`, unless 0) and frees it. */
ntstatus reg_info_return(struct nt_call *c, struct reg_info *b, uint64_t buffer, uint64_t length,
                         uint64_t result);
#endif
