// SPDX-License-Identifier: GPL-2.0-or-later
#include "nt/cm/key.h"
#include "base/utf.h"

#include <stdio.h>

static struct reg_key *object_key(struct nt_kernel *k, const struct nt_key *object)
{
    struct reg_key *key = k->registry ? reg_key_by_id(k->registry, object->key) : NULL;
    return key ? reg_whole(key) : NULL;
}

struct nt_key *reg_open_object(struct nt_kernel *k, struct reg_key *key)
{
    struct nt_key *object = nt_object_new(k, NT_TYPE_KEY);
    object->key = key->id;
    key->opens++;
    return object;
}

static void key_destroy(struct nt_kernel *k, struct nt_object *o)
{
    struct nt_key *object = (struct nt_key *)o;
    struct reg_key *key = object_key(k, object);
    /* With handles left the machine ends: who would be told may be gone. */
    if (!k->damaged && !o->handles)
        reg_notify_end(k, object, STATUS_NOTIFY_CLEANUP);
    vec_free(&object->posts);
    if (!key || k->damaged)
        return;
    if (key->opens)
        key->opens--;
    if (key->deleted && !key->opens)
        reg_key_free(k->registry, key);
}

static void key_closed(struct nt_kernel *k, struct nt_object *o, struct nt_process *p)
{
    if (!o->handles)
        reg_notify_end(k, (struct nt_key *)o, STATUS_NOTIFY_CLEANUP);
}

static void key_transfer(struct nt_kernel *k, struct ser *s, struct nt_object *o)
{
    struct nt_key *object = (struct nt_key *)o;
    size_t n = object->posts.len;
    SER(s, object->key);
    SER(s, object->armed);
    SER(s, object->subtree);
    SER(s, object->filter);
    ser_count(s, &n, 1 << 16);
    for (size_t i = 0; i < n && !s->failed; i++) {
        if (s->loading)
            vec_push(&object->posts, (struct reg_post){0});
        struct reg_post *post = &object->posts.data[i];
        nt_id_transfer(k, s, &post->event, NT_TYPE_EVENT);
        SER(s, post->process);
        SER(s, post->thread);
        SER(s, post->iosb);
        SER(s, post->apc);
        SER(s, post->apc_context);
        SER(s, post->waits);
    }
}

static void count_open(struct nt_kernel *k, struct nt_object *o, void *ctx)
{
    struct reg_key *key = object_key(k, (const struct nt_key *)o);
    if (key)
        key->opens++;
    else
        ser_fail(ctx, "snapshot: object %u is the handle of no registry key", o->id);
}

void nt_registry_settle(struct nt_kernel *k, struct ser *s)
{
    struct nt_registry *r = k->registry;
    for (size_t i = 1; i < r->keys.len; i++)
        if (r->keys.data[i])
            r->keys.data[i]->opens = 0;
    nt_object_each(k, NT_TYPE_KEY, count_open, s);
    for (size_t i = 1; i < r->keys.len; i++)
        if (r->keys.data[i] && r->keys.data[i]->deleted && !r->keys.data[i]->opens)
            ser_fail(s, "snapshot: registry key %zu is deleted, and nobody has it open", i);
}

static size_t key_describe(struct nt_kernel *k, struct nt_object *o, char *out, size_t size)
{
    struct reg_key *key = object_key(k, (struct nt_key *)o);
    if (!key || key->deleted)
        return (size_t)snprintf(out, size, "(deleted key)");
    size_t len;
    uint16_t *path = reg_key_path(key, &len);
    char *text = utf16_to_utf8(path, len, NULL);
    int n = snprintf(out, size, "%s", text);
    free(text);
    free(path);
    return n < 0 ? 0 : (size_t)n < size ? (size_t)n : size - 1;
}

const struct nt_type nt_type_key = {
    .name = "Key",
    .size = sizeof(struct nt_key),
    .generic = {0x20019, 0x20006, 0x20039, 0xf003f},
    .valid_access = 0x1f003f, /* the KEY_WOW64_… bits are no access rights */
    .destroy = key_destroy,
    .transfer = key_transfer,
    .closed = key_closed,
    .describe = key_describe,
};

ntstatus reg_handle(struct nt_call *c, uint64_t handle, uint32_t access, struct reg_key **key,
                    struct nt_key **object)
{
    struct nt_key *o;
    ntstatus s = nt_handle_get(c, handle, NT_TYPE_KEY, access, &o);
    if (s)
        return s;
    *key = object_key(c->k, o);
    if (object)
        *object = o;
    return *key && !(*key)->deleted ? STATUS_SUCCESS : STATUS_KEY_DELETED;
}

