// SPDX-License-Identifier: GPL-2.0-or-later
#include "base/bits.h"
#include "nt/cm/info.h"

enum {
    KeyBasicInformation,
    KeyNodeInformation,
    KeyFullInformation,
    KeyNameInformation,
    KeyCachedInformation,
    KeyFlagsInformation,
    KeyVirtualizationInformation,
    KeyHandleTagsInformation,
    KeyTrustInformation
};

/* The longest names and data below a key, in bytes. */
struct extent {
    uint32_t name, class, value_name, value_data;
};

static struct extent measure(const struct reg_key *key)
{
    struct extent e = {0};
    for (size_t i = 0; i < key->children.len; i++) {
        e.name = MAX(e.name, key->children.data[i]->name_len * 2);
        e.class = MAX(e.class, key->children.data[i]->class_len * 2);
    }
    for (size_t i = 0; i < key->values.len; i++) {
        e.value_name = MAX(e.value_name, key->values.data[i].name_len * 2);
        e.value_data = MAX(e.value_data, key->values.data[i].len);
    }
    return e;
}

static void put_basic(struct reg_info *b, const struct reg_key *key)
{
    reg_info_u64(b, key->written);
    reg_info_u32(b, 0); /* TitleIndex */
    reg_info_u32(b, key->name_len * 2);
    b->fixed = b->bytes.len;
    reg_info_bytes(b, key->name, key->name_len * 2);
}

static void put_node(struct reg_info *b, const struct reg_key *key)
{
    enum { NAME_AT = 24 };
    uint32_t class_at = NAME_AT + key->name_len * 2;
    reg_info_u64(b, key->written);
    reg_info_u32(b, 0);
    reg_info_u32(b, key->class_len ? class_at : UINT32_MAX);
    reg_info_u32(b, key->class_len * 2);
    reg_info_u32(b, key->name_len * 2);
    b->fixed = b->bytes.len;
    reg_info_bytes(b, key->name, key->name_len * 2);
    reg_info_bytes(b, key->class, key->class_len * 2);
}

static void put_full(struct reg_info *b, const struct reg_key *key)
{
    enum { CLASS_AT = 44 };
    struct extent e = measure(key);
    reg_info_u64(b, key->written);
    reg_info_u32(b, 0);
    reg_info_u32(b, key->class_len ? CLASS_AT : UINT32_MAX);
    reg_info_u32(b, key->class_len * 2);
    reg_info_u32(b, (uint32_t)key->children.len);
    reg_info_u32(b, e.name);
    reg_info_u32(b, e.class);
    reg_info_u32(b, (uint32_t)key->values.len);
    reg_info_u32(b, e.value_name);
    reg_info_u32(b, e.value_data);
    b->fixed = b->bytes.len;
    reg_info_bytes(b, key->class, key->class_len * 2);
}

static void put_name(struct reg_info *b, const struct reg_key *key)
{
    size_t len;
    uint16_t *path = reg_key_path(key, &len);
    reg_info_u32(b, (uint32_t)len * 2);
    b->fixed = b->bytes.len;
    reg_info_bytes(b, path, len * 2);
    free(path);
}

static void put_cached(struct reg_info *b, const struct reg_key *key)
{
    struct extent e = measure(key);
    reg_info_u64(b, key->written);
    reg_info_u32(b, 0);
    reg_info_u32(b, (uint32_t)key->children.len);
    reg_info_u32(b, e.name);
    reg_info_u32(b, (uint32_t)key->values.len);
    reg_info_u32(b, e.value_name);
    reg_info_u32(b, e.value_data);
    reg_info_u32(b, key->name_len * 2);
    reg_info_u32(b, 0); /* padding: the structure is 8-aligned */
    b->fixed = b->bytes.len;
}

static bool put_key(struct reg_info *b, const struct reg_key *key, uint64_t class)
{
    switch (class) {
    case KeyBasicInformation:
        put_basic(b, key);
        return true;
    case KeyNodeInformation:
        put_node(b, key);
        return true;
    case KeyFullInformation:
        put_full(b, key);
        return true;
    case KeyNameInformation:
        put_name(b, key);
        return true;
    case KeyCachedInformation:
        put_cached(b, key);
        return true;
    case KeyFlagsInformation:
        reg_info_u32(b, key->user_flags);
        reg_info_u32(b, key->is_volatile ? 1 : 0);
        reg_info_u32(b, 0);
        break;
    case KeyVirtualizationInformation:
    case KeyHandleTagsInformation:
    case KeyTrustInformation:
        reg_info_u32(b, 0);
        break;
    default:
        return false;
    }
    b->fixed = b->bytes.len;
    return true;
}

ntstatus reg_info_return(struct nt_call *c, struct reg_info *b, uint64_t buffer, uint64_t length,
                         uint64_t result)
{
    size_t need = b->bytes.len;
    ntstatus s = result ? nt_put_u32(c, result, (uint32_t)need) : STATUS_SUCCESS;
    if (!s && length < b->fixed)
        s = STATUS_BUFFER_TOO_SMALL;
    if (!s)
        s = nt_write(c, buffer, b->bytes.data, MIN(length, need));
    if (!s && length < need)
        s = STATUS_BUFFER_OVERFLOW;
    vec_free(&b->bytes);
    return s;
}

static ntstatus query(struct nt_call *c, const struct reg_key *key, uint64_t class, uint64_t buffer,
                      uint64_t length, uint64_t result)
{
    struct reg_info b = {0};
    if (!put_key(&b, key, class))
        return STATUS_INVALID_PARAMETER;
    return reg_info_return(c, &b, buffer, length, result);
}

ntstatus nt_query_key(struct nt_call *c)
{
    const struct NtQueryKey_args *a = nt_args(c);
    uint64_t class = a->KeyInformationClass;
    struct reg_key *key;
    /* The name may be asked for with any handle. */
    uint32_t access =
        class == KeyNameInformation || class == KeyHandleTagsInformation ? 0 : KEY_QUERY_VALUE;
    ntstatus s = reg_handle(c, a->KeyHandle, access, &key, NULL);
    return s ? s : query(c, key, class, a->KeyInformation, a->Length, a->ResultLength);
}

ntstatus nt_enumerate_key(struct nt_call *c)
{
    const struct NtEnumerateKey_args *a = nt_args(c);
    struct reg_key *key;
    ntstatus s = reg_handle(c, a->KeyHandle, KEY_ENUMERATE_SUB_KEYS, &key, NULL);
    if (s)
        return s;
    if (a->Index >= key->children.len)
        return STATUS_NO_MORE_ENTRIES;
    return query(c, reg_whole(key->children.data[a->Index]), a->KeyInformationClass,
                 a->KeyInformation, a->Length, a->ResultLength);
}
