// SPDX-License-Identifier: GPL-2.0-or-later
#include "base/bits.h"
#include "trace/sinks.h"

#include <string.h>

enum {
    DEPTH_SHOWN = 32,
    SHORT_TEXT = 128 /* bytes: this and a name, or a line's head, fit into what is spare */
};

static const struct trace_value *put_value(struct trace_out *o, const struct trace_value *v);

/* ---- Short values, as pieces
 * ----------------------------------------------------------------------------------- */

static char *at_hex(char *at, uint64_t v)
{
    return trace_at_hex(trace_at_text(at, "0x"), v, 1);
}

/* Small numbers are counts, large ones are masks or minus something. */
static char *at_number(char *at, uint64_t v)
{
    return v < 0x80000000u ? trace_at_decimal(at, v) : at_hex(at, v);
}

static char *at_address(char *at, uint64_t v)
{
    return v ? at_hex(at, v) : trace_at_text(at, "NULL");
}

static char *at_signed(char *at, uint64_t v)
{
    if ((int64_t)v >= 0)
        return trace_at_decimal(at, v);
    return trace_at_decimal(trace_at_text(at, "-"), 0 - v);
}

static char *at_handle(char *at, uint64_t v)
{
    bool pseudo = (int64_t)v < 0 && (int64_t)v > -16;
    return pseudo ? at_signed(at, v) : at_address(at, v);
}

/* NULL: it may be long. */
static char *at_value(char *at, const struct trace_value *v)
{
    switch ((enum trace_value_kind)v->kind) {
    case TRACE_NUMBER:
        return at_number(at, v->number);
    case TRACE_SIGNED:
        return at_signed(at, v->number);
    case TRACE_BOOL:
        return v->number ? trace_at_text(at, "TRUE") : trace_at_text(at, "FALSE");
    case TRACE_ADDRESS:
        return at_address(at, v->number);
    case TRACE_SYMBOL:
        return v->length <= SHORT_TEXT ? trace_at_bytes(at, v->text, v->length) : NULL;
    case TRACE_HANDLE:
        return v->length ? NULL : at_handle(at, v->number);
    default:
        return NULL;
    }
}

/* ---- Values
 * -----------------------------------------------------------------------------------------------
 */

static void put_number(struct trace_out *o, uint64_t v)
{
    trace_out_up_to(o, at_number(trace_out_at(o), v));
}

static void put_address(struct trace_out *o, uint64_t v)
{
    trace_out_up_to(o, at_address(trace_out_at(o), v));
}

static void put_quoted(struct trace_out *o, const struct trace_value *v)
{
    trace_out_char(o, '"');
    trace_out_escaped(o, v->text, v->length, TRACE_ESCAPE_C);
    trace_out_text(o, v->cut ? "\"..." : "\"");
}

static void put_size(struct trace_out *o, uint64_t size)
{
    trace_out_text(o, " (");
    trace_out_decimal(o, size);
    trace_out_text(o, size == 1 ? " byte)" : " bytes)");
}

static void put_hex_bytes(struct trace_out *o, const struct trace_value *v)
{
    trace_out_char(o, '<');
    for (uint32_t i = 0; i < v->length; i++) {
        if (i)
            trace_out_char(o, ' ');
        trace_out_hex(o, (uint8_t)v->text[i], 2);
    }
    trace_out_text(o, v->cut ? " ...>" : ">");
}

static void put_handle(struct trace_out *o, const struct trace_value *v)
{
    trace_out_up_to(o, at_handle(trace_out_at(o), v->number));
    trace_out_text(o, " (");
    trace_out_escaped(o, v->text, v->length, TRACE_ESCAPE_BARE);
    trace_out_text(o, v->cut ? "...)" : ")");
}

static char *at_name(struct trace_out *o, char *at, const struct trace_value *v)
{
    size_t len = v->name_length ? v->name_length : strlen(v->name);
    if (len <= UINT8_MAX)
        return trace_at_text(trace_at_bytes(at, v->name, len), "=");
    trace_out_up_to(o, at);
    trace_out_bytes(o, v->name, len);
    trace_out_char(o, '=');
    return trace_out_at(o);
}

