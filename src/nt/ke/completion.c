// SPDX-License-Identifier: GPL-2.0-or-later
#include "nt/ke/completion.h"
#include "base/bits.h"
#include "base/vec.h"
#include "nt/call.h"
#include "nt/structs.h"

struct packet {
    uint64_t key, value, information;
    ntstatus status;
};

struct nt_io_completion {
    struct nt_object o;
    VEC(struct packet) queue;
};

enum { IO_COMPLETION_MODIFY = 2, QUEUE_MAX = 1 << 22, REMOVE_MAX = 4096 };

#define FIELDS_FILE_IO_COMPLETION_INFORMATION(F, S)                                                \
    F(S, PTR, KeyContext, 1)                                                                       \
    F(S, PTR, ApcContext, 1) F(S, PTR, Status, 1) F(S, PTR, Information, 1)
LAYOUT_STRUCT(FILE_IO_COMPLETION_INFORMATION);
LAYOUT_DEFINE(FILE_IO_COMPLETION_INFORMATION);

static void completion_destroy(struct nt_kernel *k, struct nt_object *o)
{
    vec_free(&((struct nt_io_completion *)o)->queue);
}

static void completion_transfer(struct nt_kernel *k, struct ser *s, struct nt_object *o)
{
    struct nt_io_completion *p = (struct nt_io_completion *)o;
    size_t n = p->queue.len;
    ser_count(s, &n, QUEUE_MAX);
    for (size_t i = 0; i < n && !s->failed; i++) {
        if (s->loading)
            vec_push(&p->queue, (struct packet){0});
        struct packet *q = &p->queue.data[i];
        SER(s, q->key);
        SER(s, q->value);
        SER(s, q->information);
        SER(s, q->status);
    }
}

static bool completion_signaled(struct nt_kernel *k, struct nt_object *o, struct nt_thread *t)
{
    return ((struct nt_io_completion *)o)->queue.len > 0;
}

static ntstatus completion_satisfy(struct nt_kernel *k, struct nt_object *o, struct nt_thread *t)
{
    return STATUS_SUCCESS;
}

const struct nt_type nt_type_io_completion = {
    .name = "IoCompletion",
    .size = sizeof(struct nt_io_completion),
    .generic = {0x20001, 0x20002, 0x120000, 0x1f0003},
    .valid_access = 0x1f0003,
    .destroy = completion_destroy,
    .transfer = completion_transfer,
    .signaled = completion_signaled,
    .satisfy = completion_satisfy,
};

void nt_completion_post(struct nt_kernel *k, nt_id port, uint64_t key, uint64_t value,
                        ntstatus status, uint64_t information)
{
    struct nt_io_completion *p = port ? nt_object_get(k, port, NT_TYPE_IO_COMPLETION) : NULL;
    if (!p || p->queue.len >= QUEUE_MAX)
        return;
    vec_push(&p->queue, (struct packet){key, value, information, status});
    nt_signal(k, &p->o);
}

ntstatus nt_create_io_completion(struct nt_call *c)
{
    const struct NtCreateIoCompletion_args *a = nt_args(c);
    struct nt_object *o;
    return nt_create_handle(c, NT_TYPE_IO_COMPLETION, a->ObjectAttributes,
                            (uint32_t)a->DesiredAccess, a->IoCompletionHandle, &o);
}

ntstatus nt_open_io_completion(struct nt_call *c)
{
    const struct NtOpenIoCompletion_args *a = nt_args(c);
    return nt_open_handle(c, NT_TYPE_IO_COMPLETION, a->ObjectAttributes, (uint32_t)a->DesiredAccess,
                          a->IoCompletionHandle);
}

ntstatus nt_set_io_completion(struct nt_call *c)
{
    const struct NtSetIoCompletion_args *a = nt_args(c);
    struct nt_io_completion *p;
    ntstatus s =
        nt_handle_get(c, a->IoCompletionHandle, NT_TYPE_IO_COMPLETION, IO_COMPLETION_MODIFY, &p);
    if (!s)
        nt_completion_post(c->k, p->o.id, a->KeyContext, a->ApcContext, (ntstatus)a->IoStatus,
                           a->IoStatusInformation);
    return s;
}

