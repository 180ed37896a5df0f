// SPDX-License-Identifier: GPL-2.0-or-later
/* Calls that the native engine notes by itself, against the same calls by way of the gates. */
#include "cpu_fixture.h"
#include <pthread.h>
#include <stdatomic.h>
#include <time.h>

enum {
    GATES_AT = 0x7ffd0000,
    GATES_SIZE = 0x10000,
    GATE_CALL = GATES_AT + 0xf00,
    GATE_RETURN = GATES_AT + 0xf10,
    THUNK_AT = CODE_AT + 0x800,
    THUNK_SIZE = 5,
    TARGET_AT = CODE_AT + 0x900,
    FEW = 1000,
    MANY = 2000000,
    ERROR = 1234,
    STACK_END = 0x5f000
};

/* rdi times function(i, 0x77, 0x88, 0x99[, 0xaa, 0xbb]); the sum of results in rsi. */
GUEST_CODE(loop64,
           "xor ebx, ebx; xor esi, esi; sub rsp, 0x38; mov qword ptr [rsp + 0x20], 0xaa;"
           "mov qword ptr [rsp + 0x28], 0xbb;"
           "1: mov ecx, ebx; mov edx, 0x77; mov r8d, 0x88; mov r9d, 0x99; mov r12, 0x400800;"
           "call r12; add rsi, rax; cmp edx, 0x78; jne 2f; inc ebx; cmp ebx, edi; jb 1b;"
           "int 0x2d; 2: ud2");
GUEST_CODE(target64, "lea eax, [rcx + 1]; cmp edx, 0x77; jne 1f; cmp r8d, 0x88; jne 1f;"
                     "cmp r9d, 0x99; jne 1f; inc edx; test eax, 0x3ff; jz 2f; ret; 1: ud2;"
                     "2: int 0x2e; ret");
GUEST_CODE32(loop32, "xor ebx, ebx; xor esi, esi;"
                     "1: mov ecx, 0x55; push 0x77; push ebx; mov eax, 0x400800; call eax;"
                     "add esi, eax; cmp edx, 0x78; jne 2f; cmp ecx, 0x55; jne 2f; inc ebx;"
                     "cmp ebx, edi; jb 1b; int 0x2d; 2: ud2");
GUEST_CODE32(target32, "mov eax, [esp + 4]; inc eax; mov edx, [esp + 8]; cmp edx, 0x77; jne 1f;"
                       "inc edx; test eax, 0x3ff; jz 2f; ret 8; 1: ud2; 2: int 0x2e; ret 8");

struct records {
    struct guest g;
    unsigned ptr_size;
    uint64_t slot, back; /* of the call that goes on */
    unsigned calls, returns, noted, opened, inside;
    bool off;
    atomic_bool over;
};

static void called(struct records *r, uint64_t first_argument)
{
    assert_int_equal(r->calls, r->returns);
    assert_int_equal(first_argument, r->calls);
    r->calls++;
}

static void returned(struct records *r, uint64_t result)
{
    r->returns++;
    assert_int_equal(r->calls, r->returns);
    assert_int_equal(result, r->returns);
}

static void on_records(void *ctx, struct x86_state *st, const struct cpu_record *list, size_t n,
                       bool open)
{
    struct records *r = ctx;
    for (size_t i = 0; i < n; i++) {
        const struct cpu_record *c = &list[i];
        assert_int_equal(c->key, THUNK_AT + THUNK_SIZE);
        assert_int_equal(c->arg[1], 0x77);
        assert_int_equal(c->stack, STACK_END);
        if (r->ptr_size == 8) {
            assert_int_equal(c->arg[3], 0x99);
            assert_int_equal(c->arg[4], 0xaa);
            assert_int_equal(c->arg[5], 0xbb);
        }
        called(r, c->arg[0]);
        r->slot = c->slot;
        r->back = c->back;
        if (open && i == n - 1) {
            r->opened++;
            return;
        }
        assert_true(c->ended <= c->began);
        assert_int_equal(c->last_error, ERROR);
        assert_int_equal(c->result[1], 0x78);
        returned(r, c->result[0]);
        r->noted++;
    }
}

static uint64_t pointer_at(struct records *r, uint64_t va)
{
    uint64_t v = 0;
    assert_true(mem_peek(r->g.mem, va, &v, r->ptr_size));
    return v;
}

