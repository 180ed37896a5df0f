// SPDX-License-Identifier: GPL-2.0-or-later
#include "nt/call.h"
#include "nt/ke/sync.h"

struct nt_mutant {
    struct nt_object o;
    nt_id owner; /* thread; no reference: it is cleared when the thread ends */
    uint32_t depth;
    bool abandoned;
};

static void mutant_destroy(struct nt_kernel *k, struct nt_object *o)
{
}

static void mutant_transfer(struct nt_kernel *k, struct ser *s, struct nt_object *o)
{
    struct nt_mutant *m = (struct nt_mutant *)o;
    SER(s, m->owner);
    SER(s, m->depth);
    SER(s, m->abandoned);
}

static bool mutant_signaled(struct nt_kernel *k, struct nt_object *o, struct nt_thread *t)
{
    struct nt_mutant *m = (struct nt_mutant *)o;
    return !m->owner || (t && m->owner == t->o.id);
}

static ntstatus mutant_satisfy(struct nt_kernel *k, struct nt_object *o, struct nt_thread *t)
{
    struct nt_mutant *m = (struct nt_mutant *)o;
    if (m->depth == 0x7fffffff)
        return STATUS_MUTANT_LIMIT_EXCEEDED;
    m->owner = t->o.id;
    m->depth++;
    if (!m->abandoned)
        return STATUS_SUCCESS;
    m->abandoned = false;
    return STATUS_ABANDONED;
}

const struct nt_type nt_type_mutant = {
    .name = "Mutant",
    .size = sizeof(struct nt_mutant),
    .generic = {0x20001, 0x20000, 0x120000, 0x1f0001},
    .valid_access = 0x1f0001,
    .destroy = mutant_destroy,
    .transfer = mutant_transfer,
    .signaled = mutant_signaled,
    .satisfy = mutant_satisfy,
};

ntstatus nt_create_mutant(struct nt_call *c)
{
    const struct NtCreateMutant_args *a = nt_args(c);
    struct nt_mutant *m;
    ntstatus s = nt_create_handle(c, NT_TYPE_MUTANT, a->ObjectAttributes,
                                  (uint32_t)a->DesiredAccess, a->MutantHandle, &m);
    if (s == STATUS_SUCCESS && a->InitialOwner) {
        m->owner = c->t->o.id;
        m->depth = 1;
    }
    return s;
}

ntstatus nt_open_mutant(struct nt_call *c)
{
    const struct NtOpenMutant_args *a = nt_args(c);
    return nt_open_handle(c, NT_TYPE_MUTANT, a->ObjectAttributes, (uint32_t)a->DesiredAccess,
                          a->MutantHandle);
}

ntstatus nt_mutant_release(struct nt_kernel *k, nt_id id, struct nt_thread *t, int32_t *previous)
{
    struct nt_mutant *m = nt_object_get(k, id, NT_TYPE_MUTANT);
    if (!m)
        return STATUS_INVALID_HANDLE;
    if (m->owner != t->o.id)
        return STATUS_MUTANT_NOT_OWNED;
    if (previous)
        *previous = 1 - (int32_t)m->depth;
    if (--m->depth == 0) {
        m->owner = 0;
        nt_signal(k, &m->o);
    }
    return STATUS_SUCCESS;
}

static void abandon(struct nt_kernel *k, struct nt_object *o, void *ctx)
{
    struct nt_mutant *m = (struct nt_mutant *)o;
    struct nt_thread *t = ctx;
    if (m->owner != t->o.id)
        return;
    m->owner = 0;
    m->depth = 0;
    m->abandoned = true;
    nt_signal(k, o);
}

void nt_mutants_abandon(struct nt_kernel *k, struct nt_thread *t)
{
    nt_object_each(k, NT_TYPE_MUTANT, abandon, t);
}

ntstatus nt_release_mutant(struct nt_call *c)
{
    const struct NtReleaseMutant_args *a = nt_args(c);
    struct nt_mutant *m;
    int32_t previous = 0;
    ntstatus s = nt_handle_get(c, a->MutantHandle, NT_TYPE_MUTANT, 0, &m);
    if (!s)
        s = nt_mutant_release(c->k, m->o.id, c->t, &previous);
    if (!s && a->PreviousCount)
        s = nt_put_u32(c, a->PreviousCount, (uint32_t)previous);
    return s;
}

ntstatus nt_query_mutant(struct nt_call *c)
{
    const struct NtQueryMutant_args *a = nt_args(c);
    struct nt_mutant *m;
    struct {
        int32_t count;
        uint8_t owned_by_caller, abandoned, pad[2];
    } info = {0};
    if (a->MutantInformationClass != 0)
        return STATUS_INVALID_INFO_CLASS;
    if (a->MutantInformationLength != sizeof info)
        return STATUS_INFO_LENGTH_MISMATCH;
    ntstatus s = nt_handle_get(c, a->MutantHandle, NT_TYPE_MUTANT, 1, &m);
    if (s)
        return s;
    info.count = 1 - (int32_t)m->depth;
    info.owned_by_caller = m->owner == c->t->o.id;
    info.abandoned = m->abandoned;
    return nt_return_info(c, a->MutantInformation, (uint32_t)a->MutantInformationLength,
                          a->ReturnLength, &info, sizeof info);
}
