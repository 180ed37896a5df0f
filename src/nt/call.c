// SPDX-License-Identifier: GPL-2.0-or-later
#include "nt/call.h"
#include "base/bits.h"
#include "base/vec.h"
#include "base/utf.h"
#include "mem/space.h"
#include "nt/mm/mm.h"
#include "nt/structs.h"

#include <inttypes.h>
#include <stdio.h>

static const uint8_t arg_width[NT_ARG_COUNT] = {
#define ARGTYPE(name, width) [NT_ARG_##name] = width,
#include "nt/types.def"
#undef ARGTYPE
};

const char *nt_category_name(enum nt_category c)
{
    static const char *const names[] = {
#define CATEGORY(name) [NT_CAT_##name] = #name,
#include "nt/categories.def"
#undef CATEGORY
    };
    return (unsigned)c < ARRAY_LEN(names) ? names[c] : "unknown";
}

/* ---- Guest memory
 * --------------------------------------------------------------------------------- */

/* What a system call gives for any bad pointer; other guard pages are consumed like by the guest.
 */
static ntstatus fault_status(ntstatus s)
{
    return s == STATUS_GUARD_PAGE_VIOLATION || !s ? s : STATUS_ACCESS_VIOLATION;
}

static bool stack_grew(struct nt_call *c, ntstatus s, uint64_t va, size_t len)
{
    return s == STATUS_GUARD_PAGE_VIOLATION && c->k->up.grow_stack &&
           c->k->up.grow_stack(c->k, c->t, va, len);
}

ntstatus nt_read(struct nt_call *c, uint64_t va, void *out, size_t len)
{
    ntstatus s = mem_read(c->mem, va, out, len);
    if (__builtin_expect(s != 0, 0) && stack_grew(c, s, va, len))
        s = mem_read(c->mem, va, out, len);
    return fault_status(s);
}

ntstatus nt_write(struct nt_call *c, uint64_t va, const void *data, size_t len)
{
    ntstatus s = mem_write(c->mem, va, data, len);
    if (__builtin_expect(s != 0, 0) && stack_grew(c, s, va, len))
        s = mem_write(c->mem, va, data, len);
    return fault_status(s);
}

enum { LAYOUT_MAX = 1024 };

ntstatus nt_get(struct nt_call *c, const struct layout *l, uint64_t va, void *host)
{
    uint8_t guest[LAYOUT_MAX];
    size_t size = layout_size(l, nt_ptr_size(c));
    BUG_ON(size > sizeof guest);
    ntstatus s = nt_read(c, va, guest, size);
    if (!s)
        layout_get(l, nt_ptr_size(c), guest, host);
    return s;
}

ntstatus nt_put(struct nt_call *c, const struct layout *l, uint64_t va, const void *host)
{
    uint8_t guest[LAYOUT_MAX];
    size_t size = layout_size(l, nt_ptr_size(c));
    BUG_ON(size > sizeof guest);
    layout_put(l, nt_ptr_size(c), host, guest);
    return nt_write(c, va, guest, size);
}

ntstatus nt_put_u8(struct nt_call *c, uint64_t va, uint8_t v)
{
    return nt_write(c, va, &v, sizeof v);
}

ntstatus nt_put_u32(struct nt_call *c, uint64_t va, uint32_t v)
{
    return nt_write(c, va, &v, sizeof v);
}

ntstatus nt_put_u64(struct nt_call *c, uint64_t va, uint64_t v)
{
    return nt_write(c, va, &v, sizeof v);
}

ntstatus nt_get_u32(struct nt_call *c, uint64_t va, uint32_t *v)
{
    return nt_read(c, va, v, sizeof *v);
}

ntstatus nt_get_u64(struct nt_call *c, uint64_t va, uint64_t *v)
{
    return nt_read(c, va, v, sizeof *v);
}

ntstatus nt_put_ptr(struct nt_call *c, uint64_t va, uint64_t v)
{
    return nt_write(c, va, &v, nt_ptr_size(c));
}

