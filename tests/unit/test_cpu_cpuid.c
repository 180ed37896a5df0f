// SPDX-License-Identifier: GPL-2.0-or-later
/* What CPUID advertises, the engine executes, with the right result; what it cannot do is hidden.
 */
#include "cpu_fixture.h"

enum { EAX, EBX, ECX, EDX };

static void cpuid(struct guest *g, uint32_t leaf, uint32_t subleaf, uint32_t out[4])
{
    GUEST_CODE(ask, "cpuid; mov r8d, ecx; syscall");
    guest_code(g, ask);
    g->st.gpr[X86_RAX] = leaf;
    g->st.gpr[X86_RCX] = subleaf;
    guest_run(g);
    assert_exit(g, CPU_EXIT_SERVICE, CODE_AT + (uint64_t)(ask_end - ask));
    out[EAX] = (uint32_t)g->st.gpr[X86_RAX];
    out[EBX] = (uint32_t)g->st.gpr[X86_RBX];
    out[ECX] = (uint32_t)g->st.gpr[X86_R8];
    out[EDX] = (uint32_t)g->st.gpr[X86_RDX];
}

/* Each leaves its result in rax. On entry: rax = 0x00f00000f0f01234, rbx = 0xff00ff00f0, rsi: data
 * area, xmm0 = {1, 2, 3, 4}, xmm1 = {10, 20, 30, 40} as 32-bit integers. */
#define FEATURES(X)                                                                                \
    X(1, EDX, 4, tsc, "nop", 0)                                                                    \
    X(1, EDX, 8, cmpxchg8b,                                                                        \
      "xor edx,edx; xor eax,eax; mov ebx,7; xor ecx,ecx; lock cmpxchg8b [rsi]; mov eax,[rsi]", 7)  \
    X(1, EDX, 15, cmov, "cmp eax,eax; mov eax,1; cmovz eax,ebx", 0xff00f0)                         \
    X(1, EDX, 19, clflush, "clflush [rsi]; mov eax, 1", 1)                                         \
    X(1, EDX, 23, mmx, "movdq2q mm0,xmm0; movdq2q mm1,xmm1; paddd mm0,mm1; movd eax,mm0; emms",    \
      11)                                                                                          \
    X(1, EDX, 24, fxsr, "fxsave64 [rsi]; fxrstor64 [rsi]; movd eax,xmm1", 10)                      \
    X(1, EDX, 25, sse, "cvtsi2ss xmm0,ebx; sqrtss xmm0,xmm0; cvttss2si eax,xmm0", 4088)            \
    X(1, EDX, 26, sse2, "pmuludq xmm0,xmm1; movq rax,xmm0", 10)                                    \
    X(1, ECX, 0, sse3,                                                                             \
      "mov eax,2; cvtsi2sd xmm0,eax; movddup xmm1,xmm0; haddpd xmm1,xmm1; cvttsd2si eax,xmm1", 4)  \
    X(1, ECX, 1, pclmul,                                                                           \
      "mov eax,7; movq xmm0,rax; movq xmm1,rax; pclmulqdq xmm0,xmm1,0; movq rax,xmm0", 21)         \
    X(1, ECX, 9, ssse3, "phaddd xmm0,xmm1; movq rax,xmm0", 0x700000003)                            \
    X(1, ECX, 13, cx16,                                                                            \
      "xor edx,edx; xor eax,eax; mov ebx,9; xor ecx,ecx; lock cmpxchg16b [rsi]; mov eax,[rsi]", 9) \
    X(1, ECX, 19, sse41, "pmulld xmm0,xmm1; pextrd eax,xmm0,3", 160)                               \
    X(1, ECX, 20, sse42, "xor eax,eax; mov ebx,0x61; crc32 eax,bl; pcmpgtq xmm1,xmm0", 0x93ad1061) \
    X(1, ECX, 22, movbe, "movbe [rsi],eax; mov eax,[rsi]", 0x3412f0f0)                             \
    X(1, ECX, 23, popcnt, "popcnt rax,rbx", 20)                                                    \
    X(1, ECX, 25, aes, "pxor xmm0,xmm0; pxor xmm1,xmm1; aesenc xmm0,xmm1; movd eax,xmm0",          \
      0x63636363)                                                                                  \
    X(7, EBX, 0, fsgsbase, "wrfsbase rbx; rdfsbase rax", 0xff00ff00f0)                             \
    X(7, EBX, 3, bmi1, "andn rax,rbx,rax; tzcnt rax,rax", 2)                                       \
    X(7, EBX, 8, bmi2,                                                                             \
      "pext rax,rbx,rax; mov ecx,3; shlx rax,rax,rcx; mov edx,5; mulx rbx,rcx,rax; rorx "          \
      "rax,rcx,2",                                                                                 \
      0x12fc)                                                                                      \
    X(0x80000001, ECX, 0, lahf, "stc; lahf; movzx eax,ah; and eax,1", 1)                           \
    X(0x80000001, ECX, 5, lzcnt, "lzcnt rax,rbx", 24)                                              \
    X(0x80000001, ECX, 8, prefetchw, "prefetchw [rsi]; mov eax,3", 3)                              \
    X(0x80000001, EDX, 11, syscall, "nop", 0)                                                      \
    X(0x80000001, EDX, 20, nx, "nop", 0)                                                           \
    X(0x80000001, EDX, 27, rdtscp, "nop", 0)                                                       \
    X(0x80000001, EDX, 29, long_mode, "nop", 0)

