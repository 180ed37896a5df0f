// SPDX-License-Identifier: GPL-2.0-or-later
/* Wine's own handshakes: information classes and services that only its DLLs ask for. Real Windows
 * knows none. */
#include "nt/ex/sysinfo.h"

#include "nt/cm/registry.h"

#include <stdio.h>
#include <stdlib.h>

/* Version, build, name and release of the host's system: four strings with a NUL after each. */
ntstatus nt_wine_version_info(struct nt_call *c, struct blob *b)
{
    char *version = nt_registry_get_text(c->k, "HKLM\\Software\\Wine", "Version");
    char build[64];
    const char *v = version ? version : "10.0";
    snprintf(build, sizeof build, "wine-%s", v);
    blob_put(b, v, strlen(v) + 1);
    blob_put(b, build, strlen(build) + 1);
    blob_put(b, "Linux", 6);
    blob_put(b, "6.1.0", 6);
    free(version);
    return STATUS_SUCCESS;
}

/* A piece of debug output; what was written is the result. */
ntstatus nt_wine_dbg_write(struct nt_call *c)
{
    const struct __wine_dbg_write_args *a = nt_args(c);
    char text[1024];
    uint32_t len = MIN((uint32_t)a->Length, (uint32_t)sizeof text);
    ntstatus s = nt_read(c, a->Text, text, len);
    if (s)
        return s;
    if (c->k->on_debug_text)
        c->k->on_debug_text(c->k->on_debug_text_ctx, text, len);
    return (ntstatus)len;
}
