// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Calls functions of a DLL. A program of our own is loaded for that; when its thread wants to end,
 * with the loader and everything set up, it is made to load the DLL and call the function instead.
 */
#include "base/bits.h"
#include "base/hostio.h"
#include "base/match.h"
#include "base/ntstatus.h"
#include "cli/call_show.h"
#include "cli/cli.h"
#include "cli/stub_file.h"
#include "pe/pe.h"
#include "win/roots.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define GUEST_DIR "C:\\dll"

enum { STATUS_WRONG = 2, STATUS_FAULT = 1, STATUS_OURS = 125, STATUS_CANNOT = 126, ALTERED = 8 };

struct call_values {
    const char *root, *engine, *signature, *repeat;
    struct cli_list rw;
    uint64_t timeout;
    bool json, prefer32, quiet;
};

struct row {
    unsigned count;
    struct call_value values[CALL_ARGS_MAX];
    char *words[CALL_ARGS_MAX]; /* as they were given */
};

struct caller {
    const struct call_values *v;
    char *path, *name; /* of the DLL on the host, and without directory */
    bool of_root;      /* it is one of the root's own */
    const char *function;
    struct call_signature signature;
    VEC(struct row) rows;
    json_t *all; /* with --json */
    unsigned ptr_size;
    bool began, done;
    int status;
    size_t row; /* that is going on */
};

/* ---- The DLL and its function
 * ----------------------------------------------------------------------------- */

static char *in_root(const struct call_values *v, const char *name, struct pgr_error *e)
{
    struct win_root root;
    char *found = NULL;
    if (win_root_find(v->root, &root, e))
        return NULL;
    const char *dir = v->prefer32 ? root.syswow64 : root.system32;
    for (int i = 0; i < 2 && dir && !found; i++) {
        found = xasprintf("%s/%s%s", dir, name, i ? ".dll" : "");
        if (access(found, F_OK)) {
            free(found);
            found = NULL;
        }
    }
    if (!found)
        err_set(e, PGR_E_NOT_FOUND,
                "there is no %s in the current directory or in the root %s; give a path", name,
                root.name);
    win_root_free(&root);
    return found;
}

static pgr_status find_dll(struct caller *c, const char *name, struct pgr_error *e)
{
    c->of_root = access(name, F_OK) && !strchr(name, '/');
    char *found = c->of_root ? in_root(c->v, name, e) : xstrdup(name);
    if (!found)
        return PGR_E_NOT_FOUND;
    c->path = realpath(found, NULL);
    pgr_status s = c->path ? PGR_OK : err_errno(e, PGR_E_NOT_FOUND, "cannot open %s", found);
    free(found);
    if (!s)
        c->name = strrchr(c->path, '/') + 1;
    return s;
}

struct near {
    VEC(const char *) names;
};

static bool collect(void *ctx, const struct pe_export *x)
{
    struct near *n = ctx;
    if (x->name)
        vec_push(&n->names, x->name);
    return true;
}

static pgr_status no_export(const struct caller *c, const struct pe_exports *ex,
                            struct pgr_error *e)
{
    struct near n = {0};
    pe_exports_visit(ex, collect, &n);
    const char *near = match_nearest(c->function, n.names.data, n.names.len);
    pgr_status s = near ? err_set(e, PGR_E_NOT_FOUND, "%s exports no %s: did you mean %s?", c->name,
                                  c->function, near)
                        : err_set(e, PGR_E_NOT_FOUND,
                                  "%s exports no %s; `peregrine inspect` lists what it exports",
                                  c->name, c->function);
    vec_free(&n.names);
    return s;
}

static pgr_status check_export(const struct caller *c, const struct pe_image *img,
                               struct pgr_error *e)
{
    struct pe_exports ex;
    struct pe_export x;
    bool by_number = c->function[0] == '#';
    if (!(img->h.characteristics & IMAGE_FILE_DLL))
        return err_set(e, PGR_E_UNSUPPORTED, "%s is no DLL", c->path);
    if (!pe_exports_open(&ex, img))
        return err_set(e, PGR_E_NOT_FOUND, "%s exports nothing", c->name);
    if (by_number ? !pe_export_by_ordinal(&ex, (uint32_t)strtoul(c->function + 1, NULL, 10), &x)
                  : !pe_export_by_name(&ex, c->function, &x))
        return no_export(c, &ex, e);
    int section = pe_section_at(img, x.rva);
    bool code =
        section >= 0 && pe_section(img, (unsigned)section).characteristics & IMAGE_SCN_MEM_EXECUTE;
    if (!x.forwarder && !code)
        return err_set(e, PGR_E_ARGUMENT, "%s!%s is data, not a function", c->name, c->function);
    return PGR_OK;
}

