// SPDX-License-Identifier: GPL-2.0-or-later
/* What engines tell of code and data as they are used: cpu_watch(). */
#include "cpu_fixture.h"

enum { KINDS = CPU_WATCH_CPUID + 1, BASE_HOOKS = 8 };

static void watch(struct guest *g, enum cpu_watch_kind kind, uint64_t first, uint64_t last)
{
    const struct cpu_watch w = {kind, first, last};
    assert_int_equal(cpu_watch(g->cpu, &w, 1), PGR_OK);
}

/* Kinds as bits, everywhere. */
static void watch_all(struct guest *g, unsigned kinds)
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

static void open_guest(struct guest *g, struct guest_options o)
{
    guest_needs(CPU_CAP_OBSERVE);
    guest_open_with(g, o);
}

static void assert_sights(const struct guest *g, const struct cpu_sight *e, size_t n)
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

static void run_to_service(struct guest *g, uint64_t length)
{
    guest_run(g);
    assert_exit(g, CPU_EXIT_SERVICE, CODE_AT + length);
}
#define RUN(g, code) (guest_code((g), code), run_to_service((g), (uint64_t)(code##_end - code)))

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

/* ---- Memory ---------------------------------------------------------------------------------- */

static void fill(struct guest *g, uint64_t at, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        uint8_t b = (uint8_t)(i + 1);
        guest_poke(g, at + i, &b, 1);
    }
}

static void test_accesses_of_each_size(void **state)
{
    GUEST_CODE(sizes, "mov al, [rcx]; movzx eax, word ptr [rcx+1]; movsx rax, byte ptr [rcx+2];"
                      "mov eax, [rcx+3]; mov rax, [rcx+4]; mov [rcx+16], al; mov [rcx+18], ax;"
                      "mov [rcx+20], eax; mov [rcx+24], rax; syscall");
    struct guest g;
    open_guest(&g, (struct guest_options){0});
    fill(&g, DATA_AT, 16);
    g.st.gpr[X86_RCX] = DATA_AT;
    watch_all(&g, ON_WRITE | ON_READ_AFTER);
    RUN(&g, sizes);
    ASSERT_SIGHTS(&g, READ_AFTER(0, DATA_AT, 1, 1), READ_AFTER(2, DATA_AT + 1, 2, 0x0302),
                  READ_AFTER(6, DATA_AT + 2, 1, 3), READ_AFTER(11, DATA_AT + 3, 4, 0x07060504),
                  READ_AFTER(14, DATA_AT + 4, 8, 0x0c0b0a0908070605), WRITE(18, DATA_AT + 16, 1, 5),
                  WRITE(21, DATA_AT + 18, 2, 0x0605), WRITE(25, DATA_AT + 20, 4, 0x08070605),
                  WRITE(28, DATA_AT + 24, 8, 0x0c0b0a0908070605));
    guest_close(&g);
}

static void test_reading_and_writing_in_one_instruction(void **state)
{
    GUEST_CODE(
        both,
        "add dword ptr [rcx], 5; lock xadd [rcx], rax; xchg [rcx+8], rax; push qword ptr [rcx];"
        "pop qword ptr [rcx+16]; call 1f; syscall; 1: ret");
    struct guest g;
    open_guest(&g, (struct guest_options){0});
    g.st.gpr[X86_RCX] = DATA_AT;
    g.st.gpr[X86_RAX] = 3;
    watch_all(&g, ON_MEMORY);
    guest_code(&g, both);
    run_to_service(&g, 24);
    ASSERT_SIGHTS(&g, READ(0, DATA_AT, 4), READ_AFTER(0, DATA_AT, 4, 0), WRITE(0, DATA_AT, 4, 5),
                  READ(3, DATA_AT, 8), READ_AFTER(3, DATA_AT, 8, 5), WRITE(3, DATA_AT, 8, 8),
                  READ(8, DATA_AT + 8, 8), READ_AFTER(8, DATA_AT + 8, 8, 0),
                  WRITE(8, DATA_AT + 8, 8, 5), READ(12, DATA_AT, 8), READ_AFTER(12, DATA_AT, 8, 8),
                  WRITE(12, STACK - 8, 8, 8), READ(14, STACK - 8, 8),
                  READ_AFTER(14, STACK - 8, 8, 8), WRITE(14, DATA_AT + 16, 8, 8),
                  WRITE(17, STACK - 8, 8, CODE_AT + 22), READ(24, STACK - 8, 8),
                  READ_AFTER(24, STACK - 8, 8, CODE_AT + 22));
    guest_close(&g);
}

