// SPDX-License-Identifier: GPL-2.0-or-later
/* NtQuerySecurityObject and NtSetSecurityObject. Keys and disk files keep their descriptor; the
 * others' are in nt_ex.sds, by object id, and an object that has none gets its owner's default. */
#include "base/bits.h"
#include "base/vec.h"
#include "nt/cm/registry.h"
#include "nt/ex/ex.h"
#include "nt/io/io.h"
#include "nt/se/internal.h"
#include "nt/se/security.h"

enum {
    READ_CONTROL = 0x20000,
    WRITE_DAC = 0x40000,
    WRITE_OWNER = 0x80000,
    ACCESS_SYSTEM_SECURITY = 0x01000000
};

static struct nt_object_sd *find(struct nt_kernel *k, nt_id id)
{
    for (size_t i = 0; i < k->ex->sds.len; i++)
        if (k->ex->sds.data[i].object == id)
            return &k->ex->sds.data[i];
    return NULL;
}

const uint8_t *nt_object_sd(struct nt_kernel *k, struct nt_object *o, size_t *len)
{
    const uint8_t *sd = NULL;
    if (o->type == NT_TYPE_KEY) {
        nt_key_get_sd(k, o, &sd, len);
        return sd;
    }
    if (o->type == NT_TYPE_FILE && (sd = nt_io_file_sd(k, o, len)))
        return sd;
    struct nt_object_sd *own = find(k, o->id);
    *len = own ? own->len : 0;
    return own ? own->sd : NULL;
}

/* Descriptors outlive their objects until the next one is stored: ids are not used twice. */
static void prune(struct nt_kernel *k)
{
    for (size_t i = k->ex->sds.len; i-- > 0;) {
        if (nt_object_get(k, k->ex->sds.data[i].object, NT_TYPE_NONE))
            continue;
        free(k->ex->sds.data[i].sd);
        vec_remove(&k->ex->sds, i);
    }
}

static void keep(struct nt_kernel *k, nt_id id, uint8_t *sd, size_t len)
{
    struct nt_object_sd *own = find(k, id);
    if (!own) {
        prune(k);
        vec_push(&k->ex->sds, (struct nt_object_sd){.object = id});
        own = &k->ex->sds.data[k->ex->sds.len - 1];
    }
    free(own->sd);
    own->sd = sd;
    own->len = len;
}

static bool store(struct nt_kernel *k, struct nt_object *o, uint8_t *sd, size_t len)
{
    if (o->type == NT_TYPE_KEY) {
        bool ok = nt_key_set_sd(k, o, sd, len);
        free(sd);
        return ok;
    }
    struct nt_io_ends ends = {0};
    if (o->type == NT_TYPE_FILE && nt_io_set_file_sd(k, o, sd, len))
        return true;
    if (o->type == NT_TYPE_FILE)
        nt_io_pipe_ends(k, o, &ends);
    vec_foreach (it, &ends)
        if (*it != o->id)
            keep(k, *it, xmemdup(sd, len), len);
    vec_free(&ends);
    keep(k, o->id, sd, len);
    return true;
}

void nt_object_sd_copy(struct nt_kernel *k, nt_id from, nt_id to)
{
    const struct nt_object_sd *own = find(k, from);
    size_t len = own ? own->len : 0;
    if (own)
        keep(k, to, xmemdup(own->sd, len), len);
}

