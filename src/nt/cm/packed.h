/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NT_CM_PACKED_H
#define NT_CM_PACKED_H
/*
 * The built-in registry as the build puts it into the binary: pack.c parses data/registry.reg and
 * writes the tree, packed.c makes keys of it in a small part of the time that the text would take.
 * Keys come before their children, which are in order of name. Each part begins on 4 bytes; numbers
 * are in the host's order, since the same build writes and reads them.
 */
#include "base/bits.h"
#include "nt/cm/key.h"

struct packed_key { /* then: name, values, children */
    uint16_t name_len, is_link;
    uint32_t values, children;
    uint32_t size; /* of values and children */
};

struct packed_value { /* then: name, data */
    uint32_t name_len, hash, type, len;
};

enum { PACKED_ALIGN = 4 };

/* A new registry, of which not more is made than what is looked at. Names and data of its values
 * stay where they are: `from` outlives it. */
struct nt_registry *reg_unpack(const uint8_t *from, const uint8_t *end, uint64_t now);

#endif