static void test_strings_and_vectors(void **state)
{
    GUEST_CODE(moves, "mov esi, 0x500000; mov edi, 0x500100; mov ecx, 2; rep movsd;"
                      "movdqu xmm0, [rsi]; movdqu [rdi], xmm0; movbe eax, [rsi]; movbe [rdi], ax;"
                      "syscall");
    struct guest g;
    open_guest(&g, (struct guest_options){0});
    fill(&g, DATA_AT, 32);
    watch_all(&g, ON_WRITE | ON_READ_AFTER);
    RUN(&g, moves);
    ASSERT_SIGHTS(
        &g, READ_AFTER(15, DATA_AT, 4, 0x04030201), WRITE(15, DATA_AT + 256, 4, 0x04030201),
        READ_AFTER(15, DATA_AT + 4, 4, 0x08070605), WRITE(15, DATA_AT + 260, 4, 0x08070605),
        READ_AFTER(17, DATA_AT + 8, 8, 0x100f0e0d0c0b0a09),
        READ_AFTER(17, DATA_AT + 16, 8, 0x1817161514131211),
        WRITE(21, DATA_AT + 264, 8, 0x100f0e0d0c0b0a09),
        WRITE(21, DATA_AT + 272, 8, 0x1817161514131211), READ_AFTER(25, DATA_AT + 8, 4, 0x0c0b0a09),
        WRITE(29, DATA_AT + 264, 2, 0x0c0b));
    guest_close(&g);
}

GUEST_CODE(touch, "mov rax, [rcx]; mov [rcx], rax; syscall");

static void touch_at(struct guest *g, uint64_t at)
{
    g->sight_count = 0;
    g->st.gpr[X86_RCX] = at;
    RUN(g, touch);
}

static void test_data_ranges_are_exact(void **state)
{
    struct guest g;
    open_guest(&g, (struct guest_options){0});
    watch(&g, CPU_WATCH_READ, DATA_AT + 0x1000, DATA_AT + 0x1003);
    touch_at(&g, DATA_AT + 0xff8);
    assert_int_equal(g.sight_count, 0);
    touch_at(&g, DATA_AT + 0xff9); /* across the pages, from one that is not watched */
    ASSERT_SIGHTS(&g, READ(0, DATA_AT + 0xff9, 8));
    touch_at(&g, DATA_AT + 0x1000);
    ASSERT_SIGHTS(&g, READ(0, DATA_AT + 0x1000, 8));
    touch_at(&g, DATA_AT + 0x1003);
    ASSERT_SIGHTS(&g, READ(0, DATA_AT + 0x1003, 8));
    touch_at(&g, DATA_AT + 0x1004);
    assert_int_equal(g.sight_count, 0);
    touch_at(&g, DATA_AT + 0x3000);
    assert_int_equal(g.sight_count, 0);
    guest_close(&g);
}

