// SPDX-License-Identifier: GPL-2.0-or-later
/* A hostile guest, on every engine: whatever ring 3 tries with the processor ends in an exception
 * of its own, and the engine goes on. What the engines have to themselves: test_native_confine.c.
 */
#include "cpu_fixture.h"
#include "cpu/kvm/internal.h"

enum { SLICE = 5000 };

GUEST_CODE(good, "mov ebx, 0x600d; syscall");

static void open_hostile(struct guest *g)
{
    guest_open(g);
    cpu_set_slice(g->cpu, guest_engine() == &cpu_unicorn ? 100000 : SLICE);
}

/* The engine still runs code as if nothing had been. */
static void assert_goes_on(struct guest *g, const char *after)
{
    if (g->exit.kind == CPU_EXIT_FAILURE)
        fail_msg("%s: %s", after, g->exit.message);
    x86_state_init(&g->st, 8);
    g->st.gpr[X86_RSP] = STACK_AT + AREA - 0x100;
    guest_code(g, good);
    guest_run_to_exit(g);
    if (g->exit.kind != CPU_EXIT_SERVICE || g->st.gpr[X86_RBX] != 0x600d)
        fail_msg("after %s: exit %d", after, g->exit.kind);
}

/* ---- Privileged instructions ----------------------------------------------------------------- */

#define ATTEMPTS(A)                                                                                \
    A(hlt, "hlt")                                                                                  \
    A(cli, "cli")                                                                                  \
    A(sti, "sti")                                                                                  \
    A(clts, "clts")                                                                                \
    A(invd, "invd")                                                                                \
    A(wbinvd, "wbinvd")                                                                            \
    A(swapgs, "swapgs")                                                                            \
    A(sysret, "mov ecx, 0x400000; .byte 0x48, 0x0f, 0x07")                                         \
    A(sysexit, ".byte 0x0f, 0x35")                                                                 \
    A(rsm, "rsm")                                                                                  \
    A(rdmsr_efer, "mov ecx, 0xc0000080; rdmsr")                                                    \
    A(rdmsr_lstar, "mov ecx, 0xc0000082; rdmsr")                                                   \
    A(wrmsr_efer, "mov ecx, 0xc0000080; xor eax, eax; cdq; wrmsr")                                 \
    A(wrmsr_lstar, "mov ecx, 0xc0000082; mov eax, 0x400000; cdq; wrmsr")                           \
    A(wrmsr_apic, "mov ecx, 0x1b; xor eax, eax; cdq; wrmsr")                                       \
    A(wrmsr_hypercall, "mov ecx, 0x40000000; mov eax, 1; cdq; wrmsr")                              \
    A(wrmsr_kvmclock, "mov ecx, 0x4b564d01; mov eax, 0x500001; cdq; wrmsr")                        \
    A(read_cr0, "mov rax, cr0")                                                                    \
    A(read_cr3, "mov rax, cr3")                                                                    \
    A(write_cr0, "mov eax, 0x11; mov cr0, rax")                                                    \
    A(write_cr3, "mov eax, 0x500000; mov cr3, rax")                                                \
    A(write_cr4, "xor eax, eax; mov cr4, rax")                                                     \
    A(write_cr8, "xor eax, eax; mov cr8, rax")                                                     \
    A(write_dr7, "mov eax, 0x400; mov dr7, rax")                                                   \
    A(read_dr6, "mov rax, dr6")                                                                    \
    A(lmsw, "xor eax, eax; lmsw ax")                                                               \
    A(lgdt, "lgdt [rdi]")                                                                          \
    A(lidt, "lidt [rdi]")                                                                          \
    A(lldt, "mov eax, 0x40; lldt ax")                                                              \
    A(ltr, "mov eax, 0x40; ltr ax")                                                                \
    A(invlpg, "invlpg [rdi]")                                                                      \
    A(xsetbv, "xor ecx, ecx; mov eax, 3; cdq; xsetbv")                                             \
    A(monitor, "mov rax, rdi; xor ecx, ecx; xor edx, edx; monitor")                                \
    A(mwait, "xor eax, eax; xor ecx, ecx; mwait")                                                  \
    A(in_8, "mov edx, 0x3f8; in al, dx")                                                           \
    A(in_32, "mov edx, 0xcf8; in eax, dx")                                                         \
    A(in_fixed, "in al, 0x60")                                                                     \
    A(in_backdoor, "mov eax, 0x564d5868; mov ecx, 10; mov edx, 0x5658; in eax, dx")                \
    A(out_8, "mov edx, 0x3f8; out dx, al")                                                         \
    A(out_reset, "mov al, 0xfe; out 0x64, al")                                                     \
    A(out_pci, "mov edx, 0xcfc; out dx, eax")                                                      \
    A(outs, "mov edx, 0x3f8; mov rsi, rdi; mov ecx, 100; rep outsb")                               \
    A(ins, "mov edx, 0x1f0; mov ecx, 100; rep insd")                                               \
    A(vmrun, "mov rax, rdi; vmrun")                                                                \
    A(vmload, "mov rax, rdi; vmload")                                                              \
    A(vmxon, "vmxon [rdi]")                                                                        \
    A(stgi, "stgi")                                                                                \
    A(invlpga, "mov rax, rdi; xor ecx, ecx; invlpga")                                              \
    A(xsaves, "xsaves [rdi]")                                                                      \
    A(code_segment, "push 0x08; push 0x400000; .byte 0x48, 0xcb")                                  \
    A(data_segment, "mov eax, 0x10; mov ds, eax")                                                  \
    A(stack_segment, "mov eax, 0x10; mov ss, eax")                                                 \
    A(null_stack_segment, "xor eax, eax; mov ss, eax")                                             \
    A(task_segment, "mov eax, 0x40; mov fs, eax")                                                  \
    A(local_segment, "mov eax, 0x0f; mov gs, eax")                                                 \
    A(far_segment, "mov eax, 0x7fff8; mov es, eax")                                                \
    A(call_task, "mov dword ptr [rdi], 0; mov word ptr [rdi + 4], 0x40; call fword ptr [rdi]")     \
    A(jump_kernel,                                                                                 \
      "mov dword ptr [rdi], 0x400000; mov word ptr [rdi + 4], 8; jmp fword ptr [rdi]")             \
    A(iret_to_ring0, "push 0x10; push rsp; pushfq; push 8; lea rax, [rip]; push rax; iretq")       \
    A(iret_to_wild,                                                                                \
      "push 0x2b; push rsp; pushfq; push 0x33; mov rax, 1; shl rax, 47; push rax; iretq")

