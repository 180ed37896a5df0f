// SPDX-License-Identifier: GPL-2.0-or-later
/* When a run ends: gates, slices, budgets, stops; and what it carries with it. */
#include "cpu_fixture.h"
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/time.h>
#include <unistd.h>

GUEST_CODE(forever, "1: inc rax; add rbx, rax; jmp 1b");
GUEST_CODE(branches,
           "1: inc rax; test al, 3; jz 2f; inc rbx; 2: push rax; call 3f; pop rcx; jmp 1b;"
           "3: mov [rdi], rax; add rdi, 8; and rdi, 0x50fff8; or rdi, 0x500000; ret");

enum { BASE_HOOKS = 8 };

/* ---- Hooks ----------------------------------------------------------------------------------- */

static void test_counting_blocks_takes_no_more_hooks(void **state)
{
    guest_needs(CPU_CAP_BLOCKS);
    struct guest g;
    guest_open_with(&g, (struct guest_options){.gates = true});
    assert_int_equal(cpu_hooks(g.cpu), BASE_HOOKS);
    cpu_count_blocks(g.cpu, true);
    guest_code(&g, forever);
    cpu_set_slice(g.cpu, 10);
    guest_run(&g);
    assert_int_equal(cpu_blocks(g.cpu), 10);
    assert_int_equal(cpu_hooks(g.cpu), BASE_HOOKS);
    guest_close(&g);
}

/* ---- Blocks ---------------------------------------------------------------------------------- */

static void test_each_block_is_told_of_when_it_runs(void **state)
{
    GUEST_CODE(loop, "mov ecx, 3; 1: dec ecx; jnz 1b; syscall");
    static const struct {
        uint64_t address;
        uint32_t size;
    } expected[] = {{CODE_AT, 9}, {CODE_AT + 5, 4}, {CODE_AT + 5, 4}, {CODE_AT + 9, 2}};
    struct guest g;
    guest_needs(CPU_CAP_OBSERVE);
    guest_open(&g);
    const struct cpu_watch blocks = {CPU_WATCH_BLOCK, 0, UINT64_MAX};
    assert_int_equal(cpu_watch(g.cpu, &blocks, 1), PGR_OK);
    assert_int_equal(cpu_hooks(g.cpu), BASE_HOOKS + 1);
    guest_code(&g, loop);
    guest_run(&g);
    assert_exit(&g, CPU_EXIT_SERVICE, CODE_AT + 11);
    assert_int_equal(g.sight_count, ARRAY_LEN(expected));
    for (size_t i = 0; i < g.sight_count; i++) {
        assert_int_equal(g.sights[i].kind, CPU_WATCH_BLOCK);
        assert_int_equal(g.sights[i].address, expected[i].address);
        assert_int_equal(g.sights[i].size, expected[i].size);
    }
    guest_close(&g);
}

/* ---- Gates ----------------------------------------------------------------------------------- */

static bool return_from_gate(struct guest *g, struct x86_state *st, const struct cpu_exit *exit)
{
    if (exit->kind != CPU_EXIT_GATE)
        return false;
    st->gpr[X86_RAX] += exit->address - GATE_AT;
    st->rip = guest_peek64(g, st->gpr[X86_RSP]);
    st->gpr[X86_RSP] += 8;
    return true;
}

static void test_gates_are_reached_by_call_jump_and_return(void **state)
{
    GUEST_CODE(gates, "xor eax, eax; mov ebx, 0x700010; call rbx; lea rdx, [rip+1f]; push rdx;"
                      "mov ebx, 0x700020; jmp rbx; 1: lea rdx, [rip+2f]; push rdx; push 0x700080;"
                      "ret; 2: mov cl, [0x700010]; mov ebx, 0x700010; call rbx; syscall");
    struct guest g;
    guest_open_with(&g, (struct guest_options){.gates = true});
    g.handler = return_from_gate;
    guest_code(&g, gates);
    for (int i = 0; i < 3; i++) {
        g.st.rip = CODE_AT;
        guest_run(&g);
        assert_exit(&g, CPU_EXIT_SERVICE, CODE_AT + (uint64_t)(gates_end - gates));
        assert_int_equal(g.st.gpr[X86_RAX], 0x10 + 0x20 + 0x80 + 0x10);
    }
    assert_int_equal(g.count, 3 * 5);
    guest_close(&g);
}

static void test_outside_the_range_a_gate_page_does_not_execute(void **state)
{
    GUEST_CODE(outside, "mov ebx, 0x700800; jmp rbx");
    struct guest g;
    guest_open_with(&g, (struct guest_options){.gates = true});
    guest_code(&g, outside);
    guest_run(&g);
    assert_fault(&g, GATE_AT + 0x800, CPU_EXECUTE, GATE_AT + 0x800);
    guest_close(&g);
}

