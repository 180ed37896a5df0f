/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef WIN_REACH_H
#define WIN_REACH_H
/*
 * Which NT services a program's imports can reach: an approximation from the code of the DLLs. It
 * follows direct calls and jumps and references to imported functions, from function to function,
 * as far as the stubs of ntdll and win32u. Calls through pointers and GetProcAddress are not seen,
 * and no condition is evaluated: what is reached may never be called, and the other way round.
 */
#include "nt/call.h"
#include "win/resolve.h"

/* A budget of about a second, which no known program needs a tenth of. */
#define WIN_REACH_INSTRUCTIONS 12000000u
#define WIN_REACH_FUNCTIONS    200000u

struct win_reach_step {
    uint32_t module, rva;
    const char *name; /* of an export; NULL: none begins here */
};

struct win_reach_service {
    const char *name;                 /* as the DLL spells it */
    const struct nt_service *service; /* NULL: not in the list of services at all */
    VEC(struct win_reach_step) path;  /* the shortest, from an import to the stub */
    /* The program's imports that lead here, nearest first: indices into modules[0]->imports. */
    VEC(uint32_t) imports;
};

struct win_reach {
    VEC(struct win_reach_service) services; /* nearest first, then by name */
    uint64_t instructions;
    uint32_t functions;
    bool truncated; /* a limit was reached: there may be more */
};

/* Decodes at most `budget` instructions. Paths and imports are found for services for which
 * `wanted` returns true; the others have their name only. `r` must outlive *out. */
void win_reach(struct win_reach *out, struct win_resolution *r, uint64_t budget,
               bool (*wanted)(const struct nt_service *s));
void win_reach_free(struct win_reach *a);
#endif
