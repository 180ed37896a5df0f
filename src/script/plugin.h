/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef SCRIPT_PLUGIN_H
#define SCRIPT_PLUGIN_H
#include <peregrine/plugin.h>

struct plugins;

/* Loads the files and starts each, before m has loaded a program. *out is the caller's even when it
 * fails: hooks of plugins that have started are in the machine. */
pgr_status plugins_create(struct pgr_machine *m, const char *const *files, size_t count,
                          struct plugins **out, struct pgr_error *e);
/* After the run, before the machine goes. NULL is fine. */
void plugins_finish(struct plugins *p, const struct pgr_exit *why);
/* After the machine is gone. NULL is fine. */
void plugins_destroy(struct plugins *p);
#endif
