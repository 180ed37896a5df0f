// SPDX-License-Identifier: GPL-2.0-or-later
/* Faults: each arrives, as often as it happens, with exact address, access, rip and flags. */
#include "cpu_fixture.h"

enum { MANY = 5000 };

/* ---- Many in a row --------------------------------------------------------------------------- */

GUEST_CODE(divide, "xor ebx, ebx; 1: div ebx; dec r12; jnz 1b; syscall");
GUEST_CODE(read_null, "xor ebx, ebx; 1: mov eax, [rbx]; dec r12; jnz 1b; syscall");
GUEST_CODE(undefined, "xor ebx, ebx; 1: ud2; dec r12; jnz 1b; syscall");
GUEST_CODE(privileged, "xor ebx, ebx; 1: rdmsr; dec r12; jnz 1b; syscall");
GUEST_CODE(in_port, "xor ebx, ebx; 1: in eax, dx; nop; dec r12; jnz 1b; syscall");

static bool skip_two(struct guest *g, struct x86_state *st, const struct cpu_exit *exit)
{
    if (exit->kind == CPU_EXIT_SERVICE)
        return false;
    assert_int_equal(st->rip, CODE_AT + 2);
    st->rip += exit->vector == X86_VEC_GP && *(const uint8_t *)g->arg == 0xed ? 1 : 2;
    return true;
}

static void run_many(const uint8_t *code, size_t len, enum cpu_exit_kind kind, unsigned vector)
{
    struct guest g;
    guest_open(&g);
    g.handler = skip_two;
    g.arg = (void *)(code + 2);
    guest_code_at(&g, CODE_AT, code, len);
    g.st.gpr[X86_R12] = MANY;
    guest_run(&g);
    assert_exit(&g, CPU_EXIT_SERVICE, CODE_AT + len);
    assert_int_equal(g.count, MANY + 1);
    for (size_t i = 0; i < MAX_EXITS; i++) {
        assert_int_equal(g.seen[i].exit.kind, kind);
        assert_int_equal(g.seen[i].exit.vector, vector);
    }
    guest_close(&g);
}
#define RUN_MANY(code, kind, vector) run_many(code, (size_t)(code##_end - code), kind, vector)

static void test_thousands_of_faults_keep_their_vectors(void **state)
{
    RUN_MANY(divide, CPU_EXIT_EXCEPTION, X86_VEC_DE);
    RUN_MANY(read_null, CPU_EXIT_FAULT, 0);
    RUN_MANY(undefined, CPU_EXIT_EXCEPTION, X86_VEC_UD);
    RUN_MANY(privileged, CPU_EXIT_EXCEPTION, X86_VEC_GP);
    RUN_MANY(in_port, CPU_EXIT_EXCEPTION, X86_VEC_GP);
}

static void test_a_run_that_ended_in_a_fault_does_not_spoil_the_next(void **state)
{
    struct guest g;
    guest_open(&g);
    guest_code(&g, read_null);
    for (int i = 0; i < 10; i++) {
        g.st.rip = CODE_AT;
        guest_run(&g);
        assert_fault(&g, 0, CPU_READ, CODE_AT + 2);
    }
    guest_close(&g);
}

/* ---- Exactness ------------------------------------------------------------------------------- */

GUEST_CODE(inside_block, "mov eax, 1; cmp eax, 2; mov ebx, 0x1234; 1: mov [rcx+3], rbx; nop; ud2");

static void test_a_fault_inside_a_block_has_exact_rip_flags_and_address(void **state)
{
    struct guest g;
    guest_open(&g);
    guest_code(&g, inside_block);
    g.st.gpr[X86_RCX] = 0x10010;
    guest_run(&g);
    assert_fault(&g, 0x10013, CPU_WRITE, CODE_AT + 13);
    assert_int_equal(g.exit.status, STATUS_ACCESS_VIOLATION);
    assert_int_equal(g.st.gpr[X86_RBX], 0x1234);
    assert_int_equal(g.st.rflags & 0x8d5, 0x95); /* 1 - 2: CF, PF, AF, SF */
    guest_close(&g);
}

