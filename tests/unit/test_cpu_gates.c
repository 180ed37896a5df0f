// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Gates that Unicorn lets execute, because their page is nothing but int3: whoever counts, watches,
 * or makes something else of the page must not find a difference to gates that do not.
 */
#include "cpu_fixture.h"
#include "cpu/unicorn/internal.h"

enum { GATE_PAGE = 0x1000, INT3 = 0xcc, NOP = 0x90 };

/* ---- Twins: a guest whose gates open, and one whose gates never do ----------------------------
 */

struct twins {
    struct guest open, shut;
};

static bool gates_run(const struct guest *g)
{
    return unicorn_executes(unicorn_of(g->cpu), GATE_AT);
}

static void fill_gates(struct guest *g, bool opens)
{
    uint8_t page[GATE_PAGE];
    memset(page, INT3, sizeof page);
    if (!opens)
        page[GATE_PAGE - 1] = NOP;
    guest_poke(g, GATE_AT, page, sizeof page);
}

static bool return_from_gate(struct guest *g, struct x86_state *st, const struct cpu_exit *exit)
{
    const bool wide = !x86_is_32bit(st);
    if (exit->kind != CPU_EXIT_GATE)
        return false;
    st->gpr[X86_RAX] += exit->address - GATE_AT + cpu_blocks(g->cpu) * 0x10000;
    uint64_t back = guest_peek64(g, st->gpr[X86_RSP]);
    st->rip = wide ? back : (uint32_t)back;
    st->gpr[X86_RAX] = wide ? st->gpr[X86_RAX] : (uint32_t)st->gpr[X86_RAX];
    st->gpr[X86_RSP] += wide ? 8 : 4;
    return true;
}

static void open_one(struct guest *g, struct guest_options o, bool opens)
{
    o.gates = true;
    o.gate_size = GATE_PAGE;
    guest_open_with(g, o);
    fill_gates(g, opens);
    g->handler = return_from_gate;
}

static void open_twins(struct twins *t, struct guest_options o, const uint8_t *code, size_t len)
{
    open_one(&t->open, o, true);
    open_one(&t->shut, o, false);
    guest_code_at(&t->open, CODE_AT, code, len);
    guest_code_at(&t->shut, CODE_AT, code, len);
}

static void close_twins(struct twins *t)
{
    guest_close(&t->open);
    guest_close(&t->shut);
}

static void assert_same_sights(const struct twins *t)
{
    assert_int_equal(t->open.sight_count, t->shut.sight_count);
    for (size_t i = 0; i < MIN(t->open.sight_count, (size_t)MAX_SIGHTS); i++) {
        const struct cpu_sight *a = &t->open.sights[i], *b = &t->shut.sights[i];
        assert_int_equal(a->kind, b->kind);
        assert_int_equal(a->address, b->address);
        assert_int_equal(a->size, b->size);
    }
}

static void assert_same(const struct twins *t)
{
    const struct guest *a = &t->open, *b = &t->shut;
    assert_int_equal(a->exit.kind, b->exit.kind);
    assert_int_equal(a->exit.address, b->exit.address);
    assert_int_equal(a->exit.vector, b->exit.vector);
    assert_memory_equal(&a->st, &b->st, X86_STATE_BASE_SIZE);
    assert_int_equal(cpu_blocks(a->cpu), cpu_blocks(b->cpu));
    assert_int_equal(cpu_instructions(a->cpu), cpu_instructions(b->cpu));
    assert_int_equal(a->count, b->count);
    for (size_t i = 0; i < MIN(a->count, (size_t)MAX_EXITS); i++) {
        assert_int_equal(a->seen[i].exit.kind, b->seen[i].exit.kind);
        assert_int_equal(a->seen[i].exit.access, b->seen[i].exit.access);
        assert_int_equal(a->seen[i].exit.address, b->seen[i].exit.address);
        assert_int_equal(a->seen[i].rip, b->seen[i].rip);
        assert_int_equal(a->seen[i].rflags, b->seen[i].rflags);
        assert_int_equal(a->seen[i].rax, b->seen[i].rax);
    }
    assert_same_sights(t);
    assert_false(gates_run(b));
}

