// SPDX-License-Identifier: GPL-2.0-or-later
#include "base/vec.h"
#include "nt/se/internal.h"
#include "nt/se/security.h"

enum {
    MAXIMUM_ALLOWED = 0x02000000,
    ACCESS_SYSTEM_SECURITY = 0x01000000,
    READ_CONTROL_WRITE_DAC = 0x60000, /* what an owner always has */
    WRITE_OWNER = 0x80000,
    INHERIT_ONLY_ACE = 8,
    SE_GROUP_ENABLED = 4,
    SE_GROUP_USE_FOR_DENY_ONLY = 0x10,
    SE_TAKE_OWNERSHIP_PRIVILEGE = 9
};

/* Does the token carry the SID: for granting (enabled), or for denying as well? */
static bool carries(const struct nt_token *t, const uint8_t *sid, size_t len, bool deny)
{
    if (nt_sid_equal_bytes(&t->user, sid, len))
        return true;
    for (size_t i = 0; i < t->group_len; i++) {
        uint32_t wanted = SE_GROUP_ENABLED | (deny ? SE_GROUP_USE_FOR_DENY_ONLY : 0);
        if (t->groups[i].attributes & wanted && nt_sid_equal_bytes(&t->groups[i].sid, sid, len))
            return true;
    }
    return false;
}

static bool in_restricted(const struct nt_token *t, const uint8_t *sid, size_t len)
{
    for (size_t i = 0; i < t->restricted_len; i++)
        if (nt_sid_equal_bytes(&t->restricted[i].sid, sid, len))
            return true;
    return false;
}

/* Walks the DACL: each right is decided by the first entry that names it. */
static uint32_t walk(const struct nt_token *t, const uint8_t *dacl, size_t len, bool restricted)
{
    uint32_t granted = 0, denied = 0;
    size_t at = 8;
    for (unsigned n = (unsigned)(dacl[4] | dacl[5] << 8); n; n--) {
        const uint8_t *ace = dacl + at;
        size_t size = (size_t)(ace[2] | ace[3] << 8);
        at += size;
        if (ace[1] & INHERIT_ONLY_ACE || size < 16 || ace[0] > ACCESS_DENIED_ACE_TYPE)
            continue;
        uint32_t mask;
        memcpy(&mask, ace + 4, 4);
        bool deny = ace[0] == ACCESS_DENIED_ACE_TYPE;
        if (!(restricted ? in_restricted(t, ace + 8, size - 8)
                         : carries(t, ace + 8, size - 8, deny)))
            continue;
        if (deny)
            denied |= mask & ~granted;
        else
            granted |= mask & ~denied;
    }
    return granted;
}

static uint32_t by_privilege(const struct nt_token *t)
{
    uint32_t rights = 0;
    if (nt_token_has_privilege(t, SE_SECURITY_PRIVILEGE))
        rights |= ACCESS_SYSTEM_SECURITY;
    if (nt_token_has_privilege(t, SE_TAKE_OWNERSHIP_PRIVILEGE))
        rights |= WRITE_OWNER;
    return rights;
}

ntstatus nt_token_check(const struct nt_token *t, const uint8_t *sd, size_t len, uint32_t desired,
                        uint32_t all_access, uint32_t *granted)
{
    struct nt_sd p = nt_sd_parts(sd, len);
    uint32_t allowed = by_privilege(t);
    *granted = 0;
    if (desired & ACCESS_SYSTEM_SECURITY & ~allowed)
        return STATUS_PRIVILEGE_NOT_HELD;
    if (!(p.control & SE_DACL_PRESENT) || !p.dacl) {
        allowed |= all_access;
    } else {
        uint32_t rights = walk(t, p.dacl, p.dacl_len, false);
        if (p.owner && carries(t, p.owner, p.owner_len, false))
            rights |= READ_CONTROL_WRITE_DAC;
        if (t->restricted_len)
            rights &= walk(t, p.dacl, p.dacl_len, true);
        allowed |= rights;
    }
    if (desired & MAXIMUM_ALLOWED) {
        /* What a privilege allows counts only when it is asked for by name. */
        uint32_t named = desired & ~(uint32_t)MAXIMUM_ALLOWED;
        uint32_t most = allowed & (all_access | named);
        if (named & ~allowed || !most)
            return STATUS_ACCESS_DENIED;
        *granted = most;
        return STATUS_SUCCESS;
    }
    if (desired & ~allowed)
        return STATUS_ACCESS_DENIED;
    *granted = desired;
    return STATUS_SUCCESS;
}

static ntstatus read_mapping(struct nt_call *c, uint64_t va, uint32_t map[4])
{
    return nt_read(c, va, map, 16);
}

