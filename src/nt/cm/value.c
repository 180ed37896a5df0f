// SPDX-License-Identifier: GPL-2.0-or-later
#include "base/utf.h"
#include "nt/cm/info.h"

enum {
    KeyValueBasicInformation,
    KeyValueFullInformation,
    KeyValuePartialInformation,
    KeyValueFullInformationAlign64,
    KeyValuePartialInformationAlign64
};

static void put_full(struct reg_info *b, const struct reg_value *v, uint32_t align)
{
    enum { NAME_AT = 20 };
    uint32_t name = v->name_len * 2;
    uint32_t data_at = (NAME_AT + name + align - 1) & ~(align - 1);
    reg_info_u32(b, 0);
    reg_info_u32(b, v->type);
    reg_info_u32(b, data_at); /* of empty data as well: Wine measures the name by it */
    reg_info_u32(b, v->len);
    reg_info_u32(b, name);
    b->fixed = b->bytes.len;
    reg_info_bytes(b, v->name, name);
    while (v->len && b->bytes.len < data_at)
        vec_push(&b->bytes, 0);
    reg_info_bytes(b, v->data, v->len);
}

static bool put_value(struct reg_info *b, const struct reg_value *v, uint64_t class)
{
    switch (class) {
    case KeyValueBasicInformation:
        reg_info_u32(b, 0);
        reg_info_u32(b, v->type);
        reg_info_u32(b, v->name_len * 2);
        b->fixed = b->bytes.len;
        reg_info_bytes(b, v->name, v->name_len * 2);
        return true;
    case KeyValueFullInformation:
        put_full(b, v, 1);
        return true;
    case KeyValueFullInformationAlign64:
        put_full(b, v, 8);
        return true;
    case KeyValuePartialInformation:
        reg_info_u32(b, 0);
        /* fall through */
    case KeyValuePartialInformationAlign64:
        reg_info_u32(b, v->type);
        reg_info_u32(b, v->len);
        b->fixed = b->bytes.len;
        reg_info_bytes(b, v->data, v->len);
        return true;
    default:
        return false;
    }
}

static ntstatus query(struct nt_call *c, const struct reg_value *v, uint64_t class, uint64_t buffer,
                      uint64_t length, uint64_t result)
{
    struct reg_info b = {0};
    if (!put_value(&b, v, class))
        return STATUS_INVALID_PARAMETER;
    return reg_info_return(c, &b, buffer, length, result);
}

ntstatus nt_query_value_key(struct nt_call *c)
{
    const struct NtQueryValueKey_args *a = nt_args(c);
    struct reg_key *key;
    uint16_t *name;
    size_t len;
    ntstatus s = nt_read_string(c, a->ValueName, &name, &len);
    if (s)
        return s;
    s = reg_handle(c, a->KeyHandle, KEY_QUERY_VALUE, &key, NULL);
    struct reg_value *v = s ? NULL : reg_value(key, name, len);
    if (v)
        s = query(c, v, a->KeyValueInformationClass, a->KeyValueInformation, a->Length,
                  a->ResultLength);
    else if (!s)
        s = STATUS_OBJECT_NAME_NOT_FOUND;
    free(name);
    return s;
}

ntstatus nt_enumerate_value_key(struct nt_call *c)
{
    const struct NtEnumerateValueKey_args *a = nt_args(c);
    struct reg_key *key;
    ntstatus s = reg_handle(c, a->KeyHandle, KEY_QUERY_VALUE, &key, NULL);
    if (s)
        return s;
    if (a->Index >= key->values.len)
        return STATUS_NO_MORE_ENTRIES;
    return query(c, &key->values.data[a->Index], a->KeyValueInformationClass,
                 a->KeyValueInformation, a->Length, a->ResultLength);
}

static bool is_link_value(const uint16_t *name, size_t len)
{
    static const uint16_t link[] = u"SymbolicLinkValue";
    return utf16_equal_nocase(name, len, link, 17);
}

static ntstatus set_value(struct nt_call *c, struct reg_key *key, const uint16_t *name, size_t len,
                          const struct NtSetValueKey_args *a)
{
    if (key->is_link && (a->Type != REG_LINK || !is_link_value(name, len)))
        return STATUS_ACCESS_DENIED;
    uint8_t *data = xmalloc(a->DataSize);
    ntstatus s = nt_read(c, a->Data, data, a->DataSize);
    if (!s) {
        reg_value_set(key, name, len, (uint32_t)a->Type, data, a->DataSize);
        reg_touch(c->k, key, REG_NOTIFY_CHANGE_LAST_SET);
    }
    free(data);
    return s;
}