static void run_twins(struct twins *t, uint64_t budget)
{
    cpu_run(t->open.cpu, &t->open.st, budget, &t->open.exit);
    cpu_run(t->shut.cpu, &t->shut.st, budget, &t->shut.exit);
    assert_same(t);
}

/* Calls, a jump, a return into a gate; loops around them; any byte of the page is a gate. */
GUEST_CODE(wide, "1: mov ecx, 3; 2: mov ebx, 0x700010; call rbx; add rsi, rax; dec ecx; jnz 2b;"
                 "lea rdx, [rip+3f]; push rdx; mov ebx, 0x700021; jmp rbx; 3: lea rdx, [rip+4f];"
                 "push rdx; push 0x700fff; stc; ret; 4: adc rsi, rax; jmp 1b");
GUEST_CODE32(narrow, "1: mov ecx, 3; 2: mov ebx, 0x700010; call ebx; add esi, eax; dec ecx; jnz 2b;"
                     "push 0x400025; mov ebx, 0x700021; jmp ebx; nop; nop; nop; nop; nop; nop;"
                     "nop; nop; push 0x400031; push 0x700fff; stc; ret; 4: adc esi, eax; jmp 1b");

static void open_loop(struct twins *t, bool narrow_code, struct guest_options o)
{
    const uint8_t *code = narrow_code ? narrow : wide;
    size_t len = (size_t)(narrow_code ? narrow_end - narrow : wide_end - wide);
    o.ptr_size = narrow_code ? 4 : 8;
    open_twins(t, o, code, len);
}

/* ---- Counts ---------------------------------------------------------------------------------- */

static void test_an_open_gate_is_no_block(void **state)
{
    for (int narrow_code = 0; narrow_code < 2; narrow_code++) {
        struct twins t;
        open_loop(&t, narrow_code, (struct guest_options){.count_blocks = true});
        for (unsigned i = 0; i < 200; i++) {
            cpu_set_slice(t.open.cpu, i % 7 + 1);
            cpu_set_slice(t.shut.cpu, i % 7 + 1);
            run_twins(&t, 0);
            assert_int_equal(t.open.exit.kind, CPU_EXIT_SLICE);
        }
        assert_true(t.open.count > 100);
        assert_true(gates_run(&t.open));
        close_twins(&t);
    }
}

static void test_an_open_gate_is_no_instruction(void **state)
{
    for (int narrow_code = 0; narrow_code < 2; narrow_code++) {
        struct twins t;
        open_loop(&t, narrow_code, (struct guest_options){.count_instructions = true});
        for (unsigned i = 0; i < 300; i++) {
            run_twins(&t, i % 5 + 1);
            assert_int_equal(t.open.exit.kind, CPU_EXIT_BUDGET);
        }
        assert_int_equal(cpu_instructions(t.open.cpu), 60 * (1 + 2 + 3 + 4 + 5));
        assert_true(gates_run(&t.open));
        close_twins(&t);
    }
}

static bool stop_at_gate(struct guest *g, struct x86_state *st, const struct cpu_exit *exit)
{
    cpu_stop(g->cpu);
    return return_from_gate(g, st, exit);
}

static void test_a_stop_at_an_open_gate_comes_before_the_next_block(void **state)
{
    struct twins t;
    open_loop(&t, false, (struct guest_options){0});
    t.open.handler = t.shut.handler = stop_at_gate;
    for (unsigned i = 0; i < 20; i++) {
        run_twins(&t, 0);
        assert_int_equal(t.open.exit.kind, CPU_EXIT_STOP);
    }
    assert_int_equal(t.open.count, 20);
    assert_true(gates_run(&t.open));
    close_twins(&t);
}