/* Keys belong to the administrators; users may read what is below. */
static uint8_t *key_default(size_t *len)
{
    enum { KEY_ALL_ACCESS = 0xf003f, GENERIC_READ = 0x80000000, CONTAINER_INHERIT_ONLY = 0xa };
    struct nt_sid admins, users;
    nt_sid_parse("S-1-5-32-544", &admins);
    nt_sid_parse("S-1-5-32-545", &users);
    const struct nt_ace aces[] = {
        {&users, GENERIC_READ, ACCESS_ALLOWED_ACE_TYPE, CONTAINER_INHERIT_ONLY},
        {&admins, KEY_ALL_ACCESS, ACCESS_ALLOWED_ACE_TYPE, 0}};
    struct nt_sd p = {.control = SE_DACL_PRESENT,
                      .owner = admins.bytes,
                      .owner_len = admins.len,
                      .group = admins.bytes,
                      .group_len = admins.len};
    uint8_t *dacl = nt_acl_build(aces, ARRAY_LEN(aces), &p.dacl_len);
    p.dacl = dacl;
    uint8_t *sd = nt_sd_build(&p, len);
    free(dacl);
    return sd;
}

static uint8_t *current(struct nt_call *c, struct nt_object *o, size_t *len)
{
    const uint8_t *sd = nt_object_sd(c->k, o, len);
    if (sd)
        return xmemdup(sd, *len);
    if (o->type == NT_TYPE_KEY)
        return key_default(len);
    struct nt_token *t = nt_object_get(c->k, c->p->token, NT_TYPE_TOKEN);
    struct nt_token none = {0};
    return nt_sd_default(c->k, t ? t : &none, nt_types[o->type]->generic[3], len);
}

static uint32_t needed_to_read(uint64_t info)
{
    uint32_t access = 0;
    if (info & (OWNER_SECURITY_INFORMATION | GROUP_SECURITY_INFORMATION |
                DACL_SECURITY_INFORMATION | LABEL_SECURITY_INFORMATION))
        access |= READ_CONTROL;
    if (info & SACL_SECURITY_INFORMATION)
        access |= ACCESS_SYSTEM_SECURITY;
    return access;
}

ntstatus nt_query_security_object(struct nt_call *c)
{
    const struct NtQuerySecurityObject_args *a = nt_args(c);
    struct nt_object *o;
    size_t len, need;
    ntstatus s =
        nt_handle_get(c, a->Handle, NT_TYPE_NONE, needed_to_read(a->SecurityInformation), &o);
    if (!s && o->type == NT_TYPE_FILE)
        s = nt_io_security_status(c->k, o);
    if (s)
        return s;
    uint8_t *all = current(c, o, &len);
    struct nt_sd p = nt_sd_parts(all, len), out = {0};
    out.control = p.control & ~(uint16_t)(SE_DACL_PRESENT | SE_SACL_PRESENT | SE_DACL_DEFAULTED |
                                          SE_SACL_DEFAULTED);
    if (a->SecurityInformation & OWNER_SECURITY_INFORMATION) {
        out.owner = p.owner;
        out.owner_len = p.owner_len;
    }
    if (a->SecurityInformation & GROUP_SECURITY_INFORMATION) {
        out.group = p.group;
        out.group_len = p.group_len;
    }
    if (a->SecurityInformation & DACL_SECURITY_INFORMATION) {
        out.control |= p.control & (SE_DACL_PRESENT | SE_DACL_DEFAULTED);
        out.dacl = p.dacl;
        out.dacl_len = p.dacl_len;
    }
    if (a->SecurityInformation & (SACL_SECURITY_INFORMATION | LABEL_SECURITY_INFORMATION)) {
        out.control |= p.control & (SE_SACL_PRESENT | SE_SACL_DEFAULTED);
        out.sacl = p.sacl;
        out.sacl_len = p.sacl_len;
    }
    uint8_t *answer = nt_sd_build(&out, &need);
    s = a->LengthNeeded ? nt_put_u32(c, a->LengthNeeded, (uint32_t)need) : STATUS_SUCCESS;
    if (!s)
        s = a->Length < need ? STATUS_BUFFER_TOO_SMALL
                             : nt_write(c, a->SecurityDescriptor, answer, need);
    free(answer);
    free(all);
    return s;
}

