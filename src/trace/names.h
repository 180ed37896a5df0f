/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef TRACE_NAMES_H
#define TRACE_NAMES_H
/* Names of flags and enumerations, by argument type; the data is in names.def. */
#include "nt/call.h"

/* True when values of the type (or what a pointer of it points to) have names. */
bool trace_has_names(enum nt_arg_type type);
/*
 * "GENERIC_READ|SYNCHRONIZE|0x200000", "FileBasicInformation", and for values without a name
 * decimal or hexadecimal digits. Writes at most `size` bytes including the NUL, whole names only;
 * returns the length.
 */
size_t trace_value_name(enum nt_arg_type type, uint32_t value, char *out, size_t size);
#endif
