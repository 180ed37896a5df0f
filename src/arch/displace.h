/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef ARCH_DISPLACE_H
#define ARCH_DISPLACE_H
/*
 * An instruction, made to run elsewhere: what breakpoints step over, so that the breakpoint can
 * stay where it is while other threads run.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { X86_DISPLACED_MAX = 40 };

struct x86_displaced {
    uint8_t code[X86_DISPLACED_MAX]; /* ends by going on behind the original, or where it leads */
    uint8_t size;
    uint8_t length; /* of the original */
    bool plain;     /* code begins with the instruction, of the same length, and it is all of the
                       instruction's effect: behind it is behind the original */
};

/*
 * What stands at `from` (n bytes of it; 15 are enough), for running at `to`. False: it cannot be
 * decoded, does not work elsewhere (calls through the stack pointer, xbegin), or `to` is more than
 * 2 GiB from something that it names.
 */
bool x86_displace(const uint8_t *code, size_t n, bool wide, uint64_t from, uint64_t to,
                  struct x86_displaced *out);
#endif