/* ---- Slices ---------------------------------------------------------------------------------- */

struct slice_log {
    uint64_t rip[200], rax[200], blocks[200];
};

static void run_slices(struct slice_log *log)
{
    struct guest g;
    guest_open_with(&g, (struct guest_options){.count_blocks = true});
    guest_code(&g, branches);
    g.st.gpr[X86_RDI] = DATA_AT;
    for (int i = 0; i < 200; i++) {
        cpu_set_slice(g.cpu, (uint64_t)(i % 7 + 1) * 13);
        guest_run(&g);
        assert_int_equal(g.exit.kind, CPU_EXIT_SLICE);
        log->rip[i] = g.st.rip;
        log->rax[i] = g.st.gpr[X86_RAX];
        log->blocks[i] = cpu_blocks(g.cpu);
        if (i)
            assert_int_equal(log->blocks[i] - log->blocks[i - 1], (i % 7 + 1) * 13);
    }
    guest_close(&g);
}

static void test_slices_of_blocks_are_the_same_every_time(void **state)
{
    guest_needs(CPU_CAP_BLOCKS);
    struct slice_log *a = calloc(2, sizeof *a), *b = a + 1;
    run_slices(a);
    run_slices(b);
    assert_memory_equal(a, b, sizeof *a);
    free(a);
}

static bool count_blocks_at_first(struct guest *g, struct x86_state *st,
                                  const struct cpu_exit *exit)
{
    if (g->count == 1) {
        cpu_count_blocks(g->cpu, true);
        cpu_set_slice(g->cpu, 30000);
    }
    return true;
}

static void test_blocks_can_be_counted_from_inside_the_handler(void **state)
{
    guest_needs(CPU_CAP_BLOCKS);
    GUEST_CODE(services, "1: call 2f; inc r12; syscall; jmp 1b; 2: inc rbx; ret");
    struct guest g;
    guest_open(&g);
    g.handler = count_blocks_at_first;
    guest_code(&g, services);
    guest_run(&g);
    assert_int_equal(g.exit.kind, CPU_EXIT_SLICE);
    assert_int_equal(cpu_blocks(g.cpu), 3 + 30000);
    assert_int_equal(g.count, 7501); /* four blocks a turn, after the first */
    assert_in_range(g.st.gpr[X86_RBX] - g.st.gpr[X86_R12], 0, 1);
    guest_close(&g);
}

static void test_slices_of_host_time_end_an_endless_loop(void **state)
{
    struct guest g;
    guest_open(&g);
    guest_code(&g, forever);
    cpu_set_slice(g.cpu, 500);
    for (int i = 0; i < 50; i++) {
        uint64_t before = g.st.gpr[X86_RAX];
        guest_run(&g);
        assert_int_equal(g.exit.kind, CPU_EXIT_SLICE);
        assert_true(i == 0 || g.st.gpr[X86_RAX] > before);
    }
    guest_close(&g);
}

/* ---- Budgets --------------------------------------------------------------------------------- */

GUEST_CODE(straight,
           "mov rcx, 0x500000; 1: inc rax; mov [rcx], rax; add rcx, 0x1000; cmp rcx, 0x510000;"
           "jne 1b; syscall; jmp 1b - 7");

static void test_budgets_are_exact(void **state)
{
    guest_needs(CPU_CAP_COUNT);
    struct guest one, many;
    guest_open_with(&one, (struct guest_options){.count_instructions = true});
    guest_open_with(&many, (struct guest_options){.count_instructions = true});
    guest_code(&one, straight);
    guest_code(&many, straight);
    for (int i = 0; i < 80; i++) { /* one at a time, over page faults of ours */
        cpu_run(one.cpu, &one.st, 1, &one.exit);
        assert_int_equal(one.exit.kind, CPU_EXIT_BUDGET);
        assert_int_equal(cpu_instructions(one.cpu), i + 1);
    }
    cpu_run(many.cpu, &many.st, 80, &many.exit);
    assert_int_equal(many.exit.kind, CPU_EXIT_BUDGET);
    assert_int_equal(cpu_instructions(many.cpu), 80);
    assert_memory_equal(one.st.gpr, many.st.gpr, sizeof one.st.gpr);
    assert_int_equal(one.st.rip, many.st.rip);
    cpu_run(many.cpu, &many.st, 1000, &many.exit);
    assert_int_equal(many.exit.kind, CPU_EXIT_SERVICE);
    assert_int_equal(cpu_instructions(many.cpu), 1 + 16 * 5 + 1);
    guest_close(&one);
    guest_close(&many);
}

/* ---- Stops ----------------------------------------------------------------------------------- */

