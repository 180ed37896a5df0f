/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CPU_FIXTURE_H
#define CPU_FIXTURE_H
/*
 * A guest of a few pages for the engine tests: code, data and stack in a real address space, and a
 * handler that writes down the exits and does what the test says.
 */
#include "cpu/engine.h"
#include "mem/space.h"
#include "base/bits.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

/* Guest code, assembled with the test: GUEST_CODE(name, "mov eax, 1; ret") in Intel syntax. */
#define GUEST_BITS(bits, name, text)                                                               \
    extern const uint8_t name[], name##_end[] __attribute__((unused));                             \
    __asm__(".pushsection .rodata\n.intel_syntax noprefix\n.code" #bits "\n" #name ":\n" text      \
            "\n" #name "_end:\n.code64\n.att_syntax\n.popsection\n")
#define GUEST_CODE(name, text)   GUEST_BITS(64, name, text)
#define GUEST_CODE32(name, text) GUEST_BITS(32, name, text)

enum {
    CODE_AT = 0x400000,
    DATA_AT = 0x500000,
    STACK_AT = 0x600000,
    GATE_AT = 0x700000,
    AREA = 0x10000,
    RAM_LIMIT_GIB = 4,
    MAX_EXITS = 64,
    MAX_SIGHTS = 256
};

struct guest;
typedef bool guest_fn(struct guest *g, struct x86_state *st, const struct cpu_exit *exit);
typedef enum cpu_sight_answer guest_sight_fn(struct guest *g, struct x86_state *st,
                                             const struct cpu_sight *sight);

struct guest {
    struct mem_ram *ram;
    struct mem_space *mem;
    struct cpu_engine *cpu;
    struct x86_state st;
    struct cpu_exit exit; /* of cpu_run */
    guest_fn *handler;    /* NULL: every exit ends the run */
    void *arg;
    guest_sight_fn *watcher; /* NULL: the guest goes on */
    size_t sight_count;
    struct cpu_sight sights[MAX_SIGHTS];
    size_t count; /* of exits seen by the handler */
    struct {
        struct cpu_exit exit;
        uint64_t rip, rflags, rax;
    } seen[MAX_EXITS];
};

static inline bool guest_on_exit(void *ctx, struct x86_state *st, const struct cpu_exit *exit)
{
    struct guest *g = ctx;
    if (g->count < MAX_EXITS) {
        g->seen[g->count].exit = *exit;
        g->seen[g->count].rip = st->rip;
        g->seen[g->count].rflags = st->rflags;
        g->seen[g->count].rax = st->gpr[X86_RAX];
    }
    g->count++;
    return g->handler && g->handler(g, st, exit);
}

static inline void guest_alloc(struct guest *g, uint64_t at, uint64_t size, uint32_t protect)
{
    uint64_t base = at, len = size;
    assert_int_equal(mem_reserve(g->mem, &base, &len, protect, true, NULL), STATUS_SUCCESS);
    assert_int_equal(base, at);
}

static inline void guest_protect(struct guest *g, uint64_t at, uint64_t size, uint32_t protect)
{
    uint32_t old;
    assert_int_equal(mem_protect(g->mem, &at, &size, protect, &old), STATUS_SUCCESS);
}

static inline void guest_poke(struct guest *g, uint64_t at, const void *data, size_t len)
{
    assert_int_equal(mem_poke(g->mem, at, data, len), STATUS_SUCCESS);
}

static inline uint64_t guest_peek64(struct guest *g, uint64_t at)
{
    uint64_t v = 0;
    assert_true(mem_peek(g->mem, at, &v, sizeof v));
    return v;
}

/* The engine under test: PGR_TEST_ENGINE, or Unicorn. Ends the program as skipped where the host
 * cannot carry it. */
static inline const struct cpu_engine_ops *guest_engine(void)
{
    enum { SKIPPED = 77 };
    const char *name = getenv("PGR_TEST_ENGINE");
    struct pgr_error e = {0};
    if (!name)
        return &cpu_unicorn;
    for (size_t i = 0; cpu_engines[i]; i++) {
        if (strcmp(cpu_engines[i]->name, name) != 0)
            continue;
        if (cpu_engines[i]->probe && cpu_engines[i]->probe(&e) != PGR_OK) {
            fprintf(stderr, "skipped: %s\n", e.text);
            exit(SKIPPED);
        }
        return cpu_engines[i];
    }
    fprintf(stderr, "no engine is called %s\n", name);
    exit(1);
}

static inline bool guest_engine_can(unsigned caps)
{
    return (guest_engine()->caps & caps) == caps;
}

/* Skips the test on engines without these. */
static inline void guest_needs(unsigned caps)
{
    if (!guest_engine_can(caps))
        skip();
}

struct guest_options {
    unsigned ptr_size; /* 0: 8 */
    bool count_instructions, count_blocks, gates;
    unsigned gate_size; /* 0: 0x100 */
};

static inline enum cpu_sight_answer guest_on_sight(void *ctx, struct x86_state *st,
                                                   const struct cpu_sight *sight)
{
    struct guest *g = ctx;
    if (g->sight_count < MAX_SIGHTS)
        g->sights[g->sight_count] = *sight;
    g->sight_count++;
    return g->watcher ? g->watcher(g, st, sight) : CPU_SIGHT_GO_ON;
}

static inline void guest_open_with(struct guest *g, struct guest_options o)
{
    struct pgr_error e = {0};
    unsigned ptr_size = o.ptr_size ? o.ptr_size : 8, gate_size = o.gate_size ? o.gate_size : 0x100;
    struct mem_config mc = {NULL, 0x10000, ptr_size == 4 ? 0x7ffeffff : 0x7ffffffeffff, ptr_size};
    struct cpu_config cc = {.on_exit = guest_on_exit,
                            .xfeatures = cpu_host_xfeatures(),
                            .ctx = g,
                            .count_instructions = o.count_instructions,
                            .count_blocks = o.count_blocks,
                            .on_sight = guest_on_sight,
                            .gate_base = o.gates ? GATE_AT : 0,
                            .gate_size = o.gates ? gate_size : 0};

    memset(g, 0, sizeof *g);
    assert_int_equal(mem_ram_create(&g->ram, (uint64_t)RAM_LIMIT_GIB << 30, &e), PGR_OK);
    mc.ram = g->ram;
    assert_int_equal(mem_create(&mc, &g->mem, &e), PGR_OK);
    cc.mem = g->mem;
    pgr_status status = cpu_create(guest_engine(), &cc, &g->cpu, &e);
    if (status == PGR_E_UNSUPPORTED) { /* for this bitness; the probe has found nothing */
        mem_destroy(g->mem);
        mem_ram_destroy(g->ram);
        print_message("skipped: %s\n", e.text);
        skip();
    }
    if (status != PGR_OK)
        fail_msg("%s", e.text);
    guest_alloc(g, CODE_AT, AREA, PAGE_EXECUTE_READ);
    guest_alloc(g, DATA_AT, AREA, PAGE_READWRITE);
    guest_alloc(g, STACK_AT, AREA, PAGE_READWRITE);
    if (o.gates)
        guest_alloc(g, GATE_AT, 0x1000, PAGE_EXECUTE_READ);
    x86_state_init(&g->st, ptr_size);
    g->st.gpr[X86_RSP] = STACK_AT + AREA - 0x100;
}

static inline void guest_open(struct guest *g)
{
    guest_open_with(g, (struct guest_options){0});
}

static inline void guest_close(struct guest *g)
{
    cpu_destroy(g->cpu);
    mem_destroy(g->mem);
    mem_ram_destroy(g->ram);
}

#define guest_code(g, name) guest_code_at(g, CODE_AT, name, (size_t)(name##_end - name))
static inline void guest_code_at(struct guest *g, uint64_t at, const uint8_t *code, size_t len)
{
    guest_poke(g, at, code, len);
    g->st.rip = at;
}

static inline void guest_run(struct guest *g)
{
    cpu_run(g->cpu, &g->st, 0, &g->exit);
}

/* Whatever slices say: on a busy host they may be over before they begin. Not for guests that loop.
 */
static inline void guest_run_to_exit(struct guest *g)
{
    int patience = guest_engine() == &cpu_unicorn ? 1 : 1000;
    do
        guest_run(g);
    while (g->exit.kind == CPU_EXIT_SLICE && --patience);
}

static inline void assert_exit(const struct guest *g, enum cpu_exit_kind kind, uint64_t rip)
{
    if (g->exit.kind == CPU_EXIT_FAILURE)
        print_message("%s\n", g->exit.message);
    if (g->exit.kind != kind || g->st.rip != rip)
        print_message("kind %d vector %d address %#lx rip %#lx\n", g->exit.kind, g->exit.vector,
                      (unsigned long)g->exit.address, (unsigned long)g->st.rip);
    assert_int_equal(g->exit.kind, kind);
    assert_int_equal(g->st.rip, rip);
}

static inline void assert_exception(const struct guest *g, unsigned vector, uint64_t rip)
{
    assert_exit(g, CPU_EXIT_EXCEPTION, rip);
    assert_int_equal(g->exit.vector, vector);
}

static inline void assert_fault(const struct guest *g, uint64_t address, enum cpu_access access,
                                uint64_t rip)
{
    assert_exit(g, CPU_EXIT_FAULT, rip);
    assert_int_equal(g->exit.address, address);
    assert_int_equal(g->exit.access, access);
}
#endif