static pgr_status open_dll(struct caller *c, struct pgr_error *e)
{
    struct host_map map;
    struct pe_image img;
    pgr_status s = host_map_open(&map, c->path, e);
    if (s)
        return s;
    s = pe_open(&img, map.data, map.size, PE_FILE, c->path, e);
    if (!s && img.h.machine != IMAGE_FILE_MACHINE_AMD64 && img.h.machine != IMAGE_FILE_MACHINE_I386)
        s = err_set(e, PGR_E_UNSUPPORTED, "%s is for another processor", c->path);
    if (!s)
        s = check_export(c, &img, e);
    c->ptr_size = !s && img.h.is64 ? 8 : 4;
    host_map_close(&map);
    return s;
}

/* ---- Arguments
 * ------------------------------------------------------------------------------------------- */

static pgr_status find_signature(struct caller *c, struct pgr_error *e)
{
    struct api_table t;
    struct api_function f;
    enum api_found how;
    if (c->v->signature)
        return call_signature_parse(c->v->signature, &c->signature, e);
    api_builtin(&t);
    if (api_find(&t, c->function, c->ptr_size, &f, &how))
        call_signature_of(&t, &f, c->ptr_size, how == API_A_BY_W, &c->signature);
    else
        c->signature.result.kind = CALL_UNKNOWN;
    return PGR_OK;
}

static pgr_status add_row(struct caller *c, unsigned n, char **words, struct pgr_error *e)
{
    const struct call_signature *g = &c->signature;
    struct row r = {.count = n};
    if (g->known && (n < g->count || (n > g->count && !g->variadic)))
        return err_set(e, PGR_E_ARGUMENT, "%s takes %u argument%s%s; %u given", c->function,
                       g->count, g->count == 1 ? "" : "s", g->variadic ? " or more" : "", n);
    if (n > CALL_ARGS_MAX)
        return err_set(e, PGR_E_ARGUMENT, "%u arguments; %d at most", n, CALL_ARGS_MAX);
    for (unsigned i = 0; i < n; i++) {
        const struct call_type any = {CALL_UNKNOWN, 0};
        pgr_status s =
            call_value_parse(words[i], i < g->count ? &g->args[i] : &any, &r.values[i], e);
        if (s) {
            while (i--) {
                call_value_free(&r.values[i]);
                free(r.words[i]);
            }
            return s;
        }
        r.words[i] = xstrdup(words[i]);
    }
    vec_push(&c->rows, r);
    return PGR_OK;
}

/* Fields between commas; with "" in quotes as RFC 4180 has it. The line is changed. */
static unsigned split_line(char *line, char **words)
{
    unsigned n = 0;
    for (char *p = line; n < CALL_ARGS_MAX;) {
        char *out = p;
        words[n++] = p;
        bool quoted = *p == '"';
        for (p += quoted; *p && (quoted || *p != ','); p++) {
            if (quoted && *p == '"' && *++p != '"') {
                quoted = false;
                p--;
                continue;
            }
            *out++ = *p;
        }
        bool more = *p == ',';
        *out = 0;
        if (!more)
            return n;
        p++;
    }
    return n;
}

static pgr_status read_rows(struct caller *c, struct pgr_error *e)
{
    FILE *f = fopen(c->v->repeat, "re");
    char *line = NULL, *words[CALL_ARGS_MAX];
    size_t cap = 0, number = 0;
    ssize_t len;
    pgr_status s = f ? PGR_OK : err_errno(e, PGR_E_IO, "cannot open %s", c->v->repeat);
    while (!s && (len = getline(&line, &cap, f)) >= 0) {
        struct pgr_error own;
        number++;
        while (len && (line[len - 1] == '\n' || line[len - 1] == '\r'))
            line[--len] = 0;
        if (!len)
            continue;
        s = add_row(c, split_line(line, words), words, &own);
        if (s)
            err_set(e, s, "%s, line %zu: %s", c->v->repeat, number, own.text);
    }
    free(line);
    if (f)
        fclose(f);
    return s;
}

/* ---- In the guest
 * --------------------------------------------------------------------------------------- */

