// SPDX-License-Identifier: GPL-2.0-or-later
#include "base/bits.h"
#include "base/vec.h"
#include "nt/call.h"

enum { HANDLES_MAX = 0xff0000 };

static struct nt_handle *row(struct nt_handle_table *t, uint64_t handle)
{
    /* The two low bits are the application's to use; 32-bit callers sign-extend. */
    uint64_t index = ((handle & 0xffffffffu) >> 2) - 1;
    if (index >= t->len || !t->data[index].object)
        return NULL;
    return &t->data[index];
}

struct nt_handle *nt_handle_row(struct nt_process *p, uint64_t handle)
{
    return row(&p->handles, handle);
}

bool nt_handle_room(const struct nt_process *p)
{
    return p->handles.used < HANDLES_MAX;
}

uint64_t nt_handle_add(struct nt_process *p, struct nt_object *o, uint32_t access, uint32_t flags)
{
    struct nt_handle_table *t = &p->handles;
    size_t i = t->first_free;
    while (i < t->len && t->data[i].object)
        i++;
    if (i == t->len)
        vec_push(t, (struct nt_handle){0});
    t->data[i] = (struct nt_handle){.object = o->id, .access = access, .flags = flags};
    t->first_free = i + 1;
    t->used++;
    nt_object_ref(o);
    o->handles++;
    return (uint64_t)(i + 1) * 4;
}

uint32_t nt_map_access(enum nt_type_id type, uint32_t desired)
{
    static const uint32_t generic_bits[4] = {0x80000000, 0x40000000, 0x20000000, 0x10000000};
    const struct nt_type *t = nt_types[type];
    uint32_t access = desired & 0x0fffffff & ~0x02000000u;
    for (int i = 0; i < 4; i++)
        if (desired & generic_bits[i])
            access |= t->generic[i];
    if (desired & 0x02000000) /* MAXIMUM_ALLOWED */
        access |= t->generic[3];
    access &= t->valid_access | 0x01000000;
    /* The full right to ask or to change includes the limited one. */
    if (type == NT_TYPE_PROCESS && access & 0x400)
        access |= 0x1000;
    if (type == NT_TYPE_THREAD)
        access |= (access & 0x20 ? 0x400 : 0) | (access & 0x40 ? 0x800 : 0);
    return access;
}

/* Pseudo handles are small negative numbers, in either width. */
static struct nt_object *pseudo(struct nt_call *c, uint64_t handle)
{
    switch ((int32_t)handle) {
    case -1:
        return &c->p->o;
    case -2:
        return &c->t->o;
    case -4: /* process token */
        return nt_object_get(c->k, c->p->token, NT_TYPE_TOKEN);
    case -5: /* thread token */
        return c->t->token ? nt_object_get(c->k, c->t->token, NT_TYPE_TOKEN) : NULL;
    case -6: /* effective token */
        return nt_object_get(c->k, c->t->token ? c->t->token : c->p->token, NT_TYPE_TOKEN);
    default:
        return NULL;
    }
}

ntstatus nt_handle_get(struct nt_call *c, uint64_t handle, enum nt_type_id type, uint32_t access,
                       void *out)
{
    struct nt_object *o;
    struct nt_handle *h = row(&c->p->handles, handle);
    if (h) {
        o = nt_object_get(c->k, h->object, NT_TYPE_NONE);
        BUG_ON(!o);
        if (type != NT_TYPE_NONE && o->type != type)
            return STATUS_OBJECT_TYPE_MISMATCH;
        if (access & ~h->access)
            return STATUS_ACCESS_DENIED;
    } else {
        o = pseudo(c, handle);
        if (!o)
            return STATUS_INVALID_HANDLE;
        if (type != NT_TYPE_NONE && o->type != type)
            return STATUS_OBJECT_TYPE_MISMATCH;
    }
    *(void **)out = o;
    return STATUS_SUCCESS;
}

static void drop(struct nt_kernel *k, struct nt_process *p, size_t index)
{
    struct nt_handle_table *t = &p->handles;
    struct nt_object *o = nt_object_get(k, t->data[index].object, NT_TYPE_NONE);
    t->data[index] = (struct nt_handle){0};
    t->first_free = MIN(t->first_free, index);
    t->used--;
    BUG_ON(!o);
    o->handles--;
    if (nt_types[o->type]->closed)
        nt_types[o->type]->closed(k, o, p);
    if (!o->handles && o->name && !o->permanent)
        nt_name_remove(k, o);
    nt_object_unref(k, o);
}

ntstatus nt_handle_close(struct nt_kernel *k, struct nt_process *p, uint64_t handle)
{
    struct nt_handle *h = row(&p->handles, handle);
    if (!h) { /* closing a pseudo handle succeeds and does nothing */
        int32_t v = (int32_t)handle;
        return v <= -1 && v >= -6 ? STATUS_SUCCESS : STATUS_INVALID_HANDLE;
    }
    if (h->flags & NT_HANDLE_PROTECT)
        return STATUS_HANDLE_NOT_CLOSABLE;
    drop(k, p, (size_t)(h - p->handles.data));
    return STATUS_SUCCESS;
}

void nt_handles_close_all(struct nt_kernel *k, struct nt_process *p)
{
    for (size_t i = 0; i < p->handles.len; i++)
        if (p->handles.data[i].object)
            drop(k, p, i);
    free(p->handles.data);
    p->handles = (struct nt_handle_table){0};
}

void nt_handles_transfer(struct nt_kernel *k, struct ser *s, struct nt_handle_table *t)
{
    size_t n = t->len;
    ser_count(s, &n, HANDLES_MAX);
    for (size_t i = 0; i < n && !s->failed; i++) {
        if (s->loading)
            vec_push(t, (struct nt_handle){0});
        SER(s, t->data[i].object);
        SER(s, t->data[i].access);
        SER(s, t->data[i].flags);
        t->used += s->loading && t->data[i].object;
        nt_id_claim(k, s, t->data[i].object, NT_TYPE_NONE, NT_CLAIM_HANDLE);
    }
    SER(s, t->first_free);
    if (t->first_free > t->len)
        t->first_free = 0;
}
