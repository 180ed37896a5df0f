/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef ARCH_OPCODE_H
#define ARCH_OPCODE_H
/*
 * The few instructions that a kernel has to know when they fault: a processor says that user mode
 * may not, and leaves it to the kernel what.
 */
#include <stdbool.h>
#include <stdint.h>

enum { X86_INSN_MAX = 15 };

enum x86_opcode_kind {
    X86_OP_OTHER,
    X86_OP_RDTSC,
    X86_OP_RDTSCP,
    X86_OP_IN,
    X86_OP_OUT,
    X86_OP_INS, /* string forms */
    X86_OP_OUTS,
    X86_OP_PRIVILEGED /* hlt, cli, lgdt, mov to cr, rdmsr, ... */
};

struct x86_opcode {
    enum x86_opcode_kind kind;
    uint8_t length; /* of the instruction; 0: not known (OTHER, PRIVILEGED) */
    uint8_t size;   /* IN, OUT and string forms: bytes, 1, 2 or 4 */
    bool immediate; /* IN, OUT: the port is named, else it is in DX */
    uint8_t port;
};

/* `code` holds X86_INSN_MAX bytes from the instruction on, zeroes where nothing could be read. */
struct x86_opcode x86_opcode_read(const uint8_t code[X86_INSN_MAX], bool wide);

#endif