#define DEFINE(name, text) GUEST_CODE(attempt_##name, text "; mov ebx, 0xbad; syscall");
ATTEMPTS(DEFINE)

static const struct {
    const char *name;
    const uint8_t *code, *end;
} attempts[] = {
#define ROW(name, text) {#name, attempt_##name, attempt_##name##_end},
    ATTEMPTS(ROW)};

static void test_privileged_instructions_do_nothing(void **state)
{
    struct guest g;
    open_hostile(&g);
    for (size_t i = 0; i < ARRAY_LEN(attempts); i++) {
        guest_code_at(&g, CODE_AT, attempts[i].code, (size_t)(attempts[i].end - attempts[i].code));
        g.st.gpr[X86_RDI] = DATA_AT;
        guest_run_to_exit(&g);
        if (g.exit.kind != CPU_EXIT_EXCEPTION && g.exit.kind != CPU_EXIT_FAULT)
            fail_msg("%s: exit %d", attempts[i].name, g.exit.kind);
        assert_int_not_equal(g.st.gpr[X86_RBX], 0xbad);
        assert_goes_on(&g, attempts[i].name);
    }
    guest_close(&g);
}

/* ---- What may or may not be allowed, but must not harm --------------------------------------- */

#define ODDITIES(A)                                                                                \
    A(vmcall, "xor eax, eax; vmcall")                                                              \
    A(vmmcall, "mov eax, 5; vmmcall")                                                              \
    A(rdpmc, "xor ecx, ecx; rdpmc")                                                                \
    A(sgdt, "sgdt [rdi]; sidt [rdi + 16]; sldt eax; str eax; smsw eax")                            \
    A(sysenter, "mov rbp, rsp; sysenter")                                                          \
    A(split_lock, "lock inc dword ptr [rdi + 62]")                                                 \
    A(across_pages, "lock inc qword ptr [rdi + 0xffc]")                                            \
    A(pop_ss, "mov eax, 0x2b; mov ss, eax; int3")                                                  \
    A(pop_ss_syscall, "mov eax, 0x2b; mov ss, eax; syscall")                                       \
    A(trap_pop_ss, "pushfq; or dword ptr [rsp], 0x100; popfq; mov eax, 0x2b; mov ss, eax; int3")   \
    A(trap_syscall, "pushfq; or dword ptr [rsp], 0x100; popfq; syscall")                           \
    A(trap_int, "pushfq; or dword ptr [rsp], 0x100; popfq; int 0x80")                              \
    A(nested_task, "pushfq; or dword ptr [rsp], 0x4000; popfq; iretq")                             \
    A(no_interrupts, "pushfq; and dword ptr [rsp], ~0x200; popfq; 1: jmp 1b")                      \
    A(all_flags, "push -1; popfq; nop")                                                            \
    A(alignment, "pushfq; or dword ptr [rsp], 0x40000; popfq; mov eax, [rdi + 1]")                 \
    A(icebp, ".byte 0xf1")                                                                         \
    A(prefixes, ".fill 20, 1, 0x66; nop")                                                          \
    A(lock_nothing, ".byte 0xf0; nop")                                                             \
    A(xrstor_garbage, "mov eax, -1; mov edx, eax; xrstor [rdi]")                                   \
    A(fxrstor_garbage, "fxrstor [rdi]; fld1; fwait")                                               \
    A(mxcsr, "mov dword ptr [rdi], -1; ldmxcsr [rdi]")                                             \
    A(wild_stack, "mov rsp, 0xffffffffc0002000; push rax")                                         \
    A(wild_stack_trap, "mov rsp, 0xffffffffc0002000; int3")                                        \
    A(no_stack_trap, "mov rsp, 0x8000000000000000; ud2")                                           \
    A(kernel_gs, "mov rax, 0xffffffffc0000000; wrgsbase rax; mov rbx, gs:[0]")                     \
    A(handlers, "mov rax, 0xffffffffc0000800; jmp rax")                                            \
    A(syscall_handler,                                                                             \
      "lea rcx, [rip + 1f]; mov rax, 0xffffffffc0000840; jmp rax; syscall; 1: nop")                \
    A(rewriter, "mov rax, 0xffffffffc0000860; mov edx, 1; mov rbx, rdi; jmp rax")                  \
    A(spin, "1: jmp 1b")                                                                           \
    A(spin_on_strings, "1: mov ecx, 0x1000; mov rsi, rdi; rep lodsb; jmp 1b")                      \
    A(spin_on_pause, "1: pause; jmp 1b")                                                           \
    A(recursion, "1: call 1b")