GUEST_CODE(cross_page, "mov [rcx], rax; ud2");

static void test_an_access_that_crosses_into_nothing_names_the_missing_page(void **state)
{
    struct guest g;
    guest_open(&g);
    guest_code(&g, cross_page);
    g.st.gpr[X86_RCX] = DATA_AT + AREA - 4;
    g.st.gpr[X86_RAX] = UINT64_MAX;
    guest_run(&g);
    assert_fault(&g, DATA_AT + AREA, CPU_WRITE, CODE_AT);
    assert_int_equal(guest_peek64(&g, DATA_AT + AREA - 8), 0); /* nothing was written */
    guest_close(&g);
}

static void test_protections_inside_one_region_hold(void **state)
{
    static const struct {
        uint32_t protect;
        unsigned allowed;
    } cases[] = {
        {PAGE_NOACCESS, 0},
        {PAGE_READONLY, CPU_READ},
        {PAGE_READWRITE, CPU_READ | CPU_WRITE},
        {PAGE_EXECUTE_READ, CPU_READ | CPU_EXECUTE},
        {PAGE_EXECUTE_READWRITE, CPU_READ | CPU_WRITE | CPU_EXECUTE},
    };
    GUEST_CODE(do_read, "mov rax, [rcx]; syscall");
    GUEST_CODE(do_write, "mov byte ptr [rcx], 0xc3; syscall");
    GUEST_CODE(do_call, "call rcx; syscall");
    struct guest g;

    guest_open(&g);
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        uint64_t page = DATA_AT + 0x4000 + i * 0x1000;
        const uint8_t ret = 0xc3;
        guest_poke(&g, page, &ret, 1);
        guest_protect(&g, page, 0x1000, cases[i].protect);
        g.st.gpr[X86_RCX] = page;
        guest_code(&g, do_read);
        guest_run(&g);
        assert_int_equal(g.exit.kind == CPU_EXIT_SERVICE, !!(cases[i].allowed & CPU_READ));
        g.st.gpr[X86_RCX] = page;
        guest_code(&g, do_write);
        guest_run(&g);
        assert_int_equal(g.exit.kind == CPU_EXIT_SERVICE, !!(cases[i].allowed & CPU_WRITE));
        g.st.gpr[X86_RCX] = page;
        guest_code(&g, do_call);
        guest_run(&g);
        if (cases[i].allowed & CPU_EXECUTE)
            assert_exit(&g, CPU_EXIT_SERVICE, CODE_AT + 4);
        else
            assert_fault(&g, page, CPU_EXECUTE, page);
    }
    guest_close(&g);
}

static void test_protection_taken_away_is_noticed_at_once(void **state)
{
    GUEST_CODE(writes, "1: mov [rcx], rax; syscall; mov ecx, 0x500000; jmp 1b");
    struct guest g;
    guest_open(&g);
    guest_code(&g, writes);
    g.st.gpr[X86_RCX] = DATA_AT;
    guest_run(&g);
    assert_exit(&g, CPU_EXIT_SERVICE, CODE_AT + 5);
    guest_protect(&g, DATA_AT, 0x1000, PAGE_READONLY);
    guest_run(&g);
    assert_fault(&g, DATA_AT, CPU_WRITE, CODE_AT);
    guest_protect(&g, DATA_AT, 0x1000, PAGE_READWRITE);
    guest_run(&g);
    assert_exit(&g, CPU_EXIT_SERVICE, CODE_AT + 5);
    guest_close(&g);
}

static void test_a_guard_page_faults_once(void **state)
{
    GUEST_CODE(touch, "mov [rcx], rax; syscall");
    struct guest g;
    guest_open(&g);
    guest_protect(&g, DATA_AT, 0x1000, PAGE_READWRITE | PAGE_GUARD);
    guest_code(&g, touch);
    g.st.gpr[X86_RCX] = DATA_AT + 8;
    guest_run(&g);
    assert_fault(&g, DATA_AT + 8, CPU_WRITE, CODE_AT);
    assert_int_equal(g.exit.status, STATUS_GUARD_PAGE_VIOLATION);
    guest_run(&g);
    assert_exit(&g, CPU_EXIT_SERVICE, CODE_AT + 5);
    guest_close(&g);
}

