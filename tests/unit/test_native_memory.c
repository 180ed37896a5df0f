// SPDX-License-Identifier: GPL-2.0-or-later
/* The native engine's mirror of the address space: what it shows, what it takes away, and when the
 * host's own limits are reached. */
#include "cpu_fixture.h"
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <unistd.h>

enum { PAGE = 0x1000 };

/* Adds up the first words of pages: rsi from, ecx how many. */
GUEST_CODE(sum_pages, "xor eax, eax; 1: add rax, [rsi]; add rsi, 0x1000; dec ecx; jnz 1b; syscall");
GUEST_CODE(store, "mov [rcx], rax; syscall");
GUEST_CODE(load, "mov rax, [rcx]; syscall");

static uint64_t sum(struct guest *g, uint64_t at, uint64_t pages)
{
    guest_code(g, sum_pages);
    g->st.gpr[X86_RSI] = at;
    g->st.gpr[X86_RCX] = pages;
    guest_run(g);
    assert_exit(g, CPU_EXIT_SERVICE, CODE_AT + (uint64_t)(sum_pages_end - sum_pages));
    return g->st.gpr[X86_RAX];
}

static uint64_t get(struct guest *g, uint64_t at)
{
    guest_code(g, load);
    g->st.gpr[X86_RCX] = at;
    guest_run(g);
    assert_int_equal(g->exit.kind, CPU_EXIT_SERVICE);
    return g->st.gpr[X86_RAX];
}

static void put(struct guest *g, uint64_t at, uint64_t value)
{
    guest_code(g, store);
    g->st.gpr[X86_RCX] = at;
    g->st.gpr[X86_RAX] = value;
    guest_run(g);
    assert_int_equal(g->exit.kind, CPU_EXIT_SERVICE);
}

/* ---- Limits ---------------------------------------------------------------------------------- */

/* Neighbours of different rights are different mappings to the host, which allows 65530. */
static void test_more_mappings_than_the_host_allows(void **state)
{
    enum { PAGES = 80000 };
    const uint64_t at = 0x10000000;
    struct guest g;
    guest_open(&g);
    guest_alloc(&g, at, (uint64_t)PAGES * PAGE, PAGE_READWRITE);
    for (uint64_t i = 1; i < PAGES; i += 2)
        guest_protect(&g, at + i * PAGE, PAGE, PAGE_READONLY);
    for (uint64_t i = 0; i < PAGES; i += 1000)
        guest_poke(&g, at + i * PAGE, &i, sizeof i);
    for (int round = 0; round < 2; round++)
        assert_int_equal(sum(&g, at, PAGES), 1000 * (PAGES / 1000) * (PAGES / 1000 - 1) / 2);
    guest_close(&g);
}

static void test_memory_that_comes_and_goes(void **state)
{
    const uint64_t at = 0x10000000, size = 64 * PAGE;
    struct guest g;
    guest_open(&g);
    for (uint64_t i = 0; i < 2000; i++) {
        uint64_t base = at, all = 0;
        guest_alloc(&g, at, size, PAGE_READWRITE);
        assert_int_equal(sum(&g, at, 64), 0);
        put(&g, at + i % 64 * PAGE, i + 1);
        assert_int_equal(guest_peek64(&g, at + i % 64 * PAGE), i + 1);
        assert_int_equal(mem_release(g.mem, &base, &all), STATUS_SUCCESS);
    }
    guest_close(&g);
}

/* ---- Files ----------------------------------------------------------------------------------- */

static int temp_file(size_t pages)
{
    char name[] = "/tmp/peregrine-test-XXXXXX";
    int fd = mkstemp(name);
    assert_true(fd >= 0);
    unlink(name);
    for (uint64_t i = 0; i < pages; i++) {
        uint64_t words[PAGE / 8] = {i + 1};
        assert_int_equal(write(fd, words, PAGE), PAGE);
    }
    return fd;
}

static uint64_t map(struct guest *g, struct mem_object *o, uint64_t at, uint32_t type,
                    uint32_t protect)
{
    uint64_t base = at, size = 0;
    assert_int_equal(mem_map_view(g->mem, o, 0, &base, &size, type, protect, 1, NULL),
                     STATUS_SUCCESS);
    return size;
}

