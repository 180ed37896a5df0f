// SPDX-License-Identifier: GPL-2.0-or-later
/* Services and gates that reach the native engine without a signal look like those that do not. */
#include "cpu_fixture.h"

#define GATES_AT   0x7ffd0000
#define GATES_SIZE 0x10000
#define IMAGE_AT   0x180000000

/* A service as system DLLs have it, in those bytes. */
#define SERVICE(number)                                                                            \
    ".balign 32; .byte 0x4c, 0x8b, 0xd1; mov eax, " #number "; .byte 0xf6, 0x04, 0x25, 8, 3,"      \
    "0xfe, 0x7f, 1; .byte 0x75, 3; syscall; ret; int 0x2e; ret;"
enum { AFTER_SYSCALL = 20 };

GUEST_CODE(image, SERVICE(0x11) SERVICE(0x22) "nop");
GUEST_CODE(call_it,
           "mov rbx, 0x180000000; call rbx; mov rdi, rax; add rbx, 32; call rbx; int 0x2d");

struct services {
    struct guest g;
    struct mem_object *o;
};

static void reserve(struct guest *g, uint64_t at, uint64_t size, uint32_t protect)
{
    guest_alloc(g, at, size, protect);
}

/* Like guest_open, with gates and shared data where Windows has them, and the image mapped. */
static void open_services(struct services *s, unsigned ptr_size, bool patchable)
{
    struct guest *g = &s->g;
    struct pgr_error e = {0};
    struct mem_config mc = {NULL, 0x10000, ptr_size == 4 ? 0x7ffeffff : 0x7ffffffeffff, ptr_size};
    struct cpu_config cc = {.on_exit = guest_on_exit,
                            .ctx = g,
                            .gate_base = GATES_AT,
                            .gate_size = patchable ? GATES_SIZE : 0x1000};
    memset(s, 0, sizeof *s);
    assert_int_equal(mem_ram_create(&g->ram, (uint64_t)RAM_LIMIT_GIB << 30, &e), PGR_OK);
    mc.ram = g->ram;
    assert_int_equal(mem_create(&mc, &g->mem, &e), PGR_OK);
    cc.mem = g->mem;
    assert_int_equal(cpu_create(guest_engine(), &cc, &g->cpu, &e), PGR_OK);
    reserve(g, GATES_AT, GATES_SIZE, PAGE_EXECUTE_READ);
    reserve(g, 0x7ffe0000, 0x1000, PAGE_READONLY);
    reserve(g, CODE_AT, AREA, PAGE_EXECUTE_READ);
    reserve(g, STACK_AT, AREA, PAGE_READWRITE);
    assert_int_equal(mem_object_image(g->ram, 0x1000, &s->o), STATUS_SUCCESS);
    mem_object_put_bytes(s->o, 0, image, (size_t)(image_end - image));
    uint64_t base = ptr_size == 8 ? IMAGE_AT : 0x10000000, size = 0;
    assert_int_equal(
        mem_map_view(g->mem, s->o, 0, &base, &size, MEM_IMAGE, PAGE_EXECUTE_READ, 1, NULL),
        STATUS_SUCCESS);
    x86_state_init(&g->st, ptr_size);
    g->st.gpr[X86_RSP] = STACK_AT + AREA - 0x100;
}

static void close_services(struct services *s)
{
    cpu_destroy(s->g.cpu);
    mem_object_unref(s->o);
    mem_destroy(s->g.mem);
    mem_ram_destroy(s->g.ram);
}

static bool to_next(struct guest *g, struct x86_state *st, const struct cpu_exit *exit)
{
    if (exit->kind != CPU_EXIT_SERVICE)
        return false;
    if (g->arg) { /* the state at each service */
        struct x86_state *log = g->arg;
        cpu_sync(g->cpu, st);
        log[g->count - 1] = *st;
    }
    st->gpr[X86_RAX] += 0x100;
    return true;
}

