// SPDX-License-Identifier: GPL-2.0-or-later
#include "base/bits.h"
#include "base/ntstatus.h"
#include "base/hostio.h"
#include "cli/cli.h"
#include "cli/script_options.h"
#include "cli/stub_file.h"
#include "cli/trace_options.h"
#include "machine/machine.h"
#include "nt/io/io.h"
#include <peregrine/event.h>

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

/* What Wine's loader raises when a missing export is called. */
#define WINE_STUB_CALLED 0x80000100u

enum { STATUS_LIMIT = 124, STATUS_OURS = 125, STATUS_CANNOT_RUN = 126, CODE_MAX = 256 << 20 };

struct run_values {
    const char *root, *cwd, *overlay, *engine, *entry, *exit;
    struct cli_list env, mounts, rw;
    struct trace_values trace;
    struct script_values script;
    uint64_t timeout, max_instructions, seed, processors, memory_mib;
    int clock, verbose;
    bool strict, quiet, explain, prefer32, raw;
};

static const char *const clocks[] = {"virtual", "host", NULL};

/* ---- What the guest lacked, as it happens and at the end ---------------------------------------
 */

static bool worth_saying(const struct run_values *v, const struct nt_note *n)
{
    if (v->quiet)
        return false;
    return n->kind == NT_NOTE_SERVICE || (v->verbose && n->kind != NT_NOTE_DENIED);
}

static void on_note(void *ctx, const struct nt_note *n)
{
    const struct run_values *v = ctx;
    if (worth_saying(v, n))
        fprintf(stderr, "peregrine: %s is not implemented (called from %s)\n", n->what, n->detail);
}

static void on_debug_text(void *ctx, const char *text, size_t len)
{
    fwrite(text, 1, len, stderr);
}

static void sum_up(const struct run_values *v, const struct nt_kernel *k)
{
    uint64_t kinds = 0, calls = 0;
    for (size_t i = 0; i < k->note_len; i++) {
        const struct nt_note *n = &k->notes[i];
        kinds += n->kind == NT_NOTE_SERVICE;
        calls += n->kind == NT_NOTE_SERVICE ? n->count : 0;
    }
    if (kinds && !v->quiet)
        fprintf(stderr, "peregrine: %llu missing service%s, called %llu time%s in all\n",
                (unsigned long long)kinds, kinds == 1 ? "" : "s", (unsigned long long)calls,
                calls == 1 ? "" : "s");
}

/* The names are right, or the run would not have begun; but the program may never call these. */
static void say_if_untraced(const struct run_values *v, const struct trace *trace)
{
    bool narrowed = v->trace.patterns.len || v->trace.functions.len || v->trace.categories.len;
    if (!trace || !narrowed || v->quiet || trace_wants_blocks(trace))
        return;
    if (!trace_told_anything(trace))
        fprintf(stderr, "peregrine: the trace is empty: nothing that the program called passes its "
                        "filters\n");
}

static void explain(const struct nt_kernel *k)
{
    size_t n = 0;
    for (size_t i = 0; i < k->note_len; i++) {
        if (k->notes[i].kind != NT_NOTE_DENIED)
            continue;
        if (!n++)
            fprintf(stderr, "peregrine: the guest asked for what it may not reach:\n");
        fprintf(stderr, "  %s (%llu time%s): %s\n", k->notes[i].what,
                (unsigned long long)k->notes[i].count, k->notes[i].count == 1 ? "" : "s",
                k->notes[i].detail);
    }
    if (!n)
        fprintf(stderr, "peregrine: the guest asked for nothing that it may not reach\n");
}

/* ---- Options into calls
 * ---------------------------------------------------------------------------- */

static pgr_status parse_address(const char *text, const char *option, uint64_t *out,
                                struct pgr_error *e)
{
    char *end;
    *out = 0;
    if (!text)
        return PGR_OK;
    errno = 0;
    *out = strtoull(text, &end, 0);
    if (errno || *end || end == text || !*out)
        return err_set(e, PGR_E_ARGUMENT, "--%s: '%s' is not an address such as 0x140001000",
                       option, text);
    return PGR_OK;
}

