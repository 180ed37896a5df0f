// SPDX-License-Identifier: GPL-2.0-or-later
// Hooks of the public interface around the calls of hooked.c: test_hook ENGINE PROGRAM [ROOT]
#include <math.h>
#include <peregrine/hook.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { SKIPPED = 77, TEXT = 4096 };

static struct {
    struct pgr_machine *m;
    char log[TEXT], output[TEXT];
    unsigned failed, checks, ticks, inner, sorts;
    uint32_t once;
} T;

#define CHECK(what)                                                                                \
    do {                                                                                           \
        T.checks++;                                                                                \
        if (!(what)) {                                                                             \
            T.failed++;                                                                            \
            printf("%s:%d: not so: %s\n", __FILE__, __LINE__, #what);                              \
        }                                                                                          \
    } while (0)

static void note(const char *text)
{
    strncat(T.log, text, sizeof T.log - strlen(T.log) - 1);
}

/* ---- Handlers
 * ------------------------------------------------------------------------------------------- */

static void sees_name(struct pgr_call *c, void *ctx)
{
    char *name = pgr_call_text(c, pgr_call_arg(c, 3), false, 100), where[128];
    CHECK(name && !strcmp(name, "some name"));
    CHECK(pgr_call_arg_index(c, "bManualReset") == 1 && pgr_call_arg_count(c) == 4);
    CHECK(!strcmp(pgr_call_module(c), "kernel32.dll") && pgr_call_depth(c) == 0);
    CHECK(pgr_symbol_name(pgr_call_machine(c), pgr_call_caller(c), where, sizeof where));
    CHECK(!strncmp(where, "hooked-", 7));
    free(name);
    note("name ");
}

static void other_year(struct pgr_call *c, void *ctx)
{
    uint16_t year = 1999;
    CHECK(!pgr_machine_write(T.m, pgr_call_arg(c, 0), &year, sizeof year, NULL));
}

static bool debugged(struct pgr_call *c, void *ctx)
{
    note("answer ");
    pgr_call_set_result(c, 7);
    return true;
}

static bool not_asked(struct pgr_call *c, void *ctx)
{
    note("WRONG ");
    return false;
}

static void after_answer(struct pgr_call *c, void *ctx)
{
    CHECK(pgr_call_result(c) == 7);
    note("after ");
    pgr_call_set_result(c, 8);
}

static bool given(struct pgr_call *c, void *ctx)
{
    char *name = pgr_call_text(c, pgr_call_arg(c, 0), false, 100);
    bool ours = name && !strcmp(name, "HOOKED");
    free(name);
    if (!ours)
        return false;
    CHECK(!pgr_machine_write(T.m, pgr_call_arg(c, 1), "value", 6, NULL));
    pgr_call_set_result(c, 5);
    pgr_call_set_last_error(c, 42);
    return true;
}

static void counts_tick(struct pgr_call *c, void *ctx)
{
    T.ticks++;
    T.inner += pgr_call_depth(c) > 0;
}

static void begins_sort(struct pgr_call *c, void *ctx)
{
    T.sorts++;
}

static void ends_sort(struct pgr_call *c, void *ctx)
{
    CHECK(pgr_call_arg(c, 1) == 3);
    T.sorts += 10;
}

/* MulDiv(6, 7, 2): becomes MulDiv(6, 7, 3), and the result that of guest functions, plus one. */
static void other_divisor(struct pgr_call *c, void *ctx)
{
    pgr_call_set_arg(c, 2, 3);
}

static uint64_t guest(struct pgr_call *c, const char *name, const uint64_t *args, unsigned n)
{
    struct pgr_guest_call call = {.args = args, .count = n};
    CHECK(!pgr_symbol_address(T.m, name, &call.address, NULL));
    CHECK(!pgr_call_guest(c, &call, NULL));
    return (uint32_t)call.result;
}

static void lists_modules(struct pgr_call *c)
{
    struct pgr_module *list, *program = NULL;
    struct pgr_export *exports;
    size_t n, names, found = 0;
    CHECK(!pgr_module_list(T.m, &list, &n, NULL) && n >= 4);
    for (size_t i = 0; i < n; i++) {
        CHECK(!i || list[i].base >= list[i - 1].base + list[i - 1].size);
        CHECK(list[i].system == !strncmp(list[i].path, "C:\\windows\\", 11));
        if (!strncmp(list[i].name, "hooked-", 7))
            program = &list[i];
    }
    CHECK(program && !program->system && program->exports == 1 && program->entry > program->base);
    CHECK(program && pgr_call_caller(c) - program->base < program->size);
    CHECK(!pgr_export_list(T.m, program ? program->base + 1 : 0, &exports, &names, NULL));
    for (size_t i = 0; i < names; i++) {
        uint64_t at;
        found += exports[i].name && !strcmp(exports[i].name, "doubled");
        CHECK(!pgr_symbol_address(T.m, "doubled", &at, NULL) && at == exports[i].address);
    }
    CHECK(names == 1 && found == 1);
    CHECK(pgr_export_list(T.m, 16, &exports, &names, NULL) == PGR_E_NOT_FOUND);
    free(exports);
    free(list);
}

static void lists_threads(struct pgr_call *c)
{
    struct pgr_thread *list;
    size_t n;
    CHECK(!pgr_thread_list(T.m, &list, &n, NULL) && n == 1);
    CHECK(n && list->id == pgr_call_thread(c) && list->state == PGR_THREAD_RUNNING);
    CHECK(n && list->stack_low < list->stack_high && list->teb && !list->waits_for);
    free(list);
}

static void calls_back(struct pgr_call *c, void *ctx)
{
    const uint64_t args[] = {pgr_call_result(c)}, three[] = {10, 10, 5};
    CHECK(pgr_call_result(c) == 14 && pgr_call_arg(c, 2) == 3);
    CHECK(guest(c, "doubled", args, 1) == 28);
    CHECK(guest(c, "kernel32!MulDiv", three, 3) == 20);
    CHECK(pgr_call_result(c) == 14);
    lists_modules(c);
    lists_threads(c);
    pgr_call_set_result(c, 21);
}

static void power(struct pgr_call *c, void *ctx)
{
    double x, y, z = 2.5;
    uint64_t bits = pgr_call_arg(c, 0);
    memcpy(&x, &bits, sizeof x);
    bits = pgr_call_arg(c, 1);
    memcpy(&y, &bits, sizeof y);
    CHECK(x == 2.0 && y == 0.5);
    bits = pgr_call_result(c);
    memcpy(&x, &bits, sizeof x);
    CHECK(fabs(x - sqrt(2.0)) < 1e-9);
    memcpy(&bits, &z, sizeof bits);
    pgr_call_set_result(c, bits);
}

static bool closes(struct pgr_call *c, void *ctx)
{
    CHECK(!strcmp(pgr_call_module(c), "nt") && !strcmp(pgr_call_function(c), "NtClose"));
    if (pgr_call_arg(c, 0) != 0x1234)
        return false;
    pgr_call_set_result(c, 0xc0ffee00);
    return true;
}

static void first_time(struct pgr_call *c, void *ctx)
{
    note("first ");
    CHECK(!pgr_unhook_call(T.m, T.once, NULL));
    CHECK(pgr_unhook_call(T.m, T.once, NULL) == PGR_E_NOT_FOUND);
}

/* Comes late: the program has imported the function long ago. */
static bool answers_atoi(struct pgr_call *c, void *ctx)
{
    pgr_call_set_result(c, 50);
    return true;
}

static void hooks_late(struct pgr_call *c, void *ctx)
{
    CHECK(!pgr_hook_call(
        T.m, &(struct pgr_call_hook){.function = "msvcrt!atoi", .call = answers_atoi}, NULL, NULL));
}

/* ---- The run
 * ---------------------------------------------------------------------------------------------- */

static void hook(struct pgr_call_hook h)
{
    struct pgr_error e;
    T.checks++;
    if (pgr_hook_call(T.m, &h, NULL, &e)) {
        T.failed++;
        printf("%s: %s\n", h.function, e.text);
    }
}

static void hook_all(void)
{
    struct pgr_error e;
    hook((struct pgr_call_hook){.function = "kernel32!CreateEvent?", .enter = sees_name});
    hook((struct pgr_call_hook){.function = "*!GetSystemTime", .exit = other_year});
    hook((struct pgr_call_hook){
        .function = "IsDebuggerPresent", .call = not_asked, .exit = after_answer, .order = 2});
    hook((struct pgr_call_hook){.function = "IsDebuggerPresent", .call = debugged, .order = 1});
    hook((struct pgr_call_hook){.function = "KERNEL32!GetEnvironmentVariableA", .call = given});
    hook((struct pgr_call_hook){.function = "kernel32!GetTickCount", .enter = counts_tick});
    hook((struct pgr_call_hook){.function = "qsort", .enter = begins_sort, .exit = ends_sort});
    hook((struct pgr_call_hook){
        .function = "kernel32!MulDiv", .enter = other_divisor, .exit = calls_back});
    hook((struct pgr_call_hook){.function = "msvcrt!pow", .exit = power});
    hook((struct pgr_call_hook){.function = "nt!NtClose", .call = closes});
    hook((struct pgr_call_hook){.function = "CloseHandle", .enter = hooks_late});
    hook((struct pgr_call_hook){.function = "kernel32!GetModuleHandle*", .enter = hooks_late});
    CHECK(!pgr_hook_call(T.m, &(struct pgr_call_hook){.function = "printf", .enter = first_time},
                         &T.once, NULL));
    CHECK(pgr_hook_call(T.m, &(struct pgr_call_hook){.function = "x!y"}, NULL, &e) ==
          PGR_E_ARGUMENT);
    CHECK(pgr_hook_call(T.m, &(struct pgr_call_hook){.function = "nt!NtClos", .enter = power}, NULL,
                        &e) == PGR_E_ARGUMENT);
    CHECK(strstr(e.text, "NtClose"));
}

static int run(const char *engine, const char *program, const char *root)
{
    struct pgr_config config = {.engine = engine, .root = root, .intercept = true, .seed = 1};
    struct pgr_error e;
    struct pgr_exit why = {0};
    int out[2];
    pgr_status s = pipe(out) ? PGR_E_IO : pgr_machine_create(&config, &T.m, &e);
    if (s) {
        printf("skipped: %s\n", s == PGR_E_IO ? "no pipe" : e.text);
        return SKIPPED;
    }
    hook_all();
    struct pgr_thread *none;
    size_t none_count;
    CHECK(pgr_thread_list(T.m, &none, &none_count, &e) == PGR_E_STATE);
    struct pgr_program p = {.path = program, .std_fd = {-1, out[1], 2}};
    s = pgr_machine_load(T.m, &p, &e);
    if (s == PGR_E_ENGINE) {
        printf("skipped: %s\n", e.text);
        return SKIPPED;
    }
    if (!s)
        s = pgr_machine_run(T.m, &(struct pgr_limits){.timeout_ns = 60000000000}, &why, &e);
    close(out[1]);
    ssize_t n = read(out[0], T.output, sizeof T.output - 1);
    T.output[n > 0 ? n : 0] = 0;
    if (s)
        printf("%s\n", e.text);
    CHECK(!s && why.kind == PGR_EXIT_PROCESS && why.code == 0);
    pgr_machine_destroy(T.m);
    return 0;
}

static void expect(const char *line)
{
    T.checks++;
    if (strstr(T.output, line))
        return;
    T.failed++;
    printf("not in the output: %s\n", line);
}

int main(int argc, char **argv)
{
    if (argc < 3)
        return 2;
    int skipped = run(argv[1], argv[2], argc > 3 ? argv[3] : NULL);
    if (skipped)
        return skipped;
    expect("year 1999\r\n");
    expect("debugger 8\r\n");
    expect("environment 5 'value' error 42\r\n");
    expect("sorted 1 2 3\r\n");
    expect("muldiv 21\r\n");
    expect("power 2.500\r\n");
    expect("close c0ffee00\r\n");
    expect("last 100\r\n");
    CHECK(T.ticks && T.inner == T.ticks && T.sorts == 11);
    CHECK(!strcmp(T.log, "name first answer after "));
    printf("%u checks, %u failed\n", T.checks, T.failed);
    if (T.failed)
        printf("log: %s\noutput:\n%s", T.log, T.output);
    return T.failed != 0;
}