uint16_t *nt_key_name(struct nt_kernel *k, struct nt_object *o, size_t *len)
{
    struct reg_key *key = object_key(k, (struct nt_key *)o);
    return key && !key->deleted ? reg_key_path(key, len) : NULL;
}

void nt_key_get_sd(struct nt_kernel *k, struct nt_object *o, const uint8_t **sd, size_t *len)
{
    struct reg_key *key = object_key(k, (struct nt_key *)o);
    *sd = key ? key->sd : NULL;
    *len = key ? key->sd_len : 0;
}

bool nt_key_set_sd(struct nt_kernel *k, struct nt_object *o, const void *sd, size_t len)
{
    struct reg_key *key = object_key(k, (struct nt_key *)o);
    if (!key || key->deleted)
        return false;
    free(key->sd);
    key->sd = xmemdup(sd, len);
    key->sd_len = len;
    reg_touch(k, key, REG_NOTIFY_CHANGE_SECURITY);
    return true;
}

ntstatus nt_delete_key(struct nt_call *c)
{
    const struct NtDeleteKey_args *a = nt_args(c);
    struct reg_key *key;
    ntstatus s = reg_handle(c, a->KeyHandle, KEY_DELETE, &key, NULL);
    if (s)
        return s == STATUS_KEY_DELETED ? STATUS_SUCCESS : s;
    struct reg_key *parent = key->parent;
    if (key->children.len || !parent)
        return STATUS_CANNOT_DELETE;
    reg_notify_deleted(c->k, key);
    reg_key_unlink(c->k->registry, key);
    reg_touch(c->k, parent, REG_NOTIFY_CHANGE_NAME);
    return STATUS_SUCCESS;
}

static ntstatus rename_key(struct nt_call *c, struct reg_key *key, const uint16_t *name, size_t len)
{
    size_t at;
    if (!len || len > REG_KEY_NAME_MAX)
        return STATUS_INVALID_PARAMETER;
    for (size_t i = 0; i < len; i++)
        if (name[i] == '\\')
            return STATUS_INVALID_PARAMETER;
    if (!key->parent || reg_child(key->parent, name, len, &at))
        return STATUS_CANNOT_DELETE;
    reg_key_rename(key, name, len);
    reg_touch(c->k, key, 0);
    reg_touch(c->k, key->parent, REG_NOTIFY_CHANGE_NAME);
    return STATUS_SUCCESS;
}

ntstatus nt_rename_key(struct nt_call *c)
{
    const struct NtRenameKey_args *a = nt_args(c);
    uint16_t *name;
    size_t len;
    struct reg_key *key;
    ntstatus s = nt_read_string(c, a->NewName, &name, &len);
    if (s)
        return s;
    s = len ? STATUS_SUCCESS : STATUS_INVALID_PARAMETER;
    if (!s)
        s = reg_handle(c, a->KeyHandle, KEY_SET_VALUE | KEY_CREATE_SUB_KEY, &key, NULL);
    if (!s)
        s = rename_key(c, key, name, len);
    free(name);
    return s;
}

enum {
    KEY_WRITE_TIME_INFORMATION,
    KEY_WOW64_FLAGS_INFORMATION,
    KEY_CONTROL_FLAGS_INFORMATION,
    KEY_SET_VIRTUALIZATION_INFORMATION
};

ntstatus nt_set_information_key(struct nt_call *c)
{
    const struct NtSetInformationKey_args *a = nt_args(c);
    struct reg_key *key;
    uint64_t value = 0;
    uint32_t want = a->KeySetInformationClass == KEY_WRITE_TIME_INFORMATION ? 8 : 4;
    ntstatus s = reg_handle(c, a->KeyHandle, KEY_SET_VALUE, &key, NULL);
    if (s)
        return s;
    if (a->KeySetInformationClass > KEY_SET_VIRTUALIZATION_INFORMATION)
        return STATUS_INVALID_PARAMETER;
    if (a->KeySetInformationLength != want)
        return STATUS_INFO_LENGTH_MISMATCH;
    s = nt_read(c, a->KeySetInformation, &value, want);
    if (s)
        return s;
    if (a->KeySetInformationClass == KEY_WRITE_TIME_INFORMATION)
        key->written = value;
    else if (a->KeySetInformationClass == KEY_WOW64_FLAGS_INFORMATION)
        key->user_flags = (uint32_t)value;
    return STATUS_SUCCESS;
}
