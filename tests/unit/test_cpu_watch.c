// SPDX-License-Identifier: GPL-2.0-or-later
/* What engines tell of code as it runs, and when they do: cpu_watch(). */
#include "watch_fixture.h"

/* ---- Code ------------------------------------------------------------------------------------ */

GUEST_CODE(loop, "mov ecx, 2; 1: dec ecx; jnz 1b; syscall");

static void test_instructions_are_told_of_before_they_run(void **state)
{
    struct guest g;
    open_guest(&g, (struct guest_options){0});
    watch_all(&g, ON_CODE);
    RUN(&g, loop);
    ASSERT_SIGHTS(&g, CODE(0, 5), CODE(5, 2), CODE(7, 2), CODE(5, 2), CODE(7, 2), CODE(9, 2));
    guest_close(&g);
}

static void test_32bit_instructions_are_told_of(void **state)
{
    GUEST_CODE32(code32, "mov ecx, 2; 1: dec ecx; jnz 1b; push ecx; mov eax, [0x500000]; int 0x2e");
    struct guest g;
    open_guest(&g, (struct guest_options){.ptr_size = 4});
    watch_all(&g, ON_CODE | ON_READ | ON_WRITE);
    guest_code(&g, code32);
    guest_run(&g);
    assert_int_equal(g.exit.kind, CPU_EXIT_INTERRUPT);
    ASSERT_SIGHTS(&g, CODE(0, 5), CODE(5, 1), CODE(6, 2), CODE(5, 1), CODE(6, 2), CODE(8, 1),
                  WRITE(8, STACK - 4, 4, 0), CODE(9, 5), READ(9, DATA_AT, 4), CODE(14, 2));
    guest_close(&g);
}

static void test_only_what_is_watched_is_told_of(void **state)
{
    const struct cpu_watch list[] = {
        {CPU_WATCH_CODE, CODE_AT + 7, CODE_AT + 7},
        {CPU_WATCH_CODE, CODE_AT + 9, CODE_AT + 100},
        {CPU_WATCH_CODE, CODE_AT + 50, CODE_AT + 60},
    };
    struct guest g;
    open_guest(&g, (struct guest_options){0});
    size_t before = cpu_hooks(g.cpu);
    assert_int_equal(cpu_watch(g.cpu, list, ARRAY_LEN(list)), PGR_OK);
    assert_int_equal(cpu_hooks(g.cpu), before + 2);
    RUN(&g, loop);
    ASSERT_SIGHTS(&g, CODE(7, 2), CODE(7, 2), CODE(9, 2));
    assert_int_equal(cpu_watch(g.cpu, NULL, 0), PGR_OK);
    assert_int_equal(cpu_hooks(g.cpu), before);
    RUN(&g, loop);
    assert_int_equal(g.sight_count, 3);
    guest_close(&g);
}

static void run_loop(struct guest *g) /* without putting it there again */
{
    g->st.rip = CODE_AT;
    run_to_service(g, 11);
}

static void test_ranges_come_and_go_while_code_is_translated(void **state)
{
    struct guest g;
    open_guest(&g, (struct guest_options){0});
    RUN(&g, loop);
    for (int i = 0; i < 3; i++) {
        g.sight_count = 0;
        watch(&g, CPU_WATCH_CODE, CODE_AT + 7, CODE_AT + 7);
        run_loop(&g);
        ASSERT_SIGHTS(&g, CODE(7, 2), CODE(7, 2));
        const struct cpu_watch two[] = {{CPU_WATCH_CODE, CODE_AT - 0x1000, CODE_AT},
                                        {CPU_WATCH_CODE, CODE_AT + 9, CODE_AT + 0x1fff}};
        g.sight_count = 0;
        assert_int_equal(cpu_watch(g.cpu, two + 1, 1), PGR_OK);
        run_loop(&g);
        ASSERT_SIGHTS(&g, CODE(9, 2));
        assert_int_equal(cpu_watch(g.cpu, two, 2), PGR_OK); /* before it nothing is mapped */
        run_loop(&g);
        ASSERT_SIGHTS(&g, CODE(9, 2), CODE(0, 5), CODE(9, 2));
        watch(&g, CPU_WATCH_CODE, UINT64_MAX, UINT64_MAX);
        watch(&g, CPU_WATCH_CODE, 0, 0);
        run_loop(&g);
        assert_int_equal(cpu_watch(g.cpu, NULL, 0), PGR_OK);
        run_loop(&g);
        assert_int_equal(g.sight_count, 3);
    }
    guest_close(&g);
}

static void test_nobody_to_tell_is_refused(void **state)
{
    const struct cpu_watch w = {CPU_WATCH_CODE, 0, UINT64_MAX};
    struct guest g;
    guest_open(&g);
    if (!guest_engine_can(CPU_CAP_OBSERVE))
        assert_int_equal(cpu_watch(g.cpu, &w, 1), PGR_E_UNSUPPORTED);
    assert_int_equal(cpu_watch(g.cpu, NULL, 0), PGR_OK);
    guest_close(&g);
}

/* ---- State ----------------------------------------------------------------------------------- */

