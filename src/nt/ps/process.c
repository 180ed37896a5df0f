// SPDX-License-Identifier: GPL-2.0-or-later
#include "nt/ps/process.h"
#include "base/vec.h"
#include "nt/call.h"
#include "nt/structs.h"
#include "nt/mm/mm.h"

#include <stdio.h>

static void process_destroy(struct nt_kernel *k, struct nt_object *o)
{
    struct nt_process *p = (struct nt_process *)o;
    if (p->mem) {
        nt_mm_release_process(k, p);
        mem_destroy(p->mem);
    }
    free(p->handles.data);
    free(p->image_path);
}

static void process_transfer(struct nt_kernel *k, struct ser *s, struct nt_object *o)
{
    struct nt_process *p = (struct nt_process *)o;
    SER(s, p->pid);
    SER(s, p->parent_pid);
    SER(s, p->ptr_size);
    SER(s, p->large_address_aware);
    nt_handles_transfer(k, s, &p->handles);
    SER(s, p->peb);
    SER(s, p->image_base);
    SER(s, p->entry);
    ser_utf16(s, &p->image_path, &p->image_path_len, 0x8000);
    SER(s, p->thread_count);
    SER(s, p->ending);
    SER(s, p->ended);
    SER(s, p->exit_status);
    SER(s, p->created);
    SER(s, p->ended_at);
    SER(s, p->ntdll_base);
    SER(s, p->ki_exception);
    SER(s, p->ki_apc);
    SER(s, p->ki_callback);
    SER(s, p->ki_raise);
    SER(s, p->ldr_init_thunk);
    SER(s, p->rtl_user_thread_start);
    SER(s, p->token);
    SER(s, p->debug_port);
    SER(s, p->job);
    SER(s, p->error_mode);
    SER(s, p->execute_flags);
    SER(s, p->priority_class);
    SER(s, p->cookie);
    SER(s, p->affinity);
    SER(s, p->window_station);
    SER(s, p->desktop);
    if (s->loading && p->ptr_size != 4 && p->ptr_size != 8)
        ser_fail(s, "snapshot: a process with pointers of %u bytes", p->ptr_size);
}

static bool process_signaled(struct nt_kernel *k, struct nt_object *o, struct nt_thread *t)
{
    return ((struct nt_process *)o)->ended;
}

static ntstatus process_satisfy(struct nt_kernel *k, struct nt_object *o, struct nt_thread *t)
{
    return STATUS_SUCCESS;
}

static size_t process_describe(struct nt_kernel *k, struct nt_object *o, char *out, size_t size)
{
    int n = snprintf(out, size, "%u", ((struct nt_process *)o)->pid);
    return n < 0 ? 0 : (size_t)n;
}

const struct nt_type nt_type_process = {
    .name = "Process",
    .size = sizeof(struct nt_process),
    .generic = {0x20410, 0x20bea, 0x121001, 0x1fffff},
    .valid_access = 0x1fffff,
    .destroy = process_destroy,
    .transfer = process_transfer,
    .signaled = process_signaled,
    .satisfy = process_satisfy,
    .describe = process_describe,
};

struct ending {
    struct nt_process *p;
    struct nt_thread *except;
    ntstatus status;
    bool await;
};

static void end_if_mine(struct nt_kernel *k, struct nt_object *o, void *ctx)
{
    struct ending *e = ctx;
    struct nt_thread *t = (struct nt_thread *)o;
    if (t->process == e->p->o.id && t != e->except && t->state != NT_THREAD_ENDED)
        nt_thread_end(k, t, e->status);
}

/* Asks all of them at once, so that they stop side by side. */
static void ask_to_stand(struct nt_kernel *k, struct nt_object *o, void *ctx)
{
    struct ending *e = ctx;
    struct nt_thread *t = (struct nt_thread *)o;
    if (t->process == e->p->o.id && t != e->except && t->state == NT_THREAD_RUNNING &&
        k->up.stand_still && !k->up.stand_still(k, t))
        e->await = true;
}

static void end_threads(struct nt_kernel *k, struct nt_process *p, struct nt_thread *except,
                        ntstatus status)
{
    struct ending e = {.p = p, .except = except, .status = status};
    nt_object_each(k, NT_TYPE_THREAD, end_if_mine, &e);
}

void nt_process_end(struct nt_kernel *k, struct nt_process *p, ntstatus status)
{
    if (p->ended)
        return;
    nt_object_ref(&p->o);
    p->ending = true;
    p->exit_status = status;
    end_threads(k, p, NULL, status);
    p->ended = true;
    p->ended_at = nt_system_time(k);
    NT_TELL(k, process_end, p);
    nt_handles_close_all(k, p);
    nt_signal(k, &p->o);
    nt_object_unref(k, &p->o);
}

ntstatus nt_terminate_process(struct nt_call *c)
{
    const struct NtTerminateProcess_args *a = nt_args(c);
    struct nt_process *p;
    if (!a->ProcessHandle) { /* every thread but the caller; the process goes on */
        struct ending e = {.p = c->p, .except = c->t};
        c->p->ending = true;
        nt_object_each(c->k, NT_TYPE_THREAD, ask_to_stand, &e);
        if (e.await)
            return NT_AWAIT;
        end_threads(c->k, c->p, c->t, (ntstatus)a->ExitStatus);
        return STATUS_SUCCESS;
    }
    ntstatus s = nt_handle_get(c, a->ProcessHandle, NT_TYPE_PROCESS, 1, &p);
    if (s)
        return s;
    if (p->ended)
        return STATUS_PROCESS_IS_TERMINATING;
    nt_process_end(c->k, p, (ntstatus)a->ExitStatus);
    return p == c->p ? NT_BLOCKED : STATUS_SUCCESS;
}

