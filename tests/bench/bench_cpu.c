// SPDX-License-Identifier: GPL-2.0-or-later
/* What the engine's transfers cost, and its compute speed against Unicorn alone. Prints lines of
 * "name value unit". Usage: bench_cpu [repetitions of each loop in thousands] */
#include "cpu_fixture.h"
#include <sys/mman.h>
#include <sys/resource.h>
#include <time.h>
#include <unicorn/unicorn.h>

static double now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t); /* other work on the machine does not count */
    return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static void report(const char *name, double value, const char *unit)
{
    printf("%-28s %10.2f %s\n", name, value, unit);
}

/* ---- Transfers: rcx is clobbered by syscall, so r12 counts ------------------------------------
 */

GUEST_CODE(empty_loop, "1: dec r12; jnz 1b; hlt");
GUEST_CODE(service_loop, "1: mov eax, 5; syscall; dec r12; jnz 1b; hlt");
GUEST_CODE(gate_loop, "mov ebx, 0x700010; 1: call rbx; dec r12; jnz 1b; hlt");
GUEST_CODE(interrupt_loop, "1: int 0x2e; dec r12; jnz 1b; hlt");
GUEST_CODE(null_loop, "xor ebx, ebx; 1: mov eax, [rbx]; dec r12; jnz 1b; hlt");
GUEST_CODE(divide_loop, "xor ebx, ebx; 1: div ebx; dec r12; jnz 1b; hlt");
GUEST_CODE(touch_loop,
           "mov rbx, 0x10000000; 1: mov [rbx], eax; add rbx, 0x1000; dec r12; jnz 1b; hlt");
GUEST_CODE(cpuid_loop, "1: xor eax, eax; cpuid; dec r12; jnz 1b; hlt");

static bool serve(struct guest *g, struct x86_state *st, const struct cpu_exit *exit)
{
    switch (exit->kind) {
    case CPU_EXIT_SERVICE:
    case CPU_EXIT_INTERRUPT:
        st->gpr[X86_RAX] = 0;
        return true;
    case CPU_EXIT_GATE:
        st->rip = guest_peek64(g, st->gpr[X86_RSP]);
        st->gpr[X86_RSP] += 8;
        return true;
    case CPU_EXIT_FAULT:
        st->rip += 2;
        return true;
    case CPU_EXIT_EXCEPTION:
        if (exit->vector != X86_VEC_DE)
            return false;
        st->rip += 2;
        return true;
    default:
        return false;
    }
}

static double time_loop(const uint8_t *code, size_t len, uint64_t n, struct guest_options o)
{
    struct guest g;
    guest_open_with(&g, o);
    g.handler = serve;
    guest_alloc(&g, 0x10000000, 0x10000000, PAGE_READWRITE);
    guest_code_at(&g, CODE_AT, code, len);
    g.st.gpr[X86_R12] = 2;
    guest_run(&g);
    g.st.rip = CODE_AT;
    g.st.gpr[X86_R12] = n;
    double t = now_ns();
    guest_run(&g);
    t = (now_ns() - t) / (double)n;
    assert_exception(&g, X86_VEC_GP, g.st.rip);
    guest_close(&g);
    return t;
}

