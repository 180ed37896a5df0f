// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Change notifications. The first NtNotifyChangeKey on a handle decides what it watches; later ones
 * only add events. A key knows the key objects that watch it, so that a change costs nothing else.
 */
#include "mem/space.h"
#include "nt/cm/key.h"
#include "nt/ke/sync.h"
#include "nt/structs.h"

static void finish(struct nt_kernel *k, struct nt_key *object, struct reg_post *post,
                   ntstatus status)
{
    struct nt_process *p = nt_process_get(k, post->process);
    struct nt_thread *t = nt_thread_get(k, post->thread);
    /* RegNotifyChangeKeyValue passes a block on its stack, which is gone when an event is the only
     * answer; who waits or gets an APC keeps it. */
    if (p && p->mem && post->iosb && (post->waits || post->apc)) {
        struct IO_STATUS_BLOCK io = {.Status = status};
        uint8_t guest[sizeof io];
        layout_put(&layout_IO_STATUS_BLOCK, p->ptr_size, &io, guest);
        mem_write(p->mem, post->iosb, guest, layout_size(&layout_IO_STATUS_BLOCK, p->ptr_size));
    }
    if (post->event) {
        nt_event_set(k, post->event);
        nt_id_unref(k, post->event);
    }
    if (t && post->apc && t->state != NT_THREAD_ENDED)
        nt_apc_queue(
            k, t,
            &(struct nt_apc){.routine = post->apc, .arg = {post->apc_context, post->iosb, 0}});
    if (t && post->waits && t->state == NT_THREAD_WAITING && t->wait.kind == NT_WAIT_WORK &&
        t->wait.arg[0] == object->o.id)
        nt_wait_end(k, t, STATUS_SUCCESS);
}

static void fire(struct nt_kernel *k, struct nt_key *object, ntstatus status)
{
    /* What a notification wakes may watch anew: work on what is there now. */
    struct reg_post *posts = object->posts.data;
    size_t n = object->posts.len;
    object->posts.data = NULL;
    object->posts.len = object->posts.cap = 0;
    for (size_t i = 0; i < n; i++)
        finish(k, object, &posts[i], status);
    free(posts);
}

void reg_notify_end(struct nt_kernel *k, struct nt_key *object, ntstatus status)
{
    if (!object->armed)
        return;
    object->armed = false;
    struct reg_key *key = k->registry ? reg_key_by_id(k->registry, object->key) : NULL;
    for (size_t i = 0; key && i < key->watchers.len; i++) {
        if (key->watchers.data[i] == object->o.id) {
            vec_remove(&key->watchers, i);
            break;
        }
    }
    fire(k, object, status);
}

static void tell(struct nt_kernel *k, struct reg_key *key, uint32_t change, bool below)
{
    for (size_t i = 0; i < key->watchers.len; i++) {
        struct nt_key *object = nt_object_get(k, key->watchers.data[i], NT_TYPE_KEY);
        if (object && object->filter & change && (!below || object->subtree))
            fire(k, object, STATUS_NOTIFY_ENUM_DIR);
    }
}

void reg_touch(struct nt_kernel *k, struct reg_key *key, uint32_t change)
{
    key->written = nt_system_time(k);
    if (!change)
        return;
    tell(k, key, change, false);
    for (struct reg_key *up = key->parent; up; up = up->parent)
        tell(k, up, change, true);
}

void reg_notify_deleted(struct nt_kernel *k, struct reg_key *key)
{
    while (key->watchers.len) {
        struct nt_key *object = nt_object_get(k, key->watchers.data[0], NT_TYPE_KEY);
        if (object && object->armed)
            reg_notify_end(k, object, STATUS_NOTIFY_CLEANUP);
        else
            vec_remove(&key->watchers, 0);
    }
}

struct notify {
    uint64_t key, event, apc, apc_context, iosb, filter, subtree, async;
};

static ntstatus notify(struct nt_call *c, const struct notify *a)
{
    struct reg_key *key;
    struct nt_key *object;
    struct nt_object *event = NULL;
    ntstatus s = reg_handle(c, a->key, KEY_NOTIFY, &key, &object);
    if (!s && a->event)
        s = nt_handle_get(c, a->event, NT_TYPE_EVENT, 2, &event);
    if (!s)
        s = nt_probe_write(c, a->iosb, 2 * nt_ptr_size(c));
    if (s)
        return s;
    if (!object->armed) {
        object->armed = true;
        object->filter = (uint32_t)a->filter;
        object->subtree = a->subtree & 1;
        vec_push(&key->watchers, object->o.id);
    }
    struct reg_post post = {.process = c->p->o.id,
                            .thread = c->t->o.id,
                            .iosb = a->iosb,
                            .apc = a->apc,
                            .apc_context = a->apc_context,
                            .waits = !(a->async & 1)};
    if (event) {
        nt_object_ref(event);
        nt_event_reset(c->k, event->id);
        post.event = event->id;
    }
    vec_push(&object->posts, post);
    if (!post.waits)
        return STATUS_PENDING;
    struct nt_wait w = {.kind = NT_WAIT_WORK, .arg = {object->o.id}};
    return nt_wait_begin(c, &w);
}

ntstatus nt_notify_change_key(struct nt_call *c)
{
    const struct NtNotifyChangeKey_args *a = nt_args(c);
    return notify(c, &(struct notify){a->KeyHandle, a->Event, a->ApcRoutine, a->ApcContext,
                                      a->IoStatusBlock, a->CompletionFilter, a->WatchTree,
                                      a->Asynchronous});
}

ntstatus nt_notify_change_multiple_keys(struct nt_call *c)
{
    const struct NtNotifyChangeMultipleKeys_args *a = nt_args(c);
    if (a->Count > 1)
        return STATUS_INVALID_PARAMETER;
    if (a->Count) {
        /* Windows watches a second tree as well; nothing asks for it. */
        nt_note(c->k, NT_NOTE_SERVICE, "NtNotifyChangeMultipleKeys with a second key", NULL);
        return STATUS_NOT_IMPLEMENTED;
    }
    return notify(c, &(struct notify){a->MasterKeyHandle, a->Event, a->ApcRoutine, a->ApcContext,
                                      a->IoStatusBlock, a->CompletionFilter, a->WatchTree,
                                      a->Asynchronous});
}
