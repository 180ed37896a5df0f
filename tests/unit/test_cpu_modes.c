// SPDX-License-Identifier: GPL-2.0-or-later
/* Registers and modes: services, 32-bit code, segments, flags, single steps, threads. */
#include "cpu_fixture.h"

/* ---- Services -------------------------------------------------------------------------------- */

static void test_syscall_sets_rcx_and_r11_and_passes_the_rest(void **state)
{
    GUEST_CODE(service, "mov r10, 11; mov rdx, 22; stc; syscall; ud2");
    struct guest g;
    guest_open(&g);
    guest_code(&g, service);
    guest_run(&g);
    uint64_t after = CODE_AT + (uint64_t)(service_end - service) - 2;
    assert_exit(&g, CPU_EXIT_SERVICE, after);
    assert_int_equal(g.st.gpr[X86_RCX], after);
    assert_int_equal(g.st.gpr[X86_R11], g.st.rflags);
    assert_int_equal(g.st.gpr[X86_R10], 11);
    assert_int_equal(g.st.gpr[X86_RDX], 22);
    assert_int_equal(g.st.rflags & X86_FLAG_CF, X86_FLAG_CF);
    guest_close(&g);
}

static bool change_state(struct guest *g, struct x86_state *st, const struct cpu_exit *exit)
{
    if (g->count > 1)
        return false;
    st->gpr[X86_RAX] = 0x1122334455667788;
    st->gpr[X86_R15] = 99;
    st->rflags |= X86_FLAG_CF | X86_FLAG_DF;
    if (g->arg)
        st->rip = (uint64_t)(uintptr_t)g->arg;
    return true;
}

static void test_what_the_handler_changes_is_taken_over(void **state)
{
    GUEST_CODE(then_report, "syscall; jnc 1f; std; mov rbx, rax; syscall; 1: ud2");
    GUEST_CODE(elsewhere, "mov rbx, rax; setc dl; syscall");
    struct guest g;
    guest_open(&g);
    g.handler = change_state;
    guest_code(&g, then_report);
    guest_run(&g);
    assert_exit(&g, CPU_EXIT_SERVICE, CODE_AT + 10);
    assert_int_equal(g.st.gpr[X86_RBX], 0x1122334455667788);
    assert_int_equal(g.st.gpr[X86_R15], 99);
    assert_int_equal(g.st.rflags & X86_FLAG_DF, X86_FLAG_DF);

    g.count = 0;
    g.arg = (void *)(uintptr_t)(CODE_AT + 0x100);
    guest_code_at(&g, CODE_AT + 0x100, elsewhere, (size_t)(elsewhere_end - elsewhere));
    g.st.rip = CODE_AT;
    guest_run(&g);
    assert_exit(&g, CPU_EXIT_SERVICE, CODE_AT + 0x108);
    assert_int_equal(g.st.gpr[X86_RDX] & 0xff, 1);
    guest_close(&g);
}

static bool change_vectors(struct guest *g, struct x86_state *st, const struct cpu_exit *exit)
{
    if (g->count > 1)
        return false;
    cpu_sync(g->cpu, st);
    st->fx[X86_FX_XMM0] += 1;
    st->gs_base = DATA_AT;
    st->gpr[X86_RAX] = 5;
    return true;
}

static void test_a_synced_handler_may_change_everything(void **state)
{
    GUEST_CODE(vectors,
               "mov eax, 41; movd xmm0, eax; syscall; movd ebx, xmm0; mov rdx, gs:[8]; syscall");
    const uint64_t mark = 0xabcdef;
    struct guest g;
    guest_open(&g);
    g.handler = change_vectors;
    guest_poke(&g, DATA_AT + 8, &mark, sizeof mark);
    guest_code(&g, vectors);
    guest_run(&g);
    assert_int_equal(g.count, 2);
    assert_int_equal(g.st.gpr[X86_RBX], 42);
    assert_int_equal(g.st.gpr[X86_RDX], mark);
    assert_int_equal(g.st.gs_base, DATA_AT);
    guest_close(&g);
}

/* ---- 32-bit code ----------------------------------------------------------------------------- */

