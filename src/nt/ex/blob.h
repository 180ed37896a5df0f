/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NT_EX_BLOB_H
#define NT_EX_BLOB_H
/*
 * An answer that is put together piece by piece, with pointers into itself: made for one guest
 * address and pointer size. Zeroed is empty; blob_free.
 */
#include "base/bits.h"
#include "base/vec.h"
#include "nt/call.h"

struct blob {
    VEC(uint8_t) b;
    uint64_t va; /* where the answer will be */
    unsigned ptr_size;
};

static inline struct blob blob_begin(const struct nt_call *c, uint64_t va)
{
    return (struct blob){.va = va, .ptr_size = nt_ptr_size(c)};
}
static inline void blob_free(struct blob *b)
{
    vec_free(&b->b);
}
/* Returns where the bytes went. data NULL: zeroes. */
static inline size_t blob_put(struct blob *b, const void *data, size_t len)
{
    size_t at = b->b.len;
    vec_reserve(&b->b, at + len);
    if (len) {
        if (data)
            memcpy(b->b.data + at, data, len);
        else
            memset(b->b.data + at, 0, len);
    }
    b->b.len += len;
    return at;
}
static inline void blob_align(struct blob *b, size_t to)
{
    blob_put(b, NULL, align_up(b->b.len, to) - b->b.len);
}
static inline size_t blob_u32(struct blob *b, uint32_t v)
{
    return blob_put(b, &v, sizeof v);
}
static inline size_t blob_u64(struct blob *b, uint64_t v)
{
    return blob_put(b, &v, sizeof v);
}
static inline size_t blob_ptr(struct blob *b, uint64_t v)
{
    blob_align(b, b->ptr_size);
    return blob_put(b, &v, b->ptr_size);
}
/* Fills in a pointer put earlier: to the place `target` of the answer. */
static inline void blob_patch(struct blob *b, size_t at, size_t target)
{
    uint64_t v = b->va + target;
    memcpy(b->b.data + at, &v, b->ptr_size);
}
static inline void blob_patch_u32(struct blob *b, size_t at, uint32_t v)
{
    memcpy(b->b.data + at, &v, sizeof v);
}
static inline size_t blob_layout(struct blob *b, const struct layout *l, const void *host)
{
    size_t at = blob_put(b, NULL, layout_size(l, b->ptr_size));
    layout_put(l, b->ptr_size, host, b->b.data + at);
    return at;
}
/* Writes it and frees it; too small a buffer gets `too_small` and the size. */
static inline ntstatus blob_return(struct nt_call *c, struct blob *b, uint64_t length,
                                   uint64_t return_length, ntstatus too_small)
{
    ntstatus s = return_length ? nt_put_u32(c, return_length, (uint32_t)b->b.len) : STATUS_SUCCESS;
    if (!s)
        s = length < b->b.len ? too_small : nt_write(c, b->va, b->b.data, b->b.len);
    blob_free(b);
    return s;
}
#endif
