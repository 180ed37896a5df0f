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

/* How an argument is decoded, as far as that is always the same. */
struct trace_plan {
    struct api_arg arg;
    struct api_place place;
    uint8_t plain; /* a number that is shown as the kind of value below */
    uint8_t kind;  /* enum trace_value_kind */
};

/* What is known of a function of the guest's. */
struct trace_function {
    struct api_function f; /* when `known` */
    bool known;
    uint8_t strings; /* 0, or the size in bytes of characters where the prototype says another */
    uint8_t count;   /* of arguments that are kept */
    bool vectors;    /* some of them come in XMM registers */
    bool outputs;    /* some of them may be shown when it returns */
    const char *category;
    char *label; /* trace_event.label */
    uint32_t label_length;
    struct api_type result;
    uint8_t result_plain, result_kind;  /* as in a plan */
    struct trace_plan plan[HOOK_SAVED]; /* of `count` arguments, when `known` */
};
/* Fills in the plan, and what follows from it, once the rest is known. */
void trace_plan_function(const struct api_table *t, struct trace_function *fn, unsigned ptr_size);

/* Arguments of a call, as raw values, or addresses of what is larger. */
struct trace_arguments {
    const struct api_table *table;
    const struct trace_function *fn;
    const struct trace_guest *guest;
    const uint64_t *value;
};
/* Whether all that is shown of a call is in its arguments and its result: nothing of the guest's
 * memory is looked at. */
bool trace_is_plain(const struct api_table *t, const struct trace_function *fn, unsigned ptr_size);
/* Inputs at entry; outputs after it returned, all or (`failed`) none. Return: how many values. */
size_t trace_decode_api_inputs(const struct trace_arguments *a, struct trace_scratch *s);
size_t trace_decode_api_outputs(const struct trace_arguments *a, bool failed,
                                struct trace_scratch *s);
/* What the function returned, as one value at the end of the scratch; `failed`: it says so itself.
 */
struct trace_value trace_decode_api_result(const struct trace_arguments *a, uint64_t raw,
                                           struct trace_scratch *s, bool *failed);
#endif
