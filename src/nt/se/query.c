// SPDX-License-Identifier: GPL-2.0-or-later
#include "nt/ex/blob.h"
#include "nt/se/internal.h"
#include "nt/se/security.h"

/* A PSID (or other pointer) that is put first and points to bytes behind the fixed part. */
static void put_sid(struct blob *b, const struct nt_sid *sid, bool attributes, uint32_t value)
{
    size_t at = blob_ptr(b, 0);
    if (attributes) {
        blob_u32(b, value);
        blob_align(b, b->ptr_size);
    }
    blob_patch(b, at, blob_put(b, sid->bytes, sid->len));
}

static void put_groups(struct blob *b, const struct nt_group *g, size_t n)
{
    size_t first, step = 2u * b->ptr_size;
    blob_u32(b, (uint32_t)n);
    blob_align(b, b->ptr_size);
    first = blob_put(b, NULL, n * step);
    for (size_t i = 0; i < n; i++) {
        blob_patch(b, first + i * step, blob_put(b, g[i].sid.bytes, g[i].sid.len));
        blob_patch_u32(b, first + i * step + b->ptr_size, g[i].attributes);
    }
}

static void put_privileges(struct blob *b, const struct nt_token *t)
{
    for (size_t i = 0; i < t->privilege_len; i++) {
        blob_put(b, &t->privileges[i].luid, 8);
        blob_u32(b, t->privileges[i].attributes);
    }
}

static void put_dacl(struct blob *b, const struct nt_token *t)
{
    size_t at = blob_ptr(b, 0);
    if (t->dacl)
        blob_patch(b, at, blob_put(b, t->dacl, t->dacl_len));
}

static void put_statistics(struct blob *b, const struct nt_token *t)
{
    blob_u64(b, t->luid);
    blob_u64(b, t->auth_id);
    blob_u64(b, INT64_MAX); /* never expires */
    blob_u32(b, t->primary ? 1 : 2);
    blob_u32(b, t->primary ? 0 : t->level);
    blob_u32(b, (uint32_t)(t->dacl_len + t->primary_group.len + t->owner.len)); /* charged */
    blob_u32(b, 0);                                                             /* available */
    blob_u32(b, (uint32_t)t->group_len);
    blob_u32(b, (uint32_t)t->privilege_len);
    blob_u64(b, t->modified);
}

static void put_groups_and_privileges(struct blob *b, const struct nt_token *t)
{
    const struct nt_group *lists[2] = {t->groups, t->restricted};
    size_t counts[2] = {t->group_len, t->restricted_len}, at[2], step = 2u * b->ptr_size;
    for (int l = 0; l < 2; l++) {
        size_t bytes = counts[l] * step;
        for (size_t i = 0; i < counts[l]; i++)
            bytes += lists[l][i].sid.len;
        blob_u32(b, (uint32_t)counts[l]);
        blob_u32(b, (uint32_t)bytes);
        at[l] = blob_ptr(b, 0);
    }
    blob_u32(b, (uint32_t)t->privilege_len);
    blob_u32(b, (uint32_t)t->privilege_len * 12);
    size_t privileges = blob_ptr(b, 0);
    blob_u64(b, t->auth_id);
    blob_align(b, b->ptr_size);
    for (int l = 0; l < 2; l++) {
        if (!counts[l])
            continue;
        size_t first = blob_put(b, NULL, counts[l] * step);
        blob_patch(b, at[l], first);
        for (size_t i = 0; i < counts[l]; i++) {
            blob_patch_u32(b, first + i * step + b->ptr_size, lists[l][i].attributes);
            blob_patch(b, first + i * step,
                       blob_put(b, lists[l][i].sid.bytes, lists[l][i].sid.len));
        }
    }
    blob_align(b, 4);
    blob_patch(b, privileges, b->b.len);
    put_privileges(b, t);
}

static void put_label(struct blob *b, const struct nt_token *t)
{
    struct nt_sid label;
    nt_sid_parse("S-1-16-0", &label);
    memcpy(label.bytes + 8, &t->integrity, 4);
    put_sid(b, &label, true, 0x60); /* SE_GROUP_INTEGRITY | SE_GROUP_INTEGRITY_ENABLED */
}

static void put_logon_sids(struct blob *b, const struct nt_token *t)
{
    struct nt_group logon[4];
    size_t n = 0;
    for (size_t i = 0; i < t->group_len && n < ARRAY_LEN(logon); i++)
        if ((t->groups[i].attributes & 0xc0000000) == 0xc0000000)
            logon[n++] = t->groups[i];
    put_groups(b, logon, n);
}

