// SPDX-License-Identifier: GPL-2.0-or-later
#include "arch/displace.h"

#include <Zydis/Zydis.h>
#include <string.h>

struct making {
    struct x86_displaced *out;
    bool wide, failed;
    uint64_t to;
};

static void put(struct making *m, const void *bytes, size_t n)
{
    if (m->out->size + n > sizeof m->out->code) {
        m->failed = true;
        return;
    }
    memcpy(m->out->code + m->out->size, bytes, n);
    m->out->size = (uint8_t)(m->out->size + n);
}

static void put_byte(struct making *m, uint8_t b)
{
    put(m, &b, 1);
}

static void put_u32(struct making *m, uint32_t v)
{
    put(m, &v, sizeof v);
}

/* A distance from the end of an instruction, in 32-bit code modulo its address space. */
static uint32_t distance(struct making *m, uint64_t from, uint64_t to)
{
    int64_t d = (int64_t)(to - from);
    if (m->wide && d != (int32_t)d)
        m->failed = true;
    return (uint32_t)d;
}

static void put_jump(struct making *m, uint64_t target)
{
    enum { LENGTH = 5 };
    uint64_t end = m->to + m->out->size + LENGTH;
    put_byte(m, 0xe9);
    put_u32(m, distance(m, end, target));
}

/* push of an address: in 64-bit code its halves one after the other. */
static void put_push(struct making *m, uint64_t v)
{
    static const uint8_t store_high[] = {0xc7, 0x44, 0x24, 0x04}; /* mov dword [rsp + 4], imm32 */
    put_byte(m, 0x68);
    put_u32(m, (uint32_t)v);
    if (!m->wide)
        return;
    put(m, store_high, sizeof store_high);
    put_u32(m, (uint32_t)(v >> 32));
}

/* jcc, jcxz, loop: as a short jump over the way on. */
static void put_branch(struct making *m, const uint8_t *code, const ZydisDecodedInstruction *in,
                       uint64_t next, uint64_t target)
{
    enum { JUMP = 5 };
    uint8_t opcode = in->opcode;
    if (in->opcode_map == ZYDIS_OPCODE_MAP_0F)
        opcode = (uint8_t)(0x70 | (opcode & 15));
    for (unsigned i = 0; i < in->raw.prefix_count; i++)
        if (code[i] == 0x67) /* which counter */
            put_byte(m, code[i]);
    put_byte(m, opcode);
    put_byte(m, JUMP);
    put_jump(m, next);
    put_jump(m, target);
}

/* call [mem] or call reg: the return address by hand, then a jump. What the address is made of must
 * not be the stack pointer, which has moved by then. */
static void put_indirect_call(struct making *m, const uint8_t *code,
                              const ZydisDecodedInstruction *in, uint64_t from, uint64_t next)
{
    enum { REG_FIELD = 7 << 3, JUMP_NEAR = 4 << 3, STACK = 4 };
    uint8_t copy[ZYDIS_MAX_INSTRUCTION_LENGTH];
    bool by_register = in->raw.modrm.mod == 3;
    if (by_register ? in->raw.modrm.rm == STACK && !in->raw.rex.B
                    : in->raw.modrm.rm == STACK && in->raw.sib.base == STACK && !in->raw.rex.B) {
        m->failed = true;
        return;
    }
    memcpy(copy, code, in->length);
    uint8_t *modrm = copy + in->raw.modrm.offset;
    *modrm = (uint8_t)((*modrm & ~REG_FIELD) | JUMP_NEAR);
    put_push(m, next);
    uint64_t end = m->to + m->out->size + in->length;
    if (m->wide && in->raw.modrm.mod == 0 && in->raw.modrm.rm == 5) {
        uint32_t d = distance(m, end, next + (uint64_t)in->raw.disp.value);
        memcpy(copy + in->raw.disp.offset, &d, sizeof d);
    }
    put(m, copy, in->length);
}

static void put_plain(struct making *m, const uint8_t *code, const ZydisDecodedInstruction *in,
                      uint64_t next)
{
    uint8_t copy[ZYDIS_MAX_INSTRUCTION_LENGTH];
    memcpy(copy, code, in->length);
    if (m->wide && (in->attributes & ZYDIS_ATTRIB_HAS_MODRM) && in->raw.modrm.mod == 0 &&
        in->raw.modrm.rm == 5) { /* relative to rip */
        uint32_t d = distance(m, m->to + in->length, next + (uint64_t)in->raw.disp.value);
        memcpy(copy + in->raw.disp.offset, &d, sizeof d);
    }
    put(m, copy, in->length);
    put_jump(m, next);
    m->out->plain = true;
}

static void make(struct making *m, const uint8_t *code, const ZydisDecodedInstruction *in,
                 uint64_t from)
{
    uint64_t next = from + in->length;
    bool relative = in->raw.imm[0].is_relative;
    uint64_t target = next + (uint64_t)in->raw.imm[0].value.s;
    if (!m->wide) {
        next = (uint32_t)next;
        target = (uint32_t)target;
    }
    switch (in->meta.category) {
    case ZYDIS_CATEGORY_CALL:
        if (relative) {
            put_push(m, next);
            put_jump(m, target);
        } else if (in->meta.branch_type == ZYDIS_BRANCH_TYPE_NEAR) {
            put_indirect_call(m, code, in, from, next);
        } else {
            m->failed = true;
        }
        break;
    case ZYDIS_CATEGORY_COND_BR:
        put_branch(m, code, in, next, target);
        m->failed |= !relative || in->mnemonic == ZYDIS_MNEMONIC_XBEGIN;
        break;
    case ZYDIS_CATEGORY_UNCOND_BR:
        if (relative)
            put_jump(m, target);
        else
            put_plain(m, code, in, next);
        break;
    default:
        m->failed |= relative;
        put_plain(m, code, in, next);
    }
}

bool x86_displace(const uint8_t *code, size_t n, bool wide, uint64_t from, uint64_t to,
                  struct x86_displaced *out)
{
    ZydisDecoder decoder;
    ZydisDecodedInstruction in;
    struct making m = {.out = out, .wide = wide, .to = to};
    if (wide)
        ZydisDecoderInit(&decoder, ZYDIS_MACHINE_MODE_LONG_64, ZYDIS_STACK_WIDTH_64);
    else
        ZydisDecoderInit(&decoder, ZYDIS_MACHINE_MODE_LEGACY_32, ZYDIS_STACK_WIDTH_32);
    if (!ZYAN_SUCCESS(ZydisDecoderDecodeInstruction(&decoder, NULL, code, n, &in)))
        return false;
    *out = (struct x86_displaced){.length = in.length};
    make(&m, code, &in, from);
    return !m.failed;
}
