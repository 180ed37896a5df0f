/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef WIN_RESOLVE_INTERNAL_H
#define WIN_RESOLVE_INTERNAL_H
#include "win/resolve.h"

#define WIN_NO_MODULE UINT32_MAX

/* The module that `dll` means to an importer, loaded when it is new; WIN_NO_MODULE only when there
 * are too many. */
uint32_t win_resolve_dll(struct win_resolution *r, const char *dll, uint32_t importer, bool delayed,
                         bool *by_api_set);
#endif
