/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef WATCH_FIXTURE_H
#define WATCH_FIXTURE_H
/* What tests of cpu_watch() share: watching, and what is expected to be told. */
#include "cpu_fixture.h"

enum { KINDS = CPU_WATCH_CPUID + 1, BASE_HOOKS = 8 };

static inline void watch(struct guest *g, enum cpu_watch_kind kind, uint64_t first, uint64_t last)
{
    const struct cpu_watch w = {kind, first, last};
    assert_int_equal(cpu_watch(g->cpu, &w, 1), PGR_OK);
}

/* Kinds as bits, everywhere. */
static inline void watch_all(struct guest *g, unsigned kinds)
{
    struct cpu_watch w[KINDS];
    size_t n = 0;
    for (int i = 0; i < KINDS; i++)
        if (kinds & 1u << i)
            w[n++] = (struct cpu_watch){(enum cpu_watch_kind)i, 0, UINT64_MAX};
    assert_int_equal(cpu_watch(g->cpu, w, n), PGR_OK);
}

enum {
    ON_CODE = 1 << CPU_WATCH_CODE,
    ON_BLOCK = 1 << CPU_WATCH_BLOCK,
    ON_READ = 1 << CPU_WATCH_READ,
    ON_WRITE = 1 << CPU_WATCH_WRITE,
    ON_READ_AFTER = 1 << CPU_WATCH_READ_AFTER,
    ON_CPUID = 1 << CPU_WATCH_CPUID,
    ON_MEMORY = ON_READ | ON_WRITE | ON_READ_AFTER,
};

static inline void open_guest(struct guest *g, struct guest_options o)
{
    guest_needs(CPU_CAP_OBSERVE);
    guest_open_with(g, o);
}

static inline void assert_sights(const struct guest *g, const struct cpu_sight *e, size_t n)
{
    for (size_t i = 0; i < n && i < g->sight_count; i++) {
        const struct cpu_sight *s = &g->sights[i];
        if (s->kind != e[i].kind || s->ip != e[i].ip || s->address != e[i].address ||
            s->size != e[i].size || s->value != e[i].value)
            fail_msg("sight %zu: kind %d size %u ip %#lx address %#lx value %#lx", i, s->kind,
                     s->size, (long)s->ip, (long)s->address, (long)s->value);
    }
    assert_int_equal(g->sight_count, n);
}
#define ASSERT_SIGHTS(g, ...)                                                                      \
    do {                                                                                           \
        const struct cpu_sight expect[] = {__VA_ARGS__};                                           \
        assert_sights((g), expect, ARRAY_LEN(expect));                                             \
    } while (0)

/* Offsets from the beginning of the code. */
#define CODE(at, length)                                                                           \
    {                                                                                              \
        CPU_WATCH_CODE, (length), CODE_AT + (at), CODE_AT + (at), 0                                \
    }
#define BLOCK(at, length)                                                                          \
    {                                                                                              \
        CPU_WATCH_BLOCK, (length), CODE_AT + (at), CODE_AT + (at), 0                               \
    }
#define CPUID(at)                                                                                  \
    {                                                                                              \
        CPU_WATCH_CPUID, 2, CODE_AT + (at), CODE_AT + (at), 0                                      \
    }
#define READ(at, where, bytes)                                                                     \
    {                                                                                              \
        CPU_WATCH_READ, (bytes), CODE_AT + (at), (where), 0                                        \
    }
#define READ_AFTER(at, where, bytes, val)                                                          \
    {                                                                                              \
        CPU_WATCH_READ_AFTER, (bytes), CODE_AT + (at), (where), (val)                              \
    }
#define WRITE(at, where, bytes, val)                                                               \
    {                                                                                              \
        CPU_WATCH_WRITE, (bytes), CODE_AT + (at), (where), (val)                                   \
    }

#define STACK (STACK_AT + AREA - 0x100)

static inline void run_to_service(struct guest *g, uint64_t length)
{
    guest_run(g);
    assert_exit(g, CPU_EXIT_SERVICE, CODE_AT + length);
}
#define RUN(g, code) (guest_code((g), code), run_to_service((g), (uint64_t)(code##_end - code)))
#endif
