// SPDX-License-Identifier: GPL-2.0-or-later
#include "api/api.h"
#include "base/bits.h"

static bool is_aggregate(const struct api_type *y)
{
    return y->kind == API_STRUCT || y->kind == API_UNION || y->kind == API_GUID ||
           y->kind == API_OPAQUE || y->kind == API_ARRAY;
}

/* What fits a register by its size; both ABIs ask the same. */
static bool is_register_size(uint32_t size)
{
    return size == 1 || size == 2 || size == 4 || size == 8;
}

bool api_hidden_result(const struct api_table *t, const struct api_function *f, unsigned bitness)
{
    struct api_type y = api_type(t, f->result);
    return is_aggregate(&y) && !is_register_size(api_size(&y, bitness));
}

static uint32_t arg_size(const struct api_table *t, const struct api_function *f, unsigned i,
                         unsigned bitness, struct api_type *y)
{
    *y = i < f->count ? api_type(t, api_arg(t, f, i).type)
                      : (struct api_type){.kind = API_UINT, .size32 = 4, .size64 = 8};
    return api_size(y, bitness);
}

/* Four registers by position, then slots of 8 bytes behind the room for those four. */
static struct api_place place64(const struct api_table *t, const struct api_function *f, unsigned i)
{
    struct api_type y;
    uint32_t size = arg_size(t, f, i, 8, &y);
    unsigned slot = i + api_hidden_result(t, f, 8);
    struct api_place p = {.size = size, .at = (uint16_t)slot, .where = API_GENERAL};
    p.by_reference = is_aggregate(&y) && !is_register_size(size);
    if (slot >= 4) {
        p.where = API_STACK;
        p.at = (uint16_t)(8 + 8 * slot);
    } else if (y.kind == API_FLOAT) {
        p.where = API_VECTOR;
    }
    return p;
}

static unsigned register_count(const struct api_function *f)
{
    return f->convention == API_FASTCALL ? 2 : f->convention == API_THISCALL ? 1 : 0;
}

/* Whether an argument takes one of i386's registers while any are left. */
static bool takes_register(const struct api_type *y, uint32_t size)
{
    return size <= 4 && y->kind != API_FLOAT && !is_aggregate(y);
}

static struct api_place place32(const struct api_table *t, const struct api_function *f, unsigned i)
{
    unsigned used = 0, registers = register_count(f);
    uint32_t at = 4 + (api_hidden_result(t, f, 4) ? 4 : 0);
    for (unsigned k = 0;; k++) {
        struct api_type y;
        uint32_t size = arg_size(t, f, k, 4, &y);
        bool in_register = used < registers && takes_register(&y, size);
        if (k == i)
            return (struct api_place){.where = in_register ? API_GENERAL : API_STACK,
                                      .at = (uint16_t)(in_register ? used : at),
                                      .size = size};
        if (in_register)
            used++;
        else
            at += (uint32_t)align_up(size, 4);
    }
}

struct api_place api_place(const struct api_table *t, const struct api_function *f, unsigned i,
                           unsigned bitness)
{
    return bitness == 8 ? place64(t, f, i) : place32(t, f, i);
}

unsigned api_pops(const struct api_table *t, const struct api_function *f, unsigned bitness)
{
    if (bitness == 8 || f->convention == API_CDECL)
        return 0;
    unsigned used = 0, registers = register_count(f);
    for (unsigned i = 0; i < f->count && used < registers; i++) {
        struct api_type y;
        uint32_t size = arg_size(t, f, i, 4, &y);
        used += takes_register(&y, size);
    }
    return f->stack - 4 * used + (api_hidden_result(t, f, 4) ? 4 : 0);
}