ntstatus nt_get_ptr(struct nt_call *c, uint64_t va, uint64_t *v)
{
    *v = 0;
    return nt_read(c, va, v, nt_ptr_size(c));
}

ntstatus nt_probe_write(struct nt_call *c, uint64_t va, size_t len)
{
    while (len) {
        size_t n = len;
        ntstatus s;
        if (!mem_window(c->mem, va, &n, MEM_W, &s))
            return fault_status(s);
        va += n;
        len -= n;
    }
    return STATUS_SUCCESS;
}

ntstatus nt_read_string(struct nt_call *c, uint64_t va, uint16_t **out, size_t *len)
{
    struct UNICODE_STRING us;
    ntstatus s = nt_get(c, &layout_UNICODE_STRING, va, &us);
    if (s)
        return s;
    size_t units = us.Length / 2u;
    uint16_t *text = xmalloc((units + 1) * sizeof *text);
    s = nt_read(c, us.Buffer, text, units * 2);
    if (s) {
        free(text);
        return s;
    }
    text[units] = 0;
    *out = text;
    *len = units;
    return STATUS_SUCCESS;
}

ntstatus nt_put_iosb(struct nt_call *c, uint64_t va, ntstatus status, uint64_t information)
{
    struct IO_STATUS_BLOCK io = {.Status = status, .Information = information};
    return va ? nt_put(c, &layout_IO_STATUS_BLOCK, va, &io) : STATUS_SUCCESS;
}

ntstatus nt_return_info(struct nt_call *c, uint64_t buffer, uint32_t length, uint64_t return_length,
                        const void *data, size_t need)
{
    ntstatus s = return_length ? nt_put_u32(c, return_length, (uint32_t)need) : STATUS_SUCCESS;
    if (s)
        return s;
    if (length < need)
        return STATUS_INFO_LENGTH_MISMATCH;
    return nt_write(c, buffer, data, need);
}

ntstatus nt_return_layout(struct nt_call *c, uint64_t buffer, uint32_t length,
                          uint64_t return_length, const struct layout *l, const void *host)
{
    uint8_t guest[LAYOUT_MAX];
    size_t size = layout_size(l, nt_ptr_size(c));
    BUG_ON(size > sizeof guest);
    layout_put(l, nt_ptr_size(c), host, guest);
    return nt_return_info(c, buffer, length, return_length, guest, size);
}

static uint64_t calling_address(const struct nt_call *c)
{
    uint64_t ra = 0, sp = c->t->cpu.gpr[X86_RSP];
    unsigned size = c->p->ptr_size;
    mem_peek(c->mem, size == 4 ? (uint32_t)sp : sp, &ra, size);
    return ra;
}

void nt_describe_address(struct nt_kernel *k, struct nt_process *p, uint64_t va, char *out,
                         size_t size)
{
    struct nt_view v;
    if (!nt_image_at(k, p, va, &v) || !v.path) {
        snprintf(out, size, "0x%" PRIx64, va);
        return;
    }
    size_t at = v.path_len;
    while (at && v.path[at - 1] != '\\')
        at--;
    char *name = utf16_to_utf8(v.path + at, v.path_len - at, NULL);
    snprintf(out, size, "%s+0x%" PRIx64, name, va - v.base);
    free(name);
}

static void note_call(struct nt_call *c, enum nt_note_kind kind, const char *what)
{
    char where[160];
    nt_describe_address(c->k, c->p, c->caller, where, sizeof where);
    nt_note(c->k, kind, what, where);
}

ntstatus nt_unknown_class(struct nt_call *c, uint32_t info_class)
{
    char what[128];
    snprintf(what, sizeof what, "%s class %" PRIu32, c->service->name, info_class);
    c->caller = calling_address(c);
    note_call(c, NT_NOTE_CLASS, what);
    return STATUS_INVALID_INFO_CLASS;
}

/* ---- Dispatch
 * ---------------------------------------------------------------------------------------- */