/* ---- Control flow to nowhere ----------------------------------------------------------------- */

static void test_a_jump_to_null_is_a_fault(void **state)
{
    GUEST_CODE(to_null, "xor eax, eax; jmp rax");
    struct guest g;
    guest_open(&g);
    guest_code(&g, to_null);
    guest_run(&g);
    assert_fault(&g, 0, CPU_EXECUTE, 0);
    guest_close(&g);
}

static void test_a_32bit_jump_to_null_is_a_fault(void **state)
{
    GUEST_CODE32(to_null32, "xor eax, eax; jmp eax");
    struct guest g;
    guest_open_with(&g, (struct guest_options){.ptr_size = 4});
    guest_code(&g, to_null32);
    guest_run(&g);
    assert_fault(&g, 0, CPU_EXECUTE, 0);
    guest_close(&g);
}

static void test_a_non_canonical_address_is_gp(void **state)
{
    GUEST_CODE(non_canonical, "mov rax, 0x800000000000; mov rbx, [rax]");
    struct guest g;
    guest_open(&g);
    guest_code(&g, non_canonical);
    guest_run(&g);
    assert_exception(&g, X86_VEC_GP, CODE_AT + 10);
    guest_close(&g);
}

static void test_the_kernel_half_is_out_of_reach(void **state)
{
    GUEST_CODE(read_system, "mov rax, 0xffffffffc0000000; mov rbx, [rax]");
    struct guest g;
    guest_open(&g);
    guest_code(&g, read_system);
    guest_run(&g);
    assert_fault(&g, 0xffffffffc0000000, CPU_READ, CODE_AT + 7);
    guest_close(&g);
}

/* The block's translation meets the missing page before any of it has run. */
static void test_code_that_runs_off_its_page_faults_at_the_edge(void **state)
{
    GUEST_CODE(off_the_edge, "mov eax, 7; mov [rcx], rax; nop; nop");
    const uint64_t at = CODE_AT + AREA - (uint64_t)(off_the_edge_end - off_the_edge);
    struct guest g;
    guest_open(&g);
    guest_code_at(&g, at, off_the_edge, (size_t)(off_the_edge_end - off_the_edge));
    g.st.gpr[X86_RCX] = DATA_AT;
    guest_run(&g);
    assert_fault(&g, CODE_AT + AREA, CPU_EXECUTE, CODE_AT + AREA);
    assert_int_equal(guest_peek64(&g, DATA_AT), 7);
    assert_int_equal(g.st.rflags & X86_FLAG_TF, 0);
    guest_close(&g);
}

static void test_an_instruction_across_the_edge_faults_at_its_start(void **state)
{
    GUEST_CODE(half, "nop; mov eax, 0x12345678");
    struct guest g;
    guest_open(&g);
    guest_code_at(&g, CODE_AT + AREA - 4, half, 4);
    guest_run(&g);
    assert_fault(&g, CODE_AT + AREA, CPU_EXECUTE, CODE_AT + AREA - 3);
    guest_close(&g);
}

/* ---- Ring 3 ---------------------------------------------------------------------------------- */