#define LOOP(name, n, ...)                                                                         \
    report(#name,                                                                                  \
           time_loop(name, (size_t)(name##_end - name), n, (struct guest_options){__VA_ARGS__}),   \
           "ns/turn")

static double time_switch(unsigned n, bool other_fx)
{
    struct guest g;
    guest_open(&g);
    guest_code(&g, service_loop);
    struct x86_state a = g.st, b = g.st;
    a.gpr[X86_R12] = b.gpr[X86_R12] = UINT64_MAX;
    b.gs_base = 0x1000;
    if (other_fx)
        b.fx[X86_FX_XMM0] = 1;
    double t = now_ns();
    for (unsigned i = 0; i < n; i++)
        cpu_run(g.cpu, i & 1 ? &b : &a, 0, &g.exit);
    t = (now_ns() - t) / n;
    guest_close(&g);
    return t;
}

static double time_open(unsigned n)
{
    double t = now_ns();
    for (unsigned i = 0; i < n; i++) {
        struct guest g;
        guest_open(&g);
        guest_close(&g);
    }
    return (now_ns() - t) / n / 1e6;
}

/* ---- Compute ----------------------------------------------------------------------------------
 */

#define DATA_REG "mov rdi, 0x10000000;"
GUEST_CODE(kernel_alu,
           "1: imul rax, rbx; add rax, r12; xor rbx, rax; ror rbx, 7; dec r12; jnz 1b; hlt");
GUEST_CODE(kernel_store, DATA_REG "1: mov [rdi], rax; mov [rdi+8], rax; dec r12; jnz 1b; hlt");
GUEST_CODE(kernel_load, DATA_REG "1: mov rax, [rdi]; add rax, [rdi+64]; dec r12; jnz 1b; hlt");
GUEST_CODE(kernel_call, "1: call 2f; dec r12; jnz 1b; hlt; 2: push rax; pop rax; ret");
GUEST_CODE(kernel_pages, DATA_REG "xor eax,eax; 1: imul rax, rax, 69069; inc rax; mov rbx, rax;"
                                  "and rbx, 0x3fff000; add [rdi+rbx], rax; dec r12; jnz 1b; hlt");
GUEST_CODE(kernel_movsb, "1: mov rdi, 0x10000000; mov rsi, 0x10100000; mov ecx, 4096; rep movsb;"
                         "dec r12; jnz 1b; hlt");
GUEST_CODE(kernel_sse, DATA_REG "1: movups xmm0, [rdi]; mulps xmm0, xmm1; addps xmm0, xmm2;"
                                "movups [rdi], xmm0; dec r12; jnz 1b; hlt");

static double time_bare(const uint8_t *code, size_t len, uint64_t n)
{
    enum { SIZE = 0x20000000 };
    uint64_t rsp = STACK_AT + AREA - 0x100;
    uc_engine *uc;
    uint8_t *ram = mmap(NULL, SIZE, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    double t = 0;

    memcpy(ram + CODE_AT, code, len);
    uc_open(UC_ARCH_X86, UC_MODE_64, &uc);
    uc_mem_map_ptr(uc, 0, SIZE, UC_PROT_ALL, ram);
    for (int round = 0; round < 2; round++) {
        uint64_t count = round ? n : 2;
        uc_reg_write(uc, UC_X86_REG_RSP, &rsp);
        uc_reg_write(uc, UC_X86_REG_R12, &count);
        t = now_ns();
        uc_emu_start(uc, CODE_AT, 0, 0, 0);
        t = (now_ns() - t) / (double)n;
    }
    uc_close(uc);
    munmap(ram, SIZE);
    return t;
}

static double lower(double a, double b)
{
    return a < b ? a : b;
}

/* Best of several, taken in turns. */
static void compare(const char *name, const uint8_t *code, size_t len, uint64_t n)
{
    enum { ROUNDS = 5 };
    const struct guest_options plain = {0}, blocks = {.count_blocks = true},
                               counted = {.count_instructions = true};
    double best[4] = {1e18, 1e18, 1e18, 1e18};
    for (int i = 0; i < ROUNDS; i++) {
        best[0] = lower(best[0], time_bare(code, len, n));
        best[1] = lower(best[1], time_loop(code, len, n, plain));
        best[2] = lower(best[2], time_loop(code, len, n, blocks));
        best[3] = lower(best[3], time_loop(code, len, n / 10, counted));
    }
    printf("%-28s bare %9.2f ours %9.2f ns/turn; speed %5.2f of bare, counting blocks %5.2f, "
           "instructions %5.2f\n",
           name, best[0], best[1], best[0] / best[1], best[0] / best[2], best[0] / best[3]);
}
#define KERNEL(name, n) compare(#name, name, (size_t)(name##_end - name), n)

int main(int argc, char **argv)
{
    uint64_t k = argc > 1 ? strtoull(argv[1], NULL, 10) * 1000 : 300000;
    struct rusage usage;

    report("open and close", time_open(20), "ms");
    LOOP(empty_loop, k * 10);
    LOOP(service_loop, k);
    LOOP(gate_loop, k, .gates = true);
    LOOP(interrupt_loop, k);
    LOOP(null_loop, k);
    LOOP(divide_loop, k);
    LOOP(cpuid_loop, k);
    LOOP(touch_loop, 60000);
    report("cpu_run, two threads", time_switch(20000, false), "ns");
    report("cpu_run, other fx", time_switch(20000, true), "ns");
    KERNEL(kernel_alu, k * 20);
    KERNEL(kernel_store, k * 10);
    KERNEL(kernel_load, k * 10);
    KERNEL(kernel_call, k * 5);
    KERNEL(kernel_pages, k * 10);
    KERNEL(kernel_movsb, k / 100);
    KERNEL(kernel_sse, k * 5);
    getrusage(RUSAGE_SELF, &usage);
    report("peak memory", (double)usage.ru_maxrss / 1024, "MiB");
    return 0;
}