static uint64_t narrow(const struct nt_arg *arg, uint64_t value, unsigned ptr_size)
{
    unsigned width = arg_width[arg->type] ? arg_width[arg->type] : ptr_size;
    return width >= 8 ? value : value & ((1ull << width * 8) - 1);
}

/* x64: r10, rdx, r8, r9, then the stack above the return address and the shadow space. */
static ntstatus fetch64(struct nt_call *c)
{
    static const uint8_t regs[] = {X86_R10, X86_RDX, X86_R8, X86_R9};
    const uint64_t *gpr = c->t->cpu.gpr;
    size_t n = c->service->arg_count;
    for (size_t i = 0; i < n && i < ARRAY_LEN(regs); i++)
        c->arg[i] = gpr[regs[i]];
    if (n > ARRAY_LEN(regs))
        return mem_read(c->mem, gpr[X86_RSP] + 0x28, c->arg + 4, (n - 4) * 8);
    return STATUS_SUCCESS;
}

/* i386: the return into the stub is off the stack already: [esp] returns to the stub's caller,
 * arguments follow. */
static ntstatus fetch32(struct nt_call *c)
{
    uint32_t stack[2 * NT_ARGS_MAX];
    const struct nt_service *service = c->service;
    size_t slots = 0, at = 0;
    for (size_t i = 0; i < service->arg_count; i++)
        slots += arg_width[service->args[i].type] == 8 ? 2 : 1;
    ntstatus s = mem_read(c->mem, (uint32_t)c->t->cpu.gpr[X86_RSP] + 4, stack, slots * 4);
    for (size_t i = 0; i < service->arg_count && !s; i++) {
        c->arg[i] = stack[at++];
        if (arg_width[service->args[i].type] == 8)
            c->arg[i] |= (uint64_t)stack[at++] << 32;
    }
    return s;
}

static ntstatus fetch_arguments(struct nt_call *c)
{
    ntstatus s = c->p->ptr_size == 4 ? fetch32(c) : fetch64(c);
    for (size_t i = 0; i < c->service->arg_count; i++)
        c->arg[i] = narrow(&c->service->args[i], c->arg[i], c->p->ptr_size);
    return s ? STATUS_ACCESS_VIOLATION : STATUS_SUCCESS;
}

static ntstatus unknown_number(struct nt_call *c)
{
    char what[64];
    snprintf(what, sizeof what, "service 0x%" PRIx32, c->number);
    c->caller = calling_address(c);
    note_call(c, NT_NOTE_SERVICE, what);
    return STATUS_INVALID_SYSTEM_SERVICE;
}

static ntstatus missing(struct nt_call *c)
{
    c->caller = calling_address(c);
    note_call(c, NT_NOTE_SERVICE, c->service->name);
    if (c->k->cfg.strict)
        c->k->stop_requested = true;
    return STATUS_NOT_IMPLEMENTED;
}

bool nt_stands_still(struct nt_call *c, struct nt_thread *t)
{
    return t == c->t || !c->k->up.stand_still || c->k->up.stand_still(c->k, t);
}

static bool gives_handle(const struct nt_service *service)
{
    for (size_t i = 0; i < service->arg_count; i++)
        if (service->args[i].type == NT_ARG_PHANDLE && service->args[i].direction == NT_OUT)
            return true;
    return false;
}

static ntstatus call_function(struct nt_call *c)
{
    ntstatus s;
    bool awaited = false;
    if (__builtin_expect(!nt_object_room(c->k), 0) && gives_handle(c->service))
        return STATUS_INSUFFICIENT_RESOURCES;
    while ((s = c->service->fn(c)) == NT_AWAIT) {
        awaited = true;
        c->k->up.await(c->k);
        if (c->t->state != NT_THREAD_RUNNING) { /* somebody ended the caller meanwhile */
            s = NT_BLOCKED;
            break;
        }
    }
    if (awaited)
        c->k->up.let_go(c->k);
    return s;
}

