/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NT_SE_SECURITY_H
#define NT_SE_SECURITY_H
/*
 * Security descriptors. Inside the kernel they are always self-relative: header of 20 bytes, then
 * owner, group, SACL and DACL, each 4-aligned; nt_sd_capture checks everything that comes in.
 */
#include "nt/call.h"
#include "nt/se/token.h"

enum { /* SECURITY_INFORMATION */
       OWNER_SECURITY_INFORMATION = 1,
       GROUP_SECURITY_INFORMATION = 2,
       DACL_SECURITY_INFORMATION = 4,
       SACL_SECURITY_INFORMATION = 8,
       LABEL_SECURITY_INFORMATION = 0x10
};

enum { /* SECURITY_DESCRIPTOR_CONTROL */
       SE_DACL_PRESENT = 0x4,
       SE_DACL_DEFAULTED = 0x8,
       SE_SACL_PRESENT = 0x10,
       SE_SACL_DEFAULTED = 0x20,
       SE_SELF_RELATIVE = 0x8000
};

enum { ACCESS_ALLOWED_ACE_TYPE, ACCESS_DENIED_ACE_TYPE, SYSTEM_MANDATORY_LABEL_ACE_TYPE = 0x11 };

/* The parts of a descriptor; NULL with length 0: absent. Pointers borrow. */
struct nt_sd {
    uint16_t control;
    const uint8_t *owner, *group, *sacl, *dacl;
    size_t owner_len, group_len, sacl_len, dacl_len;
};

/* Reads either form from the guest; *sd from malloc. STATUS_INVALID_SECURITY_DESCR, INVALID_SID,
 * INVALID_ACL, UNKNOWN_REVISION, ACCESS_VIOLATION. */
ntstatus nt_sd_capture(struct nt_call *c, uint64_t va, uint8_t **sd, size_t *len);
/* Splits a descriptor that nt_sd_build or nt_sd_capture made. */
struct nt_sd nt_sd_parts(const uint8_t *sd, size_t len);
/* Self-relative bytes, from malloc. */
uint8_t *nt_sd_build(const struct nt_sd *parts, size_t *len);
/* A descriptor for an object that has none of its own, from malloc. */
uint8_t *nt_sd_default(struct nt_kernel *k, const struct nt_token *t, uint32_t all_access,
                       size_t *len);

/* Replaces generic rights in the DACL's entries by what they mean for a type (read, write, execute,
 * all); entries that are only to be inherited keep them. */
void nt_sd_map_generic(uint8_t *sd, size_t len, const uint32_t map[4]);

/* Lengths of what begins at p with `left` bytes; 0 when malformed. */
size_t nt_sid_length(const uint8_t *p, size_t left);
size_t nt_acl_length(const uint8_t *p, size_t left);
ntstatus nt_sid_read(struct nt_call *c, uint64_t va, struct nt_sid *out);
/* An ACL from the guest; malloc. */
ntstatus nt_acl_read(struct nt_call *c, uint64_t va, uint8_t **acl, size_t *len);
bool nt_sid_equal_bytes(const struct nt_sid *a, const uint8_t *b, size_t len);

/* Builds an ACL of allow entries; malloc. */
struct nt_ace {
    const struct nt_sid *sid;
    uint32_t mask;
    uint8_t type, flags;
};
uint8_t *nt_acl_build(const struct nt_ace *aces, size_t count, size_t *len);

/*
 * What the token may do: STATUS_SUCCESS or STATUS_ACCESS_DENIED, and the rights in *granted.
 * `desired` without generic bits; MAXIMUM_ALLOWED (0x02000000) asks for all there are.
 */
ntstatus nt_token_check(const struct nt_token *t, const uint8_t *sd, size_t len, uint32_t desired,
                        uint32_t all_access, uint32_t *granted);

/* The descriptor of any object: its own (borrowed) or NULL. */
const uint8_t *nt_object_sd(struct nt_kernel *k, struct nt_object *o, size_t *len);
/* A new object's descriptor, as its creator gave it; what that lacks is as by default. */
ntstatus nt_object_sd_give(struct nt_call *c, struct nt_object *o, uint64_t va);
/* What was set on `from`, if anything, is `to`'s as well. Not for keys. */
void nt_object_sd_copy(struct nt_kernel *k, nt_id from, nt_id to);
#endif
