// SPDX-License-Identifier: GPL-2.0-or-later
#include "cli/doctor.h"
#include "cli/inspect.h"

/* jansson takes valid UTF-8 only; names in images may be anything. */
static json_t *text(const char *s)
{
    if (!s)
        return json_null();
    char *safe = inspect_escape(s);
    json_t *j = json_string(safe);
    free(safe);
    return j;
}

static json_t *function(const struct doctor *d, const struct win_import *i)
{
    static const char *const states[] = {[WIN_IMPORT_FOUND] = "found",
                                         [WIN_IMPORT_NO_DLL] = "no dll",
                                         [WIN_IMPORT_NO_EXPORT] = "no export",
                                         [WIN_IMPORT_CYCLE] = "cycle"};
    json_t *o = json_pack("{s:o s:s}", "name", text(i->name), "state", states[i->state]);
    if (!i->name)
        json_object_set_new(o, "ordinal", json_integer(i->ordinal));
    if (i->last)
        json_object_set_new(o, "forwarder", text(i->last));
    if (i->state == WIN_IMPORT_FOUND) {
        json_object_set_new(o, "module", text(d->res.modules.data[i->module]->name));
        json_object_set_new(o, "rva", json_integer(i->rva));
    }
    return o;
}

static json_t *imports(const struct doctor *d)
{
    const struct win_module *program = d->res.modules.data[WIN_MODULE_PROGRAM];
    json_t *a = json_array();
    vec_foreach (dep, &program->deps) {
        json_t *functions = json_array();
        for (size_t i = 0; i < dep->count; i++)
            json_array_append_new(functions, function(d, &program->imports.data[dep->first + i]));
        json_array_append_new(a, json_pack("{s:o s:o s:b s:o}", "dll", text(dep->dll), "module",
                                           text(d->res.modules.data[dep->module]->name), "delayed",
                                           dep->delayed, "functions", functions));
    }
    return a;
}

static json_t *modules(const struct doctor *d)
{
    static const char *const states[] = {[WIN_MODULE_FOUND] = "found",
                                         [WIN_MODULE_MISSING] = "missing",
                                         [WIN_MODULE_REFUSED] = "refused"};
    json_t *a = json_array();
    vec_foreach (at, &d->res.modules) {
        const struct win_module *m = *at;
        json_array_append_new(
            a, json_pack("{s:o s:s s:o s:o s:o s:b}", "name", text(m->name), "state",
                         states[m->state], "path", text(m->path), "why", text(m->why), "needed_by",
                         m->number ? text(d->res.modules.data[m->needed_by]->name) : json_null(),
                         "delayed", m->delayed));
    }
    return a;
}

static json_t *findings(const struct doctor *d)
{
    static const char *const severities[] = {
        [DOCTOR_BLOCKS] = "blocks", [DOCTOR_WARNS] = "warns", [DOCTOR_NOTES] = "notes"};
    json_t *a = json_array();
    vec_foreach (f, &d->findings)
        json_array_append_new(a, json_pack("{s:s s:o s:o}", "severity", severities[f->severity],
                                           "text", json_string(f->text), "advice",
                                           f->advice ? json_string(f->advice) : json_null()));
    return a;
}

static json_t *service(const struct doctor *d, const struct win_reach_service *s)
{
    static const char *const states[] = {[NT_SERVICE_IMPLEMENTED] = "implemented",
                                         [NT_SERVICE_CONSTANT] = "constant",
                                         [NT_SERVICE_MISSING] = "missing"};
    const struct win_module *program = d->res.modules.data[WIN_MODULE_PROGRAM];
    json_t *o = json_pack("{s:o s:s}", "name", text(s->name), "state",
                          s->service ? states[s->service->state] : "unknown");
    if (!s->path.len)
        return o;
    json_t *names = json_array();
    vec_foreach (i, &s->imports) {
        char number[8];
        json_array_append_new(names, text(win_import_name(&program->imports.data[*i], number)));
    }
    char *path = doctor_path(d, s);
    json_object_set_new(o, "path", json_string(path));
    json_object_set_new(o, "imports", names);
    free(path);
    return o;
}

json_t *doctor_json(const struct doctor *d)
{
    const struct pe_image *img = &d->res.modules.data[WIN_MODULE_PROGRAM]->img;
    json_t *services = json_array();
    vec_foreach (s, &d->reach.services)
        json_array_append_new(services, service(d, s));
    return json_pack("{s:o s:b s:s s:o s:o s:o s:o s:o s:{s:b s:i s:I s:b s:o}}", "program",
                     text(d->path), "should_run", doctor_should_run(d), "machine",
                     pe_machine_name(img->h.machine), "root", text(d->root->name), "root_path",
                     text(d->root->path), "imports", imports(d), "modules", modules(d), "findings",
                     findings(d), "reach", "approximation", 1, "functions", (int)d->reach.functions,
                     "instructions", (json_int_t)d->reach.instructions, "truncated",
                     d->reach.truncated, "services", services);
}
