// SPDX-License-Identifier: GPL-2.0-or-later
/* What one function of an image calls and refers to. */
#include "base/bits.h"
#include "base/vec.h"
#include "win/reach_internal.h"

#include <Zydis/Zydis.h>

enum {
    FUNCTION_LONGEST = 1 << 20, /* bytes; the largest real ones have a tenth of that */
    BLOCKS_MAX = 1 << 14,
    JUMP_TABLE_MAX = 512
};

struct scan {
    const struct pe_image *img;
    const struct reach_sink *sink;
    uint64_t *budget;
    ZydisDecoder decoder;
    uint32_t begin, end; /* bounds by unwind data; 0, 0: unknown, jumps are followed */
    VEC(uint32_t) todo;
    uint32_t *seen; /* set of block starts, plus one; 0 is empty */
    uint32_t seen_mask, nseen;
};

/* ---- Blocks yet to do, when there are no bounds ------------------------------------------------
 */

static bool see(struct scan *c, uint32_t rva)
{
    uint32_t at = rva * 2654435761u >> 7 & c->seen_mask;
    while (c->seen[at]) {
        if (c->seen[at] == rva + 1)
            return false;
        at = (at + 1) & c->seen_mask;
    }
    c->seen[at] = rva + 1;
    c->nseen++;
    return true;
}

static void grow(struct scan *c)
{
    uint32_t *old = c->seen, n = c->seen_mask + 1;
    c->seen_mask = n * 2 - 1;
    c->seen = xcalloc(n * 2, sizeof *c->seen);
    c->nseen = 0;
    for (uint32_t i = 0; i < n; i++)
        if (old[i])
            see(c, old[i] - 1);
    free(old);
}

static void follow(struct scan *c, uint32_t rva)
{
    if (c->nseen >= BLOCKS_MAX)
        return;
    if (c->nseen * 2 > c->seen_mask)
        grow(c);
    if (see(c, rva))
        vec_push(&c->todo, rva);
}

/* ---- Instructions
 * ---------------------------------------------------------------------------------- */

static bool inside(const struct scan *c, uint32_t rva)
{
    return rva >= c->begin && rva < c->end;
}

static void jump_to(struct scan *c, uint32_t rva)
{
    if (c->end ? inside(c, rva) : !c->sink->is_function(c->sink->ctx, rva))
        follow(c, rva);
    else
        c->sink->call(c->sink->ctx, rva);
}

/* jmp [table + reg * 4], as 32-bit compilers make of a switch. */
static void jump_table(struct scan *c, uint32_t table)
{
    for (unsigned i = 0; i < JUMP_TABLE_MAX; i++) {
        uint64_t va;
        uint32_t rva, avail;
        if (!pe_read_ptr(c->img, table + i * 4, &va) || !pe_va_to_rva(c->img, va, &rva) ||
            !pe_at(c->img, rva, &avail))
            return;
        int section = pe_section_at(c->img, rva);
        if (section < 0 ||
            !(pe_section(c->img, (unsigned)section).characteristics & IMAGE_SCN_MEM_EXECUTE))
            return;
        follow(c, rva);
    }
}

/* The address that an instruction names outright: relative to the next one on x86-64, else
 * absolute.
 */
static bool memory_operand(const struct scan *c, const ZydisDecodedInstruction *in, uint32_t next,
                           uint32_t *rva)
{
    if (c->img->h.is64) {
        if (!(in->attributes & ZYDIS_ATTRIB_IS_RELATIVE) ||
            !(in->attributes & ZYDIS_ATTRIB_HAS_MODRM) || in->raw.modrm.mod ||
            in->raw.modrm.rm != 5)
            return false;
        *rva = next + (uint32_t)in->raw.disp.value;
        return true;
    }
    return in->raw.disp.size == 32 && pe_va_to_rva(c->img, (uint32_t)in->raw.disp.value, rva);
}

/* False when control does not go on behind the instruction. */
static bool instruction(struct scan *c, const ZydisDecodedInstruction *in, uint32_t next)
{
    uint32_t rva;
    bool relative = in->raw.imm[0].is_relative;
    uint32_t target = next + (uint32_t)in->raw.imm[0].value.s;
    if (memory_operand(c, in, next, &rva)) {
        c->sink->memory(c->sink->ctx, rva);
        if (in->mnemonic == ZYDIS_MNEMONIC_JMP && !c->img->h.is64)
            jump_table(c, rva);
    }
    switch (in->meta.category) {
    case ZYDIS_CATEGORY_CALL:
        if (relative)
            c->sink->call(c->sink->ctx, target);
        return true;
    case ZYDIS_CATEGORY_COND_BR:
        if (relative)
            jump_to(c, target);
        return true;
    case ZYDIS_CATEGORY_UNCOND_BR:
        if (relative)
            jump_to(c, target);
        return false;
    case ZYDIS_CATEGORY_RET:
        return false;
    default:
        return in->mnemonic != ZYDIS_MNEMONIC_INT3 && in->mnemonic != ZYDIS_MNEMONIC_UD2 &&
               in->mnemonic != ZYDIS_MNEMONIC_HLT;
    }
}

/* With `through`, what follows a jump or a return is decoded as well: switch tables are not needed
 * to find the cases of a function whose bounds are known. */
static void decode(struct scan *c, uint32_t rva, uint32_t longest, bool through)
{
    uint32_t avail, at = 0;
    const uint8_t *p = pe_at(c->img, rva, &avail);
    if (!p)
        return;
    avail = MIN(avail, longest);
    while (at < avail && *c->budget) {
        ZydisDecodedInstruction in;
        ZyanStatus s = ZydisDecoderDecodeInstruction(&c->decoder, NULL, p + at, avail - at, &in);
        --*c->budget;
        if (!ZYAN_SUCCESS(s)) {
            if (!through)
                return;
            at++;
            continue;
        }
        at += in.length;
        if (!instruction(c, &in, rva + at) && !through)
            return;
    }
}

/* The row of the unwind table that covers rva. */
static bool find_bounds(const struct pe_image *img, uint32_t rva, struct pe_runtime_function *out)
{
    uint32_t lo = 0, hi = pe_runtime_functions(img);
    while (lo < hi) {
        uint32_t mid = lo + (hi - lo) / 2;
        if (!pe_runtime_function(img, mid, out))
            return false;
        if (rva < out->begin)
            hi = mid;
        else if (rva >= out->end)
            lo = mid + 1;
        else
            return true;
    }
    return false;
}

void reach_scan_function(const struct pe_image *img, uint32_t rva, const struct reach_sink *sink,
                         uint64_t *budget)
{
    struct pe_runtime_function bounds;
    struct scan c = {.img = img, .sink = sink, .budget = budget, .seen_mask = 63};
    if (img->h.is64)
        ZydisDecoderInit(&c.decoder, ZYDIS_MACHINE_MODE_LONG_64, ZYDIS_STACK_WIDTH_64);
    else
        ZydisDecoderInit(&c.decoder, ZYDIS_MACHINE_MODE_LEGACY_32, ZYDIS_STACK_WIDTH_32);
    c.seen = xcalloc(c.seen_mask + 1, sizeof *c.seen);
    if (img->h.is64 && find_bounds(img, rva, &bounds)) {
        c.begin = bounds.begin;
        c.end = bounds.end;
        decode(&c, rva, MIN(bounds.end - rva, (uint32_t)FUNCTION_LONGEST), true);
    } else {
        follow(&c, rva);
        while (c.todo.len && *budget)
            decode(&c, c.todo.data[--c.todo.len], FUNCTION_LONGEST, false);
    }
    vec_free(&c.todo);
    free(c.seen);
}
