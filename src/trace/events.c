// SPDX-License-Identifier: GPL-2.0-or-later
/* What happens besides calls: images, threads, exceptions, the end. */
#include "base/ntstatus.h"
#include "base/vec.h"
#include "mem/space.h"
#include "nt/call.h"
#include "nt/mm/mm.h"
#include "trace/internal.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#define CPP_EXCEPTION 0xe06d7363u /* of Microsoft's compilers; GCC has several of its own */

struct trace_events {
    struct trace *t;
    struct nt_kernel *k;
    struct nt_watcher watcher;
    char place[160];
};

static struct trace_event event_of(const struct trace_events *e, enum trace_event_kind kind,
                                   const struct nt_process *p, const struct nt_thread *t)
{
    return (struct trace_event){
        .kind = (uint8_t)kind,
        .main_thread = t && trace_is_main(e->t, t),
        .pid = p->pid,
        .tid = t ? t->tid : 0,
        .time = nt_now(e->k),
    };
}

/* "a.exe+0x1234", the module in lower case as in hook/. */
static const char *place_of(struct trace_events *e, struct nt_process *p, uint64_t address)
{
    nt_describe_address(e->k, p, address, e->place, sizeof e->place);
    for (char *c = e->place; *c; c++)
        *c = (char)tolower((unsigned char)*c);
    return e->place;
}

/* ---- Images
 * --------------------------------------------------------------------------------------------- */

static uint32_t peek32(const struct nt_process *p, uint64_t va)
{
    uint32_t v = 0;
    mem_peek(p->mem, va, &v, sizeof v);
    return v;
}

/* What tells one build of a file from another. */
static void read_header(struct trace_event *ev, const struct nt_process *p)
{
    enum { LFANEW = 0x3c, TIMESTAMP = 8, ENTRY = 0x28, CHECKSUM = 0x58 };
    uint64_t nt = ev->base + peek32(p, ev->base + LFANEW);
    uint32_t entry = peek32(p, nt + ENTRY);
    ev->timestamp = peek32(p, nt + TIMESTAMP);
    ev->checksum = peek32(p, nt + CHECKSUM);
    ev->entry = entry ? ev->base + entry : 0;
}

static void on_image(void *ctx, struct nt_process *p, uint64_t base, uint64_t size,
                     const uint16_t *path, size_t path_len, bool mapped)
{
    struct trace_events *e = ctx;
    const struct nt_thread *t =
        e->k->calling_tid ? nt_thread_by_tid(e->k, e->k->calling_tid) : NULL;
    if (!trace_wants_kind(e->t, TRACE_IMAGE))
        return;
    char *text = path ? nt_image_path(path, path_len) : NULL;
    char *name = nt_image_name(text ? text : "");
    struct trace_event ev = event_of(e, TRACE_IMAGE, p, t);
    ev.category = "dll";
    ev.begins = mapped;
    ev.module = name;
    ev.path = text;
    ev.base = base;
    ev.size = mapped ? size - nt_image_room(e->k, p, base) : size;
    if (mapped)
        read_header(&ev, p);
    trace_emit(e->t, &ev);
    free(name);
    free(text);
}

/* ---- Threads and processes
 * ------------------------------------------------------------------------------ */

static void set_code(struct trace_event *ev, uint32_t code)
{
    ev->code = code;
    /* Small numbers are exit codes of programs', whatever status they are by chance. */
    ev->code_name = code >= 0x40000000u ? ntstatus_name(code) : NULL;
}

static void on_thread(void *ctx, struct nt_thread *t, bool starts)
{
    struct trace_events *e = ctx;
    struct nt_process *p = nt_process_get(e->k, t->process);
    if (!trace_wants_kind(e->t, TRACE_THREAD))
        return;
    struct trace_event ev = event_of(e, TRACE_THREAD, p, t);
    ev.category = "threading";
    ev.begins = starts;
    if (starts) {
        ev.address = t->start_address;
        ev.place = place_of(e, p, t->start_address);
    } else {
        set_code(&ev, t->exit_status);
    }
    trace_emit(e->t, &ev);
}

static void on_process_end(void *ctx, struct nt_process *p)
{
    struct trace_events *e = ctx;
    if (!trace_wants_kind(e->t, TRACE_PROCESS))
        return;
    struct trace_event ev = event_of(e, TRACE_PROCESS, p, NULL);
    ev.category = "process";
    set_code(&ev, p->exit_status);
    trace_emit(e->t, &ev);
}

/* ---- Exceptions
 * ----------------------------------------------------------------------------------------- */

static void set_access(struct trace_event *ev, const struct nt_exception *x)
{
    if (x->count < 2 || (x->code != STATUS_ACCESS_VIOLATION && x->code != STATUS_IN_PAGE_ERROR &&
                         x->code != STATUS_GUARD_PAGE_VIOLATION))
        return;
    ev->access = x->info[0] == 8 ? "execute" : x->info[0] == 1 ? "write" : "read";
    ev->accessed = x->info[1];
}

static void on_exception(void *ctx, struct nt_thread *t, const struct nt_exception *x)
{
    struct trace_events *e = ctx;
    struct nt_process *p = nt_process_get(e->k, t->process);
    if (!trace_wants_kind(e->t, TRACE_EXCEPTION))
        return;
    struct trace_event ev = event_of(e, TRACE_EXCEPTION, p, t);
    ev.category = "exception";
    set_code(&ev, x->code);
    if (x->code == CPP_EXCEPTION)
        ev.code_name = "C++ exception";
    ev.first_chance = x->first_chance;
    ev.address = x->address;
    ev.place = place_of(e, p, x->address);
    set_access(&ev, x);
    trace_emit(e->t, &ev);
}

static void on_tick(void *ctx)
{
    const struct trace_events *e = ctx;
    trace_tick(e->t);
}

/* ---- What is there when it begins
 * ----------------------------------------------------------------------- */

struct beginning {
    struct trace_events *e;
    struct nt_process *p;
};

static void tell_view(void *ctx, const struct nt_view *v)
{
    const struct beginning *b = ctx;
    if (v->image)
        on_image(b->e, b->p, v->base, v->size, v->path, v->path_len, true);
}

static void tell_process(struct nt_kernel *k, struct nt_object *o, void *ctx)
{
    struct beginning b = {ctx, (struct nt_process *)o};
    if (!b.p->ended)
        nt_views_each(k, b.p, tell_view, &b);
}

static void tell_thread(struct nt_kernel *k, struct nt_object *o, void *ctx)
{
    struct nt_thread *t = (struct nt_thread *)o;
    if (t->state != NT_THREAD_ENDED)
        on_thread(ctx, t, true);
}

struct trace_events *trace_events_create(struct trace *t)
{
    struct trace_events *e = xcalloc(1, sizeof *e);
    e->t = t;
    e->k = trace_kernel(t);
    e->watcher = (struct nt_watcher){
        .ctx = e,
        .image = on_image,
        .thread = on_thread,
        .exception = on_exception,
        .process_end = on_process_end,
        .tick = on_tick,
    };
    nt_object_each(e->k, NT_TYPE_PROCESS, tell_process, e);
    nt_object_each(e->k, NT_TYPE_THREAD, tell_thread, e);
    nt_watch(e->k, &e->watcher);
    return e;
}

void trace_events_destroy(struct trace_events *e)
{
    if (!e)
        return;
    nt_unwatch(e->k, &e->watcher);
    free(e);
}