#define DEFINE_ODD(name, text) GUEST_CODE(odd_##name, text "; mov ebx, 0xbad; syscall");
ODDITIES(DEFINE_ODD)

static const struct {
    const char *name;
    const uint8_t *code, *end;
} oddities[] = {
#define ODD_ROW(name, text) {#name, odd_##name, odd_##name##_end},
    ODDITIES(ODD_ROW)};

static void test_oddities_do_no_harm(void **state)
{
    for (size_t i = 0; i < ARRAY_LEN(oddities); i++) {
        struct guest g;
        open_hostile(&g);
        for (int round = 0; round < 3; round++) {
            guest_code_at(&g, CODE_AT, oddities[i].code,
                          (size_t)(oddities[i].end - oddities[i].code));
            g.st.gpr[X86_RDI] = DATA_AT;
            guest_run(&g);
            assert_goes_on(&g, oddities[i].name);
        }
        guest_close(&g);
    }
}

static void test_all_interrupt_vectors_come_back(void **state)
{
    struct guest g;
    open_hostile(&g);
    for (unsigned v = 0; v < 256; v++) {
        const uint8_t code[] = {0xcd, (uint8_t)v, 0x0f, 0x0b};
        guest_code_at(&g, CODE_AT, code, sizeof code);
        guest_run_to_exit(&g);
        if (g.exit.kind != CPU_EXIT_INTERRUPT && g.exit.kind != CPU_EXIT_EXCEPTION)
            fail_msg("int %u: exit %d", v, g.exit.kind);
        /* kvm_pvm has #GP behind two of them, and steps over a third. */
        bool odd = guest_engine() == &cpu_kvm &&
                   (g.exit.vector == X86_VEC_GP || g.exit.vector == X86_VEC_UD);
        if (g.exit.vector != v && !odd)
            fail_msg("int %u: exit %d, vector %u", v, g.exit.kind, g.exit.vector);
        assert_goes_on(&g, "int n");
    }
    guest_close(&g);
}

/* ---- Memory of the other side ---------------------------------------------------------------- */

GUEST_CODE(read_there, "mov rbx, [rdi]; syscall");
GUEST_CODE(write_there, "mov [rdi], rax; syscall");
GUEST_CODE(add_there, "lock add [rdi], rax; syscall");
GUEST_CODE(run_there, "jmp rdi");
GUEST_CODE(copy_there, "mov rsi, rdi; mov edi, 0x500000; mov ecx, 0x1000; rep movsb; syscall");
GUEST_CODE(prefetch_there, "prefetcht0 [rdi]; clflush [rdi]; mov rbx, [rdi]; syscall");

