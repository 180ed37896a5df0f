// SPDX-License-Identifier: GPL-2.0-or-later
#include "arch/opcode.h"

#include <string.h>

enum { OPERAND_SIZE = 0x66, PREFIXES_MAX = 8 };

static bool is_prefix(uint8_t b, bool wide)
{
    static const uint8_t legacy[] = {OPERAND_SIZE, 0x67, 0xf0, 0xf2, 0xf3, 0x2e,
                                     0x36,         0x3e, 0x26, 0x64, 0x65};
    return memchr(legacy, b, sizeof legacy) || (wide && (b & 0xf0) == 0x40);
}

static bool is_privileged(const uint8_t *op)
{
    static const uint8_t one[] = {0xf4, 0xfa, 0xfb};
    static const uint8_t two[] = {0x00, 0x01, 0x06, 0x08, 0x09, 0x20, 0x21,
                                  0x22, 0x23, 0x30, 0x32, 0x33, 0x35};
    return op[0] == 0x0f ? memchr(two, op[1], sizeof two) != NULL
                         : memchr(one, op[0], sizeof one) != NULL;
}

static struct x86_opcode time_stamp(const uint8_t *op, unsigned prefixes)
{
    if (op[0] == 0x0f && op[1] == 0x31)
        return (struct x86_opcode){.kind = X86_OP_RDTSC, .length = (uint8_t)(prefixes + 2)};
    if (op[0] == 0x0f && op[1] == 0x01 && op[2] == 0xf9)
        return (struct x86_opcode){.kind = X86_OP_RDTSCP, .length = (uint8_t)(prefixes + 3)};
    return (struct x86_opcode){.kind = is_privileged(op) ? X86_OP_PRIVILEGED : X86_OP_OTHER};
}

/* e4-e7: a port that is named; ec-ef: DX; 6c-6f: strings. Bit 0: wider than a byte, bit 1: out. */
static bool is_port(uint8_t b)
{
    return (b & 0xf4) == 0xe4 || (b & 0xfc) == 0x6c;
}

struct x86_opcode x86_opcode_read(const uint8_t code[X86_INSN_MAX], bool wide)
{
    unsigned n = 0;
    bool narrow = false;
    while (n < PREFIXES_MAX && is_prefix(code[n], wide))
        narrow |= code[n++] == OPERAND_SIZE;
    const uint8_t *op = code + n;
    if (!is_port(op[0]))
        return time_stamp(op, n);
    bool string = op[0] < 0x80, out = op[0] & 2, immediate = !string && !(op[0] & 8);
    return (struct x86_opcode){
        .kind = string ? out ? X86_OP_OUTS : X86_OP_INS
                : out  ? X86_OP_OUT
                       : X86_OP_IN,
        .length = (uint8_t)(n + (immediate ? 2 : 1)),
        .size = !(op[0] & 1) ? 1
                : narrow     ? 2
                             : 4,
        .immediate = immediate,
        .port = immediate ? op[1] : 0,
    };
}
