// SPDX-License-Identifier: GPL-2.0-or-later
#include "base/utf.h"
#include "nt/cm/key.h"

static inline uint16_t upcase(uint16_t c)
{
    if (c < 0x80)
        return c >= 'a' && c <= 'z' ? (uint16_t)(c - 32) : c;
    return utf16_upcase(c);
}

static int compare(const uint16_t *a, size_t a_len, const uint16_t *b, size_t b_len)
{
    for (size_t i = 0; i < a_len && i < b_len; i++) {
        int d = a[i] == b[i] ? 0 : upcase(a[i]) - upcase(b[i]);
        if (d)
            return d;
    }
    return a_len < b_len ? -1 : a_len > b_len;
}

static uint32_t hash(const uint16_t *s, size_t len)
{
    uint32_t h = 2166136261u;
    for (size_t i = 0; i < len; i++)
        h = (h ^ upcase(s[i])) * 16777619u;
    return h;
}

static uint16_t *copy_name(const uint16_t *name, size_t len)
{
    return len ? xmemdup(name, len * sizeof *name) : NULL;
}

struct nt_registry *reg_new(void)
{
    static const uint16_t root[] = u"Registry";
    struct nt_registry *r = xcalloc(1, sizeof *r);
    vec_push(&r->keys, NULL);
    r->root = reg_key_new(r, root, 8);
    return r;
}

void reg_free(struct nt_registry *r)
{
    if (!r)
        return;
    for (size_t i = r->keys.len; i-- > 1;)
        if (r->keys.data[i])
            reg_key_free(r, r->keys.data[i]);
    vec_free(&r->keys);
    vec_free(&r->free);
    free(r);
}

struct reg_key *reg_key_new(struct nt_registry *r, const uint16_t *name, size_t len)
{
    struct reg_key *key = xcalloc(1, sizeof *key);
    key->name = copy_name(name, len);
    key->name_len = (uint32_t)len;
    if (r->free.len) {
        key->id = r->free.data[--r->free.len];
        r->keys.data[key->id] = key;
    } else {
        key->id = (uint32_t)r->keys.len;
        vec_push(&r->keys, key);
    }
    return key;
}

static void value_free(struct reg_value *v)
{
    if (!v->builtin_name)
        free(v->name);
    if (!v->builtin_data)
        free(v->data);
}

void reg_key_free(struct nt_registry *r, struct reg_key *key)
{
    r->keys.data[key->id] = NULL;
    vec_push(&r->free, key->id);
    vec_foreach (v, &key->values)
        value_free(v);
    vec_free(&key->values);
    vec_free(&key->children);
    vec_free(&key->watchers);
    free(key->name);
    free(key->class);
    free(key->sd);
    free(key);
}

struct reg_key *reg_child(const struct reg_key *key, const uint16_t *name, size_t len, size_t *at)
{
    size_t low = 0, high = reg_whole(key)->children.len;
    while (low < high) {
        size_t mid = (low + high) / 2;
        struct reg_key *child = key->children.data[mid];
        int d = compare(name, len, child->name, child->name_len);
        if (!d) {
            *at = mid;
            return child;
        }
        if (d < 0)
            high = mid;
        else
            low = mid + 1;
    }
    *at = low;
    return NULL;
}

struct reg_key *reg_child_add(struct nt_registry *r, struct reg_key *key, const uint16_t *name,
                              size_t len)
{
    size_t at;
    struct reg_key *child = reg_child(key, name, len, &at);
    if (child)
        return child;
    child = reg_key_new(r, name, len);
    child->parent = key;
    child->is_volatile = key->is_volatile;
    vec_insert(&key->children, at, child);
    return child;
}

void reg_key_unlink(struct nt_registry *r, struct reg_key *key)
{
    size_t at;
    if (key->parent && reg_child(key->parent, key->name, key->name_len, &at) == key)
        vec_remove(&key->parent->children, at);
    key->parent = NULL;
    key->deleted = true;
    if (!key->opens)
        reg_key_free(r, key);
}

void reg_key_unlink_tree(struct nt_registry *r, struct reg_key *key)
{
    while (key->children.len)
        reg_key_unlink_tree(r, key->children.data[key->children.len - 1]);
    reg_key_unlink(r, key);
}

void reg_key_rename(struct reg_key *key, const uint16_t *name, size_t len)
{
    struct reg_key *parent = key->parent;
    size_t at;
    if (reg_child(parent, key->name, key->name_len, &at) == key)
        vec_remove(&parent->children, at);
    free(key->name);
    key->name = copy_name(name, len);
    key->name_len = (uint32_t)len;
    reg_child(parent, name, len, &at);
    vec_insert(&parent->children, at, key);
}

struct reg_value *reg_value(const struct reg_key *key, const uint16_t *name, size_t len)
{
    uint32_t h = hash(name, len);
    reg_whole(key);
    for (size_t i = 0; i < key->values.len; i++) {
        struct reg_value *v = &key->values.data[i];
        if (v->hash == h && v->name_len == len && !compare(v->name, len, name, len))
            return v;
    }
    return NULL;
}

void reg_value_set(struct reg_key *key, const uint16_t *name, size_t name_len, uint32_t type,
                   const void *data, size_t len)
{
    struct reg_value *v = reg_value(key, name, name_len);
    uint8_t *copy = len ? xmemdup(data, len) : NULL;
    if (!v) {
        vec_push(&key->values, (struct reg_value){.name = copy_name(name, name_len),
                                                  .name_len = (uint32_t)name_len,
                                                  .hash = hash(name, name_len)});
        v = &key->values.data[key->values.len - 1];
    }
    if (!v->builtin_data)
        free(v->data);
    v->builtin_data = false;
    v->type = type;
    v->data = copy;
    v->len = (uint32_t)len;
}

void reg_value_remove(struct reg_key *key, struct reg_value *v)
{
    value_free(v);
    vec_remove(&key->values, (size_t)(v - key->values.data));
}

void reg_key_copy(struct nt_registry *r, struct reg_key *to, const struct reg_key *from)
{
    to->is_link = from->is_link;
    to->written = from->written;
    reg_whole(from);
    for (size_t i = 0; i < from->values.len; i++) {
        const struct reg_value *v = &from->values.data[i];
        reg_value_set(to, v->name, v->name_len, v->type, v->data, v->len);
    }
    for (size_t i = 0; i < from->children.len; i++) {
        const struct reg_key *child = from->children.data[i];
        reg_key_copy(r, reg_child_add(r, to, child->name, child->name_len), child);
    }
}

struct reg_key *reg_key_by_id(const struct nt_registry *r, uint32_t id)
{
    return id < r->keys.len ? r->keys.data[id] : NULL;
}

uint16_t *reg_key_path(const struct reg_key *key, size_t *len)
{
    size_t n = 0;
    for (const struct reg_key *k = key; k; k = k->parent)
        n += k->name_len + 1;
    uint16_t *path = xmalloc((n + 1) * sizeof *path);
    *len = n;
    path[n] = 0;
    for (const struct reg_key *k = key; k; k = k->parent) {
        n -= k->name_len;
        if (k->name_len)
            memcpy(path + n, k->name, k->name_len * sizeof *path);
        path[--n] = '\\';
    }
    return path;
}