static void test_a_stop_before_the_run_ends_that_run_only(void **state)
{
    struct guest g;
    guest_open(&g);
    guest_code(&g, forever);
    cpu_stop(g.cpu);
    guest_run(&g);
    assert_exit(&g, CPU_EXIT_STOP, CODE_AT);
    assert_int_equal(g.st.gpr[X86_RAX], 0);
    cpu_set_slice(g.cpu, 1000);
    guest_run(&g);
    assert_int_equal(g.exit.kind, CPU_EXIT_SLICE);
    guest_close(&g);
}

struct stopper {
    struct cpu_engine *cpu;
    unsigned delay;
};

static void *stop_later(void *ctx)
{
    struct stopper *s = ctx;
    for (volatile unsigned i = 0; i < s->delay; i++)
        ;
    cpu_stop(s->cpu);
    return NULL;
}

static void test_stops_from_another_thread_are_never_lost(void **state)
{
    struct guest g;
    guest_open(&g);
    guest_code(&g, forever);
    for (unsigned i = 0; i < 300; i++) {
        struct stopper s = {g.cpu, i * 200};
        pthread_t t;
        assert_int_equal(pthread_create(&t, NULL, stop_later, &s), 0);
        guest_run(&g);
        assert_int_equal(g.exit.kind, CPU_EXIT_STOP);
        pthread_join(t, NULL);
    }
    guest_close(&g);
}

static struct cpu_engine *signal_target; /* a signal handler has no other way to it */

static void on_alarm(int sig)
{
    (void)sig;
    cpu_stop(signal_target);
}

static void test_stops_from_a_signal_handler(void **state)
{
    struct sigaction sa = {.sa_handler = on_alarm}, old;
    struct itimerval timer = {.it_value = {0, 300}};
    struct guest g;
    guest_open(&g);
    guest_code(&g, forever);
    signal_target = g.cpu;
    sigaction(SIGALRM, &sa, &old);
    for (int i = 0; i < 100; i++) {
        timer.it_value.tv_usec = 20 + i * 7;
        setitimer(ITIMER_REAL, &timer, NULL);
        guest_run(&g);
        assert_int_equal(g.exit.kind, CPU_EXIT_STOP);
    }
    sigaction(SIGALRM, &old, NULL);
    guest_close(&g);
}

static bool stop_inside(struct guest *g, struct x86_state *st, const struct cpu_exit *exit)
{
    cpu_stop(g->cpu);
    return true;
}

static void test_a_stop_inside_the_handler(void **state)
{
    GUEST_CODE(service_then_loop, "syscall; 1: jmp 1b");
    struct guest g;
    guest_open(&g);
    g.handler = stop_inside;
    guest_code(&g, service_then_loop);
    guest_run(&g);
    assert_exit(&g, CPU_EXIT_STOP, CODE_AT + 2);
    guest_close(&g);
}

/* ---- Interrupted computing ------------------------------------------------------------------- */

/*
 * Chained blocks on one page whose instructions read, change and write memory: an instruction that
 * was cut in half and ran again, or a block that did, changes the sums. Leaves by `int 0x2e`.
 */
#define CHURN(dx, sp, di, ax)                                                                      \
    "mov ecx, 2000; 1: mov eax, ecx; and eax, 0x3f8; add [" di "+" ax "+64], ecx;"                 \
    "adc [" di "+" ax "+68], eax; inc dword ptr [" di "+4]; test cl, 3; jz 2f;"                    \
    "xor [" di "+8], ecx; rol dword ptr [" di "+8], 3; 2: mov edx, ecx; xadd [" di "+16], edx;"    \
    "push " dx "; add dword ptr [" sp "], 5; call 3f; pop " dx "; mov eax, [" di "+20];"           \
    "cmpxchg [" di "+20], edx; jnz 4f; inc dword ptr [" di "+24]; 4: dec ecx; jnz 1b; dec ebx;"    \
    "jnz 5f; int 0x2e; 5: mov ecx, 2000; jmp 1b; 3: sub [" di "+12], edx; xchg edx, [" di "+28];"  \
    "add [" di "+32], edx; sbb dword ptr [" di "+36], 0; ret"
GUEST_CODE(churn64, CHURN("rdx", "rsp", "rdi", "rax"));
GUEST_CODE32(churn32, CHURN("edx", "esp", "edi", "eax"));

enum { CHURN_TURNS = 250, CHURN_DATA = 0x800 };

static void open_churn(struct guest *g, unsigned ptr_size)
{
    static const uint8_t zero[CHURN_DATA];
    guest_open_with(g, (struct guest_options){.ptr_size = ptr_size});
    if (ptr_size == 8)
        guest_code(g, churn64);
    else
        guest_code(g, churn32);
    guest_poke(g, DATA_AT, zero, sizeof zero);
    g->st.gpr[X86_RDI] = DATA_AT;
    g->st.gpr[X86_RBX] = CHURN_TURNS;
}

