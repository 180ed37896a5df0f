// SPDX-License-Identifier: GPL-2.0-or-later
/* NtCreateKey, NtOpenKey and their relatives. The KEY_WOW64_… flags choose nothing here: as on
 * Windows, a 64-bit program's Wow6432Node is found by its own libraries. */
#include "base/bits.h"
#include "base/utf.h"
#include "nt/cm/key.h"
#include "nt/se/security.h"
#include "nt/structs.h"

enum {
    REG_OPTION_VOLATILE = 1,
    REG_OPTION_CREATE_LINK = 2,
    REG_OPTION_BACKUP_RESTORE = 4,
    REG_OPTION_OPEN_LINK = 8,
    REG_OPTIONS_VALID = 0x1f,
    REG_CREATED_NEW_KEY = 1,
    REG_OPENED_EXISTING_KEY = 2
};

/* Devices are opened through io/, and have no objects in the namespace that could be in the way. */
static bool is_device(const struct nt_attrs *at)
{
    static const char *const devices[] = {"Null",   "NamedPipe", "MailSlot", "ConDrv",
                                          "KsecDD", "Afd",       "CNG",      "HarddiskVolume1"};
    char *path = utf16_to_utf8(at->name, at->name_len, NULL);
    bool found = false;
    for (size_t i = 0; i < ARRAY_LEN(devices) && !strncasecmp(path, "\\Device\\", 8); i++)
        found |= !strcasecmp(path + 8, devices[i]);
    free(path);
    return found;
}

/* A path outside of \Registry: there are no keys, so that something else is in the way, or nothing.
 */
static ntstatus elsewhere(struct nt_call *c, const struct nt_attrs *at)
{
    struct nt_object *o;
    ntstatus s = nt_open_named(c, NT_TYPE_KEY, at, &o);
    if (!s)
        nt_object_unref(c->k, o);
    if (!s || (s == STATUS_OBJECT_NAME_NOT_FOUND && is_device(at)))
        return STATUS_OBJECT_TYPE_MISMATCH;
    return s;
}

ntstatus reg_locate(struct nt_call *c, const struct nt_attrs *at, bool open_link,
                    struct reg_place *out)
{
    static const uint16_t prefix[] = u"\\Registry";
    enum { PREFIX_LEN = 9 };
    struct nt_registry *r = c->k->registry;
    const uint16_t *path = at->name;
    size_t len = at->name_len;
    struct reg_key *from = r->root;
    if (at->root) {
        ntstatus s = reg_handle(c, at->root, 0, &from, NULL);
        if (s)
            return s;
        if (len && *path == '\\')
            return STATUS_OBJECT_PATH_INVALID;
    } else {
        if (!len || *path != '\\')
            return STATUS_OBJECT_PATH_SYNTAX_BAD;
        if (len < PREFIX_LEN || !utf16_equal_nocase(path, PREFIX_LEN, prefix, PREFIX_LEN) ||
            (len > PREFIX_LEN && path[PREFIX_LEN] != '\\'))
            return elsewhere(c, at);
        path += PREFIX_LEN;
        len -= PREFIX_LEN;
    }
    return reg_walk(r, from, path, len, open_link, out);
}

static bool has_name(struct nt_call *c, uint64_t attributes)
{
    struct OBJECT_ATTRIBUTES oa;
    return !nt_get(c, &layout_OBJECT_ATTRIBUTES, attributes, &oa) && oa.ObjectName;
}

/* The attributes, with the checks that both services make; *handle comes back zero on failure. */
static ntstatus begin(struct nt_call *c, uint64_t attributes, uint64_t handle_out,
                      struct nt_attrs *at)
{
    *at = (struct nt_attrs){0};
    if (!attributes || !handle_out)
        return STATUS_ACCESS_VIOLATION;
    ntstatus s = nt_put_ptr(c, handle_out, 0);
    if (!s)
        s = nt_attrs_read(c, attributes, at);
    /* The registry insists on a name, where other services only miss what it would name. */
    bool nameless = !at->name && (s == STATUS_SUCCESS || s == STATUS_OBJECT_NAME_INVALID);
    return nameless && !has_name(c, attributes) ? STATUS_ACCESS_VIOLATION : s;
}

static ntstatus set_security(struct nt_call *c, uint64_t attributes, struct reg_key *key)
{
    struct OBJECT_ATTRIBUTES oa;
    ntstatus s = nt_get(c, &layout_OBJECT_ATTRIBUTES, attributes, &oa);
    if (s || !oa.SecurityDescriptor)
        return s;
    return nt_sd_capture(c, oa.SecurityDescriptor, &key->sd, &key->sd_len);
}

