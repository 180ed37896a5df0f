/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef TRACE_DECODER_H
#define TRACE_DECODER_H
/* What decode.c, typed.c, structs.c and infos.c share; nobody else includes it. */
#include "base/bits.h"
#include "trace/decode.h"

struct trace_decoder {
    const struct trace_guest *g;
    const struct nt_service *service;
    const uint64_t *arg;
    struct trace_scratch *s;
    bool returning;
    size_t index; /* argument that is being decoded */
};

/* Appends a value; a parent comes before its children and counts them itself. */
static inline struct trace_value *trace_put(struct trace_decoder *d, enum trace_value_kind kind,
                                            const char *name, uint64_t number)
{
    struct trace_scratch *s = d->s;
    BUG_ON(s->value_used == ARRAY_LEN(s->values));
    struct trace_value *v = &s->values[s->value_used++];
    *v = (struct trace_value){.kind = (uint8_t)kind, .name = name, .number = number};
    return v;
}
/* Copies text; marks the value as cut when the scratch is full. */
void trace_set_text(struct trace_decoder *d, struct trace_value *v, const char *text, size_t len);
/* The same from n <= TRACE_STRING_SHOWN UTF-16LE units. */
void trace_set_utf16(struct trace_decoder *d, struct trace_value *v, const uint8_t *units,
                     size_t n);
void trace_put_symbol(struct trace_decoder *d, const char *name, const char *text, size_t len);
void trace_put_named(struct trace_decoder *d, enum nt_arg_type type, const char *name, uint32_t v);
void trace_put_status(struct trace_decoder *d, const char *name, ntstatus status);
void trace_put_handle(struct trace_decoder *d, const char *name, uint64_t handle);
void trace_put_utf16_at(struct trace_decoder *d, const char *name, uint64_t va, size_t units);
/* UTF-16 up to its NUL, or so many units. */
void trace_put_wide(struct trace_decoder *d, const char *name, uint64_t va, size_t most);
void trace_put_buffer(struct trace_decoder *d, const char *name, uint64_t va, uint64_t size);
void trace_put_system_time(struct trace_decoder *d, const char *name, uint64_t t);
/* A buffer with the structure that the service's information class names; false, and no value, when
 * it is none of those known here. */
bool trace_put_info(struct trace_decoder *d, const char *name, uint64_t va, uint64_t size);
void trace_put_unicode_string(struct trace_decoder *d, const char *name, uint64_t va);

bool trace_peek(struct trace_decoder *d, uint64_t va, void *out, size_t len);
size_t trace_peek_some(struct trace_decoder *d, uint64_t va, void *out, size_t len);
bool trace_get(struct trace_decoder *d, const struct layout *l, uint64_t va, void *host);

/* Decoders of pointers to structures, by argument type; NULL for other types. Each appends exactly
 * one value with its children. */
typedef void trace_struct_decoder(struct trace_decoder *d, const char *name, uint64_t va);
extern trace_struct_decoder *const trace_struct_decoders[NT_ARG_COUNT];
#endif
