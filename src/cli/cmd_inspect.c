// SPDX-License-Identifier: GPL-2.0-or-later
#include "base/hostio.h"
#include "cli/cli.h"
#include "cli/inspect.h"
#include "win/roots.h"

#include <stdlib.h>

enum { EXIT_BAD_FILE = 2 };

struct inspect_values {
    const char *root;
    bool json;
};

/* The API-set map of a root, and what keeps it alive. */
struct schema {
    struct win_root root;
    struct host_map map;
    struct pe_image img;
    struct pe_apiset apiset;
    char *path;
};

/* Without a root, inspecting goes on without hosts, unless the user asked for one by --root. */
static bool open_schema(struct schema *s, const char *wanted, bool is64, struct pgr_error *e)
{
    if (win_root_find(wanted, &s->root, e))
        return false;
    const char *dlls = is64 && s->root.system32 ? s->root.system32 : s->root.syswow64;
    s->path = xasprintf("%s/apisetschema.dll", dlls ? dlls : s->root.system32);
    return !host_map_open(&s->map, s->path, e) &&
           !pe_open(&s->img, s->map.data, s->map.size, PE_FILE, s->path, e) &&
           !pe_apiset_open(&s->apiset, &s->img, e);
}

static void close_schema(struct schema *s)
{
    host_map_close(&s->map);
    win_root_free(&s->root);
    free(s->path);
}

static void print(const struct inspect *in, bool as_json)
{
    if (!as_json) {
        inspect_text(stdout, in);
        return;
    }
    json_t *o = inspect_json(in);
    json_dumpf(o, stdout, JSON_INDENT(2) | JSON_REAL_PRECISION(4));
    putchar('\n');
    json_decref(o);
}

static int inspect_image(const struct inspect_values *v, const struct pe_image *img)
{
    struct schema schema = {0};
    struct pgr_error e;
    int status = EXIT_BAD_FILE;
    bool have = open_schema(&schema, v->root, img->h.is64, &e);
    if (!have && v->root) {
        cli_error("%s", e.text);
    } else {
        struct inspect in = {img, have ? &schema.apiset : NULL, schema.root.name};
        print(&in, v->json);
        status = cli_finish_output();
    }
    close_schema(&schema);
    return status;
}

static int inspect(const void *values, int argc, char **argv)
{
    struct host_map map;
    struct pe_image img;
    struct pgr_error e;
    int status = EXIT_BAD_FILE;
    if (host_map_open(&map, argv[0], &e)) {
        cli_error("%s", e.text);
        return EXIT_BAD_FILE;
    }
    if (pe_open(&img, map.data, map.size, PE_ANY_MACHINE, argv[0], &e))
        cli_error("%s", e.text);
    else
        status = inspect_image(values, &img);
    host_map_close(&map);
    return status;
}

static const struct cli_option options[] = {
    {"root", 0, "NAME|DIR", "guest", "take the API-set map of this guest root",
     CLI_INTO(TEXT, struct inspect_values, root)},
    {"json", 0, NULL, "output", "print a JSON object", CLI_INTO(FLAG, struct inspect_values, json)},
    {NULL},
};

const struct cli_command cmd_inspect = {
    .name = "inspect",
    .group = "Examine",
    .summary = "show what is in a Windows program or DLL, without running it",
    .usage = "[--json] [--root NAME|DIR] FILE",
    .description =
        "Shows headers, sections, imports, exports, relocations, thread-local storage, resources, "
        "debug information and version of a PE file, for any processor, and lists what no ordinary "
        "linker makes. Behind the name of an imported API set stands the DLL that implements it in "
        "the guest root. A file that Windows would refuse to load is an error that says which "
        "field is wrong; the exit status is then 2.",
    .examples = "peregrine inspect setup.exe\tShow everything.\n"
                "peregrine inspect --json a.dll | jq .imports\tWhat a.dll needs.\n",
    .options = options,
    .values_size = sizeof(struct inspect_values),
    .min_operands = 1,
    .max_operands = 1,
    .run = inspect,
};
