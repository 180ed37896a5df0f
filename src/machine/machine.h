/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef MACHINE_MACHINE_H
#define MACHINE_MACHINE_H
/* The machine's insides, for the command line and tests. Users of the library see
 * peregrine/machine.h only. */
#include "cpu/engine.h"
#include "nt/kernel.h"
#include "win/roots.h"
#include <peregrine/machine.h>
#include <signal.h>

struct pgr_machine {
    struct pgr_config cfg; /* its strings are not kept */
    struct win_root root;
    struct mem_ram *ram;
    struct nt_kernel *k;
    const struct cpu_engine_ops *ops;
    struct cpu_engine *engine; /* made at load: it needs the address space */
    struct nt_process *p;      /* the program's; referenced */
    struct nt_thread *current; /* in the engine now */
    uint64_t exit_address;     /* 0: none */
    uint8_t exit_byte;         /* what stood there */
    bool at_exit_address;
    bool interrupted;    /* a limit stopped the current thread, which goes on next */
    uint64_t slice_left; /* of its slice, in blocks; 0: it gets a new one */
    uint64_t slice_end;  /* of the current slice, as cpu_blocks() counts */
    uint64_t stop_after; /* services at which to stop, UINT64_MAX: never */
    uint64_t services;
    uint64_t budget_used;
    volatile sig_atomic_t stop_requested;
};

/* machine.c */
pgr_status machine_make_engine(struct pgr_machine *m, struct pgr_error *e);
/* handler.c: the engine's exits. */
bool machine_on_exit(void *ctx, struct x86_state *st, const struct cpu_exit *x);
void machine_sync(struct nt_kernel *k, struct nt_thread *t);
#endif
