/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef MM_FIXTURE_H
#define MM_FIXTURE_H
/* A kernel with one process and one thread, whose services are called as the dispatcher would. */
#include "test.h"
#include "mem/space.h"
#include "nt/call.h"
#include "nt/mm/mm.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define GIB           (1ull << 30)
#define expect(st, x) assert_int_equal((uint32_t)(st), (uint32_t)(x))
#define ok(x)         expect(x, STATUS_SUCCESS)
#define SELF          UINT64_MAX /* NtCurrentProcess() */
#define SCRATCH       0x10000000ull

struct mm_fixture {
    struct mem_ram *ram;
    struct nt_kernel *k;
    struct nt_process *p;
    struct nt_thread *t;
    struct nt_call c;
    unsigned images; /* upcalls */
    uint64_t image_base;
    bool image_mapped;
};

static inline void image_upcall(void *ctx, struct nt_process *p, uint64_t base, uint64_t size,
                                const uint16_t *path, size_t path_len, bool mapped)
{
    struct mm_fixture *f = ctx;
    f->images++;
    f->image_base = base;
    f->image_mapped = mapped;
}

static inline struct mm_fixture *mm_new(unsigned ptr_size)
{
    struct mm_fixture *f = xcalloc(1, sizeof *f);
    struct nt_config cfg = {.seed = 1};
    uint64_t base = SCRATCH, size = 0x10000;
    assert_int_equal(mem_ram_create(&f->ram, 64 * GIB, NULL), PGR_OK);
    struct pgr_error e = {0};
    if (nt_kernel_create(&cfg, f->ram, &f->k, &e))
        fail_msg("%s", e.text);
    f->k->on_image = image_upcall;
    f->k->on_image_ctx = f;
    f->p = nt_object_new(f->k, NT_TYPE_PROCESS);
    f->p->ptr_size = ptr_size;
    struct mem_config mc = {.ram = f->ram,
                            .lowest = 0x10000,
                            .highest = ptr_size == 8 ? 0x7ffffffeffffull : 0x7ffeffff,
                            .ptr_size = ptr_size};
    assert_int_equal(mem_create(&mc, &f->p->mem, NULL), PGR_OK);
    ok(mem_reserve(f->p->mem, &base, &size, PAGE_READWRITE, true, NULL));
    f->t = nt_object_new(f->k, NT_TYPE_THREAD);
    f->t->process = f->p->o.id;
    f->c = (struct nt_call){.k = f->k, .p = f->p, .t = f->t, .mem = f->p->mem};
    return f;
}

static inline int mm_setup(void **state)
{
    *state = mm_new(8);
    return 0;
}

static inline int mm_setup32(void **state)
{
    *state = mm_new(4);
    return 0;
}

static inline int mm_teardown(void **state)
{
    struct mm_fixture *f = *state;
    f->k->on_image = NULL;
    nt_kernel_destroy(f->k);
    mem_ram_destroy(f->ram);
    free(f);
    return 0;
}

/* Calls a service by name with n arguments. */
static inline ntstatus serve(struct mm_fixture *f, const char *name, size_t n, const uint64_t *args)
{
    const struct nt_service *s = nt_service_find(name);
    assert_non_null(s);
    assert_int_equal(s->state, NT_SERVICE_IMPLEMENTED);
    assert_int_equal(s->arg_count, n);
    memset(f->c.arg, 0, sizeof f->c.arg);
    memcpy(f->c.arg, args, n * sizeof *args);
    f->c.service = s;
    return s->fn(&f->c);
}
#define call(f, name, ...)                                                                         \
    serve(f, name, ARRAY_LEN(((const uint64_t[]){__VA_ARGS__})), (const uint64_t[]){__VA_ARGS__})

/* Scratch slots of 8 bytes that the guest's pointers lead to. */
static inline uint64_t slot(unsigned i)
{
    return SCRATCH + i * 8;
}
static inline uint64_t set(struct mm_fixture *f, unsigned i, uint64_t v)
{
    ok(mem_write(f->p->mem, slot(i), &v, sizeof v));
    return slot(i);
}
static inline uint64_t get(struct mm_fixture *f, unsigned i)
{
    uint64_t v = 0;
    ok(mem_read(f->p->mem, slot(i), &v, f->p->ptr_size));
    return v;
}
static inline uint32_t u32_at(struct mm_fixture *f, uint64_t va)
{
    uint32_t v = 0;
    ok(mem_read(f->p->mem, va, &v, sizeof v));
    return v;
}
static inline void put_u32(struct mm_fixture *f, uint64_t va, uint32_t v)
{
    ok(mem_write(f->p->mem, va, &v, sizeof v));
}

/* NtAllocateVirtualMemory; *base and *size come back. */
static inline ntstatus alloc_at(struct mm_fixture *f, uint64_t *base, uint64_t *size, uint32_t type,
                                uint32_t protect)
{
    ntstatus s = call(f, "NtAllocateVirtualMemory", SELF, set(f, 0, *base), 0, set(f, 1, *size),
                      type, protect);
    *base = get(f, 0);
    *size = get(f, 1);
    return s;
}
static inline uint64_t alloc(struct mm_fixture *f, uint64_t size, uint32_t type)
{
    uint64_t base = 0;
    ok(alloc_at(f, &base, &size, type, PAGE_READWRITE));
    return base;
}
static inline ntstatus free_at(struct mm_fixture *f, uint64_t *base, uint64_t *size, uint32_t type)
{
    ntstatus s = call(f, "NtFreeVirtualMemory", SELF, set(f, 0, *base), set(f, 1, *size), type);
    *base = get(f, 0);
    *size = get(f, 1);
    return s;
}
static inline struct mem_info info_at(struct mm_fixture *f, uint64_t va)
{
    struct mem_info mi;
    ok(mem_query(f->p->mem, va, &mi));
    return mi;
}

/* A file without a name that holds these bytes. */
static inline int temp_file(const void *data, size_t size)
{
    char path[] = "/tmp/pgr-mm-XXXXXX";
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    unlink(path);
    assert_int_equal(write(fd, data, size), (ssize_t)size);
    return fd;
}
#endif