/* Engines mirror pages when they are touched, and then begin the instruction anew. */
static void test_what_waits_for_pages_is_told_of_once(void **state)
{
    GUEST_CODE(waits,
               "movsq; push qword ptr [rcx]; movdqu xmm0, [rdx]; movdqu [rdx+0x1000], xmm0;"
               "mov rax, [rdx+0x1ffc]; mov [rdx+0x3ffc], rax; add [rdx+0x4ffd], rax; syscall");
    struct guest g;
    for (int count = 0; count < 2; count++) {
        open_guest(&g, (struct guest_options){.count_instructions = count});
        /* 64 KiB apart: pages of one region are mirrored together. */
        guest_alloc(&g, 0x800000, 0x10000, PAGE_READWRITE);
        for (uint64_t at = 0x900000; at < 0x908000; at += 0x1000)
            guest_alloc(&g, 0x1000000 + (at - 0x900000) * 16, 0x10000, PAGE_READWRITE);
        watch_all(&g, ON_MEMORY | ON_CODE | ON_BLOCK);
        g.st.gpr[X86_RSI] = DATA_AT;
        g.st.gpr[X86_RDI] = 0x800000;
        g.st.gpr[X86_RCX] = 0x1010000;
        g.st.gpr[X86_RDX] = 0x1020ff8;
        RUN(&g, waits);
        ASSERT_SIGHTS(&g, BLOCK(0, 39), CODE(0, 2), READ(0, DATA_AT, 8),
                      READ_AFTER(0, DATA_AT, 8, 0), WRITE(0, 0x800000, 8, 0), CODE(2, 2),
                      READ(2, 0x1010000, 8), READ_AFTER(2, 0x1010000, 8, 0),
                      WRITE(2, STACK - 8, 8, 0), CODE(4, 4), READ(4, 0x1020ff8, 8),
                      READ_AFTER(4, 0x1020ff8, 8, 0), READ(4, 0x1021000, 8),
                      READ_AFTER(4, 0x1021000, 8, 0), CODE(8, 8), WRITE(8, 0x1021ff8, 8, 0),
                      WRITE(8, 0x1022000, 8, 0), CODE(16, 7), READ(16, 0x1022ff4, 8),
                      READ_AFTER(16, 0x1022ff4, 8, 0), CODE(23, 7), WRITE(23, 0x1024ff4, 8, 0),
                      CODE(30, 7), READ(30, 0x1025ff5, 8), READ_AFTER(30, 0x1025ff5, 8, 0),
                      WRITE(30, 0x1025ff5, 8, 0), CODE(37, 2));
        assert_int_equal(cpu_blocks(g.cpu), 1);
        guest_close(&g);
    }
}

static void test_an_access_across_pages_is_told_of_once(void **state)
{
    GUEST_CODE(across, "mov rax, [rcx]; mov [rdx], rax; mov al, [rcx+8]; syscall");
    struct guest g;
    open_guest(&g, (struct guest_options){0});
    guest_alloc(&g, 0x800000, 0x10000, PAGE_READWRITE);
    guest_alloc(&g, 0x810000, 0x10000, PAGE_READWRITE);
    guest_alloc(&g, 0x820000, 0x10000, PAGE_READWRITE);
    fill(&g, 0x80fffc, 8);
    watch_all(&g, ON_MEMORY);
    g.st.gpr[X86_RCX] = 0x80fffc;
    g.st.gpr[X86_RDX] = 0x81fffb;
    RUN(&g, across);
    ASSERT_SIGHTS(&g, READ(0, 0x80fffc, 8), READ_AFTER(0, 0x80fffc, 8, 0x0807060504030201),
                  WRITE(3, 0x81fffb, 8, 0x0807060504030201), READ(6, 0x810004, 1),
                  READ_AFTER(6, 0x810004, 1, 0));
    guest_close(&g);
}

static bool repair(struct guest *g, struct x86_state *st, const struct cpu_exit *exit)
{
    if (exit->kind != CPU_EXIT_FAULT)
        return false;
    guest_protect(g, align_down(exit->address, 0x1000), 0x1000, PAGE_READWRITE);
    return true;
}

