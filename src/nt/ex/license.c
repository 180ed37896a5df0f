// SPDX-License-Identifier: GPL-2.0-or-later
#include "base/utf.h"
#include "nt/call.h"
#include "nt/cm/registry.h"

#include <stdlib.h>

/* Licence values are kept in the registry, below Software\LicenseInformation. */
ntstatus nt_query_license_value(struct nt_call *c)
{
    const struct NtQueryLicenseValue_args *a = nt_args(c);
    uint16_t *name;
    size_t name_len, len;
    uint32_t type;
    if (!a->ValueName || !a->ResultDataSize)
        return STATUS_INVALID_PARAMETER;
    ntstatus s = nt_read_string(c, a->ValueName, &name, &name_len);
    if (s)
        return s;
    char *utf8 = utf16_to_utf8(name, name_len, NULL);
    const void *data =
        name_len ? nt_registry_get(c->k, "HKLM\\Software\\LicenseInformation", utf8, &type, &len)
                 : NULL;
    free(utf8);
    free(name);
    if (!name_len)
        return STATUS_INVALID_PARAMETER;
    if (!data)
        return STATUS_OBJECT_NAME_NOT_FOUND;
    s = nt_put_u32(c, a->ResultDataSize, (uint32_t)len);
    if (!s && a->Type)
        s = nt_put_u32(c, a->Type, type);
    if (s)
        return s;
    return a->DataSize < len ? STATUS_BUFFER_TOO_SMALL : nt_write(c, a->Data, data, len);
}
