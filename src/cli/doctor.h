/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CLI_DOCTOR_H
#define CLI_DOCTOR_H
/* `peregrine doctor`: findings about a program, and their two shapes. */
#include "win/reach.h"
#include "win/roots.h"

#include <jansson.h>
#include <stdio.h>

enum doctor_severity {
    DOCTOR_BLOCKS, /* the program does not start */
    DOCTOR_WARNS,  /* it starts, and may fail later */
    DOCTOR_NOTES   /* inside the root's own DLLs; most programs never get there */
};

struct doctor_finding {
    enum doctor_severity severity;
    char *text;   /* a sentence without full stop, safe for terminals */
    char *advice; /* what to do, a sentence without full stop; or NULL */
};

struct doctor {
    const char *path;
    const struct win_root *root;
    struct win_resolution res;
    struct win_reach reach;
    VEC(struct doctor_finding) findings; /* the worst first */
    size_t counts[3];                    /* by severity */
};

/* Fills findings and counts from res. `roots` are the installed ones, for advice. */
void doctor_diagnose(struct doctor *d, const struct win_root_list *roots);
void doctor_free(struct doctor *d);

static inline bool doctor_should_run(const struct doctor *d)
{
    return !d->counts[DOCTOR_BLOCKS];
}
/* Missing, or not even known. */
bool doctor_is_missing(const struct nt_service *s);
/* "kernel32!CreateProcessW → kernelbase!… → ntdll!NtCreateUserProcess", functions without a name
 * left out. From malloc. */
char *doctor_path(const struct doctor *d, const struct win_reach_service *s);

/* With `all`, every function, DLL and service instead of a choice. */
void doctor_text(FILE *f, const struct doctor *d, bool all);
json_t *doctor_json(const struct doctor *d);
#endif