GUEST_CODE(arithmetic, "mov eax, 5; sub eax, 5; movd xmm1, ecx; sub eax, 1; adc ebx, 0; stc;"
                       "pushfq; pop rdx; add eax, 1; lea rsi, [rsi+1]; syscall");
enum {
    AR_SUB = 5,
    AR_MOVD = 8,
    AR_SUB1 = 12,
    AR_ADC = 15,
    AR_STC = 18,
    AR_PUSHF = 19,
    AR_POP = 20
};

static enum cpu_sight_answer note_state(struct guest *g, struct x86_state *st,
                                        const struct cpu_sight *sight)
{
    struct x86_state *seen = g->arg;
    memset(st->gpr, 0x77, sizeof st->gpr); /* stale */
    cpu_sync(g->cpu, st);
    seen[g->sight_count - 1] = *st;
    return CPU_SIGHT_GO_ON;
}

static void test_the_state_is_that_before_the_instruction(void **state)
{
    enum { COUNT = 11 };
    static struct x86_state seen[COUNT + 1];
    struct guest g;
    open_guest(&g, (struct guest_options){0});
    g.arg = seen;
    g.watcher = note_state;
    watch_all(&g, ON_CODE);
    g.st.gpr[X86_RCX] = 0x1234;
    g.st.gpr[X86_RBX] = 7;
    RUN(&g, arithmetic);
    assert_int_equal(g.sight_count, COUNT);
    for (size_t i = 0; i < COUNT; i++) {
        assert_int_equal(seen[i].rip, g.sights[i].ip);
        assert_int_equal(seen[i].cs, X86_SEL_CODE64);
    }
    assert_int_equal(seen[1].gpr[X86_RAX], 5);
    assert_int_equal(seen[2].rflags & X86_FLAGS_USER & ~0x200u, 0x44); /* ZF PF */
    assert_int_equal(seen[3].rflags & 0xd5, 0x44);
    assert_int_equal(seen[3].fx[X86_FX_XMM0 + 16], 0x34);
    assert_int_equal(seen[4].rflags & 0xd5, 0x95); /* SF AF PF CF */
    assert_int_equal(seen[5].gpr[X86_RBX], 8);
    assert_int_equal(seen[5].rflags & 0xd5, 0);
    assert_int_equal(seen[6].rflags & 1, 1);
    assert_int_equal(seen[8].gpr[X86_RDX] & 0xd5, 1);
    assert_int_equal(seen[9].rflags & 0xd5, 0x55); /* ZF AF PF CF of -1 + 1 */
    assert_int_equal(g.st.gpr[X86_RSI], 1);
    guest_close(&g);
}

/* The same program, watched in every way and looked at, ends with the same state. */
static void test_watching_changes_nothing(void **state)
{
    GUEST_CODE(busy, "mov ecx, 300; 1: imul rax, rax, 31; add rax, rcx; rcl rbx, 3; pushfq;"
                     "pop rdx; xor r8, rdx; adc r9, r8; lea rdi, [rcx*8+0x500000]; mov [rdi], rax;"
                     "sbb [rdi], rbx; bt eax, 3; setc al; lock xadd [rdi], rax; cmp [rdi-8], rax;"
                     "movdqu xmm0, [rdi]; paddq xmm1, xmm0; movdqu [rdi+3], xmm1; shl rdx, cl;"
                     "cmovs r9, rdx; fild qword ptr [rdi]; faddp; shld rax, rbx, cl; push rcx;"
                     "call 2f; pop rcx; dec ecx; jnz 1b; syscall;"
                     "2: cld; mov esi, 0x500000; mov edi, 0x504ff9; mov ecx, 7; rep movsb;"
                     "lea rdi, [rsi+1]; mov ecx, 20; repne scasb; cpuid; ret");
    static const unsigned kinds[] = {
        0, ON_CODE, ON_BLOCK, ON_MEMORY, ON_CODE | ON_BLOCK | ON_MEMORY | ON_CPUID,
    };
    struct x86_state end[ARRAY_LEN(kinds)];
    uint64_t blocks[ARRAY_LEN(kinds)], instructions[ARRAY_LEN(kinds)];
    static struct x86_state scratch[1 << 16];

    for (int count = 0; count < 2; count++) {
        for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
            struct guest g;
            open_guest(&g, (struct guest_options){.count_instructions = count});
            g.watcher = i ? note_state : NULL;
            g.arg = scratch;
            watch_all(&g, kinds[i]);
            g.st.gpr[X86_RAX] = 12345;
            guest_code(&g, busy);
            guest_run(&g);
            assert_int_equal(g.exit.kind, CPU_EXIT_SERVICE);
            assert_true(g.sight_count < ARRAY_LEN(scratch));
            if (i)
                assert_true(g.sight_count > 300);
            end[i] = g.st;
            blocks[i] = cpu_blocks(g.cpu);
            instructions[i] = cpu_instructions(g.cpu);
            assert_memory_equal(&end[i], &end[0], X86_STATE_BASE_SIZE);
            assert_int_equal(blocks[i], blocks[0]);
            assert_int_equal(instructions[i], instructions[0]);
            guest_close(&g);
        }
    }
}

