/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef WIN_ROOTS_H
#define WIN_ROOTS_H
/*
 * Guest roots: where the Windows DLLs of the guest come from.
 *
 * A root is a directory that holds windows/system32, or a Windows directory itself (one with
 * System32/ntdll.dll), with names in any case: what scripts/guest-dlls installs and a copy of a
 * user's own Windows are the same kind of thing. Installed roots live in the user's data directory
 * under roots/. What a root lacks is NULL, and it always has at least one set of DLLs.
 */
#include "base/err.h"
#include <stdbool.h>
#include <stddef.h>

/* All strings are owned, from malloc; all paths are absolute. Zeroed is empty. */
struct win_root {
    char *name;     /* of the directory; what --root accepts for an installed root */
    char *path;     /* the root itself */
    char *windows;  /* the guest's C:\Windows */
    char *system32; /* the x86-64 DLLs, or NULL */
    char *syswow64; /* the i386 DLLs, or NULL; for a 32-bit Windows its System32 */
    char *kind;     /* "wine" or what the manifest says, "windows" without manifest */
    char *version;  /* of the manifest, or NULL */
    char *why;      /* for the root that win_root_find chose: the reason, as a phrase */
};

struct win_root_list {
    struct win_root *data;
    size_t len, cap;
};

/*
 * The root to use. `wanted` (the user's --root) is the name of an installed root or a path; when
 * NULL, $PEREGRINE_ROOT decides in the same way; without that the highest version of Wine among the
 * installed ones, else the highest of any kind. PGR_E_NOT_FOUND or PGR_E_FORMAT with a sentence
 * that says what would help; *out is then empty.
 */
pgr_status win_root_find(const char *wanted, struct win_root *out, struct pgr_error *e);

/* The installed roots by name. Directories that are no roots are passed over. None is no error. */
void win_root_list(struct win_root_list *out);

void win_root_free(struct win_root *r);
void win_root_list_free(struct win_root_list *l);
#endif
