/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef MACHINE_EVENTS_INTERNAL_H
#define MACHINE_EVENTS_INTERNAL_H
#include "machine/events.h"

struct event_hook {
    uint32_t id;
    struct pgr_hook hook; /* `last` is set: everywhere ends at UINT64_MAX */
    bool removed;
};

/* The instruction that a thread is at, and what was told of it. */
struct told {
    uint32_t thread;
    uint64_t ip, sp; /* sp only in `again` */
    unsigned kinds;  /* bits by enum cpu_watch_kind */
};

struct events {
    VEC(struct event_hook *) all;   /* in order; removed ones too while `depth` */
    VEC(struct event_hook *) added; /* while `depth` */
    unsigned count[PGR_HOOK_KINDS];
    unsigned depth; /* of handlers that are going on */
    bool swept;     /* there are removed ones */
    uint32_t last_id;
    struct told told;       /* last */
    VEC(struct told) again; /* where threads left the engine: not told when they are back */
    struct nt_watcher watcher;
};

bool events_any(const struct pgr_machine *m, enum pgr_hook_kind kind);
/* Asks the hooks of e->kind whose range holds e->address until one says that it is done. */
bool events_ask(struct pgr_machine *m, struct pgr_event *e);
#endif
