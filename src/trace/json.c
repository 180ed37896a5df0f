// SPDX-License-Identifier: GPL-2.0-or-later
#include "trace/sinks.h"

#include <string.h>

enum { SHORT_TEXT = 128 }; /* bytes: this and a name fit into what is spare */

static const struct trace_value *put_value(struct trace_out *o, const struct trace_value *v);

/* ---- Short values, as pieces
 * ----------------------------------------------------------------------------------- */

/* Integers that a double holds exactly are numbers; greater ones hexadecimal strings. */
static const uint64_t exact_max = 1ull << 53;

static char *at_hex_string(char *at, uint64_t v)
{
    return trace_at_text(trace_at_hex(trace_at_text(at, "\"0x"), v, 1), "\"");
}

static char *at_number(char *at, uint64_t v)
{
    return v <= exact_max ? trace_at_decimal(at, v) : at_hex_string(at, v);
}

static char *at_signed(char *at, uint64_t v)
{
    bool negative = (int64_t)v < 0;
    uint64_t size = negative ? 0 - v : v;
    if (size > exact_max)
        return at_hex_string(at, v);
    return trace_at_decimal(negative ? trace_at_text(at, "-") : at, size);
}

static char *at_address(char *at, uint64_t v)
{
    return v ? at_hex_string(at, v) : trace_at_text(at, "null");
}

/* NULL: it may be long, or needs escapes. */
static char *at_quoted(char *at, const char *text, size_t len)
{
    if (len > SHORT_TEXT || !trace_out_is_plain(text, len))
        return NULL;
    return trace_at_text(trace_at_bytes(trace_at_text(at, "\""), text, len), "\"");
}

/* NULL: the same. */
static char *at_value(char *at, const struct trace_value *v)
{
    switch ((enum trace_value_kind)v->kind) {
    case TRACE_NUMBER:
        return at_number(at, v->number);
    case TRACE_SIGNED:
        return at_signed(at, v->number);
    case TRACE_BOOL:
        return v->number ? trace_at_text(at, "true") : trace_at_text(at, "false");
    case TRACE_ADDRESS:
        return at_address(at, v->number);
    case TRACE_SYMBOL:
        return at_quoted(at, v->text, v->length);
    default:
        return NULL;
    }
}

/* ---- Values
 * -----------------------------------------------------------------------------------------------
 */

static void put_hex_string(struct trace_out *o, uint64_t v)
{
    trace_out_up_to(o, at_hex_string(trace_out_at(o), v));
}

static void put_number(struct trace_out *o, uint64_t v)
{
    trace_out_up_to(o, at_number(trace_out_at(o), v));
}

static void put_quoted(struct trace_out *o, const char *text, size_t len)
{
    trace_out_char(o, '"');
    trace_out_escaped(o, text, len, TRACE_ESCAPE_JSON);
    trace_out_char(o, '"');
}

static void put_string(struct trace_out *o, const struct trace_value *v)
{
    if (!v->cut) {
        put_quoted(o, v->text, v->length);
        return;
    }
    trace_out_text(o, "{\"text\":");
    put_quoted(o, v->text, v->length);
    trace_out_text(o, ",\"truncated\":true}");
}

static void put_handle(struct trace_out *o, const struct trace_value *v)
{
    if (!v->number) {
        trace_out_text(o, "null");
        return;
    }
    trace_out_text(o, "{\"handle\":");
    if ((int64_t)v->number < 0 && (int64_t)v->number > -16) {
        trace_out_text(o, "\"-");
        trace_out_decimal(o, 0 - v->number);
        trace_out_char(o, '"');
    } else {
        put_hex_string(o, v->number);
    }
    if (v->length) {
        trace_out_text(o, ",\"object\":");
        put_quoted(o, v->text, v->length);
    }
    trace_out_char(o, '}');
}

static void put_bytes(struct trace_out *o, const struct trace_value *v)
{
    trace_out_text(o, "{\"size\":");
    put_number(o, v->number);
    if (v->kind == TRACE_BYTES) {
        trace_out_text(o, ",\"hex\":\"");
        for (uint32_t i = 0; i < v->length; i++)
            trace_out_hex(o, (uint8_t)v->text[i], 2);
        trace_out_char(o, '"');
    } else {
        trace_out_text(o, v->kind == TRACE_WTEXT ? ",\"wtext\":" : ",\"text\":");
        put_quoted(o, v->text, v->length);
    }
    trace_out_text(o, v->cut ? ",\"truncated\":true}" : "}");
}