/* ---- Changes --------------------------------------------------------------------------------- */

static enum cpu_sight_answer change_rcx(struct guest *g, struct x86_state *st,
                                        const struct cpu_sight *sight)
{
    cpu_sync(g->cpu, st);
    if (sight->ip == CODE_AT + 5 && st->gpr[X86_RCX] == 2)
        st->gpr[X86_RCX] = 1;
    return CPU_SIGHT_GO_ON;
}

static void test_changed_registers_are_taken_over(void **state)
{
    static const unsigned kinds[] = {ON_CODE, ON_BLOCK, ON_CODE | ON_READ};
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
        struct guest g;
        open_guest(&g, (struct guest_options){0});
        g.watcher = change_rcx;
        watch_all(&g, kinds[i]);
        guest_code(&g, loop);
        if (kinds[i] == ON_BLOCK) { /* a block begins at the decrement */
            g.st.rip += 5;
            g.st.gpr[X86_RCX] = 2;
        }
        guest_run(&g);
        assert_exit(&g, CPU_EXIT_SERVICE, CODE_AT + 11);
        if (kinds[i] == ON_BLOCK)
            ASSERT_SIGHTS(&g, BLOCK(5, 4), BLOCK(9, 2));
        else
            ASSERT_SIGHTS(&g, CODE(0, 5), CODE(5, 2), CODE(7, 2), CODE(9, 2));
        guest_close(&g);
    }
}

static enum cpu_sight_answer change_everything(struct guest *g, struct x86_state *st,
                                               const struct cpu_sight *sight)
{
    if (sight->ip != CODE_AT + AR_SUB1)
        return CPU_SIGHT_GO_ON;
    cpu_sync(g->cpu, st);
    st->gpr[X86_RAX] = 0x100;
    st->gpr[X86_RCX] = 0x99;
    st->rflags |= 0x800; /* OF, which sub overwrites */
    st->fx[X86_FX_XMM0 + 16 + 15] = 0xee;
    return CPU_SIGHT_GO_ON;
}

static void test_all_of_the_state_can_be_changed_once(void **state)
{
    static const unsigned kinds[] = {ON_CODE, ON_CODE | ON_WRITE};
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
        for (int count = 0; count < 2; count++) {
            struct guest g;
            open_guest(&g, (struct guest_options){.count_instructions = count});
            g.watcher = change_everything;
            watch_all(&g, kinds[i]);
            RUN(&g, arithmetic);
            assert_int_equal(g.st.gpr[X86_RAX], 0x100);
            assert_int_equal(g.st.fx[X86_FX_XMM0 + 16 + 15], 0xee);
            assert_int_equal(g.sight_count, 11 + (i != 0));
            if (count)
                assert_int_equal(cpu_instructions(g.cpu), 11);
            assert_int_equal(cpu_blocks(g.cpu), 1);
            guest_close(&g);
        }
    }
}

static enum cpu_sight_answer skip_instruction(struct guest *g, struct x86_state *st,
                                              const struct cpu_sight *sight)
{
    if (sight->ip != CODE_AT + AR_SUB1 || g->sight_count > 4)
        return CPU_SIGHT_GO_ON;
    cpu_sync(g->cpu, st);
    st->rip = g->sight_count == 4 ? CODE_AT + AR_SUB : CODE_AT + AR_ADC;
    return CPU_SIGHT_GO_ON;
}

/* Back to an instruction that has been told of: it is told of again, as is the one that was left.
 */
static void test_another_rip_is_gone_to_at_once(void **state)
{
    struct guest g;
    open_guest(&g, (struct guest_options){0});
    g.watcher = skip_instruction;
    watch_all(&g, ON_CODE);
    RUN(&g, arithmetic);
    ASSERT_SIGHTS(&g, CODE(0, 5), CODE(AR_SUB, 3), CODE(AR_MOVD, 4), CODE(AR_SUB1, 3),
                  CODE(AR_SUB, 3), CODE(AR_MOVD, 4), CODE(AR_SUB1, 3), CODE(AR_ADC, 3),
                  CODE(AR_STC, 1), CODE(AR_PUSHF, 1), CODE(AR_POP, 1), CODE(21, 3), CODE(24, 4),
                  CODE(28, 2));
    assert_int_equal(g.st.gpr[X86_RAX], (uint32_t)-5);
    guest_close(&g);
}

static enum cpu_sight_answer leave_block(struct guest *g, struct x86_state *st,
                                         const struct cpu_sight *sight)
{
    if (g->sight_count == 1) {
        cpu_sync(g->cpu, st);
        st->rip = CODE_AT + 9;
    }
    return CPU_SIGHT_GO_ON;
}

static void test_a_block_can_be_left_out(void **state)
{
    struct guest g;
    open_guest(&g, (struct guest_options){0});
    g.watcher = leave_block;
    watch_all(&g, ON_BLOCK);
    g.st.gpr[X86_RCX] = 77;
    RUN(&g, loop);
    ASSERT_SIGHTS(&g, BLOCK(0, 9), BLOCK(9, 2));
    guest_close(&g);
}

