/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef MACHINE_MACHINE_H
#define MACHINE_MACHINE_H
/* The machine's insides, for the command line and tests. Users of the library see
 * peregrine/machine.h only. */
#include "base/vec.h"
#include "cpu/engine.h"
#include "hook/hook.h"
#include "machine/plan.h"
#include "nt/kernel.h"
#include "win/roots.h"
#include <peregrine/machine.h>
#include <signal.h>
#include <stdatomic.h>

enum { MACHINE_WORKERS_MAX = 16 };

/* A host thread that runs guest threads. The first is whoever calls pgr_machine_run; the others
 * exist during a run, once there is something to do for them. */
struct machine_worker {
    struct pgr_machine *m;
    pthread_t id;
    struct nt_thread *t; /* that it runs; referenced. NULL: looking for one */
    bool in_guest;       /* the lock is given back: t's registers are the engine's */
    bool in_handler;
    bool in_sight;    /* in the middle of an engine's loop */
    uint64_t point;   /* t is at this address, which somebody hooks as a function; 0: at none */
    bool interrupted; /* a limit stopped t, which goes on next */
    VEC(struct nt_thread *) asked; /* that t's service made stand still; referenced */
};

struct pgr_machine {
    struct pgr_config cfg; /* its strings are not kept */
    struct win_root root;
    struct mem_ram *ram;
    struct nt_kernel *k;
    struct hooks *hooks;          /* NULL: calls between modules are not intercepted */
    struct overrides *overrides;  /* NULL: nobody changes calls */
    struct machine_aside *asides; /* host code in the middle of a guest function; latest first */
    VEC(uint8_t *) aside_stacks;  /* free ones */
    bool ending;                  /* no guest function can be called any more */
    struct cpu_engine *prepared;  /* a beginning of the first engine; NULL: none, or used */
    struct breaks *breaks;        /* NULL: none was ever set */
    struct events *events;        /* NULL: nobody hooks what is no call */
    bool begun;                   /* it has run */
    struct machine_plan plan;
    size_t step;                       /* of the plan: the last one reached */
    bool handover;                     /* the next one was reached: everybody out */
    bool point_armed;                  /* an int3 stands at the next one's address */
    uint8_t point_byte;                /* instead of this */
    uint64_t step_began;               /* instructions at the beginning of this step */
    uint64_t instructions;             /* that engines before this one counted */
    const struct cpu_engine_ops *ops;  /* of this step */
    struct cpu_engine *_Atomic engine; /* made at load: it needs the address space */
    bool unproven;                     /* it has not run anything yet */
    atomic_uint stoppers;              /* host threads in pgr_machine_stop */
    struct nt_process *p;              /* the program's; referenced */
    struct machine_worker workers[MACHINE_WORKERS_MAX];
    unsigned worker_count;   /* that exist now */
    unsigned worker_limit;   /* 1: the engine runs one thread at a time */
    struct machine_run *run; /* that is going on */
    unsigned idle;           /* workers that wait for `changed` */
    pthread_cond_t changed;  /* something became ready, for workers that idle */
    pthread_cond_t stood;    /* a thread stands still, for services that wait for that */
    uint64_t exit_address;   /* 0: none */
    uint8_t exit_byte;       /* what stood there */
    bool at_exit_address;
    uint64_t slice_left; /* of its slice, in blocks; 0: it gets a new one */
    uint64_t slice_end;  /* of the current slice, as cpu_blocks() counts */
    uint64_t stop_after; /* services at which to stop, UINT64_MAX: never */
    uint64_t services;
    uint64_t kernel_most; /* bytes that the kernel may need for all that the guest has made */
    uint64_t exits;
    uint64_t recorded, records_told; /* when the last noted call was made, and was told of */
    uint64_t budget_used;
    volatile sig_atomic_t stop_requested;
};

struct machine_run;

/* machine.c */
/* Which clock the plan and the user's wish lead to. */
bool machine_follows_host(const struct pgr_machine *m);
pgr_status machine_make_engine(struct pgr_machine *m, struct pgr_error *e);
/* load.c: the engine failed, for this reason. True: it had not run anything yet, and another one
 * stands in for it, as auto allows. */
bool machine_replace_engine(struct pgr_machine *m, const char *why);
/* The engine cannot do what is wanted, for this reason; one with that CPU_CAP_… can. True: there is
 * one now, since auto still had the choice: there is no program yet. */
bool machine_choose_engine(struct pgr_machine *m, unsigned cap, const struct pgr_error *why);
/* handover.c: the engine's end, in a machine that goes on. */
void machine_retire_engine(struct pgr_machine *m);
/* Points of the plan. Each says whether, or notes that, the next one was reached. */
void machine_points_begin(struct pgr_machine *m);
void machine_point_service(struct pgr_machine *m, uint32_t number);
bool machine_point_address(struct pgr_machine *m, struct x86_state *st, const struct cpu_exit *x);
/* Whether instructions are counted towards the next point, and how many are left. */
bool machine_point_count(struct pgr_machine *m, uint64_t *left);
/* The next engine of the plan, when no worker is in the present one. */
pgr_status machine_hand_over(struct pgr_machine *m, struct pgr_error *e);
/* workers.c: the engine's side of the lock, and what the kernel asks of other workers. */
void machine_lock(void *ctx);
void machine_unlock(void *ctx);
struct machine_worker *machine_worker_self(struct pgr_machine *m);
/* Who runs t; NULL: nobody. */
struct machine_worker *machine_worker_of(struct pgr_machine *m, const struct nt_thread *t);
void machine_connect_workers(struct pgr_machine *m);
/* Waits for `changed`, at most so long. The lock is given up meanwhile. */
void machine_wait_changed(struct pgr_machine *m, uint64_t ns);
/* Makes every worker come out of the engine, and wakes those that are idle. */
void machine_call_workers(struct pgr_machine *m);
/* run.c: what a further worker does, and whether there is a reason for all to come back. */
void *machine_worker_main(void *worker);
bool machine_run_is_over(const struct pgr_machine *m);
/* overrides.c */
struct overrides;
void overrides_destroy(struct overrides *o);
/* events.h */
struct events;
/* handler.c: the engine's exits. */
bool machine_on_exit(void *ctx, struct x86_state *st, const struct cpu_exit *x);
/* The engine may note calls between modules, where all that listen can do with that. */
void machine_note_calls(struct pgr_machine *m);
void machine_on_records(void *ctx);
void machine_sync(struct nt_kernel *k, struct nt_thread *t);
/* w->t has left the engine at w->point. False: it cannot go on now. */
bool machine_at_point(struct machine_worker *w);
#endif