static void test_what_faults_is_told_of_when_it_is_run_again(void **state)
{
    GUEST_CODE(pushes, "push qword ptr [rcx]; syscall");
    struct guest g;
    open_guest(&g, (struct guest_options){0});
    guest_protect(&g, STACK_AT, AREA, PAGE_READONLY);
    g.handler = repair;
    watch_all(&g, ON_MEMORY | ON_CODE);
    g.st.gpr[X86_RCX] = DATA_AT;
    RUN(&g, pushes);
    ASSERT_SIGHTS(&g, CODE(0, 2), READ(0, DATA_AT, 8), READ_AFTER(0, DATA_AT, 8, 0), CODE(0, 2),
                  READ(0, DATA_AT, 8), READ_AFTER(0, DATA_AT, 8, 0), WRITE(0, STACK - 8, 8, 0),
                  CODE(2, 2));
    guest_close(&g);
}

static void map_twice(struct guest *g, uint64_t a, uint64_t b, uint32_t protect)
{
    struct mem_object *o;
    uint64_t size = AREA;
    assert_int_equal(mem_object_anonymous(g->ram, AREA, &o), STATUS_SUCCESS);
    assert_int_equal(mem_map_view(g->mem, o, 0, &a, &size, MEM_MAPPED, PAGE_READWRITE, 1, NULL),
                     STATUS_SUCCESS);
    assert_int_equal(mem_map_view(g->mem, o, 0, &b, &size, MEM_MAPPED, protect, 1, NULL),
                     STATUS_SUCCESS);
    mem_object_unref(o);
}

static void test_views_of_the_same_pages_are_told_apart(void **state)
{
    GUEST_CODE(views, "mov [rsi], rcx; mov rax, [rdi]; inc rax; mov [rdi], rax; movsq; lodsq;"
                      "mov [r8], rax; mov rax, [r9]; mov rax, [r10]; mov rax, [r11]; syscall");
    enum { A = 0x800000, B = 0x900000, C = 0xa00000, D = 0xb00000 };
    for (int i = 0; i < 2; i++) {
        struct guest g;
        uint64_t more[4] = {C, D, 0xc00000, 0xd00000}, size = AREA;
        struct mem_object *o;
        open_guest(&g, (struct guest_options){0});
        assert_int_equal(mem_object_anonymous(g.ram, AREA, &o), STATUS_SUCCESS);
        uint64_t a = A, b = B;
        mem_map_view(g.mem, o, 0, &a, &size, MEM_MAPPED, PAGE_READWRITE, 1, NULL);
        mem_map_view(g.mem, o, 0, &b, &size, MEM_MAPPED, PAGE_READWRITE, 1, NULL);
        for (size_t k = 0; k < ARRAY_LEN(more); k++)
            mem_map_view(g.mem, o, 0, &more[k], &size, MEM_MAPPED, PAGE_READWRITE, 1, NULL);
        mem_object_unref(o);
        if (i)
            watch_all(&g, ON_READ | ON_WRITE);
        else
            watch(&g, CPU_WATCH_WRITE, B, B + AREA - 1);
        g.st.gpr[X86_RSI] = A;
        g.st.gpr[X86_RDI] = B;
        for (int k = 0; k < 4; k++)
            g.st.gpr[X86_R8 + k] = more[k];
        g.st.gpr[X86_RCX] = 9;
        RUN(&g, views);
        if (i)
            ASSERT_SIGHTS(&g, WRITE(0, A, 8, 9), READ(3, B, 8), WRITE(9, B, 8, 10), READ(12, A, 8),
                          WRITE(12, B, 8, 10), READ(14, A + 8, 8), WRITE(16, C, 8, 0),
                          READ(19, D, 8), READ(22, 0xc00000, 8), READ(25, 0xd00000, 8));
        else
            ASSERT_SIGHTS(&g, WRITE(9, B, 8, 10), WRITE(12, B, 8, 10));
        assert_int_equal(guest_peek64(&g, A + 8), 0);
        guest_close(&g);
    }
}