/* What hook/ does, in short. */
static bool on_exit_of(void *ctx, struct x86_state *st, const struct cpu_exit *exit)
{
    struct records *r = ctx;
    uint64_t *sp = &st->gpr[X86_RSP], gate = GATE_RETURN;
    if (exit->kind == CPU_EXIT_INTERRUPT && exit->vector == 0x2e) {
        assert_int_equal(r->calls, r->returns + 1); /* told of first */
        r->inside++;
        return true;
    }
    if (exit->kind != CPU_EXIT_GATE)
        return false;
    if (exit->address == GATE_RETURN) {
        assert_int_equal(*sp, r->slot + (r->ptr_size == 8 ? 8 : 12));
        returned(r, st->gpr[X86_RAX]);
        st->rip = r->back;
        return true;
    }
    assert_int_equal(exit->address, GATE_CALL);
    assert_int_equal(pointer_at(r, *sp), THUNK_AT + THUNK_SIZE);
    *sp += r->ptr_size;
    called(r, r->ptr_size == 8 ? st->gpr[X86_RCX] : pointer_at(r, *sp + 4) & 0xffffffff);
    r->slot = *sp;
    r->back = pointer_at(r, *sp);
    assert_int_equal(mem_write(r->g.mem, *sp, &gate, r->ptr_size), STATUS_SUCCESS);
    st->rip = TARGET_AT;
    cpu_note_calls(r->g.cpu, !r->off);
    cpu_note_call(r->g.cpu,
                  &(struct cpu_noted){THUNK_AT + THUNK_SIZE, TARGET_AT, r->ptr_size == 8 ? 6 : 2,
                                      r->ptr_size == 8 ? 0 : 8});
    return true;
}

static void open_records(struct records *r, unsigned ptr_size)
{
    struct guest *g = &r->g;
    struct pgr_error e = {0};
    struct mem_config mc = {NULL, 0x10000, ptr_size == 4 ? 0x7ffeffff : 0x7ffffffeffff, ptr_size};
    struct cpu_config cc = {.on_exit = on_exit_of,
                            .ctx = r,
                            .gate_base = GATES_AT,
                            .gate_size = GATES_SIZE,
                            .note_call = GATE_CALL,
                            .note_return = GATE_RETURN,
                            .on_records = on_records};
    memset(r, 0, sizeof *r);
    r->ptr_size = ptr_size;
    assert_int_equal(mem_ram_create(&g->ram, (uint64_t)RAM_LIMIT_GIB << 30, &e), PGR_OK);
    mc.ram = g->ram;
    assert_int_equal(mem_create(&mc, &g->mem, &e), PGR_OK);
    cc.mem = g->mem;
    assert_int_equal(cpu_create(guest_engine(), &cc, &g->cpu, &e), PGR_OK);
    guest_alloc(g, GATES_AT, GATES_SIZE, PAGE_EXECUTE_READ);
    guest_alloc(g, CODE_AT, AREA, PAGE_EXECUTE_READ);
    guest_alloc(g, DATA_AT, AREA, PAGE_READWRITE);
    guest_alloc(g, STACK_AT, AREA, PAGE_READWRITE);
    x86_state_init(&g->st, ptr_size);
    g->st.gpr[X86_RSP] = STACK_AT + AREA - 0x100;
}

static void close_records(struct records *r)
{
    cpu_destroy(r->g.cpu);
    mem_destroy(r->g.mem);
    mem_ram_destroy(r->g.ram);
}

static void set_code(struct records *r, uint32_t times)
{
    struct guest *g = &r->g;
    const uint32_t distance = GATE_CALL - (THUNK_AT + THUNK_SIZE), error = ERROR;
    const uint64_t end = STACK_END;
    const bool wide = r->ptr_size == 8;
    guest_poke(g, THUNK_AT, "\xe8", 1);
    guest_poke(g, THUNK_AT + 1, &distance, sizeof distance);
    if (wide)
        guest_poke(g, TARGET_AT, target64, (size_t)(target64_end - target64));
    else
        guest_poke(g, TARGET_AT, target32, (size_t)(target32_end - target32));
    /* A TEB, as far as it matters. */
    guest_poke(g, DATA_AT + (wide ? 0x10 : 8), &end, r->ptr_size);
    guest_poke(g, DATA_AT + (wide ? 0x68 : 0x34), &error, sizeof error);
    g->st.gs_base = wide ? DATA_AT : 0;
    g->st.fs_base = wide ? 0 : DATA_AT;
    if (!wide)
        g->st.fs = X86_SEL_TEB32;
    g->st.gpr[X86_RDI] = times;
    if (wide)
        guest_code(g, loop64);
    else
        guest_code(g, loop32);
}

static void run_to_end(struct records *r, uint32_t times)
{
    struct guest *g = &r->g;
    const uint64_t sum = (uint64_t)times * (times + 1ull) / 2;
    set_code(r, times);
    do
        guest_run(g);
    while (g->exit.kind == CPU_EXIT_STOP || g->exit.kind == CPU_EXIT_SLICE);
    if (g->exit.kind == CPU_EXIT_FAILURE)
        print_message("%s\n", g->exit.message);
    assert_int_equal(g->exit.kind, CPU_EXIT_INTERRUPT);
    assert_int_equal(g->exit.vector, 0x2d);
    assert_int_equal(r->calls, times);
    assert_int_equal(r->returns, times);
    assert_int_equal(g->st.gpr[X86_RSI], r->ptr_size == 8 ? sum : (uint32_t)sum);
    assert_int_equal(r->inside, times / 0x400);
}

