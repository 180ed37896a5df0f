/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef MEM_FIXTURE_H
#define MEM_FIXTURE_H
/* An address space, and an observer that writes down what it is told. */
#include "test.h"
#include "mem/space.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define GIB           (1ull << 30)
#define HIGHEST       0x7ffffffeffffull
#define expect(st, x) assert_int_equal((uint32_t)(st), (uint32_t)(x))
#define ok(x)         expect(x, STATUS_SUCCESS)

struct told {
    uint64_t va, len;
};
struct mem_fixture {
    struct mem_ram *ram;
    struct mem_space *s;
    struct told invalid, code; /* the last ones */
    size_t invalids, codes;
};

static inline void note_invalid(void *ctx, uint64_t va, uint64_t len)
{
    struct mem_fixture *f = ctx;
    f->invalid = (struct told){va, len};
    f->invalids++;
}

static inline void note_code(void *ctx, uint64_t va, uint64_t len)
{
    struct mem_fixture *f = ctx;
    f->code = (struct told){va, len};
    f->codes++;
}

static inline struct mem_space *new_space(struct mem_ram *ram)
{
    struct mem_space *s;
    struct mem_config cfg = {.ram = ram, .lowest = 0x10000, .highest = HIGHEST, .ptr_size = 8};
    assert_int_equal(mem_create(&cfg, &s, NULL), PGR_OK);
    return s;
}

static inline int mem_setup(void **state)
{
    struct mem_fixture *f = xcalloc(1, sizeof *f);
    assert_int_equal(mem_ram_create(&f->ram, 64 * GIB, NULL), PGR_OK);
    f->s = new_space(f->ram);
    mem_observe(f->s, &(struct mem_observer){f, note_invalid, note_code});
    *state = f;
    return 0;
}

static inline int mem_teardown(void **state)
{
    struct mem_fixture *f = *state;
    mem_destroy(f->s);
    mem_ram_destroy(f->ram);
    free(f);
    return 0;
}

static inline uint64_t reserve(struct mem_fixture *f, uint64_t base, uint64_t size,
                               uint32_t protect, bool commit)
{
    ok(mem_reserve(f->s, &base, &size, protect, commit, NULL));
    return base;
}

static inline uint64_t map(struct mem_fixture *f, struct mem_object *o, uint32_t type,
                           uint32_t protect)
{
    uint64_t base = 0, size = 0;
    ok(mem_map_view(f->s, o, 0, &base, &size, type, protect, 7, NULL));
    return base;
}

static inline ntstatus protect_range(struct mem_fixture *f, uint64_t va, uint64_t size,
                                     uint32_t protect, uint32_t *old)
{
    uint32_t ignored;
    return mem_protect(f->s, &va, &size, protect, old ? old : &ignored);
}

static inline uint64_t get64(struct mem_fixture *f, uint64_t va)
{
    uint64_t v = 0;
    ok(mem_read(f->s, va, &v, sizeof v));
    return v;
}

static inline ntstatus put64(struct mem_fixture *f, uint64_t va, uint64_t v)
{
    return mem_write(f->s, va, &v, sizeof v);
}

static inline struct mem_info query(struct mem_fixture *f, uint64_t va)
{
    struct mem_info info;
    ok(mem_query(f->s, va, &info));
    return info;
}

#define mem_test(name) cmocka_unit_test_setup_teardown(name, mem_setup, mem_teardown)
#endif