static uint32_t map_generic(uint32_t access, const uint32_t map[4])
{
    static const uint32_t bits[4] = {0x80000000, 0x40000000, 0x20000000, 0x10000000};
    for (int i = 0; i < 4; i++)
        if (access & bits[i])
            access = (access & ~bits[i]) | map[i];
    return access;
}

void nt_sd_map_generic(uint8_t *sd, size_t len, const uint32_t map[4])
{
    struct nt_sd p = nt_sd_parts(sd, len);
    if (!p.dacl)
        return;
    uint8_t *dacl = sd + (p.dacl - sd);
    size_t at = 8;
    for (unsigned n = (unsigned)(dacl[4] | dacl[5] << 8); n; n--) {
        size_t size = (size_t)(dacl[at + 2] | dacl[at + 3] << 8);
        if (size >= 8 && !(dacl[at + 1] & INHERIT_ONLY_ACE)) {
            uint32_t mask;
            memcpy(&mask, dacl + at + 4, 4);
            mask = map_generic(mask, map);
            memcpy(dacl + at + 4, &mask, 4);
        }
        at += size;
    }
}

struct check {
    uint64_t sd, token, desired, mapping, set, set_length, granted, status;
};

enum { PRIVILEGE_SET_SIZE = 20 };

/* There must be room for one privilege, whether or not one is used. */
static ntstatus check_room(struct nt_call *c, const struct check *a)
{
    uint32_t have;
    ntstatus s = nt_get_u32(c, a->set_length, &have);
    if (s || have >= PRIVILEGE_SET_SIZE)
        return s;
    s = nt_put_u32(c, a->set_length, PRIVILEGE_SET_SIZE);
    return s ? s : STATUS_BUFFER_TOO_SMALL;
}

/* PRIVILEGE_SET: the privileges that the access was due to: at most the one for the SACL. */
static ntstatus put_used(struct nt_call *c, uint64_t va, uint32_t granted)
{
    enum { SE_PRIVILEGE_USED_FOR_ACCESS = 0x80000000 };
    uint32_t set[5] = {0};
    if (granted & ACCESS_SYSTEM_SECURITY) {
        set[0] = 1;
        set[2] = SE_SECURITY_PRIVILEGE;
        set[4] = SE_PRIVILEGE_USED_FOR_ACCESS;
    }
    return nt_write(c, va, set, set[0] ? PRIVILEGE_SET_SIZE : 8);
}

static ntstatus check(struct nt_call *c, const struct check *a)
{
    struct nt_token *t;
    uint32_t map[4], granted = 0;
    uint8_t *sd = NULL;
    size_t len;
    if (!a->set || !a->set_length)
        return STATUS_ACCESS_VIOLATION;
    ntstatus s = nt_token_handle(c, a->token, TOKEN_QUERY, &t);
    if (!s && t->primary)
        s = STATUS_NO_IMPERSONATION_TOKEN;
    if (!s && t->level < SecurityIdentification)
        s = STATUS_BAD_IMPERSONATION_LEVEL;
    if (!s)
        s = read_mapping(c, a->mapping, map);
    if (!s && a->desired & 0xf0000000)
        s = STATUS_GENERIC_NOT_MAPPED;
    if (!s)
        s = nt_sd_capture(c, a->sd, &sd, &len);
    if (!s) {
        struct nt_sd p = nt_sd_parts(sd, len);
        s = p.owner && p.group ? STATUS_SUCCESS : STATUS_INVALID_SECURITY_DESCR;
    }
    if (!s)
        s = check_room(c, a);
    if (!s) {
        nt_sd_map_generic(sd, len, map);
        ntstatus result = nt_token_check(t, sd, len, (uint32_t)a->desired, map[3], &granted);
        s = put_used(c, a->set, granted);
        if (!s)
            s = nt_put_u32(c, a->granted, granted);
        if (!s)
            s = nt_put_u32(c, a->status, result);
    }
    free(sd);
    return s;
}

ntstatus nt_access_check(struct nt_call *c)
{
    const struct NtAccessCheck_args *a = nt_args(c);
    return check(c, &(struct check){a->SecurityDescriptor, a->ClientToken, a->DesiredAccess,
                                    a->GenericMapping, a->PrivilegeSet, a->PrivilegeSetLength,
                                    a->GrantedAccess, a->AccessStatus});
}

/* Without an object type list it is the plain check. */
ntstatus nt_access_check_by_type(struct nt_call *c)
{
    const struct NtAccessCheckByType_args *a = nt_args(c);
    if (a->ObjectTypeListLength)
        nt_note(c->k, NT_NOTE_SERVICE, "NtAccessCheckByType with object types", NULL);
    return check(c, &(struct check){a->SecurityDescriptor, a->ClientToken, a->DesiredAccess,
                                    a->GenericMapping, a->PrivilegeSet, a->PrivilegeSetLength,
                                    a->GrantedAccess, a->AccessStatus});
}