/* Code that is about to run, changed by whoever is told of it. */
static enum cpu_sight_answer patch_next(struct guest *g, struct x86_state *st,
                                        const struct cpu_sight *sight)
{
    static const uint8_t mov_ecx_1[] = {0xb9, 1, 0, 0, 0};
    if (sight->ip == CODE_AT)
        guest_poke(g, CODE_AT, mov_ecx_1, sizeof mov_ecx_1);
    return CPU_SIGHT_GO_ON;
}

static void test_code_patched_when_it_is_told_of_runs_patched(void **state)
{
    static const unsigned kinds[] = {ON_CODE, ON_BLOCK, ON_CODE | ON_BLOCK, ON_CODE | ON_READ};
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
        struct guest g;
        open_guest(&g, (struct guest_options){0});
        watch_all(&g, kinds[i]);
        RUN(&g, loop);
        size_t before = g.sight_count;
        g.watcher = patch_next;
        RUN(&g, loop);
        unsigned told = 4 * !!(kinds[i] & ON_CODE) + 2 * !!(kinds[i] & ON_BLOCK);
        assert_int_equal(g.sight_count, before + told);
        guest_close(&g);
    }
}

/* ---- Stops ----------------------------------------------------------------------------------- */

static enum cpu_sight_answer stop_once(struct guest *g, struct x86_state *st,
                                       const struct cpu_sight *sight)
{
    uint64_t *at = g->arg;
    if (sight->ip != *at)
        return CPU_SIGHT_GO_ON;
    *at = 0;
    return CPU_SIGHT_STOP;
}

static void test_a_stop_comes_before_the_instruction(void **state)
{
    static const uint64_t where[] = {0, AR_SUB1, AR_PUSHF, 28};
    static const unsigned kinds[] = {ON_CODE, ON_CODE | ON_BLOCK, ON_CODE | ON_READ};
    for (size_t i = 0; i < ARRAY_LEN(where) * ARRAY_LEN(kinds) * 2; i++) {
        unsigned kind = kinds[i / 2 % ARRAY_LEN(kinds)];
        uint64_t at = CODE_AT + where[i / 2 / ARRAY_LEN(kinds)], stop = at;
        struct guest g, plain;
        open_guest(&plain, (struct guest_options){.count_instructions = i & 1});
        RUN(&plain, arithmetic);
        open_guest(&g, (struct guest_options){.count_instructions = i & 1});
        g.arg = &stop;
        g.watcher = stop_once;
        watch_all(&g, kind);
        guest_code(&g, arithmetic);
        guest_run(&g);
        if ((kind & ON_BLOCK) && at == CODE_AT) /* of the block, then */
            assert_int_equal(g.sights[0].kind, CPU_WATCH_BLOCK);
        assert_exit(&g, CPU_EXIT_STOP, at);
        guest_run(&g);
        assert_exit(&g, CPU_EXIT_SERVICE, CODE_AT + 30);
        assert_memory_equal(&g.st, &plain.st, X86_STATE_BASE_SIZE);
        assert_int_equal(cpu_blocks(g.cpu), cpu_blocks(plain.cpu));
        assert_int_equal(cpu_instructions(g.cpu), cpu_instructions(plain.cpu));
        /* What was told of is told of again. */
        assert_int_equal(g.sight_count, 11 + 1 + !!(kind & ON_BLOCK) + !!(kind & ON_READ));
        guest_close(&g);
        guest_close(&plain);
    }
}

static void test_a_stop_is_of_one_thread(void **state)
{
    uint64_t at = CODE_AT + AR_SUB1;
    struct x86_state other;
    struct guest g;
    open_guest(&g, (struct guest_options){0});
    g.arg = &at;
    g.watcher = stop_once;
    watch(&g, CPU_WATCH_CODE, at, at);
    guest_code(&g, arithmetic);
    other = g.st;
    guest_run(&g);
    assert_exit(&g, CPU_EXIT_STOP, CODE_AT + AR_SUB1);
    cpu_run(g.cpu, &other, 0, &g.exit);
    assert_int_equal(other.rip, CODE_AT + 30);
    assert_int_equal(g.sight_count, 2);
    run_to_service(&g, 30);
    assert_int_equal(g.sight_count, 3);
    assert_int_equal(cpu_blocks(g.cpu), 2);
    guest_close(&g);
}

