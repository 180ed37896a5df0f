// SPDX-License-Identifier: GPL-2.0-or-later
#include "nt/cm/packed.h"
#include "base/err.h"

struct reader {
    struct nt_registry *r;
    const uint8_t *at, *end;
    uint64_t now;
};

static const void *take(struct reader *in, size_t size)
{
    const uint8_t *p = in->at;
    BUG_ON(size > (size_t)(in->end - p));
    in->at = p + MIN(align_up(size, PACKED_ALIGN), (size_t)(in->end - p));
    return p;
}

static void read_value(struct reader *in, struct reg_key *key)
{
    const struct packed_value *p = take(in, sizeof *p);
    struct reg_value v = {.name_len = p->name_len, .hash = p->hash, .type = p->type, .len = p->len};
    const void *name = take(in, p->name_len * sizeof(uint16_t)), *data = take(in, p->len);
    v.builtin_name = v.builtin_data = true; /* never written through, see tree.c */
    v.name = p->name_len ? (uint16_t *)name : NULL;
    v.data = p->len ? (uint8_t *)data : NULL;
    vec_push(&key->values, v);
}

static void read_into(struct reader *in, const struct packed_key *p, struct reg_key *key)
{
    key->is_link = p->is_link;
    key->written = in->now;
    vec_reserve(&key->values, p->values);
    vec_reserve(&key->children, p->children);
    for (uint32_t i = 0; i < p->values; i++)
        read_value(in, key);
    for (uint32_t i = 0; i < p->children; i++) {
        const struct packed_key *c = take(in, sizeof *c);
        const void *name = take(in, c->name_len * sizeof(uint16_t));
        struct reg_key *child = reg_key_new(in->r, name, c->name_len);
        child->parent = key;
        vec_push(&key->children, child);
        read_into(in, c, child);
    }
}

struct nt_registry *reg_unpack(const uint8_t *from, const uint8_t *end, uint64_t now)
{
    struct reader in = {reg_new(), from, end, now};
    const struct packed_key *root = take(&in, sizeof *root);
    take(&in, root->name_len * sizeof(uint16_t));
    read_into(&in, root, in.r->root);
    return in.r;
}
