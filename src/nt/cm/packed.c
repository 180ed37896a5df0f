// SPDX-License-Identifier: GPL-2.0-or-later
#include "nt/cm/packed.h"
#include "base/err.h"

struct reader {
    struct nt_registry *r;
    const uint8_t *at, *end;
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

static void read_child(struct reader *in, struct reg_key *key)
{
    const struct packed_key *p = take(in, sizeof *p);
    const void *name = take(in, p->name_len * sizeof(uint16_t));
    struct reg_key *child = reg_key_new(in->r, name, p->name_len);
    child->parent = key;
    child->is_link = p->is_link;
    child->is_volatile = key->is_volatile;
    child->written = in->r->packed_time;
    child->packed = p;
    child->registry = in->r;
    vec_push(&key->children, child);
    take(in, p->size);
}

void reg_unpack_key(struct reg_key *key)
{
    const struct packed_key *p = key->packed;
    struct reader in = {key->registry, (const uint8_t *)p, key->registry->packed_end};
    take(&in, sizeof *p);
    take(&in, p->name_len * sizeof(uint16_t));
    key->packed = NULL;
    key->registry = NULL;
    vec_reserve(&key->values, p->values);
    vec_reserve(&key->children, p->children);
    for (uint32_t i = 0; i < p->values; i++)
        read_value(&in, key);
    for (uint32_t i = 0; i < p->children; i++)
        read_child(&in, key);
}

struct nt_registry *reg_unpack(const uint8_t *from, const uint8_t *end, uint64_t now)
{
    struct nt_registry *r = reg_new();
    r->packed_end = end;
    r->packed_time = now;
    r->root->packed = (const struct packed_key *)from;
    r->root->registry = r;
    r->root->written = now;
    return r;
}