/* GUEST=DIR[:ro|:cow|:rw] */
static pgr_status mount_one(struct pgr_machine *m, const char *spec, struct pgr_error *e)
{
    static const struct {
        const char *suffix;
        enum pgr_mount_mode mode;
    } modes[] = {{":ro", PGR_MOUNT_READ_ONLY},
                 {":cow", PGR_MOUNT_COPY_ON_WRITE},
                 {":rw", PGR_MOUNT_READ_WRITE}};
    const char *eq = strchr(spec, '=');
    enum pgr_mount_mode mode = PGR_MOUNT_COPY_ON_WRITE;
    if (!eq || eq == spec || !eq[1])
        return err_set(e, PGR_E_ARGUMENT,
                       "--mount: '%s' is not of the form C:\\x=DIR, C:\\x=DIR:ro or C:\\x=DIR:rw",
                       spec);
    char *guest = xmemdup(spec, (size_t)(eq - spec) + 1), *dir = xstrdup(eq + 1);
    guest[eq - spec] = 0;
    for (size_t i = 0; i < ARRAY_LEN(modes); i++) {
        size_t n = strlen(dir), k = strlen(modes[i].suffix);
        if (n > k && !strcmp(dir + n - k, modes[i].suffix)) {
            dir[n - k] = 0;
            mode = modes[i].mode;
            break;
        }
    }
    pgr_status s = pgr_machine_mount(m, guest, dir, mode, e);
    free(guest);
    free(dir);
    return s;
}

/* --rw PATH: where the directory appears. Beneath the working directory it keeps its place, else it
 * is on drive Z: under its own path. */
static pgr_status open_rw(struct pgr_machine *m, const char *path, const char *cwd, bool *cwd_rw,
                          struct pgr_error *e)
{
    char *real = realpath(path, NULL);
    size_t n = strlen(cwd);
    if (!real)
        return err_errno(e, PGR_E_NOT_FOUND, "--rw: cannot open %s", path);
    if (!strcmp(real, cwd)) {
        *cwd_rw = true;
        free(real);
        return PGR_OK;
    }
    bool beneath = !strncmp(real, cwd, n) && real[n] == '/';
    char *guest = xasprintf("%s%s", beneath ? "C:\\work" : "Z:", beneath ? real + n : real);
    for (char *p = guest; *p; p++)
        if (*p == '/')
            *p = '\\';
    pgr_status s = pgr_machine_mount(m, guest, real, PGR_MOUNT_READ_WRITE, e);
    free(guest);
    free(real);
    return s;
}

/* NAME=VALUE, or NAME to pass the user's own value on. */
static void collect_env(const struct cli_list *given, struct cli_list *out)
{
    for (size_t i = 0; i < given->len; i++) {
        const char *value = strchr(given->data[i], '=') ? NULL : getenv(given->data[i]);
        if (strchr(given->data[i], '='))
            vec_push(out, xstrdup(given->data[i]));
        else if (value)
            vec_push(out, xasprintf("%s=%s", given->data[i], value));
    }
    vec_push(out, NULL);
}

static void free_env(struct cli_list *env)
{
    for (size_t i = 0; i + 1 < env->len; i++)
        free((char *)env->data[i]);
    vec_free(env);
}

