/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef GUEST_ARGS_H
#define GUEST_ARGS_H
/* Arguments in guest memory for services that take structures: a bump allocator above the slots. */
#include "base/utf.h"
#include "mm_fixture.h"
#include "nt/se/token.h"
#include "nt/structs.h"

enum { BUMP_FROM = 0x1000, BUFFER_AT = 0x8000, BUFFER_SIZE = 0x8000 };
#define BUFFER (SCRATCH + BUFFER_AT)

static uint64_t bump_next;

static inline uint64_t bump(struct mm_fixture *f, const void *data, size_t len)
{
    uint64_t at = SCRATCH + BUMP_FROM + bump_next;
    bump_next += (len + 15) & ~15ull;
    if (bump_next > BUFFER_AT - BUMP_FROM - 0x400)
        bump_next = 0;
    ok(mem_write(f->p->mem, at, data, len));
    return at;
}

static inline uint64_t put_layout(struct mm_fixture *f, const struct layout *l, const void *host)
{
    uint8_t guest[256];
    layout_put(l, f->p->ptr_size, host, guest);
    return bump(f, guest, layout_size(l, f->p->ptr_size));
}

static inline uint64_t ustr_n(struct mm_fixture *f, const uint16_t *text, size_t units)
{
    struct UNICODE_STRING us = {.Length = (uint16_t)(units * 2),
                                .MaximumLength = (uint16_t)(units * 2),
                                .Buffer = bump(f, text, units * 2)};
    return put_layout(f, &layout_UNICODE_STRING, &us);
}

/* The address of a UNICODE_STRING. */
static inline uint64_t ustr(struct mm_fixture *f, const char *utf8)
{
    size_t n;
    uint16_t *wide = utf8_to_utf16(utf8, strlen(utf8), &n);
    uint64_t at = ustr_n(f, wide, n);
    free(wide);
    return at;
}

static inline uint64_t attrs(struct mm_fixture *f, uint64_t root, const char *name,
                             uint32_t attributes)
{
    struct OBJECT_ATTRIBUTES oa = {
        .Length = (uint32_t)layout_size(&layout_OBJECT_ATTRIBUTES, f->p->ptr_size),
        .RootDirectory = root,
        .ObjectName = name ? ustr(f, name) : 0,
        .Attributes = attributes};
    return put_layout(f, &layout_OBJECT_ATTRIBUTES, &oa);
}

static inline void peek(struct mm_fixture *f, uint64_t va, void *out, size_t len)
{
    ok(mem_read(f->p->mem, va, out, len));
}

static inline void fill(struct mm_fixture *f, uint8_t with)
{
    uint8_t page[BUFFER_SIZE];
    memset(page, with, sizeof page);
    ok(mem_write(f->p->mem, BUFFER, page, sizeof page));
}

/* A process as the machine makes it: with a token. */
static inline int guest_setup(void **state)
{
    struct mm_fixture *f = mm_new(8);
    f->p->token = nt_token_create_initial(f->k)->o.id;
    *state = f;
    return 0;
}
static inline int guest_setup32(void **state)
{
    struct mm_fixture *f = mm_new(4);
    f->p->token = nt_token_create_initial(f->k)->o.id;
    *state = f;
    return 0;
}
#endif
