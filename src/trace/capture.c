// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What typed.c looks at in the guest's memory, said beforehand for calls that the engine notes. The
 * two must agree: what is not kept here is shown as unreadable there. Tests compare traces of
 * engines that note with those of engines that do not.
 */
#include "base/bits.h"
#include "trace/api.h"

#include <string.h>

enum { NO_ATOM = 0x10000 }; /* what lies below is no pointer, here and there */

struct planning {
    const struct api_table *table;
    const struct trace_function *fn;
    unsigned bits; /* bytes of a pointer */
    struct cpu_noted *f;
};

static bool keep(const struct planning *p, const struct cpu_capture *c)
{
    if (p->f->captures == CPU_NOTE_CAPTURES)
        return false;
    p->f->capture[p->f->captures++] = *c;
    return true;
}

static bool keep_bytes(const struct planning *p, unsigned arg, uint8_t when, uint32_t size)
{
    return size <= CPU_CAPTURE_MOST && keep(p, &(struct cpu_capture){.arg = (uint8_t)arg,
                                                                     .how = CPU_CAPTURE_BYTES,
                                                                     .when = when,
                                                                     .size = (uint16_t)size});
}

static bool keep_text(const struct planning *p, unsigned arg, uint8_t when, bool wide)
{
    if (p->fn->strings)
        wide = p->fn->strings == 2;
    return keep(p, &(struct cpu_capture){.arg = (uint8_t)arg,
                                         .how = wide ? CPU_CAPTURE_WIDE : CPU_CAPTURE_TEXT,
                                         .when = when});
}

static bool is_text(const struct api_type *type)
{
    return type->kind == API_CHAR || type->kind == API_WCHAR;
}

/* A pointer that is found behind a pointer: only text is followed. */
static bool leads_to_text(const struct planning *p, const struct api_type *type)
{
    if (type->kind != API_POINTER)
        return false;
    struct api_type target = api_type(p->table, type->target);
    return target.is_const && is_text(&target);
}

static bool keep_structure(const struct planning *p, unsigned arg, uint8_t when,
                           const struct api_type *structure)
{
    if (!structure->count)
        return true;
    for (unsigned i = 0; i < structure->count; i++) {
        struct api_field f = api_field(p->table, structure, i);
        struct api_type type = api_type(p->table, f.type);
        bool endless = type.kind == API_ARRAY && trace_text_room(p->table, &type) == SIZE_MAX;
        if (leads_to_text(p, &type) || endless)
            return false;
    }
    return keep_bytes(p, arg, when, api_size(structure, p->bits));
}

/* Whether what argument i says of a size is known when it is to be kept. */
static bool tells_by_value(const struct planning *p, unsigned i)
{
    return i < p->fn->count && api_type(p->table, p->fn->plan[i].arg.type).kind != API_POINTER;
}

static bool tells_at_return(const struct planning *p, unsigned i)
{
    return i >= p->fn->count || tells_by_value(p, i) || p->fn->plan[i].arg.direction != API_IN;
}

/* 1: it is a buffer of bytes with a size, and kept; 0: it is none; -1: it cannot be kept. */
static int keep_sized(const struct planning *p, unsigned i, uint8_t when,
                      const struct api_type *target)
{
    const struct api_arg *arg = &p->fn->plan[i].arg;
    const bool returning = when == CPU_CAPTURE_RETURN;
    const bool bytes = target->kind == API_VOID ||
                       (target->kind == API_UINT && target->size32 == 1) ||
                       (target->kind == API_CHAR && !returning && arg->size_arg != API_NO_ARG);
    if (!bytes || arg->size_kind == API_SIZE_UNKNOWN || arg->size_arg >= p->fn->count)
        return 0;
    if (!tells_by_value(p, arg->size_arg) ||
        (returning && arg->filled_arg != API_NO_ARG && !tells_at_return(p, arg->filled_arg)))
        return -1;
    return keep(p, &(struct cpu_capture){.arg = (uint8_t)i,
                                         .how = CPU_CAPTURE_SIZED,
                                         .when = when,
                                         .size_arg = arg->size_arg,
                                         .size = 1,
                                         .most = TRACE_TEXT_SHOWN})
               ? 1
               : -1;
}

static bool keep_pointed_to(const struct planning *p, unsigned i, uint8_t when,
                            const struct api_type *target)
{
    const uint32_t size = api_size(target, p->bits);
    const int sized = keep_sized(p, i, when, target);
    if (sized)
        return sized > 0;
    switch ((enum api_kind)target->kind) {
    case API_CHAR:
    case API_WCHAR:
        return keep_text(p, i, when, target->kind == API_WCHAR);
    case API_STRUCT:
    case API_UNION:
        return keep_structure(p, i, when, target);
    case API_GUID:
        return keep_bytes(p, i, when, 16);
    case API_VOID:
    case API_CODE:
    case API_INTERFACE:
    case API_OPAQUE:
    case API_ARRAY:
        return true;
    default:
        return !leads_to_text(p, target) && (!size || size > 8 || keep_bytes(p, i, when, size));
    }
}

/* Values of these types are all there is to be seen of them. */
static bool is_scalar(const struct planning *p, const struct api_type *type)
{
    switch ((enum api_kind)type->kind) {
    case API_FLOAT:
    case API_STRUCT:
    case API_UNION:
    case API_GUID:
    case API_ARRAY:
        return false;
    default:
        return api_size(type, p->bits) <= 8;
    }
}

static bool keep_argument(const struct planning *p, unsigned i)
{
    const struct api_arg *arg = &p->fn->plan[i].arg;
    struct api_type type = api_type(p->table, arg->type);
    if (p->fn->plan[i].show != TRACE_SHOW_BY_TYPE)
        return true;
    if (type.kind != API_POINTER)
        return is_scalar(p, &type);
    struct api_type target = api_type(p->table, type.target);
    return (arg->direction == API_OUT || keep_pointed_to(p, i, CPU_CAPTURE_CALL, &target)) &&
           (arg->direction == API_IN || keep_pointed_to(p, i, CPU_CAPTURE_RETURN, &target));
}

static bool is_plain_result(const struct planning *p)
{
    struct api_type type = api_type(p->table, p->fn->f.result);
    if (type.kind == API_POINTER)
        return !leads_to_text(p, &type);
    return is_scalar(p, &type);
}

bool trace_plan_captures(const struct api_table *t, const struct trace_function *fn,
                         unsigned ptr_size, struct cpu_noted *f)
{
    const struct planning p = {t, fn, ptr_size, f};
    f->captures = 0;
    if (!fn->known || fn->vectors || fn->count != fn->f.count ||
        api_hidden_result(t, &fn->f, ptr_size) || !is_plain_result(&p))
        return false;
    for (unsigned i = 0; i < fn->count; i++)
        if (!keep_argument(&p, i))
            return false;
    return true;
}

size_t trace_peek_record(const struct cpu_record *r, uint64_t va, void *out, size_t len)
{
    size_t best = 0;
    for (unsigned i = 0; i < r->piece_count && va >= NO_ATOM; i++) {
        const struct cpu_piece *p = &r->piece[i];
        if (va - p->va >= p->len)
            continue;
        size_t n = MIN(len, p->len - (size_t)(va - p->va));
        if (n > best)
            memcpy(out, p->data + (va - p->va), n);
        best = MAX(best, n);
    }
    return best;
}