static bool guest(struct pgr_call *c, const char *name, const uint64_t *args, unsigned n,
                  uint64_t *result)
{
    struct pgr_guest_call call = {.args = args, .count = n};
    struct pgr_error e;
    if (pgr_symbol_address(pgr_call_machine(c), name, &call.address, &e) ||
        pgr_call_guest(c, &call, &e)) {
        cli_error("%s", e.text);
        return false;
    }
    bool wide = pgr_machine_pointer_size(pgr_call_machine(c)) == 8;
    *result = wide ? call.result : (uint32_t)call.result; /* EDX is not part of it */
    return true;
}

/* Memory of the guest's with these bytes; 0: it has none left. */
static uint64_t put(struct pgr_call *c, const void *data, size_t size)
{
    uint64_t at = 0;
    const uint64_t args[] = {0, size ? size : 1, 0x3000, 4};
    if (!guest(c, "kernel32!VirtualAlloc", args, 4, &at) || !at ||
        pgr_machine_write(pgr_call_machine(c), at, data, size, NULL))
        return 0;
    return at;
}

static uint64_t load_dll(const struct caller *c, struct pgr_call *call)
{
    struct call_value text;
    struct pgr_error e;
    uint64_t module = 0, args[3] = {0, 0, c->of_root ? 0 : ALTERED};
    char *prefixed = xasprintf("w:%s%s", c->of_root ? "" : GUEST_DIR "\\", c->name);
    if (!call_value_parse(prefixed, &(struct call_type){CALL_WTEXT, 0}, &text, &e))
        args[0] = put(call, text.data, text.size);
    if (args[0] && guest(call, "kernel32!LoadLibraryExW", args, 3, &module) && !module)
        cli_error("%s cannot be loaded: %s", c->name,
                  call_error_text(pgr_call_last_error(call), e.text, sizeof e.text));
    call_value_free(&text);
    free(prefixed);
    return module;
}

static uint64_t find_function(const struct caller *c, struct pgr_call *call, uint64_t module)
{
    uint64_t at = 0, args[2] = {module, 0};
    if (c->function[0] == '#')
        args[1] = strtoul(c->function + 1, NULL, 10);
    else
        args[1] = put(call, c->function, strlen(c->function) + 1);
    if (args[1] && guest(call, "kernel32!GetProcAddress", args, 2, &at) && !at)
        cli_error("%s!%s cannot be found: what it forwards to is missing", c->name, c->function);
    return at;
}

/* Bits and addresses of the row's values, as the function takes them. */
static bool place_values(struct pgr_call *call, const struct caller *c, const struct row *r,
                         uint64_t *addresses, uint64_t *bits, unsigned *n)
{
    for (unsigned i = 0; i < r->count; i++) {
        const struct call_value *v = &r->values[i];
        addresses[i] = v->data ? put(call, v->data, v->size) : 0;
        if (v->data && !addresses[i])
            return false;
        bits[(*n)++] = v->data ? addresses[i] : v->bits;
        if (c->ptr_size == 4 && v->wide && !v->data)
            bits[(*n)++] = v->bits >> 32;
    }
    return true;
}

/* An x86 function tells by what it takes off the stack how many arguments it has. */
static void check_popped(const struct caller *c, const struct pgr_guest_call *g)
{
    unsigned skipped = g->convention == PGR_FASTCALL ? 2 : g->convention == PGR_THISCALL ? 1 : 0;
    int32_t given = (int32_t)(g->count > skipped ? g->count - skipped : 0) * 4;
    if (c->ptr_size == 4 && g->popped && g->popped != given)
        cli_error("%s took %d bytes of arguments off the stack, %d were given: it wants %d words",
                  c->function, g->popped, given, g->popped / 4 + (int)skipped);
}

static bool call_row(struct caller *c, struct pgr_call *call, uint64_t function, struct row *r)
{
    static const uint8_t conventions[] = {[API_CDECL] = PGR_CDECL,
                                          [API_STDCALL] = PGR_STDCALL,
                                          [API_FASTCALL] = PGR_FASTCALL,
                                          [API_THISCALL] = PGR_THISCALL};
    uint64_t addresses[CALL_ARGS_MAX] = {0}, bits[2 * CALL_ARGS_MAX];
    struct pgr_guest_call g = {
        .address = function, .args = bits, .convention = conventions[c->signature.convention]};
    struct pgr_error e;
    if (!place_values(call, c, r, addresses, bits, &g.count)) {
        cli_error("the guest has no memory for the arguments");
        return false;
    }
    pgr_call_set_last_error(call, 0);
    pgr_status s = pgr_call_guest(call, &g, &e);
    if (s == PGR_E_ARGUMENT)
        cli_error("%s", e.text);
    if (s)
        return false;
    check_popped(c, &g);
    struct call_shown shown = {.call = call,
                               .name = c->function,
                               .signature = &c->signature,
                               .values = r->values,
                               .words = r->words,
                               .addresses = addresses,
                               .count = r->count,
                               .result = &g,
                               .last_error = pgr_call_last_error(call)};
    if (c->all)
        json_array_append_new(c->all, call_show_json(&shown));
    else
        call_show_text(&shown);
    for (unsigned i = 0; i < r->count; i++) {
        const uint64_t args[] = {addresses[i], 0, 0x8000};
        uint64_t ok;
        if (addresses[i])
            guest(call, "kernel32!VirtualFree", args, 3, &ok);
    }
    return true;
}

