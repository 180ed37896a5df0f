/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef SCRIPT_SCRIPT_H
#define SCRIPT_SCRIPT_H
/*
 * Lua scripts that watch and change a machine's calls (docs/scripting.md is their manual).
 *
 * Each script has a Lua state of its own, without access to the host. Errors in handlers are
 * printed on standard error, once each, and the run goes on. Nothing that a script does ends the
 * process: memory is counted, every entry is protected.
 */
#include <peregrine/machine.h>

struct script_options {
    const char *const *files;
    size_t file_count;
    const char *const *args; /* "NAME=VALUE", for pgr.args */
    size_t arg_count;
    const char *output; /* file for what scripts print; NULL: standard error */
    uint64_t memory;    /* bytes for each script; 0: SCRIPT_MEMORY */
    uint64_t budget;    /* instructions of Lua for each entry into a script; 0: no limit */
    bool strict;        /* the first error stops the run */
};

#define SCRIPT_MEMORY (256ull << 20)

struct scripts;

/* Reads the files and runs them, each from top to bottom, before m has loaded a program; m was made
 * with pgr_config.intercept. Texts are not kept. PGR_E_FORMAT: a script has an error, and *e where.
 */
pgr_status scripts_create(struct pgr_machine *m, const struct script_options *o,
                          struct scripts **out, struct pgr_error *e);
/* After the run, before the machine goes: pgr.on_exit functions, then what errors there were.
 * PGR_E_IO: what the scripts printed is not whole. */
pgr_status scripts_finish(struct scripts *s, const struct pgr_exit *why, struct pgr_error *e);
/* With `strict`: an error has stopped the run. */
bool scripts_stopped(const struct scripts *s);
/* After the machine is gone, since handlers may be in the middle of a guest function until then.
 * NULL is fine. */
void scripts_destroy(struct scripts *s);
#endif