static pgr_status prepare(struct pgr_machine *m, const struct run_values *v, char **argv,
                          struct pgr_error *e)
{
    struct pgr_program prog = {
        .path = argv[0],
        .args = (const char *const *)argv + 1,
        .guest_cwd = v->cwd,
        .prefer_32bit = v->prefer32,
        .std_fd = {0, 1, 2},
    };
    bool cwd_rw = false;
    char *cwd = realpath(".", NULL);
    pgr_status s = cwd ? PGR_OK : err_errno(e, PGR_E_IO, "cannot find the current directory");
    for (size_t i = 0; i < v->mounts.len && !s; i++)
        s = mount_one(m, v->mounts.data[i], e);
    for (size_t i = 0; i < v->rw.len && !s; i++)
        s = open_rw(m, v->rw.data[i], cwd, &cwd_rw, e);
    if (!s)
        s = v->raw ? PGR_OK : parse_address(v->entry, "entry", &prog.entry, e);
    if (!s)
        s = parse_address(v->exit, "exit", &prog.exit, e);
    free(cwd);
    if (s)
        return s;
    struct cli_list env = {0};
    collect_env(&v->env, &env);
    prog.env = env.data;
    prog.cwd_mode = cwd_rw ? PGR_MOUNT_READ_WRITE : PGR_MOUNT_COPY_ON_WRITE;
    s = pgr_machine_load(m, &prog, e);
    free_env(&env);
    return s;
}

/* ---- The run
 * ----------------------------------------------------------------------------------------- */

/* The host has 8 bits for it; what is not 0 there must not become 0. */
static int guest_status(uint32_t code)
{
    return code && !(code & 0xff) ? 255 : (int)(code & 0xff);
}

/* Programs that end with an NTSTATUS mostly say nothing themselves. */
static void say_status(uint32_t code, const struct run_values *v)
{
    const char *name = ntstatus_name(code);
    const char *hint = "";
    if (code == WINE_STUB_CALLED)
        name = "a call to an export that is missing";
    if (code < 0x80000000u || !name || v->quiet)
        return;
    if (code == STATUS_DLL_NOT_FOUND || code == STATUS_ENTRYPOINT_NOT_FOUND ||
        code == STATUS_ORDINAL_NOT_FOUND || code == STATUS_DLL_INIT_FAILED ||
        code == WINE_STUB_CALLED)
        hint = "; `peregrine doctor` says which DLL or export is missing";
    cli_error("the program ended with %s (0x%08x)%s", name, code, hint);
}

static int exit_status(const struct pgr_exit *why, const struct run_values *v)
{
    switch (why->kind) {
    case PGR_EXIT_PROCESS:
        say_status(why->code, v);
        return guest_status(why->code);
    case PGR_EXIT_ADDRESS:
        return guest_status(why->code);
    case PGR_EXIT_TIMEOUT:
        cli_error("stopped after %.3g seconds (--timeout)", (double)v->timeout / 1e9);
        return STATUS_LIMIT;
    case PGR_EXIT_INSTRUCTIONS:
        cli_error("stopped after %llu instructions (--max-instructions)",
                  (unsigned long long)v->max_instructions);
        return STATUS_LIMIT;
    case PGR_EXIT_STRICT:
        cli_error("stopped at the first missing service (--strict)");
        return STATUS_OURS;
    case PGR_EXIT_DEADLOCK:
        cli_error("every thread of the program waits, and nothing can wake any of them");
        return STATUS_OURS;
    default: /* by a signal, which says it all */
        return STATUS_LIMIT;
    }
}

static void report(const struct pgr_machine *m, const struct pgr_exit *why)
{
    fprintf(stderr, "peregrine: exit code 0x%x, %llu services", why->code,
            (unsigned long long)pgr_machine_services(m));
    if (m->cfg.count)
        fprintf(stderr, ", %llu instructions", (unsigned long long)pgr_machine_instructions(m));
    if (m->engine)
        fprintf(stderr, ", engine %s with %zu hooks", m->ops->name, cpu_hooks(m->engine));
    fputc('\n', stderr);
}

/* A signal ends the run in good order, so that the temporary overlay goes; the next one kills. The
 * only mutable global of the program: a handler gets no other context. */
static struct pgr_machine *volatile interrupted_machine;
static volatile sig_atomic_t interrupted_by;

static void on_signal(int number)
{
    interrupted_by = number;
    signal(number, SIG_DFL);
    if (interrupted_machine)
        pgr_machine_stop(interrupted_machine);
}