/* The stub's thread wants to end. */
static void at_exit(struct pgr_call *call, void *ctx)
{
    struct caller *c = ctx;
    if (c->began) /* by the function that is called */
        return;
    c->began = true;
    c->status = STATUS_CANNOT;
    uint64_t module = load_dll(c, call), function = module ? find_function(c, call, module) : 0;
    if (!function) {
        c->done = true;
        return;
    }
    c->status = STATUS_FAULT;
    for (c->row = 0; c->row < c->rows.len; c->row++)
        if (!call_row(c, call, function, &c->rows.data[c->row]))
            return;
    c->status = 0;
    c->done = true;
}

/* ---- The machine
 * ---------------------------------------------------------------------------------------- */

static pgr_status mount_all(struct pgr_machine *m, const struct caller *c, struct pgr_error *e)
{
    if (c->of_root)
        return PGR_OK;
    char *dir = xstrdup(c->path);
    *strrchr(dir, '/') = 0;
    pgr_status s = pgr_machine_mount(m, GUEST_DIR, dir[0] ? dir : "/", PGR_MOUNT_READ_ONLY, e);
    free(dir);
    return s;
}

static void say_end(const struct caller *c, const struct pgr_exit *why)
{
    const char *name = ntstatus_name(why->code);
    if (c->done)
        return;
    if (why->kind == PGR_EXIT_TIMEOUT)
        cli_error("%s did not return within --timeout", c->function);
    else if (why->kind != PGR_EXIT_PROCESS)
        cli_error("%s did not return: the run was stopped", c->function);
    else if (!c->began)
        cli_error("the process ended while it started, with 0x%08x", why->code);
    else
        cli_error("%s did not return: it ended the process with %s (0x%08x)", c->function,
                  name ? name : "this exit code", why->code);
}

static int run(struct caller *c, const char *stub, struct pgr_error *e)
{
    struct pgr_config cfg = {.root = c->v->root, .engine = c->v->engine, .intercept = true};
    struct pgr_call_hook hook = {
        .function = "kernel32!ExitProcess", .enter = at_exit, .ctx = c, .order = -1};
    struct pgr_program program = {.path = stub};
    struct pgr_limits limits = {.timeout_ns = c->v->timeout};
    struct pgr_machine *m;
    struct pgr_exit why;
    pgr_status s = pgr_machine_create(&cfg, &m, e);
    if (s)
        return STATUS_OURS;
    s = mount_all(m, c, e);
    if (!s)
        s = pgr_hook_call(m, &hook, NULL, e);
    if (!s)
        s = pgr_machine_load(m, &program, e);
    if (!s)
        s = pgr_machine_run(m, &limits, &why, e);
    if (s)
        c->status = STATUS_OURS;
    else
        say_end(c, &why);
    pgr_machine_destroy(m);
    return s ? STATUS_OURS : why.kind == PGR_EXIT_TIMEOUT ? 124 : c->status;
}

static int run_stub(struct caller *c, struct pgr_error *e)
{
    struct stub_file stub;
    if (stub_file_write(&stub, c->ptr_size, NULL, 0, 0, e))
        return STATUS_OURS;
    int status = run(c, stub.path, e);
    stub_file_remove(&stub);
    return status;
}

static pgr_status prepare(struct caller *c, char *target, int argc, char **argv,
                          struct pgr_error *e)
{
    char *bang = strrchr(target, '!');
    if (!bang || bang == target || !bang[1])
        return err_set(e, PGR_E_ARGUMENT, "'%s': DLL!FUNCTION expected, such as zlib1.dll!crc32",
                       target);
    *bang = 0;
    c->function = bang + 1;
    pgr_status s = find_dll(c, target, e);
    if (!s)
        s = open_dll(c, e);
    if (!s)
        s = find_signature(c, e);
    if (s)
        return s;
    if (c->v->repeat && argc)
        return err_set(e, PGR_E_ARGUMENT, "arguments and --repeat exclude each other");
    return c->v->repeat ? read_rows(c, e) : add_row(c, (unsigned)argc, argv, e);
}