/* ---- Watching -------------------------------------------------------------------------------- */

static void test_nobody_is_told_of_an_open_gate(void **state)
{
    static const struct cpu_watch all[] = {{CPU_WATCH_CODE, 0, UINT64_MAX},
                                           {CPU_WATCH_BLOCK, 0, UINT64_MAX}};
    for (unsigned kinds = 1; kinds <= ARRAY_LEN(all); kinds++) {
        struct twins t;
        open_loop(&t, false, (struct guest_options){.count_blocks = true});
        assert_int_equal(cpu_watch(t.open.cpu, all, kinds), PGR_OK);
        assert_int_equal(cpu_watch(t.shut.cpu, all, kinds), PGR_OK);
        for (unsigned i = 0; i < 20; i++) {
            cpu_set_slice(t.open.cpu, 3);
            cpu_set_slice(t.shut.cpu, 3);
            run_twins(&t, 0);
        }
        assert_true(t.open.sight_count > 20);
        assert_true(gates_run(&t.open));
        close_twins(&t);
    }
}

static void test_gates_are_shut_while_data_is_watched(void **state)
{
    static const struct cpu_watch data = {CPU_WATCH_READ, GATE_AT, GATE_AT + 7};
    struct twins t;
    open_loop(&t, false, (struct guest_options){.count_blocks = true});
    for (unsigned i = 0; i < 60; i++) {
        if (i == 20 || i == 40) {
            assert_true(gates_run(&t.open) == (i == 20));
            assert_int_equal(cpu_watch(t.open.cpu, &data, i == 20), PGR_OK);
            assert_int_equal(cpu_watch(t.shut.cpu, &data, i == 20), PGR_OK);
        }
        cpu_set_slice(t.open.cpu, 5);
        cpu_set_slice(t.shut.cpu, 5);
        run_twins(&t, 0);
    }
    assert_true(gates_run(&t.open));
    close_twins(&t);
}

/* ---- The page and what is around it ---------------------------------------------------------- */

#define CALL_GATE "mov ebx, 0x700010; call rbx;"
GUEST_CODE(calls, CALL_GATE CALL_GATE "syscall");

static void assert_gates(struct guest *g, size_t n)
{
    assert_exit(g, CPU_EXIT_SERVICE, g->st.rip);
    assert_int_equal(g->count, n + 1);
    for (size_t i = 0; i < n; i++)
        assert_int_equal(g->seen[i].exit.kind, CPU_EXIT_GATE);
}

static void test_a_gate_that_the_guest_writes_to_does_not_run(void **state)
{
    GUEST_CODE(writes, "mov byte ptr [0x700010], 0xf4;" CALL_GATE
                       "mov byte ptr [0x700010], 0xcc;" CALL_GATE "syscall");
    struct guest g;
    open_one(&g, (struct guest_options){0}, true);
    guest_code(&g, calls);
    guest_run(&g);
    assert_gates(&g, 2);
    assert_true(gates_run(&g));
    guest_protect(&g, GATE_AT, GATE_PAGE, PAGE_EXECUTE_READWRITE);
    g.count = 0;
    guest_code(&g, writes);
    guest_run(&g);
    assert_gates(&g, 2);
    assert_false(gates_run(&g));
    guest_protect(&g, GATE_AT, GATE_PAGE, PAGE_EXECUTE_READ);
    g.count = 0;
    guest_code(&g, calls);
    guest_run(&g);
    assert_gates(&g, 2);
    assert_true(gates_run(&g));
    guest_close(&g);
}

static void test_a_gate_whose_page_changes_does_not_run(void **state)
{
    const uint8_t nop = NOP, int3 = INT3;
    struct guest g;
    open_one(&g, (struct guest_options){0}, true);
    for (int i = 0; i < 4; i++) {
        guest_poke(&g, GATE_AT + 0x10, i % 2 ? &nop : &int3, 1);
        g.count = 0;
        guest_code(&g, calls);
        guest_run(&g);
        assert_gates(&g, 2);
        assert_int_equal(gates_run(&g), i % 2 == 0);
    }
    guest_close(&g);
}