static ntstatus answer(struct nt_call *c)
{
    switch (c->service->state) {
    case NT_SERVICE_IMPLEMENTED:
        return call_function(c);
    case NT_SERVICE_CONSTANT:
        return c->service->constant;
    default:
        return missing(c);
    }
}

static ntstatus call_watched(struct nt_call *c)
{
    struct nt_kernel *k = c->k;
    ntstatus s;
    c->caller = calling_address(c);
    if (k->on_service)
        k->on_service(k->on_service_ctx, c, true, 0);
    if (!k->on_service_enter || !k->on_service_enter(k->override_ctx, c, &s))
        s = answer(c);
    if (s == NT_BLOCKED)
        return s;
    if (k->on_service_leave && !c->keep_registers)
        k->on_service_leave(k->override_ctx, c, &s);
    if (k->on_service)
        k->on_service(k->on_service_ctx, c, false, s);
    return s;
}

static ntstatus call_service(struct nt_call *c)
{
    ntstatus s = fetch_arguments(c);
    if (s)
        return s;
    if (__builtin_expect(c->k->on_service || c->k->on_service_enter, 0))
        return call_watched(c);
    return answer(c);
}

/* For the tracer, which reports the return when the wait is over. */
void nt_remember_call(const struct nt_call *c)
{
    c->t->blocked_service = c->number;
    c->t->blocked_caller = c->caller;
    memcpy(c->t->blocked_args, c->arg, sizeof c->t->blocked_args);
}

void nt_report_return(struct nt_kernel *k, struct nt_thread *t, ntstatus status)
{
    struct nt_call c = {.k = k, .t = t, .number = t->blocked_service, .caller = t->blocked_caller};
    if (c.number >= k->service_count || !k->service_table[c.number])
        return;
    c.p = nt_process_get(k, t->process);
    c.mem = c.p->mem;
    c.service = k->service_table[c.number];
    memcpy(c.arg, t->blocked_args, sizeof c.arg);
    if (k->on_service_leave) {
        k->on_service_leave(k->override_ctx, &c, &status);
        t->cpu.gpr[X86_RAX] = status;
    }
    if (k->on_service)
        k->on_service(k->on_service_ctx, &c, false, status);
}

/* A thread that never blocks gives way after so many services when others are ready. */
enum { SLICE_SERVICES = 64 };

/* Virtual time that a service takes: enough for clocks to move, little enough for time-outs to
 * mean something. 1 microsecond. */
enum { SERVICE_TICKS = 10 };

/* Numbers from here on belong to win32u, whose stubs are read when the first of them is called. */
enum { FIRST_WIN32K = 0x1000 };

static const struct nt_service *find_service(struct nt_kernel *k, const struct nt_process *p,
                                             uint32_t number)
{
    if (number >= k->service_count && number >= FIRST_WIN32K && k->up.more_services)
        k->up.more_services(k, p);
    return number < k->service_count ? k->service_table[number] : NULL;
}

bool nt_dispatch(struct nt_kernel *k, struct nt_thread *t, uint32_t number)
{
    struct nt_call c = {.k = k, .t = t, .number = number};
    c.p = nt_process_get(k, t->process);
    c.mem = c.p->mem;
    t->services++;
    if (__builtin_expect(k->watchers != NULL, 0))
        k->calling_tid = t->tid;
    nt_clock_advance(k, SERVICE_TICKS);
    ntstatus s;
    c.service = find_service(k, c.p, number);
    s = c.service ? call_service(&c) : unknown_number(&c);
    if (s == NT_BLOCKED)
        nt_remember_call(&c);
    else if (!c.keep_registers)
        t->cpu.gpr[X86_RAX] = s;
    if (++k->slice_services % SLICE_SERVICES == 0) {
        nt_sched_expire(k);
        k->need_resched |= nt_sched_others_ready(k, t);
    }
    return t->state == NT_THREAD_RUNNING && !k->need_resched && !k->stop_requested;
}