static void test_data_on_pages_with_code(void **state)
{
    GUEST_CODE(near_code, "mov rax, [rip+1f]; mov [rip+1f], rcx; mov [rdx], rcx; mov rax, [rsi];"
                          "syscall; 1: .quad 0x1122334455667788");
    struct guest g;
    open_guest(&g, (struct guest_options){0});
    guest_protect(&g, CODE_AT, AREA, PAGE_EXECUTE_READWRITE);
    map_twice(&g, 0x800000, 0x900000, PAGE_EXECUTE_READ);
    watch(&g, CPU_WATCH_READ_AFTER, CODE_AT, CODE_AT + AREA - 1);
    g.st.gpr[X86_RDX] = 0x800000;
    g.st.gpr[X86_RSI] = 0x900000;
    guest_code(&g, near_code);
    run_to_service(&g, 22);
    ASSERT_SIGHTS(&g, READ_AFTER(0, CODE_AT + 22, 8, 0x1122334455667788));
    watch_all(&g, ON_READ | ON_WRITE);
    g.sight_count = 0;
    g.st.gpr[X86_RCX] = 0;
    guest_code(&g, near_code);
    run_to_service(&g, 22);
    ASSERT_SIGHTS(&g, READ(0, CODE_AT + 22, 8), WRITE(7, CODE_AT + 22, 8, 0),
                  WRITE(14, 0x800000, 8, 0), READ(17, 0x900000, 8));
    guest_close(&g);
}

/* RAM has hooks when pages of code are watched: other pages there are not mistaken for them. */
static void test_a_view_that_went_is_not_told_of(void **state)
{
    GUEST_CODE(one_view, "mov rax, [rcx]; mov [rcx], rax; syscall");
    struct guest g;
    open_guest(&g, (struct guest_options){0});
    map_twice(&g, 0x900000, 0x800000, PAGE_EXECUTE_READ);
    watch(&g, CPU_WATCH_READ, 0x800000, 0x80ffff);
    g.st.gpr[X86_RCX] = 0x800000;
    guest_code(&g, one_view);
    guest_run(&g);
    assert_fault(&g, 0x800000, CPU_WRITE, CODE_AT + 3);
    ASSERT_SIGHTS(&g, READ(0, 0x800000, 8));
    assert_int_equal(mem_unmap_view(g.mem, 0x800000), STATUS_SUCCESS);
    g.st.gpr[X86_RCX] = 0x900000;
    RUN(&g, one_view);
    assert_int_equal(g.sight_count, 1);
    guest_close(&g);
}

static void test_an_instruction_that_overwrites_its_block_is_told_of_once(void **state)
{
    GUEST_CODE(self, "lea rcx, [rip + 1f]; mov byte ptr [rcx + 1], 0x55; 1: mov al, 0; syscall");
    uint64_t blocks[2];
    for (int i = 0; i < 2; i++) {
        struct guest g;
        open_guest(&g, (struct guest_options){0});
        guest_protect(&g, CODE_AT, AREA, PAGE_EXECUTE_READWRITE);
        if (i)
            watch_all(&g, ON_CODE | ON_WRITE);
        RUN(&g, self);
        assert_int_equal(g.st.gpr[X86_RAX] & 0xff, 0x55);
        blocks[i] = cpu_blocks(g.cpu);
        if (i)
            ASSERT_SIGHTS(&g, CODE(0, 7), CODE(7, 4), WRITE(7, CODE_AT + 12, 1, 0x55), CODE(11, 2),
                          CODE(13, 2));
        guest_close(&g);
    }
    assert_int_equal(blocks[0], blocks[1]);
}

static enum cpu_sight_answer write_99(struct guest *g, struct x86_state *st,
                                      const struct cpu_sight *sight)
{
    const uint64_t v = 99;
    if (sight->kind == CPU_WATCH_READ)
        guest_poke(g, sight->address, &v, sizeof v);
    return CPU_SIGHT_GO_ON;
}