static void test_32bit_code_with_its_teb_in_fs(void **state)
{
    GUEST_CODE32(teb, "mov eax, fs:[0x18]; push eax; mov ebx, fs; mov ecx, 0x53; mov fs, ecx;"
                      "mov edx, fs:[0x18]; mov fs, ebx; mov edx, fs:[0x18]; inc edx; dec ebp;"
                      "int 0x2e");
    const uint32_t self = DATA_AT;
    /* Where the host's own descriptors are used the guest can see another number. */
    const bool exact = strcmp(guest_engine()->name, "native") != 0;
    struct guest g;
    guest_open_with(&g, (struct guest_options){.ptr_size = 4});
    guest_poke(&g, DATA_AT + 0x18, &self, sizeof self);
    guest_code(&g, teb);
    g.st.fs_base = DATA_AT;
    guest_run(&g);
    assert_exit(&g, CPU_EXIT_INTERRUPT, CODE_AT + (uint64_t)(teb_end - teb));
    assert_int_equal(g.st.gpr[X86_RAX], DATA_AT);
    if (exact)
        assert_int_equal(g.st.gpr[X86_RBX], X86_SEL_TEB32);
    assert_int_equal(g.st.fs, X86_SEL_TEB32);
    assert_int_equal(g.st.gpr[X86_RDX], DATA_AT + 1);
    assert_int_equal(g.st.gpr[X86_RSP], STACK_AT + AREA - 0x104);
    assert_int_equal(g.st.gpr[X86_RBP], 0xffffffff);
    assert_int_equal(g.st.fs_base, DATA_AT);
    assert_true(x86_is_32bit(&g.st));
    guest_close(&g);
}

static void test_32bit_faults_and_wrapping_addresses(void **state)
{
    GUEST_CODE32(wraps,
                 "mov eax, 0x500000; mov ebx, [eax + 0x7fffffff + 0x7fffffff + 2]; mov [4], ebx");
    struct guest g;
    guest_open_with(&g, (struct guest_options){.ptr_size = 4});
    guest_code(&g, wraps);
    guest_run(&g);
    assert_fault(&g, 4, CPU_WRITE, CODE_AT + (uint64_t)(wraps_end - wraps) - 6);
    guest_close(&g);
}

static void test_far_transfers_between_the_bitnesses(void **state)
{
    /* 64 -> 32 by far return, a 32-bit increment, back by far jump */
    GUEST_CODE(to_32, "push 0x23; push 0x400100; .byte 0x48, 0xcb");
    GUEST_CODE32(in_32, "dec eax; inc ecx; mov edx, esp; .byte 0xea; .long 0x400200; .word 0x33");
    GUEST_CODE(in_64, "mov r8, 0x123456789a; syscall");
    struct guest g;
    guest_open(&g);
    guest_code_at(&g, CODE_AT + 0x100, in_32, (size_t)(in_32_end - in_32));
    guest_code_at(&g, CODE_AT + 0x200, in_64, (size_t)(in_64_end - in_64));
    guest_code(&g, to_32);
    g.st.gpr[X86_RAX] = 10; /* 48 ff c1 would be inc rcx in 64-bit code */
    g.st.gpr[X86_RCX] = 20;
    guest_run(&g);
    assert_int_equal(g.exit.kind, CPU_EXIT_SERVICE);
    assert_int_equal(g.st.cs, X86_SEL_CODE64);
    assert_int_equal(g.st.gpr[X86_RAX], 9);
    assert_int_equal(g.st.gpr[X86_R8], 0x123456789a);
    assert_int_equal(g.st.gpr[X86_RDX], STACK_AT + AREA - 0x100);
    guest_close(&g);
}

