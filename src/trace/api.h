/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef TRACE_API_H
#define TRACE_API_H
/* Calls of API functions as events: a listener of hook/, with prototypes from api/. */
#include "api/api.h"
#include "hook/hook.h"
#include "trace/decode.h"
#include "trace/trace.h"

struct trace_api;

struct trace_api *trace_api_create(struct trace *t, struct hooks *h);
void trace_api_destroy(struct trace_api *a);

/* What is known of a function of the guest's. */
struct trace_function {
    struct api_function f; /* when `known` */
    bool known;
    uint8_t strings; /* 0, or the size in bytes of characters where the prototype says another */
    uint8_t count;   /* of arguments that are kept */
    bool vectors;    /* some of them come in XMM registers */
    const char *category;
};

/* Arguments of a call, as raw values, or addresses of what is larger. */
struct trace_arguments {
    const struct api_table *table;
    const struct trace_function *fn;
    const struct trace_guest *guest;
    const uint64_t *value;
};
/* Inputs at entry; outputs after it returned, all or (`failed`) none. Return: how many values. */
size_t trace_decode_api_inputs(const struct trace_arguments *a, struct trace_scratch *s);
size_t trace_decode_api_outputs(const struct trace_arguments *a, bool failed,
                                struct trace_scratch *s);
/* What the function returned, as one value at the end of the scratch; `failed`: it says so itself.
 */
struct trace_value trace_decode_api_result(const struct trace_arguments *a, uint64_t raw,
                                           struct trace_scratch *s, bool *failed);
#endif
