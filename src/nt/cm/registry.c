// SPDX-License-Identifier: GPL-2.0-or-later
#include "nt/cm/registry.h"
#include "base/utf.h"
#include "nt/cm/key.h"
#include "nt/cm/packed.h"

/* data/registry.reg, packed, put into the binary by embed.sh */
extern const uint8_t pgr_registry_defaults[], pgr_registry_defaults_end[];

/* What a real machine builds anew at each start. */
static void mark_volatile(struct reg_key *key)
{
    key->is_volatile = true; /* what is still packed becomes so as well */
    for (size_t i = 0; i < key->children.len; i++)
        mark_volatile(key->children.data[i]);
}

static struct reg_key *host_key(struct nt_kernel *k, const char *path, bool make)
{
    size_t len;
    uint16_t *wide = reg_host_path(path, &len);
    if (!wide)
        return NULL;
    struct reg_key *key = NULL;
    struct reg_place place;
    if (make)
        key = reg_make(k->registry, k->registry->root, wide, len);
    else if (!reg_walk(k->registry, k->registry->root, wide, len, false, &place))
        key = place.missing_len ? NULL : place.key;
    free(wide);
    return key;
}

pgr_status nt_registry_create(struct nt_kernel *k, struct pgr_error *e)
{
    static const char *const volatile_keys[] = {"HKLM\\Hardware", "HKCU\\Volatile Environment"};
    (void)e;
    k->registry = reg_unpack(pgr_registry_defaults, pgr_registry_defaults_end, nt_system_time(k));
    for (size_t i = 0; i < sizeof volatile_keys / sizeof *volatile_keys; i++) {
        struct reg_key *key = host_key(k, volatile_keys[i], false);
        if (key)
            mark_volatile(key);
    }
    return PGR_OK;
}

void nt_registry_destroy(struct nt_kernel *k)
{
    reg_free(k->registry);
    k->registry = NULL;
}

pgr_status nt_registry_import(struct nt_kernel *k, const char *name, const void *text, size_t len,
                              struct pgr_error *e)
{
    return reg_import(k->registry, nt_system_time(k), name, text, len, e);
}

char *nt_registry_export(struct nt_kernel *k, const char *path, size_t *len)
{
    struct reg_text text = {0};
    struct reg_key *key = host_key(k, path, false);
    if (!key)
        return NULL;
    reg_write(&text, key, path);
    vec_push(&text, 0);
    *len = text.len - 1;
    return text.data;
}

bool nt_registry_set(struct nt_kernel *k, const char *path, const char *name, uint32_t type,
                     const void *data, size_t len)
{
    struct reg_key *key = host_key(k, path, true);
    size_t n;
    uint16_t *wide = utf8_to_utf16(name ? name : "", name ? strlen(name) : 0, &n);
    bool ok = key && n <= REG_VALUE_NAME_MAX && len <= REG_VALUE_SIZE_MAX;
    if (ok) {
        reg_value_set(key, wide, n, type, data, len);
        reg_touch(k, key, REG_NOTIFY_CHANGE_LAST_SET);
    }
    free(wide);
    return ok;
}

bool nt_registry_set_text(struct nt_kernel *k, const char *path, const char *name, const char *text)
{
    size_t n;
    uint16_t *wide = utf8_to_utf16(text, strlen(text), &n);
    bool ok = nt_registry_set(k, path, name, REG_SZ, wide, (n + 1) * 2);
    free(wide);
    return ok;
}

bool nt_registry_set_dword(struct nt_kernel *k, const char *path, const char *name, uint32_t value)
{
    return nt_registry_set(k, path, name, REG_DWORD, &value, sizeof value);
}

const void *nt_registry_get(struct nt_kernel *k, const char *path, const char *name, uint32_t *type,
                            size_t *len)
{
    struct reg_key *key = host_key(k, path, false);
    size_t n;
    uint16_t *wide = utf8_to_utf16(name ? name : "", name ? strlen(name) : 0, &n);
    struct reg_value *v = key ? reg_value(key, wide, n) : NULL;
    free(wide);
    if (!v)
        return NULL;
    if (type)
        *type = v->type;
    if (len)
        *len = v->len;
    return v->data ? (const void *)v->data : "";
}

char *nt_registry_get_text(struct nt_kernel *k, const char *path, const char *name)
{
    uint32_t type;
    size_t len;
    const uint16_t *text = nt_registry_get(k, path, name, &type, &len);
    if (!text || (type != REG_SZ && type != REG_EXPAND_SZ))
        return NULL;
    size_t n = len / 2;
    while (n && !text[n - 1])
        n--;
    return utf16_to_utf8(text, n, NULL);
}

/* ---- Snapshots
 * ----------------------------------------------------------------------------------- */

enum { KEYS_MAX = 1 << 22, VALUES_MAX = 1 << 20, CHILD_ID_MAX = KEYS_MAX };

static void transfer_name(struct ser *s, uint16_t **name, uint32_t *len, size_t max)
{
    size_t n = *len;
    ser_utf16(s, name, &n, max);
    *len = (uint32_t)n;
}

