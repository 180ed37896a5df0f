// SPDX-License-Identifier: GPL-2.0-or-later
/* registry-pack TEXT OUTPUT: run by the build, see packed.h. */
#include "base/err.h"
#include "base/hostio.h"
#include "nt/cm/packed.h"

#include <stdio.h>

static bool put(FILE *f, const void *data, size_t size)
{
    static const uint8_t zero[PACKED_ALIGN];
    size_t pad = align_up(size, PACKED_ALIGN) - size;
    return (!size || fwrite(data, size, 1, f) == 1) && (!pad || fwrite(zero, pad, 1, f) == 1);
}

static bool put_value(FILE *f, const struct reg_value *v)
{
    struct packed_value p = {v->name_len, v->hash, v->type, v->len};
    return put(f, &p, sizeof p) && put(f, v->name, v->name_len * sizeof *v->name) &&
           put(f, v->data, v->len);
}

static size_t padded(size_t size)
{
    return align_up(size, PACKED_ALIGN);
}

static size_t size_inside(const struct reg_key *key)
{
    size_t size = 0;
    vec_foreach (v, &key->values)
        size +=
            sizeof(struct packed_value) + padded(v->name_len * sizeof *v->name) + padded(v->len);
    vec_foreach (child, &key->children)
        size += sizeof(struct packed_key) + padded((*child)->name_len * sizeof *(*child)->name) +
                size_inside(*child);
    return size;
}

static bool put_key(FILE *f, const struct reg_key *key)
{
    struct packed_key p = {(uint16_t)key->name_len, key->is_link, (uint32_t)key->values.len,
                           (uint32_t)key->children.len, (uint32_t)size_inside(key)};
    bool ok = put(f, &p, sizeof p) && put(f, key->name, key->name_len * sizeof *key->name);
    for (size_t i = 0; ok && i < key->values.len; i++)
        ok = put_value(f, &key->values.data[i]);
    for (size_t i = 0; ok && i < key->children.len; i++)
        ok = put_key(f, key->children.data[i]);
    return ok;
}

static bool write_to(const char *path, const struct reg_key *root)
{
    FILE *f = fopen(path, "wb");
    bool ok = f && put_key(f, root);
    return f && !fclose(f) && ok;
}

int main(int argc, char **argv)
{
    struct pgr_error e;
    struct host_map text;
    struct nt_registry *r = reg_new();
    if (argc != 3)
        return 2;
    if (host_map_open(&text, argv[1], &e) ||
        reg_import(r, 0, "data/registry.reg", text.data, text.size, &e)) {
        fprintf(stderr, "%s\n", e.text);
        return 1;
    }
    host_map_close(&text);
    bool ok = write_to(argv[2], r->root);
    if (!ok)
        fprintf(stderr, "cannot write %s\n", argv[2]);
    reg_free(r);
    return !ok;
}