static char *at_name(struct trace_out *o, char *at, const struct trace_value *v)
{
    size_t len = v->name_length ? v->name_length : strlen(v->name);
    at = trace_at_text(at, "\"");
    if (len <= UINT8_MAX)
        return trace_at_text(trace_at_bytes(at, v->name, len), "\":");
    trace_out_up_to(o, at);
    trace_out_bytes(o, v->name, len);
    return trace_at_text(trace_out_at(o), "\":");
}

static const struct trace_value *put_values(struct trace_out *o, const struct trace_value *v,
                                            size_t n)
{
    for (size_t i = 0; i < n; i++) {
        char *at = trace_out_at(o), *end;
        if (i)
            at = trace_at_text(at, ",");
        if (v->name)
            at = at_name(o, at, v);
        end = at_value(at, v);
        trace_out_up_to(o, end ? end : at);
        v = end ? v + 1 : put_value(o, v);
    }
    return v;
}

static void put_long(struct trace_out *o, const struct trace_value *v)
{
    switch ((enum trace_value_kind)v->kind) {
    case TRACE_UNREADABLE:
        trace_out_text(o, "{\"unreadable\":");
        put_hex_string(o, v->number);
        trace_out_char(o, '}');
        break;
    case TRACE_STRING:
        put_string(o, v);
        break;
    case TRACE_HANDLE:
        put_handle(o, v);
        break;
    case TRACE_BYTES:
    case TRACE_TEXT:
    case TRACE_WTEXT:
        put_bytes(o, v);
        break;
    default:
        put_quoted(o, v->text, v->length);
        break;
    }
}

static const struct trace_value *put_value(struct trace_out *o, const struct trace_value *v)
{
    if (v->kind != TRACE_LIST && v->kind != TRACE_FIELDS) {
        char *end = at_value(trace_out_at(o), v);
        if (end)
            trace_out_up_to(o, end);
        else
            put_long(o, v);
        return v + 1;
    }
    bool list = v->kind == TRACE_LIST;
    trace_out_char(o, list ? '[' : '{');
    const struct trace_value *next = put_values(o, v + 1, v->children);
    if (v->cut && v->children)
        trace_out_char(o, ',');
    if (v->cut)
        trace_out_text(o, list ? "\"...\"" : "\"...\":null");
    trace_out_char(o, list ? ']' : '}');
    return next;
}

/* `,"name":` and how long that is; names are short. */
#define KEY(name) ",\"" name "\":", sizeof(",\"" name "\":") - 1

static void put_text_key(struct trace_out *o, const char *key, size_t key_len, const char *value)
{
    const size_t len = strlen(value);
    char *at = trace_at_bytes(trace_out_at(o), key, key_len), *end = at_quoted(at, value, len);
    trace_out_up_to(o, end ? end : at);
    if (!end)
        put_quoted(o, value, len);
}

static void put_address_key(struct trace_out *o, const char *key, size_t key_len, uint64_t v)
{
    trace_out_up_to(o, at_address(trace_at_bytes(trace_out_at(o), key, key_len), v));
}

static void put_number_key(struct trace_out *o, const char *key, size_t key_len, uint64_t v)
{
    trace_out_up_to(o, at_number(trace_at_bytes(trace_out_at(o), key, key_len), v));
}

static void put_truth_key(struct trace_out *o, const char *key, size_t key_len, bool v)
{
    trace_out_bytes(o, key, key_len);
    trace_out_text(o, v ? "true" : "false");
}

static void put_result(struct trace_out *o, const struct trace_event *ev)
{
    trace_out_text(o, ",\"result\":");
    put_value(o, &ev->result);
    if (ev->is_status)
        put_number_key(o, KEY("status"), (uint32_t)ev->result_code);
}

void trace_json_values(struct trace_out *o, const struct trace_value *v, size_t n)
{
    trace_out_char(o, '{');
    put_values(o, v, n);
    trace_out_char(o, '}');
}

