/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NT_SE_TOKEN_H
#define NT_SE_TOKEN_H
/*
 * Access tokens: who a process or thread is. Everything is data by value; SIDs and ACLs are kept in
 * the bytes that the guest sees (they have no pointers), checked once when they come in.
 */
#include "base/ser.h"
#include "nt/ob/object.h"

enum { NT_SID_MAX = 68, NT_TOKEN_LIST_MAX = 1024, NT_ACL_MAX = 0xffff };

struct nt_sid { /* the SID structure's bytes; len is 8 + 4 * count */
    uint8_t bytes[NT_SID_MAX];
    uint8_t len;
};

struct nt_group { /* SID_AND_ATTRIBUTES */
    struct nt_sid sid;
    uint32_t attributes;
};

struct nt_privilege { /* LUID_AND_ATTRIBUTES; all LUIDs of privileges are small numbers */
    uint64_t luid;
    uint32_t attributes;
};

struct nt_token {
    struct nt_object o;
    bool primary;
    bool elevated;
    uint32_t level; /* SECURITY_IMPERSONATION_LEVEL, for impersonation tokens */
    uint32_t session;
    uint32_t integrity; /* RID: 0x2000 medium, 0x3000 high */
    uint32_t mandatory_policy;
    uint32_t virtualization; /* bit 0 allowed, bit 1 enabled */
    uint32_t flags;
    uint64_t luid, auth_id, modified, origin;
    char source[8];
    uint64_t source_luid;
    struct nt_sid user;
    struct nt_group *groups;
    size_t group_len, group_cap;
    struct nt_group *restricted;
    size_t restricted_len, restricted_cap;
    struct nt_privilege *privileges;
    size_t privilege_len, privilege_cap;
    struct nt_sid owner, primary_group;
    uint8_t *dacl; /* default DACL (an ACL), NULL: none */
    size_t dacl_len;
    nt_id linked;
};
extern const struct nt_type nt_type_token;

/* The first process's token: an elevated administrator, as on a machine with one user. One
 * reference, for nt_process.token. */
struct nt_token *nt_token_create_initial(struct nt_kernel *k);
/* A copy with the same identity: primary tokens of child processes. One reference. */
struct nt_token *nt_token_duplicate(struct nt_kernel *k, const struct nt_token *t, bool primary,
                                    uint32_t level);
/* The token that decides for the calling thread: its impersonation token or its process's. */
struct nt_token *nt_token_effective(struct nt_call *c);
/* The calling thread takes on a copy of the process's token. */
ntstatus nt_impersonate_process(struct nt_call *c, const struct nt_process *client);
bool nt_token_has_privilege(const struct nt_token *t, uint32_t privilege);

/* Parses "S-1-5-…"; false when malformed. */
bool nt_sid_parse(const char *text, struct nt_sid *out);
bool nt_sid_equal(const struct nt_sid *a, const struct nt_sid *b);
uint64_t nt_luid_next(struct nt_kernel *k);

enum { /* privileges by number */
       SE_CREATE_TOKEN_PRIVILEGE = 2,
       SE_INCREASE_QUOTA_PRIVILEGE = 5,
       SE_TCB_PRIVILEGE = 7,
       SE_SECURITY_PRIVILEGE = 8,
       SE_LOAD_DRIVER_PRIVILEGE = 10,
       SE_BACKUP_PRIVILEGE = 17,
       SE_RESTORE_PRIVILEGE = 18,
       SE_SHUTDOWN_PRIVILEGE = 19,
       SE_DEBUG_PRIVILEGE = 20,
       SE_AUDIT_PRIVILEGE = 21,
       SE_SYSTEM_ENVIRONMENT_PRIVILEGE = 22,
       SE_CHANGE_NOTIFY_PRIVILEGE = 23
};
#endif