static void test_a_page_that_is_not_all_gates_does_not_run(void **state)
{
    GUEST_CODE(outside, CALL_GATE "mov ebx, 0x700800; jmp rbx");
    struct guest g;
    guest_open_with(&g, (struct guest_options){.gates = true});
    fill_gates(&g, true);
    g.handler = return_from_gate;
    guest_code(&g, outside);
    guest_run(&g);
    assert_fault(&g, GATE_AT + 0x800, CPU_EXECUTE, GATE_AT + 0x800);
    assert_int_equal(g.count, 2);
    guest_close(&g);
}

static void put_code_below(struct guest *g, uint8_t last)
{
    guest_alloc(g, GATE_AT - AREA, AREA, PAGE_EXECUTE_READ);
    guest_poke(g, GATE_AT - 1, &last, 1);
}

/* A block, and an instruction, that leads into the gates: they begin below. */
static void test_code_below_the_gates_shuts_them(void **state)
{
    GUEST_CODE(leads, CALL_GATE "test ecx, ecx; jz 1f; lea rdx, [rip+1f]; push rdx;"
                                "mov ebx, 0x6fffff; jmp rbx; 1: syscall");
    enum { REP = 0xf3 };
    for (int i = 0; i < 4; i++) {
        struct twins t;
        open_twins(&t, (struct guest_options){.count_blocks = i % 2}, leads,
                   (size_t)(leads_end - leads));
        run_twins(&t, 0);
        assert_true(gates_run(&t.open));
        put_code_below(&t.open, i < 2 ? NOP : REP);
        put_code_below(&t.shut, i < 2 ? NOP : REP);
        for (int round = 0; round < 3; round++) {
            t.open.st.rip = t.shut.st.rip = CODE_AT;
            t.open.st.gpr[X86_RCX] = t.shut.st.gpr[X86_RCX] = 1;
            run_twins(&t, 0);
            assert_int_equal(t.open.exit.kind, i < 2 ? CPU_EXIT_SERVICE : CPU_EXIT_FAULT);
            assert_false(gates_run(&t.open));
        }
        close_twins(&t);
    }
}

/* ---- What the handler sees and does ---------------------------------------------------------- */

static bool step_into_gate(struct guest *g, struct x86_state *st, const struct cpu_exit *exit)
{
    if (exit->kind == CPU_EXIT_EXCEPTION && exit->vector == X86_VEC_DB)
        return true;
    return return_from_gate(g, st, exit);
}

static void test_a_guest_that_steps_meets_open_gates_as_shut_ones(void **state)
{
    GUEST_CODE(steps,
               "mov edi, 2; 1:" CALL_GATE "pushfq; or dword ptr [rsp], 0x100; popfq;" CALL_GATE
               "dec edi; jnz 1b; syscall");
    struct twins t;
    open_twins(&t, (struct guest_options){.count_blocks = true}, steps,
               (size_t)(steps_end - steps));
    t.open.handler = t.shut.handler = step_into_gate;
    run_twins(&t, 0);
    assert_true(gates_run(&t.open));
    close_twins(&t);
}

static bool change_at_gate(struct guest *g, struct x86_state *st, const struct cpu_exit *exit)
{
    if (exit->kind != CPU_EXIT_GATE)
        return false;
    st->gpr[X86_RDX] = 0x1234;
    st->rflags |= X86_FLAG_CF;
    if (exit->address == GATE_AT + 0x20) { /* more than the general registers */
        cpu_sync(g->cpu, st);
        st->fx[X86_FX_XMM0] ^= 0xff;
    }
    return return_from_gate(g, st, exit);
}

