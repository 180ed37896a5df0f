// SPDX-License-Identifier: GPL-2.0-or-later
/* Many slices, faults, pages and engines leave nothing behind. PGR_TEST_ROUNDS times as many as
 * usual: a thousand make a million slices. */
#include "cpu_fixture.h"
#include "base/hostio.h"
#include <dirent.h>

/* The address sanitizer keeps what was freed for a while; leaks it finds itself. */
#ifdef __SANITIZE_ADDRESS__
enum { GROWTH_MOST = 256 << 20 };
#else
enum { GROWTH_MOST = 2 << 20 }; /* bytes; what the C library keeps is less */
#endif

enum {
    SLICES = 1000,
    SLICE_US = 40,
    SLICE_BLOCKS = 500,
    FAULTS = 10000,
    ENGINES = 20,
    GROWTH_OF_TRANSLATIONS = 64 << 20, /* Unicorn drops them when it has had enough */
    PARTS = 10,
};

static unsigned rounds(void)
{
    const char *text = getenv("PGR_TEST_ROUNDS");
    unsigned long n = text ? strtoul(text, NULL, 10) : 1;
    return n ? (unsigned)n : 1;
}

static size_t count_descriptors(void)
{
    DIR *d = opendir("/proc/self/fd");
    size_t n = 0;
    assert_non_null(d);
    while (readdir(d))
        n++;
    closedir(d);
    return n;
}

struct held {
    uint64_t bytes;
    size_t descriptors;
};

static struct held look(void)
{
    return (struct held){host_private_bytes(), count_descriptors()};
}

static void assert_nothing_grew(const struct held *before)
{
    struct held now = look();
    uint64_t most = guest_engine() == &cpu_unicorn ? GROWTH_OF_TRANSLATIONS : GROWTH_MOST;
    if (now.bytes > before->bytes + most)
        fail_msg("%llu bytes more than before", (unsigned long long)(now.bytes - before->bytes));
    assert_int_equal(now.descriptors, before->descriptors);
}

/* The first part warms everything up. */
static void many(struct guest *g, unsigned count, void (*once)(struct guest *g))
{
    struct held before = {0};
    for (unsigned i = 0; i < count; i++) {
        if (i == count / PARTS)
            before = look();
        once(g);
    }
    assert_nothing_grew(&before);
}

GUEST_CODE(forever, "1: inc rax; jmp 1b");

static void slice(struct guest *g)
{
    guest_run(g);
    assert_int_equal(g->exit.kind, CPU_EXIT_SLICE);
}

static void test_slices(void **state)
{
    struct guest g;
    guest_open(&g);
    cpu_set_slice(g.cpu, guest_engine() == &cpu_unicorn ? SLICE_BLOCKS : SLICE_US);
    guest_code(&g, forever);
    many(&g, SLICES * rounds(), slice);
    assert_true(g.st.gpr[X86_RAX] > 0);
    guest_close(&g);
}

GUEST_CODE(wrong, "mov rbx, [rcx]; div rcx; ud2");

static void three_faults(struct guest *g)
{
    const uint64_t at[] = {CODE_AT, CODE_AT + 3, CODE_AT + 6};
    for (size_t i = 0; i < ARRAY_LEN(at); i++) {
        g->st.rip = at[i];
        g->st.gpr[X86_RCX] = 0;
        guest_run(g);
        assert_true(g->exit.kind == CPU_EXIT_FAULT || g->exit.kind == CPU_EXIT_EXCEPTION);
    }
}

static void test_faults(void **state)
{
    struct guest g;
    guest_open(&g);
    guest_code(&g, wrong);
    many(&g, FAULTS / 3 * MIN(rounds(), 10u), three_faults);
    guest_close(&g);
}

GUEST_CODE(touch, "1: mov [rbx], rbx; add rbx, 0x1000; dec ecx; jnz 1b; syscall");

/* Memory comes and goes, as stacks of threads do. */
static void fresh_pages(struct guest *g)
{
    enum { PAGES = 16 };
    uint64_t at = 0x10000000, size = PAGES * MEM_PAGE;
    guest_alloc(g, at, size, PAGE_READWRITE);
    guest_code(g, touch);
    g->st.gpr[X86_RBX] = at;
    g->st.gpr[X86_RCX] = PAGES;
    guest_run(g);
    assert_int_equal(g->exit.kind, CPU_EXIT_SERVICE);
    assert_int_equal(mem_release(g->mem, &at, &(uint64_t){0}), STATUS_SUCCESS);
}

static void test_pages(void **state)
{
    struct guest g;
    guest_open(&g);
    many(&g, SLICES * MIN(rounds(), 10u), fresh_pages);
    guest_close(&g);
}

static void engine(struct guest *g)
{
    guest_open(g);
    guest_code(g, touch);
    g->st.gpr[X86_RBX] = DATA_AT;
    g->st.gpr[X86_RCX] = 4;
    guest_run(g);
    assert_int_equal(g->exit.kind, CPU_EXIT_SERVICE);
    guest_close(g);
}

static void test_engines(void **state)
{
    struct guest g;
    many(&g, ENGINES * MIN(rounds(), 10u), engine);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_slices),
        cmocka_unit_test(test_faults),
        cmocka_unit_test(test_pages),
        cmocka_unit_test(test_engines),
    };
    guest_engine();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