void trace_json_value(struct trace_out *o, const struct trace_value *v)
{
    put_value(o, v);
}

/* ---- Lines
 * -------------------------------------------------------------------------------------------- */

static void put_caller(struct trace_out *o, const struct trace_event *ev)
{
    if (!ev->caller_length) {
        put_text_key(o, KEY("caller"), ev->caller);
        return;
    }
    char *at = trace_at_text(trace_at_bytes(trace_out_at(o), KEY("caller")), "\"");
    trace_out_up_to(o, trace_at_text(trace_at_bytes(at, ev->caller, ev->caller_length), "\""));
}

static void put_call(struct trace_out *o, const struct trace_event *ev)
{
    char ordinal[16];
    if (ev->module)
        put_text_key(o, KEY("module"), ev->module);
    put_text_key(o, KEY("function"), trace_function_name(ev, ordinal));
    if (ev->module)
        put_number_key(o, KEY("depth"), ev->depth);
    if (ev->caller)
        put_caller(o, ev);
    if (ev->kind == TRACE_RETURN)
        put_result(o, ev);
    if (ev->module && ev->failed)
        put_truth_key(o, KEY("failed"), true);
    if (ev->has_error) {
        put_number_key(o, KEY("error"), ev->last_error);
        if (ev->last_error_name)
            put_text_key(o, KEY("error_name"), ev->last_error_name);
    }
    trace_out_text(o, ev->kind == TRACE_RETURN ? ",\"outs\":" : ",\"args\":");
    trace_json_values(o, ev->values, ev->value_count);
}

static void put_image(struct trace_out *o, const struct trace_event *ev)
{
    put_text_key(o, KEY("action"), ev->begins ? "map" : "unmap");
    put_text_key(o, KEY("module"), ev->module);
    put_address_key(o, KEY("base"), ev->base);
    put_number_key(o, KEY("size"), ev->size);
    if (ev->path)
        put_text_key(o, KEY("path"), ev->path);
}

static void put_end(struct trace_out *o, const struct trace_event *ev)
{
    put_text_key(o, KEY("action"), "end");
    put_number_key(o, KEY("exit_code"), ev->code);
    if (ev->code_name)
        put_text_key(o, KEY("exit_name"), ev->code_name);
}

static void put_thread(struct trace_out *o, const struct trace_event *ev)
{
    if (!ev->begins) {
        put_end(o, ev);
        return;
    }
    put_text_key(o, KEY("action"), "start");
    put_address_key(o, KEY("address"), ev->address);
    put_text_key(o, KEY("place"), ev->place);
}

static void put_exception(struct trace_out *o, const struct trace_event *ev)
{
    put_number_key(o, KEY("code"), ev->code);
    if (ev->code_name)
        put_text_key(o, KEY("name"), ev->code_name);
    put_address_key(o, KEY("address"), ev->address);
    put_text_key(o, KEY("place"), ev->place);
    put_truth_key(o, KEY("first_chance"), ev->first_chance);
    if (ev->access) {
        put_text_key(o, KEY("access"), ev->access);
        put_address_key(o, KEY("accessed"), ev->accessed);
    }
}

void trace_json_event(struct trace_out *o, const struct trace_event *ev)
{
    typedef void put_fn(struct trace_out *, const struct trace_event *);
    static put_fn *const by_kind[] = {
        [TRACE_CALL] = put_call,     [TRACE_RETURN] = put_call,         [TRACE_IMAGE] = put_image,
        [TRACE_THREAD] = put_thread, [TRACE_EXCEPTION] = put_exception, [TRACE_PROCESS] = put_end,
        [TRACE_AWAY] = NULL,
    };
    if (!by_kind[ev->kind])
        return;
    char *at = trace_at_time(o, trace_at_text(trace_out_at(o), "{\"timestamp\":"), ev->time);
    trace_out_up_to(o, trace_at_decimal(trace_at_bytes(at, KEY("thread_id")), ev->tid));
    put_text_key(o, KEY("event"), trace_event_kind_name(ev->kind));
    put_text_key(o, KEY("category"), ev->category);
    by_kind[ev->kind](o, ev);
    trace_out_char(o, '}');
    trace_out_newline(o);
}
