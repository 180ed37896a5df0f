/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef MACHINE_OVERRIDES_H
#define MACHINE_OVERRIDES_H
/* What overrides.c (which handlers a call has) and call.c (what handlers can ask) share. */
#include "api/api.h"
#include "machine/machine.h"
#include <peregrine/hook.h>

struct override;

/* Handlers of one function, in order. They are made anew when hooks come or go, and kept: calls
 * that are going on point to them. */
struct override_set {
    unsigned generation; /* of the overrides that it was made from */
    VEC(struct override *) list;
    bool known; /* the prototype */
    struct api_function f;
    char ordinal_text[16]; /* name of a function without one */
};

struct pgr_call {
    struct pgr_machine *m;
    struct nt_thread *t;
    const struct override_set *set;
    struct hook_call *call;  /* of an API function; NULL: a service */
    struct nt_call *service; /* else */
    bool over;               /* the function has returned, or was answered */
    bool waits;              /* a service whose thread does not run */
    uint64_t result;         /* when over */
};
/* points.c: a function that is hooked by its address, "0x140001450" or "a.exe+0x1450". */
struct point;
bool point_is_named(const char *name); /* whether a name is of that kind */
pgr_status point_create(struct pgr_machine *m, const char *name, struct point **out,
                        struct pgr_error *e);
uint64_t point_address(const struct point *p); /* 0: its module is not mapped */
void point_destroy(struct point *p);
/* overrides.c: the prototypes. */
const struct api_table *call_table(const struct pgr_call *c);
/* call.c: arguments are kept for the end of the call; the result, from and to registers. */
void call_keep_args(struct pgr_call *c);
void call_fetch_result(struct pgr_call *c);
void call_store_result(struct pgr_call *c);
#endif