#define DEFINE(leaf, reg, bit, name, text, want) GUEST_CODE(feature_##name, text "; syscall");
FEATURES(DEFINE)

static const struct feature {
    const char *name;
    uint32_t leaf;
    unsigned reg, bit;
    const uint8_t *code, *end;
    uint64_t want;
} features[] = {
#define ROW(leaf, reg, bit, name, text, want)                                                      \
    {#name, leaf, reg, bit, feature_##name, feature_##name##_end, want},
    FEATURES(ROW)
#undef ROW
};

static void execute(struct guest *g, const struct feature *f)
{
    const uint32_t lanes[8] = {1, 2, 3, 4, 10, 20, 30, 40};
    if (f->end - f->code == 3) /* nothing to execute here */
        return;
    x86_state_init(&g->st, 8);
    g->st.gpr[X86_RSP] = STACK_AT + AREA - 0x100;
    guest_code_at(g, CODE_AT, f->code, (size_t)(f->end - f->code));
    guest_poke(g, DATA_AT, (uint8_t[512]){0}, 512);
    memcpy(g->st.fx + X86_FX_XMM0, lanes, sizeof lanes);
    g->st.gpr[X86_RAX] = 0x00f00000f0f01234;
    g->st.gpr[X86_RBX] = 0xff00ff00f0;
    g->st.gpr[X86_RSI] = DATA_AT;
    guest_run(g);
    if (g->exit.kind != CPU_EXIT_SERVICE || g->st.gpr[X86_RAX] != f->want)
        print_message("%s: exit %d, rax %#lx\n", f->name, g->exit.kind,
                      (unsigned long)g->st.gpr[X86_RAX]);
    assert_int_equal(g->exit.kind, CPU_EXIT_SERVICE);
    assert_int_equal(g->st.gpr[X86_RAX], f->want);
}

static void test_every_advertised_instruction_works(void **state)
{
    struct guest g;
    guest_open(&g);
    for (size_t i = 0; i < ARRAY_LEN(features); i++) {
        uint32_t r[4];
        cpuid(&g, features[i].leaf, 0, r);
        if (!(r[features[i].reg] >> features[i].bit & 1))
            fail_msg("%s is not advertised", features[i].name);
        execute(&g, &features[i]);
    }
    guest_close(&g);
}

/* Bits of processor features that user mode does not execute. */
static uint32_t system_bits(uint32_t leaf, unsigned reg)
{
    if (leaf == 1 && reg == EDX)
        return 1u << 0 | 1 << 2 | 1 << 3 | 1 << 5 | 1 << 6 | 1 << 7 | 1 << 9 | 1 << 12 | 1 << 13 |
               1 << 14 | 1 << 16 | 1 << 17;
    return 0;
}

static void test_nothing_else_is_advertised(void **state)
{
    static const struct {
        uint32_t leaf;
        unsigned reg;
    } words[] = {{1, ECX}, {1, EDX},          {7, EBX},         {7, ECX},
                 {7, EDX}, {0x80000001, ECX}, {0x80000001, EDX}};
    struct guest g;
    guest_open(&g);
    for (size_t w = 0; w < ARRAY_LEN(words); w++) {
        uint32_t r[4], known = system_bits(words[w].leaf, words[w].reg);
        for (size_t i = 0; i < ARRAY_LEN(features); i++)
            if (features[i].leaf == words[w].leaf && features[i].reg == words[w].reg)
                known |= 1u << features[i].bit;
        cpuid(&g, words[w].leaf, 0, r);
        assert_int_equal(r[words[w].reg] & ~known, 0);
    }
    guest_close(&g);
}

static void test_identity_and_limits(void **state)
{
    struct guest g;
    uint32_t r[4];
    guest_open(&g);
    cpuid(&g, 0, 0, r);
    assert_int_equal(r[EAX], 7);
    assert_memory_equal(&r[EBX], "Genu", 4);
    assert_memory_equal(&r[EDX], "ineI", 4);
    assert_memory_equal(&r[ECX], "ntel", 4);
    cpuid(&g, 0x80000002, 0, r);
    assert_memory_equal(r, "Peregrine virtua", 16);
    cpuid(&g, 7, 1, r);
    assert_int_equal(r[EAX] | r[EBX] | r[ECX] | r[EDX], 0);
    cpuid(&g, 0x40000000, 0, r);
    assert_int_equal(r[EAX] | r[EBX] | r[ECX] | r[EDX], 0);
    guest_close(&g);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_advertised_instruction_works),
        cmocka_unit_test(test_nothing_else_is_advertised),
        cmocka_unit_test(test_identity_and_limits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