static void watch_signals(struct pgr_machine *m)
{
    static const int numbers[] = {SIGINT, SIGTERM, SIGHUP};
    interrupted_machine = m;
    for (size_t i = 0; i < ARRAY_LEN(numbers); i++) {
        struct sigaction old;
        /* What was ignored (nohup) stays so. */
        if (!sigaction(numbers[i], NULL, &old) && old.sa_handler == SIG_DFL && m)
            signal(numbers[i], on_signal);
    }
}

static void say_engine(const struct pgr_machine *m)
{
    const char *why, *name = pgr_machine_engine(m, &why);
    fprintf(stderr, "peregrine: engine %s%s%s\n", name, why ? "; " : "", why ? why : "");
}

/* Machine code gets a program around it. The whole file is small: it is code. */
static pgr_status wrap_code(const struct run_values *v, const char *path, struct stub_file *stub,
                            struct pgr_error *e)
{
    struct host_map code;
    uint64_t entry = 0;
    pgr_status s = host_map_open(&code, path, e);
    if (s)
        return s;
    s = parse_address(v->entry, "entry", &entry, e);
    if (!s && (!code.size || code.size > CODE_MAX))
        s = err_set(e, PGR_E_UNSUPPORTED,
                    "%s has %zu bytes: machine code of 1 byte to 256 MiB "
                    "expected",
                    path, code.size);
    if (!s && entry >= code.size)
        s = err_set(e, PGR_E_ARGUMENT, "--entry 0x%llx lies outside of the %zu bytes of %s",
                    (unsigned long long)entry, code.size, path);
    if (!s)
        s = stub_file_write(stub, v->prefer32 ? 4 : 8, code.data, code.size, (uint32_t)entry, e);
    host_map_close(&code);
    return s;
}

static bool on_block(struct pgr_machine *m, struct pgr_event *e, void *trace)
{
    trace_block(trace, e->address, (uint32_t)e->size);
    return false;
}

static int run_machine(struct pgr_machine *m, const struct run_values *v, struct trace *trace,
                       struct script_guests *guests, char **argv)
{
    struct pgr_error e;
    struct pgr_exit why;
    struct pgr_limits limits = {.timeout_ns = v->timeout, .instructions = v->max_instructions};
    m->k->on_note = on_note;
    m->k->on_note_ctx = (void *)v;
    if (v->verbose)
        m->k->on_debug_text = on_debug_text;
    struct stub_file stub = {0};
    char *program = argv[0];
    pgr_status s = v->raw ? wrap_code(v, program, &stub, &e) : PGR_OK;
    if (!s) {
        argv[0] = v->raw ? stub.path : program;
        s = prepare(m, v, argv, &e);
        argv[0] = program;
    }
    stub_file_remove(&stub); /* it is mapped by now */
    if (s) {
        cli_error("%s", e.text);
        return s == PGR_E_ARGUMENT || s == PGR_E_NOMEM || s == PGR_E_STATE || s == PGR_E_ENGINE
                   ? STATUS_OURS
                   : STATUS_CANNOT_RUN;
    }
    if (v->verbose)
        say_engine(m);
    if (trace)
        trace_attach(trace, m->k, m->hooks);
    if (trace && trace_wants_blocks(trace))
        pgr_hook(m, &(struct pgr_hook){.kind = PGR_HOOK_BLOCK, .handler = on_block, .ctx = trace},
                 NULL, NULL);
    const char *engine = pgr_machine_engine(m, NULL);
    s = pgr_machine_run(m, &limits, &why, &e);
    if (v->verbose && m->plan.automatic && pgr_machine_engine(m, NULL) != engine)
        say_engine(m); /* the first one could not, after all */
    if (trace)
        trace_detach(trace);
    int status = STATUS_OURS;
    if (s)
        cli_error("%s", e.text);
    else
        status = exit_status(&why, v);
    if (!s && script_options_finish(guests, &why))
        status = STATUS_OURS;
    sum_up(v, m->k);
    say_if_untraced(v, trace);
    if (v->explain)
        explain(m->k);
    if (!s && v->verbose)
        report(m, &why);
    return status;
}

