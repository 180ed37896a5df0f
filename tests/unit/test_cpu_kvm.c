// SPDX-License-Identifier: GPL-2.0-or-later
/* What only the KVM engine has: memory slots, rewritten page tables, a borrowed signal. */
#include "cpu_fixture.h"
#include <dirent.h>
#include <pthread.h>
#include <signal.h>

#define FAR_AWAY 0x100000000ull
#define MIB      0x100000ull

/* ---- Pages taken away ------------------------------------------------------------------------ */

GUEST_CODE(touch, "1: mov [rbx], rbx; add rbx, rdx; dec ecx; jnz 1b; syscall");

static void touch_pages(struct guest *g, uint64_t at, uint64_t step, uint64_t count)
{
    guest_code(g, touch);
    g->st.gpr[X86_RBX] = at;
    g->st.gpr[X86_RDX] = step;
    g->st.gpr[X86_RCX] = count;
    guest_run(g);
}

static void test_thousands_of_pages_are_taken_away_at_once(void **state)
{
    enum { PAGES = 12000 }; /* more than are written again one by one */
    struct guest g;
    guest_open(&g);
    guest_alloc(&g, FAR_AWAY, PAGES * MEM_PAGE, PAGE_READWRITE);
    touch_pages(&g, FAR_AWAY, MEM_PAGE, PAGES);
    assert_int_equal(g.exit.kind, CPU_EXIT_SERVICE);
    guest_protect(&g, FAR_AWAY, PAGES * MEM_PAGE, PAGE_READONLY);
    for (uint64_t i = 0; i < PAGES; i += 997) {
        touch_pages(&g, FAR_AWAY + i * MEM_PAGE, MEM_PAGE, 1);
        assert_fault(&g, FAR_AWAY + i * MEM_PAGE, CPU_WRITE, CODE_AT);
    }
    guest_close(&g);
}

static void count_far_pages(void *ctx, uint64_t va)
{
    size_t *n = ctx;
    *n += va >= FAR_AWAY;
}

static void test_scattered_dirty_pages_are_collected_twice(void **state)
{
    enum { PAGES = 300 }; /* more than the list of rewrites takes */
    struct guest g;
    guest_open(&g);
    guest_alloc(&g, FAR_AWAY, PAGES * 2 * MIB, PAGE_READWRITE);
    for (int round = 0; round < 3; round++) {
        size_t n = 0;
        mem_dirty_clear(g.mem);
        touch_pages(&g, FAR_AWAY, 2 * MIB, PAGES);
        assert_int_equal(g.exit.kind, CPU_EXIT_SERVICE);
        cpu_collect_dirty(g.cpu);
        mem_dirty_each(g.mem, count_far_pages, &n);
        assert_int_equal(n, PAGES);
    }
    guest_close(&g);
}

/* One page in each 2 MiB needs a table of its own, until no more fit. */
static void test_full_page_tables_are_begun_anew(void **state)
{
    enum { TABLES = 17000 };
    uint64_t base = FAR_AWAY, size = TABLES * 2 * MIB;
    struct guest g;
    guest_open(&g);
    assert_int_equal(mem_reserve(g.mem, &base, &size, PAGE_READWRITE, false, NULL), STATUS_SUCCESS);
    for (uint64_t i = 0; i < TABLES; i++) {
        uint64_t at = FAR_AWAY + i * 2 * MIB, len = MEM_PAGE;
        assert_int_equal(mem_commit(g.mem, &at, &len, PAGE_READWRITE), STATUS_SUCCESS);
    }
    touch_pages(&g, FAR_AWAY, 2 * MIB, TABLES);
    assert_int_equal(g.exit.kind, CPU_EXIT_SERVICE);
    for (uint64_t i = 0; i < TABLES; i += 1000)
        assert_int_equal(guest_peek64(&g, FAR_AWAY + i * 2 * MIB), FAR_AWAY + i * 2 * MIB);
    guest_close(&g);
}

/* ---- Physical memory ------------------------------------------------------------------------- */

