/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef BASE_NTSTATUS_H
#define BASE_NTSTATUS_H
#include <stdbool.h>
#include <stdint.h>

/* What NT services return. Names and values as Microsoft publishes them. */
typedef uint32_t ntstatus;

enum {
#define NTSTATUS(name, value) name = (value),
#include "base/ntstatus.def"
#undef NTSTATUS
};

static inline bool nt_success(ntstatus s)
{
    return (int32_t)s >= 0;
}
static inline bool nt_error(ntstatus s)
{
    return s >= 0xc0000000u;
}
/* "STATUS_ACCESS_VIOLATION", or NULL when the value has no name. */
const char *ntstatus_name(ntstatus s);
#endif