static void take(struct nt_sd *to, const struct nt_sd *from, uint64_t info)
{
    if (info & OWNER_SECURITY_INFORMATION) {
        to->owner = from->owner;
        to->owner_len = from->owner_len;
    }
    if (info & GROUP_SECURITY_INFORMATION) {
        to->group = from->group;
        to->group_len = from->group_len;
    }
    if (info & DACL_SECURITY_INFORMATION) {
        const uint16_t mask =
            SE_DACL_PRESENT | SE_DACL_DEFAULTED | 0x1400; /* protected, inherited */
        to->control = (uint16_t)((to->control & ~mask) | (from->control & mask));
        to->dacl = from->dacl;
        to->dacl_len = from->dacl_len;
    }
    if (info & (SACL_SECURITY_INFORMATION | LABEL_SECURITY_INFORMATION)) {
        const uint16_t mask = SE_SACL_PRESENT | SE_SACL_DEFAULTED | 0x2800;
        to->control = (uint16_t)((to->control & ~mask) | (from->control & mask));
        to->sacl = from->sacl;
        to->sacl_len = from->sacl_len;
    }
}

/* Parts of `from` become the object's. */
static ntstatus merge(struct nt_call *c, struct nt_object *o, const struct nt_sd *from,
                      uint64_t info)
{
    size_t old_len, len;
    uint8_t *old = current(c, o, &old_len);
    struct nt_sd to = nt_sd_parts(old, old_len);
    take(&to, from, info);
    uint8_t *sd = nt_sd_build(&to, &len);
    nt_sd_map_generic(sd, len, nt_types[o->type]->generic);
    free(old);
    return store(c->k, o, sd, len) ? STATUS_SUCCESS : STATUS_KEY_DELETED;
}

ntstatus nt_set_security_object(struct nt_call *c)
{
    const struct NtSetSecurityObject_args *a = nt_args(c);
    uint64_t info = a->SecurityInformation;
    struct nt_object *o;
    uint8_t *given;
    size_t given_len;
    uint32_t access = 0;
    if (!a->SecurityDescriptor)
        return STATUS_ACCESS_VIOLATION;
    if (info &
        (OWNER_SECURITY_INFORMATION | GROUP_SECURITY_INFORMATION | LABEL_SECURITY_INFORMATION))
        access |= WRITE_OWNER;
    if (info & DACL_SECURITY_INFORMATION)
        access |= WRITE_DAC;
    if (info & SACL_SECURITY_INFORMATION)
        access |= ACCESS_SYSTEM_SECURITY;
    ntstatus s = nt_handle_get(c, a->Handle, NT_TYPE_NONE, access, &o);
    if (!s && o->type == NT_TYPE_FILE)
        s = nt_io_security_status(c->k, o);
    if (!s)
        s = nt_sd_capture(c, a->SecurityDescriptor, &given, &given_len);
    if (s)
        return s;
    struct nt_sd from = nt_sd_parts(given, given_len);
    if ((info & OWNER_SECURITY_INFORMATION && !from.owner) ||
        (info & GROUP_SECURITY_INFORMATION && !from.group)) {
        free(given);
        return STATUS_INVALID_SECURITY_DESCR;
    }
    s = merge(c, o, &from, info);
    free(given);
    return s;
}

ntstatus nt_object_sd_give(struct nt_call *c, struct nt_object *o, uint64_t va)
{
    uint8_t *given;
    size_t given_len;
    ntstatus s = nt_sd_capture(c, va, &given, &given_len);
    if (s)
        return s;
    struct nt_sd from = nt_sd_parts(given, given_len);
    uint64_t info = (from.owner ? OWNER_SECURITY_INFORMATION : 0) |
                    (from.group ? GROUP_SECURITY_INFORMATION : 0) |
                    (from.control & SE_DACL_PRESENT ? DACL_SECURITY_INFORMATION : 0) |
                    (from.control & SE_SACL_PRESENT ? SACL_SECURITY_INFORMATION : 0);
    s = merge(c, o, &from, info);
    free(given);
    return s;
}