/* `n` values and their children, between brackets of the caller's. Returns what follows them. */
static const struct trace_value *put_values(struct trace_out *o, const struct trace_value *v,
                                            size_t n)
{
    for (size_t i = 0; i < n; i++) {
        char *at = trace_out_at(o), *end;
        if (i)
            at = trace_at_text(at, ", ");
        if (v->name)
            at = at_name(o, at, v);
        end = at_value(at, v);
        trace_out_up_to(o, end ? end : at);
        v = end ? v + 1 : put_value(o, v);
    }
    return v;
}

static const struct trace_value *put_children(struct trace_out *o, const struct trace_value *v)
{
    bool list = v->kind == TRACE_LIST;
    trace_out_char(o, list ? '[' : '{');
    const struct trace_value *next = put_values(o, v + 1, v->children);
    if (v->cut)
        trace_out_text(o, v->children ? ", ..." : "...");
    trace_out_char(o, list ? ']' : '}');
    return next;
}

static void put_long(struct trace_out *o, const struct trace_value *v)
{
    switch ((enum trace_value_kind)v->kind) {
    case TRACE_UNREADABLE:
        put_address(o, v->number);
        trace_out_text(o, " (unreadable)");
        break;
    case TRACE_STRING:
        put_quoted(o, v);
        break;
    case TRACE_HANDLE:
        put_handle(o, v);
        break;
    case TRACE_BYTES:
        put_hex_bytes(o, v);
        put_size(o, v->number);
        break;
    case TRACE_WTEXT:
        trace_out_char(o, 'L');
        /* fall through */
    case TRACE_TEXT:
        put_quoted(o, v);
        put_size(o, v->number);
        break;
    default:
        trace_out_bytes(o, v->text, v->length);
        break;
    }
}

static const struct trace_value *put_value(struct trace_out *o, const struct trace_value *v)
{
    if (v->kind == TRACE_LIST || v->kind == TRACE_FIELDS)
        return put_children(o, v);
    char *end = at_value(trace_out_at(o), v);
    if (end)
        trace_out_up_to(o, end);
    else
        put_long(o, v);
    return v + 1;
}

void trace_text_value(struct trace_out *o, const struct trace_value *v)
{
    put_value(o, v);
}

/* "kernel32!": whose file names end in .dll go without. */
static void put_module(struct trace_out *o, const char *module)
{
    size_t len = strlen(module);
    if (len > 4 && !strcmp(module + len - 4, ".dll"))
        len -= 4;
    trace_out_escaped(o, module, len, TRACE_ESCAPE_BARE);
    trace_out_char(o, '!');
}

static void put_bare(struct trace_out *o, const char *text)
{
    trace_out_escaped(o, text, strlen(text), TRACE_ESCAPE_BARE);
}

static void put_head(struct trace_out *o, const struct trace_event *ev)
{
    enum { VERB_LENGTH = 7 };
    static const char verbs[][VERB_LENGTH + 1] = {
        [TRACE_CALL] = "CALL   ",      [TRACE_RETURN] = "RETURN ", [TRACE_IMAGE] = "IMAGE  ",
        [TRACE_EXCEPTION] = "EXCEPT ", [TRACE_THREAD] = "THREAD ", [TRACE_PROCESS] = "END    ",
        [TRACE_AWAY] = "AWAY   ",
    };
    char *at = trace_at_text(trace_out_at(o), "[");
    at = trace_at_time(o, at, ev->time);
    if (ev->main_thread)
        at = trace_at_text(at, "] [TID:main] ");
    else if (ev->tid)
        at = trace_at_text(trace_at_decimal(trace_at_text(at, "] [TID:"), ev->tid), "] ");
    else
        at = trace_at_text(at, "] [TID:-] ");
    trace_out_up_to(o, trace_at_bytes(at, verbs[ev->kind], VERB_LENGTH));
}

/* ---- Calls
 * -------------------------------------------------------------------------------------------- */

void trace_text_label(struct trace_out *o, const struct trace_event *ev)
{
    char ordinal[16];
    if (ev->module)
        put_module(o, ev->module);
    put_bare(o, trace_function_name(ev, ordinal));
}