static void set_registers(struct x86_state *st)
{
    for (int i = X86_RCX; i < X86_GPR_COUNT; i++)
        if (i != X86_RSP)
            st->gpr[i] = 0x1010101010101010ull * (uint64_t)i;
    for (int i = 0; i < 256; i++)
        st->fx[X86_FX_XMM0 + i] = (uint8_t)i;
}

static void run_services(bool patchable, struct x86_state log[3])
{
    struct services s;
    open_services(&s, 8, patchable);
    s.g.handler = to_next;
    s.g.arg = log;
    guest_code(&s.g, call_it);
    set_registers(&s.g.st);
    guest_run(&s.g);
    assert_int_equal(s.g.exit.kind, CPU_EXIT_INTERRUPT);
    assert_int_equal(s.g.count, 3);
    assert_int_equal(s.g.st.gpr[X86_RDI], 0x111);
    assert_int_equal(s.g.st.gpr[X86_RAX], 0x122);
    log[2] = s.g.st;
    close_services(&s);
}

static void test_patched_services_have_the_state_of_trapped_ones(void **state)
{
    struct x86_state *patched = calloc(6, sizeof *patched), *trapped = patched + 3;
    run_services(true, patched);
    run_services(false, trapped);
    assert_int_equal(patched[0].rip, IMAGE_AT + AFTER_SYSCALL);
    assert_int_equal(patched[0].gpr[X86_RCX], patched[0].rip);
    assert_int_equal(patched[0].gpr[X86_R10], 0x1010101010101010);
    assert_memory_equal(patched, trapped, 3 * sizeof *patched);
    free(patched);
}

static void test_the_page_itself_is_not_changed(void **state)
{
    struct services s;
    uint8_t bytes[64];
    open_services(&s, 8, true);
    s.g.handler = to_next;
    guest_code(&s.g, call_it);
    guest_run(&s.g);
    assert_true(mem_peek(s.g.mem, IMAGE_AT, bytes, sizeof bytes));
    assert_memory_equal(bytes, image, (size_t)(image_end - image));
    close_services(&s);
}

/* Hooks: the guest makes the page writable, and its bytes count. */
static void test_a_written_page_is_the_guests_own(void **state)
{
    const uint8_t jump_over[] = {0xb8, 0x77, 0, 0, 0, 0xc3}; /* mov eax, 0x77; ret */
    struct services s;
    uint64_t base = IMAGE_AT, size = 0x1000;
    uint32_t old;
    open_services(&s, 8, true);
    s.g.handler = to_next;
    guest_code(&s.g, call_it);
    guest_run(&s.g);
    assert_int_equal(s.g.count, 3);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(mem_protect(s.g.mem, &base, &size, PAGE_EXECUTE_READWRITE, &old), 0);
        assert_int_equal(mem_write(s.g.mem, IMAGE_AT, i & 1 ? image : jump_over, 6), 0);
        if (i != 2)
            assert_int_equal(mem_protect(s.g.mem, &base, &size, PAGE_EXECUTE_READ, &old), 0);
        guest_code(&s.g, call_it);
        guest_run(&s.g);
        assert_int_equal(s.g.exit.kind, CPU_EXIT_INTERRUPT);
        assert_int_equal(s.g.st.gpr[X86_RDI], i & 1 ? 0x111 : 0x77);
        assert_int_equal(s.g.st.gpr[X86_RAX], 0x122);
    }
    close_services(&s);
}

static void test_a_copied_service_returns_to_the_copy(void **state)
{
    GUEST_CODE(trampoline, "mov rsi, 0x180000000; mov edi, 0x608000; mov ecx, 21; cld; rep movsb;"
                           "mov ebx, 0x608000; call rbx; int 0x2d");
    struct services s;
    open_services(&s, 8, true);
    guest_protect(&s.g, STACK_AT + 0x8000, 0x1000, PAGE_EXECUTE_READWRITE);
    s.g.handler = to_next;
    guest_code(&s.g, call_it);
    guest_run(&s.g);
    guest_code(&s.g, trampoline);
    guest_run(&s.g);
    assert_int_equal(s.g.exit.kind, CPU_EXIT_INTERRUPT);
    assert_int_equal(s.g.st.gpr[X86_RAX], 0x111);
    close_services(&s);
}