static void test_a_stop_for_data_comes_after_the_instruction(void **state)
{
    GUEST_CODE(accesses, "add [rcx], rax; inc rdx; push rax; call 1f; 1: mov rbx, [rcx]; syscall");
    static const struct {
        unsigned kind;
        uint64_t at, rip, rdx;
    } cases[] = {
        {ON_READ, 0, 3, 0},  {ON_WRITE, 0, 3, 0},  {ON_READ_AFTER, 0, 3, 0},
        {ON_WRITE, 6, 7, 1}, {ON_WRITE, 7, 12, 1}, {ON_READ, 12, 15, 1},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases) * 2; i++) {
        uint64_t at = CODE_AT + cases[i / 2].at;
        struct guest g;
        open_guest(&g, (struct guest_options){.count_instructions = i & 1});
        g.arg = &at;
        g.watcher = stop_once;
        watch_all(&g, cases[i / 2].kind);
        guest_code(&g, accesses);
        g.st.gpr[X86_RAX] = 3;
        g.st.gpr[X86_RCX] = DATA_AT;
        guest_run(&g);
        assert_exit(&g, CPU_EXIT_STOP, CODE_AT + cases[i / 2].rip);
        assert_int_equal(guest_peek64(&g, DATA_AT), 3);
        assert_int_equal(g.st.gpr[X86_RDX], cases[i / 2].rdx);
        size_t told = g.sight_count;
        guest_run(&g);
        assert_exit(&g, CPU_EXIT_SERVICE, CODE_AT + 17);
        assert_int_equal(g.sight_count, cases[i / 2].kind == ON_WRITE ? 3 : 2);
        assert_true(told >= 1);
        assert_int_equal(cpu_blocks(g.cpu), 2);
        if (i & 1)
            assert_int_equal(cpu_instructions(g.cpu), 6);
        assert_int_equal(guest_peek64(&g, DATA_AT), 3);
        guest_close(&g);
    }
}

static void test_a_stop_for_data_comes_before_the_gate_that_follows(void **state)
{
    GUEST_CODE(to_gate, "mov ebx, 0x700010; call rbx; syscall");
    uint64_t at = CODE_AT + 5;
    struct guest g;
    open_guest(&g, (struct guest_options){.gates = true});
    g.arg = &at;
    g.watcher = stop_once;
    watch_all(&g, ON_WRITE);
    guest_code(&g, to_gate);
    guest_run(&g);
    assert_exit(&g, CPU_EXIT_STOP, GATE_AT + 0x10);
    guest_run(&g);
    assert_exit(&g, CPU_EXIT_GATE, GATE_AT + 0x10);
    ASSERT_SIGHTS(&g, WRITE(5, STACK - 8, 8, CODE_AT + 7));
    guest_close(&g);
}

/* Narrow ranges are told of by code that cannot stop in the middle of a block. */
static void test_nothing_happens_behind_a_stop(void **state)
{
    const uint64_t mark = 0x1234;
    uint64_t at = CODE_AT + AR_SUB1;
    struct guest g;
    open_guest(&g, (struct guest_options){0});
    RUN(&g, arithmetic); /* the stack is mirrored now */
    guest_poke(&g, STACK - 8, &mark, sizeof mark);
    g.arg = &at;
    g.watcher = stop_once;
    watch(&g, CPU_WATCH_CODE, at, at);
    guest_code(&g, arithmetic);
    guest_run(&g);
    assert_exit(&g, CPU_EXIT_STOP, CODE_AT + AR_SUB1);
    assert_int_equal(guest_peek64(&g, STACK - 8), mark);
    run_to_service(&g, 30);
    assert_int_not_equal(guest_peek64(&g, STACK - 8), mark);
    guest_close(&g);
}

static void test_a_stop_for_data_comes_before_the_next_block(void **state)
{
    GUEST_CODE(calls, "push rax; call 1f; 1: syscall");
    uint64_t at = CODE_AT + 1;
    struct guest g;
    open_guest(&g, (struct guest_options){0});
    g.arg = &at;
    g.watcher = stop_once;
    watch_all(&g, ON_BLOCK | ON_WRITE);
    guest_code(&g, calls);
    guest_run(&g);
    assert_exit(&g, CPU_EXIT_STOP, CODE_AT + 6);
    assert_int_equal(g.sight_count, 3);
    run_to_service(&g, 8);
    ASSERT_SIGHTS(&g, BLOCK(0, 6), WRITE(0, STACK - 8, 8, 0), WRITE(1, STACK - 16, 8, CODE_AT + 6),
                  BLOCK(6, 2));
    guest_close(&g);
}

static enum cpu_sight_answer stop_the_engine(struct guest *g, struct x86_state *st,
                                             const struct cpu_sight *sight)
{
    if (sight->ip != CODE_AT + AR_SUB1)
        return CPU_SIGHT_GO_ON;
    cpu_sync(g->cpu, st);
    st->rflags ^= 0x800;
    cpu_stop(g->cpu);
    return CPU_SIGHT_GO_ON;
}

static void test_what_was_told_of_runs_before_the_engine_stops(void **state)
{
    struct guest g;
    open_guest(&g, (struct guest_options){0});
    g.watcher = stop_the_engine;
    watch_all(&g, ON_CODE);
    guest_code(&g, arithmetic);
    guest_run(&g);
    if (g.exit.kind == CPU_EXIT_STOP)
        guest_run(&g);
    assert_exit(&g, CPU_EXIT_SERVICE, CODE_AT + 30);
    assert_int_equal(g.sight_count, 11);
    guest_close(&g);
}

/* ---- cpuid ----------------------------------------------------------------------------------- */

GUEST_CODE(identify, "xor ecx, ecx; mov eax, 1; cpuid; mov esi, eax; 1: inc edi; syscall");

enum { CPUID_AT = 7 };

