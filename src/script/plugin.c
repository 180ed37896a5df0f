// SPDX-License-Identifier: GPL-2.0-or-later
#include "script/plugin.h"
#include "base/err.h"
#include "base/vec.h"

#include <dlfcn.h>

typedef int start_fn(struct pgr_machine *m, const struct pgr_plugin_host *host);
typedef void end_fn(struct pgr_machine *m, const struct pgr_exit *why);

struct plugins {
    struct pgr_machine *m;
    struct pgr_plugin_host host;
    VEC(void *) libraries; /* that have started */
};

static const struct pgr_plugin_host functions = {
    .version = PGR_PLUGIN_VERSION,
    .size = sizeof functions,
    .hook_call = pgr_hook_call,
    .unhook_call = pgr_unhook_call,
    .call_machine = pgr_call_machine,
    .call_function = pgr_call_function,
    .call_module = pgr_call_module,
    .call_thread = pgr_call_thread,
    .call_caller = pgr_call_caller,
    .call_address = pgr_call_address,
    .call_depth = pgr_call_depth,
    .call_arg_count = pgr_call_arg_count,
    .call_arg_name = pgr_call_arg_name,
    .call_arg_index = pgr_call_arg_index,
    .call_arg = pgr_call_arg,
    .call_set_arg = pgr_call_set_arg,
    .call_result = pgr_call_result,
    .call_set_result = pgr_call_set_result,
    .call_last_error = pgr_call_last_error,
    .call_set_last_error = pgr_call_set_last_error,
    .call_text = pgr_call_text,
    .call_guest = pgr_call_guest,
    .symbol_address = pgr_symbol_address,
    .symbol_name = pgr_symbol_name,
    .machine_read = pgr_machine_read,
    .machine_write = pgr_machine_write,
    .machine_get_register = pgr_machine_get_register,
    .machine_set_register = pgr_machine_set_register,
    .machine_pointer_size = pgr_machine_pointer_size,
    .machine_stop = pgr_machine_stop,
    .module_list = pgr_module_list,
    .export_list = pgr_export_list,
    .thread_list = pgr_thread_list,
    .hook = pgr_hook,
    .unhook = pgr_unhook,
    .hook_kind_name = pgr_hook_kind_name,
    .machine_map = pgr_machine_map,
    .machine_protect = pgr_machine_protect,
    .machine_unmap = pgr_machine_unmap,
};

/* Without a slash the loader would look in the system's directories. */
static void *open_library(const char *path, struct pgr_error *e)
{
    char *name = xasprintf("%s%s", strchr(path, '/') ? "" : "./", path);
    void *library = dlopen(name, RTLD_NOW | RTLD_LOCAL);
    if (!library)
        err_set(e, PGR_E_ARGUMENT, "cannot load the plugin %s: %s", path, dlerror());
    free(name);
    return library;
}

static pgr_status start(struct plugins *p, const char *path, struct pgr_error *e)
{
    void *library = open_library(path, e);
    if (!library)
        return PGR_E_ARGUMENT;
    const uint32_t *version = dlsym(library, "pgr_plugin_version");
    start_fn *fn = (start_fn *)dlsym(library, "pgr_plugin_start");
    pgr_status s = PGR_OK;
    if (!version || !fn)
        s = err_set(e, PGR_E_ARGUMENT, "%s is no plugin: it has no pgr_plugin_%s", path,
                    version ? "start" : "version (PGR_PLUGIN_DECLARE)");
    else if (*version != PGR_PLUGIN_VERSION)
        s = err_set(e, PGR_E_ARGUMENT, "the plugin %s is for version %u of the interface, not %d",
                    path, *version, PGR_PLUGIN_VERSION);
    if (s) {
        dlclose(library);
        return s;
    }
    vec_push(&p->libraries, library);
    int refused = fn(p->m, &p->host);
    return refused ? err_set(e, PGR_E_STATE, "the plugin %s did not start (%d)", path, refused)
                   : PGR_OK;
}

pgr_status plugins_create(struct pgr_machine *m, const char *const *files, size_t count,
                          struct plugins **out, struct pgr_error *e)
{
    struct plugins *p = xcalloc(1, sizeof *p);
    pgr_status s = PGR_OK;
    p->m = m;
    p->host = functions;
    *out = p; /* the caller's in any case: hooks of those that started are in the machine */
    for (size_t i = 0; i < count && !s; i++)
        s = start(p, files[i], e);
    return s;
}

void plugins_finish(struct plugins *p, const struct pgr_exit *why)
{
    if (!p)
        return;
    vec_foreach (library, &p->libraries) {
        end_fn *fn = (end_fn *)dlsym(*library, "pgr_plugin_end");
        if (fn)
            fn(p->m, why);
    }
}

void plugins_destroy(struct plugins *p)
{
    if (!p)
        return;
    vec_foreach (library, &p->libraries)
        dlclose(*library);
    vec_free(&p->libraries);
    free(p);
}
