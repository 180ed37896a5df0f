// SPDX-License-Identifier: GPL-2.0-or-later
/* What engines tell of data as it is used: cpu_watch(). */
#include "watch_fixture.h"

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

int main(void)
{
    const struct CMUnitTest tests[] = {
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
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
