// SPDX-License-Identifier: GPL-2.0-or-later
#include "trace/sqlite_library.h"

#include <dlfcn.h>

pgr_status sqlite_load_library(struct sqlite_library *lib, struct pgr_error *e)
{
    void *handle = dlopen("libsqlite3.so.0", RTLD_LAZY | RTLD_LOCAL);
    if (!handle)
        return err_set(
            e, PGR_E_UNSUPPORTED,
            "traces that are databases need SQLite: %s; scripts/deps fetches the library",
            dlerror());
#define DATABASE_FUNCTION(name)                                                                    \
    *(void **)&lib->name = dlsym(handle, "sqlite3_" #name);                                        \
    if (!lib->name)                                                                                \
        return err_set(e, PGR_E_UNSUPPORTED,                                                       \
                       "traces that are databases need a newer SQLite, with sqlite3_%s", #name);
    DATABASE_FUNCTIONS
#undef DATABASE_FUNCTION
    return PGR_OK;
}