static void close_churn(struct guest *g, uint8_t data[CHURN_DATA], struct x86_state *st)
{
    assert_int_equal(g->exit.kind, CPU_EXIT_INTERRUPT);
    assert_true(mem_peek(g->mem, DATA_AT, data, CHURN_DATA));
    *st = g->st;
    guest_close(g);
}

struct pest {
    struct cpu_engine *cpu;
    atomic_bool quit;
};

static void *stop_all_the_time(void *ctx)
{
    struct pest *p = ctx;
    while (!atomic_load(&p->quit)) {
        usleep(150);
        cpu_stop(p->cpu);
    }
    return NULL;
}

static unsigned run_in_pieces(struct guest *g, bool stops)
{
    struct pest pest = {.cpu = g->cpu};
    unsigned pieces = 0;
    pthread_t t;

    cpu_set_slice(g->cpu, stops ? 0 : 200);
    if (stops)
        assert_int_equal(pthread_create(&t, NULL, stop_all_the_time, &pest), 0);
    for (;; pieces++) {
        guest_run(g);
        if (g->exit.kind != (stops ? CPU_EXIT_STOP : CPU_EXIT_SLICE))
            break;
    }
    atomic_store(&pest.quit, true);
    if (stops)
        pthread_join(t, NULL);
    return pieces;
}

static void compare_pieces_with_whole(unsigned ptr_size, bool stops)
{
    uint8_t want[CHURN_DATA], got[CHURN_DATA];
    struct x86_state whole, pieces;
    unsigned cuts = 0;
    struct guest g;

    open_churn(&g, ptr_size);
    guest_run(&g);
    close_churn(&g, want, &whole);
    for (int i = 0; i < 20; i++) {
        open_churn(&g, ptr_size);
        cuts += run_in_pieces(&g, stops);
        close_churn(&g, got, &pieces);
        assert_memory_equal(got, want, sizeof got);
        assert_memory_equal(&pieces, &whole, sizeof pieces);
    }
    assert_true(cuts > 20);
}

static void test_slices_of_host_time_do_not_change_results(void **state)
{
    compare_pieces_with_whole(8, false);
}

static void test_slices_of_host_time_do_not_change_32bit_results(void **state)
{
    compare_pieces_with_whole(4, false);
}

static void test_stops_do_not_change_results(void **state)
{
    compare_pieces_with_whole(8, true);
}

static void test_stops_do_not_change_32bit_results(void **state)
{
    compare_pieces_with_whole(4, true);
}

/* ---- Memory ---------------------------------------------------------------------------------- */

static void test_many_pages_stay_right_while_the_tlb_grows(void **state)
{
    GUEST_CODE(sum, "xor eax, eax; 1: add rax, [rsi]; mov [rsi+8], rax; add rsi, 0x1000; dec ecx; "
                    "jnz 1b; syscall");
    enum { PAGES = 3000 };
    const uint64_t at = 0x10000000;
    struct guest g;
    guest_open(&g);
    guest_alloc(&g, at, PAGES * 0x1000, PAGE_READWRITE);
    for (uint64_t i = 0; i < PAGES; i++)
        guest_poke(&g, at + i * 0x1000, &i, sizeof i);
    for (int round = 0; round < 3; round++) {
        guest_code(&g, sum);
        g.st.gpr[X86_RSI] = at;
        g.st.gpr[X86_RCX] = PAGES;
        guest_run(&g);
        assert_int_equal(g.exit.kind, CPU_EXIT_SERVICE);
        assert_int_equal(g.st.gpr[X86_RAX], PAGES * (PAGES - 1) / 2);
    }
    guest_close(&g);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_counting_blocks_takes_no_more_hooks),
        cmocka_unit_test(test_each_block_is_told_of_when_it_runs),
        cmocka_unit_test(test_gates_are_reached_by_call_jump_and_return),
        cmocka_unit_test(test_outside_the_range_a_gate_page_does_not_execute),
        cmocka_unit_test(test_slices_of_blocks_are_the_same_every_time),
        cmocka_unit_test(test_blocks_can_be_counted_from_inside_the_handler),
        cmocka_unit_test(test_slices_of_host_time_end_an_endless_loop),
        cmocka_unit_test(test_budgets_are_exact),
        cmocka_unit_test(test_a_stop_before_the_run_ends_that_run_only),
        cmocka_unit_test(test_stops_from_another_thread_are_never_lost),
        cmocka_unit_test(test_stops_from_a_signal_handler),
        cmocka_unit_test(test_a_stop_inside_the_handler),
        cmocka_unit_test(test_slices_of_host_time_do_not_change_results),
        cmocka_unit_test(test_slices_of_host_time_do_not_change_32bit_results),
        cmocka_unit_test(test_stops_do_not_change_results),
        cmocka_unit_test(test_stops_do_not_change_32bit_results),
        cmocka_unit_test(test_many_pages_stay_right_while_the_tlb_grows),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