/* Windows has no limit of this kind; the usual one is for select(), which is not used here. */
static void allow_many_files(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < limit.rlim_max) {
        limit.rlim_cur = limit.rlim_max;
        setrlimit(RLIMIT_NOFILE, &limit);
    }
}

static int run(const void *values, int argc, char **argv)
{
    const struct run_values *v = values;
    struct pgr_config cfg = {
        .root = v->root,
        .engine = v->engine,
        .overlay = v->overlay,
        .clock = v->clock < 0 ? PGR_CLOCK_ENGINE
                 : v->clock   ? PGR_CLOCK_HOST
                              : PGR_CLOCK_VIRTUAL,
        .seed = v->seed,
        .strict = v->strict,
        .count = v->max_instructions != 0,
        .intercept = trace_options_intercept(&v->trace) || script_options_wanted(&v->script),
        .processors = (unsigned)v->processors,
        .memory = v->memory_mib << 20,
    };
    struct pgr_machine *m;
    struct trace *trace;
    struct script_guests guests = {0};
    struct pgr_error e;
    allow_many_files();
    signal(SIGPIPE, SIG_IGN); /* a closed output is the guest's STATUS_PIPE_BROKEN */
    signal(SIGXFSZ, SIG_IGN); /* and a file that may not grow is a full disk, to it and to traces */
    if (trace_options_open(&v->trace, &trace, &e)) {
        cli_error("%s", e.text);
        return STATUS_OURS;
    }
    cfg.instrument = trace && trace_wants_blocks(trace);
    int status = STATUS_OURS;
    if (pgr_machine_create(&cfg, &m, &e)) {
        cli_error("%s", e.text);
    } else {
        watch_signals(m);
        if (script_options_start(&v->script, v->strict, m, &guests, &e))
            cli_error("%s", e.text);
        else
            status = run_machine(m, v, trace, &guests, argv);
        interrupted_machine = NULL;
        pgr_machine_destroy(m);
        script_options_destroy(&guests);
    }
    /* What became of the guest is known; that the trace is not whole is said besides. */
    if (trace && trace_destroy(trace, &e))
        cli_error("%s", e.text);
    if (interrupted_by) { /* die of it, as the shell expects */
        signal(interrupted_by, SIG_DFL);
        raise(interrupted_by);
    }
    return status;
}

static const struct run_values defaults = {.clock = -1};

