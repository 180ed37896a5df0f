// SPDX-License-Identifier: GPL-2.0-or-later
#include "base/utf.h"
#include "nt/call.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { HARDERROR_PARAMETERS_MAX = 5, RESPONSE_OK = 6, HARDERROR_OVERRIDE = 0x10000000 };

/* The message box that nobody sees becomes a note: the status with its text parameters. */
static void tell(struct nt_call *c, const struct NtRaiseHardError_args *a)
{
    char what[96], detail[512] = "";
    const char *name = ntstatus_name((ntstatus)a->ErrorStatus & ~(ntstatus)HARDERROR_OVERRIDE);
    snprintf(what, sizeof what, "hard error 0x%08x %s", (unsigned)a->ErrorStatus, name ? name : "");
    for (unsigned i = 0; i < a->NumberOfParameters; i++) {
        uint64_t at;
        uint16_t *text;
        size_t len;
        if (!(a->UnicodeStringParameterMask >> i & 1) ||
            nt_get_ptr(c, a->Parameters + i * (uint64_t)nt_ptr_size(c), &at) ||
            nt_read_string(c, at, &text, &len))
            continue;
        char *utf8 = utf16_to_utf8(text, len, NULL);
        size_t used = strlen(detail);
        snprintf(detail + used, sizeof detail - used, "%s%s", used ? ", " : "", utf8);
        free(utf8);
        free(text);
    }
    nt_note(c->k, NT_NOTE_SERVICE, what, detail);
}

ntstatus nt_raise_hard_error(struct nt_call *c)
{
    const struct NtRaiseHardError_args *a = nt_args(c);
    if (a->NumberOfParameters > HARDERROR_PARAMETERS_MAX)
        return STATUS_INVALID_PARAMETER;
    tell(c, a);
    return a->Response ? nt_put_u32(c, a->Response, RESPONSE_OK) : STATUS_SUCCESS;
}

/* Blue-screen text of boot programs. */
ntstatus nt_display_string(struct nt_call *c)
{
    const struct NtDisplayString_args *a = nt_args(c);
    uint16_t *text;
    size_t len;
    ntstatus s = nt_read_string(c, a->String, &text, &len);
    if (s)
        return s;
    char *utf8 = utf16_to_utf8(text, len, NULL);
    nt_note(c->k, NT_NOTE_SERVICE, "NtDisplayString", utf8);
    free(utf8);
    free(text);
    return STATUS_SUCCESS;
}
