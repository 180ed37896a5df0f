/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef TRACE_API_H
#define TRACE_API_H
/* Calls of API functions as events: a listener of hook/, with prototypes from api/. */
#include "api/api.h"
#include "hook/hook.h"
#include "trace/decode.h"
#include "trace/memo.h"
#include "trace/trace.h"

struct trace_api;

struct trace_api *trace_api_create(struct trace *t, struct hooks *h);
void trace_api_destroy(struct trace_api *a);

/* How a value is shown, as far as that is always the same. */
enum trace_show {
    TRACE_SHOW_BY_TYPE, /* it must be looked at */
    TRACE_SHOW_NUMBER,  /* a value of the kind that the plan says, and nothing else */
    TRACE_SHOW_NAMED,   /* constants of a group */
    TRACE_SHOW_HANDLE
};
struct trace_plan {
    struct api_arg arg;
    struct api_place place;
    uint8_t show;        /* enum trace_show */
    uint8_t kind;        /* enum trace_value_kind */
    uint8_t name_length; /* as a value has it */
    api_group_id group;  /* constants, of the argument or its type */
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
    struct trace_plan result_plan;      /* without name and place */
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
    struct trace_memo *names; /* of constants; may be NULL */
};
/* How many characters an array has at most: arrays of one are the beginning of longer ones. 0: it
 * is of something else. */
size_t trace_text_room(const struct api_table *table, const struct api_type *array);
/* capture.c: what an engine that notes calls must keep of the guest's memory, so that the functions
 * below find in records all they look at. False: more than it can, or there is no saying. */
bool trace_plan_captures(const struct api_table *t, const struct trace_function *fn,
                         unsigned ptr_size, struct cpu_noted *f);
/* From the beginning of that range, as many bytes as the record has. */
size_t trace_peek_record(const struct cpu_record *r, uint64_t va, void *out, size_t len);
/* Inputs at entry; outputs after it returned, all or (`failed`) none. Return: how many values. */
size_t trace_decode_api_inputs(const struct trace_arguments *a, struct trace_scratch *s);
size_t trace_decode_api_outputs(const struct trace_arguments *a, bool failed,
                                struct trace_scratch *s);
/* Whether the function says by its result that it failed. */
bool trace_api_failed(const struct trace_arguments *a, uint64_t raw);
/* "ERROR_FILE_NOT_FOUND", as api_value_text has it: in `out`, or borrowed until the next one. */
const char *trace_constant_text(const struct trace_arguments *a, api_group_id group, uint64_t v,
                                char *out, size_t size, size_t *length);
/* What the function returned; its text is behind what the scratch has. */
void trace_decode_api_result(const struct trace_arguments *a, uint64_t raw, bool failed,
                             struct trace_scratch *s, struct trace_value *out);
#endif