ntstatus nt_query_io_completion(struct nt_call *c)
{
    const struct NtQueryIoCompletion_args *a = nt_args(c);
    struct nt_io_completion *p;
    ntstatus s = nt_handle_get(c, a->IoCompletionHandle, NT_TYPE_IO_COMPLETION, 1, &p);
    if (s)
        return s;
    if (a->IoCompletionInformationClass != 0)
        return STATUS_INVALID_INFO_CLASS;
    uint32_t depth = (uint32_t)p->queue.len;
    if (a->IoCompletionInformationLength != sizeof depth)
        return STATUS_INFO_LENGTH_MISMATCH;
    return nt_return_info(c, a->IoCompletionInformation, sizeof depth, a->ReturnLength, &depth,
                          sizeof depth);
}

/* wait.arg: NtRemoveIoCompletion {key out, value out, iosb out, 0};
 * Ex {entries out, capacity, count out, 1}. */
static ntstatus put_one(struct nt_call *c, const uint64_t *arg, const struct packet *q)
{
    ntstatus s = nt_put_ptr(c, arg[0], q->key);
    if (!s)
        s = nt_put_ptr(c, arg[1], q->value);
    return s ? s : nt_put_iosb(c, arg[2], q->status, q->information);
}

static ntstatus put_many(struct nt_call *c, const uint64_t *arg, struct nt_io_completion *p)
{
    size_t step = layout_size(&layout_FILE_IO_COMPLETION_INFORMATION, nt_ptr_size(c));
    uint32_t n = 0;
    ntstatus s = STATUS_SUCCESS;
    for (; n < arg[1] && n < p->queue.len && !s; n++) {
        const struct packet *q = &p->queue.data[n];
        struct FILE_IO_COMPLETION_INFORMATION out = {.KeyContext = q->key,
                                                     .ApcContext = q->value,
                                                     .Status = q->status,
                                                     .Information = q->information};
        s = nt_put(c, &layout_FILE_IO_COMPLETION_INFORMATION, arg[0] + n * step, &out);
    }
    if (s)
        return s;
    memmove(p->queue.data, p->queue.data + n, (p->queue.len - n) * sizeof *p->queue.data);
    p->queue.len -= n;
    return nt_put_u32(c, arg[2], n);
}

ntstatus nt_completion_retry(struct nt_kernel *k, struct nt_thread *t)
{
    struct nt_io_completion *p = nt_object_get(k, t->wait.objects[0], NT_TYPE_IO_COMPLETION);
    struct nt_call c = {.k = k, .t = t, .p = nt_process_get(k, t->process)};
    c.mem = c.p->mem;
    if (!p->queue.len)
        return NT_BLOCKED;
    if (t->wait.arg[3])
        return put_many(&c, t->wait.arg, p);
    struct packet q = p->queue.data[0];
    vec_remove(&p->queue, 0);
    return put_one(&c, t->wait.arg, &q);
}

ntstatus nt_remove_io_completion(struct nt_call *c)
{
    const struct NtRemoveIoCompletion_args *a = nt_args(c);
    struct nt_io_completion *p;
    ntstatus s =
        nt_handle_get(c, a->IoCompletionHandle, NT_TYPE_IO_COMPLETION, IO_COMPLETION_MODIFY, &p);
    if (s)
        return s;
    struct nt_wait w = {.kind = NT_WAIT_COMPLETION, .count = 1, .retry = NT_RETRY_COMPLETION};
    w.objects[0] = p->o.id;
    w.arg[0] = a->KeyContext;
    w.arg[1] = a->ApcContext;
    w.arg[2] = a->IoStatusBlock;
    s = nt_wait_timeout(c, a->Timeout, &w);
    return s ? s : nt_wait_begin(c, &w);
}

ntstatus nt_remove_io_completion_ex(struct nt_call *c)
{
    const struct NtRemoveIoCompletionEx_args *a = nt_args(c);
    struct nt_io_completion *p;
    if (!a->Count)
        return STATUS_INVALID_PARAMETER;
    ntstatus s =
        nt_handle_get(c, a->IoCompletionHandle, NT_TYPE_IO_COMPLETION, IO_COMPLETION_MODIFY, &p);
    if (s)
        return s;
    struct nt_wait w = {.kind = NT_WAIT_COMPLETION,
                        .count = 1,
                        .retry = NT_RETRY_COMPLETION,
                        .alertable = a->Alertable};
    w.objects[0] = p->o.id;
    w.arg[0] = a->IoCompletionInformation;
    w.arg[1] = MIN(a->Count, (uint64_t)REMOVE_MAX);
    w.arg[2] = a->NumEntriesRemoved;
    w.arg[3] = 1;
    s = nt_wait_timeout(c, a->Timeout, &w);
    if (!s) /* what callers see who get nothing: a time-out or an APC counts as one */
        s = nt_put_u32(c, a->NumEntriesRemoved, 1);
    return s ? s : nt_wait_begin(c, &w);
}