static void test_threads_of_both_bitnesses_take_turns(void **state)
{
    GUEST_CODE(long_turn, "1: inc rbx; mov rdx, gs:[0]; int 0x2e; jmp 1b");
    GUEST_CODE32(short_turn, "1: inc ebx; mov edx, fs:[0]; int 0x2e; jmp 1b");
    struct guest g;
    guest_open(&g);
    const uint64_t marks[2] = {64, 32};
    guest_poke(&g, DATA_AT, &marks[0], 8);
    guest_poke(&g, DATA_AT + 0x1000, &marks[1], 8);
    guest_code_at(&g, CODE_AT, long_turn, (size_t)(long_turn_end - long_turn));
    guest_code_at(&g, CODE_AT + 0x100, short_turn, (size_t)(short_turn_end - short_turn));
    struct x86_state a, b;
    x86_state_init(&a, 8);
    x86_state_init(&b, 4);
    a.rip = CODE_AT, b.rip = CODE_AT + 0x100;
    a.gpr[X86_RBX] = 0xffffffff, b.gpr[X86_RBX] = 0xffffffff;
    a.gs_base = DATA_AT, b.fs_base = DATA_AT + 0x1000;
    for (int i = 1; i < 10; i++) {
        cpu_run(g.cpu, &a, 0, &g.exit);
        assert_int_equal(g.exit.kind, CPU_EXIT_INTERRUPT);
        cpu_run(g.cpu, &b, 0, &g.exit);
        assert_int_equal(g.exit.kind, CPU_EXIT_INTERRUPT);
        assert_int_equal(a.gpr[X86_RBX], 0xffffffffull + (uint64_t)i);
        assert_int_equal(b.gpr[X86_RBX], i - 1);
        assert_int_equal(a.gpr[X86_RDX], 64);
        assert_int_equal(b.gpr[X86_RDX], 32);
    }
    guest_close(&g);
}

/* ---- Segment bases --------------------------------------------------------------------------- */

static void test_the_guest_may_set_its_bases(void **state)
{
    GUEST_CODE(bases, "mov eax, 0x500000; wrgsbase rax; mov rbx, gs:[8]; add rax, 8; wrfsbase rax;"
                      "mov rdx, fs:[0]; rdgsbase r8; syscall");
    const uint64_t mark = 77;
    struct guest g;
    guest_open(&g);
    guest_poke(&g, DATA_AT + 8, &mark, sizeof mark);
    guest_code(&g, bases);
    guest_run(&g);
    assert_int_equal(g.exit.kind, CPU_EXIT_SERVICE);
    assert_int_equal(g.st.gpr[X86_RBX], 77);
    assert_int_equal(g.st.gpr[X86_RDX], 77);
    assert_int_equal(g.st.gpr[X86_R8], DATA_AT);
    assert_int_equal(g.st.gs_base, DATA_AT);
    assert_int_equal(g.st.fs_base, DATA_AT + 8);
    guest_close(&g);
}

/* ---- x87, SSE -------------------------------------------------------------------------------- */

static void test_vector_and_x87_state_belongs_to_the_thread(void **state)
{
    GUEST_CODE(load,
               "fld qword ptr [rcx]; fld1; movups xmm9, [rcx]; ldmxcsr [rcx+32]; fldcw [rcx+40];"
               "1: syscall; jmp 1b");
    GUEST_CODE(store, "fstp qword ptr [rcx+48]; fstp qword ptr [rcx+56]; movups [rcx+64], xmm9;"
                      "stmxcsr [rcx+80]; fnstcw [rcx+88]; fnstsw [rcx+92]; syscall");
    struct guest g;
    guest_open(&g);
    struct x86_state threads[2];
    for (int i = 0; i < 2; i++) {
        double value = 1.5 + i;
        uint32_t mxcsr = i ? 0x3f80 : 0x1fa0;
        uint16_t fcw = i ? 0x27f : 0x37f;
        uint64_t at = DATA_AT + (uint64_t)i * 0x1000;
        guest_poke(&g, at, &value, 8);
        guest_poke(&g, at + 32, &mxcsr, 4);
        guest_poke(&g, at + 40, &fcw, 2);
        guest_code(&g, load);
        x86_state_init(&threads[i], 8);
        threads[i].rip = CODE_AT;
        threads[i].gpr[X86_RCX] = at;
        cpu_run(g.cpu, &threads[i], 0, &g.exit);
        assert_int_equal(g.exit.kind, CPU_EXIT_SERVICE);
    }
    guest_code(&g, store);
    for (int i = 0; i < 2; i++) {
        uint64_t at = DATA_AT + (uint64_t)i * 0x1000;
        double out[2];
        uint8_t image[48];
        threads[i].rip = CODE_AT;
        threads[i].gpr[X86_RCX] = at;
        cpu_run(g.cpu, &threads[i], 0, &g.exit);
        assert_int_equal(g.exit.kind, CPU_EXIT_SERVICE);
        assert_true(mem_peek(g.mem, at + 48, out, sizeof out));
        assert_true(out[0] == 1.0 && out[1] == 1.5 + i);
        assert_true(mem_peek(g.mem, at + 48, image, sizeof image));
        assert_memory_equal(image + 16, out + 1, 8);
        uint32_t mxcsr, fcw = 0;
        memcpy(&mxcsr, image + 32, 4);
        memcpy(&fcw, image + 40, 2);
        assert_int_equal(mxcsr, i ? 0x3f80 : 0x1fa0);
        assert_int_equal(fcw, i ? 0x27f : 0x37f);
    }
    guest_close(&g);
}