static ntstatus set_class(struct nt_call *c, uint64_t class, struct reg_key *key)
{
    size_t len = 0;
    ntstatus s = class ? nt_read_string(c, class, &key->class, &len) : STATUS_SUCCESS;
    key->class_len = (uint32_t)len;
    return s;
}

struct create {
    uint64_t handle, access, attributes, class, options, disposition;
};

static ntstatus create_child(struct nt_call *c, const struct create *a,
                             const struct reg_place *place, struct reg_key **out)
{
    struct reg_key *parent = place->key;
    if (!place->last)
        return STATUS_OBJECT_NAME_NOT_FOUND;
    if (parent->is_volatile && !(a->options & REG_OPTION_VOLATILE))
        return STATUS_CHILD_MUST_BE_VOLATILE;
    struct reg_key *key = reg_child_add(c->k->registry, parent, place->missing, place->missing_len);
    key->is_volatile = a->options & REG_OPTION_VOLATILE;
    key->is_link = a->options & REG_OPTION_CREATE_LINK;
    ntstatus s = set_class(c, a->class, key);
    if (!s)
        s = set_security(c, a->attributes, key);
    if (s) {
        reg_key_unlink(c->k->registry, key);
        return s;
    }
    reg_touch(c->k, key, 0);
    reg_touch(c->k, parent, REG_NOTIFY_CHANGE_NAME);
    *out = key;
    return STATUS_SUCCESS;
}

static ntstatus create(struct nt_call *c, const struct create *a)
{
    struct nt_attrs at;
    struct reg_place place;
    struct reg_key *key;
    if (a->options & ~(uint64_t)REG_OPTIONS_VALID)
        return STATUS_INVALID_PARAMETER;
    bool make_link = a->options & REG_OPTION_CREATE_LINK;
    ntstatus s = begin(c, a->attributes, a->handle, &at);
    if (!s)
        s = reg_locate(c, &at, make_link || at.attributes & OBJ_OPENLINK, &place);
    bool existed = !s && !place.missing_len;
    if (existed) {
        key = place.key;
        s = make_link ? STATUS_OBJECT_NAME_COLLISION : STATUS_SUCCESS;
    } else if (!s) {
        s = create_child(c, a, &place, &key);
    }
    if (!s)
        s = nt_return_handle(c, &reg_open_object(c->k, key)->o, (uint32_t)a->access, &at,
                             a->handle);
    if (!s && a->disposition)
        s = nt_put_u32(c, a->disposition, existed ? REG_OPENED_EXISTING_KEY : REG_CREATED_NEW_KEY);
    nt_attrs_free(&at);
    return s;
}

ntstatus nt_create_key(struct nt_call *c)
{
    const struct NtCreateKey_args *a = nt_args(c);
    return create(c, &(struct create){a->KeyHandle, a->DesiredAccess, a->ObjectAttributes, a->Class,
                                      a->CreateOptions, a->Disposition});
}

static ntstatus open_key(struct nt_call *c, uint64_t handle, uint64_t access, uint64_t attributes,
                         uint64_t options)
{
    struct nt_attrs at;
    struct reg_place place;
    if (options & ~(uint64_t)REG_OPTIONS_VALID)
        return STATUS_INVALID_PARAMETER;
    ntstatus s = begin(c, attributes, handle, &at);
    if (!s)
        s = reg_locate(c, &at, at.attributes & OBJ_OPENLINK, &place);
    if (!s && place.missing_len)
        s = STATUS_OBJECT_NAME_NOT_FOUND;
    if (!s)
        s = nt_return_handle(c, &reg_open_object(c->k, place.key)->o, (uint32_t)access, &at,
                             handle);
    nt_attrs_free(&at);
    return s;
}

ntstatus nt_open_key(struct nt_call *c)
{
    const struct NtOpenKey_args *a = nt_args(c);
    return open_key(c, a->KeyHandle, a->DesiredAccess, a->ObjectAttributes, 0);
}

ntstatus nt_open_key_ex(struct nt_call *c)
{
    const struct NtOpenKeyEx_args *a = nt_args(c);
    return open_key(c, a->KeyHandle, a->DesiredAccess, a->ObjectAttributes, a->OpenOptions);
}

/* Nobody has a transaction to name: NtCreateTransaction fails. */
ntstatus nt_create_key_transacted(struct nt_call *c)
{
    return STATUS_INVALID_HANDLE;
}

ntstatus nt_open_key_transacted(struct nt_call *c)
{
    return STATUS_INVALID_HANDLE;
}

ntstatus nt_open_key_transacted_ex(struct nt_call *c)
{
    return STATUS_INVALID_HANDLE;
}
