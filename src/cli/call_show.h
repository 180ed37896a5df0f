/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CLI_CALL_SHOW_H
#define CLI_CALL_SHOW_H
/* What came of a call, as text and as JSON. */
#include "cli/call_value.h"
#include <peregrine/hook.h>

struct call_shown {
    struct pgr_call *call; /* the guest's memory */
    const char *name;
    const struct call_signature *signature;
    const struct call_value *values;
    char *const *words;
    const uint64_t *addresses; /* of values that are bytes */
    unsigned count;
    const struct pgr_guest_call *result;
    uint32_t last_error;
};

void call_show_text(const struct call_shown *s);
json_t *call_show_json(const struct call_shown *s);
/* "ERROR_MOD_NOT_FOUND (126)"; returns `out`. */
const char *call_error_text(uint32_t code, char *out, size_t size);
#endif