static void test_the_fxsave_image_is_what_the_guest_stores(void **state)
{
    GUEST_CODE(image, "fldpi; fld1; mov eax, 0x12345678; movd xmm15, eax; fxsave64 [rcx]; syscall");
    struct guest g;
    uint8_t stored[X86_FX_SIZE];
    guest_open(&g);
    guest_code(&g, image);
    g.st.gpr[X86_RCX] = DATA_AT;
    guest_run(&g);
    assert_true(mem_peek(g.mem, DATA_AT, stored, sizeof stored));
    assert_memory_equal(stored, g.st.fx, 6); /* control, status, tags */
    assert_memory_equal(stored + X86_FX_MXCSR, g.st.fx + X86_FX_MXCSR, 4);
    for (int i = 0; i < 8; i++)
        assert_memory_equal(stored + X86_FX_ST0 + 16 * i, g.st.fx + X86_FX_ST0 + 16 * i, 10);
    assert_memory_equal(stored + X86_FX_XMM0, g.st.fx + X86_FX_XMM0, 256);
    guest_close(&g);
}

/* Both threads load what the other would notice, then check what they have. */
static void check_wide_state(const uint8_t *load, size_t load_len, const uint8_t *check,
                             size_t check_len)
{
    struct x86_state threads[2];
    struct guest g;
    guest_open(&g);
    guest_code_at(&g, CODE_AT, load, load_len);
    guest_code_at(&g, CODE_AT + 0x100, check, check_len);
    for (uint64_t i = 0; i < 2; i++) {
        x86_state_init(&threads[i], 8);
        threads[i].rip = CODE_AT;
        threads[i].gpr[X86_RAX] = 0x1111 * (i + 1);
        cpu_run(g.cpu, &threads[i], 0, &g.exit);
        assert_int_equal(g.exit.kind, CPU_EXIT_INTERRUPT);
    }
    for (uint64_t i = 0; i < 2; i++) {
        threads[i].rip = CODE_AT + 0x100;
        cpu_run(g.cpu, &threads[i], 0, &g.exit);
        assert_int_equal(g.exit.kind, CPU_EXIT_INTERRUPT);
        assert_int_equal(threads[i].gpr[X86_RBX], 0x1111 * (i + 1));
        assert_int_equal(threads[i].gpr[X86_RCX], 0x1111 * (i + 1));
        assert_int_equal(threads[i].gpr[X86_RDX], 0x1111 * (i + 1));
    }
    guest_close(&g);
}

static void test_avx_state_belongs_to_the_thread(void **state)
{
    GUEST_CODE(load256, "vmovq xmm1, rax; vpermq ymm12, ymm1, 0; int 0x2e");
    GUEST_CODE(check256, "vmovq rbx, xmm12; vextractf128 xmm3, ymm12, 1; vmovq rcx, xmm3;"
                         "vpextrq rdx, xmm3, 1; int 0x2e");
    guest_needs(CPU_CAP_AVX);
    if (!__builtin_cpu_supports("avx2"))
        skip();
    check_wide_state(load256, (size_t)(load256_end - load256), check256,
                     (size_t)(check256_end - check256));
}