static void test_views_and_files_see_each_others_writes(void **state)
{
    const uint64_t at = 0x10000000;
    struct mem_object *o;
    struct guest g;
    uint64_t value = 0;
    int fd = temp_file(40);

    guest_open(&g);
    assert_int_equal(mem_object_file(g.ram, fd, 0, 40 * PAGE, true, &o), STATUS_SUCCESS);
    map(&g, o, at, MEM_MAPPED, PAGE_READWRITE);
    assert_int_equal(sum(&g, at, 40), 40 * 41 / 2);
    put(&g, at + 7 * PAGE, 777);
    assert_int_equal(pread(fd, &value, 8, 7 * PAGE), 8);
    assert_int_equal(value, 777);
    value = 888;
    assert_int_equal(pwrite(fd, &value, 8, 8 * PAGE), 8);
    assert_int_equal(get(&g, at + 8 * PAGE), 888);
    guest_poke(&g, at + 9 * PAGE, &value, 8);
    assert_int_equal(get(&g, at + 9 * PAGE), 888);
    mem_object_unref(o);
    guest_close(&g);
    close(fd);
}

static void test_a_file_only_read_is_copied_on_write(void **state)
{
    const uint64_t at = 0x10000000;
    struct mem_object *o;
    struct guest g;
    uint64_t value = 0;
    int fd = temp_file(40);

    guest_open(&g);
    assert_int_equal(mem_object_file(g.ram, fd, 0, 40 * PAGE, false, &o), STATUS_SUCCESS);
    map(&g, o, at, MEM_MAPPED, PAGE_WRITECOPY);
    assert_int_equal(sum(&g, at, 40), 40 * 41 / 2);
    put(&g, at + 7 * PAGE, 777);
    assert_int_equal(sum(&g, at, 40), 40 * 41 / 2 - 8 + 777);
    assert_int_equal(pread(fd, &value, 8, 7 * PAGE), 8);
    assert_int_equal(value, 8);
    mem_object_unref(o);
    guest_close(&g);
    close(fd);
}

static void test_a_file_cut_short_is_an_error_in_a_page(void **state)
{
    const uint64_t at = 0x10000000;
    struct mem_object *o;
    struct guest g;
    int fd = temp_file(40);

    guest_open(&g);
    assert_int_equal(mem_object_file(g.ram, fd, 0, 40 * PAGE, true, &o), STATUS_SUCCESS);
    map(&g, o, at, MEM_MAPPED, PAGE_READWRITE);
    assert_int_equal(sum(&g, at, 40), 40 * 41 / 2);
    assert_int_equal(ftruncate(fd, 10 * PAGE), 0);
    guest_code(&g, load);
    g.st.gpr[X86_RCX] = at + 20 * PAGE;
    guest_run(&g);
    assert_fault(&g, at + 20 * PAGE, CPU_READ, CODE_AT);
    assert_int_equal(g.exit.status, STATUS_IN_PAGE_ERROR);
    assert_int_equal(get(&g, at), 1);
    mem_object_unref(o);
    guest_close(&g);
    close(fd);
}

/* Pages that were relocated, pages that are the file's, pages that views share, and copies. */
static void test_pieces_of_an_image(void **state)
{
    const uint64_t at = 0x10000000, second = 0x20000000;
    struct mem_object *o;
    struct guest g;
    uint64_t relocated = 1000;
    int fd = temp_file(40);

    guest_open(&g);
    assert_int_equal(mem_object_image(g.ram, 50 * PAGE, &o), STATUS_SUCCESS);
    assert_int_equal(mem_object_put_file(o, 0, fd, 0, 20 * PAGE), STATUS_SUCCESS);
    assert_int_equal(mem_object_put_file(o, 25 * PAGE, fd, 20 * PAGE, 20 * PAGE), STATUS_SUCCESS);
    memcpy(mem_object_bytes(o) + 3 * PAGE, &relocated, 8);
    for (int i = 0; i < 2; i++) {
        uint64_t base = i ? second : at;
        map(&g, o, base, MEM_IMAGE, PAGE_EXECUTE_WRITECOPY);
        assert_int_equal(mem_set_view_protect(g.mem, base + 30 * PAGE, 2 * PAGE, PAGE_READWRITE),
                         STATUS_SUCCESS);
    }
    assert_int_equal(sum(&g, at, 20), 20 * 21 / 2 - 4 + 1000);
    assert_int_equal(sum(&g, at + 25 * PAGE, 20), 20 * 30 + 20 * 21 / 2 - 20 * 10);
    put(&g, at + 3 * PAGE, 5);
    put(&g, at + 4 * PAGE, 6);
    assert_int_equal(get(&g, second + 3 * PAGE), 1000);
    assert_int_equal(get(&g, second + 4 * PAGE), 5);
    put(&g, at + 30 * PAGE, 4321);
    assert_int_equal(get(&g, second + 30 * PAGE), 4321);
    assert_int_equal(guest_peek64(&g, second + 30 * PAGE), 4321);
    assert_int_equal(mem_write(g.mem, second + 31 * PAGE, &relocated, 8), STATUS_SUCCESS);
    assert_int_equal(get(&g, at + 31 * PAGE), 1000);
    mem_object_unref(o);
    guest_close(&g);
    close(fd);
}