static void notes(unsigned ptr_size)
{
    struct records r;
    open_records(&r, ptr_size);
    run_to_end(&r, FEW);
    assert_true(r.noted >= FEW - 10); /* but for the first, and those when there is no more room */
    close_records(&r);
}

static void test_calls_are_noted(void **state)
{
    notes(8);
}

static void test_calls_of_32_bit_code_are_noted(void **state)
{
    notes(4);
}

static void test_nothing_is_noted_when_it_is_off(void **state)
{
    struct records r;
    open_records(&r, 8);
    r.off = true;
    run_to_end(&r, FEW);
    assert_int_equal(r.noted, 0);
    close_records(&r);
}

static void *stops(void *arg)
{
    struct records *r = arg;
    struct timespec pause = {0, 1000};
    while (!atomic_load(&r->over)) {
        cpu_stop(r->g.cpu);
        pause.tv_nsec = (pause.tv_nsec * 7 + 11) % 20000;
        nanosleep(&pause, NULL);
    }
    return NULL;
}

/* A stop is a signal that may hit any instruction of the code that notes. */
static void notes_while_stopped(unsigned ptr_size)
{
    struct records r;
    pthread_t thread;
    open_records(&r, ptr_size);
    assert_int_equal(pthread_create(&thread, NULL, stops, &r), 0);
    run_to_end(&r, MANY);
    atomic_store(&r.over, true);
    pthread_join(thread, NULL);
    assert_true(r.noted > MANY / 4);
    close_records(&r);
}

static void test_signals_meet_it_anywhere(void **state)
{
    notes_while_stopped(8);
}

static void test_signals_meet_it_anywhere_with_32_bit_code(void **state)
{
    notes_while_stopped(4);
}

/* The last instruction of all, behind which nothing is left to be put right: it faults here. */
GUEST_CODE(to_last,
           "xor ebx, ebx; sub rsp, 0x38; mov qword ptr [rsp + 0x20], 0xaa;"
           "mov qword ptr [rsp + 0x28], 0xbb;"
           "1: mov ecx, ebx; mov edx, 0x77; mov r8d, 0x88; mov r9d, 0x99; mov r12, 0x400800;"
           "call r12; inc ebx; cmp ebx, 3; jb 1b; je 2f; int 0x2d;"
           "2: xor r10d, r10d; jmp rdi");
extern const uint8_t native_record64[], native_record64_back[];

static void test_a_signal_after_the_end_goes_on_at_the_caller(void **state)
{
    struct records r;
    struct guest *g = &r.g;
    open_records(&r, 8);
    set_code(&r, 0);
    guest_code(g, to_last);
    g->st.gpr[X86_RDI] = GATES_AT + 0x1000 + (uint64_t)(native_record64_back - native_record64);
    do
        guest_run(g);
    while (g->exit.kind == CPU_EXIT_SLICE);
    assert_int_equal(g->exit.kind, CPU_EXIT_INTERRUPT);
    assert_int_equal(g->st.gpr[X86_RBX], 4);
    assert_int_equal(r.returns, 3);
    assert_true(r.noted > 0);
    close_records(&r);
}

/* The guest can write there: what it says is taken for what it is worth, or not at all. */
GUEST_CODE(scribbles,
           "mov edi, 0x7ffd2000; mov ecx, 0x1600; mov rax, 0x4242424242424242; rep stosq;"
           "int 0x2d");

static void test_what_the_guest_writes_over_it_does_no_harm(void **state)
{
    struct records r;
    open_records(&r, 8);
    set_code(&r, FEW);
    guest_code(&r.g, scribbles);
    do
        guest_run(&r.g);
    while (r.g.exit.kind == CPU_EXIT_SLICE);
    assert_int_equal(r.g.exit.kind, CPU_EXIT_INTERRUPT);
    assert_int_equal(r.calls, 0);
    close_records(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_calls_are_noted),
        cmocka_unit_test(test_calls_of_32_bit_code_are_noted),
        cmocka_unit_test(test_nothing_is_noted_when_it_is_off),
        cmocka_unit_test(test_signals_meet_it_anywhere),
        cmocka_unit_test(test_signals_meet_it_anywhere_with_32_bit_code),
        cmocka_unit_test(test_a_signal_after_the_end_goes_on_at_the_caller),
        cmocka_unit_test(test_what_the_guest_writes_over_it_does_no_harm),
    };
    setenv("PGR_TEST_ENGINE", "native", 1);
    guest_engine(); /* skips where the host cannot */
    return cmocka_run_group_tests(tests, NULL, NULL);
}
