/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PEREGRINE_ERROR_H
#define PEREGRINE_ERROR_H
/*
 * How Peregrine reports what the user gave it and it could not use.
 *
 * A function that can fail for such a reason returns a pgr_status and, when the caller passes a
 * struct pgr_error, writes one complete sentence there: which file, which field, which offset,
 * what was expected and what would help. What the guest does wrong is an NTSTATUS and never
 * arrives here; what Peregrine does wrong is an assertion.
 */

#ifdef __cplusplus
extern "C" {
#endif

typedef enum pgr_status {
    PGR_OK = 0,
    PGR_E_NOMEM,       /* host memory is exhausted */
    PGR_E_ARGUMENT,    /* an argument is out of range or contradicts another */
    PGR_E_IO,          /* the host refused to read or write */
    PGR_E_NOT_FOUND,   /* a file, root, name or export does not exist */
    PGR_E_FORMAT,      /* a file is damaged or not of the expected format */
    PGR_E_UNSUPPORTED, /* well-formed, but nothing here can run or do it */
    PGR_E_LIMIT,       /* a time, instruction or size limit was reached */
    PGR_E_STATE,       /* the call is not possible in the object's present state */
    PGR_E_ENGINE       /* the CPU engine cannot do this, or not on this host */
} pgr_status;

#define PGR_ERROR_TEXT_MAX 1024

/* Owned by the caller; text is always NUL-terminated and has no trailing newline. */
struct pgr_error {
    pgr_status status;
    char text[PGR_ERROR_TEXT_MAX];
};

/* A short English name such as "not found"; never NULL, static. */
const char *pgr_status_name(pgr_status status);

#ifdef __cplusplus
}
#endif
#endif