static void test_single_steps_go_over_a_service(void **state)
{
    GUEST_CODE(stepped, "mov rbx, 0x180000000; pushfq; or dword ptr [rsp], 0x100; popfq; nop;"
                        "call rbx; nop; int 0x2d");
    struct services s;
    open_services(&s, 8, true);
    guest_code(&s.g, stepped);
    unsigned steps = 0, services = 0;
    do {
        guest_run(&s.g);
        steps += s.g.exit.kind == CPU_EXIT_EXCEPTION;
        services += s.g.exit.kind == CPU_EXIT_SERVICE;
        assert_true(s.g.st.rflags & X86_FLAG_TF);
    } while (s.g.exit.kind != CPU_EXIT_INTERRUPT && steps < 100);
    assert_int_equal(s.g.exit.kind, CPU_EXIT_INTERRUPT);
    assert_int_equal(services, 1);
    assert_in_range(steps, 5, 12);
    close_services(&s);
}

static bool from_gate(struct guest *g, struct x86_state *st, const struct cpu_exit *exit)
{
    unsigned size = mem_ptr_size(g->mem);
    uint64_t back = 0;
    if (exit->kind != CPU_EXIT_GATE)
        return false;
    assert_int_equal(st->rip, exit->address);
    st->gpr[X86_RAX] += exit->address - GATES_AT;
    assert_int_equal(mem_read(g->mem, st->gpr[X86_RSP], &back, size), STATUS_SUCCESS);
    st->rip = back;
    st->gpr[X86_RSP] += size;
    return true;
}

static void test_gates_keep_the_registers(void **state)
{
    GUEST_CODE(gates, "xor eax, eax; mov r13d, 0x7ffd0020; call r13; mov r13d, 0x7ffd0ff0; call "
                      "r13; mov r13d, 0x7ffd5550; call r13; int 0x2d");
    struct services s;
    open_services(&s, 8, true);
    s.g.handler = from_gate;
    guest_code(&s.g, gates);
    set_registers(&s.g.st);
    struct x86_state before = s.g.st;
    guest_run(&s.g);
    assert_int_equal(s.g.exit.kind, CPU_EXIT_INTERRUPT);
    assert_int_equal(s.g.st.gpr[X86_RAX], 0x20 + 0xff0 + 0x5550);
    for (int i = X86_RCX; i < X86_GPR_COUNT; i++)
        if (i != X86_R11 && i != X86_R13)
            assert_int_equal(s.g.st.gpr[i], before.gpr[i]);
    assert_memory_equal(s.g.st.fx + X86_FX_XMM0, before.fx + X86_FX_XMM0, 256);
    close_services(&s);
}

static void test_gates_of_32bit_code(void **state)
{
    GUEST_CODE32(gates32, "xor eax, eax; mov ebx, 0x7ffd0020; call ebx; mov ebx, 0x7ffd0ff0; call "
                          "ebx; mov ebx, 0x7ffd5550; call ebx; mov edx, fs:[0]; int 0x2d");
    const uint32_t mark = 0x1234;
    struct services s;
    open_services(&s, 4, true);
    guest_poke(&s.g, STACK_AT, &mark, sizeof mark);
    s.g.handler = from_gate;
    guest_code(&s.g, gates32);
    s.g.st.fs_base = STACK_AT;
    s.g.st.gpr[X86_RSI] = 0xfedcba98;
    guest_run(&s.g);
    assert_int_equal(s.g.exit.kind, CPU_EXIT_INTERRUPT);
    assert_int_equal(s.g.st.gpr[X86_RAX], 0x20 + 0xff0 + 0x5550);
    assert_int_equal(s.g.st.gpr[X86_RSI], 0xfedcba98);
    assert_int_equal(s.g.st.gpr[X86_RDX], 0x1234);
    assert_int_equal(s.g.st.gpr[X86_R11], 0);
    assert_true(x86_is_32bit(&s.g.st));
    close_services(&s);
}

