/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef TRACE_DECODE_H
#define TRACE_DECODE_H
/*
 * Arguments of a service, turned into values that sinks print. Nothing is allocated, and the guest
 * is not changed: memory is peeked at (no guard page goes off, no page is made).
 */
#include "nt/call.h"
#include "trace/event.h"

/* Where the decoder looks things up; tests bring their own. */
struct trace_guest {
    void *ctx;
    unsigned ptr_size; /* 4 or 8 */
    /* All of the bytes, or false. */
    bool (*peek)(void *ctx, uint64_t va, void *out, size_t len);
    /* What a handle stands for: length written, 0 when unknown. */
    size_t (*describe)(void *ctx, uint64_t handle, char *out, size_t size);
    /* Of the bytes as many as there are from the start; NULL: by `peek`, page by page. */
    size_t (*peek_some)(void *ctx, uint64_t va, void *out, size_t len);
};

enum {
    TRACE_STRING_SHOWN = 512, /* UTF-16 units of a name */
    TRACE_TEXT_SHOWN = 128,   /* bytes of a buffer that holds text */
    TRACE_HEX_SHOWN = 32,     /* bytes of one that does not */
    TRACE_HANDLES_SHOWN = 8
};

/* Room for one event: values for any service there is; text that does not fit is cut. */
struct trace_scratch {
    struct trace_value values[96];
    size_t value_used;
    char text[16384];
    size_t text_used;
};

/* Inputs (IN and INOUT), in order. Return: number of values at s->values, not counting children. */
size_t trace_decode_inputs(const struct trace_guest *g, const struct nt_service *service,
                           const uint64_t *arg, struct trace_scratch *s);
/* Outputs (OUT and INOUT) after the service returned `status`. A service that failed wrote
 * nothing, except how much room it would have needed. */
size_t trace_decode_outputs(const struct trace_guest *g, const struct nt_service *service,
                            const uint64_t *arg, ntstatus status, struct trace_scratch *s);
#endif