struct by_pid {
    uint64_t pid;
    struct nt_process *p;
};

static void match_pid(struct nt_kernel *k, struct nt_object *o, void *ctx)
{
    struct by_pid *b = ctx;
    if (((struct nt_process *)o)->pid == b->pid)
        b->p = (struct nt_process *)o;
}

struct nt_process *nt_process_by_pid(struct nt_kernel *k, uint64_t pid)
{
    struct by_pid b = {.pid = pid};
    nt_object_each(k, NT_TYPE_PROCESS, match_pid, &b);
    return b.p;
}

/* And zeroes the handle, which is what callers see on failure. */
static ntstatus read_client_id(struct nt_call *c, uint64_t handle_out, uint64_t va,
                               struct CLIENT_ID *id)
{
    ntstatus s = nt_zero_handle(c, handle_out, STATUS_SUCCESS);
    if (s)
        return s;
    if (!va)
        return STATUS_INVALID_PARAMETER_MIX;
    s = nt_get(c, &layout_CLIENT_ID, va, id);
    id->UniqueProcess &= ~3ull; /* ids are handles of a sort: the low two bits do not count */
    id->UniqueThread &= ~3ull;
    return s;
}

ntstatus nt_open_process(struct nt_call *c)
{
    const struct NtOpenProcess_args *a = nt_args(c);
    struct CLIENT_ID id;
    struct nt_attrs at;
    ntstatus s = read_client_id(c, a->ProcessHandle, a->ClientId, &id);
    if (!s)
        s = nt_attrs_read(c, a->ObjectAttributes, &at);
    if (s)
        return s;
    nt_attrs_free(&at);
    struct nt_process *p = nt_process_by_pid(c->k, id.UniqueProcess);
    if (!p)
        return STATUS_INVALID_CID;
    nt_object_ref(&p->o);
    return nt_return_handle(c, &p->o, (uint32_t)a->DesiredAccess, &at, a->ProcessHandle);
}

ntstatus nt_open_thread(struct nt_call *c)
{
    const struct NtOpenThread_args *a = nt_args(c);
    struct CLIENT_ID id;
    struct nt_attrs at;
    ntstatus s = read_client_id(c, a->ThreadHandle, a->ClientId, &id);
    if (!s)
        s = nt_attrs_read(c, a->ObjectAttributes, &at);
    if (s)
        return s;
    nt_attrs_free(&at);
    struct nt_thread *t = nt_thread_by_tid(c->k, (uint32_t)id.UniqueThread);
    if (!t || (id.UniqueProcess && nt_process_get(c->k, t->process)->pid != id.UniqueProcess))
        return STATUS_INVALID_CID;
    nt_object_ref(&t->o);
    return nt_return_handle(c, &t->o, (uint32_t)a->DesiredAccess, &at, a->ThreadHandle);
}

/* Enumeration goes by slot: the next object of the type behind the one given. */
struct next {
    nt_id after, process;
    bool passed, backwards;
    struct nt_object *found;
};

static void pick_next(struct nt_kernel *k, struct nt_object *o, void *ctx)
{
    struct next *n = ctx;
    bool mine = o->type != NT_TYPE_THREAD || ((struct nt_thread *)o)->process == n->process;
    if (n->backwards) {
        n->passed |= n->after == o->id;
        if (mine && !n->passed)
            n->found = o; /* the last one before */
        return;
    }
    if (n->passed && !n->found && mine)
        n->found = o;
    if (o->id == n->after)
        n->passed = true;
}

static ntstatus give_next(struct nt_call *c, enum nt_type_id type, struct next *n, uint64_t access,
                          uint64_t attributes, uint64_t out)
{
    struct nt_attrs at = {.attributes = (uint32_t)attributes};
    n->passed = !n->after && !n->backwards;
    nt_object_each(c->k, type, pick_next, n);
    if (!n->found)
        return STATUS_NO_MORE_ENTRIES;
    nt_object_ref(n->found);
    return nt_return_handle(c, n->found, (uint32_t)access, &at, out);
}

ntstatus nt_get_next_thread(struct nt_call *c)
{
    const struct NtGetNextThread_args *a = nt_args(c);
    struct nt_process *p;
    struct nt_thread *t = NULL;
    ntstatus s = nt_zero_handle(c, a->NewThreadHandle, STATUS_SUCCESS);
    if (!s && a->Flags > 1)
        s = STATUS_INVALID_PARAMETER;
    if (!s)
        s = nt_handle_get(c, a->ProcessHandle, NT_TYPE_PROCESS, 0, &p);
    if (!s && a->ThreadHandle)
        s = nt_handle_get(c, a->ThreadHandle, NT_TYPE_THREAD, 0, &t);
    if (s)
        return s;
    struct next n = {.after = t ? t->o.id : 0, .process = p->o.id, .backwards = a->Flags};
    return give_next(c, NT_TYPE_THREAD, &n, a->DesiredAccess, a->HandleAttributes,
                     a->NewThreadHandle);
}

ntstatus nt_get_next_process(struct nt_call *c)
{
    const struct NtGetNextProcess_args *a = nt_args(c);
    struct nt_process *p = NULL;
    ntstatus s = STATUS_SUCCESS;
    if (a->ProcessHandle)
        s = nt_handle_get(c, a->ProcessHandle, NT_TYPE_PROCESS, 0, &p);
    if (s)
        return s;
    struct next n = {.after = p ? p->o.id : 0};
    return give_next(c, NT_TYPE_PROCESS, &n, a->DesiredAccess, a->HandleAttributes,
                     a->NewProcessHandle);
}
