/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NT_SE_INTERNAL_H
#define NT_SE_INTERNAL_H
#include "nt/call.h"
#include "nt/se/token.h"

enum { /* access rights to tokens */
       TOKEN_ASSIGN_PRIMARY = 0x1,
       TOKEN_DUPLICATE = 0x2,
       TOKEN_IMPERSONATE = 0x4,
       TOKEN_QUERY = 0x8,
       TOKEN_QUERY_SOURCE = 0x10,
       TOKEN_ADJUST_PRIVILEGES = 0x20,
       TOKEN_ADJUST_GROUPS = 0x40,
       TOKEN_ADJUST_DEFAULT = 0x80,
       TOKEN_ADJUST_SESSIONID = 0x100
};

enum { /* TOKEN_INFORMATION_CLASS */
       TokenUser = 1,
       TokenGroups,
       TokenPrivileges,
       TokenOwner,
       TokenPrimaryGroup,
       TokenDefaultDacl,
       TokenSource,
       TokenType,
       TokenImpersonationLevel,
       TokenStatistics,
       TokenRestrictedSids,
       TokenSessionId,
       TokenGroupsAndPrivileges,
       TokenSessionReference,
       TokenSandBoxInert,
       TokenAuditPolicy,
       TokenOrigin,
       TokenElevationType,
       TokenLinkedToken,
       TokenElevation,
       TokenHasRestrictions,
       TokenAccessInformation,
       TokenVirtualizationAllowed,
       TokenVirtualizationEnabled,
       TokenIntegrityLevel,
       TokenUIAccess,
       TokenMandatoryPolicy,
       TokenLogonSid,
       TokenIsAppContainer,
       TokenCapabilities,
       TokenAppContainerSid,
       TokenAppContainerNumber,
       TokenUserClaimAttributes,
       TokenDeviceClaimAttributes,
       TokenRestrictedUserClaimAttributes,
       TokenRestrictedDeviceClaimAttributes,
       TokenDeviceGroups,
       TokenRestrictedDeviceGroups,
       TokenSecurityAttributes,
       TokenIsRestricted,
       TokenProcessTrustLevel,
       TokenPrivateNameSpace,
       TokenSingletonAttributes,
       TokenBnoIsolation,
       TokenChildProcessFlags,
       TokenIsLessPrivilegedAppContainer,
       TokenIsSandboxed
};

enum { /* SECURITY_IMPERSONATION_LEVEL */
       SecurityAnonymous,
       SecurityIdentification,
       SecurityImpersonation,
       SecurityDelegation
};

/* A token handle, or a pseudo handle. STATUS_NO_TOKEN for the thread's when there is none. */
ntstatus nt_token_handle(struct nt_call *c, uint64_t handle, uint32_t access,
                         struct nt_token **out);
struct nt_privilege *nt_token_privilege(struct nt_token *t, uint64_t luid);
/* The token changed: a new modification id. */
void nt_token_touch(struct nt_kernel *k, struct nt_token *t);
#endif