static void test_avx512_state_belongs_to_the_thread(void **state)
{
    GUEST_CODE(load512, "vpbroadcastq zmm3, rax; vpbroadcastq zmm29, rax; kmovw k5, eax; int 0x2e");
    GUEST_CODE(check512, "vextracti64x4 ymm4, zmm3, 1; vextracti128 xmm4, ymm4, 1; vmovq rbx, xmm4;"
                         "vextracti64x4 ymm4, zmm29, 1; vmovq rcx, xmm4; kmovw edx, k5; int 0x2e");
    guest_needs(CPU_CAP_AVX);
    if (!__builtin_cpu_supports("avx512f"))
        skip();
    check_wide_state(load512, (size_t)(load512_end - load512), check512,
                     (size_t)(check512_end - check512));
}

/* ---- Flags and single steps ------------------------------------------------------------------ */

static void test_flags_survive_exits(void **state)
{
    GUEST_CODE(flags,
               "std; stc; mov rsi, 0x500010; lodsb; int 0x2e; lodsb; pushfq; pop rbx; syscall");
    struct guest g;
    guest_open(&g);
    guest_code(&g, flags);
    guest_run(&g);
    assert_int_equal(g.exit.kind, CPU_EXIT_INTERRUPT);
    assert_int_equal(g.st.rflags & (X86_FLAG_DF | X86_FLAG_CF), X86_FLAG_DF | X86_FLAG_CF);
    guest_run(&g);
    assert_int_equal(g.st.gpr[X86_RSI], DATA_AT + 0xe);
    assert_int_equal(g.st.gpr[X86_RBX] & (X86_FLAG_DF | X86_FLAG_CF | X86_FLAG_IF),
                     X86_FLAG_DF | X86_FLAG_CF | X86_FLAG_IF);
    guest_close(&g);
}

static bool keep_stepping(struct guest *g, struct x86_state *st, const struct cpu_exit *exit)
{
    return exit->kind == CPU_EXIT_EXCEPTION && exit->vector == X86_VEC_DB;
}

static void test_the_trap_flag_steps(void **state)
{
    GUEST_CODE(steps, "pushfq; or dword ptr [rsp], 0x100; popfq; nop; mov eax, 1; jmp 1f; 1: nop;"
                      "pushfq; and dword ptr [rsp], 0xfffffeff; popfq; nop; syscall");
    static const uint8_t at[] = {10, 15, 17, 18, 19, 26, 27};
    struct guest g;
    guest_open(&g);
    g.handler = keep_stepping;
    guest_code(&g, steps);
    guest_run(&g);
    assert_int_equal(g.exit.kind, CPU_EXIT_SERVICE);
    assert_int_equal(g.count, ARRAY_LEN(at) + 1);
    for (size_t i = 0; i < ARRAY_LEN(at); i++)
        assert_int_equal(g.seen[i].rip, CODE_AT + at[i]);
    assert_int_equal(g.seen[0].rflags & X86_FLAG_TF, X86_FLAG_TF);
    guest_close(&g);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_syscall_sets_rcx_and_r11_and_passes_the_rest),
        cmocka_unit_test(test_what_the_handler_changes_is_taken_over),
        cmocka_unit_test(test_a_synced_handler_may_change_everything),
        cmocka_unit_test(test_32bit_code_with_its_teb_in_fs),
        cmocka_unit_test(test_32bit_faults_and_wrapping_addresses),
        cmocka_unit_test(test_far_transfers_between_the_bitnesses),
        cmocka_unit_test(test_threads_of_both_bitnesses_take_turns),
        cmocka_unit_test(test_the_guest_may_set_its_bases),
        cmocka_unit_test(test_vector_and_x87_state_belongs_to_the_thread),
        cmocka_unit_test(test_the_fxsave_image_is_what_the_guest_stores),
        cmocka_unit_test(test_avx_state_belongs_to_the_thread),
        cmocka_unit_test(test_avx512_state_belongs_to_the_thread),
        cmocka_unit_test(test_flags_survive_exits),
        cmocka_unit_test(test_the_trap_flag_steps),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