static enum cpu_sight_answer at_cpuid(struct guest *g, struct x86_state *st,
                                      const struct cpu_sight *sight)
{
    int *what = g->arg;
    switch (*what) {
    case 1: /* another leaf */
        cpu_sync(g->cpu, st);
        assert_int_equal(st->rip, sight->ip);
        st->gpr[X86_RAX] = 0;
        return CPU_SIGHT_GO_ON;
    case 2:
    case 3:
        cpu_sync(g->cpu, st);
        st->gpr[X86_RAX] = 0x4242;
        if (*what == 3)
            st->fx[X86_FX_XMM0] = 0x77;
        return CPU_SIGHT_DONE;
    case 4: /* passes over the next one, too */
        cpu_sync(g->cpu, st);
        st->rip += 4;
        st->gpr[X86_RSI] = 0x11;
        return CPU_SIGHT_DONE;
    case 5:
        *what = 0;
        return CPU_SIGHT_STOP;
    case 6:
        return CPU_SIGHT_DONE;
    default:
        return CPU_SIGHT_GO_ON;
    }
}

static void test_cpuid_is_told_of_and_answered(void **state)
{
    uint32_t first_leaf = 7, signature = 0x306c3;
    const uint32_t expected[] = {signature, first_leaf, 0x4242, 0x4242, 0x11, signature, 1};
    for (int i = 0; i < (int)ARRAY_LEN(expected) * 4; i++) {
        int what = i / 4;
        struct guest g;
        open_guest(&g, (struct guest_options){.count_instructions = i & 1});
        g.watcher = at_cpuid;
        g.arg = &what;
        watch_all(&g, ON_CPUID | (i & 2 ? ON_BLOCK : 0));
        if (i & 2) /* blocks are told of by the same function */
            watch_all(&g, ON_CPUID);
        guest_code(&g, identify);
        guest_run(&g);
        if (i / 4 == 5) {
            assert_exit(&g, CPU_EXIT_STOP, CODE_AT + CPUID_AT);
            guest_run(&g);
        }
        assert_exit(&g, CPU_EXIT_SERVICE, CODE_AT + 15);
        assert_int_equal(g.st.gpr[X86_RSI], expected[i / 4]);
        assert_int_equal(g.st.gpr[X86_RDI], 1);
        assert_int_equal(g.sight_count, 1 + (i / 4 == 5));
        assert_int_equal(g.sights[0].ip, CODE_AT + CPUID_AT);
        assert_int_equal(g.sights[0].size, 2);
        assert_int_equal(g.st.fx[X86_FX_XMM0], i / 4 == 3 ? 0x77 : 0);
        assert_int_equal(cpu_blocks(g.cpu), 1 + (i / 4 == 4));
        if (i & 1)
            assert_int_equal(cpu_instructions(g.cpu), 6 - (i / 4 == 4));
        guest_close(&g);
    }
}

/* ---- The list changes ------------------------------------------------------------------------ */

static bool watch_from_handler(struct guest *g, struct x86_state *st, const struct cpu_exit *exit)
{
    const unsigned *kinds = g->arg;
    if (g->count > 2)
        return false;
    watch_all(g, kinds[g->count - 1]);
    return true;
}

static void test_a_handler_changes_the_list(void **state)
{
    GUEST_CODE(services, "wrfsbase rsi; syscall; mov rdx, [rsi]; int 0x2e; mov rdx, [rsi];"
                         "syscall");
    static const unsigned kinds[] = {ON_CODE | ON_READ, ON_READ, 0, ON_READ, ON_READ, 0};
    for (size_t i = 0; i < ARRAY_LEN(kinds) / 2; i++) {
        struct guest g;
        open_guest(&g, (struct guest_options){0});
        g.handler = watch_from_handler;
        g.arg = (void *)&kinds[i * 2];
        g.st.gpr[X86_RSI] = DATA_AT;
        RUN(&g, services);
        if (i == 0)
            ASSERT_SIGHTS(&g, CODE(7, 3), READ(7, DATA_AT, 8), CODE(10, 2), READ(12, DATA_AT, 8));
        else if (i == 1)
            ASSERT_SIGHTS(&g, READ(12, DATA_AT, 8));
        else
            ASSERT_SIGHTS(&g, READ(7, DATA_AT, 8));
        assert_int_equal(g.st.fs_base, DATA_AT);
        assert_int_equal(cpu_hooks(g.cpu), BASE_HOOKS + (i == 2 ? 0 : 1 + 2));
        guest_close(&g);
    }
}

static enum cpu_sight_answer rewatch(struct guest *g, struct x86_state *st,
                                     const struct cpu_sight *sight)
{
    const unsigned *kinds = g->arg;
    watch_all(g, kinds[g->sight_count < 3 ? g->sight_count : 3]);
    return CPU_SIGHT_GO_ON;
}

