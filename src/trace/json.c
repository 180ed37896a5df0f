// SPDX-License-Identifier: GPL-2.0-or-later
#include "trace/sinks.h"

#include <string.h>

static const struct trace_value *put_value(struct trace_out *o, const struct trace_value *v);

/* Integers that a double holds exactly are numbers; greater ones hexadecimal strings. */
static const uint64_t exact_max = 1ull << 53;

static void put_hex_string(struct trace_out *o, uint64_t v)
{
    trace_out_text(o, "\"0x");
    trace_out_hex(o, v, 1);
    trace_out_char(o, '"');
}

static void put_number(struct trace_out *o, uint64_t v)
{
    if (v <= exact_max)
        trace_out_decimal(o, v);
    else
        put_hex_string(o, v);
}

static void put_signed(struct trace_out *o, uint64_t v)
{
    bool negative = (int64_t)v < 0;
    uint64_t size = negative ? 0 - v : v;
    if (size > exact_max) {
        put_hex_string(o, v);
        return;
    }
    if (negative)
        trace_out_char(o, '-');
    trace_out_decimal(o, size);
}

static void put_address(struct trace_out *o, uint64_t v)
{
    if (v)
        put_hex_string(o, v);
    else
        trace_out_text(o, "null");
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

static const struct trace_value *put_values(struct trace_out *o, const struct trace_value *v,
                                            size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (i)
            trace_out_char(o, ',');
        if (v->name) {
            trace_out_char(o, '"');
            trace_out_text(o, v->name);
            trace_out_text(o, "\":");
        }
        v = put_value(o, v);
    }
    return v;
}

static void put_scalar(struct trace_out *o, const struct trace_value *v)
{
    switch ((enum trace_value_kind)v->kind) {
    case TRACE_SIGNED:
        put_signed(o, v->number);
        break;
    case TRACE_BOOL:
        trace_out_text(o, v->number ? "true" : "false");
        break;
    case TRACE_ADDRESS:
        put_address(o, v->number);
        break;
    case TRACE_UNREADABLE:
        trace_out_text(o, "{\"unreadable\":");
        put_hex_string(o, v->number);
        trace_out_char(o, '}');
        break;
    case TRACE_SYMBOL:
        put_quoted(o, v->text, v->length);
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
        put_number(o, v->number);
        break;
    }
}

static const struct trace_value *put_value(struct trace_out *o, const struct trace_value *v)
{
    if (v->kind != TRACE_LIST && v->kind != TRACE_FIELDS) {
        put_scalar(o, v);
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

static void put_key(struct trace_out *o, const char *key, const char *value)
{
    trace_out_text(o, ",\"");
    trace_out_text(o, key);
    trace_out_text(o, "\":\"");
    trace_out_text(o, value);
    trace_out_char(o, '"');
}

static void put_result(struct trace_out *o, const struct trace_event *ev)
{
    trace_out_text(o, ",\"result\":");
    put_value(o, &ev->result);
    if (ev->is_status) {
        trace_out_text(o, ",\"status\":");
        trace_out_decimal(o, (uint32_t)ev->result_code);
    }
}

static void put_text_key(struct trace_out *o, const char *key, const char *value)
{
    trace_out_text(o, ",\"");
    trace_out_text(o, key);
    trace_out_text(o, "\":");
    put_quoted(o, value, strlen(value));
}

static void put_address_key(struct trace_out *o, const char *key, uint64_t v)
{
    trace_out_text(o, ",\"");
    trace_out_text(o, key);
    trace_out_text(o, "\":");
    put_address(o, v);
}

static void put_number_key(struct trace_out *o, const char *key, uint64_t v)
{
    trace_out_text(o, ",\"");
    trace_out_text(o, key);
    trace_out_text(o, "\":");
    put_number(o, v);
}

static void put_truth_key(struct trace_out *o, const char *key, bool v)
{
    trace_out_text(o, ",\"");
    trace_out_text(o, key);
    trace_out_text(o, v ? "\":true" : "\":false");
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

static void put_call(struct trace_out *o, const struct trace_event *ev)
{
    char ordinal[16];
    if (ev->module)
        put_text_key(o, "module", ev->module);
    put_text_key(o, "function", trace_function_name(ev, ordinal));
    if (ev->module)
        put_number_key(o, "depth", ev->depth);
    if (ev->caller)
        put_text_key(o, "caller", ev->caller);
    if (ev->kind == TRACE_RETURN)
        put_result(o, ev);
    if (ev->module && ev->failed)
        put_truth_key(o, "failed", true);
    if (ev->has_error) {
        put_number_key(o, "error", ev->last_error);
        if (ev->last_error_name)
            put_key(o, "error_name", ev->last_error_name);
    }
    trace_out_text(o, ev->kind == TRACE_RETURN ? ",\"outs\":" : ",\"args\":");
    trace_json_values(o, ev->values, ev->value_count);
}

static void put_image(struct trace_out *o, const struct trace_event *ev)
{
    put_key(o, "action", ev->begins ? "map" : "unmap");
    put_text_key(o, "module", ev->module);
    put_address_key(o, "base", ev->base);
    put_number_key(o, "size", ev->size);
    if (ev->path)
        put_text_key(o, "path", ev->path);
}

static void put_end(struct trace_out *o, const struct trace_event *ev)
{
    put_key(o, "action", "end");
    put_number_key(o, "exit_code", ev->code);
    if (ev->code_name)
        put_key(o, "exit_name", ev->code_name);
}

static void put_thread(struct trace_out *o, const struct trace_event *ev)
{
    if (!ev->begins) {
        put_end(o, ev);
        return;
    }
    put_key(o, "action", "start");
    put_address_key(o, "address", ev->address);
    put_text_key(o, "place", ev->place);
}

static void put_exception(struct trace_out *o, const struct trace_event *ev)
{
    put_number_key(o, "code", ev->code);
    if (ev->code_name)
        put_key(o, "name", ev->code_name);
    put_address_key(o, "address", ev->address);
    put_text_key(o, "place", ev->place);
    put_truth_key(o, "first_chance", ev->first_chance);
    if (ev->access) {
        put_key(o, "access", ev->access);
        put_address_key(o, "accessed", ev->accessed);
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
    trace_out_text(o, "{\"timestamp\":");
    trace_out_time(o, ev->time);
    trace_out_text(o, ",\"thread_id\":");
    trace_out_decimal(o, ev->tid);
    put_key(o, "event", trace_event_kind_name(ev->kind));
    put_key(o, "category", ev->category);
    by_kind[ev->kind](o, ev);
    trace_out_char(o, '}');
    trace_out_newline(o);
}