static void test_privileged_instructions_are_gp(void **state)
{
#define PRIVILEGED(X)                                                                              \
    X(hlt) X(cli) X(sti) X(wrmsr) X(wbinvd) X(clts) X(swapgs) X(sysenter) X(insb) X(outsb)
#define DEFINE(name) GUEST_CODE(priv_##name, #name "; mov [rcx], rax; syscall");
    PRIVILEGED(DEFINE)
#undef DEFINE
    GUEST_CODE(priv_cr0, "mov cr0, rax; mov [rcx], rax; syscall");
    GUEST_CODE(priv_lgdt, "lgdt [rcx]; mov [rcx], rax; syscall");
    GUEST_CODE(priv_out, "out 0x80, al; mov [rcx], rax; syscall");
    GUEST_CODE(priv_rdtsc, "rdtsc; mov [rcx], rax; syscall");
    GUEST_CODE(priv_rdtscp, "rdtscp; mov [rcx], rax; syscall");
    static const uint8_t *const all[] = {
#define NAME(name) priv_##name,
        PRIVILEGED(NAME)
#undef NAME
            priv_cr0,
        priv_lgdt, priv_out, priv_rdtsc, priv_rdtscp};
    /* The time is the host's unless the engine must repeat itself. */
    const size_t clocks = guest_engine_can(CPU_CAP_DETERMINISTIC) ? 0 : 2;
    struct guest g;

    guest_open(&g);
    for (size_t i = 0; i < ARRAY_LEN(all) - clocks; i++) {
        guest_code_at(&g, CODE_AT, all[i], 16);
        g.st.gpr[X86_RCX] = g.st.gpr[X86_RSI] = g.st.gpr[X86_RDI] = DATA_AT;
        g.st.gpr[X86_RAX] = 0x1111;
        guest_run(&g);
        assert_exception(&g, X86_VEC_GP, CODE_AT);
        assert_int_equal(g.st.gpr[X86_RAX], 0x1111);
        assert_int_equal(guest_peek64(&g, DATA_AT), 0); /* what follows did not run */
    }
    guest_close(&g);
}

static void test_software_interrupts_and_traps(void **state)
{
    GUEST_CODE(int3, "int3");
    GUEST_CODE(int_2d, "int 0x2d");
    GUEST_CODE(int_14, "int 14");
    GUEST_CODE(icebp, ".byte 0xf1");
    GUEST_CODE(ud2_only, "ud2");
    static const struct {
        const uint8_t *code;
        enum cpu_exit_kind kind;
        unsigned vector, length;
    } cases[] = {
        {int3, CPU_EXIT_EXCEPTION, X86_VEC_BP, 1},     {int_2d, CPU_EXIT_INTERRUPT, 0x2d, 2},
        {int_14, CPU_EXIT_INTERRUPT, 14, 2},           {icebp, CPU_EXIT_EXCEPTION, X86_VEC_DB, 1},
        {ud2_only, CPU_EXIT_EXCEPTION, X86_VEC_UD, 0},
    };
    struct guest g;
    guest_open(&g);
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        guest_code_at(&g, CODE_AT, cases[i].code, 2);
        guest_run(&g);
        assert_exit(&g, cases[i].kind, CODE_AT + cases[i].length);
        assert_int_equal(g.exit.vector, cases[i].vector);
    }
    guest_close(&g);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_thousands_of_faults_keep_their_vectors),
        cmocka_unit_test(test_a_run_that_ended_in_a_fault_does_not_spoil_the_next),
        cmocka_unit_test(test_a_fault_inside_a_block_has_exact_rip_flags_and_address),
        cmocka_unit_test(test_an_access_that_crosses_into_nothing_names_the_missing_page),
        cmocka_unit_test(test_protections_inside_one_region_hold),
        cmocka_unit_test(test_protection_taken_away_is_noticed_at_once),
        cmocka_unit_test(test_a_guard_page_faults_once),
        cmocka_unit_test(test_a_jump_to_null_is_a_fault),
        cmocka_unit_test(test_a_32bit_jump_to_null_is_a_fault),
        cmocka_unit_test(test_a_non_canonical_address_is_gp),
        cmocka_unit_test(test_the_kernel_half_is_out_of_reach),
        cmocka_unit_test(test_code_that_runs_off_its_page_faults_at_the_edge),
        cmocka_unit_test(test_an_instruction_across_the_edge_faults_at_its_start),
        cmocka_unit_test(test_privileged_instructions_are_gp),
        cmocka_unit_test(test_software_interrupts_and_traps),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
