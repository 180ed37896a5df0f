// SPDX-License-Identifier: GPL-2.0-or-later
/* Values of API functions by the types of their prototypes. */
#include "base/bits.h"
#include "trace/api.h"
#include "trace/decoder.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum {
    UNNAMED_SHOWN = 4, /* arguments of functions without a prototype */
    FIELDS_SHOWN = 24,
    VALUES_LEFT = 8 /* of the scratch: structures end before it is full */
};

struct typed {
    struct trace_decoder d; /* first: what decode.c shares takes it */
    const struct trace_arguments *a;
    const struct api_table *table;
    unsigned bits; /* bytes of a pointer */
    uint8_t strings;
    bool inner;  /* inside a structure: others in it are not opened */
    bool behind; /* behind a pointer */
};

static void put_value(struct typed *t, const char *name, api_type_id type, api_group_id group,
                      uint64_t v, uint64_t at);

/* ---- Scalars
 * ---------------------------------------------------------------------------------------------- */

static uint64_t narrow(uint64_t v, uint32_t size)
{
    return size >= 8 ? v : v & ((1ull << (size * 8)) - 1);
}

static uint64_t widen(uint64_t v, uint32_t size)
{
    const unsigned spare = size >= 8 ? 0 : 64 - size * 8;
    return (uint64_t)((int64_t)(v << spare) >> spare);
}

const char *trace_constant_text(const struct trace_arguments *a, api_group_id group, uint64_t v,
                                char *out, size_t size, size_t *length)
{
    const uint64_t key = group | (uint64_t)size << 16; /* less room can make another text */
    const struct trace_memo_row *r = a->names ? trace_memo_find(a->names, v, key) : NULL;
    if (r) {
        *length = r->length;
        return r->text;
    }
    *length = api_value_text(a->table, group, v, out, size);
    if (a->names)
        trace_memo_keep(a->names, v, key, out, *length);
    return out;
}

static void put_named(struct typed *t, const char *name, api_group_id group, uint64_t v)
{
    char room[256];
    size_t n;
    const char *text = trace_constant_text(t->a, group, v, room, sizeof room, &n);
    trace_put_symbol(&t->d, name, text, n);
}

static void put_float(struct typed *t, const char *name, uint64_t v, uint32_t size)
{
    char text[40];
    float f;
    double d;
    memcpy(&f, &v, sizeof f);
    memcpy(&d, &v, sizeof d);
    int n = snprintf(text, sizeof text, "%.17g", size == 4 ? (double)f : d);
    if (size != 4)
        for (int digits = 1; digits < 17; digits++) { /* the shortest that is the same */
            n = snprintf(text, sizeof text, "%.*g", digits, d);
            if (strtod(text, NULL) == d)
                break;
        }
    else
        n = snprintf(text, sizeof text, "%.6g", (double)f);
    trace_put_symbol(&t->d, name, text, (size_t)n);
}