#define V struct run_values
static const struct cli_option options[] = {
    {"root", 0, "NAME|DIR", "guest",
     "take the Windows DLLs from an installed root or a Windows directory. See peregrine roots",
     CLI_INTO(TEXT, V, root)},
    {"env", 'e', "NAME[=VALUE]", "guest",
     "set an environment variable of the guest; without a value, pass your own on",
     CLI_INTO(LIST, V, env)},
    {"cwd", 0, "GUESTDIR", "guest", "start in this guest directory instead of C:\\work",
     CLI_INTO(TEXT, V, cwd)},
    {"32", 0, NULL, "guest", "of a program of the root, take the 32-bit one",
     CLI_INTO(FLAG, V, prefer32)},
    {"processors", 0, "N", "guest",
     "how many processors the guest sees; else as many as run it: one, or the host's with an "
     "engine "
     "that runs threads in parallel",
     CLI_INTO(INTEGER, V, processors), .min = 1, .max = 64, .rare = true},
    {"raw", 0, NULL, "guest",
     "PROGRAM is machine code: a program is made around it that calls it, for x86-64 or with --32 "
     "for "
     "i386, and ends with what it returns. --entry is an offset in it",
     CLI_INTO(FLAG, V, raw)},
    {"entry", 0, "ADDRESS", "guest", "start at this address instead of the entry point",
     CLI_INTO(TEXT, V, entry), .rare = true},
    {"rw", 0, "DIR", "host",
     "let the guest write to this host directory. The current directory appears as C:\\work, "
     "directories beneath it below that, others on drive Z: under their own path",
     CLI_INTO(LIST, V, rw)},
    {"mount", 0, "GUEST=DIR", "host",
     "show a host directory at a guest path; what is written goes to the overlay. "
     "DIR:ro forbids writing, DIR:rw lets it through",
     CLI_INTO(LIST, V, mounts)},
    {"overlay", 0, "DIR", "host",
     "keep what the guest writes elsewhere than in --rw directories, to look at it afterwards",
     CLI_INTO(TEXT, V, overlay)},
    {"explain", 0, NULL, "host",
     "at the end, say what the guest asked for and could not reach, and what would allow it",
     CLI_INTO(FLAG, V, explain)},
    {"timeout", 't', "TIME", "limits", "stop after this much time (exit status 124)",
     CLI_INTO(DURATION, V, timeout)},
    {"max-instructions", 0, "N", "limits",
     "stop after N instructions (exit status 124). Counting slows the guest down",
     CLI_INTO(INTEGER, V, max_instructions), .min = 1},
    {"exit", 0, "ADDRESS", "limits", "stop when this address is reached; the exit status is EAX",
     CLI_INTO(TEXT, V, exit), .rare = true},
    {"strict", 0, NULL, "limits",
     "stop at the first service that is not implemented, or error of a script",
     CLI_INTO(FLAG, V, strict)},
    {"memory", 0, "MIB", "limits", "guest memory at most, in MiB", CLI_INTO(INTEGER, V, memory_mib),
     .min = 1024, .max = 8 << 20, .rare = true},
    TRACE_OPTIONS(V, trace),
    SCRIPT_OPTIONS(V, script),
    {"clock", 0, "virtual|host", "machine",
     "virtual: time follows the guest's own progress, and the same input gives the same run; only "
     "the unicorn engine can. host: time is the host's",
     CLI_INTO(CHOICE, V, clock), .choices = clocks},
    {"seed", 0, "N", "machine", "seed of all random numbers that the guest gets",
     CLI_INTO(INTEGER, V, seed)},
    {"engine", 0, "NAME[,NAME@POINT...]", "machine",
     "the CPU engine: unicorn, kvm, native, or auto, which is the fastest that can do what is "
     "asked. "
     "kvm,unicorn@NtCreateFile goes on with another from a point on: a service, an address 0x..., "
     "a "
     "number of instructions, or a module such as foo.dll",
     CLI_INTO(TEXT, V, engine)},
    {"verbose", 'v', NULL, "output", "say more about the run", CLI_INTO(COUNT, V, verbose)},
    {"quiet", 'q', NULL, "output", "say nothing about missing services", CLI_INTO(FLAG, V, quiet)},
    {NULL},
};

const struct cli_command cmd_run = {
    .name = "run",
    .group = "Run",
    .summary = "run a Windows program",
    .usage = "[options] [--] PROGRAM [ARGS...]",
    .description =
        "Runs a Windows console program for x86-64 or i386. PROGRAM is a file, or the name of a "
        "program of the guest root such as cmd.exe. Its standard input, output and error are "
        "yours, "
        "byte for byte, and its exit status is the command's.\n\n"
        "The guest sees its DLLs and the directory of the program read-only, the current directory "
        "as C:\\work with changes kept aside, and nothing else of the host.\n\n"
        "Exit status: the guest's own; 124 when a limit was reached, 125 when Peregrine failed or "
        "was called wrongly, 126 when the program cannot be run.",
    .examples = "peregrine run cmd.exe /c ver\tA program of the root.\n"
                "peregrine run --rw . -- ./tool.exe in.txt out.txt\tLet it write here.\n"
                "peregrine run --timeout 10s --explain ./sample.exe\tSee what it was refused.\n",
    .options = options,
    .defaults = &defaults,
    .values_size = sizeof(struct run_values),
    .min_operands = 1,
    .max_operands = -1,
    .stop_at_operand = true,
    .usage_status = STATUS_OURS,
    .run = run,
};