static void test_a_list_that_changes_counts_from_the_next_instruction(void **state)
{
    GUEST_CODE(changes, "add [rcx], rax; push rax; add [rcx], rax; push rax; syscall");
    static const unsigned lists[][4] = {
        {ON_CODE, ON_MEMORY, ON_CODE, 0},
        {ON_READ, ON_CODE | ON_WRITE, ON_CODE | ON_WRITE, 0},
        {ON_BLOCK, ON_CODE, 0, 0},
    };
    for (size_t i = 0; i < ARRAY_LEN(lists) * 2; i++) {
        struct guest g;
        open_guest(&g, (struct guest_options){.count_instructions = i & 1});
        g.watcher = rewatch;
        g.arg = (void *)lists[i / 2];
        watch_all(&g, lists[i / 2][0]);
        g.st.gpr[X86_RAX] = 1;
        g.st.gpr[X86_RCX] = DATA_AT;
        RUN(&g, changes);
        switch (i / 2) {
        case 0:
            ASSERT_SIGHTS(&g, CODE(0, 3), WRITE(3, STACK - 8, 8, 1), CODE(4, 3));
            break;
        case 1:
            ASSERT_SIGHTS(&g, READ(0, DATA_AT, 8), CODE(3, 1), WRITE(3, STACK - 8, 8, 1));
            break;
        case 2:
            ASSERT_SIGHTS(&g, BLOCK(0, 10), CODE(0, 3));
            break;
        }
        assert_int_equal(guest_peek64(&g, DATA_AT), 2);
        assert_int_equal(cpu_blocks(g.cpu), 1);
        if (i & 1)
            assert_int_equal(cpu_instructions(g.cpu), 5);
        guest_close(&g);
    }
}

static enum cpu_sight_answer drop_memory(struct guest *g, struct x86_state *st,
                                         const struct cpu_sight *sight)
{
    if (g->sight_count == 1) {
        watch_all(g, ON_CODE);
        if (g->arg) {
            cpu_sync(g->cpu, st);
            st->fx[X86_FX_XMM0] = 1;
        }
    }
    return CPU_SIGHT_GO_ON;
}

/* Until then the old list counts: also for what the instruction accesses that was told of. */
static void test_a_list_that_changes_counts_no_sooner(void **state)
{
    GUEST_CODE(drops, "inc rdx; mov rax, [rcx]; mov rax, [rcx]; syscall");
    for (int i = 0; i < 4; i++) {
        struct guest g;
        open_guest(&g, (struct guest_options){0});
        g.watcher = drop_memory;
        g.arg = i & 1 ? &g : NULL;
        watch_all(&g, ON_CODE | ON_READ);
        g.st.gpr[X86_RCX] = DATA_AT;
        guest_code(&g, drops);
        g.st.rip += i & 2 ? 3 : 0;
        run_to_service(&g, 11);
        if (i & 2)
            ASSERT_SIGHTS(&g, CODE(3, 3), READ(3, DATA_AT, 8), CODE(6, 3), CODE(9, 2));
        else
            ASSERT_SIGHTS(&g, CODE(0, 3), CODE(3, 3), CODE(6, 3), CODE(9, 2));
        guest_close(&g);
    }
}

/* The library looks at all code that had a hook when the hook goes. */
static void test_code_that_was_watched_may_be_gone(void **state)
{
    const uint64_t at = 0x800000;
    uint64_t base = at, size = 0;
    struct guest g;
    open_guest(&g, (struct guest_options){0});
    guest_alloc(&g, at, AREA, PAGE_EXECUTE_READWRITE);
    watch_all(&g, ON_CODE | ON_BLOCK | ON_READ);
    guest_code_at(&g, at, loop, (size_t)(loop_end - loop));
    guest_run(&g);
    assert_exit(&g, CPU_EXIT_SERVICE, at + 11);
    assert_int_equal(mem_release(g.mem, &base, &size), STATUS_SUCCESS);
    RUN(&g, loop);
    assert_int_equal(cpu_watch(g.cpu, NULL, 0), PGR_OK);
    assert_int_equal(g.count, 2);
    RUN(&g, loop);
    g.st.rip = at;
    guest_run(&g);
    assert_fault(&g, at, CPU_EXECUTE, at);
    assert_int_equal(g.count, 4);
    guest_close(&g);
}

static enum cpu_sight_answer drop_blocks(struct guest *g, struct x86_state *st,
                                         const struct cpu_sight *sight)
{
    if (sight->kind == (g->arg ? CPU_WATCH_CODE : CPU_WATCH_WRITE) && sight->ip == CODE_AT)
        watch_all(g, ON_CODE);
    return CPU_SIGHT_GO_ON;
}

static void test_a_list_that_changes_counts_before_the_next_block(void **state)
{
    GUEST_CODE(one_call, "call 1f; 1: syscall");
    for (int i = 0; i < 2; i++) {
        struct guest g;
        open_guest(&g, (struct guest_options){0});
        g.watcher = drop_blocks;
        g.arg = i ? &g : NULL;
        watch_all(&g, ON_BLOCK | (i ? ON_CODE | ON_READ : ON_WRITE));
        RUN(&g, one_call);
        if (i)
            ASSERT_SIGHTS(&g, BLOCK(0, 5), CODE(0, 5), CODE(5, 2));
        else
            ASSERT_SIGHTS(&g, BLOCK(0, 5), WRITE(0, STACK - 8, 8, CODE_AT + 5), CODE(5, 2));
        assert_int_equal(cpu_blocks(g.cpu), 2);
        guest_close(&g);
    }
}

