// SPDX-License-Identifier: GPL-2.0-or-later
#include "nt/ob/object.h"
#include "base/vec.h"
#include "nt/kernel.h"

/* An id is a slot number with the slot's generation above it, so that a stale id finds nothing. */
enum {
    SLOT_BITS = 20,
    SLOT_MASK = (1 << SLOT_BITS) - 1,
    GENERATIONS = 1 << (32 - SLOT_BITS),
    KEPT = 4096 /* slots for objects that no service was asked for: what views and devices need */
};

struct slot {
    struct nt_object *o;
    uint32_t generation;
};

struct nt_object_table {
    struct slot *data;
    size_t len, cap;
    VEC(uint32_t) free;
};

struct nt_object_table *nt_objects_create(void)
{
    struct nt_object_table *t = xcalloc(1, sizeof *t);
    vec_push(t, (struct slot){0}); /* slot 0 is never used: id 0 is none */
    return t;
}

static void release_parts(struct nt_kernel *k, struct nt_object *o)
{
    nt_types[o->type]->destroy(k, o);
    free(o->name);
    free(o);
}

static void destroy_all(struct nt_kernel *k)
{
    struct nt_object_table *t = k->objects;
    /* Destructors drop references to other objects: take the objects away one by one, and let
     * them find nothing where others were before. */
    for (size_t i = t->len; i-- > 1;) {
        struct nt_object *o = t->data[i].o;
        if (!o)
            continue;
        t->data[i].o = NULL;
        release_parts(k, o);
    }
    t->len = t->free.len = 0;
}

void nt_objects_destroy(struct nt_kernel *k)
{
    struct nt_object_table *t = k->objects;
    if (!t)
        return;
    destroy_all(k);
    free(t->data);
    vec_free(&t->free);
    free(t);
    k->objects = NULL;
}

uint32_t nt_id_slot(nt_id id)
{
    return id & SLOT_MASK;
}

static void place(struct nt_object_table *t, uint32_t slot, struct nt_object *o)
{
    t->data[slot].o = o;
    o->id = slot | t->data[slot].generation << SLOT_BITS;
}

bool nt_object_room(const struct nt_kernel *k)
{
    return k->objects->len - k->objects->free.len <= SLOT_MASK - KEPT;
}

void *nt_object_new(struct nt_kernel *k, enum nt_type_id type)
{
    struct nt_object_table *t = k->objects;
    struct nt_object *o = xcalloc(1, nt_types[type]->size);
    uint32_t slot;
    if (t->free.len) {
        slot = t->free.data[--t->free.len];
    } else {
        slot = (uint32_t)t->len;
        BUG_ON(slot > SLOT_MASK);
        vec_push(t, (struct slot){0});
    }
    o->type = (uint8_t)type;
    o->refs = 1;
    place(t, slot, o);
    return o;
}

void *nt_object_get(struct nt_kernel *k, nt_id id, enum nt_type_id type)
{
    uint32_t slot = id & SLOT_MASK;
    if (slot >= k->objects->len)
        return NULL;
    struct nt_object *o = k->objects->data[slot].o;
    if (!o || o->id != id || (type != NT_TYPE_NONE && o->type != type))
        return NULL;
    return o;
}

void nt_object_ref(struct nt_object *o)
{
    o->refs++;
}

void nt_object_unref(struct nt_kernel *k, struct nt_object *o)
{
    BUG_ON(o->refs == 0);
    if (--o->refs)
        return;
    struct nt_object_table *t = k->objects;
    uint32_t slot = o->id & SLOT_MASK;
    if (o->directory)
        nt_name_remove(k, o);
    t->data[slot].o = NULL;
    t->data[slot].generation = (t->data[slot].generation + 1) % GENERATIONS;
    vec_push(&t->free, slot);
    release_parts(k, o);
}

void nt_id_unref(struct nt_kernel *k, nt_id id)
{
    struct nt_object *o = id ? nt_object_get(k, id, NT_TYPE_NONE) : NULL;
    if (o)
        nt_object_unref(k, o);
}

void nt_object_each(struct nt_kernel *k, enum nt_type_id type,
                    void (*fn)(struct nt_kernel *k, struct nt_object *o, void *ctx), void *ctx)
{
    for (size_t i = 1; i < k->objects->len; i++) {
        struct nt_object *o = k->objects->data[i].o;
        if (o && (type == NT_TYPE_NONE || o->type == type))
            fn(k, o, ctx);
    }
}

static void transfer_object(struct nt_kernel *k, struct ser *s, uint32_t slot)
{
    struct nt_object_table *t = k->objects;
    uint8_t type = t->data[slot].o ? t->data[slot].o->type : NT_TYPE_NONE;
    SER(s, t->data[slot].generation);
    SER(s, type);
    if (s->loading) {
        if (type >= NT_TYPE_COUNT || (type && !nt_types[type])) {
            ser_fail(s, "snapshot: object %u is of unknown type %u", slot, type);
            type = NT_TYPE_NONE;
        }
        t->data[slot].generation %= GENERATIONS;
        if (!type) {
            vec_push(&t->free, slot);
            return;
        }
        struct nt_object *o = xcalloc(1, nt_types[type]->size);
        o->type = type;
        place(t, slot, o);
    } else if (!type) {
        return;
    }
    struct nt_object *o = t->data[slot].o;
    SER(s, o->permanent);
    SER(s, o->refs);
    SER(s, o->handles);
    SER(s, o->waiters);
    SER(s, o->directory);
    ser_utf16(s, &o->name, &o->name_len, 0x8000);
    nt_types[type]->transfer(k, s, o);
}

/* The order in which slots are reused decides later ids: it is state too. */
static void transfer_free_slots(struct nt_object_table *t, struct ser *s)
{
    size_t n = t->free.len;
    ser_count(s, &n, SLOT_MASK);
    if (s->loading && n != t->free.len)
        ser_fail(s, "snapshot: %zu free object slots, %zu expected", n, t->free.len);
    bool *seen = xcalloc(t->len + 1, sizeof *seen);
    for (size_t i = 0; i < n && !s->failed; i++) {
        uint32_t *slot = &t->free.data[i];
        SER(s, *slot);
        if (s->loading && (!*slot || *slot >= t->len || t->data[*slot].o || seen[*slot]))
            ser_fail(s, "snapshot: object slot %u is not free", *slot);
        else
            seen[*slot] = true;
    }
    free(seen);
    if (s->failed && s->loading)
        t->free.len = 0;
}

void nt_objects_transfer(struct nt_kernel *k, struct ser *s)
{
    struct nt_object_table *t = k->objects;
    size_t n = t->len;
    ser_tag(s, "OBJS");
    ser_count(s, &n, SLOT_MASK);
    if (s->loading && !n)
        ser_fail(s, "snapshot: it has no objects");
    if (s->loading && !s->failed) {
        destroy_all(k);
        for (size_t i = 0; i < n; i++)
            vec_push(t, (struct slot){0});
    }
    for (uint32_t i = 1; i < n && !s->failed; i++)
        transfer_object(k, s, i);
    transfer_free_slots(t, s);
}

static void pin(struct nt_kernel *k, struct nt_object *o, void *ctx)
{
    (void)k;
    (void)ctx;
    o->refs = UINT32_MAX / 2;
}

void nt_objects_pin(struct nt_kernel *k)
{
    nt_object_each(k, NT_TYPE_NONE, pin, NULL);
}
