// SPDX-License-Identifier: GPL-2.0-or-later
#include "cli/script_options.h"

#include <string.h>

bool script_options_wanted(const struct script_values *v)
{
    return v->files.len || v->plugins.len;
}

pgr_status script_options_start(const struct script_values *v, bool strict, struct pgr_machine *m,
                                struct script_guests *out, struct pgr_error *e)
{
    struct script_options o = {.files = v->files.data,
                               .file_count = v->files.len,
                               .args = v->args.data,
                               .arg_count = v->args.len,
                               .output = v->output,
                               .memory = v->memory_mib << 20,
                               .budget = v->budget,
                               .strict = strict};
    if (!o.file_count && (o.arg_count || o.output || o.memory || o.budget))
        return err_set(e, PGR_E_ARGUMENT,
                       "--script-... says how scripts run, but there is no "
                       "--script");
    for (size_t i = 0; i < o.arg_count; i++)
        if (!strchr(o.args[i], '=') || o.args[i][0] == '=')
            return err_set(e, PGR_E_ARGUMENT, "--script-arg: '%s' is not of the form NAME=VALUE",
                           o.args[i]);
    pgr_status s = PGR_OK;
    if (v->plugins.len)
        s = plugins_create(m, v->plugins.data, v->plugins.len, &out->plugins, e);
    return !s && o.file_count ? scripts_create(m, &o, &out->scripts, e) : s;
}

bool script_options_finish(struct script_guests *g, const struct pgr_exit *why)
{
    struct pgr_error e;
    plugins_finish(g->plugins, why);
    if (!g->scripts)
        return false;
    if (scripts_finish(g->scripts, why, &e))
        cli_error("%s", e.text);
    if (!scripts_stopped(g->scripts))
        return false;
    cli_error("stopped at an error of a script (--strict)");
    return true;
}

void script_options_destroy(struct script_guests *g)
{
    scripts_destroy(g->scripts);
    plugins_destroy(g->plugins);
}
