// SPDX-License-Identifier: GPL-2.0-or-later
#include "cli/cli.h"
#include "cli/doctor.h"
#include "win/program.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { EXIT_RUNS, EXIT_LACKS, EXIT_BAD_FILE };

struct doctor_values {
    const char *root;
    bool json, all, prefer32;
};

/* The API-set map of the root, and what keeps it alive. */
struct schema {
    struct win_dll_file file;
    struct pe_image img;
    struct pe_apiset apiset;
};

static bool open_schema(struct schema *s, const struct win_dll_source *src)
{
    if (!src->open(src->ctx, src->system_dir, "apisetschema.dll", &s->file))
        return false;
    return !pe_open(&s->img, s->file.data, s->file.size, PE_FILE, s->file.path, NULL) &&
           !pe_apiset_open(&s->apiset, &s->img, NULL);
}

static void close_schema(struct schema *s, const struct win_dll_source *src)
{
    if (!s->file.path)
        return;
    src->close(src->ctx, &s->file);
    free(s->file.path);
}

/* Only worth a word when somebody watches, and gone when it is done. */
static void progress(const char *text)
{
    if (isatty(STDERR_FILENO))
        fprintf(stderr, "\r\x1b[K%s", text);
}

static void print(const struct doctor *d, const struct doctor_values *v)
{
    if (!v->json) {
        doctor_text(stdout, d, v->all);
        return;
    }
    json_t *o = doctor_json(d);
    json_dumpf(o, stdout, JSON_INDENT(2) | JSON_PRESERVE_ORDER);
    putchar('\n');
    json_decref(o);
}

static int report(struct doctor *d, const struct doctor_values *v)
{
    struct win_root_list roots;
    win_root_list(&roots);
    doctor_diagnose(d, &roots);
    win_root_list_free(&roots);
    print(d, v);
    if (cli_finish_output())
        return EXIT_BAD_FILE;
    return doctor_should_run(d) ? EXIT_RUNS : EXIT_LACKS;
}

static int examine(const struct doctor_values *v, const struct win_root *root, const char *path,
                   const struct pe_image *img)
{
    struct schema schema = {0};
    struct doctor d = {.path = path, .root = root};
    const char *system = img->h.is64 ? root->system32 : root->syswow64;
    const char *name = strrchr(path, '/') ? strrchr(path, '/') + 1 : path;
    if (!system) {
        cli_error("the root %s has no DLLs for %s programs; scripts/guest-dlls fetches both kinds, "
                  "or choose another with --root",
                  root->name, img->h.is64 ? "64-bit" : "32-bit");
        return EXIT_LACKS;
    }
    char *dir = xmemdup(path, (size_t)(name - path) + 1);
    dir[name - path] = 0;
    struct win_dll_dirs *dirs = win_dll_dirs_new(dir, system, root->windows, ".");
    win_dll_dirs_supply(dirs, img->h.is64 ? 8 : 4);
    struct win_dll_source src = win_dll_dirs_source(dirs);
    bool have = open_schema(&schema, &src);
    progress("looking for the DLLs");
    win_resolve(&d.res, img, name, &src, have ? &schema.apiset : NULL);
    progress("following what they call");
    win_reach(&d.reach, &d.res, WIN_REACH_INSTRUCTIONS, doctor_is_missing);
    progress("");
    int status = report(&d, v);
    doctor_free(&d);
    close_schema(&schema, &src);
    win_dll_dirs_free(dirs);
    free(dir);
    return status;
}

/* `no_root` is NULL when there is a root. */
static int open_and_examine(const struct doctor_values *v, const struct win_root *root,
                            const struct pgr_error *no_root, const char *path)
{
    struct host_map map;
    struct pe_image img;
    struct pgr_error e;
    int status = EXIT_LACKS;
    if (win_open_program(path, &map, &img, &e)) {
        cli_error("%s", e.text);
        return EXIT_BAD_FILE;
    }
    if (no_root)
        cli_error("%s", no_root->text);
    else
        status = examine(v, root, path, &img);
    host_map_close(&map);
    return status;
}

/* A file that is bad is bad in any root, so it is looked at even when there is none. */
static int doctor(const void *values, int argc, char **argv)
{
    const struct doctor_values *v = values;
    struct win_root root;
    struct pgr_error e, no_root;
    char *path;
    pgr_status s = win_root_find(v->root, &root, &no_root);
    bool is_file = strchr(argv[0], '/') || !access(argv[0], F_OK);
    if (s && (v->root || !is_file)) {
        cli_error("%s", no_root.text);
        return v->root ? EXIT_BAD_FILE : EXIT_LACKS;
    }
    int status = EXIT_BAD_FILE;
    if (win_find_program(&root, argv[0], v->prefer32, &path, &e)) {
        cli_error("%s", e.text);
    } else {
        status = open_and_examine(v, &root, s ? &no_root : NULL, path);
        free(path);
    }
    win_root_free(&root);
    return status;
}

#define V struct doctor_values
static const struct cli_option options[] = {
    {"root", 0, "NAME|DIR", "guest",
     "look for the DLLs in this installed root or Windows directory. See peregrine roots",
     CLI_INTO(TEXT, V, root)},
    {"32", 0, NULL, "guest", "of a program of the root, take the 32-bit one",
     CLI_INTO(FLAG, V, prefer32)},
    {"all", 'a', NULL, "output", "name every function, DLL and missing service",
     CLI_INTO(FLAG, V, all)},
    {"json", 0, NULL, "output", "print a JSON object", CLI_INTO(FLAG, V, json)},
    {NULL},
};

const struct cli_command cmd_doctor = {
    .name = "doctor",
    .group = "Examine",
    .summary = "say whether a program would run, and what is missing",
    .usage = "[options] PROGRAM",
    .description =
        "Finds, without running it, every DLL and function that a program needs, by the rules of "
        "the "
        "guest's loader: beside the program, then in the guest root. What is missing is named, "
        "with "
        "what to do about it. PROGRAM is a file, or the name of a program of the guest root.\n\n"
        "It then follows the code of those DLLs from the imported functions to the system "
        "services, "
        "and names the services that are not implemented. That is an approximation: it sees no "
        "conditions, no calls through pointers, and nothing that the program loads by itself.\n\n"
        "Exit status: 0 when the program should run, 1 when something is missing without which it "
        "does not start, 2 when the file is none that can run or the command was called wrongly.",
    .examples = "peregrine doctor ./setup.exe\tWould it run?\n"
                "peregrine doctor --root wine-8.0 --all ./tool.exe\tAll details, in another root.\n"
                "peregrine doctor --json cmd.exe | jq .findings\tFor programs.\n",
    .options = options,
    .values_size = sizeof(struct doctor_values),
    .min_operands = 1,
    .max_operands = 1,
    .run = doctor,
};
