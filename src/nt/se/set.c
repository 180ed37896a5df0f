// SPDX-License-Identifier: GPL-2.0-or-later
#include "base/vec.h"
#include "nt/se/internal.h"
#include "nt/se/security.h"

enum { SE_GROUP_OWNER = 8 };

static const struct nt_group *group(const struct nt_token *t, const struct nt_sid *sid)
{
    for (size_t i = 0; i < t->group_len; i++)
        if (nt_sid_equal(&t->groups[i].sid, sid))
            return &t->groups[i];
    return NULL;
}

/* The structures begin with one pointer. */
static ntstatus pointed_sid(struct nt_call *c, uint64_t va, struct nt_sid *sid)
{
    uint64_t at;
    ntstatus s = nt_get_ptr(c, va, &at);
    return s ? s : nt_sid_read(c, at, sid);
}

static ntstatus set_owner(struct nt_call *c, struct nt_token *t, uint64_t va)
{
    struct nt_sid sid;
    ntstatus s = pointed_sid(c, va, &sid);
    if (s)
        return s;
    const struct nt_group *g = group(t, &sid);
    if (!nt_sid_equal(&sid, &t->user) && !(g && g->attributes & SE_GROUP_OWNER))
        return STATUS_INVALID_OWNER;
    t->owner = sid;
    return STATUS_SUCCESS;
}

static ntstatus set_primary_group(struct nt_call *c, struct nt_token *t, uint64_t va)
{
    struct nt_sid sid;
    ntstatus s = pointed_sid(c, va, &sid);
    if (s)
        return s;
    if (!group(t, &sid))
        return STATUS_INVALID_PRIMARY_GROUP;
    t->primary_group = sid;
    return STATUS_SUCCESS;
}

static ntstatus set_dacl(struct nt_call *c, struct nt_token *t, uint64_t va)
{
    uint64_t at;
    uint8_t *acl = NULL;
    size_t len = 0;
    ntstatus s = nt_get_ptr(c, va, &at);
    if (!s && at)
        s = nt_acl_read(c, at, &acl, &len);
    if (s)
        return s;
    free(t->dacl);
    t->dacl = acl;
    t->dacl_len = len;
    return STATUS_SUCCESS;
}

static ntstatus set_integrity(struct nt_call *c, struct nt_token *t, uint64_t va)
{
    static const uint8_t label_authority[6] = {0, 0, 0, 0, 0, 16};
    struct nt_sid sid;
    uint32_t level;
    ntstatus s = pointed_sid(c, va, &sid);
    if (s)
        return s;
    if (sid.bytes[1] != 1 || memcmp(sid.bytes + 2, label_authority, 6))
        return STATUS_INVALID_SID;
    memcpy(&level, sid.bytes + 8, 4);
    if (level > t->integrity)
        return STATUS_PRIVILEGE_NOT_HELD;
    t->integrity = level;
    return STATUS_SUCCESS;
}

static ntstatus set_number(struct nt_call *c, struct nt_token *t, uint64_t class, uint64_t va)
{
    uint32_t v;
    ntstatus s = nt_get_u32(c, va, &v);
    if (s)
        return s;
    switch (class) {
    case TokenSessionId:
        if (!nt_token_has_privilege(nt_token_effective(c), SE_TCB_PRIVILEGE))
            return STATUS_PRIVILEGE_NOT_HELD;
        t->session = v;
        break;
    case TokenVirtualizationAllowed:
        t->virtualization = (t->virtualization & ~1u) | (v & 1);
        break;
    case TokenVirtualizationEnabled:
        t->virtualization = (t->virtualization & ~2u) | (v & 1) << 1;
        break;
    case TokenMandatoryPolicy:
        t->mandatory_policy = v;
        break;
    default:
        break;
    }
    return STATUS_SUCCESS;
}

static uint32_t needed_access(uint64_t class)
{
    return class == TokenSessionId ? TOKEN_ADJUST_SESSIONID | TOKEN_ADJUST_DEFAULT
                                   : TOKEN_ADJUST_DEFAULT;
}

static bool is_pointer_class(uint64_t class)
{
    return class == TokenOwner || class == TokenPrimaryGroup || class == TokenDefaultDacl ||
           class == TokenIntegrityLevel;
}

ntstatus nt_set_information_token(struct nt_call *c)
{
    const struct NtSetInformationToken_args *a = nt_args(c);
    uint64_t class = a->TokenInformationClass, va = a->TokenInformation;
    struct nt_token *t;
    ntstatus s = nt_token_handle(c, a->TokenHandle, needed_access(class), &t);
    if (s)
        return s;
    if (a->TokenInformationLength < (is_pointer_class(class) ? nt_ptr_size(c) : 4))
        return STATUS_INFO_LENGTH_MISMATCH;
    switch (class) {
    case TokenOwner:
        s = set_owner(c, t, va);
        break;
    case TokenPrimaryGroup:
        s = set_primary_group(c, t, va);
        break;
    case TokenDefaultDacl:
        s = set_dacl(c, t, va);
        break;
    case TokenIntegrityLevel:
        s = set_integrity(c, t, va);
        break;
    case TokenSessionId:
    case TokenVirtualizationAllowed:
    case TokenVirtualizationEnabled:
    case TokenMandatoryPolicy:
    case TokenUIAccess:
        s = set_number(c, t, class, va);
        break;
    default:
        return nt_unknown_class(c, (uint32_t) class);
    }
    if (!s)
        nt_token_touch(c->k, t);
    return s;
}