static void free_caller(struct caller *c)
{
    vec_foreach (r, &c->rows)
        for (unsigned i = 0; i < r->count; i++) {
            call_value_free(&r->values[i]);
            free(r->words[i]);
        }
    vec_free(&c->rows);
    free(c->path);
}

static int call(const void *values, int argc, char **argv)
{
    struct caller c = {.v = values};
    struct pgr_error e = {0};
    char *target = xstrdup(argv[0]);
    pgr_status s = prepare(&c, target, argc - 1, argv + 1, &e);
    int status = s == PGR_E_ARGUMENT ? STATUS_WRONG : STATUS_CANNOT;
    if (!s) {
        c.all = c.v->json ? json_array() : NULL;
        status = run_stub(&c, &e);
        if (c.all) {
            json_dumpf(c.all, stdout, JSON_INDENT(2) | JSON_ENCODE_ANY);
            putchar('\n');
            json_decref(c.all);
        }
    }
    if (e.text[0] && status)
        cli_error("%s", e.text);
    free_caller(&c);
    free(target);
    return cli_finish_output() && !status ? STATUS_OURS : status;
}

#define V struct call_values
static const struct cli_option options[] = {
    {"root", 0, "NAME|DIR", "guest",
     "take the Windows DLLs from an installed root or a Windows directory. See peregrine roots",
     CLI_INTO(TEXT, V, root)},
    {"32", 0, NULL, "guest", "of a DLL of the root, take the 32-bit one",
     CLI_INTO(FLAG, V, prefer32)},
    {"signature", 's', "TEXT", "guest",
     "what the function takes and returns, such as \"uint32 crc32(uint32, ptr, uint32)\". Types: "
     "void "
     "bool int8 to int64 uint8 to uint64 int uint long ulong size handle ptr str wstr float double "
     "any; cdecl, stdcall, fastcall or thiscall behind the first. Without it the prototype, see "
     "peregrine api",
     CLI_INTO(TEXT, V, signature)},
    {"repeat", 'r', "FILE.csv", "guest",
     "call it once for each line of the file, with the line's fields as arguments",
     CLI_INTO(TEXT, V, repeat)},
    {"timeout", 't', "TIME", "limits", "stop after this much time (exit status 124)",
     CLI_INTO(DURATION, V, timeout)},
    {"engine", 0, "NAME", "machine", "the CPU engine, see peregrine run",
     CLI_INTO(TEXT, V, engine)},
    {"json", 0, NULL, "output", "print an array of objects, one for each call",
     CLI_INTO(FLAG, V, json)},
    {NULL},
};

const struct cli_command cmd_call = {
    .name = "call",
    .group = "Run",
    .summary = "call a function of a DLL",
    .usage = "[options] [--] DLL!FUNCTION [ARGS...]",
    .description =
        "Loads a DLL for x86-64 or i386 and calls a function that it exports, by name or as #7. "
        "DLL is a file, or the name of a DLL of the guest root. Prints the result, the last error "
        "when the function set one, and buffers that it wrote.\n\n"
        "Arguments are typed by the function's prototype or --signature; without either, numbers "
        "are "
        "numbers (12, -1, 0x7f, 1.5) and anything else is text, whose address the function gets. "
        "s:TEXT and w:TEXT are text in any case, narrow and UTF-16; null is 0; @FILE and hex:4d5a "
        "are bytes; out:64 is a buffer of so many bytes, shown after the call, inout:@FILE one "
        "with "
        "content.\n\n"
        "Exit status: 0; 1 when the function did not return; 2 for wrong arguments; 124 when the "
        "time "
        "was up; 126 when the DLL or the function cannot be had; 125 when Peregrine failed.",
    .examples =
        "peregrine call zlib1.dll!crc32 0 hello 5\tA function nobody has a prototype of.\n"
        "peregrine call kernel32!GetWindowsDirectoryA out:260 260\tA buffer that it fills.\n"
        "peregrine call -s 'double pow(double, double)' msvcrt!pow 2 0.5\tFloating point.\n",
    .options = options,
    .values_size = sizeof(struct call_values),
    .min_operands = 1,
    .max_operands = -1,
    .stop_at_operand = true,
    .run = call,
};