/* ---- Threads --------------------------------------------------------------------------------- */

enum { THREADS = 6, TURNS = 4000 };

struct crowd {
    struct guest g;
    pthread_mutex_t lock;
    struct x86_state st[THREADS];
    struct cpu_exit exit[THREADS];
    atomic_bool over;
    unsigned exits, slices;
};

static struct crowd *crowd_of(struct guest *g)
{
    return CONTAINER_OF(g, struct crowd, g);
}

static void crowd_lock(void *ctx)
{
    pthread_mutex_lock(&crowd_of(ctx)->lock);
}

static void crowd_unlock(void *ctx)
{
    pthread_mutex_unlock(&crowd_of(ctx)->lock);
}

/* Every service gives the thread's own page another protection, or takes it away and gives it
 * back. */
static bool shuffle(void *ctx, struct x86_state *st, const struct cpu_exit *exit)
{
    struct guest *g = ctx;
    if (exit->kind != CPU_EXIT_SERVICE)
        return false;
    uint64_t at = st->gpr[X86_RDI], size = PAGE, turn = st->gpr[X86_RBX];
    uint32_t old;
    crowd_of(g)->exits++;
    if (turn % 3 == 0)
        assert_int_equal(mem_protect(g->mem, &at, &size, PAGE_READONLY, &old), STATUS_SUCCESS);
    if (turn % 3 == 0)
        assert_int_equal(mem_protect(g->mem, &at, &size, PAGE_READWRITE, &old), STATUS_SUCCESS);
    if (turn % 64 == 1) {
        assert_int_equal(mem_decommit(g->mem, &at, &size), STATUS_SUCCESS);
        assert_int_equal(mem_commit(g->mem, &at, &size, PAGE_READWRITE), STATUS_SUCCESS);
        assert_int_equal(mem_write(g->mem, at, &turn, 8), STATUS_SUCCESS);
    }
    return true;
}

struct member {
    struct crowd *c;
    int index;
};

static void *run_member(void *arg)
{
    struct member *m = arg;
    struct crowd *c = m->c;
    crowd_lock(&c->g);
    do {
        cpu_run(c->g.cpu, &c->st[m->index], 0, &c->exit[m->index]);
        c->slices += c->exit[m->index].kind == CPU_EXIT_SLICE;
    } while (c->exit[m->index].kind == CPU_EXIT_SLICE);
    crowd_unlock(&c->g);
    return NULL;
}

static void *pester(void *arg)
{
    struct crowd *c = arg;
    for (unsigned i = 0; !atomic_load(&c->over); i++) {
        usleep(100);
        crowd_lock(&c->g);
        cpu_interrupt(c->g.cpu, &c->st[i % THREADS]);
        crowd_unlock(&c->g);
    }
    return NULL;
}

static void open_crowd(struct crowd *c)
{
    struct guest *g = &c->g;
    struct pgr_error e = {0};
    struct mem_config mc = {NULL, 0x10000, 0x7ffffffeffff, 8};
    struct cpu_config cc = {
        .on_exit = shuffle, .ctx = g, .lock = crowd_lock, .unlock = crowd_unlock};
    assert_int_equal(mem_ram_create(&g->ram, 4ull << 30, &e), PGR_OK);
    mc.ram = g->ram;
    assert_int_equal(mem_create(&mc, &g->mem, &e), PGR_OK);
    cc.mem = g->mem;
    pthread_mutex_init(&c->lock, NULL);
    assert_int_equal(cpu_create(guest_engine(), &cc, &g->cpu, &e), PGR_OK);
    guest_alloc(g, CODE_AT, AREA, PAGE_EXECUTE_READ);
    guest_alloc(g, DATA_AT, AREA, PAGE_READWRITE);
}

