/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef SNAPSHOT_H
#define SNAPSHOT_H
/* What these tests share: one program on one root, run by the library's public calls. */
#include <peregrine/machine.h>
#include <stdlib.h>

struct program {
    const char *root, *path;
    const char *engine; /* NULL: one that repeats runs exactly */
    const char *const *args;
    char dir[64];      /* the working directory; holds input.txt and the snapshot */
    char snapshot[80]; /* a file in it */
};

struct outcome {
    struct pgr_exit why;
    uint64_t services;
    char *out; /* all of standard output; free it */
    size_t len;
};

enum { SKIPPED = 77 };

/* Ends the test: with SKIPPED when the root is not installed, else with a message and status 1. */
_Noreturn void fail(const char *what, const struct pgr_error *e);
/* Fills *p from the command line ROOT PROGRAM [ARGS…] and makes the directory. */
void program_init(struct program *p, char **argv);
void program_free(struct program *p);
struct pgr_machine *machine_new(const struct program *p);
/* Loads the program into a new machine that writes to fd. */
struct pgr_machine *machine_load(const struct program *p, int fd);
/* A file for the guest's output, and what is in it. */
int output_new(void);
void output_take(int fd, struct outcome *o);
/* Small, fixed, and good enough to choose places by. */
uint64_t next_random(uint64_t *state);
#endif