static void put_guid(struct typed *t, const char *name, uint64_t at)
{
    uint8_t g[16];
    char text[40];
    if (!at) {
        trace_put(&t->d, TRACE_ADDRESS, name, 0);
        return;
    }
    if (!trace_peek(&t->d, at, g, sizeof g)) {
        trace_put(&t->d, TRACE_UNREADABLE, name, at);
        return;
    }
    int n = snprintf(text, sizeof text,
                     "{%02X%02X%02X%02X-%02X%02X-%02X%02X-%02X%02X-%02X%02X%02X%02X%02X%02X}", g[3],
                     g[2], g[1], g[0], g[5], g[4], g[7], g[6], g[8], g[9], g[10], g[11], g[12],
                     g[13], g[14], g[15]);
    trace_put_symbol(&t->d, name, text, (size_t)n);
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static void put_hresult(struct typed *t, const char *name, api_group_id group, uint64_t v)
{
    char room[64];
    const char *text = room;
    size_t n = 0;
    if (group)
        text = trace_constant_text(t->a, group, v, room, sizeof room, &n);
    if (!n || is_digit(text[0])) {
        n = v ? (size_t)snprintf(room, sizeof room, "0x%08" PRIx64, v)
              : (size_t)snprintf(room, sizeof room, "S_OK");
        text = room;
    }
    trace_put_symbol(&t->d, name, text, n);
}

/* HKEY_CURRENT_USER and its like are constants among handles. */
static void put_handle(struct typed *t, const char *name, api_group_id group, uint64_t v)
{
    char room[64];
    const char *text = room;
    size_t n = 0;
    if (group && v)
        text = trace_constant_text(t->a, group, v, room, sizeof room, &n);
    if (!n || is_digit(text[0]))
        trace_put_handle(&t->d, name, v);
    else
        trace_put_symbol(&t->d, name, text, n);
}

/* ---- Text
 * -----------------------------------------------------------------------------------------------
 */

static void put_narrow_text(struct typed *t, const char *name, uint64_t at, size_t most)
{
    char raw[TRACE_STRING_SHOWN + 1];
    size_t got = trace_peek_some(&t->d, at, raw, MIN(most, sizeof raw)), n = strnlen(raw, got);
    if (!got) {
        trace_put(&t->d, TRACE_UNREADABLE, name, at);
        return;
    }
    struct trace_value *v = trace_put(&t->d, TRACE_STRING, name, 0);
    v->cut = n == sizeof raw && n != most;
    trace_set_text(&t->d, v, raw, MIN(n, (size_t)TRACE_STRING_SHOWN));
}

/* Resources and window classes go by number where others go by name. */
static bool is_atom(uint64_t at)
{
    return at >> 16 == 0;
}

/* Up to its NUL, or so many characters. */
static void put_text(struct typed *t, const char *name, uint64_t at, bool wide, size_t most)
{
    if (t->strings)
        wide = t->strings == 2;
    if (!at)
        trace_put(&t->d, TRACE_ADDRESS, name, 0);
    else if (is_atom(at))
        trace_put(&t->d, TRACE_NUMBER, name, at);
    else if (wide)
        trace_put_wide(&t->d, name, at, most);
    else
        put_narrow_text(t, name, at, most);
}

/* ---- What pointers point to
 * ----------------------------------------------------------------------------- */

static bool fetch(struct typed *t, uint64_t at, uint32_t size, uint64_t *v)
{
    *v = 0;
    return size && size <= 8 && trace_peek(&t->d, at, v, size);
}

static uint64_t bits_of(const struct api_field *f, uint64_t v)
{
    return f->bits ? v >> f->bit & ((1ull << f->bits) - 1) : v;
}

static void put_field(struct typed *t, const struct api_field *f, uint64_t at)
{
    struct api_type type = api_type(t->table, f->type);
    uint32_t size = api_size(&type, t->bits);
    uint64_t v;
    if (type.kind == API_ARRAY || type.kind == API_STRUCT || type.kind == API_UNION ||
        type.kind == API_GUID || size > 8)
        put_value(t, f->name, f->type, f->group, 0, at);
    else if (fetch(t, at, size, &v))
        put_value(t, f->name, f->type, f->group, bits_of(f, v), at);
    else
        trace_put(&t->d, TRACE_UNREADABLE, f->name, at);
}

static bool room_left(const struct typed *t)
{
    return t->d.s->value_used + VALUES_LEFT < ARRAY_LEN(t->d.s->values);
}

static void put_structure(struct typed *t, const char *name, const struct api_type *type,
                          uint64_t at)
{
    uint8_t probe;
    if (!trace_peek(&t->d, at, &probe, 1)) {
        trace_put(&t->d, TRACE_UNREADABLE, name, at);
        return;
    }
    struct trace_value *all = trace_put(&t->d, TRACE_FIELDS, name, 0);
    for (unsigned i = 0; i < type->count; i++) {
        struct api_field f = api_field(t->table, type, i);
        uint32_t offset = api_field_at(&f, t->bits);
        if (offset == API_NOWHERE || f.overlaps || !f.name[0])
            continue;
        if (all->children >= FIELDS_SHOWN || !room_left(t)) {
            all->cut = true;
            return;
        }
        put_field(t, &f, at + offset);
        all->children++;
    }
}

static void put_record(struct typed *t, const char *name, const struct api_type *type, uint64_t at)
{
    if (t->inner || !type->count) {
        trace_put(&t->d, TRACE_ADDRESS, name, at);
        return;
    }
    t->inner = true;
    put_structure(t, name, type, at);
    t->inner = false;
}

size_t trace_text_room(const struct api_table *table, const struct api_type *array)
{
    struct api_type element = api_type(table, array->target);
    const size_t count = element.size32 ? array->size32 / element.size32 : 0;
    if (element.kind != API_WCHAR && element.kind != API_CHAR)
        return 0;
    return count > 1 ? count : SIZE_MAX;
}

static void put_array(struct typed *t, const char *name, const struct api_type *type, uint64_t at)
{
    struct api_type element = api_type(t->table, type->target);
    size_t n = trace_text_room(t->table, type);
    if (n)
        put_text(t, name, at, element.kind == API_WCHAR, n);
    else
        trace_put_buffer(&t->d, name, at, api_size(type, t->bits));
}

static void put_pointer(struct typed *t, const char *name, const struct api_type *pointer,
                        api_group_id group, uint64_t at)
{
    struct api_type type = api_type(t->table, pointer->target);
    uint32_t size = api_size(&type, t->bits);
    uint64_t v;
    if (!at) {
        trace_put(&t->d, TRACE_ADDRESS, name, 0);
        return;
    }
    switch ((enum api_kind)type.kind) {
    case API_CHAR:
    case API_WCHAR:
        put_text(t, name, at, type.kind == API_WCHAR, SIZE_MAX);
        break;
    case API_STRUCT:
    case API_UNION:
        put_record(t, name, &type, at);
        break;
    case API_GUID:
        put_guid(t, name, at);
        break;
    case API_VOID:
    case API_CODE:
    case API_INTERFACE:
    case API_OPAQUE:
    case API_ARRAY:
        trace_put(&t->d, TRACE_ADDRESS, name, at);
        break;
    default:
        t->behind = true;
        if (fetch(t, at, size, &v))
            put_value(t, name, pointer->target, group, v, at);
        else
            trace_put(&t->d, TRACE_UNREADABLE, name, at);
        t->behind = false;
        break;
    }
}

/* A pointer that was found behind a pointer: text is shown, anything else by address. */
static void put_second_pointer(struct typed *t, const char *name, const struct api_type *pointer,
                               uint64_t at)
{
    struct api_type type = api_type(t->table, pointer->target);
    if (at && type.is_const && (type.kind == API_CHAR || type.kind == API_WCHAR))
        put_text(t, name, at, type.kind == API_WCHAR, SIZE_MAX);
    else
        trace_put(&t->d, TRACE_ADDRESS, name, at);
}

/* ---- Any value
 * --------------------------------------------------------------------------------------------- */

/* `at`: where the value lies, for what is larger than a register. */
static void put_value(struct typed *t, const char *name, api_type_id id, api_group_id group,
                      uint64_t v, uint64_t at)
{
    struct api_type type = api_type(t->table, id);
    uint32_t size = api_size(&type, t->bits);
    group = group ? group : type.group;
    v = narrow(v, size);
    switch ((enum api_kind)type.kind) {
    case API_BOOL:
        trace_put(&t->d, TRACE_BOOL, name, v);
        break;
    case API_HANDLE:
        put_handle(t, name, group, v);
        break;
    case API_NTSTATUS:
        trace_put_status(&t->d, name, (ntstatus)v);
        break;
    case API_HRESULT:
        put_hresult(t, name, group, v);
        break;
    case API_FLOAT:
        put_float(t, name, v, size);
        break;
    case API_POINTER:
        if (t->behind || t->inner)
            put_second_pointer(t, name, &type, v);
        else
            put_pointer(t, name, &type, group, v);
        break;
    case API_CODE:
    case API_INTERFACE:
    case API_OPAQUE:
        trace_put(&t->d, TRACE_ADDRESS, name, v);
        break;
    case API_STRUCT:
    case API_UNION:
        put_record(t, name, &type, at);
        break;
    case API_GUID:
        put_guid(t, name, at);
        break;
    case API_ARRAY:
        put_array(t, name, &type, at);
        break;
    case API_INT:
        if (group)
            put_named(t, name, group, v);
        else
            trace_put(&t->d, TRACE_SIGNED, name, widen(v, size));
        break;
    default:
        if (group)
            put_named(t, name, group, v);
        else
            trace_put(&t->d, TRACE_NUMBER, name, v);
        break;
    }
}

/* ---- A call
 * ------------------------------------------------------------------------------------------------
 */

static struct typed typed_of(const struct trace_arguments *a, struct trace_scratch *s)
{
    return (struct typed){.d = {.g = a->guest, .s = s},
                          .a = a,
                          .table = a->table,
                          .bits = a->guest->ptr_size,
                          .strings = a->fn->strings};
}

/* What an argument that tells a size says: its value, or what it points to. */
static bool size_told(struct typed *t, unsigned i, uint64_t *size)
{
    if (i >= t->a->fn->count)
        return false;
    struct api_arg arg = api_arg(t->table, &t->a->fn->f, i);
    struct api_type type = api_type(t->table, arg.type);
    *size = t->a->value[i];
    if (type.kind != API_POINTER)
        return true;
    struct api_type target = api_type(t->table, type.target);
    return *size && fetch(t, *size, api_size(&target, t->bits), size);
}

/* Bytes of the buffer that argument `arg` points to; false: nothing says. */
static bool buffer_size(struct typed *t, const struct api_arg *arg, bool returning, uint64_t *size)
{
    struct api_type type = api_type(t->table, arg->type);
    struct api_type target = api_type(t->table, type.target);
    uint64_t filled, unit = api_size(&target, t->bits);
    if (arg->size_kind == API_SIZE_UNKNOWN || type.kind != API_POINTER ||
        !size_told(t, arg->size_arg, size))
        return false;
    if (returning && arg->filled_arg != API_NO_ARG && size_told(t, arg->filled_arg, &filled))
        *size = MIN(*size, filled);
    if (arg->size_kind == API_SIZE_ELEMENTS && unit > 1)
        *size = *size > UINT32_MAX ? UINT32_MAX : *size * unit;
    return true;
}

/* Buffers of bytes; what is text by its type is shown as that. */
static bool put_sized(struct typed *t, const struct api_arg *arg, uint64_t at, bool returning)
{
    struct api_type type = api_type(t->table, arg->type);
    struct api_type target = api_type(t->table, type.target);
    uint64_t size;
    bool bytes = target.kind == API_VOID || (target.kind == API_UINT && target.size32 == 1) ||
                 (target.kind == API_CHAR && !returning && arg->size_arg != API_NO_ARG);
    if (!at || !bytes || !buffer_size(t, arg, returning, &size))
        return false;
    trace_put_buffer(&t->d, arg->name, at, size);
    return true;
}

static uint64_t shown_number(const struct trace_plan *plan, uint64_t v)
{
    return plan->kind == TRACE_SIGNED ? widen(v, plan->place.size) : v;
}

static void put_argument(struct typed *t, unsigned i, bool returning)
{
    const struct trace_plan *plan = &t->a->fn->plan[i];
    const struct api_arg *arg = &plan->arg;
    struct trace_value *first = &t->d.s->values[t->d.s->value_used];
    const uint64_t all = t->a->value[i], v = narrow(all, plan->place.size);
    switch ((enum trace_show)plan->show) {
    case TRACE_SHOW_NUMBER:
        trace_put(&t->d, plan->kind, arg->name, shown_number(plan, v));
        break;
    case TRACE_SHOW_NAMED:
        put_named(t, arg->name, plan->group, v);
        break;
    case TRACE_SHOW_HANDLE:
        put_handle(t, arg->name, plan->group, v);
        break;
    case TRACE_SHOW_BY_TYPE:
        if (!put_sized(t, arg, all, returning))
            put_value(t, arg->name, arg->type, arg->group, all, all);
        break;
    }
    first->name_length = plan->name_length;
}

static enum trace_show number_of_kind(struct trace_plan *p, enum trace_value_kind kind)
{
    p->kind = (uint8_t)kind;
    return TRACE_SHOW_NUMBER;
}

/* A pointer as such; what is behind it is shown of some arguments, text of results as well. */
static enum trace_show show_pointer(const struct api_table *t, struct trace_plan *p,
                                    const struct api_type *type, bool result)
{
    const struct api_type target = api_type(t, type->target);
    bool text = target.kind == API_CHAR || target.kind == API_WCHAR;
    bool nothing = target.kind == API_VOID || target.kind == API_CODE ||
                   target.kind == API_INTERFACE || target.kind == API_OPAQUE;
    bool plain =
        result ? !text || !target.is_const : nothing && p->arg.size_kind == API_SIZE_UNKNOWN;
    return plain ? number_of_kind(p, TRACE_ADDRESS) : TRACE_SHOW_BY_TYPE;
}

/* What put_value, and put_result, make of such a value. */
static enum trace_show show(const struct api_table *t, struct trace_plan *p, bool result)
{
    const struct api_type type = api_type(t, p->arg.type);
    p->group = p->arg.group ? p->arg.group : type.group;
    switch ((enum api_kind)type.kind) {
    case API_BOOL:
        return number_of_kind(p, TRACE_BOOL);
    case API_POINTER:
        return show_pointer(t, p, &type, result);
    case API_CODE:
    case API_INTERFACE:
    case API_OPAQUE:
        return number_of_kind(p, TRACE_ADDRESS);
    case API_HANDLE:
        return TRACE_SHOW_HANDLE;
    case API_INT:
        return p->group ? TRACE_SHOW_NAMED : number_of_kind(p, TRACE_SIGNED);
    case API_UINT:
    case API_CHAR:
    case API_WCHAR:
    case API_ENUM:
    case API_WINERROR:
        return p->group ? TRACE_SHOW_NAMED : number_of_kind(p, TRACE_NUMBER);
    default:
        return TRACE_SHOW_BY_TYPE;
    }
}

static void plan_result(const struct api_table *t, struct trace_function *fn, unsigned ptr_size)
{
    struct trace_plan *p = &fn->result_plan;
    fn->result = api_type(t, fn->f.result);
    p->arg = (struct api_arg){.type = fn->f.result, .group = fn->f.result_group};
    p->place.size = api_size(&fn->result, ptr_size);
    p->show = (uint8_t)(p->place.size <= 8 ? show(t, p, true) : TRACE_SHOW_BY_TYPE);
}

void trace_plan_function(const struct api_table *t, struct trace_function *fn, unsigned ptr_size)
{
    fn->result_plan = (struct trace_plan){
        .show = TRACE_SHOW_NUMBER, .kind = TRACE_ADDRESS, .place.size = sizeof(uint64_t)};
    if (!fn->known)
        return;
    plan_result(t, fn, ptr_size);
    fn->vectors = fn->result.kind == API_FLOAT;
    for (unsigned i = 0; i < fn->count; i++) {
        struct trace_plan *p = &fn->plan[i];
        p->arg = api_arg(t, &fn->f, i);
        p->place = api_place(t, &fn->f, i, ptr_size);
        p->show = (uint8_t)(p->place.by_reference ? TRACE_SHOW_BY_TYPE : show(t, p, false));
        p->name_length = (uint8_t)strnlen(p->arg.name, UINT8_MAX + 1); /* 256 is 0: not counted */
        fn->vectors |= api_place(t, &fn->f, i, 8).where == API_VECTOR;
        fn->outputs |= p->arg.direction != API_IN;
    }
}

static size_t put_unnamed(struct typed *t)
{
    static const char *const names[UNNAMED_SHOWN] = {"arg1", "arg2", "arg3", "arg4"};
    for (unsigned i = 0; i < UNNAMED_SHOWN; i++)
        trace_put(&t->d, TRACE_ADDRESS, names[i], t->a->value[i]);
    return UNNAMED_SHOWN;
}

static size_t put_arguments(struct typed *t, bool returning, bool failed)
{
    size_t n = 0;
    for (unsigned i = 0; i < t->a->fn->count && room_left(t); i++) {
        const uint8_t direction = t->a->fn->plan[i].arg.direction;
        bool shown =
            returning ? direction != API_IN && t->a->value[i] && !failed : direction != API_OUT;
        if (!shown)
            continue;
        put_argument(t, i, returning);
        n++;
    }
    return n;
}

size_t trace_decode_api_inputs(const struct trace_arguments *a, struct trace_scratch *s)
{
    struct typed t = typed_of(a, s);
    s->value_used = s->text_used = 0;
    return a->fn->known ? put_arguments(&t, false, false) : put_unnamed(&t);
}

size_t trace_decode_api_outputs(const struct trace_arguments *a, bool failed,
                                struct trace_scratch *s)
{
    s->value_used = s->text_used = 0;
    if (!a->fn->outputs)
        return 0;
    struct typed t = typed_of(a, s);
    return put_arguments(&t, true, failed);
}

bool trace_api_failed(const struct trace_arguments *a, uint64_t raw)
{
    const struct trace_function *fn = a->fn;
    return fn->known && api_failed(a->table, &fn->f, narrow(raw, fn->result_plan.place.size),
                                   a->guest->ptr_size);
}

static void put_result(struct typed *t, uint64_t v, bool failed)
{
    const struct trace_plan *plan = &t->a->fn->result_plan;
    t->inner = true; /* what it points to is not asked for */
    switch ((enum trace_show)plan->show) {
    case TRACE_SHOW_NUMBER: /* is not put, but given back at once */
        break;
    case TRACE_SHOW_NAMED:
        put_named(t, NULL, plan->group, v);
        break;
    case TRACE_SHOW_HANDLE:
        if (failed && v) /* -1 is a process, elsewhere */
            trace_put_symbol(&t->d, NULL, "INVALID_HANDLE_VALUE", 20);
        else
            put_handle(t, NULL, plan->group, v);
        break;
    case TRACE_SHOW_BY_TYPE:
        if (t->a->fn->result.kind == API_VOID)
            trace_put_symbol(&t->d, NULL, "void", 4);
        else
            put_value(t, NULL, plan->arg.type, plan->arg.group, v, 0);
        break;
    }
}

void trace_decode_api_result(const struct trace_arguments *a, uint64_t raw, bool failed,
                             struct trace_scratch *s, struct trace_value *out)
{
    const struct trace_plan *plan = &a->fn->result_plan;
    const uint64_t v = narrow(raw, plan->place.size);
    if (plan->show == TRACE_SHOW_NUMBER) {
        *out = (struct trace_value){.kind = plan->kind, .number = shown_number(plan, v)};
        return;
    }
    struct typed t = typed_of(a, s);
    const size_t at = s->value_used;
    put_result(&t, v, failed);
    *out = s->values[at];
}
