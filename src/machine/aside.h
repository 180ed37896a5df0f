/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef MACHINE_ASIDE_H
#define MACHINE_ASIDE_H
/*
 * Asides: host code on a stack of its own, so that in the middle of it the guest can be made to
 * call a function. The code goes on when that returns, whatever ran meanwhile, maybe in another
 * worker.
 *
 * One guest thread may have several, each inside a guest function that the one before called.
 */
#include "machine/machine.h"

struct machine_aside;

/* What is done in one. */
typedef bool machine_aside_fn(struct pgr_machine *m, struct nt_thread *t, uint64_t number);

/* Runs fn for t, which is in the handler. True: it is done, *go_on is what it returned. False: the
 * guest is to call a function first; t's registers are set for that. */
bool machine_aside_run(struct pgr_machine *m, struct nt_thread *t, machine_aside_fn *fn,
                       uint64_t number, bool *go_on);
/* Whether a guest function that t was made to call is going on. */
bool machine_aside_waits(const struct pgr_machine *m, const struct nt_thread *t);
/* It is, and t has reached the gate that such functions return to. As machine_aside_run. */
bool machine_aside_resume(struct pgr_machine *m, struct nt_thread *t, bool *go_on);
/* Inside an aside: makes t call a function and waits. PGR_E_STATE: it never returned, or t is in no
 * aside. */
struct pgr_guest_call;
pgr_status machine_aside_call(struct pgr_machine *m, struct nt_thread *t,
                              struct pgr_guest_call *call, struct pgr_error *e);
/* Whether code waits in one: such a machine cannot be saved. */
bool machine_asides_wait(const struct pgr_machine *m);
/* The machine goes: what waits is told so, and ends. */
void machine_asides_end(struct pgr_machine *m);
#endif