static void try_all_accesses(struct guest *g, uint64_t at)
{
    static const struct {
        const uint8_t *code;
        size_t len;
    } ways[] = {{read_there, 16}, {write_there, 16}, {add_there, 16},
                {run_there, 2},   {copy_there, 32},  {prefetch_there, 24}};
    for (size_t i = 0; i < ARRAY_LEN(ways); i++) {
        guest_code_at(g, CODE_AT, ways[i].code, ways[i].len);
        g->st.gpr[X86_RDI] = at;
        g->st.gpr[X86_RBX] = 0x1234;
        guest_run_to_exit(g);
        bool spins = g->exit.kind == CPU_EXIT_SLICE && guest_engine() == &cpu_unicorn &&
                     ways[i].code == run_there; /* where that engine enters the guest: it does */
        if (g->exit.kind != CPU_EXIT_FAULT && g->exit.kind != CPU_EXIT_EXCEPTION && !spins)
            fail_msg("%#lx, way %zu: exit %d %s", (unsigned long)at, i, g->exit.kind,
                     g->exit.kind == CPU_EXIT_FAILURE ? g->exit.message : "");
        assert_int_equal(g->st.gpr[X86_RBX], 0x1234);
    }
}

static void test_descriptors_handlers_and_page_tables_are_out_of_reach(void **state)
{
    struct guest g;
    open_hostile(&g);
    for (uint64_t offset = 0; offset < 0x10000; offset += 0x400)
        try_all_accesses(&g, SYSTEM_VA + offset);
    for (uint64_t offset = 0x10000; offset < MEM_RAM_MARGIN; offset += MEM_RAM_MARGIN / 16)
        try_all_accesses(&g, SYSTEM_VA + offset);
    assert_goes_on(&g, "the kernel's memory");
    guest_close(&g);
}

static void test_the_upper_half_is_out_of_reach(void **state)
{
    struct guest g;
    open_hostile(&g);
    for (unsigned bit = 12; bit < 47; bit++) {
        try_all_accesses(&g, 0xffff800000000000 + (1ull << bit));
        try_all_accesses(&g, 0 - (1ull << bit));
    }
    for (unsigned bit = 47; bit < 64; bit++)
        try_all_accesses(&g, 1ull << bit);
    assert_goes_on(&g, "the upper half");
    guest_close(&g);
}

/* ---- Much of everything ---------------------------------------------------------------------- */

static void test_storms_of_exceptions_leave_the_engine_well(void **state)
{
    GUEST_CODE(storm, "ud2; int3; div ecx; mov rbx, [0]; int 0x80; hlt");
    enum { ROUNDS = 300 };
    static const uint8_t steps[] = {2, 1, 2, 8, 2, 1};
    struct guest g;
    open_hostile(&g);
    guest_code(&g, storm);
    for (int round = 0; round < ROUNDS; round++) {
        uint64_t at = CODE_AT;
        for (size_t i = 0; i < ARRAY_LEN(steps); at += steps[i++]) {
            g.st.rip = at;
            g.st.gpr[X86_RCX] = 0;
            guest_run_to_exit(&g);
            assert_true(g.exit.kind == CPU_EXIT_EXCEPTION || g.exit.kind == CPU_EXIT_FAULT ||
                        g.exit.kind == CPU_EXIT_INTERRUPT);
        }
    }
    assert_goes_on(&g, "a storm");
    guest_close(&g);
}

/* Wherever code goes wrong, it is the guest's exception. */
static void test_random_code_is_the_guests_own_trouble(void **state)
{
    enum { PROGRAMS = 400, LENGTH = 256, RUNS = 6 };
    uint64_t seed = 0x9e3779b97f4a7c15;
    uint8_t code[LENGTH];
    struct guest g;
    open_hostile(&g);
    for (int n = 0; n < PROGRAMS; n++) {
        for (size_t i = 0; i < LENGTH; i++) {
            seed ^= seed << 13;
            seed ^= seed >> 7;
            seed ^= seed << 17;
            code[i] = (uint8_t)(seed >> 24);
        }
        guest_code_at(&g, CODE_AT, code, LENGTH);
        for (int i = 0; i < X86_GPR_COUNT; i++)
            g.st.gpr[i] = i % 3 ? DATA_AT + (uint64_t)i * 0x100 : seed >> i;
        g.st.gpr[X86_RSP] = STACK_AT + AREA - 0x100;
        for (int i = 0; i < RUNS && g.exit.kind != CPU_EXIT_FAILURE; i++)
            guest_run(&g);
        assert_goes_on(&g, "random code");
    }
    guest_close(&g);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_privileged_instructions_do_nothing),
        cmocka_unit_test(test_oddities_do_no_harm),
        cmocka_unit_test(test_all_interrupt_vectors_come_back),
        cmocka_unit_test(test_descriptors_handlers_and_page_tables_are_out_of_reach),
        cmocka_unit_test(test_the_upper_half_is_out_of_reach),
        cmocka_unit_test(test_storms_of_exceptions_leave_the_engine_well),
        cmocka_unit_test(test_random_code_is_the_guests_own_trouble),
    };
    guest_engine();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