/* ---- Counts ---------------------------------------------------------------------------------- */

GUEST_CODE(walk, "1: inc rax; test al, 3; jz 2f; inc rbx; 2: push rax; call 3f; pop rcx; jmp 1b;"
                 "3: mov [rdi], rax; add rdi, 8; and rdi, 0x50fff8; or rdi, 0x500000; ret");

static void test_slices_and_budgets_are_those_without_watches(void **state)
{
    enum { STEPS = 150, WAYS = 5 };
    static const unsigned kinds[WAYS] = {0, ON_CODE, ON_BLOCK, ON_MEMORY, ON_CODE | ON_WRITE};
    static struct x86_state at[STEPS];
    static uint64_t blocks[STEPS], instructions[STEPS];
    static struct x86_state scratch[MAX_SIGHTS * 1024];
    for (int count = 0; count < 2; count++) {
        for (size_t way = 0; way < WAYS; way++) {
            struct guest g;
            open_guest(&g,
                       (struct guest_options){.count_instructions = count, .count_blocks = true});
            g.watcher = way & 1 ? note_state : NULL;
            g.arg = scratch;
            watch_all(&g, kinds[way]);
            guest_code(&g, walk);
            g.st.gpr[X86_RDI] = DATA_AT;
            for (unsigned i = 0; i < STEPS; i++) {
                cpu_set_slice(g.cpu, i % 7 + 1);
                cpu_run(g.cpu, &g.st, count ? i % 11 + 1 : 0, &g.exit);
                if (!way) {
                    at[i] = g.st;
                    blocks[i] = cpu_blocks(g.cpu);
                    instructions[i] = cpu_instructions(g.cpu);
                }
                assert_memory_equal(&g.st, &at[i], X86_STATE_BASE_SIZE);
                assert_int_equal(cpu_blocks(g.cpu), blocks[i]);
                assert_int_equal(cpu_instructions(g.cpu), instructions[i]);
            }
            if (kinds[way] & ON_CODE)
                assert_true(g.sight_count >= STEPS);
            guest_close(&g);
        }
    }
}

/* What user mode may not do ends in the middle of a block, of which more may have run by then. */
static void test_what_is_undone_is_not_told_of(void **state)
{
    GUEST_CODE(ports, "mov eax, 1; in al, dx; mov [rcx], eax; inc ebx; syscall");
    struct guest g;
    open_guest(&g, (struct guest_options){0});
    watch_all(&g, ON_CODE | ON_WRITE);
    guest_code(&g, ports);
    guest_run(&g);
    assert_exception(&g, X86_VEC_GP, CODE_AT + 5);
    ASSERT_SIGHTS(&g, CODE(0, 5), CODE(5, 1));
    watch(&g, CPU_WATCH_CODE, CODE_AT, UINT64_MAX);
    g.sight_count = 0;
    guest_code(&g, ports);
    guest_run(&g);
    assert_exception(&g, X86_VEC_GP, CODE_AT + 5);
    ASSERT_SIGHTS(&g, CODE(0, 5), CODE(5, 1));
    guest_close(&g);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_instructions_are_told_of_before_they_run),
        cmocka_unit_test(test_32bit_instructions_are_told_of),
        cmocka_unit_test(test_only_what_is_watched_is_told_of),
        cmocka_unit_test(test_ranges_come_and_go_while_code_is_translated),
        cmocka_unit_test(test_nobody_to_tell_is_refused),
        cmocka_unit_test(test_the_state_is_that_before_the_instruction),
        cmocka_unit_test(test_watching_changes_nothing),
        cmocka_unit_test(test_changed_registers_are_taken_over),
        cmocka_unit_test(test_all_of_the_state_can_be_changed_once),
        cmocka_unit_test(test_another_rip_is_gone_to_at_once),
        cmocka_unit_test(test_a_block_can_be_left_out),
        cmocka_unit_test(test_code_patched_when_it_is_told_of_runs_patched),
        cmocka_unit_test(test_a_stop_comes_before_the_instruction),
        cmocka_unit_test(test_a_stop_is_of_one_thread),
        cmocka_unit_test(test_a_stop_for_data_comes_after_the_instruction),
        cmocka_unit_test(test_a_stop_for_data_comes_before_the_gate_that_follows),
        cmocka_unit_test(test_nothing_happens_behind_a_stop),
        cmocka_unit_test(test_a_stop_for_data_comes_before_the_next_block),
        cmocka_unit_test(test_what_was_told_of_runs_before_the_engine_stops),
        cmocka_unit_test(test_cpuid_is_told_of_and_answered),
        cmocka_unit_test(test_a_handler_changes_the_list),
        cmocka_unit_test(test_a_list_that_changes_counts_from_the_next_instruction),
        cmocka_unit_test(test_a_list_that_changes_counts_no_sooner),
        cmocka_unit_test(test_code_that_was_watched_may_be_gone),
        cmocka_unit_test(test_a_list_that_changes_counts_before_the_next_block),
        cmocka_unit_test(test_slices_and_budgets_are_those_without_watches),
        cmocka_unit_test(test_what_is_undone_is_not_told_of),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
