// SPDX-License-Identifier: GPL-2.0-or-later
/* Registry texts: whatever comes out is a well-formed tree, or one sentence. */
#include "nt/cm/key.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(const struct reg_key *key)
{
    for (size_t i = 0; i < key->children.len; i++) {
        const struct reg_key *child = key->children.data[i];
        size_t at;
        BUG_ON(child->parent != key || child->deleted);
        BUG_ON(reg_child(key, child->name, child->name_len, &at) != child || at != i);
        check(child);
    }
    for (size_t i = 0; i < key->values.len; i++) {
        const struct reg_value *v = &key->values.data[i];
        BUG_ON(reg_value(key, v->name, v->name_len) != v);
        BUG_ON(v->len && !v->data);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct nt_registry *r = reg_new();
    struct pgr_error e = {0};
    pgr_status s = reg_import(r, 1, "input", data, size, &e);
    BUG_ON((s != PGR_OK) != (e.text[0] != 0));
    check(r->root);
    reg_free(r);
    return 0;
}