/* Classes that are one number. */
static bool number(const struct nt_token *t, uint64_t class, uint32_t *out)
{
    switch (class) {
    case TokenType:
        *out = t->primary ? 1 : 2;
        return true;
    case TokenSessionId:
        *out = t->session;
        return true;
    case TokenElevationType:
        *out = 1; /* TokenElevationTypeDefault: no linked token */
        return true;
    case TokenElevation:
        *out = t->elevated;
        return true;
    case TokenHasRestrictions:
        *out = t->restricted_len != 0;
        return true;
    case TokenVirtualizationAllowed:
        *out = t->virtualization & 1;
        return true;
    case TokenVirtualizationEnabled:
        *out = t->virtualization >> 1 & 1;
        return true;
    case TokenMandatoryPolicy:
        *out = t->mandatory_policy;
        return true;
    case TokenIsRestricted:
        *out = t->restricted_len != 0;
        return true;
    case TokenSandBoxInert:
    case TokenUIAccess:
    case TokenIsAppContainer:
    case TokenAppContainerNumber:
    case TokenPrivateNameSpace:
    case TokenIsLessPrivilegedAppContainer:
    case TokenIsSandboxed:
        *out = 0;
        return true;
    default:
        return false;
    }
}

static ntstatus put_class(struct blob *b, const struct nt_token *t, uint64_t class)
{
    uint32_t v;
    if (number(t, class, &v)) {
        blob_u32(b, v);
        return STATUS_SUCCESS;
    }
    switch (class) {
    case TokenUser:
        put_sid(b, &t->user, true, 0);
        break;
    case TokenGroups:
        put_groups(b, t->groups, t->group_len);
        break;
    case TokenRestrictedSids:
        put_groups(b, t->restricted, t->restricted_len);
        break;
    case TokenPrivileges:
        blob_u32(b, (uint32_t)t->privilege_len);
        put_privileges(b, t);
        break;
    case TokenOwner:
        put_sid(b, &t->owner, false, 0);
        break;
    case TokenPrimaryGroup:
        put_sid(b, &t->primary_group, false, 0);
        break;
    case TokenDefaultDacl:
        put_dacl(b, t);
        break;
    case TokenSource:
        blob_put(b, t->source, 8);
        blob_u64(b, t->source_luid);
        break;
    case TokenImpersonationLevel:
        if (t->primary)
            return STATUS_INVALID_PARAMETER;
        blob_u32(b, t->level);
        break;
    case TokenStatistics:
        put_statistics(b, t);
        break;
    case TokenGroupsAndPrivileges:
        put_groups_and_privileges(b, t);
        break;
    case TokenOrigin:
        blob_u64(b, t->origin);
        break;
    case TokenIntegrityLevel:
        put_label(b, t);
        break;
    case TokenLogonSid:
        put_logon_sids(b, t);
        break;
    case TokenCapabilities:
    case TokenDeviceGroups:
    case TokenRestrictedDeviceGroups:
        put_groups(b, NULL, 0);
        break;
    case TokenAppContainerSid:
        blob_ptr(b, 0);
        break;
    case TokenUserClaimAttributes:
    case TokenDeviceClaimAttributes:
    case TokenSecurityAttributes:
        blob_u32(b, 1); /* version */
        blob_u32(b, 0); /* count */
        blob_ptr(b, 0);
        break;
    case TokenBnoIsolation:
        blob_ptr(b, 0);
        blob_u32(b, 0);
        blob_align(b, b->ptr_size);
        break;
    default:
        return STATUS_INVALID_INFO_CLASS;
    }
    return STATUS_SUCCESS;
}

ntstatus nt_query_information_token(struct nt_call *c)
{
    const struct NtQueryInformationToken_args *a = nt_args(c);
    struct nt_token *t;
    uint32_t access = a->TokenInformationClass == TokenSource ? TOKEN_QUERY_SOURCE : TOKEN_QUERY;
    ntstatus s = nt_token_handle(c, a->TokenHandle, access, &t);
    if (s)
        return s;
    if (a->TokenInformationClass == TokenLinkedToken)
        return STATUS_NO_SUCH_LOGON_SESSION;
    struct blob b = blob_begin(c, a->TokenInformation);
    s = put_class(&b, t, a->TokenInformationClass);
    if (s) {
        blob_free(&b);
        return s == STATUS_INVALID_INFO_CLASS
                   ? nt_unknown_class(c, (uint32_t)a->TokenInformationClass)
                   : s;
    }
    return blob_return(c, &b, a->TokenInformationLength, a->ReturnLength, STATUS_BUFFER_TOO_SMALL);
}
