/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef MACHINE_BREAKS_H
#define MACHINE_BREAKS_H
/*
 * Breakpoints: hooks of one instruction on engines that cannot tell of code. An int3 stands there
 * and stays; what it replaced runs in a place of its own, so that other threads may pass meanwhile.
 * The guest sees the int3 when it reads its code, the host does not.
 */
#include "machine/machine.h"

struct breaks;
void breaks_destroy(struct breaks *b);

/* One more user of a breakpoint at an address; it is set as soon as code is mapped there.
 * PGR_E_ENGINE: the instruction there cannot run elsewhere. */
pgr_status breaks_add(struct pgr_machine *m, uint64_t at, struct pgr_error *e);
void breaks_remove(struct pgr_machine *m, uint64_t at);
/* All of them take effect, or none does (another engine tells of code; the machine is saved).
 * PGR_E_ENGINE as above. */
pgr_status breaks_show(struct pgr_machine *m, bool on, struct pgr_error *e);
/* Images came or went. */
void breaks_look(struct pgr_machine *m);

/* t has run into one: rip is there now. */
bool breaks_hit(struct pgr_machine *m, struct nt_thread *t, const struct cpu_exit *x);
/* Bytes of the instruction at one. */
unsigned breaks_length(const struct pgr_machine *m, uint64_t at);
/* t stands at one and is to go on: over it. */
void breaks_step_over(struct pgr_machine *m, struct nt_thread *t);
/* t faulted while it stepped over: as if it had at the instruction itself. */
void breaks_settle(struct pgr_machine *m, struct nt_thread *t);

/* The host has read this: as if there were none. */
void breaks_read(const struct pgr_machine *m, uint64_t at, void *data, size_t size);
/* The host has written there: they are made anew, of what is there now. */
void breaks_written(struct pgr_machine *m, uint64_t at, size_t size);
#endif