static void test_frames_far_up_in_the_window_are_reached(void **state)
{
    const uint64_t size = 1536 * MIB; /* more than the first slot has */
    struct mem_object *o;
    uint64_t at = FAR_AWAY, len = size;
    struct guest g;
    guest_open(&g);
    assert_int_equal(mem_object_anonymous(g.ram, size, &o), STATUS_SUCCESS);
    assert_int_equal(mem_map_view(g.mem, o, 0, &at, &len, MEM_MAPPED, PAGE_READWRITE, 1, NULL),
                     STATUS_SUCCESS);
    touch_pages(&g, FAR_AWAY, 64 * MIB, size / (64 * MIB));
    assert_int_equal(g.exit.kind, CPU_EXIT_SERVICE);
    for (uint64_t i = 0; i < size; i += 64 * MIB)
        assert_int_equal(guest_peek64(&g, FAR_AWAY + i), FAR_AWAY + i);
    mem_object_unref(o);
    guest_close(&g);
}

/* Only one of them has its own memory next to the window. */
static void test_two_engines_share_one_window(void **state)
{
    struct guest g;
    guest_open(&g);
    struct cpu_config cc = {.mem = g.mem, .on_exit = guest_on_exit, .ctx = &g};
    struct cpu_engine *first = g.cpu, *second;
    struct pgr_error e;
    assert_int_equal(cpu_create(guest_engine(), &cc, &second, &e), PGR_OK);
    for (uint64_t i = 0; i < 10; i++) {
        g.cpu = i & 1 ? second : first;
        touch_pages(&g, DATA_AT, MEM_PAGE, 16);
        assert_int_equal(g.exit.kind, CPU_EXIT_SERVICE);
        guest_protect(&g, DATA_AT, AREA, PAGE_READONLY); /* both are told */
        touch_pages(&g, DATA_AT + i * MEM_PAGE, MEM_PAGE, 1);
        assert_fault(&g, DATA_AT + i * MEM_PAGE, CPU_WRITE, CODE_AT);
        guest_protect(&g, DATA_AT, AREA, PAGE_READWRITE);
    }
    g.cpu = first;
    cpu_destroy(second);
    guest_close(&g);
}

/* ---- What the process lends ------------------------------------------------------------------ */

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

static size_t count_taken_signals(void)
{
    size_t n = 0;
    for (int sig = SIGRTMIN; sig <= SIGRTMAX; sig++) {
        struct sigaction a;
        sigaction(sig, NULL, &a);
        n += a.sa_handler != SIG_DFL;
    }
    return n;
}

static void test_nothing_is_left_behind(void **state)
{
    size_t descriptors = count_descriptors(), taken = count_taken_signals();
    for (int i = 0; i < 20; i++) {
        struct guest g;
        guest_open(&g);
        touch_pages(&g, DATA_AT, MEM_PAGE, 16);
        assert_int_equal(count_taken_signals(), taken + 1);
        guest_close(&g);
    }
    assert_int_equal(count_descriptors(), descriptors);
    assert_int_equal(count_taken_signals(), taken);
}

static void test_slices_end_in_a_thread_that_blocks_all_signals(void **state)
{
    GUEST_CODE(forever, "1: jmp 1b");
    sigset_t all, before, after;
    struct guest g;
    guest_open(&g);
    guest_code(&g, forever);
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    cpu_set_slice(g.cpu, 300);
    guest_run(&g);
    pthread_sigmask(SIG_SETMASK, &before, &after);
    assert_int_equal(g.exit.kind, CPU_EXIT_SLICE);
    for (int sig = SIGRTMIN; sig <= SIGRTMAX; sig++)
        assert_true(sigismember(&after, sig));
    guest_close(&g);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_thousands_of_pages_are_taken_away_at_once),
        cmocka_unit_test(test_scattered_dirty_pages_are_collected_twice),
        cmocka_unit_test(test_full_page_tables_are_begun_anew),
        cmocka_unit_test(test_frames_far_up_in_the_window_are_reached),
        cmocka_unit_test(test_two_engines_share_one_window),
        cmocka_unit_test(test_nothing_is_left_behind),
        cmocka_unit_test(test_slices_end_in_a_thread_that_blocks_all_signals),
    };
    setenv("PGR_TEST_ENGINE", "kvm", 1);
    guest_engine();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
