/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef MACHINE_PLAN_H
#define MACHINE_PLAN_H
/*
 * Which engine runs the program, and from which point on another does.
 *
 *     auto                                 the fastest that can do what was asked
 *     kvm                                  this one
 *     kvm,unicorn@NtCreateFile,kvm@NtClose one after the other
 *
 * A point is a service (NtCreateFile: when a thread has called it), an address (0x140001000: when a
 * thread reaches it), a number (1000000: after so many instructions) or a module (foo.dll: when it
 * is mapped). Points count from the moment when the step before began.
 */
#include "base/err.h"
#include "base/vec.h"
#include "cpu/engine.h"

enum plan_point { PLAN_START, PLAN_SERVICE, PLAN_ADDRESS, PLAN_COUNT, PLAN_MODULE };

struct plan_step {
    const struct cpu_engine_ops *ops;
    enum plan_point point;
    char *name;     /* SERVICE, MODULE */
    uint64_t value; /* ADDRESS, COUNT */
};

struct machine_plan {
    VEC(struct plan_step) steps; /* at least one, which is PLAN_START */
    bool automatic;
    bool wants_count, wants_exact, wants_sights; /* what the user asked for */
    char *why;          /* what spoke against faster engines; NULL: nothing, or not auto */
    bool counts;        /* instructions must be counted: for the user, or for a point */
    bool exact;         /* every engine of it repeats a run exactly */
    uint64_t xfeatures; /* components of x86_ext that every engine of it carries */
};

struct plan_wish {
    const char *engine; /* as above; NULL: auto */
    bool count;         /* instructions */
    bool exact;         /* the virtual clock was asked for */
    bool sights;        /* to hear of code and memory as they are used */
};

/* PGR_E_ARGUMENT: what is written is wrong. PGR_E_ENGINE: an engine that was named cannot do
 * what was asked, or not on this host; the text says why, and which can. */
pgr_status machine_plan_make(const struct plan_wish *wish, struct machine_plan *out,
                             struct pgr_error *e);
/* The engine that auto took refused when it was to begin, for the reason in *e: takes the next one.
 * False: there is none, or the engine was named. */
bool machine_plan_next(struct machine_plan *plan, const struct pgr_error *e);
void machine_plan_free(struct machine_plan *plan);
/* By name, and fit for what the plan needs; `exact`: the machine has the virtual clock. */
pgr_status machine_plan_find(const struct machine_plan *plan, const char *name, bool exact,
                             const struct cpu_engine_ops **out, struct pgr_error *e);
/* An engine with a CPU_CAP_…, "none" without one. */
const char *machine_engines_with(unsigned cap);
#endif