/* Also where the page moves to another frame for that, as copy-on-write pages do. */
static void test_what_is_about_to_be_read_can_be_changed(void **state)
{
    GUEST_CODE(reads, "mov rax, [rcx]; mov rbx, [rcx]; push [rcx+0x1000]; pop rdx; syscall");
    for (int i = 0; i < 4; i++) {
        struct guest g;
        struct mem_object *o;
        uint64_t at = 0x800000, size = AREA;
        open_guest(&g, (struct guest_options){.count_instructions = i & 1});
        assert_int_equal(mem_object_image(g.ram, AREA, &o), STATUS_SUCCESS);
        assert_int_equal(mem_map_view(g.mem, o, 0, &at, &size, MEM_IMAGE, PAGE_WRITECOPY, 1, NULL),
                         STATUS_SUCCESS);
        mem_object_unref(o);
        g.watcher = write_99;
        if (i & 2)
            watch_all(&g, ON_CODE | ON_MEMORY);
        else
            watch(&g, CPU_WATCH_READ, at, at + AREA - 1);
        g.st.gpr[X86_RCX] = at;
        RUN(&g, reads);
        assert_int_equal(g.st.gpr[X86_RAX], 99);
        assert_int_equal(g.st.gpr[X86_RBX], 99);
        if (i & 2)
            assert_int_equal(g.sight_count, 5 + 3 * 2 + 3);
        else
            ASSERT_SIGHTS(&g, READ(0, at, 8), READ(3, at, 8), READ(6, at + 0x1000, 8));
        assert_int_equal(g.st.gpr[X86_RDX], 99);
        assert_int_equal(cpu_blocks(g.cpu), 1);
        if (i & 1)
            assert_int_equal(cpu_instructions(g.cpu), 5);
        guest_close(&g);
    }
}

static enum cpu_sight_answer sync_and_change(struct guest *g, struct x86_state *st,
                                             const struct cpu_sight *sight)
{
    struct x86_state *seen = g->arg;
    cpu_sync(g->cpu, st);
    seen[g->sight_count - 1] = *st;
    memset(st->gpr, 0xee, sizeof st->gpr);
    st->rip = 0x1234;
    return CPU_SIGHT_GO_ON;
}

static void test_the_state_at_accesses_can_be_seen_but_not_changed(void **state)
{
    GUEST_CODE(sees, "mov eax, 7; sub eax, 7; mov [rcx], rax; inc eax; add [rcx], rax; syscall");
    static struct x86_state seen[3];
    struct guest g;
    open_guest(&g, (struct guest_options){0});
    g.arg = seen;
    g.watcher = sync_and_change;
    watch_all(&g, ON_READ | ON_WRITE);
    g.st.gpr[X86_RCX] = DATA_AT;
    RUN(&g, sees);
    assert_int_equal(g.sight_count, 3);
    assert_int_equal(seen[0].rip, CODE_AT + 8);
    assert_int_equal(seen[0].rflags & 0xd5, 0x44);
    assert_int_equal(seen[1].rip, CODE_AT + 13);
    assert_int_equal(seen[2].rip, CODE_AT + 13);
    assert_int_equal(seen[2].gpr[X86_RAX], 1);
    assert_int_equal(seen[2].rflags & 0xd5, 0);
    assert_int_equal(guest_peek64(&g, DATA_AT), 1);
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
        cmocka_unit_test(test_accesses_of_each_size),
        cmocka_unit_test(test_reading_and_writing_in_one_instruction),
        cmocka_unit_test(test_strings_and_vectors),
        cmocka_unit_test(test_data_ranges_are_exact),
        cmocka_unit_test(test_what_waits_for_pages_is_told_of_once),
        cmocka_unit_test(test_an_access_across_pages_is_told_of_once),
        cmocka_unit_test(test_what_faults_is_told_of_when_it_is_run_again),
        cmocka_unit_test(test_views_of_the_same_pages_are_told_apart),
        cmocka_unit_test(test_data_on_pages_with_code),
        cmocka_unit_test(test_a_view_that_went_is_not_told_of),
        cmocka_unit_test(test_an_instruction_that_overwrites_its_block_is_told_of_once),
        cmocka_unit_test(test_what_is_about_to_be_read_can_be_changed),
        cmocka_unit_test(test_the_state_at_accesses_can_be_seen_but_not_changed),
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
