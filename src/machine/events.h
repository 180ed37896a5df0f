/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef MACHINE_EVENTS_H
#define MACHINE_EVENTS_H
/* Hooks of the kinds of peregrine/event.h, and what they are told. */
#include "machine/machine.h"
#include <peregrine/event.h>

struct events;
/* Whoever hooks lets go by itself; there is nothing to unhook afterwards. */
void events_destroy(struct pgr_machine *m);

/* A new engine is to tell what the old one did. PGR_E_ENGINE: it cannot. */
pgr_status events_watch(struct pgr_machine *m, struct pgr_error *e);
/* cpu_config.on_sight; ctx is the machine. */
enum cpu_sight_answer events_sight(void *ctx, struct x86_state *st, const struct cpu_sight *sight);
/* The program is about to begin. */
void events_begin(struct pgr_machine *m);

/* Each asks the hooks that there are, and says whether one of them has dealt with it: then t goes
 * on with its registers as they are. m->events is not NULL. */

/* A fault of memory, an exception or an interrupt. */
bool events_exit(struct pgr_machine *m, struct nt_thread *t, const struct cpu_exit *x);
/* A service, called by the instruction before rip or through the gate at rip. The answer is in rax;
 * a gate is left to the caller. */
bool events_service(struct pgr_machine *m, struct nt_thread *t, uint32_t number, uint64_t ip);
/* t stands at an instruction that it has left the engine before; going on there now, it is not told
 * of it again. */
void events_skip(struct pgr_machine *m, const struct nt_thread *t);
/* t stands at an instruction where a breakpoint is, outside of the engine. */
void events_code(struct pgr_machine *m, struct nt_thread *t);
#endif