static void test_what_a_handler_changes_at_an_open_gate_is_taken_over(void **state)
{
    GUEST_CODE(changed, "mov eax, 0x5a; movd xmm0, eax; fld1; clc;" CALL_GATE "setc cl; clc;"
                        "mov ebx, 0x700020; call rbx; setc ch; movd esi, xmm0; fld1;" CALL_GATE
                        "faddp; fistp dword ptr [rsp - 8]; mov edi, [rsp - 8]; syscall");
    struct guest g;
    open_one(&g, (struct guest_options){0}, true);
    g.handler = change_at_gate;
    guest_code(&g, changed);
    guest_run(&g);
    assert_gates(&g, 3);
    assert_true(gates_run(&g));
    assert_int_equal(g.st.gpr[X86_RDX], 0x1234);
    assert_int_equal(g.st.gpr[X86_RSI], 0x5a ^ 0xff);
    assert_int_equal(g.st.gpr[X86_RDI], 2);
    guest_close(&g);
}

static bool stay_twice(struct guest *g, struct x86_state *st, const struct cpu_exit *exit)
{
    return g->count % 3 ? exit->kind == CPU_EXIT_GATE : return_from_gate(g, st, exit);
}

static void test_a_gate_that_is_not_left_is_reached_again(void **state)
{
    struct twins t;
    open_twins(&t, (struct guest_options){.count_blocks = true}, calls,
               (size_t)(calls_end - calls));
    t.open.handler = t.shut.handler = stay_twice;
    run_twins(&t, 0);
    assert_int_equal(t.open.count, 2 * 3 + 1);
    assert_true(gates_run(&t.open));
    close_twins(&t);
}

static bool leave_at_gate(struct guest *g, struct x86_state *st, const struct cpu_exit *exit)
{
    return false;
}

static void test_a_run_can_end_and_begin_at_an_open_gate(void **state)
{
    GUEST_CODE(thrice, CALL_GATE CALL_GATE CALL_GATE "syscall");
    struct twins t;
    open_twins(&t, (struct guest_options){.count_blocks = true}, thrice,
               (size_t)(thrice_end - thrice));
    run_twins(&t, 0);
    t.open.st.rip = t.shut.st.rip = CODE_AT;
    t.open.handler = t.shut.handler = leave_at_gate;
    for (int i = 0; i < 3; i++) {
        run_twins(&t, 0);
        assert_exit(&t.open, CPU_EXIT_GATE, GATE_AT + 0x10);
    }
    assert_true(gates_run(&t.open));
    close_twins(&t);
}

/* A context says in front how much of it is copied. */
static void test_contexts_for_general_registers_are_small(void **state)
{
    size_t copied;
    struct guest g;
    guest_open(&g);
    memcpy(&copied, unicorn_of(g.cpu)->general, sizeof copied);
    assert_in_range(copied, (X86_GPR_COUNT + 1) * 8, 0x100);
    guest_close(&g);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_an_open_gate_is_no_block),
        cmocka_unit_test(test_an_open_gate_is_no_instruction),
        cmocka_unit_test(test_a_stop_at_an_open_gate_comes_before_the_next_block),
        cmocka_unit_test(test_nobody_is_told_of_an_open_gate),
        cmocka_unit_test(test_gates_are_shut_while_data_is_watched),
        cmocka_unit_test(test_a_gate_that_the_guest_writes_to_does_not_run),
        cmocka_unit_test(test_a_gate_whose_page_changes_does_not_run),
        cmocka_unit_test(test_a_page_that_is_not_all_gates_does_not_run),
        cmocka_unit_test(test_code_below_the_gates_shuts_them),
        cmocka_unit_test(test_a_guest_that_steps_meets_open_gates_as_shut_ones),
        cmocka_unit_test(test_what_a_handler_changes_at_an_open_gate_is_taken_over),
        cmocka_unit_test(test_a_gate_that_is_not_left_is_reached_again),
        cmocka_unit_test(test_a_run_can_end_and_begin_at_an_open_gate),
        cmocka_unit_test(test_contexts_for_general_registers_are_small),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
