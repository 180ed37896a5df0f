// SPDX-License-Identifier: GPL-2.0-or-later
/* Calls that an engine notes by itself, against the same calls by way of the gates. */
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
    STACK_END = 0x5f000,
    TEXT_AT = DATA_AT + 0x200,
    BUFFER_AT = DATA_AT + 0x800,
    BUFFER_SIZE = 6,
    INNER_THUNK_AT = CODE_AT + 0xa00,
    INNER_AT = CODE_AT + 0xa40
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

struct nested {
    unsigned depth, calls, noted;
    uint64_t slot[2], back[2];
};

struct records {
    struct guest g;
    unsigned ptr_size;
    uint64_t slot, back; /* of the call that goes on */
    void (*on_record)(struct records *r, const struct cpu_record *c);
    bool (*on_exit)(struct records *r, struct x86_state *st, const struct cpu_exit *exit);
    struct cpu_noted f;
    struct nested nested;
    uint64_t ago;
    unsigned calls, returns, noted, inside;
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

static void on_record(struct records *r, const struct cpu_record *c)
{
    assert_int_equal(c->key, THUNK_AT + THUNK_SIZE);
    assert_true(c->ago <= r->ago);
    r->ago = c->ago;
    assert_int_equal(c->stack, STACK_END);
    if (c->returned) {
        assert_int_equal(c->slot, r->slot);
        assert_int_equal(c->last_error, ERROR);
        assert_int_equal(c->result[1], 0x78);
        returned(r, c->result[0]);
        r->noted++;
        return;
    }
    assert_int_equal(c->arg[1], 0x77);
    if (r->ptr_size == 8) {
        assert_int_equal(c->arg[3], 0x99);
        assert_int_equal(c->arg[4], 0xaa);
        assert_int_equal(c->arg[5], 0xbb);
    }
    called(r, c->arg[0]);
    r->slot = c->slot;
    r->back = c->back;
}

static void on_records(void *ctx)
{
    struct records *r = ctx;
    struct cpu_record c;
    const struct x86_state *st;
    r->ago = UINT64_MAX;
    while ((st = cpu_next_record(r->g.cpu, &c))) {
        assert_ptr_equal(st, &r->g.st);
        r->on_record(r, &c);
    }
}

static uint64_t pointer_at(struct records *r, uint64_t va)
{
    uint64_t v = 0;
    assert_true(mem_peek(r->g.mem, va, &v, r->ptr_size));
    return v;
}

/* What hook/ does, in short. */
static bool on_exit_of(struct records *r, struct x86_state *st, const struct cpu_exit *exit)
{
    uint64_t *sp = &st->gpr[X86_RSP], gate = GATE_RETURN;
    if (exit->kind == CPU_EXIT_INTERRUPT && exit->vector == 0x2e) {
        assert_int_equal(r->calls, r->returns + 1); /* told of first */
        r->inside++;
        return true;
    }
    if (exit->kind != CPU_EXIT_GATE)
        return false;
    if (exit->address == GATE_RETURN) {
        assert_int_equal(*sp, r->slot + r->ptr_size + r->f.pops);
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
    cpu_note_calls(r->g.cpu, st, !r->off, false);
    cpu_note_call(r->g.cpu, &r->f);
    return true;
}

static bool on_any_exit(void *ctx, struct x86_state *st, const struct cpu_exit *exit)
{
    struct records *r = ctx;
    return r->on_exit(r, st, exit);
}

/* kvm takes the ordinary ways with 32-bit code, where it runs that at all. */
static void needs_notes_of(unsigned ptr_size)
{
    if (ptr_size == 4 && strcmp(guest_engine()->name, "native") != 0)
        skip();
}

static void open_records(struct records *r, unsigned ptr_size)
{
    struct guest *g = &r->g;
    struct pgr_error e = {0};
    struct mem_config mc = {NULL, 0x10000, ptr_size == 4 ? 0x7ffeffff : 0x7ffffffeffff, ptr_size};
    struct cpu_config cc = {.on_exit = on_any_exit,
                            .ctx = r,
                            .gate_base = GATES_AT,
                            .gate_size = GATES_SIZE,
                            .note_call = GATE_CALL,
                            .note_return = GATE_RETURN,
                            .on_records = on_records};
    memset(r, 0, sizeof *r);
    r->ptr_size = ptr_size;
    r->on_record = on_record;
    r->on_exit = on_exit_of;
    r->f = (struct cpu_noted){.key = THUNK_AT + THUNK_SIZE,
                              .target = TARGET_AT,
                              .pops = ptr_size == 8 ? 0 : 8,
                              .args = ptr_size == 8 ? 6 : 2};
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
    needs_notes_of(ptr_size);
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
    needs_notes_of(ptr_size);
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

/* ---- Memory ---------------------------------------------------------------------------------- */

/* function(i, text, buffer, BUFFER_SIZE): counts up what the buffer begins with. */
GUEST_CODE(loop_text, "xor ebx, ebx; sub rsp, 0x38;"
                      "1: mov ecx, ebx; mov edx, 0x500200; mov r8d, 0x500800; mov r9d, 6;"
                      "mov r12, 0x400800; call r12; inc ebx; cmp ebx, edi; jb 1b; int 0x2d");
GUEST_CODE(count_up, "inc dword ptr [r8]; lea eax, [rcx + 1]; ret");
GUEST_CODE32(loop_text32, "xor ebx, ebx;"
                          "1: push 6; push 0x500800; push 0x500200; push ebx; mov eax, 0x400800;"
                          "call eax; inc ebx; cmp ebx, edi; jb 1b; int 0x2d");
GUEST_CODE32(count_up32,
             "mov eax, [esp + 12]; inc dword ptr [eax]; mov eax, [esp + 4]; inc eax; ret 16");

static const char text[] = "a text of some length";

static const struct cpu_piece *piece_of(const struct cpu_record *c, uint64_t va)
{
    for (unsigned i = 0; i < c->piece_count; i++)
        if (c->piece[i].va == va)
            return &c->piece[i];
    return NULL;
}

static void on_memory(struct records *r, const struct cpu_record *c)
{
    uint32_t count;
    const struct cpu_piece *buffer = piece_of(c, BUFFER_AT), *said = piece_of(c, TEXT_AT);
    assert_non_null(buffer);
    assert_int_equal(buffer->len, BUFFER_SIZE);
    assert_memory_equal(buffer->data + 4, "xy", 2);
    memcpy(&count, buffer->data, sizeof count);
    r->noted += c->returned;
    if (c->returned) {
        assert_null(said);
        assert_int_equal(count, r->calls);
        returned(r, c->result[0]);
        return;
    }
    assert_int_equal(count, r->calls);
    assert_non_null(said);
    assert_int_equal(said->len, sizeof text);
    assert_memory_equal(said->data, text, sizeof text);
    called(r, c->arg[0]);
}

static void memory_is_kept(unsigned ptr_size)
{
    struct records r;
    struct guest *g = &r.g;
    needs_notes_of(ptr_size);
    open_records(&r, ptr_size);
    r.on_record = on_memory;
    r.f.args = 4;
    r.f.pops = ptr_size == 8 ? 0 : 16;
    r.f.captures = 3;
    r.f.capture[0] =
        (struct cpu_capture){.arg = 1, .how = CPU_CAPTURE_TEXT, .when = CPU_CAPTURE_CALL};
    r.f.capture[1] = (struct cpu_capture){.arg = 2,
                                          .how = CPU_CAPTURE_SIZED,
                                          .when = CPU_CAPTURE_CALL | CPU_CAPTURE_RETURN,
                                          .size_arg = 3,
                                          .size = 1,
                                          .most = 128};
    r.f.capture[2] = (struct cpu_capture){.arg = 0, /* no pointer: nothing is read there */
                                          .how = CPU_CAPTURE_BYTES,
                                          .when = CPU_CAPTURE_CALL | CPU_CAPTURE_RETURN,
                                          .size = 8};
    set_code(&r, FEW);
    guest_poke(g, TEXT_AT, text, sizeof text);
    guest_poke(g, BUFFER_AT, "\0\0\0\0xy", BUFFER_SIZE);
    if (ptr_size == 8) {
        guest_poke(g, TARGET_AT, count_up, (size_t)(count_up_end - count_up));
        guest_code(g, loop_text);
    } else {
        guest_poke(g, TARGET_AT, count_up32, (size_t)(count_up32_end - count_up32));
        guest_code(g, loop_text32);
    }
    do
        guest_run(g);
    while (g->exit.kind == CPU_EXIT_SLICE);
    assert_int_equal(g->exit.kind, CPU_EXIT_INTERRUPT);
    assert_int_equal(r.calls, FEW);
    assert_int_equal(r.returns, FEW);
    assert_true(r.noted >= FEW - 10);
    close_records(&r);
}

static void test_memory_is_kept_at_calls_and_returns(void **state)
{
    memory_is_kept(8);
}

static void test_memory_of_32_bit_code_is_kept(void **state)
{
    memory_is_kept(4);
}

/* Text that has no end within reach, and an address where nothing is: the call is an exit. */
static void on_bad_memory(struct records *r, const struct cpu_record *c)
{
    fail();
}

static void cannot_keep(uint32_t text_at)
{
    enum { SECOND_ARGUMENT = 10 }; /* where loop_text32 has it */
    struct records r;
    struct guest *g = &r.g;
    char long_text[CPU_CAPTURE_MOST + 1];
    needs_notes_of(4);
    open_records(&r, 4);
    r.on_record = on_bad_memory;
    r.f.args = 4;
    r.f.pops = 16;
    r.f.captures = 1;
    r.f.capture[0] =
        (struct cpu_capture){.arg = 1, .how = CPU_CAPTURE_TEXT, .when = CPU_CAPTURE_CALL};
    set_code(&r, FEW);
    memset(long_text, 'x', sizeof long_text);
    guest_poke(g, TEXT_AT, long_text, sizeof long_text);
    guest_poke(g, BUFFER_AT, "\0\0\0\0xy", BUFFER_SIZE);
    guest_poke(g, TARGET_AT, count_up32, (size_t)(count_up32_end - count_up32));
    guest_code(g, loop_text32);
    guest_poke(g, CODE_AT + SECOND_ARGUMENT, &text_at, 4);
    do
        guest_run(g);
    while (g->exit.kind == CPU_EXIT_SLICE);
    assert_int_equal(g->exit.kind, CPU_EXIT_INTERRUPT);
    assert_int_equal(r.calls, FEW);
    assert_int_equal(r.returns, FEW);
    close_records(&r);
}

static void test_calls_whose_memory_cannot_be_kept_are_exits(void **state)
{
    cannot_keep(TEXT_AT);
    cannot_keep(0x12345678);
}

/* ---- Calls inside of calls ------------------------------------------------------------------- */

/* A function that calls another one, twice. */
GUEST_CODE(loop_nested, "xor ebx, ebx; sub rsp, 0x28; 1: mov ecx, ebx; mov r12, 0x400800; call r12;"
                        "inc ebx; cmp ebx, edi; jb 1b; int 0x2d");
GUEST_CODE(outer, "sub rsp, 0x28; mov r12, 0x400a00; call r12; mov r12, 0x400a00; call r12;"
                  "add rsp, 0x28; mov eax, 1; ret");
GUEST_CODE(inner, "mov eax, 2; ret");

static void enter_nested(struct nested *n, uint64_t key, uint64_t slot, uint64_t back)
{
    assert_true(n->depth < 2);
    assert_int_equal(key, THUNK_SIZE + (n->depth ? INNER_THUNK_AT : THUNK_AT));
    n->slot[n->depth] = slot;
    n->back[n->depth++] = back;
    n->calls++;
}

static void leave_nested(struct nested *n, uint64_t slot, uint64_t result)
{
    assert_true(n->depth);
    assert_int_equal(n->slot[--n->depth], slot);
    assert_int_equal(result, n->depth + 1);
}

static void on_nested(struct records *r, const struct cpu_record *c)
{
    r->nested.noted++;
    if (c->returned)
        leave_nested(&r->nested, c->slot, c->result[0]);
    else
        enter_nested(&r->nested, c->key, c->slot, c->back);
}

static bool on_nested_exit(struct records *r, struct x86_state *st, const struct cpu_exit *exit)
{
    const uint64_t gate = GATE_RETURN;
    uint64_t *sp = &st->gpr[X86_RSP];
    if (exit->kind != CPU_EXIT_GATE)
        return false;
    if (exit->address == GATE_RETURN) {
        leave_nested(&r->nested, *sp - 8, st->gpr[X86_RAX]);
        st->rip = r->nested.back[r->nested.depth];
        return true;
    }
    uint64_t key = pointer_at(r, *sp);
    *sp += 8;
    enter_nested(&r->nested, key, *sp, pointer_at(r, *sp));
    assert_int_equal(mem_write(r->g.mem, *sp, &gate, sizeof gate), STATUS_SUCCESS);
    st->rip = key == THUNK_AT + THUNK_SIZE ? TARGET_AT : INNER_AT;
    cpu_note_calls(r->g.cpu, st, true, false);
    cpu_note_call(r->g.cpu, &(struct cpu_noted){.key = key, .target = st->rip});
    return true;
}

static void test_calls_inside_of_calls_are_noted(void **state)
{
    struct records r;
    struct guest *g = &r.g;
    const uint32_t distance = GATE_CALL - (INNER_THUNK_AT + THUNK_SIZE);
    open_records(&r, 8);
    r.on_record = on_nested;
    r.on_exit = on_nested_exit;
    set_code(&r, FEW);
    guest_poke(g, INNER_THUNK_AT, "\xe8", 1);
    guest_poke(g, INNER_THUNK_AT + 1, &distance, sizeof distance);
    guest_poke(g, TARGET_AT, outer, (size_t)(outer_end - outer));
    guest_poke(g, INNER_AT, inner, (size_t)(inner_end - inner));
    guest_code(g, loop_nested);
    do
        guest_run(g);
    while (g->exit.kind == CPU_EXIT_SLICE);
    assert_int_equal(g->exit.kind, CPU_EXIT_INTERRUPT);
    assert_int_equal(r.nested.calls, 3 * FEW);
    assert_int_equal(r.nested.depth, 0);
    assert_true(r.nested.noted >= 6 * FEW - 20); /* of calls and returns */
    close_records(&r);
}

/* ---- What guests do to it -------------------------------------------------------------------- */

/* The guest can write there: what it says is taken for what it is worth, or not at all. */
GUEST_CODE(scribbles,
           "mov rdi, 0x7ffffff50000; mov ecx, 0x2000; mov rax, 0x4242424242424242; rep stosq;"
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

/* Noise from rsi on over the notes and some of the records, between calls. */
GUEST_CODE(spoils,
           "sub rsp, 0x38; xor ebx, ebx;"
           "1: mov ecx, ebx; mov edx, 0x77; mov r8d, 0x88; mov r9d, 0x99; mov r12, 0x400800;"
           "call r12; inc ebx; cmp ebx, 4; jb 1b;"
           "mov rdi, 0x7ffffff50000; mov ecx, 0x600; add rdi, r10;"
           "2: mov rax, rsi; shl rax, 13; xor rsi, rax; mov rax, rsi; shr rax, 7; xor rsi, rax;"
           "mov rax, rsi; shl rax, 17; xor rsi, rax; mov rax, rsi; test esi, 0x300; jz 3f;"
           "and eax, 0x1ff8; 3: mov [rdi], rax; add rdi, 8; dec ecx; jnz 2b;"
           "mov ecx, ebx; mov r12, 0x400800; call r12; call r12; int 0x2d");

static void on_any_record(struct records *r, const struct cpu_record *c)
{
    uint8_t sum = 0;
    assert_true(c->piece_count <= CPU_NOTE_CAPTURES);
    for (unsigned i = 0; i < c->piece_count; i++)
        for (uint32_t j = 0; j < c->piece[i].len; j++)
            sum ^= c->piece[i].data[j];
    r->noted += 1 + (sum == 1);
}

static bool on_spoilt_exit(struct records *r, struct x86_state *st, const struct cpu_exit *exit)
{
    const uint64_t gate = GATE_RETURN;
    if (exit->kind != CPU_EXIT_GATE || exit->address != GATE_CALL || ++r->inside > 50)
        return false;
    st->gpr[X86_RSP] += 8;
    if (mem_write(r->g.mem, st->gpr[X86_RSP], &gate, sizeof gate) != STATUS_SUCCESS)
        return false;
    st->rip = TARGET_AT;
    cpu_note_calls(r->g.cpu, st, true, false);
    cpu_note_call(r->g.cpu, &r->f);
    return true;
}

static void test_noise_in_it_harms_the_guest_alone(void **state)
{
    for (uint64_t seed = 1; seed <= 150; seed++) {
        struct records r;
        open_records(&r, 8);
        r.on_record = on_any_record;
        r.on_exit = on_spoilt_exit;
        set_code(&r, FEW);
        guest_code(&r.g, spoils);
        r.g.st.gpr[X86_RSI] = seed * 0x9e3779b97f4a7c15;
        r.g.st.gpr[X86_R10] = seed % 3 * 0x1000; /* notes, stack, records */
        for (unsigned i = 0; i < 3; i++)         /* however it ends */
            guest_run(&r.g);
        close_records(&r);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_calls_are_noted),
        cmocka_unit_test(test_calls_of_32_bit_code_are_noted),
        cmocka_unit_test(test_nothing_is_noted_when_it_is_off),
        cmocka_unit_test(test_signals_meet_it_anywhere),
        cmocka_unit_test(test_signals_meet_it_anywhere_with_32_bit_code),
        cmocka_unit_test(test_memory_is_kept_at_calls_and_returns),
        cmocka_unit_test(test_memory_of_32_bit_code_is_kept),
        cmocka_unit_test(test_calls_whose_memory_cannot_be_kept_are_exits),
        cmocka_unit_test(test_calls_inside_of_calls_are_noted),
        cmocka_unit_test(test_what_the_guest_writes_over_it_does_no_harm),
        cmocka_unit_test(test_noise_in_it_harms_the_guest_alone),
    };
    setenv("PGR_TEST_ENGINE", "native", 0);
    guest_engine(); /* skips where the host cannot */
    return cmocka_run_group_tests(tests, NULL, NULL);
}
