// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Unicorn is loaded when a guest needs it: relocating the library takes a fifth of the time in
 * which the other engines run a small program.
 */
#include "cpu/unicorn/internal.h"
#include <dlfcn.h>

#undef uc_ctl

static const char *const names[] = {
    UNICORN_DIRECTORY "/libunicorn.so.2", /* that of the build */
    "libunicorn.so.2",
};

pgr_status unicorn_load_library(struct unicorn_library *lib, struct pgr_error *e)
{
    void *handle = NULL;
    for (size_t i = 0; i < sizeof names / sizeof *names && !handle; i++)
        handle = dlopen(names[i], RTLD_LAZY | RTLD_LOCAL);
    if (!handle)
        return err_set(e, PGR_E_UNSUPPORTED, "unicorn: %s; scripts/deps fetches the library",
                       dlerror());
#define UNICORN_FUNCTION(name)                                                                     \
    *(void **)&lib->name = dlsym(handle, #name);                                                   \
    if (!lib->name)                                                                                \
        return err_set(e, PGR_E_UNSUPPORTED,                                                       \
                       "unicorn: the library has no function %s; version "                         \
                       "2.1.4 or later is needed",                                                 \
                       #name);
    UNICORN_FUNCTIONS
#undef UNICORN_FUNCTION
    return PGR_OK; /* it stays loaded: engines come and go */
}
