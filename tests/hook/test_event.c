// SPDX-License-Identifier: GPL-2.0-or-later
// Hooks of every kind of peregrine/event.h around what occurs.c does: test_event ENGINE PROGRAM
// [ROOT]
#include <peregrine/event.h>
#include <peregrine/hook.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    SKIPPED = 77,
    TEXT = 8192,
    PORT_DATA = 0x81,
    PORT_CODE = 0x82,
    PORT_CHANGED = 0x83,
    PORT_ANSWERED = 0x84
};
enum { PORT_SHARED = 0x85, SHARED_CALLS = 2000 };

static struct {
    struct pgr_machine *m;
    char log[TEXT], output[TEXT];
    unsigned failed, checks, blocks, fetched, counted, shared, half;
    uint32_t code_hook, shared_hook;
    bool instrument;
} T;

#define CHECK(what)                                                                                \
    do {                                                                                           \
        T.checks++;                                                                                \
        if (!(what)) {                                                                             \
            T.failed++;                                                                            \
            printf("%s:%d: not so: %s\n", __FILE__, __LINE__, #what);                              \
        }                                                                                          \
    } while (0)

static __attribute__((format(printf, 1, 2))) void note(const char *format, ...)
{
    size_t at = strlen(T.log);
    va_list ap;
    va_start(ap, format);
    vsnprintf(T.log + at, sizeof T.log - at, format, ap);
    va_end(ap);
}

static uint64_t reg(const struct pgr_event *e, const char *name)
{
    uint64_t v = 0;
    CHECK(!pgr_machine_get_register(T.m, e->thread, name, &v, NULL));
    return v;
}

static void set(const struct pgr_event *e, const char *name, uint64_t v)
{
    CHECK(!pgr_machine_set_register(T.m, e->thread, name, v, NULL));
}

static uint32_t hook(enum pgr_hook_kind kind, uint64_t first, uint64_t last, pgr_event_fn *handler)
{
    struct pgr_error e;
    uint32_t id = 0;
    struct pgr_hook h = {.kind = kind, .first = first, .last = last, .handler = handler};
    if (pgr_hook(T.m, &h, &id, &e)) {
        T.failed++;
        printf("%s: %s\n", pgr_hook_kind_name(kind), e.text);
    }
    return id;
}

/* ---- Faults
 * -----------------------------------------------------------------------------------------------
 */

static bool maps(struct pgr_machine *m, struct pgr_event *e, void *ctx)
{
    uint32_t v = 42;
    struct pgr_error err;
    note("%s %llx %u\n", pgr_hook_kind_name(e->kind), (unsigned long long)e->address, e->access);
    CHECK(!pgr_machine_map(m, e->address, 4, PGR_RW, &err));
    CHECK(!pgr_machine_write(m, e->address, &v, 4, NULL));
    CHECK(pgr_machine_map(m, e->address, 4, PGR_RW, &err) == PGR_E_ARGUMENT);
    return true;
}

static bool permits(struct pgr_machine *m, struct pgr_event *e, void *ctx)
{
    note("%s\n", pgr_hook_kind_name(e->kind));
    CHECK(!pgr_machine_protect(m, e->address, 1, PGR_RW, NULL));
    return true;
}

static bool guarded(struct pgr_machine *m, struct pgr_event *e, void *ctx)
{
    note("guard %x\n", e->code);
    return true;
}

/* Nothing is mapped: the register that the address came from is another one. */
static bool elsewhere(struct pgr_machine *m, struct pgr_event *e, void *ctx)
{
    CHECK(reg(e, "rax") == e->address);
    set(e, "rax", 0x23000000);
    note("elsewhere\n");
    return true;
}

/* ---- Instructions
 * ------------------------------------------------------------------------------------------- */

static bool port_in(struct pgr_machine *m, struct pgr_event *e, void *ctx)
{
    note("in %x %u %u\n", e->code, e->width, (unsigned)e->size);
    set(e, "rax", 0x42);
    return true;
}

static bool code_seen(struct pgr_machine *m, struct pgr_event *e, void *ctx)
{
    uint32_t eleven = 11;
    uint8_t byte = 0xcc;
    CHECK(e->ip == e->address && e->size && reg(e, "rip") == e->ip && e->size <= 15);
    T.counted++;
    CHECK(!pgr_machine_read(m, e->ip, &byte, 1, NULL) && byte != 0xcc);
    if (T.counted == 2 && pgr_machine_pointer_size(m) == 8) /* counted(1) becomes counted(11) */
        set(e, "rcx", 11);
    else if (T.counted == 2)
        CHECK(!pgr_machine_write(m, reg(e, "esp") + 4, &eleven, 4, NULL));
    if (T.counted == 3)
        CHECK(!pgr_unhook(m, T.code_hook, NULL));
    return false;
}

static bool shared_seen(struct pgr_machine *m, struct pgr_event *e, void *ctx)
{
    T.shared++;
    return false;
}

/* It goes while other threads are at it: they go on as if it had never been there. */
static bool half_seen(struct pgr_machine *m, struct pgr_event *e, void *ctx)
{
    if (++T.half == SHARED_CALLS / 2)
        CHECK(!pgr_unhook(m, T.shared_hook, NULL));
    return false;
}

static bool data_seen(struct pgr_machine *m, struct pgr_event *e, void *ctx)
{
    note("%s +%u %u %llx\n", pgr_hook_kind_name(e->kind), (unsigned)(e->address & 0xfff) & 31,
         (unsigned)e->size, (unsigned long long)(e->kind == PGR_HOOK_READ ? 0 : e->value));
    return false;
}

/* changed(2) calls itself: each call and each return is seen. */
static void changed_enters(struct pgr_call *c, void *ctx)
{
    note("changed(%u) depth %u\n", (unsigned)pgr_call_arg(c, 0), pgr_call_depth(c));
}

static void changed_leaves(struct pgr_call *c, void *ctx)
{
    pgr_call_set_result(c, pgr_call_result(c) + 10);
}

static bool answers(struct pgr_call *c, void *ctx)
{
    struct pgr_guest_call call = {.args = (uint64_t[]){0}, .count = 1};
    if (pgr_call_arg(c, 0) == 1)
        return false;
    CHECK(!strncmp(pgr_call_module(c), "occurs", 6) && !strncmp(pgr_call_function(c), "+0x", 3));
    CHECK(!pgr_symbol_address(T.m, "kernel32!GetTickCount", &call.address, NULL));
    CHECK(!pgr_call_guest(c, &call, NULL)); /* the guest runs in the middle */
    pgr_call_set_result(c, 70 + pgr_call_arg(c, 0));
    return true;
}

static void hook_address(uint64_t at, struct pgr_call_hook hook)
{
    char name[32];
    struct pgr_error e;
    snprintf(name, sizeof name, "0x%llx", (unsigned long long)at);
    hook.function = name;
    CHECK(!pgr_hook_call(T.m, &hook, NULL, &e));
}

static bool port_out(struct pgr_machine *m, struct pgr_event *e, void *ctx)
{
    uint64_t at = reg(e, "rax");
    if (e->code == PORT_DATA) {
        hook(PGR_HOOK_READ, at + 4, at + 11, data_seen);
        hook(PGR_HOOK_WRITE, at + 4, at + 11, data_seen);
        hook(PGR_HOOK_READ_AFTER, at + 8, at + 11, data_seen);
    } else if (e->code == PORT_CODE) {
        T.code_hook = hook(PGR_HOOK_CODE, at, at, code_seen);
    } else if (e->code == PORT_SHARED) {
        if (T.shared_hook)
            CHECK(!pgr_unhook(m, T.shared_hook, NULL));
        T.shared_hook = hook(PGR_HOOK_CODE, at, at, T.shared ? half_seen : shared_seen);
    } else if (e->code == PORT_CHANGED) {
        hook_address(at, (struct pgr_call_hook){.enter = changed_enters, .exit = changed_leaves});
    } else if (e->code == PORT_ANSWERED) {
        hook_address(at, (struct pgr_call_hook){.call = answers});
    } else {
        note("out %x %u %llx\n", e->code, e->width, (unsigned long long)e->value);
    }
    return true;
}

static bool invalid(struct pgr_machine *m, struct pgr_event *e, void *ctx)
{
    note("invalid\n");
    set(e, "rip", e->ip + 2);
    set(e, "rax", 0x77);
    return true;
}

static bool interrupt(struct pgr_machine *m, struct pgr_event *e, void *ctx)
{
    note("interrupt %x %u\n", e->code, (unsigned)e->size);
    set(e, "rax", 0x50);
    return true;
}

static bool exception(struct pgr_machine *m, struct pgr_event *e, void *ctx)
{
    note("exception %x\n", e->code);
    if (e->code != 0xc0000094)
        return false;
    set(e, "rip", e->ip + 2);
    set(e, "rax", 0xd1);
    return true;
}

static bool closes(struct pgr_machine *m, struct pgr_event *e, void *ctx)
{
    bool wide = pgr_machine_pointer_size(m) == 8;
    uint32_t handle = (uint32_t)reg(e, "r10");
    if (!e->name || strcmp(e->name, "NtClose"))
        return false;
    if (!wide)
        pgr_machine_read(m, reg(e, "esp") + 8, &handle, 4, NULL);
    if (handle != 0x1234)
        return false;
    note("close %s\n", pgr_hook_kind_name(e->kind));
    set(e, "rax", 0xc0ffee);
    return e->kind == PGR_HOOK_SERVICE;
}

static bool time_stamp(struct pgr_machine *m, struct pgr_event *e, void *ctx)
{
    set(e, "rax", 0xabc);
    set(e, "rdx", 1);
    return true;
}

static bool cpuid(struct pgr_machine *m, struct pgr_event *e, void *ctx)
{
    if (reg(e, "rax") != 0x40000000)
        return false;
    note("cpuid\n");
    set(e, "rbx", 0x626f);
    return true;
}

static bool block(struct pgr_machine *m, struct pgr_event *e, void *ctx)
{
    T.blocks++;
    return false;
}

static bool fetched(struct pgr_machine *m, struct pgr_event *e, void *ctx)
{
    T.fetched++;
    return false;
}

/* ---- The kernel's
 * ------------------------------------------------------------------------------------------- */

static bool module(struct pgr_machine *m, struct pgr_event *e, void *ctx)
{
    bool version = e->name && !strcmp(e->name, "version.dll");
    if (version)
        note("%s %s\n", pgr_hook_kind_name(e->kind), e->path);
    if (e->kind == PGR_HOOK_MODULE_LOAD && !strncmp(e->name, "occurs", 6) && T.instrument) {
        uint32_t id = hook(PGR_HOOK_FETCH, e->address, e->address + e->size - 1, fetched);
        CHECK(id);
    }
    CHECK(e->size >= 0x1000);
    return false;
}

static bool thread(struct pgr_machine *m, struct pgr_event *e, void *ctx)
{
    if (e->kind == PGR_HOOK_THREAD_END && e->code == 9)
        note("thread ended with 9\n");
    return false;
}

static bool process(struct pgr_machine *m, struct pgr_event *e, void *ctx)
{
    note("%s %u\n", pgr_hook_kind_name(e->kind), e->code);
    return false;
}

/* ---- The whole
 * ---------------------------------------------------------------------------------------------- */

static bool never(struct pgr_machine *m, struct pgr_event *e, void *ctx)
{
    CHECK(false);
    return false;
}

static void hook_refused(void)
{
    struct pgr_hook bad = {.kind = PGR_HOOK_CODE, .first = 2, .last = 1, .handler = never};
    struct pgr_error e;
    CHECK(pgr_hook(T.m, &bad, NULL, &e) == PGR_E_ARGUMENT && strstr(e.text, "no range"));
    CHECK(pgr_hook(T.m, &(struct pgr_hook){.kind = PGR_HOOK_IN}, NULL, &e) == PGR_E_ARGUMENT);
    CHECK(pgr_hook(T.m, &(struct pgr_hook){.handler = never}, NULL, &e) == PGR_E_ARGUMENT);
    CHECK(pgr_unhook(T.m, 12345, &e) == PGR_E_NOT_FOUND);
    if (T.instrument)
        return;
    bad.last = 3;
    CHECK(pgr_hook(T.m, &bad, NULL, &e) == PGR_E_ENGINE && strstr(e.text, "unicorn"));
}

static void hook_all(void)
{
    hook(PGR_HOOK_READ_UNMAPPED, 0x23000000, 0x23000fff, maps);
    hook(PGR_HOOK_WRITE_UNMAPPED, 0x30000000, 0x3000ffff, maps);
    hook(PGR_HOOK_WRITE_PROTECTED, 0, 0, permits);
    hook(PGR_HOOK_READ_PROTECTED, 0, 0, guarded);
    hook(PGR_HOOK_READ_UNMAPPED, 0x50000000, 0x50000fff, elsewhere);
    hook(PGR_HOOK_FETCH_UNMAPPED, 0, 0, never);
    hook(PGR_HOOK_FETCH_PROTECTED, 0, 0, never);
    CHECK(!pgr_unhook(T.m, hook(PGR_HOOK_IN, 0, 0, never), NULL));
    hook(PGR_HOOK_IN, 0, 0, port_in);
    hook(PGR_HOOK_OUT, 0, 0, port_out);
    hook(PGR_HOOK_INVALID_INSTRUCTION, 0, 0, invalid);
    hook(PGR_HOOK_INTERRUPT, 0, 0, interrupt);
    hook(PGR_HOOK_EXCEPTION, 0, 0, exception);
    hook(PGR_HOOK_SYSCALL, 0, 0, closes);
    hook(PGR_HOOK_SERVICE, 0, 0, closes);
    hook(PGR_HOOK_MODULE_LOAD, 0, 0, module);
    hook(PGR_HOOK_MODULE_UNLOAD, 0, 0, module);
    hook(PGR_HOOK_THREAD_START, 0, 0, thread);
    hook(PGR_HOOK_THREAD_END, 0, 0, thread);
    hook(PGR_HOOK_PROCESS_START, 0, 0, process);
    hook(PGR_HOOK_PROCESS_END, 0, 0, process);
    if (!T.instrument)
        return;
    hook(PGR_HOOK_RDTSC, 0, 0, time_stamp);
    hook(PGR_HOOK_CPUID, 0, 0, cpuid);
    hook(PGR_HOOK_BLOCK, 0, 0, block);
}

static int run(const char *engine, const char *program, const char *root)
{
    T.instrument = !strcmp(engine, "unicorn");
    const char *const args[] = {T.instrument ? "more" : NULL, NULL};
    struct pgr_config config = {.engine = engine, .root = root, .intercept = true};
    struct pgr_error e;
    struct pgr_exit why = {0};
    int out[2];
    pgr_status s = pipe(out) ? PGR_E_IO : pgr_machine_create(&config, &T.m, &e);
    if (s) {
        printf("skipped: %s\n", s == PGR_E_IO ? "no pipe" : e.text);
        return SKIPPED;
    }
    hook_refused();
    hook_all();
    struct pgr_program p = {.path = program, .args = args, .std_fd = {-1, out[1], 2}};
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
    CHECK(!s && why.kind == PGR_EXIT_PROCESS && why.code == 3);
    pgr_machine_destroy(T.m);
    return 0;
}

static const char common_log[] = "process-start 0\n"
                                 "read-unmapped 23000000 1\n"
                                 "write-unmapped 30000000 2\n"
                                 "write-protected\n"
                                 "guard 80000001\n"
                                 "elsewhere\n"
                                 "in 60 1 2\n"
                                 "out 1234 1 55\n"
                                 "invalid\n"
                                 "interrupt 50 2\n"
                                 "exception c0000094\n"
                                 "close syscall\n"
                                 "close service\n";
static const char watched_log[] = "write +4 4 16\n"
                                  "read +8 4 0\n"
                                  "read-after +8 4 3\n"
                                  "write +8 4 21\n"
                                  "cpuid\n"
                                  "read +4 4 0\n"
                                  "read +8 4 0\n"
                                  "read-after +8 4 21\n";
static const char last_log[] = "changed(2) depth 0\n"
                               "changed(1) depth 1\n"
                               "changed(0) depth 2\n"
                               "thread ended with 9\n"
                               "module-load C:\\windows\\system32\\version.dll\n"
                               "module-unload C:\\windows\\system32\\version.dll\n"
                               "process-end 3\n";
static const char output[] = "read 42\r\nwrote 5 7\r\nguarded 7\r\nelsewhere 42\r\nin 42\r\n"
                             "ud2 77\r\nint 50\r\ndiv d1\r\nclose c0ffee\r\n";
static const char watched_output[] = "rdtsc abc 1\r\nwatched 22 33 626f\r\n";
static const char last_output[] = "counted 14\r\nby address 32 1 72 219\r\nin threads 2000\r\n"
                                  "in threads 2000\r\n"
                                  "end\r\n";

static void compare(const char *what, const char *have, const char *want)
{
    T.checks++;
    if (!strcmp(have, want))
        return;
    T.failed++;
    printf("%s is\n%s\ninstead of\n%s\n", what, have, want);
}

int main(int argc, char **argv)
{
    char want[TEXT];
    if (argc < 3)
        return 2;
    int skipped = run(argv[1], argv[2], argc > 3 ? argv[3] : NULL);
    if (skipped)
        return skipped;
    snprintf(want, sizeof want, "%s%s%s", common_log, T.instrument ? watched_log : "", last_log);
    compare("the log", T.log, want);
    snprintf(want, sizeof want, "%s%s%s", output, T.instrument ? watched_output : "", last_output);
    compare("the output", T.output, want);
    CHECK(T.shared == SHARED_CALLS && T.half == SHARED_CALLS / 2);
    CHECK(T.counted == 3 && (!T.instrument || (T.blocks > 1000 && T.fetched > 100)));
    printf("%u checks, %u failed\n", T.checks, T.failed);
    return T.failed != 0;
}