ntstatus nt_set_value_key(struct nt_call *c)
{
    const struct NtSetValueKey_args *a = nt_args(c);
    struct reg_key *key;
    uint16_t *name;
    size_t len;
    ntstatus s = nt_read_string(c, a->ValueName, &name, &len);
    if (s)
        return s;
    if (len > REG_VALUE_NAME_MAX)
        s = STATUS_INVALID_PARAMETER;
    else if (a->DataSize > REG_VALUE_SIZE_MAX)
        s = STATUS_INSUFFICIENT_RESOURCES;
    if (!s)
        s = reg_handle(c, a->KeyHandle, KEY_SET_VALUE, &key, NULL);
    if (!s)
        s = set_value(c, key, name, len, a);
    free(name);
    return s;
}

ntstatus nt_delete_value_key(struct nt_call *c)
{
    const struct NtDeleteValueKey_args *a = nt_args(c);
    struct reg_key *key;
    uint16_t *name;
    size_t len;
    ntstatus s = nt_read_string(c, a->ValueName, &name, &len);
    if (s)
        return s;
    s = reg_handle(c, a->KeyHandle, KEY_SET_VALUE, &key, NULL);
    struct reg_value *v = s ? NULL : reg_value(key, name, len);
    free(name);
    if (s)
        return s;
    if (!v)
        return STATUS_OBJECT_NAME_NOT_FOUND;
    reg_value_remove(key, v);
    reg_touch(c->k, key, REG_NOTIFY_CHANGE_LAST_SET);
    return STATUS_SUCCESS;
}

/* ---- Several values at once
 * ------------------------------------------------------------------------ */

#define FIELDS_KEY_VALUE_ENTRY(F, S)                                                               \
    F(S, PTR, ValueName, 1) F(S, U32, DataLength, 1) F(S, U32, DataOffset, 1) F(S, U32, Type, 1)
LAYOUT_STRUCT(KEY_VALUE_ENTRY);
LAYOUT_DEFINE(KEY_VALUE_ENTRY);

struct multiple {
    uint64_t buffer;
    uint32_t room, used;
};

static ntstatus one_of_many(struct nt_call *c, const struct reg_key *key, uint64_t at,
                            struct multiple *m)
{
    struct KEY_VALUE_ENTRY e;
    uint16_t *name;
    size_t len;
    ntstatus s = nt_get(c, &layout_KEY_VALUE_ENTRY, at, &e);
    if (!s)
        s = nt_read_string(c, e.ValueName, &name, &len);
    if (s)
        return s;
    struct reg_value *v = reg_value(key, name, len);
    free(name);
    if (!v)
        return STATUS_OBJECT_NAME_NOT_FOUND;
    m->used = (m->used + 3) & ~3u;
    if (m->used <= m->room && v->len <= m->room - m->used)
        s = nt_write(c, m->buffer + m->used, v->data, v->len);
    e.DataLength = v->len;
    e.DataOffset = m->used;
    e.Type = v->type;
    m->used += v->len;
    return s ? s : nt_put(c, &layout_KEY_VALUE_ENTRY, at, &e);
}

ntstatus nt_query_multiple_value_key(struct nt_call *c)
{
    const struct NtQueryMultipleValueKey_args *a = nt_args(c);
    struct reg_key *key;
    struct multiple m = {.buffer = a->ValueBuffer};
    ntstatus s = reg_handle(c, a->KeyHandle, KEY_QUERY_VALUE, &key, NULL);
    if (!s && a->EntryCount > 0x10000)
        s = STATUS_INSUFFICIENT_RESOURCES;
    if (!s)
        s = nt_get_u32(c, a->BufferLength, &m.room);
    size_t step = layout_size(&layout_KEY_VALUE_ENTRY, nt_ptr_size(c));
    for (uint64_t i = 0; i < a->EntryCount && !s; i++)
        s = one_of_many(c, key, a->ValueEntries + i * step, &m);
    if (!s && a->RequiredBufferLength)
        s = nt_put_u32(c, a->RequiredBufferLength, m.used);
    if (!s)
        s = nt_put_u32(c, a->BufferLength, m.used < m.room ? m.used : m.room);
    return s ? s : m.used > m.room ? STATUS_BUFFER_OVERFLOW : STATUS_SUCCESS;
}
