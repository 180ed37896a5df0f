// SPDX-License-Identifier: GPL-2.0-or-later
/* Wine's own handshakes: information classes that only its DLLs ask for. Real Windows knows none.
 */
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