/* What was begun before there was a space runs as well, and may be given up. */
static void test_a_prepared_engine(void **state)
{
    GUEST_CODE(add, "inc qword ptr [rdi]; syscall");
    struct guest g;
    struct pgr_error e;
    guest_open(&g);
    cpu_destroy(cpu_prepare(guest_engine(), g.ram));
    struct cpu_engine *retired = cpu_prepare(guest_engine(), g.ram);
    assert_true(cpu_retire(retired));
    cpu_destroy(retired);
    struct cpu_config cc = {.mem = g.mem, .on_exit = guest_on_exit, .ctx = &g};
    cc.prepared = cpu_prepare(guest_engine(), g.ram);
    assert_non_null(cc.prepared);
    cpu_destroy(g.cpu);
    assert_int_equal(cpu_create(guest_engine(), &cc, &g.cpu, &e), PGR_OK);
    guest_code(&g, add);
    g.st.gpr[X86_RDI] = DATA_AT;
    guest_run(&g);
    assert_int_equal(g.exit.kind, CPU_EXIT_SERVICE);
    assert_int_equal(guest_peek64(&g, DATA_AT), 1);
    guest_close(&g);
}

/* Each counts in memory and in a vector register, and compares. */
static void test_threads_run_side_by_side(void **state)
{
    GUEST_CODE(count, "1: inc qword ptr [rdi]; inc rbx; cmp [rdi], rbx; jne 2f; movq xmm3, rbx;"
                      "vpbroadcastq ymm4, xmm3; mov r8, rbx; syscall; movq rax, xmm3; cmp rax, rbx;"
                      "jne 2f; vextracti128 xmm5, ymm4, 1; movq rax, xmm5; cmp rax, rbx; jne 2f;"
                      "cmp r8, rbx; jne 2f; cmp rbx, rsi; jne 1b; int 0x2d; 2: ud2");
    struct crowd *c = calloc(1, sizeof *c);
    struct member members[THREADS];
    pthread_t threads[THREADS], pest;
    open_crowd(c);
    guest_code(&c->g, count);
    cpu_set_slice(c->g.cpu, 1000);
    for (int i = 0; i < THREADS; i++) {
        x86_state_init(&c->st[i], 8);
        c->st[i].rip = CODE_AT;
        c->st[i].gpr[X86_RDI] = DATA_AT + (uint64_t)i * PAGE;
        c->st[i].gpr[X86_RSI] = TURNS;
        members[i] = (struct member){c, i};
        assert_int_equal(pthread_create(&threads[i], NULL, run_member, &members[i]), 0);
    }
    pthread_create(&pest, NULL, pester, c);
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    atomic_store(&c->over, true);
    pthread_join(pest, NULL);
    for (int i = 0; i < THREADS; i++) {
        if (c->exit[i].kind == CPU_EXIT_FAILURE)
            fail_msg("%s", c->exit[i].message);
        assert_int_equal(c->exit[i].kind, CPU_EXIT_INTERRUPT);
        assert_int_equal(c->st[i].gpr[X86_RBX], TURNS);
    }
    assert_int_equal(c->exits, THREADS * TURNS);
    guest_close(&c->g);
    free(c);
}

static uint64_t host_rss(void)
{
    unsigned long size = 0, rss = 0;
    FILE *f = fopen("/proc/self/statm", "r");
    if (f && fscanf(f, "%lu %lu", &size, &rss) != 2)
        rss = 0;
    if (f)
        fclose(f);
    return rss;
}

static void test_a_hundred_engines_leave_nothing_behind(void **state)
{
    uint64_t before = 0;
    int first = dup(0);
    close(first);
    for (int i = 0; i < 100; i++) {
        struct guest g;
        guest_open(&g);
        put(&g, DATA_AT, (uint64_t)i);
        guest_close(&g);
        if (i == 20)
            before = host_rss();
    }
    int last = dup(0);
    close(last);
    assert_int_equal(first, last);
#ifndef __SANITIZE_ADDRESS__ /* it keeps what was freed for a while */
    assert_true(host_rss() < before + 256);
#endif
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_more_mappings_than_the_host_allows),
        cmocka_unit_test(test_memory_that_comes_and_goes),
        cmocka_unit_test(test_views_and_files_see_each_others_writes),
        cmocka_unit_test(test_a_file_only_read_is_copied_on_write),
        cmocka_unit_test(test_a_file_cut_short_is_an_error_in_a_page),
        cmocka_unit_test(test_pieces_of_an_image),
        cmocka_unit_test(test_threads_run_side_by_side),
        cmocka_unit_test(test_a_hundred_engines_leave_nothing_behind),
        cmocka_unit_test(test_a_prepared_engine),
    };
    setenv("PGR_TEST_ENGINE", "native", 1);
    guest_engine(); /* skips where the host cannot */
    return cmocka_run_group_tests(tests, NULL, NULL);
}
