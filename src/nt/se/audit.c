// SPDX-License-Identifier: GPL-2.0-or-later
/* Audit: nobody may generate alarms but the system, which guests are not. */
#include "nt/se/internal.h"

static ntstatus audit(struct nt_call *c)
{
    return nt_token_has_privilege(nt_token_effective(c), SE_AUDIT_PRIVILEGE)
               ? STATUS_SUCCESS
               : STATUS_PRIVILEGE_NOT_HELD;
}

ntstatus nt_open_object_audit_alarm(struct nt_call *c)
{
    return audit(c);
}

ntstatus nt_close_object_audit_alarm(struct nt_call *c)
{
    return audit(c);
}

ntstatus nt_delete_object_audit_alarm(struct nt_call *c)
{
    return audit(c);
}

ntstatus nt_privilege_object_audit_alarm(struct nt_call *c)
{
    return audit(c);
}

ntstatus nt_privileged_service_audit_alarm(struct nt_call *c)
{
    return audit(c);
}