/* Whenever a slice ends, the thread is somewhere in its own code. */
static void slices_around_gates(unsigned ptr_size, const uint8_t *code, size_t len, uint16_t cs)
{
    struct services s;
    unsigned slices = 0;
    open_services(&s, ptr_size, true);
    s.g.handler = from_gate;
    cpu_set_slice(s.g.cpu, 20);
    guest_code_at(&s.g, CODE_AT, code, len);
    s.g.st.gpr[X86_RCX] = 30000;
    for (;;) {
        s.g.st.gpr[X86_RAX] = 0;
        guest_run(&s.g);
        if (s.g.exit.kind != CPU_EXIT_SLICE)
            break;
        slices++;
        assert_int_equal(s.g.st.cs, cs);
        bool gate = s.g.st.rip == GATES_AT + 0x20;
        assert_true(gate || (s.g.st.rip >= CODE_AT && s.g.st.rip < CODE_AT + len));
    }
    assert_exit(&s.g, CPU_EXIT_INTERRUPT, CODE_AT + len);
    assert_int_equal(s.g.st.gpr[X86_RCX], 0);
    assert_true(slices > 10);
    close_services(&s);
}

static void test_slices_end_on_either_side_of_a_gate(void **state)
{
    GUEST_CODE(loop64, "mov ebx, 0x7ffd0020; 1: call rbx; dec ecx; jnz 1b; int 0x2d");
    GUEST_CODE32(loop32, "mov ebx, 0x7ffd0020; 1: call ebx; dec ecx; jnz 1b; int 0x2d");
    slices_around_gates(8, loop64, (size_t)(loop64_end - loop64), X86_SEL_CODE64);
    slices_around_gates(4, loop32, (size_t)(loop32_end - loop32), X86_SEL_CODE32);
}

static void test_single_steps_go_over_a_gate(void **state)
{
    GUEST_CODE(stepped_gate, "mov ebx, 0x7ffd0020; pushfq; or dword ptr [rsp], 0x100; popfq; nop;"
                             "call rbx; nop; int 0x2d");
    struct services s;
    unsigned gates = 0;
    open_services(&s, 8, true);
    guest_code(&s.g, stepped_gate);
    for (int i = 0; i < 20; i++) {
        guest_run(&s.g);
        assert_true(s.g.st.rflags & X86_FLAG_TF);
        if (s.g.exit.kind == CPU_EXIT_GATE) {
            gates++;
            from_gate(&s.g, &s.g.st, &s.g.exit);
        } else if (s.g.exit.kind == CPU_EXIT_INTERRUPT) {
            break;
        } else {
            assert_int_equal(s.g.exit.kind, CPU_EXIT_EXCEPTION);
            assert_true(s.g.st.rip == GATES_AT + 0x20 || s.g.st.rip < CODE_AT + 0x100);
        }
    }
    assert_int_equal(s.g.exit.kind, CPU_EXIT_INTERRUPT);
    assert_int_equal(gates, 1);
    close_services(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_patched_services_have_the_state_of_trapped_ones),
        cmocka_unit_test(test_the_page_itself_is_not_changed),
        cmocka_unit_test(test_a_written_page_is_the_guests_own),
        cmocka_unit_test(test_a_copied_service_returns_to_the_copy),
        cmocka_unit_test(test_single_steps_go_over_a_service),
        cmocka_unit_test(test_gates_keep_the_registers),
        cmocka_unit_test(test_gates_of_32bit_code),
        cmocka_unit_test(test_slices_end_on_either_side_of_a_gate),
        cmocka_unit_test(test_single_steps_go_over_a_gate),
    };
    setenv("PGR_TEST_ENGINE", "native", 1);
    guest_engine(); /* skips where the host cannot */
    return cmocka_run_group_tests(tests, NULL, NULL);
}