static void transfer_values(struct ser *s, struct reg_key *key)
{
    size_t n = key->values.len;
    ser_count(s, &n, VALUES_MAX);
    for (size_t i = 0; i < n && !s->failed; i++) {
        if (s->loading)
            vec_push(&key->values, (struct reg_value){0});
        struct reg_value *v = &key->values.data[i];
        size_t len = v->len;
        transfer_name(s, &v->name, &v->name_len, REG_VALUE_NAME_MAX);
        SER(s, v->hash);
        SER(s, v->type);
        ser_bytes(s, &v->data, &len, REG_VALUE_SIZE_MAX);
        v->len = (uint32_t)len;
    }
}

static void transfer_key(struct ser *s, struct nt_registry *r, struct reg_key *key,
                         uint32_t *parent)
{
    size_t watchers = key->watchers.len;
    transfer_name(s, &key->name, &key->name_len, REG_KEY_NAME_MAX);
    transfer_name(s, &key->class, &key->class_len, 0x8000);
    SER(s, key->is_volatile);
    SER(s, key->is_link);
    SER(s, key->is_hive);
    SER(s, key->deleted);
    SER(s, key->written);
    SER(s, key->user_flags);
    *parent = key->parent ? key->parent->id : 0;
    SER(s, *parent);
    ser_bytes(s, &key->sd, &key->sd_len, 0x20000);
    ser_count(s, &watchers, KEYS_MAX);
    for (size_t i = 0; i < watchers && !s->failed; i++) {
        if (s->loading)
            vec_push(&key->watchers, 0);
        SER(s, key->watchers.data[i]);
    }
    transfer_values(s, key);
}

/* Children follow from the parents; a parent that does not exist, or a cycle, is hostile. */
static void link_loaded(struct ser *s, struct nt_registry *r, const uint32_t *parents)
{
    for (uint32_t i = 1; i < r->keys.len && !s->failed; i++) {
        struct reg_key *key = r->keys.data[i];
        size_t at;
        if (!key || key->deleted || key == r->root)
            continue;
        struct reg_key *parent = reg_key_by_id(r, parents[i]);
        if (!parent || parent == key || reg_child(parent, key->name, key->name_len, &at)) {
            ser_fail(s, "snapshot: registry key %u has no place in the tree", i);
            return;
        }
        key->parent = parent;
        vec_insert(&parent->children, at, key);
    }
    for (uint32_t i = 1; i < r->keys.len && !s->failed; i++) {
        size_t depth = 0;
        for (struct reg_key *key = r->keys.data[i]; key; key = key->parent)
            if (++depth > r->keys.len) {
                ser_fail(s, "snapshot: registry key %u is its own ancestor", i);
                break;
            }
    }
}

static void load_keys(struct ser *s, struct nt_registry *r, size_t n)
{
    uint32_t *parents = xcalloc(n + 1, sizeof *parents);
    for (size_t i = 1; i < n && !s->failed; i++) {
        bool present = false;
        SER(s, present);
        struct reg_key *key = present ? xcalloc(1, sizeof *key) : NULL;
        vec_push(&r->keys, key);
        if (!key)
            continue;
        key->id = (uint32_t)i;
        transfer_key(s, r, key, &parents[i]);
    }
    r->root = r->keys.len > 1 ? r->keys.data[1] : NULL;
    if (!s->failed && (!r->root || r->root->deleted))
        ser_fail(s, "snapshot: the registry has no root");
    if (!s->failed)
        link_loaded(s, r, parents);
    free(parents);
}

static void transfer_free_slots(struct ser *s, struct nt_registry *r)
{
    size_t n = r->free.len;
    bool *seen = xcalloc(r->keys.len + 1, sizeof *seen);
    ser_count(s, &n, KEYS_MAX);
    for (size_t i = 0; i < n && !s->failed; i++) {
        if (s->loading)
            vec_push(&r->free, 0);
        SER(s, r->free.data[i]);
        uint32_t id = r->free.data[i];
        if (!id || id >= r->keys.len || r->keys.data[id] || seen[id])
            ser_fail(s, "snapshot: registry slot %u is not free", id);
        else
            seen[id] = true;
    }
    free(seen);
}

static void unpack_all(struct nt_registry *r)
{
    for (size_t i = 1; i < r->keys.len; i++) /* which makes more */
        if (r->keys.data[i])
            reg_whole(r->keys.data[i]);
}

void nt_registry_transfer(struct nt_kernel *k, struct ser *s)
{
    ser_tag(s, "REGI");
    if (!s->loading)
        unpack_all(k->registry);
    size_t n = s->loading ? 0 : k->registry->keys.len;
    ser_count(s, &n, KEYS_MAX);
    struct nt_registry *r = k->registry;
    if (s->loading) {
        r = xcalloc(1, sizeof *r);
        vec_push(&r->keys, NULL);
        load_keys(s, r, n);
    } else {
        for (size_t i = 1; i < n; i++) {
            bool present = r->keys.data[i] != NULL;
            uint32_t parent;
            SER(s, present);
            if (present)
                transfer_key(s, r, r->keys.data[i], &parent);
        }
    }
    transfer_free_slots(s, r);
    if (!s->loading)
        return;
    if (s->failed) {
        reg_free(r); /* the old contents stay */
        return;
    }
    reg_free(k->registry);
    k->registry = r;
}