static void put_function(struct trace_out *o, const struct trace_event *ev)
{
    char *at = trace_out_at(o);
    for (uint32_t i = 0; i < MIN(ev->depth, (uint32_t)DEPTH_SHOWN); i++)
        at = trace_at_text(at, "  ");
    const bool is_short = ev->label && ev->label_length <= SHORT_TEXT;
    trace_out_up_to(o, is_short ? trace_at_bytes(at, ev->label, ev->label_length) : at);
    if (!ev->label)
        trace_text_label(o, ev);
    else if (!is_short)
        trace_out_bytes(o, ev->label, ev->label_length);
}

static void put_error(struct trace_out *o, const struct trace_event *ev)
{
    trace_out_text(o, " error ");
    if (ev->last_error_name)
        trace_out_text(o, ev->last_error_name);
    else
        trace_out_decimal(o, ev->last_error);
}

static void put_call(struct trace_out *o, const struct trace_event *ev)
{
    put_function(o, ev);
    if (ev->kind == TRACE_RETURN) {
        trace_out_text(o, "() -> ");
        put_value(o, &ev->result);
        if (ev->has_error)
            put_error(o, ev);
        if (ev->value_count)
            trace_out_char(o, ' ');
    }
    if (ev->kind != TRACE_RETURN || ev->value_count) {
        trace_out_char(o, '(');
        put_values(o, ev->values, ev->value_count);
        trace_out_char(o, ')');
    }
    if (ev->caller_length) {
        char *at = trace_at_text(trace_out_at(o), " <- ");
        trace_out_up_to(o, trace_at_bytes(at, ev->caller, ev->caller_length));
    } else if (ev->caller) {
        trace_out_text(o, " <- ");
        put_bare(o, ev->caller);
    }
}

/* ---- What is no call
 * ---------------------------------------------------------------------------------- */

static void put_image(struct trace_out *o, const struct trace_event *ev)
{
    put_bare(o, ev->module);
    trace_out_text(o, ev->begins ? " mapped at " : " unmapped from ");
    put_address(o, ev->base);
    if (ev->begins)
        put_size(o, ev->size);
    if (ev->path) {
        trace_out_char(o, ' ');
        put_bare(o, ev->path);
    }
}

static void put_code(struct trace_out *o, const struct trace_event *ev)
{
    if (ev->code_name)
        trace_out_text(o, ev->code_name);
    else
        put_number(o, ev->code);
}

static void put_thread(struct trace_out *o, const struct trace_event *ev)
{
    trace_out_text(o, ev->begins ? "starts at " : "ends with ");
    if (ev->begins)
        put_bare(o, ev->place);
    else
        put_code(o, ev);
}

static void put_process(struct trace_out *o, const struct trace_event *ev)
{
    trace_out_text(o, "process ");
    trace_out_decimal(o, ev->pid);
    trace_out_text(o, " ends with ");
    put_code(o, ev);
}

static void put_exception(struct trace_out *o, const struct trace_event *ev)
{
    put_code(o, ev);
    trace_out_text(o, " at ");
    put_bare(o, ev->place);
    if (ev->access) {
        trace_out_text(o, ", ");
        trace_out_text(o, ev->access);
        trace_out_text(o, " of ");
        put_address(o, ev->accessed);
    }
    if (!ev->first_chance)
        trace_out_text(o, ", not handled");
}

void trace_text_event(struct trace_out *o, const struct trace_event *ev)
{
    typedef void put_fn(struct trace_out *, const struct trace_event *);
    static put_fn *const by_kind[] = {
        [TRACE_CALL] = put_call,
        [TRACE_RETURN] = put_call,
        [TRACE_IMAGE] = put_image,
        [TRACE_THREAD] = put_thread,
        [TRACE_EXCEPTION] = put_exception,
        [TRACE_PROCESS] = put_process,
        [TRACE_AWAY] = NULL,
    };
    if (!by_kind[ev->kind])
        return;
    put_head(o, ev);
    by_kind[ev->kind](o, ev);
    trace_out_newline(o);
}
